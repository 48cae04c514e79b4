#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"
#include "io/s3.h"
#include "io/sigv4.h"
#include "io/source_int.h"
#include "io/xml.h"

struct source_s3 {
    struct source base;
    struct s3 *s3;
    int64_t shift_ms;
};

static struct s3 *s3_of(const struct source *s)
{
    return ((const struct source_s3 *)s)->s3;
}

/* ---- list ---- */

struct listing {
    struct source_s3 *s;
    const char *prefix;     /* whole, in the bucket */
    char last[MAX_KEY + 1]; /* the key given last */
    int (*fn)(void *arg, const struct object_info *o, struct err *err);
    void *arg;
};

/* A page that goes back would give objects twice, one that leaves the prefix gives what nobody asked for. */
static int give_object(struct listing *l, const struct xml_object *x, struct err *err)
{
    const char *root = s3_root(l->s->s3);
    struct object_info o = {.etag = x->etag,
                            .size = x->size,
                            .mtime_ns = x->modified_ms * 1000000,
                            .modified_ms = x->modified_ms + l->s->shift_ms};

    if (!str_starts(x->key, l->prefix))
        return err_set(err, ERR_BAD_RESPONSE, "the listing has a key outside the prefix that was asked for");
    if (l->last[0] != '\0' && strcmp(l->last, x->key) >= 0) {
        err_set(err, ERR_BAD_RESPONSE, "the listing is not in ascending order of its keys");
        return err_hint(err, "this server pages in a way that could lose or double objects");
    }
    snprintf(l->last, sizeof l->last, "%s", x->key);
    o.key = x->key + strlen(root);
    if (*o.key == '\0') /* the folder itself, as some tools make it */
        return 0;
    int rc = l->fn(l->arg, &o, err);
    return rc < 0 ? rc : 0;
}

static int page_query(const struct listing *l, const char *token, struct buf *ret, struct err *err)
{
    buf_clear(ret);
    int rc = buf_adds(ret, "encoding-type=url&list-type=2", err);
    if (rc == 0 && token != NULL) {
        rc = buf_adds(ret, "&continuation-token=", err);
        if (rc == 0)
            rc = sigv4_encode(token, strlen(token), false, ret, err);
    }
    if (rc == 0 && *l->prefix != '\0') {
        rc = buf_adds(ret, "&prefix=", err);
        if (rc == 0)
            rc = sigv4_encode(l->prefix, strlen(l->prefix), false, ret, err);
    }
    return rc;
}

/* 1: more follows, and *token (owned) says where. The error of fn itself is not dressed up. */
static int list_page(struct listing *l, char **token, struct buf *body, struct buf *query, struct err *err)
{
    struct s3 *s3 = l->s->s3;
    struct xml_page page = {0};
    int rc = page_query(l, *token, query, err);

    if (rc == 0) {
        struct s3_request q = {.method = "GET", .query = query->p};
        rc = s3_send(s3, &q, body, NULL, err);
    }
    if (rc == 0) {
        rc = xml_list_page(body->p, body->n, &page, err);
        if (rc == 0 && page.truncated && *token != NULL && strcmp(*token, page.next_token) == 0)
            rc = err_set(err, ERR_BAD_RESPONSE, "the listing gives the same continuation token twice");
        if (rc < 0)
            s3_prefix_err(s3, l->prefix, err);
    }
    for (size_t i = 0; i < page.count && rc == 0; i++)
        rc = give_object(l, &page.objects[i], err);
    free(*token);
    *token = page.next_token;
    page.next_token = NULL;
    bool more = page.truncated;
    xml_page_release(&page);
    return rc < 0 ? rc : more;
}

