#include "orchestrator/intrinsic.h"
#include "base/buf.h"
#include "base/mem.h"
#include "orchestrator/java.h"
#include "tests/tap.h"

#define INPUT                                                                                                \
    "{\"a\":\"x\",\"n\":2,\"f\":1.5,\"t\":true,\"z\":null,\"s\":\"1,2,,3\",\"l\":[1,2,3,4,5],\"e\":[],"      \
    "\"o\":{\"k\":1,\"l\":[]},\"p\":{\"k\":2,\"m\":{\"q\":1}},\"users\":[{\"u\":\"a\",\"i\":0},{\"u\":"      \
    "\"b\",\"i\":1}],"                                                                                       \
    "\"json\":\"{\\\"b\\\": [1, 2.50]}\",\"tpl\":\"n={} \\\\{\\\\}\",\"blank\":\"  "                         \
    "\",\"dup\":[3,1,\"b\",\"a\",3,1],"                                                                      \
    "\"bools\":[true,false,true],\"lists\":[[1,2],[1,2],[2,1]],\"nulls\":[null,null,1],\"big\":10000000000}"

/* What the text comes to, or its error. */
static const char *value(const char *text)
{
    static char out[70000];
    json_t *input = NULL, *made = NULL, *context = json_pack("{s:{s:s}}", "Execution", "Name", "run-1"),
           *vars = json_pack("{s:[i,i]}", "list", 7, 8);
    uint64_t random = 42;
    struct scope s = {.context = context, .vars = vars, .random = &random};
    struct err err;

    must_rc(json_parse(INPUT, strlen(INPUT), "input", &input, &err), &err);
    s.input = input;
    if (intrinsic_value(text, &s, &made, &err) < 0) {
        const char *of = strstr(err.msg, "had the following error: ");
        snprintf(out, sizeof out, "%s: %s", err_asl(&err), of ? of + 25 : err.msg);
    } else {
        char *dump = json_text(made);
        snprintf(out, sizeof out, "%s", dump);
        free(dump);
    }
    json_decref(made);
    json_decref(input);
    json_decref(context);
    json_decref(vars);
    return out;
}

struct row {
    const char *text, *value;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_str(value(rows[i].text), rows[i].value))
            diag("%s", rows[i].text);
}

TEST(format_writes_values_as_aws_writes_them)
{
    static const struct row rows[] = {
        {"States.Format('Hello {}', $.a)", "\"Hello x\""},
        {"States.Format('{} {} {} {} {}', $.n, $.f, $.t, $.z, 'q')", "\"2 1.5 true null q\""},
        {"States.Format('{}', $.o)", "\"{k=1, l=[]}\""},
        {"States.Format('{}', $.users)", "\"[{u=a, i=0}, {u=b, i=1}]\""},
        {"States.Format('{}', $.l[1:3])", "\"[2, 3]\""},
        {"States.Format($.tpl, 1)", "\"n=1 {}\""},
        {"States.Format('it\\'s \\{{}\\} \\\\', 1)", "\"it's {1} \\\\\""},
        {"States.Format('plain')", "\"plain\""},
        {"States.Format('{}-{}', $$.Execution.Name, $list[0])", "\"run-1-7\""},
        {"States.Format('{} {} {}', 1.0, -0.5, 12345678.9)", "\"1.0 -0.5 1.23456789E7\""},
        {"States.Format('{}', States.StringToJson('\"x\"'))", "\"\\\"x\\\"\""},
        {"States.Format('{}', States.StringToJson($.json))", "\"{\\\"b\\\":[1,2.5]}\""},
        {"States.Format('Ж{}', '中')", "\"Ж中\""},
        {"States.Format('{')",
         "States.IntrinsicFailure: Invalid arguments in States.Format: matching '}' not found "
         "for '{'"},
        {"States.Format('}')",
         "States.IntrinsicFailure: Invalid arguments in States.Format: matching '{' not found "
         "for '}'"},
        {"States.Format('{} {}', 1)",
         "States.IntrinsicFailure: Invalid arguments in States.Format: the template has "
         "more {} than there are arguments"},
        {"States.Format('{}', 1, 2)",
         "States.IntrinsicFailure: Invalid arguments in States.Format: the template has "
         "1 {}, and there are 2 arguments for them"},
        {"States.Format(1, 2)",
         "States.IntrinsicFailure: Invalid arguments in States.Format: argument 1 is an "
         "integer where a string is expected"},
    };

    check(rows, ARRAY_LEN(rows));
}

