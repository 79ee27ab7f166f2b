/* SPDX-License-Identifier: Apache-2.0 */
/* What the host's files and the environment say about registries. */
#include "pull/settings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "pull/hostfile.h"

#define SYSTEM "/etc/containers"
#define DOCKER_CERTS "/etc/docker/certs.d"

/* ---- registries.conf ---- */

/* Returns 1, 0 when there is no such file, or -1. */
static int read_file(struct pull_settings *settings, const char *path)
{
    size_t len;
    MD_AUTO_FREE char *bytes = pull_host_file(path, &len, &settings->err);

    if (!bytes) {
        return settings->err.kind == MD_ERR_NONE ? 0 : -1;
    }
    return pull_registries_add(&settings->registries, bytes, len, path, &settings->err) < 0 ? -1
                                                                                            : 1;
}

static bool is_conf(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static int read_drop_ins(struct pull_settings *settings, const char *base)
{
    MD_AUTO_FREE char *directory = md_xasprintf("%s/registries.conf.d", base);
    struct md_list names = { 0 };
    int result = pull_host_dir(directory, &names, &settings->err);

    for (size_t i = 0; result == 0 && i < names.count; i++) {
        MD_AUTO_FREE char *path = md_xasprintf("%s/%s", directory, names.items[i]);

        if (is_conf(names.items[i]) && read_file(settings, path) < 0) {
            result = -1;
        }
    }
    md_list_clear(&names);
    return result;
}

/* Returns 1, 0 when there is none, or -1. */
static int read_main(struct pull_settings *settings, const char *base)
{
    MD_AUTO_FREE char *path = md_xasprintf("%s/registries.conf", base);

    return read_file(settings, path);
}

static void read_registries(struct pull_settings *settings, const char *user)
{
    const char *named = getenv("CONTAINERS_REGISTRIES_CONF");
    int found;

    if (named && named[0] != '\0') {
        if (read_file(settings, named) == 0) {
            md_err_set(&settings->err, MD_ERR_NOT_FOUND,
                       "CONTAINERS_REGISTRIES_CONF names %s, which is not there", named);
        }
        return;
    }
    found = user ? read_main(settings, user) : 0;
    if (found < 0 || (found == 0 && (read_main(settings, SYSTEM) < 0 ||
                                     read_drop_ins(settings, SYSTEM) < 0))) {
        return;
    }
    if (user) {
        (void)!read_drop_ins(settings, user); /* settings->err says it */
    }
}

/* ---- certs.d ---- */

/* Authorities of one host are given to libcurl as bytes, and then it reads no other file. */
static void believe_file(struct pull_settings *settings)
{
    const char *path = settings->trust.file;
    MD_AUTO_FREE char *bytes = NULL;
    size_t len;

    if (!path && !settings->trust.directory) {
        path = PULL_TRUST_BUNDLE;
    }
    if (settings->certs.count == 0 || !path) {
        return;
    }
    bytes = pull_host_file(path, &len, &settings->err);
    if (bytes) {
        pull_certs_believe(&settings->certs, bytes, len);
    }
}

static void read_certs(struct pull_settings *settings, const char *user)
{
    MD_AUTO_FREE char *own = user ? md_xasprintf("%s/certs.d", user) : NULL;
    const char *const directories[] = { own, SYSTEM "/certs.d", DOCKER_CERTS };

    for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
        if (directories[i] &&
            pull_certs_read(&settings->certs, directories[i], &settings->err) < 0) {
            return;
        }
    }
    believe_file(settings);
}

void pull_settings_read(struct pull_settings *settings)
{
    const char *home = getenv("HOME");
    MD_AUTO_FREE char *user =
        home && home[0] == '/' ? md_xasprintf("%s/.config/containers", home) : NULL;

    *settings = (struct pull_settings){
        .trust = pull_trust_find(),
        .proxies = pull_proxies_of_environment(),
    };
    read_registries(settings, user);
    if (settings->err.kind == MD_ERR_NONE) {
        read_certs(settings, user);
    }
}

void pull_settings_clear(struct pull_settings *settings)
{
    pull_registries_clear(&settings->registries);
    pull_certs_clear(&settings->certs);
}
