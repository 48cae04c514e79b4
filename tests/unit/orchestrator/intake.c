#include "orchestrator/intake.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"
#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

/* The transaction, on MariaDB, and on SQLite where it may differ: what a command shows of it is in tests/t/load.t. */

static const struct test_mariadb *server;
static bool is_oracle;
static char *url;

static char *sql(const char *text)
{
    return test_mariadb_in(server, "hr", text);
}

static void is_sql(const char *text, const char *want)
{
    char *got = sql(text);

    if (!is_str(got, want))
        diag("%s", text);
    free(got);
}

static int64_t status(const char *name)
{
    char *text = xasprintf("SHOW GLOBAL STATUS LIKE '%s'", name), *got = sql(text);
    const char *tab = strchr(got, '\t');
    int64_t n = tab != NULL ? strtoll(tab, NULL, 10) : -1;

    free(got);
    free(text);
    return n;
}

static struct target *connect_to(const char *to)
{
    struct target_config *config = xcalloc(1, sizeof *config); /* must outlive the target */
    static struct target_config *kept[64];
    static size_t n;
    struct target *t = NULL;
    struct err err;

    must(n < ARRAY_LEN(kept));
    kept[n++] = config;
    *config = (struct target_config){.url = to, .tls = TLS_PREFER, .timeout_ms = 2000};
    must_rc(target_open(config, &t, &err), &err);
    return t;
}

#define TABLES                                                                                               \
    "CREATE TABLE dep (id INT NOT NULL PRIMARY KEY, name VARCHAR(20));"                                      \
    "INSERT INTO dep VALUES (1, 'one'), (2, 'two');"                                                         \
    "CREATE TABLE emp (id INT NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL, dep INT, boss INT, at "       \
    "DATETIME);"

static struct target *fresh(void)
{
    struct target *t;
    struct err err;

    if (server == NULL) {
        server = test_mysql(&is_oracle);
        url = xasprintf("mysql://root@localhost/hr?socket=%s", server->socket);
    }
    free(test_mariadb_sql(server, "DROP DATABASE IF EXISTS hr; CREATE DATABASE hr CHARACTER SET utf8mb4"));
    free(sql(TABLES));
    t = connect_to(url);
    must_rc(target_setup(t, &err), &err);
    return t;
}

/* --- asking --- */

static const struct dict_rule rules[] = {{.column = "dep", .references = "dep.id"},
                                         {.column = "id", .min = "1", .required = true},
                                         {.column = "name", .required = true}};
static const char *const nulls[] = {"", NULL};
static const struct dict_table emp = {.name = "people",
                                      .table = "emp",
                                      .rules = rules,
                                      .rule_count = ARRAY_LEN(rules),
                                      .convert = {.nulls = nulls, .zone = "UTC"},
                                      .dialect = {.delimiter = ',', .quote = '"'}};

struct asking {
    const char *csv; /* no quotes, no escapes: fields by commas, records by line ends */
    struct intake_ask a;
    struct csv_field fields[16];
    int64_t record;
    char padded[400], told[2000];
    struct intake_counts n;
    struct buf answer;
    struct err err;
};

static int next(void *arg, struct csv_record *ret, struct err *err)
{
    struct asking *q = arg;
    size_t n = strcspn(q->csv, "\n"), count = 0;

    UNUSED(err);
    if (n == 0)
        return 0;
    must(n + 2 * CSV_FIELD_PAD < sizeof q->padded);
    char *p = q->padded + CSV_FIELD_PAD;
    memcpy(p, q->csv, n);
    p[n] = '\0';
    for (size_t at = 0;; at++) {
        size_t len = strcspn(p + at, ",");
        q->fields[count++] = (struct csv_field){p + at, (uint32_t)len, false};
        at += len;
        if (p[at] == '\0')
            break;
    }
    q->record++;
    *ret = (struct csv_record){.fields = q->fields,
                               .count = count,
                               .line = q->record,
                               .raw = p,
                               .raw_n = n,
                               .raw_total = (int64_t)n};
    q->csv += n + (q->csv[n] == '\n');
    return 1;
}

