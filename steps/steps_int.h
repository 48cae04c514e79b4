#ifndef STEPS_STEPS_INT_H
#define STEPS_STEPS_INT_H
#include "steps/step.h"
/* The handlers, one file each; all.c is the table of them. */
typedef int step_fn(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err);
step_fn step_run_generate_queue, step_run_check_now_processing, step_run_etl_queue_check, step_run_set_flag,
    step_run_ingest, step_run_reconcile, step_run_reset_flag, step_run_replay_rejects, step_run_extract_plan,
    step_run_extract, step_run_extract_publish, step_run_extract_failed, step_run_command, step_run_sql,
    step_run_http, step_run_object_list, step_run_object_get, step_run_object_put, step_run_object_remove;
/* Of struct step_type. */
NODISCARD int step_check_command(const json_t *parameters, struct err *err);
NODISCARD int step_check_sql(const json_t *parameters, struct err *err);

/* reset_flag.c: how long what has failed waits after so many tries before: 10 s, doubled, up to 5 minutes. */
int64_t step_wait_ms(int64_t tries);
/* rebuild.c: the ledger's seq as this state file has read it last; -1: never, or another target's. */
NODISCARD int step_ledger_seq(struct step_ctx *c, struct target *t, int64_t *ret, struct err *err);
/* The fence as the state file now knows the ledger; the next step_rebuild compares. */
NODISCARD int step_ledger_known(struct step_ctx *c, struct target *t, int64_t epoch, int64_t seq,
                                struct err *err);
/* include.c: whether the pipeline's include patterns take the key (relative to the connection). Hidden path parts
 * ('_' or '.' in front, below the partition's prefix) are never taken. */
bool include_matches(const struct pipeline *p, const char *key);
#endif
