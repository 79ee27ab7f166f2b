/* SPDX-License-Identifier: Apache-2.0 */
/* What a pull shows: docker's lines; bars on a terminal, JSON, or one line per layer. */
#include "pull/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define BAR_WIDTH 30
#define DRAW_EVERY_MS 100

static const char *phase_text(enum pull_phase phase)
{
    switch (phase) {
    case PULL_WAITING:
        return "Waiting";
    case PULL_DOWNLOADING:
        return "Downloading";
    case PULL_ELSEWHERE:
        return "Pulled by another process";
    case PULL_COMPLETE:
        return "Pull complete";
    case PULL_EXISTS:
        break;
    }
    return "Already exists";
}

int pull_show_parse(const char *text, enum pull_show *show, struct md_err *err)
{
    static const char *const names[] = { "auto", "plain", "tty", "json", "none" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *show = (enum pull_show)i;
            return 0;
        }
    }
    return md_err_set(err, MD_ERR_USAGE,
                      "invalid progress \"%s\": auto, plain, tty, json or none", text);
}

enum pull_show pull_show_on(FILE *out, enum pull_show show)
{
    const char *term = getenv("TERM");

    if (show != PULL_SHOW_AUTO)
        return show;
    return isatty(fileno(out)) && term && strcmp(term, "dumb") != 0 ? PULL_SHOW_TTY
                                                                    : PULL_SHOW_PLAIN;
}

void pull_progress_open(struct pull_progress *progress, FILE *out, enum pull_show show)
{
    progress->out = out;
    progress->show = out ? pull_show_on(out, show) : PULL_SHOW_NONE;
    progress->live = progress->show == PULL_SHOW_TTY || progress->show == PULL_SHOW_JSON;
}

static void print_json(FILE *out, const struct json_t *object)
{
    MD_AUTO_FREE char *text = md_json_line(object);

    fprintf(out, "%s\n", text);
    fflush(out);
}

void pull_say(FILE *out, enum pull_show show, const char *id, const char *text)
{
    MD_AUTO_JSON object = NULL;

    if (show != PULL_SHOW_JSON) {
        fprintf(out, "%s%s%s\n", id ? id : "", id ? ": " : "", text);
        fflush(out);
        return;
    }
    object = md_json_object();
    md_json_set(object, "status", md_json_string(text));
    if (id)
        md_json_set(object, "id", md_json_string(id));
    print_json(out, object);
}

/* As docker's API streams it; "progressDetail" is empty where nothing is counted. */
static void say_line(FILE *out, struct pull_line *line)
{
    MD_AUTO_JSON object = md_json_object();
    struct json_t *detail = md_json_object();

    if (line->phase == PULL_DOWNLOADING) {
        md_json_set(detail, "current", md_json_number((int64_t)line->done));
        md_json_set(detail, "total", md_json_number((int64_t)line->total));
    }
    line->shown = line->done;
    md_json_set(object, "status", md_json_string(phase_text(line->phase)));
    md_json_set(object, "progressDetail", detail);
    md_json_set(object, "id", md_json_string(line->id));
    print_json(out, object);
}

void pull_progress_begin(struct pull_progress *progress, struct pull_line *lines, size_t count)
{
    progress->lines = lines;
    progress->count = count;
    progress->drawn = 0;
    progress->started_ms = md_now_ms();
    progress->last_ms = 0;
}

void pull_progress_phase(struct pull_progress *progress, size_t line, enum pull_phase phase)
{
    struct pull_line *changed = &progress->lines[line];
    bool ended = phase == PULL_COMPLETE || phase == PULL_EXISTS;

    changed->phase = phase;
    if (ended)
        changed->done = changed->total;
    if (progress->show == PULL_SHOW_JSON)
        say_line(progress->out, changed);
    else if (ended && progress->show == PULL_SHOW_PLAIN && !progress->live)
        pull_say(progress->out, progress->show, changed->id, phase_text(phase));
}

/* The screen: 80 by 24 where it does not say. */
static struct winsize screen(const struct pull_progress *progress)
{
    struct winsize size = { 0 };

    if (ioctl(fileno(progress->out), TIOCGWINSZ, &size) < 0 || size.ws_col < 20 ||
        size.ws_row < 4) {
        size.ws_col = 80;
        size.ws_row = 24;
    }
    return size;
}

