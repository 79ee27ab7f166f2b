/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a person for a line, at the terminal that is standard input. */
#ifndef MD_PULL_PROMPT_H
#define MD_PULL_PROMPT_H

#include <stddef.h>

#include "base/err.h"

enum pull_prompt { PULL_PROMPT_SHOWN, PULL_PROMPT_HIDDEN };

/*
 * Print question on standard error and read a line into answer (without its end). HIDDEN: what
 * is typed is not shown; the terminal is as before when this returns, when a signal ends the
 * program, and while it is stopped.
 *
 * End of file is an empty answer.
 *
 * Errors: MD_ERR_SYSTEM; MD_ERR_USAGE  longer than size - 1
 */
MD_MUST_CHECK
int pull_prompt(const char *question, enum pull_prompt how, char *answer, size_t size,
                struct md_err *err);

#endif
