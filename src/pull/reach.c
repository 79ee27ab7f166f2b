/* SPDX-License-Identifier: Apache-2.0 */
/* Where the connections of a request may go. */
#include "pull/reach.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/socket.h>

static bool is_beyond(struct pull_reach *reach, enum pull_zone zone)
{
    bool beyond = reach->limit && zone > reach->limit;

    if (beyond)
        reach->refused = zone;
    return beyond;
}

/*
 * libcurl asks for a socket for each address that a name has. Only who has resolved the name
 * knows the address: what is looked up before or after may be another one.
 */
static curl_socket_t on_socket(void *context, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    struct pull_reach *reach = context;

    (void)purpose;
    if (is_beyond(reach, pull_zone_of(&address->addr)))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Before each request, on a connection that another has left too. */
static int on_connected(void *context, char *ip, char *own_ip, int port, int own_port)
{
    struct pull_reach *reach = context;

    (void)own_ip;
    (void)port;
    (void)own_port;
    reach->zone = pull_zone_of_text(ip);
    return is_beyond(reach, reach->zone) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int pull_reach_watch(struct pull_reach *reach, void *easy)
{
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, reach) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_PREREQDATA, reach) == CURLE_OK
               ? 0
               : -1;
}

bool pull_reach_refused(const struct pull_reach *reach, char *reason, size_t size)
{
    if (!reach->refused)
        return false;
    snprintf(reason, size, "refused, as it has %s and the registry has not",
             pull_zone_words(reach->refused));
    return true;
}
