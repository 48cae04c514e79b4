/* Parallel, Map and variables on the durable engine: killed anywhere, stopped, timed out; and what the file holds. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/engine.h"
#include "orchestrator/graph_trail.h"
#include "orchestrator/redrive.h"
#include "tests/lib/engine_fixture.h"
#include <signal.h>
#include <unistd.h>

static struct engine_fixture f;

#define STEP(name, more) "\"Type\":\"Task\",\"Resource\":\"" ORCH_STEP(name) "\"," more
#define RETRY                                                                                                \
    "\"Retry\":[{\"ErrorEquals\":[\"States.HeartbeatTimeout\"],\"IntervalSeconds\":1,\"MaxAttempts\":5}]"

/*
 * Two branches: a task, a wait and a variable; and a Map of three items, two at a time, each a task and a wait. Then what
 * both gave, through a variable.
 */
static const char both[] =
    "{\"StartAt\":\"Both\",\"States\":{\"Both\":{\"Type\":\"Parallel\",\"Branches\":["
    "{\"StartAt\":\"A\",\"States\":{\"A\":{" STEP("add", "\"Parameters\":{\"what\":\"a\"},") RETRY
    ",\"ResultPath\":null,\"Assign\":{\"mine\":\"yes\"},\"Next\":\"Nap\"},"
    "\"Nap\":{\"Type\":\"Wait\",\"Seconds\":600,\"Next\":\"Own\"},"
    "\"Own\":{\"Type\":\"Pass\",\"Parameters\":{\"mine.$\":\"$mine\",\"outer.$\":\"$outer\"},\"End\":true}}},"
    "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"ItemsPath\":\"$.items\","
    "\"MaxConcurrency\":2,"
    "\"ItemSelector\":{\"what.$\":\"$$.Map.Item.Value\"},\"ItemProcessor\":{\"StartAt\":\"I\",\"States\":{"
    "\"I\":{" STEP("add", "\"Parameters\":{\"what.$\":\"$.what\"},") RETRY
    ",\"ResultPath\":null,\"Next\":\"J\"},"
    "\"J\":{\"Type\":\"Wait\",\"Seconds\":300,\"Next\":\"K\"},"
    "\"K\":{\"Type\":\"Pass\",\"Parameters\":{\"i.$\":\"$$.Map.Item.Index\",\"was.$\":\"$$.Map.Item.Value\"},"
    "\"End\":true}}},"
    "\"End\":true}}}],\"Assign\":{\"got.$\":\"$\"},\"Next\":\"Last\"},"
    "\"Last\":{\"Type\":\"Pass\",\"Parameters\":{\"r.$\":\"$got\"},\"End\":true}}}";
/* and before it, what sets the outer variable */
static char *whole_of_both(void)
{
    return xasprintf("{\"StartAt\":\"Set\",\"States\":{\"Set\":{\"Type\":\"Pass\",\"Result\":{\"items\":["
                     "\"x\",\"y\",\"z\"]},"
                     "\"Assign\":{\"outer\":7},\"Next\":\"Both\"},%s",
                     strstr(both, "\"Both\":"));
}

/* Works on, an hour later each time, until it has ended. */
static int go_on(int from)
{
    int status = -1;

    for (int i = from; i < from + 12 && status != ENGINE_ENDED; i++) {
        char *now = xasprintf("ORCH_TEST_NOW=+%dm", 11 * i);
        status = ef_wait(ef_child(&f, (const char *const[]){now, NULL}));
        free(now);
    }
    return status;
}

