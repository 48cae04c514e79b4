#include "base/civil.h"
#include "io/convert_int.h"
#include <strings.h>

/* A moment as the text gives it, nothing checked against the calendar yet. */
struct moment {
    int year, month, day, yday; /* yday: of %j, 0 none */
    int hour, minute, second;
    int nano;
    int offset_s;  /* east of UTC */
    bool negative; /* TIME only */
    bool has_time, has_offset;
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

static const char months[12][4] = {"jan", "feb", "mar", "apr", "may", "jun",
                                   "jul", "aug", "sep", "oct", "nov", "dec"};

static bool month_name(const char **p, const char *end, int *ret)
{
    for (int i = 0; i < 12 && end - *p >= 3; i++)
        if (strncasecmp(*p, months[i], 3) == 0) {
            *ret = i + 1;
            *p += 3;
            return true;
        }
    return false;
}

static bool read_directive(char d, const char **p, const char *end, struct moment *m)
{
    switch (d) {
    case 'Y':
        return number(p, end, 4, 4, &m->year);
    case 'm':
        return number(p, end, 1, 2, &m->month);
    case 'b':
        return month_name(p, end, &m->month);
    case 'e':
        (void)is(p, end, ' ');
        return number(p, end, 1, 2, &m->day);
    case 'd':
        return number(p, end, 1, 2, &m->day);
    case 'j':
        return number(p, end, 3, 3, &m->yday) && m->yday > 0;
    case 'H':
        m->has_time = true;
        return number(p, end, 1, 2, &m->hour);
    case 'M':
        m->has_time = true;
        return number(p, end, 2, 2, &m->minute);
    case 'S':
        m->has_time = true;
        return number(p, end, 2, 2, &m->second);
    case 'f':
        return fraction(p, end, &m->nano);
    case 'z':
        return zone(p, end, m);
    case '%':
        return is(p, end, '%');
    default:
        return false;
    }
}

static bool read_format(const char *format, const char *p, const char *end, struct moment *m)
{
    for (; *format != '\0'; format++) {
        if (*format == '%' ? !read_directive(*++format, &p, end, m) : !is(&p, end, *format))
            return false;
    }
    if (m->yday > 0 && m->year > 0) {
        if (m->yday > (civil_valid(m->year, 2, 29) ? 366 : 365))
            return false;
        struct civil c = civil_from_ms((civil_days(m->year, 1, 1) + m->yday - 1) * 86400000);
        m->month = c.month;
        m->day = c.day;
    }
    return p == end;
}

int time_format_check(const char *format, enum col_type type, struct err *err)
{
    char has[128] = {0};
    static const char known[] = "YmdHMSfbejz%";

    for (const char *f = strchr(format, '%'); f != NULL; f = strchr(f + 2, '%')) {
        if (f[1] == 'y') {
            err_set(err, ERR_CONFIG, "format '%s': %%y is refused, two digits do not say which year", format);
            return err_hint(err, "have the file made with four digits, and say %%Y");
        }
        if (f[1] == '\0' || strchr(known, f[1]) == NULL) {
            err_set(err, ERR_CONFIG, "format '%s': %%%.1s is not known", format, f + 1);
            return err_hint(err, "known are %%Y %%m %%d %%e %%b %%j %%H %%M %%S %%f %%z %%%%");
        }
        has[(unsigned char)f[1]] = 1;
    }
    bool date = has['Y'] && (has['j'] || ((has['m'] || has['b']) && (has['d'] || has['e'])));
    bool time = has['H'] && has['M'];
    if (type != COL_DATE && type != COL_DATETIME && type != COL_TIMESTAMP && type != COL_TIME)
        return err_set(err, ERR_CONFIG, "format '%s': only date and time columns have one", format);
    if (type == COL_TIME ? !time || !has['S'] : !date)
        return err_set(err, ERR_CONFIG, "format '%s' does not give a whole %s", format,
                       type == COL_TIME ? "time" : "date");
    if (((has['S'] || has['M']) && !time) || (has['f'] && !has['S']))
        return err_set(err, ERR_CONFIG, "format '%s' has a part of the time without what stands above it",
                       format);
    if (type == COL_TIME &&
        (has['Y'] || has['m'] || has['b'] || has['d'] || has['e'] || has['j'] || has['z']))
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

static int put_moment(const struct cell *c, struct csv_field f, const struct moment *m,
                      struct reject_info *ret)
{
    static const int64_t first = 1000, last = INT64_C(2147483647) * 1000; /* TIMESTAMP, in ms since 1970 */
    enum col_type type = c->column->type;
    int part = 0;

    if (m->year == 0 || m->month == 0 || m->day == 0) {
        bad_time(c, f, ": year, month and day begin at 1", ret);
        if (m->year == 0 && m->month == 0 && m->day == 0)
            refuse_hint(ret, "a zero date is no date; if it means NULL, list these very bytes in \"null\"");
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
    if (m->hour > 838 || (m->hour == 838 && m->minute == 59 && m->second == 59 && part > 0))
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
    if (year < 1901 || year > 2155)
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
