#include "orchestrator/asl.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/tap.h"

/* "CODE /pointer" of every diagnostic, sorted by appearance, one a line; "" for none. */
static const char *found(const char *text)
{
    static char out[16384];
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;
    int rc = asl_parse(text, strlen(text), &a, &d, &err);
    size_t n = 0;

    out[0] = '\0';
    ok((rc < 0) == (d.errors > 0));
    for (size_t i = 0; i < d.count && n < sizeof out - 600; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s %s", i ? "\n" : "", d.items[i].code,
                              d.items[i].location);
    if (rc < 0)
        is_int(err.code, ERR_WORKFLOW);
    asl_free(rc < 0 ? NULL : a);
    asl_diagnostics_release(&d);
    return out;
}

/* One state S with these members, then Succeed E. */
static const char *state(const char *members)
{
    static char text[8192];

    snprintf(text, sizeof text, "{\"StartAt\":\"S\",\"States\":{\"S\":{%s},\"E\":{\"Type\":\"Succeed\"}}}",
             members);
    return found(text);
}

/* The message of the first diagnostic. */
static const char *message(const char *members)
{
    static char text[8192], out[512];
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    snprintf(text, sizeof text, "{\"StartAt\":\"S\",\"States\":{\"S\":{%s},\"E\":{\"Type\":\"Succeed\"}}}",
             members);
    int rc = asl_parse(text, strlen(text), &a, &d, &err);
    must(d.count > 0);
    snprintf(out, sizeof out, "%s", d.items[0].message);
    asl_free(rc < 0 ? NULL : a);
    asl_diagnostics_release(&d);
    return out;
}

#define ARN      "\"Resource\":\"arn:aws:states:us-east-1:000000000000:activity:orch-x\""
#define TASK     "\"Type\":\"Task\"," ARN ",\"TimeoutSeconds\":60,\"Next\":\"E\""
#define PASS     "\"Type\":\"Pass\",\"Next\":\"E\""
#define BAD      "SCHEMA_VALIDATION_FAILED "
#define NOT_OURS "UNSUPPORTED_BY_ORCH "

TEST(a_definition_is_read)
{
    const char *text =
        "{\"Comment\":\"c\",\"Version\":\"1.0\",\"QueryLanguage\":\"JSONPath\",\"TimeoutSeconds\":3540,"
        "\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Next\":\"B\"},\"B\":{\"Type\":\"Fail\"}}}";
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    must_rc(asl_parse(text, strlen(text), &a, &d, &err), &err);
    is_int(d.count, 0);
    is_str(asl_start_at(a), "A");
    is_int(asl_timeout_seconds(a), 3540);
    ok(asl_state(a, "B") != NULL && asl_state(a, "C") == NULL);
    asl_diagnostics_release(&d);
    asl_free(a);
    asl_free(NULL);
}

static int count_tasks(void *arg, const char *name, const char *resource, struct err *err)
{
    UNUSED(err);
    ok(name != NULL && strstr(resource, ":activity:orch-") != NULL);
    ++*(int *)arg;
    return 0;
}

TEST(the_shipped_workflow_has_no_diagnostic_at_all)
{
    const char *source = getenv("ORCH_SOURCE");
    struct buf text = BUF_INIT(MAX_DEFINITION);
    char path[4096];
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;
    int tasks = 0;

    snprintf(path, sizeof path, "%s/orchestrator/workflows/ingest.asl.json", source ? source : ".");
    must_rc(fs_read(path, &text, &err), &err);
    must_rc(asl_parse(text.p, text.n, &a, &d, &err), &err);
    is_int(d.count, 0);
    must_rc(asl_each_task(a, count_tasks, &tasks, &err), &err);
    is_int(tasks, 8);
    buf_release(&text);
    asl_diagnostics_release(&d);
    asl_free(a);
}

/* The traps of the published ingest definition that orch is modeled on */
TEST(what_the_published_definition_uses_is_legal)
{
    is_str(state("\"Type\":\"Pass\",\"ResultPath\":\"$\",\"Next\":\"E\""), "");
    is_str(
        state(TASK
              ",\"Parameters\":{\"Arguments\":{\"--date_time.$\":\"$.timestamp\"},\"t.$\":\"$.--date_time\"},"
              "\"InputPath\":\"$.Arguments\",\"OutputPath\":\"$.Result\",\"ResultPath\":\"$.Result\""),
        "");
    is_str(state("\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::glue:startJobRun.sync\",\"Next\":\"E\""),
           "MISSING_TIMEOUT /States/S");
    is_str(
        state("\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.s\",\"NumericEquals\":0,\"Next\":\"E\"}]"),
        "MISSING_DEFAULT /States/S");
}

