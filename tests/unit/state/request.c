#include "state/request.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;

static int64_t make(const char *kind, const char *pipeline, const char *args, const char *key, int want)
{
    const struct request_new n = {.kind = kind,
                                  .pipeline = pipeline,
                                  .args = args,
                                  .reason = "why",
                                  .who = "token 127.0.0.1",
                                  .key = key,
                                  .now_ms = 1000};
    int64_t id = 0;

    is_int(request_make(f.s, &n, &id, &f.err), want);
    return id;
}

static void end(int64_t id, const char *state, const char *error)
{
    const struct request_end e = {.state = state, .error = error, .message = "no", .now_ms = 3000};

    must_rc(request_begin(f.s, id, 2000, &f.err), &f.err);
    must_rc(request_end(f.s, id, &e, &f.err), &f.err);
}

static int on_id(void *arg, const struct request *r, struct err *err)
{
    char *list = arg;
    size_t n = strlen(list);

    UNUSED(err);
    snprintf(list + n, 100 - n, "%lld ", (long long)r->id);
    return 0;
}

static const char *failing(const char *pipeline)
{
    static char list[100];

    list[0] = '\0';
    must_rc(request_failing(f.s, pipeline, on_id, list, &f.err), &f.err);
    return list;
}

TEST(a_key_makes_one_request_and_another_with_it_is_a_conflict)
{
    struct request r = {0};

    fx_open(&f);
    int64_t id = make("replay", "loans", "{\"partition\":\"2022-06-05T12\"}", "k1", 1);
    is_int(make("replay", "loans", "{\"partition\":\"2022-06-05T12\"}", "k1", 0), id);
    (void)make("replay", "loans", "{\"partition\":\"2022-06-05T13\"}", "k1", -(int)ERR_CONFLICT);
    (void)make("retry", "loans", "{\"partition\":\"2022-06-05T12\"}", "k1", -(int)ERR_CONFLICT);
    ok(make("replay", "loans", "{\"partition\":\"2022-06-05T12\"}", NULL, 1) != id);
    ok(make("replay", "loans", "{\"partition\":\"2022-06-05T12\"}", NULL, 1) != id);
    must_rc(request_get(f.s, id, &r, &f.err), &f.err);
    is_str(r.state, "QUEUED");
    is_str(r.key, "k1");
    is_str(r.who, "token 127.0.0.1");
    is_int(r.made_ms, 1000);
    request_release(&r);
    is_int(request_get(f.s, 77, &r, &f.err), -(int)ERR_NOT_FOUND);
    is_int(fx_number(&f, "SELECT count(*) FROM audit WHERE verb = 'request replay' AND pipeline = 'loans'"),
           3);
    fx_close(&f);
}

TEST(they_are_given_out_oldest_first_until_they_have_ended)
{
    struct request r = {0};
    struct request_counts n = {0};

    fx_open(&f);
    int64_t a = make("skip", "loans", "{}", NULL, 1), b = make("retry", "loans", "{}", NULL, 1);
    is_int(request_next(f.s, 0, &r, &f.err), 1);
    is_int(r.id, a);
    request_release(&r);
    must_rc(request_begin(f.s, a, 2000, &f.err), &f.err);
    must_rc(request_counts(f.s, &n, &f.err), &f.err);
    is_int(n.queued, 1);
    is_int(n.running, 1);
    is_int(n.failed, 0);
    /* its process died: it is given out again, and counts another attempt */
    is_int(request_next(f.s, 0, &r, &f.err), 1);
    is_int(r.id, a);
    is_int(r.attempts, 1);
    request_release(&r);
    must_rc(request_begin(f.s, a, 2500, &f.err), &f.err);
    must_rc(request_again(f.s, a, &f.err), &f.err); /* to be gone on with: no attempt */
    end(a, "DONE", NULL);
    is_int(request_again(f.s, a, &f.err), -(int)ERR_LOCK_LOST);
    is_int(request_next(f.s, 0, &r, &f.err), 1);
    is_int(r.id, b);
    request_release(&r);
    is_int(request_next(f.s, b, &r, &f.err), 0);
    must_rc(request_get(f.s, a, &r, &f.err), &f.err);
    is_int(r.attempts, 2);
    is_int(r.started_ms, 2000);
    is_int(r.ended_ms, 3000);
    request_release(&r);
    fx_close(&f);
}

