#ifndef IO_TARGET_STAGE_INT_H
#define IO_TARGET_STAGE_INT_H
#include "io/target_int.h"
#include "io/target_stage.h"
/* From stage to table, for target_stage.c and target_upsert.c. */
struct stage_move {
    struct load *l;
    const struct table *def; /* the table */
    char stage[STAGE_NAME_SIZE];
    stage_reject_fn *on_reject;
    void *arg;
    /* Before a refused row leaves the stage: what was counted of it is to be taken back. NULL: nothing. */
    int (*undo)(void *undo_arg, int64_t line, struct err *err);
    void *undo_arg;
    bool keeps; /* a refused row stays in the stage */
    int64_t rows, refused;
};
/* The marks of the queries in mysql_stage.sql and sqlite_stage.sql; what a query has not may be NULL. */
struct stage_words {
    const char *to, *from, *match, *same, *equal, *set, *absent, *sums;
};
NODISCARD int stage_sql(struct stage_move *m, const char *query, const struct stage_words *w, struct buf *ret,
                        struct err *err);
/* "a,b," of the filled columns, and "s.a,s.b,": for INSERT. */
NODISCARD int stage_columns(const struct stage_move *m, const char *prefix, struct buf *ret, struct err *err);
/*
 * One statement (load id, from, to) under a savepoint; where the server refuses a row of it, in halves, down to the row,
 * which is reported. m->rows and m->refused go on.
 */
NODISCARD int stage_move_range(struct stage_move *m, const char *sql, int64_t from, int64_t to,
                               struct err *err);
/* Rows of the load in these lines of the stage. */
NODISCARD int stage_count(struct stage_move *m, int64_t from, int64_t to, int64_t *ret, struct err *err);
/* Deletes the load's rows from the stage, in ranges, in the transaction that is open. */
NODISCARD int stage_empty(struct target *t, const char *stage, int64_t load_id, struct err *err);
/* The index over (load id, key) is there: ERR_TARGET_SETUP else. */
NODISCARD int stage_check_key(struct target *t, const struct table *def, const struct table_key *key,
                              struct err *err);
#endif
