/* SPDX-License-Identifier: Apache-2.0 */
/* One row of ps, in docker's words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/ps.h"
#include "store/usage.h"

#define COMMAND_CHARACTERS 20
#define MOUNT_CHARACTERS 15

char *cli_ps_status(const struct store_state *state, time_t now)
{
    int64_t up = now - state->started.tv_sec;
    int64_t since = now - state->finished.tv_sec;
    char text[64];

    switch (state->status) {
    case STORE_CREATED:
        return md_xstrdup("Created");
    case STORE_RUNNING:
        return md_xasprintf("Up %s", md_text_duration(up, text, sizeof(text)));
    case STORE_PAUSED:
        return md_xasprintf("Up %s (Paused)", md_text_duration(up, text, sizeof(text)));
    case STORE_RESTARTING:
        return md_xasprintf("Restarting (%d) %s ago", state->exit_code,
                            md_text_duration(since, text, sizeof(text)));
    case STORE_EXITED:
        break;
    }
    if (!state->finished.tv_sec)
        return md_xasprintf("Exited (%d)", state->exit_code);
    return md_xasprintf("Exited (%d) %s ago", state->exit_code,
                        md_text_duration(since, text, sizeof(text)));
}

/* The command in quotes, 20 characters unless --no-trunc, as docker shows it. */
static char *command_text(const struct md_list *args, const struct cli_ps_style *style)
{
    struct md_buf line = { 0 };

    for (size_t i = 0; i < args->count; i++)
        md_buf_printf(&line, "%s%s", i ? " " : "", args->items[i]);
    MD_AUTO_FREE char *safe = md_text_escaped(line.data ? line.data : "", line.len);
    MD_AUTO_FREE char *cut = cli_shortened(safe, style->full ? SIZE_MAX : COMMAND_CHARACTERS);

    md_buf_clear(&line);
    return md_xasprintf("\"%s\"", cut);
}

/* Its name as typed; an id is shown as ids are. */
static char *image_text(const struct store_container *container,
                        const struct cli_ps_style *style)
{
    const char *name = container->image_name;
    const char *digits = strncmp(name, "sha256:", 7) == 0 ? name + 7 : name;

    if (!style->full && container->image_id[0] &&
        strncmp(container->image_id, digits, strlen(digits)) == 0 && strlen(digits) > 12)
        return md_xasprintf("%.12s", digits);
    return cli_cell(name);
}

/* "key=value,key=value" */
static char *labels_text(const struct json_t *labels)
{
    struct md_buf text = { 0 };

    for (const char *key = NULL; (key = md_json_next_key(labels, key));) {
        const char *value = md_json_get_text(labels, key);

        md_buf_printf(&text, "%s%s=%s", text.len ? "," : "", key, value ? value : "");
    }
    char *safe = cli_cell(text.data ? text.data : "");

    md_buf_clear(&text);
    return safe;
}

/* Names of volumes and paths of the host; how many volumes there are. */
static char *mounts_text(const struct json_t *mounts, const struct cli_ps_style *style,
                         size_t *volumes)
{
    struct md_buf text = { 0 };

    for (size_t i = 0; i < md_json_count(mounts); i++) {
        const struct json_t *mount = md_json_at(mounts, i);
        const char *name = md_json_get_text(mount, "Name");
        const char *source = name && *name ? name : md_json_get_text(mount, "Source");
        MD_AUTO_FREE char *safe = cli_cell(source ? source : "");
        MD_AUTO_FREE char *cut = cli_shortened(safe, style->full ? SIZE_MAX : MOUNT_CHARACTERS);

        *volumes += name && *name;
        md_buf_printf(&text, "%s%s", text.len ? "," : "", cut);
    }
    return text.data ? text.data : md_xstrdup("");
}

/* "12B (virtual 7.8MB)"; what cannot be looked at counts as nothing. */
static char *size_text(const struct store *store, const struct store_container *container)
{
    struct store_image image = { 0 };
    struct md_err ignored = { 0 };
    uint64_t written = 0;
    char own[32];
    char whole[32];

    if (store_container_usage(container, &written, &ignored) < 0)
        written = 0;
    if (container->image_id[0] &&
        store_image_open_id(store, container->image_id, &image, &ignored) < 0)
        image.size = 0;
    md_text_size(written, own, sizeof(own));
    md_text_size(written + image.size, whole, sizeof(whole));
    store_image_clear(&image);
    return md_xasprintf("%s (virtual %s)", own, whole);
}

static void set_text(struct json_t *row, const char *field, char *text)
{
    md_json_set(row, field, md_json_string(text));
    free(text);
}

struct json_t *cli_ps_row(const struct store *store, const struct cli_ps_item *item,
                          const struct cli_ps_style *style)
{
    const struct store_container *container = item->container;
    const struct json_t *config = container->config;
    const char *network = md_json_get_text(md_json_get(config, "HostConfig"), "NetworkMode");
    struct json_t *row = md_json_object();
    size_t volumes = 0;

    set_text(row, "Command", command_text(&container->args, style));
    set_text(row, "CreatedAt", cli_created_at(&container->created));
    set_text(row, "ID", md_xstrndup(container->id, style->full ? STORE_ID_SIZE : 12));
    set_text(row, "Image", image_text(container, style));
    set_text(row, "Labels", labels_text(md_json_get(md_json_get(config, "Config"), "Labels")));
    set_text(row, "Mounts", mounts_text(md_json_get(config, "Mounts"), style, &volumes));
    set_text(row, "LocalVolumes", md_xasprintf("%zu", volumes));
    set_text(row, "Names", md_xstrdup(container->name));
    set_text(row, "Networks", cli_cell(network ? network : ""));
    set_text(row, "Ports", md_xstrdup(""));
    set_text(row, "RunningFor", cli_ago(container->created.tv_sec));
    set_text(row, "Size", style->sizes ? size_text(store, container) : md_xstrdup("0B"));
    set_text(row, "State", md_xstrdup(store_status_word(item->state->status)));
    set_text(row, "Status", cli_ps_status(item->state, time(NULL)));
    return row;
}
