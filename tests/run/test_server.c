/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between a supervisor and its clients, and clients that do not read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/server.h"

static struct run_link_message message;

static void pair(int *ours, int *theirs)
{
    struct md_err err = { 0 };

    assert_int_equal(run_link_pair(ours, theirs, &err), 0);
}

static void messages_arrive_whole_and_in_order(void **state)
{
    static unsigned char bytes[RUN_LINK_BYTES];
    const struct run_link_size size = { 24, 80 };
    int a;
    int b;

    (void)state;
    pair(&a, &b);
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(run_link_send(a, RUN_LINK_IN, bytes, sizeof(bytes)), 0);
    assert_int_equal(run_link_send(a, RUN_LINK_SIZE, &size, sizeof(size)), 0);
    assert_int_equal(run_link_send(a, RUN_LINK_DETACH, NULL, 0), 0);
    close(a);
    assert_int_equal(run_link_receive(b, &message), 1);
    assert_int_equal(message.tag, RUN_LINK_IN);
    assert_int_equal(message.len, sizeof(bytes));
    assert_memory_equal(message.bytes, bytes, sizeof(bytes));
    assert_int_equal(run_link_receive(b, &message), 1);
    assert_int_equal(message.size.columns, 80);
    assert_int_equal(run_link_receive(b, &message), 1);
    assert_int_equal(message.tag, RUN_LINK_DETACH);
    assert_int_equal(run_link_receive(b, &message), 0);
    close(b);
}

static void what_is_no_message_is_refused(void **state)
{
    static const uint32_t wrong[][2] = {
        { 99, 0 }, { RUN_LINK_SIZE, 0 }, { RUN_LINK_HELLO, 0 }, { RUN_LINK_FAILED, 0 }
    };
    int a;
    int b;

    (void)state;
    pair(&a, &b);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(send(a, wrong[i], sizeof(uint32_t), 0), sizeof(uint32_t));
        assert_int_equal(run_link_receive(b, &message), -1);
        assert_int_equal(errno, EPROTO);
    }
    assert_int_equal(send(a, "ab", 2, 0), 2); /* not even a tag */
    assert_int_equal(run_link_receive(b, &message), -1);
    close(a);
    close(b);
}

static void clients_get_the_streams_they_want(void **state)
{
    struct run_server server;
    int both[2];
    int err_only[2];

    (void)state;
    run_server_init(&server);
    pair(&both[0], &both[1]);
    pair(&err_only[0], &err_only[1]);
    run_server_add(&server, both[0], RUN_STREAMS_OUTPUT);
    run_server_add(&server, err_only[0], RUN_STREAM(2));
    run_server_output(&server, 1, "out", 3);
    run_server_output(&server, 2, "err", 3);
    assert_int_equal(run_link_receive(both[1], &message), 1);
    assert_int_equal(message.tag, RUN_LINK_OUT);
    assert_int_equal(run_link_receive(both[1], &message), 1);
    assert_int_equal(message.tag, RUN_LINK_ERR);
    assert_int_equal(run_link_receive(err_only[1], &message), 1);
    assert_int_equal(message.tag, RUN_LINK_ERR);
    run_server_ended(&server, &(struct run_link_end){ .exit_code = 7 });
    assert_int_equal(run_link_receive(both[1], &message), 1);
    assert_int_equal(message.end.exit_code, 7);
    assert_int_equal(run_link_receive(both[1], &message), 0);
    close(both[1]);
    close(err_only[1]);
    run_server_clear(&server);
}

static void who_does_not_read_is_behind_and_dropped_after_a_while(void **state)
{
    static unsigned char bytes[RUN_LINK_BYTES];
    struct run_server server;
    int ends[2];
    int index;

    (void)state;
    run_server_init(&server);
    pair(&ends[0], &ends[1]);
    index = run_server_add(&server, ends[0], RUN_STREAMS_OUTPUT);
    for (int i = 0; i < 1000 && !run_server_is_behind(&server); i++)
        run_server_output(&server, 1, bytes, sizeof(bytes));
    assert_true(run_server_is_behind(&server));
    assert_in_range(run_server_patience(&server), 1, RUN_CLIENT_PATIENCE_MS);
    run_server_catch_up(&server, 1, bytes, sizeof(bytes));
    assert_true(server.clients[index].fd >= 0);
    server.clients[index].since_ms -= RUN_CLIENT_PATIENCE_MS; /* as if so much later */
    server.leader = index;
    run_server_catch_up(&server, 1, bytes, sizeof(bytes));
    assert_true(server.clients[index].fd >= 0); /* the leader is waited for */
    assert_int_equal(run_server_patience(&server), -1);
    server.leader = -1;
    run_server_catch_up(&server, 1, bytes, sizeof(bytes));
    assert_int_equal(server.clients[index].fd, -1);
    assert_false(run_server_is_behind(&server));
    close(ends[1]);
    run_server_clear(&server);
}

static void a_full_house_takes_nobody_in(void **state)
{
    struct run_server server;
    int ends[RUN_CLIENTS_MAX + 1][2];

    (void)state;
    run_server_init(&server);
    for (int i = 0; i <= RUN_CLIENTS_MAX; i++) {
        pair(&ends[i][0], &ends[i][1]);
        assert_int_equal(run_server_add(&server, ends[i][0], 0), i < RUN_CLIENTS_MAX ? i : -1);
    }
    assert_int_equal(run_link_receive(ends[RUN_CLIENTS_MAX][1], &message), 0);
    run_server_drop(&server, 3);
    assert_int_equal(run_link_receive(ends[3][1], &message), 0);
    run_server_clear(&server);
    for (int i = 0; i <= RUN_CLIENTS_MAX; i++)
        close(ends[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_whole_and_in_order),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(clients_get_the_streams_they_want),
        cmocka_unit_test(who_does_not_read_is_behind_and_dropped_after_a_while),
        cmocka_unit_test(a_full_house_takes_nobody_in),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
