#include "base/mem.h"
#include "io/target_int.h"
#include "tests/lib/run.h"
#include "tests/lib/target_fixture.h"
#include "tests/tap.h"
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path; /* of the target of this test */
static char *url;

static struct target *open_target(void)
{
    struct target_config *c = xcalloc(1, sizeof *c); /* must outlive the target */
    static struct target_config *kept[32];
    static size_t n;
    struct target *t = NULL;
    struct err err;

    must(n < ARRAY_LEN(kept));
    kept[n++] = c;
    c->url = url;
    c->timeout_ms = 300;
    must_rc(target_open(c, &t, &err), &err);
    return t;
}

/* SQL by a connection of its own: what other programs see. Rows by lines, cells by tabs. Static. */
static const char *sql(const char *text)
{
    static char out[8000];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    size_t n = 0;

    out[0] = '\0';
    must(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 2000);
    for (const char *at = text; *at != '\0';) {
        must(sqlite3_prepare_v2(db, at, -1, &st, &at) == SQLITE_OK);
        while (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(st); i++) {
                const char *cell = (const char *)sqlite3_column_text(st, i);
                n += (size_t)snprintf(out + n, sizeof out - n, "%s%s",
                                      i > 0   ? "\t"
                                      : n > 0 ? "\n"
                                              : "",
                                      cell != NULL ? cell : "NULL");
            }
        }
        sqlite3_finalize(st);
        st = NULL;
    }
    sqlite3_close(db);
    return out;
}

static void new_file(void)
{
    char *dir = tmp_dir();

    free(path);
    free(url);
    path = tmp_path(dir, "warehouse.db");
    url = xasprintf("sqlite:%s", path);
    free(dir);
}

static struct target *fresh(void)
{
    static const char *const names[] = {"id", "name", "income", "rate", "at"};
    static const char *const types[] = {"BIGINT", "VARCHAR(20)", "DECIMAL(12,2)", "DOUBLE", "DATETIME(3)"};
    struct target *t;
    struct err err;

    new_file();
    t = open_target();
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
    is_str(sql("SELECT *, typeof(id), typeof(income), typeof(rate), typeof(at) FROM loan ORDER BY id"),
           "1\tAda\t1200.50\t0.1\t2022-06-05 12:00:00.123\t7\t2\tinteger\ttext\treal\ttext\n"
           "2\tO'Neil, \xc3\x89ric\tNULL\t1.0e-07\tNULL\t7\t3\tinteger\tnull\treal\tnull\n"
           "3\t\t0.01\t-25000000000.0\t2022-06-05 13:00:00.000\t7\t4\tinteger\ttext\treal\ttext");
    is_str(sql("SELECT load_id, chunk, pipeline, part, CAST(object_key AS TEXT), state, rows_loaded FROM "
               "orch_load"),
           "7\t0\tloans\t2022-06-05T12\tfile.csv\tLOADED\t3");
    is_str(sql("SELECT epoch, seq FROM orch_fence"), "1\t1");
    is_str(tf_compare(t, &l), "");
    is_int(tf_load(t, &l, &err), 2);
    ok(!target_is_mysql(t));
    is_str(target_name(t), path);
    target_close(t);
}

TEST(the_same_key_again_needs_to_replace)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    l.id = 8;
    fails(tf_load(t, &l, &err), &err, ERR_TRANSIENT);
    l.generation = 2;
    fails(tf_load(t, &l, &err), &err, ERR_TRANSIENT);
    l.replaces = 7;
    must_rc(tf_load(t, &l, &err), &err);
    is_str(sql("SELECT COUNT(*), MIN(_orch_load_id) FROM loan"), "3\t8");
    is_str(sql("SELECT load_id, state FROM orch_load ORDER BY 1"), "7\tSUPERSEDED\n8\tLOADED");
    target_close(t);
}

