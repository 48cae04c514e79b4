#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/asl.h"
#include "orchestrator/cmd.h"
#include "orchestrator/doctor.h"
#include "orchestrator/engine.h"
#include "orchestrator/probe.h"
#include "orchestrator/self.h"
#include "orchestrator/view.h"
#include "steps/stage.h"
#include <pwd.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool as_cron;
static const struct opt opts[] = {
    {"cron", 0, OPT_FLAG, &as_cron, NULL, "again as cron would run it: no environment but HOME, SHELL, PATH"},
    {0},
};

void doctor_say(struct doctor *d, const char *what, enum doctor_status s, const char *hint, const char *fmt,
                ...)
{
    static const char *const words[] = {"OK", "WARN", "FAIL"};
    char text[1400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_array_append_new(d->rows,
                          json_pack("{s:s,s:s,s:o,s:o}", "check", what, "status", words[s], "text",
                                    cli_json_text(text), "hint", cli_json_text(hint != NULL ? hint : "")));
}

void doctor_fail(struct doctor *d, const char *what, const struct err *err)
{
    doctor_say(d, what, DOCTOR_FAIL, err->hint, "%s", err->msg);
    if (d->exit == 0)
        d->exit = err_exit_status(err->code);
}

static void check_file(struct doctor *d, const struct config *c)
{
    struct stat st;
    char count[80];

    doctor_say(d, "config", DOCTOR_OK, NULL, "%s: %s", c->path, config_count_text(c, count));
    if (stat(c->path, &st) == 0 && (st.st_mode & S_IWOTH) != 0)
        doctor_say(d, "config", DOCTOR_WARN, "chmod o-w", "%s may be changed by everybody", c->path);
}

static void check_state(struct doctor *d, struct cli *c)
{
    struct statvfs fs;
    struct err err;
    char *dir = fs_dirname(c->config->state);

    int rc = cli_store(c, STORE_READ, &err); /* a look must not leave a file that belongs to whoever looked */
    if (rc == 0)
        rc = store_check(c->store, &err);
    if (rc == 0)
        doctor_say(d, "state", DOCTOR_OK, NULL, "%s", c->config->state);
    else if (err.code == ERR_NOT_FOUND)
        doctor_say(d, "state", DOCTOR_OK, NULL, "%s is not there yet: the first tick makes it",
                   c->config->state);
    else
        doctor_fail(d, "state", &err);
    if (access(dir, W_OK) < 0 || (rc == 0 && access(c->config->state, W_OK) < 0)) {
        err_ignore(err_errno(&err, errno, "cannot write %s", c->config->state));
        err_hint(&err, "run doctor as the user that runs the tick");
        doctor_fail(d, "state", &err);
    }
    if (statvfs(dir, &fs) == 0 && fs.f_bavail * fs.f_frsize < 256 * (unsigned long long)MIB)
        doctor_say(d, "state", DOCTOR_WARN, "make room: a full disk stops every pipeline",
                   "%llu MiB left in %s", (unsigned long long)(fs.f_bavail * fs.f_frsize / MIB), dir);
    free(dir);
}

static void check_workflow(struct doctor *d, const struct config *c, const struct pipeline *p,
                           const char *what)
{
    struct asl_diagnostics found = {0};
    struct asl *a = NULL;
    struct err err;
    char *text = NULL;
    size_t n = 0;
    int rc = config_workflow(c, p, &text, &n, &err);

    if (rc == 0)
        rc = asl_parse(text, n, &a, &found, &err);
    if (rc >= 0)
        rc = engine_check_tasks(a, NULL, &err);
    if (rc < 0)
        doctor_fail(d, what, &err);
    asl_free(a);
    asl_diagnostics_release(&found);
    free(text);
}

void doctor_skew(struct doctor *d, const char *what, const char *who, int64_t skew_ms, int64_t limit_ms)
{
    int64_t off = skew_ms < 0 ? -skew_ms : skew_ms;

    if (off >= limit_ms)
        doctor_say(d, what, DOCTOR_WARN,
                   "set the clock: timedatectl; S3 refuses requests that are 15 minutes off",
                   "the clock of %s is %lld s %s ours", who, (long long)(off / 1000),
                   skew_ms > 0 ? "before" : "behind");
}

/* ---- the source ---- */

enum { LOOK_AT = 5000 };

struct look {
    const struct pipeline *p;
    size_t seen;
    bool fits;
    char first[300], hint[400]; /* of what does not fit */
};

/* Stops at the first object that a partition would have. */
static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct look *l = arg;
    size_t prefix = 0;

    l->seen++;
    l->fits = probe_fits(o->key, l->p->prefix, l->p->layout, l->p->period);
    if (l->fits || l->seen == LOOK_AT)
        return err_set(err, ERR_CANCELLED, "enough was seen");
    if (l->first[0] == '\0')
        str_printable(o->key, strlen(o->key), l->first, sizeof l->first);
    const char *layout = l->hint[0] == '\0' ? probe_suggest(o->key, &prefix) : NULL;
    if (layout != NULL) {
        char before[200];
        str_printable(o->key, prefix, before, sizeof before);
        snprintf(l->hint, sizeof l->hint, "\"prefix\": \"%s\", \"layout\": \"%s\" would fit", before, layout);
    }
    return 0;
}

