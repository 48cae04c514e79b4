/* GET /v1/tables, /v1/tables/{table}, /v1/tables/{table}/rejects. */
#include "base/civil.h"
#include "base/json.h"
#include "base/limits.h"
#include "io/target_intake.h"
#include "orchestrator/api_table.h"

static int put(struct serve_answer *a, json_t *taken, struct err *err)
{
    char *text = json_text(taken);
    int rc = buf_addf(&a->body, err, "%s\n", text);

    free(text);
    json_decref(taken);
    return rc;
}

static json_t *text_or_null(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

static json_t *rule_json(const struct dict_rule *r)
{
    json_t *values = r->values != NULL ? json_array() : json_null();

    for (size_t i = 0; r->values != NULL && r->values[i] != NULL; i++)
        json_array_append_new(values, json_string(r->values[i]));
    json_t *o = json_object();
    json_object_set_new(o, "column", json_string(r->column));
    json_object_set_new(o, "required", json_boolean(r->required));
    json_object_set_new(o, "min", text_or_null(r->min));
    json_object_set_new(o, "max", text_or_null(r->max));
    json_object_set_new(o, "pattern", text_or_null(r->pattern));
    json_object_set_new(o, "values", values);
    json_object_set_new(o, "references", text_or_null(r->references));
    return o;
}

static json_t *table_json(const struct dict_table *d)
{
    json_t *rules = json_array(), *o = json_object();

    for (size_t i = 0; i < d->rule_count; i++)
        json_array_append_new(rules, rule_json(&d->rules[i]));
    json_object_set_new(o, "name", json_string(d->name));
    json_object_set_new(o, "connection", json_string(d->connection));
    json_object_set_new(o, "table", json_string(d->table));
    json_object_set_new(o, "writable", json_boolean(d->writable));
    json_object_set_new(o, "all_required", json_boolean(d->all_required));
    json_object_set_new(o, "csv_header", json_boolean(d->convert.header));
    json_object_set_new(o, "rules", rules);
    return o;
}

/* Of the config alone: that a database is away hides no other table. */
int api_tables(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    json_t *all = json_array(), *o = json_object();

    for (size_t i = 0; i < q->config->table_count; i++)
        json_array_append_new(all, table_json(&q->config->tables[i]));
    json_object_set_new(o, "tables", all);
    return put(a, o, err);
}

static json_t *columns_json(const struct dict_table *d, const struct table *def)
{
    json_t *all = json_array();

    for (size_t i = 0; i < def->count; i++) {
        const struct column *c = &def->columns[i];
        if (table_is_lineage(c->name))
            continue;
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(c->name));
        json_object_set_new(o, "type", json_string(c->type_text));
        json_object_set_new(o, "nullable", json_boolean(c->nullable));
        json_object_set_new(o, "required", json_boolean(dictionary_requires(d, c)));
        json_object_set_new(o, "default", json_boolean(c->has_default));
        json_object_set_new(o, "auto_increment", json_boolean(c->auto_increment));
        json_object_set_new(o, "generated", json_boolean(c->generated));
        json_array_append_new(all, o);
    }
    return all;
}

static json_t *keys_json(const struct table *def)
{
    json_t *all = json_array();

    for (size_t i = 0; i < def->key_count; i++) {
        json_t *columns = json_array(), *o = json_object();
        for (size_t k = 0; k < def->keys[i].count; k++)
            json_array_append_new(columns, json_string(def->columns[def->keys[i].columns[k]].name));
        json_object_set_new(o, "name", json_string(def->keys[i].name));
        json_object_set_new(o, "columns", columns);
        json_array_append_new(all, o);
    }
    return all;
}

int api_table(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    const struct dict_table *d = NULL;
    struct table *def = NULL;
    struct target *t = NULL;
    int rc = config_table(q->config, q->args[0], &d, err);

    if (rc == 0)
        rc = serve_target_take(q->serve, &d->target, &t, err);
    if (rc < 0)
        return rc;
    rc = target_describe(t, d->table, &def, err);
    serve_target_give(q->serve, t, rc < 0);
    if (rc < 0)
        return rc;
    json_t *o = table_json(d);
    json_object_set_new(o, "columns", columns_json(d, def));
    json_object_set_new(o, "keys", keys_json(def));
    table_free(def);
    return put(a, o, err);
}

