/* SPDX-License-Identifier: Apache-2.0 */
/* Claims on layers: one writer, many who wait, and writers that are killed. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fresh_store.h"

#include "base/fd.h"
#include "store/layer.h"

static struct md_digest diff_id(void)
{
    struct md_digest digest;
    unsigned char bytes[32];

    memset(bytes, 0xab, sizeof(bytes));
    md_digest_from_bytes(MD_SHA256, bytes, &digest);
    return digest;
}

static void get(const struct store *store, enum store_layer_wait wait,
                struct store_layer *layer)
{
    const struct md_digest id = diff_id();
    struct md_err err = { 0 };

    assert_int_equal(store_layer_get(store, &id, wait, layer, &err), 0);
}

static void finish(const struct store *store, struct store_layer *layer)
{
    const struct md_digest id = diff_id();
    struct md_err err = { 0 };

    assert_int_equal(store_layer_finish(store, &id, layer, &err), 0);
    assert_int_equal(layer->state, STORE_LAYER_READY);
}

static bool is_finished(const struct store *store)
{
    const struct md_digest id = diff_id();
    char name[200];

    snprintf(name, sizeof(name), "%s.%s", md_digest_hex(&id), store->boot_id);
    return exists(store->partial, name);
}

static void a_layer_is_claimed_finished_and_found(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    struct store_layer layer;
    struct store_layer again;

    get(store, STORE_TRY, &layer);
    assert_int_equal(layer.state, STORE_LAYER_CLAIMED);
    fresh_file(layer.tree, "f", "x");
    get(store, STORE_TRY, &again);
    assert_int_equal(again.state, STORE_LAYER_BUSY);
    store_sweep(store); /* leaves what is locked */
    finish(store, &layer);
    assert_true(is_finished(store));
    get(store, STORE_TRY, &again);
    assert_int_equal(again.state, STORE_LAYER_READY);
    assert_true(exists(again.tree, "f"));
    store_layer_clear(store, &layer);
    store_layer_clear(store, &again);
    store_sweep(store);
    assert_true(is_finished(store));
}

static void an_unfinished_layer_is_discarded(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    struct store_layer layer;

    get(store, STORE_TRY, &layer);
    fresh_file(layer.tree, "f", "x");
    store_layer_clear(store, &layer);
    store_layer_clear(store, &layer);
    assert_int_equal(count_entries(store->partial), 0);
    assert_int_equal(count_entries(store->trash), 0);
}

static void a_claimed_layer_can_be_begun_anew_without_losing_the_claim(void **state)
{
    struct fresh *fresh = *state;
    const struct store *store = &fresh->store;
    struct md_err err = { 0 };
    struct store_layer layer;
    struct store_layer again;

    get(store, STORE_TRY, &layer);
    fresh_file(layer.tree, "wrong", "x");
    fresh_file(layer.dir, "entries", "x");
    assert_int_equal(store_layer_renew(store, &layer, &err), 0);
    assert_int_equal(count_entries(layer.tree), 0);
    assert_int_equal(count_entries(layer.dir), 1);
    get(store, STORE_TRY, &again);
    assert_int_equal(again.state, STORE_LAYER_BUSY);
    finish(store, &layer);
    assert_true(is_finished(store));
    store_layer_clear(store, &layer);
    assert_int_equal(count_entries(store->trash), 0);
}

static void a_published_layer_is_found(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_digest id = diff_id();
    struct store_layer layer;
    char name[200];

    get(store, STORE_TRY, &layer);
    finish(store, &layer);
    store_layer_clear(store, &layer);
    snprintf(name, sizeof(name), "%s.%s", md_digest_hex(&id), store->boot_id);
    assert_int_equal(renameat(store->partial, name, store->layers, md_digest_hex(&id)), 0);
    get(store, STORE_TRY, &layer);
    assert_int_equal(layer.state, STORE_LAYER_READY);
    store_layer_clear(store, &layer);
    assert_int_equal(count_entries(store->partial), 0);
}

