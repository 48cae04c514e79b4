/*
 * orch-reset-flag {pipeline, job, flag, outcome, error?, cause?} -> {reset, state}. The job's outcome and the
 * end of the flag are one transaction: run again after dying, it finds the flag gone and leaves all alone, so
 * that no failure counts twice.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "state/flag.h"
#include "steps/steps_int.h"

enum { FIRST_WAIT_MS = 10000, MAX_WAIT_MS = 300000 };

int64_t step_wait_ms(int64_t tries)
{
    int64_t ms = FIRST_WAIT_MS;

    for (int64_t i = 0; i < tries && ms < MAX_WAIT_MS; i++)
        ms *= 2;
    return ms < MAX_WAIT_MS ? ms : MAX_WAIT_MS;
}

static bool is(const struct job *j, const char *state)
{
    return strcmp(j->state, state) == 0;
}

/* What a failure makes of the job. false: it stays as it is. */
static bool failed(const struct step_ctx *c, const struct job *j, const char *error, const char *cause,
                   struct job_outcome *ret)
{
    enum err_code code = err_by_name(error);
    bool counts = err_counts(code), dead = counts && j->attempts + 1 >= c->pipeline->max_attempts;
    int64_t now = clock_now_ms();

    if (is(j, "RECONCILED") || is(j, "EMPTY") || is(j, "SUPERSEDED"))
        return false;
    *ret = (struct job_outcome){.job_id = j->id, .error = error, .message = cause, .now_ms = now};
    if (is(j, "MISMATCHED")) { /* the verdict stands; the step's sentence is the better one */
        ret->state = "MISMATCHED";
        return true;
    }
    ret->state = dead ? "DEAD" : code == ERR_CANCELLED ? "QUEUED" : "FAILED";
    ret->counts = counts;
    ret->not_before_ms = dead || code == ERR_CANCELLED ? 0 : now + step_wait_ms(j->tries);
    return true;
}

int step_run_reset_flag(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const char *flag_id = "", *outcome = "", *error = "", *cause = "";
    struct job_outcome o;
    struct job job = {0};
    int64_t job_id;

    int rc = json_need_i64(parameters, "job", &job_id, err);
    if (rc == 0)
        rc = json_need_str(parameters, "flag", &flag_id, err);
    if (rc == 0)
        rc = json_need_str(parameters, "outcome", &outcome, err);
    if (rc == 0)
        rc = json_get_str(parameters, "error", "", &error, err);
    if (rc == 0)
        rc = json_get_str(parameters, "cause", "", &cause, err);
    if (rc < 0)
        return rc;
    bool is_failure = strcmp(outcome, "FAILED") == 0;
    if (!is_failure && strcmp(outcome, "LOADED") != 0)
        return err_set(err, ERR_CONTRACT, "outcome is '%.40s' where LOADED or FAILED is expected", outcome);
    rc = job_get(c->store, job_id, &job, err);
    if (rc == 0)
        rc = fault_point("reset-flag.before", err);
    bool sets = rc == 0 && is_failure && failed(c, &job, error, cause, &o);
    if (rc == 0)
        rc = flag_reset(c->store, c->token, c->pipeline->name, flag_id, sets ? &o : NULL, err);
    if (rc >= 0) {
        free(c->flag_id);
        c->flag_id = NULL;
        *ret_owned = json_pack("{s:b, s:s}", "reset", rc, "state", sets && rc > 0 ? o.state : job.state);
        rc = fault_point("reset-flag.after", err);
        if (rc < 0) {
            json_decref(*ret_owned);
            *ret_owned = NULL;
        }
    }
    job_release(&job);
    return rc;
}
