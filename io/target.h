#ifndef IO_TARGET_H
#define IO_TARGET_H
#include "base/beat.h"
#include "base/buf.h"
#include "io/batch.h"
#include "io/convert.h"
#include "io/sqlval.h"
/*
 * The database that rows are loaded into: mysql://user@host:port/db or sqlite:path. Keeps the load protocol of
 * docs/architecture.md: every data change is one transaction whose last statement writes the fence. All calls may fail
 * with ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_TRANSIENT (1213, 1205), ERR_ACCESS_DENIED, ERR_CANCELLED (beat).
 * After any error in a load the transaction is rolled back and the connection closed; the next call reconnects.
 */
enum tls_mode { TLS_OFF, TLS_PREFER, TLS_REQUIRE, TLS_VERIFY };
struct target_config { /* borrowed, must outlive the target */
    const char *url;
    const char *password; /* NULL: none */
    const char
        *missing_credential; /* a systemd credential that should hold it, and nobody handed us; NULL: none */
    const char *option_file; /* my.cnf form, group [client] and [orch]; NULL: none */
    const char *ca_file;
    enum tls_mode tls; /* sockets and loopback do not need TLS in PREFER */
    int timeout_ms;    /* network read/write; 0: 20 s. Shorter than the heartbeat */
    const struct beat *beat;
    bool zero_dates;       /* MySQL: the session takes them */
    const char *note_path; /* sqlite: the state file, which must not be the target itself; NULL: unknown */
};
struct target;
NODISCARD int target_open(const struct target_config *c, struct target **ret, struct err *err); /* connects */
void target_close(struct target *t); /* rolls back; NULL is fine */
bool target_is_mysql(const struct target *t);
const char *target_version(const struct target *t); /* "MariaDB 10.11.19", "MySQL 9.7.4", "SQLite 3.40.1" */
const char *target_name(const struct target *t);    /* "db.example:3306/lending", without user */
/* Did two transactions want each other's rows? Or was a lock waited for until the end? */
#define TARGET_LOCK_WAIT 1205
static inline bool target_lock_conflict(const struct err *err)
{
    return err->native == 1213 || err->native == TARGET_LOCK_WAIT;
}
bool target_is_stale(const struct err *err); /* the table is not as it was described */
/* What a refusal's message tells of the rule, in io/target_mysql_refuse.c. The violated key's place in def->keys, -1 where it
 * is not said or not there; the column of a foreign key of one, and what it refers to ("table.column"). */
int target_refused_key(const struct table *def, const char *message);
bool target_refused_reference(const char *message, char ret_column[200], char ret_there[300]);
NODISCARD int target_clock_ms(struct target *t, int64_t *ret_ms, struct err *err);

/* Tables. describe: ERR_TARGET with err->native == TARGET_NO_TABLE when missing; a table that cannot be loaded exactly
 * once (engine, triggers, view) is described, target_check says so. "db.table" is a table of another database. */
#define TARGET_NO_TABLE 1146
NODISCARD int target_describe(struct target *t, const char *table, struct table **ret_owned, struct err *err);
/* Its CREATE TABLE, as the server writes it (MySQL); appended. */
NODISCARD int target_show_create(struct target *t, const char *table, struct buf *ret, struct err *err);
NODISCARD int target_check(const struct table *def, struct err *err);
NODISCARD int target_has_ledger(struct target *t, struct err *err); /* 1 yes, 0 no */
NODISCARD int target_setup(struct target *t, struct err *err);      /* orch_load, orch_fence; idempotent */
/* Creates the table with provenance columns as its primary key; columns by infer (name, type). */
NODISCARD int target_create_table(struct target *t, const char *table, const char *const *names,
                                  const char *const *types, size_t count, struct err *err);
/* Adds nullable columns, in one statement of its own connection: all or none. 1: some are there already, and nothing may
 * have been done: describe again. What would copy the table is refused. Never inside a load. */
NODISCARD int target_add_columns(struct target *t, const char *table, const char *const *names,
                                 const char *const *types, size_t count, struct err *err);
NODISCARD int target_lineage_add(struct target *t, const char *table, struct err *err); /* idempotent */
/* What the DDL calls above would run, for --dry-run and docs: one statement a line. */
NODISCARD int target_ddl(struct target *t, const char *table, struct buf *ret, struct err *err);
/* The GRANTs that a loader user needs. copy: the table for rejects; NULL: none. */
NODISCARD int target_grants(struct target *t, const char *user, const char *table, const char *copy,
                            bool upserts, struct buf *ret, struct err *err);

