/* orch-check-now-processing {pipeline} -> {state, owner}. Only a report: set-flag decides. */
#include "state/flag.h"
#include "steps/steps_int.h"

int step_run_check_now_processing(struct step_ctx *c, const json_t *parameters, json_t **ret_owned,
                                  struct err *err)
{
    static const char *const names[] = {[FLAG_FREE] = "FREE", [FLAG_HELD] = "HELD", [FLAG_STALE] = "STALE"};
    struct flag flag;
    enum flag_state state;

    UNUSED(parameters);
    int rc = flag_get(c->store, c->pipeline->name, &flag, &state, err);
    if (rc < 0)
        return rc;
    /* A flag of this very execution (a state run again, a loop) is no reason to stop. */
    if (state == FLAG_HELD && flag.execution_id == c->execution_id && c->execution_id != 0)
        state = FLAG_FREE;
    *ret_owned = state == FLAG_FREE ? json_pack("{s:s, s:n}", "state", names[state], "owner")
                                    : json_pack("{s:s, s:s}", "state", names[state], "owner", flag.owner);
    return 0;
}
