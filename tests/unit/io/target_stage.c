#include "io/target_stage.h"
#include "base/mem.h"
#include "io/target_int.h"
#include "io/target_upsert.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/lib/target_fixture.h"
#include "tests/tap.h"

/* The stage and what comes from it, on MariaDB: what SQLite does otherwise is in tests/t/upsert.t. */

static const struct test_mariadb *server;
static char *url;

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

static struct target *open_target(void)
{
    static struct target_config config;
    struct target *t = NULL;
    struct err err;

    config = (struct target_config){.url = url, .tls = TLS_PREFER, .timeout_ms = 8000};
    must_rc(target_open(&config, &t, &err), &err);
    return t;
}

static struct target *fresh(void)
{
    struct target *t;
    struct err err;

    if (server == NULL) {
        server = test_mariadb();
        url = xasprintf("mysql://root@localhost/lending?socket=%s", server->socket);
    }
    free(test_mariadb_sql(server,
                          "DROP DATABASE IF EXISTS lending; CREATE DATABASE lending CHARACTER SET utf8mb4"));
    free(sql(
        "CREATE TABLE bank (id INT PRIMARY KEY); INSERT INTO bank VALUES (1), (2);"
        "CREATE TABLE loan (id INT NOT NULL PRIMARY KEY, name VARCHAR(20) NULL, bank INT NOT NULL DEFAULT 1, "
        "twice INT AS (id * 2) STORED, code VARCHAR(9) CHARACTER SET latin1 NULL UNIQUE, CHECK (id < "
        "100000), "
        "FOREIGN KEY (bank) REFERENCES bank (id))"));
    t = open_target();
    must_rc(target_setup(t, &err), &err);
    must_rc(target_lineage_add(t, "loan", &err), &err);
    return t;
}

static struct table *describe(struct target *t)
{
    struct table *def = NULL;
    struct err err;

    must_rc(target_describe(t, "loan", &def, &err), &err);
    return def;
}

TEST(names_fit_whatever_the_table_is_called)
{
    char name[STAGE_NAME_SIZE], other[STAGE_NAME_SIZE], table[400];

    target_stage_name("loan", name);
    is_str(name, "_orch_stage_loan");
    target_stage_name("db.loan", name);
    is_str(name, "db._orch_stage_loan");
    snprintf(table, sizeof table, "%052d", 7);
    target_stage_name(table, name);
    is_int(strlen(name), 64);
    snprintf(table, sizeof table, "%063da", 7);
    target_stage_name(table, name);
    is_int(strlen(name), 64);
    snprintf(table, sizeof table, "%063db", 7);
    target_stage_name(table, other);
    ok(strcmp(name, other) != 0);
    for (size_t i = 0; i < 64; i++)
        memcpy(table + 2 * i, "\xc3\xa9", 3);
    target_stage_name(table, name); /* 64 letters of two bytes: not cut within one */
    ok(strlen(name) <= 64 && strstr(name, "\xc3_") == NULL);
}

TEST(the_stage_is_as_the_table_but_keeps_nothing_out)
{
    struct target *t = fresh();
    struct table *def = describe(t), *stage = NULL;
    struct err err;

    fails(target_stage_check(t, def, &stage, &err), &err, ERR_TARGET_SETUP);
    is_str(err.hint, "orch target setup makes it");
    is_int(target_stage_setup(t, def, NULL, &err), 1);
    is_int(target_stage_setup(t, def, NULL, &err), 0);
    must_rc(target_stage_check(t, def, &stage, &err), &err);
    is_int(stage->count, def->count);
    ok(stage->has_lineage && stage->made_by_orch);
    is_int(stage->key_count, 0);
    is_str(stage->columns[4].charset, "latin1");
    ok(!stage->columns[3].generated && stage->columns[0].nullable);
    table_free(stage);
    is_sql("INSERT INTO _orch_stage_loan (id, _orch_load_id, _orch_line) VALUES (1, 5, 2), (1, 5, 3), (1, 6, "
           "2); "
           "SELECT COUNT(*) FROM _orch_stage_loan",
           "3");
    table_free(def);
    target_close(t);
}

