/* SPDX-License-Identifier: Apache-2.0 */
/* What an executable file says about itself: its interpreter, its architecture. No heap. */
#ifndef MD_RUN_IMAGE_FILE_H
#define MD_RUN_IMAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The file that a #! line or an ELF program names as its interpreter. False: it names none, or
 * the file cannot be read, or the name has size bytes or more. */
bool run_image_file_interpreter(const char *path, char *interpreter, size_t size);

/* Would executing path execute this file, itself or as an interpreter? */
bool run_image_file_leads_to(const char *path, dev_t device, ino_t inode);

/* Why the kernel does not take it for a program: ENOEXEC. */
const char *run_image_file_why_not(const char *path);

/* Why it may not be executed, as far as the file itself tells: EACCES. */
const char *run_image_file_why_denied(const char *path);

#endif
