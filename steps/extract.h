#ifndef STEPS_EXTRACT_H
#define STEPS_EXTRACT_H
#include "io/dump.h"
#include "steps/step.h"
/* What an extract pipeline takes out of a database: filled by orchestrator/config_extract.c, borrowed from the config. */
enum extract_is {
    IS_EQ,
    IS_NE,
    IS_LT,
    IS_LE,
    IS_GT,
    IS_GE,
    IS_LIKE,
    IS_NOT_LIKE,
    IS_IN,
    IS_NOT_IN,
    IS_NULL,
    IS_NOT_NULL
};
/* Is it one that names can be made of? ERR_CONFIG says what is not. */
NODISCARD int extract_path_check(const char *path, struct err *err);
/* "2022-06-05", "2022-06-05T12", "2022-06-05 12:00:00[.f]" as UTC; -1: none of these. */
int extract_moment(const char *text, int64_t *ret_ms);
struct extract_filter { /* column IS value; NULL rows fall out of all but IS_NULL, as in SQL */
    const char *column;
    enum extract_is is;
    const char *const *values; /* as text, bound; NULL-ended; none for IS_NULL and IS_NOT_NULL */
    int64_t ago_ms;            /* > 0: the value is the run's own moment less so much, in place of values */
};
struct extract_table {
    const char *name;           /* of the output; unique in the pipeline */
    const char *table;          /* "employees", "hr.employees"; NULL: query */
    const char *query;          /* a SELECT of the user's own; NULL: table */
    const char *const *columns; /* NULL-ended; empty: all that are not invisible or generated away */
    const struct extract_transform {
        const char *column, *sql; /* an expression in place of the column, or a new one behind the others */
    } * transforms;
    size_t transform_count;
    const struct extract_filter *filters;
    size_t filter_count;
    const char *where; /* SQL of the user's own, in brackets; NULL: none */
    const char *const
        *watermark;           /* NULL-ended; empty: full each time. Several: a row counts by any of them */
    const char *const *order; /* NULL-ended; empty: the primary key */
};
struct extract {
    const struct extract_table *tables;
    size_t table_count;
    const char *task;  /* {task} in names; the pipeline's name unless said */
    const char *since; /* where the first window begins; NULL: at the first row */
    int64_t lag_ms, overlap_ms;
    int64_t datetime_offset_s;      /* of the zone that DATETIME watermarks are written in */
    const char *datetime_zone_name; /* NULL: not said */
    const char *path;               /* "{task}/{table}_{timestamp}[_{part}]" without suffixes */
    struct format_config format;    /* name and metadata are the step's to fill */
    enum packing packing;
    int level;
    int64_t part_bytes; /* 0: one file */
    int64_t page_rows;
    int64_t parallel;
    enum verify_level verify; /* FULL: sums, and the files are read back */
    const char *prefix;       /* of target */
};

/* Of what a run on a terminal shows; NULL: nothing. Of the process. */
typedef void extract_progress_fn(const char *pipeline, int64_t rows, int64_t about, int64_t bytes,
                                 int64_t took_ms); /* about: rows that there will be, 0: not known */
extern extract_progress_fn *extract_progress;

/*
 * extract_plan.c. What a run is to take. DUE: what is new of tables with a watermark, all of the others; FULL: all of every
 * table; RANGE: rows whose watermark is in a window. FULL and RANGE stand outside the sequence and move no watermark.
 */
struct extract_request {
    enum { EXTRACT_DUE, EXTRACT_FULL, EXTRACT_RANGE } what;
    int64_t from_ms, to_ms; /* of RANGE; to_ms -1: up to what is safe */
    int64_t last_ms;        /* > 0: in place of from_ms, so much before what is safe */
    bool verify;            /* the files are read back */
    bool moved;             /* the same rows are in another place: watermarks stand */
    const char *reason, *who;
};
/* 1: *ret_run (owned) is planned; 0: nothing is new. dry: nothing is written, *ret_plan (owned, may be NULL) gets an array of
 * {table, kind, from, to, sql, notice}; kind NOTHING where something holds back all that is new. */
NODISCARD int step_extract_plan(struct step_ctx *c, const struct extract_request *q, bool dry, char **ret_run,
                                json_t **ret_plan, struct err *err);

/* extract_try.c. Whether a run could take the table: it is there, its statement is one, the account may read it. No row is read. */
NODISCARD int step_extract_try(struct step_ctx *c, const struct extract_table *t, struct err *err);

/*
 * extract_sql.c: the statement of one table. Identifiers are quoted, values bound; only query, where and transforms are the
 * user's own SQL. A quoted constant as a column ('rates') is ERR_CONFIG with a hint. def: of the table, NULL for a query.
 */
struct extract_window {
    const char *from, *to;     /* MySQL's own text: from <= watermark < to; NULL: open there */
    int64_t datetime_offset_s; /* from, to and now are UTC; for DATETIME and DATE columns so much is added */
    const char *now;           /* the run's moment in the database's UTC, for ago_ms */
};
struct extract_sql { /* borrowed by dump_table */
    char *select;    /* without ORDER BY and LIMIT */
    struct val *values;
    size_t value_count;
    int *columns; /* of def; NULL for a query and where an expression stands among them */
    size_t column_count, hidden;
    char **key_sql;
    int *key_at;
    size_t key_count;
    char *order;   /* of one without a key; "" none */
    char *text;    /* the whole statement with its values in it, for log and manifest */
    char *warning; /* "" or: rows with NULL in manager_id fall out of != */
    struct arena *arena;
};
NODISCARD int extract_sql(const struct extract_table *t, const struct table *def,
                          const struct extract_window *w, struct extract_sql *ret, struct err *err);
void extract_sql_release(struct extract_sql *s);
#endif
