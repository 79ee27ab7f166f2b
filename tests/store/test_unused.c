/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that no image uses. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fresh_store.h"
#include "store/unused.h"

static void layers_that_a_crash_left_without_an_image_go(void **state)
{
    struct fresh *fresh = *state;
    struct md_list gone = { 0 };
    struct md_err err = { 0 };
    char id[STORE_ID_SIZE];

    fresh_image(&fresh->store, 'a', "b");
    assert_int_equal(mkdirat(fresh->store.layers, fresh_id('c', id), 0700), 0);
    assert_int_equal(store_unused_layers(&fresh->store, &gone, &err), 0);
    assert_int_equal(gone.count, 1);
    assert_string_equal(gone.items[0], id);
    assert_true(exists(fresh->store.layers, fresh_id('b', id)));
    md_list_clear(&gone);
}

static void more_layers_than_a_batch_go(void **state)
{
    struct fresh *fresh = *state;
    struct md_list gone = { 0 };
    struct md_err err = { 0 };
    char name[STORE_ID_SIZE];

    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "%064x", i);
        assert_int_equal(mkdirat(fresh->store.layers, name, 0700), 0);
    }
    assert_int_equal(store_unused_layers(&fresh->store, &gone, &err), 0);
    assert_int_equal(gone.count, 150);
    assert_int_equal(count_entries(fresh->store.layers), 0);
    md_list_clear(&gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, fresh_setup, fresh_teardown)
        T(layers_that_a_crash_left_without_an_image_go),
        T(more_layers_than_a_batch_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
