#include "base/limits.h"
#include "io/convert.h"
#include "io/profile_int.h"
#include <math.h>

/*
 * Rows are gathered in batches and worked column by column: one column's tally stays in the processor's cache
 * meanwhile. Of a long file, one batch is worked while the next is gathered. All columns together have a budget, so that a wide table takes no more memory than a narrow one.
 */
enum {
    BATCH_CELLS = 256 * 1024,
    APART = 8,          /* cells between columns, lest a row's cells share one set of the processor's cache */
    TAIL = 16,          /* readable bytes behind a batch's last cell */
    MOST_EXACT = 32768, /* values of a column that are counted exactly */
    MOST_SAMPLE = 65536, /* numbers of a column that quantiles are told from */
    LEAST = 256,
    ALL_EXACT = 32 * MOST_EXACT, /* of all columns */
    ALL_SAMPLES = 32 * MOST_SAMPLE,
    LOOKED_AT = 20000,  /* rows for the guess at SQL types */
    ROWS_ALONE = 15000, /* that one thread does by itself */
    COPIES_AHEAD = 16,  /* rows */
};
const double profile_quantiles[PROFILE_QUANTILES] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

struct block {
    struct csv_field *cells; /* owned: [column * stride + row] */
    char *bytes;             /* owned: what cells point into */
    size_t rows, byte_count, byte_cap;
    uint64_t places[BATCH];
};
struct profile {
    struct column_state *columns; /* owned */
    size_t count, batch_rows, stride;
    struct block *filling, *working; /* owned; working NULL: none */
    struct block *spare;             /* owned; NULL: one is at work, or there is no crew */
    struct by_worker {
        uint64_t hashes[BATCH];
        bool fresh[BATCH];
    } workers[CREW_MOST];
    double *numbers;   /* owned: as cells */
    bool *any;         /* owned: a column has numbers in this batch */
    struct crew *crew; /* NULL until there are many rows */
    size_t file, files;
    struct pairs pairs;
    struct copies copies;
    struct infer *infer;           /* owned */
    struct convert_config convert; /* of infer */
    struct convert_rule *rules;    /* owned, names too */
    struct csv_field *one_row;     /* owned: for infer */
    int64_t looked_at;
    struct profile_whole whole;
};

static void make_infer(struct profile *p, const struct profile_config *c)
{
    struct csv_record first = {.fields = p->one_row, .count = p->count};
    struct err ignored;

    p->convert = (struct convert_config){.nulls = c->nulls, .header = false};
    p->rules = xcalloc(p->count, sizeof *p->rules);
    for (size_t i = 0; c->column_nulls != NULL && i < p->count; i++) {
        char *name = xasprintf("%zu", i + 1);
        p->rules[i] = (struct convert_rule){.from = name, .to = name, .nulls = c->column_nulls[i]};
        p->convert.rule_count++;
    }
    p->convert.rules = p->rules;
    p->infer = infer_new(&p->convert);
    if (infer_header(p->infer, &first, &ignored) < 0) { /* no column, or too many */
        infer_free(p->infer);
        p->infer = NULL;
    }
}

static struct block *block_new(const struct profile *p)
{
    struct block *b = xcalloc(1, sizeof *b);

    b->cells = xcalloc(p->count * p->stride + 1, sizeof *b->cells);
    b->byte_cap = MIB;
    b->bytes = xcalloc(b->byte_cap + TAIL, 1);
    return b;
}

static void block_free(struct block *b)
{
    if (b == NULL)
        return;
    free(b->cells);
    free(b->bytes);
    free(b);
}

struct profile *profile_new(const struct profile_config *c, const struct str *names, size_t count)
{
    struct profile *p = xcalloc(1, sizeof *p);
    size_t wide = count > 0 ? count : 1, exact = ALL_EXACT / wide, sample = ALL_SAMPLES / wide;

