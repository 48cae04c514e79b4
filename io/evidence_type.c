/* From what was seen to a type, and to a table. */
#include "base/limits.h"
#include "io/evidence.h"

enum { ROW_BYTES = 60000 /* of the 65,535 that a MySQL row may have outside of TEXT */, NONE_SEEN = 255 };

static const struct {
    const char *name;
    int bits;
} ints[] = {{"TINYINT", 8}, {"SMALLINT", 16}, {"MEDIUMINT", 24}, {"INT", 32}, {"BIGINT", 64}};

/* 0: fits no type of 64 bits, a sign and all. */
static bool int_type(const struct evidence_column *c, const struct evidence_type_how *how,
                     char out[SEEN_TYPE])
{
    bool is_signed = c->int_min < 0;

    if (is_signed && c->int_max > INT64_MAX)
        return false;
    if (how->sqlite) { /* signed 64 bits, whatever is declared */
        snprintf(out, SEEN_TYPE, "INTEGER");
        return c->int_max <= INT64_MAX;
    }
    for (size_t i = how->wide ? ARRAY_LEN(ints) - 1 : 0; i < ARRAY_LEN(ints); i++) {
        uint64_t top = UINT64_MAX >> (64 - ints[i].bits), half = top >> 1;
        if (is_signed || (how->wide && c->int_max <= INT64_MAX)
                ? c->int_max <= half && c->int_min >= -(int64_t)half - 1
                : c->int_max <= top) {
            bool plus = !is_signed && !(how->wide && c->int_max <= INT64_MAX);
            snprintf(out, SEEN_TYPE, "%s%s", ints[i].name, plus ? " UNSIGNED" : "");
            return true;
        }
    }
    return false;
}

static void decimal_type(const struct evidence_column *c, const struct evidence_type_how *how,
                         char out[SEEN_TYPE])
{
    int whole = c->whole, scale = c->fraction;

    if (how->sqlite) { /* digit for digit; NUMERIC would make doubles of them */
        snprintf(out, SEEN_TYPE, "TEXT");
        return;
    }
    if (how->wide) {
        int room = 65 - whole - scale;
        int more = scale == 0 ? 0 : scale > 28 ? 30 - scale : 2;
        more = more < room ? more : room;
        scale += more;
        room -= more;
        whole += room < 4 ? room : 4;
    }
    snprintf(out, SEEN_TYPE, "DECIMAL(%d,%d)", whole + scale > 0 ? whole + scale : 1, scale);
}

static void text_type(const struct evidence_column *c, const struct evidence_type_how *how,
                      char out[SEEN_TYPE])
{
    static const int steps[] = {8, 16, 32, 64, 128, 255, 500, 1000, 2000, 4000};
    int64_t n = c->values == 0 ? NONE_SEEN : c->longest;

    if (how->sqlite) {
        snprintf(out, SEEN_TYPE, "TEXT");
        return;
    }
    if (how->wide && c->values > 0)
        n = n <= 100 ? 255 : n <= 500 ? 1000 : n * 4;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (n <= steps[i]) {
            snprintf(out, SEEN_TYPE, "VARCHAR(%d)", steps[i]);
            return;
        }
    int64_t bytes = how->wide ? n * 4 : c->longest_bytes;
    snprintf(out, SEEN_TYPE, "%s", bytes <= 65535 ? "TEXT" : bytes <= 16777215 ? "MEDIUMTEXT" : "LONGTEXT");
}

static void time_type(const char *name, int fsp, const struct evidence_type_how *how, char out[SEEN_TYPE])
{
    if (how->wide)
        fsp = 6;
    if (fsp > 0)
        snprintf(out, SEEN_TYPE, "%s(%d)", name, fsp);
    else
        snprintf(out, SEEN_TYPE, "%s", name);
}

