#include "tests/lib/engine_fixture.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/tick.h"
#include "state/queue.h"
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder_of_steps;

void ef_put(const char *path, const char *text)
{
    struct err err;

    must_rc(fs_write(path, text, strlen(text), 0600, &err), &err);
}

char *ef_get(const char *path, size_t *ret_n)
{
    struct buf b = BUF_INIT(64 * MIB);
    struct err err;

    must_rc(fs_read(path, &b, &err), &err);
    must_rc(buf_adds(&b, "", &err), &err);
    if (ret_n != NULL)
        *ret_n = b.n;
    return buf_take(&b);
}

static void remove_folder(const char *folder)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/rm", "rm", "-rf", "--", folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static int step_add(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    char *path = fs_join(folder_of_steps, "effects"), line[64];
    FILE *f = fopen(path, "a+e");
    int n = 0, ch;

    UNUSED(c);
    UNUSED(err);
    snprintf(line, sizeof line, "%s\n", json_string_value(json_object_get(parameters, "what")));
    if (f == NULL || fputs(line, f) < 0 || fflush(f) != 0)
        abort();
    rewind(f);
    while ((ch = getc(f)) != EOF)
        n += ch == '\n';
    fclose(f);
    free(path);
    *ret_owned = json_pack("{s:i}", "lines", n);
    return 0;
}

static int step_fail(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const char *name = json_string_value(json_object_get(parameters, "error"));
    const char *cause = json_string_value(json_object_get(parameters, "cause"));
    const char *hint = json_string_value(json_object_get(parameters, "hint"));

    UNUSED(c);
    UNUSED(ret_owned);
    err_set(err, err_by_name(name), "%s", cause != NULL ? cause : "it fails");
    if (hint != NULL)
        err_hint(err, "%s", hint);
    if (err->code == ERR_INTERNAL)
        snprintf(err->name, sizeof err->name, "%s", name);
    return -(int)err->code;
}

static int step_slow(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    int64_t until = clock_mono_ms() + json_integer_value(json_object_get(parameters, "seconds")) * 1000;
    char *path = fs_join(folder_of_steps, "slow");

    ef_put(path, "");
    free(path);
    while (clock_mono_ms() < until) {
        int rc = beat(&c->beat, err);
        if (rc < 0)
            return rc;
        clock_sleep_ms(10);
    }
    *ret_owned = json_object();
    return 0;
}

static int fail_with(const char *name, struct err *err)
{
    err_set(err, err_by_name(name), "it fails with %s", name);
    if (err->code == ERR_INTERNAL)
        snprintf(err->name, sizeof err->name, "%s", name);
    return -(int)err->code;
}

static int step_mood(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    char *path = fs_join(folder_of_steps, "mood"), *mood = NULL;
    int rc = 0;

    UNUSED(c);
    UNUSED(parameters);
    if (access(path, F_OK) == 0)
        mood = ef_get(path, NULL);
    if (mood != NULL && mood[0] != '\0')
        rc = fail_with(mood, err);
    else
        *ret_owned = json_object();
    free(path);
    free(mood);
    return rc;
}

