/* The steps around the now-processing flag, with a SQLite target for the fence. */
#include "base/clock.h"
#include "base/mem.h"
#include "steps/steps_int.h"
#include "tests/lib/queue_fixture.h"

static struct fixture f;
static struct pipeline p;
static char url[160];
static int64_t run_a, run_b, job;
static struct step_ctx a, b;

static struct step_ctx context(const char *token, int64_t execution)
{
    return (struct step_ctx){.store = f.s,
                             .pipeline = &p,
                             .io = step_io_new(&p),
                             .token = token,
                             .execution_id = execution,
                             .lease_ms = 60000};
}

static void set_up(bool with_ledger)
{
    struct target *t;

    fx_open(&f);
    snprintf(url, sizeof url, "sqlite:%s/target.db", f.folder);
    p = (struct pipeline){.name = "loans", .target = {.url = url}, .table = "t", .max_attempts = 2};
    run_a = fx_run(&f, "ta");
    run_b = fx_run(&f, "tb");
    job = fx_job(&f, "2022-06-05T12", "LOAD", (int64_t[]){fx_see(&f, "2022-06-05T12", "a.csv", "A", 10), 0});
    a = context("ta", run_a);
    b = context("tb", run_b);
    must_rc(step_target(&a, &t, &f.err), &f.err);
    if (with_ledger)
        must_rc(target_setup(t, &f.err), &f.err);
}

static void tear_down(void)
{
    struct step_ctx *const all[] = {&a, &b};

    for (int i = 0; i < 2; i++) {
        step_io_free(all[i]->io);
        free(all[i]->flag_id);
    }
    fx_close(&f);
}

/* The result as text; valid for eight calls. */
static const char *call(step_fn *fn, struct step_ctx *c, json_t *parameters)
{
    static char ring[8][600];
    static unsigned at;
    char *out = ring[at++ % 8], *text;
    json_t *v = NULL;

    int rc = fn(c, parameters, &v, &f.err);
    json_decref(parameters);
    if (rc < 0) {
        snprintf(out, sizeof ring[0], "%s", err_asl(&f.err));
        return out;
    }
    text = json_text(v);
    snprintf(out, sizeof ring[0], "%s", text);
    free(text);
    json_decref(v);
    return out;
}

static const char *set(struct step_ctx *c)
{
    return call(step_run_set_flag, c, json_pack("{s:s, s:I}", "pipeline", "loans", "job", (json_int_t)job));
}

static const char *reset(struct step_ctx *c, const char *flag, const char *outcome, const char *error)
{
    return call(step_run_reset_flag, c,
                json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "pipeline", "loans", "job", (json_int_t)job,
                          "flag", flag, "outcome", outcome, "error", error, "cause", "why"));
}

static int64_t epoch(void)
{
    struct target *t;
    int64_t e = -1, seq;

    must_rc(step_target(&a, &t, &f.err), &f.err);
    must_rc(target_fence_read(t, "loans", &e, &seq, &f.err), &f.err);
    return e;
}

static const char *check(struct step_ctx *c)
{
    return call(step_run_check_now_processing, c, json_pack("{s:s}", "pipeline", "loans"));
}

TEST(the_next_job_or_null)
{
    set_up(true);
    is_str(call(step_run_etl_queue_check, &a, json_pack("{s:s, s:n}", "pipeline", "loans", "partition")),
           "{\"job\":1,\"partition\":\"2022-06-05T12\",\"name\":\"loans/2022-06-05T12\",\"pending\":1}");
    is_str(call(step_run_etl_queue_check, &a,
                json_pack("{s:s, s:s}", "pipeline", "loans", "partition", "2022-06-05T13")),
           "{\"job\":null,\"partition\":null,\"name\":null,\"pending\":0}");
    is_str(call(step_run_etl_queue_check, &a, json_pack("{s:s, s:i}", "pipeline", "loans", "partition", 4)),
           "Orch.ContractViolation");
    tear_down();
}

TEST(free_held_stale)
{
    set_up(true);
    is_str(check(&a), "{\"state\":\"FREE\",\"owner\":null}");
    set(&a);
    is_str(check(&b), "{\"state\":\"HELD\",\"owner\":\"run-ta\"}");
    is_str(check(&a), "{\"state\":\"FREE\",\"owner\":null}"); /* its own is no reason to stop */
    fx_sql(&f, "UPDATE execution SET status = 'TIMED_OUT' WHERE name = 'run-ta'");
    is_str(check(&b), "{\"state\":\"STALE\",\"owner\":\"run-ta\"}");
    tear_down();
}

TEST(the_flag_comes_with_a_raised_epoch_and_without_it_none_is_raised)
{
    set_up(true);
    ok(str_starts(set(&a), "{\"acquired\":true,\"id\":\""));
    int64_t first = epoch();
    is_int(fx_number(&f, "SELECT epoch FROM flag"), first);
    is_str(a.flag_id, fx_text(&f, "SELECT id FROM flag"));
    is_str(set(&b), "{\"acquired\":false,\"id\":null}");
    is_int(epoch(), first); /* the living one is not disturbed */
    set(&a);                /* the same run again, after dying somewhere in between */
    is_int(fx_number(&f, "SELECT epoch FROM flag"), epoch());
    ok(epoch() > first);
    fx_sql(&f, "UPDATE flag SET lease_boot_ms = 0");
    int64_t before = epoch();
    ok(str_starts(set(&b), "{\"acquired\":true"));
    ok(epoch() > before); /* whatever the first one still sends, cannot commit */
    tear_down();
}

