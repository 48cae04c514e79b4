#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sigv4.h"
#include "io/sink_s3_int.h"
#include "io/xml.h"

/*
 * One piece is on its way while the next is filled: two buffers. The transfer moves whenever somebody writes, so sums are
 * taken meanwhile, a slice at a time, and it is waited for before the next piece goes. A piece that fails is sent again by s3_send, which waits and tries as ever.
 */
enum { FIRST_ROOM = 64 * KIB, SLOP_MS = 2000 };

struct piece {
    char *p; /* owned, unless it was given */
    size_t n, room;
};

struct s3_upload {
    struct upload base;
    char *whole_key, *id; /* owned; id: NULL before the first piece */
    struct piece fill, sent;
    bool given;                                /* both are whoever's who gave them, and so are their sums */
    struct http_response *r;                   /* the answer to sent, not waited for; NULL: not under way */
    char sent_md5[MD5_HEX], fill_md5[MD5_HEX]; /* fill_md5: as it was given */
    struct md5 *md5;                           /* of fill; NULL: not begun, or not to be known */
    char (*etags)[80];                         /* owned; of the pieces that are there */
    int pieces, room;                          /* pieces: there, or on their way */
    struct md5 *all;                           /* of the pieces' MD5s; NULL: the ETag will not be one */
    int64_t began_ms;                          /* real time of our clock */
    bool perhaps_two; /* an answer to the beginning was lost: there may be an upload that we cannot name */
};

static struct sink_s3 *sink_of(const struct s3_upload *u)
{
    return (struct sink_s3 *)u->base.sink;
}

struct upload *sink_s3_upload(struct sink *sink)
{
    struct s3_upload *u = xcalloc(1, sizeof *u);

    UNUSED(sink);
    u->all = md5_new();
    return &u->base;
}

void sink_s3_free(struct upload *base)
{
    struct s3_upload *u = (struct s3_upload *)base;

    http_close(u->r);
    md5_free(u->all);
    md5_free(u->md5);
    free(u->whole_key);
    free(u->id);
    if (!u->given) {
        free(u->fill.p);
        free(u->sent.p);
    }
    free(u->etags);
    free(u);
}

/* ---- beginning ---- */

static int begin_once(struct s3_upload *u, struct err *err)
{
    struct buf answer = BUF_INIT(MAX_HTTP_BODY);
    struct s3_request q = {.method = "POST", .key = u->whole_key, .query = "uploads=", .once = true};
    int rc = s3_send(sink_of(u)->s3, &q, &answer, NULL, err);

    if (rc == 0) {
        rc = xml_upload_id(answer.p != NULL ? answer.p : "", answer.n, &u->id, err);
        if (rc < 0) {
            u->perhaps_two = true;
            s3_prefix_err(sink_of(u)->s3, u->whole_key, err);
        }
    } else if (s3_goes_by_itself(err->code) && err->native != 503 && err->native != 429) {
        u->perhaps_two = true;
    }
    buf_release(&answer);
    return rc;
}

static int begin(struct s3_upload *u, struct err *err)
{
    struct s3 *s3 = sink_of(u)->s3;
    int rc = fault_point("sink.begin", err);

    if (rc < 0)
        return rc;
    u->began_ms = clock_real_ms();
    for (int n = 0;; n++) {
        struct err why;
        rc = begin_once(u, err);
        if (rc == 0 || !s3_goes_by_itself(err->code) || n == s3_retries(s3))
            return rc;
        rc = s3_back_off(s3, n, &why);
        if (rc < 0) {
            *err = why;
            return rc;
        }
    }
}

static int is_lost_one(void *arg, const char *key, const char *id, int64_t initiated_ms)
{
    const struct s3_upload *u = arg;

    return strcmp(key, u->whole_key) == 0 && (u->id == NULL || strcmp(id, u->id) != 0) &&
           initiated_ms >= u->began_ms + s3_skew_ms(sink_of(u)->s3) - SLOP_MS;
}

