/* Giving an hour up, and taking that back: by command or by request (orch serve). */
#include "orchestrator/decision.h"
#include "orchestrator/view.h"
#include "state/flag.h"

static int decide(struct cli *c, const struct pipeline *p, const struct skip_ask *a, struct err *err)
{
    const struct verdict_of_person v = {.verb = a->undo ? "skip --undo" : "skip",
                                        .state = a->undo ? LEDGER_SUPERSEDED : LEDGER_SKIPPED,
                                        .reason = a->reason != NULL ? a->reason : "",
                                        .who = a->who,
                                        .parts = &a->part,
                                        .n = 1};

    return decision_make(c, p, &v, err);
}

/* 1: it may be decided; 0: it is so already. */
static int judge(struct store *s, const struct pipeline *p, const struct skip_ask *a, const json_t *o,
                 struct err *err)
{
    const char *state = view_str(o, "state");
    enum flag_state held = FLAG_FREE;
    struct flag flag;
    /* A run that is dead is no obstacle: whatever it may still try finds the decision in the ledger. */
    int rc = flag_get(s, p->name, &flag, &held, err);

    if (rc < 0)
        return rc;
    if (o == NULL)
        return err_set(err, ERR_NOT_FOUND, "%s/%s is outside since and until", p->name, a->part);
    if (a->undo != (strcmp(state, "SKIPPED") == 0))
        return 0;
    if (!a->undo && strcmp(state, "PROCESSING") == 0 && held == FLAG_HELD) {
        err_set(err, ERR_BUSY, "%s/%s is being loaded at this moment; a skipped partition has no rows",
                p->name, a->part);
        return err_hint(err, "try again when it is done: if it was loaded, it need not be skipped");
    }
    if (!a->undo && view_int(o, "rows_loaded") > 0) {
        err_set(err, ERR_USAGE, "%s/%s has %lld rows in the target; a skipped partition has none", p->name,
                a->part, (long long)view_int(o, "rows_loaded"));
        return err_hint(err, "orch replay loads it again");
    }
    return 1;
}

int skip_partition(struct cli *c, const struct pipeline *p, const struct skip_ask *a,
                   char said[SKIP_SAID_SIZE], struct err *err)
{
    json_t *list = NULL;
    int rc = view_partitions(c->store, p, a->part, a->part, INT64_MAX / 2, &list, err);
    const json_t *o = json_array_get(list, 0);
    const char *state = view_str(o, "state");

    if (rc == 0)
        rc = judge(c->store, p, a, o, err);
    if (rc == 0)
        snprintf(said, SKIP_SAID_SIZE, "%s/%s is %s: nothing to do", p->name, a->part, state);
    else if (rc > 0 && a->dry_run)
        snprintf(said, SKIP_SAID_SIZE, "%s/%s would go from %s to %s", p->name, a->part, state,
                 a->undo ? "WAITING" : "SKIPPED");
    else if (rc > 0) {
        snprintf(said, SKIP_SAID_SIZE, "%s/%s %s", p->name, a->part,
                 a->undo ? "is looked for again" : "skipped");
        rc = decide(c, p, a, err) < 0 ? -(int)err->code : 1;
    }
    json_decref(list);
    return rc;
}
