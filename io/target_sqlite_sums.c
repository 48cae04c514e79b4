/* Exact sums in SQLite, as io/sums.h says: aggregates of our own. */
#include "io/real.h"
#include "io/target_sqlite_int.h"
#include "io/target_sums_int.h"
#include <inttypes.h>
#include <math.h>

static struct dec256 *sum_of(sqlite3_context *ctx)
{
    struct dec256 *sum = sqlite3_aggregate_context(ctx, (int)sizeof *sum);

    if (sum == NULL) {
        fprintf(stderr, "orch: out of memory\n");
        abort();
    }
    return sum;
}

static void add_crc(struct dec256 *sum, sqlite3_value *v)
{
    bool blob = sqlite3_value_type(v) == SQLITE_BLOB;
    const void *p = blob ? sqlite3_value_blob(v) : (const void *)sqlite3_value_text(v);
    int n = sqlite3_value_bytes(v);

    dec256_add_scaled(sum, (int64_t)crc32_of(n > 0 ? p : "", (size_t)n), 30);
}

static void step_sum(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct dec256 *sum = sum_of(ctx);

    UNUSED(argc);
    int type = sqlite3_value_type(argv[0]);
    if (type == SQLITE_INTEGER)
        dec256_add_scaled(sum, sqlite3_value_int64(argv[0]), 30);
    else if (type != SQLITE_NULL) /* no load of ours put it there: it must show as a difference */
        add_crc(sum, argv[0]);
}

static int64_t cut(uint64_t digits, int drop) /* half away from zero */
{
    uint64_t power = 1;

    if (drop > 18)
        return 0;
    for (int i = 0; i < drop; i++)
        power *= 10;
    return (int64_t)(digits / power + (digits % power >= power - power / 2));
}

/* The value as io/sums.h sums it, all digits written, as batch_sum.c does. */
static struct str real_digits(double v, char out[130])
{
    struct decimal d;

    if (!(fabs(v) < 1e25))
        return str_of("large");
    d = decimal_shortest(v);
    int scale = d.exp10 + 30;
    int64_t mantissa = scale >= 0 ? (int64_t)d.digits : cut(d.digits, -scale);
    return dec256_digits(d.negative ? -mantissa : mantissa, scale > 0 ? scale : 0, out);
}

static void step_real(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct dec256 *sum = sum_of(ctx);

    UNUSED(argc);
    int type = sqlite3_value_type(argv[0]);
    if (type == SQLITE_NULL)
        return;
    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) {
        add_crc(sum, argv[0]);
        return;
    }
    double v = sqlite3_value_double(argv[0]);
    if (!(fabs(v) < 1e25))
        return;
    struct decimal d = decimal_shortest(v);
    int scale = d.exp10 + 30;
    int64_t mantissa = scale >= 0 ? (int64_t)d.digits : cut(d.digits, -scale);
    dec256_add_scaled(sum, d.negative ? -mantissa : mantissa, scale > 0 ? scale : 0);
}

static void step_large(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct dec256 *sum = sum_of(ctx);
    int type = sqlite3_value_type(argv[0]);

    UNUSED(argc);
    if ((type == SQLITE_FLOAT || type == SQLITE_INTEGER) && !(fabs(sqlite3_value_double(argv[0])) < 1e25))
        dec256_add_scaled(sum, 1, 30);
}

static void step_crc(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct dec256 *sum = sum_of(ctx);

    UNUSED(argc);
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL)
        add_crc(sum, argv[0]);
}

static void give_sum(sqlite3_context *ctx)
{
    const struct dec256 *sum = sqlite3_aggregate_context(ctx, 0);
    char text[96];

    if (sum != NULL)
        dec256_text(sum, text);
    sqlite3_result_text(ctx, sum != NULL ? text : "0", -1, SQLITE_TRANSIENT);
}

