/* SPDX-License-Identifier: Apache-2.0 */
/* To whom a registry's credentials may go. */
#ifndef MD_PULL_REALM_H
#define MD_PULL_REALM_H

#include <stdbool.h>

/*
 * May the credentials of the registry at host registry be sent to the token server at host
 * realm (neither with a port)? Its own host, one under the same parent domain, and what
 * recorded ("" for nothing) names: the token server that `login` has found.
 */
bool pull_realm_may_know(const char *registry, const char *realm, const char *recorded);

#endif
