#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sigv4.h"
#include "io/sink_s3_int.h"
#include "io/xml.h"

enum { UNDO_MS = 30000, ABORTS = 6 };

/* ---- what both halves need ---- */

static int on_beat(void *arg, struct err *err)
{
    const struct sink_s3 *s = arg;
    struct err ignored;

    if (s->undo_until_ms == 0)
        return beat(s->users, err);
    err_ignore(beat(s->users, &ignored));
    return clock_mono_ms() < s->undo_until_ms
               ? 0
               : err_set(err, ERR_TIMEOUT, "not done within %d s", UNDO_MS / 1000);
}

void sink_s3_undo_begin(struct sink_s3 *s)
{
    s->undo_until_ms = clock_mono_ms() + UNDO_MS;
}

void sink_s3_undo_end(struct sink_s3 *s)
{
    s->undo_until_ms = 0;
}

char *sink_s3_key(const struct sink_s3 *s, const char *key)
{
    return xasprintf("%s%s", s3_root(s->s3), key);
}

int sink_s3_query(struct buf *ret, const char *name, const char *value, struct err *err)
{
    int rc = buf_addf(ret, err, "%s%s=", ret->n > 0 ? "&" : "", name);

    return rc < 0 ? rc : sigv4_encode(value, strlen(value), false, ret, err);
}

void sink_s3_etag(const struct http_response *r, char out[80])
{
    const char *header = http_header(r, "ETag");
    struct str s = str_trim(str_of(header != NULL ? header : ""));

    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = (struct str){s.p + 1, s.n - 2};
    out[0] = '\0';
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"<>&", s.p[i]) != NULL)
            return; /* it goes into an XML document, and into other people's */
    if (s.n < 80)
        snprintf(out, 80, "%.*s", (int)s.n, s.p);
}

