#include "cron/lint.h"
#include "base/civil.h"
#include "cron/read_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct lint {
    const struct cron_text *t;
    const struct cronexpr *c;
    const struct cron_zone *zone;
    int64_t now_ms;
    struct cron_warnings *to;
};

/* field FIELD_COUNT: the whole expression. */
static void warn(struct lint *l, enum cron_field field, int column, const char *fmt, ...) PRINTF(4, 5);
static void warn(struct lint *l, enum cron_field field, int column, const char *fmt, ...)
{
    va_list ap;

    if (l->to->count == CRON_MAX_WARNINGS)
        return;
    struct cron_warning *w = &l->to->items[l->to->count++];
    w->field = field < FIELD_COUNT ? cron_range(l->t->kind, field)->name : "";
    w->column = l->t->nickname != NULL ? 1 : column;
    va_start(ap, fmt);
    vsnprintf(w->text, sizeof w->text, fmt, ap);
    va_end(ap);
}

static const struct cron_item *only_item(const struct lint *l, enum cron_field field)
{
    return &l->t->items[l->t->first[field]];
}

static int count_of(const struct lint *l, enum cron_field field, uint64_t set[4])
{
    int n = 0;

    cron_field_set(l->t, field, set);
    if (field == FIELD_WEEKDAY && l->t->kind == CRON_CRONTAB)
        set[0] = (set[0] & 0x7f) | (set[0] >> 7 & 1);
    for (int i = 0; i < 4; i++)
        n += __builtin_popcountll(set[i]);
    return n;
}

static bool is_full(const struct lint *l, enum cron_field field)
{
    static const int all[] = {60, 24, 31, 12, 7, 230};
    uint64_t set[4];

    return count_of(l, field, set) >= all[field];
}

/* ---- steps ---- */

static void lint_step(struct lint *l, enum cron_field field, const struct cron_item *it)
{
    static const struct {
        const char *each, *unit;
        int span;
    } circle[] = {{"hour", "minutes", 60},
                  {"day", "hours", 24},
                  {"month", "days", 0},
                  {"year", "months", 12},
                  {"week", "days", 7}};
    int first = it->from, end = it->kind == ITEM_RANGE ? it->to : cron_range(l->t->kind, field)->max;

    if (it->no_step)
        warn(l, field, it->column, "a step of 0 is no step: only %d, by Quartz's rules, unverified on AWS",
             it->from);
    if (it->step <= 1 || field == FIELD_YEAR || first > end)
        return;
    int last = first + (end - first) / it->step * it->step;
    if (last == first) {
        warn(l, field, it->column, "the step %d leads past %d: only %d is left%s", it->step, end, first,
             l->t->kind == CRON_EVENTBRIDGE && it->step > cron_range(l->t->kind, field)->max
                 ? "; Quartz refuses it, unverified on AWS"
                 : "");
        return;
    }
    if (it->kind == ITEM_RANGE || first - cron_range(l->t->kind, field)->min >= it->step)
        return;
    if (field == FIELD_DAY) {
        warn(l, field, it->column, "the steps begin anew on day %d of each month, not %d days after the last",
             first, it->step);
        return;
    }
    int over = circle[field].span - last + first;
    if (field == FIELD_WEEKDAY && l->t->kind == CRON_CRONTAB && last == 7)
        return; /* Sunday again */
    if (over != it->step)
        warn(l, field, it->column, "%s do not divide by %d: after %d comes %d of the next %s, %d %s on",
             circle[field].unit, it->step, last, first, circle[field].each, over, circle[field].unit);
}

static void lint_items(struct lint *l)
{
    for (int f = 0; f < FIELD_COUNT; f++)
        for (int i = l->t->first[f]; i < l->t->first[f + 1]; i++) {
            const struct cron_item *it = &l->t->items[i];
            lint_step(l, (enum cron_field)f, it);
            if (it->kind == ITEM_STAR && it->step <= 1 && l->t->first[f + 1] - l->t->first[f] > 1)
                warn(l, (enum cron_field)f, it->column, "'*' in a list leaves nothing to the others");
        }
    if (only_item(l, FIELD_MINUTE)->kind == ITEM_STAR && is_full(l, FIELD_MINUTE) && !is_full(l, FIELD_HOUR))
        warn(l, FIELD_MINUTE, l->t->column[FIELD_MINUTE],
             "every minute of those hours; 0 would be once an hour");
}

