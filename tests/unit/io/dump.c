#include "io/dump.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/target_int.h"
#include "tests/lib/run.h"
#include "tests/lib/servers.h"
#include "tests/tap.h"
#include <dirent.h>
#include <unistd.h>

/* Tables of a real MariaDB into a folder, or to a real S3; what is there afterwards against what the client shows. */

static const struct test_mariadb *server;

static char *sql(const char *text)
{
    return test_mariadb_in(server, "shop; SET time_zone = '+00:00'", text);
}

static void make(const char *ddl)
{
    if (server == NULL)
        server = test_mariadb();
    free(
        test_mariadb_sql(server, "DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET utf8mb4"));
    free(sql(ddl));
}

/* A dump as a step sets it up: TSV without a header, so that it reads as the client's output does. */
struct fixture {
    struct target_config target;
    struct source_config sink;
    struct format_config format;
    struct dump_config c;
    struct dump_table tables[4];
    size_t n;
    struct table *defs[4];
    int columns[4][64];
    char *dir, *url, *sink_url; /* owned */
    int64_t progress_rows, beats, end_at_beat;
};

static void part_key(void *arg, const struct dump_table *t, int part, struct buf *ret)
{
    struct err err;

    UNUSED(arg);
    must_rc(buf_addf(ret, &err, "out/%s_%04d.tsv", t->name, part), &err);
}

static void on_progress(void *arg, int64_t rows, int64_t bytes)
{
    struct fixture *f = arg;

    ok(rows >= f->progress_rows && bytes >= 0);
    f->progress_rows = rows;
}

static int on_beat(void *arg, struct err *err)
{
    struct fixture *f = arg;

    f->beats++;
    return f->end_at_beat != 0 && f->beats >= f->end_at_beat ? err_set(err, ERR_LOCK_LOST, "taken over") : 0;
}

static void set_up(struct fixture *f, size_t connections, const char *mysql_url)
{
    static struct beat beats[2];
    struct err err;

    f->url = mysql_url != NULL ? xstrdup(mysql_url)
                               : xasprintf("mysql://root@localhost/shop?socket=%s", server->socket);
    f->target = (struct target_config){.url = f->url, .tls = TLS_OFF};
    if (f->sink.url == NULL) {
        f->dir = tmp_dir();
        f->sink_url = xasprintf("file://%s/", f->dir);
        f->sink = (struct source_config){.url = f->sink_url};
    }
    f->format = (struct format_config){.kind = FORMAT_TSV, .null = "NULL"};
    beats[0] = (struct beat){on_beat, f};
    f->c.sink = &f->sink;
    f->c.format = &f->format;
    f->c.beat = &beats[0];
    f->c.progress = on_progress;
    f->c.arg = f;
    must_rc(snapshot_open(&f->target, connections, (const char *const[]){"t"}, 1, &f->c.snapshot, &err),
            &err);
    is_int(snapshot_count(f->c.snapshot), connections);
}

static struct dump_table *add(struct fixture *f, const char *name, const char *select)
{
    struct dump_table *t = &f->tables[f->n++];

    *t = (struct dump_table){.name = name, .select = select, .part_key = part_key};
    return t;
}

/* The table's own definition; keys: columns' numbers, ended by -1. */
static void by_key(struct fixture *f, struct dump_table *t, const char *const *key_sql, const int *key_at,
                   size_t n, int64_t page_rows)
{
    size_t i = (size_t)(t - f->tables);
    struct err err;

    must_rc(target_describe(snapshot_target(f->c.snapshot, 0), t->name, &f->defs[i], &err), &err);
    t->def = f->defs[i];
    for (size_t k = 0; k < t->def->count; k++)
        f->columns[i][k] = (int)k;
    t->columns = f->columns[i];
    t->column_count = t->def->count;
    t->key_sql = key_sql;
    t->key_at = key_at;
    t->key_count = n;
    t->page_rows = page_rows;
}

static void tear_down(struct fixture *f)
{
    snapshot_close(f->c.snapshot);
    for (size_t i = 0; i < f->n; i++) {
        dump_table_release(&f->tables[i]);
        table_free(f->defs[i]);
    }
    free(f->url);
    free(f->dir);
    free(f->sink_url);
}

static int run_dump(struct fixture *f, struct err *err)
{
    return dump_run(&f->c, f->tables, f->n, err);
}

