#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/target_int.h"
#include <strings.h>
#include <unistd.h>

/*
 * mysql://user@host:port/database[?socket=PATH] and sqlite:PATH; and the option file, read here and not by the client
 * library: there, local-infile or an init-command in somebody's my.cnf would undo what orch sets.
 */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Returns owned, or NULL where a percent sign is not followed by two hex digits (or they say NUL). */
static char *unescape(const char *p, size_t n)
{
    char *out = xmalloc(n + 1), *o = out;

    for (size_t i = 0; i < n; i++) {
        if (p[i] != '%') {
            *o++ = p[i];
            continue;
        }
        int high = i + 2 < n ? hex_digit(p[i + 1]) : -1, low = i + 2 < n ? hex_digit(p[i + 2]) : -1;
        if (high < 0 || low < 0 || high * 16 + low == 0) {
            free(out);
            return NULL;
        }
        *o++ = (char)(high * 16 + low);
        i += 2;
    }
    *o = '\0';
    return out;
}

static int take(const char *what, const char *p, size_t n, char **io, struct err *err)
{
    if (n == 0)
        return 0;
    free(*io);
    *io = unescape(p, n);
    return *io != NULL ? 0 : err_set(err, ERR_CONFIG, "the %s in the target's URL has a bad %% escape", what);
}

static int parse_port(const char *p, size_t n, unsigned *ret, struct err *err)
{
    int64_t port;

    if (n == 0)
        return 0;
    if (str_to_i64((struct str){p, n}, 1, 65535, &port, err) < 0)
        return err_set(err, ERR_CONFIG, "'%.*s' in the target's URL is not a port", (int)n, p);
    *ret = (unsigned)port;
    return 0;
}

/* "host", "host:port", "[::1]:port" */
static int parse_host(const char *p, size_t n, struct target_url *ret, struct err *err)
{
    const char *close = n > 0 && p[0] == '[' ? memchr(p, ']', n) : NULL;
    const char *host = close != NULL ? p + 1 : p;
    const char *rest = close != NULL ? close + 1 : p;
    size_t left = (size_t)(p + n - rest);
    const char *colon = memchr(rest, ':', left);
    size_t host_n = close != NULL ? (size_t)(close - host) : colon != NULL ? (size_t)(colon - p) : n;

    int rc = take("host", host, host_n, &ret->host, err);
    if (rc == 0 && colon != NULL)
        rc = parse_port(colon + 1, (size_t)(p + n - colon - 1), &ret->port, err);
    return rc;
}

static int parse_mysql(const char *rest, struct target_url *ret, struct err *err)
{
    size_t authority = strcspn(rest, "/?");
    const char *end = rest + authority, *at = NULL, *host = rest;
    int rc = 0;

    for (const char *p = rest; p < end; p++)
        if (*p == '@')
            at = p;
    if (at != NULL) {
        host = at + 1;
        if (memchr(rest, ':', (size_t)(at - rest)) != NULL) {
            err_set(err, ERR_CONFIG, "a password in a target's URL ends up in logs and listings");
            return err_hint(err, "use password_file, password_env or option_file");
        }
        rc = take("user", rest, (size_t)(at - rest), &ret->user, err);
    }
    if (rc == 0)
        rc = parse_host(host, (size_t)(end - host), ret, err);
    if (*end == '/') {
        size_t n = strcspn(end + 1, "?");
        if (rc == 0)
            rc = take("database", end + 1, n, &ret->database, err);
        end += 1 + n;
    }
    if (rc == 0 && *end == '?') {
        if (!str_starts(end, "?socket="))
            return err_set(err, ERR_CONFIG, "'%.60s' in the target's URL is not known: only ?socket=PATH",
                           end);
        rc = take("socket", end + 8, strlen(end + 8), &ret->socket, err);
    }
    return rc;
}

int target_url_parse(const char *url, struct target_url *ret, struct err *err)
{
    int rc;

    *ret = (struct target_url){0};
    if (str_starts(url, "mysql://")) {
        rc = parse_mysql(url + 8, ret, err);
    } else if (str_starts(url, "sqlite:") && url[7] != '\0') {
        ret->path = xstrdup(url + 7);
        rc = 0;
    } else {
        rc = err_set(err, ERR_CONFIG, "'%.100s' is no target", url);
        err_hint(err, "mysql://user@host:port/database or sqlite:PATH");
    }
    if (rc < 0)
        target_url_release(ret);
    return rc;
}

void target_url_release(struct target_url *u)
{
    free(u->user);
    free(u->password);
    free(u->host);
    free(u->socket);
    free(u->database);
    free(u->path);
    free(u->ca_file);
    free(u->cert_file);
    free(u->key_file);
    *u = (struct target_url){0};
}

/* --- option file --- */