TEST(unknown_fields_name_the_nearest)
{
    is_str(state(TASK ",\"TimoutSecond\":3"), BAD "/States/S/TimoutSecond");
    ok(strstr(message(TASK ",\"TimeoutSecond\":3"), "'TimeoutSeconds' is the nearest") != NULL);
    ok(strstr(message(TASK ",\"TimeoutSecond\":3"), "state 'S'") != NULL);
    ok(strstr(message(PASS ",\"Seconds\":3"), "a Pass state has no field 'Seconds'") != NULL);
    ok(strstr(message("\"Type\":\"Tusk\""), "'Task' is the nearest") != NULL);
    ok(strstr(message("\"Type\":\"Pass\",\"Next\":\"EE\""), "'E' is the nearest") != NULL);
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"A\"],\"MaxAttempt\":1}]"),
           BAD "/States/S/Retry/0/MaxAttempt");
    is_str(state("\"Type\":\"Choice\",\"Default\":\"E\",\"Choices\":[{\"Variable\":\"$.a\",\"StringEqual\":"
                 "\"x\",\"Next\":\"E\"}]"),
           BAD "/States/S/Choices/0\n" BAD "/States/S/Choices/0/StringEqual");
    is_str(found("{\"StartAt\":\"E\",\"Stats\":{},\"States\":{\"E\":{\"Type\":\"Succeed\"}}}"), BAD "/Stats");
    is_str(found("{\"StartAt\":\"a/b~c\",\"States\":{\"a/b~c\":{\"Type\":\"Succeed\",\"x\":1}}}"),
           BAD "/States/a~1b~0c/x");
}

TEST(what_is_valid_on_aws_but_not_here_says_so)
{
    is_str(state(PASS ",\"QueryLanguage\":\"JSONata\""), NOT_OURS "/States/S/QueryLanguage");
    is_str(found("{\"QueryLanguage\":\"JSONata\",\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\","
                 "\"Output\":1,\"End\":true}}}"),
           NOT_OURS "/QueryLanguage");
    is_str(state(TASK ",\"Arguments\":{}"), NOT_OURS "/States/S/Arguments");
    is_str(state(PASS ",\"Parameters\":{\"a.$\":\"$.x[0:4:2]\"}"), NOT_OURS "/States/S/Parameters/a.$");
    is_str(state(PASS ",\"OutputPath\":\"$.x.length()\""), NOT_OURS "/States/S/OutputPath");
}

