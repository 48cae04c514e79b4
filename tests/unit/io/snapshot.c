#include "io/snapshot.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/target_int.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* One moment on several connections, of a real MariaDB that is written to all the while. */

static const struct test_mariadb *server;
static pid_t writer;

static char *sql(const char *text)
{
    return test_mariadb_in(server, "shop", text);
}

static int64_t number(const char *text)
{
    char *out = sql(text);
    int64_t v = strtoll(out, NULL, 10);

    free(out);
    return v;
}

/* A client that goes on by itself until it is killed, or its SQL is done. */
static pid_t background(const char *text)
{
    pid_t pid = fork();

    must(pid >= 0);
    if (pid == 0) {
        execlp("mariadb", "mariadb", "--no-defaults", "-uroot", "-S", server->socket, "shop", "-e", text,
               NULL);
        _exit(127);
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void begin(void)
{
    if (server == NULL)
        server = test_mariadb_new((const char *const[]){"--log-bin=binlog", "--server-id=7", NULL});
    free(test_mariadb_sql(
        server,
        "DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; USE shop; CREATE TABLE a (id INT AUTO_INCREMENT "
        "PRIMARY "
        "KEY); CREATE TABLE b LIKE a; "
        "CREATE OR REPLACE USER locker@localhost, reader@localhost; GRANT SELECT, LOCK TABLES ON shop.* TO "
        "locker@localhost; GRANT SELECT ON shop.* TO reader@localhost"));
}

static struct snapshot *take(const char *user, size_t wanted)
{
    static const char *const tables[] = {"a", "shop.b", "a"};
    static struct target_config config;
    static char url[300];
    struct snapshot *s = NULL;
    struct err err;

    snprintf(url, sizeof url, "mysql://%s@localhost/shop?socket=%s", user, server->socket);
    config = (struct target_config){.url = url, .tls = TLS_OFF};
    must_rc(snapshot_open(&config, wanted, tables, ARRAY_LEN(tables), &s, &err), &err);
    return s;
}

static void counts(struct target *t, int64_t ret[2])
{
    struct err err;

    must_rc(target_run_sql(t, "SELECT (SELECT COUNT(*) FROM a), (SELECT COUNT(*) FROM b)", NULL, 0,
                           target_row_i64, ret, NULL, &err),
            &err);
}

/* Rows go into both tables in one transaction: who sees another number in one of them has seen two moments. */
static void start_writer(void)
{
    writer = background(
        "DELIMITER //\nBEGIN NOT ATOMIC LOOP START TRANSACTION; INSERT INTO a VALUES (NULL); INSERT INTO b "
        "VALUES (NULL); COMMIT; END LOOP; END//");
    for (int64_t at = clock_mono_ms(); number("SELECT COUNT(*) FROM b") == 0 && clock_mono_ms() - at < 20000;)
        ;
}

static void all_see_the_same(const char *user)
{
    int64_t last = 0;

    start_writer();
    for (int round = 0; round < 10; round++) {
        struct snapshot *s = take(user, 4);
        int64_t first[2], more[2];
        is_str(snapshot_notice(s), "");
        must(snapshot_count(s) == 4);
        counts(snapshot_target(s, 3), first);
        ok(first[0] == first[1] && first[0] >= last);
        last = first[0];
        for (int64_t at = clock_mono_ms();
             number("SELECT COUNT(*) FROM b") == first[1] && clock_mono_ms() - at < 20000;)
            ; /* it goes on: nothing is locked any more */
        for (size_t i = 0; i < 4; i++) {
            counts(snapshot_target(s, i), more);
            is_int(more[0], first[0]);
            is_int(more[1], first[1]);
        }
        snapshot_close(s);
    }
    ok(number("SELECT COUNT(*) FROM b") > last);
    end(writer);
}

TEST(four_connections_see_one_moment_under_a_lock_on_everything)
{
    begin();
    all_see_the_same("root");
}

TEST(and_under_locks_on_the_tables_alone)
{
    begin();
    all_see_the_same("locker");
}

TEST(who_may_lock_nothing_has_one_connection_and_is_told_so)
{
    int64_t n[2];

    begin();
    struct snapshot *s = take("reader", 4);
    is_int(snapshot_count(s), 1);
    ok(strstr(snapshot_notice(s), "one connection") != NULL);
    counts(snapshot_target(s, 0), n);
    snapshot_close(s);
    s = take("reader", 1);
    is_str(snapshot_notice(s), "");
    snapshot_close(s);
}

TEST(a_lock_that_is_not_to_be_had_is_not_waited_for_long)
{
    begin();
    pid_t other = background("LOCK TABLES a WRITE; SELECT SLEEP(300)");
    for (int64_t at = clock_mono_ms(); clock_mono_ms() - at < 20000;)
        if (number("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(300)'") ==
            1)
            break;
    int64_t at = clock_mono_ms();
    struct snapshot *s = take("root", 2);
    ok(clock_mono_ms() - at < (2 * SNAPSHOT_LOCK_S + 5) * 1000);
    is_int(snapshot_count(s), 1);
    ok(strstr(snapshot_notice(s), "1205") != NULL);
    snapshot_close(s);
    end(other);
}

TEST(an_open_transaction_is_not_half_seen)
{
    begin();
    pid_t other = background("START TRANSACTION; INSERT INTO a VALUES (NULL); SELECT SLEEP(300)");
    for (int64_t at = clock_mono_ms(); clock_mono_ms() - at < 20000;)
        if (number("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(300)'") ==
            1)
            break;
    struct snapshot *s = take("locker", 2); /* whichever way: nobody sees the row */
    int64_t n[2];
    for (size_t i = 0; i < snapshot_count(s); i++) {
        counts(snapshot_target(s, i), n);
        is_int(n[0], 0);
    }
    snapshot_close(s);
    end(other);
}

TEST(position_and_time_are_those_of_the_moment)
{
    begin();
    struct snapshot *s = take("root", 2);
    char *gtid = sql("SELECT @@gtid_binlog_pos"), *status = sql("SHOW MASTER STATUS"),
         *now = sql("SET time_zone = '+00:00'; SELECT NOW(6)");
    char file[100], at[40];
    must(sscanf(status, "%99s %39s", file, at) == 2);
    char *want = xasprintf("%s:%s gtid %s", file, at, gtid);
    is_str(snapshot_position(s), want);
    ok(strlen(snapshot_at(s)) == 26 && strncmp(snapshot_at(s), now, 13) <= 0 && snapshot_at(s)[19] == '.');
    snapshot_close(s);
    free(sql("INSERT INTO a VALUES (NULL)"));
    s = take("reader", 1); /* MariaDB knows it without a lock and without rights */
    ok(strcmp(snapshot_position(s), want) != 0 && strncmp(snapshot_position(s), file, strlen(file)) == 0);
    snapshot_close(s);
    free(gtid);
    free(status);
    free(now);
    free(want);
}

TEST(no_connection_is_made_anew_behind_the_snapshots_back)
{
    struct table *def = NULL;
    int64_t n[2];
    struct err err;

    begin();
    struct snapshot *s = take("root", 2);
    struct target *t = snapshot_target(s, 1);
    char *kill = xasprintf("KILL %lld", (long long)t->ops->connection_id(t));
    free(sql(kill));
    fails(target_run_sql(t, "SELECT COUNT(*), 1 FROM a", NULL, 0, target_row_i64, n, NULL, &err), &err,
          ERR_TRANSIENT);
    fails(target_describe(t, "a", &def, &err), &err, ERR_TRANSIENT);
    ok(strstr(err.msg, "snapshot") != NULL);
    counts(snapshot_target(s, 0), n);
    snapshot_interrupt(s);
    ok(target_run_sql(snapshot_target(s, 0), "SELECT 1, 1", NULL, 0, target_row_i64, n, NULL, &err) < 0);
    snapshot_close(s);
    free(kill);
}

TEST(the_sessions_are_fit_for_reading)
{
    int64_t v[6];
    struct err err;

    begin();
    struct snapshot *s = take("root", 2);
    must_rc(target_run_sql(
                snapshot_target(s, 1),
                "SELECT @@net_write_timeout, @@wait_timeout, @@idle_transaction_timeout, "
                "@@idle_readonly_transaction_timeout, @@tx_isolation = 'REPEATABLE-READ', "
                "@@sql_mode LIKE '%NO_ZERO%' OR @@sql_mode LIKE '%PAD_CHAR%' OR @@max_statement_time > 0",
                NULL, 0, target_row_i64, v, NULL, &err),
            &err);
    is_int(v[0], 3600);
    is_int(v[1], 3600);
    is_int(v[2], 0);
    is_int(v[3], 0);
    is_int(v[4], 1);
    is_int(v[5], 0);
    fails(
        target_run_sql(snapshot_target(s, 1), "INSERT INTO a VALUES (NULL)", NULL, 0, NULL, NULL, NULL, &err),
        &err, ERR_UNAVAILABLE); /* 1792: read only */
    snapshot_close(s);
}

TEST(a_table_that_is_altered_behind_the_snapshot_is_tried_again)
{
    int64_t n[2];
    struct err err;

    begin();
    struct snapshot *s = take("root", 1);
    free(sql("ALTER TABLE a ADD COLUMN x INT, ALGORITHM=COPY"));
    fails(target_run_sql(snapshot_target(s, 0), "SELECT COUNT(*), 1 FROM a", NULL, 0, target_row_i64, n, NULL,
                         &err),
          &err, ERR_TRANSIENT);
    is_int(err.native, 1412);
    snapshot_close(s);
}

static int no_more(void *arg, struct err *err)
{
    UNUSED(arg);
    return err_set(err, ERR_LOCK_LOST, "taken over");
}

TEST(a_beat_that_says_no_ends_it)
{
    const struct beat beat = {no_more, NULL};
    struct snapshot *s = NULL;
    struct err err;

    begin();
    char *url = xasprintf("mysql://root@localhost/shop?socket=%s", server->socket);
    struct target_config c = {.url = url, .tls = TLS_OFF, .beat = &beat};
    fails(snapshot_open(&c, 2, NULL, 0, &s, &err), &err, ERR_LOCK_LOST);
    c.beat = NULL;
    must_rc(snapshot_open(&c, 2, NULL, 0, &s, &err), &err);
    is_int(snapshot_count(s), 2);
    snapshot_close(s);
    free(url);
}
