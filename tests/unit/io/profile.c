#include "io/profile.h"
#include "tests/tap.h"
#include <math.h>

static const char *const nulls[] = {"NA", "", NULL};
static const struct profile_config config = {nulls, NULL};

static struct csv_field field(const char *text)
{
    return (struct csv_field){text, text != NULL ? (uint32_t)strlen(text) : 0, false};
}

TEST(null_empty_and_value_are_three_things)
{
    static const char *const cells[] = {"1", "NA", "", NULL, "3"};
    struct str names[] = {str_of("n"), str_of("t")};
    struct profile *p = profile_new(&config, names, 2);
    struct profile_column n, t;

    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        struct csv_field row[2] = {field(cells[i]), field(cells[i])};
        if (i == 0)
            row[1] = field("word");
        if (i == 1)
            row[1].quoted = true;
        profile_row(p, row, (int64_t)i + 2);
    }
    profile_end(p);
    profile_column(p, 0, &n);
    profile_column(p, 1, &t);
    is_int(n.type, PROFILE_INT);
    is_int(n.nulls, 3); /* NA, the empty field, NULL */
    is_int(n.empty, 0);
    is_int(n.values, 2);
    is_int(t.type, PROFILE_TEXT);
    is_int(t.nulls, 1);
    is_int(t.empty, 1); /* '' in a text is '' */
    is_int(t.values, 3);
    is_int(t.placeholder_count, 1); /* "NA" was quoted: a value */
    is_str(n.sql_type, "BIGINT");
    profile_free(p);
}

TEST(no_rows_and_no_columns)
{
    struct str names[] = {str_of("a")};
    struct profile *p = profile_new(&config, names, 1), *none = profile_new(&config, NULL, 0);
    struct profile_column c;
    struct profile_whole w;
    int64_t rows;

    profile_end(p);
    profile_end(none);
    profile_column(p, 0, &c);
    profile_whole(p, &w);
    is_int(c.type, PROFILE_NOTHING);
    is_int(c.bin_count + c.top_count + (size_t)w.rows, 0);
    ok(isnan(profile_correlation(p, 0, 0, &rows)));
    profile_free(p);
    profile_free(none);
    profile_free(NULL);
}

TEST(a_wide_table_keeps_less_of_each_column)
{
    enum { WIDE = 4096 };
    static struct str names[WIDE];
    static struct csv_field row[WIDE];
    struct profile_column c;

    for (size_t i = 0; i < WIDE; i++) {
        names[i] = str_of("c");
        row[i] = field("17.5");
    }
    struct profile *p = profile_new(&config, names, WIDE);
    for (int64_t i = 0; i < 100; i++)
        profile_row(p, row, i);
    profile_end(p);
    profile_column(p, WIDE - 1, &c);
    is_int(c.values, 100);
    is_int(c.distinct, 1);
    ok(c.mean == 17.5);
    profile_free(p);
}
