/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a container's log back, across its rotated files. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/escape.h"
#include "store/log.h"

#define LINE_MAX_BYTES (1u << 20)
#define BLOCK (64u << 10)
#define MAX_ROTATIONS 8 /* while we open three files */

/* The files, newest first; -1 where there is none. */
struct files {
    int fds[STORE_LOG_MAX_FILES];
    struct stat stats[STORE_LOG_MAX_FILES];
};

static void close_files(struct files *files)
{
    for (int i = 0; i < STORE_LOG_MAX_FILES; i++) {
        md_fd_close(&files->fds[i]);
    }
}

static int open_all(int dir, struct files *files, struct md_err *err)
{
    for (int i = 0; i < STORE_LOG_MAX_FILES; i++) {
        files->fds[i] = -1;
    }
    for (int i = 0; i < STORE_LOG_MAX_FILES; i++) {
        char name[16] = "log";

        if (i > 0) {
            snprintf(name, sizeof(name), "log.%d", i);
        }
        files->fds[i] = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (files->fds[i] < 0 && errno != ENOENT) {
            return md_err_sys(err, "cannot open the container's \"%s\"", name);
        }
        /* One gap may be a rotation that is under way. */
        if (i > 1 && files->fds[i] < 0 && files->fds[i - 1] < 0) {
            break;
        }
        if (files->fds[i] >= 0 && fstat(files->fds[i], &files->stats[i]) < 0) {
            return md_err_sys(err, "cannot look at the container's \"%s\"", name);
        }
    }
    return 0;
}

/* Was one file opened twice, as its name changed meanwhile? */
static bool rotated(const struct files *files)
{
    for (int i = 1; i < STORE_LOG_MAX_FILES; i++) {
        if (files->fds[i] >= 0 && files->fds[i - 1] >= 0 &&
            files->stats[i].st_ino == files->stats[i - 1].st_ino) {
            return true;
        }
        /* Between the renames of a rotation one is missing. */
        if (files->fds[i] >= 0 && files->fds[i - 1] < 0) {
            return true;
        }
    }
    return false;
}

