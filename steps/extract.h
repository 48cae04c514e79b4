#ifndef STEPS_EXTRACT_H
#define STEPS_EXTRACT_H
#include "io/dump.h"
#include "steps/step.h"
/* What an extract pipeline takes out of a database: filled by orchestrator/config_extract.c, borrowed from the config. */
enum extract_is { IS_EQ, IS_NE, IS_LT, IS_LE, IS_GT, IS_GE, IS_LIKE, IS_NOT_LIKE, IS_IN, IS_NOT_IN, IS_NULL, IS_NOT_NULL };
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
    const char *where;            /* SQL of the user's own, in brackets; NULL: none */
    const char *const *watermark; /* NULL-ended; empty: full each time. Several: a row counts by any of them */
    const char *const *order;     /* NULL-ended; empty: the primary key */
};
struct extract {
    const struct extract_table *tables;
    size_t table_count;
    const char *task;         /* {task} in names; the pipeline's name unless said */
    const char *since;        /* where the first window begins; NULL: at the first row */
    int64_t lag_ms, overlap_ms;
    const struct cron_zone *datetime_zone; /* what DATETIME watermarks are written in; NULL: UTC */
    const char *datetime_zone_name;        /* NULL: not said */
    const char *path;                      /* "{task}/{table}_{timestamp}[_{part}]" without suffixes */
    const struct cron_zone *zone;          /* of TIMESTAMP cells and {timestamp}; NULL: UTC */
    const char *zone_name;
    struct format_config format; /* name, metadata, zone and offset_s are the step's to fill */
    enum packing packing;
    int level;
    int64_t part_bytes; /* 0: one file */
    int64_t page_rows;
    int64_t parallel;
    enum verify_level verify; /* FULL: sums, and the files are read back */
    const char *prefix;       /* of target */
};

/*
 * extract_sql.c: the statement of one table. Identifiers are quoted, values bound; only query, where and transforms are the
 * user's own SQL. A quoted constant as a column ('rates') is ERR_CONFIG with a hint. def: of the table, NULL for a query.
 */
struct extract_window {
    const char *from, *to; /* MySQL's own text: from <= watermark < to; NULL: open there */
    bool from_excluded;    /* from < watermark */
    const char *now;       /* the run's moment in the database's UTC, for ago_ms */
};
struct extract_sql { /* borrowed by dump_table */
    char *select;      /* without ORDER BY and LIMIT */
    struct val *values;
    size_t value_count;
    int *columns; /* of def; NULL for a query and where an expression stands among them */
    size_t column_count, hidden;
    char **key_sql;
    int *key_at;
    size_t key_count;
    char *order;       /* of one without a key; "" none */
    char *text;        /* the whole statement with its values in it, for log and manifest */
    char *warning;     /* "" or: rows with NULL in manager_id fall out of != */
    struct arena *arena;
};
NODISCARD int extract_sql(const struct extract_table *t, const struct table *def, const struct extract_window *w,
                          struct extract_sql *ret, struct err *err);
void extract_sql_release(struct extract_sql *s);
#endif
