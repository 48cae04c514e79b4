#include "orchestrator/stream.h"
#include "base/civil.h"
#include "base/mem.h"
#include <unistd.h>

/* Rows that a table looks at before it settles its widths. */
enum { LOOKED_AT = 500 };

/* ---- JSON ---- */

void jout_init(struct jout *j, const struct out *o)
{
    /* As out_document: a terminal acts on what JSON allows. */
    *j = (struct jout){
        .to = o->to, .compact = o->format == OUT_JSONL, .ascii = isatty(fileno(o->to)) != 0, .depth = 0};
}

static void line(const struct jout *j)
{
    static const char blanks[] = "                                ";

    if (!j->compact) {
        fputc('\n', j->to);
        fwrite(blanks, 1, 2 * (size_t)j->depth, j->to);
    }
}

/* No byte needs another spelling in JSON. */
static bool is_plain(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f || (*s & 0x80) != 0)
            return false;
    return true;
}

static void quoted(const struct jout *j, const char *s)
{
    if (is_plain(s)) {
        fputc('"', j->to);
        fputs(s, j->to);
        fputc('"', j->to);
        return;
    }
    size_t n = strlen(s), at, room = 4 * n + 16;
    char *shown = NULL;
    if (!str_utf8_valid(s, n, &at)) {
        shown = xmalloc(room);
        str_printable(s, n, shown, room);
    }
    json_t *v = json_string(shown != NULL ? shown : s);
    json_dumpf(v, j->to, JSON_ENCODE_ANY | (j->ascii ? JSON_ENSURE_ASCII : 0));
    json_decref(v);
    free(shown);
}

static void member(struct jout *j, const char *key)
{
    if (j->more[j->depth])
        fputc(',', j->to);
    j->more[j->depth] = true;
    if (j->depth > 0)
        line(j);
    if (key != NULL) {
        fputc('"', j->to);
        fputs(key, j->to);
        fputs(j->compact ? "\":" : "\": ", j->to);
    }
}

void jout_open(struct jout *j, const char *key, char bracket)
{
    member(j, key);
    fputc(bracket, j->to);
    if (j->depth < (int)ARRAY_LEN(j->more) - 1)
        j->depth++;
    j->more[j->depth] = false;
}

void jout_close(struct jout *j, char bracket)
{
    bool any = j->more[j->depth];

    j->depth--;
    if (any)
        line(j);
    fputc(bracket, j->to);
    if (j->depth == 0)
        jout_end_line(j);
}

void jout_text(struct jout *j, const char *key, const char *value)
{
    member(j, key);
    if (value == NULL)
        fputs("null", j->to);
    else
        quoted(j, value);
}

void jout_int(struct jout *j, const char *key, int64_t value)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    member(j, key);
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (value < 0)
        *--at = '-';
    fwrite(at, 1, (size_t)(digits + sizeof digits - at), j->to);
}

void jout_bool(struct jout *j, const char *key, bool value)
{
    member(j, key);
    fputs(value ? "true" : "false", j->to);
}

void jout_time(struct jout *j, const char *key, int64_t ms)
{
    char text[CIVIL_RFC3339_SIZE];

    jout_text(j, key, ms != 0 ? civil_rfc3339(ms, false, text) : NULL);
}

void jout_value(struct jout *j, const char *key, const json_t *any)
{
    member(j, key);
    json_dumpf(any, j->to,
               JSON_ENCODE_ANY | (j->compact ? JSON_COMPACT : 0) | (j->ascii ? JSON_ENSURE_ASCII : 0));
}

void jout_inside(struct jout *j, const char *object)
{
    size_t n = strlen(object);

    if (n <= 2) /* {} */
        return;
    member(j, NULL);
    fwrite(object + 1, 1, n - 2, j->to);
}

void jout_end_line(struct jout *j)
{
    fputc('\n', j->to);
    j->more[0] = false;
}

/* ---- rows ---- */

