#include "base/mem.h"
#include "orchestrator/asl_int.h"
#include "orchestrator/choice.h"
#include "orchestrator/intrinsic.h"

void unknown_field(struct check *c, const char *field, const char *const *known)
{
    const char *nearest = str_nearest(field, known);

    asl_invalid(c, "unknown field '%.100s'%s%s%s", field, nearest ? "; '" : "", nearest ? nearest : "",
                nearest ? "' is the nearest" : "");
}

void check_next(struct check *c, const char *field, const json_t *v)
{
    const char *target = json_string_value(v), *name, **names, *nearest;
    size_t n = 0;
    json_t *state;

    if (target == NULL) {
        asl_invalid(c, "'%s' is %s where the name of a state is expected", field, json_kind(v));
        return;
    }
    if (json_object_get(c->states, target) != NULL || !json_is_object(c->states))
        return;
    names = xcalloc(json_object_size(c->states) + 1, sizeof *names);
    if (c->d->errors < MAX_NEAREST)
        json_object_foreach((json_t *)(uintptr_t)c->states, name, state)
            names[n++] = name;
    nearest = str_nearest(target, names);
    asl_diagnose(c, "ERROR", "MISSING_TRANSITION_TARGET",
                 "'%s' names '%.100s', and there is no such state%s%.100s%s", field, target,
                 nearest ? "; '" : "", nearest ? nearest : "", nearest ? "' is the nearest" : "");
    free(names);
}

/* What a field may hold besides a reference path, which every one of them may. */
enum { FULL_PATHS = 1, CALLS = 2 };

/* What the check of a path or call came to. */
static void judge(struct check *c, int rc, int marks, const char *field, const char *s, const struct err *why)
{
    if (rc < 0 && (marks & PATH_UNSUPPORTED) != 0)
        asl_unsupported(c, "'%s': '%.100s' is not in profile orch-asl/1: %s", field, s, why->msg);
    else if (rc < 0)
        asl_invalid(c, "'%s': '%.100s' is not valid: %s", field, s, why->msg);
    else if ((marks & PATH_OUTSIDE) != 0)
        asl_diagnose(c, "WARNING", "NEVER_FINDS",
                     "'%s': '%.100s': an index below 0 is outside of every array, as on AWS; [(@.length-1)] "
                     "is the last "
                     "element",
                     field, s);
    else if ((marks & PATH_DOUBTFUL) != 0)
        asl_diagnose(
            c, "WARNING", "DOUBTFUL_ON_AWS",
            "'%s': '%.100s' runs here; AWS's documentation rules out patterns, '$' and a bare '@' in filters",
            field, s);
}

/* A variable that no Assign sets: its use would end the execution. */
static void check_variable(struct check *c, const char *field, const char *name)
{
    const char **known, *set, *nearest;
    json_t *v;
    size_t n = 0;

    if (json_object_get(c->scope, name) != NULL || strcmp(name, "states") == 0)
        return;
    known = xcalloc(json_object_size(c->scope) + 1, sizeof *known);
    json_object_foreach(c->scope, set, v)
        known[n++] = set;
    nearest = str_nearest(name, known);
    asl_diagnose(c, "WARNING", "UNKNOWN_VARIABLE", "'%s': no 'Assign' that is seen here sets '$%.80s'%s%s%s",
                 field, name, nearest ? "; '$" : "", nearest ? nearest : "",
                 nearest ? "' is the nearest" : "");
    free(known);
}

/* Every $name outside of quotes. */
static void check_variables(struct check *c, const char *field, const char *s)
{
    bool quoted = false;

    for (; *s != '\0'; s++) {
        size_t n = 1;
        if (*s == '\\' && s[1] != '\0') {
            s++;
            continue;
        }
        if (*s == '\'')
            quoted = !quoted;
        if (quoted || *s != '$')
            continue;
        while (path_variable_char(s[n], n == 1))
            n++;
        if (n > 1) {
            char *name = xstrndup(s + 1, n - 1);
            check_variable(c, field, name);
            free(name);
        }
        s += s[1] == '$' ? 1 : n - 1;
    }
}

