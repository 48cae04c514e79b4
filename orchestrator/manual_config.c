#include "orchestrator/manual.h"
#include "orchestrator/roff.h"

/* From the schema, which is printed from the table that orch.json is checked by. */

static bool is_required(const json_t *object, const char *name)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(object, "required"), i, item)
        if (strcmp(json_string_value(item), name) == 0)
            return true;
    return false;
}

static const json_t *with_members(const json_t *form)
{
    const json_t *forms = json_object_get(form, "anyOf"), *item;
    size_t i;

    if (json_object_get(form, "properties") != NULL)
        return form;
    json_array_foreach(forms, i, item)
        if (json_object_get(item, "properties") != NULL)
            return item;
    return NULL;
}

/* The object below a key, below each name that stands there (*ret_named), or each of a list; NULL: it holds a value. */
static const json_t *inner(const json_t *key, bool *ret_named)
{
    const json_t *more = json_object_get(key, "additionalProperties"), *items = json_object_get(key, "items");

    *ret_named = json_is_object(more);
    return with_members(*ret_named ? more : items != NULL ? items : key);
}

static void choices(FILE *to, const json_t *key)
{
    const json_t *list = json_object_get(key, "enum"), *item;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) < 2)
        return;
    fputs("One of", to);
    json_array_foreach(list, i, item) {
        char *text = json_text(item);
        fputs(i == 0 ? " " : ", ", to);
        roff_bold(to, text);
        free(text);
    }
    fputs(".\n", to);
}

static void doc_line(FILE *to, const json_t *key)
{
    const char *doc = json_string_value(json_object_get(key, "description"));
    char text[600];

    if (doc == NULL)
        return;
    snprintf(text, sizeof text, "%s.", doc);
    roff_plain_line(to, text);
}

static void one_key(FILE *to, const char *name, const json_t *key, bool required)
{
    const json_t *fallback = json_object_get(key, "default");

    roff_item(to);
    roff_bold(to, name);
    fputc('\n', to);
    doc_line(to, key);
    choices(to, key);
    if (required) {
        fputs("Needed.\n", to);
    } else if (fallback != NULL && !json_is_null(fallback)) {
        char *text = json_text(fallback);
        fputs("Default: ", to);
        roff_bold(to, text);
        fputs(".\n", to);
        free(text);
    }
}

/* The keys that hold a value first, then a section for each that holds further keys. */
static void keys_of(FILE *to, const char *path, const json_t *object)
{
    json_t *keys = json_object_get(object, "properties"), *key;
    const char *name;
    char below[300];
    bool named;

    json_object_foreach(keys, name, key)
        if (strcmp(name, "$comment") != 0 && inner(key, &named) == NULL)
            one_key(to, name, key, is_required(object, name));
    json_object_foreach(keys, name, key) {
        const json_t *within = inner(key, &named);
        if (strcmp(name, "$comment") == 0 || within == NULL)
            continue;
        snprintf(below, sizeof below, "%s%s%s%s", path, *path != '\0' ? "." : "", name, named ? ".NAME" : "");
        roff_heading(to, "SS", below);
        doc_line(to, key);
        keys_of(to, below, within);
    }
}

void manual_config(FILE *to)
{
    json_t *schema = config_schema();

    roff_heading(to, "SH", "DESCRIPTION");
    roff_line(to, "One JSON file, checked whole: an unknown key is an error that names the nearest, and "
                  "`orch validate` lists every fault.");
    roff_heading(to, "SH", "KEYS");
    keys_of(to, "", schema);
    json_decref(schema);
}
