#include "base/civil.h"
#include "orchestrator/cmd_exec.h"
#include "orchestrator/stream.h"
#include "state/history.h"

static bool reverse, failed;
static int64_t max = -1;
static const char *state, *starting_token;
static const struct opt opts[] = {
    {"state", 0, OPT_TEXT, &state, "STATE", "what happened in this state alone"},
    {"failed", 0, OPT_FLAG, &failed, NULL, "what failed, timed out or was aborted alone"},
    {"reverse", 0, OPT_FLAG, &reverse, NULL, "newest first"},
    {"max", 0, OPT_COUNT, &max, "N", "at most so many events"},
    {"starting-token", 0, OPT_TEXT, &starting_token, "TOKEN", "go on where --max ended: its nextToken"},
    {0},
};

enum { SUMMARY = 400 };

/* The state's or the error's name, for people; JSON has the rest. */
static void summarise(const json_t *event, char text[SUMMARY])
{
    static const char *const keys[] = {"name", "resource", "error", "cause", "output", NULL};
    const char *key;
    json_t *v;

    text[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)event, key, v)
        for (int k = 0; json_is_object(v) && keys[k] != NULL && text[0] == '\0'; k++) {
            const char *s = json_string_value(json_object_get(v, keys[k]));
            if (s != NULL && strcmp(keys[k], "error") == 0) {
                const char *cause = json_string_value(json_object_get(v, "cause"));
                snprintf(text, SUMMARY, "%.80s: %.300s", s, cause != NULL ? cause : "");
            } else if (s != NULL) {
                snprintf(text, SUMMARY, "%.160s", s);
            }
        }
}

/* A history may have a million events: each is written as it is read. */
struct telling {
    struct out_rows rows; /* tables and CSV */
    struct jout json;     /* JSON and JSON lines: an event a line */
    bool lines;
};

static const struct out_column columns[] = {
    {"id", "ID", true, false},
    {"timestamp", "TIME", false, false},
    {"type", "TYPE", false, false},
    {"summary", "WHAT", false, false},
    {0},
};

/* The details are kept as JSON text under AWS's names: a million of them are not read to be written again. A terminal is spared
 * bytes that it would act on. */
static bool tell_as_kept(struct telling *t, const struct history_event *e)
{
    char at[CIVIL_RFC3339_SIZE];

    if (!t->lines || t->json.ascii || (e->details != NULL && e->details[0] != '{'))
        return false;
    jout_open(&t->json, NULL, '{');
    jout_text(&t->json, "timestamp", civil_rfc3339(e->ts_ms, true, at));
    jout_text(&t->json, "type", e->type);
    jout_int(&t->json, "id", e->id);
    jout_int(&t->json, "previousEventId", e->previous);
    if (e->details != NULL)
        jout_inside(&t->json, e->details);
    jout_close(&t->json, '}');
    return true;
}

static int on_event(void *arg, const struct history_event *e, struct err *err)
{
    struct telling *t = arg;
    char text[SUMMARY];
    json_t *o = NULL;

    if (tell_as_kept(t, e))
        return 0;
    int rc = exec_event_json(e->id, e->previous, e->type, e->ts_ms, e->details, &o, err);

    if (rc == 0 && t->lines) {
        jout_value(&t->json, NULL, o);
        if (t->json.compact)
            jout_end_line(&t->json);
    } else if (rc == 0) {
        summarise(o, text);
        const struct out_value values[] = {
            {.kind = OUT_INT, .n = e->id},
            {.kind = OUT_TEXT, .text = json_string_value(json_object_get(o, "timestamp"))},
            {.kind = OUT_TEXT, .text = e->type},
            {.kind = OUT_TEXT, .text = text}};
        out_rows_add(&t->rows, values);
    }
    json_decref(o);
    return rc;
}

static int tell(struct cli *c, const struct history_query *q, int64_t *ret_next, struct err *err)
{
    struct telling t = {.lines = c->out.format == OUT_JSON || c->out.format == OUT_JSONL};
    char token[24];

    if (t.lines)
        jout_init(&t.json, &c->out);
    else
        out_rows_begin(&t.rows, &c->out, "events", columns);
    if (c->out.format == OUT_JSON) {
        jout_open(&t.json, NULL, '{');
        jout_open(&t.json, "events", '[');
    }
    int rc = history_page(c->store, q, on_event, &t, ret_next, err);
    snprintf(token, sizeof token, "%lld", (long long)*ret_next);
    if (c->out.format == OUT_JSON) {
        jout_close(&t.json, ']');
        if (rc == 0 && *ret_next > 0)
            jout_text(&t.json, "nextToken", token);
        jout_close(&t.json, '}');
    } else if (!t.lines) {
        out_rows_last(&t.rows);
        out_rows_end(&t.rows);
    }
    return rc;
}

/* An empty page says nothing about a name that was mistyped. */
static int check_state(struct cli *c, const struct execution *e, struct err *err)
{
    char shown[120];
    int rc = history_has_state(c->store, e->id, state, err);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    str_printable(state, strlen(state), shown, sizeof shown);
    err_set(err, ERR_NOT_FOUND, "%s has not been in a state '%s'", e->name, shown);
    return err_hint(err, "orch history %s names those that it was in", e->name);
}

static int run(struct cli *c, struct err *err)
{
    struct execution e = {0};
    struct history_query q = {.limit = max, .reverse = reverse, .failed = failed, .state = state};
    int64_t next = 0;
    int rc = starting_token != NULL ? exec_token(starting_token, &q.from, err) : 0;

    if (rc == 0 && max == 0)
        rc = err_set(err, ERR_USAGE, "--max: 0 is none");
    if (rc == 0)
        rc = exec_find(c, STORE_READ, c->args.items[0], &e, err);
    q.execution_id = e.id;
    if (rc >= 0 && state != NULL)
        rc = check_state(c, &e, err);
    if (rc >= 0)
        rc = tell(c, &q, &next, err);
    if (rc == 0 && next > 0 && c->out.format == OUT_TABLE)
        cli_say("there is more: --starting-token %lld", (long long)next);
    execution_release(&e);
    return rc < 0 ? rc : 0;
}

const struct command cmd_history = {
    "history",
    "EXECUTION",
    "Every transition of an execution (aws stepfunctions get-execution-history).",
    "However long it is: --failed and --state read what they show alone, and --max gives a page.\n\n"
    "  orch history loans\n"
    "  orch history loans --failed\n"
    "  orch history loans --state Ingest --reverse --max 5 -o json\n",
    opts,
    1,
    1,
    run,
};
