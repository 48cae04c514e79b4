#include "base/limits.h"
#include "io/convert_int.h"
#include <stdarg.h>
#include <strings.h>

/* What becomes of one field of the file. */
struct fate {
    const struct convert_rule *rule; /* NULL: none speaks of it */
    int column;                      /* of the table; -1: dropped */
};
struct match {
    const struct convert_config *c;
    const struct table *t;
    const struct csv_record *first;
    struct fate *fates; /* one per field */
    size_t fields;      /* of them, without the empty one after a trailing delimiter */
    int *filled_by;     /* one per column of the table: field, NOBODY, ALWAYS_NULL, or CONSTANT - its index */
};
enum { NOBODY = -1, ALWAYS_NULL = -2, CONSTANT = -3 };

/* Names in an error: "a, b, c and 4 more". */
struct names {
    char text[400];
    size_t count;
};

static void names_add(struct names *n, struct str name, const char *fmt, ...) PRINTF(3, 4);
static void names_add(struct names *n, struct str name, const char *fmt, ...)
{
    char shown[80], more[120];
    size_t len = strlen(n->text);
    va_list ap;

    if (n->count++ >= 5)
        return;
    va_start(ap, fmt);
    vsnprintf(more, sizeof more, fmt, ap);
    va_end(ap);
    str_printable(name.p, name.n, shown, sizeof shown);
    snprintf(n->text + len, sizeof n->text - len, "%s'%s'%s", len > 0 ? ", " : "", shown, more);
}

static const char *names_end(struct names *n)
{
    size_t len = strlen(n->text);

    if (n->count > 5)
        snprintf(n->text + len, sizeof n->text - len, " and %zu more", n->count - 5);
    return n->text;
}

static bool loadable(const struct column *c)
{
    return !c->generated && !table_is_lineage(c->name);
}

static struct str field_name(const struct match *m, size_t i, char number[24])
{
    if (m->c->header)
        return (struct str){m->first->fields[i].p, m->first->fields[i].n};
    snprintf(number, 24, "%zu", i + 1);
    return str_of(number);
}

static const char *nearest_column(const struct table *t, struct str name)
{
    const char *list[MAX_COLUMNS + 1];
    char text[101];
    size_t n = 0;

    if (name.n >= sizeof text || memchr(name.p, '\0', name.n) != NULL)
        return NULL;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    for (size_t i = 0; i < t->count && n < MAX_COLUMNS; i++)
        if (loadable(&t->columns[i]))
            list[n++] = t->columns[i].name;
    list[n] = NULL;
    return str_nearest(text, list);
}

/* Exact first, then without regard to ASCII case; two that fit only that way are an error. */
static int find_rule(const struct match *m, struct str name, const struct convert_rule **ret, struct err *err)
{
    const struct convert_config *c = m->c;

    *ret = NULL;
    for (size_t i = 0; i < c->rule_count; i++)
        if (str_is(name, c->rules[i].from)) {
            *ret = &c->rules[i];
            return 0;
        }
    for (size_t i = 0; i < c->rule_count; i++) {
        const char *from = c->rules[i].from;
        if (strlen(from) != name.n || strncasecmp(from, name.p, name.n) != 0)
            continue;
        if (*ret != NULL)
            return err_set(err, ERR_SCHEMA, "header '%.*s' fits both '%s' and '%s' of \"columns\"",
                           (int)(name.n > 80 ? 80 : name.n), name.p, (*ret)->from, from);
        *ret = &c->rules[i];
    }
    return 0;
}

static int refuse_repeated(const struct match *m, struct err *err)
{
    const struct csv_field *f = m->first->fields;

    for (size_t i = 0; m->c->header && i < m->fields; i++)
        for (size_t j = 0; j < i; j++)
            if (f[i].n == f[j].n && memcmp(f[i].p, f[j].p, f[i].n) == 0) {
                char shown[80];
                str_printable(f[i].p, f[i].n, shown, sizeof shown);
                return err_set(err, ERR_SCHEMA, "the header has '%s' twice, as fields %zu and %zu", shown,
                               j + 1, i + 1);
            }
    return 0;
}

