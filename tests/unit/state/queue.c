#include "base/clock.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;
static const char *const P = "2022-06-05T12";

static const char *job_state(int64_t job)
{
    char sql[80];

    snprintf(sql, sizeof sql, "SELECT state FROM job WHERE id = %lld", (long long)job);
    return fx_text(&f, sql);
}

static int64_t next(const char *part, int64_t now, int64_t *pending)
{
    struct job j = {0};
    int rc = job_next(f.s, "loans", part, now, &j, pending, &f.err);
    int64_t id = rc > 0 ? j.id : 0;

    must_rc(rc, &f.err);
    job_release(&j);
    return id;
}

TEST(a_pipeline_that_was_never_seen_has_defaults_and_reading_writes_nothing)
{
    struct pipeline_row p;

    fx_open(&f);
    must_rc(pipeline_get(f.s, "loans", &p, &f.err), &f.err);
    is_int(p.ledger_seq, -1);
    is_str(p.ledger_target, "");
    pipeline_row_release(&p);
    is_int(fx_number(&f, "SELECT count(*) FROM pipeline"), 0);
    must_rc(pipeline_ledger_known(f.s, NULL, "loans", "db.t", 3, 17, &f.err), &f.err);
    must_rc(pipeline_backoff(f.s, "loans", 99, 2, &f.err), &f.err);
    must_rc(pipeline_get(f.s, "loans", &p, &f.err), &f.err);
    is_int(p.ledger_epoch, 3);
    is_int(p.ledger_seq, 17);
    is_int(p.retry_ms, 99);
    is_str(p.ledger_target, "db.t");
    pipeline_row_release(&p);
    fx_close(&f);
}

TEST(jobs_are_numbered_named_and_given_out_oldest_first)
{
    char name[JOB_NAME_SIZE];
    struct job j = {0};
    int64_t pending = 0;

    fx_open(&f);
    int64_t later =
        fx_job(&f, "2022-06-05T13", "LOAD", (int64_t[]){fx_see(&f, "2022-06-05T13", "c", "C", 1), 0});
    int64_t a = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    int64_t b = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "b", "B", 1), 0});
    must_rc(job_get(f.s, b, &j, &f.err), &f.err);
    is_str(job_name(&j, name), "loans/2022-06-05T12#2");
    is_int(j.objects, 1);
    job_release(&j);
    is_int(next(NULL, 1, &pending), a);
    is_int(pending, 3);
    is_int(next("2022-06-05T13", 1, &pending), later);
    is_int(pending, 1);
    is_int(fx_number(&f, "SELECT count(*) FROM partition_ WHERE state = 'QUEUED'"), 2);
    fails(job_get(f.s, 99, &j, &f.err), &f.err, ERR_NOT_FOUND);
    fx_close(&f);
}

TEST(load_ids_ascend_with_time_differ_and_fit_into_a_double)
{
    int64_t ids[200];

    fx_open(&f);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%03d", i);
        ids[i] = fx_load_of(&f, fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, key, "A", 1), 0}));
        ok(ids[i] > 0 && ids[i] < (INT64_C(1) << 53));
    }
    is_int(fx_number(&f, "SELECT count(DISTINCT load_id) FROM load"), 200);
    ok(ids[0] >> 22 > 100000000); /* seconds since 2020, not a counter that a restored file would repeat */
    fx_close(&f);
}

TEST(back_off_holds_a_job_until_its_time)
{
    int64_t pending;

    fx_open(&f);
    int64_t a = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    struct job_outcome o = {.job_id = a,
                            .state = "FAILED",
                            .error = "Orch.Transient",
                            .message = "m",
                            .not_before_ms = 1000,
                            .now_ms = 1};
    must_rc(job_set(f.s, NULL, &o, &f.err), &f.err);
    is_int(next(NULL, 999, &pending), 0);
    is_int(pending, 1);
    is_int(next(NULL, 1000, &pending), a);
    o.state = "DEAD";
    o.counts = true;
    must_rc(job_set(f.s, NULL, &o, &f.err), &f.err);
    is_int(next(NULL, 5000, &pending), 0);
    is_int(pending, 0);
    is_int(job_retry(f.s, a, 1, &f.err), 1);
    is_int(job_retry(f.s, a, 1, &f.err), 0);
    is_int(next(NULL, 1, &pending), a);
    is_int(fx_number(&f, "SELECT attempts + tries FROM job"), 0);
    fx_close(&f);
}

