/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes to the program, and writing to the caller's descriptors without ever blocking. */
#include "run/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static int open_pipe(struct run_pipes *pipes, int stream, struct md_err *err)
{
    int ends[2];
    int read_end = stream == STDIN_FILENO;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot make a pipe");
    pipes->ours[stream] = ends[read_end];
    pipes->theirs[stream] = ends[!read_end];
    return 0;
}

int run_pipes_open(const struct run_plan *plan, struct run_pipes *pipes, struct md_err *err)
{
    for (int i = 0; i < 3; i++)
        pipes->ours[i] = pipes->theirs[i] = -1;
    if (plan->terminal)
        return 0;
    for (int i = plan->open_stdin ? 0 : 1; i < 3; i++) {
        if (open_pipe(pipes, i, err) < 0)
            return -1;
    }
    /* The flag is that of our end only; the program's end blocks, as programs expect. */
    if (plan->open_stdin && fcntl(pipes->ours[0], F_SETFL, O_NONBLOCK) < 0)
        return md_err_sys(err, "cannot set up the pipe for stdin");
    return 0;
}

void run_pipes_close_theirs(struct run_pipes *pipes)
{
    for (int i = 0; i < 3; i++)
        md_fd_close(&pipes->theirs[i]);
}

void run_pipes_clear(struct run_pipes *pipes)
{
    run_pipes_close_theirs(pipes);
    for (int i = 0; i < 3; i++)
        md_fd_close(&pipes->ours[i]);
}

/*
 * O_NONBLOCK belongs to what the descriptor refers to, which the caller shares with its other
 * children: it is left alone. Pipes and terminals are opened a second time instead.
 */
void run_outlet_open(int fd, struct run_outlet *outlet)
{
    char path[sizeof("/proc/self/fd/-2147483648")];
    struct stat info;

    *outlet = (struct run_outlet){ .kind = RUN_OUTLET_PLAIN, .fd = fd, .opened = -1 };
    if (fstat(fd, &info) < 0)
        return;
    if (S_ISSOCK(info.st_mode))
        outlet->kind = RUN_OUTLET_SOCKET;
    if (!S_ISFIFO(info.st_mode) && !(S_ISCHR(info.st_mode) && isatty(fd)))
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    outlet->opened = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (outlet->opened >= 0)
        outlet->fd = outlet->opened;
    else
        outlet->kind = RUN_OUTLET_SMALL;
}

void run_outlet_clear(struct run_outlet *outlet)
{
    md_fd_close(&outlet->opened);
    outlet->fd = -1;
}

ssize_t run_outlet_write(const struct run_outlet *outlet, const void *bytes, size_t len)
{
    ssize_t written = -1;

retry:
    switch (outlet->kind) {
    case RUN_OUTLET_PLAIN:
        written = write(outlet->fd, bytes, len);
        break;
    case RUN_OUTLET_SOCKET:
        written = send(outlet->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case RUN_OUTLET_SMALL:
        /* poll(2) has promised room for this much: pipe(7), PIPE_BUF. */
        written = write(outlet->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
        break;
    }
    if (written < 0 && errno == EINTR)
        goto retry;
    return written;
}
