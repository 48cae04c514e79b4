#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/demo.h"
#include "orchestrator/plan.h"
#include "orchestrator/probe.h"
#include "orchestrator/view.h"
#include "steps/stage.h"
#include <unistd.h>

static const char *demo_dir, *from_url, *to_url, *name = "loans", *table_name, *layout, *since,
                                                 *password_file, *password_env, *option_file, *tls, *region,
                                                 *endpoint, *profile;
static bool path_style;
static const struct opt opts[] = {
    {"demo", 0, OPT_TEXT, &demo_dir, "DIR", "make a day of files, a config and a database to try in DIR"},
    {"from", 0, OPT_TEXT, &from_url, "URL", "s3://bucket/prefix/ or file://folder/"},
    {"to", 0, OPT_TEXT, &to_url, "URL", "mysql://user@host:3306/database.table, or sqlite:file with --table"},
    {"table", 0, OPT_TEXT, &table_name, "NAME", "target table"},
    {"name", 0, OPT_TEXT, &name, "NAME", "of the pipeline (default loans)"},
    {"layout", 0, OPT_TEXT, &layout, "FORM", "of a partition's prefix, where it is not found out"},
    {"since", 0, OPT_TEXT, &since, "PARTITION", "first partition (default: the first that is there)"},
    {"password-file", 0, OPT_TEXT, &password_file, "FILE", "of mode 0600"},
    {"password-env", 0, OPT_TEXT, &password_env, "NAME", "environment variable with the password"},
    {"option-file", 0, OPT_TEXT, &option_file, "FILE", "my.cnf form"},
    {"tls", 0, OPT_TEXT, &tls, "MODE", "off, prefer, require, verify (default)"},
    {"region", 0, OPT_TEXT, &region, "NAME", "of the bucket"},
    {"endpoint", 0, OPT_TEXT, &endpoint, "URL", "S3 server other than AWS"},
    {"path-style", 0, OPT_FLAG, &path_style, NULL, "bucket in the path"},
    {"profile", 0, OPT_TEXT, &profile, "NAME", "in ~/.aws"},
    {0},
};

static void set(json_t *o, const char *key, const char *value)
{
    if (value != NULL)
        json_object_set_new(o, key, json_string(value));
}

/* Writes a file that must not be there: init never overwrites. */
static int write_new(const char *path, const char *text, struct err *err)
{
    if (access(path, F_OK) == 0) {
        err_set(err, ERR_USAGE, "%s is there already", path);
        return err_hint(err, "remove it, or name another with -c");
    }
    return fs_write(path, text, strlen(text), 0644, err);
}

static int write_schema(const char *dir, struct err *err)
{
    json_t *schema = config_schema();
    char *text = json_dumps(schema, JSON_INDENT(2)), *path = fs_join(dir, "orch.schema.json");
    int rc = text != NULL ? fs_write(path, text, strlen(text), 0644, err) : 0;

    free(text);
    free(path);
    json_decref(schema);
    return rc;
}

/* For orch serve, where it listens elsewhere than on loopback. One that is there stays. */
static int write_token(const char *dir, struct err *err)
{
    unsigned char bytes[32];
    char hex[2 * sizeof bytes + 2], *path = fs_join(dir, "serve.token");
    int rc = 0;

    random_bytes(bytes, sizeof bytes);
    str_hex(bytes, sizeof bytes, hex);
    snprintf(hex + 2 * sizeof bytes, 2, "\n");
    if (access(path, F_OK) != 0)
        rc = fs_write(path, hex, strlen(hex), 0600, err);
    explicit_bzero(hex, sizeof hex);
    explicit_bzero(bytes, sizeof bytes);
    free(path);
    return rc;
}

/* orch's tables, and the target table where orch is to make it. */
static int set_up(struct cli *c, const struct pipeline *p, struct err *err)
{
    char stage[STAGE_NAME_SIZE];
    struct step_ctx ctx;
    struct target *t = NULL;
    int rc;

    cli_step(c, p, &ctx);
    rc = step_target(&ctx, &t, err);
    if (rc == 0)
        rc = target_setup(t, err);
    if (rc >= 0 && p->create)
        rc = step_create_table(&ctx, err);
    if (rc >= 0)
        rc = step_stage_setup(&ctx, stage, err);
    if (rc >= 0)
        printf("%s: orch_load, orch_fence and orch_reject are there%s%s\n", target_name(t),
               p->create ? ", and " : "", p->create ? p->table : "");
    cli_step_end(&ctx);
    return rc < 0 ? rc : 0;
}

