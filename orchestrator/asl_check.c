#include "orchestrator/asl_int.h"

/* Which fields each state type has: one table. What stands in them is checked in asl_rules.c. */
enum {
    IN_TASK = 1,
    IN_PASS = 2,
    IN_CHOICE = 4,
    IN_WAIT = 8,
    IN_SUCCEED = 16,
    IN_FAIL = 32,
    IN_PARALLEL = 64,
    IN_MAP = 128,
    IN_ANY = 255,
    NOT_FAIL = IN_ANY & ~IN_FAIL,
    WORKS = IN_TASK | IN_PARALLEL | IN_MAP, /* has a result that may fail to come */
    FLOWS_ON = WORKS | IN_PASS | IN_WAIT,
    ASSIGNS = FLOWS_ON | IN_CHOICE,
};
static const struct {
    const char *name;
    unsigned bit;
} types[] = {{"Task", IN_TASK},       {"Pass", IN_PASS}, {"Choice", IN_CHOICE},     {"Wait", IN_WAIT},
             {"Succeed", IN_SUCCEED}, {"Fail", IN_FAIL}, {"Parallel", IN_PARALLEL}, {"Map", IN_MAP}};

static void check_string(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_string(v))
        asl_invalid(c, "'%s' is %s where a string is expected", field, json_kind(v));
}

static void check_any(struct check *c, const char *field, const json_t *v)
{
    UNUSED(c);
    UNUSED(field);
    UNUSED(v);
}

static void check_end(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_true(v))
        asl_invalid(c, "'%s' can only be true; leave it out and name the Next state instead", field);
}

static void check_seconds(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > MAX_SECONDS)
        asl_invalid(c, "'%s' must be a whole number from 1 to %d", field, MAX_SECONDS);
}

static void check_wait_seconds(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > MAX_SECONDS)
        asl_invalid(c, "'%s' must be a whole number from 0 to %d", field, MAX_SECONDS);
}

/* Any URI; whether a step answers to it is the engine's question. */
static void check_resource(struct check *c, const char *field, const json_t *v)
{
    const char *uri = json_string_value(v);
    size_t n = uri ? strcspn(uri, ":") : 0;
    bool good = n > 0 && uri[n] == ':' && uri[n + 1] != '\0';

    for (const char *p = good ? uri : ""; *p != '\0'; p++) {
        bool alpha = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (p < uri + n)
            good = good && (alpha || (p > uri && ((*p >= '0' && *p <= '9') || strchr("+.-", *p) != NULL)));
        else
            good = good && (unsigned char)*p > ' ' && *p != 0x7f && strchr("{}\"<>\\^`|", *p) == NULL;
    }
    if (!good)
        asl_invalid(c,
                    "'%s' must be a URI such as arn:aws:states:us-east-1:000000000000:activity:orch-ingest",
                    field);
}

static void check_query_language(struct check *c, const char *field, const json_t *v)
{
    const char *s = json_string_value(v);

    if (s == NULL || (strcmp(s, "JSONPath") != 0 && strcmp(s, "JSONata") != 0))
        asl_invalid(c, "'%s' must be \"JSONPath\"", field);
}

static void check_version(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_string(v) || strcmp(json_string_value(v), "1.0") != 0)
        asl_invalid(c, "'%s' must be \"1.0\"", field);
}

static void check_states(struct check *c, const char *field, const json_t *v)
{
    if (!json_is_object(v) || json_object_size(v) == 0)
        asl_invalid(c, "'%s' must be an object with at least one state", field);
}

static void check_unsupported(struct check *c, const char *field, const json_t *v)
{
    UNUSED(v);
    asl_unsupported(c, "'%s' is valid on AWS, but not in profile orch-asl/1", field);
}

static void check_jsonata_field(struct check *c, const char *field, const json_t *v)
{
    UNUSED(v);
    asl_unsupported(c, "'%s' belongs to JSONata, which is not in profile orch-asl/1", field);
}

/* A role of AWS's: the state is run as ever, and its owner is told. */
static void check_credentials(struct check *c, const char *field, const json_t *v)
{
    const json_t *role = json_object_get(v, "RoleArn"), *path = json_object_get(v, "RoleArn.$");

    if (json_object_size(v) != 1 || (path == NULL && !json_is_string(role))) {
        asl_invalid(c, "'%s' must be an object with 'RoleArn' or 'RoleArn.$', a string", field);
        return;
    }
    check_template(c, field, v);
    asl_diagnose(c, "WARNING", "CREDENTIALS_NOT_USED",
                 "'%s' names a role of AWS; orch runs its steps as the user who started it", field);
}

struct field {
    const char *name;
    unsigned in;
    void (*check)(struct check *c, const char *field, const json_t *v);
};

static const struct field document_fields[] = {
    {"StartAt", 0, check_next},           {"States", 0, check_states},
    {"Comment", 0, check_string},         {"Version", 0, check_version},
    {"TimeoutSeconds", 0, check_seconds}, {"QueryLanguage", 0, check_query_language},
};

static const struct field branch_fields[] = {
    {"StartAt", 0, check_next},
    {"States", 0, check_states},
    {"Comment", 0, check_string},
};

