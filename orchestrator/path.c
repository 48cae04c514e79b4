#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "orchestrator/path_int.h"

enum step_kind { STEP_END, STEP_NAME, STEP_INDEX, STEP_BAD };

/* Walks a reference path; name and index are those of the last step. */
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

static enum step_kind bracket(struct walk *w)
{
    enum step_kind kind = STEP_NAME;
    int digits = 0;

    w->p++;
    if (*w->p == '\'' || *w->p == '"') {
        if (!quoted_name(&w->p, w->name))
            return STEP_BAD;
    } else {
        for (w->index = 0; is_digit(*w->p); w->p++)
            if (++digits <= 9)
                w->index = w->index * 10 + (size_t)(*w->p - '0');
        if (digits == 0 || digits > 9)
            return STEP_BAD;
        kind = STEP_INDEX;
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
    return *w->p == '[' ? bracket(w) : bare_name(w);
}

uint64_t scope_random(const struct scope *s)
{
    return random_next(s->random);
}

/* Bytes of the root: "$" 1, "$$" 2, "$name" more; 0: none of them. */
static size_t root_length(const char *path)
{
    size_t n = 1;

    if (path[0] != '$')
        return 0;
    if (path[1] == '$')
        return 2;
    for (; path_variable_char(path[n], n == 1); n++)
        ;
    return n;
}

static bool is_reference(const char *path, size_t root)
{
    struct walk w;
    enum step_kind k;

    walk_start(&w, path, root);
    while ((k = walk_next(&w)) != STEP_END && k != STEP_BAD)
        ;
    walk_end(&w);
    return k == STEP_END;
}

int path_check(const char *path, int *ret_marks, struct err *err)
{
    size_t root = root_length(path);
    struct path_program *program;
    struct path_code code;
    int rc;

    *ret_marks = 0;
    if (root > 0 && is_reference(path, root))
        return 1;
    path_code_init(&code);
    rc = path_compile(path, &code, &program, err);
    *ret_marks = path_code_marks(&code);
    path_code_release(&code);
    return rc;
}

int path_kind(const char *path, bool anywhere)
{
    int marks;
    struct err why;

    if (root_length(path) > 1 && !anywhere)
        return -1;
    int rc = path_check(path, &marks, &why);
    return rc < 0 ? -1 : rc;
}

static int bad_path(const char *path, struct err *err)
{
    return err_set(err, ERR_RUNTIME, "'%.200s' is no reference path: only names and indexes lead to one node",
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
        return bad_path(path, err);
    at = root_of(path, root, s);
    walk_start(&w, path, root);
    /* to the end even where nothing was found: a wrong path is wrong on every input */
    while ((k = walk_next(&w)) == STEP_NAME || k == STEP_INDEX)
        at = k == STEP_NAME ? json_object_get(at, w.name) : json_array_get(at, w.index);
    walk_end(&w);
    if (k != STEP_END)
        return bad_path(path, err);
    *ret_borrowed = (json_t *)(uintptr_t)at; /* jansson counts references through const */
    return at != NULL;
}

int64_t path_work(const struct scope *s)
{
    return s->work != NULL && *s->work < MAX_PATH_VISITS ? *s->work : MAX_PATH_VISITS;
}

void path_worked(const struct scope *s, int64_t given, int64_t left)
{
    if (s->work != NULL)
        *s->work -= given - (left > 0 ? left : 0);
}

int path_find(const char *path, const struct scope *s, json_t **ret_owned, struct err *err)
{
    const int64_t work = path_work(s);
    struct path_run run = {.scope = s, .root = s->input, .left = work};
    size_t root = root_length(path);
    struct path_program *program = NULL;
    struct path_code code;
    json_t *found = NULL;
    char why[600] = "";
    int rc;

    if (root > 0 && is_reference(path, root) && path_get(path, s, &found, err) > 0) {
        *ret_owned = json_incref(found); /* nearly all, at a fraction of the price */
        return 1;
    }
    run.why = why;
    run.why_size = sizeof why;
    path_code_init(&code);
    rc = path_compile(path, &code, &program, err);
    if (rc >= 0)
        rc = path_run(&run, program, ret_owned, err);
    path_worked(s, work, run.left);
    if (rc == PATH_MISSED)
        err_ignore(err_set(err, ERR_RUNTIME, "%s", why));
    else if (rc < 0)
        err_ignore(err_prefix(err, "Invalid path '%.200s' ", path));
    path_code_release(&code);
    return rc;
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
        return bad_path(path, err);
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
            rc = bad_path(path, err); /* a name that is no UTF-8 */
            break;
        }
        old = k == STEP_NAME ? json_object_get(old, w.name) : json_array_get(old, w.index);
        free(slot.name);
        slot = (struct slot){box, k == STEP_NAME ? xstrdup(w.name) : NULL, w.index};
    }
    if (rc == 0 && k != STEP_END)
        rc = bad_path(path, err);
    if (rc == 0 && slot_fill(&slot, &result, json_incref(value)) < 0)
        rc = bad_path(path, err);
    free(slot.name);
    walk_end(&w);
    if (rc < 0)
        json_decref(result);
    else
        *ret_owned = result;
    return rc;
}
