#include "base/clock.h"
#include "orchestrator/cmd.h"
#include "orchestrator/engine.h"
#include "orchestrator/extract_now.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include <signal.h>
#include <sys/time.h>

static const char *partition, *timeout;
static bool fail_if_locked;
static const struct opt opts[] = {
    {"partition", 0, OPT_TEXT, &partition, "PARTITION",
     "only this one, such as 2022-06-05T12 or 2022060512; the exit code then tells of it alone"},
    {"timeout", 0, OPT_TEXT, &timeout, "DURATION", "stop cleanly after so long, such as 30m: exit 75"},
    {"fail-if-locked", 0, OPT_FLAG, &fail_if_locked, NULL, "exit 10 when another process works the pipeline"},
    {0},
};

static void on_alarm(int signal_number)
{
    engine_stop_signal = signal_number;
}

/* As a SIGTERM after that time: what is being done is left in a state that the next run goes on from. */
static int stop_after(const char *duration, struct err *err)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    struct itimerval at = {0};
    int64_t ms = 0;

    if (str_to_duration_ms(str_of(duration), &ms, err) < 0)
        return err_set(err, ERR_USAGE, "--timeout: '%.40s' is not a duration such as 30m", duration);
    if (ms == 0)
        return err_set(err, ERR_USAGE, "--timeout: 0 leaves no time");
    sigemptyset(&sa.sa_mask);
    sigaction(SIGALRM, &sa, NULL);
    at.it_value.tv_sec = ms / 1000;
    at.it_value.tv_usec = ms % 1000 * 1000;
    return setitimer(ITIMER_REAL, &at, NULL) == 0 ? 0 : err_errno(err, errno, "cannot set a timer");
}

/* ---- what became of the one partition ---- */

static int exit_of_jobs(const json_t *part)
{
    const json_t *j;
    size_t i;
    int worst = 0;

    json_array_foreach(json_object_get(part, "jobs"), i, j) {
        const char *state = view_str(j, "state"), *error = view_str(j, "error");
        if (strcmp(state, "DEAD") == 0)
            worst = exit_worse(worst, 1);
        else if (strcmp(state, "FAILED") == 0)
            worst = exit_worse(worst, *error != '\0' ? err_exit_status(err_by_name(error)) : 1);
    }
    return worst == 0 || worst == 2 ? 1 : worst;
}

/* Whoever runs one partition wants to know whether it is done, whoever did it and whatever was said before. */
static int exit_of(const json_t *part)
{
    const char *state = view_str(part, "state");

    if (part != NULL && view_is_well(part))
        return 0;
    if (strcmp(state, "DEAD") == 0 || strcmp(state, "FAILED") == 0)
        return exit_of_jobs(part);
    return strcmp(state, "MISMATCHED") == 0 ? 5 : strcmp(state, "LATE") == 0 ? 6 : 75;
}

/* What the job says that stands worst; "" where none failed. */
static const char *message_of(const json_t *part)
{
    const char *message = "";
    const json_t *j;
    size_t i;

    json_array_foreach(json_object_get(part, "jobs"), i, j) {
        const char *state = view_str(j, "state");
        if (strcmp(state, "DEAD") == 0 || (*message == '\0' && strcmp(state, "FAILED") == 0))
            message = view_str(j, "message");
    }
    return message;
}

static void print(struct cli *c, const char *pipeline, const char *part, const json_t *it, const char *state,
                  int own)
{
    json_t *doc = json_pack("{s:i,s:s,s:s,s:s,s:o,s:I,s:I,s:I,s:i}", "schema_version", 1, "pipeline",
                            pipeline, "partition", part, "state", state, "message",
                            cli_json_text(message_of(it)), "rows_read", (json_int_t)view_int(it, "rows_read"),
                            "rows_loaded", (json_int_t)view_int(it, "rows_loaded"), "rows_rejected",
                            (json_int_t)view_int(it, "rows_rejected"), "exit", own);

    out_document(&c->out, doc);
    json_decref(doc);
}