/* A layer with one file that takes the place of what is there. */
static void replace(const struct store *store, const char *file, struct store_layer *layer)
{
    const struct md_digest id = diff_id();
    struct md_err err = { 0 };

    assert_int_equal(store_layer_claim_unknown(store, layer, &err), 0);
    fresh_file(layer->tree, file, "x");
    if (store_layer_replace(store, &id, layer, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(layer->state, STORE_LAYER_READY);
    assert_true(store_layer_is_there(store, &id));
}

static void a_layer_is_replaced_and_the_old_one_stays_while_it_is_used(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    const struct md_digest id = diff_id();
    struct store_layer first;
    struct store_layer user;
    struct store_layer second;

    assert_false(store_layer_is_there(store, &id));
    replace(store, "first", &first);
    get(store, STORE_TRY, &user);
    assert_int_equal(user.state, STORE_LAYER_READY);
    store_layer_clear(store, &first);
    replace(store, "second", &second);
    store_sweep(store);
    assert_true(exists(user.tree, "first")); /* nobody deletes what is in hand */
    assert_int_equal(count_entries(store->partial), 1);
    store_layer_clear(store, &user);
    get(store, STORE_TRY, &user);
    assert_true(exists(user.tree, "second"));
    store_layer_clear(store, &user);
    store_layer_clear(store, &second);
    store_sweep(store);
    assert_int_equal(count_entries(store->partial), 0);
    assert_int_equal(count_entries(store->layers), 1);
}

static void a_replaced_layer_is_deleted_at_once_when_nobody_uses_it(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    struct store_layer layer;

    get(store, STORE_TRY, &layer); /* this one waits for its image */
    finish(store, &layer);
    store_layer_clear(store, &layer);
    replace(store, "first", &layer);
    store_layer_clear(store, &layer);
    replace(store, "second", &layer);
    store_layer_clear(store, &layer);
    assert_int_equal(count_entries(store->partial), 0);
    assert_int_equal(count_entries(store->trash), 0);
    assert_int_equal(count_entries(store->layers), 1);
}

static void a_layer_finished_in_another_boot_is_not_taken(void **state)
{
    struct store *store = &((struct fresh *)*state)->store;
    struct store_layer layer;

    get(store, STORE_TRY, &layer);
    finish(store, &layer);
    store_layer_clear(store, &layer);
    store->boot_id[0] = store->boot_id[0] == '0' ? '1' : '0';
    get(store, STORE_TRY, &layer);
    assert_int_equal(layer.state, STORE_LAYER_CLAIMED);
    store_layer_clear(store, &layer);
    store_sweep(store);
    assert_int_equal(count_entries(store->partial), 0);
}

static void claim_and_write(struct fresh *fresh)
{
    struct store_layer layer;

    get(&fresh->store, STORE_TRY, &layer);
    fresh_file(layer.tree, "left behind", "x");
}

static void what_a_killed_process_left_is_replaced(void **state)
{
    struct fresh *fresh = *state;
    struct store_layer layer;
    pid_t pid = fresh_child(fresh, claim_and_write);

    get(&fresh->store, STORE_TRY, &layer);
    assert_int_equal(layer.state, STORE_LAYER_BUSY);
    fresh_kill(pid);
    get(&fresh->store, STORE_TRY, &layer);
    assert_int_equal(layer.state, STORE_LAYER_CLAIMED);
    assert_int_equal(count_entries(layer.tree), 0);
    store_layer_clear(&fresh->store, &layer);
    assert_int_equal(count_entries(fresh->store.partial), 0);
}

/* Waits for the layer; exits with its state, its own in case of READY only with the file. */
static pid_t wait_in_child(struct fresh *fresh, const struct store_layer *held)
{
    struct store_layer layer;
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    /* A copy of the descriptor would hold our parent's lock for us. */
    close(held->dir);
    get(&fresh->store, STORE_WAIT, &layer);
    if (layer.state == STORE_LAYER_READY)
        _exit(exists(layer.tree, "f") ? 10 : 1);
    usleep(2000);
    fresh_file(layer.tree, "f", "x");
    finish(&fresh->store, &layer);
    _exit(11);
}

static int exit_status(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void who_waits_takes_the_result(void **state)
{
    struct fresh *fresh = *state;
    struct store_layer layer;
    pid_t pids[4];

    get(&fresh->store, STORE_TRY, &layer);
    for (int i = 0; i < 4; i++)
        pids[i] = wait_in_child(fresh, &layer);
    fresh_file(layer.tree, "f", "x");
    usleep(20000);
    finish(&fresh->store, &layer);
    /* They do not wait until we let go of it. */
    for (int i = 0; i < 4; i++)
        assert_int_equal(exit_status(pids[i]), 10);
    store_layer_clear(&fresh->store, &layer);
}

static void who_waits_takes_the_place_of_one_that_failed(void **state)
{
    struct fresh *fresh = *state;

    for (int killed = 0; killed < 2; killed++) {
        struct store_layer layer = { .dir = -1, .tree = -1 };
        int claimed = 0;
        pid_t pids[5];
        pid_t first = -1;

        if (killed)
            first = fresh_child(fresh, claim_and_write);
        else
            get(&fresh->store, STORE_TRY, &layer);
        for (int i = 0; i < 5; i++)
            pids[i] = wait_in_child(fresh, &layer);
        usleep(20000);
        if (killed)
            fresh_kill(first);
        else
            store_layer_clear(&fresh->store, &layer);
        for (int i = 0; i < 5; i++) {
            int status = exit_status(pids[i]);

            assert_true(status == 10 || status == 11);
            claimed += status == 11;
        }
        assert_int_equal(claimed, 1);
        get(&fresh->store, STORE_TRY, &layer);
        assert_int_equal(layer.state, STORE_LAYER_READY);
        store_layer_clear(&fresh->store, &layer);
        fresh->store.boot_id[0] = 'a' + (char)killed; /* not that one again */
        store_sweep(&fresh->store);
    }
}

/* Claims, finishes and lets go in turns, while others do and the sweep runs: D20. */
static void contend(struct fresh *fresh)
{
    for (int i = 0; i < 100; i++) {
        struct store_layer layer;

        get(&fresh->store, STORE_WAIT, &layer);
        if (layer.state != STORE_LAYER_CLAIMED)
            _exit(exists(layer.tree, "f") ? 0 : 1);
        if (count_entries(layer.tree) != 0)
            _exit(2);
        fresh_file(layer.tree, "f", "x");
        if (i % 7 == 6)
            finish(&fresh->store, &layer);
        store_layer_clear(&fresh->store, &layer);
    }
    _exit(3);
}

static void d20_many_processes_and_sweeps_end_with_one_layer(void **state)
{
    struct fresh *fresh = *state;
    pid_t pids[6];

    for (int i = 0; i < 6; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            contend(fresh);
    }
    for (int i = 0; i < 50; i++)
        store_sweep(&fresh->store);
    for (int i = 0; i < 6; i++)
        assert_int_equal(exit_status(pids[i]), 0);
    store_sweep(&fresh->store);
    assert_true(is_finished(&fresh->store));
    assert_int_equal(count_entries(fresh->store.partial), 1);
}

static void an_unknown_layer_gets_its_name_when_it_is_finished(void **state)
{
    const struct store *store = &((struct fresh *)*state)->store;
    struct store_layer first;
    struct store_layer second;
    struct md_err err = { 0 };
    struct stat a;
    struct stat b;

    assert_int_equal(store_layer_claim_unknown(store, &first, &err), 0);
    assert_int_equal(store_layer_claim_unknown(store, &second, &err), 0);
    assert_int_equal(first.state, STORE_LAYER_CLAIMED);
    store_sweep(store);
    finish(store, &first);
    finish(store, &second); /* the same again: that one is taken */
    assert_int_equal(fstat(first.tree, &a), 0);
    assert_int_equal(fstat(second.tree, &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(count_entries(store->partial), 1);
    store_layer_clear(store, &first);
    store_layer_clear(store, &second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_setup, fresh_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_layer_is_claimed_finished_and_found),
        TEST(an_unfinished_layer_is_discarded),
        TEST(a_claimed_layer_can_be_begun_anew_without_losing_the_claim),
        TEST(a_published_layer_is_found),
        TEST(a_layer_is_replaced_and_the_old_one_stays_while_it_is_used),
        TEST(a_replaced_layer_is_deleted_at_once_when_nobody_uses_it),
        TEST(a_layer_finished_in_another_boot_is_not_taken),
        TEST(what_a_killed_process_left_is_replaced),
        TEST(who_waits_takes_the_result),
        TEST(who_waits_takes_the_place_of_one_that_failed),
        TEST(d20_many_processes_and_sweeps_end_with_one_layer),
        TEST(an_unknown_layer_gets_its_name_when_it_is_finished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
