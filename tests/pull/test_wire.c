/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the processes, those of a process that was taken over included. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "pull/hash.h"
#include "pull/wire.h"

struct pair {
    int ours;
    int theirs;
    struct md_err err;
};

static int open_pair(void **state)
{
    static struct pair pair;

    pair.err = (struct md_err){ 0 };
    assert_int_equal(pull_wire_pair(&pair.ours, &pair.theirs, &pair.err), 0);
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;

    md_fd_close(&pair->ours);
    md_fd_close(&pair->theirs);
    return 0;
}

static int send_and_receive(struct pair *pair, const struct pull_message *sent,
                            struct pull_message *got)
{
    int fds[PULL_MESSAGE_FDS];
    int result;

    assert_int_equal(pull_wire_send(pair->ours, sent, NULL, 0, &pair->err), 0);
    result = pull_wire_receive(pair->theirs, got, fds, &pair->err);
    assert_int_equal(fds[0], -1);
    return result;
}

static void messages_and_descriptors_arrive(void **state)
{
    struct pair *pair = *state;
    struct pull_message sent = { .tag = PULL_UNPACK, .ring = 2 };
    struct pull_message got;
    int out[2] = { pair->ours, STDERR_FILENO };
    int fds[PULL_MESSAGE_FDS];

    sent.unpack.ring = 2;
    sent.unpack.promise.size = 77;
    pull_hash_bytes(MD_SHA512, "x", 1, &sent.unpack.promise.digest);
    for (int count = 0; count <= 2; count++) {
        assert_int_equal(pull_wire_send(pair->ours, &sent, out, count, &pair->err), 0);
        assert_int_equal(pull_wire_receive(pair->theirs, &got, fds, &pair->err), 1);
        assert_int_equal(got.tag, PULL_UNPACK);
        assert_int_equal(got.unpack.promise.size, 77);
        assert_true(md_digest_equal(&got.unpack.promise.digest, &sent.unpack.promise.digest));
        for (int i = 0; i < PULL_MESSAGE_FDS; i++) {
            assert_int_equal(fds[i] >= 0, i < count);
            if (fds[i] >= 0)
                assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
            md_fd_close(&fds[i]);
        }
    }
}

static void the_end_of_the_other_side_is_no_message(void **state)
{
    struct pair *pair = *state;
    struct pull_message got;
    int fds[PULL_MESSAGE_FDS];

    md_fd_close(&pair->ours);
    assert_int_equal(pull_wire_receive(pair->theirs, &got, fds, &pair->err), 0);
}

static void messages_of_another_length_or_tag_are_refused(void **state)
{
    struct pair *pair = *state;
    struct pull_message message = { .tag = PULL_FETCHED };
    struct pull_message got;
    int fds[PULL_MESSAGE_FDS];

    assert_true(send(pair->ours, &message, sizeof(message) - 1, 0) > 0);
    assert_int_equal(pull_wire_receive(pair->theirs, &got, fds, &pair->err), -1);
    assert_int_equal(pair->err.kind, MD_ERR_FORMAT);
    assert_int_equal(send_and_receive(pair, &message, &got), 1);
    message.ring = PULL_RINGS + 1;
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
    message.ring = 0;
    message.tag = 0;
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
    message.tag = PULL_FAILED + 1;
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
}

static void digests_that_are_none_are_refused(void **state)
{
    struct pair *pair = *state;
    struct pull_message message = { .tag = PULL_LAYER };
    struct pull_message got;
    struct md_digest *digest = &message.layer.diff_id;

    pull_hash_bytes(MD_SHA256, "x", 1, digest);
    assert_int_equal(send_and_receive(pair, &message, &got), 1);
    memcpy(digest->text + 7, "../../../", 9);
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
    pull_hash_bytes(MD_SHA256, "x", 1, digest);
    digest->alg = MD_SHA512;
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
    memset(digest->text, 'a', sizeof(digest->text));
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
    digest->alg = 0; /* none: then no text either */
    assert_int_equal(send_and_receive(pair, &message, &got), 1);
    assert_string_equal(got.layer.diff_id.text, "");
}

static void texts_end_inside_their_arrays(void **state)
{
    struct pair *pair = *state;
    struct pull_message message = { .tag = PULL_FAILED };
    struct pull_message got;

    message.err.kind = MD_ERR_NETWORK;
    memset(message.err.text, 'x', sizeof(message.err.text));
    assert_int_equal(send_and_receive(pair, &message, &got), 1);
    assert_int_equal(strlen(got.err.text), sizeof(got.err.text) - 1);
    message.err.kind = 99;
    assert_int_equal(send_and_receive(pair, &message, &got), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_and_descriptors_arrive),
        TEST(the_end_of_the_other_side_is_no_message),
        TEST(messages_of_another_length_or_tag_are_refused),
        TEST(digests_that_are_none_are_refused),
        TEST(texts_end_inside_their_arrays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
