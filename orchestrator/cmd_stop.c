#include "base/clock.h"
#include "base/limits.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/engine.h"
#include "orchestrator/java.h"

enum { MAX_ERROR_LENGTH = 256 }; /* as on AWS; of a cause MAX_CAUSE */

static const char *error, *cause;
static const struct opt opts[] = {
    {"error", 0, OPT_TEXT, &error, "NAME", "kept as the execution's error"},
    {"cause", 0, OPT_TEXT, &cause, "TEXT", "kept as its cause"},
    {0},
};

/* What is kept is JSON, and of a length. */
static int check_text(const char *option, const char *text, size_t most, struct err *err)
{
    size_t at = 0;

    if (text == NULL)
        return 0;
    if (!str_utf8_valid(text, strlen(text), &at))
        return err_set(err, ERR_USAGE, "%s is no UTF-8 from byte %zu on", option, at + 1);
    if (java_length(text) > most)
        return err_set(err, ERR_USAGE, "%s has at most %zu characters, not %zu", option, most,
                       java_length(text));
    return 0;
}

static int run(struct cli *c, struct err *err)
{
    struct execution e = {0}, after = {0};
    struct engine *engine = NULL;
    char who[200];
    int rc = check_text("--error", error, MAX_ERROR_LENGTH, err);

    if (rc == 0)
        rc = check_text("--cause", cause, MAX_CAUSE, err);
    if (rc == 0)
        rc = exec_find(c, STORE_OPEN, c->args.items[0], &e, err);

    if (rc < 0)
        return rc;
    if (strcmp(e.status, "RUNNING") != 0) {
        rc = err_set(err, ERR_NOT_FOUND, "%s is not running: %s", e.name, e.status);
        goto out;
    }
    rc = engine_new(c->config, c->store, &engine, err);
    if (rc >= 0)
        rc = engine_stop(engine, e.id,
                         &(struct stop_ask){.error = error,
                                            .cause = cause,
                                            .who = cli_who(who, sizeof who),
                                            .verb = "stop",
                                            .reason = cause != NULL ? cause : ""},
                         err);
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
