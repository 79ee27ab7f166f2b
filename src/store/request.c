/* SPDX-License-Identifier: Apache-2.0 */
/* What a command asks of a container's runner: one line, "stop|signal <number> <who>". */
#include "store/request.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define MAX_BYTES 256

int store_request_write(int container_dir, const struct store_request *request,
                        struct md_err *err)
{
    char line[MAX_BYTES];
    int len = snprintf(line, sizeof(line), "%s %d %s\n", request->stop ? "stop" : "signal",
                       request->signal, request->by);

    return md_file_replace(container_dir, "request", line, (size_t)len, 0600, err);
}

bool store_request_read(int container_dir, struct store_request *request)
{
    struct md_err ignored = { 0 };
    size_t len = 0;
    MD_AUTO_FREE char *text = md_file_read(container_dir, "request", MAX_BYTES, &len, &ignored);
    char *number = text ? strchr(text, ' ') : NULL;
    char *by = NULL;
    long signal = number ? strtol(number, &by, 10) : -1;

    if (!by || *by != ' ' || signal < 0 || signal >= NSIG) {
        return false;
    }
    by++;
    by[strcspn(by, "\n")] = '\0';
    *request = (struct store_request){ .signal = (int)signal };
    request->stop = strncmp(text, "stop ", 5) == 0;
    snprintf(request->by, sizeof(request->by), "%s", by);
    return true;
}

void store_request_clear(int container_dir)
{
    unlinkat(container_dir, "request", 0);
}
