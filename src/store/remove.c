/* SPDX-License-Identifier: Apache-2.0 */
/* Removing images: docker's rules for names and conflicts, then what nobody uses any more. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/container.h"
#include "store/image.h"
#include "store/unused.h"

/* How often names may change under our feet before we give up. */
#define MAX_TRIES 16

/* What is going to happen; made without a lock, then made true or made again. */
struct plan {
    const struct store *store;
    const char *what; /* as typed */
    enum store_force force;
    char id[STORE_ID_SIZE];
    char name[MD_REF_TEXT_SIZE]; /* what the user named, or "" for an id */
    struct md_list names;        /* all names of the image, sorted */
    struct md_list untag;        /* those that go, sorted */
    struct md_list shown;        /* how docker calls those, digests included, in its order */
    bool delete;                 /* the image goes as well */
    char user[STORE_ID_SIZE];    /* a container that names the image, or "" */
    bool running;                /* it is running */
};

static void plan_clear(struct plan *plan)
{
    md_list_clear(&plan->names);
    md_list_clear(&plan->untag);
    md_list_clear(&plan->shown);
}

static bool has(const struct md_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_canonical(const char *name)
{
    struct md_ref ref;

    return md_ref_from_store_name(name, &ref) == 0 && ref.digest.alg;
}

static bool same_repository(const char *a, const char *b)
{
    struct md_ref left;
    struct md_ref right;

    return md_ref_from_store_name(a, &left) == 0 && md_ref_from_store_name(b, &right) == 0 &&
           strcmp(left.registry, right.registry) == 0 &&
           strcmp(left.repository, right.repository) == 0;
}

/* All names are of one repository and at most one is a tag; none is not single. */
static bool is_single(const struct md_list *names)
{
    size_t tags = 0;

    for (size_t i = 0; i < names->count; i++) {
        tags += is_canonical(names->items[i]) ? 0 : 1;
        if (!same_repository(names->items[0], names->items[i])) {
            return false;
        }
    }
    return names->count > 0 && tags <= 1;
}

/* The name goes; if it was its repository's last tag here, so do the digests of that one. */
static void choose_untag(struct plan *plan)
{
    bool tags_left = is_canonical(plan->name);

    for (size_t i = 0; i < plan->names.count; i++) {
        const char *other = plan->names.items[i];

        tags_left = tags_left || (strcmp(other, plan->name) != 0 && !is_canonical(other) &&
                                  same_repository(other, plan->name));
    }
    for (size_t i = 0; i < plan->names.count; i++) {
        const char *other = plan->names.items[i];

        if (strcmp(other, plan->name) == 0 ||
            (!tags_left && is_canonical(other) && same_repository(other, plan->name))) {
            md_list_add(&plan->untag, other);
        }
    }
}

static void show(struct plan *plan, const struct md_ref *ref)
{
    char text[MD_REF_TEXT_SIZE];

    md_ref_familiar(ref, text);
    if (!has(&plan->shown, text)) {
        md_list_add(&plan->shown, text);
    }
}

/* docker keeps a reference by digest beside the tags it has pulled: it goes with the last. */
static void show_served(struct plan *plan, const struct store_name *record)
{
    struct md_ref ref;

    if (!record->served.alg || md_ref_from_store_name(record->name, &ref) < 0) {
        return;
    }
    for (size_t i = 0; i < plan->names.count; i++) {
        const char *other = plan->names.items[i];

        if (!has(&plan->untag, other) && same_repository(other, record->name)) {
            return;
        }
    }
    ref.tag[0] = '\0';
    ref.digest = record->served;
    show(plan, &ref);
}

static void choose_shown(struct plan *plan)
{
    for (size_t i = 0; i < plan->untag.count; i++) {
        struct md_ref ref;

        if (!is_canonical(plan->untag.items[i]) &&
            md_ref_from_store_name(plan->untag.items[i], &ref) == 0) {
            show(plan, &ref);
        }
    }
    for (size_t i = 0; i < plan->untag.count; i++) {
        struct store_name record;
        struct md_err gone = { 0 };
        struct md_ref ref;

        if (is_canonical(plan->untag.items[i])) {
            if (md_ref_from_store_name(plan->untag.items[i], &ref) == 0) {
                show(plan, &ref);
            }
        } else if (store_name_read(plan->store, plan->untag.items[i], &record, &gone) == 0) {
            show_served(plan, &record);
        }
    }
}

static int find_user(struct plan *plan, struct md_err *err)
{
    struct store_container container = { 0 };
    struct store_state state;
    struct md_err gone = { 0 };

    plan->running = false;
    if (store_container_using(plan->store, plan->id, plan->user, err) < 0) {
        return -1;
    }
    if (plan->user[0] &&
        store_container_open(plan->store, plan->user, &container, &gone) == 0) {
        plan->running = store_container_state(plan->store, &container, &state, &gone) == 0 &&
                        state.status == STORE_RUNNING;
        store_container_clear(&container);
    }
    return 0;
}

static int conflict(const struct plan *plan, const char *how, const char *why, const char *who,
                    struct md_err *err)
{
    return md_err_set(err, MD_ERR_CONFLICT, "conflict: unable to delete %.12s (%s) - %s%.12s",
                      plan->id, how, why, who);
}

static int check_by_name(const struct plan *plan, struct md_err *err)
{
    char shown[256];

    if (plan->force == STORE_FORCE || !plan->user[0] || !is_single(&plan->names)) {
        return 0;
    }
    return md_err_set(err, MD_ERR_CONFLICT,
                      "conflict: unable to remove repository reference \"%s\" (must force) - "
                      "container %.12s is using its referenced image %.12s",
                      md_text_escape(plan->what, strlen(plan->what), shown, sizeof(shown)),
                      plan->user, plan->id);
}

static int check_by_id(const struct plan *plan, struct md_err *err)
{
    bool forced = plan->force == STORE_FORCE;

    if (plan->user[0] && plan->running) {
        return conflict(plan, "cannot be forced", "image is being used by running container ",
                        plan->user, err);
    }
    if (plan->names.count > 0 && !is_single(&plan->names) && !forced) {
        return conflict(plan, "must be forced", "image is referenced in multiple repositories",
                        "", err);
    }
    /* With force its names can still go, but it is never deleted under a container. */
    if (plan->user[0] && (!forced || plan->names.count == 0)) {
        return conflict(plan, forced ? "cannot be forced" : "must be forced",
                        "image is being used by stopped container ", plan->user, err);
    }
    return 0;
}

/* Decide from what the store holds now. */
static int make_plan(struct plan *plan, struct md_err *err)
{
    if (store_image_find(plan->store, plan->what, plan->id, plan->name, err) < 0 ||
        store_name_of(plan->store, plan->id, &plan->names, err) < 0 ||
        find_user(plan, err) < 0) {
        return -1;
    }
    if (plan->name[0]) {
        choose_untag(plan);
    } else {
        md_list_copy(&plan->untag, &plan->names);
    }
    if ((plan->name[0] ? check_by_name(plan, err) : check_by_id(plan, err)) < 0) {
        return -1;
    }
    choose_shown(plan);
    plan->delete = plan->untag.count == plan->names.count && !plan->user[0];
    return 0;
}

/* Lock the image to delete it. Returns 1, 0 when it is not to be deleted after all, or -1. */
static int lock_image(const struct plan *plan, int *image, struct md_err *err)
{
    struct md_err failed = { 0 };

    *image = store_try_lock(plan->store->images, plan->id, &failed);
    if (*image >= 0) {
        return 1;
    }
    if (failed.kind == MD_ERR_NOT_FOUND && plan->names.count > 0) {
        return 0; /* names without an image: they can go */
    }
    if (failed.kind == MD_ERR_NOT_FOUND) {
        return md_err_set(err, MD_ERR_NOT_FOUND, "No such image: %s", plan->what);
    }
    if (failed.kind == MD_ERR_CONFLICT && plan->name[0] && plan->force == STORE_FORCE) {
        return 0;
    }
    if (failed.kind == MD_ERR_CONFLICT) {
        return conflict(plan, plan->name[0] ? "must be forced" : "cannot be forced",
                        "image is being used by another command", "", err);
    }
    *err = failed;
    return -1;
}

/* Do names and containers still stand as they were planned with? */
static bool still_true(const struct plan *plan)
{
    struct md_list names = { 0 };
    struct md_err failed = { 0 };
    char user[STORE_ID_SIZE] = "";
    bool same = store_name_of(plan->store, plan->id, &names, &failed) == 0 &&
                names.count == plan->names.count &&
                store_container_using(plan->store, plan->id, user, &failed) == 0 &&
                (user[0] != '\0') == (plan->user[0] != '\0');

    for (size_t i = 0; same && i < names.count; i++) {
        same = strcmp(names.items[i], plan->names.items[i]) == 0;
    }
    md_list_clear(&names);
    return same;
}

static int untag_all(const struct plan *plan, struct store_removal *removal, struct md_err *err)
{
    for (size_t i = 0; i < plan->untag.count; i++) {
        if (store_name_remove(plan->store, plan->untag.items[i], err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < plan->shown.count; i++) {
        md_list_take(&removal->lines, md_xasprintf("Untagged: %s", plan->shown.items[i]));
    }
    return 0;
}

/* Under the locks. Returns 1 when done, 0 when the plan is out of date, or -1. */
static int carry_out(const struct plan *plan, struct store_removal *removal, struct md_err *err)
{
    MD_AUTO_FD image = -1;
    int deleting = plan->delete ? lock_image(plan, &image, err) : 0;

    if (deleting < 0) {
        return -1;
    }
    if (!still_true(plan)) {
        return 0;
    }
    if (untag_all(plan, removal, err) < 0) {
        return -1;
    }
    if (deleting &&
        store_unused_image(plan->store, plan->id, image, &removal->lines, err) < 0) {
        return -1;
    }
    return 1;
}

static void unlock_names(const struct plan *plan, int *locks, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        store_name_unlock(plan->store, plan->untag.items[i - 1], &locks[i - 1]);
    }
}

static int try_plan(const struct plan *plan, struct store_removal *removal, struct md_err *err)
{
    MD_AUTO_FREE int *locks = md_xcalloc(plan->untag.count + 1, sizeof(*locks));
    size_t locked = 0;
    int done = -1;

    while (locked < plan->untag.count) {
        locks[locked] = store_name_lock(plan->store, plan->untag.items[locked], err);
        if (locks[locked] < 0) {
            break;
        }
        locked++;
    }
    if (locked == plan->untag.count) {
        done = carry_out(plan, removal, err);
    }
    unlock_names(plan, locks, locked);
    return done;
}

int store_image_remove(const struct store *store, const char *what, enum store_force force,
                       struct store_removal *removal, struct md_err *err)
{
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        struct plan plan = { .store = store, .what = what, .force = force };
        int done = make_plan(&plan, err);

        done = done < 0 ? -1 : try_plan(&plan, removal, err);
        plan_clear(&plan);
        if (done != 0) {
            return done < 0 ? -1 : 0;
        }
    }
    return md_err_set(err, MD_ERR_CONFLICT, "conflict: the names of \"%s\" keep changing",
                      what);
}

int store_image_collect(const struct store *store, const char *image_id, struct md_err *err)
{
    MD_AUTO_FD image = -1;
    struct md_err busy = { 0 };
    struct md_list names = { 0 };
    struct md_list lines = { 0 };
    char user[STORE_ID_SIZE] = "";
    int result;
    size_t count;

    image = store_try_lock(store->images, image_id, &busy);
    if (image < 0 && busy.kind == MD_ERR_SYSTEM) {
        *err = busy;
        return -1;
    }
    if (image < 0) {
        return 0;
    }
    if (store_name_of(store, image_id, &names, err) < 0 ||
        store_container_using(store, image_id, user, err) < 0) {
        md_list_clear(&names);
        return -1;
    }
    count = names.count;
    md_list_clear(&names);
    if (count > 0 || user[0]) {
        return 0;
    }
    result = store_unused_image(store, image_id, image, &lines, err);
    md_list_clear(&lines);
    return result;
}

int store_name_move(const struct store *store, const struct store_name *record,
                    struct md_err *err)
{
    struct store_name old = { 0 };
    struct md_err later = { 0 };

    if (store_name_read(store, record->name, &old, &later) < 0) {
        old.image_id[0] = '\0'; /* it is a new one */
    }
    if (store_name_set(store, record, err) < 0) {
        return -1;
    }
    if (old.image_id[0] && strcmp(old.image_id, record->image_id) != 0 &&
        store_image_collect(store, old.image_id, &later) < 0) {
        md_log("cannot remove the old image %s: %s", old.image_id, later.text);
    }
    return 0;
}
