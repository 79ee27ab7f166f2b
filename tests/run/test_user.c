/* SPDX-License-Identifier: Apache-2.0 */
/* Users by name and number, in friendly and hostile passwd and group files (A76, A77). */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "run/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "\n"
                             "# comment\n"
                             "short:x:5\n"
                             ":x:0:0::/:\n"
                             "1000:x:0:0:number as a name:/evil:\n"
                             "4294967296:x:0:0::/evil:\n"
                             "bob:x:1000:1001:Bob:/home/bob:/bin/sh\n"
                             "bob:x:0:0:second:/evil:\n"
                             "big:x:99999999999:1::/:\n"
                             "high:x:2147483648:1::/:\n"
                             "minus:x:-1:1::/:\n"
                             "plus:x:+1:1::/:\n"
                             "homeless:x:7:8::\n"
                             "relative:x:9:8::home:\n"
                             "dos:x:10:11::/dos:/bin/sh\r\n"
                             "last:x:77:78::/l:/bin/sh";
static const char group[] = "root:x:0:root\n"
                            "bob:x:1001:\n"
                            "audio:x:29:bob,alice\n"
                            "video:x:44:alice,bob\n"
                            "audio2:x:29:bob\n"
                            "near:x:50:bobby,bo\n"
                            "4711:x:0:\n"
                            "bad:x:-1:bob\n"
                            "bad\n"
                            "dos:x:45:bob\r\n"
                            "last:x:46:x,bob";

static int set_up(void **state)
{
    int status = kit_set_up(state);

    kit_write(*state, "root/etc/passwd", passwd, 0644);
    kit_write(*state, "root/etc/group", group, 0644);
    return status;
}

static void known_users_are_found(void **state)
{
    static const struct {
        const char *spec;
        uid_t uid;
        gid_t gid;
        const char *home;
        gid_t groups[8];
        size_t count;
    } cases[] = {
        { "", 0, 0, "/root", { 0 }, 1 },
        { "root", 0, 0, "/root", { 0 }, 1 },
        { "0", 0, 0, "/root", { 0 }, 1 },
        { "0:0", 0, 0, "/root", { 0 }, 1 },
        { "bob", 1000, 1001, "/home/bob", { 29, 44, 45, 46, 1001 }, 5 },
        { "1000", 1000, 1001, "/home/bob", { 29, 44, 45, 46, 1001 }, 5 },
        { "bob:audio", 1000, 29, "/home/bob", { 29 }, 1 },
        { "bob:815", 1000, 815, "/home/bob", { 815 }, 1 },
        { "0:bob", 0, 1001, "/root", { 1001 }, 1 },
        { "4711", 4711, 0, "/", { 0 }, 1 },
        { "4711:815", 4711, 815, "/", { 815 }, 1 },
        { "4711:4711", 4711, 4711, "/", { 4711 }, 1 },
        { "010", 10, 11, "/dos", { 11 }, 1 },
        { "2147483647", 2147483647, 0, "/", { 0 }, 1 },
        { "homeless", 7, 8, "/", { 8 }, 1 },
        { "relative", 9, 8, "/", { 8 }, 1 },
        { "dos", 10, 11, "/dos", { 11 }, 1 },
        { "last", 77, 78, "/l", { 78 }, 1 },
    };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run_user user;
        struct md_err err = { 0 };
        char *home;

        if (run_user_resolve(kit->root_fd, cases[i].spec, &user, &home, &err) < 0)
            fail_msg("\"%s\": %s", cases[i].spec, err.text);
        assert_int_equal(user.uid, cases[i].uid);
        assert_int_equal(user.gid, cases[i].gid);
        assert_string_equal(home, cases[i].home);
        assert_int_equal(user.group_count, cases[i].count);
        assert_memory_equal(user.groups, cases[i].groups, cases[i].count * sizeof(gid_t));
        run_user_clear(&user);
        free(home);
    }
}

static void others_are_refused_and_never_become_root(void **state)
{
    static const struct {
        const char *spec;
        enum md_err_kind kind;
    } cases[] = {
        { "stranger", MD_ERR_NOT_FOUND },
        { "bob:strangers", MD_ERR_NOT_FOUND },
        { "-1", MD_ERR_NOT_FOUND },
        { "+1", MD_ERR_NOT_FOUND },
        { " 1", MD_ERR_NOT_FOUND },
        { "1 ", MD_ERR_NOT_FOUND },
        { "1e3", MD_ERR_NOT_FOUND },
        { "0x0", MD_ERR_NOT_FOUND },
        { "\xd9\xa3", MD_ERR_NOT_FOUND },
        { "2147483648", MD_ERR_USAGE },
        { "4294967295", MD_ERR_USAGE },
        { "4294967296", MD_ERR_USAGE },
        { "99999999999999999999", MD_ERR_USAGE },
        { ":", MD_ERR_USAGE },
        { ":audio", MD_ERR_USAGE },
        { "bob:", MD_ERR_USAGE },
        { "bob:2147483648", MD_ERR_USAGE },
        { "bob:-1", MD_ERR_NOT_FOUND },
        { "bob:audio:x", MD_ERR_NOT_FOUND },
        { "big", MD_ERR_NOT_FOUND },
        { "high", MD_ERR_NOT_FOUND },
        { "minus", MD_ERR_NOT_FOUND },
        { "plus", MD_ERR_NOT_FOUND },
        { "short", MD_ERR_NOT_FOUND },
        { "Bob", MD_ERR_NOT_FOUND },
        { "bo", MD_ERR_NOT_FOUND },
        { "bob\n", MD_ERR_NOT_FOUND },
        { "0\n", MD_ERR_NOT_FOUND },
    };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct run_user user;
        struct md_err err = { 0 };
        char *home = NULL;

        if (run_user_resolve(kit->root_fd, cases[i].spec, &user, &home, &err) == 0)
            fail_msg("\"%s\" was taken for %u", cases[i].spec, user.uid);
        if (err.kind != cases[i].kind)
            fail_msg("\"%s\": kind %d: %s", cases[i].spec, err.kind, err.text);
        assert_null(home);
    }
}

