#ifndef STATE_QUEUE_H
#define STATE_QUEUE_H
#include "base/json.h"
#include "state/store.h"
/*
 * The queue: partitions, jobs, loads, reconciliations. Each write function is one transaction of its own
 * unless its comment says "inside a transaction". Those of a step take its token and begin with task_guard
 * (token NULL: a person's command, no guard).
 */
struct pipeline_row {
    int64_t ledger_epoch, ledger_seq, full_listing_ms, listed_ms, left_out, retry_ms, retry_count;
    char *ledger_target, *left_out_example; /* owned */
};
void pipeline_row_release(struct pipeline_row *p);
/* store_begin, then the guard of the step's token (NULL: none): for steps that make a transaction of several
 * calls. */
NODISCARD int queue_begin(struct store *s, const char *token, struct err *err);
/* A pipeline that nothing was written of yet: -1, -1, "" and zeros. Writes nothing. */
NODISCARD int pipeline_get(struct store *s, const char *pipeline, struct pipeline_row *ret, struct err *err);
/* What the newest listing, of now_ms, left out; full_listing_ms 0 keeps the old value. Inside a transaction. */
NODISCARD int pipeline_listed(struct store *s, const char *pipeline, int64_t left_out, const char *example,
                              int64_t full_listing_ms, int64_t now_ms, struct err *err);
NODISCARD int pipeline_ledger_known(struct store *s, const char *token, const char *pipeline,
                                    const char *target, int64_t epoch, int64_t seq, struct err *err);
NODISCARD int pipeline_backoff(struct store *s, const char *pipeline, int64_t retry_ms, int64_t count,
                               struct err *err);

struct partition_row {
    char *part, *state, *reason; /* owned */
    int64_t since_ms, listed_ms;
    bool open; /* something is left to do: waiting or late, a job that is not settled, an object not queued
                  yet */
};
/* Result of listing one partition: what generate-queue found. */
struct partition_seen {
    const char *part;
    const char *state;  /* WAITING, LATE, EMPTY, QUEUED */
    const char *reason; /* NULL: "" */
    int64_t now_ms;
};
typedef int partition_fn(void *arg, const struct partition_row *p, struct err *err);
NODISCARD int partition_get(struct store *s, const char *pipeline, const char *part,
                            struct partition_row *ret, struct err *err); /* 1 there, 0 not */
void partition_row_release(struct partition_row *p);
/* from/to inclusive, NULL: open. In order of part. */
NODISCARD int partition_list(struct store *s, const char *pipeline, const char *from, const char *to,
                             partition_fn *fn, void *arg, struct err *err);
/* Inside a transaction. Keeps since_ms when the state stays; SKIPPED and ADOPTED are only changed by
 * partition_decide. */
NODISCARD int partition_put(struct store *s, const char *pipeline, const struct partition_seen *p,
                            struct err *err);
/*
 * A person's decision on partitions, with its audit row, in one transaction: SKIPPED or ADOPTED takes jobs that are not
 * being worked out of the queue (SUPERSEDED), their objects may be queued again; WAITING takes the decision back: the
 * next listing finds what is there, and what was left unloaded because of it.
 */
struct partition_decision {
    const char *pipeline, *state, *reason;
    const char *const *parts; /* in order */
    size_t n;
    const char *who, *verb; /* of the audit; who NULL: no audit row */
    int64_t now_ms;
};
NODISCARD int partition_decide(struct store *s, const struct partition_decision *d, struct err *err);

