#ifndef ORCHESTRATOR_TICK_INT_H
#define ORCHESTRATOR_TICK_INT_H
/* Shared by tick.c (what to work) and tick_say.c (what to tell). */
#include "orchestrator/engine_int.h"
#include "orchestrator/tick.h"

/* What one pipeline is at. */
struct flow {
    const struct pipeline *p;
    bool started;    /* its schedule (or force) was looked at in this tick */
    bool asked;      /* a request has queued work for it: worked now, whatever the schedule says */
    bool more;       /* an execution has ended and there is another job to work at once */
    int64_t wake_ms; /* > 0: an execution waits until then */
    int64_t job_id;  /* that was next when the last execution was started: the same again is no progress */
    int64_t retry_count;
    bool pause_said;    /* to whoever runs a paused pipeline by hand */
    struct err refused; /* code != 0: it could not even be started */
    /* For the metrics (tick_count.c). */
    int64_t anchor_ms, last_fire_ms; /* of its schedule, before this tick acted */
    bool held;                       /* another run has it */
    int64_t missed_no_tick, missed_running, missed_backoff;
};

struct tick {
    const struct config *config;
    struct store *store;
    const struct tick_options *o;
    struct engine *engine;
    struct flow *flows;
    size_t flow_count;
    int64_t own_wake_ms; /* > 0: an execution of a definition of its own waits until then */
    int64_t linger_left_ms;
    int64_t jobs; /* executions started in this tick */
    int status;   /* exit status so far */
    bool held;    /* a living owner has what was to do */
    /* Failures of runs of this very tick: what `orch run` answers with, said before or not. */
    char failed_name[128], failed_text[1500];
    const char *failed_hint;
    int failed_status;
    int64_t began_mono;
    bool unaccounted; /* that last_tick cannot be written or read has been said */
};
/* "orch: text" on stderr, one paragraph, whatever bytes are in it. hint may be "". */
void tick_print(const char *where, const char *text, const char *hint);
/* tick_count.c. What goes round the tick; tick_ended returns rc, or how counting failed where rc was well. */
void tick_begun(struct tick *t);
NODISCARD int tick_ended(struct tick *t, int rc, struct err *err);
/* An execution was started by this fire: those between it and the one acted on before had none of their own. */
NODISCARD int tick_count_missed(struct tick *t, struct flow *f, int64_t execution_id, int64_t fire_ms,
                                struct err *err);
/* tick_own.c. Executions of definitions of their own: each as far as it goes. */
NODISCARD int tick_own(struct tick *t, struct err *err);
/* Faults of the state file, which end the tick; any other is of one execution. */
bool tick_is_of_state_file(enum err_code code);
/* tick_pause.c. 1: paused, and nobody asks by hand. */
NODISCARD int tick_paused(struct tick *t, struct flow *f, struct err *err);
/* Lists the source of a paused pipeline, and starts nothing. */
NODISCARD int tick_look(struct tick *t, struct flow *f, int64_t fire_ms, struct err *err);
/* Troubles: compared with what was said, told, sent to alerts.command. Raises t->status. */
NODISCARD int tick_say(struct tick *t, struct err *err);
#endif
