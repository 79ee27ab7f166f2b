/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a fresh temporary directory, and images, layers and containers made by hand. */
#ifndef TEST_FRESH_STORE_H
#define TEST_FRESH_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/container.h"
#include "store/image.h"
#include "store/store.h"

/* *state of every test. */
struct fresh {
    char *path; /* temporary directory */
    struct store store;
};

int fresh_setup(void **state);
int fresh_teardown(void **state);

/* An id, diff id or the like: 64 times the letter. */
const char *fresh_id(char letter, char out[STORE_ID_SIZE]);

/* A finished layer that waits in .partial, with one file. */
void fresh_layer(const struct store *store, char letter);

/* Publish an image with these layers ("ab": diff ids of a's and of b's); not named. */
void fresh_image(const struct store *store, char letter, const char *layers);

/* Name an image; served 0: none. */
void fresh_name(const struct store *store, const char *name, char letter, char served);

/* A container of the image ("" for none) in a state, not locked; id into out. */
void fresh_container(const struct store *store, const char *name, char image,
                     enum store_status status, char out[STORE_ID_SIZE]);

/* Make a file below dirfd. */
void fresh_file(int dirfd, const char *name, const char *text);

bool exists(int dirfd, const char *name);
size_t count_entries(int folder);

/* Run in a child process that then holds what it has open until it is killed. */
typedef void fresh_child_fn(struct fresh *fresh);
pid_t fresh_child(struct fresh *fresh, fresh_child_fn *work);
void fresh_kill(pid_t pid);

#endif