/* ---- days ---- */

static void lint_either(struct lint *l)
{
    if (l->t->kind != CRON_CRONTAB)
        return;
    bool day = is_full(l, FIELD_DAY), weekday = is_full(l, FIELD_WEEKDAY);
    if (l->c->either && !day && !weekday)
        warn(l, FIELD_WEEKDAY, l->t->column[FIELD_WEEKDAY],
             "day of month and day of week are both restricted: cron takes days that match either, not both");
    else if (l->c->either && day != weekday)
        warn(l, FIELD_WEEKDAY, l->t->column[FIELD_WEEKDAY],
             "one of the two day fields holds every day, and either may match: that is every day; write '*' "
             "for it");
    else if (!day && !weekday)
        warn(l, FIELD_DAY, l->t->column[FIELD_DAY],
             "%s begins with '*': cron takes only days that match both fields",
             l->t->star[FIELD_DAY] ? "day of month" : "day of week");
}

/* Days that some of the chosen months do not have. */
static void lint_missing_day(struct lint *l, const struct cron_item *it)
{
    static const char *const names[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    char list[120] = "";
    size_t n = 0;
    int day = it->kind == ITEM_VALUE || it->kind == ITEM_NEAR ? it->from : 0;

    if (it->kind == ITEM_LAST && it->n > 27)
        warn(l, FIELD_DAY, it->column, "not every month has %d days before its last", it->n);
    for (int m = 1; m <= 12; m++)
        if ((l->c->months >> m & 1) && day > civil_month_days(2024, m))
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n > 0 ? ", " : "", names[m - 1]);
    if (day == 29 && (l->c->months & 1 << 2))
        n += (size_t)snprintf(list + n, sizeof list - n, "February but in leap years");
    if (n > 0)
        warn(l, FIELD_DAY, it->column, "day %d is not in %s", day, list);
}

static void lint_days(struct lint *l)
{
    const struct cron_item *weekday = only_item(l, FIELD_WEEKDAY);

    lint_either(l);
    if (!is_full(l, FIELD_DAY))
        for (int i = l->t->first[FIELD_DAY]; i < l->t->first[FIELD_DAY + 1]; i++)
            lint_missing_day(l, &l->t->items[i]);
    if (weekday->kind == ITEM_NTH && weekday->n == 5)
        warn(l, FIELD_WEEKDAY, weekday->column, "not every month has that day five times");
    for (int i = l->t->first[FIELD_DAY]; i < l->t->first[FIELD_DAY + 1]; i++) {
        const struct cron_item *day = &l->t->items[i];
        bool list = l->t->first[FIELD_DAY + 1] - l->t->first[FIELD_DAY] > 1;
        if (day->kind == ITEM_LAST && (day->near || day->n > 0 || list))
            warn(l, FIELD_DAY, day->column,
                 "AWS does not document this form: read by Quartz's rules, unverified on AWS");
    }
    if (weekday->kind == ITEM_LAST)
        warn(l, FIELD_WEEKDAY, weekday->column,
             "AWS does not say which day L is: Saturday by Quartz's rules, unverified on AWS");
    if ((weekday->kind == ITEM_LAST_ON || weekday->kind == ITEM_NTH) && weekday->named)
        warn(l, FIELD_WEEKDAY, weekday->column,
             "AWS documents numbers before L and #, 1 = SUN to 7 = SAT: a name by Quartz's rules, unverified "
             "on AWS");
}

/* What AWS's grammar does not name and orch reads all the same. */
static void lint_undocumented(struct lint *l)
{
    const char *text = l->t->text;

    if (l->t->kind != CRON_EVENTBRIDGE)
        return;
    for (int i = l->t->first[FIELD_WEEKDAY]; i < l->t->first[FIELD_WEEKDAY + 1]; i++)
        if (l->t->items[i].step > 0)
            warn(l, FIELD_WEEKDAY, l->t->items[i].column,
                 "AWS documents no '/' for day of week: unverified on AWS");
    for (const char *p = text + strlen("cron("); *p != '\0'; p++)
        if (*p == '\t' || (*p == ' ' && (p[-1] == '(' || p[1] == ')' || p[1] == ' '))) {
            warn(l, FIELD_COUNT, (int)(p - text) + 1,
                 "column %d: more blanks than the one between two fields: unverified on AWS",
                 (int)(p - text) + 1);
            break;
        }
}

