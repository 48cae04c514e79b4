/* An execution over time: a bar for each attempt of each state, what was waited for hatched. */
#include "base/mem.h"
#include "orchestrator/page.h"
#include "state/page.h"

enum { BARS = 400, LABEL = 190, WIDTH = 760, ROW = 20, EVENTS = 25000 };

struct bar {
    char state[81];                  /* as ASL has them: at most 80 characters; longer in bytes is cut */
    int attempt;                     /* 0: a Wait */
    int64_t wait_ms, from_ms, to_ms; /* scheduled, started, ended; 0: not yet */
    const char *how;                 /* of the words of page_badge */
};
struct gantt {
    struct page *p;
    const struct execution *e;
    struct bar *v; /* owned */
    size_t n;
    int64_t left, last_ms;
    char state[81];
    int attempt;
    bool waits;
};

static const char *name_of(const json_t *details)
{
    const char *key, *found = NULL;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)details, key, v)
        if (found == NULL && str_ends(key, "EventDetails"))
            found = json_string_value(json_object_get(v, "name"));
    return found;
}

static struct bar *begin(struct gantt *g, int64_t ts_ms, int attempt)
{
    if (g->n == BARS) {
        g->left++;
        return NULL;
    }
    struct bar *b = &g->v[g->n++];
    *b = (struct bar){.attempt = attempt, .wait_ms = ts_ms, .how = "RUNNING"};
    memcpy(b->state, g->state, sizeof b->state);
    return b;
}

static void end(struct gantt *g, int64_t ts_ms, const char *how)
{
    struct bar *b = g->n > 0 && g->left == 0 ? &g->v[g->n - 1] : NULL;

    if (b == NULL || b->to_ms != 0)
        return;
    b->to_ms = ts_ms;
    b->how = how;
}

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    struct gantt *g = arg;
    json_t *v = NULL;
    int rc = 0;

    UNUSED(id);
    UNUSED(previous);
    g->last_ms = ts_ms;
    if (str_ends(type, "StateEntered")) {
        rc = details != NULL ? json_parse(details, strlen(details), "event", &v, err) : 0;
        const char *name = rc == 0 && v != NULL ? name_of(v) : NULL;
        str_printable(name != NULL ? name : "?", strlen(name != NULL ? name : "?"), g->state,
                      sizeof g->state);
        g->attempt = 0;
        g->waits = str_starts(type, "Wait");
        if (g->waits)
            begin(g, ts_ms, 0);
        json_decref(v);
    } else if (str_ends(type, "StateExited") && g->waits) {
        end(g, ts_ms, "SUCCEEDED");
        g->waits = false;
    } else if (strcmp(type, "ActivityScheduled") == 0) {
        begin(g, ts_ms, ++g->attempt);
    } else if (strcmp(type, "ActivityStarted") == 0 && g->n > 0 && g->left == 0) {
        g->v[g->n - 1].from_ms = ts_ms;
    } else if (strcmp(type, "ActivitySucceeded") == 0) {
        end(g, ts_ms, "SUCCEEDED");
    } else if (strcmp(type, "ActivityFailed") == 0) {
        end(g, ts_ms, "FAILED");
    } else if (strcmp(type, "ActivityTimedOut") == 0) {
        end(g, ts_ms, "TIMED_OUT");
    } else if (str_starts(type, "Execution") && !str_ends(type, "Started")) {
        end(g, ts_ms, "ABORTED");
    }
    return rc;
}

static double at(const struct gantt *g, int64_t ms, int64_t until)
{
    int64_t all = until - g->e->start_ms;

    ms = ms < g->e->start_ms ? g->e->start_ms : ms > until ? until : ms;
    return LABEL + (all > 0 ? (double)(ms - g->e->start_ms) * (WIDTH - LABEL - 90) / (double)all : 0);
}

static void put_bar(struct gantt *g, const struct bar *b, int row, int64_t until)
{
    struct page *p = g->p;
    bool open = b->to_ms == 0, bad = strcmp(b->how, "FAILED") == 0 || strcmp(b->how, "TIMED_OUT") == 0;
    int64_t to = open ? until : b->to_ms, from = b->from_ms != 0 ? b->from_ms : b->attempt == 0 ? to : until;
    double x0 = at(g, b->wait_ms, until), x1 = at(g, from < to ? from : to, until), x2 = at(g, to, until);
    char took[PAGE_NUMBER];
    int y = row * ROW + 4;

    page_put(p, "<g><title>");
    page_text(p, b->state);
    if (b->attempt > 0)
        page_putf(p, ", attempt %d: %s", b->attempt, bad ? "failed" : open ? "runs" : "done");
    page_putf(p, ", %s", page_span(to - b->wait_ms, took));
    page_putf(p, "</title><text x=\"%d\" y=\"%d\" class=\"end\">", LABEL - 8, y + 11);
    if (b->attempt > 1)
        page_putf(p, "retry %d of ", b->attempt - 1);
    page_textf(p, "%.26s%s", b->state, strlen(b->state) > 26 ? "…" : "");
    page_put(p, "</text>");
    if (x1 > x0 + 0.4)
        page_putf(p, "<rect class=\"waits\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"12\"/>", x0, y,
                  x1 - x0);
    if (b->attempt > 0)
        page_putf(p, "<rect class=\"bar %s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"12\" rx=\"2\"/>",
                  bad                              ? "bad"
                  : open                           ? "run"
                  : strcmp(b->how, "ABORTED") == 0 ? "calm"
                                                   : "good",
                  x1, y, x2 - x1 > 2 ? x2 - x1 : 2.0);
    page_putf(p, "<text x=\"%.1f\" y=\"%d\">%s%s</text></g>\n", (x2 > x1 + 2 ? x2 : x1 + 2) + 5, y + 11,
              bad    ? "✖ "
              : open ? "R "
                     : "",
              took);
}

void page_gantt(struct page *p, const struct execution *e)
{
    struct gantt g = {.p = p, .e = e, .v = xcalloc(BARS, sizeof *g.v), .last_ms = e->start_ms};
    int64_t until = e->stop_ms;
    char took[PAGE_NUMBER];

    if (p->rc == 0)
        p->rc = page_events(p->store, e->id, 0, EVENTS, on_event, &g, p->err);
    if (until == 0)
        until = p->now_ms > g.last_ms ? p->now_ms : g.last_ms;
    page_put(p, "<h2>Timeline</h2>\n");
    if (g.n == 0) {
        page_put(p, "<p>Nothing was tried yet.</p>\n");
        free(g.v);
        return;
    }
    page_putf(p, "<p class=\"soft\">From ");
    page_time(p, e->start_ms);
    page_putf(p, ", %s in all. Hatched: it waited. A retry has a bar of its own.</p>\n",
              page_span(until - e->start_ms, took));
    page_putf(
        p,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Timeline\"><svg class=\"gantt\" "
        "viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\" role=\"group\"><defs><pattern id=\"hatch\" "
        "width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path "
        "class=\"hatch\" d=\"M0 0v5\"/></pattern></defs>\n",
        WIDTH, g.n * ROW + 6, WIDTH, g.n * ROW + 6);
    for (size_t i = 0; i < g.n; i++)
        put_bar(&g, &g.v[i], (int)i, until);
    page_put(p, "</svg></div>\n");
    if (g.left > 0)
        page_putf(p, "<p class=\"soft\">%lld more; the events below tell all.</p>\n", (long long)g.left);
    free(g.v);
}
