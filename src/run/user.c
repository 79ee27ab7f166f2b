/* SPDX-License-Identifier: Apache-2.0 */
/* USER of an image, looked up in the image's own passwd and group. */
#include "run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define MAX_ID 2147483647u /* as docker: CVE-2024-40635 is what happens above */
#define MAX_GROUPS 65536u  /* NGROUPS_MAX of Linux */

/* A file of lines with fields between colons; data is NULL where the image has none. */
struct table {
    char *data;
    size_t len;
};

/* A field: not NUL-terminated, without NUL in it. */
struct field {
    const char *text;
    size_t len;
};

enum { PASSWD_NAME, PASSWD_UID = 2, PASSWD_GID, PASSWD_HOME = 5, PASSWD_FIELDS = 7 };
enum { GROUP_NAME, GROUP_GID = 2, GROUP_MEMBERS, GROUP_FIELDS };

/* Read it, if it is a regular file: a fifo would block, a device has side effects. */
static int read_table(int rootfs, const char *path, struct table *table, struct md_err *err)
{
    char again[sizeof("/proc/self/fd/-2147483648")];
    MD_AUTO_FD place = md_path_try_in(rootfs, path, O_PATH, 0);
    MD_AUTO_FD file = -1;
    struct stat info;

    if (place < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (place < 0 || fstat(place, &info) < 0)
        return md_err_sys(err, "cannot open %s of the image", path);
    if (!S_ISREG(info.st_mode))
        return md_err_set(err, MD_ERR_FORMAT, "%s of the image is not a regular file", path);
    snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
    file = open(again, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return md_err_sys(err, "cannot open %s of the image", path);
    table->data = md_fd_read_all(file, MD_MAX_PASSWD, &table->len, path, err);
    return table->data ? 0 : -1;
}

/* The next line from *at on, cut into fields; the last takes the rest. Returns how many, or
 * 0 at the end. A line that holds a NUL, which C code would see only half of, counts as
 * empty. */
static int next_line(const struct table *table, size_t *at, struct field *fields, int max)
{
    const char *line;
    size_t len;
    int count = 0;

    if (!table->data || *at >= table->len)
        return 0;
    line = table->data + *at;
    len = table->len - *at;
    if (memchr(line, '\n', len))
        len = (size_t)((const char *)memchr(line, '\n', len) - line);
    *at += len + 1;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (memchr(line, '\0', len))
        len = 0;
    while (count < max) {
        const char *colon = count < max - 1 ? memchr(line, ':', len) : NULL;
        size_t field_len = colon ? (size_t)(colon - line) : len;

        fields[count++] = (struct field){ line, field_len };
        if (!colon)
            break;
        line += field_len + 1;
        len -= field_len + 1;
    }
    return count;
}

static bool is_text(const struct field *field, const char *text, size_t len)
{
    return field->len == len && memcmp(field->text, text, len) == 0;
}

static bool read_id(const struct field *field, uint32_t *id)
{
    char text[16];
    uint64_t value;

    if (field->len == 0 || field->len >= sizeof(text))
        return false;
    memcpy(text, field->text, field->len);
    text[field->len] = '\0';
    if (md_text_parse_u64(text, MAX_ID, &value) < 0)
        return false;
    *id = (uint32_t)value;
    return true;
}

/* One half of "user:group": a number, or a name. All digits is never a name
 * (CVE-2026-46680). */
struct wanted {
    struct field name;
    bool is_number;
    uint32_t id;
};

static int parse_half(const char *text, size_t len, struct wanted *wanted, struct md_err *err)
{
    char shown[200];

    wanted->name = (struct field){ text, len };
    wanted->is_number = len > 0 && strspn(text, "0123456789") >= len;
    if (len == 0)
        return md_err_set(err, MD_ERR_USAGE, "user or group is empty");
    if (wanted->is_number && !read_id(&wanted->name, &wanted->id))
        return md_err_set(err, MD_ERR_USAGE,
                          "uids and gids must be in range 0-%u: \"%s\" is not", MAX_ID,
                          md_text_escape(text, len, shown, sizeof(shown)));
    return 0;
}

static int not_found(const struct field *name, const char *what, const char *file,
                     struct md_err *err)
{
    char shown[200];

    return md_err_set(err, MD_ERR_NOT_FOUND,
                      "unable to find %s %s: no matching entries in %s file", what,
                      md_text_escape(name->text, name->len, shown, sizeof(shown)), file);
}

static char *copy_home(const struct field *home)
{
    return home->len > 0 && home->text[0] == '/' ? md_xstrndup(home->text, home->len)
                                                 : md_xstrdup("/");
}

/* Fill in uid, gid and home; *login is the name in passwd, of len 0 when there is none. */
static int find_user(const struct table *passwd, const struct wanted *wanted,
                     struct run_user *user, struct field *login, char **home,
                     struct md_err *err)
{
    struct field fields[PASSWD_FIELDS];
    size_t at = 0;
    int count;

    while ((count = next_line(passwd, &at, fields, PASSWD_FIELDS)) > 0) {
        uint32_t uid;
        uint32_t gid;

        if (count <= PASSWD_HOME || fields[PASSWD_NAME].len == 0 ||
            !read_id(&fields[PASSWD_UID], &uid) || !read_id(&fields[PASSWD_GID], &gid))
            continue;
        if (wanted->is_number
                ? uid != wanted->id
                : !is_text(&fields[PASSWD_NAME], wanted->name.text, wanted->name.len))
            continue;
        user->uid = uid;
        user->gid = gid;
        *login = fields[PASSWD_NAME];
        *home = copy_home(&fields[PASSWD_HOME]);
        return 0;
    }
    if (!wanted->is_number)
        return not_found(&wanted->name, "user", "passwd", err);
    user->uid = wanted->id;
    user->gid = 0;
    *home = md_xstrdup("/");
    return 0;
}

static int find_group(const struct table *group, const struct wanted *wanted, gid_t *gid,
                      struct md_err *err)
{
    struct field fields[GROUP_FIELDS];
    size_t at = 0;
    int count;

    *gid = wanted->id;
    if (wanted->is_number)
        return 0;
    while ((count = next_line(group, &at, fields, GROUP_FIELDS)) > 0) {
        if (count > GROUP_GID && read_id(&fields[GROUP_GID], gid) &&
            is_text(&fields[GROUP_NAME], wanted->name.text, wanted->name.len))
            return 0;
    }
    return not_found(&wanted->name, "group", "group", err);
}

static bool has_member(const struct field *members, const struct field *login)
{
    const char *text = members->text;
    size_t len = members->len;

    while (len > 0) {
        const char *comma = memchr(text, ',', len);
        size_t one = comma ? (size_t)(comma - text) : len;

        if (one == login->len && memcmp(text, login->text, one) == 0)
            return true;
        if (!comma)
            break;
        text += one + 1;
        len -= one + 1;
    }
    return false;
}

static int by_number(const void *a, const void *b)
{
    const gid_t *left = a;
    const gid_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Each once, in the kernel's order. */
static void sort_groups(struct run_user *user)
{
    size_t kept = 0;

    qsort(user->groups, user->group_count, sizeof(*user->groups), by_number);
    for (size_t i = 0; i < user->group_count; i++) {
        if (i == 0 || user->groups[i] != user->groups[kept - 1])
            user->groups[kept++] = user->groups[i];
    }
    user->group_count = kept;
}

/* The supplementary groups: the primary one, and those that list the user. A file may repeat a
 * group a million times (CVE-2026-47262), so that duplicates go whenever the room runs out. */
static int find_groups(const struct table *group, const struct field *login,
                       struct run_user *user, struct md_err *err)
{
    struct field fields[GROUP_FIELDS];
    size_t size = 16;
    size_t at = 0;
    int count;

    user->groups = md_xreallocarray(NULL, size, sizeof(*user->groups));
    user->groups[user->group_count++] = user->gid;
    while (login->len > 0 && (count = next_line(group, &at, fields, GROUP_FIELDS)) > 0) {
        uint32_t gid;

        if (count <= GROUP_MEMBERS || !read_id(&fields[GROUP_GID], &gid) ||
            !has_member(&fields[GROUP_MEMBERS], login))
            continue;
        if (user->group_count == size) {
            sort_groups(user);
            size = user->group_count * 2 + 16;
            user->groups = md_xreallocarray(user->groups, size, sizeof(*user->groups));
        }
        user->groups[user->group_count++] = gid;
        if (user->group_count > 2 * MAX_GROUPS)
            break;
    }
    sort_groups(user);
    if (user->group_count > MAX_GROUPS)
        return md_err_set(err, MD_ERR_LIMIT, "the user is in more than %u groups", MAX_GROUPS);
    return 0;
}

static int resolve(int rootfs, const struct wanted *who, const struct wanted *group_wanted,
                   struct run_user *user, char **home, struct md_err *err)
{
    MD_AUTO_FREE char *passwd_data = NULL;
    MD_AUTO_FREE char *group_data = NULL;
    struct table passwd = { 0 };
    struct table group = { 0 };
    struct field login = { "", 0 };

    if (read_table(rootfs, "/etc/passwd", &passwd, err) < 0)
        return -1;
    passwd_data = passwd.data;
    if (read_table(rootfs, "/etc/group", &group, err) < 0)
        return -1;
    group_data = group.data;
    if (find_user(&passwd, who, user, &login, home, err) < 0)
        return -1;
    if (group_wanted) {
        login.len = 0; /* docker: a group of one's choice is the only one */
        if (find_group(&group, group_wanted, &user->gid, err) < 0)
            return -1;
    }
    return find_groups(&group, &login, user, err);
}

int run_user_resolve(int rootfs, const char *spec, struct run_user *user, char **home,
                     struct md_err *err)
{
    const char *colon;
    struct wanted who = { 0 };
    struct wanted group = { 0 };

    if (!*spec)
        spec = "0";
    colon = strchr(spec, ':');
    memset(user, 0, sizeof(*user));
    *home = NULL;
    if (parse_half(spec, colon ? (size_t)(colon - spec) : strlen(spec), &who, err) < 0 ||
        (colon && parse_half(colon + 1, strlen(colon + 1), &group, err) < 0) ||
        resolve(rootfs, &who, colon ? &group : NULL, user, home, err) < 0) {
        run_user_clear(user);
        free(*home);
        *home = NULL;
        return -1;
    }
    return 0;
}

void run_user_clear(struct run_user *user)
{
    free(user->groups);
    user->groups = NULL;
    user->group_count = 0;
}
