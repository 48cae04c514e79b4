#include "orchestrator/tick.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/alert.h"
#include "tests/lib/engine_fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct engine_fixture f;

#define TASK(step, parameters)                                                                               \
    "{\"StartAt\": \"T\", \"States\": {\"T\": {\"Type\": \"Task\", \"Resource\": \"" ORCH_STEP(              \
        step) "\", \"Parameters\": " parameters ", \"End\": true}}}"

static const char mood[] = TASK("mood", "{}"), work[] = TASK("work", "{\"pipeline.$\": \"$.pipeline\"}");

/* A tick in a process of its own, at now + shift; its exit status. What it said is in said(). */
static int tick_with(const char *shift, const char *a, const char *b)
{
    char *now = xasprintf("ORCH_TEST_NOW=%s", shift), *log = fs_join(f.folder, "stderr");
    const char *env[] = {now, a, b, NULL};

    unlink(log);
    int status = ef_wait(ef_tick_child(&f, env));
    free(now);
    free(log);
    return status;
}

static int tick(const char *shift)
{
    return tick_with(shift, NULL, NULL);
}

static char *said_text(void)
{
    char *log = fs_join(f.folder, "stderr"), *text = access(log, F_OK) == 0 ? ef_get(log, NULL) : xstrdup("");

    free(log);
    return text;
}

static void said(const char *want)
{
    char *text = said_text();

    is_str(text, want);
    free(text);
}

static void says(const char *part)
{
    char *text = said_text();

    if (!ok(strstr(text, part) != NULL))
        diag("wanted: %s\nsaid: %s", part, text);
    free(text);
}

static int64_t number(const char *sql)
{
    return ef_number(&f, sql);
}

static void set_mood(const char *error)
{
    char *path = fs_join(f.folder, "mood");

    ef_put(path, error);
    free(path);
}

static void job(const char *pipeline, const char *part, const char *reason)
{
    char *sql =
        xasprintf("INSERT INTO job(pipeline, part, n, kind, state, reason, created_ms, updated_ms) VALUES "
                  "('%s', '%s', 1, 'LOAD', 'QUEUED', '%s', 0, 0)",
                  pipeline, part, reason);

    ef_sql(&f, sql);
    free(sql);
}

TEST(exit_statuses_have_an_order)
{
    is_int(exit_worse(0, 0), 0);
    is_int(exit_worse(75, 0), 75);
    is_int(exit_worse(75, 6), 6);
    is_int(exit_worse(6, 1), 1);
    is_int(exit_worse(5, 1), 5);
    is_int(exit_worse(5, 4), 4);
    is_int(exit_worse(3, 4), 3);
    is_int(exit_worse(10, 75), 75);
}

TEST(a_fire_starts_one_run_and_a_tick_with_nothing_due_writes_nothing)
{
    ef_make(&f, mood, "");
    is_int(tick("2026-01-01T12:00:10Z"), 0);
    said("");
    is_int(
        number("SELECT count(*) FROM execution WHERE status = 'SUCCEEDED' AND cause_of_start = 'SCHEDULE'"),
        2);
    char *input = ef_text(&f, "SELECT input FROM execution WHERE pipeline = 'p'");
    is_str(input, "{\"pipeline\":\"p\",\"partition\":null,\"cause\":\"SCHEDULE\"}");
    free(input);
    char *wal = xasprintf("%s-wal", store_path(f.store)), *before = ef_get(wal, NULL);
    size_t n = 0, m = 0;
    free(before);
    before = ef_get(wal, &n);
    is_int(tick("2026-01-01T12:03:00Z"), 0);
    char *after = ef_get(wal, &m);
    is_mem(after, m, before, n);
    is_int(number("SELECT count(*) FROM execution"), 2);
    is_int(tick("2026-01-01T12:05:00Z"), 0); /* the next fire */
    is_int(number("SELECT count(*) FROM execution"), 4);
    is_int(tick("2026-01-02T12:00:00Z"), 0); /* a day without ticks is one run, not 288 */
    is_int(number("SELECT count(*) FROM execution"), 6);
    said("");
    free(wal);
    free(before);
    free(after);
    ef_close(&f);
}

