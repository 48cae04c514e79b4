#include "io/deflate.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/inflate.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

struct got {
    struct buf bytes;
    size_t largest, pieces;
    size_t fail_at; /* the piece that is not taken, from 1; 0: none */
};
#define GOT                                                                                                  \
    {                                                                                                        \
        BUF_INIT(64 * MIB), 0, 0, 0                                                                          \
    }

static int take(void *arg, const void *p, size_t n, struct err *err)
{
    struct got *g = arg;

    g->largest = n > g->largest ? n : g->largest;
    if (++g->pieces == g->fail_at)
        return err_set(err, ERR_TRANSIENT, "the wire broke");
    return buf_add(&g->bytes, p, n, err);
}

static char *unpacked(const struct buf *packed, size_t *ret_n)
{
    struct memory_reader m = memory_reader(packed->p, packed->n, SIZE_MAX);
    struct buf all = BUF_INIT(256 * MIB);
    struct reader *r = NULL;
    struct err err;
    size_t n = 1;

    must_rc(inflate_open(&m.reader, &r, &err), &err);
    while (n > 0) {
        must_rc(buf_reserve(&all, 65536, &err), &err);
        must_rc(reader_read(r, all.p + all.n, 65536, &n, &err), &err);
        all.n += n;
    }
    reader_close(r);
    *ret_n = all.n;
    return buf_take(&all);
}

/* Rows that look like rows, and noise that nothing makes smaller. */
static char *sample(size_t n)
{
    char *p = xmalloc(n);
    uint64_t x = 88172645463325252u;

    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = i % 100000 < 60000 ? "0123456789,\n"[x % 12] : (char)x;
    }
    return p;
}

static void pack(enum packing packing, int level, const char *p, size_t n, size_t step, struct got *g)
{
    struct deflate *d = NULL;
    struct err err;

    must_rc(deflate_new(packing, level, take, g, &d, &err), &err);
    for (size_t at = 0; at < n; at += step)
        must_rc(deflate_write(d, p + at, n - at < step ? n - at : step, &err), &err);
    must_rc(deflate_end(d, &err), &err);
    deflate_free(d);
}

static const enum packing all[] = {PACK_NONE, PACK_GZIP, PACK_ZSTD};

TEST(our_reader_gives_the_bytes_back)
{
    static const size_t steps[] = {1, 77, 65536, 3000000};
    char *p = sample(3000000);

    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        for (int level = 0; level <= 9; level += 9)
            for (size_t s = level > 0 ? 2 : 0; s < ARRAY_LEN(steps); s++) {
                struct got g = GOT;
                size_t n = steps[s] == 1 ? 40000 : 3000000, back_n;
                pack(all[k], level, p, n, steps[s], &g);
                char *back = unpacked(&g.bytes, &back_n);
                is_mem(back, back_n, p, n);
                ok(g.largest <= 256 * KIB);
                ok(all[k] == PACK_NONE || g.bytes.n < n);
                free(back);
                buf_release(&g.bytes);
            }
    free(p);
}

TEST(the_tools_give_the_bytes_back)
{
    static const char *const programs[] = {"gzip", "zstd", NULL};
    char *dir, *p = sample(1000000);

    need("gzip and zstd", programs);
    dir = tmp_dir();
    for (size_t k = 1; k < ARRAY_LEN(all); k++) {
        struct got g = GOT;
        char *path = xasprintf("%s/file%s", dir, packing_suffix(all[k])), *plain = tmp_path(dir, "file");
        size_t n;
        pack(all[k], 0, p, 1000000, 12345, &g);
        put_file(path, g.bytes.p, g.bytes.n);
        free(RUN_OK(programs[k - 1], "-q", "-t", path));
        free(RUN_OK(programs[k - 1], "-q", "-d", "-f", path));
        char *back = get_file(plain, &n);
        is_mem(back, n, p, 1000000);
        free(back);
        free(path);
        free(plain);
        buf_release(&g.bytes);
    }
    free(dir);
    free(p);
}