static int told(void *arg, int64_t record, const struct reject_info *why, struct err *err)
{
    struct asking *q = arg;
    size_t n = strlen(q->told);

    UNUSED(err);
    snprintf(q->told + n, sizeof q->told - n, "%s%lld%s%s%s%s", n > 0 ? " " : "", (long long)record,
             why != NULL ? ":" : "", why != NULL ? why->code : "",
             why != NULL && why->column[0] != '\0' ? "." : "", why != NULL ? why->column : "");
    return 0;
}

static int answer(void *arg, const struct intake_counts *n, struct buf *ret, struct err *err)
{
    UNUSED(arg);
    return buf_addf(ret, err, "%lld of %lld", (long long)n->stored, (long long)n->records);
}

static struct asking *ask(const char *csv, bool partial, const char *key)
{
    struct asking *q = xcalloc(1, sizeof *q);

    q->csv = csv;
    q->a = (struct intake_ask){.table = &emp,
                               .next = next,
                               .arg = q,
                               .partial = partial,
                               .max_rows = MAX_INTAKE_ROWS,
                               .key = key,
                               .source = "request 1",
                               .who = "test",
                               .told = told,
                               .told_arg = q,
                               .answer = answer};
    sha256_of(csv, strlen(csv), q->a.sha256);
    buf_init(&q->answer, MAX_INTAKE_ANSWER);
    return q;
}

static void done(struct asking *q)
{
    buf_release(&q->answer);
    free(q);
}

/* Asks, and must hear this: "rc stored/rejected/records answer" and the verdicts. */
static void hears(struct target *t, struct asking *q, const char *want, const char *verdicts)
{
    char got[300];
    int rc = intake_take(t, &q->a, &q->n, &q->answer, &q->err);

    must_rc(rc, &q->err);
    snprintf(got, sizeof got, "%d %lld/%lld/%lld %s", rc, (long long)q->n.stored, (long long)q->n.rejected,
             (long long)q->n.records, q->answer.n > 0 ? q->answer.p : "");
    is_str(got, want);
    is_str(q->told, verdicts);
    done(q);
}

static void fails_with(struct target *t, struct asking *q, enum err_code code, const char *message)
{
    fails(intake_take(t, &q->a, &q->n, &q->answer, &q->err), &q->err, code);
    if (strstr(q->err.msg, message) == NULL)
        is_str(q->err.msg, message);
    done(q);
}

#define GOOD "1,Ann,1,,2021-01-01T00:00:00Z\n2,Bob,2,,\n"
#define BAD                                                                                                  \
    "1,Ann,1,,\n2,,1,,\n3,Cy,9,,\n0,Di,1,,\n5,Ed,x,,\n1,Flo,1,,\n7,A name that is much too "                 \
    "long,1,,\n8,Gil,1\n9,Hal,2,,\n"
#define BAD_TOLD                                                                                             \
    "1 2:REQUIRED.name 3:NO_REFERENCE.dep 4:OUT_OF_RULE.id 5:NOT_AN_INT.dep 6:DUPLICATE_KEY.id "             \
    "7:TOO_LONG.name "                                                                                       \
    "8:FIELD_COUNT 9"

static int count_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    UNUSED(cells), UNUSED(count), UNUSED(err);
    ++*(int64_t *)arg;
    return 0;
}

/* --- the tests --- */

TEST(good_rows_go_in_and_bad_ones_are_logged_with_their_bytes)
{
    struct target *t = fresh();

    hears(t, ask(GOOD, false, NULL), "1 2/0/2 2 of 2", "1 2");
    is_sql("SELECT id, name, dep, boss, at FROM emp ORDER BY id",
           "1\tAnn\t1\tNULL\t2021-01-01 00:00:00\n2\tBob\t2\tNULL\tNULL");
    free(sql("DELETE FROM emp"));
    hears(t, ask(BAD, true, NULL), "1 2/7/9 2 of 9", BAD_TOLD);
    is_sql("SELECT GROUP_CONCAT(id ORDER BY id) FROM emp", "1,9");
    is_sql("SELECT record, code, raw, raw_total, tbl, source, who FROM orch_intake_reject WHERE record IN "
           "(3, 6)",
           "3\tNO_REFERENCE\t3,Cy,9,,\t8\tpeople\trequest 1\ttest\n"
           "6\tDUPLICATE_KEY\t1,Flo,1,,\t9\tpeople\trequest 1\ttest");
    target_close(t);
}

