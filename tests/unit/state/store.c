#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "state/exec.h"
#include "state/store_int.h"
#include "tests/tap.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;
static char folder[64], path[96];

static void fresh(void)
{
    snprintf(folder, sizeof folder, "/tmp/orch-store-XXXXXX");
    must(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/orch.db", folder);
    store_takeover(false);
}

static void clean(void)
{
    char command[128];

    snprintf(command, sizeof command, "/bin/rm -rf -- '%s'", folder);
    pid_t kid = fork();
    if (kid == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    waitpid(kid, NULL, 0);
}

static struct store *open_store(enum store_mode mode)
{
    struct store *s = NULL;

    must_rc(store_open(path, mode, &s, &err), &err);
    return s;
}

static void put_workflow(struct store *s, const char *sha)
{
    must_rc(workflow_put(s, sha, "w", "{}", 1, &err), &err);
}

static bool has_workflow(struct store *s, const char *sha)
{
    char *name = NULL, *text = NULL;
    bool found = workflow_get(s, sha, &name, &text, &err) == 0;

    free(name);
    free(text);
    return found;
}

/*
 * Runs fn in a child once released; the child says when it is where the parent wants it. Fork first, open later: SQLite
 * must not be carried across a fork.
 */
static int release_fd;

static pid_t in_child(void (*fn)(int ready), int *ret_ready)
{
    int ends[2], go[2];
    char c;

    must(pipe2(ends, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
    pid_t kid = fork();
    if (kid == 0) {
        close(go[1]);
        if (read(go[0], &c, 1) != 1)
            _exit(1);
        fn(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    close(go[0]);
    release_fd = go[1];
    *ret_ready = ends[0];
    return kid;
}

static void release(void)
{
    must(write(release_fd, "g", 1) == 1);
    close(release_fd);
}

static void wait_ready(int fd)
{
    char c;

    must(read(fd, &c, 1) == 1);
    close(fd);
}

static void say_ready(int fd)
{
    if (write(fd, "r", 1) != 1)
        _exit(1);
}

__attribute__((constructor)) static void child_that_opens(void)
{
    const char *which = getenv("STORE_TEST_OPEN");
    struct store *s = NULL;

    if (which != NULL) {
        err_ignore(store_open(which, STORE_CREATE, &s, &err));
        _exit(0);
    }
}

TEST(a_new_file_is_migrated_private_and_durable)
{
    struct stat st;
    char mode[16] = "";
    int found = -1;

    fresh();
    struct store *s = open_store(STORE_CREATE);
    ok(store_version(s, &found) >= 1);
    is_int(found, 0);
    must(stat(path, &st) == 0);
    is_int(st.st_mode & 0777, 0600);
    sqlite3_stmt *q = NULL;
    const char *pragmas[][2] = {
        {"PRAGMA journal_mode", "wal"}, {"PRAGMA synchronous", "2"}, {"PRAGMA foreign_keys", "1"}};
    for (size_t i = 0; i < ARRAY_LEN(pragmas); i++) {
        must(sqlite3_prepare_v2(store_db(s), pragmas[i][0], -1, &q, NULL) == SQLITE_OK);
        must(sqlite3_step(q) == SQLITE_ROW);
        snprintf(mode, sizeof mode, "%s", (const char *)sqlite3_column_text(q, 0));
        is_str(mode, pragmas[i][1]);
        sqlite3_finalize(q);
    }
    must_rc(store_check(s, &err), &err);
    int version = store_version(s, NULL);
    store_close(s);
    s = open_store(STORE_OPEN);
    store_version(s, &found);
    is_int(found, version);
    store_close(s);
    clean();
}

TEST(what_is_not_there_or_not_ours_is_refused_untouched)
{
    struct store *s = NULL;
    sqlite3 *db = NULL;
    struct buf before = BUF_INIT(1 << 20), after = BUF_INIT(1 << 20);

    fresh();
    fails(store_open(path, STORE_OPEN, &s, &err), &err, ERR_NOT_FOUND);
    fails(store_open(path, STORE_READ, &s, &err), &err, ERR_NOT_FOUND);
    ok(access(path, F_OK) != 0);
    must(sqlite3_open(path, &db) == SQLITE_OK);
    must(sqlite3_exec(db, "CREATE TABLE loans(a)", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    must_rc(fs_read(path, &before, &err), &err);
    fails(store_open(path, STORE_CREATE, &s, &err), &err, ERR_CONFIG);
    must_rc(fs_read(path, &after, &err), &err);
    is_mem(after.p, after.n, before.p, before.n);
    must_rc(fs_write(path, "this is no database, but it is long enough to be read as one", 60, 0600, &err),
            &err);
    fails(store_open(path, STORE_CREATE, &s, &err), &err, ERR_STATE);
    ok(err.hint[0] != '\0');
    buf_release(&before);
    buf_release(&after);
    clean();
}

TEST(a_newer_file_is_refused)
{
    struct store *s;
    sqlite3 *db = NULL;

    fresh();
    store_close(open_store(STORE_CREATE));
    must(sqlite3_open(path, &db) == SQLITE_OK);
    must(sqlite3_exec(db, "PRAGMA user_version = 900", NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    fails(store_open(path, STORE_OPEN, &s, &err), &err, ERR_STATE_NEWER);
    fails(store_open(path, STORE_READ, &s, &err), &err, ERR_STATE_NEWER);
    clean();
}

TEST(two_that_make_the_file_at_once_both_get_it)
{
    int lost = 0;

    for (int round = 0; round < 30; round++) { /* one in a hundred found the file locked, or half made */
        pid_t kids[6];
        fresh();
        for (int i = 0; i < 6; i++) {
            kids[i] = fork();
            if (kids[i] == 0) {
                struct store *s = NULL;
                int rc = store_open(path, STORE_CREATE, &s, &err);
                if (rc < 0)
                    diag("%s", err.msg);
                store_close(s);
                _exit(rc < 0);
            }
        }
        for (int i = 0; i < 6; i++) {
            int status = 0;
            waitpid(kids[i], &status, 0);
            lost += status != 0;
        }
        struct store *s = open_store(STORE_OPEN);
        must_rc(store_check(s, &err), &err);
        store_close(s);
        char *making = xasprintf("%s.making", path);
        must(access(making, F_OK) != 0);
        free(making);
        clean();
    }
    is_int(lost, 0);
}

TEST(a_maker_that_died_half_way_leaves_no_hurdle)
{
    fresh();
    char *making = xasprintf("%s.making", path);
    must_rc(fs_write(path, "", 0, 0600, &err), &err);
    must_rc(fs_write(making, "", 0, 0600, &err), &err);
    struct store *s = open_store(STORE_CREATE);
    must_rc(store_check(s, &err), &err);
    store_close(s);
    ok(access(making, F_OK) != 0);
    free(making);
    clean();
}

static void copy_file(const char *from, const char *to)
{
    struct buf b = BUF_INIT(8 << 20);

    must_rc(fs_read(from, &b, &err), &err);
    must_rc(fs_write(to, b.p, b.n, 0600, &err), &err);
    buf_release(&b);
}

TEST(the_log_of_a_deleted_file_does_not_spoil_the_new_one)
{
    char wal[112], kept[112];

    fresh();
    snprintf(wal, sizeof wal, "%s-wal", path);
    snprintf(kept, sizeof kept, "%s/kept", folder);
    struct store *s = open_store(STORE_CREATE);
    must_rc(store_begin(s, &err), &err);
    put_workflow(s, "old");
    must_rc(store_commit(s, &err), &err);
    copy_file(wal, kept);
    store_close(s);
    must(unlink(path) == 0);
    copy_file(kept, wal);
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(flock(dir, LOCK_EX) == 0); /* as cron lines do: flock -n FOLDER orch tick */
    s = open_store(STORE_CREATE);
    close(dir);
    must_rc(store_check(s, &err), &err);
    ok(!has_workflow(s, "old"));
    must_rc(store_begin(s, &err), &err);
    put_workflow(s, "new");
    must_rc(store_commit(s, &err), &err);
    store_close(s);
    s = open_store(STORE_CREATE); /* one that is there keeps its log */
    ok(has_workflow(s, "new"));
    store_close(s);
    clean();
}

TEST(a_migration_cut_off_is_done_again)
{
    fresh();
    pid_t kid = fork();
    if (kid == 0) {
        setenv("ORCH_FAULT", "store.before_commit=kill", 1);
        setenv("STORE_TEST_OPEN", path, 1);
        execl("/proc/self/exe", "store.t", (char *)NULL); /* fault rules are read once a process */
        _exit(1);
    }
    int status = 0;
    waitpid(kid, &status, 0);
    must(WIFSIGNALED(status));
    struct store *s = open_store(STORE_CREATE);
    int found = -1;
    store_version(s, &found);
    is_int(found, 0);
    must_rc(store_check(s, &err), &err);
    store_close(s);
    clean();
}

TEST(every_query_prepares_and_none_scans_a_table_that_grows)
{
    static const char *const big[] = {"event", "object", "job", "load", "reject", NULL};

    fresh();
    struct store *s = open_store(STORE_CREATE);
    for (int i = 0; i < SQL_STATE__COUNT; i++) {
        sqlite3_stmt *st = NULL;
        if (!ok(store_stmt(s, (enum sql_state_id)i, &st, &err) == 0)) {
            diag("%s: %s", sql_state[i].name, err.msg);
            continue;
        }
        if (i == SQL_STATE_COPY_FACTS) /* of a copy, which integrity_check has read whole a moment ago */
            continue;
        char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql_state[i].text);
        must(sqlite3_prepare_v2(store_db(s), explain, -1, &st, NULL) == SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(st, 3);
            char table[64] = "";
            if (sscanf(detail, "SCAN %63s", table) != 1 ||
                strstr(detail, "COVERING INDEX reject_state") != NULL)
                continue; /* of the rejects there may be many, but not of numbers as narrow as these */
            for (size_t k = 0; big[k] != NULL; k++)
                if (!ok(strcmp(table, big[k]) != 0))
                    diag("%s: %s", sql_state[i].name, detail);
        }
        sqlite3_finalize(st);
        free(explain);
    }
    store_close(s);
    clean();
}

TEST(what_was_rolled_back_is_not_there_and_what_was_committed_is)
{
    fresh();
    struct store *s = open_store(STORE_CREATE);
    must_rc(store_begin(s, &err), &err);
    ok(store_in_tx(s));
    put_workflow(s, "a");
    store_rollback(s);
    ok(!store_in_tx(s));
    must_rc(store_begin(s, &err), &err);
    put_workflow(s, "b");
    must_rc(store_commit(s, &err), &err);
    must_rc(store_begin(s, &err), &err);
    put_workflow(s, "c");
    store_close(s);
    s = open_store(STORE_OPEN);
    ok(!has_workflow(s, "a"));
    ok(has_workflow(s, "b"));
    ok(!has_workflow(s, "c"));
    store_close(s);
    clean();
}

TEST(misuse_is_refused_every_time_not_only_under_load)
{
    sqlite3_stmt *st;

    fresh();
    struct store *s = open_store(STORE_CREATE);
    fails(workflow_put(s, "a", "w", "{}", 1, &err), &err, ERR_INTERNAL); /* a write outside a transaction */
    fails(store_commit(s, &err), &err, ERR_INTERNAL);
    must_rc(store_begin(s, &err), &err);
    fails(store_begin(s, &err), &err, ERR_INTERNAL);
    put_workflow(s, "a");
    must_rc(store_commit(s, &err), &err);
    must_rc(store_stmt(s, SQL_STATE_WORKFLOW_GET, &st, &err), &err);
    bind_text(st, 1, "a");
    is_int(stmt_step(s, st, &err), 1);
    fails(store_begin(s, &err), &err, ERR_INTERNAL);                             /* inside a listing */
    fails(store_stmt(s, SQL_STATE_WORKFLOW_GET, &st, &err), &err, ERR_INTERNAL); /* inside itself */
    stmt_done(st);
    must_rc(store_begin(s, &err), &err);
    store_close(s);
    clean();
}

static void hold_lock(int ready)
{
    struct store *s = NULL;

    if (store_open(path, STORE_OPEN, &s, &err) < 0 || store_begin(s, &err) < 0)
        _exit(1);
    say_ready(ready);
    for (;;)
        pause();
}

static void end_child(pid_t kid)
{
    kill(kid, SIGKILL);
    waitpid(kid, NULL, 0);
}

TEST(a_reader_works_beside_a_writer_and_a_second_writer_is_told_who_has_it)
{
    int ready;
    char pid_text[32];

    fresh();
    store_close(open_store(STORE_CREATE));
    pid_t kid = in_child(hold_lock, &ready);
    release();
    wait_ready(ready);
    struct store *r = open_store(STORE_READ);
    ok(!has_workflow(r, "a"));
    fails(store_begin(r, &err), &err, ERR_ACCESS_DENIED);
    struct store *w = open_store(STORE_OPEN);
    store_busy_timeout(w, 50);
    store_takeover(true);
    fails(store_begin(w, &err), &err, ERR_BUSY); /* it lives and runs: even a tick leaves it alone */
    snprintf(pid_text, sizeof pid_text, "process %ld", (long)kid);
    ok(strstr(err.hint, pid_text) != NULL);
    is_int(kill(kid, 0), 0);
    is_str(store_notice(w), "");
    end_child(kid);
    must_rc(store_begin(w, &err), &err);
    store_close(w);
    store_close(r);
    clean();
}

static void stop_child(pid_t kid)
{
    int status = 0;

    kill(kid, SIGSTOP);
    must(waitpid(kid, &status, WUNTRACED) == kid && WIFSTOPPED(status));
}

TEST(a_holder_that_was_stopped_is_ended_by_a_tick_only)
{
    int ready, status = 0;

    fresh();
    store_close(open_store(STORE_CREATE));
    pid_t kid = in_child(hold_lock, &ready);
    release();
    wait_ready(ready);
    stop_child(kid);
    struct store *s = open_store(STORE_OPEN);
    store_busy_timeout(s, 50);
    fails(store_begin(s, &err), &err, ERR_BUSY); /* a command just waits */
    store_takeover(true);
    must_rc(store_begin(s, &err), &err);
    ok(strstr(store_notice(s), "was stopped inside a transaction") != NULL);
    is_str(store_notice(s), ""); /* once */
    store_rollback(s);
    must(waitpid(kid, &status, 0) == kid);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    store_close(s);
    clean();
}

/* An execution that the child claims, lease_ms long. */
static int64_t child_lease_ms;

static void hold_claimed(int ready)
{
    struct store *s = NULL;
    struct execution_new n = {.name = "e1",
                              .pipeline = "p",
                              .workflow_sha256 = "w",
                              .cause_of_start = "RUN",
                              .input = "{}",
                              .start_at = "A",
                              .now_ms = 1};
    struct claim_new c = {.claim = 1,
                          .lock = "1.1",
                          .boot_id = clock_boot_id(),
                          .pid = getpid(),
                          .pid_start = (int64_t)fs_pid_start(getpid()),
                          .lease_boot_ms = clock_boot_ms(),
                          .lease_ms = child_lease_ms};

    if (store_open(path, STORE_OPEN, &s, &err) < 0 || store_begin(s, &err) < 0 ||
        workflow_put(s, "w", "w", "{}", 1, &err) < 0 || exec_create(s, &n, &c.id, &err) < 0 ||
        exec_claim(s, &c, &err) != 1 || store_commit(s, &err) < 0 || store_begin(s, &err) < 0) {
        diag("%s", err.msg);
        _exit(1);
    }
    say_ready(ready);
    for (;;)
        pause();
}

TEST(a_stopped_holder_keeps_the_lock_until_its_lease_is_over)
{
    int ready, status = 0;

    fresh();
    store_close(open_store(STORE_CREATE));
    child_lease_ms = 90000;
    pid_t kid = in_child(hold_claimed, &ready);
    release();
    wait_ready(ready);
    stop_child(kid);
    struct store *s = open_store(STORE_OPEN);
    store_busy_timeout(s, 50);
    store_takeover(true);
    fails(store_begin(s, &err), &err, ERR_BUSY);
    ok(strstr(err.hint, "lease ends in") != NULL);
    is_int(waitpid(kid, &status, WNOHANG), 0);
    end_child(kid);
    store_close(s);
    clean();

    fresh();
    store_close(open_store(STORE_CREATE));
    child_lease_ms = -5000; /* over since 5 s */
    kid = in_child(hold_claimed, &ready);
    release();
    wait_ready(ready);
    stop_child(kid);
    s = open_store(STORE_OPEN);
    store_busy_timeout(s, 50);
    store_takeover(true);
    must_rc(store_begin(s, &err), &err);
    ok(strstr(store_notice(s), "its lease was over") != NULL);
    must(waitpid(kid, &status, 0) == kid);
    store_close(s);
    clean();
}

TEST(asking_who_holds_the_lock_does_not_drop_our_own)
{
    int ready;

    fresh();
    pid_t kid = in_child(hold_lock, &ready);
    struct store *s = open_store(STORE_CREATE);
    must_rc(store_begin(s, &err), &err);
    is_int(stuck_holder(path), getpid()); /* closes descriptors of the -shm file: in its own process */
    release();
    struct pollfd p = {.fd = ready, .events = POLLIN};
    is_int(poll(&p, 1, 300), 0); /* the other still waits for our lock */
    must_rc(store_commit(s, &err), &err);
    wait_ready(ready);
    end_child(kid);
    store_close(s);
    clean();
}

TEST(network_file_systems_are_refused_by_name)
{
    is_str(store_network_fs(0x6969), "NFS");
    is_str(store_network_fs(0xff534d42), "CIFS");
    ok(store_network_fs(0xef53) == NULL);     /* ext4 */
    ok(store_network_fs(0x58465342) == NULL); /* xfs */
}

TEST(a_full_disk_is_said_and_nothing_is_half_written)
{
    fresh();
    /* Seen by this process alone: whatever happens, the mount goes when it does. */
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=512k") < 0)
        skip("needs a mount of its own");
    struct store *s = open_store(STORE_CREATE);
    char *long_text = xmalloc(65536);
    memset(long_text, 'x', 65535);
    long_text[0] = long_text[65534] = '"';
    long_text[65535] = '\0';
    int rc = 0, done = 0;
    while (rc == 0 && done < 100) {
        char sha[16];
        snprintf(sha, sizeof sha, "f%d", done);
        must_rc(store_begin(s, &err), &err);
        rc = workflow_put(s, sha, "w", long_text, 1, &err);
        if (rc == 0)
            rc = store_commit(s, &err);
        store_rollback(s);
        done += rc == 0;
    }
    ok(rc < 0 && err.code == ERR_DISK_FULL);
    ok(err.hint[0] != '\0');
    store_close(s);
    s = open_store(STORE_READ);
    for (int i = 0; i <= done; i++) {
        char sha[16];
        snprintf(sha, sizeof sha, "f%d", i);
        is_int(has_workflow(s, sha), i < done);
    }
    store_close(s);
    free(long_text);
    umount(folder);
    clean();
}
