#include "orchestrator/cmd_exec.h"
#include "base/civil.h"
#include "base/mem.h"
#include "orchestrator/redrive.h"

static json_t *arn(const char *kind, const char *a, const char *b)
{
    char *text = xasprintf(EXEC_ARN "%s:%s%s%s", kind, a, b != NULL ? ":" : "", b != NULL ? b : "");
    json_t *v = cli_json_text(text);

    free(text);
    return v;
}

json_t *exec_time(int64_t ms)
{
    char text[CIVIL_RFC3339_SIZE];
    return ms != 0 ? json_string(civil_rfc3339(ms, true, text)) : json_null();
}

static void put_time(struct jout *j, const char *key, int64_t ms)
{
    char text[CIVIL_RFC3339_SIZE];

    if (ms != 0) /* AWS leaves absent members out */
        jout_text(j, key, civil_rfc3339(ms, true, text));
}

void exec_entry(struct jout *j, const struct execution *e)
{
    char text[800]; /* two names of 80 characters */

    snprintf(text, sizeof text, EXEC_ARN "execution:%s:%s", e->pipeline, e->name);
    jout_text(j, "executionArn", text);
    snprintf(text, sizeof text, EXEC_ARN "stateMachine:%s", e->pipeline);
    jout_text(j, "stateMachineArn", text);
    jout_text(j, "name", e->name);
    jout_text(j, "status", e->status);
    put_time(j, "startDate", e->start_ms);
    put_time(j, "stopDate", e->stop_ms);
    jout_int(j, "redriveCount", e->redrive_count);
    put_time(j, "redriveDate", e->redrive_ms);
}

static void put(json_t *o, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(o, key, cli_json_text(value));
}

static void put_data(json_t *o, const char *key, const char *value)
{
    char *details = xasprintf("%sDetails", key);

    put(o, key, value);
    if (value != NULL)
        json_object_set_new(o, details, json_pack("{s:b}", "included", 1));
    free(details);
}

json_t *exec_json(const struct execution *e, const struct redrivable *r)
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
    put_data(o, "input", e->input);
    put_data(o, "output", e->output);
    put(o, "error", e->error);
    put(o, "cause", e->cause);
    if (r != NULL)
        put(o, "redriveStatus", r->can ? "REDRIVABLE" : "NOT_REDRIVABLE");
    if (r != NULL && r->reason[0] != '\0')
        put(o, "redriveStatusReason", r->reason);
    return o;
}

int exec_describe(struct store *s, const struct execution *e, json_t **ret_owned, struct err *err)
{
    struct redrivable r;
    int rc = redrivable(s, e, &r, err);

    if (rc == 0)
        *ret_owned = exec_json(e, &r);
    return rc;
}

int exec_token(const char *text, int64_t *ret, struct err *err)
{
    struct err no;

    if (str_to_i64(str_of(text), 1, INT64_MAX, ret, &no) == 0)
        return 0;
    err_set(err, ERR_USAGE, "--starting-token: this is no token");
    return err_hint(err, "it is the nextToken of the page before");
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

int exec_of_name(struct store *s, const char *name, struct err *err)
{
    struct newest newest = {-1};
    int rc = exec_list(s, name, NULL, 1, on_newest, &newest, err);

    return rc < 0 ? rc : newest.id >= 0;
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