TEST(full_paths_and_intrinsic_functions_stand_where_aws_takes_them)
{
    static const char *const good[] = {
        PASS ",\"Parameters\":{\"a\":[{\"b.$\":\"States.Format('{}', $.x)\"}]}",
        PASS ",\"Assign\":{\"x_1.$\":\"$.x\",\"Ж\":1},\"Parameters\":{\"a.$\":\"$.x[*]\",\"b.$\":\"$x_1.y\","
             "\"c.$\":"
             "\"$$.Task.Token\",\"d.$\":\"States.Format('$none {}', $Ж)\"}",
        PASS ",\"InputPath\":\"$..x\",\"OutputPath\":\"$.a[?(@.b == 1)]\"",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        is_str(state(good[i]), "");
    is_str(state(TASK ",\"Credentials\":{\"RoleArn.$\":\"States.Format('{}', $.r)\"}"),
           "CREDENTIALS_NOT_USED /States/S/Credentials");
    is_str(state("\"Type\":\"Fail\",\"CausePath\":\"States.JsonToString($.x)\",\"ErrorPath\":\"$.e\""),
           "UNREACHABLE_STATE /States/E");
    is_str(state(PASS ",\"InputPath\":\"$.a[?(@.b =~ /x/)]\",\"OutputPath\":\"$.a[?(@.b == $.c)]\""),
           "DOUBTFUL_ON_AWS /States/S/InputPath\nDOUBTFUL_ON_AWS /States/S/OutputPath");
    is_str(
        state(PASS
              ",\"Assign\":{\"total\":1},\"Parameters\":{\"a.$\":\"States.Array($totl.x, $$.State.Name)\"}"),
        "UNKNOWN_VARIABLE /States/S/Parameters/a.$");
    is_str(state(PASS ",\"Assign\":{\"1a\":1,\"b-c.$\":\"$\",\"states\":1}"),
           BAD "/States/S/Assign/1a\n" BAD "/States/S/Assign/b-c.$\n" BAD "/States/S/Assign/states");
    is_str(state(PASS ",\"InputPath\":\"$.a[-1]\""), "NEVER_FINDS /States/S/InputPath");
    is_str(state(PASS ",\"Parameters\":{\"a\":\"$.x\",\"b\":[\"$$.Execution.Id\",\"$5\",\"$\"],\"c\":{\"d\":"
                      "\"States.UUID()\",\"e\":\"States.TaskFailed\",\"f\":\"$.a[?(\"}}"),
           "TAKEN_AS_TEXT /States/S/Parameters/a\nTAKEN_AS_TEXT /States/S/Parameters/b/0\n"
           "TAKEN_AS_TEXT /States/S/Parameters/c/d");
    is_str(state(PASS ",\"InputPath\":\"States.Array(1)\""), BAD "/States/S/InputPath");
    is_str(state(PASS ",\"Parameters\":{\"a.$\":\"States.Arry($.x)\"}"), BAD "/States/S/Parameters/a.$");
    is_str(state(PASS ",\"Parameters\":{\"a.$\":\"Format($.x)\"}"), BAD "/States/S/Parameters/a.$");
    is_str(state(PASS ",\"Parameters\":{\"a.$\":\"States.ArrayLength($.x, 1)\"}"),
           BAD "/States/S/Parameters/a.$");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"SecondsPath\":\"$.x[*]\""), BAD "/States/S/SecondsPath");
    is_str(
        state(
            "\"Type\":\"Choice\",\"Default\":\"E\",\"Choices\":[{\"Variable\":\"$.a[?(@.b)]\",\"IsPresent\":"
            "true,\"Next\":\"E\"}]"),
        BAD "/States/S/Choices/0/Variable");
    is_str(state("\"Type\":\"Fail\",\"CausePath\":\"$.x[*]\""),
           BAD "/States/S/CausePath\nUNREACHABLE_STATE /States/E");
}

#define ONE      "{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\",\"End\":true}}}"
#define PARALLEL "\"Type\":\"Parallel\",\"Next\":\"E\",\"Branches\":"
#define MAP      "\"Type\":\"Map\",\"Next\":\"E\",\"ItemProcessor\":"

TEST(parallel)
{
    is_str(state(PARALLEL "[" ONE "]"), "");
    is_str(state(PARALLEL "[]"), BAD "/States/S/Branches");
    is_str(state("\"Type\":\"Parallel\",\"Next\":\"E\""), BAD "/States/S");
    is_str(state(PARALLEL "[1,{\"States\":{}}]"),
           BAD "/States/S/Branches/0\n" BAD "/States/S/Branches/1/States\n" BAD "/States/S/Branches/1");
    is_str(state(PARALLEL
                 "[{\"StartAt\":\"I\",\"TimeoutSeconds\":1,\"States\":{\"I\":{\"Type\":\"Succeed\"}}}]"),
           BAD "/States/S/Branches/0/TimeoutSeconds");
    /* what runs within cannot go out of it, nor be gone into */
    is_str(state(PARALLEL "[{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\",\"Next\":\"E\"}}}]"),
           "MISSING_TRANSITION_TARGET /States/S/Branches/0/States/I/Next\n"
           "NO_TERMINAL_STATE /States/S/Branches/0");
    is_str(state("\"Type\":\"Parallel\",\"Next\":\"I\",\"Branches\":[" ONE "]"),
           "MISSING_TRANSITION_TARGET /States/S/Next\nUNREACHABLE_STATE /States/E\nNO_TERMINAL_STATE ");
    is_str(state(PARALLEL "[{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Succeed\"},\"J\":{\"Type\":"
                          "\"Succeed\"}}}]"),
           "UNREACHABLE_STATE /States/S/Branches/0/States/J");
    is_str(state(PARALLEL "[" ONE "," ONE "]"), "DUPLICATE_STATE_NAME /States/S/Branches/1/States/I");
    is_str(state(PARALLEL "[" ONE "],\"Resource\":\"a:b\""), BAD "/States/S/Resource");
    ok(strstr(message(PARALLEL "[{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\"}}}]"),
              "state 'I'") != NULL);
    is_str(state(PARALLEL "[" ONE "],\"Arguments\":{}"), NOT_OURS "/States/S/Arguments");
}

