#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"
#include "workflows.h"
#include <unistd.h>

const char *config_env(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && *v != '\0' ? v : NULL;
}

const char *config_env_password(void)
{
    return config_env("MYSQL_PWD");
}

bool config_colour_wanted(void)
{
    const char *term = config_env("TERM");
    return config_env("NO_COLOR") == NULL && term != NULL && strcmp(term, "dumb") != 0;
}

static const char fallback[] = "/etc/orch/orch.json";

/* The file that holds, as orch and its own re-execution under cron's environment agree on it. Owned. */
static char *choose(const char *path)
{
    const char *env = config_env("ORCH_CONFIG");

    if (path != NULL)
        return xstrdup(path);
    if (env != NULL)
        return xstrdup(env);
    return xstrdup(access("orch.json", F_OK) == 0 ? "orch.json" : fallback);
}

static char *absolute(const char *path, struct err *err)
{
    char *cwd = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    char *whole;

    if (path[0] == '/')
        return xstrdup(path);
    if (cwd == NULL) {
        err_errno(err, errno, "cannot tell the current folder");
        return NULL;
    }
    while (str_starts(path, "./"))
        path += 2;
    whole = fs_join(cwd, path);
    free(cwd);
    return whole;
}

/* First fault as the message; the whole list goes to *faults. */
static int refuse(const char *path, const struct faults *f, struct err *err)
{
    size_t first = f->text->n > 0 ? strcspn(f->text->p, "\n") : 0;

    err_set(err, ERR_CONFIG, "%s: %.*s", path, (int)first, first > 0 ? f->text->p : "");
    if (f->count > 1)
        err_hint(err, "%zu more; orch validate lists all of them", f->count - 1);
    else if (f->text->n == 0 || strstr(f->text->p, "(hint: ") == NULL)
        err_hint(err, "docs/config.md and orch config schema tell the keys");
    return -(int)ERR_CONFIG;
}

int config_parse(const char *text, size_t n, const char *path, bool secrets, struct config **ret,
                 struct buf *faults, struct err *err)
{
    struct buf own = BUF_INIT(256 * KIB);
    struct faults f = {faults != NULL ? faults : &own, 0};
    struct config *c = xcalloc(1, sizeof *c);
    json_t *full = NULL;
    int rc;

    c->arena = arena_new();
    c->path = xstrdup(path);
    c->dir = fs_dirname(path);
    rc = json_parse(text, n, path, &c->root, err);
    if (rc < 0) {
        err->code = ERR_CONFIG;
        rc = -(int)ERR_CONFIG;
        goto out;
    }
    full = config_normalise(c->root, config_root_keys, "", &f);
    config_fill(c, full, secrets, &f);
    if (f.count > 0) {
        rc = refuse(path, &f, err);
        goto out;
    }
    *ret = c;
    c = NULL;
    rc = 0;
out:
    json_decref(full);
    config_free(c);
    buf_release(&own);
    return rc;
}

int config_load(const char *path, struct config **ret, struct buf *faults, struct err *err)
{
    struct buf text = BUF_INIT(MAX_CONFIG);
    char *chosen = choose(path), *whole = absolute(chosen, err);
    int rc;

    if (whole == NULL) {
        rc = -(int)err->code;
        goto out;
    }
    rc = fs_read(whole, &text, err);
    if (rc < 0) {
        if (err->code == ERR_NOT_FOUND) {
            if (path == NULL && strcmp(chosen, fallback) == 0)
                err_set(err, ERR_CONFIG, "no orch.json in this folder, and no %s", fallback);
            err->code = ERR_CONFIG;
            err_hint(err, "orch init --demo demo makes one to try; -c FILE or ORCH_CONFIG names another");
            rc = -(int)ERR_CONFIG;
        } else if (err->code == ERR_TOO_LARGE) {
            err->code = ERR_CONFIG;
            rc = -(int)ERR_CONFIG;
        }
        goto out;
    }
    rc = config_parse(text.p != NULL ? text.p : "", text.n, whole, true, ret, faults, err);
out:
    buf_release(&text);
    free(whole);
    free(chosen);
    return rc;
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    json_decref(c->root);
    arena_free(c->arena);
    free(c->path);
    free(c->dir);
    free(c);
}

static const struct pipeline *named(const struct pipeline *all, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

const char *config_shown(const struct config *c)
{
    const char *slash = strrchr(c->path, '/');

    return c->served && slash != NULL ? slash + 1 : c->path;
}

/* Definitions of one's own are started, and looked at by their executions. */
static int is_own(const char *name, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "'%s' is a workflow, and this is for pipelines and extracts", name);
    return err_hint(err, "orch start %s; orch list %s; orch describe %s; orch logs %s", name, name, name,
                    name);
}

