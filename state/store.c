#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sql_migrations.h"
#include "state/exec.h"
#include "state/store_int.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    BUSY_MS = 10000,
    BUSY_MAX_MS = 15000,
};

struct store {
    sqlite3 *db;
    char *path;
    int found, version;
    bool read_only;
    char notice[600];
    sqlite3_stmt *statements[SQL_STATE__COUNT];
};

static bool takeover;
static int64_t busy_count;

int64_t store_busy_count(void)
{
    return busy_count;
}

void store_takeover(bool allowed)
{
    takeover = allowed;
}

/* SQLite's own list of what its locks cannot be trusted on; magics from linux/magic.h and statfs(2). */
const char *store_network_fs(unsigned long magic)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } rows[] = {{0x6969, "NFS"},        {0x517b, "SMB"},      {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},
                {0x5346414f, "AFS"},    {0x73757245, "Coda"}, {0x564c, "NCP"},      {0x00c36400, "Ceph"},
                {0x0bd00bd0, "Lustre"}, {0x01161970, "GFS2"}, {0x7461636f, "OCFS2"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].magic == magic)
            return rows[i].name;
    return NULL;
}

static int check_file_system(struct store *s, struct err *err)
{
    struct statfs fs;

    if (statfs(s->path, &fs) < 0)
        return 0;
    unsigned long magic = (unsigned long)fs.f_type & 0xffffffffUL;
    const char *name = store_network_fs(magic);
    if (name != NULL) {
        err_set(err, ERR_CONFIG,
                "state file %s is on a network file system (%s), where its journal does not work", s->path,
                name);
        return err_hint(err, "put \"state\" on a local disk of the machine that runs the tick");
    }
    if ((magic == 0x65735546 || magic == 0x01021997) && s->found == 0)
        snprintf(s->notice, sizeof s->notice,
                 "state file %s is on a %s file system: its locks and mmap must behave as on a local disk",
                 s->path, magic == 0x65735546 ? "FUSE" : "9P");
    return 0;
}

static int store_err(struct store *s, int sqlite_rc, struct err *err, const char *what)
{
    int system_errno = s->db != NULL ? sqlite3_system_errno(s->db) : 0;
    int primary = sqlite_rc & 0xff, rc;
    enum err_code code = ERR_STATE;
    const char *why = s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(sqlite_rc);

    if (primary == SQLITE_NOMEM)
        abort();
    if (primary == SQLITE_FULL || ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
                                   (system_errno == ENOSPC || system_errno == EDQUOT)))
        code = ERR_DISK_FULL;
    else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        code = ERR_BUSY;
    else if (primary == SQLITE_READONLY || primary == SQLITE_PERM || primary == SQLITE_AUTH ||
             (primary == SQLITE_CANTOPEN &&
              (system_errno == EACCES || system_errno == EPERM || system_errno == EROFS)))
        code = ERR_ACCESS_DENIED;
    else if (primary == SQLITE_CONSTRAINT || primary == SQLITE_MISUSE || primary == SQLITE_RANGE ||
             primary == SQLITE_ERROR)
        code = ERR_INTERNAL; /* a bug of ours, not the weather */
    rc = err_set(err, code, "state file %s: %s: %s", s->path, what, why);
    err->native = sqlite_rc;
    if (code == ERR_DISK_FULL)
        rc = err_hint(err, "free space there; the next tick goes on by itself");
    else if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        rc = err_hint(err,
                      "move the file and its -wal away: the next tick rebuilds it from the target's ledger");
    return rc;
}

sqlite3 *store_db(struct store *s)
{
    return s->db;
}

static int run_text(struct store *s, const char *sql, const char *what, struct err *err)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : store_err(s, rc, err, what);
}

/* One integer (or the text, when text is not NULL) of a PRAGMA. */
static int pragma(struct store *s, const char *sql, int64_t *ret, char *text, size_t size, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        if (ret != NULL)
            *ret = sqlite3_column_int64(st, 0);
        if (text != NULL)
            snprintf(text, size, "%s", (const char *)sqlite3_column_text(st, 0));
        rc = SQLITE_OK;
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_OK;
    }
    rc = rc == SQLITE_OK ? 0 : store_err(s, rc, err, sql);
    sqlite3_finalize(st);
    return rc;
}

