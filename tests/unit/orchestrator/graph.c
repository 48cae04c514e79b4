#include "base/json.h"
#include "orchestrator/graph_int.h"
#include "tests/tap.h"

static struct err err;

static const char *condition(const char *rule)
{
    static char out[GRAPH_LABEL];
    json_t *v = NULL;

    must_rc(json_parse(rule, strlen(rule), "rule", &v, &err), &err);
    graph_condition(v, out, sizeof out);
    json_decref(v);
    return out;
}

TEST(conditions_in_words)
{
    is_str(condition("{\"Variable\": \"$.a\", \"StringEquals\": \"x\"}"), "$.a = \"x\"");
    is_str(condition("{\"Variable\": \"$.a\", \"NumericGreaterThanEqualsPath\": \"$.b\"}"), "$.a >= $.b");
    is_str(condition("{\"Variable\": \"$.a\", \"StringMatches\": \"a*\"}"), "$.a like \"a*\"");
    is_str(condition("{\"Variable\": \"$.a\", \"IsPresent\": false}"), "$.a is missing");
    is_str(
        condition(
            "{\"And\": [{\"Variable\": \"$.a\", \"IsNull\": true}, {\"Or\": [{\"Variable\": \"$.b\", "
            "\"BooleanEquals\": true}, {\"Variable\": \"$.c\", \"NumericLessThan\": 2}]}], \"Next\": \"X\"}"),
        "$.a is null and ($.b = true or $.c < 2)");
    is_str(condition("{\"Not\": {\"Variable\": \"$.a\", \"IsNumeric\": true}, \"Next\": \"X\"}"),
           "not ($.a is a number)");
}

TEST(a_long_condition_is_cut_between_characters)
{
    char rule[2000], *out;
    size_t at;

    snprintf(rule, sizeof rule, "{\"Variable\": \"$.a\", \"StringEquals\": \"");
    for (int i = 0; i < 300; i++)
        strncat(rule, "ж", sizeof rule - strlen(rule) - 1);
    strncat(rule, "\"}", sizeof rule - strlen(rule) - 1);
    out = (char *)(uintptr_t)condition(rule);
    ok(str_ends(out, "..."));
    ok(strlen(out) < GRAPH_LABEL);
    is_int(str_utf8_valid(out, strlen(out), &at), 1);
}

TEST(text_is_cut_to_columns)
{
    char out[100];

    is_int(graph_cut("short", 10, out, sizeof out), 5);
    is_str(out, "short");
    is_int(graph_cut("0123456789", 10, out, sizeof out), 10);
    is_str(out, "0123456789");
    is_int(graph_cut("0123456789a", 10, out, sizeof out), 10);
    is_str(out, "012345678…");
    is_int(graph_cut("状态状态状态", 6, out, sizeof out), 5); /* twice as wide */
    is_str(out, "状态…");
    graph_cut("a\x01\xff"
              "b\xc3",
              10, out, sizeof out);
    is_str(out, "a ?b?");
}

static struct asl *parse(const char *text)
{
    struct asl_diagnostics d;
    struct asl *a = NULL;

    must_rc(asl_parse(text, strlen(text), &a, &d, &err), &err);
    asl_diagnostics_release(&d);
    return a;
}

static int layer_of(const struct graph *g, const char *name)
{
    for (int i = 1; i < g->state_end; i++)
        if (strcmp(g->nodes[i].name, name) == 0)
            return g->nodes[i].layer;
    return -1;
}

TEST(layers_are_longest_paths_and_loops_go_back)
{
    static const struct graph_trail none;
    struct graph g;
    struct asl *a = parse("{\"StartAt\": \"A\", \"States\": {\"D\": {\"Type\": \"Succeed\"},"
                          "\"A\": {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.x\", \"IsNull\": "
                          "true, \"Next\": \"D\"}], \"Default\": \"B\"},"
                          "\"B\": {\"Type\": \"Pass\", \"Next\": \"C\"},"
                          "\"C\": {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.x\", \"IsNull\": "
                          "true, \"Next\": \"A\"}], \"Default\": \"D\"}}}");

    must_rc(graph_build(&g, a, &none, &err), &err);
    must_rc(graph_layout(&g, &err), &err);
    is_int(layer_of(&g, "A"), 1);
    is_int(layer_of(&g, "B"), 2);
    is_int(layer_of(&g, "C"), 3);
    is_int(layer_of(&g, "D"), 4);
    int back = 0, bends = 0;
    for (int i = 0; i < g.edge_count; i++) {
        back += g.edges[i].back;
        bends += g.edges[i].bend_count;
    }
    is_int(back, 1);
    is_int(bends, 2 + 1); /* A to D passes two layers, C back to A one */
    graph_release(&g);
    asl_free(a);
}

TEST(rules_that_lead_to_one_state_are_one_edge)
{
    static const struct graph_trail none;
    struct graph g;
    struct asl *a =
        parse("{\"StartAt\": \"A\", \"States\": {\"D\": {\"Type\": \"Succeed\"},"
              "\"A\": {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.x\", \"IsNull\": true, "
              "\"Next\": \"D\"},"
              "{\"Variable\": \"$.y\", \"IsNull\": true, \"Next\": \"D\"}], \"Default\": \"D\"}}}");

    must_rc(graph_build(&g, a, &none, &err), &err);
    is_int(g.edge_count, 2);
    is_str(g.edges[1].label, "$.x is null or $.y is null or default");
    graph_release(&g);
    asl_free(a);
}

TEST(what_runs_within_a_state_is_drawn_below_it)
{
    static const struct graph_trail none;
    struct graph g;
    struct asl *a = parse(
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Parallel\", \"Next\": \"D\", \"Branches\": ["
        "{\"StartAt\": \"M\", \"States\": {\"M\": {\"Type\": \"Map\", \"End\": true, \"ItemProcessor\": "
        "{\"StartAt\": \"I\", \"States\": {\"I\": {\"Type\": \"Succeed\"}}}}}},"
        "{\"StartAt\": \"B\", \"States\": {\"B\": {\"Type\": \"Pass\", \"End\": true}}}]},"
        "\"D\": {\"Type\": \"Succeed\"}}}");

    must_rc(graph_build(&g, a, &none, &err), &err);
    must_rc(graph_layout(&g, &err), &err);
    is_int(g.state_end, 6);
    is_int(g.edge_count, 5);
    is_int(layer_of(&g, "M"), 2);
    is_int(layer_of(&g, "I"), 3);
    for (int i = 1; i < g.state_end; i++) /* the execution does not end where a branch does */
        is_int(g.nodes[i].end, strcmp(g.nodes[i].name, "D") == 0);
    is_str(g.edges[2].label, "branch 1");
    is_str(g.edges[4].label, "each item");
    graph_release(&g);
    asl_free(a);
}