static int list(struct source *source, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err)
{
    struct source_s3 *s = (struct source_s3 *)source;
    char *whole = xasprintf("%s%s", s3_root(s->s3), prefix), *token = NULL;
    struct listing l = {.s = s, .prefix = whole, .fn = fn, .arg = arg};
    struct buf body = BUF_INIT(MAX_XML_PAGE), query = BUF_INIT(MAX_XML_PAGE);
    int rc = 1;

    for (int pages = 0; rc == 1; pages++) {
        rc = list_page(&l, &token, &body, &query, err);
        if (rc == 1 && pages == MAX_LIST_PAGES) {
            err_set(err, ERR_TOO_LARGE, "s3://%s/%s: the listing has more than %d pages", s3_bucket(s->s3),
                    whole, MAX_LIST_PAGES);
            rc = err_hint(err, "list a narrower prefix: a partition of its own per hour");
        }
    }
    free(whole);
    free(token);
    buf_release(&body);
    buf_release(&query);
    return rc;
}

/* ---- get ---- */

struct s3_reader {
    struct reader reader;
    struct s3 *s3;
    char *key, *etag, *version; /* owned; key whole */
    struct http_response *r;
    struct http_response *early; /* asked for, and not waited for yet */
    bool opened;
    struct md5 *md5; /* NULL: the ETag is no MD5 of the bytes */
    int64_t size, at;
    int64_t broke_at; /* where the connection broke last */
    int breaks;       /* without PROGRESS since */
    bool ended;
    int rc; /* the first failure, given again */
    struct err err;
};

/* Bytes. A line that breaks after each so many is a slow one, and no reason to give up or to wait. */
enum { PROGRESS = 32 * 1024 };

static bool is_md5(const char *etag)
{
    return strlen(etag) == 32 && strspn(etag, "0123456789abcdef") == 32;
}

/* With KMS, or a key of the customer's, the ETag is of something else. */
static bool etag_is_of_the_bytes(const struct http_response *r, const char *etag)
{
    const char *sse = http_header(r, "x-amz-server-side-encryption");

    return is_md5(etag) && (sse == NULL || !str_starts(sse, "aws:kms")) &&
           http_header(r, "x-amz-server-side-encryption-customer-algorithm") == NULL;
}

static bool same_etag(const char *header, const char *etag)
{
    size_t n = strlen(etag);

    if (*header != '"')
        return strcmp(header, etag) == 0;
    return strncmp(header + 1, etag, n) == 0 && header[n + 1] == '"';
}

/* Reads away what a server sends that does not know Range. */
static int skip(struct s3_reader *g, int64_t left, struct err *err)
{
    char chunk[16384];

    while (left > 0) {
        size_t n = 0;
        int rc = http_read(g->r, chunk, left < (int64_t)sizeof chunk ? (size_t)left : sizeof chunk, &n, err);
        if (rc < 0)
            return rc;
        if (n == 0)
            return err_set(err, ERR_TRANSIENT, "the object ends too early");
        left -= (int64_t)n;
    }
    return 0;
}

static int check_head(struct s3_reader *g, struct err *err)
{
    const char *etag = http_header(g->r, "ETag"), *range = http_header(g->r, "Content-Range");
    int64_t length = http_content_length(g->r);
    char expected[64];

    if (etag != NULL && !same_etag(etag, g->etag))
        return err_set(err, ERR_OBJECT_CHANGED,
                       "it is not the object that was listed: ETag %.64s where '%s' was listed", etag,
                       g->etag);
    if (http_status(g->r) == 206) {
        int n = snprintf(expected, sizeof expected, "bytes %lld-%lld/%lld", (long long)g->at,
                         (long long)g->size - 1, (long long)g->size);
        if (g->at == 0 || range == NULL || strncmp(range, expected, (size_t)n) != 0)
            return err_set(err, ERR_BAD_RESPONSE, "the server sends %.64s where %s was asked for",
                           range != NULL ? range : "a part", expected);
        return 0;
    }
    if (length >= 0 && length != g->size)
        return err_set(err, ERR_OBJECT_CHANGED, "it has %lld bytes and was listed with %lld",
                       (long long)length, (long long)g->size);
    return skip(g, g->at, err);
}

/* What was asked for early, if its answer is good; else it is asked again, and why is told then. */
static bool take_early(struct s3_reader *g)
{
    struct err ignored;

    if (g->early == NULL)
        return false;
    if (s3_wait(g->early, &ignored) == 0)
        g->r = g->early;
    g->early = NULL;
    return g->r != NULL;
}

