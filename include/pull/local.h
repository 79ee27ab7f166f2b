/* SPDX-License-Identifier: Apache-2.0 */
/* The local process: in the place of the network process, for a directory or an archive. */
#ifndef MD_PULL_LOCAL_H
#define MD_PULL_LOCAL_H

#include "pull/ring.h"

/*
 * Serve one SOURCE order and then RESOLVE and FETCH orders from socket until its other end is
 * closed; runs in a process of its own and never returns. It is the only one that parses what
 * is in an archive.
 */
_Noreturn void pull_local_main(int socket, struct pull_ring *rings);

#endif