TEST(the_same_bytes_are_the_same_file_without_name_and_time)
{
    for (size_t k = 0; k < ARRAY_LEN(all); k++) {
        struct got a = GOT, b = GOT;
        pack(all[k], 0, "id,name\n1,x\n", 12, 12, &a);
        pack(all[k], 0, "id,name\n1,x\n", 12, 5, &b);
        is_mem(a.bytes.p, a.bytes.n, b.bytes.p, b.bytes.n);
        if (all[k] == PACK_GZIP) /* no flag is set, and no time */
            is_mem(a.bytes.p, 8, "\x1f\x8b\x08\0\0\0\0\0", 8);
        buf_release(&a.bytes);
        buf_release(&b.bytes);
    }
}

TEST(after_the_end_another_member_begins)
{
    for (size_t k = 0; k < ARRAY_LEN(all); k++) {
        struct got g = GOT;
        struct deflate *d = NULL;
        struct err err;
        size_t n;
        must_rc(deflate_new(all[k], 0, take, &g, &d, &err), &err);
        must_rc(deflate_write(d, "one\n", 4, &err), &err);
        must_rc(deflate_end(d, &err), &err);
        size_t first = g.bytes.n;
        char *back = unpacked(&g.bytes, &n);
        is_mem(back, n, "one\n", 4); /* whole by then */
        free(back);
        must_rc(deflate_write(d, "one\n", 4, &err), &err);
        must_rc(deflate_end(d, &err), &err);
        is_mem(g.bytes.p, first, g.bytes.p + first, g.bytes.n - first);
        back = unpacked(&g.bytes, &n);
        is_mem(back, n, "one\none\n", 8);
        free(back);
        deflate_free(d);
        buf_release(&g.bytes);
    }
}

TEST(nothing_is_a_file_too)
{
    for (size_t k = 0; k < ARRAY_LEN(all); k++) {
        struct got g = GOT;
        size_t n;
        pack(all[k], 0, "", 0, 1, &g);
        char *back = unpacked(&g.bytes, &n);
        is_int(n, 0);
        is_int(g.bytes.n > 0, all[k] != PACK_NONE);
        free(back);
        buf_release(&g.bytes);
    }
}

TEST(a_failure_stays)
{
    char *p = sample(3000000);

    for (size_t k = 0; k < ARRAY_LEN(all); k++) {
        struct got g = GOT;
        struct deflate *d = NULL;
        struct err err;
        g.fail_at = 2;
        must_rc(deflate_new(all[k], 0, take, &g, &d, &err), &err);
        fails(deflate_write(d, p, 3000000, &err), &err, ERR_TRANSIENT);
        err = (struct err){0};
        fails(deflate_write(d, p, 1, &err), &err, ERR_TRANSIENT);
        err = (struct err){0};
        fails(deflate_end(d, &err), &err, ERR_TRANSIENT);
        is_str(err.msg, "the wire broke");
        is_int(g.pieces, 2);
        deflate_free(d);
        buf_release(&g.bytes);
    }
    free(p);
}

TEST(levels_that_are_none_are_refused)
{
    struct deflate *d = NULL;
    struct err err;

    fails(deflate_new(PACK_GZIP, 10, take, NULL, &d, &err), &err, ERR_CONFIG);
    fails(deflate_new(PACK_GZIP, -1, take, NULL, &d, &err), &err, ERR_CONFIG);
    fails(deflate_new(PACK_ZSTD, 20, take, NULL, &d, &err), &err, ERR_CONFIG);
    is_str(err.msg, "zstd has levels from 1 to 19");
    ok(d == NULL);
    is_str(packing_suffix(PACK_NONE), "");
    is_str(packing_suffix(PACK_GZIP), ".gz");
    is_str(packing_suffix(PACK_ZSTD), ".zst");
}

TEST(what_the_highest_level_made_our_reader_takes)
{
    struct got g = GOT;
    char *p = sample(3000000);
    size_t n;

    pack(PACK_ZSTD, 19, p, 3000000, 500000, &g);
    char *back = unpacked(&g.bytes, &n);
    is_mem(back, n, p, 3000000);
    free(back);
    free(p);
    buf_release(&g.bytes);
}
