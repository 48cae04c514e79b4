#include "base/period.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"

enum { HOUR_MS = 3600000, DAY_MS = 86400000 };

int64_t period_ms(enum period p)
{
    return p == PERIOD_HOUR ? HOUR_MS : DAY_MS;
}

int64_t period_floor(enum period p, int64_t ms)
{
    int64_t size = period_ms(p), rest = ms % size;

    return ms - (rest < 0 ? rest + size : rest);
}

const char *part_name(enum period p, int64_t start_ms, char out[PART_SIZE])
{
    struct civil c = civil_from_ms(start_ms);
    int n = snprintf(out, PART_SIZE, "%04d-%02d-%02d", c.year, c.month, c.day);

    if (p == PERIOD_HOUR && n > 0 && n < PART_SIZE)
        snprintf(out + n, (size_t)(PART_SIZE - n), "T%02d", c.hour);
    return out;
}

int part_parse(enum period p, const char *text, int64_t *ret_start_ms, struct err *err)
{
    const char *form = p == PERIOD_HOUR ? "dddd-dd-ddTdd" : "dddd-dd-dd";
    int v[4] = {0}, field = 0;
    size_t i = 0;

    for (; form[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != form[i])
            goto bad;
        if (form[i] == 'd')
            v[field] = v[field] * 10 + (text[i] - '0');
        else
            field++;
    }
    if (text[i] != '\0' || !civil_valid(v[0], v[1], v[2]) || v[3] > 23)
        goto bad;
    struct civil c = {.year = v[0], .month = v[1], .day = v[2], .hour = v[3]};
    *ret_start_ms = civil_to_ms(&c);
    return 0;
bad:
    return err_set(err, ERR_BAD_VALUE, "'%.60s' is not a partition of one %s such as %s", text,
                   p == PERIOD_HOUR ? "hour" : "day", p == PERIOD_HOUR ? "2022-06-05T12" : "2022-06-05");
}

/* What a conversion tells of the moment, and whether all its texts have one length. */
enum {
    SAYS_YEAR = 1,
    SAYS_MONTH = 2,
    SAYS_DAY = 4,
    SAYS_HOUR = 8,
    SAYS_FINER = 16, /* minutes, seconds: always 00 at the start of a partition */
    FIXED = 32,
    SAYS_DATE = SAYS_YEAR | SAYS_MONTH | SAYS_DAY,
};

static const struct conversion {
    char letter;
    unsigned says;
} conversions[] = {
    {'Y', SAYS_YEAR | FIXED},
    {'y', FIXED}, /* half a year number: the samples decide */
    {'C', FIXED},
    {'m', SAYS_MONTH | FIXED},
    {'b', SAYS_MONTH | FIXED},
    {'h', SAYS_MONTH | FIXED},
    {'B', SAYS_MONTH},
    {'d', SAYS_DAY | FIXED},
    {'e', SAYS_DAY | FIXED},
    {'j', SAYS_MONTH | SAYS_DAY | FIXED},
    {'F', SAYS_DATE | FIXED},
    {'D', FIXED},
    {'H', SAYS_HOUR | FIXED},
    {'k', SAYS_HOUR | FIXED},
    {'I', FIXED},
    {'l', FIXED},
    {'p', FIXED},
    {'P', FIXED},
    {'M', SAYS_FINER | FIXED},
    {'S', SAYS_FINER | FIXED},
    {'R', SAYS_HOUR | SAYS_FINER | FIXED},
    {'T', SAYS_HOUR | SAYS_FINER | FIXED},
    {'s', 0},
    {'a', FIXED},
    {'A', 0},
    {'u', FIXED},
    {'w', FIXED},
    {'G', FIXED},
    {'g', FIXED},
    {'V', FIXED},
    {'U', FIXED},
    {'W', FIXED},
    {'z', FIXED},
    {'Z', FIXED},
    {'%', FIXED},
};

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

/* One % conversion at *p (which points behind the '%'): its flag, its row; *p goes behind it. */
static int conversion_read(const char *layout, const char **p, char *ret_flag, const struct conversion **ret,
                           struct err *err)
{
    const char *at = *p;

    *ret_flag = *at == '-' || *at == '_' || *at == '0' ? *at++ : '\0';
    for (size_t i = 0; i < ARRAY_LEN(conversions); i++)
        if (conversions[i].letter == *at && *at != '\0') {
            *ret = &conversions[i];
            *p = at + 1;
            return 0;
        }
    err_set(err, ERR_CONFIG, "layout '%.200s' column %d: '%%%.*s' is not a conversion of strftime", layout,
            (int)(*p - layout), *at == '\0' ? 0 : (int)(at - *p) + 1, *p);
    return err_hint(err, "use %%Y %%m %%d %%H %%j; %%%% is a percent sign");
}

