/* A pipeline's files for a person's command: listed and read, nothing recorded. */
#include "io/inflate.h"
#include "steps/listing.h"
#include "steps/object_int.h"

struct files {
    struct step_ctx *c;
    int (*fn)(void *arg, const struct object_info *o, struct err *err);
    void *arg;
};

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    const struct files *f = arg;
    int rc = beat(&f->c->beat, err);

    if (rc < 0 || o->size == 0 || !include_matches(f->c->pipeline, o->key))
        return rc;
    return f->fn(f->arg, o, err);
}

int step_files(struct step_ctx *c, int64_t start_ms,
               int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg, struct err *err)
{
    struct files f = {c, fn, arg};
    char prefix[PREFIX_SIZE];
    struct source *source;

    int rc = step_source(c, &source, err);
    if (rc == 0)
        rc = listing_prefix(c->pipeline, start_ms, prefix, err);
    return rc < 0 ? rc : source_list(source, prefix, on_object, &f, err);
}

int step_files_below(struct step_ctx *c, const char *prefix,
                     int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                     struct err *err)
{
    struct files f = {c, fn, arg};
    struct source *source;

    int rc = step_source(c, &source, err);
    return rc < 0 ? rc : source_list(source, prefix, on_object, &f, err);
}

/* As rows.c reads them, but without the sum over the bytes: nobody keeps it here. */
int step_records(struct step_ctx *c, const struct object_info *o,
                 int (*fn)(void *arg, const struct csv_record *rec, struct err *err), void *arg,
                 struct err *err)
{
    struct reader *raw = NULL, *plain = NULL;
    struct csv *csv = NULL;
    struct csv_record rec;
    struct source *source;

    int rc = step_source(c, &source, err);
    if (rc == 0)
        rc = source_get(source, o, &raw, err);
    if (rc == 0)
        rc = inflate_open(raw, &plain, err);
    if (rc == 0)
        rc = csv_open(plain, &c->pipeline->dialect, &csv, err);
    for (int64_t n = 1; rc == 0; n++) {
        rc = csv_next(csv, &rec, err);
        if (rc <= 0)
            break;
        rc = fn(arg, &rec, err);
        if (rc == 0 && n % 1024 == 0)
            rc = beat(&c->beat, err);
    }
    csv_close(csv);
    return rc < 0 ? rc : 0;
}
