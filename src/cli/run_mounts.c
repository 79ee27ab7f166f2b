/* SPDX-License-Identifier: Apache-2.0 */
/* -v and --tmpfs: from docker's words to a mount of the plan. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/run_options.h"

/* Cut "a:b:c" at the first colon; NULL when there is none. */
static char *cut(char *text, char at)
{
    char *found = strchr(text, at);

    if (found)
        *found++ = '\0';
    return found;
}

/* An absolute path without "..", "." and "//": what Go's path.Clean makes of it. */
static int clean_target(const char *target, char **cleaned, struct md_err *err)
{
    char out[PATH_MAX];

    if (target[0] != '/')
        return md_err_set(err, MD_ERR_USAGE, "invalid mount path: '%s' must be absolute",
                          target);
    if (md_path_clean(target, out) < 0 || out[0] == '\0')
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid mount path: '%s' is no place below the root", target);
    *cleaned = md_xasprintf("/%s", out);
    return 0;
}

/* docker makes a missing source as root; a typo should not: name how far the path goes. */
static int missing_source(const char *source, struct md_err *err)
{
    MD_AUTO_FREE char *parent = md_xstrdup(source);

    for (;;) {
        char *slash = strrchr(parent, '/');

        if (!slash)
            break;
        *slash = '\0';
        if (access(parent[0] ? parent : "/", F_OK) == 0)
            break;
    }
    return md_err_set(
        err, MD_ERR_NOT_FOUND,
        "bind source path does not exist: \"%s\" (there is \"%s\"; \":create\" at "
        "the end of -v makes the rest)",
        source, parent[0] ? parent : "/");
}

struct bind_options {
    bool create;
    unsigned long long attributes;
};

static int parse_bind_options(char *text, struct bind_options *options, struct md_err *err)
{
    for (char *word = text, *next; word && *word; word = next) {
        next = cut(word, ',');
        if (strcmp(word, "ro") == 0 || strcmp(word, "readonly") == 0)
            options->attributes |= MOUNT_ATTR_RDONLY;
        else if (strcmp(word, "create") == 0)
            options->create = true;
        else if (strcmp(word, "rw") != 0 && strcmp(word, "rprivate") != 0 &&
                 strcmp(word, "private") != 0 && strcasecmp(word, "z") != 0)
            return md_err_set(err, MD_ERR_USAGE, "invalid volume option \"%s\"", word);
    }
    return 0;
}

/* Take a clone of the source's mount now: whatever happens to the path later, this is it. */
static int open_source(struct run_mount *mount, const struct bind_options *options,
                       struct md_err *err)
{
    struct stat info;

    if (stat(mount->source, &info) < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return md_err_sys(err, "cannot use volume \"%s\"", mount->source);
        if (!options->create)
            return missing_source(mount->source, err);
        if (md_path_make_dirs(mount->source, 0755, err) < 0 || stat(mount->source, &info) < 0)
            return -1;
    }
    mount->is_directory = S_ISDIR(info.st_mode);
    mount->source_fd =
        open_tree(AT_FDCWD, mount->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (mount->source_fd < 0)
        return md_err_sys(err, "cannot use volume \"%s\"", mount->source);
    return 0;
}

/* Relative sources are below the working directory of the caller, as docker has it. */
static char *absolute_source(const char *source)
{
    char here[PATH_MAX];

    if (source[0] == '/' || !getcwd(here, sizeof(here)))
        return md_xstrdup(source);
    return md_xasprintf("%s/%s", here, source);
}

int cli_run_volume(const char *text, struct run_mount *mount, struct md_err *err)
{
    MD_AUTO_FREE char *source = md_xstrdup(text);
    struct bind_options options = { 0 };
    char *target = cut(source, ':');
    char *words = target ? cut(target, ':') : NULL;

    mount->kind = RUN_MOUNT_BIND;
    mount->source_fd = -1;
    if (source[0] == '\0' || (target && target[0] == '\0'))
        return md_err_set(err, MD_ERR_USAGE, "invalid volume specification: \"%s\"", text);
    if (!target || !strchr("/.~", source[0]))
        return md_err_set(
            err, MD_ERR_USAGE,
            "volume \"%s\": this version mounts directories and files of the host "
            "only (SOURCE:TARGET, SOURCE beginning with \"/\" or \"./\")",
            text);
    if (parse_bind_options(words, &options, err) < 0)
        return -1;
    if (clean_target(target, &mount->target, err) < 0)
        return -1;
    mount->source = absolute_source(source);
    mount->attributes = options.attributes;
    return open_source(mount, &options, err);
}

static int parse_tmpfs_option(char *word, struct run_mount *mount, struct md_err *err)
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

int cli_run_tmpfs(const char *text, struct run_mount *mount, struct md_err *err)
{
    MD_AUTO_FREE char *target = md_xstrdup(text);
    char *words = cut(target, ':');

    mount->kind = RUN_MOUNT_TMPFS;
    mount->source_fd = -1;
    mount->is_directory = true;
    mount->tmpfs_mode = 01777;
    mount->attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    for (char *word = words, *next; word && *word; word = next) {
        next = cut(word, ',');
        if (parse_tmpfs_option(word, mount, err) < 0)
            return -1;
    }
    return clean_target(target, &mount->target, err);
}