static int begin(struct store *s, struct err *err)
{
    char why_not[200] = "";
    int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if ((rc & 0xff) == SQLITE_BUSY && takeover &&
        stuck_end(s->db, s->path, s->notice, sizeof s->notice, why_not, sizeof why_not) == 1)
        rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return 0;
    rc = store_err(s, rc, err, "begin");
    if (err->code != ERR_BUSY)
        return rc;
    busy_count++;
    if (why_not[0] == '\0') {
        long pid = stuck_holder(s->path);
        if (pid > 0)
            snprintf(why_not, sizeof why_not, "process %ld holds the lock", pid);
    }
    return err_hint(err, "%s%stry again later", why_not, why_not[0] != '\0' ? "; " : "");
}

int store_latest_version(void)
{
    int n = 0;

    while (sql_migrations[n].name != NULL)
        n++;
    return n;
}

/* One migration, one transaction. Another process may have done it since: the version is read again inside. */
static int migrate_one(struct store *s, int to, struct err *err)
{
    const struct embed *m = &sql_migrations[to - 1];
    char text[96];
    int64_t now = 0;
    int rc;

    rc = begin(s, err);
    if (rc < 0)
        return rc;
    rc = pragma(s, "PRAGMA user_version", &now, NULL, 0, err);
    if (rc < 0 || now >= to)
        goto out;
    rc = run_text(s, m->text, m->name, err);
    if (rc < 0)
        goto out;
    snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID,
             to);
    rc = run_text(s, text, "version", err);
    if (rc < 0)
        goto out;
    rc = store_commit(s, err);
out:
    store_rollback(s);
    return rc < 0 ? rc : 0;
}

/* Refuses what is not ours before anything is written: a typo in "state" must not turn the target into a state file. */
static int check_owner(struct store *s, struct err *err)
{
    int64_t version = 0, application = 0, tables = 0;
    int rc = run_text(s, "BEGIN", "read", err); /* one snapshot: a migration may be committed meanwhile */

    if (rc == 0)
        rc = pragma(s, "PRAGMA user_version", &version, NULL, 0, err);
    if (rc == 0)
        rc = pragma(s, "PRAGMA application_id", &application, NULL, 0, err);
    if (rc == 0)
        rc = pragma(s, "SELECT count(*) FROM sqlite_schema", &tables, NULL, 0, err);
    store_rollback(s);
    if (rc < 0)
        return rc;
    if (application != STORE_APPLICATION_ID && (version != 0 || tables != 0)) {
        err_set(err, ERR_CONFIG, "%s is a SQLite database, but not a state file of orch", s->path);
        return err_hint(err, "\"state\" in orch.json names a file of its own, never the target");
    }
    s->found = (int)version;
    s->version = store_latest_version();
    if (s->found > s->version) {
        err_set(err, ERR_STATE_NEWER, "state file %s is of version %d, this orch knows %d", s->path, s->found,
                s->version);
        return err_hint(err, "use the newer orch that wrote it");
    }
    if (s->read_only && s->found < s->version) {
        err_set(err, ERR_STATE, "state file %s is of version %d, this orch needs %d", s->path, s->found,
                s->version);
        return err_hint(err, "orch tick brings it up to date");
    }
    return 0;
}