TEST(a_loaded_and_reconciled_job_is_done_and_its_object_known)
{
    int64_t pending;

    fx_open(&f);
    int64_t run = fx_run(&f, "t"), o = fx_see(&f, P, "a", "A", 1);
    int64_t a = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    fx_load_job(&f, "t", run, a);
    is_str(job_state(a), "RECONCILED");
    is_int(next(NULL, 1, &pending), 0);
    is_int(pending, 0);
    is_str(fx_text(&f, "SELECT verdict FROM object"), "LOADED");
    is_str(fx_text(&f, "SELECT sha256 FROM object"), "aa");
    struct partition_row p = {0};
    is_int(partition_get(f.s, "loans", P, &p, &f.err), 1);
    ok(!p.open);
    partition_row_release(&p);
    fx_close(&f);
}

TEST(loaded_without_reconcile_is_not_given_out_for_ever)
{
    int64_t pending;

    fx_open(&f);
    int64_t run = fx_run(&f, "t"), a = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    char flag[40];
    snprintf(flag, sizeof flag, "%s", fx_take(&f, "t", run, a));
    const struct job_outcome loaded = {.job_id = a, .state = "LOADED", .now_ms = 5};
    must_rc(job_set(f.s, "t", &loaded, &f.err), &f.err);
    is_int(next(NULL, 1, &pending), 0); /* its run goes on */
    must_rc(flag_reset(f.s, "t", "loans", flag, NULL, &f.err), &f.err);
    is_int(next(NULL, 1, &pending), 0); /* a workflow that has no Reconcile */
    is_int(pending, 0);
    fx_close(&f);
}

TEST(loaded_whose_run_died_before_reconcile_is_given_out_again)
{
    int64_t pending;

    fx_open(&f);
    int64_t run = fx_run(&f, "t"), two = fx_run(&f, "u");
    int64_t a = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    fx_take(&f, "t", run, a);
    const struct job_outcome loaded = {.job_id = a, .state = "LOADED", .now_ms = 5};
    must_rc(job_set(f.s, "t", &loaded, &f.err), &f.err);
    fx_sql(&f, "UPDATE execution SET status = 'ABORTED' WHERE name = 'run-t'");
    is_int(next(NULL, 1, &pending), a);
    fx_take(&f, "u", two, a);
    is_str(job_state(a), "PROCESSING");
    fx_close(&f);
}

TEST(a_key_is_in_one_open_job_and_a_replay_takes_it_out_of_the_other)
{
    int64_t pending;

    fx_open(&f);
    int64_t a = fx_see(&f, P, "a", "A", 1), b = fx_see(&f, P, "b", "B", 1);
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){a, b, 0});
    struct job_outcome o = {.job_id = one, .state = "DEAD", .now_ms = 1, .counts = true};
    must_rc(job_set(f.s, NULL, &o, &f.err), &f.err);
    int64_t two = fx_job(&f, P, "REPLAY", (int64_t[]){a, 0});
    is_str(job_state(one), "DEAD"); /* b is still its */
    int64_t three = fx_job(&f, P, "REPLAY", (int64_t[]){b, 0});
    is_str(job_state(one), "SUPERSEDED"); /* nothing left of it: no red light for ever */
    is_int(next(NULL, 1, &pending), two);
    is_int(pending, 2);
    is_int(fx_number(&f, "SELECT generation FROM load ORDER BY job_id DESC LIMIT 1"), 2);
    ok(three > two);
    fx_close(&f);
}

TEST(no_new_job_for_a_key_that_is_being_loaded_or_whose_outcome_is_unknown)
{
    int64_t id;

    fx_open(&f);
    int64_t run = fx_run(&f, "t"), a = fx_see(&f, P, "a", "A", 1);
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){a, 0});
    char flag[40];
    const struct job_new replay = {
        .pipeline = "loans", .part = P, .kind = "REPLAY", .objects = &a, .object_count = 1};
    snprintf(flag, sizeof flag, "%s", fx_take(&f, "t", run, one));
    must_rc(store_begin(f.s, &f.err), &f.err);
    fails(job_create(f.s, &replay, &id, &f.err), &f.err, ERR_BUSY);
    store_rollback(f.s);
    const struct load_result r = {.load_id = fx_load_of(&f, one), .columns = "", .sha256 = "", .now_ms = 1};
    must_rc(load_pending(f.s, "t", &r, &f.err), &f.err);
    const struct job_outcome o = {.job_id = one, .state = "FAILED", .now_ms = 1};
    is_int(flag_reset(f.s, "t", "loans", flag, &o, &f.err), 1);
    must_rc(store_begin(f.s, &f.err), &f.err);
    fails(job_create(f.s, &replay, &id, &f.err), &f.err, ERR_BUSY); /* it may be in the target */
    store_rollback(f.s);
    fx_close(&f);
}

