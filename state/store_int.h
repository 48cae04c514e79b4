#ifndef STATE_STORE_INT_H
#define STATE_STORE_INT_H
/* Shared by state/ alone: statements of sql/queries/, prepared once a store and kept. */
#include "sql_state.h" /* generated: enum sql_state_id { SQL_STATE_EXEC_GET, ... } */
#include "state/store.h"
#include <sqlite3.h>

/*
 * The statement, with its bindings cleared. Borrowed; one use at a time: ERR_INTERNAL while rows of it are still being
 * read. Who stops before stmt_step said 0 calls stmt_done, or the next store_begin is refused.
 */
NODISCARD int store_stmt(struct store *s, enum sql_state_id id, sqlite3_stmt **ret, struct err *err);
/* 1: a row, 0: done (and reset), <0: error (and reset). */
NODISCARD int stmt_step(struct store *s, sqlite3_stmt *st, struct err *err);
void stmt_done(sqlite3_stmt *st); /* NULL is fine */
/* Runs a statement that gives no rows; the number of rows changed. A write outside a transaction is ERR_INTERNAL. */
NODISCARD int stmt_run(struct store *s, sqlite3_stmt *st, struct err *err);
/* Binding cannot fail but for memory or a bug in the index: both abort. Text is copied; NULL binds NULL. */
void bind_i64(sqlite3_stmt *st, int i, int64_t v);
void bind_i64_or_null(sqlite3_stmt *st, int i, int64_t v); /* 0 binds NULL */
void bind_text(sqlite3_stmt *st, int i, const char *text);
void bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n);
char *col_text(sqlite3_stmt *st, int i);  /* returns owned; NULL for NULL. BLOBs too, NUL-terminated */
int64_t col_i64(sqlite3_stmt *st, int i); /* 0 for NULL */
int64_t store_last_id(struct store *s);
/* store_begin, then task_guard when token is not NULL; rolls back on failure. Every write of a step starts here. */
NODISCARD int store_step_begin(struct store *s, const char *token, struct err *err);
sqlite3 *store_db(struct store *s);
enum {
    STORE_APPLICATION_ID =
        0x6f726368 /* "orch": file(1) shows it, and a foreign database is never taken for ours */
};
int store_latest_version(void); /* of the schema, that this program knows */
/* Name of the network file system with this statfs magic, NULL when it is none: WAL does not work there. */
const char *store_network_fs(unsigned long magic);
/* store_stuck.c. pid that holds the lock which everybody waits for, 0 when none is found. */
long stuck_holder(const char *path);
/* 1: the holder was ended (and *said tells), 0: it may not be. db: to read claims with, may be NULL. */
int stuck_end(sqlite3 *db, const char *path, char *said, size_t said_size, char *why_not,
              size_t why_not_size);
/* 1: the process was an orch, and was ended. */
int stuck_end_process(long pid, unsigned long long start);
#endif
