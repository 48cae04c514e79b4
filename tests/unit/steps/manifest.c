/* The manifest of an extract run: what is written is read back, and what is not a manifest is refused with a reason. */
#include "steps/manifest.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/tap.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const marks[] = {"updated_at", "id"};
static const struct manifest_column columns[] = {{"id", "bigint(20) unsigned", 0, "12345678901234567890"},
                                                 {"né \"x\"\n", "varchar(20)", 3, NULL}};
static const struct manifest_part parts[] = {{"hr/e/e_1.csv.gz", 3, 100, SHA, "abc-2"},
                                             {"hr/e/e_2.csv.gz", 2, 50, SHA, ""}};
static struct manifest sample(void)
{
    return (struct manifest){.pipeline = "out",
                             .task = "hr",
                             .table = "e",
                             .run = "r-1",
                             .seq = 12,
                             .at_ms = INT64_C(1654430400123),
                             .watermark = {marks, 2, "2022-06-05 10:00:00", NULL},
                             .snapshot = {"2022-06-05 12:00:00.1", "bin.000001:345"},
                             .sql = "SELECT 'it''s' FROM `e`",
                             .format = {"csv", ",", "", true, "lf", "hex", "gzip"},
                             .columns = columns,
                             .column_count = 2,
                             .rows = 5,
                             .bytes = 150,
                             .parts = parts,
                             .part_count = 2,
                             .orch = "0.1.0"};
}

static char *text_of(const struct manifest *m)
{
    struct buf out = BUF_INIT(MAX_MANIFEST);
    struct err err;

    must_rc(manifest_text(m, &out, &err), &err);
    return buf_take(&out);
}

TEST(a_manifest_reads_back_as_it_was_written)
{
    const struct manifest m = sample();
    struct manifest got;
    struct err err;
    char *text = text_of(&m);

    must_rc(manifest_parse(text, strlen(text), "m", &got, &err), &err);
    is_str(got.pipeline, "out");
    is_str(got.task, "hr");
    is_str(got.table, "e");
    is_str(got.run, "r-1");
    is_int(got.seq, 12);
    is_int(got.kind, MANIFEST_INCREMENTAL);
    is_int(got.at_ms, INT64_C(1654430400123));
    is_int(got.watermark.column_count, 2);
    is_str(got.watermark.columns[1], "id");
    is_str(got.watermark.from, "2022-06-05 10:00:00");
    ok(got.watermark.to == NULL);
    is_str(got.snapshot.position, "bin.000001:345");
    is_str(got.sql, m.sql);
    is_str(got.format.null, "");
    is_str(got.format.compress, "gzip");
    ok(got.format.header);
    is_int(got.column_count, 2);
    is_str(got.columns[0].sum, "12345678901234567890");
    is_str(got.columns[1].name, "né \"x\"\n");
    ok(got.columns[1].sum == NULL);
    is_int(got.columns[1].nulls, 3);
    is_int(got.part_count, 2);
    is_str(got.parts[0].key, "hr/e/e_1.csv.gz");
    is_str(got.parts[0].etag, "abc-2");
    is_int(got.parts[1].rows, 2);
    is_int(got.parts[1].bytes, 50);
    is_str(got.parts[1].sha256, SHA);
    is_str(got.orch, "0.1.0");

    char *again = text_of(&got);
    is_str(again, text);
    free(again);
    free(text);
    manifest_release(&got);
    manifest_release(&got);
}

TEST(the_document_has_its_members_in_order)
{
    struct manifest m = sample();

    m.watermark = (struct manifest_watermark){NULL, 0, NULL, NULL};
    m.kind = MANIFEST_FULL;
    m.seq = -1;
    m.columns = NULL;
    m.column_count = 0;
    m.parts = NULL;
    m.part_count = 0;
    m.rows = m.bytes = 0;
    char *text = text_of(&m);
    is_str(
        text,
        "{\"orch_manifest\":1,\"pipeline\":\"out\",\"task\":\"hr\",\"table\":\"e\",\"run\":\"r-1\",\"seq\":-"
        "1,"
        "\"kind\":\"full\",\"at\":\"2022-06-05T12:00:00.123Z\",\"watermark\":null,"
        "\"snapshot\":{\"at\":\"2022-06-05 12:00:00.1\",\"position\":\"bin.000001:345\"},"
        "\"sql\":\"SELECT 'it''s' FROM `e`\",\"format\":{\"kind\":\"csv\",\"delimiter\":\",\",\"null\":\"\","
        "\"header\":true,\"newline\":\"lf\",\"binary\":\"hex\",\"compress\":\"gzip\"},\"columns\":[],"
        "\"rows\":0,\"bytes\":0,"
        "\"parts\":[],\"orch\":\"0.1.0\"}\n");
    free(text);
}

