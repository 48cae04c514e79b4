#ifndef STEPS_EXTRACT_SQL_INT_H
#define STEPS_EXTRACT_SQL_INT_H
#include "base/buf.h"
#include "io/sqlval.h"
#include "steps/extract.h"
/* Between the files extract_*.c of a statement alone: a statement as it grows, and the same with its values in place. */
struct making {
    const struct extract_table *t;
    const struct table *def; /* NULL: unknown */
    const struct extract_window *w;
    struct arena *arena;
    struct buf sql, text, warning;
    bool cut;              /* text is full, and ends in "..." */
    const char *qualifier; /* of columns, in front of the dot; NULL: none */
    struct val *values;    /* owned until they are in the arena */
    size_t count, room;
};
int making_add(struct making *m, const char *s, struct err *err);
int making_value(struct making *m, struct val v, struct err *err); /* v's text must outlive the statement */
int making_column(struct making *m, const char *name, int at,
                  struct err *err); /* at: of def, else the name */
int making_warn(struct making *m, struct err *err, const char *fmt, ...) PRINTF(3, 4);
/* Finds a column that the config names: *ret_at in def, -1 where there is none. what: "filters", for messages. */
int making_find(const struct making *m, const char *what, const char *name, int *ret_at, struct err *err);
/* extract_sql.c: of a table that is a query, what stands in its brackets: without blanks and semicolons at its end. */
struct str extract_query(const struct extract_table *t);
/* extract_own.c: SQL of the user's own that is going to stand in brackets: it must end within them, and have no marks of its own. */
int own_sql_check(const char *table, const char *what, const char *sql, struct err *err);
/* extract_filter.c: "`a` != ?", "(`c` >= ? AND `c` < ?)" */
int making_filter(struct making *m, const struct extract_filter *f, struct err *err);
int making_window(struct making *m, struct err *err);
bool has_window(const struct making *m);
#endif
