/* orch-reconcile {pipeline, job, flag} -> {verdict, differences}: what was read against what the target holds now. */
#include "base/clock.h"
#include "base/fault.h"
#include "state/flag.h"
#include "steps/object_int.h"
#include "steps/steps_int.h"
#include "steps/upsert_int.h"

enum {
    MAX_DIFFERENCES = 100, /* a job names so many; more of them tell nothing more */
    FRESH_MS = 10 * 60 * 1000,
    RACES = 5, /* that often a load may lose rows to a later one while we compare it */
};

struct comparing {
    struct step_ctx *c;
    struct target *target;
    struct table *def;
    bool recount;
    bool believe_fresh; /* what was verified in its own transaction a moment ago is not asked for again */
    json_t *differences;
    struct reconciliation result;
};

/* The source side when the objects are read again. */
struct recount {
    struct comparing *k;
    const struct load_row *load;
    struct sums *sums;
    bool with_sums;
    bool
        owned_alone; /* of an upsert: rows that the load owns in the table, the others are somebody else's by now */
};

static int recount_begin(void *arg, const int *columns, size_t count, struct err *err)
{
    struct recount *r = arg;

    UNUSED(err);
    for (size_t i = 0; i < count; i++)
        r->sums->used[columns[i]] = r->with_sums;
    return 0;
}

static int recount_owned(struct recount *r, const struct batch *b, struct err *err)
{
    char *present = xcalloc(b->rows + 1, 1);
    int rc = upsert_present(r->k->target, r->k->def, r->load->load_id, b, present, err);

    for (size_t i = 0; rc == 0 && i < b->rows; i++)
        if (present[i] && r->with_sums)
            batch_sum_row(b, i, 1, r->sums);
        else if (present[i])
            r->sums->rows++;
    free(present);
    return rc;
}

static int recount_batch(void *arg, const struct batch *b, struct err *err)
{
    struct recount *r = arg;

    if (r->owned_alone)
        return recount_owned(r, b, err);
    if (r->with_sums)
        batch_sum(b, r->sums);
    else
        r->sums->rows += (int64_t)b->rows;
    return 0;
}

/* Of an upsert record (NULL: the load appended its rows), else as the state file has it. */
static int source_sums(struct comparing *k, const struct load_row *l, const char *record, int64_t owned,
                       struct sums *ret, struct err *err)
{
    struct recount r = {k, l, ret, wants_sums(k->c->pipeline), record != NULL};
    const struct row_sink sink = {.begin = recount_begin, .batch = recount_batch, .arg = &r};
    const char *columns = record != NULL ? record : l->columns;
    int64_t rows = record != NULL ? owned : l->rows_loaded;
    struct rows_result result;
    json_t *v = NULL;
    int rc;

    if (k->recount) {
        sums_init(ret, k->def->count);
        ret->full = wants_full(k->c->pipeline);
        rc = rows_read(k->c, l, k->def, &sink, &result, err);
        if (record != NULL)
            ret->rows = owned; /* the file alone cannot say which of its rows others have taken over */
        return rc;
    }
    if (columns[0] == '\0') { /* verify: count, or an empty object */
        sums_init(ret, k->def->count);
        ret->rows = rows;
        return 0;
    }
    rc = json_parse(columns, strlen(columns), "recorded sums", &v, err);
    if (rc == 0)
        rc = sums_from_json(v, rows, k->def, ret, err);
    json_decref(v);
    return rc;
}

static int note(struct comparing *k, const struct load_row *l, const struct sums_diff *d, struct err *err)
{
    char printable[KEY_NAME_SIZE];
    json_t *v = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "column", d->column, "what", d->what, "source",
                          d->source, "target", d->target, "object", key_name(l->key, printable), "loadId",
                          (json_int_t)l->load_id);

    if (v == NULL || json_array_append_new(k->differences, v) < 0)
        return err_set(err, ERR_INTERNAL, "cannot describe a difference");
    return 0;
}

/* What the ledger says of a load, against the state file. */
struct fresh {
    const struct load_row *l;
    bool publish_chunks;
    bool yes;
};