/* Tables, then what the first tick would do. What a database refuses is told, and is no reason to take the
 * file back. */
static bool wants_lineage; /* the table is there, without the two columns: no tick would load into it */

static int finish(struct cli *c, const char *path, struct err *err)
{
    json_t *plan = json_array();
    int rc;

    c->config_path = path;
    rc = cli_store(c, STORE_CREATE, err);
    if (rc < 0)
        goto out;
    const struct pipeline *p = &c->config->pipelines[0];
    rc = set_up(c, p, err);
    if (rc < 0) {
        cli_say_error(err);
        cli_say("the config is written; orch target setup --dry-run prints the statements for one who may "
                "run them");
        rc = err_exit_status(err->code);
        goto out;
    }
    rc = plan_add(c, p, plan, err);
    if (rc < 0)
        goto out;
    int64_t objects = 0, parts = 0;
    const json_t *row;
    size_t i;
    json_array_foreach(plan, i, row) {
        objects += view_int(row, "objects");
        parts += view_int(row, "objects") > 0;
    }
    printf("The first tick would load %lld file%s of %lld partition%s.\n", (long long)objects,
           objects == 1 ? "" : "s", (long long)parts, parts == 1 ? "" : "s");
    printf("Next:\n");
    if (wants_lineage)
        printf("  orch -c %s lineage add %s --pipeline %s\n", path, p->table, p->name);
    printf("  orch -c %s tick\n  orch -c %s status\n  orch -c %s cron install\n", path, path, path);
out:
    json_decref(plan);
    return rc;
}

static int demo(struct cli *c, struct err *err)
{
    char *path = fs_join(demo_dir, "orch.json"), *config = NULL;
    int64_t day = period_floor(PERIOD_DAY, clock_now_ms()) - period_ms(PERIOD_DAY);
    char part[PART_SIZE];
    int rc = 0;

    if (access(path, F_OK) == 0)
        rc = err_set(err, ERR_USAGE, "%s is there already; --demo wants a new folder", path);
    if (rc == 0)
        rc = demo_make(demo_dir, day, &config, err);
    if (rc == 0)
        rc = write_schema(demo_dir, err);
    if (rc == 0)
        rc = write_token(demo_dir, err);
    if (rc == 0)
        rc = write_new(path, config, err);
    if (rc < 0)
        goto out;
    printf("%s/incoming holds the hours of %s: hour %02d is missing, %02d has three bad records, %02d comes "
           "late,\n"
           "%02d is broken, %02d came in two files.\n",
           demo_dir, part_name(PERIOD_DAY, day, part), DEMO_MISSING, DEMO_REJECTS, DEMO_LATE, DEMO_BROKEN,
           DEMO_TWO_FILES);
    rc = finish(c, path, err);
    if (rc == 0)
        printf("Then:\n  cp -r %s/late/. %s/incoming/      the late hour comes\n"
               "  cp -r %s/mended/. %s/incoming/    the broken file is sent again\n"
               "  orch -c %s run loans              as the next tick would, at once\n",
               demo_dir, demo_dir, demo_dir, demo_dir, path);
out:
    free(config);
    free(path);
    return rc;
}

/* "mysql://u@h/db.table" -> URL and table. */
static int split_target(char **ret_url, char **ret_table, struct err *err)
{
    const char *slash = strrchr(to_url, '/'), *dot = slash != NULL ? strchr(slash, '.') : NULL;

    *ret_url = xstrdup(to_url);
    *ret_table = table_name != NULL ? xstrdup(table_name) : NULL;
    if (!str_starts(to_url, "mysql://") || table_name != NULL) {
        if (table_name == NULL) {
            err_set(err, ERR_USAGE, "--to %s: --table is needed", to_url);
            return -(int)ERR_USAGE;
        }
        return 0;
    }
    if (dot == NULL || dot[1] == '\0') {
        err_set(err, ERR_USAGE, "--to %s: the table is missing", to_url);
        return err_hint(err, "mysql://user@host:3306/database.table");
    }
    (*ret_url)[dot - to_url] = '\0';
    *ret_table = xstrdup(dot + 1);
    return 0;
}

