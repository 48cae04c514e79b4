#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/status_int.h"
#include "state/view_rows.h"

/* ---- as JSON ---- */

static int print_json(struct status *s, struct err *err)
{
    struct store *store = s->c->store;
    struct jout j;
    int rc;

    jout_init(&j, &s->c->out);
    jout_open(&j, NULL, '{');
    jout_int(&j, "schema_version", 1);
    jout_time(&j, "now", s->now_ms);
    jout_text(&j, "config", s->c->config->path);
    jout_text(&j, "state", s->c->config->state);
    rc = status_last_tick_json(&j, store, err);
    jout_open(&j, "pipelines", '[');
    for (size_t i = 0; rc == 0 && i < s->flow_count; i++) {
        jout_open(&j, NULL, '{');
        status_summary_json(&j, &s->flows[i]);
        jout_open(&j, "partitions", '[');
        struct status_parts k = {&j, store, s->flows[i].p, true};
        rc = view_each(store, s->flows[i].p, NULL, NULL, s->now_ms, VIEW_WHOLE, status_part_json, &k, err);
        jout_close(&j, ']');
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    if (s->c->config->extract_count > 0) {
        jout_open(&j, "extracts", '[');
        if (rc == 0)
            rc = status_extract_json(s, &j, false, err);
        jout_close(&j, ']');
    }
    jout_open(&j, "attention", '[');
    for (size_t i = 0; rc == 0 && i < s->flow_count; i++)
        rc = status_findings(s, &s->flows[i], status_finding_json, &j, err);
    if (rc == 0)
        rc = status_extract_json(s, &j, true, err);
    if (rc == 0)
        rc = status_requests_attention(s, &j, err);
    jout_close(&j, ']');
    if (rc == 0)
        rc = status_requests_json(&j, store, err);
    jout_open(&j, "channels", '[');
    if (rc == 0)
        rc = view_channels(store, status_channel_json, &j, err);
    jout_close(&j, ']');
    jout_int(&j, "exit", s->exit);
    jout_close(&j, '}');
    return rc;
}

/* ---- the command ---- */

static int print_csv(struct status *s, struct err *err)
{
    static const struct out_column columns[] = {
        {"pipeline", "", false, false},       {"last_good", "", false, false}, {"lag_ms", "", true, false},
        {"reconciliation", "", false, false}, {"table", "", false, false},     {0},
    };
    struct out_rows rows;

    if (s->single)
        return status_partitions(s, &s->flows[0], err);
    out_rows_begin(&rows, &s->c->out, "pipelines", columns);
    for (size_t i = 0; i < s->flow_count; i++) {
        const struct status_flow *f = &s->flows[i];
        const struct out_value row[] = {
            {OUT_TEXT, f->p->name, 0},        {OUT_TEXT, f->last_good, 0}, {OUT_INT, NULL, f->lag_ms},
            {OUT_TEXT, status_verdict(f), 0}, {OUT_TEXT, f->p->table, 0},
        };
        out_rows_add(&rows, row);
    }
    out_rows_end(&rows);
    return 0;
}

static int count(void *arg, const struct status_flow *f, const struct finding *x, struct err *err)
{
    struct status *s = arg;

    UNUSED(f);
    UNUSED(err);
    s->findings++;
    s->exit = exit_worse(s->exit, x->exit_status);
    return 0;
}

static int look(struct status *s, const struct pipeline *p, struct err *err)
{
    struct status_flow *f = &s->flows[s->flow_count++];
    int rc = status_look(s, p, f, err);

    return rc < 0 ? rc : status_findings(s, f, count, s, err);
}

/* An hour that nobody waits for must not be called well. */
static int cli_closed(const struct pipeline *p, const char *part, int64_t now_ms, struct err *err)
{
    char edge[PART_SIZE];
    int64_t start;
    int rc = part_parse(p->period, part, &start, err);

    if (rc < 0)
        return rc;
    if (start < p->since_ms)
        return err_set(err, ERR_NOT_FOUND, "%s begins with %s: %s is never looked for", p->name,
                       part_name(p->period, p->since_ms, edge), part);
    if (p->until_ms >= 0 && start > p->until_ms)
        return err_set(err, ERR_NOT_FOUND, "%s ends with %s: %s is never looked for", p->name,
                       part_name(p->period, p->until_ms, edge), part);
    if (start + period_ms(p->period) > now_ms)
        return err_set(err, ERR_NOT_FOUND, "%s/%s is not over yet: nothing is looked for before", p->name,
                       part);
    return 0;
}

static int run(struct cli *c, struct err *err)
{
    struct status s = {.c = c, .now_ms = clock_now_ms()};
    const struct pipeline *only = NULL;
    char part[PART_SIZE] = "";
    int rc = cli_config(c, err);

    if (rc == 0 && c->args.count > 0 && config_extract(c->config, c->args.items[0], &s.extract, err) < 0)
        rc = cli_flow(c, c->args.items[0], &only, part, err);
    s.part = part;
    s.single = only != NULL || s.extract != NULL;
    if (rc == 0 && only != NULL && *part != '\0')
        rc = cli_closed(only, part, s.now_ms, err);
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    if (rc == 0)
        s.flows = xcalloc(c->config->pipeline_count + 1, sizeof *s.flows);
    for (size_t i = 0; rc == 0 && i < c->config->pipeline_count; i++)
        if (s.extract == NULL && (only == NULL || only == &c->config->pipelines[i]))
            rc = look(&s, &c->config->pipelines[i], err);
    if (rc == 0)
        rc = status_look_at_rejects(&s, err);
    if (rc == 0)
        rc = status_extract_look(&s, err);
    if (rc == 0)
        rc = status_requests_look(&s, err);
    if (rc == 0)
        rc = c->out.format == OUT_TABLE ? status_print(&s, err)
             : c->out.format == OUT_CSV ? print_csv(&s, err)
                                        : print_json(&s, err);
    free(s.flows);
    return rc < 0 ? rc : s.exit;
}

const struct command cmd_status = {
    "status",
    "[PIPELINE[/PARTITION]]",
    "What is loaded, late, failed, mismatched, and what to type next.",
    "Exit status: 0 all well, 5 mismatched, 1 failed or dead, 6 late, or no tick looks any more; as the "
    "trouble has\n"
    "it where a server refuses (4) or is away (75).\n\n"
    "  orch status\n"
    "  orch status loans                 partition by partition\n"
    "  orch status loans/2022-06-05T12   and its jobs\n"
    "  orch status -o json               everything\n",
    NULL,
    0,
    1,
    run,
};
