#include "io/format.h"
#include "base/limits.h"
#include "io/convert.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <math.h>

/* A table, and rows that are put in cell by cell. */
struct fixture {
    struct table t;
    struct column columns[24];
    int order[24];
    struct batch *b;
    struct buf out;
    struct format_config config;
};

static void setup(struct fixture *f, const char *const *types, size_t count)
{
    struct err err;

    memset(f, 0, sizeof *f);
    f->t = (struct table){.arena = arena_new(), .name = "t", .columns = f->columns, .count = count};
    for (size_t i = 0; i < count; i++) {
        must_rc(column_parse_type(types[i], f->t.arena, &f->columns[i], &err), &err);
        char name[2] = {(char)('a' + i), '\0'};
        f->columns[i].name = arena_strndup(f->t.arena, name, 1);
        f->columns[i].nullable = true;
        f->order[i] = (int)i;
    }
    f->b = batch_new(&f->t, f->order, count, 64);
    f->config = (struct format_config){.kind = FORMAT_CSV, .delimiter = ',', .null = ""};
    buf_init(&f->out, 64 * MIB);
}
#define SETUP(f, ...)                                                                                        \
    setup((f), (const char *const[]){__VA_ARGS__},                                                           \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void teardown(struct fixture *f)
{
    batch_free(f->b);
    arena_free(f->t.arena);
    buf_release(&f->out);
}

static void bytes(struct fixture *f, size_t i, const void *p, size_t n)
{
    struct batch_col *c = &f->b->cols[i];

    must(c->kind == CELL_BYTES);
    c->nulls[f->b->rows] = p == NULL;
    c->bytes[f->b->rows] = p == NULL ? NULL : batch_keep(f->b, p, n);
    c->lengths[f->b->rows] = n;
}

static void text(struct fixture *f, size_t i, const char *s)
{
    bytes(f, i, s, s != NULL ? strlen(s) : 0);
}

static void integer(struct fixture *f, size_t i, int64_t v)
{
    f->b->cols[i].nulls[f->b->rows] = 0;
    f->b->cols[i].i64[f->b->rows] = v;
}

static void real(struct fixture *f, size_t i, double v) /* by the way that a load would take */
{
    struct reject_info why;
    char plain[64];
    int n = snprintf(plain, sizeof plain, f->columns[i].type == COL_FLOAT ? "%.9g" : "%.17g", v);

    must(convert_cell(&f->columns[i], (struct csv_field){plain, (uint32_t)n, false}, NULL, f->b, i, &why) ==
         1);
}

static void null(struct fixture *f, size_t i)
{
    f->b->cols[i].nulls[f->b->rows] = 1;
}

static int write_out(struct fixture *f, struct err *err)
{
    struct format *x = NULL;
    int rc = format_new(&f->config, &f->t, f->order, f->t.count, &x, err);

    buf_clear(&f->out);
    if (rc == 0)
        rc = format_begin(x, &f->out, err);
    if (rc == 0)
        rc = format_rows(x, f->b, 0, f->b->rows, &f->out, err);
    if (rc == 0)
        rc = format_end(x, &f->out, err);
    format_free(x);
    return rc;
}

static void gives(struct fixture *f, const char *want)
{
    struct err err;

    must_rc(write_out(f, &err), &err);
    is_str(f->out.p, want);
}

static void refuses(struct fixture *f, enum err_code code, const char *part)
{
    struct err err = {0};

    fails(write_out(f, &err), &err, code);
    ok(strstr(err.msg, part) != NULL);
}

TEST(quotes_stand_where_they_are_needed_and_nowhere_else)
{
    static const char *const cells[][2] = {
        {"plain", "plain"},
        {" blanks stay ", " blanks stay "},
        {"\ttab", "\ttab"},
        {"a,b", "\"a,b\""},
        {"12345678,", "\"12345678,\""},
        {"she said \"no\"", "\"she said \"\"no\"\"\""},
        {"\"", "\"\"\"\""},
        {"\"\"", "\"\"\"\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"two\r\nlines", "\"two\r\nlines\""},
        {"a lone\r", "\"a lone\r\""},
        {"=1+1", "=1+1"},
        {"'x'", "'x'"},
        {"back\\slash", "back\\slash"},
        {"\xf0\x9f\x98\x80 emoji \xc3\xa9", "\xf0\x9f\x98\x80 emoji \xc3\xa9"},
        {"\xef\xbb\xbfmark", "\"\xef\xbb\xbfmark\""},
        {"", "\"\""},
        {NULL, ""},
    };
    struct fixture f;
    struct buf want = BUF_INIT(1 << 16);
    struct err err;

    SETUP(&f, "varchar(50)", "int(11)");
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        text(&f, 0, cells[i][0]);
        integer(&f, 1, (int64_t)i);
        f.b->rows++;
        must_rc(buf_addf(&want, &err, "%s,%zu\n", cells[i][1], i), &err);
    }
    gives(&f, want.p);
    buf_release(&want);
    teardown(&f);
}

