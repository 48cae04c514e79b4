#include "orchestrator/redrive.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/engine_int.h"
#include "state/history.h"
#include "state/queue.h"
#include "state/redrive.h"

/* ---- whether it may be ---- */

struct ending {
    char fail_state[200]; /* the Fail state that it ended in; "" none */
};

static int on_last(void *arg, const struct history_event *e, struct err *err)
{
    struct ending *end = arg;

    UNUSED(err);
    if (strcmp(e->type, "FailStateEntered") == 0 && e->state != NULL)
        str_printable(e->state, strlen(e->state), end->fail_state, sizeof end->fail_state);
    return 0;
}

/* The step that had no room left is not in the history, and the frames stand as it left them: however many events there
 * are, nothing leads on from there. */
static bool was_full(const struct execution *x)
{
    return x->error != NULL && strcmp(x->error, "States.Runtime") == 0 && x->cause != NULL &&
           str_starts(x->cause, MACHINE_FULL);
}

int redrivable(struct store *s, const struct execution *x, struct redrivable *ret, struct err *err)
{
    struct ending end = {.fail_state = ""};
    int64_t events = 0;
    int rc = event_count(s, x->id, &events, err);

    *ret = (struct redrivable){.reason = ""};
    if (rc < 0)
        return rc;
    if (strcmp(x->status, "RUNNING") == 0 || strcmp(x->status, "SUCCEEDED") == 0) {
        snprintf(ret->reason, sizeof ret->reason, "Execution is %s and cannot be redriven", x->status);
        return 0;
    }
    if (events >= MAX_TRANSITIONS - 1 || was_full(x)) {
        snprintf(ret->reason, sizeof ret->reason, "Execution history event limit exceeded");
        return 0;
    }
    ret->can = true;
    if (strcmp(x->status, "FAILED") == 0) {
        const struct history_query q = {.execution_id = x->id, .limit = 2, .reverse = true};
        rc = history_page(s, &q, on_last, &end, NULL, err);
    }
    if (rc == 0 && end.fail_state[0] != '\0')
        snprintf(
            ret->reason, sizeof ret->reason,
            "It ended in the Fail state '%s', which a redrive enters again, and fails again: orch redrive "
            "--from STATE goes on at another state",
            end.fail_state);
    return rc;
}

static int refuse(const struct execution *x, const char *why, struct err *err)
{
    int rc = err_set(err, ERR_CONFLICT, "ExecutionNotRedrivable: %s: %s", x->name, why);

    snprintf(err->name, sizeof err->name, "ExecutionNotRedrivable");
    return rc;
}

/* ---- T6 ---- */

/* What is going to be worked: the pinned text or a new one, and where it is entered. */
struct redrive {
    struct engine *e;
    const struct redrive_ask *ask;
    struct execution x;
    char *definition; /* owned */
    struct asl *asl;
    char sha[SHA256_HEX];
    char *from; /* where it is entered; owned; NULL: where it stopped */
};

/* With the resource map that it was started with. */
static int check_tasks(const struct redrive *r, struct err *err)
{
    struct resource_map *map = NULL;
    char *text = NULL;
    int rc = exec_map_get(r->e->store, r->x.id, &text, err);

    if (rc == 1)
        rc = resource_map_parse(text, strlen(text), "resource map", &map, err);
    if (rc == 0)
        rc = engine_check_tasks(r->asl, map, err);
    resource_map_free(map);
    free(text);
    return rc;
}

static int read_definition(struct redrive *r, struct err *err)
{
    struct asl_diagnostics d = {0};
    char *name = NULL;
    int rc = 0;

    if (r->ask->definition != NULL)
        r->definition = xstrndup(r->ask->definition, r->ask->definition_n);
    else
        rc = workflow_get(r->e->store, r->x.workflow_sha256, &name, &r->definition, err);
    if (rc == 0)
        rc = asl_parse(r->definition, strlen(r->definition), &r->asl, &d, err);
    if (rc == 0)
        rc = check_tasks(r, err);
    if (rc < 0)
        rc = err_prefix(err, "%s", r->ask->definition != NULL ? r->ask->definition_name : r->x.name);
    else
        sha256_hex(r->definition, strlen(r->definition), r->sha);
    asl_diagnostics_release(&d);
    free(name);
    return rc;
}

