/* The chain: which way to credentials is taken, and what they must look like. */
#include "base/mem.h"
#include "base/str.h"
#include "io/creds_int.h"

void creds_release(struct creds *c)
{
    free(c->access_key);
    free(c->secret_key);
    free(c->session_token);
    free(c->region);
    *c = (struct creds){0};
}

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

static int web_identity_of_env(const struct creds_look *l, const char *region, struct creds *ret,
                               struct err *err)
{
    const struct creds_env *env = l->env;
    struct web_identity w = {.token_file = env->web_identity_token_file,
                             .role_arn = env->role_arn,
                             .session = env->role_session_name,
                             .region = given(env->region) ? env->region : region,
                             .set_by = "AWS_WEB_IDENTITY_TOKEN_FILE"};

    if (!given(w.token_file))
        return 0;
    if (!given(w.role_arn)) {
        err_set(err, ERR_ACCESS_DENIED, "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
        return err_hint(err, "set AWS_ROLE_ARN to the role, or unset the other to use what comes after it");
    }
    return creds_from_web_identity(l, &w, ret, err);
}

static int from_profile(const struct creds_look *l, struct profile *p, struct creds *ret, struct err *err)
{
    char set_by[160];
    int rc = profile_take(p, ret, err);

    if (rc != 2)
        return rc;
    snprintf(set_by, sizeof set_by, "profile '%.100s'", p->name);
    struct web_identity w = {.token_file = p->token_file,
                             .role_arn = p->role_arn,
                             .session = p->role_session,
                             .region = given(l->env->region) ? l->env->region : p->region,
                             .set_by = set_by};
    return creds_from_web_identity(l, &w, ret, err);
}

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

/* The last resort: whether this is an instance is only known by asking. */
static int from_instance(const struct creds_look *l, struct creds *ret, struct err *err)
{
    struct err why = {.msg = ""};

    if (given(l->env->metadata_disabled) && strcasecmp(l->env->metadata_disabled, "true") == 0)
        return nothing_found(&why, err);
    int rc = creds_from_metadata(l, ret, &why);
    if (rc == -ERR_CANCELLED || rc == -ERR_LOCK_LOST || rc == -ERR_TASK_TIMEOUT || rc == -ERR_BAD_RESPONSE) {
        *err = why; /* the beat's end, or an answer that is there and wrong */
        return rc;
    }
    return rc > 0 ? rc : nothing_found(&why, err);
}

/* They become HTTP headers. */
static int check_bytes(const struct creds *c, struct err *err)
{
    const char *all[] = {c->access_key, c->secret_key, c->session_token};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (const char *p = all[i]; p != NULL && *p != '\0'; p++)
            if (*p <= ' ' || *p > '~') {
                err_set(err, ERR_ACCESS_DENIED, "the AWS credentials of %s have a byte that no key has",
                        c->origin);
                return err_hint(err, "a blank or a line end slipped in: set them again");
            }
    return 0;
}

static int find(const struct creds_look *l, const char *profile, struct creds *ret, struct err *err)
{
    const struct creds_env *env = l->env;
    bool named = given(profile), from_env_named = !named && given(env->profile);
    struct profile p = {.name = named ? profile : from_env_named ? env->profile : "default"};
    int rc = named ? 0 : from_environment(env, ret, err);

    if (rc < 0)
        return rc;
    bool have = rc > 0 || (!named && given(env->web_identity_token_file));
    bool wanted = rc == 0;
    /* the region of the profile is wanted even where the keys come from elsewhere */
    rc = profile_read(env, &p, named || (from_env_named && !have), err);
    if (rc == 0 && wanted && !named)
        rc = web_identity_of_env(l, p.region, ret, err);
    if (rc == 0 && wanted)
        rc = from_profile(l, &p, ret, err);
    if (rc == 0 && wanted)
        rc = creds_from_container(l, ret, err);
    if (rc == 0 && wanted)
        rc = from_instance(l, ret, err);
    ret->region = p.region;
    p.region = NULL;
    profile_release(&p);
    return rc < 0 ? rc : check_bytes(ret, err);
}

int creds_find(const struct creds_env *env, const char *profile, struct http *http, const struct beat *b,
               struct creds *ret, struct err *err)
{
    struct creds_look l = {env, http, b};

    *ret = (struct creds){0};
    int rc = find(&l, profile, ret, err);
    if (rc < 0) {
        creds_release(ret);
        return rc;
    }
    return 0;
}
