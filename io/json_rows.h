#ifndef IO_JSON_ROWS_H
#define IO_JSON_ROWS_H
#include "io/csv.h"
/*
 * Rows in JSON (RFC 8259): one object, or an array of objects, as records of a converter. A value keeps every character
 * that it has: numbers are never doubles. A text is a quoted field, its escapes decoded; a number is a bare one as it
 * stands, true is 1 and false 0; null, and a name that this object lacks and another has, is a bare empty field, which
 * is NULL. An object or array within a row is the text that it is: a JSON or text column takes it, others refuse it.
 *
 * The header is every name of every object, in the order of their first appearance: a column that no object names is in
 * no record, and keeps its default.
 *
 * What is JSON and no row is a record with .code: NOT_AN_OBJECT, REPEATED_NAME, NUL_BYTE (a text or name with \u0000),
 * BAD_ESCAPE (half a surrogate pair). What is not JSON, not UTF-8 or nested deeper than MAX_JSON_DEPTH is an error of the
 * whole that names line and column, and no record is given.
 */
struct json_rows;
/*
 * text is borrowed until json_rows_free. ERR_BAD_VALUE: it is not JSON, or neither an object nor an array; ERR_TOO_LARGE: more
 * than max_rows (0: any number), more than MAX_COLUMNS names, or than MAX_RECORD bytes.
 */
NODISCARD int json_rows_open(const char *text, size_t n, int64_t max_rows, struct json_rows **ret,
                             struct err *err);
size_t json_rows_count(const struct json_rows *j);
const struct csv_record *
json_rows_header(const struct json_rows *j); /* borrowed; count 0: there is no name */
/* arg: struct json_rows. 1: *ret is the next record, borrowed until the next call; 0: there is no more. */
NODISCARD int json_rows_next(void *arg, struct csv_record *ret, struct err *err);
void json_rows_free(struct json_rows *j); /* NULL is fine */
#endif
