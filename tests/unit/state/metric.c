#include "state/metric.h"
#include "base/buf.h"
#include "base/mem.h"
#include "state/store_int.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f, other;

static void add(const char *name, const char *pipeline, const char *label, int64_t n)
{
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(counter_add(f.s, name, pipeline, label, n, &f.err), &f.err);
    must_rc(store_commit(f.s, &f.err), &f.err);
}

static int on_counter(void *arg, const char *name, const char *pipeline, const char *label, int64_t value,
                      struct err *err)
{
    return buf_addf(arg, err, "%s/%s/%s=%lld ", name, pipeline, label, (long long)value);
}

TEST(counters_add_up)
{
    struct buf b = BUF_INIT(1000);

    fx_open(&f);
    add("rows", "loans", "in", 3);
    add("rows", "cards", "in", 1);
    add("rows", "loans", "in", 4);
    add("rows", "loans", "out", 0);
    must_rc(counter_list(f.s, on_counter, &b, &f.err), &f.err);
    is_str(b.p, "rows/cards/in=1 rows/loans/in=7 ");
    fails(counter_add(f.s, "rows", "loans", "in", 1, &f.err), &f.err,
          ERR_INTERNAL); /* outside a transaction */
    buf_release(&b);
    fx_close(&f);
}

TEST(a_load_is_counted_when_it_settles_and_once)
{
    int64_t objects[] = {0, 0};

    fx_open(&f);
    objects[0] = fx_see(&f, "2022-06-05T12", "a.csv", "e1", 123);
    int64_t job = fx_job(&f, "2022-06-05T12", "LOAD", objects), run = fx_run(&f, "t1");
    fx_take(&f, "t1", run, job);
    const struct load_result r = {.load_id = fx_load_of(&f, job),
                                  .rows_read = 12,
                                  .rows_loaded = 10,
                                  .rows_rejected = 2,
                                  .columns = "{\"a\":{\"nulls\":4,\"sum\":\"1\"},\"b\":{\"nulls\":3}}",
                                  .sha256 = "aa",
                                  .now_ms = 5};
    must_rc(load_pending(f.s, "t1", &r, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT count(*) FROM counter"), 0); /* COMMIT may still fail */
    for (int i = 0; i < 2; i++)
        must_rc(load_settle(f.s, "t1", r.load_id, "LOADED", 6, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'in loaded' AND pipeline = 'loans'"), 10);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'in rejected'"), 2);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'in null_converted'"), 7);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE name = 'orch_bytes_total'"), 123);
    fx_close(&f);
}

TEST(what_was_rolled_back_is_not_counted)
{
    int64_t objects[] = {0, 0};

    fx_open(&f);
    objects[0] = fx_see(&f, "2022-06-05T12", "a.csv", "e1", 123);
    int64_t job = fx_job(&f, "2022-06-05T12", "LOAD", objects), run = fx_run(&f, "t1");
    fx_take(&f, "t1", run, job);
    const struct load_result r = {
        .load_id = fx_load_of(&f, job), .rows_read = 9, .rows_loaded = 9, .now_ms = 5};
    must_rc(load_pending(f.s, "t1", &r, &f.err), &f.err);
    must_rc(load_settle(f.s, "t1", r.load_id, "DRAWN", 6, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT count(*) FROM counter"), 0);
    fx_close(&f);
}

static void leave(int64_t entered_ms, int64_t now_ms)
{
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(counter_state_left(f.s, "p", "Ingest", entered_ms, now_ms, &f.err), &f.err);
    must_rc(store_commit(f.s, &f.err), &f.err);
}

TEST(the_time_in_a_state_falls_into_the_first_bucket_that_holds_it)
{
    fx_open(&f);
    fx_run(&f, "t1");
    leave(1000, 1100);            /* 100 ms: le 0.1, inclusive */
    leave(1000, 1101);            /* le 0.5 */
    leave(1000, 1000 + 14400001); /* +Inf */
    leave(5000, 1000);            /* the clock was set back: not known */
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'Ingest' || char(1) || '00'"), 1);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'Ingest' || char(1) || '01'"), 1);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'Ingest' || char(1) || '10'"), 1);
    is_int(fx_number(&f, "SELECT value FROM counter WHERE label = 'Ingest' || char(1) || 'ms'"),
           100 + 101 + 14400001);
    fx_close(&f);
}

static int on_state(void *arg, const char *state, int64_t count, struct err *err)
{
    return buf_addf(arg, err, "%s=%lld ", state, (long long)count);
}

static const char *standing(const char *from, const char *to, struct standing *ret)
{
    static char text[400];
    struct buf b = BUF_INIT(1000);

    must_rc(metric_standing(f.s, "loans", from, to, on_state, &b, ret, &f.err), &f.err);
    snprintf(text, sizeof text, "%s", b.p != NULL ? b.p : "");
    buf_release(&b);
    return text;
}

