/* The checker, for what runs within a state: branches of a Parallel, the ItemProcessor of a Map; and whose variables are
 * whose. */
#include "base/limits.h"
#include "orchestrator/asl_int.h"
#include "orchestrator/path.h"

/* ---- what runs within ---- */

static void check_inner(struct check *c, const json_t *machine,
                        void (*check_own)(struct check *c, const json_t *machine))
{
    check_own(c, machine);
    if (c->depth == MAX_NESTED) {
        asl_unsupported(c, "Parallel and Map states nested deeper than %d are not in profile orch-asl/1",
                        MAX_NESTED);
        return;
    }
    c->depth++;
    check_machine(c, machine);
    c->depth--;
}

void check_branches(struct check *c, const char *field, const json_t *v)
{
    json_t *branch;
    size_t i;

    if (!json_is_array(v) || json_array_size(v) == 0) {
        asl_invalid(c, "'%s' must be an array with at least one branch", field);
        return;
    }
    json_array_foreach(v, i, branch) {
        size_t mark = at_push_index(c, i);
        if (json_is_object(branch))
            check_inner(c, branch, check_branch_fields);
        else
            asl_invalid(c, "a branch is an object with 'StartAt' and 'States', this is %s",
                        json_kind(branch));
        at_pop(c, mark);
    }
}

void check_parallel(struct check *c, const json_t *state)
{
    if (json_object_get(state, "Branches") == NULL)
        asl_invalid(c, "'Branches' is missing");
}

static void check_config(struct check *c, const json_t *config)
{
    static const char *const known[] = {"Mode", "ExecutionType", NULL};
    const char *mode = json_string_value(json_object_get(config, "Mode")), *field;
    json_t *v;

    if (!json_is_object(config)) {
        asl_invalid(c, "'ProcessorConfig' is %s where an object is expected", json_kind(config));
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)config, field, v) {
        size_t mark = at_push(c, field);
        if (strcmp(field, "Mode") != 0 && strcmp(field, "ExecutionType") != 0)
            unknown_field(c, field, known);
        else if (strcmp(field, "Mode") != 0 && (mode == NULL || strcmp(mode, "DISTRIBUTED") != 0))
            asl_invalid(c, "'ExecutionType' is there only with 'Mode' DISTRIBUTED");
        else if (strcmp(field, "Mode") == 0 && mode != NULL && strcmp(mode, "DISTRIBUTED") == 0)
            asl_unsupported(c, "a distributed Map is valid on AWS, but not in profile orch-asl/1; 'Mode' "
                               "INLINE is");
        else if (strcmp(field, "Mode") == 0 && (mode == NULL || strcmp(mode, "INLINE") != 0))
            asl_invalid(c, "'Mode' must be \"INLINE\"");
        at_pop(c, mark);
    }
}

void check_processor(struct check *c, const char *field, const json_t *v)
{
    const json_t *config = json_object_get(v, "ProcessorConfig");

    if (!json_is_object(v)) {
        asl_invalid(c, "'%s' is %s where an object with 'StartAt' and 'States' is expected", field,
                    json_kind(v));
        return;
    }
    size_t mark = at_push(c, "ProcessorConfig");
    if (config != NULL)
        check_config(c, config);
    at_pop(c, mark);
    check_inner(c, v, check_processor_fields);
}

void check_count(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        asl_invalid(c, "'%s' must be a whole number, 0 or more", field);
}

void check_tolerated_percentage(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_number(v) || json_number_value(v) < 0 || json_number_value(v) > 100)
        asl_invalid(c, "'%s' must be a number from 0 to 100", field);
}

/*
 * The items are worked out once more whenever the execution is read back, and a redrive changes RedriveCount, RedriveTime and
 * RetryCount. A path to one node finds none of them where an array is asked for; one that gathers nodes of $$ would.
 */
static void check_items(struct check *c, const json_t *state)
{
    static const char *const lasting[] = {"$$.Execution.Input", "$$.Map.Item.Value"};
    const char *path = json_string_value(json_object_get(state, "InputPath"));

    if (path == NULL || !str_starts(path, "$$") || path_kind(path, true) != 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(lasting); i++) {
        size_t n = strlen(lasting[i]);
        if (strncmp(path, lasting[i], n) == 0 && (path[n] == '.' || path[n] == '['))
            return;
    }
    size_t mark = at_push(c, "InputPath");
    asl_unsupported(
        c,
        "'InputPath': '%.100s' gathers nodes of $$, which a redrive changes, and a Map's items with "
        "them; that is not in profile orch-asl/1. Name one node, such as $$.Execution.Input",
        path);
    at_pop(c, mark);
}

void check_map(struct check *c, const json_t *state)
{
    if (json_object_get(state, "ItemProcessor") == NULL && json_object_get(state, "Iterator") == NULL)
        asl_invalid(c, "'ItemProcessor' is missing");
    at_most_one(c, state, "ItemProcessor", "Iterator");
    at_most_one(c, state, "ItemSelector", "Parameters");
    at_most_one(c, state, "MaxConcurrency", "MaxConcurrencyPath");
    at_most_one(c, state, "ToleratedFailureCount", "ToleratedFailureCountPath");
    at_most_one(c, state, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath");
    check_items(c, state);
}

/* ---- scopes ---- */

/* The names that one Assign sets, put to `own`. */
static void take_names(struct check *c, json_t *own, const json_t *object)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)json_object_get(object, "Assign"), key, v) {
        char name[400];
        snprintf(name, sizeof name, "%.*s", (int)(strlen(key) - (str_ends(key, ".$") ? 2 : 0)), key);
        if (json_object_get(c->scope, name) != NULL)
            asl_invalid(
                c,
                "the variable '%.80s' is set outside already; within a branch or an ItemProcessor it can "
                "be read, not set",
                name);
        json_object_set_new_nocheck(own, name, json_true());
    }
}

static void take_state_names(struct check *c, json_t *own, const char *name, const json_t *state)
{
    const char *around = c->state, *field;
    json_t *v, *item;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)state, field, v) { /* most states have none of these */
        bool assign = strcmp(field, "Assign") == 0;
        if (!assign && strcmp(field, "Choices") != 0 && strcmp(field, "Catch") != 0)
            continue;
        size_t mark = at_push(c, "States"), inner = at_push(c, name);
        UNUSED(inner);
        c->state = name;
        if (assign)
            take_names(c, own, state);
        else
            json_array_foreach(v, i, item)
                take_names(c, own, item);
        c->state = around;
        at_pop(c, mark);
    }
}

json_t *check_scope(struct check *c, const json_t *states)
{
    const char *name;
    json_t *state, *own = json_object();

    json_object_foreach((json_t *)(uintptr_t)states, name, state)
        take_state_names(c, own, name, state);
    json_object_update(own, c->scope);
    return own;
}