TEST(atomic_with_a_bad_row_stores_nothing_and_tells_all)
{
    struct target *t = fresh();

    hears(t, ask(BAD, false, NULL), "1 0/7/9 0 of 9", BAD_TOLD);
    is_sql(
        "SELECT (SELECT COUNT(*) FROM emp), (SELECT COUNT(*) FROM orch_intake_reject), (SELECT COUNT(*) FROM "
        "orch_intake)",
        "0\t7\t0");
    hears(t, ask(BAD, false, "k"), "1 0/7/9 0 of 9", BAD_TOLD);
    is_sql(
        "SELECT (SELECT COUNT(*) FROM emp), (SELECT COUNT(*) FROM orch_intake_reject), (SELECT status FROM "
        "orch_intake)",
        "0\t14\tREFUSED");
    hears(t, ask(BAD, false, "k"), "2 0/7/9 0 of 9", ""); /* again: as it was, and not logged twice */
    is_sql("SELECT COUNT(*) FROM orch_intake_reject", "14");
    struct asking *q = ask(BAD, false, "forgotten");
    q->a.forget = true;
    hears(t, q, "1 0/7/9 0 of 9", BAD_TOLD);
    is_sql("SELECT COUNT(*) FROM orch_intake", "1");
    is_sql("SELECT COUNT(*) FROM orch_intake_reject", "21");
    target_close(t);
}

TEST(a_key_stores_once_and_repeats_its_answer)
{
    struct target *t = fresh(), *other = connect_to(url);

    hears(t, ask(GOOD, true, "k1"), "1 2/0/2 2 of 2", "1 2");
    hears(t, ask(GOOD, true, "k1"), "2 2/0/2 2 of 2", "");
    hears(other, ask(GOOD, true, "k1"), "2 2/0/2 2 of 2", "");
    fails_with(t, ask("3,Cy,1,,\n", true, "k1"), ERR_CONFLICT, "the key 'k1' was used for another body");
    hears(t, ask("3,Cy,1,,\n", true, "K1"), "1 1/0/1 1 of 1", "1"); /* keys are bytes */
    is_sql("SELECT COUNT(*) FROM emp", "3");
    target_close(t);
    target_close(other);
}

TEST(a_key_that_is_under_way_is_waited_for_and_then_busy)
{
    struct target *t = fresh(), *other = connect_to(url);
    static const int columns[] = {0};
    const unsigned char sum[32] = {0};
    struct buf buf = BUF_INIT(1000);
    struct intake_counts n;
    struct table *def = NULL;
    struct intake *x = NULL;
    struct err err;

    must_rc(target_describe(other, "emp", &def, &err), &err);
    const struct intake_spec spec = {.name = "people",
                                     .def = def,
                                     .columns = columns,
                                     .column_count = 1,
                                     .key = "k",
                                     .body_sha256 = sum,
                                     .source = "",
                                     .who = ""};
    is_int(target_intake_begin(other, &spec, &x, &n, &buf, &err), 1);
    fails_with(t, ask(GOOD, true, "k"), ERR_BUSY, "a request with this key is under way");
    is_sql("SELECT COUNT(*) FROM emp", "0");
    target_intake_abort(x);
    hears(t, ask(GOOD, true, "k"), "1 2/0/2 2 of 2", "1 2");
    target_intake_abort(NULL);
    table_free(def);
    buf_release(&buf);
    target_close(t);
    target_close(other);
}

