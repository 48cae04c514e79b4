#ifndef ORCHESTRATOR_CONFIG_INT_H
#define ORCHESTRATOR_CONFIG_INT_H
/* Between config.c, config_keys.c and config_fill.c alone. */
#include "base/buf.h"
#include "orchestrator/config.h"

/* One line a fault: "pipelines.loans.source.since: ...". */
struct faults {
    struct buf *text; /* borrowed; never NULL */
    size_t count;
};
void fault_add(struct faults *f, const char *where, const char *fmt, ...) PRINTF(3, 4);

/*
 * The key table, one for everything: what is allowed, its form, its default. The JSON Schema is printed from
 * it, so that the two cannot differ.
 */
enum key_kind {
    KEY_TEXT,
    KEY_BOOL,
    KEY_INT,
    KEY_DURATION,
    KEY_SIZE,
    KEY_CHAR,
    KEY_TEXTS,
    KEY_CHOICE,
    KEY_BUDGET,
    KEY_OBJECT,  /* members: sub */
    KEY_MAP,     /* name -> object of sub */
    KEY_COLUMNS, /* header name -> null, text, or object of sub */
};
struct key {
    const char *name;
    enum key_kind kind;
    bool may_be_null, required;
    const char *fallback; /* JSON text; NULL: null, {} for objects, or required */
    const char *choices;  /* KEY_CHOICE: "a|b" */
    const char *later;    /* KEY_CHOICE: "c|d": sensible, and not there yet */
    const struct key *sub;
    const char *doc;
};
extern const struct key config_root_keys[];
/* A complete copy of given: faulty and absent members have their default. Owned. */
json_t *config_normalise(const json_t *given, const struct key *keys, const char *where, struct faults *f);
/* Fills c from a normalised document. */
void config_fill(struct config *c, const json_t *root, bool secrets, struct faults *f);
/* The only getenv of the program. */
const char *config_env(const char *name);
#endif
