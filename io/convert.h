#ifndef IO_CONVERT_H
#define IO_CONVERT_H
#include "io/batch.h"
#include "io/csv.h"
/*
 * From CSV text to typed cells, strictly: no rounding, no clamping, no silent cut; what does not fit is a
 * reject with a code. The rules and why: notes in docs/cleaning.md. Bytes are compared in C, never by collation.
 */
enum convert_binary {                 /* how a file holds what a BINARY, BLOB or BIT column gets */
                      CONVERT_UNSAID, /* of a rule: as convert_config says; of that: raw */
                      CONVERT_RAW,    /* bytes; BIT: a number */
                      CONVERT_HEX,    /* two digits a byte; BIT: likewise, the highest byte first */
                      CONVERT_BASE64, /* RFC 4648, padded */
};
struct convert_rule {           /* one entry of the pipeline's "columns" */
    const char *from;           /* header name, or "3" (1-based) where header is false */
    const char *to;             /* target column; NULL: dropped */
    const char *const *nulls;   /* NULL-ended spellings; NULL: the dialect's list */
    const char *format;         /* strptime subset for dates; NULL: ISO 8601 */
    char decimal;               /* of numbers: ','; 0 and '.': a point */
    char group;                 /* between the thousands of numbers; 0: none is taken */
    enum convert_binary binary; /* another than raw for a column of another type is ERR_CONFIG */
};
/* A target column that the same value goes to in every row of a file. */
struct convert_constant {
    const char *to;
    const char *text; /* with {partition}, {key}, {file} and {loaded} in it; "{{" stands for one brace */
};
struct convert_about { /* what a constant's text may speak of */
    const char *part;  /* "2022-06-05T12", "2022-06-05" */
    const char *key;
    int64_t load_id; /* tells when it was drawn */
};
enum drift_policy { DRIFT_FAIL, DRIFT_IGNORE_EXTRA, DRIFT_NULL_MISSING, DRIFT_ADD_COLUMNS };
struct convert_config {
    const struct convert_rule *rules;
    size_t rule_count;
    const char *const
        *nulls; /* the pipeline's csv.null, NULL-ended. "" in it: an unquoted empty field is NULL in
                                 number and date columns; in a text column only where the column's own list has "" */
    enum convert_binary binary; /* of BINARY, BLOB and BIT columns without a rule of their own */
    bool fixed_fields;          /* without header: how many was said beforehand, not by the first record */
    bool null_empty; /* "" in nulls counts in text columns too: who wrote the file quotes empty texts */
    bool zero_dates; /* 0000-00-00, 2022-00-00 and the year 0000 are values */
    bool header;
    bool trailing_delimiter; /* every record ends with a delimiter more, the header's names may */
    const struct convert_constant *constants;
    size_t constant_count;
    enum drift_policy drift;
    const char *zone; /* "UTC", nothing else: what a time without offset means */
};
struct converter;
/*
 * Matches the header (or, without one, field numbers, or positions when there are no rules) with the table:
 * exact, then case-insensitive; extra, missing, repeated and ambiguous names are ERR_SCHEMA and name them and
 * the nearest column. Columns that no field fills are ERR_SCHEMA, also where they have a default (which must
 * be other than NULL to be called one), but for AUTO_INCREMENT, invisible ones and times with a default;
 * DRIFT_NULL_MISSING fills the nullable with NULL and leaves the rest to their default, and so does DRIFT_ADD_COLUMNS,
 * since files from before a column was added lack it. Generated and
 * _orch_ columns are never filled. c and t are borrowed and must outlive the converter. first is the header record, or the first data record where header is false.
 */
NODISCARD int converter_new(const struct convert_config *c, const struct table *t,
                            const struct csv_record *first, struct converter **ret, struct err *err);
/* The same where config may have constants; a constant that speaks of what about (NULL: of nothing) lacks is
 * ERR_CONFIG, and so is one whose text is no value of its column. about is not needed afterwards. */
NODISCARD int converter_new_about(const struct convert_config *c, const struct table *t,
                                  const struct csv_record *first, const struct convert_about *about,
                                  struct converter **ret, struct err *err);
/* The i-th of "columns", or behind them of "constants", against the table alone: what would stop every file. about: of a
 * file as it may come. */
NODISCARD int converter_check(const struct convert_config *c, const struct table *t,
                              const struct convert_about *about, size_t i, struct err *err);
/* Whether text is one that a constant can have: names in braces are known, braces are closed. */
NODISCARD int constant_check(const char *text, struct err *err);
void converter_free(struct converter *c);
/* Target columns filled, in order: hand to batch_new. Borrowed. */
const int *converter_columns(const struct converter *c, size_t *ret_count);
struct reject_info {
    int64_t line, offset;
    char column[200];  /* "" where the record as a whole is wrong */
    char code[32];     /* FIELD_COUNT, NOT_AN_INT, OUT_OF_RANGE, DIGITS_LOST, NOT_A_NUMBER, BAD_DATE,
                                 BAD_TIME, TOO_LONG, NOT_HEX, NOT_BASE64, NOT_NULL, NOT_A_MEMBER, BAD_QUOTE, NUL_BYTE, BAD_UTF8, BAD_ENCODING, RECORD_TOO_LARGE,
                                 DUPLICATE_KEY, REFUSED_BY_SERVER, NOT_IN_CHARSET ... (docs/rejects.md) */
    char message[300]; /* "'12,000' is not an INT" */
    char hint[200];
    const char *raw; /* borrowed; at most MAX_REJECT_RAW bytes */
    size_t raw_n;
    int64_t raw_total;
    unsigned char raw_sha256[32]; /* set where raw_total > raw_n */
};
/*
 * Appends one row to b. 1: added; 0: the record is rejected, *ret says why (its raw borrows from rec) and b is
 * unchanged. Never fails otherwise.
 */
int converter_row(struct converter *c, const struct csv_record *rec, struct batch *b,
                  struct reject_info *ret);
/* One cell: exported for tests and fuzzing. 1 value in row b->rows of b->cols[col], 0 reject. */
int convert_cell(const struct column *col, struct csv_field f, const char *format, struct batch *b, size_t at,
                 struct reject_info *ret);

/*
 * Proposes SQL types for a table that orch makes: feed it records, then ask. Wide on purpose: BIGINT, DOUBLE,
 * DECIMAL where a double would lose digits, DATE, DATETIME(6), VARCHAR(n) with room, TEXT.
 */
struct infer;
struct infer *infer_new(const struct convert_config *c);
NODISCARD int infer_header(struct infer *i, const struct csv_record *first, struct err *err);
void infer_row(struct infer *i, const struct csv_record *rec);
size_t infer_count(const struct infer *i);
/* Column k: its target name and MySQL type text. Strings live until infer_free. */
void infer_column(struct infer *i, size_t k, const char **ret_name, const char **ret_type);
void infer_free(struct infer *i);
#endif
