/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries into the tree: names are cleaned, whiteouts only recorded, everything else is made
 * new in a directory opened below the tree; nothing that is there is ever written to.
 */
#include "pull/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "store/copy.h"

#define WHITEOUT ".wh."
#define WHITEOUT_LEN 4
#define OPAQUE ".wh..wh..opq"
#define AUFS ".wh..wh." /* its own files, of no meaning to others */
#define MAX_ID ((int64_t)UINT32_MAX - 1)
#define MAX_MAJOR 4095 /* 12 and 20 bits: include/linux/kdev_t.h of the kernel */
#define MAX_MINOR 1048575

static FILE *open_dirs(int layer_dir, struct md_err *err)
{
    static const char name[] = "directories";
    MD_AUTO_FD fd = openat(layer_dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    FILE *file;

    if (fd < 0 || unlinkat(layer_dir, name, 0) < 0) {
        md_err_sys(err, "cannot make the list of directories");
        return NULL;
    }
    file = fdopen(fd, "w+e");
    if (!file) {
        md_err_sys(err, "cannot open the list of directories");
        return NULL;
    }
    (void)md_fd_take(&fd);
    return file;
}

int pull_tree_open(struct pull_tree *tree, int layer_dir, struct md_err *err)
{
    tree->parent = -1;
    tree->entries.fd = -1;
    tree->uid = geteuid();
    tree->gid = getegid();
    tree->root = openat(layer_dir, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tree->root < 0)
        return md_err_sys(err, "cannot open the layer's tree");
    tree->dirs = open_dirs(layer_dir, err);
    if (!tree->dirs || store_entries_create(layer_dir, &tree->entries, err) < 0)
        return -1;
    return 0;
}

void pull_tree_clear(struct pull_tree *tree)
{
    pull_tree_leave(tree);
    md_fd_close(&tree->root);
    md_file_close(&tree->dirs);
    store_entries_clear(&tree->entries);
}

/* Remove what stands where an entry of the same name comes again. */
static int remove_old(struct pull_tree *tree, struct md_err *err)
{
    tree->rewritten = true;
    tree->replaced = true;
    if (md_path_remove_tree(tree->parent, tree->last) < 0)
        return md_err_sys(err, "cannot remove what was there before");
    return 0;
}

/* What is to be made, by one system call that fails with EEXIST. Returns it, or 0, or -1. */
static int make(struct pull_tree *tree, const struct pull_entry *entry)
{
    const int flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
    dev_t device = makedev((unsigned)entry->major, (unsigned)entry->minor);

    switch (entry->kind) {
    case PULL_FILE:
        return openat(tree->parent, tree->last, flags | O_CLOEXEC, entry->mode);
    case PULL_DIR:
        return mkdirat(tree->parent, tree->last, 0700);
    case PULL_SYMLINK:
        return symlinkat(entry->target ? entry->target : "", tree->parent, tree->last);
    case PULL_FIFO:
        return mknodat(tree->parent, tree->last, S_IFIFO | entry->mode, 0);
    case PULL_CHAR_DEVICE:
        return mknodat(tree->parent, tree->last, S_IFCHR | entry->mode, device);
    case PULL_BLOCK_DEVICE:
        return mknodat(tree->parent, tree->last, S_IFBLK | entry->mode, device);
    case PULL_HARD_LINK:
    case PULL_OTHER:
        break;
    }
    errno = EINVAL;
    return -1;
}

static bool is_dir(int parent, const char *name)
{
    struct stat st;

    return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* make(), in place of what is there. A directory over a directory stays as it is. */
static int make_anew(struct pull_tree *tree, const struct pull_entry *entry, struct md_err *err)
{
    int made = make(tree, entry);

    if (made < 0 && errno == EEXIST) {
        if (entry->kind == PULL_DIR && is_dir(tree->parent, tree->last)) {
            tree->rewritten = true;
            return 0;
        }
        if (remove_old(tree, err) < 0)
            return -1;
        made = make(tree, entry);
    }
    if (made < 0)
        return pull_tree_failed("make it", err);
    return made;
}

static int add_file(struct pull_tree *tree, struct pull_tar *tar,
                    const struct pull_entry *entry, struct md_err *err)
{
    MD_AUTO_FD fd = make_anew(tree, entry, err);

    return fd < 0 ? -1 : pull_tree_fill(tree, tar, entry, fd, err);
}

/* An earlier record of this path does not hold any more. */
static int mark_explicit(struct pull_tree *tree, struct md_err *err)
{
    return tree->rewritten ? pull_tree_mark(tree, 'e', tree->real, err) : 0;
}

static int add_dir(struct pull_tree *tree, struct pull_tar *tar, const struct pull_entry *entry,
                   struct md_err *err)
{
    if (make_anew(tree, entry, err) < 0 || mark_explicit(tree, err) < 0)
        return -1;
    return pull_tree_note_dir(tree, tree->real, entry, tar, err);
}

/*
 * Owner and time of what cannot be opened. Extended attributes are left out: the kernel takes
 * user.* and capabilities only on files and directories.
 */
static int add_special(struct pull_tree *tree, const struct pull_entry *entry,
                       struct md_err *err)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, entry->mtime };

    if (make_anew(tree, entry, err) < 0 || mark_explicit(tree, err) < 0)
        return -1;
    if ((entry->uid != tree->uid || entry->gid != tree->gid) &&
        fchownat(tree->parent, tree->last, (uid_t)entry->uid, (gid_t)entry->gid,
                 AT_SYMLINK_NOFOLLOW) < 0)
        return md_err_sys(err, "cannot give it to user %lld", (long long)entry->uid);
    if (utimensat(tree->parent, tree->last, times, AT_SYMLINK_NOFOLLOW) < 0)
        return md_err_sys(err, "cannot set its time");
    return 0;
}

