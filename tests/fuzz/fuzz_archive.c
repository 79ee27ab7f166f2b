/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes archives of images: any bytes as a tar; and any text as the index.json or
 * manifest.json of one. Also the Link field of a list of tags.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "pull/archive.h"
#include "pull/layout.h"
#include "pull/tags.h"

#define BLOCK 512

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void put(int fd, const void *bytes, size_t len)
{
    require(md_fd_write_all(fd, bytes, len) == 0);
}

/* One file of a tar, with its header right. */
static void put_file(int fd, const char *name, const void *bytes, size_t len)
{
    unsigned char block[BLOCK] = { 0 };
    unsigned sum = 8 * ' ';
    char field[16];

    memcpy(block, name, strlen(name));
    memcpy(block + 100, "0000644", 8);
    snprintf(field, sizeof(field), "%011zo", len);
    memcpy(block + 124, field, 12);
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++) {
        sum += block[i];
    }
    snprintf(field, sizeof(field), "%06o", sum);
    memcpy(block + 148, field, 7);
    block[155] = ' ';
    put(fd, block, BLOCK);
    put(fd, bytes, len);
    memset(block, 0, BLOCK);
    put(fd, block, (BLOCK - len % BLOCK) % BLOCK);
}

static void resolve_all(struct pull_layout *layout)
{
    struct pull_resolve order = { .platform = { .os = "linux", .architecture = "amd64" } };

    for (size_t i = 0; i < layout->count; i++) {
        struct pull_found found = { 0 };
        struct md_err err = { 0 };

        order.image = (uint32_t)i;
        if (layout->origin.named(&layout->origin, &order, &found, &err) < 0) {
            require(err.kind != MD_ERR_NONE && err.text[0] != '\0');
        }
        pull_found_clear(&found);
    }
}

static void read_archive(int fd)
{
    struct md_err err = { 0 };
    MD_AUTO_FD spool = memfd_create("spool", MFD_CLOEXEC);
    struct pull_files *files = pull_archive_open(fd, spool, &err);
    struct pull_layout *layout = files ? pull_layout_open(files, PULL_LOCAL_NONE, &err) : NULL;

    require(layout || (err.kind != MD_ERR_NONE && err.text[0] != '\0'));
    if (layout) {
        resolve_all(layout);
    }
    pull_layout_close(&layout);
    pull_archive_probe(fd);
}

static void check_link(const uint8_t *bytes, size_t len)
{
    MD_AUTO_FREE char *text = md_xstrndup((const char *)bytes, len);
    char next[64] = "";

    if (pull_tags_next(text, next, sizeof(next))) {
        require(strstr(text, next) != NULL && !strchr(next, '>'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    const unsigned char end[2 * BLOCK] = { 0 };
    MD_AUTO_FD fd = memfd_create("archive", MFD_CLOEXEC);

    check_link(bytes, len);
    if (len == 0) {
        return 0;
    }
    if (bytes[0] == 'd') {
        put_file(fd, "config.json", "{}", 2);
        put_file(fd, "manifest.json", bytes + 1, len - 1);
        put(fd, end, sizeof(end));
    } else if (bytes[0] == 'o') {
        put_file(fd, "oci-layout", layout, strlen(layout));
        put_file(fd, "index.json", bytes + 1, len - 1);
        put(fd, end, sizeof(end));
    } else {
        put(fd, bytes, len);
    }
    read_archive(fd);
    return 0;
}
