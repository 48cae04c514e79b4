#include "state/size.h"
#include "base/mem.h"
#include "state/store_int.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

static struct err err;
static struct store *s;
static char seen[600];

static void sql(const char *text)
{
    must(sqlite3_exec(store_db(s), text, NULL, NULL, NULL) == SQLITE_OK);
}

/* A partition with one job of that state, whose load read so many rows. */
static void settled(int id, const char *part, const char *state, int rows)
{
    char *text = xasprintf(
        "INSERT INTO partition_(pipeline, part, state, since_ms) VALUES ('p', '%s', 'QUEUED', 1);"
        "INSERT INTO job(id, pipeline, part, n, kind, state, created_ms, updated_ms) VALUES (%d, "
        "'p', '%s', 1, 'LOAD', '%s', 1, 1);"
        "INSERT INTO object(id, pipeline, part, key, etag, size, mtime_ns, modified_ms, first_seen_ms, "
        "verdict) VALUES (%d, 'p', '%s', CAST('k%d' AS BLOB), 'e', 1, 1, 1, 1, 'LOADED');"
        "INSERT INTO load(load_id, job_id, object_id, generation, state, rows_read) VALUES (%d, "
        "%d, %d, 1, 'LOADED', %d)",
        part, id, part, state, id, part, id, id, id, id, rows);

    sql(text);
    free(text);
}

static void open_fresh(void)
{
    char *folder = tmp_dir(), *path = tmp_path(folder, "orch.db");

    must_rc(store_open(path, STORE_CREATE, &s, &err), &err);
    must_rc(store_begin(s, &err), &err);
    free(folder);
    free(path);
    settled(1, "2022-06-01", "RECONCILED", 100);
    settled(2, "2022-06-02", "EMPTY", 0);
    settled(3, "2022-06-03", "FAILED", 50);
    settled(4, "2022-06-04", "RECONCILED", 7);
    sql("INSERT INTO partition_(pipeline, part, state, since_ms) VALUES ('p', '2022-06-05', 'EMPTY', 1), "
        "('p', '2022-06-06', 'SKIPPED', 1),"
        " ('p', '2022-06-07', 'LATE', 1)");
}

static int note(void *arg, const char *part, int64_t rows, struct err *e)
{
    UNUSED(arg);
    UNUSED(e);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s=%lld", seen[0] != '\0' ? " " : "",
             part + 8, (long long)rows);
    return 0;
}

static const char *unjudged(const char *from)
{
    seen[0] = '\0';
    must_rc(size_unjudged(s, "p", from, 100, note, NULL, &err), &err);
    return seen;
}

static int note_small(void *arg, const struct size_verdict *v, struct err *e)
{
    return note(arg, v->part, v->rows, e);
}

static const char *small(void)
{
    seen[0] = '\0';
    must_rc(size_small(s, "p", note_small, NULL, &err), &err);
    return seen;
}

TEST(what_has_settled_is_judged_once_and_again_when_its_rows_change)
{
    struct size_verdict v = {
        .part = "2022-06-04", .rows = 7, .usual = 100, .least = 50, .likes = 5, .small = true};

    open_fresh();
    is_str(unjudged("2022-06-01"), "01=100 02=0 04=7 05=0");
    is_str(unjudged("2022-06-02"), "02=0 04=7 05=0");
    must_rc(size_put(s, "p", &v, 9, &err), &err);
    is_str(unjudged("2022-06-02"), "02=0 05=0");
    is_str(small(), "04=7");
    sql("UPDATE load SET rows_read = 8 WHERE load_id = 4");
    is_str(unjudged("2022-06-02"), "02=0 04=8 05=0");
    store_close(s);
}

TEST(an_acknowledged_or_skipped_partition_is_small_no_more_until_its_rows_change)
{
    struct size_verdict v = {
        .part = "2022-06-04", .rows = 7, .usual = 100, .least = 50, .likes = 5, .small = true};

    open_fresh();
    must_rc(size_put(s, "p", &v, 9, &err), &err);
    sql("INSERT INTO ack VALUES ('p', '2022-06-04', 'SMALL', '7', 1, 'x', 'y')");
    is_str(small(), "");
    v.rows = 6;
    must_rc(size_put(s, "p", &v, 9, &err), &err);
    is_str(small(), "04=6");
    sql("UPDATE partition_ SET state = 'SKIPPED' WHERE part = '2022-06-04'");
    is_str(small(), "");
    store_close(s);
}

TEST(its_like_are_what_has_settled)
{
    static const char *const parts[] = {"2022-06-01", "2022-06-02", "2022-06-03", "2022-06-05",
                                        "2022-06-06", "2022-06-07", "2022-05-01"};
    int64_t rows[SIZE_LIKES], sum = 0;
    size_t n;

    open_fresh();
    must_rc(size_likes(s, "p", parts, ARRAY_LEN(parts), rows, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        sum += rows[i];
    is_int((int64_t)n, 3);
    is_int(sum, 100);
    store_close(s);
}
