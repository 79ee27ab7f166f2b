/* SPDX-License-Identifier: Apache-2.0 */
/* Images out of a directory or an archive: pull oci:DIR, load, and what import recognises. */
#include "pull/load.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "pull/image.h"
#include "pull/opened.h"

/* The image that is got now, and its names. */
struct load {
    const struct store *store;
    const struct pull_options *options;
    struct pull_opened opened;
    struct md_ref *names;
    size_t name_count;
};

static void forget_names(struct load *load)
{
    md_ptr_free(&load->names);
    load->name_count = 0;
}

static int add_name(struct load *load, const struct pull_choice *choice, struct md_err *err)
{
    load->names = md_xreallocarray(load->names, load->name_count + 1, sizeof(*load->names));
    if (pull_opened_name(&load->opened, choice, &load->names[load->name_count], err) < 0)
        return -1;
    load->name_count++;
    return 0;
}

/* All names of an image that say more than a tag does, where there is no label for that. */
static int add_own_names(struct load *load, uint32_t image, struct md_err *err)
{
    for (size_t i = 0; i < load->opened.count; i++) {
        const struct pull_choice *choice = &load->opened.choices[i];

        if (choice->image != image || choice->name[0] == '\0' ||
            (choice->name[0] == ':' && !load->opened.has_label))
            continue;
        if (add_name(load, choice, err) < 0)
            return -1;
    }
    return 0;
}

static struct pull start_image(struct load *load, uint32_t image)
{
    return (struct pull){
        .store = load->store,
        .options = load->options,
        .crew = &load->opened.crew,
        .names = load->names,
        .name_count = load->name_count,
        .image = image,
        .local = true,
        .nowhere_served = load->opened.kind == PULL_LOCAL_DOCKER,
    };
}

static int get_image(struct load *load, struct pull *pull, struct md_err *err)
{
    if (pull_ask(pull, load->name_count > 0 ? load->names : &load->opened.label, err) < 0)
        return -1;
    return pull_carry_out(pull, err);
}

static void close_load(struct load *load)
{
    forget_names(load);
    pull_opened_close(&load->opened);
}

/* ---- pull ---- */

/* The one that was named is called by that name; the only one by all that it has. */
static int name_choice(struct load *load, const struct pull_choice *choice,
                       const struct pull_place *place, struct md_err *err)
{
    if (!place->tag && add_own_names(load, choice->image, err) < 0)
        return -1;
    return load->name_count == 0 ? add_name(load, choice, err) : 0;
}

static int pull_choice(struct load *load, const struct pull_place *place, struct md_err *err)
{
    const struct pull_choice *choice = pull_opened_choose(&load->opened, place->tag, err);
    struct pull pull;
    int status;

    if (!choice || name_choice(load, choice, place, err) < 0)
        return -1;
    pull = start_image(load, choice->image);
    status = get_image(load, &pull, err);
    if (status == 0)
        pull_say_result(&pull);
    pull_clear(&pull);
    return status;
}

int pull_from_place(const struct store *store, const struct pull_options *options,
                    const struct pull_place *place, struct md_err *err)
{
    struct load load = { .store = store, .options = options };
    const struct pull_opening how = { .path = place->path,
                                      .wanted = place->kind,
                                      .form = place->form,
                                      .no_store = options->dry_run };
    MD_AUTO_FREE char *head = md_xasprintf("Pulling from %s", place->text);
    int status;

    pull_note(options, NULL, head);
    status = pull_opened_open(store, &how, &load.opened, err);
    if (status == 0)
        status = pull_choice(&load, place, err);
    close_load(&load);
    return status < 0 ? md_err_in(err, "pull \"%s\"", place->text) : 0;
}

/* ---- load ---- */