/* Unquoted empty fields are NULL in a column that is no text, if the list says so; a quoted one is never NULL. */
static const struct seen_cell *only_text(const struct evidence_column *c)
{
    bool listed = false;

    for (int k = 0; c->nulls != NULL && c->nulls[k] != NULL; k++)
        listed = listed || c->nulls[k][0] == '\0';
    return c->quoted_empties > 0 ? &c->quoted_empty : c->empties > 0 && !listed ? &c->first_empty : NULL;
}

static bool null_seen(const struct evidence_column *c, bool text)
{
    for (int k = 0; c->nulls != NULL && c->nulls[k] != NULL; k++)
        if (c->null_counts[k] > 0 && (c->nulls[k][0] != '\0' || c->own_nulls || !text))
            return true;
    return false;
}

/* The cell that ruled the last type out. */
static const struct seen_cell *last_out(const struct evidence_column *c)
{
    const struct seen_cell *last = NULL;

    for (enum seen_kind k = 0; k < SEEN_KINDS; k++)
        if (last == NULL || c->why[k].file > last->file ||
            (c->why[k].file == last->file && c->why[k].line > last->line))
            last = &c->why[k];
    return last;
}

static void say(struct evidence_type *t, const struct seen_cell *forced, const char *because)
{
    t->forced = forced != NULL && forced->line != 0 ? forced : NULL;
    t->because = t->forced != NULL ? because : "";
}

static void as_number(const struct evidence_column *c, const struct evidence_type_how *how,
                      struct evidence_type *ret)
{
    if (!c->out[SEEN_INT] && c->only_bits && how->boolean) {
        snprintf(ret->type, SEEN_TYPE, "BOOLEAN");
        say(ret, &c->max, "0 and 1 alone");
    } else if (!c->out[SEEN_INT] && int_type(c, how, ret->type)) {
        /* below 0 the magnitude of the least decides, or its sign does */
        bool least = c->int_min < 0 && (uint64_t) - (c->int_min + 1) >= c->int_max;
        say(ret, least ? &c->min : &c->max, least ? "least" : "greatest");
    } else if (!c->out[SEEN_DECIMAL] &&
               c->fraction == 0) { /* integers of more than 64 bits, every digit kept */
        decimal_type(c, how, ret->type);
        say(ret, c->out[SEEN_INT] ? &c->why[SEEN_INT] : &c->max, "beyond BIGINT");
    } else if (!c->out[SEEN_DOUBLE]) {
        snprintf(ret->type, SEEN_TYPE, how->sqlite ? "REAL" : "DOUBLE");
        say(ret, &c->why[SEEN_INT], "no integer");
    } else {
        decimal_type(c, how, ret->type);
        say(ret, &c->why[SEEN_DOUBLE], "a double would lose digits");
    }
}

void evidence_type(const struct evidence_column *c, const struct evidence_type_how *how,
                   struct evidence_type *ret)
{
    const struct seen_cell *blocked = only_text(c);

    *ret = (struct evidence_type){.because = ""};
    ret->text = c->values == 0 || blocked != NULL;
    if (!ret->text && (!c->out[SEEN_INT] || !c->out[SEEN_DOUBLE] || !c->out[SEEN_DECIMAL])) {
        as_number(c, how, ret);
    } else if (!ret->text && !c->out[SEEN_DATE]) {
        snprintf(ret->type, SEEN_TYPE, "DATE");
        say(ret, &c->first, "a date");
    } else if (!ret->text && !c->out[SEEN_DATETIME]) {
        time_type("DATETIME", c->fsp, how, ret->type);
        say(ret, &c->why[SEEN_DATE], "a time of day with the date");
    } else if (!ret->text && !c->out[SEEN_TIME]) {
        time_type("TIME", c->fsp, how, ret->type);
        say(ret, &c->first, "a time of day");
    } else {
        ret->text = true;
        text_type(c, how, ret->type);
        say(ret,
            blocked != NULL ? blocked
            : c->values > 0 ? last_out(c)
                            : NULL,
            blocked != NULL ? "empty, and not NULL" : "neither number nor time");
    }
    ret->nullable = c->rows == 0 || how->wide || null_seen(c, ret->text);
}

