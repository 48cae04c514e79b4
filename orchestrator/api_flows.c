/* Pipelines and extracts over HTTP: what orch status says of them. */
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/status_int.h"
#include "state/view_rows.h"

static int look(struct status *s, const struct pipeline *p, struct err *err)
{
    return status_look(s, p, &s->flows[s->flow_count++], err);
}

static int look_at_all(struct status *s, struct err *err)
{
    const struct config *c = s->c->config;
    int rc = 0;

    s->flows = xcalloc(c->pipeline_count + 1, sizeof *s->flows);
    for (size_t i = 0; rc == 0 && i < c->pipeline_count; i++)
        rc = look(s, &c->pipelines[i], err);
    return rc == 0 ? status_look_at_rejects(s, err) : rc;
}

/* ---- /v1/pipelines ---- */

/* In the config's order, behind one of them. */
static int pipelines(struct api *x, struct status *s, struct err *err)
{
    const struct config *c = x->q->config;
    const char *after = serve_query(x->q, "after");
    const struct pipeline *last = NULL;
    size_t i = 0;
    int rc = api_flow(x->q, after, false, &last, err);

    if (rc == 0 && last != NULL)
        i = (size_t)(last - c->pipelines) + 1;
    s->flows = xcalloc(c->pipeline_count + 1, sizeof *s->flows);
    for (; rc == 0 && i < c->pipeline_count && s->flow_count < (size_t)x->limit; i++)
        rc = look(s, &c->pipelines[i], err);
    if (rc == 0)
        rc = status_look_at_rejects(s, err);
    jout_open(&x->j, "pipelines", '[');
    for (size_t k = 0; rc == 0 && k < s->flow_count; k++) {
        jout_open(&x->j, NULL, '{');
        status_summary_json(&x->j, &s->flows[k]);
        jout_close(&x->j, '}');
    }
    jout_close(&x->j, ']');
    if (rc == 0 && i < c->pipeline_count && s->flow_count > 0)
        api_next_text(x, s->flows[s->flow_count - 1].p->name);
    return rc;
}

int api_pipelines(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct api x;
    struct status s = {.c = &x.cli, .now_ms = q->now_ms, .part = ""};
    int rc = api_open(&x, q, err);

    if (rc == 0)
        rc = pipelines(&x, &s, err);
    free(s.flows);
    return api_close(&x, a, rc, err);
}

static int one(struct api *x, const struct pipeline *p, struct err *err)
{
    struct status_flow flow;
    struct status s = {
        .c = &x->cli, .now_ms = x->q->now_ms, .part = "", .single = true, .flows = &flow, .flow_count = 1};
    int rc = status_look(&s, p, &flow, err);

    if (rc == 0)
        rc = status_look_at_rejects(&s, err);
    if (rc == 0)
        status_summary_json(&x->j, &flow);
    jout_open(&x->j, "attention", '[');
    if (rc == 0)
        rc = status_findings(&s, &flow, status_finding_json, &x->j, err);
    jout_close(&x->j, ']');
    return rc;
}

int api_pipeline(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const struct pipeline *p;
    struct api x;
    int rc = api_flow(q, q->args[0], false, &p, err);

    if (rc < 0)
        return rc;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = one(&x, p, err);
    return api_close(&x, a, rc, err);
}

/* ---- /v1/pipelines/{p}/partitions ---- */

struct walk {
    struct api *x;
    struct status_parts parts;
    int64_t n;
    char last[64];         /* the last one that was told */
    enum view_state state; /* of the range that is open */
    int64_t count;
    char first[64];
};

static int on_part(void *arg, const struct view_part *p, struct err *err)
{
    struct walk *w = arg;

    if (w->n == w->x->limit || api_is_full(w->x))
        return VIEW_ENOUGH;
    w->n++;
    snprintf(w->last, sizeof w->last, "%s", p->part);
    return status_part_json(&w->parts, p, err);
}

static void end_range(struct walk *w)
{
    struct jout *j = &w->x->j;

    if (w->count == 0)
        return;
    jout_open(j, NULL, '{');
    jout_text(j, "state", view_state_name(w->state));
    jout_text(j, "from", w->first);
    jout_text(j, "to", w->last);
    jout_int(j, "partitions", w->count);
    jout_close(j, '}');
    w->count = 0;
    w->n++;
}

static int on_range(void *arg, const struct view_part *p, struct err *err)
{
    struct walk *w = arg;

    UNUSED(err);
    if (w->count > 0 && w->state != p->state)
        end_range(w);
    if (w->n == w->x->limit)
        return VIEW_ENOUGH;
    if (w->count++ == 0) {
        w->state = p->state;
        snprintf(w->first, sizeof w->first, "%s", p->part);
    }
    snprintf(w->last, sizeof w->last, "%s", p->part);
    return 0;
}

