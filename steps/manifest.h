#ifndef STEPS_MANIFEST_H
#define STEPS_MANIFEST_H
#include "base/buf.h"
#include "base/limits.h"
/*
 * What an extract run says of one table once all of its parts are there: which they are, and what is in them. The manifest
 * comes last; parts that no manifest lists are not to be read. Written by the extract steps, read by them to find where the
 * last run ended, and by the ingest steps, for which it is a file from outside. docs/extract.md describes the document.
 *
 * Strings and arrays: given by the caller and borrowed for manifest_text; of manifest_parse they live in the arena.
 */
enum manifest_kind {
    MANIFEST_INCREMENTAL, /* a window of watermarks */
    MANIFEST_FULL,        /* the whole table */
    MANIFEST_RANGE        /* a replay or backfill, beside the sequence */
};
struct manifest_column {
    const char *name, *type; /* as MySQL writes it: "bigint(20) unsigned" */
    int64_t nulls;
    const char *sum; /* NULL: none */
};
struct manifest_part {
    const char *key; /* relative to the sink connection's URL */
    int64_t rows, bytes;
    const char *sha256; /* of the bytes as written: 64 digits, lower case */
    const char *etag;   /* "" of a file */
};
struct manifest {
    const char *pipeline, *task;
    const char *table; /* output name */
    const char *run;   /* run id */
    int64_t seq;       /* -1: outside the sequence */
    enum manifest_kind kind;
    int64_t at_ms; /* whole milliseconds, UTC */
    struct manifest_watermark {
        const char *const *columns; /* column_count of them; 0: the table has no watermark */
        size_t column_count;
        const char *from, *to; /* MySQL's own text; NULL: open there */
    } watermark;
    struct manifest_snapshot {
        const char *at, *position; /* MySQL's UTC now; binary log or GTID position, "" unknown */
    } snapshot;
    const char *sql; /* bytes that are no UTF-8 are written as \xNN */
    struct manifest_format {
        const char *kind;      /* "csv", "tsv", "jsonl", "avro" */
        const char *delimiter; /* one character; NULL where the kind has none */
        const char *null;      /* how NULL is written; NULL where the kind has its own */
        bool header;
        const char *newline;  /* "lf", "crlf" */
        const char *binary;   /* "hex", "base64"; NULL: the kind has its own, or nothing was said */
        const char *compress; /* "none", "gzip", "zstd" */
    } format;
    const struct manifest_column *columns;
    size_t column_count;
    int64_t rows, bytes; /* of all parts */
    const struct manifest_part *parts;
    size_t part_count;
    const char *orch;    /* version of the program that wrote it */
    struct arena *arena; /* manifest_parse's; NULL of one that is to be written */
};
/*
 * Appends the document, compact, members in the order of above, and a newline: the same manifest gives the same bytes. What
 * manifest_parse would refuse is ERR_CONTRACT, so that nothing is published that nobody can read. out->max should be MAX_MANIFEST.
 */
NODISCARD int manifest_text(const struct manifest *m, struct buf *out, struct err *err);
/* manifest_dump.c. The same of a dump that is over: about, with the columns, sums, rows, bytes and parts of d. */
struct dump_table;
NODISCARD int manifest_of_dump(const struct manifest *about, const struct dump_table *d, struct buf *out,
                               struct err *err);
/*
 * Strict in what it knows: each member has its type and its range, keys are relative, plain and each there once, the parts'
 * rows and bytes add up. Members that it does not know are passed over: a later orch may add some, and raises "orch_manifest"
 * where that would not do. ERR_BAD_VALUE with `what` (the key) in front; then *ret is empty. Release with manifest_release.
 */
NODISCARD int manifest_parse(const char *text, size_t n, const char *what, struct manifest *ret,
                             struct err *err);
void manifest_release(struct manifest *m); /* what manifest_parse made; empty again */
const char *manifest_kind_name(enum manifest_kind k);

/*
 * Where it lies: DIR/_manifest/TABLE/0000000012_manifest.json, of one outside the sequence (seq -1)
 * DIR/_manifest/TABLE/run-RUN_manifest.json. dir: of the parts, without a slash at its end; "": the sink's root. In byte order
 * the newest of the sequence is the last. A table or run that is no plain part of a path is ERR_CONFIG.
 */
NODISCARD int manifest_key(const char *dir, const char *table, int64_t seq, const char *run,
                           char out[MAX_KEY + 1], struct err *err);
bool manifest_is_key(const char *key); /* by its name; other programs' *_manifest.json are left alone */
/* The part's key as a reader sees it who found the manifest under manifest_key, though his connection's URL may be another than
 * the sink's: the part's name beside the manifest's _manifest folder. */
NODISCARD int manifest_part_key(const char *manifest_key, const char *part_key, char out[MAX_KEY + 1],
                                struct err *err);
#endif
