#include "io/sums.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/sums_int.h"

__extension__ typedef unsigned __int128 u128;

enum { SCALE = 30, CHUNK = 19 /* digits of the largest power of ten in 64 bits */ };

static const uint64_t pow10_u64[CHUNK + 1] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

void dec256_add(struct dec256 *a, const struct dec256 *b)
{
    u128 carry = 0;

    for (int i = 0; i < 4; i++) {
        carry += (u128)a->w[i] + b->w[i];
        a->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static void negate(struct dec256 *a)
{
    static const struct dec256 one = {{1, 0, 0, 0}};

    for (int i = 0; i < 4; i++)
        a->w[i] = ~a->w[i];
    dec256_add(a, &one);
}

static bool is_negative(const struct dec256 *a)
{
    return a->w[3] >> 63 != 0;
}

/* a = a * m + plus; what does not fit in 256 bits is returned. */
static uint64_t mul_add(struct dec256 *a, uint64_t m, uint64_t plus)
{
    u128 carry = plus;

    for (int i = 0; i < 4; i++) {
        carry += (u128)a->w[i] * m;
        a->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return (uint64_t)carry;
}

void dec256_add_scaled(struct dec256 *a, int64_t mantissa, int exp10_plus_30)
{
    struct dec256 v = {{mantissa < 0 ? -(uint64_t)mantissa : (uint64_t)mantissa, 0, 0, 0}};

    for (int k = exp10_plus_30; k > 0; k -= CHUNK)
        mul_add(&v, pow10_u64[k < CHUNK ? k : CHUNK], 0);
    if (mantissa < 0)
        negate(&v);
    dec256_add(a, &v);
}

int dec256_add_text(struct dec256 *a, struct str decimal, struct err *err)
{
    struct dec256 v = {{0}};
    bool negative = decimal.n > 0 && decimal.p[0] == '-', point = false;
    size_t digits = 0, fraction = 0;
    uint64_t over = 0;

    for (size_t i = negative; i < decimal.n; i++) {
        unsigned d = (unsigned)(unsigned char)decimal.p[i] - '0';
        if (decimal.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (d > 9)
            goto bad;
        over |= mul_add(&v, 10, d) | v.w[3] >> 63;
        digits++;
        fraction += point;
    }
    if (digits == 0 || fraction > SCALE)
        goto bad;
    over |= mul_add(&v, pow10_u64[(SCALE - fraction) / 2], 0) | v.w[3] >> 63;
    over |= mul_add(&v, pow10_u64[SCALE - fraction - (SCALE - fraction) / 2], 0) | v.w[3] >> 63;
    if (over != 0)
        return err_set(err, ERR_BAD_VALUE, "'%.*s' has more digits than a sum can hold",
                       (int)(decimal.n > 100 ? 100 : decimal.n), decimal.p);
    if (negative)
        negate(&v);
    dec256_add(a, &v);
    return 0;
bad:
    return err_set(err, ERR_BAD_VALUE,
                   "'%.*s' is not a decimal number with at most %d digits after the point",
                   (int)(decimal.n > 100 ? 100 : decimal.n), decimal.p, SCALE);
}

void dec256_text(const struct dec256 *a, char out[96])
{
    struct dec256 v = *a;
    char digits[96];
    size_t n = 0, low = 0;
    bool negative = is_negative(a);

    if (negative)
        negate(&v);
    /* least digit first */
    while ((v.w[0] | v.w[1] | v.w[2] | v.w[3]) != 0) {
        u128 rest = 0;
        for (int i = 3; i >= 0; i--) {
            rest = rest << 64 | v.w[i];
            v.w[i] = (uint64_t)(rest / pow10_u64[CHUNK]);
            rest %= pow10_u64[CHUNK];
        }
        for (int i = 0; i < CHUNK; i++, rest /= 10)
            digits[n++] = (char)('0' + (int)(rest % 10));
    }
    while (n > SCALE + 1 && digits[n - 1] == '0')
        n--;
    while (n < SCALE + 1)
        digits[n++] = '0';
    while (low < SCALE && digits[low] == '0')
        low++;
    char *o = out;
    if (negative)
        *o++ = '-';
    for (size_t i = n; i > low; i--) {
        if (i == SCALE)
            *o++ = '.';
        *o++ = digits[i - 1];
    }
    *o = '\0';
}

struct str dec256_digits(int64_t mantissa, int exp10_plus_30, char out[130])
{
    struct dec256 d = {{0}};
    char text[96];

    if (mantissa != 0)
        dec256_add_scaled(&d, mantissa, exp10_plus_30);
    dec256_text(&d, text);
    const char *point = strchr(text, '.');
    int have = point != NULL ? (int)strlen(point + 1) : 0;
    int n = snprintf(out, 130, "%s%s%.*s", text, point != NULL ? "" : ".", SCALE - have,
                     "000000000000000000000000000000");
    return (struct str){out, (size_t)n};
}

int64_t decimal_cut(int64_t mantissa, int drop)
{
    int64_t power = 1;

    if (drop > 18)
        return 0; /* below 0.1 of the last place: mantissas have at most 17 digits */
    while (drop-- > 0)
        power *= 10;
    int64_t quotient = mantissa / power, rest = mantissa % power;
    if (rest >= power - rest && rest > 0)
        quotient++;
    else if (rest < 0 && -rest >= power + rest)
        quotient--;
    return quotient;
}

bool dec256_equal(const struct dec256 *a, const struct dec256 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/*
 * A DECIMAL so wide that its sum fits neither 256 bits nor the server's 65 digits is compared by the
 * checksum of its text, which the server writes with all digits of the scale.
 */
enum sum_kind sum_kind_of(const struct column *c)
{
    switch (c->type) {
    case COL_DECIMAL:
        return c->scale <= SCALE && c->precision <= 55 && c->precision - c->scale <= 36 ? SUM_NUMBER
                                                                                        : SUM_CRC;
    case COL_INT:
    case COL_YEAR:
    case COL_BIT:
        return SUM_NUMBER;
    case COL_DOUBLE:
    case COL_FLOAT:
        return SUM_DOUBLE;
    case COL_TEXT:
    case COL_BINARY:
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
        return SUM_CRC;
    case COL_UNSUPPORTED:
        break;
    }
    return SUM_NONE;
}

void sums_init(struct sums *s, size_t columns)
{
    s->rows = 0;
    s->full = false;
    s->count = columns;
    s->cols = xcalloc(columns, sizeof *s->cols);
    s->used = xcalloc(columns, sizeof *s->used);
}

static void col_release(struct col_sum *c)
{
    free(c->bits);
    free(c->full);
}

void sums_release(struct sums *s)
{
    for (size_t i = 0; s->cols != NULL && i < s->count; i++)
        col_release(&s->cols[i]);
    free(s->cols);
    free(s->used);
    *s = (struct sums){0};
}

void sums_add(struct sums *a, const struct sums *b, const struct table *t)
{
    a->rows += b->rows;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        a->used[i] = a->used[i] || b->used[i];
        a->cols[i].nulls += b->cols[i].nulls;
        a->cols[i].large += b->cols[i].large;
        dec256_add(&a->cols[i].sum, &b->cols[i].sum);
        if (b->cols[i].bits != NULL)
            bits_add_all(sums_bits(&a->cols[i]), b->cols[i].bits);
        if (b->cols[i].full != NULL)
            full_add(sums_full(&a->cols[i]), b->cols[i].full, t != NULL ? &t->columns[i] : NULL);
    }
}

void sums_like(struct sums *ret, const struct sums *parsed)
{
    sums_init(ret, parsed->count);
    memcpy(ret->used, parsed->used, parsed->count * sizeof *ret->used);
    ret->full = parsed->full;
    for (size_t i = 0; i < parsed->count; i++) {
        ret->cols[i].bounded = parsed->cols[i].bounded;
        ret->cols[i].negative = parsed->cols[i].negative;
        ret->cols[i].low = parsed->cols[i].low;
        ret->cols[i].high = parsed->cols[i].high;
    }
}

void sums_empty(struct sums *s)
{
    s->rows = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct col_sum *c = &s->cols[i];
        col_release(c);
        *c = (struct col_sum){.low = c->low, .high = c->high, .bounded = c->bounded, .negative = c->negative};
    }
}

void sums_unbound(struct sums *s)
{
    sums_empty(s);
    for (size_t i = 0; i < s->count; i++)
        s->cols[i] = (struct col_sum){0};
}

struct bits *sums_bits(struct col_sum *c)
{
    if (c->bits == NULL)
        c->bits = xcalloc(1, sizeof *c->bits);
    return c->bits;
}

void dec256_take(struct dec256 *a, const struct dec256 *b)
{
    struct dec256 minus = *b;

    negate(&minus);
    dec256_add(a, &minus);
}

void sums_take(struct sums *a, const struct sums *b)
{
    a->rows -= b->rows;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (!a->used[i] || !b->used[i])
            continue;
        a->cols[i].nulls -= b->cols[i].nulls;
        a->cols[i].large -= b->cols[i].large;
        dec256_take(&a->cols[i].sum, &b->cols[i].sum);
    }
}

json_t *sums_to_json(const struct sums *s, const struct table *t)
{
    json_t *all = json_object();

    for (size_t i = 0; i < s->count; i++) {
        if (!s->used[i])
            continue;
        json_t *one = json_object();
        char text[96];
        json_object_set_new(one, "nulls", json_integer(s->cols[i].nulls));
        if (sum_kind_of(&t->columns[i]) != SUM_NONE) {
            dec256_text(&s->cols[i].sum, text);
            json_object_set_new(one, "sum", json_string(text));
        }
        if (s->cols[i].large != 0)
            json_object_set_new(one, "large", json_integer(s->cols[i].large));
        if (s->full && s->cols[i].full != NULL)
            full_to_json(s->cols[i].full, &t->columns[i], one);
        json_object_set_new(all, t->columns[i].name, one);
    }
    return all;
}

int sums_from_json(const json_t *v, int64_t rows, const struct table *t, struct sums *ret, struct err *err)
{
    const char *name, *text;
    json_t *one;
    int rc = 0;

    sums_init(ret, t->count);
    ret->rows = rows;
    if (!json_is_object(v)) {
        sums_release(ret);
        return err_set(err, ERR_CONTRACT, "sums must be an object, not %s", json_kind(v));
    }
    /* jansson's iteration macro wants a mutable object, though it changes nothing */
    for (void *it = json_object_iter((json_t *)(uintptr_t)v); it != NULL;
         it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
        name = json_object_iter_key(it);
        one = json_object_iter_value(it);
        if (strcmp(name, SUMS_UPSERT) == 0)
            continue;
        int at = table_find(t, str_of(name));
        if (at < 0) {
            rc = err_set(err, ERR_SCHEMA, "column %s of the recorded sums is not in table %s", name, t->name);
            break;
        }
        struct col_sum *c = &ret->cols[at];
        rc = json_need_i64(one, "nulls", &c->nulls, err);
        if (rc == 0)
            rc = json_get_i64(one, "large", 0, &c->large, err);
        if (rc == 0)
            rc = json_get_str(one, "sum", "0", &text, err);
        if (rc == 0)
            rc = dec256_add_text(&c->sum, str_of(text), err);
        if (rc == 0)
            rc = full_from_json(one, c, err);
        ret->full |= c->full != NULL;
        if (rc < 0) {
            err_prefix(err, "recorded sums, column %s", name);
            break;
        }
        ret->used[at] = true;
    }
    if (rc < 0)
        sums_release(ret);
    return rc;
}

static void note(struct sums_diff *ret, size_t max, size_t *n, const char *column, const char *what,
                 const char *source, const char *target)
{
    if (*n < max) {
        struct sums_diff *d = &ret[*n];
        snprintf(d->column, sizeof d->column, "%s", column);
        snprintf(d->what, sizeof d->what, "%s", what);
        snprintf(d->source, sizeof d->source, "%s", source);
        snprintf(d->target, sizeof d->target, "%s", target);
    }
    (*n)++;
}

static void compare_counts(struct sums_diff *ret, size_t max, size_t *n, const char *column, const char *what,
                           int64_t source, int64_t target)
{
    char a[24], b[24];

    if (source == target)
        return;
    snprintf(a, sizeof a, "%lld", (long long)source);
    snprintf(b, sizeof b, "%lld", (long long)target);
    note(ret, max, n, column, what, a, b);
}

/* Both as near as a double can be, and how far apart they are, where that does not show. */
static void note_bits(struct sums_diff *ret, size_t max, size_t *n, const char *column, const struct bits *a,
                      const struct bits *b)
{
    static const struct bits zero;
    char x[40], y[96];
    struct bits apart = *(b != NULL ? b : &zero);

    if (memcmp(a != NULL ? a : &zero, &apart, sizeof apart) == 0)
        return;
    snprintf(x, sizeof x, "%.17g", bits_double(a != NULL ? a : &zero));
    snprintf(y, sizeof y, "%.17g", bits_double(&apart));
    if (strcmp(x, y) == 0) {
        bits_subtract(&apart, a != NULL ? a : &zero);
        snprintf(y, sizeof y, "%.40s%+.3g", x, bits_double(&apart));
    }
    note(ret, max, n, column, "sum", x, y);
}

/* Columns that only the target's side names were filled by nobody, or by a default: nothing to compare. */
size_t sums_compare(const struct sums *source, const struct sums *target, const struct table *t,
                    struct sums_diff *ret, size_t max)
{
    static const struct col_sum none;
    size_t n = 0;

    compare_counts(ret, max, &n, "", "rows", source->rows, target->rows);
    for (size_t i = 0; i < source->count && i < t->count; i++) {
        const struct col_sum *a = &source->cols[i], *b = i < target->count ? &target->cols[i] : &none;
        const char *name = t->columns[i].name;
        if (!source->used[i])
            continue;
        compare_counts(ret, max, &n, name, "nulls", a->nulls, b->nulls);
        for (int k = 0; source->full && target->full && k < 3; k++) {
            char x[96], y[96];
            const char *what = full_differs(a->full, b->full, &t->columns[i], k, x, y);
            if (what != NULL)
                note(ret, max, &n, name, what, x, y);
        }
        if (b->bounded) {
            note_bits(ret, max, &n, name, a->bits, b->bits);
            continue;
        }
        compare_counts(ret, max, &n, name, "large", a->large, b->large);
        if (!dec256_equal(&a->sum, &b->sum)) {
            char x[96], y[96];
            dec256_text(&a->sum, x);
            dec256_text(&b->sum, y);
            note(ret, max, &n, name, "sum", x, y);
        }
    }
    return n;
}
