/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout: its index, and the documents and blobs below it. */
#include "pull/layout.h"

#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define REF_NAME "org.opencontainers.image.ref.name"
#define FULL_NAME "io.containerd.image.name" /* containerd and docker: with the repository */

/* ---- Blobs ---- */

/* "blobs/sha256/<hex>"; out holds MD_DIGEST_TEXT_SIZE + 8 bytes. */
static const char *path_of(const struct md_digest *digest, char *out)
{
    int len = snprintf(out, MD_DIGEST_TEXT_SIZE + 8, "blobs/%s", digest->text);

    for (int i = 0; i < len; i++) {
        if (out[i] == ':')
            out[i] = '/';
    }
    return out;
}

/* The name of the file that holds a blob; out is as for path_of(). */
static const char *find_path(const struct pull_layout *layout, const struct md_digest *digest,
                             char *out)
{
    for (size_t i = 0; i < layout->blob_count; i++) {
        if (md_digest_equal(&layout->blobs[i].digest, digest))
            return layout->blobs[i].path;
    }
    return path_of(digest, out);
}

int pull_layout_blob(const struct pull_layout *layout, const struct md_digest *digest,
                     struct pull_extent *extent, struct md_err *err)
{
    char path[MD_DIGEST_TEXT_SIZE + 8];

    return pull_files_find(layout->files, find_path(layout, digest, path), extent, err);
}

/* There is no Content-Type here, and OCI lets a document keep its own type to itself. */
static void tell_type(struct pull_found *found)
{
    struct md_err ignored = { 0 };
    MD_AUTO_JSON document =
        md_json_parse(found->bytes.data, found->bytes.len, "document", &ignored);

    if (!md_json_is_null(md_json_get(document, "mediaType")))
        return;
    snprintf(found->content_type, sizeof(found->content_type), "%s",
             md_json_is_null(md_json_get(document, "manifests")) ? MANIFEST_TYPE : INDEX_TYPE);
}

static int read_described(struct pull_origin *origin, enum pull_paper_kind kind,
                          const struct md_descriptor *described, struct pull_found *found,
                          struct md_err *err)
{
    struct pull_layout *layout = (struct pull_layout *)origin;
    char path[MD_DIGEST_TEXT_SIZE + 8];
    size_t len;
    char *bytes = pull_files_read(layout->files, find_path(layout, &described->digest, path),
                                  MD_MAX_MANIFEST, &len, err);

    if (!bytes)
        return md_err_in(err, "%s %s", kind == PULL_A_CONFIG ? "config" : "manifest",
                         described->digest.text);
    found->bytes = (struct md_buf){ .data = bytes, .len = len, .size = len + 1 };
    if (kind == PULL_A_MANIFEST)
        tell_type(found);
    return 0;
}

/* ---- The index ---- */

/*
 * The rows of one image as an index of their own. A single row loses its platform: there is
 * nothing to choose, and its config says what it is for.
 */
static struct json_t *make_index(const struct json_t *entries)
{
    struct json_t *index = md_json_object();
    struct json_t *rows = md_json_array();
    size_t count = md_json_count(entries);

    for (size_t i = 0; i < count; i++) {
        const struct json_t *entry = md_json_at(entries, i);
        struct json_t *row = md_json_object();

        md_json_set(row, "mediaType", md_json_copy(md_json_get(entry, "mediaType")));
        md_json_set(row, "digest", md_json_copy(md_json_get(entry, "digest")));
        md_json_set(row, "size", md_json_copy(md_json_get(entry, "size")));
        if (count > 1)
            md_json_set(row, "platform", md_json_copy(md_json_get(entry, "platform")));
        md_json_append(rows, row);
    }
    md_json_set(index, "schemaVersion", md_json_number(2));
    md_json_set(index, "mediaType", md_json_string(INDEX_TYPE));
    md_json_set(index, "manifests", rows);
    return index;
}

static int read_named(struct pull_origin *origin, const struct pull_resolve *order,
                      struct pull_found *found, struct md_err *err)
{
    struct pull_layout *layout = (struct pull_layout *)origin;
    const struct json_t *entries;
    struct md_err ignored = { 0 };
    MD_AUTO_JSON index = NULL;
    const char *digest;
    char *text;

    if (order->image >= layout->count)
        return md_err_set(err, MD_ERR_NOT_FOUND, "no image of this number");
    if (layout->kind == PULL_LOCAL_DOCKER)
        return pull_docker_named(layout, order->image, found, err);
    entries = layout->images[order->image].entries;
    digest = md_json_get_text(md_json_at(entries, 0), "digest");
    /* What a single row names is verified next; of several nobody knows a common one. */
    if (md_json_count(entries) != 1 || !digest ||
        md_digest_parse(digest, &found->digest, &ignored) < 0)
        found->digest = (struct md_digest){ 0 };
    index = make_index(entries);
    text = md_json_line(index);
    found->bytes = (struct md_buf){ .data = text, .len = strlen(text), .size = strlen(text) };
    return 0;
}

