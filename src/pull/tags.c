/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of a repository: asked for page by page in one process, taken by another. */
#include "pull/tags.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "pull/documents.h"
#include "pull/registry.h"
#include "pull/wire.h"

#define PAGE "list?n=1000" /* Docker Hub gives no more at once */

/* ---- The Link field ---- */

/* Does the value of a rel parameter have the word "next"? It ends at end. */
static bool has_next(const char *value, const char *end)
{
    while (value < end) {
        size_t blanks = strspn(value, " \t\"");
        size_t len = strcspn(value + blanks, " \t\"");

        if (value + blanks >= end)
            return false;
        if (value + blanks + len > end)
            len = (size_t)(end - value) - blanks;
        if (len == 4 && strncasecmp(value + blanks, "next", 4) == 0)
            return true;
        value += blanks + len;
    }
    return false;
}

/* One parameter ";name=value" at *at, which moves behind it: is it rel with "next"? */
static bool take_parameter(const char **at)
{
    const char *name = *at + 1 + strspn(*at + 1, " \t");
    size_t len = strcspn(name, " \t=;,");
    const char *value = name + len + strspn(name + len, " \t");
    const char *end;

    if (*value != '=') {
        *at = value + strcspn(value, ";,");
        return false;
    }
    value += 1 + strspn(value + 1, " \t");
    if (*value == '"') {
        const char *quote = strchr(value + 1, '"');

        end = quote ? quote + 1 : value + strlen(value);
    } else {
        end = value + strcspn(value, ";, \t");
    }
    *at = end + strcspn(end, ";,");
    return len == 3 && strncasecmp(name, "rel", 3) == 0 && has_next(value, end);
}

bool pull_tags_next(const char *link, char *out, size_t size)
{
    const char *at = link;

    while ((at = strchr(at, '<'))) {
        const char *address = at + 1;
        size_t len = strcspn(address, ">");
        bool next = false;

        if (address[len] != '>')
            return false;
        at = address + len + 1;
        at += strspn(at, " \t");
        while (*at == ';')
            next = take_parameter(&at) || next;
        if (next && len < size) {
            memcpy(out, address, len);
            out[len] = '\0';
            return true;
        }
    }
    return false;
}

/* ---- In the network process ---- */

/* A list on its way. */
struct listing {
    struct pull_registry *registry;
    const char *what;
    struct md_buf lines; /* a tag on each */
    size_t count;
    char page[PULL_MAX_URL]; /* what to ask for next, "" after the last */
};

static int add_tag(struct listing *listing, const char *tag, struct md_err *err)
{
    MD_AUTO_FREE char *name = md_xasprintf("%s/%s:%s", listing->registry->ref.registry,
                                           listing->registry->ref.repository, tag);
    struct md_err why = { 0 };
    struct md_ref ref;
    char shown[160];

    if (strlen(tag) > MD_MAX_TAG || md_ref_parse(name, &ref, &why) < 0 ||
        strcmp(ref.tag, tag) != 0)
        return md_err_set(err, MD_ERR_FORMAT, "%s: \"%s\" is no tag", listing->what,
                          md_text_escape(tag, strlen(tag), shown, sizeof(shown)));
    if (++listing->count > MD_MAX_TAGS)
        return md_err_set(err, MD_ERR_LIMIT, "%s: more than %d", listing->what, MD_MAX_TAGS);
    md_buf_printf(&listing->lines, "%s\n", tag);
    return 0;
}

static int add_page(struct listing *listing, const struct md_buf *body, struct md_err *err)
{
    MD_AUTO_JSON document =
        md_json_parse(body->data ? body->data : "", body->len, "document", err);
    const struct json_t *tags = md_json_get(document, "tags");

    if (!document)
        return md_err_in(err, "%s", listing->what);
    if (!md_json_is_null(tags) && !md_json_is_array(tags))
        return md_err_set(err, MD_ERR_FORMAT, "%s: the answer is no list of tags",
                          listing->what);
    for (size_t i = 0; i < md_json_count(tags); i++) {
        const char *tag = md_json_text(md_json_at(tags, i));

        if (add_tag(listing, tag ? tag : "", err) < 0)
            return -1;
    }
    return 0;
}

/*
 * The next page is of the same list at the same server, so its address is the same up to the
 * query. All that is taken of it is that query: neither token nor question goes elsewhere.
 */
static int turn_page(struct listing *listing, const struct pull_transfer *transfer,
                     struct md_err *err)
{
    const struct pull_url *here = pull_transfer_url(transfer);
    char address[sizeof(pull_transfer_response(transfer)->link)];
    char before[PULL_MAX_URL];
    struct pull_url next;
    size_t path = strcspn(here->text, "?");

