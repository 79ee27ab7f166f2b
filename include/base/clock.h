/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that deadlines and pauses are told by. */
#ifndef MD_BASE_CLOCK_H
#define MD_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: clock_gettime(2). */
int64_t md_now_ms(void);

#endif
