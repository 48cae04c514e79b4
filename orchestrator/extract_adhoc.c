/* Another system's task, run as it stands: its document read by the config's own reader, its state beside where it was run. */
#include "orchestrator/extract_adhoc.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/spec.h"
#include "orchestrator/view.h"
#include <termios.h>
#include <unistd.h>

enum { MAX_PASSWORD = 512 };

int spec_load(const char *path, struct buf *ret, struct err *err)
{
    int rc = fs_read(path, ret, err);

    if (rc < 0 && err->code == ERR_TOO_LARGE)
        rc = err_set(err, ERR_CONFIG, "%s: larger than %u bytes", path, MAX_SPEC);
    return rc;
}

void spec_say(const json_t *list, const char *kind)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one) {
        const char *where = view_str(one, "where"), *hint = view_str(one, "hint");
        bool hinted = hint[0] != '\0';
        cli_say("%s%s%s%s%s%s%s", kind, where, where[0] != '\0' ? ": " : "", view_str(one, "text"),
                hinted ? " (hint: " : "", hint, hinted ? ")" : "");
    }
}

int spec_port(int64_t port, struct err *err)
{
    return port <= 65535 ? 0 : err_set(err, ERR_USAGE, "--port: at most 65535");
}

/* "@FILE", "-" or the text itself. */
static int read_config(const char *given, struct buf *ret, struct err *err)
{
    if (given == NULL)
        return 0;
    if (strcmp(given, "-") == 0)
        return fs_read_or_stdin(given, ret, err);
    if (given[0] == '@')
        return spec_load(given + 1, ret, err);
    return buf_adds(ret, given, err);
}

/* A URL, or a connection of orch.json with all that it says. */
static int set_sink(struct cli *c, const struct adhoc *a, json_t *document, struct err *err)
{
    json_t *lake = json_object_get(json_object_get(document, "connections"), "lake");
    bool url = a->sink != NULL && strstr(a->sink, "://") != NULL;

    if (a->sink == NULL)
        return 0;
    if (url) {
        json_object_set_new(lake, "url", json_string(a->sink));
        return 0;
    }
    int rc = cli_config(c, err);
    if (rc < 0)
        return rc;
    json_t *mine = json_object_get(json_object_get(c->config->root, "connections"), a->sink);
    if (!json_is_object(mine))
        return err_set(err, ERR_USAGE, "--sink: %s is no URL, and no connection of %s", a->sink,
                       c->config->path);
    json_object_update(lake, mine);
    return 0;
}

static int set_database(const struct adhoc *a, json_t *document, struct err *err)
{
    json_t *db = json_object_get(json_object_get(document, "connections"), "db");
    const char *const values[] = {a->password_file, a->option_file, a->tls};
    static const char *const keys[] = {"password_file", "option_file", "tls"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (values[i] != NULL) {
            if (i == 0) { /* one of the three at most */
                json_object_del(db, "password_env");
                json_object_del(db, "password_credential");
            }
            json_object_set_new(db, keys[i], json_string(values[i]));
        }
    return db != NULL ? 0 : err_set(err, ERR_INTERNAL, "a spec without a database");
}

static int prompt(char **ret, struct err *err)
{
    struct termios before, quiet;
    char text[MAX_PASSWORD] = "";

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
        return 0;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "password: ");
    fflush(stderr);
    err_ignore(tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet));
    bool got = fgets(text, sizeof text, stdin) != NULL;
    err_ignore(tcsetattr(STDIN_FILENO, TCSAFLUSH, &before));
    fprintf(stderr, "\n");
    if (!got)
        return err_set(err, ERR_USAGE, "no password was given");
    text[strcspn(text, "\r\n")] = '\0';
    *ret = xstrdup(text);
    explicit_bzero(text, sizeof text);
    return 0;
}

static int parse(struct cli *c, const struct adhoc *a, struct spec *s, struct adhoc_run *ret, struct err *err)
{
    struct buf faults = BUF_INIT(256 * KIB);
    char *text = NULL, *cwd = getcwd(NULL, 0),
         *path = xasprintf("%s/orch-extract.json", cwd != NULL ? cwd : "");
    int rc = set_sink(c, a, s->document, err);

    if (rc == 0)
        rc = set_database(a, s->document, err);
    json_object_set_new(s->document, "state", json_string("orch-extract.db"));
    if (rc == 0) {
        text = json_text(s->document);
        rc = config_parse(text, strlen(text), path, true, &ret->config, &faults, err);
    }
    for (char *line = faults.p, *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        cli_say("%s", line);
    }
    buf_release(&faults);
    free(text);
    free(path);
    free(cwd);
    return rc;
}

static int set_password(const struct adhoc *a, struct spec *s, struct adhoc_run *ret, struct err *err)
{
    struct target_config *t = &ret->config->extracts[0].target;
    int rc = 0;

    if (t->password == NULL && a->option_file == NULL) {
        const char *env = config_env_password();
        if (env != NULL)
            ret->password = xstrdup(env);
        else if (s->password != NULL)
            ret->password = xstrdup(s->password);
        else
            rc = prompt(&ret->password, err);
        t->password = ret->password;
    }
    return rc;
}

int adhoc_open(struct cli *c, const struct adhoc *a, struct adhoc_run *ret, struct err *err)
{
    struct buf spec = BUF_INIT(MAX_SPEC), config = BUF_INIT(MAX_SPEC);
    struct spec s = {0};
    int rc = spec_port(a->port, err);

    if (rc == 0)
        rc = a->spec != NULL ? spec_load(a->spec, &spec, err) : read_config(a->config, &spec, err);
    if (rc == 0 && a->spec != NULL)
        rc = read_config(a->config, &config, err);
    if (rc == 0) {
        const struct spec_given given = {
            .text = {spec.p, spec.n},
            .config = {a->spec != NULL && a->config != NULL ? config.p : NULL, config.n},
            .host = a->host,
            .user = a->user,
            .database = a->database,
            .port = a->port,
            .batch_mb = a->batch_mb};
        rc = spec_read(&given, &s, err);
        spec_say(s.errors, "");
        if (rc == 0)
            spec_say(s.notes, "note: ");
        if (rc < 0 && json_array_size(s.errors) > 0) {
            err_set(err, ERR_CONFIG, "%s is refused", a->spec != NULL ? a->spec : "the config");
            rc =
                err_hint(err, spec_can_be_mended(&given) ? "orch spec convert writes it as an extract, mended"
                                                         : "docs/extract-specs.md tells what is understood");
        }
    }
    if (rc == 0 && s.password != NULL && a->config != NULL && strchr("@-", a->config[0]) == NULL) {
        rc = err_set(err, ERR_USAGE,
                     "--config: a password on a command line is seen by everybody on this machine");
        err_hint(err, "--config @FILE, or - for stdin; and --password-file");
    }
    ret->hours = s.hours;
    if (rc == 0)
        rc = parse(c, a, &s, ret, err);
    if (rc == 0)
        rc = set_password(a, &s, ret, err);
    if (rc == 0)
        rc = store_open(ret->config->state, STORE_CREATE, &ret->store, err);
    spec_release(&s);
    buf_release(&spec);
    buf_release(&config);
    return rc;
}

void adhoc_close(struct adhoc_run *r)
{
    store_close(r->store);
    config_free(r->config);
    if (r->password != NULL)
        explicit_bzero(r->password, strlen(r->password));
    free(r->password);
}