static const struct field processor_fields[] = {
    {"StartAt", 0, check_next},
    {"States", 0, check_states},
    {"Comment", 0, check_string},
    {"ProcessorConfig", 0, check_any}, /* asl_fork.c */
};

static const struct field state_fields[] = {
    {"Type", IN_ANY, check_any},
    {"Comment", IN_ANY, check_string},
    {"QueryLanguage", IN_ANY, check_query_language},
    {"InputPath", NOT_FAIL, check_path_or_null},
    {"OutputPath", NOT_FAIL, check_path_or_null},
    {"Next", FLOWS_ON, check_next},
    {"End", FLOWS_ON, check_end},
    {"Parameters", WORKS | IN_PASS, check_template},
    {"ResultPath", WORKS | IN_PASS, check_result_path},
    {"ResultSelector", WORKS, check_template},
    {"Assign", ASSIGNS, check_assign},
    {"Resource", IN_TASK, check_resource},
    {"TimeoutSeconds", IN_TASK, check_seconds},
    {"TimeoutSecondsPath", IN_TASK, check_path},
    {"HeartbeatSeconds", IN_TASK, check_seconds},
    {"HeartbeatSecondsPath", IN_TASK, check_path},
    {"Credentials", IN_TASK, check_credentials},
    {"Retry", WORKS, check_retry},
    {"Catch", WORKS, check_catch},
    {"Branches", IN_PARALLEL, check_branches},
    {"ItemProcessor", IN_MAP, check_processor},
    {"Iterator", IN_MAP, check_processor},
    {"ItemsPath", IN_MAP, check_path},
    {"ItemSelector", IN_MAP, check_template},
    {"MaxConcurrency", IN_MAP, check_count},
    {"MaxConcurrencyPath", IN_MAP, check_path},
    {"ToleratedFailureCount", IN_MAP, check_count},
    {"ToleratedFailureCountPath", IN_MAP, check_path},
    {"ToleratedFailurePercentage", IN_MAP, check_tolerated_percentage},
    {"ToleratedFailurePercentagePath", IN_MAP, check_path},
    {"Result", IN_PASS, check_any},
    {"Choices", IN_CHOICE, check_choices},
    {"Default", IN_CHOICE, check_next},
    {"Seconds", IN_WAIT, check_wait_seconds},
    {"SecondsPath", IN_WAIT, check_path},
    {"Timestamp", IN_WAIT, check_timestamp},
    {"TimestampPath", IN_WAIT, check_path},
    {"Error", IN_FAIL, check_string},
    {"ErrorPath", IN_FAIL, check_path_or_call},
    {"Cause", IN_FAIL, check_string},
    {"CausePath", IN_FAIL, check_path_or_call},
    /* valid on AWS */
    {"ItemReader", IN_MAP, check_unsupported},
    {"ItemBatcher", IN_MAP, check_unsupported},
    {"ResultWriter", IN_MAP, check_unsupported},
    {"Label", IN_MAP, check_unsupported},
    {"Arguments", IN_TASK | IN_PARALLEL, check_jsonata_field},
    {"Items", IN_MAP, check_jsonata_field},
    {"Output", NOT_FAIL, check_jsonata_field},
};

static void check_unknown(struct check *c, const char *name, const struct field *rows, size_t count,
                          unsigned in)
{
    const char *known[ARRAY_LEN(state_fields) + 1];
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (in == 0 || (rows[i].in & in) != 0)
            known[n++] = rows[i].name;
    known[n] = NULL;
    unknown_field(c, name, known);
}

/* Checks each member of the object against the rows whose mask has `in` (0: all rows). */
static void check_fields(struct check *c, const json_t *object, const struct field *rows, size_t count,
                         unsigned in, const char *type)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)object, name, v) {
        size_t mark = at_push(c, name), i = 0;
        while (i < count && strcmp(rows[i].name, name) != 0)
            i++;
        if (i == count)
            check_unknown(c, name, rows, count, in);
        else if (in != 0 && (rows[i].in & in) == 0)
            asl_invalid(c, "a %s state has no field '%s'", type, name);
        else
            rows[i].check(c, name, v);
        at_pop(c, mark);
    }
}

static void check_machine_fields(struct check *c, const json_t *machine, const struct field *rows,
                                 size_t count)
{
    const json_t *around = c->states;

    c->states = json_object_get(machine, "States");
    check_fields(c, machine, rows, count, 0, "");
    if (json_object_get(machine, "StartAt") == NULL)
        asl_invalid(c, "'StartAt' is missing");
    if (c->states == NULL)
        asl_invalid(c, "'States' is missing");
    c->states = around;
}

void check_document_fields(struct check *c, const json_t *root)
{
    check_machine_fields(c, root, document_fields, ARRAY_LEN(document_fields));
}

void check_branch_fields(struct check *c, const json_t *branch)
{
    check_machine_fields(c, branch, branch_fields, ARRAY_LEN(branch_fields));
}

void check_processor_fields(struct check *c, const json_t *processor)
{
    check_machine_fields(c, processor, processor_fields, ARRAY_LEN(processor_fields));
}

