#include "base/buf.h"
#include "base/mem.h"
#include "orchestrator/path.h"
#include "tests/tap.h"

static json_t *json(const char *text)
{
    struct err err;
    json_t *v = NULL;

    must_rc(json_parse(text, strlen(text), "test", &v, &err), &err);
    return v;
}

/* What the path finds, as text; "nothing: why", or "error: why". */
static const char *find(const char *path, const char *data)
{
    static char out[8192];
    json_t *root = json(data), *context = json("{\"Execution\":{\"Input\":{\"l\":[{\"n\":1},{\"n\":2}]}}}"),
           *vars = json("{\"v\":[{\"n\":5},{\"n\":6}]}"), *found = NULL;
    char *before = json_text(root), *after;
    struct scope s = {.input = root, .context = context, .vars = vars};
    struct err err;
    int rc = path_find(path, &s, &found, &err);

    if (rc > 0) {
        char *text = json_text(found);
        snprintf(out, sizeof out, "%s", text);
        free(text);
    } else {
        snprintf(out, sizeof out, "%s: %s", rc == 0 ? "nothing" : "error", err.msg);
    }
    after = json_text(root);
    is_str(after, before);
    free(before);
    free(after);
    json_decref(found);
    json_decref(root);
    json_decref(context);
    json_decref(vars);
    return out;
}

struct row {
    const char *path, *finds;
};

static void check(const char *data, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_str(find(rows[i].path, data), rows[i].finds))
            diag("%s", rows[i].path);
}

#define STORE                                                                                                \
    "{\"store\":{\"book\":[{\"t\":\"A\",\"p\":8.95,\"a\":\"x\"},{\"t\":\"B\",\"p\":12.99,\"a\":\"y\"},"      \
    "{\"t\":\"C\",\"p\":8.99,\"a\":\"y\",\"isbn\":\"0-5\"},{\"t\":\"D\",\"p\":22.99,\"a\":\"z\",\"isbn\":"   \
    "null}],"                                                                                                \
    "\"bike\":{\"p\":19.95,\"color\":\"red\"}},\"max\":10,\"none\":[]}"

TEST(wildcards_slices_and_unions)
{
    static const struct row rows[] = {
        {"$.store.book[*].t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$.store.book.*.t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$.store.bike.*", "[19.95,\"red\"]"},
        {"$.store.bike[*]", "[19.95,\"red\"]"},
        {"$.store.*.color", "[\"red\"]"},
        {"$.store.book[*].isbn", "[\"0-5\",null]"},
        {"$.store.book[*].isbn.x", "[]"},
        {"$.max[*]", "[]"},
        {"$.none[*]", "[]"},
        {"$.none", "[]"},
        {"$.store.book[0:2].t", "[\"A\",\"B\"]"},
        {"$.store.book[:2].t", "[\"A\",\"B\"]"},
        {"$.store.book[2:].t", "[\"C\",\"D\"]"},
        {"$.store.book[-1:].t", "[\"D\"]"},
        {"$.store.book[:-3].t", "[\"A\"]"},
        {"$.store.book[-9:].t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$.store.book[1:99].t", "[\"B\",\"C\",\"D\"]"},
        {"$.store.book[3:1].t", "[]"},
        {"$.store.book[1:-1].t", "[]"},
        {"$.store.book[ 0 , 2 ].t", "[\"A\",\"C\"]"},
        {"$.store.book[-1].t", "\"D\""},
        {"$.store.book[0]['t','p']", "{\"t\":\"A\",\"p\":8.95}"},
        {"$.store.book[0]['t','nope']", "{\"t\":\"A\"}"},
        {"$.store['book','bike'].p", "[19.95]"},
        {"$.store.book[*]['t','a']", "[{\"t\":\"A\",\"a\":\"x\"},{\"t\":\"B\",\"a\":\"y\"},{\"t\":\"C\","
                                     "\"a\":\"y\"},{\"t\":\"D\",\"a\":\"z\"}]"},
        {"$['store'][\"bike\"].color", "\"red\""},
        {"$.store.book.[1].t", "\"B\""},
        {"$", STORE},
        {"$$.Execution.Input.l[*].n", "[1,2]"},
        {"$v[*].n", "[5,6]"},
        {"$v[?(@.n > 5)].n", "[6]"},
    };

    check(STORE, rows, ARRAY_LEN(rows));
}

TEST(deep_scans_go_as_jayway_goes)
{
    static const struct row rows[] = {
        {"$..t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$..p", "[8.95,12.99,8.99,22.99,19.95]"},
        {"$.store..color", "[\"red\"]"},
        {"$..book[0].t", "[\"A\"]"},
        {"$..book[?(@.p < 10)].t", "[\"A\",\"C\"]"},
        {"$..[?(@.isbn)].t", "[\"C\",\"D\"]"},
        {"$..nope", "[]"},
        {"$..['t','p']", "[{\"t\":\"A\",\"p\":8.95},{\"t\":\"B\",\"p\":12.99},{\"t\":\"C\",\"p\":8.99},"
                         "{\"t\":\"D\",\"p\":22.99}]"},
    };
    static const struct row small[] = {
        {"$..*", "[{\"b\":[1,{\"c\":2}]},[1,{\"c\":2}],1,{\"c\":2},2]"},
        {"$..[0]", "[1]"},
        {"$..[*]", "[{\"b\":[1,{\"c\":2}]},[1,{\"c\":2}],1,{\"c\":2},2]"},
        {"$..c", "[2]"},
    };

    check(STORE, rows, ARRAY_LEN(rows));
    check("{\"a\":{\"b\":[1,{\"c\":2}]}}", small, ARRAY_LEN(small));
}

