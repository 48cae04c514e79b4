#include "io/mysqlc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct test_mariadb *tls_server(void)
{
    static const struct test_mariadb *m;
    static char *cert, *key;

    if (m == NULL) {
        free(cert);
        free(key);
        cert = xasprintf("--ssl-cert=%s/server.pem", test_ca());
        key = xasprintf("--ssl-key=%s/server.key", test_ca());
        m = test_mariadb_new((const char *const[]){cert, key, NULL});
        free(test_mariadb_sql(m, "CREATE DATABASE d; CREATE USER u@'127.0.0.1' IDENTIFIED BY 'p';"
                                 "GRANT ALL ON d.* TO u@'127.0.0.1'"));
    }
    return m;
}

static struct mysqlc_config by_tcp(enum tls_mode tls, const char *ca)
{
    return (struct mysqlc_config){.host = "127.0.0.1",
                                  .port = (unsigned)tls_server()->port,
                                  .user = "u",
                                  .password = "p",
                                  .database = "d",
                                  .tls = tls,
                                  .ca_file = ca,
                                  .timeout_ms = 5000};
}

static struct mysqlc *open_it(enum tls_mode tls, const char *ca)
{
    const struct mysqlc_config config = by_tcp(tls, ca);
    struct mysqlc *c = NULL;
    struct err err;

    must_rc(mysqlc_open(&config, &c, &err), &err);
    return c;
}

/* --- a server that means ill --- */

enum { FLOOD_PROGRESS, FLOOD_ROW };
struct hostile {
    int listening, port, what;
    pthread_t thread;
    int64_t sent;
};

static void put_packet(int fd, int n, const void *p, size_t size)
{
    unsigned char head[4] = {(unsigned char)size, (unsigned char)(size >> 8), (unsigned char)(size >> 16),
                             (unsigned char)n};

    if (send(fd, head, sizeof head, MSG_NOSIGNAL) > 0 && size > 0)
        err_ignore((int)send(fd, p, size, MSG_NOSIGNAL));
}

static void take_packet(int fd)
{
    unsigned char head[4], drop[4096];

    if (recv(fd, head, 4, MSG_WAITALL) != 4)
        return;
    size_t n = (size_t)(head[0] | head[1] << 8 | head[2] << 16);
    while (n > 0) {
        ssize_t got = recv(fd, drop, n < sizeof drop ? n : sizeof drop, 0);
        if (got <= 0)
            return;
        n -= (size_t)got;
    }
}

