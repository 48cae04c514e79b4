#include "orchestrator/table.h"
#include "base/mem.h"
#include <unistd.h>

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

void out_folded(const struct out *o, size_t at, size_t indent, const char *text)
{
    enum { NARROW = 24 }; /* less room than this reads worse than a long line */

    if (o->width < indent + NARROW || at + width(text) <= o->width) {
        fprintf(o->to, "%s\n", text);
        return;
    }
    bool first = true;
    while (*text != '\0') {
        size_t n = strcspn(text, " "), wide = 0;
        for (size_t i = 0; i < n; i++)
            wide += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (!first && at + 1 + wide > o->width) {
            fputc('\n', o->to);
            pad(o->to, indent);
            at = indent;
        } else if (!first) {
            fputc(' ', o->to);
            at++;
        }
        fwrite(text, 1, n, o->to);
        at += wide;
        text += n + (text[n] == ' ');
        first = false;
    }
    fputc('\n', o->to);
}

void out_line(const struct out *o, const struct out_column *columns, const size_t *widths, const json_t *row)
{
    size_t last = 0, at = 0;
    char cell[CELL];

    while (columns[last].key != NULL && columns[last].title != NULL && last < OUT_COLUMNS)
        last++;
    while (last > 1) { /* no blanks before the end of a line */
        out_cell(row != NULL ? json_object_get(row, columns[last - 1].key) : NULL, cell, sizeof cell);
        if (row == NULL || *cell != '\0')
            break;
        last--;
    }
    for (size_t i = 0; i < last; i++) {
        if (row != NULL)
            out_cell(json_object_get(row, columns[i].key), cell, sizeof cell);
        else
            snprintf(cell, sizeof cell, "%s", columns[i].title);
        size_t wide = width(cell), room = wide < widths[i] ? widths[i] - wide : 0;
        if (columns[i].right)
            pad(o->to, room);
        const char *paint = columns[i].state && row != NULL ? out_paint(o, cell) : "";
        if (i + 1 == last && *paint == '\0' && !columns[i].right) {
            out_folded(o, at, at, cell);
            return;
        }
        fprintf(o->to, "%s%s%s", paint, cell, *paint != '\0' ? out_plain(o) : "");
        if (i + 1 < last)
            pad(o->to, (columns[i].right ? 0 : room) + 2);
        at += (wide > widths[i] ? wide : widths[i]) + 2;
    }
    fputc('\n', o->to);
}

void out_widths(const struct out_column *columns, const json_t *rows, size_t ret[OUT_COLUMNS])
{
    char cell[CELL];
    const json_t *row;
    size_t r;

    for (size_t i = 0; i < OUT_COLUMNS && columns[i].key != NULL && columns[i].title != NULL; i++) {
        ret[i] = width(columns[i].title);
        json_array_foreach(rows, r, row) {
            out_cell(json_object_get(row, columns[i].key), cell, sizeof cell);
            ret[i] = width(cell) > ret[i] ? width(cell) : ret[i];
        }
    }
}

static void as_table(const struct out *o, const struct out_column *columns, const json_t *rows)
{
    size_t widths[OUT_COLUMNS] = {0}, r;
    const json_t *row;

    if (json_array_size(rows) == 0)
        return;
    out_widths(columns, rows, widths);
    out_line(o, columns, widths, NULL);
    json_array_foreach(rows, r, row)
        out_line(o, columns, widths, row);
}

void out_csv_field(FILE *to, const char *s)
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
            out_csv_field(o->to, text);
            free(text);
        }
        fputs("\r\n", o->to);
    }
}

void out_document(const struct out *o, const json_t *document)
{
    size_t flags = o->format == OUT_JSONL ? JSON_COMPACT : JSON_INDENT(2);

    /* A terminal acts on C1 controls and overrides of direction, which a key may hold and JSON allows. */
    if (isatty(fileno(o->to)))
        flags |= JSON_ENSURE_ASCII;
    json_dumpf(document, o->to, flags);
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
