#include "base/buf.h"
#include "base/limits.h"
#include "io/format_int.h"
#include "io/ocf.h"
#include "io/ocf_int.h"
#include "io/real.h"
#include "tests/lib/avro_table.h"
#include "tests/tap.h"
#include <avro.h>
#include <inttypes.h>

static void close_and_free(struct reader *r)
{
    free(r);
}

static struct reader *pieces_of(struct buf file, size_t step)
{
    struct memory_reader *s = xcalloc(1, sizeof *s);

    *s = memory_reader(file.p, file.n, step);
    s->reader.close = close_and_free;
    return &s->reader;
}

static struct format_config config(const char *codec)
{
    return (struct format_config){
        .kind = FORMAT_AVRO, .name = "t", .metadata = "CREATE TABLE `t` (...)", .codec = codec};
}

/* The rows of b as a file, by a format that is used twice: the second file is the same. */
static int write_file(const struct format_config *c, const struct batch *b, struct buf *ret, struct err *err)
{
    struct buf again = BUF_INIT(ret->max);
    struct format *f = NULL;
    int *columns = xcalloc(b->col_count, sizeof *columns);

    for (size_t i = 0; i < b->col_count; i++)
        columns[i] = b->cols[i].column;
    int rc = format_avro_new(c, b->table, columns, b->col_count, &f, err);
    for (int k = 0; k < 2 && rc == 0; k++) {
        struct buf *out = k == 0 ? ret : &again;
        rc = f->ops->begin(f, out, err);
        for (size_t row = 0; row < b->rows && rc == 0; row += 7)
            rc = f->ops->rows(f, b, row, row + 7 < b->rows ? row + 7 : b->rows, out, err);
        if (rc == 0)
            rc = f->ops->end(f, out, err);
    }
    if (rc == 0)
        is_mem(again.p, again.n, ret->p, ret->n);
    if (f != NULL)
        f->ops->free(f);
    free(columns);
    buf_release(&again);
    return rc;
}

/* Every cell of the file is that of b, and the columns are those of its table. Returns the error of the reader. */
static int compare(struct buf file, size_t step, const struct batch *b, struct err *err)
{
    struct ocf *o = NULL;
    int rc = ocf_open(pieces_of(file, step), &o, err);
    size_t at = 0;

    if (rc < 0)
        return rc;
    const struct table *t = ocf_table(o);
    int *columns = xcalloc(t->count, sizeof *columns);
    must(t->count == b->col_count);
    for (size_t i = 0; i < t->count; i++) {
        const struct column *was = &b->table->columns[b->cols[i].column];
        columns[i] = (int)i;
        is_str(t->columns[i].name, was->name);
        is_str(t->columns[i].type_text, was->type_text);
        is_int(t->columns[i].nullable, was->nullable);
    }
    struct batch *got = batch_new(t, columns, t->count, 5);
    do {
        batch_clear(got);
        rc = ocf_fill(o, got, err);
        for (size_t r = 0; r < got->rows; r++, at++) {
            is_int(got->lines[r], at + 1);
            must(at < b->rows);
            for (size_t i = 0; i < t->count; i++)
                if (!avro_same_cell(&got->cols[i], r, &b->cols[i], at))
                    ok(!"the cell is the same"), diag("row %zu column %s", at, t->columns[i].name);
        }
    } while (rc > 0);
    if (rc == 0)
        is_int(at, b->rows);
    batch_free(got);
    free(columns);
    ocf_close(o);
    return rc;
}

TEST(every_type_comes_back_as_it_was)
{
    static const char *const codecs[] = {NULL, "null", "deflate"};
    static const size_t steps[] = {SIZE_MAX, 1, 1000};
    struct avro_table *t = avro_table_every();
    struct err err;

    for (size_t k = 0; k < ARRAY_LEN(codecs); k++) {
        for (int text = 0; text < 2; text++) {
            struct format_config c = config(codecs[k]);
            struct buf file = BUF_INIT(4 * MIB);
            c.text_times = text;
            must_rc(write_file(&c, t->rows, &file, &err), &err);
            must_rc(compare(file, steps[k], t->rows, &err), &err);
            buf_release(&file);
        }
    }
    avro_table_free(t);
}

