/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is there or the process ends: sizes from outside are checked against
 * base/limits.h before they come here.
 */
#ifndef MD_BASE_MEM_H
#define MD_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#include "base/attr.h"

#define MD_AUTO_FREE __attribute__((cleanup(md_ptr_free)))

/* Cleanup of a pointer variable of any object type. */
static inline void md_ptr_free(void *variable)
{
    void **pointer = variable;

    free(*pointer);
    *pointer = NULL;
}

/* Hand memory to a new owner: the caller's variable forgets it. */
static inline void *md_ptr_take(void *variable)
{
    void **pointer = variable;
    void *given = *pointer;

    *pointer = NULL;
    return given;
}

/* What the functions below do when there is none: one line on stderr and _exit(125). */
_Noreturn void md_out_of_memory(void);

void *md_xmalloc(size_t size);
void *md_xcalloc(size_t count, size_t size); /* dies on overflow too */
void *md_xreallocarray(void *old, size_t count, size_t size);
char *md_xstrdup(const char *text);
char *md_xstrndup(const char *text, size_t len);
char *md_xasprintf(const char *fmt, ...) MD_PRINTF(1, 2);

#endif
