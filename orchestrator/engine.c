#include "orchestrator/engine.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/engine_int.h"
#include "state/queue.h"
#include "state/trigger.h"
#include <unistd.h>

volatile int engine_stop_signal;
int64_t engine_max_events = MAX_TRANSITIONS;
int engine_steps_at_once = 100;
const struct step_type *(*engine_step_lookup)(const char *resource) = step_by_resource;

int engine_new(const struct config *c, struct store *s, struct engine **ret, struct err *err)
{
    struct engine *e = xcalloc(1, sizeof *e);
    char host[128] = "";

    UNUSED(err);
    gethostname(host, sizeof host - 1);
    e->config = c;
    e->store = s;
    e->locks = xasprintf("%s.locks", store_path(s));
    e->worker = xasprintf("%s:%ld", host[0] != '\0' ? host : "localhost", (long)getpid());
    *ret = e;
    return 0;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    step_io_free(e->io);
    asl_free(e->asl);
    free(e->locks);
    free(e->worker);
    free(e);
}

int engine_sweep(struct engine *e, struct err *err)
{
    return lock_sweep(e->locks, err);
}

/* ---- definitions ---- */

/* Takes a. */
static void remember(struct engine *e, const char *sha256, struct asl *a)
{
    if (a != e->asl)
        asl_free(e->asl);
    e->asl = a;
    snprintf(e->asl_sha256, sizeof e->asl_sha256, "%s", sha256);
}

/* ---- T0 ---- */

int engine_check_task(const struct asl *a, const char *state, const char *resource, struct err *err)
{
    const json_t *parameters = json_object_get(asl_state(a, state), "Parameters");
    const struct step_type *type = engine_step_lookup(resource);
    const char *names[32];
    size_t n = 0;

    if (type != NULL) {
        const json_t *given = json_is_object(parameters) ? parameters : NULL;
        if ((given == NULL && !step_has_literals(type)) || step_check_parameters(type, given, err) == 0)
            return 0;
        err->code = ERR_WORKFLOW;
        return err_prefix(err, "state '%s'", state);
    }
    for (const struct step_type *t = step_types; t->name != NULL && n < ARRAY_LEN(names) - 1; t++)
        names[n++] = t->name;
    names[n] = NULL;
    err_set(err, ERR_WORKFLOW, "state '%s': resource '%s' is no step of orch", state, resource);
    const char *at = strstr(resource, ":activity:orch-");
    const char *near = at != NULL ? str_nearest(at + strlen(":activity:orch-"), names) : NULL;
    return near != NULL ? err_hint(err, "the nearest is '...:activity:orch-%s'", near)
                        : err_hint(err, "a resource map binds it to one: --resource-map FILE, or "
                                        "resource_map in orch.json");
}

struct checking {
    const struct asl *a;
    const struct resource_map *map;
};

static int each_task(void *arg, const char *state, const char *resource, struct err *err)
{
    const struct checking *c = arg;

    if (engine_step_lookup(resource) == NULL && resource_map_has(c->map, resource))
        return 0;
    return engine_check_task(c->a, state, resource, err);
}

int engine_check_tasks(const struct asl *a, const struct resource_map *map, struct err *err)
{
    struct checking c = {.a = a, .map = map};

    return asl_each_task(a, each_task, &c, err);
}

struct alone {
    const struct asl *a;
    const struct step_world *world;
};

static int check_alone(void *arg, const char *state, const char *resource, struct err *err)
{
    const struct step_type *type = engine_step_lookup(resource);
    const struct alone *k = arg;

    if (type == NULL)
        return 0;
    if (!step_of_pipeline(type)) {
        const json_t *given = json_object_get(asl_state(k->a, state), "Parameters");
        if (step_check_connection(type, k->world, given, err) == 0)
            return 0;
        err->code = ERR_WORKFLOW;
        return err_prefix(err, "state '%s'", state);
    }
    err_set(err, ERR_WORKFLOW, "state '%s': step %s works on a pipeline, and this is a definition of its own",
            state, type->name);
    return err_hint(err, "name the file as workflow of a pipeline in orch.json, and start that");
}

