/* Credentials that somebody near hands out over HTTP: the container agents of ECS and EKS, and instance metadata
 * version 2. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/creds_int.h"
#include "io/sigv4.h"
#include <arpa/inet.h>

/* An agent answers in milliseconds; elsewhere nobody should wait long to learn that there is none. */
enum { CONNECT_MS = 2000, STALL_MS = 5000, TOTAL_MS = 20000, MAX_ANSWER = 64 * KIB };

/* ---- one exchange ---- */

struct patience {
    const struct beat *outer;
    int64_t until_ms;
};

static int on_beat(void *arg, struct err *err)
{
    const struct patience *p = arg;

    if (clock_mono_ms() > p->until_ms)
        return err_set(err, ERR_TIMEOUT, "no whole answer within %d s", TOTAL_MS / 1000);
    return beat(p->outer, err);
}

int creds_fetch(const struct creds_look *l, struct http_request *rq, struct buf *ret, int *ret_status,
                struct err *err)
{
    struct patience patience = {l->beat, clock_mono_ms() + TOTAL_MS};
    struct beat bounded = {on_beat, &patience};
    struct http_response *r = NULL;

    rq->beat = &bounded;
    rq->connect_timeout_ms = rq->connect_timeout_ms > 0 ? rq->connect_timeout_ms : CONNECT_MS;
    rq->stall_timeout_ms = rq->stall_timeout_ms > 0 ? rq->stall_timeout_ms : STALL_MS;
    buf_clear(ret);
    int rc = http_open(l->http, rq, &r, err);
    if (rc == 0)
        rc = http_read_all(r, ret, err);
    if (rc == 0)
        *ret_status = http_status(r);
    else if (err->code == ERR_TOO_LARGE)
        rc =
            err_set(err, ERR_BAD_RESPONSE, "the answer is longer than credentials are (%zu bytes)", ret->max);
    http_close(r);
    rq->beat = NULL; /* ours ends here */
    return rc;
}

/* ---- what may be asked ---- */

/* Literal addresses: a name could be made to lead anywhere. localhost is libcurl's own. */
static bool is_near(const char *host, bool link_local)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    struct in_addr a;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    if (inet_pton(AF_INET, host, &a) == 1 && (ntohl(a.s_addr) >> 24) == 127)
        return true;
    for (size_t i = 0; link_local && i < ARRAY_LEN(agents); i++)
        if (strcasecmp(host, agents[i]) == 0)
            return true;
    return false;
}

int creds_check_url(const char *what, const char *url, bool link_local, struct err *err)
{
    bool tls = strncasecmp(url, "https://", 8) == 0, plain = strncasecmp(url, "http://", 7) == 0;
    const char *authority = tls ? url + 8 : plain ? url + 7 : "";
    size_t n = strcspn(authority, "/?");
    char host[300];

    for (const char *p = url; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '\\' || *p == '#' || *p == '@')
            n = 0; /* read differently by different readers, or a password where none belongs */
    if (n == 0 || n >= sizeof host)
        return err_set(err, ERR_ACCESS_DENIED, "%s is no plain http:// or https:// URL", what);
    memcpy(host, authority, n);
    host[n] = '\0';
    char *end = host[0] == '[' ? strchr(host, ']') : NULL;
    end = end != NULL ? end + 1 : host + strcspn(host, ":");
    if (*end != '\0' && (*end != ':' || end[1] == '\0' || strspn(end + 1, "0123456789") != strlen(end + 1)))
        return err_set(err, ERR_ACCESS_DENIED, "%s has a port that is none", what);
    *end = '\0';
    if (tls || is_near(host, link_local))
        return 0;
    err_set(err, ERR_ACCESS_DENIED, "%s names host %s over http: a secret would be sent for all to read",
            what, host);
    return err_hint(err, "https, or %s",
                    link_local ? "an address of this machine or of a container agent"
                               : "http on this machine");
}

/* ---- the answer ---- */

