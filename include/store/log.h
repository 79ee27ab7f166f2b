/* SPDX-License-Identifier: Apache-2.0 */
/* A container's log: JSON lines as docker's json-file driver writes them. */
#ifndef MD_STORE_LOG_H
#define MD_STORE_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

enum store_stream { STORE_STDOUT = 1, STORE_STDERR = 2 };

#define STORE_LOG_FILE_BYTES (10u << 20) /* then the file becomes log.1, log.1 becomes log.2 */
#define STORE_LOG_FILES 3
#define STORE_LOG_MAX_FILES 100
#define STORE_LOG_LINE_BYTES (16u << 10) /* longer lines are cut into several records */

/* The writing end. Made by store_log_create(). */
struct store_log;

/* How much of it is kept; a member of 0 is the default above. */
struct store_log_limits {
    uint64_t file_bytes;
    int files; /* at most STORE_LOG_MAX_FILES */
};

/*
 * Open "log" (0600) in a container's directory, which is borrowed and must stay open; a log
 * that is there is continued. limits may be NULL. No memory is touched before the first byte
 * comes.
 */
MD_MUST_CHECK
struct store_log *store_log_create(int container_dir, const struct store_log_limits *limits,
                                   struct md_err *err);

/*
 * Take bytes as they came from the program; whole lines are written at once, a partial line is
 * kept (at most STORE_LOG_LINE_BYTES) until its end comes. A longer line becomes records
 * without a newline, cut between characters. Bytes that are not UTF-8 become U+FFFD. Never
 * fails: when the disk is full, records are dropped and counted.
 */
void store_log_add(struct store_log *log, enum store_stream stream, const void *bytes,
                   size_t len);

/* Write what is left, close, free. NULL is fine. Returns the number of dropped records. */
uint64_t store_log_close(struct store_log *log);

/* One record; text (not NUL-terminated) has its newline if the program wrote one. */
struct store_log_record {
    enum store_stream stream;
    struct timespec time;
    const char *text;
    size_t len;
};

/* Return -1 with *err to stop. */
typedef int store_log_fn(const struct store_log_record *record, void *context,
                         struct md_err *err);

/*
 * Read all of a container's log, oldest first; tail < 0: all, else only the last tail records.
 * A damaged line, one that was cut off or is longer than 1 MiB is skipped (but counted for
 * tail).
 *
 * Errors: MD_ERR_NOT_FOUND  it has no log
 *         MD_ERR_SYSTEM     reading failed
 */
MD_MUST_CHECK
int store_log_read(int container_dir, int64_t tail, store_log_fn *visit, void *context,
                   struct md_err *err);

/*
 * Who follows a log. wait() is called when all has been read: it returns 1 when there may be
 * more, 0 when there will not be (what was written until then is still read), or -1 with *err.
 */
struct store_log_follower {
    store_log_fn *visit;
    int (*wait)(void *context, struct md_err *err);
    void *context;
};

/*
 * As store_log_read(), and then what is added until wait() says that it is over. The log may be
 * rotated meanwhile, and need not be there yet: each record comes once, unless its file was
 * deleted by further rotations before it was read.
 */
MD_MUST_CHECK
int store_log_follow(int container_dir, int64_t tail, const struct store_log_follower *follower,
                     struct md_err *err);

#endif