static void cover_int(struct evidence_column *c, const struct column *k)
{
    struct seen_cell none = {.line = 0};
    uint64_t top = k->type == COL_YEAR  ? 2155
                   : k->type == COL_BIT ? UINT64_MAX >> (64 - k->precision)
                                        : k->max_u;

    c->int_min = c->values == 0 || k->min < c->int_min ? k->min : c->int_min;
    c->int_max = top > c->int_max ? top : c->int_max;
    c->only_bits = false;
    int digits = 1;
    for (uint64_t v = top; v >= 10; v /= 10)
        digits++;
    c->whole = digits > c->whole ? digits : c->whole;
    if (digits > 15 && !c->out[SEEN_DOUBLE]) { /* 2^53 and more: a double is not exact there */
        c->out[SEEN_DOUBLE] = true;
        c->why[SEEN_DOUBLE] = none;
    }
}

static void cover_text(struct evidence_column *c, const struct column *k)
{
    int64_t chars = k->max_chars >= 0 ? k->max_chars : k->max_bytes >= 0 ? k->max_bytes : INT64_C(4294967295);
    int64_t bytes = k->max_bytes >= 0 ? k->max_bytes : chars;

    c->longest = chars > c->longest ? chars : c->longest;
    c->longest_bytes = bytes > c->longest_bytes ? bytes : c->longest_bytes;
}

void evidence_cover(struct evidence_column *c, const struct column *k)
{
    bool keeps[SEEN_KINDS] = {false};

    switch (k->type) {
    case COL_INT:
    case COL_YEAR:
    case COL_BIT:
        cover_int(c, k);
        keeps[SEEN_INT] = keeps[SEEN_DOUBLE] = keeps[SEEN_DECIMAL] = true;
        c->longest = c->longest > 20 ? c->longest : 20;
        break;
    case COL_DECIMAL:
        c->whole = k->precision - k->scale > c->whole ? k->precision - k->scale : c->whole;
        c->fraction = k->scale > c->fraction ? k->scale : c->fraction;
        keeps[SEEN_DECIMAL] = c->whole + c->fraction <= 65;
        keeps[SEEN_DOUBLE] = k->precision <= 15 && (!keeps[SEEN_DECIMAL] || c->out[SEEN_DECIMAL]);
        c->longest = c->longest > 68 ? c->longest : 68;
        break;
    case COL_DOUBLE:
    case COL_FLOAT:
        keeps[SEEN_DOUBLE] = true;
        c->longest = c->longest > 32 ? c->longest : 32;
        break;
    case COL_DATE:
        keeps[SEEN_DATE] = keeps[SEEN_DATETIME] = true;
        c->longest = c->longest > 10 ? c->longest : 10;
        break;
    case COL_DATETIME:
    case COL_TIMESTAMP:
        keeps[SEEN_DATETIME] = true;
        c->fsp = k->fsp > c->fsp ? k->fsp : c->fsp;
        c->longest = c->longest > 26 ? c->longest : 26;
        break;
    case COL_TIME:
        keeps[SEEN_TIME] = true;
        c->fsp = k->fsp > c->fsp ? k->fsp : c->fsp;
        c->longest = c->longest > 17 ? c->longest : 17;
        break;
    case COL_TEXT:
    case COL_BINARY:
    case COL_UNSUPPORTED:
        cover_text(c, k);
        break;
    }
    c->longest_bytes = c->longest > c->longest_bytes ? c->longest : c->longest_bytes;
    for (enum seen_kind i = 0; i < SEEN_KINDS; i++)
        c->out[i] = c->out[i] || !keeps[i];
    c->values++; /* the table's own */
}

bool evidence_is_key(const struct evidence_column *c)
{
    static const struct evidence_type_how how = {.wide = false};
    struct evidence_type t;

    evidence_type(c, &how, &t);
    bool plain = !t.text || c->longest <= 255;
    return c->unique && c->rows > 1 && c->quoted_empties == 0 && c->empties == 0 && !t.nullable && plain &&
           (t.text || !c->out[SEEN_INT] || (c->out[SEEN_DOUBLE] && c->out[SEEN_DECIMAL]));
}

