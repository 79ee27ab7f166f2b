/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/fd.c. */
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scratch.h"

static int entries_in(int dirfd)
{
    DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

static void a_file_is_read_whole_and_ends_in_nul(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = NULL;
    size_t len;

    scratch_file(scratch, "a", "hello");
    text = md_file_read(scratch->fd, "a", 5, &len, &err);
    assert_non_null(text);
    assert_int_equal(len, 5);
    assert_string_equal(text, "hello");
}

static void an_empty_file_is_an_empty_text(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = NULL;
    size_t len = 1;

    scratch_file(scratch, "a", "");
    text = md_file_read(scratch->fd, "a", 0, &len, &err);
    assert_non_null(text);
    assert_int_equal(len, 0);
    assert_string_equal(text, "");
}

static void one_byte_too_many_is_a_limit_error(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    size_t len;

    scratch_file(scratch, "a", "hello");
    assert_null(md_file_read(scratch->fd, "a", 4, &len, &err));
    assert_int_equal(err.kind, MD_ERR_LIMIT);
    assert_non_null(strstr(err.text, "\"a\""));
}

static void sizes_around_the_first_buffer_are_read_whole(void **state)
{
    struct scratch *scratch = *state;

    for (size_t size = 8190; size < 8195; size++) {
        struct md_err err = { 0 };
        char *big = md_xcalloc(size + 1, 1);
        char *text;
        size_t len;

        memset(big, 'x', size);
        assert_int_equal(md_file_replace(scratch->fd, "a", big, size, 0644, &err), 0);
        text = md_file_read(scratch->fd, "a", 1 << 20, &len, &err);
        assert_non_null(text);
        assert_int_equal(len, size);
        assert_string_equal(text, big);
        free(text);
        text = md_file_read(scratch->fd, "a", size, &len, &err);
        assert_non_null(text);
        free(text);
        assert_null(md_file_read(scratch->fd, "a", size - 1, &len, &err));
        free(big);
    }
}

static void what_is_no_regular_file_is_not_read(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    size_t len;

    scratch_file(scratch, "a", "secret");
    assert_int_equal(symlinkat("a", scratch->fd, "link"), 0);
    assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
    assert_int_equal(mkdirat(scratch->fd, "dir", 0700), 0);
    assert_null(md_file_read(scratch->fd, "link", 100, &len, &err));
    assert_int_equal(err.sys, ELOOP);
    assert_null(md_file_read(scratch->fd, "fifo", 100, &len, &err));
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    assert_null(md_file_read(scratch->fd, "dir", 100, &len, &err));
    assert_int_equal(err.kind, MD_ERR_FORMAT);
    assert_null(md_file_read(scratch->fd, "missing", 100, &len, &err));
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(err.sys, ENOENT);
}

static void a_file_is_replaced_and_nothing_else_is_left(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    struct stat st;
    MD_AUTO_FREE char *text = NULL;
    size_t len;

    scratch_file(scratch, "a", "old and longer");
    assert_int_equal(md_file_replace(scratch->fd, "a", "new", 3, 0600, &err), 0);
    text = md_file_read(scratch->fd, "a", 100, &len, &err);
    assert_string_equal(text, "new");
    assert_int_equal(fstatat(scratch->fd, "a", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(entries_in(scratch->fd), 1);
}

static void a_symlink_is_replaced_not_followed(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = NULL;
    size_t len;

    scratch_file(scratch, "target", "keep");
    assert_int_equal(symlinkat("target", scratch->fd, "a"), 0);
    assert_int_equal(md_file_replace(scratch->fd, "a", "new", 3, 0600, &err), 0);
    text = md_file_read(scratch->fd, "target", 100, &len, &err);
    assert_string_equal(text, "keep");
}

static void a_name_below_a_folder_is_replaced_there(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = NULL;
    size_t len;

    assert_int_equal(mkdirat(scratch->fd, "dir", 0700), 0);
    assert_int_equal(md_file_replace(scratch->fd, "dir/a", "x", 1, 0600, &err), 0);
    text = md_file_read(scratch->fd, "dir/a", 100, &len, &err);
    assert_string_equal(text, "x");
    assert_int_equal(entries_in(scratch->fd), 1);
}

static void a_name_of_255_bytes_can_be_replaced(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };
    char name[256];

    memset(name, 'n', 255);
    name[255] = '\0';
    assert_int_equal(md_file_replace(scratch->fd, name, "x", 1, 0600, &err), 0);
}

static void a_failed_replacement_leaves_no_temporary_file(void **state)
{
    struct scratch *scratch = *state;
    struct md_err err = { 0 };

    assert_int_equal(mkdirat(scratch->fd, "dir", 0700), 0);
    assert_int_equal(md_file_replace(scratch->fd, "dir", "x", 1, 0600, &err), -1);
    assert_int_equal(err.kind, MD_ERR_SYSTEM);
    assert_int_equal(err.sys, EISDIR);
    assert_non_null(strstr(err.text, "\"dir\""));
    assert_int_equal(entries_in(scratch->fd), 1);
    assert_int_equal(md_file_replace(scratch->fd, "no/such", "x", 1, 0600, &err), -1);
    assert_int_equal(err.sys, ENOENT);
}

static void a_pipe_is_written_and_read_in_pieces(void **state)
{
    static char sent[300000]; /* more than a pipe holds */
    static char got[300001];
    int ends[2];
    int status;
    pid_t pid;

    (void)state;
    memset(sent, 'p', sizeof(sent));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        _exit(md_fd_write_all(ends[1], sent, sizeof(sent)) == 0 ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(md_fd_read_full(ends[0], got, sizeof(got)), sizeof(sent));
    assert_memory_equal(sent, got, sizeof(sent));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ends[0]);
}

static void writing_to_nobody_fails_with_its_errno(void **state)
{
    int ends[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    assert_int_equal(md_fd_write_all(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
}

static void closing_keeps_errno_and_taking_forgets(void **state)
{
    int fd = dup(STDERR_FILENO);
    int taken = md_fd_take(&fd);

    (void)state;
    assert_int_equal(fd, -1);
    errno = ENOSPC;
    md_fd_close(&fd);
    md_fd_close(&taken);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(taken, -1);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(a_file_is_read_whole_and_ends_in_nul),
        WITH_SCRATCH(an_empty_file_is_an_empty_text),
        WITH_SCRATCH(one_byte_too_many_is_a_limit_error),
        WITH_SCRATCH(sizes_around_the_first_buffer_are_read_whole),
        WITH_SCRATCH(what_is_no_regular_file_is_not_read),
        WITH_SCRATCH(a_file_is_replaced_and_nothing_else_is_left),
        WITH_SCRATCH(a_symlink_is_replaced_not_followed),
        WITH_SCRATCH(a_name_below_a_folder_is_replaced_there),
        WITH_SCRATCH(a_name_of_255_bytes_can_be_replaced),
        WITH_SCRATCH(a_failed_replacement_leaves_no_temporary_file),
        cmocka_unit_test(a_pipe_is_written_and_read_in_pieces),
        cmocka_unit_test(writing_to_nobody_fails_with_its_errno),
        cmocka_unit_test(closing_keeps_errno_and_taking_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
