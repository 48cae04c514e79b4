#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/intake_int.h"
#include <strings.h>

/*
 * A table is described once a connection, and again after a minute, or when the server says that it is another: a column that
 * was added may stay out for so long, and a row never goes where it does not fit, for the server looks as well.
 */
enum { KNOWN_MS = 60000, MAX_PLANS = 16 };

struct known {
    struct known *next;
    const struct dict_table *d;
    struct table *def;
    int64_t at_ms;
    char **keys; /* "column\ntable.column", of foreign keys */
    size_t key_count;
};
struct kept { /* with one connection */
    int64_t serial;
    struct known *known;
    struct intake_plan *plans;
    size_t plan_count;
};

/* --- what is known --- */

static void plan_free(struct intake_plan *p)
{
    if (p == NULL)
        return;
    converter_free(p->converter);
    dictionary_free(p->dictionary);
    batch_free(p->batch);
    arena_free(p->window);
    arena_free(p->arena);
    free(p->references);
    free(p->of_row);
    free(p->verdicts);
    free(p->form);
    free(p);
}

static void known_free(struct known *k)
{
    for (size_t i = 0; i < k->key_count; i++)
        free(k->keys[i]);
    free(k->keys);
    table_free(k->def);
    free(k);
}

/* d NULL: of all tables. */
static void drop(struct kept *k, const struct dict_table *d)
{
    for (struct intake_plan **at = &k->plans; *at != NULL;) {
        struct intake_plan *p = *at;
        if (d != NULL && p->d != d) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        k->plan_count--;
        plan_free(p);
    }
    for (struct known **at = &k->known; *at != NULL;) {
        struct known *one = *at;
        if (d != NULL && one->d != d) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        known_free(one);
    }
}

static void kept_free(void *p)
{
    drop(p, NULL);
    free(p);
}

void intake_forget(struct target *t, const struct dict_table *d)
{
    struct kept *k = target_kept(t);

    if (k != NULL)
        drop(k, d);
}

static int kept_of(struct target *t, struct kept **ret, struct err *err)
{
    struct kept *k = target_kept(t);
    int64_t serial;
    int rc = target_serial(t, &serial, err);

    if (rc < 0)
        return rc;
    if (k == NULL) {
        k = xcalloc(1, sizeof *k);
        target_keep(t, k, kept_free);
    }
    if (k->serial != serial)
        drop(k, NULL);
    k->serial = serial;
    *ret = k;
    return 0;
}

static int on_key(void *arg, const struct str *c, size_t count, struct err *err)
{
    struct known *k = arg;

    UNUSED(count);
    UNUSED(err);
    if (c[0].p == NULL || c[1].p == NULL || c[2].p == NULL || c[3].p == NULL)
        return 0;
    bool here = c[4].p != NULL && str_eq(c[1], c[4]);
    k->keys = xrealloc(k->keys, (k->key_count + 1) * sizeof *k->keys);
    k->keys[k->key_count++] =
        xasprintf("%s\n%s%s%s.%s", c[0].p, here ? "" : c[1].p, here ? "" : ".", c[2].p, c[3].p);
    return 0;
}

static int check_table(const struct table *def, struct err *err)
{
    int rc = target_check(def, err);

    if (rc == 0 && def->made_by_orch) {
        err_set(err, ERR_TARGET,
                "table %s was made by orch for a pipeline's files: its rows are known by file and line",
                def->name);
        rc = err_hint(err, "name another table");
    }
    return rc;
}

static int known_of(struct target *t, struct kept *k, const struct dict_table *d, struct known **ret,
                    struct err *err)
{
    int64_t now_ms = clock_mono_ms();

    for (struct known *one = k->known; one != NULL; one = one->next)
        if (one->d == d && now_ms - one->at_ms < KNOWN_MS) {
            *ret = one;
            return 0;
        }
    drop(k, d);
    struct known *one = xcalloc(1, sizeof *one);
    one->d = d;
    one->at_ms = now_ms;
    int rc = target_describe(t, d->table, &one->def, err);
    if (rc == 0)
        rc = check_table(one->def, err);
    if (rc == 0)
        rc = target_intake_foreign(t, one->def, on_key, one, err);
    if (rc < 0) {
        known_free(one);
        return rc;
    }
    one->next = k->known;
    k->known = one;
    *ret = one;
    return 0;
}

