#ifndef ORCHESTRATOR_DOCTOR_H
#define ORCHESTRATOR_DOCTOR_H
#include "orchestrator/cmd.h"
/* Between cmd_doctor.c (the checks), doctor_extract.c, doctor_tables.c and doctor_backups.c (those of extracts, tables and backups) and doctor_needs.c (the rights that orch needs). */
enum doctor_status { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };
struct doctor {
    json_t *rows;  /* {check, status, text, hint} */
    json_t *needs; /* {what, text}: GRANTs, IAM policies */
    int exit;
};
void doctor_say(struct doctor *d, const char *what, enum doctor_status s, const char *hint, const char *fmt,
                ...) PRINTF(5, 6);
void doctor_fail(struct doctor *d, const char *what, const struct err *err);
void doctor_skew(struct doctor *d, const char *what, const char *who, int64_t skew_ms, int64_t limit_ms);
void doctor_extract(struct doctor *d, struct cli *c, const struct pipeline *p);
/* Files below prefix: written, read, given up and removed. */
void doctor_files(struct doctor *d, const char *what, const struct source_config *place, const char *prefix);
void doctor_backups(struct doctor *d, struct cli *c); /* serve.backups; nothing where it is not set */
void doctor_table(struct doctor *d, const struct dict_table *k);
void doctor_needs_table(struct doctor *d, struct target *t, const struct dict_table *k);
void doctor_needs_source(struct doctor *d, const struct pipeline *p);
void doctor_needs_target(struct doctor *d, struct target *t, const struct pipeline *p);
void doctor_needs_extract(struct doctor *d, struct target *t, const struct pipeline *p);
#endif
