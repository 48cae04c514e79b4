#include "base/mem.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/fsck.h"

enum { MAX_FINDINGS = 10000 };

static int on_finding(void *arg, const char *execution, const char *text, struct err *err)
{
    json_t *rows = arg;

    UNUSED(err);
    if (json_array_size(rows) < MAX_FINDINGS) /* the count tells of the rest */
        json_array_append_new(
            rows, json_pack("{s:o,s:o}", "execution", cli_json_text(execution), "text", cli_json_text(text)));
    return 0;
}

static void print(struct cli *c, const json_t *rows, const struct fsck_counts *n)
{
    const json_t *row;
    size_t i;

    if (c->out.format == OUT_JSON) {
        json_t *whole =
            json_pack("{s:i,s:I,s:I,s:I,s:O}", "schema_version", 1, "executions", (json_int_t)n->executions,
                      "cursors", (json_int_t)n->cursors, "count", (json_int_t)n->findings, "findings", rows);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    if (c->out.format != OUT_TABLE) {
        static const struct out_column columns[] = {
            {"execution", "EXECUTION", false, false}, {"text", "TEXT", false, false}, {0}};
        out_rows(&c->out, "findings", columns, rows);
        return;
    }
    json_array_foreach(rows, i, row)
        printf("%s: %s\n", json_string_value(json_object_get(row, "execution")),
               json_string_value(json_object_get(row, "text")));
    printf("%lld executions, %lld cursors: %lld findings\n", (long long)n->executions, (long long)n->cursors,
           (long long)n->findings);
}

static int run(struct cli *c, struct err *err)
{
    struct execution x = {0};
    struct fsck_counts counts = {0};
    json_t *rows = json_array();
    int rc = c->args.count > 0 ? exec_find(c, STORE_READ, c->args.items[0], &x, err)
                               : cli_store(c, STORE_READ, err);

    if (rc == 0)
        rc = fsck(c->store, x.id, on_finding, rows, &counts, err);
    if (rc == 0) {
        print(c, rows, &counts);
        rc = counts.findings > 0 ? err_exit_status(ERR_MISMATCH) : 0;
    }
    json_decref(rows);
    execution_release(&x);
    return rc;
}

const struct command cmd_fsck = {
    "fsck",
    "[EXECUTION]",
    "Whether what is kept of executions holds together: events, cursors, tasks.",
    "Changes nothing. One sentence for each finding, and exit 5 where there is any. Of what runs, the cursor "
    "is worked\n"
    "out from the events once more and compared with the one that is kept.\n\n"
    "  orch fsck\n",
    NULL,
    0,
    1,
    run,
};
