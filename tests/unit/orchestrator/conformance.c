/*
 * Runs recorded Step Functions cases where they are at hand (ORCH_CONFORMANCE, or ../shared/conformance next
 * to the source), and says how many of those whose definition asl_parse accepts come out as AWS's did. A
 * yardstick: the project's own tests do not need it.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/machine.h"
#include "tests/tap.h"

static const char *cases_path(void)
{
    static char path[4096];
    const char *given = getenv("ORCH_CONFORMANCE"), *source = getenv("ORCH_SOURCE");

    snprintf(path, sizeof path, "%s/../shared/conformance/asl-cases.jsonl", source ? source : ".");
    return given ? given : path;
}

/* Strings that hold JSON were decoded in the recording: decode them on both sides, at every depth. */
static json_t *decoded(const json_t *v)
{
    json_t *out, *item;
    const char *key;
    size_t i;

    if (json_is_string(v) && (json_string_value(v)[0] == '{' || json_string_value(v)[0] == '[')) {
        json_t *inner = json_loads(json_string_value(v), JSON_DECODE_ANY, NULL);
        out = inner ? decoded(inner) : json_incref((json_t *)(uintptr_t)v);
        json_decref(inner);
        return out;
    }
    if (json_is_object(v)) {
        out = json_object();
        json_object_foreach((json_t *)(uintptr_t)v, key, item)
            json_object_set_new(out, key, decoded(item));
        return out;
    }
    if (json_is_array(v)) {
        out = json_array();
        json_array_foreach(v, i, item)
            json_array_append_new(out, decoded(item));
        return out;
    }
    return json_incref((json_t *)(uintptr_t)v);
}

/* The recorder wrote these words in the place of what changes from run to run. */
static bool is_placeholder(const json_t *v)
{
    const char *s = json_string_value(v);

    return s != NULL && (strcmp(s, "start-time") == 0 || strcmp(s, "entered-time") == 0);
}

static bool same(const json_t *got, const json_t *want)
{
    const char *key;
    json_t *item;
    size_t i;

    if (is_placeholder(want))
        return json_is_string(got);
    if (json_is_number(got) && json_is_number(want))
        return !(json_number_value(got) < json_number_value(want)) &&
               !(json_number_value(got) > json_number_value(want));
    if (json_is_object(got) && json_is_object(want)) {
        if (json_object_size(got) != json_object_size(want))
            return false;
        json_object_foreach((json_t *)(uintptr_t)want, key, item)
            if (!same(json_object_get(got, key), item))
                return false;
        return true;
    }
    if (json_is_array(got) && json_is_array(want)) {
        if (json_array_size(got) != json_array_size(want))
            return false;
        json_array_foreach(want, i, item)
            if (!same(json_array_get(got, i), item))
                return false;
        return true;
    }
    return json_equal(got, want);
}

