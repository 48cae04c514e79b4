#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/path_int.h"

/* A walk that may come out empty-handed. */
enum { WALK_ON = 0, WALK_MISS = 1 };

/* The way to where a walk stands. */
struct trail {
    const struct trail *before; /* NULL: the root */
    const char *name;           /* NULL: an index */
    int64_t index;
};

/* One run of one program: results go to the array. */
struct walker {
    struct path_run *r;
    const struct path_program *p;
    json_t *results;        /* owned by path_run */
    const struct trail *at; /* NULL: at the root */
};

static int walk(struct walker *w, size_t i, const json_t *model, struct err *err);

int path_spend(struct path_run *r, size_t bytes, struct err *err)
{
    size_t most = r->left > 0 ? (size_t)r->left : 0;

    r->left -= (int64_t)(bytes / BYTES_PER_VISIT < most ? bytes / BYTES_PER_VISIT : most);
    return path_visit(r, err);
}

int path_visit(struct path_run *r, struct err *err)
{
    if (r->left-- > 0)
        return 0;
    bool alone = path_work(r->scope) == MAX_PATH_VISITS;
    int rc = err_set(err, ERR_TOO_LARGE, "a %s more than %d nodes is given up",
                     alone ? "path that looks at" : "template whose paths look at",
                     alone ? MAX_PATH_VISITS : MAX_TEMPLATE_VISITS);
    snprintf(err->name, sizeof err->name, "States.Runtime");
    return rc;
}

/* One step as Jayway writes it: ['a'], [0], [1:], [*], [?], .. */
static size_t fragment(const struct path_step *s, char *out, size_t size)
{
    int n = 0;

    switch (s->op) {
    case OP_NAMES:
        for (size_t k = 0; k < s->count && n >= 0 && (size_t)n < size; k++)
            n += snprintf(out + n, size - (size_t)n, "%s'%s'%s", k == 0 ? "[" : ", ", s->names[k],
                          k + 1 == s->count ? "]" : "");
        break;
    case OP_INDEXES:
        for (size_t k = 0; k < s->count && n >= 0 && (size_t)n < size; k++)
            n += snprintf(out + n, size - (size_t)n, "%s%s%lld%s", k == 0 ? "[" : ",",
                          s->from_end ? "@.size()-" : "", (long long)s->indexes[k],
                          k + 1 == s->count ? "]" : "");
        break;
    case OP_SLICE:
        if (s->has_from && s->has_to)
            n = snprintf(out, size, "[%lld:%lld]", (long long)s->from, (long long)s->to);
        else
            n = snprintf(out, size, s->has_from ? "[%lld:]" : "[:%lld]",
                         (long long)(s->has_from ? s->from : s->to));
        break;
    case OP_ALL:
        n = snprintf(out, size, "[*]");
        break;
    case OP_FILTER:
        n = snprintf(out, size, "[?]");
        break;
    case OP_SCAN:
        n = snprintf(out, size, "..");
        break;
    }
    return n < 0 ? 0 : (size_t)n >= size ? size - 1 : (size_t)n;
}

/* The steps from `from` on. */
static const char *steps_text(const struct walker *w, const char *begin, size_t from, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s", begin);

    for (size_t i = from; i < w->p->count && n + 1 < size; i++)
        n += fragment(&w->p->steps[i], out + n, size - n);
    return out;
}

/* $['a'][0]: recursion is bounded by the depth of the value. */
static size_t place(const struct trail *t, char *out, size_t size)
{
    size_t n;

    if (t == NULL)
        return (size_t)snprintf(out, size, "$");
    n = place(t->before, out, size);
    if (n >= size)
        return n;
    return n + (size_t)(t->name != NULL ? snprintf(out + n, size - n, "['%s']", t->name)
                                        : snprintf(out + n, size - n, "[%lld]", (long long)t->index));
}

/* Nothing is there: a name in something that is no object, or in an object that lacks it. */
static int miss(struct walker *w, size_t i, const json_t *model)
{
    const struct trail there = {w->at, w->p->steps[i].names[0], 0};
    char at[300], name[100];

    if (w->r->why == NULL)
        return WALK_MISS;
    place(json_is_object(model) ? &there : w->at, at, sizeof at);
    if (json_is_object(model)) {
        snprintf(w->r->why, w->r->why_size,
                 i + 1 < w->p->count ? "Missing property in path %s" : "No results for path: %s", at);
    } else {
        fragment(&w->p->steps[i], name, sizeof name);
        snprintf(w->r->why, w->r->why_size, "Property %s not found in path %s", name, at);
    }
    return WALK_MISS;
}