TEST(a_changed_table_has_its_stage_made_anew_unless_a_load_is_in_it)
{
    struct target *t = fresh();
    struct table *def = describe(t), *stage = NULL;
    struct buf ddl = BUF_INIT(1 << 16);
    struct err err;

    is_int(target_stage_setup(t, def, NULL, &err), 1);
    free(sql(
        "ALTER TABLE loan ADD COLUMN rate DOUBLE NULL; INSERT INTO _orch_stage_loan (_orch_load_id, "
        "_orch_line) "
        "VALUES (5, 2); INSERT INTO orch_load (load_id, pipeline, part, object_key, key_sha256, generation, "
        "state, at_ms) VALUES (5, 'loans', 'p', 'k', UNHEX(SHA2('k', 256)), 1, 'PLAN', 1)"));
    table_free(def);
    def = describe(t);
    fails(target_stage_check(t, def, &stage, &err), &err, ERR_TARGET_SETUP);
    ok(strstr(err.msg, "rate") != NULL || strstr(err.msg, "_orch_") != NULL);
    fails(target_stage_setup(t, def, NULL, &err), &err, ERR_BUSY);
    is_sql("SELECT COUNT(*) FROM _orch_stage_loan", "1");
    must_rc(target_stage_ddl(t, def, NULL, &ddl, &err), &err);
    ok(strstr(ddl.p, "DROP TABLE") != NULL && strstr(ddl.p, "CREATE TABLE") != NULL);
    free(sql("DELETE FROM orch_load")); /* a load that died: nobody goes on with it */
    is_int(target_stage_setup(t, def, NULL, &err), 2);
    must_rc(target_stage_check(t, def, &stage, &err), &err);
    table_free(stage);
    is_int(target_stage_setup(t, def, &def->keys[0], &err), 0); /* an index over the key is no other shape */
    must_rc(target_upsert_check(t, def, &def->keys[0], &err), &err);
    fails(target_upsert_check(t, def, &def->keys[1], &err), &err, ERR_TARGET_SETUP);
    is_int(target_stage_setup(t, def, &def->keys[1], &err), 0);
    must_rc(target_upsert_check(t, def, &def->keys[1], &err), &err);
    free(sql("ALTER TABLE loan ADD COLUMN more INT NULL"));
    table_free(def);
    def = describe(t);
    is_int(target_stage_setup(t, def, NULL, &err), 2); /* who does not need the index leaves it where it is */
    must_rc(target_upsert_check(t, def, &def->keys[1], &err), &err);
    buf_release(&ddl);
    table_free(def);
    target_close(t);
}

TEST(what_dead_loads_left_is_found_and_cleared)
{
    struct target *t = fresh();
    struct table *def = describe(t);
    int64_t id = 0;
    bool live = true;
    struct err err;

    must(target_stage_setup(t, def, NULL, &err) == 1);
    is_int(target_stage_next(t, def, 0, &id, &live, &err), 0);
    free(sql("INSERT INTO _orch_stage_loan (id, _orch_load_id, _orch_line) SELECT seq, 5 + seq % 2, seq FROM "
             "seq_1_to_30000;"
             "INSERT INTO orch_load (load_id, pipeline, part, object_key, key_sha256, generation, state, "
             "at_ms) VALUES "
             "(6, 'loans', 'p', 'k', UNHEX(SHA2('k', 256)), 1, 'PLAN', 1)"));
    is_int(target_stage_next(t, def, 0, &id, &live, &err), 1);
    ok(id == 5 && !live);
    is_int(target_stage_next(t, def, 5, &id, &live, &err), 1);
    ok(id == 6 && live);
    is_int(target_stage_next(t, def, 6, &id, &live, &err), 0);
    must_rc(target_stage_clear(t, def, 5, &err), &err);
    is_sql("SELECT COUNT(*), MIN(_orch_load_id) FROM _orch_stage_loan", "15000\t6");
    table_free(def);
    target_close(t);
}

struct seen {
    char text[8][400];
    size_t n;
};

static int on_reject(void *arg, const struct reject_info *why, struct err *err)
{
    struct seen *s = arg;

    UNUSED(err);
    must(s->n < ARRAY_LEN(s->text));
    snprintf(s->text[s->n++], sizeof s->text[0], "%lld %s", (long long)why->line, why->code);
    return 0;
}

static struct load *begin(struct target *t, const struct table *def, int64_t load_id)
{
    static const int columns[] = {0, 1, 2, 4};
    struct load *l = NULL;
    int64_t epoch;
    struct err err;

    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    const struct load_spec spec = {.table = def,
                                   .columns = columns,
                                   .column_count = ARRAY_LEN(columns),
                                   .pipeline = TF_PIPELINE,
                                   .partition = TF_PART,
                                   .key = "file.csv",
                                   .load_id = load_id,
                                   .generation = 1,
                                   .epoch = epoch};
    is_int(target_load_begin(t, &spec, &l, &err), 1);
    return l;
}

