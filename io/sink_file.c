#include "base/beat.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sink_int.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BEAT_MS = 500, PENDING = 256 * KIB, AT_ONCE = 1 * MIB, RANDOM_HEX = 8 };

struct sink_file {
    struct sink base;
    struct source *source; /* lists */
    char *root;            /* owned; ends in '/' */
    const struct beat *beat;
    int64_t beaten;
};

struct file_upload {
    struct upload base;
    char *path, *tmp,
        *above; /* owned; tmp: NULL once it has its name; above: the deepest folder that was there */
    int fd;
    struct buf pending; /* not written yet */
};

static int beat_now_and_then(struct sink_file *s, struct err *err)
{
    int64_t now = clock_mono_ms();

    if (now - s->beaten < BEAT_MS)
        return 0;
    s->beaten = now;
    return beat(s->beat, err);
}

/* ---- names of what is not whole yet: .NAME.orch-PID-RANDOM.tmp ---- */

static char *temp_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    uint32_t random;

    random_bytes(&random, sizeof random);
    return xasprintf("%.*s.%s.orch-%ld-%08x.tmp", (int)(name - path), path, name, (long)getpid(),
                     (unsigned)random);
}

/* The length of NAME, which begins after the dot, or 0 where name is something else. */
static size_t temp_name(const char *name)
{
    const char *mark = NULL;

    for (const char *p = strstr(name, ".orch-"); p != NULL; p = strstr(p + 1, ".orch-"))
        mark = p;
    if (name[0] != '.' || mark == NULL || mark <= name + 1)
        return 0;
    const char *pid = mark + strlen(".orch-");
    size_t digits = strspn(pid, "0123456789");
    const char *random = pid + digits + 1;
    if (digits == 0 || pid[digits] != '-' || strspn(random, "0123456789abcdef") != RANDOM_HEX ||
        strcmp(random + RANDOM_HEX, ".tmp") != 0)
        return 0;
    return (size_t)(mark - (name + 1));
}

/* The key that a dotted one is for. Returns owned, or NULL. */
static char *temp_key(const char *key)
{
    const char *slash = strrchr(key, '/'), *name = slash != NULL ? slash + 1 : key;
    size_t n = temp_name(name);

    return n == 0 ? NULL : xasprintf("%.*s%.*s", (int)(name - key), key, (int)n, name + 1);
}

/* ---- writing ---- */

static struct upload *new_upload(struct sink *sink)
{
    struct file_upload *u = xcalloc(1, sizeof *u);

    UNUSED(sink);
    u->fd = -1;
    buf_init(&u->pending, PENDING);
    return &u->base;
}

/* The deepest of folder and those above that is there, owned. */
static char *deepest(const char *folder)
{
    char *at = xstrdup(folder);
    struct stat st;

    while (stat(at, &st) < 0 && strcmp(at, ".") != 0 && strcmp(at, "/") != 0) {
        char *up = fs_dirname(at);
        free(at);
        at = up;
    }
    return at;
}

static char *file_above(const struct sink *base, const char *key)
{
    char *path = xasprintf("%s%s", ((const struct sink_file *)base)->root, key), *folder = fs_dirname(path),
         *at = deepest(folder);

    if (strcmp(at, folder) == 0) {
        free(at);
        at = NULL;
    }
    free(folder);
    free(path);
    return at;
}

/* Creates the file under its dotted name, and the folders above. */
static int begin(struct sink_file *s, struct file_upload *u, struct err *err)
{
    int rc = fault_point("sink.begin", err);

    u->path = xasprintf("%s%s", s->root, u->base.key);
    char *folder = fs_dirname(u->path);
    u->above = deepest(folder);
    if (rc == 0)
        rc = beat(s->beat, err);
    if (rc == 0)
        rc = fs_mkdir_p(folder, err);
    if (rc == 0) {
        char *tmp = temp_path(u->path);
        u->fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (u->fd < 0) {
            rc = err_errno(err, errno, "cannot create %s", tmp);
            free(tmp);
        } else {
            u->tmp = tmp;
        }
    }
    free(folder);
    return rc;
}