TEST(a_clock_set_back_stops_nothing)
{
    ef_make(&f, mood, "");
    is_int(tick("2026-02-01T12:00:10Z"), 0);
    is_int(tick("2026-01-01T12:00:10Z"), 0);
    is_int(number("SELECT count(*) FROM execution"), 4);
    is_int(tick("2026-01-01T12:01:10Z"), 0);
    is_int(number("SELECT count(*) FROM execution"), 4);
    ef_close(&f);
}

TEST(a_trouble_is_said_once_again_after_renotify_and_its_end_once)
{
    ef_make(&f, mood, "");
    set_mood("Orch.Unavailable");
    is_int(tick("2026-01-01T12:00:10Z"), 75);
    says("orch: p: UNAVAILABLE: it fails with Orch.Unavailable\n    hint: ");
    says("orch: q: UNAVAILABLE");
    is_int(tick("2026-01-01T12:05:00Z"), 0);
    said("");
    is_int(number("SELECT count(*) FROM execution WHERE status = 'FAILED'"), 4);
    is_int(tick("2026-01-01T18:05:00Z"), 75);
    says("orch: p: still UNAVAILABLE");
    set_mood("");
    is_int(tick("2026-01-01T18:30:00Z"), 0);
    says("orch: p: well again; it was UNAVAILABLE");
    is_int(tick("2026-01-01T18:35:00Z"), 0);
    said("");
    is_int(number("SELECT count(*) FROM trouble"), 0);
    ef_close(&f);
}

TEST(errors_have_their_exit_status)
{
    static const struct {
        const char *error, *class;
        int status;
    } rows[] = {{"Orch.AccessDenied", "REFUSED", 4},
                {"Orch.Config", "REFUSED", 3},
                {"Orch.Internal", "FAILED", 1},
                {"Custom.Error", "FAILED", 1},
                {"Orch.TargetNotSetUp", "FAILED", 1}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *class = xasprintf("orch: p: %s: ", rows[i].class);
        ef_make(&f, mood, "");
        set_mood(rows[i].error);
        is_int(tick("2026-01-01T12:00:10Z"), rows[i].status);
        says(class);
        free(class);
        ef_close(&f);
    }
}

TEST(failures_back_off_and_a_success_ends_that)
{
    ef_make(&f, mood, "");
    set_mood("Orch.Unavailable");
    for (int i = 0; i < 12; i++) {
        char *now = xasprintf("2026-01-01T12:%02d:00Z", 5 * i);
        tick(now);
        free(now);
    }
    /* 5, 10, 20 ... 300 s: from the seventh failure on every other fire is too early by a little */
    ok(number("SELECT count(*) FROM execution WHERE pipeline = 'p'") >= 7);
    is_int(number("SELECT retry_count >= 7 FROM pipeline WHERE name = 'p'"), 1);
    set_mood("");
    tick("2026-01-01T13:05:00Z");
    is_int(number("SELECT retry_count + retry_ms FROM pipeline WHERE name = 'p'"), 0);
    ef_close(&f);
}

TEST(late_partitions_are_said_and_many_of_them_briefly)
{
    ef_make(&f, mood, "");
    ef_sql(
        &f,
        "INSERT INTO partition_(pipeline, part, state, since_ms) VALUES ('p', '2022-06-05T01', 'LATE', 0)");
    is_int(tick("2026-01-01T12:00:10Z"), 6);
    says("orch: p/2022-06-05T01: LATE: no object has come; late since 1970-01-01T00:00:00Z\n");
    for (int i = 2; i < 22; i++) {
        char *sql = xasprintf("INSERT INTO partition_(pipeline, part, state, since_ms) VALUES "
                              "('p', '2022-06-05T%02d', 'LATE', 0)",
                              i);
        ef_sql(&f, sql);
        free(sql);
    }
    is_int(tick("2026-01-01T12:05:10Z"), 6);
    says("orch: p/2022-06-05T06: LATE");
    says("orch: p: and 15 more LATE\n    hint: orch status p lists them\n");
    char *text = said_text();
    ok(strstr(text, "T07") == NULL);
    ok(strstr(text, "T01") == NULL); /* said before */
    free(text);
    is_int(tick("2026-01-01T12:10:10Z"), 0);
    said("");
    ef_close(&f);
}

