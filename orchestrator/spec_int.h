#ifndef ORCHESTRATOR_SPEC_INT_H
#define ORCHESTRATOR_SPEC_INT_H
/* Between the files spec*.c alone. */
#include "orchestrator/spec.h"
struct spec_reading {
    const struct spec_given *given;
    struct spec *to;
    json_t *extract; /* of the document, borrowed: task, tables, path, ... */
    json_t *tables;  /* of extract, borrowed */
};
struct spec_server { /* where the database is; borrowed from the spec, its config.json and the command line */
    const char *host, *user, *password, *database;
    int64_t port;
};
void spec_note(struct spec_reading *r, const char *where, const char *fmt, ...) PRINTF(3, 4);
void spec_error(struct spec_reading *r, const char *where, const char *hint, const char *fmt, ...)
    PRINTF(4, 5);
/* Members that are none of these (NULL-ended) are errors that name the nearest. */
void spec_known(struct spec_reading *r, const char *where, const json_t *o, const char *const *keys);
/* A member's text; NULL where it is missing or null; another type is an error. */
const char *spec_get_text(struct spec_reading *r, const char *where, const json_t *o, const char *key);
/* A number, or a text that is one; 0 where it is missing, null or was refused. */
int64_t spec_get_count(struct spec_reading *r, const char *where, const json_t *o, const char *key,
                       int64_t most);
/* Letters, digits, _ - and . of a text, the rest as '_', with a note; owned. */
char *spec_name(struct spec_reading *r, const char *where, const char *text);
void spec_database(struct spec_reading *r,
                   const struct spec_server *s); /* connections.db, and what is missing */
void spec_bucket(struct spec_reading *r, const char *where, const char *bucket);
/* The folder as target.prefix: "a/b/". */
void spec_prefix(struct spec_reading *r, const char *where, const char *folder);
void spec_pde_config(struct spec_reading *r, const json_t *config); /* NULL: none; spec_config.c */
void spec_pde(struct spec_reading *r, const json_t *spec, const json_t *config);
void spec_crede(struct spec_reading *r, const json_t *o);

/* spec_text.c: SQL as those systems paste it, taken apart */
/* A list of names, in one text or several: owned array, empty for "*". Names in quotes are mended, or refused. transforms:
 * gets {alias: expression} for "EXPR AS alias"; NULL: a name is wanted. */
json_t *spec_names(struct spec_reading *r, const char *where, const json_t *v, json_t *transforms);
char *spec_one_name(struct spec_reading *r, const char *where, const char *text); /* owned; NULL: refused */
/* "12 hours", "1 day 6 hours ago": 1 and milliseconds; 0: a text of another kind; -1: a number, and no unit that is known. */
int spec_ago(const char *text, int64_t *ret_ms);
char *spec_duration(int64_t ms); /* "12h"; owned */
/* A pasted value: quotes that the SQL needed are taken off. Owned; NULL: an expression, and an error was added. */
json_t *spec_value(struct spec_reading *r, const char *where, const json_t *v);
/* "(1, 'b')" or a JSON list: owned array, NULL where it is none. */
json_t *spec_values(struct spec_reading *r, const char *where, const json_t *v);
#endif
