#include "orchestrator/resource_map.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/asl.h"
#include "orchestrator/engine.h"
#include "orchestrator/path.h"

struct resource_map {
    json_t *root;
    const json_t *resources; /* of root */
};

/* ---- reading ---- */

static int refuse(struct err *err, const char *what, const char *arn, const char *why)
{
    return arn != NULL ? err_set(err, ERR_WORKFLOW, "%s: '%.200s': %s", what, arn, why)
                       : err_set(err, ERR_WORKFLOW, "%s: %s", what, why);
}

/* A document of one state is checked as any other: there is one reading of ASL. Takes states. */
static int check_document(const char *start, json_t *states, struct err *err)
{
    json_t *document = json_pack("{s:s, s:o}", "StartAt", start, "States", states);
    char *text = json_text(document);
    struct asl_diagnostics d = {0};
    struct asl *a = NULL;
    int rc = asl_parse(text, strlen(text), &a, &d, err);

    asl_free(a);
    asl_diagnostics_release(&d);
    json_decref(document);
    free(text);
    return rc;
}

static int check_when(const json_t *when, struct err *err)
{
    json_t *rule = json_deep_copy(when);

    if (!json_is_object(rule) || json_object_get(rule, "Next") != NULL) {
        json_decref(rule);
        return err_set(err, ERR_WORKFLOW, "When is a rule of a Choice, without Next");
    }
    json_object_set_new(rule, "Next", json_string("Yes"));
    return check_document("When",
                          json_pack("{s:{s:s, s:[o], s:s}, s:{s:s}}", "When", "Type", "Choice", "Choices",
                                    rule, "Default", "Yes", "Yes", "Type", "Succeed"),
                          err);
}

static int check_keys(const json_t *object, const char *const *known, const char *what, struct err *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return err_set(err, ERR_WORKFLOW, "%s is %s where an object is expected", what, json_kind(object));
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (known[i] != NULL)
            continue;
        const char *near = str_nearest(key, known);
        err_set(err, ERR_WORKFLOW, "%s has no field '%.80s'", what, key);
        return near != NULL ? err_hint(err, "the nearest is '%s'", near) : -(int)ERR_WORKFLOW;
    }
    return 0;
}

/* Resource, Parameters and one ResultSelector as those of a Task. */
static int check_task(const json_t *rule, const json_t *selector, struct err *err)
{
    json_t *task = json_pack("{s:s, s:i, s:b}", "Type", "Task", "TimeoutSeconds", 1, "End", 1);
    json_t *resource = json_object_get(rule, "Resource"), *parameters = json_object_get(rule, "Parameters");

    json_object_set(task, "Resource", resource);
    if (parameters != NULL)
        json_object_set(task, "Parameters", parameters);
    if (selector != NULL)
        json_object_set(task, "ResultSelector", (json_t *)(uintptr_t)selector); /* counted, not changed */
    int rc = check_document("Task", json_pack("{s:o}", "Task", task), err);
    const struct step_type *type = rc == 0 ? engine_step_lookup(json_string_value(resource)) : NULL;
    if (rc == 0 && type == NULL)
        rc = err_set(err, ERR_WORKFLOW, "Resource '%.200s' is no step of orch", json_string_value(resource));
    if (rc == 0 && (json_is_object(parameters) || step_has_literals(type)))
        rc = step_check_parameters(type, json_is_object(parameters) ? parameters : NULL, err);
    return rc;
}

