#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/backup_place.h"
#include "orchestrator/cmd.h"
#include "steps/backup.h"
#include <unistd.h>

static const char *from, *into, *connection, *pipeline, *backup_run;
static bool dry, empty;
static const struct opt opts[] = {
    {"from", 0, OPT_TEXT, &from, "DIR",
     "where orch backup put it: a folder, s3://bucket/prefix/, or a connection"},
    {"into", 0, OPT_TEXT, &into, "TABLE", "a table of another name"},
    {"empty", 0, OPT_FLAG, &empty, NULL, "rows that the table holds are deleted, in the same transaction"},
    {"run", 0, OPT_TEXT, &backup_run, "RUN", "this backup in place of the newest"},
    {"connection", 0, OPT_TEXT, &connection, "NAME", "the database, by its name in connections"},
    {"pipeline", 0, OPT_TEXT, &pipeline, "PIPELINE", "the database of this pipeline or extract"},
    {"dry-run", 0, OPT_FLAG, &dry, NULL, "reads and compares everything, and writes nothing"},
    {0},
};
static int64_t began_ms;

static void show(int64_t rows, int64_t bytes)
{
    int64_t ms = clock_mono_ms() - began_ms;

    UNUSED(bytes);
    fprintf(stderr, "\r%lld rows, %.0f s   ", (long long)rows, (double)ms / 1000);
    fflush(stderr);
}

static void report(const struct cli *c, const json_t *done)
{
    const char *table = json_string_value(json_object_get(done, "table")),
               *name = json_string_value(json_object_get(done, "into"));
    bool made = json_is_true(json_object_get(done, "made"));

    if (c->out.format != OUT_TABLE) {
        json_t *document = json_pack("{s:i,s:O}", "schema_version", 1, "restore", done);
        out_document(&c->out, document);
        json_decref(document);
        return;
    }
    printf("%s%s%s: %lld row%s as of %s %s%s\n", table, strcmp(table, name) != 0 ? " into " : "",
           strcmp(table, name) != 0 ? name : "", (long long)json_integer_value(json_object_get(done, "rows")),
           json_integer_value(json_object_get(done, "rows")) == 1 ? "" : "s",
           json_string_value(json_object_get(done, "snapshot")), dry ? "would be restored" : "restored",
           made    ? "; the table is made"
           : empty ? "; rows that are there are deleted"
                   : "");
    printf("  from %s\n", json_string_value(json_object_get(done, "manifest")));
}

static int run(struct cli *c, struct err *err)
{
    struct backup_place p;
    json_t *done = NULL;

    if (from == NULL)
        return err_set(err, ERR_USAGE,
                       "--from says where the backup is: a folder, s3://bucket/prefix/, or a connection");
    int rc = backup_place_open(c, from, connection, pipeline, &p, err);
    if (rc < 0)
        return rc;
    const struct restore_request q = {.target = p.target,
                                      .place = p.place,
                                      .table = c->args.items[0],
                                      .into = into != NULL ? into : c->args.items[0],
                                      .run = backup_run,
                                      .empty = empty,
                                      .dry = dry,
                                      .beat = &backup_beat,
                                      .progress = isatty(STDERR_FILENO) ? show : NULL};
    cli_signals();
    began_ms = clock_mono_ms();
    rc = restore_backup(&q, &done, err);
    if (q.progress != NULL)
        fprintf(stderr, "\n");
    if (rc == 0)
        report(c, done);
    json_decref(done);
    backup_place_close(&p);
    return rc;
}

const struct command cmd_restore = {
    "restore",
    "TABLE",
    "Brings a table back from orch backup: all of its rows, or none.",
    "Every file is compared with its manifest before anything is written. A table that is missing is made; "
    "one that is\n"
    "there must be empty. Rows are counted and summed before COMMIT: whenever it dies, the table is as it "
    "was, or whole.\n"
    "docs/backup.md\n\n"
    "  orch restore employees --from /backups/hr --dry-run\n"
    "  orch restore employees --from /backups/hr --empty\n"
    "  orch restore employees --from /backups/hr --into employees_of_june\n",
    opts,
    1,
    1,
    run,
};
