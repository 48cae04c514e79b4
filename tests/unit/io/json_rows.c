#include "io/json_rows.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "tests/tap.h"

/* "names | row | row": quoted fields in ', an empty bare one as ~, a bad row as its code and message. */
static void show(const struct csv_record *r, struct buf *out)
{
    struct err err;

    if (r->code != CSV_GOOD)
        must_rc(buf_addf(out, &err, "%s: %s", csv_code_name(r->code), r->message), &err);
    for (size_t i = 0; r->code == CSV_GOOD && i < r->count; i++) {
        const struct csv_field *f = &r->fields[i];
        must_rc(buf_addf(out, &err, "%s%s%.*s%s", i > 0 ? "," : "", f->quoted ? "'" : "", (int)f->n, f->p,
                         f->quoted  ? "'"
                         : f->n > 0 ? ""
                                    : "~"),
                &err);
    }
}

static void reads(const char *text, const char *want)
{
    struct buf out = BUF_INIT(1 * MIB);
    struct json_rows *j = NULL;
    struct csv_record r;
    struct err err;

    must_rc(json_rows_open(text, strlen(text), 0, &j, &err), &err);
    const struct csv_record *header = json_rows_header(j);
    for (size_t i = 0; i < header->count; i++)
        must_rc(
            buf_addf(&out, &err, "%s%.*s", i > 0 ? "," : "", (int)header->fields[i].n, header->fields[i].p),
            &err);
    size_t n = 0;
    while (json_rows_next(j, &r, &err) > 0) {
        must_rc(buf_adds(&out, " | ", &err), &err);
        show(&r, &out);
        n++;
    }
    is_str(out.p != NULL ? out.p : "", want);
    is_int(n, json_rows_count(j));
    is_int(json_rows_next(j, &r, &err), 0);
    json_rows_free(j);
    buf_release(&out);
}

static void refused(const char *text, const char *want)
{
    struct json_rows *j = NULL;
    struct err err = {0};

    fails(json_rows_open(text, strlen(text), 1000, &j, &err), &err, ERR_BAD_VALUE);
    is_str(err.msg, want);
    ok(j == NULL);
}

TEST(one_object_is_one_row)
{
    reads("{\"id\": 7, \"name\": \"Ann\"}", "id,name | 7,'Ann'");
    reads(" \r\n\t{ } ", " | ");
    reads("\xef\xbb\xbf{\"a\":1}", "a | 1");
}

TEST(numbers_keep_every_character)
{
    reads("[{\"d\":12345678901234567890.1234567890},{\"d\":-0},{\"d\":1.50},{\"d\":1E+400},{\"d\":0.1e-7}]",
          "d | 12345678901234567890.1234567890 | -0 | 1.50 | 1E+400 | 0.1e-7");
}

TEST(words_are_numbers_and_null_is_nothing)
{
    reads("{\"t\":true,\"f\":false,\"n\":null,\"e\":\"\",\"w\":\"null\"}", "t,f,n,e,w | 1,0,~,'','null'");
}

TEST(the_header_is_every_name_in_order_of_appearance)
{
    reads("[{\"b\":1},{\"a\":2,\"b\":3},{},{\"c\":\"x\",\"a\":null}]",
          "b,a,c | 1,~,~ | 3,2,~ | ~,~,~ | ~,~,'x'");
}

TEST(names_in_another_order_are_the_same_columns)
{
    reads("[{\"a\":1,\"b\":2,\"c\":3},{\"c\":3,\"a\":1,\"b\":2},{\"aa\":9,\"a\":1}]",
          "a,b,c,aa | 1,2,3,~ | 1,2,3,~ | 1,~,~,9");
}

