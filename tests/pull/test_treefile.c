/* SPDX-License-Identifier: Apache-2.0 */
/* Data and attributes of entries, and the names they are told by. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "layerkit.h"

static void owners_and_nanoseconds_are_kept(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };

    if (geteuid() != 0)
        skip();
    tar_pax(&tar, 'x', "mtime", "12.345678901");
    tar_header(&tar, &(struct tar_header){
                         .name = "f", .type = '0', .mode = 06755, .uid = "1750", .gid = "62" });
    tar_header(&tar, &(struct tar_header){
                         .name = "d", .type = '5', .mode = 02750, .uid = "1750", .gid = "62" });
    tar_file(&tar, "d/inside", "1");
    tar_dir(&tar, "d/sub", 0755);
    kit_gives(kit, &tar, "d/ 2750\nd/inside 644 =1\nd/sub/ 755\nf 6755 =\n");
    assert_int_equal(kit_look(kit, "f").st_uid, 01750);
    assert_int_equal(kit_look(kit, "f").st_gid, 062);
    assert_int_equal(kit_look(kit, "f").st_mtim.tv_nsec, 345678901);
    assert_int_equal(kit_look(kit, "d").st_gid, 062);
    /* The set-group-id bit of d is not inherited. */
    assert_int_equal(kit_look(kit, "d/inside").st_gid, getegid());
    assert_int_equal(kit_look(kit, "d/sub").st_gid, getegid());
}

static void a29_names_are_bytes_in_every_locale(void **state)
{
    static const char *const locales[] = { "C", "C.UTF-8" };
    struct kit *kit = *state;

    for (size_t i = 0; i < 2; i++) {
        struct tar tar = { 0 };

        assert_non_null(setlocale(LC_ALL, locales[i]));
        tar_file(&tar, "u-\xff\x80\n\\x", "1");
        tar_file(&tar, "nfd-u\xcc\x88", "2"); /* u and a combining diaeresis */
        tar_pax(&tar, 'x', "path", "pax-u\xcc\x88");
        tar_file(&tar, "short", "3");
        tar_pax(&tar, 'x', "path", "pax-\xff\xfe-latin-\xfc");
        tar_file(&tar, "short", "4");
        tar_pax(&tar, 'x', "linkpath", "to-u\xcc\x88-\xff");
        tar_symlink(&tar, "z", "short");
        tar_pax(&tar, 'x', "linkpath", "nfd-u\xcc\x88");
        tar_hard_link(&tar, "y", "short");
        kit_gives(kit, &tar,
                  "nfd-u\xcc\x88 644 =2\npax-u\xcc\x88 644 =3\npax-\xff\xfe-latin-\xfc 644 =4\n"
                  "u-\xff\x80\n\\x 644 =1\ny 644 =2\nz -> to-u\xcc\x88-\xff\n");
    }
    setlocale(LC_ALL, "C");
}

static void a29_errors_escape_names(void **state)
{
    struct tar tar = { 0 };

    tar_file(&tar, "../\x1b]0;x\x07", "1");
    kit_refused(*state, &tar, "../\\x1b]0;x\\x07");
}

static void a40_what_overlay_would_obey_is_not_taken(void **state)
{
    static const char *const names[] = { "trusted.overlay.opaque",
                                         "trusted.overlay.redirect",
                                         "user.overlay.opaque",
                                         "trusted.overlay.overlay.opaque",
                                         "trusted.x",
                                         "security.selinux",
                                         "security.ima" };
    struct kit *kit = *state;
    struct tar tar = { 0 };
    MD_AUTO_FD fd = -1;
    char list[256];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *key = md_xasprintf("SCHILY.xattr.%s", names[i]);
        char *name = md_xasprintf("d%zu", i);

        tar_pax(&tar, 'x', key, "y");
        tar_dir(&tar, name, 0755);
        free(key);
        free(name);
    }
    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0);
    tar_clear(&tar);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *name = md_xasprintf("tree/d%zu", i);

        fd = openat(kit->layer, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(flistxattr(fd, list, sizeof(list)), 0);
        md_fd_close(&fd);
        free(name);
    }
}

