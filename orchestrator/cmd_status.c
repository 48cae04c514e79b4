#include "base/clock.h"
#include "base/mem.h"
#include "io/target_upsert.h"
#include "orchestrator/status_int.h"
#include "orchestrator/stream.h"
#include "state/last_tick.h"
#include "state/view_rows.h"

/* ---- as JSON: written as it is read ---- */

struct parts_json {
    struct jout *j;
    struct store *store;
    const struct pipeline *p;
};

static int upsert_json(struct parts_json *k, const struct job *x, struct err *err)
{
    struct upsert_counts c;
    int rc = view_upsert(k->store, k->p, x->id, &c, err);

    if (rc <= 0)
        return rc;
    jout_open(k->j, "upsert", '{');
    jout_int(k->j, "inserted", c.inserted);
    jout_int(k->j, "updated", c.updated);
    jout_int(k->j, "unchanged", c.unchanged);
    jout_int(k->j, "kept", c.kept);
    jout_int(k->j, "repeated", c.repeated);
    jout_close(k->j, '}');
    return 0;
}

static int job_json(struct parts_json *k, const struct job *x, struct err *err)
{
    struct jout *j = k->j;
    char name[JOB_NAME_SIZE];

    jout_open(j, NULL, '{');
    jout_int(j, "id", x->id);
    jout_text(j, "job", job_name(x, name));
    jout_int(j, "n", x->n);
    jout_text(j, "kind", x->kind);
    jout_text(j, "state", x->state);
    jout_int(j, "attempts", x->attempts);
    jout_int(j, "tries", x->tries);
    jout_int(j, "objects", x->objects);
    jout_int(j, "rows_read", x->rows_read);
    jout_int(j, "rows_loaded", x->rows_loaded);
    jout_int(j, "rows_rejected", x->rows_rejected);
    jout_int(j, "bytes", x->bytes);
    jout_text(j, "error", x->error);
    jout_text(j, "message", x->message);
    jout_text(j, "hint", x->hint);
    jout_text(j, "reason", x->reason != NULL ? x->reason : "");
    jout_text(j, "who", x->who != NULL ? x->who : "");
    jout_bool(j, "unverifiable", x->unverifiable);
    jout_time(j, "not_before", x->not_before_ms);
    jout_time(j, "created", x->created_ms);
    jout_time(j, "updated", x->updated_ms);
    jout_time(j, "loaded", x->loaded_ms);
    jout_time(j, "reconciled", x->reconciled_ms);
    int rc = upsert_json(k, x, err);
    jout_close(j, '}');
    return rc;
}

static int part_json(void *arg, const struct view_part *p, struct err *err)
{
    struct parts_json *k = arg;
    struct jout *j = k->j;
    int rc = 0;

    jout_open(j, NULL, '{');
    jout_text(j, "partition", p->part);
    jout_text(j, "state", view_state_name(p->state));
    jout_time(j, "since", p->since_ms);
    jout_time(j, "listed", p->listed_ms);
    jout_text(j, "reason", p->reason);
    jout_int(j, "objects", p->objects);
    jout_int(j, "rows_read", p->rows_read);
    jout_int(j, "rows_loaded", p->rows_loaded);
    jout_int(j, "rows_rejected", p->rows_rejected);
    jout_bool(j, "unverifiable", p->unverifiable);
    jout_open(j, "jobs", '[');
    for (size_t i = 0; rc == 0 && i < p->job_count; i++)
        rc = job_json(k, &p->jobs[i], err);
    jout_close(j, ']');
    jout_close(j, '}');
    return rc;
}

static void pause_json(struct jout *j, const struct status_flow *f)
{
    if (!f->paused) {
        jout_text(j, "paused", NULL);
        return;
    }
    jout_open(j, "paused", '{');
    jout_time(j, "since", f->pause.since_ms);
    jout_text(j, "who", f->pause.who);
    jout_text(j, "reason", f->pause.reason);
    jout_close(j, '}');
}

static void waits_json(struct jout *j, const struct status_flow *f)
{
    if (f->waits[0] == '\0') {
        jout_text(j, "waits", NULL);
        return;
    }
    jout_open(j, "waits", '{');
    jout_time(j, "since", f->waits_ms);
    jout_text(j, "text", f->waits);
    jout_close(j, '}');
}

