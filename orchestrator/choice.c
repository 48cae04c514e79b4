#include "orchestrator/choice.h"
#include "base/civil.h"
#include "orchestrator/path.h"

#define BOTH(name, type, op)                                                                                 \
    {name, type, op, false},                                                                                 \
    {                                                                                                        \
        name "Path", type, op, true                                                                          \
    }
#define FIVE(kind, type)                                                                                     \
    BOTH(kind "Equals", type, COMPARE_EQ), BOTH(kind "LessThan", type, COMPARE_LT),                          \
        BOTH(kind "GreaterThan", type, COMPARE_GT), BOTH(kind "LessThanEquals", type, COMPARE_LE),           \
        BOTH(kind "GreaterThanEquals", type, COMPARE_GE)

const struct comparator comparators[COMPARATOR_COUNT] = {
    FIVE("String", COMPARE_STRING),
    FIVE("Numeric", COMPARE_NUMERIC),
    FIVE("Timestamp", COMPARE_TIMESTAMP),
    BOTH("BooleanEquals", COMPARE_BOOLEAN, COMPARE_EQ),
    {"StringMatches", COMPARE_PATTERN, COMPARE_EQ, false},
    {"IsNull", COMPARE_KIND, COMPARE_EQ, false},
    {"IsPresent", COMPARE_KIND, COMPARE_EQ, false},
    {"IsNumeric", COMPARE_KIND, COMPARE_EQ, false},
    {"IsString", COMPARE_KIND, COMPARE_EQ, false},
    {"IsBoolean", COMPARE_KIND, COMPARE_EQ, false},
    {"IsTimestamp", COMPARE_KIND, COMPARE_EQ, false},
};

const struct comparator *comparator_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(comparators); i++)
        if (strcmp(comparators[i].name, name) == 0)
            return &comparators[i];
    return NULL;
}

bool timestamp_read(const char *text, int64_t *ret_ms, int64_t *ret_ns)
{
    struct err ignored;
    int64_t scale = 100000;

    *ret_ns = 0;
    if (strlen(text) < 20 || text[10] != 'T' || text[16] != ':' || strchr(text, 'z') != NULL ||
        civil_parse_rfc3339(text, ret_ms, &ignored) < 0)
        return false;
    /* civil keeps milliseconds; two times may differ in what is finer */
    for (const char *p = text[19] == '.' ? text + 20 : ""; *p >= '0' && *p <= '9'; p++)
        if (p >= text + 23) {
            *ret_ns += (*p - '0') * scale;
            scale /= 10;
        }
    return true;
}

/* '*' is any run of characters; '\*' and '\\' are themselves. Backtracks to the last star only: linear in
 * practice, pattern times text at worst. */
