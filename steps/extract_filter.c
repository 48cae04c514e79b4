#include "base/civil.h"
#include "base/limits.h"
#include "steps/extract_sql_int.h"
#include <ctype.h>

static const struct column *column_at(const struct making *m, int at)
{
    return at >= 0 ? &m->def->columns[at] : NULL;
}

static bool is_temporal(const struct column *c)
{
    return c->type == COL_DATE || c->type == COL_DATETIME || c->type == COL_TIMESTAMP;
}

/* --- moments, as MySQL writes them --- */

static bool two_digits(const char **s, int most, int *ret)
{
    if (!isdigit((unsigned char)(*s)[0]) || !isdigit((unsigned char)(*s)[1]))
        return false;
    *ret = ((*s)[0] - '0') * 10 + ((*s)[1] - '0');
    *s += 2;
    return *ret <= most;
}

/* "2022-06-05", "2022-06-05 12:34", with seconds, and up to six digits of a fraction. *fraction: where they begin, or NULL. */
static bool read_moment(const char *s, struct civil *ret, const char **fraction)
{
    struct civil c = {0};
    int century = 0, year = 0;

    *fraction = NULL;
    if (!two_digits(&s, 99, &century) || !two_digits(&s, 99, &year) || *s++ != '-' ||
        !two_digits(&s, 12, &c.month) || *s++ != '-' || !two_digits(&s, 31, &c.day))
        return false;
    c.year = century * 100 + year;
    bool zero = c.year == 0 && c.month == 0 && c.day == 0; /* MySQL's own, and found in tables */
    if (!zero && !civil_valid(c.year, c.month, c.day))
        return false;
    *ret = c;
    if (*s == '\0')
        return true;
    if ((*s != ' ' && *s != 'T') || (s++, !two_digits(&s, 23, &c.hour)) || *s++ != ':' ||
        !two_digits(&s, 59, &c.minute))
        return false;
    if (*s == ':' && (s++, !two_digits(&s, 59, &c.second)))
        return false;
    if (*s == '.') {
        *fraction = ++s;
        while (isdigit((unsigned char)*s))
            s++;
        if (s == *fraction || s - *fraction > 6)
            return false;
    }
    *ret = c;
    return *s == '\0';
}

static int not_a_moment(const struct making *m, const char *what, const char *text, struct err *err)
{
    char shown[100];

    str_printable(text, strlen(text), shown, sizeof shown - 8);
    err_set(err, ERR_CONFIG, "%s: %s: '%s' is no date and no time", m->t->name, what, shown);
    return err_hint(err, "as MySQL writes them: 1995-05-05, or 1995-05-05 12:34:56");
}

/* The run's moment less so much. Microseconds stay as they are. */
static int moment_ago(const struct making *m, int64_t ago_ms, const char **ret, struct err *err)
{
    const char *fraction = NULL;
    char micro[8] = "000000", text[64];
    struct civil c = {0};

    if (m->w->now == NULL || !read_moment(m->w->now, &c, &fraction))
        return err_set(err, ERR_CONTRACT, "%s: the run's moment is not known", m->t->name);
    for (size_t i = 0; fraction != NULL && isdigit((unsigned char)fraction[i]); i++)
        micro[i] = fraction[i];
    c.ms = (micro[0] - '0') * 100 + (micro[1] - '0') * 10 + (micro[2] - '0');
    int64_t at = civil_to_ms(&c) - ago_ms;
    if (at < 0)
        return err_set(err, ERR_CONFIG, "%s: filters: so long ago is before 1970", m->t->name);
    c = civil_from_ms(at);
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.%03d%.3s", c.year, c.month, c.day, c.hour,
             c.minute, c.second, c.ms, micro + 3);
    *ret = arena_strndup(m->arena, text, strlen(text));
    return 0;
}

/* --- filters --- */

/* Digits, a point, a sign; and the digits before and behind the point. */
static bool is_plain_number(const char *s, size_t *whole, size_t *behind)
{
    s += *s == '-';
    *whole = strspn(s, "0123456789");
    s += *whole;
    *behind = 0;
    if (*s == '.' && *whole > 0) {
        *behind = strspn(++s, "0123456789");
        s += *behind;
    }
    return *s == '\0' && *whole > 0;
}

