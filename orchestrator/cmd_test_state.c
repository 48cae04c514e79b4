#include "base/civil.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd_asl.h"
#include "orchestrator/engine.h"
#include "orchestrator/test_state.h"

static const char *state, *input_given, *mock_given, *variables_given;
static int64_t retries;
static const struct opt opts[] = {
    {"state", 0, OPT_TEXT, &state, "NAME", "the state, wherever in the definition it stands"},
    {"input", 0, OPT_TEXT, &input_given, "JSON", "its input: JSON, FILE or - for stdin (default {})"},
    {"mock", 0, OPT_TEXT, &mock_given, "JSON",
     "what a Task, Map or Parallel answers: {\"result\": ...} or {\"errorOutput\": ...}"},
    {"variables", 0, OPT_TEXT, &variables_given, "JSON", "variables that are set, an object"},
    {"retries", 0, OPT_COUNT, &retries, "N", "so often was it retried before (default 0)"},
    {0},
};

/* AWS's MockInput. Its result is JSON in a text; in a file the JSON itself does as well. */
static int read_mock(struct state_test *t, json_t **ret_file, json_t **ret_result, struct err *err)
{
    const json_t *result, *error;
    int rc;

    if (mock_given == NULL)
        return 0;
    rc = cli_json("--mock", mock_given, ret_file, err);
    if (rc < 0)
        return rc;
    result = json_object_get(*ret_file, "result");
    error = json_object_get(*ret_file, "errorOutput");
    if (json_object_size(*ret_file) != 1 || (result == NULL && !json_is_object(error)))
        return err_set(
            err, ERR_USAGE,
            "--mock: either {\"result\": ...} or {\"errorOutput\": {\"error\": \"...\", \"cause\": "
            "\"...\"}} is expected");
    t->mocked = true;
    t->error = json_string_value(json_object_get(error, "error"));
    t->cause = json_string_value(json_object_get(error, "cause"));
    if (json_is_string(result)) {
        rc = json_parse(json_string_value(result), json_string_length(result), "result", ret_result, err);
        if (rc < 0) {
            err_prefix(err, "--mock");
            err->code = ERR_USAGE;
            rc = err_hint(err, "a string is JSON text, as AWS has it: \"\\\"text\\\"\"");
        }
    } else {
        *ret_result = json_incref((json_t *)(uintptr_t)result);
    }
    t->result = *ret_result;
    return rc;
}

static int run_it(struct cli *c, struct state_test *t, struct err *err)
{
    char *name = cli_file_name(c->args.items[0]);
    char execution[] = "test-state";
    const struct execution e = {.name = execution, .pipeline = name, .start_ms = t->now_ms};
    json_t *answer = NULL, *context = engine_context(&e, t->input);
    int rc;

    t->context = context;
    rc = test_state(t, &answer, err);
    if (rc == 0) {
        out_document(&c->out, answer);
        rc = strcmp(json_string_value(json_object_get(answer, "status")), "SUCCEEDED") == 0 ? 0 : 1;
    }
    json_decref(answer);
    json_decref(context);
    free(name);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    struct state_test t = {.state = state, .now_ms = clock_now_ms(), .retries = retries};
    struct asl *a = NULL;
    json_t *input = NULL, *mock = NULL, *result = NULL, *vars = NULL;
    int rc = state != NULL ? 0 : err_set(err, ERR_USAGE, "test-state: --state NAME is needed");

    if (rc == 0)
        rc = cli_definition(c, c->args.items[0], &a, err);
    if (rc == 0)
        rc = cli_json("--input", input_given, &input, err);
    if (rc == 0 && variables_given != NULL)
        rc = cli_json("--variables", variables_given, &vars, err);
    if (rc == 0 && vars != NULL && !json_is_object(vars))
        rc = err_set(err, ERR_USAGE, "--variables: an object is expected, name by name");
    if (rc == 0)
        rc = read_mock(&t, &mock, &result, err);
    t.asl = a;
    t.input = input;
    t.vars = vars;
    if (rc == 0)
        rc = run_it(c, &t, err);
    json_decref(input);
    json_decref(vars);
    json_decref(mock);
    json_decref(result);
    asl_free(a);
    return rc;
}

const struct command cmd_test_state = {
    "test-state",
    "FILE",
    "One state of a definition: what each stage of its data flow makes of an input.",
    "Prints what aws stepfunctions test-state does, with the names of its inspectionData. Nothing is called "
    "and nothing "
    "is waited for; what a Task, Map or Parallel answers is said by --mock. Exit 0 where the state "
    "SUCCEEDED, 1 for FAILED, "
    "RETRIABLE and CAUGHT_ERROR, 3 where the definition is refused.\n\n"
    "  orch test-state orders.asl.json --state Total --input order.json\n"
    "  orch test-state orders.asl.json --state Charge --input order.json --mock charged.json\n",
    opts,
    1,
    1,
    run,
};
