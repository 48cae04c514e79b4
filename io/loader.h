#ifndef IO_LOADER_H
#define IO_LOADER_H
#include "base/limits.h"
#include "io/reject_page.h"
#include "io/rows.h"
#include "io/source.h"
#include "io/target.h"
#include "io/target_upsert.h"
#include "io/throttle.h"
#include <stdatomic.h>
/*
 * The load pipeline, and the only place with threads. A lane is one connection to the target, worked by a thread of its
 * own; a feed is a thread that reads objects, inflates, parses and types them, and hands batches to a lane over a bounded
 * queue. So reading overlaps with loading, and the lanes with each other. What a transaction takes is a unit: a whole
 * object, several small ones, or a chunk of a large one.
 *
 * The caller's thread keeps what belongs to one thread alone, the state file and the heartbeat: it is called back for
 * rejects, before every COMMIT (the counts and rejects must be on record first), and after it.
 */
struct loader_object {
    struct object_info info;     /* borrowed */
    int64_t load_id, generation; /* given */
    /* filled */
    int64_t records, rejected, empty_lines;
    int64_t typed_bad; /* of rejected: by parser and typing */
    char sha256[65];   /* "" of a chunk */
    struct sums
        sums; /* as parsed, of what went in; rows is their number. Made by the loader, released by the caller */
    struct upsert_counts
        upsert; /* where rows are put by key; sums are then of those that the load owns, rows of all */
};
struct loader_refused {       /* owned by the caller, kept from one try of an object to the next */
    struct reject_info *rows; /* by line */
    size_t n, capacity;
};
struct loader_unit {
    struct loader_object *objects; /* filled once the unit is under way */
    size_t n;
    int64_t replaces;                               /* of a single object: load id, 0 none */
    int64_t chunk;                                  /* 0: whole objects */
    int64_t byte_from, byte_to, line_from, line_to; /* of the chunk, filled */
    bool careful;                                   /* as load_spec's */
    struct loader_refused *refused; /* of a single object that is put by key: lines that the table refuses */
    bool last;                      /* no chunk follows, filled */
    bool empty;                     /* no object had a record: no batch was sent */
    void *user;
    struct load *
        load; /* while ready is called back: its transaction, for statements of the caller's; the lane waits */
    struct unit_state *own; /* the loader's */
};
struct loader_config { /* borrowed until loader_run is back */
    const char *pipeline, *partition, *job, *reason;
    int64_t epoch;
    const struct table *def;     /* what rows are typed by */
    const struct table *into;    /* where they go: def, or its staging table */
    const struct table_key *key; /* rows are put by it: into is the stage; NULL: they are appended */
    const struct csv_dialect *dialect;
    const struct convert_config *convert;
    bool full_sums;      /* verify: full, with_sums too */
    bool with_sums;      /* sums are wanted, and verified before COMMIT where the table has lineage */
    int64_t max_rejects; /* per object, in a unit of one; < 0: no limit here */
    bool careful;        /* of chunks */
    size_t lanes;        /* 1..MAX_PARALLEL */
    struct source *const *sources; /* one a lane, each with loader_beat */
    struct target *const *targets;
    struct throttle *rate;   /* of all lanes together, the loader's while it runs; NULL: none */
    const atomic_bool *hold; /* while it is set no further unit begins; NULL: never */
    const struct beat *beat; /* the caller's own, called on its thread */
    /* On the caller's thread. A negative answer stops everything and is what loader_run returns. */
    int (*rejects)(void *arg, struct loader_unit *u, const struct reject_page *p, struct err *err);
    int (*ready)(void *arg, struct loader_unit *u,
                 struct err *err); /* verified; COMMIT comes next. 1: not this one */
    int (*done)(void *arg, struct loader_unit *u, struct err *err); /* committed, for certain */
    int (*failed)(void *arg, struct loader_unit *u, const struct err *why, struct err *err); /* 0: go on */
    void *arg;
};
/* failed: more rejects than max_rejects; unit->objects[0].rejected says how many were seen. */
#define LOADER_OVER_BUDGET 99010
/* failed: objects of a shared transaction that do not fit together (other columns), each wants one of its own */
#define LOADER_MIXED 99011
/* What ledger and state file keep of an object as its columns; NULL: nothing. Returns owned. */
char *loader_columns(const struct table *def, const struct table_key *key, bool with_sums,
                     const struct loader_object *o);
/* The beat for sources and targets of lanes: it ends them when the run ends. Static. */
struct beat loader_beat(void);
NODISCARD int loader_run(const struct loader_config *c, struct loader_unit *units, size_t n, struct err *err);
/*
 * One object in chunks of `bytes` of its inflated stream, several at a time in as many lanes. have: chunk numbers that
 * are loaded already (have[i]: chunk i + 1), passed over. Units are the loader's, one a chunk, valid during a call back.
 * whole: gets records, empty_lines and sha256 of the object, its other fields are given.
 *
 * Without `apart` the object is read once, and its chunks go to the lanes in turn. Else every lane reads the object for
 * itself, and takes the chunks of one stretch after the other: so lanes do not insert side by side, which InnoDB pays for
 * by passing the same pages between cores. That is for what is not packed and can be read again for nothing.
 */
struct loader_chunks {
    struct loader_object *whole;
    int64_t bytes;
    bool apart;
    const bool *have;
    size_t have_n;
    int *ret_columns; /* owned by the caller: those that the file fills */
    size_t ret_column_count;
};
NODISCARD int loader_run_chunks(const struct loader_config *c, struct loader_chunks *k, struct err *err);
#endif
