#include "io/target_select.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/real.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"

/* Rows of a real MariaDB, cell by cell, against what its own client shows of them. */

static const struct test_mariadb *server;

static char *sql(const char *text)
{
    return test_mariadb_in(server, "shop", text);
}

static struct target *open_at(const char *url, int timeout_ms)
{
    static struct target_config configs[64];
    static size_t n;
    struct target *t = NULL;
    struct err err;

    must(n < ARRAY_LEN(configs));
    configs[n] = (struct target_config){.url = xstrdup(url), .tls = TLS_OFF, .timeout_ms = timeout_ms};
    must_rc(target_open(&configs[n++], &t, &err), &err);
    return t;
}

static struct target *fresh(const char *ddl)
{
    if (server == NULL)
        server = test_mariadb();
    free(
        test_mariadb_sql(server, "DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET utf8mb4"));
    free(sql(ddl));
    char *url = xasprintf("mysql://root@localhost/shop?socket=%s", server->socket);
    struct target *t = open_at(url, 8000);
    free(url);
    return t;
}

/* Off the socket, or by the library: as with TLS, and as it is with Oracle's. */
static void go_by_library(bool on)
{
    if (on)
        setenv("ORCH_TEST_NO_WIRE", "1", 1);
    else
        unsetenv("ORCH_TEST_NO_WIRE");
}

#define BOTH_WAYS(check)                                                                                     \
    do {                                                                                                     \
        check;                                                                                               \
        go_by_library(true);                                                                                 \
        check;                                                                                               \
        go_by_library(false);                                                                                \
    } while (0)

/* All rows as text: cells between tabs, rows between line ends, as the client writes them. */
static int rows_of(struct target *t, const char *text, const struct val *values, size_t count,
                   size_t capacity, const char *table, struct buf *out, struct err *err)
{
    struct table *def = NULL;
    struct select *s = NULL;
    struct batch *b = NULL;
    int columns[64];

    for (int i = 0; i < (int)ARRAY_LEN(columns); i++)
        columns[i] = i;
    if (table != NULL)
        must_rc(target_describe(t, table, &def, err), err);
    int rc = target_select(t, text, values, count, def, columns, def != NULL ? def->count : 0, &s, err);
    if (rc == 0) {
        b = batch_new(select_table(s), columns, select_table(s)->count, capacity);
        rc = 1;
    }
    for (int64_t line = 1; rc == 1;) {
        batch_clear(b);
        rc = select_fill(s, b, err);
        for (size_t r = 0; rc >= 0 && r < b->rows; r++) {
            is_int(b->lines[r], line++);
            for (size_t i = 0; i < b->col_count; i++) {
                char scratch[CELL_TEXT_SIZE];
                struct str cell = batch_cell_text(&b->cols[i], r, scratch);
                must_rc(buf_adds(out, i > 0 ? "\t" : out->n > 0 ? "\n" : "", err), err);
                must_rc(cell.p == NULL ? buf_adds(out, "NULL", err) : buf_add(out, cell.p, cell.n, err), err);
                if (b->cols[i].kind == CELL_DOUBLE && cell.p != NULL) { /* the decimal is the value */
                    int64_t m = b->cols[i].mantissa[r];
                    struct decimal d = {m < 0 ? 0 - (uint64_t)m : (uint64_t)m, b->cols[i].exp10[r], m < 0};
                    double back = decimal_to_double(&d);
                    ok(back == b->cols[i].dbl[r]);
                }
            }
        }
    }
    select_close(s);
    batch_free(b);
    table_free(def);
    return rc;
}

static void are_rows(struct target *t, const char *text, const char *table, const char *want)
{
    struct buf got = BUF_INIT(64 * MIB);
    struct err err;

    must_rc(rows_of(t, text, NULL, 0, 3, table, &got, &err), &err);
    if (!is_str(got.p != NULL ? got.p : "", want))
        diag("%s", text);
    buf_release(&got);
}

