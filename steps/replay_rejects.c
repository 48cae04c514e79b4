/*
 * orch-replay-rejects {pipeline, partition?, code?, column?, reason, who} -> {loaded, refused, objects, skipped}.
 * Rejects once more, by the rules and the table of now: what goes in gets its object's load id and its own line, in one
 * transaction an object with the ledger's counts and sums, and what the ledger keeps of rejects. The order of effects:
 *
 *   flag, epoch > the state file brought in line with the ledger > rows > PENDING in the state file, and the ledger in
 *   doubt there > counts, verdicts, fence, COMMIT > REPLAYED in the state file
 *
 * A death anywhere in between leaves a state file that reads the ledger before anything else is done.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/reject_page.h"
#include "io/target_rejects.h"
#include "state/flag.h"
#include "steps/object_int.h"
#include "steps/rejects.h"
#include "steps/steps_int.h"

enum {
    PAGE = 100,       /* rejects that are read from the state file at a time */
    MAX_SKIPPED = 20, /* objects that are named because nothing of them could be tried */
};

struct replaying { /* the whole of it */
    struct step_ctx *c;
    struct target *target;
    struct table *def;
    int64_t epoch, loaded, refused, objects;
    struct reject_filter filter;
    const char *who, *reason;
    json_t *skipped;
};

struct object { /* one load */
    struct replaying *r;
    struct load_row row;
    struct job job;
    struct converter *converter;
    struct batch *batch;
    bool *refused;                    /* by the database, per row of the batch */
    struct load *load;                /* the transaction; NULL: not begun */
    char *columns;                    /* of the ledger row; owned once begun */
    struct sums delta;                /* of what went in */
    struct arena *arena, *page_arena; /* of bad; of page */
    struct reject bad[BATCH_ROWS + PAGE];
    size_t bad_n;
    struct reject page[PAGE];
    size_t page_n;
    int64_t *lines; /* that went in; owned */
    size_t n, room;
    struct slices *slices;
};

/* ---- what stays a reject ---- */

static const char *keep(struct object *o, const char *text)
{
    return arena_strndup(o->arena, text, strlen(text));
}

static void refuse(struct object *o, const struct reject_info *why)
{
    o->bad[o->bad_n++] = (struct reject){.line = why->line,
                                         .code = keep(o, why->code),
                                         .column = keep(o, why->column),
                                         .message = keep(o, why->message),
                                         .hint = keep(o, reject_hint(why))};
}

static int on_server_reject(void *arg, const struct batch *b, size_t row, const struct reject_info *why,
                            struct err *err)
{
    struct object *o = arg;

    UNUSED(err);
    o->refused[row] = true;
    batch_sum_row(b, row, -1, &o->delta);
    refuse(o, why);
    return 0;
}

/* ---- rows ---- */

static int begin(struct object *o, struct err *err)
{
    const struct pipeline *p = o->r->c->pipeline;
    size_t count;
    const int *columns = converter_columns(o->converter, &count);
    const struct load_spec spec = {.table = o->r->def,
                                   .columns = columns,
                                   .column_count = count,
                                   .pipeline = p->name,
                                   .partition = o->job.part,
                                   .key = o->row.key,
                                   .etag = o->row.etag,
                                   .job = o->job.part,
                                   .reason = o->r->reason,
                                   .load_id = o->row.load_id,
                                   .generation = o->row.generation,
                                   .size = o->row.size,
                                   .mtime_ns = o->row.mtime_ns,
                                   .epoch = o->r->epoch,
                                   .careful = true,
                                   .on_reject = on_server_reject,
                                   .arg = o};

    return target_replay_begin(o->r->target, &spec, &o->load, &o->columns, err);
}

/* Their new reasons: in the copy within the transaction, in the state file at once. */
static int say_refused(struct object *o, struct err *err)
{
    const char *copy = o->r->c->pipeline->rejects_table;
    int rc = copy != NULL && o->bad_n > 0 && o->load == NULL ? begin(o, err) : 0;

    for (size_t i = 0; rc == 0 && copy != NULL && i < o->bad_n; i++) {
        const struct reject *b = &o->bad[i];
        const struct reject_copy row = {
            .line = b->line, .column = b->column, .code = b->code, .message = b->message};
        rc = target_replay_reason(o->load, copy, &row, err);
    }
    if (rc == 0)
        rc = reject_reasons(o->r->c->store, o->r->c->token, o->row.load_id, o->bad, o->bad_n, err);
    o->r->refused += rc == 0 ? (int64_t)o->bad_n : 0;
    o->bad_n = 0;
    arena_reset(o->arena);
    return rc;
}