static int add_device(struct pull_tree *tree, const struct pull_entry *entry,
                      struct md_err *err)
{
    if (entry->major > MAX_MAJOR || entry->minor > MAX_MINOR)
        return md_err_set(err, MD_ERR_FORMAT, "a device number out of range");
    /* Overlay would take it for a whiteout. */
    if (entry->kind == PULL_CHAR_DEVICE && entry->major == 0 && entry->minor == 0)
        return md_err_set(err, MD_ERR_FORMAT, "a character device 0:0");
    if (add_special(tree, entry, err) == 0)
        return 0;
    if (err->sys != EPERM)
        return -1;
    *err = (struct md_err){ 0 };
    tree->skipped_devices++;
    return 0;
}

/*
 * What the whiteout rules make of a cleaned path: 0 an ordinary entry, 'w' a whiteout, 'q' an
 * opaque mark, 's' to be skipped, 'x' to be refused.
 */
static char whiteout_kind(const char *path)
{
    for (const char *name = path; name; name = strchr(name, '/')) {
        size_t len;

        name += *name == '/';
        len = strcspn(name, "/");
        if (strncmp(name, WHITEOUT, WHITEOUT_LEN) != 0)
            continue;
        if (strcmp(name, OPAQUE) == 0)
            return 'q';
        if (strncmp(name, AUFS, strlen(AUFS)) == 0)
            return 's';
        name += WHITEOUT_LEN;
        if (name[len - WHITEOUT_LEN] != '\0' || !*name || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0)
            return 'x';
        return 'w';
    }
    return 0;
}

