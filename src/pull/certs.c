/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for single hosts: the certs.d directories of docker and containers. */
#include "pull/certs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/list.h"
#include "base/mem.h"
#include "pull/hostfile.h"

/* A host's directory, while it is read. */
struct reading {
    const char *path;
    const struct md_list *names;
    struct pull_host_certs *host;
};

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t end = strlen(suffix);

    return len > end && strcmp(name + len - end, suffix) == 0;
}

static bool is_there(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->names->count; i++) {
        if (strcmp(reading->names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* "NAME.cert" with the suffix of its other half. The caller frees it. */
static char *other_half(const char *name, const char *suffix)
{
    return md_xasprintf("%.*s%s", (int)(strrchr(name, '.') - name), name, suffix);
}

/* ---- Files ---- */

static int read_pem(const struct reading *reading, const char *name, struct pull_pem *pem)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/%s", reading->path, name);
    struct md_err *err = &reading->host->err;

    pem->bytes = pull_host_file(path, &pem->len, err);
    if (!pem->bytes && err->kind == MD_ERR_NONE) {
        md_err_set(err, MD_ERR_NOT_FOUND, "%s leads to nothing", path);
    } else if (pem->bytes && !strstr(pem->bytes, "-----BEGIN ")) {
        md_err_set(err, MD_ERR_FORMAT, "%s holds nothing in PEM form", path);
    }
    return err->kind == MD_ERR_NONE ? 0 : -1;
}

static void pem_add(struct pull_pem *pem, const char *bytes, size_t len)
{
    pem->bytes = md_xreallocarray(pem->bytes, pem->len + len + 2, 1);
    memcpy(pem->bytes + pem->len, bytes, len);
    pem->len += len;
    pem->bytes[pem->len++] = '\n'; /* the file may have ended without */
    pem->bytes[pem->len] = '\0';
}

static void pem_clear(struct pull_pem *pem)
{
    if (pem->bytes) {
        explicit_bzero(pem->bytes, pem->len); /* it may be a key */
    }
    free(pem->bytes);
    memset(pem, 0, sizeof(*pem));
}

static int read_authority(const struct reading *reading, const char *name)
{
    struct pull_pem pem = { 0 };
    int result = read_pem(reading, name, &pem);

    if (result == 0) {
        pem_add(&reading->host->authorities, pem.bytes, pem.len);
    }
    pem_clear(&pem);
    return result;
}

/* The first pair by name is the one: a connection presents only one. */
static int read_pair(const struct reading *reading, const char *name)
{
    struct pull_host_certs *host = reading->host;
    MD_AUTO_FREE char *key = other_half(name, ".key");

    if (!is_there(reading, key)) {
        return md_err_set(&host->err, MD_ERR_NOT_FOUND,
                          "%s: missing key %s for client certificate %s. CA certificates must "
                          "use the extension .crt",
                          reading->path, key, name);
    }
    if (host->client.bytes) {
        return 0;
    }
    return read_pem(reading, name, &host->client) < 0 ? -1 : read_pem(reading, key, &host->key);
}

static int read_key(const struct reading *reading, const char *name)
{
    MD_AUTO_FREE char *client = other_half(name, ".cert");

    if (is_there(reading, client)) {
        return 0; /* comes with its certificate */
    }
    return md_err_set(&reading->host->err, MD_ERR_NOT_FOUND,
                      "%s: missing client certificate %s for key %s", reading->path, client,
                      name);
}

static void read_names(const struct reading *reading)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < reading->names->count; i++) {
        const char *name = reading->names->items[i];

        if (ends_in(name, ".crt")) {
            result = read_authority(reading, name);
        } else if (ends_in(name, ".cert")) {
            result = read_pair(reading, name);
        } else if (ends_in(name, ".key")) {
            result = read_key(reading, name);
        }
    }
}

/* ---- Hosts ---- */

static const struct pull_host_certs *find(const struct pull_certs *certs, const char *host)
{
    for (size_t i = 0; i < certs->count; i++) {
        if (strcasecmp(certs->hosts[i].host, host) == 0) {
            return &certs->hosts[i];
        }
    }
    return NULL;
}

static void read_host(struct pull_certs *certs, const char *directory, const char *host)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/%s", directory, host);
    struct md_list names = { 0 };
    struct reading reading = { .path = path, .names = &names };

    if (find(certs, host)) {
        return;
    }
    certs->hosts = md_xreallocarray(certs->hosts, certs->count + 1, sizeof(*certs->hosts));
    reading.host = &certs->hosts[certs->count++];
    *reading.host = (struct pull_host_certs){ .host = md_xstrdup(host) };
    if (pull_host_dir(path, &names, &reading.host->err) == 0) {
        read_names(&reading);
    }
    md_list_clear(&names);
}

int pull_certs_read(struct pull_certs *certs, const char *directory, struct md_err *err)
{
    struct md_list hosts = { 0 };
    int result = pull_host_dir(directory, &hosts, err);

    for (size_t i = 0; i < hosts.count; i++) {
        read_host(certs, directory, hosts.items[i]);
    }
    md_list_clear(&hosts);
    return result;
}

void pull_certs_believe(struct pull_certs *certs, const char *bytes, size_t len)
{
    for (size_t i = 0; i < certs->count; i++) {
        if (certs->hosts[i].authorities.bytes) {
            pem_add(&certs->hosts[i].authorities, bytes, len);
        }
    }
}

void pull_certs_clear(struct pull_certs *certs)
{
    for (size_t i = 0; i < certs->count; i++) {
        free(certs->hosts[i].host);
        pem_clear(&certs->hosts[i].authorities);
        pem_clear(&certs->hosts[i].client);
        pem_clear(&certs->hosts[i].key);
    }
    free(certs->hosts);
    memset(certs, 0, sizeof(*certs));
}

const struct pull_host_certs *pull_certs_find(const struct pull_certs *certs,
                                              const struct pull_url *url)
{
    const struct pull_host_certs *found = find(certs, url->site);

    /* The Hub is configured under the name that people know. */
    return !found && strcmp(url->site, "registry-1.docker.io") == 0 ? find(certs, "docker.io")
                                                                    : found;
}
