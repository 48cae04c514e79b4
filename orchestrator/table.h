#ifndef ORCHESTRATOR_TABLE_H
#define ORCHESTRATOR_TABLE_H
#include "base/json.h"
#include <stdio.h>
/*
 * What commands put on stdout: rows (objects of one shape) as an aligned table, JSON, JSON lines or CSV. The
 * same values in each form; JSON has every member, table and CSV the columns asked for. Whatever came from
 * outside is made printable in tables; colour never tells what words do not.
 */
enum out_format { OUT_TABLE, OUT_JSON, OUT_JSONL, OUT_CSV };
struct out {
    FILE *to;
    enum out_format format;
    bool colour;
    size_t
        width; /* of the terminal, where text is folded; 0: lines as long as they are, for files and grep */
};
struct out_column {
    const char *key, *title; /* key NULL ends the list; from the first title that is NULL on: not in tables */
    bool right;              /* numbers */
    bool state;              /* painted by what it says */
};
NODISCARD int out_format_parse(const char *text, enum out_format *ret, struct err *err); /* ERR_USAGE */
/* JSON: {"schema_version":1,"<name>":[...]}. */
void out_rows(const struct out *o, const char *name, const struct out_column *columns, const json_t *rows);
/* One document, indented. */
void out_document(const struct out *o, const json_t *document);
/* A cell as text: strings as they are (printable), numbers, true/false, "" for null and what is missing. */
void out_cell(const json_t *v, char *ret, size_t size);
/* Folds text between words at the terminal's width; it begins at column at, further lines at column indent. Ends the
 * line. */
void out_folded(const struct out *o, size_t at, size_t indent, const char *text);
/* The parts of a table, for who does not have all rows at once (stream.h): widths, then lines (row NULL: the titles). */
enum { OUT_COLUMNS = 32 };
void out_widths(const struct out_column *columns, const json_t *rows, size_t ret[OUT_COLUMNS]);
void out_line(const struct out *o, const struct out_column *columns, const size_t *widths, const json_t *row);
void out_csv_field(FILE *to, const char *s); /* quoted where RFC 4180 asks for it */
/* "\033[31m" and so on by the word's meaning; "" without colour. out_plain ends it. */
const char *out_paint(const struct out *o, const char *state);
const char *out_plain(const struct out *o);
#endif