/* ISO 8601 week and its year. */
static void iso_week(const struct civil *c, int yday, int wday, int *ret_year, int *ret_week)
{
    int monday = (wday + 6) % 7;
    int week = (yday - monday + 9) / 7;
    int year = c->year;

    if (week < 1) {
        year--;
        int64_t last = civil_days(year, 12, 31);
        int last_yday = (int)(last - civil_days(year, 1, 1)) + 1;
        week = (last_yday - (civil_weekday(last) + 6) % 7 + 9) / 7;
    } else if (week == 53 && (civil_weekday(civil_days(year, 12, 31)) + 6) % 7 < 3) {
        year++;
        week = 1;
    }
    *ret_year = year;
    *ret_week = week;
}

/* The moment, taken apart once for all conversions of a layout. */
struct moment {
    struct civil c;
    int64_t ms;
    int yday, wday, iso_year, iso_week; /* yday from 1; wday 0 = Sunday */
};

static struct moment moment_of(int64_t ms)
{
    struct moment m = {.c = civil_from_ms(ms), .ms = ms};
    int64_t day = civil_days(m.c.year, m.c.month, m.c.day);

    m.yday = (int)(day - civil_days(m.c.year, 1, 1)) + 1;
    m.wday = civil_weekday(day);
    iso_week(&m.c, m.yday, m.wday, &m.iso_year, &m.iso_week);
    return m;
}

/* The numeric conversions: value, width and padding; false for the others. */
static bool numeric(const struct moment *m, char letter, int *ret, int *ret_width)
{
    const struct civil *c = &m->c;
    const struct {
        char letter;
        int value, width;
    } rows[] = {
        {'Y', c->year, 4},
        {'y', c->year % 100, 2},
        {'C', c->year / 100, 2},
        {'m', c->month, 2},
        {'d', c->day, 2},
        {'e', c->day, 2},
        {'H', c->hour, 2},
        {'k', c->hour, 2},
        {'I', c->hour % 12 == 0 ? 12 : c->hour % 12, 2},
        {'l', c->hour % 12 == 0 ? 12 : c->hour % 12, 2},
        {'M', c->minute, 2},
        {'S', c->second, 2},
        {'j', m->yday, 3},
        {'u', m->wday == 0 ? 7 : m->wday, 1},
        {'w', m->wday, 1},
        {'U', (m->yday + 6 - m->wday) / 7, 2},
        {'W', (m->yday + 6 - (m->wday + 6) % 7) / 7, 2},
        {'G', m->iso_year, 4},
        {'g', m->iso_year % 100, 2},
        {'V', m->iso_week, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].letter == letter) {
            *ret = rows[i].value;
            *ret_width = rows[i].width;
            return true;
        }
    return false;
}

static int convert(struct buf *out, char letter, char flag, const struct moment *m, struct err *err)
{
    const struct civil *c = &m->c;
    int v, width;

    if (numeric(m, letter, &v, &width)) {
        bool blank = flag == '_' || (flag == '\0' && strchr("ekl", letter) != NULL);
        if (flag == '-')
            return buf_addf(out, err, "%d", v);
        return blank ? buf_addf(out, err, "%*d", width, v) : buf_addf(out, err, "%0*d", width, v);
    }
    switch (letter) {
    case 's':
        return buf_addf(out, err, "%lld", (long long)(m->ms / 1000));
    case 'b':
    case 'h':
        return buf_add(out, months[c->month - 1], 3, err);
    case 'B':
        return buf_adds(out, months[c->month - 1], err);
    case 'a':
        return buf_add(out, days[m->wday], 3, err);
    case 'A':
        return buf_adds(out, days[m->wday], err);
    case 'p':
        return buf_adds(out, c->hour < 12 ? "AM" : "PM", err);
    case 'P':
        return buf_adds(out, c->hour < 12 ? "am" : "pm", err);
    case 'F':
        return buf_addf(out, err, "%04d-%02d-%02d", c->year, c->month, c->day);
    case 'D':
        return buf_addf(out, err, "%02d/%02d/%02d", c->month, c->day, c->year % 100);
    case 'R':
        return buf_addf(out, err, "%02d:%02d", c->hour, c->minute);
    case 'T':
        return buf_addf(out, err, "%02d:%02d:%02d", c->hour, c->minute, c->second);
    case 'z':
        return buf_adds(out, "+0000", err);
    case 'Z':
        return buf_adds(out, "UTC", err);
    default:
        return buf_adds(out, "%", err);
    }
}

int part_prefix(const char *layout, int64_t start_ms, char out[PREFIX_SIZE], struct err *err)
{
    struct buf text = BUF_INIT(PREFIX_SIZE - 1);
    struct err full;
    struct moment m = moment_of(start_ms);
    const char *p = layout;
    int rc = 0;

    while (*p != '\0' && rc == 0) {
        if (*p != '%') {
            rc = buf_add(&text, p++, 1, &full);
            continue;
        }
        const struct conversion *which = NULL;
        char flag;
        p++;
        if (conversion_read(layout, &p, &flag, &which, err) < 0) {
            buf_release(&text);
            return -(int)err->code;
        }
        rc = convert(&text, which->letter, flag, &m, &full);
    }
    if (rc == 0)
        memcpy(out, text.n > 0 ? text.p : "", text.n + 1);
    else
        rc = err_set(err, ERR_CONFIG, "layout '%.200s' makes prefixes longer than %d bytes", layout,
                     PREFIX_SIZE - 1);
    buf_release(&text);
    return rc;
}

