#include "io/csv_int.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

size_t csv_index_bytewise(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out)
{
    bool special[256] = {false};
    size_t count = 0;

    special[(unsigned char)delimiter] = special['\r'] = special['\n'] = true;
    if (quote != 0)
        special[(unsigned char)quote] = true;
    for (size_t i = 0; i < n; i++) {
        out[count] = base + (uint32_t)i; /* overwritten where it is none */
        count += special[(unsigned char)p[i]];
    }
    return count;
}

#ifdef __SSE2__
/* Without the instruction, which not every machine has. */
static inline size_t bits_set(uint64_t w)
{
    w -= w >> 1 & UINT64_C(0x5555555555555555);
    w = (w & UINT64_C(0x3333333333333333)) + (w >> 2 & UINT64_C(0x3333333333333333));
    w = (w + (w >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (size_t)(w * UINT64_C(0x0101010101010101) >> 56);
}

/* The places of the set bits, eight at a time whether there are as many or not: most steps have 8 to 16. */
static inline size_t put_bits(uint64_t bits, uint32_t base, uint32_t *out)
{
    size_t count = bits_set(bits);

    for (size_t done = 0; done < count; done += 8)
        for (size_t i = 0; i < 8; i++) {
            /* the last bit is never cleared for good: there is always one to count */
            out[done + i] = base + (uint32_t)__builtin_ctzll((unsigned long long)bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
    return count;
}

size_t csv_index(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out)
{
    const __m128i d = _mm_set1_epi8(delimiter), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    const __m128i q = _mm_set1_epi8(quote != 0 ? quote : '\n');
    size_t count = 0;

    for (size_t at = 0; at < n; at += 64) {
        uint64_t bits = 0;
        for (int i = 0; i < 4; i++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + at + 16 * i));
            __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, d), _mm_cmpeq_epi8(v, lf)),
                                       _mm_or_si128(_mm_cmpeq_epi8(v, q), _mm_cmpeq_epi8(v, cr)));
            bits |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << 16 * i;
        }
        if (n - at < 64)
            bits &= (UINT64_C(1) << (n - at)) - 1;
        count += put_bits(bits, base + (uint32_t)at, out + count);
    }
    return count;
}
#else
size_t csv_index(const char *p, size_t n, char delimiter, char quote, uint32_t base, uint32_t *out)
{
    return csv_index_bytewise(p, n, delimiter, quote, base, out);
}
#endif

/* The list begins at pos, and is longer than it was where it can be: false, it cannot. */
static bool index_more(struct csv *c)
{
    size_t left = c->index_n - c->index_at;

    if (left + INDEX_STRETCH > INDEX_ROOM)
        return false;
    if (left > 0 && c->index_at > 0)
        memmove(c->index, c->index + c->index_at, left * sizeof *c->index);
    c->index_at = 0;
    c->index_n = left;
    if (c->index_end < c->pos)
        c->index_end = c->pos;
    size_t n = c->end - c->index_end < INDEX_STRETCH ? c->end - c->index_end : INDEX_STRETCH;
    if (n == 0)
        return false;
    c->index_n += csv_index(c->buf + c->index_end, n, c->d.delimiter, c->d.quote, (uint32_t)c->index_end,
                            c->index + left);
    c->index_end += n;
    return true;
}

/*
 * A record like the one before, without quotes: as many entries, the last a line end and the others delimiters. Nothing
 * here depends on where fields end, which nobody can foresee. Its line end must not be the last byte held.
 */
static bool scan_like_before(struct csv *c, struct found *f)
{
    const uint32_t *to = c->index + c->index_at;
    const char *buf = c->buf;
    struct csv_field *field = c->fields;
    size_t n = c->expected, from = c->pos;
    unsigned other = 0;

    if (n == 0 || c->index_n - c->index_at < n || to[n - 1] + 1 >= c->end)
        return false;
    char last = buf[to[n - 1]], delimiter = c->d.delimiter;
    if (last != '\n' && last != '\r')
        return false;
    for (const uint32_t *end = to + n - 1; to < end; to++, field++) {
        other |= (unsigned char)(buf[*to] ^ delimiter);
        *field = (struct csv_field){buf + from, (uint32_t)(*to - from), false};
        from = *to + 1;
    }
    *field = (struct csv_field){buf + from, (uint32_t)(*to - from), false};
    if (other != 0)
        return false;
    *f = (struct found){.count = n, .raw_n = *to - c->pos, .entries = n};
    return true;
}

/* At the entry *k a field begins with its quote: DONE moves *k to the closing one. BAD: it is not so simple. */
static enum scan closing_quote(const struct csv *c, size_t *k, bool *ret_breaks)
{
    for (size_t i = *k + 1; i + 1 < c->index_n; i++) {
        char what = c->buf[c->index[i]];
        *ret_breaks |= what == '\n' || what == '\r';
        if (what != c->d.quote)
            continue;
        *k = i;
        /* what is no delimiter and no line end has no entry, or is the quote that doubles this one */
        return c->index[i + 1] == c->index[i] + 1 && c->buf[c->index[i + 1]] != c->d.quote ? DONE : BAD;
    }
    return MORE;
}

/* Any record with good quotes, none of them doubled. MORE: the list ends before it; BAD: it is not so simple. */
static enum scan scan_list(struct csv *c, struct found *f)
{
    const char *buf = c->buf;
    size_t n = 0, from = c->pos;
    bool breaks = false;

    for (size_t k = c->index_at; k < c->index_n; k++) {
        bool quoted = c->d.quote != 0 && buf[c->index[k]] == c->d.quote;
        size_t to = c->index[k];
        if (n == WIDEST || (quoted && to != from))
            return BAD;
        if (quoted) {
            enum scan s = closing_quote(c, &k, &breaks);
            if (s != DONE)
                return s;
            from++;
            to = c->index[k++];
        }
        c->fields[n++] = (struct csv_field){buf + from, (uint32_t)(to - from), quoted};
        from = (size_t)c->index[k] + 1;
        if (buf[from - 1] == c->d.delimiter)
            continue;
        if (from >= c->end)
            return BAD; /* the LF of a CRLF may be in the next block */
        *f = (struct found){
            .count = n, .raw_n = from - 1 - c->pos, .entries = k + 1 - c->index_at, .breaks = breaks};
        c->expected = n;
        return DONE;
    }
    return MORE;
}

bool csv_scan_index(struct csv *c, struct found *f)
{
    if (c->index == NULL)
        return false;
    while (c->index_at < c->index_n && c->index[c->index_at] < c->pos)
        c->index_at++;
    if (c->fixes)
        memset(c->fix, 0, sizeof c->fix);
    c->fixes = false;
    enum scan s;
    do
        s = scan_like_before(c, f) ? DONE : scan_list(c, f);
    while (s == MORE && index_more(c));
    return s == DONE;
}
