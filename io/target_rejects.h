#ifndef IO_TARGET_REJECTS_H
#define IO_TARGET_REJECTS_H
#include "io/target.h"
/*
 * What the target holds of rejects: orch_reject says of each that is no longer open what became of it, so that a lost
 * state file forgets nothing; a table of the user's choice holds a copy of the open ones, where the pipeline wants one.
 */
struct target_verdict {
    int64_t load_id, line, at_ms;
    const char *verdict; /* REPLAYED, DISCARDED */
    const char *who, *reason;
};
typedef int verdict_fn(void *arg, const struct target_verdict *v, struct err *err); /* strings for the call */
/* By load id and line; load_id 0: of every load of the pipeline. A target that was set up before there was such a table
 * has none. ERR_ACCESS_DENIED where the user may not read it. */
NODISCARD int target_verdicts(struct target *t, const char *pipeline, int64_t load_id, verdict_fn *fn,
                              void *arg, struct err *err);

/* --- the copy --- */
struct reject_copy {
    int64_t line, offset, raw_total, at_ms;
    const char *column, *code, *message;
    const void *raw;
    size_t raw_n;
};
NODISCARD int target_copy_setup(struct target *t, const char *table, struct err *err); /* idempotent */
NODISCARD int target_copy_ddl(struct target *t, const char *table, struct buf *ret, struct err *err);
struct reject_owner {
    int64_t load_id;
    const char *key;  /* NULL: it has none to write */
    int64_t replaces; /* load id whose copies go; 0: none */
};
/* Inside the load's own transaction, before target_load_commit: away with the copies of the generation that is replaced
, and in with those of one of its objects. */
NODISCARD int target_rejects_forget(struct load *l, const char *table, int64_t load_id, struct err *err);
NODISCARD int target_rejects_write(struct load *l, const char *table, const struct reject_owner *o,
                                   const struct reject_copy *rows, size_t n, struct err *err);

/* --- decisions --- */
struct reject_decision {
    const char *pipeline;
    int64_t load_id;
    const int64_t *lines; /* ascending */
    size_t n;
    const char *who, *reason;
    int64_t at_ms;
    const char *copy; /* table of the copy; NULL: none */
};
/* DISCARDED, in one transaction that writes the fence; of what was decided before, nothing changes. */
NODISCARD int target_rejects_discard(struct target *t, const struct reject_decision *d, struct err *err);

/*
 * Rejects of a load that is in the ledger, loaded after all: rows under its load id and their own lines, the ledger's
 * counts and sums, and the verdicts, in one transaction whose last statement writes the fence under spec->epoch. spec as
 * for target_load_begin; then target_load_batch, target_replay_check, target_replay_commit or target_load_abort.
 * begin: *ret_columns, owned, is the ledger's columns_json ("" none). ERR_CONTRACT where the ledger has no such load.
 */
NODISCARD int target_replay_begin(struct target *t, const struct load_spec *spec, struct load **ret,
                                  char **ret_columns, struct err *err);
/* The row of b as it is stored now, cell by cell. ERR_MISMATCH names the column. */
NODISCARD int target_replay_check(struct load *l, const struct batch *b, size_t row, struct err *err);
/* A reject that stays one, for another reason, in the copy. */
NODISCARD int target_replay_reason(struct load *l, const char *copy, const struct reject_copy *row,
                                   struct err *err);
/* columns: the new columns_json, "" none. Frees l. The outcome is as certain as target_load_commit's. */
NODISCARD int target_replay_commit(struct load *l, const struct reject_decision *d, const char *columns,
                                   struct err *err);
#endif