/* Record a whiteout or opaque mark; nothing of it appears in the tree. */
static int add_whiteout(struct pull_tree *tree, char kind, struct md_err *err)
{
    char *name = strrchr(tree->path, '/');

    if (kind == 's')
        return 0;
    if (kind == 'x')
        return md_err_set(err, MD_ERR_FORMAT, "a whiteout of nothing that can be");
    name = name ? name + 1 : tree->path;
    if (kind == 'q') {
        name[name > tree->path ? -1 : 0] = '\0';
        return pull_tree_mark(tree, 'q', tree->path, err);
    }
    memmove(name, name + WHITEOUT_LEN, strlen(name + WHITEOUT_LEN) + 1);
    return pull_tree_mark(tree, 'w', tree->path, err);
}

/* Cut path into its directory, which is left in path, and its last component. */
static const char *split(char *path, const char **dir)
{
    char *slash = strrchr(path, '/');

    *dir = slash ? path : "";
    if (!slash)
        return path;
    *slash = '\0';
    return slash + 1;
}

/* The target is not in this layer: the merge will find it in the ones below. */
static int note_lower_link(struct pull_tree *tree, const char *target, struct md_err *err)
{
    if (remove_old(tree, err) < 0)
        return -1;
    if (tree->record_count++ >= MD_MAX_RECORDS)
        return md_err_set(err, MD_ERR_LIMIT, "more than %u links to lower layers",
                          MD_MAX_RECORDS);
    return store_entries_link(&tree->entries, tree->real, target, err);
}

/* Link to name in dir. Returns 1 when it is not there. */
static int make_link(struct pull_tree *tree, int dir, const char *name, struct md_err *err)
{
    int result = linkat(dir, name, tree->parent, tree->last, 0);

    if (result < 0 && errno == EEXIST) {
        if (remove_old(tree, err) < 0)
            return -1;
        result = linkat(dir, name, tree->parent, tree->last, 0);
        if (result < 0 && errno == ENOENT)
            return md_err_set(err, MD_ERR_FORMAT, "a hard link in place of its own target");
    }
    if (result < 0 && errno == ENOENT)
        return 1;
    if (result < 0 && is_dir(dir, name))
        return md_err_set(err, MD_ERR_FORMAT, "a hard link to a directory");
    if (result < 0 && errno == EMLINK)
        result = store_copy(dir, name, tree->parent, tree->last);
    if (result < 0)
        return pull_tree_failed("link it", err);
    return mark_explicit(tree, err);
}

static int add_hard_link(struct pull_tree *tree, const struct pull_entry *entry,
                         struct md_err *err)
{
    MD_AUTO_FREE char *target = md_xmalloc(MD_MAX_PATH + 1);
    MD_AUTO_FREE char *cut = NULL;
    MD_AUTO_FD dir = -1;
    const char *dir_path;
    const char *name;
    int missing = 1;

    if (md_path_clean(entry->target, target) < 0)
        return pull_tree_failed("find its target", err);
    if (!*target || whiteout_kind(target) || strcmp(target, tree->real) == 0)
        return md_err_set(err, MD_ERR_FORMAT, "a hard link to something impossible");
    cut = md_xstrdup(target);
    name = split(cut, &dir_path);
    dir = md_path_try_in(tree->root, dir_path, O_PATH | O_DIRECTORY, 0);
    if (dir < 0 && errno != ENOENT)
        return pull_tree_failed("find its target", err);
    if (dir >= 0)
        missing = make_link(tree, dir, name, err);
    return missing > 0 ? note_lower_link(tree, target, err) : missing;
}

static int add_kind(struct pull_tree *tree, struct pull_tar *tar,
                    const struct pull_entry *entry, struct md_err *err)
{
    switch (entry->kind) {
    case PULL_FILE:
        return add_file(tree, tar, entry, err);
    case PULL_DIR:
        return add_dir(tree, tar, entry, err);
    case PULL_SYMLINK:
    case PULL_FIFO:
        return add_special(tree, entry, err);
    case PULL_CHAR_DEVICE:
    case PULL_BLOCK_DEVICE:
        return add_device(tree, entry, err);
    case PULL_HARD_LINK:
        return add_hard_link(tree, entry, err);
    case PULL_OTHER:
        break;
    }
    return md_err_set(err, MD_ERR_FORMAT, "an entry of a kind that no tar can hold");
}

