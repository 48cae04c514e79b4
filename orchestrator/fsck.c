#include "orchestrator/fsck.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/machine.h"
#include "state/history.h"
#include <stdarg.h>

/* A frame as it is kept, and as its events tell it. */
struct place {
    struct frame f;
    struct place *parent;                    /* NULL: the root */
    int64_t last, entered, entered_ms, fork; /* newest event; of the state that it is in; what forked it */
    const char *phase;                       /* NULL: in the midst of a state that never stops there */
    char *state;                             /* that it is in, or left; NULL: it has entered none */
    bool left, started,
        redriven;     /* the state was left; the attempt was started; since then it was redriven */
    bool failed;      /* of an iteration */
    char *input;      /* owned; NULL: the events do not tell it */
    int64_t attempts; /* scheduled since the state was entered, or since a redrive */
    char *from;       /* where a redrive sends it; owned */
};
struct check {
    struct store *store;
    fsck_fn *fn;
    void *arg;
    struct fsck_counts *counts;
    const char *name; /* of the execution */
    struct asl *asl;
    struct place *places; /* by id */
    size_t n, room;
};

static int say(struct check *k, struct err *err, const char *fmt, ...) PRINTF(3, 4);

static int say(struct check *k, struct err *err, const char *fmt, ...)
{
    char text[600], shown[700];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_printable(text, strlen(text), shown, sizeof shown);
    k->counts->findings++;
    return k->fn(k->arg, k->name, shown, err);
}

/* ---- the cursor by its events ---- */

static char *copy(const char *s)
{
    return s != NULL ? xstrdup(s) : NULL;
}

static int on_frame(void *arg, const struct frame *f, struct err *err)
{
    struct check *k = arg;

    UNUSED(err);
    if (k->n == k->room) {
        k->room = k->room > 0 ? 2 * k->room : 8;
        k->places = xrealloc(k->places, k->room * sizeof *k->places);
    }
    struct place *p = &k->places[k->n++];
    *p = (struct place){.f = *f, .phase = "ENTER"};
    p->f.kind = copy(f->kind);
    p->f.state = copy(f->state);
    p->f.phase = copy(f->phase);
    p->f.input = copy(f->input);
    p->f.retry = copy(f->retry);
    p->f.vars = NULL;
    return 0;
}