static void went_in(struct object *o, int64_t line)
{
    if (o->n == o->room) {
        o->room = o->room > 0 ? o->room * 2 : 64;
        o->lines = xrealloc(o->lines, o->room * sizeof *o->lines);
    }
    o->lines[o->n++] = line;
}

static int flush(struct object *o, struct err *err)
{
    const struct batch *b = o->batch;
    int rc = 0;

    if (b->rows > 0 && o->load == NULL)
        rc = begin(o, err);
    if (rc == 0 && b->rows > 0) {
        memset(o->refused, 0, b->capacity * sizeof *o->refused);
        batch_sum(b, &o->delta);
        rc = target_load_batch(o->load, b, err);
    }
    for (size_t i = 0; rc == 0 && i < b->rows; i++) {
        if (o->refused[i])
            continue;
        if (wants_sums(o->r->c->pipeline))
            rc = target_replay_check(o->load, b, i, err);
        went_in(o, b->lines[i]);
    }
    if (rc == 0)
        rc = say_refused(o, err);
    batch_clear(o->batch);
    return rc;
}

static int add_bytes(void *arg, const void *p, size_t n, struct err *err)
{
    return buf_add(arg, p, n, err);
}

/* The whole of its bytes: as kept, or from the object where they were cut. 0: it is too long for any row. */
static int whole(struct object *o, struct reject *r, struct buf *bytes, struct err *err)
{
    size_t max = o->r->c->pipeline->dialect.max_record;
    int rc = 0;

    if (r->raw_total <= (int64_t)r->raw_n)
        return 1;
    if (r->raw_total > (int64_t)(max > 0 ? max : MAX_RECORD))
        return 0;
    if (o->slices == NULL)
        rc = slices_open(o->r->c, &o->row, &o->slices, err);
    if (rc == 0)
        rc = slices_read(o->slices, r->offset, r->raw_total, add_bytes, bytes, err);
    r->raw = bytes->p;
    r->raw_n = bytes->n;
    return rc < 0 ? rc : 1;
}

static int try_one(struct object *o, struct reject *r, struct err *err)
{
    struct buf bytes = BUF_INIT(MAX_RECORD);
    struct reject_parse *parse = NULL;
    struct reject_info why;
    struct csv_record rec;
    int good = 0;

    int rc = whole(o, r, &bytes, err);
    if (rc == 1)
        rc = good = reject_parse(&o->r->c->pipeline->dialect, r, &rec, &why, &parse, err);
    else if (rc == 0) {
        o->r->refused++; /* as it was */
        goto out;
    }
    if (rc == 1)
        rc = good = converter_row(o->converter, &rec, o->batch, &why);
    if (rc >= 0 && !good)
        refuse(o, &why);
    if (rc >= 0 &&
        (o->batch->rows == o->batch->capacity || o->batch->bytes >= BATCH_BYTES || o->bad_n >= BATCH_ROWS))
        rc = flush(o, err);
out:
    reject_parse_end(parse);
    buf_release(&bytes);
    return rc < 0 ? rc : beat(&o->r->c->beat, err);
}

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct object *o = arg;
    struct reject *copy = &o->page[o->page_n++];

    UNUSED(err);
    *copy = (struct reject){.load_id = r->load_id,
                            .line = r->line,
                            .offset = r->offset,
                            .raw_total = r->raw_total,
                            .code = arena_strndup(o->page_arena, r->code, strlen(r->code)),
                            .raw = arena_strndup(o->page_arena, r->raw_n > 0 ? r->raw : "", r->raw_n),
                            .raw_n = r->raw_n};
    return 0;
}

