/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: one run of a program for each question. */
#include "pull/helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/http.h"

#define NOT_FOUND "credentials not found in native keychain"
#define NOT_EXECUTABLE 127

/* A helper at work. */
struct run {
    const char *name;
    const char *verb;
    pid_t pid;
    int pidfd;
    int output;
    int64_t deadline_ms;
    struct md_buf said;
};

/* In the child: the helper finds its request as a file that it can read to the end. */
_Noreturn static void become_helper(const struct run *run, int input, int output)
{
    MD_AUTO_FREE char *program = md_xasprintf("docker-credential-%s", run->name);
    char *const args[] = { program, (char *)run->verb, NULL };

    dup2(input, STDIN_FILENO);   /* not CLOEXEC: the helper's own streams */
    dup2(output, STDOUT_FILENO); /* not CLOEXEC: the same */
    execvp(program, args);
    _exit(errno == ENOENT ? NOT_EXECUTABLE : NOT_EXECUTABLE - 1);
}

static int failed(const struct run *run, struct md_err *err, const char *why)
{
    return md_err_set(err, MD_ERR_AUTH, "credential helper docker-credential-%s: %s: %s",
                      run->name, run->verb, why);
}

static int start(struct run *run, const char *request, struct md_err *err)
{
    MD_AUTO_FD input = memfd_create("request", MFD_CLOEXEC);
    MD_AUTO_FD reader = -1;
    MD_AUTO_FD writer = -1;
    int ends[2];

    if (input < 0 || md_fd_write_all(input, request, strlen(request)) < 0 ||
        lseek(input, 0, SEEK_SET) < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return md_err_sys(err, "cannot prepare docker-credential-%s", run->name);
    reader = ends[0];
    writer = ends[1];
    run->pid = fork();
    if (run->pid < 0)
        return md_err_sys(err, "cannot start docker-credential-%s", run->name);
    if (run->pid == 0)
        become_helper(run, input, writer);
    run->pidfd = pidfd_open(run->pid, 0);
    run->output = md_fd_take(&reader);
    return run->pidfd < 0 ? md_err_sys(err, "cannot watch docker-credential-%s", run->name) : 0;
}

/* Take what is in the pipe: 1, 0 at its end, -1 when it is too much. */
static int take_output(struct run *run)
{
    char bytes[4096];
    ssize_t got;

    do
        got = read(run->output, bytes, sizeof(bytes));
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    got = md_buf_add(&run->said, bytes, (size_t)got);
    explicit_bzero(bytes, sizeof(bytes));
    return got < 0 ? -1 : 1;
}

/* Until the helper has ended; a child of its own that keeps the pipe open is not waited for. */
static int listen_to(struct run *run, struct md_err *err)
{
    struct pollfd fds[] = { { run->output, POLLIN, 0 }, { run->pidfd, POLLIN, 0 } };

    for (;;) {
        int64_t left = run->deadline_ms - md_now_ms();
        int ready = left > 0 ? poll(fds, 2, (int)left) : 0;

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return failed(run, err, "no answer in time");
        if (fds[0].revents) {
            int more = take_output(run);

            if (more < 0)
                return failed(run, err, "it says more than is taken");
            if (more == 0)
                fds[0].fd = -1; /* poll() passes over it */
        } else if (fds[1].revents) {
            return 0;
        }
    }
}

static int finish(struct run *run, struct md_err *err)
{
    int status = 0;
    int kept = run->pidfd >= 0 ? listen_to(run, err) : -1;

    if (kept < 0)
        kill(run->pid, SIGKILL);
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        ;
    md_fd_close(&run->pidfd);
    md_fd_close(&run->output);
    if (kept < 0)
        return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_EXECUTABLE && run->said.len == 0)
        return failed(run, err, "not found in $PATH");
    return status == 0 ? 0 : 1;
}

/* What a helper says of its failure is for people. */
static int complain(const struct run *run, struct md_err *err)
{
    const char *said = run->said.data ? run->said.data : "";
    char shown[240];

    return failed(run, err,
                  run->said.len > 0
                      ? md_text_escape(said, strcspn(said, "\r\n"), shown, sizeof(shown))
                      : "it failed without a word");
}