static int on_ledger(void *arg, const struct ledger_row *r, struct err *err)
{
    struct fresh *f = arg;
    const char *columns = r->columns != NULL ? r->columns : "";
    int64_t age_ms = clock_now_ms() - r->at_ms;
    bool staged = r->byte_to != 0 && (!f->publish_chunks || r->generation > 1);

    UNUSED(err);
    f->yes = !staged && r->state == LEDGER_LOADED && r->rows_loaded == f->l->rows_loaded &&
             r->rows_read == f->l->rows_read && strcmp(columns, f->l->columns) == 0 && age_ms >= 0 &&
             age_ms < FRESH_MS;
    return 0;
}

/*
 * Verified before COMMIT, and that was a moment ago: the workflow's own step need not sum the same rows again, which
 * would cost as much as the verification itself. 1: the ledger agrees with the state file that it is so. Chunks carry the
 * age of the oldest. What came through the stage is summed again: it was verified there.
 */
static int is_fresh(struct comparing *k, const struct load_row *l, struct err *err)
{
    struct fresh f = {.l = l, .publish_chunks = k->c->pipeline->publish_chunks};

    if (!k->believe_fresh || k->c->pipeline->verify == VERIFY_FULL || k->c->pipeline->mode != MODE_APPEND)
        return 0;
    int rc = target_ledger_by_id(k->target, l->load_id, on_ledger, &f, err);
    return rc < 0 ? rc : rc == 1 && f.yes;
}

/* 1: they differ, and the record changed meanwhile: a later upsert has taken rows over. */
static int moved_on(struct comparing *k, const struct load_row *l, const char *record, struct err *err)
{
    char *now = NULL;
    int64_t owned;

    if (record == NULL)
        return 0;
    int rc = upsert_record(k->target, l, &now, &owned, err);
    if (rc >= 0)
        rc = now == NULL || strcmp(now, record) != 0;
    free(now);
    return rc;
}

static int look(struct comparing *k, const struct load_row *l, struct sums *source, struct sums *stored,
                struct err *err)
{
    struct sums_diff diff;
    int rc = 0;

    for (int i = 0; i < RACES; i++) {
        char *record = NULL;
        int64_t owned = 0;
        sums_release(source);
        sums_release(stored);
        *source = *stored = (struct sums){0};
        rc = upsert_record(k->target, l, &record, &owned, err);
        if (rc >= 0)
            rc = source_sums(k, l, record, owned, source, err);
        if (rc == 0) {
            sums_init(stored, k->def->count);
            memcpy(stored->used, source->used, k->def->count * sizeof *stored->used);
            stored->full = source->full;
            rc = target_sums(k->target, k->def, l->load_id, stored, err);
        }
        if (rc == 0 && sums_compare(source, stored, k->def, &diff, 1) > 0)
            rc = moved_on(k, l, record, err);
        free(record);
        if (rc <= 0)
            return rc;
    }
    return err_set(err, ERR_TRANSIENT, "load %lld loses rows to later ones while it is compared",
                   (long long)l->load_id);
}

static int one_load(struct comparing *k, const struct load_row *l, struct err *err)
{
    struct sums source = {0}, stored = {0};
    struct sums_diff diffs[16];

    int rc = is_fresh(k, l, err);
    if (rc == 1) {
        k->result.rows_source += l->rows_read;
        k->result.rows_loaded += l->rows_loaded;
        k->result.rows_rejected += l->rows_rejected;
        k->result.rows_target += l->rows_loaded;
    }
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = look(k, l, &source, &stored, err);
    if (rc == 0) {
        size_t n = sums_compare(&source, &stored, k->def, diffs, ARRAY_LEN(diffs));
        for (size_t i = 0; rc == 0 && i < n && i < ARRAY_LEN(diffs); i++)
            if (json_array_size(k->differences) < MAX_DIFFERENCES)
                rc = note(k, l, &diffs[i], err);
        k->result.rows_source += l->rows_read;
        k->result.rows_loaded += source.rows;
        k->result.rows_rejected += l->rows_rejected;
        k->result.rows_target += stored.rows;
    }
    sums_release(&source);
    sums_release(&stored);
    return rc;
}