TEST(a_plain_row_costs_the_server_an_insert_and_a_commit)
{
    static const struct dict_table plain = {.name = "dep",
                                            .table = "dep",
                                            .convert = {.nulls = nulls, .zone = "UTC"},
                                            .dialect = {.delimiter = ',', .quote = '"'}};
    static const char *const counted[] = {"Com_stmt_prepare", "Com_select", "Com_savepoint",
                                          "Com_begin",        "Com_commit", "Com_rollback"};
    struct target *t = fresh();
    int64_t before[ARRAY_LEN(counted)];
    char row[40];

    for (int round = 0; round < 11; round++) {
        if (round == 1)
            for (size_t i = 0; i < ARRAY_LEN(counted); i++)
                before[i] = status(counted[i]);
        snprintf(row, sizeof row, "%d,x\n", 10 + round);
        struct asking *q = ask(row, false, NULL);
        q->a.table = &plain;
        hears(t, q, "1 1/0/1 1 of 1", "1");
    }
    int64_t selects = status(counted[1]), one = -(selects - status(counted[1]));
    selects -= before[1];
    is_int(status(counted[0]) - before[0], 0);
    is_int(status(counted[2]) - before[2], 0);
    is_int(status(counted[3]) - before[3], 0); /* autocommit is off meanwhile */
    is_int(status(counted[4]) - before[4], 10);
    is_int(status(counted[5]) - before[5], 0);
    if (!is_oracle)               /* whose client asks for more */
        is_int(selects, 5 * one); /* those that the figures were asked with, and none of ours */
    is_sql("SELECT COUNT(*) FROM dep", "13");
    target_close(t);
}

TEST(a_foreign_key_of_the_table_tells_the_value)
{
    struct target *t = fresh();

    free(sql("ALTER TABLE emp ADD FOREIGN KEY (dep) REFERENCES dep (id), ADD FOREIGN KEY (boss) REFERENCES "
             "emp (id)"));
    /* a boss who stands before is there; one who stands behind is not */
    hears(t, ask("1,Ann,1,,\n2,Bob,9,1,\n3,Cy,2,1,\n4,Di,1,5,\n5,Ed,1,3,\n", true, NULL), "1 3/2/5 3 of 5",
          "1 2:NO_REFERENCE.dep 3 4:NO_REFERENCE.boss 5");
    is_sql("SELECT message FROM orch_intake_reject ORDER BY id",
           "'9' is in no row of dep.id\n'5' is in no row of emp.id");
    target_close(t);
}

TEST(who_asks_beside_it_sees_what_is_there_now)
{
    struct target *t = fresh(), *other = connect_to(url);
    const int columns[] = {0};
    struct table *def = NULL;
    struct err err;

    hears(t, ask(GOOD, true, NULL), "1 2/0/2 2 of 2", "1 2");
    must_rc(target_describe(t, "emp", &def, &err), &err);
    for (int64_t want = 2; want < 5; want++) { /* no snapshot of before is held */
        int64_t n = 0;
        char row[30];
        must_rc(target_scan(t, def, columns, 1, count_row, &n, &err), &err);
        is_int(n, want);
        snprintf(row, sizeof row, "%d,x,1,,\n", (int)want + 1);
        hears(other, ask(row, true, NULL), "1 1/0/1 1 of 1", "1");
    }
    free(sql("SET lock_wait_timeout = 1; ALTER TABLE emp ADD COLUMN more INT")); /* nor a lock */
    table_free(def);
    target_close(t);
    target_close(other);
}

TEST(too_many_rows_are_none)
{
    struct target *t = fresh();
    struct buf rows = BUF_INIT(100000);
    struct err err;

    for (int i = 1; i <= 1001; i++)
        must_rc(buf_addf(&rows, &err, "%d,x,1,,\n", i), &err);
    fails_with(t, ask(rows.p, true, "k"), ERR_TOO_LARGE, "more than 1000 rows");
    is_sql("SELECT (SELECT COUNT(*) FROM emp), (SELECT COUNT(*) FROM orch_intake)", "0\t0");
    rows.p[rows.n - strlen("1001,x,1,,\n")] = '\0';
    struct asking *q = ask(rows.p, true, "k");
    q->a.told = NULL;
    hears(t, q, "1 1000/0/1000 1000 of 1000", "");
    buf_release(&rows);
    target_close(t);
}

