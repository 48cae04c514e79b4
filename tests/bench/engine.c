/*
 * The engine's own work, and the same rows by bare SQLite:
 *     engine work ORCH.JSON DEFINITION INPUT.JSON AT_ONCE     starts it, and works it to its end, which is timed: seconds, peak
 *                                         memory in KiB
 *     engine copy DONE.DB FRESH.DB AT_ONCE    the rows that DONE.DB has of execution 1 into FRESH.DB, where it was only started, in the
 *                                         transactions that the engine makes: seconds
 * AT_ONCE: decisions that share a transaction.
 */
#include "orchestrator/engine.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what)
{
    fprintf(stderr, "engine: %s\n", what);
    return 1;
}

static char *whole(const char *path, size_t *ret_n)
{
    struct buf b = BUF_INIT(64 * 1024 * 1024);
    struct err err;

    if (fs_read(path, &b, &err) < 0) {
        fail(err.msg);
        exit(1);
    }
    *ret_n = b.n;
    return buf_take(&b);
}

static int start(struct engine *e, char **argv, int64_t *ret_id, struct err *err)
{
    struct engine_own own = {.machine = "w"};
    json_t *input = NULL;
    size_t n = 0;
    char *definition = whole(argv[3], &own.n), *text = whole(argv[4], &n);

    own.definition = definition;
    int rc = json_parse(text, n, argv[4], &input, err);
    if (rc == 0)
        rc = engine_start_own(e, &own, "x", input, ret_id, err);
    json_decref(input);
    free(definition);
    free(text);
    return rc;
}

static int work(char **argv)
{
    struct config *c = NULL;
    struct store *s = NULL;
    struct engine *e = NULL;
    enum engine_result result = ENGINE_HELD;
    struct rusage used;
    struct err err;
    int64_t wake = 0, id = 0;

    engine_steps_at_once = (int)strtol(argv[5], NULL, 10);
    if (config_load(argv[2], &c, NULL, &err) < 0 || store_open(c->state, STORE_CREATE, &s, &err) < 0 ||
        engine_new(c, s, &e, &err) < 0 || start(e, argv, &id, &err) < 0)
        return fail(err.msg);
    double began = now();
    int rc = engine_work(e, id, &result, &wake, &err);
    double took = now() - began;
    if (rc < 0 || result != ENGINE_ENDED)
        return fail(rc < 0 ? err.msg : "it has not ended");
    getrusage(RUSAGE_SELF, &used);
    printf("%.6f %ld\n", took, used.ru_maxrss);
    engine_free(e);
    store_close(s);
    config_free(c);
    return 0;
}

struct row {
    long long id, previous, ts;
    char *type, *details, *state;
    int has_frame;
};

static char *text(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);
    return s != NULL ? xstrdup(s) : NULL;
}

static size_t read_rows(const char *path, struct row **ret)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    size_t n = 0;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db,
                           "SELECT id, previous_id, ts_ms, type, details, state, frame_id FROM event WHERE "
                           "execution_id = 1 AND id > 1 ORDER BY id",
                           -1, &st, NULL) != SQLITE_OK)
        return 0;
    while (sqlite3_step(st) == SQLITE_ROW) {
        if (n % 4096 == 0)
            *ret = xrealloc(*ret, (n + 4096) * sizeof **ret);
        (*ret)[n++] = (struct row){.id = sqlite3_column_int64(st, 0),
                                   .previous = sqlite3_column_int64(st, 1),
                                   .ts = sqlite3_column_int64(st, 2),
                                   .type = text(st, 3),
                                   .details = text(st, 4),
                                   .state = text(st, 5),
                                   .has_frame = sqlite3_column_type(st, 6) != SQLITE_NULL};
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
        fail(sqlite3_errmsg(db));
        exit(1);
    }
    return st;
}

static void run(sqlite3 *db, sqlite3_stmt *st)
{
    if (sqlite3_step(st) != SQLITE_DONE || sqlite3_reset(st) != SQLITE_OK) {
        fail(sqlite3_errmsg(db));
        exit(1);
    }
}

