/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers on disk: .containers/<id>/ with config.json, state.json, log, upper/, work/, and
 * a symlink .containers/<name> -> <id>.
 *
 * Whoever runs a container holds an exclusive lock on its directory (store_container.dir, and
 * every copy of that descriptor that a watching process inherits). A directory that can be
 * locked has nobody who looks after it any more.
 */
#ifndef MD_STORE_CONTAINER_H
#define MD_STORE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/json.h"
#include "store/image.h"
#include "store/process.h"
#include "store/store.h"

#define STORE_CONTAINER_NAME_SIZE 129

#define STORE_REASON_SIZE 256
#define STORE_CGROUP_SIZE 512

/*
 * The states, each with who brings it about:
 *
 *   CREATED     create; or a start that failed (error says why, exit_code is 125 to 127)
 *   RUNNING     its runner: `minidock run`, or the supervisor of a detached container
 *   RESTARTING  the supervisor, while it waits before the next start
 *   EXITED      the runner; or the next command, where the runner was killed
 *   PAUSED      never on disk: a RUNNING one whose cgroup is frozen, which cli/ looks up
 *
 * docker's "removing" is never seen, as a removal is one rename, and neither is "dead".
 */
enum store_status {
    STORE_CREATED,
    STORE_RUNNING,
    STORE_EXITED,
    STORE_RESTARTING,
    STORE_PAUSED
};

/* docker's word for it: "created", "running" ... */
const char *store_status_word(enum store_status status);

/*
 * state.json: what changes. Written atomically, and only by who holds the container's lock,
 * with the boot id its processes belong to.
 */
struct store_state {
    enum store_status status;
    struct store_process runner;    /* minidock run, or the supervisor */
    struct store_process init;      /* the container's PID 1 */
    int exit_code;                  /* EXITED; -1: unknown, its runner was killed */
    char error[512];                /* why it could not start, or "" */
    char reason[STORE_REASON_SIZE]; /* why it ended, unless that was its own doing, or "" */
    char cgroup[STORE_CGROUP_SIZE]; /* the directory of its cgroup, or "" */
    char boot_id[37];               /* of its last start; "" when it is written: this boot */
    bool oom_killed;
    bool stopped_by_hand;    /* so that no policy starts it again */
    unsigned restarts;       /* by its policy, since a command started it */
    struct timespec started; /* tv_sec 0: never */
    struct timespec finished;
};

/*
 * config.json: what the container was created with. Zero-initialise. The members "id", "name",
 * "created", "image_id", "image" and "args" of config are written from the fields before it;
 * "auto_remove": true is what --rm means to store_container_mend(), and whoever removes such a
 * container removes its "anonymous_volumes" too; the rest is the caller's.
 */
struct store_container {
    char id[STORE_ID_SIZE];
    char name[STORE_CONTAINER_NAME_SIZE];
    int dir;          /* locked exclusively by its runner, else unlocked */
    char *image_id;   /* "" for --rootfs */
    char *image_name; /* as typed, for ps */
    struct timespec created;
    struct md_list args;   /* what runs: entrypoint and command */
    struct json_t *config; /* the whole of config.json, for inspect; owned */
};

/*
 * Make a container: a fresh random id, its directory with upper/ (mode and owner are those of
 * the image's rootfs) and work/, config.json, the name as a symlink. An empty container->name
 * gets a generated one (adjective_noun). On return container has id, name, created, config and
 * dir (exclusive lock). The caller holds the image open until this returns.
 *
 * No state.json is written: without one a container is CREATED and about to be started by its
 * runner. To keep an --rm container for a later start, write state CREATED.
 *
 * Errors: MD_ERR_USAGE     a name outside [a-zA-Z0-9][a-zA-Z0-9_.-]+, or over 128 bytes
 *         MD_ERR_CONFLICT  docker's words: Conflict. The container name "/x" is already in use
 *                          by container "<id>". You have to remove (or rename) that container
 *                          to be able to reuse that name.
 *         MD_ERR_SYSTEM    nothing is left behind
 */
MD_MUST_CHECK
int store_container_create(const struct store *store, struct store_container *container,
                           struct md_err *err);

/* Descriptors (O_PATH) of upper/ and work/ for an overlay mount. */
MD_MUST_CHECK
int store_container_upper(const struct store_container *container, int *upper, int *work,
                          struct md_err *err);

