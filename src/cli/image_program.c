/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second program: finding minidock-image, becoming it, or running it for a missing image.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "cli/command.h"

/*
 * In an installed tree it is ../libexec/minidock/minidock-image from our own directory, in a
 * build tree beside us. The place is derived from our own, never from the environment: what
 * pulls as root must be what was installed with us.
 */
static int find_program(char path[PATH_MAX], struct md_err *err)
{
    static const char *const places[] = { "../libexec/minidock/minidock-image",
                                          "minidock-image" };
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len < 0)
        return md_err_sys(err, "cannot read /proc/self/exe");
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (snprintf(path, PATH_MAX, "%s/%s", self, places[i]) < PATH_MAX &&
            access(path, X_OK) == 0)
            return 0;
    }
    return md_err_set(
        err, MD_ERR_SYSTEM,
        "minidock-image is not installed: neither \"%s/%s\" nor \"%s/%s\" is there", self,
        places[0], self, places[1]);
}

/* The global flags come again, in front of the command. */
static void add_global(struct md_list *args, const struct cli_global *global)
{
    md_list_add(args, "minidock");
    if (global->root) {
        md_list_add(args, "--root");
        md_list_add(args, global->root);
    }
    if (global->debug)
        md_list_add(args, "--debug");
}

int cli_image_program(const struct cli_global *global, int argc, char **argv,
                      struct md_err *err)
{
    char path[PATH_MAX];
    struct md_list args = { 0 };

    if (find_program(path, err) < 0)
        return -1;
    add_global(&args, global);
    for (int i = 0; i < argc; i++)
        md_list_add(&args, argv[i]);
    execv(path, args.items);
    md_err_sys(err, "cannot execute \"%s\"", path);
    md_list_clear(&args);
    return -1;
}

/* In the child: what pull prints is not the container's output, so it goes to stderr. */
_Noreturn static void become_pull(const char *path, char **args)
{
    dup2(STDERR_FILENO, STDOUT_FILENO); /* not CLOEXEC: it is the new program's stdout */
    execv(path, args);
    _exit(CLI_EXIT_125);
}

static void pull_args(struct md_list *args, const struct cli_global *global,
                      const struct cli_pull *pull)
{
    add_global(args, global);
    md_list_add(args, "pull");
    if (pull->quiet)
        md_list_add(args, "--quiet");
    if (pull->platform) {
        md_list_add(args, "--platform");
        md_list_add(args, pull->platform);
    }
    md_list_add(args, "--");
    md_list_add(args, pull->image);
}

int cli_pull(const struct cli_global *global, const struct cli_pull *pull, struct md_err *err)
{
    char path[PATH_MAX];
    struct md_list args = { 0 };
    int status = 0;

    if (find_program(path, err) < 0)
        return -1;
    md_log("run %s for \"%s\"", path, pull->image);
    pull_args(&args, global, pull);
    pid_t pid = fork();

    if (pid == 0)
        become_pull(path, args.items);
    md_list_clear(&args);
    if (pid < 0)
        return md_err_sys(err, "cannot start \"%s\"", path);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
