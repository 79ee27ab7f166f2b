/* SPDX-License-Identifier: Apache-2.0 */
/* What executable files say about their interpreters, friendly and hostile ones. */
#include "kit.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "run/image_file.h"

static void interpreter_lines_are_read_as_the_kernel_does(void **state)
{
    static const struct {
        const char *text;
        const char *interpreter; /* NULL: none */
    } cases[] = {
        { "#!/bin/sh\n", "/bin/sh" },
        { "#! \t/bin/sh -x\n", "/bin/sh" },
        { "#!/bin/sh", "/bin/sh" },
        { "#!\n", NULL },
        { "#!", NULL },
        { "#! \n/bin/sh", NULL },
        { "", NULL },
        { " #!/bin/sh\n", NULL },
        { "#", NULL },
        { "#!relative x y", "relative" },
        { "#!/bin/sh\r\n", "/bin/sh\r" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        MD_AUTO_FREE char *path = kit_path(*state, "script");
        char interpreter[64];

        kit_write(*state, "script", cases[i].text, 0755);
        assert_int_equal(run_image_file_interpreter(path, interpreter, sizeof(interpreter)),
                         cases[i].interpreter != NULL);
        if (cases[i].interpreter)
            assert_string_equal(interpreter, cases[i].interpreter);
    }
}

static void the_interpreter_of_an_elf_program_is_found(void **state)
{
    char interpreter[256];

    (void)state;
    if (!run_image_file_interpreter("/proc/self/exe", interpreter, sizeof(interpreter)))
        fail_msg("this test is a dynamic program");
    assert_int_equal(interpreter[0], '/');
    assert_int_equal(access(interpreter, X_OK), 0);
    assert_false(run_image_file_interpreter("/proc/self/exe", interpreter, 4));
}

static void write_bytes(const struct kit *kit, const void *bytes, size_t len)
{
    MD_AUTO_FREE char *path = kit_path(kit, "elf");
    MD_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    assert_int_equal(write(fd, bytes, len), len);
}

static void hostile_elf_headers_lead_nowhere(void **state)
{
    struct {
        Elf64_Ehdr head;
        Elf64_Phdr part;
    } file = { .head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = 1,
                         .e_phoff = sizeof(Elf64_Ehdr) },
               .part = { .p_type = PT_INTERP } };
    MD_AUTO_FREE char *path = kit_path(*state, "elf");
    char interpreter[64];
    static const Elf64_Off offsets[] = { 0, ~0ull, 1ull << 63, 1 << 30 };
    static const Elf64_Xword sizes[] = { 0, 1ull << 63, ~0ull, 65, 1 << 30 };

    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 5; j++) {
            file.part.p_offset = offsets[i];
            file.part.p_filesz = sizes[j];
            write_bytes(*state, &file, sizeof(file));
            assert_false(run_image_file_interpreter(path, interpreter, sizeof(interpreter)));
        }
        file.head.e_phoff = offsets[3 - i] + 7;
        write_bytes(*state, &file, sizeof(file));
        assert_false(run_image_file_interpreter(path, interpreter, sizeof(interpreter)));
        file.head.e_phoff = sizeof(Elf64_Ehdr);
    }
    for (size_t len = 0; len < sizeof(file); len += 5) {
        write_bytes(*state, &file, len);
        assert_false(run_image_file_interpreter(path, interpreter, sizeof(interpreter)));
    }
}

static void a_fifo_does_not_hang(void **state)
{
    MD_AUTO_FREE char *path = kit_path(*state, "fifo");
    char interpreter[64];

    assert_int_equal(mkfifo(path, 0755), 0);
    alarm(10);
    assert_false(run_image_file_interpreter(path, interpreter, sizeof(interpreter)));
    alarm(0);
}

static void chains_of_interpreters_are_followed_to_their_end(void **state)
{
    MD_AUTO_FREE char *target = kit_path(*state, "s0");
    MD_AUTO_FREE char *last = kit_path(*state, "s5");
    struct stat info;

    kit_write(*state, "s0", "ours", 0755);
    assert_int_equal(stat(target, &info), 0);
    for (int i = 1; i < 6; i++) {
        char name[] = { 's', (char)('0' + i), '\0' };
        char below[] = { 's', (char)('0' + i - 1), '\0' };
        MD_AUTO_FREE char *path = kit_path(*state, below);
        MD_AUTO_FREE char *text = md_xasprintf("#!%s\n", path);

        kit_write(*state, name, text, 0755);
    }
    assert_true(run_image_file_leads_to(target, info.st_dev, info.st_ino));
    assert_true(run_image_file_leads_to(last, info.st_dev, info.st_ino));
    assert_false(run_image_file_leads_to(last, info.st_dev + 1, info.st_ino));
    assert_false(run_image_file_leads_to("/no/such", info.st_dev, info.st_ino));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(interpreter_lines_are_read_as_the_kernel_does),
        TEST(the_interpreter_of_an_elf_program_is_found),
        TEST(hostile_elf_headers_lead_nowhere),
        TEST(a_fifo_does_not_hang),
        TEST(chains_of_interpreters_are_followed_to_their_end),
    };

    return cmocka_run_group_tests_name("image_file", tests, NULL, NULL);
}
