/* alerts.* and pipelines.*.small. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/mail.h"
#include "orchestrator/config_int.h"
#include "state/size.h"

/* Scheme and host; neither a user (a secret in a URL ends up in logs) nor what a line of a protocol cannot hold. */
bool config_url_fits(const char *url, const char *const *schemes, const char *where, struct faults *f)
{
    const char *rest = NULL;

    for (size_t i = 0; schemes[i] != NULL; i++)
        if (str_starts(url, schemes[i]))
            rest = url + strlen(schemes[i]);
    if (rest == NULL)
        fault_add(f, where, "url: '%s' does not start with %s or %s", url, schemes[0], schemes[1]);
    else if (*rest == '\0' || strchr("/?#:", *rest) != NULL)
        fault_add(f, where, "url: the host is missing");
    else if (memchr(rest, '@', strcspn(rest, "/?#")) != NULL)
        fault_add(f, where, "url: a user or password in a URL ends up in logs and listings");
    else if (strlen(url) > MAX_ALERT_URL)
        fault_add(f, where, "url: longer than %d bytes", MAX_ALERT_URL);
    for (const char *p = url; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f) {
            fault_add(f, where, "url: blanks, control and non-ASCII characters must be percent-encoded");
            return false;
        }
    return rest != NULL;
}

bool config_is_loopback(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return str_starts(host, "127.") || str_starts(host, "localhost") || str_starts(host, "[::1]");
}

static void check_mail(const struct config *c, bool given, const char *where, struct faults *f)
{
    const char *url = c->mail.url;
    bool plain = !str_starts(url, "smtps://") && !c->mail.starttls;

    if (c->mail.from == NULL)
        fault_add(f, where, "from: missing");
    else if (!mail_address_fits(c->mail.from))
        fault_add(f, where, "from: '%s' is no mail address", c->mail.from);
    for (size_t i = 0; c->mail.to[i] != NULL; i++)
        if (!mail_address_fits(c->mail.to[i]))
            fault_add(f, where, "to: '%s' is no mail address", c->mail.to[i]);
    for (size_t i = 0; i < c->pipeline_count; i++) {
        const struct pipeline *p = &c->pipelines[i];
        if (p->owner_email[0] != '\0' && !mail_address_fits(p->owner_email))
            fault_add(f, p->name, "owner.email: '%s' is no mail address", p->owner_email);
    }
    if (given && c->mail.user == NULL)
        fault_add(f, where, "a password without user");
    if (c->mail.user != NULL && !given)
        fault_add(f, where, "user needs password_file, password_env or password_credential");
    if (c->mail.user != NULL && plain && !config_is_loopback(url))
        fault_add(f, where, "tls is off: the password would cross the network in the clear");
    if (strchr(strstr(url, "://") + 3, '/') != NULL)
        fault_add(f, where, "url: host and port alone are expected: smtp://mail.example:587");
}

static void fill_mail(struct config *c, const json_t *o, bool secrets, struct faults *f)
{
    static const char *const schemes[] = {"smtp://", "smtps://", NULL};
    static const char where[] = "alerts.mail";
    const char *tls = json_string_value(json_object_get(o, "tls"));
    bool given = json_is_string(json_object_get(o, "password_file")) ||
                 json_is_string(json_object_get(o, "password_env")) ||
                 json_is_string(json_object_get(o, "password_credential"));

    c->mail.url = config_text(c, o, "url");
    c->mail.to = config_texts(c, json_object_get(o, "to"));
    if (c->mail.url == NULL) {
        if (json_is_object(o) && (c->mail.to[0] != NULL || json_is_string(json_object_get(o, "from"))))
            fault_add(f, where, "url: missing, so no mail would be sent");
        return;
    }
    c->mail.from = config_text(c, o, "from");
    c->mail.user = config_text(c, o, "user");
    c->mail.ca_file = config_path(c, o, "ca_file");
    c->mail.starttls = strcmp(tls, "off") != 0;
    if (config_url_fits(c->mail.url, schemes, where, f))
        check_mail(c, given, where, f);
    if (secrets)
        c->mail.password = config_secret(c, o, "password", where, f);
}

static void fill_webhook(struct config *c, const json_t *o, bool secrets, struct faults *f)
{
    static const char *const schemes[] = {"https://", "http://", NULL};
    static const char where[] = "alerts.webhook";

    c->webhook.url = config_text(c, o, "url");
    c->webhook.ca_file = config_path(c, o, "ca_file");
    if (c->webhook.url != NULL)
        config_url_fits(c->webhook.url, schemes, where, f);
    if (secrets)
        c->webhook.secret = config_secret(c, o, "secret", where, f);
}

static void fill_ping(struct config *c, const json_t *o, struct faults *f)
{
    static const char *const schemes[] = {"https://", "http://", NULL};
    static const char where[] = "alerts.ping";
    const char *url = config_text(c, o, "url");
    size_t n = url != NULL ? strlen(url) : 0;

    c->ping.ca_file = config_path(c, o, "ca_file");
    c->ping.start = json_is_true(json_object_get(o, "start"));
    if (url == NULL)
        return;
    config_url_fits(url, schemes, where, f);
    if (strpbrk(url, "?#") != NULL)
        fault_add(f, where, "url: /start, the exit status and ?rid= are added to it; it has no '?' or '#'");
    while (n > 0 && url[n - 1] == '/')
        n--;
    c->ping.url = arena_strndup(c->arena, url, n);
}

static void fill_small(struct pipeline *p, const json_t *o, struct faults *f)
{
    char *where = xasprintf("pipelines.%s.small", p->name);
    const char *drop = json_string_value(json_object_get(o, "drop"));
    struct err err;

    if (json_is_object(o)) {
        p->small_weeks = json_integer_value(json_object_get(o, "weeks"));
        if (drop == NULL || !str_ends(drop, "%"))
            fault_add(f, where, "drop: a percentage is expected, such as \"50%%\"");
        else if (str_to_i64((struct str){drop, strlen(drop) - 1}, 1, 100, &p->small_percent, &err) < 0)
            fault_add(f, where, "drop: %s", err.msg);
        if (p->small_weeks > SIZE_LIKES)
            fault_add(f, where, "weeks: %lld is more than %d", (long long)p->small_weeks, SIZE_LIKES);
        if (p->small_weeks < SIZE_FEWEST)
            fault_add(f, where, "weeks: %lld is fewer than the %d that a partition is compared with at least",
                      (long long)p->small_weeks, SIZE_FEWEST);
    }
    free(where);
}

void config_fill_alerts(struct config *c, const json_t *root, bool secrets, struct faults *f)
{
    const json_t *alerts = json_object_get(root, "alerts"), *all = json_object_get(root, "pipelines");

    c->renotify_ms = config_duration(alerts, "renotify");
    c->backfill_after_ms = config_duration(alerts, "backfill_after");
    c->alert_limit_ms = config_duration(alerts, "timeout");
    if (c->alert_limit_ms < 1000 || c->alert_limit_ms > 300000)
        fault_add(f, "alerts.timeout", "1s to 5m is expected");
    c->alert_command = config_text(c, alerts, "command");
    fill_mail(c, json_object_get(alerts, "mail"), secrets, f);
    fill_webhook(c, json_object_get(alerts, "webhook"), secrets, f);
    fill_ping(c, json_object_get(alerts, "ping"), f);
    for (size_t i = 0; i < c->pipeline_count; i++)
        fill_small(&c->pipelines[i], json_object_get(json_object_get(all, c->pipelines[i].name), "small"), f);
}
