#include "orchestrator/engine.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/engine_fixture.h"
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct engine_fixture f;

#define RETRY                                                                                                \
    "\"Retry\": [{\"ErrorEquals\": [\"States.HeartbeatTimeout\"], \"IntervalSeconds\": 1, \"MaxAttempts\": " \
    "5}]"
#define ADD(what, next)                                                                                      \
    "{\"Type\": \"Task\", \"Resource\": \"" ORCH_STEP("add") "\", \"Parameters\": {\"what\": \"" what        \
                                                             "\"}, \"ResultPath\": \"$." what "\", " RETRY   \
                                                             ", \"Next\": \"" next "\"}"
#define SLOW(heartbeat, more)                                                                                \
    "{\"Type\": \"Task\", \"Resource\": \"" ORCH_STEP(                                                       \
        "slow") "\", \"Parameters\": {\"seconds.$\": \"$.seconds\"}, "                                       \
                "\"HeartbeatSeconds\": " heartbeat ", " more "}"

static const char chain[] =
    "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Result\": {\"x\": 1}, \"Next\": \"B\"},"
    "\"B\": " ADD(
        "b",
        "C") ", \"C\": {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.x\", \"NumericEquals\": 1,"
             "\"Next\": \"D\"}]}, \"D\": " ADD("d", "E") ", \"E\": {\"Type\": \"Succeed\"}}}";
static const char chain_history[] =
    "ExecutionStarted PassStateEntered PassStateExited TaskStateEntered ActivityScheduled ActivityStarted "
    "ActivitySucceeded TaskStateExited ChoiceStateEntered ChoiceStateExited TaskStateEntered "
    "ActivityScheduled "
    "ActivityStarted ActivitySucceeded TaskStateExited SucceedStateEntered SucceedStateExited "
    "ExecutionSucceeded";
static const char slow[] =
    "{\"StartAt\": \"S\", \"States\": {\"S\": " SLOW("10", RETRY ", \"End\": true") "}}";

static void is_history(int64_t id, const char *suffix, const char *want)
{
    char *got = ef_history(&f, id, suffix);

    is_str(got, want);
    free(got);
}

static int lock_files(void)
{
    char *path = xasprintf("%s.locks", store_path(f.store));
    DIR *d = opendir(path);
    int n = 0;

    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    free(path);
    return n;
}

static void wait_for_file(const char *name)
{
    char *path = fs_join(f.folder, name);

    for (int i = 0; access(path, F_OK) != 0; i++) {
        must(i < 3000);
        clock_sleep_ms(10);
    }
    unlink(path);
    free(path);
}

TEST(a_run_is_recorded_as_aws_does)
{
    ef_make(&f, chain, "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    is_history(id, "", chain_history);
    ef_is(&f, "SELECT status FROM execution", "SUCCEEDED");
    ef_is(&f, "SELECT output FROM execution", "{\"x\":1,\"b\":{\"lines\":1},\"d\":{\"lines\":2}}");
    ef_is(
        &f, "SELECT group_concat(previous_id) FROM (SELECT previous_id FROM event ORDER BY id)",
        "0,0,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"); /* the first state does not point at ExecutionStarted */
    ef_is(&f, "SELECT json_extract(details, '$.executionStartedEventDetails.input') FROM event WHERE id = 1",
          "{}");
    ok(ef_number(
           &f,
           "SELECT json_extract(details, '$.activityStartedEventDetails.workerName') LIKE '%:%' FROM event "
           "WHERE type = 'ActivityStarted'") == 1);
    is_int(ef_number(&f, "SELECT count(*) FROM task WHERE status = 'SUCCEEDED'"), 2);
    is_int(ef_number(&f, "SELECT claim_lock IS NULL AND claim = 1 FROM execution"), 1);
    is_int(lock_files(), 0);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED); /* again: nothing happens */
    is_history(id, "", chain_history);
    ef_close(&f);
}