static void trim(const char **p, size_t *n)
{
    while (*n > 0 && strchr(" \t\r", **p) != NULL) {
        (*p)++;
        (*n)--;
    }
    while (*n > 0 && strchr(" \t\r", (*p)[*n - 1]) != NULL)
        (*n)--;
}

/* A value as my.cnf writes it: quotes off, backslash escapes read, a comment after a blank cut. Returns owned. */
static char *option_value(const char *p, size_t n)
{
    char *out = xmalloc(n + 1), *o = out;
    char quote = '\0';

    if (n >= 2 && (p[0] == '"' || p[0] == '\'') && memchr(p + 1, p[0], n - 1) != NULL)
        quote = *p++;
    n -= quote != '\0';
    for (size_t i = 0; i < n; i++) {
        if (quote != '\0' ? p[i] == quote : p[i] == '#' && i > 0 && (p[i - 1] == ' ' || p[i - 1] == '\t'))
            break;
        if (p[i] != '\\' || i + 1 == n) {
            *o++ = p[i];
            continue;
        }
        static const char from[] = "ntrbs\\\"'", to[] = "\n\t\r\b \\\"'";
        const char *k = strchr(from, p[i + 1]);
        if (k != NULL && *k != '\0') {
            *o++ = to[k - from];
            i++;
        } else {
            *o++ = p[i];
        }
    }
    while (quote == '\0' && o > out && (o[-1] == ' ' || o[-1] == '\t'))
        o--;
    *o = '\0';
    return out;
}

/* Options are the same with '-' and with '_'. */
static bool same_option(const char *a, size_t n, const char *name)
{
    if (strlen(name) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((a[i] == '_' ? '-' : a[i]) != name[i])
            return false;
    return true;
}

struct options { /* owned; what the file says, the last mention counts */
    char *user, *password, *host, *port, *socket, *database, *ca, *cert, *key;
};

static void keep_option(struct options *o, const char *name, size_t name_n, char *value)
{
    const struct {
        const char *name;
        char **into;
    } rows[] = {
        {"user", &o->user}, {"password", &o->password}, {"host", &o->host},
        {"port", &o->port}, {"socket", &o->socket},     {"database", &o->database},
        {"ssl-ca", &o->ca}, {"ssl-cert", &o->cert},     {"ssl-key", &o->key},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (same_option(name, name_n, rows[i].name)) {
            free(*rows[i].into);
            *rows[i].into = value;
            return;
        }
    free(value); /* the file is shared with other programs: what is not ours is not wrong */
}

static void read_options(const char *text, struct options *o)
{
    bool ours = false;

    for (const char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        const char *p = line, *next = line + n + (line[n] == '\n');
        trim(&p, &n);
        if (n > 1 && *p == '[') {
            ours = (n == 8 && strncmp(p, "[client]", 8) == 0) || (n == 6 && strncmp(p, "[orch]", 6) == 0);
        } else if (ours && n > 0 && *p != '#' && *p != ';' && *p != '!') {
            const char *eq = memchr(p, '=', n);
            const char *value = eq != NULL ? eq + 1 : p + n;
            size_t name_n = (size_t)((eq != NULL ? eq : p + n) - p), value_n = (size_t)(p + n - value);
            trim(&p, &name_n);
            trim(&value, &value_n);
            keep_option(o, p, name_n, option_value(value, value_n));
        }
        line = next;
    }
}

static void fill(char **io, char **from)
{
    if (*io == NULL) {
        *io = *from;
        *from = NULL;
    }
}

int target_option_file(const char *path, struct target_url *io, struct err *err)
{
    struct buf text = BUF_INIT(MAX_SECRET);
    struct options o = {0};
    char *ignored = NULL;

    int rc = fs_read(path, &text, err);
    if (rc < 0)
        return err_prefix(err, "option_file");
    read_options(text.p, &o);
    if (o.password != NULL) /* then it is a secret, and is kept as one */
        rc = fs_read_secret(path, &ignored, err);
    free(ignored);
    /* host and socket name one place: what the URL says of either keeps both of the file's out */
    bool placed = io->host != NULL || io->socket != NULL;
    if (rc == 0 && !placed)
        fill(&io->socket, &o.socket);
    if (rc == 0 && !placed)
        fill(&io->host, &o.host);
    if (rc == 0 && !placed && io->port == 0 && o.port != NULL)
        rc = parse_port(o.port, strlen(o.port), &io->port, err);
    if (rc == 0) {
        fill(&io->user, &o.user);
        fill(&io->password, &o.password);
        fill(&io->database, &o.database);
        fill(&io->ca_file, &o.ca);
        fill(&io->cert_file, &o.cert);
        fill(&io->key_file, &o.key);
    }
    char *const all[] = {o.user, o.password, o.host, o.port, o.socket, o.database, o.ca, o.cert, o.key};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    buf_release(&text);
    return rc;
}