static void a49_ids_that_mean_unchanged_or_nothing_are_refused(void **state)
{
    static const char *const ids[] = {
        "37777777777",                      /* 2^32 - 1, in a field of 8 bytes: by pax below */
        "\xff\xff\xff\xff\xff\xff\xff\xff", /* -1 */
        "\x80\x00\x00\x00\xff\xff\xff\xff", /* 2^32 - 1 */
        "\x80\x00\x00\x01\x00\x00\x00\x00", /* 2^32 */
    };
    struct kit *kit = *state;
    struct tar tar = { 0 };

    tar_pax(&tar, 'x', "uid", "4294967295");
    tar_file(&tar, "f", "x");
    kit_refused(kit, &tar, "\"f\"");
    tar_pax(&tar, 'x', "gid", "4294967296");
    tar_file(&tar, "f", "x");
    kit_refused(kit, &tar, "\"f\"");
    for (size_t i = 1; i < sizeof(ids) / sizeof(*ids); i++) {
        /* The header's field has room for eight bytes, and the list needs them all. */
        char field[9] = { 0 };

        memcpy(field, i == 2 ? "\x80\x01\x01\x01\xff\xff\xff\xff" : ids[i], 8);
        if (i == 3)
            memcpy(field, "\x80\x01\x01\x01\x01\x01\x01\x01", 8);
        tar_header(&tar, &(struct tar_header){
                             .name = "f", .type = '0', .mode = 04755, .uid = field });
        kit_refused(kit, &tar, "\"f\"");
    }
    if (geteuid() != 0)
        skip();
    tar_pax(&tar, 'x', "uid", "4294967294");
    tar_file(&tar, "f", "x");
    kit_gives(kit, &tar, "f 644 =x\n");
    assert_int_equal(kit_look(kit, "f").st_uid, 4294967294u);
}

static void a50_odd_times_are_taken_as_they_can_be(void **state)
{
    static const char *const times[] = { "-1.5",
                                         "1e400",
                                         "NaN",
                                         "",
                                         "9223372036854775808",
                                         "0",
                                         "1.0123456789012345678901234567890123456789" };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        struct tar tar = { 0 };

        tar_pax(&tar, 'x', "mtime", times[i]);
        tar_file(&tar, "f", "x");
        kit_gives(kit, &tar, "f 644 =x\n");
    }
}

static void a51_extended_attributes_are_kept(void **state)
{
    struct kit *kit = *state;
    struct tar tar = { 0 };
    MD_AUTO_FD fd = -1;
    char value[8] = "";

    tar_pax(&tar, 'x', "SCHILY.xattr.user.a", "b");
    tar_file(&tar, "f", "x");
    tar_pax(&tar, 'x', "SCHILY.xattr.user.dir", "d");
    tar_dir(&tar, "d", 0700);
    tar_end(&tar);
    assert_int_equal(kit_unpack(kit, &tar, 0), 0);
    tar_clear(&tar);
    fd = openat(kit->layer, "tree/f", O_RDONLY | O_CLOEXEC);
    if (fgetxattr(fd, "user.a", value, sizeof(value)) < 0 && errno == ENOTSUP)
        skip();
    assert_string_equal(value, "b");
    md_fd_close(&fd);
    fd = openat(kit->layer, "tree/d", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fgetxattr(fd, "user.dir", value, sizeof(value)), 1);
    assert_int_equal(value[0], 'd');
}

