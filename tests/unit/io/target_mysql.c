#include "base/clock.h"
#include "base/mem.h"
#include "io/target_int.h"
#include "io/target_stage.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/lib/target_fixture.h"
#include "tests/tap.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything here speaks to a real MariaDB; what stands in its tables is asked through the command line client.
 * ORCH_TEST_MYSQL=SOCKET:PORT names a running MySQL instead (tests/servers/mysql9.sh): root without a password.
 */

static const struct test_mariadb *server;
static bool is_oracle; /* MySQL proper: it words some things differently, and knows some not at all */

static char *sql(const char *text)
{
    return test_mariadb_in(server, "lending", text);
}

static void is_sql(const char *text, const char *want)
{
    char *got = sql(text);

    if (!is_str(got, want))
        diag("%s", text);
    free(got);
}

static struct target *open_by(const char *url, int timeout_ms)
{
    static struct target_config configs[64];
    static size_t n;
    struct target *t = NULL;
    struct err err;

    must(n < ARRAY_LEN(configs));
    configs[n] = (struct target_config){.url = xstrdup(url), .tls = TLS_PREFER, .timeout_ms = timeout_ms};
    must_rc(target_open(&configs[n++], &t, &err), &err);
    return t;
}

static struct target *open_target(void)
{
    char *url;

    if (server == NULL) {
        server = test_mysql(&is_oracle);
        free(test_mariadb_sql(
            server, "DROP DATABASE IF EXISTS lending; CREATE DATABASE lending CHARACTER SET utf8mb4"));
    }
    url = xasprintf("mysql://root@localhost/lending?socket=%s", server->socket);
    struct target *t = open_by(url, 4000);
    free(url);
    return t;
}

/* A clean place: the ledger, and a table loan made by orch. */
static struct target *fresh(void)
{
    static const char *const names[] = {"id", "name", "income", "rate", "at"};
    static const char *const types[] = {"BIGINT", "VARCHAR(20)", "DECIMAL(12,2)", "DOUBLE", "DATETIME(3)"};
    struct target *t = open_target();
    struct err err;

    free(sql("SET foreign_key_checks = 0; DROP TABLE IF EXISTS loan, _orch_stage_loan, child, own, own2, "
             "orch_load, "
             "orch_fence; DROP VIEW IF EXISTS loan_view"));
    must_rc(target_setup(t, &err), &err);
    must_rc(target_create_table(t, "loan", names, types, ARRAY_LEN(names), &err), &err);
    return t;
}

static int64_t take_epoch(struct target *t)
{
    int64_t epoch;
    struct err err;

    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    must_rc(target_hold(t, TF_PIPELINE, epoch, &err), &err);
    return epoch;
}

#define HEAD "id,name,income,rate,at\n"
static const char three[] = HEAD "1,Ada,1200.50,0.1,2022-06-05 12:00:00.123\n"
                                 "2,\"O'Neil, \xc3\x89ric\",NA,1e-7,NA\n"
                                 "3,,0.01,-2.5e10,2022-06-05T13:00:00Z\n";

TEST(a_load_arrives_as_it_was_read)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    is_sql("SELECT * FROM loan ORDER BY id", "1\tAda\t1200.50\t0.1\t2022-06-05 12:00:00.123\t7\t2\n"
                                             "2\tO'Neil, \xc3\x89ric\tNULL\t0.0000001\tNULL\t7\t3\n"
                                             "3\t\t0.01\t-25000000000\t2022-06-05 13:00:00.000\t7\t4");
    is_sql("SELECT load_id, chunk, pipeline, part, object_key, generation, state, rows_read, rows_loaded, "
           "rows_rejected,"
           " last, table_name, key_sha256 = UNHEX(SHA2('file.csv', 256)) FROM orch_load",
           "7\t0\tloans\t2022-06-05T12\tfile.csv\t1\tLOADED\t3\t3\t0\t1\tloan\t1");
    is_sql("SELECT epoch, seq FROM orch_fence", "1\t1");
    is_str(tf_compare(t, &l), "");
    ok(target_is_mysql(t));
    ok(strncmp(target_version(t), is_oracle ? "MySQL " : "MariaDB 1", is_oracle ? 6 : 9) == 0);
    target_close(t);
}

TEST(the_same_load_id_is_loaded_once)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    is_int(tf_load(t, &l, &err), 2);
    is_sql("SELECT COUNT(*) FROM loan", "3");
    target_close(t);
}

TEST(the_same_key_again_needs_to_replace)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    l.id = 8; /* a state file that has forgotten the first load draws generation 1 again */
    fails(tf_load(t, &l, &err), &err, ERR_TRANSIENT);
    l.generation = 2;
    fails(tf_load(t, &l, &err), &err, ERR_TRANSIENT);
    is_sql("SELECT COUNT(*) FROM loan", "3");
    is_sql("SELECT COUNT(*) FROM orch_load", "1");
    target_close(t);
}

TEST(a_replay_replaces_the_rows_in_one_transaction)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    struct tf_load again = {.table = "loan",
                            .csv = HEAD "1,Ada,1,1,NA\n9,new,2,2,NA\n",
                            .id = 8,
                            .generation = 2,
                            .replaces = 7,
                            .epoch = l.epoch};
    is_int(tf_begin(t, &again, &err), 1);
    must_rc(tf_rows(&again, &err), &err);
    is_sql("SELECT COUNT(*), MIN(_orch_load_id) FROM loan", "3\t7"); /* nobody sees half of it */
    is_int(tf_verify(&again, &err), 0);
    must_rc(tf_commit(&again, &err), &err);
    tf_release(&again);
    is_sql("SELECT id, _orch_load_id FROM loan ORDER BY id", "1\t8\n9\t8");
    is_sql("SELECT load_id, state FROM orch_load ORDER BY load_id", "7\tSUPERSEDED\n8\tLOADED");
    target_close(t);
}

