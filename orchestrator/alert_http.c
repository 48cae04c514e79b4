#include "orchestrator/alert_http.h"
#include "base/clock.h"
#include "io/http.h"
#include "orchestrator/engine.h"

enum { CONNECT_LIMIT_MS = 10000 };

struct deadline deadline_in(const char *what, int64_t limit_ms)
{
    return (struct deadline){what, clock_mono_ms() + limit_ms, limit_ms};
}

int deadline_beat(void *deadline, struct err *err)
{
    const struct deadline *d = deadline;

    if (engine_stop_signal)
        return err_set(err, ERR_CANCELLED, "%s: stopped by a signal", d->what);
    if (clock_mono_ms() >= d->until_mono_ms)
        return err_set(err, ERR_TIMEOUT, "%s: not done after %lld s", d->what, (long long)d->limit_ms / 1000);
    return 0;
}

static int judge(const struct alert_post *p, const struct http_response *r, struct err *err)
{
    int status = http_status(r);

    if (status >= 200 && status < 300)
        return 0;
    if (status >= 300 && status < 400) {
        err_set(err, ERR_BAD_RESPONSE, "%s: the server answered %d, a redirect, and none is followed",
                p->what, status);
        return err_hint(err, "write the final URL into the config");
    }
    err_set(err,
            status == 401 || status == 403   ? ERR_ACCESS_DENIED
            : status == 429 || status == 503 ? ERR_UNAVAILABLE
                                             : ERR_BAD_RESPONSE,
            "%s: the server answered %d", p->what, status);
    return err_hint(err, "the server's log tells why");
}

int alert_post(const struct alert_post *p, struct err *err)
{
    struct deadline d = deadline_in(p->what, p->limit_ms);
    const struct beat b = {deadline_beat, &d};
    int connect = p->limit_ms < CONNECT_LIMIT_MS ? (int)p->limit_ms : CONNECT_LIMIT_MS;
    const struct http_request rq = {.method = "POST",
                                    .url = p->url,
                                    .headers = p->headers,
                                    .body = p->body,
                                    .body_n = strlen(p->body),
                                    .ca_file = p->ca_file,
                                    .connect_timeout_ms = connect,
                                    .stall_timeout_ms = (int)p->limit_ms,
                                    .beat = &b};
    struct http *h = NULL;
    struct http_response *r = NULL;
    int rc = http_new(&h, err);

    if (rc == 0)
        rc = http_open(h, &rq, &r, err);
    if (rc < 0 && err->code != ERR_CANCELLED && strncmp(err->msg, p->what, strlen(p->what)) != 0)
        rc = err_prefix(err, "%s", p->what);
    else if (rc == 0)
        rc = judge(p, r, err);
    http_close(r);
    http_free(h);
    return rc;
}