/* The upload whose beginning was answered to nobody: of our key, begun since we asked for it. */
static int sweep_lost(struct s3_upload *u, struct err *err)
{
    return u->perhaps_two ? sink_s3_sweep(sink_of(u), u->whole_key, is_lost_one, u, err) : 0;
}

/* ---- pieces ---- */

/* What the server says of the bytes that it got. etag: as it calls them; md5: what we call them, "" unknown. 1: the same,
 * 0: it cannot be told. */
static int compare(const struct s3_upload *u, const struct http_response *r, const char *etag,
                   const char *md5, struct err *err)
{
    if (md5[0] == '\0' || !sink_s3_etag_tells(r, etag))
        return 0;
    if (strcmp(etag, md5) == 0)
        return 1;
    err_set(err, ERR_BAD_RESPONSE, "the server has other bytes than were sent: its ETag is %s, their MD5 %s",
            etag, md5);
    err_hint(err, "something between here and the server damages data");
    return s3_prefix_err(sink_of(u)->s3, u->whole_key, err);
}

/* Of all that was filled; "" where it is not known. */
static void end_md5(struct s3_upload *u, char out[MD5_HEX])
{
    snprintf(out, MD5_HEX, "%s", u->fill_md5);
    if (u->given)
        return;
    if (u->all != NULL && u->md5 == NULL && u->fill.n == 0) /* of nothing at all */
        u->md5 = md5_new();
    if (u->all != NULL && u->md5 != NULL)
        md5_end(u->md5, out);
    md5_free(u->md5);
    u->md5 = NULL;
}

static void add_md5(struct s3_upload *u)
{
    unsigned char raw[MD5_SIZE];

    for (size_t i = 0; i < MD5_SIZE; i++) {
        const char *p = u->sent_md5 + 2 * i;
        char hex[] = {'%', p[0], p[1], '\0'};
        raw[i] = (unsigned char)sigv4_decode(hex, 3);
    }
    md5_add(u->all, raw, sizeof raw);
}

/* The answer to the piece that was sent. */
static int take_answer(struct s3_upload *u, struct http_response *r, struct err *err)
{
    char *etag = u->etags[u->pieces - 1];

    sink_s3_etag(r, etag);
    if (etag[0] == '\0') {
        err_set(err, ERR_BAD_RESPONSE, "the answer to piece %d has no ETag", u->pieces);
        return s3_prefix_err(sink_of(u)->s3, u->whole_key, err);
    }
    int rc = compare(u, r, etag, u->sent_md5, err);
    if (rc == 0) { /* then that of the whole tells nothing either */
        md5_free(u->all);
        u->all = NULL;
    }
    if (rc == 1)
        add_md5(u);
    return rc < 0 ? rc : 0;
}

static int piece_query(const struct s3_upload *u, struct buf *ret, struct err *err)
{
    int rc = buf_addf(ret, err, "partNumber=%d", u->pieces);

    return rc < 0 ? rc : sink_s3_query(ret, "uploadId", u->id, err);
}

static struct s3_request piece_request(const struct s3_upload *u, const struct buf *query)
{
    return (struct s3_request){.method = "PUT",
                               .key = u->whole_key,
                               .query = query->p,
                               .body = u->sent.p,
                               .body_n = u->sent.n,
                               .md5 = u->sent_md5,
                               .body_stays = true};
}

/* Waits for the piece that is on its way, if one is. */
static int settle(struct s3_upload *u, struct err *err)
{
    struct s3 *s3 = sink_of(u)->s3;
    struct buf query = BUF_INIT(16 * KIB), answer = BUF_INIT(MAX_HTTP_BODY);
    struct http_response *r = NULL;
    struct err why;
    int rc = 0;

    if (u->sent.n == 0)
        return 0;
    if (u->r != NULL && s3_wait(u->r, &why) == 0) {
        r = u->r;
        if (http_read_all(r, &answer, &why) < 0) {
            http_close(r);
            r = NULL;
        }
    } else if (u->r != NULL) {
        rc = s3_back_off(s3, 0, err);
    }
    u->r = NULL;
    if (rc == 0 && r == NULL) {
        rc = piece_query(u, &query, err);
        struct s3_request q = piece_request(u, &query);
        if (rc == 0)
            rc = s3_send(s3, &q, &answer, &r, err);
    }
    if (rc == 0)
        rc = take_answer(u, r, err);
    http_close(r);
    u->sent.n = 0;
    buf_release(&query);
    buf_release(&answer);
    return rc;
}

