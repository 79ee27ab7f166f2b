/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/digest.c. */
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_digest_is_parsed_whole(void **state)
{
    struct md_err err = { 0 };
    struct md_digest digest = { 0 };

    (void)state;
    assert_int_equal(md_digest_parse("sha256:" HEX64, &digest, &err), 0);
    assert_int_equal(digest.alg, MD_SHA256);
    assert_string_equal(digest.text, "sha256:" HEX64);
    assert_string_equal(md_digest_hex(&digest), HEX64);
    assert_int_equal(md_digest_parse("sha512:" HEX64 HEX64, &digest, &err), 0);
    assert_int_equal(digest.alg, MD_SHA512);
    assert_string_equal(md_digest_hex(&digest), HEX64 HEX64);
}

static void a85_what_is_no_digest_is_a_format_error(void **state)
{
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256:",
        "sha256:../../../etc/x",
        "SHA256:" HEX64,
        "sha256:" HEX64 "0",
        "sha256:" HEX64 " ",
        "sha256:" HEX64 "\nx",
        " sha256:" HEX64,
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha256:g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "sha512:" HEX64,
        "sha256:" HEX64 HEX64,
        "md5:0123456789abcdef0123456789abcdef",
        "sha384:" HEX64,
        HEX64,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct md_err err = { 0 };
        struct md_digest digest = { 0 };

        assert_int_equal(md_digest_parse(bad[i], &digest, &err), -1);
        assert_int_equal(err.kind, MD_ERR_FORMAT);
        assert_int_equal(digest.alg, 0);
    }
}

static void raw_bytes_become_text(void **state)
{
    unsigned char bytes[64];
    struct md_digest made = { 0 };
    struct md_digest parsed = { 0 };
    struct md_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(0xff - i * 3);
    }
    md_digest_from_bytes(MD_SHA512, bytes, &made);
    assert_int_equal(strlen(made.text), 7 + 128);
    assert_int_equal(md_digest_parse(made.text, &parsed, &err), 0);
    assert_true(md_digest_equal(&made, &parsed));
    md_digest_from_bytes(MD_SHA256, bytes, &parsed);
    assert_int_equal(strncmp(parsed.text, "sha256:fffcf9f6", 15), 0);
    assert_int_equal(strlen(parsed.text), 7 + 64);
    assert_false(md_digest_equal(&made, &parsed));
}

static void ids_are_64_lower_case_digits(void **state)
{
    (void)state;
    assert_true(md_is_id(HEX64));
    assert_false(md_is_id(HEX64 "0"));
    assert_false(md_is_id("0123"));
    assert_false(md_is_id(""));
    assert_false(md_is_id("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"));
    assert_true(md_is_id_prefix("0"));
    assert_true(md_is_id_prefix(HEX64));
    assert_false(md_is_id_prefix(""));
    assert_false(md_is_id_prefix("0x"));
    assert_false(md_is_id_prefix(HEX64 "0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_parsed_whole),
        cmocka_unit_test(a85_what_is_no_digest_is_a_format_error),
        cmocka_unit_test(raw_bytes_become_text),
        cmocka_unit_test(ids_are_64_lower_case_digits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
