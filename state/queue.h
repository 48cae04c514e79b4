#ifndef STATE_QUEUE_H
#define STATE_QUEUE_H
#include "base/json.h"
#include "state/store.h"
/*
 * The queue: partitions, jobs, loads, reconciliations. Each write function is one transaction of its own unless its
 * comment says "inside a transaction". Those of a step take its token and begin with task_guard (token NULL: a
 * person's command, no guard).
 */
struct pipeline_row {
    int64_t ledger_epoch, ledger_seq, full_listing_ms, left_out, retry_ms, retry_count;
    char *ledger_target, *left_out_example; /* owned */
};
void pipeline_row_release(struct pipeline_row *p);
NODISCARD int pipeline_get(struct store *s, const char *pipeline, struct pipeline_row *ret, struct err *err); /* makes it */
NODISCARD int pipeline_ledger_known(struct store *s, const char *token, const char *pipeline, const char *target,
                                    int64_t epoch, int64_t seq, struct err *err);
NODISCARD int pipeline_backoff(struct store *s, const char *pipeline, int64_t retry_ms, int64_t count, struct err *err);

struct partition_row {
    char *part, *state, *reason; /* owned */
    int64_t since_ms, listed_ms;
};
/* Result of listing one partition: what generate-queue found. */
struct partition_seen {
    const char *part;
    const char *state;  /* WAITING, LATE, EMPTY, QUEUED */
    int64_t now_ms;
};
typedef int partition_fn(void *arg, const struct partition_row *p, struct err *err);
NODISCARD int partition_get(struct store *s, const char *pipeline, const char *part, struct partition_row *ret,
                            struct err *err); /* 1 there, 0 not */
void partition_row_release(struct partition_row *p);
/* from/to inclusive, NULL: open. In order of part. */
NODISCARD int partition_list(struct store *s, const char *pipeline, const char *from, const char *to, partition_fn *fn,
                             void *arg, struct err *err);
/* Inside a transaction. Keeps since_ms when the state stays; SKIPPED and ADOPTED are only changed by partition_decide. */
NODISCARD int partition_put(struct store *s, const char *pipeline, const struct partition_seen *p, struct err *err);
NODISCARD int partition_decide(struct store *s, const char *pipeline, const char *part, const char *state,
                               const char *reason, int64_t now_ms, struct err *err);

struct job {
    int64_t id, n, attempts, tries, not_before_ms, execution_id, bytes;
    char *pipeline, *part, *kind, *state, *error, *message, *hint, *reason, *who; /* owned; error.. may be NULL */
    bool unverifiable;
    int64_t created_ms, updated_ms, loaded_ms, reconciled_ms; /* 0: not */
    /* sums over its loads */
    int64_t objects, rows_read, rows_loaded, rows_rejected;
};
void job_release(struct job *j);
/* "loans/2022-06-05T12" or "...#2". */
#define JOB_NAME_SIZE 300
const char *job_name(const struct job *j, char out[JOB_NAME_SIZE]);
typedef int job_fn(void *arg, const struct job *j, struct err *err);
NODISCARD int job_get(struct store *s, int64_t id, struct job *ret, struct err *err);
NODISCARD int job_list(struct store *s, const char *pipeline, const char *from, const char *to, job_fn *fn, void *arg,
                       struct err *err);
/*
 * Inside a transaction: makes a job of the objects, draws a load id and a generation for each (one more than the
 * greatest that this file knows of the key), remembers what each replaces, marks the objects QUEUED and the
 * partition QUEUED.
 */
struct job_new {
    const char *pipeline, *part, *kind, *reason, *who;
    const int64_t *objects;
    size_t object_count;
    int64_t bytes, now_ms;
};
NODISCARD int job_create(struct store *s, const struct job_new *n, int64_t *ret_id, struct err *err);
/* The oldest job that may be worked at now_ms: QUEUED or FAILED with not_before_ms passed (PROCESSING of a dead
 * execution counts as FAILED once its flag is gone). 1/0; *ret_pending: how many are left in all. part: NULL any. */
