/* The reading half of the load pipeline: objects to typed batches, ahead of the lanes by a bounded queue. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/loader_int.h"

enum {
    AHEAD = 24, /* small objects that are on their way at once */
    HOLD_MS = 100,
    WORTH_READING = 40, /* so many chunks are passed over while one is loaded */
};

struct feed {
    struct loader *l;
    struct lane *lane; /* whose source is read */
    struct lane *to;   /* where items go */
    struct loader_unit *unit;
    struct loader_object *object; /* being read */
    struct batch *batch;          /* being filled; NULL: none yet */
    struct reject_page *page;     /* NULL: none yet */
    int *columns;                 /* of the unit; NULL: not known yet */
    size_t column_count;
    struct reader *readers[AHEAD]; /* started, of the objects from `object` on */
    size_t started, taken;         /* objects of the unit */
    int64_t bad;                   /* rejects of the object */
    bool over;                     /* more than its budget: read on only to show the pattern */
    bool told;                     /* a chunk has told what went wrong */
};

static int push(struct feed *f, struct item it, struct err *err)
{
    it.unit = f->unit;
    return lane_push(f->to, &it, err);
}

static int push_rejects(struct feed *f, struct err *err)
{
    struct reject_page *page = f->page;

    f->page = NULL;
    return page != NULL ? push(f, (struct item){.kind = ITEM_REJECTS, .page = page}, err) : 0;
}

static int stop_beat(void *arg, struct err *err)
{
    UNUSED(arg);
    return loader_stop ? loader_stopped(err) : 0;
}

/* Waits for what the batch costs, before it goes to the lane: reading stands still with it. */
static int pay(const struct feed *f, const struct batch *b, struct err *err)
{
    static const struct beat stop = {stop_beat, NULL};
    struct throttle *rate = f->l->c->rate;

    if (rate == NULL)
        return 0;
    pthread_mutex_lock(&f->l->mutex);
    int64_t ms = throttle_take(rate, (int64_t)b->bytes, (int64_t)b->rows, clock_mono_ms());
    pthread_mutex_unlock(&f->l->mutex);
    return throttle_sleep(ms, &stop, err);
}

/* Before a unit: none begins while the caller holds the load back. */
static int held(const struct loader *l, struct err *err)
{
    static const struct beat stop = {stop_beat, NULL};
    int rc = 0;

    while (rc == 0 && l->c->hold != NULL && *l->c->hold)
        rc = throttle_sleep(HOLD_MS, &stop, err);
    return rc;
}

static int push_batch(struct feed *f, struct err *err)
{
    struct batch *b = f->batch;

    f->batch = NULL;
    if (b == NULL)
        return 0;
    if (b->rows == 0 || f->over) {
        batch_back(f->to, b);
        return 0;
    }
    int rc = pay(f, b, err);
    if (rc < 0) {
        batch_back(f->to, b);
        return rc;
    }
    return push(f, (struct item){.kind = ITEM_BATCH, .batch = b}, err);
}

static int on_reject(void *arg, const struct reject_info *why, struct err *err)
{
    struct feed *f = arg;

    if (f->page == NULL)
        f->page = reject_page_new();
    bool full = reject_page_add(f->page, f->object->load_id, why);
    bool first_over = f->unit->n == 1 && f->l->c->max_rejects >= 0 && ++f->bad == f->l->c->max_rejects + 1;
    f->over = f->over || first_over;
    int rc = full || first_over ? push_rejects(f, err) : 0;
    if (rc == 0 && f->over && f->bad >= REJECT_PAGE_ROWS)
        rc = err_set(err, ERR_TOO_MANY_REJECTS, "%s", "the first records of a longer list");
    return rc;
}

/* Columns of the unit, from its first object that has a record; those after it must have the same. */
static int same_columns(struct feed *f, const int *columns, size_t n, struct err *err)
{
    if (f->columns != NULL) {
        if (n == f->column_count && memcmp(columns, f->columns, n * sizeof *columns) == 0)
            return 0;
        err_set(err, ERR_SCHEMA, "the files have different columns");
        err->native = LOADER_MIXED;
        return -(int)ERR_SCHEMA;
    }
    int *mine = xcalloc(n + 1, sizeof *mine), *theirs = xcalloc(n + 1, sizeof *theirs);
    memcpy(mine, columns, n * sizeof *columns);
    memcpy(theirs, columns, n * sizeof *columns);
    f->columns = mine;
    f->column_count = n;
    return push(f, (struct item){.kind = ITEM_BEGIN, .columns = theirs, .column_count = n}, err);
}