TEST(filters_compare_as_jayway_does)
{
    static const struct row rows[] = {
        {"$.l[?(@.n == 1)].k", "[\"a\",\"b\",\"e\"]"},
        {"$.l[?(@.n == '1')].k", "[\"a\",\"b\",\"e\"]"},
        {"$.l[?(@.n === 1)].k", "[\"a\",\"e\"]"},
        {"$.l[?(@.n == 1.0)].k", "[\"a\",\"e\"]"},
        {"$.l[?(@.n != 1)].k", "[\"c\",\"d\",\"f\"]"},
        {"$.l[?(@.n !== 1)].k", "[\"b\",\"c\",\"d\",\"f\"]"},
        {"$.l[?(@.n == null)].k", "[\"d\"]"},
        {"$.l[?(@.n)].k", "[\"a\",\"b\",\"c\",\"d\",\"e\"]"},
        {"$.l[?(!@.n)].k", "[\"f\"]"},
        {"$.l[?(@.n > 0)].k", "[\"a\",\"c\",\"e\"]"},
        {"$.l[?(@.n >= 1 && @.n <= 1)].k", "[\"a\",\"e\"]"},
        {"$.l[?(@.n < 1 || @.k == \"c\")].k", "[\"c\"]"},
        {"$.l[?(@.k in ['a','f'])].k", "[\"a\",\"f\"]"},
        {"$.l[?(@.k nin ['a','f'])].k", "[\"b\",\"c\",\"d\",\"e\"]"},
        {"$.l[?(@.k =~ /[A-C]/i)].k", "[\"a\",\"b\",\"c\"]"},
        {"$.l[?(@.k =~ /b|c+/)].k", "[\"b\",\"c\"]"},
        {"$.l[?(@.n =~ /\\d/)].k", "[\"a\",\"b\",\"c\"]"},
        {"$.l[?(@.s size 2)].k", "[\"e\"]"},
        {"$.l[?(@.s contains 'q')].k", "[\"e\"]"},
        {"$.l[?(@.s empty true)].k", "[\"f\"]"},
        {"$.l[?(@.s subsetof ['q','r','s'])].k", "[\"e\",\"f\"]"},
        {"$.l[?(@.s anyof ['q'])].k", "[\"e\"]"},
        {"$.l[?(@.s noneof ['q'])].k", "[\"f\"]"},
        {"$.l[?(@.s == ['q','r'])].k", "[\"e\"]"},
        {"$.l[?(@['k'] == $.want)].k", "[\"c\"]"},
        {"$.l[?((@.k == 'a' || @.k == 'b') && @.n === 1)].k", "[\"a\"]"},
        {"$.l[?(!(@.k == 'a'))].k", "[\"b\",\"c\",\"d\",\"e\",\"f\"]"},
        {"$.l[?(@.b == true)].k", "[\"a\"]"},
        {"$.l[?(@.k == 'a')][0]", "[]"},
        {"$.l[?(@.k == 'zz')]", "[]"},
        {"$.s[?(@ != 'x')]", "[\"y\",\"]\"]"},
        {"$.s[?(@ == ']')]", "[\"]\"]"},
        {"$.o[?(@.a == 1)]", "[{\"a\":1}]"},
        {"$.o[?(@.a == 2)]", "[]"},
    };

    check("{\"l\":[{\"k\":\"a\",\"n\":1,\"b\":true},{\"k\":\"b\",\"n\":\"1\"},{\"k\":\"c\",\"n\":2},"
          "{\"k\":\"d\",\"n\":null},{\"k\":\"e\",\"n\":1.0,\"s\":[\"q\",\"r\"]},{\"k\":\"f\",\"s\":[]}],"
          "\"want\":\"c\",\"s\":[\"x\",\"y\",\"]\"],\"o\":{\"a\":1}}",
          rows, ARRAY_LEN(rows));
}

TEST(what_is_not_there_is_said_as_aws_says_it)
{
    static const struct row rows[] = {
        {"$.nope", "nothing: No results for path: $['nope']"},
        {"$.nope.deeper", "nothing: Missing property in path $['nope']"},
        {"$.nope[*]", "nothing: Missing property in path $['nope']"},
        {"$.a.b[0]", "nothing: Filter: [0] can only be applied to arrays. Current context is: 1"},
        {"$.list[5]", "null"},
        {"$.list[5].x",
         "nothing: Expected to find an object with property ['x'] in path $['list'][5] but found "
         "'null'. This is not a json object according to the JsonProvider: "
         "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."},
        {"$.a.b[?(@.x)]", "error: Filter: [?] can not be applied to primitives. Current context is: 1"},
        {"$none", "nothing: No results for path: $"},
    };

    check("{\"a\":{\"b\":1},\"list\":[1,2]}", rows, ARRAY_LEN(rows));
}

