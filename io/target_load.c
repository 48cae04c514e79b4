/*
 * One load: ledger check, rows, verification, ledger row, fence, COMMIT (LOADING.md). The fence is the last statement,
 * so that parallel loads wait for each other only from there to COMMIT.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_int.h"

static const char *keep(struct arena *a, const char *text)
{
    return arena_strndup(a, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static struct load *load_new(struct target *t, const struct load_spec *spec)
{
    struct load *l = xcalloc(1, sizeof *l);

    l->t = t;
    l->arena = arena_new();
    l->spec = *spec;
    l->spec.pipeline = keep(l->arena, spec->pipeline);
    l->spec.partition = keep(l->arena, spec->partition);
    l->spec.key = keep(l->arena, spec->key);
    l->spec.etag = keep(l->arena, spec->etag);
    l->spec.job = keep(l->arena, spec->job);
    l->spec.reason = keep(l->arena, spec->reason);
    ledger_key_sha256(spec->key, spec->partition, l->key_sha256);
    return l;
}

static void load_free(struct load *l)
{
    if (l->insert != NULL)
        l->t->ops->insert_close(l);
    arena_free(l->arena);
    free(l);
}

void target_load_abort(struct load *l)
{
    if (l == NULL)
        return;
    struct target *t = l->t;
    bool ours = t->db != NULL && t->serial == l->serial;
    load_free(l);
    if (ours)
        target_drop(t); /* rolls back, whatever state the connection is in */
}

int64_t target_load_rows(const struct load *l)
{
    return l->inserted;
}

/* The connection that the transaction was begun on, or none. */
static int still_there(const struct load *l, struct err *err)
{
    if (l->t->db != NULL && l->t->serial == l->serial)
        return 0;
    return err_set(err, ERR_TRANSIENT, "%s: the connection was lost in the middle of a load", l->t->name);
}

/* Rows of the generation that goes, a range of lines a statement. */
static int delete_replaced(struct load *l, struct err *err)
{
    struct target *t = l->t;
    struct line_range r;
    const char *table = l->spec.table->name;

    if (!l->spec.table->has_lineage)
        return err_set(err, ERR_TARGET, "table %s has no lineage columns: its rows cannot be replaced", table);
    int rc = line_range_open(t, table, l->spec.replaces, &r, err);
    while (rc == 0 && line_range_next(&r)) {
        const struct val values[] = {val_i64(l->spec.replaces), val_i64(r.from), val_i64(r.to)};
        rc = target_run_on(t, "rows_delete", table, NULL, values, 3, NULL, NULL, NULL, err);
    }
    return rc;
}

struct live {
    int64_t replaces, generation;
    bool other;
};

static int on_live(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct live *v = arg;

    UNUSED(count);
    UNUSED(err);
    if (target_cell_i64(cells[0]) != v->replaces || target_cell_i64(cells[1]) >= v->generation)
        v->other = true;
    return 0;
}

/* The ledger holds a load of this key that we neither replace nor come after: two would count. */
static int check_live(struct load *l, struct err *err)
{
    struct live v = {.replaces = l->spec.replaces, .generation = l->spec.generation};
    const struct val values[] = {val_text(l->spec.pipeline), val_blob(l->key_sha256, sizeof l->key_sha256),
                                 val_i64(l->spec.load_id), val_i64(l->spec.generation)};

    int rc = target_run(l->t, "ledger_live", values, 4, on_live, &v, NULL, err);
    if (rc == 0 && v.other)
        rc = err_set(err, ERR_TRANSIENT, "the ledger holds another load of this object, which this state file does not know");
    return rc;
}

static int prepare(struct load *l, struct err *err)
{
    int rc = ledger_has(l->t, l->spec.load_id, err);

    if (rc != 0)
        return rc < 0 ? rc : 2;
    rc = check_live(l, err);
    if (rc == 0 && l->spec.replaces != 0 && l->spec.table != NULL)
        rc = delete_replaced(l, err);
    return rc < 0 ? rc : 1;
}

