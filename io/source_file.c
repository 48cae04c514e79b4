#include "base/beat.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/source_int.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BEAT_MS = 500 };

struct source_file {
    struct source base;
    char *root; /* owned; ends in '/' */
    int64_t shift_ms;
    const struct beat *beat;
    int64_t beaten;
};

static int beat_now_and_then(const struct beat *b, int64_t *beaten, struct err *err)
{
    int64_t now = clock_mono_ms();

    if (now - *beaten < BEAT_MS)
        return 0;
    *beaten = now;
    return beat(b, err);
}

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool is_dots(const char *p, size_t n)
{
    return (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
}

/*
 * A key that could leave the root, or name one file in two ways, is none. "a//b" and "a/./b" are keys of
 * their own on S3; here they cannot be.
 */
static int check_key(const char *key, bool prefix, struct err *err)
{
    for (const char *p = key;; p++) {
        size_t n = strcspn(p, "/");
        bool last = p[n] == '\0';
        if (is_dots(p, n) || (n == 0 && !(last && prefix))) {
            char text[300];
            str_printable(key, strlen(key), text, sizeof text);
            return err_set(err, ERR_CONFIG, "'%s' cannot be a key in a folder", text);
        }
        if (last)
            return 0;
        p += n;
    }
}

/* ---- list ---- */

struct entry {
    char *name; /* owned; a folder's ends in '/', so that entries sort as the keys below them do */
    struct stat st;
};

struct entries {
    struct entry *p;
    size_t n, cap;
};

struct ancestor { /* to see a link that leads back up */
    const struct ancestor *up;
    dev_t dev;
    ino_t ino;
};

struct walk {
    struct source_file *s;
    const char *prefix;
    int (*fn)(void *arg, const struct object_info *o, struct err *err);
    void *arg;
};

static void entries_release(struct entries *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->p[i].name);
    free(l->p);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* 1: a file or folder that matters, in *e. 0: something else, or gone meanwhile. */
static int look_at(int dir, const char *folder, const char *name, struct entry *e, struct err *err)
{
    if (fstatat(dir, name, &e->st, 0) < 0) {
        if (errno == ENOENT || errno == ELOOP)
            return 0;
        return err_errno(err, errno, "cannot look at %s%s", folder, name);
    }
    if (!S_ISREG(e->st.st_mode) && !S_ISDIR(e->st.st_mode))
        return 0;
    e->name = S_ISDIR(e->st.st_mode) ? xasprintf("%s/", name) : xstrdup(name);
    return 1;
}

/* key: the folder's, "" or with '/' at its end. Only entries that the prefix leads to are kept. */
static int read_folder(const struct walk *w, const char *folder, const char *key, struct entries *l,
                       struct err *err)
{
    DIR *d = opendir(folder);
    int rc = 0;

    if (d == NULL) {
        if (errno == ENOENT && *key != '\0')
            return 0; /* no such partition, or removed while we walked */
        return err_errno(err, errno, "cannot list %s", folder);
    }
    for (;;) {
        errno = 0;
        struct dirent *de = readdir(d);
        if (de == NULL) {
            if (errno != 0)
                rc = err_errno(err, errno, "cannot list %s", folder);
            break;
        }
        if (is_dots(de->d_name, strlen(de->d_name)))
            continue;
        size_t key_n = strlen(key), wanted = strlen(w->prefix) > key_n ? strcspn(w->prefix + key_n, "/") : 0;
        if (strncmp(de->d_name, w->prefix + (wanted > 0 ? key_n : 0), wanted) != 0)
            continue;
        if (l->n == l->cap) {
            l->cap = l->cap ? l->cap * 2 : 64;
            l->p = xrealloc(l->p, l->cap * sizeof *l->p);
        }
        rc = look_at(dirfd(d), folder, de->d_name, &l->p[l->n], err);
        if (rc < 0)
            break;
        l->n += rc > 0;
        rc = beat_now_and_then(w->s->beat, &w->s->beaten, err);
        if (rc < 0)
            break;
    }
    closedir(d);
    if (rc >= 0 && l->n > 0)
        qsort(l->p, l->n, sizeof *l->p, by_name);
    return rc < 0 ? rc : 0;
}

static int walk(const struct walk *w, const char *key, const struct ancestor *up, struct err *err);

static int visit(const struct walk *w, const char *folder_key, const struct entry *e,
                 const struct ancestor *up, struct err *err)
{
    char *key = xasprintf("%s%s", folder_key, e->name);
    size_t n = strlen(key), prefix_n = strlen(w->prefix);
    int rc = 0;

    if (strncmp(key, w->prefix, n < prefix_n ? n : prefix_n) != 0 || (S_ISREG(e->st.st_mode) && n < prefix_n))
        goto out;
    if (n > MAX_KEY) {
        rc = err_set(err, ERR_TOO_LARGE, "%s%.200s...: a key of %zu bytes where at most %d are allowed",
                     w->s->root, key, n, MAX_KEY);
        goto out;
    }
    if (S_ISDIR(e->st.st_mode)) {
        struct ancestor here = {up, e->st.st_dev, e->st.st_ino};
        for (const struct ancestor *a = up; a != NULL && rc == 0; a = a->up)
            if (a->dev == here.dev && a->ino == here.ino)
                rc = err_set(err, ERR_CONFIG, "%s%s is a link to a folder that it lies in", w->s->root, key);
        if (rc == 0)
            rc = walk(w, key, &here, err);
        goto out;
    }
    struct object_info o = {.key = key, .etag = "", .size = e->st.st_size, .mtime_ns = mtime_ns(&e->st)};
    o.modified_ms = o.mtime_ns / 1000000 + w->s->shift_ms;
    rc = w->fn(w->arg, &o, err);
    rc = rc < 0 ? rc : 0;
out:
    free(key);
    return rc;
}

static int walk(const struct walk *w, const char *key, const struct ancestor *up, struct err *err)
{
    char *folder = xasprintf("%s%s", w->s->root, key);
    struct entries l = {0};
    int rc = read_folder(w, folder, key, &l, err);

    for (size_t i = 0; i < l.n && rc == 0; i++)
        rc = visit(w, key, &l.p[i], up, err);
    entries_release(&l);
    free(folder);
    return rc;
}

static int list(struct source *source, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err)
{
    struct source_file *s = (struct source_file *)source;
    struct walk w = {s, prefix, fn, arg};
    struct ancestor root = {0};
    struct stat st;
    int rc = *prefix != '\0' ? check_key(prefix, true, err) : 0;

    if (rc == 0)
        rc = beat(s->beat, err);
    if (rc < 0)
        return rc;
    if (stat(s->root, &st) < 0)
        return err_errno(err, errno, "cannot list %s", s->root);
    root.dev = st.st_dev;
    root.ino = st.st_ino;
    return walk(&w, "", &root, err);
}

/* ---- get ---- */

struct file_reader {
    struct reader reader;
    int fd;
    char *path; /* owned */
    int64_t size, mtime_ns, at;
    const struct beat *beat;
    int64_t beaten;
};

static int check_identity(const struct file_reader *f, const char *when, struct err *err)
{
    struct stat st;

    if (fstat(f->fd, &st) < 0)
        return err_errno(err, errno, "cannot look at %s", f->path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_OBJECT_CHANGED, "%s is no regular file any more", f->path);
    if (st.st_size != f->size || mtime_ns(&st) != f->mtime_ns)
        return err_set(err, ERR_OBJECT_CHANGED, "%s changed %s: %lld bytes where %lld were listed%s", f->path,
                       when, (long long)st.st_size, (long long)f->size,
                       st.st_size == f->size ? ", and another time" : "");
    return 0;
}

static int file_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct file_reader *f = (struct file_reader *)r;
    ssize_t got;

    *ret_n = 0;
    int rc = beat_now_and_then(f->beat, &f->beaten, err);
    if (rc < 0)
        return rc;
    do
        got = read(f->fd, p, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, errno, "cannot read %s", f->path);
    f->at += got;
    if (f->at > f->size || (got == 0 && f->at < f->size))
        return err_set(err, ERR_OBJECT_CHANGED,
                       "%s changed while it was read: it %s than the %lld bytes that were listed", f->path,
                       got == 0 ? "is shorter" : "grew to more", (long long)f->size);
    if (got == 0) {
        rc = fault_point("source.end", err);
        return rc < 0 ? rc : check_identity(f, "while it was read", err);
    }
    *ret_n = (size_t)got;
    return 0;
}

