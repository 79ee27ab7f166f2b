/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a supervisor and its clients say to each other: over the socket pair that it was started
 * with, and over /run/minidock/<id>/attach.sock for `minidock attach`. One SOCK_SEQPACKET
 * message each: a tag, and then what the tag says.
 *
 *   starter, supervisor              attach, supervisor
 *       <- FAILED | STARTED              -> HELLO
 *       -> IN ... IN_END, SIZE           -> IN ..., SIZE
 *       <- OUT, ERR ...                  <- OUT, ERR ...
 *       -> DETACH, or <- ENDED           -> DETACH, or <- ENDED
 *
 * End of file instead of ENDED: the supervisor was killed, or has dropped this client.
 */
#ifndef MD_RUN_LINK_H
#define MD_RUN_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

enum run_link_tag {
    RUN_LINK_FAILED = 1, /* struct md_err: it could not be started */
    RUN_LINK_STARTED,    /* the program runs */
    RUN_LINK_OUT,        /* bytes of its stdout or terminal */
    RUN_LINK_ERR,        /* bytes of its stderr */
    RUN_LINK_ENDED,      /* struct run_link_end */
    RUN_LINK_HELLO,      /* struct run_link_hello */
    RUN_LINK_IN,         /* bytes for its stdin */
    RUN_LINK_IN_END,     /* no more of them; only the starter's closes its stdin */
    RUN_LINK_SIZE,       /* struct run_link_size */
    RUN_LINK_DETACH,     /* the client goes, and the container stays */
};

struct run_link_end {
    int exit_code;
    char reason[256]; /* why, unless that was the program's own doing, or "" */
};

/* Bits of the streams that a client wants. */
#define RUN_STREAM(number) (1u << (number))
#define RUN_STREAMS_OUTPUT (RUN_STREAM(1) | RUN_STREAM(2))

struct run_link_hello {
    unsigned streams;
};

struct run_link_size {
    unsigned short rows, columns;
};

/* At most so many bytes after the tag. */
#define RUN_LINK_BYTES (32u << 10)

struct run_link_message {
    uint32_t tag;
    union {
        struct md_err failure;
        struct run_link_end end;
        struct run_link_hello hello;
        struct run_link_size size;
        unsigned char bytes[RUN_LINK_BYTES];
    };
    size_t len; /* of what is after the tag; not sent */
};

/* Send without waiting. Returns 0, or -1 with errno: EAGAIN, or EPIPE and its kin. */
MD_MUST_CHECK
int run_link_send(int link, enum run_link_tag tag, const void *payload, size_t len);

/* Receive one message. Returns 1, 0 at its end, or -1 with errno: EAGAIN where the socket does
 * not block; EPROTO for a message that is none. */
MD_MUST_CHECK
int run_link_receive(int link, struct run_link_message *message);

/* Both ends, close-on-exec and blocking. */
MD_MUST_CHECK
int run_link_pair(int *ours, int *theirs, struct md_err *err);

/* The directory of a container's socket, and the socket's name: /run/minidock/<id>/attach.sock,
 * short, as it must fit into sun_path. */
MD_MUST_CHECK
int run_link_listen(const char *id, struct md_err *err);
MD_MUST_CHECK
int run_link_connect(const char *id, struct md_err *err);
void run_link_remove(const char *id);

#endif
