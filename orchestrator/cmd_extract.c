#include "orchestrator/cmd.h"
#include "orchestrator/extract_adhoc.h"
#include "orchestrator/extract_now.h"

static struct extract_ask ask;
static struct adhoc adhoc;
static const struct opt opts[] = {
    {"full", 0, OPT_FLAG, &ask.full, NULL, "everything, whatever the watermarks say; they stay as they are"},
    {"from", 0, OPT_TEXT, &ask.from, "TIME",
     "a range of the watermark, such as 2022-06-05 or 2022-06-05T12, UTC"},
    {"to", 0, OPT_TEXT, &ask.to, "TIME", "its end, itself not; up to what is there without it"},
    {"hours", 0, OPT_TEXT, &ask.hours, "N", "the last N hours"},
    {"reason", 0, OPT_TEXT, &ask.reason, "TEXT", "kept with the run"},
    {"verify", 0, OPT_FLAG, &ask.verify, NULL, "the files are read back before they are published"},
    {"moved", 0, OPT_FLAG, &ask.moved, NULL,
     "source or sink is another, and the same rows are there: the watermarks stand"},
    {"dry-run", 0, OPT_FLAG, &ask.dry, NULL, "tells what would be taken, and takes nothing"},
    {"fail-if-locked", 0, OPT_FLAG, &ask.fail_if_locked, NULL,
     "exit 10 when another process works the extract"},
    {"spec", 's', OPT_TEXT, &adhoc.spec, "FILE",
     "a task spec of another system, in place of EXTRACT (orch spec convert)"},
    {"sink", 0, OPT_TEXT, &adhoc.sink, "URL|NAME",
     "where the spec's files go: s3://, file://, or a connection of orch.json"},
    {"host", 'H', OPT_TEXT, &adhoc.host, "HOST",
     "of the database, before what the spec says; so are the next four"},
    {"port", 'P', OPT_COUNT, &adhoc.port, "PORT",
     "(SQL PDE's -P was the password: no password stands on a command line here)"},
    {"user", 'u', OPT_TEXT, &adhoc.user, "USER",
     "the password comes from --password-file, --option-file, MYSQL_PWD, or a prompt"},
    {"db", 'd', OPT_TEXT, &adhoc.database, "DATABASE", "its database"},
    {"batch", 'b', OPT_COUNT, &adhoc.batch_mb, "MB", "files of about so many MB"},
    {"password-file", 0, OPT_TEXT, &adhoc.password_file, "FILE", "of mode 0600"},
    {"option-file", 0, OPT_TEXT, &adhoc.option_file, "FILE", "my.cnf form"},
    {"tls", 0, OPT_TEXT, &adhoc.tls, "MODE", "off, prefer, require or verify (verify)"},
    {0},
};

static int run(struct cli *c, struct err *err)
{

    if (c->config_path != NULL &&
        (strchr("@{", c->config_path[0]) != NULL || strcmp(c->config_path, "-") == 0)) {
        adhoc.config = c->config_path; /* another system's, not ours */
        c->config_path = NULL;
    }
    bool foreign = adhoc.spec != NULL || adhoc.config != NULL;

    if (foreign == (c->args.count > 0))
        return err_set(err, ERR_USAGE,
                       foreign ? "EXTRACT and --spec: one of the two"
                               : "an EXTRACT of orch.json, --spec FILE, or --config @FILE");
    if (!foreign && (adhoc.sink != NULL || adhoc.host != NULL || adhoc.user != NULL ||
                     adhoc.database != NULL || adhoc.password_file != NULL || adhoc.option_file != NULL ||
                     adhoc.tls != NULL || adhoc.port != 0 || adhoc.batch_mb != 0)) {
        err_set(err, ERR_USAGE,
                "--sink, --host, --port, --user, --db, --batch, --password-file, --option-file and "
                "--tls go with --spec or --config @FILE: %s is as orch.json says",
                c->args.items[0]);
        return err_hint(err, "change its connection in orch.json");
    }
    if (foreign) {
        struct adhoc_run r = {0};
        int rc = adhoc_open(c, &adhoc, &r, err);
        ask.spec_hours = r.hours;
        if (rc == 0)
            rc = extract_now(c, r.config, &r.config->extracts[0], r.store, &ask, err);
        adhoc_close(&r);
        return rc;
    }
    return extract_named(c, c->args.items[0], &ask, err);
}

const struct command cmd_extract = {
    "extract",
    "[EXTRACT]",
    "Takes tables out of a database into files, now: what is new, everything, or a range.",
    "What is new is what orch tick takes by the schedule; running it twice takes nothing twice. --full, "
    "--from, --to and\n"
    "--hours take beside the sequence: the watermarks stay where they are. Files are complete when their "
    "manifest is there.\n"
    "--spec FILE is another system's task; --config @FILE, - or JSON text its config, which may be the task "
    "itself\n"
    "(docs/extract-specs.md). Its state is orch-extract.db in the current folder.\n\n"
    "  orch extract hr\n"
    "  orch extract hr --from 2022-06-05 --to 2022-06-06 --reason 'lost by the consumer'\n"
    "  orch extract --config @crede.json --password-file db.secret\n"
    "  orch extract --spec employees.json --sink s3://exports/ --host db.example --user reader\n",
    opts,
    0,
    1,
    run,
};