/* orch_check(line, cell): as io/sums.h says of verify: full. */
static void step_check(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct dec256 *sum = sum_of(ctx);
    char line[24], text[130];
    int type = sqlite3_value_type(argv[1]);

    UNUSED(argc);
    if (type == SQLITE_NULL)
        return;
    int n = snprintf(line, sizeof line, "%lld:", (long long)sqlite3_value_int64(argv[0]));
    uint32_t crc = crc32_of(line, (size_t)n);
    if (type == SQLITE_FLOAT) {
        struct str digits = real_digits(sqlite3_value_double(argv[1]), text);
        crc = crc32_more(crc, digits.p, digits.n);
    } else {
        const void *p = type == SQLITE_BLOB ? sqlite3_value_blob(argv[1]) : sqlite3_value_text(argv[1]);
        int size = sqlite3_value_bytes(argv[1]);
        crc = crc32_more(crc, size > 0 ? p : "", (size_t)size);
    }
    dec256_add_scaled(sum, (int64_t)crc, 30);
}

/* All the digits of a number, where SQLite's own text has 15. */
static void real_text(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    char text[40];

    UNUSED(argc);
    if (sqlite3_value_type(argv[0]) != SQLITE_FLOAT) {
        sqlite3_result_value(ctx, argv[0]);
        return;
    }
    snprintf(text, sizeof text, "%.17g", sqlite3_value_double(argv[0]));
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void step_bits(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct bits *sum = sqlite3_aggregate_context(ctx, (int)sizeof *sum);
    int type = sqlite3_value_type(argv[0]);

    UNUSED(argc);
    if (sum == NULL) {
        fprintf(stderr, "orch: out of memory\n");
        abort();
    }
    if (type == SQLITE_FLOAT || type == SQLITE_INTEGER)
        bits_add_double(sum, sqlite3_value_double(argv[0]), 0);
    else if (type != SQLITE_NULL) /* no load of ours put it there: it must show as a difference */
        bits_add(sum, 1, -BITS_LOW);
}

static void give_bits(sqlite3_context *ctx)
{
    const struct bits *sum = sqlite3_aggregate_context(ctx, 0);
    char text[BITS_WORDS * 16 + 1];

    for (size_t i = 0; sum != NULL && i < BITS_WORDS; i++)
        snprintf(text + i * 16, 17, "%016" PRIx64, sum->w[BITS_WORDS - 1 - i]);
    if (sum != NULL)
        sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_null(ctx);
}

void sqlite_add_functions(sqlite3 *db)
{
    static const struct {
        const char *name;
        void (*step)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"orch_sum", step_sum}, {"orch_real", step_real}, {"orch_large", step_large}, {"orch_crc", step_crc}};

    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        sqlite3_create_function_v2(db, functions[i].name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, NULL,
                                   functions[i].step, give_sum, NULL);
    sqlite3_create_function_v2(db, "orch_bits", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, NULL, step_bits,
                               give_bits, NULL);
    sqlite3_create_function_v2(db, "orch_check", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, NULL,
                               step_check, give_sum, NULL);
    sqlite3_create_function_v2(db, "orch_real_text", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, real_text,
                               NULL, NULL, NULL);
}

int sqlite_text_expr(const struct column *c, const char *quoted, struct buf *ret, struct err *err)
{
    bool real = c->type == COL_DOUBLE || c->type == COL_FLOAT;

    return buf_addf(ret, err, real ? ",orch_real_text(%s)" : ",%s", quoted);
}

int sqlite_sum_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                    struct err *err)
{
    switch (a->how) {
    case ASK_EXACT:
        return buf_addf(ret, err, sum_kind_of(c) == SUM_CRC ? ",orch_crc(%s)" : ",orch_sum(%s)", quoted);
    case ASK_REAL:
        return buf_addf(ret, err, ",orch_real(%s),orch_large(%s)", quoted, quoted);
    case ASK_BITS:
        return buf_addf(ret, err, ",orch_bits(%s)", quoted);
    case ASK_COUNT:
    case ASK_PLAIN:
    case ASK_PACKED:
    case ASK_SLICES:
        break;
    }
    return 0;
}

int sqlite_full_expr(const struct column *c, const struct ask *a, const char *quoted, struct buf *ret,
                     struct err *err)
{
    int rc = 0;

    if (a->extremes && sum_kind_of(c) == SUM_DOUBLE)
        rc = buf_addf(ret, err, ",orch_real_text(MIN(%s)),orch_real_text(MAX(%s))", quoted, quoted);
    else if (a->extremes)
        rc = buf_addf(ret, err, ",MIN(%s),MAX(%s)", quoted, quoted);
    return rc < 0 ? rc : buf_addf(ret, err, ",orch_check(_orch_line,%s)", quoted);
}
