#ifndef ORCHESTRATOR_DOCTOR_H
#define ORCHESTRATOR_DOCTOR_H
#include "orchestrator/cmd.h"
/* Between cmd_doctor.c (the checks) and doctor_needs.c (the rights that orch needs). */
enum doctor_status { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };
struct doctor {
    json_t *rows;  /* {check, status, text, hint} */
    json_t *needs; /* {what, text}: GRANTs, IAM policies */
    int exit;
};
void doctor_needs_source(struct doctor *d, const struct pipeline *p);
void doctor_needs_target(struct doctor *d, struct target *t, const struct pipeline *p);
#endif
