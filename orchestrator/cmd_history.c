#include "orchestrator/cmd_exec.h"

static bool reverse;
static int64_t max = -1;
static const struct opt opts[] = {
    {"reverse", 0, OPT_FLAG, &reverse, NULL, "newest first"},
    {"max", 0, OPT_COUNT, &max, "N", "at most so many events"},
    {0},
};

static int on_event(void *arg, int64_t id, int64_t previous, const char *type, int64_t ts_ms,
                    const char *details, struct err *err)
{
    json_t *o = NULL;
    int rc = exec_event_json(id, previous, type, ts_ms, details, &o, err);

    json_array_append_new(arg, o);
    return rc;
}

/* The state's or the error's name, for people; JSON has the rest. */
static void summarise(json_t *events)
{
    static const char *const keys[] = {"name", "resource", "error", "cause", "output", NULL};
    const char *key;
    json_t *o, *v;
    size_t i;

    json_array_foreach(events, i, o) {
        char text[400] = "";
        json_object_foreach(o, key, v)
            for (int k = 0; json_is_object(v) && keys[k] != NULL && text[0] == '\0'; k++) {
                const char *s = json_string_value(json_object_get(v, keys[k]));
                if (s != NULL && strcmp(keys[k], "error") == 0) {
                    const char *cause = json_string_value(json_object_get(v, "cause"));
                    snprintf(text, sizeof text, "%.80s: %.300s", s, cause != NULL ? cause : "");
                } else if (s != NULL) {
                    snprintf(text, sizeof text, "%.160s", s);
                }
            }
        json_object_set_new(o, "summary", cli_json_text(text));
    }
}

static int run(struct cli *c, struct err *err)
{
    static const struct out_column columns[] = {
        {"id", "ID", true, false},
        {"timestamp", "TIME", false, false},
        {"type", "TYPE", false, false},
        {"summary", "WHAT", false, false},
        {0},
    };
    struct execution e = {0};
    json_t *events = json_array();
    int rc = exec_find(c, STORE_READ, c->args.items[0], &e, err);

    if (rc >= 0)
        rc = event_list(c->store, e.id, reverse, max, on_event, events, err);
    if (rc >= 0 && c->out.format == OUT_JSON) {
        json_t *whole = json_pack("{s:O}", "events", events);
        out_document(&c->out, whole);
        json_decref(whole);
    } else if (rc >= 0) {
        if (c->out.format != OUT_JSONL)
            summarise(events);
        out_rows(&c->out, "events", columns, events);
    }
    json_decref(events);
    execution_release(&e);
    return rc < 0 ? rc : 0;
}

const struct command cmd_history = {
    "history",
    "EXECUTION",
    "Every transition of an execution (aws stepfunctions get-execution-history).",
    "  orch history loans\n"
    "  orch history loans --reverse --max 5 -o json\n",
    opts,
    1,
    1,
    run,
};
