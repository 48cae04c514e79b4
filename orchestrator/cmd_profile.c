#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd.h"
#include "orchestrator/profile.h"
#include "orchestrator/view.h"
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOK_BACK = 200,              /* partitions, for the newest that has files */
    MAX_PAGE = 256 * 1024 * 1024, /* a page of MAX_COLUMNS columns is a third of it */
    SHOW_EACH_MS = 500,
};
static const char *from, *to, *html_path, *json_path, *nulls_text, *delimiter_text, *quote_text,
    *encoding_text;
static bool table, no_header, no_values;
static const struct opt opts[] = {
    {"table", 0, OPT_FLAG, &table, NULL, "the pipeline's target table in place of its files"},
    {"from", 0, OPT_TEXT, &from, "PARTITION",
     "of a pipeline: first one, itself included (else the newest alone)"},
    {"to", 0, OPT_TEXT, &to, "PARTITION", "last one, itself included"},
    {"html", 0, OPT_TEXT, &html_path, "FILE", "where the page goes (else profile-NAME.html here)"},
    {"json", 0, OPT_TEXT, &json_path, "FILE", "the same as JSON, too"},
    {"no-values", 0, OPT_FLAG, &no_values, NULL,
     "leave out values of cells: most frequent ones, examples, extremes"},
    {"null", 0, OPT_TEXT, &nulls_text, "LIST",
     "of a file: spellings of NULL, comma between (else NA and the empty field)"},
    {"delimiter", 0, OPT_TEXT, &delimiter_text, "CHAR", "of a file: between fields (else ,; tab for a tab)"},
    {"quote", 0, OPT_TEXT, &quote_text, "CHAR", "of a file: around fields (else \"; none for none)"},
    {"encoding", 0, OPT_TEXT, &encoding_text, "NAME", "of a file: utf-8, latin1 or cp1252"},
    {"no-header", 0, OPT_FLAG, &no_header, NULL, "of a file: its first line is data; columns are 1, 2, ..."},
    {0},
};

struct profiling {
    struct cli *c;
    struct step_ctx ctx;
    struct pipeline own; /* of a file by name */
    struct profile_config config;
    struct profile *profile; /* owned; NULL until the first record */
    char **names, **files;   /* owned */
    size_t name_count, file_count;
    const char **nulls, ***column_nulls; /* owned; strings borrowed or in arena */
    struct object_info *objects;         /* owned, strings in arena */
    size_t object_count;
    struct arena *arena;
    bool first; /* the next record is the first of its file */
    int64_t rows, shown_ms;
    char **column_names; /* owned: of the first file */
    struct profile_subject subject;
};

/* --- options of a file --- */

static int one_char(const char *text, const char *option, const char *word, char meaning, char *ret,
                    struct err *err)
{
    if (text == NULL)
        return 0;
    if (strcmp(text, word) == 0) {
        *ret = meaning;
        return 0;
    }
    if (strlen(text) != 1)
        return err_set(err, ERR_USAGE, "--%s: one character, or '%s'", option, word);
    *ret = *text;
    return 0;
}

