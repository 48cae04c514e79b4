#include "tests/lib/queue_fixture.h"
#include "base/clock.h"
#include "state/store_int.h"
#include <sys/wait.h>
#include <unistd.h>

void fx_open(struct fixture *f)
{
    *f = (struct fixture){.s = NULL};
    snprintf(f->folder, sizeof f->folder, "/tmp/orch-queue-XXXXXX");
    must(mkdtemp(f->folder) != NULL);
    snprintf(f->path, sizeof f->path, "%s/orch.db", f->folder);
    must_rc(store_open(f->path, STORE_CREATE, &f->s, &f->err), &f->err);
    fx_sql(f, "INSERT INTO workflow VALUES ('w', 'ingest', '{}', 0)");
}

void fx_close(struct fixture *f)
{
    store_close(f->s);
    pid_t kid = fork();
    if (kid == 0) {
        execl("/bin/rm", "rm", "-rf", "--", f->folder, (char *)NULL);
        _exit(127);
    }
    waitpid(kid, NULL, 0);
}

void fx_sql(struct fixture *f, const char *sql)
{
    char *message = NULL;

    sqlite3_exec(store_db(f->s), sql, NULL, NULL, &message);
    if (message != NULL)
        diag("%s: %s", sql, message);
    must(message == NULL);
}

const char *fx_text(struct fixture *f, const char *sql)
{
    static char ring[8][2000];
    static unsigned at;
    char *out = ring[at++ % ARRAY_LEN(ring)];
    sqlite3_stmt *st = NULL;

    out[0] = '\0';
    int rc = sqlite3_prepare_v2(store_db(f->s), sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        diag("%s: %s", sql, sqlite3_errmsg(store_db(f->s)));
    must(rc == SQLITE_OK);
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        snprintf(out, sizeof ring[0], "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return out;
}

int64_t fx_number(struct fixture *f, const char *sql)
{
    return strtoll(fx_text(f, sql), NULL, 10);
}

int64_t fx_run(struct fixture *f, const char *token)
{
    char sql[800];

    snprintf(
        sql, sizeof sql,
        "INSERT INTO execution (name, pipeline, workflow_sha256, cause_of_start, status, input, start_ms)"
        " VALUES ('run-%s', 'loans', 'w', 'SCHEDULE', 'RUNNING', '{}', 0);"
        "INSERT INTO task (execution_id, frame_id, state, attempt, token, resource, parameters, status, "
        "scheduled_ms,"
        " claim)"
        " VALUES (last_insert_rowid(), 0, 'S', 1, '%s', 'r', '{}', 'STARTED', 0, 0)",
        token, token);
    fx_sql(f, sql);
    snprintf(sql, sizeof sql, "SELECT execution_id FROM task WHERE token = '%s'", token);
    return fx_number(f, sql);
}

int64_t fx_see(struct fixture *f, const char *part, const char *key, const char *etag, int64_t size)
{
    const struct object_seen o = {.pipeline = "loans",
                                  .part = part,
                                  .key = key,
                                  .etag = etag,
                                  .size = size,
                                  .mtime_ns = size,
                                  .modified_ms = 1,
                                  .now_ms = clock_now_ms()};
    int64_t id = 0;

    must_rc(store_begin(f->s, &f->err), &f->err);
    must_rc(object_see(f->s, &o, &id, &f->err), &f->err);
    must_rc(store_commit(f->s, &f->err), &f->err);
    return id;
}

int64_t fx_job(struct fixture *f, const char *part, const char *kind, const int64_t *objects)
{
    struct job_new n = {.pipeline = "loans",
                        .part = part,
                        .kind = kind,
                        .reason = "",
                        .who = "",
                        .objects = objects,
                        .bytes = 1,
                        .now_ms = clock_now_ms()};
    int64_t id = 0;

    while (objects[n.object_count] != 0)
        n.object_count++;
    must_rc(store_begin(f->s, &f->err), &f->err);
    must_rc(job_create(f->s, &n, &id, &f->err), &f->err);
    must_rc(store_commit(f->s, &f->err), &f->err);
    return id;
}

int64_t fx_load_of(struct fixture *f, int64_t job_id)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT load_id FROM load WHERE job_id = %lld AND state <> 'DROPPED'",
             (long long)job_id);
    return fx_number(f, sql);
}

const char *fx_take(struct fixture *f, const char *token, int64_t execution_id, int64_t job_id)
{
    static char id[40];
    const struct flag_new n = {
        .pipeline = "loans", .execution_id = execution_id, .job_id = job_id, .lease_ms_from_now = 60000};
    struct flag flag;

    int rc = flag_set(f->s, token, &n, &flag, &f->err);
    must_rc(rc, &f->err);
    must(rc == 1);
    memcpy(id, flag.id, sizeof id);
    return id;
}

void fx_load_job(struct fixture *f, const char *token, int64_t execution_id, int64_t job_id)
{
    char flag[40];
    int64_t load_id = fx_load_of(f, job_id);
    const struct load_result result = {
        .load_id = load_id, .rows_read = 10, .rows_loaded = 10, .columns = "{}", .sha256 = "aa", .now_ms = 5};
    const struct job_outcome loaded = {.job_id = job_id, .state = "LOADED", .now_ms = 5};
    const struct reconciliation equal = {.job_id = job_id,
                                         .at_ms = 6,
                                         .rows_source = 10,
                                         .rows_loaded = 10,
                                         .rows_target = 10,
                                         .verdict = "EQUAL",
                                         .differences = "[]"};

    snprintf(flag, sizeof flag, "%s", fx_take(f, token, execution_id, job_id));
    must_rc(load_pending(f->s, token, &result, &f->err), &f->err);
    must_rc(load_settle(f->s, token, load_id, "LOADED", 5, &f->err), &f->err);
    must_rc(job_set(f->s, token, &loaded, &f->err), &f->err);
    must_rc(reconciliation_put(f->s, token, &equal, &f->err), &f->err);
    must_rc(flag_reset(f->s, token, "loans", flag, NULL, &f->err), &f->err);
}

void fx_decide(struct fixture *f, const char *part, const char *state, const char *reason, int64_t now_ms)
{
    const struct partition_decision d = {
        .pipeline = "loans", .state = state, .reason = reason, .parts = &part, .n = 1, .now_ms = now_ms};

    must_rc(partition_decide(f->s, &d, &f->err), &f->err);
}
