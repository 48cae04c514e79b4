#include "base/clock.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;
static int64_t run_a, run_b, job;

static void set_up(void)
{
    fx_open(&f);
    run_a = fx_run(&f, "ta");
    run_b = fx_run(&f, "tb");
    job = fx_job(&f, "2022-06-05T12", "LOAD", (int64_t[]){fx_see(&f, "2022-06-05T12", "a.csv", "A", 10), 0});
}

static int take(const char *token, int64_t execution, int64_t which, struct flag *ret)
{
    const struct flag_new n = {
        .pipeline = "loans", .execution_id = execution, .job_id = which, .lease_ms_from_now = 60000};

    return flag_set(f.s, token, &n, ret, &f.err);
}

static enum flag_state state_now(struct flag *ret)
{
    enum flag_state state = FLAG_FREE;

    must_rc(flag_get(f.s, "loans", ret, &state, &f.err), &f.err);
    return state;
}

TEST(one_run_has_the_flag)
{
    struct flag flag;

    set_up();
    is_int(state_now(&flag), FLAG_FREE);
    is_int(take("ta", run_a, job, &flag), 1);
    is_str(fx_text(&f, "SELECT state FROM job"), "PROCESSING");
    is_int(take("tb", run_b, job, &flag), 0);
    is_int(state_now(&flag), FLAG_HELD);
    is_str(flag.owner, "run-ta");
    fx_close(&f);
}

TEST(the_same_run_keeps_its_id_and_epoch)
{
    struct flag first, second;

    set_up();
    is_int(take("ta", run_a, job, &first), 1);
    must_rc(flag_epoch(f.s, "ta", "loans", first.id, 0, 7, &f.err), &f.err);
    is_int(take("ta", run_a, job, &second), 1);
    is_str(second.id, first.id);
    is_int(second.epoch, 7);
    fx_close(&f);
}

TEST(epoch_is_compare_and_set)
{
    struct flag flag;

    set_up();
    is_int(take("ta", run_a, job, &flag), 1);
    must_rc(flag_epoch(f.s, "ta", "loans", flag.id, 0, 7, &f.err), &f.err);
    fails(flag_epoch(f.s, "ta", "loans", flag.id, 0, 8, &f.err), &f.err, ERR_LOCK_LOST);
    fails(flag_epoch(f.s, "ta", "loans", "another", 7, 8, &f.err), &f.err, ERR_LOCK_LOST);
    fx_close(&f);
}

TEST(a_finished_or_lost_owner_makes_it_stale_and_the_job_workable)
{
    const char *const ends[] = {
        "UPDATE execution SET status = 'FAILED' WHERE name = 'run-ta'", "UPDATE flag SET lease_boot_ms = 0",
        "UPDATE flag SET boot_id = 'another boot'",
        "PRAGMA foreign_keys = OFF; DELETE FROM execution WHERE name = 'run-ta'", /* the state file was put
                                                                                     back */
    };

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct flag flag;
        struct job next = {0};
        int64_t pending = 0;
        set_up();
        is_int(take("ta", run_a, job, &flag), 1);
        is_int(job_next(f.s, "loans", NULL, clock_now_ms(), &next, &pending, &f.err), 0);
        is_int(pending, 0); /* being worked: nothing for another */
        fx_sql(&f, ends[i]);
        is_int(state_now(&flag), FLAG_STALE);
        is_int(job_next(f.s, "loans", NULL, clock_now_ms(), &next, &pending, &f.err), 1);
        is_int(next.id, job);
        job_release(&next);
        is_int(take("tb", run_b, job, &flag), 1);
        is_int(fx_number(&f, "SELECT execution_id FROM job"), run_b);
        is_str(fx_text(&f, "SELECT state FROM job"), "PROCESSING");
        fx_close(&f);
    }
}

TEST(taking_another_job_over_a_stale_flag_gives_the_old_one_back)
{
    struct flag flag;

    set_up();
    int64_t other =
        fx_job(&f, "2022-06-05T13", "LOAD", (int64_t[]){fx_see(&f, "2022-06-05T13", "b.csv", "B", 10), 0});
    is_int(take("ta", run_a, job, &flag), 1);
    fx_sql(&f, "UPDATE flag SET lease_boot_ms = 0");
    is_int(take("tb", run_b, other, &flag), 1);
    is_str(fx_text(&f, "SELECT state FROM job WHERE id = 1"), "FAILED");
    ok(strstr(fx_text(&f, "SELECT message FROM job WHERE id = 1"), "run-ta") != NULL);
    is_int(fx_number(&f, "SELECT attempts FROM job WHERE id = 1"), 0); /* a crash counts towards nothing */
    fails(flag_held(f.s, "loans", "x", &flag, &f.err), &f.err, ERR_LOCK_LOST);
    fx_close(&f);
}

