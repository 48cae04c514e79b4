/* pause and resume: two words for one row. */
#include "base/clock.h"
#include "orchestrator/cmd.h"
#include "state/pause.h"

static const char *reason;
static bool dry_run;
static const struct opt pause_opts[] = {
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; shown by status until it is resumed"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would change"},
    {0},
};
static const struct opt resume_opts[] = {
    {"reason", 0, OPT_TEXT, &reason, "TEXT", "why; kept in the state file"},
    {"dry-run", 0, OPT_FLAG, &dry_run, NULL, "say what would change"},
    {0},
};

static int find(struct cli *c, const struct pipeline **ret, struct pause *ret_pause, struct err *err)
{
    char part[PART_SIZE];
    int rc = cli_either(c, c->args.items[0], ret, part, err);

    if (rc == 0 && part[0] != '\0') {
        err_set(err, ERR_USAGE, "%s: a pipeline is paused, not one of its partitions", c->args.items[0]);
        rc = err_hint(err, "orch skip %s gives that one up", c->args.items[0]);
    }
    if (rc == 0)
        rc = cli_store(c, STORE_CREATE, err);
    return rc < 0 ? rc : pause_get(c->store, (*ret)->name, ret_pause, err);
}

static void print_since(const struct pause *p)
{
    char since[CLI_TIME_SIZE], text[700], clean[900];

    snprintf(text, sizeof text, "since %s by %s: %s", cli_time(p->since_ms, since), p->who, p->reason);
    str_printable(text, strlen(text), clean, sizeof clean);
    printf("%s", clean);
}

static int run_pause(struct cli *c, struct err *err)
{
    const struct pipeline *p = NULL;
    struct pause was;
    char who[200];
    int rc = 0;

    if (reason == NULL || *reason == '\0')
        return err_set(err, ERR_USAGE, "pause: --reason is needed: somebody will ask why nothing moves");
    rc = find(c, &p, &was, err);
    if (rc == 0 && !dry_run)
        rc = pause_set(c->store, p->name, cli_who(who, sizeof who), reason, clock_now_ms(), err) < 0
                 ? -(int)err->code
                 : 0;
    if (rc < 0)
        return rc;
    if (rc > 0) {
        printf("%s is paused already, ", p->name);
        print_since(&was);
        printf("\n");
    } else {
        printf("%s %s; what is being %s to its end\n", p->name,
               dry_run ? "would be paused" : "is paused until orch resume",
               p->extract != NULL ? "taken is taken" : "loaded is loaded");
    }
    return 0;
}

static int run_resume(struct cli *c, struct err *err)
{
    const struct pipeline *p = NULL;
    struct pause was;
    char who[200];
    int rc = find(c, &p, &was, err);

    if (rc > 0 && !dry_run)
        rc = pause_clear(c->store, p->name, cli_who(who, sizeof who), reason != NULL ? reason : "",
                         clock_now_ms(), err) < 0
                 ? -(int)err->code
                 : 1;
    if (rc < 0)
        return rc;
    if (rc == 0) {
        printf("%s is not paused\n", p->name);
        return 0;
    }
    printf("%s %s; it was paused ", p->name, dry_run ? "would go on" : "goes on with the next tick");
    print_since(&was);
    printf("\n");
    return 0;
}

const struct command cmd_pause = {
    "pause",
    "PIPELINE | EXTRACT",
    "Starts nothing for a pipeline or an extract until it is resumed.",
    "What is being loaded is loaded to its end. The tick still looks at the source, so that an hour that is\n"
    "late is told. orch run, replay and extract work a paused one when a person asks.\n\n"
    "  orch pause loans --reason 'the warehouse is moved until ten'\n",
    pause_opts,
    1,
    1,
    run_pause,
};

const struct command cmd_resume = {
    "resume",
    "PIPELINE | EXTRACT",
    "Lets a paused pipeline or extract go on.",
    "Nothing is lost by a pause: the next tick works what has come meanwhile, oldest first.\n\n"
    "  orch resume loans\n",
    resume_opts,
    1,
    1,
    run_resume,
};