TEST(publish_copies_and_finds_what_the_table_refuses)
{
    struct target *t = fresh();
    struct table *def = describe(t);
    const struct ledger_row row = {.state = LEDGER_LOADED, .rows_read = 29996, .rows_loaded = 29996};
    struct seen seen = {.n = 0};
    int64_t rows = 0;
    struct err err;

    must(target_stage_setup(t, def, NULL, &err) == 1);
    free(sql("INSERT INTO loan (id, name) VALUES (777, 'there');"
             "INSERT INTO _orch_stage_loan (id, name, bank, _orch_load_id, _orch_line) "
             "SELECT seq, 'x', IF(seq = 20000, 9, 1), 5, seq FROM seq_1_to_30000;"
             "UPDATE _orch_stage_loan SET id = 100001 WHERE _orch_line = 30;"
             "UPDATE _orch_stage_loan SET id = 28999 WHERE _orch_line = 29000;"
             "INSERT INTO _orch_stage_loan (id, _orch_load_id, _orch_line) VALUES (55555, 6, 1)"));
    struct load *l = begin(t, def, 5);
    must_rc(target_stage_publish(l, def, on_reject, &seen, &rows, &err), &err);
    is_int(rows, 29996);
    is_int(target_load_rows(l), 29996);
    is_int(seen.n, 4);
    is_str(seen.text[0], "30 CHECK_FAILED");
    is_str(seen.text[1], "777 DUPLICATE_KEY");
    is_str(seen.text[2], "20000 FOREIGN_KEY");
    is_str(seen.text[3], "29000 DUPLICATE_KEY");
    is_sql("SELECT COUNT(*) FROM loan", "1"); /* nobody sees it before COMMIT */
    must_rc(target_load_commit(l, &row, &err), &err);
    is_sql("SELECT COUNT(*), SUM(twice), SUM(_orch_load_id = 5), SUM(id = 55555) FROM loan",
           "29997\t899931940\t29996\t0");
    must_rc(target_stage_clear(t, def, 5, &err), &err);
    is_sql("SELECT _orch_load_id FROM _orch_stage_loan", "6");
    table_free(def);
    target_close(t);
}

TEST(without_a_listener_the_first_refused_row_is_the_error)
{
    struct target *t = fresh();
    struct table *def = describe(t);
    int64_t rows = 0;
    struct err err;

    must(target_stage_setup(t, def, NULL, &err) == 1);
    free(sql("INSERT INTO _orch_stage_loan (id, bank, _orch_load_id, _orch_line) SELECT seq % 9, 1, 5, seq "
             "FROM seq_1_to_50"));
    struct load *l = begin(t, def, 5);
    fails(target_stage_publish(l, def, NULL, NULL, &rows, &err), &err, ERR_DUPLICATE_KEY);
    ok(strstr(err.msg, "line 10: ") == err.msg);
    target_load_abort(l);
    is_sql("SELECT COUNT(*) FROM loan", "0");
    table_free(def);
    target_close(t);
}

TEST(which_key_an_upsert_can_go_by)
{
    static const char *const code[] = {"code", NULL}, *const id[] = {"ID", NULL},
                             *const none[] = {"bank", NULL};
    struct target *t = fresh();
    struct table *def = describe(t);
    const struct table_key *key = NULL;
    struct err err;

    must_rc(target_upsert_key(def, NULL, &key, &err), &err);
    is_str(key->name, "PRIMARY");
    must_rc(target_upsert_key(def, id, &key, &err), &err);
    fails(target_upsert_key(def, code, &key, &err), &err, ERR_TARGET);
    ok(strstr(err.msg, "may be NULL") != NULL);
    fails(target_upsert_key(def, none, &key, &err), &err, ERR_TARGET);
    table_free(def);
    target_close(t);
}

/* Stages rows as a load would, and puts them by key. */
static int put(struct target *t, const struct table *def, const struct table *stage, int64_t load_id,
               const char *part, const char *rows, struct upsert_counts *ret, struct load **ret_load,
               struct err *err)
{
    static const int columns[] = {0, 1};
    struct sums owned = {0};
    int64_t epoch = 0, seq;

    must(target_fence_read(t, TF_PIPELINE, &epoch, &seq, err) >= 0);
    char *key = xasprintf("%lld.csv", (long long)load_id);
    const struct load_spec spec = {.table = stage,
                                   .columns = columns,
                                   .column_count = 2,
                                   .pipeline = TF_PIPELINE,
                                   .partition = part,
                                   .key = key,
                                   .load_id = load_id,
                                   .generation = 1,
                                   .epoch = epoch};
    is_int(target_load_begin(t, &spec, ret_load, err), 1);
    char *text = xasprintf("INSERT INTO _orch_stage_loan (id, name, _orch_load_id, _orch_line) %s", rows);
    int64_t n = 0;
    must_rc(target_run_sql(t, text, NULL, 0, NULL, NULL, &n, err), err);
    (*ret_load)->inserted = n;
    sums_init(&owned, def->count);
    owned.used[0] = owned.used[1] = true;
    int rc = target_upsert_merge(*ret_load, def, &def->keys[0], &owned, NULL, NULL, ret, err);
    sums_release(&owned);
    free(text);
    free(key);
    return rc;
}

