#include "io/table.h"
#include "base/limits.h"
#include <strings.h>

void table_free(struct table *t)
{
    if (t != NULL)
        arena_free(t->arena); /* t itself may live in it, so nothing of *t is touched after this */
}

void table_add_key(struct table *t, const char *name, const int *columns, size_t count)
{
    struct table_key *keys = arena_alloc(t->arena, (t->key_count + 1) * sizeof *keys);
    int *copy = arena_alloc(t->arena, count * sizeof *copy);

    if (t->key_count > 0)
        memcpy(keys, t->keys, t->key_count * sizeof *keys);
    memcpy(copy, columns, count * sizeof *copy);
    keys[t->key_count++] = (struct table_key){arena_strndup(t->arena, name, strlen(name)), copy, count};
    t->keys = keys;
}

int table_find(const struct table *t, struct str name)
{
    int found = -1;

    for (size_t i = 0; i < t->count; i++)
        if (str_is(name, t->columns[i].name))
            return (int)i;
    for (size_t i = 0; i < t->count; i++) {
        const char *n = t->columns[i].name;
        if (strlen(n) != name.n || strncasecmp(n, name.p, name.n) != 0)
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

/* One row per type name; the server's own spelling comes in lower case. */
struct type_row {
    const char *name;
    enum col_type type;
    int64_t size; /* COL_INT: bits; text and binary: most bytes, -1 none; COL_DECIMAL: digits when none are
                     given */
};
static const struct type_row types[] = {
    {"tinyint", COL_INT, 8},
    {"bool", COL_INT, 8},
    {"boolean", COL_INT, 8},
    {"smallint", COL_INT, 16},
    {"mediumint", COL_INT, 24},
    {"int", COL_INT, 32},
    {"integer", COL_INT, 64}, /* never said by a MySQL server: SQLite's, which holds 64 bits */
    {"bigint", COL_INT, 64},
    {"decimal", COL_DECIMAL, 10},
    {"numeric", COL_DECIMAL, 10},
    {"double", COL_DOUBLE, 0},
    {"double precision", COL_DOUBLE, 0},
    {"real", COL_DOUBLE, 0},
    {"float", COL_FLOAT, 0},
    {"char", COL_TEXT, -1},
    {"varchar", COL_TEXT, -1},
    {"tinytext", COL_TEXT, 255},
    {"text", COL_TEXT, 65535},
    {"mediumtext", COL_TEXT, 16777215},
    {"longtext", COL_TEXT, 4294967295},
    {"enum", COL_TEXT, -1},
    {"set", COL_TEXT, -1},
    {"binary", COL_BINARY, 1},
    {"varbinary", COL_BINARY, 1},
    {"tinyblob", COL_BINARY, 255},
    {"blob", COL_BINARY, 65535},
    {"mediumblob", COL_BINARY, 16777215},
    {"longblob", COL_BINARY, 4294967295},
    {"date", COL_DATE, 0},
    {"datetime", COL_DATETIME, 0},
    {"timestamp", COL_TIMESTAMP, 0},
    {"time", COL_TIME, 0},
    {"year", COL_YEAR, 0},
    {"bit", COL_BIT, 1},
    /* sums over MySQL's own json form, or over these, do not match the text that was sent */
    {"json", COL_UNSUPPORTED, 0},
    {"geometry", COL_UNSUPPORTED, 0},
    {"point", COL_UNSUPPORTED, 0},
    {"linestring", COL_UNSUPPORTED, 0},
    {"polygon", COL_UNSUPPORTED, 0},
    {"multipoint", COL_UNSUPPORTED, 0},
    {"multilinestring", COL_UNSUPPORTED, 0},
    {"multipolygon", COL_UNSUPPORTED, 0},
    {"geometrycollection", COL_UNSUPPORTED, 0},
    {"geomcollection", COL_UNSUPPORTED, 0},
    {"vector", COL_UNSUPPORTED, 0},
    {"uuid", COL_UNSUPPORTED, 0},
    {"inet4", COL_UNSUPPORTED, 0},
    {"inet6", COL_UNSUPPORTED, 0},
};

/* The word before "(", " unsigned" and the like. */
static size_t type_word(const char *t)
{
    size_t n = strcspn(t, "( ");

    return strncasecmp(t, "double precision", 16) == 0 ? 16 : n;
}

/* "(10,2)": how many numbers, and which. Anything else between the parentheses: -1. */
static int type_numbers(const char *t, int64_t num[2])
{
    const char *p = strchr(t, '(');
    const char *close = p != NULL ? strchr(p, ')') : NULL;
    struct err ignored;
    int n = 0;

    if (p == NULL)
        return 0;
    if (close == NULL)
        return -1;
    for (p++; n < 2 && p <= close; n++) {
        while (*p == ' ')
            p++;
        size_t len = strcspn(p, ",)");
        if (str_to_i64((struct str){p, len}, 0, UINT32_MAX, &num[n], &ignored) < 0)
            return -1;
        p += len + 1;
    }
    return p == close + 1 ? n : -1;
}

static void fill_int(struct column *c, int64_t bits)
{
    int64_t half = INT64_C(1) << (bits - 2); /* of the signed range's end, so that 64 bits do not overflow */

    c->max = half - 1 + half;
    c->min = -c->max - 1;
    if (c->is_unsigned) {
        c->min = 0;
        c->max_u = UINT64_MAX >> (64 - bits);
        c->max = bits == 64 ? INT64_MAX : (int64_t)c->max_u;
    } else {
        c->max_u = (uint64_t)c->max;
    }
}

static int fill_sizes(struct column *c, const struct type_row *row, const char *name, int n,
                      const int64_t num[2])
{
    switch (c->type) {
    case COL_INT:
        fill_int(c, row->size);
        return 0;
    case COL_DECIMAL:
        c->precision = n > 0 ? (int)num[0] : (int)row->size;
        c->scale = n > 1 ? (int)num[1] : 0;
        return c->precision < 1 || c->precision > 65 || c->scale > 38 || c->scale > c->precision ? -1 : 0;
    case COL_DOUBLE:
    case COL_FLOAT: /* FLOAT(p) comes back as float or double; (M,D) limits the digits */
        c->precision = n > 1 ? (int)num[0] : 0;
        c->scale = n > 1 ? (int)num[1] : 0;
        return c->precision > 255 || c->scale > 30 || c->scale > c->precision ? -1 : 0;
    case COL_TEXT:
        c->is_char = strcasecmp(name, "char") == 0;
        c->max_bytes = row->size;
        if (row->size == -1 && n == 1)
            c->max_chars = num[0];
        else if (c->is_char)
            c->max_chars = 1;
        return 0;
    case COL_BINARY:
        c->is_char = strcasecmp(name, "binary") == 0;
        c->max_bytes = n == 1 ? num[0] : row->size;
        return 0;
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
        c->fsp = n == 1 ? (int)num[0] : 0;
        return c->fsp > 6 ? -1 : 0;
    case COL_BIT:
        c->precision = n == 1 ? (int)num[0] : 1;
        return c->precision < 1 || c->precision > 64 ? -1 : 0;
    case COL_DATE:
    case COL_YEAR:
    case COL_UNSUPPORTED:
        break;
    }
    return 0;
}

int column_parse_type(const char *type_text, struct arena *a, struct column *ret, struct err *err)
{
    const struct type_row *row = NULL;
    char name[32] = "";
    size_t len = type_word(type_text);
    int64_t num[2] = {0, 0};

    if (len < sizeof name)
        memcpy(name, type_text, len);
    for (size_t i = 0; i < ARRAY_LEN(types) && row == NULL; i++)
        if (strcasecmp(name, types[i].name) == 0)
            row = &types[i];
    if (row == NULL)
        return err_set(err, ERR_TARGET, "'%.60s' is not a column type that orch knows", type_text);
    ret->type_text = arena_strndup(a, type_text, strlen(type_text));
    ret->type = row->type;
    ret->is_unsigned =
        strcasestr(type_text, " unsigned") != NULL || strcasestr(type_text, " zerofill") != NULL;
    ret->is_char = ret->is_list = false;
    ret->min = ret->max = 0;
    ret->max_u = 0;
    ret->precision = ret->scale = ret->fsp = 0;
    ret->max_chars = ret->max_bytes = -1;
    bool members = strcasecmp(name, "enum") == 0 || strcasecmp(name, "set") == 0;
    ret->is_list = members;
    if (members)
        ret->is_unsigned = false; /* the word may stand in a member's name */
    int n = members ? 0 : type_numbers(type_text, num);
    if (n < 0 || fill_sizes(ret, row, name, n, num) < 0)
        return err_set(err, ERR_TARGET, "'%.60s' is not a column type that orch can read", type_text);
    return 0;
}

bool table_is_lineage(const char *column)
{
    return strcasecmp(column, LINEAGE_LOAD_ID) == 0 || strcasecmp(column, LINEAGE_LINE) == 0;
}