NODISCARD int job_next(struct store *s, const char *pipeline, const char *part, int64_t now_ms, struct job *ret,
                       int64_t *ret_pending, struct err *err);
/* State changes by a step, under its token. */
struct job_outcome {
    int64_t job_id;
    const char *state;            /* LOADED, RECONCILED, EMPTY, MISMATCHED, FAILED, DEAD, QUEUED */
    const char *error, *message, *hint;
    bool counts;                  /* towards DEAD */
    int64_t not_before_ms, now_ms;
    bool unverifiable;
};
NODISCARD int job_set(struct store *s, const char *token, const struct job_outcome *o, struct err *err);
NODISCARD int job_retry(struct store *s, int64_t job_id, int64_t now_ms, struct err *err); /* DEAD/FAILED -> QUEUED now */

struct load_row { /* a load with its object */
    int64_t load_id, job_id, object_id, generation, replaces, rows_read, rows_loaded, rows_rejected, empty_lines;
    char *state, *columns;                          /* owned */
    bool rejects_missing;
    char *key, *etag, *version_id, *sha256, *part;  /* owned; of the object; key may hold any byte but NUL */
    int64_t size, mtime_ns, modified_ms, loaded_ms;
};
void load_row_release(struct load_row *l);
typedef int load_fn(void *arg, const struct load_row *l, struct err *err);
NODISCARD int load_list(struct store *s, int64_t job_id, load_fn *fn, void *arg, struct err *err); /* by key */
NODISCARD int load_get(struct store *s, int64_t load_id, struct load_row *ret, struct err *err);
/* The newest load of the key that is LOADED or EMPTY. 1/0 */
NODISCARD int load_newest(struct store *s, const char *pipeline, const char *key, struct load_row *ret, struct err *err);
/* Before the target's COMMIT: PENDING with counts and sums; the rejects are already there as PENDING. */
struct load_result {
    int64_t load_id, rows_read, rows_loaded, rows_rejected, empty_lines, now_ms;
    const char *columns, *sha256;
};
NODISCARD int load_pending(struct store *s, const char *token, const struct load_result *r, struct err *err);
/* After it, or once the ledger was asked: LOADED/EMPTY/SAME: rejects FINAL, the replaced load SUPERSEDED, the object's
 * verdict set. DRAWN: dropped, its PENDING rejects deleted. */
NODISCARD int load_settle(struct store *s, const char *token, int64_t load_id, const char *state, int64_t now_ms,
                          struct err *err);

struct reconciliation {
    int64_t job_id, at_ms, rows_source, rows_loaded, rows_rejected, rows_target;
    const char *verdict, *differences; /* EQUAL, DIFFERENT, UNVERIFIABLE; JSON array */
};
/* Records it and moves the job: EQUAL -> RECONCILED (or EMPTY), DIFFERENT -> MISMATCHED, UNVERIFIABLE stays LOADED. */
NODISCARD int reconciliation_put(struct store *s, const char *token, const struct reconciliation *r, struct err *err);
NODISCARD int reconciliation_newest(struct store *s, int64_t job_id,
                                    int (*fn)(void *arg, const struct reconciliation *r, struct err *err), void *arg,
                                    struct err *err); /* 1/0 */

/* Rebuilding from the target's ledger (one call per ledger row, inside a transaction); idempotent. */
struct rebuilt {
    const char *pipeline, *part, *key, *etag, *sha256, *state /* ledger_state_name */, *columns, *job, *reason;
    int64_t load_id, generation, size, mtime_ns, rows_read, rows_loaded, rows_rejected, at_ms, now_ms;
};
NODISCARD int queue_rebuild_row(struct store *s, const struct rebuilt *r, struct err *err);
/* After all rows: jobs whose loads the ledger does not know go back to QUEUED; inside a transaction. */
NODISCARD int queue_rebuild_end(struct store *s, const char *pipeline, int64_t now_ms, struct err *err);

NODISCARD int audit_put(struct store *s, const char *who, const char *verb, const char *pipeline, const char *part,
                        const char *reason, int64_t now_ms, struct err *err);
#endif
