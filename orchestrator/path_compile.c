#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/path_int.h"

void path_code_init(struct path_code *c)
{
    *c = (struct path_code){.arena = arena_new()};
}

void path_code_release(struct path_code *c)
{
    arena_free(c->arena);
}

int path_code_marks(const struct path_code *c)
{
    return (c->unsupported ? PATH_UNSUPPORTED : 0) | (c->doubtful ? PATH_DOUBTFUL : 0) |
           (c->outside ? PATH_OUTSIDE : 0);
}

void path_blanks(struct path_reader *r)
{
    while (r->p < r->end && memchr(" \t\r\n", *r->p, 4) != NULL)
        r->p++;
}

static char here(const struct path_reader *r)
{
    return r->p < r->end ? *r->p : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool path_variable_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80 ||
           (!first && is_digit(c));
}

static int bad(const struct path_reader *r, const char *why, struct err *err)
{
    return err_set(err, ERR_RUNTIME, "%s, at '%.*s'", why, (int)(r->end - r->p > 40 ? 40 : r->end - r->p),
                   r->p);
}

/* n bytes at r->p, of which a '\' only makes the next one literal. */
static char *unescaped(struct path_reader *r, size_t n)
{
    char *out = arena_alloc(r->code->arena, n + 1), *o = out;

    for (size_t i = 0; i < n; i++) {
        i += r->p[i] == '\\' && i + 1 < n;
        *o++ = r->p[i];
    }
    *o = '\0';
    return out;
}

int path_quoted(struct path_reader *r, char **ret, struct err *err)
{
    char quote = *r->p++;
    size_t n = 0, room = (size_t)(r->end - r->p);

    while (n < room && r->p[n] != quote)
        n += r->p[n] == '\\' ? 2 : 1;
    if (n >= room)
        return err_set(err, ERR_RUNTIME, "a quote is not closed");
    *ret = unescaped(r, n);
    r->p += n + 1;
    return 0;
}

/* Right on AWS, or so it seems, and wrong here. */
static int unsupported(struct path_reader *r, const char *why, struct err *err)
{
    r->code->unsupported = true;
    return bad(r, why, err);
}

static void set_names(struct path_reader *r, struct path_step *s, char *const *names, size_t count)
{
    s->op = OP_NAMES;
    s->count = count;
    s->names = arena_alloc(r->code->arena, count * sizeof *names);
    memcpy(s->names, names, count * sizeof *names);
}

/* .name, with '\' before characters that would end it. Within a filter its operators end it as well. */
static int bare_name(struct path_reader *r, struct path_step *s, struct err *err)
{
    const char *stop = r->deep > 0 ? ".[()]*'\",?<>=~!&|" : ".[()]*'\",?";
    size_t n = 0, room = (size_t)(r->end - r->p);
    char *name;

    while (n < room && (unsigned char)r->p[n] > ' ' && r->p[n] != 0x7f && strchr(stop, r->p[n]) == NULL) {
        if (r->p[n] == '\\' && n + 1 == room)
            return bad(r, "nothing follows the backslash", err);
        n += r->p[n] == '\\' ? 2 : 1;
    }
    if (n == 0)
        return bad(r, "a name is missing", err);
    name = unescaped(r, n);
    r->p += n;
    if (here(r) == '(')
        r->code->unsupported = true;
    if (here(r) == '(')
        return err_set(err, ERR_RUNTIME,
                       "'%.40s()': a path has no functions; States.ArrayLength and its like are intrinsics",
                       name);
    set_names(r, s, &name, 1);
    return 0;
}

/* ['a'] or ['a','b'] */
static int quoted_names(struct path_reader *r, struct path_step *s, struct err *err)
{
    char *names[MAX_PATH_UNION];
    size_t n = 0;
    int rc;

    for (;;) {
        path_blanks(r);
        if (here(r) != '\'' && here(r) != '"')
            return bad(r, "a quoted name is missing", err);
        if (n == MAX_PATH_UNION)
            return unsupported(r, "too many names in one pair of brackets", err);
        if ((rc = path_quoted(r, &names[n++], err)) < 0)
            return rc;
        path_blanks(r);
        if (here(r) != ',')
            break;
        r->p++;
    }
    set_names(r, s, names, n);
    return 0;
}