static int file_dialect(struct profiling *k, struct err *err)
{
    static const struct {
        const char *name;
        enum csv_encoding encoding;
    } encodings[] = {{"utf-8", CSV_UTF8}, {"latin1", CSV_LATIN1}, {"cp1252", CSV_CP1252}};
    struct csv_dialect *d = &k->own.dialect;
    bool known = encoding_text == NULL;
    size_t n = 0;

    *d = (struct csv_dialect){.delimiter = ',', .quote = '"'};
    for (size_t i = 0; encoding_text != NULL && i < ARRAY_LEN(encodings); i++)
        if (strcmp(encodings[i].name, encoding_text) == 0) {
            d->encoding = encodings[i].encoding;
            known = true;
        }
    if (!known)
        return err_set(err, ERR_USAGE, "--encoding: utf-8, latin1 or cp1252");
    int rc = one_char(delimiter_text, "delimiter", "tab", '\t', &d->delimiter, err);
    if (rc == 0)
        rc = one_char(quote_text, "quote", "none", '\0', &d->quote, err);
    k->nulls = xcalloc(MAX_TOKEN_SET + 2, sizeof *k->nulls);
    for (const char *at = nulls_text != NULL ? nulls_text : "NA,"; rc == 0; at++) {
        size_t len = strcspn(at, ",");
        if (n == MAX_TOKEN_SET)
            return err_set(err, ERR_USAGE, "--null: more than %d spellings", MAX_TOKEN_SET);
        k->nulls[n++] = arena_strndup(k->arena, at, len);
        at += len;
        if (*at == '\0')
            break;
    }
    k->own.convert = (struct convert_config){.nulls = k->nulls, .header = !no_header};
    return rc;
}

static int refuse_file_options(struct err *err)
{
    if (nulls_text == NULL && delimiter_text == NULL && quote_text == NULL && encoding_text == NULL &&
        !no_header)
        return 0;
    err_set(err, ERR_USAGE,
            "--null, --delimiter, --quote, --encoding and --no-header are for a file by name");
    return err_hint(err, "a pipeline's are in orch.json");
}

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
    const struct convert_config *c = &k->ctx.pipeline->convert;

    k->column_nulls = xcalloc(k->name_count + 1, sizeof *k->column_nulls);
    for (size_t i = 0; i < k->name_count; i++)
        for (size_t r = 0; r < c->rule_count; r++)
            if (strcmp(c->rules[r].from, k->column_names[i]) == 0)
                k->column_nulls[i] = (const char **)(uintptr_t)c->rules[r].nulls;
    k->config = (struct profile_config){c->nulls, (const char *const *const *)(uintptr_t)k->column_nulls};
}

static void begin(struct profiling *k, const struct csv_record *rec)
{
    bool header = k->ctx.pipeline->convert.header;
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
    bool header = k->ctx.pipeline->convert.header;
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

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct profiling *k = arg;

    if (k->object_count == MAX_JOB_OBJECTS)
        return err_set(err, ERR_TOO_LARGE, "more than %d files", MAX_JOB_OBJECTS);
    if ((k->object_count & (k->object_count - 1)) == 0)
        k->objects = xrealloc(k->objects, (2 * k->object_count + 1) * sizeof *k->objects);
    struct object_info *to_keep = &k->objects[k->object_count++];
    *to_keep = *o;
    to_keep->key = arena_strndup(k->arena, o->key, strlen(o->key));
    to_keep->etag =
        arena_strndup(k->arena, o->etag != NULL ? o->etag : "", o->etag != NULL ? strlen(o->etag) : 0);
    if (o->version_id != NULL)
        to_keep->version_id = arena_strndup(k->arena, o->version_id, strlen(o->version_id));
    return 0;
}