/* Page by page, so that no query of the state file is open while the database is waited for. */
static int try_all(struct object *o, struct err *err)
{
    struct reject_filter f = o->r->filter;
    int64_t after = INT64_MIN;
    int rc = 0;

    f.state = "FINAL";
    f.limit = PAGE;
    do {
        o->page_n = 0;
        arena_reset(o->page_arena);
        rc = reject_page(o->r->c->store, o->row.load_id, after, &f, on_reject, o, err);
        if (o->page_n > 0)
            after = o->page[o->page_n - 1].line;
        for (size_t i = 0; rc == 0 && i < o->page_n; i++)
            rc = try_one(o, &o->page[i], err);
    } while (rc == 0 && o->page_n == PAGE);
    return rc == 0 ? flush(o, err) : rc;
}

/* ---- the end of one object ---- */

/* Recorded sums and what went in besides; "" where none were recorded. Columns that were not summed then are not now. */
static int add_sums(const struct object *o, const char *recorded, char **ret_owned, struct err *err)
{
    struct sums all;
    json_t *v = NULL;
    char text[96];

    if (recorded[0] == '\0') {
        *ret_owned = xstrdup("");
        return 0;
    }
    int rc = json_parse(recorded, strlen(recorded), "sums", &v, err);
    if (rc == 0)
        rc = sums_from_json(v, 0, o->r->def, &all, err);
    json_decref(v);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < all.count; i++) {
        if (!all.used[i])
            continue;
        all.cols[i].nulls += o->delta.used[i] ? o->delta.cols[i].nulls : (int64_t)o->n;
        all.cols[i].large += o->delta.cols[i].large;
        dec256_text(&o->delta.cols[i].sum, text);
        rc = dec256_add_text(&all.cols[i].sum, str_of(text), err);
    }
    if (rc == 0) {
        v = sums_to_json(&all, o->r->def);
        *ret_owned = json_text(v);
        json_decref(v);
    }
    sums_release(&all);
    return rc;
}

static int commit(struct object *o, struct err *err)
{
    struct step_ctx *c = o->r->c;
    struct reject_decision d = {.pipeline = c->pipeline->name,
                                .load_id = o->row.load_id,
                                .lines = o->lines,
                                .n = o->n,
                                .who = o->r->who,
                                .reason = o->r->reason,
                                .at_ms = clock_now_ms(),
                                .copy = c->pipeline->rejects_table};
    const struct reject_lines lines = {d.pipeline, d.load_id, o->lines, o->n};
    const struct reject_outcome outcome = {"REPLAYED", d.who, d.reason, d.at_ms};
    char *ledger = NULL, *state = NULL;

    int rc = add_sums(o, o->columns, &ledger, err);
    if (rc == 0)
        rc = add_sums(o, o->row.columns, &state, err);
    if (rc == 0)
        rc = reject_doubt(c->store, c->token, &lines, err);
    if (rc == 0)
        rc = fault_point("rejects.pending", err);
    if (rc == 0)
        rc = beat(&c->beat, err);
    if (rc == 0) {
        struct load *load = o->load;
        o->load = NULL; /* commit frees it whatever comes */
        rc = target_replay_commit(load, &d, ledger, err);
    }
    if (rc == 0)
        rc = fault_point("rejects.committed", err);
    if (rc == 0)
        rc = reject_settle(c->store, c->token, &lines, &outcome, err);
    if (rc == 0 && o->n > 0)
        rc = load_recount(c->store, c->token, d.load_id, o->row.rows_loaded + (int64_t)o->n,
                          o->row.rows_rejected - (int64_t)o->n, state, err);
    if (rc == 0)
        rc = fault_point("rejects.settled", err);
    o->r->loaded += rc == 0 ? (int64_t)o->n : 0;
    free(ledger);
    free(state);
    return rc;
}

/* ---- its beginning ---- */

struct first {
    struct object *o;
    bool seen;
};

static int on_first(void *arg, const struct csv_record *rec, struct err *err)
{
    struct first *f = arg;
    struct object *o = f->o;
    size_t count;

    if (rec->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld: %s: %s", (long long)rec->line, csv_code_name(rec->code),
                       rec->message);
    int rc = converter_new(&o->r->c->pipeline->convert, o->r->def, rec, &o->converter, err);
    if (rc < 0)
        return rc;
    const int *columns = converter_columns(o->converter, &count);
    o->batch = batch_new(o->r->def, columns, count, BATCH_ROWS);
    o->refused = xcalloc(BATCH_ROWS, sizeof *o->refused);
    f->seen = true;
    return 1;
}