TEST(map)
{
    is_str(
        state(MAP ONE
              ",\"ItemsPath\":\"$.a\",\"ItemSelector\":{\"v.$\":\"$$.Map.Item.Value\"},\"MaxConcurrency\":0,"
              "\"ToleratedFailureCount\":1,\"ToleratedFailurePercentagePath\":\"$.p\",\"Retry\":[],"
              "\"Catch\":[],\"ResultSelector\":{},\"ResultPath\":null"),
        "");
    is_str(state("\"Type\":\"Map\",\"Next\":\"E\",\"Iterator\":" ONE ",\"Parameters\":{}"), "");
    is_str(state("\"Type\":\"Map\",\"Next\":\"E\""), BAD "/States/S");
    is_str(state(MAP ONE ",\"Iterator\":{\"StartAt\":\"J\",\"States\":{\"J\":{\"Type\":\"Succeed\"}}}"),
           BAD "/States/S");
    is_str(state(MAP ONE ",\"ItemSelector\":{},\"Parameters\":{}"), BAD "/States/S");
    is_str(state(MAP ONE ",\"MaxConcurrency\":-1"), BAD "/States/S/MaxConcurrency");
    is_str(state(MAP ONE ",\"MaxConcurrency\":1,\"MaxConcurrencyPath\":\"$.m\""), BAD "/States/S");
    is_str(state(MAP ONE ",\"ToleratedFailurePercentage\":100.5"),
           BAD "/States/S/ToleratedFailurePercentage");
    is_str(state(MAP "7"), BAD "/States/S/ItemProcessor");
    is_str(state(MAP
                 "{\"ProcessorConfig\":{\"Mode\":\"INLINE\"},\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":"
                 "\"Succeed\"}}}"),
           "");
    is_str(state(MAP
                 "{\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"},\"StartAt\":"
                 "\"I\",\"States\":{\"I\":{\"Type\":\"Succeed\"}}}"),
           NOT_OURS "/States/S/ItemProcessor/ProcessorConfig/Mode");
    is_str(state(MAP
                 "{\"ProcessorConfig\":{\"Mod\":\"INLINE\"},\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":"
                 "\"Succeed\"}}}"),
           BAD "/States/S/ItemProcessor/ProcessorConfig/Mod");
    is_str(state(MAP ONE
                 ",\"ItemReader\":{},\"ItemBatcher\":{},\"ResultWriter\":{},\"Label\":\"l\",\"Items\":[]"),
           NOT_OURS "/States/S/ItemReader\n" NOT_OURS "/States/S/ItemBatcher\n" NOT_OURS
                    "/States/S/ResultWriter\n" NOT_OURS "/States/S/Label\n" NOT_OURS "/States/S/Items");
    is_str(state(MAP ONE ",\"Branches\":[]"), BAD "/States/S/Branches");
}

/* MAX_NESTED Maps within each other, or one more. */
static const char *nested(int depth)
{
    struct buf text = BUF_INIT(1 << 20);
    struct err err;

    must_rc(buf_adds(&text, "{\"StartAt\":\"S0\",\"States\":{", &err), &err);
    for (int i = 0; i < depth; i++)
        must_rc(buf_addf(&text, &err,
                         "\"S%d\":{\"Type\":\"Map\",\"End\":true,\"ItemProcessor\":{\"StartAt\":\"S%d\","
                         "\"States\":{",
                         i, i + 1),
                &err);
    must_rc(buf_addf(&text, &err, "\"S%d\":{\"Type\":\"Succeed\"}", depth), &err);
    for (int i = 0; i < 2 + 3 * depth; i++)
        must_rc(buf_adds(&text, "}", &err), &err);
    const char *what = found(text.p);
    buf_release(&text);
    return what;
}

TEST(nesting_has_a_limit)
{
    is_str(nested(MAX_NESTED), "");
    ok(str_starts(nested(MAX_NESTED + 1), NOT_OURS "/States/S0/ItemProcessor/States/S1/"));
}

