#ifndef IO_PROFILE_H
#define IO_PROFILE_H
#include "io/csv.h"
/*
 * What a file or a table holds, column by column, in one pass and bounded memory. Fed row by row; knows nothing of
 * files, tables or reports. Exact while a column has few distinct values (up to profile_limits.exact of them);
 * beyond that counts, means and extremes stay exact, and the rest is estimated, with the error stated:
 *   distinct     HyperLogLog, 16,384 registers: standard error 0.81 %
 *   quantiles    of a sample, one value of each run of w in a row: standard error of the rank <= 0.28 %
 *   top values   frequent items with a count that is too low by at most top_error
 *   copies       rows that repeat an earlier one, from a sample of all distinct rows
 * The same rows give the same answers.
 */
enum profile_type {
    PROFILE_NOTHING,
    PROFILE_INT,
    PROFILE_REAL,
    PROFILE_DATE,
    PROFILE_DATETIME,
    PROFILE_TEXT
};
enum profile_unique { PROFILE_REPEATS, PROFILE_UNIQUE, PROFILE_PERHAPS_UNIQUE };
enum {
    PROFILE_TOP = 10,
    PROFILE_SHAPES = 5,
    PROFILE_EXAMPLES = 5,
    PROFILE_BINS = 40,
    PROFILE_QUANTILES = 7,
    PROFILE_SHOWN = 100, /* bytes of a value that are kept to show it */
    PROFILE_PAIRED = 40, /* columns of numbers that are correlated */
};
extern const double profile_quantiles[PROFILE_QUANTILES]; /* 0.01 ... 0.99 */

struct profile_config {                     /* borrowed until profile_free */
    const char *const *nulls;               /* NULL-ended spellings of NULL where a field is not quoted */
    const char *const *const *column_nulls; /* per column in place of nulls; NULL, or NULL of one: none */
};
struct profile_place { /* line 0: nowhere */
    size_t file;
    int64_t line;
};
struct profile_value { /* borrows from the profile */
    const char *text;
    size_t n, whole_n; /* n < whole_n: cut to show it */
    int64_t count;
    struct profile_place first;
};
struct profile_bin { /* [from, to), the last one with its end */
    double from, to;
    int64_t count;
    bool tail; /* wider than the others: what lies far out */
};
struct profile_column {
    const char *name;
    enum profile_type type;             /* of nearly all values: the rest are misfits */
    const char *sql_type;               /* what orch would make for the column */
    int64_t rows, nulls, empty, values; /* rows = nulls + empty + values */
    int64_t distinct;
    bool distinct_exact;
    enum profile_unique unique;
    /* of numbers; of dates seconds since 1970 */
    int64_t numbers, zeros, negatives;
    double min, max, mean, stddev; /* stddev of a sample (n - 1); NAN for one number */
    bool quantiles_exact;
    double quantile_error; /* standard error of the rank, 0.0028 */
    double quantiles[PROFILE_QUANTILES];
    struct profile_bin bins[PROFILE_BINS];
    size_t bin_count;
    double fence_low, fence_high; /* three interquartile ranges outside of the quartiles; NAN: none */
    int64_t odd;                  /* values beyond them; estimated where quantiles are */
    struct profile_value low[PROFILE_EXAMPLES],
        high[PROFILE_EXAMPLES]; /* lowest, highest; count 0: unknown */
    size_t low_count, high_count;
    /* of the values as texts */
    struct profile_value top[PROFILE_TOP], shapes[PROFILE_SHAPES];
    size_t top_count, shape_count;
    int64_t top_error, shape_error; /* a count is too low by at most so many; 0: exact */
    int64_t min_chars, max_chars;
    double mean_chars;
    int64_t misfits; /* values that are not of the column's type */
    struct profile_value misfit[PROFILE_EXAMPLES], placeholders[PROFILE_EXAMPLES];
    size_t misfit_count, placeholder_count;
    int64_t padded, bad_utf8; /* with blanks at either end; no UTF-8 */
    struct profile_place first_padded, first_bad_utf8;
};
struct profile_copy {
    struct profile_place first, again;
};
struct profile_whole {
    int64_t rows, bad; /* records that could be read; those that could not, or had another number of fields */
    int64_t copies;    /* rows that repeat an earlier one */
    bool copies_exact;
    struct profile_copy copy[3];
    size_t copy_count;
    struct {
        char code[32], message[160];
        struct profile_place place;
    } bad_examples[PROFILE_EXAMPLES];
    size_t bad_count;
};
struct profile;
/* names: of the columns, copied. At most MAX_COLUMNS. */
struct profile *profile_new(const struct profile_config *c, const struct str *names, size_t count);
void profile_free(struct profile *p);
size_t profile_columns(const struct profile *p);
/* From now on lines are of another file. Returns its number: the first is 0. */
size_t profile_next_file(struct profile *p);
/* One row: as many cells as columns, p NULL: NULL. Copied. */
void profile_row(struct profile *p, const struct csv_field *cells, int64_t line);
/* A record as the reader gave it: one that is broken or of another width counts as bad. */
void profile_record(struct profile *p, const struct csv_record *rec);
/* Nothing is fed any more; now the answers may be asked for. */
void profile_end(struct profile *p);
void profile_column(struct profile *p, size_t k, struct profile_column *ret);
void profile_whole(const struct profile *p, struct profile_whole *ret);
/* Pearson's r of the rows in which both columns are numbers, *ret_n of them; NAN where there is none. */
double profile_correlation(const struct profile *p, size_t a, size_t b, int64_t *ret_n);
bool profile_is_paired(const struct profile *p, size_t k); /* among the first PROFILE_PAIRED of numbers */
#endif
