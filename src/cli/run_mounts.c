/* SPDX-License-Identifier: Apache-2.0 */
/* -v and --tmpfs: docker's words. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/run_mounts.h"

/* Cut "a:b:c" at the first colon; NULL when there is none. */
static char *cut(char *text, char at)
{
    char *found = strchr(text, at);

    if (found)
        *found++ = '\0';
    return found;
}

/* An absolute path without "..", "." and "//": what Go's path.Clean makes of it. */
int cli_mount_set_target(struct cli_mount *mount, const char *target, struct md_err *err)
{
    char out[PATH_MAX];

    if (target[0] != '/')
        return md_err_set(err, MD_ERR_USAGE, "invalid mount path: '%s' must be absolute",
                          target);
    if (md_path_clean(target, out) < 0 || out[0] == '\0')
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid mount path: '%s' is no place below the root", target);
    free(mount->target);
    mount->target = md_xasprintf("/%s", out);
    return 0;
}

void cli_mount_set_source(struct cli_mount *mount, const char *source)
{
    char here[PATH_MAX];

    free(mount->source);
    mount->source = source[0] == '/' || !getcwd(here, sizeof(here))
                        ? md_xstrdup(source)
                        : md_xasprintf("%s/%s", here, source);
}

void cli_mount_clear(struct cli_mount *mount)
{
    md_ptr_free(&mount->source);
    md_ptr_free(&mount->target);
    md_ptr_free(&mount->subpath);
    md_ptr_free(&mount->mode);
    md_ptr_free(&mount->tmpfs_size);
    md_json_free(&mount->labels);
}

static int parse_volume_option(const char *word, struct cli_mount *mount, struct md_err *err)
{
    static const char *const ignored[] = { "rw", "rprivate", "private", "z", "Z" };
    bool bind = mount->kind == CLI_MOUNT_BIND;

    if (strcmp(word, "ro") == 0 || strcmp(word, "readonly") == 0) {
        mount->attributes |= MOUNT_ATTR_RDONLY;
        return 0;
    }
    if (bind && strcmp(word, "create") == 0) {
        mount->create = true;
        return 0;
    }
    if (!bind && strcmp(word, "nocopy") == 0) {
        mount->no_copy = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
        if (strcmp(word, ignored[i]) == 0)
            return 0;
    }
    return md_err_set(err, MD_ERR_USAGE, "invalid volume option \"%s\"", word);
}

static int parse_volume_options(char *words, struct cli_mount *mount, struct md_err *err)
{
    if (words)
        mount->mode = md_xstrdup(words);
    for (char *word = words, *next; word && *word; word = next) {
        next = cut(word, ',');
        if (parse_volume_option(word, mount, err) < 0)
            return -1;
    }
    return 0;
}

int cli_mount_volume(const char *text, struct cli_mount *mount, struct md_err *err)
{
    MD_AUTO_FREE char *source = md_xstrdup(text);
    char *target = cut(source, ':');
    char *words = target ? cut(target, ':') : NULL;

    mount->kind = CLI_MOUNT_VOLUME;
    if (source[0] == '\0' || (target && target[0] == '\0'))
        return md_err_set(err, MD_ERR_USAGE, "invalid volume specification: \"%s\"", text);
    if (!target) {
        mount->anonymous = true;
        return cli_mount_set_target(mount, source, err);
    }
    if (strchr("/.~", source[0])) {
        mount->kind = CLI_MOUNT_BIND;
        cli_mount_set_source(mount, source);
    } else {
        mount->source = md_xstrdup(source);
    }
    if (cli_mount_set_target(mount, target, err) < 0)
        return -1;
    return parse_volume_options(words, mount, err);
}

static int parse_tmpfs_option(char *word, struct cli_mount *mount, struct md_err *err)
{
    static const struct {
        const char *word;
        unsigned long long set, clear;
    } words[] = {
        { "ro", MOUNT_ATTR_RDONLY, 0 },     { "rw", 0, MOUNT_ATTR_RDONLY },
        { "nosuid", MOUNT_ATTR_NOSUID, 0 }, { "suid", 0, MOUNT_ATTR_NOSUID },
        { "nodev", MOUNT_ATTR_NODEV, 0 },   { "noexec", MOUNT_ATTR_NOEXEC, 0 },
        { "exec", 0, MOUNT_ATTR_NOEXEC },
    };
    uint64_t bytes = 0;

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(word, words[i].word) == 0) {
            mount->attributes = (mount->attributes & ~words[i].clear) | words[i].set;
            return 0;
        }
    }
    if (strncmp(word, "size=", 5) == 0 && md_text_parse_size(word + 5, &bytes) == 0) {
        free(mount->tmpfs_size);
        mount->tmpfs_size = md_xasprintf("%llu", (unsigned long long)bytes);
        return 0;
    }
    if (strncmp(word, "mode=", 5) == 0 && strspn(word + 5, "01234567") == strlen(word + 5) &&
        strlen(word + 5) > 0 && strlen(word + 5) <= 4) {
        mount->tmpfs_mode = (mode_t)strtoul(word + 5, NULL, 8);
        return 0;
    }
    return md_err_set(err, MD_ERR_USAGE, "invalid tmpfs option \"%s\"", word);
}

int cli_mount_tmpfs(const char *text, struct cli_mount *mount, struct md_err *err)
{
    MD_AUTO_FREE char *target = md_xstrdup(text);
    char *words = cut(target, ':');

    mount->kind = CLI_MOUNT_TMPFS;
    mount->tmpfs_mode = 01777;
    mount->attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    for (char *word = words, *next; word && *word; word = next) {
        next = cut(word, ',');
        if (parse_tmpfs_option(word, mount, err) < 0)
            return -1;
    }
    return cli_mount_set_target(mount, target, err);
}
