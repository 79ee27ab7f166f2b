/* SPDX-License-Identifier: Apache-2.0 */
/* What `docker save` writes, seen as manifests and blobs. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/hash.h"
#include "pull/inflate.h"
#include "pull/layout.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define BLOCK_BYTES (256u << 10)

/* ---- manifest.json ---- */

static int check_row(const struct json_t *row, struct md_err *err)
{
    struct md_list layers = { 0 };
    int malformed =
        !md_json_get_text(row, "Config") || md_json_get_list(row, "Layers", &layers) < 0;

    if (!malformed && layers.count > MD_MAX_LAYERS)
        md_err_set(err, MD_ERR_LIMIT, "an image of \"manifest.json\" has more than %d layers",
                   MD_MAX_LAYERS);
    else if (malformed)
        md_err_set(err, MD_ERR_FORMAT,
                   "an image of \"manifest.json\" has no config, or no list of layers");
    md_list_clear(&layers);
    return err->kind == MD_ERR_NONE ? 0 : -1;
}

static int add_image(struct pull_layout *layout, const struct json_t *row, struct md_err *err)
{
    struct pull_layout_image *image = &layout->images[layout->count];
    struct md_list tags = { 0 };
    struct md_ref ref;
    char shown[160];

    if (check_row(row, err) < 0)
        return -1;
    layout->count++;
    if (md_json_get_list(row, "RepoTags", &tags) < 0)
        return md_err_set(err, MD_ERR_FORMAT, "RepoTags in \"manifest.json\" is no list");
    for (size_t i = 0; err->kind == MD_ERR_NONE && i < tags.count; i++) {
        const char *tag = tags.items[i];

        if (md_ref_parse(tag, &ref, err) < 0 || ref.digest.alg)
            md_err_set(err, MD_ERR_FORMAT, "\"%s\" in \"manifest.json\" is no name",
                       md_text_escape(tag, strlen(tag), shown, sizeof(shown)));
        else
            md_list_add(&image->names, tag);
    }
    md_list_clear(&tags);
    return err->kind == MD_ERR_NONE ? 0 : -1;
}

int pull_docker_open(struct pull_layout *layout, struct md_err *err)
{
    size_t len;
    size_t count;
    MD_AUTO_FREE char *bytes =
        pull_files_read(layout->files, "manifest.json", MD_MAX_MANIFEST, &len, err);

    if (!bytes)
        return -1;
    layout->rows = md_json_parse(bytes, len, "manifest.json", err);
    if (!layout->rows)
        return -1;
    count = md_json_count(layout->rows);
    if (!md_json_is_array(layout->rows) || count == 0)
        return md_err_set(err, MD_ERR_FORMAT, "\"manifest.json\" is no list of images");
    if (count > MD_MAX_INDEX_ENTRIES)
        return md_err_set(err, MD_ERR_LIMIT, "\"manifest.json\" has more than %d images",
                          MD_MAX_INDEX_ENTRIES);
    layout->images = md_xcalloc(count, sizeof(*layout->images));
    for (size_t i = 0; i < count; i++) {
        if (add_image(layout, md_json_at(layout->rows, i), err) < 0)
            return -1;
    }
    return 0;
}

/* ---- A manifest for one image ---- */

void pull_docker_forget_blobs(struct pull_layout *layout)
{
    for (size_t i = 0; i < layout->blob_count; i++)
        free(layout->blobs[i].path);
    free(layout->blobs);
    layout->blobs = NULL;
    layout->blob_count = 0;
}

static void add_blob(struct pull_layout *layout, const struct md_digest *digest,
                     const char *path)
{
    layout->blobs =
        md_xreallocarray(layout->blobs, layout->blob_count + 1, sizeof(*layout->blobs));
    layout->blobs[layout->blob_count++] =
        (struct pull_layout_blob){ .digest = *digest, .path = md_xstrdup(path) };
}

static struct json_t *descriptor(const char *type, const struct md_digest *digest, int64_t size)
{
    struct json_t *object = md_json_object();

    md_json_set(object, "mediaType", md_json_string(type));
    md_json_set(object, "digest", md_json_string(digest->text));
    md_json_set(object, "size", md_json_number(size));
    return object;
}

/* Most tools call the config's file by its digest; then it must be that. */
static int check_name(const char *path, const struct md_digest *digest, struct md_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char hex[64 + 1];

    if (strncmp(name, "sha256:", 7) == 0)
        name += 7;
    snprintf(hex, sizeof(hex), "%s", name);
    if (!md_is_id(hex) || (name[64] != '\0' && strcmp(name + 64, ".json") != 0) ||
        strcmp(hex, md_digest_hex(digest)) == 0)
        return 0;
    return md_err_set(err, MD_ERR_DIGEST, "config: got %s, expected sha256:%s", digest->text,
                      hex);
}

