#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/engine.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/queue.h"
#include <inttypes.h>

static const char *from, *to;
static bool recount;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "PARTITION", "first one, itself included"},
    {"to", 0, OPT_TEXT, &to, "PARTITION", "last one, itself included"},
    {"recount-source", 0, OPT_FLAG, &recount, NULL,
     "read the objects again instead of trusting what was counted"},
    {0},
};

struct comparing {
    struct step_ctx ctx;
    json_t *rows;
    size_t different, unverifiable;
};

static int on_record(void *arg, const struct reconciliation *r, struct err *err)
{
    json_t *row = arg;

    UNUSED(err);
    json_object_set_new(row, "rows_source", json_integer(r->rows_source));
    json_object_set_new(row, "rows_loaded", json_integer(r->rows_loaded));
    json_object_set_new(row, "rows_rejected", json_integer(r->rows_rejected));
    json_object_set_new(row, "rows_target", json_integer(r->rows_target));
    return 0;
}

static int compare(struct comparing *k, struct store *s, const char *part, const json_t *job, struct err *err)
{
    const char *verdict = NULL;
    json_t *differences = NULL;
    int64_t id = view_int(job, "id");
    int rc = step_reconcile_job(&k->ctx, id, recount, &verdict, &differences, err);

    if (rc < 0)
        return err_prefix(err, "%s", view_str(job, "job"));
    json_t *row =
        json_pack("{s:s,s:s,s:s}", "partition", part, "job", view_str(job, "job"), "verdict", verdict);
    json_object_set_new(row, "differences", differences != NULL ? differences : json_array());
    k->different += strcmp(verdict, "DIFFERENT") == 0;
    k->unverifiable += strcmp(verdict, "UNVERIFIABLE") == 0;
    json_array_append_new(k->rows, row);
    rc = reconciliation_newest(s, id, on_record, row, err);
    return rc < 0 ? rc : 0;
}

static bool comparable(const char *state)
{
    static const char *const words[] = {"LOADED", "RECONCILED", "MISMATCHED", "EMPTY", NULL};

    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(state, words[i]) == 0)
            return true;
    return false;
}

static int each(struct comparing *k, struct store *s, const json_t *list, struct err *err)
{
    const json_t *o, *j;
    size_t i, n;
    int rc = 0;

    json_array_foreach(list, i, o) {
        json_array_foreach(json_object_get(o, "jobs"), n, j) {
            if (rc == 0 && engine_stop_signal)
                rc = err_set(err, ERR_CANCELLED, "stopped by a signal");
            if (rc == 0 && comparable(view_str(j, "state")))
                rc = compare(k, s, view_str(o, "partition"), j, err);
        }
    }
    return rc;
}

/* Rows of the table that no load of orch's put there. *ret_ours: the table is of orch's making. */
static int foreign(struct comparing *k, int64_t *ret_rows, bool *ret_ours, struct err *err)
{
    struct target *t;
    struct table *def = NULL;
    int rc = cli_table(&k->ctx, &t, &def, err);

    *ret_rows = 0;
    *ret_ours = false;
    if (rc >= 0 && def->has_lineage) {
        *ret_ours = def->made_by_orch;
        rc = target_foreign_rows(t, def, ret_rows, err);
    }
    table_free(def);
    return rc < 0 ? rc : 0;
}

static void print_differences(const char *pipeline, const json_t *rows)
{
    char column[300], what[60], source[200], target[200], object[600];
    const json_t *row, *d;
    size_t i, n;

    json_array_foreach(rows, i, row) {
        json_array_foreach(json_object_get(row, "differences"), n, d) {
            out_cell(json_object_get(d, "column"), column, sizeof column);
            out_cell(json_object_get(d, "what"), what, sizeof what);
            out_cell(json_object_get(d, "source"), source, sizeof source);
            out_cell(json_object_get(d, "target"), target, sizeof target);
            out_cell(json_object_get(d, "object"), object, sizeof object);
            printf("%s/%s%s%s%s%s: %s %s in the source, %s in the target\n", pipeline,
                   view_str(row, "partition"), *column != '\0' ? " column " : "", column,
                   *object != '\0' ? " of " : "", object, what, source, target);
        }
    }
}

static void print(struct cli *c, const struct pipeline *p, const struct comparing *k, int64_t foreign_rows)
{
    static const struct out_column columns[] = {
        {"job", "JOB", false, false},
        {"verdict", "VERDICT", false, true},
        {"rows_source", "SOURCE", true, false},
        {"rows_loaded", "LOADED", true, false},
        {"rows_rejected", "REJECTED", true, false},
        {"rows_target", "TARGET", true, false},
        {0},
    };

    if (c->out.format == OUT_JSON) {
        json_t *whole = json_pack("{s:i,s:s,s:O,s:I,s:b}", "schema_version", 1, "pipeline", p->name, "jobs",
                                  k->rows, "foreign_rows", foreign_rows, "equal", k->different == 0);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    out_rows(&c->out, "jobs", columns, k->rows);
    if (c->out.format != OUT_TABLE)
        return;
    print_differences(p->name, k->rows);
    printf("%zu job%s compared, %zu differ%s", json_array_size(k->rows),
           json_array_size(k->rows) == 1 ? "" : "s", k->different, k->different == 1 ? "s" : "");
    if (k->unverifiable > 0)
        printf(", %zu unverifiable (lineage none)", k->unverifiable);
    printf("\n");
    if (foreign_rows > 0)
        printf("%s: %" PRId64 " foreign row%s: in the table, and of no load that orch knows\n", p->table,
               foreign_rows, foreign_rows == 1 ? "" : "s");
}

static int run(struct cli *c, struct err *err)
{
    struct comparing k = {.rows = json_array()};
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "";
    json_t *list = NULL;
    int64_t foreign_rows = 0;
    bool ours = false;
    int rc = cli_flow(c, c->args.items[0], &p, part, err);

    if (rc == 0 && *part != '\0' && (from != NULL || to != NULL))
        rc = err_set(err, ERR_USAGE, "a partition, or --from and --to: one of the two");
    if (rc == 0)
        rc = cli_range(p, from, to, err);
    if (rc == 0)
        rc = cli_store(c, STORE_OPEN, err);
    if (rc == 0)
        rc = view_partitions(c->store, p, *part != '\0' ? part : from, *part != '\0' ? part : to,
                             clock_now_ms(), &list, err);
    if (rc < 0)
        goto out;
    cli_signals();
    cli_step(c, p, &k.ctx);
    rc = each(&k, c->store, list, err);
    if (rc == 0)
        rc = foreign(&k, &foreign_rows, &ours, err);
    cli_step_end(&k.ctx);
    if (rc == 0) {
        print(c, p, &k, foreign_rows);
        rc = k.different > 0 || (ours && foreign_rows > 0) ? err_exit_status(ERR_MISMATCH) : 0;
    }
out:
    json_decref(list);
    json_decref(k.rows);
    return rc;
}

const struct command cmd_reconcile = {
    "reconcile",
    "PIPELINE[/PARTITION]",
    "Source against target, now: counts, NULLs and sums of every column.",
    "Exit 5 where they differ, with hour, column and both values; such an hour becomes MISMATCHED.\n"
    "The source's side is what was counted while loading, or, with --recount-source, the objects read "
    "again.\n\n"
    "  orch reconcile loans\n"
    "  orch reconcile loans --from 2022-06-05T00 --to 2022-06-05T23 --recount-source\n",
    opts,
    1,
    1,
    run,
};
