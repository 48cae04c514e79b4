#include "base/civil.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/profile.h"
#include <math.h>
#include <stdarg.h>

enum { FILES_TOLD = 100, STRONG_PAIRS = 10 };

struct telling {
    struct profile *p;
    const struct profile_subject *s;
    json_t *warnings;
};

static const char *const type_names[] = {
    [PROFILE_NOTHING] = "NOTHING", [PROFILE_INT] = "INT",           [PROFILE_REAL] = "REAL",
    [PROFILE_DATE] = "DATE",       [PROFILE_DATETIME] = "DATETIME", [PROFILE_TEXT] = "TEXT",
};
static const char *const unique_names[] = {
    [PROFILE_REPEATS] = "no", [PROFILE_UNIQUE] = "yes", [PROFILE_PERHAPS_UNIQUE] = "perhaps"};

/* --- values --- */

static json_t *real(double v)
{
    if (!isfinite(v))
        return json_null();
    return v == floor(v) && fabs(v) < 9007199254740992.0 ? json_integer((json_int_t)v) : json_real(v);
}

/* A point of the column's own scale: a date as such. */
static json_t *on_scale(enum profile_type type, double v)
{
    char text[CIVIL_RFC3339_SIZE];

    if ((type != PROFILE_DATE && type != PROFILE_DATETIME) || !isfinite(v))
        return real(v);
    civil_rfc3339((int64_t)floor(v) * 1000, false, text);
    if (type == PROFILE_DATE)
        text[10] = '\0';
    return json_string(text);
}

static json_t *text_of(const struct profile_value *v)
{
    char shown[4 * PROFILE_SHOWN + 48];
    size_t room = sizeof shown;
    struct str text = {v->text, v->n};

    /* cut between characters, so that the cut itself is no bad byte */
    while (v->n < v->whole_n && text.n > 0 && ((unsigned char)text.p[text.n - 1] & 0xc0) == 0x80)
        text.n--;
    if (v->n < v->whole_n && text.n > 0 && (unsigned char)text.p[text.n - 1] >= 0xc0)
        text.n--;
    str_printable(text.p, text.n, shown, room - 40);
    if (v->n < v->whole_n)
        snprintf(shown + strlen(shown), 40, "... (%zu bytes)", v->whole_n);
    json_t *ret = json_string(shown);
    return ret != NULL ? ret : json_null();
}

static void add_place(const struct telling *t, json_t *o, struct profile_place at)
{
    json_object_set_new(o, "line", at.line > 0 ? json_integer(at.line) : json_null());
    if (t->s->file_count > 1 && at.file < t->s->file_count)
        json_object_set_new(o, "file", cli_json_text(t->s->files[at.file]));
}

static json_t *values(const struct telling *t, const struct profile_value *v, size_t n, bool counts)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n && !t->s->hide_values; i++) {
        json_t *o = json_pack("{s:o}", "value", text_of(&v[i]));
        if (counts)
            json_object_set_new(o, "count", v[i].count > 0 ? json_integer(v[i].count) : json_null());
        add_place(t, o, v[i].first);
        json_array_append_new(list, o);
    }
    return list;
}

/* --- a column --- */

static json_t *quantiles(const struct profile_column *c)
{
    json_t *o = json_object();
    char key[16];

    for (size_t i = 0; i < PROFILE_QUANTILES && c->bin_count > 0; i++) {
        snprintf(key, sizeof key, "p%.0f", 100 * profile_quantiles[i]);
        json_object_set_new(o, key, on_scale(c->type, c->quantiles[i]));
    }
    return o;
}

static json_t *histogram(const struct profile_column *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->bin_count; i++)
        json_array_append_new(list, json_pack("{s:o,s:o,s:I,s:b}", "from", on_scale(c->type, c->bins[i].from),
                                              "to", on_scale(c->type, c->bins[i].to), "count",
                                              (json_int_t)c->bins[i].count, "tail", (int)c->bins[i].tail));
    return list;
}

