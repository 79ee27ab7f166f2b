/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a bad connection to put up with. */
#include "pull/patience.h"

#include <sys/random.h>
#include <unistd.h>

#define USUAL_PAUSE_MS 200
#define USUAL_STALL_S 20
#define MOST_DOUBLINGS 7

struct pull_patience pull_patience_complete(struct pull_patience patience)
{
    if (patience.attempts == 0)
        patience.attempts = PULL_ATTEMPTS;
    if (patience.pause_ms == 0)
        patience.pause_ms = USUAL_PAUSE_MS;
    if (patience.stall_s == 0)
        patience.stall_s = USUAL_STALL_S;
    return patience;
}

int64_t pull_patience_pause_ms(const struct pull_patience *patience, unsigned attempts)
{
    unsigned doublings = attempts - 1 < MOST_DOUBLINGS ? attempts - 1 : MOST_DOUBLINGS;
    int64_t pause = (int64_t)patience->pause_ms << doublings;
    uint32_t number = 0;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
        number = (uint32_t)getpid();
    return pause + number % (pause / 2 + 1);
}