TEST(the_context_object_names_execution_and_machine)
{
    ef_make(
        &f,
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Parameters\": {\"id.$\": "
        "\"$$.Execution.Id\", \"in.$\": \"$$.Execution.Input.k\", \"machine.$\": \"$$.StateMachine.Name\", "
        "\"n.$\": \"$$.Execution.RedriveCount\"}, \"End\": true}}}",
        "");
    const struct pipeline *p;
    json_t *input = json_pack("{s:i}", "k", 7);
    int64_t id;
    must_rc(config_pipeline(f.config, "p", &p, &f.err), &f.err);
    must_rc(engine_start(f.engine, p, "first", "START", input, &id, &f.err), &f.err);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    ef_is(&f, "SELECT output FROM execution",
          "{\"id\":\"arn:aws:states:us-east-1:000000000000:execution:p:first\","
          "\"in\":7,\"machine\":\"p\",\"n\":0}");
    json_decref(input);
    ef_close(&f);
}

TEST(names_are_idempotent_and_checked)
{
    const struct pipeline *p;
    json_t *input = json_object(), *other = json_pack("{s:i}", "k", 7);
    int64_t id = 0, again = 0;

    ef_make(&f, chain, "");
    must_rc(config_pipeline(f.config, "p", &p, &f.err), &f.err);
    must_rc(engine_start(f.engine, p, "n", "START", input, &id, &f.err), &f.err);
    must_rc(engine_start(f.engine, p, "n", "START", input, &again, &f.err), &f.err);
    is_int(again, id);
    fails(engine_start(f.engine, p, "n", "START", other, &again, &f.err), &f.err, ERR_CONFLICT);
    is_str(err_asl(&f.err), "ExecutionAlreadyExists");
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    fails(engine_start(f.engine, p, "n", "START", input, &again, &f.err), &f.err, ERR_CONFLICT);
    fails(engine_start(f.engine, p, "a b", "START", input, &again, &f.err), &f.err, ERR_USAGE);
    fails(engine_start(f.engine, p, "", "START", input, &again, &f.err), &f.err, ERR_USAGE);
    is_int(ef_number(&f, "SELECT count(*) FROM execution"), 1);
    json_decref(input);
    json_decref(other);
    ef_close(&f);
}

TEST(a_resource_that_is_no_step_is_refused_before_anything_runs)
{
    const struct pipeline *p;
    json_t *input = json_object();
    int64_t id = 0;

    ef_make(&f,
            "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Task\", \"Resource\": \"" ORCH_STEP(
                "ingets") "\", \"End\": true}}}",
            "");
    must_rc(config_pipeline(f.config, "p", &p, &f.err), &f.err);
    fails(engine_start(f.engine, p, NULL, "START", input, &id, &f.err), &f.err, ERR_WORKFLOW);
    ok(strstr(f.err.msg, "state 'A'") != NULL);
    is_int(ef_number(&f, "SELECT count(*) FROM execution"), 0);
    json_decref(input);
    ef_close(&f);
}

TEST(a_failed_step_meets_catch_and_its_words_are_kept)
{
    ef_make(
        &f,
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Task\", \"Resource\": \"" ORCH_STEP(
            "fail") "\", \"Parameters\": {\"error\": \"Orch.BadCsv\", \"cause\": \"line 3: 'x'\", \"hint\": "
                    "\"mend it\"}, "
                    "\"Catch\": [{\"ErrorEquals\": [\"Orch.BadCsv\"], \"Next\": \"F\"}], \"End\": true}, "
                    "\"F\": {\"Type\": \"Fail\", \"ErrorPath\": \"$.Error\", \"CausePath\": \"$.Cause\"}}}",
        "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    ef_is(&f, "SELECT status || ' ' || error || ' ' || cause FROM execution",
          "FAILED Orch.BadCsv line 3: 'x' (hint: mend it)");
    ef_is(&f, "SELECT status FROM task", "FAILED");
    is_history(id, "",
               "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed "
               "TaskStateExited FailStateEntered ExecutionFailed");
    ef_close(&f);
}

