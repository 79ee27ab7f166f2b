/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a pull tell each other: fixed-size messages over SOCK_SEQPACKET pairs.
 *
 *   coordinator                network process (network.c)       writer process (writer.c)
 *   CREDENTIAL x n, RESOLVE ->
 *            <----------------  UP_TO_DATE
 *            <----------------  or DOCUMENT x 3, LAYER x n, RESOLVED
 *   FETCH or FETCH_URL ------>  fills a ring ....................> reads it
 *   UNPACK (layer directory) ------------------------------------>
 *            <----------------  FETCHED
 *            <---------------------------------------------------  UNPACKED
 *   MERGE (layer directory, rootfs) ----------------------------->
 *            <---------------------------------------------------  MERGED
 *            <----------------  or FAILED, or  <-----------------  FAILED
 *
 * The coordinator keeps files and decides; it parses nothing that a registry sent. Each process
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
#include "pull/unpack.h"

#define PULL_RINGS 6 /* layers under way at once, as many as connections per host */

enum pull_tag {
    PULL_CREDENTIAL = 1,
    PULL_RESOLVE,
    PULL_FETCH,
    PULL_FETCH_URL,
    PULL_UNPACK,
    PULL_UP_TO_DATE,
    PULL_DOCUMENT,
    PULL_LAYER,
    PULL_RESOLVED,
    PULL_FETCHED,
    PULL_UNPACKED,
    PULL_MERGE,
    PULL_MERGED,
    PULL_FAILED,
};

/* Documents come as sealed memfds, in this order. */
enum pull_document {
    PULL_MANIFEST = 0, /* as served, verified */
    PULL_CONFIG,       /* as served, verified */
    PULL_IMAGE,        /* the config as md_oci_config_json() writes it: ours */
    PULL_DOCUMENTS,
};

struct pull_resolve {
    struct md_ref ref;
    struct md_platform platform;
    bool platform_asked;    /* --platform was given: a single manifest of another is an error */
    struct md_digest known; /* what the registry served last time; alg 0: nothing known */
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

/* Fill ring with the blob from byte offset on, then end it. */
struct pull_fetch {
    uint32_t ring;
    struct md_descriptor blob; /* size -1 and alg 0 for a URL */
    int64_t offset;
    char url[2048]; /* FETCH_URL only: http or https */
};

/* Unpack what comes through ring (or, with ring PULL_RINGS, from the second descriptor). The
 * layer's directory comes as descriptor. */
struct pull_unpack_order {
    uint32_t ring;
    struct pull_promise promise;
};

struct pull_message {
    enum pull_tag tag;
    uint32_t ring; /* FETCHED, UNPACKED, FAILED: which; PULL_RINGS where none is meant */
    union {
        struct pull_resolve resolve;
        struct pull_account account; /* CREDENTIAL: for every later request of its repository */
        struct pull_resolved resolved; /* RESOLVED; UP_TO_DATE: only served is set */
        enum pull_document document;
        struct pull_layer layer;
        struct pull_fetch fetch;
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
