#include "orchestrator/resource_map.h"
#include "base/mem.h"
#include "tests/tap.h"

#define STEP(name) "arn:aws:states:us-east-1:000000000000:activity:orch-" name
static struct err err;

static char *quoted(const char *text)
{
    char *copy = xstrdup(text);

    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

static int parse(const char *text, struct resource_map **ret)
{
    char *copy = quoted(text);
    int rc = resource_map_parse(copy, strlen(copy), "map.json", ret, &err);

    free(copy);
    return rc;
}

static void refused(const char *text, const char *part)
{
    struct resource_map *m = NULL;

    fails(parse(text, &m), &err, ERR_WORKFLOW);
    if (strstr(err.msg, part) == NULL)
        diag("message: %s", err.msg);
    ok(strstr(err.msg, part) != NULL);
}

static json_t *json(const char *text)
{
    char *copy = quoted(text);
    json_t *v = json_loads(copy, JSON_DECODE_ANY, NULL);

    free(copy);
    must(v != NULL);
    return v;
}

/* What a task that gives `given` gets, when the step gives `gives`: "step parameters -> result", owned. */
static char *bound(const struct resource_map *m, const char *arn, const char *given, const char *gives)
{
    json_t *p = json(given), *context = json("{'Execution': {'Name': 'run-1'}}"), *g = json(gives),
           *result = NULL;
    struct mapped mapped;
    char *said, *a = NULL, *b = NULL;

    if (resource_map_apply(m, arn, p, context, &mapped, &err) < 0) {
        said = xasprintf("%s: %s", err_asl(&err), err.msg);
    } else {
        int rc = mapped_result(&mapped, g, &result, &err);
        a = json_text(mapped.parameters);
        b = rc < 0 ? xasprintf("%s: %s", err_asl(&err), err.msg) : json_text(result);
        said = xasprintf("%s %s -> %s", mapped.type->name, a, b);
        mapped_release(&mapped);
    }
    free(a);
    free(b);
    json_decref(p);
    json_decref(context);
    json_decref(g);
    json_decref(result);
    return said;
}

static void is_bound(const struct resource_map *m, const char *arn, const char *given, const char *gives,
                     const char *want)
{
    char *got = bound(m, arn, given, gives), *w = quoted(want);

    is_str(got, w);
    free(got);
    free(w);
}

static const char both[] =
    "{'Comment': 'x', 'Resources': {"
    "'arn:aws:lambda:*:function:flag': ["
    "  {'When': {'Variable': '$.on', 'BooleanEquals': true}, 'Resource': '" STEP(
        "object-put") "',"
                      "   'Parameters': {'connection': 'lake', 'key': 'now', 'body.$': '$$.Execution.Name', "
                      "'onlyNew': true},"
                      "   'Results': [{'When': {'Variable': '$.same', 'BooleanEquals': true}, "
                      "'ResultSelector': {'got': 0, 'of.$': '$$.Parameters.of'}},"
                      "               {'ResultSelector': {'got': 9}}]},"
                      "  {'When': {'Variable': '$.on', 'BooleanEquals': false}, 'Resource': '" STEP(
                          "object-remove") "',"
                                           "   'Parameters': {'connection': 'lake', 'key': 'now'}}],"
                                           "'arn:aws:states:::aws-sdk:s3:*': {'Resource': '" STEP(
                                               "object-list") "', 'Parameters': {'connection': 'lake', "
                                                              "'prefix.$': '$.Prefix'},"
                                                              "   'ResultSelector': {'KeyCount.$': "
                                                              "'$.count'}}}}";

TEST(arns_rules_and_results)
{
    struct resource_map *m = NULL;
    const char *flag = "arn:aws:lambda:eu-west-1:1:function:flag";

    must_rc(parse(both, &m), &err);
    is_bound(
        m, flag, "{'on': true, 'of': 7}", "{'same': true}",
        "object-put {'connection':'lake','key':'now','body':'run-1','onlyNew':true} -> {'got':0,'of':7}");
    is_bound(m, flag, "{'on': true}", "{'same': false}",
             "object-put {'connection':'lake','key':'now','body':'run-1','onlyNew':true} -> {'got':9}");
    is_bound(m, flag, "{'on': false}", "{'key': 'now'}",
             "object-remove {'connection':'lake','key':'now'} -> {'key':'now'}");
    is_bound(m, "arn:aws:states:::aws-sdk:s3:listObjectsV2", "{'Prefix': 'a/'}", "{'count': 2}",
             "object-list {'connection':'lake','prefix':'a/'} -> {'KeyCount':2}");
    ok(!resource_map_has(m, "arn:aws:lambda:eu-west-1:1:function:flags"));
    ok(!resource_map_has(m, "arn:aws:states:::aws-sdk:dynamodb:getItem"));
    ok(!resource_map_has(NULL, flag));
    resource_map_free(m);
}

TEST(what_fits_nothing_is_an_error_that_says_so)
{
    struct resource_map *m = NULL;
    const char *flag = "arn:aws:lambda:eu-west-1:1:function:flag",
               *list = "arn:aws:states:::aws-sdk:s3:listObjectsV2";
    char *got;

    must_rc(parse(both, &m), &err);
    is_bound(m, flag, "{'on': 5}", "null",
             "Orch.ContractViolation: resource map: arn:aws:lambda:eu-west-1:1:function:flag: no rule fits "
             "what the task gives");
    got = bound(m, list, "{'Suffix': 'a/'}", "null"); /* the path finds nothing */
    ok(strstr(got, "Orch.ContractViolation") == got && strstr(got, "$.Prefix") != NULL);
    free(got);
    got = bound(m, list, "{'Prefix': 'a/'}", "{}");
    ok(strstr(got, "Orch.ContractViolation") != NULL && strstr(got, "$.count") != NULL);
    free(got);
    resource_map_free(m);
}

TEST(a_map_is_refused_whole)
{
    refused("{", "map.json");
    refused("{}", "Resources");
    refused("{'Resources': {}, 'Resource': {}}", "no field 'Resource'");
    is_str(err.hint, "the nearest is 'Resources'");
    refused("{'Resources': {'a:b': []}}", "no rule");
    refused("{'Resources': {'a:b': {'Resource': '" STEP("commend") "'}}}", "is no step of orch");
    refused("{'Resources': {'a:b': {'Resource': '" STEP("command") "', 'Parameters': {'argv.$': '$.argv'}}}}",
            "stands in the definition");
    refused("{'Resources': {'a:b': {'Resource': '" STEP("command") "'}}}", "needs the parameter 'argv'");
    refused("{'Resources': {'a:b': {'Resource': '" STEP(
                "object-remove") "', 'Parameters': {'connection': 'l', 'key.$': 'x'}}}}",
            "key.$");
    refused("{'Resources': {'a:b': {'Resource': '" STEP(
                "object-remove") "', 'Parameters': {'connection': 'l', 'key': 'x'}, 'Result': 1}}}",
            "no field 'Result'");
    refused("{'Resources': {'a:b': [{'When': {'Variable': '$.a', 'NumericEqual': 1}, 'Resource': '" STEP(
                "object-remove") "', "
                                 "'Parameters': {'connection': 'l', 'key': 'x'}}]}}",
            "a comparison such as");
    refused("{'Resources': {'a:b': {'Resource': '" STEP(
                "object-remove") "', 'Parameters': {'connection': 'l', 'key': 'x'}, "
                                 "'Results': [], 'ResultSelector': {}}}}",
            "Results");
    refused("{'Resources': {'" STEP("sql") "': {'Resource': '" STEP("sql") "'}}}", "stays one");
}
