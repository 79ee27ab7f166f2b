/* SPDX-License-Identifier: Apache-2.0 */
/* A growing list of strings that is a NULL-terminated argv or environ at any time. */
#include "base/list.h"

#include <string.h>

#include "base/mem.h"

/* Room for count strings and the NULL: a power of two, so it need not be remembered. */
static size_t room_for(size_t count)
{
    size_t room = 8;

    while (room < count + 1) {
        room *= 2;
    }
    return room;
}

void md_list_take(struct md_list *list, char *text)
{
    if (!list->items || room_for(list->count + 1) != room_for(list->count)) {
        list->items =
            md_xreallocarray(list->items, room_for(list->count + 1), sizeof(*list->items));
    }
    list->items[list->count] = text;
    list->count++;
    list->items[list->count] = NULL;
}

void md_list_add(struct md_list *list, const char *text)
{
    md_list_take(list, md_xstrdup(text));
}

void md_list_clear(struct md_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    list->items = NULL;
    list->count = 0;
}

void md_list_copy(struct md_list *to, const struct md_list *from)
{
    struct md_list copy = { 0 };

    for (size_t i = 0; i < from->count; i++) {
        md_list_add(&copy, from->items[i]);
    }
    md_list_clear(to);
    *to = copy;
}

/* True if entry is "key=..." or the bare key; key ends at its "=" or its NUL. */
static bool has_key(const char *entry, const char *key)
{
    size_t len = strcspn(key, "=");

    return strcspn(entry, "=") == len && memcmp(entry, key, len) == 0;
}

/* Drop from index first on what has the key. */
static void drop_key(struct md_list *list, const char *key, size_t first)
{
    size_t kept = first;

    for (size_t i = first; i < list->count; i++) {
        if (has_key(list->items[i], key)) {
            free(list->items[i]);
        } else {
            list->items[kept] = list->items[i];
            kept++;
        }
    }
    if (kept == list->count) {
        return;
    }
    if (kept == 0) {
        free(list->items);
        list->items = NULL;
    } else {
        /* Keeps the promise of room_for(): its size follows from the count. */
        list->items = md_xreallocarray(list->items, room_for(kept), sizeof(*list->items));
        list->items[kept] = NULL;
    }
    list->count = kept;
}

void md_list_set_env(struct md_list *list, const char *key_value)
{
    char *copy = md_xstrdup(key_value);

    for (size_t i = 0; i < list->count; i++) {
        if (has_key(list->items[i], key_value)) {
            free(list->items[i]);
            list->items[i] = copy;
            drop_key(list, copy, i + 1);
            return;
        }
    }
    md_list_take(list, copy);
}

const char *md_list_env(const struct md_list *list, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], key, len) == 0 && list->items[i][len] == '=') {
            return list->items[i] + len + 1;
        }
    }
    return NULL;
}

void md_list_unset_env(struct md_list *list, const char *key)
{
    drop_key(list, key, 0);
}