    exact = exact > MOST_EXACT ? MOST_EXACT : exact < LEAST ? LEAST : exact;
    sample = sample > MOST_SAMPLE ? MOST_SAMPLE : sample < LEAST ? LEAST : sample;
    p->count = count;
    p->batch_rows = BATCH_CELLS / wide < BATCH ? BATCH_CELLS / wide : BATCH;
    p->stride = p->batch_rows + APART;
    p->columns = xcalloc(wide, sizeof *p->columns);
    p->filling = block_new(p);
    p->numbers = xcalloc(wide * p->stride, sizeof *p->numbers);
    p->any = xcalloc(wide, sizeof *p->any);
    p->one_row = xcalloc(wide, sizeof *p->one_row);
    for (size_t i = 0; i < count; i++) {
        const char *const *own = c->column_nulls != NULL ? c->column_nulls[i] : NULL;
        column_init(&p->columns[i], names[i], own != NULL ? own : c->nulls, own != NULL, exact,
                    sample & ~(size_t)1);
    }
    make_infer(p, c);
    return p;
}

void profile_free(struct profile *p)
{
    if (p == NULL)
        return;
    if (p->working != NULL)
        crew_finish(p->crew);
    crew_free(p->crew);
    for (size_t i = 0; i < p->count; i++)
        column_release(&p->columns[i]);
    for (size_t i = 0; i < p->convert.rule_count; i++)
        free((char *)(uintptr_t)p->rules[i].from);
    free(p->rules);
    infer_free(p->infer);
    pairs_release(&p->pairs);
    free(p->copies.slots);
    free(p->columns);
    block_free(p->filling);
    block_free(p->working);
    block_free(p->spare);
    free(p->numbers);
    free(p->any);
    free(p->one_row);
    free(p);
}

size_t profile_columns(const struct profile *p)
{
    return p->count;
}

/* --- batches --- */

static void look_at_types(struct profile *p, const struct block *b)
{
    struct csv_record rec = {.fields = p->one_row, .count = p->count};

    for (size_t r = 0; p->infer != NULL && r < b->rows && p->looked_at < LOOKED_AT; r++) {
        if (!p->workers[0].fresh[r])
            continue;
        p->looked_at++;
        for (size_t k = 0; k < p->count; k++)
            p->one_row[k] = b->cells[k * p->stride + r];
        infer_row(p->infer, &rec);
    }
}

static void batch_moments(struct column_state *c, const double *x, size_t rows)
{
    double n = 0, sum = 0, m2 = 0;

    for (size_t i = 0; i < rows; i++)
        if (x[i] == x[i]) {
            n++;
            sum += x[i];
        }
    for (size_t i = 0; i < rows; i++)
        if (x[i] == x[i])
            m2 += (x[i] - sum / n) * (x[i] - sum / n);
    if (n > 0)
        moments_add(&c->moments, n, sum / n, m2);
}

static void take_numbers(struct profile *p, size_t k)
{
    struct column_state *c = &p->columns[k];
    const double *numbers = &p->numbers[k * p->stride];
    size_t rows = p->working->rows;

    if (c->member == PROFILE_PAIRED) {
        batch_moments(c, numbers, p->any[k] ? rows : 0);
        return;
    }
    pairs_column(&p->pairs, c->member, numbers, rows);
    moments_add(&c->moments, p->pairs.n[c->member], p->pairs.mean[c->member], p->pairs.xx[c->member]);
}

/* A column that has its first numbers: who joins is settled in the columns' order, when all are done. */
static bool joins_later(const struct profile *p, size_t k)
{
    return p->columns[k].member == PROFILE_PAIRED && p->any[k] && p->pairs.count < PROFILE_PAIRED;
}

