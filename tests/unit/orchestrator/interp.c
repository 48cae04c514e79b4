#include "orchestrator/interp.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/machine.h"
#include "tests/tap.h"

static const int64_t start = 1654430400000; /* 2022-06-05T12:00:00Z */

/* Runs and keeps the last result for the checks; mocks may be NULL. */
static struct machine_result last;
static uint32_t jitter;

static void run(const char *definition, const char *input, const char *mocks)
{
    struct asl *a = asl_of(definition);
    json_t *in = json_of(input), *m = mocks ? json_of(mocks) : NULL;
    struct rehearsal machine = {
        .asl = a, .mocks = m, .start_ms = start, .jitter = jitter, .max_events = 2000};
    struct err err;

    machine_release(&last);
    must_rc(machine_run(&machine, in, &last, &err), &err);
    asl_free(a);
    json_decref(in);
    json_decref(m);
}

/* One state S ("End": true) on its own. */
static void run_state(const char *members, const char *input, const char *mocks)
{
    char *text = machine_of_state(members);

    run(text, input, mocks);
    free(text);
}

static void is_json(const json_t *got, const char *want)
{
    char *text = json_text(got);

    is_str(text, want);
    free(text);
}

static void output_is(const char *want)
{
    machine_gives(&last, want);
}

static void types_are(const char *want)
{
    machine_types_are(&last, want);
}

static void states_are(const char *want)
{
    char *states = machine_states(&last);

    is_str(states, want);
    free(states);
}

/* Member of the n-th event of the type. */
static const json_t *detail(const char *type, int n, const char *key, const char *member)
{
    json_t *e;
    size_t i;

    json_array_foreach(last.events, i, e)
        if (strcmp(json_string_value(json_object_get(e, "type")), type) == 0 && n-- == 0)
            return json_object_get(json_object_get(e, key), member);
    return NULL;
}

#define ARN  "arn:aws:states:us-east-1:000000000000:activity:orch-x"
#define TASK "\"Type\":\"Task\",\"Resource\":\"" ARN "\",\"TimeoutSeconds\":60"

TEST(data_flows_input_parameters_result_selector_result_path_output_path)
{
    run_state(
        TASK ",\"InputPath\":\"$.in\",\"Parameters\":{\"a.$\":\"$.x\",\"state.$\":\"$$.State.Name\"},"
             "\"ResultSelector\":{\"r.$\":\"$.rows\"},\"ResultPath\":\"$.out.task\",\"OutputPath\":\"$.out\"",
        "{\"in\":{\"x\":1},\"out\":{\"k\":2}}", "{\"S\":[{\"output\":{\"rows\":7,\"noise\":1}}]}");
    output_is("{\"k\":2,\"task\":{\"r\":7}}");
    is_json(json_array_get(last.parameters, 0), "{\"a\":1,\"state\":\"S\"}");
    types_are("ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded "
              "TaskStateExited "
              "ExecutionSucceeded");
}

TEST(null_paths_mean_nothing_in_discard_and_nothing_out)
{
    run_state(TASK ",\"InputPath\":null", "{\"x\":1}", "{\"S\":[{\"output\":7}]}");
    output_is("7");
    is_json(json_array_get(last.parameters, 0), "{}");
    run_state(TASK ",\"ResultPath\":null", "{\"x\":1}", "{\"S\":[{\"output\":7}]}");
    output_is("{\"x\":1}");
    run_state(TASK ",\"OutputPath\":null", "{\"x\":1}", "{\"S\":[{\"output\":7}]}");
    output_is("{}");
}

TEST(pass_states)
{
    run_state("\"Type\":\"Pass\"", "{\"x\":1}", NULL);
    output_is("{\"x\":1}");
    run_state("\"Type\":\"Pass\",\"ResultPath\":\"$\"", "[1]", NULL);
    output_is("[1]");
    run_state("\"Type\":\"Pass\",\"Result\":{\"a.$\":\"$.x\"},\"ResultPath\":\"$.r\"", "{\"x\":1}", NULL);
    output_is("{\"x\":1,\"r\":{\"a.$\":\"$.x\"}}");
    run_state(
        "\"Type\":\"Pass\",\"InputPath\":\"$.a\",\"Parameters\":{\"b.$\":\"$.b\"},\"ResultPath\":\"$.c\"",
        "{\"a\":{\"b\":null}}", NULL);
    output_is("{\"a\":{\"b\":null},\"c\":{\"b\":null}}");
    types_are("ExecutionStarted PassStateEntered PassStateExited ExecutionSucceeded");
}