/* Those that an extract's user needs to read tables ("db.table" too); several: also to hold them still for a moment, so that
 * several connections see one. MySQL. */
NODISCARD int target_read_grants(struct target *t, const char *user, const char *const *tables, size_t n,
                                 bool several, struct buf *ret, struct err *err);

/* Fence. raise with from < 0 starts from the value found (the row is made when missing); else compare-and-set:
 * another value there is ERR_LOCK_LOST. A transaction of its own. */
NODISCARD int target_fence_read(struct target *t, const char *pipeline, int64_t *ret_epoch, int64_t *ret_seq,
                                struct err *err); /* 1 there, 0 not */
NODISCARD int target_fence_raise(struct target *t, const char *pipeline, int64_t from, int64_t *ret_epoch,
                                 struct err *err);
/* Takes the named lock of (pipeline, epoch) and ends connections that hold those of earlier epochs.
 * A no-op on SQLite. Failing to end one is not an error: the fence is what makes it safe. */
NODISCARD int target_hold(struct target *t, const char *pipeline, int64_t epoch, struct err *err);

/* Ledger */
enum ledger_state {
    LEDGER_PLAN,
    LEDGER_LOADED,
    LEDGER_REVOKING,
    LEDGER_SUPERSEDED,
    LEDGER_ADOPTED,
    LEDGER_SKIPPED,
    LEDGER_EMPTY
};
const char *ledger_state_name(enum ledger_state s);
struct ledger_row {
    int64_t load_id, chunk, generation;
    const char *pipeline, *partition, *key, *etag,
        *table; /* key "" and SKIPPED/ADOPTED: a decision on the partition */
    int64_t size, mtime_ns;
    char sha256[65]; /* of the object's bytes, hex; "" unknown */
    bool last;
    enum ledger_state state;
    int64_t rows_read, rows_loaded, rows_rejected;
    const char *columns;      /* JSON of sums_to_json; "" none */
    const char *job, *reason; /* job "2022-06-05T12#2"; reason of decisions and replays */
    int64_t at_ms;
    int64_t byte_from, byte_to, line_from, line_to; /* of a chunk: [from, to); 0 of a whole object */
};
typedef int ledger_fn(void *arg, const struct ledger_row *row,
                      struct err *err); /* strings borrowed for the call */
/* Every row of the pipeline, oldest first. */
NODISCARD int target_ledger_scan(struct target *t, const char *pipeline, ledger_fn *fn, void *arg,
                                 struct err *err);
NODISCARD int target_ledger_by_id(struct target *t, int64_t load_id, ledger_fn *fn, void *arg,
                                  struct err *err); /* 1/0 */
/* Chunk 0 of each of these loads that the ledger has; what is loaded of each of these keys, oldest generation first. At
 * most a few thousand at a time. */
NODISCARD int target_ledger_of_loads(struct target *t, const int64_t *ids, size_t n, ledger_fn *fn, void *arg,
                                     struct err *err);
NODISCARD int target_ledger_of_keys(struct target *t, const char *pipeline, const char *const *keys, size_t n,
                                    ledger_fn *fn, void *arg, struct err *err);
/* What is loaded of the key: its newest generation that is not superseded. */
NODISCARD int target_ledger_newest(struct target *t, const char *pipeline, const char *key, ledger_fn *fn,
                                   void *arg, struct err *err); /* 1/0 */
/*
 * A person's decision (SKIPPED, ADOPTED) on partitions of one pipeline, in order of partition, or taking it back
 * (SUPERSEDED): all of them in one transaction. ERR_CONTRACT with err->native == TARGET_HAS_ROWS where orch has loaded
 * rows of one: nothing was decided then. (Of a restore: the table that must be empty is not.)
 */
#define TARGET_HAS_ROWS 99002
NODISCARD int target_ledger_decide(struct target *t, const struct ledger_row *rows, size_t n,
                                   struct err *err);

/* One load: begin, batches, finish. Of a whole object; of several that share a transaction (members), none of which was
 * ever loaded; or of one chunk of an object whose plan is in the ledger (target_chunks.h). */
