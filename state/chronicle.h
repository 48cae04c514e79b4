#ifndef STATE_CHRONICLE_H
#define STATE_CHRONICLE_H
#include "state/store.h"
/*
 * What happened, put together from what the tables keep: runs that did something, failed attempts, jobs, reconciliations,
 * what people did, troubles that stand, the last tick. A job keeps its newest state only, and executions are pruned after a
 * time, so this is a chronicle and no proof; the ledger in the target is that.
 */
struct happening { /* borrowed in the callback */
    int64_t at_ms;
    const char *pipeline, *part; /* "": none, or all */
    const char *kind; /* execution, task, job, reconciliation, person, request, notice, trouble, tick */
    const char *what, *detail;
};
/* Newest first, at most limit. pipeline, part: NULL any. */
NODISCARD int chronicle_list(struct store *s, const char *pipeline, const char *part, int64_t since_ms,
                             int64_t limit, int (*fn)(void *arg, const struct happening *h, struct err *err),
                             void *arg, struct err *err);
#endif