TEST(events_have_the_shapes_of_get_execution_history)
{
    run_state(TASK ",\"HeartbeatSeconds\":9", "{\"x\":1}", "{\"S\":[{\"output\":[null]}]}");
    is_json(json_array_get(last.events, 1), "{\"type\":\"TaskStateEntered\",\"stateEnteredEventDetails\":{"
                                            "\"name\":\"S\",\"input\":\"{\\\"x\\\":1}\","
                                            "\"inputDetails\":{\"truncated\":false}}}");
    is_json(json_array_get(last.events, 2),
            "{\"type\":\"ActivityScheduled\",\"activityScheduledEventDetails\":{\"input\":\"{\\\"x\\\":1}\","
            "\"inputDetails\":{\"truncated\":false},\"resource\":\"" ARN
            "\",\"timeoutInSeconds\":60,\"heartbeatInSeconds\":9}}");
    is_json(json_array_get(last.events, 4),
            "{\"type\":\"ActivitySucceeded\",\"activitySucceededEventDetails\":{\"output\":\"[null]\","
            "\"outputDetails\":{\"truncated\":false}}}");
    is_json(json_array_get(last.events, 5),
            "{\"type\":\"TaskStateExited\",\"stateExitedEventDetails\":{\"name\":\"S\",\"output\":\"[null]\","
            "\"outputDetails\":{\"truncated\":false}}}");
    is_json(json_array_get(last.events, 6),
            "{\"type\":\"ExecutionSucceeded\",\"executionSucceededEventDetails\":{\"output\":\"[null]\","
            "\"outputDetails\":{\"truncated\":false}}}");
}

TEST(choice_takes_the_first_rule_that_holds)
{
    const char *text =
        "{\"StartAt\":\"C\",\"States\":{\"C\":{\"Type\":\"Choice\",\"InputPath\":\"$.w\",\"Choices\":["
        "{\"Variable\":\"$.job\",\"IsNull\":true,\"Next\":\"A\"},{\"Variable\":\"$.job\",\"NumericLessThan\":"
        "9,\"Next\":\"B\"},"
        "{\"Variable\":\"$.job\",\"IsNumeric\":true,\"Next\":\"A\"}]},"
        "\"A\":{\"Type\":\"Succeed\",\"OutputPath\":\"$.job\"},\"B\":{\"Type\":\"Pass\",\"End\":true}}}";

    run(text, "{\"w\":{\"job\":3}}", NULL);
    output_is("{\"job\":3}");
    states_are("C B");
    run(text, "{\"w\":{\"job\":null}}", NULL);
    output_is("null");
    types_are("ExecutionStarted ChoiceStateEntered ChoiceStateExited SucceedStateEntered SucceedStateExited "
              "ExecutionSucceeded");
    run(text, "{\"w\":{\"job\":\"x\"}}", NULL);
    is_str(last.status, "FAILED");
    is_str(last.error, "States.Runtime");
    is_str(
        last.cause,
        "An error occurred while executing the state 'C' (entered at the event id #2). Failed to transition "
        "out of the state. The state does not point to a next state.");
    types_are("ExecutionStarted ChoiceStateEntered ExecutionFailed");
    run(text, "{\"w\":{}}", NULL);
    is_str(
        last.cause,
        "An error occurred while executing the state 'C' (entered at the event id #2). Invalid path '$.job': "
        "The choice state's condition path references an invalid value.");
}

TEST(waits)
{
    run_state("\"Type\":\"Wait\",\"Seconds\":90", "{\"x\":1}", NULL);
    output_is("{\"x\":1}");
    is_int(last.end_ms, start + 90000);
    types_are("ExecutionStarted WaitStateEntered WaitStateExited ExecutionSucceeded");
    run_state("\"Type\":\"Wait\",\"Seconds\":0", "{}", NULL);
    is_json(last.waits, "[]");
    run_state("\"Type\":\"Wait\",\"SecondsPath\":\"$.s\"", "{\"s\":5}", NULL);
    is_int(last.end_ms, start + 5000);
    run_state("\"Type\":\"Wait\",\"Timestamp\":\"2022-06-05T14:00:01+02:00\"", "{}", NULL);
    is_int(last.end_ms, start + 1000);
    run_state("\"Type\":\"Wait\",\"TimestampPath\":\"$.t\",\"OutputPath\":\"$.t\"",
              "{\"t\":\"2022-06-05T11:59:59Z\"}", NULL);
    output_is("\"2022-06-05T11:59:59Z\"");
    is_json(last.waits, "[]"); /* past: at once */
}

