#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/spec_int.h"
#include <ctype.h>
#include <stdarg.h>

enum { MAX_SAID = 1000 /* notes, and errors: a spec of 4,096 bad columns is told by its first thousand */ };

/* --- what is said of it --- */

/* A text that was cut in the midst of a character, or bytes of the command line, are no UTF-8. */
static json_t *any_text(const char *text)
{
    json_t *v = json_string(text);
    char clean[2000];

    if (v != NULL)
        return v;
    str_printable(text, strlen(text), clean, sizeof clean - 8);
    return json_string(clean);
}

static void say(json_t *list, const char *where, const char *text, const char *hint)
{
    if (json_array_size(list) >= MAX_SAID)
        return;
    json_t *one = json_object();
    json_object_set_new(one, "where", any_text(where));
    json_object_set_new(one, "text", any_text(text));
    if (hint != NULL)
        json_object_set_new(one, "hint", any_text(hint));
    json_array_append_new(list, one);
}

void spec_note(struct spec_reading *r, const char *where, const char *fmt, ...)
{
    char text[1000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(r->to->notes, where, text, NULL);
}

void spec_error(struct spec_reading *r, const char *where, const char *hint, const char *fmt, ...)
{
    char text[1000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(r->to->errors, where, text, hint);
}

/* --- members --- */

void spec_known(struct spec_reading *r, const char *where, const json_t *o, const char *const *keys)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        bool known = false;
        char hint[100], shown[100];
        for (size_t i = 0; keys[i] != NULL && !known; i++)
            known = strcmp(keys[i], key) == 0;
        if (known)
            continue;
        const char *near = str_nearest(key, keys);
        str_printable(key, strlen(key), shown, sizeof shown - 8);
        snprintf(hint, sizeof hint, "the nearest is '%s'", near != NULL ? near : "");
        spec_error(r, where, near != NULL ? hint : NULL, "no such member: '%s'", shown);
    }
}

static const json_t *member(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_null(v) ? NULL : v;
}

const char *spec_get_text(struct spec_reading *r, const char *where, const json_t *o, const char *key)
{
    const json_t *v = member(o, key);

    if (v != NULL && !json_is_string(v))
        spec_error(r, where, NULL, "'%s' is %s where a text is expected", key, json_kind(v));
    return json_string_value(v);
}

int64_t spec_get_count(struct spec_reading *r, const char *where, const json_t *o, const char *key,
                       int64_t most)
{
    const json_t *v = member(o, key);
    struct err err;
    int64_t n = 0;

    if (json_is_string(v) && str_to_i64(str_trim(str_of(json_string_value(v))), 1, most, &n, &err) == 0)
        return n;
    if (json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) <= most)
        return json_integer_value(v);
    if (v != NULL)
        spec_error(r, where, NULL, "'%s' is no whole number from 1 to %lld", key, (long long)most);
    return 0;
}

char *spec_name(struct spec_reading *r, const char *where, const char *text)
{
    char *name = xstrndup(text, strnlen(text, 40)), shown[100];

    for (char *p = name; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && strchr("_-.", *p) == NULL)
            *p = '_';
    if (*name == '\0' || *name == '.') {
        free(name);
        name = xasprintf("x%.39s", text[0] == '.' ? text + 1 : "");
        for (char *p = name; *p != '\0'; p++)
            if (!isalnum((unsigned char)*p) && strchr("_-.", *p) == NULL)
                *p = '_';
    }
    if (strcmp(name, text) != 0) {
        str_printable(text, strlen(text), shown, sizeof shown - 8);
        spec_note(r, where, "'%s' is called %s here: names have up to 40 letters, digits, _ - and .", shown,
                  name);
    }
    return name;
}

/* --- connections --- */

/* As the URL's grammar wants it: whatever is no plain character as %XX. */
static int add_escaped(struct buf *b, const char *s, struct err *err)
{
    int rc = 0;

    for (; rc == 0 && *s != '\0'; s++)
        rc = isalnum((unsigned char)*s) || strchr("_-.", *s) != NULL
                 ? buf_add(b, s, 1, err)
                 : buf_addf(b, err, "%%%02X", (unsigned char)*s);
    return rc;
}

/* Where the command line, or the spec, does not say: a placeholder to be filled in, or an error before a run. */
static const char *needed(struct spec_reading *r, const char *said, const char *what, const char *placeholder)
{
    if (said != NULL && *said != '\0')
        return said;
    if (r->given->mend)
        spec_note(r, "connections.db.url", "nothing says the %s: put it in place of %s", what, placeholder);
    else
        spec_error(r, "connections.db", "--host, --user and --db say it, or a config.json",
                   "nothing says the %s", what);
    return placeholder;
}

