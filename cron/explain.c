#include "cron/explain.h"
#include "cron/read_int.h"
#include <stdarg.h>
#include <stdio.h>

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

struct words {
    const struct cron_text *t;
    struct buf *to;
    struct err *err;
    int rc;
};

static void say(struct words *w, const char *fmt, ...) PRINTF(2, 3);
static void say(struct words *w, const char *fmt, ...)
{
    char piece[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(piece, sizeof piece, fmt, ap);
    va_end(ap);
    if (w->rc == 0)
        w->rc = buf_adds(w->to, piece, w->err);
}

static const char *ordinal(int n, char out[16])
{
    const char *end = n / 10 % 10 == 1 ? "th"
                      : n % 10 == 1    ? "st"
                      : n % 10 == 2    ? "nd"
                      : n % 10 == 3    ? "rd"
                                       : "th";

    snprintf(out, 16, "%d%s", n, end);
    return out;
}

/* A value of a field as it is spoken. */
static const char *spoken(const struct words *w, enum cron_field field, int v, char out[16])
{
    if (field == FIELD_MONTH)
        return months[v - 1];
    if (field == FIELD_WEEKDAY)
        return weekdays[w->t->kind == CRON_EVENTBRIDGE ? v - 1 : v % 7];
    snprintf(out, 16, field == FIELD_HOUR ? "%02d:00" : "%d", v);
    return out;
}

struct set {
    uint64_t bits[4];
    int count, min;
};

static struct set set_of(const struct words *w, enum cron_field field)
{
    struct set s = {.min = cron_range(w->t->kind, field)->min};

    cron_field_set(w->t, field, s.bits);
    if (field == FIELD_WEEKDAY && w->t->kind == CRON_CRONTAB) /* 0 and 7 are Sunday */
        s.bits[0] = (s.bits[0] & 0x7f) | (s.bits[0] >> 7 & 1);
    for (int i = 0; i < 4; i++)
        s.count += __builtin_popcountll(s.bits[i]);
    return s;
}

static bool has(const struct set *s, int value)
{
    int bit = value - s->min;

    return bit >= 0 && bit < 256 && (s->bits[bit / 64] >> (bit % 64) & 1);
}

static bool is_full(const struct words *w, enum cron_field field, const struct set *s)
{
    const struct cron_range *r = cron_range(w->t->kind, field);
    int all = r->max - r->min + 1;

    return s->count >= all - (field == FIELD_WEEKDAY && w->t->kind == CRON_CRONTAB);
}

/* The values one by one: "1, 5 and 9". */
static void say_values(struct words *w, enum cron_field field, const struct set *s)
{
    char out[16];
    int left = s->count;

    for (int v = s->min; left > 0; v++)
        if (has(s, v)) {
            left--;
            say(w, "%s%s", spoken(w, field, v, out), left > 1 ? ", " : left == 1 ? " and " : "");
        }
}

static bool is_plain(const struct cron_item *it)
{
    return it->kind == ITEM_VALUE || ((it->kind == ITEM_RANGE || it->kind == ITEM_FROM) && it->step <= 1);
}

static bool is_one_range(const struct words *w, enum cron_field field)
{
    const struct cron_item *it = &w->t->items[w->t->first[field]];

    return w->t->first[field + 1] - w->t->first[field] == 1 && is_plain(it) && it->from != it->to;
}

/* Values and ranges as they are written, "1 to 5 and 9"; the values one by one where steps are mixed in. */
static void say_list(struct words *w, enum cron_field field, const struct set *s)
{
    int first = w->t->first[field], end = w->t->first[field + 1];
    char a[16], b[16];
    int written = 0, span = cron_range(w->t->kind, field)->max - s->min + 1;

    for (int i = first; i < end; i++) {
        const struct cron_item *it = &w->t->items[i];
        written += is_plain(it) ? (it->to - it->from + span) % span + 1 : 1000;
    }
    if (written > s->count) { /* steps, or some twice */
        say_values(w, field, s);
        return;
    }
    for (int i = first; i < end; i++) {
        const struct cron_item *it = &w->t->items[i];
        say(w, "%s", spoken(w, field, it->from, a));
        if (it->to != it->from)
            say(w, " to %s", spoken(w, field, it->to, b));
        say(w, "%s", i + 2 < end ? ", " : i + 2 == end ? " and " : "");
    }
}

/* The one item of a field that is a step with more than one value; NULL: it is none. */
static const struct cron_item *stepped(const struct words *w, enum cron_field field, const struct set *s)
{
    const struct cron_item *it = &w->t->items[w->t->first[field]];

    if (w->t->first[field + 1] - w->t->first[field] != 1 || it->step <= 1 || s->count < 2)
        return NULL;
    return it;
}

static const char *times(int count)
{
    return count == 1 ? "" : "s";
}

/* ", from X to Y" of a step. */
static void say_bounds(struct words *w, enum cron_field field, const struct cron_item *it, const char *noun)
{
    char a[16], b[16];

    say(w, " from %s%s", noun, spoken(w, field, it->from, a));
    if (it->kind == ITEM_RANGE)
        say(w, " to %s%s", noun, spoken(w, field, it->to, b));
}

static void say_minutes(struct words *w, const struct set *s)
{
    const struct cron_item *it = stepped(w, FIELD_MINUTE, s);

    if (is_full(w, FIELD_MINUTE, s)) {
        say(w, "Every minute");
    } else if (it != NULL) {
        say(w, "Every %d minutes", it->step);
        say_bounds(w, FIELD_MINUTE, it, "minute ");
    } else {
        say(w, "At minute%s ", times(s->count));
        say_list(w, FIELD_MINUTE, s);
    }
}

static void say_hours(struct words *w, const struct set *s)
{
    const struct cron_item *it = stepped(w, FIELD_HOUR, s), *first = &w->t->items[w->t->first[FIELD_HOUR]];
    char out[16];

    if (is_full(w, FIELD_HOUR, s)) {
        say(w, " of every hour");
    } else if (it != NULL) {
        say(w, ", in every %s hour", ordinal(it->step, out));
        say_bounds(w, FIELD_HOUR, it, "");
    } else if (s->count > 1 && first->kind == ITEM_RANGE &&
               w->t->first[FIELD_HOUR + 1] - w->t->first[FIELD_HOUR] == 1) {
        say(w,
            first->from > first->to ? ", from %02d:00 to 23:59 and from 00:00 to %02d:59"
                                    : ", from %02d:00 to %02d:59",
            first->from, first->to);
    } else {
        say(w, s->count == 1 ? ", in the hour that begins at " : ", in the hours that begin at ");
        say_values(w, FIELD_HOUR, s);
    }
}

/* Few moments of a day are said one by one. */
static void say_time(struct words *w)
{
    struct set minutes = set_of(w, FIELD_MINUTE), hours = set_of(w, FIELD_HOUR);
    int left = minutes.count * hours.count;

    if (left <= 6) {
        say(w, "At ");
        for (int at = 0; at < 1440; at++)
            if (has(&hours, at / 60) && has(&minutes, at % 60)) {
                left--;
                say(w, "%02d:%02d%s", at / 60, at % 60, left > 1 ? ", " : left == 1 ? " and " : "");
            }
        return;
    }
    say_minutes(w, &minutes);
    if (!is_full(w, FIELD_HOUR, &hours) ||
        (!is_full(w, FIELD_MINUTE, &minutes) && stepped(w, FIELD_MINUTE, &minutes) == NULL))
        say_hours(w, &hours);
}

static void say_last_day(struct words *w, const struct cron_item *last)
{
    if (last->near && last->n == 0)
        say(w, "on the last working day (Monday to Friday) of the month");
    else if (last->n == 0)
        say(w, "on the last day of the month");
    else
        say(w, "on the %s%d day%s before the last day of the month",
            last->near ? "working day (Monday to Friday) nearest to " : "day that is ", last->n,
            times(last->n));
}

static void say_day_of_month(struct words *w, const struct set *s)
{
    const struct cron_item *first = &w->t->items[w->t->first[FIELD_DAY]], *it = stepped(w, FIELD_DAY, s);
    const struct cron_item *end = &w->t->items[w->t->first[FIELD_DAY + 1]], *last = first;
    char out[16];

    while (last < end && last->kind != ITEM_LAST)
        last++;
    if (last < end) {
        if (s->count > 0) {
            say(w, "on day%s ", times(s->count));
            say_values(w, FIELD_DAY, s);
            say(w, " and ");
        }
        say_last_day(w, last);
    } else if (first->kind == ITEM_NEAR) {
        say(w, "on the working day (Monday to Friday) nearest to day %d of the month", first->from);
    } else if (it != NULL) {
        say(w, "on every %s day of the month", ordinal(it->step, out));
        say_bounds(w, FIELD_DAY, it, "day ");
    } else {
        say(w, "on day%s ", times(s->count));
        say_list(w, FIELD_DAY, s);
        say(w, " of the month");
    }
}

static void say_day_of_week(struct words *w, const struct set *s)
{
    const struct cron_item *first = &w->t->items[w->t->first[FIELD_WEEKDAY]];
    char out[16], day[16];

    if (first->kind == ITEM_LAST) {
        say(w, "on Saturday");
    } else if (first->kind == ITEM_LAST_ON) {
        say(w, "on the last %s of the month", spoken(w, FIELD_WEEKDAY, first->from, day));
    } else if (first->kind == ITEM_NTH) {
        say(w, "on the %s %s of the month", ordinal(first->n, out),
            spoken(w, FIELD_WEEKDAY, first->from, day));
    } else {
        say(w, is_one_range(w, FIELD_WEEKDAY) ? "from " : "on ");
        say_list(w, FIELD_WEEKDAY, s);
    }
}

static void say_days(struct words *w)
{
    const struct cron_text *t = w->t;
    struct set day = set_of(w, FIELD_DAY), weekday = set_of(w, FIELD_WEEKDAY);
    bool all_days = is_full(w, FIELD_DAY, &day), all_weekdays = is_full(w, FIELD_WEEKDAY, &weekday);
    bool either = t->kind == CRON_CRONTAB && !t->star[FIELD_DAY] && !t->star[FIELD_WEEKDAY];

    say(w, ", ");
    if (either ? all_days || all_weekdays : all_days && all_weekdays) {
        say(w, "every day");
    } else if (all_days) {
        say_day_of_week(w, &weekday);
    } else if (all_weekdays) {
        say_day_of_month(w, &day);
    } else {
        say_day_of_month(w, &day);
        say(w, either ? ", and also " : ", where that falls ");
        say_day_of_week(w, &weekday);
    }
}

static void say_months_and_years(struct words *w)
{
    struct set month = set_of(w, FIELD_MONTH), year = set_of(w, FIELD_YEAR);
    const struct cron_item *it = stepped(w, FIELD_MONTH, &month);
    char out[16];

    if (it != NULL) {
        say(w, ", in every %s month", ordinal(it->step, out));
        say_bounds(w, FIELD_MONTH, it, "");
    } else if (!is_full(w, FIELD_MONTH, &month)) {
        say(w, is_one_range(w, FIELD_MONTH) ? ", from " : ", in ");
        say_list(w, FIELD_MONTH, &month);
    }
    if (w->t->kind != CRON_EVENTBRIDGE || is_full(w, FIELD_YEAR, &year))
        return;
    it = stepped(w, FIELD_YEAR, &year);
    if (it != NULL) {
        say(w, ", in every %s year", ordinal(it->step, out));
        say_bounds(w, FIELD_YEAR, it, "");
    } else {
        say(w, is_one_range(w, FIELD_YEAR) ? ", from " : ", in ");
        say_list(w, FIELD_YEAR, &year);
    }
}

int cron_explain(const char *text, const struct cron_zone *zone, struct buf *ret, struct err *err)
{
    struct cron_text t;
    struct words w = {&t, ret, err, 0};
    int rc = cron_read(text, &t, err);

    if (rc < 0)
        return rc;
    if (t.kind == CRON_RATE) {
        if (t.value == 1)
            say(&w, "Every %s", t.unit);
        else
            say(&w, "Every %lld %ss", (long long)t.value, t.unit);
        say(&w, "%s, counted from when the schedule was first seen.",
            t.unit_ms == INT64_C(86400000) ? " of 24 hours" : "");
        return w.rc;
    }
    say_time(&w);
    say_days(&w);
    say_months_and_years(&w);
    say(&w, ", %s%s.", cron_zone_name(zone), zone != NULL ? " time" : "");
    return w.rc;
}
