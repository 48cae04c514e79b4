#ifndef IO_PROFILE_INT_H
#define IO_PROFILE_INT_H
#include "base/mem.h"
#include "io/profile.h"
/* Inside the profile: what one cell is (_cell), how often each value came (_tally), sketches (_sketch), correlation
 * (_pairs), a column while it is fed (_column) and what is told of it (_report). */

/* --- profile_cell.c: pure --- */
enum cell_class { CELL_INT, CELL_REAL, CELL_DATE, CELL_DATETIME, CELL_TEXT, CELL_CLASSES };
enum { CELL_PADDED = 1, CELL_BAD_UTF8 = 2 };
struct cell_look {
    enum cell_class class;
    uint8_t flags;
    uint32_t chars;
    double number; /* NAN for texts; dates: seconds since 1970 */
};
/* n > 0. Numbers as the loader takes them: no '+', no blanks, no 007. */
void cell_look(const char *p, size_t n, struct cell_look *ret);
enum { SHAPE_SIZE = 32 };
/* "AB-1234" as "A-9999": a run of letters is one A, a or w (beyond ASCII), a digit is 9. Returns the length. */
size_t cell_shape(const char *p, size_t n, char out[SHAPE_SIZE]);
bool cell_is_placeholder(const char *p, size_t n); /* "N/A", "null", "-", ... in any case */
bool cell_is_coded(double number);                 /* 98, 999, -1, ...: often "not known" */
/* Hot: once a cell. Reads up to 8 bytes past p + n: the caller has them. */
static inline uint64_t hash_mix(uint64_t h, uint64_t more)
{
    h = (h ^ more) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 29;
}

static inline uint64_t hash_eight(const char *p)
{
    uint64_t w;

    memcpy(&w, p, 8);
    return w;
}

static inline uint64_t cell_hash(const char *p, size_t n)
{
    uint64_t h;

    if (n <= 8) {
        h = hash_mix(n, n == 0 ? 0 : hash_eight(p) << 8 * (8 - n));
    } else if (n <= 16) {
        h = hash_mix(hash_mix(n, hash_eight(p)), hash_eight(p + n - 8));
    } else {
        h = n;
        for (size_t i = 0; i + 8 < n; i += 8)
            h = hash_mix(h, hash_eight(p + i));
        h = hash_mix(h, hash_eight(p + n - 8));
    }
    return h != 0 ? h : 1;
}

/* --- profile_tally.c: how often each value came --- */
struct entry {
    /* 64 bytes: what a look-up reads is in one line of the processor's cache */
    _Alignas(16) uint64_t hash; /* 0: free. Two values of one hash are taken for one: 2^-64 a pair */
    int64_t count;
    double number;
    uint64_t place;
    const char *text; /* first PROFILE_SHOWN bytes, in the tally's arena */
    uint32_t n, chars;
    uint8_t class, flags;
};
/*
 * Exact up to `exact` values, then the frequent ones only: at most `few`, and each time that they are too many all
 * counts go down, those that reach 0 leave, and `error` goes up by as much.
 */
struct tally {
    struct entry *slots; /* owned */
    size_t slot_count, used, exact, few;
    bool over;
    int64_t error;
    struct arena *texts; /* owned */
    struct once {
        uint64_t hash, place;
    } * once; /* owned; tally_frequent's: came once since the counts last went down */
    size_t once_count, once_used;
};
void tally_init(struct tally *t, size_t exact, size_t few);
void tally_release(struct tally *t);
/* Or the free slot for it. */
static inline struct entry *tally_find(const struct tally *t, uint64_t hash)
{
    size_t mask = t->slot_count - 1, at = hash & mask;

    while (t->slots[at].hash != hash && t->slots[at].hash != 0)
        at = (at + 1) & mask;
    return &t->slots[at];
}
/* Is there room for another value? If not, the tally stops being exact here. */
bool tally_is_full(const struct tally *t);
void tally_shrink(struct tally *t);
/* Fills a free slot, which tally_find gave; returns where the entry is now. */
struct entry *tally_add(struct tally *t, struct entry *slot, uint64_t hash, const char *p, size_t n);
/* Once the tally ran over: one more of e's value. */
void tally_frequent(struct tally *t, const struct entry *e);
/* Where tally_frequent or tally_find will look: for fetching it ahead. */
static inline const void *tally_place(const struct tally *t, uint64_t hash)
{
    return t->once != NULL ? (const void *)&t->once[hash & (t->once_count - 1)]
                           : (const void *)&t->slots[hash & (t->slot_count - 1)];
}
/* The max most frequent of those wanted (NULL: all) whose count is above the error, most frequent first. */
size_t tally_top(const struct tally *t, bool (*want)(const struct entry *e), struct entry *ret, size_t max);

/* --- profile_sketch.c --- */
struct moments {
    double n, mean, m2;
};
void moments_add(struct moments *m, double n, double mean, double m2);

enum { HLL_BITS = 14, HLL_SIZE = 1 << HLL_BITS };
struct hll {
    uint8_t *max; /* owned; NULL: empty */
};
void hll_add(struct hll *h, uint64_t hash);
double hll_count(const struct hll *h);

