/* One moment of a database on several connections. */
#include "io/snapshot.h"
#include "base/limits.h"
#include "io/target_mysql_int.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOCKED_IDLE_S = 30, /* the server takes the lock from an orch that was stopped while it had it */
    PROBE_MS = 30000,
};

struct snapshot {
    struct target_config config, lock_config;
    struct target *targets[MAX_PARALLEL];
    int sockets[MAX_PARALLEL]; /* duplicates, for snapshot_interrupt */
    size_t count;
    char at[32], position[900], notice[700];
};

/* --- sessions --- */

static int set_session(struct target *t, int lock_wait_s, struct err *err)
{
    static const char *const marks[] = {"{lock_wait}", NULL};
    struct buf sql = BUF_INIT(64 * KIB);
    char seconds[16];

    snprintf(seconds, sizeof seconds, "%d", lock_wait_s);
    const char *const with[] = {seconds, NULL};
    int rc = target_replace(target_query(t, "session_read"), marks, with, &sql, err);
    if (rc == 0)
        rc = target_script(t, sql.p, err);
    if (rc == 0 && mysql_db(t)->has_idle_timeout)
        rc = target_script(t, target_query(t, "session_read_idle"), err);
    buf_release(&sql);
    return rc;
}

/* A server's host that has gone without a word is missed within two minutes, however long a statement may be silent. */
static void watch(int fd)
{
    const int on = 1, idle_s = 60, every_s = 15, times = 4;

    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times) < 0)
        return; /* a socket of this host, which breaks with its server */
}

/* A statement of a snapshot may be silent for an hour; a server that stands still is met before the first of them. */
static int probe(const struct snapshot *s, struct err *err)
{
    struct target_config quick = s->config;
    struct target *t = NULL;
    int64_t ms;

    if (quick.timeout_ms <= PROBE_MS)
        return 0;
    quick.timeout_ms = PROBE_MS;
    int rc = target_open(&quick, &t, err);
    if (rc == 0)
        rc = target_clock_ms(t, &ms, err);
    target_close(t);
    return rc;
}

static int open_one(struct snapshot *s, size_t i, struct err *err)
{
    int rc = target_open(&s->config, &s->targets[i], err);

    if (rc < 0)
        return rc;
    if (!target_is_mysql(s->targets[i]))
        rc =
            err_set(err, ERR_CONFIG, "%s: only MySQL and MariaDB have snapshots", target_name(s->targets[i]));
    else
        rc = set_session(s->targets[i], SNAPSHOT_LOCK_S, err);
    if (rc < 0) {
        target_close(s->targets[i]);
        s->targets[i] = NULL;
        return rc;
    }
    s->sockets[i] = dup(mysqlc_socket(mysql_db(s->targets[i])->c));
    watch(s->sockets[i]);
    s->count = i + 1;
    return 0;
}

/* As many as are to be had. */
static int open_all(struct snapshot *s, size_t wanted, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < wanted; i++) {
        rc = open_one(s, i, err);
        if (rc < 0 && i > 0 && err->code == ERR_UNAVAILABLE) {
            snprintf(s->notice, sizeof s->notice, "%zu connections in place of %zu: %.400s", i, wanted,
                     err->msg);
            return 0;
        }
    }
    return rc;
}

static void keep_one(struct snapshot *s)
{
    while (s->count > 1) {
        s->count--;
        target_close(s->targets[s->count]);
        close(s->sockets[s->count]);
    }
}

/* --- standing still --- */

static bool among(const char *const *tables, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(tables[i], name) == 0)
            return true;
    return false;
}

static int lock_tables(struct target *t, const char *const *tables, size_t n, struct err *err)
{
    struct buf sql = BUF_INIT(MAX_SQL);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (among(tables, i, tables[i]))
            continue;
        rc = buf_adds(&sql, i == 0 ? "LOCK TABLES " : ", ", err);
        if (rc == 0)
            rc = mysql_quote(tables[i], true, &sql, err);
        if (rc == 0)
            rc = buf_adds(&sql, " READ", err);
    }
    if (rc == 0)
        rc = target_script(t, sql.p, err);
    buf_release(&sql);
    return rc;
}