TEST(the_one_that_was_taken_over_can_write_nothing_more)
{
    struct flag a, b;
    const struct load_result result = {
        .rows_read = 1, .rows_loaded = 1, .columns = "", .sha256 = "", .now_ms = 1};
    struct load_result r = result;

    set_up();
    r.load_id = fx_load_of(&f, job);
    is_int(take("ta", run_a, job, &a), 1);
    fx_sql(&f, "UPDATE flag SET lease_boot_ms = 0");
    is_int(take("tb", run_b, job, &b), 1);
    /* its task is still STARTED: nobody has told the engine yet */
    fails(load_pending(f.s, "ta", &r, &f.err), &f.err, ERR_LOCK_LOST);
    fails(load_settle(f.s, "ta", r.load_id, "LOADED", 1, &f.err), &f.err, ERR_LOCK_LOST);
    fails(reject_put(f.s, "ta", r.load_id, NULL, 0, true, 1, &f.err), &f.err, ERR_LOCK_LOST);
    struct job_outcome o = {.job_id = job, .state = "FAILED", .now_ms = 1, .counts = true};
    fails(job_set(f.s, "ta", &o, &f.err), &f.err, ERR_LOCK_LOST);
    is_int(flag_reset(f.s, "ta", "loans", a.id, &o, &f.err), 0);
    is_str(fx_text(&f, "SELECT state FROM job"), "PROCESSING");
    is_int(fx_number(&f, "SELECT attempts FROM job"), 0);
    fails(flag_renew(f.s, "loans", a.id, 1000, &f.err), &f.err, ERR_LOCK_LOST);
    must_rc(flag_renew(f.s, "loans", b.id, 1000, &f.err), &f.err);
    fx_close(&f);
}

TEST(a_token_that_is_not_started_takes_nothing)
{
    struct flag flag;

    set_up();
    fx_sql(&f, "UPDATE task SET status = 'TIMED_OUT' WHERE token = 'ta'");
    fails(take("ta", run_a, job, &flag), &f.err, ERR_LOCK_LOST);
    is_str(fx_text(&f, "SELECT state FROM job"), "QUEUED");
    fx_close(&f);
}

TEST(a_job_that_is_done_by_now_is_not_taken)
{
    struct flag flag;
    const char *const states[] = {"RECONCILED", "DEAD", "MISMATCHED", "EMPTY", "SUPERSEDED"};

    set_up();
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "UPDATE job SET state = '%s'", states[i]);
        fx_sql(&f, sql);
        is_int(take("ta", run_a, job, &flag), 0);
        is_str(fx_text(&f, "SELECT state FROM job"), states[i]);
    }
    is_int(take("ta", run_a, 4711, &flag), 0);
    is_int(state_now(&flag), FLAG_FREE);
    fx_close(&f);
}

TEST(outcome_and_flag_are_one_transaction)
{
    struct flag flag;
    struct job_outcome o = {.state = "FAILED",
                            .error = "Orch.BadCsv",
                            .message = "m",
                            .counts = true,
                            .not_before_ms = 99,
                            .now_ms = 1};

    set_up();
    o.job_id = job;
    is_int(take("ta", run_a, job, &flag), 1);
    is_int(flag_reset(f.s, "ta", "loans", flag.id, &o, &f.err), 1);
    is_int(flag_reset(f.s, "ta", "loans", flag.id, &o, &f.err), 0); /* the same task, after dying */
    is_int(fx_number(&f, "SELECT attempts FROM job"), 1);
    is_int(fx_number(&f, "SELECT tries FROM job"), 1);
    is_int(state_now(&flag), FLAG_FREE);
    fx_close(&f);
}

TEST(work_that_is_no_jobs_has_it_like_any_other)
{
    struct flag flag, other;

    set_up();
    is_int(take("ta", run_a, 0, &flag), 1);
    is_str(fx_text(&f, "SELECT state FROM job"), "QUEUED");
    is_int(state_now(&other), FLAG_HELD);
    is_int(take("tb", run_b, job, &other), 0);
    fx_sql(&f, "UPDATE execution SET status = 'FAILED' WHERE name = 'run-ta'");
    is_int(take("tb", run_b, job, &other), 1);
    is_int(flag_reset(f.s, "ta", "loans", flag.id, NULL, &f.err),
           -(int)ERR_LOCK_LOST); /* its token has ended */
    is_str(fx_text(&f, "SELECT state FROM job"), "PROCESSING");
    fx_close(&f);
}
