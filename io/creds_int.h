#ifndef IO_CREDS_INT_H
#define IO_CREDS_INT_H
/* Between creds.c and creds_*.c alone. Each way to find credentials gives 1 found, 0 not set up here, or <0: set up
 * and unusable, which ends the search. */
#include "base/buf.h"
#include "base/limits.h"
#include "io/creds.h"

struct creds_look {
    const struct creds_env *env;
    struct http *http;
    const struct beat *beat;
};
static inline bool given(const char *s)
{
    return s != NULL && *s != '\0';
}

struct profile {
    const char *name;
    bool found, keys_in_credentials;
    char *key, *secret, *token, *region;               /* owned, as all of the next */
    char *role_arn, *role_session, *token_file;        /* web identity */
    char *role_source, *process, *sso, *login_session; /* not read here: the key's name, when it is set */
};
/* What an earlier text said stays. config: sections are named as in the config file. */
void profile_parse(const char *text, size_t n, bool config, struct profile *p);
NODISCARD int profile_read(const struct creds_env *env, struct profile *p, bool must_exist, struct err *err);
/* The profile's own keys; its web identity is 2 (*ret untouched). What orch does not read is an error. */
NODISCARD int profile_take(struct profile *p, struct creds *ret, struct err *err);
void profile_release(struct profile *p);

/* An endpoint that gives or takes a secret: https, or http to this machine; with link_local also to the container
 * agents of ECS and EKS. what names the setting. */
NODISCARD int creds_check_url(const char *what, const char *url, bool link_local, struct err *err);
/* One exchange, bounded in bytes and time whatever the other side does. Any status is a success. */
NODISCARD int creds_fetch(const struct creds_look *l, struct http_request *rq, struct buf *ret,
                          int *ret_status, struct err *err);
/* {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}; the last two may be absent where lenient. 1. */
NODISCARD int creds_read_json(const char *p, size_t n, const char *who, bool lenient, struct creds *ret,
                              struct err *err);
/* Refuses credentials that are over already. */
NODISCARD int creds_check_expiry(const struct creds *c, const char *who, struct err *err);

struct web_identity {
    const char *token_file, *role_arn, *session, *region; /* the last two may be NULL */
    const char *set_by;                                   /* "AWS_WEB_IDENTITY_TOKEN_FILE", "profile x" */
};
NODISCARD int creds_from_web_identity(const struct creds_look *l, const struct web_identity *w,
                                      struct creds *ret, struct err *err);
NODISCARD int creds_from_container(const struct creds_look *l, struct creds *ret, struct err *err);
NODISCARD int creds_from_metadata(const struct creds_look *l, struct creds *ret, struct err *err);
#endif
