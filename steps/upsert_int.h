#ifndef STEPS_UPSERT_INT_H
#define STEPS_UPSERT_INT_H
#include "io/target_upsert.h"
#include "steps/object_int.h"
/* Mode upsert, for the steps alone: what one load, reconciliation and diff do otherwise than where rows are appended. */
/* Fills u where the pipeline is of mode upsert; ERR_TARGET, ERR_TARGET_SETUP where table or stage are not made for it. */
NODISCARD int upsert_open(const struct pipeline *p, struct target *t, const struct table *def,
                          struct upsert *u, struct err *err);
void upsert_release(struct upsert *u);

/* The ledger's record of a load, if it was an upsert, or a later upsert (of whichever pipeline) took rows from it: what it
 * owns of the table now. 1: *ret_columns (owned) and *ret_rows; 0: what the state file knows is all there is. */
NODISCARD int upsert_record(struct target *t, const struct load_row *l, char **ret_columns, int64_t *ret_rows,
                            struct err *err);
/* Which rows of the batch stand in the table under the load's id: one byte a row, 1 or 0. */
NODISCARD int upsert_present(struct target *t, const struct table *def, int64_t load_id,
                             const struct batch *b, char *ret, struct err *err);
#endif