static bool glob(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;

    while (*text != '\0') {
        const char *literal =
            pattern[0] == '\\' && (pattern[1] == '*' || pattern[1] == '\\') ? pattern + 1 : pattern;
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*literal == *text) {
            pattern = literal + 1;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* long double holds every int64 and every double: 2^53 + 1 is not 2^53. */
static int compare_numbers(const json_t *a, const json_t *b)
{
    long double x = json_is_integer(a) ? (long double)json_integer_value(a) : (long double)json_real_value(a);
    long double y = json_is_integer(b) ? (long double)json_integer_value(b) : (long double)json_real_value(b);

    return (x > y) - (x < y);
}

/* -1, 0, 1 when both sides are of the comparator's type; false otherwise: another type never matches, as on
 * AWS. */
static bool order(enum compare_type type, const json_t *a, const json_t *b, int *ret)
{
    int64_t ms[2], ns[2];
    int d;

    switch (type) {
    case COMPARE_NUMERIC:
        if (!json_is_number(a) || !json_is_number(b))
            return false;
        *ret = compare_numbers(a, b);
        return true;
    case COMPARE_BOOLEAN:
        if (!json_is_boolean(a) || !json_is_boolean(b))
            return false;
        *ret = json_is_true(a) - json_is_true(b);
        return true;
    case COMPARE_STRING:
        if (!json_is_string(a) || !json_is_string(b))
            return false;
        d = strcmp(json_string_value(a), json_string_value(b));
        *ret = (d > 0) - (d < 0);
        return true;
    case COMPARE_TIMESTAMP:
        if (!json_is_string(a) || !json_is_string(b) ||
            !timestamp_read(json_string_value(a), &ms[0], &ns[0]) ||
            !timestamp_read(json_string_value(b), &ms[1], &ns[1]))
            return false;
        *ret = ms[0] != ms[1] ? (ms[0] > ms[1]) - (ms[0] < ms[1]) : (ns[0] > ns[1]) - (ns[0] < ns[1]);
        return true;
    case COMPARE_PATTERN:
    case COMPARE_KIND:
        break;
    }
    return false;
}

static bool holds(enum compare_op op, int order)
{
    switch (op) {
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_GT:
        return order > 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_GE:
        return order >= 0;
    }
    return false;
}

/* The Is... family; v NULL: not there, which only IsPresent may ask. */
static bool is_kind(const char *name, const json_t *v)
{
    int64_t ms, ns;

    if (strcmp(name, "IsPresent") == 0)
        return v != NULL;
    if (strcmp(name, "IsNull") == 0)
        return json_is_null(v);
    if (strcmp(name, "IsNumeric") == 0)
        return json_is_number(v);
    if (strcmp(name, "IsString") == 0)
        return json_is_string(v);
    if (strcmp(name, "IsBoolean") == 0)
        return json_is_boolean(v);
    return json_is_string(v) && timestamp_read(json_string_value(v), &ms, &ns);
}

static int resolve(const char *path, const struct scope *s, json_t **ret, struct err *err)
{
    int rc = path_get(path, s, ret, err);

    if (rc == 0)
        return err_set(err, ERR_RUNTIME,
                       "Invalid path '%s': The choice state's condition path references an invalid value.",
                       path);
    return rc;
}

static int compare(const struct comparator *c, const json_t *operand, const char *variable,
                   const struct scope *s, bool *ret, struct err *err)
{
    json_t *v, *against = (json_t *)(uintptr_t)operand;
    int rc, sign;

    if (strcmp(c->name, "IsPresent") == 0)
        rc = path_get(variable, s, &v, err);
    else
        rc = resolve(variable, s, &v, err);
    if (rc >= 0 && c->path)
        rc = resolve(json_is_string(operand) ? json_string_value(operand) : "", s, &against, err);
    if (rc < 0)
        return rc;
    if (c->type == COMPARE_KIND)
        *ret = is_kind(c->name, v) == json_is_true(against);
    else if (c->type == COMPARE_PATTERN)
        *ret = json_is_string(v) && json_is_string(against) &&
               glob(json_string_value(against), json_string_value(v));
    else
        *ret = order(c->type, v, against, &sign) && holds(c->op, sign);
    return 0;
}

/* And: all; Or: any. The rest is not looked at once the answer stands, so a guard (IsPresent) guards. */
static int choice_list(const json_t *rules, bool all, const struct scope *s, bool *ret, struct err *err)
{
    json_t *rule;
    size_t i;

    *ret = all;
    json_array_foreach(rules, i, rule) {
        int rc = choice_matches(rule, s, ret, err);
        if (rc < 0)
            return rc;
        if (*ret != all)
            break;
    }
    return 0;
}

/* Recursion is bounded: a rule is part of a definition, nested at most MAX_JSON_DEPTH deep. */
int choice_matches(const json_t *rule, const struct scope *s, bool *ret, struct err *err)
{
    const json_t *nested;
    const char *variable = json_string_value(json_object_get(rule, "Variable")), *key;
    json_t *operand;
    int rc;

    if ((nested = json_object_get(rule, "And")) != NULL)
        return choice_list(nested, true, s, ret, err);
    if ((nested = json_object_get(rule, "Or")) != NULL)
        return choice_list(nested, false, s, ret, err);
    if ((nested = json_object_get(rule, "Not")) != NULL) {
        rc = choice_matches(nested, s, ret, err);
        if (rc >= 0)
            *ret = !*ret;
        return rc;
    }
    json_object_foreach((json_t *)(uintptr_t)rule, key, operand) {
        const struct comparator *c = comparator_find(key);
        if (c != NULL && variable != NULL)
            return compare(c, operand, variable, s, ret, err);
    }
    return err_set(err, ERR_RUNTIME, "a choice rule holds no comparison");
}
