#ifndef STATE_EXEC_H
#define STATE_EXEC_H
#include "base/json.h"
#include "state/store.h"
/*
 * Engine tables: executions, events, frames, tasks (transactions T0 to T5 of docs/architecture.md). The caller
 * (orchestrator/engine.c) opens the transaction; every function here is a part of one, unless it only reads.
 * Strings in the structs are owned by them; *_release frees.
 */
struct execution {
    int64_t id;
    char *name, *pipeline, *workflow_sha256, *cause_of_start, *status, *input, *output, *error, *cause;
    int64_t start_ms, stop_ms, deadline_ms; /* 0: none */
    int64_t redrive_count, redrive_ms;
    bool idle, stop_requested;
    bool own; /* of a definition alone: pipeline is the state machine's name, and no pipeline */
    char *stop_error, *stop_cause;
    int64_t claim;
    char *claim_lock, *claim_boot_id;
    int64_t claim_pid, claim_pid_start, claim_lease_boot_ms, claim_lease_ms;
};
void execution_release(struct execution *e);

struct frame { /* a row of orchestrator/machine.h's tree; what is no string is as there */
    int64_t id, parent, item;
    char *kind, *state, *phase;
    int64_t input_event;
    char *input; /* as frame_list gives it: always there */
    char *retry, *vars;
    int64_t entered_ms, wake_ms, entered_event, last_event, fork_event, slot_event;
    bool failed;
};
void frame_release(struct frame *f);

struct task {
    int64_t id;
    char *state, *token, *resource, *parameters, *status;
    int64_t attempt, timeout_ms, heartbeat_ms, claim, scheduled_ms, started_ms, last_beat_ms; /* 0: none */
};
void task_release(struct task *t);

NODISCARD int workflow_put(struct store *s, const char *sha256, const char *name, const char *definition,
                           int64_t now_ms, struct err *err); /* idempotent */
NODISCARD int workflow_get(struct store *s, const char *sha256, char **ret_name, char **ret_definition,
                           struct err *err); /* owned; ERR_NOT_FOUND */

/* The resource map of an execution, whose text is kept as a workflow is; in T0. */
NODISCARD int exec_map_put(struct store *s, int64_t execution_id, const char *sha256, struct err *err);
NODISCARD int exec_map_get(struct store *s, int64_t execution_id, char **ret_owned,
                           struct err *err); /* 1/0 */

/* T0. ERR_CONFLICT, named ExecutionAlreadyExists, when the name is taken by one with another input, or that has ended;
 * the same name, RUNNING, same input: gives the id of the one that is there. */
struct execution_new {
    const char *name, *pipeline, *workflow_sha256, *cause_of_start, *input, *start_at;
    int64_t now_ms, deadline_ms;
    bool own;
};
NODISCARD int exec_create(struct store *s, const struct execution_new *n, int64_t *ret_id, struct err *err);
NODISCARD int exec_get(struct store *s, int64_t id, struct execution *ret,
                       struct err *err); /* ERR_NOT_FOUND */
NODISCARD int exec_by_name(struct store *s, const char *name, struct execution *ret, struct err *err);
/* Ids of running executions of definitions of their own, behind `after`, oldest first; their number, at most n. */
NODISCARD int exec_own_running(struct store *s, int64_t after, int64_t *ids, int n, struct err *err);
/* FAILED or TIMED_OUT executions of definitions of their own that stand: not run again since, nor let stand by a person
 * (ack_put: pipeline "", part its name, class FAILED, subject "ID.REDRIVES"). The oldest; how many there are. fn's argument is borrowed. */
NODISCARD int exec_own_failing(struct store *s, int64_t limit,
                               int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg,
                               struct err *err);
NODISCARD int exec_own_failing_count(struct store *s, int64_t *ret, struct err *err);
/* By pipeline and status (either may be NULL), newest first. fn's argument is borrowed. */
NODISCARD int exec_list(struct store *s, const char *pipeline, const char *status, int64_t limit,
                        int (*fn)(void *arg, const struct execution *e, struct err *err), void *arg,
                        struct err *err);

/*
 * Claim: compare-and-set on the claim number read before (expect_claim); claim is the new one, greater. 1 won, 0 another
 * was faster, or it is not RUNNING. The lease is over when CLOCK_BOOTTIME reaches lease_boot_ms + lease_ms.
 */
struct claim_new {
    int64_t id, expect_claim, claim;
    const char *lock, *boot_id;
    int64_t pid, pid_start, lease_boot_ms, lease_ms;
};
NODISCARD int exec_claim(struct store *s, const struct claim_new *c, struct err *err);
/* Renews the lease; 0 rows (another claim) is ERR_LOCK_LOST. *ret_stop: orch stop was asked for. */
NODISCARD int exec_renew(struct store *s, int64_t id, int64_t claim, int64_t lease_boot_ms, int64_t lease_ms,
                         bool *ret_stop, struct err *err);
