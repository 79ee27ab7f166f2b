/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of one image on their way: what can be told of them, and letting go. */
#include "pull/parts.h"

#include "base/fd.h"

size_t pull_parts_first_like(const struct pull_part *parts, size_t index)
{
    size_t first = 0;

    while (!md_digest_equal(&parts[first].wanted.diff_id, &parts[index].wanted.diff_id))
        first++;
    return first;
}

uint64_t pull_parts_missing(const struct pull_part *parts, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].stage == PULL_PART_CLAIMED || parts[i].stage == PULL_PART_FETCHED)
            bytes += (uint64_t)parts[i].wanted.layer.blob.size;
    }
    return bytes;
}

void pull_parts_clear(const struct store *store, struct pull_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        store_layer_clear(store, &parts[i].held);
        md_fd_close(&parts[i].kept.fd);
    }
}
