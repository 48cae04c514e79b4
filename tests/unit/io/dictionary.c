#include "io/dictionary.h"
#include "base/mem.h"
#include "tests/tap.h"

/* One column under one rule: what a cell of it meets. */
struct one {
    struct table t;
    struct column column;
    struct dict_rule rule;
    struct dict_table d;
    struct arena *arena;
};

static void setup(struct one *o, const char *type, struct dict_rule rule)
{
    struct err err;

    *o = (struct one){.column = {.name = "c", .nullable = true}, .rule = rule};
    o->arena = arena_new();
    must_rc(column_parse_type(type, o->arena, &o->column, &err), &err);
    o->column.name = "c";
    o->column.nullable = true;
    o->column.type_text = type;
    o->rule.column = "c";
    o->t = (struct table){.arena = o->arena, .name = "t", .columns = &o->column, .count = 1};
    o->d = (struct dict_table){.name = "t", .table = "t", .rules = &o->rule, .rule_count = 1};
}

/* "": it keeps the rule; else the code. text NULL: NULL. */
static const char *meets(const char *type, struct dict_rule rule, const char *text, char message[300])
{
    static char code[32];
    static const int first[] = {0};
    struct reject_info why = {0};
    struct dictionary *d = NULL;
    struct one o;
    struct err err;

    setup(&o, type, rule);
    must_rc(dictionary_new(&o.d, &o.t, first, 1, &d, &err), &err);
    struct batch *b = batch_new(&o.t, first, 1, 1);
    b->lines[0] = 7;
    b->raw[0] = batch_keep(b, "raw", 3);
    b->raw_n[0] = 3;
    if (text == NULL)
        b->cols[0].nulls[0] = 1;
    else
        must(convert_cell(&o.column, (struct csv_field){text, (uint32_t)strlen(text), true}, NULL, b, 0,
                          &why));
    b->rows = 1;
    code[0] = '\0';
    if (!dictionary_check(d, b, &why)) {
        snprintf(code, sizeof code, "%s", why.code);
        snprintf(message, 300, "%s", why.message);
        is_int(why.line, 7);
        is_str(why.column, "c");
        is_mem(why.raw, why.raw_n, "raw", 3);
    }
    batch_free(b);
    dictionary_free(d);
    arena_free(o.arena);
    return code;
}

static void keeps(const char *type, struct dict_rule rule, const char *text)
{
    char message[300] = "";

    if (!is_str(meets(type, rule, text, message), ""))
        diag("%s %s: %s", type, text, message);
}

static void breaks(const char *type, struct dict_rule rule, const char *text, const char *code,
                   const char *words)
{
    char message[300] = "";

    if (!is_str(meets(type, rule, text, message), code) || !is_str(message, words))
        diag("%s %s", type, text);
}

#define RULE(...) ((struct dict_rule){.column = "c", __VA_ARGS__})

TEST(what_is_required_is_not_null)
{
    breaks("int(11)", RULE(.required = true), NULL, "REQUIRED", "'c' is required, and there is nothing");
    keeps("int(11)", RULE(.required = true), "0");
    keeps("varchar(9)", RULE(.required = true), ""); /* a text like any other */
    keeps("int(11)", RULE(.min = "5", .pattern = "x", .values = (const char *const[]){"1", NULL}), NULL);
}

