#include "orchestrator/explain.h"
#include "base/mem.h"
#include "orchestrator/tick.h"
#include "state/view_rows.h"
#include <stdarg.h>

enum { TICK_PATIENCE_MS = 900000 }; /* cron's period is 5 minutes; no tick for so long is a sign */

struct explained *explained_new(void)
{
    return xcalloc(1, sizeof(struct explained));
}

void explained_free(struct explained *x)
{
    free(x);
}

static void PRINTF(3, 4) add(struct explain_list *l, const char *code, const char *fmt, ...)
{
    va_list ap;

    if (l->n == EXPLAIN_LINES)
        return;
    va_start(ap, fmt);
    vsnprintf(l->text[l->n], sizeof l->text[0], fmt, ap);
    va_end(ap);
    l->code[l->n++] = code;
}

/* What comes next by itself, and what a person may type. @ is pipeline/partition, # pipeline, ~ partition,
 * ^ the run, $ the table. */
#define RUN_LOOK                                                                                             \
    {                                                                                                        \
        "orch run @", "looks at once"                                                                        \
    }
#define RUN_WORK                                                                                             \
    {                                                                                                        \
        "orch run @", "works it at once"                                                                     \
    }
#define RETRY                                                                                                \
    {                                                                                                        \
        "orch retry @", "tries it now, with all its attempts"                                                \
    }
#define SKIP                                                                                                 \
    {                                                                                                        \
        "orch skip @ --reason '...'", "gives it up"                                                          \
    }
#define REPLAY                                                                                               \
    {                                                                                                        \
        "orch replay @ --reason '...'", "loads what is there now, in place of what was loaded"               \
    }
#define ACK                                                                                                  \
    {                                                                                                        \
        "orch ack @ --reason '...'", "lets it stand as it is"                                                \
    }
#define REJECTS                                                                                              \
    {                                                                                                        \
        "orch rejects @", "shows the rows that were refused"                                                 \
    }
static const struct {
    const char *next;
    struct {
        const char *line, *does;
    } type[3];
} advice[REASON__COUNT] = {
    [REASON_NOT_DUE] = {"the first look after that lists it", {{0}}},
    [REASON_NOT_LISTED] = {"the next look lists it", {RUN_LOOK}},
    [REASON_MISSING] = {"each look lists it until an object has come", {RUN_LOOK}},
    [REASON_SETTLING] = {"the first look that finds all its objects at rest queues them", {RUN_LOOK}},
    [REASON_LATE] = {"each look lists it until an object has come, or a person gives it up",
                     {SKIP, RUN_LOOK}},
    [REASON_NEW_FILES] = {"the next look queues them", {RUN_LOOK}},
    [REASON_QUEUED] = {"the next tick that looks loads it", {RUN_WORK}},
    [REASON_HELD] = {"the run goes on until it is loaded and reconciled, or has failed",
                     {{"orch logs ^", "what the run has done"}, {"orch cancel @", "stops it"}}},
    [REASON_ABANDONED] = {"the next tick takes it over and goes on", {RUN_WORK}},
    [REASON_LOADED] = {"the next tick compares it with the target", {RUN_WORK}},
    [REASON_FAILED] = {"it is tried again by itself", {RETRY, REJECTS, SKIP}},
    [REASON_PAUSED] = {"nothing until it is resumed", {{"orch resume #", "lets the pipeline go on"}}},
    [REASON_BACK_OFF] = {"the next tick after that tries again",
                         {{"orch run #", "tries at once"}, {"orch doctor", "checks the connections"}}},
    [REASON_DEAD] = {"nothing by itself: a person must mend the cause", {RETRY, REJECTS, SKIP}},
    [REASON_COUNT_DIFF] = {"nothing by itself: a person must decide",
                           {{"orch diff @", "shows which rows and values differ"}, REPLAY}},
    [REASON_MISMATCH] = {"nothing by itself: a person must decide",
                         {{"orch diff @", "shows which rows and values differ"}, REPLAY}},
    [REASON_REFUSED] = {"nothing by itself: a person must decide", {REPLAY, ACK}},
    [REASON_SMALL] = {"nothing by itself: a person must look", {ACK, REPLAY}},
    [REASON_UNVERIFIABLE] = {"nothing", {{"orch lineage add $", "makes loads to come verifiable"}}},
    [REASON_SKIPPED] = {"nothing", {{"orch skip @ --undo", "waits for it again"}}},
    [REASON_ADOPTED] = {"nothing: it is never loaded",
                        {{"orch adopt # --from ~ --until ~ --undo", "takes the decision back"}}},
    [REASON_EMPTY] = {"nothing, unless objects with rows come", {RUN_LOOK}},
    [REASON_OK] = {"nothing, unless its objects change", {{"orch reconcile @", "compares it again"}}},
    [REASON_OUTSIDE] = {"nothing: since and until of the source in orch.json say what is looked for", {{0}}},
};

