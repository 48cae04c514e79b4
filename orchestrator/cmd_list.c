#include "orchestrator/cmd_exec.h"

static const char *status;
static int64_t limit = 20;
static const struct opt opts[] = {
    {"status", 0, OPT_TEXT, &status, "STATUS", "RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED"},
    {"limit", 0, OPT_COUNT, &limit, "N", "at most so many, newest first (default 20)"},
    {0},
};

static int on_execution(void *arg, const struct execution *e, struct err *err)
{
    json_t *o = exec_json(e, false);

    UNUSED(err);
    json_array_append_new(arg, o);
    return 0;
}

static int check_status(struct err *err)
{
    static const char *const known[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", NULL};

    for (int i = 0; status != NULL && known[i] != NULL; i++)
        if (strcmp(status, known[i]) == 0)
            return 0;
    return status == NULL
               ? 0
               : err_set(err, ERR_USAGE, "--status knows RUNNING, SUCCEEDED, FAILED, TIMED_OUT and ABORTED");
}

static int run(struct cli *c, struct err *err)
{
    static const struct out_column columns[] = {
        {"name", "NAME", false, false},
        {"status", "STATUS", false, true},
        {"startDate", "START", false, false},
        {"stopDate", "STOP", false, false},
        {"redriveCount", "REDRIVES", true, false},
        {0},
    };
    json_t *rows = json_array();
    const struct pipeline *p = NULL;
    char part[PART_SIZE];
    int rc = check_status(err);

    if (rc == 0 && c->args.count > 0)
        rc = cli_either(c, c->args.items[0], &p, part, err);
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    if (rc == 0)
        rc = exec_list(c->store, p != NULL ? p->name : NULL, status, limit, on_execution, rows, err);
    if (rc >= 0 && c->out.format == OUT_JSON) {
        json_t *whole = json_pack("{s:O}", "executions", rows);
        out_document(&c->out, whole);
        json_decref(whole);
    } else if (rc >= 0) {
        out_rows(&c->out, "executions", columns, rows);
    }
    json_decref(rows);
    return rc < 0 ? rc : 0;
}

const struct command cmd_list = {
    "list",
    "[PIPELINE | EXTRACT]",
    "Executions, newest first (aws stepfunctions list-executions).",
    "  orch list loans --status FAILED\n",
    opts,
    0,
    1,
    run,
};
