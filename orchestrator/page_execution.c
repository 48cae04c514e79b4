/* Executions: the list, and one of them with its timeline, the path it took, and its events. */
#include "base/civil.h"
#include "base/limits.h"
#include "orchestrator/graph_trail.h"
#include "orchestrator/page.h"
#include "state/page.h"

enum { LISTED = 50, EVENTS = 100, SHOWN_JSON = 20000 };

struct list {
    struct page *p;
    int64_t n, last;
};

static void flow_link(struct page *p, const char *name)
{
    const struct pipeline *flow;
    struct err none;

    if (config_flow(p->config, name, &flow, &none) == 0)
        page_link(p, name, NULL);
    else
        page_text(p, name);
}

static int on_listed(void *arg, const struct execution *e, struct err *err)
{
    struct list *k = arg;
    struct page *p = k->p;
    char took[PAGE_NUMBER];

    UNUSED(err);
    if (k->n++ >= LISTED)
        return 0;
    k->last = e->id;
    page_putf(p, "<tr><th scope=\"row\" class=\"key\"><a href=\"/executions/%lld\">", (long long)e->id);
    page_text(p, e->name);
    page_put(p, "</a></th><td>");
    flow_link(p, e->pipeline);
    page_put(p, "</td><td>");
    page_badge(p, e->status);
    page_put(p, e->idle ? " <small>found nothing to do</small></td><td>" : "</td><td>");
    page_time(p, e->start_ms);
    page_putf(p, "</td><td class=\"num\">%s</td><td class=\"key\">",
              page_span((e->stop_ms != 0 ? e->stop_ms : p->now_ms) - e->start_ms, took));
    if (e->error != NULL) {
        page_text(p, e->error);
        page_put(p, "<small>");
        page_textf(p, "%.300s", e->cause != NULL ? e->cause : "");
        page_put(p, "</small>");
    }
    page_put(p, "</td></tr>\n");
    return 0;
}

static void keep(struct page *p, const char *name, const char *value, bool *first)
{
    if (*value == '\0')
        return;
    page_putf(p, "%s%s=", *first ? "?" : "&amp;", name);
    page_url(p, value);
    *first = false;
}

static void filters(struct page *p, const char *pipeline, const char *status, bool idle)
{
    static const char *const all[] = {"", "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};

    page_put(p, "<p class=\"choices\">");
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        bool first = true;
        page_put(p, "<a href=\"/executions");
        keep(p, "pipeline", pipeline, &first);
        keep(p, "status", all[i], &first);
        keep(p, "idle", idle ? "1" : "", &first);
        page_putf(p, "\"%s>", strcmp(status, all[i]) == 0 ? " aria-current=\"true\"" : "");
        if (*all[i] != '\0')
            page_badge(p, all[i]);
        else
            page_put(p, "all");
        page_put(p, "</a> ");
    }
    bool first = true;
    page_put(p, "<a href=\"/executions");
    keep(p, "pipeline", pipeline, &first);
    keep(p, "status", status, &first);
    keep(p, "idle", idle ? "" : "1", &first);
    page_put(p, idle ? "\">without those that found nothing to do</a>"
                     : "\">with those that found nothing to do</a>");
    page_put(p, "</p>\n");
}