static int all_loads(struct comparing *k, int64_t job_id, struct err *err)
{
    struct loads loads;
    int rc = loads_get(k->c->store, job_id, &loads, err);

    for (size_t i = 0; rc == 0 && i < loads.n; i++) {
        if (strcmp(loads.rows[i].state, "LOADED") == 0 && k->def->has_lineage)
            rc = one_load(k, &loads.rows[i], err);
        else if (strcmp(loads.rows[i].state, "LOADED") == 0)
            k->result.rows_loaded += loads.rows[i].rows_loaded;
        if (rc == 0)
            rc = beat(&k->c->beat, err);
    }
    loads_release(&loads);
    return rc;
}

static int reconcile_job(struct comparing *k, int64_t job_id, const char **ret_verdict,
                         json_t **ret_differences, struct err *err)
{
    char *text = NULL;

    k->result.job_id = job_id;
    int rc = step_target(k->c, &k->target, err);
    if (rc == 0)
        rc = target_describe(k->target, k->c->pipeline->table, &k->def, err);
    if (rc == 0)
        rc = all_loads(k, job_id, err);
    if (rc == 0)
        rc = fault_point("reconcile.compared", err);
    if (rc == 0) {
        text = json_text(k->differences);
        k->result.at_ms = clock_now_ms();
        k->result.differences = text;
        k->result.verdict = !k->def->has_lineage                   ? "UNVERIFIABLE"
                            : json_array_size(k->differences) == 0 ? "EQUAL"
                                                                   : "DIFFERENT";
        rc = reconciliation_put(k->c->store, k->c->token, &k->result, err);
    }
    if (rc == 0) {
        *ret_verdict = k->result.verdict;
        *ret_differences = json_incref(k->differences);
    }
    json_decref(k->differences);
    free(text);
    table_free(k->def);
    return rc;
}

int step_reconcile_job(struct step_ctx *c, int64_t job_id, bool recount, const char **ret_verdict,
                       json_t **ret_differences, struct err *err)
{
    struct comparing k = {.c = c, .recount = recount, .differences = json_array()};

    return reconcile_job(&k, job_id, ret_verdict, ret_differences, err);
}

/* The first difference as the sentence of the failure. */
static int mismatch(struct step_ctx *c, int64_t job_id, const json_t *differences, struct err *err)
{
    const json_t *d = json_array_get(differences, 0);
    struct job job = {0};
    char name[JOB_NAME_SIZE];

    int rc = job_get(c->store, job_id, &job, err);
    if (rc < 0)
        return rc;
    const char *column = json_string_value(json_object_get(d, "column"));
    err_set(err, ERR_MISMATCH, "%s: %s: %s%s%s is %s in the source and %s in the target",
            job_name(&job, name), json_string_value(json_object_get(d, "object")), column,
            column[0] != '\0' ? " " : "", json_string_value(json_object_get(d, "what")),
            json_string_value(json_object_get(d, "source")), json_string_value(json_object_get(d, "target")));
    rc = err_hint(err, "orch replay %s --only mismatched --from %s --to %s --reason ... loads it again",
                  job.pipeline, job.part, job.part);
    job_release(&job);
    return rc;
}

int step_run_reconcile(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct flag flag;
    const char *flag_id, *verdict = "";
    json_t *differences = NULL;
    int64_t job_id;

    int rc = json_need_i64(parameters, "job", &job_id, err);
    if (rc == 0)
        rc = json_need_str(parameters, "flag", &flag_id, err);
    if (rc == 0)
        rc = flag_held(c->store, c->pipeline->name, flag_id, &flag, err);
    if (rc == 0) {
        free(c->flag_id);
        c->flag_id = xstrdup(flag_id);
        struct comparing k = {.c = c, .believe_fresh = true, .differences = json_array()};
        rc = reconcile_job(&k, job_id, &verdict, &differences, err);
    }
    if (rc == 0 && strcmp(verdict, "DIFFERENT") == 0)
        rc = mismatch(c, job_id, differences, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:s, s:O}", "verdict", verdict, "differences", differences);
    json_decref(differences);
    return rc;
}
