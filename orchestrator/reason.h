#ifndef ORCHESTRATOR_REASON_H
#define ORCHESTRATOR_REASON_H
#include "orchestrator/view.h"
#include "state/exec.h"
#include "state/flag.h"
#include "state/last_tick.h"
#include "state/pause.h"
/*
 * Why a partition is as it is, and what comes next: one code of a closed table (docs/cli-json.md), from the state file
 * alone. plan prints it, explain tells it at length.
 */
#define REASONS(X)                                                                                           \
    X(NOT_DUE, "wait")         /* not over yet, or settle runs */                                            \
    X(NOT_LISTED, "list")      /* over, and no tick has looked */                                            \
    X(MISSING, "wait")         /* no object has come; not late yet */                                        \
    X(SETTLING, "wait")        /* an object is younger than settle */                                        \
    X(LATE, "wait")            /* no object has come by late_after */                                        \
    X(NEW, "queue")            /* --look: objects of an hour that was not loaded before */                   \
    X(NEW_FILES, "queue")      /* objects that came after the hour was queued, or changed */                 \
    X(SOURCE_CHANGED, "queue") /* --look: overwritten before it was loaded */                                \
    X(QUEUED, "load")                                                                                        \
    X(HELD, "wait")         /* a run works it */                                                             \
    X(ABANDONED, "load")    /* the run that worked it is gone: the next tick takes over */                   \
    X(LOADED, "reconcile")  /* loaded, not compared with the target yet */                                   \
    X(FAILED, "load")       /* tried again by itself */                                                      \
    X(PAUSED, "wait")       /* orch pause */                                                                 \
    X(BACK_OFF, "wait")     /* runs of the pipeline failed: not before its time */                           \
    X(DEAD, "person")       /* max_attempts are used up */                                                   \
    X(COUNT_DIFF, "person") /* mismatched: the target has other rows than were loaded */                     \
    X(MISMATCH, "person")   /* mismatched: a NULL count, sum or checksum differs */                          \
    X(REFUSED, "person")    /* overwritten, or late after adoption, and not to be loaded */                  \
    X(SMALL, "person")      /* far fewer rows than its like */                                               \
    X(UNVERIFIABLE, "none") /* loaded into a table without lineage */                                        \
    X(SKIPPED, "none")                                                                                       \
    X(ADOPTED, "none")                                                                                       \
    X(EMPTY, "none")                                                                                         \
    X(OK, "none")      /* loaded and reconciled */                                                           \
    X(OUTSIDE, "none") /* before since, after until: never looked for */
enum reason_code {
#define X(name, action) REASON_##name,
    REASONS(X)
#undef X
        REASON__COUNT
};
const char *reason_name(enum reason_code c);
enum reason_code reason_by_name(const char *name); /* of one of ours */
const char *
reason_action(enum reason_code c); /* what the next tick does: list queue load reconcile wait person none */

/* What holds for all partitions of a pipeline. */
struct flow_facts {
    struct store *store;
    const struct pipeline *p;
    int64_t now_ms;
    bool paused;
    struct pause pause;
    int64_t retry_ms, retry_count; /* back-off that still runs; 0: none */
    int64_t listed_ms, left_out;
    char left_out_example[200];
    enum flag_state flag_state;
    struct flag flag;
    int64_t owner_pid, owner_start_ms; /* of the flag's execution */
    int64_t next_look_ms;              /* 0: never */
    bool ticked;
    struct last_tick tick;
};
NODISCARD int facts_read(struct store *s, const struct pipeline *p, int64_t now_ms, struct flow_facts *ret,
                         struct err *err);

struct reason_marks { /* beside the state: state/view_rows.h */
    int64_t new_objects, refused, small_rows, usual_rows;
    bool small;
};
struct view_mark;
void reason_mark(struct reason_marks *m, const struct view_mark *mark); /* adds one */
struct reason {
    enum reason_code code;
    enum reason_code under; /* PAUSED, BACK_OFF: what it would be without */
    char text[700];         /* "attempt 2 of 5 failed; next try ..." */
    int64_t at_ms;          /* when it changes by itself; 0: not known */
    const struct job *job;  /* borrowed from the partition: the one that tells; NULL: none */
    int64_t objects, bytes; /* of what is to be done */
};
/* p: VIEW_OPEN or VIEW_WHOLE. marks NULL: none. */
NODISCARD int reason_of(const struct flow_facts *f, const struct view_part *p, const struct reason_marks *m,
                        struct reason *ret, struct err *err);
/* A job's message without the "loans/2022-06-05T12: " that it begins with. Borrowed; "" for none. */
const char *reason_message(const struct job *j);
#endif
