#include "base/limits.h"
#include "io/convert_int.h"
#include "io/real.h"
#include <strings.h>

/*
 * Guesses wide: a column too narrow rejects rows next month, one too wide costs a few bytes. Every guess is
 * tested with the very code that will convert, so that what was seen can be loaded.
 */
enum { ROW_BYTES = 60000 /* of the 65,535 that a MySQL row may have outside of TEXT */, NAME_CHARS = 64 };

struct guess {
    char *name; /* owned */
    char type[64];
    int field;
    const struct convert_rule *rule; /* borrowed; NULL: none */
    const char *const *nulls;        /* borrowed */
    const char *constant;            /* borrowed; NULL: of a field */
    int64_t values;                  /* neither NULL nor empty */
    int64_t max_chars;
    int max_whole, max_fraction; /* digits, of plain numbers */
    bool no_int, no_decimal, no_double, no_date, no_datetime;
};
struct infer {
    const struct convert_config *config; /* borrowed */
    size_t fields, count;
    struct guess *guesses; /* owned */
    struct table probe_table;
    struct column probe_columns[4];
    struct batch *probe; /* one row to convert into: BIGINT, DOUBLE, DATE, DATETIME(6) */
    bool done;
};
enum { PROBE_INT, PROBE_DOUBLE, PROBE_DATE, PROBE_DATETIME };

struct infer *infer_new(const struct convert_config *c)
{
    static const char *const types[] = {"bigint", "double", "date", "datetime(6)"};
    static const int columns[] = {0, 1, 2, 3};
    struct infer *i = xcalloc(1, sizeof *i);
    struct err ignored;

    i->config = c;
    i->probe_table =
        (struct table){.arena = arena_new(), .name = "", .columns = i->probe_columns, .count = 4};
    for (size_t k = 0; k < ARRAY_LEN(types); k++)
        err_ignore(column_parse_type(types[k], i->probe_table.arena, &i->probe_columns[k], &ignored));
    i->probe = batch_new(&i->probe_table, columns, ARRAY_LEN(columns), 1);
    return i;
}

void infer_free(struct infer *i)
{
    if (i == NULL)
        return;
    for (size_t k = 0; k < i->count; k++)
        free(i->guesses[k].name);
    free(i->guesses);
    batch_free(i->probe);
    arena_free(i->probe_table.arena);
    free(i);
}

static int64_t characters(struct csv_field f)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < f.n; i++)
        n += ((unsigned char)f.p[i] & 0xc0) != 0x80;
    return n;
}

static int check_name(const struct infer *i, const struct guess *g, struct err *err)
{
    size_t n = strlen(g->name);

    if (n == 0) {
        err_set(err, ERR_SCHEMA, "field %d has no name in the header", g->field + 1);
        return err_hint(
            err, "say what it is in \"columns\": {\"\": {\"to\": \"row_no\"}}, or {\"\": null} to drop it");
    }
    if (characters((struct csv_field){g->name, (uint32_t)n, false}) > NAME_CHARS || g->name[n - 1] == ' ' ||
        strlen(g->name) > 4 * NAME_CHARS) {
        err_set(err, ERR_SCHEMA, "field %d: '%.100s' cannot be a column's name", g->field + 1, g->name);
        return err_hint(err, "give it another in \"columns\": at most %d characters, no blank at the end",
                        NAME_CHARS);
    }
    for (size_t k = 0; k < i->count; k++)
        if (strcasecmp(i->guesses[k].name, g->name) == 0)
            return err_set(err, ERR_SCHEMA, "fields %d and %d would both be column '%s'",
                           i->guesses[k].field + 1, g->field + 1, g->name);
    return 0;
}

static int add_constants(struct infer *i, struct err *err)
{
    for (size_t k = 0; k < i->config->constant_count; k++) {
        const struct convert_constant *c = &i->config->constants[k];
        struct guess g = {.name = xstrdup(c->to), .field = -1, .constant = c->text};
        int rc = check_name(i, &g, err);
        if (rc < 0) {
            free(g.name);
            return err_prefix(err, "\"constants\"");
        }
        i->guesses[i->count++] = g;
    }
    return 0;
}

