/* SPDX-License-Identifier: Apache-2.0 */
/* The --debug log: one line per message on stderr. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool enabled;

void md_log_enable(void)
{
    enabled = true;
}

bool md_log_enabled(void)
{
    return enabled;
}

void md_log(const char *fmt, ...)
{
    static const char prefix[] = "debug: ";
    char line[1024];
    size_t used = sizeof(prefix) - 1;
    va_list args;
    ssize_t ignored;

    if (!enabled) {
        return;
    }
    memcpy(line, prefix, sizeof(prefix));
    va_start(args, fmt);
    vsnprintf(line + used, sizeof(line) - used - 1, fmt, args);
    va_end(args);
    used = strlen(line);
    line[used] = '\n';
    /* One write: lines of several processes must not mix. */
    ignored = write(STDERR_FILENO, line, used + 1);
    (void)ignored;
}