TEST(arrays)
{
    static const struct row rows[] = {
        {"States.Array()", "[]"},
        {"States.Array( 1 , 'a',true,null , $.o,-1.5 )", "[1,\"a\",true,null,{\"k\":1,\"l\":[]},-1.5]"},
        {"States.Array($.users[?(@.i == 1)], States.Array(1))", "[[{\"u\":\"b\",\"i\":1}],[1]]"},
        {"States.ArrayPartition($.l, 2)", "[[1,2],[3,4],[5]]"},
        {"States.ArrayPartition($.l, 2.6)", "[[1,2],[3,4],[5]]"},
        {"States.ArrayPartition($.e, 3)", "[]"},
        {"States.ArrayPartition($.l, 9)", "[[1,2,3,4,5]]"},
        {"States.ArrayPartition($.l, 0.6)", "States.IntrinsicFailure: Invalid arguments in "
                                            "States.ArrayPartition: a chunk of 0 items is no chunk"},
        {"States.ArrayPartition($.a, 1)",
         "States.IntrinsicFailure: Invalid arguments in States.ArrayPartition: "
         "argument 1 is a string where an array is expected"},
        {"States.ArrayContains($.l, 3)", "true"},
        {"States.ArrayContains($.l, '3')", "true"},
        {"States.ArrayContains($.l, 3.0)", "false"},
        {"States.ArrayContains($.users[*].u, 'b')", "true"},
        {"States.ArrayContains($.users, $.users[1])", "true"},
        {"States.ArrayContains($.nulls, null)", "true"},
        {"States.ArrayContains($.e, 1)", "false"},
        {"States.ArrayRange(1, 9, 2)", "[1,3,5,7,9]"},
        {"States.ArrayRange(5, 1, -2)", "[5,3,1]"},
        {"States.ArrayRange(3, 3, -1)", "[3]"},
        {"States.ArrayRange(5, 1, 1)", "[]"},
        {"States.ArrayRange(1, 5, -1)", "[]"},
        {"States.ArrayRange(1.6, 1.4, 1)", "[1]"},
        {"States.ArrayRange(5.4, -0.6, -2.4)", "[5,3,1]"},
        {"States.ArrayRange(-2147483648, 2147483647, 2147483647)", "[-2147483648,-1,2147483646]"},
        {"States.ArrayRange(1, 9, 0.49)",
         "States.IntrinsicFailure: Invalid arguments in States.ArrayRange: a step of 0 leads nowhere"},
        {"States.ArrayRange(1, 1001, 1)",
         "States.IntrinsicFailure: Invalid arguments in States.ArrayRange: 1001 items are more than 1000"},
        {"States.ArrayLength(States.ArrayRange(1, 1000, 1))", "1000"},
        {"States.ArrayLength($.users[?(@.i == 9)])", "0"},
        {"States.ArrayGetItem($.l, 1)", "2"},
        {"States.ArrayGetItem($.l, 1.9)", "2"},
        {"States.ArrayGetItem($.e, 999)", "null"},
        {"States.ArrayGetItem(States.StringToJson('[4,5]'), 1)", "5"},
        {"States.ArrayGetItem($.l, 5)",
         "States.IntrinsicFailure: Invalid arguments in States.ArrayGetItem: there is no "
         "item 5 in an array of 5"},
        {"States.ArrayGetItem($.l, -1)",
         "States.IntrinsicFailure: Invalid arguments in States.ArrayGetItem: there is "
         "no item -1 in an array of 5"},
        {"States.ArrayGetItem($.l, '1')",
         "States.IntrinsicFailure: Invalid arguments in States.ArrayGetItem: argument 2 "
         "is a string where a number is expected"},
    };

    check(rows, ARRAY_LEN(rows));
}

