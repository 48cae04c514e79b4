/* What people decided, and whether alerts go out. */
#include "orchestrator/page.h"
#include "state/dash_rows.h"
#include "state/told.h"

enum { DECISIONS = 50 };

struct decisions {
    struct page *p;
    int64_t n, last;
};

static int on_decision(void *arg, const struct dash_decision *d, struct err *err)
{
    struct decisions *k = arg;
    struct page *p = k->p;
    const struct pipeline *flow;
    struct err none;

    UNUSED(err);
    if (k->n++ >= DECISIONS)
        return 0;
    k->last = d->id;
    page_put(p, "<tr><td>");
    page_time(p, d->at_ms);
    page_put(p, "</td><th scope=\"row\">");
    page_text(p, d->verb);
    page_put(p, "</th><td>");
    if (config_flow(p->config, d->pipeline, &flow, &none) == 0) {
        page_link(p, d->pipeline, d->part);
    } else { /* it is in the config no longer */
        page_text(p, d->pipeline);
        page_textf(p, "%s%s", *d->part != '\0' ? "/" : "", d->part);
    }
    page_put(p, "</td><td>");
    page_text(p, d->who);
    page_put(p, "</td><td class=\"key\">");
    page_text(p, d->reason);
    page_put(p, "</td></tr>\n");
    return 0;
}

struct channels {
    struct page *p;
    bool any;
};

static int on_channel(void *arg, const struct channel_row *c, struct err *err)
{
    struct channels *k = arg;
    struct page *p = k->p;

    UNUSED(err);
    if (!k->any)
        page_put(p, "<div class=\"wide\"><table><caption>What each was sent. One that fails hears later, in "
                    "one message, what stands then.</caption>\n<thead><tr><th scope=\"col\">Channel</th><th "
                    "scope=\"col\">State</th><th scope=\"col\" class=\"num\">Sent</th><th scope=\"col\" "
                    "class=\"num\">Failed</th><th scope=\"col\">Last sent</th><th scope=\"col\">Last error"
                    "</th></tr></thead>\n<tbody>\n");
    k->any = true;
    page_put(p, "<tr><th scope=\"row\" class=\"key\">");
    page_text(p, c->name);
    page_put(p, "</th><td>");
    if (c->failing_since_ms != 0) {
        page_badge(p, "FAILED");
        page_put(p, " since ");
        page_time(p, c->failing_since_ms);
    } else {
        page_put(p, "<span class=\"st good\"><span aria-hidden=\"true\">●</span> well</span>");
    }
    page_put(p, "</td><td class=\"num\">");
    page_number(p, c->sent);
    page_put(p, "</td><td class=\"num\">");
    page_number(p, c->failed);
    page_put(p, "</td><td>");
    page_ago(p, c->ok_ms);
    page_put(p, "</td><td class=\"key\">");
    page_text(p, c->failing_since_ms != 0 ? c->error : "");
    page_put(p, "</td></tr>\n");
    return 0;
}

void page_of_activity(struct page *p)
{
    const char *pipeline = page_query(p, "pipeline");
    struct decisions k = {.p = p};
    struct channels c = {.p = p};
    int64_t before = INT64_MAX;

    if (p->rc == 0)
        p->rc = serve_query_int(p->q, "before", 1, INT64_MAX, INT64_MAX, &before, p->err);
    page_begin(p, "Activity", "Activity");
    page_put(p, "<h1>Activity</h1>\n<h2>Decisions</h2>\n<div class=\"wide\"><table><caption>What people did, "
                "and why; the newest first.</caption>\n<thead><tr><th scope=\"col\">When</th><th "
                "scope=\"col\">What</th><th scope=\"col\">Of</th><th scope=\"col\">Who</th><th "
                "scope=\"col\">Why</th></tr></thead>\n<tbody>\n");
    if (p->rc == 0)
        p->rc = dash_list_decisions(p->store, *pipeline != '\0' ? pipeline : NULL, before, DECISIONS + 1,
                                    on_decision, &k, p->err);
    if (k.n == 0)
        page_put(p, "<tr><td colspan=\"5\">Nobody has decided anything.</td></tr>\n");
    page_put(p, "</tbody></table></div>\n");
    if (k.n > DECISIONS) {
        page_putf(p, "<p class=\"choices\"><a rel=\"next\" href=\"/activity?before=%lld", (long long)k.last);
        if (*pipeline != '\0') {
            page_put(p, "&amp;pipeline=");
            page_url(p, pipeline);
        }
        page_put(p, "\">older →</a></p>\n");
    }
    page_requests(p);
    page_put(p, "<h2 id=\"channels\">Alert channels</h2>\n");
    if (p->rc == 0)
        p->rc = channel_list(p->store, on_channel, &c, p->err);
    page_put(p, c.any ? "</tbody></table></div>\n" : "<p>Nothing was sent yet.</p>\n");
}
