/* SPDX-License-Identifier: Apache-2.0 */
/* Files that were seen, by their numbers: open addressing, never more than half full. */
#include "store/inodes.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

struct store_inode {
    dev_t device;
    ino_t number;
    char *path; /* NULL: free */
};

static struct store_inode *slot_of(const struct store_inodes *inodes, dev_t device,
                                   ino_t number)
{
    uint64_t hash = ((uint64_t)number ^ ((uint64_t)device << 32)) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(hash >> 20) & (inodes->size - 1);

    while (inodes->slots[at].path &&
           (inodes->slots[at].number != number || inodes->slots[at].device != device)) {
        at = (at + 1) & (inodes->size - 1);
    }
    return &inodes->slots[at];
}

static void grow(struct store_inodes *inodes)
{
    struct store_inodes larger = { .size = inodes->size ? 2 * inodes->size : 64,
                                   .count = inodes->count };

    larger.slots = md_xcalloc(larger.size, sizeof(*larger.slots));
    for (size_t i = 0; i < inodes->size; i++) {
        const struct store_inode *old = &inodes->slots[i];

        if (old->path) {
            *slot_of(&larger, old->device, old->number) = *old;
        }
    }
    free(inodes->slots);
    *inodes = larger;
}

const char *store_inodes_seen(struct store_inodes *inodes, const struct stat *st,
                              const char *path)
{
    struct store_inode *slot;

    if (S_ISDIR(st->st_mode) || st->st_nlink < 2) {
        return NULL;
    }
    if (2 * (inodes->count + 1) > inodes->size) {
        grow(inodes);
    }
    slot = slot_of(inodes, st->st_dev, st->st_ino);
    if (slot->path) {
        return slot->path;
    }
    *slot = (struct store_inode){ st->st_dev, st->st_ino, md_xstrdup(path) };
    inodes->count++;
    return NULL;
}

void store_inodes_clear(struct store_inodes *inodes)
{
    for (size_t i = 0; i < inodes->size; i++) {
        free(inodes->slots[i].path);
    }
    free(inodes->slots);
    *inodes = (struct store_inodes){ 0 };
}
