#ifndef ORCHESTRATOR_LOAD_FILE_H
#define ORCHESTRATOR_LOAD_FILE_H
#include "io/csv.h"
#include "io/source.h"
#include "orchestrator/cmd.h"
/* One file of orch load, wherever it lies: read twice, first for its sha256, which is its key, then for its records. */
struct load_file {
    struct config *config; /* owned: of its place; what object points to may live there */
    struct source *source;
    struct object_info object;
    char *key, *etag;
    char sha256[65]; /* of its bytes as they lie there */
    unsigned char sum[32];
    struct reader *hashing; /* borrowed: inside csv */
    struct csv *csv;
};
/* A path, file://PATH, or s3://BUCKET/KEY, with endpoint and credentials of the first connection to the same bucket.
 * Closed always, after an error too. */
NODISCARD int load_file_open(struct cli *c, const char *name, struct load_file *ret, struct err *err);
NODISCARD int load_file_records(struct load_file *f, const struct csv_dialect *d, struct err *err);
NODISCARD int load_file_next(void *f, struct csv_record *ret, struct err *err); /* as intake_next */
/* Behind the last record: it was the same file both times. ERR_OBJECT_CHANGED */
NODISCARD int load_file_end(struct load_file *f, struct err *err);
void load_file_close(struct load_file *f);
#endif
