/* A column while it is fed. As long as its values are few, one look-up a cell is all that happens. */
#include "io/profile_int.h"
#include <math.h>

enum { FEW = 4096 /* frequent values, once there are too many */, FEW_SHAPES = 256 };

void column_init(struct column_state *c, struct str name, const char *const *nulls, bool own_nulls,
                 size_t exact, size_t sample_cap)
{
    *c = (struct column_state){.name = xstrndup(name.p, name.n), .nulls = nulls, .sample_cap = sample_cap};
    for (size_t i = 0; nulls != NULL && nulls[i] != NULL; i++) {
        size_t n = strlen(nulls[i]);
        if (n > 0)
            c->null_lengths |= UINT32_C(1) << (n < 31 ? n : 31);
        else
            c->empty_is_null = true;
    }
    c->empty_is_always_null = own_nulls && c->empty_is_null;
    tally_init(&c->tally, exact, FEW < exact ? FEW : exact);
    tally_init(&c->shapes, FEW_SHAPES, FEW_SHAPES);
    c->member = PROFILE_PAIRED;
    c->low.bound = INFINITY;
    c->high.bound = -INFINITY;
}

void column_release(struct column_state *c)
{
    free(c->name);
    tally_release(&c->tally);
    tally_release(&c->shapes);
    free(c->sample.values);
    free(c->hll.max);
}

static bool is_null(const struct column_state *c, const struct csv_field *f)
{
    if (f->p == NULL)
        return true;
    if (f->quoted || (c->null_lengths >> (f->n < 31 ? f->n : 31) & 1) == 0 || f->n == 0)
        return false;
    for (size_t i = 0; c->nulls[i] != NULL; i++)
        if (c->nulls[i][0] == f->p[0] && strlen(c->nulls[i]) == f->n && memcmp(c->nulls[i], f->p, f->n) == 0)
            return true;
    return false;
}

/* --- once the values are many --- */

static void keep(struct kept *k, const struct entry *e)
{
    k->number = e->number;
    k->hash = e->hash;
    k->place = e->place;
    k->n = e->n;
    memcpy(k->text, e->text, e->n < PROFILE_SHOWN ? e->n : PROFILE_SHOWN);
}

/* sign -1 turns the order. */
static void keep_extreme(struct extremes *x, const struct entry *e, double sign)
{
    double v = sign * e->number;
    size_t at = x->count;

    for (size_t i = 0; i < at; i++)
        if (x->of[x->order[i]].number == e->number)
            return;
    uint8_t room = (uint8_t)at;
    if (at == PROFILE_EXAMPLES)
        room = x->order[--at];
    else
        x->count++;
    for (; at > 0 && v > sign * x->of[x->order[at - 1]].number; at--)
        x->order[at] = x->order[at - 1];
    x->order[at] = room;
    keep(&x->of[room], e);
    x->bound = x->count == PROFILE_EXAMPLES ? x->of[x->order[PROFILE_EXAMPLES - 1]].number : -sign * INFINITY;
}

static void see_shape(struct column_state *c, const struct entry *e, int64_t count)
{
    char shape[SHAPE_SIZE + 8] = ""; /* what cell_hash reads beyond it */
    size_t n = cell_shape(e->text, e->n < PROFILE_SHOWN ? e->n : PROFILE_SHOWN, shape);
    uint64_t hash = cell_hash(shape, n);
    struct entry *s = tally_find(&c->shapes, hash);

    if (s->hash == 0) {
        if (tally_is_full(&c->shapes)) {
            tally_shrink(&c->shapes);
            s = tally_find(&c->shapes, hash);
        }
        s = tally_add(&c->shapes, s, hash, shape, n);
        s->place = e->place;
    }
    s->count += count;
}

static void see_number(struct column_state *c, const struct entry *e, int64_t count)
{
    double v = e->number;

    c->zeros += v == 0 ? count : 0;
    c->negatives += v < 0 ? count : 0;
    for (int64_t i = 0; c->tally.over && i < count; i++)
        sample_add(&c->sample, v);
    if (v < c->low.bound)
        keep_extreme(&c->low, e, -1);
    if (v > c->high.bound)
        keep_extreme(&c->high, e, 1);
}

static void keep_example(struct kept *list, size_t *count, const struct entry *e)
{
    size_t at = *count;

    if (at == PROFILE_EXAMPLES && e->place >= list[at - 1].place)
        return;
    if (at == PROFILE_EXAMPLES)
        at--;
    else
        ++*count;
    for (; at > 0 && e->place < list[at - 1].place; at--)
        list[at] = list[at - 1];
    keep(&list[at], e);
}