/* What is filled goes on its way. */
static int ship(struct s3_upload *u, struct err *err)
{
    struct buf query = BUF_INIT(16 * KIB);
    struct err ignored;
    int rc;

    if (u->pieces == MAX_UPLOAD_PIECES) {
        err_set(err, ERR_TOO_LARGE, "an object of more than %d pieces of %d MiB", MAX_UPLOAD_PIECES,
                SINK_PIECE / (1024 * 1024));
        err_hint(err, "set \"part_bytes\" to less than 78 GiB, so that it becomes several");
        return s3_prefix_err(sink_of(u)->s3, u->whole_key, err);
    }
    rc = u->id == NULL ? begin(u, err) : settle(u, err);
    if (rc == 0)
        rc = fault_point("sink.piece", err);
    if (rc < 0)
        return rc;
    struct piece empty = u->sent;
    u->sent = u->fill;
    u->fill = empty;
    if (u->pieces == u->room) {
        u->room = u->room > 0 ? u->room * 2 : 16;
        u->etags = xrealloc(u->etags, (size_t)u->room * sizeof *u->etags);
    }
    u->pieces++;
    end_md5(u, u->sent_md5);
    rc = piece_query(u, &query, err);
    struct s3_request q = piece_request(u, &query);
    if (rc == 0 && s3_start(sink_of(u)->s3, &q, &u->r, &ignored) < 0)
        u->r = NULL; /* settle sends it, and says why it cannot */
    buf_release(&query);
    return rc;
}

static void add(struct s3_upload *u, const char *p, size_t n)
{
    struct piece *f = &u->fill;

    if (f->n == 0 && u->all != NULL)
        u->md5 = md5_new();
    if (u->md5 != NULL)
        md5_add(u->md5, p, n);
    if (f->n + n > f->room) {
        size_t room = f->room > 0 ? f->room : FIRST_ROOM;
        while (room < f->n + n)
            room *= 2;
        f->room = room < SINK_PIECE ? room : SINK_PIECE;
        f->p = xrealloc(f->p, f->room);
    }
    memcpy(f->p + f->n, p, n);
    f->n += n;
}

int sink_s3_write(struct upload *base, const void *p, size_t n, struct err *err)
{
    struct s3_upload *u = (struct s3_upload *)base;
    const char *at = p;

    if (u->whole_key == NULL)
        u->whole_key = sink_s3_key(sink_of(u), base->key);
    while (n > 0) {
        int rc = u->fill.n == SINK_PIECE ? ship(u, err) : 0;
        if (rc < 0)
            return rc;
        size_t some = SINK_PIECE - u->fill.n < n ? SINK_PIECE - u->fill.n : n;
        add(u, at, some);
        at += some;
        n -= some;
    }
    if (u->r != NULL)
        s3_go_on(sink_of(u)->s3);
    return 0;
}

/* Nothing is gained by going on before it is there: whoever gives pieces fills the next one in another thread. */
int sink_s3_give(struct upload *base, const struct sink_piece *piece, struct err *err)
{
    struct s3_upload *u = (struct s3_upload *)base;

    if (u->whole_key == NULL)
        u->whole_key = sink_s3_key(sink_of(u), base->key);
    u->given = true;
    u->fill = (struct piece){(char *)(uintptr_t)piece->p, piece->n, piece->n}; /* it is only read */
    snprintf(u->fill_md5, sizeof u->fill_md5, "%s", piece->md5);
    if (piece->last)
        return 0;
    int rc = ship(u, err);
    return rc < 0 ? rc : settle(u, err);
}

/* ---- the end ---- */