/* As on AWS: 1 to 80 characters, no blanks, wildcards, brackets, or what needs quoting in an ARN. */
static int check_name(const char *name, struct err *err)
{
    size_t n = strlen(name), characters = 0, at = 0;

    if (!str_utf8_valid(name, n, &at))
        return err_set(err, ERR_USAGE, "an execution's name is UTF-8, and byte %zu is not", at + 1);
    for (size_t i = 0; i < n; i++)
        characters += ((unsigned char)name[i] & 0xc0) != 0x80;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f ||
            strchr("?*<>{}[]\"#%\\^|~`$&,;:/", name[i]) != NULL)
            return err_set(err, ERR_USAGE, "an execution's name may not hold '%s': '%.80s'",
                           (unsigned char)name[i] <= ' ' ? "a blank" : (char[]){name[i], '\0'}, name);
    if (n == 0 || characters > 80)
        return err_set(err, ERR_USAGE, "an execution's name has 1 to 80 characters, not %zu", characters);
    return 0;
}

static char *make_name(const char *of, int64_t now_ms)
{
    struct civil c = civil_from_ms(now_ms);
    unsigned char bytes[4];
    char hex[9];
    size_t n = strnlen(of, 50);

    while (n > 0 && ((unsigned char)of[n] & 0xc0) == 0x80) /* in the midst of a character */
        n--;
    random_bytes(bytes, sizeof bytes);
    str_hex(bytes, sizeof bytes, hex);
    return xasprintf("%.*s-%04d%02d%02dT%02d%02d%02dZ-%s", (int)n, of, c.year, c.month, c.day, c.hour,
                     c.minute, c.second, hex);
}

static int some_running(void *arg, const struct execution *x, struct err *err)
{
    UNUSED(x);
    UNUSED(err);
    *(bool *)arg = true;
    return 0;
}

/* Whether a start is still wanted, inside its transaction: 1/0. */
enum { ANYHOW = -2, NO_FIRE = -1 };

static int still_wanted(struct engine *e, const char *pipeline, int64_t fire_ms, struct err *err)
{
    bool running = false;

    if (fire_ms == ANYHOW)
        return 1;
    int rc = exec_list(e->store, pipeline, "RUNNING", 1, some_running, &running, err);
    if (rc < 0 || running)
        return rc;
    return fire_ms == NO_FIRE ? 1 : trigger_fired(e->store, pipeline, fire_ms, err);
}

/* What is started: the definition of a pipeline, or one of its own. */
struct start {
    const char *machine, *workflow, *definition;
    size_t n;
    bool own;
    const char *map, *map_name; /* text; NULL: none */
    size_t map_n;
};

static int put_map(struct engine *e, const struct start *s, int64_t id, int64_t now_ms, struct err *err)
{
    char sha[SHA256_HEX];

    if (s->map == NULL)
        return 0;
    sha256_hex(s->map, s->map_n, sha);
    int rc = workflow_put(e->store, sha, "resource map", s->map, now_ms, err);
    return rc < 0 ? rc : exec_map_put(e->store, id, sha, err);
}

/* 1 made, 0 not wanted any more. */
static int create(struct engine *e, const struct execution_new *n, const struct start *s, int64_t fire_ms,
                  int64_t *ret_id, struct err *err)
{
    int rc = store_begin(e->store, err);

    if (rc == 0)
        rc = still_wanted(e, n->pipeline, fire_ms, err);
    if (rc <= 0) {
        store_rollback(e->store);
        return rc;
    }
    rc = workflow_put(e->store, n->workflow_sha256, s->workflow, s->definition, n->now_ms, err);
    if (rc == 0)
        rc = exec_create(e->store, n, ret_id, err);
    if (rc == 0)
        rc = put_map(e, s, *ret_id, n->now_ms, err);
    if (rc == 0)
        rc = fault_point("engine.t0", err);
    if (rc == 0)
        rc = store_commit(e->store, err);
    store_rollback(e->store);
    return rc < 0 ? rc : 1;
}