static int set_up(struct store *s, struct err *err)
{
    char mode[32] = "";
    int rc = check_owner(s, err);

    if (rc == 0)
        rc = check_file_system(s, err);
    if (rc < 0)
        return rc;
    if (s->read_only)
        return run_text(s, "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY", "set-up", err);
    /* Two that make the file at once: SQLite answers BUSY here without waiting, because waiting could be for ever. */
    for (int64_t until_ms = clock_mono_ms() + BUSY_MS;; clock_sleep_ms(20)) {
        rc = pragma(s, "PRAGMA journal_mode = WAL", NULL, mode, sizeof mode, err);
        if (rc >= 0 || err->code != ERR_BUSY || clock_mono_ms() > until_ms)
            break;
    }
    if (rc < 0)
        return rc;
    if (strcmp(mode, "wal") != 0) {
        err_set(err, ERR_STATE, "state file %s cannot use a write-ahead log (it has '%s')", s->path, mode);
        return err_hint(err, "put \"state\" on a local disk");
    }
    rc = run_text(s,
                  "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                  "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864",
                  "set-up", err);
    for (int v = s->found + 1; rc == 0 && v <= s->version; v++)
        rc = migrate_one(s, v, err);
    return rc;
}

static int lock_in_time(int fd)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    for (int64_t until = clock_mono_ms() + BUSY_MS; fcntl(fd, F_SETLK, &l) < 0; clock_sleep_ms(20))
        if ((errno != EAGAIN && errno != EACCES && errno != EINTR) || clock_mono_ms() > until)
            return -1;
    return 0;
}

/*
 * Held by whoever makes the state file, from before it is there until it is set up: SQLite lets a file be turned to WAL
 * only while nobody else looks at it, and half a schema looks like somebody else's database. Left behind by a maker that
 * died: the next one goes on. (Not a lock on the folder: that may be the user's, around the whole tick.)
 */
struct making {
    char *path; /* owned */
    int fd;     /* -1: the file was there already, and whole */
};

/* Stopped while it made the file, a process would keep everybody out for ever. */
static int lock_or_end_holder(struct store *s, const char *path, int fd)
{
    char why_not[200] = "";

    if (lock_in_time(fd) == 0)
        return 0;
    if (takeover && stuck_end(NULL, path, s->notice, sizeof s->notice, why_not, sizeof why_not) == 1)
        return lock_in_time(fd);
    return -1;
}

/* The file is looked at first: where it is there, its lock was there before it, and goes when the file is whole. */
static int making_lock(struct store *s, const char *path, struct making *m, struct err *err)
{
    struct stat mine, there;

    m->path = xasprintf("%s.making", path);
    while (access(path, F_OK) != 0 || access(m->path, F_OK) == 0) {
        m->fd = open(m->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (m->fd < 0) {
            int rc = err_errno(err, errno, "cannot make state file %s", path);
            return err->code == ERR_NOT_FOUND ? err_hint(err, "make its folder first") : rc;
        }
        if (lock_or_end_holder(s, path, m->fd) < 0)
            return err_set(err, ERR_BUSY, "state file %s is being made by another process", path);
        if (fstat(m->fd, &mine) == 0 && stat(m->path, &there) == 0 && mine.st_ino == there.st_ino)
            return 0;
        close(m->fd); /* its maker is done, and has taken the name away */
        m->fd = -1;
    }
    return 0;
}

static void making_end(struct making *m, bool whole)
{
    if (m->fd >= 0 && whole)
        err_ignore(unlink(m->path));
    if (m->fd >= 0)
        close(m->fd);
    free(m->path);
}

/*
 * A state file that somebody deleted may have left its write-ahead log behind, and SQLite will not start with another
 * file's log. Under the lock, so that nobody takes away the log of one who makes the file just now. Rejects are in it,
 * bytes of the user's rows, so nobody else reads it unless they are let.
 */
static int make_afresh(const char *path, struct err *err)
{
    char *wal = xasprintf("%s-wal", path), *shm = xasprintf("%s-shm", path);
    int rc = 0;

    err_ignore(unlink(wal));
    err_ignore(unlink(shm));
    int made = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0)
        rc = err_errno(err, errno, "cannot make state file %s", path);
    else
        close(made);
    free(wal);
    free(shm);
    return rc;
}

