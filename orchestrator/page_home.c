/* The overview: what needs somebody, then every pipeline and extract. */
#include "base/mem.h"
#include "orchestrator/page.h"
#include "state/extraction.h"
#include "state/last_tick.h"
#include "state/told.h"
#include "state/view_rows.h"
#include <sys/stat.h>

struct home {
    struct page *p;
    struct page_flow *flows; /* owned */
    size_t n;
    struct attention *attention; /* owned */
    struct last_tick tick;
    bool ticked;
    int64_t next_ms;
};

static int look(struct home *h)
{
    struct page *p = h->p;
    const struct config *c = p->config;
    int rc = last_tick_get(p->store, &h->tick, p->err);

    h->ticked = rc > 0;
    for (size_t i = 0; rc >= 0 && i < c->pipeline_count; i++) {
        struct page_flow *f = &h->flows[h->n++];
        rc = page_flow_look(p, &c->pipelines[i], f);
        if (rc == 0)
            rc = attention_look(h->attention, f);
        if (rc == 0 && f->f.next_look_ms > 0 && (h->next_ms == 0 || f->f.next_look_ms < h->next_ms))
            h->next_ms = f->f.next_look_ms;
    }
    for (size_t i = 0; rc >= 0 && i < c->extract_count; i++)
        rc = attention_extract(h->attention, &c->extracts[i]);
    if (rc >= 0)
        rc = attention_others(h->attention);
    return rc < 0 ? rc : 0;
}

/* ---- the strip ---- */

static void what_flows(struct page *p)
{
    const struct config *c = p->config;

    if (c->extract_count == 0)
        page_putf(p, "pipeline%s", c->pipeline_count == 1 ? "" : "s");
    else if (c->pipeline_count == 0)
        page_putf(p, "extract%s", c->extract_count == 1 ? "" : "s");
    else
        page_put(p, "pipelines and extracts");
}

static void verdict(struct home *h, bool stale)
{
    struct page *p = h->p;
    size_t all = p->config->pipeline_count + p->config->extract_count;
    int64_t bad = attention_flows(h->attention), requests = attention_requests(h->attention),
            executions = attention_executions(h->attention);
    bool ill = bad + requests + executions > 0;

    page_putf(p, "<h1 class=\"verdict %s\"><span aria-hidden=\"true\">%s</span> ",
              ill || stale ? "bad" : "good", ill || stale ? "✖" : "●");
    if (ill) {
        if (bad > 0) {
            page_putf(p, "%lld of %zu ", (long long)bad, all);
            what_flows(p);
        }
        if (requests > 0)
            page_putf(p, "%s%lld request%s", bad > 0 ? " and " : "", (long long)requests,
                      requests == 1 ? "" : "s");
        if (executions > 0)
            page_putf(p, "%s%lld execution%s", bad + requests > 0 ? " and " : "", (long long)executions,
                      executions == 1 ? "" : "s");
        page_put(p, bad + requests + executions == 1 ? " needs attention" : " need attention");
    } else if (!h->ticked) {
        page_put(p, "No tick has run yet");
    } else if (all == 0) {
        page_putf(p, "%zu table%s", p->config->table_count, p->config->table_count == 1 ? "" : "s");
        page_put(p, ", and nothing needs attention");
    } else if (all == 1) {
        page_put(p, "The only ");
        what_flows(p);
        page_put(p, " is well");
    } else {
        page_putf(p, "All %zu ", all);
        what_flows(p);
        page_put(p, stale ? " were well when orch looked last" : " are well");
    }
    page_put(p, "</h1>\n");
}

static void strip(struct home *h)
{
    struct page *p = h->p;
    bool stale = !h->ticked || p->now_ms - h->tick.started_ms > p->config->serve.tick_within_ms;
    char span[PAGE_NUMBER], whole[CLI_TIME_SIZE];
    struct stat st;

    page_put(p, "<section class=\"strip\">\n");
    verdict(h, stale);
    page_put(p, "<dl class=\"facts\">\n");
    page_fact(p, "last tick");
    page_ago(p, h->tick.started_ms);
    if (h->ticked && h->tick.finished_ms >= h->tick.started_ms && h->tick.finished_ms != 0)
        page_putf(p, " <small>took %s, exit %d</small>", page_span(h->tick.duration_ms, span),
                  h->tick.exit_status);
    page_fact_end(p);
    page_fact(p, "next look");
    if (h->next_ms <= p->now_ms)
        page_put(p, "when a tick runs");
    else
        page_putf(p, "<time datetime=\"%s\">%.5s UTC</time>", cli_time(h->next_ms, whole), whole + 11);
    page_fact_end(p);
    page_fact(p, "state file");
    page_put(p, page_size(stat(store_path(p->store), &st) == 0 ? st.st_size : 0, span));
    page_fact_end(p);
    page_fact(p, "version");
    page_put(p, ORCH_VERSION);
    page_fact_end(p);
    page_fact(p, "now");
    cli_time(p->now_ms, whole);
    page_putf(p, "<time datetime=\"%s\">%.10s %.5s UTC</time>", whole, whole, whole + 11);
    page_fact_end(p);
    page_put(p, "</dl>\n");
    if (stale)
        page_put(p, "<p class=\"warn\"><span aria-hidden=\"true\">▲</span> <strong>Is cron running?</strong> "
                    "No tick has looked for long: what follows is as old. <code class=\"cmd\">orch doctor "
                    "--cron</code></p>\n");
    page_put(p, "</section>\n");
}

