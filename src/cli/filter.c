/* SPDX-License-Identifier: Apache-2.0 */
/* --filter KEY=VALUE of the commands that list things. */
#include "cli/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static bool is_known(const char *const *known, const char *key)
{
    while (*known && strcmp(*known, key) != 0)
        known++;
    return *known != NULL;
}

/* Without blanks at both ends, as docker takes them. */
static char *trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t", text[len - 1]))
        len--;
    size_t blanks = strspn(text, " \t");

    blanks = blanks < len ? blanks : len;
    return md_xstrndup(text + blanks, len - blanks);
}

int cli_filters_read(const struct md_list *typed, const char *const *known,
                     struct cli_filters *filters, struct md_err *err)
{
    filters->items = md_xcalloc(typed->count + 1, sizeof(*filters->items));
    for (size_t i = 0; i < typed->count; i++) {
        const char *text = typed->items[i];
        const char *sign = strchr(text, '=');
        struct cli_filter *filter = &filters->items[i];

        if (!sign)
            return md_err_set(
                err, MD_ERR_USAGE,
                "invalid argument \"%s\" for \"-f, --filter\" flag: bad format of "
                "filter (expected name=value)",
                text);
        filters->count++;
        filter->key = trimmed(text, (size_t)(sign - text));
        filter->value = trimmed(sign + 1, strlen(sign + 1));
        for (char *p = filter->key; *p; p++)
            *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if (!is_known(known, filter->key))
            return md_err_set(err, MD_ERR_USAGE, "invalid filter '%s'", filter->key);
    }
    return 0;
}

void cli_filters_clear(struct cli_filters *filters)
{
    for (size_t i = 0; i < filters->count; i++) {
        free(filters->items[i].key);
        free(filters->items[i].value);
    }
    free(filters->items);
    *filters = (struct cli_filters){ 0 };
}

int cli_filter_bool(const struct cli_filter *filter, bool *value, struct md_err *err)
{
    static const char *const words[] = { "false", "true", "0", "1", "f", "t" };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcasecmp(filter->value, words[i]) == 0) {
            *value = i % 2;
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE, "invalid filter '%s=%s'", filter->key, filter->value);
}

bool cli_filter_label(const struct json_t *labels, const char *label)
{
    size_t len = strcspn(label, "=");
    MD_AUTO_FREE char *key = md_xstrndup(label, len);
    const char *value = md_json_get_text(labels, key);

    return value && (!label[len] || strcmp(value, label + len + 1) == 0);
}
