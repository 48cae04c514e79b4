#include "base/str.h"
#include "cron/read_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199 };

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const struct cron_range eventbridge_ranges[FIELD_COUNT] = {
    {"minutes", 0, 59, NULL, 0, 0},         {"hours", 0, 23, NULL, 0, 0},
    {"day of month", 1, 31, NULL, 0, 0},    {"month", 1, 12, month_names, 12, 1},
    {"day of week", 1, 7, day_names, 7, 1}, {"year", FIRST_YEAR, LAST_YEAR, NULL, 0, 0},
};
static const struct cron_range crontab_ranges[FIELD_COUNT] = {
    {"minute", 0, 59, NULL, 0, 0},          {"hour", 0, 23, NULL, 0, 0},
    {"day of month", 1, 31, NULL, 0, 0},    {"month", 1, 12, month_names, 12, 1},
    {"day of week", 0, 7, day_names, 7, 0}, {"year", FIRST_YEAR, LAST_YEAR, NULL, 0, 0},
};

const struct cron_range *cron_range(enum cron_kind kind, enum cron_field field)
{
    return kind == CRON_CRONTAB ? &crontab_ranges[field] : &eventbridge_ranges[field];
}

/* The text being read; errors name the field and the column. */
struct scan {
    const char *text, *p;
    const struct cron_range *range; /* NULL outside the fields */
    enum cron_field field;
    struct cron_text *to;
    int count; /* items so far */
};

