/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the scripted server on loopback. */
#include "faulty.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

/* TEST_DATA is tests/data, which may not be there: ".." would not lead out of it. */
static char *server_path(void)
{
    const char *data = TEST_DATA;
    int tests_len = (int)(strrchr(data, '/') - data);

    return md_xasprintf("%.*s/e2e/lib/faulty_registry.py", tests_len, data);
}

void faulty_open(struct faulty *faulty)
{
    memset(faulty, 0, sizeof(*faulty));
    snprintf(faulty->dir, sizeof(faulty->dir), "/tmp/minidock-faulty-XXXXXX");
    assert_non_null(mkdtemp(faulty->dir));
    faulty->script = md_json_object();
    faulty->stop_fd = -1;
}

void faulty_close(struct faulty *faulty)
{
    md_fd_close(&faulty->stop_fd);
    if (faulty->pid > 0) {
        kill(faulty->pid, SIGKILL);
        waitpid(faulty->pid, NULL, 0);
    }
    md_json_free(&faulty->script);
    assert_int_equal(md_path_remove_tree(AT_FDCWD, faulty->dir), 0);
}

static void add_answer(struct faulty *faulty, const char *key, struct json_t *answer)
{
    const struct json_t *old = md_json_get(faulty->script, key);
    struct json_t *answers = old ? md_json_copy(old) : md_json_array();

    md_json_append(answers, answer);
    md_json_set(faulty->script, key, answers);
}

void faulty_answer(struct faulty *faulty, const char *key, const char *fmt, ...)
{
    struct md_err err = { 0 };
    MD_AUTO_FREE char *text = NULL;
    struct json_t *answer;
    va_list args;

    va_start(args, fmt);
    assert_true(vasprintf(&text, fmt, args) >= 0);
    va_end(args);
    for (char *byte = text; *byte; byte++) {
        if (*byte == '\'') {
            *byte = '"';
        }
    }
    answer = md_json_parse(text, strlen(text), "answer", &err);
    assert_non_null(answer);
    add_answer(faulty, key, answer);
}

void faulty_serve(struct faulty *faulty, const char *key, const char *type, const char *body)
{
    struct json_t *answer = md_json_object();
    struct json_t *headers = md_json_object();

    md_json_set(headers, "Content-Type", md_json_string(type));
    md_json_set(answer, "headers", headers);
    md_json_set(answer, "body", md_json_string(body));
    add_answer(faulty, key, answer);
}

char *faulty_path(const struct faulty *faulty, const char *name)
{
    return md_xasprintf("%s/%s", faulty->dir, name);
}

static void make_certificates(const struct faulty *faulty)
{
    MD_AUTO_FREE char *server = server_path();
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        execlp("python3", "python3", server, "--make-certificates", faulty->dir, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static _Noreturn void run_server(const struct faulty *faulty, const char *kinds)
{
    MD_AUTO_FREE char *server = server_path();
    MD_AUTO_FREE char *script = faulty_path(faulty, "script");
    MD_AUTO_FREE char *log = faulty_path(faulty, "log");
    MD_AUTO_FREE char *cert = faulty_path(faulty, "cert.pem");
    MD_AUTO_FREE char *key = faulty_path(faulty, "key.pem");

    execlp("python3", "python3", server, "--script", script, "--log", log, "--listen", kinds,
           "--cert", cert, "--key", key, (char *)NULL);
    _exit(127);
}

static void read_ports(struct faulty *faulty, int fd)
{
    char line[64] = "";
    char *rest = line;
    size_t len = 0;

    while (!strchr(line, '\n')) {
        ssize_t got = read(fd, line + len, sizeof(line) - 1 - len);

        assert_true(got > 0);
        len += (size_t)got;
    }
    for (size_t i = 0; i < 4 && *rest; i++) {
        faulty->ports[i] = (int)strtol(rest, &rest, 10);
        rest += strspn(rest, " \n");
    }
}

void faulty_start(struct faulty *faulty, const char *kinds)
{
    struct md_err err = { 0 };
    MD_AUTO_FREE char *script = faulty_path(faulty, "script");
    int out[2];
    int in[2];

    assert_int_equal(md_json_write(AT_FDCWD, script, faulty->script, &err), 0);
    if (strstr(kinds, "tls")) {
        make_certificates(faulty);
    }
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    faulty->pid = fork();
    assert_true(faulty->pid >= 0);
    if (faulty->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        run_server(faulty, kinds);
    }
    close(in[0]);
    close(out[1]);
    faulty->stop_fd = in[1];
    read_ports(faulty, out[0]);
    close(out[0]);
}

static bool holds_all(const char *line, va_list texts)
{
    const char *text;

    while ((text = va_arg(texts, const char *))) {
        if (!strstr(line, text)) {
            return false;
        }
    }
    return true;
}

int faulty_count(const struct faulty *faulty, ...)
{
    MD_AUTO_FREE char *path = faulty_path(faulty, "log");
    MD_AUTO_FILE file = fopen(path, "re");
    MD_AUTO_FREE char *line = NULL;
    size_t size = 0;
    int count = 0;

    while (file && getline(&line, &size, file) > 0) {
        va_list texts;

        va_start(texts, faulty);
        count += holds_all(line, texts);
        va_end(texts);
    }
    return count;
}