static int step_work(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const char *pipeline = json_string_value(json_object_get(parameters, "pipeline"));
    struct job job = {0};
    int64_t pending, now = clock_now_ms();
    int rc = job_next(c->store, pipeline, NULL, now, &job, &pending, err);

    if (rc <= 0)
        return rc < 0 ? rc : err_set(err, ERR_CONTRACT, "no job");
    bool fails = job.reason[0] != '\0';
    sqlite3 *db = NULL;
    char *sql =
        sqlite3_mprintf("UPDATE job SET state = %Q, error = %Q, message = 'its words', tries = tries + %d, "
                        "not_before_ms = %lld, execution_id = %lld WHERE id = %lld",
                        fails ? "FAILED" : "RECONCILED", fails ? job.reason : NULL, fails,
                        (long long)now + 350000, (long long)c->execution_id, (long long)job.id);
    if (sqlite3_open(store_path(c->store), &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        abort();
    sqlite3_close(db);
    sqlite3_free(sql);
    rc = fails ? fail_with(job.reason, err) : 0;
    if (rc == 0)
        *ret_owned = json_object();
    job_release(&job);
    return rc;
}

static const struct step_type *lookup(const char *resource)
{
    static const struct step_type steps[] = {{.name = "add", .run = step_add, .doc = ""},
                                             {.name = "fail", .run = step_fail, .doc = ""},
                                             {.name = "slow", .run = step_slow, .doc = ""},
                                             {.name = "mood", .run = step_mood, .doc = ""},
                                             {.name = "work", .run = step_work, .doc = ""}};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        char *arn = xasprintf(ORCH_STEP("%s"), steps[i].name);
        bool same = strcmp(arn, resource) == 0;
        free(arn);
        if (same)
            return &steps[i];
    }
    return step_by_resource(resource);
}

void ef_open(struct engine_fixture *f, const char *folder)
{
    char *path = fs_join(folder, "orch.json");

    memset(f, 0, sizeof *f);
    f->folder = xstrdup(folder);
    free(folder_of_steps);
    folder_of_steps = xstrdup(folder);
    engine_step_lookup = lookup;
    engine_stop_signal = 0;
    must_rc(config_load(path, &f->config, NULL, &f->err), &f->err);
    must_rc(store_open(f->config->state, STORE_CREATE, &f->store, &f->err), &f->err);
    must_rc(engine_new(f->config, f->store, &f->engine, &f->err), &f->err);
    free(path);
}

void ef_make(struct engine_fixture *f, const char *workflow, const char *more)
{
    static const char pipeline[] =
        "\"%s\": {\"workflow\": \"%s\", \"schedule\": \"cron(0/5 * * * ? *)\","
        " \"source\": {\"connection\": \"lake\", \"since\": \"2022-06-05T00\", \"until\": \"2022-06-05T02\"},"
        " \"target\": {\"connection\": \"db\", \"table\": \"t_%s\"}}";
    char folder[] = "/tmp/orch-engine-XXXXXX";
    must(mkdtemp(folder) != NULL);
    char *config = fs_join(folder, "orch.json"), *asl = fs_join(folder, "w.asl.json");
    char *p = xasprintf(pipeline, "p", workflow != NULL ? "w.asl.json" : "ingest", "p");
    char *q = xasprintf(pipeline, "q", workflow != NULL ? "w.asl.json" : "ingest", "q");
    char *text = xasprintf("{%s \"connections\": {\"lake\": {\"url\": \"file://incoming\"},"
                           " \"db\": {\"url\": \"sqlite:w.db\"}}, \"pipelines\": {%s, %s}}",
                           more, p, q);

    ef_put(config, text);
    if (workflow != NULL)
        ef_put(asl, workflow);
    ef_open(f, folder);
    f->made_here = true;
    free(config);
    free(asl);
    free(p);
    free(q);
    free(text);
}

void ef_close(struct engine_fixture *f)
{
    engine_free(f->engine);
    store_close(f->store);
    config_free(f->config);
    if (f->made_here)
        remove_folder(f->folder);
    free(f->folder);
    free(folder_of_steps);
    folder_of_steps = NULL;
    memset(f, 0, sizeof *f);
}

int64_t ef_start(struct engine_fixture *f, const char *input)
{
    const struct pipeline *p;
    json_t *v = NULL;
    int64_t id = 0;

    input = input != NULL ? input : "{}";
    must_rc(json_parse(input, strlen(input), "input", &v, &f->err), &f->err);
    must_rc(config_pipeline(f->config, "p", &p, &f->err), &f->err);
    must_rc(engine_start(f->engine, p, NULL, "START", v, &id, &f->err), &f->err);
    json_decref(v);
    return id;
}

struct history {
    struct buf text;
    const char *suffix;
};

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    struct history *h = arg;
    size_t n = strlen(type), k = strlen(h->suffix);

    UNUSED(id);
    UNUSED(previous);
    UNUSED(ts_ms);
    UNUSED(details);
    if (n < k || strcmp(type + n - k, h->suffix) != 0)
        return 0;
    return buf_addf(&h->text, err, "%s%s", h->text.n > 0 ? " " : "", type);
}

