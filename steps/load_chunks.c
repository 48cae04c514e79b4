/*
 * One large object, in chunks (io/target_chunks.h):
 *
 *   plan in the ledger > chunks, each rows and ledger row in a transaction, in any order > none is missing
 *   > counts and sums of all PENDING in the state file > seal, fence, COMMIT > settled in the state file
 *
 * Where readers are not to see half an object (publish: whole), and where it replaces another generation, its rows wait in
 * the staging table, and the seal's transaction brings them to the table.
 *
 * Where a chunk is there already it is passed over, so whoever comes after a death goes on at the first one that is
 * missing. An object that cannot be loaded after all is taken back, chunk by chunk.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "io/hash.h"
#include "io/inflate.h"
#include "io/target_chunks.h"
#include "io/target_rejects.h"
#include "io/target_stage.h"
#include "state/notice.h"
#include "steps/object_int.h"
#include "steps/rejects.h"

enum {
    RANGE_BYTES = 2 * 1024 * 1024, /* of a chunk where several are loaded at a time: it waits in memory */
    MAX_REFUSED = 10000            /* rows that a table may refuse of one staged object */
};

struct chunking {
    struct load_job *j;
    struct loading *l;
    struct chunk_plan plan;
    struct table *stage; /* owned; NULL: rows go to the table at once */
    const struct table *into;
    struct reject_info
        *refused; /* owned: rows that the table did not take from the stage, by line; without raw bytes */
    size_t refused_n;
    int *columns; /* owned: that the file fills */
    size_t column_count;
    bool *have; /* chunk i + 1 is there */
    size_t have_n;
    int64_t read, loaded, rejected; /* of the chunks that are there */
    int64_t oldest_ms;              /* when the first of them was committed */
    struct sums sums;
    int64_t budget;       /* rejects of chunks that are read now, on top of `rejected` */
    int64_t lines, bytes; /* where the object ends */
    bool careful;         /* a chunk was refused a row: it is read again, row by row */
    size_t lanes;
};

/* --- the plan --- */

static void add_text(struct sha256 *h, const char *text)
{
    sha256_add(h, text != NULL ? text : "\1", text != NULL ? strlen(text) + 1 : 1);
}

/* Another object, dialect, rule or table would not give the same rows in the same chunks. */
static void rules_of(const struct chunking *k, char out[SHA256_HEX])
{
    const struct pipeline *p = k->j->c->pipeline;
    const struct csv_dialect *d = &p->dialect;
    const struct load_row *row = k->l->row;
    unsigned char sum[SHA256_SIZE];
    char text[200];
    struct sha256 *h = sha256_new();

    snprintf(text, sizeof text, "%c %d %d %d %d %d %lld %lld", d->delimiter, d->quote, d->escape,
             (int)d->encoding, (int)p->convert.header, (int)p->convert.drift, (long long)row->size,
             row->etag[0] != '\0' ? 0LL : (long long)row->mtime_ns);
    add_text(h, text);
    add_text(h, row->etag);
    for (size_t i = 0; p->convert.nulls != NULL && p->convert.nulls[i] != NULL; i++)
        add_text(h, p->convert.nulls[i]);
    if (p->convert.binary != CONVERT_UNSAID && p->convert.binary != CONVERT_RAW)
        add_text(h, p->convert.binary == CONVERT_HEX ? "hex" : "base64");
    if (p->convert.zero_dates)
        add_text(h, "zero");
    for (size_t i = 0; i < p->convert.rule_count; i++) {
        const struct convert_rule *r = &p->convert.rules[i];
        add_text(h, r->from);
        add_text(h, r->to);
        add_text(h, r->format);
        if (r->binary != CONVERT_UNSAID)
            add_text(h, r->binary == CONVERT_RAW ? "raw" : r->binary == CONVERT_HEX ? "hex" : "base64");
        for (size_t n = 0; r->nulls != NULL && r->nulls[n] != NULL; n++)
            add_text(h, r->nulls[n]);
    }
    for (size_t i = 0; i < k->j->def->count; i++) {
        add_text(h, k->j->def->columns[i].name);
        add_text(h, k->j->def->columns[i].type_text);
    }
    sha256_end(h, sum);
    sha256_free(h);
    str_hex(sum, sizeof sum, out);
}

static struct ledger_row ledger_of(const struct chunking *k)
{
    const struct load_row *row = k->l->row;