/* --- a plan --- */

static const struct convert_rule *rule_of(const struct dict_table *d, const char *column)
{
    for (size_t i = 0; i < d->convert.rule_count; i++)
        if (strcasecmp(d->convert.rules[i].to, column) == 0)
            return &d->convert.rules[i];
    return NULL;
}

static bool fillable(const struct column *c)
{
    return !c->generated && !table_is_lineage(c->name);
}

static bool named(const struct csv_record *header, size_t n, const char *column)
{
    for (size_t i = 0; i < n; i++)
        if (header->fields[i].n == strlen(column) &&
            strncasecmp(header->fields[i].p, column, header->fields[i].n) == 0)
            return true;
    return false;
}

static void add_field(struct intake_plan *p, struct csv_field *fields, const char *text, size_t n)
{
    fields[p->fields++] = (struct csv_field){arena_strndup(p->arena, text, n), (uint32_t)n, true};
}

/* Names as given; of JSON also those of columns that may not be NULL: what lacks them is a reject, and no fault of all. */
static void first_named(struct intake_plan *p, const struct intake_ask *a, const struct csv_record *header)
{
    struct csv_field *fields = arena_alloc(p->arena, (header->count + p->def->count + 1) * sizeof *fields);

    for (size_t i = 0; i < header->count; i++)
        add_field(p, fields, header->fields[i].p, header->fields[i].n);
    p->given = p->fields;
    for (size_t i = 0; a->json && i < p->def->count; i++) {
        const struct column *c = &p->def->columns[i];
        if (fillable(c) && !c->nullable && !c->auto_increment && !c->has_default &&
            !named(header, header->count, c->name))
            add_field(p, fields, c->name, strlen(c->name));
    }
    if (p->fields > p->given)
        p->all = arena_alloc(p->arena, p->fields * sizeof *p->all);
    p->first = (struct csv_record){.fields = fields, .count = p->fields, .line = 1};
    p->config.rules = p->d->convert.rules;
    p->config.rule_count = p->d->convert.rule_count;
    p->config.header = true;
}

/* Numbered rules: the i-th field goes to the i-th name. */
static void first_in_order(struct intake_plan *p)
{
    const struct dict_table *d = p->d;
    size_t n = 0, room = p->def->count;

    while (d->order != NULL && d->order[n] != NULL)
        n++;
    room += n;
    struct convert_rule *rules = arena_alloc(p->arena, (room + 1) * sizeof *rules);
    struct csv_field *fields = arena_alloc(p->arena, (room + 1) * sizeof *fields);
    for (size_t i = 0; i < (d->order != NULL ? n : p->def->count); i++) {
        const char *to = d->order != NULL ? d->order[i] : p->def->columns[i].name;
        const struct convert_rule *own = rule_of(d, to);
        char number[24];
        if (d->order == NULL && (!fillable(&p->def->columns[i]) || p->def->columns[i].invisible))
            continue;
        snprintf(number, sizeof number, "%zu", p->fields + 1);
        rules[p->fields] = own != NULL ? *own : (struct convert_rule){0};
        rules[p->fields].from = arena_strndup(p->arena, number, strlen(number));
        rules[p->fields].to = to;
        add_field(p, fields, "", 0);
    }
    p->given = p->fields;
    p->first = (struct csv_record){.fields = fields, .count = p->fields, .line = 1};
    p->config.rules = rules;
    p->config.rule_count = p->fields;
    p->config.header = false;
    p->config.fixed_fields = true;
}

/* JSON has numbers, texts and null of its own; only how times and bytes are spelled is the dictionary's. */
static void as_json(struct intake_plan *p)
{
    static const char *const nulls[] = {"", NULL};
    struct convert_rule *rules = arena_alloc(p->arena, (p->config.rule_count + 1) * sizeof *rules);

    for (size_t i = 0; i < p->config.rule_count; i++) {
        rules[i] = p->config.rules[i];
        rules[i].nulls = NULL;
        rules[i].decimal = rules[i].group = '\0';
    }
    p->config.rules = rules;
    p->config.nulls = nulls;
    p->config.trailing_delimiter = false;
}

