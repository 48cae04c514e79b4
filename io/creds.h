#ifndef IO_CREDS_H
#define IO_CREDS_H
#include "base/err.h"
#include "io/http.h"
#include <stdint.h>
/*
 * AWS credentials, looked for in AWS's own order: environment (AWS_ACCESS_KEY_ID, ...), shared profile
 * files (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_PROFILE), IMDSv2; not web identity, not ECS.
 * Temporary ones are fetched again 5 minutes before they end.
 */
struct creds {
    char *access_key, *secret_key, *session_token; /* owned; token may be NULL */
    int64_t expires_ms;                            /* wall ms; 0: never */
    char origin[128];                              /* "environment", "profile NAME", "instance metadata" */
    char *region;                                  /* from the profile; owned, may be NULL */
};
/* Environment values are handed in (only config.c reads getenv): NULL fields are unset variables. */
struct creds_env {
    const char *access_key_id, *secret_access_key, *session_token, *profile, *credentials_file, *config_file,
        *home, *metadata_endpoint, *metadata_disabled;
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
