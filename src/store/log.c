/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a container's log: cut into records, escaped, rotated. */
#include "store/log.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "store/escape.h"

/* All a record has around its text: {"log":"...","stream":"stdout","time":"<30 bytes>"}\n */
#define AROUND 96
#define BUFFER_SIZE (128u << 10)
#define TIME_SIZE 31

/* The longest record fits into the buffer. */
_Static_assert(STORE_LOG_LINE_BYTES *STORE_ESCAPE_GROWTH + AROUND <= BUFFER_SIZE, "buffer");

struct partial {
    size_t len;
    char text[STORE_LOG_LINE_BYTES];
};

struct store_log {
    int dir; /* borrowed */
    int fd;  /* -1: could not be opened again after a rotation */
    struct store_log_limits limits;
    uint64_t size;    /* of the file, without the buffer */
    uint64_t dropped; /* records */
    uint64_t waiting; /* records in the buffer */
    size_t used;
    time_t second; /* what time[] says, up to the dot */
    char time[TIME_SIZE + 1];
    struct partial partials[2]; /* stdout, stderr */
    char buffer[BUFFER_SIZE];
};

static int open_log(int dir)
{
    return openat(dir, "log",
                  O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

/* End a line that a killed writer left unfinished, or the next record would be lost too. */
static int end_torn_line(struct store_log *log)
{
    MD_AUTO_FD fd = openat(log->dir, "log", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char last;

    if (fd < 0 || pread(fd, &last, 1, (off_t)log->size - 1) != 1) {
        return -1;
    }
    if (last != '\n') {
        if (md_fd_write_all(log->fd, "\n", 1) < 0) {
            return -1;
        }
        log->size++;
    }
    return 0;
}

struct store_log *store_log_create(int container_dir, const struct store_log_limits *limits,
                                   struct md_err *err)
{
    MD_AUTO_FD fd = open_log(container_dir);
    struct store_log *log;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        md_err_sys(err, "cannot open the container's log");
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        md_err_set(err, MD_ERR_FORMAT, "the container's log is no regular file");
        return NULL;
    }
    log = md_xcalloc(1, sizeof(*log));
    log->dir = container_dir;
    log->limits = limits ? *limits : (struct store_log_limits){ 0 };
    log->limits.file_bytes =
        log->limits.file_bytes ? log->limits.file_bytes : STORE_LOG_FILE_BYTES;
    log->limits.files = log->limits.files ? log->limits.files : STORE_LOG_FILES;
    log->fd = md_fd_take(&fd);
    log->size = (uint64_t)st.st_size;
    log->second = -1;
    /* On a full disk this fails: one record is lost more, that is all. */
    if (log->size > 0 && end_torn_line(log) < 0) {
        log->dropped++;
    }
    return log;
}

/* Write the buffer; all of it or, as far as the file shows, nothing. */
static void flush(struct store_log *log)
{
    if (log->used == 0) {
        return;
    }
    if (log->fd < 0) {
        log->fd = open_log(log->dir);
    }
    if (log->fd >= 0 && md_fd_write_all(log->fd, log->buffer, log->used) == 0) {
        log->size += log->used;
    } else {
        log->dropped += log->waiting;
        /* A part may have been written: a torn line would spoil the next record as well. */
        if (log->fd >= 0 && ftruncate(log->fd, (off_t)log->size) < 0) {
            md_fd_close(&log->fd);
        }
    }
    log->used = 0;
    log->waiting = 0;
}

static void rotate(struct store_log *log)
{
    struct stat st;

    md_fd_close(&log->fd);
    for (int i = log->limits.files - 1; i > 0; i--) {
        char from[16] = "log";
        char to[16];

        if (i > 1) {
            snprintf(from, sizeof(from), "log.%d", i - 1);
        }
        snprintf(to, sizeof(to), "log.%d", i);
        (void)renameat(log->dir, from, log->dir, to);
    }
    if (log->limits.files == 1) {
        (void)unlinkat(log->dir, "log", 0);
    }
    log->fd = open_log(log->dir);
    /* Not empty when renaming failed; flush() must never cut off what is there. */
    log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The time of what is being added, with nine digits always, as they can be sorted. */
static void set_time(struct store_log *log)
{
    struct timespec now;
    long nanoseconds;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != log->second) {
        struct tm tm;

        gmtime_r(&now.tv_sec, &tm);
        strftime(log->time, sizeof(log->time), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
        log->second = now.tv_sec;
    }
    nanoseconds = now.tv_nsec;
    for (char *p = log->time + 28; p >= log->time + 20; p--) {
        *p = (char)('0' + nanoseconds % 10);
        nanoseconds /= 10;
    }
}

static char *put(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static void add_record(struct store_log *log, enum store_stream stream, const char *text,
                       size_t len)
{
    size_t before;
    char *p;

    if (log->used + len * STORE_ESCAPE_GROWTH + AROUND > sizeof(log->buffer)) {
        flush(log);
    }
    before = log->used;
    p = log->buffer + before;
    p = PUT(p, "{\"log\":\"");
    p += store_escape(text, len, p);
    p = stream == STORE_STDOUT ? PUT(p, "\",\"stream\":\"stdout\",\"time\":\"")
                               : PUT(p, "\",\"stream\":\"stderr\",\"time\":\"");
    p = put(p, log->time, strlen(log->time));
    p = PUT(p, "\"}\n");
    log->used = (size_t)(p - log->buffer);
    log->waiting++;
    if (log->size + log->used > log->limits.file_bytes && log->size + before > 0) {
        size_t record = log->used - before;

        /* What came before it belongs into the old file, it into the new one. */
        log->used = before;
        log->waiting--;
        flush(log);
        rotate(log);
        memmove(log->buffer, log->buffer + before, record);
        log->used = record;
        log->waiting = 1;
    }
}

/* How much of text becomes the next record: up to a newline, or all a record may hold; 0 when
 * its end has not come yet. */
static size_t next_record(const char *text, size_t len)
{
    size_t limit = len < STORE_LOG_LINE_BYTES ? len : STORE_LOG_LINE_BYTES;
    const char *newline = memchr(text, '\n', limit);

    if (newline) {
        return (size_t)(newline - text) + 1;
    }
    return len < STORE_LOG_LINE_BYTES ? 0 : limit - store_escape_cut(text, limit);
}

/* Take bytes for the partial line; it is written when it is whole. Returns how many. */
static size_t fill_partial(struct store_log *log, enum store_stream stream, const char *text,
                           size_t len)
{
    struct partial *partial = &log->partials[stream - STORE_STDOUT];
    size_t room = sizeof(partial->text) - partial->len;
    const char *newline = memchr(text, '\n', len < room ? len : room);
    size_t taken = newline ? (size_t)(newline - text) + 1 : len < room ? len : room;
    size_t whole;

    memcpy(partial->text + partial->len, text, taken);
    partial->len += taken;
    whole = next_record(partial->text, partial->len);
    if (whole > 0) {
        add_record(log, stream, partial->text, whole);
        partial->len -= whole;
        memmove(partial->text, partial->text + whole, partial->len);
    }
    return taken;
}

void store_log_add(struct store_log *log, enum store_stream stream, const void *bytes,
                   size_t len)
{
    const struct partial *partial = &log->partials[stream - STORE_STDOUT];
    const char *p = bytes;

    set_time(log);
    while (len > 0) {
        /* Whole lines go straight from the caller's buffer into ours. */
        size_t taken = partial->len == 0 ? next_record(p, len) : 0;

        if (taken > 0) {
            add_record(log, stream, p, taken);
        } else {
            taken = fill_partial(log, stream, p, len);
        }
        p += taken;
        len -= taken;
    }
    flush(log);
}

uint64_t store_log_close(struct store_log *log)
{
    uint64_t dropped;

    if (!log) {
        return 0;
    }
    set_time(log);
    for (int i = 0; i < 2; i++) {
        if (log->partials[i].len > 0) {
            add_record(log, STORE_STDOUT + i, log->partials[i].text, log->partials[i].len);
        }
    }
    flush(log);
    dropped = log->dropped;
    md_fd_close(&log->fd);
    free(log);
    return dropped;
}
