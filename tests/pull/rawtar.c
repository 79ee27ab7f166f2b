/* SPDX-License-Identifier: Apache-2.0 */
/* Writing raw tar headers: POSIX.1-1988 ustar, field by field. */
#include "rawtar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define BLOCK 512

static unsigned char *grow(struct tar *tar, size_t len)
{
    unsigned char *at;

    if (tar->len + len > tar->size) {
        tar->size = 2 * tar->size + len;
        tar->bytes = md_xreallocarray(tar->bytes, tar->size, 1);
    }
    at = tar->bytes + tar->len;
    memset(at, 0, len);
    tar->len += len;
    return at;
}

static void put_text(unsigned char *field, size_t size, const char *text)
{
    size_t len = strlen(text);

    memcpy(field, text, len < size ? len : size);
}

static void put_octal(unsigned char *field, size_t size, unsigned long long value)
{
    char text[32];

    snprintf(text, sizeof(text), "%0*llo", (int)size - 1, value);
    put_text(field, size - 1, text);
}

static void put_or(unsigned char *field, size_t size, const char *text,
                   unsigned long long value)
{
    if (text)
        put_text(field, size, text);
    else
        put_octal(field, size, value);
}

void tar_header(struct tar *tar, const struct tar_header *header)
{
    unsigned char *block = grow(tar, BLOCK);
    unsigned sum = 0;

    put_text(block, 100, header->name);
    put_octal(block + 100, 8, header->mode);
    put_or(block + 108, 8, header->uid, geteuid());
    put_or(block + 116, 8, header->gid, getegid());
    put_or(block + 124, 12, header->size_field, header->size);
    put_octal(block + 136, 12, (unsigned long long)header->mtime);
    block[156] = (unsigned char)header->type;
    put_text(block + 157, 100, header->target ? header->target : "");
    memcpy(block + 257, "ustar\00000", 8);
    put_or(block + 329, 8, header->major, 0);
    put_or(block + 337, 8, header->minor, 0);
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += block[i];
    put_octal(block + 148, 7, sum);
}

void tar_data(struct tar *tar, const void *bytes, size_t len)
{
    unsigned char *at = grow(tar, (len + BLOCK - 1) / BLOCK * BLOCK);

    if (len > 0)
        memcpy(at, bytes, len);
}

void tar_file(struct tar *tar, const char *name, const char *text)
{
    tar_header(
        tar,
        &(struct tar_header){
            .name = name, .type = '0', .mode = 0644, .size = strlen(text), .mtime = 1000 });
    tar_data(tar, text, strlen(text));
}

void tar_dir(struct tar *tar, const char *name, unsigned mode)
{
    tar_header(tar,
               &(struct tar_header){ .name = name, .type = '5', .mode = mode, .mtime = 2000 });
}

void tar_symlink(struct tar *tar, const char *name, const char *target)
{
    tar_header(tar,
               &(struct tar_header){
                   .name = name, .type = '2', .mode = 0777, .mtime = 3000, .target = target });
}

void tar_hard_link(struct tar *tar, const char *name, const char *target)
{
    tar_header(tar,
               &(struct tar_header){
                   .name = name, .type = '1', .mode = 0644, .mtime = 4000, .target = target });
}

void tar_char_device(struct tar *tar, const char *name, const char *major, const char *minor)
{
    tar_header(tar,
               &(struct tar_header){
                   .name = name, .type = '3', .mode = 0600, .major = major, .minor = minor });
}

static char *pax_record(const char *key, const char *value)
{
    size_t body = strlen(key) + strlen(value) + 3; /* space, '=', newline */
    size_t digits = 1;

    for (size_t limit = 10; body + digits >= limit; limit *= 10)
        digits++;
    return md_xasprintf("%zu %s=%s\n", body + digits, key, value);
}

void tar_pax_all(struct tar *tar, char type, const struct tar_record *records, size_t count)
{
    struct md_buf body = { 0 };

    for (size_t i = 0; i < count; i++) {
        char *record = pax_record(records[i].key, records[i].value);

        md_buf_printf(&body, "%s", record);
        free(record);
    }
    tar_header(tar, &(struct tar_header){
                        .name = "pax", .type = type, .mode = 0644, .size = body.len });
    tar_data(tar, body.data, body.len);
    md_buf_clear(&body);
}

void tar_pax(struct tar *tar, char type, const char *key, const char *value)
{
    tar_pax_all(tar, type, &(struct tar_record){ key, value }, 1);
}

void tar_end(struct tar *tar)
{
    grow(tar, (size_t)2 * BLOCK);
}

void tar_clear(struct tar *tar)
{
    free(tar->bytes);
    *tar = (struct tar){ 0 };
}
