#include "base/civil.h"
#include "io/convert_int.h"
#include <strings.h>

/* A moment as the text gives it, nothing checked against the calendar yet. */
struct moment {
    int year, month, day, yday; /* yday: of %j, 0 none */
    int hour, minute, second;
    int nano;
    int offset_s;  /* east of UTC */
    int half;      /* of the day: 1 am, 2 pm, 0 it has 24 hours */
    int weekday;   /* 1 Sunday .. 7, 0 none is given */
    bool negative; /* TIME only */
    bool has_time, has_offset, before_1970;
};

/* Reads least..most digits; false when there are fewer. */
static bool number(const char **p, const char *end, int least, int most, int *ret)
{
    int n = 0, v = 0;

    while (n < most && *p < end && (unsigned)(**p - '0') <= 9) {
        v = v * 10 + (*(*p)++ - '0');
        n++;
    }
    *ret = v;
    return n >= least;
}

static bool is(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    (*p)++;
    return true;
}

/* Digits after the point, up to 9; zeros beyond that are nothing. */
static bool fraction(const char **p, const char *end, int *ret_nano)
{
    const char *first = *p;
    int v = 0, n = 0;

    for (; *p < end && (unsigned)(**p - '0') <= 9; (*p)++) {
        if (n < 9) {
            v = v * 10 + (**p - '0');
            n++;
        } else if (**p != '0') {
            return false;
        }
    }
    for (; n < 9; n++)
        v *= 10;
    *ret_nano = v;
    return *p > first;
}

/* Z, +hh, +hhmm, +hh:mm */
static bool zone(const char **p, const char *end, struct moment *m)
{
    int hours, minutes = 0;

    m->has_offset = true;
    if (is(p, end, 'Z'))
        return true;
    bool west = is(p, end, '-');
    if ((!west && !is(p, end, '+')) || !number(p, end, 2, 2, &hours))
        return false;
    if (*p < end && (is(p, end, ':') || (unsigned)(**p - '0') <= 9))
        if (!number(p, end, 2, 2, &minutes))
            return false;
    m->offset_s = (hours * 60 + minutes) * (west ? -60 : 60);
    return hours <= 14 && minutes <= 59; /* the widest zones there are */
}

static bool read_iso(const char *p, const char *end, struct moment *m)
{
    if (!number(&p, end, 4, 4, &m->year) || !is(&p, end, '-') || !number(&p, end, 2, 2, &m->month) ||
        !is(&p, end, '-') || !number(&p, end, 2, 2, &m->day))
        return false;
    if (p == end)
        return true;
    m->has_time = true;
    if (!is(&p, end, 'T') && !is(&p, end, ' '))
        return false;
    if (!number(&p, end, 2, 2, &m->hour) || !is(&p, end, ':') || !number(&p, end, 2, 2, &m->minute))
        return false;
    if (is(&p, end, ':')) {
        if (!number(&p, end, 2, 2, &m->second) || (is(&p, end, '.') && !fraction(&p, end, &m->nano)))
            return false;
    }
    return p == end || (zone(&p, end, m) && p == end);
}

/* [-]h:mm:ss[.fraction], up to three digits of hours */
static bool read_iso_time(const char *p, const char *end, struct moment *m)
{
    m->has_time = true;
    m->negative = is(&p, end, '-');
    if (!number(&p, end, 1, 3, &m->hour) || !is(&p, end, ':') || !number(&p, end, 2, 2, &m->minute) ||
        !is(&p, end, ':') || !number(&p, end, 2, 2, &m->second))
        return false;
    if (is(&p, end, '.') && !fraction(&p, end, &m->nano))
        return false;
    return p == end;
}

static const char months[12][10] = {"january", "february", "march",     "april",   "may",      "june",
                                    "july",    "august",   "september", "october", "november", "december"};
static const char days[7][10] = {"sunday",   "monday", "tuesday", "wednesday",
                                 "thursday", "friday", "saturday"};

