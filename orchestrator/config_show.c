#include "orchestrator/config_show.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/config_int.h"

struct showing {
    const struct config *c;
    json_t *rows;
    const char *url; /* of the connection that is walked; NULL: none */
};

/* A password has no place in a URL, and is refused in most; the path of a webhook or a ping is one. */
static json_t *without_secret(const char *key, const json_t *value)
{
    const char *s = json_string_value(value), *authority = s != NULL ? strstr(s, "://") : NULL;

    if (authority == NULL)
        return json_deep_copy(value);
    authority += 3;
    size_t n = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', n),
               *colon = at != NULL ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    size_t keep = colon != NULL ? (size_t)(colon + 1 - s) : (size_t)(authority - s);
    const char *rest = colon != NULL ? at : authority;
    bool token =
        str_starts(key, "alerts.") && strncasecmp(s, "http", 4) == 0 && rest[strcspn(rest, "/?#")] != '\0';
    char *text = xasprintf("%.*s%s%.*s%s", (int)keep, s, colon != NULL ? "***" : "",
                           (int)(token ? strcspn(rest, "/?#") : strlen(rest)), rest, token ? "/***" : "");
    json_t *out = json_string(text);
    free(text);
    return out;
}

/* Where the file says nothing, the environment may. */
static const char *from_environment(const struct showing *s, const struct key *k, const char **ret_value)
{
    static const struct {
        const char *key, *names[3];
    } rows[] = {{"region", {"AWS_REGION", "AWS_DEFAULT_REGION"}}, {"profile", {"AWS_PROFILE"}}};

    for (size_t i = 0; s->url != NULL && i < ARRAY_LEN(rows); i++)
        for (const char *const *name = rows[i].names; strcmp(k->name, rows[i].key) == 0 && *name != NULL;
             name++) {
            *ret_value = config_env(*name);
            if (*ret_value != NULL)
                return *name;
        }
    return NULL;
}

static void show(struct showing *s, const struct key *k, const char *path, const json_t *value, bool in_file)
{
    const char *text = NULL, *name = json_is_null(value) ? from_environment(s, k, &text) : NULL;
    char *origin =
        name != NULL ? xasprintf("environment %s", name) : xstrdup(in_file ? s->c->path : "default");
    json_t *shown = name != NULL ? json_string(text) : without_secret(path, value);

    json_array_append_new(s->rows,
                          json_pack("{s:s,s:o?,s:s}", "key", path, "value", shown, "origin", origin));
    free(origin);
}

static void walk(struct showing *s, const struct key *keys, const json_t *full, const json_t *given,
                 const char *path);

static void walk_names(struct showing *s, const struct key *k, const json_t *full, const json_t *given,
                       const char *path)
{
    const char *name;
    json_t *item;

    json_object_foreach((json_t *)(uintptr_t)full, name, item) {
        char *at = xasprintf("%s.%s", path, name);
        bool connections = strcmp(path, "connections") == 0;
        s->url = connections ? json_string_value(json_object_get(item, "url")) : NULL;
        if (json_is_object(item))
            walk(s, k->sub, item, json_object_get(given, name), at);
        else
            show(s, k, at, item, true);
        s->url = NULL;
        free(at);
    }
}

static void walk(struct showing *s, const struct key *keys, const json_t *full, const json_t *given,
                 const char *path)
{
    for (const struct key *k = keys; k->name != NULL; k++) {
        const json_t *value = json_object_get(full, k->name), *mine = json_object_get(given, k->name);
        char *at = *path != '\0' ? xasprintf("%s.%s", path, k->name) : xstrdup(k->name);
        if (strcmp(k->name, "$schema") == 0 || (s->url != NULL && !config_applies(s->url, k->name)))
            ; /* not read, or without effect here */
        else if (k->kind == KEY_OBJECT && json_is_object(value))
            walk(s, k->sub, value, mine, at);
        else if ((k->kind == KEY_MAP || k->kind == KEY_COLUMNS) && json_object_size(value) > 0)
            walk_names(s, k, value, mine, at);
        else
            show(s, k, at, value, mine != NULL);
        free(at);
    }
}

json_t *config_effective(const struct config *c)
{
    struct buf unheard = BUF_INIT(64 * KIB);
    struct faults f = {&unheard, 0}; /* none: the config was accepted */
    struct showing s = {.c = c, .rows = json_array()};
    json_t *full = config_normalise(c->root, config_root_keys, "", &f);

    walk(&s, config_root_keys, full, c->root, "");
    json_decref(full);
    buf_release(&unheard);
    return s.rows;
}