/* All of it in one request. The same again does no harm, so s3_send does that by itself. */
static int put_whole(struct s3_upload *u, struct uploaded *ret, struct err *err)
{
    struct sink_s3 *s = sink_of(u);
    struct buf answer = BUF_INIT(MAX_HTTP_BODY);
    struct http_response *r = NULL;
    char md5[MD5_HEX];
    struct wanted w = {ret->bytes, md5, ret->sha256};
    struct s3_request q = {.method = "PUT",
                           .key = u->whole_key,
                           .body = u->fill.n > 0 ? u->fill.p : "",
                           .body_n = u->fill.n,
                           .body_stays = true};

    end_md5(u, md5);
    int rc = s3_send(s->s3, &q, &answer, &r, err);
    if (rc == 0) {
        sink_s3_etag(r, ret->etag);
        rc = compare(u, r, ret->etag, md5, err);
    } else if (s3_goes_by_itself(err->code)) { /* the answer to the last try may have been lost */
        struct err why;
        w.etag = md5;
        rc = sink_s3_holds(s, u->whole_key, &w, ret->etag, &why) == 1 ? 1 : rc;
    }
    if (rc == 0) {
        w.etag = "";
        rc = sink_s3_holds(s, u->whole_key, &w, ret->etag, err);
        if (rc == 0) {
            err_set(err, ERR_BAD_RESPONSE, "it is not there as it was sent, though the server took it");
            rc = s3_prefix_err(s->s3, u->whole_key, err);
        }
    }
    http_close(r);
    buf_release(&answer);
    return rc < 0 ? rc : 0;
}

static int list_pieces(const struct s3_upload *u, struct buf *ret, struct err *err)
{
    int rc = buf_adds(ret, "<CompleteMultipartUpload>", err);

    for (int i = 0; i < u->pieces && rc == 0; i++)
        rc = buf_addf(ret, err, "<Part><PartNumber>%d</PartNumber><ETag>\"%s\"</ETag></Part>", i + 1,
                      u->etags[i]);
    return rc < 0 ? rc : buf_adds(ret, "</CompleteMultipartUpload>", err);
}

struct end {
    struct s3_upload *u;
    struct buf query, pieces;
    struct wanted w; /* etag: as MD5 of MD5s, "" where that is not known */
    bool lost;
};

/* 0: ret_etag is the object's. */
static int complete_once(struct end *e, char ret_etag[80], struct err *err)
{
    struct s3 *s3 = sink_of(e->u)->s3;
    struct buf answer = BUF_INIT(MAX_HTTP_BODY);
    struct s3_request q = {.method = "POST",
                           .key = e->u->whole_key,
                           .query = e->query.p,
                           .body = e->pieces.p,
                           .body_n = e->pieces.n,
                           .body_stays = true,
                           .once = true};
    char *etag = NULL;
    int rc = s3_send(s3, &q, &answer, NULL, err);

    if (rc == 0)
        rc = s3_judge(s3, &q, &answer, err); /* 200, because it was said before the work was done */
    else
        e->lost = e->lost || s3_goes_by_itself(err->code);
    if (rc == 0) {
        rc = xml_completed(answer.p != NULL ? answer.p : "", answer.n, &etag, err);
        if (rc < 0) { /* "200 OK" and then no word that can be read: as good as lost */
            err->code = ERR_TRANSIENT;
            e->lost = true;
            s3_prefix_err(s3, e->u->whole_key, err);
        }
    }
    if (rc == 0)
        snprintf(ret_etag, 80, "%s", etag);
    free(etag);
    buf_release(&answer);
    return rc < 0 ? -(int)err->code : 0;
}

/* Complete, until the object is there: said so, or seen. */
static int complete(struct end *e, char ret_etag[80], struct err *err)
{
    struct sink_s3 *s = sink_of(e->u);

    for (int n = 0;; n++) {
        struct err why;
        int rc = complete_once(e, ret_etag, err);
        bool by_itself = rc < 0 && s3_goes_by_itself(err->code), gone = rc < 0 && err->native == 404;
        if (rc == 0 || (!by_itself && !gone))
            return rc;
        if (sink_s3_holds(s, e->u->whole_key, &e->w, ret_etag, &why) == 1)
            return 1;
        if ((gone && !e->lost) || n == s3_retries(s->s3))
            return rc;
        rc = s3_back_off(s->s3, n, &why);
        if (rc < 0) {
            *err = why;
            return rc;
        }
    }
}

