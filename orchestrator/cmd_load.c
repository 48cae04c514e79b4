#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/backup_place.h"
#include "orchestrator/intake.h"
#include "orchestrator/load_file.h"
#include "state/metric.h"

static bool partial, atomic, again, dry_run;
static const char *table, *max_rejects;
static const struct opt opts[] = {
    {"table", 't', OPT_TEXT, &table, "TABLE", "of the data dictionary: \"tables\" of orch.json"},
    {"partial", 0, OPT_FLAG, &partial, NULL, "good records in, bad ones to the log (the default)"},
    {"atomic", 0, OPT_FLAG, &atomic, NULL, "one bad record, and nothing of its file is stored"},
    {"max-rejects", 0, OPT_TEXT, &max_rejects, "N|P%",
     "more bad records than so many, or than so many of a hundred, and nothing of the file is stored"},
    {"again", 0, OPT_FLAG, &again, NULL, "also a file that was loaded before, byte for byte the same"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "all of it, and then taken back: nothing is stored or logged"},
    {0},
};
enum { SHOWN = 10, COUNTERS_MS = 2000 };

struct loading {
    struct cli *c;
    const char *name; /* of the file */
    struct load_file file;
    int64_t shown;
    struct intake_counts n; /* of what was done now */
    bool show;              /* rejects are not in the log, or nothing was stored because of them */
};

static int on_told(void *arg, int64_t record, const struct reject_info *why, struct err *err)
{
    struct loading *l = arg;

    UNUSED(err);
    UNUSED(record);
    if (why == NULL || !l->show || l->shown++ >= SHOWN)
        return 0;
    cli_say("%s line %lld%s%s: %s: %s%s%s%s", l->name, (long long)why->line,
            why->column[0] != '\0' ? " column " : "", why->column, why->code, why->message,
            why->hint[0] != '\0' ? " (hint: " : "", why->hint, why->hint[0] != '\0' ? ")" : "");
    return 0;
}

static int on_answer(void *arg, const struct intake_counts *n, struct buf *ret, struct err *err)
{
    struct loading *l = arg;
    /* a file that was not read to its end has stored nothing */
    int rc = n->stored > 0 || n->rejected == 0 ? load_file_end(&l->file, err) : 0;

    return rc < 0 ? rc : buf_addf(ret, err, "%s", l->name);
}

static int budget(struct intake_ask *a, struct err *err)
{
    a->max_percent = -1;
    if (max_rejects == NULL)
        return 0;
    if (atomic)
        return err_set(err, ERR_USAGE, "--atomic and --max-rejects: one of the two");
    if (config_budget(max_rejects, &a->max_rejects, &a->max_percent, err) < 0)
        return err_set(err, ERR_USAGE,
                       "--max-rejects: '%.40s' is neither a number nor a percentage such as 5%%",
                       max_rejects);
    a->bounded = true;
    return 0;
}

static json_t *row_of(const struct loading *l, const char *result, const struct intake_counts *n, int64_t ms)
{
    return json_pack("{s:o,s:s,s:s,s:I,s:I,s:I,s:s,s:I}", "file", cli_json_text(l->name), "table", table,
                     "result", result, "records", n->records, "stored", n->stored, "rejected", n->rejected,
                     "sha256", l->file.sha256, "ms", ms);
}

/* The file's own key; --again has one that no file had, so that a lost answer can still be settled. */
static char *key_of(const struct loading *l)
{
    unsigned char r[8];
    char hex[17];

    if (!again)
        return xasprintf("sha256:%s", l->file.sha256);
    random_bytes(r, sizeof r);
    str_hex(r, sizeof r, hex);
    return xasprintf("sha256:%s again %s", l->file.sha256, hex);
}

