#include "orchestrator/plan.h"
#include "orchestrator/view.h"

int plan_add(struct cli *c, const struct pipeline *p, json_t *rows, struct err *err)
{
    struct step_ctx ctx;
    json_t *plan = NULL, *row;
    size_t i;

    cli_step(c, p, &ctx);
    int rc = step_generate_queue(&ctx, true, &plan, err);
    if (rc < 0)
        err_prefix(err, "%s", p->name);
    json_array_foreach(plan, i, row) {
        json_object_set_new(row, "pipeline", json_string(p->name));
        json_array_append(rows, row);
    }
    json_decref(plan);
    cli_step_end(&ctx);
    return rc < 0 ? -(int)err->code : 0;
}

void plan_print(struct cli *c, const json_t *rows)
{
    static const struct out_column columns[] = {
        {"pipeline", "PIPELINE", false, false},
        {"partition", "PARTITION", false, false},
        {"action", "ACTION", false, false},
        {"objects", "OBJECTS", true, false},
        {"bytes", "BYTES", true, false},
        {"reason", "REASON", false, false},
        {0},
    };
    int64_t objects = 0, bytes = 0;
    const json_t *row;
    size_t i;

    out_rows(&c->out, "plan", columns, rows);
    json_array_foreach(rows, i, row) {
        objects += view_int(row, "objects");
        bytes += view_int(row, "bytes");
    }
    if (c->out.format == OUT_TABLE && json_array_size(rows) == 0)
        printf("nothing to do\n");
    else if (c->out.format == OUT_TABLE)
        printf("%zu partitions, %lld objects, %lld bytes\n", json_array_size(rows), (long long)objects,
               (long long)bytes);
}