/* The ETag was in the answer; where it tells nothing, the size must be right at least. */
static int check_whole(struct end *e, char etag[80], struct err *err)
{
    struct sink_s3 *s = sink_of(e->u);
    struct s3_request q = {.method = "HEAD", .key = e->u->whole_key};
    struct http_response *r = NULL;

    if (e->w.etag[0] != '\0' && strcmp(etag, e->w.etag) == 0)
        return 0;
    int rc = s3_send(s->s3, &q, NULL, &r, err);
    if (rc < 0)
        return rc;
    sink_s3_etag(r, etag);
    rc = compare(e->u, r, etag, e->w.etag, err);
    if (rc == 0 && http_content_length(r) != e->w.bytes) {
        err_set(err, ERR_BAD_RESPONSE, "it has %lld bytes there, and %lld were sent",
                (long long)http_content_length(r), (long long)e->w.bytes);
        rc = s3_prefix_err(s->s3, e->u->whole_key, err);
    }
    http_close(r);
    return rc < 0 ? rc : 0;
}

static int put_pieces(struct s3_upload *u, struct uploaded *ret, struct err *err)
{
    char md5[MD5_HEX], etag[80] = "";
    struct end e = {u, BUF_INIT(16 * KIB), BUF_INIT(4 * MIB), {ret->bytes, etag, ret->sha256}, false};
    int rc = u->fill.n > 0 ? ship(u, err) : 0;

    if (rc == 0)
        rc = settle(u, err);
    if (rc == 0 && u->all != NULL) {
        md5_end(u->all, md5);
        md5_free(u->all);
        u->all = NULL;
        snprintf(etag, sizeof etag, "%s-%d", md5, u->pieces);
    }
    if (rc == 0)
        rc = sink_s3_query(&e.query, "uploadId", u->id, err);
    if (rc == 0)
        rc = list_pieces(u, &e.pieces, err);
    if (rc == 0)
        rc = complete(&e, ret->etag, err);
    if (rc >= 0) {
        free(u->id);
        u->id = NULL;
    }
    if (rc == 0)
        rc = check_whole(&e, ret->etag, err);
    buf_release(&e.query);
    buf_release(&e.pieces);
    return rc < 0 ? rc : 0;
}

int sink_s3_finish(struct upload *base, struct uploaded *ret, struct err *err)
{
    struct s3_upload *u = (struct s3_upload *)base;
    struct err ignored;

    if (u->whole_key == NULL)
        u->whole_key = sink_s3_key(sink_of(u), base->key);
    int rc = fault_point("sink.finish", err);
    if (rc == 0)
        rc = u->id == NULL ? put_whole(u, ret, err) : put_pieces(u, ret, err);
    if (rc == 0)
        rc = fault_point("sink.finished", err);
    if (rc == 0)
        err_ignore(sweep_lost(u, &ignored));
    return rc;
}

bool sink_s3_undo(struct upload *base)
{
    struct s3_upload *u = (struct s3_upload *)base;
    struct sink_s3 *s = sink_of(u);
    struct err err = {0};
    int rc = 0;

    http_close(u->r);
    u->r = NULL;
    if (u->id == NULL && !u->perhaps_two)
        return false;
    sink_s3_undo_begin(s);
    if (u->id != NULL)
        rc = sink_s3_abort(s, u->whole_key, u->id, &err);
    if (rc >= 0)
        rc = sweep_lost(u, &err);
    sink_s3_undo_end(s);
    if (rc >= 0)
        return false;
    snprintf(s->base.left, sizeof s->base.left, "pieces of it stay at the server: %.160s%s%.200s", err.msg,
             err.hint[0] != '\0' ? "; " : "", err.hint);
    return true;
}
