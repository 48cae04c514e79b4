/* A person gives rejects up: their records are not wanted any more. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "io/target_rejects.h"
#include "steps/rejects.h"

enum { PAGE = 1000 }; /* decisions a transaction: loads wait for the fence meanwhile */

struct page {
    int64_t lines[PAGE];
    size_t n;
};

static int on_reject(void *arg, const struct reject *r, struct err *err)
{
    struct page *p = arg;

    UNUSED(err);
    p->lines[p->n++] = r->line;
    return 0;
}

static int one_page(struct step_ctx *c, struct target *t, const struct reject_ask *a, int64_t load_id,
                    const struct page *p, struct err *err)
{
    const struct reject_decision d = {.pipeline = c->pipeline->name,
                                      .load_id = load_id,
                                      .lines = p->lines,
                                      .n = p->n,
                                      .who = a->who,
                                      .reason = a->reason,
                                      .at_ms = clock_now_ms(),
                                      .copy = c->pipeline->rejects_table};
    const struct reject_lines lines = {c->pipeline->name, load_id, p->lines, p->n};
    const struct reject_outcome o = {"DISCARDED", a->who, a->reason, d.at_ms};
    int rc = target_rejects_discard(t, &d, err);

    if (rc == 0)
        rc = fault_point("rejects.discarded", err);
    return rc < 0 ? rc : reject_settle(c->store, c->token, &lines, &o, err);
}

int step_discard_rejects(struct step_ctx *c, const struct reject_ask *a, int64_t *ret_n, struct err *err)
{
    struct reject_filter final = a->filter;
    struct page *page = xcalloc(1, sizeof *page);
    struct target *t = NULL;
    int64_t *ids = NULL;
    size_t n = 0;
    int rc = step_target(c, &t, err);

    *ret_n = 0;
    final.state = "FINAL";
    final.limit = PAGE;
    if (rc == 0)
        rc = reject_loads(c->store, &final, &ids, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t after = INT64_MIN;
        rc = step_reject_verdicts(c, t, ids[i], err); /* what another host has decided meanwhile */
        while (rc == 0) {
            page->n = 0;
            rc = reject_page(c->store, ids[i], after, &final, on_reject, page, err);
            if (rc == 0 && page->n > 0) {
                after = page->lines[page->n - 1];
                rc = one_page(c, t, a, ids[i], page, err);
                *ret_n += rc == 0 ? (int64_t)page->n : 0;
            }
            if (page->n < PAGE)
                break;
        }
    }
    free(ids);
    free(page);
    return rc < 0 ? rc : 0;
}
