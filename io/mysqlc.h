#ifndef IO_MYSQLC_H
#define IO_MYSQLC_H
#include "io/sqlval.h"
#include "io/target.h"
/*
 * The one door to the MySQL client library, MariaDB's Connector/C or Oracle's libmysqlclient: a connection, statements
 * with bound values, rows in bulk. Knows no table of ours. LOCAL INFILE gives no file of this machine to any server, only
 * rows from memory in mysqlc_infile. Of what a server sends a packet has MAX_DB_PACKET bytes at
 * most, and reports of progress are heard for three time-outs. Nothing reconnects by itself: a connection that broke took its transaction with it,
 * and whoever holds it must know.
 *
 * Errors: no server, or one that may not write now, ERR_UNAVAILABLE; no answer in time ERR_TIMEOUT; deadlock, lock
 * wait, killed or broken connection ERR_TRANSIENT; rights and TLS ERR_ACCESS_DENIED; a value that the server refuses
 * ERR_BAD_VALUE, a repeated key ERR_DUPLICATE_KEY; the rest ERR_TARGET. err->native is the server's number.
 */
struct mysqlc;
struct mysqlc_config { /* borrowed for the call */
    const char *host, *socket, *user, *password,
        *database; /* socket NULL: TCP; password, database NULL: none */
    unsigned port;
    enum tls_mode tls;
    const char *ca_file, *cert_file, *key_file; /* NULL: the system's bundle; none */
    int timeout_ms;                             /* connect, read, write */
};
NODISCARD int mysqlc_open(const struct mysqlc_config *c, struct mysqlc **ret, struct err *err);
void mysqlc_close(struct mysqlc *c); /* the server rolls back; NULL is fine */
bool mysqlc_is_mariadb(const struct mysqlc *c);
bool mysqlc_has_arrays(const struct mysqlc *c);     /* binds arrays of rows */
const char *mysqlc_version(const struct mysqlc *c); /* "10.11.19", "9.7.4" */
const char *mysqlc_cipher(const struct mysqlc *c);  /* NULL: clear text */
int64_t mysqlc_id(const struct mysqlc *c);          /* of the connection, on the server that it was made to */
int mysqlc_socket(const struct mysqlc *c);          /* to be shut down, nothing else */
void mysqlc_threads_begin(void);                    /* before several threads open the first ones */
void mysqlc_thread_end(void);                       /* the last call of a thread that had a connection */
/* Did an error end the connection? Then only mysqlc_close is left. */
bool mysqlc_is_lost(const struct mysqlc *c);
/* Asks the server, if it has not answered for longer than idle_ms. */
NODISCARD int mysqlc_ping(struct mysqlc *c, int64_t idle_ms, struct err *err);
/*
 * Runs one statement with its values bound. fn (may be NULL) gets the rows once the whole result is here, so it may
 * run other statements. *ret_rows (may be NULL): rows matched by UPDATE, inserted, deleted or returned.
 * *ret_warnings (may be NULL): their number; a warning is no error here.
 */
NODISCARD int mysqlc_run(struct mysqlc *c, const char *sql, const struct val *values, size_t count,
                         row_fn *fn, void *arg, int64_t *ret_rows, unsigned *ret_warnings, struct err *err);
/* What the server makes of a statement, without running it: its marks, and whether it gives rows. */
NODISCARD int mysqlc_look(struct mysqlc *c, const char *sql, size_t *ret_marks, bool *ret_gives_rows,
                          struct err *err);
/* Rows as they come, in the memory of one, while the statement runs: fn may ask nothing else of the connection, and a
 * negative answer of it ends the connection too. */