/* Where a rule sends its field; negative: nowhere. */
static int rule_column(const struct table *t, const struct convert_rule *rule, struct err *err)
{
    int at = table_find(t, str_of(rule->to));

    if (at < 0) {
        const char *near = nearest_column(t, str_of(rule->to));
        return err_set(err, ERR_SCHEMA, "\"columns\" sends '%s' to '%s', which table %s does not have%s%s%s",
                       rule->from, rule->to, t->name, near != NULL ? " (nearest: '" : "",
                       near != NULL ? near : "", near != NULL ? "')" : "");
    }
    if (!loadable(&t->columns[at]))
        return err_set(err, ERR_SCHEMA, "\"columns\" sends '%s' to '%s', which %s fills itself", rule->from,
                       rule->to, t->columns[at].generated ? "the server" : "orch");
    return at;
}

static int constant_column(const struct table *t, const struct convert_constant *k, struct err *err)
{
    int at = table_find(t, str_of(k->to));

    if (at < 0) {
        const char *near = nearest_column(t, str_of(k->to));
        return err_set(err, ERR_SCHEMA, "\"constants\" fills '%s', which table %s does not have%s%s%s", k->to,
                       t->name, near != NULL ? " (nearest: '" : "", near != NULL ? near : "",
                       near != NULL ? "')" : "");
    }
    if (!loadable(&t->columns[at]))
        return err_set(err, ERR_SCHEMA, "\"constants\" fills '%s', which %s fills itself", k->to,
                       t->columns[at].generated ? "the server" : "orch");
    return at;
}

/* The column that field i goes to by name, number or position; -1 dropped, -2 there is none. */
static int column_of(const struct match *m, size_t i, struct err *err)
{
    const struct convert_rule *rule = m->fates[i].rule;
    char number[24];
    int at = -2;

    if (rule != NULL) {
        if (rule->to == NULL)
            return -1;
        return rule_column(m->t, rule, err);
    }
    if (m->c->header) {
        at = table_find(m->t, field_name(m, i, number));
        return at >= 0 && loadable(&m->t->columns[at]) ? at : -2;
    }
    if (m->c->rule_count > 0)
        return -2; /* numbers are given: what is not named is not known */
    for (size_t k = 0, n = 0; k < m->t->count; k++)
        if (loadable(&m->t->columns[k]) && !m->t->columns[k].invisible && n++ == i)
            return (int)k;
    return -2;
}

static int match_fields(struct match *m, struct err *err)
{
    struct names extra = {"", 0};
    char number[24];

    for (size_t i = 0; i < m->fields; i++) {
        struct str name = field_name(m, i, number);
        int rc = find_rule(m, name, &m->fates[i].rule, err);
        if (rc < 0)
            return rc;
        struct err why = {0};
        int at = column_of(m, i, &why);
        if (why.code != 0) {
            *err = why;
            return -(int)why.code;
        }
        m->fates[i].column = at < 0 ? -1 : at;
        if (at == -2 && m->c->drift != DRIFT_IGNORE_EXTRA) {
            const char *near = m->c->header && extra.count < 5 ? nearest_column(m->t, name) : NULL;
            names_add(&extra, name, "%s%s%s", near != NULL ? " (nearest: '" : "", near != NULL ? near : "",
                      near != NULL ? "')" : "");
        }
        if (at < 0)
            continue;
        if (m->filled_by[at] != NOBODY) {
            return err_set(err, ERR_SCHEMA, "fields %d and %zu both fill column %s", m->filled_by[at] + 1,
                           i + 1, m->t->columns[at].name);
        }
        m->filled_by[at] = (int)i;
    }
    if (extra.count == 0)
        return 0;
    err_set(err, ERR_SCHEMA, "the file has %s%s, which table %s has no column for",
            m->c->header ? "" : "more fields: ", names_end(&extra), m->t->name);
    return err_hint(
        err, "map it in \"columns\" ({\"to\": \"name\"}, or null to drop it), or set drift to ignore-extra");
}

static bool nulls_missing(const struct match *m)
{
    return m->c->drift == DRIFT_NULL_MISSING || m->c->drift == DRIFT_ADD_COLUMNS;
}

/*
 * Whether nothing need be said when no field fills c. A default is no reason: a column that vanished from the
 * file would be loaded as, say, 0. Times are let off, for created_at and its like.
 */
