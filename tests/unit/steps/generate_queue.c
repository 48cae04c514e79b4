/* What lies in a folder becomes partitions, objects and jobs; the clock is the machine's, the files' ages are
 * set. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "steps/step.h"
#include "steps/steps_int.h"
#include "tests/lib/queue_fixture.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOUR = 3600000, OLD = 6 * HOUR };

static struct fixture f;
static struct pipeline p;
static struct step_ctx c;
static char url[160];
static const char *includes[] = {"*.csv", "*.csv.gz", "a/*.tsv", NULL};

/* Hours since h_first to h_last before now, settled at once and never late unless the test says so. */
static void set_up(int first, int last)
{
    int64_t now = clock_now_ms();

    fx_open(&f);
    snprintf(url, sizeof url, "file://%s/lake/", f.folder);
    char *lake = fs_join(f.folder, "lake");
    must_rc(fs_mkdir_p(lake, &f.err), &f.err);
    free(lake);
    p = (struct pipeline){.name = "loans",
                          .source = {.url = url},
                          .prefix = "in/",
                          .layout = "yyyy=%Y/mm=%m/dd=%d/hh=%H/",
                          .period = PERIOD_HOUR,
                          .include = includes,
                          .since_ms = period_floor(PERIOD_HOUR, now) - first * (int64_t)HOUR,
                          .until_ms = period_floor(PERIOD_HOUR, now) - last * (int64_t)HOUR,
                          .settle_ms = 60000,
                          .late_after_ms = 1000 * (int64_t)HOUR,
                          .lookback_ms = 72 * (int64_t)HOUR,
                          .lineage = LINEAGE_COLUMNS,
                          .job_bytes = 1 << 30,
                          .max_attempts = 5};
    c = (struct step_ctx){.store = f.s, .pipeline = &p, .io = step_io_new(&p), .lease_ms = 60000};
}

static void tear_down(void)
{
    step_io_free(c.io);
    fx_close(&f);
}

static int64_t hour(int ago)
{
    return period_floor(PERIOD_HOUR, clock_now_ms()) - ago * (int64_t)HOUR;
}

static const char *part(int ago)
{
    static char ring[4][PART_SIZE];
    static unsigned at;

    return part_name(PERIOD_HOUR, hour(ago), ring[at++ % 4]);
}

/* The key of a file of that hour; valid for four calls. */
static const char *key(int ago, const char *name)
{
    static char ring[4][400];
    static unsigned at;
    char prefix[PREFIX_SIZE], *out = ring[at++ % 4];

    must_rc(part_prefix(p.layout, hour(ago), prefix, &f.err), &f.err);
    snprintf(out, sizeof ring[0], "%s%.200s%.150s", p.prefix, prefix, name);
    return out;
}

static const char *path(const char *k)
{
    static char out[800];

    snprintf(out, sizeof out, "%s/lake/%s", f.folder, k);
    return out;
}

/* Writes the file, modified so many ms before now. */
static void put(const char *k, const char *text, int64_t age_ms)
{
    char *dir = fs_dirname(path(k));
    int64_t at = clock_now_ms() - age_ms;
    const struct timespec times[2] = {{at / 1000, (at % 1000) * 1000000}, {at / 1000, (at % 1000) * 1000000}};

    must_rc(fs_mkdir_p(dir, &f.err), &f.err);
    must_rc(fs_write(path(k), text, strlen(text), 0644, &f.err), &f.err);
    must(utimensat(AT_FDCWD, path(k), times, 0) == 0);
    free(dir);
}

static json_t *last;

static int64_t generate(void)
{
    json_decref(last);
    last = NULL;
    int rc = step_generate_queue(&c, false, &last, &f.err);
    must_rc(rc, &f.err);
    return json_integer_value(json_object_get(last, "jobs"));
}

static int64_t got(const char *name)
{
    return json_integer_value(json_object_get(last, name));
}

static const char *part_state(int ago)
{
    char sql[120];

    snprintf(sql, sizeof sql, "SELECT state FROM partition_ WHERE part = '%s'", part(ago));
    return fx_text(&f, sql);
}