/* 1: stored, now or before; 0: refused. */
static int one(struct loading *l, struct target *t, const struct dict_table *d, json_t *rows, struct err *err)
{
    struct intake_ask a = {.table = d,
                           .first_names = d->convert.header,
                           .next = load_file_next,
                           .arg = &l->file,
                           .partial = !atomic,
                           .forget = true,
                           .dry_run = dry_run,
                           .source = l->name,
                           .told = on_told,
                           .told_arg = l,
                           .answer = on_answer};
    struct buf answer = BUF_INIT(MAX_INTAKE_ANSWER);
    struct intake_counts n = {0};
    int64_t began_ms = clock_mono_ms();
    char who[200], *key = NULL;
    int rc = budget(&a, err);

    a.who = cli_who(who, sizeof who);
    l->show = atomic || dry_run || max_rejects != NULL;
    if (rc == 0)
        rc = load_file_open(l->c, l->name, &l->file, err);
    if (rc == 0)
        rc = load_file_records(&l->file, &d->dialect, err);
    if (rc == 0) {
        a.key = key = key_of(l);
        memcpy(a.sha256, l->file.sum, sizeof a.sha256);
        rc = intake_take(t, &a, &n, &answer, err);
    }
    if (rc == 1 && !dry_run)
        l->n = n;
    if (rc > 0) {
        bool refused = rc == 1 && n.stored == 0 && n.rejected > 0 && (atomic || a.bounded);
        json_array_append_new(rows, row_of(l,
                                           rc == 2   ? "BEFORE"
                                           : refused ? "REFUSED"
                                           : dry_run ? "WOULD LOAD"
                                                     : "LOADED",
                                           &n, clock_mono_ms() - began_ms));
        if (rc == 2)
            cli_say("%s: these bytes were loaded before, and nothing was stored now; --again does it all the "
                    "same",
                    l->name);
        else if (l->shown > SHOWN)
            cli_say("%s: and %lld more", l->name, (long long)(l->shown - SHOWN));
        if (refused)
            cli_say("%s: nothing of it was stored: %s%s", l->name,
                    atomic ? "--atomic wants every record to be good"
                           : "more were rejected than --max-rejects ",
                    atomic ? "" : max_rejects);
        rc = !refused;
    } else if (rc < 0) {
        rc = err_prefix(err, "%.300s", l->name);
    }
    buf_release(&answer);
    free(key);
    load_file_close(&l->file);
    return rc;
}

/* For the metrics and the dashboard. Who has no state file, or may not write it, loads all the same. */
static void count(struct cli *c, const struct dict_table *d, const struct intake_counts *n)
{
    struct store *s = NULL;
    struct err ignored;

    if (n->stored + n->rejected == 0 || store_open(c->config->state, STORE_OPEN, &s, &ignored) < 0)
        return;
    store_busy_timeout(s, COUNTERS_MS);
    int rc = store_begin(s, &ignored);
    if (rc == 0)
        rc = counter_intake(s, d->name, n->stored, n->rejected, clock_now_ms(), &ignored);
    if (rc == 0)
        err_ignore(store_commit(s, &ignored));
    store_close(s);
}

static int check_words(struct err *err)
{
    if (table == NULL)
        return err_set(err, ERR_USAGE, "--table says where the records go: a table of the data dictionary");
    if (partial && atomic)
        return err_set(err, ERR_USAGE, "--partial and --atomic: one of the two");
    return 0;
}

static int run(struct cli *c, struct err *err)
{
    static const struct out_column columns[] = {
        {"file", "FILE", false, false},
        {"table", "TABLE", false, false},
        {"records", "RECORDS", true, false},
        {"stored", "STORED", true, false},
        {"rejected", "REJECTED", true, false},
        {"result", "RESULT", false, true},
        {0},
    };
    const struct dict_table *d = NULL;
    struct target *t = NULL;
    json_t *rows = json_array();
    struct intake_counts all = {0};
    bool refused = false;
    int rc = check_words(err);

    if (rc == 0)
        rc = cli_config(c, err);
    if (rc == 0)
        rc = config_table(c->config, table, &d, err);
    if (rc == 0) {
        struct target_config config = d->target;
        config.beat = &backup_beat;
        cli_signals();
        rc = target_open(&config, &t, err);
    }
    /* in order, and none after one that failed: the next may refer to its rows */
    for (int i = 0; rc == 0 && !refused && i < c->args.count; i++) {
        struct loading l = {.c = c, .name = c->args.items[i]};
        int loaded = one(&l, t, d, rows, err);
        rc = loaded < 0 ? loaded : 0;
        refused = loaded == 0;
        all.stored += l.n.stored;
        all.rejected += l.n.rejected;
    }
    count(c, d, &all);
    if (json_array_size(rows) > 0)
        out_rows(&c->out, "files", columns, rows);
    target_close(t);
    json_decref(rows);
    return rc < 0 ? rc : refused ? err_exit_status(ERR_TOO_MANY_REJECTS) : 0;
}

const struct command cmd_load = {
    "load",
    "FILE...",
    "Takes the records of CSV files into a table of the data dictionary, now.",
    "A path, file:// or s3://; plain, .gz or .zst. Each file is one transaction, in the order given, and its "
    "bytes are\n"
    "its key: the same file again stores nothing. A record that breaks a rule is not stored but logged, with "
    "the reason\n"
    "and its bytes (orch rejects --table TABLE). Exit 1 where a file was refused whole. docs/intake.md\n\n"
    "  orch load departments.csv --table departments\n"
    "  orch load s3://lake/hired_employees.csv.gz --table hired_employees --max-rejects 5%\n"
    "  orch load jobs.csv --table jobs --dry-run\n",
    opts,
    1,
    OPT_MAX_ARGS,
    run,
};
