#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/decision.h"
#include "orchestrator/view.h"
#include "steps/count.h"

static const char *from, *until, *reason;
static bool undo, recount, dry_run;
static const struct opt opts[] = {
    {"until", 0, OPT_TEXT, &until, "PARTITION", "last one that another system loaded, itself included"},
    {"from", 0, OPT_TEXT, &from, "PARTITION", "first one (else the pipeline's since)"},
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept in the state file and in the target's ledger"},
    {"recount", 0, OPT_FLAG, &recount, NULL,
     "read the files of all adopted hours, and compare with the target"},
    {"undo", 0, OPT_FLAG, &undo, NULL, "they are orch's again: their files are looked for and loaded"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would change"},
    {0},
};

enum { FOREIGN_MAX = 10000000 }; /* target_foreign_rows counts no further */

struct adopting {
    struct cli *c;
    const struct pipeline *p;
    json_t *list;       /* the partitions of the range; owned */
    const char **parts; /* of those, what changes; owned, its strings the list's */
    size_t n, already, skipped, ours;
    const char *first_ours;
    struct source_count source; /* with --recount */
    int64_t foreign;
    const char *verdict; /* "" not asked */
};

/* What becomes of one partition of the range. */
static void sort_out(struct adopting *k, const json_t *o)
{
    const char *state = view_str(o, "state");
    bool adopted = strcmp(state, "ADOPTED") == 0;

    if (undo ? !adopted : adopted) {
        k->already++;
    } else if (!undo && strcmp(state, "SKIPPED") == 0) {
        k->skipped++;
    } else if (!undo && (view_int(o, "rows_loaded") > 0 || strcmp(state, "PROCESSING") == 0)) {
        if (k->ours++ == 0)
            k->first_ours = view_str(o, "partition");
    } else {
        k->parts[k->n++] = view_str(o, "partition");
    }
}

static int find(struct adopting *k, struct err *err)
{
    const struct pipeline *p = k->p;
    int64_t newest = 0, last = 0;
    const json_t *o;
    size_t i;
    int rc = part_parse(p->period, until, &last, err);

    if (rc == 0 && (!view_newest(p, clock_now_ms(), &newest) || last > newest))
        return err_set(err, ERR_USAGE, "adopt: %s is not over yet, or after the pipeline's until", until);
    if (rc == 0)
        rc = view_partitions(k->c->store, p, from, until, clock_now_ms(), &k->list, err);
    if (rc < 0)
        return rc;
    k->parts = xcalloc(json_array_size(k->list) + 1, sizeof *k->parts);
    json_array_foreach(k->list, i, o)
        sort_out(k, o);
    if (k->ours == 0)
        return 0;
    err_set(err, ERR_USAGE,
            "%s: %zu partition%s of these, the first %s, %s rows that orch loaded, or is loading", p->name,
            k->ours, k->ours == 1 ? "" : "s", k->first_ours, k->ours == 1 ? "has" : "have");
    return err_hint(err, "nothing was changed; adopt what lies around with --from and --until");
}

/* ---- --recount ---- */

static bool is_changed(const struct adopting *k, const char *part)
{
    for (size_t lo = 0, hi = k->n; lo < hi;) {
        size_t mid = (lo + hi) / 2;
        int cmp = strcmp(part, k->parts[mid]);
        if (cmp == 0)
            return true;
        *(cmp < 0 ? &hi : &lo) = cmp < 0 ? mid : mid + 1;
    }
    return false;
}

/* The files of one partition, when it is, or is to be, adopted. What came after that is not of the other system. */
static int count_one(struct adopting *k, struct step_ctx *ctx, const json_t *o, struct err *err)
{
    bool adopted = strcmp(view_str(o, "state"), "ADOPTED") == 0,
         changed = is_changed(k, view_str(o, "partition"));
    int64_t start, since = clock_now_ms();
    int rc = 0;

    if (adopted == changed) /* never adopted, or taken back by this very command */
        return 0;
    if (adopted)
        rc = civil_parse_rfc3339(view_str(o, "since"), &since, err);
    if (rc == 0)
        rc = part_parse(k->p->period, view_str(o, "partition"), &start, err);
    return rc == 0 ? step_count_partition(ctx, start, since, &k->source, err) : rc;
}

static int compare(struct adopting *k, struct err *err)
{
    struct target *t;
    struct table *def = NULL;
    struct step_ctx ctx;
    json_t *all = NULL;
    const json_t *o;
    size_t i;
    int rc = view_partitions(k->c->store, k->p, NULL, NULL, clock_now_ms(), &all, err);

    cli_step(k->c, k->p, &ctx);
    json_array_foreach(all, i, o)
        if (rc == 0)
            rc = count_one(k, &ctx, o, err);
    if (rc == 0)
        rc = cli_table(&ctx, &t, &def, err);
    if (rc == 0 && def->has_lineage)
        rc = target_foreign_rows(t, def, &k->foreign, err);
    if (rc == 0)
        k->verdict = !def->has_lineage || k->foreign >= FOREIGN_MAX ? "UNVERIFIABLE"
                     : k->foreign == k->source.records              ? "EQUAL"
                                                                    : "DIFFERENT";
    table_free(def);
    cli_step_end(&ctx);
    json_decref(all);
    return rc < 0 ? rc : 0;
}

/* ---- the command ---- */

static void print_json(const struct adopting *k)
{
    json_t *o =
        json_pack("{s:i,s:s,s:s?,s:s,s:b,s:b,s:I,s:I,s:I,s:n}", "schema_version", 1, "pipeline", k->p->name,
                  "from", from, "until", until, "undo", undo, "dry_run", dry_run, "changed", (json_int_t)k->n,
                  "already", (json_int_t)k->already, "skipped", (json_int_t)k->skipped, "reconciliation");

    if (*k->verdict != '\0')
        json_object_set_new(o, "reconciliation",
                            json_pack("{s:s,s:I,s:I,s:I}", "verdict", k->verdict, "objects",
                                      k->source.objects, "rows_source", k->source.records, "rows_target",
                                      k->foreign));
    out_document(&k->c->out, o);
    json_decref(o);
}

static void print(const struct adopting *k)
{
    const char *name = k->p->name;

    if (k->n > 0)
        printf("%s: %zu partition%s, %s to %s, %s\n", name, k->n, k->n == 1 ? "" : "s", k->parts[0],
               k->parts[k->n - 1],
               undo      ? dry_run ? "would be looked for again" : "looked for again"
               : dry_run ? "would be adopted"
                         : "adopted: never loaded by orch");
    else
        printf("%s: nothing to do\n", name);
    if (k->already > 0)
        printf("  %zu %s\n", k->already, undo ? "not adopted, left alone" : "adopted before");
    if (k->skipped > 0)
        printf("  %zu skipped by a person, left alone\n", k->skipped);
    if (*k->verdict == '\0')
        return;
    printf("  %lld row%s in %lld file%s of all adopted partitions; ", (long long)k->source.records,
           k->source.records == 1 ? "" : "s", (long long)k->source.objects,
           k->source.objects == 1 ? "" : "s");
    if (strcmp(k->verdict, "UNVERIFIABLE") == 0)
        printf("UNVERIFIABLE: %s\n", k->foreign >= FOREIGN_MAX
                                         ? "more than 10 million rows of the table are not of orch"
                                         : "without lineage columns nobody can tell whose a row is");
    else
        printf("%lld rows in %s that orch has not loaded: %s\n", (long long)k->foreign, k->p->table,
               k->verdict);
}

static int check_words(const struct cli *c, const char *part, struct err *err)
{
    if (part[0] != '\0')
        return err_set(err, ERR_USAGE, "adopt: one partition is --from %s --until %s", part, part);
    if (until == NULL) {
        err_set(err, ERR_USAGE, "adopt: --until is needed: the last hour that another system loaded");
        return err_hint(err, "orch adopt %s --until 2022-06-05T12 --reason '...'", c->args.items[0]);
    }
    if (!undo && (reason == NULL || *reason == '\0'))
        return err_set(err, ERR_USAGE, "adopt: --reason is needed: somebody will ask who loaded these rows");
    return 0;
}

static int run(struct cli *c, struct err *err)
{
    struct adopting k = {.c = c, .verdict = ""};
    char part[PART_SIZE] = "";
    int rc = cli_flow(c, c->args.items[0], &k.p, part, err);

    if (rc == 0)
        rc = check_words(c, part, err);
    if (rc == 0)
        rc = cli_range(k.p, from, until, err);
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = find(&k, err);
    cli_signals();
    if (rc == 0 && recount)
        rc = compare(&k, err);
    if (rc == 0 && !dry_run) {
        const struct verdict_of_person v = {.verb = undo ? "adopt --undo" : "adopt",
                                            .state = undo ? LEDGER_SUPERSEDED : LEDGER_ADOPTED,
                                            .reason = reason != NULL ? reason : "",
                                            .parts = k.parts,
                                            .n = k.n};
        rc = decision_make(c, k.p, &v, err);
    }
    if (rc == 0) {
        if (c->out.format == OUT_TABLE)
            print(&k);
        else
            print_json(&k);
        rc = strcmp(k.verdict, "DIFFERENT") == 0 ? err_exit_status(ERR_MISMATCH) : 0;
    }
    free(k.parts);
    json_decref(k.list);
    return rc;
}

const struct command cmd_adopt = {
    "adopt",
    "PIPELINE",
    "Leaves hours to another system that loaded them: they are never loaded by orch.",
    "For a table that somebody else has filled so far. The decision is kept in the target's ledger too, so "
    "that a\n"
    "lost state file forgets nothing. Hours of which orch has loaded rows are refused. A file that comes "
    "later to\n"
    "an adopted hour is told (REFUSED), not loaded.\n"
    "--recount reads the files of all adopted hours and compares their rows with those in the table that "
    "orch has\n"
    "not loaded: EQUAL, DIFFERENT (exit 5), or UNVERIFIABLE where the table has no lineage columns.\n\n"
    "  orch adopt loans --until 2022-06-05T12 --reason 'loaded by the old script' --recount --dry-run\n"
    "  orch adopt loans --until 2022-06-05T12 --reason 'loaded by the old script'\n"
    "  orch adopt loans --from 2022-06-05T03 --until 2022-06-05T03 --undo\n",
    opts,
    1,
    1,
    run,
};
