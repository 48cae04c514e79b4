#include "base/mem.h"
#include "orchestrator/path_int.h"

static int either(struct path_reader *r, struct path_test **ret, struct err *err);

static char here(const struct path_reader *r)
{
    return r->p < r->end ? *r->p : '\0';
}

static bool at(const struct path_reader *r, const char *s)
{
    size_t n = strlen(s);

    return (size_t)(r->end - r->p) >= n && memcmp(r->p, s, n) == 0;
}

static int bad(const struct path_reader *r, const char *why, struct err *err)
{
    return err_set(err, ERR_RUNTIME, "filter: %s, at '%.*s'", why,
                   (int)(r->end - r->p > 40 ? 40 : r->end - r->p), r->p);
}

static int unsupported(struct path_reader *r, const char *why, struct err *err)
{
    r->code->unsupported = true;
    return bad(r, why, err);
}

static struct path_test *new_test(struct path_reader *r, enum test_kind kind)
{
    struct path_test *t = arena_alloc(r->code->arena, sizeof *t);

    *t = (struct path_test){.kind = kind};
    return t;
}

/* Takes v. Borrowed from the code from then on. */
static const json_t *keep(struct path_reader *r, json_t *v)
{
    json_array_append_new(r->code->values, v);
    return v;
}

static int literal(struct path_reader *r, json_t **ret, struct err *err);

/* [ ... ] with quotes of either kind */
static int list(struct path_reader *r, json_t **ret, struct err *err)
{
    json_t *array = json_array(), *item = NULL;
    int rc = 0;

    r->p++;
    path_blanks(r);
    while (rc == 0 && here(r) != ']') {
        rc = literal(r, &item, err);
        if (rc == 0)
            json_array_append_new(array, item);
        path_blanks(r);
        if (rc == 0 && here(r) == ',') {
            r->p++;
            path_blanks(r);
            if (here(r) == ']')
                rc = bad(r, "a value is missing", err);
        } else if (rc == 0 && here(r) != ']') {
            rc = bad(r, "']' is missing", err);
        }
    }
    if (rc < 0) {
        json_decref(array);
        return rc;
    }
    r->p++;
    *ret = array;
    return 0;
}

/* A number, or an object: JSON as it stands. */
static int json_literal(struct path_reader *r, json_t **ret, struct err *err)
{
    bool object = here(r) == '{';
    size_t n = 0, room = (size_t)(r->end - r->p);
    bool quoted = false;
    int deep = 0;

    if (!object && here(r) != '-' && (here(r) < '0' || here(r) > '9'))
        return bad(r, "a value or a path is missing", err);
    if (!object)
        while (n < room && strchr("+-.0123456789eE", r->p[n]) != NULL)
            n++;
    for (; object && n < room; n++) {
        if (r->p[n] == '\\' && quoted)
            n++;
        else if (r->p[n] == '"')
            quoted = !quoted;
        else if (!quoted && (r->p[n] == '{' || r->p[n] == '}') && (deep += r->p[n] == '{' ? 1 : -1) == 0)
            break;
    }
    n += object;
    if (n > room || json_parse(r->p, n, "filter", ret, err) < 0)
        return bad(r, "this is no JSON value", err);
    r->p += n;
    return 0;
}

static int literal(struct path_reader *r, json_t **ret, struct err *err)
{
    char *text;
    int rc;

    if (here(r) == '\'' || here(r) == '"') {
        if ((rc = path_quoted(r, &text, err)) < 0)
            return rc;
        *ret = json_string(text);
        return *ret != NULL ? 0 : bad(r, "a string is no UTF-8", err);
    }
    if (here(r) == '[') {
        if (++r->deep > MAX_FILTER_DEPTH)
            return unsupported(r, "too deep", err);
        rc = list(r, ret, err);
        r->deep--;
        return rc;
    }
    if (at(r, "true") || at(r, "null")) {
        *ret = at(r, "true") ? json_true() : json_null();
        r->p += 4;
        return 0;
    }
    if (at(r, "false")) {
        *ret = json_false();
        r->p += 5;
        return 0;
    }
    return json_literal(r, ret, err);
}

static int pattern(struct path_reader *r, struct pattern **ret, struct err *err)
{
    const char *begin = ++r->p;
    size_t n;

    for (; here(r) != '/'; r->p++) {
        if (here(r) == '\\' && r->p + 1 < r->end)
            r->p++;
        if (r->p >= r->end)
            return err_set(err, ERR_RUNTIME, "filter: a pattern is not closed");
    }
    n = (size_t)(r->p - begin);
    r->p++;
    bool fold = here(r) == 'i';
    r->p += fold;
    int rc = pattern_compile(begin, n, fold, r->code->arena, ret, err);
    if (rc < 0)
        r->code->unsupported = true;
    return rc;
}

