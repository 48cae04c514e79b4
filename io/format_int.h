#ifndef IO_FORMAT_INT_H
#define IO_FORMAT_INT_H
#include "io/format.h"
#include "io/shortest.h"
/* What stands behind format.h: one table per kind. format.c has format_new and CSV and TSV; the others a file each. */
struct format_ops {
    int (*begin)(struct format *f, struct buf *out, struct err *err);
    int (*rows)(struct format *f, const struct batch *b, size_t from, size_t to, struct buf *out,
                struct err *err);
    int (*end)(struct format *f, struct buf *out, struct err *err);
    void (*free)(struct format *f); /* what it holds beside columns, and f itself */
};
struct format { /* implementations embed it first */
    const struct format_ops *ops;
    const struct format_config *c;
    const struct table *def;
    int *columns; /* owned, freed by format_free */
    size_t count;
};
NODISCARD int format_csv_new(struct format **ret,
                             struct err *err); /* fields above are filled by format_new */
NODISCARD int format_jsonl_new(struct format **ret, struct err *err);
NODISCARD int format_jsonl_check(struct format *f, struct err *err); /* once the fields above are filled */
/* Its own fields above are filled by format_new too, but for columns where it has done so itself. */
NODISCARD int format_avro_new(const struct format_config *c, const struct table *def, const int *columns,
                              size_t count, struct format **ret, struct err *err);

/* format_cell.c: what CSV and JSON Lines have in common. */
enum cell_form {
    FORM_I64,
    FORM_YEAR, /* four digits, also of 0000 */
    FORM_U64,
    FORM_DOUBLE,
    FORM_FLOAT, /* by its value: the batch's decimal is the one of the double it becomes */
    FORM_DECIMAL,
    FORM_TEXT,
    FORM_MOMENT, /* TIMESTAMP that is shifted */
    FORM_BINARY,
    FORM_BITS /* BIT as an integer */
};
/* Hex, as the server's HEX() writes it, or base64. At most 2n + 4 bytes; returns the end. */
char *format_bytes(char *o, const void *bytes, size_t n, enum binary_form form);
char *format_bits(char *o, uint64_t v, int bits, enum binary_form form); /* big-endian, at most 20 bytes */
char *format_double(char *o, const struct batch_col *col, size_t row,
                    enum cell_form form); /* SHORTEST_SIZE bytes */
#define MOMENT_SIZE 48
/* "2022-06-05 12:34:56.5" of UTC, in the zone. ERR_BAD_VALUE for what is no time; names the column. */
NODISCARD int format_moment(const struct format *f, size_t i, const char *p, size_t n, char out[MOMENT_SIZE],
                            size_t *ret_n, struct err *err);
/* What formats that write cell by cell embed first. */
struct text_format {
    struct format format;
    size_t fixed; /* most bytes of a row beside its texts; set before there are rows */
    /* owned; made with the first batch, since the batch says what it has */
    enum cell_form *forms;
    size_t *texts; /* columns whose cells have lengths */
    size_t text_count;
};
enum { CELL_ROOM = SHORTEST_SIZE + 8 }; /* of one cell: a number, quotes around it, a delimiter */
/* Writes one row, gives its end, NULL where it fails. */
typedef char *put_row(const struct format *f, const struct batch *b, size_t row, char *o, struct err *err);
/* Rows one by one; a byte of text becomes at most `widest` bytes. */
NODISCARD int format_each(struct text_format *f, put_row *put, size_t widest, const struct batch *b,
                          size_t from, size_t to, struct buf *out, struct err *err);
void text_format_release(struct text_format *f);
#endif