/* The order is that of a HashSet of Java's: AWS's own answers, and what Java 17 gives. */
TEST(unique_values_come_in_the_order_of_their_hashes)
{
    static const struct row rows[] = {
        {"States.ArrayUnique($.dup)", "[1,\"a\",\"b\",3]"},
        {"States.ArrayUnique($.bools)", "[false,true]"},
        {"States.ArrayUnique($.lists)", "[[2,1],[1,2]]"},
        {"States.ArrayUnique($.nulls)", "[null,1]"},
        {"States.ArrayUnique(States.Array(1,2,3,3,3,4))", "[1,2,3,4]"},
        {"States.ArrayUnique(States.Array('a','b','a','c','b'))", "[\"a\",\"b\",\"c\"]"},
        {"States.ArrayUnique(States.Array(1, '1', '01', 1))", "[1,\"1\",\"01\"]"},
        {"States.ArrayUnique(States.Array(17, 16, 1))", "[16,17,1]"},
        {"States.ArrayUnique(States.Array(100,17,33,'Ж😀',null,true,-5,2.5,States.StringToJson('{\"a\":1}'"
         "),States.Array(1,'x')))",
         "[null,{\"a\":1},17,33,\"Ж😀\",100,-5,2.5,[1,\"x\"],true]"},
        {"States.ArrayUnique(States.Array(1, 1.0, 10000000000))", "[1.0,1,10000000000]"},
    };
    json_t *v = json_pack("[s,i,b,n,f,{s:i}]", "hello", -3, 1, 1.5, "a", 1);

    check(rows, ARRAY_LEN(rows));
    uint64_t none = 0;
    json_t *many = json_array(), *unique = NULL;
    struct scope scope = {.input = many, .random = &none};
    struct err err;
    for (int i = 0; i < 40; i++)
        json_array_append_new(many, json_integer(i * 7919 % 1009));
    must_rc(intrinsic_value("States.ArrayUnique($)", &scope, &unique, &err), &err);
    char *text = json_text(unique);
    is_str(text, "[0,641,579,517,455,393,397,335,976,273,914,211,852,149,87,856,794,91,732,29,670,608,546,"
                 "550,488,426,364,"
                 "1005,302,240,947,244,885,182,823,120,761,58,699,703]");
    free(text);
    json_decref(many);
    json_decref(unique);
    is_int(java_hash(json_array_get(v, 0)), 99162322);
    is_int(java_hash(json_array_get(v, 1)), -3);
    is_int(java_hash(json_array_get(v, 2)), 1231);
    is_int(java_hash(json_array_get(v, 4)), 1073217536);
    is_int(java_hash(json_array_get(v, 5)), 96);
    json_decref(v);
}

