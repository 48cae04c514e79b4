#include "cron/cronexpr.h"
#include "base/civil.h"
#include "base/str.h"
#include <stdarg.h>
#include <strings.h>

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199, MINUTE_MS = 60000, DAY_MINUTES = 1440 };

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

/* One field of the two grammars; names[0] stands for first_name. */
struct field {
    const char *name;
    int min, max;
    const char *const *names;
    int name_count, first_name;
};
static const struct field eventbridge_fields[] = {
    {"minutes", 0, 59, NULL, 0, 0},         {"hours", 0, 23, NULL, 0, 0},
    {"day of month", 1, 31, NULL, 0, 0},    {"month", 1, 12, month_names, 12, 1},
    {"day of week", 1, 7, day_names, 7, 1}, {"year", FIRST_YEAR, LAST_YEAR, NULL, 0, 0},
};
static const struct field crontab_fields[] = {
    {"minute", 0, 59, NULL, 0, 0},          {"hour", 0, 23, NULL, 0, 0},
    {"day of month", 1, 31, NULL, 0, 0},    {"month", 1, 12, month_names, 12, 1},
    {"day of week", 0, 7, day_names, 7, 0},
};

/* The text being read; errors name the field and the column of p. */
struct scan {
    const char *text, *p;
    const struct field *field;
    enum cron_kind kind;
};