TEST(waits_that_cannot_be)
{
    static const struct {
        const char *field, *input, *cause;
    } rows[] = {
        {"\"SecondsPath\":\"$.s\"", "{}", "The SecondsPath parameter does not reference an input value: $.s"},
        {"\"SecondsPath\":\"$.s\"", "{\"s\":\"5\"}",
         "The SecondsPath parameter cannot be parsed as a long value: $.s == 5"},
        {"\"SecondsPath\":\"$.s\"", "{\"s\":-5}",
         "The SecondsPath parameter references a negative value: $.s == -5"},
        {"\"SecondsPath\":\"$.s\"", "{\"s\":9223372036854775807}", "Wait state delay is too long."},
        {"\"TimestampPath\":\"$.s\"", "{\"s\":\"9999-01-01T00:00:00Z\"}", "Wait state delay is too long."},
        {"\"TimestampPath\":\"$.s\"", "{\"s\":\"tomorrow\"}",
         "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
         "string: $.s == tomorrow"},
    };
    char field[200], cause[400];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(field, sizeof field, "\"Type\":\"Wait\",%s", rows[i].field);
        snprintf(cause, sizeof cause,
                 "An error occurred while executing the state 'S' (entered at the event id #2). %s",
                 rows[i].cause);
        run_state(field, rows[i].input, NULL);
        is_str(last.error, "States.Runtime");
        is_str(last.cause, cause);
        types_are("ExecutionStarted WaitStateEntered ExecutionFailed");
    }
}

TEST(fail_says_what_it_is_told)
{
    run("{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\"}}}", "{}", NULL);
    is_str(last.status, "FAILED");
    ok(last.error == NULL && last.cause == NULL);
    types_are("ExecutionStarted FailStateEntered ExecutionFailed");
    run("{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\",\"ErrorPath\":\"$.e.Error\",\"CausePath\":"
        "\"$$.Execution.Input.e.Cause\"}}}",
        "{\"e\":{\"Error\":\"Orch.BadCsv\",\"Cause\":\"line 4711\"}}", NULL);
    is_str(last.error, "Orch.BadCsv");
    is_str(last.cause, "line 4711");
    run("{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\",\"ErrorPath\":\"$.ErrorX\",\"Cause\":\"c\"}}"
        "}",
        "{\"Error\":1}", NULL);
    is_str(last.error, "States.Runtime");
    is_str(last.cause, "An error occurred while executing the state 'F' (entered at the event id #2). The "
                       "JSONPath '$.ErrorX' "
                       "specified for the field 'ErrorPath' could not be found in the input '{\"Error\":1}'");
    run("{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\",\"Error\":\"E\",\"CausePath\":\"$.n\"}}}",
        "{\"n\":1}", NULL);
    is_str(last.error, "States.Runtime");
}

#define CATCH_ALL "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":\"$.failure\",\"Next\":\"H\"}]"
#define HANDLER   "\"H\":{\"Type\":\"Pass\",\"End\":true}"
static void run_caught(const char *members, const char *input, const char *mocks)
{
    char text[8192];

    snprintf(text, sizeof text,
             "{\"StartAt\":\"S\",\"States\":{\"S\":{" TASK ",%s,\"End\":true}," HANDLER "}}", members);
    run(text, input, mocks);
}

TEST(a_failed_task_ends_the_execution_with_its_error)
{
    run_state(TASK, "{}", "{\"S\":[{\"error\":\"Orch.BadCsv\",\"cause\":\"line 1\"}]}");
    is_str(last.status, "FAILED");
    is_str(last.error, "Orch.BadCsv");
    is_str(last.cause, "line 1");
    types_are(
        "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed ExecutionFailed");
    is_json(json_array_get(last.events, 5), "{\"type\":\"ExecutionFailed\",\"executionFailedEventDetails\":{"
                                            "\"error\":\"Orch.BadCsv\",\"cause\":\"line 1\"}}");
}

TEST(catch_puts_error_and_cause_on_the_raw_input)
{
    run_caught("\"InputPath\":\"$.a\",\"OutputPath\":\"$.a\"," CATCH_ALL, "{\"a\":{\"b\":1}}",
               "{\"S\":[{\"error\":\"E\",\"cause\":\"why\"}]}");
    output_is("{\"a\":{\"b\":1},\"failure\":{\"Error\":\"E\",\"Cause\":\"why\"}}");
    types_are(
        "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed TaskStateExited "
        "PassStateEntered PassStateExited ExecutionSucceeded");
    /* a handler's $.failure.Cause must find something, or the failure path would itself fail */
    run_caught(CATCH_ALL, "{}", "{\"S\":[{\"error\":\"States.Timeout\"}]}");
    output_is("{\"failure\":{\"Error\":\"States.Timeout\",\"Cause\":\"\"}}");
    run_caught(
        "\"Catch\":[{\"ErrorEquals\":[\"A\"],\"Next\":\"S\"},{\"ErrorEquals\":[\"B\",\"E\"],\"Next\":\"H\"}]",
        "{\"x\":1}", "{\"S\":[{\"error\":\"E\",\"cause\":\"why\"}]}");
    output_is("{\"Error\":\"E\",\"Cause\":\"why\"}");
    run_caught("\"Catch\":[{\"ErrorEquals\":[\"E\"],\"ResultPath\":null,\"Next\":\"H\"}]", "{\"x\":1}",
               "{\"S\":[{\"error\":\"E\"}]}");
    output_is("{\"x\":1}");
    run_caught("\"Catch\":[{\"ErrorEquals\":[\"E\"],\"ResultPath\":\"$.x.y\",\"Next\":\"H\"}]", "{\"x\":1}",
               "{\"S\":[{\"error\":\"E\"}]}");
    is_str(last.error, "States.ResultPathMatchFailure");
}