TEST(texts_and_json)
{
    static const struct row rows[] = {
        {"States.StringToJson($.json)", "{\"b\":[1,2.5]}"},
        {"States.StringToJson('')", "null"},
        {"States.StringToJson($.blank)", "null"},
        {"States.StringToJson($.z)", "null"},
        {"States.StringToJson(' 12 ')", "12"},
        {"States.JsonToString($.o)", "\"{\\\"k\\\":1,\\\"l\\\":[]}\""},
        {"States.JsonToString('x')", "\"\\\"x\\\"\""},
        {"States.JsonToString($.f)", "\"1.5\""},
        {"States.StringToJson(States.JsonToString($.p))", "{\"k\":2,\"m\":{\"q\":1}}"},
        {"States.JsonMerge($.o, $.p, false)", "{\"k\":2,\"l\":[],\"m\":{\"q\":1}}"},
        {"States.JsonMerge($.o, $.p, 'no')", "{\"k\":2,\"l\":[],\"m\":{\"q\":1}}"},
        {"States.JsonMerge($.o, $.p, true)",
         "States.IntrinsicFailure: Invalid arguments in States.JsonMerge: there is "
         "no deep merge; the third argument must be false"},
        {"States.JsonMerge($.o, $.l, false)",
         "States.IntrinsicFailure: Invalid arguments in States.JsonMerge: argument "
         "2 is an array where an object is expected"},
        {"States.StringSplit($.s, ',')", "[\"1\",\"2\",\"3\"]"},
        {"States.StringSplit('This.is+a,test=string', '.+,=')",
         "[\"This\",\"is\",\"a\",\"test\",\"string\"]"},
        {"States.StringSplit(',a,', ',')", "[\"a\"]"},
        {"States.StringSplit('', ',')", "[]"},
        {"States.StringSplit('ab c', '')", "[\"ab c\"]"},
        {"States.StringSplit('aЖb中c', '中Ж')", "[\"a\",\"b\",\"c\"]"},
        {"States.StringSplit('a\nb', '\n')", "[\"a\",\"b\"]"},
        {"States.StringSplit($.n, ',')",
         "States.IntrinsicFailure: Invalid arguments in States.StringSplit: argument 1 "
         "is an integer where a string is expected"},
        {"States.StringToJson('{bad}')", "States.IntrinsicFailure: Invalid arguments in States.StringToJson: "
                                         "argument 1: line 1 column 4: string or '}' "
                                         "expected near 'bad'"},
        {"States.StringToJson($.n)",
         "States.IntrinsicFailure: Invalid arguments in States.StringToJson: argument 1 is "
         "an integer where a string is expected"},
    };

    check(rows, ARRAY_LEN(rows));
}

