/* SPDX-License-Identifier: Apache-2.0 */
/* Local sources as podman names them, and names made of those of files. */
#include "pull/place.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* podman's other transports: none of them is a file that could be read. */
static const char *const others[] = {
    "docker-daemon", "containers-storage", "dir", "ostree", "sif", "tarball", "atomic"
};

static int refuse_others(const char *text, size_t len, struct md_err *err)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (strlen(others[i]) == len && strncmp(text, others[i], len) == 0)
            return md_err_set(err, MD_ERR_USAGE,
                              "the source \"%s:\" is not served: oci:, oci-archive: and "
                              "docker-archive: are",
                              others[i]);
    }
    return 0;
}

static int split(const char *rest, struct pull_place *place, struct md_err *err)
{
    const char *colon = strchr(rest, ':');

    if (!colon || access(rest, F_OK) == 0) {
        place->path = md_xstrdup(rest);
    } else {
        place->path = md_xstrndup(rest, (size_t)(colon - rest));
        place->tag = colon[1] ? md_xstrdup(colon + 1) : NULL;
    }
    if (place->path[0])
        return 1;
    pull_place_clear(place);
    return md_err_set(err, MD_ERR_USAGE, "a local source without a path");
}

int pull_place_parse(const char *text, struct pull_place *place, struct md_err *err)
{
    static const struct {
        const char *name;
        enum pull_local_kind kind;
        enum pull_place_form form;
    } kinds[] = {
        { "oci", PULL_LOCAL_OCI, PULL_PLACE_DIR },
        { "oci-archive", PULL_LOCAL_OCI, PULL_PLACE_FILE },
        { "docker-archive", PULL_LOCAL_DOCKER, PULL_PLACE_FILE },
    };
    size_t len = strcspn(text, ":");

    *place = (struct pull_place){ 0 };
    if (text[len] == '\0')
        return 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strlen(kinds[i].name) == len && strncmp(text, kinds[i].name, len) == 0) {
            place->kind = kinds[i].kind;
            place->form = kinds[i].form;
            place->text = md_xstrdup(text);
            return split(text + len + 1, place, err);
        }
    }
    return refuse_others(text, len, err);
}

void pull_place_clear(struct pull_place *place)
{
    free(place->text);
    free(place->path);
    free(place->tag);
    *place = (struct pull_place){ 0 };
}

const char *pull_place_strip(const char *text)
{
    return strncmp(text, "docker://", 9) == 0 ? text + 9 : text;
}

/* What follows the name proper in the names of root file systems. */
static const char *const endings[] = { ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tgz",
                                       ".tbz2",   ".txz",     ".tzst",   ".tar",     ".gz" };

int pull_place_name(const char *source, struct md_ref *ref, struct md_err *err)
{
    MD_AUTO_FREE char *path = md_xstrdup(source);
    struct md_err ignored = { 0 };
    size_t len = strcspn(path, "?#");

    while (len > 1 && path[len - 1] == '/')
        len--;
    path[len] = '\0';
    char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        size_t ending = strlen(endings[i]);

        len = strlen(name);
        if (len > ending && strcmp(name + len - ending, endings[i]) == 0) {
            name[len - ending] = '\0';
            break;
        }
    }
    for (char *at = name; *at; at++)
        *at = isalnum((unsigned char)*at) || strchr("._-", *at) ? (char)tolower(*at) : '-';
    if (md_ref_parse(name, ref, &ignored) < 0)
        return md_err_set(err, MD_ERR_USAGE,
                          "no image name can be made of \"%s\": give one after it", source);
    return 0;
}