static void say_loaded(const struct load *load, const struct pull *pull)
{
    char familiar[MD_REF_TEXT_SIZE];

    for (size_t i = 0; i < load->name_count; i++) {
        md_ref_familiar(&load->names[i], familiar);
        fprintf(load->options->out, "Loaded image: %s\n", familiar);
    }
    if (load->name_count == 0)
        fprintf(load->options->out, "Loaded image ID: %s\n", pull->resolved.config.text);
    fflush(load->options->out);
}

/* name: instead of its own, or NULL. */
static int load_image(struct load *load, uint32_t image, const struct md_ref *name,
                      struct md_err *err)
{
    struct pull pull;
    int status;

    forget_names(load);
    if (name) {
        load->names = md_xcalloc(1, sizeof(*load->names));
        load->names[load->name_count++] = *name;
    } else if (add_own_names(load, image, err) < 0) {
        return -1;
    }
    pull = start_image(load, image);
    status = get_image(load, &pull, err);
    if (status == 0)
        say_loaded(load, &pull);
    pull_clear(&pull);
    return status;
}

static int load_all(struct load *load, const struct md_ref *name, struct md_err *err)
{
    size_t count = pull_opened_images(&load->opened);

    if (count == 0)
        return md_err_set(err, MD_ERR_NOT_FOUND, "no image in it");
    if (name && count > 1)
        return md_err_set(err, MD_ERR_USAGE, "it has %zu images: they cannot have one name",
                          count);
    for (size_t i = 0; i < count; i++) {
        if (load_image(load, (uint32_t)i, name, err) < 0)
            return -1;
    }
    return 0;
}

int load_images(const struct store *store, const struct pull_options *options, const char *path,
                struct md_err *err)
{
    struct load load = { .store = store, .options = options };
    const struct pull_opening how = { .path = path };
    int status;

    if (!path && isatty(STDIN_FILENO))
        return md_err_set(err, MD_ERR_USAGE,
                          "requested load from standard input, but that is a terminal: give "
                          "a file with -i");
    store_sweep(store);
    status = pull_opened_open(store, &how, &load.opened, err);
    if (status == 0)
        status = load_all(&load, NULL, err);
    close_load(&load);
    if (status < 0 && path)
        return md_err_in(err, "load \"%s\"", path);
    return status < 0 ? md_err_in(err, "load") : 0;
}

/* ---- import ---- */

/* An OCI layout is told by its two files, an archive is looked at by the local process. */
static bool may_be_images(const char *source, bool *value)
{
    MD_AUTO_FREE char *marker = md_xasprintf("%s/oci-layout", source);
    MD_AUTO_FREE char *index = md_xasprintf("%s/index.json", source);
    struct stat st;

    if (stat(source, &st) < 0)
        return false;
    *value = S_ISREG(st.st_mode);
    return S_ISREG(st.st_mode) ||
           (S_ISDIR(st.st_mode) && access(marker, F_OK) == 0 && access(index, F_OK) == 0);
}

static int check_import(const struct import_options *options, struct md_err *err)
{
    if (options->changes.count > 0 || options->message)
        return md_err_set(err, MD_ERR_USAGE,
                          "it holds images, which are loaded as they are: --change and "
                          "--message are for a root file system");
    return 0;
}

int pull_load_recognised(const struct store *store, const struct import_options *options,
                         const char *source, const struct md_ref *name, struct md_err *err)
{
    const struct pull_options pull = { .platform = options->platform,
                                       .platform_asked = options->platform_asked,
                                       .out = options->out,
                                       .show = PULL_SHOW_NONE };
    struct pull_opening how = { .path = source };
    struct load load = { .store = store, .options = &pull };
    int status;

    if (!may_be_images(source, &how.probe))
        return 0;
    status = pull_opened_open(store, &how, &load.opened, err);
    if (status == 0 && load.opened.kind != PULL_LOCAL_NONE) {
        status = check_import(options, err);
        if (status == 0)
            status = load_all(&load, name, err) < 0 ? -1 : 1;
    }
    close_load(&load);
    return status;
}