/* A step that cannot be applied to what is there: the path is wrong for this input, which is no miss. */
static int unfit(struct walker *w, size_t i, const json_t *model, const char *fmt, struct err *err)
{
    char step[200];
    /* one text, not one for each item of a filter around */
    bool bare = json_is_string(model) && i > 0 && w->p->steps[i - 1].op == OP_NAMES;
    char *text = w->r->why == NULL ? xstrdup("...")
                 : bare            ? xstrdup(json_string_value(model))
                                   : json_text(model);
    int rc = err_set(err, ERR_RUNTIME, "Filter: %s %s. Current context is: %.500s",
                     steps_text(w, "", i, step, sizeof step), fmt, text);

    free(text);
    return rc;
}

/* A node was reached by step i, under a name or index: a result, or where the rest begins. NULL: past the end of an array, a
 * null. */
static int arrive(struct walker *w, size_t i, const json_t *node, const char *name, int64_t index,
                  struct err *err)
{
    struct trail t = {w->at, name, index};
    int rc;

    if (i + 1 < w->p->count) {
        w->at = &t;
        rc = walk(w, i + 1, node, err);
        w->at = t.before;
        return rc;
    }
    if (node == NULL) {
        w->r->past_end = true;
        json_array_append_new(w->results, json_null());
    } else {
        json_array_append(w->results, (json_t *)(uintptr_t)node);
    }
    return WALK_ON;
}

static const json_t *nothing(const json_t *v)
{
    return json_is_null(v) ? NULL : v;
}

/* A member that is null is nothing to what follows: not so an element of an array. */
static const json_t *inner(const struct walker *w, size_t i, const json_t *v)
{
    return i + 1 < w->p->count ? nothing(v) : v;
}