static int operand(struct path_reader *r, struct path_operand *o, struct err *err)
{
    json_t *v;
    int rc;

    *o = (struct path_operand){0};
    path_blanks(r);
    if (here(r) == '@' || here(r) == '$')
        return path_read(r, &o->path, err);
    if (here(r) == '/')
        return pattern(r, &o->pattern, err);
    if ((rc = literal(r, &v, err)) < 0)
        return rc;
    o->value = keep(r, v);
    return 0;
}

/* 1, and behind it; 0: none stands here. */
static int relation(struct path_reader *r, enum relation *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum relation relation;
    } signs[] = {{"===", REL_SAME}, {"!==", REL_NOT_SAME}, {"==", REL_EQ}, {"!=", REL_NE}, {"=~", REL_MATCH},
                 {"<=", REL_LE},    {">=", REL_GE},        {"<", REL_LT},  {">", REL_GT}},
      words[] = {{"in", REL_IN},           {"nin", REL_NIN},   {"contains", REL_CONTAINS},
                 {"all", REL_ALL},         {"size", REL_SIZE}, {"empty", REL_EMPTY},
                 {"subsetof", REL_SUBSET}, {"anyof", REL_ANY}, {"noneof", REL_NONE}};
    size_t n = 0;

    path_blanks(r);
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (at(r, signs[i].name)) {
            r->p += strlen(signs[i].name);
            *ret = signs[i].relation;
            return 1;
        }
    while (r->p + n < r->end && ((r->p[n] | 0x20) >= 'a' && (r->p[n] | 0x20) <= 'z'))
        n++;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i].name) == n && strncasecmp(r->p, words[i].name, n) == 0) {
            r->p += n;
            *ret = words[i].relation;
            return 1;
        }
    if ((n == 4 && strncasecmp(r->p, "type", n) == 0) || (n == 7 && strncasecmp(r->p, "matches", n) == 0))
        return unsupported(r, "this operator is not supported", err);
    return n == 0 ? 0 : bad(r, "unknown operator", err);
}

static int compare(struct path_reader *r, struct path_test **ret, struct err *err)
{
    struct path_test *t = *ret = new_test(r, TEST_RELATION);
    int rc = operand(r, &t->left, err);

    if (rc < 0 || (rc = relation(r, &t->relation, err)) < 0)
        return rc;
    if (rc > 0)
        return operand(r, &t->right, err);
    if (t->left.path == NULL)
        return bad(r, "a value needs an operator", err);
    t->kind = TEST_EXISTS;
    return 0;
}

static int unary(struct path_reader *r, struct path_test **ret, struct err *err)
{
    int rc;

    path_blanks(r);
    if (here(r) != '!' && here(r) != '(')
        return compare(r, ret, err);
    if (++r->deep > MAX_FILTER_DEPTH)
        return unsupported(r, "too deep", err);
    if (here(r) == '!') {
        r->p++;
        *ret = new_test(r, TEST_NOT);
        rc = unary(r, &(*ret)->first, err);
    } else {
        r->p++;
        rc = either(r, ret, err);
        path_blanks(r);
        if (rc >= 0 && here(r) != ')')
            return bad(r, "')' is missing", err);
        r->p++;
    }
    r->deep--;
    return rc;
}

/* a && b && c, or with "||": one test over a list. */
static int chain(struct path_reader *r, const char *sign, enum test_kind kind,
                 int (*part)(struct path_reader *r, struct path_test **ret, struct err *err),
                 struct path_test **ret, struct err *err)
{
    struct path_test *all = NULL, *last;
    int rc;

    *ret = NULL;
    rc = part(r, ret, err);

    for (last = *ret; rc >= 0; last = last->next) {
        path_blanks(r);
        if (!at(r, sign))
            break;
        r->p += 2;
        if (all == NULL) {
            all = new_test(r, kind);
            all->first = last;
            *ret = all;
        }
        rc = part(r, &last->next, err);
    }
    return rc;
}

static int both(struct path_reader *r, struct path_test **ret, struct err *err)
{
    return chain(r, "&&", TEST_EVERY, unary, ret, err);
}

static int either(struct path_reader *r, struct path_test **ret, struct err *err)
{
    return chain(r, "||", TEST_ANY, both, ret, err);
}

int path_filter(struct path_reader *r, struct path_test **ret, struct err *err)
{
    int rc;

    path_blanks(r);
    if (here(r) != '(')
        return bad(r, "'(' is missing", err);
    if (++r->deep > MAX_FILTER_DEPTH)
        return unsupported(r, "too deep", err);
    r->p++;
    if ((rc = either(r, ret, err)) < 0)
        return rc;
    path_blanks(r);
    if (here(r) != ')')
        return bad(r, "')' is missing", err);
    r->p++;
    path_blanks(r);
    if (here(r) != ']')
        return bad(r, "']' is missing", err);
    r->p++;
    r->deep--;
    return 0;
}