TEST(what_reads_as_null_is_quoted_whatever_it_is)
{
    struct fixture f;

    SETUP(&f, "varchar(50)", "int(11)", "double", "varbinary(9)", "decimal(5,1)");
    text(&f, 0, "7");
    integer(&f, 1, 7);
    real(&f, 2, 7);
    bytes(&f, 3, "w", 1);
    text(&f, 4, "77.0");
    f.b->rows++;
    null(&f, 0), null(&f, 1), null(&f, 2), null(&f, 3), null(&f, 4);
    f.b->rows++;
    f.config.null = "7";
    gives(&f, "\"7\",\"7\",\"7\",77,77.0\n7,7,7,7,7\n");
    f.config.null = "77";
    gives(&f, "7,7,7,\"77\",77.0\n77,77,77,77,77\n");
    f.config.null = "77.0";
    gives(&f, "7,7,7,77,\"77.0\"\n77.0,77.0,77.0,77.0,77.0\n");
    f.config.null = "\\N";
    gives(&f, "7,7,7,77,77.0\n\\N,\\N,\\N,\\N,\\N\n");
    f.config.null = NULL; /* as "" */
    gives(&f, "7,7,7,77,77.0\n,,,,\n");
    teardown(&f);
}

TEST(header_line_ends_and_tabs)
{
    struct fixture f;

    SETUP(&f, "int(11)", "varchar(9)", "varchar(9)", "int(11)");
    f.columns[1].name = "a \"name\", quoted";
    f.columns[2].name = "";
    integer(&f, 0, 1);
    text(&f, 1, "x\ty");
    text(&f, 2, "p,q");
    integer(&f, 3, -2);
    f.b->rows++;
    f.config.header = true;
    gives(&f, "a,\"a \"\"name\"\", quoted\",\"\",d\n1,x\ty,\"p,q\",-2\n");
    f.config.crlf = true;
    gives(&f, "a,\"a \"\"name\"\", quoted\",\"\",d\r\n1,x\ty,\"p,q\",-2\r\n");
    f.config.crlf = false;
    f.config.kind = FORMAT_TSV;
    gives(&f, "a\t\"a \"\"name\"\", quoted\"\t\"\"\td\n1\t\"x\ty\"\tp,q\t-2\n");
    f.config.kind = FORMAT_CSV;
    f.config.delimiter = ';';
    f.config.null = "d";
    gives(&f, "a;\"a \"\"name\"\", quoted\";\"\";\"d\"\n1;x\ty;p,q;-2\n");
    is_str(format_suffix(FORMAT_CSV), ".csv");
    is_str(format_suffix(FORMAT_TSV), ".tsv");
    is_str(format_suffix(FORMAT_JSONL), ".jsonl");
    is_str(format_suffix(FORMAT_AVRO), ".avro");
    teardown(&f);
}