static json_t *shapes(const struct profile_column *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->shape_count; i++)
        json_array_append_new(list, json_pack("{s:o,s:I}", "shape", text_of(&c->shapes[i]), "count",
                                              (json_int_t)c->shapes[i].count));
    return list;
}

static void add_numbers(const struct telling *t, const struct profile_column *c, json_t *o)
{
    bool there = c->bin_count > 0, number = there && (c->type == PROFILE_INT || c->type == PROFILE_REAL);

    json_object_set_new(o, "min", on_scale(c->type, there ? c->min : NAN));
    json_object_set_new(o, "max", on_scale(c->type, there ? c->max : NAN));
    json_object_set_new(o, "mean", real(number ? c->mean : NAN));
    json_object_set_new(o, "stddev", real(number ? c->stddev : NAN));
    json_object_set_new(o, "zeros", number ? json_integer(c->zeros) : json_null());
    json_object_set_new(o, "negatives", number ? json_integer(c->negatives) : json_null());
    json_object_set_new(o, "quantiles", quantiles(c));
    json_object_set_new(o, "quantiles_exact", json_boolean(there && c->quantiles_exact));
    json_object_set_new(o, "quantile_error", real(there ? c->quantile_error : NAN));
    json_object_set_new(o, "histogram", histogram(c));
    json_object_set_new(o, "fence_low", on_scale(c->type, there ? c->fence_low : NAN));
    json_object_set_new(o, "fence_high", on_scale(c->type, there ? c->fence_high : NAN));
    json_object_set_new(o, "odd", json_integer(c->odd));
    json_object_set_new(o, "lowest", values(t, c->low, c->low_count, true));
    json_object_set_new(o, "highest", values(t, c->high, c->high_count, true));
}

static json_t *column(const struct telling *t, const struct profile_column *c, const char *sql_type)
{
    json_t *o =
        json_pack("{s:o,s:s,s:s,s:I,s:I,s:I,s:I}", "column", cli_json_text(c->name), "type",
                  type_names[c->type], "sql_type", sql_type, "rows", (json_int_t)c->rows, "nulls",
                  (json_int_t)c->nulls, "empty", (json_int_t)c->empty, "values", (json_int_t)c->values);

    json_object_set_new(o, "distinct", json_integer(c->distinct));
    json_object_set_new(o, "distinct_error", json_real(c->distinct_exact ? 0.0 : 0.0081));
    json_object_set_new(o, "unique", json_string(unique_names[c->unique]));
    add_numbers(t, c, o);
    json_object_set_new(o, "top", values(t, c->top, c->top_count, true));
    json_object_set_new(o, "top_error", json_integer(c->top_error));
    json_object_set_new(o, "min_chars", json_integer(c->min_chars));
    json_object_set_new(o, "max_chars", json_integer(c->max_chars));
    json_object_set_new(o, "mean_chars", real(c->mean_chars));
    json_object_set_new(o, "shapes", shapes(c));
    json_object_set_new(o, "misfits", json_integer(c->misfits));
    json_object_set_new(o, "misfit_examples", values(t, c->misfit, c->misfit_count, false));
    json_object_set_new(o, "placeholders", values(t, c->placeholders, c->placeholder_count, true));
    json_object_set_new(o, "padded", json_integer(c->padded));
    json_object_set_new(o, "bad_utf8", json_integer(c->bad_utf8));
    return o;
}

/* --- warnings --- */

static void warn(const struct telling *t, const char *column_name, const char *code, const char *fmt, ...)
    PRINTF(4, 5);
