#include "io/inflate.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { IN_SIZE = 128 * 1024, WINDOW_LOG_MAX = 25 };

enum kind { PLAIN, GZIP, ZSTD };

struct inflating {
    struct reader reader;
    struct reader *raw; /* owned */
    enum kind kind;
    unsigned char *in; /* owned; in[at..end) has not been used yet */
    size_t at, end;
    bool raw_ended;
    bool inside;  /* a member or frame has begun and not ended */
    bool padding; /* zero bytes after the last gzip member: a tape's, as gzip takes them */
    int64_t raw_total;
    int rc; /* the first failure, given again */
    struct err err;
    z_stream z;
    ZSTD_DStream *zstd;
};

static int refill(struct inflating *s, struct err *err)
{
    int rc = reader_read(s->raw, s->in, IN_SIZE, &s->end, err);

    s->at = 0;
    if (rc < 0) {
        s->end = 0;
        return rc;
    }
    s->raw_ended = s->end == 0;
    s->raw_total += (int64_t)s->end;
    return 0;
}

static int damaged(const struct inflating *s, const char *why, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the %s stream is damaged before its byte %lld: %s",
                   s->kind == GZIP ? "gzip" : "zstd", (long long)(s->raw_total - (int64_t)(s->end - s->at)),
                   why);
}

static int cut_off(const struct inflating *s, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the %s stream is cut off after %lld bytes",
                   s->kind == GZIP ? "gzip" : "zstd", (long long)s->raw_total);
}

static int read_plain(struct inflating *s, void *p, size_t n, size_t *ret_n, struct err *err)
{
    if (s->at == s->end && !s->raw_ended)
        return reader_read(s->raw, p, n, ret_n, err);
    *ret_n = s->end - s->at < n ? s->end - s->at : n;
    memcpy(p, s->in + s->at, *ret_n);
    s->at += *ret_n;
    return 0;
}

/* Between two members: another one, zero padding, or the end. */
static int next_member(struct inflating *s, struct err *err)
{
    if (s->in[s->at] == 0 || s->padding) {
        s->padding = true;
        while (s->at < s->end && s->in[s->at] == 0)
            s->at++;
        return s->at < s->end ? damaged(s, "something that is not gzip follows", err) : 0;
    }
    if (s->raw_total > (int64_t)(s->end - s->at) && inflateReset(&s->z) != Z_OK)
        return damaged(s, "cannot start over", err);
    s->inside = true;
    return 0;
}

static int read_gzip(struct inflating *s, void *p, size_t n, size_t *ret_n, struct err *err)
{
    size_t room = n < UINT32_MAX ? n : UINT32_MAX;

    for (;;) {
        if (s->at == s->end && !s->raw_ended) {
            int rc = refill(s, err);
            if (rc < 0)
                return rc;
        }
        if (s->at == s->end && !s->inside) {
            *ret_n = 0;
            return 0;
        }
        if (!s->inside) {
            int rc = next_member(s, err);
            if (rc < 0)
                return rc;
            continue;
        }
        s->z.next_in = s->in + s->at;
        s->z.avail_in = (uInt)(s->end - s->at);
        s->z.next_out = p;
        s->z.avail_out = (uInt)room;
        int z = inflate(&s->z, Z_NO_FLUSH);
        s->at = s->end - s->z.avail_in;
        *ret_n = room - s->z.avail_out;
        if (z == Z_STREAM_END)
            s->inside = false;
        else if (z == Z_MEM_ERROR)
            abort();
        else if (z != Z_OK && z != Z_BUF_ERROR)
            return damaged(s, s->z.msg != NULL ? s->z.msg : "bad data", err);
        if (*ret_n > 0)
            return 0;
        if (s->inside && s->at == s->end && s->raw_ended)
            return cut_off(s, err);
    }
}

static int zstd_failed(const struct inflating *s, size_t code, struct err *err)
{
    int rc = damaged(s, ZSTD_getErrorName(code), err);

    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
        abort();
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        rc = err_hint(err,
                      "it was compressed with a window above %d MiB (zstd --long or --ultra): compress it "
                      "again without",
                      (1 << WINDOW_LOG_MAX) / (1 << 20));
    return rc;
}

static int read_zstd(struct inflating *s, void *p, size_t n, size_t *ret_n, struct err *err)
{
    for (;;) {
        ZSTD_inBuffer in = {s->in, s->end, s->at};
        ZSTD_outBuffer out = {p, n, 0};
        if (s->at < s->end || s->inside) {
            size_t left = ZSTD_decompressStream(s->zstd, &out, &in);
            bool moved = in.pos != s->at || out.pos > 0;
            s->at = in.pos;
            if (ZSTD_isError(left))
                return zstd_failed(s, left, err);
            if (moved)
                s->inside = left != 0;
            if (out.pos > 0) {
                *ret_n = out.pos;
                return 0;
            }
            if (s->at < s->end)
                continue;
        }
        if (s->raw_ended) {
            *ret_n = 0;
            return s->inside ? cut_off(s, err) : 0;
        }
        int rc = refill(s, err);
        if (rc < 0)
            return rc;
    }
}