static void file_close(struct reader *r)
{
    struct file_reader *f = (struct file_reader *)r;

    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f);
}

static int get(struct source *source, const struct object_info *o, struct reader **ret_owned, struct err *err)
{
    struct source_file *s = (struct source_file *)source;
    struct file_reader *f = xcalloc(1, sizeof *f);
    int rc = fault_point("source.get", err);

    *f = (struct file_reader){
        {file_read, file_close}, -1, xasprintf("%s%s", s->root, o->key), o->size, o->mtime_ns, 0, s->beat, 0};
    if (rc == 0)
        rc = check_key(o->key, false, err);
    if (rc == 0)
        rc = beat(s->beat, err);
    if (rc < 0)
        goto out;
    f->fd =
        open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* never hangs on what became a pipe */
    if (f->fd < 0) {
        rc = errno == ENOENT || errno == ENOTDIR
                 ? err_set(err, ERR_OBJECT_CHANGED, "%s is gone since it was listed", f->path)
                 : err_errno(err, errno, "cannot open %s", f->path);
        goto out;
    }
    rc = check_identity(f, "since it was listed", err);
    if (rc < 0)
        goto out;
    posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *ret_owned = &f->reader;
    return 0;
out:
    file_close(&f->reader);
    return rc;
}

/* ---- the rest ---- */

static int put(struct source *source, const char *key, const void *p, size_t n, struct err *err)
{
    struct source_file *s = (struct source_file *)source;
    char *path = xasprintf("%s%s", s->root, key), *folder = fs_dirname(path);
    int rc = check_key(key, false, err);

    if (rc == 0)
        rc = fs_mkdir_p(folder, err);
    if (rc == 0)
        rc = fs_write(path, p, n, 0644, err);
    free(folder);
    free(path);
    return rc;
}

static const char *creds_origin(const struct source *s)
{
    UNUSED(s);
    return "";
}

static int64_t clock_skew_ms(const struct source *s)
{
    UNUSED(s);
    return 0;
}

static void close_files(struct source *source)
{
    struct source_file *s = (struct source_file *)source;

    free(s->root);
    free(s);
}

static const struct source_ops file_ops = {close_files, list,         get,           NULL,
                                           put,         creds_origin, clock_skew_ms, false};

int source_file_new(const struct source_config *config, struct source **ret, struct err *err)
{
    const char *path = config->url + strlen("file://");
    struct source_file *s;

    if (*path == '\0') {
        err_set(err, ERR_CONFIG, "'%s' names no folder", config->url);
        return err_hint(err, "file:///absolute/folder/, or file://folder/ below the configuration");
    }
    s = xcalloc(1, sizeof *s);
    s->base.ops = &file_ops;
    s->root = path[strlen(path) - 1] == '/' ? xstrdup(path) : xasprintf("%s/", path);
    s->shift_ms = config->clock_shift_ms;
    s->beat = config->beat;
    *ret = &s->base;
    return 0;
}
