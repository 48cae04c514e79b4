#include "cron/zone.h"
#include "base/buf.h"
#include "base/civil.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cron/zone_int.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
enum { DAY_S = 86400, FIRST_YEAR = 1970, LAST_YEAR = 2200, MAX_OFFSET = 26 * 3600, FAR_CHANGE = 3 * 3600 };

/* ---- the bytes of a file ---- */

struct cursor {
    const unsigned char *p, *end;
};

static uint64_t read_be(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

struct header {
    int version;
    size_t isut, isstd, leaps, times, types, chars;
};

static int no_zone(struct err *err, const char *name, const char *why)
{
    return err_set(err, ERR_CONFIG, "time zone '%s': %s", name, why);
}

static int read_header(struct cursor *c, const char *name, struct header *ret, struct err *err)
{
    const unsigned char *p = c->p;

    if (p == NULL || c->end - p < 44 || memcmp(p, "TZif", 4) != 0)
        return no_zone(err, name, "the file is no TZif file");
    *ret = (struct header){.version = p[4] == 0 ? 1 : p[4] - '0',
                           .isut = (size_t)read_be(p + 20, 4),
                           .isstd = (size_t)read_be(p + 24, 4),
                           .leaps = (size_t)read_be(p + 28, 4),
                           .times = (size_t)read_be(p + 32, 4),
                           .types = (size_t)read_be(p + 36, 4),
                           .chars = (size_t)read_be(p + 40, 4)};
    if (ret->version < 1 || ret->version > 9 || ret->times > MAX_ZONE_CHANGES || ret->types > 256 ||
        ret->types == 0 || ret->chars > 4096 || ret->leaps > 4096 || ret->isut > 256 || ret->isstd > 256)
        return no_zone(err, name, "the counts in its TZif file are not credible");
    c->p += 44;
    return 0;
}

static size_t block_size(const struct header *h, size_t time_size)
{
    return h->times * (time_size + 1) + h->types * 6 + h->chars + h->leaps * (time_size + 4) + h->isstd +
           h->isut;
}

/* ---- the table under construction ---- */

struct table {
    struct cron_span spans[MAX_ZONE_CHANGES + 2 * (LAST_YEAR - FIRST_YEAR + 3) + 2];
    size_t count;
    int64_t last; /* the file's last change, in the table or before it */
};

/* Changes come in order. What lies before the years that count only says how those begin. */
static void add_change(struct table *t, int64_t at, int offset)
{
    if (at < civil_days(FIRST_YEAR, 1, 1) * DAY_S - 2 * DAY_S)
        t->spans[0].offset = offset;
    else if (t->spans[t->count - 1].start == at)
        t->spans[t->count - 1].offset = offset;
    else if (at < civil_days(LAST_YEAR, 1, 1) * DAY_S + 2 * DAY_S)
        t->spans[t->count++] = (struct cron_span){.start = at, .offset = offset};
}

static int read_changes(struct cursor *c, const char *name, const struct header *h, size_t time_size,
                        struct table *t, struct err *err)
{
    const unsigned char *times = c->p, *indexes = times + h->times * time_size, *types = indexes + h->times;
    int offsets[256];

    if (h->leaps > 0)
        return no_zone(err, name, "it counts leap seconds, which no schedule does");
    for (size_t i = 0; i < h->types; i++) {
        offsets[i] = (int32_t)(uint32_t)read_be(types + 6 * i, 4);
        if (offsets[i] < -MAX_OFFSET || offsets[i] > MAX_OFFSET)
            return no_zone(err, name, "an offset in its TZif file is more than a day");
    }
    t->spans[0] = (struct cron_span){.start = CRON_ZONE_BEGIN, .offset = offsets[0]};
    t->count = 1;
    t->last = INT64_MIN;
    for (size_t i = 0; i < h->times; i++) {
        uint64_t raw = read_be(times + i * time_size, time_size);
        int64_t at = time_size == 8 ? (int64_t)raw : (int32_t)(uint32_t)raw;
        if ((i > 0 && at <= t->last) || indexes[i] >= h->types)
            return no_zone(err, name, "the changes in its TZif file are not in order");
        add_change(t, at, offsets[indexes[i]]);
        t->last = at;
    }
    return 0;
}

/* ---- the footer: a POSIX TZ rule for all years after the last change ---- */

struct day_rule {
    char form;      /* 'J' without 29 February, 'D' zero-based with it, 'M' month.week.weekday */
    int a, b, c;    /* J and D: a; M: month, week (5: last), weekday */
    int64_t time_s; /* local, may be below 0 or past the day */
};
struct tz_rule {
    bool has_dst;
    int std, dst; /* seconds east of UTC */
    struct day_rule begin, end;
};

static bool skip_name(const char **p)
{
    const char *s = *p;
    size_t n = 0;

    if (*s == '<') {
        for (s++; (*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
                  *s == '+' || *s == '-';
             s++)
            n++;
        if (*s++ != '>')
            return false;
    } else {
        for (; (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z'); s++)
            n++;
    }
    *p = s;
    return n >= 3;
}

static bool read_digits(const char **p, int max, int *ret)
{
    int v = 0, n = 0;

    for (; **p >= '0' && **p <= '9' && n < 4; (*p)++, n++)
        v = v * 10 + (**p - '0');
    *ret = v;
    return n > 0 && v <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool read_clock(const char **p, int max_hours, int64_t *ret)
{
    int sign = **p == '-' ? -1 : 1, h, m = 0, s = 0;

    if (**p == '-' || **p == '+')
        (*p)++;
    if (!read_digits(p, max_hours, &h))
        return false;
    if (**p == ':') {
        (*p)++;
        if (!read_digits(p, 59, &m))
            return false;
        if (**p == ':') {
            (*p)++;
            if (!read_digits(p, 59, &s))
                return false;
        }
    }
    *ret = sign * (int64_t)(h * 3600 + m * 60 + s);
    return true;
}

static bool read_day_rule(const char **p, struct day_rule *r)
{
    if (*(*p)++ != ',')
        return false;
    r->form = **p == 'J' || **p == 'M' ? *(*p)++ : 'D';
    if (!read_digits(p, r->form == 'M' ? 12 : 365, &r->a))
        return false;
    if (r->form != 'D' && r->a == 0)
        return false;
    if (r->form == 'M' && (*(*p)++ != '.' || !read_digits(p, 5, &r->b) || r->b == 0 || *(*p)++ != '.' ||
                           !read_digits(p, 6, &r->c)))
        return false;
    r->time_s = INT64_C(7200);
    if (**p != '/')
        return true;
    (*p)++;
    return read_clock(p, 167, &r->time_s);
}

static bool read_tz(const char *p, struct tz_rule *r)
{
    int64_t west;

    if (!skip_name(&p) || !read_clock(&p, 24, &west))
        return false;
    r->std = (int)-west;
    r->has_dst = *p != '\0';
    if (!r->has_dst)
        return true;
    if (!skip_name(&p))
        return false;
    r->dst = r->std + 3600;
    if (*p != ',') {
        if (!read_clock(&p, 24, &west))
            return false;
        r->dst = (int)-west;
    }
    return read_day_rule(&p, &r->begin) && read_day_rule(&p, &r->end) && *p == '\0';
}

/* Local seconds of a year's change. */
static int64_t rule_local(const struct day_rule *r, int year)
{
    int64_t day = civil_days(year, 1, 1);

    if (r->form == 'J') {
        day += r->a - 1 + (r->a > 59 && civil_month_days(year, 2) == 29);
    } else if (r->form == 'D') {
        day += r->a;
    } else {
        int64_t first = civil_days(year, r->a, 1);
        int in = (r->c - civil_weekday(first) + 7) % 7 + 7 * (r->b - 1);
        while (in >= civil_month_days(year, r->a))
            in -= 7;
        day = first + in;
    }
    return day * DAY_S + r->time_s;
}

static void add_rule_years(struct table *t, const struct tz_rule *r)
{
    for (int year = FIRST_YEAR - 1; year <= LAST_YEAR; year++) {
        int64_t on = rule_local(&r->begin, year) - r->std, off = rule_local(&r->end, year) - r->dst;
        const struct {
            int64_t at;
            int offset;
        } change[2] = {{on < off ? on : off, on < off ? r->dst : r->std},
                       {on < off ? off : on, on < off ? r->std : r->dst}};
        for (int i = 0; i < 2; i++)
            if (change[i].at > t->last && change[i].at >= t->spans[t->count - 1].start) {
                add_change(t, change[i].at, change[i].offset);
                t->last = change[i].at - 1; /* all-year summer time ends and begins in one moment */
            }
    }
}

static int read_footer(struct cursor *c, const char *name, struct table *t, struct err *err)
{
    char text[128];
    const unsigned char *end;
    struct tz_rule r = {0};

    if (c->p == c->end || *c->p++ != '\n' || (end = memchr(c->p, '\n', (size_t)(c->end - c->p))) == NULL ||
        end - c->p >= (ptrdiff_t)sizeof text)
        return no_zone(err, name, "its TZif file has no end");
    memcpy(text, c->p, (size_t)(end - c->p));
    text[end - c->p] = '\0';
    if (text[0] == '\0') /* the last offset holds */
        return 0;
    if (strlen(text) != (size_t)(end - c->p) || !read_tz(text, &r))
        return no_zone(err, name, "the rule at the end of its TZif file is not understood");
    if (r.has_dst)
        add_rule_years(t, &r);
    return 0;
}

/* ---- the zone ---- */

/* Neighbours of one offset (only a name or the DST flag changed) are one; then how far local time had got. */
static struct cron_zone *finish(const char *name, const struct table *t)
{
    struct cron_zone *z = xmalloc(sizeof *z);
    int64_t all = INT64_MIN, crontab = INT64_MIN;

    *z = (struct cron_zone){.name = xstrdup(name), .spans = xcalloc(t->count + 1, sizeof *z->spans)};
    for (size_t i = 0; i < t->count; i++) {
        struct cron_span s = t->spans[i];
        if (z->count > 0 && z->spans[z->count - 1].offset == s.offset)
            continue;
        if (z->count > 0) {
            int64_t end = s.start + z->spans[z->count - 1].offset, start = s.start + s.offset;
            all = end > all ? end : all;
            crontab = end > crontab ? end : crontab;
            if (crontab - start > FAR_CHANGE || start - crontab >= FAR_CHANGE)
                crontab = start;
        }
        s.fresh_cron = all;
        s.fresh_crontab = crontab;
        z->spans[z->count++] = s;
    }
    z->spans[0].fresh_cron = z->spans[0].fresh_crontab = CRON_ZONE_BEGIN + z->spans[0].offset;
    z->spans[z->count].start = CRON_ZONE_END;
    return z;
}

int cron_zone_parse(const char *name, const void *data, size_t n, struct cron_zone **ret, struct err *err)
{
    struct cursor c = {n > 0 ? data : NULL, n > 0 ? (const unsigned char *)data + n : NULL};
    struct table *t = xmalloc(sizeof *t);
    struct header h;
    size_t time_size = 4;
    int rc = read_header(&c, name, &h, err);

    if (rc == 0 && h.version > 1 && (size_t)(c.end - c.p) >= block_size(&h, 4)) {
        c.p += block_size(&h, 4);
        time_size = 8;
        rc = read_header(&c, name, &h, err);
    }
    if (rc == 0 && (size_t)(c.end - c.p) < block_size(&h, time_size))
        rc = no_zone(err, name, "its TZif file is cut off");
    if (rc == 0)
        rc = read_changes(&c, name, &h, time_size, t, err);
    if (rc == 0 && time_size == 8) {
        c.p += block_size(&h, 8);
        rc = read_footer(&c, name, t, err);
    }
    if (rc == 0)
        *ret = finish(name, t);
    free(t);
    return rc;
}

void cron_zone_free(struct cron_zone *z)
{
    if (z == NULL)
        return;
    free(z->name);
    free(z->spans);
    free(z);
}

/* One component of a name, spelled as the folder has it. */
static bool spell(const char *name, char *part)
{
    char *folder = xasprintf("%s/%.*s", ZONE_FOLDER, (int)(part - name), name);
    DIR *d = opendir(folder);
    const struct dirent *e;
    bool found = false;

    while (d != NULL && !found && (e = readdir(d)) != NULL)
        if (strcasecmp(e->d_name, part) == 0) {
            memcpy(part, e->d_name, strlen(part));
            found = true;
        }
    if (d != NULL)
        closedir(d);
    free(folder);
    return found;
}

/* Many write europe/berlin. */
static bool spell_all(char *name)
{
    bool found = true;

    for (char *part = name, *end; found && part != NULL; part = end) {
        end = strchr(part, '/');
        if (end != NULL)
            *end = '\0';
        found = spell(name, part);
        if (end != NULL)
            *end++ = '/';
    }
    return found;
}

static int unknown(const char *name, const char *shown, const char *path, struct err *err)
{
    char *right = xstrdup(name);

    err_set(err, ERR_CONFIG, "time zone '%s': %s cannot be read", shown, path);
    if (spell_all(right))
        err_hint(err, "it is written %s", right);
    else
        err_hint(err,
                 "names are as in the IANA database, letter case too: UTC, Europe/Berlin; the package is "
                 "tzdata");
    free(right);
    return -(int)ERR_CONFIG;
}

static bool name_fits(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= 64 && name[0] != '/' && name[n - 1] != '/' && strstr(name, "..") == NULL &&
           strstr(name, "//") == NULL &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == n;
}

int cron_zone_find(const char *name, const struct cron_zone **ret, struct err *err)
{
    static struct known {
        struct cron_zone *zone;
        struct known *next;
    } * all; /* as many as there are files below ZONE_FOLDER, at most */
    struct buf file = BUF_INIT(MAX_ZONE_FILE);
    struct cron_zone *zone = NULL;
    struct known *k;
    char shown[80], *path;
    int rc;

    *ret = NULL;
    if (strcmp(name, "UTC") == 0)
        return 0;
    for (k = all; k != NULL; k = k->next)
        if (strcmp(k->zone->name, name) == 0) {
            *ret = k->zone;
            return 0;
        }
    str_printable(name, strlen(name), shown, sizeof shown);
    if (!name_fits(name)) {
        no_zone(err, shown, "this is no name of a time zone");
        return err_hint(err, "names are as in the IANA database: UTC, Europe/Berlin, America/New_York");
    }
    path = fs_join(ZONE_FOLDER, name);
    rc = fs_read(path, &file, err);
    if (rc < 0) {
        rc = unknown(name, shown, path, err);
        goto out;
    }
    rc = cron_zone_parse(name, file.p, file.n, &zone, err);
    if (rc < 0)
        goto out;
    k = xmalloc(sizeof *k);
    *k = (struct known){zone, all};
    all = k;
    *ret = zone;
out:
    free(path);
    buf_release(&file);
    return rc < 0 ? -(int)err->code : 0;
}

const char *cron_zone_name(const struct cron_zone *z)
{
    return z != NULL ? z->name : "UTC";
}

size_t cron_zone_span(const struct cron_zone *z, int64_t utc_s)
{
    size_t low = 0, high = z->count; /* spans[low].start <= utc_s < spans[high].start */

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->spans[middle].start <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int cron_zone_offset(const struct cron_zone *z, int64_t utc_ms)
{
    return z == NULL ? 0 : z->spans[cron_zone_span(z, utc_ms / 1000 - (utc_ms % 1000 < 0))].offset;
}

int cron_zone_change(const struct cron_zone *z, int64_t after_ms, struct cron_change *ret)
{
    size_t i = z == NULL ? 0 : cron_zone_span(z, after_ms / 1000 - (after_ms % 1000 < 0)) + 1;

    if (z == NULL || i >= z->count)
        return 0;
    *ret = (struct cron_change){z->spans[i].start * 1000, z->spans[i - 1].offset, z->spans[i].offset};
    return 1;
}
