#ifndef ORCHESTRATOR_ENGINE_H
#define ORCHESTRATOR_ENGINE_H
#include "orchestrator/config.h"
#include "orchestrator/interp.h"
#include "orchestrator/resource_map.h"
#include "state/exec.h"
/*
 * claim -> decide (pure) -> act (no transaction open) -> apply (one transaction), and every arrow may be the last thing
 * that this process ever does.
 */
struct engine;
NODISCARD int engine_new(const struct config *c, struct store *s, struct engine **ret, struct err *err);
void engine_free(struct engine *e);
/* T0. name NULL: made from pipeline, time and random. The definition is checked, its resources known, and pinned by
 * sha256. deadline from TimeoutSeconds. */
NODISCARD int engine_start(struct engine *e, const struct pipeline *p, const char *name,
                           const char *cause_of_start, const json_t *input, int64_t *ret_id, struct err *err);
/* The same of a definition that no pipeline works: a state machine by its name, which no pipeline or extract has. */
struct engine_own {
    const char *machine;
    const char *definition; /* text */
    size_t n;
    const char *map, *map_name; /* text of a resource map, kept with it, and its file; NULL: none */
    size_t map_n;
};
NODISCARD int engine_start_own(struct engine *e, const struct engine_own *o, const char *name,
                               const json_t *input, int64_t *ret_id, struct err *err);
enum engine_result {
    ENGINE_HELD,    /* a living owner has it */
    ENGINE_WAITING, /* Wait or Retry: *ret_wake_ms */
    ENGINE_ENDED,   /* closed by us */
    /* SIGTERM: the claim is released, the task stays STARTED. Whoever claims next finds a task without an owner, as after
     * a crash: States.HeartbeatTimeout, and the document's Retry decides. */
    ENGINE_STOPPED,
};
/* Claims (lock file, both takeovers), works until it ends, waits, or is stopped. *ret_wake_ms for ENGINE_WAITING. */
NODISCARD int engine_work(struct engine *e, int64_t execution_id, enum engine_result *ret,
                          int64_t *ret_wake_ms, struct err *err);
/* Set by signal handlers: polled in every beat. */
extern volatile int engine_stop_signal;
struct stop_ask {
    const char *error, *cause; /* NULL: none */
    /* For the audit, in the transaction that asks; who NULL: it is noted already. */
    const char *who, *verb, *reason;
};
/* orch stop: ABORTED; where a living owner works it, asks, and it obeys within seconds. */
NODISCARD int engine_stop(struct engine *e, int64_t execution_id, const struct stop_ask *a, struct err *err);
/* Deletes the lock files that killed processes left. Returns how many. */
NODISCARD int engine_sweep(struct engine *e, struct err *err);
/* Every Task: a step of ours, and only parameters that it knows; or bound to one by the map (NULL: none). ERR_WORKFLOW names
 * state, parameter and the nearest. */
NODISCARD int engine_check_tasks(const struct asl *a, const struct resource_map *map, struct err *err);
NODISCARD int engine_check_task(const struct asl *a, const char *state, const char *resource,
                                struct err *err);
/* The context object of an execution: Execution and StateMachine of $$. Owned; NULL where its names are not UTF-8. */
json_t *engine_context(const struct execution *x, const json_t *input);
extern int64_t engine_max_events; /* of an execution: MAX_TRANSITIONS; tests lower it */
extern int engine_steps_at_once;  /* decisions that share a transaction: 100; benches and tests lower it */
/* step_by_resource; tests bring their own. */
extern const struct step_type *(*engine_step_lookup)(const char *resource);
#endif
