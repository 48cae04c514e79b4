#include "base/limits.h"
#include "base/mem.h"
#include "io/csv_int.h"
#include "io/hash.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    BLOCK = 256 * KIB,
    FIRST_LOOK = 4096, /* bytes that decide about UTF-16 */
};

static int check_dialect(const struct csv_dialect *d, struct err *err)
{
    const unsigned char all[] = {(unsigned char)d->delimiter, (unsigned char)d->quote,
                                 (unsigned char)d->escape};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] == '\n' || all[i] == '\r' || all[i] >= 0x80)
            return err_set(err, ERR_CONFIG,
                           "csv: delimiter, quote and escape must be ASCII and not line ends");
    if (d->delimiter == '\0')
        return err_set(err, ERR_CONFIG, "csv: the delimiter is missing");
    if (d->delimiter == d->quote || d->delimiter == d->escape)
        return err_set(err, ERR_CONFIG, "csv: the delimiter '%c' is the quote or the escape too",
                       d->delimiter);
    if (d->max_record > 64 * (size_t)MAX_RECORD)
        return err_set(err, ERR_CONFIG, "csv: a record may have at most %u bytes", 64 * MAX_RECORD);
    return 0;
}

int csv_open(struct reader *in, const struct csv_dialect *d, struct csv **ret, struct err *err)
{
    int rc = check_dialect(d, err);

    if (rc < 0) {
        reader_close(in);
        return rc;
    }
    struct csv *c = xcalloc(1, sizeof *c);
    c->in = in;
    c->d = *d;
    c->max = d->max_record != 0 ? d->max_record : MAX_RECORD;
    if (c->d.escape == c->d.quote)
        c->d.escape = 0; /* doubling the quote is what every quoted field understands */
    c->special['\n'] = c->special['\r'] = c->special[(unsigned char)d->delimiter] = true;
    if (c->d.quote != 0)
        c->special[(unsigned char)c->d.quote] = true;
    if (c->d.escape != 0)
        c->special[(unsigned char)c->d.escape] = true;
    if (c->d.escape == 0)
        c->index = xmalloc((INDEX_ROOM + INDEX_SLACK) * sizeof *c->index);
    c->line = 1;
    *ret = c;
    return 0;
}

void csv_close(struct csv *c)
{
    if (c == NULL)
        return;
    reader_close(c->in);
    free(c->room);
    free(c->index);
    free(c->scratch);
    free(c->kept);
    free(c);
}

void csv_stats(const struct csv *c, struct csv_stats *ret)
{
    *ret = c->stats;
    ret->line = c->line;
}

const char *csv_code_name(enum csv_code code)
{
    static const char *const names[] = {
        [CSV_GOOD] = "GOOD",
        [CSV_BAD_QUOTE] = "BAD_QUOTE",
        [CSV_NUL_BYTE] = "NUL_BYTE",
        [CSV_BAD_UTF8] = "BAD_UTF8",
        [CSV_BAD_ENCODING] = "BAD_ENCODING",
        [CSV_RECORD_TOO_LARGE] = "RECORD_TOO_LARGE",
        [CSV_REPEATED_NAME] = "REPEATED_NAME",
        [CSV_NOT_AN_OBJECT] = "NOT_AN_OBJECT",
        [CSV_BAD_ESCAPE] = "BAD_ESCAPE",
    };

    return names[code];
}

static bool any_high(const char *p, size_t n)
{
    uint64_t all = 0, word;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        all |= word;
    }
    for (; i < n; i++)
        all |= (uint64_t)(unsigned char)p[i] & 0x80;
    return (all & UINT64_C(0x8080808080808080)) != 0;
}

/*
 * Reads at least `least` more bytes, or to the end, keeping what is held from pos on. Callers ask for as
 * much again as they hold, so that a record that spans many blocks is looked at a few times, not many.
 */
