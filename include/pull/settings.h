/* SPDX-License-Identifier: Apache-2.0 */
/* What files and environment of the host say about registries: read once, before all else. */
#ifndef MD_PULL_SETTINGS_H
#define MD_PULL_SETTINGS_H

#include "base/err.h"
#include "pull/certs.h"
#include "pull/proxy.h"
#include "pull/registries.h"
#include "pull/trust.h"

struct pull_settings {
    struct md_err err; /* why there can be no pull: a file that cannot be read or understood */
    struct pull_registries registries;
    struct pull_certs certs;
    struct pull_trust trust;
    struct pull_proxies proxies;
};

/*
 * Read it all; later nothing but the system's certificates is opened. What is wrong is kept
 * in settings->err for who asks a registry.
 *
 *   registries.conf  $CONTAINERS_REGISTRIES_CONF alone; or that in ~/.config/containers with
 *                    registries.conf.d there; or that in /etc/containers with the
 *                    registries.conf.d of both places
 *   certs.d          of ~/.config/containers, /etc/containers, /etc/docker: for a host the
 *                    first that has it
 */
void pull_settings_read(struct pull_settings *settings);
void pull_settings_clear(struct pull_settings *settings);

#endif
