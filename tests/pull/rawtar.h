/* SPDX-License-Identifier: Apache-2.0 */
/* Tars byte by byte: no library's idea of what a name or a size may be. */
#ifndef TEST_PULL_RAWTAR_H
#define TEST_PULL_RAWTAR_H

#include <stddef.h>
#include <stdint.h>

/* A growing tar. Zero-initialise; tar_clear() frees it. */
struct tar {
    unsigned char *bytes;
    size_t len;
    size_t size;
};

/* One header as it will be written; NULL fields are made from the numbers, by their rules. */
struct tar_header {
    const char *name; /* at most 100 bytes; longer ones go through tar_pax() */
    char type; /* '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5' dir, '6' fifo */
    unsigned mode;
    const char *uid; /* octal text of their fields */
    const char *gid;
    const char *size_field;
    size_t size;
    int64_t mtime;
    const char *target;
    const char *major;
    const char *minor;
};

void tar_header(struct tar *tar, const struct tar_header *header);
/* Bytes, filled up to a whole block of 512. */
void tar_data(struct tar *tar, const void *bytes, size_t len);

void tar_file(struct tar *tar, const char *name, const char *text);
void tar_dir(struct tar *tar, const char *name, unsigned mode);
void tar_symlink(struct tar *tar, const char *name, const char *target);
void tar_hard_link(struct tar *tar, const char *name, const char *target);
void tar_char_device(struct tar *tar, const char *name, const char *major, const char *minor);

struct tar_record {
    const char *key;
    const char *value;
};

/* A pax header of type 'x' or 'g' with these records, each with its length in front. */
void tar_pax_all(struct tar *tar, char type, const struct tar_record *records, size_t count);
void tar_pax(struct tar *tar, char type, const char *key, const char *value);
/* Two blocks of zeros. */
void tar_end(struct tar *tar);
void tar_clear(struct tar *tar);

#endif
