/* SPDX-License-Identifier: Apache-2.0 */
/* minidock-image: all that talks to registries, reads or writes tar: pull, login, cp ... */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "files/files.h"
#include "pull/login.h"
#include "pull/pull.h"

#define MOST_RETRIES 1000

/*
 * Interrupted: what came of a pull stays in .partial for the next one, all else is removed when
 * that starts, so there is nothing to do but to say so and die of the signal. The other
 * processes of the pull die with this one.
 */
static void say_and_die(const char *text, int number)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));

    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void pull_interrupted(int number)
{
    say_and_die("\nminidock: interrupted; the next pull goes on from here\n", number);
}

static void import_interrupted(int number)
{
    say_and_die("\nminidock: interrupted\n", number);
}

static void when_interrupted(void (*handler)(int number))
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        const struct sigaction action = { .sa_handler = handler };
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
    return store_open(global->root, STORE_WRITE, store, err);
}

/* --retry: so many more attempts after one that brought nothing. */
static int choose_attempts(const char *retry, uint32_t *attempts, struct md_err *err)
{
    uint64_t count;

    if (!retry)
        return 0;
    if (md_text_parse_u64(retry, MOST_RETRIES, &count) < 0)
        return md_err_set(err, MD_ERR_USAGE, "--retry takes a number from 0 to %d",
                          MOST_RETRIES);
    *attempts = (uint32_t)count + 1;
    return 0;
}

/* What the words of the pull command were. */
struct pull_words {
    const char *platform;
    const char *progress;
    const char *format;
};

static int check_pull(const struct pull_words *words, struct pull_options *pull,
                      struct md_err *err)
{
    pull->platform_asked = words->platform != NULL;
    if (words->progress && pull_show_parse(words->progress, &pull->show, err) < 0)
        return -1;
    if (words->format && strcmp(words->format, "json") != 0)
        return md_err_set(err, MD_ERR_USAGE, "invalid format \"%s\": pull knows json only",
                          words->format);
    if (words->format && !pull->dry_run)
        return md_err_set(err, MD_ERR_USAGE, "--format goes with --dry-run");
    if (pull->locked && pull->all_tags)
        return md_err_set(err, MD_ERR_USAGE, "conflicting options: --locked and --all-tags");
    pull->json = words->format != NULL;
    return choose_platform(words->platform, &pull->platform, err);
}

static int run_pull(const struct cli_global *global, const struct pull_options *pull,
                    const struct md_list *names, struct md_err *err)
{
    struct store store;
    int status = pull->dry_run ? store_open(global->root, STORE_READ, &store, err)
                               : open_store(global, "pull", &store, err);

    if (status == 0) {
        when_interrupted(pull_interrupted);
        status = pull_images(&store, pull, names, err);
        store_close(&store);
    }
    return status;
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
    struct pull_words words = { 0 };
    struct md_list names = { 0 };
    const char *retry = NULL;
    const struct cli_option options[] = {
        { 'a', "all-tags", CLI_FLAG, NULL, "Pull all tags of the repository", &pull.all_tags },
        { 'n', "dry-run", CLI_FLAG, NULL, "Only say what would be downloaded", &pull.dry_run },
        { 0, "force", CLI_FLAG, NULL, "Download and unpack again what is there", &pull.force },
        { 0, "format", CLI_TEXT, "json", "With --dry-run: one JSON object on each line",
          &words.format },
        { 0, "lock", CLI_TEXT, "FILE", "Record in FILE which digest each name stands for",
          &pull.lock },
        { 0, "locked", CLI_FLAG, NULL,
          "Pull the digests in the lock file (default " PULL_LOCK_FILE ")", &pull.locked },
        { 0, "platform", CLI_TEXT, "OS/ARCH[/VARIANT]",
          "Platform of the image (default: $DOCKER_DEFAULT_PLATFORM, else the host's)",
          &words.platform },
        { 0, "progress", CLI_TEXT, "HOW",
          "auto (bars on a terminal, else plain), plain, tty, json or none", &words.progress },
        { 0, "retry", CLI_TEXT, "N", "Attempts after one that brought nothing (default: 4)",
          &retry },
        { 'q', "quiet", CLI_FLAG, NULL, "Print only the full name", &pull.quiet },
        { 0, "creds", CLI_TEXT, "USER:PASSWORD", "Who asks; better: login",
          &pull.credentials.creds },
        { 0, "authfile", CLI_TEXT, "FILE", "File with credentials ($REGISTRY_AUTH_FILE)",
          &pull.credentials.authfile },
        { 0 },
    };
    const struct cli_syntax syntax = { "pull [OPTIONS] NAME[:TAG|@DIGEST]...",
                                       "Download images from a registry",
                                       "A NAME may be oci:DIR[:TAG], oci-archive:FILE[:TAG] or "
                                       "docker-archive:FILE[:NAME].",
                                       1,
                                       -1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &names, err);
    MD_AUTO_FREE char *creds = hide_argument(pull.credentials.creds);

    pull.credentials.creds = creds;
    if (status == 0)
        status = choose_attempts(retry, &pull.attempts, err);
    if (status == 0)
        status = check_pull(&words, &pull, err);
    if (status == 0)
        status = run_pull(global, &pull, &names, err);
    md_list_clear(&names);
    return status;
}