struct load_member { /* borrowed until the load is gone */
    int64_t load_id, generation, size, mtime_ns;
    const char *key, *etag;
};
struct load_spec {
    const struct table *table; /* NULL for a load without rows (EMPTY) */
    const int *columns;        /* filled columns, as batch_new got them */
    size_t column_count;
    const char *pipeline, *partition, *key, *etag, *job, *reason;
    int64_t load_id, generation, size, mtime_ns;
    int64_t epoch;    /* held; the fence is written under it */
    int64_t replaces; /* load id of the generation that is replaced, 0: none */
    const struct load_member
        *members; /* NULL: one object, by the fields above; else batches carry load ids */
    size_t member_count;
    int64_t
        chunk; /* 0: whole; else the chunk's number, and its rows are those from line_from on, before line_to */
    int64_t line_from, line_to; /* line_to may be set later, with target_load_lines */
    bool
        careful; /* slower: what the server refuses is found row by row. Without it such a load ends with TARGET_CAREFUL */
    bool seal; /* no rows: the chunks that are there become the whole object */
    /* A row that the server refuses: found by halving, reported here, and the load goes on. */
    int (*on_reject)(void *arg, const struct batch *b, size_t row, const struct reject_info *why,
                     struct err *err);
    void *arg;
};
struct load;
/* 1: a transaction is open, *ret is a load; 2: the ledger already has this load id (*ret NULL): done before. */
NODISCARD int target_load_begin(struct target *t, const struct load_spec *spec, struct load **ret,
                                struct err *err);
NODISCARD int target_load_batch(struct load *l, const struct batch *b, struct err *err);
/* The same, but the database may still be at work on b when this is back, so that the caller reads on meanwhile: b stays
 * as it is until the next call that gives rows is back, or target_load_settle, or the load is gone. What is wrong with b
 * may be told by that later call. */
NODISCARD int target_load_batch_start(struct load *l, const struct batch *b, struct err *err);
NODISCARD int target_load_settle(struct load *l,
                                 struct err *err); /* waits until all rows given have been answered */
/* Rows inserted so far, as the server counted them. */
int64_t target_load_rows(const struct load *l);
/* NULL counts and sums of what this load's transaction holds, asked in ranges of _orch_line. Needs lineage. ret: made by
 * sums_init, its "used" says of which columns. */
NODISCARD int target_load_sums(struct load *l, struct sums *ret, struct err *err);
/* Adds what lines from this one on come to. */
NODISCARD int target_load_sums_from(struct load *l, int64_t line, struct sums *io, struct err *err);
/* The same of each of these loads, which share the transaction. */
NODISCARD int target_load_sums_many(struct load *l, const int64_t *load_ids, size_t n, struct sums *rets,
                                    struct err *err);
/*
 * Ledger row (read/loaded/rejected/columns/sha256/state from *row), the fence, COMMIT. 0: committed, for certain
 * (a lost answer has been asked of the ledger). <0: not committed, for certain, but for ERR_UNAVAILABLE/ERR_TIMEOUT
 * with err->native == TARGET_COMMIT_UNKNOWN: the server is away and nobody knows yet. Frees l.
 */
#define TARGET_COMMIT_UNKNOWN 99001
/* The server refuses a row, or would change one: load the object again, carefully. */
#define TARGET_CAREFUL 99004
/* ERR_CONTRACT: a person skipped or adopted the partition while it was loaded; not committed, for certain. */
#define TARGET_DECIDED 99003
NODISCARD int target_load_commit(struct load *l, const struct ledger_row *row, struct err *err);
/* The same for members: a row each, in their order. */
NODISCARD int target_load_commit_all(struct load *l, const struct ledger_row *rows, size_t n,
                                     struct err *err);
/* Where the chunk ends, once that is known; before target_load_sums. */
void target_load_lines(struct load *l, int64_t line_to);
void target_load_abort(struct load *l); /* rolls back, closes the connection, frees; NULL is fine */

/* Reconciliation of what is stored, at any later time, in one snapshot. ret as for target_load_sums. */
NODISCARD int target_sums(struct target *t, const struct table *def, int64_t load_id, struct sums *ret,
                          struct err *err);
/* Rows of one load with from <= _orch_line <= to, by line: fn gets the line, then a cell for each of columns, as text
 * in which batch_cell_equal compares: doubles with all their digits, texts in UTF-8, times as the server writes them. */
struct target_rows {
    const struct table *def;
    const int *columns; /* indexes into def->columns */
    size_t column_count;
    int64_t load_id, from, to;
};
NODISCARD int target_rows(struct target *t, const struct target_rows *r, row_fn *fn, void *arg,
                          struct err *err);
/* Every row of the table, these columns of it as text, as they come and in bounded memory: one snapshot, any order. fn
 * may ask nothing of the target meanwhile. */
NODISCARD int target_scan(struct target *t, const struct table *def, const int *columns, size_t count,
                          row_fn *fn, void *arg, struct err *err);
/* Rows whose load id is NULL (counted up to 10 million), or in no ledger row that is not superseded. */
NODISCARD int target_foreign_rows(struct target *t, const struct table *def, int64_t *ret_rows,
                                  struct err *err);
#endif
