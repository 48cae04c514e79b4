#include "io/query.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"

static struct err err;
static json_t *results;
static struct target_config sqlite_config, mysql_config;
static char *sqlite_url, *mysql_url;

static const struct target_config *on_sqlite(void)
{
    if (sqlite_url == NULL) {
        char *dir = tmp_dir();
        sqlite_url = xasprintf("sqlite:%s/q.db", dir);
        free(dir);
        sqlite_config = (struct target_config){.url = sqlite_url};
    }
    return &sqlite_config;
}

static const struct target_config *on_mysql(void)
{
    const struct test_mariadb *m = test_mariadb();

    if (mysql_url == NULL) {
        free(test_mariadb_sql(m, "CREATE DATABASE q; CREATE USER q@'127.0.0.1' IDENTIFIED BY 'p'; GRANT ALL "
                                 "ON q.* TO q@'127.0.0.1'"));
        mysql_url = xasprintf("mysql://q@127.0.0.1:%d/q", m->port);
        mysql_config = (struct target_config){.url = mysql_url, .password = "p", .tls = TLS_OFF};
    }
    return &mysql_config;
}

struct ask {
    const char *sql[4];
    const char *values[4]; /* JSON; NULL: none */
    const struct beat *beat;
    size_t max;
};

static int ask(const struct target_config *t, const struct ask *a)
{
    struct query_statement s[4];
    size_t n = 0;

    for (; n < 4 && a->sql[n] != NULL; n++)
        s[n] = (struct query_statement){a->sql[n],
                                        a->values[n] != NULL ? json_loads(a->values[n], 0, NULL) : NULL};
    const struct query q = {.target = t,
                            .statements = s,
                            .count = n,
                            .key = "the-key",
                            .max_bytes = a->max > 0 ? a->max : 1 * MIB,
                            .limit_ms = 60000,
                            .beat = a->beat};
    json_decref(results);
    results = NULL;
    err = (struct err){0};
    int rc = query_run(&q, &results, &err);
    for (size_t i = 0; i < n; i++)
        json_decref((json_t *)(uintptr_t)s[i].values);
    return rc;
}

static void is_result(const char *want)
{
    char *got = json_text(results);

    is_str(got, want);
    free(got);
}

TEST(sqlite_values_rows_and_counts)
{
    const struct target_config *t = on_sqlite();

    must_rc(ask(t, &(struct ask){.sql = {"CREATE TABLE t (a INTEGER, b TEXT, c REAL, d BLOB)"},
                                 .values = {NULL}}),
            &err);
    must_rc(ask(t, &(struct ask){.sql = {"INSERT INTO t VALUES (?,?,?,x'00ff'), (?,?,?,NULL)"},
                                 .values = {"[9223372036854775807, \"it's\", 0.1, null, true, \"2\"]"}}),
            &err);
    is_result("[{\"rows\":[],\"affected\":2}]");
    must_rc(
        ask(t, &(struct ask){.sql = {"SELECT a, b, c, d, :orch_key AS k FROM t ORDER BY a IS NULL;  -- all"},
                             .values = {NULL}}),
        &err);
    is_result(
        "[{\"rows\":[{\"a\":9223372036854775807,\"b\":\"it's\",\"c\":0.1,\"d\":\"00FF\",\"k\":\"the-key\"},"
        "{\"a\":null,\"b\":\"1\",\"c\":2.0,\"d\":null,\"k\":\"the-key\"}],\"affected\":0}]");
    must_rc(ask(t, &(struct ask){.sql = {"UPDATE t SET a = 1 WHERE a = 5"}, .values = {NULL}}), &err);
    is_result("[{\"rows\":[],\"affected\":0}]");
}

TEST(all_statements_or_none)
{
    const struct target_config *both[] = {on_sqlite(), on_mysql()};

    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        must_rc(
            ask(both[i], &(struct ask){.sql = {"CREATE TABLE u (a INTEGER PRIMARY KEY)"}, .values = {NULL}}),
            &err);
        fails(ask(both[i], &(struct ask){.sql = {"INSERT INTO u VALUES (?)", "INSERT INTO u VALUES (?)"},
                                         .values = {"[1]", "[1]"}}),
              &err, ERR_DUPLICATE_KEY);
        ok(strstr(err.msg, "statement 2 of 2") != NULL);
        must_rc(ask(both[i], &(struct ask){.sql = {"INSERT INTO u VALUES (?)", "SELECT count(*) AS n FROM u"},
                                           .values = {"[7]", NULL}}),
                &err);
        is_result("[{\"rows\":[],\"affected\":1},{\"rows\":[{\"n\":1}],\"affected\":0}]");
    }
}