TEST(numbers_to_the_last_digit)
{
    struct fixture f;

    SETUP(&f, "bigint", "bigint unsigned", "double", "float", "decimal(65,30)", "year(4)");
    integer(&f, 0, INT64_MIN);
    integer(&f, 1, -1);
    real(&f, 2, 0.1);
    real(&f, 3, (double)0.1f);
    text(&f, 4, "-99999999999999999999999999999999999.999999999999999999999999999999");
    integer(&f, 5, 1901);
    f.b->rows++;
    integer(&f, 0, INT64_MAX);
    integer(&f, 1, 0);
    real(&f, 2, -1.7976931348623157e308);
    real(&f, 3, (double)1.17549435e-38f);
    text(&f, 4, "0.000000000000000000000000000000");
    integer(&f, 5, 0);
    f.b->rows++;
    integer(&f, 0, -10);
    integer(&f, 1, 100);
    real(&f, 2, -0.0);
    real(&f, 3, (double)16777216.0f);
    text(&f, 4, "1.5");
    integer(&f, 5, 2155);
    f.b->rows++;
    gives(
        &f,
        "-9223372036854775808,18446744073709551615,0.1,0.1,-99999999999999999999999999999999999."
        "999999999999999999999999999999,1901\n"
        "9223372036854775807,0,-1.7976931348623157e308,1.1754944e-38,0.000000000000000000000000000000,0000\n"
        "-10,100,-0,16777216,1.5,2155\n");
    f.config.kind = FORMAT_JSONL;
    gives(&f, "{\"a\":-9223372036854775808,\"b\":18446744073709551615,\"c\":0.1,\"d\":0.1,\"e\":-"
              "99999999999999999999999999999999999.999999999999999999999999999999,\"f\":1901}\n"
              "{\"a\":9223372036854775807,\"b\":0,\"c\":-1.7976931348623157e308,\"d\":1.1754944e-38,\"e\":0."
              "000000000000000000000000000000,\"f\":0}\n"
              "{\"a\":-10,\"b\":100,\"c\":-0.0,\"d\":16777216,\"e\":1.5,\"f\":2155}\n");
    teardown(&f);
}

TEST(bytes_are_hex_or_base64)
{
    struct fixture f;

    SETUP(&f, "varbinary(20)", "blob", "bit(12)", "geometry", "json");
    f.columns[0].type = COL_BIT; /* one that comes as bytes, as target_select.h gives it */
    bytes(&f, 0, "\0\xff\x7f", 3);
    bytes(&f, 1, "", 0);
    integer(&f, 2, 0xabc);
    bytes(&f, 3, "\x01\x02", 2);
    text(&f, 4, "{\"k\": 1}");
    f.b->rows++;
    bytes(&f, 0, "M", 1);
    bytes(&f, 1, NULL, 0);
    integer(&f, 2, 1);
    bytes(&f, 3, "Ma", 2);
    text(&f, 4, "[]");
    f.b->rows++;
    gives(&f, "00FF7F,\"\",0ABC,0102,\"{\"\"k\"\": 1}\"\n4D,,0001,4D61,[]\n");
    f.config.binary = BINARY_BASE64;
    gives(&f, "AP9/,\"\",Crw=,AQI=,\"{\"\"k\"\": 1}\"\nTQ==,,AAE=,TWE=,[]\n");
    f.config.kind = FORMAT_JSONL;
    gives(&f, "{\"a\":\"AP9/\",\"b\":\"\",\"c\":\"Crw=\",\"d\":\"AQI=\",\"e\":\"{\\\"k\\\": 1}\"}\n"
              "{\"a\":\"TQ==\",\"b\":null,\"c\":\"AAE=\",\"d\":\"TWE=\",\"e\":\"[]\"}\n");
    teardown(&f);
}

static int64_t kolkata(const void *zone, int64_t utc_s)
{
    UNUSED(utc_s);
    return *(const int *)zone;
}

static int64_t berlin_2022(const void *zone, int64_t utc_s)
{
    UNUSED(zone);
    return utc_s >= 1648342800 && utc_s < 1667091600 ? 7200 : 3600;
}

