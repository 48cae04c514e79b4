#include "orchestrator/cmd_exec.h"

static int run(struct cli *c, struct err *err)
{
    struct execution e = {0};
    char cell[1400];
    const char *key;
    json_t *o = NULL, *v;
    int rc = exec_find(c, STORE_READ, c->args.items[0], &e, err);

    if (rc == 0) {
        rc = exec_describe(c->store, &e, &o, err);
        execution_release(&e);
    }
    if (rc < 0)
        return rc;
    if (c->out.format == OUT_TABLE) {
        json_object_foreach(o, key, v) {
            out_cell(v, cell, sizeof cell);
            if (!json_is_object(v))
                printf("%-20s %s\n", key, cell);
        }
    } else {
        out_document(&c->out, o);
    }
    json_decref(o);
    return 0;
}

const struct command cmd_describe = {
    "describe",
    "EXECUTION",
    "One execution: status, input, output, error (aws stepfunctions describe-execution).",
    "EXECUTION is a name, an id, an ARN, or a pipeline's name for its newest one.\n"
    "redriveStatus tells whether orch redrive takes it, and what to know before.\n\n"
    "  orch describe loans\n",
    NULL,
    1,
    1,
    run,
};