static int on_channel(void *arg, const struct view_channel *c, struct err *err)
{
    struct page *p = arg;

    UNUSED(err);
    page_put(p, "<p class=\"warn\"><span aria-hidden=\"true\">▲</span> Alerts by ");
    page_text(p, c->name);
    page_put(p, " have not gone out since ");
    page_time(p, c->since_ms);
    page_put(p, ": ");
    page_text(p, c->error);
    page_put(p, " <a href=\"/activity#channels\">channels</a></p>\n");
    return 0;
}

/* ---- the tables ---- */

static int by_trouble(const void *a, const void *b)
{
    const struct page_flow *x = a, *y = b;

    if (x->worst != y->worst)
        return x->worst < y->worst ? -1 : 1;
    return (x->f.p > y->f.p) - (x->f.p < y->f.p); /* as the config has them */
}

static void pipelines(struct home *h)
{
    struct page *p = h->p;

    if (h->n == 0)
        return;
    qsort(h->flows, h->n, sizeof *h->flows, by_trouble);
    page_put(p, "<section>\n<h2>Pipelines</h2>\n<div class=\"wide\"><table class=\"flows\"><caption>Those in "
                "trouble "
                "first. A square is a partition, the newest at the right.</caption>\n<thead><tr>"
                "<th scope=\"col\">Pipeline</th><th scope=\"col\" class=\"num\">Lag</th>"
                "<th scope=\"col\">Last good</th><th scope=\"col\">Last 24</th><th scope=\"col\">Rate</th>"
                "<th scope=\"col\">Source = target</th><th scope=\"col\">Next look</th></tr></thead>\n<tbody>"
                "\n");
    for (size_t i = 0; i < h->n; i++)
        page_flow_row(p, &h->flows[i]);
    page_put(p, "</tbody></table></div>\n</section>\n");
}

struct extract_row {
    struct page *p;
    const struct pipeline *x;
    bool first;
};

static int on_total(void *arg, const struct extraction_total *t, struct err *err)
{
    struct extract_row *r = arg;
    struct page *p = r->p;
    char size[PAGE_NUMBER];

    UNUSED(err);
    page_put(p, "<tr><th scope=\"row\">");
    page_link(p, r->x->name, NULL);
    page_put(p, "<small>");
    page_text(p, r->x->owner_name);
    page_put(p, "</small></th><td data-l=\"Table\">");
    page_text(p, t->name);
    page_put(p, "</td><td data-l=\"Up to\">");
    page_text(p, t->to != NULL ? t->to : "–");
    page_put(p, "</td><td class=\"num\" data-l=\"Runs\">");
    page_number(p, t->runs);
    page_put(p, "</td><td class=\"num\" data-l=\"Rows\">");
    page_number(p, t->rows);
    page_put(p, "</td><td class=\"num\" data-l=\"Bytes\">");
    page_put(p, page_size(t->bytes, size));
    page_put(p, "</td><td data-l=\"Newest\">");
    page_ago(p, t->at_ms);
    page_put(p, "</td></tr>\n");
    r->first = false;
    return 0;
}

static void extracts(struct page *p)
{
    const struct config *c = p->config;

    if (c->extract_count == 0)
        return;
    page_put(p,
             "<section>\n<h2>Extracts</h2>\n<div class=\"wide\"><table class=\"flows\"><caption>What was "
             "published of each table.</caption>\n<thead><tr><th scope=\"col\">Extract</th><th "
             "scope=\"col\">Table</th><th scope=\"col\">Up to (UTC)</th><th scope=\"col\" class=\"num\">Runs"
             "</th><th scope=\"col\" class=\"num\">Rows</th><th scope=\"col\" class=\"num\">Bytes</th><th "
             "scope=\"col\">Newest</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; p->rc == 0 && i < c->extract_count; i++) {
        struct extract_row r = {p, &c->extracts[i], true};
        p->rc = extraction_totals(p->store, c->extracts[i].name, on_total, &r, p->err);
        if (p->rc == 0 && r.first) {
            page_put(p, "<tr><th scope=\"row\">");
            page_link(p, c->extracts[i].name, NULL);
            page_put(p, "</th><td colspan=\"6\">nothing taken yet</td></tr>\n");
        }
    }
    page_put(p, "</tbody></table></div>\n</section>\n");
}

void page_of_home(struct page *p)
{
    struct home h = {.p = p, .attention = attention_new(p)};

    h.flows = xcalloc(p->config->pipeline_count + 1, sizeof *h.flows);
    if (p->rc == 0)
        p->rc = look(&h);
    page_begin(p, "Overview", "Overview");
    strip(&h);
    if (p->rc == 0)
        p->rc = view_channels(p->store, on_channel, p, p->err);
    if (attention_count(h.attention) > 0) {
        page_put(p, "<section>\n<h2>Needs attention</h2>\n");
        attention_put(h.attention, 20);
        page_put(p, "</section>\n");
    }
    pipelines(&h);
    extracts(p);
    page_tables(p);
    if (h.n == 0 && p->config->extract_count == 0 && p->config->table_count == 0)
        page_put(p, "<p>orch.json has no pipeline and no table yet.</p>\n");
    attention_free(h.attention);
    free(h.flows);
}
