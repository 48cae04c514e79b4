/* The dashboard's handlers: each takes the state file, writes its page, and gives it back. */
#include "base/mem.h"
#include "orchestrator/page.h"
#include "pages.h" /* generated */

typedef void page_fn(struct page *p); /* its request is p->q */

static int serve_page(const struct serve_request *q, struct serve_answer *a, page_fn *fn, struct err *err)
{
    struct page p = {
        .b = &a->body, .config = q->config, .now_ms = q->now_ms, .csrf = q->csrf, .q = q, .err = err};
    int rc = serve_store_take(q->serve, &p.store, err);

    if (rc < 0)
        return rc;
    a->type = "text/html; charset=utf-8";
    fn(&p);
    rc = page_end(&p);
    serve_store_give(q->serve, p.store);
    if (rc < 0)
        buf_clear(&a->body);
    return rc;
}

static void one_pipeline(struct page *p)
{
    const struct pipeline *flow = NULL;

    p->rc = config_pipeline(p->config, p->q->args[0], &flow, p->err);
    if (p->rc == 0)
        page_of_pipeline(p, flow);
}

static void partition(struct page *p)
{
    const struct pipeline *flow = NULL;

    p->rc = config_pipeline(p->config, p->q->args[0], &flow, p->err);
    if (p->rc == 0)
        page_of_partition(p, flow, p->q->args[1]);
}

static void extract(struct page *p)
{
    const struct pipeline *flow = NULL;

    p->rc = config_extract(p->config, p->q->args[0], &flow, p->err);
    if (p->rc == 0)
        page_of_extract(p, flow);
}

static void execution(struct page *p)
{
    int64_t id = 0;

    if (str_to_i64(str_of(p->q->args[0]), 1, INT64_MAX, &id, p->err) < 0)
        p->rc = err_set(p->err, ERR_NOT_FOUND, "an execution's page is /executions/ and its number");
    else
        page_of_execution(p, id);
}

int serve_page_home(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, page_of_home, err);
}

int serve_page_pipeline(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, one_pipeline, err);
}

int serve_page_partition(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, partition, err);
}

int serve_page_extract(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, extract, err);
}

int serve_page_executions(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, page_of_executions, err);
}

int serve_page_execution(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, execution, err);
}

int serve_page_rejects(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, page_of_rejects, err);
}

int serve_page_activity(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    return serve_page(q, a, page_of_activity, err);
}

/* style.css, orch.js, icon.svg */
int serve_page_file(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const char *name = q->path + 1;
    const struct embed *e = pages;

    while (e->name != NULL && strcmp(e->name, name) != 0)
        e++;
    if (e->name == NULL)
        return err_set(err, ERR_NOT_FOUND, "no such file");
    a->type = str_ends(name, ".css")  ? "text/css; charset=utf-8"
              : str_ends(name, ".js") ? "text/javascript; charset=utf-8"
                                      : "image/svg+xml";
    return buf_add(&a->body, e->text, e->len, err);
}