TEST(libavro_reads_every_row)
{
    static const char *const codecs[] = {"null", "deflate"};
    struct avro_table *t = avro_table_every();
    struct err err;

    for (size_t k = 0; k < ARRAY_LEN(codecs); k++) {
        struct format_config c = config(codecs[k]);
        struct buf file = BUF_INIT(4 * MIB);
        avro_file_reader_t r = NULL;
        avro_value_t v;
        size_t rows = 0, fields = 0;
        must_rc(write_file(&c, t->rows, &file, &err), &err);
        FILE *f = fmemopen(file.p, file.n, "rb");
        must(f != NULL && avro_file_reader_fp(f, "memory", 1, &r) == 0);
        avro_schema_t schema = avro_file_reader_get_writer_schema(r);
        avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
        must(avro_generic_value_new(iface, &v) == 0);
        while (avro_file_reader_read_value(r, &v) == 0) {
            must(avro_value_get_size(&v, &fields) == 0);
            is_int(fields, t->rows->col_count);
            rows++;
        }
        is_int(rows, t->rows->rows);
        avro_value_decref(&v);
        avro_value_iface_decref(iface);
        avro_schema_decref(schema);
        avro_file_reader_close(r);
        buf_release(&file);
    }
    avro_table_free(t);
}

TEST(columns_may_be_some_and_in_another_order)
{
    struct avro_table *t = avro_table_every();
    const int last = (int)t->def->count - 1, columns[] = {last, 3, 0};
    struct batch *b = batch_new(t->def, columns, 3, 10);
    struct format_config c = config("deflate");
    struct buf file = BUF_INIT(MIB);
    struct err err;

    for (size_t row = 0; row < 3; row++, b->rows++)
        for (size_t i = 0; i < 3; i++)
            avro_copy_cell(&b->cols[i], row, &t->rows->cols[columns[i]], row);
    must_rc(write_file(&c, b, &file, &err), &err);
    must_rc(compare(file, SIZE_MAX, b, &err), &err);
    buf_release(&file);
    batch_free(b);
    avro_table_free(t);
}

TEST(no_rows_are_a_file_too)
{
    struct avro_table *t = avro_table_of("id", "bigint(20)", false);
    struct format_config c = config("deflate");
    struct buf file = BUF_INIT(MIB);
    struct ocf *o = NULL;
    struct err err;

    must_rc(write_file(&c, t->rows, &file, &err), &err);
    must_rc(compare(file, 1, t->rows, &err), &err);
    must_rc(ocf_open(pieces_of(file, SIZE_MAX), &o, &err), &err);
    is_str(ocf_metadata(o), c.metadata);
    is_str(ocf_table(o)->name, "t");
    ocf_close(o);
    c.metadata = NULL;
    buf_clear(&file);
    must_rc(write_file(&c, t->rows, &file, &err), &err);
    must_rc(ocf_open(pieces_of(file, SIZE_MAX), &o, &err), &err);
    ok(ocf_metadata(o) == NULL);
    ocf_close(o);
    ocf_close(NULL);
    buf_release(&file);
    avro_table_free(t);
}

TEST(cells_of_a_mebibyte_and_many_blocks)
{
    struct avro_table *t = avro_table_of("x", "longblob", true);
    struct format_config c = config("deflate");
    struct buf file = BUF_INIT(64 * MIB);
    char *cell = xmalloc(MIB);
    struct err err;

    for (size_t i = 0; i < MIB; i++)
        cell[i] = (char)(i * 2654435761u >> 13);
    for (size_t row = 0; row < AVRO_ROWS; row++)
        avro_put_bytes(t, 0, row % 9 == 3 ? NULL : cell, row % 3 == 0 ? MIB : row * 10);
    must_rc(write_file(&c, t->rows, &file, &err), &err);
    must_rc(compare(file, SIZE_MAX, t->rows, &err), &err);
    free(cell);
    buf_release(&file);
    avro_table_free(t);
}

