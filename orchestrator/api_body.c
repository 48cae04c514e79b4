/* What is sent with a POST, checked as far as that goes without the state file. */
#include "orchestrator/api_body.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/api.h"
#include "orchestrator/replay.h"

enum { NAME_MAX_BYTES = 129 };

void api_body_release(struct api_body *b)
{
    json_decref(b->all);
    json_decref(b->args);
    *b = (struct api_body){0};
}

static int unknown(const char *name, const char *const names[], struct err *err)
{
    char shown[100];
    const char *near = str_nearest(name, names);

    str_printable(name, strlen(name), shown, sizeof shown);
    err_set(err, ERR_USAGE, "the body has a member '%s' that nobody knows here", shown);
    return near != NULL ? err_hint(err, "the nearest is '%s'", near) : -(int)ERR_USAGE;
}

static int common(struct api_body *b, bool needs_reason, struct err *err)
{
    const json_t *reason = json_object_get(b->all, "reason"), *dry = json_object_get(b->all, "dry_run");

    if ((reason != NULL && !json_is_string(reason)) || (dry != NULL && !json_is_boolean(dry)))
        return err_set(err, ERR_USAGE, "reason is a string, dry_run true or false");
    b->reason = reason != NULL ? json_string_value(reason) : "";
    b->dry_run = json_is_true(dry);
    if (strlen(b->reason) > MAX_REASON)
        return err_set(err, ERR_USAGE, "reason: longer than %d bytes", MAX_REASON);
    if (needs_reason && *b->reason == '\0' && !json_is_true(json_object_get(b->args, "undo")))
        return err_set(err, ERR_USAGE, "reason is needed: somebody will ask");
    return 0;
}

static bool is_flag(const char *name)
{
    return strcmp(name, "undo") == 0 || strcmp(name, "empty") == 0 || strcmp(name, "dry_run") == 0;
}

/* What was sent, as an object. */
static int read_object(const struct serve_request *q, json_t **ret, struct err *err)
{
    int rc = 0;

    if (q->body.n == 0)
        *ret = json_object();
    else if (strcmp(q->content_type, "application/json") == 0)
        rc = json_parse(q->body.p, q->body.n, "the body", ret, err);
    else
        return err_set(err, ERR_USAGE, "the body is to be application/json");
    if (rc < 0) {
        err->code = ERR_USAGE;
        return -(int)ERR_USAGE;
    }
    if (!json_is_object(*ret))
        return err_set(err, ERR_USAGE, "the body is %s where an object is expected", json_kind(*ret));
    return 0;
}

/* names: those of args, then reason and dry_run; NULL-ended. Each is a text, but for `tables`, `undo` and `empty`. */
static int take_members(struct api_body *ret, const char *const names[], bool needs_reason, struct err *err)
{
    const char *key;
    json_t *v;

    json_object_foreach(ret->all, key, v) {
        bool known = false;
        for (int i = 0; names[i] != NULL; i++)
            known = known || strcmp(names[i], key) == 0;
        if (!known)
            return unknown(key, names, err);
    }
    for (int i = 0; names[i] != NULL; i++) {
        bool flag = is_flag(names[i]);
        v = json_object_get(ret->all, names[i]);
        if (v == NULL || json_is_null(v) || strcmp(names[i], "reason") == 0 ||
            strcmp(names[i], "dry_run") == 0)
            continue;
        if (strcmp(names[i], "tables") != 0 && (flag ? !json_is_boolean(v) : !json_is_string(v)))
            return err_set(err, ERR_USAGE, "%s is %s where %s is expected", names[i], json_kind(v),
                           flag ? "true or false" : "a string");
        if (!flag || json_is_true(v))
            json_object_set(ret->args, names[i], v);
    }
    return common(ret, needs_reason, err);
}

/* ---- what each kind needs ---- */

static int check_part(const struct pipeline *p, const json_t *args, const char *name, struct err *err)
{
    char part[PART_SIZE];

    return api_part(p, name, json_string_value(json_object_get(args, name)), part, err);
}

static int check_range(const struct pipeline *p, struct api_body *b, struct err *err)
{
    const char *from, *to;
    int rc = check_part(p, b->args, "partition", err);

    if (rc == 0)
        rc = check_part(p, b->args, "from", err);
    if (rc == 0)
        rc = check_part(p, b->args, "to", err);
    from = json_string_value(json_object_get(b->args, "from"));
    to = json_string_value(json_object_get(b->args, "to"));
    if (rc == 0 && json_object_get(b->args, "partition") != NULL && (from != NULL || to != NULL))
        rc = err_set(err, ERR_USAGE, "partition, or from and to: one of the two");
    if (rc == 0 && from != NULL && to != NULL && strcmp(from, to) > 0)
        rc = err_set(err, ERR_USAGE, "from %s is after to %s", from, to);
    return rc == 0 ? replay_only(json_string_value(json_object_get(b->args, "only")), err) : rc;
}

