#ifndef STEPS_LISTING_H
#define STEPS_LISTING_H
/* Shared by generate_queue.c, decide.c and listing.c: which partitions are to be listed, and what lies there.
 */
#include "base/limits.h"
#include "state/object.h"
#include "state/queue.h"
#include "steps/step.h"
#include "steps/steps_int.h"

enum part_state { PART_NONE, PART_WAITING, PART_LATE, PART_EMPTY, PART_QUEUED, PART_SKIPPED, PART_ADOPTED };
const char *part_state_name(enum part_state s);

/* One partition from since to the newest that is closed. */
struct part {
    int64_t start_ms, since_ms, listed_ms;
    enum part_state state;
    bool open; /* partition_row.open */
    bool want; /* to be listed now */
    /* with manifests, of what was listed last */
    const char
        *hold; /* why nothing of it may be loaded yet, in the listing's arena; NULL: nothing is in the way */
    int64_t unlisted;  /* files that no manifest lists (yet) */
    bool nothing_said; /* a manifest is there, of a run without rows */
    char name[PART_SIZE];
};
struct seen {
    struct object_seen o; /* strings in the listing's arena */
    size_t part;          /* index */
};
/* Partitions that one listing answers: [first, first + count), by the prefix. */
struct unit {
    size_t first, count;
    int64_t listed_ms; /* the oldest of those wanted */
    char prefix[PREFIX_SIZE];
};
/* A manifest that lies there. */
struct manifest_seen {
    size_t part;
    struct object_info o; /* strings in the listing's arena */
};
struct listing {
    struct step_ctx *c;
    int64_t now_ms;
    struct part *parts; /* owned */
    size_t part_count;
    struct unit *units; /* owned; oldest first, at most MAX_LISTINGS */
    size_t unit_count;
    bool cut;            /* more was due than MAX_LISTINGS */
    struct arena *arena; /* strings of seen; reset by listing_clear */
    struct seen *seen;   /* owned; by part and key once listing_sort was called */
    size_t seen_count, seen_cap;
    struct manifest_seen *manifests; /* owned */
    size_t manifest_count, manifest_cap;
    int64_t left_out;
    char left_out_example[MAX_KEY + 1];
};
/* The partitions that were closed at as_of_ms, which of them are to be listed, and by which listings. Reads
 * only. */
NODISCARD int listing_plan(struct step_ctx *c, int64_t as_of_ms, int64_t now_ms, struct listing *ret,
                           struct err *err);
/* Where the partition that begins then lies, below the connection. */
NODISCARD int listing_prefix(const struct pipeline *p, int64_t start_ms, char out[PREFIX_SIZE],
                             struct err *err);
/* Lists one unit: appends what lies there to l->seen. */
NODISCARD int listing_run(struct listing *l, const struct unit *u, struct err *err);
/* listing_manifest.c: of what lies there (seen[first] and on) only what the manifests list stays; they are read. */
NODISCARD int listing_manifests(struct listing *l, size_t first, struct err *err);
/* One object is none of the pipeline's files: counted. */
void listing_leave_out(struct listing *l, const char *key, int64_t size);
void listing_sort(struct listing *l);
void listing_clear(struct listing *l);
void listing_release(struct listing *l);

/* What is to be done with one object that lies there. */
enum fate {
    FATE_KNOWN,   /* nothing */
    FATE_AGAIN,   /* the loaded identity again: recorded */
    FATE_HOLD,    /* its key is being loaded: recorded, the next listing decides */
    FATE_REPOINT, /* overwritten before it was loaded: the job takes the new one */
    FATE_REFUSE,  /* overwritten after it was loaded, and that is not to be replaced */
    FATE_QUEUE,
};
struct verdict {
    enum fate fate;
    struct load_open open; /* load_id 0: none */
};
NODISCARD int decide_object(struct step_ctx *c, const struct part *p, const struct object_seen *o,
                            struct verdict *ret, struct err *err);
/* The words for FATE_REFUSE. */
const char *decide_refusal(const struct pipeline *p);
#endif
