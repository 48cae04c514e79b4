#ifndef IO_SQLVAL_H
#define IO_SQLVAL_H
#include "base/str.h"
/* Values on their way into a statement, and rows out of it: one form for every database. */
enum val_kind { VAL_NULL, VAL_I64, VAL_TEXT, VAL_BLOB };
struct val { /* borrows */
    enum val_kind kind;
    int64_t i;
    const char *p;
    size_t n;
};
static inline struct val val_i64(int64_t i)
{
    return (struct val){VAL_I64, i, NULL, 0};
}
static inline struct val val_text(const char *s) /* NULL is NULL */
{
    return s != NULL ? (struct val){VAL_TEXT, 0, s, strlen(s)} : (struct val){VAL_NULL, 0, NULL, 0};
}
static inline struct val val_blob(const void *p, size_t n)
{
    return (struct val){VAL_BLOB, 0, p, n};
}
/* One row: cells as text, NUL-terminated, borrowed for the call; p NULL: NULL. A negative answer ends the statement. */
typedef int row_fn(void *arg, const struct str *cells, size_t count, struct err *err);
#endif
