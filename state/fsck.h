#ifndef STATE_FSCK_H
#define STATE_FSCK_H
#include "state/exec.h"
/* What must hold between the rows of executions, whatever process died where. Reads alone; in the caller's transaction, or its
 * findings may be of two moments. execution_id 0: of all. */
typedef int fsck_fn(void *arg, const char *execution, const char *text, struct err *err); /* one sentence */
NODISCARD int fsck_rows(struct store *s, int64_t execution_id, fsck_fn *fn, void *arg, struct err *err);
/* Definitions whose text is not what its sha256 says are for the caller to find: fn gets each. */
NODISCARD int fsck_workflows(struct store *s,
                             int (*fn)(void *arg, const char *sha256, const char *definition,
                                       struct err *err),
                             void *arg, struct err *err);
/* Ids of those that are RUNNING, owned; their number. */
NODISCARD int fsck_running(struct store *s, int64_t execution_id, int64_t **ret_owned, size_t *ret_n,
                           struct err *err);
/* 1: the frame has a task that is alive. */
NODISCARD int fsck_live_task(struct store *s, int64_t execution_id, int64_t frame_id, bool *ret_started,
                             int64_t *ret_attempt, struct err *err);
NODISCARD int fsck_count(struct store *s, int64_t execution_id, int64_t *ret, struct err *err);
#endif
