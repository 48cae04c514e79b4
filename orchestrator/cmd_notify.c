#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/alerts.h"
#include "orchestrator/cmd.h"
#include "state/told.h"

static bool test;
static const char *only;
static const struct opt opts[] = {
    {"test", 0, OPT_FLAG, &test, NULL, "send a test message through each channel"},
    {"channel", 0, OPT_TEXT, &only, "NAME", "this one alone: command, webhook, ping, 'mail ADDRESS'"},
    {0},
};

struct looking {
    const char *name;
    json_t *o;
};

static int on_row(void *arg, const struct channel_row *c, struct err *err)
{
    struct looking *l = arg;

    UNUSED(err);
    if (strcmp(c->name, l->name) != 0)
        return 0;
    json_object_set_new(l->o, "sent", json_integer(c->sent));
    json_object_set_new(l->o, "failed", json_integer(c->failed));
    json_object_set_new(l->o, "last_ok", cli_json_time(c->ok_ms));
    json_object_set_new(l->o, "failing_since", cli_json_time(c->failing_since_ms));
    json_object_set_new(l->o, "tried", cli_json_time(c->tried_ms));
    json_object_set_new(l->o, "error", cli_json_text(c->error));
    return 0;
}

static int on_told(void *arg, const struct told *t, struct err *err)
{
    int64_t *waiting = arg;

    UNUSED(err);
    *waiting += t->said_ms == 0 || t->gone_ms != 0;
    return 0;
}

/* waiting: news that the channel has not been told yet. */
static int show(struct cli *c, const char *name, json_t *rows, struct err *err)
{
    json_t *o = json_pack("{s:s,s:i,s:i,s:n,s:n,s:n,s:s}", "channel", name, "sent", 0, "failed", 0, "last_ok",
                          "failing_since", "tried", "error", "");
    struct looking l = {name, o};
    int64_t waiting = 0;
    int rc = channel_list(c->store, on_row, &l, err);

    if (rc == 0)
        rc = told_list(c->store, name, on_told, &waiting, err);
    json_object_set_new(o, "waiting", json_integer(waiting));
    json_array_append_new(rows, o);
    return rc;
}

static int note(struct cli *c, const char *name, const struct err *failure, int64_t now, struct err *err)
{
    int rc = store_begin(c->store, err);

    if (rc == 0)
        rc = failure != NULL ? channel_failed(c->store, name, failure->msg, now, err)
                             : channel_ok(c->store, name, now, err);
    if (rc == 0)
        rc = store_commit(c->store, err);
    store_rollback(c->store);
    return rc;
}

/* ch NULL: the ping, whose /log says nothing about whether a tick ran. */
static int try(struct cli *c, const struct channel *ch, json_t *rows, int *ret_status, struct err *err)
{
    const char *name = ch != NULL ? ch->name : "ping";
    struct err failure = {0};
    int64_t now = clock_now_ms();
    char rid[40];
    int rc;

    if (ch == NULL) {
        ping_run_id(rid);
        rc = ping_send(c->config, "log", rid, "orch notify --test\n", &failure);
    } else {
        struct items none = {0};
        struct message m;
        rc = message_make(c->config, ch, &none, true, now, &m, err);
        if (rc < 0)
            return rc;
        rc = channel_send(c->config, ch, &m, now, &failure);
        message_release(&m);
    }
    if (rc < 0)
        *ret_status = exit_worse(*ret_status, err_exit_status(failure.code) == 75 ? 75 : 1);
    json_array_append_new(rows, json_pack("{s:s,s:b,s:o,s:o}", "channel", name, "ok", rc == 0, "error",
                                          cli_json_text(rc < 0 ? failure.msg : ""), "hint",
                                          cli_json_text(rc < 0 ? failure.hint : "")));
    return note(c, name, rc < 0 ? &failure : NULL, now, err);
}

