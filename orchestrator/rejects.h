#ifndef ORCHESTRATOR_REJECTS_H
#define ORCHESTRATOR_REJECTS_H
#include "orchestrator/cmd.h"
#include "state/reject.h"
#include <stdio.h>
/* The parts of orch rejects: what it prints, and what a person decides. */
struct rejects_ask {
    struct cli *c;
    const struct pipeline *p;
    struct reject_filter filter;
    const char *reason;
    bool dry_run;
};
/* One reject as a document; raw is printable. with_hex: raw_hex too, the kept bytes without loss. */
json_t *rejects_row(const struct reject *r, bool with_hex);
/* rejects_intake.c: of a table of the dictionary, out of its target. 1: some bytes are missing, and it was said */
struct rejects_intake_ask {
    const char *table, *code, *column, *source, *by, *export_to; /* by, export_to NULL: a list */
    int64_t limit;
    bool raw;
};
NODISCARD int rejects_intake(struct cli *c, const struct rejects_intake_ask *a, struct err *err);
/* rejects_out.c */
NODISCARD int rejects_by(const char *words, struct err *err); /* "code,column": bits of REJECT_BY_ */
json_t *rejects_group(const struct reject_group *g, int by);  /* owned */
void rejects_out_groups(const struct out *o, json_t *rows, int by);
NODISCARD int rejects_print_groups(const struct rejects_ask *a, const char *by, struct err *err);
NODISCARD int rejects_export(const struct rejects_ask *a, const char *path, struct err *err);
NODISCARD int rejects_print_raw(const struct rejects_ask *a,
                                struct err *err); /* 1: some bytes are missing, and it was said */
/* rejects_act.c: exit status, or an error */
NODISCARD int rejects_replay(const struct rejects_ask *a, struct err *err);
NODISCARD int rejects_discard(const struct rejects_ask *a, struct err *err);
#endif