    return (struct ledger_row){.load_id = row->load_id,
                               .generation = row->generation,
                               .pipeline = k->j->c->pipeline->name,
                               .partition = k->j->job->part,
                               .key = row->key,
                               .etag = row->etag,
                               .table = k->j->def->name,
                               .size = row->size,
                               .mtime_ns = row->mtime_ns,
                               .reason = k->j->job->reason};
}

static int take_back(struct chunking *k, struct err *err)
{
    struct load_job *j = k->j;
    const struct table *from = k->plan.staged ? k->stage : j->def;
    int rc = 0;

    if (from == NULL) { /* a plan of when rows went to the stage */
        rc = target_stage_check(j->target, j->def, &k->stage, err);
        from = k->stage;
    }
    return rc < 0 ? rc
                  : target_plan_revoke(j->target, from, j->c->pipeline->name, k->l->row->load_id, j->epoch,
                                       &j->commits, err);
}

/* The plan that is there, if it is still the right one; else a new one. */
static int make_plan(struct chunking *k, struct err *err)
{
    const struct pipeline *p = k->j->c->pipeline;
    struct chunk_plan wanted = {.bytes = k->j->chunk_bytes,
                                .staged = !p->publish_chunks || k->l->replaces != 0};
    char label[JOB_NAME_SIZE];
    struct ledger_row row = ledger_of(k);

    job_label(k->j->job, label);
    row.job = label;
    rules_of(k, wanted.rules);
    if (k->j->connections > 1 && wanted.bytes > RANGE_BYTES)
        wanted.bytes = RANGE_BYTES;
    int rc = target_plan_get(k->j->target, k->l->row->load_id, &k->plan, err);
    if (rc == 1 &&
        (k->plan.revoking || k->plan.staged != wanted.staged || strcmp(k->plan.rules, wanted.rules) != 0)) {
        rc = take_back(k, err);
        k->plan.bytes = 0;
    }
    if (rc >= 0 && wanted.staged && k->stage == NULL)
        rc = target_stage_check(k->j->target, k->j->def, &k->stage, err);
    k->into = wanted.staged ? k->stage : k->j->def;
    if (rc < 0 || k->plan.bytes > 0)
        return rc < 0 ? rc : 0;
    k->plan = wanted;
    rc = target_plan_put(k->j->target, &row, &k->plan, k->j->epoch, err);
    if (rc == 0)
        k->j->commits++;
    return rc;
}

/* --- what is there --- */

static int on_chunk(void *arg, const struct ledger_row *r, struct err *err)
{
    struct chunking *k = arg;
    struct sums sums = {0};
    json_t *v = NULL;
    int rc = 0;

    if (r->chunk == 0)
        return 0;
    size_t i = (size_t)r->chunk;
    if (i > k->have_n) {
        k->have = xrealloc(k->have, i * sizeof *k->have);
        memset(k->have + k->have_n, 0, (i - k->have_n) * sizeof *k->have);
        k->have_n = i;
    }
    k->have[i - 1] = true;
    k->read += r->rows_read;
    k->loaded += r->rows_loaded;
    k->rejected += r->rows_rejected;
    k->oldest_ms = r->at_ms < k->oldest_ms ? r->at_ms : k->oldest_ms;
    if (r->last) {
        k->lines = r->line_to;
        k->bytes = r->byte_to;
    }
    if (r->columns != NULL && r->columns[0] != '\0') {
        rc = json_parse(r->columns, strlen(r->columns), "sums in orch_load", &v, err);
        if (rc == 0)
            rc = sums_from_json(v, r->rows_loaded, k->j->def, &sums, err);
        if (rc == 0)
            sums_add(&k->sums, &sums, k->j->def);
        sums_release(&sums);
        json_decref(v);
    }
    return rc;
}

static int look(struct chunking *k, struct err *err)
{
    sums_release(&k->sums);
    sums_init(&k->sums, k->j->def->count);
    k->sums.full = wants_full(k->j->c->pipeline);
    k->have_n = 0;
    k->read = k->loaded = k->rejected = 0;
    k->oldest_ms = INT64_MAX;
    int rc = target_ledger_by_id(k->j->target, k->l->row->load_id, on_chunk, k, err);
    k->sums.rows = k->loaded;
    return rc < 0 ? rc : 0;
}

/* --- what the pipeline calls back --- */

