/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The static program that tests run in containers: says what it finds, ends as it is told.
 *
 *   inside WORD [ARGUMENT]... [then WORD [ARGUMENT]...]...
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

static volatile sig_atomic_t received;

static void note(int number)
{
    received = number;
}

static int do_exit(char **argument)
{
    fflush(stdout);
    _exit((int)strtol(argument[0], NULL, 10));
}

static int do_say(char **argument)
{
    puts(argument[0]);
    return 0;
}

static int do_complain(char **argument)
{
    fprintf(stderr, "%s\n", argument[0]);
    return 0;
}

/* What came in goes out. */
static int do_copy(char **argument)
{
    char bytes[65536];
    ssize_t got;

    (void)argument;
    while ((got = read(0, bytes, sizeof(bytes))) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t n = write(1, bytes + done, (size_t)(got - done));

            if (n < 0)
                return errno;
            done += n;
        }
    }
    return got < 0 ? errno : 0;
}

/* So many bytes, 0 to 250 over and over. */
static int do_spew(char **argument)
{
    long left = strtol(argument[0], NULL, 10);
    unsigned char byte = 0;

    for (; left > 0; left--) {
        if (putchar(byte) == EOF)
            return errno;
        byte = (unsigned char)((byte + 1) % 251);
    }
    return fflush(stdout) ? errno : 0;
}

/* show FILE: its first megabyte, or the name of the error. */
static int do_show(char **argument)
{
    char bytes[4096];
    FILE *file = fopen(argument[0], "re");
    size_t left = 1 << 20;
    size_t got;

    if (!file) {
        printf("%s: %s\n", argument[0], strerrorname_np(errno));
        return 0;
    }
    for (; left > 0 && (got = fread(bytes, 1, sizeof(bytes), file)) > 0; left -= got)
        fwrite(bytes, 1, got, stdout);
    fclose(file);
    return 0;
}

/* write PATH TEXT: or the name of the error. */
static int do_write(char **argument)
{
    int fd = open(argument[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, argument[1], strlen(argument[1])) < 0)
        printf("%s: %s\n", argument[0], strerrorname_np(errno));
    else
        printf("%s: written\n", argument[0]);
    if (fd >= 0)
        close(fd);
    return 0;
}

/* stat PATH: type, mode, owner, device number. */
static int do_stat(char **argument)
{
    static const char types[] = "?pc?d?b?-?l?s???";
    struct stat info;

    if (lstat(argument[0], &info) < 0)
        printf("%s: %s\n", argument[0], strerrorname_np(errno));
    else
        printf("%s: %c %o %u:%u %u,%u\n", argument[0], types[(info.st_mode & S_IFMT) >> 12],
               info.st_mode & 07777, info.st_uid, info.st_gid, major(info.st_rdev),
               minor(info.st_rdev));
    return 0;
}

static int do_fds(char **argument)
{
    (void)argument;
    for (int fd = 0; fd < 4096; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            printf("%d ", fd);
    }
    printf("\n");
    return 0;
}

static int do_signals(char **argument)
{
    struct sigaction action;
    sigset_t blocked;
    int odd = 0;

    (void)argument;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&blocked, number) == 1)
            odd++;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            odd++;
    }
    printf("signals: %d\n", odd);
    return 0;
}

static int do_facts(char **argument)
{
    gid_t groups[64];
    int count = getgroups(64, groups);
    mode_t mask = umask(0);
    struct utsname name;
    char here[4096];

    (void)argument;
    uname(&name);
    printf("pid %d sid %d uid %u gid %u groups", getpid(), getsid(0), getuid(), getgid());
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    printf("\nhost %s umask %o dumpable %d\n", name.nodename, mask,
           prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    printf("cwd %s\n", getcwd(here, sizeof(here)) ? here : strerrorname_np(errno));
    return 0;
}

static int do_terminal(char **argument)
{
    struct winsize size = { 0 };

    (void)argument;
    ioctl(0, TIOCGWINSZ, &size);
    printf("tty %d%d%d %ux%u %s\n", isatty(0), isatty(1), isatty(2), size.ws_row, size.ws_col,
           isatty(0) ? ttyname(0) : "none");
    return 0;
}

/* handle NUMBER: until the signal comes. */
static int do_handle(char **argument)
{
    const struct sigaction action = { .sa_handler = note };
    int number = (int)strtol(argument[0], NULL, 10);
    sigset_t blocked;
    sigset_t old;

    sigemptyset(&blocked);
    sigaddset(&blocked, number);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    sigaction(number, &action, NULL);
    puts("ready");
    fflush(stdout);
    while (!received)
        sigsuspend(&old);
    printf("received %d\n", (int)received);
    return 0;
}

static int do_ignore(char **argument)
{
    const struct sigaction action = { .sa_handler = SIG_IGN };

    sigaction((int)strtol(argument[0], NULL, 10), &action, NULL);
    return 0;
}

static int do_sleep(char **argument)
{
    fflush(stdout);
    usleep((useconds_t)strtol(argument[0], NULL, 10) * 1000);
    return 0;
}

/* Exchange two names as fast as it goes, for ever. */
static int do_swap(char **argument)
{
    while (renameat2(AT_FDCWD, argument[0], AT_FDCWD, argument[1], RENAME_EXCHANGE) == 0)
        ;
    perror("inside: swap");
    return 97;
}

static const struct {
    const char *word;
    int arguments;
    int (*perform)(char **argument); /* 0, or an exit status */
} words[] = {
    { "exit", 1, do_exit },       { "say", 1, do_say },       { "complain", 1, do_complain },
    { "copy", 0, do_copy },       { "spew", 1, do_spew },     { "show", 1, do_show },
    { "write", 2, do_write },     { "stat", 1, do_stat },     { "fds", 0, do_fds },
    { "signals", 0, do_signals }, { "facts", 0, do_facts },   { "terminal", 0, do_terminal },
    { "handle", 1, do_handle },   { "ignore", 1, do_ignore }, { "sleep", 1, do_sleep },
    { "swap", 2, do_swap },
};

static int perform(int left, char **argument)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcmp(words[i].word, argument[0]) == 0 && left > words[i].arguments) {
            int status = words[i].perform(argument + 1);

            if (status != 0)
                exit(status);
            return 1 + words[i].arguments;
        }
    }
    fprintf(stderr, "inside: what is \"%s\"?\n", argument[0]);
    exit(99);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "then") != 0)
            i += perform(argc - i, argv + i) - 1;
    }
    return fflush(stdout) ? 98 : 0;
}
