#include "base/buf.h"
#include "base/mem.h"
#include "orchestrator/path.h"
#include "tests/lib/machine.h"
#include "tests/tap.h"

/* What the path finds, as text; "nothing: why", or "error: why". */
static const char *find(const char *path, const char *data)
{
    static char out[8192];
    json_t *root = json_of(data),
           *context = json_of("{\"Execution\":{\"Input\":{\"l\":[{\"n\":1},{\"n\":2}]}}}"),
           *vars = json_of("{\"v\":[{\"n\":5},{\"n\":6}]}"), *found = NULL;
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

/* The answers are those of Jayway JsonPath 2.0.0. */
#define STORE                                                                                                \
    "{\"store\":{\"book\":[{\"t\":\"A\",\"p\":8.95,\"a\":\"x\"},{\"t\":\"B\",\"p\":12.99,\"a\":\"y\"},{"     \
    "\"t\":\"C\",\"p\":8.99,\"a\":\"y\",\"isbn\":\"0-5\"},{\"t\":\"D\",\"p\":22.99,\"a\":\"z\",\"isbn\":"    \
    "null}],\"bike\":{\"p\":19.95,\"color\":\"red\"}},\"max\":10,\"none\":[],\"nul\":null}"
#define SMALL "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":[{\"c\":3},{\"x\":4}]}"
#define LIST                                                                                                 \
    "{\"l\":[{\"k\":\"a\",\"n\":1,\"b\":true},{\"k\":\"b\",\"n\":\"1\"},{\"k\":\"c\",\"n\":2},{\"k\":\"d\"," \
    "\"n\":null},{\"k\":\"e\",\"n\":1.0,\"s\":[\"q\",\"r\"]},{\"k\":\"f\",\"s\":[]}],\"want\":\"c\",\"s\":[" \
    "\"x\",\"y\",\"7\"],\"o\":{\"a\":1},\"it\":[\"it's\"],\"m\":[1,2,3,null]}"
#define MISS "{\"a\":{\"b\":1,\"t\":\"x\"},\"list\":[1,2],\"nul\":null}"

TEST(wildcards_slices_and_unions)
{
    static const struct row rows[] = {
        {"$.store.book[*].t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$.store.book.*.t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$.store.bike.*", "[19.95,\"red\"]"},
        {"$.store.bike[*]", "[19.95,\"red\"]"},
        {"$.store.*.color", "nothing: Property ['color'] not found in path $['store']['book']"},
        {"$.store.book[*].isbn", "[\"0-5\",null]"},
        {"$.store.book[*].isbn.x", "[]"},
        {"$.max[*]", "[]"},
        {"$.none[*]", "[]"},
        {"$.none", "[]"},
        {"$.nope[*]", "[]"},
        {"$.store.book[0:2].t", "[\"A\",\"B\"]"},
        {"$.store.book[:2].t", "[\"A\",\"B\"]"},
        {"$.store.book[2:].t", "[\"C\",\"D\"]"},
        {"$.store.book[-1:].t", "[\"D\"]"},
        {"$.store.book[:-3].t", "[\"A\"]"},
        {"$.store.book[-9:].t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$.store.book[1:99].t", "[\"B\",\"C\",\"D\"]"},
        {"$.store.book[3:1].t", "[]"},
        {"$.store.book[1:-1].t", "[]"},
        {"$.store.book[0:2].isbn", "nothing: No results for path: $['store']['book'][0]['isbn']"},
        {"$.store.book[ 0 , 2 ].t", "[\"A\",\"C\"]"},
        {"$.store.book[7]", "null"},
        {"$.store.book[-1]", "null"},
        {"$.store.book[(@.length-1)].t", "\"D\""},
        {"$.store.book[(@.size() - 2)].t", "\"C\""},
        {"$.store.book[0]['t','p']", "{\"t\":\"A\",\"p\":8.95}"},
        {"$.store.book[0]['t','nope']", "{\"t\":\"A\"}"},
        {"$.store.book[*]['t','a']", "[{\"t\":\"A\",\"a\":\"x\"},{\"t\":\"B\",\"a\":\"y\"},{\"t\":\"C\","
                                     "\"a\":\"y\"},{\"t\":\"D\",\"a\":\"z\"}]"},
        {"$['store']['bike'].color", "\"red\""},
        {"$.store.book.[1].t", "\"B\""},
        {"$.store.['bike'].p", "19.95"},
        {"$", STORE},
    };

    check(STORE, rows, ARRAY_LEN(rows));
}

/* After "..", what follows the next step is asked of every element of an array. */
TEST(deep_scans)
{
    static const struct row rows[] = {
        {"$..t", "[\"A\",\"B\",\"C\",\"D\"]"},
        {"$..p", "[8.95,12.99,8.99,22.99,19.95]"},
        {"$.store..color", "[\"red\"]"},
        {"$..book[0].t", "[\"A\"]"},
        {"$..book[?(@.p < 10)].t", "[\"A\",\"C\"]"},
        {"$..[?(@.isbn)].t", "[\"C\"]"},
        {"$..nope", "[]"},
        {"$..['t','p']", "[{\"t\":\"A\",\"p\":8.95},{\"t\":\"B\",\"p\":12.99},{\"t\":\"C\",\"p\":8.99},{"
                         "\"t\":\"D\",\"p\":22.99}]"},
        {"$..bike.color", "[\"red\"]"},
        {"$..book.t", "nothing: Property ['t'] not found in path $['store']['book']"},
    };

    check(STORE, rows, ARRAY_LEN(rows));
}

TEST(deep_scans_of_arrays)
{
    static const struct row rows[] = {
        {"$..*",
         "[{\"b\":[1,{\"c\":2}]},[{\"c\":3},{\"x\":4}],[1,{\"c\":2}],1,{\"c\":2},2,{\"c\":3},{\"x\":4},3,4]"},
        {"$..[0]", "[1,{\"c\":3}]"},
        {"$..[*]",
         "[{\"b\":[1,{\"c\":2}]},[{\"c\":3},{\"x\":4}],[1,{\"c\":2}],1,{\"c\":2},2,{\"c\":3},{\"x\":4},3,4]"},
        {"$..c", "[2,3]"},
        {"$..[0].c", "nothing: Property ['c'] not found in path $['a']['b'][0]"},
        {"$..d[*].c", "[3]"},
        {"$..d.c", "nothing: Property ['c'] not found in path $['d']"},
    };

    check(SMALL, rows, ARRAY_LEN(rows));
}

TEST(filters)
{
    static const struct row rows[] = {
        {"$.l[?(@.n == 1)].k", "[\"a\",\"b\",\"e\"]"},
        {"$.l[?(@.n == '1')].k", "[\"a\",\"b\",\"e\"]"},
        {"$.l[?(@.n == 1.0)].k", "[\"a\",\"e\"]"},
        {"$.l[?(@.n != 1)].k", "[\"c\",\"d\"]"},
        {"$.l[?(@.n == null)].k", "[\"d\"]"},
        {"$.l[?(@.n)].k", "[\"a\",\"b\",\"c\",\"e\"]"},
        {"$.l[?(!@.n)].k", "[\"d\",\"f\"]"},
        {"$.l[?(@.n > 0)].k", "[\"a\",\"b\",\"c\",\"e\"]"},
        {"$.l[?(@.n >= 1 && @.n <= 1)].k", "[\"a\",\"b\",\"e\"]"},
        {"$.l[?(@.k == 'c' || @.n < 2)].k", "[\"a\",\"b\",\"c\",\"e\"]"},
        {"$.l[?(@.k == 'a' || @.k == 'b' && @.n == 2)].k", "[\"a\"]"},
        {"$.l[?(@.k == a)].k", "[\"a\"]"},
        {"$.l[?(@.k =~ /[A-C]/i)].k", "[\"a\",\"b\",\"c\"]"},
        {"$.l[?(@.k =~ /b|c+/)].k", "[\"b\",\"c\"]"},
        {"$.l[?(@.n =~ /\\d/)].k", "[\"a\",\"b\",\"c\"]"},
        {"$.l[?(@['k'] == $.want)].k", "[\"c\"]"},
        {"$.l[?(@.b == true)].k", "[\"a\"]"},
        {"$.l[?(@.b != false)].k", "[\"a\"]"},
        {"$.l[?(@.k == 'zz')]", "[]"},
        {"$.l[?((@.k == 'a') || (@.k == 'b'))].k", "[\"a\",\"b\"]"},
        {"$.l[?((@.k == 'a' || @.k == 'b'))].k", "[\"a\",\"b\"]"},
        {"$.l[?(@.s[0] == 'q')].k", "[\"e\"]"},
        {"$.s[?(@ != 'x')]", "[\"y\",\"7\"]"},
        {"$.s[?(@ == 7)]", "[\"7\"]"},
        {"$.it[?(@ == 'it\\'s')]", "[\"it's\"]"},
        {"$.m[?(@ > 1)]", "[2,3]"},
        {"$.o[?(@.a == 1)]", "[{\"a\":1}]"},
        {"$.o[?(@.a == 2)]", "[]"},
        {"$.l[?(@.k == 'a')][0]", "error: Invalid path '$.l[?(@.k == 'a')][0]' : Filter: [0] can only be "
                                  "applied to arrays. Current context is: {\"k\":\"a\",\"n\":1,\"b\":true}"},
        {"$.m[?(@ == 'x')]",
         "error: Invalid path '$.m[?(@ == 'x')]' : a filter cannot compare the text 'x' with a number"},
        {"$.l[?(@.k == 'a')].s", "nothing: No results for path: $['l'][0]['s']"},
    };

    check(LIST, rows, ARRAY_LEN(rows));
}

TEST(what_is_not_there_is_said_as_jayway_says_it)
{
    static const struct row rows[] = {
        {"$.nope", "nothing: No results for path: $['nope']"},
        {"$.nope.deeper", "nothing: Missing property in path $['nope']"},
        {"$.a.t.x", "nothing: Property ['x'] not found in path $['a']['t']"},
        {"$.a['x','y']", "{}"},
        {"$.a.b['x']", "nothing: Property ['x'] not found in path $['a']['b']"},
        {"$.a.b[0]",
         "error: Invalid path '$.a.b[0]' : Filter: [0] can only be applied to arrays. Current context is: 1"},
        {"$.a.t[0]",
         "error: Invalid path '$.a.t[0]' : Filter: [0] can only be applied to arrays. Current context is: x"},
        {"$.a.t[0].x", "error: Invalid path '$.a.t[0].x' : Filter: [0]['x'] can only be applied to arrays. "
                       "Current context is: x"},
        {"$.nul[0]", "nothing: The path $['nul'] is null"},
        {"$.nul.x", "nothing: Property ['x'] not found in path $['nul']"},
        {"$.nul", "null"},
        {"$.list[5]", "null"},
        {"$.list[5].x", "nothing: Property ['x'] not found in path $['list'][5]"},
        {"$.a.b[?(@.x)]", "error: Invalid path '$.a.b[?(@.x)]' : Filter: [?] can not be applied to "
                          "primitives. Current context is: 1"},
        {"$.list['x']", "nothing: Property ['x'] not found in path $['list']"},
    };

    check(MISS, rows, ARRAY_LEN(rows));
}

TEST(roots_of_their_own)
{
    is_str(find("$$.Execution.Input.l[*].n", "{}"), "[1,2]");
    is_str(find("$v[*].n", "{}"), "[5,6]");
    is_str(find("$v[?(@.n > 5)].n", "{}"), "[6]");
    is_str(find("$none", "{}"), "nothing: No results for path: $");
}

TEST(what_is_no_path_is_refused_with_the_reason)
{
    static const struct {
        const char *path, *why;
        bool unsupported;
    } rows[] = {
        {"$.a[?(@.b == 1]", "')' or an operator is missing", false},
        {"$.a[?(@.b ~ 1)]", "')' or an operator is missing", false},
        {"$.a[?(@.b in [1])]", "')' or an operator is missing", false},
        {"$.a[?(@.b === 1)]", "a value or a path is missing", false},
        {"$.a[?(@.b == [1])]", "a value or a path is missing", false},
        {"$.a[?(@..b == 1)]", "one node only", false},
        {"$.a[?(@.b == \"x\")]", "double quotes", true},
        {"$.a[?(1 == @.b)]", "left side", true},
        {"$.a[?(!(@.b))]", "before a path only", true},
        {"$.a[?(!@.b == 1)]", "compares nothing", true},
        {"$.a[?((@.b || @.c) && @.d)]", "parentheses", true},
        {"$['a','b'].c", "can only end a path", true},
        {"$.a[::2]", "no step", true},
        {"$.a[0:4:2]", "no step", true},
        {"$.a[:]", "beginning or an end", false},
        {"$.a[(@.length)]", "(@.length - 1)", false},
        {"$.a.length()", "no functions", true},
        {"$.a[?(@.b =~ /(a)\\1/)]", "escape", true},
        {"$.a[?(@.b =~ /(?=a)/)]", "(?:...)", true},
        {"$.a[?(@.b == $$.c)]", "sees only", true},
        {"$..", "a name is missing", false},
        {"$.a b", "cannot go on", false},
        {"a", "begins with '$'", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int marks = 0;
        struct err err = {0};
        int rc = path_check(rows[i].path, &marks, &err);
        if (!ok(rc < 0 && strstr(err.msg, rows[i].why) != NULL &&
                (marks & PATH_UNSUPPORTED) == rows[i].unsupported))
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
    int marks;
    struct err err;
    char *steps = repeated("$", ".a", 1000000, ""), *bangs = repeated("$[?(", "!", 100000, "@.a)]"),
         *open = repeated("$[?(", "(", 100000, ""), *nested = repeated("$", "[?(@.a[0]", 1000, ""),
         *ors = repeated("$.l[?(@ == 1", " || @ == 2", 50000, ")]");

    ok(path_check(steps, &marks, &err) < 0 && marks != 0);
    ok(path_check(bangs, &marks, &err) < 0);
    ok(path_check(open, &marks, &err) < 0);
    ok(path_check(nested, &marks, &err) < 0);
    is_int(path_check(ors, &marks, &err), 0);
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
    ok(strstr(find("$..[?(@ != 1)]..[?(@ != 2)]", wide), "given up") == NULL);
    ok(strstr(find("$[?(@ == $[0] && @ == $[1])]..*", wide), "given up") == NULL);
    free(deep);
    free(close);
    free(wide);
    free(scans);
}

TEST(patterns_take_no_longer_than_their_length_times_the_texts)
{
    char *text = repeated("{\"s\":[\"", "a", 20000, "\"]}");

    is_str(find("$.s[?(@ =~ /(a*)*b/)]", text), "[]");
    is_str(find("$.s[?(@ =~ /(a|aa)+$/)] ", "{}"),
           "error: Invalid path '$.s[?(@ =~ /(a|aa)+$/)] ' : a path cannot go on like this, at ' '");
    ok(strncmp(find("$.s[?(@ =~ /(a|aa)+$/)]", text), "[\"aaa", 5) == 0);
    is_str(find("$[?(@ =~ /\\w{2,3}-[^x\\s]+\\.(?:csv|gz)/)]",
                "[\"ab-q.csv\",\"a-q.csv\",\"abc-x.gz\",\"abcd-q.gz\"]"),
           "[\"ab-q.csv\"]");
    is_str(find("$[?(@ =~ /.*\\bcat\\b.*/)]", "[\"a cat.\",\"concat\"]"), "[\"a cat.\"]");
    is_str(find("$[?(@ =~ /^Ж.$/)]", "[\"ЖЖ\",\"Ж\"]"), "[\"ЖЖ\"]");
    free(text);
}

/* A hundred times a hundred times a hundred times the same long text: more than anybody could look at. */
TEST(texts_count_as_well_as_nodes)
{
    enum { LONG = 2000000 };
    static const char *const ends[] = {"", "[?(@ =~ /b.*/)]", "[?(@ == $.other)]", "[?(@ < $.other)]"};
    struct buf path = BUF_INIT(1 << 16), data = BUF_INIT(1 << 24);
    char *text = xmalloc(LONG + 1);
    struct err err;

    memset(text, 'x', LONG);
    text[LONG] = '\0';
    must_rc(buf_addf(&data, &err, "{\"l\":[[[[\"%s\"]]]],\"other\":\"%sy\"}", text, text), &err);
    json_t *root = json_of(data.p);
    const struct scope s = {.input = root};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        json_t *found = NULL;
        buf_clear(&path);
        must_rc(buf_adds(&path, "$.l", &err), &err);
        for (int k = 0; k < 300; k++)
            must_rc(buf_adds(&path, k % 100 == 0 ? "[0" : k % 100 == 99 ? ",0]" : ",0", &err), &err);
        must_rc(buf_adds(&path, ends[i], &err), &err);
        ok(path_find(path.p, &s, &found, &err) < 0 && strstr(err.msg, "is given up") != NULL);
        is_str(err_asl(&err), "States.Runtime");
    }
    json_decref(root);
    buf_release(&path);
    buf_release(&data);
    free(text);
}

/* Each path of it is within its own limit. */
TEST(a_template_has_a_limit_too)
{
    enum { LONG = 600000, TIMES = 100, ENOUGH = 10, MANY = 20 };
    struct buf path = BUF_INIT(1 << 16);
    char *text = xmalloc(LONG + 1);
    json_t *template = json_array(), *found = NULL;
    struct err err;

    memset(text, 'x', LONG);
    text[LONG] = '\0';
    json_t *root = json_pack("{s:[s]}", "l", text);
    const struct scope s = {.input = root};
    must_rc(buf_adds(&path, "$.l[0", &err), &err);
    for (int k = 1; k < TIMES; k++)
        must_rc(buf_adds(&path, ",0", &err), &err);
    must_rc(buf_adds(&path, "]", &err), &err);
    for (int k = 0; k < MANY; k++) {
        json_array_append_new(template, json_pack("{s:s}", "a.$", path.p));
        if (k + 1 == ENOUGH) {
            must_rc(template_apply(template, &s, &found, &err), &err);
            json_decref(found);
        }
    }
    ok(template_apply(template, &s, &found, &err) < 0 && strstr(err.msg, "template whose paths") != NULL);
    is_str(err_asl(&err), "States.Runtime");
    json_decref(template);
    json_decref(root);
    buf_release(&path);
    free(text);
}