/* One of count names, its first `letters` of them (0: all). Where two begin alike, the format says which it is. */
static bool name_of(const char **p, const char *end, const char (*names)[10], int count, size_t letters,
                    int *ret)
{
    for (int i = 0; i < count; i++) {
        size_t n = letters > 0 ? letters : strlen(names[i]);
        if ((size_t)(end - *p) >= n && strncasecmp(*p, names[i], n) == 0) {
            *ret = i + 1;
            *p += n;
            return true;
        }
    }
    return false;
}

/* Seconds since 1970, also before. */
static bool unix_seconds(const char **p, const char *end, struct moment *m)
{
    bool negative = is(p, end, '-');
    const char *first = *p;
    int64_t s = 0;

    for (; *p < end && *p - first < 12 && (unsigned)(**p - '0') <= 9; (*p)++)
        s = s * 10 + (**p - '0');
    if (*p == first || s > INT64_C(253402300799)) /* 9999-12-31 23:59:59 */
        return false;
    s = negative ? -s : s;
    if (s < -INT64_C(62135596800)) /* 0001-01-01 */
        return false;
    struct civil at = civil_from_ms(s * 1000);
    m->has_time = m->has_offset = true;
    m->before_1970 = negative;
    m->year = at.year;
    m->month = at.month;
    m->day = at.day;
    m->hour = at.hour;
    m->minute = at.minute;
    m->second = at.second;
    return true;
}

/* tight: digits stand right before or behind, so that only two of them can be told from one. */
static bool read_directive(char d, bool tight, const char **p, const char *end, struct moment *m)
{
    int least = tight ? 2 : 1;

    m->has_time |= strchr("HIMS", d) != NULL;
    switch (d) {
    case 'Y':
        return number(p, end, 4, 4, &m->year);
    case 'm':
        return number(p, end, least, 2, &m->month);
    case 'b':
        return name_of(p, end, months, 12, 3, &m->month);
    case 'B':
        return name_of(p, end, months, 12, 0, &m->month);
    case 'a':
        return name_of(p, end, days, 7, 3, &m->weekday);
    case 'A':
        return name_of(p, end, days, 7, 0, &m->weekday);
    case 'e':
        return number(p, end, is(p, end, ' ') ? 1 : least, 2, &m->day);
    case 'd':
        return number(p, end, least, 2, &m->day);
    case 'j':
        return number(p, end, 3, 3, &m->yday) && m->yday > 0;
    case 'H':
        return number(p, end, least, 2, &m->hour);
    case 'I':
        return number(p, end, least, 2, &m->hour) && m->hour >= 1 && m->hour <= 12;
    case 'p':
        if (end - *p < 2 || (strncasecmp(*p, "am", 2) != 0 && strncasecmp(*p, "pm", 2) != 0))
            return false;
        m->half = **p == 'a' || **p == 'A' ? 1 : 2;
        *p += 2;
        return true;
    case 'M':
        return number(p, end, 2, 2, &m->minute);
    case 'S':
        return number(p, end, 2, 2, &m->second);
    case 'f':
        return fraction(p, end, &m->nano);
    case 's':
        return unix_seconds(p, end, m);
    case 'z':
        return zone(p, end, m);
    case '%':
        return is(p, end, '%');
    default:
        return false;
    }
}

/* What %j, %I with %p, and the day of the week say together with the rest; false: they contradict. */
static bool settle(struct moment *m)
{
    if (m->half != 0)
        m->hour = m->hour % 12 + (m->half == 2 ? 12 : 0);
    if (m->before_1970 && m->nano != 0)
        return false; /* -1.5: whether the fraction goes forth or back, nobody says */
    if (m->yday > 0) {
        if (m->year == 0 || m->yday > (civil_valid(m->year, 2, 29) ? 366 : 365))
            return false;
        struct civil c = civil_from_ms((civil_days(m->year, 1, 1) + m->yday - 1) * 86400000);
        m->month = c.month;
        m->day = c.day;
    }
    return m->weekday == 0 || !civil_valid(m->year, m->month, m->day) ||
           civil_weekday(civil_days(m->year, m->month, m->day)) == m->weekday - 1;
}

