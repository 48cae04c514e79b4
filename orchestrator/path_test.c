#include "base/mem.h"
#include "orchestrator/path_int.h"

/* What a path of a filter finds; PATH_MISSED where it finds nothing. strict: what is missing anywhere is missed. */
static int find(struct path_run *r, const struct path_program *p, bool strict, json_t **ret, struct err *err)
{
    char *why = r->why;
    bool outer = r->strict, past_end = r->past_end;
    int rc;

    r->why = NULL;
    r->strict = strict;
    rc = path_run(r, p, ret, err);
    r->why = why;
    r->strict = outer;
    r->past_end = past_end;
    return rc;
}

/* null, and the text "null". */
static bool is_nothing(const json_t *v)
{
    return json_is_null(v) || (json_is_string(v) && strcmp(json_string_value(v), "null") == 0);
}

static long double number_of(const json_t *v)
{
    return json_is_integer(v) ? (long double)json_integer_value(v) : (long double)json_real_value(v);
}

/* A text that is compared with a number has to be one: else the path fails, as it does on AWS. */
static int text_with_number(const char *text, const json_t *number, int *ret, struct err *err)
{
    char *end;
    long double x = strtold(text, &end), y = number_of(number);

    if (end == text || *end != '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
        return err_set(err, ERR_RUNTIME, "a filter cannot compare the text '%.100s' with a number", text);
    *ret = (x > y) - (x < y);
    return 1;
}

/* 1: *ret is below, at or above 0 as want is to v; 0: they cannot be compared. */
static int compare(const json_t *want, const json_t *v, int *ret, struct err *err)
{
    long double x, y;

    if (is_nothing(want) || is_nothing(v)) {
        *ret = is_nothing(v) - is_nothing(want);
    } else if (json_is_string(want) && json_is_string(v)) {
        *ret = strcmp(json_string_value(want), json_string_value(v));
    } else if (json_is_number(want) && json_is_number(v)) {
        x = number_of(want);
        y = number_of(v);
        *ret = (x > y) - (x < y);
    } else if (json_is_string(want) && json_is_number(v)) {
        return text_with_number(json_string_value(want), v, ret, err);
    } else if (json_is_string(want) && json_is_boolean(v)) {
        *ret = (strcasecmp(json_string_value(want), "true") == 0) - json_is_true(v);
    } else if (json_is_boolean(want) && json_is_boolean(v)) {
        *ret = json_is_true(want) - json_is_true(v);
    } else {
        return 0;
    }
    return 1;
}

static int relate(enum relation relation, const json_t *want, const json_t *v, struct err *err)
{
    int d = 0, rc;

    if (relation != REL_EQ && relation != REL_NE && json_is_null(want) != json_is_null(v))
        return 0;
    if ((rc = compare(want, v, &d, err)) <= 0)
        return rc;
    switch (relation) {
    case REL_EQ:
        return d == 0;
    case REL_NE:
        return d != 0;
    case REL_LT:
        return d > 0;
    case REL_LE:
        return d >= 0;
    case REL_GT:
        return d < 0;
    case REL_GE:
        return d <= 0;
    case REL_EXISTS:
    case REL_ABSENT:
    case REL_MATCH:
        break;
    }
    return 0;
}

/* Texts are matched as they are, anything but null as its JSON. */
static int matches(struct path_run *r, const struct pattern *p, const json_t *v, struct err *err)
{
    char *text;
    int rc;

    if (json_is_null(v))
        return 0;
    text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);
    rc = path_spend(r, strlen(text), err);
    if (rc == 0)
        rc = pattern_matches(p, text, strlen(text), &r->left);
    free(text);
    return rc < 0 ? path_visit(r, err) : rc;
}

/* Where a path finds nothing, no comparison holds, != least of all. */
static int holds(struct path_run *r, const struct path_test *t, struct err *err)
{
    bool asks = t->relation == REL_EXISTS || t->relation == REL_ABSENT;
    json_t *v = NULL, *want = NULL;
    int rc = path_visit(r, err);

    if (rc >= 0)
        rc = find(r, t->left, asks, &v, err);
    if (asks && rc >= 0)
        rc = (rc == PATH_FOUND && !json_is_null(v)) == (t->relation == REL_EXISTS);
    else if (rc > 0 && t->pattern != NULL)
        rc = matches(r, t->pattern, v, err);
    else if (rc > 0) {
        if (t->right != NULL)
            rc = find(r, t->right, false, &want, err);
        else
            want = json_string(t->text);
        if (rc > 0 && path_spend(r, json_string_length(want) + json_string_length(v), err) < 0)
            rc = -(int)err->code;
        if (rc > 0)
            rc = want == NULL ? 0 : relate(t->relation, want, v, err);
    }
    json_decref(v);
    json_decref(want);
    return rc;
}

int path_accepts(struct path_run *r, const struct path_test *t, const json_t *item, struct err *err)
{
    const json_t *outer = r->item;
    int rc;

    r->item = item;
    rc = holds(r, t, err);
    for (; rc >= 0 && t->before != NULL; t = t->before) {
        if (rc > 0 && !t->both)
            break; /* one side of || holds */
        if ((rc > 0) == t->both)
            rc = holds(r, t->before, err);
    }
    r->item = outer;
    return rc;
}
