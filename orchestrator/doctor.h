#ifndef ORCHESTRATOR_DOCTOR_H
#define ORCHESTRATOR_DOCTOR_H
#include "orchestrator/cmd.h"
#include <stdarg.h>
/* Between cmd_doctor.c (the checks) and doctor_needs.c (the rights that orch needs). */
enum doctor_status { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };
struct doctor {
    json_t *rows;  /* {check, status, text, hint} */
    json_t *needs; /* {what, text}: GRANTs, IAM policies */
    int exit;
};
void doctor_say(struct doctor *d, const char *what, enum doctor_status s, const char *hint, const char *fmt,
                ...) PRINTF(5, 6);
void doctor_fail(struct doctor *d, const char *what, const struct err *err);
void doctor_needs_source(struct doctor *d, const struct pipeline *p);
void doctor_needs_target(struct doctor *d, struct target *t, const struct pipeline *p);
#endif
