/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor's loop over its container's output, its clients, and the container's end. */
#include "run/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

/* What poll(2) is asked for, by place. */
enum { DEATH, SIGNALS, LISTENER, INPUT, STREAMS, CLIENTS = STREAMS + 2 };
#define POLLED (CLIENTS + RUN_CLIENTS_MAX)

struct state {
    const struct run_serve *serve;
    struct run_relay_end *end;
    int64_t deadline_ms; /* of --timeout; 0: none */
    int from[2];         /* stdout or the terminal, stderr; -1: at its end */
    int to;              /* stdin or the terminal; -1: closed */
    bool alive;
    bool idle;  /* nothing has happened since server->idle() */
    int stream; /* whose bytes output holds */
    size_t output_len;
    size_t input_start, input_end;
    unsigned char output[RUN_LINK_BYTES];
    unsigned char input[RUN_LINK_BYTES]; /* of one message, what is not written yet */
    struct run_link_message message;
};

/* --- the end of the container before its time */

static void kill_for(struct state *state, int signal)
{
    if (state->end->killed_for == 0)
        state->end->killed_for = signal;
    (void)pidfd_send_signal(state->serve->pidfd, SIGKILL, NULL, 0);
}

/* Somebody ends us, as a host does that shuts down: the container is asked to end. */
static void pass_on(struct state *state, int signal)
{
    state->end->dismissed = true;
    if (run_signal_is_default(state->serve->pid, signal))
        kill_for(state, signal);
    else
        (void)pidfd_send_signal(state->serve->pidfd, signal, NULL, 0);
}

static void read_signals(struct state *state)
{
    struct signalfd_siginfo info;

    while (read(state->serve->signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT)
            pass_on(state, (int)info.ssi_signo);
    }
}

/* The client in whose foreground the container runs was killed. */
static void lose_leader(struct state *state)
{
    state->serve->terminal->raw = true; /* whether it was by then is not known here */
    run_terminal_restore(state->serve->terminal);
    md_fd_close(&state->serve->terminal->fd);
    state->end->orphaned = true;
    kill_for(state, SIGKILL);
}

/* --- output */

static void end_stream(struct state *state, int stream)
{
    state->from[stream - 1] = -1;
    if (state->serve->master < 0)
        md_fd_close(&state->serve->pipes->ours[stream]);
}

static void read_output(struct state *state, int stream)
{
    const struct run_hooks *hooks = state->serve->hooks;
    ssize_t got = read(state->from[stream - 1], state->output, sizeof(state->output));

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        end_stream(state, stream);
        return;
    }
    state->stream = stream;
    state->output_len = (size_t)got;
    hooks->output(hooks->context, stream, state->output, (size_t)got);
    run_server_output(state->serve->server, stream, state->output, (size_t)got);
}

/* --- input */

static void close_input(struct state *state)
{
    state->to = -1;
    state->input_start = state->input_end = 0;
    if (state->serve->master < 0)
        md_fd_close(&state->serve->pipes->ours[STDIN_FILENO]);
}

static void write_input(struct state *state)
{
    ssize_t written = write(state->to, state->input + state->input_start,
                            state->input_end - state->input_start);

    if (written > 0)
        state->input_start += (size_t)written;
    else if (written < 0 && errno != EAGAIN && errno != EINTR)
        close_input(state);
}

/* A Ctrl-C for a first process that does nothing about it, and for nobody else. */
static void check_interrupt(struct state *state, const struct run_link_message *message)
{
    const struct run_serve *serve = state->serve;

    if (serve->master >= 0 &&
        run_terminal_interrupts(serve->master, message->bytes, message->len, serve->pid) &&
        run_signal_is_default(serve->pid, SIGINT))
        kill_for(state, SIGINT);
}

static void take_input(struct state *state, const struct run_link_message *message)
{
    if (state->to < 0)
        return;
    memcpy(state->input, message->bytes, message->len);
    state->input_start = 0;
    state->input_end = message->len;
    write_input(state);
    check_interrupt(state, message);
}

static void resize(const struct state *state, const struct run_link_size *size)
{
    const struct winsize window = { .ws_row = size->rows, .ws_col = size->columns };

    if (state->serve->master >= 0)
        ioctl(state->serve->master, TIOCSWINSZ, &window); /* the kernel tells its programs */
}

/* --- clients */

static void lose_client(struct state *state, size_t index)
{
    bool leader = state->serve->server->leader == (int)index;

    run_server_drop(state->serve->server, index);
    if (leader)
        lose_leader(state);
}

static void detach_client(struct state *state, size_t index)
{
    if (state->serve->server->leader == (int)index)
        md_fd_close(&state->serve->terminal->fd);
    run_server_drop(state->serve->server, index);
}

static void hear_client(struct state *state, size_t index)
{
    struct run_client *client = &state->serve->server->clients[index];
    int got = run_link_receive(client->fd, &state->message);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        lose_client(state, index);
        return;
    }
    switch ((enum run_link_tag)state->message.tag) {
    case RUN_LINK_HELLO:
        client->streams = state->message.hello.streams;
        break;
    case RUN_LINK_IN:
        take_input(state, &state->message);
        break;
    case RUN_LINK_IN_END:
        if (client->starter && state->serve->master < 0)
            close_input(state);
        break;
    case RUN_LINK_SIZE:
        resize(state, &state->message.size);
        break;
    case RUN_LINK_DETACH:
        detach_client(state, index);
        break;
    case RUN_LINK_FAILED:
    case RUN_LINK_STARTED:
    case RUN_LINK_OUT:
    case RUN_LINK_ERR:
    case RUN_LINK_ENDED:
        lose_client(state, index); /* not a client's word */
        break;
    }
}

