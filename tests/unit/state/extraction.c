#include "state/extraction.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"

static struct err err;
static struct store *s;

static int note(void *arg, const struct extraction *e, struct err *unused)
{
    UNUSED(unused);
    snprintf(arg, 20, "%s", e->state);
    return 0;
}

static const char *state_of(const char *run)
{
    static char state[20];

    state[0] = '\0';
    must_rc(extraction_run(s, "hr", run, note, state, &err), &err);
    return state;
}

static void plan(const char *run, const char *kind, int64_t seq)
{
    char name[] = "t";
    struct extraction e = {.name = name, .kind = (char *)(uintptr_t)kind, .seq = seq};

    must_rc(extraction_plan(s, NULL, "hr", run, &e, 1, 1000, &err), &err);
}

static void give_up(const char *run)
{
    const struct extraction_failure f = {
        .error = "Orch.Config", .message = "no", .counts = true, .max_attempts = 1, .now_ms = 2000};

    must_rc(extraction_failed(s, NULL, "hr", run, &f, &err), &err);
}

/* The next run of the sequence takes what the last one did not; a range is for a person to take again. */
TEST(a_dead_range_is_not_superseded_by_the_next_run)
{
    char *folder = tmp_dir(), *path = tmp_path(folder, "orch.db");

    must_rc(store_open(path, STORE_CREATE, &s, &err), &err);
    plan("range", "RANGE", -1);
    give_up("range");
    plan("first", "INCREMENTAL", 0);
    give_up("first");
    is_int(extraction_sequence(s, "hr", &err), 2);
    plan("again", "INCREMENTAL", 0);
    is_str(state_of("first"), "SUPERSEDED");
    is_str(state_of("range"), "DEAD");
    must_rc(extraction_retry(s, "hr", &err), &err);
    is_str(state_of("range"), "FAILED");
    store_close(s);
    free(folder);
    free(path);
}

static int keep_manifest(void *arg, const struct extraction *e, struct err *unused)
{
    UNUSED(unused);
    snprintf(arg, 20, "%s", e->manifest);
    return 0;
}

/* It is at the sink by then, and a state file that kept each would grow by all that was ever written of them. */
TEST(a_published_manifest_is_kept_at_the_sink_alone)
{
    char *folder = tmp_dir(), *path = tmp_path(folder, "orch.db");
    char key[] = "k", text[] = "{}", name[] = "t", run[] = "run", pipeline[] = "hr", kept[20] = "";
    int64_t stamp = 0;

    must_rc(store_open(path, STORE_CREATE, &s, &err), &err);
    plan(run, "INCREMENTAL", 0);
    must_rc(extraction_stamp(s, NULL, pipeline, run, 1, 5000, &stamp, &err), &err);
    const struct extraction e = {.id = 1,
                                 .name = name,
                                 .run = run,
                                 .pipeline = pipeline,
                                 .manifest_key = key,
                                 .manifest = text,
                                 .sql = text,
                                 .notice = key,
                                 .stamp_ms = stamp};
    must_rc(extraction_written(s, NULL, &e, 1, 6000, &err), &err);
    must_rc(extraction_run(s, pipeline, run, keep_manifest, kept, &err), &err);
    is_str(kept, "{}");
    must_rc(extraction_published(s, NULL, &e, 7000, &err), &err);
    must_rc(extraction_run(s, pipeline, run, keep_manifest, kept, &err), &err);
    is_str(kept, "");
    store_close(s);
    free(folder);
    free(path);
}