/*
 * Open by id, name or unique id prefix, tried in this order as docker does; not locked.
 *
 * Errors: MD_ERR_NOT_FOUND  No such container: x
 *         MD_ERR_USAGE      the prefix is ambiguous
 *         MD_ERR_FORMAT     its config.json is damaged; container has id, dir and config NULL,
 *                           is enough for store_container_remove() and must be cleared
 */
MD_MUST_CHECK
int store_container_open(const struct store *store, const char *what,
                         struct store_container *container, struct md_err *err);

/* The same below another folder than .containers, by id only. */
MD_MUST_CHECK
int store_container_open_in(int folder, const char *id, struct store_container *container,
                            struct md_err *err);

/* Closes dir, which unlocks. Safe on a zeroed and on a cleared one. */
void store_container_clear(struct store_container *container);

/*
 * The state, with the truth about its processes: RUNNING whose init is gone is shown as EXITED
 * (code -1 when its runner has not written it, which is waited for a moment while it lives),
 * and so is RESTARTING without a supervisor.
 */
MD_MUST_CHECK
int store_container_state(const struct store *store, const struct store_container *container,
                          struct store_state *state, struct md_err *err);
MD_MUST_CHECK
int store_container_set_state(const struct store *store,
                              const struct store_container *container,
                              const struct store_state *state, struct md_err *err);

/*
 * All containers' ids, newest first; the caller frees *ids. The age is the modification time
 * of config.json: who rewrites that keeps it. A container may be gone when it is opened
 * (MD_ERR_NOT_FOUND): skip it.
 */
MD_MUST_CHECK
int store_container_list(const struct store *store, char (**ids)[STORE_ID_SIZE], size_t *count,
                         struct md_err *err);

/*
 * Remove its name and move its directory to .trash/<id>: it is gone for everybody else. Then
 * store_container_bury(), in any process that has its lock, or the next sweep deletes it.
 */
MD_MUST_CHECK
int store_container_retire(const struct store *store, const struct store_container *container,
                           struct md_err *err);
void store_container_bury(const struct store *store, const struct store_container *container);

/*
 * Remove its name and directory (through .trash). The caller has seen to it that nothing runs;
 * the exclusive lock is taken on container->dir here, where it is not held yet.
 *
 * Errors: MD_ERR_CONFLICT  another process holds the lock: it runs, or is being removed
 *         MD_ERR_SYSTEM    some of it could not be deleted (the rest is, and it is not listed)
 */
MD_MUST_CHECK
int store_container_remove(const struct store *store, const struct store_container *container,
                           struct md_err *err);

/*
 * Wait until the process init is not the container's any more, as far as its runner has written
 * that down: then *state is what became of it, and 1 is returned; 0 when timeout_ms (-1: none)
 * is over; -1 with MD_ERR_NOT_FOUND when the container is gone, for which its tombstone tells.
 */
MD_MUST_CHECK
int store_container_await(const struct store *store, const struct store_container *container,
                          const struct store_process *init, int timeout_ms,
                          struct store_state *state, struct md_err *err);

/* What a dead runner has left outside of the store: kill and remove it. */
typedef void store_left_fn(const char *id, const char *cgroup);

/*
 * Mend what killed runners left: an init that lives while its runner is dead is killed, the
 * state is written as EXITED (-1), a container made with --rm is removed, and so is one whose
 * making was cut short. One that is locked is never touched. Failures are only logged.
 */
void store_container_mend(const struct store *store, store_left_fn *clear_left);

/*
 * Change its config.json under a lock of that file, whether the container runs or not: change()
 * works on a fresh container->config. Its age stays as it was.
 *
 * Errors: MD_ERR_NOT_FOUND, MD_ERR_SYSTEM, and what change() returns with -1
 */
typedef int store_config_fn(struct json_t *config, void *context, struct md_err *err);
MD_MUST_CHECK
int store_container_change(struct store_container *container, store_config_fn *change,
                           void *context, struct md_err *err);

/* Remove a name, if it is this container's. */
void store_container_unname(const struct store *store, const char *id, const char *name);

/* Give it another name. Errors: MD_ERR_USAGE, MD_ERR_CONFLICT as store_container_create(). */
MD_MUST_CHECK
int store_container_rename(const struct store *store, struct store_container *container,
                           const char *name, struct md_err *err);

/* The id of a container that names this image, a running one if there is one, or "". */
MD_MUST_CHECK
int store_container_using(const struct store *store, const char *image_id,
                          char id[STORE_ID_SIZE], struct md_err *err);

#endif