TEST(codes_and_sums)
{
    static const struct row rows[] = {
        {"States.Base64Encode('Data to encode')", "\"RGF0YSB0byBlbmNvZGU=\""},
        {"States.Base64Encode('')", "\"\""},
        {"States.Base64Encode('a')", "\"YQ==\""},
        {"States.Base64Encode('✓')", "\"4pyT\""},
        {"States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "\"Data to encode\""},
        {"States.Base64Decode('4pyT')", "\"✓\""},
        {"States.Base64Decode(' YW Jj\nZA== ')", "\"abcd\""},
        {"States.Base64Decode('abc')", "\"i\xef\xbf\xbd\""},
        {"States.Base64Decode('YWJj!ZA')", "\"abcd\""},
        {"States.Base64Decode('YQ==YQ==')", "\"a\""},
        {"States.Base64Decode('AAAA')",
         "States.IntrinsicFailure: Invalid arguments in States.Base64Decode: what it "
         "stands for holds a byte 0, which orch does not carry in a text"},
        {"States.Base64Decode(12)",
         "States.IntrinsicFailure: Invalid arguments in States.Base64Decode: argument 1 is "
         "an integer where a string is expected"},
        {"States.Hash('hello', 'MD5')", "\"5d41402abc4b2a76b9719d911017c592\""},
        {"States.Hash('hello', 'SHA-1')", "\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\""},
        {"States.Hash('hello', 'SHA-256')",
         "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""},
        {"States.Hash('hello', 'SHA-384')",
         "\"59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79"
         "f90397bdf5f6a13de828684f\""},
        {"States.Hash('hello', 'SHA-512')", "\"9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673c"
                                            "a72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2"
                                            "e5c3adef46f73bcdec043\""},
        {"States.Hash(123, 'MD5')", "\"202cb962ac59075b964b07152d234b70\""},
        {"States.Hash('data', 'sha-256')",
         "States.IntrinsicFailure: Invalid arguments in States.Hash: 'sha-256' is none "
         "of MD5, SHA-1, SHA-256, SHA-384 and SHA-512"},
    };

    check(rows, ARRAY_LEN(rows));
}

TEST(numbers_round_or_are_cut_as_on_aws)
{
    static const struct row rows[] = {
        {"States.MathAdd(5, -3)", "2"},
        {"States.MathAdd(1.49, 1.5)", "3"},
        {"States.MathAdd(-1.5, -1.51)", "-3"},
        {"States.MathAdd(-0.5, 0.5)", "1"},
        {"States.MathAdd(-2.5, 0)", "-2"},
        {"States.MathAdd(2147483646, 1)", "2147483647"},
        {"States.MathAdd(2147483647, 1)",
         "States.IntrinsicFailure: Invalid arguments in States.MathAdd: the sum does not fit 32 bits"},
        {"States.MathAdd($.big, 1)",
         "States.IntrinsicFailure: Invalid arguments in States.MathAdd: argument 1 does not fit 32 bits"},
        {"States.MathAdd(3000000000.5, 1)",
         "States.IntrinsicFailure: Invalid arguments in States.MathAdd: argument 1 does not fit 32 bits"},
        {"States.MathAdd('1', 1)",
         "States.IntrinsicFailure: Invalid arguments in States.MathAdd: argument 1 is a string "
         "where a number is expected"},
        {"States.MathAdd(States.MathAdd($.n, 1), 2)", "5"},
        {"States.MathRandom(1, 2)", "1"},
        {"States.MathRandom(1, 2, 7)", "1"},
        {"States.MathRandom(1.4, 1.6)",
         "States.IntrinsicFailure: Invalid arguments in States.MathRandom: from 1 to 1, "
         "which is left out, there is no number"},
        {"States.MathRandom(1, 9, 'seed')",
         "States.IntrinsicFailure: Invalid arguments in States.MathRandom: argument 3 "
         "is a string where a number of 64 bits is expected"},
    };

    check(rows, ARRAY_LEN(rows));
}

/* What new java.util.Random(seed) draws. */
TEST(seeded_numbers_are_those_of_java)
{
    is_int(java_random(42, 0, 10), 0);
    is_int(java_random(42, 0, 100), 30);
    is_int(java_random(42, -2000000000, 2000000000), -1170105035);
    is_int(java_random(0, 0, 1000), 360);
    is_int(java_random(1, 0, 16), 11);
    for (int i = 0; i < 1000; i++) {
        int32_t r = java_random(i, -5, 7), wide = java_random(i, INT32_MIN, INT32_MAX);
        if (r < -5 || r >= 7 || wide == INT32_MAX ||
            strcmp(value("States.MathRandom(1, 100, 42)"), "63") != 0)
            break;
        if (i == 999)
            ok(true);
    }
}

TEST(what_is_random_comes_from_the_scope_and_nowhere_else)
{
    char first[64];

    snprintf(first, sizeof first, "%s", value("States.UUID()"));
    is_str(value("States.UUID()"), first);
    is_int(strlen(first), 38);
    is_int(first[15], '4');
    ok(strchr("89ab", first[20]) != NULL);
    json_t *two = NULL, *input = json_object();
    uint64_t random = 42;
    struct scope s = {.input = input, .random = &random};
    struct err err;
    must_rc(intrinsic_value("States.Array(States.UUID(), States.UUID())", &s, &two, &err), &err);
    ok(!json_equal(json_array_get(two, 0), json_array_get(two, 1)));
    ok(random != 42);
    s.random = NULL;
    json_decref(two);
    ok(intrinsic_value("States.UUID()", &s, &two, &err) < 0);
    json_decref(input);
}

TEST(a_path_that_finds_nothing_is_said_as_aws_says_it)
{
    json_t *input = json_pack("{s:i,s:[i]}", "other", 1, "items", 1), *context = json_object(), *v = NULL;
    struct scope s = {.input = input, .context = context};
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"States.Format('{}', $.nope)",
         "The JsonPath argument for the field '$.nope' could not be found in the input "
         "'{\"other\":1,\"items\":[1]}'"},
        {"States.Format('{}', States.Format('{}', $.a.b))",
         "The JsonPath argument for the field '$.a.b' could not be "
         "found in the input '{\"other\":1,\"items\":[1]}'"},
        {"States.Format('{}', $.items[5])",
         "The JsonPath argument for the field '$.items[5]' could not be found in the "
         "input '{\"other\":1,\"items\":[1]}'"},
        {"States.Format('{}', $$.Nope.Deep)",
         "The JsonPath argument for the field '$.Nope.Deep' could not be found in "
         "the input '{\"other\":1,\"items\":[1]}'"},
        {"States.Format('{}', $.other[0])",
         "Filter: [0] can only be applied to arrays. Current context is: 1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        char want[600];
        snprintf(want, sizeof want, "The function '%s' had the following error: %s", rows[i].text,
                 rows[i].why);
        ok(intrinsic_value(rows[i].text, &s, &v, &err) < 0);
        is_str(err.msg, want);
        is_str(err_asl(&err), i + 1 < ARRAY_LEN(rows) ? "States.ParameterPathFailure" : "States.Runtime");
    }
    json_decref(input);
    json_decref(context);
}