TEST(an_empty_object_replaces_too)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct tf_load empty = {
        .table = "loan", .csv = "", .id = 8, .generation = 2, .replaces = 7, .epoch = l.epoch};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    must_rc(tf_load(t, &empty, &err), &err);
    is_sql("SELECT COUNT(*) FROM loan", "0");
    is_sql("SELECT load_id, state FROM orch_load ORDER BY load_id", "7\tSUPERSEDED\n8\tEMPTY");
    struct tf_load full = {
        .table = "loan", .csv = three, .id = 9, .generation = 3, .replaces = 8, .epoch = l.epoch};
    must_rc(tf_load(t, &full, &err), &err);
    is_sql("SELECT load_id, state FROM orch_load ORDER BY load_id",
           "7\tSUPERSEDED\n8\tSUPERSEDED\n9\tLOADED");
    target_close(t);
}

TEST(a_lost_fence_leaves_nothing)
{
    struct target *t = fresh(), *other = open_target();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    int64_t epoch;
    struct err err;

    is_int(tf_begin(t, &l, &err), 1);
    must_rc(tf_rows(&l, &err), &err);
    /* without target_hold: the successor may be behind a pooler, and only the fence is left */
    must_rc(target_fence_raise(other, TF_PIPELINE, l.epoch, &epoch, &err), &err);
    is_int(epoch, l.epoch + 1);
    fails(tf_commit(&l, &err), &err, ERR_LOCK_LOST);
    tf_release(&l);
    is_sql("SELECT (SELECT COUNT(*) FROM loan), (SELECT COUNT(*) FROM orch_load)", "0\t0");
    fails(target_fence_raise(t, TF_PIPELINE, l.epoch, &epoch, &err), &err, ERR_LOCK_LOST);
    target_close(other);
    target_close(t);
}

TEST(the_fence_starts_where_the_target_says)
{
    struct target *t = fresh();
    int64_t epoch, seq;
    struct err err;

    is_int(target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err), 0);
    fails(target_fence_raise(t, TF_PIPELINE, 3, &epoch, &err), &err, ERR_LOCK_LOST);
    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    is_int(epoch, 1);
    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    is_int(epoch, 2);
    must_rc(target_fence_raise(t, TF_PIPELINE, 2, &epoch, &err), &err);
    is_int(epoch, 3);
    is_int(target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err), 1);
    is_int(epoch, 3);
    is_int(target_fence_read(t, "Loans", &epoch, &seq, &err), 0);
    target_close(t);
}

TEST(a_successor_ends_the_connection_of_a_stopped_owner)
{
    struct target *t = fresh(), *other = open_target();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    int64_t epoch;
    struct err err;

    is_int(tf_begin(t, &l, &err), 1);
    must_rc(tf_rows(&l, &err), &err);
    must_rc(target_fence_raise(other, TF_PIPELINE, l.epoch, &epoch, &err), &err);
    must_rc(target_hold(other, TF_PIPELINE, epoch, &err), &err);
    /* its row locks are free: the same rows can go in at once */
    struct tf_load next = {.table = "loan", .csv = three, .id = 7, .epoch = epoch};
    must_rc(tf_load(other, &next, &err), &err);
    fails(tf_commit(&l, &err), &err, ERR_TRANSIENT);
    tf_release(&l);
    is_sql("SELECT COUNT(*) FROM loan", "3");
    /* and the old one, trying again, finds it done, or the pipeline taken */
    is_int(tf_load(t, &l, &err), 2);
    target_close(other);
    target_close(t);
}

TEST(a_holder_does_not_end_itself)
{
    struct target *t = fresh();
    int64_t epoch;
    struct err err;

    take_epoch(t);
    for (int i = 0; i < 3; i++) {
        must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
        must_rc(target_hold(t, TF_PIPELINE, epoch, &err), &err);
    }
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = epoch};
    must_rc(tf_load(t, &l, &err), &err);
    target_close(t);
}

static void kill_connections(void)
{
    char *ids =
        sql("SELECT GROUP_CONCAT(CONCAT('KILL ', id) SEPARATOR ';') FROM information_schema.PROCESSLIST "
            "WHERE db = 'lending' AND id <> CONNECTION_ID()");

    free(sql(ids));
    free(ids);
}

TEST(a_killed_connection_is_transient_and_leaves_nothing)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t), .batch_rows = 1};
    struct err err;

    is_int(tf_begin(t, &l, &err), 1);
    must_rc(target_load_batch(l.load, l.batches[0], &err), &err);
    kill_connections();
    fails(target_load_batch(l.load, l.batches[1], &err), &err, ERR_TRANSIENT);
    fails(tf_commit(&l, &err), &err, ERR_TRANSIENT);
    tf_release(&l);
    is_sql("SELECT COUNT(*) FROM loan", "0");
    must_rc(tf_load(t, &l, &err), &err); /* the same target connects again by itself */
    is_sql("SELECT COUNT(*) FROM loan", "3");
    target_close(t);
}

TEST(an_idle_connection_that_died_is_replaced_in_silence)
{
    struct target *t = fresh();
    int64_t epoch, seq;
    struct err err;

    take_epoch(t);
    kill_connections();
    int rc = target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err);
    if (rc < 0) { /* within the second in which a connection is trusted: an error, once */
        is_str(err_name(err.code), "Orch.Transient");
        rc = target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err);
    }
    is_int(rc, 1);
    target_close(t);
}

/* --- COMMIT whose answer is lost --- */

static struct target *through(const struct test_proxy *p, int timeout_ms)
{
    char *url = xasprintf("mysql://root@127.0.0.1:%d/lending", p->port);
    struct target *t = open_by(url, timeout_ms);

    free(url);
    return t;
}

static const struct test_proxy *proxy(void)
{
    static const struct test_proxy *p;
    char *at;

    if (p == NULL) {
        target_close(open_target());
        at = xasprintf("127.0.0.1:%d", server->port);
        p = test_proxy_new(at);
        free(at);
    }
    test_proxy_rules(p, NULL);
    return p;
}

