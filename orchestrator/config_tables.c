/* "tables" of orch.json: the data dictionary. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"
#include <strings.h>

static const struct key csv_keys[] =
    CONFIG_CSV_KEYS("false", "the first record names the columns; without it, order does", "[\"\"]",
                    "unquoted texts that mean NULL, in text columns too");
static const struct key column_keys[] = {
    {"required", KEY_BOOL, true, false, NULL, NULL, NULL, NULL,
     "nothing, or NULL, is a reject; null: as the table's required says"},
    {"min", KEY_VALUE, true, false, NULL, NULL, NULL, NULL,
     "the least number or time, itself allowed; null: none"},
    {"max", KEY_VALUE, true, false, NULL, NULL, NULL, NULL, "the most, likewise"},
    {"pattern", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "POSIX extended regular expression of the whole value, byte by byte, without back references"},
    {"values", KEY_VALUE, true, false, NULL, NULL, NULL, NULL, "a list: nothing else is allowed; null: any"},
    {"references", KEY_TEXT, true, false, NULL, NULL, NULL, NULL,
     "table.column that must hold the value; null: what the table's own foreign keys say"},
    {"null", KEY_TEXTS, true, false, NULL, NULL, NULL, NULL,
     "this column's own list of texts that mean NULL in CSV"},
    {"format", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "strptime form of its dates; null: ISO 8601"},
    {"decimal", KEY_CHOICE, false, false, "\".\"", ".|,", NULL, NULL, "decimal sign of its numbers in CSV"},
    {"group", KEY_CHAR, true, false, NULL, NULL, NULL, NULL,
     "sign between the thousands of its numbers in CSV; null: there is none"},
    {"binary", KEY_CHOICE, true, false, NULL, "raw|hex|base64", NULL, NULL,
     "how it is written, of a BINARY, BLOB or BIT column; null: as csv.binary says"},
    {0},
};
const struct key config_table_keys[] = {
    {"connection", KEY_TEXT, false, true, NULL, NULL, NULL, NULL, "a database, by its name in connections"},
    {"table", KEY_TEXT, true, false, NULL, NULL, NULL, NULL, "table, or database.table; null: the same name"},
    {"required", KEY_CHOICE, false, false, "\"columns\"", "columns|all", NULL, NULL,
     "all: every column, but where it says otherwise; columns: those that say so"},
    {"columns", KEY_MAP, false, false, NULL, NULL, NULL, column_keys, "rules, by the column's name"},
    {"csv", KEY_OBJECT, false, false, NULL, NULL, NULL, csv_keys, "the dialect"},
    {"order", KEY_TEXTS, false, false, "[]", NULL, NULL, NULL,
     "columns that fields go to where there is no header; empty: the table's, in its order"},
    {"writable", KEY_BOOL, false, false, "true", NULL, NULL, NULL,
     "rows may come over HTTP, where orch serve --allow-write is"},
    {0},
};

struct reading {
    const struct config *c;
    struct faults *f;
    struct dict_table *d;
};

static void *zeroed(const struct config *c, size_t n, size_t size)
{
    void *p = arena_alloc(c->arena, (n + 1) * size);

    memset(p, 0, (n + 1) * size);
    return p;
}

static const char *bound(struct reading *r, const json_t *k, const char *key, const char *where)
{
    const json_t *v = json_object_get(k, key);

    if (json_is_null(v))
        return NULL;
    if (json_is_array(v)) {
        fault_add(r->f, where, "%s: a list where a number or a time is expected", key);
        return NULL;
    }
    return config_value(r->c, v);
}

static const char *const *values(struct reading *r, const json_t *k, const char *where)
{
    const json_t *v = json_object_get(k, "values"), *item;
    size_t i;

    if (json_is_null(v))
        return NULL;
    if (!json_is_array(v) || json_array_size(v) == 0) {
        fault_add(r->f, where, "values: a list of at least one is expected; null: any value");
        return NULL;
    }
    const char **out = zeroed(r->c, json_array_size(v), sizeof *out);
    json_array_foreach(v, i, item)
        out[i] = config_value(r->c, item);
    return out;
}

static void check_references(struct reading *r, const char *text, const char *where)
{
    const char *dot = strrchr(text, '.');

    if (dot == NULL || dot == text || dot[1] == '\0')
        fault_add(r->f, where, "references: '%s' is no table.column", text);
}

static void fill_rule(struct reading *r, struct dict_rule *to, const char *name, const json_t *k,
                      const char *where)
{
    const json_t *required = json_object_get(k, "required");
    struct err err;

    to->column = config_keep(r->c, name);
    to->required = json_is_null(required) ? r->d->all_required : json_is_true(required);
    to->min = bound(r, k, "min", where);
    to->max = bound(r, k, "max", where);
    to->pattern = config_text(r->c, k, "pattern");
    to->values = values(r, k, where);
    to->references = config_text(r->c, k, "references");
    if (to->min != NULL && to->max != NULL && dictionary_reversed(to->min, to->max))
        fault_add(r->f, where, "min %s is more than max %s: no value would do", to->min, to->max);
    if (to->pattern != NULL && dictionary_pattern(to->pattern, &err) < 0)
        fault_add(r->f, where, "%s", err.msg);
    if (to->references != NULL)
        check_references(r, to->references, where);
}

static void fill_convert(struct reading *r, struct convert_rule *to, const char *name, const json_t *k,
                         const char *where)
{
    to->from = to->to = config_keep(r->c, name);
    to->nulls = config_texts(r->c, json_object_get(k, "null"));
    to->format = config_text(r->c, k, "format");
    to->decimal = config_char(k, "decimal");
    to->group = config_char(k, "group");
    to->binary = config_binary(k);
    if (to->group != '\0' && (to->group == to->decimal || strchr("0123456789-+eE", to->group) != NULL))
        fault_add(r->f, where, "group '%c' cannot be told from the rest of a number", to->group);
}

static void fill_columns(struct reading *r, json_t *columns, const char *where)
{
    size_t n = json_object_size(columns), i = 0;
    const char *name;
    json_t *item;

    if (n > MAX_COLUMNS) {
        fault_add(r->f, where, "columns: more than %d", MAX_COLUMNS);
        return;
    }
    struct dict_rule *rules = zeroed(r->c, n, sizeof *rules);
    struct convert_rule *converts = zeroed(r->c, n, sizeof *converts);
    r->d->rules = rules;
    r->d->convert.rules = converts;
    json_object_foreach(columns, name, item) {
        char *at = xasprintf("%s.columns.%s", where, name);
        if (name[0] == '\0')
            fault_add(r->f, where, "columns: a column without a name");
        fill_rule(r, &rules[i], name, item, at);
        fill_convert(r, &converts[i], name, item, at);
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(rules[k].column, name) == 0)
                fault_add(r->f, where, "columns: '%s' and '%s' are the same column", rules[k].column, name);
        i++;
        free(at);
    }
    r->d->rule_count = r->d->convert.rule_count = n;
}

static void check_order(struct reading *r, const char *where)
{
    const char *const *order = r->d->order;

    for (size_t i = 0; order != NULL && order[i] != NULL; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(order[i], order[k]) == 0)
                fault_add(r->f, where, "order: '%s' twice", order[i]);
}

void config_fill_table(const struct config *c, struct dict_table *d, const char *name, json_t *k,
                       const char *where, struct faults *f)
{
    struct reading r = {c, f, d};
    const char *required = json_string_value(json_object_get(k, "required"));

    d->name = config_keep(c, name);
    d->table = config_text(c, k, "table");
    if (d->table == NULL)
        d->table = d->name;
    if (d->table[0] == '\0')
        fault_add(f, where, "table: empty");
    config_refuse_own(d->table, where, f);
    d->all_required = required != NULL && strcmp(required, "all") == 0;
    d->writable = json_is_true(json_object_get(k, "writable"));
    config_fill_csv(c, json_object_get(k, "csv"), &d->dialect, &d->convert, where, f);
    fill_columns(&r, json_object_get(k, "columns"), where);
    d->order = config_texts(c, json_object_get(k, "order"));
    if (d->order != NULL && d->order[0] == NULL)
        d->order = NULL;
    check_order(&r, where);
}

int config_table(const struct config *c, const char *name, const struct dict_table **ret, struct err *err)
{
    const char **names = xcalloc(c->table_count + 1, sizeof *names);
    char shown[100];
    int rc = 0;

    *ret = NULL;
    for (size_t i = 0; i < c->table_count; i++) {
        names[i] = c->tables[i].name;
        if (strcmp(name, names[i]) == 0)
            *ret = &c->tables[i];
    }
    if (*ret == NULL) {
        str_printable(name, strlen(name), shown, sizeof shown);
        rc = err_set(err, ERR_NOT_FOUND, "%s has no table '%s'", config_shown(c), shown);
        const char *near = str_nearest(name, names);
        if (near != NULL)
            rc = err_hint(err, "the nearest is '%s'", near);
        else if (c->table_count == 0)
            rc = err_hint(err, "\"tables\" of orch.json is the data dictionary (docs/intake.md)");
    }
    free(names);
    return rc;
}
