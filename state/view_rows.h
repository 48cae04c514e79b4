#ifndef STATE_VIEW_ROWS_H
#define STATE_VIEW_ROWS_H
#include "state/queue.h"
/*
 * Walks over all that the state file knows of a pipeline, for status, plan and explain: nothing is kept, whatever their
 * number. One walk of each kind at a time; none may outlive the store.
 */
struct view_rows; /* the partitions and the jobs of [from, to] (NULL: open), each in order of part */
enum view_jobs {
    VIEW_JOBS_STATES, /* part, n, state and unverifiable alone, which an index holds */
    VIEW_JOBS_OPEN,   /* the same, but those that are not settled whole */
    VIEW_JOBS_WHOLE,
};
NODISCARD int view_rows_open(struct store *s, const char *pipeline, const char *from, const char *to,
                             enum view_jobs jobs, struct view_rows **ret_owned, struct err *err);
/* 1 and the next one, 0 at the end. All text is borrowed until the same function is called again: no *_release. */
NODISCARD int view_rows_part(struct view_rows *r, struct partition_row *ret,
                             struct err *err); /* without open */
NODISCARD int view_rows_job(struct view_rows *r, struct job *ret, struct err *err);
void view_rows_close(struct view_rows *r); /* NULL is fine */

/* What is to be said of a partition beside its state; what is acknowledged is left out. In order of part. */
struct view_mark {
    const char *part, *kind; /* NEW: objects seen, not queued yet; REFUSED: objects; SMALL */
    int64_t n, usual;        /* objects, or SMALL's rows and what its like usually have */
};
NODISCARD int view_marks(struct store *s, const char *pipeline, const char *from, const char *to,
                         int (*fn)(void *arg, const struct view_mark *m, struct err *err), void *arg,
                         struct err *err);

/* Channels whose last delivery failed. */
struct view_channel {
    const char *name, *error;
    int64_t since_ms, tried_ms, failed;
};
NODISCARD int view_channels(struct store *s,
                            int (*fn)(void *arg, const struct view_channel *c, struct err *err), void *arg,
                            struct err *err);
#endif
