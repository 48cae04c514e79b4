#include "base/clock.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/engine.h"
#include "state/queue.h"

static const char *error, *cause;
static const struct opt opts[] = {
    {"error", 0, OPT_TEXT, &error, "NAME", "kept as the execution's error"},
    {"cause", 0, OPT_TEXT, &cause, "TEXT", "kept as its cause"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    struct execution e = {0}, after = {0};
    struct engine *engine = NULL;
    char who[200];
    int rc = exec_find(c, STORE_OPEN, c->args.items[0], &e, err);

    if (rc < 0)
        return rc;
    if (strcmp(e.status, "RUNNING") != 0) {
        rc = err_set(err, ERR_NOT_FOUND, "%s is not running: %s", e.name, e.status);
        goto out;
    }
    rc = engine_new(c->config, c->store, &engine, err);
    if (rc >= 0)
        rc = engine_stop(engine, e.id, error, cause, err);
    if (rc >= 0)
        rc = audit_put(c->store, cli_who(who, sizeof who), "stop", e.pipeline, e.name,
                       cause != NULL ? cause : "", clock_now_ms(), err);
    if (rc >= 0)
        rc = exec_get(c->store, e.id, &after, err);
    if (rc < 0)
        goto out;
    if (c->out.format != OUT_TABLE) {
        json_t *o =
            json_pack("{s:o}", "stopDate", exec_time(after.stop_ms != 0 ? after.stop_ms : clock_now_ms()));
        out_document(&c->out, o);
        json_decref(o);
    } else if (strcmp(after.status, "RUNNING") == 0) {
        printf("%s: asked to stop; its owner looks every second\n", e.name);
    } else {
        printf("%s: %s\n", e.name, after.status);
    }
out:
    engine_free(engine);
    execution_release(&after);
    execution_release(&e);
    return rc < 0 ? rc : 0;
}

const struct command cmd_stop = {
    "stop",
    "EXECUTION",
    "Aborts a running execution (aws stepfunctions stop-execution).",
    "The job goes back into the queue: skip it, or mend what is wrong, before the next tick.\n\n"
    "  orch stop loans --cause 'wrong file'\n",
    opts,
    1,
    1,
    run,
};
