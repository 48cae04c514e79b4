#ifndef STATE_QUEUE_INT_H
#define STATE_QUEUE_INT_H
/* Shared by the queue's files in state/ alone. All inside a transaction. */
#include "state/flag.h"
#include "state/object.h"
#include "state/store_int.h"

/* A statement with up to three integers bound from 1 on, run. The number of rows changed. */
NODISCARD int run_ids(struct store *s, enum sql_state_id id, int64_t a, int64_t b, int64_t c,
                      struct err *err);
/* Closes a transaction: commits when rc is 0 or more, else rolls back. Returns rc, or the commit's error. */
NODISCARD int queue_end(struct store *s, int rc, struct err *err);
/* The execution of the token is the one that works the load's job; token NULL: no question. */
NODISCARD int job_guard_load(struct store *s, const char *token, int64_t load_id, struct err *err);
NODISCARD int job_apply(struct store *s, const struct job_outcome *o, struct err *err);
/* After a load was dropped or superseded: a job that is not being worked and has nothing unsettled left gets
 * `state` with the message, or goes on to its reconciliation with what it has loaded. */
NODISCARD int job_close_if_done(struct store *s, int64_t job_id, const char *state, const char *message,
                                int64_t now_ms, struct err *err);
/* The partition has jobs; SKIPPED and ADOPTED stay. */
NODISCARD int partition_queued(struct store *s, const char *pipeline, const char *part, int64_t now_ms,
                               struct err *err);
NODISCARD int partition_decide_tx(struct store *s, const char *pipeline, const char *part, const char *state,
                                  const char *reason, int64_t now_ms, struct err *err);
/* The first column of the only row of a bound statement. 1 a row, 0 none */
NODISCARD int query_i64(struct store *s, sqlite3_stmt *st, int64_t *ret, struct err *err);
/* Takes a load out that had no effect (SQL_STATE_LOAD_DROP, or SQL_STATE_REBUILD_FORGET), and its rejects. */
NODISCARD int load_forget(struct store *s, int64_t load_id, enum sql_state_id how, struct err *err);
int64_t random_bits(int bits);
#endif