static void finish(struct load *l, const struct upsert_counts *c)
{
    json_t *json = json_object();
    struct err err;

    json_object_set_new(json, SUMS_UPSERT, upsert_to_json(c));
    char *text = json_text(json);
    const struct ledger_row row = {.state = LEDGER_LOADED,
                                   .rows_read = target_load_rows(l),
                                   .rows_loaded = target_load_rows(l),
                                   .columns = text};
    must_rc(target_load_commit(l, &row, &err), &err);
    json_decref(json);
    free(text);
}

TEST(statements_go_in_ranges_and_many_owners_lose_their_rows)
{
    struct target *t = fresh();
    struct table *def = describe(t), *stage = NULL;
    struct upsert_counts c = {0};
    struct load *l = NULL;
    int64_t epoch;
    struct err err;

    must(target_stage_setup(t, def, &def->keys[0], &err) == 1);
    must_rc(target_stage_check(t, def, &stage, &err), &err);
    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    /* six hundred loads of fifty rows, appended once, so that their records have no counts yet */
    free(sql("INSERT INTO loan (id, name, _orch_load_id, _orch_line) SELECT seq, 'old', 1000 + seq DIV 50, "
             "seq FROM seq_0_to_29999;"
             "INSERT INTO orch_load (load_id, pipeline, part, object_key, key_sha256, generation, state, "
             "rows_loaded, at_ms, columns_json) "
             "SELECT 1000 + seq, 'loans', IF(seq = 3, '2023', '2021'), seq, UNHEX(SHA2(seq, 256)), 1, "
             "'LOADED', 50, 1, "
             "CONCAT('{\"id\":{\"nulls\":0,\"sum\":\"', 50 * (seq * 50) + 1225, '\"}}') FROM seq_0_to_599"));
    must_rc(put(t, def, stage, 9000, "2022",
                "SELECT seq, IF(seq % 3 = 0, 'old', 'new'), 9000, seq + 1 FROM seq_0_to_49999", &c, &l, &err),
            &err);
    finish(l, &c);
    is_int(c.kept, 50);
    is_int(c.inserted, 20000);
    is_int(c.updated + c.unchanged, 29950);
    is_int(c.unchanged, 10000 - 17);
    is_int(c.owned, 49950);
    is_sql("SELECT COUNT(*), SUM(_orch_load_id = 9000), SUM(_orch_load_id = 1003) FROM loan",
           "50000\t49950\t50");
    is_sql("SELECT DISTINCT JSON_VALUE(columns_json, '$._orch_upsert.owned'), JSON_VALUE(columns_json, "
           "'$.id.sum') FROM orch_load "
           "WHERE load_id BETWEEN 1000 AND 1599 AND load_id <> 1003",
           "0\t0");
    is_sql("SELECT columns_json LIKE '%upsert%' FROM orch_load WHERE load_id = 1003", "0");
    is_sql("SELECT COUNT(*) FROM _orch_stage_loan", "0");
    table_free(stage);
    table_free(def);
    target_close(t);
}

TEST(two_that_put_the_same_keys_at_once_wait_for_each_other)
{
    struct target *t = fresh(), *other = open_target();
    struct table *def = describe(t), *stage = NULL;
    struct upsert_counts c = {0}, d = {0};
    struct load *l = NULL, *m = NULL;
    int64_t epoch;
    struct err err;

    must(target_stage_setup(t, def, &def->keys[0], &err) == 1);
    must_rc(target_stage_check(t, def, &stage, &err), &err);
    must_rc(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err);
    must_rc(
        put(t, def, stage, 1, "2022-06-05T02", "SELECT seq, 'two', 1, seq FROM seq_1_to_10", &c, &l, &err),
        &err);
    fails(put(other, def, stage, 2, "2022-06-05T01", "SELECT seq, 'one', 2, seq FROM seq_1_to_20", &d, &m,
              &err),
          &err, ERR_TRANSIENT);
    target_load_abort(m);
    finish(l, &c);
    must_rc(put(other, def, stage, 2, "2022-06-05T01", "SELECT seq, 'one', 2, seq FROM seq_1_to_20", &d, &m,
                &err),
            &err);
    finish(m, &d);
    is_int(d.kept, 10);
    is_int(d.inserted, 10);
    is_sql("SELECT name, COUNT(*) FROM loan GROUP BY name ORDER BY name", "one\t10\ntwo\t10");
    table_free(stage);
    table_free(def);
    target_close(other);
    target_close(t);
}
