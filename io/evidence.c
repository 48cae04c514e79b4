#include "io/evidence.h"
#include "base/limits.h"
#include "io/convert_int.h"
#include "io/real.h"
#include <strings.h>

enum { NAME_CHARS = 64, KEEP = 512 /* bytes of a text that is the least or the greatest */ };

/* One row of each kind to convert into. */
struct probe_kit {
    struct table table;
    struct column columns[SEEN_KINDS + 1];
    struct batch *row;
};
enum { PROBE_UNSIGNED = SEEN_KINDS };

struct evidence *evidence_new(const struct convert_config *c)
{
    static const char *const types[] = {"bigint",      "double",  "decimal(65,30)", "date",
                                        "datetime(6)", "time(6)", "bigint unsigned"};
    static const int columns[] = {0, 1, 2, 3, 4, 5, 6};
    struct evidence *e = xcalloc(1, sizeof *e);
    struct probe_kit *kit = xcalloc(1, sizeof *kit);
    struct err ignored;

    e->config = c;
    e->kit = kit;
    kit->table =
        (struct table){.arena = arena_new(), .name = "", .columns = kit->columns, .count = ARRAY_LEN(types)};
    for (size_t k = 0; k < ARRAY_LEN(types); k++)
        err_ignore(column_parse_type(types[k], kit->table.arena, &kit->columns[k], &ignored));
    kit->row = batch_new(&kit->table, columns, ARRAY_LEN(columns), 1);
    return e;
}

/* --- unique so far? --- */

/* Hashes of all values. Two values of one hash are taken for one: then a key is not named that is one, never the other
 * way round. */
struct tried {
    size_t count, slots;
    uint64_t hash[];
};

static bool tried_put(struct tried *t, uint64_t h)
{
    size_t at = h & (t->slots - 1);

    for (; t->hash[at] != 0; at = (at + 1) & (t->slots - 1))
        if (t->hash[at] == h)
            return false;
    t->hash[at] = h;
    t->count++;
    return true;
}

static struct tried *tried_new(size_t slots)
{
    struct tried *t = xcalloc(1, sizeof *t + slots * sizeof t->hash[0]);

    t->slots = slots;
    return t;
}

/* Capitals and small letters are one, as most collations have it. */
static uint64_t hash_of(struct csv_field f)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (uint32_t i = 0; i < f.n; i++) {
        unsigned char c = (unsigned char)f.p[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c | 32u : c)) * UINT64_C(0x100000001b3);
    }
    h ^= h >> 29;
    return h != 0 ? h : 1;
}

static void see_unique(struct evidence_column *c, struct csv_field f)
{
    if (c->tried == NULL)
        c->tried = tried_new(1024);
    if (c->tried->count * 4 > c->tried->slots * 3) {
        struct tried *wider = c->tried->count < MAX_KEY_VALUES ? tried_new(c->tried->slots * 2) : NULL;
        for (size_t i = 0; wider != NULL && i < c->tried->slots; i++)
            if (c->tried->hash[i] != 0)
                (void)tried_put(wider, c->tried->hash[i]);
        free(c->tried);
        c->tried = wider;
    }
    if (c->tried != NULL && tried_put(c->tried, hash_of(f)))
        return;
    c->unique = false; /* or nobody knows */
    free(c->tried);
    c->tried = NULL;
}

void evidence_free(struct evidence *e)
{
    if (e == NULL)
        return;
    for (size_t k = 0; k < e->count; k++) {
        struct evidence_column *c = &e->columns[k];
        free(c->name);
        free(c->null_counts);
        free(c->bytes_min);
        free(c->bytes_max);
        free(c->tried);
    }
    free(e->columns);
    batch_free(e->kit->row);
    arena_free(e->kit->table.arena);
    free(e->kit);
    free(e);
}

/* --- the header --- */

static int64_t characters(struct csv_field f)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < f.n; i++)
        n += ((unsigned char)f.p[i] & 0xc0) != 0x80;
    return n;
}

static int check_name(const struct evidence *e, const struct evidence_column *c, struct err *err)
{
    struct csv_field name = {c->name, (uint32_t)strlen(c->name), false};

    if (name.n == 0 || characters(name) > NAME_CHARS || name.n > 4 * NAME_CHARS ||
        name.p[name.n - 1] == ' ' || memchr(name.p, '\0', name.n) != NULL) {
        err_set(err, ERR_SCHEMA, "field %d: '%.100s' cannot be a column's name", c->field + 1, c->name);
        return err_hint(err, "give it another in \"columns\", or null to drop it");
    }
    for (size_t k = 0; k < e->count; k++)
        if (strcasecmp(e->columns[k].name, c->name) == 0)
            return err_set(err, ERR_SCHEMA, "fields %d and %d would both be column '%s'",
                           e->columns[k].field + 1, c->field + 1, c->name);
    return 0;
}

