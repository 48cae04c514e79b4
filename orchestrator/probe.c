#include "orchestrator/probe.h"
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/inflate.h"
#include <fnmatch.h>

enum { LOOK_AT = 5000, PEEK = 256 * 1024, DATE_RECORDS = 10000 };

static const struct {
    const char *layout;
    enum period period;
} layouts[] = {
    {"yyyy=%Y/mm=%m/dd=%d/hh=%H/", PERIOD_HOUR},
    {"year=%Y/month=%m/day=%d/hour=%H/", PERIOD_HOUR},
    {"dt=%Y-%m-%d/hour=%H/", PERIOD_HOUR},
    {"dt=%Y-%m-%d/hh=%H/", PERIOD_HOUR},
    {"%Y/%m/%d/%H/", PERIOD_HOUR},
    {"%Y-%m-%d/%H/", PERIOD_HOUR},
    {"yyyy=%Y/mm=%m/dd=%d/", PERIOD_DAY},
    {"year=%Y/month=%m/day=%d/", PERIOD_DAY},
    {"dt=%Y-%m-%d/", PERIOD_DAY},
    {"date=%Y-%m-%d/", PERIOD_DAY},
    {"%Y/%m/%d/", PERIOD_DAY},
    {"%Y-%m-%d/", PERIOD_DAY},
};

void probe_release(struct probe *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->names[i]);
    free(p->names);
    free(p->dates);
    free(p->key);
    free(p->prefix);
    *p = (struct probe){0};
}

static const char *digits(const char *at, int n, int *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++, at++) {
        if (*at < '0' || *at > '9')
            return NULL;
        *ret = *ret * 10 + (*at - '0');
    }
    return at;
}

/* Reads the layout's %Y %m %d %H out of text; the answer is proved by printing it again. */
static bool reads_as(const char *text, const char *layout, enum period period, int64_t *ret_start_ms)
{
    struct civil c = {.year = -1, .month = 1, .day = 1};
    char again[PREFIX_SIZE];
    struct err ignored;
    const char *at = text;

    for (const char *l = layout; *l != '\0' && at != NULL; l++) {
        if (*l != '%' || l[1] == '\0' || l[1] == '%') {
            l += *l == '%' && l[1] == '%';
            at = *at == *l ? at + 1 : NULL;
            continue;
        }
        switch (*++l) {
        case 'Y':
            at = digits(at, 4, &c.year);
            break;
        case 'm':
            at = digits(at, 2, &c.month);
            break;
        case 'd':
            at = digits(at, 2, &c.day);
            break;
        case 'H':
            at = digits(at, 2, &c.hour);
            break;
        default:
            return false;
        }
    }
    if (at == NULL || c.year < 0 || !civil_valid(c.year, c.month, c.day) || c.hour > 23)
        return false;
    *ret_start_ms = period_floor(period, civil_to_ms(&c));
    return part_prefix(layout, *ret_start_ms, again, &ignored) == 0 &&
           strncmp(text, again, strlen(again)) == 0;
}

bool probe_layout(const char *key, const char *layout, enum period period, size_t *ret_prefix,
                  int64_t *ret_start_ms)
{
    for (const char *at = key; at != NULL && *at != '\0';
         at = strchr(at, '/'), at = at != NULL ? at + 1 : NULL)
        if (reads_as(at, layout, period, ret_start_ms)) {
            *ret_prefix = (size_t)(at - key);
            return true;
        }
    return false;
}

bool probe_fits(const char *key, const char *prefix, const char *layout, enum period period)
{
    int64_t start;

    return str_starts(key, prefix) && reads_as(key + strlen(prefix), layout, period, &start);
}

const char *probe_suggest(const char *key, size_t *ret_prefix)
{
    int64_t start;

    for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
        if (probe_layout(key, layouts[i].layout, layouts[i].period, ret_prefix, &start))
            return layouts[i].layout;
    return NULL;
}

struct search {
    struct probe *found;
    const struct pipeline *p;
    const char *layout;
    struct object_info object; /* strings owned, once found */
};

static bool is_included(const struct pipeline *p, const char *key)
{
    const char *slash = strrchr(key, '/'), *last = slash != NULL ? slash + 1 : key;

    for (const char *const *g = p->include; *g != NULL; g++)
        if (fnmatch(*g, strchr(*g, '/') != NULL ? key : last, 0) == 0)
            return true;
    return false;
}

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct search *s = arg;
    struct probe *f = s->found;
    size_t before = 0;

    if (++f->listed > LOOK_AT)
        return err_set(err, ERR_CANCELLED, "looked at enough");
    if (!is_included(s->p, o->key) || o->size == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(layouts) && f->key == NULL; i++) {
        const char *layout = s->layout != NULL ? s->layout : layouts[i].layout;
        enum period period = s->layout == NULL      ? layouts[i].period
                             : strstr(layout, "%H") ? PERIOD_HOUR
                                                    : PERIOD_DAY;
        if (!probe_layout(o->key, layout, period, &before, &f->start_ms))
            continue;
        f->key = xstrdup(o->key);
        f->prefix = xstrndup(o->key, before);
        f->layout = layout;
        f->period = period;
    }
    if (f->key == NULL)
        return 0;
    s->object = *o;
    s->object.key = f->key;
    s->object.etag = xstrdup(o->etag != NULL ? o->etag : "");
    s->object.version_id = o->version_id != NULL ? xstrdup(o->version_id) : NULL;
    return err_set(err, ERR_CANCELLED, "found");
}

