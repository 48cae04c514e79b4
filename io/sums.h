#ifndef IO_SUMS_H
#define IO_SUMS_H
#include "base/json.h"
#include "io/table.h"
/*
 * Exact sums, the same on both sides whatever the order of the rows.
 *   numbers: sum of the decimal values, exactly (256-bit, scale 30). Of a DOUBLE the value is its shortest
 *     decimal that reads back as the same double, cut at 30 decimal places half away from zero, as the
 *     server's CAST(x AS DECIMAL(65,30)) does; where |x| >= 1e25 only the number of such values counts.
 *   text, binary, times: sum of CRC32 over the bytes (UTF-8; times in the server's own text form; CHAR
 *     without trailing blanks).
 */
struct dec256 {
    uint64_t w[4]; /* two's complement, little endian */
};
void dec256_add_scaled(struct dec256 *a, int64_t mantissa,
                       int exp10_plus_30); /* a += mantissa * 10^(k-30), 0 <= k <= 75 */
/* What stays of a mantissa when its last `drop` digits go: rounded half away from zero. */
int64_t decimal_cut(int64_t mantissa, int drop);
NODISCARD int dec256_add_text(struct dec256 *a, struct str decimal,
                              struct err *err);         /* [-]digits[.digits], <= 30 after the point */
void dec256_text(const struct dec256 *a, char out[96]); /* shortest: "-12.5", "0" */
/* mantissa * 10^(k-30) with all 30 digits after the point, as DECIMAL(65,30) is written. */
struct str dec256_digits(int64_t mantissa, int exp10_plus_30, char out[130]);
bool dec256_equal(const struct dec256 *a, const struct dec256 *b);

/*
 * Sums of doubles to the last bit, of any magnitude: fixed point, two's complement, in units of 2^-BITS_LOW. What is
 * parsed and what is stored are compared by it before COMMIT, so that one unit in the last place of one value is seen.
 */
#define BITS_LOW   1088
#define BITS_WORDS 34
struct bits {
    uint64_t w[BITS_WORDS]; /* little endian */
};
void bits_add(struct bits *b, int64_t mantissa,
              int exp2); /* += mantissa * 2^exp2, -BITS_LOW <= exp2 <= 1023 */
void bits_add_double(struct bits *b, double v, int exp2); /* += v * 2^exp2; what is too fine still shows */
void bits_add_all(struct bits *a, const struct bits *b);
double bits_double(const struct bits *b); /* nearly */

enum sum_kind { SUM_NONE, SUM_NUMBER, SUM_DOUBLE, SUM_CRC };
enum sum_kind sum_kind_of(const struct column *c);
/* verify: full. Of numbers and dates: the least and the greatest, as the server writes them. Of every cell: the sum of
 * CRC32 over its line, ':' and its text, so that cells that have changed places are seen. */
#define EXTREME_SIZE 80
struct full {
    char min[EXTREME_SIZE], max[EXTREME_SIZE]; /* "": there is no value */
    bool loose;                                /* a row was taken back: min and max are not known any more */
    struct dec256 check;
};
struct col_sum {
    int64_t nulls;
    int64_t large; /* SUM_DOUBLE: values with |x| >= 1e25 */
    struct dec256 sum;
    /* SUM_DOUBLE, of values as parsed, and what is asked for in their place: each is below 2^high and a multiple of
     * 2^low, or 0; low > high where all are */
    struct bits *bits; /* owned; NULL: 0 */
    int16_t low, high;
    bool bounded;      /* low and high are known: bits are what is compared */
    bool negative;     /* values below 0 were seen */
    struct full *full; /* owned; NULL: nothing yet, or not wanted */
};
void dec256_take(struct dec256 *a, const struct dec256 *b); /* a -= b */
struct sums { /* one col_sum per column of a table, by its index; unused ones stay zero */
    int64_t rows;
    size_t count;
    struct col_sum *cols; /* owned */
    bool *used;           /* owned: columns that the load fills */
    bool full;            /* verify: full */
};
void sums_init(struct sums *s, size_t columns);
void sums_release(struct sums *s);
/* Adds b's rows and columns to a; both of one table. The bounds of a stay. */
void sums_add(struct sums *a, const struct sums *b, const struct table *t);
/* Made to hold what is stored, by the bounds of what was parsed: doubles are then summed and compared to the last bit. */
void sums_like(struct sums *ret, const struct sums *parsed);
/* Empties it, and forgets the bounds: what is asked next is the decimal sum, which the ledger keeps. */
void sums_unbound(struct sums *s);
void sums_empty(struct sums *s);           /* the bounds stay */
struct bits *sums_bits(struct col_sum *c); /* makes it when needed */
struct full *sums_full(struct col_sum *c);
bool has_extremes(const struct column *c);
/* Widens min and max by a value as text. */
void full_extreme(struct full *f, const struct column *c, struct str value);
/* Takes from a what b counts, column by column where both are used; the rows too. */
void sums_take(struct sums *a, const struct sums *b);
/* Beside the columns, the record of an upsert (io/target_upsert.h): no column of a file can be called so. */
#define SUMS_UPSERT "_orch_upsert"
/* {"MonthlyIncome":{"nulls":29731,"sum":"802220838"},...}; "large" only where not 0. Returns owned. */
json_t *sums_to_json(const struct sums *s, const struct table *t);
NODISCARD int sums_from_json(const json_t *v, int64_t rows, const struct table *t, struct sums *ret,
                             struct err *err);
/* A difference; for words: "column MonthlyIncome: sum 802220838 in the file, 802220837 in the table". */
struct sums_diff {
    char column[200] /* "": the table's rows */, what[16] /* rows, nulls, sum, large */, source[96],
        target[96];
};
size_t sums_compare(const struct sums *source, const struct sums *target, const struct table *t,
                    struct sums_diff *ret,
                    size_t max); /* number of differences, of which at most max are stored */
#endif
