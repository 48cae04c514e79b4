#ifndef STATE_REQUEST_H
#define STATE_REQUEST_H
#include "state/store.h"
/*
 * What was asked for over HTTP and a tick does: QUEUED > RUNNING > DONE or FAILED; from RUNNING back to QUEUED where a
 * server was away. Who works one holds its lock file (orchestrator/requests.c), so RUNNING with a free lock means that its
 * process is dead, and the next tick takes it again.
 */
struct request {
    int64_t id, attempts, not_before_ms, acted, made_ms, started_ms, ended_ms, acked_ms;    /* 0: not */
    char *kind, *pipeline, *args, *reason, *who, *state, *reached, *error, *message, *hint; /* owned */
    char *key, *result; /* owned; NULL: none */
};
void request_release(struct request *r);
struct request_new {
    const char *kind, *pipeline; /* replay, retry, skip, backup, restore; pipeline "": of none */
    const char *args;            /* JSON, members in one order always */
    const char *reason, *who;
    const char *key; /* NULL: none */
    int64_t now_ms;
};
/* One transaction, audited as "request KIND". 1: made; 0: the key is there with the same request, *ret_id is that one.
 * ERR_CONFLICT: the key is there with another. */
NODISCARD int request_make(struct store *s, const struct request_new *n, int64_t *ret_id, struct err *err);
/* ERR_NOT_FOUND. *ret: request_release, of request_next's too. */
NODISCARD int request_get(struct store *s, int64_t id, struct request *ret, struct err *err);
typedef int request_fn(void *arg, const struct request *r, struct err *err);
/* Newest first, those with an id below `before`. pipeline, state NULL: any. */
NODISCARD int request_list(struct store *s, const char *pipeline, const char *state, int64_t before,
                           int64_t limit, request_fn *fn, void *arg, struct err *err);
/* The oldest behind `after` that is QUEUED or RUNNING: 1, or 0. */
NODISCARD int request_next(struct store *s, int64_t after, struct request *ret, struct err *err);
/* FAILED, and neither acknowledged nor done later: the oldest 20. pipeline "": of none. */
NODISCARD int request_failing(struct store *s, const char *pipeline, request_fn *fn, void *arg,
                              struct err *err);
struct request_counts {
    int64_t queued, running, failed; /* failed: those of request_failing, of all pipelines */
};
NODISCARD int request_counts(struct store *s, struct request_counts *ret, struct err *err);
/* By who holds its lock. Each one transaction; request_reached is a part of the caller's. */
NODISCARD int request_begin(struct store *s, int64_t id, int64_t now_ms, struct err *err);
NODISCARD int request_reached(struct store *s, int64_t id, const char *part, struct err *err);
/* What a backup is called, kept as `reached`: one transaction. */
NODISCARD int request_named(struct store *s, int64_t id, const char *run, struct err *err);
struct request_end {
    const char *state;                  /* DONE, FAILED, QUEUED (again, not before not_before_ms) */
    const char *result;                 /* JSON; NULL: none */
    const char *error, *message, *hint; /* NULL: "" */
    int64_t not_before_ms, now_ms;
};
NODISCARD int request_end(struct store *s, int64_t id, const struct request_end *e, struct err *err);
/* It stays RUNNING, and the next tick takes it without counting that as a death. */
NODISCARD int request_again(struct store *s, int64_t id, struct err *err);
/* A person has seen that it failed. Audited. 1; 0: it is not FAILED, or was seen before. */
NODISCARD int request_ack(struct store *s, int64_t id, const char *who, const char *reason, int64_t now_ms,
                          struct err *err);
/* Inside a transaction. Deletes at most 500 that ended before; how many. */
NODISCARD int request_prune(struct store *s, int64_t before_ms, struct err *err);
#endif
