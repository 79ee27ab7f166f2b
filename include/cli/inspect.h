/* SPDX-License-Identifier: Apache-2.0 */
/* What inspect shows, in docker's shapes. */
#ifndef MD_CLI_INSPECT_H
#define MD_CLI_INSPECT_H

#include "base/err.h"
#include "base/json.h"
#include "store/container.h"
#include "store/image.h"

enum cli_sizes { CLI_SIZES_LEFT_OUT, CLI_SIZES_COUNTED };

/* A container; with CLI_SIZES_COUNTED also SizeRw and SizeRootFs. The caller owns it. */
struct json_t *cli_inspect_container(const struct store *store,
                                     const struct store_container *container,
                                     const struct store_state *state, enum cli_sizes sizes);

/* An image with its names. NULL with *err when those cannot be read. */
struct json_t *cli_inspect_image(const struct store *store, const struct store_image *image,
                                 struct md_err *err);

#endif
