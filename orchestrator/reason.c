#include "orchestrator/reason.h"
#include "state/view_rows.h"
#include <stdarg.h>

enum { LONGEST_WAIT_MS = 360000 }; /* further ahead than any back-off: the clock was set back */

static const struct {
    const char *name, *action;
} codes[] = {
#define X(name, action) {#name, action},
    REASONS(X)
#undef X
};

const char *reason_name(enum reason_code c)
{
    return codes[c].name;
}

enum reason_code reason_by_name(const char *name)
{
    size_t i = 0;

    while (i < REASON__COUNT - 1 && strcmp(codes[i].name, name) != 0)
        i++;
    return (enum reason_code)i;
}

void reason_mark(struct reason_marks *m, const struct view_mark *mark)
{
    if (strcmp(mark->kind, "NEW") == 0) {
        m->new_objects = mark->n;
    } else if (strcmp(mark->kind, "REFUSED") == 0) {
        m->refused = mark->n;
    } else {
        m->small = true;
        m->small_rows = mark->n;
        m->usual_rows = mark->usual;
    }
}

const char *reason_action(enum reason_code c)
{
    return codes[c].action;
}

/* ---- the pipeline ---- */

static int read_owner(struct flow_facts *f, struct err *err)
{
    struct execution x = {0};

    if (f->flag_state == FLAG_FREE || f->flag.owner[0] == '\0')
        return 0;
    int rc = exec_get(f->store, f->flag.execution_id, &x, err);
    if (rc < 0)
        return err->code == ERR_NOT_FOUND ? 0 : rc;
    f->owner_pid = x.claim_pid;
    f->owner_start_ms = x.start_ms;
    execution_release(&x);
    return 0;
}

static int read_row(struct flow_facts *f, struct err *err)
{
    struct pipeline_row row = {0};
    int rc = pipeline_get(f->store, f->p->name, &row, err);

    if (rc < 0)
        return rc;
    if (row.retry_ms > f->now_ms && row.retry_ms <= f->now_ms + LONGEST_WAIT_MS) {
        f->retry_ms = row.retry_ms;
        f->retry_count = row.retry_count;
    }
    f->listed_ms = row.listed_ms;
    f->left_out = row.left_out;
    if (row.left_out_example != NULL)
        str_printable(row.left_out_example, strlen(row.left_out_example), f->left_out_example,
                      sizeof f->left_out_example);
    pipeline_row_release(&row);
    return 0;
}

int facts_read(struct store *s, const struct pipeline *p, int64_t now_ms, struct flow_facts *ret,
               struct err *err)
{
    *ret = (struct flow_facts){.store = s, .p = p, .now_ms = now_ms};
    int rc = pause_get(s, p->name, &ret->pause, err);

    ret->paused = rc > 0;
    if (rc >= 0)
        rc = read_row(ret, err);
    if (rc >= 0)
        rc = flag_get(s, p->name, &ret->flag, &ret->flag_state, err);
    if (rc >= 0)
        rc = read_owner(ret, err);
    if (rc >= 0)
        rc = last_tick_get(s, &ret->tick, err);
    ret->ticked = rc > 0;
    if (rc >= 0)
        rc = cli_next_look(s, p, now_ms, &ret->next_look_ms, err);
    if (rc == 0)
        ret->next_look_ms = 0;
    return rc < 0 ? rc : 0;
}

/* ---- a partition ---- */

const char *reason_message(const struct job *j)
{
    char name[JOB_NAME_SIZE];
    const char *message = j->message != NULL ? j->message : j->error != NULL ? j->error : "";

    job_name(j, name);
    size_t n = strlen(name);
    while (strncmp(message, name, n) == 0 && strncmp(message + n, ": ", 2) == 0)
        message += n + 2;
    return message;
}

static void PRINTF(3, 4) say(struct reason *r, enum reason_code code, const char *fmt, ...)
{
    va_list ap;

    r->code = code;
    va_start(ap, fmt);
    vsnprintf(r->text, sizeof r->text, fmt, ap);
    va_end(ap);
}

/* When something that may happen from at_ms on does happen: at a look. */
static int64_t by_look(const struct flow_facts *f, int64_t at_ms)
{
    return f->next_look_ms == 0 ? 0 : at_ms > f->next_look_ms ? at_ms : f->next_look_ms;
}

/* No object is known of. */
static int without_objects(const struct flow_facts *f, const struct view_part *p, struct reason *r,
                           struct err *err)
{
    const struct pipeline *c = f->p;
    const char *why = strstr(p->reason, "manifest") != NULL ? p->reason : "no object has come";
    char when[CLI_TIME_SIZE];
    int64_t start;
    int rc = part_parse(c->period, p->part, &start, err);