static int ended(const struct feed *f, struct err *err)
{
    if (f->unit->own->enough)
        return err_set(err, ERR_CANCELLED, "the lane has had enough");
    return loader_stop ? loader_stopped(err) : 0;
}

static bool shared(const struct feed *f)
{
    return f->unit->n > 1;
}

/* Records into batches up to the end of the object, or to `until`. */
static int all_rows(struct feed *f, struct rows *rows, int64_t until, struct err *err)
{
    int rc = ROWS_FULL;

    while (rc == ROWS_FULL) {
        if (f->batch == NULL)
            f->batch = batch_take(f->to, f->l->c->def, f->columns, f->column_count, shared(f));
        size_t from = f->batch->rows;
        rc = rows_fill(rows, f->batch, until, on_reject, f, err);
        for (size_t i = from; rc >= 0 && f->batch->load_ids != NULL && i < f->batch->rows; i++)
            f->batch->load_ids[i] = f->object->load_id;
        if (rc == ROWS_FULL) {
            int failed = push_batch(f, err);
            if (failed == 0)
                failed = ended(f, err);
            if (failed < 0)
                return failed;
        }
    }
    return rc;
}

static void keep_result(struct loader_object *o, const struct rows *rows)
{
    struct rows_result r;

    rows_result(rows, &r);
    o->records = r.records;
    o->typed_bad = r.rejected;
    o->empty_lines = r.empty_lines;
    memcpy(o->sha256, r.sha256, sizeof o->sha256);
}

static int open_rows(struct feed *f, struct reader *raw, bool hash, struct rows **ret, struct err *err)
{
    const struct loader_config *c = f->l->c;
    static const struct beat none = {NULL, NULL};
    const struct loader_object *o = f->object != NULL ? f->object : f->l->chunks->whole;
    const struct rows_config config = {
        c->dialect, c->convert, c->def, &none, {c->partition, o->info.key, o->load_id}};

    return rows_open(&config, raw, hash, ret, err);
}

static int read_object(struct feed *f, struct reader *raw, struct err *err)
{
    struct rows *rows = NULL;
    size_t n;
    int rc = open_rows(f, raw, true, &rows, err);

    if (rc == 0)
        rc = rows_begin(rows, err);
    if (rc == 1) {
        const int *columns = rows_columns(rows, &n);
        rc = same_columns(f, columns, n, err);
        if (rc == 0)
            rc = all_rows(f, rows, -1, err);
    }
    if (rows != NULL) /* also of one that broke off: how far it was read */
        keep_result(f->object, rows);
    rows_close(rows);
    return rc;
}

/* The next reader of the unit; more of them are on their way meanwhile. */
static int next_reader(struct feed *f, struct reader **ret, struct err *err)
{
    struct loader_unit *u = f->unit;

    while (f->started < u->n && f->started < f->taken + AHEAD) {
        struct reader **slot = &f->readers[f->started % AHEAD];
        const struct object_info *info = &u->objects[f->started].info;
        int rc = u->n > 1 ? source_get_soon(f->lane->source, info, slot, err)
                          : source_get(f->lane->source, info, slot, err);
        if (rc < 0 && f->taken == f->started)
            return rc;
        if (rc < 0)
            break; /* tried again, and told, when its turn comes */
        f->started++;
    }
    *ret = f->readers[f->taken++ % AHEAD];
    return 0;
}

static void forget_readers(struct feed *f)
{
    while (f->taken < f->started)
        reader_close(f->readers[f->taken++ % AHEAD]);
    f->started = f->taken = 0;
}

static int read_unit(struct feed *f, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < f->unit->n; i++) {
        struct reader *raw = NULL;
        f->object = &f->unit->objects[i];
        rc = next_reader(f, &raw, err);
        if (rc == 0)
            rc = read_object(f, raw, err);
        if (rc < 0)
            return loader_prefix(f->object, err);
        rc = ended(f, err);
    }
    if (rc >= 0)
        rc = push_batch(f, err);
    return rc < 0 ? rc : push_rejects(f, err);
}

