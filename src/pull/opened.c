/* SPDX-License-Identifier: Apache-2.0 */
/* A local source of images, opened, and the names in it. */
#include "pull/opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define MAX_CHOICES (4 * MD_MAX_INDEX_ENTRIES)

/* ---- Opening ---- */

/* An empty file that nobody else sees. */
static int open_spool(const struct store *store, const struct pull_opening *how,
                      struct md_err *err)
{
    const int flags = O_TMPFILE | O_RDWR;
    int fd = how->no_store ? open("/var/tmp", flags | O_CLOEXEC, 0600)
                           : openat(store->partial, ".", flags | O_CLOEXEC, 0600);

    return fd < 0 ? md_err_sys(err, "cannot make a temporary file for the archive") : fd;
}

static int open_path(const struct pull_opening *how, struct md_err *err)
{
    MD_AUTO_FD fd = how->path ? open(how->path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
                              : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return md_err_sys(err, "cannot open it");
    if (how->form == PULL_PLACE_DIR && !S_ISDIR(st.st_mode))
        return md_err_set(err, MD_ERR_FORMAT, "it is no directory");
    if (how->form == PULL_PLACE_FILE && S_ISDIR(st.st_mode))
        return md_err_set(err, MD_ERR_FORMAT, "it is a directory");
    return md_fd_take(&fd);
}

static int send_order(const struct store *store, const struct pull_opening *how,
                      const struct pull_opened *opened, struct md_err *err)
{
    const struct pull_message message = {
        .tag = PULL_SOURCE,
        .ring = PULL_RINGS,
        .source = { .wanted = how->wanted, .probe = how->probe },
    };
    MD_AUTO_FD source = open_path(how, err);
    MD_AUTO_FD spool = source < 0 ? -1 : open_spool(store, how, err);
    const int fds[2] = { source, spool };

    if (spool < 0)
        return -1;
    return pull_wire_send(opened->crew.network.socket, &message, fds, 2, err);
}

static int add_choice(struct pull_opened *opened, const struct pull_choice *choice,
                      struct md_err *err)
{
    if (opened->count == MAX_CHOICES)
        return md_err_set(err, MD_ERR_LIMIT, "more than %d names of images", MAX_CHOICES);
    opened->choices =
        md_xreallocarray(opened->choices, opened->count + 1, sizeof(*opened->choices));
    opened->choices[opened->count++] = *choice;
    return 0;
}

/* One answer to SOURCE: 1 when it was the last. */
static int take_answer(struct pull_opened *opened, const struct pull_message *message,
                       struct md_err *err)
{
    if (message->tag == PULL_CHOICE)
        return add_choice(opened, &message->choice, err);
    if (message->tag == PULL_CHOICES) {
        opened->kind = message->kind;
        return 1;
    }
    if (message->tag != PULL_FAILED)
        return md_err_set(err, MD_ERR_FORMAT, "unexpected message %d", (int)message->tag);
    *err = message->err;
    return -1;
}

static int receive_choices(struct pull_opened *opened, struct md_err *err)
{
    int done = 0;

    while (done == 0) {
        struct pull_message message;
        int fds[PULL_MESSAGE_FDS];
        int got = pull_wire_receive(opened->crew.network.socket, &message, fds, err);

        if (got == 0)
            return md_err_set(err, MD_ERR_SYSTEM, "the local process has ended unexpectedly");
        if (got < 0)
            return -1;
        for (size_t i = 0; i < PULL_MESSAGE_FDS; i++)
            md_fd_close(&fds[i]);
        done = take_answer(opened, &message, err);
    }
    return done < 0 ? -1 : 0;
}

/* The name of the file or directory itself, links and "." resolved. */
static void find_label(struct pull_opened *opened, const char *path)
{
    MD_AUTO_FREE char *real = path ? realpath(path, NULL) : NULL;
    struct md_err ignored = { 0 };
    struct md_ref ref;
    MD_AUTO_FREE char *name = NULL;

    if (real && pull_place_name(real, &ref, &ignored) == 0)
        name = md_xasprintf("localhost/%s", strrchr(ref.repository, '/') + 1);
    opened->has_label = name && md_ref_parse(name, &opened->label, &ignored) == 0;
    if (!opened->has_label && md_ref_parse("localhost/image", &opened->label, &ignored) < 0)
        abort();
}

int pull_opened_open(const struct store *store, const struct pull_opening *how,
                     struct pull_opened *opened, struct md_err *err)
{
    find_label(opened, how->path);
    if (pull_crew_start(&opened->crew, PULL_CREW_LOCAL, err) < 0 ||
        send_order(store, how, opened, err) < 0)
        return -1;
    return receive_choices(opened, err);
}

void pull_opened_close(struct pull_opened *opened)
{
    pull_crew_stop(&opened->crew);
    md_ptr_free(&opened->choices);
    opened->count = 0;
}

/* ---- Names ---- */

size_t pull_opened_images(const struct pull_opened *opened)
{
    /* They come by their numbers, from 0. */
    return opened->count > 0 ? opened->choices[opened->count - 1].image + 1 : 0;
}

int pull_opened_name(const struct pull_opened *opened, const struct pull_choice *choice,
                     struct md_ref *ref, struct md_err *err)
{
    MD_AUTO_FREE char *text = NULL;
    char label[MD_REF_TEXT_SIZE];
    char shown[160];

    md_ref_familiar_repository(&opened->label, label);
    if (choice->name[0] == '\0' || choice->name[0] == ':')
        text = md_xasprintf("%s%s", label, choice->name);
    if (md_ref_parse(text ? text : choice->name, ref, err) < 0 || ref->digest.alg)
        return md_err_set(
            err, MD_ERR_FORMAT, "\"%s\" is no name for an image in an archive",
            md_text_escape(choice->name, strlen(choice->name), shown, sizeof(shown)));
    return 0;
}

/* A tag is enough, where it is all that was typed. */
static bool is_called(const struct pull_choice *choice, const char *wanted)
{
    struct md_err ignored = { 0 };
    struct md_ref its;
    struct md_ref ref;
    char a[MD_REF_TEXT_SIZE];
    char b[MD_REF_TEXT_SIZE];

    if (choice->name[0] == ':')
        return strcmp(choice->name + 1, wanted) == 0;
    if (md_ref_parse(choice->name, &its, &ignored) < 0)
        return false;
    if (!strpbrk(wanted, "/:@") && strcmp(its.tag, wanted) == 0)
        return true;
    if (md_ref_parse(wanted, &ref, &ignored) < 0)
        return false;
    md_ref_full(&its, a);
    md_ref_full(&ref, b);
    return strcmp(a, b) == 0;
}

/* "; there is alpine:latest, 3.20", as far as there is room; out holds size bytes. */
static const char *list_names(const struct pull_opened *opened, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < opened->count && len < size; i++) {
        const char *name = opened->choices[i].name;
        char shown[160];

        name += name[0] == ':';
        len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "; there is ",
                                *name ? md_text_escape(name, strlen(name), shown, sizeof(shown))
                                      : "one without a name");
    }
    return out;
}

const struct pull_choice *pull_opened_choose(const struct pull_opened *opened,
                                             const char *wanted, struct md_err *err)
{
    const struct pull_choice *found = NULL;
    char names[300];
    char shown[160];

    for (size_t i = 0; i < opened->count; i++) {
        const struct pull_choice *choice = &opened->choices[i];

        if (wanted && !is_called(choice, wanted))
            continue;
        if (found && found->image != choice->image) {
            md_err_set(err, MD_ERR_NOT_FOUND, "several images: say which one, behind a colon%s",
                       list_names(opened, names, sizeof(names)));
            return NULL;
        }
        found = found ? found : choice;
    }
    if (!found && wanted)
        md_err_set(err, MD_ERR_NOT_FOUND, "no image \"%s\" in it%s",
                   md_text_escape(wanted, strlen(wanted), shown, sizeof(shown)),
                   list_names(opened, names, sizeof(names)));
    else if (!found)
        md_err_set(err, MD_ERR_NOT_FOUND, "no image in it");
    return found;
}
