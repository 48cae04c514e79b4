#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/hash.h"
#include "io/sink.h"
#include "tests/lib/run.h"
#include "tests/lib/sinks.h"
#include "tests/tap.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char *dir, *url;
    struct source_config config;
    struct sink *s;
    struct err err;
};

static void open_at(struct place *p, char *dir)
{
    *p = (struct place){.dir = dir, .url = xasprintf("file://%s/out", dir)};
    p->config.url = p->url;
    must_rc(sink_open(&p->config, &p->s, &p->err), &p->err);
}

static void fresh(struct place *p)
{
    open_at(p, tmp_dir());
}

static void done(struct place *p)
{
    sink_close(p->s);
    free(p->url);
    free(p->dir);
}

static char *path_of(const struct place *p, const char *key)
{
    return xasprintf("%s/out/%s", p->dir, key);
}

static int put(struct place *p, const char *key, const void *bytes, size_t n, struct uploaded *ret)
{
    struct upload *u;
    int rc = sink_upload(p->s, key, &u, &p->err);

    if (rc < 0)
        return rc;
    rc = upload_write(u, bytes, n, &p->err);
    if (rc < 0) {
        upload_abort(u);
        return rc;
    }
    return upload_finish(u, ret, &p->err);
}

/* All names in a folder, dotted ones too. */
static int names_in(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    if (d == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void holds(const struct place *p, const char *key, const void *want, size_t want_n)
{
    char *path = path_of(p, key);
    size_t n;
    char *got = get_file(path, &n);

    is_mem(got, n, want, want_n);
    free(got);
    free(path);
}

TEST(a_file_appears_whole_and_under_its_name_only)
{
    struct place p;
    struct upload *u;
    struct uploaded got = {0};
    char sum[SHA256_HEX];
    size_t n = 3 * MIB + 17;
    char *bytes = xmalloc(n), *folder, *path;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 >> 3);
    fresh(&p);
    path = path_of(&p, "a/b/x.csv");
    folder = path_of(&p, "a/b");
    must_rc(sink_upload(p.s, "a/b/x.csv", &u, &p.err), &p.err);
    for (size_t at = 0, step = 1; at < n; at += step, step = step * 3 + 1)
        must_rc(upload_write(u, bytes + at, n - at < step ? n - at : step, &p.err), &p.err);
    ok(access(path, F_OK) < 0);
    is_int(names_in(folder), 1);
    must_rc(upload_finish(u, &got, &p.err), &p.err);
    is_int(names_in(folder), 1);
    holds(&p, "a/b/x.csv", bytes, n);
    sha256_hex(bytes, n, sum);
    is_str(got.sha256, sum);
    is_int(got.bytes, n);
    is_str(got.etag, "");
    must_rc(put(&p, "a/b/x.csv", "short", 5, &got), &p.err);
    holds(&p, "a/b/x.csv", "short", 5);
    must_rc(sink_upload(p.s, "a/b/empty", &u, &p.err), &p.err);
    must_rc(upload_finish(u, &got, &p.err), &p.err);
    holds(&p, "a/b/empty", "", 0);
    is_int(got.bytes, 0);
    free(bytes);
    free(path);
    free(folder);
    done(&p);
}

TEST(pieces_that_are_given_make_the_same_file)
{
    size_t n = SINK_PIECE + 300000;
    struct uploaded got = {0};
    struct upload *u;
    struct place p;
    char *bytes = xmalloc(n), sum[SHA256_HEX];

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 >> 3);
    fresh(&p);
    struct sink_sum *m = sink_sum_new(p.s);
    struct sink_piece first = {.p = bytes, .n = SINK_PIECE},
                      last = {.p = bytes + SINK_PIECE, .n = n - SINK_PIECE, .last = true};
    sink_sum_add(m, first.p, first.n);
    sink_sum_piece(m, &first);
    sink_sum_add(m, last.p, last.n);
    sink_sum_piece(m, &last);
    sink_sum_free(m);
    is_str(first.md5, "");
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    must_rc(upload_give(u, &first, &p.err), &p.err);
    must_rc(upload_give(u, &last, &p.err), &p.err);
    must_rc(upload_finish(u, &got, &p.err), &p.err);
    holds(&p, "x", bytes, n);
    sha256_hex(bytes, n, sum);
    is_str(got.sha256, sum);
    is_int(got.bytes, n);
    free(bytes);
    done(&p);
}

TEST(what_is_aborted_leaves_the_old_file_and_nothing_else)
{
    struct place p;
    struct upload *u;
    struct uploaded got;
    char *out, *big = xcalloc(1, MIB);

    fresh(&p);
    out = path_of(&p, "");
    must_rc(put(&p, "x", "old", 3, &got), &p.err);
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    must_rc(upload_write(u, big, MIB, &p.err), &p.err);
    is_int(names_in(out), 2);
    upload_abort(u);
    is_int(names_in(out), 1);
    holds(&p, "x", "old", 3);
    must_rc(sink_upload(p.s, "never", &u, &p.err), &p.err);
    upload_abort(u); /* before the first byte */
    upload_abort(NULL);
    is_int(names_in(out), 1);
    is_str(sink_left(p.s), "");
    free(big);
    free(out);
    done(&p);
}