NODISCARD int mysqlc_scan(struct mysqlc *c, const char *sql, row_fn *fn, void *arg, struct err *err);
/* The same, each cell with its column's name: for SHOW, whose columns differ from server to server. */
struct named_cell {
    const char *name;
    struct str value; /* p NULL: NULL */
};
typedef int named_fn(void *arg, const struct named_cell *cells, size_t count, struct err *err);
NODISCARD int mysqlc_show(struct mysqlc *c, const char *sql, named_fn *fn, void *arg, struct err *err);
/* Without values or result, in the text protocol: SET, START TRANSACTION, SAVEPOINT, KILL, DDL. */
NODISCARD int mysqlc_exec(struct mysqlc *c, const char *sql, struct err *err);

/* Rows in bulk: column arrays into "INSERT INTO t(a,b) VALUES". */
enum bulk_kind { BULK_I64, BULK_U64, BULK_DOUBLE, BULK_TEXT, BULK_BLOB };
struct mysqlc_column {
    enum bulk_kind kind;
    const void *values;           /* int64_t[], uint64_t[], double[], const char *[] */
    const unsigned long *lengths; /* BULK_TEXT, BULK_BLOB */
    const char *nulls;            /* 1: NULL; NULL: no row is */
    const int64_t *mantissa;      /* BULK_DOUBLE: the value's shortest decimal, for mysqlc_infile */
    const int16_t *exp10;
    bool is_year; /* of mysqlc_infile: 0 is written as 0000, for the server takes the text 0 for 2000 */
};
struct mysqlc_bulk;
/* head: up to and with "VALUES "; row: "(?,?,42,?)" with as many marks as columns (at least one). Borrows c. */
NODISCARD int mysqlc_bulk_new(struct mysqlc *c, const char *head, const char *row, size_t columns,
                              struct mysqlc_bulk **ret, struct err *err);
/* Rows [from, from + rows) of the arrays: one statement where the server takes arrays, else several. */
NODISCARD int mysqlc_bulk_insert(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from,
                                 size_t rows, int64_t *ret_rows, unsigned *ret_warnings, struct err *err);
/*
 * The same in two halves, so that the caller reads its file while the server works: start sends the rows, finish waits
 * for the answer and tells every error, that of sending too. Between the two nothing else may be asked on the
 * connection. The arrays are read by start alone. Where the library or server cannot, start does it all.
 */
void mysqlc_bulk_start(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from, size_t rows);
NODISCARD int mysqlc_bulk_finish(struct mysqlc_bulk *b, int64_t *ret_rows, unsigned *ret_warnings,
                                 struct err *err);
/*
 * Rows [0, rows) of each part by the statement "LOAD DATA LOCAL INFILE 'x' INTO TABLE t CHARACTER SET utf8mb4 FIELDS TERMINATED
 * BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (columns)", as text from memory. The server ignores and bends what it
 * does not like: only without a warning, and with as many rows as were sent, has all of it gone in as it is.
 */
struct mysqlc_part {
    const struct mysqlc_column *cols;
    size_t rows;
};
NODISCARD int mysqlc_infile(struct mysqlc *c, const char *sql, const struct mysqlc_part *parts, size_t count,
                            size_t columns, int64_t *ret_rows, unsigned *ret_warnings, struct err *err);
/*
 * Ahead of the server: send gives the next rows before the last ones are answered, so that the server never waits for
 * us; answers come in the order of sending, one for each send, at most MYSQLC_AHEAD outstanding. Nothing else may be asked
 * on the connection meanwhile. An array that is refused is taken back whole by the server, but what was sent behind it is
 * not: who gets an error rolls back. can: not with every library and server.
 */
#define MYSQLC_AHEAD 2
bool mysqlc_bulk_can_send(const struct mysqlc_bulk *b);
NODISCARD int mysqlc_bulk_send(struct mysqlc_bulk *b, const struct mysqlc_column *cols, size_t from,
                               size_t rows, struct err *err);
NODISCARD int mysqlc_bulk_answer(struct mysqlc_bulk *b, int64_t *ret_rows, unsigned *ret_warnings,
                                 struct err *err);
void mysqlc_bulk_free(
    struct mysqlc_bulk *b); /* before its connection; waits for what was started; NULL is fine */
#endif
