/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of top, by ps(1)'s names. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/top.h"

#define CELL(name)                                                                             \
    static char *name(const struct cli_process *process, const struct cli_top_clock *clock)

#define NUMBER(name, value)                                                                    \
    CELL(name)                                                                                 \
    {                                                                                          \
        (void)clock;                                                                           \
        return md_xasprintf("%" PRId64, (int64_t)(value));                                     \
    }

NUMBER(cell_pid, process->pid)
NUMBER(cell_parent, process->parent)
NUMBER(cell_group, process->group)
NUMBER(cell_session, process->session)
NUMBER(cell_uid, process->uid)
NUMBER(cell_gid, process->gid)
NUMBER(cell_nice, process->nice)
NUMBER(cell_threads, process->threads)
NUMBER(cell_size, process->size / 1024)

/* The host's name for the user, as ps on the host would show it; no name service is asked. */
CELL(cell_user)
{
    MD_AUTO_FILE file = fopen("/etc/passwd", "re");
    char buffer[4096];
    struct passwd entry;
    struct passwd *found = NULL;

    (void)clock;
    while (file && fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0) {
        if (found->pw_uid == process->uid)
            return cli_cell(found->pw_name);
    }
    return md_xasprintf("%u", (unsigned)process->uid);
}

static int64_t seconds_alive(const struct cli_process *process,
                             const struct cli_top_clock *clock)
{
    int64_t alive = clock->uptime - (int64_t)process->start;

    return alive > 0 ? alive / clock->ticks : 0;
}

/* Per mille of one processor, over the whole of its life. */
static uint64_t cpu_share(const struct cli_process *process, const struct cli_top_clock *clock)
{
    uint64_t alive = (uint64_t)seconds_alive(process, clock);

    return alive ? process->cpu * 1000 / (uint64_t)clock->ticks / alive : 0;
}

CELL(cell_c)
{
    uint64_t percent = cpu_share(process, clock) / 10;

    return md_xasprintf("%" PRIu64, percent > 99 ? 99 : percent);
}

CELL(cell_cpu)
{
    uint64_t share = cpu_share(process, clock);

    return md_xasprintf("%" PRIu64 ".%" PRIu64, share / 10, share % 10);
}

CELL(cell_memory)
{
    uint64_t share = clock->pages ? (uint64_t)process->resident * 1000 / clock->pages : 0;

    return md_xasprintf("%" PRIu64 ".%" PRIu64, share / 10, share % 10);
}

CELL(cell_resident)
{
    return md_xasprintf("%" PRIu64, (uint64_t)process->resident * clock->page_bytes / 1024);
}

CELL(cell_terminal)
{
    unsigned device = process->terminal;

    (void)clock;
    if (major(device) >= 136 && major(device) <= 143)
        return md_xasprintf("pts/%u", (major(device) - 136) * 256 + minor(device));
    if (major(device) == 4)
        return md_xasprintf(minor(device) < 64 ? "tty%u" : "ttyS%u",
                            minor(device) < 64 ? minor(device) : minor(device) - 64);
    return md_xstrdup("?");
}

CELL(cell_state)
{
    (void)clock;
    return md_xasprintf("%c", process->state);
}

/* "Ss+": the state, then what ps adds to it. */
CELL(cell_states)
{
    (void)clock;
    return md_xasprintf("%c%s%s%s%s", process->state,
                        process->nice < 0   ? "<"
                        : process->nice > 0 ? "N"
                                            : "",
                        process->session == process->pid ? "s" : "",
                        process->threads > 1 ? "l" : "",
                        process->foreground == process->group ? "+" : "");
}

/* "14:05" of the last 24 hours, "Nov24" of this year, or the year. */
CELL(cell_start)
{
    int64_t boot = clock->now - clock->uptime;
    time_t start = (time_t)((boot + (int64_t)process->start) / clock->ticks);
    time_t now_s = (time_t)(clock->now / clock->ticks);
    struct tm then = { 0 };
    struct tm now = { 0 };
    char text[32];

    localtime_r(&start, &then);
    localtime_r(&now_s, &now);
    strftime(text, sizeof(text),
             now_s - start < 24L * 3600    ? "%H:%M"
             : then.tm_year == now.tm_year ? "%b%d"
                                           : "%Y",
             &then);
    return md_xstrdup(text);
}

static char *long_time(int64_t seconds)
{
    MD_AUTO_FREE char *days =
        seconds >= 86400 ? md_xasprintf("%" PRId64 "-", seconds / 86400) : md_xstrdup("");

    return md_xasprintf("%s%02" PRId64 ":%02" PRId64 ":%02" PRId64, days, seconds / 3600 % 24,
                        seconds / 60 % 60, seconds % 60);
}

CELL(cell_time)
{
    return long_time((int64_t)(process->cpu / (uint64_t)clock->ticks));
}

CELL(cell_short_time)
{
    int64_t seconds = (int64_t)(process->cpu / (uint64_t)clock->ticks);

    return md_xasprintf("%" PRId64 ":%02" PRId64, seconds / 60, seconds % 60);
}

CELL(cell_elapsed)
{
    int64_t seconds = seconds_alive(process, clock);

    return seconds >= 3600
               ? long_time(seconds)
               : md_xasprintf("%02" PRId64 ":%02" PRId64, seconds / 60, seconds % 60);
}

