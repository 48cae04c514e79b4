#include "base/clock.h"
#include "base/mem.h"
#include "io/target_sums_int.h"
#include "io/verifier.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/lib/target_fixture.h"
#include "tests/tap.h"
#include <math.h>

/*
 * Sums as parsed against sums as stored, on MariaDB and SQLite, in the load's own transaction: never a false alarm, and
 * every kind of change is found, on each of the roads that a sum may take.
 */

static const struct test_mariadb *server;
static char *url;

static struct target *fresh(bool mysql)
{
    static const char *const names[] = {"id", "n", "d", "f", "t", "big"};
    static const char *const types[] = {"BIGINT", "SMALLINT", "DOUBLE", "FLOAT", "VARCHAR(20)", "BIGINT"};
    static struct target_config config;
    struct target *t = NULL;
    struct err err;
    int64_t epoch;

    free(url);
    if (mysql) {
        if (server == NULL)
            server = test_mariadb();
        free(test_mariadb_sql(server, "DROP DATABASE IF EXISTS sums; CREATE DATABASE sums"));
        url = xasprintf("mysql://root@localhost/sums?socket=%s", server->socket);
    } else {
        char *dir = tmp_dir();
        url = xasprintf("sqlite:%s/sums.db", dir);
        free(dir);
    }
    config = (struct target_config){.url = url, .tls = TLS_OFF, .timeout_ms = 8000};
    must_rc(target_open(&config, &t, &err), &err);
    must_rc(target_setup(t, &err), &err);
    must_rc(target_create_table(t, "loan", names, types, ARRAY_LEN(names), &err), &err);
    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    is_int(epoch, 1);
    must_rc(target_hold(t, TF_PIPELINE, epoch, &err), &err);
    return t;
}

static uint64_t seed = 1;
static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* A load with its rows in, not committed. */
static void rows_in(struct target *t, struct tf_load *l, bool full)
{
    struct err err;

    must_rc(target_hold(t, TF_PIPELINE, 1, &err), &err);
    tf_parse(t, l);
    l->parsed.full = full;
    is_int(tf_begin(t, l, &err), 1);
    must_rc(tf_rows(l, &err), &err);
}

/* What the two sides come to by decimals, as the ledger keeps them: number of differences. */
static int by_decimals(struct tf_load *l)
{
    struct sums stored;
    struct sums_diff d[4];
    struct err err;

    sums_init(&stored, l->def->count);
    memcpy(stored.used, l->parsed.used, l->def->count * sizeof *stored.used);
    stored.full = l->parsed.full;
    must_rc(target_load_sums(l->load, &stored, &err), &err);
    int n = (int)sums_compare(&l->parsed, &stored, l->def, d, 4);
    for (int i = 0; i < n && i < 4; i++)
        diag("%s.%s: %s read, %s stored", d[i].column, d[i].what, d[i].source, d[i].target);
    sums_release(&stored);
    return n;
}

static int verdict(struct tf_load *l, struct verifier *v, struct sums_diff *d)
{
    struct err err;
    int rc = load_verify(l->load, v, &l->parsed, d, &err);

    if (rc < 0)
        diag("%s", err.msg);
    return rc;
}

static void equal(struct tf_load *l, const char *what)
{
    struct sums_diff d = {.column = ""};

    if (verdict(l, NULL, &d) != 0)
        diag("%s: %s %s: %s read, %s stored", what, d.column, d.what, d.source, d.target);
    must(verdict(l, NULL, &d) == 0);
}

/* --- no false alarm --- */

static char *line_of(int i)
{
    static const char *const odd[] = {"-0.0",
                                      "0",
                                      "5e-324",
                                      "-5e-324",
                                      "1e300",
                                      "-1e300",
                                      "1.7976931348623157e308",
                                      "1e25",
                                      "9.999999999999999e24",
                                      "2.2250738585072014e-308",
                                      "1e-31",
                                      "123456789012345680000"};
    char d[40], f[40], n[20];

    if (i < 12)
        snprintf(d, sizeof d, "%s", odd[i]);
    else if (i % 17 == 0)
        snprintf(d, sizeof d, "NA");
    else
        snprintf(d, sizeof d, "%u.%09u", i % 5 == 0 ? (unsigned)(draw() % 8000) : 0,
                 (unsigned)(draw() % 1000000000));
    snprintf(f, sizeof f, i % 13 == 0 ? "NA" : "%.9g",
             (double)(float)((double)(draw() % 100000) / 977.0 - 40));
    snprintf(n, sizeof n, i % 7 == 0 ? "NA" : "%d", (int)(draw() % 65536) - 32768);
    return xasprintf("%d,%s,%s,%s,name %d,%lld\n", i, n, d, f, i, (long long)draw());
}

