#include "orchestrator/mock.h"
#include "base/mem.h"
#include "tests/tap.h"

static struct asl *definition(void)
{
    static const char text[] = "{\"StartAt\": \"First\", \"States\": {"
                               "\"First\": {\"Type\": \"Task\", \"Resource\": "
                               "\"arn:aws:states:::sqs:sendMessage\", \"TimeoutSeconds\": 9, "
                               "\"Next\": \"Second\"},"
                               "\"Second\": {\"Type\": \"Task\", \"Resource\": "
                               "\"arn:aws:states:::sqs:sendMessage\", \"TimeoutSeconds\": 9, "
                               "\"Next\": \"Done\"},"
                               "\"Done\": {\"Type\": \"Succeed\"}}}";
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    must_rc(asl_parse(text, strlen(text), &a, &d, &err), &err);
    asl_diagnostics_release(&d);
    return a;
}

/* The test case "c" of the machine "m" answers First with the response "r". */
static int parse_response(const char *response, struct mock **ret, struct err *err)
{
    struct asl *a = definition();
    char *text = xasprintf("{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": {\"First\": \"r\"}}}}, "
                           "\"MockedResponses\": {\"r\": %s}}",
                           response);
    int rc = mock_parse(text, strlen(text), "m", "c", a, ret, err);

    free(text);
    asl_free(a);
    return rc;
}

static int parse(const char *text, const char *machine, const char *test_case, struct mock **ret,
                 struct err *err)
{
    struct asl *a = definition();
    int rc = mock_parse(text, strlen(text), machine, test_case, a, ret, err);

    asl_free(a);
    return rc;
}

static void refused(const char *response, const char *msg)
{
    struct mock *m = NULL;
    struct err err = {0};

    fails(parse_response(response, &m, &err), &err, ERR_USAGE);
    if (!ok(strstr(err.msg, msg) != NULL))
        diag("%s: %s", response, err.msg);
    mock_free(m);
}

TEST(the_k_th_call_takes_the_answer_whose_range_holds_k)
{
    struct mock *m = NULL;
    struct mock_answer a;
    struct err err;

    must_rc(parse_response(
                "{\"1-2\": {\"Throw\": {\"Error\": \"E\", \"Cause\": \"why\"}}, \"0\": {\"Return\": 7}, "
                "\"4\": {\"Return\": null}}",
                &m, &err),
            &err);
    is_str(mock_machine(m), "m");
    ok(mock_has(m, "First") && !mock_has(m, "Second") && !mock_has(NULL, "First"));
    ok(mock_next(m, "First", &a));
    is_int(json_integer_value(a.output), 7);
    for (int i = 0; i < 2; i++) {
        ok(mock_next(m, "First", &a));
        ok(a.output == NULL);
        is_str(a.error, "E");
        is_str(a.cause, "why");
    }
    ok(!mock_next(m, "First", &a)); /* call 3 is in no range */
    ok(mock_next(m, "First", &a));
    ok(json_is_null(a.output));
    ok(!mock_next(m, "First", &a)); /* and after 4 there is none */
    is_int(mock_calls(m, "First"), 6);
    ok(!mock_next(m, "Second", &a));
    ok(!mock_next(NULL, "First", &a));
    is_int(mock_calls(m, "Second"), 0);
    mock_free(m);
}

TEST(an_error_may_have_no_name_and_no_cause)
{
    struct mock *m = NULL;
    struct mock_answer a;
    struct err err;

    must_rc(parse_response("{\"0-1000000000\": {\"Throw\": {}}}", &m, &err), &err);
    ok(mock_next(m, "First", &a));
    ok(a.output == NULL && a.error == NULL && a.cause == NULL);
    mock_free(m);
}

TEST(two_states_may_share_a_response_and_count_for_themselves)
{
    struct mock *m = NULL;
    struct mock_answer a;
    struct err err;

    must_rc(
        parse("{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": {\"First\": \"r\", \"Second\": \"r\"}}}}, "
              "\"MockedResponses\": {\"r\": {\"0\": {\"Return\": 1}}, \"not used\": 7}}",
              NULL, NULL, &m, &err),
        &err);
    ok(mock_next(m, "First", &a) && !mock_next(m, "First", &a));
    ok(mock_next(m, "Second", &a) && !mock_next(m, "Second", &a));
    mock_free(m);
}

TEST(a_response_that_is_wrong_says_where)
{
    refused("{}", "at least one answer");
    refused("[]", "at least one answer");
    refused("{\"one\": {\"Return\": 1}}", "'one' is no number of a call");
    refused("{\"-1\": {\"Return\": 1}}", "'-1' is no number");
    refused("{\"1-\": {\"Return\": 1}}", "'1-' is no number");
    refused("{\"\": {\"Return\": 1}}", "'' is no number");
    refused("{\"2-1\": {\"Return\": 1}}", "'2-1' is no number");
    refused("{\"0--1\": {\"Return\": 1}}", "'0--1' is no number");
    refused("{\"99999999999999999999\": {\"Return\": 1}}", "is no number");
    refused("{\"0-3\": {\"Return\": 1}, \"2\": {\"Return\": 1}}", "two answers for call 2");
    refused("{\"0\": {}}", "either 'Return' or 'Throw'");
    refused("{\"0\": {\"Return\": 1, \"Throw\": {}}}", "either 'Return' or 'Throw'");
    refused("{\"0\": {\"Trow\": {}}}", "unknown member 'Trow'");
    refused("{\"0\": {\"Throw\": {\"Error\": 7}}}", "'Error' of 'Throw' is an integer");
    refused("{\"0\": {\"Throw\": \"E\"}}", "'Throw' is a string where an object is expected");
    refused("{\"0\": 7}", "response 'r', '0'");
}

TEST(a_file_that_is_wrong_says_what_there_is)
{
    static const char two[] =
        "{\"StateMachines\": {\"one\": {\"TestCases\": {\"a\": {}, \"b\": {}}}, \"two\": "
        "{\"TestCases\": {}}}, \"MockedResponses\": {}}";
    static const struct {
        const char *text, *machine, *test_case, *msg, *hint;
    } rows[] = {
        {"", NULL, NULL, "mock config", ""},
        {"[]", NULL, NULL, "the file is an array where an object is expected", ""},
        {"{\"StateMachine\": {}}", NULL, NULL, "unknown member 'StateMachine'", "'StateMachines'"},
        {"{}", NULL, NULL, "'StateMachines' is missing", ""},
        {two, NULL, NULL, "has 2 state machines, so --state-machine must say which", ""},
        {two, "tow", NULL, "has no state machine 'tow'", "'two'"},
        {two, "one", NULL, "has 2 test cases, so --test-case must say which", ""},
        {two, "one", "aa", "has no test case 'aa'", "'a'"},
        {two, "two", NULL, "has 0 test cases", ""},
        {"{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": {\"Fist\": \"r\"}}}}}", NULL, NULL,
         "the definition has no Task 'Fist'", "'First'"},
        {"{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": {\"Done\": \"r\"}}}}}", NULL, NULL,
         "the definition has no Task 'Done'", ""},
        {"{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": {\"First\": \"rr\"}}}}, \"MockedResponses\": "
         "{\"r\": {}}}",
         NULL, NULL, "has no response 'rr'", "'r'"},
        {"{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": {\"First\": 7}}}}}", NULL, NULL,
         "'First' of test case 'c' must name a response", ""},
        {"{\"StateMachines\": {\"m\": {\"TestCases\": {\"c\": 7}}}}", NULL, NULL, "test case 'c' is an integer",
         ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mock *m = NULL;
        struct err err = {0};
        fails(parse(rows[i].text, rows[i].machine, rows[i].test_case, &m, &err), &err, ERR_USAGE);
        if (!ok(strstr(err.msg, rows[i].msg) != NULL && strstr(err.hint, rows[i].hint) != NULL))
            diag("%s: %s (%s)", rows[i].text, err.msg, err.hint);
        mock_free(m);
    }
}
