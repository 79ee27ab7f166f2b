/* SPDX-License-Identifier: Apache-2.0 */
/* A client's side of attaching. */
#include "run/attach.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "run/signals.h"
#include "run/streams.h"
#include "run/terminal.h"

#define AGAIN_MS 10 /* until a writer that said "ready" and then EAGAIN is asked again */

struct state {
    struct run_attach *attach;
    struct run_attach_end *end;
    struct run_signals signals;
    struct run_terminal terminal;
    struct run_outlet outlets[2]; /* of stdout, stderr */
    bool over;
    bool input_open;
    bool detach;      /* once the input before it is sent */
    bool stuck;       /* the outlet said it was ready, and was not */
    size_t input_len; /* bytes of input that are to be sent */
    size_t written;   /* of the message's bytes */
    bool has_output;  /* message holds bytes that are not all written */
    unsigned char input[4096];
    struct run_link_message message;
};

static void finish(struct state *state, enum run_attach_outcome outcome)
{
    state->end->outcome = outcome;
    state->over = true;
}

/* --- to the supervisor */

/* The socket is full, or closed: what it has said last is still there to be read. */
static void send_size(struct state *state)
{
    struct winsize window;
    struct run_link_size size;

    if (!state->attach->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) < 0)
        return;
    size = (struct run_link_size){ .rows = window.ws_row, .columns = window.ws_col };
    if (run_link_send(state->attach->link, RUN_LINK_SIZE, &size, sizeof(size)) < 0)
        return;
}

static void leave(struct state *state, enum run_attach_outcome outcome)
{
    if (run_link_send(state->attach->link, RUN_LINK_DETACH, NULL, 0) < 0 && errno == EAGAIN)
        return; /* tried again when there is room */
    finish(state, outcome);
}

static void send_input(struct state *state)
{
    if (state->input_len > 0) {
        if (run_link_send(state->attach->link, RUN_LINK_IN, state->input, state->input_len) <
                0 &&
            errno == EAGAIN)
            return;
        state->input_len = 0;
    }
    if (state->detach)
        leave(state, RUN_ATTACH_DETACHED);
}

static void read_input(struct state *state)
{
    ssize_t got = read(STDIN_FILENO, state->input, sizeof(state->input));

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        state->input_open = false;
        if (run_link_send(state->attach->link, RUN_LINK_IN_END, NULL, 0) < 0)
            return;
        return;
    }
    state->input_len =
        run_keys_filter(&state->attach->keys, state->input, (size_t)got, &state->detach);
    send_input(state);
}

/* --- from it */

static void write_output(struct state *state)
{
    struct run_link_message *message = &state->message;
    struct run_outlet *outlet = &state->outlets[message->tag == RUN_LINK_ERR];
    ssize_t written = run_outlet_write(outlet, message->bytes + state->written,
                                       message->len - state->written);

    state->stuck = written < 0 && errno == EAGAIN;
    if (written > 0)
        state->written += (size_t)written;
    else if (written < 0 && errno != EAGAIN) {
        if (state->end->write_errno == 0 && errno != EPIPE)
            state->end->write_errno = errno;
        state->written = message->len; /* dropped; the container goes on */
    }
    state->has_output = state->written < message->len;
}

static void hear(struct state *state)
{
    int got = run_link_receive(state->attach->link, &state->message);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        finish(state, RUN_ATTACH_LOST);
        return;
    }
    if (state->message.tag == RUN_LINK_ENDED) {
        state->end->end = state->message.end;
        state->end->end.reason[sizeof(state->end->end.reason) - 1] = '\0';
        finish(state, RUN_ATTACH_ENDED);
    } else if (state->message.tag == RUN_LINK_OUT || state->message.tag == RUN_LINK_ERR) {
        state->written = 0;
        write_output(state);
    }
}

/* --- signals */

static void pass_on(struct state *state, int signal)
{
    if (state->attach->signal) {
        state->attach->signal(state->attach->context, signal);
    } else if (run_signal_ends(signal)) {
        state->end->end.exit_code = 128 + signal;
        leave(state, RUN_ATTACH_LEFT);
        state->over = true;
    }
}

static void handle_signal(struct state *state, int signal)
{
    switch (signal) {
    case SIGWINCH:
        if (state->attach->terminal)
            send_size(state);
        else
            pass_on(state, signal);
        break;
    case SIGTSTP:
        /* The shell gets its terminal as it was; SIGCONT makes it raw again. */
        run_terminal_restore(&state->terminal);
        raise(SIGSTOP);
        break;
    case SIGCONT:
        run_terminal_enter(&state->terminal);
        send_size(state);
        break;
    default:
        pass_on(state, signal);
    }
}

static void read_signals(struct state *state)
{
    struct signalfd_siginfo info;

    while (read(state->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle_signal(state, (int)info.ssi_signo);
}

/* --- the loop */

static int turn(struct state *state, struct md_err *err)
{
    bool sending = state->input_len > 0 || state->detach;
    int out = state->outlets[state->message.tag == RUN_LINK_ERR].fd;
    short events = (short)((state->has_output ? 0 : POLLIN) | (sending ? POLLOUT : 0));
    struct pollfd fds[] = {
        { .fd = state->signals.fd, .events = POLLIN },
        { .fd = events ? state->attach->link : -1, .events = events },
        { .fd = state->has_output && !state->stuck ? out : -1, .events = POLLOUT },
        { .fd = state->input_open && !sending ? STDIN_FILENO : -1, .events = POLLIN },
    };

    if (poll(fds, 4, state->stuck ? AGAIN_MS : -1) < 0 && errno != EINTR)
        return md_err_sys(err, "poll");
    if (fds[0].revents)
        read_signals(state);
    if (state->has_output && (fds[2].revents || state->stuck))
        write_output(state);
    else if (!state->has_output && !state->over && (fds[1].revents & ~POLLOUT))
        hear(state);
    if (sending && !state->over && (fds[1].revents & POLLOUT))
        send_input(state);
    if (fds[3].revents && !state->over)
        read_input(state);
    return 0;
}

/* Whether the pages of the terminal's settings are ours to change is decided by the plan's
 * terms: the program has a terminal, and keys are to reach it. */
static void open_terminal(struct state *state)
{
    const struct run_plan plan = { .terminal = state->attach->terminal,
                                   .open_stdin = state->input_open };

    run_terminal_open(&plan, &state->terminal);
    run_terminal_enter(&state->terminal);
    send_size(state);
}

static int run(struct state *state, struct md_err *err)
{
    int status = 0;

    if (run_signals_take(&state->signals, err) < 0)
        return -1;
    open_terminal(state);
    for (int i = 0; i < 2; i++)
        run_outlet_open(i + 1, &state->outlets[i]);
    while (status == 0 && (!state->over || state->has_output))
        status = turn(state, err);
    for (int i = 0; i < 2; i++)
        run_outlet_clear(&state->outlets[i]);
    run_terminal_restore(&state->terminal);
    run_signals_give_back(&state->signals);
    return status;
}

int run_attach(struct run_attach *attach, struct run_attach_end *end, struct md_err *err)
{
    MD_AUTO_FREE struct state *state = md_xcalloc(1, sizeof(*state));

    *end = (struct run_attach_end){ .outcome = RUN_ATTACH_LOST };
    state->attach = attach;
    state->end = end;
    state->input_open = attach->streams & RUN_STREAM(STDIN_FILENO);
    if (!(state->input_open && attach->terminal))
        attach->keys = (struct run_keys){ 0 }; /* not typed, so not keys */
    return run(state, err);
}
