#include "steps/step.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"
#include "steps/object_int.h"
#include "steps/steps_int.h"

/* The source and the target keep a pointer to `now`: whichever step works with them, its heart beats. */
struct step_io {
    const struct pipeline *pipeline;
    struct beat now;
    struct source_config source_config;
    struct target_config target_config;
    struct source *source;
    struct target *target;
    struct beat lane_now; /* of the further lanes' sources and targets */
    struct source_config lane_source_config;
    struct target_config lane_target_config;
    struct lanes more; /* [0] unused: the first lane has those above */
};

struct step_io *step_io_new(const struct pipeline *p)
{
    struct step_io *io = xcalloc(1, sizeof *io);

    io->pipeline = p;
    return io;
}

void step_io_free(struct step_io *io)
{
    if (io == NULL)
        return;
    io->now = (struct beat){NULL, NULL}; /* closing is nobody's step */
    if (io->source != NULL)
        source_close(io->source);
    target_close(io->target);
    for (size_t i = 1; i < MAX_PARALLEL; i++) {
        if (io->more.sources[i] != NULL)
            source_close(io->more.sources[i]);
        target_close(io->more.targets[i]);
    }
    free(io);
}

/* The word of list that is the name (of n bytes); NULL: none is. */
static const char *among(const char *list, const char *name, size_t n)
{
    for (const char *p = list; *p != '\0';) {
        size_t len = strcspn(p, " !?");
        if (len == n && memcmp(p, name, n) == 0)
            return p;
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    return NULL;
}

/* Of a word: is it marked so? */
static bool marked(const char *word, char mark)
{
    return memchr(word, mark, strcspn(word, " ")) != NULL;
}

static int check_name(const struct step_type *type, const char *key, struct err *err)
{
    size_t n = strlen(key) - (str_ends(key, ".$") ? 2 : 0);
    const char *word = among(type->parameters, key, n);

    if (word == NULL) {
        err_set(err, ERR_CONTRACT, "step %s has no parameter '%.*s'", type->name, (int)n, key);
        return err_hint(err, "%s", type->doc);
    }
    if (key[n] == '\0' || !marked(word, '!'))
        return 0;
    err_set(err, ERR_CONTRACT, "step %s: '%.*s' stands in the definition itself, not in its data", type->name,
            (int)n, key);
    return err_hint(err, "write '%.*s' without '.$'; data goes into the other parameters", (int)n, key);
}

bool step_has_literals(const struct step_type *type)
{
    return type->parameters != NULL && strchr(type->parameters, '!') != NULL;
}

bool step_of_pipeline(const struct step_type *type)
{
    return type->parameters != NULL && among(type->parameters, "pipeline", strlen("pipeline"));
}

int step_check_parameters(const struct step_type *type, const json_t *parameters, struct err *err)
{
    const char *key, *p = type->parameters;
    json_t *value;

    if (p == NULL)
        return 0;
    json_object_foreach((json_t *)(uintptr_t)parameters, key, value)
        if (check_name(type, key, err) < 0)
            return -(int)err->code;
    while (*p != '\0') {
        size_t n = strcspn(p, " !?");
        char name[64], path[72];
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        snprintf(path, sizeof path, "%s.$", name);
        if (!marked(p, '?') && json_object_get(parameters, name) == NULL &&
            json_object_get(parameters, path) == NULL) {
            err_set(err, ERR_CONTRACT, "step %s needs the parameter '%s'", type->name, name);
            return err_hint(err, "%s", type->doc);
        }
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    return type->check != NULL ? type->check(parameters, err) : 0;
}

int step_source(struct step_ctx *c, struct source **ret, struct err *err)
{
    struct step_io *io = c->io;
    int rc = 0;

    io->now = c->beat;
    if (io->source == NULL) {
        io->source_config = c->pipeline->source;
        io->source_config.beat = &io->now;
        io->source_config.clock_shift_ms = clock_shift_ms();
        rc = source_open(&io->source_config, &io->source, err);
        if (rc < 0)
            io->source = NULL;
    }
    *ret = io->source;
    return rc;
}

int step_target(struct step_ctx *c, struct target **ret, struct err *err)
{
    struct step_io *io = c->io;
    int rc = 0;

    io->now = c->beat;
    if (io->target == NULL) {
        io->target_config = c->pipeline->target;
        io->target_config.beat = &io->now;
        if (io->target_config.note_path == NULL && c->store != NULL)
            io->target_config.note_path = store_path(c->store);
        rc = target_open(&io->target_config, &io->target, err);
        if (rc < 0)
            io->target = NULL;
    }
    *ret = io->target;
    return rc;
}

static int open_lane(struct step_ctx *c, size_t i, int64_t epoch, struct err *err)
{
    struct step_io *io = c->io;
    int rc = 0;

    io->lane_now = loader_beat();
    if (io->more.sources[i] == NULL) {
        io->lane_source_config = io->source_config;
        io->lane_source_config.beat = &io->lane_now;
        rc = source_open(&io->lane_source_config, &io->more.sources[i], err);
    }
    if (rc == 0 && io->more.targets[i] == NULL) {
        io->lane_target_config = io->target_config;
        io->lane_target_config.beat = &io->lane_now;
        rc = target_open(&io->lane_target_config, &io->more.targets[i], err);
    }
    return rc < 0 ? rc : target_hold(io->more.targets[i], c->pipeline->name, epoch, err);
}

int step_lanes(struct step_ctx *c, size_t n, int64_t epoch, struct lanes *ret, struct err *err)
{
    struct step_io *io = c->io;
    int rc = step_source(c, &ret->sources[0], err);

    if (rc == 0)
        rc = step_target(c, &ret->targets[0], err);
    for (size_t i = 1; rc == 0 && i < n; i++) {
        rc = open_lane(c, i, epoch, err);
        ret->sources[i] = io->more.sources[i];
        ret->targets[i] = io->more.targets[i];
    }
    if (rc == 0)
        io->now = loader_beat(); /* until the lanes are back: their threads know nothing of the state file */
    return rc;
}

void step_lanes_back(struct step_ctx *c)
{
    c->io->now = c->beat;
}

const struct step_type *step_by_resource(const char *resource)
{
    static const char start[] = "arn:aws:states:", middle[] = ":activity:orch-";
    const char *p = resource;

    if (!str_starts(p, start))
        return NULL;
    p += sizeof start - 1;
    p += strcspn(p, ":"); /* any region */
    if (*p == ':')
        p++;
    p += strcspn(p, ":"); /* any account */
    if (!str_starts(p, middle))
        return NULL;
    p += sizeof middle - 1;
    for (const struct step_type *t = step_types; t->name != NULL; t++)
        if (strcmp(t->name, p) == 0)
            return t;
    return NULL;
}

/* ---- what tasks of any definition have ---- */

int step_connection(const struct step_world *w, const char *name, enum reach kind,
                    const struct step_connection **ret, struct err *err)
{
    static const char *const kinds[] = {[REACH_DATABASE] = "a database (mysql://, sqlite:)",
                                        [REACH_FILES] = "a place of files (s3://, file://)",
                                        [REACH_HTTP] = "a server (https://, http://)"};
    size_t n = w != NULL ? w->connection_count : 0;
    const char **names = xcalloc(n + 1, sizeof *names), *near;
    int rc = 0;

    for (size_t i = 0; i < n; i++)
        names[i] = w->connections[i].name;
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) {
            *ret = &w->connections[i];
            if ((*ret)->kind != kind)
                rc = err_set(err, ERR_CONTRACT, "connection '%s' is %s, %s is expected", name,
                             kinds[(*ret)->kind], kinds[kind]);
            goto out;
        }
    near = str_nearest(name, names);
    rc = err_set(err, ERR_CONTRACT, "orch.json has no connection '%.100s'", name);
    if (near != NULL)
        rc = err_hint(err, "the nearest is '%s'", near);
out:
    free(names);
    return rc;
}

int step_check_connection(const struct step_type *type, const struct step_world *w, const json_t *parameters,
                          struct err *err)
{
    static const struct {
        const char *steps;
        enum reach kind;
    } reaches[] = {{"sql", REACH_DATABASE}, {"http", REACH_HTTP}, {"object-", REACH_FILES}};
    const char *name = json_string_value(json_object_get(parameters, "connection"));
    const struct step_connection *found;

    for (size_t i = 0; name != NULL && i < ARRAY_LEN(reaches); i++)
        if (str_starts(type->name, reaches[i].steps))
            return step_connection(w, name, reaches[i].kind, &found, err);
    return 0;
}

void step_key(const char *execution, int64_t started_ms, int64_t entered, char out[STEP_KEY])
{
    char *text = xasprintf("%s\n%lld\n%lld", execution, (long long)started_ms, (long long)entered);
    char hex[SHA256_HEX];

    sha256_hex(text, strlen(text), hex);
    snprintf(out, STEP_KEY, "%.*s", STEP_KEY - 1, hex);
    free(text);
}

void step_set_cause(struct step_ctx *c, const char *p, size_t n)
{
    char *out = xmalloc(MAX_CAUSE + 1), *o = out;

    while (n > 0 && (size_t)(o - out) < MAX_CAUSE - 8) {
        size_t plain = *p == '\n' || *p == '\t' ? 1 : str_plain_char(p, n);
        if (plain > 0) {
            memcpy(o, p, plain);
            o += plain;
        } else {
            o += snprintf(o, 5, "\\x%02x", (unsigned)(unsigned char)*p);
            plain = 1;
        }
        p += plain;
        n -= plain;
    }
    memcpy(o, n > 0 ? "..." : "", n > 0 ? 4 : 1);
    free(c->cause);
    c->cause = out;
}
