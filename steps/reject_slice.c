#include "base/mem.h"
#include "io/inflate.h"
#include "steps/rejects.h"

enum { CHUNK = 65536 };

struct slices {
    struct reader *in;
    struct step_ctx *c;
    int64_t at; /* offset of the next byte */
    char chunk[CHUNK];
};

int slices_open(struct step_ctx *c, const struct load_row *l, struct slices **ret, struct err *err)
{
    const struct object_info o = {.key = l->key,
                                  .etag = l->etag != NULL ? l->etag : "",
                                  .version_id = l->version_id,
                                  .size = l->size,
                                  .mtime_ns = l->mtime_ns,
                                  .modified_ms = l->modified_ms};
    struct slices *s = xcalloc(1, sizeof *s);
    struct source *source;
    struct reader *raw = NULL;

    s->c = c;
    int rc = step_source(c, &source, err);
    if (rc == 0)
        rc = source_get(source, &o, &raw, err);
    if (rc == 0)
        rc = inflate_open(raw, &s->in, err);
    if (rc < 0) {
        free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void slices_close(struct slices *s)
{
    if (s == NULL)
        return;
    reader_close(s->in);
    free(s);
}

int slices_read(struct slices *s, int64_t offset, int64_t n,
                int (*fn)(void *arg, const void *p, size_t n, struct err *err), void *arg, struct err *err)
{
    int64_t end = offset + n;
    int rc = 0;

    if (offset < s->at)
        return err_set(err, ERR_INTERNAL, "offset %lld is behind %lld", (long long)offset, (long long)s->at);
    while (rc == 0 && s->at < end) {
        int64_t want = s->at < offset ? offset - s->at : end - s->at;
        size_t got = 0;
        rc = reader_read(s->in, s->chunk, want < CHUNK ? (size_t)want : CHUNK, &got, err);
        if (rc == 0 && got == 0)
            return err_set(err, ERR_OBJECT_CHANGED, "the object ends at %lld, before the end of the record",
                           (long long)s->at);
        if (rc == 0 && s->at >= offset)
            rc = fn(arg, s->chunk, got, err);
        s->at += (int64_t)got;
        if (rc == 0)
            rc = beat(&s->c->beat, err);
    }
    return rc;
}