static int fill(struct csv *c, size_t least, struct err *err)
{
    size_t held = c->end - c->pos, got = 0;

    if (held > 0 && c->pos > 0)
        memmove(c->buf, c->buf + c->pos, held);
    c->base += (int64_t)c->pos;
    c->pos = 0;
    c->index_at = c->index_n = c->index_end = 0;
    c->end = held;
    if (c->cap < held + least + BLOCK) {
        c->cap = held + least + BLOCK;
        c->room = xrealloc(c->room, CSV_FIELD_PAD + c->cap + PAD);
        memset(c->room, '\n', CSV_FIELD_PAD);
        c->buf = c->room + CSV_FIELD_PAD;
    }
    while (!c->eof && got < least) {
        size_t n = 0;
        int rc = reader_read(c->in, c->buf + c->end, BLOCK, &n, err);
        if (rc < 0)
            return rc;
        c->eof = n == 0;
        c->end += n;
        got += n;
    }
    c->stats.bytes += (int64_t)got;
    memset(c->buf + c->end, '\n', PAD);
    c->high = any_high(c->buf, c->end);
    c->nul = memchr(c->buf, '\0', c->end) != NULL;
    return 0;
}

static int refuse_utf16(const char *name, struct err *err)
{
    err_set(err, ERR_BAD_ENCODING, "the file is %s, which orch does not read", name);
    return err_hint(err, "convert it where it is made, for instance: iconv -f %s -t UTF-8", name);
}

/* A UTF-8 BOM is cut; UTF-16 and UTF-32 are refused, by their BOM or by NUL bytes where ASCII has none. */
static int start(struct csv *c, struct err *err)
{
    static const unsigned char utf32be[] = {0, 0, 0xfe, 0xff}, utf32le[] = {0xff, 0xfe, 0, 0};
    size_t nul[2] = {0, 0};
    int rc = fill(c, FIRST_LOOK, err);

    if (rc < 0)
        return rc;
    c->started = true;
    size_t n = c->end < FIRST_LOOK ? c->end : FIRST_LOOK;
    const unsigned char *p = (const unsigned char *)c->buf;
    if (n >= 4 && (memcmp(p, utf32be, 4) == 0 || memcmp(p, utf32le, 4) == 0))
        return refuse_utf16("UTF-32", err);
    if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
        return refuse_utf16(p[0] == 0xff ? "UTF-16LE" : "UTF-16BE", err);
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        c->pos = 3;
    for (size_t i = 0; i < n; i++)
        nul[i & 1] += p[i] == 0;
    /* every other byte NUL, nearly always, and hardly ever the one beside it */
    for (size_t odd = 0; odd < 2; odd++)
        if (n >= 8 && nul[odd] >= n * 2 / 5 && nul[!odd] <= n / 100)
            return refuse_utf16(odd ? "UTF-16LE" : "UTF-16BE", err);
    return 0;
}

#ifdef __SSE2__
/* Sixteen bytes at a time: most fields end in the first look, and no branch depends on where. */
static inline const char *bare_end(const struct csv *c, const char *p)
{
    const __m128i delimiter = _mm_set1_epi8(c->d.delimiter), cr = _mm_set1_epi8('\r'),
                  lf = _mm_set1_epi8('\n');
    const __m128i quote = _mm_set1_epi8(c->d.quote != 0 ? c->d.quote : '\n');
    const __m128i escape = _mm_set1_epi8(c->d.escape != 0 ? c->d.escape : '\n');

    for (;; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, delimiter), _mm_cmpeq_epi8(v, lf));
        hit = _mm_or_si128(hit, _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, cr)));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, escape));
        int mask = _mm_movemask_epi8(hit);
        if (mask != 0)
            return p + __builtin_ctz((unsigned)mask);
    }
}
#else
static inline const char *bare_end(const struct csv *c, const char *p)
{
    while (!c->special[(unsigned char)*p])
        p++;
    return p;
}
#endif

/* p is after the opening quote. DONE: *ret_end is the closing quote. */
static enum scan quoted_end(const struct csv *c, const char *p, const char **ret_end, bool *ret_fix)
{
    const char *end = c->buf + c->end;

    for (;;) {
        const char *q = memchr(p, c->d.quote, (size_t)(end - p));
        if (c->d.escape != 0) {
            const char *e = memchr(p, c->d.escape, (size_t)((q != NULL ? q : end) - p));
            if (e != NULL) {
                if (e + 1 >= end)
                    return c->eof ? BAD : MORE;
                *ret_fix = true;
                p = e + 2;
                continue;
            }
        }
        if (q == NULL)
            return c->eof ? BAD : MORE;
        if (q + 1 == end && !c->eof)
            return MORE; /* the next byte may double it */
        if (q + 1 < end && q[1] == c->d.quote) {
            *ret_fix = true;
            p = q + 2;
            continue;
        }
        *ret_end = q;
        return DONE;
    }
}