/* "States.Format(...)", or something that is no path. */
static void check_call(struct check *c, const char *field, const char *s, int may)
{
    int marks = 0, rc;
    struct err why;

    if ((may & CALLS) == 0 && str_starts(s, "States."))
        asl_invalid(c, "'%s' takes a path, and no intrinsic function such as '%.60s'", field, s);
    else if ((may & CALLS) == 0)
        asl_invalid(c, "'%s': '%.100s' is not a path such as $.queue.job", field, s);
    else if (!str_starts(s, "States."))
        asl_invalid(
            c, "'%s': '%.100s' is neither a path such as $.queue.job nor an intrinsic function such as %s",
            field, s, "States.Format('{}', $.x)");
    else {
        rc = intrinsic_check(s, &marks, &why);
        judge(c, rc, marks, field, s, &why);
    }
}

static void check_path_text(struct check *c, const char *field, const char *s, int may)
{
    int kind, marks = 0;
    struct err why;

    if (strchr(s, '$') != NULL)
        check_variables(c, field, s);
    if (intrinsic_is(s)) {
        check_call(c, field, s, may);
        return;
    }
    kind = path_check(s, &marks, &why);
    if (kind != 0 || (may & FULL_PATHS) != 0)
        judge(c, kind, marks, field, s, &why);
    else
        asl_invalid(c, "'%s': '%.100s' is no reference path: only names and indexes lead to one node", field,
                    s);
}

static void check_path_value(struct check *c, const char *field, const json_t *v, int may)
{
    if (!json_is_string(v))
        asl_invalid(c, "'%s' is %s where a path is expected", field, json_kind(v));
    else
        check_path_text(c, field, json_string_value(v), may);
}

void check_path(struct check *c, const char *field, const json_t *v)
{
    check_path_value(c, field, v, 0);
}

void check_path_or_call(struct check *c, const char *field, const json_t *v)
{
    check_path_value(c, field, v, CALLS);
}

void check_path_or_null(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_null(v))
        check_path_value(c, field, v, FULL_PATHS);
}

/* AWS, too, takes only a reference path into the state's own data here. */
void check_result_path(struct check *c, const char *field, const json_t *v)
{
    if (json_is_null(v))
        return;
    if (!json_is_string(v) || path_kind(json_string_value(v), false) != 1)
        asl_invalid(c, "'%s' must be null or a reference path such as $.queue", field);
}

void check_timestamp(struct check *c, const char *field, const json_t *v)
{
    int64_t ms, ns;

    if (!json_is_string(v) || !timestamp_read(json_string_value(v), &ms, &ns))
        asl_invalid(c, "'%s' must be a time such as 2022-06-05T12:00:00Z", field);
}

static void check_binding(struct check *c, const json_t *object, const char *key, const json_t *v)
{
    size_t n = strlen(key);
    char *stripped = xstrndup(key, n - 2);

    if (json_object_get(object, stripped) != NULL)
        asl_invalid(c, "'%.100s' and '%.100s' make the same field", key, stripped);
    free(stripped);
    if (!json_is_string(v))
        asl_invalid(c, "'%.100s' ends in \".$\", so it must be a path or an intrinsic function, not %s", key,
                    json_kind(v));
    else
        check_path_text(c, key, json_string_value(v), FULL_PATHS | CALLS);
}

/* A path whose key has no ".$" is the mistake that nothing else finds: the task gets its text. */
static void check_text(struct check *c, const char *s)
{
    struct err ignored;
    int marks;

    bool path = str_starts(s, "$.") || str_starts(s, "$$.") || str_starts(s, "$[");

    if ((path && path_check(s, &marks, &ignored) >= 0) ||
        (str_starts(s, "States.") && intrinsic_check(s, &marks, &ignored) >= 0))
        asl_diagnose(c, "WARNING", "TAKEN_AS_TEXT",
                     "'%.100s' is taken as text, as on AWS; it is evaluated where the key ends in \".$\"", s);
}

/* Recursion is bounded by the nesting that json_parse lets through. */
void check_template(struct check *c, const char *field, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(v))
        check_text(c, json_string_value(v));
    if (json_is_array(v)) {
        json_array_foreach(v, i, item) {
            size_t mark = at_push_index(c, i);
            check_template(c, field, item);
            at_pop(c, mark);
        }
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
        size_t mark = at_push(c, key);
        if (str_ends(key, ".$"))
            check_binding(c, v, key, item);
        else
            check_template(c, field, item);
        at_pop(c, mark);
    }
}