static int make_file(struct store *s, const char *path, enum store_mode mode, struct making *m,
                     char **ret_real, struct err *err)
{
    char real[PATH_MAX];
    int rc = 0;

    if (mode == STORE_CREATE || (mode == STORE_OPEN && access(path, F_OK) == 0))
        rc = making_lock(s, path, m, err);
    if (rc == 0 && mode == STORE_CREATE && access(path, F_OK) != 0)
        rc = make_afresh(path, err);
    if (rc < 0)
        return rc;
    if (realpath(path, real) == NULL) {
        rc = err_errno(err, errno, "state file %s", path);
        return err->code == ERR_NOT_FOUND ? err_hint(err, "orch init or the first orch tick makes it") : rc;
    }
    *ret_real = xstrdup(real);
    return 0;
}

static int open_db(struct store *s, struct err *err)
{
    int flags = (s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);

    if (rc != SQLITE_OK)
        return store_err(s, rc, err, "open");
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    return 0;
}

int store_open(const char *path, enum store_mode mode, struct store **ret, struct err *err)
{
    struct store *s = xcalloc(1, sizeof *s);
    struct making making = {NULL, -1};
    char why_not[200] = "";
    int rc;

    *ret = NULL;
    s->path = xstrdup(path);
    s->read_only = mode == STORE_READ;
    char *real = NULL;
    rc = make_file(s, path, mode, &making, &real, err);
    if (rc < 0)
        goto out;
    free(s->path);
    s->path = real;
    rc = open_db(s, err);
    if (rc < 0)
        goto out;
    rc = set_up(s, err);
    /* Stopped while it recovered or closed the log, a process keeps even readers out: claims cannot be read then. */
    if (rc < 0 && err->code == ERR_BUSY && takeover &&
        stuck_end(NULL, s->path, s->notice, sizeof s->notice, why_not, sizeof why_not) == 1)
        rc = set_up(s, err);
    if (rc < 0)
        goto out;
    *ret = s;
    s = NULL;
out:
    making_end(&making, rc == 0);
    store_close(s);
    return rc;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < ARRAY_LEN(s->statements); i++)
        sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db); /* rolls back what is open */
    free(s->path);
    free(s);
}

const char *store_path(const struct store *s)
{
    return s->path;
}

int store_version(const struct store *s, int *ret_found)
{
    if (ret_found != NULL)
        *ret_found = s->found;
    return s->version;
}

void store_busy_timeout(struct store *s, int64_t ms)
{
    sqlite3_busy_timeout(s->db, ms > BUSY_MAX_MS ? BUSY_MAX_MS : (int)ms);
}

void store_end_owner(struct store *s, long pid, unsigned long long start, const char *what)
{
    if (takeover && stuck_end_process(pid, start) == 1)
        snprintf(s->notice, sizeof s->notice,
                 "process %ld stood still at work on %s though its lease was over; it was ended so that work "
                 "goes on",
                 pid, what);
}

const char *store_notice(struct store *s)
{
    static char said[sizeof s->notice];

    memcpy(said, s->notice, sizeof said);
    s->notice[0] = '\0';
    return said;
}

bool store_in_tx(const struct store *s)
{
    return sqlite3_get_autocommit(s->db) == 0;
}

int store_begin(struct store *s, struct err *err)
{
    if (store_in_tx(s))
        return err_set(err, ERR_INTERNAL, "a transaction was begun inside another");
    /* A read that is still open pins an old snapshot: BEGIN would then fail whenever somebody wrote since. */
    for (size_t i = 0; i < ARRAY_LEN(s->statements); i++)
        if (s->statements[i] != NULL && sqlite3_stmt_busy(s->statements[i]))
            return err_set(err, ERR_INTERNAL, "a transaction was begun while query %s is being read",
                           sql_state[i].name);
    int rc = begin(s, err);
    if (rc < 0)
        return rc;
    rc = fault_point("store.begin", err);
    if (rc < 0)
        store_rollback(s);
    return rc;
}

int store_snapshot(struct store *s, struct err *err)
{
    return run_text(s, "BEGIN", "read", err);
}

int store_commit(struct store *s, struct err *err)
{
    if (!store_in_tx(s))
        return err_set(err, ERR_INTERNAL, "a commit without a transaction");
    int rc = fault_point("store.before_commit", err);
    if (rc == 0) {
        rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
        rc = rc == SQLITE_OK ? 0 : store_err(s, rc, err, "commit");
    }
    if (rc < 0) {
        store_rollback(s);
        return rc;
    }
    return fault_point("store.after_commit", err);
}

