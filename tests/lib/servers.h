#ifndef TESTS_LIB_SERVERS_H
#define TESTS_LIB_SERVERS_H
#include <stdbool.h>
#include <stddef.h>
/*
 * Private servers for C tests, over tests/servers. Skips the test where the server is not installed (see
 * need in tests/lib/run.h). All end with the program, however it ends.
 */

/* The one MariaDB of this test program, started by the first who asks. root, no password. */
struct test_mariadb {
    const char *dir, *socket; /* host for the client library: "localhost" with this socket, */
    int port;                 /* or 127.0.0.1 with this port */
};
const struct test_mariadb *test_mariadb(void);
/* The same, or, where ORCH_TEST_MYSQL=SOCKET:PORT names one that runs (tests/servers/mysql9.sh), that MySQL: root without
 * a password; it words some things differently, and knows some not at all. */
const struct test_mariadb *test_mysql(bool *ret_is_oracle);
/* One with an own folder and options, such as "--wait-timeout=2"; NULL-terminated, may be NULL. */
const struct test_mariadb *test_mariadb_new(const char *const options[]);
void test_mariadb_kill(const struct test_mariadb *m);  /* kill -9, as a power cut would */
void test_mariadb_again(const struct test_mariadb *m); /* starts it again: same data, same port */
/* SQL as root by the command line client: independent of the code under test. Rows as lines, columns
 * between tabs, "NULL" for NULL. Returns owned. */
char *test_mariadb_sql(const struct test_mariadb *m, const char *sql);
/* Likewise, within a database; without the last line end. */
char *test_mariadb_in(const struct test_mariadb *m, const char *database, const char *sql);

/* The one S3 server (radosgw) of this test program. */
struct test_s3 {
    const char *dir;
    const char *endpoint; /* http://127.0.0.1:PORT, path style, region us-east-1 */
    int port;
    const char *key, *secret;
};
const struct test_s3 *test_s3(void);
void test_s3_kill(const struct test_s3 *s); /* the gateway; objects stay */
void test_s3_again(const struct test_s3 *s);
void test_s3_bucket(const struct test_s3 *s, const char *bucket);
void test_s3_put(const struct test_s3 *s, const char *bucket, const char *key, const void *p, size_t n);
char *test_s3_get(const struct test_s3 *s, const char *bucket, const char *key,
                  size_t *ret_n);                                                 /* returns owned */
char *test_s3_head(const struct test_s3 *s, const char *bucket, const char *key); /* "etag size\n"; owned */
char *test_s3_uploads(const struct test_s3 *s,
                      const char *bucket); /* keys of uploads begun and not ended, lines; owned */

/* tests/servers/faultproxy.py before HOST:PORT; rules as it says, NULL: none. */
struct test_proxy {
    int port;
    const char *rules_path, *log_path;
    long pid;
};
const struct test_proxy *test_proxy_new(const char *host_port);
void test_proxy_rules(const struct test_proxy *p, const char *rules);

/* A folder with the certificates of tests/servers/ca.sh. */
const char *test_ca(void);
#endif