/* Without a response afterwards the error is s3_send's, complete; else it lacks the key. soon: only send the request. */
static int open_at(struct s3_reader *g, bool soon, struct err *err)
{
    char range[64];
    char *match = xasprintf("If-Match: \"%s\"", g->etag);
    const char *headers[] = {match, g->at > 0 ? range : NULL, NULL};
    struct buf query = BUF_INIT(8 * KIB);
    int rc = 0;

    snprintf(range, sizeof range, "Range: bytes=%lld-", (long long)g->at);
    if (g->version != NULL) {
        rc = buf_adds(&query, "versionId=", err);
        if (rc == 0)
            rc = sigv4_encode(g->version, strlen(g->version), false, &query, err);
    }
    struct s3_request q = {.method = "GET", .key = g->key, .query = query.p, .headers = headers};
    if (rc == 0 && soon)
        rc = s3_start(g->s3, &q, &g->early, err);
    else if (rc == 0 && !take_early(g))
        rc = s3_send(g->s3, &q, NULL, &g->r, err);
    if (rc == 0 && !soon)
        rc = check_head(g, err);
    free(match);
    buf_release(&query);
    return rc;
}

/* The answer failed at g->at. 0 when the rest may be asked for. */
static int broken(struct s3_reader *g, struct err *err)
{
    bool moved = g->at - g->broke_at >= PROGRESS;

    if (moved)
        g->breaks = 0;
    g->broke_at = g->at;
    http_close(g->r);
    g->r = NULL;
    if (!s3_goes_by_itself(err->code) || g->breaks == s3_retries(g->s3)) {
        err_prefix(err, "after %lld of %lld bytes", (long long)g->at, (long long)g->size);
        return s3_prefix_err(g->s3, g->key, err);
    }
    struct err why;
    int rc = moved ? 0 : s3_back_off(g->s3, g->breaks, &why);
    g->breaks++;
    if (rc < 0)
        *err = why;
    return rc;
}

static int finish(struct s3_reader *g, struct err *err)
{
    char sum[MD5_HEX];
    int rc = fault_point("source.end", err);

    if (rc < 0)
        return rc;
    if (g->md5 != NULL) {
        md5_end(g->md5, sum);
        md5_free(g->md5);
        g->md5 = NULL;
        if (strcmp(sum, g->etag) != 0) {
            err_set(err, ERR_BAD_RESPONSE, "the bytes are not the object's: their MD5 is %s, its ETag %s",
                    sum, g->etag);
            err_hint(err,
                     "something between here and the server damages data, or the object is damaged there");
            return s3_prefix_err(g->s3, g->key, err);
        }
    }
    g->ended = true;
    return 0;
}

static int get_more(struct s3_reader *g, void *p, size_t n, size_t *ret_n, struct err *err)
{
    for (;;) {
        int rc = g->r == NULL && g->at < g->size ? open_at(g, false, err) : 0;
        if (rc < 0 && g->r == NULL)
            return rc; /* s3_send has tried enough */
        *ret_n = 0;
        if (rc == 0 && g->r != NULL)
            rc = http_read(g->r, p, n, ret_n, err);
        if (rc == 0 && *ret_n > 0) {
            if ((int64_t)*ret_n > g->size - g->at) {
                err_set(err, ERR_BAD_RESPONSE, "the server sends more than the object's %lld bytes",
                        (long long)g->size);
                return s3_prefix_err(g->s3, g->key, err);
            }
            if (g->md5 != NULL)
                md5_add(g->md5, p, *ret_n);
            g->at += (int64_t)*ret_n;
            return 0;
        }
        if (rc == 0 && g->at == g->size)
            return finish(g, err);
        if (rc == 0)
            err_set(err, ERR_TRANSIENT,
                    "the answer ends too early"); /* broken() tries again, or returns it */
        rc = broken(g, err);
        if (rc < 0)
            return rc;
    }
}

