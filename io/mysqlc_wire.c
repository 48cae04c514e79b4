/* Packets off the socket. Each is a length of three bytes, a number that counts up within a command, and so many bytes. */
#include "io/mysqlc_wire.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include <poll.h>
#include <sys/socket.h>

enum {
    WIRE_BUFFER = 256 * 1024,
    HEAD = 4,           /* bytes before each packet */
    LARGEST = 0xffffff, /* a packet of so many bytes goes on in the next */
    END_MARK = 0xfe,    /* a short packet that begins so ends columns or rows */
    END_SIZE = 9,       /* "short": less than this */
    ERROR_MARK = 0xff,
    PROGRESS = 0xffff, /* an error's number that is none */
    MORE_RESULTS = 8,  /* of an end's status */
    EXECUTE = 0x17,    /* the command */
    EXECUTE_HEAD = 10, /* its bytes before the values */
    LOST = 2013,       /* as the client libraries say that the server is gone */
    MALFORMED = 2027,  /* and that they do not understand it */
    TOO_LARGE = 2020,  /* or that it is too much */
};
#define MAX_FIELDS 65535u /* of a result, whatever the caller makes of them */

struct wire {
    struct mysqlc *c;
    struct buf in; /* [at, in.n) is unread */
    size_t at;
    unsigned char number; /* of the next packet */
};

bool wire_can(const struct mysqlc *c)
{
#if CLIENT_IS_MARIADB
    /* COMPRESS, SSL, DEPRECATE_EOF, OPTIONAL_RESULTSET_METADATA, ZSTD, QUERY_ATTRIBUTES: rows or answers of another form */
    const unsigned long strange = 1UL << 5 | 1UL << 11 | 1UL << 24 | 1UL << 25 | 1UL << 26 | 1UL << 27;
#if ORCH_TEST_BUILD
    if (getenv("ORCH_TEST_NO_WIRE") != NULL) /* the way of Oracle's library, without it */
        return false;
#endif
    return (c->handle->client_flag & c->handle->server_capabilities & strange) == 0 &&
           mysqlc_cipher(c) == NULL;
#else
    UNUSED(c); /* its struct and what it agrees upon differ from version to version */
    return false;
#endif
}

static int lost(struct wire *w, int64_t start_ms, struct err *err)
{
    return mysqlc_fail_native(w->c, LOST, "08S01", "Lost connection to server during query",
                              clock_mono_ms() - start_ms, err);
}

static int malformed(struct wire *w, struct err *err)
{
    return mysqlc_fail_native(w->c, MALFORMED, "08S01", "Malformed packet", 0, err);
}

/* --- bytes --- */

/* Until the socket can be written or read (events): 0, or the connection is lost. */
static int wait_for(struct wire *w, short events, int64_t start_ms, struct err *err)
{
    for (;;) {
        int64_t left = w->c->timeout_ms - (clock_mono_ms() - start_ms);
        struct pollfd p = {.fd = mysqlc_socket(w->c), .events = events};
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (n > 0)
            return 0;
        if (n == 0 || errno != EINTR)
            return lost(w, start_ms, err);
    }
}

static int send_all(struct wire *w, const char *p, size_t n, struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    int rc = 0;

    while (rc == 0 && n > 0) {
        ssize_t sent = send(mysqlc_socket(w->c), p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            rc = wait_for(w, POLLOUT, start_ms, err);
        } else if (sent == 0 || errno != EINTR) {
            rc = lost(w, start_ms, err);
        }
    }
    return rc;
}

/* Until n bytes are unread. What was read before goes, and w->in may move. */
static int have(struct wire *w, size_t n, struct err *err)
{
    int64_t start_ms = 0;
    int rc = 0;

    if (w->in.n - w->at >= n)
        return 0;
    if (w->at > 0) {
        memmove(w->in.p, w->in.p + w->at, w->in.n - w->at);
        w->in.n -= w->at;
        w->at = 0;
    }
    rc = buf_reserve(&w->in, n > WIRE_BUFFER ? n - w->in.n : WIRE_BUFFER - w->in.n, err);
    if (rc < 0)
        w->c->lost = true;
    while (rc == 0 && w->in.n < n) {
        ssize_t got = recv(mysqlc_socket(w->c), w->in.p + w->in.n, w->in.cap - 1 - w->in.n, MSG_DONTWAIT);
        if (got > 0) {
            w->in.n += (size_t)got;
            start_ms = 0;
        } else if (got < 0 && errno == EAGAIN) {
            start_ms = start_ms > 0 ? start_ms : clock_mono_ms();
            rc = wait_for(w, POLLIN, start_ms, err);
        } else if (got == 0 || errno != EINTR) {
            rc = lost(w, clock_mono_ms(), err);
        }
    }
    return rc;
}

