/* SPDX-License-Identifier: Apache-2.0 */
/* The one error line, and the exit status that goes with it. */
#include "cli/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cli_report(const struct md_err *err, enum cli_status failed)
{
    if (err->kind == MD_ERR_SYSTEM && err->sys != 0)
        fprintf(stderr, "minidock: %s: %s%s\n", err->text, strerror(err->sys),
                err->sys == ENOSYS ? " (minidock needs Linux 5.12 or newer)" : "");
    else
        fprintf(stderr, "minidock: %s\n", err->text);
    if (err->kind == MD_ERR_EXEC)
        return err->sys == ENOENT ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE;
    return err->kind == MD_ERR_USAGE ? CLI_RUNTIME_FAILED : (int)failed;
}
