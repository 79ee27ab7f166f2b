/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a person for a line, at the terminal that is standard input. */
#include "pull/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

/* The terminal while it hides what is typed. */
struct terminal {
    struct termios saved;
    sigset_t signals; /* whose arrival is waited for, blocked */
    sigset_t before;
    int arrivals; /* readable when one is pending; never read */
    enum pull_prompt how;
};

static void hide(const struct terminal *terminal)
{
    struct termios hidden = terminal->saved;

    if (terminal->how == PULL_PROMPT_SHOWN)
        return;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ICANON | ISIG | ECHONL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
}

static void show(const struct terminal *terminal)
{
    if (terminal->how == PULL_PROMPT_HIDDEN)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->saved);
}

static int take_terminal(struct terminal *terminal, struct md_err *err)
{
    static const int signals[] = {
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE, SIGALRM
    };

    sigemptyset(&terminal->signals);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaddset(&terminal->signals, signals[i]);
    if (tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
        return md_err_sys(err, "cannot ask at standard input");
    terminal->arrivals = signalfd(-1, &terminal->signals, SFD_CLOEXEC);
    if (terminal->arrivals < 0)
        return md_err_sys(err, "cannot watch for signals");
    sigprocmask(SIG_BLOCK, &terminal->signals, &terminal->before);
    hide(terminal);
    return 0;
}

static void give_back(struct terminal *terminal)
{
    show(terminal);
    sigprocmask(SIG_SETMASK, &terminal->before, NULL);
    md_fd_close(&terminal->arrivals);
}

/* The signal does what it does, with the terminal as it was; when it only stopped us, go on. */
static void let_signals_in(const struct terminal *terminal)
{
    show(terminal);
    sigprocmask(SIG_SETMASK, &terminal->before, NULL);
    sigprocmask(SIG_BLOCK, &terminal->signals, NULL);
    hide(terminal);
}

/* A line of a terminal comes in one piece. Returns its bytes, or -1 with errno. */
static ssize_t read_line(const struct terminal *terminal, const char *question, char *line,
                         size_t size)
{
    struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { terminal->arrivals, POLLIN, 0 } };

    for (;;) {
        fprintf(stderr, "%s", question);
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return -1;
        if (fds[1].revents)
            let_signals_in(terminal);
        else if (fds[0].revents)
            return read(STDIN_FILENO, line, size);
    }
}

int pull_prompt(const char *question, enum pull_prompt how, char *answer, size_t size,
                struct md_err *err)
{
    struct terminal terminal = { .how = how, .arrivals = -1 };
    char line[4096]; /* what a terminal holds of a line */
    ssize_t len;
    int result = 0;

    if (take_terminal(&terminal, err) < 0)
        return -1;
    len = read_line(&terminal, question, line, sizeof(line));
    if (len < 0)
        md_err_sys(err, "cannot read standard input");
    give_back(&terminal);
    while (len > 0 && strchr("\r\n", line[len - 1]))
        line[--len] = '\0';
    if (len < 0)
        return -1;
    if ((size_t)len >= size) {
        result = md_err_set(err, MD_ERR_USAGE, "more than %zu bytes", size - 1);
    } else {
        memcpy(answer, line, (size_t)len);
        answer[len] = '\0';
    }
    explicit_bzero(line, sizeof(line));
    return result;
}