TEST(variables_belong_to_the_scope_that_sets_them)
{
    is_str(state(PASS ",\"Assign\":{\"a\":1,\"b.$\":\"$.x\"}"), "");
    is_str(state(PASS ",\"Assign\":{\"b.$\":\"x\"}"), BAD "/States/S/Assign/b.$");
    is_str(state("\"Type\":\"Fail\",\"Assign\":{}"), BAD "/States/S/Assign\nUNREACHABLE_STATE /States/E");
    is_str(state(TASK ",\"Catch\":[{\"ErrorEquals\":[\"A\"],\"Next\":\"E\",\"Assign\":{\"a\":1}}]"), "");
    is_str(state(MAP ONE ",\"Assign\":{\"a\":1}"), "");
    /* two branches may each have their own, and none may have what is around them */
    is_str(
        state(
            PARALLEL
            "[{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\",\"End\":true,\"Assign\":{\"a\":1}}}},"
            "{\"StartAt\":\"J\",\"States\":{\"J\":{\"Type\":\"Pass\",\"End\":true,\"Assign\":{\"a\":1}}}}]"),
        "");
    is_str(state(PARALLEL
                 "[{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\",\"End\":true,\"Assign\":{\"a.$\":"
                 "\"$.x\"}}}}],\"Assign\":{\"a\":1}"),
           BAD "/States/S/Branches/0/States/I");
}

TEST(transitions)
{
    is_str(state("\"Type\":\"Pass\",\"Next\":\"E\",\"End\":true"), BAD "/States/S");
    is_str(state("\"Type\":\"Pass\",\"Next\":\"Nowhere\""),
           "MISSING_TRANSITION_TARGET /States/S/Next\nUNREACHABLE_STATE /States/E\n"
           "NO_TERMINAL_STATE ");
    is_str(state("\"Type\":\"Pass\",\"End\":true"), "UNREACHABLE_STATE /States/E");
    is_str(state("\"Type\":\"Pass\",\"End\":false,\"Next\":\"E\""), BAD "/States/S/End\n" BAD "/States/S");
    is_str(state("\"Type\":\"Pass\""), BAD "/States/S\nUNREACHABLE_STATE /States/E\nNO_TERMINAL_STATE ");
    is_str(state("\"Type\":\"Succeed\",\"End\":true"), BAD "/States/S/End\nUNREACHABLE_STATE /States/E");
    is_str(state("\"Type\":\"Choice\",\"Next\":\"E\",\"Default\":\"E\",\"Choices\":[{\"Variable\":\"$.a\","
                 "\"IsNull\":true,\"Next\":\"E\"}]"),
           BAD "/States/S/Next");
    is_str(state("\"Type\":\"Choice\",\"Default\":\"S\",\"Choices\":[]"),
           BAD "/States/S/Choices\nUNREACHABLE_STATE /States/E\nNO_TERMINAL_STATE ");
    is_str(found("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Next\":\"A\"}}}"),
           "NO_TERMINAL_STATE ");
    is_str(found("{\"StartAt\":\"B\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}"),
           "MISSING_TRANSITION_TARGET /StartAt");
    is_str(found("{\"States\":{\"A\":{\"Type\":\"Succeed\"}}}"), BAD "");
    is_str(found("{\"StartAt\":\"A\",\"States\":{}}"), "MISSING_TRANSITION_TARGET /StartAt\n" BAD "/States");
    /* Catch and Default are ways too */
    is_str(
        found("{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\"," ARN
              ",\"TimeoutSeconds\":1,\"End\":true,"
              "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"F\"}]},\"F\":{\"Type\":\"Fail\"}}}"),
        "");
}

#define MAP_WITH(more)                                                                                       \
    "\"Type\":\"Map\",\"ItemProcessor\":{\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\",\"End\":"    \
    "true}}}," more ",\"Next\":\"E\""

/* After a redrive the items would be others. */
TEST(a_map_takes_no_items_that_a_redrive_changes)
{
    static const char *const refused[] = {"$$..RetryCount", "$$.Execution[*]",    "$$.State.*",
                                          "$$.*",           "$$['Execution'][*]", "$$.Execution.InputOf[*]"};
    static const char *const fine[] = {"$$.Execution.Input[*].n",       "$$.Execution.Input", "$$",
                                       "$$.Map.Item.Value[?(@.n > 1)]", "$..RetryCount",      "$.l[*]"};
    char more[200];

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        snprintf(more, sizeof more, MAP_WITH("\"InputPath\":\"%s\""), refused[i]);
        is_str(state(more), NOT_OURS "/States/S/InputPath");
    }
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        snprintf(more, sizeof more, MAP_WITH("\"InputPath\":\"%s\""), fine[i]);
        ok(strstr(state(more), "UNSUPPORTED") == NULL);
    }
    is_str(state("\"Type\":\"Pass\",\"InputPath\":\"$$..RetryCount\",\"Next\":\"E\""), "");
}

