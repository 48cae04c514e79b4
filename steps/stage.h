#ifndef STEPS_STAGE_H
#define STEPS_STAGE_H
#include "io/target_stage.h"
#include "steps/step.h"
/*
 * upsert.c: the staging table of a pipeline, for the commands that run DDL (init, target setup, lineage add). Wanted where
 * the table has lineage columns: on MySQL always, on SQLite for mode upsert. 0: it was there; 1: made; 2: made anew, as
 * the table is now; STAGE_NOT_WANTED. ret_name: what it is called.
 */
enum { STAGE_NOT_WANTED = 3 };
NODISCARD int step_stage_setup(struct step_ctx *c, char ret_name[STAGE_NAME_SIZE], struct err *err);
NODISCARD int step_stage_ddl(struct step_ctx *c, struct buf *ret, struct err *err); /* for --dry-run */
/* Can rows be put by key, as the pipeline says? The table's key and the stage, where they are needed. */
NODISCARD int step_stage_check(const struct pipeline *p, struct target *t, const struct table *def,
                               struct err *err);
#endif
