#ifndef IO_FORMAT_H
#define IO_FORMAT_H
#include "base/buf.h"
#include "io/batch.h"
/*
 * Typed rows as a file: CSV (RFC 4180), TSV (the same with tabs), JSON Lines, Avro (object container). Doubles and floats
 * are the shortest text that reads back as the same value; DECIMAL, DATE, TIME, zero dates and DATETIME are the server's own
 * text. A format belongs to one thread.
 */
enum format_kind { FORMAT_CSV, FORMAT_TSV, FORMAT_JSONL, FORMAT_AVRO };
enum binary_form { BINARY_HEX, BINARY_BASE64 };
struct format_config { /* borrowed until format_free */
    enum format_kind kind;
    char delimiter;    /* CSV; TSV has the tab */
    bool header, crlf; /* CSV, TSV */
    const char *null;  /* CSV, TSV: what NULL is, unquoted; a text that is the same, or empty, is quoted */
    enum binary_form binary; /* BINARY, BLOB and BIT; Avro has bytes */
    /* of TIMESTAMP cells, which are UTC in the batch: seconds to add; NULL: UTC */
    int64_t (*offset_s)(const void *zone, int64_t utc_s);
    const void *zone;
    const char *name;     /* Avro: of the record, made a legal one; JSON Lines, CSV: not used */
    const char *metadata; /* Avro: kept in the file as "orch.ddl"; NULL: none */
    const char *codec;    /* Avro: "null" (NULL too), "deflate": what every reader has */
    /* Avro: DATE, DATETIME and TIMESTAMP as strings, in the server's own text: keeps what no calendar has, 0000-00-00. Without
     * it such a value is ERR_BAD_VALUE */
    bool text_times;
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
