/* SPDX-License-Identifier: Apache-2.0 */
/* Words by the rules of a Dockerfile: quotes, backslashes, variables. */
#ifndef MD_BASE_WORDS_H
#define MD_BASE_WORDS_H

#include "base/list.h"

/* Split at blanks that are not in quotes and not behind a backslash; the quotes stay. */
void md_words_split(const char *text, struct md_list *words);

/*
 * Remove quotes and backslashes and replace $NAME, ${NAME}, ${NAME:-default} and
 * ${NAME:+instead} by env's values; in single quotes all stays. The caller frees the result;
 * NULL when a quote or brace is not closed.
 *
 * Source: Dockerfile reference, "Environment replacement".
 */
char *md_words_expand(const char *raw, const struct md_list *env);

#endif
