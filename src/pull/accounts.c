/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks. The network process, which will be told by strangers what to do, looks nothing up:
 * whatever proves who asks goes ahead of the first question.
 */
#include "pull/accounts.h"

#include <string.h>
#include <unistd.h>

#include "pull/settings.h"
#include "pull/wire.h"

/* What the names of one command share. */
struct sending {
    int socket;
    const struct pull_credential_options *options;
    struct pull_settings settings;
    struct pull_endpoint before; /* the last that was looked up: a helper need not run again */
};

static int send_one(struct sending *sending, const struct pull_endpoint *place,
                    struct md_err *err)
{
    struct pull_message message = { .tag = PULL_CREDENTIAL, .ring = PULL_RINGS };
    struct pull_account *account = &message.account;
    int status = 0;

    if (strcmp(place->host, sending->before.host) == 0 &&
        strcmp(place->repository, sending->before.repository) == 0)
        return 0;
    sending->before = *place;
    memcpy(account->registry, place->host, sizeof(account->registry));
    memcpy(account->repository, place->repository, sizeof(account->repository));
    if (pull_credentials_find(sending->options, account, NULL, err) < 0)
        return -1;
    if (account->credential.kind != PULL_CREDENTIAL_NONE)
        status = pull_wire_send(sending->socket, &message, NULL, 0, err);
    explicit_bzero(&message, sizeof(message));
    return status;
}

/* For the registry itself, which is the last place, and for mirrors on the same host. */
static int send_for(struct sending *sending, const struct md_ref *ref, struct md_err *err)
{
    struct pull_endpoints places;
    struct md_err ignored = { 0 };
    int status = 0;

    if (sending->settings.err.kind != MD_ERR_NONE ||
        pull_registries_find(&sending->settings.registries, ref, &places, &ignored) < 0)
        return 0;
    for (size_t i = 0; status == 0 && i < places.count; i++) {
        if (strcmp(places.at[i].host, places.at[places.count - 1].host) == 0)
            status = send_one(sending, &places.at[i], err);
    }
    return status;
}

int pull_accounts_send(int socket, const struct pull_credential_options *options,
                       const struct md_ref *refs, size_t count, struct md_err *err)
{
    struct sending sending = { .socket = socket, .options = options };
    int status = 0;

    /* Who names a file does not want to be nobody where it is missing. */
    if (options->authfile && access(options->authfile, F_OK) < 0)
        return md_err_sys(err, "--authfile: cannot open \"%s\"", options->authfile);
    pull_settings_read(&sending.settings);
    for (size_t i = 0; status == 0 && i < count; i++) {
        char familiar[MD_REF_TEXT_SIZE];

        status = send_for(&sending, &refs[i], err);
        if (status < 0) {
            md_ref_familiar(&refs[i], familiar);
            md_err_in(err, "pull \"%s\"", familiar);
        }
    }
    pull_settings_clear(&sending.settings);
    return status;
}