/* What an earlier attempt left of the chunk goes: once for each time that it is read, whatever other chunks do meanwhile. */
static int clear_chunk(struct chunking *k, struct loader_unit *u, struct err *err)
{
    struct step_ctx *c = k->j->c;

    if (u->user != NULL)
        return 0;
    u->user = k;
    return reject_forget(c->store, c->token, k->l->row->load_id, (u->chunk - 1) * k->plan.bytes,
                         u->chunk * k->plan.bytes, err);
}

static int on_rejects(void *arg, struct loader_unit *u, const struct reject_page *p, struct err *err)
{
    struct chunking *k = arg;
    const struct pipeline *pl = k->j->c->pipeline;

    int rc = clear_chunk(k, u, err);
    if (rc == 0)
        rc = loading_rejects(&k->l, 1, p, err);
    k->budget += (int64_t)p->n;
    k->l->over = rc == 0 && pl->max_rejects_percent < 0 && k->rejected + k->budget > pl->max_rejects;
    if (k->l->over)
        rc = err_set(err, ERR_TOO_MANY_REJECTS, "too many");
    return rc;
}

static int on_ready(void *arg, struct loader_unit *u, struct err *err)
{
    struct chunking *k = arg;
    int rc = clear_chunk(k, u, err);

    return rc < 0 ? rc : fault_point("chunks.ready", err);
}

static int on_done(void *arg, struct loader_unit *u, struct err *err)
{
    struct chunking *k = arg;

    UNUSED(u);
    k->j->commits++;
    return fault_point("chunks.done", err);
}

static int on_failed(void *arg, struct loader_unit *u, const struct err *why, struct err *err)
{
    struct chunking *k = arg;

    UNUSED(u);
    k->careful = why->native == TARGET_CAREFUL;
    *err = *why;
    return -(int)err->code;
}

/* --- all of it --- */

/* 1: the object can be read by each connection for itself, at no price, and where its chunks are follows from its size. Its
 * bytes decide, for a packed one may have any name. */
static int is_apart(const struct chunking *k, struct source *s, struct err *err)
{
    const struct object_info info = object_info_of(k->l->row);
    unsigned char head[INFLATE_HEAD];
    struct reader *r = NULL;
    size_t n = 0, got = 1;

    if (k->lanes < 2 || source_is_s3(s))
        return 0;
    int rc = source_get(s, &info, &r, err);
    while (rc == 0 && got > 0 && n < sizeof head) {
        rc = reader_read(r, head + n, sizeof head - n, &got, err);
        n += got;
    }
    reader_close(r);
    return rc < 0 ? rc : !inflate_packed(head, n);
}

static int run_chunks(struct chunking *k, struct loader_object *whole, bool careful, struct err *err)
{
    const struct load_job *j = k->j;
    const struct beat beating = pressure_beat(j->pressure);
    struct lanes lanes;
    char label[JOB_NAME_SIZE];
    struct loader_chunks chunks = {
        .whole = whole, .bytes = k->plan.bytes, .have = k->have, .have_n = k->have_n};

    job_label(j->job, label);
    int rc = step_lanes(j->c, k->lanes, j->epoch, &lanes, err);
    if (rc < 0)
        return rc;
    rc = is_apart(k, lanes.sources[0], err);
    if (rc < 0) {
        step_lanes_back(j->c);
        return rc;
    }
    chunks.apart = rc == 1;
    struct loader_config config = load_config(j, label, &lanes, k->lanes, &beating);
    config.into = k->into;
    config.careful = careful;
    config.max_rejects = -1;
    config.rejects = on_rejects;
    config.ready = on_ready;
    config.done = on_done;
    config.failed = on_failed;
    config.arg = k;
    rc = loader_run_chunks(&config, &chunks, err);
    free(k->columns);
    k->columns = chunks.ret_columns;
    k->column_count = chunks.ret_column_count;
    step_lanes_back(j->c);
    return rc;
}

/* --- rows that the table does not take from the stage --- */

static int on_refused(void *arg, const struct reject_info *why, struct err *err)
{
    struct chunking *k = arg;
    const struct pipeline *p = k->j->c->pipeline;

    if (p->max_rejects_percent < 0 && k->rejected + (int64_t)k->refused_n > p->max_rejects + REJECT_PAGE_ROWS)
        return err_set(err, ERR_TOO_MANY_REJECTS, "line %lld: %s", (long long)why->line, why->message);
    if (k->refused_n == MAX_REFUSED)
        return err_set(err, ERR_TOO_MANY_REJECTS,
                       "the table refuses more than %d rows; the first of them: %s", MAX_REFUSED,
                       k->refused[0].message);
    k->refused = xrealloc(k->refused, (k->refused_n + 1) * sizeof *k->refused);
    k->refused[k->refused_n++] = *why;
    return 0;
}

