#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/tap.h"

static int parse(const char *text, json_t **ret, struct err *err)
{
    return json_parse(text, strlen(text), "orch.json", ret, err);
}

TEST(what_is_not_json_is_refused_with_its_place)
{
    static const char *const bad[] = {"",    "{",    "{\"a\":1,}", "{\"a\":1,\"a\":2}",     "[1] x",
                                      "nul", "[01]", "[1e999]",    "[9223372036854775808]", "\"\xff\"",
                                      "'a'"};
    struct err err;
    json_t *v;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        fails(parse(bad[i], &v, &err), &err, ERR_BAD_VALUE);
    fails(parse("{\n  \"a\": ?\n}", &v, &err), &err, ERR_BAD_VALUE);
    ok(strncmp(err.msg, "orch.json: line 2 column ", 25) == 0);
    fails(parse("{\n  \"a\": 1\n  \"b\": 2}", &v, &err), &err, ERR_BAD_VALUE);
    is_str(err.msg, "orch.json: line 3 column 5: ',' or '}' expected near '\"b\"'");
    fails(parse("[1 2]", &v, &err), &err, ERR_BAD_VALUE);
    ok(strstr(err.msg, "',' or ']' expected near '2'") != NULL);
    fails(parse("", &v, &err), &err, ERR_BAD_VALUE);
    is_str(err.msg, "orch.json: it is empty, and JSON is expected");
}

TEST(any_value_may_stand_at_the_top_and_order_is_kept)
{
    static const char *const same[] = {"null",
                                       "1",
                                       "\"x\"",
                                       "[]",
                                       "{\"b\":1,\"a\":{\"z\":[true,false,null]}}",
                                       "9223372036854775807",
                                       "\"\xe2\x82\xac\""};
    struct err err;
    json_t *v;

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        must_rc(parse(same[i], &v, &err), &err);
        char *text = json_text(v);
        is_str(text, same[i]);
        free(text);
        json_decref(v);
    }
}

/* A rate of 1.1 in the input is 1.1 in the history, whatever else the document holds. */
TEST(a_real_is_written_as_short_as_it_reads_back)
{
    static const char *const same[] = {"1.1",
                                       "[0.1,2.5,1.0]",
                                       "{\"a\":{\"b\":[{\"c\":100.01}]}}",
                                       "0.30000000000000004",
                                       "1.7976931348623157e308",
                                       "5e-324"};
    struct err err;
    json_t *v, *back;

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        must_rc(parse(same[i], &v, &err), &err);
        char *text = json_text(v);
        if (i < 4)
            is_str(text, same[i]);
        must_rc(parse(text, &back, &err), &err);
        ok(json_equal(v, back));
        free(text);
        json_decref(back);
        json_decref(v);
    }
}

TEST(nesting_has_a_limit)
{
    struct err err;
    json_t *v;

    static const size_t depths[] = {MAX_JSON_DEPTH - 6, MAX_JSON_DEPTH + 6, 1000, 5000, 1000000};

    for (size_t i = 0; i < ARRAY_LEN(depths); i++) {
        size_t depth = depths[i];
        char *text = xmalloc(2 * depth + 1);
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        int rc = parse(text, &v, &err);
        if (depth <= MAX_JSON_DEPTH) {
            must_rc(rc, &err);
            json_decref(v);
        } else {
            ok(rc < 0);
        }
        free(text);
    }
}

TEST(members_are_typed)
{
    struct err err;
    json_t *v;
    const char *s;
    int64_t n;

    must_rc(parse("{\"s\":\"x\",\"n\":7,\"b\":true,\"r\":1.5,\"z\":null}", &v, &err), &err);
    must_rc(json_get_str(v, "s", "y", &s, &err), &err);
    is_str(s, "x");
    must_rc(json_get_str(v, "gone", "y", &s, &err), &err);
    is_str(s, "y");
    must_rc(json_get_i64(v, "n", 1, &n, &err), &err);
    is_int(n, 7);
    fails(json_get_str(v, "n", NULL, &s, &err), &err, ERR_CONTRACT);
    is_str(err.msg, "'n' is an integer where a string is expected");
    fails(json_get_i64(v, "r", 0, &n, &err), &err, ERR_CONTRACT);
    fails(json_need_str(v, "gone", &s, &err), &err, ERR_CONTRACT);
    is_str(err.msg, "'gone' is missing");
    fails(json_need_i64(v, "gone", &n, &err), &err, ERR_CONTRACT);
    json_decref(v);
}

TEST(a_text_is_appended_as_json_reads_it)
{
    static const char text[] = "a\"b\\c\n\t\x01\x7f \u00e9 \xff\xc3|\xe2\x82";
    struct buf b = BUF_INIT(1000);
    struct err err;
    json_t *v;

    must_rc(json_add_text(&b, text, sizeof text - 1, &err), &err);
    is_str(b.p, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f \u00e9 \uFFFD\uFFFD|\uFFFD\uFFFD\"");
    must_rc(json_parse(b.p, b.n, "it", &v, &err), &err);
    is_str(json_string_value(v), "a\"b\\c\n\t\x01\x7f \u00e9 \uFFFD\uFFFD|\uFFFD\uFFFD");
    json_decref(v);
    buf_clear(&b);
    must_rc(json_add_text(&b, "", 0, &err), &err);
    is_str(b.p, "\"\"");
    buf_release(&b);
}