char *ef_history(struct engine_fixture *f, int64_t id, const char *suffix)
{
    struct history h = {.text = BUF_INIT(8 << 20), .suffix = suffix != NULL ? suffix : ""};

    must_rc(event_list(f->store, id, false, -1, on_event, &h, &f->err), &f->err);
    must_rc(buf_adds(&h.text, "", &f->err), &f->err);
    return buf_take(&h.text);
}

char *ef_text(struct engine_fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    char *text = NULL;

    must(sqlite3_open(f->config->state, &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    must(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK);
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        text = xstrdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(db);
    return text != NULL ? text : xstrdup("");
}

int64_t ef_number(struct engine_fixture *f, const char *sql)
{
    char *text = ef_text(f, sql);
    int64_t n = strtoll(text, NULL, 10);

    free(text);
    return n;
}

void ef_is(struct engine_fixture *f, const char *sql, const char *want)
{
    char *got = ef_text(f, sql);

    is_str(got, want);
    free(got);
}

enum engine_result ef_work(struct engine_fixture *f, int64_t id, int64_t *ret_wake)
{
    enum engine_result result = ENGINE_HELD;
    int64_t wake = 0;

    must_rc(engine_work(f->engine, id, &result, &wake, &f->err), &f->err);
    if (ret_wake != NULL)
        *ret_wake = wake;
    return result;
}

void ef_sql(struct engine_fixture *f, const char *sql)
{
    free(ef_text(f, sql));
}

static void on_term(int signal_number)
{
    engine_stop_signal = signal_number;
}

/* Before main: this is the child. */
__attribute__((constructor)) static void child_main(void)
{
    const char *folder = getenv("ENGINE_TEST_CHILD");
    enum engine_result result = ENGINE_HELD;
    struct engine_fixture f;
    int64_t wake;

    if (folder == NULL)
        return;
    signal(SIGTERM, on_term);
    ef_open(&f, folder);
    if (getenv("ENGINE_TEST_TICK") != NULL) {
        const struct tick_options o = {.pipeline = getenv("TICK_PIPELINE"),
                                       .force = getenv("TICK_FORCE") != NULL,
                                       .fail_if_locked = getenv("TICK_FAIL_IF_LOCKED") != NULL,
                                       .linger_ms = -1};
        int rc = tick_run(f.config, f.store, &o, &f.err);
        if (rc < 0)
            fprintf(stderr, "tick: %s: %s\n", err_asl(&f.err), f.err.msg);
        ef_close(&f);
        exit(rc < 0 ? 100 : rc); /* not _exit: leaks are looked for */
    }
    if (engine_work(f.engine, 1, &result, &wake, &f.err) < 0) {
        diag("child: %s: %s", err_asl(&f.err), f.err.msg);
        _exit(100);
    }
    _exit((int)result);
}

static int child(struct engine_fixture *f, bool tick, const char *const env[])
{
    pid_t pid = fork();

    if (pid == 0) {
        if (tick) {
            char *log = fs_join(f->folder, "stderr");
            setenv("ENGINE_TEST_TICK", "1", 1);
            if (freopen(log, "a", stderr) == NULL)
                _exit(126);
            free(log);
        }
        setenv("ENGINE_TEST_CHILD", f->folder, 1);
        for (; env != NULL && *env != NULL; env++)
            putenv(xstrdup(*env));
        execl("/proc/self/exe", "engine-child", (char *)NULL);
        _exit(126);
    }
    must(pid > 0);
    return pid;
}

int ef_child(struct engine_fixture *f, const char *const env[])
{
    return child(f, false, env);
}

int ef_tick_child(struct engine_fixture *f, const char *const env[])
{
    return child(f, true, env);
}

int ef_wait(int pid)
{
    int status = 0;

    must(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
