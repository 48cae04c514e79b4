#include "orchestrator/table.h"
#include "base/mem.h"

enum { CELL = 1400 };

int out_format_parse(const char *text, enum out_format *ret, struct err *err)
{
    static const char *const names[] = {"table", "json", "jsonl", "csv", NULL};

    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum out_format)i;
            return 0;
        }
    return err_set(err, ERR_USAGE, "-o knows table, json, jsonl and csv");
}

static bool one_of(const char *state, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(state, *words) == 0)
            return true;
    return false;
}

const char *out_paint(const struct out *o, const char *state)
{
    static const char *const good[] = {"RECONCILED", "LOADED", "EQUAL", "OK",
                                       "SUCCEEDED",  "EMPTY",  "●",     NULL};
    static const char *const bad[] = {"FAILED",  "DEAD",    "MISMATCHED", "DIFFERENT", "FAIL", "TIMED_OUT",
                                      "ABORTED", "REFUSED", "STUCK",      "✖",         "≠",    NULL};
    static const char *const odd[] = {"LATE", "WARN", "UNVERIFIABLE", "UNAVAILABLE", "WAITING", "▲", NULL};

    if (!o->colour)
        return "";
    return one_of(state, good)  ? "\033[32m"
           : one_of(state, bad) ? "\033[31m"
           : one_of(state, odd) ? "\033[33m"
                                : "";
}

const char *out_plain(const struct out *o)
{
    return o->colour ? "\033[0m" : "";
}

void out_cell(const json_t *v, char *ret, size_t size)
{
    ret[0] = '\0';
    if (v == NULL || json_is_null(v))
        return;
    if (json_is_string(v)) {
        str_printable(json_string_value(v), json_string_length(v), ret, size);
    } else {
        char *text = json_text(v);
        str_printable(text, strlen(text), ret, size);
        free(text);
    }
}

/* Terminal columns, one a code point: enough for what orch itself prints, and never out of bounds. */
static size_t width(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void pad(FILE *to, size_t n)
{
    fprintf(to, "%*s", (int)n, "");
}

static void as_table(const struct out *o, const struct out_column *columns, const json_t *rows)
{
    size_t widths[32] = {0}, count = 0, r;
    char cell[CELL];
    const json_t *row;

    for (const struct out_column *c = columns; c->key != NULL && count < ARRAY_LEN(widths); c++) {
        widths[count] = width(c->title);
        json_array_foreach(rows, r, row) {
            out_cell(json_object_get(row, c->key), cell, sizeof cell);
            widths[count] = width(cell) > widths[count] ? width(cell) : widths[count];
        }
        count++;
    }
    if (json_array_size(rows) == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t room = widths[i] - width(columns[i].title);
        if (columns[i].right)
            pad(o->to, room);
        fputs(columns[i].title, o->to);
        if (i + 1 < count)
            pad(o->to, (columns[i].right ? 0 : room) + 2);
    }
    fputc('\n', o->to);
    json_array_foreach(rows, r, row) {
        for (size_t i = 0; i < count; i++) {
            out_cell(json_object_get(row, columns[i].key), cell, sizeof cell);
            size_t room = widths[i] - width(cell);
            if (columns[i].right)
                pad(o->to, room);
            const char *paint = columns[i].state ? out_paint(o, cell) : "";
            fprintf(o->to, "%s%s%s", paint, cell, *paint != '\0' ? out_plain(o) : "");
            if (i + 1 < count)
                pad(o->to, (columns[i].right ? 0 : room) + 2);
        }
        fputc('\n', o->to);
    }
}

static void csv_field(FILE *to, const char *s)
{
    if (strpbrk(s, ",\"\r\n") == NULL) {
        fputs(s, to);
        return;
    }
    fputc('"', to);
    for (; *s != '\0'; s++) {
        if (*s == '"')
            fputc('"', to);
        fputc(*s, to);
    }
    fputc('"', to);
}

static void as_csv(const struct out *o, const struct out_column *columns, const json_t *rows)
{
    const json_t *row;
    size_t r;

    for (const struct out_column *c = columns; c->key != NULL; c++)
        fprintf(o->to, "%s%s", c != columns ? "," : "", c->key);
    fputs("\r\n", o->to);
    json_array_foreach(rows, r, row) {
        for (const struct out_column *c = columns; c->key != NULL; c++) {
            const json_t *v = json_object_get(row, c->key);
            char *text = v == NULL || json_is_null(v) ? xstrdup("")
                         : json_is_string(v)          ? xstrdup(json_string_value(v))
                                                      : json_text(v);
            if (c != columns)
                fputc(',', o->to);
            csv_field(o->to, text);
            free(text);
        }
        fputs("\r\n", o->to);
    }
}

void out_document(const struct out *o, const json_t *document)
{
    json_dumpf(document, o->to, o->format == OUT_JSONL ? JSON_COMPACT : JSON_INDENT(2));
    fputc('\n', o->to);
}

void out_rows(const struct out *o, const char *name, const struct out_column *columns, const json_t *rows)
{
    const json_t *row;
    size_t r;

    switch (o->format) {
    case OUT_TABLE:
        as_table(o, columns, rows);
        break;
    case OUT_CSV:
        as_csv(o, columns, rows);
        break;
    case OUT_JSONL:
        json_array_foreach(rows, r, row)
            out_document(o, row);
        break;
    case OUT_JSON: {
        json_t *whole = json_pack("{s:i,s:O}", "schema_version", 1, name, rows);
        out_document(o, whole);
        json_decref(whole);
        break;
    }
    }
}