/* rc: of the tick, which speaks of the whole pipeline; what kept it from this partition counts here too. */
static int outcome(struct cli *c, const struct pipeline *p, const char *part, int rc, struct err *err)
{
    json_t *all = NULL;
    int read = view_partitions(c->store, p, part, part, clock_now_ms(), &all, err);

    if (read < 0)
        return read;
    const json_t *it = json_array_get(all, 0);
    const char *state = it != NULL ? view_str(it, "state") : "WAITING";
    int own = exit_of(it);
    if (own == 75 && rc == 10)
        own = 10;
    else if (own != 0 && (rc == 3 || rc == 4))
        own = exit_worse(own, rc);
    if (c->out.format == OUT_JSON)
        print(c, p->name, part, it, state, own);
    if (own != 0) /* the tick says a trouble once; whoever asks for this partition is told each time */
        cli_say("%s/%s: not done: %s%s; orch explain %s/%s tells why", p->name, part, state,
                engine_stop_signal == SIGALRM ? ", --timeout is over" : "", p->name, part);
    json_decref(all);
    return own;
}

/* "2022060512", as queue files of other systems are named, is 2022-06-05T12. */
static const char *from_digits(enum period p, const char *text, char out[PART_SIZE])
{
    size_t n = strlen(text);

    if (strspn(text, "0123456789") != n || n != (p == PERIOD_HOUR ? 10 : 8))
        return text;
    snprintf(out, PART_SIZE, "%.4s-%.2s-%.2s%s%s", text, text + 4, text + 6, p == PERIOD_HOUR ? "T" : "",
             text + 8);
    return out;
}

static int wanted(struct cli *c, const struct pipeline **ret, char part[PART_SIZE], struct err *err)
{
    char spelled[PART_SIZE];
    int64_t start;
    int rc = cli_flow(c, c->args.items[0], ret, part, err);

    if (rc < 0 || partition == NULL)
        return rc;
    if (part[0] != '\0')
        return err_set(err, ERR_USAGE, "--partition and %s: one of the two", c->args.items[0]);
    if (part_parse((*ret)->period, from_digits((*ret)->period, partition, spelled), &start, err) < 0) {
        err->code = ERR_USAGE;
        return -(int)ERR_USAGE;
    }
    part_name((*ret)->period, start, part);
    if (start < (*ret)->since_ms || ((*ret)->until_ms >= 0 && start > (*ret)->until_ms))
        return err_set(err, ERR_USAGE, "%s/%s is outside since and until of orch.json: it is never loaded",
                       (*ret)->name, part);
    return 0;
}

/* Everything of orch extract that orch run has an option for. */
static int run_extract(struct cli *c, struct err *err)
{
    const struct extract_ask ask = {.fail_if_locked = fail_if_locked};
    const char *name = c->args.items[0];
    int rc = 0;

    if (partition != NULL) {
        err_set(err, ERR_USAGE, "%s is an extract, and has no partitions", name);
        return err_hint(err, "orch extract %s --from TIME --to TIME takes a range", name);
    }
    if (timeout != NULL)
        rc = stop_after(timeout, err);
    return rc < 0 ? rc : extract_named(c, name, &ask, err);
}

static int run(struct cli *c, struct err *err)
{
    const struct pipeline *p;
    char part[PART_SIZE];
    int rc = cli_is_extract(c, c->args.items[0], err);

    if (rc > 0)
        return run_extract(c, err);
    if (rc == 0)
        rc = wanted(c, &p, part, err);

    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    if (rc < 0)
        return rc;
    struct tick_options o = {.pipeline = p->name,
                             .partition = part[0] != '\0' ? part : NULL,
                             .force = true,
                             .fail_if_locked = fail_if_locked,
                             .linger_ms = -1};
    cli_signals();
    if (timeout != NULL && (rc = stop_after(timeout, err)) < 0)
        return rc;
    rc = tick_run(c->config, c->store, &o, err);
    return rc < 0 || part[0] == '\0' ? rc : outcome(c, p, part, rc, err);
}

const struct command cmd_run = {
    "run",
    "PIPELINE[/PARTITION] | EXTRACT",
    "Works one pipeline or extract now, whatever its schedule says.",
    "Idempotent: what is loaded is not loaded again. For Airflow, Kubernetes or a person.\n"
    "With a partition, exit 0 says that it is loaded, empty or skipped, and every other code why not: 1 "
    "failed or\n"
    "dead, 5 mismatched, 6 late, 75 not there yet or a server is away: try again. -o json tells its "
    "state. Of an extract it is the same as orch extract.\n\n"
    "  orch run loans\n"
    "  orch run loans --partition 2022-06-05T12 --timeout 30m\n",
    opts,
    1,
    1,
    run,
};