static void warn(const struct telling *t, const char *column_name, const char *code, const char *fmt, ...)
{
    char text[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_array_append_new(t->warnings, json_pack("{s:o,s:s,s:o}", "column", cli_json_text(column_name),
                                                 "code", code, "text", cli_json_text(text)));
}

#define QUOTED_SIZE 600
/* " 'abc' (line 17)", "" where values are hidden. */
static const char *quoted(const struct telling *t, const struct profile_value *v, bool place,
                          char out[QUOTED_SIZE])
{
    json_t *text = text_of(v);

    out[0] = '\0';
    if (t->s->hide_values)
        ;
    else if (place)
        snprintf(out, QUOTED_SIZE, ", first '%s' in %s %lld", json_string_value(text), t->s->place,
                 (long long)v->first.line);
    else
        snprintf(out, QUOTED_SIZE, " '%s'", json_string_value(text));
    json_decref(text);
    return out;
}

static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void warn_values(const struct telling *t, const struct profile_column *c)
{
    char text[QUOTED_SIZE];

    if (c->misfits > 0)
        warn(t, c->name, "MISFIT", "%lld %s no %s%s", (long long)c->misfits,
             c->misfits == 1 ? "value is" : "values are",
             c->type == PROFILE_INT || c->type == PROFILE_REAL ? "numbers" : "dates",
             quoted(t, &c->misfit[0], true, text));
    for (size_t i = 0; i < c->placeholder_count && !t->s->hide_values; i++)
        warn(t, c->name, "PLACEHOLDER", "%lld times%s: does it mean \"not known\"? Then list it in \"null\"",
             (long long)c->placeholders[i].count, quoted(t, &c->placeholders[i], false, text));
    if (c->placeholder_count > 0 && t->s->hide_values)
        warn(t, c->name, "PLACEHOLDER", "%zu values look like a word for not known", c->placeholder_count);
    if (c->padded > 0)
        warn(t, c->name, "PADDED", "%lld values have blanks at an end, the first in %s %lld",
             (long long)c->padded, t->s->place, (long long)c->first_padded.line);
    if (c->bad_utf8 > 0)
        warn(t, c->name, "BAD_UTF8", "%lld values are not UTF-8, the first in %s %lld",
             (long long)c->bad_utf8, t->s->place, (long long)c->first_bad_utf8.line);
}

static void warn_column(const struct telling *t, const struct profile_column *c)
{
    if (c->rows == 0)
        return;
    if (c->values == 0) {
        warn(t, c->name, "NO_VALUE", "no value in any row");
        return;
    }
    if (percent(c->nulls, c->rows) >= 0.05)
        warn(t, c->name, "NULLS", "%.1f %% NULL", percent(c->nulls, c->rows));
    if (c->empty > 0)
        warn(t, c->name, "EMPTY", "%lld empty texts that are not NULL", (long long)c->empty);
    if (c->distinct == 1 && c->nulls + c->empty == 0 && c->rows > 1)
        warn(t, c->name, "CONSTANT", "the same value in every row");
    warn_values(t, c);
    if (c->odd > 0)
        warn(t, c->name, "ODD", "%s%lld (%.2f %%) beyond three interquartile ranges from the quartiles",
             c->quantiles_exact ? "" : "about ", (long long)c->odd, percent(c->odd, c->numbers));
    if (c->distinct > 2 && percent(c->zeros, c->values) >= 50)
        warn(t, c->name, "ZEROS", "%.1f %% zeros", percent(c->zeros, c->values));
}

static void warn_whole(const struct telling *t, const struct profile_whole *w)
{
    if (w->bad > 0)
        warn(t, NULL, "BAD_RECORDS", "%lld record%s could not be read, the first in %s %lld: %s",
             (long long)w->bad, w->bad == 1 ? "" : "s", t->s->place, (long long)w->bad_examples[0].place.line,
             w->bad_examples[0].message);
    if (w->copies > 0)
        warn(t, NULL, "COPIES", "%s%lld row%s an earlier row", w->copies_exact ? "" : "about ",
             (long long)w->copies, w->copies == 1 ? " repeats" : "s repeat");
}

/* --- the whole --- */

static json_t *correlations(const struct telling *t, const bool *numeric)
{
    size_t n = profile_columns(t->p);
    json_t *list = json_array();

    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n && numeric[a]; b++) {
            int64_t rows;
            if (!numeric[b])
                continue;
            double r = profile_correlation(t->p, a, b, &rows);
            json_array_append_new(list, json_pack("{s:I,s:I,s:o,s:I}", "a", (json_int_t)a, "b", (json_int_t)b,
                                                  "r", real(r), "rows", (json_int_t)rows));
        }
    return list;
}