TEST(bounds_are_of_the_columns_own_kind)
{
    keeps("int(11)", RULE(.min = "-5", .max = "10"), "-5");
    keeps("int(11)", RULE(.min = "-5", .max = "10"), "0010");
    breaks("int(11)", RULE(.min = "-5", .max = "10"), "11", "OUT_OF_RULE", "'11' is more than the most, 10");
    breaks("int(11)", RULE(.min = "-5"), "-6", "OUT_OF_RULE", "'-6' is less than the least, -5");
    keeps("bigint(20) unsigned", RULE(.min = "9223372036854775808"), "18446744073709551615");
    breaks("bigint(20) unsigned", RULE(.min = "9223372036854775808"), "9223372036854775807", "OUT_OF_RULE",
           "'9223372036854775807' is less than the least, 9223372036854775808");
    keeps("decimal(9,2)", RULE(.min = "-10.5", .max = "9.5"), "-10.50");
    keeps("decimal(9,2)", RULE(.min = "-10.5", .max = "9.5"), "9.49");
    breaks("decimal(9,2)", RULE(.min = "-10.5", .max = "9.5"), "10", "OUT_OF_RULE",
           "'10.00' is more than the most, 9.5");
    breaks("decimal(9,2)", RULE(.min = "-10.5"), "-10.51", "OUT_OF_RULE",
           "'-10.51' is less than the least, -10.5");
    breaks("decimal(9,2)", RULE(.max = "-1"), "0", "OUT_OF_RULE", "'0.00' is more than the most, -1");
    keeps("double", RULE(.min = "0.1"), "1e-1");
    breaks("double", RULE(.min = "0.1"), "0.09", "OUT_OF_RULE", "'0.09' is less than the least, 0.1");
    keeps("datetime", RULE(.min = "2021-01-01"), "2021-01-01T01:00:00+01:00");
    breaks("datetime(3)", RULE(.max = "2021-12-31T23:59:59Z"), "2021-12-31 23:59:59.001", "OUT_OF_RULE",
           "'2021-12-31 23:59:59.001' is more than the most, 2021-12-31T23:59:59Z");
    keeps("time", RULE(.min = "-01:00:00", .max = "100:00:00"), "99:59:59");
    breaks("time", RULE(.min = "-01:00:00"), "-01:00:01", "OUT_OF_RULE",
           "'-01:00:01' is less than the least, -01:00:00");
    breaks("year(4)", RULE(.min = "2000"), "1999", "OUT_OF_RULE", "'1999' is less than the least, 2000");
}

TEST(a_pattern_is_of_the_whole_text)
{
    keeps("varchar(30)", RULE(.pattern = "[A-Z]{2}[0-9]+"), "AB12");
    breaks("varchar(30)", RULE(.pattern = "[A-Z]{2}[0-9]+"), "AB12x", "NO_MATCH",
           "'AB12x' is not of the form [A-Z]{2}[0-9]+");
    breaks("varchar(30)", RULE(.pattern = "a|b"), "ab", "NO_MATCH", "'ab' is not of the form a|b");
    breaks("varchar(30)", RULE(.pattern = "a"), "a\n", "NO_MATCH", "'a\\x0a' is not of the form a");
    keeps("varchar(30)", RULE(.pattern = "a*"), "");
    keeps("varchar(30)", RULE(.pattern = "P.*"), "Perú");
    keeps("int(11)", RULE(.pattern = "[0-9]"), "07"); /* of the value, not of its spelling */
}

TEST(what_is_listed_is_compared_as_a_value)
{
    static const char *const numbers[] = {"1", "02", NULL}, *const words[] = {"red", "Blue", NULL};

    keeps("int(11)", RULE(.values = numbers), "2");
    breaks("int(11)", RULE(.values = numbers), "3", "NOT_ALLOWED", "'3' is none of: 1, 02");
    keeps("varchar(9)", RULE(.values = words), "Blue");
    breaks("varchar(9)", RULE(.values = words), "blue", "NOT_ALLOWED", "'blue' is none of: red, Blue");
}

static void wrong(const char *type, struct dict_rule rule, const char *message)
{
    struct one o;
    struct err err;

    setup(&o, type, rule);
    if (rule.column[0] == '!')
        o.rule.column = rule.column + 1;
    fails(dictionary_prove(&o.d, &o.t, 0, &err), &err, ERR_CONFIG);
    is_str(err.msg, message);
    arena_free(o.arena);
}

