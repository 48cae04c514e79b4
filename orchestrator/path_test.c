#include "base/mem.h"
#include "orchestrator/java.h"
#include "orchestrator/path_int.h"

/* What a side of a comparison is. v NULL: the path found nothing, which equals nothing. */
struct side {
    json_t *v; /* owned */
    const struct pattern *pattern;
};

/* 1 there is an answer, 0 the filter does not take the item, whatever it says: Jayway's InvalidPathException. */
static int side_of(struct path_run *r, const struct path_operand *o, bool strict, struct side *ret,
                   struct err *err)
{
    char *why = r->why;
    bool outer = r->strict, past_end = r->past_end;
    int rc;

    *ret = (struct side){.pattern = o->pattern};
    if (o->path == NULL) {
        ret->v = json_incref((json_t *)(uintptr_t)o->value);
        return 1;
    }
    r->why = NULL;
    r->strict = strict;
    rc = path_run(r, o->path, &ret->v, err);
    r->why = why;
    r->strict = outer;
    r->past_end = past_end;
    if (rc < 0)
        return err->code == ERR_TOO_LARGE ? rc : 0;
    return 1;
}

static bool is_container(const json_t *v)
{
    return json_is_object(v) || json_is_array(v);
}

static int compare_numbers(const json_t *a, const json_t *b)
{
    long double x = json_is_integer(a) ? (long double)json_integer_value(a) : (long double)json_real_value(a);
    long double y = json_is_integer(b) ? (long double)json_integer_value(b) : (long double)json_real_value(b);

    return (x > y) - (x < y);
}