/* What the whole layout says; *ret_certain when that alone proves it: all parts there, every prefix equally
 * long. */
static int layout_says(const char *layout, enum period p, unsigned *ret_says, bool *ret_certain,
                       struct err *err)
{
    unsigned says = 0, needed = SAYS_DATE | (p == PERIOD_HOUR ? SAYS_HOUR : 0);
    bool fixed = true;

    for (const char *at = layout; *at != '\0';) {
        const struct conversion *which = NULL;
        char flag;
        if (*at++ != '%')
            continue;
        int rc = conversion_read(layout, &at, &flag, &which, err);
        if (rc < 0)
            return rc;
        says |= which->says & ~(unsigned)FIXED;
        if ((which->says & FIXED) == 0 || flag == '-')
            fixed = false;
    }
    *ret_says = says;
    *ret_certain = fixed && (says & needed) == needed;
    return 0;
}

struct sample {
    char *prefix;
    int64_t start_ms;
};

static int by_prefix(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int d = strcmp(x->prefix, y->prefix);

    return d != 0 ? d : (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

/* Every day of 42 years (a week year differs from the calendar's in some only), every hour of three of them.
 */
static int samples_make(const char *layout, enum period p, struct sample **ret, size_t *ret_n,
                        struct err *err)
{
    size_t cap = 42 * 366 + 3 * 366 * 24, n = 0;
    struct sample *s = xcalloc(cap, sizeof *s);
    char prefix[PREFIX_SIZE];
    int rc = 0;

    for (int64_t day = civil_days(1999, 1, 1); day < civil_days(2041, 1, 1) && rc == 0; day++) {
        bool all = p == PERIOD_HOUR && day >= civil_days(2023, 1, 1) && day < civil_days(2026, 1, 1);
        for (int hour = 0; hour < (all ? 24 : 1) && rc == 0; hour++) {
            s[n].start_ms = day * DAY_MS + (int64_t)hour * HOUR_MS;
            rc = part_prefix(layout, s[n].start_ms, prefix, err);
            if (rc == 0)
                s[n++].prefix = xstrdup(prefix);
        }
    }
    *ret = s;
    *ret_n = n;
    return rc;
}

static int ambiguous(const char *layout, enum period p, const struct sample *a, const struct sample *b,
                     struct err *err)
{
    char one[PART_SIZE], two[PART_SIZE];

    err_set(err, ERR_CONFIG, "layout '%.200s' is ambiguous: %s has the prefix '%.120s', %s '%.120s'%s",
            layout, part_name(p, a->start_ms, one), a->prefix, part_name(p, b->start_ms, two), b->prefix,
            strcmp(a->prefix, b->prefix) == 0 ? "" : ", which begins with it");
    if (strcmp(a->prefix, b->prefix) != 0)
        return err_hint(err, "end the layout with '/', or pad the numbers (%%m instead of %%-m)");
    if (p == PERIOD_HOUR && a->start_ms / DAY_MS == b->start_ms / DAY_MS)
        return err_hint(err, "add %%H to the layout, or set \"period\": \"day\"");
    return err_hint(err, "the layout must name year, month and day (%%Y %%m %%d)%s",
                    p == PERIOD_HOUR ? " and hour (%H)" : "");
}

int layout_check(const char *layout, enum period p, struct err *err)
{
    struct sample *s = NULL;
    size_t n = 0;
    unsigned says = 0;
    bool certain = false;
    int rc = layout_says(layout, p, &says, &certain, err);

    if (rc < 0)
        return rc;
    /* A finer conversion is always 00 here: what lies under 01 would never be looked at. */
    if ((says & SAYS_FINER) != 0 || (p == PERIOD_DAY && (says & SAYS_HOUR) != 0)) {
        err_set(err, ERR_CONFIG,
                "layout '%.200s' names %s, but a partition is one %s: only 00 would ever be read", layout,
                (says & SAYS_FINER) != 0 ? "minutes or seconds" : "the hour",
                p == PERIOD_HOUR ? "hour" : "day");
        return err_hint(err, "%s",
                        (says & SAYS_FINER) != 0
                            ? "%m is the month, %M the minute; end the layout at the hour"
                            : "set \"period\": \"hour\", or end the layout at the day");
    }
    if (certain)
        return part_prefix(layout, 0, (char[PREFIX_SIZE]){0}, err);
    rc = samples_make(layout, p, &s, &n, err);
    if (rc < 0)
        goto out;
    qsort(s, n, sizeof *s, by_prefix);
    /* sorted, a text and the first text that begins with it are neighbours */
    for (size_t i = 1; i < n && rc == 0; i++)
        if (str_starts(s[i].prefix, s[i - 1].prefix))
            rc = ambiguous(layout, p, &s[i - 1], &s[i], err);
out:
    for (size_t i = 0; i < n; i++)
        free(s[i].prefix);
    free(s);
    return rc;
}
