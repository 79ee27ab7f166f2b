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

static void order(int socket, uint32_t ring, const int *fds, int count,
                  struct pull_message *answer)
{
    struct pull_message message = { .tag = PULL_UNPACK, .ring = ring };
    struct md_err err = { 0 };
    int none[PULL_MESSAGE_FDS];

    message.unpack.ring = ring;
    message.unpack.promise.size = -1;
    assert_int_equal(pull_wire_send(socket, &message, fds, count, &err), 0);
    assert_int_equal(pull_wire_receive(socket, answer, none, &err), 1);
    assert_int_equal(answer->ring, ring);
}

static void layers_are_unpacked_one_after_another(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    struct pull_ring rings[PULL_RINGS] = { 0 };
    struct pull_message answer;
    MD_AUTO_FD ours = -1;
    MD_AUTO_FD theirs = -1;
    MD_AUTO_FD memory = memfd_create("layer", MFD_CLOEXEC);
    int fds[2];
    int status;
    pid_t pid;

    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0); /* for its directory */
    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    tar.len = 0;
    tar_file(&tar, "f", "1");
    tar_end(&tar);
    assert_int_equal(md_fd_write_all(memory, tar.bytes, tar.len), 0);
    assert_int_equal(lseek(memory, 0, SEEK_SET), 0);
    assert_int_equal(pull_ring_open(&rings[1], &kit->err), 0);
    assert_int_equal(pull_wire_pair(&ours, &theirs, &kit->err), 0);
    pid = fork();
    if (pid == 0) {
        md_fd_close(&ours);
        pull_writer_main(theirs, rings);
    }
    md_fd_close(&theirs);

    fds[0] = kit->layer;
    fds[1] = memory;
    order(ours, PULL_RINGS, fds, 2, &answer);
    assert_int_equal(answer.tag, PULL_UNPACKED);
    assert_int_equal(answer.unpacked.entries, 1);
    kit_expect_tree(kit, "f 644 =1\n");

    order(ours, PULL_RINGS, fds, 1, &answer);
    assert_int_equal(answer.tag, PULL_FAILED);

    assert_int_equal(unlinkat(kit->layer, "entries", 0), 0);
    assert_int_equal(pull_ring_put(&rings[1], tar.bytes, tar.len), tar.len);
    pull_ring_end(&rings[1], PULL_RING_WHOLE);
    order(ours, 1, fds, 1, &answer);
    assert_int_equal(answer.tag, PULL_UNPACKED);

    order(ours, 1, fds, 1, &answer); /* "entries" is there already */
    assert_int_equal(answer.tag, PULL_FAILED);
    assert_int_equal(answer.err.kind, MD_ERR_SYSTEM);

    md_fd_close(&ours);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    pull_ring_close(&rings[1]);
    tar_clear(&tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layers_are_unpacked_one_after_another, kit_open,
                                        kit_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