void page_of_executions(struct page *p)
{
    const char *pipeline = page_query(p, "pipeline"), *status = page_query(p, "status");
    struct list k = {.p = p};
    struct page_of a = {.limit = LISTED + 1};
    int64_t idle = 0;

    if (p->rc == 0)
        p->rc = serve_query_int(p->q, "before", 1, INT64_MAX, INT64_MAX, &a.before, p->err);
    if (p->rc == 0)
        p->rc = serve_query_int(p->q, "idle", 0, 1, 0, &idle, p->err);
    a.pipeline = *pipeline != '\0' ? pipeline : NULL;
    a.state = *status != '\0' ? status : NULL;
    page_begin(p, "Executions", "Executions");
    page_put(p, "<h1>Executions");
    if (*pipeline != '\0') {
        page_put(p, " of ");
        flow_link(p, pipeline);
    }
    page_put(p, "</h1>\n");
    filters(p, pipeline, status, idle != 0);
    page_put(p, "<div class=\"wide\"><table><caption>The newest first.</caption>\n<thead><tr><th "
                "scope=\"col\">Execution</th><th scope=\"col\">Pipeline</th><th scope=\"col\">Status</th>"
                "<th scope=\"col\">Began</th><th scope=\"col\" class=\"num\">Took</th><th "
                "scope=\"col\">Error</th></tr></thead>\n<tbody>\n");
    if (p->rc == 0)
        p->rc = page_executions(p->store, &a, idle != 0, on_listed, &k, p->err);
    if (k.n == 0)
        page_put(p, "<tr><td colspan=\"6\">None.</td></tr>\n");
    page_put(p, "</tbody></table></div>\n");
    if (k.n > LISTED) {
        char before[24];
        bool first = true;
        snprintf(before, sizeof before, "%lld", (long long)k.last);
        page_put(p, "<p class=\"choices\"><a rel=\"next\" href=\"/executions");
        keep(p, "pipeline", pipeline, &first);
        keep(p, "status", status, &first);
        keep(p, "idle", idle != 0 ? "1" : "", &first);
        keep(p, "before", before, &first);
        page_put(p, "\">older →</a></p>\n");
    }
}

/* ---- one of them ---- */

/* Its own <style> may not stand in a page: style.css has the same rules. */
static void put_svg(struct page *p, const char *svg)
{
    const char *from = strstr(svg, "<style>"), *to = from != NULL ? strstr(from, "</style>") : NULL;

    if (to == NULL) {
        page_put(p, svg);
        return;
    }
    if (p->rc == 0)
        p->rc = buf_add(p->b, svg, (size_t)(from - svg), p->err);
    page_put(p, to + strlen("</style>"));
}

static int draw(struct page *p, const struct execution *e, const struct trail *t, struct buf *out)
{
    const struct graph_trail trail = {t->entered, t->steps, t->failed, t->current};
    struct asl_diagnostics d = {0};
    struct asl *a = NULL;
    char *name = NULL, *text = NULL, title[300];
    int rc = workflow_get(p->store, e->workflow_sha256, &name, &text, p->err);

    snprintf(title, sizeof title, "%.200s: %s", e->name, e->status);
    if (rc == 0)
        rc = asl_parse(text, strlen(text), &a, &d, p->err);
    if (rc == 0)
        rc = graph_svg(a, &trail, title, out, p->err);
    asl_free(a);
    asl_diagnostics_release(&d);
    free(name);
    free(text);
    return rc;
}

/* The path in words, for who cannot see the drawing: in the order of the names. */
static void in_words(struct page *p, const struct trail *t)
{
    const char *name;
    json_t *times;

    page_put(p, "<details><summary>The same in words</summary><ul>\n");
    json_object_foreach(t->entered, name, times) {
        const char *error = json_string_value(json_object_get(t->failed, name));
        page_put(p, "<li>");
        page_text(p, name);
        if (json_integer_value(times) > 1)
            page_putf(p, ", %lld times", (long long)json_integer_value(times));
        if (error != NULL) {
            page_put(p, ": failed with ");
            page_text(p, error);
        }
        if (t->current != NULL && strcmp(t->current, name) == 0)
            page_put(p, ": it is here");
        page_put(p, "</li>\n");
    }
    page_put(p, "</ul></details>\n");
}

static void graph(struct page *p, const struct execution *e)
{
    struct buf out = BUF_INIT(MAX_GRAPH);
    struct trail t = {0};
    int rc = p->rc;

    if (rc == 0)
        rc = trail_read(p->store, e, &t, p->err);
    if (rc == 0)
        rc = draw(p, e, &t, &out);
    page_put(p, "<h2>The path it took</h2>\n");
    if (rc == 0) {
        page_put(p, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Drawing\">");
        put_svg(p, out.p != NULL ? out.p : "");
        page_put(p, "</div>\n");
        in_words(p, &t);
    } else if (p->rc == 0) { /* a drawing that is too large takes nothing else away */
        page_put(p, "<p class=\"warn\">");
        page_text(p, p->err->msg);
        page_put(p, "</p>\n");
    }
    trail_release(&t);
    buf_release(&out);
}

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    struct list *k = arg;
    struct page *p = k->p;
    char whole[CIVIL_RFC3339_SIZE];

    UNUSED(err);
    UNUSED(previous);
    if (k->n++ >= EVENTS)
        return 0;
    k->last = id;
    civil_rfc3339(ts_ms, true, whole);
    page_putf(p,
              "<tr><td class=\"num\">%lld</td><td><time datetime=\"%s\">%.12s</time></td><th scope=\"row\">",
              (long long)id, whole, whole + 11);
    page_text(p, type);
    page_put(p, "</th><td class=\"key\">");
    if (details != NULL && strlen(details) > 200) {
        page_put(p, "<details><summary>");
        page_bytes(p, details, 160);
        page_put(p, "…</summary><pre>");
        page_bytes(p, details, strlen(details) < SHOWN_JSON ? strlen(details) : SHOWN_JSON);
        page_put(p, "</pre></details>");
    } else {
        page_text(p, details);
    }
    page_put(p, "</td></tr>\n");
    return 0;
}