/* Lambda and service events have the Activity's shape; orch runs every Task as an Activity. */
static json_t *as_activity(const json_t *types)
{
    json_t *out = json_array(), *type;
    size_t i;

    json_array_foreach(types, i, type) {
        const char *s = json_string_value(type);
        char text[80];
        if (strcmp(s, "TaskSubmitted") == 0)
            continue;
        if (strncmp(s, "LambdaFunction", 14) == 0)
            snprintf(text, sizeof text, "Activity%s", s + 14);
        else if (strncmp(s, "Task", 4) == 0 && strncmp(s, "TaskState", 9) != 0)
            snprintf(text, sizeof text, "Activity%s", s + 4);
        else
            snprintf(text, sizeof text, "%s", s);
        json_array_append_new(out, json_string(text));
    }
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

/* Branches run beside each other, in any order; and of the events with which a Parallel ends the recording has lost some. */
static json_t *without_order(const json_t *types)
{
    size_t n = json_array_size(types), i;
    json_t **sorted = xcalloc(n + 1, sizeof(json_t *)), *out = json_array(), *type;

    json_array_foreach(types, i, type)
        sorted[i] = type;
    qsort(sorted, n, sizeof *sorted, by_text);
    for (i = 0; i < n; i++)
        if (strcmp(json_string_value(sorted[i]), "ParallelStateSucceeded") != 0 &&
            strcmp(json_string_value(sorted[i]), "ParallelStateExited") != 0)
            json_array_append(out, sorted[i]);
    free(sorted);
    return out;
}

static bool same_list(const json_t *want, const json_t *got, bool in_order)
{
    if (in_order)
        return json_equal(want, got);
    json_t *a = without_order(want), *b = without_order(got);
    bool yes = json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return yes;
}

static const char *same_events(const json_t *expect, const struct machine_result *r)
{
    json_t *want = json_object_get(expect, "eventTypes"), *states = json_object_get(expect, "statesEntered"),
           *e;
    json_t *mapped = as_activity(want), *got = json_array(), *names = json_array();
    const char *verdict = NULL;
    bool in_order = true;
    size_t i;

    json_array_foreach(r->events, i, e) {
        const char *name =
            json_string_value(json_object_get(json_object_get(e, "stateEnteredEventDetails"), "name"));
        const char *type = json_string_value(json_object_get(e, "type"));
        in_order = in_order && strcmp(type, "ParallelStateStarted") != 0;
        json_array_append(got, json_object_get(e, "type"));
        if (name != NULL)
            json_array_append_new(names, json_string(name));
    }
    if (want != NULL && !same_list(mapped, got, in_order))
        verdict = "event types";
    else if (states != NULL && !same_list(states, names, in_order))
        verdict = "states entered";
    json_decref(mapped);
    json_decref(got);
    json_decref(names);
    return verdict;
}

/* NULL: as recorded; else what differs. */
static const char *verdict_of(const json_t *expect, const struct machine_result *r)
{
    const char *error = json_string_value(json_object_get(expect, "error")), *verdict = NULL;
    const json_t *cause = json_object_get(expect, "cause");
    json_t *a, *b;

    if (strcmp(r->status, json_string_value(json_object_get(expect, "status"))) != 0)
        return "status";
    if (strcmp(r->status, "FAILED") == 0) {
        if (error != NULL && (r->error == NULL || strcmp(error, r->error) != 0))
            return "error";
        char *text = json_dumps(cause ? cause : json_null(), JSON_ENCODE_ANY);
        json_t *got = json_string(r->cause ? r->cause : "");
        a = decoded(cause);
        b = decoded(got);
        if (cause != NULL && !json_is_null(cause) && strchr(text, '<') == NULL && !same(b, a))
            verdict = "cause";
        json_decref(a);
        json_decref(b);
        json_decref(got);
        free(text);
    } else {
        const json_t *expected = json_object_get(expect, "output");
        json_t *parsed =
            json_is_string(expected) ? json_loads(json_string_value(expected), JSON_DECODE_ANY, NULL) : NULL;
        a = decoded(parsed ? parsed : expected);
        b = decoded(r->output);
        if (expected != NULL && !same(b, a))
            verdict = "output";
        json_decref(a);
        json_decref(b);
        json_decref(parsed);
    }
    return verdict ? verdict : same_events(expect, r);
}

/* The recording decoded outputs; a string in a mock that is JSON text was the task's whole output. */
static json_t *mocks_of(const json_t *given)
{
    json_t *mocks = json_deep_copy(given), *list, *mock;
    const char *state;
    size_t i;

    json_object_foreach(mocks, state, list)
        json_array_foreach(list, i, mock) {
            const char *text = json_string_value(json_object_get(mock, "output"));
            json_t *parsed = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
            if (parsed != NULL)
                json_object_set_new(mock, "output", parsed);
        }
    return mocks;
}

/* $$ as far as the case shows it. */
static json_t *context_of(const json_t *input)
{
    const char *role = "snf_role_arn", *name = "<ExecArnPart_0idx>", *machine = "<ArnPart_0idx>";
    const char *account = "arn:<partition>:states:<region>:111111111111";
    char *id = xasprintf("%s:execution:%s:%s", account, machine, name);
    char *machine_id = xasprintf("%s:stateMachine:%s", account, machine);
    json_t *c = json_pack("{s:{s:s,s:O,s:s,s:s,s:s,s:i},s:{s:s,s:s}}", "Execution", "Id", id, "Input", input,
                          "StartTime", "2024-01-01T00:00:00.000Z", "Name", name, "RoleArn", role,
                          "RedriveCount", 0, "StateMachine", "Id", machine_id, "Name", machine);

    free(id);
    free(machine_id);
    return c;
}

struct score {
    char kind[40];
    int passed, accepted, refused;
};

static void run_case(const json_t *the_case, struct score *score)
{
    char *text = json_dumps(json_object_get(the_case, "definition"), JSON_COMPACT);
    const json_t *input = json_object_get(the_case, "input");
    struct machine_result r = {0};
    struct asl_diagnostics d;
    struct asl *asl = NULL;
    struct err err;
    bool in_profile = json_is_true(json_object_get(the_case, "profile"));

    if (asl_parse(text, strlen(text), &asl, &d, &err) < 0) {
        score->refused++;
        for (size_t i = 0; i < d.count;
             i++) /* AWS took them all: "not supported" is the only reason there may be */
            if (strcmp(d.items[i].severity, "ERROR") == 0 &&
                !ok(strcmp(d.items[i].code, "UNSUPPORTED_BY_ORCH") == 0))
                diag("%s: %s %s at %s", json_string_value(json_object_get(the_case, "id")), d.items[i].code,
                     d.items[i].message, d.items[i].location);
        if (in_profile && getenv("ORCH_CONFORMANCE_VERBOSE") != NULL)
            diag("refused  %s: %s", json_string_value(json_object_get(the_case, "id")), err.msg);
    } else {
        json_t *mocks = mocks_of(json_object_get(the_case, "taskMocks")), *context = context_of(input);
        struct rehearsal m = {.asl = asl, .mocks = mocks, .context = context, .start_ms = 1704067200000};
        must_rc(machine_run(&m, input, &r, &err), &err);
        const char *verdict = verdict_of(json_object_get(the_case, "expect"), &r);
        score->accepted++;
        score->passed += verdict == NULL;
        if (verdict != NULL) {
            char *output = json_dumps(r.output ? r.output : json_null(), JSON_ENCODE_ANY);
            diag("differs  %s: %s: %s %s %.300s %.300s", json_string_value(json_object_get(the_case, "id")),
                 verdict, r.status, r.error ? r.error : "", r.cause ? r.cause : "", output);
            free(output);
        }
        machine_release(&r);
        json_decref(mocks);
        json_decref(context);
    }
    asl_diagnostics_release(&d);
    asl_free(asl);
    free(text);
}

TEST(recorded_cases_whose_definition_is_accepted_come_out_as_on_aws)
{
    struct score scores[10] = {{.passed = 0}};
    size_t kinds = 0;
    int passed = 0, accepted = 0;
    FILE *f = fopen(cases_path(), "r");
    char *line = NULL;
    size_t cap = 0;

    if (f == NULL)
        skip("no recorded cases at %s", cases_path());
    while (getline(&line, &cap, f) > 0) {
        json_t *the_case = json_loads(line, 0, NULL);
        const char *kind = json_string_value(json_object_get(the_case, "kind"));
        size_t i = 0;
        must(kind != NULL);
        while (i < kinds && strcmp(scores[i].kind, kind) != 0)
            i++;
        if (i == kinds) {
            must(kinds < ARRAY_LEN(scores));
            snprintf(scores[kinds++].kind, sizeof scores[0].kind, "%s", kind);
        }
        run_case(the_case, &scores[i]);
        json_decref(the_case);
    }
    free(line);
    fclose(f);
    for (size_t i = 0; i < kinds; i++) {
        diag("%-14s %3d of %3d accepted as on AWS, %d refused at load", scores[i].kind, scores[i].passed,
             scores[i].accepted, scores[i].refused);
        passed += scores[i].passed;
        accepted += scores[i].accepted;
    }
    diag("all            %3d of %3d", passed, accepted);
    ok(accepted > 0);
    /* three recorded inputs were blanked out, or rest on AWS's 256 KiB limit: see docs/state-machine.md */
    ok(passed * 100 >= accepted * 97);
}

/* The published ingest definition, its placeholders replaced by ARNs, on answers such as its Lambdas gave. */
TEST(the_published_ingest_definition_runs)
{
    struct buf text = BUF_INIT(MAX_DEFINITION), filled = BUF_INIT(MAX_DEFINITION);
    char path[4096];
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct machine_result r;
    struct err err;

    snprintf(path, sizeof path, "%.*s/data-ingestion-workflow.asl.json",
             (int)(strrchr(cases_path(), '/') - cases_path()), cases_path());
    if (fs_read(path, &text, &err) < 0)
        skip("no published definition at %s", path);
    for (const char *p = text.p; *p != '\0';) {
        if (str_starts(p, "{TO BE REPLACED")) {
            must_rc(buf_adds(&filled, "arn:aws:lambda:us-east-1:123456789012:function:f", &err), &err);
            p = strchr(p, '}') + 1;
        } else {
            must_rc(buf_add(&filled, p++, 1, &err), &err);
        }
    }
    must_rc(asl_parse(filled.p, filled.n, &a, &d, &err), &err);
    json_t *input = json_object();
    json_t *mocks = json_loads(
        "{\"nowprocessingCatch\":[{\"output\":{\"process_status\":0}}],"
        "\"queueCatch\":[{\"output\":{\"process_status\":0,\"timestamp\":\"2022-06-05-12\"}}],"
        "\"nowprocessingCreate\":[{\"output\":{\"is_parallel\":0,\"timestamp\":\"2022-06-05-12\"}}],"
        "\"data_ingestion_into_db\":[{\"error\":\"Glue.ConcurrentRunsExceededException\"},"
        "{\"output\":{\"Arguments\":{\"--date_time\":\"2022-06-05-12\"}}}],"
        "\"queueFilesCleanup\":[{\"output\":\"done\"}]}",
        0, NULL);
    struct rehearsal m = {.asl = a, .mocks = mocks};
    must_rc(machine_run(&m, input, &r, &err), &err);
    is_str(r.status, "SUCCEEDED");
    char *states = machine_states(&r);
    is_str(states,
           "nowprocessingCatch nowprocessingCheck queueCatch queueCheck nowprocessingCreate isParallelCheck "
           "data_ingestion_into_db queueFilesCleanup endStatus");
    is_str(json_string_value(json_object_get(json_array_get(r.parameters, 5), "timestamp")), "2022-06-05-12");
    free(states);
    machine_release(&r);
    asl_diagnostics_release(&d);
    asl_free(a);
    json_decref(mocks);
    json_decref(input);
    buf_release(&text);
    buf_release(&filled);
}