TEST(closed_hours_become_jobs_once)
{
    set_up(4, 1);
    put(key(3, "b.csv"), "x", OLD);
    put(key(3, "a.csv"), "x", OLD);
    put(key(2, "a.csv"), "x", OLD);
    put(key(0, "a.csv"), "x", OLD); /* the hour that is going on */
    is_int(generate(), 2);
    is_int(got("new"), 3);
    is_int(got("partitions"), 4);
    is_str(part_state(3), "QUEUED");
    is_str(part_state(4), "WAITING");
    is_int(fx_number(&f, "SELECT count(*) FROM object"), 3);
    is_int(generate(), 0);
    is_int(got("new"), 0);
    is_int(fx_number(&f, "SELECT count(*) FROM job"), 2);
    tear_down();
}

TEST(late_files_of_an_old_hour_make_the_next_job)
{
    char second[PART_SIZE + 4];

    set_up(150, 150);
    put(key(150, "a.csv"), "x", OLD);
    is_int(generate(), 1);
    fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
    is_int(generate(), 0);
    put(key(150, "b.csv"), "x", OLD);
    is_int(generate(), 0); /* settled, older than lookback, listed a moment ago */
    fx_sql(&f, "UPDATE partition_ SET listed_ms = listed_ms - 86400001");
    is_int(generate(), 1); /* once a day everything */
    snprintf(second, sizeof second, "%s#2", part(150));
    is_str(fx_text(&f, "SELECT part || '#' || n FROM job WHERE id = 2"), second);
    tear_down();
}

TEST(in_lookback_a_late_file_is_found_at_once)
{
    set_up(30, 1);
    put(key(20, "a.csv"), "x", OLD);
    is_int(generate(), 1);
    fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
    put(key(20, "b.csv"), "x", OLD);
    is_int(generate(), 1);
    tear_down();
}

TEST(a_young_object_holds_its_partition_back)
{
    set_up(3, 1);
    put(key(2, "a.csv"), "x", OLD);
    put(key(2, "b.csv"), "x", 1000);
    is_int(generate(), 0);
    is_str(part_state(2), "WAITING");
    is_int(fx_number(&f, "SELECT count(*) FROM object"), 0);
    put(key(2, "b.csv"), "x", 61000);
    is_int(generate(), 1);
    is_int(got("new"), 2);
    tear_down();
}

TEST(a_wrong_clock_does_not_hold_it_for_ever)
{
    set_up(3, 1);
    put(key(2, "a.csv"), "x", -100 * (int64_t)HOUR);
    is_int(generate(), 1);
    tear_down();
}

TEST(without_objects_waiting_then_late_then_found)
{
    set_up(2, 2);
    is_int(generate(), 0);
    is_str(part_state(2), "WAITING");
    is_int(got("waiting"), 1);
    int64_t since = fx_number(&f, "SELECT since_ms FROM partition_");
    p.late_after_ms = 60000;
    generate();
    is_str(part_state(2), "LATE");
    is_int(got("late"), 1);
    ok(fx_number(&f, "SELECT since_ms FROM partition_") >= since);
    put(key(2, "a.csv"), "x", OLD);
    is_int(generate(), 1);
    is_str(part_state(2), "QUEUED");
    tear_down();
}

TEST(allow_empty_makes_it_empty_and_a_file_still_counts)
{
    set_up(2, 2);
    p.late_after_ms = 60000;
    p.allow_empty = true;
    generate();
    is_str(part_state(2), "EMPTY");
    put(key(2, "a.csv"), "x", OLD);
    is_int(generate(), 1);
    tear_down();
}

TEST(what_is_left_out_is_counted_and_named_and_is_no_object)
{
    set_up(2, 2);
    p.late_after_ms = 60000;
    put(key(2, "_SUCCESS"), "", OLD);
    put(key(2, "_temporary/0/part.csv"), "x", OLD);
    put(key(2, "x.csv.tmp"), "x", OLD);
    put(key(2, ".hidden.csv"), "x", OLD);
    is_int(generate(), 0);
    is_int(got("leftOut"), 4);
    is_str(part_state(2), "LATE");
    struct pipeline_row row;
    must_rc(pipeline_get(f.s, "loans", &row, &f.err), &f.err);
    is_int(row.left_out, 4);
    ok(strstr(row.left_out_example, "hh=") != NULL);
    pipeline_row_release(&row);
    tear_down();
}

TEST(jobs_are_cut_by_their_size)
{
    set_up(2, 2);
    p.job_bytes = 10;
    put(key(2, "a.csv"), "1234", OLD);
    put(key(2, "b.csv"), "1234", OLD);
    put(key(2, "c.csv"), "1234", OLD);
    put(key(2, "d.csv"), "12345678901234", OLD);
    put(key(2, "e.csv"), "1", OLD);
    is_int(generate(), 4);
    is_str(fx_text(&f, "SELECT group_concat(bytes) FROM (SELECT bytes FROM job ORDER BY n)"), "8,4,14,1");
    tear_down();
}