struct again {
    struct chunking *k;
    struct reject_page *page;
    size_t next;      /* of k->refused */
    int64_t asked_ms; /* when the open transaction was used last */
};

static int flush_again(struct again *a, struct err *err)
{
    int rc = a->page->n > 0 ? loading_rejects(&a->k->l, 1, a->page, err) : 0;

    reject_page_clear(a->page);
    return rc;
}

static int on_record_again(void *arg, const struct csv_record *rec, struct err *err)
{
    struct again *a = arg;
    struct chunking *k = a->k;
    int64_t now_ms = clock_mono_ms(), ignored;

    if (now_ms - a->asked_ms > 5000) { /* the server ends a transaction that stands still */
        a->asked_ms = now_ms;
        int rc = target_clock_ms(k->j->target, &ignored, err);
        if (rc < 0)
            return rc;
    }
    if (rec->line != k->refused[a->next].line)
        return 0;
    struct reject_info *why = &k->refused[a->next++];
    why->offset = rec->offset;
    why->raw = rec->raw;
    why->raw_n = rec->raw_n < MAX_REJECT_RAW ? rec->raw_n : MAX_REJECT_RAW;
    why->raw_total = rec->raw_total;
    if (why->raw_total > (int64_t)why->raw_n)
        sha256_of(rec->raw, rec->raw_n, why->raw_sha256);
    int rc = reject_page_add(a->page, k->l->row->load_id, why) ? flush_again(a, err) : 0;
    return rc < 0 ? rc : a->next == k->refused_n;
}

/* Their bytes are in the object alone. And what stands in the table now is what is loaded. */
static int keep_refused(struct chunking *k, struct load *load, struct err *err)
{
    struct object_info o = object_info_of(k->l->row);
    struct again a = {k, reject_page_new(), 0, clock_mono_ms()};
    struct sums stored;

    int rc = step_records(k->j->c, &o, on_record_again, &a, err);
    if (rc == 0)
        rc = flush_again(&a, err);
    if (rc == 0 && a.next < k->refused_n)
        rc = err_set(err, ERR_OBJECT_CHANGED, "line %lld is not where it was",
                     (long long)k->refused[a.next].line);
    reject_page_free(a.page);
    k->rejected += (int64_t)k->refused_n;
    k->loaded -= (int64_t)k->refused_n;
    if (rc == 0 && wants_sums(k->j->c->pipeline)) {
        sums_like(&stored, &k->sums);
        rc = target_load_sums(load, &stored, err);
        sums_release(&k->sums);
        k->sums = stored;
        if (rc == 0 && k->sums.rows != k->loaded)
            rc = err_set(err, ERR_MISMATCH, "%lld rows are to be in the table, and %lld are",
                         (long long)k->loaded, (long long)k->sums.rows);
    }
    return rc;
}

static int publish(struct chunking *k, struct load *load, struct err *err)
{
    int64_t rows = 0;
    int rc = target_stage_publish(load, k->j->def, on_refused, k, &rows, err);

    if (rc == 0 && loading_is_over(k->l, k->rejected + (int64_t)k->refused_n, k->read)) {
        k->l->over = true;
        rc = err_set(err, ERR_TOO_MANY_REJECTS, "line %lld: %s (the table refuses %zu rows)",
                     (long long)k->refused[0].line, k->refused[0].message, k->refused_n);
    }
    if (rc == 0 && k->refused_n > 0)
        rc = keep_refused(k, load, err);
    if (rc == 0 && rows != k->loaded)
        rc = err_set(err, ERR_MISMATCH, "%lld rows came from the stage where %lld are to", (long long)rows,
                     (long long)k->loaded);
    return rc;
}

/* --- every chunk is there: they become the object --- */

static int begin_seal(struct chunking *k, struct load **ret, struct err *err)
{
    const struct load_job *j = k->j;
    const struct load_row *row = k->l->row;
    char label[JOB_NAME_SIZE];

    job_label(j->job, label);
    const struct load_spec spec = {.table = j->def,
                                   .columns = k->columns,
                                   .column_count = k->column_count,
                                   .pipeline = j->c->pipeline->name,
                                   .partition = j->job->part,
                                   .key = row->key,
                                   .etag = row->etag,
                                   .job = label,
                                   .reason = j->job->reason,
                                   .load_id = row->load_id,
                                   .generation = row->generation,
                                   .size = row->size,
                                   .mtime_ns = row->mtime_ns,
                                   .epoch = j->epoch,
                                   .replaces = k->l->replaces,
                                   .seal = true};
    int rc = target_load_begin(j->target, &spec, ret, err);
    if (rc == 2)
        rc = err_set(err, ERR_TRANSIENT, "load %lld is in the ledger already", (long long)row->load_id);
    return rc < 0 ? rc : 0;
}