TEST(which_names_match_which_errors)
{
    static const struct {
        const char *error, *name;
        int caught;
    } rows[] = {
        {"E", "E", 1},
        {"E", "e", 0},
        {"E", "States.ALL", 1},
        {"E", "States.TaskFailed", 1},
        {"States.Timeout", "States.Timeout", 1},
        {"States.Timeout", "States.TaskFailed", 0},
        {"States.Timeout", "States.HeartbeatTimeout", 0},
        {"States.Timeout", "States.ALL", 1},
        {"States.HeartbeatTimeout", "States.HeartbeatTimeout", 1},
        {"States.HeartbeatTimeout", "States.Timeout", 1},
        {"States.HeartbeatTimeout", "States.TaskFailed", 0},
        {"States.HeartbeatTimeout", "States.ALL", 1},
        {"States.Runtime", "States.ALL", 0},
        {"States.Runtime", "States.TaskFailed", 0},
        {"States.Runtime", "States.Runtime", 0},
        {"States.DataLimitExceeded", "States.ALL",
         1}, /* the task's own answer was too large: recorded on AWS */
        {"States.DataLimitExceeded", "States.DataLimitExceeded", 1},
        {"States.Permissions", "States.TaskFailed", 1},
    };
    char members[300], mocks[300];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(mocks, sizeof mocks, "{\"S\":[{\"error\":\"%s\",\"cause\":\"c\"},{\"output\":1}]}",
                 rows[i].error);
        snprintf(members, sizeof members, "\"Catch\":[{\"ErrorEquals\":[\"%s\"],\"Next\":\"H\"}]",
                 rows[i].name);
        run_caught(members, "{}", mocks);
        if (!ok((strcmp(last.status, "SUCCEEDED") == 0) == rows[i].caught))
            diag("catch %s by %s", rows[i].error, rows[i].name);
        snprintf(members, sizeof members, TASK ",\"Retry\":[{\"ErrorEquals\":[\"%s\"]}]", rows[i].name);
        run_state(members, "{}", mocks);
        if (!ok((strcmp(last.status, "SUCCEEDED") == 0) == rows[i].caught))
            diag("retry %s by %s", rows[i].error, rows[i].name);
    }
}

TEST(timeouts_show_as_on_aws)
{
    run_state(TASK, "{}", "{\"S\":[{\"error\":\"States.HeartbeatTimeout\",\"cause\":\"the owner died\"}]}");
    is_str(last.error, "States.Timeout");
    is_str(last.cause, "the owner died");
    types_are("ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityTimedOut "
              "ExecutionFailed");
    is_json(detail("ActivityTimedOut", 0, "activityTimedOutEventDetails", "error"), "\"States.Timeout\"");
    run_state(TASK, "{}", "{\"S\":[{\"error\":\"States.Timeout\"}]}");
    ok(last.cause == NULL);
}

TEST(retry_backs_off_counts_and_gives_up)
{
    run_state(TASK ",\"Parameters\":{\"n.$\":\"$$.State.RetryCount\"},\"Retry\":[{\"ErrorEquals\":[\"E\"],"
                   "\"IntervalSeconds\":2,"
                   "\"BackoffRate\":3,\"MaxAttempts\":3,\"MaxDelaySeconds\":10}]",
              "{}",
              "{\"S\":[{\"error\":\"E\"},{\"error\":\"E\"},{\"error\":\"E\"},{\"error\":\"E\",\"cause\":"
              "\"last\"}]}");
    is_str(last.error, "E");
    is_str(last.cause, "last");
    is_json(last.waits, "[2000,6000,10000]");
    is_json(last.parameters, "[{\"n\":0},{\"n\":1},{\"n\":2},{\"n\":3}]");
    types_are(
        "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed "
        "ActivityScheduled "
        "ActivityStarted ActivityFailed ActivityScheduled ActivityStarted ActivityFailed ActivityScheduled "
        "ActivityStarted ActivityFailed ExecutionFailed");
    run_state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"]}]", "{}",
              "{\"S\":[{\"error\":\"E\"},{\"error\":\"E\"},{\"error\":\"E\"},{\"error\":\"E\"}]}");
    is_json(last.waits, "[1000,2000,4000]"); /* the defaults: 1 s, 3 attempts, rate 2 */
    run_state(TASK
              ",\"Retry\":[{\"ErrorEquals\":[\"E\"],\"MaxAttempts\":0},{\"ErrorEquals\":[\"States.ALL\"]}]",
              "{}", "{\"S\":[{\"error\":\"E\"}]}");
    is_str(last.status, "FAILED"); /* the first rule that names the error decides */
}