static json_t *value_json(const struct out_value *v)
{
    char text[CIVIL_RFC3339_SIZE], *shown;
    json_t *made;

    switch (v->kind) {
    case OUT_INT:
        return json_integer(v->n);
    case OUT_TIME:
        return v->n != 0 ? json_string(civil_rfc3339(v->n, false, text)) : json_null();
    case OUT_TEXT:
        if (v->text == NULL)
            break;
        made = json_string(v->text);
        if (made == NULL) {
            size_t n = strlen(v->text);
            shown = xmalloc(4 * n + 16);
            str_printable(v->text, n, shown, 4 * n + 16);
            made = json_string(shown);
            free(shown);
        }
        return made;
    case OUT_NULL:
        break;
    }
    return json_null();
}

static void settle_widths(struct out_rows *r)
{
    const json_t *row;
    size_t i;

    if (r->first == NULL)
        return;
    out_widths(r->columns, r->first, r->widths);
    if (json_array_size(r->first) > 0)
        out_line(r->o, r->columns, r->widths, NULL);
    json_array_foreach(r->first, i, row)
        out_line(r->o, r->columns, r->widths, row);
    json_decref(r->first);
    r->first = NULL;
}

static void add_line(struct out_rows *r, const struct out_value *values)
{
    json_t *row = json_object();

    for (size_t i = 0; r->columns[i].key != NULL && r->columns[i].title != NULL; i++)
        json_object_set_new(row, r->columns[i].key, value_json(&values[i]));
    if (r->first != NULL && json_array_size(r->first) < LOOKED_AT) {
        json_array_append_new(r->first, row);
        return;
    }
    settle_widths(r);
    out_line(r->o, r->columns, r->widths, row);
    json_decref(row);
}

static void add_csv(const struct out_rows *r, const struct out_value *values)
{
    char text[CIVIL_RFC3339_SIZE];

    for (size_t i = 0; r->columns[i].key != NULL; i++) {
        const struct out_value *v = &values[i];
        if (i > 0)
            fputc(',', r->o->to);
        if (v->kind == OUT_INT)
            fprintf(r->o->to, "%lld", (long long)v->n);
        else if (v->kind == OUT_TIME && v->n != 0)
            fputs(civil_rfc3339(v->n, false, text), r->o->to);
        else if (v->kind == OUT_TEXT && v->text != NULL)
            out_csv_field(r->o->to, v->text);
    }
    fputs("\r\n", r->o->to);
}

static void add_json(struct out_rows *r, const struct out_value *values)
{
    struct jout *j = &r->json;

    jout_open(j, NULL, '{');
    for (size_t i = 0; r->columns[i].key != NULL; i++) {
        const char *key = r->columns[i].key;
        if (values[i].kind == OUT_INT)
            jout_int(j, key, values[i].n);
        else if (values[i].kind == OUT_TIME)
            jout_time(j, key, values[i].n);
        else
            jout_text(j, key, values[i].kind == OUT_TEXT ? values[i].text : NULL);
    }
    jout_close(j, '}');
}

void out_rows_begin(struct out_rows *r, const struct out *o, const char *name,
                    const struct out_column *columns)
{
    *r = (struct out_rows){.o = o, .columns = columns};
    jout_init(&r->json, o);
    if (o->format == OUT_TABLE)
        r->first = json_array();
    if (o->format == OUT_JSON) {
        jout_open(&r->json, NULL, '{');
        jout_int(&r->json, "schema_version", 1);
        jout_open(&r->json, name, '[');
    }
    if (o->format == OUT_CSV) {
        for (size_t i = 0; columns[i].key != NULL; i++)
            fprintf(o->to, "%s%s", i > 0 ? "," : "", columns[i].key);
        fputs("\r\n", o->to);
    }
}

void out_rows_add(struct out_rows *r, const struct out_value *values)
{
    if (r->o->format == OUT_TABLE)
        add_line(r, values);
    else if (r->o->format == OUT_CSV)
        add_csv(r, values);
    else
        add_json(r, values);
}

void out_rows_last(struct out_rows *r)
{
    if (r->o->format == OUT_TABLE)
        settle_widths(r);
    if (r->o->format == OUT_JSON)
        jout_close(&r->json, ']');
}

void out_rows_end(struct out_rows *r)
{
    if (r->o->format == OUT_JSON)
        jout_close(&r->json, '}');
}