/* Every transition once, no gap, nothing alive, effects not oftener than attempts. */
static void check_chain(const char *when)
{
    bool good = true;

    good &= ok(ef_number(&f, "SELECT count(*) = max(id) AND min(id) = 1 FROM event") == 1);
    good &= ok(ef_number(&f, "SELECT status = 'SUCCEEDED' FROM execution") == 1);
    good &= ok(ef_number(&f, "SELECT count(*) FROM task WHERE status IN ('SCHEDULED', 'STARTED')") == 0);
    good &= ok(ef_number(&f, "SELECT count(*) FROM event WHERE type LIKE '%StateEntered'") == 5);
    good &= ok(ef_number(&f, "SELECT count(*) FROM event WHERE type LIKE '%StateExited'") == 5);
    good &= ok(ef_number(&f, "SELECT count(*) FROM event WHERE type = 'ActivitySucceeded'") == 2);
    good &= ok(ef_number(&f, "SELECT sum(type = 'ActivityScheduled') = sum(type IN ('ActivitySucceeded', "
                             "'ActivityTimedOut')) FROM event") == 1);
    good &=
        ok(ef_number(
               &f, "SELECT sum(type = 'ActivityStarted') = sum(type = 'ActivityScheduled') FROM event") == 1);
    int64_t starts = ef_number(&f, "SELECT count(*) FROM event WHERE type = 'ActivityStarted'");
    char *path = fs_join(f.folder, "effects"), *effects = ef_get(path, NULL);
    good &= ok(strstr(effects, "b\n") != NULL && strstr(effects, "d\n") != NULL);
    good &= ok((int64_t)strlen(effects) / 2 <= starts);
    must_rc(engine_sweep(f.engine, &f.err),
            &f.err); /* killed after the end: the hourly sweep takes its file away */
    good &= ok(lock_files() == 0);
    if (!good) {
        char *history = ef_history(&f, 1, "");
        diag("%s: %s", when, history);
        free(history);
    }
    free(path);
    free(effects);
}

/* Dies at the n-th point passed, for every n; others finish it later. */
static int die_everywhere(const char *action)
{
    for (int n = 1; n < 200; n++) {
        char *fault = xasprintf("ORCH_FAULT=*=%s@%d", action, n),
             *when = xasprintf("%s at point %d", action, n);
        const char *env[] = {fault, NULL};
        ef_make(&f, chain, "");
        ef_start(&f, NULL);
        int status = ef_wait(ef_child(&f, env));
        bool untouched = status == ENGINE_ENDED;
        for (int i = 0; i < 4 && status != ENGINE_ENDED; i++) {
            char *now = xasprintf("ORCH_TEST_NOW=+%dh", i + 1); /* past every Retry delay and lease */
            status = ef_wait(ef_child(&f, (const char *const[]){now, NULL}));
            free(now);
        }
        if (!ok(status == ENGINE_ENDED))
            diag("%s: the last one ended with %d", when, status);
        check_chain(when);
        ef_close(&f);
        free(fault);
        free(when);
        if (untouched)
            return n - 1;
    }
    return -1;
}

TEST(killed_at_any_point_it_goes_on_and_nothing_is_done_twice)
{
    int points = die_everywhere("kill");

    ok(points >= 12);
}

TEST(an_error_at_any_point_of_the_store_is_survived_too)
{
    int points = die_everywhere("error");

    ok(points >= 12);
}

TEST(a_living_owner_is_left_alone)
{
    ef_make(&f, slow, "");
    int64_t id = ef_start(&f, "{\"seconds\": 60}");
    int kid = ef_child(&f, NULL);
    wait_for_file("slow");
    is_int(ef_work(&f, id, NULL), ENGINE_HELD);
    kill(kid, SIGKILL);
    is_int(ef_wait(kid), 128 + SIGKILL);
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING); /* dead: taken over at once; Retry waits a second */
    is_history(id, "TimedOut", "ActivityTimedOut");
    ef_close(&f);
}

