/* SPDX-License-Identifier: Apache-2.0 */
/* --mount: docker's keys, as one line of comma-separated values. */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/run_mounts.h"

/* Cut one line of CSV at its commas; a field in quotes may hold commas, and "" for a quote. */
static int split_fields(const char *text, struct md_list *fields)
{
    MD_AUTO_FREE char *field = md_xmalloc(strlen(text) + 1);

    for (const char *at = text;; at++) {
        bool quoted = *at == '"';
        size_t len = 0;

        for (at += quoted; *at && (quoted || *at != ','); at++) {
            if (quoted && *at == '"') {
                if (at[1] != '"')
                    break;
                at++;
            }
            field[len++] = *at;
        }
        if (quoted && (*at != '"' || (at[1] && at[1] != ',')))
            return -1;
        at += quoted;
        field[len] = '\0';
        md_list_add(fields, field);
        if (!*at)
            return 0;
    }
}

static int parse_bool(const char *key, const char *value, bool *out, struct md_err *err)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        if (!value || strcmp(value, yes[i]) == 0) {
            *out = true;
            return 0;
        }
        if (strcmp(value, no[i]) == 0) {
            *out = false;
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE, "invalid value for %s: %s", key, value);
}

typedef int key_fn(struct cli_mount *mount, const char *key, const char *value,
                   struct md_err *err);

static int key_type(struct cli_mount *mount, const char *key, const char *value,
                    struct md_err *err)
{
    static const char *const kinds[] = {
        [CLI_MOUNT_BIND] = "bind", [CLI_MOUNT_VOLUME] = "volume", [CLI_MOUNT_TMPFS] = "tmpfs"
    };

    (void)key;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(value, kinds[i]) == 0) {
            mount->kind = (enum cli_mount_kind)i;
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE, "mount type \"%s\" is not known: bind, volume, tmpfs",
                      value);
}

static int key_source(struct cli_mount *mount, const char *key, const char *value,
                      struct md_err *err)
{
    (void)key;
    (void)err;
    free(mount->source);
    mount->source = md_xstrdup(value);
    return 0;
}

static int key_target(struct cli_mount *mount, const char *key, const char *value,
                      struct md_err *err)
{
    (void)key;
    return cli_mount_set_target(mount, value, err);
}

static int key_readonly(struct cli_mount *mount, const char *key, const char *value,
                        struct md_err *err)
{
    bool read_only = false;

    if (parse_bool(key, value, &read_only, err) < 0)
        return -1;
    mount->attributes &= ~(unsigned long long)MOUNT_ATTR_RDONLY;
    mount->attributes |= read_only ? MOUNT_ATTR_RDONLY : 0;
    return 0;
}

static int key_propagation(struct cli_mount *mount, const char *key, const char *value,
                           struct md_err *err)
{
    (void)mount;
    if (strcmp(value, "private") == 0 || strcmp(value, "rprivate") == 0)
        return 0;
    return md_err_set(err, MD_ERR_USAGE, "%s=%s: this version has private and rprivate", key,
                      value);
}

static int key_recursive(struct cli_mount *mount, const char *key, const char *value,
                         struct md_err *err)
{
    /* A read-only mount is read-only all the way down here. */
    if (strcmp(value, "enabled") == 0 || strcmp(value, "readonly") == 0)
        return 0;
    if (strcmp(value, "disabled") != 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid value for %s: %s", key, value);
    mount->not_recursive = true;
    return 0;
}

static int key_create(struct cli_mount *mount, const char *key, const char *value,
                      struct md_err *err)
{
    return parse_bool(key, value, &mount->create, err);
}

static int key_no_copy(struct cli_mount *mount, const char *key, const char *value,
                       struct md_err *err)
{
    return parse_bool(key, value, &mount->no_copy, err);
}

static int key_subpath(struct cli_mount *mount, const char *key, const char *value,
                       struct md_err *err)
{
    if (value[0] == '/')
        return md_err_set(err, MD_ERR_USAGE, "%s must be relative: %s", key, value);
    free(mount->subpath);
    mount->subpath = md_xstrdup(value);
    return 0;
}

static int key_label(struct cli_mount *mount, const char *key, const char *value,
                     struct md_err *err)
{
    MD_AUTO_FREE char *name = md_xstrdup(value);
    char *equals = strchr(name, '=');

    (void)key;
    (void)err;
    if (equals)
        *equals = '\0';
    if (!mount->labels)
        mount->labels = md_json_object();
    md_json_set(mount->labels, name, md_json_string(equals ? equals + 1 : ""));
    return 0;
}

static int key_driver(struct cli_mount *mount, const char *key, const char *value,
                      struct md_err *err)
{
    (void)mount;
    (void)key;
    if (strcmp(value, "local") == 0)
        return 0;
    return md_err_set(err, MD_ERR_USAGE,
                      "error looking up volume plugin %s: plugin \"%s\" not found", value,
                      value);
}

static int key_tmpfs_size(struct cli_mount *mount, const char *key, const char *value,
                          struct md_err *err)
{
    uint64_t bytes = 0;

