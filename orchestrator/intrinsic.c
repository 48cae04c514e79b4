#include "base/mem.h"
#include "orchestrator/intrinsic_int.h"
#include "orchestrator/path_int.h"
#include <stdarg.h>

enum {
    MAX_CALL_DEPTH = 10,  /* as on AWS */
    MAX_CALL_ARGS = 1000, /* of all calls of one text */
    ANY_NUMBER = MAX_CALL_ARGS
};
static const struct function {
    const char *name;
    size_t least, most;
    int (*fn)(const struct call *c, json_t **ret, struct err *err);
} functions[] = {
    {"States.Format", 1, ANY_NUMBER, intrinsic_format},
    {"States.StringToJson", 1, 1, intrinsic_string_to_json},
    {"States.JsonToString", 1, 1, intrinsic_json_to_string},
    {"States.Array", 0, ANY_NUMBER, intrinsic_array},
    {"States.ArrayPartition", 2, 2, intrinsic_array_partition},
    {"States.ArrayContains", 2, 2, intrinsic_array_contains},
    {"States.ArrayRange", 3, 3, intrinsic_array_range},
    {"States.ArrayGetItem", 2, 2, intrinsic_array_get_item},
    {"States.ArrayLength", 1, 1, intrinsic_array_length},
    {"States.ArrayUnique", 1, 1, intrinsic_array_unique},
    {"States.Base64Encode", 1, 1, intrinsic_base64_encode},
    {"States.Base64Decode", 1, 1, intrinsic_base64_decode},
    {"States.Hash", 2, 2, intrinsic_hash},
    {"States.JsonMerge", 3, 3, intrinsic_json_merge},
    {"States.MathRandom", 2, 3, intrinsic_math_random},
    {"States.MathAdd", 2, 2, intrinsic_math_add},
    {"States.StringSplit", 2, 2, intrinsic_string_split},
    {"States.UUID", 0, 0, intrinsic_uuid},
};

/* A text of calls, read and, where there is a scope, worked out as it is read. */
struct reader {
    struct path_reader in;
    const struct scope *scope; /* NULL: only its syntax counts */
    struct path_run run;
    int deep;
    size_t args;
};

static int call(struct reader *r, struct argument *ret, struct err *err);

bool intrinsic_is(const char *text)
{
    return text[0] != '$';
}