static char *shuffled(char **lines, int n)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err;

    for (int i = n - 1; i > 0; i--) {
        int k = (int)(draw() % (uint64_t)(i + 1));
        char *was = lines[i];
        lines[i] = lines[k];
        lines[k] = was;
    }
    must_rc(buf_adds(&b, "id,n,d,f,t,big\n", &err), &err);
    for (int i = 0; i < n; i++)
        must_rc(buf_adds(&b, lines[i], &err), &err);
    return b.p;
}

static void no_alarm_in_any_order(bool mysql)
{
    enum { ROWS = 400, ORDERS = 20 };
    struct target *t = fresh(mysql);
    struct bits first = {{0}};
    char *lines[ROWS];

    for (int i = 0; i < ROWS; i++)
        lines[i] = line_of(i);
    for (int order = 0; order < ORDERS; order++) {
        char *csv = shuffled(lines, ROWS);
        struct tf_load l = {.table = "loan", .csv = csv, .id = 100 + order, .epoch = 1, .batch_rows = 61};
        rows_in(t, &l, order % 2 == 1);
        is_int(l.parsed.rows, ROWS);
        equal(&l, "shuffled");
        is_int(by_decimals(&l), 0);
        int d = table_find(l.def, str_of("d"));
        if (order == 0)
            first = *l.parsed.cols[d].bits;
        ok(memcmp(&first, l.parsed.cols[d].bits, sizeof first) == 0);
        tf_release(&l);
        free(csv);
    }
    for (int i = 0; i < ROWS; i++)
        free(lines[i]);
    target_close(t);
}

TEST(no_false_alarm_in_twenty_orders_on_mariadb)
{
    no_alarm_in_any_order(true);
}

TEST(no_false_alarm_in_twenty_orders_on_sqlite)
{
    no_alarm_in_any_order(false);
}

/* --- no miss --- */

#define HEAD "id,n,d,f,t,big\n"
static const char rows[] = HEAD "1,5,0.1,0.1,Ada,9223372036854775807\n"
                                "2,NA,0.25,1.5,Ben,-9223372036854775808\n"
                                "3,-7,8000.766126609,3,\"\",0\n"
                                "4,12,1e300,NA,Eve,1\n"
                                "5,0,5e-324,2,ada,2\n"
                                "6,1,0,7,NA,3\n"
                                "7,2,NA,8,x,4\n"
                                "8,2,-1e-9,-8,y,5\n";
struct change {
    const char *what, *sql, *column; /* NULL: the rows */
    bool full;                       /* seen by full alone */
};

static void change_is_found(struct target *t, int64_t id, const struct change *c, bool full)
{
    struct tf_load l = {.table = "loan", .csv = rows, .id = id, .epoch = 1};
    struct sums_diff d = {.column = "?"};
    struct err err;
    char *sql = xasprintf("%s%lld", c->sql, (long long)id);

    rows_in(t, &l, full);
    equal(&l, "unchanged");
    must_rc(t->ops->script(t, sql, &err), &err);
    int rc = verdict(&l, NULL, &d);
    if (!is_int(rc, full || !c->full))
        diag("%s", c->what);
    else if (rc == 1 && !is_str(d.column, c->column))
        diag("%s: %s %s %s", c->what, d.what, d.source, d.target);
    tf_release(&l);
    free(sql);
}

