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
/* A command's options that fill o, a static struct subject_options; unnamed: what it says of columns without a header. */
#define SUBJECT_OPTS(o, unnamed)                                                                             \
    {"from",    0,           OPT_TEXT,                                                                       \
     &(o).from, "PARTITION", "of a pipeline: first one, itself included (else the newest alone)"},           \
        {"to", 0, OPT_TEXT, &(o).to, "PARTITION", "last one, itself included"},                              \
        {"null",     0,      OPT_TEXT,                                                                       \
         &(o).nulls, "LIST", "of files: spellings of NULL, comma between (else NA and the empty field)"},    \
        {"delimiter",    0,      OPT_TEXT,                                                                   \
         &(o).delimiter, "CHAR", "of files: between fields (else ,; tab for a tab)"},                        \
        {"quote", 0, OPT_TEXT, &(o).quote, "CHAR", "of files: around fields (else \"; none for none)"},      \
        {"encoding", 0, OPT_TEXT, &(o).encoding, "NAME", "of files: utf-8, latin1 or cp1252"},               \
    {                                                                                                        \
        "no-header", 0, OPT_FLAG, &(o).no_header, NULL, "of files: the first line is data" unnamed           \
    }
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
