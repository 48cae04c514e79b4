#include "base/limits.h"
#include "base/mem.h"
#include "io/target_rejects.h"
#include "orchestrator/cmd.h"
#include "steps/stage.h"

static bool dry_run;
static const struct opt opts[] = {
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "print the statements, run none"},
    {0},
};

/* The first pipeline of each target connection stands for it: orch's own tables are one per database. */
static bool first_of_target(const struct config *c, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(c->pipelines[k].target.url, c->pipelines[i].target.url) == 0)
            return false;
    return true;
}

static int statements(struct step_ctx *c, struct target *t, const struct pipeline *p, struct err *err)
{
    struct buf ddl = BUF_INIT(1 * MIB);
    struct buf copy = BUF_INIT(64 * KIB);
    int rc = target_ddl(t, p->table, &ddl, err);

    if (rc >= 0)
        rc = step_stage_ddl(c, &ddl, err);
    if (rc >= 0 && p->rejects_table != NULL)
        rc = target_copy_ddl(t, p->rejects_table, &copy, err);
    if (rc >= 0 && copy.n > 0)
        rc = buf_adds(&ddl, copy.p, err);
    buf_release(&copy);

    if (rc >= 0 && ddl.n > 0)
        printf("-- %s on %s\n%s%s", p->name, target_name(t), ddl.p, ddl.p[ddl.n - 1] == '\n' ? "" : "\n");
    buf_release(&ddl);
    return rc < 0 ? rc : 0;
}

/* Where rows wait before they come to the table: of large files, and of mode upsert. */
static int stage(struct step_ctx *ctx, struct err *err)
{
    static const char *const words[] = {"is there", "made", "made anew, as the table is now"};
    char name[STAGE_NAME_SIZE];
    int rc = step_stage_setup(ctx, name, err);

    if (rc >= 0 && rc != STAGE_NOT_WANTED)
        printf("%s: staging table %s %s\n", ctx->pipeline->name, name, words[rc]);
    return rc;
}

static int one(struct cli *c, size_t i, struct err *err)
{
    const struct pipeline *p = &c->config->pipelines[i];
    struct step_ctx ctx;
    struct target *t = NULL;
    int rc;

    cli_step(c, p, &ctx);
    rc = step_target(&ctx, &t, err);
    if (rc == 0 && dry_run) {
        rc = statements(&ctx, t, p, err);
        goto out;
    }
    if (rc == 0 && first_of_target(c->config, i)) {
        rc = target_setup(t, err);
        if (rc >= 0)
            printf("%s: orch_load, orch_fence and orch_reject are there\n", target_name(t));
    }
    if (rc >= 0 && p->rejects_table != NULL) {
        rc = target_copy_setup(t, p->rejects_table, err);
        if (rc >= 0)
            printf("%s: table %s is there\n", p->name, p->rejects_table);
    }
    if (rc >= 0 && p->create) {
        rc = step_create_table(&ctx, err);
        if (rc >= 0)
            printf("%s: table %s %s\n", p->name, p->table, rc > 0 ? "made" : "is there");
    }
    if (rc >= 0)
        rc = stage(&ctx, err);
out:
    if (rc < 0)
        rc = err_prefix(err, "%s", p->name);
    cli_step_end(&ctx);
    return rc < 0 ? rc : 0;
}

static int dictionary(const struct config *c, size_t i, struct err *err)
{
    struct buf ddl = BUF_INIT(1 * MIB);
    struct target *t = NULL;

    for (size_t k = 0; k < i; k++) /* one a database */
        if (strcmp(c->tables[k].target.url, c->tables[i].target.url) == 0)
            return 0;
    int rc = target_open(&c->tables[i].target, &t, err);
    if (rc == 0 && dry_run) {
        rc = target_ddl(t, NULL, &ddl, err);
        if (rc == 0)
            printf("-- for rows into %s on %s\n%s", c->tables[i].name, target_name(t), ddl.p);
    } else if (rc == 0) {
        rc = target_setup(t, err);
        if (rc == 0)
            printf("%s: orch_intake and orch_intake_reject are there\n", target_name(t));
    }
    if (rc < 0)
        rc = err_prefix(err, "tables.%s", c->tables[i].name);
    target_close(t);
    buf_release(&ddl);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    int rc = cli_store(c, STORE_CREATE, err);

    for (size_t i = 0; rc == 0 && i < c->config->pipeline_count; i++)
        rc = one(c, i, err);
    for (size_t i = 0; rc == 0 && i < c->config->table_count; i++)
        rc = dictionary(c->config, i, err);
    return rc;
}

const struct command cmd_target_setup = {
    "target setup",
    "",
    "Makes orch's tables in the target databases, and those of pipelines with create.",
    "orch_load, orch_fence and orch_reject are written in the same transaction as the rows: they are what "
    "makes a\n"
    "load happen exactly once. A table with lineage columns gets a staging table, _orch_stage_TABLE. A tick "
    "never\n"
    "runs DDL.\n\n"
    "  orch target setup --dry-run     the statements, for the one who may run them\n",
    opts,
    0,
    0,
    run,
};
