/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup: found, made, frozen, killed and removed. */
#include "run/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define FOLDER "minidock"
#define REFUGE ".supervisors"
#define MAX_TABLE (4u << 20) /* of mounts, bytes */
#define FREEZE_MS 2000       /* until all of a cgroup is frozen */
#define LOOK_MS 1

/* --- finding the place */

/* Undo \040 and its kin, in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from;) {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* Does a list separated by commas have this word? */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* One line of mountinfo, "36 35 98:0 /root /point rw - type source rw,option", is changed. */
static bool match_mount(char *line, const char *type, const char *option, char *point)
{
    char *tail = strstr(line, " - ");
    char found[32] = "";
    char options[512] = "";

    if (!tail || sscanf(tail + 3, "%31s %*s %511s", found, options) < 1 ||
        strcmp(found, type) != 0 || (option && !has_word(options, option)))
        return false;
    *tail = '\0';
    if (sscanf(line, "%*s %*s %*s %*s %511s", point) != 1)
        return false;
    unescape(point);
    return true;
}

/* The mount point of the first file system of this type and option (NULL: any). */
static bool find_mount(const char *mountinfo, const char *type, const char *option, char *point)
{
    for (const char *at = mountinfo; *at;) {
        size_t len = strcspn(at, "\n");
        MD_AUTO_FREE char *line = md_xstrndup(at, len);

        if (match_mount(line, type, option, point))
            return true;
        at += len + (at[len] == '\n');
    }
    return false;
}

/* Our own cgroup in a hierarchy, from "5:cpu,freezer:/path"; v2's list of controllers is "". */
static void find_own(const char *cgroups, const char *controller, char *own)
{
    own[0] = '\0';
    for (const char *at = cgroups; *at;) {
        size_t len = strcspn(at, "\n");
        MD_AUTO_FREE char *line = md_xstrndup(at, len);
        char *list = strchr(line, ':');
        char *path = list ? strchr(list + 1, ':') : NULL;

        at += len + (at[len] == '\n');
        if (!path)
            continue;
        *path++ = '\0';
        list++;
        if (*controller ? has_word(list, controller) : *list == '\0') {
            snprintf(own, RUN_CGROUP_PATH_SIZE, "%s", strcmp(path, "/") == 0 ? "" : path);
            return;
        }
    }
}

static void fill_place(const char *mount, const char *own, struct run_cgroup_place *place)
{
    int fits = snprintf(place->top, sizeof(place->top), "%s/" FOLDER, mount);

    if (fits >= (int)sizeof(place->top))
        place->kind = RUN_CGROUP_NONE;
    fits = snprintf(place->own, sizeof(place->own), "%s%s/" FOLDER, mount, own);
    if (fits >= (int)sizeof(place->own))
        place->own[0] = '\0';
}

void run_cgroup_find(const char *mountinfo, const char *cgroups, struct run_cgroup_place *place)
{
    char mount[RUN_CGROUP_PATH_SIZE];
    char own[RUN_CGROUP_PATH_SIZE];

    *place = (struct run_cgroup_place){ .kind = RUN_CGROUP_NONE };
    if (find_mount(mountinfo, "cgroup2", NULL, mount)) {
        place->kind = RUN_CGROUP_V2;
        find_own(cgroups, "", own);
    } else if (find_mount(mountinfo, "cgroup", "freezer", mount)) {
        place->kind = RUN_CGROUP_FREEZER;
        find_own(cgroups, "freezer", own);
    } else {
        return;
    }
    fill_place(mount, own, place);
}

static char *read_text(const char *path)
{
    MD_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    struct md_err ignored = { 0 };
    size_t len = 0;
    char *text = fd < 0 ? NULL : md_fd_read_all(fd, MAX_TABLE, &len, path, &ignored);

    return text ? text : md_xstrdup("");
}