/* A whole number of at most nine digits, or none (0). */
static int integer(struct path_reader *r, int64_t *ret, struct err *err)
{
    bool minus = here(r) == '-';
    int digits = 0;

    *ret = 0;
    r->p += minus;
    for (; is_digit(here(r)); r->p++) {
        *ret = *ret * 10 + (*r->p - '0');
        if (++digits > 9)
            return bad(r, "an index has nine digits at most", err);
    }
    if (minus && digits == 0)
        return bad(r, "a number is missing", err);
    *ret = minus ? -*ret : *ret;
    return digits > 0;
}

/* What follows a number and ':'. */
static int slice(struct path_reader *r, struct path_step *s, struct err *err)
{
    int rc;

    s->op = OP_SLICE;
    r->p++;
    path_blanks(r);
    if ((rc = integer(r, &s->to, err)) < 0)
        return rc;
    s->has_to = rc > 0;
    path_blanks(r);
    if (here(r) == ':')
        return unsupported(r, "a slice has no step", err);
    return s->has_from || s->has_to ? 0 : bad(r, "a slice needs a beginning or an end", err);
}

/* [n], [n,m], [a:b] */
static int numbers(struct path_reader *r, struct path_step *s, struct err *err)
{
    int64_t found[MAX_PATH_UNION];
    size_t n = 0;
    int rc;

    for (;;) {
        path_blanks(r);
        if (n == MAX_PATH_UNION)
            return unsupported(r, "too many indexes in one pair of brackets", err);
        if ((rc = integer(r, &found[n], err)) < 0)
            return rc;
        path_blanks(r);
        if (here(r) == ':' && n == 0) {
            s->has_from = rc > 0;
            s->from = found[0];
            return slice(r, s, err);
        }
        if (rc == 0)
            return bad(r, "a name, an index, '*' or a filter is missing", err);
        r->code->outside = r->code->outside || found[n] < 0;
        n++;
        if (here(r) != ',')
            break;
        r->p++;
    }
    s->op = OP_INDEXES;
    s->count = n;
    s->indexes = arena_alloc(r->code->arena, n * sizeof *found);
    memcpy(s->indexes, found, n * sizeof *found);
    return 0;
}

static bool skip(struct path_reader *r, const char *word)
{
    size_t n = strlen(word);

    path_blanks(r);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return false;
    r->p += n;
    return true;
}

/* [(@.length - n)], or @.size(): counted from the end. */
static int from_end(struct path_reader *r, struct path_step *s, struct err *err)
{
    int64_t n = 0;
    int rc = 0;

    r->p++;
    if (skip(r, "@.") && (skip(r, "length") || skip(r, "size()")) && skip(r, "-")) {
        path_blanks(r);
        rc = integer(r, &n, err);
    }
    if (rc <= 0 || n <= 0 || !skip(r, ")"))
        return rc < 0 ? rc : bad(r, "[( takes (@.length - 1) and its like only", err);
    s->op = OP_INDEXES;
    s->count = 1;
    s->from_end = true;
    s->indexes = arena_alloc(r->code->arena, sizeof *s->indexes);
    s->indexes[0] = n;
    return 0;
}

static int bracket(struct path_reader *r, struct path_step *s, struct err *err)
{
    int rc = 0;

    r->p++;
    path_blanks(r);
    if (here(r) == '?') {
        r->p++;
        s->op = OP_FILTER;
        return path_filter(r, &s->test, err);
    }
    if (here(r) == '*') {
        r->p++;
        s->op = OP_ALL;
    } else if (here(r) == '\'' || here(r) == '"') {
        rc = quoted_names(r, s, err);
    } else if (here(r) == '(') {
        rc = from_end(r, s, err);
    } else {
        rc = numbers(r, s, err);
    }
    if (rc < 0)
        return rc;
    path_blanks(r);
    if (here(r) != ']')
        return bad(r, "']' is missing", err);
    r->p++;
    return 0;
}

