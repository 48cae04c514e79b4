#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "steps/stage.h"

static const char *connection, *pipeline;
static bool dry_run;
static const struct opt opts[] = {
    {"connection", 0, OPT_TEXT, &connection, "NAME", "the database, by its name in connections"},
    {"pipeline", 0, OPT_TEXT, &pipeline, "PIPELINE", "the database of this pipeline"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "print the statements, run none"},
    {0},
};

/* A pipeline that reaches the database: connections are opened through one. */
static int choose(struct cli *c, const char *table, const struct pipeline **ret, struct err *err)
{
    const struct config *f = c->config;

    if ((connection != NULL) == (pipeline != NULL) && (connection != NULL || f->pipeline_count != 1)) {
        err_set(err, ERR_USAGE, "lineage add: one of --connection and --pipeline says which database");
        return -(int)ERR_USAGE;
    }
    if (pipeline != NULL)
        return config_pipeline(f, pipeline, ret, err);
    for (size_t i = 0; i < f->pipeline_count; i++)
        if (connection == NULL || strcmp(f->pipelines[i].target_name, connection) == 0) {
            *ret = &f->pipelines[i];
            if (strcmp(f->pipelines[i].table, table) == 0)
                return 0;
        }
    if (*ret != NULL)
        return 0;
    err_set(err, ERR_NOT_FOUND, "no pipeline loads into a connection '%s'", connection);
    return err_hint(err, "name the pipeline that will, in orch.json, first");
}

static int run(struct cli *c, struct err *err)
{
    const char *table = c->args.items[0];
    const struct pipeline *p = NULL;
    char stage[STAGE_NAME_SIZE];
    struct step_ctx ctx;
    struct target *t = NULL;
    int rc = cli_config(c, err);

    if (rc == 0)
        rc = choose(c, table, &p, err);
    if (rc < 0)
        return rc;
    cli_step(c, p, &ctx);
    rc = step_target(&ctx, &t, err);
    if (rc == 0 && dry_run) {
        struct buf ddl = BUF_INIT(1 * MIB);
        rc = target_ddl(t, table, &ddl, err);
        if (rc >= 0 && ddl.n > 0)
            fputs(ddl.p, stdout);
        buf_release(&ddl);
    } else if (rc == 0) {
        rc = target_lineage_add(t, table, err);
        if (rc >= 0)
            printf("%s: %s has " LINEAGE_LOAD_ID " and " LINEAGE_LINE
                   ", invisible, and a unique index over them\n",
                   target_name(t), table);
        if (rc >= 0 && p != NULL && strcmp(p->table, table) == 0)
            rc = step_stage_setup(&ctx, stage, err);
    }
    cli_step_end(&ctx);
    return rc < 0 ? rc : 0;
}

const struct command cmd_lineage_add = {
    "lineage add",
    "TABLE",
    "Gives a table of yours the two columns by which orch knows its rows.",
    "Adds _orch_load_id and _orch_line as INVISIBLE columns with a UNIQUE index: SELECT * and INSERT without "
    "a\n"
    "column list go on as before. Without them a pipeline needs \"lineage\": \"none\": append only, no "
    "replay, no\n"
    "reconciliation.\n\n"
    "  orch lineage add loan_applicant_info --pipeline loans --dry-run\n",
    opts,
    1,
    1,
    run,
};
