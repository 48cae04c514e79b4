#include "orchestrator/path.h"
#include "base/limits.h"
#include "base/mem.h"

enum step_kind { STEP_END, STEP_NAME, STEP_INDEX, STEP_FULL, STEP_BAD };

/* Walks a path; name and index are those of the last step. */
struct walk {
    const char *p;
    char *name; /* owned: room for the longest name of this path */
    size_t index;
    int steps;
};

static void walk_start(struct walk *w, const char *path, size_t skip)
{
    *w = (struct walk){path + skip, xmalloc(strlen(path) + 1), 0, 0};
}

static void walk_end(struct walk *w)
{
    free(w->name);
    w->name = NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters of any script, '_', and but for the first, digits. */
static bool is_variable_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80 ||
           (!first && is_digit(c));
}

/* .name with '\' before characters that would end it. */
static enum step_kind bare_name(struct walk *w)
{
    size_t n = 0;

    for (; *w->p != '\0' && *w->p != '.' && *w->p != '['; w->p++) {
        if (*w->p == '\\' && w->p[1] != '\0')
            w->p++;
        else if ((unsigned char)*w->p <= ' ' || *w->p == 0x7f || strchr("()]*'\",?\\", *w->p) != NULL)
            return STEP_BAD;
        w->name[n++] = *w->p;
    }
    w->name[n] = '\0';
    return n > 0 ? STEP_NAME : STEP_BAD;
}

/* A quoted name at *p, which is the quote; *p goes behind the closing one. */
static bool quoted_name(const char **p, char *name)
{
    char quote = *(*p)++;
    size_t n = 0;

    for (; **p != quote; (*p)++) {
        if (**p == '\\' && (*p)[1] != '\0')
            (*p)++;
        if (**p == '\0')
            return false;
        name[n++] = **p;
    }
    (*p)++;
    name[n] = '\0';
    return true;
}

/* [?( ... )]: only its end is looked for; filters are not evaluated. */
static enum step_kind filter(struct walk *w)
{
    int deep = 0;

    for (; *w->p != '\0'; w->p++) {
        if (*w->p == '\'' || *w->p == '"') {
            if (!quoted_name(&w->p, w->name))
                return STEP_BAD;
            w->p--;
        } else if (*w->p == '(' || *w->p == '[') {
            deep++;
        } else if (*w->p == ')' || *w->p == ']') {
            if (deep-- == 0)
                break;
        }
    }
    if (*w->p != ']')
        return STEP_BAD;
    w->p++;
    return STEP_FULL;
}

static enum step_kind bracket(struct walk *w)
{
    enum step_kind kind = STEP_NAME;

    w->p++;
    if (*w->p == '?')
        return filter(w);
    if (*w->p == '*') {
        w->p++;
        kind = STEP_FULL;
    } else if (*w->p == '\'' || *w->p == '"') {
        if (!quoted_name(&w->p, w->name))
            return STEP_BAD;
        while (*w->p == ',') {
            kind = STEP_FULL;
            w->p++;
            if ((*w->p != '\'' && *w->p != '"') || !quoted_name(&w->p, w->name))
                return STEP_BAD;
        }
    } else {
        int digits = 0, others = 0;
        for (w->index = 0; is_digit(*w->p) || (*w->p != '\0' && strchr(":,-", *w->p) != NULL); w->p++) {
            if (!is_digit(*w->p))
                others++;
            else if (++digits <= 9)
                w->index = w->index * 10 + (size_t)(*w->p - '0');
        }
        if (digits + others == 0 || (others == 0 && digits > 9) || (digits == 0 && w->p[-1] != ':'))
            return STEP_BAD;
        kind = others > 0 ? STEP_FULL : STEP_INDEX;
    }
    if (*w->p != ']')
        return STEP_BAD;
    w->p++;
    return kind;
}