void store_rollback(struct store *s)
{
    if (store_in_tx(s))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_step_begin(struct store *s, const char *token, struct err *err)
{
    int rc = store_begin(s, err);

    if (rc < 0 || token == NULL)
        return rc;
    rc = task_guard(s, token, err);
    if (rc < 0)
        store_rollback(s);
    return rc < 0 ? rc : 0;
}

int store_stmt(struct store *s, enum sql_state_id id, sqlite3_stmt **ret, struct err *err)
{
    sqlite3_stmt **st = &s->statements[id];

    if (*st == NULL) {
        int rc = sqlite3_prepare_v3(s->db, sql_state[id].text, (int)sql_state[id].len + 1,
                                    SQLITE_PREPARE_PERSISTENT, st, NULL);
        if (rc != SQLITE_OK)
            return store_err(s, rc, err, sql_state[id].name);
    } else if (sqlite3_stmt_busy(*st)) {
        return err_set(err, ERR_INTERNAL, "query %s is used while it is still being read",
                       sql_state[id].name);
    }
    sqlite3_reset(*st);
    sqlite3_clear_bindings(*st);
    *ret = *st;
    return 0;
}

int stmt_step(struct store *s, sqlite3_stmt *st, struct err *err)
{
    if (!sqlite3_stmt_readonly(st) && !store_in_tx(s))
        return err_set(err, ERR_INTERNAL, "a write outside a transaction: %s", sqlite3_sql(st));
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE) {
        sqlite3_reset(st);
        return 0;
    }
    rc = store_err(s, rc, err, sqlite3_sql(st));
    sqlite3_reset(st);
    return rc;
}

void stmt_done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
}

int stmt_run(struct store *s, sqlite3_stmt *st, struct err *err)
{
    int rc = stmt_step(s, st, err);

    if (rc == 1) {
        sqlite3_reset(st);
        return err_set(err, ERR_INTERNAL, "a write gave rows: %s", sqlite3_sql(st));
    }
    return rc < 0 ? rc : sqlite3_changes(s->db);
}

static void bound(int rc)
{
    if (rc != SQLITE_OK)
        abort();
}

void bind_i64(sqlite3_stmt *st, int i, int64_t v)
{
    bound(sqlite3_bind_int64(st, i, v));
}

void bind_i64_or_null(sqlite3_stmt *st, int i, int64_t v)
{
    bound(v == 0 ? sqlite3_bind_null(st, i) : sqlite3_bind_int64(st, i, v));
}

void bind_text(sqlite3_stmt *st, int i, const char *text)
{
    bound(text == NULL ? sqlite3_bind_null(st, i) : sqlite3_bind_text(st, i, text, -1, SQLITE_TRANSIENT));
}

void bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n)
{
    bound(sqlite3_bind_blob64(st, i, n == 0 ? "" : p, n,
                              SQLITE_TRANSIENT)); /* NULL would bind NULL, not an empty one */
}

char *col_text(sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);
    int n = sqlite3_column_bytes(st, i);

    if (sqlite3_column_type(st, i) == SQLITE_NULL)
        return NULL;
    return xstrndup(p != NULL ? p : "", (size_t)n);
}

int64_t col_i64(sqlite3_stmt *st, int i)
{
    return sqlite3_column_int64(st, i);
}

int64_t store_last_id(struct store *s)
{
    return sqlite3_last_insert_rowid(s->db);
}

int store_check(struct store *s, struct err *err)
{
    char text[400] = "";
    int rc = pragma(s, "PRAGMA quick_check(1)", NULL, text, sizeof text, err);

    if (rc < 0)
        return rc;
    if (strcmp(text, "ok") == 0)
        return 0;
    err_set(err, ERR_STATE, "state file %s is damaged: %s", s->path, text);
    return err_hint(err,
                    "move the file and its -wal away: the next tick rebuilds it from the target's ledger");
}