/* One value, or count equal ones: what cannot be told from the tally once that has run over. */
static void see(struct column_state *c, const struct entry *e, int64_t count)
{
    bool is_date = e->class == CELL_DATE || e->class == CELL_DATETIME;

    c->classes[e->class] += count;
    c->chars += e->chars * count;
    c->min_chars = e->chars < c->min_chars ? e->chars : c->min_chars;
    c->max_chars = e->chars > c->max_chars ? e->chars : c->max_chars;
    keep_example(c->example[e->class], &c->example_count[e->class], e);
    if (e->class != CELL_TEXT && is_date == c->dates)
        see_number(c, e, count);
    if (c->shaped)
        see_shape(c, e, count);
    if ((e->flags & CELL_PADDED) != 0) {
        if (c->padded == 0 || e->place < c->first_padded)
            c->first_padded = e->place;
        c->padded += count;
    }
    if ((e->flags & CELL_BAD_UTF8) != 0) {
        if (c->bad_utf8 == 0 || e->place < c->first_bad_utf8)
            c->first_bad_utf8 = e->place;
        c->bad_utf8 += count;
    }
}

static void see_all(struct column_state *c)
{
    const struct tally *t = &c->tally;
    int64_t classes[CELL_CLASSES] = {0}, all = 0;

    for (size_t i = 0; i < t->slot_count; i++) {
        classes[t->slots[i].class] += t->slots[i].count;
        all += t->slots[i].count;
    }
    int64_t numbers = classes[CELL_INT] + classes[CELL_REAL],
            dates = classes[CELL_DATE] + classes[CELL_DATETIME];
    c->dates = dates > numbers;
    c->shaped = numbers < all - all / 10 && dates < all - all / 10;
    c->rising = (int64_t)t->used == all && numbers == all;
    c->min_chars = INT64_MAX;
    for (size_t i = 0; i < t->slot_count; i++)
        if (t->slots[i].hash != 0)
            see(c, &t->slots[i], t->slots[i].count);
    c->last = c->high.count > 0 ? c->high.of[c->high.order[0]].number : 0;
}

void column_settle(struct column_state *c)
{
    if (!c->settled)
        see_all(c);
    c->settled = true;
}

/* The tally is full: what it knows goes into the sketches, which take over. */
static void run_over(struct column_state *c)
{
    sample_init(&c->sample, c->sample_cap);
    c->tally.over = true;
    column_settle(c);
    for (size_t i = 0; i < c->tally.slot_count; i++)
        if (c->tally.slots[i].hash != 0)
            hll_add(&c->hll, c->tally.slots[i].hash);
    tally_shrink(&c->tally);
}

static void stream(struct column_state *c, const struct entry *e)
{
    hll_add(&c->hll, e->hash);
    see(c, e, 1);
    if (c->rising && e->class <= CELL_REAL && e->number > c->last) {
        c->last = e->number; /* the first of its kind: nothing to count */
        return;
    }
    if (c->rising) {
        c->rising = false;
        c->tally.error++; /* those that were not counted came once each */
    }
    tally_frequent(&c->tally, e);
}

/* --- every cell --- */

/* A form that has not been seen: a guess at the SQL type would look at it. */
static bool is_fresh(struct column_state *c, const struct entry *e)
{
    bool fresh =
        (c->classes_seen >> e->class & 1) == 0 || e->n > c->max_n || (e->n > 15 && e->class <= CELL_REAL);

    c->classes_seen |= 1u << e->class;
    c->max_n = e->n > c->max_n ? e->n : c->max_n;
    return fresh;
}

static double feed_value(struct column_state *c, const struct csv_field *f, uint64_t hash, uint64_t place,
                         bool *fresh)
{
    struct entry *slot = c->tally.over ? NULL : tally_find(&c->tally, hash), e;
    struct cell_look look;

    if (slot != NULL && slot->hash != 0) {
        slot->count++;
        return slot->class <= CELL_REAL ? slot->number : NAN;
    }
    cell_look(f->p, f->n, &look);
    e = (struct entry){hash, 1, look.number, place, f->p, f->n, look.chars, (uint8_t)look.class, look.flags};
    *fresh = is_fresh(c, &e) || *fresh;
    if (slot != NULL && tally_is_full(&c->tally))
        run_over(c);
    if (c->tally.over) {
        stream(c, &e);
    } else {
        slot = tally_add(&c->tally, slot, hash, f->p, f->n);
        e.text = slot->text;
        *slot = e;
    }
    return look.class <= CELL_REAL ? look.number : NAN;
}

enum { A_NULL = 3, AN_EMPTY = 5, AHEAD = 12, CHUNK = 512 /* rows whose hashes are held */ };

