/*
 * The rejects of a loaded object, which a lost state file has forgotten: the object is read again, without loading.
 * What the rules refuse is known by that. What they take, and what is not in the table under this load id all the same,
 * was refused by the database, or by the rules of then; that is only said where the table holds exactly as many rows of
 * this load as the ledger, so that a row which somebody has deleted is not taken for a reject.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "io/hash.h"
#include "steps/object_int.h"
#include "steps/rejects.h"

struct restoring {
    const struct load_job *job;
    const struct load_row *row;
    struct reject_page *page;
    bool started;
    bool absent; /* whether rows that are not there are rejects */
    int64_t *lines;
    size_t n, room; /* of the table, in the range that is looked at */
};

static int flush(struct restoring *r, struct err *err)
{
    int rc = r->page->n > 0 ? rejects_store(r->job->c, r->page->rows, r->page->n, !r->started, err) : 0;

    r->started = r->started || r->page->n > 0;
    reject_page_clear(r->page);
    return rc;
}

static int on_reject(void *arg, const struct reject_info *why, struct err *err)
{
    struct restoring *r = arg;

    return reject_page_add(r->page, r->row->load_id, why) ? flush(r, err) : 0;
}

static int on_line(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct restoring *r = arg;

    UNUSED(count);
    if (r->n == r->room) {
        r->room = r->room > 0 ? r->room * 2 : BATCH_ROWS;
        r->lines = xrealloc(r->lines, r->room * sizeof *r->lines);
    }
    return str_to_i64(cells[0], INT64_MIN, INT64_MAX, &r->lines[r->n++], err);
}

static int add_absent(struct restoring *r, const struct batch *b, size_t row, struct err *err)
{
    struct reject_info why = {.line = b->lines[row],
                              .offset = b->offsets[row],
                              .code = "NOT_LOADED",
                              .message = "it is not in the table: when its file was loaded, the database "
                                         "refused it, or the rules of then",
                              .hint = "orch rejects --replay tries it again",
                              .raw = b->raw[row],
                              .raw_n = b->raw_n[row] < MAX_REJECT_RAW ? b->raw_n[row] : MAX_REJECT_RAW,
                              .raw_total = b->raw_n[row]};

    if (why.raw_n < b->raw_n[row])
        sha256_of(b->raw[row], b->raw_n[row], why.raw_sha256);
    return on_reject(r, &why, err);
}

/* Lines ascend, in the file and in the answer. */
static int on_batch(void *arg, const struct batch *b, struct err *err)
{
    struct restoring *r = arg;
    size_t at = 0;

    if (!r->absent || b->rows == 0)
        return 0;
    const struct target_rows range = {
        .def = r->job->def, .load_id = r->row->load_id, .from = b->lines[0], .to = b->lines[b->rows - 1]};
    r->n = 0;
    int rc = target_rows(r->job->target, &range, on_line, r, err);
    for (size_t i = 0; rc == 0 && i < b->rows; i++) {
        while (at < r->n && r->lines[at] < b->lines[i])
            at++;
        if (at == r->n || r->lines[at] != b->lines[i])
            rc = add_absent(r, b, i, err);
    }
    return rc;
}

/* Does the table hold what the ledger says? */
static int is_whole(struct restoring *r, struct err *err)
{
    struct sums count;
    int rc = 0;

    if (!r->job->def->has_lineage)
        return 0;
    sums_init(&count, r->job->def->count);
    rc = target_sums(r->job->target, r->job->def, r->row->load_id, &count, err);
    if (rc == 0)
        r->absent = count.rows == r->row->rows_loaded;
    sums_release(&count);
    return rc;
}

int load_restore_rejects(const struct load_job *j, const struct load_row *row, struct err *err)
{
    struct restoring r = {.job = j, .row = row, .page = reject_page_new()};
    const struct row_sink sink = {.batch = on_batch, .reject = on_reject, .arg = &r};
    struct rows_result result;

    int rc = is_whole(&r, err);
    if (rc == 0)
        rc = rows_read(j->c, row, j->def, &sink, &result, err);
    if (rc == 0)
        rc = flush(&r, err);
    if (rc == 0)
        rc = step_reject_verdicts(j->c, j->target, row->load_id, err);
    if (rc == 0)
        rc = load_settle(j->c->store, j->c->token, row->load_id, row->state, clock_now_ms(), err);
    reject_page_free(r.page);
    free(r.lines);
    return rc;
}