/*
 * MySQL compares a number with a text as doubles, and then 9007199254740993 is 9007199254740992; and takes a text that is no
 * number for 0. So numbers are bound as numbers, exactly, and anything else is refused.
 */
static int add_number(struct making *m, const struct column *c, const char *text, struct err *err)
{
    bool exact = c->type != COL_DOUBLE && c->type != COL_FLOAT;
    size_t whole, behind;
    struct err ignored;
    char as[40], shown[100];
    int64_t i;

    if (str_to_i64(str_of(text), INT64_MIN, INT64_MAX, &i, &ignored) == 0)
        return making_value(m, val_i64(i), err);
    if (!is_plain_number(text, &whole, &behind) || whole + behind > 65 || behind > 30) {
        str_printable(text, strlen(text), shown, sizeof shown - 8);
        err_set(err, ERR_CONFIG, "%s: filters: '%s' is no number, and %s is %s", m->t->name, shown, c->name,
                c->type_text != NULL ? c->type_text : "one");
        return err_hint(err, "up to 65 digits with a point, without an exponent");
    }
    if (!exact)
        return making_value(m, val_text(text), err);
    snprintf(as, sizeof as, " AS DECIMAL(65,%zu))", behind);
    int rc = making_add(m, "CAST(", err);
    if (rc == 0)
        rc = making_value(m, val_text(text), err);
    return rc == 0 ? making_add(m, as, err) : rc;
}

static int add_filter_value(struct making *m, const struct extract_filter *f, int at, const char *text,
                            struct err *err)
{
    const struct column *c = column_at(m, at);
    const char *fraction;
    struct civil ignored;

    if (c == NULL || f->is == IS_LIKE || f->is == IS_NOT_LIKE)
        return making_value(m, val_text(text), err);
    switch (c->type) {
    case COL_INT:
    case COL_DECIMAL:
    case COL_DOUBLE:
    case COL_FLOAT:
    case COL_YEAR:
    case COL_BIT:
        return add_number(m, c, text, err);
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
        if (!read_moment(text, &ignored, &fraction))
            return not_a_moment(m, f->column, text, err);
        return making_value(m, val_text(text), err);
    default:
        return making_value(m, val_text(text), err);
    }
}

static const char *const signs[] = {
    [IS_EQ] = " = ",   [IS_NE] = " != ",          [IS_LT] = " < ",        [IS_LE] = " <= ",
    [IS_GT] = " > ",   [IS_GE] = " >= ",          [IS_LIKE] = " LIKE ",   [IS_NOT_LIKE] = " NOT LIKE ",
    [IS_IN] = " IN (", [IS_NOT_IN] = " NOT IN (", [IS_NULL] = " IS NULL", [IS_NOT_NULL] = " IS NOT NULL",
};

/* Who writes != means "all but these", and thinks of no NULL. */
static int warn_of_nulls(struct making *m, const struct extract_filter *f, int at, struct err *err)
{
    const char *sign = f->is == IS_NE ? "!=" : f->is == IS_NOT_IN ? "NOT IN" : "NOT LIKE";
    const struct column *c = column_at(m, at);
    char name[140];

    if ((f->is != IS_NE && f->is != IS_NOT_IN && f->is != IS_NOT_LIKE) || (c != NULL && !c->nullable))
        return 0;
    for (size_t i = 0; i < m->t->filter_count; i++)
        if (m->t->filters[i].is == IS_NOT_NULL && strcmp(m->t->filters[i].column, f->column) == 0)
            return 0;
    str_printable(f->column, strlen(f->column), name, sizeof name - 8);
    return making_warn(
        m, err,
        "rows where %s is NULL fall out of %s, as in SQL; where they are wanted, say so in where: "
        "%s %s ... OR %s IS NULL",
        name, sign, name, sign, name);
}

static size_t value_count(const struct extract_filter *f)
{
    size_t n = 0;

    while (f->values != NULL && f->values[n] != NULL)
        n++;
    return n;
}