/* Objects that no partition would ever list are as good as none, and nobody notices. */
static void say_source(struct doctor *d, const struct look *l, const char *origin, const char *what)
{
    const struct pipeline *p = l->p;
    const char *from = *origin != '\0' ? ", credentials from " : "";

    if (l->seen == 0)
        doctor_say(d, what, DOCTOR_WARN, "is prefix right? nothing would ever be loaded",
                   "%s%s: holds nothing%s%s", p->source.url, p->prefix, from, origin);
    else if (l->fits)
        doctor_say(d, what, DOCTOR_OK, NULL, "%s%s: can be listed%s%s", p->source.url, p->prefix, from,
                   origin);
    else
        doctor_say(d, what, DOCTOR_WARN,
                   l->hint[0] != '\0' ? l->hint : "is prefix right, and layout? nothing would ever be loaded",
                   "%s%s: none of %s%zu object%s fits layout %s, not %s%s%s", p->source.url, p->prefix,
                   l->seen == LOOK_AT ? "the first " : "", l->seen, l->seen == 1 ? "" : "s", p->layout,
                   l->first, from, origin);
}

/* AWS's own tools do not refuse such a file, so it is only said. */
static void check_shared_file(struct doctor *d, const struct pipeline *p, const char *origin,
                              const char *what)
{
    const struct creds_env *env = &p->source.env;
    char *path = env->credentials_file != NULL ? xstrdup(env->credentials_file)
                 : env->home != NULL           ? xasprintf("%s/.aws/credentials", env->home)
                                               : NULL;
    struct stat st;

    if (path != NULL && str_starts(origin, "profile ") && stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
        char hint[400];
        snprintf(hint, sizeof hint, "chmod 600 %.300s", path);
        doctor_say(d, what, DOCTOR_WARN, hint, "%s may be read by others (mode %03o)", path,
                   (unsigned)(st.st_mode & 0777));
    }
    free(path);
}

static void check_source(struct doctor *d, const struct pipeline *p, const char *what)
{
    struct look look = {.p = p};
    struct source *s = NULL;
    struct err err;
    int rc = source_open(&p->source, &s, &err);

    if (rc == 0)
        rc = source_list(s, p->prefix, on_object, &look, &err);
    if (rc < 0 && err.code != ERR_CANCELLED) {
        doctor_fail(d, what, &err);
    } else {
        const char *origin = source_creds_origin(s);
        say_source(d, &look, origin, what);
        check_shared_file(d, p, origin, what);
        if (source_is_s3(s))
            doctor_skew(d, what, "S3", source_clock_skew_ms(s), 60000);
    }
    source_close(s);
}

/* What orch.json says of columns of the table, before a file comes to nothing by it. */
static void check_rules(struct doctor *d, const struct pipeline *p, const struct table *def, const char *what)
{
    const struct convert_config *k = &p->convert;
    char part[PART_SIZE];
    struct err err;
    const struct convert_about about = {part_name(p->period, p->since_ms, part), "a/file.csv", 1};

    for (size_t i = 0; i < k->rule_count + k->constant_count; i++)
        if (converter_check(k, def, &about, i, &err) < 0)
            doctor_fail(d, what, &err);
}

