#include "base/civil.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd_asl.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/engine.h"
#include "orchestrator/simulate.h"
#include "orchestrator/stream.h"

static const char *input_given, *mock_file, *machine, *test_case, *now_text;
static bool history, aws_limits;
static const struct opt opts[] = {
    {"input", 0, OPT_TEXT, &input_given, "JSON", "the input: JSON, FILE or - for stdin (default {})"},
    {"mock-config", 0, OPT_TEXT, &mock_file, "FILE", "answers of Tasks, as AWS's MockConfigFile.json"},
    {"state-machine", 0, OPT_TEXT, &machine, "NAME", "the state machine in it (default: the only one)"},
    {"test-case", 0, OPT_TEXT, &test_case, "NAME", "its test case (default: the only one)"},
    {"history", 0, OPT_FLAG, &history, NULL, "all events too (aws stepfunctions get-execution-history)"},
    {"aws-limits", 0, OPT_FLAG, &aws_limits, NULL,
     "end where AWS would: 25,000 events, 256 KiB an input or output"},
    {"now", 0, OPT_TEXT, &now_text, "TIME", "when it starts, such as 2022-06-05T12:00:00Z (default now)"},
    {0},
};

static int read_mocks(const struct asl *a, struct mock **ret, struct err *err)
{
    struct buf text = BUF_INIT(MAX_MOCKS);
    int rc;

    if (mock_file == NULL)
        return machine == NULL && test_case == NULL
                   ? 0
                   : err_set(err, ERR_USAGE, "--state-machine and --test-case are names in --mock-config");
    rc = cli_file(mock_file, &text, err);
    if (rc == 0)
        rc = mock_parse(text.p != NULL ? text.p : "", text.n, machine, test_case, a, ret, err);
    if (rc < 0)
        rc = err_prefix(err, "%s", mock_file);
    buf_release(&text);
    return rc;
}

static void print(struct cli *c, struct execution *e, const struct simulated *r)
{
    e->status = (char *)(uintptr_t)r->status; /* all of it is borrowed */
    e->output = r->output;
    e->error = r->error;
    e->cause = r->cause;
    e->stop_ms = r->stop_ms;
    json_t *whole = exec_json(e, NULL), *v; /* as orch describe has it, by the same hand */
    struct jout out;
    const char *key;

    jout_init(&out, &c->out);
    jout_open(&out, NULL, '{');
    json_object_foreach(whole, key, v)
        jout_value(&out, key, v);
    if (r->events != NULL)
        jout_open(&out, "events", '[');
    for (int64_t i = 0; r->events != NULL && i < r->event_count; i++) {
        v = json_loads(r->events[i], 0, NULL);
        jout_value(&out, NULL, v);
        json_decref(v);
    }
    if (r->events != NULL)
        jout_close(&out, ']');
    jout_close(&out, '}');
    json_decref(whole);
}

static int run_it(struct cli *c, const struct asl *a, struct mock *mocks, const json_t *input,
                  int64_t start_ms, struct err *err)
{
    char *name = cli_file_name(c->args.items[0]), *text = json_text(input);
    struct execution e = {.name = xstrdup("simulation"), .input = text, .start_ms = start_ms};
    struct simulated r = {0};

    e.pipeline = xstrdup(mocks != NULL ? mock_machine(mocks) : name);
    json_t *context = engine_context(&e, input);
    const struct simulation s = {.asl = a,
                                 .mocks = mocks,
                                 .context = context,
                                 .start_ms = start_ms,
                                 .history = history,
                                 .most_events = aws_limits ? AWS_EVENTS : MAX_SIM_EVENTS,
                                 .most_ms = MAX_SIM_MS,
                                 .most_payload = aws_limits ? AWS_PAYLOAD : MAX_PAYLOAD};
    int rc = context != NULL ? simulate(&s, input, &r, err)
                             : err_set(err, ERR_USAGE, "%s: its name is not UTF-8", c->args.items[0]);
    if (rc == 0) {
        print(c, &e, &r);
        rc = strcmp(r.status, "SUCCEEDED") == 0 ? 0 : 1;
    }
    simulated_release(&r);
    json_decref(context);
    free(e.name);
    free(e.pipeline);
    free(name);
    free(text);
    return rc;
}

static int start_time(int64_t *ret_ms, struct err *err)
{
    *ret_ms = clock_now_ms();
    if (now_text == NULL || civil_parse_rfc3339(now_text, ret_ms, err) == 0)
        return 0;
    err_prefix(err, "--now");
    err->code = ERR_USAGE;
    return -ERR_USAGE;
}

static int run(struct cli *c, struct err *err)
{
    struct asl *a = NULL;
    struct mock *mocks = NULL;
    json_t *input = NULL;
    int64_t start_ms = 0;
    int rc = start_time(&start_ms, err);

    if (rc == 0)
        rc = cli_definition(c, c->args.items[0], &a, err);
    if (rc == 0)
        rc = read_mocks(a, &mocks, err);
    if (rc == 0)
        rc = cli_json("--input", input_given, &input, err);
    if (rc == 0)
        rc = run_it(c, a, mocks, input, start_ms, err);
    mock_free(mocks);
    json_decref(input);
    asl_free(a);
    return rc;
}

const struct command cmd_simulate = {
    "simulate",
    "FILE",
    "Runs an ASL definition in memory, with prepared answers for its Tasks.",
    "Nothing is waited for: the clock jumps to the end of each Wait and Retry. No orch.json, no state file, "
    "no server. "
    "Prints what orch describe prints; exit 0 where it SUCCEEDED, 1 where it ended otherwise, 3 where the "
    "definition is "
    "refused.\n\n"
    "  orch simulate orders.asl.json --input order.json --history\n"
    "  orch simulate orders.asl.json --mock-config MockConfigFile.json --state-machine orders --test-case "
    "HappyPath\n",
    opts,
    1,
    1,
    run,
};
