/* SPDX-License-Identifier: Apache-2.0 */
/* Where credentials come from, and which of them count. */
#include "pull/credentials.h"

#include <fcntl.h>
#include <setjmp.h>
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

static const char *const variables[] = { "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
                                         "DOCKER_CONFIG", "REGISTRY_AUTH_FILE" };

struct folder {
    char path[64];
};

static int make_folder(void **state)
{
    struct folder *folder = md_xcalloc(1, sizeof(*folder));

    snprintf(folder->path, sizeof(folder->path), "/tmp/test_credentials.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
        unsetenv(variables[i]);
    }
    setenv("HOME", folder->path, 1);
    setenv("XDG_RUNTIME_DIR", "/nonexistent", 1); /* not the machine's own /run/containers */
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

/* A file with one entry for x.io: user:p. Returns its path, for the caller to free. */
static char *put(const struct folder *folder, const char *name, const char *user)
{
    char *path = md_xasprintf("%s/%s", folder->path, name);
    MD_AUTO_FREE char *parent = md_xstrdup(path);
    MD_AUTO_FREE char *text =
        md_xasprintf("{\"auths\":{\"x.io\":{\"username\":\"%s\",\"password\":\"p\"}}}", user);
    struct md_err err = { 0 };
    MD_AUTO_FD fd = -1;

    *strrchr(parent, '/') = '\0';
    assert_int_equal(md_path_make_dirs(parent, 0700, &err), 0);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(md_fd_write_all(fd, text, strlen(text)), 0);
    return path;
}

static void expect(const struct pull_credential_options *options, const char *user,
                   const char *source)
{
    struct pull_account account = { .registry = "x.io", .repository = "a/b" };
    MD_AUTO_FREE char *found = NULL;
    struct md_err err = { 0 };

    assert_int_equal(pull_credentials_find(options, &account, &found, &err), 0);
    assert_string_equal(account.credential.user, user);
    assert_string_equal(found, source);
    assert_int_equal(account.credential.kind,
                     user[0] ? PULL_CREDENTIAL_PASSWORD : PULL_CREDENTIAL_NONE);
}

static void each_place_counts_before_the_ones_after_it(void **state)
{
    const struct folder *folder = *state;
    struct pull_credential_options none = { 0 };
    struct pull_credential_options given = { .creds = "creds:a:b" };
    MD_AUTO_FREE char *docker = NULL;
    MD_AUTO_FREE char *moved = NULL;
    MD_AUTO_FREE char *config = NULL;
    MD_AUTO_FREE char *runtime = NULL;
    MD_AUTO_FREE char *only = NULL;
    MD_AUTO_FREE char *named = NULL;
    MD_AUTO_FREE char *where = md_xasprintf("%s/run", folder->path);
    MD_AUTO_FREE char *elsewhere = md_xasprintf("%s/elsewhere", folder->path);

    expect(&none, "", "");
    docker = put(folder, ".docker/config.json", "docker");
    expect(&none, "docker", docker);
    moved = put(folder, "elsewhere/config.json", "moved");
    setenv("DOCKER_CONFIG", elsewhere, 1);
    expect(&none, "moved", moved);
    config = put(folder, ".config/containers/auth.json", "config");
    expect(&none, "config", config);
    runtime = put(folder, "run/containers/auth.json", "runtime");
    setenv("XDG_RUNTIME_DIR", where, 1);
    expect(&none, "runtime", runtime);
    only = put(folder, "only", "only");
    setenv("REGISTRY_AUTH_FILE", only, 1);
    expect(&none, "only", only);
    named = put(folder, "named", "named");
    given.authfile = named;
    expect(&(struct pull_credential_options){ .authfile = named }, "named", named);
    expect(&given, "creds", "");
    given.creds = NULL;
    given.authfile = "/nonexistent/auth.json";
    expect(&given, "", ""); /* and no other file in its place */
}

static void a_file_that_is_broken_is_no_reason_to_ask_another_B33(void **state)
{
    const struct folder *folder = *state;
    struct pull_credential_options none = { 0 };
    struct pull_account account = { .registry = "x.io" };
    MD_AUTO_FREE char *docker = put(folder, ".docker/config.json", "docker");
    MD_AUTO_FREE char *config = put(folder, ".config/containers/auth.json", "\"");
    struct md_err err = { 0 };

    (void)docker;
    assert_int_equal(pull_credentials_find(&none, &account, NULL, &err), -1);
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    assert_non_null(strstr(err.text, config));
    assert_int_equal(account.credential.kind, PULL_CREDENTIAL_NONE);
}

static void creds_want_a_user_and_a_password(void **state)
{
    static const char *const rows[] = { "", ":", "user", "user:", ":password" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct pull_credential_options options = { .creds = rows[i] };
        struct pull_account account = { .registry = "x.io" };
        struct md_err err = { 0 };

        assert_int_equal(pull_credentials_find(&options, &account, NULL, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
    }
}

static void login_changes_the_file_that_a_pull_reads(void **state)
{
    const struct folder *folder = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *docker = pull_credentials_file(NULL, &err);
    MD_AUTO_FREE char *expected = md_xasprintf("%s/.docker/config.json", folder->path);
    MD_AUTO_FREE char *named = pull_credentials_file("mine", &err);
    MD_AUTO_FREE char *only = NULL;

    assert_string_equal(docker, expected);
    assert_string_equal(named, "mine");
    setenv("REGISTRY_AUTH_FILE", "theirs", 1);
    only = pull_credentials_file(NULL, &err);
    assert_string_equal(only, "theirs");
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_place_counts_before_the_ones_after_it),
        IN_FOLDER(a_file_that_is_broken_is_no_reason_to_ask_another_B33),
        IN_FOLDER(creds_want_a_user_and_a_password),
        IN_FOLDER(login_changes_the_file_that_a_pull_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
