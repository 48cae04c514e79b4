#ifndef IO_CREDS_H
#define IO_CREDS_H
#include "base/err.h"
#include "io/http.h"
#include <stdint.h>
/*
 * AWS credentials, looked for in AWS's own order: environment (AWS_ACCESS_KEY_ID, ...), web identity
 * (AWS_WEB_IDENTITY_TOKEN_FILE), shared profile files, container agent (ECS, EKS Pod Identity), IMDSv2. The first one
 * that is set up counts: where it cannot be used that is an error, and never another identity. Temporary ones are
 * fetched again 5 minutes before they end. docs/credentials.md tells users.
 */
struct creds {
    char *access_key, *secret_key, *session_token; /* owned; token may be NULL */
    int64_t expires_ms;                            /* wall ms; 0: never */
    char origin
        [128]; /* "environment", "profile NAME", "web identity ARN", "container agent", "instance metadata" */
    char *region; /* from the profile; owned, may be NULL */
};
/* Environment values are handed in (only config.c reads getenv): NULL fields are unset variables. */
struct creds_env {
    const char *access_key_id, *secret_access_key, *session_token, *profile, *credentials_file, *config_file,
        *home, *metadata_endpoint, *metadata_disabled;
    const char *web_identity_token_file, *role_arn, *role_session_name, *sts_endpoint, *sts_regional;
    const char *container_relative_uri, *container_full_uri, *container_token, *container_token_file;
    const char *region; /* where to ask STS; NULL: the profile's, else the global endpoint */
};
/*
 * profile (config's "profile") or AWS_PROFILE names one that must exist; config's goes before the
 * environment's keys, AWS_PROFILE after them, as in AWS's own tools. ERR_ACCESS_DENIED with a hint when
 * nothing is found. *ret is empty on failure; beat may be NULL.
 */
NODISCARD int creds_find(const struct creds_env *env, const char *profile, struct http *http,
                         const struct beat *b, struct creds *ret, struct err *err);
void creds_release(struct creds *c);
#endif