TEST(a_failed_job_is_well_only_when_it_is_loaded)
{
    ef_make(&f, mood, "");
    ef_sql(&f, "INSERT INTO job(pipeline, part, n, kind, state, tries, error, message, hint, created_ms, "
               "updated_ms) VALUES "
               "('p', '2022-06-05T01', 1, 'LOAD', 'FAILED', 1, 'Orch.BadCsv', "
               "'p/2022-06-05T01: a.csv line 3 (hint: mend it)', NULL, 0, 0)");
    is_int(tick("2026-01-01T12:00:10Z"), 1);
    says(
        "orch: p/2022-06-05T01: FAILED: a.csv line 3\n    hint: mend it; "); /* the place once, the hint apart */
    ef_sql(&f, "UPDATE job SET state = 'PROCESSING'"); /* tried again, perhaps by another tick */
    is_int(tick("2026-01-01T12:05:10Z"), 0);
    said("");
    ef_sql(&f, "UPDATE job SET state = 'DEAD', attempts = 5");
    is_int(tick("2026-01-01T12:10:10Z"), 1);
    said("orch: p/2022-06-05T01: DEAD: given up after 5 attempts: a.csv line 3\n"
         "    hint: mend it; when that is mended: orch retry p/2022-06-05T01\n"); /* not "well again" */
    ef_sql(&f, "UPDATE job SET state = 'MISMATCHED'");
    is_int(tick("2026-01-01T12:15:10Z"), 5);
    ef_sql(&f, "UPDATE job SET state = 'RECONCILED'");
    is_int(tick("2026-01-01T12:20:10Z"), 0);
    says("orch: p/2022-06-05T01: well again; it was MISMATCHED");
    ef_close(&f);
}

TEST(jobs_are_worked_until_none_is_left_and_a_broken_one_stops_no_other)
{
    ef_make(&f, work, "");
    job("p", "2022-06-05T01", "");
    job("p", "2022-06-05T02", "Orch.BadCsv");
    job("p", "2022-06-05T03", "");
    job("p", "2022-06-05T04", "");
    job("q", "2022-06-05T01", "Orch.Unavailable"); /* the weather: its other jobs wait */
    job("q", "2022-06-05T02", "");
    is_int(tick("2026-01-01T12:00:10Z"), 1);
    says("orch: p/2022-06-05T02: FAILED: its words");
    says("orch: q/2022-06-05T01: UNAVAILABLE: its words");
    is_int(number("SELECT count(*) FROM job WHERE pipeline = 'p' AND state = 'RECONCILED'"), 3);
    is_int(number("SELECT count(*) FROM job WHERE pipeline = 'q' AND state = 'RECONCILED'"), 0);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p'"), 4);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p' AND cause_of_start = 'BACKLOG'"), 3);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'q'"), 1);
    ef_close(&f);
}

TEST(a_run_that_changes_nothing_is_not_repeated)
{
    ef_make(&f, mood, "");
    job("p", "2022-06-05T01", ""); /* nobody works it: mood succeeds all the same */
    is_int(tick("2026-01-01T12:00:10Z"), 0);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p'"), 1);
    set_mood("Orch.BadCsv");
    tick("2026-01-01T12:05:10Z");
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p'"), 2);
    ef_close(&f);
}