/* --- packets --- */

static int head(struct wire *w, size_t from, size_t *ret_n, struct err *err)
{
    int rc = have(w, from + HEAD, err);

    if (rc < 0)
        return rc;
    const unsigned char *p = (const unsigned char *)w->in.p + w->at + from;
    *ret_n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
    return p[3] == w->number++ ? 0 : malformed(w, err);
}

/* A row of more than 16 MB: what is behind the next heads is laid behind what is there. */
static int whole(struct wire *w, size_t *io_n, struct err *err)
{
    size_t n = LARGEST, more = LARGEST;
    int rc = 0;

    while (rc == 0 && more == LARGEST) {
        rc = head(w, HEAD + n, &more, err);
        if (rc == 0 && n + more > MAX_DB_PACKET)
            rc = mysqlc_fail_native(w->c, TOO_LARGE, "08S01", "a row is larger than orch takes", 0, err);
        if (rc == 0)
            rc = have(w, HEAD + n + HEAD + more, err);
        if (rc < 0)
            break;
        char *end = w->in.p + w->at + HEAD + n;
        memmove(end, end + HEAD, w->in.n - w->at - HEAD - n - HEAD);
        w->in.n -= HEAD;
        n += more;
    }
    *io_n = n;
    return rc;
}

static int packet(struct wire *w, const unsigned char **ret, size_t *ret_n, struct err *err)
{
    size_t n = 0;
    int rc = head(w, 0, &n, err);

    if (rc == 0)
        rc = have(w, HEAD + n, err);
    if (rc == 0 && n == LARGEST)
        rc = whole(w, &n, err);
    if (rc < 0)
        return rc;
    *ret = (const unsigned char *)w->in.p + w->at + HEAD;
    *ret_n = n;
    w->at += HEAD + n;
    return n > 0 ? 0 : malformed(w, err);
}

/* "\xff", number, "#", SQLSTATE, words. */
static int refused(struct wire *w, const unsigned char *p, size_t n, struct err *err)
{
    char state[6] = "HY000", text[512];

    if (n < 3)
        return malformed(w, err);
    unsigned native = p[1] | (unsigned)p[2] << 8;
    p += 3;
    n -= 3;
    if (n >= 6 && p[0] == '#') {
        memcpy(state, p + 1, 5);
        p += 6;
        n -= 6;
    }
    snprintf(text, sizeof text, "%.*s", (int)(n < sizeof text ? n : sizeof text - 1), (const char *)p);
    return mysqlc_fail_native(w->c, native, state, text, 0, err);
}

/* The next packet that is not a refusal. */
static int answer(struct wire *w, const unsigned char **ret, size_t *ret_n, struct err *err)
{
    int64_t start_ms = clock_mono_ms();

    for (;;) {
        int rc = packet(w, ret, ret_n, err);
        if (rc < 0 || (*ret)[0] != ERROR_MARK)
            return rc;
        if (*ret_n < 3 || ((*ret)[1] | (*ret)[2] << 8) != PROGRESS)
            return refused(w, *ret, *ret_n, err);
        if (clock_mono_ms() - start_ms > PROGRESS_TIMES * (int64_t)w->c->timeout_ms)
            return lost(w, start_ms, err);
    }
}

static bool is_end(const unsigned char *p, size_t n)
{
    return p[0] == END_MARK && n < END_SIZE;
}

/* --- the statement --- */

static int add_value(struct buf *b, const struct val *v, struct err *err)
{
    unsigned char size[9] = {END_MARK};
    int rc = 0;

    if (v->kind == VAL_NULL)
        return 0;
    uint64_t bits = v->kind == VAL_I64 ? (uint64_t)v->i : v->n;
    for (size_t i = 0; i < 8; i++)
        size[1 + i] = (unsigned char)(bits >> 8 * i);
    if (v->kind == VAL_I64)
        return buf_add(b, size + 1, 8, err);
    rc = buf_add(b, size, sizeof size, err);
    return rc < 0 || v->n == 0 ? rc : buf_add(b, v->p, v->n, err);
}

/* Its packet, head and all. */
static int make_execute(unsigned long stmt_id, const struct val *values, size_t count, struct buf *ret,
                        struct err *err)
{
    static const unsigned char types[][2] = {[VAL_NULL] = {MYSQL_TYPE_NULL, 0},
                                             [VAL_I64] = {MYSQL_TYPE_LONGLONG, 0},
                                             [VAL_TEXT] = {MYSQL_TYPE_STRING, 0},
                                             [VAL_BLOB] = {MYSQL_TYPE_BLOB, 0}};
    unsigned char start[HEAD + EXECUTE_HEAD] = {[HEAD] = EXECUTE, [HEAD + 6] = 1}, bits = 0;

