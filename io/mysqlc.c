#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/mysqlc_int.h"
#include <sys/socket.h>
#include <unistd.h>

enum {
    CACHED_LENGTH = 4096, /* longer ones are built per table and used once */
    CELL_SIZE = 256,      /* first guess of a result cell; longer ones grow */
    ASYNC_STACK =
        256 * 1024, /* what the library runs a started statement on; TLS takes more than its default */
};

/* What the server says, in our words. What is not listed goes by its SQLSTATE. */
static const struct {
    unsigned native;
    enum err_code code;
    bool lost;
    const char *hint;
} errors[] = {
#define SERVER_ERROR(native, code, lost, hint) {native, ERR_##code, lost, hint},
#include "io/mysqlc_errors.def"
#undef SERVER_ERROR
};

int mysqlc_fail_native(struct mysqlc *c, unsigned native, const char *state, const char *text,
                       int64_t since_ms, struct err *err)
{
    enum err_code code = ERR_TARGET;
    const char *hint = "";
    bool lost =
        native >= 2000 && native < 2100; /* the client library's own: the protocol is in an unknown state */

    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (errors[i].native == native) {
            code = errors[i].code;
            hint = errors[i].hint;
            lost = errors[i].lost;
            goto out;
        }
    if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0)
        code = ERR_BAD_VALUE;
    else if (strncmp(state, "40", 2) == 0)
        code = ERR_TRANSIENT;
    else if (strncmp(state, "08", 2) == 0)
        code = ERR_UNAVAILABLE;
    else if (native == 1064)
        code = ERR_INTERNAL;
    else if (lost)
        code = ERR_BAD_RESPONSE;
out:
    if ((native == 2013 || native == 2006) && since_ms >= c->timeout_ms)
        code = ERR_TIMEOUT;
    c->lost = c->lost || lost;
    err_set(err, code, "%s (%u)", text[0] != '\0' ? text : "the server gave no reason", native);
    err_hint(err, "%s", hint);
    err->native = (int)native;
    return -(int)code;
}

int mysqlc_fail_handle(struct mysqlc *c, int64_t start_ms, struct err *err)
{
    return mysqlc_fail_native(c, mysql_errno(c->handle), mysql_sqlstate(c->handle), mysql_error(c->handle),
                              clock_mono_ms() - start_ms, err);
}

int mysqlc_fail_stmt(struct mysqlc *c, MYSQL_STMT *stmt, int64_t start_ms, struct err *err)
{
    return mysqlc_fail_native(c, mysql_stmt_errno(stmt), mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt),
                              clock_mono_ms() - start_ms, err);
}

/* --- connecting --- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* "localhost" without a port means the library's own socket, as everywhere with MySQL. */
static bool by_socket(const struct mysqlc_config *c)
{
    return c->socket != NULL || (c->port == 0 && strcmp(c->host, "localhost") == 0);
}

