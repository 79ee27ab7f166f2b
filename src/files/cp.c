/* SPDX-License-Identifier: Apache-2.0 */
/* cp: one process packs one side into a tar, this one unpacks it on the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "files/extract.h"
#include "files/files.h"
#include "files/pack.h"
#include "files/place.h"
#include "files/producer.h"
#include "files/root.h"

/* A copy under way. */
struct copy {
    const struct files_cp *cp;
    struct files_root root;    /* of the container */
    char *container;           /* as typed */
    struct files_place source; /* unless it is a tar */
    struct files_place target;
    int host; /* the host's "/" */
};

/* CONTAINER:PATH in two, unless it is a path of the host. The caller frees *container. */
static const char *split(const char *text, char **container)
{
    const char *colon = strchr(text, ':');

    if (text[0] == '/' || text[0] == '.' || !colon)
        return text;
    *container = md_xstrndup(text, (size_t)(colon - text));
    return colon + 1;
}

/* Find out which side is the container's. Returns the paths of both. */
static int parse(struct copy *copy, const char **source, const char **target,
                 struct md_err *err)
{
    MD_AUTO_FREE char *from = NULL;
    MD_AUTO_FREE char *to = NULL;

    *source = split(copy->cp->source, &from);
    *target = split(copy->cp->target, &to);
    if (!copy->cp->source[0] || !copy->cp->target[0])
        return md_err_set(err, MD_ERR_USAGE, "%s can not be empty",
                          copy->cp->source[0] ? "destination" : "source");
    if (from && to)
        return md_err_set(err, MD_ERR_NOT_FOUND, "copying between containers is not supported");
    if (!from && !to)
        return md_err_set(err, MD_ERR_NOT_FOUND, "must specify at least one container source");
    copy->source.container = from;
    copy->target.container = to;
    copy->container = md_ptr_take(from ? &from : &to);
    return 0;
}

static int open_sides(struct copy *copy, const struct store *store, struct md_err *err)
{
    enum files_view view = copy->source.container ? FILES_READ : FILES_WRITE;

    /* Before the root is opened: that may give this process mounts of its own. */
    copy->host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (copy->host < 0)
        return md_err_sys(err, "cannot open \"/\"");
    if (files_root_open(store, copy->container, view, &copy->root, err) < 0)
        return -1;
    copy->source.root = copy->source.container ? copy->root.fd : copy->host;
    copy->target.root = copy->target.container ? copy->root.fd : copy->host;
    return 0;
}

/* A files_produce_fn. */
static int produce(struct files_tar *tar, void *context, struct md_err *err)
{
    return files_pack(tar, context, err);
}

