/* Parallel, Map and variables, in memory: what comes of them, in which order, and that it comes out the same where the tree
 * is written down and read again after every step. */
#include "orchestrator/machine.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/machine.h"
#include "tests/tap.h"

static const int64_t start = 1654430400000; /* 2022-06-05T12:00:00Z */
static struct machine_result last;
static char *once; /* history of a run in one go */

#define ARN  "arn:aws:states:us-east-1:000000000000:activity:orch-x"
#define TASK "\"Type\":\"Task\",\"Resource\":\"" ARN "\",\"TimeoutSeconds\":60"

/* Everything that can be seen of the run, as text. */
static char *whole(void)
{
    json_t *all = json_pack("{s:O,s:O,s:O,s:O}", "e", last.events, "p", last.previous, "t", last.parameters,
                            "w", last.waits);
    char *text = json_text(all);

    json_decref(all);
    return text;
}

static void run(const char *definition, const char *input, const char *mocks)
{
    struct asl *a = asl_of(definition);
    json_t *in = json_of(input), *m = mocks ? json_of(mocks) : NULL;
    struct rehearsal h = {.asl = a, .mocks = m, .start_ms = start, .max_events = 2000};
    struct err err;

    for (int i = 0; i < 2; i++) {
        machine_release(&last);
        h.again = i == 1;
        must_rc(machine_run(&h, in, &last, &err), &err);
        if (i == 0) {
            free(once);
            once = whole();
        }
    }
    char *twice = whole();
    is_str(twice, once);
    free(twice);
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

static void output_is(const char *want)
{
    machine_gives(&last, want);
}

static void error_is(const char *error, const char *cause)
{
    is_str(last.status, "FAILED");
    is_str(last.error ? last.error : "", error);
    is_str(last.cause ? last.cause : "", cause);
}

static void types_are(const char *want)
{
    machine_types_are(&last, want);
}

static void previous_are(const char *want)
{
    char *text = json_text(last.previous);

    is_str(text, want);
    free(text);
}

#define PASS(name)         "{\"StartAt\":\"" name "\",\"States\":{\"" name "\":{\"Type\":\"Pass\",\"End\":true}}}"
#define ONE(name, members) "{\"StartAt\":\"" name "\",\"States\":{\"" name "\":{" members "}}}"

TEST(branches_give_an_array_in_their_order)
{
    run_state(
        "\"Type\":\"Parallel\",\"Parameters\":{\"n.$\":\"$.x\"},\"ResultPath\":\"$.r\",\"Branches\":[" ONE(
            "W", "\"Type\":\"Wait\",\"Seconds\":9,\"End\":true") "," PASS("P") "," ONE("T", TASK
                                                                                       ",\"End\":true") "]",
        "{\"x\":1}", "{\"T\":[{\"output\":\"done\"}]}");
    output_is("{\"x\":1,\"r\":[{\"n\":1},{\"n\":1},\"done\"]}");
    types_are("ExecutionStarted ParallelStateEntered ParallelStateStarted WaitStateEntered PassStateEntered "
              "PassStateExited TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded "
              "TaskStateExited "
              "WaitStateExited ParallelStateSucceeded ParallelStateExited ExecutionSucceeded");
    /* each branch goes on from its own last event; Succeeded and Exited from the last of all, as AWS has it */
    previous_are("[0,0,2,3,3,5,3,7,8,9,10,4,12,12,14]");
}

TEST(a_branch_that_fails_aborts_the_others)
{
    run_state(
        "\"Type\":\"Parallel\",\"Branches\":[" ONE(
            "W",
            "\"Type\":\"Wait\",\"Seconds\":9,\"End\":true") "," ONE("Q",
                                                                    "\"Type\":\"Parallel\",\"End\":true,"
                                                                    "\"Branches\":[" ONE(
                                                                        "V",
                                                                        "\"Type\":\"Wait\",\"Seconds\":9,"
                                                                        "\"End\":true") "]") "," ONE("F",
                                                                                                     "\"Type"
                                                                                                     "\":"
                                                                                                     "\"Fail"
                                                                                                     "\","
                                                                                                     "\"Error"
                                                                                                     "\":"
                                                                                                     "\"E\","
                                                                                                     "\"Cause"
                                                                                                     "\":"
                                                                                                     "\"why"
                                                                                                     "\"") "]",
        "{}", NULL);
    error_is("E", "why");
    types_are(
        "ExecutionStarted ParallelStateEntered ParallelStateStarted WaitStateEntered ParallelStateEntered "
        "ParallelStateStarted WaitStateEntered FailStateEntered WaitStateAborted WaitStateAborted "
        "ParallelStateAborted ParallelStateFailed ExecutionFailed");
    previous_are("[0,0,2,3,3,5,6,3,4,7,6,8,12]");
}

TEST(a_parallel_is_retried_as_a_whole_and_then_caught)
{
    run("{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Parallel\",\"Next\":\"Z\",\"Branches\":[" PASS(
            "P") "," ONE("T", TASK ",\"End\":true") "],\"Retry\":[{\"ErrorEquals\":[\"E\"],\"MaxAttempts\":1,"
                                                    "\"IntervalSeconds\":3}],"
                                                    "\"Catch\":[{\"ErrorEquals\":[\"States.BranchFailed\"],"
                                                    "\"ResultPath\":\"$.e\",\"Next\":\"Z\"}]},"
                                                    "\"Z\":{\"Type\":\"Succeed\"}}}",
        "{}", "{\"T\":[{\"error\":\"E\"},{\"error\":\"E\",\"cause\":\"c\"}]}");
    output_is("{\"e\":{\"Error\":\"E\",\"Cause\":\"c\"}}");
    char *waits = json_text(last.waits);
    is_str(waits, "[3000]");
    free(waits);
    /* no ParallelStateFailed where it is tried again */
    types_are("ExecutionStarted ParallelStateEntered ParallelStateStarted PassStateEntered PassStateExited "
              "TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed ParallelStateStarted "
              "PassStateEntered "
              "PassStateExited TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed "
              "ParallelStateFailed "
              "ParallelStateExited SucceedStateEntered SucceedStateExited ExecutionSucceeded");
    previous_are("[0,0,2,3,4,3,6,7,8,9,10,11,10,13,14,15,16,17,18,19,20]");
}

TEST(a_map_runs_its_processor_for_every_item)
{
    run_state("\"Type\":\"Map\",\"ItemsPath\":\"$.list\",\"MaxConcurrency\":1,\"ItemSelector\":{\"i.$\":"
              "\"$$.Map.Item.Index\",\"v.$\":\"$$.Map.Item.Value\",\"all.$\":\"$.k\"},\"ItemProcessor\":" ONE(
                  "P", "\"Type\":\"Pass\",\"Parameters\":{\"v.$\":\"$.v\",\"again.$\":\"$$.Map.Item.Value\","
                       "\"all.$\":\"$.all\"},"
                       "\"End\":true"),
              "{\"list\":[\"a\",{\"b\":2}],\"k\":7}", NULL);
    output_is("[{\"v\":\"a\",\"again\":\"a\",\"all\":7},{\"v\":{\"b\":2},\"again\":{\"b\":2},\"all\":7}]");
    types_are(
        "ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted PassStateEntered "
        "PassStateExited "
        "MapIterationSucceeded MapIterationStarted PassStateEntered PassStateExited MapIterationSucceeded "
        "MapStateSucceeded MapStateExited ExecutionSucceeded");
    /* the second iteration begins behind the first one's last state; Succeeded and Exited behind the last iteration */
    previous_are("[0,0,2,3,4,5,6,6,8,9,10,11,11,13]");
    json_t *began = json_object_get(json_array_get(last.events, 7), "mapIterationStartedEventDetails");
    is_int(json_integer_value(json_object_get(began, "index")), 1);
    is_str(json_string_value(json_object_get(began, "name")), "S");
    json_t *length = json_object_get(json_array_get(last.events, 2), "mapStateStartedEventDetails");
    is_int(json_integer_value(json_object_get(length, "length")), 2);
}

TEST(a_map_of_nothing_gives_an_empty_array)
{
    run_state("\"Type\":\"Map\",\"ItemProcessor\":" PASS("P"), "[]", NULL);
    output_is("[]");
    types_are("ExecutionStarted MapStateEntered MapStateStarted MapStateSucceeded MapStateExited "
              "ExecutionSucceeded");
    run_state("\"Type\":\"Map\",\"ItemsPath\":\"$.a\",\"Iterator\":" PASS("P"), "{\"a\":{}}", NULL);
    error_is("States.Runtime",
             "An error occurred while executing the state 'S' (entered at the event id #2). "
             "Reference path \"$.a\" must point to array.");
    types_are("ExecutionStarted MapStateEntered ExecutionFailed");
}

/* How many iterations have begun before the first wait is over. */
static int begun(void)
{
    json_t *e;
    size_t i;
    int n = 0;

    json_array_foreach(last.events, i, e) {
        const char *type = json_string_value(json_object_get(e, "type"));
        if (strcmp(type, "WaitStateExited") == 0)
            break;
        n += strcmp(type, "MapIterationStarted") == 0;
    }
    return n;
}

TEST(iterations_that_wait_wait_together_up_to_the_limit)
{
    static const char *const wait =
        "\"Type\":\"Map\",\"MaxConcurrencyPath\":\"$.m\",\"ItemsPath\":\"$.l\",\"ItemProcessor\":" ONE(
            "W", "\"Type\":\"Wait\",\"Seconds\":10,\"End\":true");
    struct buf input = BUF_INIT(10000);
    struct err err;

    run_state(wait, "{\"m\":3,\"l\":[1,2,3,4,5,6,7]}", NULL);
    output_is("[1,2,3,4,5,6,7]");
    is_int(begun(), 3);
    is_int(last.end_ms - start, 30000);
    must_rc(buf_adds(&input, "{\"m\":0,\"l\":[0", &err), &err);
    for (int i = 1; i < 50; i++)
        must_rc(buf_addf(&input, &err, ",%d", i), &err);
    must_rc(buf_adds(&input, "]}", &err), &err);
    run_state(wait, input.p, NULL);
    is_int(begun(), 40); /* as many as AWS runs */
    is_int(last.end_ms - start, 20000);
    buf_release(&input);
    run_state(wait, "{\"m\":\"x\",\"l\":[]}", NULL);
    error_is("States.Runtime",
             "An error occurred while executing the state 'S' (entered at the event id #2). The "
             "MaxConcurrencyPath field refers to value \"x\" which is not a valid integer: $.m");
}

#define FAILS_ON_2                                                                                           \
    "{\"StartAt\":\"C\",\"States\":{\"C\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$\","            \
    "\"NumericEquals\":2,"                                                                                   \
    "\"Next\":\"F\"}],\"Default\":\"P\"},\"F\":{\"Type\":\"Fail\",\"Error\":\"Two\",\"Cause\":\"it "         \
    "is\"},\"P\":{\"Type\":"                                                                                 \
    "\"Pass\",\"End\":true}}}"

TEST(an_iteration_that_fails_is_the_maps_error)
{
    run_state("\"Type\":\"Map\",\"MaxConcurrency\":1,\"ItemProcessor\":" FAILS_ON_2, "[1,2,3]", NULL);
    error_is("Two", "it is");
    types_are("ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted ChoiceStateEntered "
              "ChoiceStateExited PassStateEntered PassStateExited MapIterationSucceeded MapIterationStarted "
              "ChoiceStateEntered ChoiceStateExited FailStateEntered MapIterationFailed MapStateFailed "
              "ExecutionFailed");
    previous_are("[0,0,2,3,4,5,6,7,8,8,10,11,12,13,13,15]");
}

TEST(failures_may_be_tolerated)
{
    run_state("\"Type\":\"Map\",\"ToleratedFailureCount\":1,\"ItemProcessor\":" FAILS_ON_2, "[1,2,3]", NULL);
    output_is("[1,{\"Error\":\"Two\",\"Cause\":\"it is\"},3]");
    run_state("\"Type\":\"Map\",\"ToleratedFailureCount\":1,\"ItemProcessor\":" FAILS_ON_2, "[1,2,2,3]",
              NULL);
    error_is("States.ExceedToleratedFailureThreshold",
             "The specified tolerated failure threshold was exceeded");
    run_state("\"Type\":\"Map\",\"ItemsPath\":\"$.l\",\"ToleratedFailurePercentagePath\":\"$.p\","
              "\"ItemProcessor\":" FAILS_ON_2,
              "{\"l\":[1,2,3,4],\"p\":25.0}", NULL);
    output_is("[1,{\"Error\":\"Two\",\"Cause\":\"it is\"},3,4]");
    run_state("\"Type\":\"Map\",\"ItemsPath\":\"$.l\",\"ToleratedFailurePercentagePath\":\"$.p\","
              "\"ItemProcessor\":" FAILS_ON_2,
              "{\"l\":[1,2,3,4],\"p\":24.9}", NULL);
    is_str(last.error, "States.ExceedToleratedFailureThreshold");
    run_state("\"Type\":\"Map\",\"ItemsPath\":\"$.l\",\"ToleratedFailurePercentagePath\":\"$.p\","
              "\"ItemProcessor\":" FAILS_ON_2,
              "{\"l\":[1],\"p\":101}", NULL);
    error_is("States.Runtime",
             "An error occurred while executing the state 'S' (entered at the event id #2). "
             "ToleratedFailurePercentage must be between 0 and 100.");
    types_are("ExecutionStarted MapStateEntered MapStateStarted ExecutionFailed"); /* as AWS has it */
}

TEST(an_item_that_cannot_be_selected_fails_its_iteration)
{
    run_state("\"Type\":\"Map\",\"MaxConcurrency\":1,\"ToleratedFailureCount\":1,\"ItemSelector\":{\"n.$\":"
              "\"$$.Map.Item.Value.n\"},"
              "\"ItemProcessor\":" PASS("P"),
              "[{\"n\":1},{}]", NULL);
    is_str(last.status, "SUCCEEDED");
    is_str(json_string_value(json_object_get(json_array_get(last.output, 1), "Error")), "States.Runtime");
    types_are("ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted PassStateEntered "
              "PassStateExited "
              "MapIterationSucceeded MapIterationStarted MapIterationFailed MapStateSucceeded MapStateExited "
              "ExecutionSucceeded");
}

TEST(runtime_errors_within_are_caught_by_no_catch_around)
{
    run("{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Map\",\"End\":true,\"ItemProcessor\":" ONE(
            "P",
            "\"Type\":\"Pass\",\"InputPath\":\"$.nope\",\"End\":true") ",\"Catch\":[{\"ErrorEquals\":["
                                                                       "\"States.ALL\"],\"Next\":\"Z\"}]},"
                                                                       "\"Z\":{\"Type\":\"Succeed\"}}}",
        "[{}]", NULL);
    is_str(last.status, "FAILED");
    is_str(last.error, "States.Runtime");
    ok(last.cause != NULL && strstr(last.cause, "the state 'P' (entered at the event id #5)") != NULL);
}

TEST(maps_nest_and_each_sees_its_own_item)
{
    run_state(
        "\"Type\":\"Map\",\"ItemProcessor\":" ONE(
            "M", "\"Type\":\"Map\",\"ItemsPath\":\"$$.Map.Item.Value\",\"End\":true,\"ItemProcessor\":" ONE(
                     "P", "\"Type\":\"Pass\",\"Parameters\":{\"i.$\":\"$$.Map.Item.Index\",\"v.$\":\"$\"},"
                          "\"End\":true")),
        "[[1,2],[],[3]]", NULL);
    output_is("[[{\"i\":0,\"v\":1},{\"i\":1,\"v\":2}],[],[{\"i\":0,\"v\":3}]]");
}

/* The branches were begun with what was drawn then; another draw could not even be worked out. */
TEST(parameters_that_draw_are_worked_out_once)
{
    for (int bound = 2; bound <= 12; bound++) {
        char members[600];
        snprintf(members, sizeof members,
                 "\"Type\":\"Parallel\",\"Parameters\":{\"x.$\":\"States.ArrayGetItem($.l, "
                 "States.MathRandom(0, %d))\"},\"Branches\":[" ONE("W", "\"Type\":\"Wait\",\"Seconds\":5,"
                                                                        "\"End\":true") "]",
                 bound);
        run_state(members, "{\"l\":[7,7]}", NULL);
    }
}

/* Else the frame could be written, and never be read again. */
TEST(variables_are_no_deeper_than_a_payload)
{
    run("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Assign\":{\"x\":1},\"Next\":\"B\"},"
        "\"B\":{\"Type\":\"Pass\",\"Assign\":{\"x.$\":\"States.Array($x)\"},\"Next\":\"B\"}}}",
        "{}", NULL);
    is_str(last.error, "States.DataLimitExceeded");
    is_int(json_array_size(last.events), 1 + 2 * 256 + 2);
}

/* Works it by the clock that is given; every task fails. *asked counts them. */
static enum machine_next fail_until_it_waits(struct machine *m, int64_t now_ms, int *asked, int64_t *ret_wake)
{
    static const struct outcome failed = {.kind = OUTCOME_FAILED, .error = "E"};
    const struct interp_env env = {.now_ms = now_ms};
    struct machine_frame *f;
    struct machine_step s;
    struct err err;

    for (;;) {
        enum machine_next next = machine_next(m, now_ms, &f, ret_wake);
        if (next == MACHINE_GO)
            must_rc(machine_go(m, f, &env, &s, &err), &err);
        else if (next == MACHINE_TASK)
            must_rc(machine_answer(m, f, &failed, &env, &s, &err), &err);
        else
            return next;
        *asked += next == MACHINE_TASK;
        machine_step_release(&s);
    }
}

/* The one that waits for a time that will not come for long does not wait; the next one does. */
TEST(a_clock_set_back_costs_one_retry_its_delay)
{
    struct asl *a =
        asl_of("{\"StartAt\":\"T\",\"States\":{\"T\":{" TASK ",\"Retry\":[{\"ErrorEquals\":[\"E\"],"
               "\"IntervalSeconds\":30,\"BackoffRate\":1.0,\"MaxAttempts\":9}],\"End\":true}}}");
    json_t *context = json_of("{}"), *input = json_of("{}");
    struct machine *m = machine_new(a, context, 0);
    int64_t wake = 0, earlier = start - 7200000;
    int asked = 0;

    machine_begin(m, input, 1);
    is_int(fail_until_it_waits(m, start, &asked, &wake), MACHINE_WAIT);
    is_int(asked, 1);
    is_int(wake, start + 30000);
    is_int(fail_until_it_waits(m, earlier, &asked, &wake), MACHINE_WAIT);
    is_int(asked, 2);
    is_int(wake, earlier + 30000);
    is_int(fail_until_it_waits(m, earlier + 30000, &asked, &wake), MACHINE_WAIT);
    is_int(asked, 3);
    machine_free(m);
    asl_free(a);
    json_decref(context);
    json_decref(input);
}

TEST(retry_counts_are_in_the_context)
{
    run_state("\"Type\":\"Map\",\"Retry\":[{\"ErrorEquals\":[\"E\"]}],\"ItemSelector\":{\"n.$\":\"$$.State."
              "RetryCount\"},"
              "\"ItemProcessor\":" ONE("T", TASK ",\"End\":true"),
              "[0]", "{\"T\":[{\"error\":\"E\"},{\"output\":1}]}");
    output_is("[1]");
    char *text = json_text(last.parameters);
    is_str(text, "[{\"n\":0},{\"n\":1}]");
    free(text);
}

TEST(the_limit_of_the_history_holds_within_branches)
{
    run("{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":[" ONE(
            "A", "\"Type\":\"Pass\",\"Next\":\"A\"") "]}}}",
        "{}", NULL);
    error_is("States.Runtime", "The execution reached the maximum number of history events (2000).");
    is_int(json_array_size(last.events), 2000);
}

TEST(an_array_of_results_has_the_limit_of_a_payload)
{
    struct buf input = BUF_INIT(MAX_PAYLOAD);
    struct err err;

    must_rc(buf_adds(&input, "{\"l\":[1,2,3,4,5],\"t\":\"", &err), &err);
    while (input.n < MAX_PAYLOAD / 4)
        must_rc(buf_adds(&input, "0123456789", &err), &err);
    must_rc(buf_adds(&input, "\"}", &err), &err);
    run_state(
        "\"Type\":\"Map\",\"ItemsPath\":\"$.l\",\"ItemSelector\":{\"t.$\":\"$.t\"},\"ItemProcessor\":" PASS(
            "P"),
        input.p, NULL);
    is_str(last.error, "States.DataLimitExceeded");
    buf_release(&input);
}
