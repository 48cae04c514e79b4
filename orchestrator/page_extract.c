/* One extract: its newest runs, table by table. */
#include "orchestrator/page.h"
#include "state/extraction.h"

enum { RUNS = 100 };

static int on_row(void *arg, const struct extraction *e, struct err *err)
{
    struct page *p = arg;
    char size[PAGE_NUMBER];

    UNUSED(err);
    page_put(p, "<tr><th scope=\"row\">");
    page_text(p, e->name);
    page_put(p, "<small>");
    page_text(p, e->run);
    page_put(p, "</small></th><td>");
    page_badge(p, e->state);
    page_put(p, "</td><td>");
    page_text(p, e->from != NULL ? e->from : "–");
    page_put(p, "</td><td>");
    page_text(p, e->to != NULL ? e->to : "–");
    page_put(p, "</td><td class=\"num\">");
    page_number(p, e->rows);
    page_putf(p, "</td><td class=\"num\">%s</td><td class=\"num\">", page_size(e->bytes, size));
    page_number(p, e->parts);
    page_putf(p, "</td><td class=\"num\">%s</td><td>", e->took_ms > 0 ? page_span(e->took_ms, size) : "–");
    page_time(p, e->updated_ms);
    if (e->execution_id != 0)
        page_putf(p, " <a href=\"/executions/%lld\">run</a>", (long long)e->execution_id);
    if (e->message[0] != '\0' || e->notice[0] != '\0') {
        page_put(p, "<small>");
        page_text(p, e->message[0] != '\0' ? e->message : e->notice);
        page_put(p, "</small>");
    }
    page_put(p, "</td></tr>\n");
    return 0;
}

void page_of_extract(struct page *p, const struct pipeline *x)
{
    struct attention *a = attention_new(p);

    if (p->rc == 0)
        p->rc = attention_extract(a, x);
    page_begin(p, x->name, "");
    page_put(p, "<h1>");
    page_text(p, x->name);
    page_put(p, "</h1>\n<p>Takes from ");
    page_text(p, x->target_name);
    page_put(p, " to ");
    page_text(p, x->source_name);
    page_put(p, ". <a href=\"/executions?pipeline=");
    page_url(p, x->name);
    page_put(p, "\">executions</a></p>\n");
    if (attention_count(a) > 0) {
        page_put(p, "<section>\n<h2>Needs attention</h2>\n");
        attention_put(a, 5);
        page_put(p, "</section>\n");
    }
    page_putf(p,
              "<h2>Runs</h2>\n<div class=\"wide\"><table><caption>The newest %d, a line a table. Windows are "
              "the database’s own time, UTC.</caption>\n<thead><tr><th scope=\"col\">Table, run</th><th "
              "scope=\"col\">State</th><th scope=\"col\">From</th><th scope=\"col\">Up to</th><th "
              "scope=\"col\" class=\"num\">Rows</th><th scope=\"col\" class=\"num\">Bytes</th><th "
              "scope=\"col\" class=\"num\">Files</th><th scope=\"col\" class=\"num\">Took</th><th "
              "scope=\"col\">When</th></tr></thead>\n<tbody>\n",
              RUNS);
    if (p->rc == 0)
        p->rc = extraction_newest(p->store, x->name, RUNS, on_row, p, p->err);
    page_put(p, "</tbody></table></div>\n");
    attention_free(a);
}