static void command(struct explained *x, const char *form, const char *does, const char *run)
{
    size_t at = 0, size = sizeof x->commands[0].line;

    if (x->command_count == EXPLAIN_COMMANDS)
        return;
    char *out = x->commands[x->command_count].line;
    out[0] = '\0';
    for (; *form != '\0' && at < size - 1; form++) {
        const char one[2] = {*form, '\0'};
        int n = *form == '@'   ? snprintf(out + at, size - at, "%s/%s", x->pipeline, x->part)
                : *form == '#' ? snprintf(out + at, size - at, "%s", x->pipeline)
                : *form == '~' ? snprintf(out + at, size - at, "%s", x->part)
                : *form == '^' ? snprintf(out + at, size - at, "%s", run)
                : *form == '$' ? snprintf(out + at, size - at, "%s", x->flow->table)
                               : snprintf(out + at, size - at, "%s", one);
        at += n > 0 ? (size_t)n : 0;
    }
    x->commands[x->command_count++].does = does;
}

static void advise(struct explained *x, enum reason_code code, const struct flow_facts *f)
{
    snprintf(x->next, sizeof x->next, "%s", advice[code].next != NULL ? advice[code].next : "");
    for (size_t i = 0; i < ARRAY_LEN(advice[code].type) && advice[code].type[i].line != NULL; i++)
        command(x, advice[code].type[i].line, advice[code].type[i].does, f->flag.owner);
}

/* ---- what stands in the way ---- */

static int block_flag(struct explained *x, const struct flow_facts *f, const struct job *mine,
                      struct err *err)
{
    struct job other = {0};
    char name[JOB_NAME_SIZE] = "another job", since[CLI_TIME_SIZE];

    if (f->flag_state == FLAG_FREE || (mine != NULL && f->flag.job_id == mine->id))
        return 0;
    int rc = job_get(f->store, f->flag.job_id, &other, err);
    if (rc == 0)
        job_name(&other, name);
    else if (err->code != ERR_NOT_FOUND)
        return rc;
    job_release(&other);
    if (f->flag_state == FLAG_HELD)
        add(&x->blocking, "HELD", "run %s works %s, pid %lld, since %s: a pipeline works one job at a time",
            f->flag.owner, name, (long long)f->owner_pid, cli_time(f->flag.set_ms, since));
    else
        add(&x->blocking, "HELD",
            "%s was being worked, and its run has ended or is silent: the next tick takes it over", name);
    return 0;
}

static int block_queue(struct explained *x, const struct flow_facts *f, const struct job *mine,
                       struct err *err)
{
    struct job first = {0};
    char name[JOB_NAME_SIZE];
    int64_t pending = 0;
    int rc = job_next(f->store, f->p->name, NULL, f->now_ms, &first, &pending, err);

    if (rc > 0 && first.id != mine->id &&
        (strcmp(first.part, mine->part) < 0 || (strcmp(first.part, mine->part) == 0 && first.n < mine->n)))
        add(&x->blocking, "EARLIER", "%lld jobs wait, oldest first: %s comes before it", (long long)pending,
            job_name(&first, name));
    job_release(&first);
    return rc < 0 ? rc : 0;
}

static void block_tick(struct explained *x, const struct flow_facts *f)
{
    char when[CLI_TIME_SIZE], span[CLI_TIME_SIZE];

    if (f->next_look_ms == 0)
        add(&x->blocking, "SCHEDULE", "the schedule never fires: %s", f->p->schedule);
    else if (f->next_look_ms > f->now_ms)
        add(&x->blocking, "SCHEDULE", "the schedule looks next at %s: %s", cli_time(f->next_look_ms, when),
            f->p->schedule);
    if (!f->ticked)
        add(&x->blocking, "TICK", "no tick has run yet: is cron running orch tick? orch cron print");
    else if (f->now_ms - f->tick.started_ms > TICK_PATIENCE_MS)
        add(&x->blocking, "TICK",
            "the newest tick began at %s, %s ago: is cron running orch tick? orch doctor --cron",
            cli_time(f->tick.started_ms, when), cli_span(f->now_ms - f->tick.started_ms, span));
}