TEST(escapes_are_decoded)
{
    reads("{\"t\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "t | '\"\\/\b\f\n\r\t'");
    reads("{\"\\u0074\":\"\\u00e9\\u20AC\\ud83d\\uDE00 \\u007f|\\u07ff\\uffff\"}",
          "t | '\u00e9\u20ac\U0001F600 \x7f|\xdf\xbf\xef\xbf\xbf'");
}

TEST(a_name_with_a_quote_in_it_is_no_way_around_the_quote)
{
    reads("[{\"a\\\"b\":1},{\"a\\\"b\":2}]", "a\"b | 1 | 2");
    refused("[{\"a\\\"b\":1},{\"a\"b\":2}]", "line 1 column 17: a colon is expected");
    refused("[{\"a\\nb\":1},{\"a\nb\":2}]",
            "line 1 column 16: a control character in a text is escaped, \\u001f");
}

TEST(nested_values_are_their_text)
{
    reads("{\"j\": {\"a\": [1, \"\\u00e9\", {}], \"a\":null} , \"k\":[ ]}",
          "j,k | '{\"a\": [1, \"\\u00e9\", {}], \"a\":null}','[ ]'");
}

TEST(what_is_no_row_is_a_reject)
{
    reads("[1,{\"a\":1},[{}],null,\"x\"]",
          "a | NOT_AN_OBJECT: a row is an object: {\"column\": value, ...} | 1"
          " | NOT_AN_OBJECT: a row is an object: {\"column\": value, ...}"
          " | NOT_AN_OBJECT: a row is an object: {\"column\": value, ...}"
          " | NOT_AN_OBJECT: a row is an object: {\"column\": value, ...}");
    reads("[{\"a\":1,\"\\u0061\":2},{\"a\":3}]", "a | REPEATED_NAME: 'a' is there twice | 3");
    reads("[{\"a\":\"x\\u0000\"},{\"a\":3}]", "a | NUL_BYTE: 'a' has \\u0000 in it | 3");
    reads("[{\"a\":\"\\ud83d\"},{\"a\":\"\\ude00\\ud83d\"},{\"a\":\"\\ud83d\\n\"}]",
          "a | BAD_ESCAPE: 'a' has half of a surrogate pair in it, which is no character"
          " | BAD_ESCAPE: 'a' has half of a surrogate pair in it, which is no character"
          " | BAD_ESCAPE: 'a' has half of a surrogate pair in it, which is no character");
    reads("[{\"a\\u0000\":1,\"b\":2}]", "b | NUL_BYTE: 'a\\x00' has \\u0000 in it");
}

TEST(a_reject_has_its_bytes_its_line_and_its_place)
{
    const char *text = "[{\"a\":\n1},\n {\"a\":\"\\u0041\",\n\"a\":2} ]";
    struct json_rows *j = NULL;
    struct csv_record r;
    struct err err;

    must_rc(json_rows_open(text, strlen(text), 0, &j, &err), &err);
    must(json_rows_next(j, &r, &err) == 1);
    is_mem(r.raw, r.raw_n, "{\"a\":\n1}", 8);
    is_int(r.line, 1);
    is_int(r.offset, 1);
    must(json_rows_next(j, &r, &err) == 1);
    is_int(r.code, CSV_REPEATED_NAME);
    is_mem(r.raw, r.raw_n, "{\"a\":\"\\u0041\",\n\"a\":2}", 21);
    is_int(r.line, 3);
    is_int(r.offset, 12);
    is_int(r.raw_total, 21);
    json_rows_free(j);
}

TEST(what_is_not_json_names_line_and_column)
{
    refused("", "the text is empty where JSON is expected");
    refused("  ", "line 1 column 3: the text ends in the middle of a value");
    refused("7", "line 1 column 1: an object, or an array of objects, is expected");
    refused("id,name\n", "line 1 column 1: an object, or an array of objects, is expected");
    refused("[{\"a\":1},\n{\"\u00e9\":01}]", "line 2 column 7: ',' or '}' is expected");
    refused("[{\"a\":1}", "line 1 column 9: the text ends in the middle of a value");
    refused("[{\"a\":1},]", "line 1 column 10: a value is expected");
    refused("[{\"a\":1,}]", "line 1 column 9: a name is expected");
    refused("{\"a\":1}{\"a\":2}", "line 1 column 8: there is something behind the end");
    refused("{a:1}", "line 1 column 2: a name is expected");
    refused("{\"a\" 1}", "line 1 column 6: a colon is expected");
    refused("{\"a\":\"\\x\"}", "line 1 column 7: this is no escape of JSON");
    refused("{\"a\":\"\\u12g4\"}", "line 1 column 7: this is no escape of JSON");
    refused("{\"a\":\"\\u12", "line 1 column 7: this is no escape of JSON");
    refused("{\"a\":\"\xff\"}", "line 1 column 7: this is not UTF-8");
    refused("{\"a\":\"\xed\xa0\x80\"}", "line 1 column 7: this is not UTF-8");
    refused("{\"a\":\"abc", "line 1 column 10: the text ends in the middle of a value");
    refused("{\"a\":NaN}", "line 1 column 6: a value is expected");
    refused("{\"a\":nul}", "line 1 column 6: a value is expected");
    refused("{\"a\":[1,{\"b\":tru}]}", "line 1 column 14: a value is expected");
}

TEST(numbers_are_those_of_the_grammar)
{
    static const char *const bad[] = {"-",   "+1", ".5",  "1.", "1.e3", "1e",
                                      "1e+", "-a", "0x1", "00", "1_0",  "- 1"};
    char text[40];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct json_rows *j = NULL;
        struct err err = {0};
        snprintf(text, sizeof text, "{\"a\":%s}", bad[i]);
        fails(json_rows_open(text, strlen(text), 0, &j, &err), &err, ERR_BAD_VALUE);
    }
}

