#ifndef STEPS_DRIFT_H
#define STEPS_DRIFT_H
#include "steps/step.h"
/*
 * target.drift add-columns, before an object is loaded and outside of any transaction: where its header has names that
 * the table lacks, they become columns, nullable and typed wide by a sample of the object's cells. *io_def is then the
 * table as it is now. Any other policy, and a header without new names: nothing is done. Safe to be killed in and to be
 * run by several at a time: the statement is there whole or not at all, and a column that is there already is well.
 * ERR_SCHEMA where the header has more than MAX_DRIFT_COLUMNS new names: it is another file. part: for orch logs.
 * 1: columns were added, 0: nothing to do.
 */
NODISCARD int step_drift(struct step_ctx *c, struct target *t, const struct object_info *o, const char *part,
                         struct table **io_def, struct err *err);
#endif