/* A cell's value, or what stands for none. */
static inline uint64_t hash_cell(struct column_state *c, const struct csv_field *f)
{
    if (is_null(c, f)) {
        c->nulls_seen++;
        return A_NULL;
    }
    if (f->n == 0) {
        if (f->quoted || !c->empty_is_null)
            c->empty++;
        else
            c->empty_maybe++;
        return AN_EMPTY;
    }
    uint64_t hash = cell_hash(f->p, f->n);
    return hash + (hash <= AN_EMPTY ? AN_EMPTY + 1 : 0); /* theirs are kept free */
}

/* A batch of a column while it is worked. */
struct feeding {
    struct column_state *column;
    uint64_t own; /* hashes are mixed already: a factor tells one column from another */
    const struct csv_field *cells;
    const uint64_t *places;
    double *numbers;
    uint64_t *row_hashes;
    bool *fresh, any;
};

static inline void feed_cell(struct feeding *b, size_t i, uint64_t hash)
{
    b->numbers[i] = NAN;
    b->row_hashes[i] += hash * b->own;
    if (hash <= AN_EMPTY)
        return;
    b->numbers[i] = feed_value(b->column, &b->cells[i], hash, b->places[i], &b->fresh[i]);
    b->any |= b->numbers[i] == b->numbers[i];
}

/* The slot of a value is fetched ahead, since it is seldom in the cache. */
static void feed_rows(struct feeding *b, size_t from, size_t to)
{
    struct column_state *c = b->column;
    uint64_t hashes[CHUNK];

    for (size_t i = from; i < to; i++)
        hashes[i - from] = hash_cell(c, &b->cells[i]);
    for (size_t i = from; i < to; i++) {
        if (i + AHEAD < to && !c->rising)
            __builtin_prefetch(tally_place(&c->tally, hashes[i + AHEAD - from]));
        feed_cell(b, i, hashes[i - from]);
    }
}

/* --- columns of a few short values --- */

/*
 * A value of up to seven bytes is told by them and its length in one word. Those that this batch has had already are
 * found by that word alone, and their counts go to the tally together.
 */
enum { SHORT_BITS = 9, SHORTS = 1 << SHORT_BITS, SHORT_MOST = 7, SHORT_WORTH = 1024 /* rows of a batch */ };
#define SHORT_FACTOR UINT64_C(0xc2ce6f447ed4d57b) /* by which 0 to 99 have a place each */
struct shortly {
    uint64_t word, hash; /* word 0: free */
    double number;
    int64_t count; /* that the tally does not know of */
};

static inline uint64_t short_word(const struct csv_field *f) /* 0: it is not short */
{
    if (f->n - 1 >= SHORT_MOST)
        return 0;
    return hash_eight(f->p) << 8 * (8 - f->n) | f->n | (uint64_t)f->quoted << 3;
}

static void short_told(struct column_state *c, struct shortly *s)
{
    if (s->count > 0 && s->hash == A_NULL)
        c->nulls_seen += s->count;
    else if (s->count > 0)
        tally_find(&c->tally, s->hash)->count += s->count;
    s->count = 0;
}

/* As feed_rows. Returns the rows that are done: fewer where the tally has no room for what comes next. */
static size_t feed_short(struct feeding *b, size_t rows)
{
    struct column_state *c = b->column;
    struct shortly shorts[SHORTS];
    size_t i, missed = 0;

    memset(shorts, 0, sizeof shorts);
    for (i = 0; i < rows; i++) {
        uint64_t word = short_word(&b->cells[i]);
        struct shortly *s = &shorts[word * SHORT_FACTOR >> (64 - SHORT_BITS)];
        if (s->word == word && word != 0) {
            s->count++;
            b->numbers[i] = s->number;
            b->row_hashes[i] += s->hash * b->own;
            continue;
        }
        if (tally_is_full(&c->tally))
            break;
        missed += b->cells[i].n > 0;
        uint64_t hash = hash_cell(c, &b->cells[i]);
        feed_cell(b, i, hash);
        if (word == 0)
            continue;
        short_told(c, s);
        *s = (struct shortly){word, hash, b->numbers[i], 0};
    }
    for (size_t k = 0; k < SHORTS; k++)
        short_told(c, &shorts[k]);
    c->varied = missed > i / 4;
    return i;
}

bool column_feed(struct column_state *c, size_t k, const struct csv_field *cells, const uint64_t *places,
                 size_t rows, double *numbers, uint64_t *row_hashes, bool *fresh)
{
    struct feeding b = {c, hash_mix(k, 1) | 1, cells, places, numbers, row_hashes, fresh, false};
    size_t i = rows >= SHORT_WORTH && !c->varied && !c->tally.over ? feed_short(&b, rows) : 0;

    c->rows += (int64_t)rows;
    for (; i < rows; i += CHUNK)
        feed_rows(&b, i, rows - i < CHUNK ? rows : i + CHUNK);
    return b.any;
}
