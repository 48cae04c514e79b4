#ifndef ORCHESTRATOR_SCHEMA_H
#define ORCHESTRATOR_SCHEMA_H
#include "io/evidence.h"
#include "orchestrator/subject.h"
/* Shared by orch schema infer and orch schema diff: files read into evidence. */
struct schema_read {
    struct subject of;
    struct evidence *evidence; /* owned */
    int64_t limit;             /* records; 0: all */
    int64_t records;
    bool first; /* the next record is the first of its file */
    int (*fn)(void *arg, const struct csv_record *rec, bool first, struct err *err);
    void *arg;
};
/* Reads every file of r->of; fn (may be NULL) gets each record too, headers with first set. */
NODISCARD int schema_read(struct schema_read *r,
                          int (*fn)(void *arg, const struct csv_record *rec, bool first, struct err *err),
                          void *arg, struct err *err);
void schema_read_end(struct schema_read *r);
/* {value, file, line}, or null. Owned. */
json_t *schema_cell(const struct schema_read *r, const struct seen_cell *at);
json_t *schema_value(const struct seen_cell *at); /* its text, or null */
/* "'12.5' in a.csv line 17"; "" for none */
void schema_where(const struct schema_read *r, const struct seen_cell *at, char *out, size_t size);
void schema_say_read(const struct schema_read *r); /* on stderr: what was read, and what was no record */
#endif
