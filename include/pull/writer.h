/* SPDX-License-Identifier: Apache-2.0 */
/* The writer process: unpacks and merges one layer after another as it is told. */
#ifndef MD_PULL_WRITER_H
#define MD_PULL_WRITER_H

#include "pull/ring.h"

/* Serve UNPACK and MERGE orders from socket until its other end is closed; runs in a process of
 * its own and never returns. */
_Noreturn void pull_writer_main(int socket, struct pull_ring *rings);

#endif
