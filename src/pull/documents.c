/* SPDX-License-Identifier: Apache-2.0 */
/* Documents handed to the coordinator as sealed memory. */
#include "pull/documents.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/fd.h"

static int send_sealed(int socket, const struct pull_message *message, const char *bytes,
                       size_t len, struct md_err *err)
{
    MD_AUTO_FD fd = memfd_create("document", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || md_fd_write_all(fd, bytes, len) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
        return md_err_sys(err, "document in memory");
    }
    return pull_wire_send(socket, message, &fd, 1, err);
}

int pull_document_send(int socket, enum pull_document which, const char *bytes, size_t len,
                       struct md_err *err)
{
    const struct pull_message message = {
        .tag = PULL_DOCUMENT,
        .ring = PULL_RINGS,
        .document = which,
    };

    return send_sealed(socket, &message, bytes, len, err);
}

int pull_tag_list_send(int socket, const char *bytes, size_t len, struct md_err *err)
{
    const struct pull_message message = { .tag = PULL_TAG_LIST, .ring = PULL_RINGS };

    return send_sealed(socket, &message, bytes, len, err);
}
