/* SPDX-License-Identifier: Apache-2.0 */
/* What a container is to have mounted: from docker's words to the mounts of a plan. */
#ifndef MD_CLI_RUN_MOUNTS_H
#define MD_CLI_RUN_MOUNTS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "cli/run_options.h"
#include "run/plan.h"
#include "store/volume.h"

enum cli_mount_kind { CLI_MOUNT_BIND, CLI_MOUNT_VOLUME, CLI_MOUNT_TMPFS };

/* One mount as it was asked for; nothing is opened. Zero-initialise; strings are owned. */
struct cli_mount {
    enum cli_mount_kind kind;
    char *source;  /* BIND: absolute path; VOLUME: its name, NULL: an anonymous one */
    char *target;  /* absolute and clean */
    char *subpath; /* VOLUME: the directory in it that is mounted, or NULL */
    char *mode;    /* as typed behind the target, for inspect; NULL: nothing */
    unsigned long long attributes; /* MOUNT_ATTR_* */
    bool create;                   /* BIND: make a missing source */
    bool no_copy;                  /* VOLUME: do not fill a new one from the image */
    bool anonymous;                /* VOLUME: goes with the container */
    bool not_recursive;            /* BIND: without what is mounted below the source */
    struct json_t *labels;         /* VOLUME: of a new one, or NULL */
    char *tmpfs_size;              /* bytes, or NULL */
    mode_t tmpfs_mode;
};

void cli_mount_clear(struct cli_mount *mount);

/*
 * -v [SOURCE:]TARGET[:OPTIONS], --tmpfs TARGET[:OPTIONS], --mount type=...,...
 *
 * Errors: MD_ERR_USAGE  malformed, naming it
 */
MD_MUST_CHECK
int cli_mount_volume(const char *text, struct cli_mount *mount, struct md_err *err);
MD_MUST_CHECK
int cli_mount_tmpfs(const char *text, struct cli_mount *mount, struct md_err *err);
MD_MUST_CHECK
int cli_mount_flag(const char *text, struct cli_mount *mount, struct md_err *err);

/* The parts of these. A target: absolute, cleaned as Go's path.Clean does. */
MD_MUST_CHECK
int cli_mount_set_target(struct cli_mount *mount, const char *target, struct md_err *err);
/* A source of the host; a relative one is below the caller's working directory. */
void cli_mount_set_source(struct cli_mount *mount, const char *source);

/* All mounts of one container. Zero-initialise. */
struct cli_mounts {
    struct cli_mount *items;
    size_t count;
    struct store_volume *volumes; /* held until cli_mounts_clear() */
    size_t volume_count;
};

/* What they come from; all borrowed. */
struct cli_mounts_from {
    const struct store *store;
    const struct cli_run_options *options;
    const struct md_oci_config *image;
    int rootfs; /* what new volumes are filled from */
    /* "mounts" of a container that is started again: it gets these and no others; or NULL. */
    const struct json_t *saved;
};

/*
 * Gather the mounts that the options, the image and --volumes-from ask for: what is named comes
 * before --volumes-from, and that before anonymous volumes. Then make what is missing, fill new
 * volumes and give plan its mounts.
 *
 * Errors: MD_ERR_USAGE      Duplicate mount point: /x; malformed
 *         MD_ERR_NOT_FOUND  a bind's source, a container, a volume of --volumes-from
 *         MD_ERR_SYSTEM
 */
MD_MUST_CHECK
int cli_mounts_plan(const struct cli_mounts_from *from, struct cli_mounts *mounts,
                    struct run_plan *plan, struct md_err *err);

/* Gathering alone; nothing is opened but other containers. */
MD_MUST_CHECK
int cli_mounts_gather(const struct cli_mounts_from *from, struct cli_mounts *mounts,
                      struct md_err *err);

/*
 * After cli_mounts_plan(): what "mounts" of the container's config.json is to be, anonymous
 * volumes by their names; and the reverse.
 *
 * Errors: MD_ERR_FORMAT
 */
struct json_t *cli_mounts_save(const struct cli_mounts *mounts);
MD_MUST_CHECK
int cli_mounts_load(const struct json_t *saved, struct cli_mounts *mounts, struct md_err *err);

/* Let go of the volumes. Safe on a zeroed and on a cleared one. */
void cli_mounts_clear(struct cli_mounts *mounts);

/* The same where no container was made: anonymous volumes that were made for it go too. */
void cli_mounts_undo(const struct store *store, struct cli_mounts *mounts);

#endif