static int refuse(const struct scan *s, const char *at, struct err *err, const char *fmt, ...) PRINTF(4, 5);
static int refuse(const struct scan *s, const char *at, struct err *err, const char *fmt, ...)
{
    char why[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_CONFIG, "schedule '%.120s': %s%scolumn %d: %s", s->text,
                   s->field ? s->field->name : "", s->field ? ", " : "", (int)(at - s->text) + 1, why);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A number of one to four digits, or a name of the field. */
static int read_value(struct scan *s, int *ret, struct err *err)
{
    const char *start = s->p;
    const struct field *f = s->field;
    int v = 0, length = 0;

    if (is_letter(*s->p)) {
        while (is_letter(s->p[length]))
            length++;
        for (int i = 0; i < f->name_count; i++)
            if (length == 3 && strncasecmp(s->p, f->names[i], 3) == 0) {
                s->p += 3;
                *ret = f->first_name + i;
                return 0;
            }
        if (length <= 2 && strchr("LlWw", *start) != NULL)
            return refuse(s, start, err, "L and W are not supported");
        return refuse(s, start, err, "'%.*s' is not a name of this field", length, start);
    }
    for (; *s->p >= '0' && *s->p <= '9'; s->p++)
        if (++length <= 4)
            v = v * 10 + (*s->p - '0');
    if (length == 0)
        return *start == '?' && s->kind == CRON_EVENTBRIDGE
                   ? refuse(s, start, err, "'?' stands alone, and only for day of month or day of week")
                   : refuse(s, start, err, "a number%s is expected", f->names ? " or a name" : "");
    if (length > 4 || v < f->min || v > f->max)
        return refuse(s, start, err, "'%.*s' is outside %d to %d", length > 20 ? 20 : length, start, f->min,
                      f->max);
    *ret = v;
    return 0;
}

static int read_step(struct scan *s, int *ret, struct err *err)
{
    const char *start = s->p;
    int v = 0, length = 0;

    for (; *s->p >= '0' && *s->p <= '9'; s->p++)
        if (++length <= 4)
            v = v * 10 + (*s->p - '0');
    if (length == 0 || length > 4 || v < 1)
        return refuse(s, start, err, "a step is a number from 1 to 9999");
    *ret = v;
    return 0;
}

/* One item of a list: *, a, a-b, each with a step where the grammar has it. Sets bit v - min of set. */
static int read_item(struct scan *s, uint64_t set[4], struct err *err)
{
    const struct field *f = s->field;
    const char *start = s->p;
    int from = f->min, to = f->max, step = 1, rc;
    bool range = true;

    if (*s->p == '*') {
        s->p++;
    } else {
        rc = read_value(s, &from, err);
        if (rc < 0)
            return rc;
        to = from;
        range = *s->p == '-';
        if (range) {
            s->p++;
            rc = read_value(s, &to, err);
            if (rc < 0)
                return rc;
        }
    }
    if (*s->p == '/') {
        if (!range && s->kind == CRON_CRONTAB)
            return refuse(s, s->p, err, "a step needs '*' or a range before it: %d-%d/...", from, f->max);
        s->p++;
        rc = read_step(s, &step, err);
        if (rc < 0)
            return rc;
        if (!range)
            to = f->max;
    }
    if (*s->p != '\0' && strchr("#LWlw", *s->p) != NULL)
        return refuse(s, s->p, err, "L, W and # are not supported");
    /* cron accepts 22-2 and then never fires; EventBridge wraps around */
    if (from > to && (s->kind == CRON_CRONTAB || f->max == LAST_YEAR))
        return refuse(s, start, err, "the range runs backwards and would never fire");
    int span = f->max - f->min + 1, count = from <= to ? to - from : to - from + span;
    for (int k = 0; k <= count; k += step) {
        int bit = (from - f->min + k) % span;
        set[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    return 0;
}

/* A field: items between commas. Ends at a blank, ')' or the end. */
static int read_field(struct scan *s, uint64_t set[4], struct err *err)
{
    memset(set, 0, 4 * sizeof set[0]);
    for (;;) {
        int rc = read_item(s, set, err);
        if (rc < 0)
            return rc;
        if (*s->p != ',')
            break;
        s->p++;
    }
    if (*s->p != '\0' && !is_blank(*s->p) && *s->p != ')')
        return refuse(s, s->p, err, "'%c' is not expected here", *s->p >= 0x20 && *s->p < 0x7f ? *s->p : '?');
    return 0;
}

static int parse_rate(struct scan *s, struct cronexpr *c, struct err *err)
{
    static const struct {
        const char *one, *more;
        int64_t ms;
    } units[] = {{"minute", "minutes", MINUTE_MS}, {"hour", "hours", 3600000}, {"day", "days", 86400000}};
    const char *start = s->text + strlen("rate(");
    int64_t v = 0;
    int digits = 0;

    for (s->p = start; *s->p >= '0' && *s->p <= '9'; s->p++)
        if (++digits <= 5)
            v = v * 10 + (*s->p - '0');
    if (digits == 0 || digits > 5 || v < 1)
        return refuse(s, start, err, "rate(value unit): the value is a number from 1 to 99999");
    if (*s->p != ' ')
        return refuse(s, s->p, err, "rate(value unit): one blank and a unit are expected");
    s->p++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        const char *unit = v == 1 ? units[i].one : units[i].more,
                   *other = v == 1 ? units[i].more : units[i].one;
        size_t n = strlen(unit);
        if (strncmp(s->p, unit, n) == 0 && strcmp(s->p + n, ")") == 0) {
            c->rate_ms = v * units[i].ms;
            return 0;
        }
        if (strncmp(s->p, other, strlen(other)) == 0 && strcmp(s->p + strlen(other), ")") == 0)
            return refuse(s, s->p, err, "with %lld the unit is written '%s'", (long long)v, unit);
    }
    return refuse(s, s->p, err, "the unit is minute(s), hour(s) or day(s), followed by ')'");
}

static int parse_fields(struct scan *s, const struct field *fields, int count, uint64_t set[][4], bool star[],
                        bool query[], struct err *err)
{
    for (int i = 0; i < count; i++) {
        while (is_blank(*s->p))
            s->p++;
        s->field = &fields[i];
        if (*s->p == '\0' || *s->p == ')')
            return refuse(s, s->p, err, "missing: %d fields are needed, %d are there", count, i);
        star[i] = *s->p == '*';
        query[i] = s->kind == CRON_EVENTBRIDGE && (i == 2 || i == 4) && *s->p == '?' &&
                   (is_blank(s->p[1]) || s->p[1] == ')' || s->p[1] == '\0');
        if (query[i]) {
            s->p++;
            memset(set[i], 0xff, 4 * sizeof set[i][0]);
            continue;
        }
        int rc = read_field(s, set[i], err);
        if (rc < 0)
            return rc;
    }
    s->field = NULL;
    while (is_blank(*s->p))
        s->p++;
    return 0;
}

static int parse_eventbridge(struct scan *s, struct cronexpr *c, struct err *err)
{
    uint64_t set[6][4] = {{0}};
    bool star[6] = {0}, query[6] = {0};

    s->p = s->text + strlen("cron(");
    int rc = parse_fields(s, eventbridge_fields, 6, set, star, query, err);
    if (rc < 0)
        return rc;
    if (s->p[0] != ')' || s->p[1] != '\0')
        return refuse(s, s->p, err, "')' and the end are expected after the sixth field");
    if (query[2] == query[4]) {
        err_set(err, ERR_CONFIG, "schedule '%.120s': exactly one of day of month and day of week must be '?'",
                s->text);
        return err_hint(err, "write '?' in the one that does not matter: cron(0 1 * * ? *)");
    }
    c->minutes = set[0][0];
    c->hours = (uint32_t)set[1][0] & 0xffffff;
    c->days = (uint32_t)(set[2][0] << 1);
    c->months = (uint16_t)(set[3][0] << 1);
    c->weekdays = (uint8_t)(set[4][0] & 0x7f); /* 1 = Sunday is bit 0 */
    memcpy(c->years, set[5], sizeof c->years);
    return 0;
}

static int parse_crontab(struct scan *s, struct cronexpr *c, struct err *err)
{
    uint64_t set[5][4] = {{0}};
    bool star[5] = {0}, query[5] = {0};

    int rc = parse_fields(s, crontab_fields, 5, set, star, query, err);
    if (rc < 0)
        return rc;
    if (*s->p != '\0') {
        refuse(s, s->p, err, "a crontab expression has five fields; cron would run the rest as a command");
        return err_hint(err, "six fields are EventBridge's: cron(minutes hours day month weekday year)");
    }
    c->minutes = set[0][0];
    c->hours = (uint32_t)set[1][0];
    c->days = (uint32_t)(set[2][0] << 1);
    c->months = (uint16_t)(set[3][0] << 1);
    c->weekdays = (uint8_t)((set[4][0] & 0x7f) | (set[4][0] >> 7 & 1)); /* 0 and 7 are Sunday */
    memset(c->years, 0xff, sizeof c->years);
    c->day_star = star[2];
    c->weekday_star = star[4];
    return 0;
}

int cronexpr_parse(const char *text, struct cronexpr *ret, struct err *err)
{
    static const struct {
        const char *name, *fields;
    } nicknames[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                     {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                     {"@annually", "0 0 1 1 *"}};
    struct cronexpr c = {0};
    struct scan s = {text, text, NULL, CRON_CRONTAB};
    int rc;

    if (strlen(text) > 1000)
        return err_set(err, ERR_CONFIG, "schedule '%.60s...' is longer than 1000 bytes", text);
    if (str_starts(text, "rate(")) {
        s.kind = CRON_RATE;
        rc = parse_rate(&s, &c, err);
    } else if (str_starts(text, "cron(")) {
        s.kind = CRON_EVENTBRIDGE;
        rc = parse_eventbridge(&s, &c, err);
    } else if (text[0] == '@') {
        for (size_t i = 0; i < ARRAY_LEN(nicknames); i++)
            if (strcasecmp(text, nicknames[i].name) == 0)
                return cronexpr_parse(nicknames[i].fields, ret, err);
        return refuse(&s, text, err, "the names are @hourly @daily @weekly @monthly @yearly%s",
                      strcasecmp(text, "@reboot") == 0 ? "; @reboot is no moment" : "");
    } else {
        rc = parse_crontab(&s, &c, err);
        if (rc < 0 && err->hint[0] == '\0')
            err_hint(err, "a schedule is cron(0/5 * * * ? *), rate(5 minutes) or */5 * * * *");
    }
    if (rc < 0)
        return rc;
    c.kind = s.kind;
    *ret = c;
    return 0;
}

static bool day_matches(const struct cronexpr *c, int64_t days, int day)
{
    bool dom = c->days >> day & 1, dow = c->weekdays >> civil_weekday(days) & 1;

    /* both restricted: either (crontab(5)); "restricted" is a field that does not start with '*' */
    if (c->kind == CRON_CRONTAB && !c->day_star && !c->weekday_star)
        return dom || dow;
    return dom && dow;
}

static bool year_matches(const struct cronexpr *c, int year)
{
    int n = year - FIRST_YEAR;

    return year >= FIRST_YEAR && year <= LAST_YEAR && (c->years[n / 64] >> (n % 64) & 1);
}

/* First (or last) minute of the day that matches, from `from` onwards (or backwards); -1: none. */
static int minute_of_day(const struct cronexpr *c, int from, int direction)
{
    for (int m = from; m >= 0 && m < DAY_MINUTES; m += direction) {
        if ((c->hours >> (m / 60) & 1) == 0) {
            m = direction > 0 ? m / 60 * 60 + 59 : m / 60 * 60;
            continue;
        }
        if (c->minutes >> (m % 60) & 1)
            return m;
    }
    return -1;
}

/* From minute t of the epoch (inclusive) in one direction, to the end of the years that the grammar knows. */
static int seek(const struct cronexpr *c, int64_t t, int direction, int64_t *ret_ms)
{
    int64_t first = civil_days(FIRST_YEAR, 1, 1), last = civil_days(LAST_YEAR, 12, 31);
    int64_t day = t >= 0 ? t / DAY_MINUTES : -1;
    int from = t >= 0 ? (int)(t % DAY_MINUTES) : 0;

    if (day < first && direction > 0) {
        day = first;
        from = 0;
    } else if (day > last && direction < 0) {
        day = last;
        from = DAY_MINUTES - 1;
    }
    while (day >= first && day <= last) {
        struct civil d = civil_from_ms(day * DAY_MINUTES * MINUTE_MS);
        if (!year_matches(c, d.year)) {
            day = direction > 0 ? civil_days(d.year + 1, 1, 1) : civil_days(d.year, 1, 1) - 1;
        } else if ((c->months >> d.month & 1) == 0) {
            int64_t start = civil_days(d.year, d.month, 1);
            day = direction > 0 ? start + civil_month_days(d.year, d.month) : start - 1;
        } else {
            int m = day_matches(c, day, d.day) ? minute_of_day(c, from, direction) : -1;
            if (m >= 0) {
                *ret_ms = (day * DAY_MINUTES + m) * MINUTE_MS;
                return 1;
            }
            day += direction;
        }
        from = direction > 0 ? 0 : DAY_MINUTES - 1;
    }
    return 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int cronexpr_next(const struct cronexpr *c, int64_t anchor_ms, int64_t after_ms, int64_t *ret_ms)
{
    int64_t past, next;

    if (c->kind != CRON_RATE)
        return seek(c, floor_div(after_ms, MINUTE_MS) + 1, 1, ret_ms);
    if (after_ms < anchor_ms) {
        *ret_ms = anchor_ms;
        return 1;
    }
    if (__builtin_sub_overflow(after_ms, anchor_ms, &past) ||
        __builtin_add_overflow(after_ms - past % c->rate_ms, c->rate_ms, &next))
        return 0;
    *ret_ms = next;
    return 1;
}

int cronexpr_prev(const struct cronexpr *c, int64_t anchor_ms, int64_t at_ms, int64_t *ret_ms)
{
    int64_t past;

    if (c->kind != CRON_RATE)
        return seek(c, floor_div(at_ms, MINUTE_MS), -1, ret_ms);
    /* a rate begins when its expression was first seen */
    if (at_ms < anchor_ms || __builtin_sub_overflow(at_ms, anchor_ms, &past))
        return 0;
    *ret_ms = at_ms - past % c->rate_ms;
    return 1;
}