TEST(each_retrier_counts_for_itself_and_starts_anew_in_the_next_visit)
{
    run_caught("\"Retry\":[{\"ErrorEquals\":[\"A\"],\"MaxAttempts\":1},{\"ErrorEquals\":[\"B\"],"
               "\"MaxAttempts\":1}]," CATCH_ALL,
               "{}", "{\"S\":[{\"error\":\"A\"},{\"error\":\"B\"},{\"error\":\"A\",\"cause\":\"2\"}]}");
    output_is("{\"failure\":{\"Error\":\"A\",\"Cause\":\"2\"}}");
    is_json(last.waits, "[1000,1000]");
    run("{\"StartAt\":\"S\",\"States\":{\"S\":{" TASK
        ",\"Retry\":[{\"ErrorEquals\":[\"A\"],\"MaxAttempts\":1}],\"Next\":\"C\"},"
        "\"C\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.again\",\"BooleanEquals\":true,\"Next\":"
        "\"S\"}],\"Default\":\"E\"},"
        "\"E\":{\"Type\":\"Succeed\"}}}",
        "{}",
        "{\"S\":[{\"error\":\"A\"},{\"output\":{\"again\":true}},{\"error\":\"A\"},{\"output\":{\"again\":"
        "false}}]}");
    output_is("{\"again\":false}");
}

TEST(jitter_spreads_between_nothing_and_the_whole_delay)
{
    const char *members =
        TASK ",\"Retry\":[{\"ErrorEquals\":[\"E\"],\"IntervalSeconds\":10,\"JitterStrategy\":\"FULL\"}]";
    const char *mocks = "{\"S\":[{\"error\":\"E\"},{\"output\":1}]}";

    jitter = 0;
    run_state(members, "{}", mocks);
    is_json(last.waits, "[]"); /* nothing to wait for */
    jitter = UINT32_MAX;
    run_state(members, "{}", mocks);
    is_json(last.waits, "[10000]");
    jitter = UINT32_MAX / 2;
    run_state(members, "{}", mocks);
    is_json(last.waits, "[5000]");
    jitter = 0;
}

TEST(a_long_backoff_is_bounded)
{
    struct asl *a = asl_of("{\"StartAt\":\"S\",\"States\":{\"S\":{" TASK
                           ",\"Retry\":[{\"ErrorEquals\":[\"E\"],\"BackoffRate\":1e300,"
                           "\"MaxAttempts\":99999999}],\"End\":true}}}");
    json_t *input = json_object(), *retry = json_pack("[i]", 5000);
    struct cursor c = {
        .state = "S", .phase = PHASE_TASK, .input = input, .retry = retry, .entered_ms = start};
    struct outcome o = {.kind = OUTCOME_FAILED, .error = "E"};
    struct interp_env env = {.now_ms = start};
    struct decision d;
    struct err err;

    must_rc(interp_next(a, &c, &o, &env, &d, &err), &err);
    is_int(d.kind, DECIDE_WAIT);
    is_int(d.phase, PHASE_RETRY);
    is_int(d.wake_ms, start + 99999999000);
    is_json(d.retry, "[5001]");
    decision_release(&d);
    json_decref(input);
    json_decref(retry);
    asl_free(a);
}