TEST(timestamps_are_moved_over_every_border_and_other_times_are_not)
{
    static const int east = 19800, west = -39600;
    struct fixture f;

    SETUP(&f, "timestamp(6)", "datetime", "time", "date");
    static const char *const in[] = {"2022-12-31 20:00:00", "2024-02-28 18:30:00.000001",
                                     "2022-03-01 00:00:00", "0000-00-00 00:00:00", "1970-01-01 00:00:01"};
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        text(&f, 0, in[i]);
        text(&f, 1, "2022-12-31 20:00:00");
        text(&f, 2, "-838:59:59");
        text(&f, 3, "0000-00-00");
        f.b->rows++;
    }
#define REST ",2022-12-31 20:00:00,-838:59:59,0000-00-00\n"
    gives(&f, "2022-12-31 20:00:00" REST "2024-02-28 18:30:00.000001" REST "2022-03-01 00:00:00" REST
              "0000-00-00 00:00:00" REST "1970-01-01 00:00:01" REST);
    f.config.offset_s = kolkata;
    f.config.zone = &east;
    gives(&f, "2023-01-01 01:30:00" REST "2024-02-29 00:00:00.000001" REST "2022-03-01 05:30:00" REST
              "0000-00-00 00:00:00" REST "1970-01-01 05:30:01" REST);
    f.config.zone = &west;
    gives(&f, "2022-12-31 09:00:00" REST "2024-02-28 07:30:00.000001" REST "2022-02-28 13:00:00" REST
              "0000-00-00 00:00:00" REST "1969-12-31 13:00:01" REST);
    batch_clear(f.b);
    text(&f, 0, "2022-03-27 00:59:59");
    text(&f, 1, "x"), null(&f, 2), null(&f, 3);
    f.b->rows++;
    text(&f, 0, "2022-03-27 01:00:00");
    text(&f, 1, "x"), null(&f, 2), null(&f, 3);
    f.b->rows++;
    f.config.offset_s = berlin_2022;
    gives(&f, "2022-03-27 01:59:59,x,,\n2022-03-27 03:00:00,x,,\n");
    f.config.kind = FORMAT_JSONL;
    gives(&f, "{\"a\":\"2022-03-27 01:59:59\",\"b\":\"x\",\"c\":null,\"d\":null}\n"
              "{\"a\":\"2022-03-27 03:00:00\",\"b\":\"x\",\"c\":null,\"d\":null}\n");
    static const char *const wrong[] = {"2022-02-30 00:00:00",
                                        "2022-03-27",
                                        "2022-03-27 24:00:00",
                                        "yesterday, at about five",
                                        "2022-03-27 00:00:00x",
                                        "2022-03-27 00:00:00.1x",
                                        ""};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        f.b->rows = 0;
        text(&f, 0, wrong[i]);
        f.b->rows = 1;
        refuses(&f, ERR_BAD_VALUE, "column a");
        f.config.kind = FORMAT_CSV;
    }
    teardown(&f);
}

TEST(json_text_is_escaped_and_must_be_utf8)
{
    struct fixture f;

    SETUP(&f, "text", "decimal(9,2)");
    f.columns[0].name = "a \"quoted\"\n\xc3\xa9";
    f.config.kind = FORMAT_JSONL;
    bytes(&f, 0, "q\" b\\ /\b\f\n\r\t\x0b\x00\x1f\x7f\xf0\x9f\x98\x80", 20);
    text(&f, 1, "-00012.50");
    f.b->rows++;
    text(&f, 0, "");
    text(&f, 1, "-.5" + 1);
    f.b->rows++;
    refuses(&f, ERR_BAD_VALUE, "column b: '.5'");
    text(&f, 0, NULL);
    f.b->rows = 1;
    text(&f, 0, "");
    text(&f, 1, "0000000.00");
    f.b->rows++;
    gives(&f, "{\"a \\\"quoted\\\"\\n\xc3\xa9\":\"q\\\" b\\\\ "
              "/\\b\\f\\n\\r\\t\\u000b\\u0000\\u001f\x7f\xf0\x9f\x98\x80\",\"b\":-12.50}\n"
              "{\"a \\\"quoted\\\"\\n\xc3\xa9\":\"\",\"b\":0.00}\n");
    bytes(&f, 0, "caf\xe9", 4);
    null(&f, 1);
    f.b->rows++;
    refuses(&f, ERR_BAD_ENCODING, "column a");
    refuses(&f, ERR_BAD_ENCODING, "'caf\\xe9' is not UTF-8, from its byte 4 on");
    static const char *const bad[] = {"1e5", "", "-", "1.", "x", "1 ", "--1", "NaN"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f.b->rows = 0;
        text(&f, 0, "");
        text(&f, 1, bad[i]);
        f.b->rows = 1;
        refuses(&f, ERR_BAD_VALUE, "column b");
    }
    teardown(&f);
}

