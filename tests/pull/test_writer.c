/* SPDX-License-Identifier: Apache-2.0 */
/* The writer process: orders in, answers out, until the socket's other end is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "layerkit.h"
#include "pull/wire.h"
#include "pull/writer.h"

/* A writer process, and the coordinator's side of it. */
struct writer {
    struct pull_ring rings[PULL_RINGS];
    int socket;
    pid_t pid;
};

static void writer_open(struct writer *writer, struct md_err *err)
{
    MD_AUTO_FD theirs = -1;

    assert_int_equal(pull_ring_open(&writer->rings[1], err), 0);
    assert_int_equal(pull_wire_pair(&writer->socket, &theirs, err), 0);
    writer->pid = fork();
    if (writer->pid == 0) {
        md_fd_close(&writer->socket);
        pull_writer_main(theirs, writer->rings);
    }
}

/* Ends well only when its socket's other end is closed in peace. */
static int writer_close(struct writer *writer)
{
    int status;

    md_fd_close(&writer->socket);
    assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
    pull_ring_close(&writer->rings[1]);
    return status;
}

static void ask(struct writer *writer, const struct pull_message *message, const int *fds,
                int count, struct pull_message *answer)
{
    struct md_err err = { 0 };
    int none[PULL_MESSAGE_FDS];

    assert_int_equal(pull_wire_send(writer->socket, message, fds, count, &err), 0);
    assert_int_equal(pull_wire_receive(writer->socket, answer, none, &err), 1);
    assert_int_equal(answer->ring, message->ring);
}

static void order(struct writer *writer, uint32_t ring, const int *fds, int count,
                  struct pull_message *answer)
{
    struct pull_message message = { .tag = PULL_UNPACK, .ring = ring };

    message.unpack.ring = ring;
    message.unpack.promise.size = -1;
    ask(writer, &message, fds, count, answer);
}

/* A second descriptor beside a ring: where the layer's start is kept. */
static void keeps_what_comes(struct kit *kit, struct writer *writer, const int *fds,
                             const struct tar *tar)
{
    struct pull_ring *ring = &writer->rings[1];
    struct pull_message answer;

    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    assert_int_equal(ftruncate(fds[1], 0), 0);
    assert_int_equal(lseek(fds[1], 0, SEEK_SET), 0);
    pull_ring_reset(ring);
    assert_int_equal(pull_ring_put(ring, tar->bytes, tar->len), tar->len);
    pull_ring_end(ring, PULL_RING_WHOLE);
    order(writer, 1, fds, 2, &answer);
    assert_int_equal(answer.tag, PULL_UNPACKED);
    assert_int_equal(lseek(fds[1], 0, SEEK_END), tar->len);
}

static void layers_are_unpacked_one_after_another(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    struct writer writer = { 0 };
    struct pull_message answer;
    MD_AUTO_FD memory = memfd_create("layer", MFD_CLOEXEC);
    int fds[2];

    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0); /* for its directory */
    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    tar.len = 0;
    tar_file(&tar, "f", "1");
    tar_end(&tar);
    assert_int_equal(md_fd_write_all(memory, tar.bytes, tar.len), 0);
    assert_int_equal(lseek(memory, 0, SEEK_SET), 0);
    writer_open(&writer, &kit->err);

    fds[0] = kit->layer;
    fds[1] = memory;
    order(&writer, PULL_RINGS, fds, 2, &answer);
    assert_int_equal(answer.tag, PULL_UNPACKED);
    assert_int_equal(answer.unpacked.entries, 1);
    kit_expect_tree(kit, "f 644 =1\n");

    order(&writer, PULL_RINGS, fds, 1, &answer);
    assert_int_equal(answer.tag, PULL_FAILED);

    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    assert_int_equal(pull_ring_put(&writer.rings[1], tar.bytes, tar.len), tar.len);
    pull_ring_end(&writer.rings[1], PULL_RING_WHOLE);
    order(&writer, 1, fds, 1, &answer);
    assert_int_equal(answer.tag, PULL_UNPACKED);

    keeps_what_comes(kit, &writer, fds, &tar);

    order(&writer, 1, fds, 1, &answer); /* "entries" is there already */
    assert_int_equal(answer.tag, PULL_FAILED);
    assert_int_equal(answer.err.kind, MD_ERR_SYSTEM);

    assert_int_equal(writer_close(&writer), 0);
    tar_clear(&tar);
}

static void layers_are_merged_too(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    struct writer writer = { 0 };
    const struct pull_message merge = { .tag = PULL_MERGE, .ring = PULL_RINGS };
    struct pull_message answer;
    int fds[2];

    tar_file(&tar, "f", "four");
    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0);
    writer_open(&writer, &kit->err);
    fds[0] = kit->layer;
    fds[1] = kit->rootfs;
    ask(&writer, &merge, fds, 2, &answer);
    assert_int_equal(answer.tag, PULL_MERGED);
    assert_int_equal(answer.merged_bytes, 4);
    kit_expect(kit->rootfs, "f 644 =four\n");

    ask(&writer, &merge, fds, 1, &answer); /* into nothing */
    assert_int_equal(answer.tag, PULL_FAILED);
    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    ask(&writer, &merge, fds, 2, &answer); /* no finished layer */
    assert_int_equal(answer.tag, PULL_FAILED);
    assert_int_equal(writer_close(&writer), 0);
    tar_clear(&tar);
}

static void an_order_for_somebody_else_ends_it(void **state)
{
    struct kit *kit = *state;
    struct writer writer = { 0 };
    const struct pull_message fetch = { .tag = PULL_FETCH };

    writer_open(&writer, &kit->err);
    assert_int_equal(pull_wire_send(writer.socket, &fetch, NULL, 0, &kit->err), 0);
    assert_int_not_equal(writer_close(&writer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layers_are_unpacked_one_after_another, kit_open,
                                        kit_close),
        cmocka_unit_test_setup_teardown(layers_are_merged_too, kit_open, kit_close),
        cmocka_unit_test_setup_teardown(an_order_for_somebody_else_ends_it, kit_open,
                                        kit_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