/* Letters, digits and '_', as in the paths that read it. */
static void check_variable_name(struct check *c, const char *key)
{
    size_t n = strlen(key) - (str_ends(key, ".$") ? 2 : 0), good = 0;

    while (good < n && path_variable_char(key[good], good == 0))
        good++;
    if (n == 0 || good < n || n > MAX_VARIABLE_NAME)
        asl_invalid(
            c,
            "'%.100s': a variable's name has letters, digits and '_', begins with no digit, and has 1 to %d "
            "bytes",
            key, MAX_VARIABLE_NAME);
    else if (n == 6 && memcmp(key, "states", n) == 0)
        asl_invalid(c, "'states' is no name of a variable: AWS keeps it for itself");
}

void check_assign(struct check *c, const char *field, const json_t *v)
{
    const char *key;
    json_t *item;

    if (!json_is_object(v)) {
        asl_invalid(c, "'%s' is %s where an object is expected", field, json_kind(v));
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
        size_t mark = at_push(c, key);
        check_variable_name(c, key);
        at_pop(c, mark);
    }
    check_template(c, field, v);
}

/* Names that the interpreter and AWS give; others are the user's own. */
static const char *const state_errors[] = {
    "States.ALL",
    "States.Timeout",
    "States.HeartbeatTimeout",
    "States.TaskFailed",
    "States.Permissions",
    "States.ResultPathMatchFailure",
    "States.ParameterPathFailure",
    "States.BranchFailed",
    "States.NoChoiceMatched",
    "States.IntrinsicFailure",
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.ResultWriterFailed",
    "States.QueryEvaluationError",
    "States.Runtime",
    "States.DataLimitExceeded",
    NULL,
};

/* A misspelt name would never match, and nobody would be told. */
static void check_error_name(struct check *c, const char *name)
{
    const char *known[ARRAY_LEN(state_errors) + ERR__COUNT];
    size_t n = 0;

    if (strcmp(name, "States.Runtime") == 0)
        asl_diagnose(c, "WARNING", "NEVER_MATCHES",
                     "States.Runtime always ends the execution; nothing retries or catches it");
    if ((!str_starts(name, "States.") && !str_starts(name, "Orch.")) ||
        str_starts(name, "States.Http.StatusCode."))
        return;
    for (; state_errors[n] != NULL; n++)
        known[n] = state_errors[n];
    for (int i = 1; i < ERR__COUNT; i++)
        known[n++] = err_name((enum err_code)i);
    known[n] = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(known[i], name) == 0)
            return;
    const char *nearest = str_nearest(name, known);
    asl_diagnose(c, "WARNING", "UNKNOWN_ERROR_NAME", "'%.100s' is no error of ASL or orch%s%s%s", name,
                 nearest ? "; '" : "", nearest ? nearest : "", nearest ? "' is the nearest" : "");
}

/* States.ALL stands alone, in the last rule. */
static void check_error_equals(struct check *c, const json_t *rule, bool last)
{
    const json_t *names = json_object_get(rule, "ErrorEquals");
    json_t *name;
    size_t i;

    if (names == NULL) {
        asl_invalid(c, "'ErrorEquals' is missing");
        return;
    }
    size_t mark = at_push(c, "ErrorEquals");
    if (!json_is_array(names) || json_array_size(names) == 0)
        asl_invalid(c, "'ErrorEquals' must be an array with at least one error name");
    json_array_foreach(names, i, name) {
        size_t inner = at_push_index(c, i);
        if (!json_is_string(name))
            asl_invalid(c, "an error name is a string, this is %s", json_kind(name));
        else
            check_error_name(c, json_string_value(name));
        if (json_is_string(name) && strcmp(json_string_value(name), "States.ALL") == 0 &&
            (json_array_size(names) > 1 || !last))
            asl_invalid(c, "States.ALL must stand alone, and in the last rule");
        at_pop(c, inner);
    }
    at_pop(c, mark);
}

static void check_integer(struct check *c, const json_t *rule, const char *field, int64_t min, int64_t max)
{
    const json_t *v = json_object_get(rule, field);
    size_t mark = at_push(c, field);

    if (v != NULL && (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max))
        asl_invalid(c, "'%s' must be a whole number from %lld to %lld", field, (long long)min,
                    (long long)max);
    at_pop(c, mark);
}