static int check_results(const json_t *rule, struct err *err)
{
    static const char *const known[] = {"When", "ResultSelector", "Comment", NULL};
    const json_t *results = json_object_get(rule, "Results"), *one;
    size_t i;
    int rc = 0;

    if (results == NULL)
        return 0;
    if (!json_is_array(results) || json_array_size(results) == 0 ||
        json_object_get(rule, "ResultSelector") != NULL)
        return err_set(err, ERR_WORKFLOW, "Results is a list, in place of ResultSelector");
    json_array_foreach(results, i, one) {
        rc = check_keys(one, known, "one of Results", err);
        if (rc == 0 && json_object_get(one, "When") != NULL)
            rc = check_when(json_object_get(one, "When"), err);
        if (rc == 0)
            rc = check_task(rule, json_object_get(one, "ResultSelector"), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_rule(const json_t *rule, struct err *err)
{
    static const char *const known[] = {"When",    "Resource", "Parameters", "ResultSelector",
                                        "Results", "Comment",  NULL};
    int rc = check_keys(rule, known, "a rule", err);

    if (rc == 0 && json_object_get(rule, "When") != NULL)
        rc = check_when(json_object_get(rule, "When"), err);
    if (rc == 0)
        rc = check_task(rule, json_object_get(rule, "ResultSelector"), err);
    return rc < 0 ? rc : check_results(rule, err);
}

static const json_t *rule_at(const json_t *entry, size_t i)
{
    return json_is_array(entry) ? json_array_get(entry, i) : i == 0 ? entry : NULL;
}

static int check_all(const struct resource_map *m, const char *what, struct err *err)
{
    static const char *const known[] = {"Comment", "Resources", NULL};
    const char *arn;
    json_t *entry;
    size_t rules = 0;
    int rc = check_keys(m->root, known, "the map", err);

    if (rc == 0 && !json_is_object(m->resources))
        rc = err_set(err, ERR_WORKFLOW, "Resources is missing");
    if (rc < 0)
        return err_prefix(err, "%s", what);
    json_object_foreach((json_t *)(uintptr_t)m->resources, arn, entry) {
        if (json_is_array(entry) && json_array_size(entry) == 0)
            return refuse(err, what, arn, "no rule");
        if (engine_step_lookup(arn) != NULL)
            return refuse(err, what, arn, "is a step of orch, and stays one");
        for (size_t i = 0; rule_at(entry, i) != NULL; i++) {
            if (++rules > MAX_MAP_RULES)
                return refuse(err, what, arn, "too many rules");
            if (check_rule(rule_at(entry, i), err) < 0) {
                err->code = ERR_WORKFLOW;
                return err_prefix(err, "%s: '%.200s' rule %zu", what, arn, i + 1);
            }
        }
    }
    return 0;
}

int resource_map_parse(const char *text, size_t n, const char *what, struct resource_map **ret,
                       struct err *err)
{
    struct resource_map *m = xcalloc(1, sizeof *m);
    int rc = json_parse(text, n, what, &m->root, err);

    if (rc < 0) {
        err->code = ERR_WORKFLOW;
        rc = -(int)ERR_WORKFLOW;
    } else {
        m->resources = json_object_get(m->root, "Resources");
        rc = check_all(m, what, err);
    }
    if (rc < 0) {
        resource_map_free(m);
        return rc;
    }
    *ret = m;
    return 0;
}

void resource_map_free(struct resource_map *m)
{
    if (m == NULL)
        return;
    json_decref(m->root);
    free(m);
}

/* ---- using ---- */

/* '*' is any text, all else itself. */
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            again = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static const json_t *find(const struct resource_map *m, const char *resource)
{
    const char *arn;
    json_t *entry;

    if (m != NULL)
        json_object_foreach((json_t *)(uintptr_t)m->resources, arn, entry)
            if (fits(arn, resource))
                return entry;
    return NULL;
}

bool resource_map_has(const struct resource_map *m, const char *resource)
{
    return find(m, resource) != NULL;
}

/* 1: the rule's When is true, or it has none. */
static int applies(const json_t *rule, const struct scope *s, struct err *err)
{
    const json_t *when = json_object_get(rule, "When");
    bool yes = true;
    int rc = when != NULL ? choice_matches(when, s, &yes, err) : 0;

    return rc < 0 ? rc : yes;
}

/* What a path or rule of the map does not find is the map's fault, or an answer that it does not know. */
static int broken(const char *resource, struct err *err)
{
    err->code = ERR_CONTRACT;
    err->name[0] = '\0';
    return err_prefix(err, "resource map: %.200s", resource);
}

int resource_map_apply(const struct resource_map *m, const char *resource, const json_t *parameters,
                       const json_t *context, struct mapped *ret, struct err *err)
{
    const struct scope s = {.input = parameters, .context = context};
    const json_t *entry = find(m, resource), *rule;
    int rc = 0;

    *ret = (struct mapped){0};
    for (size_t i = 0; rc == 0 && (rule = rule_at(entry, i)) != NULL; i++) {
        rc = applies(rule, &s, err);
        if (rc > 0)
            ret->rule = rule;
    }
    if (rc == 0)
        rc = err_set(err, ERR_CONTRACT, "no rule fits what the task gives");
    if (rc < 0)
        return broken(resource, err);
    const json_t *template = json_object_get(ret->rule, "Parameters");
    ret->type = engine_step_lookup(json_string_value(json_object_get(ret->rule, "Resource")));
    if (ret->type == NULL) /* kept by an orch that had it */
        rc = err_set(err, ERR_CONTRACT, "its step is not in this orch");
    else if (template != NULL)
        rc = template_apply(template, &s, &ret->parameters, err);
    else
        ret->parameters = json_incref((json_t *)(uintptr_t)parameters);
    if (rc < 0) {
        mapped_release(ret);
        return broken(resource, err);
    }
    ret->context = json_is_object(context) ? json_copy((json_t *)(uintptr_t)context) : json_object();
    json_object_set(ret->context, "Parameters", (json_t *)(uintptr_t)parameters); /* counted, not changed */
    return 0;
}

int mapped_result(const struct mapped *m, const json_t *result, json_t **ret_owned, struct err *err)
{
    const json_t *results = json_object_get(m->rule, "Results"), *one,
                 *selector = json_object_get(m->rule, "ResultSelector");
    const struct scope s = {.input = result, .context = m->context};
    size_t i;
    int rc = results == NULL;

    json_array_foreach(results, i, one) {
        rc = applies(one, &s, err);
        if (rc != 0) {
            selector = json_object_get(one, "ResultSelector");
            break;
        }
    }
    if (rc == 0)
        rc = err_set(err, ERR_CONTRACT, "none of Results fits what the step gave");
    else if (rc > 0 && selector != NULL)
        rc = template_apply(selector, &s, ret_owned, err);
    else if (rc > 0)
        *ret_owned = json_incref((json_t *)(uintptr_t)result);
    return rc < 0 ? broken(m->type->name, err) : 0;
}

void mapped_release(struct mapped *m)
{
    json_decref(m->parameters);
    json_decref(m->context);
    *m = (struct mapped){0};
}