/* A name as a person would want it: a reference, ":tag", or nothing. */
static char *name_of(const struct json_t *entry)
{
    const struct json_t *annotations = md_json_get(entry, "annotations");
    const char *name = md_json_get_text(annotations, FULL_NAME);
    struct md_err ignored = { 0 };
    struct md_ref ref;

    if (!name)
        name = md_json_get_text(annotations, REF_NAME);
    if (!name || !*name)
        return NULL;
    if (!strpbrk(name, "/:@"))
        return md_xasprintf(":%s", name);
    if (md_ref_parse(name, &ref, &ignored) < 0 || ref.digest.alg)
        return NULL;
    return md_xstrdup(name);
}

/* The image that an entry is one platform of: the one of the same name. */
static struct pull_layout_image *find_image(struct pull_layout *layout,
                                            const struct json_t *entry, const char *name)
{
    if (md_json_is_null(md_json_get(entry, "platform")))
        return NULL;
    for (size_t i = 0; i < layout->count; i++) {
        struct pull_layout_image *image = &layout->images[i];
        const char *its = image->names.count > 0 ? image->names.items[0] : NULL;

        if (!md_json_is_null(md_json_get(md_json_at(image->entries, 0), "platform")) &&
            (its && name ? strcmp(its, name) == 0 : its == name))
            return image;
    }
    return NULL;
}

static void add_entry(struct pull_layout *layout, const struct json_t *entry)
{
    MD_AUTO_FREE char *name = name_of(entry);
    struct pull_layout_image *image = find_image(layout, entry, name);

    if (!image) {
        image = &layout->images[layout->count++];
        image->entries = md_json_array();
        if (name)
            md_list_add(&image->names, name);
    }
    md_json_append(image->entries, md_json_copy(entry));
}

static struct json_t *read_json(const struct pull_layout *layout, const char *name,
                                struct md_err *err)
{
    size_t len;
    MD_AUTO_FREE char *bytes = pull_files_read(layout->files, name, MD_MAX_MANIFEST, &len, err);

    return bytes ? md_json_parse(bytes, len, name, err) : NULL;
}

static int check_version(const struct pull_layout *layout, struct md_err *err)
{
    MD_AUTO_JSON marker = read_json(layout, "oci-layout", err);
    const char *version = md_json_get_text(marker, "imageLayoutVersion");

    if (!marker)
        return -1;
    if (!version || strncmp(version, "1.", 2) != 0)
        return md_err_set(err, MD_ERR_FORMAT, "\"oci-layout\" is of no version 1");
    return 0;
}

static int open_oci(struct pull_layout *layout, struct md_err *err)
{
    MD_AUTO_JSON index = NULL;
    const struct json_t *entries;

    if (check_version(layout, err) < 0)
        return -1;
    index = read_json(layout, "index.json", err);
    entries = md_json_get(index, "manifests");
    if (!index)
        return -1;
    if (!md_json_is_array(entries))
        return md_err_set(err, MD_ERR_FORMAT, "\"index.json\" has no list of manifests");
    if (md_json_count(entries) > MD_MAX_INDEX_ENTRIES)
        return md_err_set(err, MD_ERR_LIMIT, "\"index.json\" has more than %d entries",
                          MD_MAX_INDEX_ENTRIES);
    layout->images = md_xcalloc(md_json_count(entries) + 1, sizeof(*layout->images));
    for (size_t i = 0; i < md_json_count(entries); i++)
        add_entry(layout, md_json_at(entries, i));
    return 0;
}

static enum pull_local_kind kind_of(const struct pull_files *files)
{
    if (pull_files_have(files, "oci-layout") && pull_files_have(files, "index.json"))
        return PULL_LOCAL_OCI;
    return pull_files_have(files, "manifest.json") ? PULL_LOCAL_DOCKER : PULL_LOCAL_NONE;
}

static int open_kind(struct pull_layout *layout, enum pull_local_kind wanted,
                     struct md_err *err)
{
    layout->kind = wanted != PULL_LOCAL_NONE ? wanted : kind_of(layout->files);
    switch (layout->kind) {
    case PULL_LOCAL_OCI:
        return open_oci(layout, err);
    case PULL_LOCAL_DOCKER:
        return pull_docker_open(layout, err);
    case PULL_LOCAL_NONE:
        break;
    }
    return md_err_set(err, MD_ERR_NOT_FOUND,
                      "no image archive: neither \"index.json\" and \"oci-layout\" nor "
                      "\"manifest.json\" are in it");
}

struct pull_layout *pull_layout_open(struct pull_files *files, enum pull_local_kind wanted,
                                     struct md_err *err)
{
    struct pull_layout *layout = md_xcalloc(1, sizeof(*layout));

    layout->origin = (struct pull_origin){ .named = read_named, .described = read_described };
    layout->files = files;
    if (open_kind(layout, wanted, err) < 0)
        pull_layout_close(&layout);
    return layout;
}

void pull_layout_close(struct pull_layout **layout)
{
    if (!*layout)
        return;
    for (size_t i = 0; i < (*layout)->count; i++) {
        md_list_clear(&(*layout)->images[i].names);
        md_json_free(&(*layout)->images[i].entries);
    }
    free((*layout)->images);
    pull_docker_forget_blobs(*layout);
    md_json_free(&(*layout)->rows);
    pull_files_close(&(*layout)->files);
    md_ptr_free(layout);
}