static void job(const char *part, int n, const char *state, int unverifiable)
{
    char sql[400];

    snprintf(sql, sizeof sql,
             "INSERT OR IGNORE INTO partition_ (pipeline, part, state, since_ms) VALUES ('loans', '%s', "
             "'QUEUED', 1);"
             "INSERT INTO job (pipeline, part, n, kind, state, unverifiable, created_ms, updated_ms, "
             "loaded_ms, reconciled_ms)"
             " VALUES ('loans', '%s', %d, 'LOAD', '%s', %d, 1, 1, 70, 90)",
             part, part, n, state, unverifiable);
    fx_sql(&f, sql);
}

static void part(const char *name, const char *state)
{
    char sql[200];

    snprintf(
        sql, sizeof sql,
        "INSERT OR REPLACE INTO partition_ (pipeline, part, state, since_ms) VALUES ('loans', '%s', '%s', 1)",
        name, state);
    fx_sql(&f, sql);
}

/* As status tells it: view_partitions decides by the same weights. */
TEST(a_partition_stands_as_its_worst_job_or_as_a_person_decided)
{
    struct standing s;

    fx_open(&f);
    is_str(standing("", "", &s), "");
    job("2022-06-05T00", 1, "RECONCILED", 0);
    job("2022-06-05T01", 1, "RECONCILED", 0);
    job("2022-06-05T01", 2, "FAILED", 0); /* came late */
    job("2022-06-05T02", 1, "LOADED", 1); /* lineage: none */
    job("2022-06-05T03", 1, "LOADED", 0);
    job("2022-06-05T04", 1, "SUPERSEDED", 0);
    job("2022-06-05T05", 1, "RECONCILED", 0);
    part("2022-06-05T05", "SKIPPED");
    part("2022-06-05T06", "LATE");
    part("2022-06-05T07", "EMPTY");
    job("2022-06-05T09", 1, "RECONCILED", 0); /* not asked for */
    fx_sql(&f, "INSERT INTO pause VALUES ('loans', 1, 'a', 'b')");
    is_str(standing("2022-06-05T00", "2022-06-05T08", &s),
           "LATE=1 EMPTY=1 QUEUED=1 LOADED=2 RECONCILED=1 FAILED=1 SKIPPED=1 ");
    is_int(s.parts, 8);
    is_int(s.well, 4);
    is_str(s.newest, "2022-06-05T07");
    is_int(s.landed_ms, 0);
    ok(s.paused);
    is_str(standing("2022-06-05T00", "2022-06-05T02", &s), "LOADED=1 RECONCILED=1 FAILED=1 ");
    is_str(s.newest, "2022-06-05T02");
    is_int(s.landed_ms, 90);
    fx_close(&f);
}

TEST(a_mismatch_counts_rows_of_the_newest_reconciliation)
{
    struct standing s;

    fx_open(&f);
    job("2022-06-05T00", 1, "MISMATCHED", 0);
    fx_sql(&f, "INSERT INTO reconciliation (job_id, at_ms, verdict, rows_source, rows_loaded, rows_rejected, "
               "rows_target)"
               " VALUES (1, 1, 'DIFFERENT', 100, 90, 10, 40), (1, 2, 'DIFFERENT', 100, 90, 10, 93)");
    standing("2022-06-05T00", "2022-06-05T08", &s);
    is_int(s.mismatched, 1);
    is_int(s.difference_rows, 3);
    fx_close(&f);
}

/* The same told by one statement that goes partition by partition: worst job first in the list, unless a person decided. */
#define STANDS                                                                                               \
    "WITH parts AS (SELECT part FROM partition_ UNION SELECT part FROM job WHERE state <> 'SUPERSEDED'),"    \
    " each AS (SELECT s.part, p.state AS own,"                                                               \
    "  (SELECT min(instr('DEAD FAILED MISMATCHED PROCESSING QUEUED LOADED RECONCILED EMPTY', j.state))"      \
    "   FROM job j WHERE j.part = s.part AND j.state <> 'SUPERSEDED') AS worst,"                             \
    "  NOT EXISTS (SELECT 1 FROM job j WHERE j.part = s.part AND j.state = 'LOADED'"                         \
    "   AND j.unverifiable = 0) AS final"                                                                    \
    "  FROM parts s LEFT JOIN partition_ p ON p.part = s.part),"                                             \
    " stands AS (SELECT part, final, CASE WHEN own IN ('SKIPPED', 'ADOPTED') OR worst IS NULL THEN own"      \
    "  ELSE substr('DEAD FAILED MISMATCHED PROCESSING QUEUED LOADED RECONCILED EMPTY ', worst,"              \
    "   instr(substr('DEAD FAILED MISMATCHED PROCESSING QUEUED LOADED RECONCILED EMPTY ', worst), ' ') - 1)" \
    "  END AS state FROM each WHERE part BETWEEN '2022-06-05T02' AND '2022-06-06T05'),"                      \
    " judged AS (SELECT *, state IN ('RECONCILED', 'EMPTY', 'SKIPPED', 'ADOPTED')"                           \
    "  OR (state = 'LOADED' AND final) AS well FROM stands) "