TEST(overwritten_after_it_was_loaded_it_is_loaded_again)
{
    set_up(2, 2);
    put(key(2, "a.csv"), "x", OLD);
    generate();
    fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
    put(key(2, "a.csv"), "yy", OLD);
    is_int(generate(), 1);
    is_int(fx_number(&f, "SELECT generation FROM load WHERE job_id = 2"), 2);
    is_int(fx_number(&f, "SELECT replaces FROM load WHERE job_id = 2"), fx_load_of(&f, 1));
    is_int(generate(), 0);
    tear_down();
}

TEST(overwritten_and_put_back_is_nothing)
{
    set_up(2, 2);
    put(key(2, "a.csv"), "x", OLD);
    generate();
    fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
    put(key(2, "a.csv"), "yy", OLD);
    is_int(generate(), 1);
    /* as it was, to the nanosecond */
    put(key(2, "a.csv"), "x", OLD);
    int64_t ns = fx_number(&f, "SELECT mtime_ns FROM object WHERE id = 1");
    const struct timespec times[2] = {{ns / 1000000000, ns % 1000000000}, {ns / 1000000000, ns % 1000000000}};
    must(utimensat(AT_FDCWD, path(key(2, "a.csv")), times, 0) == 0);
    is_int(generate(), 0);
    is_str(fx_text(&f, "SELECT verdict FROM object ORDER BY id DESC LIMIT 1"), "LOADED");
    is_str(fx_text(&f, "SELECT state FROM job WHERE id = 2"), "EMPTY");
    is_int(generate(), 0);
    is_int(fx_number(&f, "SELECT count(*) FROM object"), 3);
    tear_down();
}

TEST(refused_where_it_may_not_be_replaced_and_shown_until_it_is)
{
    for (int lineage = 0; lineage < 2; lineage++) {
        set_up(2, 2);
        put(key(2, "a.csv"), "x", OLD);
        generate();
        fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
        put(key(2, "a.csv"), "yy", OLD);
        p.on_overwrite = lineage ? OVERWRITE_REPLACE : OVERWRITE_REFUSE;
        p.lineage = lineage ? LINEAGE_NONE : LINEAGE_COLUMNS;
        is_int(generate(), 0);
        is_int(got("refused"), 1);
        is_str(fx_text(&f, "SELECT verdict FROM object ORDER BY id DESC LIMIT 1"), "REFUSED");
        is_int(generate(), 0);
        is_int(fx_number(&f, "SELECT count(*) FROM object"), 2);
        tear_down();
    }
}

TEST(overwritten_before_it_was_loaded_the_job_takes_the_new_one)
{
    const char *const states[] = {"QUEUED", "FAILED", "DEAD"};

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        char sql[120];
        set_up(2, 2);
        p.on_overwrite = OVERWRITE_REFUSE; /* nothing was loaded: nothing is replaced */
        put(key(2, "a.csv"), "x", OLD);
        generate();
        int64_t load = fx_load_of(&f, 1);
        snprintf(sql, sizeof sql, "UPDATE job SET state = '%s', attempts = 4, not_before_ms = 9e12",
                 states[i]);
        fx_sql(&f, sql);
        put(key(2, "a.csv"), "yy", OLD);
        is_int(generate(), 0);
        is_int(got("requeued"), 1);
        is_int(fx_load_of(&f, 1), load);
        is_int(fx_number(&f, "SELECT o.size FROM load l JOIN object o ON o.id = l.object_id"), 2);
        is_str(fx_text(&f, "SELECT state FROM job"), "QUEUED");
        is_int(fx_number(&f, "SELECT attempts + not_before_ms FROM job"), 0);
        generate();
        is_int(fx_number(&f, "SELECT count(*) FROM object"), 2);
        tear_down();
    }
}