struct sample {
    double *values; /* owned */
    size_t n, cap;
    uint64_t weight, seen, pick, random;
    double current;
};
void sample_init(struct sample *s, size_t cap);
void sample_add(struct sample *s, double v);

struct point { /* a number that came so often */
    double v;
    int64_t count;
};
void points_sort(struct point *points, size_t n); /* by number; none is NAN */

/* All distinct hashes while they are few, then those that end in `shift` zero bits. */
struct copies {
    struct copies_slot {
        uint64_t hash, place, again;
    } * slots; /* owned */
    size_t used;
    int shift;
    struct profile_copy example[3];
    size_t example_count;
};
static inline bool copies_wants(const struct copies *c, uint64_t hash)
{
    return (hash & ((UINT64_C(1) << c->shift) - 1)) == 0;
}
void copies_ahead(const struct copies *c, uint64_t hash); /* it will be added soon: fetches its slot */
void copies_add(struct copies *c, uint64_t hash, uint64_t place);
int64_t copies_count(const struct copies *c);
struct profile_place place_of(uint64_t place);

/* --- profile_pairs.c --- */
enum { BATCH = 4096 };
struct comoment {
    double n, mean_x, mean_y, xx, yy, xy;
};
struct pairs {
    size_t count;
    double *centred[PROFILE_PAIRED], *present[PROFILE_PAIRED];          /* of this batch; owned */
    double n[PROFILE_PAIRED], mean[PROFILE_PAIRED], xx[PROFILE_PAIRED]; /* of this batch */
    bool whole[PROFILE_PAIRED]; /* no number is missing in this batch */
    struct comoment *all;       /* owned: [a * PROFILE_PAIRED + b], a < b */
};
size_t pairs_join(struct pairs *p); /* a new member; the rows before had no number of it */
/* The numbers of a batch, NAN where there is none: its moments are in n, mean, xx. */
void pairs_column(struct pairs *p, size_t member, const double *x, size_t rows);
void pairs_batch(struct pairs *p, size_t a, size_t rows); /* a with all members behind it */
void pairs_release(struct pairs *p);

/* --- profile_column.c --- */
struct kept { /* a value to show, with a copy of its text */
    double number;
    uint64_t hash, place;
    uint32_t n;
    char text[PROFILE_SHOWN];
};
struct extremes { /* distinct */
    struct kept of[PROFILE_EXAMPLES];
    uint8_t order[PROFILE_EXAMPLES]; /* the most extreme first */
    size_t count;
    double bound; /* what does not lie beyond it is none */
};
struct column_state {
    char *name;
    const char *const *nulls; /* NULL: none */
    uint32_t null_lengths;    /* bit n: a spelling of NULL has n bytes; bit 31: more */
    bool empty_is_null;       /* in a column of numbers or dates, at least */
    bool empty_is_always_null;
    size_t sample_cap;
    int64_t rows, nulls_seen, empty, empty_maybe;
    struct tally tally;
    unsigned classes_seen; /* bits */
    size_t max_n;          /* longest value so far */
    struct moments moments;
    size_t member; /* of pairs; PROFILE_PAIRED: none */
    bool varied;   /* it does not pay to look for short values that come again and again */

    /* From here on only once the tally ran over, or was settled. */
    bool settled;
    int64_t classes[CELL_CLASSES];
    bool dates;  /* what is sampled: dates, else numbers */
    bool shaped; /* shapes are counted */
    bool rising; /* every number above all before it: then none came twice */
    double last;
    int64_t zeros, negatives, chars, min_chars, max_chars, padded, bad_utf8;
    uint64_t first_padded, first_bad_utf8;
    struct sample sample;
    struct hll hll;
    struct tally shapes;
    struct extremes low, high;
    struct kept example[CELL_CLASSES][PROFILE_EXAMPLES]; /* the first of each class, in order */
    size_t example_count[CELL_CLASSES];
};
void column_init(struct column_state *c, struct str name, const char *const *nulls, bool own_nulls,
                 size_t exact, size_t sample_cap);
void column_release(struct column_state *c);
/*
 * One batch of a column. numbers: those of each row, NAN where there is none; true where there is one at all.
 * Something of column k is added to row_hashes. fresh is set for a row whose form is new: its type is worth a look.
 */
bool column_feed(struct column_state *c, size_t k, const struct csv_field *cells, const uint64_t *places,
                 size_t rows, double *numbers, uint64_t *row_hashes, bool *fresh);
/* Before the report: what an exact tally knows goes where the rest would be found otherwise. */
void column_settle(struct column_state *c);

/* --- profile_crew.c: threads, for large files alone --- */
enum { CREW_MOST = 4 };
typedef void crew_fn(void *arg, size_t part, size_t worker); /* worker < CREW_MOST */
struct crew;
struct crew *crew_new(void); /* as many as there are processors, the caller among them; perhaps it alone */
/* The others begin, while the caller does something else; finish: helps them, and is back when all parts are done. */
void crew_start(struct crew *c, crew_fn *fn, void *arg, size_t parts);
void crew_finish(struct crew *c);
void crew_free(struct crew *c); /* NULL is fine; nothing is at work */

/* --- profile_report.c --- */
void column_report(struct column_state *c, struct profile_column *ret);
#endif