static const char *const checks[] = {
    /* history: no gap, no doublet, every event points at one of its own past */
    "SELECT count(*) = max(id) AND min(id) = 1 AND sum(previous_id >= id) = 0 FROM event",
    "SELECT status = 'SUCCEEDED' FROM execution",
    "SELECT output = "
    "'{\"r\":[{\"mine\":\"yes\",\"outer\":7},[{\"i\":0,\"was\":\"x\"},{\"i\":1,\"was\":\"y\"},"
    "{\"i\":2,\"was\":\"z\"}]]}' FROM execution",
    "SELECT count(*) = 0 FROM task WHERE status IN ('SCHEDULED', 'STARTED')",
    "SELECT sum(type LIKE '%StateEntered') = 16 AND sum(type LIKE '%StateExited') = 16 FROM event",
    "SELECT sum(type = 'MapIterationStarted') = 3 AND sum(type = 'MapIterationSucceeded') = 3 AND "
    "sum(type = 'ParallelStateStarted') = 1 AND sum(type = 'MapStateSucceeded') = 1 FROM event",
    "SELECT sum(type = 'ActivitySucceeded') = 4 FROM event",
    "SELECT sum(type = 'ActivityScheduled') = sum(type IN ('ActivitySucceeded', 'ActivityTimedOut')) FROM "
    "event",
    "SELECT sum(type = 'ActivityStarted') = sum(type = 'ActivityScheduled') FROM event",
    /* no wait was cut short: 600 s, and 300 s each */
    "SELECT count(*) = 4 FROM event x JOIN event e ON x.previous_id = e.id AND x.execution_id = "
    "e.execution_id "
    "WHERE x.type = 'WaitStateExited' AND e.type = 'WaitStateEntered' AND x.ts_ms - e.ts_ms >= "
    "CASE e.details ->> '$.stateEnteredEventDetails.name' WHEN 'Nap' THEN 600000 ELSE 300000 END",
    /* the children are gone */
    "SELECT count(*) = 1 FROM frame",
};

static void check_both(const char *when)
{
    bool good = true;

    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        bool holds = ef_number(&f, checks[i]) == 1;
        if (!ok(holds))
            diag("%s: %s", when, checks[i]);
        good &= holds;
    }
    int64_t starts = ef_number(&f, "SELECT count(*) FROM event WHERE type = 'ActivityStarted'");
    char *path = fs_join(f.folder, "effects"), *effects = ef_get(path, NULL);
    for (const char *what = "axyz"; *what != '\0'; what++)
        good &= ok(strchr(effects, *what) != NULL);
    good &= ok((int64_t)strlen(effects) / 2 <= starts);
    if (!good) {
        char *history = ef_history(&f, 1, "");
        diag("%s: %s", when, history);
        free(history);
    }
    free(path);
    free(effects);
}

/* Dies at the n-th point passed in its first life, for every n; then at every step-th of the second. */
static int die_everywhere(const char *action, int second)
{
    char *workflow = whole_of_both();
    int n, status = -1;

    for (n = 1; n < 400 && status != ENGINE_ENDED; n += second > 0 ? 3 : 1) {
        char *fault = xasprintf("ORCH_FAULT=*=%s@%d", action, second > 0 ? second : n),
             *again = xasprintf("ORCH_FAULT=*=%s@%d", action, n),
             *when = xasprintf("%s at %d, %d", action, second > 0 ? second : n, second > 0 ? n : 0);
        ef_make(&f, workflow, "");
        ef_start(&f, NULL);
        status = ef_wait(ef_child(&f, (const char *const[]){fault, NULL}));
        if (second > 0)
            status = ef_wait(ef_child(&f, (const char *const[]){"ORCH_TEST_NOW=+11m", again, NULL}));
        bool died = status != ENGINE_WAITING && status != ENGINE_ENDED;
        is_int(go_on(2), ENGINE_ENDED);
        check_both(when);
        ef_close(&f);
        free(fault);
        free(again);
        free(when);
        if (!died)
            break;
    }
    free(workflow);
    return n - 1;
}

TEST(killed_at_any_point_all_branches_go_on)
{
    int points = die_everywhere("kill", 0);

    ok(points >= 12);
}

TEST(killed_again_at_any_point_of_its_second_life)
{
    int points = die_everywhere("kill", 9);

    ok(points >= 12);
}

TEST(an_error_at_any_point_of_the_store_is_survived_by_all_branches)
{
    int points = die_everywhere("error", 0);

    ok(points >= 12);
}

