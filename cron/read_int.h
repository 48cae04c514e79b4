#ifndef CRON_READ_INT_H
#define CRON_READ_INT_H
#include "cron/cronexpr.h"
/*
 * An expression as it is written, item by item: cronexpr.c makes sets of it, lint.c judges it, explain.c puts it into
 * words.
 */
enum cron_field { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELD_YEAR, FIELD_COUNT };
enum item_kind {
    ITEM_STAR,    /* * */
    ITEM_QUERY,   /* ? */
    ITEM_VALUE,   /* 5 */
    ITEM_FROM,    /* 5/10: from 5 to the end of the field */
    ITEM_RANGE,   /* 5-10 */
    ITEM_LAST,    /* day: L, L-3, LW (near), one in a list; weekday: L */
    ITEM_NEAR,    /* day: 3W */
    ITEM_LAST_ON, /* weekday: 6L */
    ITEM_NTH,     /* weekday: 3#2 */
};
struct cron_item {
    enum item_kind kind;
    int from, to, step; /* step 0: none is written */
    int n;              /* L-3: 3; 3#2: 2 */
    bool near, named;   /* named: from is written as a name */
    bool no_step;       /* EventBridge: 5/0, which is 5 */
    int column;         /* in the text, from 1 */
};
enum { CRON_MAX_TEXT = 1000, CRON_MAX_ITEMS = CRON_MAX_TEXT / 2 + 1 };
struct cron_text {
    const char *text; /* borrowed */
    const char *nickname;
    enum cron_kind kind;
    struct cron_item items[CRON_MAX_ITEMS];
    int first[FIELD_COUNT + 1]; /* field f has items first[f] to first[f + 1] - 1 */
    int column[FIELD_COUNT];
    bool star[FIELD_COUNT]; /* the field begins with '*' */
    int64_t value;          /* of rate() */
    const char *unit;       /* "minute", "hour" or "day" */
    int64_t unit_ms;
};
NODISCARD int cron_read(const char *text, struct cron_text *ret, struct err *err);
struct cron_range {
    const char *name;
    int min, max;
    const char *const *names; /* name_count of them; names[0] stands for first_name; NULL: none */
    int name_count, first_name;
};
/* What a field may hold. */
const struct cron_range *cron_range(enum cron_kind kind, enum cron_field field);
/* The sets of what was read. */
void cron_compile(const struct cron_text *t, struct cronexpr *ret);
/* Bit v - min for each value of the field's items (not of L, W and #). */
void cron_field_set(const struct cron_text *t, enum cron_field field, uint64_t set[4]);
/* First local minute at or after one (minutes of the local clock since 1970) that matches; INT64_MAX: none. */
int64_t cron_match_from(const struct cronexpr *c, int64_t minute);
#endif