TEST(nothing_is_seen_before_commit_and_nothing_stays_after_an_abort)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct err err;

    is_int(tf_begin(t, &l, &err), 1);
    must_rc(tf_rows(&l, &err), &err);
    is_str(sql("SELECT COUNT(*) FROM loan"), "0");
    tf_release(&l);
    is_str(sql("SELECT COUNT(*) FROM loan"), "0");
    must_rc(tf_load(t, &l, &err), &err);
    target_close(t);
}

TEST(a_lost_fence_leaves_nothing)
{
    struct target *t = fresh(), *other = open_target();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    int64_t epoch;
    int loaded;
    struct err err;

    must_rc(target_fence_raise(other, TF_PIPELINE, l.epoch, &epoch, &err), &err);
    fails(tf_load(t, &l, &err), &err, ERR_LOCK_LOST);
    is_str(sql("SELECT (SELECT COUNT(*) FROM loan), (SELECT COUNT(*) FROM orch_load)"), "0\t0");
    fails(target_fence_raise(t, TF_PIPELINE, l.epoch, &epoch, &err), &err, ERR_LOCK_LOST);
    must_rc(fence_resolve(t, TF_PIPELINE, l.epoch + 1, 7, 0, &loaded, &err), &err);
    is_int(loaded, 0);
    fails(fence_resolve(t, TF_PIPELINE, l.epoch, 7, 0, &loaded, &err), &err, ERR_LOCK_LOST);
    target_close(other);
    target_close(t);
}

TEST(two_writers_wait_and_then_say_busy)
{
    struct target *t = fresh(), *other = open_target();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    int64_t epoch;
    struct err err;

    is_int(tf_begin(t, &l, &err), 1);
    fails(target_fence_raise(other, TF_PIPELINE, l.epoch, &epoch, &err), &err, ERR_BUSY);
    must_rc(tf_rows(&l, &err), &err);
    must_rc(tf_commit(&l, &err), &err);
    tf_release(&l);
    must_rc(target_fence_raise(other, TF_PIPELINE, l.epoch, &epoch, &err), &err);
    target_close(other);
    target_close(t);
}

static int stop(void *arg, struct err *err)
{
    UNUSED(arg);
    return err_set(err, ERR_CANCELLED, "stopped by the test");
}

TEST(a_wait_ends_when_the_beat_says_so)
{
    struct target *t = fresh(), *other = NULL;
    struct beat beat = {NULL, NULL};
    const struct target_config c = {.url = url, .timeout_ms = 600000, .beat = &beat};
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    int64_t epoch;
    struct err err;

    must_rc(target_open(&c, &other, &err), &err);
    is_int(tf_begin(t, &l, &err), 1);
    beat.fn = stop;
    fails(target_fence_raise(other, TF_PIPELINE, l.epoch, &epoch, &err), &err, ERR_CANCELLED);
    tf_release(&l);
    target_close(other);
    target_close(t);
}

TEST(the_state_file_is_no_target)
{
    new_file();
    put_text(path, "");
    char *other = xasprintf("%s.link", path);
    must(link(path, other) == 0);
    const struct target_config c = {.url = url, .note_path = other};
    struct target *t = NULL;
    struct err err;

    fails(target_open(&c, &t, &err), &err, ERR_CONFIG);
    free(other);
}