static enum step_kind walk_next(struct walk *w)
{
    if (*w->p == '\0')
        return STEP_END;
    if (++w->steps > MAX_JSON_DEPTH)
        return STEP_BAD; /* deeper than any value can be */
    if (*w->p == '[')
        return bracket(w);
    if (*w->p != '.')
        return STEP_BAD;
    w->p++;
    if (*w->p == '.') { /* deep scan: a name, '*' or a bracket follows */
        w->p++;
        if (*w->p != '*' && *w->p != '[')
            return bare_name(w) == STEP_NAME ? STEP_FULL : STEP_BAD;
        if (*w->p == '[')
            return bracket(w) == STEP_BAD ? STEP_BAD : STEP_FULL;
    }
    if (*w->p == '*') {
        w->p++;
        return STEP_FULL;
    }
    return bare_name(w);
}

/* splitmix64: a step of a counter, then mixed. */
uint64_t scope_random(const struct scope *s)
{
    uint64_t z = *s->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Bytes of the root: "$" 1, "$$" 2, "$name" more; 0: none of them. */
static size_t root_length(const char *path)
{
    size_t n = 1;

    if (path[0] != '$')
        return 0;
    if (path[1] == '$')
        return 2;
    for (; is_variable_char(path[n], n == 1); n++)
        ;
    return n;
}

int path_kind(const char *path, bool anywhere)
{
    size_t root = root_length(path);
    struct walk w;
    enum step_kind k;
    int kind = 1;

    if (root == 0 || (root > 1 && !anywhere))
        return -1;
    walk_start(&w, path, root);
    while ((k = walk_next(&w)) != STEP_END && k != STEP_BAD)
        if (k == STEP_FULL)
            kind = 0;
    walk_end(&w);
    return k == STEP_BAD ? -1 : kind;
}

static int bad_path(const char *path, enum step_kind k, struct err *err)
{
    return err_set(err, ERR_RUNTIME,
                   k == STEP_FULL ? "'%.200s' is no reference path: only names and indexes are supported"
                                  : "'%.200s' is not a path",
                   path);
}

/* What the root of a path stands for; NULL: there is none. */
static const json_t *root_of(const char *path, size_t n, const struct scope *s)
{
    if (n == 1)
        return s->input;
    if (path[1] == '$')
        return s->context;
    char *name = xstrndup(path + 1, n - 1);
    const json_t *v = json_object_get(s->vars, name);
    free(name);
    return v;
}

int path_get(const char *path, const struct scope *s, json_t **ret_borrowed, struct err *err)
{
    size_t root = root_length(path);
    const json_t *at;
    struct walk w;
    enum step_kind k;

    *ret_borrowed = NULL;
    if (root == 0)
        return bad_path(path, STEP_BAD, err);
    at = root_of(path, root, s);
    walk_start(&w, path, root);
    /* to the end even where nothing was found: a wrong path is wrong on every input */
    while ((k = walk_next(&w)) == STEP_NAME || k == STEP_INDEX)
        at = k == STEP_NAME ? json_object_get(at, w.name) : json_array_get(at, w.index);
    walk_end(&w);
    if (k != STEP_END)
        return bad_path(path, k, err);
    *ret_borrowed = (json_t *)(uintptr_t)at; /* jansson counts references through const */
    return at != NULL;
}

static int no_match(const char *path, const json_t *root, const char *why, struct err *err)
{
    char *text = json_text(root);

    err_set(err, ERR_RUNTIME, "Unable to apply Reference Path %.200s to input %.600s: %s", path, text, why);
    snprintf(err->name, sizeof err->name, "States.ResultPathMatchFailure");
    free(text);
    return -(int)err->code;
}

/* Where the next container goes: into parent, under name or at index; parent NULL is the root itself. */
struct slot {
    json_t *parent; /* borrowed: part of the result */
    char *name;     /* owned; NULL: an index */
    size_t index;
};

/* Takes value. */
static int slot_fill(struct slot *s, json_t **root, json_t *value)
{
    if (s->parent == NULL) {
        *root = value;
        return 0;
    }
    return s->name != NULL ? json_object_set_new(s->parent, s->name, value)
                           : json_array_set_new(s->parent, s->index, value);
}

/* The container for one step: a copy of what is there, or a new object where nothing is; NULL: it does not
 * fit. */
static json_t *container_for(const json_t *old, enum step_kind k, const struct walk *w)
{
    if (k == STEP_NAME && old == NULL)
        return json_object();
    if (k == STEP_NAME ? json_is_object(old) : json_is_array(old) && w->index < json_array_size(old))
        return json_copy((json_t *)(uintptr_t)old);
    return NULL;
}

int path_put(const char *path, const json_t *root, json_t *value, json_t **ret_owned, struct err *err)
{
    struct slot slot = {0};
    json_t *result = NULL;
    const json_t *old = root;
    struct walk w;
    enum step_kind k;
    int rc = 0;

    if (root_length(path) != 1)
        return bad_path(path, STEP_BAD, err);
    walk_start(&w, path, 1);
    while ((k = walk_next(&w)) == STEP_NAME || k == STEP_INDEX) {
        json_t *box = container_for(old, k, &w);
        if (box == NULL) {
            rc = no_match(path, root,
                          k == STEP_NAME ? "a name needs an object" : "an index needs an array that long",
                          err);
            break;
        }
        if (slot_fill(&slot, &result, box) < 0) {
            rc = bad_path(path, STEP_BAD, err); /* a name that is no UTF-8 */
            break;
        }
        old = k == STEP_NAME ? json_object_get(old, w.name) : json_array_get(old, w.index);
        free(slot.name);
        slot = (struct slot){box, k == STEP_NAME ? xstrdup(w.name) : NULL, w.index};
    }
    if (rc == 0 && k != STEP_END)
        rc = bad_path(path, k, err);
    if (rc == 0 && slot_fill(&slot, &result, json_incref(value)) < 0)
        rc = bad_path(path, STEP_BAD, err);
    free(slot.name);
    walk_end(&w);
    if (rc < 0)
        json_decref(result);
    else
        *ret_owned = result;
    return rc;
}

static int template_value(const char *key, const char *path, const struct scope *s, json_t **ret_owned,
                          struct err *err)
{
    json_t *found;
    int rc = path_get(path, s, &found, err);

    if (rc == 0) {
        char *text = json_text(path[1] == '$' ? s->context : s->input);
        err_set(err, ERR_RUNTIME,
                "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", path,
                key, text);
        snprintf(err->name, sizeof err->name, "States.ParameterPathFailure");
        free(text);
        return -(int)err->code;
    }
    if (rc > 0)
        *ret_owned = json_incref(found);
    return rc;
}

static int template_object(const json_t *template, const struct scope *s, json_t **ret_owned, struct err *err)
{
    json_t *object = json_object(), *item, *made = NULL;
    const char *key;
    int rc = 0;

    json_object_foreach((json_t *)(uintptr_t) template, key, item) {
        if (str_ends(key, ".$") && json_is_string(item)) {
            char *stripped = xstrndup(key, strlen(key) - 2);
            rc = template_value(key, json_string_value(item), s, &made, err);
            if (rc >= 0)
                json_object_set_new(object, stripped, made);
            free(stripped);
        } else {
            rc = template_apply(item, s, &made, err);
            if (rc >= 0)
                json_object_set_new(object, key, made);
        }
        if (rc < 0)
            break;
    }
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    *ret_owned = object;
    return 0;
}

/* Recursion is bounded: a template is part of a definition, nested at most MAX_JSON_DEPTH deep. */
int template_apply(const json_t *template, const struct scope *s, json_t **ret_owned, struct err *err)
{
    json_t *array, *item, *made;
    size_t i;

    if (json_is_object(template))
        return template_object(template, s, ret_owned, err);
    if (!json_is_array(template)) {
        *ret_owned = json_incref((json_t *)(uintptr_t) template);
        return 0;
    }
    array = json_array();
    json_array_foreach(template, i, item) {
        int rc = template_apply(item, s, &made, err);
        if (rc < 0) {
            json_decref(array);
            return rc;
        }
        json_array_append_new(array, made);
    }
    *ret_owned = array;
    return 0;
}