static void block_pipeline(struct explained *x, const struct flow_facts *f)
{
    char when[CLI_TIME_SIZE], who[256], why[500];

    if (f->paused) {
        str_printable(f->pause.who, strlen(f->pause.who), who, sizeof who);
        str_printable(f->pause.reason, strlen(f->pause.reason), why, sizeof why);
        add(&x->blocking, "PAUSED", "paused since %s by %s%s%.300s", cli_time(f->pause.since_ms, when), who,
            *why != '\0' ? ": " : "", why);
    }
    if (f->retry_ms != 0)
        add(&x->blocking, "BACK_OFF", "%lld run%s failed, for no fault of a job's own: not before %s",
            (long long)f->retry_count, f->retry_count == 1 ? "" : "s in a row", cli_time(f->retry_ms, when));
}

static int block(struct explained *x, const struct flow_facts *f, const struct reason *r, struct err *err)
{
    const char *action = reason_action(r->under);
    bool loads = strcmp(action, "load") == 0 || strcmp(action, "reconcile") == 0;
    int rc = 0;

    if (strcmp(action, "none") == 0 || strcmp(action, "person") == 0)
        return 0;
    if (r->under != REASON_HELD)
        block_pipeline(x, f);
    if (loads && r->job != NULL) {
        rc = block_flag(x, f, r->job, err);
        if (rc == 0)
            rc = block_queue(x, f, r->job, err);
    }
    if (r->under != REASON_HELD)
        block_tick(x, f);
    if (f->left_out > 0 && (r->under == REASON_MISSING || r->under == REASON_LATE))
        add(&x->blocking, "LEFT_OUT", "%s took none of %lld objects of the newest listing, such as %s",
            f->p->manifest ? "include and the manifests" : "include", (long long)f->left_out,
            f->left_out_example);
    return rc;
}

/* ---- one partition ---- */

struct explaining {
    const struct flow_facts *f;
    struct explained *x;
    struct reason_marks marks;
    bool told;
};

static int on_mark(void *arg, const struct view_mark *m, struct err *err)
{
    struct explaining *e = arg;

    UNUSED(err);
    reason_mark(&e->marks, m);
    return 0;
}

static int on_reconciliation(void *arg, const struct reconciliation *c, struct err *err)
{
    struct explained *x = arg;
    char when[CLI_TIME_SIZE];

    UNUSED(err);
    snprintf(x->target, sizeof x->target, "%s at %s: %lld rows loaded, %lld in the target", c->verdict,
             cli_time(c->at_ms, when), (long long)c->rows_loaded, (long long)c->rows_target);
    return 0;
}

static void tell_source(struct explained *x, const struct view_part *p)
{
    x->objects = p->objects;
    x->bytes = p->bytes;
    x->rows_read = p->rows_read;
    x->rows_loaded = p->rows_loaded;
    x->rows_rejected = p->rows_rejected;
    x->unexplained = p->rows_read - p->rows_loaded - p->rows_rejected;
    if (p->objects > 0)
        snprintf(x->source, sizeof x->source,
                 "%lld object%s, %lld bytes; %lld rows read, %lld loaded, %lld rejected, %lld unexplained",
                 (long long)p->objects, p->objects == 1 ? "" : "s", (long long)p->bytes,
                 (long long)p->rows_read, (long long)p->rows_loaded, (long long)p->rows_rejected,
                 (long long)x->unexplained);
}

static void tell_jobs(struct explained *x, const struct view_part *p)
{
    for (size_t i = 0; p->job_count > 1 && i < p->job_count; i++) {
        const struct job *j = &p->jobs[i];
        char text[300];
        const char *message = reason_message(j);
        str_printable(message, strlen(message), text, sizeof text);
        add(&x->notes, "JOB", "#%lld %s%s%s", (long long)j->n, j->state, *text != '\0' ? ": " : "", text);
    }
    if (p->rows_rejected > 0)
        add(&x->notes, "REJECTS", "%lld row%s rejected: orch rejects %s/%s", (long long)p->rows_rejected,
            p->rows_rejected == 1 ? " was" : "s were", x->pipeline, x->part);
}

