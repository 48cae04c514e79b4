#ifndef ORCHESTRATOR_PLAN_H
#define ORCHESTRATOR_PLAN_H
#include "orchestrator/cmd.h"
/* What is not settled, why, and what the next tick does about it: orch plan, tick --dry-run and init. */

struct plan_ask {
    const struct pipeline *only; /* NULL: all */
    const char *from, *to;       /* partitions, inclusive; NULL: open */
    bool all;                    /* what is settled too */
    bool look;                   /* list the source, not only the state file */
};
/* Prints it in the form that is asked for. The store must be open. */
NODISCARD int plan_run(struct cli *c, const struct plan_ask *ask, struct err *err);
/* What a listing would queue: appends {pipeline, partition, action, code, reason, objects, bytes} per due partition. */
NODISCARD int plan_add(struct cli *c, const struct pipeline *p, json_t *rows, struct err *err);
#endif