TEST(paths_that_find_nothing_in_a_task)
{
    const char *cause =
        "An error occurred while executing the state 'S' (entered at the event id #2). The JSONPath '$.nope' "
        "specified for the field 'm.$' could not be found in the input '{\"x\":\"a\"}'";
    run_caught("\"Parameters\":{\"m.$\":\"$.nope\"}," CATCH_ALL, "{\"x\":\"a\"}", NULL);
    is_str(last.error, "States.Runtime"); /* as AWS: nothing catches it by States.ALL */
    is_str(last.cause, cause);
    types_are("ExecutionStarted TaskStateEntered ExecutionFailed");
    /* by the specification's name it can be */
    run_caught("\"Parameters\":{\"m.$\":\"$.nope\"},\"Catch\":[{\"ErrorEquals\":[\"States."
               "ParameterPathFailure\"],\"Next\":\"H\"}]",
               "{\"x\":\"a\"}", NULL);
    is_str(last.status, "SUCCEEDED");
    is_str(json_string_value(json_object_get(last.output, "Cause")), cause);
    run_caught("\"ResultSelector\":{\"m.$\":\"$.nope\"}," CATCH_ALL, "{}", "{\"S\":[{\"output\":{}}]}");
    is_str(last.error, "States.Runtime");
    run_caught("\"InputPath\":\"$.nope\"," CATCH_ALL, "{}", NULL);
    is_str(last.error, "States.Runtime");
    run_caught("\"OutputPath\":\"$.nope\"," CATCH_ALL, "{}", "{\"S\":[{\"output\":{}}]}");
    is_str(last.error, "States.Runtime");
    run_caught("\"ResultPath\":\"$.x.y\"," CATCH_ALL, "{\"x\":1}", "{\"S\":[{\"output\":{}}]}");
    is_str(last.status, "SUCCEEDED");
    is_str(json_string_value(json_object_get(json_object_get(last.output, "failure"), "Error")),
           "States.ResultPathMatchFailure");
}

TEST(time_outs_from_the_input)
{
    struct asl *a = asl_of("{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Task\",\"Resource\":\"" ARN
                           "\",\"TimeoutSecondsPath\":\"$.t\","
                           "\"HeartbeatSecondsPath\":\"$.h\",\"End\":true}}}");
    json_t *input = json_of("{\"t\":30,\"h\":10}");
    struct cursor c = {.state = "S", .phase = PHASE_ENTER, .input = input};
    struct outcome o = {.kind = OUTCOME_NONE};
    struct interp_env env = {.now_ms = start};
    struct decision d;
    struct err err;

    must_rc(interp_next(a, &c, &o, &env, &d, &err), &err);
    is_int(d.kind, DECIDE_TASK);
    is_int(d.phase, PHASE_TASK);
    is_str(d.resource, ARN);
    is_int(d.timeout_ms, 30000);
    is_int(d.heartbeat_ms, 10000);
    is_int(d.attempt, 1);
    is_int(d.entered_ms, start);
    ok(d.retry == NULL);
    decision_release(&d);
    json_object_set_new(input, "h", json_integer(0));
    must_rc(interp_next(a, &c, &o, &env, &d, &err), &err);
    is_str(d.error, "States.Runtime");
    is_str(d.cause,
           "An error occurred while executing the state 'S'. The HeartbeatSecondsPath parameter references a "
           "non-positive value: $.h == 0");
    decision_release(&d);
    json_decref(input);
    asl_free(a);
}

TEST(context_object)
{
    run_state("\"Type\":\"Pass\",\"Parameters\":{\"all.$\":\"$$\",\"at.$\":\"$$.State.EnteredTime\"}",
              "{\"m\":1}", NULL);
    output_is("{\"all\":{\"Execution\":{\"Input\":{\"m\":1}},\"State\":{\"EnteredTime\":\"2022-06-05T12:00:"
              "00.000Z\",\"Name\":\"S\"}},"
              "\"at\":\"2022-06-05T12:00:00.000Z\"}");
}

/* Same arguments, same decision, and the arguments untouched: what makes a crash between decide and apply
 * harmless */
TEST(deciding_twice_gives_the_same_decision)
{
    struct asl *a = asl_of("{\"StartAt\":\"S\",\"States\":{\"S\":{" TASK
                           ",\"ResultPath\":\"$.a.b\",\"Next\":\"E\"},\"E\":{\"Type\":\"Succeed\"}}}");
    json_t *input = json_of("{\"a\":{\"k\":1}}"), *output = json_of("{\"rows\":1}");
    struct cursor c = {.state = "S", .phase = PHASE_TASK, .input = input, .entered_ms = start};
    struct outcome o = {.kind = OUTCOME_SUCCEEDED, .output = output};
    struct interp_env env = {.now_ms = start + 5};
    struct decision one, two;
    struct err err;

    must_rc(interp_next(a, &c, &o, &env, &one, &err), &err);
    must_rc(interp_next(a, &c, &o, &env, &two, &err), &err);
    ok(json_equal(one.input, two.input));
    is_int(one.event_count, two.event_count);
    for (size_t i = 0; i < one.event_count; i++) {
        is_str(one.events[i].type, two.events[i].type);
        is_str(one.events[i].details, two.events[i].details);
    }
    is_int(one.kind, DECIDE_ENTER);
    is_str(one.state, "E");
    is_int(one.phase, PHASE_ENTER);
    is_json(one.input, "{\"a\":{\"k\":1,\"b\":{\"rows\":1}}}");
    is_json(input, "{\"a\":{\"k\":1}}");
    decision_release(&one);
    decision_release(&two);
    json_decref(input);
    json_decref(output);
    asl_free(a);
}

