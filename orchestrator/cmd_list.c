#include "base/civil.h"
#include "orchestrator/cmd_exec.h"
#include "state/page.h"

static const char *status, *starting_token;
static int64_t limit = 20;
static const struct opt opts[] = {
    {"status", 0, OPT_TEXT, &status, "STATUS", "RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED"},
    {"limit", 0, OPT_COUNT, &limit, "N", "at most so many, newest first (default 20)"},
    {"starting-token", 0, OPT_TEXT, &starting_token, "TOKEN", "go on where --limit ended: its nextToken"},
    {0},
};

static const struct out_column columns[] = {
    {"name", "NAME", false, false},
    {"status", "STATUS", false, true},
    {"startDate", "START", false, false},
    {"stopDate", "STOP", false, false},
    {"redriveCount", "REDRIVES", true, false},
    {0},
};

/* Written as they are read, whatever their number. */
struct telling {
    struct out_rows rows; /* tables and CSV */
    struct jout json;
    bool lines; /* JSON and JSON lines */
    int64_t told, next;
};

static const char *time_or_null(int64_t ms, char out[CIVIL_RFC3339_SIZE])
{
    return ms != 0 ? civil_rfc3339(ms, true, out) : NULL;
}

static int on_execution(void *arg, const struct execution *e, struct err *err)
{
    char began[CIVIL_RFC3339_SIZE], ended[CIVIL_RFC3339_SIZE];
    struct telling *t = arg;

    UNUSED(err);
    if (t->told++ == limit) { /* one more than was asked for: there is another page */
        t->next = e->id;
    } else if (t->lines) {
        jout_open(&t->json, NULL, '{');
        exec_entry(&t->json, e);
        jout_close(&t->json, '}');
    } else {
        const struct out_value values[] = {
            {.kind = OUT_TEXT, .text = e->name},
            {.kind = OUT_TEXT, .text = e->status},
            {.kind = OUT_TEXT, .text = time_or_null(e->start_ms, began)},
            {.kind = OUT_TEXT, .text = time_or_null(e->stop_ms, ended)},
            {.kind = OUT_INT, .n = e->redrive_count},
        };
        out_rows_add(&t->rows, values);
    }
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

static int tell(struct cli *c, const struct page_of *of, struct err *err)
{
    struct telling t = {.lines = c->out.format == OUT_JSON || c->out.format == OUT_JSONL};
    bool whole = c->out.format == OUT_JSON;
    char token[24];

    jout_init(&t.json, &c->out);
    if (!t.lines)
        out_rows_begin(&t.rows, &c->out, "executions", columns);
    if (whole) {
        jout_open(&t.json, NULL, '{');
        jout_open(&t.json, "executions", '[');
    }
    int rc = page_executions(c->store, of, true, on_execution, &t, err);
    snprintf(token, sizeof token, "%lld", (long long)t.next + 1);
    if (whole) {
        jout_close(&t.json, ']');
        if (rc >= 0 && t.next > 0)
            jout_text(&t.json, "nextToken", token);
        jout_close(&t.json, '}');
    } else if (!t.lines) {
        out_rows_last(&t.rows);
        out_rows_end(&t.rows);
    }
    return rc < 0 ? rc : 0;
}

/* A pipeline or extract, or what no config names any more: a state machine that was started from a file. */
static int find_name(struct cli *c, const char *word, const char **ret, struct err *err)
{
    const struct pipeline *p = NULL;
    char part[PART_SIZE];
    struct err ignored;
    int rc = cli_either(c, word, &p, part, err);

    *ret = p != NULL ? p->name : word;
    if (rc >= 0 || err->code != ERR_NOT_FOUND || cli_store(c, STORE_READ, &ignored) < 0)
        return rc;
    return exec_of_name(c->store, word, &ignored) == 1 ? 0 : rc;
}

static int run(struct cli *c, struct err *err)
{
    struct page_of of = {.state = status, .before = INT64_MAX, .limit = limit + 1};
    int rc = check_status(err);

    if (rc == 0 && limit == 0)
        rc = err_set(err, ERR_USAGE, "--limit: 0 is none");
    if (rc == 0 && starting_token != NULL)
        rc = exec_token(starting_token, &of.before, err);
    if (rc == 0 && c->args.count > 0)
        rc = find_name(c, c->args.items[0], &of.pipeline, err);
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    return rc < 0 ? rc : tell(c, &of, err);
}

const struct command cmd_list = {
    "list",
    "[PIPELINE | EXTRACT | MACHINE]",
    "Executions, newest first (aws stepfunctions list-executions).",
    "MACHINE is a state machine of your own: orch start.\n\n"
    "  orch list loans --status FAILED\n",
    opts,
    0,
    1,
    run,
};