bool sink_s3_etag_tells(const struct http_response *r, const char *etag)
{
    const char *sse = http_header(r, "x-amz-server-side-encryption"), *digits = etag + 33;
    bool md5 = strspn(etag, "0123456789abcdef") == 32 &&
               (etag[32] == '\0' ||
                (etag[32] == '-' && *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0'));

    return md5 && (sse == NULL || !str_starts(sse, "aws:kms")) &&
           http_header(r, "x-amz-server-side-encryption-customer-algorithm") == NULL;
}

/* HEAD. 1: *ret (may be NULL) is the answer, 0: there is none of that key. */
static int look(struct sink_s3 *s, const char *key, struct http_response **ret, struct err *err)
{
    struct s3_request q = {.method = "HEAD", .key = key};
    struct http_response *r = NULL;
    struct err why;
    int rc = s3_send(s->s3, &q, NULL, &r, &why);

    if (rc < 0 && why.native == 404)
        return 0;
    if (rc < 0) {
        *err = why;
        return rc;
    }
    if (ret != NULL)
        *ret = r;
    else
        http_close(r);
    return 1;
}

/* The bytes that are there, read and summed. */
static int same_bytes(struct sink_s3 *s, const char *key, const struct wanted *w, struct err *err)
{
    struct s3_request q = {.method = "GET", .key = key};
    struct http_response *r = NULL;
    struct sha256 *sum = sha256_new();
    unsigned char raw[SHA256_SIZE];
    char hex[SHA256_HEX], *chunk = xmalloc(256 * KIB);
    int64_t bytes = 0;
    size_t n = 1;
    int rc = s3_send(s->s3, &q, NULL, &r, err);

    while (rc == 0 && n > 0 && bytes <= w->bytes) {
        rc = http_read(r, chunk, 256 * KIB, &n, err);
        sha256_add(sum, chunk, rc == 0 ? n : 0);
        bytes += (int64_t)n;
    }
    sha256_end(sum, raw);
    str_hex(raw, sizeof raw, hex);
    http_close(r);
    sha256_free(sum);
    free(chunk);
    return rc < 0 ? rc : bytes == w->bytes && strcmp(hex, w->sha256) == 0;
}

int sink_s3_holds(struct sink_s3 *s, const char *key, const struct wanted *w, char ret_etag[80],
                  struct err *err)
{
    struct http_response *r = NULL;
    char etag[80];
    int rc = look(s, key, &r, err);

    if (rc <= 0)
        return rc;
    sink_s3_etag(r, etag);
    int64_t length = http_content_length(r);
    bool tells = w->etag[0] != '\0' && sink_s3_etag_tells(r, etag);
    http_close(r);
    if (ret_etag != NULL)
        snprintf(ret_etag, 80, "%s", etag);
    if (length != w->bytes)
        return 0;
    return tells ? strcmp(etag, w->etag) == 0 : same_bytes(s, key, w, err);
}

/* ---- uploads that were begun ---- */

int sink_s3_abort(struct sink_s3 *s, const char *key, const char *id, struct err *err)
{
    struct buf query = BUF_INIT(16 * KIB), parts = BUF_INIT(16 * KIB), answer = BUF_INIT(MAX_HTTP_BODY);
    struct s3_request q = {.method = "DELETE", .key = key}, ask = {.method = "GET", .key = key};
    struct err why;
    int rc = sink_s3_query(&query, "uploadId", id, err);

    if (rc == 0)
        rc = buf_addf(&parts, err, "max-parts=1&%s", query.p);
    q.query = query.p;
    ask.query = parts.p;
    for (int n = 0; rc == 0; n++) {
        rc = s3_send(s->s3, &q, &answer, NULL, &why);
        if (rc < 0 && why.native != 404)
            *err = why;
        if (rc < 0) {
            rc = why.native == 404 ? 0 : rc;
            break;
        }
        /* A piece that was on its way may have come since. Who may not ask has to leave it at that. */
        rc = s3_send(s->s3, &ask, &answer, NULL, &why);
        if (rc < 0 && !s3_goes_by_itself(why.code)) {
            rc = 0;
            break;
        }
        rc = n + 1 < ABORTS ? s3_back_off(s->s3, n, err)
                            : err_set(err, ERR_TRANSIENT,
                                      "s3://%s/%s: the upload is still listed after it was "
                                      "aborted %d times",
                                      s3_bucket(s->s3), key, ABORTS);
    }
    buf_release(&query);
    buf_release(&parts);
    buf_release(&answer);
    return rc;
}

struct sweep {
    struct sink_s3 *s;
    const char *prefix;
    int (*fn)(void *arg, const char *whole_key, const char *id, int64_t initiated_ms);
    void *arg;
    char *key, *id; /* owned; where the next page begins; NULL: at the beginning */
    int aborted;
};

static int ask_page(const struct sweep *w, struct xml_uploads *ret, struct err *err)
{
    struct buf query = BUF_INIT(32 * KIB), answer = BUF_INIT(MAX_XML_PAGE);
    /* without encoding-type=url: radosgw 16 encodes the keys then, and does not say so */
    int rc = buf_adds(&query, "uploads=", err);

    if (rc == 0 && *w->prefix != '\0')
        rc = sink_s3_query(&query, "prefix", w->prefix, err);
    if (rc == 0 && w->key != NULL)
        rc = sink_s3_query(&query, "key-marker", w->key, err);
    if (rc == 0 && w->id != NULL)
        rc = sink_s3_query(&query, "upload-id-marker", w->id, err);
    if (rc == 0) {
        struct s3_request q = {.method = "GET", .query = query.p};
        rc = s3_send(w->s->s3, &q, &answer, NULL, err);
    }
    if (rc == 0) {
        rc = xml_uploads(answer.p != NULL ? answer.p : "", answer.n, ret, err);
        if (rc < 0)
            s3_prefix_err(w->s->s3, w->prefix, err);
    }
    buf_release(&query);
    buf_release(&answer);
    return rc;
}

static int sweep_one(struct sweep *w, const struct xml_upload *u, struct err *err)
{
    if (!str_starts(u->key, w->prefix)) {
        err_set(err, ERR_BAD_RESPONSE, "the listing of uploads has a key outside the prefix");
        return s3_prefix_err(w->s->s3, w->prefix, err);
    }
    if (w->fn(w->arg, u->key, u->id, u->initiated_ms) == 0)
        return 0;
    int rc = sink_s3_abort(w->s, u->key, u->id, err);
    w->aborted += rc == 0;
    return rc;
}

/* 1: more follows. */
static int sweep_page(struct sweep *w, struct err *err)
{
    struct xml_uploads page = {0};
    int rc = ask_page(w, &page, err);

    for (size_t i = 0; i < page.count && rc == 0; i++)
        rc = sweep_one(w, &page.uploads[i], err);
    if (rc == 0 && page.truncated) {
        bool same = w->key != NULL && strcmp(w->key, page.next_key) == 0 &&
                    strcmp(w->id != NULL ? w->id : "", page.next_id != NULL ? page.next_id : "") == 0;
        if (same) {
            err_set(err, ERR_BAD_RESPONSE, "the listing of uploads gives the same place twice");
            rc = s3_prefix_err(w->s->s3, w->prefix, err);
        }
    }
    free(w->key);
    free(w->id);
    w->key = page.next_key;
    w->id = page.next_id;
    page.next_key = page.next_id = NULL;
    bool more = page.truncated;
    xml_uploads_release(&page);
    return rc < 0 ? rc : more;
}

int sink_s3_sweep(struct sink_s3 *s, const char *prefix,
                  int (*fn)(void *arg, const char *whole_key, const char *id, int64_t initiated_ms),
                  void *arg, struct err *err)
{
    struct sweep w = {.s = s, .prefix = prefix, .fn = fn, .arg = arg};
    int rc = 1;

    for (int pages = 0; rc == 1; pages++) {
        rc = sweep_page(&w, err);
        if (rc == 1 && pages == MAX_LIST_PAGES)
            rc = err_set(err, ERR_TOO_LARGE, "s3://%s/%s: the listing of uploads has more than %d pages",
                         s3_bucket(s->s3), prefix, MAX_LIST_PAGES);
    }
    free(w.key);
    free(w.id);
    return rc < 0 ? rc : w.aborted;
}

struct ours {
    int (*is_ours)(void *arg, const char *key);
    void *arg;
    size_t root_n;
};

static int ask_caller(void *arg, const char *key, const char *id, int64_t initiated_ms)
{
    const struct ours *o = arg;

    UNUSED(id), UNUSED(initiated_ms);
    return o->is_ours == NULL || o->is_ours(o->arg, key + o->root_n);
}

static int abandon(struct sink *sink, const char *prefix, int (*is_ours)(void *arg, const char *key),
                   void *arg, struct err *err)
{
    struct sink_s3 *s = (struct sink_s3 *)sink;
    struct ours o = {is_ours, arg, strlen(s3_root(s->s3))};
    char *whole = sink_s3_key(s, prefix);
    int rc = sink_s3_sweep(s, whole, ask_caller, &o, err);

    free(whole);
    return rc;
}

/* ---- put_new ---- */

struct new_object {
    struct sink_s3 *s;
    const char *key; /* whole */
    const void *p;
    size_t n;
    struct wanted w;
    bool lost;          /* an answer was: what is there may be ours */
    bool unconditional; /* the server says that it does not know If-None-Match */
};

enum { NOTHING = 2 };

/* What is there: 1 ours, 0 another's, or NOTHING. */
static int whose(const struct new_object *o, struct err *err)
{
    int rc = look(o->s, o->key, NULL, err);

    if (rc <= 0)
        return rc < 0 ? rc : NOTHING;
    return o->lost ? sink_s3_holds(o->s, o->key, &o->w, NULL, err) : 0;
}

/* 0: written. */
static int put_once(const struct new_object *o, struct err *err)
{
    static const char *const condition[] = {"If-None-Match: *", NULL};
    struct buf answer = BUF_INIT(MAX_HTTP_BODY);
    struct s3_request q = {.method = "PUT",
                           .key = o->key,
                           .headers = o->unconditional ? NULL : condition,
                           .body = o->n > 0 ? o->p : "",
                           .body_n = o->n,
                           .body_stays = true,
                           .once = true};
    int rc = fault_point("sink.put_new", err);

    if (rc == 0)
        rc = s3_send(o->s->s3, &q, &answer, NULL, err);
    buf_release(&answer);
    return rc;
}

/* After a PUT that failed. 0: another look, and another try. */
static int may_try_again(struct new_object *o, int tries, struct err *err)
{
    struct err why;
    bool lost = s3_goes_by_itself(err->code);

    if (err->native == 412) /* somebody was quicker, or we were and were not told */
        return 0;
    if (err->native == 501 && !o->unconditional) {
        o->unconditional = true;
        return 0;
    }
    o->lost = o->lost || lost;
    if (!lost && err->native != 409) /* 409: one of that key is being written at this moment */
        return -(int)err->code;
    if (tries >= s3_retries(o->s->s3))
        return 0; /* no wait: the look is the last */
    int rc = s3_back_off(o->s->s3, tries, &why);
    if (rc < 0)
        *err = why;
    return rc;
}

static int put_new(struct sink *sink, const char *key, const void *p, size_t n, struct err *err)
{
    struct sink_s3 *s = (struct sink_s3 *)sink;
    char *whole = sink_s3_key(s, key), sum[SHA256_HEX];
    struct new_object o = {s, whole, p, n, {(int64_t)n, "", sum}, false, false};
    struct err last = {0};
    int rc;

    sha256_hex(p, n, sum);
    for (int tries = 0;; tries++) {
        rc = whose(&o, err);
        if (rc != NOTHING)
            break;
        if (tries > s3_retries(s->s3)) {
            *err = last;
            rc = -(int)last.code;
            break;
        }
        rc = put_once(&o, &last);
        if (rc == 0) {
            rc = 1;
            break;
        }
        rc = may_try_again(&o, tries, &last);
        if (rc < 0) {
            *err = last;
            break;
        }
    }
    free(whole);
    return rc;
}

/* ---- the rest ---- */

static int read_object(struct sink *sink, const char *key, struct buf *ret, struct err *err)
{
    struct sink_s3 *s = (struct sink_s3 *)sink;
    char *whole = sink_s3_key(s, key);
    struct s3_request q = {.method = "GET", .key = whole};
    struct err why;
    int rc = s3_send(s->s3, &q, ret, NULL, &why);

    free(whole);
    if (rc == 0)
        return 1;
    if (why.native == 404 && why.code == ERR_OBJECT_CHANGED) /* NoSuchKey, and not NoSuchBucket */
        return 0;
    *err = why;
    return rc;
}

static int remove_object(struct sink *sink, const char *key, struct err *err)
{
    struct sink_s3 *s = (struct sink_s3 *)sink;
    struct buf answer = BUF_INIT(MAX_HTTP_BODY);
    char *whole = sink_s3_key(s, key);
    struct s3_request q = {.method = "DELETE", .key = whole};
    struct err why;
    int rc = s3_send(s->s3, &q, &answer, NULL, &why);

    free(whole);
    buf_release(&answer);
    if (rc < 0 && why.native == 404 && why.code == ERR_OBJECT_CHANGED)
        return 0;
    if (rc < 0)
        *err = why;
    return rc;
}

static int list(struct sink *sink, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err)
{
    return source_list(((struct sink_s3 *)sink)->source, prefix, fn, arg, err);
}

static void close_s3(struct sink *sink)
{
    struct sink_s3 *s = (struct sink_s3 *)sink;

    source_close(s->source);
    s3_close(s->s3);
    free(s);
}

static const struct sink_ops s3_ops = {
    .close = close_s3,
    .upload = sink_s3_upload,
    .write = sink_s3_write,
    .give = sink_s3_give,
    .finish = sink_s3_finish,
    .undo = sink_s3_undo,
    .free = sink_s3_free,
    .put_new = put_new,
    .read = read_object,
    .remove = remove_object,
    .list = list,
    .abandon = abandon,
    .is_s3 = true,
};

int sink_s3_new(const struct source_config *config, struct sink **ret, struct err *err)
{
    struct sink_s3 *s = xcalloc(1, sizeof *s);
    struct source_config own = *config;

    s->base.ops = &s3_ops;
    s->users = config->beat;
    s->beat = (struct beat){on_beat, s};
    own.beat = &s->beat;
    int rc = s3_open(&own, &s->s3, err);
    if (rc == 0)
        rc = source_open(&own, &s->source, err);
    if (rc < 0) {
        close_s3(&s->base);
        return rc;
    }
    *ret = &s->base;
    return 0;
}