static void commit_through(const char *rule, bool want_committed)
{
    const struct test_proxy *p = proxy();
    struct target *plain = fresh(), *t = through(p, 4000);
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    is_int(tf_begin(t, &l, &err), 1);
    must_rc(tf_rows(&l, &err), &err);
    test_proxy_rules(p, rule);
    int rc = tf_commit(&l, &err);
    if (want_committed)
        must_rc(rc, &err);
    else
        fails(rc, &err, ERR_TRANSIENT);
    tf_release(&l);
    test_proxy_rules(p, NULL);
    is_sql("SELECT (SELECT COUNT(*) FROM loan), (SELECT COUNT(*) FROM orch_load)",
           want_committed ? "3\t1" : "0\t0");
    is_int(tf_load(t, &l, &err), want_committed ? 2 : 0);
    is_sql("SELECT COUNT(*) FROM loan", "3");
    target_close(t);
    target_close(plain);
}

TEST(a_commit_whose_answer_was_lost_is_known_to_have_happened)
{
    commit_through("TCP\tlostreply COMMIT\t1\n", true);
}

TEST(a_commit_that_never_arrived_is_known_not_to_have_happened)
{
    commit_through("TCP\tlostreq COMMIT\t1\n", false);
}

TEST(a_server_that_stays_away_after_commit_is_unknown)
{
    if (getenv("ORCH_TEST_MYSQL") != NULL)
        skip("needs a server of its own");
    const struct test_mariadb *kept = server, *m = test_mariadb_new(NULL);
    char *url = xasprintf("mysql://root@127.0.0.1:%d/lending", m->port),
         *at = xasprintf("127.0.0.1:%d", m->port);
    const struct test_proxy *p = test_proxy_new(at);
    struct err err;

    server = m;
    free(test_mariadb_sql(m, "CREATE DATABASE lending CHARACTER SET utf8mb4"));
    struct target *plain = fresh(), *t = through(p, 1500);
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    target_close(plain);
    is_int(tf_begin(t, &l, &err), 1);
    must_rc(tf_rows(&l, &err), &err);
    /* the answer is lost, and whoever connects after that meets a reset */
    test_proxy_rules(p, "TCP\tlostreply COMMIT\t1\nTCP\treset 0\n");
    fails(tf_commit(&l, &err), &err, ERR_UNAVAILABLE);
    is_int(err.native, TARGET_COMMIT_UNKNOWN);
    tf_release(&l);
    test_proxy_rules(p, NULL);
    int loaded;
    must_rc(fence_resolve(t, TF_PIPELINE, l.epoch, 7, 0, &loaded, &err), &err);
    is_int(loaded, 1);
    must_rc(fence_resolve(t, TF_PIPELINE, l.epoch, 8, 0, &loaded, &err), &err);
    is_int(loaded, 0);
    fails(fence_resolve(t, TF_PIPELINE, l.epoch + 1, 7, 0, &loaded, &err), &err, ERR_LOCK_LOST);
    target_close(t);
    test_mariadb_kill(m);
    server = kept;
    free(url);
    free(at);
}

/* --- rows that the server refuses --- */

static void own_table(struct target *t, const char *ddl)
{
    struct err err;

    free(sql(ddl));
    must_rc(target_lineage_add(t, "own", &err), &err);
}

static void load_duplicates(bool overlap)
{
    struct target *t = fresh();
    struct buf csv = BUF_INIT(1 << 20);
    struct err err;

    own_table(
        t,
        "CREATE TABLE own (id INT NOT NULL PRIMARY KEY, v VARCHAR(10)); INSERT INTO own VALUES (40,'there')");
    must_rc(buf_adds(&csv, "id,v\n", &err), &err);
    for (int i = 1; i <= 300; i++)
        must_rc(buf_addf(&csv, &err, "%d,x\n", i == 200 ? 199 : i), &err);
    struct tf_load l = {
        .table = "own", .csv = csv.p, .id = 7, .epoch = take_epoch(t), .overlap = overlap, .batch_rows = 70};
    must_rc(tf_load(t, &l, &err), &err);
    is_int(l.reject_count, 2);
    const char *key = is_oracle ? "own.PRIMARY" : "PRIMARY";
    char want[2][200];
    snprintf(want[0], sizeof want[0], "41 DUPLICATE_KEY : Duplicate entry '40' for key '%s' (1062) ()", key);
    snprintf(want[1], sizeof want[1], "201 DUPLICATE_KEY : Duplicate entry '199' for key '%s' (1062) ()",
             key);
    is_str(l.rejects[0], want[0]);
    is_str(l.rejects[1], want[1]);
    is_sql("SELECT COUNT(*), SUM(id), COUNT(_orch_load_id) FROM own", "299\t44950\t298");
    is_sql("SELECT v FROM own WHERE id = 40", "there");
    is_sql("SELECT rows_read, rows_loaded, rows_rejected FROM orch_load", "300\t298\t2");
    is_int(tf_load(t, &l, &err), 2);
    buf_release(&csv);
    target_close(t);
}

TEST(duplicates_are_found_by_halving_and_the_rest_is_loaded)
{
    load_duplicates(false);
}

TEST(rows_may_go_in_while_the_next_are_read)
{
    load_duplicates(true);
}