TEST(a_replay_supersedes_what_it_replaced_and_its_mismatch)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), a = fx_see(&f, P, "a", "A", 1);
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){a, 0});
    fx_load_job(&f, "t", run, one);
    const struct reconciliation differs = {
        .job_id = one,
        .at_ms = 6,
        .verdict = "DIFFERENT",
        .differences = "[{\"column\":\"age\",\"what\":\"sum\",\"source\":\"5\",\"target\":\"6\"}]"};
    must_rc(reconciliation_put(f.s, NULL, &differs, &f.err), &f.err);
    is_str(job_state(one), "MISMATCHED");
    is_str(fx_text(&f, "SELECT message FROM job"), "column age: sum is 5 in the source and 6 in the target");
    int64_t two = fx_job(&f, P, "REPLAY", (int64_t[]){a, 0});
    is_str(job_state(one), "MISMATCHED");
    is_int(fx_number(&f, "SELECT replaces FROM load WHERE job_id = 2"), fx_load_of(&f, one));
    fx_load_job(&f, "t", run, two);
    is_str(job_state(one), "SUPERSEDED");
    is_str(job_state(two), "RECONCILED");
    struct load_row l = {0};
    is_int(load_newest(f.s, "loans", "a", &l, &f.err), 1);
    is_int(l.job_id, two);
    is_int(l.generation, 2);
    load_row_release(&l);
    fx_close(&f);
}

TEST(settling_again_changes_nothing_and_never_backwards)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), one = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    int64_t load = fx_load_of(&f, one);
    fx_load_job(&f, "t", run, one);
    must_rc(load_settle(f.s, NULL, load, "LOADED", 9, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT loaded_ms FROM load"), 5);
    fails(load_settle(f.s, NULL, load, "DRAWN", 9, &f.err), &f.err, ERR_LOCK_LOST);
    is_str(fx_text(&f, "SELECT state FROM load"), "LOADED");
    fx_close(&f);
}

TEST(all_empty_is_empty_and_unverifiable_stays_loaded)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), one = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    fx_load_job(&f, "t", run, one);
    fx_sql(&f, "UPDATE load SET state = 'EMPTY'; UPDATE job SET state = 'LOADED'");
    struct reconciliation r = {.job_id = one, .at_ms = 7, .verdict = "EQUAL", .differences = "[]"};
    must_rc(reconciliation_put(f.s, NULL, &r, &f.err), &f.err);
    is_str(job_state(one), "EMPTY");
    fx_sql(&f, "UPDATE load SET state = 'LOADED'; UPDATE job SET state = 'LOADED'");
    r.verdict = "UNVERIFIABLE";
    must_rc(reconciliation_put(f.s, NULL, &r, &f.err), &f.err);
    is_str(job_state(one), "LOADED");
    is_int(fx_number(&f, "SELECT unverifiable FROM job"), 1);
    struct partition_row p = {0};
    is_int(partition_get(f.s, "loans", P, &p, &f.err), 1);
    ok(!p.open); /* as far as it will ever come */
    partition_row_release(&p);
    fx_close(&f);
}

