#include "base/buf.h"
#include "base/limits.h"
#include "io/mysqlc.h"
#include "steps/extract.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"

/* The statements of steps/extract_sql.c, asked of a real MariaDB: which rows come, how often, and by whichever names. */

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct test_mariadb *server;
static struct mysqlc *connection;
static struct target *target;

static void start(const char *ddl)
{
    struct err err;

    if (server == NULL) {
        server = test_mariadb();
        free(test_mariadb_sql(server, "CREATE DATABASE hr CHARACTER SET utf8mb4"));
        static struct target_config config = {.tls = TLS_OFF, .timeout_ms = 20000};
        config.url = xasprintf("mysql://root@localhost/hr?socket=%s", server->socket);
        must_rc(target_open(&config, &target, &err), &err);
        const struct mysqlc_config c = {.host = "localhost",
                                        .socket = server->socket,
                                        .user = "root",
                                        .database = "hr",
                                        .timeout_ms = 20000};
        must_rc(mysqlc_open(&c, &connection, &err), &err);
        must_rc(mysqlc_exec(connection, "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'", &err),
                &err);
    }
    free(test_mariadb_in(server, "hr", ddl));
}

struct answer {
    struct buf rows;     /* cells between commas, rows between blanks; the hidden ones too */
    struct buf last[32]; /* of the last row, by place in the select */
    size_t hidden, count;
};

static int on_row(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct answer *a = arg;

    for (size_t i = 0; i < count; i++) {
        if (i + a->hidden < count)
            must_rc(buf_addf(&a->rows, err, "%s%.*s",
                             i > 0           ? ","
                             : a->rows.n > 0 ? " "
                                             : "",
                             cells[i].p != NULL ? (int)cells[i].n : 4,
                             cells[i].p != NULL ? cells[i].p : "NULL"),
                    err);
        if (i < 32 && cells[i].p != NULL) {
            buf_clear(&a->last[i]);
            must_rc(buf_add(&a->last[i], cells[i].p, cells[i].n, err), err);
        }
    }
    a->count++;
    return 0;
}

static void answer_init(struct answer *a, const struct extract_sql *s)
{
    *a = (struct answer){.hidden = s->hidden};
    buf_init(&a->rows, MIB);
    for (size_t i = 0; i < ARRAY_LEN(a->last); i++)
        buf_init(&a->last[i], 4 * KIB);
}

static void answer_release(struct answer *a)
{
    buf_release(&a->rows);
    for (size_t i = 0; i < ARRAY_LEN(a->last); i++)
        buf_release(&a->last[i]);
}

/* " AND ((k1 > ?) OR (k1 = ? AND k2 > ?)) ORDER BY k1,k2 LIMIT n", as whoever pages writes it. */
static size_t page_sql(const struct extract_sql *s, const struct answer *a, bool first, int limit,
                       struct buf *sql, struct val *values)
{
    size_t n = 0;
    struct err err;

    must_rc(buf_adds(sql, s->select, &err), &err);
    memcpy(values, s->values, s->value_count * sizeof *values);
    n = s->value_count;
    for (size_t k = 0; !first && k < s->key_count; k++) {
        must_rc(buf_adds(sql, k == 0 ? " AND ((" : " OR (", &err), &err);
        for (size_t j = 0; j <= k; j++) {
            must_rc(buf_addf(sql, &err, "%s%s %s ?", j > 0 ? " AND " : "", s->key_sql[j], j == k ? ">" : "="),
                    &err);
            values[n++] = val_text(a->last[s->key_at[j]].p);
        }
        must_rc(buf_adds(sql, k + 1 == s->key_count ? "))" : ")", &err), &err);
    }
    for (size_t k = 0; k < s->key_count; k++)
        must_rc(buf_addf(sql, &err, "%s%s", k == 0 ? " ORDER BY " : ",", s->key_sql[k]), &err);
    must_rc(buf_addf(sql, &err, "%s LIMIT %d", s->order, limit), &err);
    return n;
}

/* All rows in pages of two, and all at once by the text for the log: the same. Returns owned. */
static char *rows_of(const struct extract_table *t, const struct extract_window *w, bool is_query)
{
    struct table *def = NULL;
    struct extract_sql s;
    struct answer a, whole;
    struct err err;
    struct val values[64];

    if (!is_query)
        must_rc(target_describe(target, t->table, &def, &err), &err);
    must_rc(extract_sql(t, def, w, &s, &err), &err);
    answer_init(&a, &s);
    answer_init(&whole, &s);
    for (bool first = true;; first = false) {
        struct buf sql = BUF_INIT(MIB);
        size_t before = a.count, limit = s.key_count > 0 ? 2 : 1000;
        size_t n = page_sql(&s, &a, first, (int)limit, &sql, values);
        int rc = mysqlc_run(connection, sql.p, values, n, on_row, &a, NULL, NULL, &err);
        if (rc < 0)
            diag("%s", sql.p);
        buf_release(&sql);
        must_rc(rc, &err);
        if (a.count - before < limit)
            break;
    }
    must_rc(mysqlc_run(connection, s.text, NULL, 0, on_row, &whole, NULL, NULL, &err), &err);
    is_str(whole.rows.n > 0 ? whole.rows.p : "", a.rows.n > 0 ? a.rows.p : "");
    char *rows = xstrdup(a.rows.n > 0 ? a.rows.p : "");
    answer_release(&a);
    answer_release(&whole);
    extract_sql_release(&s);
    table_free(def);
    return rows;
}