static bool may_stay_unfilled(const struct match *m, const struct column *c)
{
    bool is_time =
        c->type == COL_DATE || c->type == COL_DATETIME || c->type == COL_TIMESTAMP || c->type == COL_TIME;

    if (!loadable(c) || c->auto_increment)
        return true;
    if (c->has_default)
        return is_time || c->invisible || nulls_missing(m);
    return c->nullable && c->invisible;
}

/* Constants against the table, and against what the file fills already. */
static int match_constants(struct match *m, struct err *err)
{
    for (size_t i = 0; i < m->c->constant_count; i++) {
        int at = constant_column(m->t, &m->c->constants[i], err);
        if (at < 0)
            return at;
        if (m->filled_by[at] >= 0) {
            err_set(err, ERR_SCHEMA, "field %d of the file and \"constants\" both fill column %s",
                    m->filled_by[at] + 1, m->t->columns[at].name);
            return err_hint(err, "drop the field: null as its entry in \"columns\"");
        }
        if (m->filled_by[at] != NOBODY)
            return err_set(err, ERR_SCHEMA, "two constants fill column %s", m->t->columns[at].name);
        m->filled_by[at] = CONSTANT - (int)i;
    }
    return 0;
}

/* Rules whose field the file lacks, and columns that nothing fills. */
static int match_missing(struct match *m, struct err *err)
{
    struct names lost = {"", 0}, empty = {"", 0};

    for (size_t i = 0; i < m->c->rule_count; i++) {
        const struct convert_rule *rule = &m->c->rules[i];
        bool used =
            false; /* a rule that drops what is not there has no effect: somebody meant another name */
        for (size_t k = 0; k < m->fields && !used; k++)
            used = m->fates[k].rule == rule;
        if (!used && !nulls_missing(m))
            names_add(&lost, str_of(rule->from), "%s", "");
    }
    if (lost.count > 0) {
        err_set(err, ERR_SCHEMA, "the file lacks %s, which \"columns\" names", names_end(&lost));
        return err_hint(err, "null-missing as drift policy loads NULL for fields that a file lacks");
    }
    for (size_t k = 0; k < m->t->count; k++) {
        const struct column *c = &m->t->columns[k];
        if (m->filled_by[k] != NOBODY || may_stay_unfilled(m, c))
            continue;
        if (nulls_missing(m) && c->nullable)
            m->filled_by[k] = ALWAYS_NULL;
        else
            names_add(&empty, str_of(c->name), "%s",
                      c->has_default ? " (its default would stand in)"
                      : c->nullable  ? ""
                                     : " (NOT NULL, no default)");
    }
    if (empty.count == 0)
        return 0;
    err_set(err, ERR_SCHEMA, "the file has nothing for %s of table %s", names_end(&empty), m->t->name);
    return err_hint(
        err,
        "map a field to it in \"columns\", or set drift to null-missing where NULL or the default will do");
}

static int plan_nulls(struct plan *p, const char *const *own, const struct convert_config *config,
                      struct arena *a, struct err *err)
{
    const char *const *list = own != NULL ? own : config->nulls;
    bool text = p->cell.column->type == COL_TEXT || p->cell.column->type == COL_BINARY;
    size_t n = 0;

    while (list != NULL && list[n] != NULL)
        n++;
    if (n > MAX_TOKEN_SET)
        return err_set(err, ERR_CONFIG, "column %s: more than %d NULL spellings", p->cell.column->name,
                       MAX_TOKEN_SET);
    struct str *nulls = arena_alloc(a, n * sizeof *nulls);
    for (size_t i = 0; i < n; i++) {
        if (list[i][0] == '\0') {
            p->null_empty = own != NULL || !text || config->null_empty;
        } else {
            nulls[p->null_count++] = str_of(list[i]);
            p->may_begin[(unsigned char)list[i][0]] = true;
        }
    }
    p->nulls = nulls;
    return 0;
}