/* 1: nothing is committed to these tables until *ret is closed or unlocked; 0: not to be had, *err says why. */
static int stand_still(struct snapshot *s, const char *const *tables, size_t n, struct target **ret,
                       struct err *err)
{
    char idle[64];

    s->lock_config = s->config;
    s->lock_config.timeout_ms = 2 * (SNAPSHOT_LOCK_S + 2) * 1000;
    int rc = target_open(&s->lock_config, ret, err);
    if (rc == 0)
        rc = set_session(*ret, SNAPSHOT_LOCK_S, err);
    snprintf(idle, sizeof idle, "SET SESSION wait_timeout = %d", LOCKED_IDLE_S);
    if (rc == 0)
        rc = target_script(*ret, idle, err);
    if (rc < 0)
        return err->code == ERR_UNAVAILABLE ? 0 : rc;
    (*ret)->pinned = true; /* who connects anew has no lock */
    if (target_script(*ret, target_query(*ret, "lock_all"), err) == 0)
        return 1;
    struct err all = *err;
    if (n > 0 && (*ret)->db != NULL && lock_tables(*ret, tables, n, err) == 0)
        return 1;
    if (n == 0 || (*ret)->db == NULL)
        *err = all;
    rc = target_beat(*ret, err);
    return rc;
}

/* --- where the server's log stood --- */

struct position {
    char file[300], at[40], gtid[500];
};

static void copy_cell(char *out, size_t size, struct str cell)
{
    size_t k = 0;

    for (size_t i = 0; i < cell.n && k + 1 < size; i++) /* sets of MySQL have a line each */
        if (cell.p[i] != '\n' && cell.p[i] != '\r')
            out[k++] = cell.p[i];
    out[k] = '\0';
}

static int on_status(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct position *p = arg;

    UNUSED(err);
    if (count != 2 || cells[0].p == NULL)
        return 0;
    if (strcasecmp(cells[0].p, "Binlog_snapshot_file") == 0)
        copy_cell(p->file, sizeof p->file, cells[1]);
    else if (strcasecmp(cells[0].p, "Binlog_snapshot_position") == 0)
        copy_cell(p->at, sizeof p->at, cells[1]);
    return 0;
}

static int on_cell(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct position *p = arg;

    UNUSED(err);
    UNUSED(count);
    copy_cell(p->gtid, sizeof p->gtid, cells[0]);
    return 0;
}

static int on_position(void *arg, const struct named_cell *cells, size_t count, struct err *err)
{
    struct position *p = arg;

    UNUSED(err);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(cells[i].name, "File") == 0)
            copy_cell(p->file, sizeof p->file, cells[i].value);
        else if (strcasecmp(cells[i].name, "Position") == 0)
            copy_cell(p->at, sizeof p->at, cells[i].value);
        else if (strcasecmp(cells[i].name, "Executed_Gtid_Set") == 0)
            copy_cell(p->gtid, sizeof p->gtid, cells[i].value);
    }
    return 0;
}

/* What is not to be known, for want of rights or of a log, is left empty. A connection that breaks over it is an error. */
static int find_position(struct snapshot *s, struct target *t, bool still, struct err *err)
{
    struct position p = {.file = ""};
    struct err why = {.code = ERR_OK};
    int rc = 0;

    if (mysqlc_is_mariadb(mysql_db(t)->c)) {
        rc = target_run(t, "position_of_snapshot", NULL, 0, on_status, &p, NULL, &why);
        const struct val at[] = {val_text(p.file), val_text(p.at)};
        if (rc == 0 && p.file[0] != '\0')
            rc = target_run(t, "position_gtid", at, 2, on_cell, &p, NULL, &why);
    } else if (still) {
        rc = mysqlc_show(mysql_db(t)->c, target_query(t, "position_new"), on_position, &p, &why);
        if (rc < 0 && !mysqlc_is_lost(mysql_db(t)->c))
            rc = mysqlc_show(mysql_db(t)->c, target_query(t, "position"), on_position, &p, &why);
    }
    if (rc < 0 && (t->db == NULL || t->ops->is_lost(t))) {
        *err = why;
        return rc;
    }
    if (p.file[0] != '\0')
        snprintf(s->position, sizeof s->position, "%s:%s%s%s", p.file, p.at,
                 p.gtid[0] != '\0' ? " gtid " : "", p.gtid);
    return target_beat(t, err);
}