static struct place *place_of(struct check *k, int64_t id)
{
    size_t low = 0, high = k->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (k->places[mid].f.id == id)
            return &k->places[mid];
        if (k->places[mid].f.id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void set(char **to, const char *text)
{
    free(*to);
    *to = text != NULL ? xstrdup(text) : NULL;
}

/* Once all of them are there: what a branch or iteration begins with, its number says. */
static void find_parents(struct check *k)
{
    for (size_t i = 0; i < k->n; i++) {
        struct place *p = &k->places[i];
        p->parent = p->f.parent >= 0 ? place_of(k, p->f.parent) : NULL;
        p->last = p->f.id / FRAME_IDS;
    }
}

static void entered(struct place *p, const struct history_event *e, const json_t *details)
{
    static const struct {
        const char *type, *phase;
    } stops[] = {{"TaskStateEntered", "RETRY"},
                 {"WaitStateEntered", "WAIT"},
                 {"ParallelStateEntered", "RETRY"},
                 {"MapStateEntered", "RETRY"}};

    p->left = p->redriven = false;
    p->attempts = 0;
    p->entered = e->id;
    p->entered_ms = e->ts_ms;
    p->phase = NULL;
    for (size_t i = 0; i < ARRAY_LEN(stops); i++)
        if (strcmp(stops[i].type, e->type) == 0)
            p->phase = stops[i].phase;
    set(&p->state, e->state);
    set(&p->input, json_string_value(json_object_get(details, "input")));
    set(&p->from, NULL);
}

/* All frames that are there now stood then, but for what was begun since, whose own events follow. */
static void redriven(struct check *k, const struct history_event *e, const json_t *whole)
{
    const char *from =
        json_string_value(json_object_get(json_object_get(whole, "orchRedriveDetails"), "from"));

    k->places[0].last = e->id;
    for (size_t i = 0; i < k->n; i++) {
        struct place *p = &k->places[i];
        p->attempts = 0;
        p->redriven = true;
        if (p->phase != NULL && strcmp(p->phase, "TASK") == 0)
            p->phase = "RETRY"; /* scheduled anew */
        if (p->parent != NULL && p->f.id / FRAME_IDS < e->id)
            p->parent->phase = "CHILDREN"; /* it failed for good, and goes on with what runs within */
    }
    if (from != NULL) { /* it is entered, with an input that an older event tells */
        set(&k->places[0].from, from);
        set(&k->places[0].input, NULL);
        k->places[0].phase = "ENTER";
    }
}

static const struct {
    const char *suffix, *phase;
} moves[] = {{"StateStarted", "CHILDREN"},        {"ParallelStateFailed", "RETRY"},
             {"MapStateFailed", "RETRY"},         {"ActivityScheduled", "TASK"},
             {"ActivityStarted", "TASK"},         {"ActivitySucceeded", "RETRY"},
             {"ActivityFailed", "RETRY"},         {"ActivityTimedOut", "RETRY"},
             {"ActivityScheduleFailed", "RETRY"}, {"ParallelStateSucceeded", "RETRY"},
             {"MapStateSucceeded", "RETRY"}};

static void moved(struct place *p, const struct history_event *e)
{
    for (size_t i = 0; i < ARRAY_LEN(moves); i++)
        if (str_ends(e->type, moves[i].suffix))
            p->phase = moves[i].phase;
    if (strcmp(e->type, "ActivityScheduled") == 0) {
        p->started = false;
        p->attempts++;
    }
    p->started = p->started || strcmp(e->type, "ActivityStarted") == 0;
    if (str_ends(e->type, "StateStarted"))
        p->fork = e->id;
    if (str_starts(e->type, "MapIteration"))
        p->failed = strcmp(e->type, "MapIterationFailed") == 0;
}

static int on_event(void *arg, const struct history_event *e, struct err *err)
{
    struct check *k = arg;
    struct place *p = e->frame >= 0 ? place_of(k, e->frame) : NULL;
    bool exited = p != NULL && str_ends(e->type, "StateExited");
    bool into = p != NULL && str_ends(e->type, "StateEntered");
    json_t *whole = NULL;
    int rc = 0;

    if (p == NULL && e->frame >= 0) /* of a frame that is done with */
        return 0;
    if (e->details != NULL && (p == NULL || exited || into))
        rc = json_parse(e->details, strlen(e->details), "event", &whole, err);
    if (rc < 0)
        return rc;
    if (p == NULL && strcmp(e->type, "ExecutionStarted") == 0)
        set(&k->places[0].input, json_string_value(json_object_get(
                                     json_object_get(whole, "executionStartedEventDetails"), "input")));
    else if (p == NULL && strcmp(e->type, "ExecutionRedriven") == 0)
        redriven(k, e, whole);
    if (p != NULL && strcmp(e->type, "MapIterationSucceeded") != 0 &&
        strcmp(e->type, "MapIterationFailed") != 0)
        p->last = e->id;
    if (into) {
        entered(p, e, json_object_get(whole, "stateEnteredEventDetails"));
    } else if (exited) {
        p->left = true;
        p->phase = "ENTER";
        set(&p->input,
            json_string_value(json_object_get(json_object_get(whole, "stateExitedEventDetails"), "output")));
    } else if (p != NULL) {
        moved(p, e);
    }
    json_decref(whole);
    return 0;
}

/* ---- compared ---- */

static bool names(const json_t *list, const char *state)
{
    const json_t *rule;
    size_t i;

    json_array_foreach(list, i, rule) {
        const char *next = json_string_value(json_object_get(rule, "Next"));
        if (next != NULL && strcmp(next, state) == 0)
            return true;
    }
    return false;
}

/* Whether the definition leads from one to the other. */
static bool leads(const struct asl *a, const char *from, const char *to)
{
    const json_t *state = asl_state(a, from);
    static const char *const plain[] = {"Next", "Default"};

    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        const char *next = json_string_value(json_object_get(state, plain[i]));
        if (next != NULL && strcmp(next, to) == 0)
            return true;
    }
    return names(json_object_get(state, "Choices"), to) || names(json_object_get(state, "Catch"), to);
}

/* Where the frame begins: StartAt of the document, of a branch, or of an ItemProcessor. */
static const char *begins_at(const struct check *k, const struct place *p)
{
    if (p->parent == NULL)
        return asl_start_at(k->asl);
    size_t branch = strcmp(p->f.kind, "BRANCH") == 0 ? (size_t)p->f.item : 0;
    const char *start = json_string_value(
        json_object_get(asl_inner(asl_state(k->asl, p->parent->f.state), branch), "StartAt"));
    return start != NULL ? start : "";
}

static bool state_fits(const struct check *k, const struct place *p)
{
    if (p->from != NULL)
        return strcmp(p->from, p->f.state) == 0;
    if (p->redriven && strcmp(p->f.phase, "ENTER") == 0 && p->parent != NULL)
        return true; /* of an iteration that was borne with, at what failed in it */
    if (p->state == NULL)
        return strcmp(p->f.state, begins_at(k, p)) == 0;
    return p->left ? leads(k->asl, p->state, p->f.state) : strcmp(p->state, p->f.state) == 0;
}

static bool phase_fits(const struct place *p)
{
    if (p->phase != NULL && strcmp(p->phase, p->f.phase) == 0)
        return true;
    if (p->redriven && strcmp(p->f.phase, "ENTER") == 0)
        return true;
    return p->phase != NULL && strcmp(p->phase, "CHILDREN") == 0 && strcmp(p->f.phase, "SPAWN") == 0;
}

static bool same_json(const char *a, const char *b)
{
    json_t *x = NULL, *y = NULL;
    struct err ignored;
    bool same = strcmp(a, b) == 0;

    if (!same && json_parse(a, strlen(a), "", &x, &ignored) == 0 &&
        json_parse(b, strlen(b), "", &y, &ignored) == 0)
        same = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return same;
}

static int64_t used(const char *retry)
{
    json_t *v = NULL, *n;
    struct err ignored;
    int64_t sum = 0;
    size_t i;

    if (retry == NULL)
        return 0;
    if (json_parse(retry, strlen(retry), "", &v, &ignored) < 0)
        return -1;
    json_array_foreach(v, i, n)
        sum += json_integer_value(n);
    json_decref(v);
    return sum;
}

static int compare_task(struct check *k, int64_t id, const struct place *p, struct err *err)
{
    int64_t attempt = 0, retries = used(p->f.retry);
    bool started = false;
    int rc = fsck_live_task(k->store, id, p->f.id, &started, &attempt, err);

    if (rc <= 0)
        return rc; /* that it is not there the rows tell */
    rc = 0;
    if (started != p->started)
        rc = say(k, err, "by its events the attempt of '%s' was %sstarted, and on record it was %sstarted",
                 p->f.state, p->started ? "" : "not ", started ? "" : "not ");
    if (rc == 0 && attempt != retries + 1)
        rc = say(k, err, "attempt %lld of '%s' is alive, and its retries are %lld", (long long)attempt,
                 p->f.state, (long long)retries);
    return rc;
}

/* A Wait's end by its definition, where that is a number: never earlier. */
static int compare_wake(struct check *k, const struct place *p, struct err *err)
{
    const json_t *seconds = json_object_get(asl_state(k->asl, p->f.state), "Seconds");

    if (json_is_integer(seconds) && p->f.wake_ms != p->entered_ms + json_integer_value(seconds) * 1000)
        return say(k, err, "'%s' waits %lld seconds, and the cursor wakes it after %lld ms", p->f.state,
                   (long long)json_integer_value(seconds), (long long)(p->f.wake_ms - p->entered_ms));
    return 0;
}

static int compare_retries(struct check *k, const struct place *p, struct err *err)
{
    int64_t retries = used(p->f.retry);
    bool task = strcmp(p->f.phase, "TASK") == 0, again = strcmp(p->f.phase, "RETRY") == 0;
    bool forked = strcmp(p->f.phase, "CHILDREN") == 0 || strcmp(p->f.phase, "SPAWN") == 0;

    /* a failure of Parameters schedules nothing, and is retried all the same */
    if (retries >= 0 && !(task && retries < p->attempts - 1) && !(again && retries < p->attempts) &&
        (task || again || forked || retries == 0))
        return 0;
    return say(k, err, "'%s' had %lld attempts by its events, and its retries are %s", p->f.state,
               (long long)p->attempts, p->f.retry != NULL ? p->f.retry : "none");
}

/* Where in a state the frame stands: what its ...StateEntered says. */
static int compare_entered(struct check *k, const struct place *p, struct err *err)
{
    if (p->f.entered_ms != p->entered_ms || p->f.entered_event != p->entered)
        return say(k, err,
                   "'%s' was entered by event %lld at %lld, and by the cursor's word by event %lld at %lld",
                   p->f.state, (long long)p->entered, (long long)p->entered_ms, (long long)p->f.entered_event,
                   (long long)p->f.entered_ms);
    if (strcmp(p->phase, "CHILDREN") == 0 && p->f.fork_event != p->fork)
        return say(k, err, "'%s' was forked by event %lld, and by the cursor's word by event %lld",
                   p->f.state, (long long)p->fork, (long long)p->f.fork_event);
    return 0;
}

static const char *where(const struct check *k, const struct place *p)
{
    return p->from != NULL ? p->from : p->state != NULL ? p->state : begins_at(k, p);
}

static int compare_done(struct check *k, const struct place *p, struct err *err)
{
    if (strcmp(p->f.kind, "ITERATION") != 0 || p->failed == p->f.failed)
        return 0;
    return say(k, err, "iteration %lld %s by its events, and %s by its cursor", (long long)p->f.item,
               p->failed ? "failed" : "ended well", p->f.failed ? "failed" : "ended well");
}

static int compare(struct check *k, int64_t id, const struct place *p, struct err *err)
{
    bool forked = strcmp(p->f.phase, "CHILDREN") == 0 || strcmp(p->f.phase, "SPAWN") == 0;
    int rc = 0;

    k->counts->cursors++;
    if (strcmp(p->f.phase, "DONE") == 0)
        return compare_done(k, p, err);
    if (!forked && p->last != p->f.last_event) /* one that is forked points at what its children did */
        rc = say(k, err, "the newest event of frame %lld is %lld, and its cursor points at %lld",
                 (long long)p->f.id, (long long)p->last, (long long)p->f.last_event);
    if (rc == 0 && !state_fits(k, p))
        rc = say(k, err, "by its events it %s '%s', and the cursor stands at '%s'",
                 p->from != NULL ? "goes on at"
                 : p->left       ? "has left"
                                 : "is in",
                 where(k, p), p->f.state);
    if (rc == 0 && !phase_fits(p))
        return say(k, err, "by its events it is in phase %s of '%s', and the cursor is in %s",
                   p->phase ? p->phase : "none", p->f.state, p->f.phase);
    if (rc == 0 && p->input != NULL && !p->redriven && !same_json(p->input, p->f.input))
        rc = say(k, err, "the input of '%s' is another one by its events than the cursor's", p->f.state);
    if (rc == 0 && p->phase != NULL && strcmp(p->phase, "ENTER") != 0 && strcmp(p->f.phase, "ENTER") != 0)
        rc = compare_entered(k, p, err);
    if (rc == 0)
        rc = compare_retries(k, p, err);
    if (rc == 0 && strcmp(p->f.phase, "TASK") == 0)
        rc = compare_task(k, id, p, err);
    if (rc == 0 && strcmp(p->f.phase, "WAIT") == 0)
        rc = compare_wake(k, p, err);
    return rc;
}

/* ---- an execution ---- */

static void forget(struct check *k)
{
    for (size_t i = 0; i < k->n; i++) {
        frame_release(&k->places[i].f);
        free(k->places[i].state);
        free(k->places[i].input);
        free(k->places[i].from);
    }
    k->n = 0;
    asl_free(k->asl);
    k->asl = NULL;
}

static int read_definition(struct check *k, const struct execution *x, struct err *err)
{
    struct asl_diagnostics d = {0};
    char *name = NULL, *text = NULL;
    struct err why;
    int rc = workflow_get(k->store, x->workflow_sha256, &name, &text, err);

    if (rc < 0 && err->code == ERR_NOT_FOUND) /* the rows tell */
        return 0;
    if (rc == 0 && asl_parse(text, strlen(text), &k->asl, &d, &why) < 0)
        rc = say(k, err, "its definition is refused by this orch: %s", why.msg);
    asl_diagnostics_release(&d);
    free(name);
    free(text);
    return rc;
}

static int check_running(struct check *k, int64_t id, struct err *err)
{
    const struct history_query all = {.execution_id = id, .limit = -1};
    struct execution x = {0};
    int rc = exec_get(k->store, id, &x, err);

    k->name = x.name;
    if (rc == 0)
        rc = read_definition(k, &x, err);
    if (rc < 0 || k->asl == NULL)
        goto out;
    rc = frame_list(k->store, id, on_frame, k, err);
    if (rc < 0 || k->n == 0) /* that there is none the rows tell */
        goto out;
    find_parents(k);
    if (rc == 0)
        rc = history_page(k->store, &all, on_event, k, NULL, err);
    for (size_t i = 0; rc == 0 && i < k->n; i++)
        rc = compare(k, id, &k->places[i], err);
out:
    forget(k);
    execution_release(&x);
    k->name = "";
    return rc;
}

static int on_row(void *arg, const char *execution, const char *text, struct err *err)
{
    struct check *k = arg;

    k->name = execution;
    return say(k, err, "%s", text);
}

static int on_workflow(void *arg, const char *sha256, const char *definition, struct err *err)
{
    struct check *k = arg;
    char sha[SHA256_HEX];

    sha256_hex(definition, strlen(definition), sha);
    k->name = sha256;
    return strcmp(sha, sha256) == 0
               ? 0
               : say(k, err, "the definition that is kept under this sha256 has another");
}

int fsck(struct store *s, int64_t execution_id, fsck_fn *fn, void *arg, struct fsck_counts *ret,
         struct err *err)
{
    struct check k = {.store = s, .fn = fn, .arg = arg, .counts = ret, .name = ""};
    int64_t *ids = NULL;
    size_t n = 0;
    int rc = store_snapshot(s, err);

    *ret = (struct fsck_counts){0};
    if (rc < 0)
        return rc;
    if (execution_id == 0)
        rc = store_check(s, err);
    if (rc == 0)
        rc = fsck_count(s, execution_id, &ret->executions, err);
    if (rc == 0)
        rc = fsck_rows(s, execution_id, on_row, &k, err);
    if (rc == 0)
        rc = fsck_workflows(s, on_workflow, &k, err);
    if (rc == 0)
        rc = fsck_running(s, execution_id, &ids, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = check_running(&k, ids[i], err);
    store_rollback(s);
    free(k.places);
    free(ids);
    return rc;
}
