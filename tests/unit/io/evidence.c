#include "io/evidence.h"
#include "base/mem.h"
#include "tests/tap.h"

static const char *const nulls[] = {"NA", "", NULL};
static const struct convert_config config = {.nulls = nulls, .header = true};

/* One column, a cell each; a leading " means quoted. */
static struct evidence *seen(const char *const *cells)
{
    struct evidence *e = evidence_new(&config);
    struct csv_field f = {"x", 1, false};
    struct csv_record rec = {.fields = &f, .count = 1, .line = 1};
    struct err err;

    must_rc(evidence_header(e, &rec, &err), &err);
    for (; *cells != NULL; cells++) {
        bool quoted = **cells == '"';
        f = (struct csv_field){*cells + quoted, (uint32_t)strlen(*cells + quoted), quoted};
        rec.line++;
        evidence_row(e, &rec);
    }
    return e;
}

static const char *type_of(struct evidence *e, const struct evidence_type_how *how)
{
    static char out[SEEN_TYPE + 16];
    struct evidence_type t;

    evidence_type(&e->columns[0], how, &t);
    snprintf(out, sizeof out, "%s%s", t.type, t.nullable ? "" : " NOT NULL");
    return out;
}

static const struct evidence_type_how plain = {.wide = false}, wide = {.wide = true},
                                      sqlite = {.sqlite = true};
#define CELLS(...)                                                                                           \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }

static void is_type(const char *const *cells, const char *want, const char *want_wide,
                    const char *want_sqlite)
{
    struct evidence *e = seen(cells);

    is_str(type_of(e, &plain), want);
    is_str(type_of(e, &wide), want_wide);
    is_str(type_of(e, &sqlite), want_sqlite);
    evidence_free(e);
}

TEST(three_types_for_the_same_cells)
{
    is_type(CELLS("1", "2"), "TINYINT UNSIGNED NOT NULL", "BIGINT", "INTEGER NOT NULL");
    is_type(CELLS("18446744073709551615", "NA"), "BIGINT UNSIGNED", "BIGINT UNSIGNED", "TEXT");
    is_type(CELLS("-1", "9223372036854775808"), "DECIMAL(19,0) NOT NULL", "DECIMAL(23,0)", "TEXT NOT NULL");
    is_type(CELLS("9007199254740993.25", ""), "DECIMAL(18,2)", "DECIMAL(24,4)", "TEXT");
    is_type(CELLS("0.5"), "DOUBLE NOT NULL", "DOUBLE", "REAL NOT NULL");
    is_type(CELLS("2022-06-05 01:02:03.5"), "DATETIME(1) NOT NULL", "DATETIME(6)", "DATETIME(1) NOT NULL");
    is_type(CELLS("a", "\""), "VARCHAR(8) NOT NULL", "VARCHAR(255)", "TEXT NOT NULL");
    is_type(CELLS("NA", ""), "VARCHAR(255)", "VARCHAR(255)", "TEXT");
    /* 65 digits are what a DECIMAL has, and room is only where there is any */
    is_type(CELLS("99999999999999999999999999999999999.999999999999999999999999999999"),
            "DECIMAL(65,30) NOT NULL", "DECIMAL(65,30)", "TEXT NOT NULL");
    is_type(CELLS("999999999999999999999999999999999999.999999999999999999999999999999"),
            "VARCHAR(128) NOT NULL", "VARCHAR(255)", "TEXT NOT NULL");
    is_type(CELLS("0.99999999999999999999999999999"), "DECIMAL(30,29) NOT NULL", "DECIMAL(35,30)",
            "TEXT NOT NULL");
}

/* The type for a column of the table that gets these cells. */
static void covers(const char *type, const char *const *cells, const char *want)
{
    struct evidence *e = seen(cells);
    struct arena *a = arena_new();
    struct column k = {0};
    struct err err;

    must_rc(column_parse_type(type, a, &k, &err), &err);
    evidence_cover(&e->columns[0], &k);
    is_str(type_of(e, &plain), want);
    arena_free(a);
    evidence_free(e);
}

