/* orch-object-remove {connection, key} -> {key}: removes an object. One that is not there is fine, so it may run twice. */
#include "steps/object.h"
#include "steps/steps_int.h"

int step_run_object_remove(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct sink *sink = NULL;
    const char *key = NULL;

    int rc = json_need_str(parameters, "key", &key, err);
    if (rc == 0)
        rc = object_sink(c, parameters, &sink, err);
    if (rc == 0)
        rc = sink_remove(sink, key, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:s}", "key", key);
    sink_close(sink);
    return rc;
}