static int read_objects(struct profiling *k, struct err *err)
{
    int rc = 0;

    k->files = xcalloc(k->object_count + 1, sizeof *k->files);
    for (size_t i = 0; rc == 0 && i < k->object_count; i++) {
        k->files[k->file_count++] = xstrdup(k->objects[i].key);
        k->first = true;
        rc = step_records(&k->ctx, &k->objects[i], on_record, k, err);
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

static int file_subject(struct profiling *k, const char *path, const struct stat *st, struct err *err)
{
    char *full = realpath(path, NULL);
    const char *slash = full != NULL ? strrchr(full, '/') : NULL;

    if (slash == NULL)
        return err_errno(err, errno, "cannot read %s", path);
    k->own.name = path;
    char *url = arena_alloc(k->arena, strlen(full) + 16);
    snprintf(url, strlen(full) + 16, "file://%.*s/", (int)(slash - full), full);
    k->own.source.url = url;
    struct object_info o = {.key = slash + 1,
                            .etag = "",
                            .size = st->st_size,
                            .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
    int rc = file_dialect(k, err);
    if (rc == 0)
        rc = on_object(k, &o, err);
    free(full);
    k->subject.kind = "file";
    cli_step(k->c, &k->own, &k->ctx);
    return rc;
}

static int newest(struct profiling *k, int64_t *ret_start, struct err *err)
{
    const struct pipeline *p = k->ctx.pipeline;
    int64_t start;
    int rc = 0;

    if (!view_newest(p, clock_now_ms(), &start))
        return err_set(err, ERR_NOT_FOUND, "%s: no partition is closed yet", p->name);
    for (int i = 0; i < LOOK_BACK && rc == 0 && k->object_count == 0 && start >= p->since_ms; i++) {
        rc = step_files(&k->ctx, start, on_object, k, err);
        *ret_start = start;
        start -= period_ms(p->period);
    }
    if (rc == 0 && k->object_count == 0) {
        err_set(err, ERR_NOT_FOUND, "%s: no file in the last %d partitions", p->name, LOOK_BACK);
        return err_hint(err, "--from and --to name others");
    }
    return rc;
}

static int pipeline_objects(struct profiling *k, const char *part, struct err *err)
{
    const struct pipeline *p = k->ctx.pipeline;
    int64_t start = 0, last = 0;
    char name[PART_SIZE];
    int rc = 0;

    if (*part == '\0' && from == NULL && to == NULL) {
        rc = newest(k, &start, err);
        char *text = arena_alloc(k->arena, strlen(p->name) + PART_SIZE + 2);
        snprintf(text, strlen(p->name) + PART_SIZE + 2, "%s/%s", p->name, part_name(p->period, start, name));
        k->subject.name = text;
        return rc;
    }
    rc = cli_range(p, from, to, err);
    if (rc == 0 && *part != '\0') {
        rc = part_parse(p->period, part, &start, err);
        last = start;
    } else if (rc == 0) {
        start = p->since_ms;
        if (!view_newest(p, clock_now_ms(), &last))
            last = start - 1;
        if (from != NULL)
            rc = part_parse(p->period, from, &start, err);
        if (rc == 0 && to != NULL)
            rc = part_parse(p->period, to, &last, err);
    }
    for (; rc == 0 && start <= last; start += period_ms(p->period))
        rc = step_files(&k->ctx, start, on_object, k, err);
    if (rc == 0 && k->object_count == 0)
        rc = err_set(err, ERR_NOT_FOUND, "%s: no file there", k->subject.name);
    return rc;
}

/* s3://bucket/key: with the connection of a pipeline whose source is above it. */
static int url_subject(struct profiling *k, const char *url, struct err *err)
{
    const struct pipeline *best = NULL;
    struct source *source;
    int rc = cli_config(k->c, err);

    for (size_t i = 0; rc == 0 && i < k->c->config->pipeline_count; i++) {
        const struct pipeline *p = &k->c->config->pipelines[i];
        if (str_starts(url, p->source.url) &&
            (best == NULL || strlen(p->source.url) > strlen(best->source.url)))
            best = p;
    }
    if (rc != 0)
        return rc;
    if (best == NULL) {
        err_set(err, ERR_CONFIG, "no pipeline reads from where %s lies, so its credentials are not known",
                url);
        return err_hint(err, "connections.*.url in orch.json");
    }
    k->own.source = best->source;
    cli_step(k->c, &k->own, &k->ctx);
    rc = file_dialect(k, err);
    if (rc == 0)
        rc = step_source(&k->ctx, &source, err);
    if (rc == 0)
        rc = source_list(source, url + strlen(best->source.url), on_object, k, err);
    size_t n = 0;
    for (size_t i = 0; rc == 0 && i < k->object_count; i++)
        if (strcmp(k->objects[i].key, url + strlen(best->source.url)) == 0)
            k->objects[n++] = k->objects[i];
    k->object_count = n;
    k->subject.kind = "file";
    return rc == 0 && n == 0 ? err_set(err, ERR_NOT_FOUND, "%s is not there", url) : rc;
}

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
    int rc = cli_table(&k->ctx, &t, &def, err);

    if (rc < 0)
        return rc;
    names = xcalloc(def->count + 1, sizeof *names);
    types = xcalloc(def->count + 1, sizeof *types);
    columns = xcalloc(def->count + 1, sizeof *columns);
    for (size_t i = 0; i < def->count && n < MAX_COLUMNS; i++) {
        if (strcmp(def->columns[i].name, LINEAGE_LOAD_ID) == 0 ||
            strcmp(def->columns[i].name, LINEAGE_LINE) == 0)
            continue;
        names[n] = str_of(def->columns[i].name);
        types[n] = arena_strndup(k->arena, def->columns[i].type_text, strlen(def->columns[i].type_text));
        columns[n++] = (int)i;
    }
    k->subject.kind = "table";
    k->subject.place = "row";
    k->subject.name = arena_strndup(k->arena, k->ctx.pipeline->table, strlen(k->ctx.pipeline->table));
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
    const struct pipeline *p;
    char part[PART_SIZE];
    struct stat st;
    int rc;

    k->subject = (struct profile_subject){
        .name = word, .place = "line", .now_ms = clock_now_ms(), .hide_values = no_values};
    k->shown_ms = isatty(STDERR_FILENO) ? 0 : -1;
    if (table && (from != NULL || to != NULL))
        return err_set(err, ERR_USAGE, "--table is the whole table: --from and --to are for files");
    const char *path = str_starts(word, "file://") ? word + 7 : word;
    bool is_file = !table && !str_starts(word, "s3://") && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    if (is_file || str_starts(word, "file://")) {
        if (!is_file)
            return err_set(err, ERR_NOT_FOUND, "%s is no file", path);
        rc = file_subject(k, path, &st, err);
        return rc < 0 ? rc : read_objects(k, err);
    }
    if (str_starts(word, "s3://")) {
        rc = url_subject(k, word, err);
        return rc < 0 ? rc : read_objects(k, err);
    }
    rc = refuse_file_options(err);
    if (rc == 0 && strchr(word, '.') != NULL && strchr(word, '/') == NULL && k->c->config_path == NULL &&
        access("orch.json", R_OK) != 0)
        return err_set(err, ERR_NOT_FOUND,
                       "%s is no file here, and there is no orch.json with a pipeline of that name", word);
    if (rc == 0)
        rc = cli_flow(k->c, word, &p, part, err);
    if (rc < 0 && err->code == ERR_NOT_FOUND && !table && strchr(word, '/') == NULL)
        err_prefix(err, "no file of that name is here");
    if (rc < 0)
        return rc;
    cli_step(k->c, p, &k->ctx);
    k->subject.kind = "pipeline";
    if (table)
        return *part != '\0' ? err_set(err, ERR_USAGE, "--table is the whole table, not a partition")
                             : read_table(k, err);
    rc = pipeline_objects(k, part, err);
    return rc < 0 ? rc : read_objects(k, err);
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
        cli_say("%lld rows, %zu columns: %s", (long long)json_integer_value(json_object_get(report, "rows")),
                profile_columns(k->profile), path);
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
    cli_step_end(&k->ctx);
    profile_free(k->profile);
    for (size_t i = 0; i < k->file_count; i++)
        free(k->files[i]);
    for (size_t i = 0; k->column_names != NULL && i < k->name_count; i++)
        free(k->column_names[i]);
    free(k->column_names);
    free(k->files);
    free(k->nulls);
    free(k->column_nulls);
    free(k->objects);
    free((const char **)(uintptr_t)k->subject.sql_types);
    arena_free(k->arena);
}

static int run(struct cli *c, struct err *err)
{
    struct profiling k = {.c = c, .arena = arena_new()};
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
