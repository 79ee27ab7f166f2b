/* SPDX-License-Identifier: Apache-2.0 */
/* A place to unpack and merge layers in, beside a canary that must not change. */
#ifndef TEST_PULL_LAYERKIT_H
#define TEST_PULL_LAYERKIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "pull/unpack.h"
#include "rawtar.h"

struct kit {
    char path[64]; /* a fresh directory with canary/ and rootfs/ in it */
    char canary[80];
    char *before; /* the canary's state */
    int dir;
    int rootfs;
    int layer; /* of the last kit_unpack() */
    int layers;
    uint64_t size;
    struct pull_unpacked unpacked;
    struct md_err err;
};

/* cmocka's set-up and tear-down: *state is the kit. The latter looks at the canary. */
int kit_open(void **state);
int kit_close(void **state);

/*
 * Unpack a tar into a new layer. With chunk 0 through pull_unpack(), else in blocks of so many
 * bytes right into the tar reader.
 */
int kit_unpack(struct kit *kit, const struct tar *tar, size_t chunk);
/* Unpack any bytes by their promise. */
int kit_unpack_bytes(struct kit *kit, const void *bytes, size_t len,
                     const struct pull_promise *promise);

/* The sizes of blocks that every tar is fed in; 0 is pull_unpack(). */
extern const size_t kit_chunks[6];
#define EACH_KIT_CHUNK(i)                                                                      \
    size_t i = 0;                                                                              \
    i < sizeof(kit_chunks) / sizeof(*kit_chunks);                                              \
    i++

/* The tar, ended and freed here, unpacks to this tree whatever the chunks are. */
void kit_gives(struct kit *kit, struct tar *tar, const char *tree);
/* The tar, ended and freed here, is refused with MD_ERR_FORMAT, naming the culprit. */
void kit_refused(struct kit *kit, struct tar *tar, const char *culprit);
/* lstat() of a name in the last layer's tree. */
struct stat kit_look(const struct kit *kit, const char *name);

/* Merge the last layer into rootfs/. */
int kit_merge(struct kit *kit);

/*
 * A tree as text, one line per entry, sorted, in memory that the caller frees:
 * "a/ 755", "a/f 644 =content", "a/l -> target", "a/p fifo 600", "a/d char 1:3".
 */
char *kit_list(int dir);
/* Fail unless the tree at dir is as told. */
void kit_expect(int dir, const char *expected);
/* The layer's tree and its list of entries ("f path", "i path"; lines) as told. */
void kit_expect_tree(const struct kit *kit, const char *expected);
void kit_expect_marks(const struct kit *kit, const char *expected);

#endif