/* PENDING in the state file, COMMIT. Takes load. */
static int commit_seal(struct chunking *k, const struct loader_object *whole, struct load *load,
                       struct err *err)
{
    struct load_job *j = k->j;
    struct step_ctx *c = j->c;
    json_t *v = wants_sums(c->pipeline) ? sums_to_json(&k->sums, j->def) : NULL;
    char *columns = v != NULL ? json_text(v) : xstrdup("");
    const struct load_result result = {.load_id = k->l->row->load_id,
                                       .rows_read = k->read,
                                       .rows_loaded = k->loaded,
                                       .rows_rejected = k->rejected,
                                       .empty_lines = whole->empty_lines,
                                       .no_rejects = k->rejected == 0,
                                       .now_ms = clock_now_ms(),
                                       .columns = columns,
                                       .sha256 = whole->sha256};
    struct ledger_row ledger = ledger_of(k);

    ledger.state = LEDGER_LOADED;
    ledger.at_ms = k->oldest_ms; /* nothing of it was verified before that */
    ledger.rows_read = k->read;
    ledger.rows_loaded = k->loaded;
    ledger.rows_rejected = k->rejected;
    ledger.columns = columns;
    ledger.byte_to = k->bytes;
    ledger.line_to = k->lines;
    snprintf(ledger.sha256, sizeof ledger.sha256, "%s", whole->sha256);
    int rc = load_pending(c->store, c->token, &result, err);
    if (rc == 0)
        rc = fault_point("ingest.pending", err);
    if (rc == 0) {
        const struct reject_owner owner = {result.load_id, k->rejected > 0 ? k->l->row->key : NULL,
                                           k->l->replaces};
        rc = step_rejects_copy(c, load, &owner, err);
    }
    if (rc == 0)
        rc = beat(&c->beat, err);
    if (rc == 0)
        rc = target_load_commit(load, &ledger, err);
    else
        target_load_abort(load);
    json_decref(v);
    free(columns);
    return rc;
}

static int seal(struct chunking *k, const struct loader_object *whole, struct err *err)
{
    struct load_job *j = k->j;
    struct load_row *row = k->l->row;
    struct load *load = NULL;

    int rc = begin_seal(k, &load, err);
    if (rc == 0 && k->stage != NULL)
        rc = publish(k, load, err);
    if (rc < 0) {
        target_load_abort(load);
        return rc;
    }
    rc = commit_seal(k, whole, load, err);
    if (rc == 0) {
        j->commits++;
        rc = fault_point("ingest.after_commit", err);
    }
    if (rc == 0)
        rc = load_settle(j->c->store, j->c->token, row->load_id, "LOADED", clock_now_ms(), err);
    row->rows_read = k->read;
    row->rows_loaded = k->loaded;
    row->rows_rejected = k->rejected;
    if (rc == 0)
        rc = fault_point("ingest.settled", err);
    if (rc == 0 && k->stage != NULL) /* dying before this leaves rows that the next attempt sweeps away */
        rc = target_stage_clear(j->target, j->def, row->load_id, err);
    return rc;
}

/* It cannot be loaded as it is: what is there of it must not stay. */
static int give_up(struct chunking *k, int rc, struct err *err)
{
    struct err why = *err, ignored;

    if (!err_counts(why.code) && why.code != ERR_OBJECT_CHANGED)
        return rc;
    if (take_back(k, &ignored) < 0) /* its plan says REVOKING: the next attempt goes on with that */
        return rc;
    if (k->l->over && k->l->rejects > 0)
        return loading_refuse(k->l, k->rejected + k->budget, err);
    *err = why;
    return rc;
}

/*
 * All that are missing. A row that is refused has its chunk read again, row by row. Lanes that wait for each other (a key that
 * is in chunks of both) would do so at every try: then one lane goes on alone.
 */