TEST(two_statements_in_one_are_refused_and_nothing_is_done)
{
    const struct target_config *both[] = {on_sqlite(), on_mysql()};

    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        must_rc(ask(both[i], &(struct ask){.sql = {"CREATE TABLE v (a INTEGER)"}, .values = {NULL}}), &err);
        ok(ask(both[i], &(struct ask){.sql = {"INSERT INTO v VALUES (1); DROP TABLE v"}, .values = {NULL}}) <
           0);
        ok(strstr(err.hint, "several are a list") != NULL);
        fails(ask(both[i],
                  &(struct ask){.sql = {"INSERT INTO v VALUES (1)", " /* x */ COMMIT"}, .values = {NULL}}),
              &err, ERR_CONTRACT);
        static const char *const hidden[] = {"--\tx\nCOMMIT",
                                             "--x\nCOMMIT",
                                             "\fCOMMIT",
                                             ";COMMIT",
                                             "/*!COMMIT*/",
                                             "/*M!COMMIT*/",
                                             "\xef\xbb\xbf"
                                             "COMMIT",
                                             "/*x*/--\nCOMMIT",
                                             "IF 1 THEN COMMIT; END IF"};
        for (size_t k = 0; k < ARRAY_LEN(hidden); k++)
            fails(
                ask(both[i], &(struct ask){.sql = {"INSERT INTO v VALUES (1)", hidden[k]}, .values = {NULL}}),
                &err, ERR_CONTRACT);
        fails(ask(both[i], &(struct ask){.sql = {"\x1b[2J\xff"}, .values = {NULL}}), &err, ERR_CONTRACT);
        is_str(err.msg, "a statement begins with a word, not with '\\x1b[2J\\xff'");
        must_rc(ask(both[i], &(struct ask){.sql = {"/* My own */ SELECT 1 AS n"}, .values = {NULL}}), &err);
        fails(ask(both[i], &(struct ask){.sql = {"INSERT INTO v VALUES (?)"}, .values = {"[1, 2]"}}), &err,
              ERR_CONTRACT);
        must_rc(ask(both[i], &(struct ask){.sql = {"SELECT count(*) AS n FROM v"}, .values = {NULL}}), &err);
        is_result("[{\"rows\":[{\"n\":0}],\"affected\":0}]");
    }
}

TEST(mysql_numbers_keep_their_digits)
{
    must_rc(ask(on_mysql(),
                &(struct ask){
                    {"SELECT CAST(? AS UNSIGNED) AS u, CAST(18446744073709551615 AS UNSIGNED) AS big, "
                     "CAST(12.50 AS DECIMAL(10,2)) AS d, SUM(x) AS s, 0.1e0 AS f, CAST(1.1 AS FLOAT) AS g, "
                     "DATE '2022-06-05' AS day, x'0aFF' AS b, NULL AS nothing, @orch_key AS k "
                     "FROM (SELECT 1 AS x UNION ALL SELECT 2) z"},
                    .values = {"[9223372036854775807]"}}),
            &err);
    is_result("[{\"rows\":[{\"u\":9223372036854775807,\"big\":\"18446744073709551615\",\"d\":\"12.50\",\"s\":"
              "3,\"f\":0.1,"
              "\"g\":1.1,\"day\":\"2022-06-05\",\"b\":\"0AFF\",\"nothing\":null,\"k\":\"the-key\"}],"
              "\"affected\":0}]");
    fails(ask(on_mysql(), &(struct ask){.sql = {"SELECT 1 AS a, 2 AS a"}, .values = {NULL}}), &err,
          ERR_CONTRACT);
    fails(ask(on_mysql(), &(struct ask){.sql = {"CALL nothing()"}, .values = {NULL}}), &err, ERR_CONTRACT);
}

TEST(rows_have_a_limit)
{
    fails(ask(on_mysql(),
              &(struct ask){.sql = {"SELECT REPEAT('x', 1000) AS a FROM "
                                    "(SELECT 1 UNION ALL SELECT 2) p, (SELECT 1 UNION ALL SELECT 2) q"},
                            .max = 2500}),
          &err, ERR_TOO_LARGE);
    fails(ask(on_sqlite(),
              &(struct ask){
                  .sql = {"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"},
                  .max = 10000}),
          &err, ERR_TOO_LARGE);
}

static int soon(void *arg, struct err *e)
{
    return clock_mono_ms() >= *(int64_t *)arg ? err_set(e, ERR_TASK_TIMEOUT, "enough") : 0;
}

TEST(what_takes_for_ever_is_ended_and_undone)
{
    const struct test_mariadb *m = test_mariadb();
    int64_t until = clock_mono_ms() + 500;
    const struct beat b = {soon, &until};
    char *left;

    must_rc(ask(on_mysql(), &(struct ask){.sql = {"CREATE TABLE w (a INTEGER)"}, .values = {NULL}}), &err);
    fails(ask(on_mysql(),
              &(struct ask){.sql = {"INSERT INTO w VALUES (1)", "SELECT SLEEP(600) AS s"}, .beat = &b}),
          &err, ERR_TASK_TIMEOUT);
    ok(clock_mono_ms() < until + 60000);
    left =
        test_mariadb_sql(m, "SELECT (SELECT count(*) FROM q.w), count(*) FROM information_schema.processlist "
                            "WHERE info LIKE 'SELECT SLEEP(600)%'");
    is_str(left, "0\t0\n");
    free(left);
    until = clock_mono_ms() + 500;
    fails(ask(on_sqlite(),
              &(struct ask){.sql = {"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
                                    "SELECT max(n) AS n FROM r"},
                            .beat = &b}),
          &err, ERR_TASK_TIMEOUT);
    json_decref(results);
    results = NULL;
}
