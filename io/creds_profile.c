/* The shared files of AWS's tools: ~/.aws/credentials and ~/.aws/config. */
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/creds_int.h"

void profile_release(struct profile *p)
{
    char **all[] = {&p->key,      &p->secret,       &p->token,        &p->region,
                    &p->role_arn, &p->role_session, &p->token_file,   &p->role_source,
                    &p->process,  &p->sso,          &p->login_session};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        free(*all[i]);
        *all[i] = NULL;
    }
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
    const struct {
        const char *name;
        char **to;
        bool name_only; /* what it says is not read, that it is there is */
    } wanted[] = {{"aws_access_key_id", &p->key, false},
                  {"aws_secret_access_key", &p->secret, false},
                  {"aws_session_token", &p->token, false},
                  {"region", &p->region, false},
                  {"role_arn", &p->role_arn, false},
                  {"role_session_name", &p->role_session, false},
                  {"web_identity_token_file", &p->token_file, false},
                  {"source_profile", &p->role_source, true},
                  {"credential_source", &p->role_source, true},
                  {"credential_process", &p->process, true},
                  {"sso_session", &p->sso, true},
                  {"sso_start_url", &p->sso, true},
                  {"login_session", &p->login_session, true}};
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
            *wanted[i].to = wanted[i].name_only ? xstrdup(wanted[i].name) : xstrndup(value.p, value.n);
}

void profile_parse(const char *text, size_t n, bool config, struct profile *p)
{
    bool inside = false, setting = false;

    for (const char *at = text, *end = text + n; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct str raw = {at, (size_t)((newline != NULL ? newline : end) - at)}, line = str_trim(raw);
        at += raw.n + (newline != NULL);
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
}

/* A file that does not exist says nothing. */
static int read_file(const char *path, bool config, struct profile *p, struct err *err)
{
    struct buf text = BUF_INIT(MAX_CONFIG);
    struct err why;
    int rc = fs_read(path, &text, &why);

    if (rc == 0 && text.n > 0)
        profile_parse(text.p, text.n, config, p);
    if (rc == -ERR_NOT_FOUND)
        rc = 0;
    else if (rc < 0)
        *err = why;
    buf_release(&text);
    return rc;
}

static char *default_path(const struct creds_env *env, const char *given_path, const char *name)
{
    if (given(given_path))
        return xstrdup(given_path);
    return given(env->home) ? xasprintf("%s/.aws/%s", env->home, name) : NULL;
}

int profile_read(const struct creds_env *env, struct profile *p, bool must_exist, struct err *err)
{
    char *credentials = default_path(env, env->credentials_file, "credentials");
    char *config = default_path(env, env->config_file, "config");
    int rc = 0;

    if (credentials != NULL)
        rc = read_file(credentials, false, p, err);
    p->keys_in_credentials = p->key != NULL && p->secret != NULL;
    if (rc == 0 && config != NULL)
        rc = read_file(config, true, p, err);
    if (rc == 0 && !p->found && must_exist) {
        err_set(err, ERR_ACCESS_DENIED, "no profile '%s' in %s or %s", p->name,
                credentials != NULL ? credentials : "~/.aws/credentials",
                config != NULL ? config : "~/.aws/config");
        rc = err_hint(err, "aws configure --profile %s makes one", p->name);
    }
    free(credentials);
    free(config);
    return rc;
}

static int not_read(const struct profile *p, const char *key, struct err *err)
{
    err_set(err, ERR_ACCESS_DENIED, "profile '%s' gets its credentials by %s, which orch does not read",
            p->name, key);
    return err_hint(err,
                    "name a profile with keys or with web_identity_token_file, or give the environment what "
                    "aws configure export-credentials prints");
}

/* AWS's tools take a role or a login before the keys of the same profile, and a process before keys in the config
 * file: to take the keys here would be another identity than the one that the user tried out. */
int profile_take(struct profile *p, struct creds *ret, struct err *err)
{
    if (p->role_source != NULL)
        return not_read(p, p->role_arn != NULL ? "role_arn" : p->role_source, err);
    if (p->role_arn != NULL && p->token_file != NULL)
        return 2;
    if (p->role_arn != NULL || p->token_file != NULL) {
        err_set(err, ERR_ACCESS_DENIED, "profile '%s' has %s without %s", p->name,
                p->role_arn != NULL ? "role_arn" : "web_identity_token_file",
                p->role_arn != NULL ? "web_identity_token_file, and orch assumes roles by web identity alone"
                                    : "role_arn");
        return err_hint(err, "name a profile that has both, or one with keys");
    }
    if (p->sso != NULL || p->login_session != NULL)
        return not_read(p, p->sso != NULL ? p->sso : p->login_session, err);
    if (p->process != NULL && !p->keys_in_credentials)
        return not_read(p, p->process, err);
    if (p->key == NULL && p->secret == NULL)
        return 0;
    if (p->key == NULL || p->secret == NULL)
        return err_set(err, ERR_ACCESS_DENIED,
                       "profile '%s' has only one of aws_access_key_id and aws_secret_access_key", p->name);
    ret->access_key = p->key;
    ret->secret_key = p->secret;
    ret->session_token = p->token;
    p->key = p->secret = p->token = NULL;
    snprintf(ret->origin, sizeof ret->origin, "profile %.100s", p->name);
    return 1;
}