/* Exact first, then without regard to ASCII case, as the converter does. */
static const struct convert_rule *rule_of(const struct convert_config *c, struct str from)
{
    for (size_t k = 0; k < c->rule_count; k++)
        if (str_is(from, c->rules[k].from))
            return &c->rules[k];
    for (size_t k = 0; k < c->rule_count; k++)
        if (strlen(c->rules[k].from) == from.n && strncasecmp(c->rules[k].from, from.p, from.n) == 0)
            return &c->rules[k];
    return NULL;
}

static size_t spellings(const char *const *list)
{
    size_t n = 0;

    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

int evidence_header(struct evidence *e, const struct csv_record *first, struct err *err)
{
    const struct convert_config *c = e->config;

    if (first->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld, the header: %s", (long long)first->line, first->message);
    if (first->count > MAX_COLUMNS)
        return err_set(err, ERR_SCHEMA, "the file has more than %d fields", MAX_COLUMNS);
    e->fields = first->count;
    e->columns = xcalloc(first->count + 1, sizeof *e->columns);
    for (size_t f = 0; f < first->count; f++) {
        const struct csv_field *field = &first->fields[f];
        struct evidence_column g = {.field = (int)f, .nulls = c->nulls, .unique = true, .only_bits = true};
        char number[24];
        snprintf(number, sizeof number, "%zu", f + 1);
        const struct convert_rule *rule =
            rule_of(c, c->header ? (struct str){field->p, field->n} : str_of(number));
        if (rule != NULL && rule->to == NULL)
            continue;
        if (rule != NULL && rule->nulls != NULL) {
            g.nulls = rule->nulls;
            g.own_nulls = true;
        }
        g.format = rule != NULL ? rule->format : NULL;
        g.decimal = rule != NULL ? rule->decimal : '\0';
        g.group = rule != NULL ? rule->group : '\0';
        g.unnamed = rule == NULL && c->header && field->n == 0;
        g.name = rule != NULL              ? xstrdup(rule->to)
                 : c->header && !g.unnamed ? xstrndup(field->p, field->n)
                                           : xasprintf("c%zu", f + 1);
        int rc = check_name(e, &g, err);
        if (rc < 0) {
            free(g.name);
            return rc;
        }
        g.null_counts = xcalloc(spellings(g.nulls) + 1, sizeof *g.null_counts);
        e->columns[e->count++] = g;
    }
    if (e->count == 0)
        return err_set(err, ERR_SCHEMA, "no field of the file is left for a table");
    return 0;
}

int evidence_same_header(const struct evidence *e, const struct csv_record *first, struct err *err)
{
    struct evidence other = {.config = e->config};
    int rc = evidence_header(&other, first, err);
    bool same = rc == 0 && other.count == e->count && other.fields == e->fields;

    for (size_t k = 0; same && k < e->count; k++)
        same = strcmp(other.columns[k].name, e->columns[k].name) == 0;
    for (size_t k = 0; k < other.count; k++) {
        free(other.columns[k].name);
        free(other.columns[k].null_counts);
    }
    free(other.columns);
    if (rc == 0 && !same)
        rc = err_set(err, ERR_SCHEMA, "another header than that of the first file");
    return rc;
}

/* --- cells --- */

static void keep(const struct evidence *e, const struct csv_record *rec, struct csv_field f,
                 struct seen_cell *ret)
{
    str_printable(f.p, f.n, ret->text, sizeof ret->text);
    ret->line = rec->line;
    ret->file = e->file;
}

/* Which spelling f is; -1: none. */
static int spelling_of(const struct evidence_column *c, struct csv_field f)
{
    if (f.quoted)
        return -1;
    for (int k = 0; c->nulls != NULL && c->nulls[k] != NULL; k++)
        if (strlen(c->nulls[k]) == f.n && (f.n == 0 || memcmp(c->nulls[k], f.p, f.n) == 0))
            return k;
    return -1;
}

bool evidence_is_null(const struct evidence_column *c, struct csv_field f, bool text)
{
    return spelling_of(c, f) >= 0 && (f.n > 0 || c->own_nulls || !text);
}

static bool fits(struct evidence *e, size_t probe, struct csv_field f, const char *format)
{
    struct reject_info ignored;
    bool good = convert_cell(&e->kit->columns[probe], f, format, e->kit->row, probe, &ignored) == 1;

    batch_clear(e->kit->row);
    return good;
}

static void rule_out(struct evidence_column *c, enum seen_kind kind, const struct seen_cell *at)
{
    if (c->out[kind])
        return;
    c->out[kind] = true;
    c->why[kind] = *at;
}

static void see_int(struct evidence *e, struct evidence_column *c, struct csv_field f,
                    const struct seen_cell *at)
{
    const struct batch_col *to = e->kit->row->cols;
    struct reject_info ignored;
    bool first = c->values == 1;

    if (convert_cell(&e->kit->columns[SEEN_INT], f, NULL, e->kit->row, SEEN_INT, &ignored) == 1) {
        int64_t v = to[SEEN_INT].i64[0];
        c->int_min = first || v < c->int_min ? v : c->int_min;
        if (v > 0 && (uint64_t)v > c->int_max)
            c->int_max = (uint64_t)v;
        c->only_bits = c->only_bits && (v == 0 || v == 1) && f.n == 1;
    } else if (convert_cell(&e->kit->columns[PROBE_UNSIGNED], f, NULL, e->kit->row, PROBE_UNSIGNED,
                            &ignored) == 1) {
        uint64_t v = (uint64_t)to[PROBE_UNSIGNED].i64[0];
        c->int_max = v > c->int_max ? v : c->int_max;
        c->int_min = first ? INT64_MAX : c->int_min;
        c->only_bits = false;
    } else {
        rule_out(c, SEEN_INT, at);
    }
    batch_clear(e->kit->row);
}

bool evidence_number(const struct evidence_column *c, struct csv_field f, char scratch[EVIDENCE_NUMBER],
                     struct csv_field *ret)
{
    const struct local local = {c->decimal != '\0' ? c->decimal : '.', c->group};
    _Static_assert((int)EVIDENCE_NUMBER == (int)LOCAL_SIZE, "what a converter takes");

    *ret = f;
    return (c->decimal == '\0' && c->group == '\0') || local_plain(local, f, scratch, ret);
}

static void see_number(struct evidence *e, struct evidence_column *c, struct csv_field cell,
                       const struct seen_cell *at)
{
    char scratch[EVIDENCE_NUMBER];
    struct csv_field f;
    bool number = evidence_number(c, cell, scratch, &f);
    const char *p = f.p, *end = f.p + f.n, *point = memchr(f.p, '.', f.n);
    struct decimal d;

    p += p < end && *p == '-';
    /* 007 is a code, not a number: as INT it would come back as 7 */
    bool code = end - p > 1 && p[0] == '0' && p[1] >= '0' && p[1] <= '9';
    if (!number || code || decimal_scan(f.p, f.n, &d) == DECIMAL_BAD) {
        rule_out(c, SEEN_INT, at);
        rule_out(c, SEEN_DOUBLE, at);
        rule_out(c, SEEN_DECIMAL, at);
        return;
    }
    double v = decimal_to_double(&d);
    if (c->min.line == 0 || v < c->number_min) {
        c->number_min = v;
        c->min = *at;
    }
    if (c->max.line == 0 || v > c->number_max) {
        c->number_max = v;
        c->max = *at;
    }
    int whole = (int)((point != NULL ? point : end) - p),
        fraction = point != NULL ? (int)(end - point) - 1 : 0;
    if (memchr(f.p, 'e', f.n) != NULL || memchr(f.p, 'E', f.n) != NULL || f.n > 66) {
        rule_out(c, SEEN_DECIMAL, at); /* measured values, of any magnitude */
    } else {
        c->whole = whole > c->whole ? whole : c->whole;
        c->fraction = fraction > c->fraction ? fraction : c->fraction;
        if (c->fraction > 30 || c->whole + c->fraction > 65)
            rule_out(c, SEEN_DECIMAL, at);
    }
    if (!c->out[SEEN_INT])
        see_int(e, c, f, at);
    if (!c->out[SEEN_DOUBLE] && !fits(e, SEEN_DOUBLE, f, NULL))
        rule_out(c, SEEN_DOUBLE, at);
}

/* A format that cannot give a whole value of the type is none for it. */
static void see_time(struct evidence *e, struct evidence_column *c, struct csv_field f,
                     const struct seen_cell *at)
{
    static const enum col_type types[] = {
        [SEEN_DATE] = COL_DATE, [SEEN_DATETIME] = COL_DATETIME, [SEEN_TIME] = COL_TIME};
    struct err ignored;

    for (enum seen_kind kind = SEEN_DATE; kind <= SEEN_TIME; kind++)
        if (!c->out[kind] &&
            ((c->format != NULL && time_format_check(c->format, types[kind], &ignored) < 0) ||
             !fits(e, kind, f, c->format)))
            rule_out(c, kind, at);
    if (c->out[SEEN_DATETIME] && c->out[SEEN_TIME])
        return;
    const char *point = memchr(f.p, '.', f.n);
    if (point == NULL)
        point = memchr(f.p, ',', f.n);
    int digits = 0;
    while (point != NULL && point + 1 + digits < f.p + f.n && point[1 + digits] >= '0' &&
           point[1 + digits] <= '9')
        digits++;
    digits = digits > 6 ? 6 : digits;
    c->fsp = digits > c->fsp ? digits : c->fsp;
}

static bool less(struct csv_field f, const char *than)
{
    size_t n = strlen(than), m = f.n < KEEP ? f.n : KEEP;
    int order = memcmp(f.p, than, m < n ? m : n);

    return order < 0 || (order == 0 && m < n);
}

static void see_bytes(struct evidence_column *c, struct csv_field f, const struct seen_cell *at, bool numbers)
{
    size_t m = f.n < KEEP ? f.n : KEEP;

    if (c->bytes_min == NULL || less(f, c->bytes_min)) {
        free(c->bytes_min);
        c->bytes_min = xstrndup(f.p, m);
        if (!numbers)
            c->min = *at;
    }
    if (c->bytes_max == NULL || (!less(f, c->bytes_max) && strncmp(c->bytes_max, f.p, m) != 0)) {
        free(c->bytes_max);
        c->bytes_max = xstrndup(f.p, m);
        if (!numbers)
            c->max = *at;
    }
}

static void see_cell(struct evidence *e, struct evidence_column *c, struct csv_field f,
                     const struct csv_record *rec)
{
    struct seen_cell at = {.line = 0};
    int spelling = spelling_of(c, f);

    c->rows++;
    if (spelling >= 0) {
        c->null_counts[spelling]++;
        if (c->first_null.line == 0 && f.n > 0)
            keep(e, rec, f, &c->first_null);
    }
    if (f.n == 0) {
        c->empties += !f.quoted;
        c->quoted_empties += f.quoted;
        if (f.quoted && c->quoted_empty.line == 0)
            keep(e, rec, f, &c->quoted_empty);
        if (!f.quoted && c->first_empty.line == 0)
            keep(e, rec, f, &c->first_empty);
    }
    if (spelling >= 0 || f.n == 0) {
        if (f.n == 0 && spelling < 0 && c->unique) /* '' is a value of a text */
            see_unique(c, f);
        return;
    }
    keep(e, rec, f, &at);
    if (c->values++ == 0)
        c->first = at;
    int64_t n = characters(f);
    if (n > c->longest || c->longest_at.line == 0) {
        c->longest = n;
        c->longest_at = at;
    }
    c->longest_bytes = f.n > c->longest_bytes ? f.n : c->longest_bytes;
    bool were_numbers = !c->out[SEEN_INT] || !c->out[SEEN_DOUBLE] || !c->out[SEEN_DECIMAL];
    if (were_numbers)
        see_number(e, c, f, &at);
    bool numbers = !c->out[SEEN_INT] || !c->out[SEEN_DOUBLE] || !c->out[SEEN_DECIMAL];
    if (were_numbers && !numbers && c->bytes_min != NULL) {
        str_printable(c->bytes_min, strlen(c->bytes_min), c->min.text, sizeof c->min.text);
        str_printable(c->bytes_max, strlen(c->bytes_max), c->max.text, sizeof c->max.text);
        c->min.line = c->max.line = -1; /* by bytes now; where these stood is not known any more */
    }
    see_bytes(c, f, &at, numbers);
    if (!c->out[SEEN_DATE] || !c->out[SEEN_DATETIME] || !c->out[SEEN_TIME])
        see_time(e, c, f, &at);
    if (c->unique)
        see_unique(c, f);
}

void evidence_row(struct evidence *e, const struct csv_record *rec)
{
    if (rec->code != CSV_GOOD || rec->count != e->fields) {
        if (e->other++ == 0) {
            snprintf(e->other_at.text, sizeof e->other_at.text, "%s",
                     rec->code != CSV_GOOD ? csv_code_name(rec->code) : "FIELD_COUNT");
            e->other_at.line = rec->line;
            e->other_at.file = e->file;
        }
        return;
    }
    e->rows++;
    for (size_t k = 0; k < e->count; k++)
        see_cell(e, &e->columns[k], rec->fields[e->columns[k].field], rec);
}
