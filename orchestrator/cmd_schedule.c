#include "orchestrator/cmd.h"

static int run(struct cli *c, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: not built yet", c->verb);
}

const struct command cmd_schedule_next = {"schedule next", "EXPR", "Not built yet.", "", NULL, 1, 1, run};
const struct command cmd_schedule_lint = {"schedule lint", "EXPR", "Not built yet.", "", NULL, 1, 1, run};
const struct command cmd_schedule_explain = {
    "schedule explain", "EXPR", "Not built yet.", "", NULL, 1, 1, run};