static void is_rows(struct target *t, const char *text, const char *table, const char *want)
{
    BOTH_WAYS(are_rows(t, text, table, want));
}

/* By the table's own definition, and by what the server says of the result. */
static void is_table(struct target *t, const char *want)
{
    is_rows(t, "SELECT * FROM t ORDER BY id", "t", want);
    is_rows(t, "SELECT * FROM t ORDER BY id", NULL, want);
}

TEST(integers_to_the_ends_of_their_ranges)
{
    struct target *t = fresh(
        "CREATE TABLE t (id INT PRIMARY KEY, a TINYINT, b TINYINT UNSIGNED, c SMALLINT, d SMALLINT UNSIGNED, "
        "e MEDIUMINT, f MEDIUMINT UNSIGNED, g INT, h INT UNSIGNED, i BIGINT, j BIGINT UNSIGNED, k BIT(1), l "
        "BIT(12), "
        "m BIT(64), n YEAR, o BOOL); INSERT INTO t VALUES "
        "(1,-128,255,-32768,65535,-8388608,16777215,-2147483648,4294967295,-9223372036854775808,"
        "18446744073709551615,"
        "b'1',b'100000000001',18446744073709551615,2155,1),"
        "(2,127,0,32767,0,8388607,0,2147483647,0,9223372036854775807,0,b'0',0,0,0,0),"
        "(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
        "(4,-1,1,-1,1,-1,1,-1,1,-1,1,1,1,1,1901,-1)");

    is_table(
        t, "1\t-128\t255\t-32768\t65535\t-8388608\t16777215\t-2147483648\t4294967295\t-9223372036854775808\t"
           "18446744073709551615\t1\t2049\t18446744073709551615\t2155\t1\n"
           "2\t127\t0\t32767\t0\t8388607\t0\t2147483647\t0\t9223372036854775807\t0\t0\t0\t0\t0\t0\n"
           "3\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\n"
           "4\t-1\t1\t-1\t1\t-1\t1\t-1\t1\t-1\t1\t1\t1\t1\t1901\t-1");
    target_close(t);
}

TEST(decimals_are_text_and_doubles_are_themselves)
{
    struct target *t = fresh(
        "CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(65,30), b DECIMAL(10,0), c DECIMAL(5,2) UNSIGNED, d "
        "DOUBLE, "
        "e FLOAT); INSERT INTO t VALUES "
        "(1,-12345678901234567890123456789012345.123456789012345678901234567890,-9999999999,999.99,0.1,0.1),"
        "(2,0,0,0,1.7976931348623157e308,3.40282e38),(3,NULL,NULL,NULL,NULL,NULL),"
        "(4,1,1,1,5e-324,1e-44),(5,1,1,1,-0.0,16777216),(6,1,1,1,123456789012345678,-0.5),"
        "(7,1,1,1,0.1+0.2e0,1/3)");

    is_table(
        t,
        "1\t-12345678901234567890123456789012345.123456789012345678901234567890\t-9999999999\t999.99\t0.1\t"
        "0.10000000149011612\n"
        "2\t0.000000000000000000000000000000\t0\t0.00\t1.7976931348623157e+308\t3.402820018375656e+38\n"
        "3\tNULL\tNULL\tNULL\tNULL\tNULL\n"
        "4\t1.000000000000000000000000000000\t1\t1.00\t4.94065645841247e-324\t9.80908925027372e-45\n"
        "5\t1.000000000000000000000000000000\t1\t1.00\t0\t16777216\n"
        "6\t1.000000000000000000000000000000\t1\t1.00\t1.2345678901234568e+17\t-0.5\n"
        "7\t1.000000000000000000000000000000\t1\t1.00\t0.30000000000000004\t0.3333333432674408");
    target_close(t);
}

