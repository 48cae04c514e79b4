#ifndef IO_TARGET_INT_H
#define IO_TARGET_INT_H
#include "base/embed.h"
#include "io/hash.h"
#include "io/sqlval.h"
#include "io/target.h"
/*
 * Inside the target. The protocol (fence, ledger, load, sums) is written once, in target_*.c, over named queries; an
 * engine gives a connection, those queries in its own SQL, the schema, and the way rows go in.
 */
enum {
    /* A transaction that stands still is ended by the server: longer than the source's stall time-out (30 s), so that
     * a slow object does not end it, shorter than the heartbeat (90 s), so that a stopped owner's locks are free
     * when its successor comes. */
    TARGET_IDLE_S = 75,
    /* A connection that was silent for so long is asked before it is trusted. */
    TARGET_PING_MS = 1000,
    HOLD_SLOTS = 8,   /* loads of one epoch at a time: n of the lock's name */
    HOLD_EPOCHS = 16, /* earlier epochs whose holders a successor ends */
    MAX_SQL = 16 * 1024 * 1024,
    TARGET_DEADLOCK = 1213,   /* of the server: the transaction is gone, for certain */
    TARGET_REFERENCED = 1451, /* of the server: a foreign key refers to the row */
};

struct target {
    const struct target_ops *ops;
    const struct embed *queries;
    struct target_config config;
    char *name;
    char version[64];
    void *db;       /* the engine's connection; NULL: none */
    int64_t serial; /* of the connection: a load lives on one */
    bool pinned; /* within a transaction that another connection would not see: none is made in its place */
    char *hold_pipeline; /* what target_hold took, taken again on a new connection; NULL: nothing */
    int64_t hold_epoch;
    char hold_name[80]; /* the lock's name; "": not taken */
    void *own;          /* the engine's, for the life of the target */
    bool taking;        /* an intake is under way */
    /* and left autocommit off, which saves the next one a statement: nobody else may meet that */
    bool manual;
    void *kept; /* of target_keep */
    void (*kept_release)(void *p);
};

struct load {
    struct target *t;
    struct arena *arena; /* owns the strings of spec */
    struct load_spec spec;
    unsigned char key_sha256[SHA256_SIZE];
    int64_t serial, inserted, batches;
    void *insert; /* the engine's statement */
    bool kept;    /* the statement stays with the connection, for the next load like this one */
    bool bare;    /* no savepoint: the first row that is refused ends all, with TARGET_CAREFUL */
};
struct load *load_new(struct target *t, const struct load_spec *spec); /* copies strings and columns */
void load_free(struct load *l);                                        /* the connection stays as it is */

