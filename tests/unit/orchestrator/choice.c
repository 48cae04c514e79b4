#include "orchestrator/choice.h"
#include "base/mem.h"
#include "orchestrator/path.h"
#include "tests/tap.h"

/* 1 true, 0 false, -1 error. */
static int rule(const char *rule_text, const char *input_text)
{
    struct err err;
    json_t *r = NULL, *in = NULL, *context = json_pack("{s:{s:i}}", "Execution", "RedriveCount", 3);
    bool yes = false;

    must_rc(json_parse(rule_text, strlen(rule_text), "rule", &r, &err), &err);
    must_rc(json_parse(input_text, strlen(input_text), "input", &in, &err), &err);
    struct scope s = {.input = in, .context = context};
    int rc = choice_matches(r, &s, &yes, &err);
    if (rc < 0) {
        is_str(err_asl(&err), "States.Runtime");
        ok(strstr(err.msg, "Invalid path '$.") != NULL);
    }
    json_decref(r);
    json_decref(in);
    json_decref(context);
    return rc < 0 ? -1 : yes;
}

/* {"v": v} against one comparator with operand x, and the ...Path twin where there is one: both must agree.
 */
static int compare(const char *name, const char *v, const char *x)
{
    char r[1000], input[1000], twin[64];
    snprintf(r, sizeof r, "{\"Variable\":\"$.v\",\"%s\":%s}", name, x);
    snprintf(input, sizeof input, "{\"v\":%s,\"x\":%s}", v, x);
    int got = rule(r, input);

    snprintf(twin, sizeof twin, "%sPath", name);
    if (comparator_find(twin) != NULL) {
        snprintf(r, sizeof r, "{\"Variable\":\"$.v\",\"%s\":\"$.x\"}", twin);
        if (!ok(rule(r, input) == got))
            diag("%s: %s %s", twin, v, x);
    }
    return got;
}

TEST(there_are_thirty_nine_comparators)
{
    int paths = 0;

    for (size_t i = 0; i < COMPARATOR_COUNT; i++) {
        must(comparators[i].name != NULL);
        ok(comparator_find(comparators[i].name) == &comparators[i]);
        paths += comparators[i].path;
    }
    is_int(paths, 16);
    ok(comparator_find("StringMatchesPath") == NULL);
    ok(comparator_find("NumericEqual") == NULL);
}

/* below, equal, above against: Equals LessThan GreaterThan LessThanEquals GreaterThanEquals */
TEST(order_of_numbers_strings_and_times)
{
    static const struct {
        const char *kind, *below, *equal, *above, *x;
    } rows[] = {
        {"Numeric", "1.5", "2.0", "2.5", "2"},
        {"Numeric", "-1e300", "-7", "0", "-7.0"},
        {"Numeric", "9007199254740992", "9007199254740993", "9007199254740994", "9007199254740993"},
        {"String", "\"A\"", "\"AB\"", "\"Ab\"", "\"AB\""},
        {"String", "\"\"", "\"\\u00e4\"", "\"\\ud83d\\ude00\"", "\"\\u00e4\""},
        {"Timestamp", "\"2022-06-05T11:59:59Z\"", "\"2022-06-05T14:00:00+02:00\"",
         "\"2022-06-05T12:00:00.001Z\"", "\"2022-06-05T12:00:00Z\""},
        {"Timestamp", "\"2022-06-05T12:00:00.123456788Z\"", "\"2022-06-05T12:00:00.123456789Z\"",
         "\"2022-06-05T12:00:00.1234568Z\"", "\"2022-06-05T12:00:00.123456789Z\""},
    };
    static const struct {
        const char *op;
        int below, equal, above;
    } ops[] = {{"Equals", 0, 1, 0},
               {"LessThan", 1, 0, 0},
               {"GreaterThan", 0, 0, 1},
               {"LessThanEquals", 1, 1, 0},
               {"GreaterThanEquals", 0, 1, 1}};
    char name[64];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(ops); k++) {
            snprintf(name, sizeof name, "%s%s", rows[i].kind, ops[k].op);
            if (!ok(compare(name, rows[i].below, rows[i].x) == ops[k].below) ||
                !ok(compare(name, rows[i].equal, rows[i].x) == ops[k].equal) ||
                !ok(compare(name, rows[i].above, rows[i].x) == ops[k].above))
                diag("row %zu %s", i, name);
        }
}

TEST(another_type_never_matches)
{
    static const char *const values[] = {"null", "0",  "1.5", "\"0\"", "\"true\"",
                                         "true", "[]", "[0]", "{}",    "\"2022-06-05\""};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        is_int(compare("NumericEquals", values[i], "0"), i == 1);
        is_int(compare("NumericLessThan", values[i], "1"), i == 1);
        is_int(compare("StringEquals", values[i], "\"0\""), i == 3);
        is_int(compare("BooleanEquals", values[i], "true"), i == 5);
        is_int(compare("BooleanEquals", values[i], "false"), 0);
        is_int(compare("TimestampLessThan", values[i], "\"2030-01-01T00:00:00Z\""), 0);
    }
    /* the other side of a Path twin is of another type */
    is_int(rule("{\"Variable\":\"$.v\",\"NumericEqualsPath\":\"$.x\"}", "{\"v\":1,\"x\":\"1\"}"), 0);
}

