/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of timeouts and pauses. */
#include <time.h>

#include "pull/http.h"

int64_t pull_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
