#ifndef IO_CONVERT_INT_H
#define IO_CONVERT_INT_H
#include "io/convert.h"
/*
 * Private to convert*.c: one cell at a time. Each puts the value of f into row `row` of *to and gives 1, or
 * gives 0 and says in *ret what is wrong. Text that has to be made stands in scratch, so to->bytes borrows
 * from f or from scratch, and the caller moves it into the batch once the whole row is good.
 */
enum { CELL_SCRATCH = 272 /* BINARY(255), padded; a DECIMAL needs 69 */ };
struct cell {
    const struct column *column;
    const char *format;
    struct batch_col *to;
    size_t row;
    char *scratch; /* CELL_SCRATCH bytes */
    bool zero_dates;
};
int put_int(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_bit(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_decimal(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_double(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_float(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_chars(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_binary(const struct cell *c, struct csv_field f, struct reject_info *ret);
int put_time(const struct cell *c, struct csv_field f,
             struct reject_info *ret); /* DATE, DATETIME, TIMESTAMP, TIME, YEAR */
/* Refuses a format that cannot give a whole value of the column's type. */
NODISCARD int time_format_check(const char *format, enum col_type type, struct err *err);
bool time_format_has_time(const char *format); /* of day */
/* Any column, by its type. */
int put_cell(const struct cell *c, struct csv_field f, struct reject_info *ret);
/* A number as another country writes it: io/convert_local.c */
struct local {
    char decimal, group; /* as in convert_rule, decimal never 0 */
};
int put_local(const struct cell *c, struct local l, struct csv_field f, struct reject_info *ret);
/* Bytes that are written as text: io/convert_binary.c */
struct bytes_plan {
    enum convert_binary form; /* CONVERT_HEX or CONVERT_BASE64 */
    char *text;               /* owned; of the cell that was read last */
    size_t room;
};
int put_encoded(const struct cell *c, struct bytes_plan *b, struct csv_field f, struct reject_info *ret);
/* The number in out as the rest of orch reads it; false: it is none in that form. */
enum { LOCAL_SIZE = 256 };
bool local_plain(struct local l, struct csv_field f, char out[LOCAL_SIZE], struct csv_field *ret);
/* Refuses signs that cannot be told from each other or from digits. */
NODISCARD int local_check(struct local l, enum col_type type, struct err *err);
/* How many fields a record has beside the empty one after a trailing delimiter, by the first one. */
size_t converter_fields(const struct convert_config *c, const struct csv_record *first);
/* The text of a constant for column c, owned by a: io/convert_constant.c */
NODISCARD int constant_expand(const char *text, const struct convert_about *about, const struct column *c,
                              struct arena *a, struct csv_field *ret, struct err *err);
/* The type of a column that orch makes for it. */
const char *constant_type(const char *text);

/* How the usual cells of a column are read without much ado: io/convert_quick.c */
enum quick_kind { QUICK_NOT, QUICK_INT, QUICK_UNSIGNED, QUICK_DOUBLE };
struct quick {
    enum quick_kind kind;
    int field;
    uint64_t max; /* of an integer */
};
/* One column that is filled, and from what. */
struct plan {
    int field;                        /* of the record; -1: always NULL (drift "null-missing"), or constant */
    const struct csv_field *constant; /* arena; NULL: none */
    struct local local;               /* decimal 0: a number is written as everywhere */
    struct bytes_plan *bytes;         /* arena; NULL: as they stand */
    struct cell cell;                 /* all but row */
    const struct str *nulls;          /* spellings, arena */
    size_t null_count;
    bool null_empty;     /* an unquoted empty field is NULL */
    bool may_begin[256]; /* bytes that a spelling of nulls begins with */
};
static inline bool plan_is_null(const struct plan *p, struct csv_field f)
{
    if (f.quoted)
        return false;
    if (f.n == 0)
        return p->null_empty;
    if (!p->may_begin[(unsigned char)f.p[0]])
        return false;
    for (size_t i = 0; i < p->null_count; i++)
        if (p->nulls[i].n == f.n && memcmp(p->nulls[i].p, f.p, f.n) == 0)
            return true;
    return false;
}

struct converter {
    const struct convert_config *config; /* borrowed */
    const struct table *table;           /* borrowed */
    struct arena *arena;
    size_t fields;       /* of every record, but for the empty one after a trailing delimiter */
    struct plan *plans;  /* owned */
    struct quick *quick; /* owned: of the same order */
    int *columns;        /* owned: of the table, in the order of plans and of the batch */
    size_t count;
    size_t *texts; /* owned: those of CELL_BYTES */
    size_t text_count;
};
struct quick quick_of(const struct plan *p);
/* Converts cells from `from` on, and gives the first that needs the long way; c->count: none. */
size_t quick_cells(const struct converter *c, const struct csv_record *rec, const struct batch *b,
                   size_t from);
/* "'12,000' is not an INT": the value, then the words; returns 0. */
int refuse(struct reject_info *ret, const char *code, struct csv_field f, const char *fmt, ...) PRINTF(4, 5);
void refuse_hint(struct reject_info *ret, const char *fmt, ...) PRINTF(2, 3);
/* "INT", "BIGINT UNSIGNED": for messages. */
#define TYPE_WORD_SIZE 48
const char *type_word_of(const struct column *c, char out[TYPE_WORD_SIZE]);
#endif