TEST(skip_takes_jobs_out_and_undo_lets_the_next_listing_find_them)
{
    int64_t pending, id;

    fx_open(&f);
    int64_t o = fx_see(&f, P, "a", "A", 1), one = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    fx_decide(&f, P, "SKIPPED", "closed", 10);
    is_str(job_state(one), "SUPERSEDED");
    is_int(next(NULL, 1, &pending), 0);
    is_int(pending, 0);
    struct partition_row p = {0};
    is_int(partition_get(f.s, "loans", P, &p, &f.err), 1);
    is_str(p.state, "SKIPPED");
    is_str(p.reason, "closed");
    is_int(p.since_ms, 10);
    partition_row_release(&p);
    const struct partition_seen seen = {.part = P, .state = "QUEUED", .now_ms = 20};
    const struct job_new again = {
        .pipeline = "loans", .part = P, .kind = "LOAD", .objects = &o, .object_count = 1};
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(partition_put(f.s, "loans", &seen, &f.err), &f.err);
    fails(job_create(f.s, &again, &id, &f.err), &f.err, ERR_CONTRACT);
    must_rc(store_commit(f.s, &f.err), &f.err);
    is_str(fx_text(&f, "SELECT state FROM partition_"), "SKIPPED");
    fx_decide(&f, P, "WAITING", "", 30);
    is_str(fx_text(&f, "SELECT verdict FROM object"), "NEW");
    int64_t two = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    is_int(next(NULL, 1, &pending), two);
    fx_close(&f);
}

TEST(a_partition_keeps_when_its_state_began)
{
    struct partition_seen p = {.part = P, .state = "WAITING", .now_ms = 10};

    fx_open(&f);
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(partition_put(f.s, "loans", &p, &f.err), &f.err);
    p.now_ms = 20;
    must_rc(partition_put(f.s, "loans", &p, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT since_ms FROM partition_"), 10);
    is_int(fx_number(&f, "SELECT listed_ms FROM partition_"), 20);
    p.state = "LATE";
    must_rc(partition_put(f.s, "loans", &p, &f.err), &f.err);
    is_int(fx_number(&f, "SELECT since_ms FROM partition_"), 20);
    must_rc(store_commit(f.s, &f.err), &f.err);
    fx_close(&f);
}

/* ---- rebuilding from the ledger ---- */

static struct rebuilt row(int64_t load_id, const char *key, const char *etag, int64_t generation,
                          const char *state)
{
    return (struct rebuilt){.pipeline = "loans",
                            .part = P,
                            .key = key,
                            .etag = etag,
                            .sha256 = "aa",
                            .state = state,
                            .columns = "{}",
                            .job = P,
                            .reason = "",
                            .load_id = load_id,
                            .generation = generation,
                            .size = 1,
                            .rows_read = 10,
                            .rows_loaded = 9,
                            .rows_rejected = 1,
                            .at_ms = 100,
                            .now_ms = 200};
}

static void rebuild(const struct rebuilt *rows, size_t n)
{
    must_rc(store_begin(f.s, &f.err), &f.err);
    must_rc(queue_rebuild_begin(f.s, "loans", &f.err), &f.err);
    for (size_t i = 0; i < n; i++)
        must_rc(queue_rebuild_row(f.s, &rows[i], &f.err), &f.err);
    must_rc(queue_rebuild_end(f.s, "loans", 200, &f.err), &f.err);
    must_rc(store_commit(f.s, &f.err), &f.err);
}

TEST(an_empty_file_is_rebuilt_and_what_is_loaded_is_known_and_reconciled_again)
{
    int64_t pending;

    fx_open(&f);
    struct rebuilt rows[] = {row(11, "a", "A", 1, "SUPERSEDED"),
                             row(12, "a", "B", 2, "LOADED"),
                             row(13, "b", "X", 1, "EMPTY"),
                             {.pipeline = "loans",
                              .part = "2022-06-05T13",
                              .key = "",
                              .state = "SKIPPED",
                              .reason = "closed",
                              .job = "",
                              .at_ms = 7,
                              .load_id = 14}};
    rows[1].job = "2022-06-05T12#2";
    rows[1].reason = "the bank sent it again";
    for (int i = 0; i < 2; i++) { /* twice: nothing changes */
        rebuild(rows, ARRAY_LEN(rows));
        is_int(fx_number(&f, "SELECT count(*) FROM load"), 3);
        is_int(fx_number(&f, "SELECT count(*) FROM job"), 2);
        is_int(fx_number(&f, "SELECT count(*) FROM object"), 3);
    }
    is_str(fx_text(&f, "SELECT state FROM partition_ WHERE part = '2022-06-05T13'"), "SKIPPED");
    is_str(fx_text(&f, "SELECT kind || n FROM job WHERE id = 2"), "REPLAY2");
    is_str(job_state(2), "LOADED");
    is_int(fx_see(&f, P, "a", "B", 1), fx_number(&f, "SELECT object_id FROM load WHERE load_id = 12"));
    is_int(next(NULL, 1, &pending), 1);
    is_int(pending, 2);
    is_int(fx_number(&f, "SELECT rejects_missing FROM load WHERE load_id = 12"), 1);
    /* the next generation of the key is greater than any that the ledger has */
    int64_t o = fx_see(&f, P, "a", "C", 1);
    int64_t j = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    is_int(fx_number(&f, "SELECT generation FROM load ORDER BY job_id DESC LIMIT 1"), 3);
    is_int(fx_number(&f, "SELECT replaces FROM load ORDER BY job_id DESC LIMIT 1"), 12);
    is_int(fx_number(&f, "SELECT n FROM job ORDER BY id DESC LIMIT 1"), 3);
    ok(j > 2);
    fx_close(&f);
}

TEST(an_older_file_put_back_does_not_load_again_what_the_ledger_has)
{
    int64_t pending;

    fx_open(&f);
    /* it knows: a queued under its own load id; b queued; c loaded and since overwritten */
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    int64_t two = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "b", "B", 1), 0});
    int64_t b = fx_load_of(&f, two);
    struct rebuilt rows[] = {row(77, "a", "A", 1, "LOADED"), row(b, "b", "B", 1, "LOADED")};
    rows[1].job = "2022-06-05T12#2";
    rebuild(rows, 2);
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE state = 'DRAWN'"), 0);
    is_int(fx_load_of(&f, one), 77);
    is_str(job_state(one), "LOADED");
    is_str(job_state(two), "LOADED");
    is_int(fx_number(&f, "SELECT count(*) FROM object WHERE verdict <> 'LOADED'"), 0);
    is_int(next(NULL, 1, &pending), one); /* to be reconciled, not loaded */
    fx_close(&f);
}