static int refuse(const struct scan *s, const char *at, struct err *err, const char *fmt, ...) PRINTF(4, 5);
static int refuse(const struct scan *s, const char *at, struct err *err, const char *fmt, ...)
{
    char why[400], shown[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    str_printable(s->text, strlen(s->text), shown, 130);
    return err_set(err, ERR_CONFIG, "schedule '%s': %s%scolumn %d: %s", shown, s->range ? s->range->name : "",
                   s->range ? ", " : "", (int)(at - s->text) + 1, why);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool ends_field(const struct scan *s)
{
    return *s->p == '\0' || is_blank(*s->p) || (s->to->kind == CRON_EVENTBRIDGE && *s->p == ')');
}

/* What stands where it may not, as a person would name it. */
static int unexpected(const struct scan *s, struct err *err)
{
    char shown[16];

    if (*s->p == '\0' || is_blank(*s->p))
        return refuse(s, s->p, err, "a number%s is expected", s->range->names != NULL ? " or a name" : "");
    str_printable(s->p, 1, shown, sizeof shown);
    if (*s->p == '?' && s->to->kind == CRON_EVENTBRIDGE)
        return refuse(s, s->p, err, "'?' stands alone, and only for day of month or day of week");
    if (*s->p == '?' || (is_one_of(*s->p, "LlWw#") && s->to->kind == CRON_CRONTAB)) {
        refuse(s, s->p, err, "'%s' is EventBridge's; crontab knows none", shown);
        return err_hint(err, *s->p == '?' ? "write '*'"
                                          : "cron(minutes hours day month weekday year) has L, W and #");
    }
    if (is_one_of(*s->p, "LlWw"))
        return refuse(s, s->p, err, "'%s' belongs to day of month%s", shown,
                      is_one_of(*s->p, "Ll") ? " or day of week, behind nothing but a day"
                                             : ", behind one day");
    if (*s->p == '#')
        return refuse(s, s->p, err, "'#' belongs to day of week, behind one day");
    return refuse(s, s->p, err, "'%s' is not expected here", shown);
}

/* Digits, leading zeros allowed as cron does. */
static int read_number(struct scan *s, int min, int max, int *ret, struct err *err)
{
    const char *start = s->p;
    int v = 0;

    if (!is_digit(*s->p))
        return unexpected(s, err);
    for (; is_digit(*s->p); s->p++)
        v = v > 9999 ? v : v * 10 + (*s->p - '0');
    if (v < min || v > max)
        return refuse(s, start, err, "'%.*s' is outside %d to %d",
                      s->p - start > 20 ? 20 : (int)(s->p - start), start, min, max);
    *ret = v;
    return 0;
}

/* A number, or a name of the field. */
static int read_value(struct scan *s, int *ret, bool *ret_named, struct err *err)
{
    const struct cron_range *r = s->range;
    int length = 0;

    *ret_named = false;
    if (!is_letter(*s->p) || (is_one_of(*s->p, "LlWw") && !is_letter(s->p[1])))
        return read_number(s, r->min, r->max, ret, err);
    while (is_letter(s->p[length]))
        length++;
    /* FRIL: the last Friday */
    int name = length == 4 && is_one_of(s->p[3], "Ll") && s->field == FIELD_WEEKDAY ? 3 : length;
    for (int i = 0; i < r->name_count; i++)
        if (name == 3 && strncasecmp(s->p, r->names[i], 3) == 0) {
            s->p += 3;
            *ret = r->first_name + i;
            *ret_named = true;
            return 0;
        }
    if (strncasecmp(s->p, "LW", 2) == 0)
        return unexpected(s, err);
    return refuse(s, s->p, err, "'%.*s' is not a name of this field%s%s", length > 40 ? 40 : length, s->p,
                  r->names == NULL ? ", which has numbers only" : "; names are as ",
                  r->names == NULL ? "" : r->names[1]);
}

/* Day of month L, LW, L-3 and L-3W; day of week L. */
static int read_last(struct scan *s, struct cron_item *it, struct err *err)
{
    int rc = 0;

    s->p++;
    it->kind = ITEM_LAST;
    if (s->field == FIELD_WEEKDAY)
        return 0;
    if (*s->p == '-') {
        s->p++;
        rc = read_number(s, 1, 30, &it->n, err);
    }
    it->near = rc == 0 && is_one_of(*s->p, "Ww");
    s->p += it->near;
    return rc;
}

/* What EventBridge has behind a value: 3W, 6L, 3#2. */
static int read_suffix(struct scan *s, struct cron_item *it, struct err *err)
{
    if (s->field == FIELD_DAY && is_one_of(*s->p, "Ww")) {
        it->kind = ITEM_NEAR;
        s->p++;
    } else if (s->field == FIELD_WEEKDAY && is_one_of(*s->p, "Ll")) {
        it->kind = ITEM_LAST_ON;
        s->p++;
    } else if (s->field == FIELD_WEEKDAY && *s->p == '#') {
        it->kind = ITEM_NTH;
        s->p++;
        return read_number(s, 1, 5, &it->n, err);
    }
    return 0;
}

static int backwards(const struct scan *s, const struct cron_item *it, struct err *err)
{
    const char *at = s->text + it->column - 1;

    if (s->field == FIELD_YEAR)
        return refuse(s, at, err, "the range runs backwards");
    int last = s->field == FIELD_WEEKDAY ? 6 : s->range->max;
    char from[32], to[32];
    snprintf(from, sizeof from, it->from < last ? "%d-%d" : "%d", it->from, last);
    snprintf(to, sizeof to, it->to > s->range->min ? "%d-%d" : "%d", s->range->min, it->to);
    refuse(s, at, err, "the range runs backwards: cron accepts it, and it never fires");
    return err_hint(err, "write %s,%s", from, to);
}

static int read_step(struct scan *s, struct cron_item *it, struct err *err)
{
    if (it->kind == ITEM_VALUE && s->to->kind == CRON_CRONTAB) {
        int digits = (int)strspn(s->p + 1, "0123456789");
        refuse(s, s->p, err, "a step needs '*' or a range before it");
        return err_hint(err, "write %d-%d/%.*s", it->from, s->range->max,
                        digits > 0 && digits < 5 ? digits : 3, digits > 0 && digits < 5 ? s->p + 1 : "...");
    }
    if (it->kind != ITEM_STAR && it->kind != ITEM_RANGE && it->kind != ITEM_VALUE)
        return unexpected(s, err);
    s->p++;
    if (!is_digit(*s->p))
        return refuse(s, s->p, err, "a step is a number from 1 to 9999");
    const char *start = s->p;
    it->no_step = it->kind == ITEM_VALUE && !is_digit(start[strspn(start, "0")]);
    if (read_number(s, it->no_step ? 0 : 1, 9999, &it->step, err) < 0)
        return refuse(s, start, err, "a step is a number from 1 to 9999");
    if (it->kind == ITEM_VALUE && !it->no_step) {
        it->kind = ITEM_FROM;
        it->to = s->range->max;
    }
    return 0;
}

/* One item of a list. */
static int read_item(struct scan *s, struct cron_item *it, struct err *err)
{
    bool eventbridge = s->to->kind == CRON_EVENTBRIDGE, named;
    int rc = 0;

    *it = (struct cron_item){.kind = ITEM_VALUE, .column = (int)(s->p - s->text) + 1};
    if (*s->p == '*') {
        it->kind = ITEM_STAR;
        it->from = s->range->min;
        it->to = s->range->max;
        s->p++;
    } else if (eventbridge && is_one_of(*s->p, "Ll") && (!is_letter(s->p[1]) || is_one_of(s->p[1], "Ww")) &&
               (s->field == FIELD_DAY || (s->field == FIELD_WEEKDAY && !is_letter(s->p[1])))) {
        return read_last(s, it, err);
    } else {
        rc = read_value(s, &it->from, &it->named, err);
        it->to = it->from;
        if (rc == 0 && eventbridge)
            rc = read_suffix(s, it, err);
        if (rc == 0 && it->kind == ITEM_VALUE && *s->p == '-') {
            s->p++;
            it->kind = ITEM_RANGE;
            rc = read_value(s, &it->to, &named, err);
        }
    }
    if (rc == 0 && *s->p == '/')
        rc = read_step(s, it, err);
    /* EventBridge wraps around; years end */
    if (rc == 0 && it->kind == ITEM_RANGE && it->from > it->to && (!eventbridge || s->field == FIELD_YEAR))
        rc = backwards(s, it, err);
    return rc;
}

static bool stands_alone(const struct scan *s, const struct cron_item *it)
{
    return (it->kind == ITEM_LAST && s->field == FIELD_WEEKDAY) || it->kind == ITEM_NEAR ||
           it->kind == ITEM_LAST_ON || it->kind == ITEM_NTH;
}

/* What the item that was just read may not stand beside. */
static int check_list(const struct scan *s, int first, struct err *err)
{
    const struct cron_item *all = s->to->items + first, *it = s->to->items + s->count - 1;

    if ((stands_alone(s, it) && (*s->p == ',' || it > all)) || (it > all && stands_alone(s, all)))
        return refuse(s, s->text + it->column - 1, err, "%s in their field",
                      s->field == FIELD_DAY ? "days with W stand alone" : "L and # stand alone");
    for (; it->kind == ITEM_LAST && all < it; all++)
        if (all->kind == ITEM_LAST)
            return refuse(s, s->text + it->column - 1, err, "a list has one L at most");
    return 0;
}

/* cron takes what follows the last item it understands for the command, which people find out on a Monday. */
static int swallowed(struct scan *s, struct err *err)
{
    int weekday = s->to->items[s->count - 1].to, nth = s->p[1] - '0';
    char shown[100];

    str_printable(s->p, strlen(s->p), shown, 80);
    refuse(s, s->p, err, "cron knows no '#': it would run '%s' as a command whenever the rest matches",
           shown);
    return err_hint(err, "EventBridge has it, and counts from 1 for Sunday: cron(0 0 ? * %d#%d *)",
                    weekday % 7 + 1, nth >= 1 && nth <= 5 ? nth : 1);
}

/* A field: items between commas. */
static int read_field(struct scan *s, struct err *err)
{
    struct cron_text *t = s->to;
    int first = s->count;

    t->column[s->field] = (int)(s->p - s->text) + 1;
    t->star[s->field] = *s->p == '*';
    if (t->kind == CRON_EVENTBRIDGE && (s->field == FIELD_DAY || s->field == FIELD_WEEKDAY) && *s->p == '?') {
        t->items[s->count++] = (struct cron_item){.kind = ITEM_QUERY, .column = t->column[s->field]};
        s->p++;
        return ends_field(s) ? 0 : refuse(s, s->p - 1, err, "'?' stands alone");
    }
    for (;;) {
        struct cron_item *it = &t->items[s->count];
        int rc = read_item(s, it, err);
        if (rc < 0)
            return rc;
        s->count++;
        if ((rc = check_list(s, first, err)) < 0)
            return rc;
        if (*s->p != ',')
            break;
        s->p++;
    }
    if (ends_field(s))
        return 0;
    if (*s->p == '#' && t->kind == CRON_CRONTAB && s->field == FIELD_WEEKDAY)
        return swallowed(s, err);
    return unexpected(s, err);
}

static int read_fields(struct scan *s, int count, struct err *err)
{
    for (int i = 0; i < count; i++) {
        while (is_blank(*s->p))
            s->p++;
        s->field = (enum cron_field)i;
        s->range = cron_range(s->to->kind, s->field);
        if (*s->p == '\0' || (s->to->kind == CRON_EVENTBRIDGE && *s->p == ')'))
            return refuse(s, s->p, err, "missing: %d fields are needed, not %d", count, i);
        s->to->first[i] = s->count;
        int rc = read_field(s, err);
        if (rc < 0)
            return rc;
    }
    for (int i = count; i <= FIELD_COUNT; i++)
        s->to->first[i] = s->count;
    s->range = NULL;
    while (is_blank(*s->p))
        s->p++;
    return 0;
}

static int read_eventbridge(struct scan *s, struct err *err)
{
    const struct cron_text *t = s->to;

    s->p = s->text + strlen("cron(");
    int rc = read_fields(s, FIELD_COUNT, err);
    if (rc < 0)
        return rc;
    if (s->p[0] != ')' || s->p[1] != '\0')
        return refuse(s, s->p, err, "')' and the end are expected after the sixth field");
    bool day = t->items[t->first[FIELD_DAY]].kind == ITEM_QUERY;
    bool weekday = t->items[t->first[FIELD_WEEKDAY]].kind == ITEM_QUERY;
    if (day != weekday)
        return 0;
    refuse(s, s->text + t->column[FIELD_WEEKDAY] - 1, err,
           "exactly one of day of month (column %d) and day of week must be '?'", t->column[FIELD_DAY]);
    return err_hint(err, "write '?' in the one that does not matter: cron(0 1 * * ? *)");
}

/* Text behind the expression is what cron would run. */
static int trailing(struct scan *s, struct err *err)
{
    size_t word = strcspn(s->p, " \t");
    bool field = strspn(s->p, "0123456789*?/,-") == word;
    char shown[100];

    str_printable(s->p, strlen(s->p), shown, 80);
    if (s->to->nickname != NULL)
        return refuse(s, s->p, err, "nothing follows a name; cron would run '%s' as a command", shown);
    refuse(s, s->p, err, "a crontab expression has five fields; cron would run '%s' as a command", shown);
    if (field)
        return err_hint(err, "six fields are EventBridge's: cron(minutes hours day month weekday year)");
    if (strchr(s->p, '%') != NULL)
        return err_hint(
            err, "a schedule has no command; in a crontab '%%' also ends the line, unless written \\%%");
    return err_hint(err, "a schedule has no command");
}

/* Six fields that lack nothing but the cron(...) around them. */
static void hint_eventbridge(const char *text, struct err *err)
{
    char whole[CRON_MAX_TEXT + sizeof "cron()"];
    struct cron_text to;
    struct err ignored;

    snprintf(whole, sizeof whole, "cron(%s)", text);
    if (cron_read(whole, &to, &ignored) == 0)
        err_hint(err, "it is EventBridge's where cron(...) is around it: %.150s", whole);
}

static int read_crontab(struct scan *s, struct err *err)
{
    int rc = read_fields(s, 5, err);

    if (rc == 0 && *s->p != '\0')
        rc = trailing(s, err);
    if (rc < 0)
        hint_eventbridge(s->text, err);
    if (rc < 0 && err->hint[0] == '\0')
        err_hint(err, "a schedule is cron(0/5 * * * ? *), rate(5 minutes) or */5 * * * *");
    return rc;
}

static int read_nickname(struct scan *s, struct err *err)
{
    static const struct {
        const char *name, *fields;
    } nicknames[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                     {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                     {"@annually", "0 0 1 1 *"}};
    size_t n = strcspn(s->text, " \t");

    for (size_t i = 0; i < ARRAY_LEN(nicknames); i++) {
        if (n != strlen(nicknames[i].name) || strncmp(s->text, nicknames[i].name, n) != 0)
            continue;
        struct scan fields = {.text = nicknames[i].fields, .p = nicknames[i].fields, .to = s->to};
        int rc = read_fields(&fields, 5, err);
        s->to->nickname = nicknames[i].name;
        for (s->p = s->text + n; is_blank(*s->p); s->p++)
            ;
        return rc == 0 && *s->p != '\0' ? trailing(s, err) : rc;
    }
    if (n == strlen("@reboot") && strncmp(s->text, "@reboot", n) == 0)
        return refuse(s, s->text, err,
                      "@reboot is no moment; the first tick after a reboot takes up what is due");
    return refuse(s, s->text, err,
                  "the names are @hourly @daily @midnight @weekly @monthly @yearly @annually");
}

static int read_rate(struct scan *s, struct err *err)
{
    static const struct {
        const char *one, *more;
        int64_t ms;
    } units[] = {{"minute", "minutes", 60000}, {"hour", "hours", 3600000}, {"day", "days", 86400000}};
    const char *start = s->text + strlen("rate(");
    int64_t v = 0;
    int digits = 0;

    for (s->p = start; is_digit(*s->p); s->p++)
        if (++digits <= 8)
            v = v * 10 + (*s->p - '0');
    if (digits == 0 || digits > 8 || v < 1)
        return refuse(s, start, err, "rate(value unit): the value is a number from 1 to 99999999");
    if (*s->p != ' ')
        return refuse(s, s->p, err, "rate(value unit): one blank and a unit are expected");
    s->p++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        const char *unit = v == 1 ? units[i].one : units[i].more,
                   *other = v == 1 ? units[i].more : units[i].one;
        size_t n = strlen(unit);
        if (strncmp(s->p, unit, n) == 0 && strcmp(s->p + n, ")") == 0) {
            s->to->value = v;
            s->to->unit = units[i].one;
            s->to->unit_ms = units[i].ms;
            return 0;
        }
        if (strncmp(s->p, other, strlen(other)) == 0 && strcmp(s->p + strlen(other), ")") == 0)
            return refuse(s, s->p, err, "with %lld the unit is written '%s'", (long long)v, unit);
    }
    return refuse(s, s->p, err, "the unit is minute(s), hour(s) or day(s) in small letters, followed by ')'");
}

int cron_read(const char *text, struct cron_text *ret, struct err *err)
{
    struct scan s = {.text = text, .p = text, .to = ret};

    memset(ret, 0, sizeof *ret);
    ret->text = text;
    ret->kind = CRON_CRONTAB;
    if (strlen(text) > CRON_MAX_TEXT)
        return err_set(err, ERR_CONFIG, "schedule '%.60s...' is longer than %d bytes", text, CRON_MAX_TEXT);
    if (str_starts(text, "rate(")) {
        ret->kind = CRON_RATE;
        return read_rate(&s, err);
    }
    if (str_starts(text, "cron(")) {
        ret->kind = CRON_EVENTBRIDGE;
        return read_eventbridge(&s, err);
    }
    if (str_starts(text, "at(")) {
        refuse(&s, text, err, "at(...) is one moment, and a pipeline looks again and again");
        return err_hint(err, "orch run PIPELINE looks now");
    }
    return text[0] == '@' ? read_nickname(&s, err) : read_crontab(&s, err);
}