TEST(overwritten_while_it_is_loaded_it_waits_for_the_outcome)
{
    set_up(2, 2);
    put(key(2, "a.csv"), "x", OLD);
    generate();
    int64_t run = fx_run(&f, "t");
    char flag[40];
    snprintf(flag, sizeof flag, "%s", fx_take(&f, "t", run, 1));
    put(key(2, "a.csv"), "yy", OLD);
    is_int(generate(), 0);
    is_int(fx_number(&f, "SELECT o.size FROM load l JOIN object o ON o.id = l.object_id"), 1);
    is_str(fx_text(&f, "SELECT verdict FROM object ORDER BY id DESC LIMIT 1"), "NEW");
    /* its outcome unknown: still hands off */
    const struct load_result r = {.load_id = fx_load_of(&f, 1), .columns = "", .sha256 = "", .now_ms = 1};
    must_rc(load_pending(f.s, "t", &r, &f.err), &f.err);
    const struct job_outcome failed = {.job_id = 1, .state = "FAILED", .now_ms = 1};
    is_int(flag_reset(f.s, "t", "loans", flag, &failed, &f.err), 1);
    is_int(generate(), 0);
    is_int(got("requeued"), 0);
    /* it was loaded after all: the new one is a new generation */
    must_rc(load_settle(f.s, NULL, r.load_id, "LOADED", 2, &f.err), &f.err);
    is_int(generate(), 1);
    is_int(fx_number(&f, "SELECT replaces FROM load WHERE job_id = 2"), r.load_id);
    tear_down();
}

TEST(vanished_before_it_was_loaded)
{
    set_up(2, 2);
    put(key(2, "a.csv"), "x", OLD);
    put(key(2, "b.csv"), "x", OLD);
    generate();
    must(unlink(path(key(2, "a.csv"))) == 0);
    generate();
    is_int(got("gone"), 1);
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE state = 'DRAWN'"), 1);
    is_str(fx_text(&f, "SELECT state FROM job"), "QUEUED");
    must(unlink(path(key(2, "b.csv"))) == 0);
    p.late_after_ms = 60000;
    generate();
    is_str(fx_text(&f, "SELECT state FROM job"), "EMPTY");
    ok(strstr(fx_text(&f, "SELECT message FROM job"), "vanished") != NULL);
    is_str(part_state(2), "LATE"); /* nobody must think that the hour is well */
    put(key(2, "b.csv"), "x", OLD);
    is_int(generate(), 1);
    is_str(part_state(2), "QUEUED");
    tear_down();
}

TEST(what_was_loaded_stays_loaded_when_its_file_goes)
{
    set_up(2, 2);
    p.late_after_ms = 60000;
    put(key(2, "a.csv"), "x", OLD);
    generate();
    fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
    must(unlink(path(key(2, "a.csv"))) == 0);
    generate();
    is_str(part_state(2), "QUEUED");
    is_str(fx_text(&f, "SELECT state FROM job"), "RECONCILED");
    is_str(fx_text(&f, "SELECT verdict FROM object"), "LOADED");
    tear_down();
}

TEST(skipped_hours_are_left_alone_and_come_back_by_undo)
{
    set_up(2, 2);
    put(key(2, "a.csv"), "x", OLD);
    generate();
    fx_decide(&f, part(2), "SKIPPED", "closed", 1);
    put(key(2, "b.csv"), "x", OLD);
    is_int(generate(), 0);
    is_int(got("partitions"), 0);
    fx_decide(&f, part(2), "WAITING", "", 1);
    is_int(generate(), 1);
    is_int(got("new"), 2);
    tear_down();
}

TEST(a_waiting_replay_is_not_disturbed_by_listings)
{
    set_up(2, 2);
    put(key(2, "a.csv"), "x", OLD);
    generate();
    fx_load_job(&f, NULL, fx_run(&f, "t"), 1);
    fx_job(&f, part(2), "REPLAY", (int64_t[]){1, 0});
    is_int(generate(), 0);
    is_str(fx_text(&f, "SELECT state FROM job WHERE id = 2"), "QUEUED");
    is_int(fx_number(&f, "SELECT count(*) FROM load WHERE job_id = 2 AND state = 'DRAWN'"), 1);
    tear_down();
}

TEST(a_dry_run_tells_and_writes_nothing)
{
    json_t *plan = NULL;
    char before[80], after[80];
    const char *sql = "SELECT (SELECT count(*) FROM object) || '/' || (SELECT count(*) FROM job) || '/' ||"
                      " (SELECT count(*) FROM partition_) || '/' || (SELECT count(*) FROM pipeline)";

    set_up(4, 1);
    put(key(3, "a.csv"), "xyz", OLD);
    put(key(2, "a.csv"), "x", 1000);
    snprintf(before, sizeof before, "%s", fx_text(&f, sql));
    must_rc(step_generate_queue(&c, true, &plan, &f.err), &f.err);
    snprintf(after, sizeof after, "%s", fx_text(&f, sql));
    is_str(after, before);
    is_int(json_array_size(plan), 4);
    const json_t *row = json_array_get(plan, 1);
    is_str(json_string_value(json_object_get(row, "partition")), part(3));
    is_str(json_string_value(json_object_get(row, "action")), "queue");
    is_int(json_integer_value(json_object_get(row, "objects")), 1);
    is_int(json_integer_value(json_object_get(row, "bytes")), 3);
    is_str(json_string_value(json_object_get(json_array_get(plan, 2), "action")), "wait");
    json_decref(plan);
    tear_down();
}