TEST(json_is_what_another_reader_reads)
{
    static const char *const programs[] = {"python3", NULL};
    struct fixture f;

    need("python3", programs);
    SETUP(&f, "bigint unsigned", "double", "decimal(65,0)", "text");
    integer(&f, 0, -1);
    real(&f, 1, 5e-324);
    text(&f, 2, "-00123456789012345678901234567890");
    bytes(&f, 3, "\x01\"\\\n\0\xe2\x80\xa8", 8);
    f.b->rows++;
    f.config.kind = FORMAT_JSONL;
    struct err err;
    must_rc(write_out(&f, &err), &err);
    char *dir = tmp_dir(), *path = tmp_path(dir, "x.jsonl");
    put_file(path, f.out.p, f.out.n);
    char *out = RUN_OK("python3", "-c", "import json,sys; print(json.loads(open(sys.argv[1]).read()))", path);
    is_str(out, "{'a': 18446744073709551615, 'b': 5e-324, 'c': -123456789012345678901234567890, 'd': "
                "'\\x01\"\\\\\\n\\x00\\u2028'}\n");
    free(out);
    free(path);
    free(dir);
    teardown(&f);
}

TEST(what_could_not_be_read_back_is_refused_before_the_first_row)
{
    static const char none[] = {'"', '\n', '\r', '\0', '1', 'e', 'Z', '-', '.', '+', '/', '=', (char)0xa7};
    struct fixture f;

    SETUP(&f, "int(11)", "int(11)");
    for (size_t i = 0; i < sizeof none; i++) {
        f.config.delimiter = none[i];
        refuses(&f, ERR_CONFIG, "delimiter");
    }
    integer(&f, 0, 1);
    integer(&f, 1, 2);
    f.b->rows++;
    f.config.delimiter = ';';
    gives(&f, "1;2\n");
    static const char *const nulls[] = {"a;b", "\"\"", "x\n", "\r"};
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
        f.config.null = nulls[i];
        refuses(&f, ERR_CONFIG, "NULL");
    }
    f.config.null = "a\tb";
    f.config.kind = FORMAT_TSV;
    refuses(&f, ERR_CONFIG, "NULL");
    f.config.kind = FORMAT_CSV;
    f.config.null = "";
    f.columns[1].name = "a";
    gives(&f, "1;2\n");
    f.config.kind = FORMAT_JSONL;
    refuses(&f, ERR_CONFIG, "columns 1 and 2 are both called a");
    f.t.count = 0;
    refuses(&f, ERR_CONFIG, "without columns");
    teardown(&f);
}

TEST(one_column_whose_null_would_be_an_empty_line)
{
    struct fixture f;

    SETUP(&f, "varchar(9)");
    text(&f, 0, NULL);
    f.b->rows++;
    text(&f, 0, "");
    f.b->rows++;
    refuses(&f, ERR_CONFIG, "empty line");
    f.config.null = "\\N";
    gives(&f, "\\N\n\"\"\n");
    f.config.kind = FORMAT_JSONL;
    gives(&f, "{\"a\":null}\n{\"a\":\"\"}\n");
    f.config.kind = FORMAT_TSV;
    f.config.null = "";
    f.columns[0].nullable = false; /* then there is none, and an empty text is quoted */
    f.b->rows = 0;
    text(&f, 0, "");
    f.b->rows++;
    gives(&f, "\"\"\n");
    f.b->rows = 0;
    text(&f, 0, NULL); /* of a result that kept no promise */
    f.b->rows++;
    refuses(&f, ERR_CONFIG, "empty line");
    teardown(&f);
}