    if (rc < 0) {
        say(r, REASON_OUTSIDE, "no partition of a pipeline whose period is %s",
            c->period == PERIOD_HOUR ? "hour" : "day");
        return 0;
    }
    int64_t due = start + period_ms(c->period) + c->settle_ms, late = due + c->late_after_ms;
    r->at_ms = by_look(f, due);
    if (start < c->since_ms || (c->until_ms >= 0 && start > c->until_ms)) {
        say(r, REASON_OUTSIDE, "%s: never looked for",
            start < c->since_ms ? "before the pipeline's since" : "after the pipeline's until");
        r->at_ms = 0;
    } else if (start + period_ms(c->period) > f->now_ms) {
        say(r, REASON_NOT_DUE, "over at %s, and due settle later",
            cli_time(start + period_ms(c->period), when));
    } else if (p->state == VIEW_LATE) {
        say(r, REASON_LATE, "%s; late since %s", why,
            cli_time(late < p->since_ms ? late : p->since_ms, when));
    } else if (f->now_ms < due) {
        say(r, REASON_NOT_DUE, "settle runs until %s", cli_time(due, when));
    } else if (p->listed_ms == 0) {
        say(r, REASON_NOT_LISTED, "no tick has looked yet");
    } else if (strstr(p->reason, "younger") != NULL) {
        say(r, REASON_SETTLING, "%s", p->reason);
    } else {
        say(r, REASON_MISSING, "%s; late from %s on", why, cli_time(late, when));
    }
    return 0;
}

static int on_reconciliation(void *arg, const struct reconciliation *c, struct err *err)
{
    struct reason *r = arg;
    int64_t n = c->rows_target - c->rows_loaded;

    UNUSED(err);
    if (n != 0)
        say(r, REASON_COUNT_DIFF, "%+lld rows: the target has %lld, loaded were %lld", (long long)n,
            (long long)c->rows_target, (long long)c->rows_loaded);
    return 0;
}

static int mismatched(const struct flow_facts *f, struct reason *r, struct err *err)
{
    say(r, REASON_MISMATCH, "%s", reason_message(r->job));
    int rc = reconciliation_newest(f->store, r->job->id, on_reconciliation, r, err);

    return rc < 0 ? rc : 0;
}

static void failed(const struct flow_facts *f, struct reason *r)
{
    const struct job *j = r->job;
    char when[CLI_TIME_SIZE], tried[100];

    if (err_counts(err_by_name(j->error != NULL ? j->error : "")))
        snprintf(tried, sizeof tried, "attempt %lld of %lld", (long long)j->attempts,
                 (long long)f->p->max_attempts);
    else
        snprintf(tried, sizeof tried, "try %lld (not counted)", (long long)j->tries);
    r->at_ms = by_look(f, j->not_before_ms);
    if (j->not_before_ms > f->now_ms)
        say(r, REASON_FAILED, "%s failed, next not before %s: %s", tried, cli_time(j->not_before_ms, when),
            reason_message(j));
    else
        say(r, REASON_FAILED, "%s failed, retryable: %s", tried, reason_message(j));
}

static void worked(const struct flow_facts *f, struct reason *r)
{
    char since[CLI_TIME_SIZE];
    bool ours = f->flag_state != FLAG_FREE && f->flag.job_id == r->job->id;

    if (ours && f->flag_state == FLAG_HELD)
        say(r, REASON_HELD, "run %s works it, pid %lld, since %s", f->flag.owner, (long long)f->owner_pid,
            cli_time(f->flag.set_ms, since));
    else
        say(r, REASON_ABANDONED, "the run that worked it has ended or is silent; the next tick takes over");
    if (r->code == REASON_ABANDONED)
        r->at_ms = by_look(f, f->now_ms);
}

