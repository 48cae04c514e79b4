#ifndef IO_TARGET_CHUNKS_H
#define IO_TARGET_CHUNKS_H
#include "io/target.h"
/*
 * An object that is larger than a transaction should be, in the target's ledger: chunk 0 is its plan, committed before
 * anything else; chunks 1, 2 ... are committed one by one, in any order, each with its rows; when none is missing a last
 * transaction seals them, and chunk 0 says LOADED. A chunk is the records that begin in its slice of the inflated bytes,
 * so the same plan cuts the same object in the same places, whoever reads it.
 */
struct chunk_plan {
    int64_t bytes;  /* of a slice: chunk n is [(n-1)*bytes, n*bytes) */
    bool staged;    /* rows wait in the staging table until the seal */
    char rules[65]; /* sha256 over dialect, rules and table: another one would not give the same rows */
    bool revoking;  /* somebody began to take it back: go on with that */
};
/* The plan of a load, if there is one. 1/0 */
NODISCARD int target_plan_get(struct target *t, int64_t load_id, struct chunk_plan *ret, struct err *err);
/* Loads of the pipeline that have one: at most max, their number is returned. */
NODISCARD int target_plans(struct target *t, const char *pipeline, int64_t *ret_ids, size_t max,
                           struct err *err);
/* Commits the plan under the fence. row: the object, as for target_load_commit. */
NODISCARD int target_plan_put(struct target *t, const struct ledger_row *row, const struct chunk_plan *plan,
                              int64_t epoch, struct err *err);
/*
 * Takes back what is there of it, rows from `from` (the table, or the staging table), chunk by chunk, each under the
 * fence (counted in *io_commits), and forgets the plan last. May be killed and called again. No plan: nothing to do.
 */
NODISCARD int target_plan_revoke(struct target *t, const struct table *from, const char *pipeline,
                                 int64_t load_id, int64_t epoch, int64_t *io_commits, struct err *err);
#endif
