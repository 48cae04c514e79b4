#include "base/mem.h"
#include "orchestrator/tick_int.h"

static int work(struct tick *t, int64_t id, struct err *err)
{
    enum engine_result result = ENGINE_HELD;
    int64_t wake = 0;
    int rc = engine_work(t->engine, id, &result, &wake, err);

    /* What ends otherwise than well stands as a trouble (findings_of_none): tick_say tells it. */
    if (rc == 0 && result == ENGINE_WAITING && (t->own_wake_ms == 0 || wake < t->own_wake_ms))
        t->own_wake_ms = wake;
    return rc;
}

/* One that cannot be worked keeps none of the others waiting. */
static void refused(struct tick *t, int64_t id, const struct err *why)
{
    struct execution x = {0};
    struct err none;

    err_ignore(exec_get(t->store, id, &x, &none));
    tick_print(x.name != NULL ? x.name : "", why->msg, why->hint);
    t->status = exit_worse(t->status, err_exit_status(why->code));
    execution_release(&x);
}

int tick_own(struct tick *t, struct err *err)
{
    enum { AT_ONCE = 100 };
    int64_t ids[AT_ONCE], after = 0;
    int n;

    t->own_wake_ms = 0;
    do {
        n = exec_own_running(t->store, after, ids, AT_ONCE, err);
        for (int i = 0; i < n && !engine_stop_signal; i++) {
            int rc = work(t, ids[i], err);
            if (rc < 0 && tick_is_of_state_file(err->code))
                return rc;
            if (rc < 0)
                refused(t, ids[i], err);
            after = ids[i];
        }
    } while (n == AT_ONCE && !engine_stop_signal);
    return n < 0 ? n : 0;
}
