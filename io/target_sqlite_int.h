#ifndef IO_TARGET_SQLITE_INT_H
#define IO_TARGET_SQLITE_INT_H
#include "io/target_int.h"
#include <sqlite3.h>
/* Inside the SQLite engine: target_sqlite.c connects and runs, _schema.c reads and makes tables, _load.c puts rows in. */
struct sqlite_db {
    sqlite3 *db;
    const struct beat *beat;
    int timeout_ms, beat_rc;
    int64_t busy_since_ms;
    struct err beat_err; /* where beat_rc < 0: why a wait for the lock was given up */
};
int sqlite_fail(struct target *t, int code, struct err *err);
int sqlite_quote(const char *name, bool qualified, struct buf *ret, struct err *err);
/* target_sqlite_schema.c */
int sqlite_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err);
int sqlite_create_ddl(struct target *t, const char *table, const char *const *names, const char *const *types,
                      size_t count, struct buf *ret, struct err *err);
/* target_sqlite_load.c */
void sqlite_add_functions(
    sqlite3 *db); /* orch_sum, orch_real, orch_large, orch_crc: exact, as io/sums.h says */
int sqlite_insert_open(struct load *l, struct err *err);
int sqlite_insert_rows(struct load *l, const struct batch *b, struct err *err);
void sqlite_insert_close(struct load *l);
/* target_sqlite_sums.c */
int sqlite_full_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                     struct err *err);
int sqlite_sum_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                    struct err *err);
int sqlite_text_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err);
#endif
