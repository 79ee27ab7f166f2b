/* SPDX-License-Identifier: Apache-2.0 */
/* Generated names are different, short and allowed. */
#include <stdio.h>
#include <string.h>

#include "fresh_store.h"
#include "store/words.h"

#define LIST 64

static void every_number_has_a_name_and_4096_are_different(void **state)
{
    static char names[LIST * LIST][32];

    (void)state;
    for (uint32_t i = 0; i < LIST * LIST; i++) {
        store_words_pick(i, names[i], sizeof(names[i]));
        assert_true(strlen(names[i]) < 20);
        assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_"), strlen(names[i]));
        assert_non_null(strchr(names[i], '_'));
    }
    /* A word that stands twice in its list would make equal names. */
    for (uint32_t i = 0; i < LIST; i++) {
        for (uint32_t j = i + 1; j < LIST; j++) {
            assert_string_not_equal(names[i], names[j]);
            assert_string_not_equal(names[i * LIST], names[j * LIST]);
        }
    }
    store_words_pick(UINT32_MAX, names[0], sizeof(names[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_a_name_and_4096_are_different),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