static int inflating_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct inflating *s = (struct inflating *)r;

    *ret_n = 0;
    if (s->rc < 0) {
        *err = s->err;
        return s->rc;
    }
    if (n == 0)
        return err_set(err, ERR_INTERNAL, "a read of no bytes");
    int rc = s->kind == GZIP   ? read_gzip(s, p, n, ret_n, err)
             : s->kind == ZSTD ? read_zstd(s, p, n, ret_n, err)
                               : read_plain(s, p, n, ret_n, err);
    if (rc < 0) {
        s->rc = rc;
        s->err = *err;
        *ret_n = 0;
    }
    return rc;
}

static void inflating_close(struct reader *r)
{
    struct inflating *s = (struct inflating *)r;

    reader_close(s->raw);
    if (s->kind == GZIP)
        inflateEnd(&s->z);
    ZSTD_freeDStream(s->zstd);
    free(s->in);
    free(s);
}

static enum kind recognise(const unsigned char *p, size_t n)
{
    static const unsigned char zstd[4] = {0x28, 0xb5, 0x2f, 0xfd};

    if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
        return GZIP;
    if (n >= 4 && memcmp(p, zstd, 4) == 0)
        return ZSTD;
    /* a skippable frame, as pzstd and seekable zstd put in front */
    if (n >= 4 && (p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18)
        return ZSTD;
    return PLAIN;
}

bool inflate_packed(const unsigned char *p, size_t n)
{
    return recognise(p, n) != PLAIN;
}

/* The first bytes, which may come one by one. */
static int fill_head(struct inflating *s, struct err *err)
{
    while (s->end < INFLATE_HEAD && !s->raw_ended) {
        size_t n = 0;
        int rc = reader_read(s->raw, s->in + s->end, IN_SIZE - s->end, &n, err);
        if (rc < 0)
            return rc;
        s->raw_ended = n == 0;
        s->end += n;
        s->raw_total += (int64_t)n;
    }
    return 0;
}

int inflate_open(struct reader *raw, struct reader **ret_owned, struct err *err)
{
    struct inflating *s = xcalloc(1, sizeof *s);

    s->reader = (struct reader){inflating_read, inflating_close};
    s->raw = raw;
    s->in = xmalloc(IN_SIZE);
    int rc = fill_head(s, err);
    if (rc < 0)
        goto out;
    enum kind kind = recognise(s->in, s->end);
    if (kind == GZIP && inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
        abort();
    if (kind == ZSTD) {
        s->zstd = ZSTD_createDStream();
        if (s->zstd == NULL ||
            ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
            abort();
    }
    s->kind = kind;
    *ret_owned = &s->reader;
    return 0;
out:
    inflating_close(&s->reader);
    return rc;
}

struct hashing {
    struct reader reader;
    struct reader *inner; /* owned */
    struct sha256 *sum;
    unsigned char result[SHA256_SIZE];
    int64_t bytes;
    bool ended;
};

static int hashing_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct hashing *h = (struct hashing *)r;
    int rc = reader_read(h->inner, p, n, ret_n, err);

    if (rc < 0)
        return rc;
    sha256_add(h->sum, p, *ret_n);
    h->bytes += (int64_t)*ret_n;
    if (*ret_n == 0 && !h->ended) {
        sha256_end(h->sum, h->result);
        h->ended = true;
    }
    return 0;
}

static void hashing_close(struct reader *r)
{
    struct hashing *h = (struct hashing *)r;

    reader_close(h->inner);
    sha256_free(h->sum);
    free(h);
}

int hashing_open(struct reader *inner, struct reader **ret_owned, struct err *err)
{
    struct hashing *h = xcalloc(1, sizeof *h);

    UNUSED(err);
    h->reader = (struct reader){hashing_read, hashing_close};
    h->inner = inner;
    h->sum = sha256_new();
    *ret_owned = &h->reader;
    return 0;
}

void hashing_result(const struct reader *r, unsigned char sha256[32], int64_t *ret_bytes)
{
    const struct hashing *h = (const struct hashing *)r;

    memcpy(sha256, h->result, sizeof h->result);
    *ret_bytes = h->bytes;
}

uint32_t crc32_of(const void *p, size_t n)
{
    return n > 0 ? (uint32_t)crc32_z(0, p, n) : 0;
}

uint32_t crc32_more(uint32_t crc, const void *p, size_t n)
{
    return n > 0 ? (uint32_t)crc32_z(crc, p, n) : crc;
}