static void warn_pairs(const struct telling *t, const json_t *pairs, const json_t *columns)
{
    const json_t *pair;
    size_t i, told = 0;

    json_array_foreach(pairs, i, pair) {
        double r = json_number_value(json_object_get(pair, "r"));
        if (fabs(r) < 0.9 || told++ >= STRONG_PAIRS)
            continue;
        const char *a = json_string_value(json_object_get(
                       json_array_get(columns, (size_t)json_integer_value(json_object_get(pair, "a"))),
                       "column")),
                   *b = json_string_value(json_object_get(
                       json_array_get(columns, (size_t)json_integer_value(json_object_get(pair, "b"))),
                       "column"));
        warn(t, a, "CORRELATED", "goes with %.200s: r = %.2f", b, r);
    }
}

static json_t *bad_examples(const struct telling *t, const struct profile_whole *w)
{
    json_t *list = json_array();

    for (size_t i = 0; i < w->bad_count; i++) {
        json_t *o = json_pack("{s:s,s:o}", "code", w->bad_examples[i].code, "message",
                              cli_json_text(w->bad_examples[i].message));
        add_place(t, o, w->bad_examples[i].place);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *copy_examples(const struct telling *t, const struct profile_whole *w)
{
    json_t *list = json_array();

    for (size_t i = 0; i < w->copy_count; i++) {
        json_t *first = json_object(), *again = json_object();
        add_place(t, first, w->copy[i].first);
        add_place(t, again, w->copy[i].again);
        json_array_append_new(list, json_pack("{s:o,s:o}", "first", first, "again", again));
    }
    return list;
}

static json_t *file_names(const struct profile_subject *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->file_count && i < FILES_TOLD; i++)
        json_array_append_new(list, cli_json_text(s->files[i]));
    return list;
}

json_t *profile_json(struct profile *p, const struct profile_subject *s)
{
    struct telling t = {p, s, json_array()};
    size_t n = profile_columns(p);
    bool *numeric = xcalloc(n + 1, sizeof *numeric);
    json_t *columns = json_array();
    struct profile_whole w;

    profile_whole(p, &w);
    warn_whole(&t, &w);
    for (size_t k = 0; k < n; k++) {
        struct profile_column *c = xcalloc(1, sizeof *c);
        profile_column(p, k, c);
        numeric[k] = (c->type == PROFILE_INT || c->type == PROFILE_REAL) && profile_is_paired(p, k);
        warn_column(&t, c);
        json_array_append_new(columns, column(&t, c, s->sql_types != NULL ? s->sql_types[k] : c->sql_type));
        free(c);
    }
    json_t *pairs = correlations(&t, numeric);
    warn_pairs(&t, pairs, columns);
    json_t *o =
        json_pack("{s:i,s:o,s:s,s:o,s:o,s:I,s:I,s:o,s:I,s:b,s:o,s:b}", "schema_version", 1, "subject",
                  cli_json_text(s->name), "kind", s->kind, "made", cli_json_time(s->now_ms), "files",
                  file_names(s), "rows", (json_int_t)w.rows, "bad", (json_int_t)w.bad, "bad_examples",
                  bad_examples(&t, &w), "copies", (json_int_t)w.copies, "copies_exact", (int)w.copies_exact,
                  "copy_examples", copy_examples(&t, &w), "values_hidden", (int)s->hide_values);
    json_object_set_new(o, "file_count", json_integer((json_int_t)s->file_count));
    json_object_set_new(o, "columns", columns);
    json_object_set_new(o, "correlations", pairs);
    json_object_set_new(o, "warnings", t.warnings);
    free(numeric);
    return o;
}
