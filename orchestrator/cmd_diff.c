#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/engine.h"
#include "state/queue.h"
#include <inttypes.h>

enum { LIMIT_MAX = 100000 };

static const char *from, *to;
static int64_t limit = 20;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "PARTITION", "first one, itself included"},
    {"to", 0, OPT_TEXT, &to, "PARTITION", "last one, itself included"},
    {"limit", 0, OPT_COUNT, &limit, "N", "differences shown (default 20); all of them are counted"},
    {0},
};

struct diffing {
    struct step_ctx ctx;
    struct diff diff;
    bool only_mismatched;
    int64_t *ids; /* owned: a listing stays open for no reading */
    size_t n;
};

static bool wanted(const struct diffing *k, const char *state)
{
    return strcmp(state, "MISMATCHED") == 0 ||
           (!k->only_mismatched && (strcmp(state, "LOADED") == 0 || strcmp(state, "RECONCILED") == 0 ||
                                    strcmp(state, "EMPTY") == 0));
}

static int on_job(void *arg, const struct job *j, struct err *err)
{
    struct diffing *k = arg;

    UNUSED(err);
    if (wanted(k, j->state)) {
        k->ids = xrealloc(k->ids, (k->n + 1) * sizeof *k->ids);
        k->ids[k->n++] = j->id;
    }
    return 0;
}

static int all_jobs(struct diffing *k, struct store *s, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < k->n; i++) {
        struct job job = {0};
        if (engine_stop_signal)
            return err_set(err, ERR_CANCELLED, "stopped by a signal");
        rc = job_get(s, k->ids[i], &job, err);
        if (rc == 0)
            rc = step_diff_job(&k->ctx, &job, &k->diff, err);
        job_release(&job);
    }
    return rc;
}

static void print_one(const json_t *d)
{
    char job[400], object[600], column[300], source[1300], target[1300];
    const char *what = json_string_value(json_object_get(d, "what"));

    out_cell(json_object_get(d, "job"), job, sizeof job);
    out_cell(json_object_get(d, "object"), object, sizeof object);
    out_cell(json_object_get(d, "column"), column, sizeof column);
    out_cell(json_object_get(d, "source"), source, sizeof source);
    out_cell(json_object_get(d, "target"), target, sizeof target);
    if (strcmp(what, "object") == 0) {
        printf("%s: cannot be compared: %s\n", job, source);
        return;
    }
    printf("%s: %s line %lld", job, object, (long long)json_integer_value(json_object_get(d, "line")));
    if (strcmp(what, "value") == 0)
        printf(" column %s: %s in the source, %s in the target\n", column, source, target);
    else if (strcmp(what, "missing") == 0)
        printf(" is not in the target: %s\n", source);
    else
        printf(" is in the target alone: %s\n", target);
}

static void print(struct cli *c, const struct pipeline *p, const struct diffing *k, bool equal)
{
    const struct diff *d = &k->diff;
    const json_t *one;
    size_t i;

    if (c->out.format == OUT_JSON) {
        json_t *whole =
            json_pack("{s:i,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:O}", "schema_version", 1, "pipeline",
                      p->name, "equal", equal, "jobs", (json_int_t)k->n, "rows_source", d->rows_source,
                      "rows_target", d->rows_target, "values", d->values, "missing", d->missing, "extra",
                      d->extra, "objects", d->objects, "differences", d->found);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    if (c->out.format != OUT_TABLE) {
        static const struct out_column columns[] = {
            {"job", "JOB", false, false},       {"object", "OBJECT", false, false},
            {"line", "LINE", true, false},      {"what", "WHAT", false, false},
            {"column", "COLUMN", false, false}, {"source", "SOURCE", false, false},
            {"target", "TARGET", false, false}, {0},
        };
        out_rows(&c->out, "differences", columns, d->found);
        return;
    }
    json_array_foreach(d->found, i, one)
        print_one(one);
    int64_t shown = (int64_t)json_array_size(d->found), all = d->values + d->missing + d->extra + d->objects;
    if (all > shown)
        printf("%" PRId64 " more: --limit %" PRId64 " shows them\n", all - shown, all);
    printf("%zu job%s compared, %" PRId64 " rows in the source and %" PRId64 " in the target", k->n,
           k->n == 1 ? "" : "s", d->rows_source, d->rows_target);
    if (d->values + d->missing + d->extra == 0)
        printf(": no difference\n");
    else
        printf(": %" PRId64 " value%s, %" PRId64 " row%s missing, %" PRId64 " row%s too many\n", d->values,
               d->values == 1 ? " differs" : "s differ", d->missing, d->missing == 1 ? "" : "s", d->extra,
               d->extra == 1 ? "" : "s");
}

static int verdict(const struct diffing *k, struct err *err)
{
    if (k->diff.values + k->diff.missing + k->diff.extra > 0)
        return err_exit_status(ERR_MISMATCH);
    if (k->diff.objects == 0)
        return 0;
    err_set(err, ERR_OBJECT_CHANGED, "%" PRId64 " object%s could not be compared", k->diff.objects,
            k->diff.objects == 1 ? "" : "s");
    return err_hint(
        err, "a file that was overwritten is loaded anew by the next tick; orch reconcile compares with "
             "what was counted while loading");
}

static int run(struct cli *c, struct err *err)
{
    struct diffing k = {.diff = {.found = json_array()}};
    const struct pipeline *p = NULL;
    char part[PART_SIZE] = "";
    int rc = cli_flow(c, c->args.items[0], &p, part, err);
    bool single = *part != '\0';

    if (rc == 0 && single && (from != NULL || to != NULL))
        rc = err_set(err, ERR_USAGE, "a partition, or --from and --to: one of the two");
    if (rc == 0 && (limit < 1 || limit > LIMIT_MAX))
        rc = err_set(err, ERR_USAGE, "--limit: 1 to %d", LIMIT_MAX);
    if (rc == 0)
        rc = cli_range(p, from, to, err);
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    if (rc < 0)
        goto out;
    k.diff.limit = (size_t)limit;
    k.only_mismatched = !single && from == NULL && to == NULL;
    rc = job_list(c->store, p->name, single ? part : from, single ? part : to, on_job, &k, err);
    if (rc == 0 && k.n == 0 && single) {
        err_set(err, ERR_NOT_FOUND, "%s/%s has nothing loaded to compare", p->name, part);
        rc = err_hint(err, "orch explain %s/%s", p->name, part);
    }
    if (rc < 0)
        goto out;
    cli_signals();
    cli_step(c, p, &k.ctx);
    rc = all_jobs(&k, c->store, err);
    cli_step_end(&k.ctx);
    if (rc < 0)
        goto out;
    print(c, p, &k, k.diff.values + k.diff.missing + k.diff.extra + k.diff.objects == 0);
    if (c->out.format == OUT_TABLE && k.only_mismatched && k.n == 0)
        printf("no job is MISMATCHED; orch diff %s/PARTITION compares one that is not\n", p->name);
    rc = verdict(&k, err);
out:
    json_decref(k.diff.found);
    free(k.ids);
    return rc;
}

const struct command cmd_diff = {
    "diff",
    "PIPELINE[/PARTITION]",
    "Which rows and values differ between the files and the table.",
    "Reads the files again, line by line against the table; changes nothing. Exit 5 where something "
    "differs.\n"
    "Without a partition: the hours that are MISMATCHED.\n\n"
    "  orch diff loans/2022-06-05T12\n"
    "  orch diff loans --from 2022-06-05T00 --to 2022-06-05T23 --limit 1000 -o csv\n",
    opts,
    1,
    1,
    run,
};