NODISCARD int exec_release_claim(struct store *s, int64_t id, int64_t claim, struct err *err);
NODISCARD int exec_request_stop(struct store *s, int64_t id, const char *error, const char *cause,
                                struct err *err);

/* 1: somebody asks it to stop. Reads only, so that who works it may look every second. */
NODISCARD int exec_stop_requested(struct store *s, int64_t id, struct err *err);

/* Begins every transaction that moves the execution: the claim is still ours. ERR_LOCK_LOST */
NODISCARD int exec_ours(struct store *s, int64_t id, int64_t claim, struct err *err);

/* f is borrowed; its input is not written where input_event says where it is. */
NODISCARD int frame_put(struct store *s, int64_t execution_id, const struct frame *f, struct err *err);
/* All whose parent it is. */
NODISCARD int frame_drop(struct store *s, int64_t execution_id, int64_t parent_id, struct err *err);
/* Ascending by id. */
NODISCARD int frame_list(struct store *s, int64_t execution_id,
                         int (*fn)(void *arg, const struct frame *f, struct err *err), void *arg,
                         struct err *err);
/* When the first frame goes on; 0: at once. Of a retry begun after latest_ms the clock was set back: it does not wait,
 * unless it was put down since. */
NODISCARD int frame_wake(struct store *s, int64_t execution_id, int64_t latest_ms, int64_t *ret_wake_ms,
                         struct err *err);
struct event_new {
    int64_t id, previous;
    const char *type, *details; /* JSON text, or NULL */
    const char *state;          /* that it is of; NULL: of the execution */
    int64_t frame;              /* likewise, where state is */
};
NODISCARD int event_put(struct store *s, int64_t execution_id, const struct event_new *e, int64_t now_ms,
                        struct err *err);
/* Appends one that no frame tells of: ExecutionStarted, and what ends it from outside. As on AWS its previousEventId is 0.
 * details borrowed. */
NODISCARD int event_add(struct store *s, int64_t execution_id, const char *type, const json_t *details,
                        int64_t now_ms, struct err *err);
NODISCARD int event_count(struct store *s, int64_t execution_id, int64_t *ret, struct err *err);
NODISCARD int event_list(struct store *s, int64_t execution_id, bool reverse, int64_t limit,
                         int (*fn)(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                                   const char *details, struct err *err),
                         void *arg, struct err *err);

/* Tasks. T2 schedule, T3 start, T4 finish: finish and beat carry token AND status='STARTED'; 0 rows is ERR_LOCK_LOST. */
NODISCARD int task_schedule(struct store *s, int64_t execution_id, int64_t frame_id, const struct task *t,
                            struct err *err);
NODISCARD int task_live(struct store *s, int64_t execution_id, int64_t frame_id, struct task *ret,
                        struct err *err); /* 1/0 */
/* The frame has no use for its task any more. */
NODISCARD int task_abort(struct store *s, int64_t execution_id, int64_t frame_id, int64_t now_ms,
                         struct err *err);
NODISCARD int task_start(struct store *s, const char *token, int64_t claim, int64_t now_ms, struct err *err);
NODISCARD int task_beat(struct store *s, const char *token, int64_t now_ms, struct err *err);
NODISCARD int task_finish(struct store *s, const char *token, const char *status, int64_t now_ms,
                          struct err *err);
/* True inside a step's transaction: its token is still the live one. Every write of a step begins with it. */
NODISCARD int task_guard(struct store *s, const char *token, struct err *err); /* ERR_LOCK_LOST */

/* Closes it and releases the claim; live tasks become ABORTED, frames stay as they stand. 0 rows is ERR_LOCK_LOST. One of a
 * definition of its own that was redriven and fails again is a new trouble. */
NODISCARD int exec_finish(struct store *s, int64_t id, int64_t claim, const char *status, const char *output,
                          const char *error, const char *cause, bool idle, int64_t now_ms, struct err *err);
/* 1 when it started a task that does more than look (generate, check): only then is there something to remember. */
NODISCARD int exec_worked(struct store *s, int64_t id, struct err *err);
/* Deletes closed executions: idle ones that stopped before idle_ms, others before other_ms, never the newest of a
 * pipeline. Returns how many; at most 500, so that the transaction stays short: call again until 0. */
NODISCARD int exec_prune(struct store *s, int64_t idle_ms, int64_t other_ms, struct err *err);
#endif