static bool looked_after(const struct known *k, const struct dict_reference *r)
{
    char *want = xasprintf("%s\n%s.%s", r->own->name, r->table, r->column);
    bool found = false;

    for (size_t i = 0; i < k->key_count; i++)
        found = found || strcasecmp(k->keys[i], want) == 0;
    free(want);
    return found;
}

static void add_references(struct intake_plan *p, const struct known *k)
{
    size_t n;
    const struct dict_reference *all = dictionary_references(p->dictionary, &n);

    p->references = xcalloc(n + 1, sizeof(const struct dict_reference *));
    for (size_t i = 0; i < n; i++)
        if (!looked_after(k, &all[i]))
            p->references[p->reference_count++] = &all[i];
}

static int plan_fill(struct intake_plan *p, const struct intake_ask *a, const struct known *k,
                     const struct csv_record *header, size_t capacity, struct err *err)
{
    size_t count = 0;

    p->config = p->d->convert;
    p->config.null_empty = true;
    p->config.drift = DRIFT_NULL_MISSING;
    if (header != NULL)
        first_named(p, a, header);
    else
        first_in_order(p);
    if (a->json)
        as_json(p);
    int rc = converter_new(&p->config, p->def, &p->first, &p->converter, err);
    if (rc == -ERR_SCHEMA && header != NULL) /* the converter's hint is for a pipeline */
        err_hint(err,
                 "names are those of the table's columns; all that are NOT NULL without a default are to be "
                 "among them");
    if (rc < 0)
        return err_prefix(err, "table %s", p->d->name);
    const int *columns = converter_columns(p->converter, &count);
    rc = dictionary_new(p->d, p->def, columns, count, &p->dictionary, err);
    if (rc < 0)
        return err_prefix(err, "tables.%s", p->d->name);
    add_references(p, k);
    p->batch = batch_new(p->def, columns, count, capacity);
    p->of_row = xcalloc(capacity, sizeof *p->of_row);
    p->window = arena_new();
    return 0;
}

/* What tells plans of a table apart. Owned. */
static char *form_of(const struct intake_ask *a, const struct csv_record *header, size_t capacity)
{
    struct buf b = BUF_INIT(MAX_RECORD);
    struct err ignored;

    err_ignore(buf_addf(&b, &ignored, "%s %zu %s", a->json ? "json" : "csv", capacity,
                        header != NULL ? "by name" : "in order"));
    for (size_t i = 0; header != NULL && i < header->count; i++)
        err_ignore(buf_addf(&b, &ignored, "\n%u %.*s", header->fields[i].n, (int)header->fields[i].n,
                            header->fields[i].p));
    return buf_take(&b);
}

/* Every client may have an order of its own. */
static void drop_oldest(struct kept *k)
{
    struct intake_plan **at = &k->plans;

    if (k->plan_count < MAX_PLANS || *at == NULL)
        return;
    while ((*at)->next != NULL)
        at = &(*at)->next;
    plan_free(*at);
    *at = NULL;
    k->plan_count--;
}

int intake_plan(struct target *t, const struct intake_ask *a, const struct csv_record *header,
                struct intake_plan **ret, struct err *err)
{
    size_t capacity = a->max_rows > 0 && a->max_rows <= MAX_INTAKE_ROWS ? MAX_INTAKE_ROWS : BATCH_ROWS;
    struct kept *k = NULL;
    struct known *known = NULL;
    int rc = kept_of(t, &k, err);

    if (rc == 0)
        rc = known_of(t, k, a->table, &known, err);
    if (rc < 0)
        return rc;
    char *form = form_of(a, header, capacity);
    for (struct intake_plan *p = k->plans; p != NULL; p = p->next)
        if (p->d == a->table && strcmp(p->form, form) == 0) {
            free(form);
            *ret = p;
            return 0;
        }
    drop_oldest(k);
    struct intake_plan *p = xcalloc(1, sizeof *p);
    p->d = a->table;
    p->def = known->def;
    p->form = form;
    p->arena = arena_new();
    rc = plan_fill(p, a, known, header, capacity, err);
    if (rc < 0) {
        plan_free(p);
        return rc;
    }
    p->next = k->plans;
    k->plans = p;
    k->plan_count++;
    *ret = p;
    return 0;
}
