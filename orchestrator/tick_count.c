/*
 * What a tick keeps account of: that it ran (last_tick), what it counted by itself, and the metrics file. Nothing here
 * changes how a tick ends, but for a state file that cannot be written: rows are loaded whether or not an account of it
 * can be kept. Where that is not remembered either, it is said by every tick.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "cron/cronexpr.h"
#include "orchestrator/metrics.h"
#include "orchestrator/tick_int.h"
#include "state/last_tick.h"
#include "state/metric.h"

enum { MISSED_MAX = 10000 }; /* fires that one tick counts: a week of minutes */

static bool is_whole(const struct tick *t)
{
    return t->o->pipeline == NULL && !t->o->force;
}

static void say_unaccounted(struct tick *t, const struct err *why)
{
    if (!t->unaccounted)
        tick_print("the account of the last tick", why->msg, why->hint);
    t->unaccounted = true;
}

void tick_begun(struct tick *t)
{
    struct err why;

    t->began_mono = clock_mono_ms();
    if (is_whole(t) && last_tick_begin(t->store, clock_now_ms(), &why) < 0)
        say_unaccounted(t, &why);
}

struct before {
    int64_t id, stop_ms;
};

/* Newest first: the execution of this fire, and the one before it. */
static int on_execution(void *arg, const struct execution *x, struct err *err)
{
    struct before *b = arg;

    UNUSED(err);
    if (x->id != b->id)
        b->stop_ms = x->stop_ms;
    return 0;
}

int tick_count_missed(struct tick *t, struct flow *f, int64_t execution_id, int64_t fire_ms, struct err *err)
{
    struct before b = {.id = execution_id};
    int64_t at = f->last_fire_ms;
    struct cronexpr c;
    int rc = at < 0 ? 0 : cronexpr_parse(f->p->schedule, &c, err);

    if (rc < 0 || at < 0)
        return rc;
    for (int i = 0;
         i < MISSED_MAX && cronexpr_next(&c, f->p->zone, f->anchor_ms, at, &at) == 1 && at < fire_ms; i++) {
        if (i == 0)
            rc = exec_list(t->store, f->p->name, NULL, 2, on_execution, &b, err);
        if (rc < 0)
            return rc;
        if (at <= b.stop_ms)
            f->missed_running++;
        else if (f->retry_count > 0)
            f->missed_backoff++;
        else
            f->missed_no_tick++;
    }
    return 0;
}

static int count_flow(struct tick *t, const struct flow *f, struct err *err)
{
    static const char missed[] = "orch_schedule_missed_total";
    const char *name = f->p->name;
    int rc = counter_add(t->store, "orch_overlap_skipped_total", name, "", f->held, err);

    if (rc == 0)
        rc = counter_add(t->store, missed, name, "no_tick", f->missed_no_tick, err);
    if (rc == 0)
        rc = counter_add(t->store, missed, name, "running", f->missed_running, err);
    if (rc == 0)
        rc = counter_add(t->store, missed, name, "backoff", f->missed_backoff, err);
    return rc;
}

/*
 * These few are counted in memory and written once: a tick that dies takes its own with it, and never counts twice.
 */
static int write_counts(struct tick *t, struct err *err)
{
    int64_t lost = t->engine != NULL ? t->engine->lease_lost : 0,
            fenced = t->engine != NULL ? t->engine->fenced : 0;
    int64_t sum = store_busy_count() + lost + fenced;
    int rc;

    for (size_t i = 0; i < t->flow_count; i++) {
        const struct flow *f = &t->flows[i];
        sum += f->held + f->missed_no_tick + f->missed_running + f->missed_backoff;
    }
    if (sum == 0)
        return 0;
    rc = store_begin(t->store, err);
    for (size_t i = 0; rc == 0 && i < t->flow_count; i++)
        rc = count_flow(t, &t->flows[i], err);
    if (rc == 0)
        rc = counter_add(t->store, "orch_work_lease_lost_total", "", "", lost, err);
    if (rc == 0)
        rc = counter_add(t->store, "orch_work_fenced_total", "", "", fenced, err);
    if (rc == 0)
        rc = counter_add(t->store, "orch_sqlite_busy_total", "", "", store_busy_count(), err);
    if (rc == 0)
        rc = store_commit(t->store, err);
    store_rollback(t->store);
    return rc;
}

/* A file that cannot be written is said once, again after alerts.renotify, and its recovery once. */
static void write_metrics(struct tick *t)
{
    struct last_tick last;
    struct err why;
    int64_t now = clock_now_ms();

    if (t->config->metrics_textfile == NULL)
        return;
    bool well = metrics_write(t->config, t->store, t->config->metrics_textfile, now, &why) == 0;
    struct err unread;
    if (last_tick_get(t->store, &last, &unread) < 0)
        say_unaccounted(t, &unread);
    bool heard = last.metrics_said_ms != 0 && last.metrics_said_ms <= now &&
                 now - last.metrics_said_ms < t->config->renotify_ms;
    if (well ? last.metrics_said_ms == 0 : heard)
        return;
    if (well)
        tick_print("", "metrics.textfile is written again", "");
    else
        tick_print("metrics.textfile", why.msg,
                   "loading goes on; the folder must be there, and writable for the user of the tick");
    if (last_tick_metrics_said(t->store, well ? 0 : now, &unread) < 0)
        say_unaccounted(t, &unread);
}

int tick_ended(struct tick *t, int rc, struct err *err)
{
    int status = rc < 0 ? err_exit_status(err->code) : t->status;
    struct err weather; /* what went wrong first stays the tick's error */
    int then = write_counts(t, &weather);

    struct err why;
    if (is_whole(t) && last_tick_end(t->store, then < 0 && rc >= 0 ? err_exit_status(weather.code) : status,
                                     clock_mono_ms() - t->began_mono, clock_now_ms(), &why) < 0)
        say_unaccounted(t, &why);
    write_metrics(t);
    if (then < 0 && rc >= 0) {
        *err = weather;
        return then;
    }
    return rc;
}