static void put_event(sqlite3 *db, sqlite3_stmt *st, const struct row *r)
{
    sqlite3_bind_int64(st, 1, r->id);
    sqlite3_bind_int64(st, 2, r->previous);
    sqlite3_bind_text(st, 3, r->type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, r->ts);
    sqlite3_bind_text(st, 5, r->details, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 6, r->state, -1, SQLITE_STATIC);
    if (r->has_frame)
        sqlite3_bind_int64(st, 7, 0);
    else
        sqlite3_bind_null(st, 7);
    run(db, st);
}

/* The cursor behind the event r; next NULL: the end. */
static void put_frame(sqlite3 *db, sqlite3_stmt *st, const struct row *r, const struct row *next)
{
    sqlite3_bind_text(st, 1,
                      next != NULL && next->state != NULL ? next->state
                      : r->state != NULL                  ? r->state
                                                          : "A",
                      -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, next != NULL ? "ENTER" : "DONE", -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, r->id);
    run(db, st);
}

static int copy(char **argv)
{
    struct row *rows = NULL;
    size_t n = read_rows(argv[2], &rows), at_once = 2 * (size_t)strtol(argv[4], NULL, 10), at = 0;
    sqlite3 *db;

    if (n == 0 || sqlite3_open_v2(argv[3], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return fail("cannot open them");
    sqlite3_exec(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    double began = now();
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE"), *commit = prepare(db, "COMMIT");
    sqlite3_stmt *event = prepare(
        db,
        "INSERT INTO event(execution_id, id, previous_id, type, ts_ms, details, state, frame_id) VALUES (1, "
        "?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    sqlite3_stmt *frame = prepare(
        db,
        "INSERT INTO frame(execution_id, parent_id, id, kind, item, state, phase, input_event, input, retry, "
        "vars, entered_ms, wake_ms, entered_event, last_event, fork_event, slot_event, failed) VALUES (1, "
        "-1, 0, "
        "'ROOT', 0, ?1, ?2, ?3, NULL, NULL, NULL, 0, 0, 0, ?3, 0, 0, 0) ON CONFLICT (execution_id, "
        "parent_id, id) "
        "DO UPDATE SET state = ?1, phase = ?2, input_event = ?3, input = NULL, last_event = ?3");
    sqlite3_stmt *claim =
        prepare(db, "UPDATE execution SET claim = 1, claim_lock = '1.1', claim_boot_id = 'x', "
                    "claim_pid = 1, claim_pid_start = 1, claim_lease_boot_ms = 1, "
                    "claim_lease_ms = 90000 WHERE id = 1 AND status = 'RUNNING'");
    sqlite3_stmt *finish =
        prepare(db, "UPDATE execution SET status = 'SUCCEEDED', output = '{}', stop_ms = 1, "
                    "claim_lock = NULL, claim_pid = NULL, claim_pid_start = NULL, "
                    "claim_boot_id = NULL, claim_lease_boot_ms = NULL, claim_lease_ms = NULL "
                    "WHERE id = 1");
    run(db, begin);
    run(db, claim);
    run(db, commit);
    while (at < n) {
        size_t end = at + at_once + 1 >= n ? n : at + at_once; /* ExecutionSucceeded goes with the last */
        run(db, begin);
        for (; at < end; at++)
            put_event(db, event, &rows[at]);
        put_frame(db, frame, &rows[at - 1], at < n ? &rows[at] : NULL);
        if (at == n)
            run(db, finish);
        run(db, commit);
    }
    printf("%.6f\n", now() - began);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(event);
    sqlite3_finalize(frame);
    sqlite3_finalize(claim);
    sqlite3_finalize(finish);
    sqlite3_close(db);
    for (size_t i = 0; i < n; i++) {
        free(rows[i].type);
        free(rows[i].details);
        free(rows[i].state);
    }
    free(rows);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "work") == 0)
        return work(argv);
    if (argc == 5 && strcmp(argv[1], "copy") == 0)
        return copy(argv);
    return fail("work ORCH.JSON DEFINITION INPUT.JSON AT_ONCE | copy DONE.DB FRESH.DB AT_ONCE");
}
