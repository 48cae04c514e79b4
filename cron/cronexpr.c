#include "cron/cronexpr.h"
#include "base/civil.h"
#include "cron/read_int.h"
#include "cron/zone_int.h"
#include <string.h>

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199, MINUTE_MS = 60000, DAY_MINUTES = 1440, SATURDAY = 6, SUNDAY = 0 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b > 0);
}

/* ---- what was read becomes sets ---- */

void cron_field_set(const struct cron_text *t, enum cron_field field, uint64_t set[4])
{
    const struct cron_range *r = cron_range(t->kind, field);

    memset(set, 0, 4 * sizeof set[0]);
    for (int i = t->first[field]; i < t->first[field + 1]; i++) {
        const struct cron_item *it = &t->items[i];
        if (it->kind == ITEM_QUERY)
            memset(set, 0xff, 4 * sizeof set[0]);
        if (it->kind != ITEM_STAR && it->kind != ITEM_VALUE && it->kind != ITEM_FROM &&
            it->kind != ITEM_RANGE)
            continue;
        int span = r->max - r->min + 1, step = it->step > 0 ? it->step : 1;
        int count = it->from <= it->to ? it->to - it->from : it->to - it->from + span; /* wraps around */
        for (int k = 0; k <= count; k += step) {
            int bit = (it->from - r->min + k) % span;
            set[bit / 64] |= UINT64_C(1) << (bit % 64);
        }
    }
}

/* L, W and #. One of them in its field; L may have other days of the month beside it. */
static void compile_special(const struct cron_text *t, struct cronexpr *c)
{
    const struct cron_item *weekday = &t->items[t->first[FIELD_WEEKDAY]];

    for (int i = t->first[FIELD_DAY]; i < t->first[FIELD_DAY + 1]; i++) {
        const struct cron_item *day = &t->items[i];
        if (day->kind == ITEM_LAST) {
            c->from_end = (int8_t)day->n;
            c->near = day->near;
        } else if (day->kind == ITEM_NEAR) {
            c->near = (int8_t)day->from;
        }
    }
    if (weekday->kind == ITEM_LAST) {
        c->weekdays = 1 << SATURDAY;
    } else if (weekday->kind == ITEM_NTH || weekday->kind == ITEM_LAST_ON) {
        c->weekdays = (uint8_t)(1 << (weekday->from - 1));
        c->nth = (int8_t)(weekday->kind == ITEM_NTH ? weekday->n : -1);
    }
}

/* The weekday nearest to a day without leaving the month (Quartz); 0 where the month has no such day. */
static int nearest_weekday(int day, int first, int length)
{
    int weekday = (first + day - 1) % 7;

    if (day < 1 || day > length)
        return 0;
    if (weekday == SATURDAY)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == SUNDAY)
        return day < length ? day + 1 : day - 2;
    return day;
}

static uint64_t weekday_days(const struct cronexpr *c, int first, int length)
{
    uint64_t week = ((unsigned)c->weekdays >> first | (unsigned)c->weekdays << (7 - first)) & 0x7f;
    uint64_t days = week * UINT64_C(0x10204081) << 1; /* bit 1: the first of the month */

    if (c->nth > 0)
        return days & UINT64_C(0xfe) << (7 * (c->nth - 1));
    if (c->nth < 0)
        return days & UINT64_C(0xfe) << (length - 7);
    return days;
}

/* The days that match (bit n: day n) of a month with so many days, whose first is such a weekday. */
static uint32_t month_days(const struct cronexpr *c, int first, int length)
{
    uint64_t all = ((UINT64_C(1) << length) - 1) << 1, dom = c->days, dow = weekday_days(c, first, length);

    if (c->from_end >= 0 || c->near > 0) {
        int day = c->from_end >= 0 ? length - c->from_end : c->near;
        if (c->near > 0)
            day = nearest_weekday(day, first, length);
        dom |= day > 0 ? UINT64_C(1) << day : 0;
    }
    return (uint32_t)(all & (c->either ? dom | dow : dom & dow));
}