TEST(keys_that_leave_the_folder_are_refused)
{
    static const char *const keys[] = {"", "/x", "x/", "a//b", "..", "../x", "a/../b", ".", "a/./b", "a/.."};
    struct place p;
    struct uploaded got;
    struct buf out = BUF_INIT(10);
    char *longest = xmalloc(MAX_KEY + 2);

    fresh(&p);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        fails(put(&p, keys[i], "x", 1, &got), &p.err, ERR_CONFIG);
        fails(sink_put_new(p.s, keys[i], "x", 1, &p.err), &p.err, ERR_CONFIG);
        fails(sink_read(p.s, keys[i], &out, &p.err), &p.err, ERR_CONFIG);
        fails(sink_remove(p.s, keys[i], &p.err), &p.err, ERR_CONFIG);
    }
    memset(longest, 'x', MAX_KEY + 1);
    longest[MAX_KEY + 1] = '\0';
    fails(put(&p, longest, "x", 1, &got), &p.err, ERR_TOO_LARGE);
    is_int(names_in(p.dir), 0);
    free(longest);
    done(&p);
}

TEST(odd_keys_are_written_listed_read_and_removed)
{
    static const char *const keys[] = {"a b", "a%2Fb", "a+b", "new\nline", "..x", "\xc3\xa9t\xc3\xa9/100%"};
    struct place p;
    struct uploaded got;
    struct buf all = BUF_INIT(10000), out = BUF_INIT(6);

    fresh(&p);
    must_rc(sink_list(p.s, "", sinks_collect, &all, &p.err), &p.err); /* no folder yet */
    is_int(all.n, 0);
    is_int(sink_read(p.s, "a b", &out, &p.err), 0);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        must_rc(put(&p, keys[i], keys[i], 3, &got), &p.err);
    must_rc(sink_list(p.s, "", sinks_collect, &all, &p.err), &p.err);
    is_str(all.p, "..x=3|a b=3|a%2Fb=3|a+b=3|new\nline=3|\xc3\xa9t\xc3\xa9/100%=3|");
    buf_clear(&all);
    must_rc(sink_list(p.s, "\xc3\xa9t\xc3\xa9/", sinks_collect, &all, &p.err), &p.err);
    is_str(all.p, "\xc3\xa9t\xc3\xa9/100%=3|");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        is_int(sink_read(p.s, keys[i], &out, &p.err), 1);
        is_mem(out.p, out.n, keys[i], 3);
        must_rc(sink_remove(p.s, keys[i], &p.err), &p.err);
        is_int(sink_read(p.s, keys[i], &out, &p.err), 0);
        is_int(out.n, 0);
        must_rc(sink_remove(p.s, keys[i], &p.err), &p.err);
    }
    must_rc(put(&p, "x", "1234567", 7, &got), &p.err);
    fails(sink_read(p.s, "x", &out, &p.err), &p.err, ERR_TOO_LARGE);
    buf_release(&all);
    buf_release(&out);
    done(&p);
}

TEST(put_new_does_not_touch_what_is_there)
{
    struct place p;
    char *out, *link_path;

    fresh(&p);
    out = path_of(&p, "m");
    is_int(sink_put_new(p.s, "m/x", "first", 5, &p.err), 1);
    is_int(sink_put_new(p.s, "m/x", "second", 6, &p.err), 0);
    is_int(sink_put_new(p.s, "m/x", "first", 5, &p.err), 0);
    holds(&p, "m/x", "first", 5);
    is_int(names_in(out), 1);
    link_path = path_of(&p, "m/link");
    must(symlink("nowhere", link_path) == 0);
    fails(sink_put_new(p.s, "m/link", "x", 1, &p.err), &p.err, ERR_IO);
    is_int(names_in(out), 2);
    free(link_path);
    free(out);
    done(&p);
}

static void holds_raced(void *arg, const char *key, const void *want, size_t n)
{
    holds(arg, key, want, n);
}

TEST(of_several_that_put_a_new_file_one_does)
{
    struct place p;

    fresh(&p);
    sinks_race(&p.config, 50, holds_raced, &p);
    char *out = path_of(&p, "");
    is_int(names_in(out), 50);
    free(out);
    done(&p);
}