static const char *hour_name(int i)
{
    static char name[40];

    snprintf(name, sizeof name, "2022-06-0%dT%02d", 5 + i / 24, i % 24);
    return name;
}

/* several: most have more than one job; else a few. */
static void strew(unsigned *seed, bool several)
{
    static const char *const own[] = {"QUEUED", "QUEUED", "QUEUED",  "QUEUED",
                                      "LATE",   "EMPTY",  "SKIPPED", "ADOPTED"};
    static const char *const jobs[] = {"RECONCILED", "RECONCILED", "RECONCILED", "LOADED",
                                       "EMPTY",      "FAILED",     "DEAD",       "MISMATCHED",
                                       "PROCESSING", "QUEUED",     "SUPERSEDED", "RECONCILED"};

    fx_sql(&f, "DELETE FROM job; DELETE FROM partition_; BEGIN");
    for (int i = 0; i < 36; i++) {
        *seed = *seed * 1103515245u + 12345u;
        unsigned n = *seed >> 16;
        part(hour_name(i), own[n % ARRAY_LEN(own)]);
        int count = several ? (int)(n / 8 % 8) - 4 : (int)(n / 8 % 32) - 28;
        /* one, or none where a listing or a person said so */
        for (int k = 1; k <= (count > 0 ? count : n % 8 < 4); k++) {
            *seed = *seed * 1103515245u + 12345u;
            job(hour_name(i), k, jobs[(*seed >> 16) % ARRAY_LEN(jobs)], *seed >> 30 & 1);
        }
    }
    fx_sql(&f, "COMMIT");
}

TEST(whatever_they_are_they_are_counted_as_one_by_one)
{
    unsigned seed = 7;
    int different = 0;

    fx_open(&f);
    for (int round = 0; round < 25; round++) {
        struct standing s;
        char sql[4000], *rest = NULL;
        int64_t parts = 0;
        strew(&seed, round % 2 == 1);
        snprintf(sql, sizeof sql, "%s", standing("2022-06-05T02", "2022-06-06T05", &s));
        char *pairs = xstrdup(sql);
        for (char *at = strtok_r(pairs, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
            char *number = strchr(at, '=');
            *number++ = '\0';
            snprintf(sql, sizeof sql, STANDS "SELECT count(*) FROM judged WHERE state = '%s'", at);
            different += fx_number(&f, sql) != strtoll(number, NULL, 10);
            parts += strtoll(number, NULL, 10);
        }
        free(pairs);
        different += fx_number(&f, STANDS "SELECT count(*) FROM judged") != parts || s.parts != parts;
        different += fx_number(&f, STANDS "SELECT count(*) FROM judged WHERE well") != s.well;
        different += strcmp(fx_text(&f, STANDS "SELECT max(part) FROM judged WHERE well"
                                               " AND state NOT IN ('SKIPPED', 'ADOPTED')"),
                            s.newest) != 0;
    }
    is_int(different, 0);
    fx_close(&f);
}

/* Another tick, which writes between any two statements of the count. */
static int write_meanwhile(unsigned event, void *arg, void *statement, void *text)
{
    char sql[300];
    int *hour = arg;

    UNUSED(event);
    UNUSED(statement);
    UNUSED(text);
    snprintf(sql, sizeof sql,
             "INSERT INTO job (pipeline, part, n, kind, state, created_ms, updated_ms) "
             "VALUES ('loans', '%s', 2, 'LOAD', 'FAILED', 1, 1)",
             hour_name((*hour)++));
    fx_sql(&other, sql);
    return 0;
}

TEST(what_is_written_while_they_are_counted_is_of_the_next_count)
{
    struct standing s;
    int hour = 0;

    fx_open(&f);
    other = f;
    must_rc(store_open(f.path, STORE_OPEN, &other.s, &other.err), &other.err);
    for (int i = 0; i < 36; i++)
        job(hour_name(i), 1, "RECONCILED", 0);
    sqlite3_trace_v2(store_db(f.s), SQLITE_TRACE_STMT, write_meanwhile, &hour);
    is_str(standing("2022-06-05T00", "2022-06-06T11", &s), "RECONCILED=35 FAILED=1 ");
    sqlite3_trace_v2(store_db(f.s), 0, NULL, NULL);
    ok(hour > 20);
    is_int(s.parts, 36);
    is_int(s.well, 35);
    is_str(s.newest, "2022-06-06T11");
    store_close(other.s);
    fx_close(&f);
}