/* One step, or two: ".." and what it looks for. */
static int next_step(struct path_reader *r, struct path_program *p, struct err *err)
{
    struct path_step *s = &p->steps[p->count++];

    *s = (struct path_step){.op = OP_NAMES};
    if (*r->p == '.') {
        r->p++;
        if (here(r) == '.') {
            r->p++;
            s->op = OP_SCAN;
            s = &p->steps[p->count++];
            *s = (struct path_step){.op = OP_NAMES};
        }
    }
    if (here(r) == '[')
        return bracket(r, s, err);
    if (here(r) == '*') {
        r->p++;
        s->op = OP_ALL;
        return 0;
    }
    return bare_name(r, s, err);
}

static int read_root(struct path_reader *r, struct path_program *p, struct err *err)
{
    const char *begin = r->p;

    if (here(r) == '@' && r->deep > 0) {
        p->root = ROOT_ITEM;
        r->p++;
        return 0;
    }
    if (here(r) != '$')
        return bad(r, "a path begins with '$'", err);
    r->p++;
    p->root = ROOT_INPUT;
    if (here(r) == '$') {
        p->root = ROOT_CONTEXT;
        r->p++;
    } else if (path_variable_char(here(r), true)) {
        while (path_variable_char(here(r), false))
            r->p++;
        p->root = ROOT_VARIABLE;
        p->variable = arena_strndup(r->code->arena, begin + 1, (size_t)(r->p - begin) - 1);
    }
    if (r->deep > 0 && p->root != ROOT_INPUT)
        return unsupported(r, "a filter sees only '@' and '$'", err);
    r->code->doubtful = r->code->doubtful || r->deep > 0;
    return 0;
}

static bool is_definite(const struct path_step *s)
{
    return s->op == OP_NAMES || (s->op == OP_INDEXES && s->count == 1);
}

/* A name is demanding at the end of a path, and where the step before it, and it and all behind it, find one node: so
 * Jayway has it. Where several names stand before the end, that is an error wherever it is come to. */
static int mark(struct path_reader *r, struct path_program *p, struct err *err)
{
    bool behind = true;

    p->definite = true;
    for (size_t i = p->count; i-- > 0;) {
        struct path_step *s = &p->steps[i];
        if (s->op == OP_NAMES && s->count > 1 && i + 1 < p->count)
            return unsupported(r, "several names in brackets can only end a path", err);
        behind = behind && is_definite(s);
        p->definite = p->definite && is_definite(s);
        s->demanding = i + 1 == p->count || (behind && (i == 0 || is_definite(&p->steps[i - 1])));
    }
    return 0;
}

int path_read(struct path_reader *r, struct path_program **ret, struct err *err)
{
    struct path_program *p = arena_alloc(r->code->arena, sizeof *p);
    struct path_step steps[MAX_PATH_STEPS + 2];
    const char *begin = r->p;
    int rc;

    *p = (struct path_program){.steps = steps};
    if ((rc = read_root(r, p, err)) < 0)
        return rc;
    while (here(r) == '.' || here(r) == '[') {
        if (p->count >= MAX_PATH_STEPS)
            return unsupported(r, "a path has at most 256 steps", err); /* no value is as deep */
        if ((rc = next_step(r, p, err)) < 0)
            return rc;
    }
    p->steps = arena_alloc(r->code->arena, (p->count + 1) * sizeof *steps);
    memcpy(p->steps, steps, p->count * sizeof *steps);
    p->text = arena_strndup(r->code->arena, begin, (size_t)(r->p - begin));
    *ret = p;
    return mark(r, p, err);
}

int path_compile(const char *text, struct path_code *c, struct path_program **ret, struct err *err)
{
    struct path_reader r = {text, text + strlen(text), c, 0};
    int rc = path_read(&r, ret, err);

    if (rc >= 0 && r.p < r.end)
        rc = bad(&r, "a path cannot go on like this", err);
    return rc;
}
