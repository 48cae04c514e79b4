#include "orchestrator/cmd.h"

static int run(struct cli *c, struct err *err)
{
    UNUSED(err);
    if (c->out.format == OUT_TABLE || c->out.format == OUT_CSV) {
        printf("orch %s\n", ORCH_VERSION);
        return 0;
    }
    json_t *v = json_pack("{s:i,s:s,s:b}", "schema_version", 1, "version", ORCH_VERSION, "test_build",
                          ORCH_TEST_BUILD);
    out_document(&c->out, v);
    json_decref(v);
    return 0;
}

const struct command cmd_version = {"version", "", "The version of this program.", "", NULL, 0, 0, run};
