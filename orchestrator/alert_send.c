/* One message by one channel. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/mail.h"
#include "io/smtp.h"
#include "orchestrator/alert.h"
#include "orchestrator/alert_http.h"
#include "orchestrator/alerts.h"

enum { CONNECT_LIMIT_MS = 10000 };

static int send_mail(const struct config *c, const struct channel *ch, const struct message *m,
                     int64_t now_ms, struct err *err)
{
    struct buf text = BUF_INIT(MAX_ALERT);
    struct deadline d = deadline_in("alerts.mail", c->alert_limit_ms);
    const struct beat b = {deadline_beat, &d};
    const int64_t limit = c->alert_limit_ms < CONNECT_LIMIT_MS ? c->alert_limit_ms : CONNECT_LIMIT_MS;
    const struct mail mail = {.from = c->mail.from,
                              .to = ch->address,
                              .subject = m->subject,
                              .id = m->id,
                              .threads = (const char *const *)m->threads,
                              .at_ms = now_ms,
                              .body = m->body};
    int rc = mail_compose(&mail, &text, err);

    if (rc == 0) {
        const struct smtp_mail send = {.url = c->mail.url,
                                       .starttls = c->mail.starttls && !str_starts(c->mail.url, "smtps://"),
                                       .user = c->mail.user,
                                       .password = c->mail.password,
                                       .ca_file = c->mail.ca_file,
                                       .from = c->mail.from,
                                       .to = ch->address,
                                       .message = text.p,
                                       .n = text.n,
                                       .connect_timeout_ms = (int)limit,
                                       .timeout_ms = (int)c->alert_limit_ms,
                                       .beat = &b};
        rc = smtp_send(&send, err);
    }
    buf_release(&text);
    return rc;
}

static int send_webhook(const struct config *c, const struct message *m, int64_t now_ms, struct err *err)
{
    char *body = json_text(m->document), *signed_text, delivery[80], stamp[60], signature[120] = "";
    unsigned char mac[SHA256_SIZE];
    const char *const headers[] = {"Content-Type: application/json", delivery, stamp,
                                   c->webhook.secret != NULL ? signature : NULL, NULL};
    const struct alert_post post = {.what = "alerts.webhook",
                                    .url = c->webhook.url,
                                    .ca_file = c->webhook.ca_file,
                                    .headers = headers,
                                    .body = body,
                                    .limit_ms = c->alert_limit_ms};

    snprintf(delivery, sizeof delivery, "X-Orch-Delivery: %s", m->id);
    snprintf(stamp, sizeof stamp, "X-Orch-Timestamp: %lld", (long long)(now_ms / 1000));
    if (c->webhook.secret != NULL) {
        signed_text = xasprintf("%lld.%s", (long long)(now_ms / 1000), body);
        hmac_sha256(c->webhook.secret, strlen(c->webhook.secret), signed_text, strlen(signed_text), mac);
        free(signed_text);
        memcpy(signature, "X-Orch-Signature: sha256=", 26);
        str_hex(mac, sizeof mac, signature + 25);
    }
    int rc = alert_post(&post, err);
    free(body);
    return rc;
}

int channel_send(const struct config *c, const struct channel *ch, const struct message *m, int64_t now_ms,
                 struct err *err)
{
    switch (ch->kind) {
    case CHANNEL_COMMAND:
        return alert_run(c->alert_command, m->document, c->alert_limit_ms, err);
    case CHANNEL_WEBHOOK:
        return send_webhook(c, m, now_ms, err);
    case CHANNEL_MAIL:
        break;
    }
    return send_mail(c, ch, m, now_ms, err);
}
