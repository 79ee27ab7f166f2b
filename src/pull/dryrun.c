/* SPDX-License-Identifier: Apache-2.0 */
/* What a pull would fetch: each layer, the bytes to come, the room that they need. */
#include "pull/dryrun.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

struct forecast {
    uint64_t bytes; /* compressed: what comes unpacked is hardly ever less */
    size_t layers;
    uint64_t free;
};

/* The store may not be there yet: what counts is the nearest directory above it. */
static int find_free(const char *store, uint64_t *bytes, struct md_err *err)
{
    MD_AUTO_FREE char *path = md_xstrdup(store);
    struct statvfs space;

    while (statvfs(path, &space) < 0) {
        char *slash = strrchr(path, '/');

        if (errno != ENOENT || !slash || slash[1] == '\0')
            return md_err_sys(err, "free space at \"%s\"", store);
        slash[slash == path] = '\0';
    }
    *bytes = (uint64_t)space.f_bavail * space.f_frsize;
    return 0;
}

static bool image_is_there(const struct pull *pull)
{
    struct stat st;

    return pull->store->images >= 0 &&
           fstatat(pull->store->images, md_digest_hex(&pull->resolved.config), &st,
                   AT_SYMLINK_NOFOLLOW) == 0;
}

/* Would this layer be fetched? One that comes twice is fetched once. */
static bool would_come(const struct pull *pull, size_t index)
{
    const struct md_digest *diff_id = &pull->parts[index].wanted.diff_id;

    for (size_t i = 0; i < index; i++) {
        if (md_digest_equal(&pull->parts[i].wanted.diff_id, diff_id))
            return false;
    }
    return pull->options->force ||
           (!image_is_there(pull) && !store_layer_is_there(pull->store, diff_id));
}

static void print_text(const struct pull *pull, const struct forecast *forecast)
{
    FILE *out = pull->options->out;
    char size[32];
    char needed[32];
    char room[32];

    for (size_t i = 0; i < pull->part_count; i++) {
        const struct md_descriptor *blob = &pull->parts[i].wanted.layer.blob;

        fprintf(out, "%.12s: ", md_digest_hex(&blob->digest));
        if (would_come(pull, i))
            fprintf(out, "Would download %s\n",
                    md_text_size((uint64_t)blob->size, size, sizeof(size)));
        else
            fprintf(out, "Already exists\n");
    }
    fprintf(out, "To download: %s in %zu layer%s; disk: at least %s needed, %s free\n",
            md_text_size(forecast->bytes, size, sizeof(size)), forecast->layers,
            forecast->layers == 1 ? "" : "s",
            md_text_size(forecast->bytes, needed, sizeof(needed)),
            md_text_size(forecast->free, room, sizeof(room)));
}

static struct json_t *layers_json(const struct pull *pull)
{
    struct json_t *layers = md_json_array();

    for (size_t i = 0; i < pull->part_count; i++) {
        const struct md_descriptor *blob = &pull->parts[i].wanted.layer.blob;
        struct json_t *layer = md_json_object();

        md_json_set(layer, "Digest", md_json_string(blob->digest.text));
        md_json_set(layer, "Size", md_json_number(blob->size));
        md_json_set(layer, "Exists", md_json_bool(!would_come(pull, i)));
        md_json_append(layers, layer);
    }
    return layers;
}

static void print_json(const struct pull *pull, const struct forecast *forecast)
{
    MD_AUTO_JSON object = md_json_object();
    MD_AUTO_FREE char *text = NULL;
    char full[MD_REF_TEXT_SIZE];

    md_ref_full(&pull->names[0], full);
    md_json_set(object, "Name", md_json_string(full));
    md_json_set(object, "Digest", md_json_string(pull->resolved.served.text));
    md_json_set(object, "UpToDate", md_json_bool(pull_change_of(pull) == PULL_UNCHANGED));
    md_json_set(object, "Layers", layers_json(pull));
    md_json_set(object, "BytesToDownload", md_json_number((int64_t)forecast->bytes));
    md_json_set(object, "BytesNeededAtLeast", md_json_number((int64_t)forecast->bytes));
    md_json_set(object, "BytesFree", md_json_number((int64_t)forecast->free));
    text = md_json_line(object);
    fprintf(pull->options->out, "%s\n", text);
}

int pull_dry_run(const struct pull *pull, struct md_err *err)
{
    struct forecast forecast = { 0 };

    if (find_free(pull->store->path, &forecast.free, err) < 0)
        return -1;
    for (size_t i = 0; i < pull->part_count; i++) {
        if (would_come(pull, i)) {
            forecast.layers++;
            forecast.bytes += (uint64_t)pull->parts[i].wanted.layer.blob.size;
        }
    }
    if (pull->options->json)
        print_json(pull, &forecast);
    else if (!pull->options->quiet)
        print_text(pull, &forecast);
    return 0;
}
