#ifndef IO_QUERY_INT_H
#define IO_QUERY_INT_H
#include "io/query.h"
#include "io/target_int.h"
/* Between query.c and what each engine makes of one statement. */
struct query_rows { /* what one statement gives */
    json_t *rows;   /* array */
    int64_t affected;
    size_t *left; /* bytes that may still come */
};
/* Whether so many bytes may still come; the error where not. */
NODISCARD int query_room(const struct query_rows *r, size_t n, struct err *err);
/* Takes row; its size is counted. */
NODISCARD int query_row(struct query_rows *r, json_t *row, struct err *err);
/* Takes value. */
NODISCARD int query_cell(json_t *row, const char *column, json_t *value, struct err *err);
NODISCARD int query_text(const char *column, const char *p, size_t n, json_t **ret, struct err *err);
json_t *query_hex(const void *p, size_t n);
NODISCARD int query_mysql(struct target *t, const struct query_statement *s, struct query_rows *ret,
                          struct err *err);
NODISCARD int query_sqlite(struct target *t, const struct query_statement *s, const char *key,
                           struct query_rows *ret, struct err *err);
void query_sqlite_interrupt(struct target *t); /* from any thread, while the connection lives */
#endif