TEST(calls_are_checked_before_they_run)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"States.Formt('{}')", "'States.Formt' is no intrinsic function; 'States.Format' is the nearest"},
        {"States.format('{}')", "'States.Format' is the nearest"},
        {"States.Array(1", "',' or ')' is missing"},
        {"States.Array(", "is missing"},
        {"States.Array(1,)", "is missing"},
        {"States.Array(1) x", "nothing may follow"},
        {"States.Array(1)[0]", "nothing may follow"},
        {"States.Array([1])", "is missing"},
        {"States.Array(1.)", "no number"},
        {"States.Array(.5)", "is missing"},
        {"States.Array(yes)", "is missing"},
        {"States.Array(\"a\")", "is missing"},
        {"States.Array('a\\n')", "a backslash may stand before"},
        {"States.Array('a", "a quote is not closed"},
        {"States.Array($.a b)", "',' or ')' is missing"},
        {"States.Array($.a[?(@.b])", "filter"},
        {"States.Array(99999999999999999999)", "fits 64 bits"},
        {"States.ArrayRange(1, 5)", "States.ArrayRange takes 3 arguments, not 2"},
        {"States.UUID(1)", "States.UUID takes 0 arguments, not 1"},
        {"States.MathRandom(1)", "States.MathRandom takes 2 or 3 arguments, not 1"},
        {"States.Format()", "States.Format takes at least 1 argument, not 0"},
        {"States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States."
         "Array("
         "States.Array(States.Array(States.Array(1)))))))))))",
         "at most 10 deep"},
    };
    static const char *const good[] = {
        "States.Array()",
        "States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States.Array(States."
        "Array("
        "States.Array(States.Array(1))))))))))",
        "States.Format('a, b) {}', $.a['x, y)'][?(@.b == ')')])",
        "States.Array($..a[*],$$.Execution.Id,$v[0],1e3,-2)",
        "States.Format('{}.{}.{}', "
        "States.ArrayGetItem(States.StringSplit(States.ArrayGetItem(States.StringSplit("
        "$.ImageRecipe.Arn, '/'), 2), '.'), 0), States.ArrayGetItem(States.StringSplit(States.ArrayGetItem("
        "States.StringSplit($.ImageRecipe.Arn, '/'), 2), '.'), 1), 1)",
    };
    int marks;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        if (!ok(intrinsic_check(rows[i].text, &marks, &err) < 0 && strstr(err.msg, rows[i].why) != NULL))
            diag("%s: %s", rows[i].text, err.msg);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err err = {0};
        if (!ok(intrinsic_check(good[i], &marks, &err) >= 0))
            diag("%s: %s", good[i], err.msg);
    }
}