static const struct extract_window whole_window = {.now = "2022-06-05 12:34:56.123456"};

static void rows_are(const struct extract_table *t, const struct extract_window *w, const char *want)
{
    char *got = rows_of(t, w != NULL ? w : &whole_window, t->query != NULL);
    is_str(got, want);
    free(got);
}

static void filtered(const char *columns, const struct extract_filter *f, const char *want)
{
    const struct extract_table t = {
        .name = "e", .table = "e", .columns = NAMES(columns), .filters = f, .filter_count = 1};
    rows_are(&t, NULL, want);
}

TEST(filters_find_the_rows_that_sql_means)
{
    start("DROP TABLE IF EXISTS e; CREATE TABLE e (id INT PRIMARY KEY, boss INT NULL, big BIGINT UNSIGNED, "
          "price DECIMAL(30,3),"
          " n VARCHAR(40), l VARCHAR(40) CHARACTER SET latin1, kind ENUM('b','a'), d DATE, bits BIT(8), x "
          "DOUBLE);"
          "INSERT INTO e VALUES (1, NULL, 9007199254740993, 12345678901234567.891, 'it''s', 'ä', 'b', "
          "'2020-01-01', 1, 0.1),"
          "(2, 103, 9007199254740992, 12345678901234567.892, 'a\\\\b', 'a', 'a', '2020-01-02', 2, 1e300),"
          "(3, 7, 18446744073709551615, -0.001, '1 OR 1=1', '€', 'b', '2020-01-03', 255, -5);");
    filtered("id", &(struct extract_filter){"boss", IS_NE, NAMES("103"), 0}, "3");
    filtered("id", &(struct extract_filter){"boss", IS_NULL, NULL, 0}, "1");
    filtered("id", &(struct extract_filter){"boss", IS_NOT_NULL, NULL, 0}, "2 3");
    /* doubles know no difference between these */
    filtered("id", &(struct extract_filter){"big", IS_EQ, NAMES("9007199254740993"), 0}, "1");
    filtered("id", &(struct extract_filter){"big", IS_LT, NAMES("18446744073709551615"), 0}, "1 2");
    filtered("id", &(struct extract_filter){"price", IS_EQ, NAMES("12345678901234567.891"), 0}, "1");
    filtered("id", &(struct extract_filter){"price", IS_LE, NAMES("-0.001"), 0}, "3");
    filtered("id", &(struct extract_filter){"x", IS_EQ, NAMES("0.1"), 0}, "1");
    filtered("id", &(struct extract_filter){"bits", IS_GT, NAMES("1"), 0}, "2 3");
    filtered("id", &(struct extract_filter){"n", IS_IN, NAMES("it's", "a\\b", "?"), 0}, "1 2");
    filtered("id", &(struct extract_filter){"n", IS_EQ, NAMES("1 OR 1=1"), 0}, "3");
    filtered("id", &(struct extract_filter){"n", IS_EQ, NAMES("' OR ''='"), 0}, "");
    filtered("id", &(struct extract_filter){"n", IS_EQ, NAMES("x\\' OR 1=1; -- "), 0}, "");
    filtered("id", &(struct extract_filter){"l", IS_EQ, NAMES("€"), 0}, "3");
    filtered("id", &(struct extract_filter){"n", IS_LIKE, NAMES("%1=1"), 0}, "3");
    filtered("id", &(struct extract_filter){"kind", IS_NOT_IN, NAMES("a"), 0}, "1 3");
    filtered("id", &(struct extract_filter){"d", IS_GE, NAMES("2020-01-02 00:00:01"), 0}, "3");
}

TEST(names_of_any_kind)
{
    start("DROP TABLE IF EXISTS `e``; DROP`; CREATE TABLE `e``; DROP` (`i``d` INT, `a?` INT, `n FROM x --;` "
          "VARCHAR(9), `ü` INT,"
          " `'q'` INT, PRIMARY KEY (`a?`, `i``d`)); INSERT INTO `e``; DROP` VALUES (1,1,'x',1,8), "
          "(2,1,'y',2,8), (3,1,'y',3,9), (1,2,'y',4,9);");
    struct extract_filter f = {"n FROM x --;", IS_EQ, NAMES("y"), 0};
    struct extract_table t = {
        .name = "e", .table = "hr.e`; DROP", .columns = NAMES("ü", "'q'"), .filters = &f, .filter_count = 1};
    rows_are(&t, NULL, "2,8 3,9 4,9");
    t.table = "e`; DROP";
    t.order = NAMES("ü");
    t.filter_count = 0;
    rows_are(&t, NULL, "1,8 2,8 3,9 4,9");
}