int creds_check_expiry(const struct creds *c, const char *who, struct err *err)
{
    char ended[CIVIL_RFC3339_SIZE];

    if (c->expires_ms == 0 || c->expires_ms > clock_real_ms())
        return 0;
    err_set(err, ERR_ACCESS_DENIED, "%s gave credentials that ended at %s", who,
            civil_rfc3339(c->expires_ms, false, ended));
    return err_hint(err, "is this machine's clock right? (timedatectl)");
}

static int read_member(const json_t *doc, const char *key, bool lenient, const char **ret, struct err *err)
{
    int rc = lenient ? json_get_str(doc, key, NULL, ret, err) : json_need_str(doc, key, ret, err);

    return rc == 0 && *ret != NULL && **ret == '\0' && !lenient ? err_set(err, ERR_CONTRACT, "empty") : rc;
}

int creds_read_json(const char *p, size_t n, const char *who, bool lenient, struct creds *ret,
                    struct err *err)
{
    json_t *doc = NULL;
    const char *key = NULL, *secret = NULL, *token = NULL, *expires = NULL;
    struct err why;
    int rc = json_parse(p, n, who, &doc, &why);

    if (rc == 0)
        rc = read_member(doc, "AccessKeyId", false, &key, &why);
    if (rc == 0)
        rc = read_member(doc, "SecretAccessKey", false, &secret, &why);
    if (rc == 0)
        rc = read_member(doc, "Token", lenient, &token, &why);
    if (rc == 0)
        rc = read_member(doc, "Expiration", lenient, &expires, &why);
    if (rc == 0 && expires != NULL)
        rc = civil_parse_rfc3339(expires, &ret->expires_ms, &why);
    if (rc == 0) {
        ret->access_key = xstrdup(key);
        ret->secret_key = xstrdup(secret);
        ret->session_token = token != NULL ? xstrdup(token) : NULL;
        snprintf(ret->origin, sizeof ret->origin, "%s", who);
        rc = 1;
    } else { /* not why.msg: it could quote the document */
        ret->expires_ms = 0;
        rc = err_set(err, ERR_BAD_RESPONSE, "the %s answered without usable credentials", who);
    }
    json_decref(doc);
    return rc;
}

/* ---- the container agent ---- */

static char *container_url(const struct creds_env *env, const char **ret_var, struct err *err)
{
    bool relative = given(env->container_relative_uri);
    char *url = relative ? xasprintf("http://169.254.170.2%s", env->container_relative_uri)
                         : xstrdup(env->container_full_uri);

    *ret_var = relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" : "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    int rc = relative && *env->container_relative_uri != '/'
                 ? err_set(err, ERR_ACCESS_DENIED, "%s does not begin with a slash", *ret_var)
                 : creds_check_url(*ret_var, url, true, err);
    if (rc < 0) {
        free(url);
        return NULL;
    }
    return url;
}

/* The file goes before the variable, and is read each time: its token is changed under us. *ret NULL: none. */
static int container_token(const struct creds_env *env, char **ret, struct err *err)
{
    struct buf text = BUF_INIT(MAX_SECRET);
    const char *var = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    struct err why;
    int rc = 0;

    if (given(env->container_token_file)) {
        var = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
        rc = fs_read(env->container_token_file, &text, &why);
        if (rc < 0)
            rc = err_set(err, ERR_ACCESS_DENIED, "%s: %s", var, why.msg);
    } else if (given(env->container_token)) {
        rc = buf_adds(&text, env->container_token, err);
    }
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.p[--text.n] = '\0';
    for (size_t i = 0; rc == 0 && i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || (unsigned char)text.p[i] > '~')
            rc = err_set(err, ERR_ACCESS_DENIED, "%s holds a byte that no token has", var);
    if (rc == 0 && text.n == 0 && given(env->container_token_file))
        rc = err_set(err, ERR_ACCESS_DENIED, "%s: %s is empty", var, env->container_token_file);
    *ret = rc == 0 && text.n > 0 ? buf_take(&text) : NULL;
    buf_release(&text);
    return rc;
}