/* Where the page begins: at `from`, or behind `after`. */
static int begin_at(const struct serve_request *q, const struct pipeline *p, char from[PART_SIZE],
                    struct err *err)
{
    char after[PART_SIZE] = "";
    int64_t start;
    int rc = api_part(p, "from", serve_query(q, "from"), from, err);

    if (rc == 0)
        rc = api_part(p, "after", serve_query(q, "after"), after, err);
    if (rc < 0 || after[0] == '\0' || strcmp(after, from) < 0)
        return rc;
    rc = part_parse(p->period, after, &start, err);
    if (rc == 0)
        part_name(p->period, start + period_ms(p->period), from);
    return rc;
}

static int partitions(struct api *x, const struct pipeline *p, const char *from, const char *to, bool ranges,
                      struct err *err)
{
    struct walk w = {.x = x, .parts = {&x->j, x->cli.store, p, false}};
    const char *behind = *from != '\0' ? from : NULL, *upto = *to != '\0' ? to : NULL;

    jout_text(&x->j, "pipeline", p->name);
    jout_open(&x->j, ranges ? "ranges" : "partitions", '[');
    int rc = view_each(x->cli.store, p, behind, upto, x->q->now_ms, ranges ? VIEW_BRIEF : VIEW_WHOLE,
                       ranges ? on_range : on_part, &w, err);
    if (ranges && rc == 0)
        end_range(&w);
    jout_close(&x->j, ']');
    if (rc == VIEW_ENOUGH)
        api_next_text(x, w.last);
    return rc < 0 ? rc : 0;
}

int api_partitions(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const struct pipeline *p;
    char from[PART_SIZE] = "", to[PART_SIZE] = "";
    int64_t ranges = 0;
    struct api x;
    int rc = api_flow(q, q->args[0], false, &p, err);

    if (rc == 0)
        rc = serve_query_int(q, "ranges", 0, 1, 0, &ranges, err);
    if (rc == 0)
        rc = begin_at(q, p, from, err);
    if (rc == 0)
        rc = api_part(p, "to", serve_query(q, "to"), to, err);
    if (rc < 0)
        return rc;
    rc = api_open(&x, q, err);
    if (rc == 0)
        rc = partitions(&x, p, from, to, ranges != 0, err);
    return api_close(&x, a, rc, err);
}

/* ---- /v1/extracts, /v1/summary ---- */

int api_extracts(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct api x;
    struct status s = {.c = &x.cli, .now_ms = q->now_ms, .part = ""};
    int rc = api_open(&x, q, err);

    if (rc == 0) {
        jout_open(&x.j, "extracts", '[');
        rc = status_extract_json(&s, &x.j, false, err);
        jout_close(&x.j, ']');
    }
    return api_close(&x, a, rc, err);
}

static int count(void *arg, const struct status_flow *f, const struct finding *x, struct err *err)
{
    struct status *s = arg;

    s->findings++;
    s->exit = exit_worse(s->exit, x->exit_status);
    return status_finding_json(s->json, f, x, err);
}

static int attention(struct status *s, struct jout *j, struct err *err)
{
    int rc = 0;

    s->json = j;
    jout_open(j, "attention", '[');
    for (size_t i = 0; rc == 0 && i < s->flow_count; i++)
        rc = status_findings(s, &s->flows[i], count, s, err);
    if (rc == 0)
        rc = status_extract_json(s, j, true, err);
    if (rc == 0)
        rc = status_requests_attention(s, j, err);
    jout_close(j, ']');
    if (rc == 0)
        rc = status_extract_look(s, err);
    return rc == 0 ? status_requests_look(s, err) : rc;
}

/* Nothing in it moves while nothing happens: who polls it gets 304. */
static int summary(struct api *x, struct status *s, struct err *err)
{
    struct jout *j = &x->j;
    int rc = look_at_all(s, err);

    if (rc == 0)
        rc = status_last_tick_json(j, x->cli.store, err);
    jout_open(j, "pipelines", '[');
    for (size_t i = 0; rc == 0 && i < s->flow_count; i++) {
        jout_open(j, NULL, '{');
        status_summary_json(j, &s->flows[i]);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_open(j, "extracts", '[');
    if (rc == 0)
        rc = status_extract_json(s, j, false, err);
    jout_close(j, ']');
    if (rc == 0)
        rc = attention(s, j, err);
    jout_open(j, "channels", '[');
    if (rc == 0)
        rc = view_channels(x->cli.store, status_channel_json, j, err);
    jout_close(j, ']');
    if (rc == 0)
        rc = status_requests_json(j, x->cli.store, err);
    jout_int(j, "findings", s->findings + s->of_others);
    jout_int(j, "exit", s->exit);
    return rc;
}

int api_summary(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct api x;
    struct status s = {.c = &x.cli, .now_ms = q->now_ms, .part = ""};
    int rc = api_open(&x, q, err);

    if (rc == 0)
        rc = summary(&x, &s, err);
    free(s.flows);
    return api_close(&x, a, rc, err);
}
