/* Rejects on their way into the state file, and the budget that a file has of them. */
#include "base/clock.h"
#include "steps/object_int.h"

int rejects_store(struct step_ctx *c, const struct reject_row *rows, size_t n, bool first, struct err *err)
{
    struct reject *out = xcalloc(n, sizeof *out);

    for (size_t i = 0; i < n; i++)
        out[i] = (struct reject){.load_id = rows[i].load_id,
                                 .line = rows[i].line,
                                 .offset = rows[i].offset,
                                 .column = rows[i].column,
                                 .code = rows[i].code,
                                 .message = rows[i].message,
                                 .hint = rows[i].hint,
                                 .raw = rows[i].raw,
                                 .raw_n = rows[i].raw_n,
                                 .raw_total = rows[i].raw_total,
                                 .raw_sha256 = rows[i].raw_sha256};
    int rc = reject_put(c->store, c->token, rows[0].load_id, out, n, first, clock_now_ms(), err);
    free(out);
    return rc;
}

void job_label(const struct job *j, char out[JOB_NAME_SIZE])
{
    if (j->n > 1)
        snprintf(out, JOB_NAME_SIZE, "%s#%lld", j->part, (long long)j->n);
    else
        snprintf(out, JOB_NAME_SIZE, "%s", j->part);
}

static void keep_first(struct loading *l, const struct reject_row *r)
{
    char name[KEY_NAME_SIZE];

    snprintf(l->first, sizeof l->first, "%s line %lld%s%s: %s", key_name(l->row->key, name),
             (long long)r->line, r->column[0] != '\0' ? " column " : "", r->column, r->message);
    snprintf(l->first_hint, sizeof l->first_hint, "%s", r->hint);
}

int loading_rejects(struct loading *const *all, size_t n, const struct reject_page *p, struct err *err)
{
    size_t from = 0, to, at = 0;

    for (; from < p->n; from = to) {
        for (to = from + 1; to < p->n && p->rows[to].load_id == p->rows[from].load_id;)
            to++;
        for (at = 0; at < n && all[at]->row->load_id != p->rows[from].load_id;)
            at++;
        if (at == n)
            return err_set(err, ERR_INTERNAL, "a reject of a load that is not under way");
        struct loading *l = all[at];
        if (l->rejects == 0)
            keep_first(l, &p->rows[from]);
        int rc = rejects_store(l->job->c, p->rows + from, to - from, l->rejects == 0 && !l->planned, err);
        l->rejects += (int64_t)(to - from);
        if (rc == 0 && l->rejects > MAX_REJECTS_KEPT)
            rc = err_set(err, ERR_TOO_MANY_REJECTS, "%s (more than %d records rejected)", l->first,
                         MAX_REJECTS_KEPT);
        if (rc < 0)
            return rc;
    }
    return 0;
}

bool loading_is_over(const struct loading *l, int64_t rejects, int64_t records)
{
    const struct pipeline *p = l->job->c->pipeline;

    return p->max_rejects_percent >= 0 ? (double)rejects * 100.0 > p->max_rejects_percent * (double)records
                                       : rejects > p->max_rejects;
}

int loading_refuse(struct loading *l, int64_t rejects, struct err *err)
{
    struct step_ctx *c = l->job->c;
    const struct pipeline *p = c->pipeline;
    bool percent = p->max_rejects_percent >= 0;
    char budget[64];

    int rc = reject_keep_failed(c->store, c->token, l->row->load_id, err);
    if (rc < 0)
        return rc;
    snprintf(budget, sizeof budget, percent ? "%g%%" : "%.0f",
             percent ? p->max_rejects_percent : (double)p->max_rejects);
    if (rejects == 1 && strcmp(budget, "0") == 0)
        rc = err_set(err, ERR_TOO_MANY_REJECTS, "%s", l->first);
    else
        rc = err_set(err, ERR_TOO_MANY_REJECTS,
                     "%s (the first of %lld%s rejected records; max_rejects is %s)", l->first,
                     (long long)rejects, rejects >= REJECT_PAGE_ROWS && !percent ? " or more" : "", budget);
    err_hint(err, "%s%sorch rejects %s/%s shows them; mend the file, or raise max_rejects", l->first_hint,
             l->first_hint[0] != '\0' ? "; " : "", p->name, l->job->job->part);
    return rc;
}