TEST(times_are_the_servers_own_text)
{
    static const char want[] =
        "1\t9999-12-31\t9999-12-31 23:59:59\t9999-12-31 "
        "23:59:59.999999\t838:59:59\t838:59:59.999\t2038-01-19 "
        "03:14:07\t2022-06-05 12:34:56.123456\n"
        "2\t0000-00-00\t0000-00-00 00:00:00\t0000-00-00 "
        "00:00:00.000000\t-838:59:59\t-00:00:00.001\t0000-00-00 "
        "00:00:00\t0000-00-00 00:00:00.000000\n"
        "3\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\n"
        "4\t2022-00-00\t2022-02-31 01:02:03\t0001-01-01 00:00:00.000001\t00:00:00\t100:00:00.500\t1970-01-01 "
        "00:00:01\t2022-10-30 00:30:00.000000\n"
        "5\t1000-01-01\t1000-01-01 00:00:00\t2022-12-31 23:00:00.100000\t24:00:01\t09:08:07.060\t2022-12-31 "
        "23:59:59\t2022-12-31 23:59:59.999999";
    struct target *t = fresh(
        "CREATE TABLE t (id INT PRIMARY KEY, a DATE, b DATETIME, c DATETIME(6), d TIME, e TIME(3), f "
        "TIMESTAMP NULL, "
        "g TIMESTAMP(6) NULL); SET sql_mode='ALLOW_INVALID_DATES', time_zone='+00:00'; INSERT INTO t VALUES "
        "(1,'9999-12-31','9999-12-31 23:59:59','9999-12-31 "
        "23:59:59.999999','838:59:59','838:59:59.999','2038-01-19 "
        "03:14:07','2022-06-05 12:34:56.123456'),"
        "(2,'0000-00-00','0000-00-00','0000-00-00','-838:59:59','-00:00:00.001','0000-00-00','0000-00-00'),"
        "(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
        "(4,'2022-00-00','2022-02-31 01:02:03','0001-01-01 "
        "00:00:00.000001','00:00:00','100:00:00.5','1970-01-01 "
        "00:00:01','2022-10-30 00:30:00'),"
        "(5,'1000-01-01','1000-01-01','2022-12-31 23:00:00.1','24:00:01','09:08:07.06','2022-12-31 "
        "23:59:59','2022-12-31 23:59:59.999999')");
    char *client = sql("SET time_zone='+00:00'; SELECT * FROM t ORDER BY id");

    is_str(client, want);
    is_table(t, want);
    free(client);
    target_close(t);
}

TEST(text_and_bytes_come_as_they_are)
{
    static const char want[] =
        "1\tab\tGr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\t\t\xe2\x82\xac\tlarge\ta,c\t{\"a\": 1}\n"
        "2\t\t \tNULL\t\xc3\xa9\tsmall\t\tNULL\n"
        "3\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL";
    struct target *t = fresh(
        "SET NAMES utf8mb4; CREATE TABLE t (id INT PRIMARY KEY, a CHAR(5), b VARCHAR(40), c TEXT, "
        "d VARCHAR(10) CHARACTER SET latin1, e ENUM('small','large'), f SET('a','b','c'), g JSON); INSERT "
        "INTO t VALUES "
        "(1,'ab   ','Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80','','\xe2\x82\xac','large','c,a','{\"a\": 1}'),"
        "(2,'',' ',NULL,'\xc3\xa9','small','',NULL),(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL)");

    is_table(t, want);
    free(sql("DROP TABLE t; CREATE TABLE t (id INT PRIMARY KEY, a BINARY(3), b VARBINARY(10), c BLOB); "
             "INSERT INTO t VALUES (1,'a',x'00ff0a','x'),(2,NULL,'',NULL)"));
    struct buf got = BUF_INIT(1 * MIB);
    struct err err;
    must_rc(rows_of(t, "SELECT * FROM t ORDER BY id", NULL, 0, 10, "t", &got, &err), &err);
    is_mem(got.p, got.n, "1\ta\0\0\t\0\xff\n\tx\n2\tNULL\t\tNULL", 24);
    buf_release(&got);
    target_close(t);
}