static void draw_line(const struct pull_progress *progress, const struct pull_line *line,
                      int width)
{
    char text[200];
    char done[32];
    char total[32];

    if (line->phase == PULL_DOWNLOADING && line->total > 0) {
        char bar[BAR_WIDTH + 1];
        size_t filled = (size_t)((double)line->done / (double)line->total * BAR_WIDTH);

        filled = filled > BAR_WIDTH ? BAR_WIDTH : filled;
        memset(bar, ' ', BAR_WIDTH);
        memset(bar, '=', filled);
        bar[BAR_WIDTH] = '\0';
        if (filled < BAR_WIDTH)
            bar[filled] = '>';
        snprintf(text, sizeof(text), "%s: %s [%s] %s/%s", line->id, phase_text(line->phase),
                 bar, md_text_size(line->done, done, sizeof(done)),
                 md_text_size(line->total, total, sizeof(total)));
    } else {
        snprintf(text, sizeof(text), "%s: %s", line->id, phase_text(line->phase));
    }
    fprintf(progress->out, "\r\033[K%.*s\n", width - 1, text);
}

/* "Total: 120MB of 284MB, 85MB/s, 2 seconds left". */
static void draw_total(const struct pull_progress *progress, int64_t now, int width)
{
    uint64_t done = 0;
    uint64_t kept = 0;
    uint64_t total = 0;
    char text[200];
    char a[32];
    char b[32];
    char c[32];

    for (size_t i = 0; i < progress->count; i++) {
        if (progress->lines[i].phase == PULL_EXISTS)
            continue;
        done += progress->lines[i].done;
        kept += progress->lines[i].kept;
        total += progress->lines[i].total;
    }
    int64_t passed = now - progress->started_ms;
    uint64_t rate = passed > 0 ? (done - kept) * 1000 / (uint64_t)passed : 0;
    int len =
        snprintf(text, sizeof(text), "Total: %s of %s, %s/s", md_text_size(done, a, sizeof(a)),
                 md_text_size(total, b, sizeof(b)), md_text_size(rate, c, sizeof(c)));

    if (rate > 0 && done < total)
        snprintf(text + len, sizeof(text) - (size_t)len, ", %llu s left",
                 (unsigned long long)((total - done + rate - 1) / rate));
    fprintf(progress->out, "\r\033[K%.*s\n", width - 1, text);
}

/* What has ended scrolls away above when the lines are more than the screen has. */
static void draw(struct pull_progress *progress, int64_t now)
{
    struct winsize size = screen(progress);
    size_t room = size.ws_row - 2u;
    size_t first = progress->count > room ? progress->count - room : 0;
    size_t skipped = 0;

    if (progress->drawn > 0)
        fprintf(progress->out, "\033[%zuA", progress->drawn);
    progress->drawn = 0;
    for (size_t i = 0; i < progress->count; i++) {
        const struct pull_line *line = &progress->lines[i];

        /* Too many for the screen: leave out what is over first, then what waits. */
        if (skipped < first && line->phase != PULL_DOWNLOADING) {
            skipped++;
            continue;
        }
        if (progress->drawn == room)
            break;
        draw_line(progress, line, size.ws_col);
        progress->drawn++;
    }
    draw_total(progress, now, size.ws_col);
    progress->drawn++;
    fflush(progress->out);
}

static void say_lines(struct pull_progress *progress)
{
    for (size_t i = 0; i < progress->count; i++) {
        struct pull_line *line = &progress->lines[i];

        if (line->phase == PULL_DOWNLOADING && line->done != line->shown)
            say_line(progress->out, line);
    }
}

void pull_progress_draw(struct pull_progress *progress)
{
    int64_t now = md_now_ms();

    if (!progress->live || progress->count == 0 || now - progress->last_ms < DRAW_EVERY_MS)
        return;
    progress->last_ms = now;
    if (progress->show == PULL_SHOW_JSON)
        say_lines(progress);
    else
        draw(progress, now);
}

void pull_progress_end(struct pull_progress *progress)
{
    if (progress->live && progress->show != PULL_SHOW_JSON && progress->count > 0) {
        draw(progress, md_now_ms());
        /* The total line has served its purpose. */
        fprintf(progress->out, "\033[1A\r\033[K");
        fflush(progress->out);
    }
    progress->count = 0;
    progress->drawn = 0;
}
