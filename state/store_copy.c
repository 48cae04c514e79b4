#include "state/store_copy.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "state/store_int.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 10000 /* for who writes */ };

static int copy_err(sqlite3 *db, int sqlite_rc, const char *path, const char *what, struct err *err)
{
    int primary = sqlite_rc & 0xff;
    enum err_code code = primary == SQLITE_FULL                               ? ERR_DISK_FULL
                         : primary == SQLITE_BUSY || primary == SQLITE_LOCKED ? ERR_BUSY
                         : primary == SQLITE_CANTOPEN                         ? ERR_IO
                                                                              : ERR_STATE;

    return err_set(err, code, "%s: %s: %s", path, what,
                   db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(sqlite_rc));
}

static int open_at(const char *path, int flags, sqlite3 **ret, struct err *err)
{
    int rc = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc != SQLITE_OK)
        return copy_err(*ret, rc, path, "open", err);
    sqlite3_busy_timeout(*ret, WAIT_MS);
    return 0;
}

static int copy_pages(sqlite3 *from, sqlite3 *to, const char *path, struct err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int64_t until = clock_mono_ms() + WAIT_MS;
    int rc = SQLITE_OK;

    if (b == NULL)
        return copy_err(to, sqlite3_errcode(to), path, "copy", err);
    /* All pages in one step: a reader's snapshot, which no writer disturbs, and which disturbs no writer. */
    while ((rc = sqlite3_backup_step(b, -1)) != SQLITE_DONE)
        if ((rc != SQLITE_BUSY && rc != SQLITE_LOCKED) || clock_mono_ms() > until)
            break;
        else
            clock_sleep_ms(20);
    int ended = sqlite3_backup_finish(b);
    if (rc == SQLITE_DONE && ended == SQLITE_OK)
        return 0;
    return copy_err(NULL, rc != SQLITE_DONE ? rc : ended, path, "copy", err);
}

/* First row of a statement: text into text, numbers into numbers. */
static int ask(sqlite3 *db, const char *path, const char *sql, char *text, size_t size, int64_t *numbers,
               int n, struct err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && text != NULL)
        snprintf(text, size, "%s", (const char *)sqlite3_column_text(st, 0));
    for (int i = 0; rc == SQLITE_ROW && i < n; i++)
        numbers[i] = sqlite3_column_int64(st, i);
    rc = rc == SQLITE_ROW || rc == SQLITE_DONE || rc == SQLITE_OK ? 0 : copy_err(db, rc, path, "read", err);
    sqlite3_finalize(st);
    return rc;
}

static int check(sqlite3 *db, const char *path, struct store_facts *ret, struct err *err)
{
    int64_t application = 0, version = 0, found[6] = {0};
    char text[400] = "";
    int known = store_latest_version(),
        rc = ask(db, path, "PRAGMA application_id", NULL, 0, &application, 1, err);
    if (rc == 0)
        rc = ask(db, path, "PRAGMA user_version", NULL, 0, &version, 1, err);
    if (rc == 0 && application != STORE_APPLICATION_ID)
        rc = err_set(err, ERR_CONFIG, "%s is no state file of orch", path);
    if (rc == 0 && version > known) {
        err_set(err, ERR_STATE_NEWER, "%s is of version %lld, this orch knows %d", path, (long long)version,
                known);
        rc = err_hint(err, "use the newer orch that wrote it");
    }
    if (rc == 0)
        rc = ask(db, path, "PRAGMA integrity_check(1)", text, sizeof text, NULL, 0, err);
    if (rc == 0 && strcmp(text, "ok") != 0)
        rc = err_set(err, ERR_STATE, "%s is damaged: %s", path, text);
    if (rc == 0)
        rc = ask(db, path, sql_state[SQL_STATE_COPY_FACTS].text, NULL, 0, found, 6, err);
    *ret = (struct store_facts){.version = (int)version,
                                .pipelines = found[0],
                                .partitions = found[1],
                                .jobs = found[2],
                                .running = found[3],
                                .rejects = found[4],
                                .newest_ms = found[5]};
    return rc;
}

static int bytes_of(const char *path, int64_t *ret, struct err *err)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return err_errno(err, errno, "%s", path);
    *ret = st.st_size;
    return 0;
}

int store_verify(const char *path, struct store_facts *ret, struct err *err)
{
    sqlite3 *db = NULL;
    int64_t bytes = 0;
    int rc = bytes_of(path, &bytes, err);

    if (rc == 0)
        rc = open_at(path, SQLITE_OPEN_READONLY, &db, err);
    if (rc == 0)
        rc = check(db, path, ret, err);
    ret->bytes = bytes;
    sqlite3_close(db);
    return rc;
}

/* --- out --- */

static int make(const char *path, struct err *err)
{
    err_ignore(unlink(path)); /* of a process of that number that died */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_errno(err, errno, "cannot create %s", path);
    close(fd);
    return 0;
}

static int sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd < 0 || fsync(fd) < 0)
        rc = err_errno(err, errno, "cannot sync %s", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* One file: without a write-ahead log beside it. */
static int fill(struct store *s, const char *path, struct store_facts *ret, struct err *err)
{
    sqlite3 *to = NULL;
    int rc = open_at(path, SQLITE_OPEN_READWRITE, &to, err);

    if (rc == 0)
        rc = copy_pages(store_db(s), to, path, err);
    if (rc == 0)
        rc = ask(to, path, "PRAGMA journal_mode = DELETE", NULL, 0, NULL, 0, err);
    if (rc == 0)
        rc = fault_point("state.copied", err);
    if (rc == 0)
        rc = check(to, path, ret, err);
    sqlite3_close(to);
    return rc;
}

int store_copy(struct store *s, const char *path, struct store_facts *ret, struct err *err)
{
    char *tmp = xasprintf("%s.tmp.%ld", path, (long)getpid());
    int rc = fs_check_plain(path, err);

    if (rc == 0)
        rc = make(tmp, err);
    if (rc == 0)
        rc = fill(s, tmp, ret, err);
    if (rc == 0)
        rc = sync_file(tmp, err);
    if (rc == 0)
        rc = bytes_of(tmp, &ret->bytes, err);
    if (rc == 0 && rename(tmp, path) < 0)
        rc = err_errno(err, errno, "cannot rename %s", tmp);
    if (rc == 0)
        rc = fs_sync_dir(path, err);
    if (rc < 0)
        err_ignore(unlink(tmp));
    free(tmp);
    return rc;
}

/* --- back --- */

int store_replace(struct store *s, const char *path, struct err *err)
{
    sqlite3 *from = NULL;
    int rc = open_at(path, SQLITE_OPEN_READONLY, &from, err);

    if (rc == 0)
        rc = copy_pages(from, store_db(s), store_path(s), err);
    sqlite3_close(from);
    store_close(s);
    return rc < 0 ? rc : fault_point("state.replaced", err);
}
