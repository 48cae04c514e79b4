#include "io/query.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/format_int.h"
#include "io/mysqlc.h"
#include "io/query_int.h"
#include "io/target_mysql_int.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN_MS = 100, PATIENCE_MS = 3000, KILL_TIMEOUT_MS = 3000 };

struct job {
    const struct query *q;
    atomic_bool stop;
    struct beat stopped;  /* of the thread's own target */
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t over;
    bool done;
    /* While the thread is between BEGIN and COMMIT; it may lose its connection and free it meanwhile, so of a server there is
     * the session's number, and a descriptor of our own for the socket. */
    struct target *file; /* SQLite, which is never lost; NULL: none */
    int64_t session;     /* 0: none */
    int socket;          /* -1: none */
    int rc;
    struct err err;
    json_t *results;
};

/* ---- rows ---- */

json_t *query_hex(const void *p, size_t n)
{
    char *text = xmalloc(2 * n + 5), *end = format_bytes(text, p, n, BINARY_HEX);
    json_t *v = json_stringn(text, (size_t)(end - text));

    free(text);
    return v;
}

int query_text(const char *column, const char *p, size_t n, json_t **ret, struct err *err)
{
    size_t at = 0;
    char shown[80];

    if (n > 0 && (!str_utf8_valid(p, n, &at) || memchr(p, '\0', n) != NULL)) {
        str_printable(p, n, shown, sizeof shown);
        err_set(err, ERR_BAD_ENCODING, "column %.80s: '%s' is no text that JSON holds", column, shown);
        return err_hint(err, "HEX(column) gives its bytes");
    }
    *ret = json_stringn(n > 0 ? p : "", n);
    return 0;
}

int query_cell(json_t *row, const char *column, json_t *value, struct err *err)
{
    if (json_object_get(row, column) != NULL) {
        json_decref(value);
        err_set(err, ERR_CONTRACT, "two columns of the result are called '%.80s'", column);
        return err_hint(err, "give one another name with AS");
    }
    if (json_object_set_new(row, column, value) == 0)
        return 0;
    return err_set(err, ERR_BAD_ENCODING, "the name of a column of the result is no UTF-8");
}

int query_room(const struct query_rows *r, size_t n, struct err *err)
{
    if (n <= *r->left)
        return 0;
    err_set(err, ERR_TOO_LARGE, "the rows are larger than what a state's data may be");
    return err_hint(err, "LIMIT, or count and sum in the database");
}

int query_row(struct query_rows *r, json_t *row, struct err *err)
{
    char *text = json_text(row);
    size_t n = strlen(text) + 1;
    int rc = query_room(r, n, err);

    free(text);
    if (rc < 0) {
        json_decref(row);
        return rc;
    }
    *r->left -= n;
    json_array_append_new(r->rows, row);
    return 0;
}

/* ---- what may not be said ---- */

/* What a database may run, such as MySQL's comments with '!' or 'M!', is no comment here. */
static const char *behind_comments(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n\f\v(");
        if (str_starts(p, "--") || *p == '#')
            p += strcspn(p, "\n");
        else if (str_starts(p, "/*") && p[2] != '!' && !str_starts(p, "/*M!") && strstr(p + 2, "*/") != NULL)
            p = strstr(p + 2, "*/") + 2;
        else
            return p;
    }
}

/* They would end the transaction that all the statements share, or change the session under it. */
static int check_statement(const struct query_statement *s, struct err *err)
{
    static const char *const words[] = {
        "BEGIN",  "START", "COMMIT", "END",  "ROLLBACK", "SAVEPOINT", "RELEASE", "XA",     "LOCK",   "UNLOCK",
        "USE",    "SET",   "CALL",   "LOAD", "HANDLER",  "PREPARE",   "EXECUTE", "ATTACH", "DETACH", "PRAGMA",
        "VACUUM", "KILL",  "DO",     "IF",   "CASE",     "WHILE",     "LOOP",    "REPEAT", "FOR"};
    const char *p = behind_comments(s->sql);
    char shown[4 * 20 + 16];
    size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    if (*p == '\0')
        return err_set(err, ERR_CONTRACT, "the statement is empty");
    if (n == 0) { /* ';', a mark of another encoding: what comes behind it could be any of these words */
        str_printable(p, strnlen(p, 20), shown, sizeof shown);
        return err_set(err, ERR_CONTRACT, "a statement begins with a word, not with '%s'", shown);
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == n && strncasecmp(p, words[i], n) == 0) {
            err_set(err, ERR_CONTRACT, "%s is no statement of a task", words[i]);
            return err_hint(err, "all statements of a task are one transaction, which orch begins and ends");
        }
    return 0;
}

/* ---- the thread ---- */

static int on_beat(void *arg, struct err *err)
{
    struct job *j = arg;

    return atomic_load(&j->stop) ? err_set(err, ERR_CANCELLED, "stopped") : 0;
}

static void begin_live(struct job *j, struct target *t)
{
    pthread_mutex_lock(&j->lock);
    if (target_is_mysql(t) && t->db != NULL) {
        j->session = t->ops->connection_id(t);
        j->socket = fcntl(mysqlc_socket(mysql_db(t)->c), F_DUPFD_CLOEXEC, 3);
    } else if (t->db != NULL) {
        j->file = t;
    }
    pthread_mutex_unlock(&j->lock);
}

/* Before COMMIT, which is not to be killed: nobody would know what became of it. */
static void end_live(struct job *j)
{
    pthread_mutex_lock(&j->lock);
    if (j->socket >= 0)
        close(j->socket);
    j->socket = -1;
    j->session = 0;
    j->file = NULL;
    pthread_mutex_unlock(&j->lock);
}

