/* SPDX-License-Identifier: Apache-2.0 */
/* The foreground of a container: one loop over its output, its input, our signals and its
 * end. */
#include "run/relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "run/process.h"
#include "run/server.h"

#define BUFFER_SIZE (64u << 10) /* a pipe's capacity */
#define AGAIN_MS 10 /* until a writer that said "ready" and then EAGAIN is asked again */

/* One direction of one stream. Bytes are read only when all before have been written: where the
 * reader is slow, the writer waits, and nothing is lost or piles up. */
struct flow {
    int stream; /* 0 stdin, 1 stdout, 2 stderr */
    int from;   /* -1: at its end */
    struct run_outlet to;
    int write_errno; /* not 0: what still comes is dropped */
    bool stuck;      /* ready to write, it said, and was not */
    unsigned char *bytes;
    size_t start, end; /* what of bytes is not written yet */
};

struct state {
    const struct run_relay *relay;
    struct run_relay_end *end;
    struct flow flows[3];
    struct run_keys keys;
    int64_t deadline_ms; /* of --timeout; 0: none */
    bool alive;
    bool
        give_up; /* a signal after the container's end: the rest of the output is not awaited */
};

/* --- signals */

static void kill_for(struct state *state, int signal)
{
    if (state->end->killed_for == 0)
        state->end->killed_for = signal;
    run_process_kill(state->relay->pidfd);
}

static void send_signal(const struct run_relay *relay, int signal)
{
    bool typed = signal == SIGINT || signal == SIGQUIT;

    if (relay->leads_group && typed &&
        pidfd_send_signal(relay->pidfd, signal, NULL, RUN_PROCESS_GROUP) == 0)
        return;
    (void)pidfd_send_signal(relay->pidfd, signal, NULL, 0);
}

/* A first process that does nothing about a signal would not even notice it: it is ended. */
static void pass_on(struct state *state, int signal)
{
    if (!state->alive) {
        state->give_up = run_signal_ends(signal);
        return;
    }
    state->end->forwarded = signal;
    if (run_signal_ends(signal) && run_signal_is_default(state->relay->pid, signal))
        kill_for(state, signal);
    else
        send_signal(state->relay, signal);
}

static bool is_terminal(const struct state *state)
{
    return state->relay->master >= 0;
}

static void handle_signal(struct state *state, int signal)
{
    switch (signal) {
    case SIGWINCH:
        if (is_terminal(state)) /* the kernel tells its programs */
            run_terminal_resize(state->relay->master);
        else
            pass_on(state, signal);
        break;
    case SIGTSTP:
        /* The shell gets its terminal as it was; SIGCONT makes it raw again. */
        run_terminal_restore(state->relay->terminal);
        raise(SIGSTOP);
        break;
    case SIGCONT:
        run_terminal_enter(state->relay->terminal);
        run_terminal_resize(state->relay->master);
        break;
    default:
        pass_on(state, signal);
    }
}