static void check_rejects_table(struct doctor *d, struct target *t, const struct pipeline *p,
                                const char *what)
{
    struct table *def = NULL;
    struct err err;

    if (p->rejects_table == NULL)
        return;
    if (target_describe(t, p->rejects_table, &def, &err) < 0) {
        if (err.native == TARGET_NO_TABLE)
            err_hint(&err, "orch target setup makes it");
        doctor_fail(d, what, &err);
    }
    table_free(def);
}

static void check_table(struct doctor *d, struct target *t, const struct pipeline *p, const char *what)
{
    struct table *def = NULL;
    struct err err;
    int rc = target_describe(t, p->table, &def, &err);

    if (rc < 0) {
        if (p->create)
            err_hint(&err, "orch target setup makes it");
        doctor_fail(d, what, &err);
        return;
    }
    if (target_check(def, &err) < 0 || (def->has_lineage && step_stage_check(p, t, def, &err) < 0)) {
        doctor_fail(d, what, &err);
    } else if (!def->has_lineage && p->lineage == LINEAGE_COLUMNS) {
        char hint[200];
        snprintf(hint, sizeof hint, "orch lineage add %.100s --pipeline %.40s", p->table, p->name);
        doctor_say(d, what, DOCTOR_FAIL, hint, "table %s has no lineage columns", p->table);
        d->exit = d->exit == 0 ? 1 : d->exit;
    } else {
        size_t own = def->has_lineage ? def->count - 2 : def->count;
        doctor_say(d, what, DOCTOR_OK, NULL, "table %s: %zu columns%s, %s", p->table, own,
                   def->has_lineage ? " and the two of lineage" : "", def->engine);
    }
    for (size_t i = 0; i < def->count; i++)
        if (def->columns[i].type == COL_FLOAT)
            doctor_say(d, what, DOCTOR_WARN, "DOUBLE or DECIMAL keeps what the file says",
                       "column %s is FLOAT: seven digits, the rest of a value is lost", def->columns[i].name);
        else if (def->columns[i].type == COL_UNSUPPORTED)
            doctor_say(d, what, DOCTOR_WARN,
                       "change its type, or drop the field: \"columns\": {\"FIELD\": null}",
                       "column %s: orch does not load %s; a file that fills it fails", def->columns[i].name,
                       def->columns[i].type_text);
    check_rules(d, p, def, what);
    table_free(def);
}

static void check_target(struct doctor *d, const struct pipeline *p, const char *what)
{
    struct target_config config = p->target;
    struct target *t = NULL;
    struct err err;
    int64_t there = 0;

    if (target_open(&config, &t, &err) < 0) {
        doctor_fail(d, what, &err);
        return;
    }
    doctor_say(d, what, DOCTOR_OK, NULL, "%s: %s", target_name(t), target_version(t));
    if (target_clock_ms(t, &there, &err) < 0)
        doctor_fail(d, what, &err);
    else
        doctor_skew(d, what, "the database", there - clock_real_ms(), 60000);
    int ledger = target_has_ledger(t, &err);
    if (ledger < 0) {
        doctor_fail(d, what, &err);
    } else if (ledger == 0) {
        doctor_say(d, what, DOCTOR_FAIL, "orch target setup", "orch_load and orch_fence are not there");
        d->exit = d->exit == 0 ? 1 : d->exit;
    }
    check_table(d, t, p, what);
    check_rejects_table(d, t, p, what);
    doctor_needs_target(d, t, p);
    target_close(t);
}

static void check_pipeline(struct doctor *d, const struct config *c, const struct pipeline *p)
{
    char source[80], target[80], workflow[80];

    snprintf(workflow, sizeof workflow, "%s workflow", p->name);
    snprintf(source, sizeof source, "%s source", p->name);
    snprintf(target, sizeof target, "%s target", p->name);
    check_workflow(d, c, p, workflow);
    check_source(d, p, source);
    doctor_needs_source(d, p);
    check_target(d, p, target);
}