static bool is_digits(const char *f) /* a directive that reads digits begins at f */
{
    return f[0] == '%' && f[1] != '\0' && strchr("YmdejHIMSfs", f[1]) != NULL;
}

static bool read_format(const char *format, const char *p, const char *end, struct moment *m)
{
    bool before = false; /* the last directive read digits, and nothing stands between */

    for (const char *f = format; *f != '\0'; f++) {
        if (*f != '%') {
            before = *f >= '0' && *f <= '9';
            if (!is(&p, end, *f))
                return false;
            continue;
        }
        bool tight = before || is_digits(f + 2);
        before = is_digits(f);
        if (!read_directive(*++f, tight, &p, end, m))
            return false;
    }
    return p == end && settle(m);
}

bool time_format_has_time(const char *format)
{
    for (const char *f = strchr(format, '%'); f != NULL && f[1] != '\0'; f = strchr(f + 2, '%'))
        if (strchr("HIMSfs", f[1]) != NULL)
            return true;
    return false;
}

/* The directives of a format, each as what it stands for: has['m'] is the month, however it is written. */
static int format_parts(const char *format, char has[128], struct err *err)
{
    static const char known[] = "YmbBdejHIpMSfszaA%", part[] = "YmmmddjHHpMSfszaa%";

    for (const char *f = strchr(format, '%'); f != NULL; f = strchr(f + 2, '%')) {
        const char *at = f[1] != '\0' ? strchr(known, f[1]) : NULL;
        if (f[1] == 'y') {
            err_set(err, ERR_CONFIG, "format '%s': %%y is refused, two digits do not say which year", format);
            return err_hint(err, "have the file made with four digits, and say %%Y");
        }
        if (at == NULL) {
            err_set(err, ERR_CONFIG, "format '%s': %%%.1s is not known", format, f + 1);
            return err_hint(
                err, "known are %%Y %%m %%b %%B %%d %%e %%j %%a %%A %%H %%I %%p %%M %%S %%f %%s %%z %%%%");
        }
        char what = part[at - known];
        if (has[(unsigned char)what] && what != '%')
            return err_set(err, ERR_CONFIG, "format '%s': %%%.1s says a second time what stands there before",
                           format, f + 1);
        has[(unsigned char)what] = 1;
        if (f[1] == 'I')
            has['I'] = 1;
    }
    return 0;
}

int time_format_check(const char *format, enum col_type type, struct err *err)
{
    char has[128] = {0};

    if (type != COL_DATE && type != COL_DATETIME && type != COL_TIMESTAMP && type != COL_TIME)
        return err_set(err, ERR_CONFIG, "format '%s': only date and time columns have one", format);
    int rc = format_parts(format, has, err);
    if (rc < 0)
        return rc;
    bool dated = has['Y'] || has['m'] || has['d'] || has['j'];
    bool date = has['Y'] && (has['j'] ? !has['m'] && !has['d'] : has['m'] && has['d']);
    bool time = has['H'] && has['M'];
    if (has['s'] && (dated || has['H'] || has['M'] || has['S'] || has['z']))
        return err_set(err, ERR_CONFIG, "format '%s': %%s is a whole moment in UTC, nothing is beside it",
                       format);
    if (has['I'] != has['p'])
        return err_set(err, ERR_CONFIG, "format '%s': %%I and %%p go together, hour 1 is twice in a day",
                       format);
    if (type == COL_TIME ? !time || !has['S'] : !date && !has['s'])
        return err_set(err, ERR_CONFIG, "format '%s' does not give a whole %s", format,
                       type == COL_TIME ? "time" : "date");
    if (((has['S'] || has['M']) && !time) || (has['f'] && !has['S'] && !has['s']))
        return err_set(err, ERR_CONFIG, "format '%s' has a part of the time without what stands above it",
                       format);
    if (type == COL_TIME && (dated || has['s'] || has['a'] || has['z']))
        return err_set(err, ERR_CONFIG, "format '%s' has a date or a zone, which a TIME column does not hold",
                       format);
    return 0;
}

