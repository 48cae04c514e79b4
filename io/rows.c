#include "io/rows.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/inflate.h"

enum { BEAT_RECORDS = 4096 };

struct rows {
    struct rows_config c;
    struct csv *csv;
    struct reader *hashing; /* borrowed: inside csv; NULL: no sum is wanted */
    struct converter *converter;
    struct csv_record rec; /* the next one, where have */
    bool have, ended;
    int64_t line, offset; /* behind the last record */
    struct rows_result result;
};

int rows_open(const struct rows_config *c, struct reader *raw, bool hash, struct rows **ret, struct err *err)
{
    struct rows *r = xcalloc(1, sizeof *r);
    struct reader *outer = raw, *plain = NULL;
    int rc = 0;

    r->c = *c;
    if (hash) {
        rc = hashing_open(raw, &r->hashing, err); /* takes raw, as all of these do, also where they fail */
        outer = r->hashing;
    }
    if (rc == 0)
        rc = inflate_open(outer, &plain, err);
    if (rc == 0)
        rc = csv_open(plain, c->dialect, &r->csv, err);
    if (rc < 0) {
        free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void rows_close(struct rows *r)
{
    if (r == NULL)
        return;
    converter_free(r->converter);
    csv_close(r->csv);
    free(r);
}

/* Reads what is left (nothing, normally) so that the source verifies length and ETag, and gives the sum. */
static int drain(struct rows *r, struct err *err)
{
    unsigned char sum[SHA256_SIZE];
    char waste[16384];
    int64_t bytes;
    size_t n;

    if (r->hashing == NULL)
        return 0;
    do {
        int rc = reader_read(r->hashing, waste, sizeof waste, &n, err);
        if (rc < 0)
            return rc;
    } while (n > 0);
    hashing_result(r->hashing, sum, &bytes);
    str_hex(sum, sizeof sum, r->result.sha256);
    return 0;
}

/* 1: r->rec is the next record; 0: the end. */
static int ahead(struct rows *r, struct err *err)
{
    struct csv_stats stats;

    if (r->have || r->ended)
        return r->have;
    int rc = csv_next(r->csv, &r->rec, err);
    if (rc > 0)
        r->have = true;
    if (rc != 0)
        return rc;
    csv_stats(r->csv, &stats);
    r->result.empty_lines = stats.empty_lines;
    r->line = stats.line + 1; /* behind the last one also where it has no line end */
    r->offset = stats.bytes;
    r->ended = true;
    return drain(r, err);
}

int rows_begin(struct rows *r, struct err *err)
{
    int rc = ahead(r, err);

    if (rc <= 0)
        return rc;
    const struct csv_record *first = &r->rec;
    if (first->code != CSV_GOOD)
        return err_set(err, ERR_BAD_CSV, "line %lld: %s: %s", (long long)first->line,
                       csv_code_name(first->code), first->message);
    rc = converter_new_about(r->c.convert, r->c.def, first, &r->c.about, &r->converter, err);
    if (rc < 0)
        return rc;
    r->have = !r->c.convert->header; /* without a header the first record is data */
    return 1;
}

const int *rows_columns(const struct rows *r, size_t *ret_count)
{
    return converter_columns(r->converter, ret_count);
}

int rows_fill(struct rows *r, struct batch *b, int64_t until, reject_sink *reject, void *arg, struct err *err)
{
    struct reject_info why;

    for (;;) {
        if (b != NULL && (b->rows == b->capacity || b->bytes >= BATCH_BYTES))
            return ROWS_FULL;
        int rc = ahead(r, err);
        if (rc <= 0)
            return rc < 0 ? rc : ROWS_END;
        if (until >= 0 && r->rec.offset >= until)
            return ROWS_UNTIL;
        r->have = false;
        r->result.records++;
        if (b != NULL && converter_row(r->converter, &r->rec, b, &why) == 0) {
            r->result.rejected++;
            rc = reject != NULL ? reject(arg, &why, err) : 0;
        }
        if (rc >= 0 && r->result.records % BEAT_RECORDS == 0)
            rc = beat(r->c.beat, err);
        if (rc < 0)
            return rc;
    }
}

void rows_at(const struct rows *r, int64_t *ret_line, int64_t *ret_offset)
{
    *ret_line = r->have ? r->rec.line : r->line;
    *ret_offset = r->have ? r->rec.offset : r->offset;
}

void rows_result(const struct rows *r, struct rows_result *ret)
{
    *ret = r->result;
}
