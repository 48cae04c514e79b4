#ifndef STEPS_REJECTS_H
#define STEPS_REJECTS_H
#include "state/queue.h"
#include "state/reject.h"
#include "steps/step.h"
/* Rejects after the load: their bytes at the source, what a person decides, and their second try. */

/*
 * reject_slice.c: parts of an object as its records stand in it, decompressed, offsets ascending. The identity that was
 * loaded must hold: ERR_OBJECT_CHANGED, ERR_NOT_FOUND. l is borrowed until close.
 */
struct slices;
NODISCARD int slices_open(struct step_ctx *c, const struct load_row *l, struct slices **ret, struct err *err);
NODISCARD int slices_read(struct slices *s, int64_t offset, int64_t n,
                          int (*fn)(void *arg, const void *p, size_t n, struct err *err), void *arg,
                          struct err *err);
void slices_close(struct slices *s); /* NULL is fine */

/*
 * reject_parse.c: the record that these bytes are by the dialect, as if it stood at line and offset of its file. 1: it
 * is one, *ret lives until reject_parse_end; 0: not, *ret_why says why.
 */
struct reject_parse;
NODISCARD int reject_parse(const struct csv_dialect *d, const struct reject *r, struct csv_record *ret,
                           struct reject_info *ret_why, struct reject_parse **ret_owned, struct err *err);
void reject_parse_end(struct reject_parse *p); /* NULL is fine */

/* reject_verdicts.c: what the target's ledger says of rejects, into the state file. load_id 0: of the whole pipeline, and
 * what it does not confirm is open again; else of this load, whose rejects were read again. */
NODISCARD int step_reject_verdicts(struct step_ctx *c, struct target *t, int64_t load_id, struct err *err);

/* reject_copy.c: the PENDING rejects of the load into the pipeline's own table of them, if it wants one: within the load's
 * transaction, after the rejects went to the state file and before target_load_commit. */
struct load;
struct reject_owner; /* io/target_rejects.h */
NODISCARD int step_rejects_copy(struct step_ctx *c, struct load *load, const struct reject_owner *o,
                                struct err *err);

/* discard_rejects.c: a person gives up the FINAL ones that the filter takes: the ledger first, then the state file. Again:
 * goes on. *ret_n: how many. */
struct reject_ask {
    struct reject_filter filter;
    const char *who, *reason;
};
NODISCARD int step_discard_rejects(struct step_ctx *c, const struct reject_ask *a, int64_t *ret_n,
                                   struct err *err);
#endif
