/* SPDX-License-Identifier: Apache-2.0 */
/* The names that are pulled by one command: each in turn, with docker's lines around it. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/ref.h"
#include "pull/accounts.h"
#include "pull/dryrun.h"
#include "pull/image.h"
#include "pull/load.h"
#include "pull/lock.h"
#include "pull/space.h"
#include "pull/tags.h"

/* What the names of one command share. */
struct session {
    const struct store *store;
    const struct pull_options *options;
    struct md_ref *refs; /* the names that are not places */
    size_t ref_count;
    struct pull_crew crew;
    bool started;
};

/* Whether this is one tag of all, which docker closes with one status for the repository. */
enum part { SINGLE, ONE_OF_ALL };

void pull_note(const struct pull_options *options, const char *id, const char *text)
{
    if (!options->quiet && !(options->dry_run && options->json))
        pull_say(options->out, pull_show_on(options->out, options->show), id, text);
}

static void say_head(const struct pull_options *options, const struct md_ref *ref)
{
    MD_AUTO_FREE char *text = md_xasprintf("Pulling from %s", ref->repository);
    char full[MD_REF_TEXT_SIZE];

    md_ref_full(ref, full);
    if (ref->default_tag && !options->all_tags)
        pull_note(options, NULL, "Using default tag: latest");
    pull_note(options, ref->digest.alg ? full : ref->tag, text);
}

static const char *status_words(const struct pull_options *options, enum pull_change change)
{
    if (change == PULL_UNCHANGED)
        return "Image is up to date";
    if (options->dry_run)
        return "Would download newer image";
    return change == PULL_FORCED ? "Downloaded image again" : "Downloaded newer image";
}

static void say_status(const struct pull_options *options, enum pull_change change,
                       const char *name)
{
    MD_AUTO_FREE char *text =
        md_xasprintf("Status: %s for %s", status_words(options, change), name);

    pull_note(options, NULL, text);
}

/* The result, which scripts take from the last line. */
static void say_name(const struct pull_options *options, const char *full)
{
    if (options->quiet && !(options->dry_run && options->json)) {
        fprintf(options->out, "%s\n", full);
        fflush(options->out);
    } else {
        pull_note(options, NULL, full);
    }
}

void pull_say_digest(const struct pull *pull)
{
    MD_AUTO_FREE char *text = md_xasprintf("Digest: %s", pull->resolved.served.text);

    if (!pull->nowhere_served)
        pull_note(pull->options, NULL, text);
}

void pull_say_result(const struct pull *pull)
{
    char text[MD_REF_TEXT_SIZE];

    pull_say_digest(pull);
    md_ref_familiar(&pull->names[0], text);
    say_status(pull->options, pull_change_of(pull), text);
    md_ref_full(&pull->names[0], text);
    say_name(pull->options, text);
}

/* ---- The lock file ---- */

static const char *lock_file(const struct pull_options *options)
{
    return options->lock ? options->lock : PULL_LOCK_FILE;
}

/* The registry does not have what is locked: say what it has instead. */
static int drifted(struct pull *pull, const struct md_digest *locked, struct md_err *err)
{
    struct md_err ignored = { 0 };

    if (err->kind != MD_ERR_NOT_FOUND || pull_ask(pull, &pull->names[0], &ignored) < 0)
        return -1;
    return md_err_set(err, MD_ERR_NOT_FOUND,
                      "the lock file \"%s\" expects %s, which the registry does not have: "
                      "found %s",
                      lock_file(pull->options), locked->text, pull->resolved.served.text);
}

/* Ask for what the lock file says; a digest in the name itself says it already. */
static int ask(struct pull *pull, struct md_err *err)
{
    const struct pull_options *options = pull->options;
    struct md_ref asked = pull->names[0];

    if (!options->locked || asked.digest.alg)
        return pull_ask(pull, &asked, err);
    if (pull_lock_find(lock_file(options), &pull->names[0], &asked.digest, err) < 0)
        return -1;
    if (!options->force && pull_has(pull, &asked.digest))
        return 0;
    return pull_ask(pull, &asked, err) < 0 ? drifted(pull, &asked.digest, err) : 0;
}

static int record(const struct pull *pull, struct md_err *err)
{
    const struct pull_options *options = pull->options;
    struct pull_lock_entry entry = { .digest = pull->resolved.served };

    if (!options->lock || options->locked || options->dry_run)
        return 0;
    entry.manifest = pull->up_to_date ? pull->old.manifest : pull->resolved.manifest;
    entry.platform = pull->up_to_date ? pull->old.platform : pull->config.platform;
    return pull_lock_record(options->lock, &pull->names[0], &entry, err);
}

/* ---- Pulling ---- */

static int start(struct session *session, struct md_err *err)
{
    if (session->started)
        return 0;
    session->started = true;
    if (pull_crew_start(&session->crew, PULL_CREW_FULL, err) < 0)
        return -1;
    return pull_accounts_send(session->crew.network.socket, &session->options->credentials,
                              session->refs, session->ref_count, err);
}

int pull_carry_out(struct pull *pull, struct md_err *err)
{
    if (pull->options->dry_run)
        return pull_dry_run(pull, err);
    if (pull->up_to_date || pull_get(pull, err) == 0)
        return 0;
    pull_crew_stop(pull->crew); /* before its unfinished trees are removed */
    store_draft_clear(pull->store, &pull->draft);
    pull_parts_clear(pull->store, pull->parts, pull->part_count);
    pull_space_explain(pull->store, pull_parts_missing(pull->parts, pull->part_count), err);
    return -1;
}

