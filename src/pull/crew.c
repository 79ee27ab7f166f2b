/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a pull or import: one for the network, some that write, rings between. */
#include "pull/crew.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "pull/local.h"
#include "pull/network.h"
#include "pull/writer.h"

/* Processors that we may run on, at most PULL_WRITERS. */
static size_t processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return count > PULL_WRITERS ? PULL_WRITERS : (size_t)count;
}

/* Close what the new process has of its brothers' sockets. */
static void forget_others(struct pull_crew *crew)
{
    md_fd_close(&crew->network.socket);
    for (size_t i = 0; i < PULL_WRITERS; i++)
        md_fd_close(&crew->writers[i].socket);
}

/*
 * The terminal's signals reach the whole process group: only the coordinator answers them, and
 * the kernel ends the rest with it.
 */
static void become_member(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(1);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

typedef void member_main(int socket, struct pull_ring *rings);

static int start_member(struct pull_crew *crew, struct pull_member *member, member_main *serve,
                        struct md_err *err)
{
    MD_AUTO_FD ours = -1;
    MD_AUTO_FD theirs = -1;
    pid_t parent = getpid();

    if (pull_wire_pair(&ours, &theirs, err) < 0)
        return -1;
    pid_t pid = fork();

    if (pid < 0)
        return md_err_sys(err, "cannot start a process");
    if (pid == 0) {
        become_member(parent);
        md_fd_close(&ours);
        forget_others(crew);
        serve(theirs, crew->rings);
        _exit(1);
    }
    member->pid = pid;
    member->socket = md_fd_take(&ours);
    return 0;
}

static int start_writers(struct pull_crew *crew, size_t count, struct md_err *err)
{
    for (; crew->writer_count < count; crew->writer_count++) {
        if (start_member(crew, &crew->writers[crew->writer_count], pull_writer_main, err) < 0)
            return -1;
    }
    return 0;
}

static int open_rings(struct pull_crew *crew, size_t count, struct md_err *err)
{
    MD_AUTO_FD turn = eventfd(1, EFD_CLOEXEC | EFD_SEMAPHORE);

    if (turn < 0)
        return md_err_sys(err, "cannot make an event");
    for (; crew->ring_count < count; crew->ring_count++) {
        if (pull_ring_open(&crew->rings[crew->ring_count], err) < 0)
            return -1;
        if (crew->ring_count == 0)
            crew->turn = md_fd_take(&turn);
        crew->rings[crew->ring_count].turn = crew->turn;
    }
    return 0;
}

int pull_crew_start(struct pull_crew *crew, enum pull_crew_kind kind, struct md_err *err)
{
    bool all = kind == PULL_CREW_FULL || kind == PULL_CREW_LOCAL;
    size_t rings = all ? PULL_RINGS : kind == PULL_CREW_URL ? 1 : 0;
    member_main *first = kind == PULL_CREW_LOCAL ? pull_local_main : pull_network_main;

    crew->network.socket = -1;
    for (size_t i = 0; i < PULL_WRITERS; i++)
        crew->writers[i].socket = -1;
    if (open_rings(crew, rings, err) < 0)
        return -1;
    if (rings > 0 && start_member(crew, &crew->network, first, err) < 0)
        return -1;
    return start_writers(crew, all ? 0 : 1, err);
}

int pull_crew_hire(struct pull_crew *crew, size_t layers, struct md_err *err)
{
    size_t most = processors();

    return start_writers(crew, layers < most ? layers : most, err);
}

static void kill_member(struct pull_member *member)
{
    if (member->pid > 0) {
        md_fd_close(&member->socket);
        kill(member->pid, SIGKILL);
    }
}

static void reap_member(struct pull_member *member)
{
    while (member->pid > 0 && waitpid(member->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    member->pid = 0;
}

void pull_crew_stop(struct pull_crew *crew)
{
    /* All at once: the end of a process with forty libraries takes its time. */
    kill_member(&crew->network);
    for (size_t i = 0; i < PULL_WRITERS; i++)
        kill_member(&crew->writers[i]);
    reap_member(&crew->network);
    for (size_t i = 0; i < PULL_WRITERS; i++)
        reap_member(&crew->writers[i]);
    for (size_t i = 0; i < crew->ring_count; i++)
        pull_ring_close(&crew->rings[i]);
    if (crew->ring_count > 0)
        md_fd_close(&crew->turn);
    crew->ring_count = 0;
    crew->writer_count = 0;
}