/* A line per check, and what to do in a line of its own: as a table, hints stand where nobody reads them. */
static void print_checks(struct cli *c, const json_t *rows)
{
    char check[100], text[1500], hint[600];
    size_t wide = 0, at, i;
    const json_t *r;

    json_array_foreach(rows, i, r) {
        size_t n = strlen(view_str(r, "check"));
        wide = n > wide ? n : wide;
    }
    at = 6 + wide + 2;
    json_array_foreach(rows, i, r) {
        const char *status = view_str(r, "status"), *paint = out_paint(&c->out, status);
        out_cell(json_object_get(r, "check"), check, sizeof check);
        out_cell(json_object_get(r, "text"), text, sizeof text);
        out_cell(json_object_get(r, "hint"), hint, sizeof hint);
        printf("%s%-4s%s  %-*s  ", paint, status, *paint != '\0' ? out_plain(&c->out) : "", (int)wide, check);
        out_folded(&c->out, at, at, text);
        if (*hint != '\0') {
            printf("%*s", (int)at, "");
            out_folded(&c->out, at, at, hint);
        }
    }
}

static void print(struct cli *c, const struct doctor *d)
{
    static const struct out_column columns[] = {
        {"status", "STATUS", false, true},
        {"check", "CHECK", false, false},
        {"text", "WHAT", false, false},
        {"hint", "HINT", false, false},
        {0},
    };
    const json_t *n;
    size_t i;

    if (c->out.format == OUT_JSON) {
        json_t *whole = json_pack("{s:i,s:O,s:O,s:i}", "schema_version", 1, "checks", d->rows, "needs",
                                  d->needs, "exit", d->exit);
        out_document(&c->out, whole);
        json_decref(whole);
        return;
    }
    if (c->out.format != OUT_TABLE) {
        out_rows(&c->out, "checks", columns, d->rows);
        return;
    }
    print_checks(c, d->rows);
    json_array_foreach(d->needs, i, n)
        printf("\n%s\n%s", json_string_value(json_object_get(n, "what")),
               json_string_value(json_object_get(n, "text")));
}

/* Re-executed under env -i, from the home folder: what cron gives, and what it does not. */
static int again(struct cli *c, struct err *err)
{
    char memory[1024], home[300], self[SELF_SIZE];
    struct passwd entry, *found = NULL;
    int rc = self_path(self, err);

    if (rc < 0)
        return rc;
    err_ignore(getpwuid_r(getuid(), &entry, memory, sizeof memory, &found));
    snprintf(home, sizeof home, "HOME=%s", found != NULL ? found->pw_dir : "/");
    char shell[] = "SHELL=/bin/sh", path[] = "PATH=/usr/bin:/bin", verb[] = "doctor", c_option[] = "-c",
         o_option[] = "-o";
    char form[8];
    snprintf(form, sizeof form, "%s",
             c->out.format == OUT_JSON    ? "json"
             : c->out.format == OUT_JSONL ? "jsonl"
             : c->out.format == OUT_CSV   ? "csv"
                                          : "table");
    char *const env[] = {home, shell, path, NULL};
    char *const argv[] = {self, c_option, c->config->path, o_option, form, verb, NULL};
    if (chdir(home + 5) < 0)
        cli_say("cannot enter %s: %s", home + 5, strerror(errno));
    execve(self, argv, env);
    return err_errno(err, errno, "cannot run %s", self);
}

static int run(struct cli *c, struct err *err)
{
    struct doctor d = {.rows = json_array(), .needs = json_array()};
    int rc = cli_config(c, err);

    if (rc == 0 && as_cron)
        rc = again(c, err);
    if (rc == 0) {
        check_file(&d, c->config);
        check_state(&d, c);
        for (size_t i = 0; i < c->config->pipeline_count; i++)
            check_pipeline(&d, c->config, &c->config->pipelines[i]);
        for (size_t i = 0; i < c->config->extract_count; i++)
            doctor_extract(&d, c, &c->config->extracts[i]);
        for (size_t i = 0; i < c->config->table_count; i++)
            doctor_table(&d, &c->config->tables[i]);
        doctor_backups(&d, c);
        print(c, &d);
        rc = d.exit;
    }
    json_decref(d.rows);
    json_decref(d.needs);
    return rc;
}

const struct command cmd_doctor = {
    "doctor",
    "",
    "Checks config, state, source, target and clocks; prints the rights that are needed.",
    "  orch doctor\n"
    "  orch doctor --cron      what works by hand and fails in cron shows here\n",
    opts,
    0,
    0,
    run,
};
