#include "orchestrator/decision.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/engine.h"
#include "state/queue.h"

enum { AT_ONCE = 500 }; /* decisions a transaction: loads wait for the fence meanwhile */

struct making {
    struct cli *c;
    const struct pipeline *p;
    const struct verdict_of_person *v;
    struct target *target;
};

static int in_ledger(const struct making *m, size_t first, size_t n, int64_t now_ms, struct err *err)
{
    struct ledger_row *rows = xcalloc(n, sizeof *rows);

    for (size_t i = 0; i < n; i++)
        rows[i] = (struct ledger_row){.pipeline = m->p->name,
                                      .partition = m->v->parts[first + i],
                                      .key = "",
                                      .etag = "",
                                      .table = m->p->table,
                                      .last = true,
                                      .state = m->v->state,
                                      .columns = "",
                                      .job = m->v->parts[first + i],
                                      .reason = m->v->reason,
                                      .at_ms = now_ms};
    int rc = target_ledger_decide(m->target, rows, n, err);
    free(rows);
    return rc;
}

static int some(const struct making *m, size_t first, size_t n, struct err *err)
{
    int64_t now = clock_now_ms();
    char who[200];
    const struct partition_decision d = {
        .pipeline = m->p->name,
        .state = m->v->state == LEDGER_SUPERSEDED ? "WAITING" : ledger_state_name(m->v->state),
        .reason = m->v->reason,
        .parts = m->v->parts + first,
        .n = n,
        .who = m->v->who != NULL ? m->v->who : cli_who(who, sizeof who),
        .verb = m->v->verb,
        .now_ms = now};
    int rc = in_ledger(m, first, n, now, err);

    if (rc == 0)
        rc = fault_point("decide.after_ledger", err);
    return rc < 0 ? rc : partition_decide(m->c->store, &d, err);
}

int decision_make(struct cli *c, const struct pipeline *p, const struct verdict_of_person *v, struct err *err)
{
    struct making m = {.c = c, .p = p, .v = v};
    struct step_ctx ctx;

    cli_step(c, p, &ctx);
    int rc = step_target(&ctx, &m.target, err);
    for (size_t first = 0, n; rc == 0 && first < v->n; first += n) {
        n = v->n - first < AT_ONCE ? v->n - first : AT_ONCE;
        rc = engine_stop_signal ? err_set(err, ERR_CANCELLED, "stopped by a signal: the same command goes on")
                                : some(&m, first, n, err);
    }
    cli_step_end(&ctx);
    return rc;
}
