#ifndef IO_CSV_H
#define IO_CSV_H
#include "base/str.h"
#include "io/reader.h"
#include <stdint.h>
/*
 * Streaming RFC 4180 reader. LF, CRLF and CR end a record, mixed too (told in csv_stats). A quoted field
 * may hold newlines; a doubled quote is a quote. The "was quoted" fact is kept. A UTF-8 BOM is cut.
 * UTF-16/32 (BOM, or NUL bytes among ASCII) is ERR_BAD_ENCODING with a hint. An empty line (no bytes
 * between two line ends) is not a record: skipped and counted; in a one-column file it is an empty field.
 *
 * A record that breaks a rule is given, with .code set, so that the caller may reject it and go on:
 *   BAD_QUOTE (text after a closing quote, a quote inside a bare field, never closed), NUL_BYTE,
 *   BAD_UTF8, BAD_ENCODING (a byte that cp1252 does not define), RECORD_TOO_LARGE. After a bad quote the reader resumes at the next line end after the
 *   record's start line, so that one stray quote does not swallow the file. A quoted field still open
 *   at the end of the file is BAD_QUOTE, and the lines it swallowed are given again as records.
 * (Whether that costs memory: at most MAX_RECORD is held to look back.) A quoted field that holds a line
 * end and runs past max_record is a bad quote too; a line that alone is longer is RECORD_TOO_LARGE, and the
 * reader goes on after its end. What is read depends on the bytes only, never on how they arrive.
 */
enum csv_encoding { CSV_UTF8, CSV_LATIN1, CSV_CP1252 };
struct csv_dialect {
    char delimiter; /* ',' */
    char quote;     /* '"'; 0: no quoting */
    char escape;    /* 0: none; then escape + char is that char inside and outside quotes */
    enum csv_encoding encoding;
    size_t max_record; /* 0: MAX_RECORD */
};
enum csv_code {
    CSV_GOOD = 0,
    CSV_BAD_QUOTE,
    CSV_NUL_BYTE,
    CSV_BAD_UTF8,
    CSV_BAD_ENCODING,
    CSV_RECORD_TOO_LARGE,
    CSV_REPEATED_NAME, /* of JSON rows alone, these three: io/json_rows.h */
    CSV_NOT_AN_OBJECT,
    CSV_BAD_ESCAPE
};
enum { CSV_CODES = CSV_BAD_ESCAPE + 1 };
enum { CSV_FIELD_PAD = 16 };
struct csv_field {
    const char *p; /* unescaped, in UTF-8 whatever the file's encoding */
    uint32_t n;
    bool quoted;
};
struct csv_record {
    const struct csv_field *fields; /* views, valid until the next csv_next; NULL where code is set */
    bool padded;                    /* CSV_FIELD_PAD bytes before and after each field can be read */
    size_t count;                   /* at most MAX_COLUMNS + 1: what is beyond is not given */
    int64_t line;                   /* 1-based physical line of the record's first byte */
    int64_t offset;                 /* byte offset of it, in the decompressed stream */
    const char *raw;   /* the record's bytes as they stood, without its line end; file's encoding */
    size_t raw_n;      /* for RECORD_TOO_LARGE: the first max_record bytes only */
    int64_t raw_total; /* length of the record, also where raw is cut */
    unsigned char raw_sha256[32]; /* set only where raw_total > MAX_REJECT_RAW and code != CSV_GOOD */
    enum csv_code code;
    char message[160]; /* set where code != CSV_GOOD */
};
struct csv_stats {
    int64_t records, bytes, empty_lines, lf, crlf, cr;
    int64_t line; /* that comes next, 1-based */
};
struct csv;
/* Takes in. */
NODISCARD int csv_open(struct reader *in, const struct csv_dialect *d, struct csv **ret, struct err *err);
void csv_close(struct csv *c);
/* 1: *ret is the next record; 0: end of file (the source verified it); <0: error. */
NODISCARD int csv_next(struct csv *c, struct csv_record *ret, struct err *err);
void csv_stats(const struct csv *c, struct csv_stats *ret);
const char *csv_code_name(enum csv_code code); /* "BAD_QUOTE", ... */
#endif
