#include "orchestrator/cmd_exec.h"
#include "base/civil.h"
#include "base/mem.h"

static json_t *arn(const char *kind, const char *a, const char *b)
{
    char *text = xasprintf("arn:aws:states:us-east-1:000000000000:%s:%s%s%s", kind, a, b != NULL ? ":" : "",
                           b != NULL ? b : "");
    json_t *v = cli_json_text(text);

    free(text);
    return v;
}

json_t *exec_time(int64_t ms)
{
    char text[CIVIL_RFC3339_SIZE];
    return ms != 0 ? json_string(civil_rfc3339(ms, true, text)) : json_null();
}

static void put(json_t *o, const char *key, const char *value)
{
    if (value != NULL) /* AWS leaves absent members out */
        json_object_set_new(o, key, cli_json_text(value));
}

json_t *exec_json(const struct execution *e, bool whole)
{
    json_t *o = json_object();

    json_object_set_new(o, "executionArn", arn("execution", e->pipeline, e->name));
    json_object_set_new(o, "stateMachineArn", arn("stateMachine", e->pipeline, NULL));
    put(o, "name", e->name);
    put(o, "status", e->status);
    json_object_set_new(o, "startDate", exec_time(e->start_ms));
    if (e->stop_ms != 0)
        json_object_set_new(o, "stopDate", exec_time(e->stop_ms));
    json_object_set_new(o, "redriveCount", json_integer(e->redrive_count));
    if (e->redrive_ms != 0)
        json_object_set_new(o, "redriveDate", exec_time(e->redrive_ms));
    if (!whole)
        return o;
    put(o, "input", e->input);
    if (e->input != NULL)
        json_object_set_new(o, "inputDetails", json_pack("{s:b}", "included", 1));
    put(o, "output", e->output);
    if (e->output != NULL)
        json_object_set_new(o, "outputDetails", json_pack("{s:b}", "included", 1));
    put(o, "error", e->error);
    put(o, "cause", e->cause);
    return o;
}

int exec_event_json(int64_t id, int64_t previous, const char *type, int64_t ts_ms, const char *details,
                    json_t **ret, struct err *err)
{
    json_t *o = json_pack("{s:o,s:s,s:I,s:I}", "timestamp", exec_time(ts_ms), "type", type, "id", id,
                          "previousEventId", previous);
    json_t *d = NULL;
    int rc = 0;

    *ret = o;
    /* the details are kept under their member's name, as GetExecutionHistory gives them */
    if (details != NULL)
        rc = json_parse(details, strlen(details), "event", &d, err);
    if (d != NULL)
        json_object_update_missing(o, d);
    json_decref(d);
    return rc;
}

struct newest {
    int64_t id;
};

static int on_newest(void *arg, const struct execution *e, struct err *err)
{
    UNUSED(err);
    ((struct newest *)arg)->id = e->id;
    return 0;
}

int exec_find(struct cli *c, enum store_mode mode, const char *word, struct execution *ret, struct err *err)
{
    const char *colon = strrchr(word, ':');
    struct newest newest = {-1};
    int64_t id;
    int rc = cli_store(c, mode, err);

    if (rc < 0)
        return rc;
    if (str_starts(word, "arn:") && colon != NULL)
        word = colon + 1;
    if (str_to_i64(str_of(word), 0, INT64_MAX, &id, err) == 0)
        return exec_get(c->store, id, ret, err);
    rc = exec_by_name(c->store, word, ret, err);
    if (rc >= 0 || err->code != ERR_NOT_FOUND)
        return rc;
    rc = exec_list(c->store, word, NULL, 1, on_newest, &newest, err);
    if (rc >= 0 && newest.id >= 0)
        return exec_get(c->store, newest.id, ret, err);
    if (rc < 0)
        return rc;
    char shown[120];
    str_printable(word, strlen(word), shown, sizeof shown);
    err_set(err, ERR_NOT_FOUND, "no execution '%s'", shown);
    return err_hint(err, "orch list names them; a pipeline's name means its newest");
}