static int check_values(const struct making *m, const struct extract_filter *f, int at, struct err *err)
{
    const struct column *c = column_at(m, at);
    size_t n = value_count(f);
    bool none = f->is == IS_NULL || f->is == IS_NOT_NULL, many = f->is == IS_IN || f->is == IS_NOT_IN;

    if (f->ago_ms > 0 && c != NULL && !is_temporal(c)) {
        err_set(err, ERR_CONFIG, "%s: filters: %s is %s, which has no time to look back from", m->t->name,
                c->name, c->type_text != NULL ? c->type_text : "no time");
        return err_hint(err, "ago is for DATE, DATETIME and TIMESTAMP");
    }
    if (f->ago_ms > 0 && (none || many || f->is == IS_LIKE || f->is == IS_NOT_LIKE))
        return err_set(err, ERR_CONFIG, "%s: filters: %s: ago goes with = != < <= > >= alone", m->t->name,
                       f->column);
    if (f->ago_ms == 0 && (none ? n != 0 : many ? n == 0 : n != 1)) {
        err_set(err, ERR_CONFIG, "%s: filters: %s: %s", m->t->name, f->column,
                none     ? "no value goes with NULL"
                : n == 0 ? "a value is missing"
                         : "one value is wanted, not several");
        return err_hint(err, none   ? "\"is\": \"null\" alone"
                             : many ? "a list of one at least: of none it would be every row, or no row"
                                    : "several go with in and not-in; NULL with null and not-null");
    }
    return 0;
}

int making_filter(struct making *m, const struct extract_filter *f, struct err *err)
{
    const char *ago = NULL;
    int at = -1;
    int rc = making_find(m, "filters", f->column, &at, err);

    if (rc == 0)
        rc = check_values(m, f, at, err);
    if (rc == 0)
        rc = warn_of_nulls(m, f, at, err);
    if (rc == 0)
        rc = making_column(m, f->column, at, err);
    if (rc == 0)
        rc = making_add(m, signs[f->is], err);
    if (rc == 0 && f->ago_ms > 0) {
        const struct column *c = column_at(m, at);
        bool theirs = c != NULL && (c->type == COL_DATETIME || c->type == COL_DATE);
        rc = moment_ago(m, f->ago_ms - (theirs ? m->w->datetime_offset_s * 1000 : 0), &ago, err);
        if (rc == 0 && at >= 0 && column_at(m, at)->type == COL_DATE)
            rc = making_warn(m, err, "%s is a date, so it counts from its midnight when compared with %s",
                             f->column, ago);
        return rc == 0 ? making_value(m, val_text(ago), err) : rc;
    }
    for (size_t i = 0; rc == 0 && f->values != NULL && f->values[i] != NULL; i++) {
        rc = i > 0 ? making_add(m, ",", err) : 0;
        if (rc == 0)
            rc = add_filter_value(m, f, at, f->values[i], err);
    }
    if (rc == 0 && (f->is == IS_IN || f->is == IS_NOT_IN))
        rc = making_add(m, ")", err);
    return rc;
}

/* --- the window --- */

bool has_window(const struct making *m)
{
    return (m->w->from != NULL || m->w->to != NULL) && m->t->watermark != NULL && m->t->watermark[0] != NULL;
}

/* What a clock of the zone shows in which the application writes. */
static const char *in_their_zone(const struct making *m, const struct civil *utc, const char *fraction,
                                 const char **ret_fraction)
{
    struct civil c = civil_from_ms(civil_to_ms(utc) + m->w->datetime_offset_s * 1000);
    char text[64];
    int n = snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);

    if (fraction != NULL)
        snprintf(text + n, sizeof text - (size_t)n, ".%.6s", fraction);
    const char *kept = arena_strndup(m->arena, text, strlen(text));
    *ret_fraction = fraction != NULL ? kept + n + 1 : NULL;
    return kept;
}