TEST(a_load_that_is_given_up_while_rows_go_in_leaves_nothing)
{
    struct target *t = fresh(), *other = open_target();
    struct tf_load l = {.table = "own",
                        .csv = "id\n1\n2\n3\n",
                        .id = 7,
                        .epoch = take_epoch(t),
                        .overlap = true,
                        .batch_rows = 1};
    struct err err;

    own_table(t, "CREATE TABLE own (id INT PRIMARY KEY)");
    struct tf_load blocker = {.table = "own", .csv = "id\n2\n", .id = 8, .key = "b", .epoch = l.epoch};
    is_int(tf_begin(other, &blocker, &err), 1);
    must_rc(tf_rows(&blocker, &err), &err);
    is_int(tf_begin(t, &l, &err), 1);
    must_rc(target_load_batch_start(l.load, l.batches[0], &err), &err);
    must_rc(target_load_batch_start(l.load, l.batches[1], &err), &err); /* waits there for the other's lock */
    int64_t before_ms = clock_mono_ms();
    tf_release(&l);
    ok(clock_mono_ms() - before_ms < 1000); /* not the lock's two seconds */
    tf_release(&blocker);
    is_sql("SELECT COUNT(*) FROM own", "0");
    must_rc(tf_load(t, &l, &err), &err);
    is_sql("SELECT COUNT(*) FROM own", "3");
    target_close(other);
    target_close(t);
}

/* Holds a row of the second batch, and asks for one of the first once it may: its weight makes the load give way. */
static const char partner[] = "START TRANSACTION; INSERT INTO own (id) SELECT seq FROM seq_10000_to_19999; "
                              "INSERT INTO own (id) VALUES (1500); DO GET_LOCK('partner_holds', 0); "
                              "DO GET_LOCK('partner_goes_on', 60); INSERT INTO own (id) VALUES (1); ROLLBACK";

static bool partner_holds(void)
{
    char *text = sql("SELECT IS_USED_LOCK('partner_holds') IS NOT NULL");
    bool yes = strcmp(text, "1") == 0;

    free(text);
    return yes;
}

TEST(a_deadlock_takes_back_what_was_sent_behind_it)
{
    struct target *t = fresh(), *other = open_target();
    struct buf csv = BUF_INIT(1 << 20);
    struct err err;
    int status;

    if (is_oracle) {
        skip("nothing is sent ahead to MySQL");
        target_close(other);
        target_close(t);
        return;
    }
    own_table(t, "CREATE TABLE own (id INT PRIMARY KEY)");
    must_rc(buf_adds(&csv, "id\n", &err), &err);
    for (int i = 1; i <= 5000; i++)
        must_rc(buf_addf(&csv, &err, "%d\n", i), &err);
    struct tf_load l = {.table = "own",
                        .csv = csv.p,
                        .id = 7,
                        .epoch = take_epoch(t),
                        .overlap = true,
                        .ahead = true,
                        .batch_rows = 1000};
    must_rc(target_ready(other, &err), &err);
    must_rc(target_script(other, "DO GET_LOCK('partner_goes_on', 0)", &err), &err);
    pid_t pid = fork();
    if (pid == 0) {
        free(sql(partner));
        _exit(0);
    }
    while (!partner_holds())
        clock_sleep_ms(10);
    is_int(tf_begin(t, &l, &err), 1);
    for (size_t i = 0; i < 3; i++) /* the third is sent while the second waits for the partner */
        must_rc(target_load_batch_start(l.load, l.batches[i], &err), &err);
    must_rc(target_script(other, "DO RELEASE_LOCK('partner_goes_on')", &err), &err);
    is_int(target_load_settle(l.load, &err), -(int)ERR_TRANSIENT);
    is_int(err.native, TARGET_DEADLOCK);
    tf_release(&l);
    must(waitpid(pid, &status, 0) == pid);
    is_sql("SELECT COUNT(*) FROM own", "0");
    must_rc(tf_load(t, &l, &err), &err);
    is_sql("SELECT COUNT(*) FROM own", "5000");
    must_rc(target_script(t, "INSERT INTO own (id) VALUES (0)", &err), &err); /* commits by itself again */
    is_sql("SELECT COUNT(*) FROM own", "5001");
    buf_release(&csv);
    target_close(other);
    target_close(t);
}

TEST(a_duplicate_by_collation_names_both_values)
{
    struct target *t = fresh();
    struct err err;

    own_table(t, "CREATE TABLE own (code VARCHAR(10) COLLATE utf8mb4_general_ci, UNIQUE KEY one (code))");
    struct tf_load l = {.table = "own",
                        .csv = "code\nAbc\nxyz\n\xc3\xa1"
                               "bc\n",
                        .id = 7,
                        .epoch = take_epoch(t)};
    must_rc(tf_load(t, &l, &err), &err);
    is_int(l.reject_count, 1);
    ok(strncmp(l.rejects[0],
               "4 DUPLICATE_KEY code: Duplicate entry '\xc3\xa1"
               "bc' for key ",
               46) == 0);
    if (!ok(strstr(l.rejects[0],
                   "(the table holds 'Abc', which equals it under the collation utf8mb4_general_ci)") !=
            NULL))
        diag("%s", l.rejects[0]);
    is_sql("SELECT COUNT(*) FROM own", "2");
    target_close(t);
}

TEST(what_only_the_server_can_know_becomes_a_reject)
{
    struct target *t = fresh();
    struct err err;

    own_table(t, "CREATE TABLE child (id INT PRIMARY KEY); INSERT INTO child VALUES (1);"
                 "CREATE TABLE own (id INT, n INT CHECK (n < 100), e ENUM('a','b'), FOREIGN KEY (id) "
                 "REFERENCES child(id))");
    struct tf_load l = {
        .table = "own", .csv = "id,n,e\n1,1,a\n2,1,a\n1,100,b\n1,2,b\n", .id = 7, .epoch = take_epoch(t)};
    must_rc(tf_load(t, &l, &err), &err);
    is_int(l.reject_count, 2);
    ok(strncmp(l.rejects[0], "3 FOREIGN_KEY", 13) == 0);
    ok(strncmp(l.rejects[1], "4 CHECK_FAILED", 14) == 0);
    is_sql("SELECT COUNT(*) FROM own", "2");
    target_close(t);
}

