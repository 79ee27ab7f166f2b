/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a pull tell each other: fixed-size messages over SOCK_SEQPACKET pairs.
 *
 *   coordinator                network process (network.c)       writer process (writer.c)
 *   CREDENTIAL x n, RESOLVE ->
 *            <----------------  UP_TO_DATE
 *            <----------------  or DOCUMENT x 3, LAYER x n, RESOLVED
 *   TAGS -------------------->
 *            <----------------  TAG_LIST
 *   FETCH or FETCH_URL ------>  fills a ring ....................> reads it
 *   UNPACK (layer directory) ------------------------------------>
 *            <----------------  FETCHED
 *            <---------------------------------------------------  UNPACKED
 *   MERGE (layer directory, rootfs) ----------------------------->
 *            <---------------------------------------------------  MERGED
 *            <----------------  or FAILED, or  <-----------------  FAILED
 *
 * For images in a directory or archive, a local process (local.c) is in the place of the
 * network process:
 *
 *   SOURCE ------------------>
 *            <----------------  CHOICE x n, CHOICES
 *   RESOLVE, FETCH ---------->  as above
 *
 * The coordinator keeps files and decides; it parses nothing that others wrote. Each process
 * ends when its socket's other end is closed, and is killed with the coordinator.
 */
#ifndef MD_PULL_WIRE_H
#define MD_PULL_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oci.h"
#include "base/ref.h"
#include "pull/credential.h"
#include "pull/http.h"
#include "pull/unpack.h"

#define PULL_RINGS 6 /* layers under way at once, as many as connections per host */

enum pull_tag {
    PULL_CREDENTIAL = 1,
    PULL_RESOLVE,
    PULL_FETCH,
    PULL_FETCH_URL,
    PULL_UNPACK,
    PULL_TAGS,
    PULL_SOURCE,
    PULL_UP_TO_DATE,
    PULL_DOCUMENT,
    PULL_LAYER,
    PULL_RESOLVED,
    PULL_FETCHED,
    PULL_UNPACKED,
    PULL_MERGE,
    PULL_MERGED,
    PULL_TAG_LIST,
    PULL_CHOICE,
    PULL_CHOICES,
    PULL_FAILED,
};

/* Documents come as sealed memfds, in this order. */
enum pull_document {
    PULL_MANIFEST = 0, /* as served, verified */
    PULL_CONFIG,       /* as served, verified */
    PULL_IMAGE,        /* the config as md_oci_config_json() writes it: ours */
    PULL_DOCUMENTS,
};

/* What a local source is. */
enum pull_local_kind {
    PULL_LOCAL_NONE = 0, /* as an order: any of them; as an answer: none */
    PULL_LOCAL_OCI,      /* an OCI layout, as a directory or in a tar */
    PULL_LOCAL_DOCKER,   /* what docker save writes */
};

/* Open a directory or archive, the first descriptor; the second is an empty file. */
struct pull_source_order {
    enum pull_local_kind wanted;
    bool probe; /* an archive that may well be none of images: then NONE is the answer */
};

/* A name in a local source: a reference; ":tag"; or "", for an image that has none. */
struct pull_choice {
    uint32_t image; /* the same for all names of an image */
    char name[MD_REF_TEXT_SIZE];
};

struct pull_resolve {
    struct md_ref ref;
    struct md_platform platform;
    bool platform_asked;    /* --platform was given: a single manifest of another is an error */
    uint32_t image;         /* of a local source, instead of ref: the number of a CHOICE */
    struct md_digest known; /* what the registry served last time; alg 0: nothing known */
    struct pull_patience patience; /* for this and all that is asked for afterwards */
};

struct pull_resolved {
    struct md_digest served;   /* digest of what the reference named: an index's, often */
    struct md_digest manifest; /* of the platform's manifest */
    struct md_digest config;
    uint32_t layer_count;
};

struct pull_layer {
    uint32_t index; /* in the manifest, from 0: the lowest */
    struct md_oci_layer layer;
    struct md_digest diff_id;
};

/* Fill ring with the blob from byte offset on (less than its size), then end it. */
struct pull_fetch {
    uint32_t ring;
    struct md_descriptor blob; /* size -1 and alg 0 for a URL */
    int64_t offset;
    uint32_t skip;  /* mirrors whose content for the blob's digest was wrong: not these */
    char url[2048]; /* FETCH_URL only: http or https */
};

/* Where it came from. */
struct pull_fetched {
    uint32_t answers; /* that the bytes were put together from */
    uint32_t next;    /* what to skip if the content is wrong; 0: nobody else has it */
    uint32_t last;    /* of several places: what to skip to have all from the last; else 0 */
    char from[MD_MAX_REPOSITORY + 16]; /* with mirrors: host of who gave it; else "" */
};

/*
 * Unpack what comes through ring into the layer's directory, the first descriptor. The second
 * one, which may be missing, is the file where the layer's start is kept: see struct pull_kept.
 * With ring PULL_RINGS the layer itself is read from the second descriptor.
 */
struct pull_unpack_order {
    uint32_t ring;
    int64_t kept; /* bytes that the file has */
    struct pull_promise promise;
};

struct pull_message {
    enum pull_tag tag;
    uint32_t ring; /* FETCHED, UNPACKED, FAILED: which; PULL_RINGS where none is meant */
    union {
        struct pull_resolve resolve; /* RESOLVE; TAGS: only ref and patience */
        struct pull_account account; /* CREDENTIAL: for every later request of its repository */
        struct pull_resolved resolved; /* RESOLVED; UP_TO_DATE: only served is set */
        struct pull_source_order source;
        struct pull_choice choice;
        enum pull_local_kind kind; /* CHOICES */
        enum pull_document document;
        struct pull_layer layer;
        struct pull_fetch fetch;
        struct pull_fetched fetched;
        struct pull_unpack_order unpack;
        struct pull_unpacked unpacked;
        uint64_t merged_bytes; /* MERGED: of the layer's regular files */
        struct md_err err;
    };
};

#define PULL_MESSAGE_FDS 2

/* A socket pair; both ends are CLOEXEC. */
MD_MUST_CHECK
int pull_wire_pair(int *ours, int *theirs, struct md_err *err);

/* Send one message with up to PULL_MESSAGE_FDS descriptors, which are borrowed. */
MD_MUST_CHECK
int pull_wire_send(int socket, const struct pull_message *message, const int *fds, int count,
                   struct md_err *err);

/*
 * Receive one message; fds[] gets the descriptors (-1 where none), owned by the caller.
 * Returns 1, or 0 when the other side is gone, or -1.
 *
 * Errors: MD_ERR_SYSTEM; MD_ERR_FORMAT for a message of wrong length or tag
 */
MD_MUST_CHECK
int pull_wire_receive(int socket, struct pull_message *message, int fds[PULL_MESSAGE_FDS],
                      struct md_err *err);

#endif