TEST(an_outcome_that_does_not_fit_the_phase_is_refused)
{
    struct asl *a = asl_of("{\"StartAt\":\"S\",\"States\":{\"S\":{" TASK ",\"End\":true}}}");
    json_t *input = json_object();
    static const struct {
        const char *state;
        enum machine_phase phase;
        enum outcome_kind kind;
    } bad[] = {{"X", PHASE_ENTER, OUTCOME_NONE}, {"S", PHASE_ENTER, OUTCOME_SUCCEEDED},
               {"S", PHASE_TASK, OUTCOME_NONE},  {"S", PHASE_TASK, OUTCOME_TIMER},
               {"S", PHASE_WAIT, OUTCOME_TIMER}, {"S", PHASE_RETRY, OUTCOME_FAILED},
               {"S", PHASE_DONE, OUTCOME_NONE},  {"S", PHASE_TASK, OUTCOME_SUCCEEDED}};
    struct interp_env env = {.now_ms = start};
    struct decision d;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cursor c = {.state = bad[i].state, .phase = bad[i].phase, .input = input};
        struct outcome o = {.kind = bad[i].kind};
        fails(interp_next(a, &c, &o, &env, &d, &err), &err, ERR_INTERNAL);
        decision_release(&d);
    }
    json_decref(input);
    asl_free(a);
}

TEST(data_that_doubles_in_a_loop_ends_at_the_limit)
{
    run("{\"StartAt\":\"D\",\"States\":{\"D\":{\"Type\":\"Pass\",\"Parameters\":{\"a.$\":\"$\",\"b.$\":\"$\"}"
        ",\"Next\":\"D\"}}}",
        "{\"text\":\"0123456789\"}", NULL);
    is_str(last.status, "FAILED");
    is_str(last.error, "States.DataLimitExceeded");
    is_str(last.cause, "The state/task 'D' returned a result with a size exceeding the maximum number of "
                       "bytes service limit.");
    /* deeper each time, though small */
    run("{\"StartAt\":\"D\",\"States\":{\"D\":{\"Type\":\"Pass\",\"Parameters\":{\"a.$\":\"$\"},\"Next\":"
        "\"D\"}}}",
        "1", NULL);
    is_str(last.error, "States.DataLimitExceeded");
    is_int(json_array_size(last.events), 2 * MAX_JSON_DEPTH + 3);
}

TEST(a_single_template_cannot_ask_for_more_memory_than_there_is)
{
    struct buf text = BUF_INIT(MAX_DEFINITION), big = BUF_INIT(MAX_PAYLOAD);
    struct err err;

    must_rc(buf_adds(&text,
                     "{\"StartAt\":\"D\",\"States\":{\"D\":{\"Type\":\"Pass\",\"End\":true,\"Parameters\":{",
                     &err),
            &err);
    for (int i = 0; i < 60000; i++)
        must_rc(buf_addf(&text, &err, "%s\"%d.$\":\"$\"", i ? "," : "", i), &err);
    must_rc(buf_adds(&text, "}}}}", &err), &err);
    must_rc(buf_addf(&big, &err, "\"%01000000d\"", 7), &err); /* 60 GB if it were written out */
    run(text.p, big.p, NULL);
    is_str(last.error, "States.DataLimitExceeded");
    buf_release(&text);
    buf_release(&big);
}

TEST(a_task_answer_beyond_the_limit_fails_the_attempt_and_can_be_caught)
{
    struct buf mocks = BUF_INIT(2 * MAX_PAYLOAD);
    struct err err;

    must_rc(buf_addf(&mocks, &err, "{\"S\":[{\"output\":\"%0*d\"}]}", (int)MAX_PAYLOAD, 7), &err);
    run_caught(CATCH_ALL, "{}", mocks.p);
    is_str(last.status, "SUCCEEDED");
    is_json(json_object_get(json_object_get(last.output, "failure"), "Error"),
            "\"States.DataLimitExceeded\"");
    types_are(
        "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed TaskStateExited "
        "PassStateEntered PassStateExited ExecutionSucceeded");
    buf_release(&mocks);
}

