/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/keys.h"

static void dockers_words_are_understood(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        unsigned char keys[4];
    } rows[] = {
        { "ctrl-p,ctrl-q", 2, { 0x10, 0x11 } },
        { "ctrl-@", 1, { 0 } },
        { "ctrl-[,ctrl-\\,ctrl-],ctrl-_", 4, { 0x1b, 0x1c, 0x1d, 0x1f } },
        { "a,ctrl-z,b", 3, { 'a', 0x1a, 'b' } },
        { "", 0, { 0 } },
    };
    static const char *const bad[] = {
        "ctrl-1", "ctrl-", "ab", "ctrl-p,", ",", "ctrl-pp", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct run_keys keys;
        struct md_err err = { 0 };

        assert_int_equal(run_keys_parse(rows[i].text, &keys, &err), 0);
        assert_int_equal(keys.count, rows[i].count);
        assert_memory_equal(keys.keys, rows[i].keys, rows[i].count);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct run_keys keys;
        struct md_err err = { 0 };

        assert_int_equal(run_keys_parse(bad[i], &keys, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
    }
}

/* Type text in pieces of size bytes; what passes into out. Returns whether it detached. */
static bool type(const char *sequence, const char *text, size_t size, char *out)
{
    struct run_keys keys;
    struct md_err err = { 0 };
    size_t passed = 0;
    bool detach = false;

    assert_int_equal(run_keys_parse(sequence, &keys, &err), 0);
    for (size_t at = 0, len; text[at] && !detach; at += len) {
        len = strlen(text + at) < size ? strlen(text + at) : size;
        size_t taken = run_keys_filter(&keys, (const unsigned char *)text + at, len, &detach);

        memcpy(out + passed, text + at, taken);
        passed += taken;
    }
    out[passed] = '\0';
    return detach;
}

static void only_the_last_key_is_kept_back(void **state)
{
    static const struct {
        const char *keys, *typed, *passed;
        bool detaches;
    } rows[] = {
        { "x,y", "axyb", "ax", true },
        { "x,y", "axbxc", "axbxc", false },
        { "x,y", "xxy", "xx", true },
        { "x,x,y", "xxxy", "xxx", true },
        { "x,y,x,z", "xyxyxz", "xyxyx", true },
        { "q", "abq", "ab", true },
        { "", "xy", "xy", false },
        { "x,y", "y", "y", false },
    };
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t size = 1; size < 7; size++) {
            assert_int_equal(type(rows[i].keys, rows[i].typed, size, out), rows[i].detaches);
            assert_string_equal(out, rows[i].passed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dockers_words_are_understood),
        cmocka_unit_test(only_the_last_key_is_kept_back),
    };

    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
