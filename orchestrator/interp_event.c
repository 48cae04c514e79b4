#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/interp_int.h"

static int dump_some(const char *p, size_t n, void *out)
{
    struct err full;

    return buf_add(out, p, n, &full) < 0 ? -1 : 0;
}

/* How far JSON text has been looked at, which comes in pieces. */
struct measure {
    size_t left;
    int deep;
    bool in_string, escaped;
};

static int measure_some(const char *p, size_t n, void *arg)
{
    struct measure *m = arg;

    if (n > m->left)
        return -1;
    m->left -= n;
    for (const char *end = p + n; p < end; p++) {
        if (m->escaped)
            m->escaped = false;
        else if (m->in_string && *p == '\\')
            m->escaped = true;
        else if (*p == '"')
            m->in_string = !m->in_string;
        else if (!m->in_string && (*p == '{' || *p == '['))
            m->deep++;
        else if (!m->in_string && (*p == '}' || *p == ']'))
            m->deep--;
        if (m->deep > MAX_JSON_DEPTH)
            return -1;
    }
    return 0;
}

bool payload_within(const json_t *v, size_t most)
{
    struct measure m = {.left = most};

    return json_dump_callback(v, measure_some, &m, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

static bool is_deep(const struct buf *text)
{
    struct measure m = {.left = text->n};

    return measure_some(text->p, text->n, &m) < 0;
}

static bool dump(const json_t *v, size_t digits, struct buf *text)
{
    buf_clear(text);
    return json_dump_callback(v, dump_some, text,
                              JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits)) == 0;
}

int payload_text(const struct run *r, const json_t *v, const char *what, char **ret, struct failure *f)
{
    /* Values share parts, so their text may be exponentially larger than they are: measured while it is made, before
     * anything else looks at all of it. */
    struct buf text = BUF_INIT(r->env->most_payload > 0 ? r->env->most_payload : MAX_PAYLOAD);
    bool good = dump(v, 17, &text) && !is_deep(&text);

    if (good && strpbrk(text.p, ".eE") != NULL) {
        size_t digits = json_digits(v);
        good = digits == 17 || dump(v, digits, &text);
    }
    if (!good) {
        buf_release(&text);
        return failure_too_large(f, what);
    }
    *ret = buf_take(&text);
    return 0;
}

void show(const struct run *r, const char *stage, const json_t *v)
{
    if (r->env->seen != NULL)
        json_object_set(r->env->seen, stage, (json_t *)(uintptr_t)v);
}

void show_taken(const struct run *r, const char *stage, json_t *v)
{
    show(r, stage, v);
    json_decref(v);
}

json_t *safe_string(const char *s)
{
    json_t *v = json_string(s);

    if (v == NULL) {
        size_t n = strlen(s);
        char *printable = xmalloc(4 * n + 16);
        str_printable(s, n, printable, 4 * n + 16);
        v = json_string(printable);
        free(printable);
    }
    return v;
}

/* ---- details, as text: a value that is text already is not parsed to be written again ---- */

enum { MAX_DETAILS = 16 * MAX_PAYLOAD }; /* a payload of control characters, each as \u0001 in a string */

struct writer {
    struct buf b;
    bool more; /* a member is there already */
};

static void add(struct buf *b, const char *p, size_t n)
{
    struct err full;

    err_ignore(buf_add(b, p, n, &full));
}

#define ADD(b, literal) add(b, "" literal, sizeof(literal) - 1)

static void member(struct writer *w, const char *name)
{
    if (w->more)
        ADD(&w->b, ",");
    w->more = true;
    ADD(&w->b, "\"");
    add(&w->b, name, strlen(name));
    ADD(&w->b, "\":");
}

static void string_member(struct writer *w, const char *name, const char *value)
{
    struct err full;

    member(w, name);
    err_ignore(json_add_text(&w->b, value, strlen(value), &full));
}

/* expected: bytes of the values, so that the memory is taken once. */
static void begin(struct writer *w, const char *key, size_t expected)
{
    struct err full;

    *w = (struct writer){.b = BUF_INIT(MAX_DETAILS)};
    err_ignore(buf_reserve(&w->b, expected + 120, &full));
    ADD(&w->b, "{\"");
    add(&w->b, key, strlen(key));
    ADD(&w->b, "\":{");
}

static char *end(struct writer *w)
{
    ADD(&w->b, "}}");
    return buf_take(&w->b);
}

static void add_members(struct writer *w, const json_t *more)
{
    char *text = json_text(more);
    size_t n = strlen(text);

    if (n > 2) { /* not {} */
        if (w->more)
            ADD(&w->b, ",");
        add(&w->b, text + 1, n - 2);
    }
    free(text);
}

char *event_text(const char *key, const char *name, const char *which, const char *text, const json_t *more)
{
    struct writer w;

    begin(&w, key, (name ? 6 * strlen(name) : 0) + (text ? 6 * strlen(text) : 0) + 60);
    if (name != NULL)
        string_member(&w, "name", name);
    if (text != NULL) {
        string_member(&w, which, text);
        ADD(&w.b, ",\"");
        add(&w.b, which, strlen(which));
        ADD(&w.b, "Details\":{\"truncated\":false}");
    }
    if (more != NULL)
        add_members(&w, more);
    return end(&w);
}

char *event_error_text(const char *key, const char *error, const char *cause)
{
    struct writer w;

    begin(&w, key, 100);
    if (error != NULL)
        string_member(&w, "error", error);
    if (cause != NULL)
        string_member(&w, "cause", cause);
    return end(&w);
}

/* ---- events of a decision ---- */

void event_append(struct run *r, const char *type, char *details)
{
    struct decision *d = r->d;

    if (d->event_count % 8 == 0)
        d->events = xrealloc(d->events, (d->event_count + 8) * sizeof *d->events);
    d->events[d->event_count++] = (struct interp_event){.type = type, .details = details};
}

void event_entered(struct run *r, const char *text)
{
    static const char *const types[] = {"TaskStateEntered",     "PassStateEntered",    "ChoiceStateEntered",
                                        "WaitStateEntered",     "SucceedStateEntered", "FailStateEntered",
                                        "ParallelStateEntered", "MapStateEntered"};

    event_append(r, types[r->type], event_text("stateEnteredEventDetails", r->c->state, "input", text, NULL));
}

/* What the state has set, each value as JSON in a text; NULL: nothing. Owned. */
static json_t *assigned(const struct run *r)
{
    json_t *texts, *v;
    const char *name;

    if (json_object_size(r->d->assign) == 0)
        return NULL;
    texts = json_object();
    json_object_foreach(r->d->assign, name, v) {
        char *text = json_text(v);
        json_object_set_new(texts, name, json_string(text));
        free(text);
    }
    return json_pack("{s:o,s:{s:b}}", "assignedVariables", texts, "assignedVariablesDetails", "truncated", 0);
}

void event_exited(struct run *r, const char *text)
{
    static const char *const types[] = {"TaskStateExited",     "PassStateExited",    "ChoiceStateExited",
                                        "WaitStateExited",     "SucceedStateExited", NULL,
                                        "ParallelStateExited", "MapStateExited"};

    json_t *set = assigned(r);

    event_append(r, types[r->type], event_text("stateExitedEventDetails", r->c->state, "output", text, set));
    json_decref(set);
}
