#include "io/convert.h"
#include "tests/tap.h"

static const char *const na[] = {"NA", "", NULL};

static struct csv *open_text(struct memory_reader *m, const char *text)
{
    static const struct csv_dialect plain = {.delimiter = ',', .quote = '"'};
    struct csv *c = NULL;
    struct err err;

    *m = memory_reader(text, strlen(text), SIZE_MAX);
    must_rc(csv_open(&m->reader, &plain, &c, &err), &err);
    return c;
}

/* "name type, name type" of the file. */
static void proposes(const char *text, const struct convert_config *config, const char *want)
{
    struct memory_reader m;
    struct csv *csv = open_text(&m, text);
    struct infer *i = infer_new(config);
    struct csv_record r;
    struct err err;
    char got[2000] = "";
    const char *name, *type;

    must_rc(csv_next(csv, &r, &err), &err);
    must_rc(infer_header(i, &r, &err), &err);
    if (!config->header)
        infer_row(i, &r);
    while (csv_next(csv, &r, &err) > 0)
        infer_row(i, &r);
    for (size_t k = 0; k < infer_count(i); k++) {
        size_t n = strlen(got);
        infer_column(i, k, &name, &type);
        snprintf(got + n, sizeof got - n, "%s%s %s", k > 0 ? ", " : "", name, type);
    }
    is_str(got, want);
    infer_free(i);
    csv_close(csv);
}

TEST(types_are_wide_and_lose_nothing)
{
    struct convert_config c = {.nulls = na, .header = true};

    proposes("id,x,d,t,s\n1,0.766126609,2022-06-05,2021-11-07T02:48:42Z,abc\nNA,7.96E-05,,2021-11-07,\n", &c,
             "id BIGINT, x DOUBLE, d DATE, t DATETIME(6), s VARCHAR(255)");
    proposes("a\n0.12345678901234567\n1234567.5\n", &c, "a DECIMAL(30,19)");
    proposes("a\n18446744073709551616\n", &c, "a DECIMAL(24,0)");
    proposes("a\n9223372036854775807\n", &c, "a BIGINT");
    proposes("a\n1\n2.5\n", &c, "a DOUBLE");
    /* a code, a quoted NA, nothing at all, mixed */
    proposes("zip,q,e,m\n00123,\"NA\",,1\n10115,x,NA,x\n", &c,
             "zip VARCHAR(255), q VARCHAR(255), e VARCHAR(255), m VARCHAR(255)");
    proposes("a\n2022-06-05 00:00:00\n", &c, "a DATETIME(6)");
    proposes("a\n2022-06-05T00:00:00.1234567Z\n", &c, "a VARCHAR(255)");
    proposes("a\n99999999999999999999999999999999999999999999999999999999999999999999999\n", &c,
             "a VARCHAR(255)");
}

TEST(what_cannot_be_read_is_passed_over)
{
    struct convert_config c = {.nulls = na, .header = true};

    proposes("a,b\n1,2\nx\n3,y\"z\n4,5\n", &c, "a BIGINT, b BIGINT");
}

TEST(rules_name_and_drop_columns)
{
    static const struct convert_rule rules[] = {{.from = ""}, {.from = "a", .to = "b"}};
    struct convert_config c = {.rules = rules, .rule_count = 2, .nulls = na, .header = true};
    struct convert_config bare = {.nulls = na, .header = false};

    proposes(",a\n1,2\n", &c, "b BIGINT");
    proposes("1,x\n2,y\n", &bare, "c1 BIGINT, c2 VARCHAR(255)");
}

TEST(what_is_said_of_the_file_is_heeded)
{
    static const struct convert_rule rules[] = {{.from = "n", .to = "n", .decimal = ',', .group = '.'},
                                                {.from = "i", .to = "i", .decimal = ',', .group = '.'},
                                                {.from = "d", .to = "d", .format = "%d/%m/%Y"},
                                                {.from = "t", .to = "t", .format = "%d/%m/%Y %H:%M"},
                                                {.from = "c", .to = "c", .format = "%Y%m%d"}};
    static const struct convert_constant constants[] = {
        {"hour", "{partition}"}, {"at", "{loaded}"}, {"file", "{file}"}, {"k", "s3/{key}"}};
    struct convert_config c = {.rules = rules,
                               .rule_count = 5,
                               .nulls = na,
                               .header = true,
                               .constants = constants,
                               .constant_count = 4,
                               .trailing_delimiter = true};

    proposes("n,i,d,t,c,\n\"1.234,5\",1.234,05/06/2022,05/06/2022 12:30,20220605,\n", &c,
             "n DOUBLE, i BIGINT, d DATE, t DATETIME(6), c DATE, hour DATETIME, at DATETIME, file "
             "VARCHAR(255), k TEXT");
}

static void refused(const char *text, const char *say)
{
    struct convert_config c = {.nulls = na, .header = true};
    struct memory_reader m;
    struct csv *csv = open_text(&m, text);
    struct infer *i = infer_new(&c);
    struct csv_record r;
    struct err err;

    must_rc(csv_next(csv, &r, &err), &err);
    fails(infer_header(i, &r, &err), &err, ERR_SCHEMA);
    ok(strstr(err.msg, say) != NULL);
    infer_free(i);
    csv_close(csv);
}

TEST(a_header_that_names_no_columns_is_refused)
{
    refused(",a\n", "no name");
    refused("a,A\n", "both be column 'A'");
    refused("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "cannot be");
}

TEST(many_texts_still_fit_into_a_row)
{
    struct convert_config c = {.nulls = na, .header = true};
    char text[4000] = "";
    struct memory_reader m;
    struct csv_record r;
    struct err err;
    size_t bytes = 0, n = 0;
    const char *name, *type;

    for (int k = 0; k < 100; k++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sc%d", k > 0 ? "," : "", k);
    n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    for (int k = 0; k < 100; k++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sx", k > 0 ? "," : "");
    struct csv *csv = open_text(&m, text);
    struct infer *i = infer_new(&c);
    must_rc(csv_next(csv, &r, &err), &err);
    must_rc(infer_header(i, &r, &err), &err);
    must_rc(csv_next(csv, &r, &err), &err);
    infer_row(i, &r);
    for (size_t k = 0; k < infer_count(i); k++) {
        infer_column(i, k, &name, &type);
        bytes += strcmp(type, "VARCHAR(255)") == 0 ? 1022 : 12;
    }
    ok(bytes < 65535);
    infer_free(i);
    csv_close(csv);
}
