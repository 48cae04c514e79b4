#include "io/target_limits.h"
#include "base/mem.h"
#include "io/target_replica.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"

static int64_t connections(int64_t max, int64_t used, int64_t user_max, int64_t user_used, int64_t wanted)
{
    const struct target_limits l = {.max_connections = max,
                                    .connected = used,
                                    .max_user_connections = user_max,
                                    .user_connected = user_used};
    char why[LIMITS_WHY];
    int64_t n = limits_connections(&l, wanted, why);

    ok((why[0] != '\0') == (n < wanted));
    return n;
}

TEST(connections_leave_room_for_others)
{
    is_int(connections(0, 0, 0, 0, 8), 8);    /* nothing said */
    is_int(connections(151, 10, 0, 0, 8), 8); /* plenty */
    is_int(connections(40, 31, 0, 0, 8), 5);  /* 5 are left to others, and one of the 31 is ours */
    is_int(connections(40, 39, 0, 0, 8), 1);  /* never none */
    is_int(connections(40, 200, 0, 0, 8), 1);
    is_int(connections(151, 10, 6, 1, 8), 4); /* the account's own limit */
    is_int(connections(151, 10, 1, 1, 8), 1);
    is_int(connections(40, 31, 5, 1, 8), 3); /* the smaller of the two */
    is_int(connections(151, 10, 0, 0, 1), 1);
}

TEST(why_there_are_fewer_is_said)
{
    const struct target_limits l = {.max_connections = 40, .connected = 31};
    char why[LIMITS_WHY];

    is_int(limits_connections(&l, 8, why), 5);
    is_str(why,
           "5 connections in place of 8: max_connections is 40, 31 are in use, and 5 are left to others");
}

TEST(a_chunk_fits_what_the_server_takes_at_once)
{
    const struct target_limits none = {.max_transaction = 0},
                               some = {.max_transaction = 2 << 20, .max_transaction_by = "wsrep_max_ws_size"};
    const char *by;

    ok(limits_chunk(&none, &by) == INT64_MAX);
    is_str(by, "");
    is_int(limits_chunk(&some, &by), 1 << 20);
    is_str(by, "wsrep_max_ws_size");
}

/* --- a real server --- */

static struct target_config configs[8];

static struct target *open_by(const struct test_mariadb *m, const char *user)
{
    static size_t n;
    struct target *t = NULL;
    struct err err;

    must(n < ARRAY_LEN(configs));
    configs[n] = (struct target_config){
        .url = xasprintf("mysql://%s@localhost/lending?socket=%s", user, m->socket), .tls = TLS_PREFER};
    must_rc(target_open(&configs[n++], &t, &err), &err);
    return t;
}

TEST(a_server_is_asked)
{
    static const char *const options[] = {"--log-bin", "--server-id=1", "--max-connections=33",
                                          "--max-binlog-cache-size=1048576", NULL};
    const struct test_mariadb *m = test_mariadb_new(options);
    struct target_limits l;
    struct err err;
    char why[REPLICA_WHY];
    int64_t behind;

    free(test_mariadb_sql(m,
                          "CREATE DATABASE lending; CREATE USER few@localhost WITH MAX_USER_CONNECTIONS 7; "
                          "GRANT ALL ON lending.* TO few@localhost"));
    struct target *root = open_by(m, "root"), *few = open_by(m, "few"), *also = open_by(m, "few");
    must_rc(target_limits(root, &l, &err), &err);
    is_int(l.max_connections, 33);
    is_int(l.max_user_connections, 0);
    is_int(l.connected, 3);
    is_int(l.user_connected, 1);
    is_int(l.max_packet, 16 << 20);
    is_int(l.max_transaction, 1048576);
    is_str(l.max_transaction_by, "max_binlog_cache_size");
    must_rc(target_limits(few, &l, &err), &err);
    is_int(l.max_user_connections, 7); /* of the account */
    is_int(l.user_connected, 2);
    is_int(limits_connections(&l, 8, why), 4);

    is_int(target_replica_lag(root, &behind, why, &err), 0);
    is_str(why, "it is no replica");
    fails(target_replica_lag(few, &behind, why, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.hint, "GRANT") != NULL);
    must_rc(target_limits(few, &l, &err), &err); /* the connection is well after that */

    free(test_mariadb_sql(m, "CHANGE MASTER 'a' TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'"));
    is_int(target_replica_lag(root, &behind, why, &err), 0); /* by any of its sources */
    is_str(why, "its SQL thread does not run");
    target_close(also);
    target_close(few);
    target_close(root);
}

TEST(a_binlog_without_a_limit_is_none)
{
    const struct test_mariadb *m = test_mariadb();
    struct target_limits l;
    struct err err;

    free(test_mariadb_sql(m, "CREATE DATABASE IF NOT EXISTS lending"));
    struct target *t = open_by(m, "root");
    must_rc(target_limits(t, &l, &err), &err);
    is_int(l.max_transaction, 0);
    is_str(l.max_transaction_by, "");
    target_close(t);
}

TEST(sqlite_has_none)
{
    char *dir = tmp_dir(), *path = tmp_path(dir, "limits.db"), *url = xasprintf("sqlite:%s", path);
    struct target_config c = {.url = url};
    struct target *t = NULL;
    struct target_limits l;
    struct err err;
    char why[REPLICA_WHY];
    int64_t behind;

    must_rc(target_open(&c, &t, &err), &err);
    must_rc(target_limits(t, &l, &err), &err);
    is_int(l.max_connections, 0);
    is_int(limits_connections(&l, 8, NULL), 8);
    fails(target_replica_lag(t, &behind, why, &err), &err, ERR_CONFIG);
    target_close(t);
    free(url);
    free(path);
    free(dir);
}