static int database_url(const struct spec_server *s, struct buf *b, struct err *err)
{
    bool v6 = strchr(s->host, ':') != NULL;
    int rc = buf_adds(b, "mysql://", err);

    if (rc == 0)
        rc = add_escaped(b, s->user, err);
    if (rc == 0)
        rc = buf_adds(b, v6 ? "@[" : "@", err);
    if (rc == 0)
        rc = add_escaped(b, s->host, err);
    if (rc == 0)
        rc = buf_adds(b, v6 ? "]" : "", err);
    if (rc == 0 && s->port > 0)
        rc = buf_addf(b, err, ":%lld", (long long)s->port);
    if (rc == 0)
        rc = buf_adds(b, "/", err);
    return rc == 0 ? add_escaped(b, s->database, err) : rc;
}

/* "host:3306" is host and port; one that has more colons is an address of its own. */
static char *host_and_port(struct spec_reading *r, struct spec_server *s)
{
    const char *colon = strchr(s->host, ':');
    struct err err;
    int64_t port;

    if (colon == NULL || strchr(colon + 1, ':') != NULL)
        return NULL;
    if (str_to_i64(str_of(colon + 1), 1, 65535, &port, &err) < 0) {
        spec_error(r, "connections.db", NULL, "no port: '%.60s'", colon + 1);
        return NULL;
    }
    if (s->port == 0)
        s->port = port;
    char *host = xstrndup(s->host, (size_t)(colon - s->host));
    s->host = host;
    return host;
}

void spec_database(struct spec_reading *r, const struct spec_server *said)
{
    const struct spec_given *g = r->given;
    struct spec_server s = *said;
    struct buf url = BUF_INIT(8 * KIB);
    struct err err;

    s.port = g->port > 0 ? g->port : s.port;
    s.host = needed(r, g->host != NULL ? g->host : s.host, "server", "HOST");
    s.user = needed(r, g->user != NULL ? g->user : s.user, "user", "USER");
    s.database = needed(r, g->database != NULL ? g->database : s.database, "database", "DATABASE");
    char *host = host_and_port(r, &s);
    if (database_url(&s, &url, &err) < 0)
        spec_error(r, "connections.db", NULL, "%s", err.msg);
    json_t *db = json_pack("{s:s}", "url", url.p != NULL ? url.p : "");
    json_object_set_new(json_object_get(r->to->document, "connections"), "db", db);
    if (s.password != NULL && *s.password != '\0') {
        r->to->password = xstrdup(s.password);
        if (g->mend) {
            json_object_set_new(db, "password_file", json_string("db.secret"));
            spec_note(
                r, "connections.db",
                "the password is not written here: put it into db.secret beside orch.json, of mode 0600");
        }
    }
    free(host);
    buf_release(&url);
}

void spec_bucket(struct spec_reading *r, const char *where, const char *bucket)
{
    const char *name = str_starts(bucket, "s3://") ? bucket + 5 : bucket;
    size_t n = strcspn(name, "/");
    bool good = n >= 3 && n <= 63 && name[n + (name[n] == '/')] == '\0';
    char url[80];

    for (size_t i = 0; good && i < n; i++)
        good = isalnum((unsigned char)name[i]) || strchr(".-_", name[i]) != NULL;
    if (!good) {
        char shown[100];
        str_printable(bucket, strlen(bucket), shown, sizeof shown - 8);
        spec_error(r, where, "3 to 63 letters, digits, . - and _; a folder goes into the prefix",
                   "'%s' is no bucket's name", shown);
        return;
    }
    if (name != bucket)
        spec_note(r, where, "the bucket's name is taken from the URL");
    snprintf(url, sizeof url, "s3://%.*s/", (int)n, name);
    json_object_set_new(json_object_get(r->to->document, "connections"), "lake",
                        json_pack("{s:s}", "url", url));
}

