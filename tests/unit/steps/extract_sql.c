#include "base/limits.h"
#include "steps/extract.h"
#include "tests/tap.h"

static struct table *table_of(const char *const *names, const char *const *types, size_t n)
{
    struct arena *a = arena_new();
    struct table *t = arena_alloc(a, sizeof *t);
    struct err err;

    *t = (struct table){
        .arena = a, .name = "employees", .count = n, .engine = "InnoDB", .triggers = "", .unique_keys = ""};
    t->columns = arena_alloc(a, n * sizeof *t->columns);
    for (size_t i = 0; i < n; i++) {
        char type[80];
        bool null = str_ends(types[i], " NULL");
        snprintf(type, sizeof type, "%.*s", (int)(strlen(types[i]) - (null ? 5 : 0)), types[i]);
        t->columns[i] = (struct column){0};
        must_rc(column_parse_type(type, a, &t->columns[i], &err), &err);
        t->columns[i].name = names[i];
        t->columns[i].nullable = null;
    }
    return t;
}

/* 0 id, 1 name, 2 manager_id NULL, 3 hire_date, 4 updated_at(0), 5 seen_at(6) NULL, 6 amount, 7 kind ENUM, 8 big */
static struct table *employees(void)
{
    static const char *const names[] = {"id",      "name",   "manager_id", "hire_date", "updated_at",
                                        "seen_at", "amount", "kind",       "big"};
    static const char *const types[] = {"int(11)",       "varchar(40)",   "int(11) NULL",
                                        "date",          "timestamp",     "datetime(6) NULL",
                                        "decimal(20,2)", "enum('b','a')", "bigint(20) unsigned"};
    struct table *t = table_of(names, types, ARRAY_LEN(names));

    table_add_key(t, "PRIMARY", (const int[]){0}, 1);
    return t;
}

static const struct extract_window whole = {.now = "2022-06-05 12:34:56.123456"};

static struct extract_sql made(const struct extract_table *t, const struct table *def,
                               const struct extract_window *w)
{
    struct extract_sql s;
    struct err err;

    must_rc(extract_sql(t, def, w, &s, &err), &err);
    return s;
}

/* The text alone. */
static void text_is(const struct extract_table *t, const struct table *def, const struct extract_window *w,
                    const char *want)
{
    struct extract_sql s = made(t, def, w);

    is_str(s.text, want);
    extract_sql_release(&s);
}

