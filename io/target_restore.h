#ifndef IO_TARGET_RESTORE_H
#define IO_TARGET_RESTORE_H
#include "io/target.h"
/*
 * All rows of one table in one transaction: into a table that is there and empty, or is emptied in the same transaction
 * (DELETE: TRUNCATE would commit), or that is made. One that is made has another name until its rows are committed and
 * counted, and gets its own by RENAME TABLE: whenever it dies, the table is as it was, or whole. MySQL and MariaDB.
 *
 * Foreign keys are not looked at row by row (a row may refer to a later one; DELETE must not reach into other tables), but
 * before COMMIT: a row that refers to none, here or in a table that refers to this one, is ERR_BAD_VALUE.
 */
struct restore;
struct restore_spec {  /* borrowed */
    const char *table; /* "employees", "hr.employees" */
    const char
        *ddl;   /* CREATE TABLE as SHOW CREATE TABLE has it, its name replaced; NULL: the table is there */
    bool empty; /* rows that are there are deleted; without it one of them is ERR_CONTRACT */
};
/* Uses t's connection, for nothing else until it ends. ERR_BUSY: another restore of the table is under way. */
NODISCARD int restore_begin(struct target *t, const struct restore_spec *spec, struct restore **ret,
                            struct err *err);
/* The table that rows go to, for batches; borrowed. */
const struct table *restore_table(const struct restore *r);
/* 0: a table that is there can be restored into, as it is described; else why not. */
NODISCARD int restore_check(struct target *t, const struct table *def, bool empty, struct err *err);
/* b: columns of restore_table, the same ones each time; stays as it is until the next call is back. */
NODISCARD int restore_rows(struct restore *r, const struct batch *b, struct err *err);
/* What was read (sums_init, batch_sum) against what the table holds now; then COMMIT. Takes r. An error: nothing of it is
 * there, but for one whose native is TARGET_COMMIT_UNKNOWN: the answer to COMMIT was lost, or an error. */
NODISCARD int restore_commit(struct restore *r, const struct sums *read, struct err *err);
void restore_abort(struct restore *r); /* NULL is fine */

/* Does a column that is stored hold a date that no calendar has, 0000-00-00 or 2022-02-31? Reads the table. */
NODISCARD int target_has_odd_dates(struct target *t, const struct table *def, bool *ret, struct err *err);
#endif
