/* pipelines.NAME.columns: how fields go to columns. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"
#include <strings.h>

char config_char(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s[0] : '\0';
}

enum convert_binary config_binary(const json_t *o)
{
    switch (config_char(o, "binary")) {
    case 'r':
        return CONVERT_RAW;
    case 'h':
        return CONVERT_HEX;
    case 'b':
        return CONVERT_BASE64;
    default:
        return CONVERT_UNSAID;
    }
}

static void fill_rule(const struct config *c, struct pipeline *p, struct convert_rule *r, const char *name,
                      const json_t *v, const char **ret_type, const char *where, struct faults *f)
{
    struct err err;
    int64_t n;

    r->from = config_keep(c, name);
    *ret_type = NULL;
    if (!p->convert.header && str_to_i64(str_of(name), 1, MAX_COLUMNS, &n, &err) < 0)
        fault_add(f, where, "where header is false, columns are numbered from 1; '%s' is no such number",
                  name);
    if (json_is_string(v)) {
        r->to = config_keep(c, json_string_value(v));
    } else if (json_is_object(v)) {
        r->to = config_text(c, v, "to");
        if (r->to == NULL && !p->convert.header)
            fault_add(f, where, "%s: 'to' is needed where header is false", name);
        if (r->to == NULL)
            r->to = r->from;
        r->nulls = config_texts(c, json_object_get(v, "null"));
        r->format = config_text(c, v, "format");
        r->decimal = config_char(v, "decimal");
        r->group = config_char(v, "group");
        r->binary = config_binary(v);
        if (r->group != '\0' && (r->group == r->decimal || strchr("0123456789-+eE", r->group) != NULL))
            fault_add(f, where, "%s: group '%c' cannot be told from the rest of a number", name, r->group);
        *ret_type = config_text(c, v, "type");
        if (*ret_type != NULL && !p->create)
            fault_add(f, where, "%s: 'type' has no effect unless target.create is true", name);
    }
    if (r->to != NULL && r->to[0] == '\0')
        fault_add(f, where, "%s: a target column without a name; null drops it", name);
    for (struct convert_rule *o = (struct convert_rule *)(uintptr_t)p->convert.rules; r->to != NULL && o < r;
         o++)
        if (o->to != NULL && strcasecmp(o->to, r->to) == 0)
            fault_add(f, where, "'%s' and '%s' both go to column %s", o->from, r->from, r->to);
}

void config_fill_columns(const struct config *c, struct pipeline *p, json_t *columns,
                         const char *pipeline_where, struct faults *f)
{
    size_t n = json_object_size(columns);
    struct convert_rule *rules;
    char *where = xasprintf("%s.columns", pipeline_where);
    const char **types, *name;
    json_t *v;

    if (n > MAX_COLUMNS) {
        fault_add(f, where, "more than %d columns", MAX_COLUMNS);
        goto out;
    }
    rules = arena_alloc(c->arena, (n + 1) * sizeof *rules);
    types = arena_alloc(c->arena, (n + 1) * sizeof *types);
    memset(rules, 0, (n + 1) * sizeof *rules);
    p->convert.rules = rules;
    p->create_types = types;
    json_object_foreach(columns, name, v) {
        size_t i = p->convert.rule_count;
        fill_rule(c, p, &rules[i], name, v, &types[i], where, f);
        p->convert.rule_count++;
    }
out:
    free(where);
}
