/* SPDX-License-Identifier: Apache-2.0 */
/* A growing list of strings, always usable as a NULL-terminated argv or environ. */
#ifndef MD_BASE_LIST_H
#define MD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* items is NULL while empty, else items[count] is NULL; the list owns the strings. */
struct md_list {
    char **items;
    size_t count;
};

void md_list_add(struct md_list *list, const char *text);          /* copies */
void md_list_take(struct md_list *list, char *text);               /* takes text */
void md_list_copy(struct md_list *to, const struct md_list *from); /* replaces what *to held */
void md_list_clear(struct md_list *list);

/* Set KEY in a list of KEY=value strings: the entry with the same key is replaced in place. */
void md_list_set_env(struct md_list *list, const char *key_value);

/* The value of key in a list of KEY=value strings, or NULL. Borrowed. */
const char *md_list_env(const struct md_list *list, const char *key);

/* Remove key from a list of KEY=value strings, if there. */
void md_list_unset_env(struct md_list *list, const char *key);

#endif
