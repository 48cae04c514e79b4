/* What the overview says of the data dictionary: what came into each table, by the counters of the state file. */
#include "base/mem.h"
#include "orchestrator/page.h"
#include "state/metric.h"

struct came {
    int64_t stored, rejected, last_ms;
};
struct counting {
    const struct config *config;
    struct came *all; /* owned; one for each table */
};

static int on_count(void *arg, const char *name, const char *of, const char *label, int64_t value,
                    struct err *err)
{
    struct counting *k = arg;

    UNUSED(err);
    for (size_t i = 0; strncmp(name, "orch_intake_", 12) == 0 && i < k->config->table_count; i++) {
        if (strcmp(k->config->tables[i].name, of) != 0)
            continue;
        if (strcmp(name, "orch_intake_last") == 0)
            k->all[i].last_ms = value;
        else if (strcmp(name, "orch_intake_rows_total") == 0)
            *(strcmp(label, "stored") == 0 ? &k->all[i].stored : &k->all[i].rejected) = value;
    }
    return 0;
}

static void row(struct page *p, const struct dict_table *d, const struct came *n)
{
    page_put(p, "<tr><th scope=\"row\">");
    page_text(p, d->name);
    page_put(p, "<small>");
    page_textf(p, "%s.%s%s", d->connection, d->table, d->writable ? "" : ", not over HTTP");
    page_put(p, "</small></th><td class=\"num\" data-l=\"Rows in\">");
    page_number(p, n->stored);
    page_put(p, "</td><td class=\"num\" data-l=\"Rejected\">");
    page_number(p, n->rejected);
    page_put(p, "</td><td data-l=\"Last intake\">");
    page_ago(p, n->last_ms);
    page_put(p, "</td><td data-l=\"Look\">");
    if (n->rejected > 0)
        page_command(p, "orch rejects --table %s", d->name);
    page_put(p, "</td></tr>\n");
}

void page_tables(struct page *p)
{
    const struct config *c = p->config;
    struct counting k = {c, NULL};

    if (c->table_count == 0 || p->rc < 0)
        return;
    k.all = xcalloc(c->table_count, sizeof *k.all);
    p->rc = counter_list(p->store, on_count, &k, p->err);
    page_put(p, "<section id=\"tables\">\n<h2>Tables</h2>\n<div class=\"wide\"><table "
                "class=\"flows\"><caption>What came "
                "by orch load and over HTTP, since the state file was made.</caption>\n<thead><tr><th "
                "scope=\"col\">Table</th><th scope=\"col\" class=\"num\">Rows in</th><th scope=\"col\" "
                "class=\"num\">Rejected</th><th scope=\"col\">Last intake</th><th scope=\"col\">What was "
                "rejected</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < c->table_count; i++)
        row(p, &c->tables[i], &k.all[i]);
    page_put(p, "</tbody></table></div>\n</section>\n");
    free(k.all);
}
