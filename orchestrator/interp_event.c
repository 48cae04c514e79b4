#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/interp_int.h"

static int dump_some(const char *p, size_t n, void *out)
{
    struct err full;

    return buf_add(out, p, n, &full) < 0 ? -1 : 0;
}

/* How deep JSON text nests: one pass, strings skipped. */
static int nesting(const char *text)
{
    int deep = 0, most = 0;
    bool in_string = false;

    for (; *text != '\0'; text++) {
        if (in_string && *text == '\\' && text[1] != '\0')
            text++;
        else if (*text == '"')
            in_string = !in_string;
        else if (!in_string && (*text == '{' || *text == '['))
            most = ++deep > most ? deep : most;
        else if (!in_string && (*text == '}' || *text == ']'))
            deep--;
    }
    return most;
}

static bool dump(const json_t *v, size_t digits, struct buf *text)
{
    buf_clear(text);
    return json_dump_callback(v, dump_some, text,
                              JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits)) == 0;
}

int payload_text(const json_t *v, const char *what, char **ret, struct failure *f)
{
    /* Values share parts, so their text may be exponentially larger than they are: measured while it is made, before
     * anything else looks at all of it. */
    struct buf text = BUF_INIT(MAX_PAYLOAD);
    bool good = dump(v, 17, &text) && nesting(text.p) <= MAX_JSON_DEPTH;

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

static void add(struct buf *b, const char *s)
{
    struct err full;

    err_ignore(buf_adds(b, s, &full));
}

static void add_string(struct buf *b, const char *s)
{
    struct err full;

    err_ignore(json_add_text(b, s, strlen(s), &full));
}

static void add_member(struct buf *b, const char *name, const char *value)
{
    if (b->p[b->n - 1] != '{')
        add(b, ",");
    add(b, "\"");
    add(b, name);
    add(b, "\":");
    add_string(b, value);
}

static void add_members(struct buf *b, const json_t *more)
{
    char *text = json_text(more);
    size_t n = strlen(text);

    if (n > 2) { /* not {} */
        text[n - 1] = '\0';
        if (b->p[b->n - 1] != '{')
            add(b, ",");
        add(b, text + 1);
    }
    free(text);
}

static void begin(struct buf *b, const char *key)
{
    buf_init(b, MAX_DETAILS);
    add(b, "{\"");
    add(b, key);
    add(b, "\":{");
}

static char *end(struct buf *b)
{
    add(b, "}}");
    return buf_take(b);
}

char *event_text(const char *key, const char *name, const char *which, const char *text, const json_t *more)
{
    struct buf b;

    begin(&b, key);
    if (name != NULL)
        add_member(&b, "name", name);
    if (text != NULL) {
        add_member(&b, which, text);
        add(&b, ",\"");
        add(&b, which);
        add(&b, "Details\":{\"truncated\":false}");
    }
    if (more != NULL)
        add_members(&b, more);
    return end(&b);
}

char *event_error_text(const char *key, const char *error, const char *cause)
{
    struct buf b;

    begin(&b, key);
    if (error != NULL)
        add_member(&b, "error", error);
    if (cause != NULL)
        add_member(&b, "cause", cause);
    return end(&b);
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

void event_exited(struct run *r, const char *text)
{
    static const char *const types[] = {"TaskStateExited",     "PassStateExited",    "ChoiceStateExited",
                                        "WaitStateExited",     "SucceedStateExited", NULL,
                                        "ParallelStateExited", "MapStateExited"};

    event_append(r, types[r->type], event_text("stateExitedEventDetails", r->c->state, "output", text, NULL));
}
