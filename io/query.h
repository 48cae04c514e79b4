#ifndef IO_QUERY_H
#define IO_QUERY_H
#include "base/json.h"
#include "io/target.h"
/*
 * Statements of somebody's own, on a connection of their own, in one transaction: all of them, or none. Values are bound.
 * They run in a thread, so that a beat that says no ends them wherever they are: MySQL by KILL QUERY from a second
 * connection, and by its socket where that does not help, SQLite by sqlite3_interrupt.
 *
 * Each gives {"rows": [{column: value}], "affected": n}; affected: rows matched by UPDATE, inserted or deleted, 0 of one that
 * gives rows. Whole numbers of 64 bits are numbers, DECIMAL without fraction digits too; what a JSON number here, which is a
 * double, could not hold is text with all its digits: DECIMAL with them, BIGINT UNSIGNED beyond 2^63. DOUBLE is a number,
 * times are the server's text, bytes are hex. Text that is no UTF-8 is ERR_BAD_ENCODING, a column's name twice ERR_CONTRACT.
 */
struct query_statement {
    const char *sql;
    const json_t *values; /* array; NULL: none */
};
struct query { /* borrowed for the call */
    const struct target_config *target;
    const struct query_statement *statements;
    size_t count;
    const char *key;  /* MySQL: @orch_key of the session, SQLite: what :orch_key stands for; NULL: none */
    size_t max_bytes; /* of all rows, as JSON; more is ERR_TOO_LARGE */
    int64_t limit_ms; /* how long the server may be silent */
    const struct beat *beat;
};
/* *ret_owned: an array, one for each statement. Where the answer to COMMIT was lost, the message says so. */
NODISCARD int query_run(const struct query *q, json_t **ret_owned, struct err *err);
#endif
