/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is there or the process ends. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* _exit, not exit: we may be in a forked child, where atexit belongs to the parent. */
_Noreturn void md_out_of_memory(void)
{
    static const char message[] = "minidock: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

    (void)ignored;
    _exit(125);
}

static void *or_die(void *memory)
{
    if (!memory) {
        md_out_of_memory();
    }
    return memory;
}

void *md_xmalloc(size_t size)
{
    return or_die(malloc(size ? size : 1));
}

void *md_xcalloc(size_t count, size_t size)
{
    return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *md_xreallocarray(void *old, size_t count, size_t size)
{
    /* A size of 0 would free the old memory. */
    return or_die(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *md_xstrdup(const char *text)
{
    return or_die(strdup(text));
}

char *md_xstrndup(const char *text, size_t len)
{
    return or_die(strndup(text, len));
}

char *md_xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) {
        md_out_of_memory();
    }
    return text;
}
