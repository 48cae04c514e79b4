#include "orchestrator/path.h"
#include "base/buf.h"
#include "base/mem.h"
#include "tests/lib/machine.h"
#include "tests/tap.h"

/* What the path finds, as text; "nothing", or "bad path". */
static const char *get(const char *path, const char *data)
{
    static char out[4096];
    json_t *root = json_of(data), *context = json_of("{\"Execution\":{\"Name\":\"run-1\"}}"), *found = NULL;
    struct scope s = {.input = root, .context = context};
    struct err err;
    int rc = path_get(path, &s, &found, &err);

    if (rc > 0) {
        char *text = json_text(found);
        snprintf(out, sizeof out, "%s", text);
        free(text);
    } else {
        snprintf(out, sizeof out, "%s", rc == 0 ? "nothing" : "bad path");
    }
    json_decref(root);
    json_decref(context);
    return out;
}

/* root after value was put at the path, or the error's name. */
static const char *put(const char *path, const char *data, const char *value)
{
    static char out[4096];
    json_t *root = json_of(data), *v = json_of(value), *made = NULL;
    char *before = json_text(root), *after, *text;
    struct err err;

    if (path_put(path, root, v, &made, &err) < 0) {
        snprintf(out, sizeof out, "%s", err_asl(&err));
    } else {
        text = json_text(made);
        snprintf(out, sizeof out, "%s", text);
        free(text);
    }
    after = json_text(root);
    is_str(after, before); /* the history keeps the old value */
    free(before);
    free(after);
    json_decref(made);
    json_decref(root);
    json_decref(v);
    return out;
}

TEST(reference_paths_full_paths_and_no_paths)
{
    static const char *const reference[] = {"$",           "$.a",           "$.a.b",          "$['a b']",
                                            "$[\"a\"]",    "$.a[0]['b'].c", "$[3]",           "$.--date_time",
                                            "$.Ж中",       "$.a\\.b",       "$.\\stor\\e",    "$.a['it\\'s']",
                                            "$.aws:x-ray", "$['']",         "$.a.[0].['b c']"};
    static const char *const full[] = {"$.*",
                                       "$..a",
                                       "$..*",
                                       "$.a[*]",
                                       "$[-1]",
                                       "$[-2:]",
                                       "$[0:2]",
                                       "$[:2]",
                                       "$[0,1]",
                                       "$['a','b']",
                                       "$.a[?(@.b == 'x)]')].c",
                                       "$.users[?(@.status == 0)]",
                                       "$..[0]"};
    static const char *const none[] = {
        "",     "a",    "$.",    "$..",       "$.a.",           "$.a..", "$[",         "$[]",
        "$.a[", "$['a", "$['a'", "$[a]",      "$.a b",          "$.a]",  "$.a[?(@.b]", "$.length()",
        "$ ",   " $",   "$$x",   "$.a['b']c", "$[99999999999]", "$.a\\", "$[:x]"};

    for (size_t i = 0; i < ARRAY_LEN(reference); i++)
        if (!ok(path_kind(reference[i], false) == 1))
            diag("%s", reference[i]);
    for (size_t i = 0; i < ARRAY_LEN(full); i++)
        if (!ok(path_kind(full[i], false) == 0))
            diag("%s", full[i]);
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (!ok(path_kind(none[i], true) == -1))
            diag("%s", none[i]);
    is_int(path_kind("$$.Execution.Id", true), 1);
    is_int(path_kind("$$", true), 1);
    is_int(path_kind("$$.Execution.Id", false), -1);
}

TEST(what_a_path_finds)
{
    const char *data =
        "{\"a\":{\"b\":[10,{\"c\":null}],\"it's\":1,\"x.y\":2},\"--date_time\":\"2022\",\"\":3}";

    is_str(get("$", "7"), "7");
    is_str(get("$.a.b[0]", data), "10");
    is_str(get("$.a.b[1].c", data), "null"); /* null is a value, not an absence */
    is_str(get("$['a']['b'][1]", data), "{\"c\":null}");
    is_str(get("$.--date_time", data), "\"2022\"");
    is_str(get("$.a['it\\'s']", data), "1");
    is_str(get("$.a.x\\.y", data), "2");
    is_str(get("$['']", data), "3");
    is_str(get("$$.Execution.Name", data), "\"run-1\"");
    is_str(get("$$.Execution.Id", data), "nothing");
    is_str(get("$.a.b[2]", data), "nothing");
    is_str(get("$.a.zz.b.c[4]", data), "nothing");
    is_str(get("$.--date_time.x", data), "nothing");
    is_str(get("$.a[0]", data), "nothing");
    is_str(get("$.a.b[*]", data), "bad path");
    is_str(get("$.zz.", data), "bad path");
}

