/* What is told of a column, from its tally while that is exact, else from the sketches. */
#include "io/profile_int.h"
#include <math.h>

struct spread {           /* of the numbers of a column, in order */
    struct point *points; /* owned */
    size_t n;
    int64_t all;
    double scale; /* a point's count stands for so many */
};

static struct profile_value value_of(const char *text, size_t n, int64_t count, uint64_t place)
{
    return (struct profile_value){text, n < PROFILE_SHOWN ? n : PROFILE_SHOWN, n, count, place_of(place)};
}

static bool is_number(enum profile_type t)
{
    return t == PROFILE_INT || t == PROFILE_REAL;
}

static bool is_date(enum profile_type t)
{
    return t == PROFILE_DATE || t == PROFILE_DATETIME;
}

static bool fits(enum profile_type t, unsigned class)
{
    return is_number(t) ? class == CELL_INT || class == CELL_REAL
           : is_date(t) ? class == CELL_DATE || class == CELL_DATETIME
                        : true;
}

/* --- types and counts --- */

/* What nine in ten values are is the column's type: one stray word makes no text of a column of numbers. */
static enum profile_type type_of(const int64_t *classes)
{
    int64_t numbers = classes[CELL_INT] + classes[CELL_REAL],
            dates = classes[CELL_DATE] + classes[CELL_DATETIME];
    int64_t all = numbers + dates + classes[CELL_TEXT];

    if (all == 0)
        return PROFILE_NOTHING;
    if (numbers >= all - all / 10)
        return classes[CELL_REAL] > 0 ? PROFILE_REAL : PROFILE_INT;
    if (dates >= all - all / 10)
        return classes[CELL_DATETIME] > 0 ? PROFILE_DATETIME : PROFILE_DATE;
    return PROFILE_TEXT;
}

static void report_counts(struct column_state *c, struct profile_column *ret)
{
    bool maybe_null = ret->type != PROFILE_TEXT || c->empty_is_always_null;

    ret->rows = c->rows;
    ret->nulls = c->nulls_seen + (maybe_null ? c->empty_maybe : 0);
    ret->empty = c->empty + (maybe_null ? 0 : c->empty_maybe);
    for (size_t k = 0; k < CELL_CLASSES; k++)
        ret->values += c->classes[k];
    ret->min_chars = ret->values > 0 ? c->min_chars : 0;
    ret->max_chars = c->max_chars;
    ret->mean_chars = ret->values > 0 ? (double)c->chars / (double)ret->values : 0;
    ret->padded = c->padded;
    ret->bad_utf8 = c->bad_utf8;
    ret->first_padded = place_of(c->first_padded);
    ret->first_bad_utf8 = place_of(c->first_bad_utf8);
}

static void report_distinct(const struct column_state *c, struct profile_column *ret)
{
    const struct tally *t = &c->tally;

    ret->distinct_exact = !t->over || c->rising;
    if (!t->over)
        ret->distinct = (int64_t)t->used;
    else if (c->rising)
        ret->distinct = ret->values;
    else
        ret->distinct = (int64_t)llround(hll_count(&c->hll));
    if (ret->distinct > ret->values)
        ret->distinct = ret->values;
    if (ret->values == 0 || ret->nulls + ret->empty > 0)
        ret->unique = PROFILE_REPEATS; /* a key has a value in every row */
    else if (ret->distinct_exact)
        ret->unique = ret->distinct == ret->values ? PROFILE_UNIQUE : PROFILE_REPEATS;
    else
        ret->unique =
            (double)ret->distinct > 0.96 * (double)ret->values ? PROFILE_PERHAPS_UNIQUE : PROFILE_REPEATS;
}

/* --- numbers --- */

static void spread_of(const struct column_state *c, enum profile_type type, struct spread *s)
{
    const struct tally *t = &c->tally;

    *s = (struct spread){.scale = 1};
    if (!is_number(type) && !is_date(type))
        return;
    if (!t->over) {
        s->points = xcalloc(t->used + 1, sizeof *s->points);
        for (size_t i = 0; i < t->slot_count; i++)
            if (t->slots[i].hash != 0 && fits(type, t->slots[i].class))
                s->points[s->n++] = (struct point){t->slots[i].number, t->slots[i].count};
    } else if (c->dates == is_date(type)) {
        s->points = xcalloc(c->sample.n + 1, sizeof *s->points);
        for (size_t i = 0; i < c->sample.n; i++)
            s->points[s->n++] = (struct point){c->sample.values[i], 1};
    }
    points_sort(s->points, s->n);
    for (size_t i = 0; i < s->n; i++)
        s->all += s->points[i].count;
}