/* The header stands in the object alone, so the object must be there, and the one that was loaded. */
static int read_header(struct object *o, struct err *err)
{
    const struct object_info info = object_info_of(&o->row);
    struct first f = {o, false};
    int rc = step_records(o->r->c, &info, on_first, &f, err);

    if (rc == 0 && !f.seen)
        rc = err_set(err, ERR_OBJECT_CHANGED, "the object has no records any more");
    return rc;
}

/* What speaks of this object alone, and not of the servers or of us: the others are tried all the same. */
static bool is_its_own(const struct err *err)
{
    static const enum err_code codes[] = {ERR_OBJECT_CHANGED, ERR_NOT_FOUND, ERR_SCHEMA,  ERR_BAD_CSV,
                                          ERR_BAD_ENCODING,   ERR_CORRUPT,   ERR_CONTRACT};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (err->code == codes[i])
            return true;
    return false;
}

static int skip(struct object *o, const struct err *why)
{
    char name[KEY_NAME_SIZE];

    if (json_array_size(o->r->skipped) < MAX_SKIPPED)
        json_array_append_new(o->r->skipped, json_pack("{s:s, s:s, s:s}", "partition", o->job.part, "object",
                                                       key_name(o->row.key, name), "why", why->msg));
    return 0;
}

static void object_release(struct object *o)
{
    target_load_abort(o->load);
    slices_close(o->slices);
    sums_release(&o->delta);
    batch_free(o->batch);
    converter_free(o->converter);
    arena_free(o->arena);
    arena_free(o->page_arena);
    load_row_release(&o->row);
    job_release(&o->job);
    free(o->refused);
    free(o->columns);
    free(o->lines);
    free(o);
}

static int one_object(struct replaying *r, int64_t load_id, json_t *jobs, struct err *err)
{
    struct object *o = xcalloc(1, sizeof *o);
    struct step_ctx *c = r->c;
    int64_t loaded = r->loaded;

    o->r = r;
    o->arena = arena_new();
    o->page_arena = arena_new();
    sums_init(&o->delta, r->def->count);
    int rc = load_get(c->store, load_id, &o->row, err);
    if (rc == 0)
        rc = job_get(c->store, o->row.job_id, &o->job, err);
    if (rc == 0)
        rc = read_header(o, err);
    if (rc == 0)
        rc = try_all(o, err);
    if (rc == 0 && o->load != NULL && (o->n > 0 || c->pipeline->rejects_table != NULL))
        rc = commit(o, err);
    if (rc < 0 && is_its_own(err))
        rc = skip(o, err);
    else if (rc == 0)
        r->objects++;
    if (rc == 0 && r->loaded > loaded)
        json_array_append_new(jobs, json_integer(o->row.job_id));
    object_release(o);
    return rc;
}

/* ---- the whole ---- */

/* As orch-set-flag does, but for no job: compare-and-set from the value that stands there while the flag is ours. */
static int take_over(struct replaying *r, struct flag *flag, struct err *err)
{
    struct step_ctx *c = r->c;
    const char *pipeline = c->pipeline->name;
    int64_t from = -1, seq;
    struct flag now;

    int rc = target_fence_read(r->target, pipeline, &from, &seq, err);
    if (rc == 0)
        from = -1;
    if (rc >= 0)
        rc = flag_held(c->store, pipeline, flag->id, &now, err);
    if (rc == 0)
        rc = target_fence_raise(r->target, pipeline, from, &r->epoch, err);
    if (rc == 0)
        rc = fault_point("rejects.raised", err);
    if (rc == 0)
        rc = flag_epoch(c->store, c->token, pipeline, flag->id, now.epoch, r->epoch, err);
    return rc < 0 ? rc : target_hold(r->target, pipeline, r->epoch, err);
}

