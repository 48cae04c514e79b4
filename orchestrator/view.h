#ifndef ORCHESTRATOR_VIEW_H
#define ORCHESTRATOR_VIEW_H
#include "orchestrator/cmd.h"
#include "state/queue.h"
/*
 * What the state file says of a pipeline's partitions: status, plan and explain tell it, replay, skip and reconcile
 * decide by it. One walk in order, whatever their number; nothing of a partition is kept once it was told.
 */
enum view_state { /* a partition's own, or the worst of its jobs'; the order of docs and of counts */
                  VIEW_DEAD,
                  VIEW_FAILED,
                  VIEW_MISMATCHED,
                  VIEW_PROCESSING,
                  VIEW_QUEUED,
                  VIEW_LOADED,
                  VIEW_RECONCILED,
                  VIEW_EMPTY,
                  VIEW_SKIPPED,
                  VIEW_ADOPTED,
                  VIEW_WAITING,
                  VIEW_LATE,
                  VIEW_STATES,
};
const char *view_state_name(enum view_state s);
const char *view_glyph(enum view_state s); /* ● ✖ ▲ · ≠ – */

struct upsert_counts;
struct view_part {
    const char *part; /* all text: borrowed while it is told */
    enum view_state state;
    const char *own; /* what its row says; "" where no tick has met it */
    const char *reason;
    int64_t since_ms, listed_ms; /* 0: not */
    bool unverifiable;           /* one of its jobs is */
    size_t job_count;
    const struct job
        *jobs; /* SUPERSEDED ones too; VIEW_OPEN: of settled ones state and n alone; VIEW_BRIEF: NULL */
    int64_t objects, bytes, rows_read, rows_loaded,
        rows_rejected; /* of the jobs that count and were read whole */
};
enum view_depth {
    VIEW_BRIEF, /* states alone, from an index */
    VIEW_OPEN,  /* and whole the jobs that are not settled */
    VIEW_WHOLE, /* all jobs whole */
};
/* VIEW_ENOUGH ends the walk, which gives it back. */
typedef int view_fn(void *arg, const struct view_part *p, struct err *err);
enum { VIEW_ENOUGH = 1000 };
/*
 * Every partition of the pipeline in [from, to] (NULL: since, until) that is closed, whether orch has met it or not,
 * and every one that orch has met, in order.
 */
NODISCARD int view_each(struct store *s, const struct pipeline *p, const char *from, const char *to,
                        int64_t now_ms, enum view_depth depth, view_fn *fn, void *arg, struct err *err);
bool view_part_is_well(
    const struct view_part *p); /* RECONCILED, EMPTY, SKIPPED, ADOPTED, LOADED of lineage none */

/*
 * The same, whole, as JSON in memory: {partition, state, since, listed, reason, objects, rows_read, rows_loaded,
 * rows_rejected, unverifiable, jobs: [...]}. For commands that are given a range. Owned.
 */
NODISCARD int view_partitions(struct store *s, const struct pipeline *p, const char *from, const char *to,
                              int64_t now_ms, json_t **ret_owned, struct err *err);
json_t *view_job_json(const struct job *j); /* owned */
/* What became of a job's rows where the pipeline puts them by key, as each was loaded: 1; 0: nothing to say. */
NODISCARD int view_upsert(struct store *s, const struct pipeline *p, int64_t job_id,
                          struct upsert_counts *ret, struct err *err);
bool view_is_well(const json_t *partition);
/* The last closed partition that the pipeline wants at now_ms; false: none yet. */
bool view_newest(const struct pipeline *p, int64_t now_ms, int64_t *ret_start_ms);
const char *view_str(const json_t *o, const char *key); /* "" when missing or null */
int64_t view_int(const json_t *o, const char *key);
#endif