    for (size_t i = 0; i < 4; i++)
        start[HEAD + 1 + i] = (unsigned char)(stmt_id >> 8 * i);
    int rc = buf_add(ret, start, sizeof start, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bits = (unsigned char)(bits | (values[i].kind == VAL_NULL ? 1U << i % 8 : 0));
        if (i % 8 == 7 || i + 1 == count) {
            rc = buf_add(ret, &bits, 1, err);
            bits = 0;
        }
    }
    if (rc == 0 && count > 0)
        rc = buf_add(ret, "\1", 1, err); /* types follow */
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = buf_add(ret, types[values[i].kind], 2, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_value(ret, &values[i], err);
    if (rc < 0)
        return rc;
    size_t n = ret->n - HEAD;
    for (size_t i = 0; i < 3; i++)
        ret->p[i] = (char)(n >> 8 * i);
    return 0;
}

void wire_columns(MYSQL_RES *from, struct arena *a, struct row_column *ret)
{
    for (unsigned i = 0; i < mysql_num_fields(from); i++) {
        const MYSQL_FIELD *f = mysql_fetch_field_direct(from, i);
        ret[i] = (struct row_column){arena_strndup(a, f->name, f->name_length),
                                     f->type,
                                     f->flags,
                                     f->decimals,
                                     f->charsetnr,
                                     f->length};
    }
}

/* How many columns, and what they are: said again, unless MariaDB thinks that nothing has changed since it was prepared. */
static int read_columns(struct wire *w, MYSQL_RES *prepared, struct arena *a, struct row_column **ret_columns,
                        size_t *ret_count, struct err *err)
{
    const unsigned char *p = NULL;
    size_t n = 0, at = 0;
    uint64_t count = 0;
    int rc = answer(w, &p, &n, err);

    if (rc < 0)
        return rc;
    if (p[0] == 0) { /* done, without rows */
        return err_set(err, ERR_TARGET, "the statement gives no rows");
    }
    if (!row_length(p, n, &at, &count) || count == 0 || count > MAX_FIELDS || n - at > 1)
        return malformed(w, err);
    bool told = n == at || p[at] != 0;
    struct row_column *columns = arena_alloc(a, (size_t)count * sizeof *columns);
    if (!told && (prepared == NULL || mysql_num_fields(prepared) != count))
        return malformed(w, err);
    if (!told)
        wire_columns(prepared, a, columns);
    for (size_t i = 0; rc == 0 && told && i < count; i++) {
        rc = answer(w, &p, &n, err);
        if (rc == 0)
            rc = row_column(p, n, a, &columns[i], err);
    }
    if (rc == 0)
        rc = answer(w, &p, &n, err);
    if (rc == 0 && !is_end(p, n))
        rc = malformed(w, err);
    *ret_columns = columns;
    *ret_count = (size_t)count;
    return rc;
}

int wire_open(struct mysqlc *c, unsigned long stmt_id, MYSQL_RES *prepared, const struct val *values,
              size_t count, struct arena *a, struct wire **ret, struct row_column **ret_columns,
              size_t *ret_count, struct err *err)
{
    struct wire *w = xcalloc(1, sizeof *w);
    struct buf out = BUF_INIT(LARGEST);

    w->c = c;
    w->number = 1;
    buf_init(&w->in, MAX_DB_PACKET + WIRE_BUFFER);
    int rc = make_execute(stmt_id, values, count, &out, err);
    if (rc == 0) {
        rc = send_all(w, out.p, out.n, err);
        if (rc == 0)
            rc = read_columns(w, prepared, a, ret_columns, ret_count, err);
        if (rc < 0 && err->native == 0) /* not the server's own word: who knows what is on its way */
            c->lost = true;
    }
    buf_release(&out);
    if (rc < 0) {
        wire_free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

int wire_next(struct wire *w, const unsigned char **ret, size_t *ret_n, struct err *err)
{
    int rc = answer(w, ret, ret_n, err);

    if (rc < 0 || !is_end(*ret, *ret_n))
        return rc < 0 ? rc : 1;
    if (*ret_n >= 5 && ((*ret)[3] & MORE_RESULTS) != 0) {
        w->c->lost = true;
        return err_set(err, ERR_TARGET, "the statement gives more than one result");
    }
    return 0;
}

void wire_free(struct wire *w)
{
    if (w == NULL)
        return;
    buf_release(&w->in);
    free(w);
}