TEST(a_settled_job_that_gets_a_load_of_another_host_is_looked_at_again)
{
    int64_t pending;

    fx_open(&f);
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    struct rebuilt rows[] = {row(fx_load_of(&f, one), "a", "A", 1, "LOADED"), row(77, "b", "B", 1, "LOADED")};
    rebuild(rows, 1);
    fx_sql(&f, "UPDATE job SET state = 'RECONCILED'");
    rebuild(rows, 1);
    is_str(job_state(one), "RECONCILED");
    rebuild(rows, 2);
    is_str(job_state(one), "LOADED");
    is_int(next(NULL, 1, &pending), one);
    is_int(fx_number(&f, "SELECT rejects_missing FROM load WHERE load_id = 77"), 1);
    fx_close(&f);
}

TEST(a_draw_that_the_ledger_is_past_can_never_be_loaded)
{
    fx_open(&f);
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    struct rebuilt rows[] = {row(50, "a", "A", 1, "SUPERSEDED"), row(51, "a", "B", 2, "LOADED")};
    rows[1].job = "2022-06-05T12#2";
    rebuild(rows, 2);
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE state = 'DRAWN'"), 0);
    is_str(job_state(one), "SUPERSEDED");
    is_int(fx_see(&f, P, "a", "B", 1), fx_number(&f, "SELECT object_id FROM load WHERE load_id = 51"));
    fx_close(&f);
}

TEST(a_replay_that_waits_survives_a_rebuild)
{
    int64_t pending;

    fx_open(&f);
    int64_t run = fx_run(&f, "t"), o = fx_see(&f, P, "a", "A", 1),
            one = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    int64_t a = fx_load_of(&f, one);
    fx_load_job(&f, "t", run, one);
    int64_t two = fx_job(&f, P, "REPLAY", (int64_t[]){o, 0}), b = fx_load_of(&f, two);
    struct rebuilt rows[] = {row(a, "a", "A", 1, "LOADED")};
    rebuild(rows, 1);
    is_str(job_state(two), "QUEUED");
    is_int(fx_load_of(&f, two), b);
    is_int(next(NULL, 1, &pending), two);
    fx_close(&f);
}

TEST(two_generations_of_one_identity_under_one_job_name)
{
    fx_open(&f);
    struct rebuilt rows[] = {row(50, "a", "A", 1, "SUPERSEDED"), row(51, "a", "A", 2, "LOADED")};
    for (int i = 0; i < 2; i++)
        rebuild(rows, 2);
    is_int(fx_number(&f, "SELECT count(*) FROM load"), 2);
    is_str(job_state(1), "LOADED");
    is_int(fx_see(&f, P, "a", "A", 1), fx_number(&f, "SELECT object_id FROM load WHERE load_id = 51"));
    fx_close(&f);
}