static int open_files(int dir, struct files *files, struct md_err *err)
{
    for (int tries = 0; tries < MAX_ROTATIONS; tries++) {
        if (open_all(dir, files, err) < 0) {
            close_files(files);
            return -1;
        }
        if (!rotated(files)) {
            break;
        }
        /* The newest first: what we may then have is a file twice, never one too few. */
        if (tries + 1 < MAX_ROTATIONS) {
            close_files(files);
        }
    }
    for (int i = 0; i < STORE_LOG_MAX_FILES; i++) {
        if (files->fds[i] >= 0) {
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_NOT_FOUND, "the container has no log");
}

/* Where the last *lines lines of a file begin; *lines becomes what is missing to that many. */
static off_t find_start(int fd, off_t size, int64_t *lines)
{
    char block[BLOCK];
    off_t end = size;

    while (end > 0 && *lines > 0) {
        size_t len = end < (off_t)sizeof(block) ? (size_t)end : sizeof(block);
        ssize_t got = pread(fd, block, len, end - (off_t)len);

        if (got != (ssize_t)len) {
            return 0;
        }
        for (size_t i = len; i > 0; i--) {
            off_t at = end - (off_t)(len - i);

            /* at is just behind a newline: a line begins there, if it is not the end. */
            if (block[i - 1] == '\n' && at < size && --*lines == 0) {
                return at;
            }
        }
        end -= (off_t)len;
    }
    if (size > 0 && *lines > 0) {
        --*lines;
    }
    return 0;
}

/* If text begins with prefix, step over it. */
static bool skip(char **p, const char *end, const char *prefix)
{
    size_t len = strlen(prefix);

    if ((size_t)(end - *p) < len || memcmp(*p, prefix, len) != 0) {
        return false;
    }
    *p += len;
    return true;
}

/* The end of a string's inside: the quote that no backslash escapes. */
static char *string_end(char *p, const char *end)
{
    for (;;) {
        char *quote = memchr(p, '"', (size_t)(end - p));
        size_t backslashes = 0;

        while (quote && quote - backslashes > p && quote[-1 - (long)backslashes] == '\\') {
            backslashes++;
        }
        if (!quote || backslashes % 2 == 0) {
            return quote;
        }
        p = quote + 1;
    }
}

/* One line without its newline, which is changed. Returns 0, or -1 when it is damaged. */
static int parse_line(char *line, size_t len, struct store_log_record *record)
{
    const char *end = line + len;
    char *p = line;
    char *text;
    char *quote;
    long length;

    if (!skip(&p, end, "{\"log\":\"")) {
        return -1;
    }
    text = p;
    quote = string_end(p, end);
    if (!quote) {
        return -1;
    }
    p = quote;
    if (!skip(&p, end, "\",\"stream\":\"std")) {
        return -1;
    }
    record->stream = STORE_STDOUT;
    if (!skip(&p, end, "out\",\"time\":\"")) {
        record->stream = STORE_STDERR;
        if (!skip(&p, end, "err\",\"time\":\"")) {
            return -1;
        }
    }
    if (end - p < 3 || memcmp(end - 2, "\"}", 2) != 0) {
        return -1;
    }
    line[len - 2] = '\0';
    length = store_unescape(text, (size_t)(quote - text));
    if (length < 0 || md_text_parse_time(p, &record->time) < 0) {
        return -1;
    }
    record->text = text;
    record->len = (size_t)length;
    return 0;
}

struct reading {
    store_log_fn *visit;
    void *context;
    char *buffer; /* LINE_MAX_BYTES */
    size_t used;
    bool too_long; /* the line that the buffer's beginning belongs to */
};

/* Hand out the whole lines of the buffer and keep what is left. */
static int visit_lines(struct reading *reading, struct md_err *err)
{
    size_t start = 0;
    char *newline;

    while ((newline = memchr(reading->buffer + start, '\n', reading->used - start))) {
        struct store_log_record record = { 0 };
        char *line = reading->buffer + start;
        size_t len = (size_t)(newline - line);

        if (!reading->too_long && parse_line(line, len, &record) == 0 &&
            reading->visit(&record, reading->context, err) < 0) {
            return -1;
        }
        reading->too_long = false;
        start += len + 1;
    }
    if (start == 0 && reading->used == LINE_MAX_BYTES) {
        reading->too_long = true;
        start = reading->used;
    }
    reading->used -= start;
    memmove(reading->buffer, reading->buffer + start, reading->used);
    return 0;
}

/* From where fd stands to its end, as far as that has been written. */
static int read_on(struct reading *reading, int fd, struct md_err *err)
{
    for (;;) {
        size_t room = LINE_MAX_BYTES - reading->used;
        ssize_t got = read(fd, reading->buffer + reading->used, room < BLOCK ? room : BLOCK);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return md_err_sys(err, "cannot read the container's log");
        }
        if (got == 0) {
            return 0;
        }
        reading->used += (size_t)got;
        if (visit_lines(reading, err) < 0) {
            return -1;
        }
    }
}

static int read_file(struct reading *reading, int fd, off_t offset, struct md_err *err)
{
    reading->used = 0;
    reading->too_long = false;
    if (lseek(fd, offset, SEEK_SET) < 0) {
        return md_err_sys(err, "cannot read the container's log");
    }
    return read_on(reading, fd, err);
}

/* All files, or what holds the last tail records. */
static int read_files(struct reading *reading, const struct files *files, int64_t tail,
                      struct md_err *err)
{
    off_t starts[STORE_LOG_MAX_FILES] = { 0 };
    int oldest = STORE_LOG_MAX_FILES - 1;

