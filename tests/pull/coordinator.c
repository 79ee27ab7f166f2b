/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the coordinator to a network process. */
#include "coordinator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "pull/hash.h"
#include "pull/network.h"

void coordinator_open(struct coordinator *coordinator)
{
    struct md_err err = { 0 };
    int theirs;

    for (size_t i = 0; i < PULL_RINGS; i++) {
        assert_int_equal(pull_ring_open(&coordinator->rings[i], &err), 0);
    }
    assert_int_equal(pull_wire_pair(&coordinator->socket, &theirs, &err), 0);
    coordinator->pid = fork();
    assert_true(coordinator->pid >= 0);
    if (coordinator->pid == 0) {
        close(coordinator->socket);
        pull_network_main(theirs, coordinator->rings);
    }
    close(theirs);
}

void coordinator_close(struct coordinator *coordinator)
{
    int status = -1;

    md_fd_close(&coordinator->socket);
    assert_int_equal(waitpid(coordinator->pid, &status, 0), coordinator->pid);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < PULL_RINGS; i++) {
        pull_ring_close(&coordinator->rings[i]);
    }
}

static struct pull_message receive(struct coordinator *coordinator, int fds[PULL_MESSAGE_FDS])
{
    struct pull_message message;
    struct md_err err = { 0 };

    assert_int_equal(pull_wire_receive(coordinator->socket, &message, fds, &err), 1);
    return message;
}

struct pull_message coordinator_receive(struct coordinator *coordinator)
{
    int fds[PULL_MESSAGE_FDS];
    struct pull_message message = receive(coordinator, fds);

    assert_int_equal(fds[0], -1);
    return message;
}

static void order(struct coordinator *coordinator, const struct pull_message *message)
{
    struct md_err err = { 0 };

    assert_int_equal(pull_wire_send(coordinator->socket, message, NULL, 0, &err), 0);
}

struct pull_resolve resolve_order(const char *name, int port)
{
    struct pull_resolve resolve = { 0 };
    struct md_err err = { 0 };
    const char *mark = strstr(name, "%d");
    MD_AUTO_FREE char *text =
        mark ? md_xasprintf("%.*s%d%s", (int)(mark - name), name, port, mark + 2)
             : md_xstrdup(name);

    assert_int_equal(md_ref_parse(text, &resolve.ref, &err), 0);
    assert_int_equal(md_platform_parse("linux/amd64", &resolve.platform, &err), 0);
    return resolve;
}

void coordinator_resolve(struct coordinator *coordinator, struct pull_resolve *resolve,
                         struct resolution *resolution)
{
    struct pull_message message = { .tag = PULL_RESOLVE, .resolve = *resolve };
    struct md_err err = { 0 };

    memset(resolution, 0, sizeof(*resolution));
    order(coordinator, &message);
    for (;;) {
        int fds[PULL_MESSAGE_FDS];
        size_t len;

        resolution->last = receive(coordinator, fds);
        if (resolution->last.tag == PULL_DOCUMENT) {
            MD_AUTO_FD fd = fds[0];

            assert_int_equal(write(fd, "x", 1), -1); /* sealed */
            resolution->documents[resolution->last.document] =
                md_fd_read_all(fd, 1 << 20, &len, "document", &err);
        } else if (resolution->last.tag == PULL_LAYER) {
            assert_int_equal(resolution->last.layer.index, resolution->layer_count);
            resolution->layers[resolution->layer_count++] = resolution->last.layer;
        } else {
            return;
        }
    }
}

void resolution_clear(struct resolution *resolution)
{
    for (size_t i = 0; i < PULL_DOCUMENTS; i++) {
        free(resolution->documents[i]);
    }
    memset(resolution, 0, sizeof(*resolution));
}

void coordinator_fetch(struct coordinator *coordinator, uint32_t ring,
                       const struct md_descriptor *blob, int64_t offset)
{
    struct pull_message message = { .tag = PULL_FETCH };

    message.fetch.ring = ring;
    message.fetch.blob = *blob;
    message.fetch.offset = offset;
    pull_ring_reset(&coordinator->rings[ring]);
    order(coordinator, &message);
}

void coordinator_fetch_url(struct coordinator *coordinator, uint32_t ring, const char *url)
{
    struct pull_message message = { .tag = PULL_FETCH_URL };

    message.fetch.ring = ring;
    message.fetch.blob.size = -1;
    snprintf(message.fetch.url, sizeof(message.fetch.url), "%s", url);
    pull_ring_reset(&coordinator->rings[ring]);
    order(coordinator, &message);
}

struct md_digest coordinator_drain(struct coordinator *coordinator, uint32_t ring,
                                   uint64_t *total)
{
    struct pull_hash *hash = pull_hash_open(MD_SHA256);
    struct md_digest digest = { 0 };
    const unsigned char *bytes;
    ssize_t got;

    while ((got = pull_ring_peek(&coordinator->rings[ring], &bytes)) > 0) {
        pull_hash_add(hash, bytes, (size_t)got);
        pull_ring_take(&coordinator->rings[ring], (size_t)got);
    }
    if (total) {
        *total = pull_ring_total(&coordinator->rings[ring]);
    }
    pull_hash_finish(&hash, &digest);
    if (got < 0) {
        memset(&digest, 0, sizeof(digest));
    }
    return digest;
}

void coordinator_take(struct coordinator *coordinator, uint32_t ring, size_t len)
{
    const unsigned char *bytes;

    while (len > 0) {
        ssize_t got = pull_ring_peek(&coordinator->rings[ring], &bytes);

        assert_true(got > 0);
        got = (size_t)got < len ? got : (ssize_t)len;
        pull_ring_take(&coordinator->rings[ring], (size_t)got);
        len -= (size_t)got;
    }
}

struct md_descriptor describe(const char *bytes, size_t len)
{
    struct md_descriptor descriptor = { .size = (int64_t)len };

    pull_hash_bytes(MD_SHA256, bytes, len, &descriptor.digest);
    return descriptor;
}

struct md_descriptor describe_fill(size_t len)
{
    MD_AUTO_FREE char *bytes = md_xmalloc(len);

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i % 251);
    }
    return describe(bytes, len);
}