static void refused(const struct extract_table *t, const struct table *def, const char *message,
                    const char *hint)
{
    struct extract_sql s;
    struct err err = {0};

    fails(extract_sql(t, def, &whole, &s, &err), &err, ERR_CONFIG);
    if (!ok(strstr(err.msg, message) != NULL) || !ok(strstr(err.hint, hint) != NULL))
        diag("%s (hint: %s)", err.msg, err.hint);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(a_whole_table_by_its_primary_key)
{
    struct table *def = employees();
    const struct extract_table t = {.name = "e", .table = "hr.employees"};
    struct extract_sql s = made(&t, def, &whole);

    is_str(s.select,
           "SELECT `id`,`name`,`manager_id`,`hire_date`,`updated_at`,`seen_at`,`amount`,`kind`,`big` "
           "FROM `hr`.`employees` WHERE (1)");
    is_int(s.key_count, 1);
    is_str(s.key_sql[0], "`id`");
    is_int(s.key_at[0], 0);
    is_int(s.hidden, 0);
    is_int(s.column_count, 9);
    is_int(s.columns[8], 8);
    is_str(s.order, "");
    is_str(s.warning, "");
    is_int(s.value_count, 0);
    extract_sql_release(&s);
    table_free(def);
}

TEST(key_columns_that_are_not_wanted_are_hidden)
{
    struct table *def = employees();
    const struct extract_table t = {.name = "e", .table = "employees", .columns = NAMES("NAME", "amount")};
    struct extract_sql s = made(&t, def, &whole);

    is_str(s.select, "SELECT `name`,`amount`,`id` FROM `employees` WHERE (1)");
    is_int(s.hidden, 1);
    is_int(s.column_count, 3);
    is_int(s.key_at[0], 2);
    is_int(s.columns[0], 1);
    is_int(s.columns[2], 0);
    extract_sql_release(&s);
    table_free(def);
}

TEST(an_order_that_is_not_unique_is_followed_by_the_primary_key)
{
    struct table *def = employees();
    struct extract_table t = {
        .name = "e", .table = "employees", .columns = NAMES("id"), .order = NAMES("hire_date", "id")};
    struct extract_sql s = made(&t, def, &whole);

    is_str(s.text, "SELECT `id`,`hire_date` FROM `employees` WHERE (1) ORDER BY `hire_date`,`id`");
    is_int(s.key_count, 2);
    is_int(s.key_at[0], 1);
    is_int(s.key_at[1], 0);
    is_int(s.hidden, 1);
    extract_sql_release(&s);

    t.order = NAMES("amount", "hire_date", "AMOUNT");
    text_is(&t, def, &whole,
            "SELECT `id`,`amount`,`hire_date` FROM `employees` WHERE (1) ORDER BY `amount`,`hire_date`,`id`");
    /* NULL is behind nothing, and an ENUM is sorted by another rule than it is compared by */
    t.order = NAMES("manager_id");
    s = made(&t, def, &whole);
    is_str(s.select, "SELECT `id` FROM `employees` WHERE (1)");
    is_int(s.key_count, 0);
    is_str(s.order, " ORDER BY `manager_id`,`id`");
    is_int(s.hidden, 0);
    extract_sql_release(&s);
    t.order = NAMES("kind");
    s = made(&t, def, &whole);
    is_int(s.key_count, 0);
    extract_sql_release(&s);
    table_free(def);
}

TEST(keys_that_hold_null_or_are_none_give_no_pages)
{
    struct table *def = employees();
    const struct extract_table t = {.name = "e", .table = "employees", .columns = NAMES("id")};

    def->key_count = 0;
    struct extract_sql s = made(&t, def, &whole);
    is_int(s.key_count, 0);
    is_str(s.order, "");
    is_str(s.text, "SELECT `id` FROM `employees` WHERE (1)");
    extract_sql_release(&s);
    table_add_key(def, "by_manager", (const int[]){2}, 1);
    table_add_key(def, "by_kind", (const int[]){7}, 1);
    s = made(&t, def, &whole);
    is_int(s.key_count, 0);
    extract_sql_release(&s);
    table_add_key(def, "by_both", (const int[]){3, 8}, 2);
    text_is(&t, def, &whole,
            "SELECT `id`,`hire_date`,`big` FROM `employees` WHERE (1) ORDER BY `hire_date`,`big`");
    table_free(def);
}

TEST(filters_are_bound_by_the_columns_type)
{
    struct table *def = employees();
    const struct extract_filter f[] = {
        {"manager_id", IS_NE, NAMES("103"), 0},
        {"hire_date", IS_GT, NAMES("1995-05-05"), 0},
        {"name", IS_IN, NAMES("O'Neil", "a\\b", "?"), 0},
        {"amount", IS_GE, NAMES("12345678901234567.89"), 0},
        {"big", IS_LT, NAMES("18446744073709551615"), 0},
        {"name", IS_NOT_LIKE, NAMES("x%"), 0},
        {"seen_at", IS_NULL, NULL, 0},
        {"manager_id", IS_LIKE, NAMES("1%"), 0},
    };
    const struct extract_table t = {.name = "e",
                                    .table = "employees",
                                    .columns = NAMES("id"),
                                    .filters = f,
                                    .filter_count = ARRAY_LEN(f)};
    struct extract_sql s = made(&t, def, &whole);

    is_str(s.select, "SELECT `id` FROM `employees` WHERE (`manager_id` != ? AND `hire_date` > ? AND `name` "
                     "IN (?,?,?) AND `amount` >= "
                     "CAST(? AS DECIMAL(65,2)) AND `big` < CAST(? AS DECIMAL(65,0)) AND `name` NOT LIKE ? "
                     "AND `seen_at` IS NULL AND "
                     "`manager_id` LIKE ?)");
    is_int(s.value_count, 9);
    is_int(s.values[0].kind, VAL_I64);
    is_int(s.values[0].i, 103);
    is_str(s.values[1].p, "1995-05-05");
    is_str(s.values[2].p, "O'Neil");
    ok(strstr(s.text, "`name` IN ('O''Neil','a\\\\b','?')") != NULL);
    ok(strstr(s.warning, "rows where manager_id is NULL fall out of !=, as in SQL") == s.warning);
    ok(strstr(s.warning, "name") == NULL);
    extract_sql_release(&s);
    table_free(def);
}

TEST(the_warning_of_nulls_is_not_given_where_there_are_none)
{
    struct table *def = employees();
    const struct extract_filter f[] = {{"manager_id", IS_NOT_IN, NAMES("103", "104"), 0},
                                       {"manager_id", IS_NOT_NULL, NULL, 0}};
    struct extract_table t = {.name = "e", .table = "e", .filters = f, .filter_count = 2};
    struct extract_sql s = made(&t, def, &whole);

    is_str(s.warning, "");
    extract_sql_release(&s);
    t.filter_count = 1;
    s = made(&t, def, &whole);
    ok(strstr(s.warning, "fall out of NOT IN") != NULL);
    extract_sql_release(&s);
    table_free(def);
}

TEST(values_that_a_column_cannot_be_compared_with_are_refused)
{
    struct table *def = employees();
    struct extract_filter f = {"manager_id", IS_EQ, NAMES("1 OR 1=1"), 0};
    const struct extract_table t = {.name = "e", .table = "employees", .filters = &f, .filter_count = 1};

    refused(&t, def, "'1 OR 1=1' is no number", "digits");
    f.values = NAMES("1e3");
    refused(&t, def, "'1e3' is no number", "exponent");
    f.values = NAMES("-");
    refused(&t, def, "is no number", "");
    f.values = NAMES("1", "2");
    refused(&t, def, "one value is wanted", "in and not-in");
    f.values = NULL;
    refused(&t, def, "a value is missing", "");
    f = (struct extract_filter){"name", IS_IN, NAMES(NULL), 0};
    refused(&t, def, "a value is missing", "one at least");
    f = (struct extract_filter){"hire_date", IS_GT, NAMES("yesterday"), 0};
    refused(&t, def, "'yesterday' is no date", "1995-05-05");
    f.values = NAMES("1995-02-30");
    refused(&t, def, "'1995-02-30' is no date", "");
    f.values = NAMES("1995-05-05' OR '1'='1");
    refused(&t, def, "is no date", "");
    f = (struct extract_filter){"name", IS_GT, NULL, 1000};
    refused(&t, def, "has no time to look back from", "ago is for");
    f = (struct extract_filter){"seen_at", IS_IN, NULL, 1000};
    refused(&t, def, "ago goes with", "");
    table_free(def);
}

TEST(ago_counts_from_the_runs_moment)
{
    struct table *def = employees();
    struct extract_filter f = {"seen_at", IS_GT, NULL, INT64_C(12) * 3600000};
    const struct extract_table t = {
        .name = "e", .table = "e", .columns = NAMES("id"), .filters = &f, .filter_count = 1};

    text_is(&t, def, &whole,
            "SELECT `id` FROM `e` WHERE (`seen_at` > '2022-06-05 00:34:56.123456') ORDER BY `id`");
    f.ago_ms = INT64_C(14) * 86400000 + 1;
    text_is(&t, def, &whole,
            "SELECT `id` FROM `e` WHERE (`seen_at` > '2022-05-22 12:34:56.122456') ORDER BY `id`");
    f.column = "hire_date";
    struct extract_sql s = made(&t, def, &whole);
    ok(strstr(s.warning, "hire_date is a date") != NULL);
    extract_sql_release(&s);
    table_free(def);
}

TEST(the_window_is_of_any_of_the_watermarks_and_ends_before_to)
{
    struct table *def = employees();
    struct extract_table t = {.name = "e",
                              .table = "e",
                              .columns = NAMES("id"),
                              .watermark = NAMES("seen_at"),
                              .where = "name <> 'x'"};
    struct extract_window w = {.from = "2022-06-05 01:00:00.5", .to = "2022-06-05 02:00:00.25"};

    text_is(&t, def, &w,
            "SELECT `id` FROM `e` WHERE ((`seen_at` >= '2022-06-05 01:00:00.5' AND `seen_at` < "
            "'2022-06-05 02:00:00.25') AND (name <> 'x')) ORDER BY `id`");
    t.watermark = NAMES("seen_at", "updated_at");
    text_is(&t, def, &w,
            "SELECT `id` FROM `e` WHERE (((`seen_at` >= '2022-06-05 01:00:00.5' AND `seen_at` < '2022-06-05 "
            "02:00:00.25') OR "
            "(`updated_at` >= '2022-06-05 01:00:00' AND `updated_at` < '2022-06-05 02:00:00')) AND (name <> "
            "'x')) ORDER BY `id`");
    t.where = NULL;
    w = (struct extract_window){.to = "2022-06-05 02:00:00"};
    text_is(&t, def, &w,
            "SELECT `id` FROM `e` WHERE (((`seen_at` < '2022-06-05 02:00:00') OR (`updated_at` < '2022-06-05 "
            "02:00:00'))) ORDER BY `id`");
    w = (struct extract_window){0};
    text_is(&t, def, &w, "SELECT `id` FROM `e` WHERE (1) ORDER BY `id`");
    t.watermark = NAMES("seen_at");
    w.from = "2022-06-05";
    struct extract_sql s = made(&t, def, &w);
    is_str(s.warning, "rows where seen_at is NULL are in no window");
    extract_sql_release(&s);
    table_free(def);
}

/* Today's rows are not all there yet, and have a midnight that is over: the window that ends tomorrow has them. */
TEST(a_window_over_dates_ends_with_the_last_whole_day)
{
    struct table *def = employees();
    const struct extract_table t = {
        .name = "e", .table = "e", .columns = NAMES("id"), .watermark = NAMES("hire_date")};
    struct extract_window w = {.from = "2022-06-04 23:00:00", .to = "2022-06-05 12:00:00.5"};

    text_is(&t, def, &w,
            "SELECT `id` FROM `e` WHERE ((`hire_date` >= '2022-06-04' AND `hire_date` < '2022-06-05')) ORDER "
            "BY `id`");
    w.from = w.to;
    w.to = "2022-06-06 00:00:00";
    text_is(&t, def, &w,
            "SELECT `id` FROM `e` WHERE ((`hire_date` >= '2022-06-05' AND `hire_date` < '2022-06-06')) ORDER "
            "BY `id`");
    table_free(def);
}

/* A window is UTC, as TIMESTAMP is; DATETIME and DATE are what their writer's clock showed. */
TEST(datetime_and_date_are_of_their_writers_zone)
{
    struct table *def = employees();
    const struct extract_filter f = {"seen_at", IS_GT, NULL, 3600000};
    struct extract_table t = {.name = "e",
                              .table = "e",
                              .columns = NAMES("id"),
                              .watermark = NAMES("seen_at", "updated_at", "hire_date")};
    struct extract_window w = {.to = "2022-06-05 22:00:00.25", .datetime_offset_s = 19800, .now = whole.now};

    text_is(
        &t, def, &w,
        "SELECT `id` FROM `e` WHERE (((`seen_at` < '2022-06-06 03:30:00.25') OR (`updated_at` < '2022-06-05 "
        "22:00:00') OR (`hire_date` < '2022-06-06'))) ORDER BY `id`");
    w.to = NULL;
    t.filters = &f;
    t.filter_count = 1;
    text_is(&t, def, &w,
            "SELECT `id` FROM `e` WHERE (`seen_at` > '2022-06-05 17:04:56.123456') ORDER BY `id`");
    table_free(def);
}

TEST(a_watermark_is_a_time)
{
    struct table *def = employees();
    struct extract_table t = {.name = "e", .table = "e", .watermark = NAMES("name")};

    refused(&t, def, "watermark: name is varchar(40)", "extracted in full");
    t.watermark = NAMES("updatedat");
    refused(&t, def, "no column 'updatedat' in e", "the nearest is 'updated_at'");
    table_free(def);
}

TEST(a_constant_in_quotes_is_no_column)
{
    struct table *def = employees();
    struct extract_table t = {.name = "e", .table = "e", .columns = NAMES("'name'", "'updated_at'")};

    refused(&t, def, "columns: 'name' is a constant in quotes", "write name, without");
    t.columns = NAMES("'name','updated_at'");
    refused(&t, def, "is a constant in quotes", "write name, updated_at, without");
    t.columns = NAMES(" \"id\" ");
    refused(&t, def, "is a constant in quotes", "write id, without");
    t.columns = NAMES("'");
    refused(&t, def, "is a constant in quotes", "");
    t.columns = NULL;
    t.order = NAMES("'id'");
    refused(&t, def, "order: 'id' is a constant in quotes", "write id");
    t.order = NULL;
    t.watermark = NAMES("\"seen_at\"");
    refused(&t, def, "watermark: ", "write seen_at");
    t.watermark = NULL;
    const struct extract_filter f = {"'id'", IS_EQ, NAMES("1"), 0};
    t.filters = &f;
    t.filter_count = 1;
    refused(&t, def, "filters: ", "write id");
    refused(&(struct extract_table){.name = "q", .query = "SELECT 1", .columns = NAMES("'x'")}, NULL,
            "columns: ", "write x");
    const struct extract_transform x = {"'id'", "1"};
    refused(&(struct extract_table){.name = "e", .table = "e", .transforms = &x, .transform_count = 1}, def,
            "transforms: ", "write id");
    table_free(def);
}

TEST(columns_that_are_not_there_or_twice)
{
    struct table *def = employees();
    struct extract_table t = {.name = "e", .table = "hr.e", .columns = NAMES("id", "manger_id")};

    refused(&t, def, "no column 'manger_id' in hr.e", "the nearest is 'manager_id'");
    t.columns = NAMES("id", "zzzzzzzzzzzz`; DROP TABLE e; --");
    refused(&t, def, "no column", "");
    t.columns = NAMES("id", "ID");
    refused(&t, def, "'ID' stands there twice", "");
    t.columns = NAMES("");
    refused(&t, def, "a column's name is empty", "");
    table_free(def);
}

TEST(names_cannot_leave_their_backticks)
{
    static const char *const names[] = {"i`d", "a?b", "n` FROM x; --"};
    static const char *const types[] = {"int(11)", "int(11)", "varchar(10)"};
    struct table *def = table_of(names, types, 3);
    const struct extract_filter f = {"n` FROM x; --", IS_EQ, NAMES("' OR ''='"), 0};
    const struct extract_table t = {.name = "e", .table = "h`r.e`; DROP.x", .filters = &f, .filter_count = 1};

    table_add_key(def, "PRIMARY", (const int[]){0, 1}, 2);
    struct extract_sql s = made(&t, def, &whole);
    is_str(s.select,
           "SELECT `i``d`,`a?b`,`n`` FROM x; --` FROM `h``r`.`e``; DROP.x` WHERE (`n`` FROM x; --` = ?)");
    is_str(s.key_sql[0], "`i``d`");
    is_int(s.value_count, 1);
    is_str(s.values[0].p, "' OR ''='");
    ok(strstr(s.text, "= ''' OR ''''=''')") != NULL);
    extract_sql_release(&s);
    table_free(def);
}

TEST(transforms_stand_for_a_column_or_behind_the_others)
{
    struct table *def = employees();
    const struct extract_transform x[] = {{"id", "id * 2"}, {"year", "YEAR(hire_date) -- of entry"}};
    struct extract_table t = {.name = "e",
                              .table = "hr.employees",
                              .columns = NAMES("id", "name"),
                              .transforms = x,
                              .transform_count = 2};
    struct extract_sql s = made(&t, def, &whole);

    is_str(s.select, "SELECT (id * 2) AS `id`,`employees`.`name`,(YEAR(hire_date) -- of entry\n) AS "
                     "`year`,`employees`.`id` AS `_orch_key_0` "
                     "FROM `hr`.`employees` WHERE (1)");
    ok(s.columns == NULL);
    is_int(s.column_count, 4);
    is_int(s.hidden, 1);
    is_str(s.key_sql[0], "`employees`.`id`");
    is_int(s.key_at[0], 3);
    extract_sql_release(&s);
    const struct extract_transform twice[] = {{"y", "1"}, {"y", "2"}};
    t.transforms = twice;
    refused(&t, def, "'y' stands there twice", "");
    table_free(def);
}

TEST(a_query_of_ones_own_is_wrapped)
{
    const struct extract_filter f = {"salary", IS_GT, NAMES("10"), 0};
    struct extract_table t = {.name = "q", .query = "SELECT a, '?;)' FROM x # all\n;", .order = NAMES("a")};
    struct extract_sql s = made(&t, NULL, &whole);

    is_str(s.select, "SELECT * FROM (SELECT a, '?;)' FROM x # all\n) AS q WHERE (1)");
    is_str(s.order, " ORDER BY `a`");
    is_int(s.key_count, 0);
    ok(s.columns == NULL);
    extract_sql_release(&s);
    t = (struct extract_table){.name = "q",
                               .query = "with y as (select 1) select * from y -- x",
                               .columns = NAMES("b`"),
                               .filters = &f,
                               .filter_count = 1};
    text_is(&t, NULL, &whole,
            "SELECT `b``` FROM (with y as (select 1) select * from y -- x\n) AS q WHERE (`salary` > '10')");
}

/* Whoever asked the server what the query gives has the same certainty about it as about a table. */
TEST(a_query_whose_result_is_known_is_checked_as_a_table)
{
    struct table *def = employees();
    struct extract_table t = {
        .name = "q", .query = "SELECT * FROM employees", .watermark = NAMES("hire_date")};
    const struct extract_window w = {.to = "2022-06-05 12:00:00"};
    struct extract_sql s = made(&t, def, &w);

    is_str(s.text, "SELECT * FROM (SELECT * FROM employees) AS q WHERE ((`hire_date` < '2022-06-05'))");
    is_int(s.key_count, 0);
    is_int(s.column_count, 9);
    is_int(s.columns[8], 8);
    extract_sql_release(&s);
    t.watermark = NAMES("name");
    refused(&t, def, "watermark: name is varchar(40)", "");
    t.watermark = NAMES("hiredate");
    refused(&t, def, "no column 'hiredate' in the query's result", "hire_date");
    table_free(def);
}

TEST(sql_of_ones_own_stays_in_its_brackets)
{
    static const char *const bad[] = {
        "1) OR (1", "(1", "1; DROP TABLE e", "id = ?", "name = 'x", "1 /* x", "1 /*!) OR (1*/", "1 /*M! */",
        "",         "  ", "a = \"b\\\"",     "`x",     "1)-- ("};
    static const char *const good[] = {"name = ')' OR name = '\\')'",
                                       "1 -- ) ; ?",
                                       "1 # )",
                                       "1 /* ; ) ? */",
                                       "`a)?` = \";\"",
                                       "(1) OR (2)",
                                       "a - -1",
                                       "5--3",
                                       "name = 'it''s)'"};
    struct table *def = employees();
    struct extract_table t = {.name = "e", .table = "e"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        t.where = bad[i];
        refused(&t, def, "e: where: ", "");
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        t.where = good[i];
        struct extract_sql s = made(&t, def, &whole);
        ok(str_ends(s.select, "\n))") || str_ends(s.select, "))"));
        extract_sql_release(&s);
    }
    refused(&(struct extract_table){.name = "q", .query = "DELETE FROM e"}, NULL, "neither SELECT nor WITH",
            "");
    refused(&(struct extract_table){.name = "q", .query = "SELECT 1; SELECT 2"}, NULL, "another statement",
            "");
    refused(&(struct extract_table){.name = "q", .query = "SELECT 1) AS q, (SELECT 2"}, NULL, "did not open",
            "");
    refused(&(struct extract_table){.name = "q"}, NULL, "a table or a query", "");
    table_free(def);
}

TEST(columns_of_orchs_own_and_invisible_ones_come_when_they_are_named)
{
    static const char *const names[] = {"id", "v", "secret", "_orch_load_id", "_orch_line"};
    static const char *const types[] = {"int(11)", "int(11)", "int(11)", "bigint(20)", "bigint(20)"};
    struct table *def = table_of(names, types, 5);
    struct extract_table t = {.name = "e", .table = "e"};

    def->columns[1].generated = true;
    def->columns[2].invisible = true;
    text_is(&t, def, &whole, "SELECT `id`,`v` FROM `e` WHERE (1)");
    t.columns = NAMES("secret", "_orch_line");
    text_is(&t, def, &whole, "SELECT `secret`,`_orch_line` FROM `e` WHERE (1)");
    table_free(def);
}

TEST(the_text_for_the_log_is_bounded_and_the_statement_is_not_cut)
{
    struct table *def = employees();
    char *value = xmalloc(200001);

    memset(value, 'x', 200000);
    value[200000] = '\0';
    const struct extract_filter f = {"name", IS_EQ, NAMES(value), 0};
    const struct extract_table t = {.name = "e", .table = "e", .filters = &f, .filter_count = 1};
    struct extract_sql s = made(&t, def, &whole);
    ok(strlen(s.text) <= MAX_SQL_SHOWN + 8);
    ok(str_ends(s.text, "..."));
    ok(str_ends(s.select, "(`name` = ?)"));
    is_int(s.values[0].n, 200000);
    extract_sql_release(&s);
    table_free(def);
    free(value);
}
