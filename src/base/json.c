/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: the only file that includes jansson. */
#include "base/json.h"

#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* jansson answers NULL when memory is out: then we end as md_xmalloc() does. */
static json_t *or_die(json_t *value)
{
    if (!value) {
        md_out_of_memory();
    }
    return value;
}

void md_json_free(struct json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

struct json_t *md_json_parse(const char *bytes, size_t len, const char *what,
                             struct md_err *err)
{
    json_error_t error;
    /* JSON_ALLOW_NUL stays off: C would see the shorter string. */
    json_t *value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (!value) {
        char name[200];
        char reason[200];

        md_err_set(err, MD_ERR_FORMAT, "\"%s\" is not valid JSON: line %d, column %d: %s",
                   md_text_escape(what, strlen(what), name, sizeof(name)), error.line,
                   error.column,
                   md_text_escape(error.text, strlen(error.text), reason, sizeof(reason)));
    }
    return value;
}

struct json_t *md_json_read(int dirfd, const char *name, struct md_err *err)
{
    size_t len;
    MD_AUTO_FREE char *bytes = md_file_read(dirfd, name, MD_MAX_STATE, &len, err);

    return bytes ? md_json_parse(bytes, len, name, err) : NULL;
}

int md_json_write(int dirfd, const char *name, const struct json_t *value, struct md_err *err)
{
    MD_AUTO_FREE char *text = md_json_pretty(value);
    size_t len = strlen(text);

    /* The NUL becomes the newline that ends the file. */
    text[len] = '\n';
    return md_file_replace(dirfd, name, text, len + 1, 0600, err);
}

/* Where the next character is that a terminal must not see, or the end. */
static const char *next_control(const char *p)
{
    for (; *p; p++) {
        uint32_t character = 0;

        /* All others that jansson leaves unescaped start with one of these three bytes. */
        if (((unsigned char)*p == 0x7f || (unsigned char)*p == 0xc2 ||
             (unsigned char)*p == 0xd8 || (unsigned char)*p == 0xe2) &&
            md_text_decode(p, strnlen(p, 4), &character) > 0 && md_text_is_control(character)) {
            break;
        }
    }
    return p;
}

/* Outside strings JSON is ASCII, so what is found lies in a string and may be escaped there. */
static char *escape_controls(char *text)
{
    struct md_buf buf = { 0 };
    const char *p = text;
    const char *found = next_control(p);

    if (!*found) {
        return text;
    }
    while (*found) {
        uint32_t character = 0;
        size_t len = md_text_decode(found, strnlen(found, 4), &character);

        md_buf_printf(&buf, "%.*s\\u%04x", (int)(found - p), p, (unsigned)character);
        p = found + len;
        found = next_control(p);
    }
    md_buf_printf(&buf, "%s", p);
    free(text);
    return buf.data;
}

static char *dump(const struct json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);

    if (!text) {
        md_out_of_memory();
    }
    return escape_controls(text);
}

char *md_json_line(const struct json_t *value)
{
    return dump(value, JSON_COMPACT);
}

char *md_json_pretty(const struct json_t *value)
{
    return dump(value, JSON_INDENT(4));
}

const struct json_t *md_json_get(const struct json_t *object, const char *key)
{
    return json_object_get(object, key);
}

const struct json_t *md_json_at(const struct json_t *array, size_t index)
{
    return json_array_get(array, index);
}

size_t md_json_count(const struct json_t *array_or_object)
{
    return json_is_array(array_or_object) ? json_array_size(array_or_object)
                                          : json_object_size(array_or_object);
}

const char *md_json_text(const struct json_t *value)
{
    return json_string_value(value);
}

const char *md_json_get_text(const struct json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t md_json_int(const struct json_t *value)
{
    return json_integer_value(value);
}

int64_t md_json_get_int(const struct json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool md_json_is_int(const struct json_t *value)
{
    return json_is_integer(value);
}

bool md_json_true(const struct json_t *value)
{
    return json_is_true(value);
}

bool md_json_is_object(const struct json_t *value)
{
    return json_is_object(value);
}

bool md_json_is_array(const struct json_t *value)
{
    return json_is_array(value);
}

bool md_json_is_string(const struct json_t *value)
{
    return json_is_string(value);
}

bool md_json_is_null(const struct json_t *value)
{
    return !value || json_is_null(value);
}

const char *md_json_next_key(const struct json_t *object, const char *previous)
{
    json_t *walked = (json_t *)object; /* jansson's iterators are not const */
    void *iter;

    if (!json_is_object(object)) {
        return NULL;
    }
    iter = previous ? json_object_iter_next(walked, json_object_key_to_iter(previous))
                    : json_object_iter(walked);
    return json_object_iter_key(iter);
}

int md_json_get_list(const struct json_t *object, const char *key, struct md_list *list)
{
    const json_t *array = json_object_get(object, key);

    md_list_clear(list);
    if (md_json_is_null(array)) {
        return 0;
    }
    if (!json_is_array(array)) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (!text) {
            md_list_clear(list);
            return -1;
        }
        md_list_add(list, text);
    }
    return 0;
}

struct json_t *md_json_object(void)
{
    return or_die(json_object());
}

struct json_t *md_json_array(void)
{
    return or_die(json_array());
}

struct json_t *md_json_string(const char *text)
{
    MD_AUTO_FREE char *escaped = NULL;
    json_t *value;

    if (!text) {
        return json_null();
    }
    value = json_string(text);
    if (!value) {
        escaped = md_text_escaped(text, strlen(text));
        value = or_die(json_string(escaped));
    }
    return value;
}

struct json_t *md_json_number(int64_t value)
{
    return or_die(json_integer(value));
}

struct json_t *md_json_bool(bool value)
{
    return json_boolean(value);
}

struct json_t *md_json_list(const struct md_list *list)
{
    json_t *array = md_json_array();

    for (size_t i = 0; i < list->count; i++) {
        md_json_append(array, md_json_string(list->items[i]));
    }
    return array;
}

struct json_t *md_json_copy(const struct json_t *value)
{
    return value ? or_die(json_deep_copy(value)) : NULL;
}

void md_json_set(struct json_t *object, const char *key, struct json_t *value)
{
    MD_AUTO_FREE char *escaped = NULL;
    json_t *kept = json_incref(value ? value : json_null());

    if (json_object_set_new(object, key, kept) < 0) {
        /* It took one reference; the key is not UTF-8, or memory is out. */
        escaped = md_text_escaped(key, strlen(key));
        if (json_object_set(object, escaped, kept) < 0) {
            md_out_of_memory();
        }
    }
    json_decref(kept);
}

void md_json_append(struct json_t *array, struct json_t *value)
{
    if (json_array_append_new(array, value ? value : json_null()) < 0) {
        md_out_of_memory();
    }
}