static uint32_t days_of(const struct cronexpr *c, int year, int month)
{
    return month_days(c, civil_weekday(civil_days(year, month, 1)), civil_month_days(year, month));
}

/* Takes out the years in which no day matches. There are 14 sorts of years. */
static void drop_empty_years(struct cronexpr *c)
{
    int8_t known[2][7] = {{0}};

    for (int year = FIRST_YEAR; year <= LAST_YEAR; year++) {
        int n = year - FIRST_YEAR;
        int8_t *fires = &known[civil_month_days(year, 2) == 29][civil_weekday(civil_days(year, 1, 1))];
        for (int month = 1; *fires == 0 && month <= 12; month++)
            *fires = (c->months >> month & 1) && days_of(c, year, month) != 0;
        if (*fires == 0)
            *fires = -1;
        if (*fires < 0)
            c->years[n / 64] &= ~(UINT64_C(1) << (n % 64));
    }
}

void cron_compile(const struct cron_text *t, struct cronexpr *ret)
{
    struct cronexpr c = {.kind = t->kind, .from_end = -1, .rate_ms = t->value * t->unit_ms};
    uint64_t set[FIELD_COUNT][4];

    if (t->kind != CRON_RATE) {
        for (int f = 0; f < FIELD_COUNT; f++)
            cron_field_set(t, (enum cron_field)f, set[f]);
        c.minutes = set[FIELD_MINUTE][0];
        c.hours = (uint32_t)set[FIELD_HOUR][0];
        c.days = (uint32_t)(set[FIELD_DAY][0] << 1);
        c.months = (uint16_t)(set[FIELD_MONTH][0] << 1);
        memcpy(c.years, set[FIELD_YEAR], sizeof c.years);
        if (t->kind == CRON_EVENTBRIDGE) {
            c.weekdays = (uint8_t)(set[FIELD_WEEKDAY][0] & 0x7f); /* 1 = Sunday is bit 0 */
            compile_special(t, &c);
        } else { /* 0 and 7 are Sunday */
            c.weekdays = (uint8_t)((set[FIELD_WEEKDAY][0] & 0x7f) | (set[FIELD_WEEKDAY][0] >> 7 & 1));
            memset(c.years, 0xff, sizeof c.years);
            c.either = !t->star[FIELD_DAY] && !t->star[FIELD_WEEKDAY];
            c.fixed = !t->star[FIELD_MINUTE] && !t->star[FIELD_HOUR];
        }
        drop_empty_years(&c);
    }
    *ret = c;
}

int cronexpr_parse(const char *text, struct cronexpr *ret, struct err *err)
{
    struct cron_text t;
    int rc = cron_read(text, &t, err);

    if (rc == 0)
        cron_compile(&t, ret);
    return rc;
}

/* ---- the calendar of a local clock, in minutes since 1970 ---- */

static int lowest(uint64_t bits)
{
    return __builtin_ctzll(bits);
}

static int highest(uint64_t bits)
{
    return 63 - __builtin_clzll(bits);
}

static uint64_t from_bit(uint64_t bits, int from)
{
    return from > 63 ? 0 : bits & ~UINT64_C(0) << from;
}

static uint64_t up_to_bit(uint64_t bits, int to)
{
    return to < 0 ? 0 : to > 62 ? bits : bits & ((UINT64_C(1) << (to + 1)) - 1);
}

/* First minute of the day at or after one; -1: none. */
static int minute_from(const struct cronexpr *c, int minute)
{
    int hour = minute / 60;
    uint64_t left = c->hours >> hour & 1 ? from_bit(c->minutes, minute % 60) : 0;

    if (left != 0)
        return hour * 60 + lowest(left);
    uint64_t hours = from_bit(c->hours, hour + 1);
    return hours != 0 ? lowest(hours) * 60 + lowest(c->minutes) : -1;
}

static int minute_up_to(const struct cronexpr *c, int minute)
{
    int hour = minute / 60;
    uint64_t left = c->hours >> hour & 1 ? up_to_bit(c->minutes, minute % 60) : 0;

    if (left != 0)
        return hour * 60 + highest(left);
    uint64_t hours = up_to_bit(c->hours, hour - 1);
    return hours != 0 ? highest(hours) * 60 + highest(c->minutes) : -1;
}

