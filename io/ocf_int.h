#ifndef IO_OCF_INT_H
#define IO_OCF_INT_H
#include "base/buf.h"
#include "base/str.h"
#include "io/table.h"
/*
 * Inside Avro's object container files: format_avro.c writes, ocf.c reads; ocf_schema.c has what a column is in either
 * direction, ocf_value.c the values, ocf_codec.c the packing, avro.c is the door to the library.
 */
#define OCF_MAGIC "Obj\001"
enum { OCF_SYNC = 16, OCF_LONG_MAX = 10 /* bytes of a long */ };

/* How a cell is encoded. */
enum ocf_form {
    OCF_INT,  /* int and long: the same bytes */
    OCF_UBIG, /* BIGINT UNSIGNED, as decimal(20,0) */
    OCF_DECIMAL,
    OCF_FLOAT,
    OCF_DOUBLE,
    OCF_BYTES,
    OCF_BIT, /* bytes, the highest first */
    OCF_STRING,
    OCF_DATE,
    OCF_MICROS,
    OCF_BOOLEAN, /* of files that others wrote */
};
struct ocf_type {
    enum ocf_form form;
    const char *base;    /* "int" */
    const char *logical; /* "date"; NULL: none */
    int precision, scale;
};
/* text_times: DATE, DATETIME and TIMESTAMP are strings. */
struct ocf_type ocf_type_of(const struct column *c, bool text_times);
/* What a field of a file is. */
struct ocf_field {
    enum ocf_form form;
    int precision, scale;
    bool nullable;
    int null_branch; /* 0 or 1 */
};
/* The schema of these columns of t as JSON; name: of the record, made a legal one. Returns owned in *ret. */
NODISCARD int ocf_schema_write(const struct table *t, const int *columns, size_t count, const char *name,
                               bool text_times, char **ret, struct err *err);
/* The other way. *ret_fields: one a column, owned. */
NODISCARD int ocf_schema_read(const char *json, size_t n, struct table **ret, struct ocf_field **ret_fields,
                              struct err *err);

static inline unsigned char *ocf_put_long(unsigned char *p, int64_t v)
{
    uint64_t z = (uint64_t)v << 1 ^ (0 - ((uint64_t)v >> 63));

    for (; z >= 0x80; z >>= 7)
        *p++ = (unsigned char)(z | 0x80);
    *p++ = (unsigned char)z;
    return p;
}
/* Behind the long at p, or NULL: it is cut off, or no long. */
static inline const unsigned char *ocf_get_long(const unsigned char *p, const unsigned char *end,
                                                int64_t *ret)
{
    uint64_t z = 0;

    for (int shift = 0; p < end && shift < 64; shift += 7) {
        unsigned char c = *p++;
        if (shift == 63 && c > 1)
            return NULL;
        z |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = (int64_t)(z >> 1 ^ (0 - (z & 1)));
            return p;
        }
    }
    return NULL;
}

/*
 * ocf_value.c: values of the server's text form, and back, exactly or not at all: false is a value that the other side does
 * not have.
 */
enum { OCF_DECIMAL_MAX = 32 /* bytes of 65 digits, and some */, OCF_TEXT_MAX = 80 };
bool ocf_decimal_put(struct str text, int precision, int scale, unsigned char out[OCF_DECIMAL_MAX],
                     size_t *ret_n);
bool ocf_decimal_get(const unsigned char *p, size_t n, int precision, int scale, char out[OCF_TEXT_MAX],
                     size_t *ret_n);
/* The fewest bytes, the highest first, at least 1. */
size_t ocf_u64_put(uint64_t v, unsigned char out[9]);
bool ocf_u64_get(const unsigned char *p, size_t n, uint64_t *ret);
bool ocf_date_put(struct str text, int64_t *ret_days); /* since 1970-01-01 */
bool ocf_date_get(int64_t days, char out[OCF_TEXT_MAX], size_t *ret_n);
bool ocf_micros_put(struct str text, int64_t *ret_micros); /* since 1970-01-01 00:00:00 */
bool ocf_micros_get(int64_t micros, int fsp, char out[OCF_TEXT_MAX], size_t *ret_n);

/* ocf_codec.c: blocks packed and unpacked. A codec goes one way. */
struct ocf_codec;
enum ocf_way { OCF_PACK, OCF_UNPACK };
/* By its name in the file; NULL name: "null". ERR_CONFIG or ERR_SCHEMA for one that orch does not have. */
NODISCARD int ocf_codec_new(const char *name, enum ocf_way way, struct ocf_codec **ret, struct err *err);
void ocf_codec_free(struct ocf_codec *c); /* NULL is fine */
const char *ocf_codec_name(const struct ocf_codec *c);
/* *ret: in itself, or of the codec until it is asked again. Unpacked: at most MAX_OCF_BLOCK. */
NODISCARD int ocf_codec_run(struct ocf_codec *c, struct str in, struct str *ret, struct err *err);

/* avro.c: what the library says. */
struct ocf_check;
/* ERR_INTERNAL where the library does not take the schema. */
NODISCARD int ocf_check_new(const char *schema, size_t n, struct ocf_check **ret, struct err *err);
/* ERR_INTERNAL where these bytes are not this many rows of the schema. */
NODISCARD int ocf_check_rows(struct ocf_check *c, const void *p, size_t n, int64_t rows, struct err *err);
void ocf_check_free(struct ocf_check *c); /* NULL is fine */
#endif
