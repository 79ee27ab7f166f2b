/* SPDX-License-Identifier: Apache-2.0 */
/* minidock-image: all that talks to registries or reads tar: pull, import, login, logout. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/options.h"
#include "pull/login.h"
#include "pull/pull.h"

/*
 * Interrupted: what is finished stays in .partial for the next try, what is not is removed when
 * it starts, so there is nothing to do but to say so and die of the signal. The other processes
 * of the pull die with this one.
 */
static void interrupted(int number)
{
    static const char text[] = "\nminidock: interrupted\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void say_when_interrupted(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        const struct sigaction action = { .sa_handler = interrupted };
        struct sigaction old;

        sigaction(signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) /* nohup */
            sigaction(signals[i], &action, NULL);
    }
}

/* --platform, else $DOCKER_DEFAULT_PLATFORM, else the host's. */
static int choose_platform(const char *asked, struct md_platform *platform, struct md_err *err)
{
    const char *text = asked ? asked : getenv("DOCKER_DEFAULT_PLATFORM");

    if (text && text[0])
        return md_platform_parse(text, platform, err);
    md_platform_host(platform);
    return 0;
}

static int open_store(const struct cli_global *global, const char *command, struct store *store,
                      struct md_err *err)
{
    if (geteuid() != 0)
        return md_err_set(err, MD_ERR_SYSTEM,
                          "%s needs root in this version, as layers keep their owners: try "
                          "\"sudo minidock %s ...\"",
                          command, command);
    if (store_open(global->root, STORE_WRITE, store, err) < 0)
        return -1;
    say_when_interrupted();
    return 0;
}

/* From here on ps(1) shows no secret. Returns what stood there, for the caller to free. */
static char *hide_argument(const char *argument)
{
    char *copy = argument ? md_xstrdup(argument) : NULL;

    if (argument)
        memset((char *)argument, 'x', strlen(argument));
    return copy;
}

static int command_pull(const struct cli_global *global, int argc, char **argv,
                        struct md_err *err)
{
    struct pull_options pull = { .out = stdout };
    struct md_list names = { 0 };
    const char *platform = NULL;
    struct store store;
    const struct cli_option options[] = {
        { 0, "platform", CLI_TEXT, "OS/ARCH[/VARIANT]",
          "Platform of the image (default: $DOCKER_DEFAULT_PLATFORM, else the host's)",
          &platform },
        { 'q', "quiet", CLI_FLAG, NULL, "Print only the full name", &pull.quiet },
        { 0, "creds", CLI_TEXT, "USER:PASSWORD", "Who asks; better: login",
          &pull.credentials.creds },
        { 0, "authfile", CLI_TEXT, "FILE", "File with credentials ($REGISTRY_AUTH_FILE)",
          &pull.credentials.authfile },
        { 0 },
    };
    const struct cli_syntax syntax = { "pull [OPTIONS] NAME[:TAG|@DIGEST]...",
                                       "Download images from a registry",
                                       NULL,
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);
    MD_AUTO_FREE char *creds = hide_argument(pull.credentials.creds);

    pull.credentials.creds = creds;
    pull.platform_asked = platform != NULL;
    if (status == 0 && choose_platform(platform, &pull.platform, err) < 0)
        status = -1;
    if (status == 0)
        status = open_store(global, "pull", &store, err);
    if (status == 0) {
        status = pull_images(&store, &pull, &names, err);
        store_close(&store);
    }
    md_list_clear(&names);
    return status;
}

static int command_import(const struct cli_global *global, int argc, char **argv,
                          struct md_err *err)
{
    struct import_options import = { .out = stdout };
    struct md_list operands = { 0 };
    const char *platform = NULL;
    struct store store;
    const struct cli_option options[] = {
        { 'c', "change", CLI_LIST, "INSTRUCTION",
          "An instruction as in a Dockerfile: CMD, ENV, USER ...", &import.changes },
        { 'm', "message", CLI_TEXT, "TEXT", "Comment that the image keeps", &import.message },
        { 0, "platform", CLI_TEXT, "OS/ARCH[/VARIANT]", "Platform that the image is for",
          &platform },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "import [OPTIONS] FILE|DIR|URL|- [NAME[:TAG]]",
        "Make an image of a tar file (plain, gzip, bzip2, xz, zstd) or a directory",
        NULL,
        1,
        2,
        false,
        options
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0 && choose_platform(platform, &import.platform, err) < 0)
        status = -1;
    if (status == 0)
        status = open_store(global, "import", &store, err);
    if (status == 0) {
        status = import_image(&store, &import, operands.items[0],
                              operands.count > 1 ? operands.items[1] : NULL, err);
        store_close(&store);
    }
    md_list_clear(&operands);
    md_list_clear(&import.changes);
    return status;
}

static int command_login(const struct cli_global *global, int argc, char **argv,
                         struct md_err *err)
{
    struct login_options login = { .out = stdout };
    struct md_list operands = { 0 };
    const struct cli_option options[] = {
        { 'u', "username", CLI_TEXT, "USER", "Name to log in with", &login.user },
        { 'p', "password", CLI_TEXT, "PASSWORD", "Password or access token", &login.password },
        { 0, "password-stdin", CLI_FLAG, NULL, "Read the password from standard input",
          &login.password_stdin },
        { 0, "authfile", CLI_TEXT, "FILE", "File for credentials ($REGISTRY_AUTH_FILE)",
          &login.authfile },
        { 0 },
    };
    const struct cli_syntax syntax = { "login [OPTIONS] [REGISTRY]",
                                       "Log in to a registry (default: Docker Hub)",
                                       NULL,
                                       0,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);
    MD_AUTO_FREE char *password = hide_argument(login.password);

    (void)global;
    login.password = password;
    login.registry = operands.count > 0 ? operands.items[0] : NULL;
    if (status == 0)
        status = login_run(&login, err);
    md_list_clear(&operands);
    return status;
}

static int command_logout(const struct cli_global *global, int argc, char **argv,
                          struct md_err *err)
{
    struct logout_options logout = { .out = stdout };
    struct md_list operands = { 0 };
    const struct cli_option options[] = {
        { 'a', "all", CLI_FLAG, NULL, "Forget the credentials of all registries", &logout.all },
        { 0, "authfile", CLI_TEXT, "FILE", "File with credentials ($REGISTRY_AUTH_FILE)",
          &logout.authfile },
        { 0 },
    };
    const struct cli_syntax syntax = { "logout [OPTIONS] [REGISTRY]",
                                       "Log out from a registry (default: Docker Hub)",
                                       NULL,
                                       0,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    (void)global;
    logout.registry = operands.count > 0 ? operands.items[0] : NULL;
    if (status == 0)
        status = login_end(&logout, err);
    md_list_clear(&operands);
    return status;
}

static const struct cli_command commands[] = {
    { "pull", command_pull, "Download images from a registry", CLI_EXIT_1 },
    { "import", command_import, "Make an image of a tar file or a directory", CLI_EXIT_1 },
    { "login", command_login, "Log in to a registry", CLI_EXIT_1 },
    { "logout", command_logout, "Log out from a registry", CLI_EXIT_1 },
    { 0 },
};

int main(int argc, char **argv)
{
    const struct cli_program program = { "minidock-image", commands };

    /* Names in tars are bytes: in this locale libarchive leaves them alone. */
    setlocale(LC_CTYPE, "C.UTF-8");
    return cli_main(&program, argc, argv);
}