TEST(one_pipeline_that_cannot_start_keeps_no_other_waiting)
{
    ef_make(&f, mood, "");
    char *path = fs_join(f.folder, "orch.json"), *text = ef_get(path, NULL);
    char *at = strstr(text, "w.asl.json"); /* of p, the first */
    memcpy(at, "x.asl.json", 10);
    ef_put(path, text);
    char *broken = fs_join(f.folder, "x.asl.json");
    ef_put(broken, "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\"}}}");
    is_int(tick("2026-01-01T12:00:10Z"), 3);
    says("orch: p: REFUSED: workflow 'x.asl.json'");
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'q' AND status = 'SUCCEEDED'"), 1);
    is_int(tick("2026-01-01T12:05:10Z"), 0);
    said("");
    memcpy(at, "w.asl.json", 10);
    ef_put(path, text);
    is_int(tick("2026-01-01T12:10:10Z"), 0);
    says("orch: p: well again; it was REFUSED");
    free(path);
    free(text);
    free(broken);
    ef_close(&f);
}

TEST(short_waits_are_waited_for_long_ones_are_left)
{
    ef_make(&f,
            "{\"StartAt\": \"W\", \"States\": {\"W\": {\"Type\": \"Wait\", \"Seconds\": 1, \"Next\": \"X\"}, "
            "\"X\": {\"Type\": \"Wait\", \"Seconds\": 3600, \"End\": true}}}",
            "\"tick\": {\"linger\": \"20s\"},");
    int64_t began = clock_mono_ms();
    is_int(tick("2026-01-01T12:00:10Z"), 0);
    ok(clock_mono_ms() - began < 20000);
    is_int(number("SELECT count(*) FROM frame WHERE state = 'X' AND phase = 'WAIT'"), 2);
    is_int(tick("2026-01-01T12:30:00Z"), 0); /* its time has not come; and nothing new is started meanwhile */
    is_int(number("SELECT count(*) FROM execution"), 2);
    is_int(tick("2026-01-01T13:00:12Z"), 0);
    is_int(number("SELECT count(*) FROM execution WHERE id <= 2 AND status = 'SUCCEEDED'"), 2);
    ef_close(&f);
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

static const char long_one[] = "{\"StartAt\": \"C\", \"States\": {\"C\": {\"Type\": \"Choice\", \"Choices\": "
                               "[{\"Variable\": \"$.pipeline\", "
                               "\"StringEquals\": \"p\", \"Next\": \"S\"}], \"Default\": \"Z\"}, \"Z\": "
                               "{\"Type\": \"Succeed\"}, \"S\": {\"Type\": "
                               "\"Task\", \"Resource\": \"" ORCH_STEP(
                                   "slow") "\", \"Parameters\": {\"seconds\": 60}, \"HeartbeatSeconds\": 30, "
                                           "\"End\": true}}}";

TEST(what_a_living_tick_works_the_next_one_leaves)
{
    const char *env[] = {"ORCH_TEST_NOW=2026-01-01T12:00:10Z", NULL};

    ef_make(&f, long_one, "");
    int first = ef_tick_child(&f, env);
    wait_for_file("slow");
    is_int(tick("2026-01-01T12:00:11Z"), 0);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p'"), 1);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'q' AND status = 'SUCCEEDED'"),
           1); /* not held up */
    is_int(tick_with("2026-01-01T12:00:12Z", "TICK_FAIL_IF_LOCKED=1", NULL), 10);
    is_int(tick_with("2026-01-01T12:00:12Z", "TICK_FORCE=1", "TICK_PIPELINE=p"), 0);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p'"), 1);
    kill(first, SIGTERM);
    is_int(ef_wait(first), 75);
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p' AND status = 'RUNNING' AND claim_lock "
                  "IS NULL"),
           1);
    tick("2026-01-01T12:01:00Z"); /* its task is lost: no Retry in this workflow */
    is_int(number("SELECT count(*) FROM execution WHERE pipeline = 'p' AND error = 'States.Timeout'"), 1);
    ef_close(&f);
}

