#include "orchestrator/cmd.h"

static int run(struct cli *c, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: not built yet", c->verb);
}

const struct command cmd_graph = {"graph", "PIPELINE | EXECUTION", "Not built yet.", "", NULL, 0, 1, run};