/* p is the first byte. DONE: *ret_end is the delimiter, line end or end of the file after the field. */
static enum scan bare_field(const struct csv *c, const char *p, const char **ret_end, bool *ret_fix)
{
    const char *end = c->buf + c->end;

    for (;;) {
        p = bare_end(c, p);
        if (p >= end) {
            *ret_end = end;
            return c->eof ? DONE : MORE;
        }
        if (c->d.escape != 0 && *p == c->d.escape) {
            if (p + 1 >= end && !c->eof)
                return MORE;
            *ret_fix = true;
            p = p + 1 < end ? p + 2 : end;
            continue;
        }
        *ret_end = p;
        return c->d.quote != 0 && *p == c->d.quote ? BAD : DONE;
    }
}

/* Finds the fields of the record at pos in what is held. Reads nothing, moves nothing. */
static enum scan scan_any(struct csv *c, struct found *f)
{
    const char *first = c->buf + c->pos, *p = first, *end = c->buf + c->end;
    size_t n = 0;

    f->breaks = f->fixed = false;
    f->entries = 0;
    for (;;) {
        const char *from = p, *to;
        bool quoted = c->d.quote != 0 && p < end && *p == c->d.quote, fix = false;
        enum scan s = quoted ? quoted_end(c, ++from, &to, &fix) : bare_field(c, p, &to, &fix);
        if (s == BAD) {
            f->trouble =
                quoted ? "a quote is never closed" : "a quote inside a field that does not begin with one";
            f->at = quoted ? (size_t)(end - first) : (size_t)(to - first);
        }
        if (s != DONE)
            return s;
        if (n < WIDEST) {
            c->fields[n] = (struct csv_field){from, (uint32_t)(to - from), quoted};
            c->fix[n++] = fix;
            c->fixes |= fix;
        }
        f->breaks |= quoted || fix;
        f->fixed |= fix;
        p = to + quoted;
        if (p < end && *p == c->d.delimiter) {
            p++;
            continue;
        }
        if (p < end && *p != '\n' && *p != '\r') {
            f->trouble = "text after a closing quote";
            f->at = (size_t)(p - first);
            return BAD;
        }
        if (!c->eof && (p == end || (*p == '\r' && p + 1 == end)))
            return MORE; /* the LF of a CRLF may be in the next block */
        f->count = n;
        f->raw_n = (size_t)(p - first);
        return DONE;
    }
}

static enum scan scan(struct csv *c, struct found *f)
{
    return csv_scan_index(c, f) ? DONE : scan_any(c, f);
}

/* Goes past the line end at pos, if there is one there; the two bytes of a CRLF are held or the file ended.
 */
static void eat_line_end(struct csv *c)
{
    if (c->pos == c->end)
        return;
    if (c->buf[c->pos] == '\n') {
        c->stats.lf++;
    } else if (c->pos + 1 < c->end && c->buf[c->pos + 1] == '\n') {
        c->stats.crlf++;
        c->pos++;
    } else {
        c->stats.cr++;
    }
    c->pos++;
    c->line++;
}

/* First CR or LF in n bytes; NULL: none. */
static const char *line_end(const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    const char *cr = memchr(p, '\r', lf != NULL ? (size_t)(lf - p) : n);

    return cr != NULL ? cr : lf;
}

static int64_t count_line_ends(const char *p, size_t n)
{
    int64_t count = 0;

    for (const char *to; (to = line_end(p, n)) != NULL; count++) {
        size_t past = (size_t)(to - p) + 1;
        if (*to == '\r' && past < n && to[1] == '\n')
            past++;
        p += past;
        n -= past;
    }
    return count;
}

static void begin_record(const struct csv *c, struct csv_record *ret)
{
    ret->fields = NULL;
    ret->padded = false;
    ret->count = 0;
    ret->line = c->line;
    ret->offset = c->base + (int64_t)c->pos;
    ret->raw = c->buf + c->pos;
    ret->code = CSV_GOOD;
    ret->message[0] = '\0';
}

