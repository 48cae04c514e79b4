#ifndef ORCHESTRATOR_SUBJECT_H
#define ORCHESTRATOR_SUBJECT_H
#include "orchestrator/cmd.h"
/*
 * What a command looks at by name: a local file or folder, file://, an object or a prefix of s3://, or a pipeline's
 * partitions: its files, and how they are read. Nothing is recorded.
 */
struct subject_options { /* as the command line gives them; NULL: not given */
    const char *nulls, *delimiter, *quote, *encoding, *from, *to;
    bool no_header;
};
struct subject {
    struct cli *c;
    struct step_ctx ctx;         /* its pipeline reads the files */
    struct pipeline own;         /* of files by name */
    const char *kind;            /* "file", "pipeline" */
    const char *name;            /* "loans/2022-06-05T12", "x.csv" */
    struct object_info *objects; /* owned, strings in arena */
    size_t count;
    const char **nulls; /* owned; strings in arena */
    struct arena *arena;
};
/* Options of a file: "--null, --delimiter, ..." where a pipeline is looked at are ERR_USAGE. */
NODISCARD int subject_refuse_file_options(const struct subject_options *o, struct err *err);
/*
 * Finds word, and lists its files, at most MAX_JOB_OBJECTS: of a pipeline those of its newest partition, or of from .. to.
 * A folder or prefix (many) gives every *.csv, *.csv.gz and *.csv.zst below it; else it is ERR_NOT_FOUND.
 */
NODISCARD int subject_open(struct cli *c, const char *word, const struct subject_options *o, bool many,
                           struct subject *ret, struct err *err);
/* A file, folder or URL by the look of it; else a pipeline. */
bool subject_is_file(const char *word, bool many);
/* Only opens the pipeline (ctx), without looking for files. */
NODISCARD int subject_pipeline(struct cli *c, const char *word, struct subject *ret, char part[PART_SIZE],
                               struct err *err);
void subject_close(struct subject *s);
#endif