TEST(batches_stay_below_the_packet_limit)
{
    const struct test_mariadb *kept = server, *m;
    struct buf csv = BUF_INIT(4 << 20);
    struct err err;

    if (getenv("ORCH_TEST_MYSQL") != NULL)
        skip("needs a server of its own");
    m = test_mariadb_new((const char *const[]){"--max-allowed-packet=65536", NULL});
    server = m;
    free(test_mariadb_sql(m, "CREATE DATABASE lending CHARACTER SET utf8mb4"));
    struct target *t = fresh();
    own_table(t, "CREATE TABLE own (id INT, v MEDIUMTEXT)");
    must_rc(buf_adds(&csv, "id,v\n", &err), &err);
    for (int i = 0; i < 100; i++)
        must_rc(buf_addf(&csv, &err, "%d,%0*d\n", i, i == 50 ? 70000 : 9000, i), &err);
    struct tf_load l = {.table = "own", .csv = csv.p, .id = 7, .epoch = take_epoch(t)};
    must_rc(tf_load(t, &l, &err), &err);
    is_int(l.reject_count, 1);
    ok(strncmp(l.rejects[0], "52 TOO_LONG v: the server takes ", 32) == 0);
    is_sql("SELECT COUNT(*), SUM(LENGTH(v)) FROM own", "99\t891000");
    buf_release(&csv);
    target_close(t);
    test_mariadb_kill(m);
    server = kept;
}

/* --- sums --- */

static const char all_ddl[] =
    "CREATE TABLE own (i TINYINT, u BIGINT UNSIGNED, y YEAR, b BIT(9), d DECIMAL(20,6), w DECIMAL(65,10), f "
    "DOUBLE,"
    " g FLOAT, c CHAR(5), v VARCHAR(20) CHARACTER SET latin1, x TEXT, n VARBINARY(8), q BINARY(4), dt DATE,"
    " ts TIMESTAMP(6) NULL, t TIME(2), e ENUM('a','b'), j LONGTEXT, k INT GENERATED ALWAYS AS (i + 1) "
    "STORED)";
static const char all_csv[] =
    "i,u,y,b,d,w,f,g,c,v,x,n,q,dt,ts,t,e,j\n"
    "-128,18446744073709551615,2022,511,12345678901234.123456,1234567890123456789012345678901234567890.5,0.1,"
    "0.5,ab  ,caf\xc3\xa9,"
    "\xf0\x9f\x98\x80,abc,abcd,2022-06-05,2022-06-05 12:00:00.000001,-838:59:59,a,\"{\"\"a\"\": 1}\"\n"
    "127,0,1901,0,-0.000001,-1,1.7976931348623157e308,1.5,x,y,\"line\n2\",z,wxyz,9999-12-31,2038-01-19 "
    "03:14:07,00:00:01.5,b,[]\n"
    "0,1,2155,1,0,0,5e-324,-0.25,,,,,0000,1000-01-01,1970-01-01 00:00:01,23:00:00,a,null\n"
    "NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA,NA\n"
    "1,2,2000,3,4.5,6,123456789.12345678,8,9,10,11,12,1234,2013-01-01,2014-01-01 "
    "00:00:00,15:00:00,b,\"\"\"s\"\"\"\n";

TEST(sums_agree_for_every_type)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "own", .csv = all_csv, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    own_table(t, all_ddl);
    int rc = tf_load(t, &l, &err);
    for (size_t i = 0; i < l.reject_count; i++)
        diag("%s", l.rejects[i]);
    must_rc(rc, &err);
    is_int(l.reject_count, 0);
    is_sql("SELECT COUNT(*), COUNT(i), COUNT(x) FROM own", "5\t4\t4");
    is_str(tf_compare(t, &l), "");
    target_close(t);
}

TEST(rows_in_one_statement_do_what_arrays_do)
{
    setenv("ORCH_TEST_NO_ARRAYS", "1", 1);
    sums_agree_for_every_type();
    load_duplicates(false);
    load_duplicates(true);
    batches_stay_below_the_packet_limit();
    unsetenv("ORCH_TEST_NO_ARRAYS");
}

TEST(a_change_by_hand_shows_as_a_difference)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    is_str(tf_compare(t, &l), "");
    free(sql("UPDATE loan SET income = income + 0.01 WHERE id = 1"));
    is_str(tf_compare(t, &l), "income sum 1200.51 1200.52");
    free(sql("UPDATE loan SET income = income - 0.01, rate = rate * (1 + 1e-15) WHERE id = 1"));
    ok(strncmp(tf_compare(t, &l), "rate sum ", 9) == 0);
    free(sql("UPDATE loan SET rate = 0.1, name = 'ada' WHERE id = 1"));
    ok(strncmp(tf_compare(t, &l), "name sum ", 9) == 0);
    free(sql("UPDATE loan SET name = 'Ada', at = NULL WHERE id = 1"));
    is_str(tf_compare(t, &l), "at nulls 1 2");
    free(sql("DELETE FROM loan WHERE id = 3"));
    ok(strncmp(tf_compare(t, &l), "* rows 3 2", 10) == 0);
    target_close(t);
}

TEST(sums_go_in_ranges)
{
    struct target *t = fresh();
    struct buf csv = BUF_INIT(8 << 20);
    struct err err;

    must_rc(buf_adds(&csv, HEAD, &err), &err);
    for (int i = 0; i < 60000; i++)
        must_rc(buf_addf(&csv, &err, "%d,n%d,%d.25,%d.5,NA\n", i, i, i, i), &err);
    struct tf_load l = {.table = "loan", .csv = csv.p, .id = 7, .epoch = take_epoch(t), .batch_rows = 4000};
    must_rc(tf_load(t, &l, &err), &err);
    is_str(tf_compare(t, &l), "");
    struct tf_load again = {
        .table = "loan", .csv = three, .id = 8, .generation = 2, .replaces = 7, .epoch = l.epoch};
    must_rc(tf_load(t, &again, &err), &err);
    is_sql("SELECT COUNT(*) FROM loan", "3");
    buf_release(&csv);
    target_close(t);
}

/* --- tables --- */

