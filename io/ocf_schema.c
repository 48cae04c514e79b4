/* What a column is in Avro, and what a field is in a table. The rules are in docs/avro.md. */
#include "base/json.h"
#include "base/limits.h"
#include "io/ocf_int.h"
#include <strings.h>

#define ORCH_NAME "orch.name"
#define ORCH_TYPE "orch.type"

static bool is_opaque(const struct column *c)
{
    static const char *const words[] = {"geometry", "point", "linestring", "polygon",
                                        "multi",    "geom",  "vector"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (c->type_text != NULL && strncasecmp(c->type_text, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

struct ocf_type ocf_type_of(const struct column *c, bool text_times)
{
    const struct ocf_type string = {OCF_STRING, "string", NULL, 0, 0};

    switch (c->type) {
    case COL_INT:
        if (c->is_unsigned && c->max_u > INT64_MAX)
            return (struct ocf_type){OCF_UBIG, "bytes", "decimal", 20, 0};
        return (struct ocf_type){OCF_INT, c->min < INT32_MIN || c->max > INT32_MAX ? "long" : "int", NULL, 0,
                                 0};
    case COL_YEAR:
        return (struct ocf_type){OCF_INT, "int", NULL, 0, 0};
    case COL_DECIMAL:
        return (struct ocf_type){OCF_DECIMAL, "bytes", "decimal", c->precision, c->scale};
    case COL_DOUBLE:
        return (struct ocf_type){OCF_DOUBLE, "double", NULL, 0, 0};
    case COL_FLOAT:
        return (struct ocf_type){OCF_FLOAT, "float", NULL, 0, 0};
    case COL_BINARY:
        return (struct ocf_type){OCF_BYTES, "bytes", NULL, 0, 0};
    case COL_BIT:
        return (struct ocf_type){OCF_BIT, "bytes", NULL, 0, 0};
    case COL_DATE:
        return text_times ? string : (struct ocf_type){OCF_DATE, "int", "date", 0, 0};
    case COL_DATETIME:
        return text_times ? string : (struct ocf_type){OCF_MICROS, "long", "local-timestamp-micros", 0, 0};
    case COL_TIMESTAMP:
        return text_times ? string : (struct ocf_type){OCF_MICROS, "long", "timestamp-micros", 0, 0};
    case COL_UNSUPPORTED:
        return is_opaque(c) ? (struct ocf_type){OCF_BYTES, "bytes", NULL, 0, 0} : string;
    case COL_TEXT:
    case COL_TIME: /* -838:59:59 is no time of a day */
        break;
    }
    return string;
}

/* [A-Za-z_][A-Za-z0-9_]*, and not one of taken. */
static char *legal_name(const char *name, const json_t *taken)
{
    bool digit = (unsigned)(*name - '0') <= 9;
    char *base = xasprintf("%s%s", digit || *name == '\0' ? "_" : "", name), *tried = xstrdup(base);

    for (char *p = base; *p != '\0'; p++)
        if ((unsigned)((*p | 0x20) - 'a') > 25 && (unsigned)(*p - '0') > 9)
            *p = '_';
    memcpy(tried, base, strlen(base));
    for (int i = 2; taken != NULL && json_object_get(taken, tried) != NULL; i++) {
        free(tried);
        tried = xasprintf("%s_%d", base, i);
    }
    free(base);
    return tried;
}

static json_t *type_json(struct ocf_type t, bool nullable)
{
    json_t *v = json_string(t.base);

    if (t.logical != NULL) {
        v = json_pack("{s:o,s:s}", "type", v, "logicalType", t.logical);
        if (strcmp(t.logical, "decimal") == 0) {
            json_object_set_new(v, "precision", json_integer(t.precision));
            json_object_set_new(v, "scale", json_integer(t.scale));
        }
    }
    return nullable ? json_pack("[s,o]", "null", v) : v;
}

static int add_field(json_t *fields, json_t *names, const struct column *c, bool text_times, struct err *err)
{
    char *legal = legal_name(c->name, names), shown[200];
    json_t *f =
        json_pack("{s:s,s:o}", "name", legal, "type", type_json(ocf_type_of(c, text_times), c->nullable));
    int bad = 0;

    if (c->nullable)
        json_object_set_new(f, "default", json_null());
    bad |= json_object_set_new(f, ORCH_NAME, json_string(c->name));
    if (c->type_text != NULL)
        bad |= json_object_set_new(f, ORCH_TYPE, json_string(c->type_text));
    json_object_set_new(names, legal, json_true());
    json_array_append_new(fields, f);
    free(legal);
    str_printable(c->name, strlen(c->name), shown, sizeof shown);
    return bad != 0 ? err_set(err, ERR_BAD_ENCODING, "name or type of column %s are not UTF-8", shown) : 0;
}

int ocf_schema_write(const struct table *t, const int *columns, size_t count, const char *name,
                     bool text_times, char **ret, struct err *err)
{
    json_t *fields = json_array(), *names = json_object();
    char *legal = legal_name(name, NULL);
    json_t *root = json_pack("{s:s,s:s,s:O}", "type", "record", "name", legal, "fields", fields);
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_field(fields, names, &t->columns[columns[i]], text_times, err);
    if (json_object_set_new(root, ORCH_NAME, json_string(name)) != 0 && rc == 0)
        rc = err_set(err, ERR_BAD_ENCODING, "the name of an Avro record is not UTF-8");
    if (rc == 0)
        *ret = json_text(root);
    free(legal);
    json_decref(fields);
    json_decref(names);
    json_decref(root);
    return rc;
}

/* The other way. "in field N": names of a foreign file are for str_printable. */
static int refuse(struct err *err, const char *name, const char *why)
{
    char shown[200];

    str_printable(name, strlen(name), shown, sizeof shown);
    err_set(err, ERR_SCHEMA, "the Avro file's field %s %s", shown, why);
    return err_hint(
        err, "orch reads its own files, and others whose fields are plain types or unions of one with null");
}

/* A plain type, or {"type":"int","logicalType":"date"}. false: neither. */
static bool read_plain(const json_t *v, struct ocf_type *ret)
{
    const json_t *base = json_is_object(v) ? json_object_get(v, "type") : v;

    *ret = (struct ocf_type){OCF_INT, json_string_value(base), NULL, 0, 0};
    if (ret->base == NULL)
        return false;
    if (!json_is_object(v))
        return true;
    const json_t *logical = json_object_get(v, "logicalType");
    ret->logical = json_string_value(logical);
    if (ret->logical == NULL)
        return logical == NULL;
    json_int_t precision = json_integer_value(json_object_get(v, "precision"));
    json_int_t scale = json_integer_value(json_object_get(v, "scale"));
    ret->precision = precision < 0 || precision > 1000 ? 1000 : (int)precision;
    ret->scale = scale < 0 || scale > 1000 ? 1000 : (int)scale;
    return true;
}

static bool read_type(const json_t *v, struct ocf_type *ret, struct ocf_field *f)
{
    *f = (struct ocf_field){.null_branch = -1};
    if (!json_is_array(v))
        return read_plain(v, ret);
    if (json_array_size(v) != 2)
        return false;
    for (int i = 0; i < 2; i++) {
        const char *branch = json_string_value(json_array_get(v, (size_t)i));
        if (branch != NULL && strcmp(branch, "null") == 0)
            f->null_branch = i;
    }
    f->nullable = f->null_branch >= 0;
    return f->nullable && read_plain(json_array_get(v, (size_t)(1 - f->null_branch)), ret) &&
           strcmp(ret->base, "null") != 0;
}

static bool same_type(struct ocf_type a, struct ocf_type b)
{
    return strcmp(a.base, b.base) == 0 && (a.logical != NULL) == (b.logical != NULL) &&
           (a.logical == NULL || strcmp(a.logical, b.logical) == 0) && a.precision == b.precision &&
           a.scale == b.scale;
}

/* What the type of a file that says no more is in a table. NULL: nothing. */
static const char *foreign_type(struct ocf_type t, char out[40])
{
    static const struct {
        const char *base, *logical, *type;
    } rows[] = {
        {"int", NULL, "int"},
        {"long", NULL, "bigint"},
        {"float", NULL, "float"},
        {"double", NULL, "double"},
        {"bytes", NULL, "longblob"},
        {"string", NULL, "longtext"},
        {"string", "uuid", "longtext"},
        {"boolean", NULL, "tinyint(1)"},
        {"int", "date", "date"},
        {"long", "timestamp-micros", "timestamp(6)"},
        {"long", "local-timestamp-micros", "datetime(6)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (same_type(t, (struct ocf_type){OCF_INT, rows[i].base, rows[i].logical, t.precision, t.scale}))
            return rows[i].type;
    if (strcmp(t.base, "bytes") != 0 || t.logical == NULL || strcmp(t.logical, "decimal") != 0)
        return NULL;
    snprintf(out, 40, "decimal(%d,%d)", t.precision, t.scale);
    return out;
}

static int read_field(const json_t *v, struct table *t, struct ocf_field *f, struct err *err)
{
    const char *legal = json_string_value(json_object_get(v, "name"));
    const json_t *named = json_object_get(v, ORCH_NAME);
    const char *name = named != NULL ? json_string_value(named) : legal;
    const char *type = json_string_value(json_object_get(v, ORCH_TYPE));
    struct column *c = &t->columns[t->count];
    struct ocf_type is, column;
    char scratch[40];

    if (legal == NULL || name == NULL || *name == '\0' || strlen(name) > 256)
        return refuse(err, legal != NULL ? legal : "without a name", "has no name that a column could have");
    if (!read_type(json_object_get(v, "type"), &is, f))
        return refuse(err, name, "is of a type that no column has");
    bool ours = type != NULL;
    if (!ours && (type = foreign_type(is, scratch)) == NULL)
        return refuse(err, name, "is of a type that no column has");
    memset(c, 0, sizeof *c);
    int rc = column_parse_type(type, t->arena, c, err);
    if (rc < 0) {
        err_prefix(err, "an Avro file");
        err->code = ERR_SCHEMA;
        return -ERR_SCHEMA;
    }
    column = ocf_type_of(c, false);
    if (ours && !same_type(is, column)) {
        column = ocf_type_of(c, true);
        if (!same_type(is, column))
            return refuse(err, name, "is of another type in the file than the column that it was");
    }
    c->name = arena_strndup(t->arena, name, strlen(name));
    c->nullable = f->nullable;
    f->form = strcmp(is.base, "boolean") == 0 ? OCF_BOOLEAN : column.form;
    f->precision = column.precision;
    f->scale = column.scale;
    t->count++;
    return 0;
}

int ocf_schema_read(const char *json, size_t n, struct table **ret, struct ocf_field **ret_fields,
                    struct err *err)
{
    struct arena *a = arena_new();
    struct table *t = arena_alloc(a, sizeof *t);
    struct ocf_field *fields = NULL;
    json_t *root = NULL;
    int rc = json_parse(json, n, "the Avro file's schema", &root, err);

    memset(t, 0, sizeof *t);
    t->arena = a;
    t->engine = t->triggers = t->unique_keys = "";
    if (rc < 0) {
        err->code = ERR_CORRUPT;
        rc = -ERR_CORRUPT;
        goto out;
    }
    const char *kind = json_string_value(json_object_get(root, "type"));
    const json_t *list = json_object_get(root, "fields");
    size_t count = json_array_size(list);
    if (kind == NULL || strcmp(kind, "record") != 0 || count == 0 || count > MAX_COLUMNS) {
        rc = err_set(err, ERR_SCHEMA, "the Avro file's schema is no record of 1 to %d fields", MAX_COLUMNS);
        goto out;
    }
    const char *name = json_string_value(json_object_get(root, ORCH_NAME));
    if (name == NULL)
        name = json_string_value(json_object_get(root, "name"));
    t->name = name != NULL ? arena_strndup(a, name, strlen(name)) : "";
    t->columns = arena_alloc(a, count * sizeof *t->columns);
    fields = xcalloc(count, sizeof *fields);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = read_field(json_array_get(list, i), t, &fields[i], err);
    if (rc < 0)
        goto out;
    *ret = t;
    *ret_fields = fields;
    a = NULL;
    fields = NULL;
out:
    json_decref(root);
    free(fields);
    arena_free(a);
    return rc;
}
