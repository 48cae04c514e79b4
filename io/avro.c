/*
 * The door to libavro. What it is used for: every schema that orch writes, and the first row of every file, are read by it
 * before they leave. What it is not used for: the file itself. Its writer wants a FILE, draws its sync marker with rand() and
 * keeps no metadata of ours; its value interface takes several times as long for a row as the encoding (docs/avro.md); its
 * reader allocates whatever length a file claims.
 */
#include "io/ocf_int.h"
#include <avro.h>

struct ocf_check {
    avro_schema_t schema;
};

int ocf_check_new(const char *schema, size_t n, struct ocf_check **ret, struct err *err)
{
    avro_schema_t parsed = NULL;

    if (avro_schema_from_json_length(schema, n, &parsed) != 0)
        return err_set(err, ERR_INTERNAL, "libavro does not take the schema: %.300s", avro_strerror());
    *ret = xcalloc(1, sizeof **ret);
    (*ret)->schema = parsed;
    return 0;
}

int ocf_check_rows(struct ocf_check *c, const void *p, size_t n, int64_t rows, struct err *err)
{
    avro_reader_t r = avro_reader_memory(p, (int64_t)n);
    int rc = 0;
    char extra;

    if (r == NULL)
        abort();
    for (int64_t i = 0; i < rows && rc == 0; i++)
        if (avro_skip_data(r, c->schema) != 0)
            rc = err_set(err, ERR_INTERNAL, "libavro does not read row %lld as it was written: %.300s",
                         (long long)i + 1, avro_strerror());
    if (rc == 0 && avro_read(r, &extra, 1) == 0)
        rc = err_set(err, ERR_INTERNAL, "libavro finds bytes behind the last of %lld rows", (long long)rows);
    avro_reader_free(r);
    return rc;
}

void ocf_check_free(struct ocf_check *c)
{
    if (c == NULL)
        return;
    avro_schema_decref(c->schema);
    free(c);
}