TEST(rows_that_break_a_rule_are_rejected_one_by_one)
{
    struct target *t = fresh();
    struct err err;

    sql("CREATE TABLE parent(id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1);"
        "CREATE TABLE own(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, n INTEGER CHECK (n < 100), v TEXT "
        "UNIQUE ON CONFLICT IGNORE,"
        " p INTEGER REFERENCES parent(id)) STRICT; INSERT INTO own VALUES (1, 1, 'a', 1)");
    must_rc(target_lineage_add(t, "own", &err), &err);
    must_rc(target_lineage_add(t, "own", &err), &err);
    struct tf_load l = {.table = "own",
                        .csv = "id,n,v,p\n1,2,b,1\n2,2,c,1\n3,100,d,1\n4,1,c,1\n5,1,e,9\n6,1,f,NA\n",
                        .id = 7,
                        .epoch = take_epoch(t)};
    must_rc(tf_load(t, &l, &err), &err);
    is_int(l.reject_count, 4);
    is_str(l.rejects[0], "2 DUPLICATE_KEY id: UNIQUE constraint failed: own.id ()");
    ok(strncmp(l.rejects[1], "4 CHECK_FAILED", 14) == 0);
    is_str(l.rejects[2], "5 DUPLICATE_KEY v: UNIQUE constraint failed: own.v ()");
    ok(strncmp(l.rejects[3], "6 FOREIGN_KEY", 13) == 0);
    is_str(sql("SELECT id, n, v, p, _orch_load_id FROM own ORDER BY id"),
           "1\t1\ta\t1\tNULL\n2\t2\tc\t1\t7\n6\t1\tf\tNULL\t7");
    is_str(tf_compare(t, &(struct tf_load){.table = "own", .csv = "id,n,v,p\n2,2,c,1\n6,1,f,NA\n", .id = 7}),
           "");
    target_close(t);
}

TEST(types_that_change_values_are_not_loaded)
{
    struct target *t = fresh();
    struct table *def = NULL;
    struct err err;

    sql("CREATE TABLE own(a STRING, b DECIMAL(10,2), c, d DATE, e INT, f FLOAT, g CLOB, h BLOB, i NUMERIC, j "
        "INT8,"
        " k VARCHAR(3), l TEXT GENERATED ALWAYS AS (g) VIRTUAL)");
    must_rc(target_describe(t, "own", &def, &err), &err);
    is_int(def->columns[0].type, COL_UNSUPPORTED);
    is_int(def->columns[1].type, COL_UNSUPPORTED);
    ok(strstr(def->columns[1].type_text, "declare it TEXT") != NULL);
    is_int(def->columns[2].type, COL_UNSUPPORTED);
    is_int(def->columns[3].type, COL_DATE);
    is_int(def->columns[4].type, COL_INT);
    ok(def->columns[4].max == INT64_MAX);
    is_int(def->columns[5].type, COL_DOUBLE);
    is_int(def->columns[6].type, COL_TEXT);
    is_int(def->columns[7].type, COL_BINARY);
    is_int(def->columns[8].type, COL_UNSUPPORTED);
    is_int(def->columns[9].type, COL_INT);
    is_int(def->columns[10].max_chars, 3);
    ok(def->columns[11].generated);
    must_rc(target_check(def, &err), &err);
    table_free(def);
    target_close(t);
}

TEST(tables_that_cannot_be_loaded_once_are_refused)
{
    static const char *const names[] = {"loan_view", "fts", "own"};
    struct target *t = fresh();
    struct table *def = NULL;
    struct err err;

    sql("CREATE VIEW loan_view AS SELECT * FROM loan; CREATE VIRTUAL TABLE fts USING fts5(x); CREATE TABLE "
        "own(id);"
        "CREATE TABLE own2(id); CREATE TRIGGER \"update insert\" BEFORE INSERT ON own BEGIN SELECT 1; END;"
        "CREATE TRIGGER IF NOT EXISTS insert_it AFTER UPDATE OF id ON own2 BEGIN DELETE FROM own; END");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        must_rc(target_describe(t, names[i], &def, &err), &err);
        fails(target_check(def, &err), &err, ERR_TARGET);
        table_free(def);
    }
    must_rc(target_describe(t, "own2", &def, &err), &err);
    must_rc(target_check(def, &err), &err);
    table_free(def);
    fails(target_describe(t, "nosuch", &def, &err), &err, ERR_TARGET);
    is_int(err.native, TARGET_NO_TABLE);
    target_close(t);
}

