#include "io/target_chunks.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/target_int.h"

static int keep_plan(void *arg, const struct ledger_row *r, struct err *err)
{
    struct chunk_plan *p = arg;
    json_t *v = NULL;
    const char *rules = NULL;
    int staged = 0, rc = 0;

    if (r->chunk != 0 || (r->state != LEDGER_PLAN && r->state != LEDGER_REVOKING))
        return 0;
    p->revoking = r->state == LEDGER_REVOKING;
    rc = json_parse(r->columns, strlen(r->columns), "plan in orch_load", &v, err);
    json_int_t bytes = 0;
    if (rc == 0 &&
        json_unpack(v, "{s:I, s:b, s:s}", "bytes", &bytes, "staged", &staged, "rules", &rules) != 0)
        rc = err_set(err, ERR_BAD_RESPONSE, "the plan of load %lld in orch_load cannot be read",
                     (long long)r->load_id);
    if (rc == 0 && bytes <= 0)
        rc = err_set(err, ERR_BAD_RESPONSE, "the plan of load %lld in orch_load has chunks of %lld bytes",
                     (long long)r->load_id, (long long)bytes);
    p->bytes = bytes;
    p->staged = staged != 0;
    if (rc == 0)
        snprintf(p->rules, sizeof p->rules, "%s", rules);
    json_decref(v);
    return rc;
}

int target_plan_get(struct target *t, int64_t load_id, struct chunk_plan *ret, struct err *err)
{
    *ret = (struct chunk_plan){.bytes = 0};
    int rc = target_ledger_of_loads(t, &load_id, 1, keep_plan, ret, err);
    return rc < 0 ? rc : ret->bytes > 0;
}

struct plans {
    int64_t *ids;
    size_t n, max;
};

static int keep_id(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct plans *p = arg;

    UNUSED(count);
    UNUSED(err);
    if (p->n < p->max)
        p->ids[p->n++] = target_cell_i64(cells[0]);
    return 0;
}

int target_plans(struct target *t, const char *pipeline, int64_t *ret_ids, size_t max, struct err *err)
{
    const struct val value = val_text(pipeline);
    struct plans p = {ret_ids, 0, max};
    int rc = target_ready(t, err);

    if (rc == 0)
        rc = target_run(t, "ledger_plans", &value, 1, keep_id, &p, NULL, err);
    return rc < 0 ? rc : (int)p.n;
}

static int put_plan(struct target *t, const struct ledger_row *row, int64_t epoch, struct err *err)
{
    int rc = ledger_insert(t, row, 1, err);

    return rc < 0 ? rc : fence_write(t, row->pipeline, epoch, err);
}

int target_plan_put(struct target *t, const struct ledger_row *row, const struct chunk_plan *plan,
                    int64_t epoch, struct err *err)
{
    json_t *v = json_pack("{s:I, s:b, s:s}", "bytes", (json_int_t)plan->bytes, "staged", plan->staged,
                          "rules", plan->rules);
    char *text = json_text(v);
    struct ledger_row r = *row;

    r.state = LEDGER_PLAN;
    r.chunk = 0;
    r.last = false;
    r.columns = text;
    int rc = target_begin(t, err);
    if (rc == 0)
        rc = target_end(t, put_plan(t, &r, epoch, err), err);
    free(text);
    json_decref(v);
    return rc < 0 ? rc : fault_point("chunks.planned", err);
}

/* --- taking back --- */

enum { PAGE = 256 };
struct chunk_lines {
    int64_t chunk, line_from, line_to;
};
struct chunk_page {
    struct chunk_lines rows[PAGE];
    size_t n;
};

static int keep_chunk(void *arg, const struct ledger_row *r, struct err *err)
{
    struct chunk_page *p = arg;

    UNUSED(err);
    if (r->chunk > 0 && p->n < PAGE)
        p->rows[p->n++] = (struct chunk_lines){r->chunk, r->line_from, r->line_to};
    return 0;
}

static int revoke_chunk(struct target *t, const struct table *from, int64_t load_id,
                        const struct chunk_lines *c, struct err *err)
{
    const struct val id[] = {val_i64(load_id), val_i64(c->chunk)};
    struct line_range r = {.to = c->line_from, .end = c->line_to, .width = 10000};
    int rc = 0;

    while (rc == 0 && line_range_next(&r)) {
        const struct val values[] = {val_i64(load_id), val_i64(r.from), val_i64(r.to)};
        rc = target_run_on(t, "rows_delete", from->name, NULL, values, 3, NULL, NULL, NULL, err);
    }
    return rc < 0 ? rc : target_run(t, "chunk_forget", id, 2, NULL, NULL, NULL, err);
}

/* One transaction; c NULL: the first (REVOKING), or with last the plan's own row goes. */
static int revoke_step(struct target *t, const struct table *from, const char *pipeline, int64_t load_id,
                       const struct chunk_lines *c, bool last, int64_t epoch, int64_t *io_commits,
                       struct err *err)
{
    const struct val id[] = {val_i64(load_id), val_i64(0)};
    int rc = target_begin(t, err);

    if (rc < 0)
        return rc;
    if (c != NULL)
        rc = revoke_chunk(t, from, load_id, c, err);
    else
        rc = target_run(t, last ? "chunk_forget" : "chunk_revoke", id, last ? 2 : 1, NULL, NULL, NULL, err);
    if (rc == 0)
        rc = fence_write(t, pipeline, epoch, err);
    rc = target_end(t, rc, err);
    if (rc < 0)
        return rc;
    ++*io_commits;
    return fault_point("chunks.revoked", err);
}

int target_plan_revoke(struct target *t, const struct table *from, const char *pipeline, int64_t load_id,
                       int64_t epoch, int64_t *io_commits, struct err *err)
{
    struct chunk_plan plan;
    struct chunk_page *page = xcalloc(1, sizeof *page);
    int rc = target_plan_get(t, load_id, &plan, err);

    if (rc == 1)
        rc = revoke_step(t, from, pipeline, load_id, NULL, false, epoch, io_commits, err);
    else if (rc == 0)
        goto out;
    do {
        page->n = 0;
        if (rc == 0)
            rc = target_ledger_by_id(t, load_id, keep_chunk, page, err);
        for (size_t i = 0; rc >= 0 && i < page->n; i++)
            rc = revoke_step(t, from, pipeline, load_id, &page->rows[i], false, epoch, io_commits, err);
        rc = rc > 0 ? 0 : rc;
    } while (rc == 0 && page->n > 0);
    if (rc == 0)
        rc = revoke_step(t, from, pipeline, load_id, NULL, true, epoch, io_commits, err);
out:
    free(page);
    return rc;
}
