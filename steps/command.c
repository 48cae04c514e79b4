/*
 * orch-command {argv, arguments?, input?, env?, cwd?, output?, heartbeat?} -> what it writes to its stdout. A program
 * without a shell. Only the definition says which: argv, env, cwd are no data. It has of our environment what
 * tasks.environment allows, and a key that is the same for every attempt, so that it can do once what must be done once.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/process.h"
#include "steps/steps_int.h"

enum {
    GRACE_MS = 5000,     /* between SIGTERM and SIGKILL: within what is left of the shortest lease */
    TEMPORARY = 75,      /* EX_TEMPFAIL of sysexits.h */
    MAX_ERROR_NAME = 79, /* of struct err */
};

struct words { /* NULL-ended; each owned */
    char **items;
    size_t n, max;
};

static void words_add(struct words *w, char *takes)
{
    if (w->n + 2 > w->max) {
        w->max = w->max > 0 ? 2 * w->max : 16;
        w->items = xrealloc(w->items, w->max * sizeof *w->items);
    }
    w->items[w->n++] = takes;
    w->items[w->n] = NULL;
}

static void words_release(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->items[i]);
    free(w->items);
}

/* A text as it is; numbers, true and false as JSON writes them. NULL: none of these. */
static char *word_of(const json_t *v)
{
    if (json_is_string(v))
        return xstrdup(json_string_value(v));
    return json_is_number(v) || json_is_boolean(v) ? json_text(v) : NULL;
}

static int add_all(struct words *w, const json_t *list, const char *what, struct err *err)
{
    const json_t *v;
    size_t i;

    if (list == NULL)
        return 0;
    if (!json_is_array(list))
        return err_set(err, ERR_CONTRACT, "%s is %s where a list of texts is expected", what,
                       json_kind(list));
    if (json_array_size(list) + w->n > MAX_ARGUMENTS)
        return err_set(err, ERR_TOO_LARGE, "a command of more than %d words", MAX_ARGUMENTS);
    json_array_foreach(list, i, v) {
        char *word = word_of(v);
        if (word == NULL)
            return err_set(err, ERR_CONTRACT, "%s[%zu] is %s where a text or number is expected", what, i,
                           json_kind(v));
        words_add(w, word);
    }
    return 0;
}

static int make_argv(const json_t *parameters, struct words *argv, struct err *err)
{
    const json_t *list = json_object_get(parameters, "argv");
    const char *program = json_string_value(json_array_get(list, 0));

    if (program == NULL || *program == '\0') {
        err_set(err, ERR_CONTRACT, "argv is a list that begins with the program");
        return err_hint(err, "\"argv\": [\"/usr/bin/python3\", \"score.py\"]; no shell reads it");
    }
    int rc = add_all(argv, list, "argv", err);
    return rc < 0 ? rc : add_all(argv, json_object_get(parameters, "arguments"), "arguments", err);
}

/* ---- the environment ---- */

static bool is_variable(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

    return n > 0 && name[n] == '\0' && (*name < '0' || *name > '9');
}

/* Whether the definition gives the variable of "NAME=value" itself. */
static bool is_given(const json_t *env, const char *entry)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)env, name, value) {
        size_t n = strlen(name);
        if (strncmp(entry, name, n) == 0 && entry[n] == '=')
            return true;
    }
    return false;
}

/* A variable, as the definition names it; value NULL: it comes from data. */
static int check_variable(const char *name, const char *value, bool data, struct err *err)
{
    if (is_variable(name) && !str_starts(name, "ORCH_") && (data || value != NULL))
        return 0;
    return err_set(err, ERR_CONTRACT, "env: '%.100s' is no variable of a text or number%s", name,
                   str_starts(name, "ORCH_") ? ": orch gives those itself" : "");
}