static void check_long_values_are_whol(void)
{
    struct target *t =
        fresh("CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT, b LONGBLOB); INSERT INTO t VALUES "
              "(1, REPEAT('x', 1023), REPEAT('y', 1024)), (2, REPEAT('\xc3\xa4', 600), 'z'), "
              "(3, REPEAT('l', 1048576), REPEAT('b', 5000000)), (4, 'end', NULL)");
    struct buf got = BUF_INIT(64 * MIB);
    struct err err;

    must_rc(rows_of(t, "SELECT * FROM t ORDER BY id", NULL, 0, 100, "t", &got, &err), &err);
    is_int(got.n, 1 + 1 + 1023 + 1 + 1024 + 1 + 1 + 1 + 1200 + 1 + 1 + 1 + 1 + 1 + 1048576 + 1 + 5000000 + 1 +
                      1 + 1 + 3 + 1 + 4);
    ok(strspn(got.p + 2, "x") == 1023 && strspn(got.p + 2 + 1024, "y") == 1024);
    ok(got.n > 11 && strcmp(got.p + got.n - 11, "\n4\tend\tNULL") == 0);
    buf_clear(&got);
    free(sql("SET GLOBAL max_allowed_packet = 1024*1024*1024"));
    target_close(t);
    char *url = xasprintf("mysql://root@localhost/shop?socket=%s", server->socket);
    t = open_at(url, 30000);
    fails(rows_of(t, "SELECT 1 AS id, REPEAT('x', 64*1024*1024 + 1) AS big", NULL, 0, 10, NULL, &got, &err),
          &err, ERR_TOO_LARGE);
    ok(strstr(err.msg, "big") != NULL);
    is_rows(t, "SELECT 7", NULL, "7"); /* on another connection */
    free(url);
    buf_release(&got);
    target_close(t);
}

TEST(long_values_are_whole_and_too_long_ones_are_refused)
{
    BOTH_WAYS(check_long_values_are_whol());
}

/* A packet of 16 MB less one byte goes on in the next, even in an empty one. */
static void check_large_rows(void)
{
    static const struct {
        int first, second;
    } rows[] = {{16777208, -1}, {16777209, -1},       {16777210, -1},
                {16777208, 0},  {20000000, 20000000}, {5, 33554413}};
    struct buf got = BUF_INIT(64 * MIB);
    struct err err;

    target_close(fresh("SET GLOBAL max_allowed_packet = 1024*1024*1024"));
    char *url = xasprintf("mysql://root@localhost/shop?socket=%s", server->socket);
    struct target *t = open_at(url, 30000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *more = rows[i].second < 0 ? xstrdup("") : xasprintf(", REPEAT('y', %d)", rows[i].second);
        char *text = xasprintf("SELECT REPEAT('x', %d)%s UNION ALL SELECT 'end'%s", rows[i].first, more,
                               rows[i].second < 0 ? "" : ", 'of it'");
        buf_clear(&got);
        must_rc(rows_of(t, text, NULL, 0, 10, NULL, &got, &err), &err);
        ok(strspn(got.p, "x") == (size_t)rows[i].first);
        size_t at = (size_t)rows[i].first;
        if (rows[i].second >= 0) {
            ok(got.p[at] == '\t' && strspn(got.p + at + 1, "y") == (size_t)rows[i].second);
            at += 1 + (size_t)rows[i].second;
        }
        is_str(got.p + at, rows[i].second < 0 ? "\nend" : "\nend\tof it");
        free(text);
        free(more);
    }
    free(url);
    buf_release(&got);
    target_close(t);
}

TEST(rows_of_more_than_a_packet)
{
    BOTH_WAYS(check_large_rows());
}

