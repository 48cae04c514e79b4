#include "base/buf.h"
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

int payload_text(const json_t *v, const char *what, char **ret, struct failure *f)
{
    /* Values share parts, so their text may be exponentially larger than they are: measured while it is made.
     */
    struct buf text = BUF_INIT(MAX_PAYLOAD);

    if (json_dump_callback(v, dump_some, &text, JSON_COMPACT | JSON_ENCODE_ANY) < 0 ||
        nesting(text.p) > MAX_JSON_DEPTH) {
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

void event_append(struct run *r, const char *type, const char *key, json_t *details)
{
    json_t *event = json_object();

    json_object_set_new(event, "type", json_string(type));
    json_object_set_new(event, key, details);
    json_array_append_new(r->d->events, event);
}

json_t *details_of(const char *which, const char *text)
{
    char *flags = xasprintf("%sDetails", which);
    json_t *details = json_object(), *truncated = json_object();

    json_object_set_new(truncated, "truncated", json_false());
    json_object_set_new(details, which, json_string(text));
    json_object_set_new(details, flags, truncated);
    free(flags);
    return details;
}

static void state_event(struct run *r, const char *suffix, const char *key, const char *which,
                        const char *text)
{
    char *type = xasprintf("%sState%s", r->type, suffix);
    json_t *details = json_object(), *payload = details_of(which, text);

    json_object_set_new(details, "name", json_string(r->c->state));
    json_object_update(details, payload);
    json_decref(payload);
    event_append(r, type, key, details);
    free(type);
}

void event_entered(struct run *r, const char *text)
{
    state_event(r, "Entered", "stateEnteredEventDetails", "input", text);
}

void event_exited(struct run *r, const char *text)
{
    state_event(r, "Exited", "stateExitedEventDetails", "output", text);
}