TEST(names_become_legal_ones_and_stay_apart)
{
    static const char *const names[] = {
        "a b", "a_b", "1st", "A B", "a-b", "na\xc3\xafve", "\xf0\x9f\x98\x80", "a_b_2", "a b"};
    static const char *const legal[] = {"a_b",    "a_b_2", "_1st",    "A_B",  "a_b_3",
                                        "na__ve", "____",  "a_b_2_2", "a_b_4"};
    struct avro_table *t = avro_table_new();
    struct format_config c = config(NULL);
    struct buf file = BUF_INIT(MIB);
    int columns[ARRAY_LEN(names)];
    char *schema = NULL, want[80];
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        avro_table_add(t, names[i], "int(11)", true);
        columns[i] = (int)i;
    }
    avro_table_ready(t);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        avro_put_int(t, i, (int64_t)i);
    must_rc(write_file(&c, t->rows, &file, &err), &err);
    must_rc(compare(file, SIZE_MAX, t->rows, &err), &err);
    must_rc(ocf_schema_write(t->def, columns, ARRAY_LEN(names), "2022 \"rows\"", false, &schema, &err), &err);
    ok(strstr(schema, "\"name\":\"_2022__rows_\"") != NULL);
    for (size_t i = 0; i < ARRAY_LEN(legal); i++) {
        snprintf(want, sizeof want, "{\"name\":\"%s\",", legal[i]);
        ok(strstr(schema, want) != NULL);
    }
    free(schema);
    buf_release(&file);
    avro_table_free(t);
}

/* One cell that the type cannot hold in the file. */
static void refuses(const char *type, const char *text, bool text_times, const char *why)
{
    struct avro_table *t = avro_table_of("c", type, true);
    struct format_config c = config(NULL);
    struct buf file = BUF_INIT(MIB);
    struct err err = {0};

    c.text_times = text_times;
    avro_put_bytes(t, 0, NULL, 0);
    avro_put_bytes(t, 0, text, strlen(text));
    int rc = write_file(&c, t->rows, &file, &err);
    if (why == NULL) {
        must_rc(rc, &err);
        must_rc(compare(file, SIZE_MAX, t->rows, &err), &err);
    } else {
        fails(rc, &err, ERR_BAD_VALUE);
        ok(strstr(err.msg, why) != NULL && strstr(err.msg, "row 2") != NULL &&
           strstr(err.msg, "column c") != NULL);
    }
    buf_release(&file);
    avro_table_free(t);
}

TEST(what_no_calendar_has_is_refused_and_kept_as_text)
{
    static const char *const dates[] = {"0000-00-00", "2022-00-10", "2022-06-00", "2022-02-29"};
    char moment[40];

    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        snprintf(moment, sizeof moment, "%s 00:00:00", dates[i]);
        refuses("date", dates[i], false, "in no calendar");
        refuses("datetime", moment, false, "in no calendar");
        refuses("timestamp", moment, false, "in no calendar");
        refuses("date", dates[i], true, NULL);
        refuses("datetime", moment, true, NULL);
        refuses("timestamp", moment, true, NULL);
    }
    refuses("decimal(5,2)", "1000.00", false, "no value of its type");
    refuses("decimal(5,2)", "1.001", false, "no value of its type");
    refuses("decimal(5,2)", "", false, "no value of its type");
    refuses("text", "caf\xe9", false, "not UTF-8");
    refuses("longtext", "caf\xc3\xa9", false, NULL);
}

TEST(null_in_a_column_that_has_none)
{
    struct avro_table *t = avro_table_of("c", "int(11)", false);
    struct format_config c = config(NULL);
    struct buf file = BUF_INIT(MIB);
    struct err err;

    avro_put_bytes(t, 0, NULL, 0);
    fails(write_file(&c, t->rows, &file, &err), &err, ERR_BAD_VALUE);
    buf_release(&file);
    avro_table_free(t);
}