/* The value is tried once, here: what is no value of the column stops the file, not each of its rows. */
static int plan_constant(struct converter *c, struct plan *p, const struct convert_constant *k,
                         const struct convert_about *about, struct err *err)
{
    struct csv_field *f = arena_alloc(c->arena, sizeof *f);
    int columns[] = {(int)(p->cell.column - c->table->columns)};
    struct reject_info why;

    int rc = constant_expand(k->text, about, p->cell.column, c->arena, f, err);
    if (rc < 0)
        return err_prefix(err, "constant %s", k->to);
    p->constant = f;
    struct batch *probe = batch_new(c->table, columns, 1, 1);
    struct cell cell = p->cell;
    cell.to = &probe->cols[0];
    cell.row = 0;
    if (!put_cell(&cell, *f, &why)) {
        rc = err_set(err, ERR_CONFIG, "constant %s: %s", k->to, why.message);
        if (why.hint[0] != '\0')
            rc = err_hint(err, "%s", why.hint);
    }
    batch_free(probe);
    return rc;
}

static int plan_local(struct plan *p, const struct convert_rule *rule, struct err *err)
{
    struct local l = {rule->decimal != '\0' ? rule->decimal : '.', rule->group};

    if (l.decimal == '.' && l.group == '\0')
        return 0;
    p->local = l;
    return local_check(l, p->cell.column->type, err);
}

static int plan_bytes(struct converter *c, struct plan *p, const struct convert_rule *rule, struct err *err)
{
    enum col_type type = p->cell.column->type;
    bool said = rule != NULL && rule->binary != CONVERT_UNSAID;
    enum convert_binary form = said ? rule->binary : c->config->binary;

    if (form != CONVERT_HEX && form != CONVERT_BASE64)
        return 0;
    if (type != COL_BINARY && type != COL_BIT)
        return said ? err_set(err, ERR_CONFIG, "\"binary\" is for BINARY, BLOB and BIT, and it is %s",
                              p->cell.column->type_text)
                    : 0;
    p->bytes = arena_alloc(c->arena, sizeof *p->bytes);
    *p->bytes = (struct bytes_plan){.form = form};
    return 0;
}

static int plan_column(struct converter *c, const struct match *m, const struct convert_about *about,
                       size_t k, struct err *err)
{
    const struct column *column = &m->t->columns[k];
    int field = m->filled_by[k];
    const struct convert_rule *rule = field >= 0 ? m->fates[field].rule : NULL;
    struct plan *p = &c->plans[c->count];

    if (field == NOBODY)
        return 0;
    if (column->type == COL_UNSUPPORTED)
        return err_set(err, ERR_TARGET, "column %s: orch does not load %s", column->name, column->type_text);
    p->field = field < 0 ? -1 : field;
    p->cell.column = column;
    p->cell.scratch = arena_alloc(c->arena, CELL_SCRATCH);
    p->cell.format = rule != NULL ? rule->format : NULL;
    p->cell.zero_dates = c->config->zero_dates;
    if (p->cell.format != NULL) {
        int rc = time_format_check(p->cell.format, column->type, err);
        if (rc < 0)
            return err_prefix(err, "column %s", column->name);
    }
    if (cell_kind_of(column) == CELL_BYTES)
        c->texts[c->text_count++] = c->count;
    c->columns[c->count++] = (int)k;
    if (field <= CONSTANT)
        return plan_constant(c, p, &m->c->constants[CONSTANT - field], about, err);
    int rc = rule != NULL ? plan_local(p, rule, err) : 0;
    if (rc == 0)
        rc = plan_bytes(c, p, rule, err);
    if (rc < 0)
        return err_prefix(err, "column %s", column->name);
    rc = plan_nulls(p, rule != NULL ? rule->nulls : NULL, m->c, c->arena, err);
    c->quick[c->count - 1] = quick_of(p);
    return rc;
}

static int check_rule(const struct convert_rule *rule, const struct column *column, struct err *err)
{
    struct plan p = {.cell = {.column = column}};

    if (column->type == COL_UNSUPPORTED)
        return err_set(err, ERR_TARGET, "column %s: orch does not load %s", column->name, column->type_text);
    int rc = rule->format != NULL ? time_format_check(rule->format, column->type, err) : 0;
    if (rc == 0)
        rc = plan_local(&p, rule, err);
    return rc < 0 ? err_prefix(err, "column %s", column->name) : 0;
}