TEST(kinds)
{
    static const char *const names[] = {"IsNull", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"};
    static const struct {
        const char *v;
        int is[5];
    } rows[] = {{"null", {1, 0, 0, 0, 0}},
                {"0", {0, 1, 0, 0, 0}},
                {"0.5", {0, 1, 0, 0, 0}},
                {"\"\"", {0, 0, 1, 0, 0}},
                {"false", {0, 0, 0, 1, 0}},
                {"[]", {0, 0, 0, 0, 0}},
                {"\"2022-06-05T12:00:00Z\"", {0, 0, 1, 0, 1}},
                {"\"2022-06-05T12:00:00.5+05:30\"", {0, 0, 1, 0, 1}},
                {"\"2022-06-05T12:00:00\"", {0, 0, 1, 0, 0}},
                {"\"2022-06-05t12:00:00z\"", {0, 0, 1, 0, 0}},
                {"\"2022-06-05T12:00Z\"", {0, 0, 1, 0, 0}},
                {"\"2022-02-30T12:00:00Z\"", {0, 0, 1, 0, 0}}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (!ok(compare(names[k], rows[i].v, "true") == rows[i].is[k]) ||
                !ok(compare(names[k], rows[i].v, "false") == !rows[i].is[k]))
                diag("%s %s", names[k], rows[i].v);
        }
}

TEST(only_is_present_may_ask_for_what_is_not_there)
{
    is_int(rule("{\"Variable\":\"$.a.b\",\"IsPresent\":true}", "{\"a\":{\"b\":null}}"), 1);
    is_int(rule("{\"Variable\":\"$.a.b\",\"IsPresent\":true}", "{\"a\":{}}"), 0);
    is_int(rule("{\"Variable\":\"$.a.b\",\"IsPresent\":false}", "{}"), 1);
    is_int(rule("{\"Variable\":\"$.a\",\"IsNull\":true}", "{}"), -1);
    is_int(rule("{\"Variable\":\"$.a\",\"StringEquals\":\"\"}", "{}"), -1);
    is_int(rule("{\"Variable\":\"$.a\",\"NumericEqualsPath\":\"$.b\"}", "{\"a\":1}"), -1);
    is_int(rule("{\"Variable\":\"$$.Execution.RedriveCount\",\"NumericEquals\":3}", "{}"), 1);
}

TEST(and_or_not_stop_at_the_answer)
{
    const char *guard = "{\"And\":[{\"Variable\":\"$.a\",\"IsPresent\":true},{\"Variable\":\"$.a\","
                        "\"NumericGreaterThan\":1}]}";
    const char *either = "{\"Or\":[{\"Variable\":\"$.a\",\"IsPresent\":false},{\"Not\":{\"Variable\":\"$.a\","
                         "\"IsNull\":true}}]}";

    is_int(rule(guard, "{}"), 0);
    is_int(rule(guard, "{\"a\":1}"), 0);
    is_int(rule(guard, "{\"a\":2}"), 1);
    is_int(rule(either, "{}"), 1);
    is_int(rule(either, "{\"a\":null}"), 0);
    is_int(rule(either, "{\"a\":0}"), 1);
    is_int(rule("{\"Not\":{\"Variable\":\"$.a\",\"StringEquals\":\"x\"}}", "{}"), -1);
}

TEST(patterns)
{
    static const struct {
        const char *pattern, *text;
        int matches;
    } rows[] = {{"*", "", 1},
                {"", "", 1},
                {"", "x", 0},
                {"log-*.txt", "log-1.txt", 1},
                {"log-*.txt", "log-.txt", 1},
                {"log-*.txt", "log-1.txt.gz", 0},
                {"*.*", "zebra", 0},
                {"*.*", "a.b.c", 1},
                {"a*a", "a", 0},
                {"a*b*c", "aXbYbZc", 1},
                {"\\\\*", "*", 1},
                {"\\\\*", "x", 0},
                {"a\\\\\\\\b", "a\\\\b", 1},
                {"*\\\\**", "x*y", 1},
                {"*\\\\**", "xy", 0},
                {"aa*", "aaa", 1},
                {"*aab", "aaaaab", 1},
                {"x\\\\y", "x\\\\y", 1},
                {"Ä*", "Ärger", 1}};
    char v[100], x[100];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(v, sizeof v, "\"%s\"", rows[i].text);
        snprintf(x, sizeof x, "\"%s\"", rows[i].pattern);
        if (!ok(compare("StringMatches", v, x) == rows[i].matches))
            diag("%s ~ %s", rows[i].text, rows[i].pattern);
    }
    is_int(compare("StringMatches", "7", "\"*\""), 0);
}