TEST(json_names_its_columns_and_what_lacks_one_is_a_reject)
{
    static const struct csv_field names[] = {{"dep", 3, true}, {"ID", 2, true}};
    static const struct csv_field wrong[] = {{"id", 2, true}, {"nam", 3, true}};
    const struct csv_record header = {.fields = names, .count = 2}, typo = {.fields = wrong, .count = 2};
    struct target *t = fresh();

    struct asking *q = ask("1,1\n,2\n", true, NULL);
    q->a.json = true;
    q->a.header = &header;
    hears(t, q, "1 0/2/2 0 of 2", "1:REQUIRED.name 2:REQUIRED.name");
    free(sql("ALTER TABLE emp MODIFY name VARCHAR(20) NOT NULL DEFAULT 'nobody'"));
    target_close(t);
    t = connect_to(url);
    q = ask("1,1\n,2\n1,\n", true, NULL);
    q->a.json = true;
    q->a.header = &header;
    hears(t, q, "1 2/1/3 2 of 3", "1 2 3:REQUIRED.id");
    is_sql("SELECT id, name, dep FROM emp ORDER BY id", "1\tnobody\t1\n2\tnobody\tNULL");
    q = ask("1,x\n", true, NULL);
    q->a.json = true;
    q->a.header = &typo;
    fails_with(t, q, ERR_SCHEMA, "'nam' (nearest: 'name')");
    target_close(t);
}

TEST(every_order_of_names_is_a_plan_and_few_are_kept)
{
    static const char *const names[] = {"id", "name", "dep", "boss", "at"};
    struct target *t = fresh();
    int id = 100;

    for (int round = 0; round < 2; round++)
        for (int a = 1; a < 5; a++)
            for (int b = 1; b < 5; b++) {
                struct csv_field f[3] = {{"id", 2, true}};
                const struct csv_record header = {.fields = f, .count = b == a ? 2 : 3};
                char row[40];
                f[1] = (struct csv_field){names[a], (uint32_t)strlen(names[a]), true};
                f[2] = (struct csv_field){names[b], (uint32_t)strlen(names[b]), true};
                snprintf(row, sizeof row, b == a ? "%d,\n" : "%d,,\n", id++);
                struct asking *q = ask(row, true, NULL);
                q->a.json = true;
                q->a.header = &header;
                hears(t, q, "1 0/1/1 0 of 1", "1:REQUIRED.name");
            }
    target_close(t);
}

TEST(a_table_that_changed_is_looked_at_again)
{
    struct target *t = fresh();

    hears(t, ask(GOOD, true, NULL), "1 2/0/2 2 of 2", "1 2");
    free(sql("ALTER TABLE emp DROP COLUMN boss, DROP COLUMN at"));
    struct asking *q = ask("3,Cy,1,,\n", true, NULL);
    fails_with(t, q, ERR_TARGET, "boss");
    hears(t, ask("3,Cy,1\n", true, NULL), "1 1/0/1 1 of 1", "1");
    target_close(t);
}

TEST(a_trial_leaves_nothing)
{
    struct target *t = fresh();
    struct asking *q = ask(BAD, true, "k");

    q->a.dry_run = true;
    hears(t, q, "1 2/7/9 2 of 9", BAD_TOLD);
    is_sql("SELECT (SELECT COUNT(*) FROM emp), (SELECT COUNT(*) FROM orch_intake), (SELECT COUNT(*) FROM "
           "orch_intake_reject)",
           "0\t0\t0");
    target_close(t);
}