/* ---- never, and the changes of clocks ---- */

static const char *clock_text(int64_t local_ms, char out[CIVIL_RFC3339_SIZE])
{
    civil_rfc3339(local_ms, false, out);
    out[16] = '\0'; /* 2027-03-28T02:30 */
    return out;
}

static bool lint_never(struct lint *l)
{
    int64_t ms = 0;
    char out[CIVIL_RFC3339_SIZE];

    if (cronexpr_next(l->c, l->zone, 0, l->now_ms, &ms) == 1)
        return false;
    if (l->zone != NULL && cronexpr_next(l->c, NULL, 0, l->now_ms, &ms) == 1)
        warn(l, FIELD_COUNT, 1, "never fires: whenever it matches, the clocks of %s leave that time out",
             cron_zone_name(l->zone));
    else if (cronexpr_prev(l->c, l->zone, 0, INT64_MAX, &ms) == 1)
        warn(l, FIELD_COUNT, 1, "never fires again: the last time was %s", civil_rfc3339(ms, false, out));
    else
        warn(l, FIELD_COUNT, 1, "never fires: no day until 2199 matches");
    return true;
}

/* What a change does to the first match between two local times. */
static void lint_change(struct lint *l, const struct cron_change *k)
{
    bool gap = k->after > k->before, cron = l->c->kind == CRON_EVENTBRIDGE;
    int64_t from = k->at_ms / 1000 + (gap ? k->before : k->after),
            to = k->at_ms / 1000 + (gap ? k->after : k->before);
    int64_t found = cron_match_from(l->c, from / 60);
    char out[CIVIL_RFC3339_SIZE], end[CIVIL_RFC3339_SIZE];
    const char *zone = cron_zone_name(l->zone);

    if (found >= to / 60)
        return;
    clock_text(found * 60000, out);
    if (gap && !cron && l->c->fixed)
        warn(l, FIELD_HOUR, l->t->column[FIELD_HOUR], "%s does not exist in %s: run at %s instead", out, zone,
             clock_text(to * 1000, end));
    else if (gap)
        warn(l, FIELD_HOUR, l->t->column[FIELD_HOUR], "%s does not exist in %s: left out then", out, zone);
    else if (cron || l->c->fixed)
        warn(l, FIELD_HOUR, l->t->column[FIELD_HOUR], "%s comes twice in %s: run the first time only", out,
             zone);
    else
        warn(l, FIELD_HOUR, l->t->column[FIELD_HOUR], "%s comes twice in %s: run both times", out, zone);
}

static void lint_zone(struct lint *l)
{
    enum { LOOK_DAYS = 731 };
    int64_t at = l->now_ms;
    struct cron_change k;
    bool said[2] = {false, false};
    size_t before;

    /* crontab that follows the clock in every hour does what everybody expects */
    if (l->c->kind == CRON_CRONTAB && !l->c->fixed && is_full(l, FIELD_HOUR))
        return;
    while (cron_zone_change(l->zone, at, &k) == 1 && k.at_ms < l->now_ms + LOOK_DAYS * INT64_C(86400000)) {
        before = l->to->count;
        if (!said[k.after > k.before])
            lint_change(l, &k);
        said[k.after > k.before] = said[k.after > k.before] || l->to->count > before;
        at = k.at_ms;
    }
}

int cron_lint(const char *text, const struct cron_zone *zone, int64_t now_ms, struct cron_warnings *ret,
              struct err *err)
{
    struct cron_text t;
    struct cronexpr c;
    struct lint l = {&t, &c, zone, now_ms, ret};
    int rc = cron_read(text, &t, err);

    ret->count = 0;
    if (rc < 0)
        return rc;
    cron_compile(&t, &c);
    if (t.kind == CRON_RATE) {
        if (zone != NULL)
            warn(&l, FIELD_COUNT, 1, "rate() knows no time zone: a day is 24 hours");
        return 0;
    }
    lint_items(&l);
    lint_days(&l);
    lint_undocumented(&l);
    if (!lint_never(&l))
        lint_zone(&l);
    return 0;
}
