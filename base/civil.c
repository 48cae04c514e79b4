#include "base/civil.h"

/* Days from civil and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t civil_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

int64_t civil_to_ms(const struct civil *c)
{
    return ((civil_days(c->year, c->month, c->day) * 24 + c->hour) * 60 + c->minute) * 60000 +
           (int64_t)c->second * 1000 + c->ms;
}

struct civil civil_from_ms(int64_t ms)
{
    int64_t days = ms / 86400000, rest = ms % 86400000;

    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct civil c = {
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .month = (int)(mp < 10 ? mp + 3 : mp - 9),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .ms = (int)(rest % 1000),
    };
    c.year = (int)(yoe + era * 400 + (c.month <= 2));
    return c;
}

int civil_weekday(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

int civil_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

bool civil_valid(int year, int month, int day)
{
    return year >= 0 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= civil_month_days(year, month);
}

const char *civil_rfc3339(int64_t ms, bool with_ms, char out[CIVIL_RFC3339_SIZE])
{
    struct civil c = civil_from_ms(ms);
    int n = snprintf(out, CIVIL_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);

    if (n > 0 && n < CIVIL_RFC3339_SIZE)
        snprintf(out + n, (size_t)(CIVIL_RFC3339_SIZE - n), with_ms ? ".%03dZ" : "Z", c.ms);
    return out;
}

static bool digits(const char **p, int n, int *ret)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (**p < '0' || **p > '9')
            return false;
        v = v * 10 + (*(*p)++ - '0');
    }
    *ret = v;
    return true;
}

int civil_parse_rfc3339(const char *text, int64_t *ret_ms, struct err *err)
{
    struct civil c = {0};
    const char *p = text;
    int oh = 0, om = 0, sign = 0;

    if (!digits(&p, 4, &c.year) || *p++ != '-' || !digits(&p, 2, &c.month) || *p++ != '-' ||
        !digits(&p, 2, &c.day))
        goto bad;
    if (*p != 'T' && *p != 't' && *p != ' ')
        goto bad;
    p++;
    if (!digits(&p, 2, &c.hour) || *p++ != ':' || !digits(&p, 2, &c.minute))
        goto bad;
    if (*p == ':') {
        p++;
        if (!digits(&p, 2, &c.second))
            goto bad;
        if (*p == '.') {
            int scale = 100;
            p++;
            if (*p < '0' || *p > '9')
                goto bad;
            for (; *p >= '0' && *p <= '9'; p++, scale /= 10)
                c.ms += (*p - '0') * scale;
        }
    }
    if (*p == 'Z' || *p == 'z') {
        p++;
    } else if (*p == '+' || *p == '-') {
        sign = *p++ == '-' ? 1 : -1;
        if (!digits(&p, 2, &oh) || *p++ != ':' || !digits(&p, 2, &om))
            goto bad;
    } else {
        goto bad;
    }
    if (*p != '\0' || !civil_valid(c.year, c.month, c.day) || c.hour > 23 || c.minute > 59 || c.second > 59 ||
        oh > 23 || om > 59)
        goto bad;
    *ret_ms = civil_to_ms(&c) + (int64_t)sign * (oh * 60 + om) * 60000;
    return 0;
bad:
    return err_set(err, ERR_BAD_VALUE, "'%.60s' is not a time such as 2022-06-05T12:00:00Z", text);
}
