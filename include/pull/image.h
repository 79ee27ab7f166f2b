/* SPDX-License-Identifier: Apache-2.0 */
/* One image on its way: from what is asked for to an image in the store. */
#ifndef MD_PULL_IMAGE_H
#define MD_PULL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "pull/crew.h"
#include "pull/layers.h"
#include "pull/pull.h"
#include "store/draft.h"
#include "store/name.h"

/* A document as it came: bytes of ours. */
struct pull_paper {
    char *bytes;
    size_t len;
};

/* The pull of one image. The first members are the caller's; zero-initialise the rest. */
struct pull {
    const struct store *store;
    const struct pull_options *options;
    struct pull_crew *crew;
    const struct md_ref *names; /* what it is to be called; borrowed */
    size_t name_count;
    uint32_t image;      /* of a local source: which one */
    bool local;          /* it comes from a local source: nothing is known of before */
    bool nowhere_served; /* its manifest is made up: no registry ever knew its digest */

    struct store_name old; /* what names[0] is now; image_id "" when it is new */
    struct pull_resolved resolved;
    bool up_to_date;
    struct pull_paper documents[PULL_DOCUMENTS];
    struct md_oci_config config;
    struct pull_part *parts;
    size_t part_count;
    struct store_draft draft; /* initialised by pull_get() */
};

/*
 * Ask what asked stands for: fills resolved and the parts, or sets up_to_date. May be called
 * again.
 *
 * Errors: those of the process that answers; it is ready for the next question afterwards
 */
MD_MUST_CHECK
int pull_ask(struct pull *pull, const struct md_ref *asked, struct md_err *err);

/* In place of pull_ask(): true, and up_to_date, when names[0] leads to what was served as
 * digest. Nobody is asked. */
bool pull_has(struct pull *pull, const struct md_digest *digest);

/*
 * After pull_ask() that did not find it up to date: get what is missing and publish it under
 * its names. Whatever happens, a name leads to the image it led to before, or to the new one,
 * whole and durable on disk. After a failure the crew must be stopped before pull_clear().
 */
MD_MUST_CHECK
int pull_get(struct pull *pull, struct md_err *err);

/* What it did, or is going to do. */
enum pull_change { PULL_UNCHANGED, PULL_CHANGED, PULL_FORCED };

/* After pull_ask(): CHANGED when its first name has led elsewhere, or nowhere. */
enum pull_change pull_change_of(const struct pull *pull);

/* One of docker's lines, unless only the name is wanted, or objects. */
void pull_note(const struct pull_options *options, const char *id, const char *text);

/* Docker's closing lines: "Digest: ..."; and with them "Status: ..." and the full name. */
void pull_say_digest(const struct pull *pull);
void pull_say_result(const struct pull *pull);

/*
 * After pull_ask(), do what the options say: tell what would come, or pull_get() where it is
 * not up to date. After a failure the crew is stopped.
 */
MD_MUST_CHECK
int pull_carry_out(struct pull *pull, struct md_err *err);

/* Let go of all layers; safe at any time. */
void pull_clear(struct pull *pull);

#endif