TEST(out_has_a_limit_which_is_used_to_the_last_byte)
{
    struct fixture f;
    struct err err = {0};

    SETUP(&f, "text", "int(11)");
    char *large = xmalloc(100000);
    memset(large, 'x', 100000);
    bytes(&f, 0, large, 100000);
    integer(&f, 1, 1);
    f.b->rows++;
    f.out.max = 100003;
    must_rc(write_out(&f, &err), &err); /* though twice as much could have been needed */
    is_int(f.out.n, 100003);
    is_str(f.out.p + 99998, "xx,1\n");
    buf_release(&f.out);
    f.out.max = 100002;
    refuses(&f, ERR_TOO_LARGE, "100002");
    free(large);
    teardown(&f);
}

TEST(files_one_after_the_other_and_parts_of_a_batch)
{
    struct fixture f;
    struct format *x = NULL;
    struct err err;

    SETUP(&f, "int(11)", "int(11)");
    for (int i = 0; i < 4; i++) {
        integer(&f, 0, i);
        null(&f, 1);
        f.b->rows++;
    }
    f.config.header = true;
    must_rc(format_new(&f.config, &f.t, f.order, 2, &x, &err), &err);
    for (size_t file = 0; file < 2; file++) {
        must_rc(format_begin(x, &f.out, &err), &err);
        must_rc(format_rows(x, f.b, file * 2, file * 2 + 1, &f.out, &err), &err);
        must_rc(format_rows(x, f.b, file * 2 + 1, file * 2 + 2, &f.out, &err), &err);
        must_rc(format_end(x, &f.out, &err), &err);
    }
    is_str(f.out.p, "a,b\n0,\n1,\na,b\n2,\n3,\n");
    format_free(x);
    format_free(NULL);
    teardown(&f);
}

TEST(hidden_columns_of_a_batch_are_not_written)
{
    struct fixture f;
    struct format *x = NULL;
    struct err err;

    SETUP(&f, "int(11)", "varchar(9)", "int(11)");
    integer(&f, 0, 1);
    text(&f, 1, "x");
    integer(&f, 2, 3);
    f.b->rows++;
    must_rc(format_new(&f.config, &f.t, f.order, 2, &x, &err), &err);
    must_rc(format_rows(x, f.b, 0, 1, &f.out, &err), &err);
    is_str(f.out.p, "1,x\n");
    format_free(x);
    teardown(&f);
}

/* ---- there and back: csv.h and convert.h read what was written ---- */

static bool same_cell(const struct batch_col *a, const struct batch_col *b, size_t row)
{
    char x[CELL_TEXT_SIZE], y[CELL_TEXT_SIZE]; /* of doubles as many digits as tell them apart, and -0 */
    struct str s = batch_cell_text(a, row, x), t = batch_cell_text(b, row, y);

    if (s.p == NULL || t.p == NULL)
        return s.p == t.p;
    return str_eq(s, t);
}

/* Reads f->out as a pipeline would whose NULL is f->config.null, and compares cell by cell. */
static void comes_back(struct fixture *f)
{
    const char *nulls[] = {f->config.null, NULL};
    struct convert_rule rules[24];
    const struct convert_config convert = {
        .rules = rules, .rule_count = f->t.count, .nulls = nulls, .header = true};
    const struct csv_dialect dialect = {
        .delimiter = f->config.kind == FORMAT_TSV ? '\t' : f->config.delimiter, .quote = '"'};
    struct memory_reader m = memory_reader(f->out.p, f->out.n, SIZE_MAX);
    struct converter *converter = NULL;
    struct csv_record rec;
    struct reject_info why;
    struct csv *csv = NULL;
    struct err err;
    int rc;

    for (size_t i = 0; i < f->t.count; i++) /* texts are NULL by a column's own list alone */
        rules[i] =
            (struct convert_rule){.from = f->columns[i].name, .to = f->columns[i].name, .nulls = nulls};
    must_rc(csv_open(&m.reader, &dialect, &csv, &err), &err);
    must(csv_next(csv, &rec, &err) == 1);
    must_rc(converter_new(&convert, &f->t, &rec, &converter, &err), &err);
    struct batch *back = batch_new(&f->t, f->order, f->t.count, 64);
    while ((rc = csv_next(csv, &rec, &err)) == 1)
        if (converter_row(converter, &rec, back, &why) != 1) {
            diag("%s: %s", why.column, why.message);
            must(false);
        }
    must_rc(rc, &err);
    is_int(back->rows, f->b->rows);
    for (size_t i = 0; i < f->t.count; i++)
        for (size_t row = 0; row < f->b->rows; row++)
            if (!ok(same_cell(&f->b->cols[i], &back->cols[i], row)))
                diag("column %s, row %zu", f->columns[i].name, row);
    batch_free(back);
    converter_free(converter);
    csv_close(csv);
}

