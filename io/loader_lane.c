/* The loading half of the load pipeline: one connection, one transaction a unit. */
#include "base/fault.h"
#include "base/mem.h"
#include "io/loader_int.h"
#include "io/mysqlc.h"
#include "io/verifier.h"

struct lane_work {
    struct lane *ln;
    const struct loader_config *c;
    struct loader_unit *unit;  /* NULL: between two */
    struct load *load;         /* its transaction; NULL: none (yet, any more) */
    struct verifier *verifier; /* NULL: no sums are wanted */
    struct batch *sent;        /* what the database may still be at work on */
    struct reject_page *page;  /* of what the server refuses; NULL: none yet */
    struct load_member *members;
    size_t at;  /* object that the last row was of: rows come in the objects' order */
    bool begun; /* columns are known */
    int rc;     /* what went wrong with the unit */
    struct err why;
};

/* --- rejects --- */

static int tell_rejects(struct lane_work *w, struct reject_page *page, struct err *err)
{
    struct event e = {.kind = EVENT_REJECTS, .unit = w->unit, .page = page};

    return loader_tell(w->ln->l, &e, err);
}

static int add_reject(struct lane_work *w, const struct reject_info *why, struct err *err)
{
    struct loader_object *o = &w->unit->objects[0];

    o->rejected++;
    if (w->c->max_rejects >= 0 && o->rejected > w->c->max_rejects + REJECT_PAGE_ROWS) {
        err_set(err, ERR_TOO_MANY_REJECTS, "more records rejected than allowed");
        err->native = LOADER_OVER_BUDGET;
        return -(int)ERR_TOO_MANY_REJECTS;
    }
    if (w->page == NULL)
        w->page = reject_page_new();
    if (!reject_page_add(w->page, o->load_id, why))
        return 0;
    struct reject_page *full = w->page;
    w->page = NULL;
    return tell_rejects(w, full, err);
}

static int on_server_reject(void *arg, const struct batch *b, size_t row, const struct reject_info *why,
                            struct err *err)
{
    struct lane_work *w = arg;
    struct loader_object *o = &w->unit->objects[0];

    if (w->c->with_sums)
        batch_sum_row(b, row, -1, &o->sums); /* which counts it out of the rows too */
    else
        o->sums.rows--;
    return add_reject(w, why, err);
}

/* Of rows that are put by key: what the table refused of them at the first try. They go to the stage all the same. */
static int add_refused(struct lane_work *w, const struct batch *b, struct err *err)
{
    struct reject_info why;
    int rc = 0;

    for (size_t i = 0; rc == 0 && w->unit->refused != NULL && w->unit->refused->n > 0 && i < b->rows; i++)
        if (loader_refused_row(w->unit, b, i, &why))
            rc = add_reject(w, &why, err);
    return rc;
}

static struct loader_object *object_of(struct lane_work *w, int64_t load_id)
{
    struct loader_unit *u = w->unit;

    while (u->n > 1 && w->at + 1 < u->n && u->objects[w->at].load_id != load_id)
        w->at++;
    return &u->objects[w->at];
}

static int over_budget(struct lane_work *w, struct err *err)
{
    err_set(err, ERR_TOO_MANY_REJECTS, "%lld records rejected", (long long)w->unit->objects[0].rejected);
    err->native = LOADER_OVER_BUDGET;
    return -(int)ERR_TOO_MANY_REJECTS;
}

/* Takes page. */
static int on_page(struct lane_work *w, struct reject_page *page, struct err *err)
{
    for (size_t i = 0; i < page->n; i++) {
        struct loader_object *o = &w->unit->objects[0];
        for (size_t k = 0; w->unit->n > 1 && k < w->unit->n && o->load_id != page->rows[i].load_id; k++)
            o = &w->unit->objects[k];
        o->rejected++;
    }
    return tell_rejects(w, page, err);
}

/* --- a unit --- */

static void abort_load(struct lane_work *w)
{
    verifier_end(w->verifier);
    target_load_abort(w->load);
    w->load = NULL;
    batch_back(w->ln, w->sent);
    w->sent = NULL;
}

