#include "tests/lib/machine.h"
#include "base/buf.h"
#include "base/mem.h"
#include "tests/tap.h"

void machine_release(struct machine_result *r)
{
    json_decref(r->output);
    json_decref(r->events);
    json_decref(r->parameters);
    json_decref(r->waits);
    json_decref(r->previous);
    free(r->error);
    free(r->cause);
    *r = (struct machine_result){0};
}

static bool entered(const char *type)
{
    return str_ends(type, "StateEntered");
}

static char *join(const struct machine_result *r, bool states)
{
    struct buf text = BUF_INIT(1 << 24);
    struct err err;
    json_t *e;
    size_t i;

    json_array_foreach(r->events, i, e) {
        const char *word = json_string_value(json_object_get(e, "type"));
        if (states && !entered(word))
            continue;
        if (states)
            word = json_string_value(json_object_get(json_object_get(e, "stateEnteredEventDetails"), "name"));
        err_ignore(buf_addf(&text, &err, "%s%s", text.n ? " " : "", word));
    }
    return buf_take(&text);
}

char *machine_types(const struct machine_result *r)
{
    return join(r, false);
}

char *machine_states(const struct machine_result *r)
{
    return join(r, true);
}

json_t *json_of(const char *text)
{
    struct err err;
    json_t *v = NULL;

    must_rc(json_parse(text, strlen(text), "test", &v, &err), &err);
    return v;
}

struct asl *asl_of(const char *text)
{
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    must_rc(asl_parse(text, strlen(text), &a, &d, &err), &err);
    asl_diagnostics_release(&d);
    return a;
}

char *machine_of_state(const char *members)
{
    return xasprintf("{\"StartAt\":\"S\",\"States\":{\"S\":{%s,\"End\":true}}}", members);
}

void machine_gives(const struct machine_result *r, const char *want)
{
    char *text = json_text(r->output);

    is_str(r->status, "SUCCEEDED");
    if (r->error != NULL)
        diag("%s: %s", r->error, r->cause ? r->cause : "");
    is_str(text, want);
    free(text);
}

void machine_types_are(const struct machine_result *r, const char *want)
{
    char *types = machine_types(r);

    is_str(types, want);
    free(types);
}

static void add_event(struct machine_result *ret, int64_t id, int64_t previous, const char *type,
                      const char *details)
{
    json_t *e = json_pack("{s:s}", "type", type),
           *more = details ? json_loads(details, JSON_ALLOW_NUL, NULL) : NULL;

    must(details == NULL || json_is_object(more));
    must(id == (int64_t)json_array_size(ret->events) + 1 && previous >= 0 && previous < id);
    json_object_update(e, more);
    json_decref(more);
    json_array_append_new(ret->events, e);
    json_array_append_new(ret->previous, json_integer(previous));
}

/* The next prepared answer of the state; false when there is none. */
static bool answer(const struct rehearsal *h, json_t *calls, const char *state, struct outcome *o)
{
    json_int_t n = json_integer_value(json_object_get(calls, state));
    const json_t *mock = json_array_get(json_object_get(h->mocks, state), (size_t)n);

    if (mock == NULL)
        return false;
    json_object_set_new(calls, state, json_integer(n + 1));
    *o = (struct outcome){.kind = OUTCOME_SUCCEEDED, .output = json_object_get(mock, "output")};
    if (o->output == NULL)
        *o = (struct outcome){.kind = OUTCOME_FAILED,
                              .error = json_string_value(json_object_get(mock, "error")),
                              .cause = json_string_value(json_object_get(mock, "cause"))};
    return true;
}

/* ---- what an engine keeps, and reads back ---- */

struct shelf { /* rows by id */
    json_t *rows;
};

static int drop_rows(void *arg, int64_t parent, struct err *err)
{
    struct shelf *s = arg;
    const char *id;
    json_t *row;
    void *next;

    UNUSED(err);
    json_object_foreach_safe(s->rows, next, id, row) if (json_integer_value(json_object_get(row, "parent")) ==
                                                         parent) json_object_del(s->rows, id);
    return 0;
}

static int put_row(void *arg, const struct machine_frame *f, struct err *err)
{
    struct shelf *s = arg;
    char id[24];

    UNUSED(err);
    snprintf(id, sizeof id, "%020lld", (long long)f->id);
    json_object_set_new(
        s->rows, id,
        json_pack("{s:I,s:I,s:i,s:I,s:s,s:s,s:O,s:I,s:O*,s:O*,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "id",
                  (json_int_t)f->id, "parent", (json_int_t)f->parent, "kind", (int)f->kind, "index",
                  (json_int_t)f->index, "state", f->state, "phase", machine_phase_name(f->phase), "input",
                  f->input, "input_event", (json_int_t)f->input_event, "retry", f->retry, "vars", f->vars,
                  "entered_ms", (json_int_t)f->entered_ms, "wake_ms", (json_int_t)f->wake_ms, "entered_event",
                  (json_int_t)f->entered_event, "last_event", (json_int_t)f->last_event, "fork_event",
                  (json_int_t)f->fork_event, "slot_event", (json_int_t)f->slot_event, "failed", f->failed));
    return 0;
}

