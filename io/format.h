#ifndef IO_FORMAT_H
#define IO_FORMAT_H
#include "base/buf.h"
#include "io/batch.h"
/*
 * Typed rows as a file: CSV (RFC 4180), TSV (the same with tabs), JSON Lines, Avro (object container). Doubles and floats
 * are the shortest text that reads back as the same value; DECIMAL, DATE, TIME, zero dates and DATETIME are the server's own
 * text. A format belongs to one thread.
 *
 * CSV and TSV: quotes stand only around what has a delimiter, quote, CR or LF in it, is empty, reads as NULL or begins with a
 * byte order mark; a formula stays what it is. A text's NUL bytes are written, and refused by io/csv.h. One nullable column
 * whose NULL is "" is ERR_CONFIG: the row would be an empty line. -0.0 is -0.
 * JSON Lines: an object a row, UTF-8, keys in the order of the file. Integers and DECIMAL are numbers with all their digits:
 * a reader that makes doubles of them loses what is beyond 2^53. -0.0 is -0.0. Times, BINARY and BIT are text. Text that is
 * no UTF-8 is ERR_BAD_ENCODING, a name that comes twice ERR_CONFIG. The server's JSON type is text.
 */
enum format_kind { FORMAT_CSV, FORMAT_TSV, FORMAT_JSONL, FORMAT_AVRO };
enum binary_form { BINARY_HEX, BINARY_BASE64 };
struct format_config { /* borrowed until format_free */
    enum format_kind kind;
    char delimiter;    /* CSV; TSV has the tab */
    bool header, crlf; /* CSV, TSV */
    const char *null;  /* CSV, TSV: what NULL is, unquoted; a text that is the same, or empty, is quoted */
    enum binary_form
        binary; /* BINARY, BLOB, geometry and BIT (big-endian); hex as HEX() has it; Avro has bytes */
    /* of TIMESTAMP cells, which are UTC in the batch: seconds to add; NULL: UTC */
    int64_t (*offset_s)(const void *zone, int64_t utc_s);
    const void *zone;
    const char *name;     /* Avro: of the record, made a legal one; JSON Lines, CSV: not used */
    const char *metadata; /* Avro: kept in the file as "orch.ddl"; NULL: none */
    const char *codec;    /* Avro: "null", "deflate", "zstandard" where the library has it */
};
struct format;
/* columns: of def, count of them, as the batches have them, in the order of the file. def is borrowed. */
NODISCARD int format_new(const struct format_config *c, const struct table *def, const int *columns,
                         size_t count, struct format **ret, struct err *err);
/* A file is begin, rows.., end. All append to out, up to out->max. begin may come again after end. */
NODISCARD int format_begin(struct format *f, struct buf *out, struct err *err);
NODISCARD int format_rows(struct format *f, const struct batch *b, size_t from, size_t to, struct buf *out,
                          struct err *err);
NODISCARD int format_end(struct format *f, struct buf *out, struct err *err);
void format_free(struct format *f);            /* NULL is fine */
const char *format_suffix(enum format_kind k); /* ".csv", ".tsv", ".jsonl", ".avro" */
#endif
