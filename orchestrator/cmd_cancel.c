#include "base/clock.h"
#include "base/fault.h"
#include "base/mem.h"
#include "orchestrator/engine.h"
#include "orchestrator/view.h"
#include "state/exec.h"
#include "state/flag.h"
#include "state/queue.h"

enum { AT_ONCE = 100, POLL_MS = 200, GRACE_MS = 10000 };

static const char *reason = "";
static bool dry_run;
static const struct opt opts[] = {
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept with the execution and the job"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would be stopped and withdrawn"},
    {0},
};

struct cancelling {
    struct cli *c;
    const struct pipeline *p;
    const char *part; /* "": all of them */
    char who[200];
    struct engine *engine;
    struct flag flag;
    bool worked; /* the flag is held, of a partition that is meant */
    int64_t ids[AT_ONCE];
    size_t n;
    int64_t *jobs, *stopped; /* replays that wait; jobs whose run was ended. Owned */
    size_t job_count, stopped_count, waiting;
    json_t *rows;
    bool open; /* an owner has not obeyed */
};

static void tell(struct cancelling *k, const char *name, const char *action, const char *state,
                 const char *text)
{
    json_array_append_new(k->rows, json_pack("{s:s,s:s,s:s,s:s,s:s}", "pipeline", k->p->name, "name", name,
                                             "action", action, "state", state, "text", text));
}

/* ---- executions ---- */

static int on_running(void *arg, const struct execution *x, struct err *err)
{
    struct cancelling *k = arg;

    UNUSED(err);
    if (k->n < AT_ONCE && (*k->part == '\0' || (k->worked && x->id == k->flag.execution_id)))
        k->ids[k->n++] = x->id;
    return 0;
}

/* Which executions are meant: all that run, or the one that works the partition. */
static int find_running(struct cancelling *k, struct err *err)
{
    enum flag_state state;
    struct job j = {0};
    int rc = flag_get(k->c->store, k->p->name, &k->flag, &state, err);

    if (rc == 0 && state != FLAG_FREE) {
        rc = job_get(k->c->store, k->flag.job_id, &j, err);
        k->worked = rc == 0 && (*k->part == '\0' || strcmp(j.part, k->part) == 0);
        job_release(&j);
    }
    return rc < 0 ? rc : exec_list(k->c->store, k->p->name, "RUNNING", AT_ONCE, on_running, k, err);
}

/* Asks, and waits until the owner has obeyed or its lease is over: then the execution is ours to end. */
static int stop(struct cancelling *k, struct execution *x, struct err *err)
{
    const struct stop_ask again = {.error = "Orch.Cancelled",
                                   .cause = *reason != '\0' ? reason : "orch cancel"},
                          ask = {.error = again.error,
                                 .cause = again.cause,
                                 .who = k->who,
                                 .verb = "cancel",
                                 .reason = reason};
    int64_t id = x->id, began = clock_mono_ms(), left = 0;
    int rc = engine_stop(k->engine, id, &ask, err);

    for (bool said = false; rc == 0; said = true) {
        execution_release(x);
        *x = (struct execution){0};
        rc = exec_get(k->c->store, id, x, err);
        if (rc < 0 || strcmp(x->status, "RUNNING") != 0)
            break;
        left = x->claim_lock != NULL ? x->claim_lease_boot_ms + x->claim_lease_ms - clock_boot_ms() : 0;
        if (!said) {
            cli_say("%s is asked to stop; its owner (pid %lld) obeys at its next heartbeat, or loses it in "
                    "%lld s",
                    x->name, (long long)x->claim_pid, (long long)(left > 0 ? left / 1000 : 0));
            began += left > 0 ? left : 0;
        }
        if (engine_stop_signal || clock_mono_ms() - began > GRACE_MS)
            break;
        clock_sleep_ms(POLL_MS);
        if (left <= 0) /* taken over, like by a tick */
            rc = engine_stop(k->engine, id, &again, err);
    }
    return rc;
}

/* A short load ends before its owner sees the request: its rows stand, and the reader must not take them for gone. */
static bool has_loaded(const struct cancelling *k)
{
    struct job j = {0};
    struct err ignored;
    bool loaded = k->worked && job_get(k->c->store, k->flag.job_id, &j, &ignored) == 0 &&
                  (strcmp(j.state, "LOADED") == 0 || strcmp(j.state, "RECONCILED") == 0);

    job_release(&j);
    return loaded;
}

static int one_execution(struct cancelling *k, int64_t id, struct err *err)
{
    struct execution x = {0};
    int rc = exec_get(k->c->store, id, &x, err);

    if (rc == 0 && dry_run) {
        tell(k, x.name, "STOP", x.status, "would be asked to stop");
    } else if (rc == 0) {
        rc = stop(k, &x, err);
        bool running = rc == 0 && strcmp(x.status, "RUNNING") == 0;
        bool ours = rc == 0 && strcmp(x.status, "ABORTED") == 0;
        if (rc == 0)
            tell(k, x.name, "STOP", x.status,
                 running                 ? "asked; its owner has not obeyed yet"
                 : ours && has_loaded(k) ? "stopped after its rows were committed: they stand"
                 : ours                  ? "stopped"
                                         : "it had come to its end before");
        k->open |= running;
    }
    execution_release(&x);
    return rc < 0 ? rc : 0;
}

