#ifndef IO_LOADER_INT_H
#define IO_LOADER_INT_H
/* Inside the load pipeline: loader.c runs it and speaks to the caller, _feed.c reads, _lane.c loads, _queue.c is between. */
#include "io/loader.h"
#include <pthread.h>
#include <stdatomic.h>

enum {
    QUEUE_ITEMS = 64,
    EVENTS = 16,
    LANE_BYTES = 4 * 1024 * 1024, /* of batches that wait for a lane */
};

enum item_kind { ITEM_BEGIN, ITEM_BATCH, ITEM_REJECTS, ITEM_END, ITEM_QUIT };
/* From a feed to its lane, in order. */
struct item {
    enum item_kind kind;
    struct loader_unit *unit;
    struct batch *batch;      /* BATCH; goes back with batch_back */
    struct reject_page *page; /* REJECTS; owned */
    int *columns;             /* BEGIN; owned */
    size_t column_count;
    int rc; /* END: what reading came to */
    struct err err;
};

enum event_kind { EVENT_REJECTS, EVENT_READY, EVENT_DONE, EVENT_FAILED };
/* From a lane to the caller's thread. */
struct event {
    enum event_kind kind;
    struct loader_unit *unit;
    struct reject_page *page;
    struct err err;
};

struct unit_state {
    atomic_bool enough;                /* the lane wants no more of it: the feed ends it early */
    int answer;                        /* of the caller, to READY: 0 none yet, 1 COMMIT, -1 do not */
    struct loader_unit *next, *before; /* of the chunks' units */
};

struct lane {
    struct loader *l;
    struct source *source;
    struct target *target;
    pthread_t feed, load;
    bool feeding, loading;  /* the threads were started */
    pthread_cond_t changed; /* items, room, a batch came back, an answer */
    struct item items[QUEUE_ITEMS];
    size_t first, count, bytes;
    struct batch *spare[QUEUE_ITEMS]; /* batches for reuse */
    size_t spares;
    int64_t from, to; /* chunks from + 1 to `to` are still to be read for it, where lanes stay apart */
};

struct loader {
    const struct loader_config *c;
    pthread_mutex_t mutex; /* of all that follows, and of the lanes' queues */
    pthread_cond_t news;   /* an event, or a lane has ended */
    pthread_cond_t room;   /* for an event */
    struct event events[EVENTS];
    size_t first_event, event_count;
    struct loader_unit *units; /* whole objects */
    size_t unit_count, next_unit;
    struct loader_chunks *chunks; /* or chunks of one */
    struct loader_unit *live;     /* units of chunks that are under way */
    size_t busy;                  /* load threads that have not ended */
    struct lane lanes[MAX_PARALLEL];
};

/* Set when the run is to end: every wait and every beat answers with it. Of the process: it loads one job at a time. */
extern atomic_bool loader_stop;
int loader_stopped(struct err *err); /* ERR_CANCELLED */

/* loader_queue.c: all of them wait; ERR_CANCELLED when the run is to end, and then what was given is freed. */
NODISCARD int lane_push(struct lane *ln, struct item *it, struct err *err);
NODISCARD int lane_pop(struct lane *ln, struct item *ret, struct err *err);
NODISCARD int loader_tell(struct loader *l, struct event *e, struct err *err);
NODISCARD int lane_answer(struct lane *ln, struct loader_unit *u, struct err *err); /* 1 COMMIT, 0 not */
/* An empty batch of these columns. */
struct batch *batch_take(struct lane *ln, const struct table *def, const int *columns, size_t n, bool shared);
void batch_back(struct lane *ln, struct batch *b); /* NULL is fine */
void item_release(struct lane *ln, struct item *it);

void *feed_main(void *arg); /* units of whole objects, into its own lane */
void *feed_chunks_main(
    void *arg); /* one object's chunks, into all lanes in turn, or where apart those of its own */
void *lane_main(void *arg);

/* A unit of one chunk, in l->live until loader_unit_gone. */
struct loader_unit *loader_unit_new(struct loader *l);
void loader_unit_gone(struct loader *l, struct loader_unit *u);

/* loader_upsert.c. From the stage to the table, before the caller is told READY; TARGET_CAREFUL: lines are refused that
 * were not known to be, so the object is to be read again. */
NODISCARD int loader_put_by_key(const struct loader_config *c, struct loader_unit *u, struct load *l,
                                struct err *err);
/* Is this row known to be refused by the table? Then *ret says why, with the record. */
bool loader_refused_row(const struct loader_unit *u, const struct batch *b, size_t row,
                        struct reject_info *ret);

/* "2.csv: " before the message. */
int loader_prefix(const struct loader_object *o, struct err *err);
#endif
