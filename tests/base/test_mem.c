/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of src/base/mem.c. */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* AddressSanitizer ends the process itself when memory is out, unless it is told not to. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* In a child: the exit status of asking for more than there can be. */
static int status_of_overflow(void)
{
    volatile size_t many = SIZE_MAX / 2;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        close(STDERR_FILENO);
        free(md_xreallocarray(NULL, many, 16));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void a_size_that_overflows_ends_the_process(void **state)
{
    int status = status_of_overflow();

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 125);
}

static void nothing_is_still_memory(void **state)
{
    void *memory = md_xmalloc(0);

    (void)state;
    assert_non_null(memory);
    memory = md_xreallocarray(memory, 0, 8);
    assert_non_null(memory);
    free(memory);
    memory = md_xcalloc(0, 8);
    assert_non_null(memory);
    free(memory);
}

static void strings_are_copied(void **state)
{
    MD_AUTO_FREE char *whole = md_xstrdup("abc");
    MD_AUTO_FREE char *part = md_xstrndup("abc", 2);
    MD_AUTO_FREE char *made = md_xasprintf("%d-%s", 7, "x");

    (void)state;
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(made, "7-x");
}

static void taking_makes_the_variable_forget(void **state)
{
    MD_AUTO_FREE char *first = md_xstrdup("abc");
    MD_AUTO_FREE char *second = md_ptr_take(&first);

    (void)state;
    assert_null(first);
    assert_string_equal(second, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_that_overflows_ends_the_process),
        cmocka_unit_test(nothing_is_still_memory),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(taking_makes_the_variable_forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