TEST(more_rejects_than_allowed_store_nothing)
{
    struct target *t = fresh();
    struct asking *q = ask(BAD, true, NULL);

    q->a.bounded = true;
    q->a.max_rejects = 6;
    q->a.max_percent = -1;
    hears(t, q, "1 0/7/9 0 of 9", BAD_TOLD);
    q = ask(BAD, true, NULL);
    q->a.bounded = true;
    q->a.max_percent = 77;
    hears(t, q, "1 0/7/9 0 of 9", BAD_TOLD);
    is_sql("SELECT COUNT(*) FROM emp", "0");
    q = ask(BAD, true, NULL);
    q->a.bounded = true;
    q->a.max_percent = 78;
    hears(t, q, "1 2/7/9 2 of 9", BAD_TOLD);
    target_close(t);
}

/* --- COMMIT whose answer is lost --- */

static struct target *through(const struct test_proxy **ret)
{
    static const struct test_proxy *p;

    target_close(fresh());
    if (p == NULL) {
        char *at = xasprintf("127.0.0.1:%d", server->port);
        p = test_proxy_new(at);
        free(at);
    }
    test_proxy_rules(p, NULL);
    *ret = p;
    char *to = xasprintf("mysql://root@127.0.0.1:%d/hr", p->port);
    struct target *t = connect_to(to); /* the address is kept as long as its config */
    return t;
}

TEST(a_lost_answer_is_asked_for_by_its_key)
{
    const struct test_proxy *p;
    struct target *t = through(&p);

    test_proxy_rules(p, "TCP\tlostreply COMMIT\t1\n");
    hears(t, ask(GOOD, true, "k1"), "1 2/0/2 2 of 2", "1 2");
    is_sql("SELECT COUNT(*) FROM emp", "2");
    test_proxy_rules(p, "TCP\tlostreq COMMIT\t1\n");
    fails_with(t, ask("3,Cy,1,,\n", true, "k2"), ERR_TRANSIENT,
               "not stored: the connection broke before COMMIT");
    is_sql("SELECT COUNT(*) FROM emp", "2");
    hears(t, ask("3,Cy,1,,\n", true, "k2"), "1 1/0/1 1 of 1", "1");
    /* the answer is lost, and whoever connects after that meets a reset */
    test_proxy_rules(p, "TCP\tlostreply COMMIT\t1\nTCP\treset 0\n");
    struct asking *q = ask("4,Di,1,,\n", true, "k3");
    fails(intake_take(t, &q->a, &q->n, &q->answer, &q->err), &q->err, ERR_UNAVAILABLE);
    is_int(q->err.native, TARGET_COMMIT_UNKNOWN);
    is_str(q->err.hint, "ask again under the same key: nothing is stored twice");
    done(q);
    test_proxy_rules(p, NULL);
    hears(t, ask("4,Di,1,,\n", true, "k3"), "2 1/0/1 1 of 1", "");
    is_sql("SELECT COUNT(*) FROM emp", "4");
    target_close(t);
}

TEST(without_a_key_nobody_knows_and_it_is_said)
{
    const struct test_proxy *p;
    struct target *t = through(&p);

    test_proxy_rules(p, "TCP\tlostreply COMMIT\t1\n");
    struct asking *q = ask(GOOD, true, NULL);
    fails(intake_take(t, &q->a, &q->n, &q->answer, &q->err), &q->err, ERR_UNAVAILABLE);
    is_int(q->err.native, TARGET_COMMIT_UNKNOWN);
    ok(strstr(q->err.msg, "whether the rows are stored, nobody knows") != NULL);
    is_str(q->err.hint, "look into the table; with a key, asking again would be safe");
    done(q);
    is_sql("SELECT COUNT(*) FROM emp", "2");
    test_proxy_rules(p, NULL);
    q = ask("20,x,,,\n", true, NULL); /* a connection that is set up: COMMIT is part of other words too */
    q->a.dry_run = true;
    hears(t, q, "1 1/0/1 1 of 1", "1");
    test_proxy_rules(p, "TCP\tlostreply COMMIT\t1\n");
    q = ask(BAD, false, NULL);
    fails(intake_take(t, &q->a, &q->n, &q->answer, &q->err), &q->err, ERR_UNAVAILABLE);
    is_int(q->err.native == TARGET_COMMIT_UNKNOWN, 0); /* of rows it is known */
    ok(strstr(q->err.msg, "nothing is stored") != NULL);
    done(q);
    is_sql("SELECT COUNT(*) FROM emp", "2");
    target_close(t);
}