/* What limits there are hold at their edge. */
TEST(large_arguments_end_in_an_error)
{
    json_t *input = json_object(), *v = NULL;
    struct scope s = {.input = input};
    struct buf text = BUF_INIT(1 << 20), call = BUF_INIT(1 << 20);
    struct err err;
    int marks;

    for (int i = 0; i < 10000; i++)
        must_rc(buf_adds(&text, "a", &err), &err);
    json_object_set_new(input, "s", json_string(text.p));
    must_rc(buf_adds(&text, "a", &err), &err);
    json_object_set_new(input, "t", json_string(text.p));
    static const char *const fit[] = {"States.Base64Encode($.s)", "States.Base64Decode($.s)",
                                      "States.Hash($.s, 'MD5')"},
                             *const not [] = {"States.Base64Encode($.t)", "States.Base64Decode($.t)",
                                              "States.Hash($.t, 'MD5')"};
    for (size_t i = 0; i < ARRAY_LEN(fit); i++) {
        int rc = intrinsic_value(fit[i], &s, &v, &err);
        if (!ok(rc >= 0 || strstr(err.msg, "a byte 0") != NULL))
            diag("%s", err.msg);
        if (rc >= 0)
            json_decref(v);
        ok(intrinsic_value(not [i], &s, &v, &err) < 0 && strstr(err.msg, "longer than 10000") != NULL);
    }
    /* a text of 10 MB */
    must_rc(buf_adds(&call, "States.JsonToString(States.Array(1", &err), &err);
    for (int i = 0; i < 500; i++)
        must_rc(buf_adds(&call, ",$", &err), &err);
    must_rc(buf_adds(&call, "))", &err), &err);
    ok(intrinsic_value(call.p, &s, &v, &err) < 0 && strstr(err.msg, "larger than") != NULL);
    buf_clear(&call);
    for (int i = 0; i < 100000; i++)
        must_rc(buf_adds(&call, "1,", &err), &err);
    char *many = xasprintf("States.Array(%s1)", call.p);
    ok(intrinsic_check(many, &marks, &err) < 0);
    free(many);
    json_decref(input);
    buf_release(&text);
    buf_release(&call);
}

/* In time that grows with their sum. */
TEST(a_long_text_is_split_at_one_of_many_marks)
{
    enum { MANY = 400000 };
    struct buf text = BUF_INIT(1 << 24), marks = BUF_INIT(1 << 24);
    struct err err;

    for (int i = 0; i < MANY; i++) { /* the same first byte in UTF-8, and never the same character */
        must_rc(buf_adds(&text, "\xc3\xa9", &err), &err);
        must_rc(buf_adds(&marks, "\xc3\xa8", &err), &err);
    }
    must_rc(buf_adds(&text, "\xf0\x9f\x98\x80|", &err), &err);
    must_rc(buf_adds(&marks, "\xf0\x9f\x98\x80", &err), &err);
    json_t *input = json_pack("{s:s, s:s}", "t", text.p, "m", marks.p), *parts = NULL;
    const struct scope s = {.input = input};
    must_rc(intrinsic_value("States.StringSplit($.t, $.m)", &s, &parts, &err), &err);
    is_int(json_array_size(parts), 2);
    is_int(json_string_length(json_array_get(parts, 0)), 2 * MANY);
    is_str(json_string_value(json_array_get(parts, 1)), "|");
    json_decref(parts);
    json_decref(input);
    buf_release(&text);
    buf_release(&marks);
}

/* Each with the hash of all others, and equal to them up to its end. */
TEST(what_was_made_to_collide_is_given_up)
{
    json_t *input = json_array(), *made = NULL;
    const struct scope s = {.input = input};
    struct err err;

    for (unsigned i = 0; i < 256; i++) {
        json_t *item = json_array();
        char text[17] = "";
        for (unsigned bit = 0; bit < 8; bit++) /* "Aa" and "BB" hash alike */
            memcpy(text + (size_t)2 * bit, i >> bit & 1 ? "BB" : "Aa", 2);
        for (int k = 0; k < 400; k++)
            json_array_append_new(item, json_integer(0));
        json_array_append_new(item, json_string(text));
        json_array_append_new(input, item);
    }
    ok(intrinsic_value("States.ArrayUnique($)", &s, &made, &err) < 0);
    ok(strstr(err.msg, "its values are too much alike") != NULL);
    json_decref(made);
    json_decref(input);
}
