/* SPDX-License-Identifier: Apache-2.0 */
/* What the dead runner of a container has left outside of the store. */
#ifndef MD_RUN_LEFTOVERS_H
#define MD_RUN_LEFTOVERS_H

/*
 * Kill and remove it: its cgroup with all that lives in it, and the socket of attach.
 * cgroup "": its runner died before it wrote that down.
 */
void run_leftovers_clear(const char *id, const char *cgroup);

#endif
