#include "base/limits.h"
#include "orchestrator/cmd.h"
#include "orchestrator/extract_adhoc.h"
#include "orchestrator/spec.h"

static const char *config_file, *host, *user, *database;
static int64_t port, batch;
static const struct opt opts[] = {
    {"config", 'c', OPT_TEXT, &config_file, "CONFIG.json",
     "the config.json beside a task spec: server, user, batch size"},
    {"host", 'H', OPT_TEXT, &host, "HOST", "of the database, whatever the config says"},
    {"port", 'P', OPT_COUNT, &port, "PORT", "of the database"},
    {"user", 'u', OPT_TEXT, &user, "USER", "of the database"},
    {"db", 'd', OPT_TEXT, &database, "DATABASE", "that the tables are in"},
    {"batch", 'b', OPT_COUNT, &batch, "MB", "how large a file may become"},
    {0},
};

static int run(struct cli *c, struct err *err)
{
    struct buf text = BUF_INIT(MAX_SPEC), config = BUF_INIT(MAX_SPEC);
    struct spec s = {0};
    int rc = spec_load(c->args.items[0], &text, err);

    if (rc == 0)
        rc = spec_port(port, err);
    if (rc == 0 && config_file != NULL)
        rc = spec_load(config_file, &config, err);
    if (rc == 0) {
        const struct spec_given given = {.text = {text.p, text.n},
                                         .config = {config.p, config.n},
                                         .host = host,
                                         .user = user,
                                         .database = database,
                                         .port = port,
                                         .batch_mb = batch,
                                         .mend = true};
        rc = spec_read(&given, &s, err);
        spec_say(s.notes, "");
        if (json_array_size(s.errors) > 1)
            spec_say(s.errors, "refused: ");
        if (rc < 0 && json_array_size(s.errors) > 1) {
            err_set(err, ERR_CONFIG, "%s: %zu faults", c->args.items[0], json_array_size(s.errors));
            rc = err_hint(err, "docs/extract-specs.md tells what is understood");
        }
    }
    if (rc == 0)
        out_document(&c->out, s.document);
    spec_release(&s);
    buf_release(&text);
    buf_release(&config);
    return rc;
}

const struct command cmd_spec_convert = {
    "spec convert",
    "FILE",
    "Makes an orch.json of another system's extract spec.",
    "FILE is a task spec of SQL Periodic Data Extraction, or a config or backfill config of CreDE. The "
    "orch.json goes\n"
    "to stdout; what was mended, and what will be otherwise than there, to stderr. What cannot be done as "
    "the spec\n"
    "says is refused, all of it, and nothing is written. A password is not written in any case.\n\n"
    "  orch spec convert task_spec/employees.json --config config/config.json > orch.json\n"
    "  orch spec convert backfill.json -H db.example -u reader\n",
    opts,
    1,
    1,
    run,
};
