/* SPDX-License-Identifier: Apache-2.0 */
/* States tell the truth about processes, and killed runners' leftovers are mended. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "fresh_store.h"

static struct store_state state_of(const struct store *store, const char *what)
{
    struct store_container container = { 0 };
    struct store_state now = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_container_open(store, what, &container, &err), 0);
    assert_int_equal(store_container_state(store, &container, &now, &err), 0);
    store_container_clear(&container);
    return now;
}

static void set_state(const struct store *store, const char *what,
                      const struct store_state *wanted)
{
    struct store_container container = { 0 };
    struct md_err err = { 0 };

    assert_int_equal(store_container_open(store, what, &container, &err), 0);
    assert_int_equal(store_container_set_state(store, &container, wanted, &err), 0);
    store_container_clear(&container);
}

/* A container whose runner has gone without a word; auto_remove is what --rm says. */
static void make_left_behind(const struct store *store, const char *name,
                             const char *auto_remove, const struct store_state *last)
{
    struct store_container container = { 0 };
    struct md_err err = { 0 };

    snprintf(container.name, sizeof(container.name), "%s", name);
    container.config = md_json_object();
    md_json_set(container.config, "auto_remove", md_json_bool(*auto_remove));
    assert_int_equal(store_container_create(store, &container, &err), 0);
    if (last) {
        assert_int_equal(store_container_set_state(store, &container, last, &err), 0);
    }
    store_container_clear(&container);
}

static void what_is_written_is_read_back(void **state)
{
    struct fresh *fresh = *state;
    struct store_state wanted = { .status = STORE_EXITED,
                                  .exit_code = 137,
                                  .error = "cannot mount \"x\": \xc3\xa9",
                                  .started = { 1700000000, 123456789 },
                                  .finished = { 1700000001, 0 } };
    struct store_state now;
    char id[STORE_ID_SIZE];

    fresh_container(&fresh->store, "box", 0, STORE_CREATED, id);
    set_state(&fresh->store, "box", &wanted);
    now = state_of(&fresh->store, "box");
    assert_int_equal(now.status, STORE_EXITED);
    assert_int_equal(now.exit_code, 137);
    assert_string_equal(now.error, wanted.error);
    assert_int_equal(now.started.tv_sec, 1700000000);
    assert_int_equal(now.started.tv_nsec, 123456789);
    assert_int_equal(now.finished.tv_sec, 1700000001);
    wanted.started.tv_sec = 0;
    set_state(&fresh->store, "box", &wanted);
    assert_int_equal(state_of(&fresh->store, "box").started.tv_sec, 0);
}

static void running_is_believed_while_its_init_lives(void **state)
{
    struct fresh *fresh = *state;
    struct store_state wanted = { .status = STORE_RUNNING };
    struct store_state now;
    char id[STORE_ID_SIZE];

    fresh_container(&fresh->store, "box", 0, STORE_RUNNING, id);
    now = state_of(&fresh->store, "box");
    assert_int_equal(now.status, STORE_RUNNING);
    assert_int_equal(now.init.pid, getpid());
    wanted.init = now.init;
    wanted.init.start_time++;
    set_state(&fresh->store, "box", &wanted);
    now = state_of(&fresh->store, "box");
    assert_int_equal(now.status, STORE_EXITED);
    assert_int_equal(now.exit_code, -1);
}

static void running_of_another_boot_is_lost_D7(void **state)
{
    struct fresh *fresh = *state;
    struct store store = fresh->store;
    struct store_state now;
    char id[STORE_ID_SIZE];

    fresh_container(&fresh->store, "box", 0, STORE_RUNNING, id);
    store.boot_id[0] = store.boot_id[0] == '0' ? '1' : '0';
    now = state_of(&store, "box");
    assert_int_equal(now.status, STORE_EXITED);
    assert_int_equal(now.exit_code, -1);
    assert_int_equal(now.init.pid, 0);
    /* Mending sends no signal: it would be to ourselves. */
    store_container_mend(&store, NULL);
    assert_int_equal(state_of(&store, "box").status, STORE_EXITED);
}

static void a_damaged_state_is_an_error_of_that_container_D8(void **state)
{
    struct fresh *fresh = *state;
    const char *const damages[] = { "", "{", "{}", "{\"status\": \"dancing\"}" };
    char path[256];
    char id[STORE_ID_SIZE];

    fresh_container(&fresh->store, "box", 0, STORE_EXITED, id);
    snprintf(path, sizeof(path), "%s/state.json", id);
    for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
        struct store_container container = { 0 };
        struct store_state now;
        struct md_err err = { 0 };

        fresh_file(fresh->store.containers, path, damages[i]);
        assert_int_equal(store_container_open(&fresh->store, "box", &container, &err), 0);
        assert_int_equal(store_container_state(&fresh->store, &container, &now, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        store_container_clear(&container);
        store_container_mend(&fresh->store, NULL);
        assert_true(exists(fresh->store.containers, "box/config.json"));
    }
}

static pid_t start_init(struct store_process *init)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    assert_int_equal(store_process_stamp(pid, init), 0);
    return pid;
}

