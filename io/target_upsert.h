#ifndef IO_TARGET_UPSERT_H
#define IO_TARGET_UPSERT_H
#include "io/target_stage.h"
/*
 * Rows by key. The rows of one object have gone to the stage; in the load's own transaction they come to the table:
 *
 *   repeated   a later line of the file has the same key (as the key's collation compares): the last one counts
 *   kept       the table's row is owned by a later (partition, generation): it stays
 *   unchanged  the same values: the row has a new owner, so that no older file takes it back
 *   updated    other values, and a new owner
 *   inserted
 *
 * Their sum is the number of rows loaded. Who owns a row is what its _orch_load_id says in the ledger; one without is
 * older than all. Replaced is by the same or a later (partition, generation): partitions compare as text.
 *
 * A load's record in the ledger (columns_json) counts and sums the rows that it owns. Whoever takes rows over takes them
 * from the record of their owner, in the same transaction: so what a load owns can be reconciled at any later time.
 */
struct upsert_counts {
    int64_t inserted, updated, unchanged, kept, repeated;
    int64_t owned; /* of them, as far as no later load has taken them */
};
/* The key by which names say that rows are told apart: a unique key of whole columns that are NOT NULL. names NULL or
 * empty: the primary key. ERR_TARGET in words where there is none. Borrowed from def. */
NODISCARD int target_upsert_key(const struct table *def, const char *const *names,
                                const struct table_key **ret, struct err *err);
/* Has the stage its index over the key? ERR_TARGET_SETUP else. */
NODISCARD int target_upsert_check(struct target *t, const struct table *def, const struct table_key *key,
                                  struct err *err);
/*
 * Within the open transaction of l, all of whose rows stand in the stage. def is the table. io_owned (made by sums_init,
 * its "used" says of which columns) gets the rows that l owns now, as they are in the table: compared before with what
 * the stage holds of them, so ERR_MISMATCH leaves nothing. target_load_rows(l) goes down by what the table refused. The
 * stage is empty of the load afterwards.
 */
NODISCARD int target_upsert_merge(struct load *l, const struct table *def, const struct table_key *key,
                                  struct sums *io_owned, stage_reject_fn *on_reject, void *arg,
                                  struct upsert_counts *ret, struct err *err);

/* What a ledger row or the state file keeps as columns, with the counts; columns is the JSON of sums_to_json, or NULL. */
json_t *upsert_to_json(const struct upsert_counts *c); /* returns owned */
/* 1: the text has them; 0: it has none (an append, or verify: count before). */
NODISCARD int upsert_from_text(const char *columns, struct upsert_counts *ret, struct err *err);
void upsert_add(struct upsert_counts *a, const struct upsert_counts *b);
#endif