CELL(cell_name)
{
    (void)clock;
    return cli_cell(process->name);
}

CELL(cell_args)
{
    (void)clock;
    return md_xstrdup(process->args);
}

/* By the names that -o takes; headings are ps's. */
static const struct {
    const char *name;
    struct cli_top_column column;
} named[] = {
    { "%cpu", { "%CPU", cell_cpu } },
    { "%mem", { "%MEM", cell_memory } },
    { "args", { "COMMAND", cell_args } },
    { "c", { "C", cell_c } },
    { "cmd", { "CMD", cell_args } },
    { "comm", { "COMMAND", cell_name } },
    { "command", { "COMMAND", cell_args } },
    { "cputime", { "TIME", cell_time } },
    { "etime", { "ELAPSED", cell_elapsed } },
    { "euid", { "EUID", cell_uid } },
    { "euser", { "EUSER", cell_user } },
    { "gid", { "GID", cell_gid } },
    { "ni", { "NI", cell_nice } },
    { "nlwp", { "NLWP", cell_threads } },
    { "pcpu", { "%CPU", cell_cpu } },
    { "pgid", { "PGID", cell_group } },
    { "pid", { "PID", cell_pid } },
    { "pmem", { "%MEM", cell_memory } },
    { "ppid", { "PPID", cell_parent } },
    { "rss", { "RSS", cell_resident } },
    { "s", { "S", cell_state } },
    { "sid", { "SID", cell_session } },
    { "start", { "START", cell_start } },
    { "stat", { "STAT", cell_states } },
    { "state", { "S", cell_state } },
    { "stime", { "STIME", cell_start } },
    { "time", { "TIME", cell_time } },
    { "tt", { "TT", cell_terminal } },
    { "tty", { "TTY", cell_terminal } },
    { "ucmd", { "CMD", cell_name } },
    { "uid", { "UID", cell_uid } },
    { "user", { "USER", cell_user } },
    { "vsz", { "VSZ", cell_size } },
};

static const struct cli_top_column full[] = {
    { "UID", cell_user },  { "PID", cell_pid },     { "PPID", cell_parent },
    { "C", cell_c },       { "STIME", cell_start }, { "TTY", cell_terminal },
    { "TIME", cell_time }, { "CMD", cell_args },
};

static const struct cli_top_column bsd[] = {
    { "USER", cell_user },       { "PID", cell_pid },      { "%CPU", cell_cpu },
    { "%MEM", cell_memory },     { "VSZ", cell_size },     { "RSS", cell_resident },
    { "TTY", cell_terminal },    { "STAT", cell_states },  { "START", cell_start },
    { "TIME", cell_short_time }, { "COMMAND", cell_args },
};

/* "pid,comm" after -o. Returns how many columns there are then, or -1. */
static int add_named(const char *list, struct cli_top_column *columns, int count,
                     struct md_err *err)
{
    while (*list) {
        size_t len = strcspn(list, ", ");
        size_t i = 0;

        while (i < sizeof(named) / sizeof(*named) &&
               (strlen(named[i].name) != len || strncmp(named[i].name, list, len) != 0))
            i++;
        if (i == sizeof(named) / sizeof(*named))
            return md_err_set(err, MD_ERR_USAGE, "top: no column \"%.*s\" for -o", (int)len,
                              list);
        if (count == CLI_TOP_COLUMNS)
            return md_err_set(err, MD_ERR_USAGE, "top: too many columns for -o");
        columns[count++] = named[i].column;
        list += len;
        list += strspn(list, ", ");
    }
    return count;
}

static int copy(const struct cli_top_column *from, size_t count, struct cli_top_column *columns)
{
    memcpy(columns, from, count * sizeof(*from));
    return (int)count;
}

int cli_top_columns(char *const *options, size_t count,
                    struct cli_top_column columns[CLI_TOP_COLUMNS], struct md_err *err)
{
    bool is_bsd = false;
    int listed = 0;

    for (size_t i = 0; i < count; i++) {
        const char *word = options[i] + (options[i][0] == '-');
        const char *o = strchr(word, 'o');

        /* Which processes is not a question here: a, e, A, x and g say nothing. */
        if (o && strspn(word, "eAafx") == (size_t)(o - word)) {
            const char *list = o[1] ? o + 1 : i + 1 < count ? options[++i] : "";

            listed = add_named(list, columns, listed, err);
            if (listed < 0)
                return -1;
            if (!*list)
                return md_err_set(err, MD_ERR_USAGE, "top: -o wants a list of columns");
        } else if (*word && strspn(word, "eAafxuwg") == strlen(word)) {
            is_bsd = is_bsd || strchr(word, 'u');
        } else {
            return md_err_set(err, MD_ERR_USAGE,
                              "top: ps option \"%s\" is not supported: there are -ef, aux and "
                              "-o COLUMN,...",
                              options[i]);
        }
    }
    if (listed > 0)
        return listed;
    return is_bsd ? copy(bsd, sizeof(bsd) / sizeof(*bsd), columns)
                  : copy(full, sizeof(full) / sizeof(*full), columns);
}
