/* The tree of frames and its rows: what machine.h yields, written in the transaction that is open. */
#include "base/fault.h"
#include "io/hash.h"
#include "orchestrator/engine_int.h"
#include "state/metric.h"

static const char *const kinds[] = {"ROOT", "BRANCH", "ITERATION"};

/* ---- reading ---- */

static int parse_or_null(const char *text, const char *what, json_t **ret, struct err *err)
{
    return text != NULL ? json_parse(text, strlen(text), what, ret, err) : 0;
}

static int load_frame(void *arg, const struct frame *row, struct err *err)
{
    struct run *r = arg;
    struct machine_frame f = {.id = row->id,
                              .parent = row->parent,
                              .index = row->item,
                              .state = row->state,
                              .phase = machine_phase_of(row->phase),
                              .input_event = row->input_event,
                              .entered_ms = row->entered_ms,
                              .wake_ms = row->wake_ms,
                              .entered_event = row->entered_event,
                              .last_event = row->last_event,
                              .fork_event = row->fork_event,
                              .slot_event = row->slot_event,
                              .failed = row->failed};
    int rc = parse_or_null(row->input, "input of the state", &f.input, err);

    while (strcmp(kinds[f.kind], row->kind) != 0 && f.kind < FRAME_ITERATION)
        f.kind++;
    if (rc == 0)
        rc = parse_or_null(row->retry, "retries of the state", &f.retry, err);
    if (rc == 0)
        rc = parse_or_null(row->vars, "variables of the frame", &f.vars, err);
    if (rc == 0)
        rc = machine_load(r->m, &f, err);
    json_decref(f.input);
    json_decref(f.retry);
    json_decref(f.vars);
    return rc;
}

int tree_load(struct run *r, struct err *err)
{
    int64_t events = 0;
    int rc = event_count(r->e->store, r->x.id, &events, err);

    r->m = machine_new(r->asl, r->context, engine_max_events);
    if (rc == 0)
        rc = frame_list(r->e->store, r->x.id, load_frame, r, err);
    return rc == 0 ? machine_loaded(r->m, events, err) : rc;
}

/* ---- writing ---- */

static char *text_or_null(const json_t *v)
{
    return v != NULL ? json_text(v) : NULL;
}

static int put_frame(void *arg, const struct machine_frame *f, struct err *err)
{
    struct run *r = arg;
    char *input = f->input_event > 0 ? NULL : json_text(f->input), *retry = text_or_null(f->retry),
         *vars = text_or_null(f->vars);
    const struct frame row = {.id = f->id,
                              .parent = f->parent,
                              .item = f->index,
                              .kind = (char *)(uintptr_t)kinds[f->kind],
                              .state = (char *)(uintptr_t)f->state,
                              .phase = (char *)(uintptr_t)machine_phase_name(f->phase),
                              .input_event = f->input_event,
                              .input = input,
                              .retry = retry,
                              .vars = vars,
                              .entered_ms = f->entered_ms,
                              .wake_ms = f->wake_ms,
                              .entered_event = f->entered_event,
                              .last_event = f->last_event,
                              .fork_event = f->fork_event,
                              .slot_event = f->slot_event,
                              .failed = f->failed};
    int rc = frame_put(r->e->store, r->x.id, &row, err);

    free(input);
    free(retry);
    free(vars);
    return rc;
}

static int drop_children(void *arg, int64_t parent, struct err *err)
{
    struct run *r = arg;

    return frame_drop(r->e->store, r->x.id, parent, err);
}

int tree_flush(struct run *r, struct err *err)
{
    const struct machine_keeper keeper = {drop_children, put_frame, r};

    return machine_flush(r->m, &keeper, err);
}

static int put_event(struct run *r, const struct machine_event *e, int64_t now_ms, struct err *err)
{
    const struct event_new row = {e->id, e->previous, e->type, e->details, e->state, e->frame};
    int rc = event_put(r->e->store, r->x.id, &row, now_ms, err);

    if (rc == 0 && (strcmp(e->type, "TaskStateExited") == 0 || strcmp(e->type, "WaitStateExited") == 0))
        rc = counter_state_left(r->e->store, r->x.pipeline, e->state, e->entered_ms, now_ms, err);
    return rc;
}

static int put_task(struct run *r, const struct machine_frame *f, int64_t now_ms, struct err *err)
{
    unsigned char bytes[16];
    char token[2 * sizeof bytes + 1];
    char *parameters = json_text(f->task.parameters);

    random_bytes(bytes, sizeof bytes);
    str_hex(bytes, sizeof bytes, token);
    const struct task t = {.state = (char *)(uintptr_t)f->state,
                           .token = token,
                           .resource = (char *)(uintptr_t)f->task.resource,
                           .parameters = parameters,
                           .attempt = f->task.attempt,
                           .timeout_ms = f->task.timeout_ms,
                           .heartbeat_ms = f->task.heartbeat_ms,
                           .scheduled_ms = now_ms};
    int rc = task_schedule(r->e->store, r->x.id, f->id, &t, err);
    free(parameters);
    return rc;
}

int tree_write(struct run *r, struct machine_step *s, int64_t now_ms, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->count; i++)
        rc = put_event(r, &s->events[i], now_ms, err);
    for (size_t i = 0; rc == 0 && i < s->aborted_count; i++)
        rc = task_abort(r->e->store, r->x.id, s->aborted[i], now_ms, err);
    if (rc == 0 && s->scheduled != NULL)
        rc = put_task(r, s->scheduled, now_ms, err);
    if (rc == 0 && s->scheduled != NULL)
        rc = fault_point("engine.t2", err);
    machine_step_release(s);
    return rc;
}
