/*
 * The body is parsed once, as a whole, before a row of it goes anywhere: the header has to be known, and what is no JSON
 * at its end is no JSON at its beginning. It is read in a copy, which has a NUL behind it, so that no step asks for the
 * end, and in which escapes are decoded where they stand: a field is a view of the copy, raw bytes are of the original.
 */
#include "io/json_rows.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/json_rows_int.h"

static int fault(const struct json_rows *j, const unsigned char *at, const char *what, struct err *err)
{
    size_t offset = (size_t)(at - j->copy), column = 1;
    long long line = 1;

    for (size_t i = 0; i < offset; i++) { /* of the original: the copy has been written to */
        unsigned char c = (unsigned char)j->text[i];
        column = c == '\n' ? 1 : column + ((c & 0xc0) != 0x80);
        line += c == '\n';
    }
    return err_set(err, ERR_BAD_VALUE, "line %lld column %zu: %s", line, column,
                   offset >= j->n ? "the text ends in the middle of a value" : what);
}

static void skip_blanks(struct json_rows *j)
{
    const unsigned char *p = j->at;

    for (; *p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'; p++)
        j->line += *p == '\n'; /* they stand nowhere else: in a text they are escaped */
    j->at = (unsigned char *)(uintptr_t)p;
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static int hex4(const unsigned char *p)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        int c = p[i], digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static unsigned char *put_utf8(unsigned char *o, unsigned c)
{
    if (c < 0x80) {
        *o++ = (unsigned char)c;
        return o;
    }
    if (c < 0x800) {
        *o++ = (unsigned char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *o++ = (unsigned char)(0xe0 | c >> 12);
        } else {
            *o++ = (unsigned char)(0xf0 | c >> 18);
            *o++ = (unsigned char)(0x80 | (c >> 12 & 0x3f));
        }
        *o++ = (unsigned char)(0x80 | (c >> 6 & 0x3f));
    }
    *o++ = (unsigned char)(0x80 | (c & 0x3f));
    return o;
}

/* The escape at p (a backslash): its length, 0: it is none. *o moves behind what it stands for. */
static size_t unescape(const unsigned char *p, unsigned char **o, struct json_text *t)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *simple = p[1] != '\0' ? strchr(names, p[1]) : NULL;

    if (simple != NULL) {
        *(*o)++ = (unsigned char)values[simple - names];
        return 2;
    }
    int c = p[1] == 'u' ? hex4(p + 2) : -1, low = -1;
    if (c < 0)
        return 0;
    if (c >= 0xd800 && c < 0xdc00 && p[6] == '\\' && p[7] == 'u')
        low = hex4(p + 8);
    if (low >= 0xdc00 && low < 0xe000) {
        *o = put_utf8(*o, 0x10000u + ((unsigned)(c - 0xd800) << 10) + (unsigned)(low - 0xdc00));
        return 12;
    }
    if (c >= 0xd800 && c < 0xe000) {
        t->half = true;
        c = 0xfffd;
    }
    t->zero |= c == 0;
    *o = put_utf8(*o, (unsigned)c);
    return 6;
}

/* From an escape on. Where it is not decoded, what it stands for is written nowhere. */
static int escaped_text(struct json_rows *j, unsigned char *p, bool decode, struct json_text *t,
                        struct err *err)
{
    unsigned char *o = p, scratch[4];

    while (*p != '"') {
        if (*p == '\\') {
            unsigned char *to = decode ? o : scratch;
            size_t n = unescape(p, &to, t);
            if (n == 0)
                return fault(j, p, "this is no escape of JSON", err);
            o = decode ? to : o;
            p += n;
        } else if (*p < 0x20) {
            return fault(j, p, "a control character in a text is escaped, \\u001f", err);
        } else if (decode) {
            *o++ = *p++;
        } else {
            p++;
        }
    }
    t->n = (size_t)((decode ? o : p) - (j->copy + t->at));
    j->at = p + 1;
    return 0;
}

/* At a quote. */
static int text(struct json_rows *j, bool decode, struct json_text *ret, struct err *err)
{
    unsigned char *p = j->at + 1;

    *ret = (struct json_text){.at = (size_t)(p - j->copy)};
    while (*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    if (*p != '"')
        return escaped_text(j, p, decode, ret, err);
    ret->n = (size_t)(p - (j->copy + ret->at));
    j->at = p + 1;
    return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static int number(struct json_rows *j, struct err *err)
{
    const unsigned char *p = j->at + (*j->at == '-');
    bool good = is_digit(*p);

    if (*p == '0')
        p++;
    else
        while (is_digit(*p))
            p++;
    if (good && *p == '.') {
        good = is_digit(*++p);
        while (is_digit(*p))
            p++;
    }
    if (good && (*p == 'e' || *p == 'E')) {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        good = is_digit(*p);
        while (is_digit(*p))
            p++;
    }
    if (!good)
        return fault(j, p, "a digit is expected", err);
    j->at = (unsigned char *)(uintptr_t)p;
    return 0;
}

static int word(struct json_rows *j, struct err *err)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if (strncmp((const char *)j->at, words[i], n) == 0) {
            j->at += n;
            return 0;
        }
    }
    return fault(j, j->at, "a value is expected", err);
}

static int nested(struct json_rows *j, int depth, struct err *err);

/* A value that is passed over: as it stands, nothing decoded. */
static int any_value(struct json_rows *j, int depth, struct err *err)
{
    struct json_text t;

    if (*j->at == '"')
        return text(j, false, &t, err);
    if (*j->at == '{' || *j->at == '[')
        return nested(j, depth + 1, err);
    return *j->at == '-' || is_digit(*j->at) ? number(j, err) : word(j, err);
}

/* The colon and what is around it, behind a name. */
static int colon(struct json_rows *j, struct err *err)
{
    skip_blanks(j);
    if (*j->at != ':')
        return fault(j, j->at, "a colon is expected", err);
    j->at++;
    skip_blanks(j);
    return 0;
}

/* Behind an element: 1: a comma, and the next one follows; 0: the end. */
static int more(struct json_rows *j, char close, struct err *err)
{
    skip_blanks(j);
    if (*j->at == (unsigned char)close) {
        j->at++;
        return 0;
    }
    if (*j->at != ',')
        return fault(j, j->at, close == '}' ? "',' or '}' is expected" : "',' or ']' is expected", err);
    j->at++;
    skip_blanks(j);
    return 1;
}

/* Behind an opening bracket: whether it is closed at once. */
static bool is_empty(struct json_rows *j, char close)
{
    j->at++;
    skip_blanks(j);
    if (*j->at != (unsigned char)close)
        return false;
    j->at++;
    return true;
}

static int nested(struct json_rows *j, int depth, struct err *err)
{
    char close = *j->at == '{' ? '}' : ']';
    struct json_text name;
    int rc = 1;

    if (depth > MAX_JSON_DEPTH)
        return fault(j, j->at, "this is nested too deep", err);
    if (is_empty(j, close))
        return 0;
    while (rc > 0) {
        rc = 0;
        if (close == '}') {
            rc = *j->at == '"' ? text(j, false, &name, err) : fault(j, j->at, "a name is expected", err);
            if (rc == 0)
                rc = colon(j, err);
        }
        if (rc == 0)
            rc = any_value(j, depth, err);
        if (rc == 0)
            rc = more(j, close, err);
    }
    return rc;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* The first thing that is wrong with a row is what is told. */
static void bad_row(struct json_rows *j, struct json_row *row, enum csv_code code, struct json_text name,
                    const char *what)
{
    char shown[80], message[160];

    if (row->code != CSV_GOOD)
        return;
    str_printable((const char *)j->copy + name.at, name.n, shown, sizeof shown);
    snprintf(message, sizeof message, "'%s' %s", shown, what);
    row->code = code;
    row->message = arena_strndup(j->arena, message, strlen(message));
}

static void bad_text(struct json_rows *j, struct json_row *row, struct json_text t, struct json_text name)
{
    if (t.zero)
        bad_row(j, row, CSV_NUL_BYTE, name, "has \\u0000 in it");
    if (t.half)
        bad_row(j, row, CSV_BAD_ESCAPE, name, "has half of a surrogate pair in it, which is no character");
}

/* At a value's first character. */
static int cell(struct json_rows *j, struct json_row *row, struct json_text name, struct json_cell *ret,
                struct err *err)
{
    unsigned char *from = j->at, first = *from;
    struct json_text t;
    int rc;

    if (first == '"') {
        rc = text(j, true, &t, err);
        if (rc < 0)
            return rc;
        if (t.zero || t.half)
            bad_text(j, row, t, name);
        ret->at = (uint32_t)t.at;
        ret->n = (uint32_t)t.n;
        ret->quoted = true;
        return 0;
    }
    rc = any_value(j, 1, err);
    ret->at = (uint32_t)(from - j->copy);
    ret->n = (uint32_t)(j->at - from);
    ret->quoted = first == '{' || first == '[';
    if (rc == 0 && (first == 't' || first == 'f'))
        *from = first == 't' ? '1' : '0';
    if (first == 't' || first == 'f')
        ret->n = 1;
    if (first == 'n')
        ret->n = 0;
    return rc;
}

/* Mostly objects name their columns in one order: the name is compared with the one that came next before. */
static int name_of(struct json_rows *j, struct json_row *row, size_t guess, size_t *ret, struct err *err)
{
    struct json_text t;

    if (guess < j->names.count && j->names.seen[guess].plain) {
        const struct csv_field *f = &j->names.fields[guess];
        if (f->n + 2 <= j->n - (size_t)(j->at - j->copy) && memcmp(j->at + 1, f->p, f->n) == 0 &&
            j->at[1 + f->n] == '"') {
            j->at += f->n + 2;
            *ret = guess;
            return 0;
        }
    }
    int rc = text(j, true, &t, err);
    if (rc < 0)
        return rc;
    if (t.zero || t.half) {
        bad_text(j, row, t, t);
        *ret = SIZE_MAX;
        return 0;
    }
    return json_name(&j->names, (const char *)j->copy + t.at, t.n, ret, err);
}

/* One name and its value. */
static int member(struct json_rows *j, struct json_row *row, size_t *guess, struct err *err)
{
    struct json_cell c = {0};
    struct json_text name = {0};
    size_t k = 0;

    if (*j->at != '"')
        return fault(j, j->at, "a name is expected", err);
    name.at = (size_t)(j->at - j->copy) + 1;
    int rc = name_of(j, row, *guess, &k, err);
    if (rc == 0) {
        name.n = k < j->names.count ? j->names.fields[k].n : 0; /* decoded, it stands where it stood */
        rc = colon(j, err);
    }
    if (rc == 0)
        rc = cell(j, row, name, &c, err);
    if (rc < 0 || k == SIZE_MAX)
        return rc;
    if (j->names.seen[k].row == j->row_count + 1)
        bad_row(j, row, CSV_REPEATED_NAME, name, "is there twice");
    j->names.seen[k].row = j->row_count + 1;
    *guess = k + 1;
    c.column = (uint16_t)k;
    if (row->code != CSV_GOOD)
        return 0;
    if (j->cell_count == j->cell_room) {
        j->cell_room *= 2;
        j->cells = xrealloc(j->cells, j->cell_room * sizeof *j->cells);
    }
    j->cells[j->cell_count++] = c;
    return 0;
}

static int object(struct json_rows *j, struct json_row *row, struct err *err)
{
    size_t guess = 0;
    int rc = 1;

    if (is_empty(j, '}'))
        return 0;
    while (rc > 0) {
        rc = member(j, row, &guess, err);
        if (rc == 0)
            rc = more(j, '}', err);
    }
    return rc;
}

static int row_of(struct json_rows *j, struct err *err)
{
    struct json_row row = {.at = (uint32_t)(j->at - j->copy), .line = j->line, .cells = j->cell_count};
    int rc;

    if (*j->at == '{') {
        rc = object(j, &row, err);
    } else {
        rc = any_value(j, 1, err);
        row.code = CSV_NOT_AN_OBJECT;
        row.message = "a row is an object: {\"column\": value, ...}";
    }
    if (rc < 0)
        return rc;
    row.n = (uint32_t)((size_t)(j->at - j->copy) - row.at);
    if (j->row_count == j->row_room) {
        j->row_room = j->row_room > 0 ? 2 * j->row_room : 64;
        j->rows = xrealloc(j->rows, j->row_room * sizeof *j->rows);
    }
    j->rows[j->row_count++] = row;
    return 0;
}

static int parse(struct json_rows *j, int64_t max_rows, struct err *err)
{
    int rc = 0;

    if (j->n >= 3 && memcmp(j->text, "\xef\xbb\xbf", 3) == 0)
        j->at += 3;
    skip_blanks(j);
    if (*j->at == '{') {
        rc = row_of(j, err);
    } else if (*j->at != '[') {
        return fault(j, j->at, "an object, or an array of objects, is expected", err);
    } else if (!is_empty(j, ']')) {
        do {
            if (max_rows > 0 && (int64_t)j->row_count == max_rows)
                return err_set(err, ERR_TOO_LARGE, "more than %lld rows", (long long)max_rows);
            rc = row_of(j, err);
            if (rc == 0)
                rc = more(j, ']', err);
        } while (rc > 0);
    }
    if (rc < 0)
        return rc;
    skip_blanks(j);
    if ((size_t)(j->at - j->copy) < j->n)
        return fault(j, j->at, "there is something behind the end", err);
    return 0;
}

int json_rows_open(const char *given, size_t n, int64_t max_rows, struct json_rows **ret, struct err *err)
{
    if (n > MAX_RECORD)
        return err_set(err, ERR_TOO_LARGE, "more than %u bytes of JSON", MAX_RECORD);
    struct json_rows *j = xcalloc(1, sizeof *j);
    size_t at = 0;
    int rc;

    j->text = given;
    j->n = n;
    j->line = 1;
    j->block = xcalloc(1, n + 2 * CSV_FIELD_PAD);
    j->copy = j->at = j->block + CSV_FIELD_PAD;
    j->arena = arena_new();
    json_names_init(&j->names, j->arena);
    j->cell_room = 256;
    j->cells = xcalloc(j->cell_room, sizeof *j->cells);
    if (n > 0)
        memcpy(j->copy, given, n);
    if (n == 0)
        rc = err_set(err, ERR_BAD_VALUE, "the text is empty where JSON is expected");
    else if (!str_utf8_valid(given, n, &at))
        rc = fault(j, j->copy + at, "this is not UTF-8", err);
    else
        rc = parse(j, max_rows, err);
    if (rc == 0) {
        j->fields = xcalloc(j->names.count + 1, sizeof *j->fields);
        j->header = (struct csv_record){.fields = j->names.fields, .count = j->names.count, .line = 1};
        *ret = j;
    } else {
        json_rows_free(j);
    }
    return rc;
}

size_t json_rows_count(const struct json_rows *j)
{
    return j->row_count;
}

const struct csv_record *json_rows_header(const struct json_rows *j)
{
    return &j->header;
}

static void good_row(struct json_rows *j, const struct json_cell *cells, size_t count, struct csv_record *ret)
{
    if (count < j->names.count)
        for (size_t i = 0; i < j->names.count; i++)
            j->fields[i] = (struct csv_field){(const char *)j->copy, 0, false};
    for (size_t i = 0; i < count; i++) {
        const struct json_cell *c = &cells[i];
        j->fields[c->column] = (struct csv_field){(const char *)j->copy + c->at, c->n, c->quoted};
    }
    ret->fields = j->fields;
    ret->count = j->names.count;
    ret->padded = true;
}

int json_rows_next(void *arg, struct csv_record *ret, struct err *err)
{
    struct json_rows *j = arg;

    UNUSED(err);
    if (j->given == j->row_count)
        return 0;
    const struct json_row *row = &j->rows[j->given++];
    size_t end = j->given < j->row_count ? row[1].cells : j->cell_count;

    ret->fields = NULL;
    ret->padded = false;
    ret->count = 0;
    ret->line = row->line;
    ret->offset = row->at;
    ret->raw = j->text + row->at;
    ret->raw_n = row->n;
    ret->raw_total = row->n;
    ret->code = row->code;
    ret->message[0] = '\0';
    if (row->code == CSV_GOOD) {
        good_row(j, &j->cells[row->cells], end - row->cells, ret);
        return 1;
    }
    snprintf(ret->message, sizeof ret->message, "%s", row->message);
    if (row->n > MAX_REJECT_RAW)
        sha256_of(ret->raw, row->n, ret->raw_sha256);
    return 1;
}

void json_rows_free(struct json_rows *j)
{
    if (j == NULL)
        return;
    json_names_release(&j->names);
    arena_free(j->arena);
    free(j->block);
    free(j->cells);
    free(j->rows);
    free(j->fields);
    free(j);
}
