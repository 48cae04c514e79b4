/*
 * The state file against the target's ledger. The ledger was written in the data's own transactions, so where the
 * two disagree it is right: a state file that was deleted, or put back from yesterday, is brought in line before
 * anything is queued, and nothing is loaded twice.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "steps/object_int.h"
#include "steps/rejects.h"
#include "steps/steps_int.h"

enum { REBUILD_CHUNK = 500 }; /* ledger rows a transaction of the state file */

struct rebuilding {
    struct step_ctx *c;
    struct arena *arena;
    struct rebuilt rows[REBUILD_CHUNK];
    size_t n;
};

static int put_chunk(struct rebuilding *r, struct err *err)
{
    struct store *s = r->c->store;
    int rc = r->n > 0 ? queue_begin(s, r->c->token, err) : 0;

    for (size_t i = 0; rc == 0 && i < r->n; i++)
        rc = queue_rebuild_row(s, &r->rows[i], err);
    if (rc == 0 && r->n > 0)
        rc = store_commit(s, err);
    if (rc < 0)
        store_rollback(s);
    r->n = 0;
    arena_reset(r->arena);
    return rc < 0 ? rc : beat(&r->c->beat, err);
}

static const char *copy(struct rebuilding *r, const char *text)
{
    return arena_strndup(r->arena, text ? text : "", text ? strlen(text) : 0);
}

static int on_row(void *arg, const struct ledger_row *row, struct err *err)
{
    struct rebuilding *r = arg;
    const char *table = r->c->pipeline->table;

    /* What is loaded in one table is not loaded in another: going on would call hours well that are not there. */
    if (row->state == LEDGER_LOADED && row->table != NULL && row->table[0] != '\0' &&
        strcmp(row->table, table) != 0) {
        err_set(err, ERR_CONFIG, "pipeline %s was loaded into table %s, and orch.json now names %s",
                r->c->pipeline->name, row->table, table);
        return err_hint(
            err,
            "name it as before, or give the pipeline another name; where the table itself was renamed: "
            "UPDATE orch_load SET table_name = '%s' WHERE pipeline = '%s'",
            table, r->c->pipeline->name);
    }
    r->rows[r->n++] = (struct rebuilt){.pipeline = r->c->pipeline->name,
                                       .part = copy(r, row->partition),
                                       .key = copy(r, row->key),
                                       .etag = copy(r, row->etag),
                                       .sha256 = copy(r, row->sha256),
                                       .state = ledger_state_name(row->state),
                                       .columns = copy(r, row->columns),
                                       .job = copy(r, row->job),
                                       .reason = copy(r, row->reason),
                                       .load_id = row->load_id,
                                       .generation = row->generation,
                                       .size = row->size,
                                       .mtime_ns = row->mtime_ns,
                                       .rows_read = row->rows_read,
                                       .rows_loaded = row->rows_loaded,
                                       .rows_rejected = row->rows_rejected,
                                       .at_ms = row->at_ms,
                                       .now_ms = clock_now_ms()};
    return r->n == REBUILD_CHUNK ? put_chunk(r, err) : 0;
}

static void ledger_id(struct step_ctx *c, struct target *t, char out[400])
{
    snprintf(out, 400, "%s.%s", target_name(t), c->pipeline->table);
}

int step_ledger_known(struct step_ctx *c, struct target *t, int64_t epoch, int64_t seq, struct err *err)
{
    char id[400];

    ledger_id(c, t, id);
    return pipeline_ledger_known(c->store, c->token, c->pipeline->name, id, epoch, seq, err);
}

int step_ledger_seq(struct step_ctx *c, struct target *t, int64_t *ret, struct err *err)
{
    struct pipeline_row known = {0};
    char id[400];

    int rc = pipeline_get(c->store, c->pipeline->name, &known, err);
    if (rc < 0)
        return rc;
    ledger_id(c, t, id);
    *ret = strcmp(known.ledger_target, id) == 0 ? known.ledger_seq : -1;
    pipeline_row_release(&known);
    return 0;
}

static int scan(struct step_ctx *c, struct target *t, struct err *err)
{
    struct rebuilding *r = xcalloc(1, sizeof *r);
    int rc;

    r->c = c;
    r->arena = arena_new();
    rc = queue_begin(c->store, c->token, err);
    if (rc == 0)
        rc = queue_rebuild_begin(c->store, c->pipeline->name, err);
    if (rc == 0)
        rc = store_commit(c->store, err);
    if (rc == 0)
        rc = target_ledger_scan(t, c->pipeline->name, on_row, r, err);
    if (rc >= 0)
        rc = put_chunk(r, err);
    if (rc == 0)
        rc = queue_begin(c->store, c->token, err);
    if (rc == 0)
        rc = queue_rebuild_end(c->store, c->pipeline->name, clock_now_ms(), err);
    if (rc == 0)
        rc = fault_point("rebuild.before_end", err);
    if (rc == 0)
        rc = store_commit(c->store, err);
    store_rollback(c->store);
    arena_free(r->arena);
    free(r);
    return rc;
}

int step_rebuild(struct step_ctx *c, struct err *err)
{
    struct target *t;
    int64_t epoch = 0, seq = 0, known = -1;

    int rc = step_target(c, &t, err);
    if (rc == 0)
        rc = target_has_ledger(t, err);
    if (rc == 0) {
        err_set(err, ERR_TARGET_SETUP, "%s has no orch_load and orch_fence tables", target_name(t));
        return err_hint(err, "orch target setup");
    }
    if (rc > 0)
        rc = step_ledger_seq(c, t, &known, err);
    if (rc >= 0)
        rc = target_fence_read(t, c->pipeline->name, &epoch, &seq, err);
    /* Only commits move seq; the epoch alone says nothing about the ledger's rows. */
    if (rc < 0 || known == seq)
        return rc < 0 ? rc : 0;
    rc = scan(c, t, err);
    if (rc == 0)
        rc = step_reject_verdicts(c, t, 0, err);
    if (rc == 0)
        rc = step_ledger_known(c, t, epoch, seq, err);
    return rc == 0 ? 1 : rc;
}