static int all_chunks(struct chunking *k, struct loader_object *whole, struct err *err)
{
    bool careful = false, again;
    int rc;

    k->lanes = (size_t)k->j->connections;
    do {
        k->careful = false;
        k->budget = 0;
        rc = look(k, err);
        if (rc == 0)
            rc = run_chunks(k, whole, careful, err);
        bool refused = rc < 0 && k->careful && !careful;
        bool waited = rc < 0 && k->lanes > 1 && target_lock_conflict(err);
        again = refused || waited;
        careful = careful || refused;
        if (waited)
            k->lanes = 1;
    } while (again);
    return rc;
}

static int read_and_seal(struct chunking *k, struct err *err)
{
    struct load_row *row = k->l->row;
    struct loader_object whole = {
        .info = object_info_of(row), .load_id = row->load_id, .generation = row->generation};

    int rc = all_chunks(k, &whole, err);
    if (rc == 0)
        rc = look(k, err);
    if (rc == 0 && loading_is_over(k->l, k->rejected, k->read)) {
        k->budget = 0;
        k->l->over = true;
        rc = err_set(err, ERR_TOO_MANY_REJECTS, "too many");
    }
    if (rc == 0 && k->have_n == 0) { /* not one record: an empty object like any other */
        rc = take_back(k, err);
        k->l->how = LOADING_ALONE;
        return rc < 0 ? rc : load_run(k->j, k->l, 1, err);
    }
    if (rc == 0)
        rc = object_as_said(row, k->read, whole.sha256, err);
    if (rc == 0)
        rc = seal(k, &whole, err);
    return rc < 0 ? give_up(k, rc, err) : 0;
}

/* Rows in the stage that nobody is going to publish: of loads that died behind their COMMIT, or were given up. */
static int sweep_stage(const struct load_job *j, struct err *err)
{
    int64_t load_id = INT64_MIN;
    bool live = false;
    int rc = target_is_mysql(j->target) && j->def->has_lineage ? 1 : 0;

    while (rc > 0) {
        rc = target_stage_next(j->target, j->def, load_id, &load_id, &live, err);
        if (rc < 0 && (err->native == TARGET_NO_TABLE || err->code == ERR_ACCESS_DENIED))
            return 0; /* nobody has made one, or our user may not use it: then we have put nothing there */
        if (rc > 0 && !live)
            rc = target_stage_clear(j->target, j->def, load_id, err) < 0 ? -(int)err->code : 1;
    }
    return rc;
}

int load_orphans(struct load_job *j, struct err *err)
{
    struct step_ctx *c = j->c;
    int64_t ids[64];
    int n = c->pipeline->publish_chunks ? target_plans(j->target, c->pipeline->name, ids, ARRAY_LEN(ids), err)
                                        : 0;
    int rc = n < 0 ? n : sweep_stage(j, err);

    for (int i = 0; rc >= 0 && i < n; i++) {
        struct load_row row = {0};
        struct err unknown;
        rc = load_get(c->store, ids[i], &row, &unknown);
        bool open = rc == 0 && (strcmp(row.state, "DRAWN") == 0 || strcmp(row.state, "PENDING") == 0);
        load_row_release(&row);
        if (rc < 0 && unknown.code != ERR_NOT_FOUND) {
            *err = unknown;
            return rc;
        }
        rc = open ? 0
                  : target_plan_revoke(j->target, j->def, c->pipeline->name, ids[i], j->epoch, &j->commits,
                                       err);
    }
    return rc < 0 ? rc : 0;
}

/* The table was there before orch made staging tables: whole in one transaction, then, as it was. */
static int without_stage(struct chunking *k, struct err *err)
{
    struct load_job *j = k->j;
    const struct notice n = {
        j->c->pipeline->name, j->job->part, "one transaction",
        "for want of the staging table, which orch target setup makes: a large file is not cut"};
    int rc = notice_put(j->c->store, j->c->token, &n, clock_now_ms(), err);

    k->l->planned = false;
    k->l->how = LOADING_ALONE;
    return rc < 0 ? rc : load_run(j, k->l, 1, err);
}

int load_chunks(struct load_job *j, struct loading *l, struct err *err)
{
    struct chunking k = {.j = j, .l = l, .into = j->def};
    bool planned = l->planned;

    l->planned = true; /* rejects are put chunk by chunk */
    int rc = make_plan(&k, err);
    if (rc < 0 && err->code == ERR_TARGET_SETUP && !planned)
        rc = without_stage(&k, err);
    else if (rc == 0)
        rc = read_and_seal(&k, err);
    sums_release(&k.sums);
    table_free(k.stage);
    free(k.refused);
    free(k.columns);
    free(k.have);
    return rc;
}
