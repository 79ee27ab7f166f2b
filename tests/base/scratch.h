/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for one test, removed afterwards; shared by the tests of this folder. */
#ifndef TESTS_BASE_SCRATCH_H
#define TESTS_BASE_SCRATCH_H

/* cmocka's setup and teardown: *state is a struct scratch. */
struct scratch {
    int fd;
    char path[64];
};

int scratch_make(void **state);
int scratch_make_in_memory(
    void **state); /* for very many files; on a tmpfs where there is one */
int scratch_remove(void **state);

/* Make a file of this text below the scratch directory. */
void scratch_file(const struct scratch *scratch, const char *name, const char *text);

/* How many descriptors this process has open. */
int count_descriptors(void);

#endif
