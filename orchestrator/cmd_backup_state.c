#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "state/exec.h"
#include "state/store_copy.h"

static const char *to, *from;
static bool verify, yes;
static const struct opt backup_opts[] = {
    {"to", 0, OPT_TEXT, &to, "FILE", "the copy; one that is there is replaced"},
    {0},
};
static const struct opt restore_opts[] = {
    {"from", 0, OPT_TEXT, &from, "FILE", "a copy that orch backup state has made"},
    {"verify", 0, OPT_FLAG, &verify, NULL, "only reads it, and tells what is in it"},
    {"yes", 0, OPT_FLAG, &yes, NULL, "puts it in the place of the state file"},
    {0},
};

static void report(const struct cli *c, const char *path, const struct store_facts *f, const char *done)
{
    char when[CLI_TIME_SIZE];

    cli_time(f->newest_ms, when);
    if (c->out.format != OUT_TABLE) {
        json_t *o = json_pack("{s:i,s:o,s:s,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "schema_version", 1, "file",
                              cli_json_text(path), "result", done, "version", f->version, "bytes",
                              (json_int_t)f->bytes, "pipelines", (json_int_t)f->pipelines, "partitions",
                              (json_int_t)f->partitions, "jobs", (json_int_t)f->jobs, "rejects",
                              (json_int_t)f->rejects, "running", (json_int_t)f->running, "newest",
                              cli_json_time(f->newest_ms));
        out_document(&c->out, o);
        json_decref(o);
        return;
    }
    printf("%s: %s; %lld pipeline%s, %lld partitions, %lld jobs, %lld rejects; version %d, %lld bytes%s%s\n",
           path, done, (long long)f->pipelines, f->pipelines == 1 ? "" : "s", (long long)f->partitions,
           (long long)f->jobs, (long long)f->rejects, f->version, (long long)f->bytes,
           when[0] != '\0' ? "; newest execution " : "", when);
}

static int run_backup(struct cli *c, struct err *err)
{
    struct store_facts f;

    if (to == NULL)
        return err_set(err, ERR_USAGE, "--to says which file the copy is to be");
    int rc = cli_store(c, STORE_READ, err);
    if (rc == 0)
        rc = store_copy(c->store, to, &f, err);
    if (rc == 0)
        report(c, to, &f, "copied and read back");
    return rc;
}

static int on_running(void *arg, const struct execution *e, struct err *err)
{
    UNUSED(arg);
    err_set(err, ERR_BUSY, "%s is under way", e->name);
    return err_hint(err, "let it end, or orch stop %s", e->name);
}

/* What is there now is kept beside it: a restore is a mistake now and then. */
static int replace(struct cli *c, struct err *err)
{
    struct store *s = NULL;
    struct store_facts before;
    int rc = cli_config(c, err);

    if (rc == 0)
        rc = store_open(c->config->state, STORE_CREATE, &s, err);
    if (rc < 0)
        return err->code == ERR_STATE ? err_hint(err, "move the state file and its -wal away first") : rc;
    char *aside = xasprintf("%s.before-restore", store_path(s));
    rc = exec_list(s, NULL, "RUNNING", 1, on_running, NULL, err);
    if (rc == 0)
        rc = store_copy(s, aside, &before, err);
    if (rc == 0) {
        rc = store_replace(s, from, err);
        s = NULL;
    }
    if (rc == 0)
        cli_say("what was there is kept as %s", aside);
    store_close(s);
    free(aside);
    return rc;
}

static int run_restore(struct cli *c, struct err *err)
{
    struct store_facts f;

    if (from == NULL)
        return err_set(err, ERR_USAGE, "--from says which copy");
    if (verify == yes)
        return err_set(err, ERR_USAGE,
                       "--verify only reads the copy; --yes puts it in the place of the state file");
    int rc = store_verify(from, &f, err);
    if (rc == 0 && yes)
        rc = replace(c, err);
    if (rc == 0)
        report(c, from, &f, yes ? "is the state file now" : "can be read whole");
    return rc;
}

const struct command cmd_backup_state = {
    "backup state",
    "",
    "Copies the state file, whole and of one moment, while ticks run.",
    "The copy is checked (PRAGMA integrity_check) before it gets its name. Without any copy the state file "
    "is "
    "made anew\n"
    "from the target's ledger; what people decided, rejects and history are in it alone.\n\n"
    "  orch backup state --to /backups/orch.db\n",
    backup_opts,
    0,
    0,
    run_backup,
};
const struct command cmd_restore_state = {
    "restore state",
    "",
    "Proves that a copy of the state file can be read, or puts it in its place.",
    "What was loaded since the copy was made is known again from the target's ledger with the next tick. "
    "Refused while an\n"
    "execution is under way.\n\n"
    "  orch restore state --from /backups/orch.db --verify\n"
    "  orch restore state --from /backups/orch.db --yes\n",
    restore_opts,
    0,
    0,
    run_restore,
};