static bool put_all(struct hostile *h, int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        h->sent += put;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

/* Greets, lets everybody in, and answers the first statement for ever. */
static void *mean_ill(void *arg)
{
    static const char hello[] =
        "\x0a"
        "10.11.19-MariaDB\0\1\0\0\0abcdefgh\0\x00\xa2\x21\x02\0\x08\x20\x15\0\0\0\0\0\0\0\0\0\0"
        "ijklmnopqrst\0mysql_native_password";
    static const char ok[] = "\0\0\0\2\0\0\0";
    static const char progress[] = "\x0e\0\0\1\xff\xff\xff\1\1\1\0\0\0\4walk";
    static const char column[] = "\3def\0\0\0\1a\0\x0c\x21\0\xff\xff\0\0\xfd\0\0\0\0\0";
    static const char eof[] = "\xfe\0\0\2\0", full[] = "\xff\xff\xff";
    struct hostile *h = arg;
    char *part = xcalloc(1, 1 << 24);
    int fd = accept(h->listening, NULL, NULL);

    memset(part, 'x', 1 << 24);
    put_packet(fd, 0, hello, sizeof hello);
    take_packet(fd);
    put_packet(fd, 2, ok, sizeof ok - 1);
    take_packet(fd);
    if (h->what == FLOOD_ROW) {
        put_packet(fd, 1, "\1", 1);
        put_packet(fd, 2, column, sizeof column - 1);
        put_packet(fd, 3, eof, sizeof eof - 1);
    }
    for (int n = h->what == FLOOD_ROW ? 4 : 1; h->sent < INT64_C(2) << 30; n++) {
        char head[4] = {full[0], full[1], full[2], (char)n}, report[sizeof progress];
        memcpy(report, progress, sizeof progress);
        report[3] = (char)n;
        if (h->what == FLOOD_ROW ? !put_all(h, fd, head, 4) || !put_all(h, fd, part, (1 << 24) - 1)
                                 : !put_all(h, fd, report, sizeof progress - 1))
            break;
        if (h->what == FLOOD_PROGRESS)
            clock_sleep_ms(1);
    }
    close(fd);
    free(part);
    return NULL;
}

static struct mysqlc *open_hostile(struct hostile *h, int what)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    struct mysqlc *c = NULL;
    struct err err;

    *h = (struct hostile){.what = what, .listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    must(bind(h->listening, (struct sockaddr *)&a, sizeof a) == 0 && listen(h->listening, 1) == 0);
    must(getsockname(h->listening, (struct sockaddr *)&a, &n) == 0);
    must(pthread_create(&h->thread, NULL, mean_ill, h) == 0);
    const struct mysqlc_config config = {.host = "127.0.0.1",
                                         .port = ntohs(a.sin_port),
                                         .user = "u",
                                         .password = "p",
                                         .tls = TLS_OFF,
                                         .timeout_ms = 1000};
    must_rc(mysqlc_open(&config, &c, &err), &err);
    return c;
}

static void close_hostile(struct hostile *h, struct mysqlc *c)
{
    mysqlc_close(c);
    pthread_join(h->thread, NULL);
    close(h->listening);
}

TEST(a_server_that_only_reports_progress_is_given_up)
{
    struct hostile h;
    struct mysqlc *c = open_hostile(&h, FLOOD_PROGRESS);
    int64_t began_ms = clock_mono_ms();
    struct err err;

    ok(mysqlc_exec(c, "DO 1", &err) < 0);
    ok(mysqlc_is_lost(c));
    ok(clock_mono_ms() - began_ms >= 3000); /* and not before: it may be at work */
    close_hostile(&h, c);
}

TEST(a_row_without_end_is_refused)
{
    struct hostile h;
    struct mysqlc *c = open_hostile(&h, FLOOD_ROW);
    struct err err;

    ok(mysqlc_exec(c, "SELECT a", &err) < 0); /* the library calls it a lost connection */
    ok(mysqlc_is_lost(c));
    close_hostile(&h, c);
    ok(h.sent < INT64_C(400) << 20);
}

TEST(verify_takes_the_right_ca_only)
{
    char *right = tmp_path(test_ca(), "ca.pem"), *wrong = tmp_path(test_ca(), "other-ca.pem");
    struct mysqlc *c = open_it(TLS_VERIFY, right);
    struct mysqlc_config config = by_tcp(TLS_VERIFY, wrong);
    struct err err;

    ok(mysqlc_cipher(c) != NULL);
    mysqlc_close(c);
    c = NULL;
    fails(mysqlc_open(&config, &c, &err), &err, ERR_ACCESS_DENIED);
    config.ca_file = NULL; /* the system's bundle does not know it either */
    fails(mysqlc_open(&config, &c, &err), &err, ERR_ACCESS_DENIED);
    config.ca_file = "/nonexistent.pem";
    ok(mysqlc_open(&config, &c, &err) < 0);
    free(right);
    free(wrong);
}

TEST(require_encrypts_and_does_not_fall_back)
{
    struct mysqlc *c = open_it(TLS_REQUIRE, NULL);
    struct err err;

    ok(mysqlc_cipher(c) != NULL);
    mysqlc_close(c);
    c = open_it(TLS_OFF, NULL);
    ok(mysqlc_cipher(c) == NULL);
    mysqlc_close(c);
    c = open_it(TLS_PREFER, NULL); /* loopback */
    ok(mysqlc_cipher(c) == NULL);
    mysqlc_close(c);
    c = NULL;
    const struct test_mariadb *plain = test_mariadb();
    free(test_mariadb_sql(plain, "CREATE USER IF NOT EXISTS u@'127.0.0.1' IDENTIFIED BY 'p'"));
    struct mysqlc_config config = by_tcp(TLS_REQUIRE, NULL);
    config.port = (unsigned)plain->port;
    config.database = NULL;
    fails(mysqlc_open(&config, &c, &err), &err, ERR_ACCESS_DENIED);
}

TEST(failures_to_connect_are_told_apart)
{
    struct mysqlc *c = NULL;
    struct mysqlc_config config = by_tcp(TLS_OFF, NULL);
    struct err err;

    config.password = "wrong";
    fails(mysqlc_open(&config, &c, &err), &err, ERR_ACCESS_DENIED);
    config.password = "p";
    config.database = "nosuch";
    ok(mysqlc_open(&config, &c, &err) < 0);
    config.database = "d";
    config.port = (unsigned)free_ports();
    fails(mysqlc_open(&config, &c, &err), &err, ERR_UNAVAILABLE);
    config.socket = "/nonexistent/sock";
    fails(mysqlc_open(&config, &c, &err), &err, ERR_UNAVAILABLE);
    config.socket = NULL;
    config.host = "no-such-host.invalid";
    fails(mysqlc_open(&config, &c, &err), &err, ERR_UNAVAILABLE);
}

struct got {
    int64_t rows;
    char text[400];
    size_t longest;
};

static int take(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct got *g = arg;

    UNUSED(err);
    g->rows++;
    for (size_t i = 0; i < count; i++) {
        size_t at = strlen(g->text);
        if (cells[i].n > g->longest)
            g->longest = cells[i].n;
        if (cells[i].p == NULL || cells[i].n < 40)
            snprintf(g->text + at, sizeof g->text - at, "%s|", cells[i].p != NULL ? cells[i].p : "NULL");
        else
            ok(cells[i].p[cells[i].n - 1] == 'z' && cells[i].p[cells[i].n] == '\0');
    }
    return 0;
}

TEST(values_go_in_and_come_out)
{
    struct mysqlc *c = open_it(TLS_OFF, NULL);
    struct got g = {0};
    const struct val values[] = {val_i64(INT64_MIN), val_text("a'b\\"), val_text(NULL),
                                 val_blob("\x00\xff", 2), val_text("")};
    int64_t rows = 0;
    struct err err;

    must_rc(mysqlc_run(c, "SELECT ?, ?, ?, HEX(?), ?", values, 5, take, &g, &rows, NULL, &err), &err);
    is_str(g.text, "-9223372036854775808|a'b\\|NULL|00FF||");
    is_int(rows, 1);
    g = (struct got){0};
    must_rc(mysqlc_run(c,
                       "SELECT CONCAT(REPEAT('x', 300000), 'z') UNION ALL SELECT NULL UNION ALL SELECT "
                       "CONCAT(REPEAT('x', 299), 'z')"
                       " UNION ALL SELECT 'short'",
                       NULL, 0, take, &g, &rows, NULL, &err),
            &err);
    is_int(rows, 4);
    is_int(g.longest, 300001);
    is_str(g.text, "NULL|short|");
    ok(mysqlc_run(c, "SELECT ?", NULL, 0, NULL, NULL, NULL, NULL, &err) < 0);
    /* more statements than the cache keeps, some of them twice */
    for (int i = 0; i < 200; i++) {
        char text[64];
        g = (struct got){0};
        snprintf(text, sizeof text, "SELECT %d", i % 61);
        must_rc(mysqlc_run(c, text, NULL, 0, take, &g, NULL, NULL, &err), &err);
        snprintf(text, sizeof text, "%d|", i % 61);
        is_str(g.text, text);
    }
    mysqlc_close(c);
}

static int nested(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct got g = {0};

    UNUSED(cells);
    UNUSED(count);
    const struct val v = val_i64(2);
    int rc = mysqlc_run(arg, "SELECT ? + 1", &v, 1, take, &g, NULL, NULL, err);
    is_str(g.text, "3|");
    return rc;
}

TEST(a_row_function_may_run_the_same_statement)
{
    struct mysqlc *c = open_it(TLS_OFF, NULL);
    const struct val v = val_i64(1);
    struct err err;

    must_rc(mysqlc_run(c, "SELECT ? + 1", &v, 1, nested, c, NULL, NULL, &err), &err);
    mysqlc_close(c);
}

TEST(an_update_counts_what_it_matched)
{
    struct mysqlc *c = open_it(TLS_OFF, NULL);
    int64_t rows = -1;
    unsigned warnings = 99;
    struct err err;

    must_rc(mysqlc_exec(c, "CREATE OR REPLACE TABLE m (a INT)", &err), &err);
    must_rc(mysqlc_run(c, "INSERT INTO m VALUES (1), (1)", NULL, 0, NULL, NULL, &rows, &warnings, &err),
            &err);
    is_int(rows, 2);
    is_int(warnings, 0);
    must_rc(mysqlc_run(c, "UPDATE m SET a = 1", NULL, 0, NULL, NULL, &rows, NULL, &err), &err);
    is_int(rows, 2);
    fails(mysqlc_exec(c, "SELEKT 1", &err), &err, ERR_INTERNAL);
    is_int(err.native, 1064);
    ok(!mysqlc_is_lost(c));
    must_rc(mysqlc_ping(c, 0, &err), &err);
    mysqlc_close(c);
}

TEST(the_server_cannot_ask_for_our_files)
{
    struct mysqlc *c = open_it(TLS_OFF, NULL);
    struct err err;

    must_rc(mysqlc_exec(c, "CREATE OR REPLACE TABLE f (line TEXT)", &err), &err);
    ok(mysqlc_exec(c, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE f", &err) < 0);
    mysqlc_close(c);
}

/* A text that is longer than what the library asks for at once, and one whose escapes fall on its border. */
TEST(rows_from_memory_by_load_data_are_the_rows_that_were_given)
{
    enum { LONG = 100000, SQL = 300 };
    static const int64_t ids[] = {INT64_MIN, 2, INT64_MAX}, mantissa[] = {1, -1, 766126609};
    static const int16_t exp10[] = {-1, 300, -9};
    char *text = xmalloc(LONG);
    const char *const texts[] = {"tab\there\\ N\nline", text, NULL};
    const unsigned long text_n[] = {16, LONG, 0};
    static const char nulls[] = {0, 0, 1};
    const struct mysqlc_column cols[] = {
        {.kind = BULK_I64, .values = ids},
        {.kind = BULK_DOUBLE, .mantissa = mantissa, .exp10 = exp10},
        {.kind = BULK_TEXT, .values = texts, .lengths = text_n, .nulls = nulls}};
    static const int64_t more_ids[] = {-7};
    static const char *const more_texts[] = {"end"};
    static const unsigned long more_n[] = {3};
    const struct mysqlc_column more[] = {{.kind = BULK_I64, .values = more_ids},
                                         {.kind = BULK_DOUBLE, .mantissa = mantissa, .exp10 = exp10},
                                         {.kind = BULK_TEXT, .values = more_texts, .lengths = more_n}};
    const struct mysqlc_part parts[] = {{cols, 3}, {more, 1}};
    struct mysqlc *c = open_it(TLS_OFF, NULL);
    char expected[SQL];
    struct got g = {0};
    int64_t rows = 0;
    unsigned warnings = 9;
    struct err err;

    for (int i = 0; i < LONG; i++)
        text[i] = "\\\t\na'\"\\"[i % 7];
    must_rc(
        mysqlc_exec(c, "CREATE OR REPLACE TABLE m (i BIGINT, r DOUBLE, t LONGTEXT) CHARSET utf8mb4", &err),
        &err);
    must_rc(mysqlc_infile(
                c,
                "LOAD DATA LOCAL INFILE 'x' INTO TABLE m CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' "
                "ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (i,r,t)",
                parts, 2, 3, &rows, &warnings, &err),
            &err);
    is_int(rows, 4);
    is_int(warnings, 0);
    must_rc(mysqlc_run(c, "SELECT i, CAST(r AS CHAR), IF(LENGTH(t) > 99, CRC32(t), HEX(t)) FROM m ORDER BY i",
                       NULL, 0, take, &g, NULL, NULL, &err),
            &err);
    snprintf(expected, sizeof expected,
             "-9223372036854775808|0.1|74616209686572655C204E0A6C696E65|-7|0.1|656E64|2|-1e300|%u|"
             "9223372036854775807|0."
             "766126609|NULL|",
             crc32_of(text, LONG));
    is_str(g.text, expected);
    ok(mysqlc_exec(c, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE m", &err) < 0);
    free(text);
    mysqlc_close(c);
}

TEST(no_answer_in_time_is_a_time_out)
{
    struct mysqlc_config config = by_tcp(TLS_OFF, NULL);
    struct mysqlc *c = NULL;
    struct err err;

    config.timeout_ms = 1000;
    must_rc(mysqlc_open(&config, &c, &err), &err);
    fails(mysqlc_exec(c, "DO SLEEP(5)", &err), &err, ERR_TIMEOUT);
    ok(mysqlc_is_lost(c));
    mysqlc_close(c);
}

TEST(rows_in_bulk_are_the_rows_that_were_given)
{
    static const int64_t ids[] = {INT64_MIN, 2, 3, INT64_MAX, 5};
    static const uint64_t big[] = {UINT64_MAX, 0, 1, 2, 3};
    static const double reals[] = {0.1, -1e300, 0, 5e-324, 1.5};
    static const char *const texts[] = {"a", "", NULL, "\xf0\x9f\x98\x80", "e"};
    static const char *const blobs[] = {"\x00\x01", "", "\xff", NULL, "x"};
    static const unsigned long text_n[] = {1, 0, 0, 4, 1}, blob_n[] = {2, 0, 1, 0, 1};
    static const char text_null[] = {0, 0, 1, 0, 0}, blob_null[] = {0, 0, 0, 1, 0};
    const struct mysqlc_column cols[] = {
        {.kind = BULK_I64, .values = ids},
        {.kind = BULK_U64, .values = big},
        {.kind = BULK_DOUBLE, .values = reals},
        {.kind = BULK_TEXT, .values = texts, .lengths = text_n, .nulls = text_null},
        {.kind = BULK_BLOB, .values = blobs, .lengths = blob_n, .nulls = blob_null}};
    struct err err;

    for (int way = 0; way < 2; way++) {
        if (way == 1)
            setenv("ORCH_TEST_NO_ARRAYS", "1", 1);
        struct mysqlc *c = open_it(TLS_OFF, NULL);
        struct mysqlc_bulk *b = NULL;
        struct got g = {0};
        int64_t rows = 0;
        unsigned warnings = 9;
        must_rc(mysqlc_exec(c,
                            "CREATE OR REPLACE TABLE b (n INT AUTO_INCREMENT PRIMARY KEY, i BIGINT, u BIGINT "
                            "UNSIGNED, r DOUBLE,"
                            " t TEXT, x BLOB, k INT) CHARSET utf8mb4",
                            &err),
                &err);
        must_rc(mysqlc_bulk_new(c, "INSERT INTO b(i,u,r,t,x,k) VALUES ", "(?,?,?,?,?,7)", 5, &b, &err), &err);
        must_rc(mysqlc_bulk_insert(b, cols, 0, 5, &rows, &warnings, &err), &err);
        is_int(rows, 5);
        is_int(warnings, 0);
        must_rc(mysqlc_bulk_insert(b, cols, 3, 1, &rows, &warnings, &err), &err);
        is_int(rows, 1);
        must_rc(mysqlc_run(c, "SELECT i, u, CAST(r AS CHAR), HEX(t), HEX(x), k FROM b ORDER BY n", NULL, 0,
                           take, &g, NULL, NULL, &err),
                &err);
        is_str(g.text, "-9223372036854775808|18446744073709551615|0.1|61|0001|7|"
                       "2|0|-1e300||"
                       "|7|3|1|0|NULL|FF|7|"
                       "9223372036854775807|2|5e-324|F09F9880|NULL|7|5|3|1.5|65|78|7|"
                       "9223372036854775807|2|5e-324|F09F9880|NULL|7|");
        mysqlc_bulk_free(b);
        mysqlc_close(c);
    }
    unsetenv("ORCH_TEST_NO_ARRAYS");
}
