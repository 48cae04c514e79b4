#include "orchestrator/cmd.h"

static int run(struct cli *c, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: not built yet", c->verb);
}

const struct command cmd_cancel = {"cancel", "PIPELINE[/PARTITION]", "Not built yet.", "", NULL, 0, 1, run};
