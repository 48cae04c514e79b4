#ifndef STATE_PAGE_H
#define STATE_PAGE_H
#include "state/exec.h"
#include "state/store.h"
#include <stddef.h>
/* Pages of what grows, by keyset. Where ids come out, at most `limit` of them, their number is returned. */
struct page_of {
    const char *pipeline, *part, *state; /* NULL: any; part only with pipeline */
    int64_t before;                      /* newest first, ids below it; INT64_MAX: from the newest on */
    int64_t limit;
};
NODISCARD int page_jobs(struct store *s, const struct page_of *p, int64_t *ids, struct err *err);
/* Of each what a list tells: id, name, pipeline, cause_of_start, status, error, cause, times, idle and redrives; borrowed in
 * the callback. idle: those too that found nothing to do. No part. */
NODISCARD int page_executions(struct store *s, const struct page_of *p, bool idle,
                              int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg,
                              struct err *err);
/* Loads that count, of partitions [from, to] (NULL: open), by partition and load id, behind (after_part, after_load). */
struct page_loads {
    const char *pipeline, *from, *to, *after_part; /* after_part NULL: from the first on */
    int64_t after_load, limit;
};
NODISCARD int page_loads(struct store *s, const struct page_loads *p, int64_t *load_ids, struct err *err);
/* Events behind `after`, oldest first. */
NODISCARD int page_events(struct store *s, int64_t execution_id, int64_t after, int64_t limit,
                          int (*fn)(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                                    const char *details, struct err *err),
                          void *arg, struct err *err);
#endif