static int64_t number(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void load_row(struct machine *m, const json_t *row)
{
    struct machine_frame f = {.id = number(row, "id"),
                              .parent = number(row, "parent"),
                              .kind = (enum frame_kind)number(row, "kind"),
                              .index = number(row, "index"),
                              .state = json_string_value(json_object_get(row, "state")),
                              .phase = machine_phase_of(json_string_value(json_object_get(row, "phase"))),
                              .input = json_object_get(row, "input"),
                              .input_event = number(row, "input_event"),
                              .retry = json_object_get(row, "retry"),
                              .vars = json_object_get(row, "vars"),
                              .entered_ms = number(row, "entered_ms"),
                              .wake_ms = number(row, "wake_ms"),
                              .entered_event = number(row, "entered_event"),
                              .last_event = number(row, "last_event"),
                              .fork_event = number(row, "fork_event"),
                              .slot_event = number(row, "slot_event"),
                              .failed = json_is_true(json_object_get(row, "failed"))};
    struct err err;

    must_rc(machine_load(m, &f, &err), &err);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Written down, thrown away, read again. */
static struct machine *again(const struct rehearsal *h, struct machine *m, const json_t *context,
                             struct shelf *s)
{
    const struct machine_keeper keeper = {drop_rows, put_row, s};
    int64_t events = machine_events(m);
    const char **ids, *id;
    struct err err;
    size_t n = 0;
    json_t *row;

    must_rc(machine_flush(m, &keeper, &err), &err);
    machine_free(m);
    m = machine_new(h->asl, context, h->max_events);
    ids = xcalloc(json_object_size(s->rows) + 1, sizeof *ids);
    json_object_foreach(s->rows, id, row)
        ids[n++] = id;
    qsort(ids, n, sizeof *ids, by_id);
    for (size_t i = 0; i < n; i++)
        load_row(m, json_object_get(s->rows, ids[i]));
    free(ids);
    must_rc(machine_loaded(m, events, &err), &err);
    return m;
}

/* ---- the run ---- */

static void append(struct machine_result *ret, struct machine_step *s)
{
    for (size_t i = 0; i < s->count; i++)
        add_event(ret, s->events[i].id, s->events[i].previous, s->events[i].type, s->events[i].details);
    if (s->scheduled != NULL)
        json_array_append(ret->parameters, s->scheduled->task.parameters);
    machine_step_release(s);
}

static void finish(const struct machine *m, struct machine_result *ret)
{
    struct machine_end end = machine_end(m);

    snprintf(ret->status, sizeof ret->status, "%s", end.status);
    ret->output = json_incref(end.output);
    ret->error = end.error ? xstrdup(end.error) : NULL;
    ret->cause = end.cause ? xstrdup(end.cause) : NULL;
}

/* One turn; 1: it is over. */
static int turn(const struct rehearsal *h, struct machine *m, json_t *calls, int64_t *now,
                struct machine_result *ret, struct err *err)
{
    struct interp_env env = {.now_ms = *now, .jitter = h->jitter, .seed = (uint64_t)*now};
    struct machine_frame *f;
    struct machine_step s;
    struct outcome o;
    int64_t wake;
    int rc;

    switch (machine_next(m, *now, &f, &wake)) {
    case MACHINE_GO:
        rc = machine_go(m, f, &env, &s, err);
        append(ret, &s);
        return rc;
    case MACHINE_TASK:
        if (!answer(h, calls, f->state, &o)) {
            snprintf(ret->status, sizeof ret->status, "UNMOCKED");
            return 1;
        }
        machine_note(m, f, "ActivityStarted", NULL, &s);
        append(ret, &s);
        rc = machine_answer(m, f, &o, &env, &s, err);
        append(ret, &s);
        return rc;
    case MACHINE_WAIT:
        json_array_append_new(ret->waits, json_integer(wake - *now));
        *now = wake;
        return 0;
    case MACHINE_ENDED:
        finish(m, ret);
        return 1;
    case MACHINE_LOST:
        break;
    }
    return err_set(err, ERR_INTERNAL, "the machine is lost");
}

int machine_run(const struct rehearsal *h, const json_t *input, struct machine_result *ret, struct err *err)
{
    json_t *calls = json_object(), *made = json_pack("{s:{s:O}}", "Execution", "Input", input);
    const json_t *context = h->context ? h->context : made;
    struct machine *m = machine_new(h->asl, context, h->max_events);
    struct shelf shelf = {json_object()};
    int64_t now = h->start_ms;
    int rc = 0;

    *ret = (struct machine_result){
        .events = json_array(), .previous = json_array(), .parameters = json_array(), .waits = json_array()};
    add_event(ret, 1, 0, "ExecutionStarted", NULL);
    machine_begin(m, input, 1);
    while (rc == 0) {
        rc = turn(h, m, calls, &now, ret, err);
        if (rc == 0 && h->again && machine_end(m).status == NULL)
            m = again(h, m, context, &shelf);
    }
    ret->end_ms = now;
    machine_free(m);
    json_decref(shelf.rows);
    json_decref(calls);
    json_decref(made);
    return rc < 0 ? rc : 0;
}
