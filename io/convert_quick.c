#include "io/convert_int.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * What most cells are: an integer of up to 16 digits, or a decimal of up to 15 with one point, in range, in a column
 * that asks for nothing special; or NULL. Whatever is not so goes the long way (convert.c), which alone refuses: here is
 * nothing but a shorter way to the same value. It has no branch that depends on where digits end, which nobody can
 * foresee.
 */
enum {
    WORD = 16,       /* bytes looked at together, of which the last is the last of the field */
    MOST_DIGITS = 15 /* of a decimal: it and the power of ten below are doubles themselves */
};
_Static_assert((int)WORD == (int)CSV_FIELD_PAD, "what csv_record promises before and after a field");

static const double power[MOST_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* No spelling of NULL may be what is taken for a number here. */
static bool null_is_a_number(const struct plan *p)
{
    for (size_t i = 0; i < p->null_count; i++)
        for (size_t k = 0; k < p->nulls[i].n; k++)
            if (p->nulls[i].p[k] >= '0' && p->nulls[i].p[k] <= '9')
                return true;
    return false;
}

struct quick quick_of(const struct plan *p)
{
    const struct column *k = p->cell.column;
    struct quick q = {QUICK_NOT, p->field, 0};

    if (p->field < 0 || p->local.decimal != 0 || null_is_a_number(p))
        return q;
    if (k->type == COL_INT) {
        q.kind = k->is_unsigned ? QUICK_UNSIGNED : QUICK_INT;
        q.max = k->is_unsigned ? k->max_u : (uint64_t)k->max;
    } else if (k->type == COL_DOUBLE && !k->is_unsigned && k->precision == 0) {
        q.kind = QUICK_DOUBLE;
    }
    return q;
}

/* One or two digits: most columns of numbers have no more. */
static inline bool few_digits(const char *p, uint32_t n, uint64_t *ret)
{
    unsigned two = 1 - n; /* all ones or none */
    unsigned a = (unsigned)(unsigned char)p[0] - '0', b = ((unsigned)(unsigned char)p[1] - '0') & two;

    *ret = a + (9 * a & two) + b;
    return (a <= 9) & (b <= 9);
}

#ifdef __SSE2__
/* Ones from byte `first` of 16 on. */
static inline __m128i bytes_from(unsigned first)
{
    static const unsigned char ones[2 * WORD] = {[WORD] = 255, 255, 255, 255, 255, 255, 255, 255,
                                                 255,          255, 255, 255, 255, 255, 255, 255};

    return _mm_loadu_si128((const __m128i *)(const void *)(ones + WORD - first));
}

/* The 16 bytes that end where the field does, less '0'. */
static inline __m128i last_bytes(const char *end)
{
    return _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)(end - WORD)), _mm_set1_epi8('0'));
}

/* The number that 16 digits are; false: one is none. */
static inline bool digits_value(__m128i d, uint64_t *ret)
{
    const __m128i nine = _mm_set1_epi8(9);
    bool good = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(d, nine), nine)) == 0xffff;

    /* the first of two neighbours is the higher: tens of two digits, hundreds of four, ten thousands of eight */
    d = _mm_add_epi16(_mm_mullo_epi16(d, _mm_set1_epi16(10)), _mm_srli_epi16(d, 8));
    d = _mm_madd_epi16(_mm_and_si128(d, _mm_set1_epi16(0xff)), _mm_set1_epi32(1 << 16 | 100));
    d = _mm_madd_epi16(_mm_packs_epi32(d, d), _mm_set1_epi32(1 << 16 | 10000));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(d);
    *ret = (both & UINT32_MAX) * 100000000 + (both >> 32);
    return good;
}

static inline bool many_digits(const char *p, uint32_t n, uint64_t *ret)
{
    return digits_value(_mm_and_si128(last_bytes(p + n), bytes_from(WORD - n)), ret);
}

/* Digits with a point among, before or after them, or without. *ret_after: so many digits are after it. */
static inline bool point_digits(const char *p, uint32_t n, uint64_t *ret, unsigned *ret_after)
{
    __m128i d = last_bytes(p + n), field = _mm_and_si128(d, bytes_from(WORD - n));
    unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(field, _mm_set1_epi8('.' - '0')));

    *ret_after = 0;
    if (points == 0)
        return n <= MOST_DIGITS && digits_value(field, ret);
    unsigned at = (unsigned)__builtin_ctz(points);
    /* what is before the point moves into its place; another point is no digit */
    __m128i before = _mm_slli_si128(_mm_andnot_si128(bytes_from(at), field), 1);
    *ret_after = WORD - 1 - at;
    return n > 1 && digits_value(_mm_or_si128(_mm_and_si128(d, bytes_from(at + 1)), before), ret);
}
#else
static inline bool many_digits(const char *p, uint32_t n, uint64_t *ret)
{
    *ret = (uint64_t)n + (p == NULL);
    return false;
}

static inline bool point_digits(const char *p, uint32_t n, uint64_t *ret, unsigned *ret_after)
{
    *ret_after = 0;
    return many_digits(p, n, ret);
}
#endif

static inline bool quick_int(const struct quick *q, struct csv_field f, int64_t *ret)
{
    uint64_t v;

    if (f.n - 1 < 2 && few_digits(f.p, f.n, &v) && v <= q->max) {
        *ret = (int64_t)v;
        return true;
    }
    uint32_t minus = f.p[0] == '-', n = f.n - minus;
    if (n - 1 >= WORD || (minus && q->kind == QUICK_UNSIGNED) || !many_digits(f.p + minus, n, &v) ||
        v > q->max + minus)
        return false;
    *ret = (int64_t)(minus ? -v : v);
    return true;
}

static inline bool quick_double(struct csv_field f, struct batch_col *to, size_t row)
{
    uint32_t minus = f.p[0] == '-', n = f.n - minus;
    uint64_t digits;
    unsigned after;

    if (n - 1 >= WORD || !point_digits(f.p + minus, n, &digits, &after))
        return false;
    /* one division of two exact doubles: what decimal_to_double does */
    double v = (double)(int64_t)digits / power[after];
    to->dbl[row] = minus ? -v : v;
    to->mantissa[row] = minus ? -(int64_t)digits : (int64_t)digits;
    to->exp10[row] = (int16_t)(digits != 0 ? -(int)after : 0);
    return true;
}

size_t quick_cells(const struct converter *c, const struct csv_record *rec, const struct batch *b,
                   size_t from)
{
    const struct csv_field *fields = rec->fields;
    struct batch_col *to = b->cols + from;
    const struct quick *q = c->quick + from, *end = c->quick + c->count;
    size_t row = b->rows;

    if (!rec->padded)
        return from;
    for (; q < end && q->kind != QUICK_NOT; q++, to++) {
        struct csv_field f = fields[q->field];
        bool good = q->kind == QUICK_DOUBLE ? quick_double(f, to, row) : quick_int(q, f, &to->i64[row]);
        const struct plan *p = &c->plans[q - c->quick];
        if (!good && !(p->cell.column->nullable && plan_is_null(p, f)))
            break;
        to->nulls[row] = !good;
    }
    return (size_t)(q - c->quick);
}
