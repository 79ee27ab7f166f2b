/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: what they are asked, and what is made of their answers. */
#include "pull/helper.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

struct folder {
    char path[64];
    char *search; /* $PATH as it was */
};

static int make_folder(void **state)
{
    struct folder *folder = md_xcalloc(1, sizeof(*folder));
    MD_AUTO_FREE char *search = NULL;

    snprintf(folder->path, sizeof(folder->path), "/tmp/test_helper.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->search = md_xstrdup(getenv("PATH"));
    search = md_xasprintf("%s:%s", folder->path, folder->search);
    setenv("PATH", search, 1);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;

    setenv("PATH", folder->search, 1);
    assert_int_equal(md_path_remove_tree(AT_FDCWD, folder->path), 0);
    free(folder->search);
    free(folder);
    return 0;
}

/* Make docker-credential-NAME of a shell script; "@" in it is the folder. */
static void make_helper(const struct folder *folder, const char *name, const char *script)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/docker-credential-%s", folder->path, name);
    MD_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    MD_AUTO_FREE char *text =
        md_xasprintf("#!/bin/sh\ncd '%s' || exit 9\n%s\n", folder->path, script);

    assert_int_equal(md_fd_write_all(fd, text, strlen(text)), 0);
}

static char *content(const struct folder *folder, const char *name)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/%s", folder->path, name);
    struct md_err err = { 0 };
    size_t len;

    return md_file_read(AT_FDCWD, path, 1000, &len, &err);
}

static void a_helper_is_asked_through_its_standard_input(void **state)
{
    struct folder *folder = *state;
    struct pull_credential credential = { 0 };
    struct md_err err = { 0 };
    MD_AUTO_FREE char *asked = NULL;

    make_helper(folder, "a",
                "cat >asked; echo \"$#$1\" >>asked\n"
                "echo '{\"ServerURL\":\"s\",\"Username\":\"u\",\"Secret\":\"p\"}'");
    assert_int_equal(pull_helper_get("a", "https://x/v1/", &credential, &err), 1);
    assert_int_equal(credential.kind, PULL_CREDENTIAL_PASSWORD);
    assert_string_equal(credential.user, "u");
    assert_string_equal(credential.secret, "p");
    asked = content(folder, "asked");
    assert_string_equal(asked, "https://x/v1/1get\n");
}

static void what_is_kept_is_told_as_json_and_never_as_an_argument(void **state)
{
    struct folder *folder = *state;
    struct pull_credential credential = { .user = "u\"", .secret = "p\\q" };
    struct md_err err = { 0 };
    MD_AUTO_FREE char *asked = NULL;
    MD_AUTO_FREE char *erased = NULL;

    make_helper(folder, "a", "cat >\"$1\"; echo \" $*\" >>\"$1\"");
    assert_int_equal(pull_helper_store("a", "x.io", &credential, &err), 0);
    assert_int_equal(pull_helper_erase("a", "x.io", &err), 0);
    asked = content(folder, "store");
    erased = content(folder, "erase");
    assert_string_equal(
        asked, "{\"ServerURL\":\"x.io\",\"Username\":\"u\\\"\",\"Secret\":\"p\\\\q\"} store\n");
    assert_string_equal(erased, "x.io erase\n");
    memcpy(credential.secret, "\xff", 2);
    assert_int_equal(pull_helper_store("a", "x.io", &credential, &err), -1);
}

static void a_helper_that_has_nothing_is_no_failure(void **state)
{
    struct folder *folder = *state;
    struct pull_credential credential = { 0 };
    struct md_err err = { 0 };
    struct md_list servers = { 0 };

    make_helper(folder, "a",
                "[ \"$1\" = list ] && echo '{\"a\":\"u\",\"b\":\"v\"}' && exit\n"
                "echo 'credentials not found in native keychain'; exit 1");
    assert_int_equal(pull_helper_get("a", "x.io", &credential, &err), 0);
    assert_int_equal(credential.kind, PULL_CREDENTIAL_NONE);
    assert_int_equal(pull_helper_list("a", &servers, &err), 0);
    assert_int_equal(servers.count, 2);
    assert_string_equal(servers.items[1], "b");
    md_list_clear(&servers);
}

static void a_helper_that_fails_is_named_with_its_words_escaped(void **state)
{
    static const struct {
        const char *script;
        const char *words;
    } rows[] = {
        { "printf 'locked\\033[1m\\nmore\\n'; exit 1", "locked\\x1b[1m" },
        { "exit 3", "it failed without a word" },
        { "kill -9 $$", "it failed without a word" },
        { "echo '{\"Username\":\"u\"}'", "no Username and Secret" },
        { "echo '{\"Username\":\"u\",\"Secret\":\"\"}'", "no Username and Secret" },
        { "echo '[]'", "no Username and Secret" },
        { "echo none", "not valid JSON" },
        { "exec 2>/dev/null; while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
          "more than is taken" },
    };
    struct pull_credential credential;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct md_err err = { 0 };

        make_helper(*state, "a", rows[i].script);
        assert_int_equal(pull_helper_get("a", "x.io", &credential, &err), -1);
        assert_int_equal(err.kind, MD_ERR_AUTH);
        assert_non_null(strstr(err.text, "docker-credential-a: get: "));
        if (!strstr(err.text, rows[i].words)) {
            assert_string_equal(err.text, rows[i].words);
        }
    }
}

static void a_helper_that_is_not_there_is_said_to_be_so(void **state)
{
    struct pull_credential credential;
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(pull_helper_get("no-such-helper", "x.io", &credential, &err), -1);
    assert_int_equal(err.kind, MD_ERR_AUTH);
    assert_non_null(
        strstr(err.text, "docker-credential-no-such-helper: get: not found in $PATH"));
}

static void a_child_that_keeps_the_pipe_open_is_not_waited_for(void **state)
{
    struct folder *folder = *state;
    struct pull_credential credential = { 0 };
    struct md_err err = { 0 };
    MD_AUTO_FREE char *pid = NULL;

    make_helper(
        folder, "a",
        "sleep 600 &\necho $! >pid\necho '{\"Username\":\"<token>\",\"Secret\":\"t\"}'");
    assert_int_equal(pull_helper_get("a", "x.io", &credential, &err), 1);
    assert_int_equal(credential.kind, PULL_CREDENTIAL_IDENTITY);
    pid = content(folder, "pid");
    assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_helper_is_asked_through_its_standard_input),
        IN_FOLDER(what_is_kept_is_told_as_json_and_never_as_an_argument),
        IN_FOLDER(a_helper_that_has_nothing_is_no_failure),
        IN_FOLDER(a_helper_that_fails_is_named_with_its_words_escaped),
        IN_FOLDER(a_helper_that_is_not_there_is_said_to_be_so),
        IN_FOLDER(a_child_that_keeps_the_pipe_open_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
