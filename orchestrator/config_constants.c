/* pipelines.NAME.constants: checked as far as can be without a file and a table. */
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"
#include <strings.h>

static void fill_constant(const struct config *c, const struct pipeline *p, struct convert_constant *k,
                          const char *name, const json_t *v, const char *where, struct faults *f)
{
    struct err err;

    *k = (struct convert_constant){config_keep(c, name), config_keep(c, json_string_value(v))};
    if (strlen(k->text) != json_string_length(v))
        fault_add(f, where, "%s: a NUL byte in a text", name);
    if (constant_check(k->text, &err) < 0)
        fault_add(f, where, "%s: %s", name, err.msg);
    if (name[0] == '\0')
        fault_add(f, where, "a target column without a name");
    for (size_t i = 0; i < p->convert.rule_count; i++) {
        const struct convert_rule *r = &p->convert.rules[i];
        if (r->to != NULL && strcasecmp(r->to, name) == 0)
            fault_add(f, where, "%s: \"columns\" sends field '%s' to the same column", name, r->from);
    }
    for (const struct convert_constant *o = p->convert.constants; o < k; o++)
        if (strcasecmp(o->to, name) == 0)
            fault_add(f, where, "'%s' and '%s' are the same column", o->to, name);
}

void config_fill_constants(const struct config *c, struct pipeline *p, json_t *constants,
                           const char *pipeline_where, struct faults *f)
{
    size_t n = json_object_size(constants);
    struct convert_constant *all;
    char *where = xasprintf("%s.constants", pipeline_where);
    const char *name;
    json_t *v;

    if (n > MAX_COLUMNS) {
        fault_add(f, where, "more than %d columns", MAX_COLUMNS);
        goto out;
    }
    all = arena_alloc(c->arena, (n + 1) * sizeof *all);
    p->convert.constants = all;
    json_object_foreach(constants, name, v)
        fill_constant(c, p, &all[p->convert.constant_count++], name, v, where, f);
out:
    free(where);
}
