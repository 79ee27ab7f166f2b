/* SPDX-License-Identifier: Apache-2.0 */
/* The one error line, and the exit status that goes with it. */
#ifndef MD_CLI_REPORT_H
#define MD_CLI_REPORT_H

#include "base/err.h"

/* Exit statuses that are ours: cli.md, and docker's. */
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_RUNTIME_FAILED = 125, /* run, and bad usage everywhere */
    CLI_NOT_EXECUTABLE = 126,
    CLI_NOT_FOUND = 127,
};

/*
 * Print "minidock: <text>[: <errno's text>]" on stderr and return the exit status: of
 * MD_ERR_EXEC 127 or 126 by errno, of MD_ERR_USAGE 125, else failed.
 */
int cli_report(const struct md_err *err, enum cli_status failed);

#endif