/* The definition, its map, and that there is a step for every Task. */
static int check_start(const struct step_world *world, const struct start *s, struct asl **ret,
                       struct err *err)
{
    struct asl_diagnostics d = {0};
    struct resource_map *map = NULL;
    int rc = s->map != NULL ? resource_map_parse(s->map, s->map_n, s->map_name, &map, err) : 0;

    if (rc < 0)
        return rc;
    rc = asl_parse(s->definition, s->n, ret, &d, err);
    if (rc == 0)
        rc = engine_check_tasks(*ret, map, err);
    if (rc == 0 && s->own)
        rc = asl_each_task(*ret, check_alone, &(struct alone){*ret, world}, err);
    if (rc < 0)
        rc = err_prefix(err, "workflow '%s'", s->workflow);
    asl_diagnostics_release(&d);
    resource_map_free(map);
    return rc;
}

static int start(struct engine *e, const struct start *s, const char *name, const char *cause_of_start,
                 int64_t fire_ms, const json_t *input, int64_t *ret_id, struct err *err)
{
    struct asl *asl = NULL;
    char *made = NULL, *text = NULL, sha[SHA256_HEX];
    int64_t now = clock_now_ms();
    int rc;

    rc = name != NULL ? check_name(name, err) : 0;
    if (rc < 0)
        goto out;
    made = name != NULL ? xstrdup(name) : make_name(s->machine, now);
    text = json_text(input);
    rc = check_start(&e->config->world, s, &asl, err);
    if (rc < 0)
        goto out;
    if (strlen(text) > MAX_PAYLOAD) {
        rc = err_set(err, ERR_TOO_LARGE, "the input is larger than %u bytes", MAX_PAYLOAD);
        goto out;
    }
    sha256_hex(s->definition, s->n, sha);
    int64_t timeout = asl_timeout_seconds(asl);
    struct execution_new new = {.name = made,
                                .pipeline = s->machine,
                                .own = s->own,
                                .workflow_sha256 = sha,
                                .cause_of_start = cause_of_start,
                                .input = text,
                                .start_at = asl_start_at(asl),
                                .now_ms = now,
                                .deadline_ms = timeout > 0 ? now + timeout * 1000 : 0};
    rc = create(e, &new, s, fire_ms, ret_id, err);
    if (rc >= 0) {
        remember(e, sha, asl);
        asl = NULL;
    }
out:
    asl_free(asl);
    free(made);
    free(text);
    return rc;
}

static int start_of(struct engine *e, const struct pipeline *p, const char *name, const char *cause_of_start,
                    int64_t fire_ms, const json_t *input, int64_t *ret_id, struct err *err)
{
    struct start s = {.machine = p->name, .workflow = p->workflow};
    char *definition = NULL;
    int rc = config_workflow(e->config, p, &definition, &s.n, err);

    s.definition = definition;
    if (rc == 0)
        rc = start(e, &s, name, cause_of_start, fire_ms, input, ret_id, err);
    free(definition);
    return rc;
}

int engine_start(struct engine *e, const struct pipeline *p, const char *name, const char *cause_of_start,
                 const json_t *input, int64_t *ret_id, struct err *err)
{
    int rc = start_of(e, p, name, cause_of_start, ANYHOW, input, ret_id, err);

    return rc < 0 ? rc : 0;
}

int engine_start_own(struct engine *e, const struct engine_own *o, const char *name, const json_t *input,
                     int64_t *ret_id, struct err *err)
{
    const struct start s = {.machine = o->machine,
                            .workflow = o->machine,
                            .definition = o->definition,
                            .n = o->n,
                            .own = true,
                            .map = o->map,
                            .map_name = o->map_name,
                            .map_n = o->map_n};
    const struct pipeline *p;
    int rc = check_name(o->machine, err);

    if (rc < 0)
        return err_prefix(err, "state machine");
    if (config_flow(e->config, o->machine, &p, err) == 0)
        return err_set(err, ERR_USAGE,
                       "'%s' is a name of orch.json, and no definition of its own may have it", o->machine);
    rc = start(e, &s, name, "START", ANYHOW, input, ret_id, err);
    return rc < 0 ? rc : 0;
}

