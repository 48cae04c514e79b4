#include "io/sink.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sink_int.h"

enum { SLICE = 256 * KIB }; /* summed and written while it is in the cache */

int sink_open(const struct source_config *config, struct sink **ret, struct err *err)
{
    if (str_starts(config->url, "s3://"))
        return sink_s3_new(config, ret, err);
    if (str_starts(config->url, "file://"))
        return sink_file_new(config, ret, err);
    err_set(err, ERR_CONFIG, "'%s' is not the URL of a place for files", config->url);
    return err_hint(err, "s3://bucket/prefix/ or file:///folder/");
}

void sink_close(struct sink *s)
{
    if (s != NULL)
        s->ops->close(s);
}

const char *sink_left(const struct sink *s)
{
    return s->left;
}

bool sink_is_s3(const struct sink *s)
{
    return s->ops->is_s3;
}

char *sink_above(const struct sink *s, const char *key)
{
    return s->ops->above != NULL ? s->ops->above(s, key) : NULL;
}

/* The same for both kinds, so that what is written to one can be copied to the other. */
static int check_key(const char *key, struct err *err)
{
    char text[300];
    size_t whole = strlen(key);

    for (const char *p = key;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.')) {
            str_printable(key, whole, text, sizeof text);
            return err_set(err, ERR_CONFIG, "'%s' is no key to write: a part of it is empty, '.' or '..'",
                           text);
        }
        p += n;
        if (*p == '\0')
            break;
    }
    if (whole <= MAX_KEY)
        return 0;
    str_printable(key, whole, text, sizeof text);
    return err_set(err, ERR_TOO_LARGE, "'%s' has %zu bytes where a key may have %d", text, whole, MAX_KEY);
}

/* ---- sums ---- */

struct sink_sum {
    struct sha256 *whole;
    struct md5 *piece; /* NULL: not begun, or there is none */
    bool wants_md5;
};

struct sink_sum *sink_sum_new(const struct sink *s)
{
    struct sink_sum *m = xcalloc(1, sizeof *m);

    m->whole = sha256_new();
    m->wants_md5 = s->ops->is_s3;
    m->piece = m->wants_md5 ? md5_new() : NULL;
    return m;
}

void sink_sum_add(struct sink_sum *m, const void *p, size_t n)
{
    sha256_add(m->whole, p, n);
    if (m->piece != NULL)
        md5_add(m->piece, p, n);
}

void sink_sum_piece(struct sink_sum *m, struct sink_piece *io_piece)
{
    unsigned char sum[SHA256_SIZE];

    io_piece->md5[0] = io_piece->sha256[0] = '\0';
    if (m->piece != NULL)
        md5_end(m->piece, io_piece->md5);
    md5_free(m->piece);
    m->piece = m->wants_md5 ? md5_new() : NULL;
    if (!io_piece->last)
        return;
    sha256_end(m->whole, sum);
    str_hex(sum, sizeof sum, io_piece->sha256);
}

void sink_sum_free(struct sink_sum *m)
{
    if (m == NULL)
        return;
    sha256_free(m->whole);
    md5_free(m->piece);
    free(m);
}

/* ---- uploads ---- */

static void upload_free(struct upload *u)
{
    sha256_free(u->sum);
    free(u->key);
    u->sink->ops->free(u);
}

int sink_upload(struct sink *s, const char *key, struct upload **ret, struct err *err)
{
    int rc = check_key(key, err);

    if (rc < 0)
        return rc;
    struct upload *u = s->ops->upload(s);
    u->sink = s;
    u->key = xstrdup(key);
    u->sum = sha256_new();
    *ret = u;
    return 0;
}

int upload_write(struct upload *u, const void *p, size_t n, struct err *err)
{
    const char *at = p;

    while (u->rc == 0 && n > 0) {
        size_t some = n < SLICE ? n : SLICE;
        sha256_add(u->sum, at, some);
        u->rc = u->sink->ops->write(u, at, some, &u->err);
        u->bytes += (int64_t)some;
        at += some;
        n -= some;
    }
    if (u->rc < 0)
        *err = u->err;
    return u->rc;
}

int upload_give(struct upload *u, const struct sink_piece *piece, struct err *err)
{
    const char *at = piece->p;

    if (u->rc == 0 && u->sink->ops->give != NULL) {
        u->rc = u->sink->ops->give(u, piece, &u->err);
    } else {
        for (size_t n = piece->n, some; u->rc == 0 && n > 0; at += some, n -= some) {
            some = n < SLICE ? n : SLICE;
            u->rc = u->sink->ops->write(u, at, some, &u->err);
        }
    }
    u->bytes += (int64_t)piece->n;
    if (piece->last)
        memcpy(u->given, piece->sha256, sizeof u->given);
    if (u->rc < 0)
        *err = u->err;
    return u->rc;
}

int upload_finish(struct upload *u, struct uploaded *ret, struct err *err)
{
    struct uploaded done = {.bytes = u->bytes};
    unsigned char sum[SHA256_SIZE];
    int rc = u->rc;

    if (rc < 0)
        *err = u->err;
    else {
        sha256_end(u->sum, sum);
        str_hex(sum, sizeof sum, done.sha256);
        if (u->given[0] != '\0')
            memcpy(done.sha256, u->given, sizeof done.sha256);
        rc = u->sink->ops->finish(u, &done, err);
    }
    if (rc < 0) {
        if (u->sink->ops->undo(u))
            err_hint(err, "%s", u->sink->left);
    } else {
        *ret = done;
    }
    upload_free(u);
    return rc;
}

void upload_abort(struct upload *u)
{
    if (u == NULL)
        return;
    u->sink->ops->undo(u);
    upload_free(u);
}

/* ---- the rest ---- */

int sink_put_new(struct sink *s, const char *key, const void *p, size_t n, struct err *err)
{
    int rc = check_key(key, err);

    return rc < 0 ? rc : s->ops->put_new(s, key, p, n, err);
}

int sink_read(struct sink *s, const char *key, struct buf *ret, struct err *err)
{
    int rc = check_key(key, err);

    buf_clear(ret);
    return rc < 0 ? rc : s->ops->read(s, key, ret, err);
}

int sink_remove(struct sink *s, const char *key, struct err *err)
{
    int rc = check_key(key, err);

    return rc < 0 ? rc : s->ops->remove(s, key, err);
}

int sink_list(struct sink *s, const char *prefix,
              int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg, struct err *err)
{
    return s->ops->list(s, prefix, fn, arg, err);
}

int sink_abandon(struct sink *s, const char *prefix, int (*is_ours)(void *arg, const char *key), void *arg,
                 struct err *err)
{
    return s->ops->abandon(s, prefix, is_ours, arg, err);
}