/* what: of those that were looked through, NULL where both were */
static int no_such(const struct config *c, const char *what, const char *name, struct err *err)
{
    const char **names = xcalloc(c->pipeline_count + c->extract_count + c->workflow_count + 1, sizeof *names);
    bool extracts = what == NULL || strcmp(what, "extract") == 0;
    char shown[100];
    size_t n = 0;

    if (config_own_workflow(c, name) != NULL) {
        free(names);
        return is_own(name, err);
    }
    for (size_t i = 0; (what == NULL || !extracts) && i < c->pipeline_count; i++)
        names[n++] = c->pipelines[i].name;
    for (size_t i = 0; extracts && i < c->extract_count; i++)
        names[n++] = c->extracts[i].name;
    for (size_t i = 0; what == NULL && i < c->workflow_count; i++)
        names[n++] = c->workflows[i].name;
    str_printable(name, strlen(name), shown, sizeof shown);
    int rc = err_set(err, ERR_NOT_FOUND, "%s has no %s '%s'", config_shown(c),
                     what != NULL            ? what
                     : c->workflow_count > 0 ? "pipeline, extract or workflow"
                                             : "pipeline",
                     shown);
    const char *near = str_nearest(name, names);
    if (near != NULL)
        rc = err_hint(err, "the nearest is '%s'", near);
    free(names);
    return rc;
}

int config_pipeline(const struct config *c, const char *name, const struct pipeline **ret, struct err *err)
{
    *ret = named(c->pipelines, c->pipeline_count, name);
    if (*ret != NULL)
        return 0;
    if (named(c->extracts, c->extract_count, name) == NULL)
        return no_such(c, "pipeline", name, err);
    err_set(err, ERR_NOT_FOUND, "'%s' is an extract, and this is for what is loaded", name);
    return err_hint(err, "orch status %s; orch logs %s; what it would take: orch extract %s --dry-run", name,
                    name, name);
}

int config_extract(const struct config *c, const char *name, const struct pipeline **ret, struct err *err)
{
    *ret = named(c->extracts, c->extract_count, name);
    return *ret != NULL ? 0 : no_such(c, "extract", name, err);
}

int config_flow(const struct config *c, const char *name, const struct pipeline **ret, struct err *err)
{
    *ret = named(c->pipelines, c->pipeline_count, name);
    if (*ret == NULL)
        *ret = named(c->extracts, c->extract_count, name);
    return *ret != NULL ? 0 : no_such(c, NULL, name, err);
}

const struct own_workflow *config_own_workflow(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->workflow_count; i++)
        if (strcmp(c->workflows[i].name, name) == 0)
            return &c->workflows[i];
    return NULL;
}

static size_t add_count(char out[80], size_t at, size_t n, const char *what)
{
    if (n == 0)
        return at;
    return at +
           (size_t)snprintf(out + at, 80 - at, "%s%zu %s%s", at > 0 ? ", " : "", n, what, n == 1 ? "" : "s");
}

const char *config_count_text(const struct config *c, char out[80])
{
    size_t at = add_count(out, 0, c->pipeline_count, "pipeline");

    at = add_count(out, at, c->extract_count, "extract");
    at = add_count(out, at, c->workflow_count, "workflow");
    at = add_count(out, at, c->table_count, "table");
    if (at == 0)
        snprintf(out, 80, "0 pipelines");
    return out;
}

int config_workflow(const struct config *c, const struct pipeline *p, char **ret_owned, size_t *ret_n,
                    struct err *err)
{
    struct buf text = BUF_INIT(MAX_DEFINITION);
    size_t n = strlen(p->workflow);
    int rc;

    for (const struct embed *w = workflows; w->name != NULL; w++)
        if (strncmp(w->name, p->workflow, n) == 0 && w->name[n] == '.') {
            *ret_owned = xstrndup(w->text, w->len);
            *ret_n = w->len;
            return 0;
        }
    char *path = fs_join(c->dir, p->workflow);
    rc = fs_read(path, &text, err);
    if (rc < 0) {
        err->code = ERR_WORKFLOW;
        err_prefix(err, "workflow of pipeline %s", p->name);
        rc = -(int)ERR_WORKFLOW;
    } else {
        *ret_n = text.n;
        *ret_owned = text.n > 0 ? buf_take(&text) : xstrdup("");
    }
    buf_release(&text);
    free(path);
    return rc;
}