struct job {
    int64_t id, n, attempts, tries, not_before_ms, execution_id, bytes;
    char *pipeline, *part, *kind, *state, *error, *message, *hint, *reason,
        *who; /* owned; error.. may be NULL */
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
NODISCARD int job_list(struct store *s, const char *pipeline, const char *from, const char *to, job_fn *fn,
                       void *arg, struct err *err);
/*
 * Inside a transaction: makes a job of the objects, draws a load id and a generation for each (one more than
 * the greatest that this file knows of the key), remembers what each replaces, marks the objects QUEUED and
 * the partition QUEUED. A key is in one unsettled job at a time: from a job that waits or has failed it is
 * taken out (SUPERSEDED when nothing is left of that one); where a job is being worked, or its outcome is not
 * known yet, ERR_BUSY. A SKIPPED or ADOPTED partition is ERR_CONTRACT.
 */
struct job_new {
    const char *pipeline, *part, *kind, *reason, *who;
    const int64_t *objects;
    size_t object_count;
    int64_t bytes, now_ms;
};
NODISCARD int job_create(struct store *s, const struct job_new *n, int64_t *ret_id, struct err *err);
/*
 * The oldest job that may be worked at now_ms: QUEUED or FAILED with not_before_ms passed; PROCESSING whose
 * flag is gone or STALE; LOADED that nobody is going to reconcile: rebuilt from the ledger (no execution_id),
 * or its run ended before (flag STALE). Ingest finds such a one's loads done and goes on to Reconcile. 1/0;
 * *ret_pending: how many are left in all, those in back-off included. part: NULL any.
 */
NODISCARD int job_next(struct store *s, const char *pipeline, const char *part, int64_t now_ms,
                       struct job *ret, int64_t *ret_pending, struct err *err);
/* State changes by a step, under its token: ERR_LOCK_LOST when another execution works the job now. FAILED
 * and DEAD raise tries, and attempts when it counts. */
struct job_outcome {
    int64_t job_id;
    const char *state; /* LOADED, RECONCILED, EMPTY, MISMATCHED, FAILED, DEAD, QUEUED */
    const char *error, *message, *hint;
    bool counts; /* towards DEAD */
    int64_t not_before_ms, now_ms;
    bool unverifiable;
};
NODISCARD int job_set(struct store *s, const char *token, const struct job_outcome *o, struct err *err);
/*
 * By a person. Each is a transaction, or a part of the one that is open. job_retry: DEAD or FAILED -> QUEUED now, with
 * all its attempts; 1, or 0 in another state. job_put_back: PROCESSING, though the run that worked it has been ended,
 * -> QUEUED; 1, or 0: it is worked, or is elsewhere. job_withdraw (audited as "cancel"): a replay that is not worked,
 * and of which nothing is on its way, is taken out of the queue: SUPERSEDED, or reconciled where a part of it is
 * loaded; its objects are what they were before; 1, or 0 where it is no such one.
 */
NODISCARD int job_retry(struct store *s, int64_t job_id, int64_t now_ms, struct err *err);
NODISCARD int job_put_back(struct store *s, int64_t job_id, int64_t now_ms, struct err *err);
NODISCARD int job_withdraw(struct store *s, int64_t job_id, const char *who, const char *reason,
                           int64_t now_ms, struct err *err);

struct load_row { /* a load with its object */
    int64_t load_id, job_id, object_id, generation, replaces, rows_read, rows_loaded, rows_rejected,
        empty_lines;
    char *state, *columns; /* owned */
    bool rejects_missing;
    char *key, *etag, *version_id, *sha256, *part; /* owned; of the object; key may hold any byte but NUL */
    int64_t size, mtime_ns, modified_ms, loaded_ms;
    int64_t said_rows; /* what a manifest says of the object, where said_sha256 is there */
    char *said_sha256; /* owned; NULL: none does */
};
void load_row_release(struct load_row *l);
typedef int load_fn(void *arg, const struct load_row *l, struct err *err);
/* By key, without those DROPPED: taken out of the job before they had any effect. */
NODISCARD int load_list(struct store *s, int64_t job_id, load_fn *fn, void *arg, struct err *err);
NODISCARD int load_get(struct store *s, int64_t load_id, struct load_row *ret, struct err *err);
/* The newest load of the key that is LOADED or EMPTY. 1/0 */
NODISCARD int load_newest(struct store *s, const char *pipeline, const char *key, struct load_row *ret,
                          struct err *err);
/* The unsettled load (DRAWN or PENDING) of the key, and the state of its job. 1/0 */
struct load_open {
    int64_t load_id, job_id, object_id;
    bool pending; /* its outcome is not known yet: hands off */
    bool worked;  /* its job is PROCESSING: hands off */
    bool waits;   /* its job is QUEUED, FAILED or DEAD */
    bool dead;    /* it is DEAD */
};
NODISCARD int load_open(struct store *s, const char *pipeline, const char *key, struct load_open *ret,
                        struct err *err);
/* Inside a transaction, only where neither pending nor worked: the object was overwritten before it was
 * loaded, so the load is of the new object; its job is QUEUED again with all its attempts: it is another
 * file. */
NODISCARD int load_repoint(struct store *s, const struct load_open *l, int64_t object_id, int64_t now_ms,
                           struct err *err);
/* The same conditions: there is nothing to load any more. A job with nothing left becomes EMPTY with that
 * message. */
NODISCARD int load_drop(struct store *s, const struct load_open *l, const char *message, int64_t now_ms,
                        struct err *err);
/* 1: the partition has, or had, a load that was not dropped. */
NODISCARD int load_any(struct store *s, const char *pipeline, const char *part, struct err *err);
/* Before the target's COMMIT: PENDING with counts and sums; the rejects are already there as PENDING. */
struct load_result {
    bool no_rejects; /* and none were put: what an earlier attempt left goes */
    int64_t load_id, rows_read, rows_loaded, rows_rejected, empty_lines, now_ms;
    const char *columns, *sha256;
};
NODISCARD int load_pending(struct store *s, const char *token, const struct load_result *r, struct err *err);
NODISCARD int load_pending_all(struct store *s, const char *token, const struct load_result *r, size_t n,
                               struct err *err); /* in one transaction */
/* After it, or once the ledger was asked: LOADED/EMPTY/SAME: rejects FINAL, the replaced loads SUPERSEDED (a
 * job with nothing else too), the object's verdict set. DRAWN: dropped, its PENDING rejects deleted. Again:
 * no change. */
NODISCARD int load_settle(struct store *s, const char *token, int64_t load_id, const char *state,
                          int64_t now_ms, struct err *err);

/* The same of several, in one transaction: states[i] of load_ids[i]. */
NODISCARD int load_settle_all(struct store *s, const char *token, const int64_t *load_ids,
                              const char *const *states, size_t n, int64_t now_ms, struct err *err);

struct reconciliation {
    int64_t job_id, at_ms, rows_source, rows_loaded, rows_rejected, rows_target;
    const char *verdict, *differences; /* EQUAL, DIFFERENT, UNVERIFIABLE; JSON array */
};
/* Records it and moves the job: EQUAL -> RECONCILED (or EMPTY), DIFFERENT -> MISMATCHED, UNVERIFIABLE stays
 * LOADED. */
NODISCARD int reconciliation_put(struct store *s, const char *token, const struct reconciliation *r,
                                 struct err *err);
NODISCARD int reconciliation_newest(struct store *s, int64_t job_id,
                                    int (*fn)(void *arg, const struct reconciliation *r, struct err *err),
                                    void *arg, struct err *err); /* 1/0 */

/* Rebuilding from the target's ledger (one call per ledger row, oldest first, inside a transaction);
 * idempotent. It may take several transactions; begin forgets which loads an earlier one, that died, had
 * found. */
NODISCARD int queue_rebuild_begin(struct store *s, const char *pipeline, struct err *err);
struct rebuilt {
    const char *pipeline, *part, *key, *etag, *sha256, *state /* ledger_state_name */, *columns, *job,
        *reason;
    int64_t load_id, generation, size, mtime_ns, rows_read, rows_loaded, rows_rejected, at_ms, now_ms;
};
NODISCARD int queue_rebuild_row(struct store *s, const struct rebuilt *r, struct err *err);
/* After all rows: loads that the ledger does not know are to be loaded again and their jobs QUEUED; jobs that
 * it knows whole are LOADED, for job_next to give out until they are RECONCILED. Jobs being worked are left
 * alone. Inside a transaction. */
NODISCARD int queue_rebuild_end(struct store *s, const char *pipeline, int64_t now_ms, struct err *err);

/* Inside the transaction that is open, or one of its own. */
NODISCARD int audit_put(struct store *s, const char *who, const char *verb, const char *pipeline,
                        const char *part, const char *reason, int64_t now_ms, struct err *err);
#endif
