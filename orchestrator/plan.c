#include "orchestrator/plan.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/reason.h"
#include "orchestrator/stream.h"
#include "state/view_rows.h"

static const struct out_column columns[] = {
    {"pipeline", "PIPELINE", false, false}, {"partition", "PARTITION", false, false},
    {"action", "ACTION", false, false},     {"code", "CODE", false, true},
    {"objects", "OBJ", true, false},        {"reason", "REASON", false, false},
    {"bytes", NULL, true, false},           {"state", NULL, false, false},
    {"next", NULL, false, false},           {0},
};

/* Marks of one partition; all of a pipeline's are held: what was overwritten or is small is the exception. */
struct marked {
    char part[PART_SIZE];
    struct reason_marks m;
};
struct planning {
    struct cli *c;
    const struct plan_ask *ask;
    struct out_rows rows;
    struct flow_facts facts;
    struct marked *marks; /* owned */
    size_t mark_count, mark_at;
    json_t *looked; /* owned: rows of the listing, in order */
    size_t looked_at;
    int64_t partitions, objects, bytes, counts[REASON__COUNT];
};

int plan_add(struct cli *c, const struct pipeline *p, json_t *rows, struct err *err)
{
    struct step_ctx ctx;
    json_t *plan = NULL, *row;
    size_t i;

    cli_step(c, p, &ctx);
    int rc = step_generate_queue(&ctx, true, &plan, err);
    if (rc < 0)
        err_prefix(err, "%s", p->name);
    json_array_foreach(plan, i, row) {
        json_object_set_new(row, "pipeline", json_string(p->name));
        json_array_append(rows, row);
    }
    json_decref(plan);
    cli_step_end(&ctx);
    return rc < 0 ? -(int)err->code : 0;
}

static int on_mark(void *arg, const struct view_mark *m, struct err *err)
{
    struct planning *g = arg;
    struct marked *last;

    UNUSED(err);
    if (g->mark_count == 0 || strcmp(g->marks[g->mark_count - 1].part, m->part) != 0) {
        if (g->mark_count % 64 == 0)
            g->marks = xrealloc(g->marks, (g->mark_count + 64) * sizeof *g->marks);
        last = &g->marks[g->mark_count++];
        *last = (struct marked){{0}, {0}};
        snprintf(last->part, sizeof last->part, "%s", m->part);
    } else {
        last = &g->marks[g->mark_count - 1];
    }
    reason_mark(&last->m, m);
    return 0;
}

static const struct reason_marks *marks_of(struct planning *g, const char *part)
{
    while (g->mark_at < g->mark_count && strcmp(g->marks[g->mark_at].part, part) < 0)
        g->mark_at++;
    return g->mark_at < g->mark_count && strcmp(g->marks[g->mark_at].part, part) == 0
               ? &g->marks[g->mark_at].m
               : NULL;
}

/* What the listing found goes before what the state file knew, but for what it knows better: a job's own story. */
static void take_look(struct planning *g, const char *part, struct reason *r)
{
    const json_t *row;

    while ((row = json_array_get(g->looked, g->looked_at)) != NULL &&
           strcmp(view_str(row, "partition"), part) < 0)
        g->looked_at++;
    if (row == NULL || strcmp(view_str(row, "partition"), part) != 0)
        return;
    enum reason_code code = reason_by_name(view_str(row, "code"));
    if (code == REASON_QUEUED)
        return;
    r->code = code;
    r->at_ms = 0;
    r->objects = view_int(row, "objects");
    r->bytes = view_int(row, "bytes");
    snprintf(r->text, sizeof r->text, "%s", view_str(row, "reason"));
}

