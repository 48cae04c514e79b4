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

/* Eight rows in nine hold one of a few short values, the ninth a number that never came before. */
TEST(counts_are_those_of_the_rows_though_values_become_many)
{
    enum { ROWS = 9 * 36000, FEW = 12 };
    static const char *const few[FEW] = {"0",  "7",  "-1",      "NA",   "NA",       "",
                                         NULL, "12", "1234567", "0.25", "12345678", "3"};
    struct {
        int64_t rows, nulls, empty, few[FEW], first[FEW];
        double sum, numbers;
    } want = {0};
    struct str names[] = {str_of("a"), str_of("b")};
    struct profile *p = profile_new(&config, names, 2);
    struct profile_column a, b;
    struct profile_whole w;
    uint64_t random = 1;
    char rare[32];

    for (int64_t i = 0; i < ROWS; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        size_t k = i % 9 == 0 ? FEW : (size_t)(random >> 40) % FEW;
        snprintf(rare, sizeof rare, "9%lld", (long long)i);
        struct csv_field one = field(k < FEW ? few[k] : rare);
        one.quoted = k == 4;
        struct csv_field row[2] = {one, field(k == 1 ? "7" : k < 7 ? "70" : "7000001")};
        profile_row(p, row, i + 2);
        want.rows++;
        want.nulls += k == 3 || k == 6;
        want.empty += k == 5; /* NULL, if the column is one of numbers */
        if (k < FEW && want.few[k]++ == 0)
            want.first[k] = i + 2;
        if (k == FEW || k < 3 || k > 6) {
            want.sum += strtod(one.p, NULL);
            want.numbers++;
        }
    }
    profile_end(p);
    profile_column(p, 0, &a);
    profile_column(p, 1, &b);
    profile_whole(p, &w);
    is_int(a.rows, want.rows);
    is_int(a.nulls + a.empty, want.nulls + want.empty);
    is_int(a.values, want.rows - want.nulls - want.empty);
    ok(!a.distinct_exact);
    ok(fabs((double)a.distinct / (36000 + 9) - 1) < 4 * 0.0081);
    is_int((int64_t)want.numbers, a.numbers);
    ok(fabs(a.mean / (want.sum / want.numbers) - 1) < 1e-12);
    is_int(a.zeros, want.few[0]);
    is_int(a.negatives, want.few[2]);
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < FEW; k++)
            if (few[k] != NULL && a.top[i].n == strlen(few[k]) &&
                memcmp(a.top[i].text, few[k], a.top[i].n) == 0 && k != 3) {
                ok(a.top[i].count <= want.few[k] && a.top[i].count >= want.few[k] - a.top_error);
                is_int(a.top[i].first.line, want.first[k]);
            }
    is_int(b.distinct, 3);
    is_int(b.top_error, 0);
    is_int(b.top[2].count, want.few[1]);
    is_int(b.top[0].count + b.top[1].count + b.top[2].count, ROWS);
    profile_free(p);
}
