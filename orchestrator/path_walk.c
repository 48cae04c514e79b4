#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/path_int.h"

/* A walk that may come out empty-handed. */
enum { WALK_ON = 0, WALK_MISS = 1 };

/* One run of one program: results go to the array. */
struct walker {
    struct path_run *r;
    const struct path_program *p;
    json_t *results; /* owned by path_run */
};

static int walk(struct walker *w, size_t i, const json_t *model, struct err *err);

int path_visit(struct path_run *r, struct err *err)
{
    if (r->left-- > 0)
        return 0;
    int rc =
        err_set(err, ERR_TOO_LARGE, "a path that looks at more than %d nodes is given up", MAX_PATH_VISITS);
    snprintf(err->name, sizeof err->name, "States.Runtime");
    return rc;
}

/* $['a'][0], up to a step: as Jayway writes it. */
static void place(const struct walker *w, size_t steps, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "$");

    for (size_t i = 0; i < steps && i < w->p->count && n < size; i++) {
        const struct path_step *s = &w->p->steps[i];
        if (s->op == OP_NAMES)
            n += (size_t)snprintf(out + n, size - n, "['%s']", s->names[0]);
        else if (s->op == OP_INDEXES)
            n += (size_t)snprintf(out + n, size - n, "[%lld]", (long long)s->indexes[0]);
    }
}

static const char *java_node(const json_t *v)
{
    if (v == NULL)
        return "null";
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "com.fasterxml.jackson.databind.node.ObjectNode";
    case JSON_ARRAY:
        return "com.fasterxml.jackson.databind.node.ArrayNode";
    case JSON_STRING:
        return "com.fasterxml.jackson.databind.node.TextNode";
    case JSON_INTEGER:
        return json_integer_value(v) == (int32_t)json_integer_value(v)
                   ? "com.fasterxml.jackson.databind.node.IntNode"
                   : "com.fasterxml.jackson.databind.node.LongNode";
    case JSON_REAL:
        return "com.fasterxml.jackson.databind.node.DoubleNode";
    case JSON_TRUE:
    case JSON_FALSE:
        return "com.fasterxml.jackson.databind.node.BooleanNode";
    case JSON_NULL:
        break;
    }
    return "com.fasterxml.jackson.databind.node.NullNode";
}

/* Steps before the one at i are definite where this is asked. */
static int miss(struct walker *w, size_t i, const json_t *model)
{
    const struct path_step *s = &w->p->steps[i];
    char before[300];

    if (w->r->why == NULL)
        return WALK_MISS;
    if (s->op == OP_NAMES && json_is_object(model)) {
        place(w, i + 1, before, sizeof before);
        snprintf(w->r->why, w->r->why_size, "Missing property in path %s", before);
    } else if (s->op == OP_NAMES) {
        place(w, i, before, sizeof before);
        snprintf(
            w->r->why, w->r->why_size,
            "Expected to find an object with property ['%s'] in path %s but found '%s'. This is not a json "
            "object according to the JsonProvider: "
            "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
            s->names[0], before, java_node(model));
    } else if (model == NULL) {
        place(w, i, before, sizeof before);
        snprintf(w->r->why, w->r->why_size, "The path %s is null", before);
    } else {
        char *text = json_text(model);
        if (s->op == OP_INDEXES)
            snprintf(before, sizeof before, "[%lld]", (long long)s->indexes[0]);
        else
            snprintf(before, sizeof before, "[%.0lld%s]", (long long)s->from, ":");
        snprintf(w->r->why, w->r->why_size,
                 "Filter: %s can only be applied to arrays. Current context is: %.300s", before, text);
        free(text);
    }
    return WALK_MISS;
}

/* A node was reached by step i: a result, or where the rest begins. NULL: past the end of an array, a null. */
static int arrive(struct walker *w, size_t i, const json_t *node, struct err *err)
{
    if (i + 1 < w->p->count)
        return walk(w, i + 1, node, err);
    if (node == NULL) {
        w->r->past_end = true;
        json_array_append_new(w->results, json_null());
    } else {
        json_array_append(w->results, (json_t *)(uintptr_t)node);
    }
    return WALK_ON;
}