static int check_skip(const struct pipeline *p, struct api_body *b, struct err *err)
{
    int rc = check_part(p, b->args, "partition", err);

    if (rc == 0 && json_object_get(b->args, "partition") == NULL)
        rc = err_set(err, ERR_USAGE, "partition is needed");
    return rc;
}

/* A name becomes a part of a path: no part of it leads anywhere else. */
static int check_table(const char *what, const char *name, struct err *err)
{
    size_t n = name != NULL ? strlen(name) : 0;

    if (n == 0 || n > NAME_MAX_BYTES || name[0] == '.' || strpbrk(name, "/\\") != NULL ||
        strstr(name, "..") != NULL)
        return err_set(err, ERR_USAGE, "%s is no name of a table", what);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return err_set(err, ERR_USAGE, "%s is no name of a table", what);
    return 0;
}

static int check_backup(const struct pipeline *p, struct api_body *b, struct err *err)
{
    const json_t *tables = json_object_get(b->args, "tables"), *item;
    const char *codec = json_string_value(json_object_get(b->args, "codec"));
    size_t i;

    UNUSED(p);
    if (json_array_size(tables) == 0 || json_array_size(tables) > MAX_API_TABLES)
        return err_set(err, ERR_USAGE, "tables is to be a list of 1 to %d names", MAX_API_TABLES);
    json_array_foreach(tables, i, item)
        if (check_table("one of tables", json_string_value(item), err) < 0)
            return -(int)err->code;
    if (codec != NULL && strcmp(codec, "null") != 0 && strcmp(codec, "deflate") != 0)
        return err_set(err, ERR_USAGE, "codec is neither null nor deflate");
    return 0;
}

static int check_run(const char *run, struct err *err)
{
    if (run == NULL ||
        (strlen(run) <= 64 && *run != '\0' &&
         strspn(run, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(run)))
        return 0;
    return err_set(err, ERR_USAGE, "run is no name of a backup's run");
}

static int check_restore(const struct pipeline *p, struct api_body *b, struct err *err)
{
    const char *into = json_string_value(json_object_get(b->args, "into"));
    int rc = check_table("table", json_string_value(json_object_get(b->args, "table")), err);

    UNUSED(p);
    if (rc == 0 && into != NULL)
        rc = check_table("into", into, err);
    if (rc == 0)
        rc = check_run(json_string_value(json_object_get(b->args, "run")), err);
    if (rc == 0 && b->dry_run) /* reads every file: a tick's work, too */
        json_object_set_new(b->args, "dry_run", json_true());
    return rc;
}

static const struct kind {
    const char *name, *names[8];
    bool needs_reason, form_needs_reason;
    int (*check)(const struct pipeline *p, struct api_body *b, struct err *err);
} kinds[] = {
    {"replay", {"partition", "from", "to", "only", "reason", "dry_run"}, false, true, check_range},
    {"retry", {"partition", "from", "to", "reason", "dry_run"}, false, false, check_range},
    {"skip", {"partition", "undo", "reason", "dry_run"}, true, true, check_skip},
    {"pause", {"reason"}, true, true, NULL},
    {"resume", {"reason"}, false, false, NULL},
    {"acknowledge", {"reason"}, true, true, NULL},
    {"backup", {"tables", "codec", "reason"}, false, true, check_backup},
    {"restore", {"table", "into", "run", "empty", "reason", "dry_run"}, false, true, check_restore},
};

static const struct kind *kind_of(const char *name)
{
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(kinds) && strcmp(kinds[i].name, name) != 0)
        i++;
    return &kinds[i];
}

int api_body_read(const struct serve_request *q, const char *kind, const struct pipeline *p,
                  struct api_body *ret, struct err *err)
{
    const struct kind *k = kind_of(kind);

    *ret = (struct api_body){.args = json_object()};
    int rc = read_object(q, &ret->all, err);
    if (rc == 0)
        rc = take_members(ret, k->names, k->needs_reason, err);
    return rc == 0 && k->check != NULL ? k->check(p, ret, err) : rc;
}

int api_body_form(const struct serve_request *q, const char *kind, const struct pipeline *p, const char *part,
                  struct api_body *ret, struct err *err)
{
    const struct kind *k = kind_of(kind);
    const char *reason = serve_form(q, "reason");
    int rc = 0;

    *ret = (struct api_body){.all = json_object(), .args = json_object()};
    if (part != NULL)
        rc = json_object_set_new(ret->all, "partition", json_string(part));
    if (rc == 0 && reason != NULL)
        rc = json_object_set_new(ret->all, "reason", json_string(reason));
    if (rc < 0)
        return err_set(err, ERR_USAGE, "the form holds what is no UTF-8");
    rc = take_members(ret, k->names, k->form_needs_reason, err);
    return rc == 0 && k->check != NULL ? k->check(p, ret, err) : rc;
}