static void bad_hint(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const char *form = c->column->type == COL_DATE   ? "2022-06-05"
                       : c->column->type == COL_TIME ? "12:30:00"
                       : c->column->type == COL_YEAR ? "2022"
                                                     : "2022-06-05 12:30:00, 2022-06-05T12:30:00Z";

    if (f.n == 0)
        refuse_hint(ret, "%s",
                    f.quoted ? "a quoted empty field is never NULL; only an unquoted one can be"
                             : "an empty field is NULL only where the null list has \"\"");
    else if (c->format != NULL)
        refuse_hint(ret, "expected the form %s", c->format);
    else
        refuse_hint(ret, "expected %s; other forms need \"format\", for instance \"%%d/%%m/%%Y\"", form);
}

static int bad_time(const struct cell *c, struct csv_field f, const char *why, struct reject_info *ret)
{
    char word[TYPE_WORD_SIZE];

    refuse(ret, c->column->type == COL_TIME ? "BAD_TIME" : "BAD_DATE", f, "is not a %s%s",
           type_word_of(c->column, word), why);
    bad_hint(c, f, ret);
    return 0;
}

/* The fraction that the column keeps; false: it would lose digits. */
static bool keep_fraction(int nano, int fsp, int *ret)
{
    int unit = 1;

    for (int i = fsp; i < 9; i++)
        unit *= 10;
    *ret = nano / unit;
    return nano % unit == 0;
}

/* Writes v with n digits; snprintf would be the slowest part of a file of times. */
static char *put_digits(char *o, int v, int n)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        o[i] = (char)('0' + v % 10);
    return o + n;
}

static char *put_hms(char *o, int hour, int minute, int second, int fsp, int part)
{
    o = put_digits(o, hour, hour > 99 ? 3 : 2);
    *o++ = ':';
    o = put_digits(o, minute, 2);
    *o++ = ':';
    o = put_digits(o, second, 2);
    if (fsp > 0) {
        *o++ = '.';
        o = put_digits(o, part, fsp);
    }
    return o;
}

static void put_stamp(const struct cell *c, const struct civil *at, int part, bool with_time)
{
    char *o = put_digits(c->scratch, at->year, 4);

    *o++ = '-';
    o = put_digits(o, at->month, 2);
    *o++ = '-';
    o = put_digits(o, at->day, 2);
    if (with_time) {
        *o++ = ' ';
        o = put_hms(o, at->hour, at->minute, at->second, c->column->fsp, part);
    }
    c->to->bytes[c->row] = c->scratch;
    c->to->lengths[c->row] = (unsigned long)(o - c->scratch);
}

static int fraction_lost(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    refuse(ret, "DIGITS_LOST", f, "has a finer fraction of a second than %s holds", c->column->type_text);
    refuse_hint(ret, "declare the column with up to 6 digits, for instance DATETIME(6)");
    return 0;
}

/* What MySQL has beside the calendar: no day at all, and a day or month left open. */
static bool put_zero(const struct cell *c, const struct moment *m)
{
    bool time = m->hour != 0 || m->minute != 0 || m->second != 0 || m->nano != 0;
    bool all = m->year == 0 && m->month == 0 && m->day == 0;
    int part = 0;

    if (!c->zero_dates || m->month > 12 || m->day > 31 || m->hour > 23 || m->minute > 59 || m->second > 59 ||
        m->offset_s != 0 || (m->year == 0 && !all) || (time && (all || c->column->type == COL_DATE)) ||
        (!all && c->column->type == COL_TIMESTAMP) || !keep_fraction(m->nano, c->column->fsp, &part))
        return false;
    const struct civil at = {m->year, m->month, m->day, m->hour, m->minute, m->second, 0};
    put_stamp(c, &at, part, c->column->type != COL_DATE);
    return true;
}

static int put_moment(const struct cell *c, struct csv_field f, const struct moment *m,
                      struct reject_info *ret)
{
    static const int64_t first = 1000, last = INT64_C(2147483647) * 1000; /* TIMESTAMP, in ms since 1970 */
    enum col_type type = c->column->type;
    int part = 0;

