#ifndef ORCHESTRATOR_SPEC_H
#define ORCHESTRATOR_SPEC_H
#include "base/json.h"
/*
 * What other systems call a task, as an orch.json with one extract: the task spec (and config.json) of SQL Periodic Data
 * Extraction, and the config and backfill config of CreDE. docs/extract-specs.md is the contract. Pure: no file is read but
 * time zones, nothing is connected to.
 */
enum spec_kind { SPEC_SQL_PDE, SPEC_CREDE, SPEC_CREDE_BACKFILL };
struct spec_given {    /* borrowed; text NULL where there is none, numbers 0 */
    struct str text;   /* of the spec */
    struct str config; /* of a config.json beside it */
    /* of the command line: before what both say */
    const char *host, *user, *database;
    int64_t port, batch_mb;
    bool mend; /* false: what would have to be mended is an error, as before a run */
};
struct spec {
    enum spec_kind kind;
    char *name;       /* of the extract; owned */
    json_t *document; /* owned; NULL where there are errors */
    char *password;   /* owned; NULL: none was said. It is never in the document */
    int64_t hours;    /* a backfill of so many; 0: none */
    json_t *notes;    /* owned: {"where", "text"}: what was mended, and what will be otherwise than there */
    json_t *errors;   /* owned: {"where", "text", "hint"}: all that is refused */
};
/* Fills *ret whatever comes. ERR_CONFIG: refused, see errors; *err tells the first and how many. */
NODISCARD int spec_read(const struct spec_given *given, struct spec *ret, struct err *err);
/* With mend, it would not be refused. */
bool spec_can_be_mended(const struct spec_given *given);
void spec_release(struct spec *s);
#endif