static int walk_name(struct walker *w, size_t i, const json_t *model, const char *name, struct err *err)
{
    const struct path_step *s = &w->p->steps[i];
    const json_t *v = json_object_get(model, name);
    bool leaf = i + 1 == w->p->count;

    if (v != NULL)
        return arrive(w, i, v, err);
    if (w->r->strict || (!leaf && !s->many_before && s->count == 1))
        return miss(w, i, model);
    return WALK_ON;
}

static int walk_names(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const struct path_step *s = &w->p->steps[i];
    bool leaf = i + 1 == w->p->count;
    json_t *merged, *v;
    int rc = WALK_ON;

    if (!json_is_object(model))
        return s->many_before ? WALK_ON : miss(w, i, model);
    if (s->count == 1 || !leaf) {
        for (size_t k = 0; k < s->count && rc == WALK_ON; k++)
            rc = walk_name(w, i, model, s->names[k], err);
        return rc;
    }
    merged = json_object();
    for (size_t k = 0; k < s->count && rc == WALK_ON; k++) {
        if ((v = json_object_get(model, s->names[k])) != NULL)
            json_object_set(merged, s->names[k], v);
        else if (w->r->strict)
            rc = miss(w, i, model);
    }
    if (rc == WALK_ON)
        json_array_append(w->results, merged);
    json_decref(merged);
    return rc;
}

/* An index below 0 counts from the end. */
static const json_t *element(const json_t *array, int64_t index)
{
    int64_t at = index < 0 ? (int64_t)json_array_size(array) + index : index;

    return at < 0 ? NULL : json_array_get(array, (size_t)at);
}

static int walk_numbers(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const struct path_step *s = &w->p->steps[i];
    int64_t n = (int64_t)json_array_size(model), from = s->from, to = s->to;
    int rc = WALK_ON;

    if (!json_is_array(model))
        return s->many_before ? WALK_ON : miss(w, i, model);
    if (s->op == OP_INDEXES) {
        for (size_t k = 0; k < s->count && rc == WALK_ON; k++)
            rc = arrive(w, i, element(model, s->indexes[k]), err);
        return rc;
    }
    if (!s->has_to)
        to = n;
    else if (!s->has_from && to < 0)
        to += n; /* with a beginning, an end below 0 is nothing */
    to = to > n ? n : to;
    if (!s->has_from)
        from = 0;
    else if (!s->has_to && from < 0)
        from = from + n < 0 ? 0 : from + n;
    for (int64_t k = from; k < to && rc == WALK_ON; k++)
        if ((rc = path_visit(w->r, err)) == 0)
            rc = arrive(w, i, element(model, k), err);
    return rc;
}

static int walk_all(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const char *key;
    json_t *v;
    size_t k;
    int rc = WALK_ON;

    json_object_foreach((json_t *)(uintptr_t)model, key, v) {
        if ((rc = path_visit(w->r, err)) < 0 || (rc = arrive(w, i, v, err)) != WALK_ON)
            return rc;
    }
    json_array_foreach(model, k, v) {
        if ((rc = path_visit(w->r, err)) < 0)
            return rc;
        rc = arrive(w, i, v, err);
        if (rc < 0 || (rc == WALK_MISS && w->r->strict))
            return rc;
    }
    return WALK_ON;
}

/* An object is asked itself, of an array each element. */
static int walk_filter(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const struct path_step *s = &w->p->steps[i];
    json_t *v;
    size_t k;
    int rc;

    if (json_is_object(model)) {
        rc = path_accepts(w->r, s->test, model, err);
        return rc > 0 ? arrive(w, i, model, err) : rc;
    }
    if (!json_is_array(model)) {
        if (s->many_before)
            return WALK_ON;
        /* one text, not one for each item of a filter around */
        char *text = w->r->why != NULL ? json_text(model) : xstrdup("...");
        rc = err_set(err, ERR_RUNTIME,
                     "Filter: [?] can not be applied to primitives. Current context is: %.300s", text);
        free(text);
        return rc;
    }
    json_array_foreach(model, k, v) {
        if ((rc = path_accepts(w->r, s->test, v, err)) < 0)
            return rc;
        if (rc > 0 && (rc = arrive(w, i, v, err)) != WALK_ON)
            return rc;
    }
    return WALK_ON;
}

