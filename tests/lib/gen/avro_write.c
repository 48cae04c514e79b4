/* avro-write CODEC [text|zero]: a file of every type on stdout, for tests/t/avro.t; "text": times as text; "zero": no rows. */
#include "base/limits.h"
#include "io/format_int.h"
#include "tests/lib/avro_table.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    bool text = argc > 2 && strcmp(argv[2], "text") == 0, zero = argc > 2 && strcmp(argv[2], "zero") == 0;
    struct format_config c = {.kind = FORMAT_AVRO,
                              .name = "hr.every type",
                              .metadata = "CREATE TABLE `every type` (`caf\xc3\xa9` int)",
                              .codec = argc > 1 ? argv[1] : NULL,
                              .text_times = text};
    struct avro_table *t = avro_table_every();
    struct buf out = BUF_INIT(64 * MIB);
    int *columns = xcalloc(t->def->count, sizeof *columns);
    struct format *f = NULL;
    struct err err;

    for (size_t i = 0; i < t->def->count; i++)
        columns[i] = (int)i;
    int rc = format_avro_new(&c, t->def, columns, t->def->count, &f, &err);
    if (rc == 0)
        rc = f->ops->begin(f, &out, &err);
    if (rc == 0 && !zero)
        rc = f->ops->rows(f, t->rows, 0, t->rows->rows, &out, &err);
    if (rc == 0)
        rc = f->ops->end(f, &out, &err);
    if (rc < 0)
        fprintf(stderr, "avro-write: %s\n", err.msg);
    else if (fwrite(out.p, 1, out.n, stdout) != out.n)
        rc = -1;
    if (f != NULL)
        f->ops->free(f);
    free(columns);
    buf_release(&out);
    avro_table_free(t);
    return rc < 0;
}