TEST(a_codec_that_not_every_reader_has)
{
    struct avro_table *t = avro_table_of("c", "int(11)", false);
    struct format_config c = config("zstandard");
    struct buf file = BUF_INIT(MIB);
    struct err err;

    fails(write_file(&c, t->rows, &file, &err), &err, ERR_CONFIG);
    avro_table_free(t);
}

TEST(an_output_that_is_full)
{
    struct avro_table *t = avro_table_every();
    struct format_config c = config(NULL);
    struct buf file = BUF_INIT(100);
    struct err err;

    fails(write_file(&c, t->rows, &file, &err), &err, ERR_TOO_LARGE);
    buf_release(&file);
    avro_table_free(t);
}

/* Every byte of a file turned over in turn, and every cut: an error, or the very rows (a byte of the schema's own words, of
 * the metadata or of a value may be another one and still be a file). Never a crash, never a row too few without an error. */
TEST(damage_is_seen)
{
    struct avro_table *t = avro_table_of("c", "varchar(20)", true);
    struct format_config c = config("deflate");
    struct buf file = BUF_INIT(MIB), copy = BUF_INIT(MIB);
    struct err err;

    for (int i = 0; i < 20; i++)
        avro_put_bytes(t, 0, i % 5 == 0 ? NULL : "some text of a cell", i % 5 == 0 ? 0 : (size_t)i % 19);
    must_rc(write_file(&c, t->rows, &file, &err), &err);
    size_t header = file.n - 16;
    while (header > 0 && memcmp(file.p + header - 16, file.p + file.n - 16, 16) != 0)
        header--;
    must(header > 100);
    for (size_t n = 0; n < file.n; n++) {
        struct buf cut = {file.p, n, 0, 0};
        struct ocf *o = NULL;
        if (n == header)
            continue; /* a file without rows */
        int rc = ocf_open(pieces_of(cut, SIZE_MAX), &o, &err);
        const int column = 0;
        struct batch *b = rc == 0 ? batch_new(ocf_table(o), &column, 1, 100) : NULL;
        if (rc == 0)
            rc = ocf_fill(o, b, &err);
        if (!tap_ok(rc < 0, __FILE__, __LINE__, "a file that is cut off is an error"))
            diag("after %zu bytes", n);
        batch_free(b);
        ocf_close(o);
    }
    for (size_t at = header - 16; at < file.n; at++) {
        if (at >= header + 2 && at < file.n - 16)
            continue; /* packed rows: no sum guards them in this format */
        buf_clear(&copy);
        must_rc(buf_add(&copy, file.p, file.n, &err), &err);
        copy.p[at] = (char)(copy.p[at] ^ 0x10);
        ok(compare(copy, SIZE_MAX, t->rows, &err) < 0);
    }
    buf_release(&file);
    buf_release(&copy);
    avro_table_free(t);
}

/* A header with this schema, and one block of rows as they stand. */
static void make(struct buf *ret, const char *schema, const char *rows, size_t n, int64_t count)
{
    unsigned char p[OCF_LONG_MAX];
    struct err err;

    buf_clear(ret);
    must_rc(buf_add(ret, "Obj\001\002\026avro.schema", 17, &err), &err);
    must_rc(buf_add(ret, p, (size_t)(ocf_put_long(p, (int64_t)strlen(schema)) - p), &err), &err);
    must_rc(buf_adds(ret, schema, &err), &err);
    must_rc(buf_add(ret, "\0sync marker here", 17, &err), &err);
    must_rc(buf_add(ret, p, (size_t)(ocf_put_long(p, count) - p), &err), &err);
    must_rc(buf_add(ret, p, (size_t)(ocf_put_long(p, (int64_t)n) - p), &err), &err);
    must_rc(buf_add(ret, rows, n, &err), &err);
    must_rc(buf_add(ret, "sync marker here", 16, &err), &err);
}