static int begin(struct lane_work *w, const int *columns, size_t n, struct err *err)
{
    const struct loader_config *c = w->c;
    struct loader_unit *u = w->unit;
    const struct loader_object *o = &u->objects[0];
    struct load_spec spec = {.table = n > 0 || u->replaces != 0 ? c->into : NULL,
                             .columns = columns,
                             .column_count = n,
                             .pipeline = c->pipeline,
                             .partition = c->partition,
                             .job = c->job,
                             .reason = c->reason,
                             .epoch = c->epoch,
                             .replaces = u->replaces,
                             .key = o->info.key,
                             .etag = o->info.etag,
                             .load_id = o->load_id,
                             .generation = o->generation,
                             .size = o->info.size,
                             .mtime_ns = o->info.mtime_ns,
                             .careful = u->careful,
                             .chunk = u->chunk,
                             .line_from = u->line_from,
                             .on_reject = u->n == 1 ? on_server_reject : NULL,
                             .arg = w};

    for (size_t i = 0; i < u->n; i++)
        for (size_t k = 0; k < n; k++)
            u->objects[i].sums.used[columns[k]] = c->with_sums;
    if (u->n > 1) {
        w->members = xcalloc(u->n, sizeof *w->members);
        for (size_t i = 0; i < u->n; i++)
            w->members[i] = (struct load_member){u->objects[i].load_id,   u->objects[i].generation,
                                                 u->objects[i].info.size, u->objects[i].info.mtime_ns,
                                                 u->objects[i].info.key,  u->objects[i].info.etag};
        spec.members = w->members;
        spec.member_count = u->n;
    }
    w->begun = n > 0;
    int rc = target_load_begin(w->ln->target, &spec, &w->load, err);
    if (rc == 2)
        rc = err_set(err, ERR_TRANSIENT, "load %lld is in the ledger already, though it was not a moment ago",
                     (long long)o->load_id);
    if (rc == 1 && n > 0 && u->n == 1)
        verifier_begin(w->verifier, w->load, u->line_from);
    return rc < 0 ? rc : fault_point("ingest.begun", err);
}

static void sum_batch(struct lane_work *w, const struct batch *b)
{
    size_t from = 0;

    while (from < b->rows) {
        size_t to = b->rows;
        if (b->load_ids != NULL)
            for (to = from + 1; to < b->rows && b->load_ids[to] == b->load_ids[from];)
                to++;
        struct loader_object *o = object_of(w, b->load_ids != NULL ? b->load_ids[from] : 0);
        if (w->c->with_sums)
            batch_sum_rows(b, from, to, &o->sums);
        else
            o->sums.rows += (int64_t)(to - from);
        from = to;
    }
}

static int on_batch(struct lane_work *w, struct batch *b, struct err *err)
{
    if (w->load == NULL) {
        batch_back(w->ln, b);
        return 0;
    }
    int rc = target_load_batch_start(w->load, b, err);
    batch_back(w->ln, w->sent); /* answered, by now */
    w->sent = b;
    if (rc == 0)
        sum_batch(w, b); /* while the database works on it */
    if (rc == 0 && w->unit->n == 1)
        verifier_sent(w->verifier, b, &w->unit->objects[0].sums, target_load_rows(w->load));
    return rc < 0 ? rc : add_refused(w, b, err);
}

/* --- as parsed against as stored, before COMMIT --- */

static int mismatch(const struct lane_work *w, const struct loader_object *o, const struct sums_diff *d,
                    struct err *err)
{
    UNUSED(w);
    err_set(err, ERR_MISMATCH, "column %s: %s is %s in the file and %s in the table; nothing was committed",
            d->column, d->what, d->source, d->target);
    return loader_prefix(o, err);
}

static int compare(struct lane_work *w, const struct loader_object *o, const struct sums *stored,
                   struct err *err)
{
    struct sums_diff diff;

    if (sums_compare(&o->sums, stored, w->c->def, &diff, 1) > 0)
        return mismatch(w, o, &diff, err);
    return 0;
}