static json_t *first_document(const char *url, const char *table)
{
    json_t *lake = json_object(), *warehouse = json_object();

    set(lake, "url", from_url);
    set(lake, "region", region);
    set(lake, "endpoint", endpoint);
    set(lake, "profile", profile);
    if (path_style)
        json_object_set_new(lake, "path_style", json_true());
    set(warehouse, "url", url);
    set(warehouse, "password_file", password_file);
    set(warehouse, "password_env", password_env);
    set(warehouse, "option_file", option_file);
    set(warehouse, "tls", tls);
    return json_pack("{s:s,s:s,s:{s:o,s:o},s:{s:{s:{s:s,s:s},s:{s:s},s:{},s:{s:s,s:s}}}}", "$comment",
                     "made by orch init; docs/config.md tells every key and its default", "state", "orch.db",
                     "connections", "lake", lake, "warehouse", warehouse, "pipelines", name, "owner", "name",
                     "", "$comment", "who answers for these data; shown by status", "source", "connection",
                     "lake", "columns", "target", "connection", "warehouse", "table", table);
}

static int parse(const json_t *doc, const char *path, struct config **ret, struct err *err)
{
    char *text = json_dumps(doc, JSON_INDENT(2));
    struct buf faults = BUF_INIT(64 * KIB);
    int rc = config_parse(text != NULL ? text : "", text != NULL ? strlen(text) : 0, path, true, ret, &faults,
                          err);

    if (rc < 0 && faults.n > 0)
        fprintf(stderr, "%s", faults.p);
    buf_release(&faults);
    free(text);
    return rc;
}

static void take_source(json_t *pipeline, const struct probe *f)
{
    json_t *s = json_object_get(pipeline, "source");
    char part[PART_SIZE];

    set(s, "layout", f->layout);
    set(s, "period", f->period == PERIOD_DAY ? "day" : "hour");
    if (f->prefix[0] != '\0')
        set(s, "prefix", f->prefix);
    set(s, "since", since != NULL ? since : part_name(f->period, f->start_ms, part));
    set(s, "$comment", "since: the first partition; each one from there on is waited for, however old");
}

/* Dates that are not ISO 8601 are read where their form is said. What a file proves is put down; day and month that could be
 * either are for a person to tell. */
static void take_date(json_t *columns, const char *field, const struct probe_date *d, const struct column *to)
{
    char format[24], shown[200];
    bool sure = d->day_first != d->day_second;

    if (d->example[0] == '\0' ||
        (to != NULL && to->type != COL_DATE && to->type != COL_DATETIME && to->type != COL_TIMESTAMP))
        return;
    snprintf(format, sizeof format, d->day_second && sure ? "%%m%c%%d%c%%Y%s" : "%%d%c%%m%c%%Y%s", d->sign,
             d->sign, d->time);
    str_printable(field, strlen(field), shown, sizeof shown);
    printf("  column '%s' holds '%s': \"columns\": {\"%s\": {\"format\": \"%s\"}} reads it, and %s\n", shown,
           d->example, shown, format,
           sure ? "is written so" : "whether day or month comes first is for you to say");
    if (sure)
        json_object_set_new(columns, field, json_pack("{s:s}", "format", format));
}

/* What of the header has no column in the table is dropped, in words that can be read and changed. */
static void take_columns(json_t *pipeline, const struct probe *f, const struct table *t)
{
    json_t *columns = json_object_get(pipeline, "columns");
    size_t dropped = 0;

    for (size_t i = 0; i < f->count; i++) {
        int at = t != NULL ? table_find(t, str_of(f->names[i])) : -1;
        bool known = at >= 0;
        if (known || (t == NULL && f->names[i][0] != '\0'))
            take_date(columns, f->names[i], &f->dates[i], known ? &t->columns[at] : NULL);
        if (known || (t == NULL && f->names[i][0] != '\0'))
            continue;
        json_object_set_new(columns, f->names[i], json_null());
        dropped++;
        char shown[200];
        str_printable(f->names[i], strlen(f->names[i]), shown, sizeof shown);
        printf("  column '%s' is not in the table: dropped; a text in \"columns\" maps it\n", shown);
    }
    if (dropped > 0)
        set(columns, "$comment", "null: not loaded; a text: the target column");
    json_object_set_new(
        pipeline, "csv",
        json_pack("{s:s,s:[s,s]}", "$comment",
                  "null: unquoted texts that mean NULL; the empty one in number and date columns only",
                  "null", "NA", ""));
}