static void tell_attempt(struct explained *x, const struct job *j)
{
    char when[CLI_TIME_SIZE];

    x->attempts = j->attempts;
    x->tries = j->tries;
    x->next_try_ms = j->not_before_ms;
    if (j->tries == 0 && j->attempts == 0)
        return;
    snprintf(x->attempt, sizeof x->attempt, "%lld of %lld that count, tried %lld time%s in all%s%s",
             (long long)j->attempts, (long long)x->max_attempts, (long long)j->tries,
             j->tries == 1 ? "" : "s", j->not_before_ms > x->now_ms ? ", next not before " : "",
             j->not_before_ms > x->now_ms ? cli_time(j->not_before_ms, when) : "");
}

/* The newest job that counts: what a settled partition's reconciliation is of. */
static const struct job *newest_job(const struct view_part *p)
{
    for (size_t i = p->job_count; i > 0; i--)
        if (strcmp(p->jobs[i - 1].state, "SUPERSEDED") != 0)
            return &p->jobs[i - 1];
    return NULL;
}

static int on_part(void *arg, const struct view_part *p, struct err *err)
{
    struct explaining *e = arg;
    struct explained *x = e->x;
    struct reason r;
    int rc = reason_of(e->f, p, &e->marks, &r, err);

    if (rc < 0)
        return rc;
    e->told = true;
    const struct job *job = r.job != NULL ? r.job : newest_job(p);
    bool waits = r.under == REASON_NOT_DUE || r.under == REASON_OUTSIDE;
    x->state = waits ? reason_name(r.under) : view_state_name(p->state);
    x->code = reason_name(r.code);
    /* Where jobs tell the state, the partition's own is QUEUED since its first object came. */
    bool by_job = job != NULL && (r.job != NULL || strcmp(p->own, "QUEUED") == 0);
    x->since_ms = waits ? 0 : by_job ? job->updated_ms : p->since_ms;
    str_printable(r.text, strlen(r.text), x->why, sizeof x->why);
    tell_source(x, p);
    tell_jobs(x, p);
    if (job != NULL) {
        tell_attempt(x, job);
        rc = reconciliation_newest(e->f->store, job->id, on_reconciliation, x, err);
    }
    x->next_ms = r.at_ms;
    advise(x, r.code, e->f);
    return rc < 0 ? rc : block(x, e->f, &r, err);
}

static void begin(struct explained *x, const struct pipeline *p, const char *part, int64_t now_ms)
{
    *x = (struct explained){.flow = p,
                            .pipeline = p->name,
                            .now_ms = now_ms,
                            .max_attempts = p->max_attempts,
                            .state = "",
                            .code = ""};
    snprintf(x->part, sizeof x->part, "%s", part);
}

int explain_partition(struct store *s, const struct pipeline *p, const char *part, int64_t now_ms,
                      struct explained *ret, struct err *err)
{
    struct flow_facts facts;
    struct explaining e = {.f = &facts, .x = ret};
    const struct view_part unmet = {.part = part, .state = VIEW_WAITING, .own = "", .reason = ""};
    int rc = facts_read(s, p, now_ms, &facts, err);

    begin(ret, p, part, now_ms);
    if (rc == 0)
        rc = view_marks(s, p->name, part, part, on_mark, &e, err);
    if (rc == 0)
        rc = view_each(s, p, part, part, now_ms, VIEW_WHOLE, on_part, &e, err);
    if (rc == 0 && !e.told)
        rc = on_part(&e, &unmet, err);
    return rc;
}

/* ---- the pipeline ---- */

static int on_finding(void *arg, const struct finding *f, struct err *err)
{
    struct explained *x = arg;

    UNUSED(err);
    if (f->part[0] == '\0')
        add(&x->notes, f->class, "%.300s%s%.250s", f->text, f->hint[0] != '\0' ? "; " : "", f->hint);
    return 0;
}

static int on_execution(void *arg, const struct execution *run, struct err *err)
{
    struct explained *x = arg;
    char when[CLI_TIME_SIZE];

    UNUSED(err);
    snprintf(x->why, sizeof x->why, "the newest run is %s: %s%s%s", run->name, run->status,
             run->stop_ms != 0 ? " at " : " since ",
             cli_time(run->stop_ms != 0 ? run->stop_ms : run->start_ms, when));
    return 0;
}

