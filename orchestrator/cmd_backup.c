#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/backup_place.h"
#include "orchestrator/cmd.h"
#include "steps/backup.h"
#include <unistd.h>

static const char *to, *connection, *pipeline, *codec = "deflate";
static int64_t parallel = 4;
static const struct opt opts[] = {
    {"to", 0, OPT_TEXT, &to, "DIR", "a folder, s3://bucket/prefix/, or a connection of orch.json"},
    {"connection", 0, OPT_TEXT, &connection, "NAME", "the database, by its name in connections"},
    {"pipeline", 0, OPT_TEXT, &pipeline, "PIPELINE", "the database of this pipeline or extract"},
    {"codec", 0, OPT_TEXT, &codec, "null|deflate", "how the files' blocks are packed (deflate)"},
    {"parallel", 0, OPT_COUNT, &parallel, "N", "tables at a time, of one moment (4)"},
    {0},
};
static int64_t began_ms;

static void show(int64_t rows, int64_t bytes)
{
    int64_t ms = clock_mono_ms() - began_ms;
    double s = (double)(ms > 0 ? ms : 1) / 1000;

    fprintf(stderr, "\r%lld rows, %.1f MB, %.0f s, %.0f rows/s   ", (long long)rows, (double)bytes / 1e6, s,
            (double)rows / s);
    fflush(stderr);
}

static const struct out_column columns[] = {{.key = "table", .title = "TABLE"},
                                            {.key = "rows", .title = "ROWS", .right = true},
                                            {.key = "parts", .title = "FILES", .right = true},
                                            {.key = "bytes", .title = "BYTES", .right = true},
                                            {.key = "snapshot", .title = "AS OF"},
                                            {.key = "manifest", .title = "MANIFEST"},
                                            {.key = "run"},
                                            {.key = "text_times"},
                                            {.key = "notice"},
                                            {0}};

static void say_notices(const json_t *rows)
{
    const json_t *row = json_array_get(rows, 0);
    const char *notice = json_string_value(json_object_get(row, "notice"));
    size_t i;

    if (notice != NULL && notice[0] != '\0')
        cli_say("note: %s", notice);
    json_array_foreach(rows, i, row)
        if (json_is_true(json_object_get(row, "text_times")))
            cli_say("note: %s holds dates that no calendar has; its dates and times are kept as text",
                    json_string_value(json_object_get(row, "table")));
}

static int run(struct cli *c, struct err *err)
{
    struct backup_place p;

    if (to == NULL)
        return err_set(err, ERR_USAGE,
                       "--to says where the backup goes: a folder, s3://bucket/prefix/, or a connection");
    if (strcmp(codec, "null") != 0 && strcmp(codec, "deflate") != 0)
        return err_set(err, ERR_USAGE, "--codec '%.40s' is neither null nor deflate", codec);
    int rc = backup_place_open(c, to, connection, pipeline, &p, err);
    if (rc < 0)
        return rc;
    json_t *rows = json_array();
    const struct backup_request q = {.target = p.target,
                                     .place = p.place,
                                     .tables = c->args.items,
                                     .count = (size_t)c->args.count,
                                     .codec = codec,
                                     .parallel = parallel > 0 ? (size_t)parallel : 1,
                                     .beat = &backup_beat,
                                     .progress = isatty(STDERR_FILENO) ? show : NULL};
    cli_signals();
    began_ms = clock_mono_ms();
    rc = backup_tables(&q, rows, err);
    if (q.progress != NULL)
        fprintf(stderr, "\n");
    if (json_array_size(rows) > 0 || rc == 0)
        out_rows(&c->out, "backups", columns, rows);
    say_notices(rows);
    json_decref(rows);
    backup_place_close(&p);
    return rc;
}

const struct command cmd_backup = {
    "backup",
    "TABLE...",
    "Keeps tables as Avro files: all of one moment, counted and summed before they count.",
    "A backup of a table is there when its manifest is: DIR/TABLE/_manifest/TABLE/run-*. The files open in "
    "whatever reads\n"
    "Avro, and orch restore brings them back. Rows may be written meanwhile. docs/backup.md\n\n"
    "  orch backup employees departments jobs --to /backups/hr\n"
    "  orch backup employees --to s3://backups/hr/ --connection warehouse\n",
    opts,
    1,
    OPT_MAX_ARGS,
    run,
};
