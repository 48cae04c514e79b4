/*
 * A spec is somebody else's JSON: whatever stands in it, the answer is an orch document or a list of errors, and a document
 * is one that the config reader takes. Bytes behind a line "---" are a config.json.
 */
#include "orchestrator/spec.h"
#include "base/limits.h"
#include "orchestrator/config.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL && *s != '\0';
}

static void check_filter(const json_t *f)
{
    static const char *const kinds[] = {
        "=", "!=", "<", "<=", ">", ">=", "like", "not-like", "in", "not-in", "null", "not-null"};
    const char *is = json_string_value(json_object_get(f, "is"));
    const json_t *value = json_object_get(f, "value");
    bool known = false;

    assert(is_text(f, "column") && is != NULL);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        known = known || strcmp(kinds[i], is) == 0;
    assert(known);
    if (strcmp(is, "in") == 0 || strcmp(is, "not-in") == 0)
        assert(json_array_size(value) > 0);
    else if (strstr(is, "null") != NULL)
        assert(value == NULL);
    else
        assert(json_is_string(value) || json_is_integer(value) || is_text(f, "ago"));
}

static void check_document(const json_t *document)
{
    const char *name;
    json_t *extract, *table, *filter, *member;
    size_t i, k;

    assert(is_text(json_object_get(json_object_get(document, "connections"), "db"), "url"));
    assert(is_text(json_object_get(json_object_get(document, "connections"), "lake"), "url"));
    json_object_foreach(json_object_get(document, "extracts"), name, extract) {
        const json_t *tables = json_object_get(extract, "tables");
        assert(*name != '\0' && strlen(name) <= 40 && json_array_size(tables) > 0 &&
               is_text(extract, "path"));
        json_array_foreach(tables, i, table) {
            assert(is_text(table, "name") && is_text(table, "table") != is_text(table, "query"));
            json_array_foreach(json_object_get(table, "filters"), k, filter)
                check_filter(filter);
            json_array_foreach(json_object_get(table, "columns"), k, member)
                assert(json_is_string(member));
            json_array_foreach(json_object_get(table, "watermark"), k, member)
                assert(json_is_string(member));
        }
    }
    char *text = json_dumps(document, JSON_COMPACT);
    assert(text != NULL);
    struct buf faults = BUF_INIT(256 * KIB);
    struct config *c = NULL;
    struct err err = {0};
    if (config_parse(text, strlen(text), "/nowhere/orch.json", false, &c, &faults, &err) < 0) {
        fprintf(stderr, "%s\n%s\n", text, faults.p != NULL ? faults.p : err.msg);
        abort();
    }
    config_free(c);
    buf_release(&faults);
    free(text);
}

static int read_as(struct spec_given *given, bool mend)
{
    struct spec s;
    struct err err = {0};

    given->mend = mend;
    int rc = spec_read(given, &s, &err);
    assert((rc == 0) == (s.document != NULL) && (rc == 0) == (json_array_size(s.errors) == 0));
    assert(rc == 0 || (err.code == ERR_CONFIG && err.msg[0] != '\0'));
    if (rc == 0)
        check_document(s.document);
    spec_release(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *text = (const char *)data;
    struct spec_given given = {.text = {text, n}};

    for (size_t i = 0; i + 5 <= n; i++)
        if (memcmp(text + i, "\n---\n", 5) == 0) {
            given.text.n = i;
            given.config = (struct str){text + i + 5, n - i - 5};
            break;
        }
    int strict = read_as(&given, false), mended = read_as(&given, true);
    assert(strict < 0 || mended == 0);
    return 0;
}