TEST(task_fields)
{
    is_str(state("\"Type\":\"Task\",\"TimeoutSeconds\":1,\"Next\":\"E\""), BAD "/States/S");
    is_str(state(TASK ",\"Credentials\":{\"RoleArn\":\"arn:aws:iam::0:role/r\"}"),
           "CREDENTIALS_NOT_USED /States/S/Credentials");
    is_str(state(TASK ",\"Credentials\":{\"RoleArn.$\":\"$.role\"}"),
           "CREDENTIALS_NOT_USED /States/S/Credentials");
    is_str(state(TASK ",\"Credentials\":{}"), BAD "/States/S/Credentials");
    is_str(state(TASK ",\"Credentials\":{\"RoleArn\":7}"), BAD "/States/S/Credentials");
    is_str(state(TASK ",\"Credentials\":{\"RoleArn\":\"r\",\"x\":1}"), BAD "/States/S/Credentials");
    is_str(state(TASK ",\"HeartbeatSeconds\":60"), BAD "/States/S");
    is_str(state(TASK ",\"HeartbeatSeconds\":59"), "");
    is_str(state(TASK ",\"HeartbeatSeconds\":0"), BAD "/States/S/HeartbeatSeconds");
    is_str(state(TASK ",\"TimeoutSecondsPath\":\"$.t\""), BAD "/States/S");
    is_str(state("\"Type\":\"Task\"," ARN
                 ",\"TimeoutSecondsPath\":\"$.t\",\"HeartbeatSecondsPath\":\"$.h\",\"Next\":\"E\""),
           "");
    is_str(state("\"Type\":\"Task\"," ARN ",\"TimeoutSeconds\":100000000,\"Next\":\"E\""),
           BAD "/States/S/TimeoutSeconds");
    is_str(state("\"Type\":\"Task\"," ARN ",\"TimeoutSeconds\":1.5,\"Next\":\"E\""),
           BAD "/States/S/TimeoutSeconds");
    const char *const bad[] = {"", "orch-ingest", "{TO BE REPLACED}", ":x", "arn:", "arn:aws:x y", "1a:b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "\"Type\":\"Task\",\"TimeoutSeconds\":1,\"Next\":\"E\",\"Resource\":\"%s\"", bad[i]);
        is_str(state(text), BAD "/States/S/Resource");
    }
    is_str(state(TASK ",\"ResultPath\":\"$$.x\""), BAD "/States/S/ResultPath");
    is_str(state(TASK ",\"ResultPath\":\"$.x[*]\""), BAD "/States/S/ResultPath");
    is_str(state(TASK ",\"ResultPath\":null,\"InputPath\":null,\"OutputPath\":null"), "");
}

TEST(payload_templates)
{
    is_str(state(PASS ",\"Parameters\":{\"a\":1,\"a.$\":\"$.x\"}"), BAD "/States/S/Parameters/a.$");
    is_str(state(PASS ",\"Parameters\":{\"a.$\":1}"), BAD "/States/S/Parameters/a.$");
    is_str(state(PASS ",\"Parameters\":{\"a.$\":\"x\"}"), BAD "/States/S/Parameters/a.$");
    is_str(state(PASS ",\"Parameters\":{\"b\":[[{\"a.$\":\"$.\"}]]}"), BAD "/States/S/Parameters/b/0/0/a.$");
    is_str(state(PASS ",\"Result\":{\"a.$\":\"ConditionTrue\"}"),
           ""); /* a literal, whatever its keys look like */
    is_str(state(PASS ",\"Parameters\":{\"a.$\":\"$$.Execution.Id\",\"b\":\"$.not-a-path[\"}"), "");
}

