#include "state/exec.h"
#include "state/store_int.h"
#include "state/trigger.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

static struct err err;
static struct store *s;
static const struct execution_new plain = {.name = "n1",
                                           .pipeline = "p",
                                           .workflow_sha256 = "w",
                                           .cause_of_start = "RUN",
                                           .input = "{}",
                                           .start_at = "A",
                                           .now_ms = 1000};

static void open_fresh(void)
{
    char *folder = tmp_dir(), *path = tmp_path(folder, "orch.db");

    must_rc(store_open(path, STORE_CREATE, &s, &err), &err);
    must_rc(store_begin(s, &err), &err);
    must_rc(workflow_put(s, "w", "w", "{}", 1, &err), &err);
    free(folder);
    free(path);
}

static void done(void)
{
    store_close(s);
    s = NULL;
}

static int64_t create(const char *name, const char *pipeline, int64_t now)
{
    struct execution_new n = plain;
    int64_t id = 0;

    n.name = name;
    n.pipeline = pipeline;
    n.now_ms = now;
    must_rc(exec_create(s, &n, &id, &err), &err);
    return id;
}

static int claim(int64_t id, int64_t from, int64_t to)
{
    const struct claim_new c = {.id = id,
                                .expect_claim = from,
                                .claim = to,
                                .lock = "x",
                                .boot_id = "b",
                                .pid = 1,
                                .pid_start = 1,
                                .lease_boot_ms = 5,
                                .lease_ms = 10};

    return exec_claim(s, &c, &err);
}

static struct task task_of(const char *token)
{
    return (struct task){.state = (char *)(uintptr_t) "A",
                         .token = (char *)(uintptr_t)token,
                         .resource = (char *)(uintptr_t) "r",
                         .parameters = (char *)(uintptr_t) "{}",
                         .attempt = 1,
                         .scheduled_ms = 1};
}

TEST(a_claim_is_won_once)
{
    open_fresh();
    int64_t id = create("n1", "p", 1);
    is_int(claim(id, 0, 1), 1);
    is_int(claim(id, 0, 1), 0); /* who read the old number comes too late */
    is_int(claim(id, 1, 2), 1); /* takeover */
    bool stop = true;
    fails(exec_renew(s, id, 1, 6, 10, &stop, &err), &err, ERR_LOCK_LOST);
    must_rc(exec_renew(s, id, 2, 6, 10, &stop, &err), &err);
    ok(!stop);
    must_rc(exec_request_stop(s, id, "E", "C", &err), &err);
    must_rc(exec_renew(s, id, 2, 6, 10, &stop, &err), &err);
    ok(stop);
    fails(exec_release_claim(s, id, 1, &err), &err, ERR_LOCK_LOST);
    must_rc(exec_release_claim(s, id, 2, &err), &err);
    fails(exec_renew(s, id, 2, 6, 10, &stop, &err), &err, ERR_LOCK_LOST); /* given up is given up */
    struct execution e = {0};
    must_rc(exec_get(s, id, &e, &err), &err);
    ok(e.claim_lock == NULL);
    is_int(e.claim, 2);
    execution_release(&e);
    done();
}

TEST(what_moves_an_execution_needs_the_claim)
{
    open_fresh();
    int64_t id = create("n1", "p", 1);
    fails(exec_ours(s, id, 0, &err), &err, ERR_LOCK_LOST); /* nobody's yet */
    is_int(claim(id, 0, 1), 1);
    must_rc(exec_ours(s, id, 1, &err), &err);
    fails(exec_ours(s, id, 0, &err), &err, ERR_LOCK_LOST);
    is_int(claim(id, 1, 2), 1);
    fails(exec_ours(s, id, 1, &err), &err, ERR_LOCK_LOST);
    fails(exec_finish(s, id, 1, "SUCCEEDED", "{}", NULL, NULL, false, 9, &err), &err, ERR_LOCK_LOST);
    must_rc(exec_finish(s, id, 2, "SUCCEEDED", "{}", NULL, NULL, false, 9, &err), &err);
    fails(exec_finish(s, id, 2, "FAILED", NULL, NULL, NULL, false, 9, &err), &err, ERR_LOCK_LOST);
    fails(exec_ours(s, id, 2, &err), &err, ERR_LOCK_LOST); /* closed is closed */
    is_int(claim(id, 2, 3), 0);
    done();
}

static int on_frame(void *arg, const struct frame *f, struct err *err2)
{
    struct buf *text = arg;

    return buf_addf(text, err2, "%lld/%lld %s %s %s %s; ", (long long)f->parent, (long long)f->id, f->state,
                    f->phase, f->input, f->vars ? f->vars : "-");
}

