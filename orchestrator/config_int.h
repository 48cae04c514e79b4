#ifndef ORCHESTRATOR_CONFIG_INT_H
#define ORCHESTRATOR_CONFIG_INT_H
/* Between the files config*.c alone. */
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
    KEY_OBJECT,   /* members: sub */
    KEY_MAP,      /* name -> object of sub */
    KEY_COLUMNS,  /* header name -> null, text, or object of sub */
    KEY_TEXT_MAP, /* name -> text */
    KEY_LIST,     /* array of objects of sub */
    KEY_VALUE,    /* text, number, or an array of them */
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
extern const struct key config_root_keys[], config_extract_keys[], config_owner_keys[], config_serve_keys[],
    config_table_keys[];
/* A complete copy of given: faulty and absent members have their default. Owned. */
json_t *config_normalise(const json_t *given, const struct key *keys, const char *where, struct faults *f);
/* Fills c from a normalised document. */
void config_fill(struct config *c, const json_t *root, bool secrets, struct faults *f);
/* What a normalised object holds; strings live in the config's arena, NULL for null. */
const char *config_keep(const struct config *c, const char *s);
const char *config_text(const struct config *c, const json_t *o, const char *key);
const char *const *config_texts(const struct config *c, const json_t *list); /* NULL-ended */
const char *config_path(const struct config *c, const json_t *o, const char *key);
int64_t config_duration(const json_t *o, const char *key);
const char *config_need(const struct config *c, const json_t *o,
                        const char *key); /* of a text that must be there: a missing one has been said */
bool config_is(const json_t *o, const char *key, const char *value); /* false for null */
/* before, path taken from the config's folder, and after where it does not end in "/"; in the arena. */
const char *config_resolved(const struct config *c, const char *before, const char *path, const char *after);
/* What WHAT_file, WHAT_env or WHAT_credential name; NULL: none of them, a credential outside the service that has it
 * (WHAT_credential is set then), or a fault was added. */
const char *config_secret(const struct config *c, const json_t *o, const char *what, const char *where,
                          struct faults *f);
/* config_connections.c */
enum scheme { SCHEME_BAD, SCHEME_S3, SCHEME_FILE, SCHEME_MYSQL, SCHEME_SQLITE, SCHEME_HTTP };

struct connection {
    const char *name, *url, *password, *token;
    const json_t *keys;
    enum scheme scheme;
};
struct filling { /* for the time of config_fill */
    struct config *c;
    struct faults *f;
    struct connection *connections; /* arena */
    size_t connection_count;
};
/* First of all: the others look them up. */
void config_fill_connections(struct filling *g, const json_t *root, bool secrets);
/* The one that part's member "connection" names, in the arena; NULL: a fault was added, here or before. */
const struct connection *config_connection(struct filling *g, const json_t *part, const char *where,
                                           bool source);
void config_source(const struct config *c, const struct connection *n, struct source_config *s);
void config_target(const struct config *c, const struct connection *n, struct target_config *t);
/* config_tasks.c: what tasks of a definition may reach, once the connections are filled. */
void config_fill_tasks(struct filling *g, const json_t *root);
/* config_alerts.c: a URL of one of the schemes, without a user or what no URL has. */
bool config_url_fits(const char *url, const char *const *schemes, const char *where, struct faults *f);
bool config_is_loopback(const char *url);
/* Whether a connection with this URL has such a key. */
bool config_applies(const char *url, const char *key);
/* "csv" of pipelines and of tables, which differ in two defaults. */
/* clang-format off */
#define CONFIG_CSV_KEYS(header, header_doc, null, null_doc)                                              \
    {                                                                                                    \
        {"delimiter", KEY_CHAR, false, false, "\",\"", NULL, NULL, NULL, "one byte"},                    \
        {"quote", KEY_CHAR, true, false, "\"\\\"\"", NULL, NULL, NULL, "one byte; null: no quoting"},    \
        {"escape", KEY_CHAR, true, false, NULL, NULL, NULL, NULL, "one byte; null: a quote is doubled"}, \
        {"header", KEY_BOOL, false, false, header, NULL, NULL, NULL, header_doc},                        \
        {"encoding", KEY_CHOICE, false, false, "\"utf-8\"",                                              \
         "utf-8|latin1|cp1252", NULL, NULL, "of the files"},                                             \
        {"null", KEY_TEXTS, false, false, null, NULL, NULL, NULL, null_doc},                             \
        {"binary", KEY_CHOICE, false, false, "\"raw\"", "raw|hex|base64", NULL, NULL,                    \
         "how BINARY, BLOB and BIT are written"},                                                        \
        {"zero_dates", KEY_BOOL, false, false, "false", NULL, NULL, NULL,                                \
         "0000-00-00, 2022-00-00 and the year 0000 are values, as MySQL may hold them, and no rejects"}, \
        {"trailing_delimiter", KEY_BOOL, false, false, "false", NULL, NULL, NULL,                        \
         "every record ends with a delimiter; without it such a record is a reject"},                    \
        {0},                                                                                             \
    }
/* clang-format on */
/* config_columns.c: after csv is filled */
void config_fill_columns(const struct config *c, struct pipeline *p, json_t *columns,
                         const char *pipeline_where, struct faults *f);
char config_char(const json_t *o, const char *key); /* the first of a text; 0: none */
enum convert_binary config_binary(const json_t *o); /* of its member "binary" */
/* config_constants.c: after the columns of p are filled */
void config_fill_constants(const struct config *c, struct pipeline *p, json_t *constants,
                           const char *pipeline_where, struct faults *f);
/* config_extract.c: all but flow and connections, which are there */
void config_fill_extract(struct config *c, struct pipeline *p, json_t *k, const char *where,
                         struct faults *f);
/* config_tables.c: all but the connection, which is there */
void config_fill_table(const struct config *c, struct dict_table *d, const char *name, json_t *k,
                       const char *where, struct faults *f);
/* config_fill.c: a table that is orch's own is a fault */
void config_refuse_own(const char *table, const char *where, struct faults *f);
/* config_fill.c: an object "csv" */
void config_fill_csv(const struct config *c, const json_t *s, struct csv_dialect *d,
                     struct convert_config *convert, const char *where, struct faults *f);
/* The text of a text or number; 0.1 stays 0.1. */
const char *config_value(const struct config *c, const json_t *v);
/* config_alerts.c */
void config_fill_alerts(struct config *c, const json_t *root, bool secrets, struct faults *f);
/* config_serve.c */
void config_fill_serve(struct config *c, const json_t *root, struct faults *f);
/* The only getenv of the program. */
const char *config_env(const char *name);
#endif
