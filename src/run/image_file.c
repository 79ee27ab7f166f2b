/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the head of an executable file, for an error that says what is missing. */
#include "run/image_file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"

#define LINE_SIZE 257      /* BINPRM_BUF_SIZE, and a NUL */
#define MAX_HEADERS 64     /* program headers looked at; linkers make about a dozen */
#define MAX_INTERPRETERS 6 /* the kernel follows 5: fs/exec.c, exec_binprm() */

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#define OUR_MACHINE EM_NONE
#endif

static int open_file(const char *path)
{
    struct stat info;
    MD_AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
        return -1;
    return md_fd_take(&fd);
}

/* "#! /bin/sh -x": the first word, as fs/binfmt_script.c reads it. */
static bool script_interpreter(int fd, char *interpreter, size_t size)
{
    char line[LINE_SIZE] = { 0 };
    ssize_t len = pread(fd, line, sizeof(line) - 1, 0);
    const char *word = line + 2 + strspn(line + 2, " \t");
    size_t word_len = strcspn(word, " \t\n");

    if (len < 3 || line[0] != '#' || line[1] != '!' || word_len == 0 || word_len >= size)
        return false;
    memcpy(interpreter, word, word_len);
    interpreter[word_len] = '\0';
    return true;
}

static bool read_elf(int fd, Elf64_Ehdr *head)
{
    return pread(fd, head, sizeof(*head), 0) == (ssize_t)sizeof(*head) &&
           memcmp(head->e_ident, ELFMAG, SELFMAG) == 0;
}

static bool elf_interpreter(int fd, char *interpreter, size_t size)
{
    Elf64_Ehdr head;
    Elf64_Phdr part;

    if (!read_elf(fd, &head) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_phentsize != sizeof(part))
        return false;
    for (unsigned i = 0; i < head.e_phnum && i < MAX_HEADERS; i++) {
        off_t at = (off_t)(head.e_phoff + (uint64_t)i * sizeof(part));

        if (pread(fd, &part, sizeof(part), at) != (ssize_t)sizeof(part))
            return false;
        if (part.p_type != PT_INTERP)
            continue;
        if (part.p_filesz == 0 || part.p_filesz > size ||
            pread(fd, interpreter, part.p_filesz, (off_t)part.p_offset) !=
                (ssize_t)part.p_filesz)
            return false;
        interpreter[part.p_filesz - 1] = '\0';
        return true;
    }
    return false;
}

bool run_image_file_interpreter(const char *path, char *interpreter, size_t size)
{
    MD_AUTO_FD fd = open_file(path);

    return fd >= 0 && (script_interpreter(fd, interpreter, size) ||
                       elf_interpreter(fd, interpreter, size));
}

bool run_image_file_leads_to(const char *path, dev_t device, ino_t inode)
{
    char interpreter[LINE_SIZE] = "";
    char name[LINE_SIZE];
    struct stat info;

    for (int i = 0; i < MAX_INTERPRETERS; i++) {
        if (stat(path, &info) < 0)
            return false;
        if (info.st_dev == device && info.st_ino == inode)
            return true;
        MD_AUTO_FD fd = open_file(path);

        if (fd < 0 || !script_interpreter(fd, interpreter, sizeof(interpreter)))
            return false;
        memcpy(name, interpreter, sizeof(name));
        path = name;
    }
    return false;
}

const char *run_image_file_why_denied(const char *path)
{
    struct statvfs system;
    struct stat info;

    if (statvfs(path, &system) == 0 && (system.f_flag & ST_NOEXEC))
        return "permission denied: it is on a file system that is mounted noexec";
    if (stat(path, &info) == 0 && !(info.st_mode & 0111))
        return "permission denied: it has no execute bit";
    return "permission denied";
}

const char *run_image_file_why_not(const char *path)
{
    MD_AUTO_FD fd = open_file(path);
    Elf64_Ehdr head;

    if (fd >= 0 && read_elf(fd, &head) && head.e_machine != OUR_MACHINE)
        return "exec format error: it is a program for another architecture";
    return "exec format error";
}