TEST(lineage_is_added_once_and_invisibly)
{
    struct target *t = fresh();
    struct table *def = NULL;
    struct buf ddl = BUF_INIT(1 << 16);
    struct err err;

    free(sql("CREATE TABLE own (id INT PRIMARY KEY, v INT); INSERT INTO own VALUES (1, 1), (2, 2)"));
    must_rc(target_describe(t, "own", &def, &err), &err);
    ok(!def->has_lineage);
    table_free(def);
    must_rc(target_ddl(t, "own", &ddl, &err), &err);
    ok(strstr(ddl.p, "\nALTER TABLE `own` ADD COLUMN _orch_load_id BIGINT NULL INVISIBLE, ") != NULL);
    must_rc(target_lineage_add(t, "own", &err), &err);
    must_rc(target_lineage_add(t, "own", &err), &err);
    is_sql("SELECT * FROM own WHERE id = 1", "1\t1");
    must_rc(target_describe(t, "own", &def, &err), &err);
    ok(def->has_lineage);
    ok(!def->made_by_orch);
    is_str(def->unique_keys, "PRIMARY(id)");
    int64_t foreign = 0;
    must_rc(target_foreign_rows(t, def, &foreign, &err), &err);
    is_int(foreign, 2);
    table_free(def);
    buf_clear(&ddl);
    must_rc(target_ddl(t, "own", &ddl, &err), &err);
    ok(strstr(ddl.p, "ALTER") == NULL);
    must_rc(target_describe(t, "loan", &def, &err), &err);
    ok(def->has_lineage);
    ok(def->made_by_orch);
    is_str(def->unique_keys, "");
    table_free(def);
    buf_release(&ddl);
    target_close(t);
}

TEST(foreign_rows_are_counted)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct table *def = NULL;
    int64_t foreign = -1;
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    must_rc(target_describe(t, "loan", &def, &err), &err);
    must_rc(target_foreign_rows(t, def, &foreign, &err), &err);
    is_int(foreign, 0);
    free(sql("INSERT INTO loan (id, _orch_load_id, _orch_line) VALUES (8, 99, 1), (9, 99, 2), (10, -4, 1), "
             "(11, 0, 0)"));
    must_rc(target_foreign_rows(t, def, &foreign, &err), &err);
    is_int(foreign, 4);
    table_free(def);
    target_close(t);
}

static void check_refuses(struct target *t, const char *table, const char *what)
{
    struct table *def = NULL;
    struct err err;

    must_rc(target_describe(t, table, &def, &err), &err);
    fails(target_check(def, &err), &err, ERR_TARGET);
    if (!ok(strstr(err.msg, what) != NULL))
        diag("%s", err.msg);
    ok(err.hint[0] != '\0');
    table_free(def);
}

TEST(tables_that_cannot_be_loaded_once_are_refused)
{
    struct target *t = fresh();
    struct table *def = NULL;
    struct err err;

    fails(target_describe(t, "nosuch", &def, &err), &err, ERR_TARGET);
    is_int(err.native, TARGET_NO_TABLE);
    free(sql("CREATE VIEW loan_view AS SELECT * FROM loan; CREATE TABLE own (id INT) ENGINE=MyISAM;"
             "CREATE TABLE own2 (id INT); CREATE TRIGGER busy_body BEFORE INSERT ON own2 FOR EACH ROW SET "
             "NEW.id = 1"));
    check_refuses(t, "loan_view", "view");
    check_refuses(t, "own", "MyISAM");
    check_refuses(t, "own2", "busy_body");
    fails(target_lineage_add(t, "own", &err), &err, ERR_TARGET);
    free(sql("DROP TRIGGER busy_body; CREATE TRIGGER fine AFTER UPDATE ON own2 FOR EACH ROW SET @x = 1"));
    must_rc(target_describe(t, "own2", &def, &err), &err);
    must_rc(target_check(def, &err), &err);
    table_free(def);
    target_close(t);
}

TEST(describe_tells_what_a_load_must_know)
{
    struct target *t = fresh();
    struct table *def = NULL;
    struct err err;

    free(
        sql("CREATE TABLE own (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, a VARCHAR(7) NOT NULL,"
            " b INT NOT NULL DEFAULT 5, g INT AS (b + 1) VIRTUAL, p GEOMETRY NULL,"
            " s CHAR(3) CHARACTER SET latin1 COLLATE latin1_bin, UNIQUE KEY two (a, b), UNIQUE KEY part "
            "(a(3)))"));
    must_rc(target_describe(t, "lending.own", &def, &err), &err);
    is_int(def->count, 6);
    ok(def->columns[0].auto_increment && def->columns[0].has_default && !def->columns[0].nullable);
    is_str(def->columns[0].type_text, is_oracle ? "bigint unsigned" : "bigint(20) unsigned");
    ok(!def->columns[1].has_default && !def->columns[1].nullable);
    is_int(def->columns[1].max_chars, 7);
    ok(def->columns[2].has_default);
    ok(def->columns[3].generated);
    is_int(def->columns[4].type, COL_UNSUPPORTED);
    is_str(def->columns[5].charset, "latin1");
    is_str(def->columns[5].collation, "latin1_bin");
    is_str(def->unique_keys, "PRIMARY(id), part(a), two(a,b)");
    is_str(def->engine, "InnoDB");
    table_free(def);
    target_close(t);
}

TEST(setup_is_idempotent_and_its_absence_is_said)
{
    struct target *t = fresh();
    int64_t epoch, seq;
    struct err err;

    is_int(target_has_ledger(t, &err), 1);
    must_rc(target_setup(t, &err), &err);
    free(sql("DROP TABLE orch_load"));
    is_int(target_has_ledger(t, &err), 0);
    free(sql("DROP TABLE orch_fence"));
    fails(target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err), &err, ERR_TARGET_SETUP);
    must_rc(target_setup(t, &err), &err);
    is_int(target_has_ledger(t, &err), 1);
    target_close(t);
}

/* --- ledger --- */

struct seen {
    int n;
    char text[4000];
};