TEST(sql_that_is_no_utf8_is_written_all_the_same)
{
    struct manifest m = sample(), got;
    struct err err;

    m.sql = "SELECT '\xff'";
    char *text = text_of(&m);
    must_rc(manifest_parse(text, strlen(text), "m", &got, &err), &err);
    is_str(got.sql, "SELECT '\\xff'");
    free(text);
    manifest_release(&got);
}

TEST(what_nobody_could_read_is_not_written)
{
    struct buf out = BUF_INIT(MAX_MANIFEST);
    struct manifest m = sample();
    struct err err;

    m.rows = 6;
    fails(manifest_text(&m, &out, &err), &err, ERR_CONTRACT);
    is_str(err.msg, "manifest of e: 'rows' is not what the parts' rows add up to");
    m = sample();
    m.pipeline = "\xff";
    fails(manifest_text(&m, &out, &err), &err, ERR_CONTRACT);
    is_int(out.n, 0);
    buf_release(&out);
}

/* The sample with one member set, or taken out where value is NULL; path: "format.kind", "parts.0.key". */
static char *changed(const char *path, const char *value)
{
    const struct manifest m = sample();
    char *text = text_of(&m), *copy = xstrdup(path), *save = NULL;
    json_t *v = json_loads(text, 0, NULL), *at = v;

    must(v != NULL);
    char *name = strtok_r(copy, ".", &save);
    for (char *next; (next = strtok_r(NULL, ".", &save)) != NULL; name = next)
        at = json_is_array(at) ? json_array_get(at, (size_t)strtol(name, NULL, 10))
                               : json_object_get(at, name);
    if (value == NULL)
        json_object_del(at, name);
    else if (json_is_array(at))
        json_array_set_new(at, (size_t)strtol(name, NULL, 10), json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_set_new(at, name, json_loads(value, JSON_DECODE_ANY, NULL));
    free(text);
    text = json_text(v);
    json_decref(v);
    free(copy);
    return text;
}

TEST(what_is_no_manifest_is_refused_with_a_reason)
{
    static const struct {
        const char *path, *value, *msg;
    } cases[] = {
        {"orch_manifest", NULL, "'orch_manifest' is missing"},
        {"orch_manifest", "2", "it is of version 2, this orch reads version 1"},
        {"orch_manifest", "0", "'orch_manifest' is out of range"},
        {"orch_manifest", "\"1\"", "'orch_manifest' is a string where an integer is expected"},
        {"table", "\"../x\"", "'table' is no plain name"},
        {"seq", "-2", "'seq' is out of range"},
        {"seq", "1.5", "'seq' is a number where an integer is expected"},
        {"kind", "\"all\"", "'kind' is none of incremental, full, range"},
        {"kind", "\"range\"", "'seq' must be -1 of a range"},
        {"at", "\"yesterday\"", NULL},
        {"watermark", NULL, "'watermark' is missing where an object is expected"},
        {"watermark.columns", "[]", "'watermark' has no columns"},
        {"watermark.columns", "[1]", "'watermark' has a column that is no text"},
        {"watermark.to", "1", "'to' is an integer where a string is expected"},
        {"snapshot", "null", "'snapshot' is null where an object is expected"},
        {"format.kind", "\"xml\"", "'format' is of a kind that is none of csv, tsv, jsonl, avro"},
        {"format.delimiter", "\"ab\"", "'delimiter' is not one character"},
        {"format.header", "1", "'header' is no boolean"},
        {"format.newline", "\"cr\"", "'newline' is none of lf, crlf"},
        {"format.binary", "\"octal\"", "'binary' is none of hex, base64"},
        {"format.compress", "\"rar\"", "'compress' is none of none, gzip, zstd"},
        {"columns", "{}", "'columns' is an object where an array is expected"},
        {"columns.0", "[]", "'columns' has an array where an object is expected"},
        {"columns.1.nulls", "6", "'nulls' of a column is out of range"},
        {"rows", "4", "'rows' is not what the parts' rows add up to"},
        {"bytes", "0", "'bytes' is not what the parts' bytes add up to"},
        {"parts.0.rows", "-1", "'parts' has rows or bytes out of range"},
        {"parts.0.bytes", "9223372036854775807", "'parts' has rows or bytes out of range"},
        {"parts.0.sha256", "\"ABC\"", "'sha256' of a part is not 64 lower-case hexadecimal digits"},
        {"parts.0.key", "\"../../etc/passwd\"",
         "'key' of a part is no relative key without '.', '..' and empty parts"},
        {"parts.0.key", "\"/x\"", "'key' of a part is no relative key without '.', '..' and empty parts"},
        {"parts.0.key", "\"a/\"", "'key' of a part is no relative key without '.', '..' and empty parts"},
        {"parts.0.key", "\"\"", "'key' of a part is no relative key without '.', '..' and empty parts"},
        {"parts.1.key", "\"hr/e/e_1.csv.gz\"", "'parts' names one key twice"},
        {"parts.1.etag", NULL, "'etag' is missing"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct manifest got;
        struct err err;
        char *text = changed(cases[i].path, cases[i].value);
        diag("%s = %s", cases[i].path, cases[i].value ? cases[i].value : "(out)");
        fails(manifest_parse(text, strlen(text), "m", &got, &err), &err, ERR_BAD_VALUE);
        ok(strncmp(err.msg, "m: ", 3) == 0);
        if (cases[i].msg != NULL)
            is_str(err.msg + 3, cases[i].msg);
        ok(got.arena == NULL && got.parts == NULL);
        free(text);
    }
}

TEST(text_that_is_no_json_or_too_large_is_refused)
{
    static const char *const texts[] = {"",    "{", "[]", "null", "{\"orch_manifest\":1,\"orch_manifest\":1}",
                                        "{} x"};
    struct manifest got;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        fails(manifest_parse(texts[i], strlen(texts[i]), "m", &got, &err), &err, ERR_BAD_VALUE);
    char *deep = xmalloc(4000);
    memset(deep, '[', 4000);
    fails(manifest_parse(deep, 4000, "m", &got, &err), &err, ERR_BAD_VALUE);
    free(deep);
    fails(manifest_parse("", (size_t)MAX_MANIFEST + 1, "m", &got, &err), &err, ERR_BAD_VALUE);
}

TEST(members_of_a_later_orch_are_passed_over)
{
    struct manifest got;
    struct err err;
    char *text = changed("parts.0.crc", "[1.5]");

    must_rc(manifest_parse(text, strlen(text), "m", &got, &err), &err);
    manifest_release(&got);
    free(text);
}

TEST(keys_of_manifests)
{
    char key[MAX_KEY + 1], *deep = xmalloc(MAX_KEY + 1);
    struct err err;

    must_rc(manifest_key("hr/2022", "e", 12, "r-1", key, &err), &err);
    is_str(key, "hr/2022/_manifest/e/0000000012_manifest.json");
    ok(manifest_is_key(key));
    must_rc(manifest_key("", "e", -1, "r-1", key, &err), &err);
    is_str(key, "_manifest/e/run-r-1_manifest.json");
    ok(manifest_is_key(key));
    ok(!manifest_is_key("a_manifest.json"));
    ok(!manifest_is_key("a_manifest/e/1_manifest.json"));
    ok(!manifest_is_key("_manifest/e/1.json"));
    fails(manifest_key("hr", "a/b", 1, "r", key, &err), &err, ERR_CONFIG);
    fails(manifest_key("hr", "a", 1, "..", key, &err), &err, ERR_CONFIG);
    memset(deep, 'd', MAX_KEY);
    deep[MAX_KEY] = '\0';
    fails(manifest_key(deep, "a", 1, "r", key, &err), &err, ERR_CONFIG);
    free(deep);
}

TEST(a_part_lies_beside_the_folder_of_its_manifest)
{
    char key[MAX_KEY + 1];
    struct err err;

    must_rc(manifest_part_key("in/hr/_manifest/e/0000000012_manifest.json", "out/hr/e_1.csv", key, &err),
            &err);
    is_str(key, "in/hr/e_1.csv");
    must_rc(manifest_part_key("_manifest/e/0000000012_manifest.json", "e_1.csv", key, &err), &err);
    is_str(key, "e_1.csv");
    must_rc(manifest_part_key("_manifest/x/_manifest/e/run-1_manifest.json", "e_1.csv", key, &err), &err);
    is_str(key, "_manifest/x/e_1.csv");
    fails(manifest_part_key("x_manifest.json", "e_1.csv", key, &err), &err, ERR_CONTRACT);
}
