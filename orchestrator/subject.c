#include "orchestrator/subject.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/view.h"
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_BACK = 200 /* partitions, for the newest that has files */ };

/* --- how files are read --- */

static int one_char(const char *text, const char *option, const char *word, char meaning, char *ret,
                    struct err *err)
{
    if (text == NULL)
        return 0;
    if (strcmp(text, word) == 0) {
        *ret = meaning;
        return 0;
    }
    if (strlen(text) != 1)
        return err_set(err, ERR_USAGE, "--%s: one character, or '%s'", option, word);
    *ret = *text;
    return 0;
}

static int file_dialect(struct subject *s, const struct subject_options *o, struct err *err)
{
    static const char *const include[] = {"*.csv", "*.csv.gz", "*.csv.zst", NULL};
    static const struct {
        const char *name;
        enum csv_encoding encoding;
    } encodings[] = {{"utf-8", CSV_UTF8}, {"latin1", CSV_LATIN1}, {"cp1252", CSV_CP1252}};
    struct csv_dialect *d = &s->own.dialect;
    bool known = o->encoding == NULL;
    size_t n = 0;

    *d = (struct csv_dialect){.delimiter = ',', .quote = '"'};
    for (size_t i = 0; o->encoding != NULL && i < ARRAY_LEN(encodings); i++)
        if (strcmp(encodings[i].name, o->encoding) == 0) {
            d->encoding = encodings[i].encoding;
            known = true;
        }
    if (!known)
        return err_set(err, ERR_USAGE, "--encoding: utf-8, latin1 or cp1252");
    int rc = one_char(o->delimiter, "delimiter", "tab", '\t', &d->delimiter, err);
    if (rc == 0)
        rc = one_char(o->quote, "quote", "none", '\0', &d->quote, err);
    s->nulls = xcalloc(MAX_TOKEN_SET + 2, sizeof *s->nulls);
    for (const char *at = o->nulls != NULL ? o->nulls : "NA,"; rc == 0; at++) {
        size_t len = strcspn(at, ",");
        if (n == MAX_TOKEN_SET)
            return err_set(err, ERR_USAGE, "--null: more than %d spellings", MAX_TOKEN_SET);
        s->nulls[n++] = arena_strndup(s->arena, at, len);
        at += len;
        if (*at == '\0')
            break;
    }
    s->own.convert = (struct convert_config){.nulls = s->nulls, .header = !o->no_header};
    s->own.include = include;
    s->own.prefix = "";
    s->own.layout = "";
    return rc;
}

int subject_refuse_file_options(const struct subject_options *o, struct err *err)
{
    if (o->nulls == NULL && o->delimiter == NULL && o->quote == NULL && o->encoding == NULL && !o->no_header)
        return 0;
    err_set(err, ERR_USAGE,
            "--null, --delimiter, --quote, --encoding and --no-header are for a file by name");
    return err_hint(err, "a pipeline's are in orch.json");
}

/* --- which files --- */

static int on_object(void *arg, const struct object_info *o, struct err *err)
{
    struct subject *s = arg;

    if (s->count == MAX_JOB_OBJECTS)
        return err_set(err, ERR_TOO_LARGE, "more than %d files", MAX_JOB_OBJECTS);
    if ((s->count & (s->count - 1)) == 0)
        s->objects = xrealloc(s->objects, (2 * s->count + 1) * sizeof *s->objects);
    struct object_info *to_keep = &s->objects[s->count++];
    *to_keep = *o;
    to_keep->key = arena_strndup(s->arena, o->key, strlen(o->key));
    to_keep->etag =
        arena_strndup(s->arena, o->etag != NULL ? o->etag : "", o->etag != NULL ? strlen(o->etag) : 0);
    if (o->version_id != NULL)
        to_keep->version_id = arena_strndup(s->arena, o->version_id, strlen(o->version_id));
    return 0;
}

static const char *in_arena(struct subject *s, char *owned)
{
    const char *kept = arena_strndup(s->arena, owned, strlen(owned));

    free(owned);
    return kept;
}