static int verify_many(struct lane_work *w, struct err *err)
{
    struct loader_unit *u = w->unit;
    struct sums *stored = xcalloc(u->n, sizeof *stored);
    int64_t *ids = xcalloc(u->n, sizeof *ids);

    for (size_t i = 0; i < u->n; i++) {
        sums_like(&stored[i], &u->objects[i].sums);
        ids[i] = u->objects[i].load_id;
    }
    int rc = target_load_sums_many(w->load, ids, u->n, stored, err);
    for (size_t i = 0; rc == 0 && i < u->n; i++)
        rc = compare(w, &u->objects[i], &stored[i], err);
    for (size_t i = 0; i < u->n; i++)
        sums_release(&stored[i]);
    free(stored);
    free(ids);
    return rc;
}

static int verify(struct lane_work *w, struct err *err)
{
    struct loader_unit *u = w->unit;
    struct sums_diff diff;
    int64_t rows = 0;

    for (size_t i = 0; i < u->n; i++)
        rows += u->objects[i].sums.rows;
    if (target_load_rows(w->load) != rows)
        return err_set(err, ERR_MISMATCH, "%lld rows read, %lld inserted", (long long)rows,
                       (long long)target_load_rows(w->load));
    if (!w->c->with_sums || !w->c->into->has_lineage || !w->begun)
        return 0;
    if (u->n > 1)
        return verify_many(w, err);
    if (u->chunk > 0)
        target_load_lines(w->load, u->line_to);
    int rc = load_verify(w->load, w->verifier, &u->objects[0].sums, &diff, err);
    return rc == 1 ? mismatch(w, &u->objects[0], &diff, err) : rc;
}

/* --- COMMIT --- */

static int commit(struct lane_work *w, struct err *err)
{
    struct loader_unit *u = w->unit;
    struct ledger_row *rows = xcalloc(u->n, sizeof *rows);
    char **columns = xcalloc(u->n, sizeof *columns);

    for (size_t i = 0; i < u->n; i++) {
        const struct loader_object *o = &u->objects[i];
        bool empty = o->records == 0 && u->chunk == 0;
        columns[i] = loader_columns(w->c->def, w->c->key, w->c->with_sums, o);
        rows[i] = (struct ledger_row){.state = empty ? LEDGER_EMPTY : LEDGER_LOADED,
                                      .rows_read = o->records,
                                      .rows_loaded = o->sums.rows,
                                      .rows_rejected = o->rejected,
                                      .columns = columns[i],
                                      .table = w->c->def->name,
                                      .last = u->chunk == 0 || u->last,
                                      .byte_from = u->byte_from,
                                      .byte_to = u->byte_to,
                                      .line_from = u->line_from,
                                      .line_to = u->line_to};
        snprintf(rows[i].sha256, sizeof rows[i].sha256, "%s", o->sha256);
    }
    struct load *load = w->load;
    w->load = NULL; /* commit frees it whatever comes */
    int rc = target_load_commit_all(load, rows, u->n, err);
    for (size_t i = 0; i < u->n; i++)
        free(columns[i]);
    free(columns);
    free(rows);
    return rc;
}

static int tell(struct lane_work *w, enum event_kind kind, struct err *err)
{
    struct event e = {.kind = kind, .unit = w->unit};

    if (kind == EVENT_FAILED)
        e.err = w->why;
    return loader_tell(w->ln->l, &e, err);
}

/* All rows are given: verified, said, committed, said. */
static int finish(struct lane_work *w, struct err *err)
{
    const struct loader_object *first = &w->unit->objects[0];
    int rc = 0;

    if (w->load == NULL) /* no record: an empty object leaves its ledger row all the same */
        rc = begin(w, NULL, 0, err);
    if (rc == 0)
        rc = target_load_settle(w->load, err);
    if (rc == 0 && w->unit->n == 1 && w->c->max_rejects >= 0 && first->rejected > w->c->max_rejects)
        rc = over_budget(w, err);
    if (rc == 0)
        rc = verify(w, err);
    if (rc == 0 && w->c->key != NULL && w->begun)
        rc = loader_put_by_key(w->c, w->unit, w->load, err);
    if (rc < 0)
        return err->native == LOADER_OVER_BUDGET ? rc : loader_prefix(first, err);
    if (w->page != NULL) {
        struct reject_page *page = w->page;
        w->page = NULL;
        rc = tell_rejects(w, page, err);
    }
    w->unit->empty = !w->begun;
    w->unit->load = w->load;
    if (rc == 0)
        rc = tell(w, EVENT_READY, err);
    if (rc == 0)
        rc = lane_answer(w->ln, w->unit, err);
    if (rc == 0)
        return err_set(err, ERR_CANCELLED, "the caller does not want it");
    return rc < 0 ? rc : commit(w, err);
}

