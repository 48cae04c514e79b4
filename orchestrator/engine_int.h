#ifndef ORCHESTRATOR_ENGINE_INT_H
#define ORCHESTRATOR_ENGINE_INT_H
/* Shared by engine.c (start, claim, stop), engine_run.c (the loop over one claimed execution) and engine_tree.c (its frames
 * and their rows). */
#include "io/hash.h"
#include "orchestrator/engine.h"
#include "orchestrator/lock.h"
#include "orchestrator/machine.h"
#include "state/exec.h"

enum {
    LEASE_MS = 90000,
    LEASE_MIN_MS = 10000
}; /* no task sets it below: a slow disk must not look like a death */

struct engine {
    const struct config *config;
    struct store *store;
    char *locks;  /* folder of the lock files */
    char *worker; /* host:pid */
    struct asl
        *asl; /* the definition that was read last, and its sha256: most often the next one is the same */
    char asl_sha256[SHA256_HEX];
    const struct pipeline *io_of; /* whose source and target are open */
    struct step_io *io;
    /* For the metrics: executions that were taken over from us; tasks that learned from the flag or the target's fence
     * that another run has the pipeline. */
    int64_t lease_lost, fenced;
};

/* Why a beat ended a step. */
enum why { WHY_NONE, WHY_SIGNAL, WHY_LOST, WHY_FLAG, WHY_STOP, WHY_DEADLINE, WHY_TASK_TIMEOUT };

/* One execution while this process holds its claim. */
struct run {
    struct engine *e;
    struct execution x;
    int64_t claim;
    struct lock *lock;
    /* NULL: a definition of its own; or no longer in the config, good for closing only */
    const struct pipeline *pipeline;
    const struct asl *asl;    /* the engine's */
    struct resource_map *map; /* NULL: none */
    json_t *context;
    struct machine *m; /* as committed, and what the open transaction adds */
    struct task t;     /* the one that is worked */
    struct step_ctx ctx;
    enum why why;
    bool broken; /* m stopped in the midst of a step: it is not to be flushed */
    int64_t lease_ms, renewed_mono, beat_mono, task_mono;
    uint64_t random; /* drawn for each transaction, and moved on with each decision in it */
};

/* What a tick starts: only where no execution of the pipeline is RUNNING and, with fire_ms >= 0, nobody has acted on that
 * fire yet; both are asked in the transaction that makes the execution. 1 started, 0 not. */
NODISCARD int engine_start_one(struct engine *e, const struct pipeline *p, const char *cause_of_start,
                               int64_t fire_ms, const json_t *input, int64_t *ret_id, struct err *err);
/* Works until it ends, waits, or is lost. The claim is given up in every case but an error of the state file, where the
 * lock's end says it. */
NODISCARD int run_loop(struct run *r, enum engine_result *ret, int64_t *ret_wake_ms, struct err *err);
/* Closes it from outside the definition: ABORTED, TIMED_OUT, FAILED (event type and details' key go with the status). */
NODISCARD int run_close(struct run *r, const char *status, const char *error, const char *cause,
                        struct err *err);

/* Frames that are read, into r->m. */
NODISCARD int tree_load(struct run *r, struct err *err);
/* Inside a transaction: what a step yields; takes what *s holds. */
NODISCARD int tree_write(struct run *r, struct machine_step *s, int64_t now_ms, struct err *err);
/* At the end of one: the frames that its steps have changed. */
NODISCARD int tree_flush(struct run *r, struct err *err);
#endif
