#include "orchestrator/cmd.h"
#include "orchestrator/plan.h"

static const char *from, *to;
static bool all, look;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "PART", "first partition"},
    {"to", 0, OPT_TEXT, &to, "PART", "last partition"},
    {"all", 0, OPT_FLAG, &all, NULL, "what is settled too"},
    {"look", 0, OPT_FLAG, &look, NULL, "list the source too, as the next tick will"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    struct plan_ask ask = {.from = from, .to = to, .all = all, .look = look};
    char part[PART_SIZE] = "";
    int rc = cli_config(c, err);

    if (rc == 0 && c->args.count > 0)
        rc = cli_flow(c, c->args.items[0], &ask.only, part, err);
    if (rc == 0 && *part != '\0' && (from != NULL || to != NULL))
        rc = err_set(err, ERR_USAGE, "plan: a partition, or --from and --to");
    for (size_t i = 0; rc == 0 && i < c->config->pipeline_count; i++)
        if (ask.only == NULL || ask.only == &c->config->pipelines[i])
            rc = cli_range(&c->config->pipelines[i], from, to, err);
    if (*part != '\0') {
        ask.from = ask.to = part;
        ask.all = true;
    }
    if (rc == 0)
        rc = cli_store(c, STORE_READ, err);
    return rc == 0 ? plan_run(c, &ask, err) : rc;
}

const struct command cmd_plan = {
    "plan",
    "[PIPELINE[/PARTITION]]",
    "What is not settled, why, and what the next tick does about it.",
    "One line per partition: the action of the next tick, a reason code, the reason; totals at the end. Read "
    "from\n"
    "the state file alone; with --look from the source too, and then it is what orch tick --dry-run prints.\n"
    "Changes nothing. The codes are told in docs/cli-json.md; orch explain tells one partition at length.\n\n"
    "  orch plan\n"
    "  orch plan loans --from 2022-06-05T00 --to 2022-06-05T23 --all\n"
    "  orch plan --look -o json\n",
    opts,
    0,
    1,
    run,
};
