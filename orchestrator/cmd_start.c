#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/cmd_asl.h"
#include "orchestrator/cmd_exec.h"

static const char *name, *input, *map;
static bool wait_for_it;
static const struct opt opts[] = {
    {"name", 0, OPT_TEXT, &name, "NAME", "of the execution, 1 to 80 characters; unless told one is made"},
    {"input", 0, OPT_TEXT, &input, "JSON",
     "JSON, FILE or - for stdin; unless told {}, or what the tick would give"},
    {"resource-map", 0, OPT_TEXT, &map, "FILE",
     "binds resources that are no steps of orch to steps; kept with the execution"},
    {"wait", 0, OPT_FLAG, &wait_for_it, NULL, "work it here until it has ended: exit 0 where it succeeded"},
    {0},
};

static bool is_file(const char *word)
{
    return str_ends(word, ".json") || strchr(word, '/') != NULL;
}

static int read_input(const struct pipeline *p, json_t **ret, struct err *err)
{
    if (input != NULL || p == NULL)
        return cli_json("--input", input, ret, err);
    *ret = json_pack("{s:s,s:n,s:s}", "pipeline", p->name, "partition", "cause", "START");
    return 0;
}

/* ---- what is started ---- */

/* map_path NULL: none */
static int start_own(struct engine *e, const char *machine, const char *path, const char *map_path,
                     const json_t *data, int64_t *ret_id, struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION), bound = BUF_INIT(MAX_RESOURCE_MAP);
    int rc = fs_read(path, &text, err);

    if (rc == 0 && map_path != NULL)
        rc = fs_read(map_path, &bound, err);
    if (rc == 0) {
        const struct engine_own own = {.machine = machine,
                                       .definition = text.p != NULL ? text.p : "",
                                       .n = text.n,
                                       .map = map_path == NULL  ? NULL
                                              : bound.p != NULL ? bound.p
                                                                : "",
                                       .map_name = map_path,
                                       .map_n = bound.n};
        rc = engine_start_own(e, &own, name, data, ret_id, err);
    }
    buf_release(&text);
    buf_release(&bound);
    return rc;
}

static int start_word(struct cli *c, struct engine *e, const char *word, int64_t *ret_id, struct err *err)
{
    const struct own_workflow *w = config_own_workflow(c->config, word);
    const struct pipeline *p = NULL;
    char *machine = is_file(word) ? cli_file_name(word) : NULL;
    json_t *data = NULL;
    int rc = 0;

    if (machine == NULL && w == NULL)
        rc = config_flow(c->config, word, &p, err);
    if (rc == 0 && p != NULL && map != NULL)
        rc = err_set(err, ERR_USAGE, "--resource-map is for a definition of its own, and %s is in orch.json",
                     word);
    if (rc == 0)
        rc = read_input(p, &data, err);
    if (rc < 0)
        goto out;
    if (p != NULL)
        rc = engine_start(e, p, name, "START", data, ret_id, err);
    else if (machine != NULL)
        rc = start_own(e, machine, word, map, data, ret_id, err);
    else
        rc = start_own(e, w->name, w->definition, map != NULL ? map : w->resource_map, data, ret_id, err);
out:
    json_decref(data);
    free(machine);
    return rc;
}

static int say(struct cli *c, int64_t id, struct err *err)
{
    struct execution x = {0};
    int rc = exec_get(c->store, id, &x, err);

    if (rc < 0)
        return rc;
    if (c->out.format != OUT_TABLE) {
        char *arn = xasprintf(EXEC_ARN "execution:%s:%s", x.pipeline, x.name);
        json_t *o = json_pack("{s:s,s:o}", "executionArn", arn, "startDate", exec_time(x.start_ms));
        out_document(&c->out, o);
        json_decref(o);
        free(arn);
    } else {
        printf("%s: started; the next tick works it\n", x.name);
    }
    execution_release(&x);
    return 0;
}

static int run(struct cli *c, struct err *err)
{
    struct engine *engine = NULL;
    int64_t id = 0;
    int rc = cli_store(c, STORE_CREATE, err);

    if (rc == 0)
        rc = engine_new(c->config, c->store, &engine, err);
    if (rc == 0)
        rc = start_word(c, engine, c->args.items[0], &id, err);
    if (rc == 0)
        rc = wait_for_it ? exec_wait(c, engine, id, err) : say(c, id, err);
    engine_free(engine);
    return rc;
}

const struct command cmd_start = {
    "start",
    "PIPELINE | EXTRACT | WORKFLOW | FILE",
    "Starts an execution, which ticks work (aws stepfunctions start-execution).",
    "WORKFLOW is one of orch.json's workflows, FILE a definition that ends in .json: no pipeline works it, "
    "and "
    "its state\n"
    "machine has the file's name. The same --name and --input while it runs is the same execution; a name "
    "that was used\n"
    "otherwise is refused: ExecutionAlreadyExists.\n\n"
    "  orch start nightly --name nightly-2022-06-05 --input '{\"day\": \"2022-06-05\"}'\n"
    "  orch start jobs/nightly.asl.json --wait\n"
    "  orch start from-aws.asl.json --resource-map map.json\n",
    opts,
    1,
    1,
    run,
};