TEST(a_cause_that_is_no_utf8_is_kept_readable)
{
    struct asl *a = asl_of("{\"StartAt\":\"S\",\"States\":{\"S\":{" TASK ",\"End\":true}}}");
    json_t *input = json_object();
    struct cursor c = {.state = "S", .phase = PHASE_TASK, .input = input, .entered_ms = start};
    struct outcome o = {.kind = OUTCOME_FAILED, .error = "Orch.BadEncoding", .cause = "found \xff\xfe here"};
    struct interp_env env = {.now_ms = start};
    struct decision d;
    struct err err;

    must_rc(interp_next(a, &c, &o, &env, &d, &err), &err);
    is_str(d.cause, "found \\xff\\xfe here");
    decision_release(&d);
    json_decref(input);
    asl_free(a);
}

/* The shipped workflow on prepared answers; the input is what the engine gives it. */
static void run_shipped(const char *mocks)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    const char *source = getenv("ORCH_SOURCE");
    json_t *context = json_of("{\"Execution\":{\"StartTime\":\"2022-06-05T12:00:00Z\"}}"),
           *answers = json_of(mocks);
    json_t *input = json_of("{\"pipeline\":\"loans\",\"partition\":null,\"cause\":\"SCHEDULE\"}");
    char path[4096];
    struct err err;

    snprintf(path, sizeof path, "%s/orchestrator/workflows/ingest.asl.json", source ? source : ".");
    must_rc(fs_read(path, &text, &err), &err);
    struct asl *a = asl_of(text.p);
    struct rehearsal machine = {
        .asl = a, .mocks = answers, .context = context, .start_ms = start, .max_events = 500};
    machine_release(&last);
    must_rc(machine_run(&machine, input, &last, &err), &err);
    buf_release(&text);
    asl_free(a);
    json_decref(context);
    json_decref(answers);
    json_decref(input);
}

#define UNTIL_INGEST                                                                                         \
    "\"GenerateQueue\":[{\"output\":{}}],\"CheckNowProcessing\":[{\"output\":{\"state\":\"STALE\"}}],"       \
    "\"EtlQueueCheck\":[{\"output\":{\"job\":7}}],\"SetFlag\":[{\"output\":{\"acquired\":true,\"id\":1}}],"
#define BEFORE_INGEST                                                                                        \
    "GenerateQueue CheckNowProcessing IsNowProcessing EtlQueueCheck HasWork SetFlag GotFlag Ingest "

TEST(the_shipped_workflow_loads_reconciles_and_frees_the_flag)
{
    run_shipped(
        "{" UNTIL_INGEST
        "\"Ingest\":[{\"output\":{\"objects\":1,\"rowsRead\":2,\"rowsLoaded\":2,\"rowsRejected\":0}}],"
        "\"Reconcile\":[{\"output\":{}}],\"ResetFlag\":[{\"output\":{}}]}");
    is_str(last.status, "SUCCEEDED");
    states_are(BEFORE_INGEST "Reconcile ResetFlag Done");
    run_shipped(
        "{\"GenerateQueue\":[{\"output\":{}}],\"CheckNowProcessing\":[{\"output\":{\"state\":\"HELD\"}}]}");
    states_are("GenerateQueue CheckNowProcessing IsNowProcessing NothingToDo");
    run_shipped(
        "{\"GenerateQueue\":[{\"output\":{}}],\"CheckNowProcessing\":[{\"output\":{\"state\":\"FREE\"}}],"
        "\"EtlQueueCheck\":[{\"output\":{\"job\":null}}]}");
    is_str(last.status, "SUCCEEDED");
}

TEST(the_shipped_workflow_frees_the_flag_when_loading_fails_and_keeps_the_first_error)
{
    run_shipped("{" UNTIL_INGEST "\"Ingest\":[{\"error\":\"Orch.BadCsv\",\"cause\":\"line 4711\"}],"
                "\"ReleaseAfterFailure\":[{\"output\":{}}]}");
    states_are(BEFORE_INGEST "ReleaseAfterFailure RunFailed");
    is_str(last.error, "Orch.BadCsv");
    is_str(last.cause, "line 4711");
    is_json(json_object_get(json_array_get(last.parameters, 5), "error"), "\"Orch.BadCsv\"");
    /* a dead owner, five times, without a cause: the release step must still get its parameters */
    run_shipped("{" UNTIL_INGEST
                "\"Ingest\":[{\"error\":\"States.HeartbeatTimeout\"},{\"error\":\"States.HeartbeatTimeout\"},"
                "{\"error\":\"States.HeartbeatTimeout\"},{\"error\":\"States.HeartbeatTimeout\"},"
                "{\"error\":\"States.HeartbeatTimeout\"}],\"ReleaseAfterFailure\":[{\"output\":{}}]}");
    states_are(BEFORE_INGEST "ReleaseAfterFailure RunFailed");
    is_str(last.error, "States.Timeout");
}