TEST(after_a_reboot_the_lock_file_says_nothing)
{
    ef_make(&f, slow, "");
    int64_t id = ef_start(&f, "{\"seconds\": 60}");
    int kid = ef_child(&f, NULL);
    wait_for_file("slow");
    ef_sql(&f, "UPDATE execution SET claim_boot_id = 'another boot'");
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING);
    kill(kid, SIGKILL);
    ef_wait(kid);
    ef_close(&f);
}

TEST(a_stopped_owner_is_taken_over_when_its_lease_is_over_and_lets_go_when_it_wakes)
{
    const char *later[] = {"ORCH_TEST_NOW=+10m", NULL}, *much_later[] = {"ORCH_TEST_NOW=+20m", NULL};
    int status = 0;

    ef_make(&f, slow, "");
    int64_t id = ef_start(&f, "{\"seconds\": 3}");
    int kid = ef_child(&f, NULL);
    wait_for_file("slow");
    kill(kid, SIGSTOP);
    must(waitpid(kid, &status, WUNTRACED) == kid && WIFSTOPPED(status));
    is_int(ef_work(&f, id, NULL), ENGINE_HELD);              /* its lease holds */
    is_int(ef_wait(ef_child(&f, later)), ENGINE_WAITING);    /* over: the task timed out, Retry waits */
    is_int(ef_wait(ef_child(&f, much_later)), ENGINE_ENDED); /* the second attempt */
    kill(kid, SIGCONT);
    is_int(ef_wait(kid),
           ENGINE_HELD); /* it found its token gone, wrote nothing, and said that another has it */
    ef_is(&f, "SELECT status FROM execution", "SUCCEEDED");
    is_history(id, "",
               "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityTimedOut "
               "ActivityScheduled ActivityStarted ActivitySucceeded TaskStateExited ExecutionSucceeded");
    is_int(lock_files(), 0);
    ef_close(&f);
}

TEST(sigterm_gives_the_task_back)
{
    const char *later[] = {"ORCH_TEST_NOW=+10m", NULL};

    ef_make(&f, slow, "");
    int64_t id = ef_start(&f, "{\"seconds\": 60}");
    int kid = ef_child(&f, NULL);
    wait_for_file("slow");
    kill(kid, SIGTERM);
    is_int(ef_wait(kid), ENGINE_STOPPED);
    ef_is(&f, "SELECT status FROM execution", "RUNNING");
    is_int(ef_number(&f, "SELECT claim_lock IS NULL FROM execution"), 1);
    is_int(lock_files(), 0);
    is_int(ef_work(&f, id, NULL), ENGINE_WAITING); /* no lease to wait for */
    is_history(id, "TimedOut", "ActivityTimedOut");
    kid = ef_child(&f, later);
    wait_for_file("slow");
    kill(kid, SIGKILL);
    ef_wait(kid);
    ef_close(&f);
}

TEST(stop_ends_what_nobody_works_and_asks_who_does)
{
    ef_make(&f, slow, "");
    int64_t id = ef_start(&f, "{\"seconds\": 60}");
    int kid = ef_child(&f, NULL);
    wait_for_file("slow");
    must_rc(engine_stop(f.engine, id, &(struct stop_ask){.error = "Stopped", .cause = "by a test"}, &f.err),
            &f.err);
    ef_is(&f, "SELECT status FROM execution", "RUNNING");
    is_int(ef_wait(kid), ENGINE_ENDED); /* it looks every second */
    ef_is(&f, "SELECT status || ' ' || error || ' ' || cause FROM execution", "ABORTED Stopped by a test");
    ef_is(&f, "SELECT type || ' ' || previous_id FROM event ORDER BY id DESC LIMIT 1", "ExecutionAborted 0");
    ef_is(&f, "SELECT status FROM task", "ABORTED");
    ef_close(&f);

    ef_make(&f, slow, "");
    id = ef_start(&f, "{\"seconds\": 60}");
    must_rc(engine_stop(f.engine, id, &(struct stop_ask){0}, &f.err), &f.err);
    ef_is(&f, "SELECT status FROM execution", "ABORTED");
    is_int(lock_files(), 0);
    ef_close(&f);
}