static int64_t number(const char *sql)
{
    sqlite3_stmt *st = NULL;

    must(sqlite3_prepare_v2(store_db(s), sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static const char *frames_of(int64_t id)
{
    static char all[400];
    struct buf text = BUF_INIT(sizeof all - 1);

    must_rc(frame_list(s, id, on_frame, &text, &err), &err);
    snprintf(all, sizeof all, "%s", text.n > 0 ? text.p : "");
    buf_release(&text);
    return all;
}

static void put_frame(int64_t id, struct frame f)
{
    must_rc(frame_put(s, id, &f, &err), &err);
}

#define S(text) ((char *)(uintptr_t)(text))

TEST(a_frame_points_at_what_the_history_holds)
{
    open_fresh();
    struct execution_new n = plain;
    n.input = "{\"a\":1}";
    int64_t id = 0;
    must_rc(exec_create(s, &n, &id, &err), &err);
    is_str(frames_of(id), "-1/0 A ENTER {\"a\":1} -; ");
    is_int(number("SELECT count(input) FROM frame"), 0);
    const struct event_new e = {
        2, 1, "PassStateExited", "{\"stateExitedEventDetails\":{\"output\":\"[1,\\\"x\\\"]\"}}", "A", 0};
    must_rc(event_put(s, id, &e, 5, &err), &err);
    struct frame f = {
        .parent = -1, .kind = S("ROOT"), .state = S("B"), .phase = S("SPAWN"), .input_event = 2};
    put_frame(id, f);
    struct frame own = {.id = 7,
                        .item = 1,
                        .kind = S("ITERATION"),
                        .state = S("C"),
                        .phase = S("WAIT"),
                        .input = S("3"),
                        .vars = S("{\"v\":2}"),
                        .wake_ms = 90,
                        .entered_ms = 10};
    put_frame(id, own);
    is_str(frames_of(id), "-1/0 B SPAWN [1,\"x\"] -; 0/7 C WAIT 3 {\"v\":2}; ");
    int64_t wake;
    must_rc(frame_wake(s, id, 1000, &wake, &err), &err);
    is_int(wake, 0); /* another iteration may begin */
    f.phase = S("CHILDREN");
    put_frame(id, f);
    must_rc(frame_wake(s, id, 1000, &wake, &err), &err);
    is_int(wake, 90);
    own.phase = S("RETRY"); /* entered in the future: the clock was set back */
    put_frame(id, own);
    must_rc(frame_wake(s, id, 9, &wake, &err), &err);
    is_int(wake, 0);
    must_rc(frame_drop(s, id, 0, &err), &err);
    is_str(frames_of(id), "-1/0 B CHILDREN [1,\"x\"] -; ");
    done();
}

TEST(a_task_has_one_life_and_its_token_ends_with_it)
{
    struct task t = task_of("t1"), live = {0};

    open_fresh();
    int64_t id = create("n1", "p", 1);
    is_int(claim(id, 0, 1), 1);
    is_int(task_live(s, id, 0, &live, &err), 0);
    must_rc(task_schedule(s, id, 0, &t, &err), &err);
    struct task second = task_of("t2");
    fails(task_schedule(s, id, 0, &second, &err), &err, ERR_INTERNAL); /* one live task a frame */
    fails(task_guard(s, "t1", &err), &err, ERR_LOCK_LOST);             /* not STARTED yet */
    fails(task_finish(s, "t1", "SUCCEEDED", 5, &err), &err, ERR_LOCK_LOST);
    must_rc(task_start(s, "t1", 1, 3, &err), &err);
    fails(task_start(s, "t1", 1, 3, &err), &err, ERR_LOCK_LOST);
    must_rc(task_guard(s, "t1", &err), &err);
    must_rc(task_beat(s, "t1", 4, &err), &err);
    is_int(task_live(s, id, 0, &live, &err), 1);
    is_str(live.status, "STARTED");
    is_int(live.last_beat_ms, 4);
    task_release(&live);
    must_rc(task_finish(s, "t1", "TIMED_OUT", 5, &err), &err);
    fails(task_finish(s, "t1", "SUCCEEDED", 6, &err), &err,
          ERR_LOCK_LOST); /* too late: its answer is dropped */
    fails(task_guard(s, "t1", &err), &err, ERR_LOCK_LOST);
    fails(task_beat(s, "t1", 6, &err), &err, ERR_LOCK_LOST);
    must_rc(task_schedule(s, id, 0, &second, &err), &err);
    done();
}

TEST(an_owner_that_was_taken_over_writes_nothing_even_before_its_task_is_timed_out)
{
    struct task t = task_of("t1");

    open_fresh();
    int64_t id = create("n1", "p", 1);
    is_int(claim(id, 0, 1), 1);
    must_rc(task_schedule(s, id, 0, &t, &err), &err);
    must_rc(task_start(s, "t1", 1, 3, &err), &err);
    is_int(claim(id, 1, 2), 1);
    fails(task_guard(s, "t1", &err), &err, ERR_LOCK_LOST);
    must_rc(store_commit(s, &err), &err);
    fails(store_step_begin(s, "t1", &err), &err, ERR_LOCK_LOST);
    ok(!store_in_tx(s));
    done();
}

TEST(history_only_grows)
{
    int64_t id, event;

    open_fresh();
    id = create("n1", "p", 1);
    const struct event_new e = {2, 0, "PassStateEntered", NULL, "A", 0};
    must_rc(event_put(s, id, &e, 2, &err), &err);
    fails(event_put(s, id, &e, 2, &err), &err, ERR_INTERNAL); /* no id twice */
    must_rc(event_add(s, id, "ExecutionAborted", NULL, 2, &err), &err);
    ok(sqlite3_exec(store_db(s), "UPDATE event SET type = 'x'", NULL, NULL, NULL) != SQLITE_OK);
    ok(sqlite3_exec(store_db(s), "DELETE FROM event", NULL, NULL, NULL) != SQLITE_OK);
    must_rc(event_count(s, id, &event, &err), &err);
    is_int(event, 3);
    done();
}

static int64_t finished(const char *name, const char *pipeline, int64_t stop_ms, bool idle)
{
    int64_t id = create(name, pipeline, stop_ms);

    is_int(claim(id, 0, 1), 1);
    must_rc(exec_finish(s, id, 1, "SUCCEEDED", "{}", NULL, NULL, idle, stop_ms, &err), &err);
    return id;
}

static bool exists(int64_t id)
{
    struct execution e = {0};
    bool yes = exec_get(s, id, &e, &err) == 0;

    execution_release(&e);
    return yes;
}

TEST(pruning_takes_the_old_and_leaves_the_newest_and_the_running)
{
    open_fresh();
    int64_t old = finished("old", "p", 100, false), old_idle = finished("old-idle", "p", 600, true);
    int64_t young = finished("young", "p", 600, false), young_idle = finished("young-idle", "p", 950, true);
    int64_t lone = finished("lone", "q", 10, true), running = create("running", "p", 1);
    int64_t last = finished("last", "p", 20, true);
    is_int(exec_prune(s, 900, 500, &err), 2);
    ok(!exists(old));
    ok(!exists(old_idle));
    ok(exists(young));
    ok(exists(young_idle));
    ok(exists(lone)); /* tells how q is, however long ago that was */
    ok(exists(running));
    ok(exists(last)); /* and so its id is never given again */
    int64_t events = -1;
    must_rc(event_count(s, old, &events, &err), &err);
    is_int(events, 0);
    is_int(exec_prune(s, 900, 500, &err), 0);
    done();
}

TEST(only_runs_that_did_more_than_look_are_remembered)
{
    struct task look = task_of("t1"), load = task_of("t2");

    look.resource = (char *)(uintptr_t) "arn:aws:states:eu-west-1:1:activity:orch-generate-queue";
    load.resource = (char *)(uintptr_t) "arn:aws:states:eu-west-1:1:activity:orch-ingest";
    open_fresh();
    int64_t id = create("n1", "p", 1);
    is_int(exec_worked(s, id, &err), 0);
    must_rc(task_schedule(s, id, 0, &look, &err), &err);
    is_int(exec_worked(s, id, &err), 0);
    must_rc(task_start(s, "t1", 0, 1, &err), &err);
    must_rc(task_finish(s, "t1", "SUCCEEDED", 1, &err), &err);
    must_rc(task_schedule(s, id, 0, &load, &err), &err);
    is_int(exec_worked(s, id, &err), 1);
    done();
}

static int count_one(void *arg, const struct execution *e, struct err *e2)
{
    UNUSED(e);
    UNUSED(e2);
    ++*(int *)arg;
    return 0;
}

TEST(listings_filter_by_pipeline_and_status)
{
    int n = 0;

    open_fresh();
    finished("a", "p", 1, false);
    create("b", "p", 2);
    create("c", "q", 3);
    must_rc(exec_list(s, "p", "RUNNING", -1, count_one, &n, &err), &err);
    is_int(n, 1);
    n = 0;
    must_rc(exec_list(s, NULL, "RUNNING", -1, count_one, &n, &err), &err);
    is_int(n, 2);
    n = 0;
    must_rc(exec_list(s, "p", NULL, -1, count_one, &n, &err), &err);
    is_int(n, 2);
    n = 0;
    must_rc(exec_list(s, NULL, "SUCCEEDED", -1, count_one, &n, &err), &err);
    is_int(n, 1);
    n = 0;
    must_rc(exec_list(s, NULL, NULL, 2, count_one, &n, &err), &err);
    is_int(n, 2);
    done();
}

TEST(a_fire_is_acted_on_once_and_a_new_schedule_starts_over)
{
    struct trigger t;

    open_fresh();
    is_int(trigger_find(s, "p", "rate(1 hour)", &t, &err), 0);
    must_rc(trigger_get(s, "p", "rate(1 hour)", 50, &t, &err), &err);
    is_int(t.anchor_ms, 50);
    is_int(t.last_fire_ms, -1);
    is_int(trigger_fired(s, "p", 100, &err), 1);
    is_int(trigger_fired(s, "p", 100, &err), 0);
    is_int(trigger_find(s, "p", "rate(1 hour)", &t, &err), 1);
    is_int(t.last_fire_ms, 100);
    must_rc(trigger_get(s, "p", "rate(1 hour)", 70, &t, &err), &err);
    is_int(t.anchor_ms, 50);
    is_int(trigger_find(s, "p", "rate(2 hours)", &t, &err), 0);
    must_rc(trigger_get(s, "p", "rate(2 hours)", 70, &t, &err), &err);
    is_int(t.anchor_ms, 70);
    is_int(t.last_fire_ms, -1);
    done();
}