static void spoil(struct csv_record *r, enum csv_code code)
{
    r->code = code;
    r->fields = NULL;
    r->count = 0;
    if (r->raw_total > MAX_REJECT_RAW && code != CSV_RECORD_TOO_LARGE)
        sha256_of(r->raw, r->raw_n, r->raw_sha256);
}

/* A line longer than max: its beginning is kept, its sum taken, and the reader goes on after it. */
static int skip_line(struct csv *c, struct csv_record *ret, struct err *err)
{
    struct sha256 *sum = sha256_new();
    int64_t total = 0;
    int rc = 0;

    begin_record(c, ret);
    c->kept = xmalloc(c->max);
    memcpy(c->kept, c->buf + c->pos, c->max);
    for (;;) {
        const char *p = c->buf + c->pos, *to = line_end(p, c->end - c->pos);
        bool split = to != NULL && *to == '\r' && to + 1 == c->buf + c->end && !c->eof;
        size_t n = to != NULL ? (size_t)(to - p) : c->end - c->pos;
        sha256_add(sum, p, n);
        total += (int64_t)n;
        c->pos += n;
        if ((to != NULL && !split) || c->eof)
            break;
        rc = fill(c, split ? 1 : BLOCK, err);
        if (rc < 0)
            break;
    }
    ret->raw = c->kept;
    ret->raw_n = c->max;
    ret->raw_total = total;
    sha256_end(sum, ret->raw_sha256);
    sha256_free(sum);
    if (rc < 0)
        return rc;
    spoil(ret, CSV_RECORD_TOO_LARGE);
    snprintf(ret->message, sizeof ret->message, "the record has %lld bytes, at most %zu are allowed",
             (long long)total, c->max);
    eat_line_end(c);
    return 1;
}

/* The record at pos has bad quotes or is too long: gives its first line as a bad record. */
static int bad_line(struct csv *c, const char *trouble, struct csv_record *ret, struct err *err)
{
    for (;;) {
        size_t held = c->end - c->pos;
        const char *p = c->buf + c->pos, *to = line_end(p, held < c->max + 1 ? held : c->max + 1);
        bool known = to != NULL && (*to != '\r' || to + 1 < c->buf + c->end || c->eof);
        if (known || (c->eof && held <= c->max)) {
            begin_record(c, ret);
            ret->raw_n = to != NULL ? (size_t)(to - p) : held;
            ret->raw_total = (int64_t)ret->raw_n;
            spoil(ret, CSV_BAD_QUOTE);
            snprintf(ret->message, sizeof ret->message, "%s", trouble);
            c->pos += ret->raw_n;
            eat_line_end(c);
            return 1;
        }
        if (to == NULL && held > c->max)
            return skip_line(c, ret, err);
        int rc = fill(c, held + 1, err);
        if (rc < 0)
            return rc;
    }
}

/* The 32 places of cp1252 that differ from latin1; 0: not defined. */
static const uint16_t cp1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static char *put_utf8(char *o, unsigned u)
{
    if (u >= 0x800) {
        *o++ = (char)(0xe0 | u >> 12);
        *o++ = (char)(0x80 | (u >> 6 & 0x3f));
    } else {
        *o++ = (char)(0xc0 | u >> 6);
    }
    *o++ = (char)(0x80 | (u & 0x3f));
    return o;
}

/* Takes out doubled quotes and escapes, and turns single-byte encodings into UTF-8. Returns the end in
 * scratch. */
static char *rewrite(const struct csv *c, struct csv_field *f, bool fix, char *o)
{
    const char *p = f->p, *end = p + f->n, *from = o;

    while (p < end) {
        /* in a quoted field, every quote that is left is the first of two */
        if (fix && p + 1 < end &&
            ((c->d.escape != 0 && *p == c->d.escape) ||
             (f->quoted && *p == c->d.quote && p[1] == c->d.quote)))
            p++;
        unsigned char b = (unsigned char)*p++;
        if (b < 0x80 || c->d.encoding == CSV_UTF8)
            *o++ = (char)b;
        else
            o = put_utf8(o, c->d.encoding == CSV_CP1252 && b < 0xa0 ? cp1252[b - 0x80] : b);
    }
    f->p = from;
    f->n = (uint32_t)(o - from);
    return o;
}

