#include "io/deflate.h"
#include "base/limits.h"
#include "base/mem.h"
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

enum { OUT_SIZE = 256 * KIB, IN_MAX = 64 * MIB /* one call of zlib takes an unsigned int */ };

struct deflate {
    enum packing packing;
    bytes_fn *out;
    void *arg;
    unsigned char *buffer; /* owned, OUT_SIZE: waits until it is full or the end has come */
    size_t n;
    int rc; /* the first failure, given again */
    struct err err;
    z_stream z;
    ZSTD_CCtx *zstd;
};

static int failed(struct deflate *d, int rc, const struct err *err)
{
    d->rc = rc;
    d->err = *err;
    return rc;
}

static int hand_on(struct deflate *d, struct err *err)
{
    size_t n = d->n;

    d->n = 0;
    return n > 0 ? d->out(d->arg, d->buffer, n, err) : 0;
}

static int write_plain(struct deflate *d, const unsigned char *p, size_t n, struct err *err)
{
    int rc = 0;

    for (size_t part; n > 0 && rc >= 0; p += part, n -= part) {
        part = n < OUT_SIZE ? n : OUT_SIZE;
        rc = d->out(d->arg, p, part, err);
    }
    return rc < 0 ? rc : 0;
}

static int run_gzip(struct deflate *d, const unsigned char *p, size_t n, int flush, struct err *err)
{
    int z = Z_OK;

    do {
        size_t part = n < IN_MAX ? n : IN_MAX;
        int now = part == n ? flush : Z_NO_FLUSH;
        d->z.next_in =
            (unsigned char *)(uintptr_t)p; /* zlib only reads it, but says so since 1.2.5.2 alone */
        d->z.avail_in = (uInt)part;
        p += part;
        n -= part;
        do {
            if (d->n == OUT_SIZE) {
                int rc = hand_on(d, err);
                if (rc < 0)
                    return rc;
            }
            d->z.next_out = d->buffer + d->n;
            d->z.avail_out = (uInt)(OUT_SIZE - d->n);
            z = deflate(&d->z, now);
            d->n = OUT_SIZE - d->z.avail_out;
            if (z == Z_STREAM_ERROR)
                return err_set(err, ERR_INTERNAL, "zlib refuses to go on");
        } while (d->z.avail_out == 0 || (now == Z_FINISH && z != Z_STREAM_END));
    } while (n > 0);
    return 0;
}

static int run_zstd(struct deflate *d, const void *p, size_t n, ZSTD_EndDirective mode, struct err *err)
{
    ZSTD_inBuffer in = {p, n, 0};

    for (;;) {
        if (d->n == OUT_SIZE) {
            int rc = hand_on(d, err);
            if (rc < 0)
                return rc;
        }
        ZSTD_outBuffer out = {d->buffer, OUT_SIZE, d->n};
        size_t left = ZSTD_compressStream2(d->zstd, &out, &in, mode);
        d->n = out.pos;
        if (ZSTD_isError(left))
            return err_set(err, ERR_INTERNAL, "zstd refuses to go on: %s", ZSTD_getErrorName(left));
        if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size)
            return 0;
    }
}

int deflate_write(struct deflate *d, const void *p, size_t n, struct err *err)
{
    int rc = 0;

    if (d->rc < 0) {
        *err = d->err;
        return d->rc;
    }
    if (n == 0)
        return 0;
    if (d->packing == PACK_NONE)
        rc = write_plain(d, p, n, err);
    else if (d->packing == PACK_GZIP)
        rc = run_gzip(d, p, n, Z_NO_FLUSH, err);
    else
        rc = run_zstd(d, p, n, ZSTD_e_continue, err);
    return rc < 0 ? failed(d, rc, err) : 0;
}

int deflate_end(struct deflate *d, struct err *err)
{
    int rc = 0;

    if (d->rc < 0) {
        *err = d->err;
        return d->rc;
    }
    if (d->packing == PACK_GZIP)
        rc = run_gzip(d, (const unsigned char *)"", 0, Z_FINISH, err);
    else if (d->packing == PACK_ZSTD)
        rc = run_zstd(d, "", 0, ZSTD_e_end, err); /* the next one begins by itself, with what was set */
    if (rc >= 0)
        rc = hand_on(d, err);
    if (rc >= 0 && d->packing == PACK_GZIP && deflateReset(&d->z) != Z_OK)
        rc = err_set(err, ERR_INTERNAL, "zlib cannot start over");
    return rc < 0 ? failed(d, rc, err) : 0;
}

static bool set(struct deflate *d, ZSTD_cParameter what, int value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(d->zstd, what, value));
}

int deflate_new(enum packing packing, int level, bytes_fn *out, void *arg, struct deflate **ret,
                struct err *err)
{
    int most = packing == PACK_ZSTD ? 19 /* more wants more memory of every reader */ : 9;

    *ret = NULL;
    if (packing != PACK_NONE && (level < 0 || level > most))
        return err_set(err, ERR_CONFIG, "%s has levels from 1 to %d", packing == PACK_ZSTD ? "zstd" : "gzip",
                       most);
    struct deflate *d = xcalloc(1, sizeof *d);
    d->packing = packing;
    d->out = out;
    d->arg = arg;
    if (packing != PACK_NONE)
        d->buffer = xmalloc(OUT_SIZE);
    if (packing == PACK_GZIP) {
        /* 16: gzip, whose header zlib fills with no name and no time */
        if (deflateInit2(&d->z, level == 0 ? 1 : level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) !=
            Z_OK)
            abort();
    } else if (packing == PACK_ZSTD) {
        d->zstd = ZSTD_createCCtx();
        if (d->zstd == NULL || !set(d, ZSTD_c_compressionLevel, level == 0 ? 3 : level) ||
            !set(d, ZSTD_c_checksumFlag, 1))
            abort();
    }
    *ret = d;
    return 0;
}

void deflate_free(struct deflate *d)
{
    if (d == NULL)
        return;
    if (d->packing == PACK_GZIP)
        deflateEnd(&d->z);
    ZSTD_freeCCtx(d->zstd);
    free(d->buffer);
    free(d);
}

const char *packing_suffix(enum packing p)
{
    static const char *const suffixes[] = {"", ".gz", ".zst"};

    return suffixes[p];
}
