/* SPDX-License-Identifier: Apache-2.0 */
/* A process that writes a tar into a pipe, while this one reads it. */
#include "files/producer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static int produce_all(files_produce_fn *produce, void *context, int output, struct md_err *err)
{
    struct files_tar *tar = files_tar_open(output);
    int status = produce(tar, context, err);

    if (status == 0)
        status = files_tar_finish(tar, err);
    files_tar_close(&tar);
    return status;
}

/* The other ends of its pipes. */
struct ends {
    int output;
    int failure;
    pid_t parent;
};

_Noreturn static void run(files_produce_fn *produce, void *context, const struct ends *ends)
{
    struct md_err err = { 0 };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != ends->parent)
        _exit(1);
    if (produce_all(produce, context, ends->output, &err) == 0)
        _exit(0);
    if (err.sys == EPIPE) /* the reader knows why */
        _exit(1);
    _exit(md_fd_write_all(ends->failure, &err, sizeof(err)) < 0 ? 2 : 1);
}

int files_producer_start(files_produce_fn *produce, void *context,
                         struct files_producer *producer, struct md_err *err)
{
    struct ends ends = { .parent = getpid() };
    int output[2];
    int failure[2];

    *producer = (struct files_producer){ .output = -1, .failure = -1 };
    if (pipe2(output, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot make a pipe");
    producer->output = output[0];
    ends.output = output[1];
    if (pipe2(failure, O_CLOEXEC) < 0) {
        md_fd_close(&ends.output);
        return md_err_sys(err, "cannot make a pipe");
    }
    producer->failure = failure[0];
    ends.failure = failure[1];
    producer->pid = fork();
    if (producer->pid == 0) {
        md_fd_close(&producer->output);
        md_fd_close(&producer->failure);
        run(produce, context, &ends);
    }
    md_fd_close(&ends.output);
    md_fd_close(&ends.failure);
    return producer->pid < 0 ? md_err_sys(err, "cannot start a process") : 0;
}

int files_producer_end(struct files_producer *producer, struct md_err *err)
{
    struct md_err theirs = { 0 };
    int status = 0;

    if (producer->pid > 0) {
        if (err->kind != MD_ERR_NONE)
            kill(producer->pid, SIGKILL);
        while (waitpid(producer->pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (md_fd_read_full(producer->failure, &theirs, sizeof(theirs)) ==
            (ssize_t)sizeof(theirs))
            *err = theirs;
        else if (status != 0 && err->kind == MD_ERR_NONE)
            md_err_set(err, MD_ERR_SYSTEM, "the process that reads the files has died");
    }
    producer->pid = 0;
    md_fd_close(&producer->output);
    md_fd_close(&producer->failure);
    return err->kind == MD_ERR_NONE ? 0 : -1;
}