struct ask;
struct target_ops {
    const char *scheme;
    int (*open)(struct target *t, struct err *err); /* t->name, t->queries, t->own; connects nowhere */
    /* db is NULL. Leaves t->db, t->version; the session is set up. */
    int (*connect)(struct target *t, struct err *err);
    void (*disconnect)(struct target *t); /* rolls back; db may be NULL */
    bool (*is_lost)(const struct target *t);
    int (*check)(struct target *t, struct err *err); /* is the connection alive? */
    void (*close)(struct target *t);                 /* frees own */
    int (*run)(struct target *t, const char *sql, const struct val *values, size_t n, row_fn *fn, void *arg,
               int64_t *ret_rows, struct err *err);
    /* A SELECT without values whose rows are given as they come, in bounded memory. */
    int (*scan)(struct target *t, const char *sql, row_fn *fn, void *arg, struct err *err);
    int (*script)(struct target *t, const char *sql,
                  struct err *err); /* statements ended by ";\n", no results */
    int (*alter)(struct target *t, const char *sql, struct err *err); /* a script that may take hours */
    int (*clock_ms)(struct target *t, int64_t *ret_ms, struct err *err);
    int (*hold)(struct target *t, const char *pipeline, int64_t epoch, struct err *err);
    /* Drops the connection, and ends it on the server too, if there is one to ask: a COMMIT that never arrived. */
    void (*end_holder)(struct target *t);
    int (*describe)(struct target *t, const char *table, struct table **ret_owned, struct err *err);
    int (*create_ddl)(struct target *t, const char *table, const char *const *names, const char *const *types,
                      size_t count, struct buf *ret, struct err *err);
    int (*grants)(struct target *t, const char *user, const char *table, const char *copy, bool upserts,
                  struct buf *ret, struct err *err);
    int (*quote)(const char *name, bool qualified, struct buf *ret, struct err *err);
    /* ",SUM(...)" of a column, quoted as given: the cells that the plan names (target_sums_int.h). */
    int (*sum_expr)(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                    struct err *err);
    int64_t (*connection_id)(
        const struct target *t); /* what the server calls it; NULL: uncommitted rows are hidden */
    /* ",MIN(),MAX()" where the plan says so, and the checksum, for verify: full. */
    int (*full_expr)(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                     struct err *err);
    bool sums_fast; /* sums of doubles are IEEE 754's, and there are FLOOR, TRUNCATE and IF */
    /* ",..." that gives a column's value as text, see target_rows. */
    int (*text_expr)(const struct column *c, const char *quoted, struct buf *ret, struct err *err);
    int (*insert_open)(struct load *l, struct err *err);
    /* Raises l->inserted. b stays as it is until the next call of insert_rows or insert_settle is back. */
    int (*insert_rows)(struct load *l, const struct batch *b, struct err *err);
    int (*insert_settle)(struct load *l,
                         struct err *err); /* waits for all rows given; NULL: they never wait */
    void (*insert_close)(struct load *l);
    /* From now on a statement opens a transaction where none is open (on), or not (off). NULL: transactions are begun. */
    int (*manual)(struct target *t, bool on, struct err *err);
    /* COMMIT has said yes, and the load is closed: the connection as it was before. NULL: it always is. */
    int (*load_over)(struct target *t, struct err *err);
};
extern const struct target_ops target_mysql, target_sqlite;

/* target.c */
/* A live connection: the one there is, or a new one. */
NODISCARD int target_ready(struct target *t, struct err *err);
/* The same, for an intake: the session stays as the last one left it. */
NODISCARD int target_ready_to_take(struct target *t, struct err *err);
void target_drop(struct target *t); /* rolls back and closes the connection */
const char *target_query(const struct target *t, const char *name);
/* A named query on orch's own tables, a beat before and after. Their absence is ERR_TARGET_SETUP. */
NODISCARD int target_run(struct target *t, const char *name, const struct val *values, size_t n, row_fn *fn,
                         void *arg, int64_t *ret_rows, struct err *err);
/* The same on a user's table: {table}, {columns}, {index} replaced; columns and index may be NULL. */
NODISCARD int target_run_on(struct target *t, const char *name, const char *table, const char *columns,
                            const struct val *values, size_t n, row_fn *fn, void *arg, int64_t *ret_rows,
                            struct err *err);
NODISCARD int target_fill(struct target *t, const char *name, const char *table, const char *columns,
                          struct buf *ret, struct err *err);
/* ",..." of the columns (indexes into def->columns), each as text. */
NODISCARD int target_text_exprs(struct target *t, const struct table *def, const int *columns, size_t count,
                                struct buf *ret, struct err *err);
/* Any statement; and text with marks ("{table}", ended by NULL) replaced: for queries over two tables. */
NODISCARD int target_run_sql(struct target *t, const char *sql, const struct val *values, size_t n,
                             row_fn *fn, void *arg, int64_t *ret_rows, struct err *err);
NODISCARD int target_replace(const char *text, const char *const *marks, const char *const *with,
                             struct buf *ret, struct err *err);
NODISCARD int target_script(struct target *t, const char *sql, struct err *err); /* no values, no results */
NODISCARD int target_begin(struct target *t, struct err *err);
/* Ends a transaction of its own: COMMIT where rc is 0, else rolls back. Returns the outcome. */
NODISCARD int target_end(struct target *t, int rc, struct err *err);
/* For row_fn: the first cell (or two) as numbers into arg (int64_t[n]); NULL is 0. */
int target_row_i64(void *arg, const struct str *cells, size_t count, struct err *err);
int64_t target_cell_i64(struct str cell);
NODISCARD static inline int target_beat(const struct target *t, struct err *err)
{
    return beat(t->config.beat, err);
}

