/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a layer's compressed bytes, kept for the next pull. */
#include "store/prefix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#define NAME_SIZE 176 /* 128 hex digits, a dot, 32 more, ".prefix" */

/* 128 bits of the digest tell versions of a layer apart; the digest itself is checked later. */
static const char *prefix_name(const struct md_digest *diff_id,
                               const struct md_descriptor *blob, char *out)
{
    snprintf(out, NAME_SIZE, "%s.%.32s.prefix", md_digest_hex(diff_id),
             md_digest_hex(&blob->digest));
    return out;
}

int store_prefix_open(const struct store *store, const struct md_digest *diff_id,
                      const struct md_descriptor *blob, int64_t *length)
{
    char name[NAME_SIZE];
    MD_AUTO_FD fd = -1;
    struct stat st;

    *length = 0;
    if (blob->size < STORE_PREFIX_LEAST) {
        return -1;
    }
    fd = openat(store->partial, prefix_name(diff_id, blob, name),
                O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                0600);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        md_log("nothing is kept for resuming: .partial/%s: %m", name);
        return -1;
    }
    if (st.st_size > blob->size) {
        if (ftruncate(fd, 0) < 0) {
            md_log("nothing is kept for resuming: .partial/%s: %m", name);
            return -1;
        }
        st.st_size = 0;
    }
    *length = st.st_size;
    return md_fd_take(&fd);
}

void store_prefix_discard(const struct store *store, const struct md_digest *diff_id,
                          const struct md_descriptor *blob)
{
    char name[NAME_SIZE];

    if (blob->size >= STORE_PREFIX_LEAST &&
        unlinkat(store->partial, prefix_name(diff_id, blob, name), 0) < 0 && errno != ENOENT) {
        md_log("cannot delete .partial/%s: %m", name);
    }
}