TEST(a_killed_tick_is_taken_over_by_the_next)
{
    const char *env[] = {"ORCH_TEST_NOW=2026-01-01T12:00:10Z", "ORCH_FAULT=tick.started=kill", NULL};

    ef_make(&f, mood, "");
    is_int(ef_wait(ef_tick_child(&f, env)), 128 + SIGKILL);
    is_int(number("SELECT count(*) FROM execution WHERE status = 'RUNNING'"), 1);
    is_int(tick("2026-01-01T12:00:20Z"), 0);
    is_int(number("SELECT count(*) FROM execution WHERE status = 'SUCCEEDED'"),
           2); /* no second one for the same fire */
    ef_close(&f);
}

TEST(a_tick_stopped_inside_a_transaction_is_ended_when_its_lease_is_over)
{
    const char *env[] = {"ORCH_TEST_NOW=2026-01-01T12:00:10Z", "ORCH_FAULT=store.before_commit=stop@6", NULL};
    int status = 0;

    ef_make(&f, mood, "");
    int first = ef_tick_child(&f, env);
    must(waitpid(first, &status, WUNTRACED) == first && WIFSTOPPED(status));
    is_int(tick("2026-01-01T12:10:10Z"), 75); /* after the busy time-out of 10 s; the workflow has no Retry */
    says("inside a transaction though its lease was over");
    says("the task's owner died, was stopped, or fell silent");
    is_int(ef_wait(first), 128 + SIGKILL);
    is_int(number("SELECT count(*) FROM execution WHERE status = 'RUNNING'"), 0);
    ef_close(&f);
}

TEST(ticks_at_the_same_moment_start_one_run_each_fire)
{
    const char *env[] = {"ORCH_TEST_NOW=2026-01-01T12:00:10Z", NULL};
    int kids[5];

    ef_make(&f, mood, "");
    for (size_t i = 0; i < ARRAY_LEN(kids); i++)
        kids[i] = ef_tick_child(&f, env);
    for (size_t i = 0; i < ARRAY_LEN(kids); i++)
        is_int(ef_wait(kids[i]), 0);
    is_int(number("SELECT count(*) FROM execution"), 2);
    is_int(number("SELECT count(*) FROM execution WHERE status = 'SUCCEEDED'"), 2);
    ef_close(&f);
}

TEST(who_runs_by_hand_hears_of_a_failure_said_before)
{
    ef_make(&f, mood, "");
    set_mood("Orch.AccessDenied");
    is_int(tick("2026-01-01T12:00:10Z"), 4);
    is_int(tick_with("2026-01-01T12:01:10Z", "TICK_FORCE=1", "TICK_PIPELINE=p"), 4);
    says("Orch.AccessDenied: it fails");
    is_int(number("SELECT count(*) FROM execution WHERE cause_of_start = 'RUN'"),
           1); /* p only, and whatever the back-off */
    set_mood("");
    is_int(tick_with("2026-01-01T12:02:10Z", "TICK_FORCE=1", "TICK_PIPELINE=p"), 0);
    says("orch: p: well again");
    is_int(number("SELECT count(*) FROM trouble WHERE pipeline = 'q'"), 1); /* not looked at: it stays */
    ef_close(&f);
}

