/* SPDX-License-Identifier: Apache-2.0 */
/* An image's health check: kept for tools and for later, not yet run by minidock. */
#include "base/health.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define BLANKS " \t"
#define NS_PER_MS INT64_C(1000000)

/* Flags of the instruction and the members they become; one is no time. */
static const struct {
    const char *flag, *member;
} settings[] = {
    { "--interval=", "Interval" },        { "--timeout=", "Timeout" },
    { "--start-period=", "StartPeriod" }, { "--start-interval=", "StartInterval" },
    { "--retries=", "Retries" },
};

static const size_t setting_count = sizeof(settings) / sizeof(*settings);

int md_health_parse(const struct json_t *value, struct json_t **out, struct md_err *err)
{
    struct md_list test = { 0 };

    if (md_json_is_null(value))
        return 0;
    if (!md_json_is_object(value) || md_json_count(md_json_get(value, "Test")) > MD_MAX_LIST ||
        md_json_get_list(value, "Test", &test) < 0)
        return md_err_set(err, MD_ERR_FORMAT, "the image config's Healthcheck is malformed");
    *out = md_json_object();
    if (test.count > 0)
        md_json_set(*out, "Test", md_json_list(&test));
    md_list_clear(&test);
    for (size_t i = 0; i < setting_count; i++) {
        const struct json_t *number = md_json_get(value, settings[i].member);

        if (md_json_is_int(number))
            md_json_set(*out, settings[i].member, md_json_number(md_json_int(number)));
    }
    return 0;
}

/* A duration as Go writes it, "1m30s" or "500ms", in nanoseconds. */
static int parse_duration(const char *text, size_t len, int64_t *ns)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
    MD_AUTO_FREE char *copy = md_xstrndup(text, len);

    *ns = 0;
    for (char *at = copy; *at;) {
        size_t digits = strspn(at, "0123456789");
        size_t letters = strspn(at + digits, "hms");
        int64_t factor = 0;

        for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
            if (strlen(units[i].unit) == letters &&
                strncmp(at + digits, units[i].unit, letters) == 0)
                factor = units[i].ms * NS_PER_MS;
        }
        if (digits == 0 || digits > 6 || factor == 0)
            return -1;
        *ns += strtoll(at, NULL, 10) * factor;
        at += digits + letters;
    }
    return *copy ? 0 : -1;
}

/* One "--flag=value" of len bytes into check. */
static int take_setting(const char *word, size_t len, struct json_t *check)
{
    for (size_t i = 0; i < setting_count; i++) {
        size_t flag = strlen(settings[i].flag);
        int64_t value = 0;

        if (len <= flag || strncmp(word, settings[i].flag, flag) != 0)
            continue;
        if (strcmp(settings[i].member, "Retries") == 0) {
            MD_AUTO_FREE char *text = md_xstrndup(word + flag, len - flag);
            uint64_t retries = 0;

            if (md_text_parse_u64(text, INT32_MAX, &retries) < 0)
                return -1;
            value = (int64_t)retries;
        } else if (parse_duration(word + flag, len - flag, &value) < 0) {
            return -1;
        }
        md_json_set(check, settings[i].member, md_json_number(value));
        return 0;
    }
    return -1;
}

/* What comes after CMD: a JSON array, or a line for a shell. */
static int take_command(const char *command, struct json_t *check)
{
    struct json_t *test = md_json_array();
    struct md_err ignored = { 0 };
    MD_AUTO_JSON array =
        command[0] == '[' ? md_json_parse(command, strlen(command), "", &ignored) : NULL;

    md_json_set(check, "Test", test);
    md_json_append(test, md_json_string(array ? "CMD" : "CMD-SHELL"));
    for (size_t i = 0; i < md_json_count(array); i++) {
        if (!md_json_is_string(md_json_at(array, i)))
            return -1;
        md_json_append(test, md_json_copy(md_json_at(array, i)));
    }
    if (!array)
        md_json_append(test, md_json_string(command));
    return command[0] ? 0 : -1;
}

int md_health_change(const char *arguments, struct json_t **out)
{
    MD_AUTO_JSON check = md_json_object();
    const char *at = arguments;

    while (strncmp(at, "--", 2) == 0) {
        size_t len = strcspn(at, BLANKS);

        if (take_setting(at, len, check) < 0)
            return -1;
        at += len + strspn(at + len, BLANKS);
    }
    size_t word = strcspn(at, BLANKS);

    if (word == 4 && strncasecmp(at, "NONE", 4) == 0 && at == arguments && !at[4]) {
        struct json_t *test = md_json_array();

        md_json_append(test, md_json_string("NONE"));
        md_json_set(check, "Test", test);
    } else if (word != 3 || strncasecmp(at, "CMD", 3) != 0 ||
               take_command(at + word + strspn(at + word, BLANKS), check) < 0) {
        return -1;
    }
    md_json_free(out);
    *out = md_ptr_take(&check);
    return 0;
}
