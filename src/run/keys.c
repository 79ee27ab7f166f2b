/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that detach a client from its container. */
#include "run/keys.h"

#include <string.h>

/* One word, "a" or "ctrl-a", as the byte that a terminal sends for it; -1: it is neither. */
static int key_of(const char *word, size_t len)
{
    static const char ctrl[] = "ctrl-";
    const size_t prefix = sizeof(ctrl) - 1;

    if (len == 1)
        return (unsigned char)word[0];
    if (len != prefix + 1 || strncmp(word, ctrl, prefix) != 0)
        return -1;
    char key = word[prefix];

    if (key >= 'a' && key <= 'z')
        return key - 'a' + 1;
    return key == '@' || (key >= '[' && key <= '_') ? key & 0x1f : -1;
}

int run_keys_parse(const char *text, struct run_keys *keys, struct md_err *err)
{
    *keys = (struct run_keys){ 0 };
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        int key = key_of(at, len);

        if (key < 0 || keys->count == RUN_KEYS_MAX || (at[len] == ',' && !at[len + 1]))
            return md_err_set(err, MD_ERR_USAGE, "invalid detach keys (%s)", text);
        keys->keys[keys->count++] = (unsigned char)key;
        at += len + (at[len] == ',');
    }
    return 0;
}

/* Count a typed byte; a sequence that breaks off may begin anew with that very byte. */
static void match(struct run_keys *keys, unsigned char byte)
{
    while (keys->matched > 0 && keys->keys[keys->matched] != byte) {
        size_t shorter = keys->matched - 1;

        while (shorter > 0 &&
               memcmp(keys->keys, keys->keys + keys->matched - shorter, shorter) != 0)
            shorter--;
        keys->matched = shorter;
    }
    if (keys->keys[keys->matched] == byte)
        keys->matched++;
}

size_t run_keys_filter(struct run_keys *keys, const unsigned char *bytes, size_t len,
                       bool *detach)
{
    *detach = false;
    for (size_t i = 0; i < len && keys->count > 0; i++) {
        match(keys, bytes[i]);
        if (keys->matched == keys->count) {
            keys->matched = 0;
            *detach = true;
            return i;
        }
    }
    return len;
}