/* Unknown members, and those that AWS knows and we do not. */
static void check_members(struct check *c, const json_t *rule, const char *const *known,
                          const char *const *unsupported)
{
    const char *field;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)rule, field, v) {
        const char *const *k = known, *const *u = unsupported;
        size_t mark = at_push(c, field);
        while (*k != NULL && strcmp(*k, field) != 0)
            k++;
        while (*u != NULL && strcmp(*u, field) != 0)
            u++;
        if (*k == NULL && *u != NULL)
            asl_unsupported(c, "'%s' is valid on AWS, but not in profile orch-asl/1", field);
        else if (*k == NULL)
            unknown_field(c, field, known);
        if (strcmp(field, "Comment") == 0 && !json_is_string(v))
            asl_invalid(c, "'Comment' is %s where a string is expected", json_kind(v));
        at_pop(c, mark);
    }
}

static void check_retrier(struct check *c, const json_t *rule)
{
    static const char *const known[] = {"ErrorEquals",     "IntervalSeconds", "MaxAttempts", "BackoffRate",
                                        "MaxDelaySeconds", "JitterStrategy",  "Comment",     NULL};
    static const char *const none[] = {NULL};
    const json_t *rate = json_object_get(rule, "BackoffRate"),
                 *jitter = json_object_get(rule, "JitterStrategy");
    const char *strategy = json_string_value(jitter);

    check_members(c, rule, known, none);
    check_integer(c, rule, "IntervalSeconds", 1, MAX_SECONDS);
    check_integer(c, rule, "MaxAttempts", 0, MAX_SECONDS);
    check_integer(c, rule, "MaxDelaySeconds", 1, 31622400); /* a year, as on AWS */
    size_t mark = at_push(c, "BackoffRate");
    if (rate != NULL && (!json_is_number(rate) || json_number_value(rate) < 1.0))
        asl_invalid(c, "'BackoffRate' must be a number, 1.0 or more");
    at_pop(c, mark);
    mark = at_push(c, "JitterStrategy");
    if (jitter != NULL &&
        (strategy == NULL || (strcmp(strategy, "FULL") != 0 && strcmp(strategy, "NONE") != 0)))
        asl_invalid(c, "'JitterStrategy' must be \"FULL\" or \"NONE\"");
    at_pop(c, mark);
}

static void check_rule_assign(struct check *c, const json_t *rule)
{
    const json_t *assign = json_object_get(rule, "Assign");
    size_t mark = at_push(c, "Assign");

    if (assign != NULL)
        check_assign(c, "Assign", assign);
    at_pop(c, mark);
}

static void check_catcher(struct check *c, const json_t *rule)
{
    static const char *const known[] = {"ErrorEquals", "Next", "ResultPath", "Assign", "Comment", NULL};
    static const char *const unsupported[] = {"Output", NULL};
    const json_t *next = json_object_get(rule, "Next"), *result_path = json_object_get(rule, "ResultPath");

    check_members(c, rule, known, unsupported);
    if (next == NULL)
        asl_invalid(c, "'Next' is missing");
    size_t mark = at_push(c, "Next");
    if (next != NULL)
        check_next(c, "Next", next);
    at_pop(c, mark);
    mark = at_push(c, "ResultPath");
    if (result_path != NULL)
        check_result_path(c, "ResultPath", result_path);
    at_pop(c, mark);
    check_rule_assign(c, rule);
}

static void check_error_rules(struct check *c, const char *field, const json_t *v,
                              void (*check)(struct check *c, const json_t *rule))
{
    json_t *rule;
    size_t i;

    if (!json_is_array(v)) {
        asl_invalid(c, "'%s' is %s where an array is expected", field, json_kind(v));
        return;
    }
    json_array_foreach(v, i, rule) {
        size_t mark = at_push_index(c, i);
        if (json_is_object(rule)) {
            check_error_equals(c, rule, i + 1 == json_array_size(v));
            check(c, rule);
        } else {
            asl_invalid(c, "a rule of '%s' is an object, this is %s", field, json_kind(rule));
        }
        at_pop(c, mark);
    }
}

void check_retry(struct check *c, const char *field, const json_t *v)
{
    check_error_rules(c, field, v, check_retrier);
}

void check_catch(struct check *c, const char *field, const json_t *v)
{
    check_error_rules(c, field, v, check_catcher);
}