TEST(rules_that_do_not_fit_the_table_are_refused)
{
    static const char *const values[] = {"x", NULL};

    wrong("int(11)", ((struct dict_rule){.column = "!d"}), "table t has no column 'd'");
    wrong("tinyint(4)", RULE(.max = "200"),
          "column c: max '200' is no value of tinyint(4): '200' is outside -128 to 127 of TINYINT");
    wrong("int(11)", RULE(.min = "2", .max = "1"), "column c: min 2 is more than max 1");
    wrong("varchar(9)", RULE(.min = "2"),
          "column c: min and max are for numbers and times, and it is varchar(9)");
    wrong("int(11)", RULE(.values = values), "column c: value 'x' is no value of int(11): 'x' is not an INT");
    wrong("double", RULE(.references = "a.b"),
          "column c: references is for whole numbers and texts, and it is double");
}

static void no_pattern(const char *pattern, const char *message)
{
    struct err err;

    fails(dictionary_pattern(pattern, &err), &err, ERR_CONFIG);
    if (message != NULL)
        is_str(err.msg, message);
}

TEST(patterns_are_bounded)
{
    char longest[600];
    struct err err;

    memset(longest, 'a', sizeof longest);
    longest[500] = '\0';
    is_int(dictionary_pattern(longest, &err), 0);
    longest[500] = 'a';
    longest[501] = '\0';
    no_pattern(longest, "pattern: longer than 500 bytes");
    no_pattern("(a)\\1", "pattern: \\1 refers back, which can take for ever to match");
    no_pattern("((a{100}){100}){100}", "pattern: repetitions of more than 1000 in all");
    no_pattern("a{1,2000}", NULL);
    no_pattern("((){9}{9}){9,}",
               "pattern: repetitions of more than 150 in all, and a group that is repeated without end");
    no_pattern("(a?){900,}", NULL);
    no_pattern("((a?){30}{30})+", NULL);
    is_int(dictionary_pattern("([a-z]{2,100} ?)+(x{2,9}){1,}", &err) < 0, 1);
    is_int(dictionary_pattern("([a-z]{2,100} ?)+x{9}?", &err) < 0, 1);
    is_int(dictionary_pattern("([a-z]{2,100} ?)+", &err), 0);
    is_int(dictionary_pattern("(x{900}|y)z+", &err), 0);
    no_pattern("a)(b", NULL);
    no_pattern("(a", NULL);
    no_pattern("[a", NULL);
    is_int(dictionary_pattern("[\\1]", &err), 0); /* within a list it is no reference */
    is_int(dictionary_pattern("a\\\\{2}b{1,900}", &err), -ERR_CONFIG);
    is_int(dictionary_pattern("(ab|cd){0,9}\\.[^]x]+", &err), 0);
}

TEST(reversed_bounds_are_seen_without_a_table)
{
    ok(dictionary_reversed("10", "9.5"));
    ok(!dictionary_reversed("9", "10"));
    ok(dictionary_reversed("2022-01-01", "2021-12-31 23:59:59"));
    ok(!dictionary_reversed("10:00:00", "09:00:00"));
}

TEST(a_required_column_that_nothing_fills_rejects_every_row)
{
    static const int first[] = {0};
    struct column columns[2] = {{.name = "a", .type = COL_INT, .nullable = true, .type_text = "int"},
                                {.name = "b", .type = COL_INT, .nullable = true, .type_text = "int"}};
    struct table t = {.arena = arena_new(), .name = "t", .columns = columns, .count = 2};
    struct dict_table d = {.name = "t", .table = "t", .all_required = true};
    struct dictionary *k = NULL;
    struct reject_info why;
    struct err err;

    must_rc(dictionary_new(&d, &t, first, 1, &k, &err), &err);
    struct batch *b = batch_new(&t, first, 1, 1);
    b->raw[0] = "";
    b->rows = 1;
    is_int(dictionary_check(k, b, &why), 0);
    is_str(why.column, "b");
    dictionary_free(k);
    columns[1].auto_increment = true;
    must_rc(dictionary_new(&d, &t, first, 1, &k, &err), &err);
    is_int(dictionary_check(k, b, &why), 1);
    dictionary_free(k);
    dictionary_free(NULL);
    batch_free(b);
    arena_free(t.arena);
}