/* The extension: into a state that is named, or that it stopped in where the definition is new. */
static int choose_state(struct redrive *r, struct err *err)
{
    char shown[200];
    int rc = 0;

    if (r->ask->from != NULL)
        r->from = xstrdup(r->ask->from);
    else if (r->ask->definition != NULL)
        rc = redrive_root(r->e->store, r->x.id, &r->from, err);
    if (rc < 0 || r->from == NULL || json_object_get(asl_states(r->asl), r->from) != NULL)
        return rc;
    str_printable(r->from, strlen(r->from), shown, sizeof shown);
    err_set(err, ERR_NOT_FOUND, "the definition has no state '%s' at its top level", shown);
    return err_hint(err,
                    r->ask->from != NULL ? "orch graph %s shows those that it has"
                                         : "%s stopped there: --from STATE says where to go on",
                    r->x.name);
}

/* As on AWS; what AWS does not know stands beside it, under a name of ours. */
static json_t *make_details(const struct redrive *r)
{
    json_t *details = json_pack("{s:{s:I}}", "executionRedrivenEventDetails", "redriveCount",
                                (json_int_t)r->x.redrive_count + 1);

    if (r->from != NULL)
        json_object_set_new(details, "orchRedriveDetails",
                            json_pack("{s:s,s:s}", "from", r->from, "definitionSha256", r->sha));
    return details;
}

static int note(struct redrive *r, int64_t now, struct err *err)
{
    char *text = xasprintf("from %s%s%s", r->from, r->ask->definition != NULL ? ", definition " : "",
                           r->ask->definition != NULL ? r->sha : "");
    int rc = audit_put(r->e->store, r->ask->who, "redrive", r->x.pipeline, r->x.name, text, now, err);

    free(text);
    return rc;
}

static int commit(struct redrive *r, int64_t now, struct err *err)
{
    int64_t timeout = asl_timeout_seconds(r->asl);
    json_t *details = make_details(r);
    const struct redrive_new new = {.id = r->x.id,
                                    .expect_count = r->x.redrive_count,
                                    .now_ms = now,
                                    .deadline_ms = timeout > 0 ? now + timeout * 1000 : 0,
                                    .workflow_sha256 = r->ask->definition != NULL ? r->sha : NULL,
                                    .from = r->from,
                                    .details = details};
    int rc = store_begin(r->e->store, err);

    if (rc == 0 && r->ask->definition != NULL)
        rc = workflow_put(r->e->store, r->sha, r->ask->definition_name, r->definition, now, err);
    if (rc == 0)
        rc = exec_redrive(r->e->store, &new, err);
    if (rc == 0)
        rc = refuse(&r->x, "it was redriven just now by somebody else", err);
    if (rc > 0)
        rc = r->from != NULL ? note(r, now, err) : 0;
    if (rc == 0)
        rc = fault_point("engine.t6", err);
    if (rc == 0)
        rc = store_commit(r->e->store, err);
    store_rollback(r->e->store);
    json_decref(details);
    return rc;
}

int engine_redrive(struct engine *e, int64_t execution_id, const struct redrive_ask *a, int64_t *ret_ms,
                   struct err *err)
{
    struct redrive r = {.e = e, .ask = a};
    struct redrivable can;
    int rc = exec_get(e->store, execution_id, &r.x, err);

    if (rc == 0)
        rc = redrivable(e->store, &r.x, &can, err);
    if (rc == 0 && !can.can)
        rc = refuse(&r.x, can.reason, err);
    if (rc == 0)
        rc = read_definition(&r, err);
    if (rc == 0)
        rc = choose_state(&r, err);
    *ret_ms = clock_now_ms();
    if (rc == 0)
        rc = commit(&r, *ret_ms, err);
    asl_free(r.asl);
    free(r.definition);
    free(r.from);
    execution_release(&r.x);
    return rc;
}
