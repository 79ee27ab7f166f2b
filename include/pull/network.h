/* SPDX-License-Identifier: Apache-2.0 */
/* The network process: the only one that talks to registries and parses what they send. */
#ifndef MD_PULL_NETWORK_H
#define MD_PULL_NETWORK_H

#include "pull/ring.h"

/*
 * Serve RESOLVE, FETCH and FETCH_URL orders from socket until its other end is closed; runs in
 * a process of its own and never returns. Layers are fetched at the same time, through one curl
 * multi handle, with at most PULL_RINGS connections to a host.
 */
_Noreturn void pull_network_main(int socket, struct pull_ring *rings);

#endif