    if (m->year == 0 || m->month == 0 || m->day == 0) {
        if (put_zero(c, m))
            return 1;
        bad_time(c, f, ": year, month and day begin at 1", ret);
        if (m->year == 0 && m->month == 0 && m->day == 0)
            refuse_hint(ret, "a zero date is no date; if it means NULL, list these very bytes in \"null\"; "
                             "csv.zero_dates keeps it");
        return 0;
    }
    if (!civil_valid(m->year, m->month, m->day) || m->hour > 23 || m->minute > 59 || m->second > 59)
        return bad_time(c, f, ": the calendar has no such moment", ret);
    struct civil at = {m->year, m->month, m->day, m->hour, m->minute, m->second, 0};
    if (type == COL_DATE) {
        if (m->hour != 0 || m->minute != 0 || m->second != 0 || m->nano != 0 || m->offset_s != 0) {
            refuse(ret, "DIGITS_LOST", f, "has a time of day, which a DATE does not hold");
            refuse_hint(ret, "use a DATETIME column, or cut the time where the file is made");
            return 0;
        }
        put_stamp(c, &at, 0, false);
        return 1;
    }
    if (!keep_fraction(m->nano, c->column->fsp, &part))
        return fraction_lost(c, f, ret);
    if (m->offset_s != 0) {
        at = civil_from_ms(civil_to_ms(&at) - (int64_t)m->offset_s * 1000);
        if (at.year < 1 || at.year > 9999)
            return refuse(ret, "OUT_OF_RANGE", f, "is outside the years 1 to 9999 in UTC");
    }
    int64_t ms = type == COL_TIMESTAMP ? civil_to_ms(&at) : first;
    if (ms < first || ms > last) {
        refuse(ret, "OUT_OF_RANGE", f,
               "is outside 1970-01-01 00:00:01 to 2038-01-19 03:14:07 UTC of TIMESTAMP");
        refuse_hint(ret, "a DATETIME column holds the years 1 to 9999");
        return 0;
    }
    put_stamp(c, &at, part, true);
    return 1;
}

static int put_clock(const struct cell *c, struct csv_field f, const struct moment *m,
                     struct reject_info *ret)
{
    char *o = c->scratch;
    int part = 0;

    if (m->minute > 59 || m->second > 59)
        return bad_time(c, f, ": minutes and seconds end at 59", ret);
    if (!keep_fraction(m->nano, c->column->fsp, &part))
        return fraction_lost(c, f, ret);
    if (m->hour >
        838) /* MariaDB has fractions up to the end; MySQL, which has not, refuses the last second's itself */
        return refuse(ret, "OUT_OF_RANGE", f, "is outside -838:59:59 to 838:59:59 of TIME");
    bool zero = m->hour == 0 && m->minute == 0 && m->second == 0 && part == 0;
    if (m->negative && !zero)
        *o++ = '-';
    o = put_hms(o, m->hour, m->minute, m->second, c->column->fsp, part);
    c->to->bytes[c->row] = c->scratch;
    c->to->lengths[c->row] = (unsigned long)(o - c->scratch);
    return 1;
}

static int put_year(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    const char *p = f.p;
    int year;

    if (f.n != 4 || !number(&p, f.p + f.n, 4, 4, &year))
        return bad_time(c, f, " of four digits", ret);
    if ((year < 1901 || year > 2155) && !(year == 0 && c->zero_dates))
        return refuse(ret, "OUT_OF_RANGE", f, "is outside 1901 to 2155 of YEAR");
    c->to->i64[c->row] = year;
    return 1;
}

int put_time(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    struct moment m = {0};
    const char *end = f.p + f.n;
    enum col_type type = c->column->type;
    bool read;

    if (type == COL_YEAR)
        return put_year(c, f, ret);
    if (c->format != NULL)
        read = read_format(c->format, f.p, end, &m);
    else
        read = type == COL_TIME ? read_iso_time(f.p, end, &m) : read_iso(f.p, end, &m);
    if (!read)
        return bad_time(c, f, "", ret);
    return type == COL_TIME ? put_clock(c, f, &m, ret) : put_moment(c, f, &m, ret);
}