TEST(pages_hold_every_row_once_whatever_the_order)
{
    start("DROP TABLE IF EXISTS e; CREATE TABLE e (id INT PRIMARY KEY, d DATE NOT NULL, n VARCHAR(9) COLLATE "
          "utf8mb4_general_ci NOT NULL,"
          " kind ENUM('z','a') NOT NULL, boss INT NULL, f FLOAT NOT NULL, seen TIMESTAMP(3) NOT NULL DEFAULT "
          "'2020-01-01 00:00:00.5');"
          "INSERT INTO e (id, d, n, kind, boss, f) VALUES (1,'2020-01-02','b','z',NULL,0.1), "
          "(2,'2020-01-01','B','a',1,0.1),"
          "(3,'2020-01-02','a','z',1,0.3), (4,'2020-01-02','ä','a',NULL,0.7), (5,'2020-01-01','b "
          "','z',2,0.1);");
    struct extract_table t = {.name = "e", .table = "e", .columns = NAMES("id")};
    rows_are(&t, NULL, "1 2 3 4 5");
    t.order = NAMES("d");
    rows_are(&t, NULL, "2 5 1 3 4");
    t.order = NAMES("n");
    rows_are(&t, NULL, "3 4 1 2 5");
    t.order = NAMES("seen", "n");
    rows_are(&t, NULL, "3 4 1 2 5");
    t.order = NAMES("kind");
    rows_are(&t, NULL, "1 3 5 2 4");
    t.order = NAMES("boss");
    rows_are(&t, NULL, "1 4 2 3 5");
    t.order = NAMES("f");
    rows_are(&t, NULL, "1 2 5 3 4");
    const struct extract_transform x = {"id", "100 - id # upside down"};
    t.order = NULL;
    t.transforms = &x;
    t.transform_count = 1;
    rows_are(&t, NULL, "99 98 97 96 95");
}

/* Each day's run sees only the rows that are there by then; the ties of a day are all in one window. */
TEST(windows_over_dates_and_times_give_every_row_once)
{
    static const char *const ends[] = {NULL, "2020-01-01 12:00:00.5", "2020-01-02 00:00:00",
                                       "2020-01-02 23:59:59.999999", "2020-01-04 01:00:00"};
    static const char *const by_date[] = {"", "1", "", "2 3 4 5 6"},
                             *const by_time[] = {"1 2", "3 4 5", "", "6"},
                             *const by_both[] = {"1 2", "1 3 4 5", "", "2 3 4 5 6"};

    start("DROP TABLE IF EXISTS e; CREATE TABLE e (id INT PRIMARY KEY, d DATE NULL, s TIMESTAMP NULL);"
          "SET time_zone = '+00:00'; INSERT INTO e VALUES (1,'2020-01-01','2020-01-01 00:00:00'), "
          "(2,'2020-01-02','2020-01-01 11:59:59'),"
          "(3,'2020-01-02','2020-01-01 12:00:00'), (4,'2020-01-02','2020-01-01 12:00:01'), "
          "(5,'2020-01-02','2020-01-01 23:59:59'),"
          "(6,'2020-01-03','2020-01-02 23:59:59'), (7, NULL, NULL);");
    struct extract_table t = {.name = "e", .table = "e", .columns = NAMES("id")};
    for (size_t i = 0; i + 1 < ARRAY_LEN(ends); i++) {
        const struct extract_window w = {.from = ends[i], .to = ends[i + 1]};
        t.watermark = NAMES("d");
        rows_are(&t, &w, by_date[i]);
        t.watermark = NAMES("s");
        rows_are(&t, &w, by_time[i]);
        t.watermark = NAMES("d", "s");
        rows_are(&t, &w, by_both[i]);
    }
}

TEST(a_query_of_ones_own_and_sql_in_its_brackets)
{
    start("DROP TABLE IF EXISTS e; CREATE TABLE e (id INT PRIMARY KEY, n VARCHAR(9)); INSERT INTO e VALUES "
          "(1,'a'),(2,'b'),(3,'?');");
    struct extract_table t = {.name = "q",
                              .query =
                                  "SELECT a.id AS one, b.n FROM e a JOIN e b ON b.id = a.id + 1 -- all ;",
                              .order = NAMES("one")};
    rows_are(&t, NULL, "1,b 2,?");
    const struct extract_filter f = {"n", IS_EQ, NAMES("b"), 0};
    t.filters = &f;
    t.filter_count = 1;
    rows_are(&t, NULL, "1,b");
    t = (struct extract_table){.name = "q",
                               .query = "WITH x AS (SELECT id FROM e) SELECT * FROM x;",
                               .where = "id > 1 OR id = 1 # all"};
    rows_are(&t, NULL, "1 2 3");
    t = (struct extract_table){
        .name = "e", .table = "e", .where = "n = '?' OR n = 'a'", .columns = NAMES("id")};
    rows_are(&t, NULL, "1 3");
    t = (struct extract_table){.name = "e", .table = "hr.e", .where = "e.id = 2"};
    rows_are(&t, NULL, "2,b");
}
