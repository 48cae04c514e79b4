/* What verify: full knows besides: least and greatest values, and a checksum of every cell with its line. */
#include "base/mem.h"
#include "io/real.h"
#include "io/sums_int.h"

struct full *sums_full(struct col_sum *c)
{
    if (c->full == NULL)
        c->full = xcalloc(1, sizeof *c->full);
    return c->full;
}

bool has_extremes(const struct column *c)
{
    switch (c->type) {
    case COL_INT:
    case COL_YEAR:
    case COL_DOUBLE:
    case COL_FLOAT:
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
        return true;
    case COL_DECIMAL:
        return sum_kind_of(c) == SUM_NUMBER;
    case COL_TEXT: /* their order is a matter of the collation */
    case COL_BINARY:
    case COL_TIME:
    case COL_BIT:
    case COL_UNSUPPORTED:
        break;
    }
    return false;
}

static int compare_numbers(const char *a, const char *b)
{
    struct dec256 d = {{0}};
    struct err err;
    char minus[EXTREME_SIZE + 1];

    /* a - b, by their texts: [-]digits[.digits] */
    if (b[0] == '-')
        snprintf(minus, sizeof minus, "%s", b + 1);
    else
        snprintf(minus, sizeof minus, "-%s", b);
    if (dec256_add_text(&d, str_of(a), &err) < 0 || dec256_add_text(&d, str_of(minus), &err) < 0)
        return strcmp(a, b);
    static const struct dec256 zero;
    return dec256_equal(&d, &zero) ? 0 : d.w[3] >> 63 != 0 ? -1 : 1;
}

static double number(const char *text)
{
    struct decimal d;

    return decimal_scan(text, strlen(text), &d) == DECIMAL_BAD ? 0 : decimal_to_double(&d);
}

static int compare_values(const struct column *c, const char *a, const char *b)
{
    if (sum_kind_of(c) == SUM_NUMBER)
        return compare_numbers(a, b);
    if (sum_kind_of(c) == SUM_DOUBLE)
        return number(a) < number(b) ? -1 : number(a) > number(b);
    return strcmp(a, b); /* dates: their text has their order */
}

void full_extreme(struct full *f, const struct column *c, struct str value)
{
    char text[EXTREME_SIZE];

    snprintf(text, sizeof text, "%.*s", (int)(value.n < sizeof text ? value.n : sizeof text - 1), value.p);
    if (f->min[0] == '\0' || compare_values(c, text, f->min) < 0)
        memcpy(f->min, text, sizeof text);
    if (f->max[0] == '\0' || compare_values(c, text, f->max) > 0)
        memcpy(f->max, text, sizeof text);
}

void full_add(struct full *a, const struct full *b, const struct column *c)
{
    const char *const values[] = {b->min, b->max};

    for (size_t i = 0; i < 2; i++)
        if (c != NULL && values[i][0] != '\0')
            full_extreme(a, c, str_of(values[i]));
    a->loose |= b->loose;
    dec256_add(&a->check, &b->check);
}

void full_to_json(const struct full *f, const struct column *c, json_t *ret)
{
    char text[96];

    if (has_extremes(c) && !f->loose && f->min[0] != '\0') {
        json_object_set_new(ret, "min", json_string(f->min));
        json_object_set_new(ret, "max", json_string(f->max));
    }
    dec256_text(&f->check, text);
    json_object_set_new(ret, "check", json_string(text));
}

int full_from_json(const json_t *one, struct col_sum *ret, struct err *err)
{
    const char *check = "", *min = "", *max = "";
    int rc = json_get_str(one, "check", "", &check, err);

    if (rc < 0 || check[0] == '\0')
        return rc;
    struct full *f = sums_full(ret);
    rc = json_get_str(one, "min", "", &min, err);
    if (rc == 0)
        rc = json_get_str(one, "max", "", &max, err);
    if (rc < 0)
        return rc;
    f->loose = min[0] == '\0';
    snprintf(f->min, sizeof f->min, "%s", min);
    snprintf(f->max, sizeof f->max, "%s", max);
    return dec256_add_text(&f->check, str_of(check), err);
}

/* The name of what differs, and both values as text; NULL: nothing. */
const char *full_differs(const struct full *a, const struct full *b, const struct column *c, int which,
                         char x[96], char y[96])
{
    static const struct full none;
    static const char *const names[] = {"min", "max", "check"};

    x[0] = y[0] = '\0';
    a = a != NULL ? a : &none;
    b = b != NULL ? b : &none;
    if (which == 2) {
        dec256_text(&a->check, x);
        dec256_text(&b->check, y);
        return dec256_equal(&a->check, &b->check) ? NULL : names[which];
    }
    const char *of_a = which == 0 ? a->min : a->max, *of_b = which == 0 ? b->min : b->max;
    if (!has_extremes(c) || a->loose || b->loose)
        return NULL;
    snprintf(x, 96, "%s", of_a[0] != '\0' ? of_a : "none");
    snprintf(y, 96, "%s", of_b[0] != '\0' ? of_b : "none");
    bool same = of_a[0] == '\0' || of_b[0] == '\0' ? of_a[0] == of_b[0] : compare_values(c, of_a, of_b) == 0;
    return same ? NULL : names[which];
}
