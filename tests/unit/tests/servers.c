/* The helpers that other tests lean on: when these are right, a failure elsewhere is not theirs. */
#include "tests/lib/servers.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

TEST(a_command_gives_its_output_and_status)
{
    struct ran r;

    run(&r, "from stdin", (const char *const[]){"sh", "-c", "cat; echo talk >&2; exit 7", NULL});
    is_str(r.out, "from stdin");
    is_str(r.err, "talk\n");
    is_int(r.status, 7);
    ran_release(&r);
    run(&r, NULL, (const char *const[]){"sh", "-c", "kill -9 $$", NULL});
    is_int(r.status, 128 + 9);
    ran_release(&r);
    run(&r, NULL,
        (const char *const[]){"sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", NULL});
    is_int(r.out_n, 3000000);
    is_int(r.err_n, 3000000);
    ran_release(&r);
    run(&r, NULL, (const char *const[]){"no-such-program-here", NULL});
    is_int(r.status, 127);
    ran_release(&r);
}

TEST(mariadb_survives_a_kill_with_what_it_acknowledged)
{
    const struct test_mariadb *m = test_mariadb();

    free(test_mariadb_sql(
        m, "CREATE DATABASE d; CREATE TABLE d.t (a INT, b TEXT); INSERT INTO d.t VALUES (1, NULL)"));
    test_mariadb_kill(m);
    test_mariadb_again(m);
    char *rows = test_mariadb_sql(m, "SELECT * FROM d.t");
    is_str(rows, "1\tNULL\n");
    free(rows);
    ok(test_mariadb() == m);
}

TEST(a_lost_commit_answer_is_a_commit)
{
    const struct test_mariadb *m = test_mariadb();
    char *where = xasprintf("127.0.0.1:%d", m->port), port[16];
    const struct test_proxy *p = test_proxy_new(where);
    struct ran r;

    free(test_mariadb_sql(m, "CREATE OR REPLACE TABLE mysql.lost (a INT) ENGINE=InnoDB"));
    test_proxy_rules(p, "TCP\tlostreply COMMIT\t1\n");
    snprintf(port, sizeof port, "%d", p->port);
    run(&r, NULL,
        (const char *const[]){"mariadb", "--no-defaults", "-uroot", "-h127.0.0.1", "-P", port, "-e",
                              "BEGIN; INSERT INTO mysql.lost VALUES (7); COMMIT", NULL});
    is_int(r.status, 1);
    ran_release(&r);
    char *rows = test_mariadb_sql(m, "SELECT a FROM mysql.lost");
    is_str(rows, "7\n");
    free(rows);
    char *log = get_file(p->log_path, NULL);
    is_str(log, "TCP -> lostreply COMMIT\n");
    free(log);
    free(where);
}

TEST(s3_goes_away_and_comes_back_with_its_objects)
{
    const struct test_s3 *s = test_s3();
    char *url = xasprintf("%s/bucket/a-b", s->endpoint), *denied;

    test_s3_bucket(s, "bucket");
    test_s3_put(s, "bucket", "a-b", "x\0y", 3);
    denied = RUN_OK("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url);
    is_str(denied, "403"); /* unsigned */
    free(denied);
    test_s3_kill(s);
    struct ran r;
    run(&r, NULL, (const char *const[]){"curl", "-s", url, NULL});
    is_int(r.status, 7); /* nobody listens */
    ran_release(&r);
    test_s3_again(s);
    size_t n;
    char *got = test_s3_get(s, "bucket", "a-b", &n);
    is_mem(got, n, "x\0y", 3);
    free(got);
    free(url);
}

TEST(certificates_are_what_their_names_say)
{
    const char *dir = test_ca();
    char *good = xasprintf("%s/server.pem", dir), *late = xasprintf("%s/expired.pem", dir),
         *ca = xasprintf("%s/ca.pem", dir);
    struct ran r;

    free(RUN_OK("openssl", "verify", "-CAfile", ca, good));
    run(&r, NULL, (const char *const[]){"openssl", "verify", "-CAfile", ca, late, NULL});
    ok(r.status != 0 && strstr(r.err, "expired") != NULL);
    ran_release(&r);
    free(good);
    free(late);
    free(ca);
}
