/* The forms of the dashboard, where --allow-write is given: what needs a run is put down for the next tick, as POST /v1 does. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/api_body.h"
#include "orchestrator/page.h"
#include "state/request.h"

static const struct {
    const char *kind, *title, *says;
} acts[] = {
    {"replay", "Replay", "loads it again, in place of what is there"},
    {"retry", "Retry", "with all its attempts, at once"},
    {"skip", "Skip", "it will not come: nobody waits for it"},
};

static void begin(struct page *p, const char *pipeline, const char *part, const char *why)
{
    page_put(p, "<form method=\"post\" action=\"/pipelines/");
    page_url(p, pipeline);
    if (part != NULL) {
        page_put(p, "/");
        page_url(p, part);
    }
    page_put(p, "\"><input type=\"hidden\" name=\"csrf\" value=\"");
    page_text(p, p->csrf);
    page_putf(
        p,
        "\"/>\n<label>Why <input name=\"reason\" maxlength=\"%d\" autocomplete=\"off\" placeholder=\"%s\"/>"
        "</label>\n",
        MAX_REASON, why);
}

void page_forms(struct page *p, const char *pipeline, const char *part)
{
    if (!page_may_write(p))
        return;
    begin(p, pipeline, part, "somebody will ask");
    for (size_t i = 0; part != NULL && i < ARRAY_LEN(acts); i++)
        page_putf(p, "<button name=\"what\" value=\"%s\" title=\"%s\">%s</button>\n", acts[i].kind,
                  acts[i].says, acts[i].title);
    if (part == NULL)
        page_put(p, "<button name=\"what\" value=\"pause\">Pause</button>\n<button name=\"what\" "
                    "value=\"resume\">Resume</button>\n");
    page_put(p,
             part != NULL
                 ? "</form>\n<p class=\"soft\">It is put down for the next tick; nothing is loaded by this "
                   "server.</p>\n"
                 : "</form>\n");
}

void page_asked(struct page *p)
{
    struct request r = {0};
    int64_t id = 0;

    if (p->rc == 0)
        p->rc = serve_query_int(p->q, "asked", 1, INT64_MAX, 0, &id, p->err);
    if (p->rc < 0 || id == 0)
        return;
    p->rc = request_get(p->store, id, &r, p->err);
    if (p->rc == 0) {
        page_putf(p, "<p class=\"warn\" role=\"status\">Request %lld (", (long long)id);
        page_text(p, r.kind);
        page_put(p, "): ");
        page_badge(p, r.state);
        page_put(p, strcmp(r.state, "QUEUED") == 0 ? " for the next tick" : "");
        page_textf(p, "%s%s", *r.message != '\0' ? ": " : "", r.message);
        page_put(p, "</p>\n");
    }
    request_release(&r);
}

/* Back to the page that the form stood on. part NULL: the pipeline's; id 0: nothing was put down. */
static int back(struct serve_answer *a, const struct pipeline *flow, const char *part, int64_t id,
                struct err *err)
{
    struct buf to = BUF_INIT(4 * KIB);
    struct page p = {.b = &to, .err = err};

    page_put(&p, "/pipelines/");
    page_url(&p, flow->name);
    if (part != NULL) {
        page_put(&p, "/");
        page_url(&p, part);
    }
    if (id != 0)
        page_putf(&p, "?asked=%lld", (long long)id);
    buf_clear(&a->body);
    a->status = 303;
    a->type = "text/html; charset=utf-8";
    a->location = buf_take(&to);
    return p.rc;
}

/* POST /pipelines/{pipeline}/{partition} */
int serve_page_ask(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const char *what = serve_form(q, "what");
    const struct pipeline *flow = NULL;
    struct api_body b = {0};
    int64_t id = 0;
    size_t i = 0;
    int rc = config_pipeline(q->config, q->args[0], &flow, err);

    while (i < ARRAY_LEN(acts) && (what == NULL || strcmp(acts[i].kind, what) != 0))
        i++;
    if (rc == 0 && i == ARRAY_LEN(acts))
        rc = err_set(err, ERR_USAGE, "the form says nothing that may be asked for");
    if (rc == 0)
        rc = api_body_form(q, acts[i].kind, flow, q->args[1], &b, err);
    if (rc == 0)
        rc = api_ask(q, a, acts[i].kind, flow, &b, &id, err);
    if (rc == 0)
        rc = back(a, flow, json_string_value(json_object_get(b.args, "partition")), id, err);
    api_body_release(&b);
    return rc;
}

/* POST /pipelines/{pipeline}: one row of the state file, which no tick is needed for. */
int serve_page_pause(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const char *what = serve_form(q, "what");
    const struct pipeline *flow = NULL;
    struct api_body b = {0};
    bool pause = what != NULL && strcmp(what, "pause") == 0;
    int rc = config_pipeline(q->config, q->args[0], &flow, err);

    if (rc == 0 && !pause && (what == NULL || strcmp(what, "resume") != 0))
        rc = err_set(err, ERR_USAGE, "the form says nothing that may be asked for");
    if (rc == 0)
        rc = api_body_form(q, pause ? "pause" : "resume", flow, NULL, &b, err);
    if (rc == 0)
        rc = api_set_pause(q, flow, &b, pause, err);
    if (rc >= 0)
        rc = back(a, flow, NULL, 0, err);
    api_body_release(&b);
    return rc;
}

static int on_request(void *arg, const struct request *r, struct err *err)
{
    struct page *p = arg;
    const struct pipeline *flow;
    struct err none;

    UNUSED(err);
    page_putf(p, "<tr><td class=\"num\">%lld</td><td>", (long long)r->id);
    page_time(p, r->made_ms);
    page_put(p, "</td><th scope=\"row\">");
    page_text(p, r->kind);
    page_put(p, "</th><td class=\"key\">");
    if (*r->pipeline != '\0' && config_flow(p->config, r->pipeline, &flow, &none) == 0)
        page_link(p, r->pipeline, NULL);
    else
        page_text(p, r->pipeline);
    page_put(p, "<small>");
    page_textf(p, "%.500s", r->args);
    page_put(p, "</small></td><td>");
    page_badge(p, r->state);
    page_put(p, "<small>");
    page_text(p, r->message);
    page_put(p, "</small></td><td>");
    page_text(p, r->who);
    page_put(p, "</td><td class=\"key\">");
    page_text(p, r->reason);
    page_put(p, "</td></tr>\n");
    return 0;
}

void page_requests(struct page *p)
{
    enum { SHOWN = 20 };

    page_putf(
        p,
        "<h2 id=\"requests\">Requests</h2>\n<div class=\"wide\"><table><caption>What was asked for over "
        "HTTP; "
        "the next tick does it. The newest %d.</caption>\n<thead><tr><th scope=\"col\" class=\"num\">Id</th>"
        "<th scope=\"col\">When</th><th scope=\"col\">What</th><th scope=\"col\">Of</th><th scope=\"col\">"
        "State</th><th scope=\"col\">Who</th><th scope=\"col\">Why</th></tr></thead>\n<tbody>\n",
        SHOWN);
    if (p->rc == 0)
        p->rc = request_list(p->store, NULL, NULL, INT64_MAX, SHOWN, on_request, p, p->err);
    page_put(p, "</tbody></table></div>\n");
}
