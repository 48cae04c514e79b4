/* orch-object-remove {connection, key} -> {key}: removes an object, or a list of them in its order. One that is not there is
 * fine, so it may run twice. */
#include "steps/object.h"
#include "steps/steps_int.h"

static int remove_one(struct sink *sink, const json_t *key, struct err *err)
{
    if (!json_is_string(key))
        return err_set(err, ERR_CONTRACT, "key is %s where a text is expected", json_kind(key));
    return sink_remove(sink, json_string_value(key), err);
}

int step_run_object_remove(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    json_t *key = json_object_get(parameters, "key"), *one;
    struct sink *sink = NULL;
    size_t i;
    int rc = object_sink(c, parameters, &sink, err);

    if (rc == 0 && !json_is_array(key))
        rc = remove_one(sink, key, err);
    json_array_foreach(key, i, one)
        if (rc == 0)
            rc = remove_one(sink, one, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:O}", "key", key);
    sink_close(sink);
    return rc;
}