/* All parts of a table, one behind the other. Each part is what its dump said of it. */
static char *all_of(const struct fixture *f, const struct dump_table *t)
{
    struct buf all = BUF_INIT(256 * MIB);
    struct err err;
    int64_t rows = 0, bytes = 0;

    for (size_t i = 0; i < t->part_count; i++) {
        char *path = tmp_path(f->dir, t->parts[i].key), hex[SHA256_HEX];
        size_t n;
        char *text = get_file(path, &n);
        is_int(t->parts[i].up.bytes, n);
        sha256_hex(text, n, hex);
        is_str(t->parts[i].up.sha256, hex);
        must_rc(buf_add(&all, text, n, &err), &err);
        rows += t->parts[i].rows;
        bytes += t->parts[i].up.bytes;
        free(path);
        free(text);
    }
    is_int(rows, t->rows);
    is_int(bytes, t->bytes);
    is_int(t->sums.rows, t->rows);
    while (all.n > 0 && all.p[all.n - 1] == '\n')
        all.p[--all.n] = '\0';
    return buf_take(&all);
}

/* Files below the folder, however deep; dotted ones too. */
static int files_in(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int n = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *path = tmp_path(dir, e->d_name);
        n += e->d_type == DT_DIR ? files_in(path) : 1;
        free(path);
    }
    if (d != NULL)
        closedir(d);
    return n;
}

/* --- pages --- */

static void is_paged(const char *ddl, const char *order, const char *const *key_sql, const int *key_at,
                     size_t keys)
{
    static const int64_t pages[] = {1, 3, 7, 1000};

    make(ddl);
    char *query = xasprintf("SELECT * FROM t ORDER BY %s", order), *want = sql(query);
    must(strlen(want) > 0);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct fixture f = {.n = 0};
        struct err err;
        set_up(&f, 1, NULL);
        struct dump_table *t = add(&f, "t", "SELECT * FROM t WHERE (1)");
        by_key(&f, t, key_sql, key_at, keys, pages[i]);
        must_rc(run_dump(&f, &err), &err);
        char *got = all_of(&f, t);
        if (!is_str(got, want))
            diag("%s, pages of %lld", ddl, (long long)pages[i]);
        free(got);
        tear_down(&f);
    }
    free(query);
    free(want);
}

TEST(pages_by_a_number)
{
    static const char *const key[] = {"`id`"};
    static const int at[] = {0};

    is_paged("CREATE TABLE t (id INT PRIMARY KEY, a TEXT); INSERT INTO t SELECT CAST(seq AS SIGNED) * 3 - "
             "50, CONCAT('v', seq) FROM "
             "seq_1_to_100",
             "id", key, at, 1);
    is_paged("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY); INSERT INTO t VALUES (0), (1), "
             "(9223372036854775807), "
             "(9223372036854775808), (18446744073709551614), (18446744073709551615)",
             "id", key, at, 1);
    is_paged(
        "CREATE TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t VALUES (-9223372036854775808), (-1), (0), "
        "(9223372036854775807)",
        "id", key, at, 1);
    is_paged("CREATE TABLE t (id DECIMAL(30,10) PRIMARY KEY); INSERT INTO t VALUES "
             "(-12345678901234567890.0000000001), "
             "(12345678901234567890.0000000001), (12345678901234567890.0000000002), "
             "(12345678901234567890.0000000003), "
             "(0), (0.0000000001)",
             "id", key, at, 1);
    is_paged("CREATE TABLE t (id YEAR PRIMARY KEY); INSERT INTO t VALUES (0), (1901), (1970), (2155)", "id",
             key, at, 1);
}

TEST(pages_by_a_time)
{
    static const char *const key[] = {"`id`"};
    static const int at[] = {0};

    is_paged(
        "CREATE TABLE t (id DATETIME(6) PRIMARY KEY); INSERT INTO t VALUES ('2022-06-05 12:00:00.000001'), "
        "('2022-06-05 12:00:00.000002'), ('2022-06-05 12:00:00.999999'), ('9999-12-31 23:59:59.999999')",
        "id", key, at, 1);
    is_paged(
        "CREATE TABLE t (id TIMESTAMP(3) PRIMARY KEY); INSERT INTO t VALUES ('2022-10-30 00:30:00.001'), "
        "('2022-10-30 01:30:00.001'), ('2022-10-30 00:30:00.002'), ('1970-01-01 00:00:01')",
        "id", key, at, 1);
    is_paged(
        "CREATE TABLE t (id TIME(2) PRIMARY KEY); INSERT INTO t VALUES ('-838:59:59'), ('-00:00:00.01'), "
        "('00:00:00'), ('100:00:00.5'), ('838:59:59')",
        "id", key, at, 1);
    is_paged(
        "CREATE TABLE t (id DATE PRIMARY KEY); SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO t VALUES "
        "('0000-00-00'), ('2022-00-10'), ('2022-02-28'), ('2022-02-31'), ('2022-03-01')",
        "id", key, at, 1);
}

