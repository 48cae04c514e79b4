#include "state/page.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;
static const char *const P = "2022-06-05T12";
static int64_t ids[10];

TEST(jobs_come_newest_first_page_by_page)
{
    fx_open(&f);
    int64_t a = fx_see(&f, P, "a", "A", 1), b = fx_see(&f, "2022-06-05T13", "b", "B", 1),
            c = fx_see(&f, P, "c", "C", 1);
    int64_t first = fx_job(&f, P, "LOAD", (int64_t[]){a, 0}),
            second = fx_job(&f, "2022-06-05T13", "LOAD", (int64_t[]){b, 0}),
            third = fx_job(&f, P, "LOAD", (int64_t[]){c, 0});
    struct page_of of = {.before = INT64_MAX, .limit = 2};
    is_int(page_jobs(f.s, &of, ids, &f.err), 2);
    is_int(ids[0], third);
    is_int(ids[1], second);
    of.before = second;
    is_int(page_jobs(f.s, &of, ids, &f.err), 1);
    is_int(ids[0], first);
    of = (struct page_of){.pipeline = "loans", .part = P, .before = INT64_MAX, .limit = 10};
    is_int(page_jobs(f.s, &of, ids, &f.err), 2);
    is_int(ids[1], first);
    of.state = "DEAD";
    is_int(page_jobs(f.s, &of, ids, &f.err), 0);
    of = (struct page_of){.pipeline = "events", .before = INT64_MAX, .limit = 10};
    is_int(page_jobs(f.s, &of, ids, &f.err), 0);
    fx_close(&f);
}

TEST(loads_come_by_partition_behind_a_place)
{
    fx_open(&f);
    int64_t b = fx_see(&f, "2022-06-05T13", "b", "B", 1), a = fx_see(&f, P, "a", "A", 1),
            c = fx_see(&f, P, "c", "C", 1);
    int64_t late = fx_job(&f, "2022-06-05T13", "LOAD", (int64_t[]){b, 0}),
            early = fx_job(&f, P, "LOAD", (int64_t[]){a, c, 0});
    struct page_loads of = {.pipeline = "loans", .limit = 10};
    is_int(page_loads(f.s, &of, ids, &f.err), 3);
    is_int(ids[2], fx_load_of(&f, late));
    ok(ids[0] < ids[1]);
    int64_t between = ids[0], next = ids[1];
    of.limit = 1;
    is_int(page_loads(f.s, &of, ids, &f.err), 1);
    is_int(ids[0], between);
    of.after_part = P;
    of.after_load = between;
    is_int(page_loads(f.s, &of, ids, &f.err), 1);
    is_int(ids[0], next);
    of = (struct page_loads){.pipeline = "loans", .to = P, .limit = 10};
    is_int(page_loads(f.s, &of, ids, &f.err), 2);
    of = (struct page_loads){.pipeline = "loans", .from = "2022-06-05T13", .limit = 10};
    is_int(page_loads(f.s, &of, ids, &f.err), 1);
    fx_sql(&f, "UPDATE load SET state = 'SUPERSEDED'");
    is_int(page_loads(f.s, &of, ids, &f.err), 0);
    ok(early > 0);
    fx_close(&f);
}

struct seen {
    int64_t n, first;
};

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    struct seen *s = arg;

    UNUSED(previous);
    UNUSED(type);
    UNUSED(ts_ms);
    UNUSED(details);
    UNUSED(err);
    if (s->n++ == 0)
        s->first = id;
    return 0;
}

static int on_execution(void *arg, const struct execution *e, struct err *err)
{
    struct seen *s = arg;

    UNUSED(err);
    if (s->n++ == 0)
        s->first = e->id;
    return 0;
}

static struct seen executions(const struct page_of *of, bool idle)
{
    struct seen s = {0};

    must_rc(page_executions(f.s, of, idle, on_execution, &s, &f.err), &f.err);
    return s;
}

TEST(executions_and_their_events_have_pages)
{
    struct seen s = {0};

    fx_open(&f);
    int64_t a = fx_run(&f, "t1"), b = fx_run(&f, "t2");
    struct page_of of = {.before = INT64_MAX, .limit = 10};
    is_int(executions(&of, true).n, 2);
    is_int(executions(&of, true).first, b);
    of.limit = 1;
    is_int(executions(&of, true).n, 1);
    of.pipeline = "loans";
    of.before = b;
    is_int(executions(&of, true).n, 1);
    is_int(executions(&of, true).first, a);
    of.state = "FAILED";
    is_int(executions(&of, true).n, 0);
    of = (struct page_of){.pipeline = "loans", .before = INT64_MAX, .limit = 10};
    fx_sql(&f, "UPDATE execution SET idle = (name = 'run-t2')");
    is_int(executions(&of, true).n, 2);
    is_int(executions(&of, false).n, 1);
    is_int(executions(&of, false).first, a);
    fx_sql(&f, "DELETE FROM event");
    fx_sql(&f, "INSERT INTO event(execution_id, id, previous_id, type, ts_ms, details) SELECT id, 1, 0, 'x', "
               "5, NULL FROM execution UNION ALL "
               "SELECT id, 2, 1, 'y', 6, NULL FROM execution UNION ALL SELECT id, 3, 2, 'z', 7, NULL FROM "
               "execution");
    must_rc(page_events(f.s, a, 1, 10, on_event, &s, &f.err), &f.err);
    is_int(s.n, 2);
    is_int(s.first, 2);
    s = (struct seen){0};
    must_rc(page_events(f.s, a, 0, 1, on_event, &s, &f.err), &f.err);
    is_int(s.n, 1);
    fx_close(&f);
}
