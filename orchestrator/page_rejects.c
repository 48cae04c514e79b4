/* The rejects: by code and column, then record by record. Cache-Control: no-store is the route's (SERVE_PRIVATE). */
#include "orchestrator/api.h"
#include "orchestrator/page.h"
#include "state/dash_rows.h"

enum { RECORDS = 50, GROUPS = 200, SHOWN_RAW = 2000 };

struct rejects {
    struct page *p;
    const struct pipeline *flow;
    struct dash_rejects ask;
    int64_t n, load_id, line;
};

/* ---- which pipeline ---- */

static int on_count(void *arg, const char *pipeline, int64_t final, int64_t other, struct err *err)
{
    struct rejects *k = arg;
    struct page *p = k->p;
    const struct pipeline *flow;
    struct err none;

    UNUSED(err);
    if (final + other == 0)
        return 0;
    page_put(p, k->n++ == 0
                    ? "<div class=\"wide\"><table><caption>Open rejects: neither loaded after all nor "
                      "given up.</caption>\n<thead><tr><th scope=\"col\">Pipeline</th><th "
                      "scope=\"col\" class=\"num\">Of loaded files</th><th scope=\"col\" class=\"num\""
                      ">Of others</th></tr></thead>\n<tbody>\n<tr>"
                    : "<tr>");
    page_put(p, "<th scope=\"row\">");
    if (config_pipeline(p->config, pipeline, &flow, &none) == 0) {
        page_put(p, "<a href=\"/rejects?pipeline=");
        page_url(p, pipeline);
        page_put(p, "\">");
        page_text(p, pipeline);
        page_put(p, "</a>");
    } else {
        page_text(p, pipeline);
    }
    page_put(p, "</th><td class=\"num\">");
    page_number(p, final);
    page_put(p, "</td><td class=\"num\">");
    page_number(p, other);
    page_put(p, "</td></tr>\n");
    return 0;
}

static void all_pipelines(struct rejects *k)
{
    struct page *p = k->p;

    if (p->rc == 0)
        p->rc = reject_counts(p->store, on_count, k, p->err);
    page_put(p, k->n > 0 ? "</tbody></table></div>\n" : "<p>No reject is open.</p>\n");
}

/* ---- groups ---- */

static void link(struct rejects *k, const char *code, const char *column)
{
    struct page *p = k->p;

    page_put(p, "/rejects?pipeline=");
    page_url(p, k->flow->name);
    if (k->ask.filter.part != NULL) {
        page_put(p, "&amp;partition=");
        page_url(p, k->ask.filter.part);
    }
    if (code != NULL) {
        page_put(p, "&amp;code=");
        page_url(p, code);
    }
    if (column != NULL) {
        page_put(p, "&amp;column=");
        page_url(p, column);
    }
    if (k->ask.filter.state != NULL) {
        page_put(p, "&amp;state=");
        page_url(p, k->ask.filter.state[0] != '\0' ? k->ask.filter.state : "all");
    }
}

static int on_group(void *arg, const struct reject_group *g, struct err *err)
{
    struct rejects *k = arg;
    struct page *p = k->p;

    UNUSED(err);
    k->n++;
    page_put(p, "<tr><th scope=\"row\"><a href=\"");
    link(k, g->code, g->column);
    page_put(p, "\">");
    page_text(p, g->code);
    page_put(p, "</a></th><td class=\"key\">");
    page_text(p, *g->column != '\0' ? g->column : "(the record)");
    page_put(p, "</td><td class=\"num\">");
    page_number(p, g->count);
    page_put(p, "</td><td class=\"key\">");
    page_text(p, g->first_key);
    page_putf(p, " line %lld: ", (long long)g->line);
    page_text(p, g->message);
    page_put(p, "</td></tr>\n");
    return 0;
}

static void groups(struct rejects *k)
{
    struct page *p = k->p;
    struct reject_filter f = k->ask.filter;

    f.limit = GROUPS;
    page_put(p, "<div class=\"wide\"><table><caption>By code and column, the most first.</caption>\n<thead>"
                "<tr><th scope=\"col\">Code</th><th scope=\"col\">Column</th><th scope=\"col\" "
                "class=\"num\">Rejects</th><th scope=\"col\">The first one</th></tr></thead>\n<tbody>\n");
    if (p->rc == 0)
        p->rc = reject_by(p->store, &f, REJECT_BY_CODE | REJECT_BY_COLUMN, on_group, k, p->err);
    if (k->n == 0)
        page_put(p, "<tr><td colspan=\"4\">None.</td></tr>\n");
    page_put(p, "</tbody></table></div>\n");
}

/* ---- records ---- */