static int pull_one(struct session *session, const struct md_ref *ref, enum part part,
                    enum pull_change *change, struct md_err *err)
{
    struct pull pull = { .store = session->store,
                         .options = session->options,
                         .crew = &session->crew,
                         .names = ref,
                         .name_count = 1 };
    char familiar[MD_REF_TEXT_SIZE];
    int status;

    md_ref_familiar(ref, familiar);
    say_head(session->options, ref);
    status = ask(&pull, err);
    if (status == 0)
        status = pull_carry_out(&pull, err);
    if (status == 0)
        status = record(&pull, err);
    if (status == 0 && part == ONE_OF_ALL)
        pull_say_digest(&pull);
    else if (status == 0)
        pull_say_result(&pull);
    *change = status == 0 ? pull_change_of(&pull) : PULL_UNCHANGED;
    pull_clear(&pull);
    return status < 0 ? md_err_in(err, "pull \"%s\"", familiar) : 0;
}

/*
 * A repository may have tags for other platforms only: they are said and left out, unless there
 * is nothing else.
 */
static int pull_tag(struct session *session, const struct md_ref *ref, enum pull_change *change,
                    struct md_err *err)
{
    struct md_err failed = { 0 };

    if (pull_one(session, ref, ONE_OF_ALL, change, &failed) == 0)
        return 1;
    *err = failed;
    if (failed.kind != MD_ERR_NOT_FOUND)
        return -1;
    fprintf(stderr, "minidock: left out: %s\n", failed.text);
    return 0;
}

static int pull_tags(struct session *session, const struct md_ref *repository,
                     const struct md_list *tags, struct md_err *err)
{
    enum pull_change changed = PULL_UNCHANGED;
    char name[MD_REF_TEXT_SIZE];
    size_t pulled = 0;

    for (size_t i = 0; i < tags->count; i++) {
        struct md_ref ref = *repository;
        enum pull_change change;
        int status;

        snprintf(ref.tag, sizeof(ref.tag), "%s", tags->items[i]);
        status = pull_tag(session, &ref, &change, err);
        if (status < 0)
            return -1;
        pulled += (size_t)status;
        if (change != PULL_UNCHANGED)
            changed = change;
    }
    if (pulled == 0)
        return -1; /* with the last one's reason */
    md_ref_familiar_repository(repository, name);
    say_status(session->options, changed, name);
    snprintf(name, sizeof(name), "%s/%s", repository->registry, repository->repository);
    say_name(session->options, name);
    return 0;
}

static int pull_all(struct session *session, const struct md_ref *repository,
                    struct md_err *err)
{
    const struct pull_patience patience = { .attempts = session->options->attempts };
    struct md_list tags = { 0 };
    int status = pull_tags_ask(session->crew.network.socket, repository, &patience, &tags, err);

    if (status < 0)
        md_err_in(err, "pull \"%s\"", repository->repository);
    else
        status = pull_tags(session, repository, &tags, err);
    md_list_clear(&tags);
    return status;
}

static int check_name(const struct pull_options *options, const char *name, struct md_ref *ref,
                      struct md_err *err)
{
    if (md_ref_parse(name, ref, err) < 0)
        return -1;
    if (options->all_tags && (!ref->default_tag || ref->digest.alg))
        return md_err_set(err, MD_ERR_USAGE, "tag can't be used with --all-tags/-a");
    return 0;
}

static int check_place(const struct pull_options *options, struct md_err *err)
{
    if (options->all_tags)
        return md_err_set(err, MD_ERR_USAGE, "--all-tags goes with names of a registry only");
    if (options->lock || options->locked)
        return md_err_set(err, MD_ERR_USAGE,
                          "--lock and --locked go with names of a registry only");
    return 0;
}

/* A name, or with 1 a place, checked. */
static int check(const struct pull_options *options, const char *text, struct md_ref *ref,
                 struct pull_place *place, struct md_err *err)
{
    int local = pull_place_parse(text, place, err);

    if (local < 0)
        return -1;
    if (local > 0)
        return check_place(options, err) < 0 ? -1 : 1;
    return check_name(options, pull_place_strip(text), ref, err);
}

static int pull_named(struct session *session, const char *name, struct md_err *err)
{
    struct pull_place place;
    enum pull_change change;
    struct md_ref ref;
    int local = check(session->options, name, &ref, &place, err);

    if (local > 0)
        local = pull_from_place(session->store, session->options, &place, err) < 0 ? -1 : 1;
    pull_place_clear(&place);
    if (local != 0)
        return local < 0 ? -1 : 0;
    if (start(session, err) < 0)
        return -1;
    return session->options->all_tags ? pull_all(session, &ref, err)
                                      : pull_one(session, &ref, SINGLE, &change, err);
}

/* All names, before any is pulled. */
static int check_all(struct session *session, const struct md_list *names, struct md_err *err)
{
    session->refs = md_xcalloc(names->count + 1, sizeof(*session->refs));
    for (size_t i = 0; i < names->count; i++) {
        struct md_ref *ref = &session->refs[session->ref_count];
        struct pull_place place;
        int local = check(session->options, names->items[i], ref, &place, err);

        pull_place_clear(&place);
        if (local < 0)
            return -1;
        session->ref_count += local == 0;
    }
    return 0;
}

int pull_images(const struct store *store, const struct pull_options *options,
                const struct md_list *names, struct md_err *err)
{
    struct session session = { .store = store, .options = options };
    int status = check_all(&session, names, err);

    if (status == 0 && !options->dry_run)
        store_sweep(store);
    for (size_t i = 0; status == 0 && i < names->count; i++)
        status = pull_named(&session, names->items[i], err);
    pull_crew_stop(&session.crew);
    free(session.refs);
    return status;
}