TEST(retry_and_catch)
{
    is_str(state(TASK ",\"Retry\":[]"), "");
    is_str(
        state(
            TASK
            ",\"Retry\":[{\"ErrorEquals\":[\"A\",\"States.Timeout\"],\"IntervalSeconds\":1,\"MaxAttempts\":0,"
            "\"BackoffRate\":1,\"MaxDelaySeconds\":5,\"JitterStrategy\":\"NONE\",\"Comment\":\"c\"},"
            "{\"ErrorEquals\":[\"States.ALL\"]}]"),
        "");
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"]},{\"ErrorEquals\":[\"A\"]}]"),
           BAD "/States/S/Retry/0/ErrorEquals/0");
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"A\",\"States.ALL\"]}]"),
           BAD "/States/S/Retry/0/ErrorEquals/1");
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[]}]"), BAD "/States/S/Retry/0/ErrorEquals");
    is_str(state(TASK ",\"Retry\":[{}]"), BAD "/States/S/Retry/0");
    is_str(state(TASK ",\"Retry\":{}"), BAD "/States/S/Retry");
    is_str(state(TASK ",\"Retry\":[7]"), BAD "/States/S/Retry/0");
    static const char *const bad[] = {"\"IntervalSeconds\":0",       "\"MaxAttempts\":-1",
                                      "\"BackoffRate\":0.9",         "\"MaxDelaySeconds\":0",
                                      "\"JitterStrategy\":\"full\"", "\"IntervalSeconds\":1.5",
                                      "\"BackoffRate\":\"2\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[400];
        snprintf(text, sizeof text, TASK ",\"Retry\":[{\"ErrorEquals\":[\"A\"],%s}]", bad[i]);
        ok(str_starts(state(text), BAD "/States/S/Retry/0/"));
    }
    is_str(state(TASK ",\"Catch\":[{\"ErrorEquals\":[\"A\"]}]"), BAD "/States/S/Catch/0");
    is_str(state(TASK ",\"Catch\":[{\"ErrorEquals\":[\"A\"],\"Next\":\"X\"}]"),
           "MISSING_TRANSITION_TARGET /States/S/Catch/0/Next");
    is_str(state(TASK ",\"Catch\":[{\"ErrorEquals\":[\"A\"],\"Next\":\"E\",\"ResultPath\":\"x\"}]"),
           BAD "/States/S/Catch/0/ResultPath");
}

TEST(error_names_that_can_never_match_are_warned_of)
{
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"States.Timeut\"]}]"),
           "UNKNOWN_ERROR_NAME /States/S/Retry/0/ErrorEquals/0");
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"Orch.Transent\"]}]"),
           "UNKNOWN_ERROR_NAME /States/S/Retry/0/ErrorEquals/0");
    ok(strstr(message(TASK ",\"Retry\":[{\"ErrorEquals\":[\"Orch.Transent\"]}]"),
              "'Orch.Transient' is the nearest") != NULL);
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"States.Runtime\"]}]"),
           "NEVER_MATCHES /States/S/Retry/0/ErrorEquals/0");
    is_str(state(TASK ",\"Retry\":[{\"ErrorEquals\":[\"Orch.Transient\",\"Lambda.Unknown\",\"MyError\"]}]"),
           "");
}

TEST(choice_rules)
{
#define CHOICE(rule) "\"Type\":\"Choice\",\"Default\":\"E\",\"Choices\":[" rule "]"
    is_str(state(CHOICE("{\"And\":[{\"Or\":[{\"Variable\":\"$.a\",\"IsNull\":true,\"Comment\":\"c\"}]},{"
                        "\"Not\":{\"Variable\":\"$$.State.Name\","
                        "\"StringMatches\":\"*\"}}],\"Next\":\"E\",\"Comment\":\"c\"}")),
           "");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"IsNull\":true}")), BAD "/States/S/Choices/0");
    is_str(state(CHOICE("{\"Not\":{\"Variable\":\"$.a\",\"IsNull\":true,\"Next\":\"E\"},\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/Not/Next");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"IsNull\":true,\"IsString\":true,\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"Next\":\"E\"}")), BAD "/States/S/Choices/0");
    is_str(state(CHOICE("{\"IsNull\":true,\"Next\":\"E\"}")), BAD "/States/S/Choices/0/Variable");
    is_str(state(CHOICE("{\"And\":[],\"Next\":\"E\"}")), BAD "/States/S/Choices/0/And");
    is_str(state(CHOICE("{\"And\":[{\"Variable\":\"$.a\",\"IsNull\":true}],\"Or\":[],\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0");
    is_str(state(CHOICE(
               "{\"And\":[{\"Variable\":\"$.a\",\"IsNull\":true}],\"Variable\":\"$.a\",\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/Variable");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"StringEquals\":1,\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/StringEquals");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"NumericEquals\":\"1\",\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/NumericEquals");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"TimestampEquals\":\"2022-06-05\",\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/TimestampEquals");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"NumericEqualsPath\":\"b\",\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/NumericEqualsPath");
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"IsPresent\":\"true\",\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/IsPresent");
    is_str(state(CHOICE("{\"Variable\":\"a\",\"IsPresent\":true,\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/Variable");
}

TEST(a_choice_sets_variables_by_rule)
{
    is_str(state(CHOICE("{\"Variable\":\"$.a\",\"IsPresent\":true,\"Next\":\"E\",\"Assign\":{\"x\":1}}")),
           "");
    is_str(state(CHOICE(
               "{\"Not\":{\"Variable\":\"$.a\",\"IsPresent\":true,\"Assign\":{\"x\":1}},\"Next\":\"E\"}")),
           BAD "/States/S/Choices/0/Not/Assign");
}

TEST(wait_and_fail_forms)
{
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"Seconds\":0"), "");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"Timestamp\":\"2022-06-05T12:00:00Z\""), "");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"TimestampPath\":\"$.t\""), "");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\""), BAD "/States/S");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"Seconds\":1,\"SecondsPath\":\"$.s\""), BAD "/States/S");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"Seconds\":-1"), BAD "/States/S/Seconds");
    is_str(state("\"Type\":\"Wait\",\"Next\":\"E\",\"Timestamp\":\"2022-06-05\""), BAD "/States/S/Timestamp");
    is_str(state("\"Type\":\"Fail\",\"Error\":\"E\",\"ErrorPath\":\"$.e\""),
           BAD "/States/S\nUNREACHABLE_STATE /States/E");
    is_str(state("\"Type\":\"Fail\",\"Error\":1"), BAD "/States/S/Error\nUNREACHABLE_STATE /States/E");
    is_str(state("\"Type\":\"Fail\",\"InputPath\":\"$\""),
           BAD "/States/S/InputPath\nUNREACHABLE_STATE /States/E");
}