/* Run it: 0 with what it said, 1 when it failed with words of its own, -1 with *err. */
static int ask(struct run *run, const char *request, struct md_err *err)
{
    run->pidfd = -1;
    run->output = -1;
    run->said.max = PULL_HELPER_BYTES;
    run->deadline_ms = md_now_ms() + PULL_HELPER_SECONDS * INT64_C(1000);
    if (start(run, request, err) < 0) {
        if (run->pid > 0) {
            struct md_err ignored = { 0 };

            (void)finish(run, &ignored);
        }
        return -1;
    }
    return finish(run, err);
}

static void run_clear(struct run *run)
{
    if (run->said.data)
        explicit_bzero(run->said.data, run->said.len);
    md_buf_clear(&run->said);
}

int pull_helper_parse(const char *bytes, size_t len, struct pull_credential *credential,
                      struct md_err *err)
{
    MD_AUTO_JSON json = md_json_parse(bytes, len, "its answer", err);
    const char *user = md_json_get_text(json, "Username");
    const char *secret = md_json_get_text(json, "Secret");

    if (!json)
        return -1;
    if (!user || !secret || secret[0] == '\0')
        return md_err_set(err, MD_ERR_FORMAT, "its answer has no Username and Secret");
    if (strlen(user) > PULL_MAX_USER || strlen(secret) > PULL_MAX_SECRET)
        return md_err_set(err, MD_ERR_LIMIT, "user or secret is too long");
    memset(credential, 0, sizeof(*credential));
    /* docker's mark for "no password, but an identity token". */
    credential->kind =
        strcmp(user, "<token>") == 0 ? PULL_CREDENTIAL_IDENTITY : PULL_CREDENTIAL_PASSWORD;
    memcpy(credential->user, user, strlen(user) + 1);
    memcpy(credential->secret, secret, strlen(secret) + 1);
    return 0;
}

int pull_helper_get(const char *name, const char *server, struct pull_credential *credential,
                    struct md_err *err)
{
    struct run run = { .name = name, .verb = "get" };
    struct md_err why = { 0 };
    int result = ask(&run, server, err);

    if (result == 1) {
        bool missing =
            run.said.data && strncmp(run.said.data, NOT_FOUND, strlen(NOT_FOUND)) == 0;

        result = missing ? 0 : complain(&run, err);
    } else if (result == 0) {
        result = pull_helper_parse(run.said.data ? run.said.data : "", run.said.len, credential,
                                   &why) < 0
                     ? failed(&run, err, why.text)
                     : 1;
    }
    run_clear(&run);
    return result;
}

int pull_helper_store(const char *name, const char *server,
                      const struct pull_credential *credential, struct md_err *err)
{
    struct run run = { .name = name, .verb = "store" };
    MD_AUTO_JSON json = md_json_object();
    MD_AUTO_FREE char *request = NULL;
    int result;

    md_json_set(json, "ServerURL", md_json_string(server));
    md_json_set(json, "Username", md_json_string(credential->user));
    md_json_set(json, "Secret", md_json_string(credential->secret));
    if (strcmp(md_json_get_text(json, "Secret"), credential->secret) != 0)
        return md_err_set(err, MD_ERR_USAGE, "a password that is not UTF-8 fits no helper");
    request = md_json_line(json);
    result = ask(&run, request, err);
    explicit_bzero(request, strlen(request));
    if (result == 1)
        result = complain(&run, err);
    run_clear(&run);
    return result;
}

int pull_helper_erase(const char *name, const char *server, struct md_err *err)
{
    struct run run = { .name = name, .verb = "erase" };
    int result = ask(&run, server, err);

    if (result == 1)
        result = complain(&run, err);
    run_clear(&run);
    return result;
}

int pull_helper_list(const char *name, struct md_list *servers, struct md_err *err)
{
    struct run run = { .name = name, .verb = "list" };
    struct md_err why = { 0 };
    int result = ask(&run, "", err);

    md_list_clear(servers);
    if (result == 1)
        result = complain(&run, err);
    if (result == 0) {
        MD_AUTO_JSON json =
            md_json_parse(run.said.data ? run.said.data : "", run.said.len, "its answer", &why);

        if (!json)
            result = failed(&run, err, why.text);
        for (const char *key = md_json_next_key(json, NULL); key;
             key = md_json_next_key(json, key))
            md_list_add(servers, key);
    }
    run_clear(&run);
    return result;
}
