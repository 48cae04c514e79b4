#ifndef IO_DUMP_INT_H
#define IO_DUMP_INT_H
#include "base/limits.h"
#include "io/dump.h"
#include "io/sink.h"
#include <pthread.h>
#include <stdatomic.h>
/*
 * Inside a dump. dump.c has the threads and what passes between them, dump_table.c reads one table, dump_page.c makes
 * its statements. Readers own a connection of the snapshot, senders a sink; `mutex` guards the rest.
 */
enum { PIECES = 3 }; /* one is filled, one on its way, and one may wait for either */
struct piece {
    char *p; /* owned, SINK_PIECE */
    struct sink_piece is;
    struct dump_table *t;
    size_t part;
};
struct worker {
    struct dump *d;
    struct target *target;
    const struct beat *target_beat; /* the target's own, while it is not ours */
    struct sink *sink;
    pthread_t reader, sender;
    bool reading, sending; /* started */
    bool read_all;         /* the reader has come to its end */
    pthread_cond_t changed;
    struct piece pieces[PIECES]; /* ring: count from first on wait for the sender, or are with it */
    size_t first, count;
};
struct dump {
    const struct dump_config *c;
    struct dump_table *tables;
    size_t table_count, next;
    struct source_config sink_config;
    struct worker workers[MAX_PARALLEL];
    size_t worker_count, busy; /* threads that run */
    pthread_mutex_t mutex;
    pthread_cond_t news; /* for the caller's thread */
    atomic_bool stop;
    struct beat beat; /* of targets and sinks: says whether to stop */
    atomic_llong rows, bytes;
    bool failed;
    struct err err; /* the first */
};
/* All threads end; *err is what dump_run gives, unless something was before it. */
void dump_fail(struct dump *d, const struct err *err);

/* For the reader: the piece to fill, waited for; and giving it to the sender. */
NODISCARD int dump_piece(struct worker *w, struct piece **ret, struct err *err);
void dump_send(struct worker *w);

/* dump_table.c */
NODISCARD int dump_one(struct worker *w, struct dump_table *t, struct err *err);

/* dump_page.c: where a page begins. */
struct page_key {
    struct val *values; /* of the last row, one a column of the key; owned */
    struct arena *arena;
    bool begun;
};
/* What the key column is compared with in SQL of MySQL: a mark, of the column's type. */
#define PAGE_MARK_SIZE 64
void page_mark(const struct column *c, const struct val *v, char out[PAGE_MARK_SIZE]);
/* Whether a column's order is that of comparing it with exactly what was read of it. */
bool page_column_fits(const struct column *c);
/* A condition on the columns of a key, appended to sql and values. */
struct page_condition { /* borrowed */
    const struct column *columns[MAX_KEY_COLUMNS];
    const char *const *names; /* quoted */
    const struct val *given;
    size_t count;  /* of the key */
    bool is_mysql; /* else the mark alone: SQLite compares by the column's own type */
    struct buf *sql;
    struct val *values; /* room for PAGE_VALUES(count) */
    size_t value_count;
};
#define PAGE_VALUES(count) (1 + (count) * ((count) + 1) / 2)
NODISCARD int page_with(struct page_condition *p, struct err *err);   /* "k1=? AND k2=?" */
NODISCARD int page_behind(struct page_condition *p, struct err *err); /* rows that come later */
/* 1: its columns can be compared with exactly what was read of them; 0: one of them cannot. */
int page_key_fits(const struct dump_table *t, const struct table *def, const int *columns);
/* ERR_INTERNAL where it is the last one once more: the server would give the same page for ever. */
NODISCARD int page_key_keep(struct page_key *k, const struct dump_table *t, const struct batch *b, size_t row,
                            struct err *err);
void page_key_release(struct page_key *k);
/* The statement and its values. k NULL: one statement, in the key's order where there is a key. *ret_values is owned. */
NODISCARD int page_sql(const struct dump_table *t, const struct table *def, const int *columns,
                       const struct page_key *k, struct buf *ret, struct val **ret_values, size_t *ret_count,
                       struct err *err);
#endif
