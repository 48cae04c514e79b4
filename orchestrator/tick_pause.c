/*
 * A pipeline that a person has paused: nothing is started, so nothing is loaded. The source is looked at all the same,
 * when the schedule says so: a pause must not hide that an hour is missing, and the queue shows what waits.
 */
#include "base/civil.h"
#include "base/clock.h"
#include "orchestrator/tick_int.h"
#include "state/pause.h"
#include "state/trigger.h"

int tick_paused(struct tick *t, struct flow *f, struct err *err)
{
    struct pause p;
    char since[CIVIL_RFC3339_SIZE], text[800];
    int rc = pause_get(t->store, f->p->name, &p, err);

    if (rc <= 0 || !t->o->force)
        return rc;
    if (!f->pause_said) {
        snprintf(text, sizeof text, "paused since %s by %s: %s; worked all the same, because you ask",
                 civil_rfc3339(p.since_ms, false, since), p.who, p.reason);
        tick_print(f->p->name, text, "");
    }
    f->pause_said = true;
    return 0;
}

static int look_beat(void *arg, struct err *err)
{
    UNUSED(arg);
    return engine_stop_signal ? err_set(err, ERR_CANCELLED, "stopped by a signal") : 0;
}

int tick_look(struct tick *t, struct flow *f, int64_t fire_ms, struct err *err)
{
    struct step_ctx ctx = {.store = t->store,
                           .pipeline = f->p,
                           .io = step_io_new(f->p),
                           .lease_ms = 60000,
                           .beat.fn = look_beat};
    json_t *found = NULL;
    int rc = 0;

    if (f->p->extract == NULL) /* of an extract there is nothing to look at: its windows wait */
        rc = step_generate_queue(&ctx, false, &found, err);

    json_decref(found);
    step_io_free(ctx.io);
    if (rc == 0)
        rc = store_begin(t->store, err);
    if (rc == 0)
        rc = trigger_fired(t->store, f->p->name, fire_ms, err);
    if (rc >= 0)
        rc = store_commit(t->store, err);
    store_rollback(t->store);
    return rc < 0 ? rc : 0;
}