static void everything(struct fixture *f)
{
    static const char *const texts[] = {NULL,
                                        "NULL",
                                        "\\N",
                                        "a,b",
                                        "q\"q",
                                        "l\nl",
                                        "l\r\nl",
                                        "l\rl",
                                        " ",
                                        "7",
                                        "\xf0\x9f\x98\x80",
                                        "\xef\xbb\xbf",
                                        "\\\"",
                                        "a;b\tc",
                                        "-",
                                        "null",
                                        ""};
    static const double doubles[] = {
        0.1, -0.0, 0, 1e17, 5e-324, -1.7976931348623157e308, 7, 1.0 / 3, 1e-6, 123456789012345680.0};

    SETUP(f, "varchar(20)", "text", "bigint", "bigint unsigned", "double", "float", "decimal(20,5)",
          "datetime(3)", "timestamp", "time(2)", "date", "year(4)", "tinyint(1)");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        text(f, 0, texts[i]);
        text(f, 1, texts[ARRAY_LEN(texts) - 1 - i]);
        integer(f, 2, i % 3 == 0 ? INT64_MIN + (int64_t)i : (int64_t)i - 9);
        integer(f, 3, i % 2 == 0 ? (int64_t)(UINT64_MAX - i) : (int64_t)i);
        real(f, 4, doubles[i % ARRAY_LEN(doubles)]);
        real(f, 5, (double)(float)ldexp(1.0, (int)i * 13 - 120));
        text(f, 6, i % 2 == 0 ? "-123456789012345.67890" : "0.00000");
        text(f, 7, i % 2 == 0 ? "2022-06-05 12:34:56.789" : "1000-01-01 00:00:00.000");
        text(f, 8, "2022-06-05 12:34:56");
        text(f, 9, i % 2 == 0 ? "-838:59:58.99" : "00:00:00.00");
        text(f, 10, "9999-12-31");
        integer(f, 11, 1901 + (int64_t)i);
        integer(f, 12, i % 2 == 0);
        f->b->rows++;
    }
    for (size_t i = 0; i < 13; i++)
        null(f, i);
    f->b->rows++;
    f->config.header = true;
}

TEST(our_reader_gives_the_same_cells)
{
    static const char *const nulls[] = {"", "NULL", "\\N", "7", "0"};
    struct fixture f;
    struct err err;

    everything(&f);
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
        for (int kind = 0; kind < 4; kind++) {
            f.config.null = nulls[i];
            f.config.kind = kind == 1 ? FORMAT_TSV : FORMAT_CSV;
            f.config.crlf = kind == 2;
            f.config.delimiter = kind == 3 ? ';' : ',';
            must_rc(write_out(&f, &err), &err);
            comes_back(&f);
        }
    teardown(&f);
}

TEST(floats_of_every_power_of_two_come_back)
{
    struct fixture f;
    struct err err;

    SETUP(&f, "float", "int(11)");
    f.config.header = true;
    for (int e = -149; e < 128; e += 60) {
        f.b->rows = 0;
        for (int i = e; i < 128 && i < e + 60; i++) {
            f.b->cols[0].dbl[f.b->rows] = ldexp(1.0, i);
            f.b->cols[0].nulls[f.b->rows] = 0;
            integer(&f, 1, i);
            f.b->rows++;
        }
        must_rc(write_out(&f, &err), &err);
        comes_back(&f);
    }
    teardown(&f);
}
