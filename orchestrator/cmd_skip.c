#include "base/clock.h"
#include "orchestrator/decision.h"
#include "orchestrator/view.h"
#include "state/flag.h"

static const char *reason;
static bool undo, dry_run;
static const struct opt opts[] = {
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept in the state file and in the target's ledger"},
    {"undo", 0, OPT_FLAG, &undo, NULL, "look for its files again"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would change"},
    {0},
};

static int decide(struct cli *c, const struct pipeline *p, const char *part, struct err *err)
{
    const struct verdict_of_person v = {.verb = undo ? "skip --undo" : "skip",
                                        .state = undo ? LEDGER_SUPERSEDED : LEDGER_SKIPPED,
                                        .reason = reason != NULL ? reason : "",
                                        .parts = &part,
                                        .n = 1};

    return decision_make(c, p, &v, err);
}

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p = NULL;
    char part[PART_SIZE];
    json_t *list = NULL;
    enum flag_state held = FLAG_FREE;
    struct flag flag;
    int rc = cli_partition(c, c->args.items[0], &p, part, err);

    if (rc == 0 && !undo && (reason == NULL || *reason == '\0'))
        rc = err_set(err, ERR_USAGE,
                     "skip: --reason is needed: somebody will ask why these rows are not there");
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = view_partitions(c->store, p, part, part, INT64_MAX / 2, &list, err);
    if (rc < 0)
        goto out;
    const json_t *o = json_array_get(list, 0);
    const char *state = view_str(o, "state");
    /* A run that is dead is no obstacle: whatever it may still try finds the decision in the ledger. */
    rc = flag_get(c->store, p->name, &flag, &held, err);
    if (rc < 0)
        goto out;
    if (o == NULL) {
        rc = err_set(err, ERR_NOT_FOUND, "%s/%s is outside since and until", p->name, part);
    } else if (undo != (strcmp(state, "SKIPPED") == 0)) {
        printf("%s/%s is %s: nothing to do\n", p->name, part, state);
    } else if (!undo && strcmp(state, "PROCESSING") == 0 && held == FLAG_HELD) {
        err_set(err, ERR_BUSY, "%s/%s is being loaded at this moment; a skipped partition has no rows",
                p->name, part);
        rc = err_hint(err, "try again when it is done: if it was loaded, it need not be skipped");
    } else if (!undo && view_int(o, "rows_loaded") > 0) {
        err_set(err, ERR_USAGE, "%s/%s has %lld rows in the target; a skipped partition has none", p->name,
                part, (long long)view_int(o, "rows_loaded"));
        rc = err_hint(err, "orch replay loads it again");
    } else if (dry_run) {
        printf("%s/%s would go from %s to %s\n", p->name, part, state, undo ? "WAITING" : "SKIPPED");
    } else {
        rc = decide(c, p, part, err);
        if (rc == 0)
            printf("%s/%s %s\n", p->name, part, undo ? "is looked for again" : "skipped");
    }
out:
    json_decref(list);
    return rc;
}

const struct command cmd_skip = {
    "skip",
    "PIPELINE/PARTITION",
    "Gives an hour up, with a reason: it is not waited for and not loaded.",
    "  orch skip loans/2022-06-05T05 --reason 'the bank was closed'\n"
    "  orch skip loans/2022-06-05T05 --undo\n",
    opts,
    1,
    1,
    run,
};
