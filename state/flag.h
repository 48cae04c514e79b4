#ifndef STATE_FLAG_H
#define STATE_FLAG_H
#include "state/store.h"
/* The now-processing lock of a pipeline. One transaction each; those of a step begin with task_guard. */
struct flag {
    char id[40];
    int64_t execution_id, job_id, epoch, set_ms, lease_boot_ms, lease_ms;
    char boot_id[40];
};
enum flag_state { FLAG_FREE, FLAG_HELD, FLAG_STALE };
/* STALE: the lease is over, the machine was booted since, or the owner execution is not RUNNING. */
NODISCARD int flag_get(struct store *s, const char *pipeline, struct flag *ret, enum flag_state *ret_state,
                       struct err *err);
/* 1 set (job -> PROCESSING in the same transaction), 0 held by another. Idempotent per execution: a second call of the
 * same execution renews and keeps the id. epoch: as the target answered. */
struct flag_new {
    const char *pipeline;
    int64_t execution_id, job_id, epoch, lease_ms_from_now;
};
NODISCARD int flag_set(struct store *s, const char *token, const struct flag_new *n, struct flag *ret, struct err *err);
/* The flag by the id that the ASL data carries; ERR_LOCK_LOST when another holds it or nobody. */
NODISCARD int flag_held(struct store *s, const char *pipeline, const char *id, struct flag *ret, struct err *err);
/* Compare-and-set of the epoch under the token; ERR_LOCK_LOST. */
NODISCARD int flag_epoch(struct store *s, const char *token, const char *pipeline, const char *id, int64_t from,
                         int64_t to, struct err *err);
NODISCARD int flag_renew(struct store *s, const char *pipeline, const char *id, int64_t lease_ms_from_now,
                         struct err *err);
/* Clears it if the id is still the one; 1 cleared, 0 was not ours any more. */
NODISCARD int flag_reset(struct store *s, const char *token, const char *pipeline, const char *id, struct err *err);
#endif