TEST(pages_by_text_and_by_several_columns)
{
    static const char *const key[] = {"`a`", "`b`", "`c`"}, *const swapped[] = {"`c`", "`a`"};
    static const int at[] = {0, 1, 2}, swapped_at[] = {2, 0};

    is_paged("CREATE TABLE t (a VARCHAR(20), b INT, c VARCHAR(10) COLLATE utf8mb4_bin, d INT, PRIMARY KEY "
             "(a, b, c)); "
             "INSERT INTO t SELECT ELT(1 + seq % 5, 'Anna', 'anton', '\xc3\x84rger', 'Zoe', '_'), seq % 3, "
             "CONCAT('k', "
             "seq DIV 15), seq FROM seq_0_to_199",
             "a, b, c", key, at, 3);
    is_paged("CREATE TABLE t (a INT, b INT, c CHAR(5) CHARACTER SET latin1, PRIMARY KEY (c, a)); INSERT INTO "
             "t SELECT seq "
             "DIV 4, seq, ELT(1 + seq % 4, 'x', 'x y', '\xc3\xa9', 'z') FROM seq_0_to_99",
             "c, a", swapped, swapped_at, 2);
    is_paged("CREATE TABLE t (a VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PRIMARY KEY); "
             "INSERT INTO t "
             "VALUES (' '), ('  '), ('a'), ('a '), ('\xf0\x9f\x98\x80')",
             "a", key, at, 1);
}

TEST(pages_by_bytes_and_what_cannot_be_compared_goes_in_one)
{
    static const char *const key[] = {"`id`"};
    static const int at[] = {0};

    make("CREATE TABLE t (id VARBINARY(16) PRIMARY KEY); INSERT INTO t VALUES (''), (x'00'), (x'0000'), "
         "(x'ff'), "
         "(x'ff00'), ('a'), ('A')");
    struct fixture f = {.n = 0};
    struct err err;
    set_up(&f, 1, NULL);
    struct dump_table *t = add(&f, "t", "SELECT * FROM t WHERE (1)");
    by_key(&f, t, key, at, 1, 2);
    must_rc(run_dump(&f, &err), &err);
    char *got = all_of(&f, t);
    is_str(got, "\"\"\n00\n0000\n41\n61\nFF\nFF00");
    free(got);
    tear_down(&f);
    is_paged("CREATE TABLE t (id ENUM('z','b','a') PRIMARY KEY); INSERT INTO t VALUES ('a'), ('b'), ('z')",
             "id", key, at, 1);
    is_paged("CREATE TABLE t (id FLOAT PRIMARY KEY); INSERT INTO t VALUES (0.1), (0.5), (1), (-2.5)", "id",
             key, at, 1);
}

TEST(what_one_statement_gave_is_counted_by_the_server)
{
    static const char *const key[] = {"`id`"};
    static const int at[] = {0};
    const int64_t pages[] = {0, 100, 50, 7}, given[] = {50, 50, -1, -1};

    make("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_50");
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct fixture f = {.n = 0};
        struct err err;
        set_up(&f, 1, NULL);
        struct dump_table *t = add(&f, "t", "SELECT * FROM t WHERE (1)");
        by_key(&f, t, key, at, 1, pages[i]);
        must_rc(run_dump(&f, &err), &err);
        is_int(t->rows, 50);
        is_int(t->given, given[i]);
        tear_down(&f);
    }
}