static bool year_fires(const struct cronexpr *c, int year)
{
    int n = year - FIRST_YEAR;

    return year >= FIRST_YEAR && year <= LAST_YEAR && (c->years[n / 64] >> (n % 64) & 1);
}

int64_t cron_match_from(const struct cronexpr *c, int64_t minute)
{
    int64_t begin = civil_days(FIRST_YEAR, 1, 1) * DAY_MINUTES,
            end = civil_days(LAST_YEAR + 1, 1, 1) * DAY_MINUTES;

    if (minute < begin)
        minute = begin;
    if (minute >= end)
        return INT64_MAX;
    struct civil d = civil_from_ms(minute * MINUTE_MS);
    int first_minute = d.hour * 60 + d.minute; /* of the first day that is looked at; later days from 0 */
    for (int year = d.year, month = d.month, day = d.day; year <= LAST_YEAR; year++, month = day = 1) {
        if (!year_fires(c, year)) {
            first_minute = 0;
            continue;
        }
        for (uint64_t months = from_bit(c->months, month); months != 0; months &= months - 1) {
            int m = lowest(months);
            bool here = year == d.year && m == d.month;
            uint64_t days = from_bit(days_of(c, year, m), here ? day : 1);
            for (; days != 0; days &= days - 1) {
                int n = lowest(days), at = minute_from(c, here && n == d.day ? first_minute : 0);
                if (at >= 0)
                    return (civil_days(year, m, n)) * DAY_MINUTES + at;
            }
        }
    }
    return INT64_MAX;
}

/* Last local minute at or before one that matches; INT64_MIN: none. */
static int64_t match_up_to(const struct cronexpr *c, int64_t minute)
{
    int64_t begin = civil_days(FIRST_YEAR, 1, 1) * DAY_MINUTES,
            end = civil_days(LAST_YEAR + 1, 1, 1) * DAY_MINUTES;

    if (minute >= end)
        minute = end - 1;
    if (minute < begin)
        return INT64_MIN;
    struct civil d = civil_from_ms(minute * MINUTE_MS);
    for (int year = d.year, month = d.month; year >= FIRST_YEAR; year--, month = 12) {
        uint64_t months = year_fires(c, year) ? up_to_bit(c->months, month) : 0;
        for (; months != 0; months &= ~(UINT64_C(1) << highest(months))) {
            int m = highest(months);
            bool here = year == d.year && m == d.month;
            uint64_t days = up_to_bit(days_of(c, year, m), here ? d.day : 31);
            for (; days != 0; days &= ~(UINT64_C(1) << highest(days))) {
                int n = highest(days);
                int at = minute_up_to(c, here && n == d.day ? d.hour * 60 + d.minute : DAY_MINUTES - 1);
                if (at >= 0)
                    return civil_days(year, m, n) * DAY_MINUTES + at;
            }
        }
    }
    return INT64_MIN;
}

/* ---- the same on a clock that people put forward and back ---- */

/* Local minutes of a span: first that is wholly in it, and the end (exclusive). */
static int64_t span_begin(const struct cron_span *p)
{
    return ceil_div(p->start + p->offset, 60);
}

static int64_t span_end(const struct cron_span *p)
{
    return ceil_div(p[1].start + p->offset, 60);
}

/* Local minutes before this one were there already, or are made up for at once when the span begins. */
static int64_t span_fresh(const struct cronexpr *c, const struct cron_span *p)
{
    bool eventbridge = c->kind == CRON_EVENTBRIDGE;

    if (!eventbridge && !c->fixed)
        return INT64_MIN;
    return ceil_div(eventbridge ? p->fresh_cron : p->fresh_crontab, 60);
}