TEST(json_that_is_none_and_documents_out_of_measure)
{
    struct buf text = BUF_INIT(4 * MIB);
    struct err err;

    is_str(found("{"), "INVALID_JSON_DESCRIPTION ");
    is_str(found("{\"StartAt\":\"A\",\"StartAt\":\"A\"}"), "INVALID_JSON_DESCRIPTION ");
    is_str(found("[]"), BAD "");
    is_str(found("{}"), BAD "\n" BAD "");
    is_str(found("{\"StartAt\":7,\"States\":[]}"), BAD "/StartAt\n" BAD "/States");
    is_str(found("{\"StartAt\":\"A\",\"States\":{\"A\":7}}"), BAD "/States/A\nNO_TERMINAL_STATE ");
    must_rc(buf_addf(&text, &err, "%*s{}", (int)MAX_DEFINITION, ""), &err);
    is_str(found(text.p), BAD "");
    buf_clear(&text);
    for (int i = 0; i < 300; i++)
        must_rc(buf_adds(&text, "[", &err), &err);
    is_str(found(text.p), "INVALID_JSON_DESCRIPTION ");
    buf_clear(&text);
    must_rc(buf_adds(&text, "{\"StartAt\":\"S0\",\"States\":{", &err), &err);
    for (int i = 0; i <= MAX_STATES; i++)
        must_rc(buf_addf(&text, &err, "%s\"S%d\":{\"Type\":\"Pass\",\"End\":true}", i ? "," : "", i), &err);
    must_rc(buf_adds(&text, "}}", &err), &err);
    is_str(found(text.p), BAD "");
    char name[200];
    memset(name, 'n', sizeof name);
    name[81] = '\0';
    buf_clear(&text);
    must_rc(
        buf_addf(&text, &err, "{\"StartAt\":\"%s\",\"States\":{\"%s\":{\"Type\":\"Succeed\"}}}", name, name),
        &err);
    ok(str_starts(found(text.p), BAD "/States/nnn"));
    buf_release(&text);
}

TEST(more_mistakes_than_anybody_reads_stay_bounded)
{
    struct buf text = BUF_INIT(1 * MIB);
    struct asl_diagnostics d;
    struct asl *a = NULL;
    struct err err;

    must_rc(buf_adds(&text, "{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Pass\",\"End\":true", &err),
            &err);
    for (int i = 0; i < 5000; i++)
        must_rc(buf_addf(&text, &err, ",\"x%d\":1", i), &err);
    must_rc(buf_adds(&text, "}}}", &err), &err);
    fails(asl_parse(text.p, text.n, &a, &d, &err), &err, ERR_WORKFLOW);
    is_int(d.count, 1000);
    is_int(d.errors, 5000);
    asl_diagnostics_release(&d);
    buf_release(&text);
}
