/* What orch status has to say of a pipeline, from one walk over the states of its partitions. */
#include "base/clock.h"
#include "orchestrator/status_int.h"
#include "state/last_tick.h"
#include "state/notice.h"
#include "state/reject.h"

enum { ALIVE_MS = 120000 };

static int on_part(void *arg, const struct view_part *p, struct err *err)
{
    struct status_flow *f = arg;
    size_t at = (size_t)(f->partitions++ % SQUARES);

    UNUSED(err);
    f->counts[p->state]++;
    f->squares[at].state = p->state;
    snprintf(f->squares[at].part, PART_SIZE, "%s", p->part);
    memcpy(f->newest, f->squares[at].part, PART_SIZE);
    f->newest_unseen = p->state == VIEW_WAITING && p->listed_ms == 0 && p->job_count == 0;
    if (p->state != VIEW_SKIPPED && view_part_is_well(p))
        memcpy(f->last_good, f->newest, PART_SIZE);
    f->unverifiable = f->unverifiable || p->unverifiable;
    if (p->listed_ms > f->listed_ms)
        f->listed_ms = p->listed_ms;
    return 0;
}

const char *status_verdict(const struct status_flow *f)
{
    return f->counts[VIEW_MISMATCHED] > 0   ? "DIFFERENT"
           : f->unverifiable                ? "UNVERIFIABLE"
           : f->counts[VIEW_RECONCILED] > 0 ? "EQUAL"
                                            : "";
}

int64_t status_lag(const struct status_flow *f, int64_t now_ms)
{
    const struct pipeline *p = f->p;
    struct err ignored;
    int64_t newest, start;

    if (!view_newest(p, now_ms, &newest))
        return 0;
    if (f->last_good[0] == '\0' || part_parse(p->period, f->last_good, &start, &ignored) < 0)
        start = p->since_ms - period_ms(p->period);
    return newest > start ? newest - start : 0;
}

static int on_rejects(void *arg, const char *pipeline, int64_t final, int64_t other, struct err *err)
{
    struct status *s = arg;

    UNUSED(err);
    for (size_t i = 0; i < s->flow_count; i++)
        if (strcmp(s->flows[i].p->name, pipeline) == 0) {
            s->flows[i].rejects_final = final;
            s->flows[i].rejects_other = other;
        }
    return 0;
}

int status_look_at_rejects(struct status *s, struct err *err)
{
    return reject_counts(s->c->store, on_rejects, s, err);
}

/* What include left out: a pattern that takes too little loses rows as surely as a crash. */
static int look_at_row(struct store *s, struct status_flow *f, struct err *err)
{
    struct pipeline_row row = {0};
    int rc = pipeline_get(s, f->p->name, &row, err);

    f->left_out = row.left_out;
    f->retry_ms = row.retry_ms;
    if (row.left_out_example != NULL)
        str_printable(row.left_out_example, strlen(row.left_out_example), f->left_out_example,
                      sizeof f->left_out_example);
    pipeline_row_release(&row);
    return rc < 0 ? rc : 0;
}

/* A tick looks at all pipelines; orch run lists one: the newer of the two. */
static int look_at_clock(struct store *s, struct status_flow *f, int64_t now_ms, struct err *err)
{
    struct last_tick t = {0};
    int rc = last_tick_get(s, &t, err);

    f->last_look_ms = f->listed_ms;
    if (rc > 0 && t.started_ms > f->last_look_ms)
        f->last_look_ms = t.started_ms;
    if (rc >= 0)
        rc = cli_next_look(s, f->p, now_ms, &f->next_look_ms, err);
    if (rc == 0)
        f->next_look_ms = 0;
    if (rc >= 0)
        rc = pause_get(s, f->p->name, &f->pause, err);
    f->paused = rc > 0;
    return rc < 0 ? rc : 0;
}

static int on_notice(void *arg, const struct notice *n, int64_t from_ms, struct err *err)
{
    struct status_flow *f = arg;

    UNUSED(err);
    str_printable(n->text, strlen(n->text), f->waits, sizeof f->waits);
    f->waits_ms = from_ms;
    return 0;
}

int status_look_beside(struct store *store, struct status_flow *f, int64_t now_ms, struct err *err)
{
    int rc = look_at_row(store, f, err);

    if (rc == 0)
        rc = look_at_clock(store, f, now_ms, err);
    if (rc == 0) /* who died says nothing any more */
        rc = notice_open(store, f->p->name, now_ms - ALIVE_MS, on_notice, f, err);
    f->lag_ms = status_lag(f, now_ms);
    return rc > 0 ? 0 : rc;
}

int status_look(struct status *s, const struct pipeline *p, struct status_flow *ret, struct err *err)
{
    struct store *store = s->c->store;
    int rc;

    *ret = (struct status_flow){.p = p};
    rc = view_each(store, p, NULL, NULL, s->now_ms, VIEW_BRIEF, on_part, ret, err);
    return rc < 0 ? rc : status_look_beside(store, ret, s->now_ms, err);
}

/* ---- troubles ---- */

struct asking {
    struct status *s;
    const struct status_flow *f;
    status_fn *fn;
    void *arg;
};

/* "2022-06-05T12#2" is of 2022-06-05T12; what is of no partition concerns all. */
static bool concerns(const struct status *s, const char *part)
{
    size_t n = strlen(s->part);

    return n == 0 || part[0] == '\0' ||
           (strncmp(part, s->part, n) == 0 && (part[n] == '\0' || part[n] == '#'));
}

static int on_finding(void *arg, const struct finding *x, struct err *err)
{
    struct asking *a = arg;

    return concerns(a->s, x->part) ? a->fn(a->arg, a->f, x, err) : 0;
}

/*
 * When cron is dead no tick finds anything: the one trouble that a tick cannot report. A partition that
 * nobody has looked for long after it was due, while nothing else was looked for either, is that sign.
 */
static int unwatched(struct asking *a, struct err *err)
{
    const struct status_flow *f = a->f;
    const struct pipeline *p = f->p;
    int64_t start, patience = p->late_after_ms > 3600000 ? p->late_after_ms : 3600000, now = a->s->now_ms;
    struct finding x = {.class = "STUCK", .part = f->newest, .exit_status = 6};
    char when[CLI_TIME_SIZE];

    if (!f->newest_unseen || !view_newest(p, now, &start) ||
        now < start + period_ms(p->period) + p->settle_ms + patience || now - f->last_look_ms < patience)
        return 0;
    snprintf(x.text, sizeof x.text, "it was due long ago, and no tick has looked%s%s",
             f->last_look_ms != 0 ? " since " : " yet", cli_time(f->last_look_ms, when));
    snprintf(x.hint, sizeof x.hint, "is cron running orch tick? orch cron print; orch doctor --cron");
    return on_finding(a, &x, err);
}

int status_findings(struct status *s, const struct status_flow *f, status_fn *fn, void *arg, struct err *err)
{
    struct asking a = {s, f, fn, arg};
    int rc = findings_of(s->c->store, f->p, s->now_ms, on_finding, &a, err);

    return rc < 0 ? rc : unwatched(&a, err);
}