TEST(what_the_ledger_lost_is_loaded_again_under_its_own_id)
{
    int64_t pending;

    fx_open(&f);
    int64_t run = fx_run(&f, "t");
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), 0});
    int64_t two = fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "b", "B", 1), 0});
    int64_t a = fx_load_of(&f, one), b = fx_load_of(&f, two);
    fx_load_job(&f, "t", run, one);
    fx_load_job(&f, "t", run, two);
    const struct reject bad = {.line = 2, .code = "X", .message = "m", .raw = "", .column = ""};
    must_rc(reject_put(f.s, NULL, b, &bad, 1, true, 1, &f.err), &f.err);
    must_rc(load_settle(f.s, NULL, b, "LOADED", 2, &f.err), &f.err);
    struct rebuilt rows[] = {row(a, "a", "A", 1, "LOADED")};
    rebuild(rows, 1);
    is_str(job_state(one), "RECONCILED");
    is_str(job_state(two), "QUEUED");
    is_str(fx_text(&f, "SELECT state FROM reject"), "PENDING"); /* whether it counts is open again */
    is_int(fx_load_of(&f, two), b);
    is_str(fx_text(&f, "SELECT verdict FROM object ORDER BY id DESC LIMIT 1"), "QUEUED");
    is_int(next(NULL, 1, &pending), two);
    fx_close(&f);
}

TEST(a_target_put_back_to_an_older_generation_is_believed)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t"), o = fx_see(&f, P, "a", "A", 1);
    int64_t one = fx_job(&f, P, "LOAD", (int64_t[]){o, 0});
    int64_t first = fx_load_of(&f, one);
    fx_load_job(&f, "t", run, one);
    int64_t two = fx_job(&f, P, "REPLAY", (int64_t[]){o, 0});
    fx_load_job(&f, "t", run, two);
    is_str(job_state(one), "SUPERSEDED");
    struct rebuilt rows[] = {row(first, "a", "A", 1, "LOADED")};
    rebuild(rows, 1);
    is_str(job_state(one), "LOADED");
    is_str(job_state(two), "QUEUED");
    struct load_row l = {0};
    is_int(load_newest(f.s, "loans", "a", &l, &f.err), 1);
    is_int(l.load_id, first);
    load_row_release(&l);
    fx_close(&f);
}

TEST(a_job_at_work_is_left_alone_by_a_rebuild)
{
    fx_open(&f);
    int64_t run = fx_run(&f, "t");
    int64_t one =
        fx_job(&f, P, "LOAD", (int64_t[]){fx_see(&f, P, "a", "A", 1), fx_see(&f, P, "b", "B", 1), 0});
    int64_t a = fx_number(&f, "SELECT load_id FROM load ORDER BY object_id LIMIT 1");
    fx_take(&f, "t", run, one);
    const struct load_result r = {.load_id = a, .rows_read = 1, .columns = "", .sha256 = "", .now_ms = 1};
    must_rc(load_pending(f.s, "t", &r, &f.err), &f.err);
    rebuild(NULL, 0); /* the ledger was read before its COMMIT */
    is_str(job_state(one), "PROCESSING");
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE state = 'PENDING'"), 1);
    must_rc(load_settle(f.s, "t", a, "LOADED", 2, &f.err), &f.err);
    struct rebuilt rows[] = {row(a, "a", "A", 1, "LOADED")};
    rebuild(rows, 1); /* and again after it */
    is_str(job_state(one), "PROCESSING");
    must_rc(load_settle(f.s, "t", a, "LOADED", 3, &f.err), &f.err);
    fx_close(&f);
}

TEST(a_decision_that_was_taken_back_is_no_longer_one)
{
    fx_open(&f);
    fx_decide(&f, P, "SKIPPED", "closed", 10);
    struct rebuilt rows[] = {{.pipeline = "loans",
                              .part = P,
                              .key = "",
                              .state = "SUPERSEDED",
                              .reason = "",
                              .job = "",
                              .at_ms = 20,
                              .load_id = 5}};
    rebuild(rows, 1);
    is_str(fx_text(&f, "SELECT state FROM partition_"), "WAITING");
    fx_close(&f);
}