/* A bundle must be named: without one, newer Connector/C accept any certificate in spite of "verify". */
static int find_bundle(const char **ret, struct err *err)
{
    static const char *const paths[] = {"/etc/ssl/certs/ca-certificates.crt",
                                        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (access(paths[i], R_OK) == 0) {
            *ret = paths[i];
            return 0;
        }
    err_set(err, ERR_CONFIG,
            "tls verify needs a CA bundle, and this system has none where one is looked for");
    return err_hint(err, "name it: ca_file of the connection");
}

static int set_tls(MYSQL *h, const struct mysqlc_config *c, bool tls, struct err *err)
{
    bool verify = tls && c->tls == TLS_VERIFY;
    const char *ca = c->ca_file;

    if (verify && ca == NULL) {
        int rc = find_bundle(&ca, err);
        if (rc < 0)
            return rc;
    }
    if (tls && ca != NULL && access(ca, R_OK) != 0)
        return err_errno(err, errno, "cannot read the CA file %s", ca);
#if CLIENT_IS_MARIADB
    flag_type enforce = tls, check = verify;
    mysql_options(h, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_options(h, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &check);
    /* Who is not known to be the server may not ask for the password in clear. */
#if MARIADB_PACKAGE_VERSION_ID >= 30300
    if (!by_socket(c) && !verify)
        mysql_options(h, MARIADB_OPT_RESTRICTED_AUTH,
                      "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,parsec");
#else
    if (!by_socket(c) && !verify && !is_loopback(c->host)) {
        err_set(err, ERR_CONFIG,
                "this build's MySQL client (Connector/C %s) cannot keep a server that is not verified from "
                "asking for "
                "the password in clear",
                MARIADB_PACKAGE_VERSION);
        return err_hint(err, "\"tls\": \"verify\", or build with Connector/C 3.3 or later");
    }
#endif
#else
    unsigned mode = !tls                    ? SSL_MODE_DISABLED
                    : verify                ? SSL_MODE_VERIFY_IDENTITY
                    : c->tls == TLS_REQUIRE ? SSL_MODE_REQUIRED
                                            : SSL_MODE_PREFERRED;
    mysql_options(h, MYSQL_OPT_SSL_MODE, &mode);
    flag_type ask_key = !tls && (by_socket(c) || is_loopback(c->host));
    mysql_options(h, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &ask_key);
#endif
    if (tls && ca != NULL)
        mysql_options(h, MYSQL_OPT_SSL_CA, ca);
    if (tls && c->cert_file != NULL)
        mysql_options(h, MYSQL_OPT_SSL_CERT, c->cert_file);
    if (tls && c->key_file != NULL)
        mysql_options(h, MYSQL_OPT_SSL_KEY, c->key_file);
    return 0;
}

#if CLIENT_IS_MARIADB
/* The library reads on behind each report, and each read has the whole time-out: a server that does nothing but report would be
 * waited for without end. */
static void on_progress(const MYSQL *h, unsigned stage, unsigned stages, double done, const char *text,
                        unsigned n)
{
    int64_t now_ms = clock_mono_ms();
    void *data = NULL;

    UNUSED(stage), UNUSED(stages), UNUSED(done), UNUSED(text), UNUSED(n);
    if (mysql_get_optionv(unconst(h), MARIADB_OPT_USERDATA, unconst("orch"), &data) != 0 || data == NULL)
        return;
    struct mysqlc *c = data;
    if (c->progress_ms == 0 || c->progress_of != c->answered_ms) {
        c->progress_ms = now_ms;
        c->progress_of = c->answered_ms;
    }
    if (now_ms - c->progress_ms > PROGRESS_TIMES * (int64_t)c->timeout_ms)
        err_ignore(shutdown(mysqlc_socket(c), SHUT_RDWR));
}
#endif

static void set_options(struct mysqlc *o, const struct mysqlc_config *c)
{
    MYSQL *h = o->handle;
    unsigned long packet = MAX_DB_PACKET;
    unsigned on = 1, seconds = (unsigned)(c->timeout_ms + 999) / 1000, connect = seconds < 10 ? seconds : 10;
    unsigned protocol = by_socket(c) ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

#if CLIENT_IS_MARIADB
    size_t stack = ASYNC_STACK;
    mysql_options(h, MYSQL_OPT_NONBLOCK, &stack);
    mysql_optionsv(h, MARIADB_OPT_USERDATA, unconst("orch"), o);
    mysql_optionsv(h, MYSQL_PROGRESS_CALLBACK, on_progress);
#endif
    mysql_options(h, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    mysql_options(h, MYSQL_OPT_LOCAL_INFILE, &on); /* but see mysqlc_infile_guard */
    mysql_options(h, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    mysql_options(h, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(h, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(h, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(h, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options4(h, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "orch");
}

static void look_at_server(struct mysqlc *c)
{
    const char *text = mysql_get_server_info(c->handle);
    bool mariadb = strstr(text, "MariaDB") != NULL;

    if (mariadb && strncmp(text, "5.5.5-", 6) == 0)
        text += 6; /* what MariaDB says to replicas of old */
    snprintf(c->version, sizeof c->version, "%.*s", (int)strspn(text, "0123456789."), text);
    c->mariadb = mariadb;
    unsigned long part[3] = {0, 0, 0};
    char *at = c->version;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        part[i] = strtoul(at, &at, 10);
        at += *at == '.';
    }
    c->version_id = part[0] * 10000 + part[1] * 100 + part[2];
#if CLIENT_IS_MARIADB
    unsigned long more = 0;
    if (mariadb_get_infov(c->handle, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &more) == 0)
        c->arrays = mariadb && (more & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0;
#endif
#if ORCH_TEST_BUILD
    if (getenv("ORCH_TEST_NO_ARRAYS") != NULL) /* the way of Oracle's server, without one */
        c->arrays = false;
#endif
}

int mysqlc_open(const struct mysqlc_config *config, struct mysqlc **ret, struct err *err)
{
    struct mysqlc *c = xcalloc(1, sizeof *c);
    int64_t start_ms = clock_mono_ms();
    bool local = by_socket(config) || (config->tls == TLS_PREFER && is_loopback(config->host));
    bool tls = config->tls != TLS_OFF && !local;
    int rc;

    c->timeout_ms = config->timeout_ms;
    c->handle = mysql_init(NULL);
    if (c->handle == NULL) {
        fprintf(stderr, "orch: out of memory\n");
        abort();
    }
    set_options(c, config);
    mysqlc_infile_guard(c);
    rc = set_tls(c->handle, config, tls, err);
    if (rc < 0)
        goto out;
    /* FOUND_ROWS: "matched", not "changed", is what a compare-and-set asks. */
    if (mysql_real_connect(c->handle, config->socket != NULL ? NULL : config->host, config->user,
                           config->password != NULL ? config->password : "", config->database, config->port,
                           config->socket, CLIENT_FOUND_ROWS) == NULL) {
        err_ignore(mysqlc_fail_handle(c, start_ms, err));
        if (err->code == ERR_TRANSIENT) /* nothing was lost: there was no connection yet */
            err->code = ERR_UNAVAILABLE;
        rc = -(int)err->code;
        goto out;
    }
    c->connected = true;
    c->answered_ms = clock_mono_ms();
    if (tls && config->tls != TLS_PREFER && mysqlc_cipher(c) == NULL) {
        err_set(err, ERR_ACCESS_DENIED, "the server does not speak TLS, and tls asks for it");
        rc = err_hint(err, "set the server up for TLS, or tls of the connection to off");
        goto out;
    }
    look_at_server(c);
    *ret = c;
    c = NULL;
    rc = 0;
out:
    mysqlc_close(c);
    return rc;
}

void mysqlc_close(struct mysqlc *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < CACHED; i++) {
        if (c->cache[i].stmt != NULL)
            mysql_stmt_close(c->cache[i].stmt);
        free(c->cache[i].sql);
    }
    mysql_close(c->handle);
    free(c);
}

bool mysqlc_is_mariadb(const struct mysqlc *c)
{
    return c->mariadb;
}

bool mysqlc_has_arrays(const struct mysqlc *c)
{
    return c->arrays;
}

const char *mysqlc_version(const struct mysqlc *c)
{
    return c->version;
}

const char *mysqlc_cipher(const struct mysqlc *c)
{
    return mysql_get_ssl_cipher(c->handle);
}

int64_t mysqlc_id(const struct mysqlc *c)
{
    return (int64_t)mysql_thread_id(c->handle);
}

int mysqlc_socket(const struct mysqlc *c)
{
#if CLIENT_IS_MARIADB
    return mysql_get_socket(c->handle);
#else
    return c->handle->net.fd;
#endif
}

void mysqlc_threads_begin(void)
{
    if (mysql_library_init(0, NULL, NULL) != 0) {
        fprintf(stderr, "orch: out of memory\n");
        abort();
    }
}

void mysqlc_thread_end(void)
{
    mysql_thread_end();
}

bool mysqlc_is_lost(const struct mysqlc *c)
{
    return c->lost;
}

int mysqlc_ping(struct mysqlc *c, int64_t idle_ms, struct err *err)
{
    int64_t now_ms = clock_mono_ms();

    if (!c->lost && now_ms - c->answered_ms <= idle_ms)
        return 0;
    if (c->lost || mysql_ping(c->handle) != 0)
        return mysqlc_fail_handle(c, now_ms, err);
    c->answered_ms = now_ms;
    return 0;
}

/* --- statements --- */

int mysqlc_exec(struct mysqlc *c, const char *sql, struct err *err)
{
    int64_t start_ms = clock_mono_ms();

    if (mysql_real_query(c->handle, sql, (unsigned long)strlen(sql)) != 0)
        return mysqlc_fail_handle(c, start_ms, err);
    MYSQL_RES *result = mysql_store_result(c->handle);
    if (result == NULL && mysql_errno(c->handle) != 0)
        return mysqlc_fail_handle(c, start_ms, err);
    mysql_free_result(result);
    c->answered_ms = clock_mono_ms();
    return 0;
}

int mysqlc_prepare(struct mysqlc *c, const char *sql, MYSQL_STMT **ret, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    MYSQL_STMT *stmt = mysql_stmt_init(c->handle);

    if (stmt == NULL)
        return mysqlc_fail_handle(c, start_ms, err);
    if (mysql_stmt_prepare(stmt, sql, (unsigned long)strlen(sql)) != 0) {
        int rc = mysqlc_fail_stmt(c, stmt, start_ms, err);
        mysql_stmt_close(stmt);
        return rc;
    }
    *ret = stmt;
    return 0;
}

int mysqlc_look(struct mysqlc *c, const char *sql, size_t *ret_marks, bool *ret_gives_rows, struct err *err)
{
    MYSQL_STMT *stmt = NULL;
    int rc = mysqlc_prepare(c, sql, &stmt, err);

    if (rc < 0)
        return rc;
    *ret_marks = mysql_stmt_param_count(stmt);
    *ret_gives_rows = mysql_stmt_field_count(stmt) > 0;
    mysql_stmt_close(stmt);
    c->answered_ms = clock_mono_ms();
    return 0;
}

/* A cached statement, marked busy; *ret_slot is CACHED where it is the caller's to close. */
static int take(struct mysqlc *c, const char *sql, MYSQL_STMT **ret, size_t *ret_slot, struct err *err)
{
    *ret_slot = CACHED;
    if (strlen(sql) > CACHED_LENGTH)
        return mysqlc_prepare(c, sql, ret, err);
    for (size_t i = 0; i < CACHED; i++)
        if (c->cache[i].sql != NULL && strcmp(c->cache[i].sql, sql) == 0) {
            if (c->cache[i].busy)
                return mysqlc_prepare(c, sql, ret, err);
            c->cache[i].busy = true;
            *ret_slot = i;
            *ret = c->cache[i].stmt;
            return 0;
        }
    int rc = mysqlc_prepare(c, sql, ret, err);
    size_t slot = c->next_victim;
    if (rc < 0 || c->cache[slot].busy)
        return rc;
    c->next_victim = (slot + 1) % CACHED;
    if (c->cache[slot].stmt != NULL)
        mysql_stmt_close(c->cache[slot].stmt);
    free(c->cache[slot].sql);
    c->cache[slot].sql = xstrdup(sql);
    c->cache[slot].stmt = *ret;
    c->cache[slot].busy = true;
    *ret_slot = slot;
    return 0;
}

/* One that failed is not kept: where MySQL refused it behind its columns, Connector/C would wait, at its next execution, for the
 * rows of this one. */
static void give_back(struct mysqlc *c, MYSQL_STMT *stmt, size_t slot, bool failed)
{
    mysql_stmt_free_result(stmt);
    if (slot == CACHED || failed)
        mysql_stmt_close(stmt);
    if (slot == CACHED)
        return;
    c->cache[slot].busy = false;
    if (failed) {
        free(c->cache[slot].sql);
        c->cache[slot].sql = NULL;
        c->cache[slot].stmt = NULL;
    }
}

void mysqlc_bind_value(MYSQL_BIND *b, const struct val *v)
{
    switch (v->kind) {
    case VAL_NULL:
        b->buffer_type = MYSQL_TYPE_NULL;
        break;
    case VAL_I64:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = unconst(&v->i);
        break;
    case VAL_TEXT:
    case VAL_BLOB:
        b->buffer_type = v->kind == VAL_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
        b->buffer = unconst(v->n > 0 ? v->p : "");
        b->buffer_length = (unsigned long)v->n;
        break;
    }
}

/* A result's cells: every type is asked for as text. */
struct cells {
    size_t count;
    MYSQL_BIND *binds;
    char (*text)[CELL_SIZE + 1]; /* bound */
    char **big;                  /* what does not fit there, fetched again */
    unsigned long *size, *length;
    flag_type *null, *cut;
    struct str *views;
};

static void cells_init(struct cells *r, size_t count)
{
    *r = (struct cells){.count = count};
    r->binds = xcalloc(count, sizeof *r->binds);
    r->text = xcalloc(count, sizeof *r->text);
    r->big = xcalloc(count, sizeof *r->big);
    r->size = xcalloc(count, sizeof *r->size);
    r->length = xcalloc(count, sizeof *r->length);
    r->null = xcalloc(count, sizeof *r->null);
    r->cut = xcalloc(count, sizeof *r->cut);
    r->views = xcalloc(count, sizeof *r->views);
    for (size_t i = 0; i < count; i++) {
        r->binds[i].buffer_type = MYSQL_TYPE_STRING;
        r->binds[i].buffer = r->text[i];
        r->binds[i].buffer_length = CELL_SIZE;
        r->binds[i].length = &r->length[i];
        r->binds[i].is_null = &r->null[i];
        r->binds[i].error = &r->cut[i];
    }
}

static void cells_release(struct cells *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->big[i]);
    free(r->binds);
    free(r->text);
    free(r->big);
    free(r->size);
    free(r->length);
    free(r->null);
    free(r->cut);
    free(r->views);
}

static int cells_view(struct cells *r, MYSQL_STMT *stmt, struct mysqlc *c, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        char *p = r->text[i];
        r->views[i] = (struct str){NULL, 0};
        if (r->null[i])
            continue;
        if (r->length[i] > MAX_CELL)
            return err_set(err, ERR_TOO_LARGE, "a result cell of %lu bytes", r->length[i]);
        if (r->length[i] > CELL_SIZE) {
            MYSQL_BIND again = {0};
            unsigned long length = 0;
            if (r->length[i] > r->size[i]) {
                r->size[i] = r->length[i];
                r->big[i] = xrealloc(r->big[i], r->size[i] + 1);
            }
            p = r->big[i];
            again.buffer_type = MYSQL_TYPE_STRING;
            again.buffer = p;
            again.buffer_length = r->size[i];
            again.length = &length;
            if (mysql_stmt_fetch_column(stmt, &again, (unsigned)i, 0) != 0)
                return mysqlc_fail_stmt(c, stmt, clock_mono_ms(), err);
        }
        p[r->length[i]] = '\0';
        r->views[i] = (struct str){p, r->length[i]};
    }
    return 0;
}

static int fetch_all(struct mysqlc *c, MYSQL_STMT *stmt, row_fn *fn, void *arg, int64_t *ret_rows,
                     struct err *err)
{
    int64_t start_ms = clock_mono_ms(), rows = 0;
    struct cells cells;
    int rc = 0;

    cells_init(&cells, mysql_stmt_field_count(stmt));
    if (mysql_stmt_bind_result(stmt, cells.binds) != 0 || mysql_stmt_store_result(stmt) != 0) {
        rc = mysqlc_fail_stmt(c, stmt, start_ms, err);
        goto out;
    }
    for (;;) {
        int got = mysql_stmt_fetch(stmt);
        if (got == MYSQL_NO_DATA)
            break;
        if (got != 0 && got != MYSQL_DATA_TRUNCATED) {
            rc = mysqlc_fail_stmt(c, stmt, start_ms, err);
            goto out;
        }
        rows++;
        rc = cells_view(&cells, stmt, c, err);
        if (rc == 0 && fn != NULL)
            rc = fn(arg, cells.views, cells.count, err);
        if (rc < 0)
            goto out;
    }
    *ret_rows = rows;
    rc = 0;
out:
    cells_release(&cells);
    return rc;
}

int mysqlc_run(struct mysqlc *c, const char *sql, const struct val *values, size_t count, row_fn *fn,
               void *arg, int64_t *ret_rows, unsigned *ret_warnings, struct err *err)
{
    int64_t start_ms = clock_mono_ms(), rows = 0;
    MYSQL_BIND *binds = NULL;
    MYSQL_STMT *stmt = NULL;
    size_t slot;

    int rc = take(c, sql, &stmt, &slot, err);
    if (rc < 0)
        return rc;
    if (mysql_stmt_param_count(stmt) != count) {
        rc = err_set(err, ERR_INTERNAL, "%lu marks and %zu values: %.200s", mysql_stmt_param_count(stmt),
                     count, sql);
        goto out;
    }
    binds = xcalloc(count + 1, sizeof *binds);
    for (size_t i = 0; i < count; i++)
        mysqlc_bind_value(&binds[i], &values[i]);
    if ((count > 0 && mysql_stmt_bind_param(stmt, binds) != 0) || mysql_stmt_execute(stmt) != 0) {
        rc = mysqlc_fail_stmt(c, stmt, start_ms, err);
        goto out;
    }
    c->answered_ms = clock_mono_ms();
    if (ret_warnings != NULL)
        *ret_warnings = mysql_warning_count(c->handle);
    rows = (int64_t)mysql_stmt_affected_rows(stmt);
    if (mysql_stmt_field_count(stmt) > 0)
        rc = fetch_all(c, stmt, fn, arg, &rows, err);
    if (rc == 0 && ret_rows != NULL)
        *ret_rows = rows;
out:
    free(binds);
    give_back(c, stmt, slot, rc < 0);
    return rc;
}