/* Also when it has no bytes: it may be gone or another one. */
static int open_first(struct s3_reader *g, struct err *err)
{
    int rc = open_at(g, false, err);

    if (rc < 0)
        return g->r != NULL ? s3_prefix_err(g->s3, g->key, err) : rc;
    if (etag_is_of_the_bytes(g->r, g->etag))
        g->md5 = md5_new();
    g->opened = true;
    return 0;
}

static int s3_reader_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct s3_reader *g = (struct s3_reader *)r;

    *ret_n = 0;
    if (g->ended)
        return 0;
    if (g->rc < 0) {
        *err = g->err;
        return g->rc;
    }
    int rc = g->opened ? 0 : open_first(g, err);
    if (rc == 0)
        rc = get_more(g, p, n, ret_n, err);
    if (rc < 0) {
        *ret_n = 0;
        g->rc = rc;
        g->err = *err;
    }
    return rc;
}

static void s3_reader_close(struct reader *r)
{
    struct s3_reader *g = (struct s3_reader *)r;

    http_close(g->r);
    http_close(g->early);
    md5_free(g->md5);
    free(g->key);
    free(g->etag);
    free(g->version);
    free(g);
}

static struct s3_reader *reader_of(struct source *source, const struct object_info *o)
{
    struct s3_reader *g = xcalloc(1, sizeof *g);

    g->reader = (struct reader){s3_reader_read, s3_reader_close};
    g->s3 = s3_of(source);
    g->key = xasprintf("%s%s", s3_root(g->s3), o->key);
    g->etag = xstrdup(o->etag);
    g->version = o->version_id != NULL && *o->version_id != '\0' ? xstrdup(o->version_id) : NULL;
    g->size = o->size;
    return g;
}

static int get(struct source *source, const struct object_info *o, struct reader **ret_owned, struct err *err)
{
    struct s3_reader *g = reader_of(source, o);
    int rc = fault_point("source.get", err);

    if (rc == 0)
        rc = open_first(g, err);
    if (rc < 0) {
        s3_reader_close(&g->reader);
        return rc;
    }
    *ret_owned = &g->reader;
    return 0;
}

static int get_soon(struct source *source, const struct object_info *o, struct reader **ret_owned,
                    struct err *err)
{
    struct s3_reader *g = reader_of(source, o);
    struct err ignored;
    int rc = fault_point("source.get", err);

    if (rc < 0) {
        s3_reader_close(&g->reader);
        return rc;
    }
    err_ignore(open_at(g, true, &ignored));
    *ret_owned = &g->reader;
    return 0;
}

/* ---- the rest ---- */

static int put(struct source *source, const char *key, const void *p, size_t n, struct err *err)
{
    struct s3 *s3 = s3_of(source);
    struct buf answer = BUF_INIT(MAX_HTTP_BODY);
    char *whole = xasprintf("%s%s", s3_root(s3), key);
    struct s3_request q = {.method = "PUT", .key = whole, .body = n > 0 ? p : "", .body_n = n};
    int rc = s3_send(s3, &q, &answer, NULL, err);

    free(whole);
    buf_release(&answer);
    return rc;
}

static const char *creds_origin(const struct source *s)
{
    return s3_origin(s3_of(s));
}

static int64_t clock_skew_ms(const struct source *s)
{
    return s3_skew_ms(s3_of(s));
}

static void close_s3(struct source *s)
{
    s3_close(s3_of(s));
    free(s);
}

static const struct source_ops s3_ops = {close_s3, list,         get,           get_soon,
                                         put,      creds_origin, clock_skew_ms, true};

int source_s3_new(const struct source_config *config, struct source **ret, struct err *err)
{
    struct source_s3 *s = xcalloc(1, sizeof *s);
    int rc = s3_open(config, &s->s3, err);

    if (rc < 0) {
        free(s);
        return rc;
    }
    s->base.ops = &s3_ops;
    s->shift_ms = config->clock_shift_ms;
    *ret = &s->base;
    return 0;
}
