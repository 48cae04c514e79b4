/*
 * The first bytes choose dialect, limits and block size; the rest is a file. It must read the same whatever
 * the pieces it comes in, and every byte of it must be inside some record or line end.
 */
#include "io/csv.h"
#include "base/mem.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p;

    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u;
    return h;
}

/* A sum over all that a caller sees. */
static uint64_t read_all(const uint8_t *data, size_t n, const struct csv_dialect *d, size_t step)
{
    struct memory_reader s = memory_reader(data, n, step);
    struct csv_record r;
    struct csv_stats st;
    struct csv *c = NULL;
    struct err err;
    uint64_t h = 0xcbf29ce484222325u;
    int64_t inside = 0;
    int rc;

    if (csv_open(&s.reader, d, &c, &err) < 0)
        return 0;
    while ((rc = csv_next(c, &r, &err)) > 0) {
        assert((r.code == CSV_GOOD) == (r.fields != NULL) && (r.code == CSV_GOOD) == (r.message[0] == '\0'));
        assert(r.offset + r.raw_total <= (int64_t)n && (int64_t)r.raw_n <= r.raw_total);
        assert(memcmp(r.raw, data + r.offset, r.raw_n) == 0);
        h = mix(h, &r.line, sizeof r.line);
        h = mix(h, &r.code, sizeof r.code);
        h = mix(h, &r.raw_total, sizeof r.raw_total);
        h = mix(h, r.message, strlen(r.message));
        for (size_t i = 0; r.fields != NULL && i < r.count; i++) {
            assert(d->encoding == CSV_UTF8 ? str_utf8_valid(r.raw, r.raw_n, NULL)
                                           : str_utf8_valid(r.fields[i].p, r.fields[i].n, NULL));
            h = mix(h, r.fields[i].p, r.fields[i].n);
            h = mix(h, r.fields[i].quoted ? "q" : "b", 1);
        }
        inside += r.raw_total;
    }
    csv_stats(c, &st);
    if (rc == 0) {
        bool bom = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
        assert(st.bytes == (int64_t)n);
        assert(inside + st.lf + st.cr + 2 * st.crlf + (bom ? 3 : 0) == (int64_t)n);
    }
    csv_close(c);
    return rc == 0 ? h : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char delimiters[] = ",;\t|", escapes[] = {0, '\\', 0, '"'};

    if (n < 3)
        return 0;
    struct csv_dialect d = {
        .delimiter = delimiters[data[0] & 3],
        .quote = data[0] & 4   ? '\''
                 : data[0] & 8 ? 0
                               : '"',
        .escape = escapes[data[0] >> 4 & 3],
        .encoding = (enum csv_encoding)(data[1] % 3),
        .max_record = data[1] >> 4 ? (size_t)(data[1] >> 4) * 7 : 0,
    };
    uint64_t whole = read_all(data + 3, n - 3, &d, SIZE_MAX);
    assert(read_all(data + 3, n - 3, &d, (size_t)data[2] % 16 + 1) == whole);
    return 0;
}