    if (md_text_parse_size(value, &bytes) < 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid value for %s: %s", key, value);
    free(mount->tmpfs_size);
    mount->tmpfs_size = md_xasprintf("%llu", (unsigned long long)bytes);
    return 0;
}

static int key_tmpfs_mode(struct cli_mount *mount, const char *key, const char *value,
                          struct md_err *err)
{
    if (!value[0] || strlen(value) > 5 || strspn(value, "01234567") != strlen(value) ||
        strtoul(value, NULL, 8) > 07777)
        return md_err_set(err, MD_ERR_USAGE, "invalid value for %s: %s", key, value);
    mount->tmpfs_mode = (mode_t)strtoul(value, NULL, 8);
    return 0;
}

static const struct {
    const char *key;
    enum { BARE_TOO = 1, VALUE_NEEDED } form;
    int only; /* a kind of mount, or -1 */
    key_fn *take;
} keys[] = {
    { "type", VALUE_NEEDED, -1, key_type },
    { "source", VALUE_NEEDED, -1, key_source },
    { "src", VALUE_NEEDED, -1, key_source },
    { "target", VALUE_NEEDED, -1, key_target },
    { "destination", VALUE_NEEDED, -1, key_target },
    { "dst", VALUE_NEEDED, -1, key_target },
    { "readonly", BARE_TOO, -1, key_readonly },
    { "ro", BARE_TOO, -1, key_readonly },
    { "bind-propagation", VALUE_NEEDED, CLI_MOUNT_BIND, key_propagation },
    { "bind-recursive", VALUE_NEEDED, CLI_MOUNT_BIND, key_recursive },
    { "bind-create-src", BARE_TOO, CLI_MOUNT_BIND, key_create },
    { "volume-nocopy", BARE_TOO, CLI_MOUNT_VOLUME, key_no_copy },
    { "volume-label", VALUE_NEEDED, CLI_MOUNT_VOLUME, key_label },
    { "volume-driver", VALUE_NEEDED, CLI_MOUNT_VOLUME, key_driver },
    { "volume-subpath", VALUE_NEEDED, CLI_MOUNT_VOLUME, key_subpath },
    { "tmpfs-size", VALUE_NEEDED, CLI_MOUNT_TMPFS, key_tmpfs_size },
    { "tmpfs-mode", VALUE_NEEDED, CLI_MOUNT_TMPFS, key_tmpfs_mode },
};

#define KEY_COUNT (sizeof(keys) / sizeof(*keys))

static int take_field(struct cli_mount *mount, const char *field, bool given[KEY_COUNT],
                      struct md_err *err)
{
    MD_AUTO_FREE char *key = md_xstrdup(field);
    char *value = strchr(key, '=');

    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(keys[i].key, key) != 0)
            continue;
        if (!value && keys[i].form == VALUE_NEEDED)
            return md_err_set(err, MD_ERR_USAGE, "invalid field '%s' must be a key=value pair",
                              field);
        given[i] = true;
        return keys[i].take(mount, key, value, err);
    }
    return md_err_set(err, MD_ERR_USAGE, "unexpected key '%s' in '%s'", key, field);
}

static int check(struct cli_mount *mount, const bool given[KEY_COUNT], struct md_err *err)
{
    static const char *const names[] = {
        [CLI_MOUNT_BIND] = "bind", [CLI_MOUNT_VOLUME] = "volume", [CLI_MOUNT_TMPFS] = "tmpfs"
    };

    if (!mount->target)
        return md_err_set(err, MD_ERR_USAGE, "target is required");
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (given[i] && keys[i].only >= 0 && keys[i].only != (int)mount->kind)
            return md_err_set(err, MD_ERR_USAGE, "cannot mix '%s' with mount type '%s'",
                              keys[i].key, names[mount->kind]);
    }
    if (mount->kind == CLI_MOUNT_BIND && (!mount->source || !mount->source[0]))
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid mount config for type \"bind\": field Source must not be "
                          "empty");
    if (mount->kind == CLI_MOUNT_TMPFS && mount->source)
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid mount config for type \"tmpfs\": field Source must not be "
                          "specified");
    return 0;
}

/* What depends on the type, which may come last. */
static void settle(struct cli_mount *mount)
{
    if (mount->kind == CLI_MOUNT_BIND) {
        MD_AUTO_FREE char *source = md_ptr_take(&mount->source);

        cli_mount_set_source(mount, source);
    }
    if (mount->kind == CLI_MOUNT_TMPFS)
        mount->attributes |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    mount->anonymous = mount->kind == CLI_MOUNT_VOLUME && (!mount->source || !mount->source[0]);
    if (mount->anonymous)
        md_ptr_free(&mount->source);
}

int cli_mount_flag(const char *text, struct cli_mount *mount, struct md_err *err)
{
    struct md_list fields = { 0 };
    bool given[KEY_COUNT] = { false };
    int status = split_fields(text, &fields);

    mount->kind = CLI_MOUNT_VOLUME;
    mount->tmpfs_mode = 01777;
    if (status < 0)
        md_err_set(err, MD_ERR_USAGE, "a quote that does not end or begin a field");
    for (size_t i = 0; status == 0 && i < fields.count; i++)
        status = take_field(mount, fields.items[i], given, err);
    if (status == 0)
        status = check(mount, given, err);
    md_list_clear(&fields);
    if (status < 0)
        return md_err_in(err, "invalid argument \"%s\" for \"--mount\" flag", text);
    settle(mount);
    return 0;
}