static void check_operand(struct check *c, const struct comparator *op, const json_t *v)
{
    size_t mark = at_push(c, op->name);

    if (op->path)
        check_path(c, op->name, v);
    else if (op->type == COMPARE_TIMESTAMP)
        check_timestamp(c, op->name, v);
    else if ((op->type == COMPARE_STRING || op->type == COMPARE_PATTERN) && !json_is_string(v))
        asl_invalid(c, "'%s' compares with a string, this is %s", op->name, json_kind(v));
    else if (op->type == COMPARE_NUMERIC && !json_is_number(v))
        asl_invalid(c, "'%s' compares with a number, this is %s", op->name, json_kind(v));
    else if ((op->type == COMPARE_BOOLEAN || op->type == COMPARE_KIND) && !json_is_boolean(v))
        asl_invalid(c, "'%s' compares with true or false, this is %s", op->name, json_kind(v));
    at_pop(c, mark);
}

/* Variable and one comparator. */
static void check_comparison(struct check *c, const json_t *rule)
{
    const char *known[COMPARATOR_COUNT + 8] = {"Variable", "Next", "Comment", "Assign", "And", "Or", "Not"},
                                         *field;
    const json_t *variable = json_object_get(rule, "Variable");
    int found = 0;
    json_t *v;

    for (size_t i = 0; i < COMPARATOR_COUNT; i++)
        known[i + 7] = comparators[i].name;
    json_object_foreach((json_t *)(uintptr_t)rule, field, v) {
        const struct comparator *op = comparator_find(field);
        if (op != NULL) {
            found++;
            check_operand(c, op, v);
        }
    }
    size_t mark = at_push(c, "Variable");
    if (variable == NULL)
        asl_invalid(c, "'Variable' is missing");
    else
        check_path(c, "Variable", variable);
    at_pop(c, mark);
    if (found != 1)
        asl_invalid(c, found == 0 ? "a comparison such as 'StringEquals' is missing"
                                  : "one rule makes one comparison; combine them with 'And'");
    static const char *const unsupported[] = {"Output", "Condition", NULL};
    check_members(c, rule, known, unsupported);
}

static void check_rule(struct check *c, const json_t *rule, bool top);

static void check_rule_list(struct check *c, const char *field, const json_t *list, bool top)
{
    json_t *rule;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0)
        asl_invalid(c, "'%s' must be an array with at least one rule", field);
    json_array_foreach(list, i, rule) {
        size_t mark = at_push_index(c, i);
        check_rule(c, rule, top);
        at_pop(c, mark);
    }
}

/* Recursion is bounded by the nesting that json_parse lets through. */
static void check_rule(struct check *c, const json_t *rule, bool top)
{
    static const char *const combined[] = {"And", "Or", "Not"};
    static const char *const known[] = {"And", "Or", "Not", "Next", "Assign", "Comment", NULL};
    static const char *const unsupported[] = {"Output", "Condition", NULL};
    const json_t *next = json_object_get(rule, "Next");
    int found = 0;

    if (!json_is_object(rule)) {
        asl_invalid(c, "a choice rule is an object, this is %s", json_kind(rule));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(combined); i++) {
        const json_t *v = json_object_get(rule, combined[i]);
        size_t mark = at_push(c, combined[i]);
        if (v != NULL && found++ == 0) {
            if (i == 2)
                check_rule(c, v, false);
            else
                check_rule_list(c, combined[i], v, false);
        }
        at_pop(c, mark);
    }
    if (found > 1)
        asl_invalid(c, "'And', 'Or' and 'Not' exclude each other in one rule");
    if (found > 0)
        check_members(c, rule, known, unsupported);
    else
        check_comparison(c, rule);
    if (top && next == NULL)
        asl_invalid(c, "'Next' is missing");
    size_t mark = at_push(c, "Next");
    if (top && next != NULL)
        check_next(c, "Next", next);
    else if (next != NULL)
        asl_invalid(c, "only the outermost rule has a 'Next'");
    at_pop(c, mark);
    if (top || json_object_get(rule, "Assign") == NULL) {
        check_rule_assign(c, rule);
        return;
    }
    mark = at_push(c, "Assign");
    asl_invalid(c, "only the outermost rule has an 'Assign'");
    at_pop(c, mark);
}

void check_choices(struct check *c, const char *field, const json_t *v)
{
    check_rule_list(c, field, v, true);
}