TEST(what_is_no_path_is_refused_with_the_reason)
{
    static const struct {
        const char *path, *why;
        bool unsupported;
    } rows[] = {
        {"$.a[?(@.b == 1]", "')' is missing", false},
        {"$.a[?(@.b ~ 1)]", "')' is missing", false},
        {"$.a[?(@.b isin [1])]", "unknown operator", false},
        {"$.a[?(1)]", "a value needs an operator", false},
        {"$.a[?(@.b == x)]", "a value or a path is missing", false},
        {"$.a[::2]", "no step", true},
        {"$.a[0:4:2]", "no step", true},
        {"$.a[:]", "beginning or an end", false},
        {"$.a.length()", "no functions", true},
        {"$.a[?(@.b =~ /(a)\\1/)]", "escape", true},
        {"$.a[?(@.b =~ /(?=a)/)]", "(?:...)", true},
        {"$.a[?(@.b == $$.c)]", "sees only", true},
        {"$..", "a name is missing", false},
        {"$.a b", "cannot go on", false},
        {"a", "begins with '$'", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool unsupported = false;
        struct err err = {0};
        int rc = path_check(rows[i].path, &unsupported, &err);
        if (!ok(rc < 0 && strstr(err.msg, rows[i].why) != NULL && unsupported == rows[i].unsupported))
            diag("%s: %d %s", rows[i].path, rc, err.msg);
    }
}

static char *repeated(const char *begin, const char *piece, int n, const char *end)
{
    struct buf b = BUF_INIT(16 << 20);
    struct err err;

    must_rc(buf_adds(&b, begin, &err), &err);
    for (int i = 0; i < n; i++)
        must_rc(buf_adds(&b, piece, &err), &err);
    must_rc(buf_adds(&b, end, &err), &err);
    return buf_take(&b);
}

TEST(hostile_paths_end_in_an_error)
{
    bool unsupported;
    struct err err;
    char *steps = repeated("$", ".a", 1000000, ""), *bangs = repeated("$[?(", "!", 100000, "(@.a))]"),
         *open = repeated("$[?(", "(", 100000, ""), *nested = repeated("$", "[?(@", 1000, ""),
         *ors = repeated("$.l[?(@ == 1", " || @ == 2", 50000, ")]");

    ok(path_check(steps, &unsupported, &err) < 0 && unsupported);
    ok(path_check(bangs, &unsupported, &err) < 0 && unsupported);
    ok(path_check(open, &unsupported, &err) < 0 && unsupported);
    ok(path_check(nested, &unsupported, &err) < 0 && unsupported);
    is_int(path_check(ors, &unsupported, &err), 0);
    is_str(find(ors, "{\"l\":[0,1,2]}"), "[1,2]");
    free(steps);
    free(bangs);
    free(open);
    free(nested);
    free(ors);
}

TEST(descents_beyond_all_bounds_are_given_up)
{
    char *deep = repeated("", "{\"a\":[", 60, "1"), *close = repeated(deep, "]}", 60, "");
    char *wide = repeated("[0", ",0", 4000, "]"), *scans = repeated("$", "..*", 60, "");

    ok(strstr(find(scans, close), "given up") != NULL);
    ok(strstr(find("$[?(@ in $)]", wide), "given up") == NULL); /* the first fits */
    ok(strstr(find("$[?(1 in $)]", wide), "given up") != NULL);
    ok(strstr(find("$[?($..x == 1)]", wide), "given up") != NULL);
    free(deep);
    free(close);
    free(wide);
    free(scans);
}

TEST(patterns_take_no_longer_than_their_length_times_the_texts)
{
    char *text = repeated("{\"s\":[\"", "a", 20000, "\"]}");

    is_str(find("$.s[?(@ =~ /(a*)*b/)]", text), "[]");
    is_str(find("$.s[?(@ =~ /(a|aa)+$/)] ", "{}"), "error: a path cannot go on like this, at ' '");
    ok(strncmp(find("$.s[?(@ =~ /(a|aa)+$/)]", text), "[\"aaa", 5) == 0);
    is_str(find("$[?(@ =~ /\\w{2,3}-[^x\\s]+\\.(?:csv|gz)/)]",
                "[\"ab-q.csv\",\"a-q.csv\",\"abc-x.gz\",\"abcd-q.gz\"]"),
           "[\"ab-q.csv\"]");
    is_str(find("$[?(@ =~ /.*\\bcat\\b.*/)]", "[\"a cat.\",\"concat\"]"), "[\"a cat.\"]");
    is_str(find("$[?(@ =~ /^Ж.$/)]", "[\"ЖЖ\",\"Ж\"]"), "[\"ЖЖ\"]");
    free(text);
}