/* The end of a unit, good or bad: the lane always gets to know. */
static int end_unit(struct feed *f, int rc, const struct err *why, struct err *err)
{
    struct item it = {.kind = ITEM_END, .rc = rc < 0 ? rc : 0};

    if (rc < 0)
        it.err = *why;
    batch_back(f->to, f->batch);
    reject_page_free(f->page);
    free(f->columns);
    f->batch = NULL;
    f->page = NULL;
    f->columns = NULL;
    f->bad = 0;
    f->over = false;
    forget_readers(f);
    return push(f, it, err);
}

static struct loader_unit *next_unit(struct loader *l)
{
    pthread_mutex_lock(&l->mutex);
    struct loader_unit *u = l->next_unit < l->unit_count ? &l->units[l->next_unit++] : NULL;
    pthread_mutex_unlock(&l->mutex);
    return u;
}

static void quit(struct lane *ln)
{
    struct item it = {.kind = ITEM_QUIT};
    struct err ignored;

    err_ignore(lane_push(ln, &it, &ignored));
}

void *feed_main(void *arg)
{
    struct lane *ln = arg;
    struct feed f = {.l = ln->l, .lane = ln, .to = ln};
    struct err err;
    int rc = 0;

    while (rc >= 0 && held(f.l, &err) == 0 && (f.unit = next_unit(f.l)) != NULL) {
        struct err why;
        rc = end_unit(&f, read_unit(&f, &why), &why, &err);
    }
    quit(ln);
    return NULL;
}

/* --- chunks of one object --- */

static struct loader_unit *chunk_unit(struct loader *l, int64_t chunk)
{
    struct loader_unit *u = loader_unit_new(l);

    u->objects[0].info = l->chunks->whole->info;
    u->objects[0].load_id = l->chunks->whole->load_id;
    u->objects[0].generation = l->chunks->whole->generation;
    u->careful = l->c->careful;
    u->chunk = chunk;
    return u;
}

static bool have(const struct loader_chunks *k, int64_t chunk)
{
    return chunk <= (int64_t)k->have_n && k->have[chunk - 1];
}

/* One chunk: the records that begin before `until`. rc as rows_fill's. */
static int read_chunk(struct feed *f, struct rows *rows, int64_t until, const int *columns, size_t n,
                      struct err *err)
{
    struct rows_result before, after;

    rows_result(rows, &before);
    rows_at(rows, &f->unit->line_from, &f->unit->byte_from);
    int rc = same_columns(f, columns, n, err);
    if (rc == 0)
        rc = all_rows(f, rows, until, err);
    if (rc < 0)
        return rc;
    rows_result(rows, &after);
    rows_at(rows, &f->unit->line_to, &f->unit->byte_to);
    f->object->records = after.records - before.records;
    f->object->typed_bad = after.rejected - before.rejected;
    f->unit->last = rc == ROWS_END;
    int failed = push_batch(f, err);
    if (failed == 0)
        failed = push_rejects(f, err);
    return failed < 0 ? failed : rc;
}

static bool first_feed(const struct feed *f)
{
    return f->lane == &f->l->lanes[0];
}

static int feed_chunk(struct feed *f, struct rows *rows, int64_t chunk, struct err *err)
{
    struct err why;
    size_t n;
    int rc = held(f->l, err);

    if (rc < 0)
        return rc;
    f->unit = chunk_unit(f->l, chunk);
    f->object = &f->unit->objects[0];
    const int *columns = rows_columns(rows, &n);
    rc = read_chunk(f, rows, chunk * f->l->chunks->bytes, columns, n, &why);
    f->told = rc < 0;
    if (rc < 0)
        loader_prefix(f->object, &why);
    int failed = end_unit(f, rc, &why, err);
    return failed < 0 ? failed : rc; /* where it failed the lane will never free the unit */
}

static void keep_columns(const struct feed *f, const struct rows *rows)
{
    struct loader_chunks *k = f->l->chunks;
    size_t n;
    const int *columns = rows_columns(rows, &n);

    if (!first_feed(f) || k->ret_columns != NULL)
        return;
    k->ret_columns = xcalloc(n + 1, sizeof *k->ret_columns);
    memcpy(k->ret_columns, columns, n * sizeof *columns);
    k->ret_column_count = n;
}

static int one_chunk(struct feed *f, struct rows *rows, int64_t chunk, struct err *err)
{
    int rc = have(f->l->chunks, chunk) ? rows_fill(rows, NULL, chunk * f->l->chunks->bytes, NULL, NULL, err)
                                       : feed_chunk(f, rows, chunk, err);

    return rc >= 0 && loader_stop ? loader_stopped(err) : rc;
}

