#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/asl_int.h"
#include <stdarg.h>

struct asl {
    json_t *root; /* owned; the rest borrows from it */
    const char *start_at;
    const json_t *states;
    json_t *all; /* owned: the states of every depth by name */
    int64_t timeout_seconds;
};

void asl_diagnostics_release(struct asl_diagnostics *d)
{
    free(d->items);
    *d = (struct asl_diagnostics){0};
}

/* Cut at a whole character, so that a message stays UTF-8. */
static void put(char *dst, size_t size, const char *text)
{
    size_t n = strlen(text);

    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(dst, text, n);
    dst[n] = '\0';
}

static void PRINTF(4, 0)
    diagnose(struct check *c, const char *severity, const char *code, const char *fmt, va_list ap)
{
    struct asl_diagnostics *d = c->d;
    char text[1200], *message;

    if (d->count == MAX_DIAGNOSTICS && strcmp(severity, "ERROR") != 0)
        return;
    d->errors += strcmp(severity, "ERROR") == 0;
    if (d->count == MAX_DIAGNOSTICS)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    message = c->state ? xasprintf("state '%.100s': %s", c->state, text) : xstrdup(text);
    if (d->count % 16 == 0)
        d->items = xrealloc(d->items, (d->count + 16) * sizeof *d->items);
    struct asl_diagnostic *item = &d->items[d->count++];
    put(item->severity, sizeof item->severity, severity);
    put(item->code, sizeof item->code, code);
    put(item->message, sizeof item->message, message);
    put(item->location, sizeof item->location, c->at);
    free(message);
}

void asl_diagnose(struct check *c, const char *severity, const char *code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diagnose(c, severity, code, fmt, ap);
    va_end(ap);
}

void asl_invalid(struct check *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diagnose(c, "ERROR", "SCHEMA_VALIDATION_FAILED", fmt, ap);
    va_end(ap);
}

void asl_unsupported(struct check *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diagnose(c, "ERROR", "UNSUPPORTED_BY_ORCH", fmt, ap);
    va_end(ap);
}

size_t at_push(struct check *c, const char *name)
{
    size_t mark = c->at_n;

    if (c->at_n + 4 < sizeof c->at)
        c->at[c->at_n++] = '/';
    for (; *name != '\0' && c->at_n + 4 < sizeof c->at; name++) {
        if (*name == '~' || *name == '/') {
            c->at[c->at_n++] = '~';
            c->at[c->at_n++] = *name == '~' ? '0' : '1';
        } else {
            c->at[c->at_n++] = *name;
        }
    }
    c->at[c->at_n] = '\0';
    return mark;
}

size_t at_push_index(struct check *c, size_t i)
{
    char text[24];

    snprintf(text, sizeof text, "%zu", i);
    return at_push(c, text);
}

void at_pop(struct check *c, size_t mark)
{
    c->at_n = mark;
    c->at[mark] = '\0';
}

/* States still to visit; a state is in `seen` from the moment it is listed. */
struct reach {
    const json_t *states;
    json_t *seen;      /* owned object: a set of names */
    const char **list; /* owned; names borrowed */
    size_t count;
};

static void reach_name(struct reach *r, const json_t *v)
{
    const char *name = json_string_value(v);

    if (name == NULL || json_object_get(r->states, name) == NULL || json_object_get(r->seen, name) != NULL)
        return;
    json_object_set_new(r->seen, name, json_true());
    r->list[r->count++] = name;
}

/* Where the state leads; true: what runs may end with it. One walk over its members, of which most states have few. */
static bool reach_from(struct reach *r, const json_t *state)
{
    enum asl_type type = asl_type(state);
    bool ends = type == ASL_SUCCEED || type == ASL_FAIL;
    const char *field;
    json_t *v, *item;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)state, field, v) {
        if (strcmp(field, "Next") == 0 || strcmp(field, "Default") == 0)
            reach_name(r, v);
        else if (strcmp(field, "End") == 0)
            ends = ends || json_is_true(v);
        else if (strcmp(field, "Choices") == 0 || strcmp(field, "Catch") == 0)
            json_array_foreach(v, i, item)
                reach_name(r, json_object_get(item, "Next"));
    }
    return ends;
}

static void unreachable(struct check *c, const char *name)
{
    size_t mark = at_push(c, "States"), inner = at_push(c, name);
    const char *around = c->state;

    UNUSED(inner);
    c->state = name;
    asl_diagnose(c, "ERROR", "UNREACHABLE_STATE", "no Next, Default, Choices or Catch leads here");
    c->state = around;
    at_pop(c, mark);
}

/* A state that nothing leads to is a mistake in a Next: AWS refuses it as well. */
static void check_graph(struct check *c, const json_t *start_at)
{
    struct reach r = {c->states, json_object(), xcalloc(json_object_size(c->states) + 1, sizeof(char *)), 0};
    bool ends = false;
    const char *name;
    json_t *state;

    reach_name(&r, start_at);
    for (size_t at = 0; at < r.count; at++)
        ends |= reach_from(&r, json_object_get(c->states, r.list[at]));
    if (r.count < json_object_size(c->states))
        json_object_foreach((json_t *)(uintptr_t)c->states, name, state)
            if (json_object_get(r.seen, name) == NULL)
                unreachable(c, name);
    if (r.count > 0 && !ends)
        asl_diagnose(c, "WARNING", "NO_TERMINAL_STATE", "no state ends %s: no \"End\": true, Succeed or Fail",
                     c->depth > 0 ? "what runs in it" : "the execution");
    json_decref(r.seen);
    free(r.list);
}

