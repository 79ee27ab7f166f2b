/* SPDX-License-Identifier: Apache-2.0 */
/* Drives tests/e2e/lib/faulty_registry.py: a scripted server on loopback. */
#ifndef TESTS_PULL_FAULTY_H
#define TESTS_PULL_FAULTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

struct json_t;

/* Zeroed, then scripted with faulty_answer(), then started. */
struct faulty {
    char dir[64];
    struct json_t *script;
    pid_t pid;
    int stop_fd; /* closing it ends the server */
    int ports[4];
};

void faulty_open(struct faulty *faulty);
void faulty_close(struct faulty *faulty);

/* Add one answer for key ("GET /v2/..."): JSON by a format, with ' for ". */
void faulty_answer(struct faulty *faulty, const char *key, const char *fmt, ...)
    MD_PRINTF(3, 4);
/* Add an answer of 200 with this Content-Type and body. */
void faulty_serve(struct faulty *faulty, const char *key, const char *type, const char *body);

/* kinds: "plain", "plain,tls" ... Certificates are made when there is a "tls". */
void faulty_start(struct faulty *faulty, const char *kinds);
/* A file in the server's directory ("ca.pem"); the caller frees it. */
char *faulty_path(const struct faulty *faulty, const char *name);

/* How many requests of the log hold all these texts (the last is NULL). */
int faulty_count(const struct faulty *faulty, ...);

#endif