TEST(a_change_by_hand_shows_as_a_difference)
{
    struct target *t = fresh();
    struct tf_load l = {.table = "loan", .csv = three, .id = 7, .epoch = take_epoch(t)};
    struct table *def = NULL;
    int64_t foreign = -1;
    struct err err;

    must_rc(tf_load(t, &l, &err), &err);
    sql("UPDATE loan SET rate = 0.1000000000000001 WHERE id = 1");
    ok(strncmp(tf_compare(t, &l), "rate sum ", 9) == 0);
    sql("UPDATE loan SET rate = 0.1, id = 'x' WHERE id = 1");
    ok(strncmp(tf_compare(t, &l), "id sum ", 7) == 0);
    sql("UPDATE loan SET id = 1, name = 'ada' WHERE id = 'x'");
    ok(strncmp(tf_compare(t, &l), "name sum ", 9) == 0);
    sql("DELETE FROM loan WHERE id = 1");
    is_str(tf_compare(t, &l), "* rows 3 2");
    must_rc(target_describe(t, "loan", &def, &err), &err);
    ok(def->made_by_orch);
    sql("INSERT INTO loan VALUES (5, 'x', '1', 1, NULL, 99, 1)");
    must_rc(target_foreign_rows(t, def, &foreign, &err), &err);
    is_int(foreign, 1);
    table_free(def);
    target_close(t);
}

TEST(large_and_tiny_doubles_sum_alike_on_both_sides)
{
    struct target *t = fresh();
    struct tf_load l = {
        .table = "own",
        .csv = "f,b\n1.7976931348623157e308,a\n5e-324,b\n-1e25,c\n9.999999999999999e24,d\n0.1,e\n-0,f\n"
               "1e-30,g\n4.9e-31,h\n5e-31,i\n123456789.12345678,j\nNA,\n",
        .id = 7,
        .epoch = take_epoch(t)};
    struct err err;

    sql("CREATE TABLE own(f REAL, b BLOB)");
    must_rc(target_lineage_add(t, "own", &err), &err);
    must_rc(tf_load(t, &l, &err), &err);
    is_int(l.reject_count, 0);
    is_str(tf_compare(t, &l), "");
    target_close(t);
}

static int count_rows(void *arg, const struct ledger_row *r, struct err *err)
{
    UNUSED(err);
    *(int64_t *)arg += r->load_id;
    return 0;
}

TEST(decisions_and_scans_work_here_too)
{
    struct target *t = fresh();
    struct ledger_row skip = {.pipeline = TF_PIPELINE,
                              .partition = "2022-06-05T12",
                              .key = "",
                              .state = LEDGER_SKIPPED,
                              .load_id = 5,
                              .reason = "no file came",
                              .at_ms = 1};
    int64_t sum = 0, epoch, seq;
    struct err err;

    must_rc(target_ledger_decide(t, &skip, 1, &err), &err);
    must_rc(target_fence_read(t, TF_PIPELINE, &epoch, &seq, &err), &err);
    is_int(seq, 1);
    skip.state = LEDGER_ADOPTED;
    skip.load_id = 6;
    must_rc(target_ledger_decide(t, &skip, 1, &err), &err);
    is_str(sql("SELECT state, generation FROM orch_load ORDER BY load_id"), "SUPERSEDED\t1\nADOPTED\t2");
    sql("WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 699) INSERT INTO "
        "orch_load"
        " (load_id, pipeline, part, object_key, key_sha256, generation, state, at_ms)"
        " SELECT i, 'loans', '2022-06-05', CAST(i AS BLOB), CAST(i AS BLOB), 1, 'LOADED', 50 + i / 250 FROM "
        "n");
    must_rc(target_ledger_scan(t, TF_PIPELINE, count_rows, &sum, &err), &err);
    is_int(sum, 5 + 6 + (100 + 699) * 600 / 2);
    target_close(t);
}

TEST(a_missing_ledger_is_said)
{
    int64_t epoch;
    struct err err;

    new_file();
    struct target *t = open_target();
    is_int(target_has_ledger(t, &err), 0);
    fails(target_fence_raise(t, TF_PIPELINE, -1, &epoch, &err), &err, ERR_TARGET_SETUP);
    target_close(t);
}
