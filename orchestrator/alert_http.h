#ifndef ORCHESTRATOR_ALERT_HTTP_H
#define ORCHESTRATOR_ALERT_HTTP_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
/*
 * One POST that must be done after limit_ms, whatever the server does. 2xx is success; no redirect is followed. A stop
 * signal ends it.
 */
struct alert_post {
    const char *what; /* "alerts.webhook", for messages */
    const char *url, *ca_file;
    const char *const *headers; /* NULL-ended; may be NULL */
    const char *body;
    int64_t limit_ms;
};
NODISCARD int alert_post(const struct alert_post *p, struct err *err);
/* For beats of what else must end in time. */
struct deadline {
    const char *what;
    int64_t until_mono_ms, limit_ms;
};
struct deadline deadline_in(const char *what, int64_t limit_ms);
int deadline_beat(void *deadline, struct err *err); /* ERR_TIMEOUT, or ERR_CANCELLED after a stop signal */
#endif