/* crontab: something fixed falls into what was left out when the span began. It is done in the span's first minute. */
static bool made_up(const struct cronexpr *c, const struct cron_span *p)
{
    return c->fixed && p->fresh_crontab < p->start + p->offset && span_begin(p) < span_end(p) &&
           cron_match_from(c, ceil_div(p->fresh_crontab, 60)) < span_begin(p);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int next_in_zone(const struct cronexpr *c, const struct cron_zone *z, int64_t utc_s, int64_t *ret_ms)
{
    int64_t asked = INT64_MAX, found = 0; /* the first match at or after `asked` is `found` */

    for (size_t i = cron_zone_span(z, utc_s); i < z->count; i++) {
        const struct cron_span *p = &z->spans[i];
        int64_t at = ceil_div(larger(utc_s, p->start) + p->offset, 60), begin = larger(at, span_fresh(c, p));
        if (at <= span_begin(p) && made_up(c, p)) {
            *ret_ms = (span_begin(p) * 60 - p->offset) * 1000;
            return 1;
        }
        if (begin < asked || begin > found) {
            asked = begin;
            found = cron_match_from(c, begin);
        }
        if (found < span_end(p)) {
            *ret_ms = (found * 60 - p->offset) * 1000;
            return 1;
        }
    }
    return 0;
}

static int prev_in_zone(const struct cronexpr *c, const struct cron_zone *z, int64_t utc_s, int64_t *ret_ms)
{
    int64_t asked = INT64_MIN, found = 0; /* the last match at or before `asked` is `found` */

    for (size_t i = cron_zone_span(z, utc_s) + 1; i-- > 0;) {
        const struct cron_span *p = &z->spans[i];
        int64_t at = utc_s >= p[1].start ? span_end(p) - 1 : floor_div(utc_s + p->offset, 60);
        if (at > asked || at < found) {
            asked = at;
            found = match_up_to(c, at);
        }
        if (found >= larger(span_begin(p), span_fresh(c, p))) {
            *ret_ms = (found * 60 - p->offset) * 1000;
            return 1;
        }
        if (at >= span_begin(p) && made_up(c, p)) {
            *ret_ms = (span_begin(p) * 60 - p->offset) * 1000;
            return 1;
        }
    }
    return 0;
}

int cronexpr_next(const struct cronexpr *c, const struct cron_zone *zone, int64_t anchor_ms, int64_t after_ms,
                  int64_t *ret_ms)
{
    int64_t past, next;

    if (c->kind != CRON_RATE && zone != NULL)
        return next_in_zone(c, zone, floor_div(after_ms, 1000) + 1, ret_ms);
    if (c->kind != CRON_RATE) {
        next = cron_match_from(c, floor_div(after_ms, MINUTE_MS) + 1);
        if (next == INT64_MAX)
            return 0;
        *ret_ms = next * MINUTE_MS;
        return 1;
    }
    if (after_ms < anchor_ms) {
        *ret_ms = anchor_ms;
        return 1;
    }
    if (__builtin_sub_overflow(after_ms, anchor_ms, &past) ||
        __builtin_add_overflow(after_ms - past % c->rate_ms, c->rate_ms, &next) ||
        next >= civil_days(LAST_YEAR + 1, 1, 1) * DAY_MINUTES * MINUTE_MS)
        return 0;
    *ret_ms = next;
    return 1;
}

int cronexpr_prev(const struct cronexpr *c, const struct cron_zone *zone, int64_t anchor_ms, int64_t at_ms,
                  int64_t *ret_ms)
{
    int64_t past;

    if (c->kind != CRON_RATE && zone != NULL)
        return prev_in_zone(c, zone, floor_div(at_ms, 1000), ret_ms);
    if (c->kind != CRON_RATE) {
        int64_t prev = match_up_to(c, floor_div(at_ms, MINUTE_MS));
        if (prev == INT64_MIN)
            return 0;
        *ret_ms = prev * MINUTE_MS;
        return 1;
    }
    /* a rate begins when its expression was first seen */
    if (at_ms < anchor_ms || __builtin_sub_overflow(at_ms, anchor_ms, &past))
        return 0;
    *ret_ms = at_ms - past % c->rate_ms;
    return 1;
}