static void check_no_rows_no_columns_t(void)
{
    struct target *t = fresh("CREATE TABLE t (id INT PRIMARY KEY, a TEXT)");
    struct buf got = BUF_INIT(1 * MIB);
    struct err err;

    is_table(t, "");
    fails(rows_of(t, "SELECT 1", NULL, 0, 10, "t", &got, &err), &err, ERR_SCHEMA);
    fails(rows_of(t, "SELECT 'x', 'y'", NULL, 0, 10, "t", &got, &err), &err, ERR_SCHEMA);
    ok(strstr(err.msg, "id") != NULL);
    fails(rows_of(t, "DO 1", NULL, 0, 10, "t", &got, &err), &err, ERR_TARGET);
    fails(rows_of(t, "SELECT * FROM nowhere", NULL, 0, 10, NULL, &got, &err), &err, ERR_TARGET);
    is_rows(t, "SELECT 7", NULL, "7");
    is_rows(t, "SELECT NULL, 'x', 1.50, 2e0, NOW() IS NOT NULL", NULL, "NULL\tx\t1.50\t2\t1");
    target_close(t);
}

TEST(no_rows_no_columns_too_many)
{
    BOTH_WAYS(check_no_rows_no_columns_t());
}

static void check_values_are_bound_and(void)
{
    struct target *t = fresh("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20)); "
                             "INSERT INTO t SELECT seq, CONCAT('v', seq) FROM seq_1_to_100");
    const struct val values[] = {val_i64(95), val_text("v99")};
    struct buf got = BUF_INIT(1 * MIB);
    struct err err;

    must_rc(rows_of(t, "SELECT * FROM t WHERE id > ? AND a <> ? ORDER BY id", values, 2, 2, "t", &got, &err),
            &err);
    is_str(got.p, "96\tv96\n97\tv97\n98\tv98\n100\tv100");
    fails(rows_of(t, "SELECT * FROM t WHERE id > ?", NULL, 0, 2, "t", &got, &err), &err, ERR_INTERNAL);
    buf_release(&got);
    target_close(t);
}

TEST(values_are_bound_and_batches_end_where_they_are_full)
{
    BOTH_WAYS(check_values_are_bound_and());
}

static void check_what_the_server_says(void)
{
    struct target *t = fresh("CREATE TABLE t (id BIGINT UNSIGNED NOT NULL, a DECIMAL(10,3), b VARCHAR(30) "
                             "NOT NULL, c CHAR(4), d VARBINARY(9), "
                             "e LONGTEXT, f BLOB, g DATETIME(3), h TIME, i BIT(12), j ENUM('x'), k FLOAT, l "
                             "GEOMETRY, m DECIMAL(6,0) "
                             "UNSIGNED, n YEAR, o TIMESTAMP(6))");
    static const struct {
        const char *name, *type;
        bool nullable;
    } want[] = {{"id", "bigint unsigned", false},
                {"a", "decimal(10,3)", true},
                {"b", "varchar(30)", false},
                {"c", "char(4)", true},
                {"d", "varbinary(9)", true},
                {"e", "longtext", true},
                {"f", "blob", true},
                {"g", "datetime(3)", true},
                {"h", "time", true},
                {"i", "bit(12)", true},
                {"j", "enum", true},
                {"k", "float", true},
                {"l", "geometry", true},
                {"m", "decimal(6,0) unsigned", true},
                {"n", "year", true},
                {"o", "timestamp(6)", true}};
    struct select *s = NULL;
    struct err err;

    must_rc(target_select(t, "SELECT * FROM t", NULL, 0, NULL, NULL, 0, &s, &err), &err);
    const struct table *def = select_table(s);
    must(def->count == ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        is_str(def->columns[i].name, want[i].name);
        is_str(def->columns[i].type_text, want[i].type);
        if (!ok(def->columns[i].nullable == want[i].nullable))
            diag("%s", want[i].name);
    }
    ok(def->columns[10].is_list);
    struct table *mine = select_take_table(s);
    ok(mine == def && select_take_table(s) == NULL);
    select_close(s); /* nothing was fetched: the connection goes */
    table_free(mine);
    is_rows(t, "SELECT 7", NULL, "7");
    target_close(t);
}

