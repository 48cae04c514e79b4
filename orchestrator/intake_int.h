#ifndef ORCHESTRATOR_INTAKE_INT_H
#define ORCHESTRATOR_INTAKE_INT_H
#include "orchestrator/intake.h"
/* Between intake.c, which takes rows in, and intake_plan.c, which knows what they look like. */
struct intake_verdict { /* of a record, until it is told */
    int64_t record;
    struct reject_info *why; /* in the window's arena; NULL: it is good so far */
};
struct intake_plan { /* how records of one form become rows of one table; kept with the connection */
    struct intake_plan *next;
    const struct dict_table *d;
    const struct table *def; /* borrowed from what is known of the table */
    char *form;              /* what tells it from the table's other plans */
    struct arena *arena;
    struct convert_config config;
    struct csv_record first;
    size_t fields; /* that records are to have; JSON's get bare empty ones for those behind */
    size_t given;
    struct csv_field *all; /* as many as fields; NULL: records are taken as they are */
    struct converter *converter;
    struct dictionary *dictionary;
    const struct dict_reference **references; /* that no foreign key looks after */
    size_t reference_count;
    /* the window: as many records as fill a batch */
    struct batch *batch;
    size_t *of_row; /* index into verdicts */
    struct intake_verdict *verdicts;
    size_t verdict_count, verdict_capacity, bytes;
    struct arena *window;
};
/* header NULL: by the dictionary's order. Borrowed from the target. */
NODISCARD int intake_plan(struct target *t, const struct intake_ask *a, const struct csv_record *header,
                          struct intake_plan **ret, struct err *err);
/* The table is another than we thought: it is described anew the next time. */
void intake_forget(struct target *t, const struct dict_table *d);
#endif
