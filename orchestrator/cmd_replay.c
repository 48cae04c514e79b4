#include "orchestrator/extract_now.h"
#include "orchestrator/replay.h"

static const char *from, *to, *only, *reason = "";
static bool dry_run, queue_only;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "PARTITION", "first one, itself included"},
    {"to", 0, OPT_TEXT, &to, "PARTITION", "last one, itself included"},
    {"only", 0, OPT_TEXT, &only, "WHICH",
     "missing, failed, mismatched or all (one partition: all; else what is not well)"},
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept with the job and in the target's ledger"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "one line with a reason per partition; change nothing"},
    {"queue", 0, OPT_FLAG, &queue_only, NULL, "leave the work to the next tick"},
    {0},
};

/* A range beside the sequence: what has been taken stays, and the watermarks stay where they are. */
static int replay_extract(struct cli *c, const char *name, struct err *err)
{
    const struct extract_ask ask = {
        .from = from, .to = to, .reason = reason, .dry = dry_run, .queue = queue_only};

    if (only != NULL) {
        err_set(err, ERR_USAGE, "%s is an extract, and has no partitions to choose among by --only", name);
        return err_hint(err, "what has failed: orch retry %s", name);
    }
    if (from == NULL) {
        err_set(err, ERR_USAGE, "%s is an extract: --from and --to, two times, say what is taken again",
                name);
        return err_hint(err, "orch extract %s --full takes everything", name);
    }
    return extract_named(c, name, &ask, err);
}

static int run(struct cli *c, struct err *err)
{
    const struct replay_ask a = {.verb = "replay",
                                 .from = from,
                                 .to = to,
                                 .only = only,
                                 .reason = reason,
                                 .dry_run = dry_run,
                                 .queue_only = queue_only};
    int rc = replay_only(only, err);

    if (rc == 0)
        rc = cli_is_extract(c, c->args.items[0], err);
    if (rc > 0)
        return replay_extract(c, c->args.items[0], err);
    return rc < 0 ? rc : replay_run(c, &a, err);
}

const struct command cmd_replay = {
    "replay",
    "PIPELINE[/PARTITION] | EXTRACT",
    "Loads hours again, without doubling a row.",
    "What is loaded gets a new generation that replaces the old one in one transaction; what failed is tried "
    "again.\n"
    "Works at once, unless --queue. Of an extract --from and --to are times, the second itself not: that "
    "range is\n"
    "taken again into files and a manifest of their own, as orch extract --from --to does.\n\n"
    "  orch replay loans/2022-06-05T12 --reason 'the bank sent a correction'\n"
    "  orch replay loans --from 2022-06-05T00 --to 2022-06-05T23 --only failed --dry-run\n",
    opts,
    1,
    1,
    run,
};