bool json_is_jsonata(const json_t *object)
{
    const char *s = json_string_value(json_object_get(object, "QueryLanguage"));

    return s != NULL && strcmp(s, "JSONata") == 0;
}

/* How many of the two (or four) are there. */
static int present(const json_t *state, const char *const *fields)
{
    int n = 0;

    for (; *fields != NULL; fields++)
        n += json_object_get(state, *fields) != NULL;
    return n;
}

void at_most_one(struct check *c, const json_t *state, const char *a, const char *b)
{
    if (json_object_get(state, a) != NULL && json_object_get(state, b) != NULL)
        asl_invalid(c, "'%s' and '%s' exclude each other", a, b);
}

static void check_task(struct check *c, const json_t *state)
{
    const json_t *timeout = json_object_get(state, "TimeoutSeconds");
    const json_t *heartbeat = json_object_get(state, "HeartbeatSeconds");

    if (json_object_get(state, "Resource") == NULL)
        asl_invalid(c, "'Resource' is missing");
    at_most_one(c, state, "TimeoutSeconds", "TimeoutSecondsPath");
    at_most_one(c, state, "HeartbeatSeconds", "HeartbeatSecondsPath");
    if (json_is_integer(timeout) && json_is_integer(heartbeat) &&
        json_integer_value(heartbeat) >= json_integer_value(timeout))
        asl_invalid(c, "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'");
    if (timeout == NULL && json_object_get(state, "TimeoutSecondsPath") == NULL)
        asl_diagnose(c, "WARNING", "MISSING_TIMEOUT", "a Task without 'TimeoutSeconds' may run for ever");
}

static void check_wait(struct check *c, const json_t *state)
{
    static const char *const forms[] = {"Seconds", "SecondsPath", "Timestamp", "TimestampPath", NULL};

    if (present(state, forms) != 1)
        asl_invalid(c, "exactly one of 'Seconds', 'SecondsPath', 'Timestamp' and 'TimestampPath' is needed");
}

static void check_choice(struct check *c, const json_t *state)
{
    if (json_object_get(state, "Choices") == NULL)
        asl_invalid(c, "'Choices' is missing");
    if (json_object_get(state, "Default") == NULL)
        asl_diagnose(c, "WARNING", "MISSING_DEFAULT",
                     "where no rule matches, a Choice without 'Default' fails the execution");
}

static void check_flow(struct check *c, const json_t *state)
{
    static const char *const ways[] = {"Next", "End", NULL};
    int n = present(state, ways);

    if (n == 2)
        asl_invalid(c, "'Next' and 'End' exclude each other");
    else if (n == 0)
        asl_invalid(c, "either 'Next' or \"End\": true is needed");
}

static void check_type(struct check *c, const json_t *state, const char *type)
{
    const char *known[ARRAY_LEN(types) + 1] = {NULL}, *nearest;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known[i] = types[i].name;
    nearest = type ? str_nearest(type, known) : NULL;
    size_t mark = at_push(c, "Type");
    if (json_object_get(state, "Type") == NULL)
        asl_invalid(c, "'Type' is missing");
    else if (type == NULL)
        asl_invalid(c, "'Type' is %s where a string is expected", json_kind(json_object_get(state, "Type")));
    else
        asl_invalid(c, "'%s' is no state type%s%s%s", type, nearest ? "; '" : "", nearest ? nearest : "",
                    nearest ? "' is the nearest" : "");
    at_pop(c, mark);
}

static size_t characters(const char *utf8)
{
    size_t n = 0;

    for (; *utf8 != '\0'; utf8++)
        n += ((unsigned char)*utf8 & 0xc0) != 0x80;
    return n;
}

void check_state(struct check *c, const char *name, const json_t *state)
{
    const char *type = json_string_value(json_object_get(state, "Type"));
    unsigned in = 0;

    if (name[0] == '\0' || characters(name) > MAX_STATE_NAME)
        asl_invalid(c, "a state's name has 1 to %d characters", MAX_STATE_NAME);
    if (!json_is_object(state)) {
        asl_invalid(c, "a state must be an object, this is %s", json_kind(state));
        return;
    }
    for (size_t i = 0; type != NULL && i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].name, type) == 0)
            in = types[i].bit;
    if (in == 0) {
        check_type(c, state, type);
        return;
    }
    if (json_is_jsonata(state)) {
        size_t mark = at_push(c, "QueryLanguage");
        asl_unsupported(c, "JSONata is not in profile orch-asl/1; use JSONPath");
        at_pop(c, mark);
        return;
    }
    check_fields(c, state, state_fields, ARRAY_LEN(state_fields), in, type);
    if ((in & FLOWS_ON) != 0)
        check_flow(c, state);
    if (in == IN_TASK)
        check_task(c, state);
    else if (in == IN_WAIT)
        check_wait(c, state);
    else if (in == IN_CHOICE)
        check_choice(c, state);
    else if (in == IN_PARALLEL)
        check_parallel(c, state);
    else if (in == IN_MAP)
        check_map(c, state);
    at_most_one(c, state, "Error", "ErrorPath");
    at_most_one(c, state, "Cause", "CausePath");
}