static int open_made(const char *schema, struct err *err)
{
    struct buf file = BUF_INIT(MIB);
    struct ocf *o = NULL;

    make(&file, schema, "", 0, 0);
    int rc = ocf_open(pieces_of(file, SIZE_MAX), &o, err);
    ocf_close(o);
    buf_release(&file);
    return rc;
}

#define FIELD(f) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" f "]}"

TEST(files_of_others)
{
    static const char schema[] =
        FIELD("{\"name\":\"i\",\"type\":\"int\"},{\"name\":\"b\",\"type\":[\"boolean\",\"null\"]},"
              "{\"name\":\"d\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
              "{\"name\":\"n\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,"
              "\"scale\":2}},"
              "{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
              "{\"name\":\"s\",\"type\":{\"type\":\"string\",\"avro.java.string\":\"String\"}}");
    static const char *const types[] = {"int",          "tinyint(1)",   "date",
                                        "decimal(9,2)", "timestamp(6)", "longtext"};
    static const char *const first[] = {"-1",      "1", "1969-12-31", "-0.01", "1970-01-01 00:00:00.000001",
                                        "\xc3\xa9"};
    static const char rows[] = "\x01\x00\x01\x01\x02\xff\x02\x04\xc3\xa9"
                               "\x02\x02\x00\x02\x00\x00\x00";
    const int columns[] = {0, 1, 2, 3, 4, 5};
    char scratch[CELL_TEXT_SIZE];
    struct buf file = BUF_INIT(MIB);
    struct ocf *o = NULL;
    struct err err;

    make(&file, schema, rows, sizeof rows - 1, 2);
    must_rc(ocf_open(pieces_of(file, SIZE_MAX), &o, &err), &err);
    const struct table *t = ocf_table(o);
    is_int(t->count, 6);
    struct batch *b = batch_new(t, columns, 6, 10);
    is_int(ocf_fill(o, b, &err), 0);
    is_int(b->rows, 2);
    for (size_t i = 0; i < 6; i++) {
        struct str got = batch_cell_text(&b->cols[i], 0, scratch);
        is_str(t->columns[i].type_text, types[i]);
        is_mem(got.p, got.n, first[i], strlen(first[i]));
    }
    ok(b->cols[1].nulls[1]);
    batch_free(b);
    ocf_close(o);
    buf_release(&file);
}

TEST(schemas_that_no_table_has)
{
    static const char *const foreign[] = {
        "\"int\"",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}",
        FIELD("{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"int\"}}"),
        FIELD("{\"name\":\"a\",\"type\":[\"null\",\"int\",\"string\"]}"),
        FIELD("{\"name\":\"a\",\"type\":[\"int\",\"string\"]}"),
        FIELD("{\"name\":\"a\",\"type\":[\"null\",\"null\"]}"),
        FIELD("{\"name\":\"a\",\"type\":\"null\"}"),
        FIELD("{\"name\":\"a\",\"type\":\"other\"}"),
        FIELD("{\"name\":\"a\"}"),
        FIELD("{\"type\":\"int\"}"),
        FIELD("5"),
        FIELD("{\"name\":\"a\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}"),
        FIELD("{\"name\":\"a\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":70}}"),
        FIELD("{\"name\":\"a\",\"type\":\"long\",\"orch.type\":\"int(11)\"}"),
        FIELD("{\"name\":\"a\",\"type\":\"long\",\"orch.type\":\"no such\"}"),
        FIELD("{\"name\":\"a\",\"type\":\"int\",\"orch.name\":\"\"}"),
    };
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        int rc = open_made(foreign[i], &err);
        if (!tap_ok(rc == -ERR_SCHEMA, __FILE__, __LINE__, "refused"))
            diag("%s: %d", foreign[i], rc);
    }
    fails(open_made("{\"type\":", &err), &err, ERR_CORRUPT);
    fails(open_made("{\"type\":1,\"type\":2}", &err), &err, ERR_CORRUPT);
    must_rc(open_made(FIELD("{\"name\":\"a\",\"type\":\"int\"}"), &err), &err);
}

