#ifndef ORCHESTRATOR_STREAM_H
#define ORCHESTRATOR_STREAM_H
#include "orchestrator/table.h"
/*
 * stdout for what may be years of hours: written as it comes, nothing kept. The forms are those of table.h.
 */
struct jout { /* a JSON document, indented like out_document (compact for jsonl) */
    FILE *to;
    bool compact, ascii;
    int depth;
    bool more[16]; /* at each depth: something was written */
};
void jout_init(struct jout *j, const struct out *o);
/* key NULL in arrays. bracket: '{' or '['. */
void jout_open(struct jout *j, const char *key, char bracket);
void jout_close(struct jout *j, char bracket); /* '}' or ']'; the last one ends the line */
void jout_text(struct jout *j, const char *key, const char *value); /* whatever bytes; NULL: null */
void jout_int(struct jout *j, const char *key, int64_t value);
void jout_bool(struct jout *j, const char *key, bool value);
void jout_time(struct jout *j, const char *key, int64_t ms);         /* 0: null */
void jout_value(struct jout *j, const char *key, const json_t *any); /* small ones */
/* Text of a JSON object, of our own making: its members go into the one that is open, as they are written there. */
void jout_inside(struct jout *j, const char *object);
void jout_end_line(struct jout *j); /* of a whole value that no bracket encloses */

/* Rows of one shape. A value a column, in the columns' order. */
enum out_kind { OUT_NULL, OUT_TEXT, OUT_INT, OUT_TIME };
struct out_value {
    enum out_kind kind;
    const char *text; /* borrowed while the row is written */
    int64_t n;        /* OUT_INT, OUT_TIME (0: null) */
};
struct out_rows { /* a table's widths are those of its first rows */
    const struct out *o;
    const struct out_column *columns;
    struct jout json;
    json_t *first; /* owned: rows that wait for the widths; NULL: known */
    size_t widths[OUT_COLUMNS];
};
void out_rows_begin(struct out_rows *r, const struct out *o, const char *name,
                    const struct out_column *columns);
void out_rows_add(struct out_rows *r, const struct out_value *values);
/* JSON: the array is closed, and members may follow in r->json until out_rows_end; others: nothing. */
void out_rows_last(struct out_rows *r);
void out_rows_end(struct out_rows *r);
#endif