TEST(a_nul_among_the_bytes_is_no_end)
{
    static const char *const texts[] = {"{\"a\":1}\0{", "{\"a\":\"\0\"}", "{\"a\"\0:1}", "\0"};
    static const size_t sizes[] = {9, 9, 8, 1};

    for (size_t i = 0; i < 4; i++) {
        struct json_rows *j = NULL;
        struct err err = {0};
        fails(json_rows_open(texts[i], sizes[i], 0, &j, &err), &err, ERR_BAD_VALUE);
    }
}

TEST(depth_has_an_end)
{
    struct buf b = BUF_INIT(1 * MIB);
    struct json_rows *j = NULL;
    struct err err;

    must_rc(buf_adds(&b, "{\"a\":", &err), &err);
    for (int i = 0; i < 100000; i++)
        must_rc(buf_adds(&b, "[", &err), &err);
    fails(json_rows_open(b.p, b.n, 0, &j, &err), &err, ERR_BAD_VALUE);
    is_str(err.msg, "line 1 column 261: this is nested too deep");
    buf_release(&b);
}

TEST(rows_and_names_have_a_maximum)
{
    struct buf b = BUF_INIT(4 * MIB);
    struct json_rows *j = NULL;
    struct err err;

    reads("[]", "");
    must_rc(buf_adds(&b, "[{\"a\":1}", &err), &err);
    for (int i = 1; i < 1000; i++)
        must_rc(buf_adds(&b, ",{\"a\":1}", &err), &err);
    must_rc(buf_adds(&b, "]", &err), &err);
    must_rc(json_rows_open(b.p, b.n, 1000, &j, &err), &err);
    is_int(json_rows_count(j), 1000);
    json_rows_free(j);
    j = NULL;
    fails(json_rows_open(b.p, b.n, 999, &j, &err), &err, ERR_TOO_LARGE);
    is_str(err.msg, "more than 999 rows");

    buf_clear(&b);
    must_rc(buf_adds(&b, "{\"c0\":0", &err), &err);
    for (int i = 1; i < MAX_COLUMNS; i++)
        must_rc(buf_addf(&b, &err, ",\"c%d\":%d", i, i), &err);
    must_rc(json_rows_open(b.p, b.n, 0, &j, &err) < 0 ? 0 : -1, &err); /* no brace yet */
    must_rc(buf_adds(&b, "}", &err), &err);
    must_rc(json_rows_open(b.p, b.n, 0, &j, &err), &err);
    is_int(json_rows_header(j)->count, MAX_COLUMNS);
    json_rows_free(j);
    j = NULL;
    b.n--;
    must_rc(buf_adds(&b, ",\"more\":1}", &err), &err);
    fails(json_rows_open(b.p, b.n, 0, &j, &err), &err, ERR_TOO_LARGE);
    buf_release(&b);
}

TEST(a_long_reject_has_the_sum_of_all_of_it)
{
    struct buf b = BUF_INIT(1 * MIB);
    struct json_rows *j = NULL;
    unsigned char want[SHA256_SIZE];
    struct csv_record r;
    struct err err;

    must_rc(buf_adds(&b, "{\"a\":\"", &err), &err);
    for (int i = 0; i < 10000; i++)
        must_rc(buf_adds(&b, "0123456789", &err), &err);
    must_rc(buf_adds(&b, "\",\"a\":1}", &err), &err);
    must_rc(json_rows_open(b.p, b.n, 0, &j, &err), &err);
    must(json_rows_next(j, &r, &err) == 1);
    sha256_of(b.p, b.n, want);
    is_mem(r.raw_sha256, 32, want, 32);
    is_int(r.raw_total, b.n);
    json_rows_free(j);
    buf_release(&b);
}

TEST(freeing_nothing_is_fine)
{
    json_rows_free(NULL);
    ok(true);
}