/* A name is there once in a document, whatever runs where: history tells states by it. */
static void check_unique(struct check *c, const char *name, json_t *state)
{
    if (json_object_get(c->all, name) != NULL)
        asl_diagnose(c, "ERROR", "DUPLICATE_STATE_NAME",
                     "another state has this name; it must be the only one");
    else
        json_object_set(c->all, name, state);
}

/* Recursion is bounded by MAX_NESTED. */
void check_machine(struct check *c, const json_t *machine)
{
    const json_t *start_at = json_object_get(machine, "StartAt"), *around = c->states;
    const char *name, *outer = c->state;
    json_t *state, *scope = c->scope;

    c->states = json_object_get(machine, "States");
    if (json_is_object(c->states) && json_object_size(c->states) + json_object_size(c->all) > MAX_STATES) {
        asl_invalid(c, "%zu states, at most %d are allowed",
                    json_object_size(c->states) + json_object_size(c->all), MAX_STATES);
    } else if (json_is_object(c->states)) {
        c->scope = check_scope(c, c->states);
        json_object_foreach((json_t *)(uintptr_t)c->states, name, state) {
            size_t mark = at_push(c, "States"), inner = at_push(c, name);
            UNUSED(inner);
            c->state = name;
            check_unique(c, name, state);
            check_state(c, name, state);
            c->state = outer;
            at_pop(c, mark);
        }
        json_decref(c->scope);
        c->scope = scope;
        if (json_is_string(start_at) && json_object_get(c->states, json_string_value(start_at)) != NULL)
            check_graph(c, start_at);
    }
    c->states = around;
}

static void check_document(struct check *c, const json_t *root)
{
    c->states = json_object_get(root, "States");
    if (json_is_jsonata(root)) {
        at_push(c, "QueryLanguage");
        asl_unsupported(c, "JSONata is not in profile orch-asl/1; use JSONPath");
        return; /* every state would be wrong for this one reason */
    }
    check_document_fields(c, root);
    check_machine(c, root);
}

int asl_parse(const char *text, size_t n, struct asl **ret, struct asl_diagnostics *d, struct err *err)
{
    struct check c = {.d = d, .all = json_object()};
    json_t *root = NULL;

    *d = (struct asl_diagnostics){0};
    if (n > MAX_DEFINITION) {
        asl_invalid(&c, "the definition has %zu bytes, at most %u are allowed", n, MAX_DEFINITION);
    } else if (json_parse(text, n, "definition", &root, err) < 0) {
        asl_diagnose(&c, "ERROR", "INVALID_JSON_DESCRIPTION", "%s", err->msg);
    } else if (!json_is_object(root)) {
        asl_invalid(&c, "the definition is %s where an object is expected", json_kind(root));
    } else {
        check_document(&c, root);
    }
    if (d->errors > 0) {
        const struct asl_diagnostic *first = d->items;
        while (strcmp(first->severity, "ERROR") != 0 && first + 1 < d->items + d->count)
            first++;
        json_decref(c.all);
        json_decref(root);
        err_set(err, ERR_WORKFLOW, "%s: %s (at %s)%s", first->code, first->message,
                first->location[0] ? first->location : "/", d->errors > 1 ? ", and more" : "");
        return -ERR_WORKFLOW;
    }
    struct asl *a = xcalloc(1, sizeof *a);
    a->root = root;
    a->start_at = json_string_value(json_object_get(root, "StartAt"));
    a->states = json_object_get(root, "States");
    a->all = c.all;
    a->timeout_seconds = json_integer_value(json_object_get(root, "TimeoutSeconds"));
    *ret = a;
    return 0;
}

void asl_free(struct asl *a)
{
    if (a == NULL)
        return;
    json_decref(a->all);
    json_decref(a->root);
    free(a);
}

const char *asl_start_at(const struct asl *a)
{
    return a->start_at;
}

int64_t asl_timeout_seconds(const struct asl *a)
{
    return a->timeout_seconds;
}

const json_t *asl_state(const struct asl *a, const char *name)
{
    return json_object_get(a->all, name);
}

const char *asl_name(const struct asl *a, const char *name)
{
    void *at = json_object_iter_at(a->all, name);

    return at != NULL ? json_object_iter_key(at) : NULL;
}

const json_t *asl_states(const struct asl *a)
{
    return a->states;
}

enum asl_type asl_type(const json_t *state)
{
    static const char *const names[ASL_TYPES] = {"Task",    "Pass", "Choice",   "Wait",
                                                 "Succeed", "Fail", "Parallel", "Map"};
    const char *type = json_string_value(json_object_get(state, "Type"));
    size_t i = 0;

    while (i < ASL_TYPES && (type == NULL || strcmp(names[i], type) != 0))
        i++;
    return (enum asl_type)i;
}

const json_t *asl_inner(const json_t *state, size_t i)
{
    const json_t *processor = json_object_get(state, "ItemProcessor");

    switch (asl_type(state)) {
    case ASL_PARALLEL:
        return json_array_get(json_object_get(state, "Branches"), i);
    case ASL_MAP:
        if (i > 0)
            return NULL;
        return processor != NULL ? processor : json_object_get(state, "Iterator");
    default:
        return NULL;
    }
}

int asl_each_task(const struct asl *a,
                  int (*fn)(void *arg, const char *state, const char *resource, struct err *err), void *arg,
                  struct err *err)
{
    const char *name;
    json_t *state;

    json_object_foreach(a->all, name, state) {
        if (asl_type(state) != ASL_TASK)
            continue;
        int rc = fn(arg, name, json_string_value(json_object_get(state, "Resource")), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