int engine_start_one(struct engine *e, const struct pipeline *p, const char *cause_of_start, int64_t fire_ms,
                     const json_t *input, int64_t *ret_id, struct err *err)
{
    return start_of(e, p, NULL, cause_of_start, fire_ms < 0 ? NO_FIRE : fire_ms, input, ret_id, err);
}

/* ---- the claim ---- */

/* 1: a living owner whose lease holds. 0: dead (lock free, or the machine was booted since), stale, or nobody. */
static int owner_lives(struct engine *e, const struct execution *x, struct err *err)
{
    if (x->claim_lock == NULL)
        return 0;
    if (x->claim_boot_id == NULL || strcmp(x->claim_boot_id, clock_boot_id()) != 0)
        return 0;
    int held = lock_held(e->locks, x->claim_lock, err);
    if (held <= 0)
        return held;
    return clock_boot_ms() < x->claim_lease_boot_ms + x->claim_lease_ms;
}

/*
 * The file first, locked; then the row that names it: so whoever reads the row finds either a lock that is held, or an
 * owner that is gone. A name that is held though no row says so (a rival who is about to commit, or a process from before
 * the state file was restored) is passed over: the row decides between two claims, not the file.
 */
static int take_lock(struct engine *e, const struct execution *x, int64_t *ret_claim, struct lock **ret,
                     char name[48], struct err *err)
{
    int rc = 0;

    for (int64_t claim = x->claim + 1; rc == 0 && claim <= x->claim + 8; claim++) {
        snprintf(name, 48, "%lld.%lld", (long long)x->id, (long long)claim);
        rc = lock_take(e->locks, name, ret, err);
        *ret_claim = claim;
    }
    return rc;
}

/* Stopped in a transaction of a target that is a file, the owner before us keeps everybody out. On a server it is let be:
 * the fence keeps it from committing, and the server ends its session. */
static void end_owner(struct run *r)
{
    const struct execution *x = &r->x;
    const struct pipeline *p;
    struct err ignored;

    if (x->own || x->claim_lock == NULL || x->claim_boot_id == NULL ||
        strcmp(x->claim_boot_id, clock_boot_id()) != 0 ||
        config_flow(r->e->config, x->pipeline, &p, &ignored) < 0 || !str_starts(p->target.url, "sqlite:"))
        return;
    if (lock_held(r->e->locks, x->claim_lock, &ignored) != 1)
        return;
    store_end_owner(r->e->store, (long)x->claim_pid, (unsigned long long)x->claim_pid_start, x->pipeline);
    r->e->lease_lost++; /* it cannot count that itself any more */
}

/* 1 claimed: r->lock and r->claim are set. 0 another has it. */
static int claim(struct engine *e, struct run *r, struct err *err)
{
    char name[48];
    int rc = owner_lives(e, &r->x, err);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = take_lock(e, &r->x, &r->claim, &r->lock, name, err);
    if (rc <= 0)
        return rc;
    rc = fault_point("engine.locked", err);
    if (rc == 0)
        rc = store_begin(e->store, err);
    if (rc < 0)
        goto out;
    struct claim_new c = {.id = r->x.id,
                          .expect_claim = r->x.claim,
                          .claim = r->claim,
                          .lock = name,
                          .boot_id = clock_boot_id(),
                          .pid = (int64_t)getpid(),
                          .pid_start = (int64_t)fs_pid_start((long)getpid()),
                          .lease_boot_ms = clock_boot_ms(),
                          .lease_ms = LEASE_MS};
    rc = exec_claim(e->store, &c, err);
    if (rc == 1) {
        rc = store_commit(e->store, err);
        rc = rc < 0 ? rc : 1;
    }
    store_rollback(e->store);
out:
    if (rc !=
        1) { /* a commit whose answer was an error may have happened: then the row names a file that is gone */
        lock_release(r->lock);
        r->lock = NULL;
        return rc;
    }
    end_owner(r);
    if (r->x.claim_lock != NULL)
        lock_remove(e->locks, r->x.claim_lock);
    return 1;
}