    memcpy(before, listing->page, sizeof(before));
    listing->page[0] = '\0';
    if (!pull_tags_next(pull_transfer_response(transfer)->link, address, sizeof(address)))
        return 0;
    if (pull_url_parse(address, here, &next, err) < 0)
        return md_err_in(err, "%s: the next page", listing->what);
    if (strncmp(here->text, next.text, path) != 0 || next.text[path] != '?')
        return md_err_set(err, MD_ERR_FORMAT,
                          "%s: the next page is elsewhere than the first: refused",
                          listing->what);
    snprintf(listing->page, sizeof(listing->page), "list%s", next.text + path);
    if (strcmp(listing->page, before) == 0)
        return md_err_set(err, MD_ERR_FORMAT, "%s: the next page is the same one",
                          listing->what);
    return 0;
}

static int judge_page(struct listing *listing, struct pull_transfer *transfer,
                      struct md_err *err)
{
    if (pull_transfer_response(transfer)->status != 200)
        return pull_registry_refused(listing->registry, transfer, err);
    if (add_page(listing, pull_transfer_body(transfer), err) < 0)
        return -1;
    return turn_page(listing, transfer, err);
}

static int fetch_page(struct listing *listing, struct md_err *err)
{
    char page[PULL_MAX_URL];
    struct pull_wish wish = {
        .what = listing->what,
        .method = PULL_GET,
        .kind = "tags",
        .name = page,
        .accept = "application/json",
        .max = MD_MAX_MANIFEST,
        .size = -1,
    };
    struct pull_transfer *transfer;
    int result = -1;

    memcpy(page, listing->page, sizeof(page));
    transfer = pull_registry_fetch(listing->registry, &wish, err);
    if (transfer && pull_registry_finish(listing->registry, transfer, err) == PULL_ANSWERED)
        result = judge_page(listing, transfer, err);
    pull_transfer_close(&transfer);
    return result;
}

static int fetch_all(struct listing *listing, struct md_err *err)
{
    for (int pages = 0; listing->page[0]; pages++) {
        if (pages == MD_MAX_TAG_PAGES)
            return md_err_set(err, MD_ERR_LIMIT, "%s: more than %d pages", listing->what,
                              MD_MAX_TAG_PAGES);
        if (fetch_page(listing, err) < 0)
            return -1;
    }
    return listing->count > 0
               ? 0
               : md_err_set(err, MD_ERR_NOT_FOUND, "%s: there are none", listing->what);
}

int pull_tags_send(struct pull_registry *registry, int socket, struct md_err *err)
{
    char repository[MD_REF_TEXT_SIZE];
    MD_AUTO_FREE char *what = NULL;
    struct listing listing = { .registry = registry, .page = PAGE };
    int result;

    md_ref_familiar_repository(&registry->ref, repository);
    what = md_xasprintf("tags of %s", repository);
    listing.what = what;
    result = fetch_all(&listing, err);
    if (result == 0)
        result = pull_tag_list_send(socket, listing.lines.data, listing.lines.len, err);
    md_buf_clear(&listing.lines);
    return result;
}

/* ---- In the coordinator ---- */

static int take_list(int fd, struct md_list *tags, struct md_err *err)
{
    MD_AUTO_FREE char *text = NULL;
    size_t len;

    if (lseek(fd, 0, SEEK_SET) < 0)
        return md_err_sys(err, "list of tags");
    text = md_fd_read_all(fd, (MD_MAX_TAG + 1) * MD_MAX_TAGS, &len, "list of tags", err);
    if (!text)
        return -1;
    for (const char *tag = text; *tag; tag += strspn(tag, "\n")) {
        md_list_take(tags, md_xstrndup(tag, strcspn(tag, "\n")));
        tag += strcspn(tag, "\n");
    }
    return 0;
}

int pull_tags_ask(int socket, const struct md_ref *ref, const struct pull_patience *patience,
                  struct md_list *tags, struct md_err *err)
{
    struct pull_message message = {
        .tag = PULL_TAGS,
        .ring = PULL_RINGS,
        .resolve = { .ref = *ref, .patience = *patience },
    };
    int fds[PULL_MESSAGE_FDS];
    int got;
    int status = -1;

    md_list_clear(tags);
    if (pull_wire_send(socket, &message, NULL, 0, err) < 0)
        return -1;
    got = pull_wire_receive(socket, &message, fds, err);
    if (got < 0)
        return -1;
    if (got > 0 && message.tag == PULL_TAG_LIST && fds[0] >= 0)
        status = take_list(fds[0], tags, err);
    else if (got > 0 && message.tag == PULL_FAILED)
        *err = message.err;
    else
        md_err_set(err, MD_ERR_SYSTEM, "the network process has ended unexpectedly");
    for (size_t i = 0; i < PULL_MESSAGE_FDS; i++)
        md_fd_close(&fds[i]);
    return status;
}
