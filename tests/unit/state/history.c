#include "state/history.h"
#include "base/str.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;

struct seen {
    char ids[400];
    size_t n;
};

static int on_event(void *arg, const struct history_event *e, struct err *err)
{
    struct seen *s = arg;

    UNUSED(err);
    s->n += (size_t)snprintf(s->ids + s->n, sizeof s->ids - s->n, "%s%lld", s->n > 0 ? " " : "",
                             (long long)e->id);
    return 0;
}

static void is_page(struct history_query q, const char *want, int64_t want_next)
{
    struct seen s = {.ids = ""};
    int64_t next = -1;

    q.execution_id = 1;
    must_rc(history_page(f.s, &q, on_event, &s, &next, &f.err), &f.err);
    is_str(s.ids, want);
    is_int(next, want_next);
}

TEST(pages_of_all_of_a_state_and_of_failures)
{
    fx_open(&f);
    must(fx_run(&f, "t1") == 1);
    must(fx_run(&f, "t2") == 2);
    fx_sql(&f, "DROP TRIGGER event_append_only_delete");
    fx_sql(&f, "DELETE FROM event");
    /* a hundred thousand events of each: S0 to S9 in turn, every ten thousandth a failure */
    fx_sql(&f, "INSERT INTO event(execution_id, id, previous_id, type, ts_ms, state, frame_id) "
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
               "SELECT e.id, i, i - 1, CASE WHEN i % 10000 = 0 THEN 'ActivityFailed' WHEN i = 99999 THEN "
               "'FailStateEntered' ELSE 'PassStateExited' END, i, 'S' || (i % 10), 0 FROM n, execution e");
    is_page((struct history_query){.limit = 3}, "1 2 3", 4);
    is_page((struct history_query){.limit = 3, .from = 4}, "4 5 6", 7);
    is_page((struct history_query){.limit = 3, .from = 99999}, "99999 100000", 0);
    is_page((struct history_query){.limit = 2, .from = 99999}, "99999 100000", 0);
    is_page((struct history_query){.limit = 2, .reverse = true}, "100000 99999", 99998);
    is_page((struct history_query){.limit = 2, .reverse = true, .from = 2}, "2 1", 0);
    is_page((struct history_query){.limit = 3, .failed = true}, "10000 20000 30000", 40000);
    is_page((struct history_query){.limit = 3, .failed = true, .reverse = true}, "100000 99999 90000", 80000);
    is_page((struct history_query){.limit = -1, .failed = true, .state = "S9"}, "99999", 0);
    is_page((struct history_query){.limit = 3, .state = "S7"}, "7 17 27", 37);
    is_page((struct history_query){.limit = 2, .state = "S7", .reverse = true}, "99997 99987", 99977);
    is_page((struct history_query){.limit = 2, .state = "S7", .from = 99997}, "99997", 0);
    is_page((struct history_query){.limit = 2, .state = "no"}, "", 0);
    is_int(history_has_state(f.s, 1, "S7", &f.err), 1);
    is_int(history_has_state(f.s, 1, "no", &f.err), 0);
    fx_close(&f);
}
