/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing over 64-bit hashes with a random seed: two paths of a layer that share one
 * could only be found by trying, and would do no harm but to that image.
 */
#include "store/marks.h"

#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/mem.h"

#define FIRST_SIZE 256

/* FNV-1a, then the finaliser of MurmurHash3 so that all bits count. */
static uint64_t hash_of(const struct store_marks *marks, const char *path)
{
    uint64_t hash = marks->seed ^ 0xcbf29ce484222325u;

    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    hash ^= hash >> 33;
    return hash ? hash : 1; /* 0 is an empty slot */
}

/* The slot of hash, or the empty one where it would go. */
static struct store_mark *find(const struct store_marks *marks, uint64_t hash)
{
    size_t at = hash & (marks->size - 1);

    while (marks->slots[at].hash != 0 && marks->slots[at].hash != hash)
        at = (at + 1) & (marks->size - 1);
    return &marks->slots[at];
}

static void grow(struct store_marks *marks)
{
    struct store_marks larger = { .seed = marks->seed, .count = marks->count };

    larger.size = marks->size ? marks->size * 2 : FIRST_SIZE;
    larger.slots = md_xcalloc(larger.size, sizeof(*larger.slots));
    if (!marks->size && getrandom(&larger.seed, sizeof(larger.seed), 0) < 0)
        larger.seed = 0;
    for (size_t i = 0; i < marks->size; i++) {
        if (marks->slots[i].hash)
            *find(&larger, marks->slots[i].hash) = marks->slots[i];
    }
    free(marks->slots);
    *marks = larger;
}

int store_marks_set(struct store_marks *marks, const char *path, uint32_t value,
                    struct md_err *err)
{
    struct store_mark *slot;
    uint64_t hash;

    if (marks->count >= marks->size / 2)
        grow(marks);
    hash = hash_of(marks, path);
    slot = find(marks, hash);
    if (!slot->hash && ++marks->count > MD_MAX_RECORDS)
        return md_err_set(err, MD_ERR_LIMIT, "a layer with more than %u records",
                          MD_MAX_RECORDS);
    slot->hash = hash;
    slot->value = value;
    return 0;
}

uint32_t store_marks_get(const struct store_marks *marks, const char *path)
{
    return marks->count ? find(marks, hash_of(marks, path))->value : 0;
}

void store_marks_drop(struct store_marks *marks, const char *path)
{
    struct store_mark *slot = marks->count ? find(marks, hash_of(marks, path)) : NULL;

    if (slot && slot->hash)
        slot->value = 0;
}

void store_marks_clear(struct store_marks *marks)
{
    free(marks->slots);
    *marks = (struct store_marks){ 0 };
}