/* The config and its digest; size is that of its bytes. */
static int read_config(struct pull_layout *layout, const struct json_t *row,
                       struct md_oci_config *config, struct json_t *manifest,
                       struct md_err *err)
{
    const char *path = md_json_get_text(row, "Config");
    size_t len;
    MD_AUTO_FREE char *bytes = pull_files_read(layout->files, path, MD_MAX_CONFIG, &len, err);
    MD_AUTO_JSON json = NULL;
    struct md_digest digest;

    if (!bytes)
        return md_err_in(err, "config");
    pull_hash_bytes(MD_SHA256, bytes, len, &digest);
    if (check_name(path, &digest, err) < 0)
        return -1;
    json = md_json_parse(bytes, len, "config", err);
    if (!json || md_oci_config_parse(json, config, err) < 0)
        return -1;
    add_blob(layout, &digest, path);
    md_json_set(manifest, "config", descriptor(CONFIG_TYPE, &digest, (int64_t)len));
    return 0;
}

/* The SHA-256 of a file of the archive. */
static int hash_extent(const struct pull_extent *extent, struct md_digest *digest,
                       struct md_err *err)
{
    struct pull_hash *hash = pull_hash_open(MD_SHA256);
    MD_AUTO_FREE char *block = md_xmalloc(BLOCK_BYTES);
    int64_t done = 0;

    while (done < extent->size) {
        int64_t left = extent->size - done;
        ssize_t len = pread(extent->fd, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES,
                            extent->offset + done);

        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0) {
            pull_hash_free(&hash);
            return len < 0 ? md_err_sys(err, "cannot read the archive")
                           : md_err_set(err, MD_ERR_FORMAT, "the archive is cut off");
        }
        pull_hash_add(hash, block, (size_t)len);
        done += len;
    }
    pull_hash_finish(&hash, digest);
    return 0;
}

/*
 * The descriptor of a layer. A plain tar is called by its diff id already, so what was promised
 * is verified as it is unpacked; a compressed one (never docker's own) has to be hashed first.
 */
static int describe_layer(const struct pull_extent *extent, const struct md_digest *diff_id,
                          struct md_digest *digest, const char **type, struct md_err *err)
{
    unsigned char magic[PULL_MAGIC_BYTES] = { 0 };
    size_t len = extent->size < (int64_t)sizeof(magic) ? (size_t)extent->size : sizeof(magic);
    ssize_t got = pread(extent->fd, magic, len, extent->offset);
    enum pull_format format = pull_format_of(magic, got < 0 ? 0 : (size_t)got);

    *type = format == PULL_GZIP   ? LAYER_TYPE "+gzip"
            : format == PULL_ZSTD ? LAYER_TYPE "+zstd"
                                  : LAYER_TYPE;
    *digest = *diff_id;
    return format == PULL_PLAIN ? 0 : hash_extent(extent, digest, err);
}

static int add_layer(struct pull_layout *layout, const char *path,
                     const struct md_digest *diff_id, struct json_t *layers, struct md_err *err)
{
    struct pull_extent extent;
    struct md_digest digest;
    const char *type;
    int status;

    if (pull_files_find(layout->files, path, &extent, err) < 0)
        return md_err_in(err, "layer %s", diff_id->text);
    status = describe_layer(&extent, diff_id, &digest, &type, err);
    md_fd_close(&extent.fd);
    if (status < 0)
        return -1;
    add_blob(layout, &digest, path);
    md_json_append(layers, descriptor(type, &digest, extent.size));
    return 0;
}

static int add_layers(struct pull_layout *layout, const struct json_t *row,
                      const struct md_oci_config *config, struct json_t *manifest,
                      struct md_err *err)
{
    struct json_t *layers = md_json_array();
    struct md_list paths = { 0 };
    int status = md_json_get_list(row, "Layers", &paths);

    if (status == 0 && paths.count != config->diff_id_count)
        status = md_err_set(err, MD_ERR_FORMAT,
                            "\"manifest.json\" has %zu layers, but the config %zu diff ids",
                            paths.count, config->diff_id_count);
    for (size_t i = 0; status == 0 && i < paths.count; i++)
        status = add_layer(layout, paths.items[i], &config->diff_ids[i], layers, err);
    md_list_clear(&paths);
    md_json_set(manifest, "layers", layers);
    return status;
}

int pull_docker_named(struct pull_layout *layout, uint32_t image, struct pull_found *found,
                      struct md_err *err)
{
    const struct json_t *row = md_json_at(layout->rows, image);
    struct md_oci_config config = { 0 };
    MD_AUTO_JSON manifest = md_json_object();
    char *text;
    int status;

    pull_docker_forget_blobs(layout);
    md_json_set(manifest, "schemaVersion", md_json_number(2));
    md_json_set(manifest, "mediaType", md_json_string(MANIFEST_TYPE));
    status = read_config(layout, row, &config, manifest, err);
    if (status == 0)
        status = add_layers(layout, row, &config, manifest, err);
    md_oci_config_clear(&config);
    if (status < 0)
        return -1;
    text = md_json_line(manifest);
    found->bytes = (struct md_buf){ .data = text, .len = strlen(text), .size = strlen(text) };
    pull_hash_bytes(MD_SHA256, text, found->bytes.len, &found->digest);
    return 0;
}
