/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of run share. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#define ALARM_S 100 /* no test may hang for ever */

char *kit_path(const struct kit *kit, const char *name)
{
    return md_xasprintf("%s/%s", kit->dir, name);
}

void kit_write(const struct kit *kit, const char *name, const char *text, mode_t mode)
{
    MD_AUTO_FREE char *path = kit_path(kit, name);
    MD_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(md_fd_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

/* The static program of the build, beside this test's directory. */
static char *inside_path(void)
{
    char here[4096];
    ssize_t len = readlink("/proc/self/exe", here, sizeof(here) - 1);

    assert_true(len > 0);
    here[len] = '\0';
    *strrchr(here, '/') = '\0';
    return md_xasprintf("%s/../bin/inside", here);
}

static void copy_inside(const struct kit *kit)
{
    MD_AUTO_FREE char *from = inside_path();
    MD_AUTO_FREE char *to = kit_path(kit, "root/bin/inside");
    MD_AUTO_FD in = open(from, O_RDONLY | O_CLOEXEC);
    MD_AUTO_FD out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    char bytes[65536];
    ssize_t got = 0;

    if (in < 0) /* kit_need_containers() says so */
        return;
    assert_true(out >= 0);
    while ((got = read(in, bytes, sizeof(bytes))) > 0)
        assert_int_equal(md_fd_write_all(out, bytes, (size_t)got), 0);
    assert_int_equal(got, 0);
    assert_int_equal(fchmod(out, 0755), 0);
}

int kit_set_up(void **state)
{
    static const char *const dirs[] = { "root",      "root/bin", "root/etc", "root/tmp",
                                        "root/proc", "root/sys", "root/dev" };
    struct kit *kit = md_xcalloc(1, sizeof(*kit));
    const char *tmp = getenv("TMPDIR");

    umask(022);
    alarm(ALARM_S);
    kit->dir = md_xasprintf("%s/minidock-test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(kit->dir));
    assert_int_equal(chmod(kit->dir, 0755), 0);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
        MD_AUTO_FREE char *path = kit_path(kit, dirs[i]);

        assert_int_equal(mkdir(path, 0755), 0);
    }
    kit->root = kit_path(kit, "root");
    kit->root_fd = open(kit->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    copy_inside(kit);
    *state = kit;
    return 0;
}

int kit_tear_down(void **state)
{
    struct kit *kit = *state;
    int status = md_path_remove_tree(AT_FDCWD, kit->dir);

    alarm(0);
    md_fd_close(&kit->root_fd);
    free(kit->root);
    free(kit->dir);
    free(kit);
    return status;
}

static void cannot(const char *why)
{
    const char *strict = getenv("MINIDOCK_STRICT");

    print_message("containers cannot be made here: %s\n", why);
    if (strict && strcmp(strict, "1") == 0)
        fail();
    skip();
}

void kit_need_containers(void)
{
    char *inside = inside_path(); /* freed before skip() jumps away */
    bool is_built = access(inside, X_OK) == 0;
    unsigned inner = 1;
    unsigned outer = 1;
    unsigned count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");

    if (!map || fscanf(map, "%u %u %u", &inner, &outer, &count) != 3)
        count = 0;
    if (map)
        fclose(map);
    free(inside);
    if (geteuid() != 0)
        cannot("not root");
    if (count != 4294967295u)
        cannot("a user namespace may not make devices");
    if (!is_built)
        cannot("the program \"inside\" is not built");
}

void kit_plan(const struct kit *kit, struct run_plan *plan, ...)
{
    va_list words;
    const char *word;

    *plan = (struct run_plan){
        .lower = kit->root_fd,
        .mount_point = kit->root_fd,
        .upper = -1,
        .work = -1,
        .cgroup = -1,
        .umask = 0022,
        .capabilities = RUN_DEFAULT_CAPABILITIES,
        .namespaces = CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
                      CLONE_NEWCGROUP | CLONE_NEWNET,
        .hostname = md_xstrdup("box"),
        .hosts = md_xstrdup("127.0.0.1 localhost\n"),
        .resolv_conf = md_xstrdup("nameserver 192.0.2.1\n"),
        .working_dir = md_xstrdup("/"),
    };
    md_list_add(&plan->env, "PATH=/nowhere:/bin");
    md_list_add(&plan->args, "inside");
    va_start(words, plan);
    while ((word = va_arg(words, const char *)))
        md_list_add(&plan->args, word);
    va_end(words);
}

static void deny(const struct kit_deny *what)
{
    const unsigned argument = what->argument < 0 ? 0 : (unsigned)what->argument;
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)what->number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * argument),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, what->value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)what->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { sizeof(steps) / sizeof(*steps), steps };

    if (what->argument < 0) /* compare nothing: fall through to the error */
        steps[3] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        _exit(97);
}

/* stdin of the runner: an unlinked file of these bytes, or nothing. */
static int open_input(const char *input)
{
    int fd;

    if (!input)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    fd = memfd_create("input", MFD_CLOEXEC);
    assert_int_equal(md_fd_write_all(fd, input, strlen(input)), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static _Noreturn void run_here(const struct run_plan *plan, const struct kit_how *how,
                               struct kit_outcome *shared, const int *files)
{
    for (int i = 0; i < 3; i++)
        dup2(files[i], i);
    for (int i = 0; i < how->closed; i++)
        close(i);
    if (how->deny)
        deny(how->deny);
    shared->status = how->exec ? run_exec(plan, how->exec, &shared->result, &shared->err)
                               : run_container(plan, how->hooks, &shared->result, &shared->err);
    _exit(0);
}

static size_t collect(int fd, char *bytes, size_t size)
{
    ssize_t got = pread(fd, bytes, size - 1, 0);

    assert_true(got >= 0);
    bytes[got] = '\0';
    return (size_t)got;
}

void kit_run(const struct run_plan *plan, const struct kit_how *how,
             struct kit_outcome *outcome)
{
    const struct kit_how none = { 0 };
    struct kit_outcome *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MD_AUTO_FD out = memfd_create("out", MFD_CLOEXEC);
    MD_AUTO_FD complaints = memfd_create("complaints", MFD_CLOEXEC);
    MD_AUTO_FD in = -1;
    int status;
    pid_t pid;

    how = how ? how : &none;
    in = open_input(how->input);
    assert_true(shared != MAP_FAILED && out >= 0 && complaints >= 0 && in >= 0);
    shared->status = -2;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* when the alarm ends a test that hangs */
        run_here(plan, how, shared, (const int[]){ in, how->out ? how->out : out, complaints });
    }
    if (how->kill_after_ms) {
        usleep((useconds_t)how->kill_after_ms * 1000);
        assert_int_equal(kill(pid, how->signal), 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    memcpy(outcome, shared, sizeof(*outcome));
    outcome->out_len = collect(out, outcome->out, sizeof(outcome->out));
    collect(complaints, outcome->complaints, sizeof(outcome->complaints));
    munmap(shared, sizeof(*shared));
}