/* target_url.c */
struct target_url { /* owned */
    char *user, *password, *host, *socket, *database, *path;
    char *ca_file, *cert_file, *key_file;
    unsigned port;
};
NODISCARD int target_url_parse(const char *url, struct target_url *ret, struct err *err);
/* What the option file says fills what the URL leaves open. */
NODISCARD int target_option_file(const char *path, struct target_url *io, struct err *err);
void target_url_release(struct target_url *u);

/* target_load.c. After a load's COMMIT was answered and the load is closed, whoever gave it: see ops->load_over. */
void target_load_over(struct target *t);

/* target_ledger.c */
void ledger_key_sha256(const char *key, const char *partition, unsigned char out[SHA256_SIZE]);
NODISCARD int ledger_insert(struct target *t, const struct ledger_row *rows, size_t n, struct err *err);
/* 1 loaded once, 0 not; chunk 0: the whole object */
NODISCARD int ledger_has(struct target *t, int64_t load_id, int64_t chunk, struct err *err);
/* 1: the ledger has a row of one of these loads, or of one of these keys; 0: of none */
NODISCARD int ledger_has_any(struct target *t, const char *pipeline, const int64_t *ids,
                             const char *const *keys, size_t n, struct err *err);

/*
 * target_fence.c. After an unknown outcome: writes the fence under epoch (waits for the old transaction), then reads the
 * ledger: *ret_loaded 1 or 0, -1 where it cannot be told. ERR_LOCK_LOST when the epoch has moved on: *ret_loaded stands.
 */
NODISCARD int fence_resolve(struct target *t, const char *pipeline, int64_t epoch, int64_t load_id,
                            int64_t chunk, int *ret_loaded, struct err *err);
/* The last statement of a transaction of ours: ERR_LOCK_LOST where another has raised the epoch. */
NODISCARD int fence_write(struct target *t, const char *pipeline, int64_t epoch, struct err *err);
/* The same of anything that a transaction under the fence has done: has says 1 or 0. */
typedef int fence_has(struct target *t, const void *arg, struct err *err);
NODISCARD int fence_ask(struct target *t, const char *pipeline, int64_t epoch, fence_has *has,
                        const void *arg, int *ret_done, struct err *err);

/*
 * target_sums.c: a load's lines in ranges, narrow at first, so that no statement's length grows with the file or meets
 * the time-out: at most VERIFY_RANGE lines, fewer where the server is slow. for (open; next;) { statement on [from, to) }
 */
struct line_range {
    int64_t from, to, end;
    int64_t width, started_ms;
};
NODISCARD int line_range_open(struct target *t, const char *table, int64_t load_id, struct line_range *ret,
                              struct err *err);
bool line_range_next(struct line_range *r);
NODISCARD int table_sums(struct target *t, const struct table *def, int64_t load_id, struct sums *ret,
                         struct err *err);
NODISCARD int table_sums_between(struct target *t, const struct table *def, int64_t load_id,
                                 int64_t line_from, int64_t line_to, struct sums *ret, struct err *err);
/* rets: one a load id, made by sums_like; the same columns are used in all. */
NODISCARD int table_sums_many(struct target *t, const struct table *def, const int64_t *load_ids, size_t n,
                              struct sums *rets, struct err *err);
/* Adds to io: [from, to) in one statement; from on, all lines there are, or those before to (0: all). */
NODISCARD int table_sums_lines(struct target *t, const struct table *def, int64_t load_id, int64_t from,
                               int64_t to, struct sums *io, struct err *err);
NODISCARD int table_sums_from(struct target *t, const struct table *def, int64_t load_id, int64_t from,
                              int64_t to, struct sums *io, struct err *err);
/* A group of columns, as part of one SELECT: expressions of those from s->from on that are used, as many as fit one
 * statement (s->to is where it ended), each with a comma before it; and the cells that answer, COUNT(*) before them. */
struct summing {
    const struct target *t;
    const struct table *def;
    struct sums *sums;
    size_t from, to;
    int64_t lines; /* at most so many rows are asked of at once */
    bool count_rows;
    const char *prefix; /* of the columns: "t."; NULL: none */
};
NODISCARD int sum_columns(struct target *t, struct summing *s, struct buf *ret, struct err *err);
int sum_cells(void *arg, const struct str *cells, size_t count, struct err *err);
#endif
