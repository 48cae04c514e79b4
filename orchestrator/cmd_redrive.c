#include "base/fs.h"
#include "base/limits.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/redrive.h"

static const char *from, *definition;
static bool wait_for_it;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "STATE", "go on there, with what that state was given (not on AWS)"},
    {"definition", 0, OPT_TEXT, &definition, "FILE", "go on with this definition (not on AWS)"},
    {"wait", 0, OPT_FLAG, &wait_for_it, NULL, "work it here until it has ended: exit 0 where it succeeded"},
    {0},
};

static int redrive(struct engine *engine, const struct execution *x, int64_t *ret_ms, struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    char who[200];
    struct redrive_ask ask = {.from = from, .who = cli_who(who, sizeof who)};
    int rc = definition != NULL ? fs_read(definition, &text, err) : 0;

    if (rc == 0 && definition != NULL) {
        ask.definition = text.p != NULL ? text.p : "";
        ask.definition_n = text.n;
        ask.definition_name = definition;
    }
    if (rc == 0)
        rc = engine_redrive(engine, x->id, &ask, ret_ms, err);
    buf_release(&text);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    struct execution x = {0};
    struct engine *engine = NULL;
    int64_t at = 0;
    int rc = exec_find(c, STORE_OPEN, c->args.items[0], &x, err);

    if (rc == 0)
        rc = engine_new(c->config, c->store, &engine, err);
    if (rc == 0)
        rc = redrive(engine, &x, &at, err);
    if (rc == 0 && wait_for_it) {
        rc = exec_wait(c, engine, x.id, err);
    } else if (rc == 0 && c->out.format != OUT_TABLE) {
        json_t *o = json_pack("{s:o}", "redriveDate", exec_time(at));
        out_document(&c->out, o);
        json_decref(o);
    } else if (rc == 0) {
        printf("%s: redriven; the next tick works it\n", x.name);
    }
    engine_free(engine);
    execution_release(&x);
    return rc;
}

const struct command cmd_redrive = {
    "redrive",
    "EXECUTION",
    "Goes on with one that failed, timed out or was stopped (aws stepfunctions redrive-execution).",
    "From where it stopped, with the same input and definition; what was done is not done again. Retries and "
    "TimeoutSeconds\n"
    "count anew. A Fail state is entered again and fails again: --from goes on elsewhere, --definition with "
    "a "
    "mended text.\n"
    "Both are orch's own, and are kept in the history and the audit.\n\n"
    "  orch redrive nightly-2022-06-05\n"
    "  orch redrive nightly-2022-06-05 --from Load --definition nightly.asl.json\n",
    opts,
    1,
    1,
    run,
};
