#include "steps/step.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "steps/steps_int.h"

/* The source and the target keep a pointer to `now`: whichever step works with them, its heart beats. */
struct step_io {
    const struct pipeline *pipeline;
    struct beat now;
    struct source_config source_config;
    struct target_config target_config;
    struct source *source;
    struct target *target;
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
    free(io);
}

/* Is the name (of n bytes) among the words of list? */
static bool among(const char *list, const char *name, size_t n)
{
    for (const char *p = list; *p != '\0';) {
        size_t len = strcspn(p, " ?");
        if (len == n && memcmp(p, name, n) == 0)
            return true;
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    return false;
}

int step_check_parameters(const struct step_type *type, const json_t *parameters, struct err *err)
{
    const char *key, *p = type->parameters;
    json_t *value;

    if (p == NULL)
        return 0;
    json_object_foreach((json_t *)(uintptr_t)parameters, key, value) {
        size_t n = strlen(key) - (str_ends(key, ".$") ? 2 : 0);
        if (!among(p, key, n)) {
            err_set(err, ERR_CONTRACT, "step %s has no parameter '%.*s'", type->name, (int)n, key);
            return err_hint(err, "%s", type->doc);
        }
    }
    while (*p != '\0') {
        size_t n = strcspn(p, " ?");
        char name[64], path[72];
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        snprintf(path, sizeof path, "%s.$", name);
        if (p[n] != '?' && json_object_get(parameters, name) == NULL &&
            json_object_get(parameters, path) == NULL) {
            err_set(err, ERR_CONTRACT, "step %s needs the parameter '%s'", type->name, name);
            return err_hint(err, "%s", type->doc);
        }
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    return 0;
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