static void print(struct cli *c, json_t *rows, int status)
{
    static const struct out_column shown[] = {
        {"channel", "CHANNEL", false, false}, {"last_ok", "LAST DELIVERY", false, false},
        {"sent", "SENT", true, false},        {"failed", "FAILED", true, false},
        {"waiting", "WAITING", true, false},  {"failing_since", "FAILING SINCE", false, false},
        {"error", "ERROR", false, false},     {0},
    };
    json_t *o, *whole;
    size_t i;

    if (c->out.format == OUT_JSON) {
        whole = test ? json_pack("{s:i,s:O,s:i}", "schema_version", 1, "test", rows, "exit", status)
                     : json_pack("{s:i,s:O}", "schema_version", 1, "channels", rows);
        out_document(&c->out, whole);
        json_decref(whole);
    } else if (!test) {
        out_rows(&c->out, "channels", shown, rows);
    } else if (c->out.format != OUT_TABLE) {
        static const struct out_column tried[] = {{"channel", "CHANNEL", false, false},
                                                  {"ok", "OK", false, false},
                                                  {"error", "ERROR", false, false},
                                                  {"hint", "HINT", false, false},
                                                  {0}};
        out_rows(&c->out, "test", tried, rows);
    } else {
        json_array_foreach(rows, i, o) {
            char error[1200], hint[600];
            bool ok = json_is_true(json_object_get(o, "ok"));
            out_cell(json_object_get(o, "error"), error, sizeof error);
            out_cell(json_object_get(o, "hint"), hint, sizeof hint);
            printf("%s: %s%s\n", json_string_value(json_object_get(o, "channel")), ok ? "delivered" : "",
                   error);
            if (hint[0] != '\0')
                printf("    hint: %s\n", hint);
        }
    }
}

static int unknown(const struct channel *list, size_t n, struct err *err)
{
    const char **names = xcalloc(n + 2, sizeof *names);
    char shown[100];
    size_t k = 0;

    for (; k < n; k++)
        names[k] = list[k].name;
    names[k] = "ping";
    str_printable(only, strlen(only), shown, sizeof shown);
    const char *near = str_nearest(only, names);
    int rc = err_set(err, ERR_NOT_FOUND, "no channel '%s' is configured", shown);
    if (near != NULL)
        rc = err_hint(err, "the nearest is '%s'", near);
    free(names);
    return rc;
}

static int run(struct cli *c, struct err *err)
{
    struct channel *list = NULL;
    const char *const wanted = only;
    json_t *rows = json_array();
    size_t n = 0, met = 0;
    int status = 0, rc = cli_store(c, test ? STORE_CREATE : STORE_READ, err);

    if (rc == 0)
        list = channels_of(c->config, &n);
    if (rc == 0 && test)
        cli_signals();
    for (size_t i = 0; rc == 0 && i <= n; i++) {
        bool is_ping = i == n;
        const char *name = is_ping ? "ping" : list[i].name;
        if ((is_ping && c->config->ping.url == NULL) || (wanted != NULL && strcmp(wanted, name) != 0))
            continue;
        met++;
        rc = test ? try(c, is_ping ? NULL : &list[i], rows, &status, err) : show(c, name, rows, err);
    }
    if (rc == 0 && met == 0 && only != NULL) {
        rc = unknown(list, n, err);
    } else if (rc == 0 && met == 0 && test) {
        err_set(err, ERR_CONFIG, "%s configures no channel", c->config->path);
        rc = err_hint(err, "alerts.mail, alerts.webhook, alerts.command, alerts.ping: docs/alerts.md");
    } else if (rc == 0) {
        print(c, rows, status);
        if (met == 0 && c->out.format == OUT_TABLE)
            cli_say("%s configures no channel: alerts.mail, alerts.webhook, alerts.command, alerts.ping",
                    c->config->path);
    }
    json_decref(rows);
    free(list);
    return rc < 0 ? rc : status;
}

const struct command cmd_notify = {
    "notify",
    "",
    "The channels of alerts and their last delivery; --test sends through each.",
    "Exit status of --test: 0 all delivered, 1 one is refused, 75 a server is away.\n\n"
    "  orch notify\n"
    "  orch notify --test\n"
    "  orch notify --test --channel webhook\n",
    opts,
    0,
    0,
    run,
};