TEST(what_has_ended_is_neither_begun_nor_ended_again)
{
    const struct request_end done = {.state = "DONE", .now_ms = 1};

    fx_open(&f);
    int64_t a = make("skip", "loans", "{}", NULL, 1);
    is_int(request_end(f.s, a, &done, &f.err), -(int)ERR_LOCK_LOST);
    end(a, "DONE", NULL);
    is_int(request_begin(f.s, a, 2, &f.err), -(int)ERR_LOCK_LOST);
    is_int(request_end(f.s, a, &done, &f.err), -(int)ERR_LOCK_LOST);
    must_rc(store_begin(f.s, &f.err), &f.err);
    is_int(request_reached(f.s, a, "x", &f.err), -(int)ERR_LOCK_LOST);
    store_rollback(f.s);
    fx_close(&f);
}

TEST(how_far_a_range_has_come_stands_with_what_was_done)
{
    struct request r = {0};

    fx_open(&f);
    int64_t a = make("replay", "loans", "{}", NULL, 1);
    must_rc(request_begin(f.s, a, 2000, &f.err), &f.err);
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(request_reached(f.s, a, "2022-06-05T12", &f.err), &f.err);
    must_rc(store_commit(f.s, &f.err), &f.err);
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(request_reached(f.s, a, "2022-06-05T13", &f.err), &f.err);
    store_rollback(f.s);
    must_rc(request_get(f.s, a, &r, &f.err), &f.err);
    is_str(r.reached, "2022-06-05T12");
    is_int(r.acted, 1);
    request_release(&r);
    fx_close(&f);
}

TEST(a_failure_stands_until_it_is_seen_or_the_same_is_done)
{
    fx_open(&f);
    int64_t a = make("backup", "", "{\"tables\":[\"t\"]}", NULL, 1),
            b = make("backup", "", "{\"tables\":[\"u\"]}", NULL, 1);
    end(a, "FAILED", "Orch.NotFound");
    end(b, "FAILED", "Orch.NotFound");
    is_str(failing(""), "1 2 ");
    is_str(failing("loans"), "");
    int64_t c = make("backup", "", "{\"tables\":[\"t\"]}", NULL, 1);
    is_str(failing(""), "1 2 ");
    end(c, "DONE", NULL);
    is_str(failing(""), "2 ");
    is_int(request_ack(f.s, c, "ana", "fine", 4000, &f.err), 0);
    is_int(request_ack(f.s, b, "ana", "fine", 4000, &f.err), 1);
    is_int(request_ack(f.s, b, "ana", "fine", 5000, &f.err), 0);
    is_str(failing(""), "");
    is_int(request_ack(f.s, 99, "ana", "fine", 4000, &f.err), -(int)ERR_NOT_FOUND);
    is_int(fx_number(&f, "SELECT count(*) FROM audit WHERE verb = 'ack'"), 1);
    fx_close(&f);
}

TEST(old_ones_are_pruned_but_never_the_newest_nor_what_waits)
{
    char list[100] = "";

    fx_open(&f);
    int64_t a = make("skip", "loans", "{}", NULL, 1);
    (void)make("skip", "loans", "{}", NULL, 1);
    int64_t c = make("skip", "loans", "{}", NULL, 1);
    end(a, "DONE", NULL);
    end(c, "DONE", NULL);
    must_rc(store_begin(f.s, &f.err), &f.err);
    is_int(request_prune(f.s, 3000, &f.err), 0);
    is_int(request_prune(f.s, 3001, &f.err), 1);
    must_rc(store_commit(f.s, &f.err), &f.err);
    must_rc(request_list(f.s, NULL, NULL, INT64_MAX, 10, on_id, list, &f.err), &f.err);
    is_str(list, "3 2 ");
    list[0] = '\0';
    must_rc(request_list(f.s, "loans", "DONE", INT64_MAX, 10, on_id, list, &f.err), &f.err);
    is_str(list, "3 ");
    list[0] = '\0';
    must_rc(request_list(f.s, NULL, NULL, 3, 1, on_id, list, &f.err), &f.err);
    is_str(list, "2 ");
    fx_close(&f);
}