int evidence_quote(const char *name, bool sqlite, struct buf *ret, struct err *err)
{
    const char *mark = sqlite ? "\"" : "`";
    int rc = buf_adds(ret, mark, err);

    for (const char *p = name; rc == 0 && *p != '\0'; p++)
        rc = *p == *mark ? buf_addf(ret, err, "%s%s", mark, mark) : buf_add(ret, p, 1, err);
    return rc < 0 ? rc : buf_adds(ret, mark, err);
}

/* utf8mb4 takes four bytes a character out of the row's 65,535: the widest texts give way. */
static int64_t widest_varchar(const struct evidence *e, const struct evidence_type_how *how)
{
    for (int64_t limit = INT64_MAX;;) {
        int64_t total = 0, widest = 0;
        for (size_t k = 0; k < e->count; k++) {
            struct evidence_type t;
            evidence_type(&e->columns[k], how, &t);
            int64_t n = strncmp(t.type, "VARCHAR(", 8) == 0 ? strtoll(t.type + 8, NULL, 10) : 0;
            total += n > 0 && n < limit ? 4 * n + 2 : 32;
            widest = n < limit && n > widest ? n : widest;
        }
        if (total <= ROW_BYTES || widest == 0)
            return limit;
        limit = widest;
    }
}

static int key_comment(const struct evidence *e, struct buf *ret, struct err *err)
{
    size_t keys = 0;
    int rc = 0;

    for (size_t k = 0; rc == 0 && k < e->count; k++) {
        char shown[300];
        if (!evidence_is_key(&e->columns[k]))
            continue;
        str_printable(e->columns[k].name, strlen(e->columns[k].name), shown, sizeof shown);
        rc = buf_addf(ret, err, "%s%s",
                      keys++ == 0 ? "-- unique and never NULL, so each may be the key: " : ", ", shown);
    }
    if (rc == 0)
        rc = keys > 0 ? buf_adds(ret, "\n", err)
                      : buf_adds(ret, "-- no column alone is unique and never NULL\n", err);
    return rc;
}

int evidence_create(const struct evidence *e, const char *table, const struct evidence_type_how *how,
                    struct buf *ret, struct err *err)
{
    int64_t limit = how->sqlite ? INT64_MAX : widest_varchar(e, how);
    int rc = key_comment(e, ret, err);

    if (rc == 0)
        rc = buf_adds(ret, "CREATE TABLE ", err);
    const char *dot = how->sqlite ? NULL : strchr(table, '.');
    char *schema = dot != NULL && dot > table ? xstrndup(table, (size_t)(dot - table)) : NULL;
    if (rc == 0 && schema != NULL)
        rc = evidence_quote(schema, false, ret, err);
    if (rc == 0 && schema != NULL)
        rc = buf_adds(ret, ".", err);
    if (rc == 0)
        rc = evidence_quote(schema != NULL ? dot + 1 : table, how->sqlite, ret, err);
    free(schema);
    if (rc == 0)
        rc = buf_adds(ret, " (\n", err);
    for (size_t k = 0; rc == 0 && k < e->count; k++) {
        struct evidence_type t;
        evidence_type(&e->columns[k], how, &t);
        if (strncmp(t.type, "VARCHAR(", 8) == 0 && strtoll(t.type + 8, NULL, 10) >= limit)
            snprintf(t.type, sizeof t.type, "TEXT");
        rc = buf_adds(ret, "  ", err);
        if (rc == 0)
            rc = evidence_quote(e->columns[k].name, how->sqlite, ret, err);
        if (rc == 0)
            rc = buf_addf(ret, err, " %s%s%s\n", t.type, t.nullable ? " NULL" : " NOT NULL",
                          k + 1 < e->count ? "," : "");
    }
    if (rc == 0)
        rc = buf_adds(ret, how->sqlite ? ");\n" : ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n", err);
    return rc;
}