/* Whether spec can be resolved; the user must then be uid. */
static bool resolves(const struct kit *kit, const char *spec, uid_t uid)
{
    struct run_user user;
    struct md_err err = { 0 };
    char *home = NULL;

    if (run_user_resolve(kit->root_fd, spec, &user, &home, &err) < 0) {
        assert_int_not_equal(err.text[0], '\0');
        return false;
    }
    assert_int_equal(user.uid, uid);
    run_user_clear(&user);
    free(home);
    return true;
}

static void without_the_files_numbers_work_and_names_do_not(void **state)
{
    struct kit *kit = *state;
    MD_AUTO_FREE char *etc = kit_path(kit, "root/etc");
    MD_AUTO_FREE char *away = kit_path(kit, "away");

    assert_int_equal(rename(etc, away), 0);
    assert_true(resolves(kit, "", 0));
    assert_true(resolves(kit, "7:8", 7));
    assert_false(resolves(kit, "root", 0));
    kit_write(kit, "root/etc", "a file", 0644);
    assert_true(resolves(kit, "7", 7));
    assert_int_equal(unlink(etc), 0);
    assert_int_equal(rename(away, etc), 0);
}

static void what_is_no_regular_file_is_refused_without_being_opened(void **state)
{
    struct kit *kit = *state;
    MD_AUTO_FREE char *path = kit_path(kit, "root/etc/passwd");

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    alarm(10); /* a fifo that is opened blocks for ever */
    assert_false(resolves(kit, "bob", 0));
    assert_false(resolves(kit, "1000", 0));
    alarm(0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_false(resolves(kit, "bob", 0));
    assert_int_equal(rmdir(path), 0);
    if (mknod(path, S_IFCHR | 0644, makedev(1, 5)) == 0)
        assert_false(resolves(kit, "bob", 0));
}

static void links_stay_inside_the_root(void **state)
{
    struct kit *kit = *state;
    MD_AUTO_FREE char *path = kit_path(kit, "root/etc/passwd");
    MD_AUTO_FREE char *outside = kit_path(kit, "outside");
    MD_AUTO_FREE char *relative = md_xasprintf("../../../../../../../../../../..%s", outside);
    const char *const out[] = { outside, relative, "/proc/self/root/etc/passwd", "passwd" };

    kit_write(kit, "outside", "intruder:x:0:0::/:\n", 0644);
    for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++) {
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(out[i], path), 0);
        assert_false(resolves(kit, "intruder", 0));
        assert_false(resolves(kit, "root", 0));
    }
    kit_write(kit, "root/tmp/users", "moved:x:12:13::/:\n", 0644);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/tmp/users", path), 0);
    assert_true(resolves(kit, "moved", 12));
}

static void a_file_past_the_limit_is_refused(void **state)
{
    struct kit *kit = *state;
    MD_AUTO_FREE char *path = kit_path(kit, "root/etc/passwd");

    assert_int_equal(truncate(path, MD_MAX_PASSWD), 0);
    assert_true(resolves(kit, "bob", 1000)); /* the line that now has NULs is another */
    assert_int_equal(truncate(path, 10ll << 30), 0);
    assert_false(resolves(kit, "bob", 1000));
    assert_false(resolves(kit, "0", 0));
}

static void very_long_lines_are_only_lines(void **state)
{
    struct kit *kit = *state;
    char *text = md_xmalloc((1 << 20) + 64);

    memset(text, 'y', 1 << 20);
    memcpy(text + (1 << 20), "\nafter:x:3:4::/:\n", 18);
    kit_write(kit, "root/etc/passwd", text, 0644);
    free(text);
    assert_true(resolves(kit, "after", 3));
}

static void a_million_groups_are_bounded_and_duplicates_count_once(void **state)
{
    struct kit *kit = *state;
    struct md_buf text = { 0 };
    struct run_user user;
    struct md_err err = { 0 };
    char *home;

    for (int i = 0; i < 400000; i++)
        md_buf_printf(&text, "g:x:%d:bob\n", 50 + i % 3);
    kit_write(kit, "root/etc/group", text.data, 0644);
    assert_int_equal(run_user_resolve(kit->root_fd, "bob", &user, &home, &err), 0);
    assert_int_equal(user.group_count, 4);
    run_user_clear(&user);
    free(home);
    text.len = 0;
    for (int i = 0; i < 66000; i++)
        md_buf_printf(&text, "g:x:%d:bob\n", i);
    kit_write(kit, "root/etc/group", text.data, 0644);
    assert_int_equal(run_user_resolve(kit->root_fd, "bob", &user, &home, &err), -1);
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    md_buf_clear(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_users_are_found),
        TEST(others_are_refused_and_never_become_root),
        TEST(without_the_files_numbers_work_and_names_do_not),
        TEST(what_is_no_regular_file_is_refused_without_being_opened),
        TEST(links_stay_inside_the_root),
        TEST(a_file_past_the_limit_is_refused),
        TEST(very_long_lines_are_only_lines),
        TEST(a_million_groups_are_bounded_and_duplicates_count_once),
    };

    return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
