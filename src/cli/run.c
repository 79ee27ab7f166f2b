/* SPDX-License-Identifier: Apache-2.0 */
/* run and create: from a command line to a container, and to its exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "cli/life.h"
#include "cli/report.h"

#define MAX_PRESERVED 1000

/* RUN_STREAM() bits: what -a names, or all that there is. */
static unsigned attached(const struct cli_run_options *options)
{
    static const char *const names[] = { "stdin", "stdout", "stderr" };
    unsigned streams = 0;

    for (size_t i = 0; i < options->attach.count; i++) {
        for (int stream = 0; stream < 3; stream++) {
            if (strcasecmp(options->attach.items[i], names[stream]) == 0)
                streams |= RUN_STREAM(stream);
        }
    }
    if (options->attach.count == 0)
        streams = RUN_STREAMS_OUTPUT | (options->open_stdin ? RUN_STREAM(0) : 0);
    return streams;
}

/* -t in the foreground needs a terminal; without one it becomes pipes, so that scripts and CI
 * jobs keep working. */
static void check_terminal(struct cli_run_options *options)
{
    if (!options->terminal || options->detach)
        return;
    if (!isatty(STDOUT_FILENO) || (options->open_stdin && !isatty(STDIN_FILENO))) {
        fprintf(stderr, "minidock: note: no terminal here, so -t is left out\n");
        options->terminal = false;
    }
}

/* --preserve-fds N: they must be open, and they are to survive exec. */
static int preserve_fds(const char *text, unsigned *count, struct md_err *err)
{
    uint64_t number = 0;

    *count = 0;
    if (!text)
        return 0;
    if (md_text_parse_u64(text, MAX_PRESERVED, &number) < 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid argument \"%s\" for \"--preserve-fds\" flag: no number of "
                          "descriptors",
                          text);
    for (int fd = 3; fd < 3 + (int)number; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            return md_err_set(err, MD_ERR_USAGE, "--preserve-fds %s: descriptor %d is not open",
                              text, fd);
    }
    *count = (unsigned)number;
    return 0;
}

static int parse_status_fd(const char *text, int *fd, struct md_err *err)
{
    uint64_t number = 0;

    *fd = -1;
    if (!text)
        return 0;
    if (md_text_parse_u64(text, INT32_MAX, &number) < 0 || fcntl((int)number, F_GETFD) < 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "invalid argument \"%s\" for \"--status-fd\" flag: it is no open "
                          "descriptor",
                          text);
    *fd = (int)number;
    return fcntl(*fd, F_SETFD, FD_CLOEXEC) < 0 ? md_err_sys(err, "--status-fd") : 0;
}

/* --- the two ways to run */

static int run_in_foreground(struct cli_session *session, unsigned preserved,
                             struct md_err *err)
{
    struct run_result result = { 0 };
    struct run_hooks hooks;

    session->plan.preserve_fds = preserved;
    session->plan.withheld = RUN_STREAMS_OUTPUT & ~attached(&session->options);
    session->plan.open_stdin = attached(&session->options) & RUN_STREAM(0);
    if (cli_session_prepare(session, &hooks, err) < 0 ||
        run_container(&session->plan, &hooks, &result, err) < 0) {
        cli_session_settle_unstarted(session, err);
        return -1;
    }
    cli_say_reason(session->state.exit_code, session->state.reason);
    if (result.write_errno == 0)
        return session->state.exit_code;
    errno = result.write_errno;
    md_err_sys(err, "cannot write the container's output");
    if (session->state.exit_code == 0)
        return -1;
    cli_report(err, CLI_RUNTIME_FAILED);
    return session->state.exit_code; /* the program's own says more */
}

static int run_supervised(struct cli_session *session, unsigned preserved, struct md_err *err)
{
    const struct cli_run_options *options = &session->options;
    struct cli_order order = { .preserve_fds = preserved,
                               .status_fd = session->status_fd,
                               .leads = !options->detach,
                               .streams = options->detach ? 0 : attached(options) };
    const struct cli_client client = { .streams = order.streams,
                                       .leads = true,
                                       .sig_proxy = options->sig_proxy,
                                       .detach_keys = options->detach_keys };
    struct winsize size = { 0 };
    MD_AUTO_FD link = -1;

    if (!options->detach && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        order.rows = size.ws_row;
        order.columns = size.ws_col;
    }
    if (options->detach) {
        puts(session->container.id);
        fflush(stdout);
    }
    link = cli_supervise(&session->store, &session->container, &order, err);
    if (link < 0)
        return -1;
    return options->detach
               ? 0
               : cli_be_client(&session->store, &session->container, link, &client, err);
}

