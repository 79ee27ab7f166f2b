/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for single hosts: the certs.d directories of docker and containers. */
#ifndef MD_PULL_CERTS_H
#define MD_PULL_CERTS_H

#include <stddef.h>

#include "base/err.h"
#include "pull/url.h"

/* PEM bytes; bytes NULL: there are none. */
struct pull_pem {
    char *bytes;
    size_t len;
};

/* What certs.d/HOST[:PORT] holds. */
struct pull_host_certs {
    char *host;
    struct md_err err;           /* why it cannot be used; told when the host is asked */
    struct pull_pem authorities; /* *.crt: believed for this host, beside the system's */
    struct pull_pem client;      /* NAME.cert: sent when the host asks for one */
    struct pull_pem key;         /* NAME.key */
};

/* Zero-initialise. */
struct pull_certs {
    struct pull_host_certs *hosts;
    size_t count;
};

/*
 * Read a certs.d directory. A host that is known already keeps what an earlier directory said.
 * What is wrong with one host is kept for when it is asked.
 *
 * Errors: MD_ERR_SYSTEM, MD_ERR_LIMIT  the directory itself
 * Source: containers-certs.d(5); docker's documentation, "Verify repository client with
 * certificates".
 */
MD_MUST_CHECK
int pull_certs_read(struct pull_certs *certs, const char *directory, struct md_err *err);

/* Let every host that has authorities of its own believe these too. */
void pull_certs_believe(struct pull_certs *certs, const char *bytes, size_t len);
void pull_certs_clear(struct pull_certs *certs);

/* What counts for url's host and port, or NULL. */
const struct pull_host_certs *pull_certs_find(const struct pull_certs *certs,
                                              const struct pull_url *url);

#endif
