/* JSON and rows as they are written piece by piece: read back, they are what was meant. */
#include "orchestrator/stream.h"
#include "base/mem.h"
#include "tests/tap.h"

static char *text; /* of the newest document; owned */
static size_t size;

static FILE *begin(struct out *o, enum out_format format)
{
    free(text);
    text = NULL;
    *o = (struct out){.to = open_memstream(&text, &size), .format = format};
    return o->to;
}

static json_t *written(struct out *o)
{
    struct err err = {0};
    json_t *v = NULL;

    fclose(o->to);
    if (json_parse(text, size, "what was written", &v, &err) < 0)
        diag("%s: %s", err.msg, text);
    return v;
}

TEST(whatever_bytes_a_text_has_the_document_can_be_read)
{
    static const char *const texts[] = {"plain", "a \"quote\" and \\", "\x01\x1f tab\t line\n",
                                        "\xc3\xa9\xe2\x97\x8f", ""};
    struct out o;
    struct jout j;

    begin(&o, OUT_JSON);
    jout_init(&j, &o);
    jout_open(&j, NULL, '[');
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        jout_text(&j, NULL, texts[i]);
    jout_text(&j, NULL, "no \xff UTF-8");
    jout_text(&j, NULL, NULL);
    jout_close(&j, ']');
    json_t *v = written(&o);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        is_str(json_string_value(json_array_get(v, i)), texts[i]);
    is_str(json_string_value(json_array_get(v, ARRAY_LEN(texts))), "no \\xff UTF-8");
    ok(json_is_null(json_array_get(v, ARRAY_LEN(texts) + 1)));
    json_decref(v);
}

TEST(numbers_times_and_empty_containers)
{
    struct out o;
    struct jout j;

    begin(&o, OUT_JSONL);
    jout_init(&j, &o);
    jout_open(&j, NULL, '{');
    jout_int(&j, "least", INT64_MIN);
    jout_int(&j, "most", INT64_MAX);
    jout_int(&j, "zero", 0);
    jout_time(&j, "never", 0);
    jout_time(&j, "epoch", 1000);
    jout_open(&j, "none", '[');
    jout_close(&j, ']');
    jout_open(&j, "nothing", '{');
    jout_close(&j, '}');
    jout_bool(&j, "yes", true);
    jout_close(&j, '}');
    json_t *v = written(&o);
    is_int(json_integer_value(json_object_get(v, "least")), INT64_MIN);
    is_int(json_integer_value(json_object_get(v, "most")), INT64_MAX);
    is_int(json_integer_value(json_object_get(v, "zero")), 0);
    ok(json_is_null(json_object_get(v, "never")));
    is_str(json_string_value(json_object_get(v, "epoch")), "1970-01-01T00:00:01Z");
    is_int((int64_t)json_array_size(json_object_get(v, "none")), 0);
    is_int((int64_t)json_object_size(json_object_get(v, "nothing")), 0);
    ok(json_is_true(json_object_get(v, "yes")));
    is_int((int64_t)strcspn(text, "\n"), (int64_t)size - 1); /* jsonl: one line */
    json_decref(v);
}

TEST(a_table_goes_on_with_the_widths_of_its_first_rows)
{
    static const struct out_column columns[] = {
        {"name", "NAME", false, false}, {"n", "N", true, false}, {"hidden", NULL, false, false}, {0}};
    struct out_rows rows;
    struct out o;

    begin(&o, OUT_TABLE);
    out_rows_begin(&rows, &o, "rows", columns);
    for (int i = 0; i < 700; i++) {
        const struct out_value row[] = {{OUT_TEXT, i == 650 ? "longer than any before" : "abcdef", 0},
                                        {OUT_INT, NULL, i},
                                        {OUT_TEXT, "x", 0}};
        out_rows_add(&rows, row);
    }
    out_rows_last(&rows);
    out_rows_end(&rows);
    fclose(o.to);
    ok(strncmp(text, "NAME      N\nabcdef    0\n", 24) == 0);
    ok(strstr(text, "\nabcdef  699\n") != NULL);
    ok(strstr(text, "\nlonger than any before  650\n") != NULL);
    free(text);
    text = NULL;
}