TEST(a_wider_type_holds_what_the_table_held_too)
{
    covers("tinyint(4)", CELLS("300"), "SMALLINT NOT NULL"); /* below 0 the table may have values */
    covers("tinyint(3) unsigned", CELLS("300"), "SMALLINT UNSIGNED NOT NULL");
    covers("int(10) unsigned", CELLS("-1"), "BIGINT NOT NULL");
    covers("bigint(20) unsigned", CELLS("-1"), "DECIMAL(20,0) NOT NULL");
    covers("int(11)", CELLS("0.5"), "DOUBLE NOT NULL");
    covers("bigint(20)", CELLS("0.5"), "DECIMAL(20,1) NOT NULL"); /* a double does not hold them all */
    covers("decimal(8,2)", CELLS("0.125"), "DECIMAL(9,3) NOT NULL");
    covers("decimal(8,2)", CELLS("1e10"), "DOUBLE NOT NULL");
    covers("float", CELLS("0.123456789012"), "DOUBLE NOT NULL");
    covers("double", CELLS("x"), "VARCHAR(32) NOT NULL");
    covers("date", CELLS("2022-06-05 10:00:00.25"), "DATETIME(2) NOT NULL");
    covers("datetime(3)", CELLS("2022-06-05 10:00:00.123456"), "DATETIME(6) NOT NULL");
    covers("varchar(40)", CELLS("12"), "VARCHAR(64) NOT NULL"); /* it stays text */
    covers("varchar(5)", CELLS("abcdefghij"), "VARCHAR(16) NOT NULL");
    covers("text", CELLS("abc"), "TEXT NOT NULL");
    covers("int(11)", CELLS("x"), "VARCHAR(32) NOT NULL");
    covers("year(4)", CELLS("1850"), "SMALLINT UNSIGNED NOT NULL");
}

TEST(what_forced_the_type_is_told)
{
    struct evidence *e = seen(CELLS("1", "70000", "5", "66000"));
    struct evidence_type t;

    evidence_type(&e->columns[0], &plain, &t);
    is_str(t.forced->text, "70000");
    is_int(t.forced->line, 3);
    evidence_free(e);
    e = seen(CELLS("1", "2022-06-05", "n/a", "x"));
    evidence_type(&e->columns[0], &plain, &t);
    is_str(t.forced->text, "2022-06-05"); /* with 1 before it, nothing but text holds both */
    is_str(e->columns[0].min.text, "1");
    is_str(e->columns[0].max.text, "x");
    evidence_free(e);
    e = seen(CELLS("-32769", "40000"));
    evidence_type(&e->columns[0], &plain, &t);
    is_str(t.forced->text, "40000");
    evidence_free(e);
}

TEST(a_key_is_unique_and_never_null)
{
    struct evidence *e = seen(CELLS("a", "b", "c"));

    ok(evidence_is_key(&e->columns[0]));
    evidence_free(e);
    e = seen(CELLS("a", "b", "A"));
    ok(!evidence_is_key(&e->columns[0]));
    evidence_free(e);
    e = seen(CELLS("1", "NA"));
    ok(!evidence_is_key(&e->columns[0]));
    evidence_free(e);
    e = seen(CELLS("a", ""));
    ok(!evidence_is_key(&e->columns[0]));
    evidence_free(e);
    e = seen(CELLS("0.1", "0.2"));
    ok(!evidence_is_key(&e->columns[0])); /* equality of doubles is no one's key */
    evidence_free(e);
}

TEST(a_key_among_many_values)
{
    struct evidence *e = seen(CELLS("x"));
    struct csv_field f = {NULL, 0, false};
    struct csv_record rec = {.fields = &f, .count = 1, .line = 2};
    char text[24];

    for (int i = 0; i < 200000; i++) {
        f.p = text;
        f.n = (uint32_t)snprintf(text, sizeof text, "%d", i);
        evidence_row(e, &rec);
    }
    ok(evidence_is_key(&e->columns[0]));
    f.p = "77777";
    f.n = 5;
    evidence_row(e, &rec);
    ok(!evidence_is_key(&e->columns[0]));
    evidence_free(e);
}

TEST(a_row_that_is_too_wide_becomes_text)
{
    struct evidence *e = evidence_new(&config);
    struct csv_field f[40];
    char names[40][16], *long_text = xmalloc(900);
    struct csv_record rec = {.fields = f, .count = 40, .line = 1};
    struct buf sql = BUF_INIT(1 << 20);
    struct err err;

    memset(long_text, 'x', 900);
    for (int i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        f[i] = (struct csv_field){names[i], (uint32_t)strlen(names[i]), false};
    }
    must_rc(evidence_header(e, &rec, &err), &err);
    for (int i = 0; i < 40; i++)
        f[i] = (struct csv_field){long_text, i < 35 ? 900 : 10, false};
    evidence_row(e, &rec);
    must_rc(evidence_create(e, "d.t`x", &plain, &sql, &err), &err);
    ok(strstr(sql.p, "CREATE TABLE `d`.`t``x` (") != NULL);
    ok(strstr(sql.p, "`c0` TEXT NOT NULL") != NULL);
    ok(strstr(sql.p, "`c39` VARCHAR(16) NOT NULL") != NULL);
    buf_release(&sql);
    evidence_free(e);
    free(long_text);
}
