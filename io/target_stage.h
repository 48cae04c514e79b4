#ifndef IO_TARGET_STAGE_H
#define IO_TARGET_STAGE_H
#include "io/target.h"
/*
 * The staging table of a target table: _orch_stage_<table>, in the same database. It has the same columns, in the same
 * order, by the same types; every one may be NULL, none has a default, none is generated, and its only unique key is
 * (load id, line): what the table refuses is refused when rows go there, not because of rows of another load, or of one
 * that died, which happen to stand in the stage too. Where rows are put by key, an index over (load id, key) is added.
 * Made and changed by people's commands alone (init, target setup, lineage add), never by a tick.
 */
#define STAGE_NAME_SIZE 600
void target_stage_name(const char *table, char out[STAGE_NAME_SIZE]); /* "db._orch_stage_loans" */

/* The stage as a table to load into: ERR_TARGET_SETUP where it is missing, or its columns are not those of def. */
NODISCARD int target_stage_check(struct target *t, const struct table *def, struct table **ret_stage_def,
                                 struct err *err);
/* 0: it was there; 1: made; 2: made anew, because the table's columns have changed. ERR_BUSY while a load that has a plan
 * in the ledger has rows in a stage of another shape. key: rows are put by it; NULL: they are not, by
 * this caller, and the index of one who does stays. */
NODISCARD int target_stage_setup(struct target *t, const struct table *def, const struct table_key *key,
                                 struct err *err);
/* The statements that setup would run, a statement a line; none where nothing is to do. */
NODISCARD int target_stage_ddl(struct target *t, const struct table *def, const struct table_key *key,
                               struct buf *ret, struct err *err);

/* Deletes a load's rows from the stage, a transaction for each range of lines: killed, it is gone on with. */
NODISCARD int target_stage_clear(struct target *t, const struct table *def, int64_t load_id, struct err *err);
/* The next load id after this one that has rows in the stage; *ret_live: the ledger has a plan of it. 1/0. What is not
 * live was left by a load that died: clear it. */
NODISCARD int target_stage_next(struct target *t, const struct table *def, int64_t after,
                                int64_t *ret_load_id, bool *ret_live, struct err *err);

/* A row that the table refuses: its line, code and message. The raw record is not here: its object has it. */
typedef int stage_reject_fn(void *arg, const struct reject_info *why, struct err *err);
/*
 * Within the open transaction of l: copies the load's rows from the stage into the table (def), in ranges of _orch_line,
 * each counted: as many as the stage holds, without a warning, but for those that the table refuses, which are found by
 * halving and reported; NULL: the first is the error. The rows stay in the stage: target_stage_clear after COMMIT.
 */
NODISCARD int target_stage_publish(struct load *l, const struct table *def, stage_reject_fn *on_reject,
                                   void *arg, int64_t *ret_rows, struct err *err);
#endif
