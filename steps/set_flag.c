/*
 * orch-set-flag {pipeline, job} -> {acquired, id}. First the flag in the state file, then the epoch in the
 * target: whoever does not get the flag must not raise the epoch under one that works. Dying in between
 * leaves a flag that the same execution takes again, or that goes STALE.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "state/flag.h"
#include "steps/steps_int.h"

/*
 * From the value that stands there, by compare-and-set, and only while the flag is ours after that value was
 * read: a process that was stopped here until another took the flag over raises nothing that the other has
 * raised.
 */
static int raise_epoch(struct step_ctx *c, const struct flag *f, struct err *err)
{
    const char *pipeline = c->pipeline->name;
    int64_t from = -1, seq, epoch;
    struct target *target;
    struct flag now;

    int rc = step_target(c, &target, err);
    if (rc == 0)
        rc = target_fence_read(target, pipeline, &from, &seq, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        from = -1; /* the pipeline's first: the row is made */
    rc = flag_held(c->store, pipeline, f->id, &now, err);
    if (rc == 0)
        rc = target_fence_raise(target, pipeline, from, &epoch, err);
    if (rc == 0)
        rc = fault_point("set-flag.raised", err);
    if (rc == 0)
        rc = flag_epoch(c->store, c->token, pipeline, f->id, now.epoch, epoch, err);
    if (rc == 0)
        rc = fault_point("set-flag.stored", err);
    return rc;
}

/* Without an epoch nothing can be loaded: the job waits again and says why, the flag is free. */
static int give_back(struct step_ctx *c, const struct flag *f, const struct err *why, struct err *err)
{
    const struct job_outcome outcome = {.job_id = f->job_id,
                                        .state = why->code == ERR_CANCELLED ? "QUEUED" : "FAILED",
                                        .error = err_asl(why),
                                        .message = why->msg,
                                        .hint = why->hint[0] != '\0' ? why->hint : NULL,
                                        .now_ms = clock_now_ms()};

    return flag_reset(c->store, c->token, c->pipeline->name, f->id, &outcome, err);
}

int step_run_set_flag(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct flag flag;
    struct err why;
    int64_t job_id;

    int rc = json_need_i64(parameters, "job", &job_id, err);
    if (rc < 0)
        return rc;
    const struct flag_new wanted = {.pipeline = c->pipeline->name,
                                    .execution_id = c->execution_id,
                                    .job_id = job_id,
                                    .lease_ms_from_now = c->lease_ms};
    rc = flag_set(c->store, c->token, &wanted, &flag, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        *ret_owned = json_pack("{s:b, s:n}", "acquired", 0, "id");
        return 0;
    }
    free(c->flag_id);
    c->flag_id = xstrdup(flag.id); /* from here on every beat renews its lease */
    rc = fault_point("set-flag.taken", err);
    if (rc == 0)
        rc = raise_epoch(c, &flag, err);
    if (rc < 0) {
        why = *err;
        free(c->flag_id);
        c->flag_id = NULL;
        struct err ignored; /* the first error is the one to tell; an unreleased flag goes STALE with its
                               execution */
        err_ignore(give_back(c, &flag, &why, &ignored));
        return -(int)why.code;
    }
    *ret_owned = json_pack("{s:b, s:s}", "acquired", 1, "id", flag.id);
    return 0;
}
