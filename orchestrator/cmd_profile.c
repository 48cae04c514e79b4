#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/profile.h"
#include "orchestrator/subject.h"
#include <unistd.h>

enum {
    MAX_PAGE = 256 * 1024 * 1024, /* a page of MAX_COLUMNS columns is a third of it */
    SHOW_EACH_MS = 500,
};
static struct subject_options given;
static const char *html_path, *json_path;
static bool table, no_values;
static const struct opt opts[] = {
    {"table", 0, OPT_FLAG, &table, NULL, "the pipeline's target table in place of its files"},
    {"html", 0, OPT_TEXT, &html_path, "FILE", "where the page goes (else profile-NAME.html here)"},
    {"json", 0, OPT_TEXT, &json_path, "FILE", "the same as JSON, too"},
    {"no-values", 0, OPT_FLAG, &no_values, NULL,
     "leave out values of cells: most frequent ones, examples, extremes"},
    SUBJECT_OPTS(given, "; columns are 1, 2, ..."),
    {0},
};

struct profiling {
    struct cli *c;
    struct subject of;
    struct profile_config config;
    struct profile *profile; /* owned; NULL until the first record */
    char **names, **files;   /* owned */
    size_t name_count, file_count;
    const char ***column_nulls; /* owned; strings borrowed */
    bool first;                 /* the next record is the first of its file */
    int64_t rows, shown_ms;
    char **column_names; /* owned: of the first file */
    struct profile_subject subject;
};

/* --- records --- */

static void show_progress(struct profiling *k)
{
    int64_t now = clock_mono_ms();

    if (k->rows % 65536 != 0 || now - k->shown_ms < SHOW_EACH_MS)
        return;
    k->shown_ms = now;
    fprintf(stderr, "\r%lld rows", (long long)k->rows);
}

static void column_rules(struct profiling *k)
{
    const struct convert_config *c = &k->of.ctx.pipeline->convert;

    k->column_nulls = xcalloc(k->name_count + 1, sizeof *k->column_nulls);
    for (size_t i = 0; i < k->name_count; i++)
        for (size_t r = 0; r < c->rule_count; r++)
            if (strcmp(c->rules[r].from, k->column_names[i]) == 0)
                k->column_nulls[i] = (const char **)(uintptr_t)c->rules[r].nulls;
    k->config = (struct profile_config){c->nulls, (const char *const *const *)(uintptr_t)k->column_nulls};
}

static void begin(struct profiling *k, const struct csv_record *rec)
{
    bool header = k->of.ctx.pipeline->convert.header;
    struct str *names = xcalloc(rec->count + 1, sizeof *names);

    k->name_count = rec->count;
    k->column_names = xcalloc(rec->count + 1, sizeof *k->column_names);
    for (size_t i = 0; i < rec->count; i++) {
        k->column_names[i] = header ? xstrndup(rec->fields[i].p, rec->fields[i].n) : xasprintf("%zu", i + 1);
        names[i] = str_of(k->column_names[i]);
    }
    column_rules(k);
    k->profile = profile_new(&k->config, names, rec->count);
    free(names);
}

static int same_header(const struct profiling *k, const struct csv_record *rec, struct err *err)
{
    bool same = rec->count == k->name_count;

    for (size_t i = 0; same && i < rec->count; i++)
        same = strlen(k->column_names[i]) == rec->fields[i].n &&
               memcmp(k->column_names[i], rec->fields[i].p, rec->fields[i].n) == 0;
    if (same)
        return 0;
    err_set(err, ERR_SCHEMA, "%s has another header than %s", k->files[k->file_count - 1], k->files[0]);
    return err_hint(err, "--from and --to leave one of them out");
}