TEST(layouts_that_no_day_prefix_fits_are_listed_an_hour_at_a_time)
{
    static const char *const layouts[] = {"%Y/%m/%d/%H/", "%H/%Y-%m-%d/", "%Y-%m-%d-%H/", "%Y/%m/%H/%d/",
                                          "%s/"};

    for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
        set_up(50, 1);
        p.layout = layouts[i];
        p.prefix = i % 2 ? "" : "in/";
        put(key(49, "a.csv"), "x", OLD);
        put(key(26, "a.csv"), "x", OLD);
        put(key(25, "a.csv"), "x", OLD);
        is_int(generate(), 3);
        is_int(got("partitions"), 50);
        is_int(got("leftOut"), 0);
        is_int(fx_number(&f, "SELECT count(DISTINCT part) FROM job"), 3);
        tear_down();
    }
}

TEST(days_are_partitions_too)
{
    set_up(1, 1);
    p.period = PERIOD_DAY;
    p.layout = "%Y-%m-%d/";
    p.since_ms = period_floor(PERIOD_DAY, clock_now_ms()) - 3 * 24 * (int64_t)HOUR;
    p.until_ms = -1;
    put(key(48, "a.csv"), "x", OLD);
    is_int(generate(), 1);
    is_int(got("partitions"), 3); /* today is not closed */
    is_int(fx_number(&f, "SELECT length(part) FROM job"), 10);
    tear_down();
}

TEST(a_missing_root_is_an_error_not_an_empty_hour)
{
    json_t *v = NULL;

    set_up(2, 2);
    p.late_after_ms = 60000;
    char *lake = fs_join(f.folder, "lake");
    must(rmdir(lake) == 0);
    free(lake);
    fails(step_generate_queue(&c, false, &v, &f.err), &f.err, ERR_NOT_FOUND);
    is_int(fx_number(&f, "SELECT count(*) FROM partition_"), 0);
    tear_down();
}

static bool matches(const char *pattern, const char *rest)
{
    const char *patterns[] = {pattern, NULL};
    const struct pipeline q = {.prefix = "in/", .layout = "%Y/%m/%d/%H/", .include = patterns};
    char k[300];

    snprintf(k, sizeof k, "in/2022/06/05/12/%s", rest);
    return include_matches(&q, k);
}

TEST(include_patterns)
{
    ok(matches("*.csv", "a.csv"));
    ok(matches("*.csv", "deep/er/a.csv"));
    ok(!matches("*.csv", "a.CSV"));
    ok(!matches("*.csv", "a.csv.tmp"));
    ok(matches("*", "a"));
    ok(matches("a*b*c", "aXbXbXc"));
    ok(!matches("a*b*c", "aXbXb"));
    ok(matches("part-????.csv", "part-0001.csv"));
    ok(matches("[a-c]x", "bx"));
    ok(!matches("[!a-c]x", "bx"));
    ok(matches("[", "["));
    ok(matches("[]]", "]"));
    ok(matches("loans/*.csv", "loans/a.csv"));
    ok(!matches("loans/*.csv", "loans/deep/a.csv"));
    ok(!matches("loans/*.csv", "cards/a.csv"));
    ok(matches("in/*/*/*/*/a.csv", "a.csv"));
    ok(!matches("*.csv", "_a.csv"));
    ok(!matches("?a.csv", "_a.csv"));
    ok(!matches("[_x]a.csv", "_a.csv"));
    ok(matches("_*.csv", "_a.csv"));
    ok(!matches("*.csv", "_temporary/0/a.csv"));
    ok(!matches("*/*/*.csv", "_temporary/0/a.csv"));
    ok(matches("_temporary/*/*.csv", "_temporary/0/a.csv"));
    ok(!matches("*.csv", ".git/a.csv"));
    ok(!matches("*.csv", ""));
    /* no pattern makes it slow */
    ok(!matches("*a*a*a*a*a*a*a*a*a*a*b",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
