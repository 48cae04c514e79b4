#include "io/convert_int.h"
#include <strings.h>

static int64_t code_points(struct csv_field f)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < f.n; i++)
        n += ((unsigned char)f.p[i] & 0xc0) != 0x80;
    return n;
}

/* latin1 of MySQL: cp1252, with the five bytes that stand for nothing there as the controls of the same number. */
static bool in_latin1(struct csv_field f)
{
    static const uint16_t others[] = {0x0152, 0x0153, 0x0160, 0x0161, 0x0178, 0x017d, 0x017e, 0x0192,
                                      0x02c6, 0x02dc, 0x2013, 0x2014, 0x2018, 0x2019, 0x201a, 0x201c,
                                      0x201d, 0x201e, 0x2020, 0x2021, 0x2022, 0x2026, 0x2030, 0x2039,
                                      0x203a, 0x20ac, 0x2122, 0x0081, 0x008d, 0x008f, 0x0090, 0x009d};
    const unsigned char *p = (const unsigned char *)f.p, *end = p + f.n;

    while (p < end) {
        size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
        if ((size_t)(end - p) < n)
            return false; /* no UTF-8 */
        unsigned u = n == 1   ? *p
                     : n == 2 ? (unsigned)(*p & 0x1f) << 6 | (p[1] & 0x3f)
                     : n == 3 ? (unsigned)(*p & 0x0f) << 12 | (unsigned)(p[1] & 0x3f) << 6 | (p[2] & 0x3f)
                              : 0x10000;
        bool found = u < 0x80 || (u >= 0xa0 && u <= 0xff);
        for (size_t i = 0; i < ARRAY_LEN(others) && !found; i++)
            found = others[i] == u;
        if (!found)
            return false;
        p += n;
    }
    return true;
}

/* Most texts are, and fit in every charset. */
static bool is_ascii(struct csv_field f)
{
    uint64_t all = 0, word;
    uint32_t i = 0;

    for (; i + 8 <= f.n; i += 8) {
        memcpy(&word, f.p + i, 8);
        all |= word;
    }
    for (; i < f.n; i++)
        all |= (unsigned char)f.p[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* The charsets that every server has and whose limits are plain; what else does not fit, the server refuses.
 */
static int check_charset(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const char *charset = c->column->charset;
    unsigned char limit = 0; /* lead bytes from here on do not fit */

    if (charset == NULL || is_ascii(f))
        return 1;
    if (strcasecmp(charset, "ascii") == 0)
        limit = 0x80;
    else if (strcasecmp(charset, "utf8mb3") == 0 || strcasecmp(charset, "utf8") == 0)
        limit = 0xf0;
    else if (strcasecmp(charset, "latin1") == 0 && !in_latin1(f))
        return refuse(ret, "NOT_IN_CHARSET", f, "has a character that %s does not hold", charset);
    for (uint32_t i = 0; limit != 0 && i < f.n; i++)
        if ((unsigned char)f.p[i] >= limit)
            return refuse(ret, "NOT_IN_CHARSET", f, "has a character that %s does not hold", charset);
    return 1;
}

/* Bytes that n code points of f take in the column's charset; -1: only the server knows. */
static int64_t stored_bytes(const struct column *k, struct csv_field f)
{
    if (k->charset == NULL || strncasecmp(k->charset, "utf8", 4) == 0 ||
        strcasecmp(k->charset, "binary") == 0)
        return f.n;
    if (strcasecmp(k->charset, "latin1") == 0 || strcasecmp(k->charset, "ascii") == 0)
        return code_points(f);
    return -1;
}

/* Reads the member at *p, "'it''s'", and tells whether it is f; *p moves to the comma or parenthesis after
 * it. */
static bool member_is(const char **p, struct csv_field f)
{
    const char *m = *p;
    uint32_t n = 0;
    bool same = true;

    for (m += *m == '\''; *m != '\0' && (*m != '\'' || m[1] == '\''); m++, n++) {
        m += *m == '\'';
        same = same && n < f.n && f.p[n] == *m;
    }
    *p = m + (*m == '\'');
    return same && n == f.n;
}

/*
 * ENUM and SET by their very bytes. The server would take '1' for the first member, and 'b,a' or 'A' in its
 * own order and case: what is stored would not be what the file says.
 */
static int check_members(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const char *p = strchr(c->column->type_text, '(');
    bool set = strncasecmp(c->column->type_text, "set", 3) == 0;
    struct csv_field rest = f;

    if (set && f.n == 0)
        return 1;
    for (p = p != NULL ? p + 1 : ""; *p == '\''; p += *p == ',') {
        struct csv_field one = rest;
        const char *comma = set ? memchr(rest.p, ',', rest.n) : NULL;
        if (comma != NULL)
            one.n = (uint32_t)(comma - rest.p);
        if (!member_is(&p, one))
            continue;
        if (comma == NULL)
            return 1;
        rest.n -= one.n + 1;
        rest.p = comma + 1;
    }
    refuse(ret, "NOT_A_MEMBER", f, "is not in %.100s", c->column->type_text);
    refuse_hint(ret, set ? "members are compared byte for byte, and stand in the order of the declaration"
                         : "members are compared byte for byte, capitals too");
    return 0;
}

int put_chars(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const struct column *k = c->column;

    if (k->is_list && !check_members(c, f, ret))
        return 0;
    while (k->is_char && f.n > 0 && f.p[f.n - 1] == ' ')
        f.n--; /* CHAR does not give them back, so they are not sent: the sums speak of what is stored */
    if (k->max_chars >= 0 && f.n > k->max_chars && code_points(f) > k->max_chars) {
        refuse(ret, "TOO_LONG", f, "has %lld characters, %s holds %lld", (long long)code_points(f),
               k->type_text, (long long)k->max_chars);
        return 0;
    }
    if (k->max_bytes >= 0 && f.n > k->max_bytes && stored_bytes(k, f) > k->max_bytes)
        return refuse(ret, "TOO_LONG", f, "has %lld bytes, %s holds %lld", (long long)stored_bytes(k, f),
                      k->type_text, (long long)k->max_bytes);
    if (!check_charset(c, f, ret))
        return 0;
    c->to->bytes[c->row] = f.p;
    c->to->lengths[c->row] = f.n;
    return 1;
}

int put_binary(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const struct column *k = c->column;

    if (k->max_bytes >= 0 && f.n > k->max_bytes)
        return refuse(ret, "TOO_LONG", f, "has %u bytes, %s holds %lld", f.n, k->type_text,
                      (long long)k->max_bytes);
    c->to->bytes[c->row] = f.p;
    c->to->lengths[c->row] = f.n;
    if (k->is_char && f.n < k->max_bytes &&
        k->max_bytes <= CELL_SCRATCH) { /* BINARY(n) stores NULs up to n */
        memcpy(c->scratch, f.p, f.n);
        memset(c->scratch + f.n, '\0', (size_t)k->max_bytes - f.n);
        c->to->bytes[c->row] = c->scratch;
        c->to->lengths[c->row] = (unsigned long)k->max_bytes;
    }
    return 1;
}
