/* SPDX-License-Identifier: Apache-2.0 */
/* The --debug log on stderr; the only file-level state of the project. */
#ifndef MD_BASE_LOG_H
#define MD_BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

void md_log_enable(void);
bool md_log_enabled(void);

/* One line on stderr when --debug was given. Text from outside must be escaped first. */
void md_log(const char *fmt, ...) MD_PRINTF(1, 2);

#endif