TEST(timeouts_of_task_and_execution_are_two_things)
{
    const char *later[] = {"ORCH_TEST_NOW=+2h", NULL};

    ef_make(&f,
            "{\"StartAt\": \"S\", \"States\": {\"S\": {\"Type\": \"Task\", \"Resource\": \"" ORCH_STEP(
                "slow") "\", \"Parameters\": {\"seconds\": 60}, \"TimeoutSeconds\": 1, \"End\": true}}}",
            "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED States.Timeout");
    ef_is(&f, "SELECT status FROM task", "TIMED_OUT");
    is_history(id, "TimedOut", "ActivityTimedOut");
    ef_close(&f);

    ef_make(&f,
            "{\"StartAt\": \"W\", \"TimeoutSeconds\": 3600, \"States\": {\"W\": {\"Type\": \"Wait\", "
            "\"Seconds\": "
            "86400, \"End\": true}}}",
            "");
    id = ef_start(&f, NULL);
    int64_t wake = 0, start = ef_number(&f, "SELECT start_ms FROM execution");
    is_int(ef_work(&f, id, &wake), ENGINE_WAITING);
    is_int(wake, start + 3600000); /* not when the Wait is over: when the execution is */
    is_int(ef_wait(ef_child(&f, later)), ENGINE_ENDED);
    is_int(ef_number(&f, "SELECT status = 'TIMED_OUT' AND error IS NULL AND cause IS NULL FROM execution"),
           1);
    ef_is(&f, "SELECT type || ' ' || previous_id FROM event ORDER BY id DESC LIMIT 1", "ExecutionTimedOut 0");
    ef_close(&f);
}

TEST(a_wait_gives_the_claim_up_and_goes_on_later)
{
    const char *later[] = {"ORCH_TEST_NOW=+2h", NULL};
    int64_t wake = 0;

    ef_make(
        &f,
        "{\"StartAt\": \"W\", \"States\": {\"W\": {\"Type\": \"Wait\", \"Seconds\": 3600, \"End\": true}}}",
        "");
    int64_t id = ef_start(&f, NULL);
    is_int(ef_work(&f, id, &wake), ENGINE_WAITING);
    is_int(lock_files(), 0);
    int64_t claims = ef_number(&f, "SELECT claim FROM execution");
    is_int(ef_work(&f, id, &wake), ENGINE_WAITING);
    is_int(ef_number(&f, "SELECT claim FROM execution"), claims); /* looking at it costs no claim */
    is_int(ef_wait(ef_child(&f, later)), ENGINE_ENDED);
    ef_is(&f, "SELECT status FROM execution", "SUCCEEDED");
    ef_close(&f);
}

TEST(an_endless_loop_ends_at_the_limit_of_the_history)
{
    ef_make(
        &f,
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"C\"}, \"C\": {\"Type\": "
        "\"Choice\", \"Choices\": [{\"Variable\": \"$.stop\", \"IsPresent\": true, \"Next\": \"Z\"}], "
        "\"Default\": \"A\"}, \"Z\": {\"Type\": \"Succeed\"}}}",
        "");
    int64_t id = ef_start(&f, NULL);
    engine_max_events = 2500;
    is_int(ef_work(&f, id, NULL), ENGINE_ENDED);
    engine_max_events = MAX_TRANSITIONS;
    ef_is(&f, "SELECT status || ' ' || error FROM execution", "FAILED States.Runtime");
    is_int(ef_number(&f, "SELECT count(*) FROM event"), ef_number(&f, "SELECT max(id) FROM event"));
    is_int(ef_number(&f, "SELECT max(id) FROM event"), 2500);
    ef_is(&f, "SELECT type FROM event ORDER BY id DESC LIMIT 1", "ExecutionFailed");
    ef_close(&f);
}
