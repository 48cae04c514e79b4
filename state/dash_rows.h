#ifndef STATE_DASH_ROWS_H
#define STATE_DASH_ROWS_H
#include "state/reject.h"
/* What the pages of orch serve read beside what commands read: in pages, each from where the last one ended. All text is
 * borrowed in the callback. */
/* The newest loads that went well, newest first: when, how long the last attempt took, rows of the job. */
NODISCARD int dash_rates(struct store *s, const char *pipeline, int64_t limit,
                         int (*fn)(void *arg, int64_t at_ms, int64_t took_ms, int64_t rows, struct err *err),
                         void *arg, struct err *err);
/* Since when a trouble stands, by its key; 0: no tick has seen it. */
NODISCARD int dash_opened(struct store *s, const char *key, int64_t *ret_ms, struct err *err);
struct dash_decision {
    int64_t id, at_ms;
    const char *who, *verb, *pipeline, *part, *reason;
};
/* What people did, newest first, of ids below before. */
NODISCARD int dash_list_decisions(struct store *s, const char *pipeline, int64_t before, int64_t limit,
                                  int (*fn)(void *arg, const struct dash_decision *d, struct err *err),
                                  void *arg, struct err *err);
struct dash_rejects {
    struct reject_filter filter; /* with its limit */
    int64_t load_id, line;       /* behind this one; load_id 0: from the first */
};
/* By partition, the newest first. A cursor whose load is gone is ERR_NOT_FOUND. */
NODISCARD int dash_list_rejects(struct store *s, const struct dash_rejects *a, reject_fn *fn, void *arg,
                                struct err *err);
#endif