TEST(a_key_that_is_hidden_and_a_condition_that_binds)
{
    static const char *const key[] = {"`id`"};
    static const int at[] = {2};
    const struct val values[] = {val_i64(10), val_text("v20")};
    struct fixture f = {.n = 0};
    struct err err;

    make("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), n INT NULL); "
         "INSERT INTO t SELECT seq, CONCAT('v', seq), IF(seq % 4 = 0, NULL, seq) FROM seq_1_to_50");
    set_up(&f, 1, NULL);
    struct dump_table *t =
        add(&f, "t", "SELECT a, n * 2 AS n2, id FROM t WHERE (id > ? OR id < 3) AND (a <> ?)");
    t->values = values;
    t->value_count = 2;
    t->key_sql = key;
    t->key_at = at;
    t->key_count = 1;
    t->page_rows = 4;
    t->hidden = 1;
    must_rc(run_dump(&f, &err), &err);
    char *got = all_of(&f, t),
         *want = sql("SELECT a, n * 2 FROM t WHERE (id > 10 OR id < 3) AND a <> 'v20' ORDER BY id");
    is_str(got, want);
    must(t->made != NULL && t->made->count == 3);
    is_str(t->made->columns[1].name, "n2");
    struct col_sum *n = &t->sums.cols[1];
    char sum[96],
        *nulls = sql("SELECT COUNT(*), SUM(n * 2) FROM t WHERE (id > 10 OR id < 3) AND a <> 'v20' AND n > 0");
    dec256_text(&n->sum, sum);
    char *mine = xasprintf("%lld\t%s", (long long)(t->rows - n->nulls), sum);
    is_str(mine, nulls);
    ok(!t->sums.used[2]); /* what is hidden is not summed */
    free(got);
    free(want);
    free(nulls);
    free(mine);
    tear_down(&f);
}

/* --- parts --- */

TEST(parts_are_cut_by_bytes_and_each_is_whole)
{
    struct fixture f = {.n = 0};
    struct err err;

    make("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(200)); INSERT INTO t SELECT seq, REPEAT('x', 100) "
         "FROM "
         "seq_1_to_30000; CREATE TABLE none LIKE t");
    set_up(&f, 2, NULL);
    f.format.header = true;
    f.c.part_bytes = 1000000;
    struct dump_table *t = add(&f, "t", "SELECT id, a FROM t"), *none = add(&f, "none", "SELECT * FROM none");
    t->order = " ORDER BY id";
    must_rc(run_dump(&f, &err), &err);
    is_int(t->rows, 30000);
    ok(t->part_count >= 3 && t->part_count <= 4);
    is_int(none->part_count, 0);
    is_int(none->rows, 0);
    is_int(files_in(f.dir), (int64_t)t->part_count);
    for (size_t i = 0; i < t->part_count; i++) {
        char *key = xasprintf("out/t_%04zu.tsv", i), *path = tmp_path(f.dir, key),
             *text = get_file(path, NULL);
        is_str(t->parts[i].key, key);
        ok(strncmp(text, "id\ta\n", 5) == 0);
        ok(i + 1 == t->part_count || t->parts[i].up.bytes >= 1000000);
        free(key);
        free(path);
        free(text);
    }
    is_int(f.progress_rows, 30000);
    free(all_of(&f, t));
    tear_down(&f);
}

TEST(packed_parts_unpack_to_the_same)
{
    static const char *const tools[] = {NULL, "gzip", "zstd"};

    make("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(200)); INSERT INTO t SELECT seq, REPEAT(MD5(seq), 4) "
         "FROM "
         "seq_1_to_100000");
    char *want = sql("SELECT * FROM t ORDER BY id");
    for (int packing = PACK_GZIP; packing <= PACK_ZSTD; packing++) {
        struct fixture f = {.n = 0};
        struct err err;
        if (!have_program(tools[packing]))
            continue;
        set_up(&f, 1, NULL);
        f.c.packing = (enum packing)packing;
        f.c.part_bytes = 500000;
        struct dump_table *t = add(&f, "t", "SELECT * FROM t");
        t->order = " ORDER BY id";
        must_rc(run_dump(&f, &err), &err);
        ok(t->part_count > 1 && t->bytes < (int64_t)strlen(want));
        struct buf all = BUF_INIT(256 * MIB);
        for (size_t i = 0; i < t->part_count; i++) {
            char *path = tmp_path(f.dir, t->parts[i].key), *text = RUN_OK(tools[packing], "-dc", path);
            must_rc(buf_adds(&all, text, &err), &err);
            free(path);
            free(text);
        }
        must(all.n > 0);
        all.p[all.n - 1] = '\0';
        ok(strcmp(all.p, want) == 0);
        buf_release(&all);
        tear_down(&f);
    }
    free(want);
}

