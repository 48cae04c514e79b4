#include "orchestrator/cmd.h"
#include "orchestrator/tick.h"

static const char *partition;
static bool fail_if_locked;
static const struct opt opts[] = {
    {"partition", 0, OPT_TEXT, &partition, "PARTITION", "only this one, such as 2022-06-05T12"},
    {"fail-if-locked", 0, OPT_FLAG, &fail_if_locked, NULL, "exit 10 when another process works the pipeline"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p;
    char part[PART_SIZE];
    int rc = cli_flow(c, c->args.items[0], &p, part, err);

    if (rc == 0 && partition != NULL && part[0] != '\0')
        rc = err_set(err, ERR_USAGE, "--partition and %s: one of the two", c->args.items[0]);
    if (rc == 0 && partition != NULL) {
        int64_t start;
        rc = part_parse(p->period, partition, &start, err);
        if (rc == 0)
            part_name(p->period, start, part);
        else
            err->code = ERR_USAGE;
    }
    if (rc < 0)
        return -(int)err->code;
    rc = cli_store(c, STORE_CREATE, err);
    if (rc < 0)
        return rc;
    struct tick_options o = {.pipeline = p->name,
                             .partition = part[0] != '\0' ? part : NULL,
                             .force = true,
                             .fail_if_locked = fail_if_locked,
                             .linger_ms = -1};
    cli_signals();
    return tick_run(c->config, c->store, &o, err);
}

const struct command cmd_run = {
    "run",
    "PIPELINE[/PARTITION]",
    "Works one pipeline now, whatever its schedule says.",
    "Idempotent: what is loaded is not loaded again. For Airflow, Kubernetes or a person.\n\n"
    "  orch run loans\n"
    "  orch run loans --partition 2022-06-05T12\n",
    opts,
    1,
    1,
    run,
};