static void rewrite_fields(struct csv *c, size_t count, size_t raw_n)
{
    bool foreign = c->high && c->d.encoding != CSV_UTF8;
    size_t need = foreign ? 3 * raw_n : raw_n;

    if (c->scratch_cap < need + 2 * CSV_FIELD_PAD) {
        free(c->scratch);
        c->scratch_cap = need + KIB;
        c->scratch = xcalloc(c->scratch_cap, 1);
    }
    char *o = c->scratch + CSV_FIELD_PAD;
    for (size_t i = 0; i < count; i++)
        if (c->fix[i] || (foreign && any_high(c->fields[i].p, c->fields[i].n)))
            o = rewrite(c, &c->fields[i], c->fix[i], o);
}

/* false: a byte that cannot be, with code and message set. */
static bool check_bytes(const struct csv *c, struct csv_record *r)
{
    size_t at = 0;

    if (c->nul) {
        const char *nul = memchr(r->raw, '\0', r->raw_n);
        if (nul != NULL) {
            spoil(r, CSV_NUL_BYTE);
            snprintf(r->message, sizeof r->message, "a NUL byte at byte %zu of the record",
                     (size_t)(nul - r->raw) + 1);
            return false;
        }
    }
    if (!c->high || c->d.encoding == CSV_LATIN1)
        return true;
    if (c->d.encoding == CSV_UTF8) {
        if (str_utf8_valid(r->raw, r->raw_n, &at))
            return true;
        spoil(r, CSV_BAD_UTF8);
        snprintf(r->message, sizeof r->message, "byte 0x%02x at byte %zu of the record is not UTF-8",
                 (unsigned char)r->raw[at], at + 1);
        return false;
    }
    for (; at < r->raw_n; at++) {
        unsigned char b = (unsigned char)r->raw[at];
        if (b >= 0x80 && b < 0xa0 && cp1252[b - 0x80] == 0) {
            spoil(r, CSV_BAD_ENCODING);
            snprintf(r->message, sizeof r->message,
                     "byte 0x%02x at byte %zu of the record is nothing in cp1252", b, at + 1);
            return false;
        }
    }
    return true;
}

static void give(struct csv *c, const struct found *f, struct csv_record *ret)
{
    begin_record(c, ret);
    ret->raw_n = f->raw_n;
    ret->raw_total = (int64_t)f->raw_n;
    ret->fields = c->fields;
    ret->padded = true;
    ret->count = f->count;
    if ((!c->high && !c->nul) || check_bytes(c, ret)) {
        if (f->fixed || (c->high && c->d.encoding != CSV_UTF8))
            rewrite_fields(c, f->count, f->raw_n);
        if (c->width == 0)
            c->width = f->count;
    }
    c->index_at += f->entries;
    if (f->breaks)
        c->line += count_line_ends(ret->raw, f->raw_n);
    c->pos += f->raw_n;
    /* an escaped CR before the LF that ends the record: one line end to all who count them */
    if (f->fixed && ret->raw[f->raw_n - 1] == '\r' && c->pos < c->end && c->buf[c->pos] == '\n')
        c->line--;
    eat_line_end(c);
}

int csv_next(struct csv *c, struct csv_record *ret, struct err *err)
{
    struct found f;
    int rc = 0;

    if (c->kept != NULL) {
        free(c->kept);
        c->kept = NULL;
    }
    if (!c->started)
        rc = start(c, err);
    while (rc == 0) {
        size_t held = c->end - c->pos;
        if (held == 0 && c->eof)
            return 0;
        enum scan s = held > 0 ? scan(c, &f) : MORE;
        if (s == DONE && f.raw_n == 0 && c->width != 1) {
            c->stats.empty_lines++;
            eat_line_end(c);
        } else if (s == DONE && f.raw_n <= c->max) {
            give(c, &f, ret);
            rc = 1;
        } else if (s == BAD && f.at <= c->max) {
            rc = bad_line(c, f.trouble, ret, err);
        } else if (s != MORE || held >= c->max + 2) {
            rc = bad_line(
                c, "a quoted field runs past the largest record, so its quote is taken as never closed", ret,
                err);
        } else {
            size_t missing = c->max + 2 - held;
            rc = fill(c, held == 0 ? 1 : held < missing ? held : missing, err);
        }
    }
    c->stats.records += rc > 0;
    return rc;
}
