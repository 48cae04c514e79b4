#include "orchestrator/load_file.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/hash.h"
#include "io/inflate.h"
#include "orchestrator/backup_place.h"
#include <sys/stat.h>

enum { PIECE = 256 * KIB };

/* The folder and the name in it. */
static int split(const char *name, char **ret_where, char **ret_key, struct err *err)
{
    bool s3 = str_starts(name, "s3://");
    const char *path = str_starts(name, "file://") ? name + 7 : name, *slash = strrchr(path, '/');

    if (!s3 && path == name && strstr(name, "://") != NULL)
        return err_set(err, ERR_USAGE, "'%.200s' is no path, and begins with neither s3:// nor file://",
                       name);
    if ((s3 && slash < name + 5) || path[0] == '\0' || (slash != NULL && slash[1] == '\0'))
        return err_set(err, ERR_USAGE, "'%.200s' names no file", name);
    *ret_key = xstrdup(slash != NULL ? slash + 1 : path);
    *ret_where = slash == NULL   ? xstrdup(".")
                 : slash == path ? xstrdup("/")
                                 : xstrndup(path, (size_t)(slash - path));
    return 0;
}

/* The place as the source of a config of its own. */
static int place(struct cli *c, const char *where, struct load_file *f, struct err *err)
{
    json_t *to = backup_place_json(json_object_get(c->config->root, "connections"), where, err);

    if (to == NULL)
        return -(int)err->code;
    json_t *document = json_pack(
        "{s:s,s:{s:o,s:{s:s}},s:{s:{s:{s:s,s:s},s:{s:s,s:s}}}}", "state", c->config->state, "connections",
        "place", to, "none", "url", "sqlite:orch-load-none.db", "pipelines", "load", "source", "connection",
        "place", "since", "2000-01-01T00", "target", "connection", "none", "table", "t");
    char *text = json_text(document);
    int rc = config_parse(text, strlen(text), c->config->path, true, &f->config, NULL, err);
    json_decref(document);
    free(text);
    return rc;
}

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct load_file *f = arg;

    if (strcmp(o->key, f->key) != 0)
        return 0;
    f->object = *o;
    f->object.key = f->key;
    f->etag = xstrdup(o->etag);
    f->object.etag = f->etag;
    f->object.version_id = NULL;
    return err_set(err, ERR_CANCELLED, "found");
}

static int find_local(struct load_file *f, const char *where, struct err *err)
{
    char *path = fs_join(where, f->key);
    struct stat st;
    int rc = 0;

    if (stat(path, &st) != 0)
        rc = err_errno(err, errno, "cannot read %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, ERR_USAGE, "%s is no file", path);
    else
        f->object =
            (struct object_info){.key = f->key,
                                 .etag = "",
                                 .size = st.st_size,
                                 .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
    free(path);
    return rc;
}

static int find_s3(struct load_file *f, const char *name, struct err *err)
{
    int rc = source_list(f->source, f->key, on_object, f, err);

    if (rc < 0 && f->object.key != NULL)
        return 0;
    return rc < 0 ? rc : err_set(err, ERR_NOT_FOUND, "there is no %.300s", name);
}

static int sum_up(struct load_file *f, struct err *err)
{
    struct reader *raw = NULL, *hashing = NULL;
    char *piece = xmalloc(PIECE);
    int64_t bytes;
    size_t n = 1;
    int rc = source_get(f->source, &f->object, &raw, err);

    if (rc == 0)
        rc = hashing_open(raw, &hashing, err);
    while (rc == 0 && n > 0) {
        rc = reader_read(hashing, piece, PIECE, &n, err);
        if (rc == 0)
            rc = beat(&backup_beat, err);
    }
    if (rc == 0) {
        hashing_result(hashing, f->sum, &bytes);
        str_hex(f->sum, sizeof f->sum, f->sha256);
    }
    reader_close(hashing);
    free(piece);
    return rc;
}

int load_file_open(struct cli *c, const char *name, struct load_file *ret, struct err *err)
{
    char *where = NULL;
    int rc;

    *ret = (struct load_file){0};
    rc = split(name, &where, &ret->key, err);
    if (rc == 0)
        rc = place(c, where, ret, err);
    if (rc == 0) {
        struct source_config config = ret->config->pipelines[0].source;
        config.beat = &backup_beat;
        rc = source_open(&config, &ret->source, err);
    }
    if (rc == 0)
        rc = source_is_s3(ret->source) ? find_s3(ret, name, err) : find_local(ret, where, err);
    if (rc == 0)
        rc = sum_up(ret, err);
    free(where);
    return rc;
}

int load_file_records(struct load_file *f, const struct csv_dialect *d, struct err *err)
{
    struct reader *raw = NULL, *plain = NULL;
    int rc = source_get(f->source, &f->object, &raw, err);

    if (rc == 0) /* each takes what it is given, also where it fails */
        rc = hashing_open(raw, &f->hashing, err);
    if (rc == 0)
        rc = inflate_open(f->hashing, &plain, err);
    return rc < 0 ? rc : csv_open(plain, d, &f->csv, err);
}

int load_file_next(void *arg, struct csv_record *ret, struct err *err)
{
    struct load_file *f = arg;

    return csv_next(f->csv, ret, err);
}

int load_file_end(struct load_file *f, struct err *err)
{
    unsigned char sum[32];
    char waste[4096];
    int64_t bytes;
    size_t n;

    do {
        int rc = reader_read(f->hashing, waste, sizeof waste, &n, err);
        if (rc < 0)
            return rc;
    } while (n > 0);
    hashing_result(f->hashing, sum, &bytes);
    if (memcmp(sum, f->sum, sizeof sum) == 0)
        return 0;
    return err_set(err, ERR_OBJECT_CHANGED, "the file changed while it was read: nothing of it was stored");
}

void load_file_close(struct load_file *f)
{
    csv_close(f->csv);
    source_close(f->source);
    config_free(f->config);
    free(f->key);
    free(f->etag);
}
