/* What status says, as JSON: written as it is read. Its own -o json and orch serve print by these. */
#include "io/target_upsert.h"
#include "orchestrator/status_int.h"
#include "state/last_tick.h"
#include "state/view_rows.h"

static int upsert_json(struct status_parts *k, const struct job *x, struct err *err)
{
    struct upsert_counts c;
    int rc = k->p != NULL ? view_upsert(k->store, k->p, x->id, &c, err) : 0;

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

int status_job_json(struct status_parts *k, const struct job *x, struct err *err)
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

int status_part_json(void *arg, const struct view_part *p, struct err *err)
{
    struct status_parts *k = arg;
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
    if (k->jobs)
        jout_open(j, "jobs", '[');
    for (size_t i = 0; k->jobs && rc == 0 && i < p->job_count; i++)
        rc = status_job_json(k, &p->jobs[i], err);
    if (k->jobs)
        jout_close(j, ']');
    jout_close(j, '}');
    return rc;
}

void status_pause_json(struct jout *j, const struct pause *p)
{
    if (p == NULL) {
        jout_text(j, "paused", NULL);
        return;
    }
    jout_open(j, "paused", '{');
    jout_time(j, "since", p->since_ms);
    jout_text(j, "who", p->who);
    jout_text(j, "reason", p->reason);
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

void status_summary_json(struct jout *j, const struct status_flow *f)
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
    status_pause_json(j, f->paused ? &f->pause : NULL);
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

int status_finding_json(void *arg, const struct status_flow *f, const struct finding *x, struct err *err)
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

int status_channel_json(void *arg, const struct view_channel *c, struct err *err)
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

int status_last_tick_json(struct jout *j, struct store *s, struct err *err)
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
