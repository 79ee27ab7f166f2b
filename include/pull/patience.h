/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a bad connection to put up with, and the clock for it. */
#ifndef MD_PULL_PATIENCE_H
#define MD_PULL_PATIENCE_H

#include <stdint.h>

#define PULL_ATTEMPTS 5 /* docker's number */

/* A plain value: it crosses a socket. What is 0 is the usual. */
struct pull_patience {
    uint32_t attempts; /* in a row that bring nothing new; usual: PULL_ATTEMPTS */
    uint32_t pause_ms; /* between the first two of them, then doubled; usual: 200 */
    uint32_t stall_s;  /* seconds below 1 KiB a second; usual: 20 */
};

/* The same, with the usual in place of 0. */
struct pull_patience pull_patience_complete(struct pull_patience patience);

/*
 * How long to wait after so many attempts (at least 1): 200, 400, 800 ... ms, and up to half as
 * much again by chance, so that clients do not come in step.
 */
int64_t pull_patience_pause_ms(const struct pull_patience *patience, unsigned attempts);

#endif
