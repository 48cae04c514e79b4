#include "base/mem.h"
#include "orchestrator/path_int.h"

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

/* 'text': only the quote itself is escaped. */
static int quoted(struct path_reader *r, const char **ret, struct err *err)
{
    const char *begin = ++r->p;
    char *out, *o;

    while (here(r) != '\'' && r->p < r->end)
        r->p += at(r, "\\'") ? 2 : 1;
    if (r->p >= r->end)
        return err_set(err, ERR_RUNTIME, "filter: a quote is not closed");
    *ret = out = o = arena_alloc(r->code->arena, (size_t)(r->p - begin) + 1);
    for (const char *p = begin; p < r->p; p++) {
        p += p[0] == '\\' && p[1] == '\'';
        *o++ = *p;
    }
    *o = '\0';
    r->p++;
    return 0;
}

static int pattern(struct path_reader *r, struct path_test *t, struct err *err)
{
    const char *begin = ++r->p;

    for (; here(r) != '/'; r->p++) {
        r->p += here(r) == '\\';
        if (r->p >= r->end)
            return err_set(err, ERR_RUNTIME, "filter: a pattern is not closed");
    }
    size_t n = (size_t)(r->p++ - begin);
    bool fold = here(r) == 'i';
    r->p += fold;
    int rc = pattern_compile(begin, n, fold, r->code->arena, &t->pattern, err);
    r->code->unsupported = r->code->unsupported || rc < 0;
    r->code->doubtful = true;
    return rc;
}

/* A number, true, null, or a text without quotes: all of them are texts. */
static int word(struct path_reader *r, const char **ret, struct err *err)
{
    const char *begin = r->p;

    while (r->p < r->end && (unsigned char)*r->p > ' ' && strchr("()[]{}'\"&|<>=!~,", *r->p) == NULL)
        r->p++;
    if (r->p == begin)
        return bad(r, "a value or a path is missing", err);
    *ret = arena_strndup(r->code->arena, begin, (size_t)(r->p - begin));
    return 0;
}

static int right_side(struct path_reader *r, struct path_test *t, struct err *err)
{
    int rc;

    path_blanks(r);
    if ((here(r) == '/') != (t->relation == REL_MATCH))
        return bad(r, "=~ takes a /pattern/, and nothing else does", err);
    if (here(r) == '/')
        return pattern(r, t, err);
    if (here(r) == '\'')
        return quoted(r, &t->text, err);
    if (here(r) == '"')
        return unsupported(r, "on AWS a text in double quotes equals nothing; write '...'", err);
    if (here(r) != '@' && here(r) != '$')
        return word(r, &t->text, err);
    if ((rc = path_read(r, &t->right, err)) < 0)
        return rc;
    return t->right->definite ? 0 : bad(r, "a path in a filter may find one node only", err);
}

static bool relation(struct path_reader *r, enum relation *ret)
{
    static const struct {
        const char *name;
        enum relation relation;
    } signs[] = {{"==", REL_EQ}, {"!=", REL_NE}, {"=~", REL_MATCH}, {"<=", REL_LE},
                 {">=", REL_GE}, {"<", REL_LT},  {">", REL_GT}};

    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (at(r, signs[i].name)) {
            r->p += strlen(signs[i].name);
            *ret = signs[i].relation;
            return true;
        }
    return false;
}

/* @.a == 'x', @.a, !@.a */
static int comparison(struct path_reader *r, struct path_test **ret, struct err *err)
{
    struct path_test *t = *ret = arena_alloc(r->code->arena, sizeof *t);
    bool absent = here(r) == '!';
    int rc;

    *t = (struct path_test){.relation = absent ? REL_ABSENT : REL_EXISTS};
    r->p += absent;
    if (here(r) == '(' || here(r) == '!')
        return unsupported(r, "'!' stands before a path only", err);
    if (here(r) != '@' && here(r) != '$')
        return unsupported(r, "the left side of a comparison is a path", err);
    if ((rc = path_read(r, &t->left, err)) < 0)
        return rc;
    if (!t->left->definite)
        return bad(r, "a path in a filter may find one node only", err);
    r->code->doubtful = r->code->doubtful || t->left->count == 0;
    path_blanks(r);
    if (!relation(r, &t->relation))
        return 0;
    if (absent)
        return unsupported(r, "'!' asks whether something is not there, and compares nothing", err);
    return right_side(r, t, err);
}

/* Parentheses mean nothing to Jayway: they may stand around one comparison, or around all. */
int path_filter(struct path_reader *r, struct path_test **ret, struct err *err)
{
    struct path_test *last = NULL, *t = NULL;
    int open = 0, level = 0, rc;
    bool both = false;

    if (++r->deep > MAX_FILTER_DEPTH)
        return unsupported(r, "too deep", err);
    for (;;) {
        for (path_blanks(r); here(r) == '('; path_blanks(r)) {
            r->p++;
            open++;
        }
        if (open == 0)
            return bad(r, "'(' is missing", err);
        if ((rc = comparison(r, &t, err)) < 0)
            return rc;
        t->before = last;
        t->both = both;
        last = t;
        for (path_blanks(r); here(r) == ')' && open > 0; path_blanks(r)) {
            r->p++;
            open--;
        }
        if (open == 0)
            break;
        if (!at(r, "&&") && !at(r, "||"))
            return bad(r, "')' or an operator is missing", err);
        if (level != 0 && level != open)
            return unsupported(r, "AWS does not heed these parentheses", err);
        level = open;
        both = here(r) == '&';
        r->p += 2;
    }
    if (here(r) != ']')
        return bad(r, "']' is missing", err);
    r->p++;
    r->deep--;
    *ret = last;
    return 0;
}