TEST(the_command_gets_every_trouble_and_its_end_in_one_document_a_tick)
{
    ef_make(&f, mood, "\"alerts\": {\"command\": \"cat >> alerts; echo chatter\"},");
    char *path = fs_join(f.folder, "alerts");
    must(chdir(f.folder) == 0);
    set_mood("Orch.Unavailable");
    is_int(tick("2026-01-01T12:00:10Z"), 75);
    set_mood("");
    is_int(tick("2026-01-01T12:05:10Z"), 0);
    char *text = ef_get(path, NULL);
    int lines = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
        json_t *whole = NULL;
        must_rc(json_parse(line, (size_t)(end - line), "alert", &whole, &f.err), &f.err);
        json_t *troubles = json_object_get(whole, "troubles");
        is_int((int64_t)json_array_size(troubles), 2);
        for (size_t i = 0; i < json_array_size(troubles); i++) {
            json_t *o = json_array_get(troubles, i);
            is_str(json_string_value(json_object_get(o, "state")), lines == 0 ? "OPEN" : "RECOVERED");
            is_str(json_string_value(json_object_get(o, "pipeline")), i == 0 ? "p" : "q");
            is_str(json_string_value(json_object_get(o, "class")), "UNAVAILABLE");
        }
        json_decref(whole);
    }
    is_int(lines, 2);
    must(chdir("/") == 0);
    free(text);
    free(path);
    ef_close(&f);
}

TEST(an_alarm_that_does_not_ring_is_a_trouble_itself)
{
    ef_make(
        &f, mood,
        "\"alerts\": {\"command\": \"test -e /tmp/orch-no-such-file || { echo no route >&2; exit 3; }\"},");
    set_mood("Orch.Unavailable");
    is_int(tick("2026-01-01T12:00:10Z"), 1);
    says("orch: alerts/command: ALERT: alerts.command exited with 3: no route");
    is_int(number("SELECT count(*) FROM trouble WHERE class = 'ALERT'"), 1);
    is_int(number("SELECT count(*) FROM told WHERE channel = 'command' AND said_ms IS NULL"), 2);
    is_int(tick("2026-01-01T12:05:10Z"), 0); /* it is tried again, and not said again */
    is_int(number("SELECT failed FROM channel"), 2);
    is_int(tick("2026-01-01T12:07:10Z"), 0); /* not before as long again as it has failed */
    is_int(number("SELECT failed FROM channel"), 2);
    char *path = fs_join(f.folder, "orch.json"), *text = ef_get(path, NULL);
    memcpy(strstr(text, "exit 3"), "exit 0", 6);
    ef_put(path, text);
    is_int(tick("2026-01-01T12:32:10Z"), 0);
    says("orch: alerts/command: well again; it was ALERT: ");
    is_int(number("SELECT count(*) FROM trouble WHERE class = 'ALERT'"), 0);
    is_int(number("SELECT count(*) FROM told WHERE said_ms IS NULL"), 0); /* nothing was lost meanwhile */
    free(path);
    free(text);
    ef_close(&f);
}

TEST(an_alert_command_that_hangs_is_ended_with_all_it_started)
{
    json_t *document = json_pack("{s:s}", "a", "b");
    struct err err;
    int64_t began = clock_mono_ms();

    fails(alert_run("sleep 60 & sleep 60", document, 300, &err), &err, ERR_TIMEOUT);
    ok(clock_mono_ms() - began < 10000);
    must_rc(alert_run("sleep 60 & exit 0", document, 5000, &err),
            &err); /* what it leaves behind keeps nobody */
    ok(clock_mono_ms() - began < 10000);
    fails(alert_run("kill -TERM $$", document, 5000, &err), &err, ERR_IO);
    must_rc(alert_run("read x && test \"$x\" = '{\"a\":\"b\"}'", document, 5000, &err), &err);
    fails(alert_run("/nonexistent", document, 5000, &err), &err, ERR_IO);
    json_decref(document);
}

TEST(old_executions_are_pruned_once_an_hour)
{
    ef_make(&f, mood, "");
    for (int i = 0; i < 4; i++) {
        char *now = xasprintf("2026-01-01T12:%02d:10Z", 5 * i);
        tick(now);
        free(now);
    }
    ef_sql(&f, "UPDATE execution SET idle = 1");
    is_int(number("SELECT count(*) FROM execution"), 8);
    tick("2026-01-03T12:00:10Z");
    is_int(number("SELECT count(*) FROM execution"), 2); /* those of this very tick */
    ef_close(&f);
}