/* "1" equals 1: a number on the left reads the text, a text on the left reads the number's text. */
static bool number_is(const json_t *number, const char *text)
{
    char *end;
    double d = strtod(text, &end);
    json_t *v;
    bool same;

    if (end == text || *end != '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    v = json_real(d);
    same = v != NULL && json_number_value(number) == d;
    json_decref(v);
    return same;
}

static bool equals(const json_t *a, const json_t *b)
{
    char number[JAVA_NUMBER];

    if (a == NULL || b == NULL)
        return false;
    if (is_container(a) || is_container(b))
        return json_equal(a, b);
    if (json_is_number(a) && json_is_number(b))
        return compare_numbers(a, b) == 0;
    if (json_is_number(a) && json_is_string(b))
        return number_is(a, json_string_value(b));
    if (json_is_string(a) && json_is_number(b))
        return strcmp(json_string_value(a), java_number(b, number)) == 0;
    return json_equal(a, b);
}

static int kind_of(const json_t *v)
{
    if (v == NULL)
        return -1;
    if (is_container(v))
        return JSON_OBJECT;
    if (json_is_number(v))
        return JSON_REAL;
    return json_is_boolean(v) ? (int)JSON_TRUE : (int)json_typeof(v);
}

/* Numbers with numbers, texts with texts; else nothing is smaller or greater. */
static bool ordered(const json_t *a, const json_t *b, enum relation relation)
{
    int d;

    if (json_is_number(a) && json_is_number(b))
        d = compare_numbers(a, b);
    else if (json_is_string(a) && json_is_string(b))
        d = strcmp(json_string_value(a), json_string_value(b));
    else
        return false;
    return relation == REL_LT ? d < 0 : relation == REL_LE ? d <= 0 : relation == REL_GT ? d > 0 : d >= 0;
}

static int holds_value(struct path_run *r, const json_t *list, const json_t *v, struct err *err)
{
    json_t *item;
    size_t i;
    int rc;

    json_array_foreach(list, i, item) {
        if ((rc = path_visit(r, err)) < 0)
            return rc;
        if (equals(v, item))
            return 1;
    }
    return 0;
}

/* How many of these the list holds: all or any. */
static int holds_values(struct path_run *r, const json_t *list, const json_t *these, bool all,
                        struct err *err)
{
    json_t *item;
    size_t i;
    int rc = all;

    json_array_foreach(these, i, item) {
        rc = holds_value(r, list, item, err);
        if (rc < 0 || (rc > 0) != all)
            return rc;
    }
    return rc;
}

/* in, nin, all, contains, subsetof, anyof, noneof. */
static int sets(struct path_run *r, const struct path_test *t, const json_t *a, const json_t *b,
                struct err *err)
{
    int rc;

    if (t->relation == REL_CONTAINS) {
        if (json_is_string(a) && json_is_string(b))
            return strstr(json_string_value(a), json_string_value(b)) != NULL;
        return json_is_array(a) ? holds_value(r, a, b, err) : 0;
    }
    if (!is_container(b)) /* a list is asked for */
        return 0;
    if (t->relation == REL_ALL)
        return !is_container(a)                       ? 0
               : json_is_array(a) && json_is_array(b) ? holds_values(r, a, b, true, err)
                                                      : 1;
    if (t->relation == REL_IN || t->relation == REL_NIN) {
        rc = holds_value(r, b, a, err);
        return rc < 0 ? rc : t->relation == REL_IN ? rc : !rc;
    }
    if (!json_is_array(a) || !json_is_array(b))
        return 0;
    if (t->relation == REL_SUBSET)
        return holds_values(r, b, a, true, err);
    rc = json_array_size(a) > 0 ? holds_values(r, b, a, false, err) : 0;
    return rc < 0 ? rc : t->relation == REL_ANY ? rc : !rc;
}

static bool size_is(const json_t *a, const json_t *b)
{
    int64_t n = -1;

    if (!json_is_number(b) || (!json_is_string(a) && !is_container(a)))
        return false;
    if (json_is_string(a))
        n = (int64_t)java_length(json_string_value(a));
    else if (json_is_array(a))
        n = (int64_t)json_array_size(a);
    return n == (int64_t)json_number_value(b);
}

static bool empty_is(const json_t *a, const json_t *b)
{
    bool empty = json_is_string(a)  ? json_string_length(a) == 0
                 : json_is_array(a) ? json_array_size(a) == 0
                                    : json_object_size(a) == 0;

    return (json_is_string(a) || is_container(a)) && json_is_boolean(b) && empty == json_is_true(b);
}

/* Texts and numbers are matched as they are, booleans as their names, anything else as "". */
static int matches_one(struct path_run *r, const struct pattern *p, const json_t *v, struct err *err)
{
    char number[JAVA_NUMBER];
    const char *text = json_is_string(v)    ? json_string_value(v)
                       : json_is_number(v)  ? java_number(v, number)
                       : json_is_boolean(v) ? (json_is_true(v) ? "true" : "false")
                                            : "";
    int rc = path_visit(r, err);

    if (rc >= 0 && (rc = pattern_matches(p, text, strlen(text), &r->left)) < 0)
        return path_visit(r, err);
    return rc;
}

static int matches(struct path_run *r, const struct side *a, const struct side *b, struct err *err)
{
    const struct side *text = a->pattern != NULL ? b : a;
    const struct pattern *p = a->pattern != NULL ? a->pattern : b->pattern;
    json_t *item;
    size_t i;
    int rc = 0;

    if ((a->pattern == NULL) == (b->pattern == NULL))
        return 0;
    if (!json_is_array(text->v))
        return matches_one(r, p, text->v, err);
    json_array_foreach(text->v, i, item)
        if ((rc = matches_one(r, p, item, err)) != 0)
            break;
    return rc;
}

static int relate(struct path_run *r, const struct path_test *t, const struct side *a, const struct side *b,
                  struct err *err)
{
    switch (t->relation) {
    case REL_EQ:
        return equals(a->v, b->v);
    case REL_NE:
        return !equals(a->v, b->v);
    case REL_SAME:
        return kind_of(a->v) == kind_of(b->v) && equals(a->v, b->v);
    case REL_NOT_SAME:
        return kind_of(a->v) != kind_of(b->v) || !equals(a->v, b->v);
    case REL_LT:
    case REL_LE:
    case REL_GT:
    case REL_GE:
        return ordered(a->v, b->v, t->relation);
    case REL_MATCH:
        return matches(r, a, b, err);
    case REL_SIZE:
        return size_is(a->v, b->v);
    case REL_EMPTY:
        return empty_is(a->v, b->v);
    case REL_IN:
    case REL_NIN:
    case REL_CONTAINS:
    case REL_ALL:
    case REL_SUBSET:
    case REL_ANY:
    case REL_NONE:
        return sets(r, t, a->v, b->v, err);
    }
    return 0;
}

static int relation_holds(struct path_run *r, const struct path_test *t, struct err *err)
{
    struct side a = {0}, b = {0};
    int rc = side_of(r, &t->left, false, &a, err);

    if (rc > 0)
        rc = side_of(r, &t->right, false, &b, err);
    if (rc > 0)
        rc = relate(r, t, &a, &b, err);
    json_decref(a.v);
    json_decref(b.v);
    return rc;
}

/* Everything that the path asks for is there. */
static int exists(struct path_run *r, const struct path_test *t, struct err *err)
{
    struct side a = {0};
    int rc = side_of(r, &t->left, true, &a, err);
    bool there = a.v != NULL;

    json_decref(a.v);
    return rc > 0 ? there : rc;
}

/* Recursion is bounded by MAX_FILTER_DEPTH. */
static int test_holds(struct path_run *r, const struct path_test *t, struct err *err)
{
    int rc = path_visit(r, err);

    if (rc < 0)
        return rc;
    switch (t->kind) {
    case TEST_ANY:
    case TEST_EVERY:
        for (const struct path_test *part = t->first; part != NULL; part = part->next) {
            rc = test_holds(r, part, err);
            if (rc < 0 || (rc > 0) != (t->kind == TEST_EVERY))
                return rc;
        }
        return rc;
    case TEST_NOT:
        rc = test_holds(r, t->first, err);
        return rc < 0 ? rc : !rc;
    case TEST_EXISTS:
        return exists(r, t, err);
    case TEST_RELATION:
        return relation_holds(r, t, err);
    }
    return 0;
}

int path_accepts(struct path_run *r, const struct path_test *t, const json_t *item, struct err *err)
{
    const json_t *outer = r->item;
    int rc;

    r->item = item;
    rc = test_holds(r, t, err);
    r->item = outer;
    return rc;
}
