#include "orchestrator/decision.h"
#include "state/store.h"

static const char *reason;
static bool undo, dry_run;
static const struct opt opts[] = {
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept in the state file and in the target's ledger"},
    {"undo", 0, OPT_FLAG, &undo, NULL, "look for its files again"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would change"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p = NULL;
    char part[PART_SIZE], said[SKIP_SAID_SIZE];
    int rc = cli_partition(c, c->args.items[0], &p, part, err);
    const struct skip_ask a = {.part = part, .reason = reason, .undo = undo, .dry_run = dry_run};

    if (rc == 0 && !undo && (reason == NULL || *reason == '\0'))
        rc = err_set(err, ERR_USAGE,
                     "skip: --reason is needed: somebody will ask why these rows are not there");
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc == 0)
        rc = skip_partition(c, p, &a, said, err);
    if (rc < 0)
        return rc;
    printf("%s\n", said);
    return 0;
}

const struct command cmd_skip = {
    "skip",
    "PIPELINE/PARTITION",
    "Gives an hour up, with a reason: it is not waited for and not loaded.",
    "  orch skip loans/2022-06-05T05 --reason 'the bank was closed'\n"
    "  orch skip loans/2022-06-05T05 --undo\n",
    opts,
    1,
    1,
    run,
};