/* ---- work ---- */

json_t *engine_context(const struct execution *x, const json_t *input)
{
    char started[CIVIL_RFC3339_SIZE];
    char *id = xasprintf("arn:aws:states:us-east-1:000000000000:execution:%s:%s", x->pipeline, x->name);
    char *machine = xasprintf("arn:aws:states:us-east-1:000000000000:stateMachine:%s", x->pipeline);
    json_t *context = json_pack(
        "{s:{s:s, s:O, s:s, s:s, s:s, s:I}, s:{s:s, s:s}}", "Execution", "Id", id, "Input", input, "Name",
        x->name, "RoleArn", "", "StartTime", civil_rfc3339(x->start_ms, true, started), "RedriveCount",
        (json_int_t)x->redrive_count, "StateMachine", "Id", machine, "Name", x->pipeline);

    if (context != NULL && x->redrive_count > 0)
        json_object_set_new(json_object_get(context, "Execution"), "RedriveTime",
                            json_string(civil_rfc3339(x->redrive_ms, true, started)));
    free(id);
    free(machine);
    return context;
}

static int load_definition(struct run *r, struct err *err)
{
    struct asl_diagnostics d = {0};
    char *name = NULL, *text = NULL, *map = NULL;
    struct asl *asl = NULL;
    int rc = 0;

    if (r->e->asl == NULL || strcmp(r->e->asl_sha256, r->x.workflow_sha256) != 0) {
        rc = workflow_get(r->e->store, r->x.workflow_sha256, &name, &text, err);
        if (rc == 0)
            rc = asl_parse(text, strlen(text), &asl, &d, err);
        if (rc == 0)
            remember(r->e, r->x.workflow_sha256, asl);
    }
    r->asl = r->e->asl;
    if (rc == 0)
        rc = exec_map_get(r->e->store, r->x.id, &map, err);
    if (rc == 1)
        rc = resource_map_parse(map, strlen(map), "resource map", &r->map, err);
    asl_diagnostics_release(&d);
    free(name);
    free(text);
    free(map);
    return rc < 0 ? rc : 0;
}

static int load_context(struct run *r, struct err *err)
{
    json_t *input = NULL;
    int rc = json_parse(r->x.input, strlen(r->x.input), "input of the execution", &input, err);

    if (rc == 0) {
        r->context = engine_context(&r->x, input);
        if (r->context == NULL)
            rc = err_set(err, ERR_INTERNAL, "execution %s: its names are not UTF-8", r->x.name);
    }
    json_decref(input);
    return rc;
}

static void run_release(struct run *r)
{
    lock_release(r->lock);
    machine_free(r->m);
    resource_map_free(r->map);
    json_decref(r->context);
    task_release(&r->t);
    free(r->ctx.flag_id);
    free(r->ctx.cause);
    execution_release(&r->x);
}

static void open_io(struct engine *e, struct run *r)
{
    if (r->pipeline != e->io_of) {
        step_io_free(e->io);
        e->io = step_io_new(r->pipeline);
        e->io_of = r->pipeline;
    }
    r->ctx.io = e->io;
}

/* What cannot be read back is the same at every tick, and would be RUNNING for ever; but a file that is busy, or a full disk,
 * says nothing of the execution. */
static int give_up(struct run *r, const char *error, const struct err *why, enum engine_result *ret,
                   struct err *err)
{
    if (err_retryable(why->code) && why->code != ERR_NOT_FOUND) {
        *err = *why;
        return -(int)err->code;
    }
    *ret = ENGINE_ENDED;
    return run_close(r, "FAILED", error, why->msg, err);
}

