#include "io/inflate.h"
#include "base/buf.h"
#include "base/mem.h"
#include "io/hash.h"
#include "tests/tap.h"
#include <zlib.h>
#include <zstd.h>

/* Bytes of the test as a reader that gives at most step at a time, and says when it is closed. */
struct bytes {
    struct reader reader;
    const unsigned char *p;
    size_t n, at, step;
    int *closed;
    int fail_at_end; /* an error code instead of the end */
};

static int bytes_read(struct reader *r, void *p, size_t n, size_t *ret_n, struct err *err)
{
    struct bytes *b = (struct bytes *)r;
    size_t left = b->n - b->at, m = left < n ? left : n;

    if (left == 0 && b->fail_at_end)
        return err_set(err, (enum err_code)b->fail_at_end, "the wire broke");
    if (b->step > 0 && m > b->step)
        m = b->step;
    memcpy(p, b->p + b->at, m);
    b->at += m;
    *ret_n = m;
    return 0;
}

static void bytes_close(struct reader *r)
{
    struct bytes *b = (struct bytes *)r;

    ++*b->closed;
    free(b);
}

static int closed;

static size_t append(unsigned char *to, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)bytes[i];
    return n;
}

static struct reader *bytes_of(const void *p, size_t n, size_t step)
{
    struct bytes *b = xcalloc(1, sizeof *b);

    *b = (struct bytes){{bytes_read, bytes_close}, p, n, 0, step, &closed, 0};
    return &b->reader;
}

static int drain(struct reader *r, size_t step, struct buf *ret, struct err *err)
{
    char chunk[4096];

    buf_clear(ret);
    for (;;) {
        size_t n = 0;
        int rc = reader_read(r, chunk, step < sizeof chunk ? step : sizeof chunk, &n, err);
        if (rc < 0)
            return rc;
        if (n == 0)
            return 0;
        rc = buf_add(ret, chunk, n, err);
        if (rc < 0)
            return rc;
    }
}

static int inflate_all(const void *p, size_t n, size_t in_step, size_t out_step, struct buf *ret,
                       struct err *err)
{
    struct reader *r = NULL;
    int before = closed;
    int rc = inflate_open(bytes_of(p, n, in_step), &r, err);

    if (rc == 0) {
        rc = drain(r, out_step, ret, err);
        reader_close(r);
    }
    is_int(closed, before + 1);
    return rc;
}

static size_t gzip(const void *p, size_t n, unsigned char *out, size_t cap)
{
    z_stream z = {0};

    must(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    must(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static char *csv(size_t *ret_n)
{
    struct buf b = BUF_INIT(1 << 22);
    struct err err;

    for (int i = 0; i < 40000; i++)
        must_rc(buf_addf(&b, &err, "%d,%d,NA,\"line %d\"\n", i, i * 7919 % 10007, i), &err);
    *ret_n = b.n;
    return buf_take(&b);
}

static const struct {
    size_t in, out;
} steps[] = {{0, 4096}, {1, 4096}, {7, 13}, {0, 1}, {4093, 4096}};

TEST(plain_bytes_pass_as_they_are)
{
    static const char *const texts[] = {
        "", "a", "ab", "id,amount\n1,2\n", "\x1f", "\x28\xb5\x2f", "\x00\x00\x00\x00\x00"};
    struct buf out = BUF_INIT(1 << 20);
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            size_t n = i == 6 ? 5 : strlen(texts[i]);
            must_rc(inflate_all(texts[i], n, steps[k].in, steps[k].out, &out, &err), &err);
            is_mem(out.p, out.n, texts[i], n);
        }
    buf_release(&out);
}

TEST(gzip_with_several_members_and_padding)
{
    size_t n, m;
    char *text = csv(&n);
    unsigned char *z = xmalloc(2 * n + 4096);
    struct buf out = BUF_INIT(1 << 23);
    struct err err;

    m = gzip(text, n / 2, z, 2 * n);
    m += gzip(text + n / 2, 0, z + m, 2 * n - m); /* an empty member, as some writers end with */
    m += gzip(text + n / 2, n - n / 2, z + m, 2 * n - m);
    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        must_rc(inflate_all(z, m, steps[k].in, steps[k].out, &out, &err), &err);
        is_mem(out.p, out.n, text, n);
    }
    memset(z + m, 0, 1000);
    must_rc(inflate_all(z, m + 1000, 0, 4096, &out, &err), &err);
    is_mem(out.p, out.n, text, n);
    z[m + 999] = 'x';
    fails(inflate_all(z, m + 1000, 0, 4096, &out, &err), &err, ERR_CORRUPT);
    fails(inflate_all(z, m + 1000, 1, 4096, &out, &err), &err, ERR_CORRUPT);
    append(z + m, "trailing", 8);
    fails(inflate_all(z, m + 8, 0, 4096, &out, &err), &err, ERR_CORRUPT);
    free(text);
    free(z);
    buf_release(&out);
}

static size_t zstd(const void *p, size_t n, unsigned char *out, size_t cap, int window)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_inBuffer in = {p, n, 0};
    ZSTD_outBuffer o = {out, cap, 0};

    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    if (window > 0)
        ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window);
    must(ZSTD_compressStream2(c, &o, &in, ZSTD_e_flush) ==
         0); /* so that the size is not known in the header */
    must(ZSTD_compressStream2(c, &o, &in, ZSTD_e_end) == 0);
    ZSTD_freeCCtx(c);
    return o.pos;
}