static void read_signals(struct state *state)
{
    struct signalfd_siginfo info;

    while (read(state->relay->signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle_signal(state, (int)info.ssi_signo);
}

/* --- bytes */

/* The end of a flow's input. Of the program's stdin, the pipe is closed too. */
static void end_flow(struct state *state, struct flow *flow)
{
    flow->from = -1;
    if (is_terminal(state))
        return;
    if (flow->stream == STDIN_FILENO)
        flow->to.fd = -1;
    md_fd_close(&state->relay->pipes->ours[flow->stream]);
}

/*
 * Nobody reads any more: the program learns it by its own next write, as it would without us.
 * Any other error is kept for the report, and the program goes on.
 */
static void fail_write(struct state *state, struct flow *flow)
{
    flow->start = flow->end = 0;
    if (flow->stream == STDIN_FILENO || errno == EPIPE) {
        if (is_terminal(state))
            flow->write_errno = errno;
        else
            end_flow(state, flow);
        return;
    }
    flow->write_errno = errno;
    if (state->end->write_error == 0)
        state->end->write_error = errno;
}

static void write_flow(struct state *state, struct flow *flow)
{
    ssize_t written =
        run_outlet_write(&flow->to, flow->bytes + flow->start, flow->end - flow->start);

    flow->stuck = written < 0 && errno == EAGAIN;
    if (written > 0)
        flow->start += (size_t)written;
    else if (written < 0 && errno != EAGAIN)
        fail_write(state, flow);
}

/* A Ctrl-C for a first process that does nothing about it, and for nobody else. */
static void check_interrupt(struct state *state, const struct flow *flow)
{
    const struct run_relay *relay = state->relay;

    if (run_terminal_interrupts(relay->master, flow->bytes, flow->end, relay->pid) &&
        run_signal_is_default(relay->pid, SIGINT))
        kill_for(state, SIGINT);
}

/* After the keys that leave the process alone, the loop ends as it does after a signal. */
static void check_keys(struct state *state, struct flow *flow)
{
    flow->end = run_keys_filter(&state->keys, flow->bytes, flow->end, &state->end->detached);
    state->give_up = state->give_up || state->end->detached;
}

static void read_flow(struct state *state, struct flow *flow)
{
    const struct run_hooks *hooks = state->relay->hooks;
    ssize_t got = read(flow->from, flow->bytes, BUFFER_SIZE);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        end_flow(state, flow);
        return;
    }
    flow->start = 0;
    flow->end = (size_t)got;
    if (flow->stream == STDIN_FILENO && is_terminal(state))
        check_keys(state, flow);
    if (flow->stream != STDIN_FILENO && hooks && hooks->output)
        hooks->output(hooks->context, flow->stream, flow->bytes, flow->end);
    if (flow->write_errno) {
        flow->end = 0;
        return;
    }
    write_flow(state, flow);
    if (flow->stream == STDIN_FILENO && is_terminal(state))
        check_interrupt(state, flow);
}

/* --- the loop */

static bool has_bytes(const struct flow *flow)
{
    return flow->start < flow->end;
}

/* Until --timeout is over, if that is sooner. */
static int until_deadline(const struct state *state, int timeout)
{
    int64_t left = state->deadline_ms - md_now_ms();

    if (!state->alive || state->deadline_ms == 0)
        return timeout;
    left = left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left;
    return timeout < 0 || left < timeout ? (int)left : timeout;
}

static void check_deadline(struct state *state)
{
    if (!state->alive || state->deadline_ms == 0 || md_now_ms() < state->deadline_ms)
        return;
    state->deadline_ms = 0;
    state->end->timed_out = true;
    kill_for(state, SIGKILL);
}

/* What to wait for: 0 the end of the process, 1 signals, 2 to 4 the flows. */
static int prepare(const struct state *state, struct pollfd *fds)
{
    int timeout = state->alive ? -1 : 0;

    fds[0] = (struct pollfd){ .fd = state->alive ? state->relay->pidfd : -1, .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = state->relay->signals->fd, .events = POLLIN };
    for (int i = 0; i < 3; i++) {
        const struct flow *flow = &state->flows[i];

        fds[2 + i] = (struct pollfd){ .fd = flow->from, .events = POLLIN };
        if (!has_bytes(flow))
            continue;
        fds[2 + i] = (struct pollfd){ .fd = flow->stuck ? -1 : flow->to.fd, .events = POLLOUT };
        if (flow->stuck)
            timeout = AGAIN_MS;
        else if (!state->alive)
            timeout = -1;
    }
    return until_deadline(state, timeout);
}

static bool serve(struct state *state, const struct pollfd *fds)
{
    bool busy = false;

    if (fds[1].revents)
        read_signals(state);
    for (int i = 0; i < 3; i++) {
        struct flow *flow = &state->flows[i];

        busy = busy || fds[2 + i].revents || flow->stuck;
        if (has_bytes(flow) && (fds[2 + i].revents || flow->stuck))
            write_flow(state, flow);
        else if (fds[2 + i].revents && flow->from >= 0)
            read_flow(state, flow);
    }
    return busy;
}

/* Input for a process that has ended is nobody's. */
static void note_end(struct state *state)
{
    struct flow *input = &state->flows[STDIN_FILENO];

    state->alive = false;
    input->from = -1;
    input->start = input->end = 0;
}

static int loop(struct state *state, struct md_err *err)
{
    while (!state->give_up) {
        struct pollfd fds[5];
        bool busy;

        if (poll(fds, 5, prepare(state, fds)) < 0 && errno != EINTR)
            return md_err_sys(err, "poll");
        busy = serve(state, fds);
        check_deadline(state);
        /* All that wrote is dead: what is not in the pipes now never comes. An end of file
         * need not come either, where a descriptor was sent out of the container. */
        if (!state->alive && !busy)
            return 0;
        if (fds[0].revents)
            note_end(state);
    }
    return 0;
}

static void open_flow(struct flow *flow, int stream, int from)
{
    flow->stream = stream;
    flow->from = from;
    flow->to = (struct run_outlet){ .fd = -1, .opened = -1 };
    if (from >= 0)
        flow->bytes = md_xmalloc(BUFFER_SIZE);
}

static void open_flows(struct state *state)
{
    const struct run_relay *relay = state->relay;
    struct flow *flows = state->flows;

    open_flow(&flows[0], 0, relay->open_stdin ? STDIN_FILENO : -1);
    open_flow(&flows[1], 1, is_terminal(state) ? relay->master : relay->pipes->ours[1]);
    open_flow(&flows[2], 2, is_terminal(state) ? -1 : relay->pipes->ours[2]);
    flows[0].to.fd = is_terminal(state) ? relay->master : relay->pipes->ours[0];
    for (int i = 1; i < 3; i++) {
        if (relay->withheld & RUN_STREAM(i))
            flows[i].write_errno = EPIPE; /* the log is all that gets it */
        else if (flows[i].from >= 0)
            run_outlet_open(i, &flows[i].to);
    }
}

int run_relay(const struct run_relay *relay, struct run_relay_end *end, struct md_err *err)
{
    struct state state = { .relay = relay, .end = end, .alive = true };
    int status;

    if (relay->timeout_s > 0)
        state.deadline_ms = md_now_ms() + (int64_t)relay->timeout_s * 1000;

    if (relay->keys)
        state.keys = *relay->keys;
    open_flows(&state);
    status = loop(&state, err);
    for (int i = 0; i < 3; i++) {
        run_outlet_clear(&state.flows[i].to);
        free(state.flows[i].bytes);
    }
    return status;
}