static void work_column(void *arg, size_t k, size_t worker)
{
    struct profile *p = arg;
    const struct block *b = p->working;
    struct by_worker *w = &p->workers[worker];

    p->any[k] = column_feed(&p->columns[k], k, &b->cells[k * p->stride], b->places, b->rows,
                            &p->numbers[k * p->stride], w->hashes, w->fresh);
    if (!joins_later(p, k))
        take_numbers(p, k);
}

/* What needs whole rows. */
static void work_rows(struct profile *p, const struct block *b)
{
    struct by_worker *sum = &p->workers[0];

    for (size_t w = 1; w < CREW_MOST && p->crew != NULL; w++)
        for (size_t r = 0; r < b->rows; r++) {
            sum->hashes[r] += p->workers[w].hashes[r];
            sum->fresh[r] |= p->workers[w].fresh[r];
        }
    for (size_t r = 0; r < b->rows; r++) {
        if (r + COPIES_AHEAD < b->rows)
            copies_ahead(&p->copies, sum->hashes[r + COPIES_AHEAD]);
        if (copies_wants(&p->copies, sum->hashes[r]))
            copies_add(&p->copies, sum->hashes[r], b->places[r]);
    }
    look_at_types(p, b);
}

static void work_pairs(void *arg, size_t part, size_t worker)
{
    struct profile *p = arg;

    UNUSED(worker);
    if (part == 0)
        work_rows(p, p->working);
    else
        pairs_batch(&p->pairs, part - 1, p->working->rows);
}

static void begin_work(struct profile *p, crew_fn *fn, size_t parts)
{
    if (p->crew != NULL)
        crew_start(p->crew, fn, p, parts);
    for (size_t i = 0; i < parts && p->crew == NULL; i++)
        fn(p, i, 0);
}

static void end_work(struct profile *p)
{
    if (p->crew != NULL)
        crew_finish(p->crew);
}

/* The batch that is at work, to its end. */
static void finish(struct profile *p)
{
    struct block *b = p->working;

    if (b == NULL)
        return;
    end_work(p);
    for (size_t k = 0; k < p->count; k++) {
        if (p->columns[k].member < PROFILE_PAIRED || !joins_later(p, k))
            continue;
        p->columns[k].member = pairs_join(&p->pairs);
        take_numbers(p, k);
    }
    begin_work(p, work_pairs, 1 + p->pairs.count);
    end_work(p);
    b->rows = b->byte_count = 0;
    p->working = NULL;
    p->spare = b;
}

/* The batch that is filled goes to work, and there is an empty one. */
static void flush(struct profile *p)
{
    finish(p);
    if (p->crew == NULL && p->whole.rows > ROWS_ALONE)
        p->crew = crew_new();
    memset(p->workers, 0, sizeof p->workers);
    p->working = p->filling;
    p->filling = p->spare;
    p->spare = NULL;
    begin_work(p, work_column, p->count);
    if (p->crew == NULL) {
        finish(p);
        p->filling = p->spare;
        p->spare = NULL;
    } else if (p->filling == NULL) {
        p->filling = block_new(p);
    }
}

/* Room for n bytes that stay where they are until the batch is worked. */
static char *reserve(struct profile *p, size_t n)
{
    if (p->filling->byte_count + n > p->filling->byte_cap && p->filling->rows > 0)
        flush(p);
    struct block *b = p->filling;
    if (n > b->byte_cap) {
        free(b->bytes);
        b->byte_cap = n;
        b->bytes = xcalloc(n + TAIL, 1);
    }
    char *at = b->bytes + b->byte_count;
    b->byte_count += n;
    return at;
}

static void end_row(struct profile *p, int64_t line)
{
    p->filling->places[p->filling->rows++] = (uint64_t)p->file << 40 | (uint64_t)line;
    p->whole.rows++;
    if (p->filling->rows == p->batch_rows)
        flush(p);
}

