#ifndef ORCHESTRATOR_PLAN_H
#define ORCHESTRATOR_PLAN_H
#include "orchestrator/cmd.h"
/* What the next tick would queue: tick --dry-run and init. */

/* Appends {pipeline, partition, action, reason, objects, bytes} per due partition. The store must be open. */
NODISCARD int plan_add(struct cli *c, const struct pipeline *p, json_t *rows, struct err *err);
void plan_print(struct cli *c, const json_t *rows);
#endif