/* --- the moment --- */

static int on_at(void *arg, const struct str *cells, size_t count, struct err *err)
{
    struct snapshot *s = arg;

    UNUSED(err);
    UNUSED(count);
    copy_cell(s->at, sizeof s->at, cells[0]);
    return 0;
}

static int begin_all(struct snapshot *s, bool still, struct err *err)
{
    int rc = target_run(s->targets[0], "utc_now", NULL, 0, on_at, s, NULL,
                        err); /* before: what is seen is not older */

    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        struct target *t = s->targets[i];
        t->pinned = true;
        rc = target_script(t, target_query(t, "begin_snapshot"), err);
    }
    return rc < 0 ? rc : find_position(s, s->targets[0], still, err);
}

static int take(struct snapshot *s, const char *const *tables, size_t n, struct err *err)
{
    struct target *lock = NULL;
    struct err why;
    int rc = 0, still = 0;

    if (s->count > 1) {
        still = stand_still(s, tables, n, &lock, &why);
        rc = still < 0 ? still : 0;
        if (rc < 0)
            *err = why;
        if (still == 0) {
            keep_one(s);
            snprintf(s->notice, sizeof s->notice,
                     "one connection: the tables cannot be made to stand still for a moment, %.400s",
                     why.msg);
        }
    }
    if (still == 0) {
        target_close(lock);
        lock = NULL;
    }
    if (rc == 0)
        rc = begin_all(s, still == 1, err);
    if (rc == 0 && lock != NULL) { /* that it answers says that the lock was there all the while */
        rc = target_script(lock, target_query(lock, "unlock_all"), err);
        if (rc < 0)
            err_prefix(err, "the lock on the tables was lost");
    }
    target_close(lock);
    return rc;
}

int snapshot_open(const struct target_config *c, size_t wanted, const char *const *tables, size_t table_count,
                  struct snapshot **ret, struct err *err)
{
    struct snapshot *s = xcalloc(1, sizeof *s);

    s->config = *c;
    if (s->config.timeout_ms <= 0)
        s->config.timeout_ms = SNAPSHOT_SILENT_MS;
    wanted = wanted == 0 ? 1 : wanted > MAX_PARALLEL ? MAX_PARALLEL : wanted;
    int rc = probe(s, err);
    if (rc == 0)
        rc = open_all(s, wanted, err);
    if (rc == 0)
        rc = take(s, tables, table_count, err);
    if (rc < 0) {
        snapshot_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void snapshot_close(struct snapshot *s)
{
    if (s == NULL)
        return;
    keep_one(s);
    if (s->count == 1) {
        target_close(s->targets[0]);
        close(s->sockets[0]);
    }
    free(s);
}

size_t snapshot_count(const struct snapshot *s)
{
    return s->count;
}

struct target *snapshot_target(struct snapshot *s, size_t i)
{
    return s->targets[i];
}

void snapshot_interrupt(const struct snapshot *s)
{
    for (size_t i = 0; i < s->count; i++)
        shutdown(s->sockets[i], SHUT_RDWR);
}

const char *snapshot_at(const struct snapshot *s)
{
    return s->at;
}

const char *snapshot_position(const struct snapshot *s)
{
    return s->position;
}

const char *snapshot_notice(const struct snapshot *s)
{
    return s->notice;
}
