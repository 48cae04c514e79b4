/* Numbers with another decimal sign, or with signs between their thousands: where a column's rule says so. */
#include "io/convert_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_number(enum col_type type)
{
    return type == COL_INT || type == COL_DECIMAL || type == COL_DOUBLE || type == COL_FLOAT;
}

int local_check(struct local l, enum col_type type, struct err *err)
{
    if (!is_number(type))
        return err_set(err, ERR_CONFIG, "\"decimal\" and \"group\" are for number columns only");
    if (l.group == l.decimal || is_digit(l.group) || (l.group != '\0' && strchr("-+eE", l.group) != NULL))
        return err_set(err, ERR_CONFIG, "'%c' between thousands cannot be told from the rest of a number",
                       l.group);
    return 0;
}

/* The digits before the decimal sign. Signs between them stand every three digits, or nowhere. */
static bool whole_part(struct local l, const char **p, const char *end, char **o)
{
    size_t run = 0;
    bool grouped = false;

    for (; *p < end; (*p)++) {
        if (is_digit(**p)) {
            *(*o)++ = **p;
            run++;
        } else if (l.group != '\0' && **p == l.group) {
            if (run == 0 || run > 3 || (grouped && run != 3))
                return false;
            grouped = true;
            run = 0;
        } else {
            break;
        }
    }
    return !grouped || run == 3;
}

bool local_plain(struct local l, struct csv_field f, char out[LOCAL_SIZE], struct csv_field *ret)
{
    const char *p = f.p, *end = f.p + f.n;
    char *o = out;

    if (f.n >= LOCAL_SIZE)
        return false;
    if (p < end && *p == '-')
        *o++ = *p++;
    if (!whole_part(l, &p, end, &o))
        return false;
    if (p < end && *p == l.decimal) {
        p++;
        *o++ = '.';
    }
    /* fraction and exponent: with the signs of this column used up, none may come again, and none of another */
    for (; p < end; p++) {
        if (*p == '.' || *p == ',' || (l.group != '\0' && *p == l.group))
            return false;
        *o++ = *p;
    }
    *ret = (struct csv_field){out, (uint32_t)(o - out), f.quoted};
    return true;
}

/* What was said of the plain form is said of what stands in the file. */
static void say_as_written(struct csv_field plain, struct csv_field f, struct reject_info *ret)
{
    char was[120], is[120], words[sizeof ret->message];

    str_printable(plain.p, plain.n, was, sizeof was);
    str_printable(f.p, f.n, is, sizeof is);
    size_t n = strlen(was) + 2;
    if (strlen(ret->message) < n)
        return;
    snprintf(words, sizeof words, "%s", ret->message + n);
    snprintf(ret->message, sizeof ret->message, "'%s'%.170s", is, words);
}

int put_local(const struct cell *c, struct local l, struct csv_field f, struct reject_info *ret)
{
    char out[LOCAL_SIZE], word[TYPE_WORD_SIZE];
    struct csv_field plain;

    if (local_plain(l, f, out, &plain)) {
        if (put_cell(c, plain, ret))
            return 1;
        say_as_written(plain, f, ret);
        return 0;
    }
    type_word_of(c->column, word);
    refuse(ret, c->column->type == COL_INT ? "NOT_AN_INT" : "NOT_A_NUMBER", f, "is not %s %s",
           strchr("AEIOU", word[0]) != NULL ? "an" : "a", word);
    if (l.group != '\0')
        refuse_hint(
            ret, "the column's decimal sign is '%c', and '%c' stands between every three digits or nowhere",
            l.decimal, l.group);
    else
        refuse_hint(ret, "the column's decimal sign is '%c'; signs between thousands need \"group\"",
                    l.decimal);
    return 0;
}