static int run_load(const struct cli_global *global, const struct pull_options *load,
                    const char *path, struct md_err *err)
{
    struct store store;
    int status = open_store(global, "load", &store, err);

    if (status == 0) {
        status = load_images(&store, load, path, err);
        store_close(&store);
    }
    return status;
}

static int command_load(const struct cli_global *global, int argc, char **argv,
                        struct md_err *err)
{
    struct pull_options load = { .out = stdout };
    struct md_list operands = { 0 };
    const char *platform = NULL;
    const char *input = NULL;
    const struct cli_option options[] = {
        { 'i', "input", CLI_TEXT, "FILE|DIR", "Read this instead of standard input", &input },
        { 0, "platform", CLI_TEXT, "OS/ARCH[/VARIANT]", "Platform of the images to load",
          &platform },
        { 'q', "quiet", CLI_FLAG, NULL, "No bars", &load.quiet },
        { 0 },
    };
    const struct cli_syntax syntax = {
        "load [OPTIONS]", "Load images from an archive or an OCI layout", NULL, 0, 0, false,
        options
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    load.platform_asked = platform != NULL;
    /* As docker does: bars, or nothing but the names. */
    load.quiet = load.quiet || pull_show_on(stdout, PULL_SHOW_AUTO) == PULL_SHOW_PLAIN;
    if (status == 0)
        status = choose_platform(platform, &load.platform, err);
    if (status == 0)
        status = run_load(global, &load, input, err);
    md_list_clear(&operands);
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
        "An OCI layout, and an archive of images, are loaded as they are.",
        1,
        2,
        false,
        options
    };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    import.platform_asked = platform != NULL;
    if (status == 0 && choose_platform(platform, &import.platform, err) < 0)
        status = -1;
    if (status == 0)
        status = open_store(global, "import", &store, err);
    if (status == 0) {
        when_interrupted(import_interrupted);
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

static int command_cp(const struct cli_global *global, int argc, char **argv,
                      struct md_err *err)
{
    struct files_cp cp = { 0 };
    struct md_list operands = { 0 };
    struct store store;
    const struct cli_option options[] = {
        { 'a', "archive", CLI_FLAG, NULL, "Keep owners, set-user-id bits and capabilities",
          &cp.archive },
        { 'L', "follow-link", CLI_FLAG, NULL, "Copy what a link in the source leads to",
          &cp.follow },
        { 'q', "quiet", CLI_FLAG, NULL, "Do not say how much was copied", &cp.quiet },
        { 0 },
    };
    const struct cli_syntax syntax = { "cp [OPTIONS] CONTAINER:PATH PATH|-\n        minidock "
                                       "cp [OPTIONS] PATH|- CONTAINER:PATH",
                                       "Copy files between a container and the host",
                                       "\"-\" is a tar on standard output or input. \"/.\" "
                                       "behind a directory means what is in it.",
                                       2,
                                       2,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = open_store(global, "cp", &store, err);
    if (status == 0) {
        cp.source = operands.items[0];
        cp.target = operands.items[1];
        status = files_cp(&store, &cp, err);
        store_close(&store);
    }
    md_list_clear(&operands);
    return status;
}

static int command_export(const struct cli_global *global, int argc, char **argv,
                          struct md_err *err)
{
    struct md_list operands = { 0 };
    const char *output = NULL;
    struct store store;
    const struct cli_option options[] = {
        { 'o', "output", CLI_TEXT, "FILE", "Write to FILE instead of standard output",
          &output },
        { 0 },
    };
    const struct cli_syntax syntax = { "export [OPTIONS] CONTAINER",
                                       "Write a container's root file system as a tar",
                                       "What is mounted in it is left out.",
                                       1,
                                       1,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = open_store(global, "export", &store, err);
    if (status == 0) {
        status = files_export(&store, operands.items[0], output, err);
        store_close(&store);
    }
    md_list_clear(&operands);
    return status;
}

static int command_commit(const struct cli_global *global, int argc, char **argv,
                          struct md_err *err)
{
    struct files_commit commit = { .pause = true };
    struct md_list operands = { 0 };
    struct store store;
    const struct cli_option options[] = {
        { 'a', "author", CLI_TEXT, "TEXT", "Author that the image keeps", &commit.author },
        { 'c', "change", CLI_LIST, "INSTRUCTION",
          "An instruction as in a Dockerfile: CMD, ENV, USER ...", &commit.changes },
        { 'm', "message", CLI_TEXT, "TEXT", "Comment that the image keeps", &commit.message },
        { 'p', "pause", CLI_FLAG, NULL, "Freeze the container meanwhile (the default)",
          &commit.pause },
        { 0 },
    };
    const struct cli_syntax syntax = { "commit [OPTIONS] CONTAINER [NAME[:TAG]]",
                                       "Make an image of a container",
                                       "What is mounted in it is left out.",
                                       1,
                                       2,
                                       false,
                                       options };
    int status = cli_parse(&syntax, argc, argv, &operands, err);

    if (status == 0)
        status = open_store(global, "commit", &store, err);
    if (status == 0) {
        commit.container = operands.items[0];
        commit.name = operands.count > 1 ? operands.items[1] : NULL;
        store_sweep(&store);
        status = files_commit(&store, &commit, err);
        store_close(&store);
    }
    md_list_clear(&operands);
    md_list_clear(&commit.changes);
    return status;
}

static const struct cli_command commands[] = {
    { "pull", command_pull, "Download images from a registry", CLI_EXIT_1 },
    { "load", command_load, "Load images from an archive", CLI_EXIT_1 },
    { "import", command_import, "Make an image of a tar file or a directory", CLI_EXIT_1 },
    { "login", command_login, "Log in to a registry", CLI_EXIT_1 },
    { "logout", command_logout, "Log out from a registry", CLI_EXIT_1 },
    { "cp", command_cp, "Copy files between a container and the host", CLI_EXIT_1 },
    { "export", command_export, "Write a container's root file system as a tar", CLI_EXIT_1 },
    { "commit", command_commit, "Make an image of a container", CLI_EXIT_1 },
    { 0 },
};

/* Each layer of an image is held by a descriptor until the image is published. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    const struct cli_program program = { "minidock-image", commands };

    /* Names in tars are bytes: in this locale libarchive leaves them alone. */
    setlocale(LC_CTYPE, "C.UTF-8");
    allow_descriptors();
    return cli_main(&program, argc, argv);
}