TEST(a_full_disk_is_said_and_nothing_stays)
{
    struct place p;
    struct upload *u;
    struct uploaded got;
    char *dir = tmp_dir(), *chunk = xcalloc(1, 100000), *out;
    int rc = 0;

    /* Seen by this process alone: whatever happens, the mount goes when it does. */
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=1m") < 0)
        skip("needs a mount of its own");
    open_at(&p, dir);
    out = path_of(&p, "");
    must_rc(put(&p, "x", "old", 3, &got), &p.err);
    must_rc(sink_upload(p.s, "x", &u, &p.err), &p.err);
    for (int i = 0; i < 20 && rc == 0; i++)
        rc = upload_write(u, chunk, 100000, &p.err);
    fails(rc, &p.err, ERR_DISK_FULL);
    p.err = (struct err){0};
    fails(upload_finish(u, &got, &p.err), &p.err, ERR_DISK_FULL); /* and again at the end */
    is_int(names_in(out), 1);
    holds(&p, "x", "old", 3);
    char *big = xcalloc(1, 2 * MIB);
    fails(sink_put_new(p.s, "y", big, 2 * MIB, &p.err), &p.err, ERR_DISK_FULL);
    is_int(names_in(out), 1);
    umount(dir);
    free(big);
    free(chunk);
    free(out);
    done(&p);
}

TEST(a_file_over_the_limit_of_the_process_is_an_error_and_not_its_end)
{
    struct place p;
    struct uploaded got;
    struct rlimit before, small;
    char *big = xcalloc(1, 2 * MIB), *out;

    fresh(&p);
    out = path_of(&p, "");
    must(getrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = MIB;
    must(setrlimit(RLIMIT_FSIZE, &small) == 0);
    fails(put(&p, "x", big, 2 * MIB, &got), &p.err, ERR_IO);
    setrlimit(RLIMIT_FSIZE, &before);
    is_int(names_in(out), 0);
    free(big);
    free(out);
    done(&p);
}

static int begins_with_a(void *arg, const char *key)
{
    int r = 0;
    struct err err;

    r = buf_addf(arg, &err, "%s|", key);
    return r == 0 && strstr(key, "/a") != NULL;
}

TEST(abandoned_files_are_found_by_their_key)
{
    static const char *const keys[] = {"t/a.csv", "t/b.csv", "t/deep/a", "u/a.csv"};
    struct place p;
    struct upload *u[ARRAY_LEN(keys)];
    struct uploaded got;
    struct buf asked = BUF_INIT(1000), all = BUF_INIT(1000);
    char *chunk = xcalloc(1, MIB), *folder, *path;

    fresh(&p);
    is_int(sink_abandon(p.s, "t/", begins_with_a, &asked, &p.err), 0);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        must_rc(sink_upload(p.s, keys[i], &u[i], &p.err), &p.err);
        must_rc(upload_write(u[i], chunk, MIB, &p.err), &p.err);
    }
    must_rc(put(&p, "t/a.whole", "x", 1, &got), &p.err);
    path = path_of(&p, "t/.a.orch-12-xyz.tmp"); /* nearly one */
    put_text(path, "mine");
    must_rc(sink_list(p.s, "", sinks_collect, &all, &p.err), &p.err);
    is_str(all.p, "t/.a.orch-12-xyz.tmp=4|t/a.whole=1|");
    is_int(sink_abandon(p.s, "t/", begins_with_a, &asked, &p.err), 2);
    ok(asked.p != NULL && strstr(asked.p, "t/b.csv|") != NULL && strstr(asked.p, "u/a.csv") == NULL);
    folder = path_of(&p, "t");
    is_int(names_in(folder), 4); /* a.whole, the near one, deep, and b.csv's */
    is_int(sink_abandon(p.s, "t/b", begins_with_a, &asked, &p.err), 0);
    is_int(sink_abandon(p.s, "", begins_with_a, &asked, &p.err), 1);
    is_int(sink_abandon(p.s, "t/b", NULL, NULL, &p.err), 1);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        upload_abort(u[i]); /* what was taken away is no fault */
    is_str(sink_left(p.s), "");
    is_int(names_in(folder), 3); /* a.whole, the near one, deep */
    buf_release(&asked);
    buf_release(&all);
    free(chunk);
    free(folder);
    free(path);
    done(&p);
}

TEST(a_stopped_run_leaves_nothing)
{
    struct place p;
    struct uploaded got;
    int left = 100;
    const struct beat b = {sinks_stop, &left};
    char *out;

    fresh(&p);
    p.config.beat = &b;
    sink_close(p.s);
    must_rc(sink_open(&p.config, &p.s, &p.err), &p.err);
    out = path_of(&p, "");
    must_rc(put(&p, "x", "old", 3, &got), &p.err);
    left = 1;
    fails(put(&p, "x", "new", 3, &got), &p.err, ERR_CANCELLED);
    holds(&p, "x", "old", 3);
    is_int(names_in(out), 1);
    free(out);
    done(&p);
}

TEST(only_a_plain_file_is_replaced)
{
    struct place p;
    struct uploaded got;
    char *path;

    fresh(&p);
    must_rc(put(&p, "folder/x", "x", 1, &got), &p.err);
    fails(put(&p, "folder", "x", 1, &got), &p.err, ERR_IO);
    ok(put(&p, "folder/x/y", "x", 1, &got) < 0);
    path = path_of(&p, "");
    is_int(names_in(path), 1);
    fails(sink_open(&(struct source_config){.url = "ftp://x/"}, &p.s, &p.err), &p.err, ERR_CONFIG);
    free(path);
    done(&p);
}