static void state_of_pipeline(struct explained *x, const struct flow_facts *f)
{
    static const struct {
        const char *code, *next;
    } words[] = {
        {"RUNNING", "the run goes on; when it ends, the next job"},
        {"PAUSED", "nothing is loaded until it is resumed; the tick still looks"},
        {"BACK_OFF", "the next tick after that tries again"},
        {"NEVER", "nothing: the schedule never fires again"},
        {"NO_TICK", "nothing until a tick runs"},
        {"WAITING", "the next tick after that looks"},
        {"DUE", "the next tick looks"},
    };
    bool dead = !f->ticked || f->now_ms - f->tick.started_ms > TICK_PATIENCE_MS;
    size_t i = f->flag_state == FLAG_HELD    ? 0
               : f->paused                   ? 1
               : f->retry_ms != 0            ? 2
               : f->next_look_ms == 0        ? 3
               : dead                        ? 4
               : f->next_look_ms > f->now_ms ? 5
                                             : 6;

    x->state = x->code = words[i].code;
    snprintf(x->next, sizeof x->next, "%s", words[i].next);
    x->since_ms = i == 0 ? f->flag.set_ms : i == 1 ? f->pause.since_ms : 0;
    x->next_ms = i == 2 ? f->retry_ms : i == 5 || i == 6 ? f->next_look_ms : 0;
    if (i == 1)
        command(x, "orch resume #", "lets the pipeline go on", "");
    if (i == 0)
        command(x, "orch logs ^", "what the run has done", f->flag.owner);
    else
        command(x, "orch run #", "works it now, whatever the schedule says", "");
    command(x, "orch status #", "its partitions", "");
}

int explain_pipeline(struct store *s, const struct pipeline *p, int64_t now_ms, struct explained *ret,
                     struct err *err)
{
    struct flow_facts facts;
    int rc = facts_read(s, p, now_ms, &facts, err);

    begin(ret, p, "", now_ms);
    if (rc < 0)
        return rc;
    snprintf(ret->why, sizeof ret->why, "no run yet");
    rc = exec_list(s, p->name, NULL, 1, on_execution, ret, err);
    state_of_pipeline(ret, &facts);
    block_pipeline(ret, &facts);
    if (rc >= 0)
        rc = block_flag(ret, &facts, NULL, err);
    block_tick(ret, &facts);
    if (facts.left_out > 0)
        add(&ret->notes, "LEFT_OUT", "%s did not take %lld objects of the newest listing, such as %s",
            p->manifest ? "include and the manifests" : "include", (long long)facts.left_out,
            facts.left_out_example);
    if (rc >= 0)
        rc = findings_of(s, p, now_ms, on_finding, ret, err);
    return rc < 0 ? rc : 0;
}

struct oldest {
    const struct flow_facts *f;
    char part[EXPLAIN_OLDEST][64];
    int64_t n;
};

static int on_open(void *arg, const struct view_part *p, struct err *err)
{
    struct oldest *o = arg;
    struct reason r;

    if (view_part_is_well(p))
        return 0;
    int rc = reason_of(o->f, p, NULL, &r, err);
    if (rc < 0 || strcmp(reason_action(r.under), "none") == 0)
        return rc;
    if (o->n < EXPLAIN_OLDEST)
        snprintf(o->part[o->n], sizeof o->part[0], "%s", p->part);
    o->n++;
    return 0;
}

int explain_oldest(struct store *s, const struct pipeline *p, int64_t now_ms,
                   int (*fn)(void *arg, const struct explained *x, struct err *err), void *arg,
                   int64_t *ret_more, struct err *err)
{
    struct explained *x = explained_new();
    struct flow_facts facts;
    struct oldest o = {.f = &facts};
    int rc = facts_read(s, p, now_ms, &facts, err);

    if (rc == 0)
        rc = view_each(s, p, NULL, NULL, now_ms, VIEW_OPEN, on_open, &o, err);
    for (int64_t i = 0; rc == 0 && i < o.n && i < EXPLAIN_OLDEST; i++) {
        rc = explain_partition(s, p, o.part[i], now_ms, x, err);
        if (rc == 0)
            rc = fn(arg, x, err);
    }
    *ret_more = o.n > EXPLAIN_OLDEST ? o.n - EXPLAIN_OLDEST : 0;
    explained_free(x);
    return rc;
}
