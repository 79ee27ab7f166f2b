/* SPDX-License-Identifier: Apache-2.0 */
/* Importing: from a root file system to an image in the store. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/ref.h"
#include "base/text.h"
#include "pull/archive.h"
#include "pull/crew.h"
#include "pull/hash.h"
#include "pull/load.h"
#include "pull/mktar.h"
#include "pull/place.h"
#include "pull/pull.h"
#include "store/image.h"
#include "store/layer.h"
#include "store/merge.h"

/* An import under way. */
struct import {
    const struct store *store;
    const struct import_options *options;
    const char *source;
    struct md_ref ref;
    int input;   /* what the writer reads; -1: a URL, through the ring */
    int failure; /* where the archiver of a directory says what went wrong; -1: none */
    pid_t archiver;
    struct pull_crew crew;
    struct store_layer layer;
    struct pull_unpacked unpacked;
    struct md_oci_config config;
};

static bool is_url(const char *source)
{
    return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

/* In the archiver: write the directory as a tar, say on the other pipe what went wrong. */
_Noreturn static void archive(const char *path, int output, int failure, pid_t parent)
{
    struct md_err err = { 0 };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    if (pull_mktar(path, output, &err) == 0)
        _exit(0);
    if (md_fd_write_all(failure, &err, sizeof(err)) < 0)
        _exit(2);
    _exit(1);
}

static int start_archiver(struct import *import, struct md_err *err)
{
    int data[2];
    int failure[2];
    pid_t parent = getpid();

    if (pipe2(data, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot make a pipe");
    import->input = data[0];
    if (pipe2(failure, O_CLOEXEC) < 0) {
        close(data[1]);
        return md_err_sys(err, "cannot make a pipe");
    }
    import->failure = failure[0];
    import->archiver = fork();
    if (import->archiver == 0) {
        close(data[0]);
        close(failure[0]);
        archive(import->source, data[1], failure[1], parent);
    }
    close(data[1]);
    close(failure[1]);
    return import->archiver < 0 ? md_err_sys(err, "cannot start a process") : 0;
}

static int open_source(struct import *import, struct md_err *err)
{
    struct stat info;

    if (is_url(import->source))
        return 0;
    if (strcmp(import->source, "-") == 0) {
        import->input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return import->input < 0 ? md_err_sys(err, "cannot read standard input") : 0;
    }
    import->input = open(import->source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (import->input < 0 || fstat(import->input, &info) < 0)
        return md_err_sys(err, "cannot open \"%s\"", import->source);
    if (!S_ISDIR(info.st_mode))
        return 0;
    md_fd_close(&import->input);
    return start_archiver(import, err);
}

/*
 * Wait for the archiver, which has ended or is stuck on a reader that gave up: then it is
 * killed. Returns -1 with its own words if it has failed by itself.
 */
static int reap_archiver(struct import *import, struct md_err *err)
{
    struct md_err theirs = { 0 };

    if (import->archiver <= 0)
        return 0;
    if (err->kind != MD_ERR_NONE)
        kill(import->archiver, SIGKILL);
    while (waitpid(import->archiver, NULL, 0) < 0 && errno == EINTR)
        ;
    import->archiver = 0;
    if (md_fd_read_full(import->failure, &theirs, sizeof(theirs)) != (ssize_t)sizeof(theirs))
        return 0;
    *err = theirs;
    return -1;
}

static int order_url(struct import *import, struct md_err *err)
{
    struct pull_message order = {
        .tag = PULL_FETCH_URL,
        .ring = 0,
        .fetch = { .ring = 0, .blob = { .size = -1 } },
    };

    if (strlen(import->source) >= sizeof(order.fetch.url))
        return md_err_set(err, MD_ERR_LIMIT, "the URL is too long");
    snprintf(order.fetch.url, sizeof(order.fetch.url), "%s", import->source);
    return pull_wire_send(import->crew.network.socket, &order, NULL, 0, err);
}

static int order_unpack(struct import *import, struct md_err *err)
{
    bool url = import->input < 0;
    const struct pull_message order = {
        .tag = PULL_UNPACK,
        .ring = url ? 0 : PULL_RINGS,
        .unpack = { .ring = url ? 0 : PULL_RINGS, .promise = { .size = -1 } },
    };
    const int fds[2] = { import->layer.dir, import->input };

    return pull_wire_send(import->crew.writers[0].socket, &order, fds, url ? 1 : 2, err);
}

/* Wait for one member's last word; an empty failure is a broken ring. */
static int await(struct pull_member *member, struct pull_message *message, struct md_err *err)
{
    int fds[PULL_MESSAGE_FDS];
    int got = pull_wire_receive(member->socket, message, fds, err);

    if (got == 0)
        return md_err_set(err, MD_ERR_SYSTEM, "a process of the import has ended unexpectedly");
    if (got < 0)
        return -1;
    if (message->tag == PULL_FAILED) {
        *err = message->err;
        return -1;
    }
    return 0;
}

/*
 * From a URL two processes must end well: whichever ends badly first says why. A writer without
 * an error of its own has only seen its ring break off.
 */
static int await_both(struct import *import, struct pull_message *message, struct md_err *err)
{
    struct pull_member *members[2] = { &import->crew.network, &import->crew.writers[0] };
    struct pollfd fds[2] = {
        { .fd = members[0]->socket, .events = POLLIN },
        { .fd = members[1]->socket, .events = POLLIN },
    };

    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (poll(fds, 2, -1) < 0)
            continue;
        for (size_t i = 0; i < 2; i++) {
            struct pull_message word;

            if (fds[i].fd < 0 || !fds[i].revents)
                continue;
            if (await(members[i], &word, err) < 0 && err->text[0])
                return -1;
            fds[i].fd = -1;
            if (i == 1)
                *message = word;
        }
    }
    return message->tag == PULL_UNPACKED
               ? 0
               : md_err_set(err, MD_ERR_NETWORK, "the transfer broke off");
}

static int see_entry(const char *name, unsigned char type, void *context, struct md_err *err)
{
    bool *images = context;

    (void)type;
    (void)err;
    *images = *images && pull_archive_may_hold(name);
    return 0;
}

/* A pipe cannot be looked at before it is unpacked. */
static int refuse_images(const struct import *import, struct md_err *err)
{
    int tree = import->layer.tree;
    bool images = faccessat(tree, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                  faccessat(tree, "manifest.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;

    if (store_visit(tree, see_entry, &images, err) < 0)
        return -1;
    return images ? md_err_set(err, MD_ERR_FORMAT,
                               "it is an archive of images, not a root file system: use "
                               "'minidock load'")
                  : 0;
}

static int unpack(struct import *import, struct md_err *err)
{
    bool url = import->input < 0;
    struct pull_message message;

    if (store_layer_claim_unknown(import->store, &import->layer, err) < 0 ||
        (url && order_url(import, err) < 0) || order_unpack(import, err) < 0)
        return -1;
    if (url ? await_both(import, &message, err) < 0
            : await(&import->crew.writers[0], &message, err) < 0) {
        reap_archiver(import, err);
        return -1;
    }
    import->unpacked = message.unpacked;
    if (reap_archiver(import, err) < 0 || refuse_images(import, err) < 0)
        return -1;
    return store_layer_finish(import->store, &import->unpacked.diff_id, &import->layer, err);
}

/* The config of an image that nobody has built: one layer, and what --change says. */
static int make_config(struct import *import, struct md_err *err)
{
    struct md_oci_config *config = &import->config;
    const char *message = import->options->message;
    struct json_t *history = md_json_array();
    struct json_t *step = md_json_object();
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    md_text_time(&now, config->created, sizeof(config->created));
    config->platform = import->options->platform;
    config->diff_ids = md_xcalloc(1, sizeof(*config->diff_ids));
    config->diff_ids[0] = import->unpacked.diff_id;
    config->diff_id_count = 1;
    config->comment =
        message ? md_xstrdup(message) : md_xasprintf("Imported from %s", import->source);
    md_json_set(step, "created", md_json_string(config->created));
    md_json_set(step, "comment", md_json_string(config->comment));
    md_json_append(history, step);
    config->history = history;
    for (size_t i = 0; i < import->options->changes.count; i++) {
        if (md_oci_config_change(config, import->options->changes.items[i], err) < 0)
            return -1;
    }
    return 0;
}

static int publish(struct import *import, struct md_digest *id, struct md_err *err)
{
    MD_AUTO_JSON json = md_oci_config_json(&import->config);
    MD_AUTO_FREE char *bytes = md_json_line(json);
    struct store_draft draft = { .dir = -1, .rootfs = -1, .sync = -1 };
    struct store_name record = {
        .platform = import->config.platform,
        .time = time(NULL),
    };

    pull_hash_bytes(MD_SHA256, bytes, strlen(bytes), id);
    struct store_publication publication = {
        .id = md_digest_hex(id),
        .config = &import->config,
        .config_bytes = bytes,
        .config_len = strlen(bytes),
    };
    int status = store_draft_open(import->store, &draft, err);

    if (status == 0)
        status = store_merge(draft.rootfs, import->layer.dir, &publication.size, err);
    if (status == 0)
        status = store_draft_publish(import->store, &draft, &publication, err);
    if (status == 0) { /* while the draft's lock keeps the nameless image */
        md_ref_store_name(&import->ref, record.name);
        snprintf(record.image_id, sizeof(record.image_id), "%s", publication.id);
        status = store_name_move(import->store, &record, err);
    }
    store_draft_clear(import->store, &draft);
    return status;
}

/* A changed instruction that is wrong is known before anything is read. */
static int check_changes(const struct import_options *options, struct md_err *err)
{
    struct md_oci_config scratch = { 0 };
    int status = 0;

    for (size_t i = 0; status == 0 && i < options->changes.count; i++)
        status = md_oci_config_change(&scratch, options->changes.items[i], err);
    md_oci_config_clear(&scratch);
    return status;
}

static int import_layer(struct import *import, struct md_digest *id, struct md_err *err)
{
    enum pull_crew_kind kind = is_url(import->source) ? PULL_CREW_URL : PULL_CREW_WRITER;

    /* The crew first, so that it holds no end of the archiver's pipes. */
    if (pull_crew_start(&import->crew, kind, err) < 0 || open_source(import, err) < 0)
        return -1;
    if (unpack(import, err) < 0 || make_config(import, err) < 0)
        return -1;
    return publish(import, id, err);
}

int import_image(const struct store *store, const struct import_options *options,
                 const char *source, const char *name, struct md_err *err)
{
    struct import import = {
        .store = store,
        .options = options,
        .source = source,
        .input = -1,
        .failure = -1,
        .layer = { .dir = -1, .tree = -1 },
    };
    char familiar[MD_REF_TEXT_SIZE];
    struct md_digest id = { 0 };

    if ((name ? md_ref_parse(name, &import.ref, err)
              : pull_place_name(source, &import.ref, err)) < 0 ||
        check_changes(options, err) < 0)
        return -1;
    if (import.ref.digest.alg)
        return md_err_set(err, MD_ERR_USAGE, "an imported image cannot be named by a digest");
    store_sweep(store);
    int status = pull_load_recognised(store, options, source, name ? &import.ref : NULL, err);

    if (status > 0)
        return 0;
    if (status == 0)
        status = import_layer(&import, &id, err);

    if (status < 0)
        reap_archiver(&import, err);
    pull_crew_stop(&import.crew);
    store_layer_clear(store, &import.layer);
    md_oci_config_clear(&import.config);
    md_fd_close(&import.input);
    md_fd_close(&import.failure);
    if (status < 0)
        return md_err_in(err, "import \"%s\"", source);
    md_ref_familiar(&import.ref, familiar);
    fprintf(options->out, "%s\n", id.text);
    if (!name)
        fprintf(stderr, "The image's name is %s\n", familiar);
    return 0;
}
