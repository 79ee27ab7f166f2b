/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that deadlines and pauses are told by. */
#include "base/clock.h"

#include <time.h>

int64_t md_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