/* --- the loop */

static bool has_input(const struct state *state)
{
    return state->input_start < state->input_end;
}

static void prepare(const struct state *state, struct pollfd *fds)
{
    const struct run_server *server = state->serve->server;
    bool behind = run_server_is_behind(server);

    fds[DEATH] =
        (struct pollfd){ .fd = state->alive ? state->serve->pidfd : -1, .events = POLLIN };
    fds[SIGNALS] = (struct pollfd){ .fd = state->serve->signals->fd, .events = POLLIN };
    fds[LISTENER] = (struct pollfd){ .fd = server->listener, .events = POLLIN };
    fds[INPUT] = (struct pollfd){ .fd = has_input(state) ? state->to : -1, .events = POLLOUT };
    for (int i = 0; i < 2; i++)
        fds[STREAMS + i] =
            (struct pollfd){ .fd = behind ? -1 : state->from[i], .events = POLLIN };
    for (int i = 0; i < RUN_CLIENTS_MAX; i++) {
        const struct run_client *client = &server->clients[i];
        short events =
            (short)((has_input(state) ? 0 : POLLIN) | (client->behind ? POLLOUT : 0));

        /* Without events there would still be POLLHUP, again and again. */
        fds[CLIENTS + i] = (struct pollfd){ .fd = events ? client->fd : -1, .events = events };
    }
}

static int least(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* How long to wait: for --timeout, for who is behind; not at all for what a dead one left. */
static int patience(const struct state *state)
{
    bool behind = run_server_is_behind(state->serve->server);
    int64_t left = state->deadline_ms - md_now_ms();
    int timeout = run_server_patience(state->serve->server);

    if (state->alive && state->deadline_ms > 0)
        timeout = least(timeout, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);
    return state->alive || behind ? timeout : 0;
}

static void check_deadline(struct state *state)
{
    if (!state->alive || state->deadline_ms == 0 || md_now_ms() < state->deadline_ms)
        return;
    state->deadline_ms = 0;
    state->end->timed_out = true;
    kill_for(state, SIGKILL);
}

/* Returns whether there was any output. */
static bool attend(struct state *state, const struct pollfd *fds)
{
    struct run_server *server = state->serve->server;
    bool busy = false;

    if (fds[SIGNALS].revents)
        read_signals(state);
    if (fds[INPUT].revents)
        write_input(state);
    if (run_server_is_behind(server)) {
        run_server_catch_up(server, state->stream, state->output, state->output_len);
        busy = true;
    }
    for (int i = 0; i < 2; i++) {
        if (fds[STREAMS + i].revents && state->from[i] >= 0 && !run_server_is_behind(server)) {
            read_output(state, i + 1);
            busy = true;
        }
    }
    for (int i = 0; i < RUN_CLIENTS_MAX; i++) {
        bool heard = fds[CLIENTS + i].revents & (POLLIN | POLLHUP | POLLERR);

        if (heard && fds[CLIENTS + i].fd == server->clients[i].fd && !has_input(state))
            hear_client(state, (size_t)i);
    }
    if (fds[LISTENER].revents)
        run_server_accept(server);
    return busy;
}

/* As poll(2), and what is to be done when there has been nothing to do for a while. */
static int await(struct state *state, struct pollfd *fds)
{
    void (*idle)(void) = state->serve->server->idle;
    bool waits = idle && !state->idle;
    int timeout = patience(state);
    int count = poll(fds, POLLED, waits ? least(timeout, RUN_IDLE_MS) : timeout);

    if (count == 0 && waits)
        idle();
    if (count >= 0)
        state->idle = count == 0;
    return count;
}

static int loop(struct state *state, struct md_err *err)
{
    for (;;) {
        struct pollfd fds[POLLED];
        bool busy;

        prepare(state, fds);
        if (await(state, fds) < 0) {
            if (errno == EINTR)
                continue;
            return md_err_sys(err, "poll");
        }
        busy = attend(state, fds);
        check_deadline(state);
        /* All that wrote is dead: what is not in the pipes now never comes. */
        if (!state->alive && !busy)
            return 0;
        if (fds[DEATH].revents) {
            state->alive = false;
            close_input(state);
        }
    }
}

int run_serve(const struct run_serve *serve, struct run_relay_end *end, struct md_err *err)
{
    MD_AUTO_FREE struct state *state = md_xcalloc(1, sizeof(*state));
    bool terminal = serve->master >= 0;

    state->serve = serve;
    state->end = end;
    state->alive = true;
    state->deadline_ms =
        serve->plan->timeout_s ? md_now_ms() + (int64_t)serve->plan->timeout_s * 1000 : 0;
    state->from[0] = terminal ? serve->master : serve->pipes->ours[1];
    state->from[1] = terminal ? -1 : serve->pipes->ours[2];
    state->to = terminal ? serve->master : serve->pipes->ours[0];
    return loop(state, err);
}