static void an_orphaned_init_is_killed_and_its_end_written_down_D4(void **state)
{
    struct fresh *fresh = *state;
    struct store_state last = { .status = STORE_RUNNING };
    struct store_state now;
    pid_t pid = start_init(&last.init);
    int status = 0;

    make_left_behind(&fresh->store, "box", "", &last);
    store_container_mend(&fresh->store, NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    now = state_of(&fresh->store, "box");
    assert_int_equal(now.status, STORE_EXITED);
    assert_int_equal(now.exit_code, -1);
    assert_true(now.finished.tv_sec > 0);
}

static void an_orphan_of_run_rm_goes_with_all_it_had(void **state)
{
    struct fresh *fresh = *state;
    struct store_state running = { .status = STORE_RUNNING };
    struct store_state exited = { .status = STORE_EXITED };
    pid_t pid = start_init(&running.init);

    make_left_behind(&fresh->store, "running", "yes", &running);
    make_left_behind(&fresh->store, "exited", "yes", &exited);
    make_left_behind(&fresh->store, "unstarted", "yes", NULL);
    store_container_mend(&fresh->store, NULL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(count_entries(fresh->store.containers), 0);
    assert_int_equal(count_entries(fresh->store.trash), 0);
}

static void what_needs_no_mending_stays(void **state)
{
    struct fresh *fresh = *state;
    struct store_state created = { .status = STORE_CREATED };
    struct store_state exited = { .status = STORE_EXITED, .exit_code = 3 };

    make_left_behind(&fresh->store, "to-be-started", "yes", &created);
    make_left_behind(&fresh->store, "exited", "", &exited);
    make_left_behind(&fresh->store, "never-started", "", NULL);
    store_container_mend(&fresh->store, NULL);
    assert_int_equal(count_entries(fresh->store.containers), 6);
    assert_int_equal(state_of(&fresh->store, "exited").exit_code, 3);
    assert_int_equal(state_of(&fresh->store, "never-started").status, STORE_CREATED);
}

static void one_whose_making_was_cut_short_goes_D3(void **state)
{
    struct fresh *fresh = *state;
    char id[STORE_ID_SIZE];
    char path[256];

    assert_int_equal(mkdirat(fresh->store.containers, fresh_id('a', id), 0700), 0);
    snprintf(path, sizeof(path), "%s/upper", id);
    assert_int_equal(mkdirat(fresh->store.containers, path, 0700), 0);
    assert_int_equal(symlinkat(id, fresh->store.containers, "box"), 0);
    store_container_mend(&fresh->store, NULL);
    assert_int_equal(count_entries(fresh->store.containers), 0);
}

static void hold_container(struct fresh *fresh)
{
    static struct store_container container;
    struct store_state running = { .status = STORE_RUNNING };
    struct md_err err = { 0 };

    snprintf(container.name, sizeof(container.name), "held");
    container.config = md_json_object();
    md_json_set(container.config, "auto_remove", md_json_bool(true));
    /* Its own init: to be killed only once the lock is gone. */
    if (store_process_stamp(getpid(), &running.init) < 0 ||
        store_container_create(&fresh->store, &container, &err) < 0 ||
        store_container_set_state(&fresh->store, &container, &running, &err) < 0) {
        _exit(1);
    }
}

static void one_that_a_living_runner_holds_is_never_touched(void **state)
{
    struct fresh *fresh = *state;
    pid_t pid = fresh_child(fresh, hold_container);

    store_container_mend(&fresh->store, NULL);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_int_equal(count_entries(fresh->store.containers), 2);
    fresh_kill(pid);
    store_container_mend(&fresh->store, NULL);
    assert_int_equal(count_entries(fresh->store.containers), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(what_is_written_is_read_back),
        T(running_is_believed_while_its_init_lives),
        T(running_of_another_boot_is_lost_D7),
        T(a_damaged_state_is_an_error_of_that_container_D8),
        T(an_orphaned_init_is_killed_and_its_end_written_down_D4),
        T(an_orphan_of_run_rm_goes_with_all_it_had),
        T(what_needs_no_mending_stays),
        T(one_whose_making_was_cut_short_goes_D3),
        T(one_that_a_living_runner_holds_is_never_touched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