/* The tar's entry for the root itself. */
static int add_root(struct pull_tree *tree, struct pull_tar *tar,
                    const struct pull_entry *entry, struct md_err *err)
{
    if (entry->kind != PULL_DIR)
        return md_err_set(err, MD_ERR_FORMAT, "the root must be a directory");
    tree->root_seen = true;
    return pull_tree_note_dir(tree, "", entry, tar, err);
}

/* Into the entry's directory, its own name behind that one's real path. */
static int add_below(struct pull_tree *tree, struct pull_tar *tar,
                     const struct pull_entry *entry, struct md_err *err)
{
    const char *dir;
    size_t used;
    int result;

    tree->last = split(tree->path, &dir);
    if (pull_tree_enter(tree, dir, err) < 0) {
        pull_tree_leave(tree);
        return -1;
    }
    used = strlen(tree->real);
    snprintf(tree->real + used, sizeof(tree->real) - used, "%s%s", used > 0 ? "/" : "",
             tree->last);
    if (strlen(tree->real) > MD_MAX_PATH)
        return md_err_set(err, MD_ERR_FORMAT, "its path is too long");
    result = add_kind(tree, tar, entry, err);
    tree->real[used] = '\0';
    /* Only what makes something new leaves every path leading where it led. */
    if (tree->replaced || result < 0)
        pull_tree_leave(tree);
    tree->replaced = false;
    return result;
}

static int add_checked(struct pull_tree *tree, struct pull_tar *tar,
                       const struct pull_entry *entry, struct md_err *err)
{
    char whiteout;

    if (tree->entry_count++ >= MD_MAX_ENTRIES)
        return md_err_set(err, MD_ERR_LIMIT, "more than %u entries", MD_MAX_ENTRIES);
    if (!entry->path || md_path_clean(entry->path, tree->path) < 0)
        return entry->path ? pull_tree_failed("take its name", err)
                           : md_err_set(err, MD_ERR_FORMAT, "it has no name");
    if (entry->uid < 0 || entry->uid > MAX_ID || entry->gid < 0 || entry->gid > MAX_ID)
        return md_err_set(err, MD_ERR_FORMAT, "user %lld, group %lld", (long long)entry->uid,
                          (long long)entry->gid);
    whiteout = whiteout_kind(tree->path);
    if (whiteout)
        return add_whiteout(tree, whiteout, err);
    return *tree->path ? add_below(tree, tar, entry, err) : add_root(tree, tar, entry, err);
}

int pull_tree_add(struct pull_tree *tree, struct pull_tar *tar, const struct pull_entry *entry,
                  struct md_err *err)
{
    struct pull_entry mended = *entry;
    char shown[200];

    /* utimensat(2) has meanings of its own for what is no count of nanoseconds. */
    if (mended.mtime.tv_nsec < 0 || mended.mtime.tv_nsec > 999999999)
        mended.mtime.tv_nsec = 0;
    if (add_checked(tree, tar, &mended, err) == 0)
        return 0;
    if (err->kind == MD_ERR_NETWORK && !*err->text)
        return -1; /* the ring broke off; its writer knows why */
    return md_err_in(
        err, "entry \"%s\"",
        entry->path ? md_text_escape(entry->path, strlen(entry->path), shown, sizeof(shown))
                    : "");
}

int pull_tree_finish(struct pull_tree *tree, struct md_err *err)
{
    const struct pull_entry root = pull_tree_implied(tree);

    pull_tree_leave(tree);
    if (!tree->root_seen && (pull_tree_note_dir(tree, "", &root, NULL, err) < 0 ||
                             pull_tree_mark(tree, 'i', "", err) < 0))
        return -1;
    if (pull_tree_finish_dirs(tree, err) < 0)
        return -1;
    return store_entries_finish(&tree->entries, err);
}
