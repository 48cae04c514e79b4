#include "base/limits.h"
#include "io/convert_int.h"
#include "io/hash.h"
#include <stdarg.h>

int refuse(struct reject_info *ret, const char *code, struct csv_field f, const char *fmt, ...)
{
    char value[120], words[160];
    va_list ap;

    str_printable(f.p, f.n, value, sizeof value);
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    snprintf(ret->code, sizeof ret->code, "%s", code);
    snprintf(ret->message, sizeof ret->message, "'%s' %s", value, words);
    ret->hint[0] = '\0';
    return 0;
}

void refuse_hint(struct reject_info *ret, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(ret->hint, sizeof ret->hint, fmt, ap);
    va_end(ap);
}

const char *type_word_of(const struct column *c, char out[TYPE_WORD_SIZE])
{
    size_t n = 0;

    for (const char *p = c->type_text; *p != '\0' && *p != '(' && *p != ' ' && n + 12 < TYPE_WORD_SIZE; p++)
        out[n++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    out[n] = '\0';
    if (c->is_unsigned)
        snprintf(out + n, TYPE_WORD_SIZE - n, " UNSIGNED");
    return out;
}

int put_cell(const struct cell *c, struct csv_field f, struct reject_info *ret)
{
    switch (c->column->type) {
    case COL_INT:
        return put_int(c, f, ret);
    case COL_DOUBLE:
        return put_double(c, f, ret);
    case COL_FLOAT:
        return put_float(c, f, ret);
    case COL_DECIMAL:
        return put_decimal(c, f, ret);
    case COL_TEXT:
        return put_chars(c, f, ret);
    case COL_BINARY:
        return put_binary(c, f, ret);
    case COL_DATE:
    case COL_DATETIME:
    case COL_TIMESTAMP:
    case COL_TIME:
    case COL_YEAR:
        return put_time(c, f, ret);
    case COL_BIT:
        return put_bit(c, f, ret);
    case COL_UNSUPPORTED:
        break;
    }
    return refuse(ret, "UNSUPPORTED_TYPE", f, "goes into a column of type %s, which orch does not load",
                  c->column->type_text);
}

/* 1 value or NULL, 0 reject */
static int plan_cell(const struct plan *p, struct csv_field f, struct reject_info *ret)
{
    const struct cell *c = &p->cell;
    bool null = p->constant == NULL && (p->field < 0 || plan_is_null(p, f));

    c->to->nulls[c->row] = null;
    if (!null && p->bytes != NULL)
        return put_encoded(c, p->bytes, f, ret);
    if (!null)
        return p->local.decimal != 0 ? put_local(c, p->local, f, ret) : put_cell(c, f, ret);
    if (c->to->kind == CELL_BYTES) { /* what an older row left here is not to be read by anyone */
        c->to->bytes[c->row] = "";
        c->to->lengths[c->row] = 0;
    }
    if (!c->column->nullable) {
        refuse(ret, "NOT_NULL", f, "stands for NULL, and the column is NOT NULL");
        refuse_hint(ret, "make the column nullable, or take the spelling out of its \"null\" list");
        return 0;
    }
    return 1;
}

/* Where the record stands, and its bytes. */
static int reject_record(const struct csv_record *rec, const char *column, struct reject_info *ret)
{
    ret->line = rec->line;
    ret->offset = rec->offset;
    snprintf(ret->column, sizeof ret->column, "%s", column);
    ret->raw = rec->raw;
    ret->raw_n = rec->raw_n < MAX_REJECT_RAW ? rec->raw_n : MAX_REJECT_RAW;
    ret->raw_total = rec->raw_total;
    memset(ret->raw_sha256, 0, sizeof ret->raw_sha256);
    if (ret->raw_total > (int64_t)ret->raw_n) {
        if (rec->raw_total > MAX_REJECT_RAW && rec->code != CSV_GOOD)
            memcpy(ret->raw_sha256, rec->raw_sha256, sizeof ret->raw_sha256);
        else
            sha256_of(rec->raw, rec->raw_n, ret->raw_sha256);
    }
    return 0;
}

static int reject_bytes(const struct csv_record *rec, struct reject_info *ret)
{
    snprintf(ret->code, sizeof ret->code, "%s", csv_code_name(rec->code));
    snprintf(ret->message, sizeof ret->message, "%s", rec->message);
    ret->hint[0] = '\0';
    if (rec->code == CSV_BAD_UTF8)
        refuse_hint(ret, "if the file is latin1 or cp1252, say so in csv.encoding");
    else if (rec->code == CSV_BAD_QUOTE)
        refuse_hint(ret, "a field with quotes in it is quoted, and its quotes doubled: \"say \"\"so\"\"\"");
    else if (rec->code == CSV_NUL_BYTE)
        refuse_hint(ret, "the file may be damaged, or not be text");
    return reject_record(rec, "", ret);
}

static int reject_count(const struct converter *c, const struct csv_record *rec, struct reject_info *ret)
{
    snprintf(ret->code, sizeof ret->code, "FIELD_COUNT");
    snprintf(ret->message, sizeof ret->message, "%zu field%s where %s %zu", rec->count,
             rec->count == 1 ? "" : "s",
             c->config->header         ? "the header has"
             : c->config->fixed_fields ? "the table takes"
                                       : "the first record has",
             c->fields);
    ret->hint[0] = '\0';
    if (c->config->trailing_delimiter) {
        snprintf(ret->message, sizeof ret->message,
                 "%zu field%s, the last %sempty, where csv.trailing_delimiter asks for %zu and an empty one",
                 rec->count, rec->count == 1 ? "" : "s",
                 rec->fields[rec->count - 1].n == 0 && !rec->fields[rec->count - 1].quoted ? "" : "not ",
                 c->fields);
        return reject_record(rec, "", ret);
    }
    if (rec->count == c->fields + 1 && rec->fields[rec->count - 1].n == 0)
        refuse_hint(ret, "the record ends with a delimiter more than the header; where all do, say "
                         "csv.trailing_delimiter");
    else if (rec->count > c->fields)
        refuse_hint(ret, "a field that holds the delimiter must be quoted");
    return reject_record(rec, "", ret);
}

/*
 * The row is good: its record and its texts move into the batch. A row weighs what it takes on the wire or
 * here, whichever is more: a file of long dropped columns must fill a batch too.
 */
static void keep_row(const struct converter *c, const struct csv_record *rec, struct batch *b)
{
    size_t row = b->rows, wire = 8 * (c->count - c->text_count);
    char *copy = batch_keep(b, rec->raw, rec->raw_n);

    b->lines[row] = rec->line;
    b->offsets[row] = rec->offset;
    b->raw[row] = copy;
    b->raw_n[row] = (uint32_t)rec->raw_n;
    for (size_t i = 0; i < c->text_count; i++) {
        struct batch_col *to = &b->cols[c->texts[i]];
        const char *p = to->bytes[row];
        size_t n = to->lengths[row];
        uintptr_t at = (uintptr_t)p - (uintptr_t)rec->raw;
        if (at < rec->raw_n)
            to->bytes[row] = copy + at; /* as it stood in the file: no second copy */
        else if (c->plans[i].constant != NULL && row > 0 && to->lengths[row - 1] == n &&
                 memcmp(to->bytes[row - 1], p, n) == 0)
            to->bytes[row] = to->bytes[row - 1]; /* likewise; the row before may be of another file */
        else
            to->bytes[row] = n > 0 ? arena_strndup(b->arena, p, n) : "";
        wire += n + 4;
    }
    b->bytes += wire > rec->raw_n ? wire : rec->raw_n;
    b->rows++;
}

static bool one_empty_more(const struct converter *c, const struct csv_record *rec)
{
    return rec->count == c->fields + 1 && rec->fields[c->fields].n == 0 && !rec->fields[c->fields].quoted;
}

int converter_row(struct converter *c, const struct csv_record *rec, struct batch *b, struct reject_info *ret)
{
    static const struct csv_field nothing = {"", 0, false};

    if (rec->code != CSV_GOOD)
        return reject_bytes(rec, ret);
    if (c->config->trailing_delimiter ? !one_empty_more(c, rec) : rec->count != c->fields)
        return reject_count(c, rec, ret);
    for (size_t i = 0; i < c->count; i++) {
        if (c->quick[i].kind != QUICK_NOT)
            i = quick_cells(c, rec, b, i);
        if (i == c->count)
            break;
        struct plan *p = &c->plans[i];
        p->cell.to = &b->cols[i];
        p->cell.row = b->rows;
        if (!plan_cell(p,
                       p->field >= 0         ? rec->fields[p->field]
                       : p->constant != NULL ? *p->constant
                                             : nothing,
                       ret))
            return reject_record(rec, p->cell.column->name, ret);
    }
    keep_row(c, rec, b);
    return 1;
}

int convert_cell(const struct column *col, struct csv_field f, const char *format, struct batch *b, size_t at,
                 struct reject_info *ret)
{
    char scratch[CELL_SCRATCH];
    struct batch_col *to = &b->cols[at];
    struct cell c = {col, format, to, b->rows, scratch, false};

    to->nulls[b->rows] = 0;
    if (!put_cell(&c, f, ret))
        return 0;
    if (to->kind == CELL_BYTES)
        to->bytes[b->rows] = arena_strndup(b->arena, to->bytes[b->rows], to->lengths[b->rows]);
    return 1;
}