static int on_record(void *arg, const struct csv_record *rec, struct err *err)
{
    struct profiling *k = arg;
    bool header = k->of.ctx.pipeline->convert.header;
    int rc = 0;

    if (k->first && rec->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld: %s", (long long)rec->line, rec->message);
    if (k->first && rec->count > MAX_COLUMNS)
        return err_set(err, ERR_SCHEMA, "more than %d fields", MAX_COLUMNS);
    if (k->first) {
        k->first = false;
        if (k->profile == NULL)
            begin(k, rec);
        else if (header)
            rc = same_header(k, rec, err);
        profile_next_file(k->profile);
        if (rc < 0 || header)
            return rc;
    }
    profile_record(k->profile, rec);
    k->rows++;
    if (k->subject.now_ms != 0 && k->shown_ms >= 0)
        show_progress(k);
    return 0;
}

static int read_objects(struct profiling *k, struct err *err)
{
    int rc = 0;

    k->files = xcalloc(k->of.count + 1, sizeof *k->files);
    for (size_t i = 0; rc == 0 && i < k->of.count; i++) {
        k->files[k->file_count++] = xstrdup(k->of.objects[i].key);
        k->first = true;
        rc = step_records(&k->of.ctx, &k->of.objects[i], on_record, k, err);
        if (rc == 0 && k->first && k->profile != NULL)
            profile_next_file(k->profile); /* an empty file keeps its number */
        if (rc < 0)
            err_ignore(err_prefix(err, "%s", k->files[i]));
    }
    if (rc == 0 && k->profile == NULL)
        rc = err_set(err, ERR_NOT_FOUND, "%s: not one record", k->subject.name);
    return rc;
}

/* --- what is looked at --- */

static int on_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct profiling *k = arg;
    struct csv_field fields[MAX_COLUMNS];

    UNUSED(err);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct csv_field){cells[i].p, (uint32_t)cells[i].n, true};
    profile_row(k->profile, fields, ++k->rows);
    if (k->shown_ms >= 0)
        show_progress(k);
    return 0;
}

static int read_table(struct profiling *k, struct err *err)
{
    struct target *t;
    struct table *def = NULL;
    struct str *names = NULL;
    const char **types = NULL;
    int *columns = NULL;
    size_t n = 0;
    int rc = cli_table(&k->of.ctx, &t, &def, err);

    if (rc < 0)
        return rc;
    names = xcalloc(def->count + 1, sizeof *names);
    types = xcalloc(def->count + 1, sizeof *types);
    columns = xcalloc(def->count + 1, sizeof *columns);
    for (size_t i = 0; i < def->count && n < MAX_COLUMNS; i++) {
        if (table_is_lineage(def->columns[i].name))
            continue;
        names[n] = str_of(def->columns[i].name);
        types[n] = arena_strndup(k->of.arena, def->columns[i].type_text, strlen(def->columns[i].type_text));
        columns[n++] = (int)i;
    }
    k->subject.kind = "table";
    k->subject.place = "row";
    k->subject.name =
        arena_strndup(k->of.arena, k->of.ctx.pipeline->table, strlen(k->of.ctx.pipeline->table));
    k->subject.sql_types = types;
    k->profile = profile_new(&k->config, names, n);
    profile_next_file(k->profile);
    rc = target_scan(t, def, columns, n, on_row, k, err);
    k->column_nulls = NULL;
    free(names);
    free(columns);
    table_free(def);
    return rc;
}

static int look(struct profiling *k, const char *word, struct err *err)
{
    char part[PART_SIZE] = "";

    k->subject = (struct profile_subject){
        .name = word, .place = "line", .now_ms = clock_now_ms(), .hide_values = no_values};
    k->shown_ms = isatty(STDERR_FILENO) ? 0 : -1;
    if (table && (given.from != NULL || given.to != NULL))
        return err_set(err, ERR_USAGE, "--table is the whole table: --from and --to are for files");
    if (table) {
        int rc = subject_refuse_file_options(&given, err);
        if (rc == 0)
            rc = subject_pipeline(k->c, word, &k->of, part, err);
        if (rc < 0)
            return rc;
        return *part != '\0' ? err_set(err, ERR_USAGE, "--table is the whole table, not a partition")
                             : read_table(k, err);
    }
    int rc = subject_open(k->c, word, &given, false, &k->of, err);
    if (rc < 0)
        return rc;
    k->subject.kind = k->of.kind;
    k->subject.name = k->of.name;
    return read_objects(k, err);
}

/* --- what is made of it --- */

/* profile-NAME.html here, from letters and digits of the subject's last part. */
static char *default_path(const char *name)
{
    const char *slash = strrchr(name, '/'), *part = slash != NULL && str_starts(name, "/") ? slash + 1 : name;
    char *path = xasprintf("profile-%s.html", part);

    for (char *p = path + 8; *p != '\0' && p < path + strlen(path) - 5; p++)
        if ((*p < '0' || *p > '9') && ((*p | 32) < 'a' || (*p | 32) > 'z') && strchr("-_.", *p) == NULL)
            *p = '-';
    return path;
}