TEST(a_target_that_is_not_set_up_gives_the_flag_and_the_job_back)
{
    set_up(false);
    const char *error = set(&a);
    ok(str_starts(error, "Orch."));
    is_int(fx_number(&f, "SELECT count(*) FROM flag"), 0);
    is_str(fx_text(&f, "SELECT state FROM job"), "FAILED");
    is_str(fx_text(&f, "SELECT error FROM job"), error);
    is_int(fx_number(&f, "SELECT attempts FROM job"), 0);
    ok(a.flag_id == NULL);
    tear_down();
}

TEST(failures_of_the_data_count_and_end_in_dead)
{
    set_up(true);
    set(&a);
    const char *flag = fx_text(&f, "SELECT id FROM flag");
    is_str(reset(&a, flag, "FAILED", "Orch.SchemaMismatch"), "{\"reset\":true,\"state\":\"FAILED\"}");
    is_str(reset(&a, flag, "FAILED", "Orch.SchemaMismatch"), "{\"reset\":false,\"state\":\"FAILED\"}");
    is_int(fx_number(&f, "SELECT attempts FROM job"), 1);
    ok(fx_number(&f, "SELECT not_before_ms FROM job") > clock_now_ms());
    is_str(fx_text(&f, "SELECT message FROM job"), "why");
    set(&a);
    is_str(reset(&a, fx_text(&f, "SELECT id FROM flag"), "FAILED", "Orch.SchemaMismatch"),
           "{\"reset\":true,\"state\":\"DEAD\"}");
    tear_down();
}

TEST(the_weather_never_counts_and_waits_at_most_five_minutes)
{
    set_up(true);
    for (int i = 0; i < 12; i++) {
        set(&a);
        is_str(reset(&a, fx_text(&f, "SELECT id FROM flag"), "FAILED",
                     i % 2 ? "Orch.Unavailable" : "States.Timeout"),
               "{\"reset\":true,\"state\":\"FAILED\"}");
    }
    is_int(fx_number(&f, "SELECT attempts FROM job"), 0);
    int64_t wait = fx_number(&f, "SELECT not_before_ms FROM job") - clock_now_ms();
    ok(wait > 290000 && wait <= 300000);
    tear_down();
}

TEST(a_mismatch_stays_a_mismatch)
{
    set_up(true);
    set(&a);
    fx_sql(&f, "UPDATE job SET state = 'MISMATCHED'");
    is_str(reset(&a, fx_text(&f, "SELECT id FROM flag"), "FAILED", "Orch.Mismatch"),
           "{\"reset\":true,\"state\":\"MISMATCHED\"}");
    is_str(fx_text(&f, "SELECT error || ' ' || message FROM job"), "Orch.Mismatch why");
    is_int(fx_number(&f, "SELECT count(*) FROM flag"), 0);
    tear_down();
}

TEST(one_that_was_taken_over_changes_nothing)
{
    set_up(true);
    set(&a);
    const char *old = fx_text(&f, "SELECT id FROM flag");
    fx_sql(&f, "UPDATE flag SET lease_boot_ms = 0");
    set(&b);
    is_str(reset(&a, old, "FAILED", "Orch.BadCsv"), "{\"reset\":false,\"state\":\"PROCESSING\"}");
    is_str(fx_text(&f, "SELECT state FROM job"), "PROCESSING");
    is_int(fx_number(&f, "SELECT count(*) FROM flag"), 1);
    tear_down();
}

TEST(loaded_only_frees_the_flag)
{
    set_up(true);
    set(&a);
    fx_sql(&f, "UPDATE job SET state = 'RECONCILED'");
    is_str(reset(&a, fx_text(&f, "SELECT id FROM flag"), "LOADED", ""),
           "{\"reset\":true,\"state\":\"RECONCILED\"}");
    is_int(fx_number(&f, "SELECT count(*) FROM flag"), 0);
    is_str(reset(&a, "x", "DONE", ""), "Orch.ContractViolation");
    tear_down();
}

TEST(resources_by_arn_of_any_region_and_account)
{
    ok(step_by_resource("arn:aws:states:eu-west-1:123456789012:activity:orch-set-flag") != NULL);
    is_str(step_by_resource("arn:aws:states:::activity:orch-ingest")->name, "ingest");
    ok(step_by_resource("arn:aws:states:eu-west-1:123456789012:activity:orch-set-flags") == NULL);
    ok(step_by_resource("arn:aws:states:eu-west-1:1:2:activity:orch-set-flag") == NULL);
    ok(step_by_resource("arn:aws:lambda:eu-west-1:1:function:orch-set-flag") == NULL);
    ok(step_by_resource("arn:aws:states:") == NULL);
    for (const struct step_type *t = step_types; t->name != NULL; t++)
        ok(t->run != NULL && t->doc[0] != '\0');
}