/* --- another transaction in the way --- */

struct other {
    struct target *t;
    struct asking *q;
    int rc;
};

static void *as_other(void *arg)
{
    struct other *o = arg;

    for (bool there = false; !there;) { /* until the first one has its lock */
        char *got = sql("SELECT IS_USED_LOCK('held') IS NOT NULL");
        there = strcmp(got, "1") == 0;
        free(got);
    }
    o->rc = intake_take(o->t, &o->q->a, &o->q->n, &o->q->answer, &o->q->err);
    return NULL;
}

TEST(a_deadlock_is_tried_again)
{
    struct other o = {.t = fresh(), .q = ask("1,Ann,1,,\n2,Bob,2,,\n", true, "k")};
    pthread_t thread;

    if (is_oracle)
        skip("MariaDB's compound statements");
    int64_t before = status("Innodb_deadlocks");
    free(sql("ALTER TABLE emp ADD FOREIGN KEY (dep) REFERENCES dep (id); CREATE TABLE heavy (i INT)"));
    must(pthread_create(&thread, NULL, as_other, &o) == 0);
    /* it has more to lose, so that ours is the one that ends; what it looks at is no younger than a tenth of a second */
    free(sql("\nDELIMITER //\nBEGIN NOT ATOMIC DECLARE waiting INT DEFAULT 0; START TRANSACTION;"
             "INSERT INTO heavy SELECT seq FROM seq_1_to_1000; UPDATE dep SET name = 'b' WHERE id = 2;"
             "DO GET_LOCK('held', 9);"
             "REPEAT DO SLEEP(0.15);"
             "SELECT COUNT(*) INTO waiting FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT';"
             "UNTIL waiting > 0 END REPEAT;"
             "UPDATE dep SET name = 'c' WHERE id = 1; COMMIT; END//\n"));
    must(pthread_join(thread, NULL) == 0);
    must_rc(o.rc, &o.q->err);
    is_str(o.q->told, "1 2");
    done(o.q);
    ok(status("Innodb_deadlocks") > before);
    is_sql("SELECT (SELECT COUNT(*) FROM emp), (SELECT GROUP_CONCAT(name) FROM dep)", "2\tc,b");
    target_close(o.t);
}

/* --- SQLite --- */

static void lite(const char *path, const char *text, const char *want)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;

    must(sqlite3_open(path, &db) == SQLITE_OK);
    if (want == NULL) {
        must(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
    } else {
        must(sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW);
        is_str((const char *)sqlite3_column_text(st, 0), want);
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
}

TEST(sqlite_does_the_same)
{
    char *dir = tmp_dir(), *path = tmp_path(dir, "hr.db"), *to = xasprintf("sqlite:%s", path);
    struct err err;

    lite(path, TABLES, NULL);
    struct target *t = connect_to(to);
    must_rc(target_setup(t, &err), &err);
    hears(t, ask(BAD, false, "k"), "1 0/7/9 0 of 9", BAD_TOLD);
    lite(path, "SELECT (SELECT COUNT(*) FROM emp) || ' ' || COUNT(*) FROM orch_intake_reject", "0 7");
    hears(t, ask(BAD, false, "k"), "2 0/7/9 0 of 9", "");
    hears(t, ask(BAD, true, "k2"), "1 2/7/9 2 of 9", BAD_TOLD);
    hears(t, ask(BAD, true, "k2"), "2 2/7/9 2 of 9", "");
    fails_with(t, ask(GOOD, true, "k2"), ERR_CONFLICT, "used for another body");
    hears(t, ask("20,x,1,,\n", true, NULL), "1 1/0/1 1 of 1", "1");
    lite(path, "SELECT group_concat(id) || ' ' || (SELECT COUNT(*) FROM orch_intake_reject) FROM emp",
         "1,9,20 14");
    target_close(t);
    free(dir);
    free(path);
    free(to);
}
