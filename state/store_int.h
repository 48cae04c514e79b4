#ifndef STATE_STORE_INT_H
#define STATE_STORE_INT_H
/* Shared by state/ alone: statements of sql/queries/, prepared once a store and kept. */
#include "sql_state.h" /* generated: enum sql_state_id { SQL_STATE_EXEC_GET, ... } */
#include "state/store.h"
#include <sqlite3.h>

/* The statement, reset and with its bindings cleared. Borrowed; one use at a time. */
NODISCARD int store_stmt(struct store *s, enum sql_state_id id, sqlite3_stmt **ret, struct err *err);
/* 1: a row, 0: done (and reset), <0: error (and reset). */
NODISCARD int stmt_step(struct store *s, sqlite3_stmt *st, struct err *err);
/* Runs a statement that gives no rows; the number of rows changed. */
NODISCARD int stmt_run(struct store *s, sqlite3_stmt *st, struct err *err);
/* Binding cannot fail but for memory or a bug in the index: both abort. Text is copied; NULL binds NULL. */
void bind_i64(sqlite3_stmt *st, int i, int64_t v);
void bind_i64_or_null(sqlite3_stmt *st, int i, int64_t v); /* 0 binds NULL */
void bind_text(sqlite3_stmt *st, int i, const char *text);
void bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n);
char *col_text(sqlite3_stmt *st, int i);       /* returns owned; NULL for NULL. BLOBs too, NUL-terminated */
int64_t col_i64(sqlite3_stmt *st, int i);      /* 0 for NULL */
int64_t store_last_id(struct store *s);
/* store_begin, then task_guard when token is not NULL; rolls back on failure. Every write of a step starts here. */
NODISCARD int store_step_begin(struct store *s, const char *token, struct err *err);
/* From the SQLite result code: FULL/ENOSPC -> ERR_DISK_FULL, BUSY -> ERR_BUSY, READONLY/PERM/CANTOPEN, CORRUPT ... */
int store_err(struct store *s, int sqlite_rc, struct err *err, const char *what);
#endif