/* "31/12/2022", with a time of day or without. */
static bool date_like(struct csv_field f, struct probe_date *d)
{
    static const struct {
        const char *form, *time;
    } forms[] = {{"##?##?####", ""}, {"##?##?#### ##:##", " %H:%M"}, {"##?##?#### ##:##:##", " %H:%M:%S"}};

    for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
        const char *form = forms[k].form;
        bool fits = f.n == strlen(form) && strchr("/.-", f.p[2]) != NULL && f.p[5] == f.p[2];
        for (size_t i = 0; fits && i < f.n; i++)
            fits = form[i] == '?' || (form[i] == '#' ? f.p[i] >= '0' && f.p[i] <= '9' : f.p[i] == form[i]);
        if (!fits)
            continue;
        d->sign = f.p[2];
        d->time = forms[k].time;
        d->day_first = (f.p[0] - '0') * 10 + (f.p[1] - '0') > 12;
        d->day_second = (f.p[3] - '0') * 10 + (f.p[4] - '0') > 12;
        snprintf(d->example, sizeof d->example, "%.*s", (int)f.n, f.p);
        return true;
    }
    return false;
}

/* Of the records that follow the header, as far as what was read of the object goes. */
static void look_for_dates(struct csv *csv, struct probe *ret)
{
    struct csv_record rec;
    struct err ignored; /* what was read ends somewhere, in a packed file within a block */

    for (int i = 0; i < DATE_RECORDS && csv_next(csv, &rec, &ignored) > 0; i++)
        for (size_t k = 0; rec.code == CSV_GOOD && k < rec.count && k < ret->count; k++) {
            struct probe_date *d = &ret->dates[k], here;
            if (!date_like(rec.fields[k], &here) || (d->example[0] != '\0' && d->sign != here.sign))
                continue;
            here.day_first = here.day_first || d->day_first;
            here.day_second = here.day_second || d->day_second;
            if (d->example[0] == '\0')
                *d = here;
            d->day_first = here.day_first;
            d->day_second = here.day_second;
        }
}

/* The first record of the object, as the pipeline's dialect reads it: names of the header, or "1", "2", ... */
static int probe_header(struct source *s, const struct pipeline *p, const struct object_info *o,
                        struct probe *ret, struct err *err)
{
    struct buf bytes = BUF_INIT(PEEK + 1);
    struct memory_reader memory = memory_reader(NULL, 0, SIZE_MAX);
    struct reader *in = NULL;
    struct csv *csv = NULL;
    struct csv_record rec = {0};
    int rc = source_peek(s, o, PEEK, &bytes, err);

    if (rc < 0)
        goto out;
    memory.p = bytes.p;
    memory.n = bytes.n;
    rc = inflate_open(&memory.reader, &in, err);
    if (rc == 0)
        rc = csv_open(in, &p->dialect, &csv, err);
    if (rc == 0)
        rc = csv_next(csv, &rec, err);
    if (rc == 0)
        rc = err_set(err, ERR_BAD_CSV, "%s is empty", o->key);
    if (rc > 0 && rec.code != CSV_GOOD)
        rc = err_set(err, ERR_BAD_CSV, "%s line %lld: %s", o->key, (long long)rec.line, rec.message);
    if (rc < 0)
        goto out;
    ret->names = xcalloc(rec.count + 1, sizeof *ret->names);
    ret->count = rec.count;
    for (size_t i = 0; i < rec.count; i++)
        ret->names[i] =
            p->convert.header ? xstrndup(rec.fields[i].p, rec.fields[i].n) : xasprintf("%zu", i + 1);
    ret->dates = xcalloc(rec.count + 1, sizeof *ret->dates);
    look_for_dates(csv, ret);
    rc = 0;
out:
    csv_close(csv);
    buf_release(&bytes);
    return rc;
}

int probe_source(struct source *s, const struct pipeline *p, const char *layout, struct probe *ret,
                 struct err *err)
{
    struct search search = {.found = ret, .p = p, .layout = layout};
    int rc = source_list(s, p->prefix, on_object, &search, err);

    if (rc < 0 && err->code == ERR_CANCELLED)
        rc = 0;
    if (rc == 0 && ret->key == NULL) {
        rc = err_set(err, ERR_NOT_FOUND, "%zu objects seen, none of them *.csv in a partition that is known",
                     ret->listed);
        err_hint(err, "--layout 'day=%%Y%%m%%d/%%H/' tells the form; --from may name a folder further down");
    }
    if (rc == 0)
        rc = probe_header(s, p, &search.object, ret, err);
    free((char *)(uintptr_t)search.object.etag);
    free((char *)(uintptr_t)search.object.version_id);
    return rc;
}