static int make_env(const struct step_ctx *c, const json_t *parameters, struct words *w, struct err *err)
{
    const json_t *env = json_object_get(parameters, "env");
    const char *name;
    json_t *value;

    if (env != NULL && !json_is_object(env))
        return err_set(err, ERR_CONTRACT, "env is %s where an object is expected", json_kind(env));
    for (size_t i = 0; c->world != NULL && c->world->environment[i] != NULL; i++)
        if (!is_given(env, c->world->environment[i]))
            words_add(w, xstrdup(c->world->environment[i]));
    json_object_foreach((json_t *)(uintptr_t)env, name, value) {
        char *word = word_of(value);
        if (check_variable(name, word, false, err) < 0) {
            free(word);
            return -(int)err->code;
        }
        words_add(w, xasprintf("%s=%s", name, word));
        free(word);
    }
    words_add(w, xasprintf("ORCH_EXECUTION=%s", c->execution_name != NULL ? c->execution_name : ""));
    words_add(w, xasprintf("ORCH_STATE=%s", c->state != NULL ? c->state : ""));
    words_add(w, xasprintf("ORCH_ATTEMPT=%lld", (long long)c->attempt));
    words_add(w, xasprintf("ORCH_KEY=%s", c->key));
    words_add(w, xasprintf("ORCH_TOKEN=%s", c->token != NULL ? c->token : ""));
    return 0;
}

/* ---- what it says ---- */

enum output { OUTPUT_JSON, OUTPUT_TEXT, OUTPUT_NONE };

static int one_of(const json_t *parameters, const char *name, const char *const *words, int *ret,
                  struct err *err)
{
    const char *word;
    int rc = json_get_str(parameters, name, words[0], &word, err);

    for (*ret = 0; rc == 0 && words[*ret] != NULL; ++*ret)
        if (strcmp(words[*ret], word) == 0)
            return 0;
    return rc < 0 ? rc
                  : err_set(err, ERR_CONTRACT, "%s is '%.40s' where %s or %s is expected", name, word,
                            words[0], words[1]);
}

static const char *const outputs[] = {"json", "text", "none", NULL}, *const hearts[] = {"orch", "output",
                                                                                        NULL};

static int check_env(const json_t *env, struct err *err)
{
    const char *key;
    json_t *value;
    int rc = 0;

    if (env != NULL && !json_is_object(env))
        return err_set(err, ERR_CONTRACT, "env is %s where an object is expected", json_kind(env));
    json_object_foreach((json_t *)(uintptr_t)env, key, value) {
        bool data = str_ends(key, ".$");
        char *name = xasprintf("%.*s", (int)(strlen(key) - (data ? 2 : 0)), key), *word = word_of(value);
        rc = check_variable(name, word, data, err);
        free(name);
        free(word);
        if (rc < 0)
            break;
    }
    return rc;
}

int step_check_command(const json_t *parameters, struct err *err)
{
    struct words argv = {0};
    const char *cwd;
    int which, rc = make_argv(parameters, &argv, err);

    if (rc == 0)
        rc = check_env(json_object_get(parameters, "env"), err);
    if (rc == 0)
        rc = json_get_str(parameters, "cwd", ".", &cwd, err);
    if (rc == 0)
        rc = one_of(parameters, "output", outputs, &which, err);
    if (rc == 0)
        rc = one_of(parameters, "heartbeat", hearts, &which, err);
    words_release(&argv);
    return rc;
}

static int result_of(const char *program, const struct buf *out, enum output how, json_t **ret,
                     struct err *err)
{
    struct str text = {out->p, out->n};
    size_t at = 0;

    if (how == OUTPUT_NONE || (how == OUTPUT_JSON && str_trim(text).n == 0)) {
        *ret = json_null();
        return 0;
    }
    if (how == OUTPUT_JSON) {
        if (json_parse(text.p, text.n, "its stdout", ret, err) == 0)
            return 0;
        err->code = err->code == ERR_TOO_LARGE ? ERR_TOO_LARGE : ERR_BAD_RESPONSE;
        err_prefix(err, "%s", program);
        return err_hint(err, "JSON alone on stdout, and all talk on stderr; or \"output\": \"text\"");
    }
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (text.n > 0 && !str_utf8_valid(text.p, text.n, &at))
        return err_set(err, ERR_BAD_RESPONSE, "%s: its stdout is no UTF-8 from byte %zu on", program, at + 1);
    if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
        return err_set(err, ERR_BAD_RESPONSE, "%s: its stdout has a NUL byte in it", program);
    *ret = json_stringn(text.n > 0 ? text.p : "", text.n);
    return 0;
}

