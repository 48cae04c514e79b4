/* AssumeRoleWithWebIdentity: a token that somebody else vouches for (Kubernetes, GitHub, any OpenID Connect issuer)
 * against credentials of a role. No signature: the token is the proof. */
#include "base/civil.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/creds_int.h"
#include "io/sigv4.h"
#include "io/xml.h"

enum { CONNECT_MS = 5000, STALL_MS = 10000, MAX_ANSWER = 64 * KIB };

/* A region becomes part of a host name. */
static bool is_region(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n <= 40 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && s[0] != '-';
}

static char *sts_url(const struct creds_env *env, const char *region, struct err *err)
{
    bool legacy = given(env->sts_regional) && strcasecmp(env->sts_regional, "legacy") == 0;

    if (given(env->sts_endpoint)) {
        const char *url = env->sts_endpoint;
        size_t n = strlen(url);
        while (n > 0 && url[n - 1] == '/')
            n--;
        return creds_check_url("AWS_ENDPOINT_URL_STS", url, false, err) == 0 ? xasprintf("%.*s/", (int)n, url)
                                                                             : NULL;
    }
    if (given(env->sts_regional) && !legacy && strcasecmp(env->sts_regional, "regional") != 0) {
        err_set(err, ERR_ACCESS_DENIED, "AWS_STS_REGIONAL_ENDPOINTS is neither regional nor legacy");
        return NULL;
    }
    /* the global endpoint knows only the largest of AWS's partitions */
    if (!given(region) || (legacy && !str_starts(region, "cn-") && !str_starts(region, "us-gov-")))
        return xstrdup("https://sts.amazonaws.com/");
    if (!is_region(region)) {
        err_set(err, ERR_ACCESS_DENIED, "the region to ask STS in is not the name of one");
        err_hint(err, "set \"region\", or AWS_REGION, to something like eu-central-1");
        return NULL;
    }
    return xasprintf("https://sts.%s.amazonaws.com%s/", region, str_starts(region, "cn-") ? ".cn" : "");
}

/* Read each time: whoever runs us changes it under us. World-readable in Kubernetes, by design. */
static int read_token(const struct web_identity *w, struct buf *ret, struct err *err)
{
    struct err why;

    if (fs_read(w->token_file, ret, &why) < 0) {
        err_set(err, ERR_ACCESS_DENIED, "%s: %s", w->set_by, why.msg);
        return err_hint(err, "credentials that come after it are not tried: they would be another identity");
    }
    while (ret->n > 0 && strchr(" \t\r\n", ret->p[ret->n - 1]) != NULL)
        ret->p[--ret->n] = '\0';
    if (ret->n == 0)
        return err_set(err, ERR_ACCESS_DENIED, "%s: %s is empty", w->set_by, w->token_file);
    return 0;
}

static int form(const struct web_identity *w, struct str token, struct buf *ret, struct err *err)
{
    const struct {
        const char *name;
        struct str value;
    } fields[] = {{"&RoleArn=", str_of(w->role_arn)},
                  {"&RoleSessionName=", str_of(given(w->session) ? w->session : "orch")},
                  {"&WebIdentityToken=", token}};
    int rc = buf_adds(ret, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15", err);

    for (size_t i = 0; i < ARRAY_LEN(fields) && rc == 0; i++) {
        rc = buf_adds(ret, fields[i].name, err);
        if (rc == 0)
            rc = sigv4_encode(fields[i].value.p, fields[i].value.n, false, ret, err);
    }
    return rc;
}

static int refused(int status, const struct buf *body, const char *role, struct err *err)
{
    static const struct {
        const char *code, *hint;
    } known[] = {
        {"ExpiredTokenException", "the token file is not renewed: is the volume that brings it still there?"},
        {"InvalidIdentityToken",
         "is the issuer an identity provider of this account, and the audience right?"},
        {"AccessDenied", "the role's trust policy must let this issuer and subject assume it"},
        {"IDPRejectedClaim", "the role's trust policy must let this issuer and subject assume it"},
    };
    struct xml_s3_error e;
    bool told = xml_sts_error(body->p != NULL ? body->p : "", body->n, &e);
    bool weather = status == 429 || status >= 500 || strcmp(e.code, "IDPCommunicationError") == 0 ||
                   strcmp(e.code, "Throttling") == 0;

    err_set(err, weather ? ERR_TRANSIENT : ERR_ACCESS_DENIED,
            "STS gives no credentials for role %s: status %d%s%s%s%s", role, status, told ? ", " : "", e.code,
            told ? ": " : "", e.message);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(e.code, known[i].code) == 0)
            err_hint(err, "%s", known[i].hint);
    return -(int)err->code;
}

static int take(const struct buf *body, const char *role, struct creds *ret, struct err *err)
{
    struct xml_credentials x = {0};
    int rc = xml_sts_credentials(body->p != NULL ? body->p : "", body->n, &x, err);

    if (rc == 0 && civil_parse_rfc3339(x.expires, &ret->expires_ms, err) < 0)
        rc = err_set(err, ERR_BAD_RESPONSE, "STS answered with an Expiration that is no time");
    if (rc < 0) {
        xml_credentials_release(&x);
        return err_prefix(err, "STS");
    }
    ret->access_key = x.access_key;
    ret->secret_key = x.secret_key;
    ret->session_token = x.session_token;
    x.access_key = x.secret_key = x.session_token = NULL;
    xml_credentials_release(&x);
    snprintf(ret->origin, sizeof ret->origin, "web identity %.100s", role);
    rc = creds_check_expiry(ret, "STS", err);
    return rc < 0 ? rc : 1;
}

int creds_from_web_identity(const struct creds_look *l, const struct web_identity *w, struct creds *ret,
                            struct err *err)
{
    struct buf token = BUF_INIT(MAX_SECRET), body = BUF_INIT(4 * MAX_SECRET), answer = BUF_INIT(MAX_ANSWER);
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: text/xml", NULL};
    char role[120], *url = sts_url(l->env, w->region, err);
    int status = 0, rc;

    if (url == NULL)
        return -(int)err->code;
    str_printable(w->role_arn, strlen(w->role_arn), role, sizeof role);
    rc = read_token(w, &token, err);
    if (rc == 0)
        rc = form(w, (struct str){token.p, token.n}, &body, err);
    if (rc == 0) {
        struct http_request rq = {.method = "POST",
                                  .url = url,
                                  .headers = headers,
                                  .body = body.p,
                                  .body_n = body.n,
                                  .direct = strncasecmp(url, "https", 5) != 0,
                                  .connect_timeout_ms = CONNECT_MS,
                                  .stall_timeout_ms = STALL_MS};
        rc = creds_fetch(l, &rq, &answer, &status, err);
        if (rc < 0)
            err_prefix(err, "credentials by web identity");
    }
    if (rc == 0)
        rc = status == 200 ? take(&answer, role, ret, err) : refused(status, &answer, role, err);
    if (token.n > 0)
        explicit_bzero(token.p, token.n);
    if (body.n > 0)
        explicit_bzero(body.p, body.n);
    free(url);
    buf_release(&token);
    buf_release(&body);
    buf_release(&answer);
    return rc;
}
