#ifndef ORCHESTRATOR_VIEW_H
#define ORCHESTRATOR_VIEW_H
#include "orchestrator/cmd.h"
/* What the state file says of a pipeline's partitions, as JSON: status prints it, replay decides by it. */

/*
 * Every closed partition of the pipeline in [from, to] (NULL: since, until), in order, whether orch has met
 * it or not: {partition, state, since, listed, reason, objects, rows_read, rows_loaded, rows_rejected,
 * unverifiable, jobs: [...]}. state is the partition's own, or the worst of its jobs'. Owned.
 */
NODISCARD int view_partitions(struct store *s, const struct pipeline *p, const char *from, const char *to,
                              int64_t now_ms, json_t **ret_owned, struct err *err);
/* The last closed partition that the pipeline wants at now_ms; false: none yet. */
bool view_newest(const struct pipeline *p, int64_t now_ms, int64_t *ret_start_ms);
bool view_is_well(
    const json_t *partition); /* RECONCILED, EMPTY, SKIPPED, ADOPTED, and LOADED of lineage none */
const char *view_glyph(const char *state);              /* ● ✖ ▲ · ≠ – */
const char *view_str(const json_t *o, const char *key); /* "" when missing or null */
int64_t view_int(const json_t *o, const char *key);
#endif