static int check_table(struct replaying *r, struct err *err)
{
    const struct pipeline *p = r->c->pipeline;
    int rc = target_describe(r->target, p->table, &r->def, err);

    if (rc == 0)
        rc = target_check(r->def, err);
    if (rc == 0 && p->mode == MODE_UPSERT) {
        err_set(err, ERR_CONTRACT,
                "%s puts rows by key: a record alone would pass the rule of the later hour", p->name);
        rc = err_hint(err, "orch replay %s/PARTITION loads the hour again, with the mended rule", p->name);
    }
    if (rc == 0 && (p->lineage == LINEAGE_NONE || !r->def->has_lineage)) {
        err_set(err, ERR_TARGET,
                "table %s has no provenance columns: nobody could tell whether a reject has gone in before",
                p->table);
        rc = err_hint(err,
                      "orch lineage add %s, and \"lineage\": \"columns\"; or load the record by hand and "
                      "discard the reject",
                      p->table);
    }
    return rc;
}

/* Source against target again: a job that was RECONCILED before is so now, with the rows that came. */
static int compare(struct step_ctx *c, const json_t *jobs, struct err *err)
{
    const char *token = c->token;
    const json_t *id;
    size_t i;
    int rc = 0;

    c->token = NULL; /* as a person's: these jobs are settled, and no execution's */
    json_array_foreach(jobs, i, id) {
        json_t *differences = NULL;
        const char *verdict;
        if (i > 0 && json_equal(id, json_array_get(jobs, i - 1)))
            continue; /* by partition: the files of a job stand together */
        rc = step_reconcile_job(c, json_integer_value(id), false, &verdict, &differences, err);
        json_decref(differences);
        if (rc < 0)
            break;
    }
    c->token = token;
    return rc;
}

static int work(struct replaying *r, struct err *err)
{
    int64_t *ids = NULL;
    size_t n = 0;
    json_t *jobs = json_array();
    int rc = check_table(r, err);

    if (rc == 0)
        rc = step_rebuild(r->c, err); /* under our epoch: what is PENDING is decided now */
    if (rc >= 0)
        rc = reject_loads(r->c->store, &r->filter, &ids, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = one_object(r, ids[i], jobs, err);
    if (rc == 0)
        rc = compare(r->c, jobs, err);
    json_decref(jobs);
    free(ids);
    return rc < 0 ? rc : 0;
}

static int with_flag(struct replaying *r, struct err *err)
{
    struct step_ctx *c = r->c;
    const struct flag_new wanted = {
        .pipeline = c->pipeline->name, .execution_id = c->execution_id, .lease_ms_from_now = c->lease_ms};
    struct flag flag;
    int rc = flag_set(c->store, c->token, &wanted, &flag, err);

    if (rc == 0)
        rc = err_set(err, ERR_BUSY, "%s: another run holds the now-processing flag", c->pipeline->name);
    if (rc < 0)
        return rc;
    free(c->flag_id);
    c->flag_id = xstrdup(flag.id); /* from here on every beat renews its lease */
    rc = step_target(c, &r->target, err);
    if (rc == 0)
        rc = take_over(r, &flag, err);
    if (rc == 0)
        rc = work(r, err);
    free(c->flag_id);
    c->flag_id = NULL;
    struct err ignored; /* what is not freed here goes STALE with its execution */
    if (flag_reset(c->store, c->token, c->pipeline->name, flag.id, NULL, rc < 0 ? &ignored : err) < 0 &&
        rc == 0)
        rc = -(int)err->code;
    return rc;
}

int step_run_replay_rejects(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct replaying r = {.c = c, .filter = {.pipeline = c->pipeline->name, .limit = -1}};
    int rc = json_need_str(parameters, "reason", &r.reason, err);

    if (rc == 0)
        rc = json_need_str(parameters, "who", &r.who, err);
    if (rc < 0)
        return rc;
    r.filter.part = json_string_value(json_object_get(parameters, "partition")); /* null: all */
    r.filter.code = json_string_value(json_object_get(parameters, "code"));
    r.filter.column = json_string_value(json_object_get(parameters, "column"));
    r.skipped = json_array();
    rc = with_flag(&r, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:I, s:I, s:I, s:O}", "loaded", (json_int_t)r.loaded, "refused",
                               (json_int_t)r.refused, "objects", (json_int_t)r.objects, "skipped", r.skipped);
    table_free(r.def);
    json_decref(r.skipped);
    return rc;
}