static int from_job(const struct flow_facts *f, const struct view_part *p, struct reason *r, struct err *err)
{
    for (size_t i = 0; i < p->job_count; i++) {
        const struct job *j = &p->jobs[i];
        if (strcmp(j->state, view_state_name(p->state)) != 0)
            continue;
        r->job = r->job == NULL ? j : r->job;
        r->objects += j->objects;
        r->bytes += j->bytes;
    }
    if (r->job == NULL) { /* they were all withdrawn */
        say(r, REASON_NOT_LISTED, "its jobs were withdrawn; the next look decides");
        r->at_ms = by_look(f, f->now_ms);
        return 0;
    }
    r->at_ms = by_look(f, r->job->not_before_ms);
    switch (p->state) {
    case VIEW_DEAD:
        say(r, REASON_DEAD, "given up after %lld attempt%s: %s", (long long)r->job->attempts,
            r->job->attempts == 1 ? "" : "s", reason_message(r->job));
        r->at_ms = 0;
        break;
    case VIEW_FAILED:
        failed(f, r);
        break;
    case VIEW_MISMATCHED:
        r->at_ms = 0;
        return mismatched(f, r, err);
    case VIEW_PROCESSING:
        r->at_ms = 0;
        worked(f, r);
        break;
    case VIEW_LOADED:
        if (f->flag_state == FLAG_HELD && f->flag.job_id == r->job->id)
            worked(f, r);
        else
            say(r, REASON_LOADED, "loaded, and not compared with the target yet");
        break;
    default:
        say(r, REASON_QUEUED, strcmp(r->job->kind, "REPLAY") == 0 ? "to be loaded again" : "to be loaded");
        break;
    }
    return 0;
}

/* Of a settled one: marks go before the state, which is well. */
static void settled(const struct view_part *p, struct reason *r)
{
    switch (p->state) {
    case VIEW_SKIPPED:
        say(r, REASON_SKIPPED, "%s", p->reason);
        break;
    case VIEW_ADOPTED:
        say(r, REASON_ADOPTED, "%s", p->reason[0] != '\0' ? p->reason : "loaded by another system");
        break;
    case VIEW_EMPTY:
        say(r, REASON_EMPTY, "%s",
            strstr(p->reason, "manifest") != NULL ? p->reason
            : p->job_count > 0                    ? "its objects hold no rows"
                                                  : "no object has come, and none is wanted");
        break;
    case VIEW_LOADED:
        say(r, REASON_UNVERIFIABLE, "loaded; without lineage columns nothing can be compared");
        break;
    default:
        say(r, REASON_OK, "loaded and reconciled");
        break;
    }
    r->at_ms = 0;
}

/* What is held up by the pipeline rather than by itself. */
static void held_up(const struct flow_facts *f, struct reason *r)
{
    char text[sizeof r->text], when[CLI_TIME_SIZE];
    const char *action = reason_action(r->code);
    bool loads = strcmp(action, "load") == 0 || strcmp(action, "reconcile") == 0;

    snprintf(text, sizeof text, "%.500s", r->text);
    if (f->paused && loads) {
        say(r, REASON_PAUSED, "%s, but paused since %s; %s", reason_name(r->under),
            cli_time(f->pause.since_ms, when), text);
        r->at_ms = 0;
    } else if (f->retry_ms != 0 && (loads || strcmp(action, "list") == 0 || strcmp(action, "queue") == 0)) {
        say(r, REASON_BACK_OFF, "%s, but %lld run%s failed: not before %s; %s", reason_name(r->under),
            (long long)f->retry_count, f->retry_count == 1 ? "" : "s", cli_time(f->retry_ms, when), text);
        r->at_ms = f->retry_ms;
    }
}

int reason_of(const struct flow_facts *f, const struct view_part *p, const struct reason_marks *m,
              struct reason *ret, struct err *err)
{
    struct reason *r = ret;
    int rc = 0;

    *r = (struct reason){0};
    if (view_part_is_well(p))
        settled(p, r);
    else if (p->job_count == 0 || p->state == VIEW_WAITING || p->state == VIEW_LATE)
        rc = without_objects(f, p, r, err);
    else
        rc = from_job(f, p, r, err);
    bool well = view_part_is_well(p) && p->state != VIEW_SKIPPED;
    if (rc == 0 && m != NULL && m->new_objects > 0 && p->state != VIEW_SKIPPED && p->state != VIEW_ADOPTED &&
        well) {
        say(r, REASON_NEW_FILES, "%lld object%s came while others of it were loaded",
            (long long)m->new_objects, m->new_objects == 1 ? "" : "s");
        r->objects = m->new_objects;
    } else if (rc == 0 && m != NULL && m->refused > 0 && well) {
        say(r, REASON_REFUSED, "%lld objects came or changed after that, and are not to be loaded",
            (long long)m->refused);
        r->objects = m->refused;
    } else if (rc == 0 && m != NULL && m->small && well) {
        say(r, REASON_SMALL, "%lld rows; its like have %lld", (long long)m->small_rows,
            (long long)m->usual_rows);
    }
    r->under = r->code;
    if (rc == 0)
        held_up(f, r);
    return rc;
}
