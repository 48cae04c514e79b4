#include "io/source.h"
#include "base/str.h"
#include "io/source_int.h"

int source_open(const struct source_config *config, struct source **ret, struct err *err)
{
    if (str_starts(config->url, "s3://"))
        return source_s3_new(config, ret, err);
    if (str_starts(config->url, "file://"))
        return source_file_new(config, ret, err);
    err_set(err, ERR_CONFIG, "'%s' is not the URL of a source", config->url);
    return err_hint(err, "s3://bucket/prefix/ or file:///folder/");
}

void source_close(struct source *s)
{
    if (s != NULL)
        s->ops->close(s);
}

int source_list(struct source *s, const char *prefix,
                int (*fn)(void *arg, const struct object_info *o, struct err *err), void *arg,
                struct err *err)
{
    return s->ops->list(s, prefix, fn, arg, err);
}

int source_get(struct source *s, const struct object_info *o, struct reader **ret_owned, struct err *err)
{
    return s->ops->get(s, o, ret_owned, err);
}

int source_get_soon(struct source *s, const struct object_info *o, struct reader **ret_owned, struct err *err)
{
    return s->ops->get_soon != NULL ? s->ops->get_soon(s, o, ret_owned, err)
                                    : s->ops->get(s, o, ret_owned, err);
}

int source_peek(struct source *s, const struct object_info *o, size_t n, struct buf *ret, struct err *err)
{
    struct reader *r = NULL;
    int rc = source_get(s, o, &r, err);

    buf_clear(ret);
    while (rc == 0 && ret->n < n) {
        char chunk[16384];
        size_t got = 0;
        rc = reader_read(r, chunk, n - ret->n < sizeof chunk ? n - ret->n : sizeof chunk, &got, err);
        if (rc == 0 && got == 0)
            break;
        if (rc == 0)
            rc = buf_add(ret, chunk, got, err);
    }
    reader_close(r);
    return rc;
}

bool source_is_s3(const struct source *s)
{
    return s->ops->is_s3;
}

const char *source_creds_origin(const struct source *s)
{
    return s->ops->creds_origin(s);
}

int64_t source_clock_skew_ms(const struct source *s)
{
    return s->ops->clock_skew_ms(s);
}

int source_put(struct source *s, const char *key, const void *p, size_t n, struct err *err)
{
    return s->ops->put(s, key, p, n, err);
}