TEST(zstd_with_several_frames)
{
    size_t n;
    char *text = csv(&n);
    unsigned char *z = xmalloc(2 * n + 4096);
    struct buf out = BUF_INIT(1 << 23);
    struct err err;

    append(z, "\x53\x2a\x4d\x18\x03\x00\x00\x00xyz", 11); /* a skippable frame first */
    size_t m = 11 + zstd(text, n / 3, z + 11, 2 * n, 0);
    m += zstd("", 0, z + m, 2 * n - m, 0);
    m += zstd(text + n / 3, n - n / 3, z + m, 2 * n - m, 0);
    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        must_rc(inflate_all(z, m, steps[k].in, steps[k].out, &out, &err), &err);
        is_mem(out.p, out.n, text, n);
    }
    append(z + m, "more", 4);
    fails(inflate_all(z, m + 4, 0, 4096, &out, &err), &err, ERR_CORRUPT);
    fails(inflate_all(z, m + 1, 0, 4096, &out, &err), &err, ERR_CORRUPT);
    free(text);
    free(z);
    buf_release(&out);
}

/* Wherever it is cut, and whatever bit is wrong, the end is never given as a good one with other bytes. */
static void damage(const unsigned char *good, size_t n, const char *text, size_t text_n)
{
    unsigned char *z = xmalloc(n);
    struct buf out = BUF_INIT(1 << 20);
    struct err err;

    for (size_t cut = 4; cut < n; cut++)
        fails(inflate_all(good, cut, 0, 4096, &out, &err), &err, ERR_CORRUPT);
    for (size_t bit = 32; bit < n * 8; bit++) {
        memcpy(z, good, n);
        z[bit / 8] ^= (unsigned char)(1 << bit % 8);
        int rc = inflate_all(z, n, 0, 4096, &out, &err);
        if (rc == 0)
            is_mem(out.p, out.n, text, text_n); /* a bit of the header that says nothing of the data */
        else
            is_str(err_name(err.code), "Orch.CorruptObject");
    }
    free(z);
    buf_release(&out);
}

TEST(damage_and_cuts_are_seen)
{
    static const char text[] = "id,amount\n1,100\n2,200\n3,NA\n4,400\n1,100\n2,200\n3,NA\n4,400\n";
    unsigned char z[1024];

    damage(z, gzip(text, sizeof text - 1, z, sizeof z), text, sizeof text - 1);
    damage(z, zstd(text, sizeof text - 1, z, sizeof z, 0), text, sizeof text - 1);
}

TEST(the_first_failure_stays)
{
    unsigned char z[1024];
    size_t n = gzip("hello", 5, z, sizeof z);
    struct reader *r = NULL;
    struct buf out = BUF_INIT(1 << 20);
    struct err err;

    must_rc(inflate_open(bytes_of(z, n - 3, 0), &r, &err), &err);
    fails(drain(r, 4096, &out, &err), &err, ERR_CORRUPT);
    fails(drain(r, 4096, &out, &err), &err, ERR_CORRUPT);
    reader_close(r);
    buf_release(&out);
}

TEST(an_error_of_the_wire_is_not_taken_for_damage)
{
    unsigned char z[1024];
    size_t n = gzip("hello", 5, z, sizeof z);
    struct reader *raw = bytes_of(z, n - 3, 0), *r = NULL;
    struct buf out = BUF_INIT(1 << 20);
    struct err err;
    int before = closed;

    ((struct bytes *)raw)->fail_at_end = ERR_TRANSIENT;
    must_rc(inflate_open(raw, &r, &err), &err);
    fails(drain(r, 4096, &out, &err), &err, ERR_TRANSIENT);
    reader_close(r);
    raw = bytes_of("", 0, 0);
    ((struct bytes *)raw)->fail_at_end = ERR_UNAVAILABLE;
    fails(inflate_open(raw, &r, &err), &err, ERR_UNAVAILABLE);
    is_int(closed, before + 2);
    buf_release(&out);
}

TEST(a_window_that_would_eat_the_memory_is_refused_with_advice)
{
    unsigned char z[4096];
    struct buf out = BUF_INIT(1 << 20);
    struct err err = {0};
    size_t n = zstd("hello", 5, z, sizeof z, 27);

    fails(inflate_all(z, n, 0, 4096, &out, &err), &err, ERR_CORRUPT);
    ok(strstr(err.hint, "32 MiB") != NULL);
    n = zstd("hello", 5, z, sizeof z, 25);
    must_rc(inflate_all(z, n, 0, 4096, &out, &err), &err);
    is_str(out.p, "hello");
    buf_release(&out);
}

TEST(a_bomb_comes_out_in_pieces)
{
    size_t big = 64u << 20;
    unsigned char *zeros = xcalloc(1, big), *z = xmalloc(1 << 20);
    size_t n = gzip(zeros, big, z, 1 << 20), total = 0, got = 0;
    struct reader *r = NULL;
    struct err err;

    must_rc(inflate_open(bytes_of(z, n, 0), &r, &err), &err);
    do {
        must_rc(reader_read(r, zeros, 4096, &got, &err), &err);
        must(got <= 4096);
        total += got;
    } while (got > 0);
    is_int(total, big);
    reader_close(r);
    free(zeros);
    free(z);
}

TEST(hashing_sums_what_passes)
{
    unsigned char got[32], want[32];
    int64_t bytes = -1;
    struct reader *r = NULL;
    struct buf out = BUF_INIT(1 << 20);
    struct err err;
    int before = closed;

    must_rc(hashing_open(bytes_of("hello, world", 12, 5), &r, &err), &err);
    must_rc(drain(r, 4096, &out, &err), &err);
    hashing_result(r, got, &bytes);
    is_int(bytes, 12);
    sha256_of("hello, world", 12, want);
    is_mem(got, 32, want, 32);
    is_str(out.p, "hello, world");
    reader_close(r);
    is_int(closed, before + 1);
    buf_release(&out);
}