/* Rows that their schema allows and the column does not. */
TEST(values_that_no_column_has)
{
    static const struct {
        const char *field, *row;
        size_t n;
        enum err_code code;
    } rows[] = {
        {"\"int\",\"orch.type\":\"tinyint(4)\"", "\x80\x02", 2, ERR_BAD_VALUE},
        {"\"int\",\"orch.type\":\"year(4)\"", "\x01", 1, ERR_BAD_VALUE},
        {"\"float\"", "\x00\x00\x80\x7f", 4, ERR_BAD_VALUE},
        {"\"double\"", "\x00\x00\x00\x00\x00\x00\xf8\x7f", 8, ERR_BAD_VALUE},
        {"\"double\"", "\x00\x00\x00\x00", 4, ERR_CORRUPT},
        {"\"string\"", "\x02\xe9", 2, ERR_BAD_VALUE},
        {"\"string\"", "\x04\x41", 2, ERR_CORRUPT},
        {"\"string\"", "\x01", 1, ERR_CORRUPT},
        {"\"bytes\"", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, ERR_CORRUPT},
        {"\"long\"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, ERR_CORRUPT},
        {"\"boolean\"", "\x02", 1, ERR_CORRUPT},
        {"[\"null\",\"int\"]", "\x04\x00", 2, ERR_CORRUPT},
        {"\"int\"", "\x00\x00", 2, ERR_CORRUPT}, /* a byte too many */
        {"\"bytes\",\"orch.type\":\"bit(3)\"", "\x02\x08", 2, ERR_BAD_VALUE},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2}", "\x02\x64", 2, ERR_BAD_VALUE},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2}", "\x00", 1, ERR_BAD_VALUE},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":20,\"scale\":0},"
         "\"orch.type\":\"bigint(20) unsigned\"",
         "\x02\xff", 2, ERR_BAD_VALUE},
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", "\xfe\xff\xff\xff\x0f", 5, ERR_BAD_VALUE},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"},\"orch.type\":\"datetime\"", "\x02",
         1, ERR_BAD_VALUE},
    };
    struct buf file = BUF_INIT(MIB);
    const int column = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *schema = xasprintf(FIELD("{\"name\":\"a\",\"type\":%s}"), rows[i].field);
        struct ocf *o = NULL;
        struct err err = {0};
        make(&file, schema, rows[i].row, rows[i].n, 1);
        must_rc(ocf_open(pieces_of(file, SIZE_MAX), &o, &err), &err);
        struct batch *b = batch_new(ocf_table(o), &column, 1, 10);
        int rc = ocf_fill(o, b, &err);
        if (!tap_ok(rc == -(int)rows[i].code, __FILE__, __LINE__, "refused"))
            diag("%s: %d %s", rows[i].field, rc, err.msg);
        batch_free(b);
        ocf_close(o);
        free(schema);
    }
    buf_release(&file);
}

TEST(what_a_block_claims_costs_nothing)
{
    struct buf file = BUF_INIT(MIB);
    struct ocf *o = NULL;
    struct err err;
    const int column = 0;

    make(&file, FIELD("{\"name\":\"a\",\"type\":\"int\"}"), "\x02", 1, INT64_C(1) << 60);
    must_rc(ocf_open(pieces_of(file, SIZE_MAX), &o, &err), &err);
    struct batch *b = batch_new(ocf_table(o), &column, 1, 10);
    fails(ocf_fill(o, b, &err), &err, ERR_CORRUPT);
    is_int(b->rows, 1);
    batch_free(b);
    ocf_close(o);
    buf_release(&file);
}

