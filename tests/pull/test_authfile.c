/* SPDX-License-Identifier: Apache-2.0 */
/* The files that hold credentials: what they say, and what becomes of one that is changed. */
#include "pull/authfile.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

/* dTpw: u:p; aG9zdDpw: host:p; bnM6cA==: ns:p; cmVwbzpw: repo:p */
#define ENTRY(key, auth) "\"" key "\":{\"auth\":\"" auth "\"}"
#define AUTHS(entries) "{\"auths\":{" entries "}}"

static int find(const char *text, const char *registry, const char *repository,
                struct pull_authfile_answer *answer, struct md_err *err)
{
    MD_AUTO_JSON json = md_json_parse(text, strlen(text), "file", err);

    assert_non_null(json);
    return pull_authfile_find(json, registry, repository, answer, err);
}

static void the_most_specific_key_counts_under_any_of_a_registrys_names(void **state)
{
    static const struct {
        const char *text;
        const char *registry;
        const char *repository;
        const char *user;
        const char *secret;
    } rows[] = {
        { AUTHS(ENTRY("ghcr.io", "dTpw")), "ghcr.io", "a/b", "u", "p" },
        { AUTHS(ENTRY("GHCR.io", "dTpw")), "ghcr.io", "a/b", "u", "p" },
        { AUTHS(ENTRY("https://ghcr.io", "dTpw")), "ghcr.io", "a/b", "u", "p" },
        { AUTHS(ENTRY("http://ghcr.io/v1/", "dTpw")), "ghcr.io", "a/b", "u", "p" },
        { AUTHS(ENTRY("ghcr.io:443", "dTpw")), "ghcr.io", "a/b", "", "" },
        { AUTHS(ENTRY("localhost:5000", "dTpw")), "localhost:5000", "a", "u", "p" },
        { AUTHS(ENTRY("ghcr.io.evil.example", "dTpw")), "ghcr.io", "a", "", "" },
        { AUTHS(ENTRY("ghcr.io", "dTpw")), "ghcr.io.evil.example", "a", "", "" },
        { AUTHS(ENTRY("https://index.docker.io/v1/", "dTpw")), "docker.io", "library/a", "u",
          "p" },
        { AUTHS(ENTRY("docker.io", "dTpw")), "docker.io", "library/a", "u", "p" },
        { AUTHS(ENTRY("registry-1.docker.io", "dTpw")), "docker.io", "library/a", "u", "p" },
        { AUTHS(
              ENTRY("docker.io", "aG9zdDpw") "," ENTRY("https://index.docker.io/v1/", "dTpw")),
          "docker.io", "library/a", "u", "p" },
        { AUTHS(ENTRY("x.io", "aG9zdDpw") "," ENTRY("x.io/ns", "bnM6cA==") "," ENTRY(
              "x.io/ns/repo", "cmVwbzpw")),
          "x.io", "ns/repo", "repo", "p" },
        { AUTHS(ENTRY("x.io", "aG9zdDpw") "," ENTRY("x.io/ns", "bnM6cA==")), "x.io", "ns/other",
          "ns", "p" },
        { AUTHS(ENTRY("x.io", "aG9zdDpw") "," ENTRY("x.io/ns", "bnM6cA==")), "x.io", "nsx/repo",
          "host", "p" },
        { AUTHS(ENTRY("docker.io/library", "bnM6cA==")), "docker.io", "library/a", "ns", "p" },
        { AUTHS(ENTRY("https://x.io/ns", "dTpw")), "x.io", "other", "u", "p" },
        { "{\"auths\":{\"x.io\":{\"username\":\"u\",\"password\":\"p\"}}}", "x.io", "a", "u",
          "p" },
        { AUTHS(ENTRY("x.io", "dTpwOnE6")), "x.io", "a", "u", "p:q:" },
        { AUTHS(ENTRY("x.io", "dTpwAAA=")), "x.io", "a", "u", "p" },
        { "{\"auths\":{\"x.io\":{}}}", "x.io", "a", "", "" },
        { "{\"auths\":{\"x.io\":[]}}", "x.io", "a", "", "" },
        { "{\"auths\":[]}", "x.io", "a", "", "" },
        { "{}", "x.io", "a", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_authfile_answer answer;
        struct md_err err = { 0 };

        assert_int_equal(
            find(rows[i].text, rows[i].registry, rows[i].repository, &answer, &err), 0);
        assert_string_equal(answer.credential.user, rows[i].user);
        assert_string_equal(answer.credential.secret, rows[i].secret);
        assert_int_equal(answer.credential.kind,
                         rows[i].user[0] ? PULL_CREDENTIAL_PASSWORD : PULL_CREDENTIAL_NONE);
        assert_string_equal(answer.helper, "");
    }
}

static void helpers_are_those_of_the_host_and_then_of_all(void **state)
{
    static const struct {
        const char *text;
        const char *registry;
        const char *helper;
        const char *server;
    } rows[] = {
        { "{\"credsStore\":\"pass\"}", "ghcr.io", "pass", "ghcr.io" },
        { "{\"credsStore\":\"pass\"}", "docker.io", "pass", "https://index.docker.io/v1/" },
        { "{\"credsStore\":\"pass\",\"credHelpers\":{\"gcr.io\":\"gcr\"}}", "gcr.io", "gcr",
          "gcr.io" },
        { "{\"credsStore\":\"pass\",\"credHelpers\":{\"gcr.io\":\"gcr\"}}", "ghcr.io", "pass",
          "ghcr.io" },
        { "{\"credsStore\":\"pass\",\"credHelpers\":{\"gcr.io\":\"\"}}", "gcr.io", "",
          "gcr.io" },
        { "{\"credHelpers\":{\"docker.io\":\"x\"}}", "docker.io", "x", "docker.io" },
        { "{\"credHelpers\":{\"https://gcr.io\":\"x\"}}", "gcr.io", "x", "https://gcr.io" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_authfile_answer answer;
        struct md_err err = { 0 };

        assert_int_equal(find(rows[i].text, rows[i].registry, "a", &answer, &err), 0);
        assert_string_equal(answer.helper, rows[i].helper);
        assert_string_equal(answer.server, rows[i].server);
    }
}

static void an_identity_token_counts_before_a_password(void **state)
{
    struct pull_authfile_answer answer;
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(find("{\"auths\":{\"x.io\":{\"auth\":\"dTpw\",\"identitytoken\":\"t\","
                          "\"realm_host\":\"sso.example\"}}}",
                          "x.io", "a", &answer, &err),
                     0);
    assert_int_equal(answer.credential.kind, PULL_CREDENTIAL_IDENTITY);
    assert_string_equal(answer.credential.secret, "t");
    assert_string_equal(answer.credential.realm_host, "sso.example");
}

static void what_cannot_be_used_is_an_error_that_names_the_entry(void **state)
{
    static const struct {
        const char *text;
        enum md_err_kind kind;
        const char *words;
    } rows[] = {
        { AUTHS(ENTRY("x.io", "dTpw*")), MD_ERR_FORMAT, "\"x.io\"" },
        { AUTHS(ENTRY("x.io", "dXA=")), MD_ERR_FORMAT, "\"x.io\"" },
        { AUTHS(ENTRY("x.io", "AHU6cA==")), MD_ERR_FORMAT, "\"x.io\"" },
        { "{\"credsStore\":\"../evil\"}", MD_ERR_FORMAT, "../evil" },
        { "{\"credsStore\":\"a b\"}", MD_ERR_FORMAT, "a b" },
        { "{\"credHelpers\":{\"x.io\":\"/bin/sh\"}}", MD_ERR_FORMAT, "/bin/sh" },
    };
    MD_AUTO_FREE char *long_secret = md_xcalloc(PULL_MAX_SECRET + 2, 1);
    MD_AUTO_FREE char *text = NULL;
    struct pull_authfile_answer answer;
    struct md_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        err = (struct md_err){ 0 };
        assert_int_equal(find(rows[i].text, "x.io", "a", &answer, &err), -1);
        assert_int_equal(err.kind, rows[i].kind);
        assert_non_null(strstr(err.text, rows[i].words));
    }
    memset(long_secret, 'a', PULL_MAX_SECRET + 1);
    text = md_xasprintf("{\"auths\":{\"x.io\":{\"identitytoken\":\"%s\"}}}", long_secret);
    assert_int_equal(find(text, "x.io", "a", &answer, &err), -1);
    assert_int_equal(err.kind, MD_ERR_LIMIT);
}

/* ---- Changing ---- */

struct folder {
    char path[64];
    char file[128];
};

static int make_folder(void **state)
{
    struct folder *folder = md_xcalloc(1, sizeof(*folder));

    snprintf(folder->path, sizeof(folder->path), "/tmp/test_authfile.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->file, sizeof(folder->file), "%s/new/config.json", folder->path);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(md_path_remove_tree(AT_FDCWD, folder->path), 0);
    free(folder);
    return 0;
}

static void put(const char *path, const char *text)
{
    MD_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_int_equal(md_fd_write_all(fd, text, strlen(text)), 0);
}

static void change(const char *path, const char *registry, const char *secret)
{
    struct pull_authfile_change change;
    struct pull_credential credential = { .kind = PULL_CREDENTIAL_PASSWORD, .user = "u" };
    struct md_err err = { 0 };

    snprintf(credential.secret, sizeof(credential.secret), "%s", secret);
    assert_int_equal(pull_authfile_begin(path, &change, &err), 0);
    pull_authfile_enter(change.json, registry, &credential, PULL_SECRET_INSIDE);
    assert_int_equal(pull_authfile_commit(&change, &err), 0);
    pull_authfile_clear(&change);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_file_that_is_not_there_is_made_for_its_owner_only(void **state)
{
    struct folder *folder = *state;
    MD_AUTO_FREE char *parent = md_xasprintf("%s/new", folder->path);
    MD_AUTO_JSON json = NULL;
    struct pull_authfile_answer answer;
    struct md_err err = { 0 };

    umask(022);
    change(folder->file, "docker.io", "p:\"q\" \xc3\xa9");
    assert_int_equal(mode_of(folder->file), 0600);
    assert_int_equal(mode_of(parent), 0700);
    assert_int_equal(pull_authfile_read(folder->file, &json, &err), 0);
    assert_int_equal(pull_authfile_find(json, "docker.io", "a", &answer, &err), 0);
    assert_string_equal(answer.credential.secret, "p:\"q\" \xc3\xa9");
    assert_true(pull_authfile_knows(json, "index.docker.io"));
    assert_false(pull_authfile_knows(json, "ghcr.io"));
}

static void what_is_not_understood_is_kept_and_every_name_replaced(void **state)
{
    struct folder *folder = *state;
    MD_AUTO_FREE char *file = md_xasprintf("%s/config", folder->path);
    MD_AUTO_FREE char *text = NULL;
    MD_AUTO_JSON json = NULL;
    struct md_err err = { 0 };

    put(file,
        "{\"a\":[1,2.5,null,true,{\"b\":\"\\u00e9\"}],\"auths\":{\"docker.io\":{\"auth\":"
        "\"dTpw\"},\"x.io\":{\"auth\":\"dTpw\",\"email\":\"e\"},\"index.docker.io\":{}}}");
    change(file, "docker.io", "p");
    assert_int_equal(mode_of(file), 0600);
    assert_int_equal(pull_authfile_read(file, &json, &err), 0);
    text = md_json_line(json);
    assert_string_equal(text,
                        "{\"a\":[1,2.5,null,true,{\"b\":\"\xc3\xa9\"}],\"auths\":{\"x.io\":{"
                        "\"auth\":\"dTpw\",\"email\":\"e\"},\"https://index.docker.io/v1/\":{"
                        "\"auth\":\"dTpw\"}}}");
    assert_int_equal(pull_authfile_remove(json, "registry-1.docker.io"), 1);
    assert_int_equal(pull_authfile_remove(json, "registry-1.docker.io"), 0);
    assert_int_equal(md_json_count(md_json_get(json, "auths")), 1);
}

static void a_link_stays_a_link(void **state)
{
    struct folder *folder = *state;
    MD_AUTO_FREE char *file = md_xasprintf("%s/real", folder->path);
    MD_AUTO_FREE char *link = md_xasprintf("%s/link", folder->path);
    char target[16] = "";

    put(file, "");
    assert_int_equal(symlink("real", link), 0);
    change(link, "x.io", "p");
    assert_int_equal(readlink(link, target, sizeof(target)), 4);
    assert_int_equal(mode_of(file), 0600);
}

static void what_is_no_file_of_ours_is_left_alone(void **state)
{
    struct folder *folder = *state;
    MD_AUTO_FREE char *file = md_xasprintf("%s/config", folder->path);
    MD_AUTO_FREE char *fifo = md_xasprintf("%s/fifo", folder->path);
    struct pull_authfile_change change;
    MD_AUTO_JSON json = NULL;
    struct md_err err = { 0 };

    assert_int_equal(pull_authfile_read(file, &json, &err), 0);
    assert_null(json);
    put(file, "{\"auths\":{\"a\":{},\"a\":{}}}");
    assert_int_equal(pull_authfile_begin(file, &change, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    assert_non_null(strstr(err.text, file));
    pull_authfile_clear(&change);
    put(file, "[]");
    assert_int_equal(pull_authfile_read(file, &json, &err), -1);
    assert_int_equal(pull_authfile_read(folder->path, &json, &err), -1);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(pull_authfile_read(fifo, &json, &err), 0); /* and does not wait */
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_key_counts_under_any_of_a_registrys_names),
        cmocka_unit_test(helpers_are_those_of_the_host_and_then_of_all),
        cmocka_unit_test(an_identity_token_counts_before_a_password),
        cmocka_unit_test(what_cannot_be_used_is_an_error_that_names_the_entry),
        IN_FOLDER(a_file_that_is_not_there_is_made_for_its_owner_only),
        IN_FOLDER(what_is_not_understood_is_kept_and_every_name_replaced),
        IN_FOLDER(a_link_stays_a_link),
        IN_FOLDER(what_is_no_file_of_ours_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