TEST(a_result_is_put_without_touching_what_was_there)
{
    is_str(put("$", "{\"a\":1}", "2"), "2");
    is_str(put("$.b", "{\"a\":1}", "{\"c\":2}"), "{\"a\":1,\"b\":{\"c\":2}}");
    is_str(put("$.a", "{\"a\":1,\"b\":2}", "3"), "{\"a\":3,\"b\":2}");
    is_str(put("$.x.y.z", "{}", "3"), "{\"x\":{\"y\":{\"z\":3}}}");
    is_str(put("$.x.y", "{\"x\":{\"k\":1}}", "3"), "{\"x\":{\"k\":1,\"y\":3}}");
    is_str(put("$.x[1].y", "{\"x\":[1,{\"k\":1}]}", "3"), "{\"x\":[1,{\"k\":1,\"y\":3}]}");
    is_str(put("$.x[0]", "{\"x\":[1]}", "[]"), "{\"x\":[[]]}");
    is_str(put("$['x.y'].z", "{}", "null"), "{\"x.y\":{\"z\":null}}");
}

TEST(a_result_that_does_not_fit_is_an_asl_error)
{
    is_str(put("$.a.b", "{\"a\":1}", "2"), "States.ResultPathMatchFailure");
    is_str(put("$.a", "[1]", "2"), "States.ResultPathMatchFailure");
    is_str(put("$.a", "\"text\"", "2"), "States.ResultPathMatchFailure");
    is_str(put("$.a.b", "{\"a\":null}", "2"), "States.ResultPathMatchFailure");
    is_str(put("$[1]", "[1]", "2"), "States.ResultPathMatchFailure");
    is_str(put("$.a[0]", "{}", "2"), "States.ResultPathMatchFailure");
    is_str(put("$.x.y[0].z", "{\"k\":1}", "2"), "States.ResultPathMatchFailure");
}

TEST(a_path_deeper_than_any_value_is_no_path)
{
    struct buf text = BUF_INIT(1 << 20);
    struct err err;

    must_rc(buf_adds(&text, "$", &err), &err);
    for (int i = 0; i < 100000; i++)
        must_rc(buf_adds(&text, ".a", &err), &err);
    is_int(path_kind(text.p, false), -1);
    buf_release(&text);
}

static char *applied(const char *template, const char *input, struct err *err)
{
    json_t *t = json_of(template), *in = json_of(input), *context = json_of("{\"State\":{\"Name\":\"S\"}}"),
           *vars = json_of("{\"x\":{\"y\":[7]}}"), *made = NULL;
    struct scope s = {.input = in, .context = context, .vars = vars};
    char *text = template_apply(t, &s, &made, err) < 0 ? NULL : json_text(made);

    json_decref(made);
    json_decref(t);
    json_decref(in);
    json_decref(context);
    json_decref(vars);
    return text;
}

TEST(variables_are_roots_of_paths)
{
    struct err err;
    char *text = applied("{\"a.$\":\"$x.y[0]\",\"b.$\":\"$x\"}", "{}", &err);

    is_str(text, "{\"a\":7,\"b\":{\"y\":[7]}}");
    free(text);
    text = applied("{\"a.$\":\"$z\"}", "{}", &err);
    ok(text == NULL);
    is_str(err_asl(&err), "States.ParameterPathFailure");
    is_int(path_kind("$x.y[0]", true), 1);
    is_int(path_kind("$x.y[0]", false), -1);
    is_int(path_kind("$1", true), -1);
}

TEST(templates_fill_keys_that_end_in_dollar_at_any_depth)
{
    struct err err;
    char *text =
        applied("{\"k\":\"$.x\",\"--date_time.$\":\"$.--date_time\",\"in\":{\"v.$\":\"$.x\",\"all.$\":\"$\"},"
                "\"list\":[1,{\"n.$\":\"$$.State.Name\"}],\"null.$\":\"$.n\"}",
                "{\"x\":1,\"--date_time\":\"d\",\"n\":null}", &err);

    is_str(text, "{\"k\":\"$.x\",\"--date_time\":\"d\",\"in\":{\"v\":1,\"all\":{\"x\":1,\"--date_time\":"
                 "\"d\",\"n\":null}},"
                 "\"list\":[1,{\"n\":\"S\"}],\"null\":null}");
    free(text);
}

TEST(a_template_path_without_value_names_field_path_and_input)
{
    struct err err;
    char *text = applied("{\"in\":[{\"jobName.$\":\"$.JobName\"}]}", "{\"Job\":1}", &err);

    ok(text == NULL);
    is_str(err_asl(&err), "States.ParameterPathFailure");
    is_str(err.msg,
           "The JSONPath '$.JobName' specified for the field 'jobName.$' could not be found in the input "
           "'{\"Job\":1}'");
    free(text);
}