TEST(large_values_and_several_tables_at_once)
{
    struct fixture f = {.n = 0};
    struct err err;

    make("CREATE TABLE t (id INT PRIMARY KEY, a LONGBLOB); INSERT INTO t SELECT seq, REPEAT(CHAR(seq), "
         "1048576) FROM "
         "seq_1_to_12; CREATE TABLE u AS SELECT seq, CONCAT('a', seq) FROM seq_1_to_5000; CREATE TABLE v AS "
         "SELECT * "
         "FROM u");
    set_up(&f, 2, NULL);
    struct dump_table *t = add(&f, "t", "SELECT * FROM t ORDER BY id"), *u = add(&f, "u", "SELECT * FROM u"),
                      *v = add(&f, "v", "SELECT * FROM v");
    must_rc(run_dump(&f, &err), &err);
    char *got = all_of(&f, t), *want = sql("SELECT id, HEX(a) FROM t ORDER BY id");
    ok(strcmp(got, want) == 0);
    free(got);
    free(want);
    is_int(u->rows, 5000);
    is_int(v->rows, 5000);
    got = all_of(&f, u);
    want = all_of(&f, v);
    is_str(got, want);
    free(got);
    free(want);
    tear_down(&f);
}

/* --- what fails leaves nothing --- */

#define BIG                                                                                                  \
    "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(300)); INSERT INTO t SELECT seq, REPEAT(MD5(seq), 8) "    \
    "FROM "                                                                                                  \
    "seq_1_to_200000; CREATE TABLE u AS SELECT * FROM t LIMIT 1000"

TEST(one_table_that_fails_takes_all_with_it)
{
    struct fixture f = {.n = 0};
    struct err err;

    make(BIG);
    set_up(&f, 2, NULL);
    add(&f, "u", "SELECT * FROM u");
    add(&f, "t", "SELECT * FROM t");
    add(&f, "gone", "SELECT * FROM nowhere");
    fails(run_dump(&f, &err), &err, ERR_TARGET);
    ok(strstr(err.msg, "table gone: ") != NULL);
    is_int(files_in(f.dir), 0);
    tear_down(&f);
}

struct killer {
    struct fixture *f;
    bool done;
};

static void kill_one(void *arg, int64_t rows, int64_t bytes)
{
    struct killer *k = arg;

    UNUSED(bytes);
    if (rows == 0 || k->done)
        return;
    k->done = true;
    char *id = sql("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT id, a, SLEEP%'");
    char *kill = xasprintf("KILL %s", id);
    free(sql(kill));
    free(id);
    free(kill);
}

TEST(a_connection_that_is_killed_in_the_middle)
{
    struct fixture f = {.n = 0};
    struct killer k = {&f, false};
    struct err err;

    make(BIG);
    set_up(&f, 2, NULL);
    f.c.part_bytes = 2000000; /* some are finished by then */
    f.c.progress = kill_one;
    f.c.arg = &k;
    add(&f, "t", "SELECT id, a, SLEEP(id > 100000 AND id % 100 = 0) FROM t");
    add(&f, "u", "SELECT * FROM u");
    fails(run_dump(&f, &err), &err, ERR_TRANSIENT);
    ok(k.done);
    ok(strstr(err.msg, "table t: ") != NULL);
    is_int(files_in(f.dir), 0);
    tear_down(&f);
}

TEST(a_heart_that_stops_ends_it_though_the_server_is_silent)
{
    struct fixture f = {.n = 0, .end_at_beat = 0};
    struct err err;

    make(BIG);
    set_up(&f, 2, NULL);
    f.end_at_beat = f.beats + 3;
    add(&f, "u", "SELECT * FROM u");
    add(&f, "t", "SELECT SLEEP(600)");
    int64_t at = clock_mono_ms();
    fails(run_dump(&f, &err), &err, ERR_LOCK_LOST);
    ok(clock_mono_ms() - at < 10000);
    is_int(files_in(f.dir), 0);
    tear_down(&f);
}

/* --- S3 --- */

static struct source_config s3_at(const char *endpoint)
{
    return (struct source_config){.url = "s3://lake/x/",
                                  .endpoint = endpoint,
                                  .path_style = true,
                                  .stall_timeout_ms = 3000,
                                  .retries = 1,
                                  .env = {.access_key_id = "orch-test-access-key",
                                          .secret_access_key = "orch-test-secret/with+both=signs",
                                          .metadata_disabled = "true"}};
}