static void summary_json(struct jout *j, const struct status_flow *f)
{
    const struct pipeline *p = f->p;
    int64_t n = f->partitions;

    jout_text(j, "pipeline", p->name);
    jout_text(j, "schedule", p->schedule);
    jout_open(j, "owner", '{');
    jout_text(j, "name", p->owner_name);
    jout_text(j, "email", p->owner_email);
    jout_close(j, '}');
    jout_text(j, "source", p->source.url);
    jout_text(j, "prefix", p->prefix);
    jout_text(j, "table", p->table);
    pause_json(j, f);
    waits_json(j, f);
    jout_text(j, "last_good", f->last_good);
    jout_int(j, "lag_ms", f->lag_ms);
    jout_text(j, "reconciliation", status_verdict(f));
    jout_open(j, "last24", '[');
    for (int64_t i = n > SQUARES ? n - SQUARES : 0; i < n; i++) {
        jout_open(j, NULL, '{');
        jout_text(j, "partition", f->squares[i % SQUARES].part);
        jout_text(j, "state", view_state_name(f->squares[i % SQUARES].state));
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_open(j, "counts", '{');
    for (enum view_state s = 0; s < VIEW_STATES; s++)
        if (f->counts[s] > 0)
            jout_int(j, view_state_name(s), f->counts[s]);
    jout_close(j, '}');
    jout_open(j, "rejects", '{');
    jout_int(j, "final", f->rejects_final);
    jout_int(j, "other", f->rejects_other);
    jout_close(j, '}');
    jout_int(j, "left_out", f->left_out);
    jout_text(j, "left_out_example", f->left_out_example);
    jout_time(j, "retry", f->retry_ms);
    jout_time(j, "last_look", f->last_look_ms);
    jout_time(j, "next_look", f->next_look_ms);
}

static int finding_json(void *arg, const struct status_flow *f, const struct finding *x, struct err *err)
{
    struct jout *j = arg;

    UNUSED(err);
    jout_open(j, NULL, '{');
    jout_text(j, "pipeline", f->p->name);
    jout_text(j, "partition", x->part);
    jout_text(j, "class", x->class);
    jout_text(j, "text", x->text);
    jout_text(j, "hint", x->hint);
    jout_close(j, '}');
    return 0;
}

static int channel_json(void *arg, const struct view_channel *c, struct err *err)
{
    struct jout *j = arg;

    UNUSED(err);
    jout_open(j, NULL, '{');
    jout_text(j, "channel", c->name);
    jout_time(j, "failing_since", c->since_ms);
    jout_time(j, "tried", c->tried_ms);
    jout_text(j, "error", c->error);
    jout_close(j, '}');
    return 0;
}

static int last_tick_json(struct jout *j, struct store *s, struct err *err)
{
    struct last_tick t = {0};
    int rc = last_tick_get(s, &t, err);

    if (rc <= 0) {
        jout_text(j, "last_tick", NULL);
        return rc;
    }
    jout_open(j, "last_tick", '{');
    jout_time(j, "started", t.started_ms);
    jout_time(j, "finished", t.finished_ms);
    jout_time(j, "success", t.success_ms);
    jout_int(j, "duration_ms", t.duration_ms);
    jout_int(j, "exit_status", t.exit_status);
    jout_text(j, "host", t.host);
    jout_int(j, "pid", t.pid);
    jout_close(j, '}');
    return 0;
}

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
    rc = last_tick_json(&j, store, err);
    jout_open(&j, "pipelines", '[');
    for (size_t i = 0; rc == 0 && i < s->flow_count; i++) {
        jout_open(&j, NULL, '{');
        summary_json(&j, &s->flows[i]);
        jout_open(&j, "partitions", '[');
        struct parts_json k = {&j, store, s->flows[i].p};
        rc = view_each(store, s->flows[i].p, NULL, NULL, s->now_ms, VIEW_WHOLE, part_json, &k, err);
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
        rc = status_findings(s, &s->flows[i], finding_json, &j, err);
    if (rc == 0)
        rc = status_extract_json(s, &j, true, err);
    jout_close(&j, ']');
    jout_open(&j, "channels", '[');
    if (rc == 0)
        rc = view_channels(store, channel_json, &j, err);
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
