/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/pull/tags.c: listing tags through the network process. */
#include "pull/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "served.h"

#define LIST "GET /v2/org/a/tags/list?n=1000"
#define SECOND "GET /v2/org/a/tags/list?n=2&last=b"

static int ask(struct stage *stage, struct md_list *tags, struct md_err *err)
{
    struct pull_resolve order = resolve_order("localhost:%d/org/a", stage->faulty.ports[0]);

    return pull_tags_ask(stage->coordinator.socket, &order.ref, &order.patience, tags, err);
}

static void expect_refused(struct stage *stage, enum md_err_kind kind, const char *words)
{
    struct md_list tags = { 0 };
    struct md_err err = { 0 };

    stage_start(stage, "plain");
    assert_int_equal(ask(stage, &tags, &err), -1);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, words)) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    }
    assert_int_equal(tags.count, 0);
    stage_close(stage);
}

static void a_link_is_taken_apart(void **state)
{
    const struct {
        const char *field;
        const char *next; /* NULL: there is none */
    } rows[] = {
        { "</v2/a/tags/list?n=1&last=b>; rel=\"next\"", "/v2/a/tags/list?n=1&last=b" },
        { "<x>;rel=next", "x" },
        { "<x> ; title=\"a, <b>; rel=next\" ; rel = \"last next\"", "x" },
        { "<first>; rel=\"first\", <second>; REL=\"NEXT\"", "second" },
        { "<x>; anchor; rel=next", "x" },
        { "<x>; rel=\"nextpage\"", NULL },
        { "<x>; title=\"next\"", NULL },
        { "<x>", NULL },
        { "<x; rel=next", NULL },
        { "", NULL },
        { "<0123456789012345678901234567890123456789>; rel=next", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char next[32] = "";

        assert_int_equal(pull_tags_next(rows[i].field, next, sizeof(next)),
                         rows[i].next != NULL);
        assert_string_equal(next, rows[i].next ? rows[i].next : "");
    }
}

static void pages_are_followed_to_the_last(void **state)
{
    struct stage stage;
    struct md_list tags = { 0 };
    struct md_err err = { 0 };

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, LIST,
                  "{'body': '{\\\"tags\\\":[\\\"a\\\",\\\"b\\\"]}', 'headers': {'Link': "
                  "'</v2/org/a/tags/list?n=2&last=b>; rel=\\\"next\\\"'}}");
    faulty_answer(&stage.faulty, SECOND, "{'body': '{\\\"tags\\\":[\\\"v1.0\\\"]}'}");
    stage_start(&stage, "plain");
    assert_int_equal(ask(&stage, &tags, &err), 0);
    assert_int_equal(tags.count, 3);
    assert_string_equal(tags.items[0], "a");
    assert_string_equal(tags.items[2], "v1.0");
    md_list_clear(&tags);
    stage_close(&stage);
}

static void a_next_page_elsewhere_is_refused(void **state)
{
    const char *const places[] = { "https://example.com/v2/org/a/tags/list?n=1",
                                   "/v2/org/secret/tags/list?n=1", "/v2/org/a/tags/list" };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct stage stage;

        stage_open(&stage);
        faulty_answer(&stage.faulty, LIST,
                      "{'body': '{\\\"tags\\\":[\\\"a\\\"]}', 'headers': {'Link': "
                      "'<%s>; rel=next'}}",
                      places[i]);
        expect_refused(&stage, MD_ERR_FORMAT, "elsewhere");
    }
}

static void a_page_that_leads_to_itself_is_refused(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, LIST,
                  "{'body': '{\\\"tags\\\":[\\\"a\\\"]}', 'headers': {'Link': "
                  "'</v2/org/a/tags/list?n=1000>; rel=next'}}");
    expect_refused(&stage, MD_ERR_FORMAT, "same");
}

static void what_is_no_tag_is_refused(void **state)
{
    const char *const bodies[] = { "{\\\"tags\\\":[\\\"../x\\\"]}",
                                   "{\\\"tags\\\":[\\\"\\\"]}",
                                   "{\\\"tags\\\":[7]}",
                                   "{\\\"tags\\\":\\\"a\\\"}",
                                   "{\\\"tags\\\":[\\\"a@sha256:0\\\"]}",
                                   "[",
                                   "" };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct stage stage;

        stage_open(&stage);
        faulty_answer(&stage.faulty, LIST, "{'body': '%s'}", bodies[i]);
        expect_refused(&stage, MD_ERR_FORMAT, "tags of localhost");
    }
}

static void a_repository_without_tags_is_not_found(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(&stage.faulty, LIST, "{'body': '{\\\"tags\\\":null}'}");
    expect_refused(&stage, MD_ERR_NOT_FOUND, "none");
}

static void a_refusal_says_what_the_registry_says(void **state)
{
    struct stage stage;

    (void)state;
    stage_open(&stage);
    faulty_answer(
        &stage.faulty, LIST,
        "{'status': 404, 'body': '{\\\"errors\\\":[{\\\"code\\\":\\\"NAME_UNKNOWN\\\","
        "\\\"message\\\":\\\"gone\\\"}]}'}");
    expect_refused(&stage, MD_ERR_NOT_FOUND, "gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_taken_apart),
        cmocka_unit_test(pages_are_followed_to_the_last),
        cmocka_unit_test(a_next_page_elsewhere_is_refused),
        cmocka_unit_test(a_page_that_leads_to_itself_is_refused),
        cmocka_unit_test(what_is_no_tag_is_refused),
        cmocka_unit_test(a_repository_without_tags_is_not_found),
        cmocka_unit_test(a_refusal_says_what_the_registry_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