static void reset(struct lane_work *w, struct loader_unit *u)
{
    for (size_t i = 0; i < u->n; i++) {
        struct loader_object *o = &u->objects[i];
        o->rejected = 0;
        sums_release(&o->sums);
        sums_init(&o->sums, w->c->def->count);
        o->sums.full = w->c->full_sums;
    }
    w->unit = u;
    w->at = 0;
    w->rc = 0;
    w->begun = false;
}

static void fail(struct lane_work *w, int rc, const struct err *why)
{
    if (w->rc == 0) {
        w->rc = rc;
        w->why = *why;
    }
    abort_load(w);
}

/* The end of a unit. Negative: the run is to end. */
static int end(struct lane_work *w, const struct item *it, struct err *err)
{
    struct err why;
    int rc = 0;

    if (it->rc < 0)
        fail(w, it->rc, &it->err);
    if (w->rc == 0) {
        rc = finish(w, &why);
        if (rc < 0)
            fail(w, rc, &why);
    }
    batch_back(w->ln, w->sent);
    w->sent = NULL;
    if (w->rc < 0 && w->page != NULL) { /* of one that is over its budget: to be seen */
        struct reject_page *page = w->page;
        w->page = NULL;
        rc = tell_rejects(w, page, err);
        if (rc < 0)
            return rc;
    }
    rc = tell(w, w->rc < 0 ? EVENT_FAILED : EVENT_DONE, err);
    free(w->members);
    w->members = NULL;
    w->unit = NULL;
    return rc;
}

static int one_item(struct lane_work *w, struct item *it, struct err *err)
{
    struct err why;
    int rc = 0;

    if (it->unit == NULL) /* ITEM_QUIT, which the caller takes */
        return 0;
    if (w->unit != it->unit)
        reset(w, it->unit);
    switch (it->kind) {
    case ITEM_BEGIN:
        rc = w->rc < 0 ? 0 : begin(w, it->columns, it->column_count, &why);
        free(it->columns);
        break;
    case ITEM_BATCH:
        rc = on_batch(w, it->batch, &why);
        break;
    case ITEM_REJECTS:
        rc = on_page(w, it->page, &why);
        if (rc == 0 && w->unit->n == 1 && w->c->max_rejects >= 0 && w->unit->chunk == 0 &&
            w->unit->objects[0].rejected > w->c->max_rejects && w->rc == 0)
            rc = over_budget(w, &why); /* the transaction goes now; the feed reads on to show the pattern */
        break;
    case ITEM_END:
        return end(w, it, err);
    case ITEM_QUIT:
        break;
    }
    if (rc < 0 && loader_stop) {
        *err = why;
        return rc;
    }
    if (rc < 0) {
        bool over = why.native == LOADER_OVER_BUDGET;
        if (!over)
            loader_prefix(&it->unit->objects[0], &why);
        fail(w, rc, &why);
        it->unit->own->enough = !over;
    }
    return 0;
}

void *lane_main(void *arg)
{
    struct lane *ln = arg;
    struct lane_work w = {.ln = ln, .c = ln->l->c};
    if (w.c->with_sums && w.c->into->has_lineage)
        w.verifier = verifier_new(ln->target);
    struct item it = {.kind = ITEM_BEGIN};
    struct err err;

    while (lane_pop(ln, &it, &err) == 0 && it.kind != ITEM_QUIT)
        if (one_item(&w, &it, &err) < 0)
            break;
    abort_load(&w);
    verifier_free(w.verifier);
    reject_page_free(w.page);
    free(w.members);
    mysqlc_thread_end();
    pthread_mutex_lock(&ln->l->mutex);
    ln->l->busy--;
    pthread_cond_signal(&ln->l->news);
    pthread_mutex_unlock(&ln->l->mutex);
    return NULL;
}
