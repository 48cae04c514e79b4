#ifndef STATE_OBJECT_H
#define STATE_OBJECT_H
#include "state/store.h"
/* Objects as they were seen. Identity: key + etag + size, and mtime_ns where there is no etag (file://). */
struct object_seen {
    const char *pipeline, *part, *key, *etag, *version_id;
    int64_t size, mtime_ns, modified_ms, now_ms;
    int64_t said_rows;       /* by the manifest that lists it; only where said_sha256 is there */
    const char *said_sha256; /* NULL: none does */
};
/* Inside a transaction. 1: new, changed, or back after it was GONE (a row was made), 0: known. *ret_id: the
 * newest row of the key. */
NODISCARD int object_see(struct store *s, const struct object_seen *o, int64_t *ret_id, struct err *err);
struct object_row {
    int64_t id, size, mtime_ns, modified_ms, first_seen_ms;
    char *part, *key, *etag, *version_id, *sha256, *verdict; /* owned */
};
void object_row_release(struct object_row *o);
/* Whether the two are one identity. */
bool object_same(const struct object_seen *o, const struct object_row *row);
/* The newest row of the key. 1/0 */
NODISCARD int object_newest(struct store *s, const char *pipeline, const char *key, struct object_row *ret,
                            struct err *err);
/* What a manifest says of an object that is known already: kept. Inside a transaction. */
NODISCARD int object_said(struct store *s, const struct object_seen *o, struct err *err);
typedef int object_fn(void *arg, const struct object_row *o, struct err *err);
/* The newest row of each key of the partition, but for those GONE, by key: what a replay loads. */
NODISCARD int object_list_current(struct store *s, const char *pipeline, const char *part, object_fn *fn,
                                  void *arg, struct err *err);
/* Overwritten objects that are not to be loaded (on_overwrite: refuse, or lineage: none), by part and key: a
 * trouble until a person replays the partition, or the object is as it was. */
NODISCARD int object_list_refused(struct store *s, const char *pipeline, object_fn *fn, void *arg,
                                  struct err *err);
NODISCARD int object_verdict(struct store *s, int64_t id, const char *verdict, struct err *err);
#endif