static int write_all(struct sink_file *s, const struct file_upload *u, const char *p, size_t n,
                     struct err *err)
{
    while (n > 0) {
        ssize_t done = write(u->fd, p, n < AT_ONCE ? n : AT_ONCE);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, errno, "cannot write %s", u->path);
        p += done;
        n -= (size_t)done;
        int rc = beat_now_and_then(s, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int flush(struct sink_file *s, struct file_upload *u, struct err *err)
{
    int rc = u->fd < 0 ? begin(s, u, err) : 0;

    if (rc == 0)
        rc = write_all(s, u, u->pending.p, u->pending.n, err);
    buf_clear(&u->pending);
    return rc;
}

static int write_more(struct upload *base, const void *p, size_t n, struct err *err)
{
    struct sink_file *s = (struct sink_file *)base->sink;
    struct file_upload *u = (struct file_upload *)base;
    int rc = 0;

    if (n >= PENDING - u->pending.n)
        rc = flush(s, u, err);
    if (rc < 0)
        return rc;
    return n < PENDING ? buf_add(&u->pending, p, n, err) : write_all(s, u, p, n, err);
}

/* All bytes are on the disk; the name is not. */
static int seal(struct sink_file *s, struct file_upload *u, struct err *err)
{
    int rc = flush(s, u, err);

    if (rc == 0)
        rc = beat(s->beat, err);
    if (rc == 0 && fsync(u->fd) < 0)
        rc = err_errno(err, errno, "cannot sync %s", u->path);
    if (rc == 0)
        rc = beat(s->beat, err);
    return rc;
}

/* The new name has to survive a power cut, and so have the folders that were made for it. */
static int sync_name(const struct file_upload *u, struct err *err)
{
    char *at = xstrdup(u->path);
    int rc;

    for (;;) {
        rc = fs_sync_dir(at, err);
        char *up = fs_dirname(at);
        free(at);
        at = up;
        if (rc < 0 || strlen(at) <= strlen(u->above))
            break;
    }
    free(at);
    return rc;
}

static int finish(struct upload *base, struct uploaded *ret, struct err *err)
{
    struct sink_file *s = (struct sink_file *)base->sink;
    struct file_upload *u = (struct file_upload *)base;
    int rc = seal(s, u, err);

    UNUSED(ret);
    if (rc == 0)
        rc = fs_check_plain(u->path, err);
    if (rc == 0)
        rc = fault_point("sink.finish", err);
    if (rc < 0)
        return rc;
    if (rename(u->tmp, u->path) < 0)
        return err_errno(err, errno, "cannot rename %s to %s", u->tmp, u->path);
    free(u->tmp);
    u->tmp = NULL;
    rc = sync_name(u, err);
    return rc < 0 ? rc : fault_point("sink.finished", err);
}

static bool undo(struct upload *base)
{
    struct file_upload *u = (struct file_upload *)base;
    char reason[128];

    if (u->tmp == NULL || unlink(u->tmp) == 0 || errno == ENOENT)
        return false;
    snprintf(base->sink->left, sizeof base->sink->left, "what was written of it stays as %s: %s", u->tmp,
             strerror_r(errno, reason, sizeof reason));
    return true;
}

static void free_upload(struct upload *base)
{
    struct file_upload *u = (struct file_upload *)base;

    if (u->fd >= 0)
        close(u->fd);
    buf_release(&u->pending);
    free(u->path);
    free(u->tmp);
    free(u->above);
    free(u);
}

/* 1: it has the name now; 0: another file has. */
static int name_new(const struct file_upload *u, struct err *err)
{
    struct stat st;

    if (link(u->tmp, u->path) == 0)
        return 1;
    if (errno == ENOENT && lstat(u->path, &st) == 0) /* swept away, since another was there first */
        return 0;
    if (errno == EEXIST) /* made by us, where the answer of a file server was lost */
        return fstat(u->fd, &st) == 0 && st.st_nlink > 1 ? 1 : 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return err_errno(err, errno, "cannot link %s to %s", u->tmp, u->path);
    /* a file system without hard links */
    if (renameat2(AT_FDCWD, u->tmp, AT_FDCWD, u->path, RENAME_NOREPLACE) == 0)
        return 1;
    return errno == EEXIST ? 0 : err_errno(err, errno, "cannot rename %s to %s", u->tmp, u->path);
}

static int put_new(struct sink *sink, const char *key, const void *p, size_t n, struct err *err)
{
    struct sink_file *s = (struct sink_file *)sink;
    struct file_upload *u = (struct file_upload *)new_upload(sink);
    char *path = xasprintf("%s%s", s->root, key);
    struct stat st;
    bool there = lstat(path, &st) == 0;
    int rc = fs_check_plain(path, err);

    u->base.sink = sink;
    u->base.key = xstrdup(key);
    if (rc < 0 || there)
        goto out;
    rc = write_more(&u->base, p, n, err);
    if (rc == 0)
        rc = seal(s, u, err);
    if (rc == 0)
        rc = fault_point("sink.put_new", err);
    if (rc == 0)
        rc = name_new(u, err);
    if (rc == 1) {
        int synced = sync_name(u, err);
        rc = synced < 0 ? synced : 1;
    }
    undo(&u->base);
out:
    free(path);
    free(u->base.key);
    free_upload(&u->base);
    return rc;
}

/* ---- the rest ---- */

static bool is_absent(const struct err *err)
{
    return err->native == ENOENT || err->native == ENOTDIR;
}

static int read_file(struct sink *sink, const char *key, struct buf *ret, struct err *err)
{
    struct sink_file *s = (struct sink_file *)sink;
    char *path = xasprintf("%s%s", s->root, key);
    struct err why = {0};
    int rc = beat(s->beat, &why);

    if (rc == 0)
        rc = fs_read(path, ret, &why);
    free(path);
    if (rc == 0)
        return 1;
    buf_clear(ret);
    if (is_absent(&why))
        return 0;
    *err = why;
    return rc;
}

static int remove_path(const char *path, struct err *err)
{
    if (unlink(path) == 0)
        return fs_sync_dir(path, err);
    return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(err, errno, "cannot remove %s", path);
}

static int remove_file(struct sink *sink, const char *key, struct err *err)
{
    struct sink_file *s = (struct sink_file *)sink;
    char *path = xasprintf("%s%s", s->root, key);
    int rc = beat(s->beat, err);

    if (rc == 0)
        rc = remove_path(path, err);
    free(path);
    return rc;
}

struct visit {
    struct sink_file *s;
    int (*fn)(void *arg, const struct object_info *o, struct err *err);
    int (*is_ours)(void *arg, const char *key);
    void *arg;
    const char *prefix;
    int abandoned;
};

/* A folder that nobody has written to yet is empty. */
static int visit_all(const struct sink_file *s, const char *prefix,
                     int (*fn)(void *arg, const struct object_info *o, struct err *err), struct visit *v,
                     struct err *err)
{
    struct stat st;

    if (stat(s->root, &st) < 0 && errno == ENOENT)
        return 0;
    return source_list(s->source, prefix, fn, v, err);
}

static int give(void *arg, const struct object_info *o, struct err *err)
{
    const struct visit *v = arg;
    const char *slash = strrchr(o->key, '/');

    return temp_name(slash != NULL ? slash + 1 : o->key) > 0 ? 0 : v->fn(v->arg, o, err);
}

static int list(struct sink *sink, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err)
{
    struct visit v = {.s = (struct sink_file *)sink, .fn = fn, .arg = arg};

    return visit_all(v.s, prefix, give, &v, err);
}

static int abandon_one(void *arg, const struct object_info *o, struct err *err)
{
    struct visit *v = arg;
    char *key = temp_key(o->key);
    int rc = 0;

    if (key != NULL && str_starts(key, v->prefix) && (v->is_ours == NULL || v->is_ours(v->arg, key) != 0)) {
        char *path = xasprintf("%s%s", v->s->root, o->key);
        rc = remove_path(path, err);
        v->abandoned += rc == 0;
        free(path);
    }
    free(key);
    return rc;
}

static int abandon(struct sink *sink, const char *prefix, int (*is_ours)(void *arg, const char *key),
                   void *arg, struct err *err)
{
    struct visit v = {.s = (struct sink_file *)sink, .is_ours = is_ours, .arg = arg, .prefix = prefix};
    const char *slash = strrchr(prefix, '/'); /* the dotted name does not begin as the key does */
    char *folder = xstrndup(prefix, slash != NULL ? (size_t)(slash + 1 - prefix) : 0);
    int rc = visit_all(v.s, folder, abandon_one, &v, err);

    free(folder);
    return rc < 0 ? rc : v.abandoned;
}

static void close_file(struct sink *sink)
{
    struct sink_file *s = (struct sink_file *)sink;

    source_close(s->source);
    free(s->root);
    free(s);
}

static const struct sink_ops file_ops = {
    .close = close_file,
    .upload = new_upload,
    .write = write_more,
    .finish = finish,
    .undo = undo,
    .free = free_upload,
    .put_new = put_new,
    .read = read_file,
    .remove = remove_file,
    .list = list,
    .abandon = abandon,
    .above = file_above,
};

int sink_file_new(const struct source_config *config, struct sink **ret, struct err *err)
{
    const char *path = config->url + strlen("file://");
    struct sink_file *s = xcalloc(1, sizeof *s);
    int rc = source_open(config, &s->source, err);

    if (rc < 0) {
        free(s);
        return rc;
    }
    s->base.ops = &file_ops;
    s->root = str_ends(path, "/") ? xstrdup(path) : xasprintf("%s/", path);
    s->beat = config->beat;
    *ret = &s->base;
    return 0;
}