/* What a supervisor is for: to stay when this command goes, or to start it again. */
static bool needs_supervisor(const struct cli_run_options *options,
                             const struct cli_policy *policy)
{
    return options->detach || options->terminal || !options->sig_proxy ||
           policy->kind != CLI_POLICY_NO;
}

/* --replace: whoever has the name goes. */
static int make_way(const struct cli_session *session, struct md_err *err)
{
    struct store_container container = { .dir = -1 };
    struct md_err absent = { 0 };
    struct store store;
    int status = 0;

    if (!session->options.replace)
        return 0;
    if (store_open(session->global->root, STORE_WRITE, &store, err) < 0)
        return -1;
    cli_mend(&store);
    if (store_container_open(&store, session->options.name, &container, &absent) == 0 &&
        strcmp(container.name, session->options.name) == 0)
        status = cli_remove_container(&store, &container, err);
    store_container_clear(&container);
    store_close(&store);
    return status;
}

static int run(struct cli_session *session, struct md_err *err)
{
    struct cli_policy policy;
    unsigned preserved = 0;

    if (preserve_fds(session->options.preserve_fds, &preserved, err) < 0 ||
        parse_status_fd(session->options.status_fd, &session->status_fd, err) < 0 ||
        cli_policy_parse(session->options.restart, &policy, err) < 0)
        return -1;
    check_terminal(&session->options);
    if (make_way(session, err) < 0 || cli_session_create(session, err) < 0)
        return -1;
    cli_note_boot(&policy);
    return needs_supervisor(&session->options, &policy)
               ? run_supervised(session, preserved, err)
               : run_in_foreground(session, preserved, err);
}

static int create(struct cli_session *session, struct md_err *err)
{
    struct cli_policy policy;

    if (cli_policy_parse(session->options.restart, &policy, err) < 0 ||
        make_way(session, err) < 0 || cli_session_create(session, err) < 0)
        return -1;
    cli_note_boot(&policy);
    /* Written, it says that nobody is about to start it: --rm means after its first end. */
    session->state.status = STORE_CREATED;
    if (store_container_set_state(&session->store, &session->container, &session->state, err) <
        0)
        return -1;
    puts(session->container.id);
    return 0;
}

/* --- the command lines */

static int parse(struct cli_run_options *run, const struct cli_syntax *syntax, int argc,
                 char **argv, struct md_err *err)
{
    int status = cli_parse(syntax, argc, argv, &run->operands, err);

    if (status == 0 && !run->rootfs && run->operands.count == 0)
        status = md_err_set(err, MD_ERR_USAGE,
                            "requires at least 1 argument, got 0. Run 'minidock %s --help' for "
                            "more information",
                            argv[0]);
    if (status == 0 && geteuid() != 0)
        status = md_err_set(err, MD_ERR_USAGE,
                            "%s needs root in this version: try \"sudo minidock %s ...\"",
                            argv[0], argv[0]);
    return status;
}

static int finish(struct cli_session *session, int status, const struct md_err *err)
{
    if (status == -1 && err->kind == MD_ERR_NONE)
        status = CLI_RUNTIME_FAILED; /* pull has said why */
    cli_session_clear(session);
    return status;
}

int cli_run(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct cli_option options[CLI_RUN_TABLE_SIZE];
    const struct cli_syntax syntax = {
        "run [OPTIONS] IMAGE [COMMAND [ARG...]]",
        "Create a container and run a command in it",
        "Exit status: the command's own; 128+n when signal n ended it; 125 when minidock "
        "failed,\n"
        "126 when the command cannot be executed, 127 when it is not found, 124 after "
        "--timeout.\n"
        "Not there yet: a filter of system calls, and limits on memory, processors and "
        "processes.",
        0,
        -1,
        true,
        options
    };
    struct cli_session session;

    cli_session_init(&session, global);
    cli_run_table(&session.options, options);
    int status = parse(&session.options, &syntax, argc, argv, err);

    if (status == 0)
        status = run(&session, err);
    return finish(&session, status, err);
}

int cli_create(const struct cli_global *global, int argc, char **argv, struct md_err *err)
{
    struct cli_option options[CLI_RUN_TABLE_SIZE];
    const struct cli_syntax syntax = { "create [OPTIONS] IMAGE [COMMAND [ARG...]]",
                                       "Create a container without starting it",
                                       "The options are those of run; what only concerns a "
                                       "command that runs it has no effect.",
                                       0,
                                       -1,
                                       true,
                                       options };
    struct cli_session session;

    cli_session_init(&session, global);
    cli_run_table(&session.options, options);
    int status = parse(&session.options, &syntax, argc, argv, err);

    if (status == 0)
        status = create(&session, err);
    return finish(&session, status, err);
}
