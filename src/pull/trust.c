/* SPDX-License-Identifier: Apache-2.0 */
/* Where the certificates of authorities are. */
#include "pull/trust.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CERTIFICATES "/etc/ssl/certs"

/* True when the directory holds at least one certificate under the hash of its subject. */
static bool is_hashed(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        found = strlen(entry->d_name) == 10 && strcmp(entry->d_name + 8, ".0") == 0 &&
                strspn(entry->d_name, "0123456789abcdef") == 8;
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] != '\0' ? value : NULL;
}

struct pull_trust pull_trust_find(void)
{
    struct pull_trust trust = {
        .file = environment("SSL_CERT_FILE"),
        .directory = environment("SSL_CERT_DIR"),
    };

    if (!trust.directory && is_hashed(CERTIFICATES)) {
        trust.directory = CERTIFICATES;
    }
    return trust;
}