void profile_row(struct profile *p, const struct csv_field *cells, int64_t line)
{
    size_t n = 0;

    for (size_t k = 0; k < p->count; k++)
        n += cells[k].n;
    char *to = reserve(p, n);
    struct csv_field *f = &p->filling->cells[p->filling->rows];
    for (size_t k = 0; k < p->count; k++, f += p->stride) {
        *f = cells[k];
        if (f->p == NULL)
            continue;
        if (f->n > 0)
            memcpy(to, f->p, f->n);
        f->p = to;
        to += f->n;
    }
    end_row(p, line);
}

static void bad_record(struct profile *p, int64_t line, const char *code, const char *message)
{
    struct profile_whole *w = &p->whole;

    w->bad++;
    if (w->bad_count == PROFILE_EXAMPLES)
        return;
    snprintf(w->bad_examples[w->bad_count].code, sizeof w->bad_examples->code, "%s", code);
    snprintf(w->bad_examples[w->bad_count].message, sizeof w->bad_examples->message, "%s", message);
    w->bad_examples[w->bad_count++].place = (struct profile_place){p->file, line};
}

void profile_record(struct profile *p, const struct csv_record *rec)
{
    char text[80];

    if (rec->code != CSV_GOOD) {
        bad_record(p, rec->line, csv_code_name(rec->code), rec->message);
        return;
    }
    if (rec->count != p->count) {
        snprintf(text, sizeof text, "%zu fields where the first record has %zu", rec->count, p->count);
        bad_record(p, rec->line, "FIELD_COUNT", text);
        return;
    }
    /* nearly always the fields stand in the record: one copy for all of them */
    const char *raw = rec->raw;
    char *to = reserve(p, rec->raw_n);
    struct csv_field *f = &p->filling->cells[p->filling->rows];
    for (size_t k = 0; k < rec->count; k++, f += p->stride) {
        uintptr_t at = (uintptr_t)rec->fields[k].p - (uintptr_t)raw;
        if (at > rec->raw_n) {
            p->filling->byte_count -= rec->raw_n;
            profile_row(p, rec->fields, rec->line);
            return;
        }
        *f = (struct csv_field){to + at, rec->fields[k].n, rec->fields[k].quoted};
    }
    if (rec->raw_n > 0)
        memcpy(to, raw, rec->raw_n);
    end_row(p, rec->line);
}

size_t profile_next_file(struct profile *p)
{
    p->file = p->files++;
    return p->file;
}

void profile_end(struct profile *p)
{
    if (p->filling->rows > 0)
        flush(p);
    finish(p);
}

/* --- answers --- */

void profile_column(struct profile *p, size_t k, struct profile_column *ret)
{
    const char *name;

    column_report(&p->columns[k], ret);
    ret->sql_type = "";
    if (p->infer != NULL)
        infer_column(p->infer, k, &name, &ret->sql_type);
}

void profile_whole(const struct profile *p, struct profile_whole *ret)
{
    const struct copies *c = &p->copies;

    *ret = p->whole;
    ret->copies = copies_count(c);
    ret->copies_exact = c->shift == 0;
    ret->copy_count = c->example_count;
    memcpy(ret->copy, c->example, sizeof ret->copy);
}

bool profile_is_paired(const struct profile *p, size_t k)
{
    return p->columns[k].member < PROFILE_PAIRED;
}

double profile_correlation(const struct profile *p, size_t a, size_t b, int64_t *ret_n)
{
    size_t x = p->columns[a].member, y = p->columns[b].member;

    *ret_n = 0;
    if (x >= PROFILE_PAIRED || y >= PROFILE_PAIRED || x == y)
        return NAN;
    const struct comoment *c = &p->pairs.all[x < y ? x * PROFILE_PAIRED + y : y * PROFILE_PAIRED + x];
    *ret_n = (int64_t)c->n;
    if (c->n < 2 || !(c->xx > 0) || !(c->yy > 0))
        return NAN;
    double r = c->xy / (sqrt(c->xx) * sqrt(c->yy));
    return r > 1 ? 1 : r < -1 ? -1 : r;
}