/* --- rejects ----------------------------------------------------------------------------------------------------- */

struct rejects {
    struct buf *to;
    int64_t count, limit, last;
};

static int add_text(struct buf *b, const char *name, const char *p, size_t n, struct err *err)
{
    int rc = buf_addf(b, err, ",\"%s\":", name);

    if (rc == 0)
        rc = p != NULL ? json_add_text(b, p, n, err) : buf_adds(b, "null", err);
    return rc;
}

/* The bytes as they stood: as text where they are text, in hex where not. */
static int add_raw(struct buf *b, const struct intake_logged *r, struct err *err)
{
    bool text = str_utf8_valid(r->raw.p, r->raw.n, NULL) != 0;
    int rc = text ? add_text(b, "raw", r->raw.p, r->raw.n, err) : buf_adds(b, ",\"raw_hex\":\"", err);

    if (rc == 0 && !text) {
        rc = buf_reserve(b, 2 * r->raw.n + 1, err);
        if (rc == 0) {
            str_hex(r->raw.p, r->raw.n, b->p + b->n);
            b->n += 2 * r->raw.n;
            rc = buf_adds(b, "\"", err);
        }
    }
    return rc < 0 ? rc : buf_addf(b, err, ",\"raw_bytes\":%lld}", (long long)r->raw_total);
}

static int add_reject(void *arg, const struct intake_logged *r, struct err *err)
{
    struct rejects *x = arg;
    char at[CIVIL_RFC3339_SIZE];

    if (x->count++ == x->limit) /* there is one more */
        return 0;
    x->last = r->id;
    civil_rfc3339(r->at_ms, true, at);
    int rc =
        buf_addf(x->to, err, "%s\n{\"id\":%lld,\"at\":\"%s\",\"record\":%lld,\"line\":%lld",
                 x->count > 1 ? "," : "", (long long)r->id, at, (long long)r->record, (long long)r->line);
    if (rc == 0)
        rc = add_text(x->to, "source", r->source, strlen(r->source), err);
    if (rc == 0)
        rc = add_text(x->to, "who", r->who, strlen(r->who), err);
    if (rc == 0)
        rc = add_text(x->to, "code", r->code, strlen(r->code), err);
    if (rc == 0)
        rc = add_text(x->to, "column", *r->column != '\0' ? r->column : NULL, strlen(r->column), err);
    if (rc == 0)
        rc = add_text(x->to, "message", r->message, strlen(r->message), err);
    if (rc == 0)
        rc = add_text(x->to, "hint", *r->hint != '\0' ? r->hint : NULL, strlen(r->hint), err);
    return rc < 0 ? rc : add_raw(x->to, r, err);
}

int api_table_rejects(const struct serve_request *q, struct serve_answer *a, struct err *err)
{
    struct rejects x = {.to = &a->body};
    const struct dict_table *d = NULL;
    struct target *t = NULL;
    int64_t after = 0;
    int rc = config_table(q->config, q->args[0], &d, err);

    if (rc == 0)
        rc = serve_query_int(q, "limit", 1, MAX_API_ROWS, API_ROWS, &x.limit, err);
    if (rc == 0)
        rc = serve_query_int(q, "after", 0, INT64_MAX, 0, &after, err);
    if (rc == 0)
        rc = buf_adds(&a->body, "{\"table\":", err);
    if (rc == 0)
        rc = json_add_text(&a->body, d->name, strlen(d->name), err);
    if (rc == 0)
        rc = buf_adds(&a->body, ",\"rejects\":[", err);
    if (rc == 0)
        rc = serve_target_take(q->serve, &d->target, &t, err);
    if (rc < 0)
        return rc;
    const struct intake_filter f = {.name = d->name,
                                    .code = serve_query(q, "code"),
                                    .column = serve_query(q, "column"),
                                    .source = serve_query(q, "source"),
                                    .after = after,
                                    .limit = x.limit + 1};
    rc = target_intake_rejects(t, &f, add_reject, &x, err);
    serve_target_give(q->serve, t, rc < 0);
    if (rc == 0)
        rc = x.count > x.limit ? buf_addf(&a->body, err, "],\"next\":\"%lld\"}\n", (long long)x.last)
                               : buf_adds(&a->body, "]}\n", err);
    return rc;
}
