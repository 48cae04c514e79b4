/*
 * orch-object-list, -get, -put: single objects of a connection, for workflows that keep a queue or a sign in files.
 * orch-object-remove is a file of its own.
 */
#include "steps/object.h"
#include "base/civil.h"
#include "base/limits.h"
#include "base/mem.h"
#include "steps/steps_int.h"

int object_sink(struct step_ctx *c, const json_t *parameters, struct sink **ret, struct err *err)
{
    const struct step_connection *n = NULL;
    const char *name = NULL;

    *ret = NULL;
    int rc = json_need_str(parameters, "connection", &name, err);
    if (rc == 0)
        rc = step_connection(c->world, name, REACH_FILES, &n, err);
    if (rc < 0)
        return rc;
    struct source_config config = n->source; /* what it points to lives in the config */
    config.beat = &c->beat;
    rc = sink_open(&config, ret, err);
    if (rc < 0)
        *ret = NULL;
    return rc;
}

/* ---- list ---- */

struct listed {
    json_t *objects;
    int64_t limit, count;
};

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct listed *l = arg;
    const char *slash = strrchr(o->key, '/');
    char modified[CIVIL_RFC3339_SIZE];
    size_t bad;

    if (slash != NULL && slash[1] == '\0') /* a folder that somebody made in a console */
        return 0;
    if (++l->count > MAX_LISTED)
        return err_set(err, ERR_TOO_LARGE, "more than %d objects", MAX_LISTED);
    if ((int64_t)json_array_size(l->objects) >= l->limit)
        return 0;
    if (!str_utf8_valid(o->key, strlen(o->key), &bad))
        return err_set(err, ERR_BAD_ENCODING, "a key is no UTF-8, from byte %zu on", bad + 1);
    json_array_append_new(l->objects,
                          json_pack("{s:s, s:s, s:I, s:s, s:s}", "key", o->key, "name",
                                    slash != NULL ? slash + 1 : o->key, "size", (json_int_t)o->size, "etag",
                                    o->etag, "lastModified", civil_rfc3339(o->modified_ms, true, modified)));
    return 0;
}

int step_run_object_list(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct listed l = {.objects = json_array()};
    struct sink *sink = NULL;
    const char *prefix = NULL;

    int rc = json_get_str(parameters, "prefix", "", &prefix, err);
    if (rc == 0)
        rc = json_get_i64(parameters, "limit", 1000, &l.limit, err);
    if (rc == 0 && (l.limit < 1 || l.limit > 10000))
        rc = err_set(err, ERR_CONTRACT, "limit: 1 to 10000, not %lld", (long long)l.limit);
    if (rc == 0)
        rc = object_sink(c, parameters, &sink, err);
    if (rc == 0)
        rc = sink_list(sink, prefix, on_object, &l, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:O, s:I}", "objects", l.objects, "count", (json_int_t)l.count);
    json_decref(l.objects);
    sink_close(sink);
    return rc;
}

/* ---- get ---- */

/* As parameters say: JSON where it is, or text. */
static int value_of(const char *key, const struct buf *b, bool json, json_t **ret, struct err *err)
{
    size_t bad = 0;

    if (json)
        return json_parse(b->n > 0 ? b->p : "", b->n, key, ret, err);
    if (b->n > 0 && (!str_utf8_valid(b->p, b->n, &bad) || memchr(b->p, '\0', b->n) != NULL))
        return err_set(err, ERR_BAD_ENCODING, "%s is no text that JSON holds", key);
    *ret = json_stringn(b->n > 0 ? b->p : "", b->n);
    return 0;
}

int step_run_object_get(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    struct buf body = BUF_INIT(MAX_PAYLOAD);
    const char *key = NULL, *output = NULL;
    struct sink *sink = NULL;
    json_t *value = NULL;

    int rc = json_need_str(parameters, "key", &key, err);
    if (rc == 0)
        rc = json_get_str(parameters, "output", "text", &output, err);
    if (rc == 0 && strcmp(output, "text") != 0 && strcmp(output, "json") != 0)
        rc = err_set(err, ERR_CONTRACT, "output is '%.40s' where text or json is expected", output);
    if (rc == 0)
        rc = object_sink(c, parameters, &sink, err);
    if (rc == 0)
        rc = sink_read(sink, key, &body, err);
    if (rc == 0)
        *ret_owned = json_pack("{s:s, s:b, s:n}", "key", key, "there", 0, "body");
    else if (rc == 1)
        rc = value_of(key, &body, strcmp(output, "json") == 0, &value, err);
    if (value != NULL)
        *ret_owned = json_pack("{s:s, s:b, s:o}", "key", key, "there", 1, "body", value);
    buf_release(&body);
    sink_close(sink);
    return rc < 0 ? rc : 0;
}

/* ---- put ---- */

/* Another's, or what an attempt before this one has put? *ret: they are the same bytes. */
static int compare(struct sink *s, const char *key, const char *body, bool *ret, struct err *err)
{
    struct buf there = BUF_INIT(MAX_PAYLOAD);
    int rc = sink_read(s, key, &there, err);

    *ret = rc == 1 && there.n == strlen(body) && memcmp(there.n > 0 ? there.p : "", body, there.n) == 0;
    if (rc < 0 && err->code == ERR_TOO_LARGE)
        rc = 0;
    buf_release(&there);
    return rc < 0 ? rc : 0;
}

static int put_over(struct sink *s, const char *key, const char *body, struct err *err)
{
    struct upload *u = NULL;
    struct uploaded done;
    int rc = sink_upload(s, key, &u, err);

    if (rc < 0)
        return rc;
    rc = upload_write(u, body, strlen(body), err);
    if (rc == 0)
        return upload_finish(u, &done, err);
    upload_abort(u);
    return rc;
}

int step_run_object_put(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const json_t *given = json_object_get(parameters, "body"), *only = json_object_get(parameters, "onlyNew");
    char *body = json_is_string(given) ? xstrdup(json_string_value(given))
                 : given != NULL       ? json_text(given)
                                       : xstrdup("");
    struct sink *sink = NULL;
    const char *key = NULL;
    bool same = false, written = true;

    int rc = json_need_str(parameters, "key", &key, err);
    if (rc == 0 && only != NULL && !json_is_boolean(only))
        rc = err_set(err, ERR_CONTRACT, "onlyNew is %s where true or false is expected", json_kind(only));
    if (rc == 0)
        rc = object_sink(c, parameters, &sink, err);
    if (rc == 0 && !json_is_true(only)) {
        rc = put_over(sink, key, body, err);
    } else if (rc == 0) {
        rc = sink_put_new(sink, key, body, strlen(body), err);
        written = rc == 1;
        if (rc == 0)
            rc = compare(sink, key, body, &same, err);
    }
    if (rc >= 0)
        *ret_owned = json_pack("{s:s, s:b, s:b}", "key", key, "written", written, "same", written || same);
    free(body);
    sink_close(sink);
    return rc < 0 ? rc : 0;
}