    if (tail >= 0) {
        int64_t missing = tail;

        for (oldest = -1; oldest + 1 < STORE_LOG_MAX_FILES && missing > 0; oldest++) {
            if (files->fds[oldest + 1] >= 0) {
                starts[oldest + 1] = find_start(files->fds[oldest + 1],
                                                files->stats[oldest + 1].st_size, &missing);
            }
        }
    }
    for (int i = oldest; i >= 0; i--) {
        if (files->fds[i] >= 0 && read_file(reading, files->fds[i], starts[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int store_log_read(int container_dir, int64_t tail, store_log_fn *visit, void *context,
                   struct md_err *err)
{
    struct files files;
    struct reading reading = { .visit = visit, .context = context };
    int result;

    if (open_files(container_dir, &files, err) < 0) {
        return -1;
    }
    MD_AUTO_FREE char *buffer = md_xmalloc(LINE_MAX_BYTES);

    reading.buffer = buffer;
    result = read_files(&reading, &files, tail, err);
    close_files(&files);
    return result;
}

/* With tail 0 nothing was read: what is there is not of interest. */
static int skip_to_end(struct reading *reading, int fd, struct md_err *err)
{
    char last = '\n';
    off_t size = lseek(fd, 0, SEEK_END);

    if (size < 0 || (size > 0 && pread(fd, &last, 1, size - 1) < 0)) {
        return md_err_sys(err, "cannot read the container's log");
    }
    reading->used = 0;
    reading->too_long = last != '\n'; /* the rest of that line belongs to it */
    return 0;
}

/*
 * The file that was begun after fd, which is no longer "log" then and has got all it will ever
 * have; -1: there is none. Held open, fd keeps its inode number from being given to another.
 */
static int next_file(int dir, int fd)
{
    struct md_err missing = { 0 };
    struct files files;
    struct stat st;
    int ours = -1;
    int next = -1;

    if (open_files(dir, &files, &missing) < 0) {
        return -1; /* not there yet, or no more */
    }
    for (int i = 0; fd >= 0 && i < STORE_LOG_MAX_FILES; i++) {
        if (files.fds[i] >= 0 && fstat(fd, &st) == 0 && files.stats[i].st_ino == st.st_ino) {
            ours = i;
        }
    }
    for (int i = ours < 0 ? STORE_LOG_MAX_FILES - 1 : ours - 1; i >= 0 && next < 0; i--) {
        next = md_fd_take(&files.fds[i]);
    }
    close_files(&files);
    return next;
}

/* What was added to fd. Where it has been cut off, on a full disk, it goes on at its end. */
static int read_added(struct reading *reading, int fd, struct md_err *err)
{
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);

    if (at < 0 || fstat(fd, &st) < 0) {
        return md_err_sys(err, "cannot read the container's log");
    }
    if (st.st_size < at) {
        return read_file(reading, fd, st.st_size, err);
    }
    return read_on(reading, fd, err);
}

/* All that was added, in whatever files. *fd is the one that was read last, or -1. */
static int catch_up(struct reading *reading, int dir, int *fd, struct md_err *err)
{
    for (;;) {
        int next;

        if (*fd >= 0 && read_added(reading, *fd, err) < 0) {
            return -1;
        }
        next = next_file(dir, *fd);
        if (next < 0) {
            return 0;
        }
        /* Only now is it sure that nothing is added to it. */
        if (*fd >= 0 && read_added(reading, *fd, err) < 0) {
            md_fd_close(&next);
            return -1;
        }
        md_fd_close(fd);
        *fd = next;
        reading->used = 0;
        reading->too_long = false;
    }
}

/* What is there already; *fd is the newest file, read to its end, or -1. */
static int begin(struct reading *reading, int dir, int64_t tail, int *fd, struct md_err *err)
{
    struct md_err missing = { 0 };
    struct files files;
    int result;

    if (open_files(dir, &files, &missing) < 0) {
        if (missing.kind == MD_ERR_NOT_FOUND) {
            return 0;
        }
        *err = missing;
        return -1;
    }
    result = read_files(reading, &files, tail, err);
    /* In the middle of a rotation there may be no "log". */
    for (int i = 0; i < STORE_LOG_MAX_FILES && *fd < 0; i++) {
        *fd = md_fd_take(&files.fds[i]);
    }
    if (result == 0 && tail == 0) {
        result = skip_to_end(reading, *fd, err);
    }
    close_files(&files);
    return result;
}

int store_log_follow(int container_dir, int64_t tail, const struct store_log_follower *follower,
                     struct md_err *err)
{
    MD_AUTO_FREE char *buffer = md_xmalloc(LINE_MAX_BYTES);
    struct reading reading = { .visit = follower->visit,
                               .context = follower->context,
                               .buffer = buffer };
    MD_AUTO_FD fd = -1;
    int more = 1;

    if (begin(&reading, container_dir, tail, &fd, err) < 0) {
        return -1;
    }
    while (more > 0) {
        more = follower->wait(follower->context, err);
        if (more < 0 || catch_up(&reading, container_dir, &fd, err) < 0) {
            return -1;
        }
    }
    return 0;
}