static bool is_v2(const char *mount)
{
    struct statfs info;

    return statfs(mount, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

/*
 * The usual mounts are looked at first: reading the table of mounts takes longer than all the
 * rest. own stays "" then, and is asked for only where the top is not ours.
 */
static void find_quickly(struct run_cgroup_place *place)
{
    static const char *const usual[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

    *place = (struct run_cgroup_place){ .kind = RUN_CGROUP_NONE };
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
        if (is_v2(usual[i])) {
            place->kind = RUN_CGROUP_V2;
            snprintf(place->top, sizeof(place->top), "%s/" FOLDER, usual[i]);
            return;
        }
    }
}

static void find_thoroughly(struct run_cgroup_place *place)
{
    MD_AUTO_FREE char *mountinfo = read_text("/proc/self/mountinfo");
    MD_AUTO_FREE char *cgroups = read_text("/proc/self/cgroup");

    run_cgroup_find(mountinfo, cgroups, place);
}

bool run_cgroup_locate(const char *id, char path[RUN_CGROUP_PATH_SIZE])
{
    struct run_cgroup_place place;

    find_quickly(&place);
    if (place.kind == RUN_CGROUP_NONE ||
        snprintf(path, RUN_CGROUP_PATH_SIZE, "%s/%s", place.top, id) >= RUN_CGROUP_PATH_SIZE ||
        access(path, F_OK) < 0) {
        find_thoroughly(&place);
        if (place.kind == RUN_CGROUP_NONE)
            return false;
        for (int i = 0; i < 2; i++) {
            if (snprintf(path, RUN_CGROUP_PATH_SIZE, "%s/%s", i ? place.own : place.top, id) <
                    RUN_CGROUP_PATH_SIZE &&
                access(path, F_OK) == 0)
                return true;
        }
        return false;
    }
    return true;
}

/* --- making it */

/* mkdir folder/name, and the folder where it is missing: its last user may just remove it. */
static int make_below(const char *folder, const char *name, struct run_cgroup *cgroup)
{
    int size = snprintf(cgroup->path, sizeof(cgroup->path), "%s/%s", folder, name);

    if (!folder[0] || size >= (int)sizeof(cgroup->path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    while (mkdir(cgroup->path, 0755) < 0) {
        if (errno == EEXIST)
            break;
        if (errno != ENOENT || (mkdir(folder, 0755) < 0 && errno != EEXIST))
            return -1;
    }
    cgroup->dir = open(cgroup->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return cgroup->dir < 0 ? -1 : 0;
}

/* <our own cgroup>/minidock without its last part. */
static int open_home(const char *own)
{
    char path[RUN_CGROUP_PATH_SIZE];
    const char *slash = strrchr(own, '/');

    snprintf(path, sizeof(path), "%.*s", slash ? (int)(slash - own) : 0, own);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int make(const char *name, enum run_cgroup_kind wanted, struct run_cgroup *cgroup)
{
    struct run_cgroup_place place;

    *cgroup = (struct run_cgroup){ .kind = RUN_CGROUP_NONE, .dir = -1, .home = -1 };
    find_quickly(&place);
    if (place.kind == RUN_CGROUP_V2 && make_below(place.top, name, cgroup) == 0) {
        cgroup->kind = RUN_CGROUP_V2;
        return 0;
    }
    find_thoroughly(&place);
    errno = ENOENT;
    if (place.kind == RUN_CGROUP_NONE ||
        (place.kind != RUN_CGROUP_V2 && wanted == RUN_CGROUP_V2) ||
        (make_below(place.top, name, cgroup) < 0 && make_below(place.own, name, cgroup) < 0)) {
        cgroup->path[0] = '\0';
        return -1;
    }
    cgroup->kind = place.kind;
    if (place.kind == RUN_CGROUP_FREEZER)
        cgroup->home = open_home(place.own);
    return 0;
}

int run_cgroup_make(const char *id, enum run_cgroup_kind wanted, struct run_cgroup *cgroup,
                    struct md_err *err)
{
    if (make(id, wanted, cgroup) == 0)
        return 0;
    if (errno == ENOENT)
        return md_err_set(err, MD_ERR_NOT_FOUND,
                          "this host has no cgroup hierarchy that can be used");
    return md_err_sys(err, "cannot make a cgroup");
}

void run_cgroup_close(struct run_cgroup *cgroup)
{
    md_fd_close(&cgroup->dir);
    md_fd_close(&cgroup->home);
}

static int move_to(int dir, struct md_err *err)
{
    MD_AUTO_FD fd = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || md_fd_write_all(fd, "0", 1) < 0)
        return md_err_sys(err, "cannot move to another cgroup");
    return 0;
}

int run_cgroup_enter(const struct run_cgroup *cgroup, struct md_err *err)
{
    return cgroup->kind == RUN_CGROUP_FREEZER ? move_to(cgroup->dir, err) : 0;
}

int run_cgroup_return(const struct run_cgroup *cgroup, struct md_err *err)
{
    return cgroup->kind == RUN_CGROUP_FREEZER ? move_to(cgroup->home, err) : 0;
}

/* --- its files */

static int open_file(const char *path, const char *name, int flags)
{
    MD_AUTO_FD dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return dir < 0 ? -1 : openat(dir, name, flags | O_CLOEXEC);
}

static int write_file(const char *path, const char *name, const char *text)
{
    MD_AUTO_FD fd = open_file(path, name, O_WRONLY);

    return fd < 0 ? -1 : md_fd_write_all(fd, text, strlen(text));
}

/* Does one of the cgroup's files have this line, or this beginning of one? */
static bool file_says(const char *path, const char *name, const char *line)
{
    char text[4096];
    MD_AUTO_FD fd = open_file(path, name, O_RDONLY);
    ssize_t len = fd < 0 ? -1 : md_fd_read_full(fd, text + 1, sizeof(text) - 2);
    char wanted[64];

    if (len <= 0)
        return false;
    text[0] = '\n';
    text[len + 1] = '\0';
    snprintf(wanted, sizeof(wanted), "\n%s", line);
    return strstr(text, wanted) != NULL;
}

bool run_cgroup_is_frozen(const char *path)
{
    return path[0] && (file_says(path, "cgroup.events", "frozen 1") ||
                       file_says(path, "freezer.state", "FROZEN"));
}

bool run_cgroup_ran_out_of_memory(const char *path)
{
    return path[0] && file_says(path, "memory.events", "oom_kill ") &&
           !file_says(path, "memory.events", "oom_kill 0\n");
}

/* v2's way, else v1's. */
static int set_frozen(const char *path, const char *v2, const char *v1)
{
    if (write_file(path, "cgroup.freeze", v2) == 0)
        return 0;
    return errno == ENOENT ? write_file(path, "freezer.state", v1) : -1;
}

static int no_cgroup(const char *path, struct md_err *err)
{
    if (!path[0])
        return md_err_set(err, MD_ERR_NOT_FOUND,
                          "the container has no cgroup: none could be made where it started");
    return md_err_sys(err, "cgroup \"%s\"", path);
}

int run_cgroup_freeze(const char *path, struct md_err *err)
{
    if (path[0] && !file_says(path, "cgroup.procs", ""))
        return md_err_set(err, MD_ERR_NOT_FOUND,
                          "none of the container's processes is in its "
                          "cgroup: it could not be born there");
    if (!path[0] || set_frozen(path, "1", "FROZEN") < 0)
        return no_cgroup(path, err);
    for (int waited = 0; waited < FREEZE_MS; waited += LOOK_MS) {
        if (run_cgroup_is_frozen(path))
            return 0;
        poll(NULL, 0, LOOK_MS);
    }
    if (set_frozen(path, "0", "THAWED") < 0)
        return no_cgroup(path, err);
    errno = ETIMEDOUT;
    return md_err_sys(err, "some of the container's processes cannot be frozen");
}

int run_cgroup_thaw(const char *path, struct md_err *err)
{
    if (!path[0] || set_frozen(path, "0", "THAWED") < 0)
        return no_cgroup(path, err);
    return 0;
}

/* --- the supervisor's own */

static bool own_is_top(const char *controller)
{
    MD_AUTO_FREE char *cgroups = read_text("/proc/self/cgroup");
    char own[RUN_CGROUP_PATH_SIZE];

    find_own(cgroups, controller, own);
    return own[0] == '\0';
}

int run_cgroup_refuge(void)
{
    struct run_cgroup refuge;

    if (own_is_top("") || make(REFUGE, RUN_CGROUP_V2, &refuge) < 0)
        return -1;
    return refuge.dir;
}

void run_cgroup_leave_unit(void)
{
    MD_AUTO_FREE char *mountinfo = NULL;
    char mount[RUN_CGROUP_PATH_SIZE];
    struct run_cgroup refuge = { .dir = -1, .home = -1 };
    char folder[RUN_CGROUP_PATH_SIZE];

    if (own_is_top("name=systemd"))
        return;
    mountinfo = read_text("/proc/self/mountinfo");
    if (!find_mount(mountinfo, "cgroup", "name=systemd", mount) ||
        snprintf(folder, sizeof(folder), "%s/" FOLDER, mount) >= (int)sizeof(folder) ||
        make_below(folder, REFUGE, &refuge) < 0)
        return;
    (void)write_file(refuge.path, "cgroup.procs", "0");
    run_cgroup_close(&refuge);
}
