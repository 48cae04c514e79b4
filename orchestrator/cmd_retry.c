#include "orchestrator/extract_now.h"
#include "orchestrator/replay.h"

static const char *from, *to, *reason = "";
static bool dry_run, queue_only;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "PARTITION", "first one, itself included"},
    {"to", 0, OPT_TEXT, &to, "PARTITION", "last one, itself included"},
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept in the state file"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "one line with a reason per partition; change nothing"},
    {"queue", 0, OPT_FLAG, &queue_only, NULL, "leave the work to the next tick"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    const struct replay_ask a = {.verb = "retry",
                                 .from = from,
                                 .to = to,
                                 .only = "failed",
                                 .reason = reason,
                                 .retry = true,
                                 .dry_run = dry_run,
                                 .queue_only = queue_only};

    int rc = cli_is_extract(c, c->args.items[0], err);

    if (rc > 0 && (from != NULL || to != NULL)) {
        err_set(err, ERR_USAGE, "%s is an extract: what failed of it is tried again whole", c->args.items[0]);
        return err_hint(err, "orch extract %s --from TIME --to TIME takes a range", c->args.items[0]);
    }
    if (rc > 0)
        return extract_retry(c, c->args.items[0], reason, dry_run, queue_only, err);
    return rc < 0 ? rc : replay_run(c, &a, err);
}

const struct command cmd_retry = {
    "retry",
    "PIPELINE[/PARTITION] | EXTRACT",
    "Tries again what is FAILED or DEAD, now, with all its attempts.",
    "Nothing that is loaded is touched: orch replay --only failed is the same. Works at once, unless "
    "--queue.\n\n"
    "  orch retry loans/2022-06-05T12\n"
    "  orch retry loans --from 2022-06-05T00 --dry-run\n",
    opts,
    1,
    1,
    run,
};