int target_load_begin(struct target *t, const struct load_spec *spec, struct load **ret, struct err *err)
{
    *ret = NULL;
    int rc = target_begin(t, err);
    if (rc < 0)
        return rc;
    struct load *l = load_new(t, spec);
    l->serial = t->serial;
    rc = fault_point("load.begun", err);
    if (rc == 0)
        rc = prepare(l, err);
    if (rc == 1) {
        *ret = l;
        return 1;
    }
    struct err ignored;
    if (rc == 2) { /* done before: nothing was written */
        load_free(l);
        if (t->ops->script(t, target_query(t, "rollback"), &ignored) < 0)
            target_drop(t);
        return 2;
    }
    target_load_abort(l);
    return rc;
}

int target_load_batch(struct load *l, const struct batch *b, struct err *err)
{
    int rc = still_there(l, err);

    if (rc == 0 && l->insert == NULL)
        rc = l->t->ops->insert_open(l, err);
    if (rc == 0)
        rc = target_beat(l->t, err);
    if (rc == 0)
        rc = l->t->ops->insert_rows(l, b, err);
    if (rc == 0)
        rc = fault_point(l->batches++ == 0 ? "load.first_batch" : "load.batch", err);
    return rc < 0 ? rc : target_beat(l->t, err);
}

int target_load_sums(struct load *l, struct sums *ret, struct err *err)
{
    int rc = still_there(l, err);

    return rc < 0 ? rc : table_sums(l->t, l->spec.table, l->spec.load_id, ret, err);
}

/* Everything up to COMMIT. */
static int write_ledger(struct load *l, const struct ledger_row *row, struct err *err)
{
    struct target *t = l->t;
    const struct load_spec *s = &l->spec;
    const struct val key[] = {val_text(s->pipeline), val_blob(l->key_sha256, sizeof l->key_sha256),
                              val_i64(s->generation)};
    const struct val fence[] = {val_text(s->pipeline), val_i64(s->epoch)};
    struct ledger_row whole = *row;
    int64_t rows = 0;

    whole.load_id = s->load_id;
    whole.generation = s->generation;
    whole.pipeline = s->pipeline;
    whole.partition = s->partition;
    whole.key = s->key;
    whole.etag = s->etag;
    whole.size = s->size;
    whole.mtime_ns = s->mtime_ns;
    whole.job = s->job;
    whole.reason = s->reason;
    int rc = still_there(l, err);
    if (rc == 0)
        rc = fault_point("load.before_ledger", err);
    if (rc == 0)
        rc = target_run(t, "ledger_supersede", key, 3, NULL, NULL, NULL, err);
    if (rc == 0)
        rc = ledger_insert(t, &whole, err);
    if (rc == 0)
        rc = fault_point("load.before_fence", err);
    if (rc == 0)
        rc = target_run(t, "fence_write", fence, 2, NULL, NULL, &rows, err);
    if (rc == 0 && rows != 1)
        rc = err_set(err, ERR_LOCK_LOST, "%s: another run has taken the pipeline over; nothing was committed", s->pipeline);
    return rc == 0 ? fault_point("load.before_commit", err) : rc;
}

/* COMMIT's answer did not come: the ledger knows, once nobody can commit under the old epoch's transaction any more. */
static int ask_ledger(struct load *l, struct err *err)
{
    struct target *t = l->t;
    struct err asked;
    int loaded = -1;

    target_drop(t);
    int rc = fence_resolve(t, l->spec.pipeline, l->spec.epoch, l->spec.load_id, &loaded, &asked);
    if (loaded == 1)
        return 0;
    if (loaded == 0 || rc == 0)
        return -(int)err->code; /* not committed, and err says what happened to COMMIT */
    *err = asked;
    err->native = TARGET_COMMIT_UNKNOWN;
    return err_prefix(err, "whether the load was committed is not known yet");
}

int target_load_commit(struct load *l, const struct ledger_row *row, struct err *err)
{
    struct target *t = l->t;
    int rc = write_ledger(l, row, err);

    if (rc < 0) {
        target_load_abort(l);
        return rc;
    }
    if (l->insert != NULL)
        t->ops->insert_close(l);
    l->insert = NULL;
    rc = target_script(t, target_query(t, "commit"), err);
    if (rc == 0)
        rc = fault_point("load.after_commit", err);
    if (rc < 0)
        rc = ask_ledger(l, err);
    load_free(l);
    return rc;
}
