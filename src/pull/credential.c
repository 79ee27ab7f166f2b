/* SPDX-License-Identifier: Apache-2.0 */
/* The names under which a registry is known to those who keep credentials. */
#include "pull/credential.h"

#include <string.h>
#include <strings.h>

#define HUB_KEY "https://index.docker.io/v1/" /* docker's, since its first registry */
#define HUB_NAME "index.docker.io"

const char *pull_account_canonical(const char *registry)
{
    static const char *const names[] = { "docker.io", "registry-1.docker.io", HUB_NAME };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcasecmp(registry, names[i]) == 0)
            return HUB_NAME;
    }
    return registry;
}

const char *pull_account_key(const char *registry)
{
    const char *name = pull_account_canonical(registry);

    return strcmp(name, HUB_NAME) == 0 ? HUB_KEY : name;
}
