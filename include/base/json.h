/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: a thin layer over jansson, the only place that includes it. */
#ifndef MD_BASE_JSON_H
#define MD_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

/* A JSON value; a tree is owned through its root. */
struct json_t;

#define MD_AUTO_JSON __attribute__((cleanup(md_json_free))) struct json_t *

void md_json_free(struct json_t **value);

/*
 * Parse len bytes, which must be one JSON value and nothing after it. Duplicate keys, NULs in
 * strings, invalid UTF-8 and a depth over jansson's limit are refused. what names it in errors.
 *
 * Errors: MD_ERR_FORMAT
 */
MD_MUST_CHECK
struct json_t *md_json_parse(const char *bytes, size_t len, const char *what,
                             struct md_err *err);

/* Read and parse a file of our own below dirfd (at most MD_MAX_STATE bytes). */
MD_MUST_CHECK
struct json_t *md_json_read(int dirfd, const char *name, struct md_err *err);

/* Replace a file of our own below dirfd by value as indented text; md_file_replace(). */
MD_MUST_CHECK
int md_json_write(int dirfd, const char *name, const struct json_t *value, struct md_err *err);

/*
 * As one line, or indented by four spaces; the caller frees it. Keys keep their order. Safe for
 * terminals: what md_text_is_control() names is written as \uNNNN.
 */
char *md_json_line(const struct json_t *value);
char *md_json_pretty(const struct json_t *value);

/* Reading: NULL, 0 or false where the value is missing or of another kind. All borrowed. */
const struct json_t *md_json_get(const struct json_t *object, const char *key);
const struct json_t *md_json_at(const struct json_t *array, size_t index);
size_t md_json_count(const struct json_t *array_or_object);
const char *md_json_text(const struct json_t *value);
const char *md_json_get_text(const struct json_t *object, const char *key);
int64_t md_json_int(const struct json_t *value);
int64_t md_json_get_int(const struct json_t *object, const char *key);
bool md_json_is_int(const struct json_t *value); /* 1.0 and 1e2 are not */
bool md_json_true(const struct json_t *value);
bool md_json_is_object(const struct json_t *value);
bool md_json_is_array(const struct json_t *value);
bool md_json_is_string(const struct json_t *value);
bool md_json_is_null(const struct json_t *value); /* also true for NULL */

/*
 * Walk an object in file order: pass NULL first, then the very pointer that was returned;
 * returns NULL at the end.
 */
const char *md_json_next_key(const struct json_t *object, const char *previous);

/* An array of strings into list (replaced). Missing or null: empty. Returns -1 otherwise. */
MD_MUST_CHECK
int md_json_get_list(const struct json_t *object, const char *key, struct md_list *list);

/* Building: setters take value (NULL is stored as null). Text must be UTF-8; else it is
 * escaped with md_text_escaped(). */
struct json_t *md_json_object(void);
struct json_t *md_json_array(void);
struct json_t *md_json_string(const char *text);
struct json_t *md_json_number(int64_t value);
struct json_t *md_json_bool(bool value);
struct json_t *md_json_list(const struct md_list *list); /* an array; [] when empty */
struct json_t *md_json_copy(const struct json_t *value); /* deep */
void md_json_set(struct json_t *object, const char *key, struct json_t *value);
void md_json_append(struct json_t *array, struct json_t *value);

#endif
