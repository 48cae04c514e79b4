#include "steps/count.h"
#include "base/mem.h"
#include "steps/listing.h"
#include "steps/object_int.h"

struct finding {
    const struct pipeline *p;
    int64_t until_ms;
    struct arena *arena; /* owns the strings of the objects */
    struct object_info *objects;
    size_t n;
};

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct finding *f = arg;

    if (o->modified_ms > f->until_ms || !include_matches(f->p, o->key))
        return 0;
    if (f->n == MAX_LISTED)
        return err_set(err, ERR_TOO_LARGE, "more than %d objects in one partition", MAX_LISTED);
    if ((f->n & (f->n - 1)) == 0)
        f->objects = xrealloc(f->objects, (f->n > 0 ? 2 * f->n : 1) * sizeof *f->objects);
    struct object_info *copy = &f->objects[f->n++];
    *copy = *o;
    copy->key = arena_strndup(f->arena, o->key, strlen(o->key));
    copy->etag = o->etag != NULL ? arena_strndup(f->arena, o->etag, strlen(o->etag)) : "";
    copy->version_id =
        o->version_id != NULL ? arena_strndup(f->arena, o->version_id, strlen(o->version_id)) : NULL;
    return 0;
}

static int on_record(void *arg, const struct csv_record *rec, struct err *err)
{
    int64_t *records = arg;

    UNUSED(rec);
    UNUSED(err);
    ++*records;
    return 0;
}

static int count_object(struct step_ctx *c, const struct object_info *o, struct source_count *io,
                        struct err *err)
{
    char name[KEY_NAME_SIZE];
    int64_t records = 0;
    int rc = step_records(c, o, on_record, &records, err);

    if (rc < 0)
        return err_prefix(err, "%s", key_name(o->key, name));
    io->objects++;
    io->records += records - (c->pipeline->convert.header && records > 0);
    return 0;
}

int step_count_partition(struct step_ctx *c, int64_t start_ms, int64_t until_ms, struct source_count *io,
                         struct err *err)
{
    struct finding f = {.p = c->pipeline, .until_ms = until_ms, .arena = arena_new()};
    char prefix[PREFIX_SIZE];
    struct source *source;

    int rc = step_source(c, &source, err);
    if (rc == 0)
        rc = listing_prefix(c->pipeline, start_ms, prefix, err);
    if (rc == 0)
        rc = source_list(source, prefix, on_object, &f, err);
    for (size_t i = 0; rc == 0 && i < f.n; i++)
        rc = count_object(c, &f.objects[i], io, err);
    free(f.objects);
    arena_free(f.arena);
    return rc < 0 ? rc : beat(&c->beat, err);
}