static int count_one(void *arg, const struct object_info *o, struct err *err)
{
    UNUSED(o);
    UNUSED(err);
    ++*(int *)arg;
    return 0;
}

static int none_is_ours(void *arg, const char *key)
{
    UNUSED(key);
    ++*(int *)arg;
    return 0;
}

/* Objects, and uploads that nobody ended. */
static void is_left(const struct test_s3 *s3, int objects)
{
    struct source_config config = s3_at(s3->endpoint);
    struct sink *sink = NULL;
    struct err err;
    int found = 0, uploads = 0;

    must_rc(sink_open(&config, &sink, &err), &err);
    must_rc(sink_list(sink, "", count_one, &found, &err), &err);
    must_rc(sink_abandon(sink, "", none_is_ours, &uploads, &err), &err);
    sink_close(sink);
    is_int(found, objects);
    is_int(uploads, 0);
}

static void is_object(const struct test_s3 *s3, const struct dump_part *p)
{
    char *key = xasprintf("x/%s", p->key), hex[SHA256_HEX];
    size_t n;
    char *text = test_s3_get(s3, "lake", key, &n);

    is_int(n, p->up.bytes);
    sha256_hex(text, n, hex);
    is_str(p->up.sha256, hex);
    free(text);
    free(key);
}

TEST(to_s3_in_pieces_and_nothing_is_left_of_what_breaks)
{
    const struct test_s3 *s3 = test_s3();
    struct err err;

    make(BIG);
    test_s3_bucket(s3, "lake");
    struct fixture whole = {.sink = s3_at(s3->endpoint)};
    set_up(&whole, 2, NULL);
    struct dump_table *t = add(&whole, "t", "SELECT * FROM t"), *u = add(&whole, "u", "SELECT * FROM u");
    must_rc(run_dump(&whole, &err), &err);
    must(t->part_count == 1 && u->part_count == 1);
    ok(t->bytes > 5 * SINK_PIECE);
    is_object(s3, &t->parts[0]);
    is_object(s3, &u->parts[0]);
    is_left(s3, 2);
    struct sink *sink = NULL;
    must_rc(sink_open(&whole.sink, &sink, &err), &err);
    must_rc(sink_remove(sink, t->parts[0].key, &err), &err);
    must_rc(sink_remove(sink, u->parts[0].key, &err), &err);
    sink_close(sink);
    tear_down(&whole);

    /* the database's wire breaks in the middle */
    static const char *const rules[] = {"TCP\treset 30000000\n", "TCP\ttruncate 30000000\n"};
    char *address = xasprintf("127.0.0.1:%d", server->port);
    const struct test_proxy *p = test_proxy_new(address);
    char *url = xasprintf("mysql://root@127.0.0.1:%d/shop", p->port);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct fixture f = {.sink = s3_at(s3->endpoint)};
        test_proxy_rules(p, rules[i]);
        set_up(&f, 2, url);
        add(&f, "u", "SELECT * FROM u");
        add(&f, "t", "SELECT * FROM t");
        int rc = run_dump(&f, &err);
        ok(rc < 0 && (err.code == ERR_TRANSIENT || err.code == ERR_UNAVAILABLE));
        ok(strstr(err.msg, "table t: ") != NULL);
        is_left(s3, 0);
        tear_down(&f);
    }
    free(url);
    free(address);
}

TEST(an_s3_that_refuses_a_piece)
{
    const struct test_s3 *s3 = test_s3();
    struct err err;

    make(BIG);
    test_s3_bucket(s3, "lake");
    char *address = xasprintf("127.0.0.1:%d", s3->port);
    const struct test_proxy *p = test_proxy_new(address);
    char *endpoint = xasprintf("http://127.0.0.1:%d", p->port);
    struct fixture f = {.sink = s3_at(endpoint)};
    test_proxy_rules(p, "^PUT .*partNumber=3\tstatus 403 AccessDenied\n");
    set_up(&f, 2, NULL);
    add(&f, "u", "SELECT * FROM u");
    add(&f, "t", "SELECT * FROM t");
    fails(run_dump(&f, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.msg, "table t: ") != NULL && strstr(err.msg, "t_0000.tsv") != NULL);
    test_proxy_rules(p, "");
    is_left(s3, 0);
    tear_down(&f);
    free(endpoint);
    free(address);
}
