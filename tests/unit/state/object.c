#include "base/mem.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;

TEST(an_object_is_new_once)
{
    fx_open(&f);
    int64_t a = fx_see(&f, "2022-06-05T12", "h/a.csv", "e1", 10);
    is_int(fx_see(&f, "2022-06-05T12", "h/a.csv", "e1", 10), a);
    is_int(fx_number(&f, "SELECT count(*) FROM object"), 1);
    fx_close(&f);
}

TEST(keys_differ_by_case_and_by_any_byte)
{
    fx_open(&f);
    int64_t a = fx_see(&f, "2022-06-05T12", "h/a.csv", "e1", 10);
    ok(fx_see(&f, "2022-06-05T12", "h/A.csv", "e1", 10) != a);
    ok(fx_see(&f, "2022-06-05T12", "h/\xff\xfe.csv", "e1", 10) != a);
    struct object_row row = {0};
    is_int(object_newest(f.s, "loans", "h/\xff\xfe.csv", &row, &f.err), 1);
    is_str(row.key, "h/\xff\xfe.csv");
    object_row_release(&row);
    is_int(object_newest(f.s, "loans", "h/b.csv", &row, &f.err), 0);
    fx_close(&f);
}

TEST(identity_is_etag_and_size_and_for_files_the_time)
{
    struct object_row row = {.size = 5, .etag = (char *)(uintptr_t) "e", .mtime_ns = 1};
    struct object_seen o = {.size = 5, .etag = "e", .mtime_ns = 2};
    ok(object_same(&o, &row)); /* S3: uploaded again with the same bytes */
    o.size = 6;
    ok(!object_same(&o, &row));
    o.size = 5;
    o.etag = "f";
    ok(!object_same(&o, &row));
    row.etag = (char *)(uintptr_t) "";
    o.etag = NULL;
    ok(!object_same(&o, &row));
    o.mtime_ns = 1;
    ok(object_same(&o, &row));
}

static int count(void *arg, const struct object_row *o, struct err *err)
{
    UNUSED(o);
    UNUSED(err);
    ++*(int *)arg;
    return 0;
}

TEST(a_to_b_to_a_is_three_sightings_and_only_the_last_is_current)
{
    int n = 0;

    fx_open(&f);
    fx_see(&f, "2022-06-05T12", "h/a.csv", "A", 10);
    fx_see(&f, "2022-06-05T12", "h/a.csv", "B", 10);
    int64_t last = fx_see(&f, "2022-06-05T12", "h/a.csv", "A", 10);
    is_int(fx_number(&f, "SELECT count(*) FROM object"), 3);
    is_int(fx_number(&f, "SELECT max(id) FROM object WHERE verdict = 'NEW'"), last);
    /* what was never queued must not keep the partition open for ever */
    is_int(fx_number(&f, "SELECT count(*) FROM object WHERE verdict = 'NEW'"), 1);
    is_int(object_list_current(f.s, "loans", "2022-06-05T12", count, &n, &f.err), 0);
    is_int(n, 1);
    fx_close(&f);
}

TEST(an_object_that_comes_back_is_new_again)
{
    fx_open(&f);
    int64_t a = fx_see(&f, "2022-06-05T12", "h/a.csv", "A", 10);
    fx_sql(&f, "UPDATE object SET verdict = 'GONE'");
    int64_t b = fx_see(&f, "2022-06-05T12", "h/a.csv", "A", 10);
    ok(b != a);
    is_str(fx_text(&f, "SELECT verdict FROM object ORDER BY id DESC LIMIT 1"), "NEW");
    fx_close(&f);
}

TEST(refused_ones_are_listed_until_they_are_replaced)
{
    int n = 0;

    fx_open(&f);
    fx_see(&f, "2022-06-05T12", "h/a.csv", "A", 10);
    fx_sql(&f, "UPDATE object SET verdict = 'REFUSED'");
    is_int(object_list_refused(f.s, "loans", count, &n, &f.err), 0);
    is_int(n, 1);
    fx_see(&f, "2022-06-05T12", "h/a.csv", "B", 10);
    n = 0;
    is_int(object_list_refused(f.s, "loans", count, &n, &f.err), 0);
    is_int(n, 0);
    fx_close(&f);
}
