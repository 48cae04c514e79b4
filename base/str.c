#include "base/str.h"
#include "base/limits.h"

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

int str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
    size_t i = 0;
    bool negative = s.n > 0 && s.p[0] == '-';
    int64_t v = 0;

    if (negative)
        i = 1;
    if (i == s.n)
        goto bad;
    for (; i < s.n; i++) {
        int d = s.p[i] - '0';
        if (d < 0 || d > 9)
            goto bad;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
            goto range;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, v, &v))
        goto range;
    if (v < min || v > max)
        goto range;
    *ret = v;
    return 0;
bad:
    return err_set(err, ERR_BAD_VALUE, "'%.*s' is not a whole number", (int)(s.n > 60 ? 60 : s.n), s.p);
range:
    return err_set(err, ERR_BAD_VALUE, "'%.*s' is outside %lld to %lld", (int)(s.n > 60 ? 60 : s.n), s.p,
                   (long long)min, (long long)max);
}

/* number followed by one of the units; the value times the unit's factor. */
static int with_unit(struct str s, const char *const *units, const int64_t *factors, const char *kind,
                     int64_t *ret, struct err *err)
{
    size_t digits = 0;
    struct err ignored;
    int64_t v = 0;

    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    struct str unit = {s.p + digits, s.n - digits};
    for (size_t i = 0; units[i] != NULL; i++)
        if (str_is(unit, units[i]) &&
            str_to_i64((struct str){s.p, digits}, 0, INT64_MAX, &v, &ignored) == 0 &&
            !__builtin_mul_overflow(v, factors[i], ret))
            return 0;
    return err_set(err, ERR_BAD_VALUE, "'%.*s' is not a %s", (int)(s.n > 60 ? 60 : s.n), s.p, kind);
}

int str_to_duration_ms(struct str s, int64_t *ret_ms, struct err *err)
{
    static const char *const units[] = {"ms", "s", "m", "h", "d", NULL};
    static const int64_t factors[] = {1, 1000, 60000, 3600000, 86400000};

    int rc = with_unit(s, units, factors, "duration such as 60s, 15m, 1h or 3d", ret_ms, err);
    if (rc == 0 && *ret_ms > MAX_DURATION_MS)
        rc = err_set(err, ERR_BAD_VALUE, "'%.*s' is longer than 100 years", (int)s.n, s.p);
    return rc;
}

int str_to_bytes(struct str s, int64_t *ret_bytes, struct err *err)
{
    static const char *const units[] = {"", "B", "KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB", NULL};
    static const int64_t factors[] = {1,    1,       1024,       1048576,      1073741824, 1099511627776,
                                      1000, 1000000, 1000000000, 1000000000000};

    return with_unit(s, units, factors, "size such as 64KiB, 256MiB or 1GiB", ret_bytes, err);
}

static size_t distance(const char *a, const char *b)
{
    size_t n = strnlen(a, 101), m = strnlen(b, 101), row[128];

    if (n > 100 || m > 100)
        return 100;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (up + 1 < best)
                best = up + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = up;
            row[j] = best;
        }
    }
    return row[m];
}

const char *str_nearest(const char *s, const char *const *candidates)
{
    const char *best = NULL;
    size_t least = strnlen(s, 290) / 3 + 2; /* less than what distance gives for what it does not look at */

    for (size_t i = 0; candidates[i] != NULL; i++) {
        size_t d = strcasecmp(s, candidates[i]) == 0 ? 0 : distance(s, candidates[i]);
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}

void str_hex(const void *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = p;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * n] = '\0';
}

int str_utf8_valid(const char *p, size_t n, size_t *ret_at)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t i = 0;

    while (i < n) {
        if (i + 8 <= n) { /* eight ASCII bytes at a time: most of most files */
            uint64_t w;
            memcpy(&w, s + i, 8);
            if ((w & UINT64_C(0x8080808080808080)) == 0) {
                i += 8;
                continue;
            }
        }
        unsigned c = s[i];
        size_t more = c < 0x80                 ? 0
                      : c >= 0xc2 && c <= 0xdf ? 1
                      : (c & 0xf0) == 0xe0     ? 2
                      : c >= 0xf0 && c <= 0xf4 ? 3
                                               : 9;
        if (more == 9 || n - i <= more)
            goto bad;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                goto bad;
        if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xed && s[i + 1] > 0x9f) ||
            (c == 0xf0 && s[i + 1] < 0x90) || (c == 0xf4 && s[i + 1] > 0x8f))
            goto bad;
        i += more + 1;
    }
    return 1;
bad:
    if (ret_at != NULL)
        *ret_at = i;
    return 0;
}

/* C1 controls are valid UTF-8, and terminals obey them. Marks of direction make a text look like another. */
static bool is_obeyed(const unsigned char *u, size_t n)
{
    if (n == 2)
        return (u[0] == 0xc2 && u[1] < 0xa0) || (u[0] == 0xd8 && u[1] == 0x9c);
    return n == 3 && u[0] == 0xe2 &&
           ((u[1] == 0x80 && ((u[2] >= 0x8e && u[2] <= 0x8f) || (u[2] >= 0xa8 && u[2] <= 0xae))) ||
            (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
}

size_t str_plain_char(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return c >= 0x20 && c != 0x7f && len <= n && str_utf8_valid(p, len, NULL) &&
                   !is_obeyed((const unsigned char *)p, len)
               ? len
               : 0;
}

uint32_t str_character(const char **p, const char *end)
{
    const unsigned char first = (unsigned char)**p;
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t c = first & (more == 0 ? 0xffu : 0x3fu >> more);

    for ((*p)++; more > 0 && *p < end; more--)
        c = c << 6 | ((unsigned char)*(*p)++ & 63u);
    return c;
}

void str_printable(const char *p, size_t n, char *out, size_t out_size)
{
    size_t o = 0;
    size_t i = 0;

    while (i < n && o + 8 < out_size) {
        unsigned char c = (unsigned char)p[i];
        size_t len = str_plain_char(p + i, n - i);
        if (len > 0) {
            memcpy(out + o, p + i, len);
            o += len;
            i += len;
        } else {
            static const char digits[] = "0123456789abcdef";
            out[o++] = '\\';
            out[o++] = 'x';
            out[o++] = digits[c >> 4];
            out[o++] = digits[c & 15];
            i++;
        }
    }
    if (i < n && o + 4 <= out_size) {
        memcpy(out + o, "...", 3);
        o += 3;
    }
    out[o < out_size ? o : out_size - 1] = '\0';
}

const char *str_grouped(int64_t n, char out[STR_GROUPED])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}
