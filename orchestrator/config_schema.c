#include "base/mem.h"
#include "orchestrator/config_int.h"
/* JSON Schema (draft 2020-12) printed from the key table. */

static json_t *object_of(const struct key *keys);

static json_t *text_with(const char *type, const char *pattern)
{
    json_t *s = json_pack("{s:s}", "type", type);

    if (pattern != NULL)
        json_object_set_new(s, "pattern", json_string(pattern));
    return s;
}

static json_t *choices_of(const struct key *k)
{
    json_t *list = json_array();

    for (const char *p = k->choices; *p != '\0';) {
        size_t n = strcspn(p, "|");
        bool number = k->fallback != NULL && k->fallback[0] != '"';
        json_array_append_new(list, number ? json_integer(p[0] - '0') : json_stringn(p, n));
        p += n + (p[n] == '|');
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *either(json_t *a, json_t *b)
{
    return json_pack("{s:[o,o]}", "anyOf", a, b);
}

static json_t *form_of(const struct key *k)
{
    switch (k->kind) {
    case KEY_TEXT:
        return text_with("string", NULL);
    case KEY_BOOL:
        return text_with("boolean", NULL);
    case KEY_INT:
        return json_pack("{s:s,s:i,s:i}", "type", "integer", "minimum", 1, "maximum", 100000000);
    case KEY_DURATION:
        return text_with("string", "^[0-9]+(ms|s|m|h|d)$");
    case KEY_SIZE:
        return either(json_pack("{s:s,s:i}", "type", "integer", "minimum", 1),
                      text_with("string", "^[0-9]+(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)?$"));
    case KEY_BUDGET:
        return either(json_pack("{s:s,s:i}", "type", "integer", "minimum", 0),
                      text_with("string", "^[0-9]+%?$"));
    case KEY_CHAR:
        return json_pack("{s:s,s:i,s:i}", "type", "string", "minLength", 1, "maxLength", 1);
    case KEY_TEXTS:
        return json_pack("{s:s,s:{s:s}}", "type", "array", "items", "type", "string");
    case KEY_CHOICE:
        return choices_of(k);
    case KEY_OBJECT:
        return object_of(k->sub);
    case KEY_MAP:
        return json_pack("{s:s,s:{s:{}},s:o}", "type", "object", "properties", "$comment",
                         "additionalProperties", object_of(k->sub));
    case KEY_TEXT_MAP:
        return json_pack("{s:s,s:{s:s}}", "type", "object", "additionalProperties", "type", "string");
    case KEY_LIST:
        return json_pack("{s:s,s:o}", "type", "array", "items", object_of(k->sub));
    case KEY_VALUE:
        return json_pack("{s:[s,s,s]}", "type", "string", "number", "array");
    case KEY_COLUMNS:
        return json_pack("{s:s,s:{s:{}},s:{s:[{s:s},{s:s},o]}}", "type", "object", "properties", "$comment",
                         "additionalProperties", "anyOf", "type", "null", "type", "string",
                         object_of(k->sub));
    }
    return json_object();
}

static json_t *schema_of(const struct key *k)
{
    json_t *s = k->may_be_null ? either(form_of(k), text_with("null", NULL)) : form_of(k);
    json_error_t ignored;

    json_object_set_new(s, "description", json_string(k->doc));
    if (k->fallback != NULL)
        json_object_set_new(s, "default", json_loads(k->fallback, JSON_DECODE_ANY, &ignored));
    else if (k->may_be_null)
        json_object_set_new(s, "default", json_null());
    return s;
}

static json_t *object_of(const struct key *keys)
{
    json_t *properties = json_pack("{s:{s:s}}", "$comment", "description", "a remark, anywhere; not read");
    json_t *required = json_array();
    json_t *s;

    for (const struct key *k = keys; k->name != NULL; k++) {
        json_object_set_new(properties, k->name, schema_of(k));
        if (k->required)
            json_array_append_new(required, json_string(k->name));
    }
    s = json_pack("{s:s,s:o,s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
    if (json_array_size(required) > 0)
        json_object_set(s, "required", required);
    json_decref(required);
    return s;
}

json_t *config_schema(void)
{
    json_t *s = json_pack("{s:s,s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
                          "orch.json");
    json_t *root = object_of(config_root_keys);

    json_object_update(s, root);
    json_decref(root);
    return s;
}