int call_wrong(const struct call *c, struct err *err, const char *fmt, ...)
{
    char why[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    int rc = err_set(err, ERR_RUNTIME, "Invalid arguments in %s: %s", c->name, why);
    snprintf(err->name, sizeof err->name, "States.IntrinsicFailure");
    return rc;
}

int call_integer(const struct call *c, size_t i, int32_t *ret, struct err *err)
{
    const json_t *v = c->args[i].v;
    double d;

    if (!json_is_number(v))
        return call_wrong(c, err, "argument %zu is %s where a number is expected", i + 1, json_kind(v));
    d = json_number_value(v);
    if (!(d > -2147483649.0 && d < 2147483648.0))
        return call_wrong(c, err, "argument %zu does not fit 32 bits", i + 1);
    *ret = (int32_t)d;
    return 0;
}

int call_array(const struct call *c, size_t i, const json_t **ret_borrowed, struct err *err)
{
    *ret_borrowed = c->args[i].v;
    if (!json_is_array(c->args[i].v))
        return call_wrong(c, err, "argument %zu is %s where an array is expected", i + 1,
                          json_kind(c->args[i].v));
    return 0;
}

int call_text(const struct call *c, size_t i, const char **ret_borrowed, struct err *err)
{
    *ret_borrowed = json_string_value(c->args[i].v);
    if (*ret_borrowed == NULL)
        return call_wrong(c, err, "argument %zu is %s where a string is expected", i + 1,
                          json_kind(c->args[i].v));
    return 0;
}

static int bad(const struct reader *r, const char *why, struct err *err)
{
    const struct path_reader *in = &r->in;

    return err_set(err, ERR_RUNTIME, "%s, at '%.*s'", why, (int)(in->end - in->p > 40 ? 40 : in->end - in->p),
                   in->p);
}

static char here(const struct reader *r)
{
    return r->in.p < r->in.end ? *r->in.p : '\0';
}

/* '...': a backslash stands before ' { } and itself, and before nothing else. */
static int text_literal(struct reader *r, struct argument *ret, struct err *err)
{
    const char *begin = ++r->in.p;
    char *out, *o;
    size_t n;

    for (; here(r) != '\''; r->in.p++) {
        if (here(r) == '\\' && (++r->in.p >= r->in.end || strchr("'{}\\", *r->in.p) == NULL))
            return bad(r, "a backslash may stand before ' { } and \\ only", err);
        if (r->in.p >= r->in.end)
            return err_set(err, ERR_RUNTIME, "a quote is not closed");
    }
    n = (size_t)(r->in.p++ - begin);
    ret->quote = arena_strndup(r->in.code->arena, begin, n);
    if (r->scope == NULL)
        return 0;
    out = o = arena_alloc(r->in.code->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        i += begin[i] == '\\' && i + 1 < n;
        *o++ = begin[i];
    }
    ret->v = json_stringn(out, (size_t)(o - out));
    return ret->v != NULL ? 0 : bad(r, "a string is no UTF-8", err);
}

static int number_literal(struct reader *r, struct argument *ret, struct err *err)
{
    const char *begin = r->in.p;
    struct err why;
    json_t *v;

    while (here(r) != '\0' && strchr("+-.0123456789eE", here(r)) != NULL)
        r->in.p++;
    if (json_parse(begin, (size_t)(r->in.p - begin), "number", &v, &why) < 0 || !json_is_number(v)) {
        r->in.p = begin;
        return bad(r, "this is no number that fits 64 bits", err);
    }
    ret->v = r->scope != NULL ? json_incref(v) : NULL;
    json_decref(v);
    return 0;
}

static int word_literal(struct reader *r, struct argument *ret, struct err *err)
{
    const char *begin = r->in.p;
    size_t n;

    while ((here(r) >= 'a' && here(r) <= 'z') || (here(r) >= 'A' && here(r) <= 'Z'))
        r->in.p++;
    n = (size_t)(r->in.p - begin);
    if (n == 4 && memcmp(begin, "true", n) == 0) {
        ret->v = json_true();
    } else if (n == 5 && memcmp(begin, "false", n) == 0) {
        ret->v = json_false();
    } else if (n == 4 && memcmp(begin, "null", n) == 0) {
        ret->v = json_null();
    } else {
        r->in.p = begin;
        return bad(r, "a path, a call, 'text', a number, true, false or null is missing", err);
    }
    return 0;
}

/* As AWS says it: of a path into the context, too, the state's input is shown. */
static int not_there(struct reader *r, const struct path_program *p, struct err *err)
{
    char *input = json_text(r->scope->input);
    int rc = err_set(err, ERR_RUNTIME,
                     "The JsonPath argument for the field '%s' could not be found in the input '%s'",
                     p->root == ROOT_CONTEXT ? p->text + 1 : p->text, input);

    free(input);
    snprintf(err->name, sizeof err->name, "States.ParameterPathFailure");
    return rc;
}

static int path_argument(struct reader *r, struct argument *ret, struct err *err)
{
    struct path_program *p = NULL;
    int rc = path_read(&r->in, &p, err);

    if (rc < 0 || r->scope == NULL)
        return rc;
    if ((rc = path_run(&r->run, p, &ret->v, err)) < 0)
        return rc;
    /* the null of an index past the end counts as nothing here, though not in a template: measured on AWS */
    if (rc == PATH_MISSED || (r->run.past_end && p->definite))
        return not_there(r, p, err);
    return 0;
}

static int argument(struct reader *r, struct argument *ret, struct err *err)
{
    if (++r->args > MAX_CALL_ARGS)
        return err_set(err, ERR_RUNTIME, "more than %d arguments in one text", MAX_CALL_ARGS);
    switch (here(r)) {
    case '$':
        return path_argument(r, ret, err);
    case '\'':
        return text_literal(r, ret, err);
    case 'S':
        return call(r, ret, err);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return number_literal(r, ret, err);
    default:
        return word_literal(r, ret, err);
    }
}

/* From behind '(' to behind ')'. What was read stays in *args, whatever comes. */
static int arguments(struct reader *r, struct argument **args, size_t *count, struct err *err)
{
    int rc;

    path_blanks(&r->in);
    if (here(r) == ')') {
        r->in.p++;
        return 0;
    }
    for (;;) {
        *args = xrealloc(*args, (*count + 1) * sizeof **args);
        (*args)[*count] = (struct argument){0};
        path_blanks(&r->in);
        if ((rc = argument(r, &(*args)[(*count)++], err)) < 0)
            return rc;
        path_blanks(&r->in);
        if (here(r) == ')')
            break;
        if (here(r) != ',')
            return bad(r, "',' or ')' is missing", err);
        r->in.p++;
    }
    r->in.p++;
    return 0;
}

static const struct function *function_of(struct reader *r, struct err *err)
{
    const char *names[ARRAY_LEN(functions) + 1] = {NULL}, *begin = r->in.p, *nearest;
    char name[64];
    size_t n = 0;

    while (begin + n < r->in.end && begin[n] != '(' && (unsigned char)begin[n] > ' ' && n < sizeof name - 1)
        n++;
    snprintf(name, sizeof name, "%.*s", (int)n, begin);
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (strcmp(functions[i].name, name) == 0) {
            r->in.p += n;
            return &functions[i];
        }
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        names[i] = functions[i].name;
    nearest = str_nearest(name, names);
    err_ignore(err_set(err, ERR_RUNTIME, "'%s' is no intrinsic function%s%s%s", name, nearest ? "; '" : "",
                       nearest ? nearest : "", nearest ? "' is the nearest" : ""));
    return NULL;
}

static int count_fits(const struct function *f, size_t count, struct err *err)
{
    if (count >= f->least && count <= f->most)
        return 0;
    if (f->most == ANY_NUMBER)
        return err_set(err, ERR_RUNTIME, "%s takes at least %zu argument, not %zu", f->name, f->least, count);
    if (f->most > f->least)
        return err_set(err, ERR_RUNTIME, "%s takes %zu or %zu arguments, not %zu", f->name, f->least, f->most,
                       count);
    return err_set(err, ERR_RUNTIME, "%s takes %zu argument%s, not %zu", f->name, f->least,
                   f->least == 1 ? "" : "s", count);
}

/* Recursion is bounded by MAX_CALL_DEPTH. */
static int call(struct reader *r, struct argument *ret, struct err *err)
{
    const struct function *f = function_of(r, err);
    struct argument *args = NULL;
    size_t count = 0;
    int rc;

    if (f == NULL)
        return -(int)err->code;
    if (++r->deep > MAX_CALL_DEPTH)
        return err_set(err, ERR_RUNTIME, "intrinsic functions nest at most %d deep", MAX_CALL_DEPTH);
    if (here(r) != '(')
        return bad(r, "'(' is missing", err);
    r->in.p++;
    rc = arguments(r, &args, &count, err);
    if (rc >= 0)
        rc = count_fits(f, count, err);
    if (rc >= 0 && r->scope != NULL) {
        struct call c = {f->name, args, count, r->scope};
        rc = f->fn(&c, &ret->v, err);
        ret->parsed = f->fn == intrinsic_string_to_json;
    }
    for (size_t i = 0; i < count; i++)
        json_decref(args[i].v);
    free(args);
    r->deep--;
    return rc;
}

static int whole(const char *text, struct reader *r, json_t **ret, struct err *err)
{
    struct argument a = {0};
    int rc;

    r->in.p = text;
    r->in.end = text + strlen(text);
    rc = call(r, &a, err);
    if (rc >= 0 && r->in.p < r->in.end) {
        json_decref(a.v);
        return bad(r, "nothing may follow the call", err);
    }
    *ret = a.v;
    return rc;
}

int intrinsic_value(const char *text, const struct scope *s, json_t **ret_owned, struct err *err)
{
    struct path_code code;
    char why[600] = "";
    const int64_t work = path_work(s);
    struct reader r = {
        .scope = s, .run = {.scope = s, .root = s->input, .left = work, .why = why, .why_size = sizeof why}};
    int rc;

    path_code_init(&code);
    r.in.code = &code;
    rc = whole(text, &r, ret_owned, err);
    path_worked(s, work, r.run.left);
    path_code_release(&code);
    return rc < 0 ? err_prefix(err, "The function '%.400s' had the following error", text) : 0;
}

int intrinsic_check(const char *text, int *ret_marks, struct err *err)
{
    struct path_code code;
    struct reader r = {0};
    json_t *nothing = NULL;
    int rc;

    path_code_init(&code);
    r.in.code = &code;
    rc = whole(text, &r, &nothing, err);
    *ret_marks = path_code_marks(&code);
    path_code_release(&code);
    return rc;
}