/* As numpy and R's type 7: between the two neighbours. */
static double quantile(const struct spread *s, double q)
{
    double at = (double)(s->all - 1) * q, whole = floor(at);
    int64_t before = 0, low = (int64_t)whole;

    for (size_t i = 0; i < s->n; i++) {
        before += s->points[i].count;
        if (low >= before)
            continue;
        double a = s->points[i].v, b = low + 1 < before || i + 1 == s->n ? a : s->points[i + 1].v;
        return a + (b - a) * (at - whole);
    }
    return NAN;
}

static void add_bin(struct profile_column *ret, double from, double to, bool tail)
{
    ret->bins[ret->bin_count++] = (struct profile_bin){from, to, 0, tail};
}

/* Bins as wide as Freedman and Diaconis advise; what lies far out goes into one bin at either end. */
static void make_bins(const struct spread *s, struct profile_column *ret)
{
    double low = ret->min, high = ret->max, iqr = ret->quantiles[4] - ret->quantiles[2];
    double p1 = ret->quantiles[0], p99 = ret->quantiles[6], reach = p99 - p1;
    int n;

    if (reach > 0 && low < p1 - reach)
        low = p1;
    if (reach > 0 && high > p99 + reach)
        high = p99;
    bool whole = ret->type == PROFILE_INT || ret->type == PROFILE_DATE;
    double unit = ret->type == PROFILE_DATE ? 86400 : 1;
    double width = iqr > 0 ? 2 * iqr / cbrt((double)s->all) : (high - low) / 20;
    n = width > 0 && (high - low) / width < PROFILE_BINS - 2 ? (int)ceil((high - low) / width)
                                                             : PROFILE_BINS - 2;
    if (n < 8)
        n = 8;
    if (whole) { /* a bin holds whole numbers, and as many as the next */
        double each = ceil(((high - low) / unit + 1) / n);
        low = floor(low / unit) * unit;
        n = (int)ceil(((high - low) / unit + 1) / each);
        width = each * unit;
    } else {
        width = (high - low) / n;
    }
    if (ret->min < low)
        add_bin(ret, ret->min, low, true);
    if (!(width > 0) || !isfinite(width)) {
        add_bin(ret, ret->min, ret->max, false);
        n = 0;
    }
    for (int i = 0; i < n; i++)
        add_bin(ret, low + i * width, !whole && i + 1 == n ? high : low + (i + 1) * width, false);
    double end = ret->bins[ret->bin_count - 1].to;
    if (ret->max > end || (ret->max == end && whole))
        add_bin(ret, end, ret->max, true);
}

static void fill_bins(const struct spread *s, struct profile_column *ret)
{
    double part = 0;
    size_t bin = 0;

    for (size_t i = 0; i < s->n; i++) {
        for (; bin + 1 < ret->bin_count && s->points[i].v >= ret->bins[bin].to; bin++)
            part = 0;
        part += (double)s->points[i].count * s->scale;
        ret->bins[bin].count = (int64_t)llround(part);
    }
}

static void count_odd(const struct spread *s, struct profile_column *ret)
{
    double iqr = ret->quantiles[4] - ret->quantiles[2], odd = 0;

    ret->fence_low = ret->fence_high = NAN;
    if (!(iqr > 0)) /* half of all values are one: everything else would be odd */
        return;
    ret->fence_low = ret->quantiles[2] - 3 * iqr;
    ret->fence_high = ret->quantiles[4] + 3 * iqr;
    for (size_t i = 0; i < s->n; i++)
        if (s->points[i].v < ret->fence_low || s->points[i].v > ret->fence_high)
            odd += (double)s->points[i].count * s->scale;
    ret->odd = (int64_t)llround(odd);
}

static void report_extremes(const struct column_state *c, const struct extremes *x, struct profile_value *ret)
{
    for (size_t i = 0; i < x->count; i++) {
        const struct kept *e = &x->of[x->order[i]];
        ret[i] = value_of(e->text, e->n, tally_find(&c->tally, e->hash)->count, e->place);
    }
}