static int see(void *arg, const struct ledger_row *r, struct err *err)
{
    struct seen *s = arg;
    size_t at = strlen(s->text);

    UNUSED(err);
    s->n++;
    if (at < sizeof s->text - 200)
        snprintf(s->text + at, sizeof s->text - at, "%lld/%s/%s/%s ", (long long)r->load_id, r->partition,
                 r->key, ledger_state_name(r->state));
    return 0;
}

TEST(the_ledger_is_read_in_order_and_by_key_bytes)
{
    struct target *t = fresh();
    struct tf_load a = {.table = "loan", .csv = three, .id = 30, .key = "A.csv", .epoch = take_epoch(t)};
    struct tf_load b = {.table = "loan", .csv = three, .id = 20, .key = "a.csv", .epoch = a.epoch};
    struct seen s = {0};
    struct err err;

    must_rc(tf_load(t, &b, &err), &err);
    must_rc(tf_load(t, &a, &err), &err);
    must_rc(target_ledger_scan(t, TF_PIPELINE, see, &s, &err), &err);
    is_str(s.text, "20/2022-06-05T12/a.csv/LOADED 30/2022-06-05T12/A.csv/LOADED ");
    s = (struct seen){0};
    is_int(target_ledger_newest(t, TF_PIPELINE, "A.csv", see, &s, &err), 1);
    is_str(s.text, "30/2022-06-05T12/A.csv/LOADED ");
    is_int(target_ledger_newest(t, TF_PIPELINE, "A.CSV", see, &s, &err), 0);
    is_int(target_ledger_by_id(t, 20, see, &s, &err), 1);
    is_int(target_ledger_by_id(t, 21, see, &s, &err), 0);
    target_close(t);
}

TEST(a_long_ledger_is_read_whole)
{
    struct target *t = fresh();
    struct seen s = {0};
    struct err err;

    free(sql(
        "INSERT INTO orch_load (load_id, pipeline, part, object_key, key_sha256, generation, state, at_ms)"
        " WITH RECURSIVE s(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM s WHERE seq < 999)"
        " SELECT seq, 'loans', '2022-06-05', seq, UNHEX(SHA2(seq, 256)), 1, 'LOADED', 1000 + seq DIV 300 "
        "FROM s"));
    must_rc(target_ledger_scan(t, TF_PIPELINE, see, &s, &err), &err);
    is_int(s.n, 999);
    target_close(t);
}

TEST(decisions_are_kept_and_withdrawn)
{
    struct target *t = fresh();
    struct ledger_row skip = {.pipeline = TF_PIPELINE,
                              .partition = "2022-06-05T12",
                              .key = "",
                              .state = LEDGER_SKIPPED,
                              .load_id = 5,
                              .generation = 1,
                              .reason = "no file came",
                              .at_ms = 1};
    struct ledger_row other = skip;
    struct seen s = {0};
    int64_t epoch, seq;
    struct err err;

    must_rc(target_ledger_decide(t, &skip, 1, &err), &err);
    other.partition = "2022-06-05T13";
    other.load_id = 6;
    must_rc(target_ledger_decide(t, &other, 1, &err), &err);
    is_int(target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err), 1);
    is_int(seq, 2); /* whoever remembers the fence sees that the ledger has changed */
    skip.state = LEDGER_SUPERSEDED;
    must_rc(target_ledger_decide(t, &skip, 1, &err), &err);
    skip.state = LEDGER_ADOPTED;
    skip.load_id = 0;
    must_rc(target_ledger_decide(t, &skip, 1, &err), &err);
    is_sql("SELECT part, state, generation, reason FROM orch_load ORDER BY part, generation",
           "2022-06-05T12\tSUPERSEDED\t1\tno file came\n2022-06-05T12\tADOPTED\t2\tno file came\n"
           "2022-06-05T13\tSKIPPED\t1\tno file came");
    must_rc(target_ledger_scan(t, TF_PIPELINE, see, &s, &err), &err);
    is_int(s.n, 3);
    target_close(t);
}

/* --- the session, and who may --- */

static int take_cell(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(count);
    UNUSED(err);
    snprintf(arg, 400, "%s", cells[0].p);
    return 0;
}

/* Whatever the server's own settings are: they are somebody else's. */
TEST(the_session_is_strict_and_in_utc)
{
    struct target *t = fresh();
    char text[400] = "";
    struct err err;

    if (!is_oracle)
        free(sql("SET GLOBAL sql_mode = '', GLOBAL time_zone = '+05:30', GLOBAL foreign_key_checks = 0,"
                 "GLOBAL tx_isolation = 'SERIALIZABLE'"));
    struct target *other = open_target();
    must_rc(other->ops->run(other,
                            "SELECT CONCAT_WS(' ', @@time_zone, @@foreign_key_checks + 0, @@unique_checks + "
                            "0, @@autocommit + 0,"
                            " @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@character_set_client)",
                            NULL, 0, take_cell, text, NULL, &err),
            &err);
    is_str(text, "+00:00 1 1 1 2 2 utf8mb4");
    must_rc(other->ops->run(other,
                            is_oracle ? "SELECT CONCAT(@@transaction_isolation, @@wait_timeout)"
                                      : "SELECT CONCAT(@@tx_isolation, @@idle_transaction_timeout)",
                            NULL, 0, take_cell, text, NULL, &err),
            &err);
    is_str(text, "READ-COMMITTED75");
    must_rc(other->ops->run(other, "SELECT @@sql_mode", NULL, 0, take_cell, text, NULL, &err), &err);
    ok(strstr(text, "STRICT_ALL_TABLES") != NULL && strstr(text, "NO_ZERO_DATE") != NULL &&
       strstr(text, "NO_ZERO_IN_DATE") != NULL && strstr(text, "NO_AUTO_VALUE_ON_ZERO") != NULL);
    if (!is_oracle)
        free(sql(
            "SET GLOBAL sql_mode = DEFAULT, GLOBAL time_zone = DEFAULT, GLOBAL foreign_key_checks = DEFAULT,"
            "GLOBAL tx_isolation = DEFAULT"));
    target_close(other);
    target_close(t);
}