static int on_record(void *arg, const struct reject *r, struct err *err)
{
    struct rejects *k = arg;
    struct page *p = k->p;
    char size[PAGE_NUMBER];

    UNUSED(err);
    if (k->n++ >= RECORDS)
        return 0;
    k->load_id = r->load_id;
    k->line = r->line;
    page_put(p, "<li><p>");
    page_badge(p, r->state);
    page_put(p, " <strong>");
    page_text(p, r->code);
    page_put(p, "</strong> ");
    if (*r->column != '\0') {
        page_put(p, "<span class=\"key\">");
        page_text(p, r->column);
        page_put(p, "</span>: ");
    }
    page_text(p, r->message);
    if (*r->hint != '\0') {
        page_put(p, " <span class=\"soft\">");
        page_text(p, r->hint);
        page_put(p, "</span>");
    }
    page_put(p, "</p>\n<pre class=\"raw\" tabindex=\"0\">");
    page_bytes(p, r->raw != NULL ? r->raw : "", r->raw_n < SHOWN_RAW ? r->raw_n : SHOWN_RAW);
    page_put(p, "</pre>\n<p class=\"soft\">");
    if (r->raw_total > (r->raw_n < SHOWN_RAW ? (int64_t)r->raw_n : SHOWN_RAW))
        page_putf(p, "the first %d of its %s · ", SHOWN_RAW, page_size(r->raw_total, size));
    page_link(p, k->flow->name, r->part);
    page_put(p, " · <span class=\"key\">");
    page_text(p, r->key);
    page_putf(p, "</span> line %lld, byte %lld", (long long)r->line, (long long)r->offset);
    if (*r->who != '\0')
        page_textf(p, " · by %s: %s", r->who, r->reason);
    page_put(p, "</p></li>\n");
    return 0;
}

static void records(struct rejects *k)
{
    struct page *p = k->p;
    const struct reject_filter *f = &k->ask.filter;

    k->n = 0;
    k->ask.filter.limit = RECORDS + 1;
    page_put(p, "<h2>Records</h2>\n<ol class=\"records\">\n");
    if (p->rc == 0)
        p->rc = dash_list_rejects(p->store, &k->ask, on_record, k, p->err);
    page_put(p, "</ol>\n<p class=\"choices\">");
    if (k->ask.load_id != 0) {
        page_put(p, "<a href=\"");
        link(k, f->code, f->column);
        page_put(p, "\">← from the first</a> ");
    }
    if (k->n > RECORDS) {
        page_put(p, "<a rel=\"next\" href=\"");
        link(k, f->code, f->column);
        page_putf(p, "&amp;after=%lld-%lld\">more →</a>", (long long)k->load_id, (long long)k->line);
    }
    page_put(p, "</p>\n");
}

static void heading(struct rejects *k)
{
    struct page *p = k->p;
    const struct reject_filter *f = &k->ask.filter;
    bool narrow = f->part != NULL || f->code != NULL || f->column != NULL;

    page_put(p, "<h1>Rejects of ");
    page_link(p, k->flow->name, f->part);
    page_put(p,
             "</h1>\n<p>The records that broke a rule. They are people’s data: mind who may see them.</p>\n"
             "<p class=\"choices\">");
    if (narrow) {
        page_put(p, "Only ");
        page_textf(p, "%s %s ", f->code != NULL ? f->code : "",
                   f->column == NULL      ? ""
                   : f->column[0] == '\0' ? "(of the record as a whole)"
                                          : f->column);
        page_put(p, "<a href=\"/rejects?pipeline=");
        page_url(p, k->flow->name);
        page_put(p, "\">all of the pipeline</a> ");
    }
    page_put(p, "</p>\n<p>");
    page_command(p, "orch rejects %s%s%s --export rejects.csv", k->flow->name, f->part != NULL ? "/" : "",
                 f->part != NULL ? f->part : "");
    page_put(p, " ");
    page_command(p, "orch rejects %s --replay --reason '…'", k->flow->name);
    page_put(p, "</p>\n");
}

static int state_of(struct rejects *k, const char *text)
{
    static const char *const states[] = {"PENDING", "FINAL", "FAILED", "REPLAYED", "DISCARDED"};

    if (*text == '\0')
        return 0;
    if (strcmp(text, "all") == 0) {
        k->ask.filter.state = "";
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(text, states[i]) == 0) {
            k->ask.filter.state = states[i];
            return 0;
        }
    return err_set(k->p->err, ERR_USAGE, "state knows PENDING, FINAL, FAILED, REPLAYED, DISCARDED and all");
}

void page_of_rejects(struct page *p)
{
    const char *pipeline = page_query(p, "pipeline"), *part = page_query(p, "partition");
    struct rejects k = {.p = p};
    int64_t start;

    if (p->rc == 0 && *pipeline != '\0')
        p->rc = config_pipeline(p->config, pipeline, &k.flow, p->err);
    if (p->rc == 0 && k.flow != NULL && *part != '\0')
        p->rc = part_parse(k.flow->period, part, &start, p->err);
    if (p->rc == 0)
        p->rc = api_reject_place(page_query(p, "after"), &k.ask.load_id, &k.ask.line, p->err);
    if (p->rc == 0)
        p->rc = state_of(&k, page_query(p, "state"));
    if (p->rc < 0)
        return;
    page_begin(p, "Rejects", "Rejects");
    if (k.flow == NULL) {
        page_put(p, "<h1>Rejects</h1>\n");
        all_pipelines(&k);
        return;
    }
    const char *code = page_query(p, "code");
    k.ask.filter.pipeline = k.flow->name;
    k.ask.filter.part = *part != '\0' ? part : NULL;
    k.ask.filter.code = *code != '\0' ? code : NULL;
    k.ask.filter.column = serve_query(p->q, "column");
    heading(&k);
    groups(&k);
    records(&k);
}
