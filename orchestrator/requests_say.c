/* What status, tick and alerts say of requests (orch serve). */
#include "base/mem.h"
#include "orchestrator/requests.h"
#include "orchestrator/status_int.h"

void request_title(const struct request *r, char *out, size_t size)
{
    static const char *const names[] = {"partition", "from", "to", "table"};
    json_t *args = NULL, *item;
    struct err none;
    size_t at = (size_t)snprintf(out, size, "%s", r->kind), i;

    if (json_parse(r->args, strlen(r->args), "arguments", &args, &none) < 0)
        return;
    for (i = 0; i < ARRAY_LEN(names) && at < size; i++) {
        const char *v = json_string_value(json_object_get(args, names[i]));
        if (v != NULL)
            at += (size_t)snprintf(out + at, size - at, " %s %s", i == 0 || i == 3 ? "of" : names[i], v);
    }
    json_array_foreach(json_object_get(args, "tables"), i, item)
        if (at < size)
            at +=
                (size_t)snprintf(out + at, size - at, "%s %s", i == 0 ? " of" : ",", json_string_value(item));
    json_decref(args);
}

struct telling {
    int (*fn)(void *arg, const struct finding *f, struct err *err);
    void *arg;
};

static int on_failing(void *arg, const struct request *r, struct err *err)
{
    struct telling *t = arg;
    char part[32], title[300];
    enum err_code code = err_by_name(r->error);
    int status = err_exit_status(code);
    struct finding f = {.class = "REQUEST", .part = part, .exit_status = status == 2 ? 1 : status};

    snprintf(part, sizeof part, "#%lld", (long long)r->id);
    request_title(r, title, sizeof title);
    snprintf(f.text, sizeof f.text, "%s, asked for by %s, failed: %s", title, r->who, r->message);
    snprintf(f.hint, sizeof f.hint, "%.300s%sorch ack request/%lld --reason '...' lets it stand", r->hint,
             r->hint[0] != '\0' ? "; " : "ask again when that is mended; ", (long long)r->id);
    return t->fn(t->arg, &f, err);
}

int requests_findings(struct store *s, const char *pipeline,
                      int (*fn)(void *arg, const struct finding *f, struct err *err), void *arg,
                      struct err *err)
{
    struct telling t = {.fn = fn, .arg = arg};

    return request_failing(s, pipeline, on_failing, &t, err);
}

/* ---- for status ---- */

int status_requests_look(struct status *s, struct err *err)
{
    return s->single ? 0 : findings_of_none(s->c->store, status_count_other, s, err);
}

struct writing {
    struct jout *j; /* NULL: printed */
};

static int on_finding(void *arg, const struct finding *f, struct err *err)
{
    struct writing *w = arg;
    char text[1500], hint[500], part[400];

    UNUSED(err);
    if (w->j != NULL) {
        jout_open(w->j, NULL, '{');
        jout_text(w->j, "pipeline", "");
        jout_text(w->j, "partition", f->part);
        jout_text(w->j, "class", f->class);
        jout_text(w->j, "text", f->text);
        jout_text(w->j, "hint", f->hint);
        jout_close(w->j, '}');
        return 0;
    }
    str_printable(f->text, strlen(f->text), text, sizeof text);
    str_printable(f->hint, strlen(f->hint), hint, sizeof hint);
    str_printable(f->part, strlen(f->part), part, sizeof part);
    printf("  %s %s: %s\n    %s\n", f->class, part, text, hint);
    return 0;
}

int status_requests_attention(struct status *s, struct jout *j, struct err *err)
{
    struct writing w = {j};

    return s->single ? 0 : findings_of_none(s->c->store, on_finding, &w, err);
}

int status_requests_json(struct jout *j, struct store *s, struct err *err)
{
    struct request_counts n = {0};
    int rc = request_counts(s, &n, err);

    jout_open(j, "requests", '{');
    jout_int(j, "waiting", n.queued);
    jout_int(j, "running", n.running);
    jout_close(j, '}');
    return rc;
}

int status_requests_print(struct status *s, struct err *err)
{
    struct writing w = {NULL};
    struct request_counts n = {0};
    int rc = request_counts(s->c->store, &n, err);

    if (rc == 0 && !s->single && n.queued + n.running > 0)
        printf("\n%lld request%s over HTTP wait%s for the next tick, %lld %s worked\n", (long long)n.queued,
               n.queued == 1 ? "" : "s", n.queued == 1 ? "s" : "", (long long)n.running,
               n.running == 1 ? "is" : "are");
    if (rc == 0 && !s->single)
        rc = findings_of_none(s->c->store, on_finding, &w, err);
    return rc;
}