/* Read once, for all lanes. */
static int in_turn(struct feed *f, struct rows *rows, struct err *err)
{
    int rc = ROWS_UNTIL;

    for (int64_t chunk = 1; rc == ROWS_UNTIL; chunk++) {
        f->to = &f->l->lanes[(size_t)chunk % f->l->c->lanes];
        rc = one_chunk(f, rows, chunk, err);
    }
    return rc;
}

/*
 * The next chunk of this feed's own stretch; 0: there is none left. Where its stretch is at its end it takes the second
 * half of the longest other one, if reading up to there (far faster than loading) does not take longer than that saves.
 */
static int64_t claim(struct feed *f)
{
    struct loader *l = f->l;
    struct lane *longest = f->lane;
    int64_t chunk = 0;

    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < l->c->lanes; i++)
        if (l->lanes[i].to - l->lanes[i].from > longest->to - longest->from)
            longest = &l->lanes[i];
    int64_t left = longest->to - longest->from, half = longest->from + left / 2;
    if (f->lane->from == f->lane->to && left > 0 && left * WORTH_READING > half) {
        f->lane->from = half;
        f->lane->to = longest->to;
        longest->to = half;
    }
    if (f->lane->from < f->lane->to)
        chunk = ++f->lane->from;
    pthread_mutex_unlock(&l->mutex);
    return chunk;
}

/* From the start again. */
static int reopen(struct feed *f, struct rows **io, struct err *err)
{
    struct reader *raw = NULL;

    f->object = NULL;
    rows_close(*io);
    *io = NULL;
    int rc = source_get(f->lane->source, &f->l->chunks->whole->info, &raw, err);
    if (rc == 0)
        rc = open_rows(f, raw, first_feed(f), io, err);
    return rc < 0 ? rc : rows_begin(*io, err);
}

/*
 * Read by every lane for itself. To the end, also where it has no chunk there: that is where the source verifies that all
 * was of one object.
 */
static int apart(struct feed *f, struct rows **io, struct err *err)
{
    const int64_t bytes = f->l->chunks->bytes;
    int64_t chunk, next = 1; /* what is to be read; what comes next where reading stands */
    int rc = ROWS_UNTIL;

    f->to = f->lane;
    while (rc >= 0 && (chunk = claim(f)) > 0) {
        if (chunk < next)
            rc = reopen(f, io, err);
        if (rc > ROWS_END && chunk != next)
            rc = rows_fill(*io, NULL, (chunk - 1) * bytes, NULL, NULL, err);
        if (rc > ROWS_END) /* else no record begins here or behind: the chunk of the last one is the last */
            rc = one_chunk(f, *io, chunk, err);
        next = chunk + 1;
    }
    return rc < 0 ? rc : rows_fill(*io, NULL, -1, NULL, NULL, err);
}

static int all_chunks(struct feed *f, struct rows **io, struct err *err)
{
    int rc = rows_begin(*io, err);

    if (rc <= 0)
        return rc;
    keep_columns(f, *io);
    return f->l->chunks->apart ? apart(f, io, err) : in_turn(f, *io, err);
}

void *feed_chunks_main(void *arg)
{
    struct lane *ln = arg;
    struct loader *l = ln->l;
    struct feed f = {.l = l, .lane = ln, .to = ln};
    struct rows *rows = NULL;
    struct reader *raw = NULL;
    struct err err;

    int rc = source_get(ln->source, &l->chunks->whole->info, &raw, &err);
    if (rc == 0)
        rc = open_rows(&f, raw, first_feed(&f), &rows, &err);
    if (rc == 0)
        rc = all_chunks(&f, &rows, &err);
    if (rows != NULL && first_feed(&f))
        keep_result(l->chunks->whole, rows);
    rows_close(rows);
    if (rc < 0 && !f.told) { /* told as a unit of its own: there may be none to tell it with */
        struct err ignored;
        f.unit = chunk_unit(l, 0);
        f.to = ln;
        loader_prefix(l->chunks->whole, &err);
        err_ignore(end_unit(&f, rc, &err, &ignored));
    }
    for (size_t i = 0; !l->chunks->apart && i < l->c->lanes; i++)
        quit(&l->lanes[i]);
    if (l->chunks->apart)
        quit(ln);
    return NULL;
}