static int take_target(json_t *pipeline, const struct pipeline *p, const struct probe *f, struct err *err)
{
    struct target *t = NULL;
    struct table *def = NULL;
    struct target_config config = p->target;
    int rc = target_open(&config, &t, err);

    if (rc < 0)
        return rc;
    printf("target: %s, %s\n", target_name(t), target_version(t));
    rc = target_describe(t, p->table, &def, err);
    if (rc < 0 && err->code == ERR_TARGET && err->native == TARGET_NO_TABLE) {
        printf("  table %s is not there: orch makes it from a sample (\"create\": true)\n", p->table);
        json_object_set_new(json_object_get(pipeline, "target"), "create", json_true());
        rc = 0;
    }
    if (rc == 0)
        take_columns(pipeline, f, def);
    wants_lineage = rc == 0 && def != NULL && !def->has_lineage;
    if (wants_lineage)
        printf("  table %s has no lineage columns: orch lineage add %s, or \"lineage\": \"none\"\n", p->table,
               p->table);
    table_free(def);
    target_close(t);
    return rc < 0 ? rc : 0;
}

static int look(json_t *doc, const char *path, struct err *err)
{
    json_t *pipeline = json_object_get(json_object_get(doc, "pipelines"), name);
    struct config *c = NULL;
    struct probe f = {0};
    struct source *s = NULL;
    int rc;

    set(json_object_get(pipeline, "source"), "since", "2000-01-01T00"); /* until we know */
    rc = parse(doc, path, &c, err);
    if (rc == 0)
        rc = source_open(&c->pipelines[0].source, &s, err);
    if (rc == 0)
        rc = probe_source(s, &c->pipelines[0], layout, &f, err);
    if (rc == 0) {
        char shown[400];
        str_printable(f.key, strlen(f.key), shown, sizeof shown);
        printf("source: %s, layout %s%s, %zu columns\n", shown, f.prefix, f.layout, f.count);
        take_source(pipeline, &f);
        rc = take_target(pipeline, &c->pipelines[0], &f, err);
    }
    source_close(s);
    probe_release(&f);
    config_free(c);
    return rc;
}

static int real(struct cli *c, struct err *err)
{
    char *url = NULL, *table = NULL, *cwd = getcwd(NULL, 0), *text = NULL, *path;
    struct config *checked = NULL;
    json_t *doc = NULL;
    int rc;

    path = fs_join(cwd != NULL ? cwd : "/", c->config_path != NULL ? c->config_path : "orch.json");
    if (access(path, F_OK) == 0) {
        err_set(err, ERR_USAGE, "%s is there already", path);
        rc = err_hint(err, "remove it, or name another with -c");
        goto out;
    }
    rc = split_target(&url, &table, err);
    if (rc < 0)
        goto out;
    doc = first_document(url, table);
    if (doc == NULL) {
        rc = err_set(err, ERR_USAGE, "a URL or name is not UTF-8");
        goto out;
    }
    rc = look(doc, path, err);
    if (rc == 0)
        rc = parse(doc, path, &checked, err);
    if (rc < 0)
        goto out;
    text = json_dumps(doc, JSON_INDENT(2));
    rc = write_new(path, text != NULL ? text : "", err);
    char *dir = fs_dirname(path);
    if (rc == 0)
        rc = write_token(dir, err);
    free(dir);
    if (rc == 0)
        printf("wrote %s\n", path);
    if (rc == 0)
        rc = finish(c, path, err);
out:
    config_free(checked);
    json_decref(doc);
    free(text);
    free(table);
    free(url);
    free(path);
    free(cwd);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    if (demo_dir != NULL && (from_url != NULL || to_url != NULL))
        return err_set(err, ERR_USAGE, "--demo, or --from and --to: one of the two");
    if (demo_dir != NULL)
        return demo(c, err);
    if (from_url == NULL || to_url == NULL) {
        err_set(err, ERR_USAGE, "init: --from and --to say where files come from and where rows go");
        return err_hint(err, "or orch init --demo demo, to try it without any server");
    }
    return real(c, err);
}

const struct command cmd_init = {
    "init",
    "",
    "Looks at a source and a target and writes orch.json; --demo makes both up.",
    "Lists a real partition, reads a header, compares it with the table, makes orch's tables in the target, "
    "and says\n"
    "what the first tick would do.\n\n"
    "  orch init --demo demo\n"
    "  orch init --from s3://credit-risk/incoming/ --to "
    "mysql://loader@db.example:3306/lending.loan_applicant_info \\\n"
    "            --password-file db.secret\n",
    opts,
    0,
    0,
    run,
};
