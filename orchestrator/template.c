#include "base/mem.h"
#include "orchestrator/intrinsic.h"
#include "orchestrator/path_int.h"

/* Of a path that starts with "$$" the context is shown, else what "$" is. */
static int not_there(const char *path, const char *field, const struct scope *s, struct err *err)
{
    char *text = json_text(path[1] == '$' ? s->context : s->input);

    err_ignore(err_set(err, ERR_RUNTIME,
                       "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
                       path, field, text));
    snprintf(err->name, sizeof err->name, "States.ParameterPathFailure");
    free(text);
    return -(int)err->code;
}

int expression_value(const char *text, const char *field, const struct scope *s, json_t **ret_owned,
                     struct err *err)
{
    if (intrinsic_is(text))
        return intrinsic_value(text, s, ret_owned, err);
    int rc = path_find(text, s, ret_owned, err);
    return rc == 0 ? not_there(text, field, s, err) : rc;
}

static int apply(const json_t *template, const struct scope *s, json_t **ret_owned, struct err *err);

static int template_object(const json_t *template, const struct scope *s, json_t **ret_owned, struct err *err)
{
    json_t *object = json_object(), *item, *made = NULL;
    const char *key;
    int rc = 0;

    json_object_foreach((json_t *)(uintptr_t) template, key, item) {
        if (str_ends(key, ".$") && json_is_string(item)) {
            char *stripped = xstrndup(key, strlen(key) - 2);
            rc = expression_value(json_string_value(item), key, s, &made, err);
            if (rc >= 0)
                json_object_set_new(object, stripped, made);
            free(stripped);
        } else {
            rc = apply(item, s, &made, err);
            if (rc >= 0)
                json_object_set_new(object, key, made);
        }
        if (rc < 0)
            break;
    }
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    *ret_owned = object;
    return 0;
}

/* Recursion is bounded: a template is part of a definition, nested at most MAX_JSON_DEPTH deep. */
static int apply(const json_t *template, const struct scope *s, json_t **ret_owned, struct err *err)
{
    json_t *array, *item, *made;
    size_t i;

    if (json_is_object(template))
        return template_object(template, s, ret_owned, err);
    if (!json_is_array(template)) {
        *ret_owned = json_incref((json_t *)(uintptr_t) template);
        return 0;
    }
    array = json_array();
    json_array_foreach(template, i, item) {
        int rc = apply(item, s, &made, err);
        if (rc < 0) {
            json_decref(array);
            return rc;
        }
        json_array_append_new(array, made);
    }
    *ret_owned = array;
    return 0;
}

int template_apply(const json_t *template, const struct scope *s, json_t **ret_owned, struct err *err)
{
    struct scope together = *s;
    int64_t work = MAX_TEMPLATE_VISITS;

    together.work = &work;
    return apply(template, &together, ret_owned, err);
}
