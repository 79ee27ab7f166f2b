/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside on its way to standard output. */
#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* How many bytes at text are fit for a terminal, as far as the first that are not. */
static size_t printable(const char *text, const char *allowed)
{
    size_t len = strlen(text);
    size_t at = 0;

    while (at < len) {
        uint32_t character = 0;
        size_t bytes = md_text_decode(text + at, len - at, &character);

        if (bytes == 0 || (md_text_is_control(character) && !strchr(allowed, text[at])))
            break;
        at += bytes;
    }
    return at;
}

char *cli_cell(const char *text)
{
    size_t len = strlen(text);

    return printable(text, "") == len ? md_xstrdup(text) : md_text_escaped(text, len);
}

char *cli_shortened(const char *text, size_t characters)
{
    size_t at = 0;
    size_t last = 0;
    uint32_t character;

    for (size_t i = 0; text[at]; i++) {
        size_t len = md_text_decode(text + at, strlen(text + at), &character);

        if (i == characters)
            return md_xasprintf("%.*s" ELLIPSIS, (int)last, text);
        last = at;
        at += len ? len : 1;
    }
    return md_xstrdup(text);
}

void cli_print_text(const char *text)
{
    if (!isatty(STDOUT_FILENO)) {
        puts(text);
        return;
    }
    for (;;) {
        size_t len = printable(text, "\n\t");

        printf("%.*s", (int)len, text);
        text += len;
        if (!*text)
            break;
        printf("\\x%02x", (unsigned char)*text++);
    }
    putchar('\n');
}

char *cli_created_at(const struct timespec *when)
{
    char text[64] = "";
    struct tm tm;

    if (localtime_r(&when->tv_sec, &tm))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
    return md_xstrdup(text);
}

char *cli_ago(time_t when)
{
    char text[64];

    return md_xasprintf("%s ago", md_text_duration(time(NULL) - when, text, sizeof(text)));
}