static void every_change_is_found(bool mysql)
{
    struct target *t = fresh(mysql);
    char ulps[6][200];
    const double values[] = {0.1, 8000.766126609, 1e300, 5e-324, 0, -1e-9};
    const int ids[] = {1, 3, 4, 5, 6, 8};
    const struct change changes[] = {
        {"NULL became 0", "UPDATE loan SET n = 0 WHERE id = 2 AND _orch_load_id = ", "n", false},
        {"a double NULL became 0", "UPDATE loan SET d = 0 WHERE id = 7 AND _orch_load_id = ", "d", false},
        {"0 became NULL", "UPDATE loan SET n = NULL WHERE id = 5 AND _orch_load_id = ", "n", false},
        {"off by one", "UPDATE loan SET big = big - 1 WHERE id = 1 AND _orch_load_id = ", "big", false},
        {"a float's last bit",
         "UPDATE loan SET f = 0.10000000894069672 WHERE id = 1 AND _orch_load_id = ", "f", false},
        {"far out", "UPDATE loan SET d = 1.7e308 WHERE id = 1 AND _orch_load_id = ", "d", false},
        {"another case", "UPDATE loan SET t = 'ADA' WHERE id = 1 AND _orch_load_id = ", "t", false},
        {"a row deleted", "DELETE FROM loan WHERE id = 6 AND _orch_load_id = ", "", false},
        {"a row doubled",
         "INSERT INTO loan (id, n, d, f, t, big, _orch_load_id, _orch_line)"
         " SELECT id, n, d, f, t, big, _orch_load_id, 999 FROM loan WHERE id = 3 AND _orch_load_id = ",
         "", false},
        {"a row in front",
         "INSERT INTO loan (id, n, d, f, t, big, _orch_load_id, _orch_line)"
         " SELECT id, n, d, f, t, big, _orch_load_id, 0 FROM loan WHERE id = 3 AND _orch_load_id = ",
         "", false},
        {"a row in another hour", "UPDATE loan SET _orch_load_id = 1 WHERE id = 3 AND _orch_load_id = ", "",
         false},
        {"one row in the place of another", "UPDATE loan SET n = 12 WHERE id = 1 AND _orch_load_id = ", "n",
         false},
        {"swapped integers",
         "UPDATE loan SET n = CASE id WHEN 1 THEN 12 ELSE 5 END WHERE id IN (1, 4) AND _orch_load_id = ", "n",
         true},
        {"swapped doubles",
         "UPDATE loan SET d = CASE id WHEN 1 THEN 0.25 ELSE 0.1 END WHERE id IN (1, 2) AND _orch_load_id = ",
         "d", true},
        {"swapped texts",
         "UPDATE loan SET t = CASE id WHEN 1 THEN 'Ben' ELSE 'Ada' END WHERE id IN (1, 2) AND _orch_load_id "
         "= ",
         "t", true},
        {"two that make up for each other",
         "UPDATE loan SET n = CASE id WHEN 1 THEN 6 ELSE 11 END WHERE id IN (1, 4) AND _orch_load_id = ", "n",
         true},
    };
    int64_t id = 1000;

    for (int full = 0; full < 2; full++) {
        for (size_t i = 0; i < ARRAY_LEN(changes); i++)
            change_is_found(t, id++, &changes[i], full == 1);
        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
            snprintf(ulps[i], sizeof ulps[i], "UPDATE loan SET d = %.17g WHERE id = %d AND _orch_load_id = ",
                     nextafter(values[i], 1e308), ids[i]);
            const struct change c = {"the last bit", ulps[i], "d", false};
            change_is_found(t, id++, &c, full == 1);
        }
    }
    target_close(t);
}

TEST(every_change_is_found_on_mariadb)
{
    every_change_is_found(true);
}

TEST(every_change_is_found_on_sqlite)
{
    every_change_is_found(false);
}

/* --- many at once --- */

static void many_at_once(bool mysql)
{
    enum { LOADS = 70 };
    struct target *t = fresh(mysql);
    struct sums stored[LOADS], parsed[LOADS];
    int64_t ids[LOADS];
    struct sums_diff d;
    struct err err;
    struct table *def;

    must_rc(target_describe(t, "loan", &def, &err), &err);
    for (int i = 0; i < LOADS; i++) {
        char *key = xasprintf("%d.csv", i),
             *csv = xasprintf("%s%d,%d,0.%d,1,x,%d\n", rows, i + 10, i, i + 1, i);
        struct tf_load l = {
            .table = "loan", .csv = i == 13 ? HEAD : csv, .key = key, .id = 500 + i, .epoch = 1};
        ids[i] = l.id;
        tf_parse(t, &l);
        for (size_t k = 0; k < l.batch_count; k++)
            batch_sum(l.batches[k], &l.parsed);
        sums_init(&parsed[i], def->count);
        memcpy(parsed[i].used, l.parsed.used, def->count * sizeof *parsed[i].used);
        sums_add(&parsed[i], &l.parsed, def);
        sums_like(&stored[i], &l.parsed);
        tf_release(&l);
        l = (struct tf_load){
            .table = "loan", .csv = i == 13 ? HEAD : csv, .key = key, .id = ids[i], .epoch = 1};
        must_rc(tf_load(t, &l, &err), &err);
        free(csv);
        free(key);
    }
    must_rc(t->ops->script(t, "UPDATE loan SET d = d + 1 WHERE _orch_load_id = 540 AND id = 1", &err), &err);
    must_rc(table_sums_many(t, def, ids, LOADS, stored, &err), &err);
    for (int i = 0; i < LOADS; i++) {
        is_int(stored[i].rows, i == 13 ? 0 : 9);
        if (!is_int(sums_compare(&parsed[i], &stored[i], def, &d, 1), ids[i] == 540))
            diag("%d: %s %s %s", i, d.what, d.source, d.target);
        sums_release(&stored[i]);
        sums_release(&parsed[i]);
    }
    table_free(def);
    target_close(t);
}

TEST(many_loads_at_once_on_mariadb)
{
    many_at_once(true);
}

TEST(many_loads_at_once_on_sqlite)
{
    many_at_once(false);
}