/* Whether the step that follows ".." begins here. 1, 0, or an error. */
static int begins_at(struct walker *w, const struct path_step *s, const json_t *model, struct err *err)
{
    switch (s->op) {
    case OP_NAMES:
        if (!json_is_object(model))
            return 0;
        for (size_t k = 0; k < s->count && !w->r->strict; k++)
            if (json_object_get(model, s->names[k]) == NULL &&
                (s->count == 1 || s == &w->p->steps[w->p->count - 1]))
                return 0;
        return 1;
    case OP_INDEXES:
    case OP_SLICE:
        return json_is_array(model);
    case OP_FILTER:
        return path_accepts(w->r, s->test, model, err);
    case OP_ALL:
        return 1;
    case OP_SCAN:
        break;
    }
    return 0;
}

/* The node, then all that is under it. At an array what follows the next step is asked of each element, as Jayway does it:
 * $..[0].x finds the x of all. Bounded by the depth of the value. */
static int walk_scan(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const char *key;
    json_t *v;
    size_t k;
    int rc = path_visit(w->r, err);

    if (rc < 0 || (!json_is_object(model) && !json_is_array(model)))
        return rc;
    if ((rc = begins_at(w, &w->p->steps[i], model, err)) < 0)
        return rc;
    if (rc > 0 && (json_is_object(model) || i + 1 == w->p->count)) {
        rc = walk(w, i, model, err);
    } else if (rc > 0) {
        rc = WALK_ON;
        for (k = 0; k < json_array_size(model) && rc == WALK_ON; k++)
            rc = walk(w, i + 1, json_array_get(model, k), err);
    }
    json_array_foreach(model, k, v) {
        if (rc != WALK_ON)
            return rc;
        rc = walk_scan(w, i, v, err);
    }
    json_object_foreach((json_t *)(uintptr_t)model, key, v) {
        if (rc != WALK_ON)
            return rc;
        rc = walk_scan(w, i, v, err);
    }
    return rc;
}

static int walk(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    int rc = path_visit(w->r, err);

    if (rc < 0)
        return rc;
    switch (w->p->steps[i].op) {
    case OP_NAMES:
        return walk_names(w, i, model, err);
    case OP_INDEXES:
    case OP_SLICE:
        return walk_numbers(w, i, model, err);
    case OP_ALL:
        return walk_all(w, i, model, err);
    case OP_FILTER:
        return walk_filter(w, i, model, err);
    case OP_SCAN:
        return walk_scan(w, i + 1, model, err);
    }
    return WALK_ON;
}

static const json_t *root_of(const struct path_run *r, const struct path_program *p)
{
    switch (p->root) {
    case ROOT_INPUT:
        return r->root;
    case ROOT_CONTEXT:
        return r->scope->context;
    case ROOT_VARIABLE:
        return json_object_get(r->scope->vars, p->variable);
    case ROOT_ITEM:
        return r->item;
    }
    return NULL;
}

int path_run(struct path_run *r, const struct path_program *p, json_t **ret_owned, struct err *err)
{
    struct walker w = {r, p, json_array()};
    const json_t *outer = r->root, *root = root_of(r, p);
    size_t n;
    int rc = WALK_ON;

    r->past_end = false;
    r->root = root; /* what "$" is in the filters of this path */
    if (p->root == ROOT_ITEM)
        r->root = outer;
    if (root == NULL)
        rc = WALK_MISS;
    else if (p->count == 0)
        json_array_append(w.results, (json_t *)(uintptr_t)root);
    else
        rc = walk(&w, 0, root, err);
    r->root = outer;
    n = json_array_size(w.results);
    if ((rc == WALK_ON && p->definite && n == 0) || root == NULL) {
        rc = WALK_MISS;
        if (r->why != NULL) {
            char all[300];
            place(&w, p->count, all, sizeof all);
            snprintf(r->why, r->why_size, "No results for path: %s", all);
        }
    }
    if (rc == WALK_ON) {
        *ret_owned = p->definite ? json_incref(json_array_get(w.results, n - 1)) : json_incref(w.results);
        rc = PATH_FOUND;
    } else if (rc == WALK_MISS) {
        rc = PATH_MISSED;
    }
    json_decref(w.results);
    return rc;
}