static int local_subject(struct subject *s, const char *path, const struct stat *st,
                         const struct subject_options *o, struct err *err)
{
    char *full = realpath(path, NULL);
    const char *slash = full != NULL ? strrchr(full, '/') : NULL;
    bool folder = S_ISDIR(st->st_mode);

    if (slash == NULL)
        return err_errno(err, errno, "cannot read %s", path);
    s->own.name = path;
    s->kind = "file";
    s->own.source.url = in_arena(s, folder ? xasprintf("file://%s/", full)
                                           : xasprintf("file://%.*s/", (int)(slash - full), full));
    const struct object_info one = {.key = slash + 1,
                                    .etag = "",
                                    .size = st->st_size,
                                    .mtime_ns =
                                        (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
    int rc = file_dialect(s, o, err);
    cli_step(s->c, &s->own, &s->ctx);
    if (rc == 0)
        rc = folder ? step_files_below(&s->ctx, "", on_object, s, err) : on_object(s, &one, err);
    free(full);
    return rc == 0 && s->count == 0 ? err_set(err, ERR_NOT_FOUND, "%s: no *.csv below it", path) : rc;
}

/* s3://bucket/key: with the connection of a pipeline whose source is above it. */
static int url_subject(struct subject *s, const char *url, const struct subject_options *o, bool many,
                       struct err *err)
{
    const struct pipeline *best = NULL;
    struct source *source;
    int rc = cli_config(s->c, err);

    for (size_t i = 0; rc == 0 && i < s->c->config->pipeline_count; i++) {
        const struct pipeline *p = &s->c->config->pipelines[i];
        if (str_starts(url, p->source.url) &&
            (best == NULL || strlen(p->source.url) > strlen(best->source.url)))
            best = p;
    }
    if (rc != 0)
        return rc;
    if (best == NULL) {
        err_set(err, ERR_CONFIG, "no pipeline reads from where %s lies, so its credentials are not known",
                url);
        return err_hint(err, "connections.*.url in orch.json");
    }
    s->own.source = best->source;
    s->own.name = url;
    s->kind = "file";
    cli_step(s->c, &s->own, &s->ctx);
    const char *key = url + strlen(best->source.url);
    rc = file_dialect(s, o, err);
    if (rc == 0)
        rc = step_source(&s->ctx, &source, err);
    if (rc == 0)
        rc = source_list(source, key, on_object, s, err);
    size_t n = 0;
    for (size_t i = 0; rc == 0 && i < s->count; i++)
        if (strcmp(s->objects[i].key, key) == 0)
            s->objects[n++] = s->objects[i];
    if (rc == 0 && n == 0 && many) {
        s->count = 0;
        rc = step_files_below(&s->ctx, key, on_object, s, err);
        n = s->count;
    }
    s->count = n;
    return rc == 0 && n == 0 ? err_set(err, ERR_NOT_FOUND, "%s is not there", url) : rc;
}

static int newest(struct subject *s, int64_t *ret_start, struct err *err)
{
    const struct pipeline *p = s->ctx.pipeline;
    int64_t start;
    int rc = 0;

    if (!view_newest(p, clock_now_ms(), &start))
        return err_set(err, ERR_NOT_FOUND, "%s: no partition is closed yet", p->name);
    for (int i = 0; i < LOOK_BACK && rc == 0 && s->count == 0 && start >= p->since_ms; i++) {
        rc = step_files(&s->ctx, start, on_object, s, err);
        *ret_start = start;
        start -= period_ms(p->period);
    }
    if (rc == 0 && s->count == 0) {
        err_set(err, ERR_NOT_FOUND, "%s: no file in the last %d partitions", p->name, LOOK_BACK);
        return err_hint(err, "--from and --to name others");
    }
    return rc;
}

static int pipeline_objects(struct subject *s, const char *part, const struct subject_options *o,
                            struct err *err)
{
    const struct pipeline *p = s->ctx.pipeline;
    int64_t start = 0, last = 0;
    char name[PART_SIZE];
    int rc = 0;

    if (*part == '\0' && o->from == NULL && o->to == NULL) {
        rc = newest(s, &start, err);
        s->name = in_arena(s, xasprintf("%s/%s", p->name, part_name(p->period, start, name)));
        return rc;
    }
    rc = cli_range(p, o->from, o->to, err);
    if (rc == 0 && *part != '\0') {
        rc = part_parse(p->period, part, &start, err);
        last = start;
    } else if (rc == 0) {
        start = p->since_ms;
        if (!view_newest(p, clock_now_ms(), &last))
            last = start - 1;
        if (o->from != NULL)
            rc = part_parse(p->period, o->from, &start, err);
        if (rc == 0 && o->to != NULL)
            rc = part_parse(p->period, o->to, &last, err);
    }
    for (; rc == 0 && start <= last; start += period_ms(p->period))
        rc = step_files(&s->ctx, start, on_object, s, err);
    if (rc == 0 && s->count == 0)
        rc = err_set(err, ERR_NOT_FOUND, "%s: no file there", s->name);
    return rc;
}

/* --- by name --- */

bool subject_is_file(const char *word, bool many)
{
    const char *path = str_starts(word, "file://") ? word + 7 : word;
    struct stat st;

    if (str_starts(word, "s3://") || str_starts(word, "file://"))
        return true;
    return stat(path, &st) == 0 &&
           (S_ISREG(st.st_mode) || (many && S_ISDIR(st.st_mode) && strchr(word, '/')));
}

int subject_pipeline(struct cli *c, const char *word, struct subject *ret, char part[PART_SIZE],
                     struct err *err)
{
    const struct pipeline *p;

    *ret = (struct subject){.c = c, .kind = "pipeline", .name = word, .arena = arena_new()};
    if (strchr(word, '.') != NULL && strchr(word, '/') == NULL && c->config_path == NULL &&
        access("orch.json", R_OK) != 0)
        return err_set(err, ERR_NOT_FOUND,
                       "%s is no file here, and there is no orch.json with a pipeline of that name", word);
    int rc = cli_flow(c, word, &p, part, err);
    if (rc == 0)
        cli_step(c, p, &ret->ctx);
    return rc;
}

int subject_open(struct cli *c, const char *word, const struct subject_options *o, bool many,
                 struct subject *ret, struct err *err)
{
    const char *path = str_starts(word, "file://") ? word + 7 : word;
    char part[PART_SIZE] = "";
    struct stat st;

    if (!subject_is_file(word, many)) {
        int rc = subject_pipeline(c, word, ret, part, err);
        if (rc == 0)
            rc = subject_refuse_file_options(o, err);
        if (rc < 0 && err->code == ERR_NOT_FOUND && strchr(word, '/') == NULL && c->config != NULL)
            err_prefix(err, "no file of that name is here");
        return rc < 0 ? rc : pipeline_objects(ret, part, o, err);
    }
    *ret = (struct subject){.c = c, .name = word, .arena = arena_new()};
    if (str_starts(word, "s3://"))
        return url_subject(ret, word, o, many, err);
    if (stat(path, &st) < 0 || !(S_ISREG(st.st_mode) || (many && S_ISDIR(st.st_mode))))
        return err_set(err, ERR_NOT_FOUND, "%s is no file", path);
    return local_subject(ret, path, &st, o, err);
}

void subject_close(struct subject *s)
{
    cli_step_end(&s->ctx);
    free(s->objects);
    free(s->nulls);
    arena_free(s->arena);
    *s = (struct subject){0};
}