static int write_page(const char *path, const json_t *report, struct err *err)
{
    struct buf page = BUF_INIT(MAX_PAGE);
    int rc = profile_html(report, &page, err);

    if (rc == 0)
        rc = fs_write(path, page.p, page.n, 0644, err);
    buf_release(&page);
    return rc;
}

static int write_json(const char *path, const json_t *report, struct err *err)
{
    char *text = json_dumps(report, JSON_INDENT(2));
    int rc = text == NULL ? err_set(err, ERR_INTERNAL, "the report is no JSON")
                          : fs_write(path, text, strlen(text), 0644, err);

    free(text);
    return rc;
}

static int tell(struct profiling *k, struct err *err)
{
    struct cli *c = k->c;
    json_t *report = profile_json(k->profile, &k->subject);
    char *path = html_path != NULL ? xstrdup(html_path) : default_path(k->subject.name);
    bool page = html_path != NULL || c->out.format == OUT_TABLE;
    int rc = page ? write_page(path, report, err) : 0;

    if (rc == 0 && json_path != NULL)
        rc = write_json(json_path, report, err);
    if (rc == 0 && c->out.format == OUT_TABLE) {
        static const struct out_column columns[] = {{"column", "COLUMN", false, false},
                                                    {"code", "CODE", false, false},
                                                    {"text", "WORTH A LOOK", false, false},
                                                    {0}};
        const json_t *list = json_object_get(report, "warnings");
        if (json_array_size(list) > 0)
            out_rows(&c->out, "warnings", columns, list);
        int64_t rows = json_integer_value(json_object_get(report, "rows"));
        size_t columns_n = profile_columns(k->profile);
        cli_say("%lld row%s, %zu column%s: %s", (long long)rows, rows == 1 ? "" : "s", columns_n,
                columns_n == 1 ? "" : "s", path);
    } else if (rc == 0 && c->out.format == OUT_JSON) {
        out_document(&c->out, report);
    } else if (rc == 0) {
        static const struct out_column columns[] = {
            {"column", "", false, false},   {"type", "", false, false},
            {"sql_type", "", false, false}, {"rows", "", true, false},
            {"nulls", "", true, false},     {"empty", "", true, false},
            {"distinct", "", true, false},  {"min", "", true, false},
            {"max", "", true, false},       {"mean", "", true, false},
            {"stddev", "", true, false},    {"misfits", "", true, false},
            {"odd", "", true, false},       {0}};
        out_rows(&c->out, "columns", columns, json_object_get(report, "columns"));
    }
    free(path);
    json_decref(report);
    return rc;
}

static void release(struct profiling *k)
{
    profile_free(k->profile);
    for (size_t i = 0; i < k->file_count; i++)
        free(k->files[i]);
    for (size_t i = 0; k->column_names != NULL && i < k->name_count; i++)
        free(k->column_names[i]);
    free(k->column_names);
    free(k->files);
    free(k->column_nulls);
    free((const char **)(uintptr_t)k->subject.sql_types);
    subject_close(&k->of);
}

static int run(struct cli *c, struct err *err)
{
    struct profiling k = {.c = c};
    int rc;

    cli_signals();
    rc = look(&k, c->args.items[0], err);
    if (k.shown_ms > 0)
        fprintf(stderr, "\r\033[K");
    if (rc == 0) {
        k.subject.files = k.files;
        k.subject.file_count = k.file_count;
        profile_end(k.profile);
        rc = tell(&k, err);
    }
    release(&k);
    return rc;
}

const struct command cmd_profile = {
    "profile",
    "PIPELINE[/PARTITION] | FILE | URL",
    "What is in a file or a table, column by column: one page of HTML, or JSON.",
    "Of a pipeline, the files of its newest partition; with --table its target table. A file by name needs "
    "no\n"
    "orch.json. The page shows values as they are; --no-values leaves them out.\n\n"
    "  orch profile loans.csv.gz\n"
    "  orch profile loans --from 2022-06-05T00 --to 2022-06-05T23 --html day.html\n"
    "  orch profile loans --table -o json\n",
    opts,
    1,
    1,
    run,
};