static int is_directory(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The container's side as a tar on stdout. */
static int copy_out(struct copy *copy, struct md_err *err)
{
    enum files_link link = copy->cp->follow ? FILES_LINK_TARGET : FILES_LINK_ITSELF;
    MD_AUTO_FD fd = files_place_open(&copy->source, link, err);
    const char *base = files_place_base(&copy->source);
    struct files_tree tree = { fd, copy->source.contents || !*base ? "." : base,
                               copy->root.fd };

    if (fd < 0)
        return -1;
    if (isatty(STDOUT_FILENO))
        return md_err_set(err, MD_ERR_CONFLICT,
                          "cowardly refusing to write a tar to a terminal: redirect it");
    struct files_tar *tar = files_tar_open(STDOUT_FILENO);
    int status = files_pack(tar, &tree, err);

    if (status == 0)
        status = files_tar_finish(tar, err);
    files_tar_close(&tar);
    return status;
}

static struct files_target target_of(const struct copy *copy, int dir)
{
    bool inside = copy->target.container != NULL;
    bool keep = copy->cp->archive || strcmp(copy->cp->source, "-") == 0;

    return (struct files_target){
        .dir = dir,
        .owner = keep ? FILES_KEEP : FILES_GIVE,
        .uid = inside ? 0 : geteuid(),
        .gid = inside ? 0 : getegid(),
        .devices = keep || inside ? FILES_DEVICES : FILES_NO_DEVICES,
    };
}

static void report(const struct copy *copy, const struct files_extracted *extracted)
{
    MD_AUTO_FREE char *target = md_text_escaped(copy->cp->target, strlen(copy->cp->target));
    char size[32];

    if (extracted->skipped_devices > 0)
        fprintf(stderr, "minidock: note: %llu device nodes left out; -a copies them\n",
                (unsigned long long)extracted->skipped_devices);
    if (!copy->cp->quiet)
        fprintf(stderr, "Successfully copied %s to %s\n",
                md_text_size(extracted->bytes, size, sizeof(size)), target);
}

/* A tar on stdin into a directory of the container. */
static int copy_in(struct copy *copy, struct md_err *err)
{
    struct files_destination found = { .dir = -1, .parent = -1 };
    struct files_extracted extracted;
    struct files_target target;
    int status = files_place_find(&copy->target, &found, err);

    if ((status < 0 && err->kind == MD_ERR_NOT_FOUND) || (status == 0 && found.dir < 0)) {
        *err = (struct md_err){ 0 };
        status = md_err_set(err, MD_ERR_CONFLICT, "destination \"%s\" must be a directory",
                            copy->cp->target);
    }
    target = target_of(copy, found.dir);
    if (status == 0)
        status = files_extract(STDIN_FILENO, &target, &extracted, err);
    if (status == 0)
        report(copy, &extracted);
    files_destination_close(&found);
    return status;
}

/*
 * docker's rules: into a directory that is there; in place of a file, or under a new name; the
 * name that the copy gets in *dir, which is found's. NULL with *err.
 */
static const char *name_copy(const struct copy *copy, int source,
                             const struct files_destination *found, int *dir,
                             struct md_err *err)
{
    const char *base = files_place_base(&copy->source);
    bool is_dir = is_directory(source);

    if (found->dir >= 0) {
        *dir = found->dir;
        return copy->source.contents || !*base ? "." : base;
    }
    *dir = found->parent;
    if (found->exists && is_dir)
        md_err_set(err, MD_ERR_CONFLICT, "cannot copy directory");
    else if (!found->exists && !is_dir && copy->target.directory)
        md_err_set(err, MD_ERR_NOT_FOUND, "no such directory");
    else
        return found->name;
    return NULL;
}

static int transfer(struct copy *copy, struct files_tree *tree, int dir, struct md_err *err)
{
    const struct files_target target = target_of(copy, dir);
    struct files_producer producer = { .output = -1, .failure = -1 };
    struct files_extracted extracted;
    int status = files_producer_start(produce, tree, &producer, err);

    if (status == 0)
        status = files_extract(producer.output, &target, &extracted, err);
    if (files_producer_end(&producer, err) < 0 || status < 0)
        return -1;
    report(copy, &extracted);
    return 0;
}

static int copy_across(struct copy *copy, struct md_err *err)
{
    enum files_link link = copy->cp->follow ? FILES_LINK_TARGET : FILES_LINK_ITSELF;
    struct files_destination found = { .dir = -1, .parent = -1 };
    MD_AUTO_FD source = files_place_open(&copy->source, link, err);
    int dir = -1;
    int status = -1;

    if (source >= 0 && files_place_find(&copy->target, &found, err) == 0) {
        const char *name = name_copy(copy, source, &found, &dir, err);
        struct files_tree tree = { source, name, copy->source.container ? copy->root.fd : -1 };

        if (name)
            status = transfer(copy, &tree, dir, err);
    }
    files_destination_close(&found);
    return status;
}

static int run(struct copy *copy, const struct store *store, struct md_err *err)
{
    const char *source;
    const char *target;

    if (parse(copy, &source, &target, err) < 0 || open_sides(copy, store, err) < 0)
        return -1;
    if (strcmp(target, "-") == 0 && copy->source.container)
        return files_place_set(&copy->source, source, err) < 0 ? -1 : copy_out(copy, err);
    if (files_place_set(&copy->target, target, err) < 0)
        return -1;
    if (strcmp(source, "-") == 0 && copy->target.container)
        return copy_in(copy, err);
    return files_place_set(&copy->source, source, err) < 0 ? -1 : copy_across(copy, err);
}

int files_cp(const struct store *store, const struct files_cp *cp, struct md_err *err)
{
    struct copy *copy = md_xcalloc(1, sizeof(*copy));
    int status;

    copy->cp = cp;
    copy->host = -1;
    copy->root =
        (struct files_root){ .fd = -1, .overlay = { .lower = -1, .upper = -1, .work = -1 } };
    status = run(copy, store, err);
    files_root_close(&copy->root);
    md_fd_close(&copy->host);
    free(copy->container);
    free(copy);
    return status;
}
