#include "io/creds.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/sigv4.h"

/* An instance answers its metadata in milliseconds; elsewhere nobody should wait long to learn that there is
 * none. */
enum { METADATA_TIMEOUT_MS = 2000, METADATA_STALL_MS = 5000, MAX_METADATA = 64 * KIB };

static bool given(const char *s)
{
    return s != NULL && *s != '\0';
}

void creds_release(struct creds *c)
{
    free(c->access_key);
    free(c->secret_key);
    free(c->session_token);
    free(c->region);
    *c = (struct creds){0};
}

/* ---- environment ---- */

static int from_environment(const struct creds_env *env, struct creds *ret, struct err *err)
{
    if (!given(env->access_key_id) && !given(env->secret_access_key))
        return 0;
    if (!given(env->access_key_id) || !given(env->secret_access_key)) {
        err_set(err, ERR_ACCESS_DENIED, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set");
        return err_hint(err, "set both, or neither to use a profile");
    }
    ret->access_key = xstrdup(env->access_key_id);
    ret->secret_key = xstrdup(env->secret_access_key);
    ret->session_token = given(env->session_token) ? xstrdup(env->session_token) : NULL;
    snprintf(ret->origin, sizeof ret->origin, "environment");
    return 1;
}

/* ---- profile files ---- */

struct profile {
    const char *name;
    bool found;
    char *key, *secret, *token, *region; /* owned */
    char other[40];                      /* a way to get credentials that is not read here */
};

static void profile_release(struct profile *p)
{
    free(p->key);
    free(p->secret);
    free(p->token);
    free(p->region);
}

/* "[name]" in the credentials file; "[profile name]" or "[default]" in the config file. */
static bool is_section(struct str line, const char *name, bool config)
{
    size_t end = 1;

    while (end < line.n && line.p[end] != ']')
        end++;
    struct str inside = str_trim((struct str){line.p + 1, end - 1});
    if (config && inside.n > 8 && memcmp(inside.p, "profile", 7) == 0 &&
        (inside.p[7] == ' ' || inside.p[7] == '\t'))
        inside = str_trim((struct str){inside.p + 8, inside.n - 8});
    else if (config && !str_is(inside, "default"))
        return false;
    return str_is(inside, name);
}

static void read_setting(struct str line, struct profile *p)
{
    static const char *const others[] = {"role_arn",      "credential_process",      "sso_session",
                                         "sso_start_url", "web_identity_token_file", NULL};
    const struct {
        const char *name;
        char **to;
    } wanted[] = {{"aws_access_key_id", &p->key},
                  {"aws_secret_access_key", &p->secret},
                  {"aws_session_token", &p->token},
                  {"region", &p->region}};
    const char *eq = memchr(line.p, '=', line.n);

    if (eq == NULL)
        return;
    struct str name = str_trim((struct str){line.p, (size_t)(eq - line.p)});
    struct str value = str_trim((struct str){eq + 1, line.n - (size_t)(eq + 1 - line.p)});
    for (size_t i = 1; i < value.n; i++) /* a comment needs a blank before it: keys may hold '#' */
        if ((value.p[i] == '#' || value.p[i] == ';') && (value.p[i - 1] == ' ' || value.p[i - 1] == '\t'))
            value = str_trim((struct str){value.p, i});
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (str_is(name, wanted[i].name) && *wanted[i].to == NULL && value.n > 0)
            *wanted[i].to = xstrndup(value.p, value.n);
    for (size_t i = 0; others[i] != NULL; i++)
        if (str_is(name, others[i]))
            snprintf(p->other, sizeof p->other, "%s", others[i]);
}

/* What an earlier file said stays. A file that does not exist says nothing. */
static int read_profile_file(const char *path, bool config, struct profile *p, struct err *err)
{
    struct buf text = BUF_INIT(MAX_CONFIG);
    bool inside = false, setting = false;
    struct err why;
    int rc = fs_read(path, &text, &why);

    if (rc < 0) {
        buf_release(&text);
        if (rc == -ERR_NOT_FOUND)
            return 0;
        *err = why;
        return rc;
    }
    for (const char *at = text.p, *end = at == NULL ? NULL : at + text.n; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct str raw = {at, (size_t)((newline != NULL ? newline : end) - at)}, line = str_trim(raw);
        at += raw.n + 1;
        if (line.n == 0 || *line.p == '#' || *line.p == ';')
            continue;
        if (*line.p == '[') {
            inside = is_section(line, p->name, config);
            p->found = p->found || inside;
            setting = false;
        } else if (inside && !(setting && (*raw.p == ' ' || *raw.p == '\t'))) {
            read_setting(line, p); /* an indented line belongs to the setting above it: "s3 =" has some */
            setting = true;
        }
    }
    buf_release(&text);
    return 0;
}

static char *default_path(const struct creds_env *env, const char *given_path, const char *name)
{
    if (given(given_path))
        return xstrdup(given_path);
    return given(env->home) ? xasprintf("%s/.aws/%s", env->home, name) : NULL;
}

static int take_profile(struct profile *p, struct creds *ret, struct err *err)
{
    if (p->key == NULL || p->secret == NULL) {
        if (p->key != NULL || p->secret != NULL)
            return err_set(err, ERR_ACCESS_DENIED,
                           "profile '%s' has only one of aws_access_key_id and aws_secret_access_key",
                           p->name);
        if (p->other[0] != '\0') {
            err_set(err, ERR_ACCESS_DENIED,
                    "profile '%s' gets its credentials by %s, which orch does not read", p->name, p->other);
            return err_hint(
                err, "export AWS_ACCESS_KEY_ID and the others (aws configure export-credentials), or name a "
                     "profile with keys");
        }
        return 0;
    }
    ret->access_key = p->key;
    ret->secret_key = p->secret;
    ret->session_token = p->token;
    p->key = p->secret = p->token = NULL;
    snprintf(ret->origin, sizeof ret->origin, "profile %.100s", p->name);
    return 1;
}

/* The region of the profile is wanted even where the keys come from elsewhere. */
static int from_profile(const struct creds_env *env, const char *name, bool must_exist, bool want_keys,
                        struct creds *ret, struct err *err)
{
    struct profile p = {.name = name};
    char *credentials = default_path(env, env->credentials_file, "credentials");
    char *config = default_path(env, env->config_file, "config");
    int rc = 0;

    if (credentials != NULL)
        rc = read_profile_file(credentials, false, &p, err);
    if (rc == 0 && config != NULL)
        rc = read_profile_file(config, true, &p, err);
    if (rc < 0)
        goto out;
    if (!p.found && must_exist) {
        err_set(err, ERR_ACCESS_DENIED, "no profile '%s' in %s or %s", name,
                credentials != NULL ? credentials : "~/.aws/credentials",
                config != NULL ? config : "~/.aws/config");
        rc = err_hint(err, "aws configure --profile %s makes one", name);
        goto out;
    }
    if (want_keys)
        rc = take_profile(&p, ret, err);
    if (rc >= 0) {
        ret->region = p.region;
        p.region = NULL;
    }
out:
    profile_release(&p);
    free(credentials);
    free(config);
    return rc;
}

/* ---- instance metadata, version 2 ---- */

struct metadata {
    struct http *http;
    const char *endpoint;
    const struct beat *beat;
    char *token; /* owned */
};

/* An HTTP status other than 200 is 0, with *ret empty. */
static int metadata_get(struct metadata *m, const char *method, const char *path, struct buf *ret,
                        struct err *err)
{
    struct http_response *r = NULL;
    char *url = xasprintf("%s%s", m->endpoint, path);
    char *header = m->token != NULL ? xasprintf("X-aws-ec2-metadata-token: %s", m->token)
                                    : xstrdup("X-aws-ec2-metadata-token-ttl-seconds: 21600");
    const char *headers[] = {header, NULL};
    struct http_request rq = {.method = method,
                              .url = url,
                              .headers = headers,
                              .direct = true,
                              .beat = m->beat,
                              .connect_timeout_ms = METADATA_TIMEOUT_MS,
                              .stall_timeout_ms = METADATA_STALL_MS};
    int rc = http_open(m->http, &rq, &r, err);

    buf_clear(ret);
    if (rc == 0)
        rc = http_read_all(r, ret, err);
    if (rc == 0 && http_status(r) != 200)
        buf_clear(ret);
    else if (rc == 0 && ret->n > 0)
        rc = 1;
    http_close(r);
    free(url);
    free(header);
    return rc;
}

static int read_role(const struct buf *text, struct creds *ret, struct err *err)
{
    json_t *doc = NULL;
    const char *key = NULL, *secret = NULL, *token = NULL, *expires = NULL;
    struct err why;
    int rc = json_parse(text->p, text->n, "instance metadata", &doc, &why);

    if (rc == 0)
        rc = json_need_str(doc, "AccessKeyId", &key, &why);
    if (rc == 0)
        rc = json_need_str(doc, "SecretAccessKey", &secret, &why);
    if (rc == 0)
        rc = json_need_str(doc, "Token", &token, &why);
    if (rc == 0)
        rc = json_need_str(doc, "Expiration", &expires, &why);
    if (rc == 0)
        rc = civil_parse_rfc3339(expires, &ret->expires_ms, &why);
    if (rc == 0) {
        ret->access_key = xstrdup(key);
        ret->secret_key = xstrdup(secret);
        ret->session_token = xstrdup(token);
        snprintf(ret->origin, sizeof ret->origin, "instance metadata");
        rc = 1;
    } else { /* not why.msg: it could quote the document */
        rc = err_set(err, ERR_BAD_RESPONSE,
                     "the instance metadata service answered without usable credentials");
    }
    json_decref(doc);
    return rc;
}

static int from_metadata(struct metadata *m, struct creds *ret, struct err *err)
{
    static const char roles[] = "/latest/meta-data/iam/security-credentials/";
    struct buf text = BUF_INIT(MAX_METADATA), path = BUF_INIT(MAX_METADATA);
    int rc = metadata_get(m, "PUT", "/latest/api/token", &text, err);

    if (rc <= 0)
        goto out;
    m->token = buf_take(&text);
    rc = metadata_get(m, "GET", roles, &text, err);
    if (rc <= 0)
        goto out;
    rc = buf_adds(&path, roles, err); /* the first line names the role */
    if (rc == 0)
        rc = sigv4_encode(text.p, strcspn(text.p, "\r\n"), false, &path, err);
    if (rc == 0)
        rc = metadata_get(m, "GET", path.p, &text, err);
    if (rc > 0)
        rc = read_role(&text, ret, err);
out:
    free(m->token);
    buf_release(&text);
    buf_release(&path);
    return rc;
}

/* ---- the chain ---- */

static int nothing_found(const struct err *why, struct err *err)
{
    if (why->msg[0] != '\0')
        err_set(err, ERR_ACCESS_DENIED,
                "no AWS credentials in the environment or the profile files, and no instance metadata: %s",
                why->msg);
    else
        err_set(err, ERR_ACCESS_DENIED,
                "no AWS credentials in the environment, the profile files or the instance metadata");
    return err_hint(
        err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws configure; under cron HOME and the "
             "environment are not your shell's");
}

static int find(const struct creds_env *env, const char *profile, struct http *http, const struct beat *b,
                struct creds *ret, struct err *err)
{
    bool named = given(profile), from_env_named = !named && given(env->profile);
    const char *name = named ? profile : from_env_named ? env->profile : "default";
    struct err why = {.msg = ""};
    int rc = named ? 0 : from_environment(env, ret, err);

    if (rc < 0)
        return rc;
    bool have = rc > 0;
    rc = from_profile(env, name, named || (from_env_named && !have), !have, ret, err);
    if (rc < 0 || have || rc > 0)
        return rc;
    if (!(given(env->metadata_disabled) && strcasecmp(env->metadata_disabled, "true") == 0)) {
        struct metadata m = {.http = http,
                             .beat = b,
                             .endpoint = given(env->metadata_endpoint) ? env->metadata_endpoint
                                                                       : "http://169.254.169.254"};
        rc = from_metadata(&m, ret, &why);
        if (rc > 0)
            return rc;
        if (rc == -ERR_CANCELLED || rc == -ERR_LOCK_LOST || rc == -ERR_TASK_TIMEOUT ||
            rc == -ERR_BAD_RESPONSE) {
            *err = why; /* the beat's end, or an answer that is there and wrong */
            return rc;
        }
    }
    return nothing_found(&why, err);
}

int creds_find(const struct creds_env *env, const char *profile, struct http *http, const struct beat *b,
               struct creds *ret, struct err *err)
{
    *ret = (struct creds){0};
    int rc = find(env, profile, http, b, ret, err);
    if (rc < 0) {
        creds_release(ret);
        return rc;
    }
    return 0;
}
