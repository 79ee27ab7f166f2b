/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/cli/run_mounts.c and run_mount_flag.c: docker's words for mounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "cli/run_mounts.h"

static void a_malformed_volume_is_a_usage_error(void **state)
{
    static const char *const wrong[] = {
        "",   ":",      ":/x",        "/etc:",    "/etc:rel",       "/etc:/x:bad",
        "/:", "/etc:/", "/etc:/../x", "/etc://.", "/etc:/x:nocopy", "name:/x:create",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct cli_mount mount = { 0 };
        struct md_err err = { 0 };

        assert_int_equal(cli_mount_volume(wrong[i], &mount, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        cli_mount_clear(&mount);
    }
}

static void a_source_that_looks_like_a_path_is_one_of_the_host(void **state)
{
    struct cli_mount bind = { 0 };
    struct cli_mount volume = { 0 };
    struct cli_mount anonymous = { 0 };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(cli_mount_volume("/etc:/a//b/../c/:ro,z", &bind, &err), 0);
    assert_int_equal(bind.kind, CLI_MOUNT_BIND);
    assert_string_equal(bind.source, "/etc");
    assert_string_equal(bind.target, "/a/c");
    assert_string_equal(bind.mode, "ro,z");
    assert_int_equal(bind.attributes, MOUNT_ATTR_RDONLY);
    assert_int_equal(cli_mount_volume("name:/data:nocopy", &volume, &err), 0);
    assert_int_equal(volume.kind, CLI_MOUNT_VOLUME);
    assert_string_equal(volume.source, "name");
    assert_true(volume.no_copy);
    assert_int_equal(cli_mount_volume("/data", &anonymous, &err), 0);
    assert_int_equal(anonymous.kind, CLI_MOUNT_VOLUME);
    assert_true(anonymous.anonymous);
    assert_string_equal(anonymous.target, "/data");
    cli_mount_clear(&bind);
    cli_mount_clear(&volume);
    cli_mount_clear(&anonymous);
}

static void tmpfs_options_are_parsed_and_others_refused(void **state)
{
    struct cli_mount mount = { 0 };
    struct cli_mount wrong = { 0 };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(cli_mount_tmpfs("/t:size=64m,mode=0700,exec,ro", &mount, &err), 0);
    assert_string_equal(mount.target, "/t");
    assert_string_equal(mount.tmpfs_size, "67108864");
    assert_int_equal(mount.tmpfs_mode, 0700);
    assert_int_equal(mount.attributes,
                     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY);
    assert_int_equal(cli_mount_tmpfs("/t:lowerdir=/etc", &wrong, &err), -1);
    assert_int_equal(err.kind, MD_ERR_USAGE);
    assert_non_null(strstr(err.text, "lowerdir=/etc"));
    cli_mount_clear(&mount);
    cli_mount_clear(&wrong);
}

static void the_mount_flag_takes_dockers_keys(void **state)
{
    struct cli_mount bind = { 0 };
    struct cli_mount volume = { 0 };
    struct cli_mount tmpfs = { 0 };
    struct md_err err = { 0 };

    (void)state;
    assert_int_equal(cli_mount_flag("type=bind,\"src=/a,b\",dst=/x,readonly", &bind, &err), 0);
    assert_int_equal(bind.kind, CLI_MOUNT_BIND);
    assert_string_equal(bind.source, "/a,b");
    assert_string_equal(bind.target, "/x");
    assert_int_equal(bind.attributes, MOUNT_ATTR_RDONLY);
    assert_int_equal(cli_mount_flag("source=v,target=/x,volume-nocopy=true,ro=false,"
                                    "volume-label=a=b,volume-subpath=in/it",
                                    &volume, &err),
                     0);
    assert_int_equal(volume.kind, CLI_MOUNT_VOLUME);
    assert_string_equal(volume.source, "v");
    assert_string_equal(volume.subpath, "in/it");
    assert_true(volume.no_copy);
    assert_int_equal(volume.attributes, 0);
    assert_string_equal(md_json_get_text(volume.labels, "a"), "b");
    assert_int_equal(
        cli_mount_flag("target=/x,tmpfs-size=1m,tmpfs-mode=700,type=tmpfs", &tmpfs, &err), 0);
    assert_string_equal(tmpfs.tmpfs_size, "1048576");
    assert_int_equal(tmpfs.tmpfs_mode, 0700);
    cli_mount_clear(&bind);
    cli_mount_clear(&volume);
    cli_mount_clear(&tmpfs);
}

static void a_malformed_mount_flag_is_refused_in_dockers_words(void **state)
{
    static const struct {
        const char *text, *said;
    } wrong[] = {
        { "type=bind,source=/a", "target is required" },
        { "type=bind,target=/x", "field Source must not be empty" },
        { "type=tmpfs,source=/a,target=/x", "field Source must not be specified" },
        { "type=npipe,target=/x", "npipe" },
        { "target=/x,nonsense=1", "unexpected key 'nonsense' in 'nonsense=1'" },
        { "target=/x,source", "invalid field 'source' must be a key=value pair" },
        { "target=/x,ro=perhaps", "invalid value for ro: perhaps" },
        { "target=x", "must be absolute" },
        { "type=bind,src=/a,dst=/x,volume-nocopy", "cannot mix 'volume-nocopy'" },
        { "target=/x,tmpfs-size=1", "cannot mix 'tmpfs-size'" },
        { "type=bind,src=/a,dst=/x,bind-propagation=shared", "bind-propagation=shared" },
        { "target=/x,volume-subpath=/etc", "must be relative" },
        { "target=/x,\"source=a", "quote" },
        { "", "unexpected key" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct cli_mount mount = { 0 };
        struct md_err err = { 0 };

        assert_int_equal(cli_mount_flag(wrong[i].text, &mount, &err), -1);
        assert_int_equal(err.kind, MD_ERR_USAGE);
        assert_non_null(strstr(err.text, wrong[i].said));
        cli_mount_clear(&mount);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malformed_volume_is_a_usage_error),
        cmocka_unit_test(a_source_that_looks_like_a_path_is_one_of_the_host),
        cmocka_unit_test(tmpfs_options_are_parsed_and_others_refused),
        cmocka_unit_test(the_mount_flag_takes_dockers_keys),
        cmocka_unit_test(a_malformed_mount_flag_is_refused_in_dockers_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