static int on_part(void *arg, const struct view_part *p, struct err *err)
{
    struct planning *g = arg;
    const struct reason_marks *m = marks_of(g, p->part);
    struct reason r;

    if (!g->ask->all && m == NULL && g->looked == NULL && view_part_is_well(p))
        return 0;
    int rc = reason_of(&g->facts, p, m, &r, err);
    if (rc < 0)
        return rc;
    if (g->looked != NULL)
        take_look(g, p->part, &r);
    const char *action = reason_action(r.code);
    if (!g->ask->all && strcmp(action, "none") == 0)
        return 0;
    if (strcmp(action, "none") == 0) {
        r.objects = p->objects;
        r.bytes = p->bytes;
    }
    g->partitions++;
    g->objects += r.objects;
    g->bytes += r.bytes;
    g->counts[r.code]++;
    const struct out_value row[] = {
        {OUT_TEXT, g->facts.p->name, 0}, {OUT_TEXT, p->part, 0},
        {OUT_TEXT, action, 0},           {OUT_TEXT, reason_name(r.code), 0},
        {OUT_INT, NULL, r.objects},      {OUT_TEXT, r.text, 0},
        {OUT_INT, NULL, r.bytes},        {OUT_TEXT, view_state_name(p->state), 0},
        {OUT_TIME, NULL, r.at_ms},
    };
    out_rows_add(&g->rows, row);
    return 0;
}

static int one(struct planning *g, const struct pipeline *p, int64_t now_ms, struct err *err)
{
    struct store *s = g->c->store;
    const struct plan_ask *ask = g->ask;
    int rc = 0;

    g->mark_count = g->mark_at = g->looked_at = 0;
    if (ask->look) {
        g->looked = json_array();
        rc = plan_add(g->c, p, g->looked, err);
    }
    if (rc == 0)
        rc = facts_read(s, p, now_ms, &g->facts, err);
    if (rc == 0)
        rc = view_marks(s, p->name, ask->from, ask->to, on_mark, g, err);
    if (rc == 0)
        rc = view_each(s, p, ask->from, ask->to, now_ms, ask->all ? VIEW_WHOLE : VIEW_OPEN, on_part, g, err);
    json_decref(g->looked);
    g->looked = NULL;
    return rc;
}

static void totals_json(struct planning *g)
{
    struct jout *j = &g->rows.json;

    jout_open(j, "totals", '{');
    jout_int(j, "partitions", g->partitions);
    jout_int(j, "objects", g->objects);
    jout_int(j, "bytes", g->bytes);
    jout_open(j, "codes", '{');
    for (enum reason_code c = 0; c < REASON__COUNT; c++)
        if (g->counts[c] > 0)
            jout_int(j, reason_name(c), g->counts[c]);
    jout_close(j, '}');
    jout_close(j, '}');
}

static void totals_text(const struct planning *g)
{
    char text[1200] = "";
    size_t at = 0;

    if (g->partitions == 0) {
        printf("nothing to do\n");
        return;
    }
    for (enum reason_code c = 0; c < REASON__COUNT; c++)
        if (g->counts[c] > 0) {
            int n = snprintf(text + at, sizeof text - at, "%s%lld %s", at > 0 ? ", " : ": ",
                             (long long)g->counts[c], reason_name(c));
            at += n > 0 && (size_t)n < sizeof text - at ? (size_t)n : 0;
        }
    char head[160];
    snprintf(head, sizeof head, "%lld partition%s, %lld object%s, %lld bytes", (long long)g->partitions,
             g->partitions == 1 ? "" : "s", (long long)g->objects, g->objects == 1 ? "" : "s",
             (long long)g->bytes);
    printf("%s", head);
    out_folded(&g->c->out, strlen(head), 2, text);
}

int plan_run(struct cli *c, const struct plan_ask *ask, struct err *err)
{
    struct planning g = {.c = c, .ask = ask};
    int64_t now = clock_now_ms();
    int rc = 0;

    out_rows_begin(&g.rows, &c->out, "plan", columns);
    for (size_t i = 0; rc == 0 && i < c->config->pipeline_count; i++)
        if (ask->only == NULL || ask->only == &c->config->pipelines[i])
            rc = one(&g, &c->config->pipelines[i], now, err);
    out_rows_last(&g.rows);
    if (c->out.format == OUT_JSON)
        totals_json(&g);
    out_rows_end(&g.rows);
    if (rc == 0 && c->out.format == OUT_TABLE)
        totals_text(&g);
    free(g.marks);
    return rc;
}