/* Whatever libarchive makes of them: no crash, nothing outside, no smearing over entries. */
static void a57_damaged_pax_headers_do_no_harm(void **state)
{
    static const char *const bodies[] = {
        "99999999 path=x\n",
        "3 path=x\n",
        "-5 path=x\n",
        "9 path=x",
        "10 pathxxx\n",
        "8 path=\n",
        "0\n",
        "\n",
        "4 a\n",
        "18446744073709551616 a=b\n",
        "12 size=-1\n",
        "28 size=9223372036854775808\n",
    };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct tar tar = { 0 };

        tar_header(&tar, &(struct tar_header){
                             .name = "pax", .type = 'x', .size = strlen(bodies[i]) });
        tar_data(&tar, bodies[i], strlen(bodies[i]));
        tar_file(&tar, "f", "x");
        tar_file(&tar, "g", "y");
        tar_end(&tar);
        for (EACH_KIT_CHUNK(j))
            (void)kit_unpack(kit, &tar, kit_chunks[j]);
        tar_clear(&tar);
    }
}

static void a57_a_pax_header_speaks_of_one_entry(void **state)
{
    struct tar tar = { 0 };

    tar_pax(&tar, 'x', "path", "renamed");
    tar_file(&tar, "f", "x");
    tar_file(&tar, "g", "y");
    tar_pax(&tar, 'g', "comment", "for all");
    tar_file(&tar, "h", "z");
    kit_gives(*state, &tar, "g 644 =y\nh 644 =z\nrenamed 644 =x\n");
}

static void a58_holes_are_kept_and_counted(void **state)
{
    /* GNU's sparse format 0.1: one byte at 4096 in a file of 8192. */
    static const struct tar_record records[] = { { "GNU.sparse.size", "8192" },
                                                 { "GNU.sparse.numblocks", "1" },
                                                 { "GNU.sparse.map", "4096,1" } };
    struct kit *kit = *state;
    struct tar tar = { 0 };
    char data[8192];
    MD_AUTO_FD fd = -1;

    tar_pax_all(&tar, 'x', records, 3);
    tar_file(&tar, "hole", "x");
    tar_end(&tar);
    for (EACH_KIT_CHUNK(i)) {
        assert_int_equal(kit_unpack(kit, &tar, kit_chunks[i]), 0);
        assert_int_equal(kit_look(kit, "hole").st_size, 8192);
        fd = openat(kit->layer, "tree/hole", O_RDONLY | O_CLOEXEC);
        assert_int_equal(md_fd_read_full(fd, data, sizeof(data)), sizeof(data));
        md_fd_close(&fd);
        for (size_t at = 0; at < sizeof(data); at++)
            assert_int_equal(data[at], at == 4096 ? 'x' : 0);
    }
    tar_clear(&tar);
}

static void a58_data_outside_the_size_is_refused(void **state)
{
    static const char *const maps[] = { "4096,1,0,1", "9000,1" };
    struct kit *kit = *state;

    for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
        const struct tar_record records[] = { { "GNU.sparse.size", "8192" },
                                              { "GNU.sparse.map", maps[i] } };
        struct tar tar = { 0 };

        tar_pax_all(&tar, 'x', records, 2);
        tar_file(&tar, "hole", "xy");
        tar_end(&tar);
        for (EACH_KIT_CHUNK(j))
            assert_int_equal(kit_unpack(kit, &tar, kit_chunks[j]), -1);
        tar_clear(&tar);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(owners_and_nanoseconds_are_kept),
        TEST(a29_names_are_bytes_in_every_locale),
        TEST(a29_errors_escape_names),
        TEST(a40_what_overlay_would_obey_is_not_taken),
        TEST(a49_ids_that_mean_unchanged_or_nothing_are_refused),
        TEST(a50_odd_times_are_taken_as_they_can_be),
        TEST(a51_extended_attributes_are_kept),
        TEST(a57_damaged_pax_headers_do_no_harm),
        TEST(a57_a_pax_header_speaks_of_one_entry),
        TEST(a58_holes_are_kept_and_counted),
        TEST(a58_data_outside_the_size_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