static void events(struct page *p, const struct execution *e, int64_t after)
{
    struct list k = {.p = p};

    page_put(p,
             "<h2 id=\"events\">Events</h2>\n<div class=\"wide\"><table><caption>Every transition, in order."
             "</caption>\n<thead><tr><th scope=\"col\" class=\"num\">Id</th><th scope=\"col\">Time (UTC)</th>"
             "<th scope=\"col\">Type</th><th scope=\"col\">Details</th></tr></thead>\n<tbody>\n");
    if (p->rc == 0)
        p->rc = page_events(p->store, e->id, after, EVENTS + 1, on_event, &k, p->err);
    page_put(p, "</tbody></table></div>\n<p class=\"choices\">");
    if (after > 0)
        page_putf(p, "<a href=\"/executions/%lld#events\">← from the first</a> ", (long long)e->id);
    if (k.n > EVENTS)
        page_putf(p, "<a rel=\"next\" href=\"/executions/%lld?after=%lld#events\">more →</a>",
                  (long long)e->id, (long long)k.last);
    page_put(p, "</p>\n");
}

static void document(struct page *p, const char *what, const char *json)
{
    if (json == NULL || *json == '\0')
        return;
    page_putf(p, "<details><summary>%s</summary><pre tabindex=\"0\">", what);
    page_bytes(p, json, strlen(json) < SHOWN_JSON ? strlen(json) : SHOWN_JSON);
    page_put(p, strlen(json) < SHOWN_JSON ? "</pre></details>\n" : " …</pre></details>\n");
}

static void facts(struct page *p, const struct execution *e)
{
    char took[PAGE_NUMBER];

    page_put(p, "<dl class=\"facts\">\n");
    page_fact(p, "status");
    page_badge(p, e->status);
    page_fact_end(p);
    page_fact(p, "pipeline");
    flow_link(p, e->pipeline);
    page_fact_end(p);
    page_fact(p, "started by");
    page_text(p, e->cause_of_start);
    page_fact_end(p);
    page_fact(p, "began");
    page_time(p, e->start_ms);
    page_fact_end(p);
    page_fact(p, e->stop_ms != 0 ? "took" : "runs for");
    page_put(p, page_span((e->stop_ms != 0 ? e->stop_ms : p->now_ms) - e->start_ms, took));
    page_fact_end(p);
    page_put(p, "</dl>\n");
    if (e->error != NULL || e->cause != NULL) {
        page_put(p, "<p class=\"warn\"><strong>");
        page_text(p, e->error);
        page_put(p, "</strong> ");
        page_text(p, e->cause);
        page_put(p, "</p>\n");
    }
}

void page_of_execution(struct page *p, int64_t id)
{
    struct execution e = {0};
    int64_t after = 0;

    if (p->rc == 0)
        p->rc = exec_get(p->store, id, &e, p->err);
    if (p->rc == 0)
        p->rc = serve_query_int(p->q, "after", 0, INT64_MAX, 0, &after, p->err);
    if (p->rc == 0) {
        page_begin(p, e.name, "Executions");
        page_put(p, "<h1 class=\"key\">");
        page_text(p, e.name);
        page_put(p, "</h1>\n");
        facts(p, &e);
        page_gantt(p, &e);
        graph(p, &e);
        events(p, &e, after);
        document(p, "Input", e.input);
        document(p, "Output", e.output);
        page_put(p, "<p>");
        page_command(p, "orch history %s", e.name);
        page_put(p, "</p>\n");
    }
    execution_release(&e);
}