static int one(struct target *t, const struct query *q, const struct query_statement *s, size_t *left,
               json_t *results, struct err *err)
{
    struct query_rows r = {.rows = json_array(), .left = left};
    int rc = check_statement(s, err);

    if (rc == 0)
        rc = target_beat(t, err);
    if (rc == 0)
        rc = target_is_mysql(t) ? query_mysql(t, s, &r, err) : query_sqlite(t, s, q->key, &r, err);
    if (rc < 0) {
        json_decref(r.rows);
        return rc;
    }
    json_array_append_new(results,
                          json_pack("{s:o, s:I}", "rows", r.rows, "affected", (json_int_t)r.affected));
    return 0;
}

static int all(struct job *j, struct target *t, struct err *err)
{
    const struct query *q = j->q;
    const struct val key = val_text(q->key);
    size_t left = q->max_bytes;
    int rc = target_begin(t, err);

    t->pinned = true; /* from here on a new connection would not know of the transaction */
    if (rc == 0 && q->key != NULL && target_is_mysql(t))
        rc = mysqlc_run(mysql_db(t)->c, "SET @orch_key = ?", &key, 1, NULL, NULL, NULL, NULL, err);
    begin_live(j, t);
    for (size_t i = 0; rc == 0 && i < q->count; i++) {
        rc = one(t, q, &q->statements[i], &left, j->results, err);
        if (rc < 0 && q->count > 1)
            rc = err_prefix(err, "statement %zu of %zu", i + 1, q->count);
    }
    end_live(j);
    bool committing = rc == 0;
    rc = target_end(t, rc, err);
    if (rc < 0 && committing &&
        (err->code == ERR_TRANSIENT || err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT))
        err_hint(err, "the answer to COMMIT was lost: a key, such as @orch_key in a table of your own, tells "
                      "whether it was done");
    return rc;
}

/* From a second connection; id 0: nothing runs. */
static void kill_query(const struct query *q, int64_t id)
{
    struct target_config config = *q->target;
    struct target *second = NULL;
    struct err ignored;
    char sql[64];

    config.beat = NULL;
    config.timeout_ms = KILL_TIMEOUT_MS;
    if (id <= 0 || target_open(&config, &second, &ignored) < 0)
        return;
    snprintf(sql, sizeof sql, "KILL QUERY %lld", (long long)id);
    err_ignore(target_script(second, sql, &ignored)); /* it may have ended by itself */
    target_close(second);
}

static void *run_thread(void *arg)
{
    struct job *j = arg;
    struct target_config config = *j->q->target;
    struct target *t = NULL;
    struct err err = {0};

    config.beat = &j->stopped;
    config.timeout_ms = (int)j->q->limit_ms;
    int rc = target_open(&config, &t, &err);
    int64_t id = rc == 0 && t->ops->connection_id != NULL ? t->ops->connection_id(t) : 0;
    if (rc == 0)
        rc = all(j, t, &err);
    target_close(t);
    if (rc < 0 && err.code == ERR_TIMEOUT) /* we have hung up, and the server has not noticed */
        kill_query(j->q, id);
    mysqlc_thread_end();
    pthread_mutex_lock(&j->lock);
    j->rc = rc;
    j->err = err;
    j->done = true;
    pthread_cond_signal(&j->over);
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- the watch ---- */

/* Until it is done, or ms have passed. */
static bool wait_done(struct job *j, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&j->lock);
    while (!j->done && pthread_cond_timedwait(&j->over, &j->lock, &until) == 0)
        ;
    bool done = j->done;
    pthread_mutex_unlock(&j->lock);
    return done;
}

/* SQLite at once; of a server *ret_id says what to kill, or, hard, its connection is ended from here. */
static void interrupt(struct job *j, bool hard, int64_t *ret_id)
{
    pthread_mutex_lock(&j->lock);
    *ret_id = j->session;
    if (j->file != NULL)
        query_sqlite_interrupt(j->file);
    if (j->socket >= 0 && hard)
        shutdown(j->socket, SHUT_RDWR);
    pthread_mutex_unlock(&j->lock);
}

static void cancel(struct job *j)
{
    int64_t id;

    atomic_store(&j->stop, true);
    interrupt(j, false, &id);
    kill_query(j->q, id);
    if (!wait_done(j, PATIENCE_MS))
        interrupt(j, true, &id);
}

static int watch(struct job *j, struct err *err)
{
    int rc = 0;

    while (!wait_done(j, TURN_MS)) {
        rc = beat(j->q->beat, err);
        if (rc < 0) {
            cancel(j);
            break;
        }
    }
    return rc;
}

int query_run(const struct query *q, json_t **ret_owned, struct err *err)
{
    struct job j = {.q = q, .socket = -1, .stopped = {on_beat, &j}, .results = json_array()};
    pthread_condattr_t mono;
    pthread_t thread;

    mysqlc_threads_begin();
    pthread_mutex_init(&j.lock, NULL);
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&j.over, &mono);
    pthread_condattr_destroy(&mono);
    int rc = pthread_create(&thread, NULL, run_thread, &j);
    if (rc != 0) {
        rc = err_errno(err, rc, "cannot start a thread");
    } else {
        rc = watch(&j, err);
        pthread_join(thread, NULL);
        if (rc == 0 && j.rc < 0) {
            *err = j.err;
            rc = j.rc;
        } else if (rc < 0 && j.rc == 0) {
            rc = 0; /* it was committed before the answer to us: what is done is done */
        }
    }
    if (rc == 0)
        *ret_owned = json_incref(j.results);
    json_decref(j.results);
    pthread_cond_destroy(&j.over);
    pthread_mutex_destroy(&j.lock);
    return rc;
}