TEST(what_the_server_says_of_a_result)
{
    BOTH_WAYS(check_what_the_server_says());
}

/* --- connections that break --- */

static const char many[] = "SELECT seq, REPEAT('x', 200) FROM shop.t";

static int read_some(struct target *t, struct select **s, struct batch **b, struct err *err)
{
    static const int columns[] = {0, 1};
    int rc = target_select(t, many, NULL, 0, NULL, columns, 2, s, err);

    if (rc < 0)
        return rc;
    *b = batch_new(select_table(*s), columns, 2, 100);
    return select_fill(*s, *b, err);
}

static int read_rest(struct select *s, struct batch *b, int64_t *io_rows, struct err *err)
{
    int rc = 1;

    while (rc == 1) {
        batch_clear(b);
        rc = select_fill(s, b, err);
        *io_rows += rc >= 0 ? (int64_t)b->rows : 0;
    }
    return rc;
}

#define MANY "CREATE TABLE t AS SELECT seq FROM seq_1_to_200000"

static void check_a_connection_killed(void)
{
    static const char *const kills[] = {"KILL", "KILL QUERY"};

    for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
        struct target *t = fresh(MANY);
        struct select *s = NULL;
        struct batch *b = NULL;
        struct err err;
        int64_t rows = 100;

        must(read_some(t, &s, &b, &err) == 1);
        char *id = sql("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT seq, REPEAT%'");
        char *kill = xasprintf("%s %s", kills[i], id);
        free(sql(kill));
        int rc = read_rest(s, b, &rows, &err);
        fails(rc, &err, ERR_TRANSIENT);
        ok(rows < 200000);
        select_close(s);
        batch_free(b);
        is_rows(t, "SELECT 7", NULL, "7");
        target_close(t);
        free(id);
        free(kill);
    }
}

TEST(a_connection_killed_in_the_middle_is_no_short_result)
{
    BOTH_WAYS(check_a_connection_killed());
}

static void check_a_wire_that_breaks_o(void)
{
    static const struct {
        const char *rule;
        enum err_code code, other;
    } rows[] = {{"TCP\treset 3000000\n", ERR_TRANSIENT, ERR_UNAVAILABLE},
                {"TCP\ttruncate 3000000\n", ERR_TRANSIENT, ERR_UNAVAILABLE},
                {"TCP\tstall 3000000\n", ERR_TIMEOUT, ERR_TIMEOUT}};
    struct target *t = fresh(MANY);
    char *address = xasprintf("127.0.0.1:%d", server->port);
    const struct test_proxy *p = test_proxy_new(address);
    char *url = xasprintf("mysql://root@127.0.0.1:%d/shop", p->port);

    target_close(t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct select *s = NULL;
        struct batch *b = NULL;
        struct err err;
        int64_t n = 100;

        test_proxy_rules(p, rows[i].rule);
        t = open_at(url, 1500);
        must(read_some(t, &s, &b, &err) == 1);
        int rc = read_rest(s, b, &n, &err);
        ok(rc < 0 && n < 200000);
        if (!ok(err.code == rows[i].code || err.code == rows[i].other))
            diag("%s: %s", rows[i].rule, err.msg);
        select_close(s);
        batch_free(b);
        target_close(t);
    }
    free(url);
    free(address);
}

TEST(a_wire_that_breaks_or_falls_silent_is_an_error)
{
    BOTH_WAYS(check_a_wire_that_breaks_o());
}

static void check_closing_early_costs(void)
{
    struct target *t = fresh(MANY);
    struct select *s = NULL;
    struct batch *b = NULL;
    struct err err;

    must(read_some(t, &s, &b, &err) == 1);
    select_close(s);
    batch_free(b);
    is_rows(t, "SELECT COUNT(*) FROM t", NULL, "200000");
    target_close(t);
}

TEST(closing_early_costs_the_connection_and_nothing_more)
{
    BOTH_WAYS(check_closing_early_costs());
}
