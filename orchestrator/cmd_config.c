#include "orchestrator/cmd.h"

static int run(struct cli *c, struct err *err)
{
    json_t *schema = config_schema();

    UNUSED(err);
    out_document(&c->out, schema);
    json_decref(schema);
    return 0;
}

const struct command cmd_config_schema = {
    "config schema",
    "",
    "The JSON Schema of orch.json.",
    "  orch config schema > orch.schema.json\n",
    NULL,
    0,
    0,
    run,
};