TEST(a_batch_of_other_cells)
{
    struct avro_table *text = avro_table_of("a", "text", false), *two = avro_table_new();
    struct buf file = BUF_INIT(MIB);
    struct ocf *o = NULL;
    struct err err;

    avro_table_add(two, "a", "int(11)", false);
    avro_table_add(two, "b", "int(11)", false);
    avro_table_ready(two);
    make(&file, FIELD("{\"name\":\"a\",\"type\":\"int\"}"), "\x02", 1, 1);
    must_rc(ocf_open(pieces_of(file, SIZE_MAX), &o, &err), &err);
    fails(ocf_fill(o, text->rows, &err), &err, ERR_SCHEMA);
    fails(ocf_fill(o, two->rows, &err), &err, ERR_SCHEMA);
    ocf_close(o);
    avro_table_free(text);
    avro_table_free(two);
    buf_release(&file);
}

/* Against a slow reading of the same digits. */
TEST(decimals_of_any_length)
{
    unsigned char bytes[OCF_DECIMAL_MAX];
    char text[100], out[OCF_TEXT_MAX];
    size_t n, m;

    for (int digits = 1; digits <= 65; digits++) {
        for (int scale = 0; scale <= 38 && scale <= digits; scale++) {
            for (int kind = 0; kind < 4; kind++) {
                char *o = text;
                if (kind & 1)
                    *o++ = '-';
                if (digits == scale)
                    *o++ = '0';
                for (int i = 0; i < digits; i++) {
                    if (i == digits - scale)
                        *o++ = '.';
                    *o++ = (char)(kind & 2 ? '9' : i == 0 ? '1' : '0');
                }
                n = (size_t)(o - text);
                must(ocf_decimal_put((struct str){text, n}, digits, scale, bytes, &m));
                must(ocf_decimal_get(bytes, m, digits, scale, out, &m));
                is_mem(out, m, text, n);
                ok(digits == 1 || !ocf_decimal_put((struct str){text, n}, digits - 1, scale, bytes, &m));
            }
        }
    }
    must(ocf_decimal_put(str_of("-0.00"), 5, 2, bytes, &m));
    is_mem(bytes, m, "\0", 1);
    must(ocf_decimal_put(str_of("7"), 5, 2, bytes, &m)); /* 700 */
    is_mem(bytes, m, "\x02\xbc", 2);
    must(ocf_decimal_put(str_of("-1.28"), 5, 2, bytes, &m));
    is_mem(bytes, m, "\x80", 1);
    must(ocf_decimal_put(str_of("1.28"), 5, 2, bytes, &m));
    is_mem(bytes, m, "\0\x80", 2);
}

TEST(longs)
{
    static const int64_t values[] = {0, -1, 1, 63, 64, -64, -65, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    unsigned char p[OCF_LONG_MAX];
    int64_t got = 7;

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        unsigned char *end = ocf_put_long(p, values[i]);
        ok(ocf_get_long(p, end, &got) == end);
        is_int(got, values[i]);
        ok(ocf_get_long(p, end - 1, &got) == NULL);
    }
}

TEST(the_library_is_asked)
{
    static const char schema[] = FIELD("{\"name\":\"a\",\"type\":[\"null\",\"string\"]}");
    struct ocf_check *c = NULL;
    struct err err;

    fails(ocf_check_new("{\"type\":\"record\"}", 17, &c, &err), &err, ERR_INTERNAL);
    must_rc(ocf_check_new(schema, strlen(schema), &c, &err), &err);
    must_rc(ocf_check_rows(c, "\x02\x02x\x00", 4, 2, &err), &err);
    fails(ocf_check_rows(c, "\x02\x02x\x00", 4, 1, &err), &err, ERR_INTERNAL);
    fails(ocf_check_rows(c, "\x02\x04x", 3, 1, &err), &err, ERR_INTERNAL);
    fails(ocf_check_rows(c, "\x06\x04x", 3, 1, &err), &err, ERR_INTERNAL);
    ocf_check_free(c);
    ocf_check_free(NULL);
    ocf_codec_free(NULL);
}