int infer_header(struct infer *i, const struct csv_record *first, struct err *err)
{
    const struct convert_config *c = i->config;

    if (first->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld, the header: %s", (long long)first->line, first->message);
    if (first->count > MAX_COLUMNS)
        return err_set(err, ERR_SCHEMA, "the file has more than %d fields", MAX_COLUMNS);
    i->fields = converter_fields(c, first);
    i->guesses = xcalloc(i->fields + c->constant_count, sizeof *i->guesses);
    for (size_t f = 0; f < i->fields; f++) {
        const struct csv_field *field = &first->fields[f];
        struct guess g = {.field = (int)f, .nulls = c->nulls};
        char number[24];
        snprintf(number, sizeof number, "%zu", f + 1);
        struct str from = c->header ? (struct str){field->p, field->n} : str_of(number);
        const struct convert_rule *rule = NULL;
        for (size_t k = 0; k < c->rule_count && rule == NULL; k++)
            if (str_is(from, c->rules[k].from))
                rule = &c->rules[k];
        if (rule != NULL && rule->to == NULL)
            continue;
        g.rule = rule;
        if (rule != NULL && rule->nulls != NULL)
            g.nulls = rule->nulls;
        if (rule != NULL)
            g.name = xstrdup(rule->to);
        else
            g.name = c->header ? xstrndup(field->p, field->n) : xasprintf("c%zu", f + 1);
        int rc = check_name(i, &g, err);
        if (rc < 0) {
            free(g.name);
            return rc;
        }
        i->guesses[i->count++] = g;
    }
    if (i->count == 0)
        return err_set(err, ERR_SCHEMA, "no field of the file is left for a table");
    return add_constants(i, err);
}

static bool is_null(const struct guess *g, struct csv_field f)
{
    if (f.n == 0)
        return true; /* NULL or '': says nothing about the type */
    for (size_t k = 0; !f.quoted && g->nulls != NULL && g->nulls[k] != NULL; k++)
        if (strlen(g->nulls[k]) == f.n && memcmp(g->nulls[k], f.p, f.n) == 0)
            return true;
    return false;
}

static bool fits(struct infer *i, size_t probe, const char *format, struct csv_field f)
{
    struct reject_info ignored;
    bool good = convert_cell(&i->probe_columns[probe], f, format, i->probe, probe, &ignored) == 1;

    batch_clear(i->probe);
    return good;
}

static void see_number(struct infer *i, struct guess *g, struct csv_field f)
{
    const char *p = f.p, *end = f.p + f.n;
    const char *point = memchr(f.p, '.', f.n);
    struct decimal d;

    p += p < end && *p == '-';
    /* 007 is a code, not a number: as INT it would come back as 7 */
    bool code = end - p > 1 && p[0] == '0' && p[1] >= '0' && p[1] <= '9';
    if (code || decimal_scan(f.p, f.n, &d) == DECIMAL_BAD) {
        g->no_int = g->no_decimal = g->no_double = true;
        return;
    }
    int whole = (int)((point != NULL ? point : end) - p),
        fraction = point != NULL ? (int)(end - point) - 1 : 0;
    if (memchr(f.p, 'e', f.n) != NULL || memchr(f.p, 'E', f.n) != NULL || f.n > 100)
        g->no_decimal = true; /* measured values, of any magnitude */
    g->max_whole = whole > g->max_whole ? whole : g->max_whole;
    g->max_fraction = fraction > g->max_fraction ? fraction : g->max_fraction;
    if (!g->no_int && !fits(i, PROBE_INT, NULL, f))
        g->no_int = true;
    if (!g->no_double && !fits(i, PROBE_DOUBLE, NULL, f))
        g->no_double = true;
}

static void see_local_number(struct infer *i, struct guess *g, struct csv_field f)
{
    const struct convert_rule *rule = g->rule;
    char plain[LOCAL_SIZE];

    if (rule != NULL && rule->format != NULL) {
        g->no_int = g->no_decimal = g->no_double = true; /* 20220605 is a day there */
        return;
    }
    if (rule != NULL && (rule->decimal == ',' || rule->group != '\0')) {
        struct local l = {rule->decimal != '\0' ? rule->decimal : '.', rule->group};
        if (!local_plain(l, f, plain, &f)) {
            g->no_int = g->no_decimal = g->no_double = true;
            return;
        }
    }
    see_number(i, g, f);
}

static void see_date(struct infer *i, struct guess *g, struct csv_field f)
{
    const char *format = g->rule != NULL ? g->rule->format : NULL;
    bool may_have_time = format != NULL ? time_format_has_time(format) : f.n > 10;

    if (!g->no_date && (may_have_time || !fits(i, PROBE_DATE, format, f)))
        g->no_date = true;
    if (!g->no_datetime && !fits(i, PROBE_DATETIME, format, f))
        g->no_datetime = true;
}

void infer_row(struct infer *i, const struct csv_record *rec)
{
    if (rec->code != CSV_GOOD || rec->count != i->fields + i->config->trailing_delimiter)
        return;
    i->done = false;
    for (size_t k = 0; k < i->count; k++) {
        struct guess *g = &i->guesses[k];
        if (g->constant != NULL)
            continue;
        struct csv_field f = rec->fields[g->field];
        if (is_null(g, f))
            continue;
        g->values++;
        int64_t n = characters(f);
        g->max_chars = n > g->max_chars ? n : g->max_chars;
        if (!g->no_int || !g->no_decimal || !g->no_double)
            see_local_number(i, g, f);
        see_date(i, g, f);
    }
}

size_t infer_count(const struct infer *i)
{
    return i->count;
}

static void name_type(struct guess *g)
{
    int scale = g->max_fraction + 2 > 30 ? 30 : g->max_fraction + 2, whole = g->max_whole + 4;

    if (g->max_fraction == 0)
        scale = 0;
    if (g->constant != NULL)
        snprintf(g->type, sizeof g->type, "%s", constant_type(g->constant));
    else if (g->values > 0 && !g->no_int)
        snprintf(g->type, sizeof g->type, "BIGINT");
    else if (g->values > 0 && !g->no_double)
        snprintf(g->type, sizeof g->type, "DOUBLE");
    else if (g->values > 0 && !g->no_decimal && g->max_fraction <= 30 && whole + scale <= 65)
        snprintf(g->type, sizeof g->type, "DECIMAL(%d,%d)", whole + scale, scale);
    else if (g->values > 0 && !g->no_date)
        snprintf(g->type, sizeof g->type, "DATE");
    else if (g->values > 0 && !g->no_datetime)
        snprintf(g->type, sizeof g->type, "DATETIME(6)");
    else if (g->max_chars <= 100)
        snprintf(g->type, sizeof g->type, "VARCHAR(255)");
    else if (g->max_chars <= 500)
        snprintf(g->type, sizeof g->type, "VARCHAR(1000)");
    else if (g->max_chars <= 4000)
        snprintf(g->type, sizeof g->type, "TEXT");
    else
        snprintf(g->type, sizeof g->type, "LONGTEXT");
}

/* utf8mb4 takes four bytes a character out of the row's 65,535: the widest texts give way. */
static void fit_row(struct infer *i)
{
    static const char *const wide[] = {"VARCHAR(1000)", "VARCHAR(255)"};

    for (size_t w = 0; w < ARRAY_LEN(wide); w++) {
        size_t total = 0;
        for (size_t k = 0; k < i->count; k++)
            total += strcmp(i->guesses[k].type, "VARCHAR(1000)") == 0  ? 4002
                     : strcmp(i->guesses[k].type, "VARCHAR(255)") == 0 ? 1022
                                                                       : 32;
        for (size_t k = 0; k < i->count && total > ROW_BYTES; k++)
            if (strcmp(i->guesses[k].type, wide[w]) == 0)
                snprintf(i->guesses[k].type, sizeof i->guesses[k].type, "TEXT");
    }
}

void infer_column(struct infer *i, size_t k, const char **ret_name, const char **ret_type)
{
    if (!i->done) {
        for (size_t n = 0; n < i->count; n++)
            name_type(&i->guesses[n]);
        fit_row(i);
        i->done = true;
    }
    *ret_name = i->guesses[k].name;
    *ret_type = i->guesses[k].type;
}
