/* The ledger's word on rejects, into the state file (state/reject.h). */
#include "io/target_rejects.h"
#include "steps/rejects.h"

enum { AT_ONCE = 500 };

struct syncing {
    struct step_ctx *c;
    int64_t load_id;
    int in_tx;
};

/* Transactions of a bounded number of rows. */
static int put_end(struct syncing *k, struct err *err)
{
    int rc = k->in_tx > 0 ? store_commit(k->c->store, err) : 0;

    k->in_tx = 0;
    return rc;
}

static int on_verdict(void *arg, const struct target_verdict *v, struct err *err)
{
    struct syncing *k = arg;
    const struct reject_verdict_row row = {
        .load_id = v->load_id,
        .line = v->line,
        .outcome = {.state = v->verdict, .who = v->who, .reason = v->reason, .at_ms = v->at_ms}};
    int rc = k->in_tx == 0 ? queue_begin(k->c->store, k->c->token, err) : 0;

    if (rc == 0) {
        k->in_tx++;
        rc = reject_verdict(k->c->store, k->c->pipeline->name, &row, k->load_id == 0, err);
    }
    return rc == 0 && k->in_tx == AT_ONCE ? put_end(k, err) : rc;
}

/* One of the two ends of a whole sync, in a transaction of its own. */
static int border(struct step_ctx *c, int (*fn)(struct store *s, const char *pipeline, struct err *err),
                  struct err *err)
{
    int rc = queue_begin(c->store, c->token, err);

    if (rc == 0)
        rc = fn(c->store, c->pipeline->name, err);
    if (rc == 0)
        rc = store_commit(c->store, err);
    store_rollback(c->store);
    return rc;
}

int step_reject_verdicts(struct step_ctx *c, struct target *t, int64_t load_id, struct err *err)
{
    struct syncing k = {.c = c, .load_id = load_id};
    int rc = load_id == 0 ? border(c, reject_verdicts_begin, err) : 0;

    if (rc == 0)
        rc = target_verdicts(t, c->pipeline->name, load_id, on_verdict, &k, err);
    if (rc == 0)
        rc = put_end(&k, err);
    store_rollback(c->store);
    if (rc < 0 && err->code == ERR_ACCESS_DENIED)
        return 0; /* a user of before there was such a table: then nobody has decided anything either */
    if (rc == 0 && load_id == 0)
        rc = border(c, reject_verdicts_end, err);
    return rc;
}