static int container_answer(int status, const struct buf *body, struct creds *ret, struct err *err)
{
    bool weather = status == 408 || status == 429 || status >= 500;

    if (status != 200) {
        err_set(err, weather ? ERR_TRANSIENT : ERR_ACCESS_DENIED,
                "the container agent answered with status %d", status);
        return weather ? -(int)err->code : err_hint(err, "does this task or pod have a role?");
    }
    int rc = creds_read_json(body->p != NULL ? body->p : "", body->n, "container agent", true, ret, err);
    int fresh = rc > 0 ? creds_check_expiry(ret, "the container agent", err) : 0;
    return fresh < 0 ? fresh : rc;
}

int creds_from_container(const struct creds_look *l, struct creds *ret, struct err *err)
{
    struct buf body = BUF_INIT(MAX_ANSWER);
    char *url = NULL, *token = NULL, *header = NULL;
    const char *var = NULL;
    int rc = 0, status = 0;

    if (!given(l->env->container_relative_uri) && !given(l->env->container_full_uri))
        return 0;
    url = container_url(l->env, &var, err);
    if (url == NULL) {
        rc = -(int)err->code;
        goto out;
    }
    rc = container_token(l->env, &token, err);
    if (rc < 0)
        goto out;
    header = token != NULL ? xasprintf("Authorization: %s", token) : NULL;
    const char *headers[] = {"Accept: application/json", header, NULL};
    struct http_request rq = {
        .method = "GET", .url = url, .headers = headers, .direct = strncasecmp(url, "https", 5) != 0};
    rc = creds_fetch(l, &rq, &body, &status, err);
    rc = rc < 0 ? rc : container_answer(status, &body, ret, err);
    if (rc < 0)
        err_prefix(err, "%s", var);
out:
    free(url);
    free(token);
    free(header);
    buf_release(&body);
    return rc;
}

/* ---- instance metadata, version 2 ---- */

struct metadata {
    const struct creds_look *l;
    const char *endpoint;
    char *token; /* owned */
};

/* An HTTP status other than 200, or nothing in it, is 0 with *ret empty. */
static int metadata_get(const struct metadata *m, const char *method, const char *path, struct buf *ret,
                        struct err *err)
{
    char *url = xasprintf("%s%s", m->endpoint, path);
    char *header = m->token != NULL ? xasprintf("X-aws-ec2-metadata-token: %s", m->token)
                                    : xstrdup("X-aws-ec2-metadata-token-ttl-seconds: 21600");
    const char *headers[] = {header, NULL};
    struct http_request rq = {.method = method, .url = url, .headers = headers, .direct = true};
    int status = 0;
    int rc = creds_fetch(m->l, &rq, ret, &status, err);

    if (rc == 0 && status != 200)
        buf_clear(ret);
    else if (rc == 0 && ret->n > 0)
        rc = 1;
    free(url);
    free(header);
    return rc;
}

int creds_from_metadata(const struct creds_look *l, struct creds *ret, struct err *err)
{
    static const char roles[] = "/latest/meta-data/iam/security-credentials/";
    struct metadata m = {
        l, given(l->env->metadata_endpoint) ? l->env->metadata_endpoint : "http://169.254.169.254", NULL};
    struct buf text = BUF_INIT(MAX_ANSWER), path = BUF_INIT(MAX_ANSWER);
    int rc = metadata_get(&m, "PUT", "/latest/api/token", &text, err);

    if (rc <= 0)
        goto out;
    m.token = buf_take(&text);
    m.token[strcspn(m.token, "\r\n")] = '\0'; /* it becomes a header */
    rc = metadata_get(&m, "GET", roles, &text, err);
    if (rc <= 0)
        goto out;
    rc = buf_adds(&path, roles, err); /* the first line names the role */
    if (rc == 0)
        rc = sigv4_encode(text.p, strcspn(text.p, "\r\n"), false, &path, err);
    if (rc == 0)
        rc = metadata_get(&m, "GET", path.p, &text, err);
    if (rc > 0) /* taken though they have ended: AWS keeps such alive while the service is away */
        rc = creds_read_json(text.p, text.n, "instance metadata", false, ret, err);
out:
    free(m.token);
    buf_release(&text);
    buf_release(&path);
    return rc;
}