TEST(branches_that_wait_give_the_claim_up_and_sleep_until_the_first)
{
    char *workflow = whole_of_both();
    int64_t wake = 0;

    ef_make(&f, workflow, "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, &wake), ENGINE_WAITING);
    is_int(wake, ef_number(&f, "SELECT min(wake_ms) FROM frame WHERE phase = 'WAIT'"));
    is_int(ef_number(&f, "SELECT count(*) FROM frame WHERE phase = 'WAIT'"),
           3); /* the third item has no place yet */
    ef_is(&f, "SELECT phase FROM frame WHERE state = 'Each'", "CHILDREN");
    int64_t claims = ef_number(&f, "SELECT claim FROM execution"),
            events = ef_number(&f, "SELECT count(*) FROM event");
    is_int(ef_work(&f, id, &wake), ENGINE_WAITING);
    is_int(ef_number(&f, "SELECT claim FROM execution"), claims); /* looking at it costs no claim */
    is_int(ef_number(&f, "SELECT count(*) FROM event"), events);
    is_int(go_on(1), ENGINE_ENDED);
    check_both("after waits");
    ef_close(&f);
    free(workflow);
}

TEST(stopped_or_timed_out_the_frames_stay_as_they_stand_and_their_tasks_end)
{
    char *workflow = whole_of_both();

    ef_make(&f, workflow, "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING);
    must_rc(engine_stop(f.engine, id, &(struct stop_ask){.error = "Stopped"}, &f.err), &f.err);
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "ABORTED Stopped");
    /* as recorded on AWS: one event, which points at nothing before it */
    ef_is(&f, "SELECT type || ' ' || previous_id FROM event ORDER BY id DESC LIMIT 1", "ExecutionAborted 0");
    is_int(ef_number(&f, "SELECT count(*) FROM event WHERE type LIKE '%StateAborted'"), 0);
    is_int(ef_number(&f, "SELECT count(*) FROM frame WHERE phase = 'WAIT'"), 3);
    ef_close(&f);
    free(workflow);
}

/* What a dead owner had begun is buried before another branch's task begins, however long that one takes. */
TEST(a_dead_owners_task_is_not_kept_waiting_by_those_of_other_branches)
{
    ef_make(&f,
            "{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":["
            "{\"StartAt\":\"A\",\"States\":{\"A\":{" STEP("slow", "\"Parameters\":{\"seconds\":60},") RETRY
            ",\"End\":true}}},"
            "{\"StartAt\":\"B\",\"States\":{\"B\":{" STEP(
                "add", "\"Parameters\":{\"what\":\"b\"},\"End\":true") "}}}]}}}",
            "");
    int64_t id = ef_start(&f, NULL);
    int kid = ef_child(&f, NULL);
    char *path = fs_join(f.folder, "slow");
    for (int i = 0; access(path, F_OK) != 0; i++) {
        must(i < 3000);
        clock_sleep_ms(10);
    }
    kill(kid, SIGKILL);
    is_int(ef_wait(kid), 128 + SIGKILL);
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING); /* A for its retry; B is done */
    char *history = ef_history(&f, id, "");
    is_str(history,
           "ExecutionStarted ParallelStateEntered ParallelStateStarted TaskStateEntered ActivityScheduled "
           "TaskStateEntered ActivityScheduled ActivityStarted ActivityTimedOut ActivityStarted "
           "ActivitySucceeded TaskStateExited");
    free(history);
    free(path);
    ef_close(&f);
}

static int64_t steps(const struct trail *t, const char *from, const char *to, bool caught)
{
    char key[GRAPH_STEP_SIZE];

    return json_integer_value(json_object_get(t->steps, graph_step(from, to, caught, key)));
}

/* Branches beside each other do not make steps between each other. */
TEST(the_path_that_is_drawn_goes_through_every_branch)
{
    char *workflow = whole_of_both();
    struct execution x = {0};
    struct trail t = {0};

    ef_make(&f, workflow, "");
    int64_t id = ef_start(&f, NULL);
    is_int(go_on(1), ENGINE_ENDED);
    must_rc(exec_get(f.store, id, &x, &f.err), &f.err);
    must_rc(trail_read(f.store, &x, &t, &f.err), &f.err);
    is_int(json_object_size(t.steps), 9);
    is_int(steps(&t, "Set", "Both", false), 1);
    is_int(steps(&t, "Both", "A", false), 1);
    is_int(steps(&t, "Both", "Each", false), 1);
    is_int(steps(&t, "A", "Nap", false), 1);
    is_int(steps(&t, "Each", "I", false), 3);
    is_int(steps(&t, "I", "J", false), 3);
    is_int(steps(&t, "Both", "Last", false), 1);
    is_int(json_object_size(t.failed), 0);
    trail_release(&t);
    execution_release(&x);
    ef_close(&f);
    free(workflow);

    ef_make(
        &f,
        "{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Parallel\",\"Branches\":[{\"StartAt\":\"T\","
        "\"States\":{"
        "\"T\":{" STEP(
            "fail", "\"Parameters\":{\"error\":\"Orch.BadCsv\"},\"End\":true") "}}}],"
                                                                               "\"Catch\":[{\"ErrorEquals\":["
                                                                               "\"States.ALL\"],\"Next\":"
                                                                               "\"Z\"}],\"End\":true},\"Z\":{"
                                                                               "\"Type\":\"Succeed\"}}}",
        "");
    id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    must_rc(exec_get(f.store, id, &x, &f.err), &f.err);
    must_rc(trail_read(f.store, &x, &t, &f.err), &f.err);
    is_int(steps(&t, "S", "Z", true), 1);
    is_str(json_string_value(json_object_get(t.failed, "S")), "Orch.BadCsv");
    trail_release(&t);
    execution_release(&x);
    ef_close(&f);
}

TEST(the_task_of_a_branch_that_is_aborted_ends_with_it)
{
    ef_make(&f,
            "{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":["
            "{\"StartAt\":\"T\",\"States\":{\"T\":{" STEP(
                "add",
                "\"Parameters\":{\"what\":\"t\"},\"End\":true") "}}},{\"StartAt\":\"X\",\"States\":{\"X\":{"
                                                                "\"Type\":\"Fail\",\"Error\":\"No\"}}}]}}}",
            "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED No");
    ef_is(&f, "SELECT status FROM task", "ABORTED");
    char *history = ef_history(&f, id, "");
    is_str(history,
           "ExecutionStarted ParallelStateEntered ParallelStateStarted TaskStateEntered ActivityScheduled "
           "FailStateEntered TaskStateAborted ParallelStateFailed ExecutionFailed");
    free(history);
    /* a redrive finds where it stood: both branches at their states, what is around them with children */
    ef_is(&f, "SELECT group_concat(state || ' ' || phase, ', ') FROM (SELECT * FROM frame ORDER BY id)",
          "S CHILDREN, T TASK, X ENTER");
    ef_close(&f);
}

/* An iteration whose input could not be made stands nowhere: it is begun anew. */
TEST(an_item_that_could_not_be_selected_leaves_no_frame)
{
    ef_make(&f,
            "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"ItemSelector\":{\"n.$\":\"$$.Map.Item."
            "Value.n\"},"
            "\"End\":true,\"ItemsPath\":\"$.l\",\"ItemProcessor\":{\"StartAt\":\"P\",\"States\":{\"P\":{"
            "\"Type\":\"Pass\","
            "\"End\":true}}}}}}",
            "");
    int64_t id = ef_start(&f, "{\"l\":[{\"n\":1},{},{\"n\":3}]}");
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED States.Runtime");
    ef_is(&f,
          "SELECT group_concat(state || ' ' || item || ' ' || phase, ', ') FROM (SELECT * FROM frame ORDER "
          "BY id)",
          "M 0 SPAWN, P 0 DONE");
    ef_close(&f);
}

/* The items of a Map are in the history once as its input and once as each iteration's; no frame holds them too. */
TEST(a_map_keeps_no_item_beside_the_history)
{
    struct buf text = BUF_INIT(1 << 20);

    must_rc(
        buf_adds(&text,
                 "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"ItemsPath\":\"$.l\",\"End\":true,"
                 "\"ItemProcessor\":{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":60,"
                 "\"End\":true}}}}}}",
                 &f.err),
        &f.err);
    ef_make(&f, text.p, "");
    buf_clear(&text);
    must_rc(buf_adds(&text, "{\"l\":[", &f.err), &f.err);
    for (int i = 0; i < 200; i++)
        must_rc(buf_addf(&text, &f.err, "%s{\"n\":%d,\"pad\":\"%0500d\"}", i > 0 ? "," : "", i, i), &f.err);
    must_rc(buf_adds(&text, "]}", &f.err), &f.err);
    int64_t id = ef_start(&f, text.p);
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING);
    is_int(ef_number(&f, "SELECT count(*) FROM frame WHERE phase = 'WAIT'"), 40);
    is_int(ef_number(&f, "SELECT count(input) FROM frame"), 0);
    is_int(go_on(1), ENGINE_ENDED);
    is_int(ef_number(&f, "SELECT sum(type = 'MapIterationSucceeded') FROM event"), 200);
    is_int(ef_number(&f, "SELECT length(output) FROM execution"), (int64_t)text.n - 6);
    buf_release(&text);
    ef_close(&f);
}

#define NAP(name)                                                                                            \
    "{\"StartAt\":\"" name "\",\"States\":{\"" name "\":{\"Type\":\"Wait\",\"Seconds\":900,\"End\":true}}},"

/* What had no room is not in the history, so nothing can go on from where it led. */
TEST(an_execution_with_a_full_history_is_not_redriven)
{
    struct execution x = {0};
    struct redrivable can;

    ef_make(&f,
            "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":[" NAP("A")
                NAP("B") NAP("C") NAP("D")
                    NAP("E") "{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\"}}}]}}}",
            "");
    int64_t id = ef_start(&f, NULL);
    engine_max_events = 12; /* the failure, which ends five waits, has no room */
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    engine_max_events = MAX_TRANSITIONS;
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED States.Runtime");
    ok(ef_number(&f, "SELECT count(*) FROM event") < 11);
    must_rc(exec_get(f.store, id, &x, &f.err), &f.err);
    must_rc(redrivable(f.store, &x, &can, &f.err), &f.err);
    ok(!can.can);
    is_str(can.reason, "Execution history event limit exceeded");
    execution_release(&x);
    ef_close(&f);
}

#define TWO_NAPS                                                                                             \
    "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":[{\"StartAt\":"   \
    "\"A\","                                                                                                 \
    "\"States\":{\"A\":{\"Type\":\"Wait\",\"Seconds\":600,\"Next\":\"Z\"},\"Z\":{\"Type\":\"Wait\","         \
    "\"Seconds\":600,\"End\":true}}},{\"StartAt\":\"B\",\"States\":{\"B\":{\"Type\":\"Wait\",\"Seconds\":"   \
    "600,"                                                                                                   \
    "\"End\":true}}}]}}}"

/* Of the steps that shared the transaction nothing is left: neither their events, nor frames that were half changed. */
TEST(a_machine_that_breaks_in_a_step_is_rolled_back_and_the_execution_closed)
{
    ef_make(&f, TWO_NAPS, "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING);
    int64_t events = ef_number(&f, "SELECT count(*) FROM event");
    ef_sql(&f, "UPDATE frame SET wake_ms = 1 WHERE state = 'A'");
    ef_sql(&f, "UPDATE frame SET wake_ms = 2, phase = 'RETRY' WHERE state = 'B'"); /* a Wait has none */
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED Orch.Internal");
    is_int(ef_number(&f, "SELECT count(*) FROM event"), events + 1);
    ef_is(&f, "SELECT type FROM event ORDER BY id DESC LIMIT 1", "ExecutionFailed");
    ef_is(&f, "SELECT group_concat(state || ' ' || phase, ', ') FROM (SELECT * FROM frame ORDER BY id)",
          "P CHILDREN, A WAIT, B RETRY");
    ef_close(&f);
}

/* The next tick would read the same, and so would all that follow. */
TEST(what_cannot_be_read_back_is_closed_and_not_running_for_ever)
{
    static const char *const damages[] = {
        "UPDATE frame SET state = 'Nowhere' WHERE state = 'B'",
        "UPDATE frame SET retry = '[' WHERE state = 'B'",
        "UPDATE frame SET item = 7 WHERE state = 'B'",
        "UPDATE execution SET input = '{'",
    };

    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        ef_make(&f, TWO_NAPS, "");
        int64_t id = ef_start(&f, NULL);
        is_int(ef_work(&f, id, NULL), ENGINE_WAITING);
        ef_sql(&f, "UPDATE frame SET wake_ms = 1 WHERE state = 'A'");
        ef_sql(&f, damages[i]);
        is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
        ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED States.Runtime");
        is_int(ef_number(&f, "SELECT count(*) FROM event WHERE type = 'ExecutionFailed'"), 1);
        is_int(ef_number(&f, "SELECT count(*) FROM execution WHERE claim_lock IS NULL"), 1);
        ef_close(&f);
    }
}