static int check_constant(const struct convert_constant *k, const struct table *t, int at,
                          const struct convert_about *about, struct err *err)
{
    char scratch[CELL_SCRATCH];
    struct plan p = {.cell = {.column = &t->columns[at], .scratch = scratch}};
    struct converter c = {.table = t, .arena = arena_new()};

    int rc = p.cell.column->type == COL_UNSUPPORTED
                 ? err_set(err, ERR_TARGET, "column %s: orch does not load %s", p.cell.column->name,
                           p.cell.column->type_text)
                 : plan_constant(&c, &p, k, about, err);
    arena_free(c.arena);
    return rc;
}

int converter_check(const struct convert_config *c, const struct table *t, const struct convert_about *about,
                    size_t i, struct err *err)
{
    const struct convert_rule *rule = i < c->rule_count ? &c->rules[i] : NULL;
    const struct convert_constant *k = rule == NULL ? &c->constants[i - c->rule_count] : NULL;
    const char *to = rule != NULL ? rule->to : k->to;

    if (to == NULL || (c->drift == DRIFT_ADD_COLUMNS && table_find(t, str_of(to)) < 0))
        return 0; /* dropped, or made when the first file comes */
    int at = rule != NULL ? rule_column(t, rule, err) : constant_column(t, k, err);
    if (at < 0)
        return at;
    return rule != NULL ? check_rule(rule, &t->columns[at], err) : check_constant(k, t, at, about, err);
}

int converter_new(const struct convert_config *c, const struct table *t, const struct csv_record *first,
                  struct converter **ret, struct err *err)
{
    return converter_new_about(c, t, first, NULL, ret, err);
}

size_t converter_fields(const struct convert_config *c, const struct csv_record *first)
{
    const struct csv_field *last = first->count > 1 ? &first->fields[first->count - 1] : NULL;

    return first->count - (c->trailing_delimiter && last != NULL && last->n == 0 && !last->quoted);
}

int converter_new_about(const struct convert_config *c, const struct table *t, const struct csv_record *first,
                        const struct convert_about *about, struct converter **ret, struct err *err)
{
    struct match m = {.c = c, .t = t, .first = first};
    struct converter *n = NULL;
    int rc;

    if (first->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld, %s: %s", (long long)first->line,
                       c->header ? "the header" : "the first record", first->message);
    if (first->count > MAX_COLUMNS)
        return err_set(err, ERR_SCHEMA, "the file has more than %d fields", MAX_COLUMNS);
    if (c->zone != NULL && strcmp(c->zone, "UTC") != 0)
        return err_set(err, ERR_CONFIG, "zone '%s': times without offset are taken as UTC only", c->zone);
    m.fields = converter_fields(c, first);
    m.fates = xcalloc(first->count, sizeof *m.fates);
    m.filled_by = xcalloc(t->count, sizeof *m.filled_by);
    for (size_t k = 0; k < t->count; k++)
        m.filled_by[k] = NOBODY;
    n = xcalloc(1, sizeof *n);
    *n = (struct converter){.config = c, .table = t, .arena = arena_new(), .fields = m.fields};
    n->plans = xcalloc(t->count, sizeof *n->plans);
    n->quick = xcalloc(t->count, sizeof *n->quick);
    n->columns = xcalloc(t->count, sizeof *n->columns);
    n->texts = xcalloc(t->count, sizeof *n->texts);
    rc = refuse_repeated(&m, err);
    if (rc == 0)
        rc = match_fields(&m, err);
    if (rc == 0)
        rc = match_constants(&m, err);
    if (rc == 0)
        rc = match_missing(&m, err);
    for (size_t k = 0; k < t->count && rc == 0; k++)
        rc = plan_column(n, &m, about, k, err);
    if (rc == 0 && n->count == 0)
        rc = err_set(err, ERR_SCHEMA, "no field of the file has a column in table %s", t->name);
    free(m.fates);
    free(m.filled_by);
    if (rc < 0) {
        converter_free(n);
        return rc;
    }
    *ret = n;
    return 0;
}

void converter_free(struct converter *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (c->plans[i].bytes != NULL)
            free(c->plans[i].bytes->text);
    arena_free(c->arena);
    free(c->plans);
    free(c->quick);
    free(c->columns);
    free(c->texts);
    free(c);
}

const int *converter_columns(const struct converter *c, size_t *ret_count)
{
    *ret_count = c->count;
    return c->columns;
}
