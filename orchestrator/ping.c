/* The dead-man's switch: a server that hears nothing of the next tick raises the alarm that orch cannot. */
#include "base/mem.h"
#include "io/hash.h"
#include "orchestrator/alert_http.h"
#include "orchestrator/alerts.h"
#include "state/told.h"

enum { PING_LIMIT_MS = 10000 };

void ping_run_id(char out[40])
{
    unsigned char b[16];
    char hex[33];

    random_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* a UUID of version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    str_hex(b, sizeof b, hex);
    snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

int ping_send(const struct config *c, const char *what, const char *rid, const char *body, struct err *err)
{
    char *url = xasprintf("%s/%s?rid=%s", c->ping.url, what, rid);
    static const char *const headers[] = {"Content-Type: text/plain; charset=utf-8", NULL};
    const struct alert_post post = {.what = "alerts.ping",
                                    .url = url,
                                    .ca_file = c->ping.ca_file,
                                    .headers = headers,
                                    .body = body,
                                    .limit_ms = c->alert_limit_ms < PING_LIMIT_MS ? c->alert_limit_ms
                                                                                  : PING_LIMIT_MS};
    int rc = alert_post(&post, err);

    free(url);
    return rc;
}

static int on_channel(void *arg, const struct channel_row *c, struct err *err)
{
    bool *failing = arg;

    UNUSED(err);
    if (strcmp(c->name, "ping") == 0)
        *failing = c->failing_since_ms != 0;
    return 0;
}

/* Successes are not counted one by one: 288 writes a day that say nothing. */
int ping_note(struct store *store, const struct err *failure, int64_t now_ms, struct err *err)
{
    bool failing = false;
    int rc = channel_list(store, on_channel, &failing, err);

    if (rc < 0 || (failure == NULL && !failing))
        return rc;
    rc = store_begin(store, err);
    if (rc == 0)
        rc = failure != NULL ? channel_failed(store, "ping", failure->msg, now_ms, err)
                             : channel_ok(store, "ping", now_ms, err);
    if (rc == 0)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}