static int work_claimed(struct run *r, enum engine_result *ret, int64_t *ret_wake_ms, struct err *err)
{
    struct engine *e = r->e;
    struct err why;

    r->lease_ms = LEASE_MS;
    r->renewed_mono = clock_mono_ms();
    if (load_context(r, &why) < 0)
        return give_up(r, "States.Runtime", &why, ret, err);
    if (!r->x.own && config_flow(e->config, r->x.pipeline, &r->pipeline, err) < 0)
        return -(int)err->code;
    if (load_definition(r, &why) <
        0) /* pinned by an orch that allowed it: a new execution takes today's text */
        return give_up(r, err_asl(&why), &why, ret, err);
    if (tree_load(r, &why) < 0)
        return give_up(r, "States.Runtime", &why, ret, err);
    open_io(e, r);
    return run_loop(r, ret, ret_wake_ms, err);
}

/* 1: nothing to do before *ret_wake_ms, and nobody asked for anything else: not worth a claim. */
static int sleeps(struct engine *e, const struct execution *x, int64_t *ret_wake_ms, struct err *err)
{
    int64_t now = clock_now_ms();

    if (x->stop_requested || (x->deadline_ms != 0 && now >= x->deadline_ms))
        return 0;
    int rc = frame_wake(e->store, x->id, now + CLOCK_SLACK_MS, ret_wake_ms, err);
    if (rc < 0 || *ret_wake_ms <= now)
        return rc;
    if (x->deadline_ms != 0 && x->deadline_ms < *ret_wake_ms)
        *ret_wake_ms = x->deadline_ms;
    return 1;
}

int engine_work(struct engine *e, int64_t execution_id, enum engine_result *ret, int64_t *ret_wake_ms,
                struct err *err)
{
    struct run r = {.e = e};
    int rc = exec_get(e->store, execution_id, &r.x, err);

    if (rc < 0)
        return rc;
    *ret = ENGINE_ENDED;
    if (strcmp(r.x.status, "RUNNING") != 0)
        goto out;
    rc = sleeps(e, &r.x, ret_wake_ms, err);
    if (rc != 0) {
        *ret = ENGINE_WAITING;
        goto out;
    }
    rc = claim(e, &r, err);
    if (rc <= 0) {
        *ret = ENGINE_HELD;
        goto out;
    }
    rc = work_claimed(&r, ret, ret_wake_ms, err);
    if (rc < 0 && err->code == ERR_LOCK_LOST) { /* rolled back already; it is its new owner's now */
        *ret = ENGINE_HELD;
        e->lease_lost++;
        rc = 0;
    }
out:
    store_rollback(e->store);
    run_release(&r);
    return rc < 0 ? rc : 0;
}

static int request_stop(struct engine *e, const struct execution *x, const struct stop_ask *a,
                        struct err *err)
{
    int rc = store_begin(e->store, err);

    if (rc == 0)
        rc = exec_request_stop(e->store, x->id, a->error, a->cause, err);
    if (rc == 0 && a->who != NULL)
        rc = audit_put(e->store, a->who, a->verb, x->pipeline, x->name, a->reason, clock_now_ms(), err);
    if (rc == 0)
        rc = store_commit(e->store, err);
    store_rollback(e->store);
    return rc;
}

int engine_stop(struct engine *e, int64_t execution_id, const struct stop_ask *a, struct err *err)
{
    struct run r = {.e = e};
    struct execution before = {0};
    int rc = exec_get(e->store, execution_id, &before, err);

    if (rc == 0)
        rc = request_stop(e, &before, a, err);
    execution_release(&before);
    if (rc == 0)
        rc = exec_get(e->store, execution_id, &r.x, err);
    if (rc != 0 || strcmp(r.x.status, "RUNNING") != 0)
        goto out;
    rc = claim(e, &r, err);
    if (rc == 1)
        rc = run_close(&r, "ABORTED", a->error, a->cause, err);
    if (rc < 0 && err->code == ERR_LOCK_LOST) /* somebody else took it just now, and will see the request */
        rc = 0;
out:
    store_rollback(e->store);
    run_release(&r);
    return rc < 0 ? rc : 0;
}