void spec_prefix(struct spec_reading *r, const char *where, const char *folder)
{
    struct buf b = BUF_INIT(MAX_KEY);
    char shown[100];
    struct err err;
    int rc = 0;

    for (const char *p = folder; rc == 0 && *p != '\0'; p += *p == '/') {
        size_t n = strcspn(p, "/");
        bool dots = (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
        if (dots)
            rc = err_set(&err, ERR_CONFIG, "'.' and '..' are no folders");
        for (size_t i = 0; rc == 0 && i < n; i += str_plain_char(p + i, n - i))
            if (str_plain_char(p + i, n - i) == 0 || strchr("{}[]", p[i]) != NULL)
                rc = err_set(&err, ERR_CONFIG, "a character that no folder should have");
        if (rc == 0 && n > 0)
            rc = buf_add(&b, p, n, &err);
        if (rc == 0 && n > 0)
            rc = buf_adds(&b, "/", &err);
        p += n;
    }
    str_printable(folder, strlen(folder), shown, sizeof shown - 8);
    if (rc < 0)
        spec_error(r, where, NULL, "'%s': %s", shown, err.msg);
    json_object_set_new(json_object_get(r->extract, "target"), "prefix", json_string(b.n > 0 ? b.p : ""));
    buf_release(&b);
}

/* --- all of it --- */

static void detect(struct spec_reading *r, const json_t *spec)
{
    bool crede = json_object_get(spec, "TABLE_SPEC") != NULL || json_object_get(spec, "MYSQL_HOST") != NULL;

    if (json_object_get(spec, "task_name") != NULL || json_object_get(spec, "table") != NULL) {
        r->to->kind = SPEC_SQL_PDE;
        return;
    }
    r->to->kind = json_object_get(spec, "TIME_RANGE_HOURS") != NULL ? SPEC_CREDE_BACKFILL : SPEC_CREDE;
    if (!crede)
        spec_error(r, "",
                   json_object_get(spec, "connections") != NULL ? "it is an orch.json already"
                                                                : "docs/extract-specs.md",
                   "neither a task spec (task_name, table) nor a CreDE config (TABLE_SPEC)");
}

static json_t *read_json(struct spec_reading *r, struct str text, const char *what)
{
    json_t *v = NULL;
    struct err err;

    if (text.n > MAX_SPEC)
        spec_error(r, what, NULL, "larger than %d bytes", (int)MAX_SPEC);
    else if (json_parse(text.p, text.n, what, &v, &err) < 0)
        spec_error(r, "", NULL, "%s", err.msg);
    else if (!json_is_object(v))
        spec_error(r, what, NULL, "%s where an object is expected", json_kind(v));
    if (v != NULL && !json_is_object(v)) {
        json_decref(v);
        v = NULL;
    }
    return v;
}

static int first_error(const struct spec *s, struct err *err)
{
    size_t n = json_array_size(s->errors);
    const json_t *first = json_array_get(s->errors, 0);
    const char *where = json_string_value(json_object_get(first, "where")),
               *hint = json_string_value(json_object_get(first, "hint"));

    if (n == 0)
        return 0;
    char more[40] = "";
    if (n > 1)
        snprintf(more, sizeof more, " (and %zu more)", n - 1);
    err_set(err, ERR_CONFIG, "%s%s%s%s", where, *where != '\0' ? ": " : "",
            json_string_value(json_object_get(first, "text")), more);
    return hint != NULL ? err_hint(err, "%s", hint) : -(int)ERR_CONFIG;
}

int spec_read(const struct spec_given *given, struct spec *ret, struct err *err)
{
    struct spec_reading r = {.given = given, .to = ret};

    *ret = (struct spec){.notes = json_array(), .errors = json_array()};
    ret->document = json_pack("{s:{},s:{}}", "connections", "extracts");
    r.extract = json_pack("{s:s,s:{s:s},s:{s:s,s:s}}", "schedule", "", "source", "connection", "db", "target",
                          "connection", "lake", "prefix", "");
    r.tables = json_array();
    json_t *spec = read_json(&r, given->text, "spec");
    json_t *config = given->config.p != NULL ? read_json(&r, given->config, "config.json") : NULL;
    if (spec != NULL)
        detect(&r, spec);
    if (json_array_size(ret->errors) == 0 && ret->kind == SPEC_SQL_PDE)
        spec_pde(&r, spec, config);
    else if (json_array_size(ret->errors) == 0) {
        if (config != NULL)
            spec_error(&r, "config.json", NULL, "a CreDE config has its server in it: no second one is read");
        spec_crede(&r, spec);
    }
    json_object_set_new(r.extract, "tables", r.tables);
    json_object_set_new(json_object_get(ret->document, "extracts"), ret->name != NULL ? ret->name : "extract",
                        r.extract);
    json_decref(spec);
    json_decref(config);
    int rc = first_error(ret, err);
    if (rc < 0) {
        json_decref(ret->document);
        ret->document = NULL;
    }
    return rc;
}

void spec_release(struct spec *s)
{
    free(s->name);
    free(s->password);
    json_decref(s->document);
    json_decref(s->notes);
    json_decref(s->errors);
    *s = (struct spec){0};
}

bool spec_can_be_mended(const struct spec_given *given)
{
    struct spec_given mended = *given;
    struct spec s;
    struct err ignored;

    mended.mend = true;
    bool can = spec_read(&mended, &s, &ignored) == 0;
    spec_release(&s);
    return can;
}
