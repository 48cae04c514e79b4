#ifndef STATE_TROUBLE_H
#define STATE_TROUBLE_H
#include "state/store.h"
/*
 * Troubles: said once, again after renotify, and their recovery once. A tick compares what it
 * finds with trouble_list, writes it down (trouble_seen, trouble_gone), says what is due, and then marks it (trouble_said).
 */
struct trouble {
    const char *key, *pipeline, *class, *text, *hint; /* borrowed in, owned by the store's row out */
    int64_t opened_ms, said_ms;                       /* 0: not yet */
};
typedef int trouble_fn(void *arg, const struct trouble *t, struct err *err);
NODISCARD int trouble_seen(struct store *s, const struct trouble *t, int64_t now_ms, struct err *err);
NODISCARD int trouble_said(struct store *s, const char *key, int64_t now_ms, struct err *err);
/* Every trouble of the pipeline (NULL: any) that was not seen at now_ms: fn for those that had been said, then gone.
 * In a transaction, so fn only takes notes. */
NODISCARD int trouble_gone(struct store *s, const char *pipeline, int64_t now_ms, trouble_fn *fn, void *arg,
                           struct err *err);
NODISCARD int trouble_list(struct store *s, const char *pipeline, trouble_fn *fn, void *arg, struct err *err);

/* What the work tables say: jobs that failed (also while they are tried again), died or mismatch; late partitions.
 * Skipped and adopted partitions are left out. By part; the strings are borrowed. */
struct bad_job {
    int64_t id, n, execution_id, attempts, tries, not_before_ms;
    const char *part, *state, *error, *message, *hint; /* the last three may be "" */
};
NODISCARD int trouble_jobs(struct store *s, const char *pipeline,
                           int (*fn)(void *arg, const struct bad_job *j, struct err *err), void *arg,
                           struct err *err);
NODISCARD int trouble_late(struct store *s, const char *pipeline,
                           int (*fn)(void *arg, const char *part, int64_t since_ms, const char *reason,
                                     struct err *err),
                           void *arg, struct err *err);
#endif
