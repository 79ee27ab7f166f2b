/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal: raw while the container has the foreground, and as before
 * afterwards. */
#ifndef MD_RUN_TERMINAL_H
#define MD_RUN_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

#include "run/plan.h"

struct run_terminal {
    int fd; /* the caller's stdin where keys are to be passed on; -1: nothing to do */
    bool raw;
    struct termios saved;
};

/* Remember the settings; nothing is changed yet. */
void run_terminal_open(const struct run_plan *plan, struct run_terminal *terminal);

/* Raw, if this process is in the foreground of its terminal (again). */
void run_terminal_enter(struct run_terminal *terminal);

/* As it was found. Also for the watching process, which is in the background: TTOU must be
 * blocked or ignored. */
void run_terminal_restore(struct run_terminal *terminal);

/* Give the size of the caller's window to the program's terminal. */
void run_terminal_resize(int master);

/*
 * Would these bytes, typed into the program's terminal, be a Ctrl-C that nothing but process
 * pid gets: the terminal makes signals of keys, and the process group pid is in front?
 */
bool run_terminal_interrupts(int master, const unsigned char *bytes, size_t len, pid_t pid);

#endif