/*
 * An end of the window, with no more digits than the column has; both ends are cut in the same way, so that windows still
 * meet without a gap. DATE: its rows of today have the midnight that is over, and more of them come until the day is: cut to
 * the date, they are all in the window that ends tomorrow. TIMESTAMP: what is written at 12:00:00.7 is 12:00:00 there, and
 * would be lost to a window that ended at 12:00:00.5.
 */
static int window_end(const struct making *m, const struct column *c, const char *text, struct val *ret,
                      struct err *err)
{
    const char *fraction = NULL;
    struct civil civil;

    if (!read_moment(text, &civil, &fraction))
        return not_a_moment(m, "the window", text, err);
    if (m->w->datetime_offset_s != 0 && c != NULL && (c->type == COL_DATETIME || c->type == COL_DATE))
        text = in_their_zone(m, &civil, fraction, &fraction);
    size_t n = strlen(text);
    if (c != NULL && c->type == COL_DATE)
        n = strlen("2022-06-05");
    else if (c != NULL && fraction != NULL && c->fsp == 0)
        n = (size_t)(fraction - text) - 1;
    else if (c != NULL && fraction != NULL && strlen(fraction) > (size_t)c->fsp)
        n = (size_t)(fraction - text) + (size_t)c->fsp;
    *ret = val_text(arena_strndup(m->arena, text, n));
    return 0;
}

static int check_watermark(const struct making *m, const char *name, int at, struct err *err)
{
    const struct column *c = column_at(m, at);

    if (c == NULL || is_temporal(c))
        return 0;
    err_set(err, ERR_CONFIG, "%s: watermark: %s is %s", m->t->name, name,
            c->type_text != NULL ? c->type_text : "of another type");
    return err_hint(err, "a watermark is a DATE, DATETIME or TIMESTAMP that is set at every change; a table "
                         "without one is extracted in full");
}

static int one_watermark(struct making *m, const char *name, int at, struct err *err)
{
    const struct column *c = column_at(m, at);
    struct val from = {0}, to = {0};
    int rc = m->w->from != NULL ? window_end(m, c, m->w->from, &from, err) : 0;

    if (rc == 0 && m->w->to != NULL)
        rc = window_end(m, c, m->w->to, &to, err);
    if (rc == 0)
        rc = making_add(m, "(", err);
    if (rc == 0 && m->w->from != NULL) {
        rc = making_column(m, name, at, err);
        if (rc == 0)
            rc = making_add(m, " >= ", err);
        if (rc == 0)
            rc = making_value(m, from, err);
    }
    if (rc == 0 && m->w->from != NULL && m->w->to != NULL)
        rc = making_add(m, " AND ", err);
    if (rc == 0 && m->w->to != NULL) {
        rc = making_column(m, name, at, err);
        if (rc == 0)
            rc = making_add(m, " < ", err);
        if (rc == 0)
            rc = making_value(m, to, err);
    }
    return rc == 0 ? making_add(m, ")", err) : rc;
}

int making_window(struct making *m, struct err *err)
{
    bool all_nullable = true, open = has_window(m);
    char names[300] = "";
    size_t n = 0, length = 0;
    int rc = open && m->t->watermark[1] != NULL ? making_add(m, "(", err) : 0;

    for (; rc == 0 && m->t->watermark != NULL && m->t->watermark[n] != NULL; n++) {
        const char *name = m->t->watermark[n];
        int at = -1;
        rc = making_find(m, "watermark", name, &at, err);
        if (rc == 0)
            rc = check_watermark(m, name, at, err);
        if (rc < 0 || !open)
            continue;
        all_nullable = all_nullable && at >= 0 && column_at(m, at)->nullable;
        if (length < sizeof names)
            length +=
                (size_t)snprintf(names + length, sizeof names - length, "%s%s", n > 0 ? " and " : "", name);
        rc = n > 0 ? making_add(m, " OR ", err) : 0;
        if (rc == 0)
            rc = one_watermark(m, name, at, err);
    }
    if (rc == 0 && open && n > 1)
        rc = making_add(m, ")", err);
    if (rc == 0 && open && all_nullable)
        rc = making_warn(m, err, "rows where %s %s NULL are in no window", names, n > 1 ? "are" : "is");
    return rc;
}
