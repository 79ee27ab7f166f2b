/* SPDX-License-Identifier: Apache-2.0 */
/* Where the certificates of authorities are. */
#ifndef MD_PULL_TRUST_H
#define MD_PULL_TRUST_H

/* All of the system's in one file: where Debian has it, and its libcurl looks. */
#define PULL_TRUST_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

/* Borrowed from the environment, which is not changed meanwhile. */
struct pull_trust {
    const char *file;      /* SSL_CERT_FILE, or NULL */
    const char *directory; /* SSL_CERT_DIR, or the system's if it is hashed, or NULL */
};

/* Both count; with neither, libcurl's own choice. Source: SSL_CTX_load_verify_locations(3). */
struct pull_trust pull_trust_find(void);

#endif