static void report_numbers(struct column_state *c, struct profile_column *ret)
{
    struct spread s;

    ret->min = ret->max = ret->mean = ret->stddev = ret->fence_low = ret->fence_high = NAN;
    spread_of(c, ret->type, &s);
    if (s.n == 0)
        goto out;
    ret->quantiles_exact = !c->tally.over || c->sample.weight == 1;
    ret->quantile_error = ret->quantiles_exact ? 0 : 0.5 / sqrt((double)s.n);
    int first = is_date(ret->type) ? CELL_DATE : CELL_INT;
    ret->numbers = c->classes[first] + c->classes[first + 1];
    s.scale = (double)ret->numbers / (double)s.all;
    ret->min = c->tally.over ? c->low.of[c->low.order[0]].number : s.points[0].v;
    ret->max = c->tally.over ? c->high.of[c->high.order[0]].number : s.points[s.n - 1].v;
    if (is_number(ret->type)) {
        ret->mean = c->moments.mean;
        ret->stddev = c->moments.n > 1 ? sqrt(c->moments.m2 / (c->moments.n - 1)) : NAN;
        ret->zeros = c->zeros;
        ret->negatives = c->negatives;
    }
    for (size_t i = 0; i < PROFILE_QUANTILES; i++)
        ret->quantiles[i] = quantile(&s, profile_quantiles[i]);
    make_bins(&s, ret);
    fill_bins(&s, ret);
    count_odd(&s, ret);
    ret->low_count = c->low.count;
    ret->high_count = c->high.count;
    report_extremes(c, &c->low, ret->low);
    report_extremes(c, &c->high, ret->high);
out:
    free(s.points);
}

/* --- values --- */

static void add_placeholder(struct profile_column *ret, struct profile_value v)
{
    if (ret->placeholder_count < PROFILE_EXAMPLES)
        ret->placeholders[ret->placeholder_count++] = v;
}

/* 98 where all other values are 49 or less; -1 where no other is below 0. */
static void coded(const struct extremes *x, const struct profile_value *values, bool high,
                  struct profile_column *ret)
{
    size_t n = 0;
    double v[PROFILE_EXAMPLES] = {0};

    for (size_t i = 0; i < x->count; i++)
        v[i] = x->of[x->order[i]].number;
    while (n < x->count && cell_is_coded(v[n]) && (v[n] > 0) == high)
        n++;
    if (n == x->count)
        return;
    for (size_t i = 0; i < n; i++)
        if (high ? v[n] <= v[i] / 2 : v[n] >= 0)
            add_placeholder(ret, values[i]);
}

static bool is_placeholder(const struct entry *e)
{
    return e->class == CELL_TEXT && cell_is_placeholder(e->text, e->n < PROFILE_SHOWN ? e->n : PROFILE_SHOWN);
}

static void report_placeholders(const struct column_state *c, struct profile_column *ret)
{
    struct entry top[PROFILE_EXAMPLES];

    if (is_number(ret->type)) {
        coded(&c->high, ret->high, true, ret);
        coded(&c->low, ret->low, false, ret);
    }
    size_t n = tally_top(&c->tally, is_placeholder, top, PROFILE_EXAMPLES);
    for (size_t i = 0; i < n; i++)
        add_placeholder(ret, value_of(top[i].text, top[i].n, top[i].count, top[i].place));
}

static void report_misfits(const struct column_state *c, struct profile_column *ret)
{
    for (unsigned k = 0; k < CELL_CLASSES; k++) {
        if (fits(ret->type, k))
            continue;
        ret->misfits += c->classes[k];
        for (size_t i = 0; i < c->example_count[k] && ret->misfit_count < PROFILE_EXAMPLES; i++) {
            const struct kept *e = &c->example[k][i];
            ret->misfit[ret->misfit_count++] = value_of(e->text, e->n, 0, e->place);
        }
    }
}

static void report_texts(struct column_state *c, struct profile_column *ret)
{
    struct entry top[PROFILE_TOP];

    ret->top_error = c->tally.error;
    ret->top_count = tally_top(&c->tally, NULL, top, PROFILE_TOP);
    for (size_t i = 0; i < ret->top_count; i++)
        ret->top[i] = value_of(top[i].text, top[i].n, top[i].count, top[i].place);
    if (ret->type != PROFILE_TEXT)
        return;
    ret->shape_error = c->shapes.error;
    ret->shape_count = tally_top(&c->shapes, NULL, top, PROFILE_SHAPES);
    for (size_t i = 0; i < ret->shape_count; i++)
        ret->shapes[i] = value_of(top[i].text, top[i].n, top[i].count, top[i].place);
}

void column_report(struct column_state *c, struct profile_column *ret)
{
    *ret = (struct profile_column){.name = c->name};
    column_settle(c);
    ret->type = type_of(c->classes);
    report_counts(c, ret);
    report_distinct(c, ret);
    report_numbers(c, ret);
    report_texts(c, ret);
    report_misfits(c, ret);
    report_placeholders(c, ret);
}
