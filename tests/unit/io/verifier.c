#include "io/verifier.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/target_int.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/lib/target_fixture.h"
#include "tests/tap.h"

/* Rows are summed while the load goes on, by another connection; and what that one cannot see is summed all the same. */

enum { ROWS = 30000, BATCH = 1000 };
static const struct test_mariadb *server;

static struct target *fresh(void)
{
    static const char *const names[] = {"id", "n", "d"};
    static const char *const types[] = {"BIGINT", "SMALLINT", "DOUBLE"};
    static struct target_config config;
    static char *url;
    struct target *t = NULL;
    struct err err;
    int64_t epoch;

    if (server == NULL)
        server = test_mariadb();
    free(test_mariadb_sql(server,
                          "SET GLOBAL general_log = 0; DROP DATABASE IF EXISTS sums; CREATE DATABASE sums"));
    free(url);
    url = xasprintf("mysql://root@localhost/sums?socket=%s", server->socket);
    config = (struct target_config){.url = url, .tls = TLS_OFF, .timeout_ms = 8000};
    must_rc(target_open(&config, &t, &err), &err);
    must_rc(target_setup(t, &err), &err);
    must_rc(target_create_table(t, "loan", names, types, ARRAY_LEN(names), &err), &err);
    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    must_rc(target_hold(t, TF_PIPELINE, epoch, &err), &err);
    return t;
}

static char *csv(void)
{
    struct buf b = BUF_INIT(1 << 24);
    struct err err;

    must_rc(buf_adds(&b, "id,n,d\n", &err), &err);
    for (int i = 0; i < ROWS; i++)
        must_rc(
            buf_addf(&b, &err, i % 9 == 0 ? "%d,NA,0.%d\n" : "%d,%d,0.%d\n", i, i % 9 == 0 ? i : i % 300, i),
            &err);
    return b.p;
}

/* Statements that sum lines, of connections other than the load's. */
static int sums_of_others(int64_t mine)
{
    char *sql = xasprintf(
        "SELECT COUNT(*) FROM mysql.general_log WHERE thread_id <> %lld AND command_type = 'Execute'"
        " AND argument LIKE '%%SUM(%%_orch_line >=%%'",
        (long long)mine);
    char *out = test_mariadb_sql(server, sql);
    int n = (int)strtol(out, NULL, 10);

    free(out);
    free(sql);
    return n;
}

/* All batches but the last three are answered for and seen; `spoil` (NULL: nothing) is run behind batch 4. */
static int loaded_and_verified(struct target *t, bool wait, const char *spoil, struct sums_diff *d)
{
    char *text = csv();
    struct tf_load l = {.table = "loan", .csv = text, .id = 7, .epoch = 1, .batch_rows = BATCH};
    struct verifier *v;
    struct err err;
    int64_t mine = t->ops->connection_id(t);

    free(test_mariadb_sql(
        server, "SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = 1"));
    is_int(tf_begin(t, &l, &err), 1);
    v = verifier_new(t);
    verifier_begin(v, l.load, 0);
    for (size_t i = 0; i < l.batch_count; i++) {
        batch_sum(l.batches[i], &l.parsed);
        must_rc(target_load_batch(l.load, l.batches[i], &err), &err);
        if (i == 4 && spoil != NULL)
            must_rc(t->ops->script(t, spoil, &err), &err);
        verifier_sent(v, l.batches[i], &l.parsed, target_load_rows(l.load));
    }
    for (int64_t until = clock_mono_ms() + 20000;
         wait && sums_of_others(mine) == 0 && clock_mono_ms() < until;)
        clock_sleep_ms(20);
    ok(!wait || sums_of_others(mine) > 0);
    int rc = load_verify(l.load, v, &l.parsed, d, &err);
    if (rc < 0)
        diag("%s", err.msg);
    free(test_mariadb_sql(server, "SET GLOBAL general_log = 0"));
    verifier_end(v);
    tf_release(&l);
    verifier_free(v);
    free(text);
    return rc;
}

TEST(uncommitted_rows_are_summed_by_another_connection)
{
    struct target *t = fresh();
    struct sums_diff d;

    is_int(loaded_and_verified(t, true, NULL, &d), 0);
    target_close(t);
}

TEST(a_wrong_row_is_found_by_it)
{
    struct target *t = fresh();
    struct sums_diff d = {.column = ""};

    is_int(loaded_and_verified(t, true, "UPDATE loan SET d = d + 1e-13 WHERE id = 3333", &d), 1);
    is_str(d.column, "d");
    target_close(t);
}

TEST(where_nobody_holds_the_lock_the_load_sums_by_itself)
{
    struct target *t = fresh();
    struct sums_diff d = {.column = ""};
    struct err err;

    snprintf(t->hold_name, sizeof t->hold_name, "orch.elsewhere");
    int64_t mine = t->ops->connection_id(t);
    is_int(loaded_and_verified(t, false, NULL, &d), 0);
    is_int(sums_of_others(mine), 0);
    must_rc(target_hold(t, TF_PIPELINE, 1, &err), &err);
    snprintf(t->hold_name, sizeof t->hold_name, "orch.elsewhere");
    is_int(loaded_and_verified(t, false, "DELETE FROM loan WHERE id = 4000", &d), 1);
    is_str(d.what, "rows");
    target_close(t);
}

TEST(none_for_sqlite_and_none_is_fine)
{
    struct target *t = NULL;
    char *dir = tmp_dir(), *url = xasprintf("sqlite:%s/x.db", dir);
    const struct target_config config = {.url = url};
    struct err err;

    must_rc(target_open(&config, &t, &err), &err);
    ok(verifier_new(t) == NULL);
    verifier_end(NULL);
    verifier_free(NULL);
    target_close(t);
    free(url);
    free(dir);
}
