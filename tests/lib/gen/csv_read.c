/*
 * What orch's CSV reader makes of files, for tests/campaign/differential.py. stdin: cases, each a line
 * "DELIMITER QUOTE ESCAPE ENCODING STEP BYTES" of numbers (0: no such sign; STEP: bytes given at a time), then that
 * many bytes. stdout, a case: for each record "CODE LINE OFFSET FIELDS" and a line "QUOTED BYTES", the bytes and a line
 * end for each field; then "end RC".
 */
#include "base/limits.h"
#include "base/mem.h"
#include "io/csv.h"

static void show(const struct csv_record *r)
{
    printf("%s %lld %lld %zu\n", r->code == CSV_GOOD ? "GOOD" : csv_code_name(r->code), (long long)r->line,
           (long long)r->offset, r->count);
    for (size_t i = 0; r->fields != NULL && i < r->count; i++) {
        printf("%d %u\n", r->fields[i].quoted, r->fields[i].n);
        fwrite(r->fields[i].p, 1, r->fields[i].n, stdout);
        putchar('\n');
    }
}

static void one_file(const struct csv_dialect *d, struct memory_reader s)
{
    struct csv_record rec;
    struct csv *csv = NULL;
    struct err err;
    int rc = csv_open(&s.reader, d, &csv, &err);

    while (rc >= 0 && (rc = csv_next(csv, &rec, &err)) > 0)
        show(&rec);
    csv_close(csv);
    printf("end %d\n", rc);
}

/* false: no further case */
static bool numbers(unsigned long *ret, size_t count)
{
    char line[200], *p = line;

    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        ret[i] = strtoul(p, &p, 10);
    return true;
}

int main(void)
{
    unsigned long v[6];

    while (numbers(v, ARRAY_LEN(v))) {
        struct csv_dialect d = {.delimiter = (char)v[0],
                                .quote = (char)v[1],
                                .escape = (char)v[2],
                                .encoding = (enum csv_encoding)v[3]};
        size_t n = v[5];
        char *text = xmalloc(n + 1);
        if (n > MAX_RECORD || fread(text, 1, n, stdin) != n)
            return 1;
        one_file(&d, memory_reader(text, n, v[4]));
        free(text);
    }
    return 0;
}