static void add_cause(struct step_ctx *c, const char *first, const char *rest)
{
    char *whole = xasprintf("%s%s%s", first, *rest != '\0' ? ": " : "", rest);

    step_set_cause(c, whole, strlen(whole));
    free(whole);
}

/* {"Error": ..., "Cause": ...} on stdout is the error's own name, as SendTaskFailure has it. false: it is none. */
static bool names_error(struct step_ctx *c, const struct buf *out, struct err *err)
{
    struct err none;
    json_t *v = NULL;

    if (out->n == 0 || json_parse(out->p, out->n, "stdout", &v, &none) < 0)
        return false;
    const char *name = json_string_value(json_object_get(v, "Error"));
    const char *cause = json_string_value(json_object_get(v, "Cause"));
    bool fits =
        name != NULL && *name != '\0' && strlen(name) <= MAX_ERROR_NAME && !str_starts(name, "States.");
    if (fits) {
        snprintf(err->name, sizeof err->name, "%s", name);
        if (cause != NULL)
            step_set_cause(c, cause, strlen(cause));
    }
    json_decref(v);
    return fits;
}

static int failure(struct step_ctx *c, const char *program, const struct process_end *e, struct err *err)
{
    size_t n = strlen(e->tail);

    while (n > 0 && (e->tail[n - 1] == '\n' || e->tail[n - 1] == '\r'))
        e->tail[--n] = '\0';
    if (e->sig != 0)
        err_set(err, ERR_COMMAND, "%s was ended by signal %d", program, e->sig);
    else
        err_set(err, e->status == TEMPORARY ? ERR_TRANSIENT : ERR_COMMAND, "%s ended with status %d", program,
                e->status);
    add_cause(c, err->msg, e->tail);
    if (e->sig == 0)
        names_error(c, &e->out, err);
    return -(int)err->code;
}

int step_run_command(struct step_ctx *c, const json_t *parameters, json_t **ret_owned, struct err *err)
{
    const json_t *input = json_object_get(parameters, "input");
    char *text = input != NULL ? json_text(input) : NULL, *folder = NULL;
    struct process_end end = {.out = BUF_INIT(MAX_PAYLOAD)};
    struct words argv = {0}, env = {0};
    const char *cwd = NULL;
    int output = 0, heart = 0;

    int rc = make_argv(parameters, &argv, err);
    if (rc == 0)
        rc = make_env(c, parameters, &env, err);
    if (rc == 0)
        rc = json_get_str(parameters, "cwd", ".", &cwd, err);
    if (rc == 0)
        rc = one_of(parameters, "output", outputs, &output, err);
    if (rc == 0)
        rc = one_of(parameters, "heartbeat", hearts, &heart, err);
    if (rc == 0 && heart == 1 && c->heartbeat_ms == 0)
        rc = err_set(err, ERR_CONTRACT,
                     "\"heartbeat\": \"output\" needs HeartbeatSeconds: how long it may be silent");
    if (rc < 0)
        goto out;
    folder = fs_join(c->world != NULL ? c->world->folder : ".", cwd);
    const struct process p = {.argv = (const char *const *)argv.items,
                              .env = (const char *const *)env.items,
                              .folder = folder,
                              .input = text,
                              .input_n = text != NULL ? strlen(text) : 0,
                              .tail_max = MAX_STDERR,
                              .silence_ms = c->lease_ms / 2, /* a renewed lease is 3/4 whole at least */
                              .quiet_ms = heart == 1 ? c->heartbeat_ms : 0,
                              .grace_ms = GRACE_MS,
                              .beat = &c->beat};
    rc = process_run(&p, &end, err);
    if (rc < 0 && end.tail != NULL && end.tail[0] != '\0')
        add_cause(c, err->msg, end.tail);
    if (rc == 0 && (end.status != 0 || end.sig != 0))
        rc = failure(c, argv.items[0], &end, err);
    if (rc == 0)
        rc = result_of(argv.items[0], &end.out, (enum output)output, ret_owned, err);
out:
    buf_release(&end.out);
    free(end.tail);
    words_release(&argv);
    words_release(&env);
    free(folder);
    free(text);
    return rc;
}
