/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a fresh temporary directory, and images, layers and containers made by hand. */
#include "fresh_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

int fresh_setup(void **state)
{
    struct fresh *fresh = md_xcalloc(1, sizeof(*fresh));
    const char *tmp = getenv("TMPDIR");
    struct md_err err = { 0 };
    char *path;

    fresh->path = md_xasprintf("%s/minidock-store-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(fresh->path)) {
        return -1;
    }
    path = md_xasprintf("%s/store", fresh->path);
    if (store_open(path, STORE_WRITE, &fresh->store, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    free(path);
    *state = fresh;
    return 0;
}

int fresh_teardown(void **state)
{
    struct fresh *fresh = *state;
    int result;

    store_close(&fresh->store);
    result = md_path_remove_tree(AT_FDCWD, fresh->path);
    free(fresh->path);
    free(fresh);
    return result;
}

const char *fresh_id(char letter, char out[STORE_ID_SIZE])
{
    memset(out, letter, STORE_ID_SIZE - 1);
    out[STORE_ID_SIZE - 1] = '\0';
    return out;
}

void fresh_file(int dirfd, const char *name, const char *text)
{
    MD_AUTO_FD fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(md_fd_write_all(fd, text, strlen(text)), 0);
}

void fresh_layer(const struct store *store, char letter)
{
    char id[STORE_ID_SIZE];
    char path[256];

    snprintf(path, sizeof(path), "%s.%s", fresh_id(letter, id), store->boot_id);
    assert_int_equal(mkdirat(store->partial, path, 0700), 0);
    snprintf(path, sizeof(path), "%s.%s/file", id, store->boot_id);
    fresh_file(store->partial, path, "x");
}

static void set_config(struct md_oci_config *config, const char *layers)
{
    *config = (struct md_oci_config){ 0 };
    md_platform_host(&config->platform);
    config->diff_id_count = strlen(layers);
    config->diff_ids = md_xcalloc(strlen(layers) + 1, sizeof(*config->diff_ids));
    for (size_t i = 0; i < config->diff_id_count; i++) {
        char id[STORE_ID_SIZE];

        config->diff_ids[i].alg = MD_SHA256;
        snprintf(config->diff_ids[i].text, sizeof(config->diff_ids[i].text), "sha256:%s",
                 fresh_id(layers[i], id));
    }
    md_list_add(&config->cmd, "/bin/sh");
}

void fresh_image(const struct store *store, char letter, const char *layers)
{
    struct store_draft draft = { 0 };
    struct md_oci_config config;
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];
    struct store_publication publication = { .id = fresh_id(letter, id),
                                             .config = &config,
                                             .config_bytes = "{}",
                                             .config_len = 2,
                                             .size = 4711 };

    set_config(&config, layers);
    for (const char *layer = layers; *layer; layer++) {
        char diff_id[STORE_ID_SIZE];

        if (strchr(layers, *layer) == layer &&
            !exists(store->layers, fresh_id(*layer, diff_id))) {
            fresh_layer(store, *layer);
        }
    }
    assert_int_equal(store_draft_open(store, &draft, &err), 0);
    fresh_file(draft.rootfs, "file", "y");
    assert_int_equal(store_draft_publish(store, &draft, &publication, &err), 0);
    store_draft_clear(store, &draft);
    md_oci_config_clear(&config);
}

void fresh_name(const struct store *store, const char *name, char letter, char served)
{
    struct store_name record = { .time = 1700000000 };
    struct md_err err = { 0 };
    char digest[STORE_ID_SIZE];

    snprintf(record.name, sizeof(record.name), "%s", name);
    fresh_id(letter, record.image_id);
    md_platform_host(&record.platform);
    if (served) {
        record.served.alg = MD_SHA256;
        snprintf(record.served.text, sizeof(record.served.text), "sha256:%s",
                 fresh_id(served, digest));
    }
    assert_int_equal(store_name_set(store, &record, &err), 0);
}

void fresh_container(const struct store *store, const char *name, char image,
                     enum store_status status, char out[STORE_ID_SIZE])
{
    struct store_container container = { 0 };
    struct store_state state = { .status = status };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE] = "";

    snprintf(container.name, sizeof(container.name), "%s", name);
    container.image_id = md_xstrdup(image ? fresh_id(image, id) : "");
    container.image_name = md_xstrdup("some:tag");
    md_list_add(&container.args, "/bin/true");
    assert_int_equal(store_container_create(store, &container, &err), 0);
    if (status == STORE_RUNNING) {
        /* This very process lives, and is believed to be its init. */
        assert_int_equal(store_process_stamp(getpid(), &state.init), 0);
    }
    assert_int_equal(store_container_set_state(store, &container, &state, &err), 0);
    memcpy(out, container.id, STORE_ID_SIZE);
    store_container_clear(&container);
}

bool exists(int dirfd, const char *name)
{
    struct stat st;

    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int count_one(const char *name, unsigned char type, void *context, struct md_err *err)
{
    size_t *count = context;

    (void)name;
    (void)type;
    (void)err;
    ++*count;
    return 0;
}

size_t count_entries(int folder)
{
    struct md_err err = { 0 };
    size_t count = 0;

    assert_int_equal(store_visit(folder, count_one, &count, &err), 0);
    return count;
}

pid_t fresh_child(struct fresh *fresh, fresh_child_fn *work)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        work(fresh);
        if (write(ready[1], "x", 1) == 1) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

void fresh_kill(pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}