/* ---- jobs ---- */

static void keep(int64_t **list, size_t *n, int64_t id)
{
    *list = xrealloc(*list, (*n + 1) * sizeof **list);
    (*list)[(*n)++] = id;
}

static int on_job(void *arg, const struct job *j, struct err *err)
{
    struct cancelling *k = arg;
    bool replay = strcmp(j->kind, "REPLAY") == 0, processing = strcmp(j->state, "PROCESSING") == 0;
    bool waits = strcmp(j->state, "QUEUED") == 0 || strcmp(j->state, "FAILED") == 0;

    UNUSED(err);
    if (processing)
        keep(&k->stopped, &k->stopped_count, j->id);
    if (replay && (waits || processing || strcmp(j->state, "DEAD") == 0))
        keep(&k->jobs, &k->job_count, j->id);
    else if (waits || processing)
        k->waiting++;
    return 0;
}

static int one_replay(struct cancelling *k, int64_t id, struct err *err)
{
    char name[JOB_NAME_SIZE];
    struct job before = {0}, after = {0};
    int rc = job_get(k->c->store, id, &before, err), done = 0;

    if (rc == 0 && !dry_run)
        rc = done = job_withdraw(k->c->store, id, k->who, reason, clock_now_ms(), err);
    if (rc >= 0)
        rc = job_get(k->c->store, id, &after, err);
    if (rc == 0)
        tell(k, job_name(&after, name), "WITHDRAW", after.state,
             dry_run    ? "would be withdrawn"
             : done > 0 ? "withdrawn; what was loaded stands"
                        : "a run has begun it and its end is not known: the next tick brings it there");
    job_release(&before);
    job_release(&after);
    return rc < 0 ? rc : 0;
}

static int all_jobs(struct cancelling *k, struct err *err)
{
    const char *part = *k->part != '\0' ? k->part : NULL;
    int rc = job_list(k->c->store, k->p->name, part, part, on_job, k, err);

    for (size_t i = 0; rc >= 0 && i < k->stopped_count && !dry_run; i++)
        rc = job_put_back(k->c->store, k->stopped[i], clock_now_ms(), err);
    if (rc >= 0)
        rc = fault_point("cancel.put_back", err);
    for (size_t i = 0; rc >= 0 && i < k->job_count; i++)
        rc = one_replay(k, k->jobs[i], err);
    return rc < 0 ? rc : 0;
}

/* ---- the command ---- */

static void print(const struct cancelling *k)
{
    static const struct out_column columns[] = {
        {"name", "WHAT", false, false},
        {"action", "ACTION", false, false},
        {"state", "STATE", false, true},
        {"text", "OUTCOME", false, false},
        {0},
    };
    const char *name = k->p->name;

    if (json_array_size(k->rows) > 0 || k->c->out.format != OUT_TABLE)
        out_rows(&k->c->out, "cancel", columns, k->rows);
    else
        printf("%s%s%s: nothing runs, and no replay waits\n", name, *k->part != '\0' ? "/" : "", k->part);
    if (k->waiting > 0)
        cli_say(
            "%s: %zu first load%s wait%s, and cannot be cancelled: the next look at the source would queue "
            "%s again (hint: orch pause %s holds all of them; orch skip %s/PARTITION gives one up)",
            name, k->waiting, k->waiting == 1 ? "" : "s", k->waiting == 1 ? "s" : "",
            k->waiting == 1 ? "it" : "them", name, name);
}

static int run(struct cli *c, struct err *err)
{
    char part[PART_SIZE] = "";
    struct cancelling k = {.c = c, .part = part, .rows = json_array()};
    int rc = cli_flow(c, c->args.items[0], &k.p, part, err);

    cli_who(k.who, sizeof k.who);
    if (rc == 0)
        rc = cli_store(c, STORE_OPEN, err);
    if (rc == 0)
        rc = engine_new(c->config, c->store, &k.engine, err);
    if (rc == 0) {
        cli_signals();
        rc = find_running(&k, err);
    }
    for (size_t i = 0; rc == 0 && i < k.n; i++)
        rc = one_execution(&k, k.ids[i], err);
    if (rc == 0)
        rc = fault_point("cancel.stopped", err);
    if (rc == 0)
        rc = all_jobs(&k, err);
    if (rc == 0) {
        print(&k);
        rc = k.open ? err_exit_status(ERR_BUSY) : 0;
    }
    engine_free(k.engine);
    free(k.jobs);
    free(k.stopped);
    json_decref(k.rows);
    return rc;
}

const struct command cmd_cancel = {
    "cancel",
    "PIPELINE[/PARTITION]",
    "Stops what is being loaded, and withdraws replays that wait.",
    "The run that works the pipeline (or the partition) is asked to stop, and waited for: it obeys at its "
    "next\n"
    "heartbeat, or loses the run when its lease is over (exit 75 where neither has come). What it was "
    "loading is\n"
    "rolled back. Its job waits again; a replay is withdrawn, and what was loaded before it stands.\n"
    "A first load cannot be cancelled for good: orch skip gives it up, orch pause holds the pipeline.\n\n"
    "  orch cancel loans --reason 'the wrong week'\n"
    "  orch cancel loans/2022-06-05T12\n",
    opts,
    1,
    1,
    run,
};
