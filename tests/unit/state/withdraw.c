#include "tests/lib/queue_fixture.h"

static struct fixture f;
static const char *const P = "2022-06-05T12";

static const char *job_state(int64_t job)
{
    char sql[80];

    snprintf(sql, sizeof sql, "SELECT state FROM job WHERE id = %lld", (long long)job);
    return fx_text(&f, sql);
}

static const char *verdict(int64_t object)
{
    char sql[80];

    snprintf(sql, sizeof sql, "SELECT verdict FROM object WHERE id = %lld", (long long)object);
    return fx_text(&f, sql);
}

static int withdraw(int64_t job)
{
    return job_withdraw(f.s, job, "ana@box", "by mistake", 50, &f.err);
}

TEST(a_replay_that_waits_is_withdrawn_and_what_was_loaded_stands)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), o = fx_see(&f, P, "a", "A", 1);
    int64_t first = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    fx_load_job(&f, "t", run, first);
    int64_t again = fx_job(&f, P, "REPLAY", (int64_t[]){o, 0});
    is_str(verdict(o), "QUEUED");
    is_int(withdraw(again), 1);
    is_str(job_state(again), "SUPERSEDED");
    is_str(job_state(first), "RECONCILED");
    is_str(verdict(o), "LOADED");
    is_str(fx_text(&f, "SELECT verb || ' ' || part || ' ' || reason FROM audit"),
           "cancel 2022-06-05T12 by mistake");
    is_int(withdraw(again), 0); /* twice is well */
    is_int(fx_number(&f, "SELECT count(*) FROM audit"), 1);
    fx_close(&f);
}

TEST(an_object_that_was_never_loaded_is_new_again)
{
    fx_open(&f);
    int64_t o = fx_see(&f, P, "a", "A", 1), replay = fx_job(&f, P, "REPLAY", (int64_t[]){o, 0});
    is_int(withdraw(replay), 1);
    is_str(verdict(o), "NEW");
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE state = 'DRAWN'"), 0);
    fx_close(&f);
}

TEST(a_first_load_is_not_withdrawn)
{
    fx_open(&f);
    int64_t job = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    is_int(withdraw(job), 0);
    is_str(job_state(job), "QUEUED");
    fx_close(&f);
}

TEST(a_replay_that_is_worked_or_whose_end_nobody_knows_is_left_alone)
{
    const struct load_result result = {.rows_read = 1, .columns = "", .sha256 = "aa", .now_ms = 5};
    struct load_result pending = result;

    fx_open(&f);
    int64_t run = fx_run(&f, "t"), o = fx_see(&f, P, "a", "A", 1);
    int64_t job = fx_job(&f, P, "REPLAY", (int64_t[]){o, 0});
    fx_take(&f, "t", run, job);
    is_int(withdraw(job), 0);
    is_int(job_put_back(f.s, job, 5, &f.err), 0);
    pending.load_id = fx_load_of(&f, job);
    must_rc(load_pending(f.s, "t", &pending, &f.err), &f.err);
    fx_sql(&f, "UPDATE execution SET status = 'ABORTED'"); /* its flag is stale from here on */
    is_int(job_put_back(f.s, job, 6, &f.err), 1);
    is_str(job_state(job), "QUEUED");
    is_int(withdraw(job), 0); /* COMMIT may have come: only the ledger knows */
    is_str(job_state(job), "QUEUED");
    fx_close(&f);
}

TEST(a_run_that_was_ended_before_its_effect_gives_its_replay_back)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), o = fx_see(&f, P, "a", "A", 1);
    int64_t job = fx_job(&f, P, "REPLAY", (int64_t[]){o, 0});
    fx_take(&f, "t", run, job);
    fx_sql(&f, "UPDATE execution SET status = 'ABORTED'");
    is_int(job_put_back(f.s, job, 6, &f.err), 1);
    is_int(job_put_back(f.s, job, 6, &f.err), 0);
    is_int(withdraw(job), 1);
    is_str(job_state(job), "SUPERSEDED");
    fx_close(&f);
}

TEST(a_replay_that_is_loaded_in_part_goes_on_to_its_reconciliation_with_that_part)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), a = fx_see(&f, P, "a", "A", 1), b = fx_see(&f, P, "b", "B", 1);
    int64_t job = fx_job(&f, P, "REPLAY", (int64_t[]){a, b, 0});
    fx_take(&f, "t", run, job);
    fx_sql(&f, "UPDATE load SET state = 'LOADED' WHERE object_id = (SELECT min(id) FROM object)");
    fx_sql(&f, "UPDATE execution SET status = 'ABORTED'");
    is_int(job_put_back(f.s, job, 6, &f.err), 1);
    is_int(withdraw(job), 1);
    is_str(job_state(job), "QUEUED"); /* the next run finds its load done, and compares */
    is_str(verdict(b), "NEW");
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE state = 'LOADED'"), 1);
    fx_close(&f);
}