TEST(a_waiting_lock_ends_before_the_network_time_out)
{
    struct target *t = fresh(), *other = open_target();
    struct tf_load a = {.table = "own", .csv = "id\n1\n", .id = 7, .epoch = take_epoch(t)};
    struct tf_load b = {.table = "own", .csv = "id\n1\n", .id = 8, .key = "b", .epoch = a.epoch};
    struct err err;

    own_table(t, "CREATE TABLE own (id INT PRIMARY KEY)");
    is_int(tf_begin(t, &a, &err), 1);
    must_rc(tf_rows(&a, &err), &err);
    is_int(tf_begin(other, &b, &err), 1);
    fails(tf_rows(&b, &err), &err, ERR_TRANSIENT);
    is_int(err.native, 1205);
    tf_release(&b);
    tf_release(&a);
    target_close(other);
    target_close(t);
}

TEST(grants_are_enough_for_a_loader)
{
    struct target *t = fresh();
    struct buf grants = BUF_INIT(1 << 16);
    int64_t epoch;
    struct err err;

    struct table *def = NULL;
    must_rc(target_describe(t, "loan", &def, &err), &err);
    must(target_stage_setup(t, def, NULL, &err) >= 0);
    table_free(def);
    must_rc(target_grants(t, "loader@localhost", "loan", NULL, false, &grants, &err), &err);
    free(sql("DROP USER IF EXISTS loader@localhost; CREATE USER loader@localhost IDENTIFIED BY 'geheim'"));
    free(sql(grants.p));
    char *url = xasprintf("mysql://loader@localhost/lending?socket=%s", server->socket);
    const struct target_config bad = {.url = url, .tls = TLS_OFF, .password = "falsch"};
    const struct target_config good = {.url = url, .tls = TLS_OFF, .password = "geheim"};
    struct target *loader = NULL;
    fails(target_open(&bad, &loader, &err), &err, ERR_ACCESS_DENIED);
    must_rc(target_open(&good, &loader, &err), &err);
    must_rc(target_fence_raise(loader, TF_PIPELINE, -1, &epoch, &err), &err);
    must_rc(target_hold(loader, TF_PIPELINE, epoch, &err), &err);
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = epoch};
    must_rc(tf_load(loader, &l, &err), &err);
    struct tf_load again = {
        .table = "loan", .csv = three, .id = 8, .generation = 2, .replaces = 7, .epoch = epoch};
    must_rc(tf_load(loader, &again, &err), &err);
    is_sql("SELECT COUNT(*) FROM loan", "3");
    fails(target_setup(loader, &err), &err, ERR_ACCESS_DENIED);
    target_close(loader);
    target_close(t);
    buf_release(&grants);
    free(url);
}

TEST(the_option_file_fills_what_the_url_leaves_open)
{
    struct target *t = fresh();
    char *dir = tmp_dir(), *path = tmp_path(dir, "my.cnf");
    char *text = xasprintf("[mysqld]\nuser=wrong\n[client]\nuser = 'loader2' # who\nlocal-infile=1\n"
                           "init-command=DROP TABLE loan\n[orch]\npassword=\"ge#h\\\"eim\"\nsocket=%s\n",
                           server->socket);
    struct target_config c = {.url = "mysql:///lending", .tls = TLS_OFF, .option_file = path};
    struct target *loader = NULL;
    struct err err;

    free(sql("DROP USER IF EXISTS loader2@localhost; CREATE USER loader2@localhost IDENTIFIED BY "
             "'ge#h\"eim'; GRANT ALL ON lending.* TO loader2@localhost"));
    put_text(path, text);
    must(chmod(path, 0644) == 0);
    fails(target_open(&c, &loader, &err), &err, ERR_ACCESS_DENIED); /* a secret that others may read */
    must(chmod(path, 0600) == 0);
    must_rc(target_open(&c, &loader, &err), &err);
    is_int(target_has_ledger(loader, &err), 1);
    is_sql("SELECT COUNT(*) FROM loan", "0");
    target_close(loader);
    target_close(t);
    free(text);
    free(path);
    free(dir);
}

TEST(urls_that_cannot_work_are_refused)
{
    static const char *const urls[] = {"mysql://u:p@h/d", "mysql://u@h:x/d",  "mysql://u@h:99999/d",
                                       "mysql://u@h/",    "mysql://u%zz@h/d", "mysql://u@h/d?tls=1",
                                       "postgres://h/d",  "sqlite:"};
    struct target *t = NULL;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        const struct target_config c = {.url = urls[i]};
        fails(target_open(&c, &t, &err), &err, ERR_CONFIG);
        ok(strstr(err.msg, ":p@") == NULL);
    }
}

TEST(the_clock_is_the_servers)
{
    struct target *t = fresh();
    int64_t ms = 0;
    struct err err;

    must_rc(target_clock_ms(t, &ms, &err), &err);
    ok(ms > clock_real_ms() - 60000 && ms < clock_real_ms() + 60000);
    target_close(t);
}

TEST(without_lineage_a_table_is_loaded_and_never_replaced)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "own", .csv = "id,v\n1,a\n2,b\n", .id = 7, .epoch = take_epoch(t)};
    struct err err;

    free(sql("CREATE TABLE own (id INT PRIMARY KEY, v VARCHAR(3))"));
    must_rc(tf_load(t, &l, &err), &err);
    is_int(tf_load(t, &l, &err), 2);
    struct tf_load again = {
        .table = "own", .csv = "id,v\n", .id = 8, .generation = 2, .replaces = 7, .epoch = l.epoch};
    fails(tf_load(t, &again, &err), &err, ERR_TARGET);
    is_sql("SELECT COUNT(*) FROM own", "2");
    target_close(t);
}
