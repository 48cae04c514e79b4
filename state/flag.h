#ifndef STATE_FLAG_H
#define STATE_FLAG_H
#include "state/queue.h"
/* The now-processing lock of a pipeline. One transaction each; those of a step begin with task_guard. */
struct flag {
    char id[40];
    int64_t execution_id, job_id, epoch, set_ms;
    int64_t lease_boot_ms,
        lease_ms; /* the end of the lease on CLOCK_BOOTTIME, and for display on the wall clock */
    char boot_id[40];
    char owner[128]; /* name of the execution; "" when its row is gone */
};
enum flag_state { FLAG_FREE, FLAG_HELD, FLAG_STALE };
/* STALE: the lease is over, the machine was booted since, or the owner execution is not RUNNING. */
NODISCARD int flag_get(struct store *s, const char *pipeline, struct flag *ret, enum flag_state *ret_state,
                       struct err *err);
/*
 * 1 set (job -> PROCESSING in the same transaction), 0 held by another, or the job is none that may be worked
 * (any more). A STALE flag is taken over and its job goes back to the queue. Idempotent per execution: a
 * second call of the same execution renews, and keeps id and epoch. epoch: 0 until the target was asked
 * (flag_epoch). job_id 0: for work that is no job's.
 */
struct flag_new {
    const char *pipeline;
    int64_t execution_id, job_id, epoch, lease_ms_from_now;
};
NODISCARD int flag_set(struct store *s, const char *token, const struct flag_new *n, struct flag *ret,
                       struct err *err);
/* The flag by the id that the ASL data carries; ERR_LOCK_LOST when another holds it or nobody. */
NODISCARD int flag_held(struct store *s, const char *pipeline, const char *id, struct flag *ret,
                        struct err *err);
/* Compare-and-set of the epoch under the token; ERR_LOCK_LOST. */
NODISCARD int flag_epoch(struct store *s, const char *token, const char *pipeline, const char *id,
                         int64_t from, int64_t to, struct err *err);
NODISCARD int flag_renew(struct store *s, const char *pipeline, const char *id, int64_t lease_ms_from_now,
                         struct err *err);
/* Clears it, and in the same transaction sets the job's outcome (NULL: leaves the job), if the id is still
 * the one: 1 cleared, 0 was not ours any more and nothing is changed. */
NODISCARD int flag_reset(struct store *s, const char *token, const char *pipeline, const char *id,
                         const struct job_outcome *outcome, struct err *err);
#endif