static int walk_names(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const struct path_step *s = &w->p->steps[i];
    json_t *merged, *v;
    int rc = WALK_ON;

    if (!json_is_object(model))
        return miss(w, i, model);
    if (s->count == 1) {
        if ((v = json_object_get(model, s->names[0])) != NULL)
            return arrive(w, i, inner(w, i, v), s->names[0], 0, err);
        return s->demanding || w->r->strict ? miss(w, i, model) : WALK_ON;
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

/* NULL: outside. An index below 0 is, too. */
static const json_t *element(const json_t *array, int64_t index)
{
    return index < 0 ? NULL : json_array_get(array, (size_t)index);
}

static int walk_numbers(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const struct path_step *s = &w->p->steps[i];
    int64_t n = (int64_t)json_array_size(model), from = s->from, to = s->to;
    char at[300];
    int rc = WALK_ON;

    if (model == NULL) {
        if (w->r->why != NULL) {
            place(w->at, at, sizeof at);
            snprintf(w->r->why, w->r->why_size, "The path %s is null", at);
        }
        return WALK_MISS;
    }
    if (!json_is_array(model))
        return unfit(w, i, model, "can only be applied to arrays", err);
    if (s->op == OP_INDEXES) {
        for (size_t k = 0; k < s->count && rc == WALK_ON; k++) {
            int64_t at_k = s->from_end ? n - s->indexes[k] : s->indexes[k];
            rc = arrive(w, i, element(model, at_k), NULL, at_k, err);
        }
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
    if (n == 0)
        to = from;
    for (int64_t k = from; k < to && rc == WALK_ON; k++)
        if ((rc = path_visit(w->r, err)) == 0)
            rc = arrive(w, i, element(model, k), NULL, k, err);
    return rc;
}

static int walk_all(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    const char *key;
    json_t *v;
    size_t k;
    int rc = WALK_ON;

    json_object_foreach((json_t *)(uintptr_t)model, key, v) {
        if ((rc = path_visit(w->r, err)) < 0 || (rc = arrive(w, i, inner(w, i, v), key, 0, err)) != WALK_ON)
            return rc;
    }
    json_array_foreach(model, k, v) {
        if ((rc = path_visit(w->r, err)) < 0)
            return rc;
        rc = arrive(w, i, v, NULL, (int64_t)k, err);
        if (rc < 0 || (rc == WALK_MISS && w->r->strict))
            return rc;
    }
    return WALK_ON;
}

/* Like arrive, where a step leads nowhere else. */
static int stay(struct walker *w, size_t i, const json_t *node, struct err *err)
{
    if (i + 1 < w->p->count)
        return walk(w, i + 1, node, err);
    json_array_append(w->results, (json_t *)(uintptr_t)node);
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
        return rc > 0 ? stay(w, i, model, err) : rc;
    }
    if (!json_is_array(model))
        return unfit(w, i, model, "can not be applied to primitives", err);
    json_array_foreach(model, k, v) {
        if ((rc = path_accepts(w->r, s->test, v, err)) < 0)
            return rc;
        if (rc > 0 && (rc = arrive(w, i, v, NULL, (int64_t)k, err)) != WALK_ON)
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
        for (size_t k = 0; k < s->count; k++)
            if (json_object_get(model, s->names[k]) == NULL)
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

/* What follows the next step is asked of each element of an array, as Jayway does it: $..[0].x finds the x of all. */
static int walk_elements(struct walker *w, size_t i, const json_t *array, struct err *err)
{
    int rc = WALK_ON;

    for (size_t k = 0; k < json_array_size(array) && rc == WALK_ON; k++) {
        struct trail t = {w->at, NULL, (int64_t)k};
        w->at = &t;
        rc = walk(w, i + 1, nothing(json_array_get(array, k)), err);
        w->at = t.before;
    }
    return rc;
}

/* The node, then all that is under it. Bounded by the depth of the value. */
static int walk_scan(struct walker *w, size_t i, const json_t *model, struct err *err)
{
    struct trail t = {w->at, NULL, 0};
    const char *key;
    json_t *v;
    size_t k;
    int rc = path_visit(w->r, err);

    if (rc < 0 || (!json_is_object(model) && !json_is_array(model)))
        return rc;
    if ((rc = begins_at(w, &w->p->steps[i], model, err)) < 0)
        return rc;
    if (rc > 0 && (json_is_object(model) || i + 1 == w->p->count))
        rc = walk(w, i, model, err);
    else if (rc > 0)
        rc = walk_elements(w, i, model, err);
    w->at = &t;
    json_array_foreach(model, k, v) {
        t.index = (int64_t)k;
        if (rc == WALK_ON)
            rc = walk_scan(w, i, v, err);
    }
    json_object_foreach((json_t *)(uintptr_t)model, key, v) {
        t.name = key;
        if (rc == WALK_ON)
            rc = walk_scan(w, i, v, err);
    }
    w->at = t.before;
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

static int count_bytes(const char *p, size_t n, void *left)
{
    UNUSED(p);
    *(int64_t *)left -= (int64_t)n;
    return *(int64_t *)left > 0 ? 0 : -1;
}

/* A node may be found as often as a path likes, and what is found is text to whoever is next: bounded here, or ten million
 * times a long text are terabytes. */
static int spend_found(struct path_run *r, const json_t *found, struct err *err)
{
    int64_t most = r->left > 0 ? r->left * BYTES_PER_VISIT : 1, left = most;

    err_ignore(json_dump_callback(found, count_bytes, &left, JSON_COMPACT));
    return path_spend(r, (size_t)(most - left), err);
}

int path_run(struct path_run *r, const struct path_program *p, json_t **ret_owned, struct err *err)
{
    struct walker w = {.r = r, .p = p, .results = json_array()};
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
        rc = walk(&w, 0, p->root == ROOT_ITEM ? nothing(root) : root, err);
    r->root = outer;
    n = json_array_size(w.results);
    if ((rc == WALK_ON && p->definite && n == 0) || root == NULL) {
        rc = WALK_MISS;
        if (r->why != NULL) {
            char all[300];
            snprintf(r->why, r->why_size, "No results for path: %s", steps_text(&w, "$", 0, all, sizeof all));
        }
    }
    if (rc == WALK_ON && !p->definite)
        rc = spend_found(r, w.results, err);
    if (rc == WALK_ON) {
        *ret_owned = p->definite ? json_incref(json_array_get(w.results, n - 1)) : json_incref(w.results);
        rc = PATH_FOUND;
    } else if (rc == WALK_MISS) {
        rc = PATH_MISSED;
    }
    json_decref(w.results);
    return rc;
}
