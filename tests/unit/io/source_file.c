#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/source.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct lake {
    char *dir, *url;
    struct source *s;
    struct source_config config;
};

static struct lake lake_new(void)
{
    struct lake l = {.dir = tmp_dir()};
    struct err err;

    l.url = xasprintf("file://%s", l.dir);
    l.config = (struct source_config){.url = l.url};
    must_rc(source_open(&l.config, &l.s, &err), &err);
    return l;
}

static void lake_free(struct lake *l)
{
    source_close(l->s);
    free(l->dir);
    free(l->url);
}

static void file(const struct lake *l, const char *key, const char *text)
{
    char *path = tmp_path(l->dir, key);

    put_text(path, text);
    free(path);
}

static int collect(void *arg, const struct object_info *o, struct err *err)
{
    return buf_addf(arg, err, "%s|", o->key);
}

static void lists(const struct lake *l, const char *prefix, const char *want)
{
    struct buf keys = BUF_INIT(1 << 20);
    struct err err;

    must_rc(source_list(l->s, prefix, collect, &keys, &err), &err);
    is_str(keys.n > 0 ? keys.p : "", want);
    buf_release(&keys);
}

struct one {
    char key[200];
    struct object_info o;
};

static int take(void *arg, const struct object_info *o, struct err *err)
{
    struct one *one = arg;

    UNUSED(err);
    one->o = *o;
    snprintf(one->key, sizeof one->key, "%s", o->key);
    one->o.key = one->key;
    one->o.etag = "";
    return 0;
}

static struct one info(const struct lake *l, const char *key)
{
    struct one one = {.key = ""};
    struct err err;

    must_rc(source_list(l->s, key, take, &one, &err), &err);
    must(strcmp(one.key, key) == 0);
    one.o.key = NULL; /* of this frame: the caller sets it */
    return one;
}

static int read_all(const struct lake *l, const struct object_info *o, struct buf *ret, struct err *err)
{
    struct reader *r = NULL;
    char chunk[5];
    size_t n = 0;
    int rc = source_get(l->s, o, &r, err);

    buf_clear(ret);
    while (rc == 0) {
        rc = reader_read(r, chunk, sizeof chunk, &n, err);
        if (rc < 0 || n == 0)
            break;
        rc = buf_add(ret, chunk, n, err);
    }
    reader_close(r);
    return rc;
}

TEST(keys_come_in_byte_order_across_folders)
{
    struct lake l = lake_new();

    file(&l, "a/z.csv", "1");
    file(&l, "a/b/c.csv", "1");
    file(&l, "a.csv", "1");
    file(&l, "a-b.csv", "1");
    file(&l, "a0.csv", "1");
    file(&l, "A.csv", "1");
    file(&l, ".hidden", "1");
    file(&l, "\xc3\xa9.csv", "1");
    file(&l, "new\nline.csv", "1");
    file(&l, "100% + x.csv", "1");
    lists(&l, "",
          ".hidden|100% + x.csv|A.csv|a-b.csv|a.csv|a/b/c.csv|a/z.csv|a0.csv|new\nline.csv|\xc3\xa9.csv|");
    lake_free(&l);
}

TEST(a_prefix_is_text_not_a_folder)
{
    struct lake l = lake_new();

    file(&l, "yyyy=2022/mm=06/dd=05/hh=12/f1.csv", "1");
    file(&l, "yyyy=2022/mm=06/dd=05/hh=13/f2.csv", "1");
    file(&l, "yyyy=2022/mm=06/dd=05x", "1");
    file(&l, "yyyy=20223/x", "1");
    lists(&l, "yyyy=2022/mm=06/dd=05/hh=12/", "yyyy=2022/mm=06/dd=05/hh=12/f1.csv|");
    lists(&l, "yyyy=2022/mm=06/dd=05",
          "yyyy=2022/mm=06/dd=05/hh=12/f1.csv|yyyy=2022/mm=06/dd=05/hh=13/f2.csv|yyyy=2022/mm=06/dd=05x|");
    lists(&l, "yyyy=2022",
          "yyyy=2022/mm=06/dd=05/hh=12/f1.csv|yyyy=2022/mm=06/dd=05/hh=13/f2.csv|yyyy=2022/mm=06/"
          "dd=05x|yyyy=20223/x|");
    lists(&l, "yyyy=2022/mm=06/dd=05/hh=12/f1.csv", "yyyy=2022/mm=06/dd=05/hh=12/f1.csv|");
    lists(&l, "yyyy=2022/mm=06/dd=05/hh=12/f1.csv/", "");
    lists(&l, "yyyy=2022/mm=07/", "");
    lists(&l, "nothing", "");
    lake_free(&l);
}

TEST(links_are_followed_and_pipes_are_not_waited_for)
{
    struct lake l = lake_new();
    char *elsewhere = tmp_dir(), *data = tmp_path(elsewhere, "real.csv"), *link = tmp_path(l.dir, "link.csv");
    char *folder = tmp_path(l.dir, "folder"), *pipe = tmp_path(l.dir, "pipe.csv"),
         *dead = tmp_path(l.dir, "dead.csv");
    char *loop = tmp_path(elsewhere, "up");
    struct buf out = BUF_INIT(100);
    struct err err = {0};

    put_text(data, "id\n1\n");
    must(symlink(data, link) == 0 && symlink(elsewhere, folder) == 0 && mkfifo(pipe, 0600) == 0 &&
         symlink("/nonexistent/x", dead) == 0);
    lists(&l, "", "folder/real.csv|link.csv|");
    struct one one = info(&l, "link.csv");
    one.o.key = one.key;
    must_rc(read_all(&l, &one.o, &out, &err), &err);
    is_str(out.p, "id\n1\n");
    one.o.key = "pipe.csv";
    fails(read_all(&l, &one.o, &out, &err), &err, ERR_OBJECT_CHANGED);
    must(symlink(l.dir, loop) == 0);
    fails(source_list(l.s, "", collect, &out, &err), &err, ERR_CONFIG);
    free(elsewhere);
    free(data);
    free(link);
    free(folder);
    free(pipe);
    free(dead);
    free(loop);
    buf_release(&out);
    lake_free(&l);
}

TEST(a_missing_root_is_said)
{
    struct lake l = lake_new();
    struct err err = {0};
    struct buf out = BUF_INIT(100);

    rmdir(l.dir);
    fails(source_list(l.s, "", collect, &out, &err), &err, ERR_NOT_FOUND);
    ok(strstr(err.msg, l.dir) != NULL);
    fails(source_list(l.s, "a/", collect, &out, &err), &err, ERR_NOT_FOUND);
    lake_free(&l);
}

TEST(a_file_is_read_whole_and_its_identity_holds)
{
    struct lake l = lake_new();
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    file(&l, "f.csv", "id,amount\n1,100\n2,200\n");
    file(&l, "empty.csv", "");
    struct one one = info(&l, "f.csv");
    one.o.key = one.key;
    is_int(one.o.size, 22);
    is_int(one.o.modified_ms, one.o.mtime_ns / 1000000);
    must_rc(read_all(&l, &one.o, &out, &err), &err);
    is_str(out.p, "id,amount\n1,100\n2,200\n");
    must_rc(source_peek(l.s, &one.o, 9, &out, &err), &err);
    is_str(out.p, "id,amount");
    must_rc(source_peek(l.s, &one.o, 900, &out, &err), &err);
    is_int(out.n, 22);
    struct one empty = info(&l, "empty.csv");
    empty.o.key = empty.key;
    must_rc(read_all(&l, &empty.o, &out, &err), &err);
    is_int(out.n, 0);
    ok(!source_is_s3(l.s));
    is_str(source_creds_origin(l.s), "");
    is_int(source_clock_skew_ms(l.s), 0);
    buf_release(&out);
    lake_free(&l);
}

TEST(a_file_that_changed_since_it_was_listed_is_refused)
{
    struct lake l = lake_new();
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    file(&l, "f.csv", "id\n1\n");
    struct one one = info(&l, "f.csv");
    one.o.key = one.key;
    one.o.mtime_ns++; /* as if touched a nanosecond later */
    fails(read_all(&l, &one.o, &out, &err), &err, ERR_OBJECT_CHANGED);
    one.o.mtime_ns--;
    one.o.size--;
    fails(read_all(&l, &one.o, &out, &err), &err, ERR_OBJECT_CHANGED);
    one.o.size++;
    char *path = tmp_path(l.dir, "f.csv");
    unlink(path);
    fails(read_all(&l, &one.o, &out, &err), &err, ERR_OBJECT_CHANGED);
    ok(strstr(err.msg, "gone") != NULL);
    free(path);
    buf_release(&out);
    lake_free(&l);
}

/* Opens, reads one piece, lets change happen, and must not be given a good end. */
static void changes(void (*change)(int fd), enum err_code want)
{
    struct lake l = lake_new();
    struct reader *r = NULL;
    struct err err = {0};
    char chunk[4];
    size_t n = 1;
    int rc = 0;

    file(&l, "f.csv", "id,amount\n1,100\n");
    struct one one = info(&l, "f.csv");
    one.o.key = one.key;
    must_rc(source_get(l.s, &one.o, &r, &err), &err);
    must_rc(reader_read(r, chunk, sizeof chunk, &n, &err), &err);
    char *path = tmp_path(l.dir, "f.csv");
    int fd = open(path, O_RDWR);
    must(fd >= 0);
    change(fd);
    close(fd);
    while (rc == 0 && n > 0)
        rc = reader_read(r, chunk, sizeof chunk, &n, &err);
    fails(rc, &err, want);
    reader_close(r);
    free(path);
    lake_free(&l);
}

static void grow(int fd)
{
    must(pwrite(fd, "2,200\n", 6, 16) == 6);
}

static void shrink(int fd)
{
    must(ftruncate(fd, 10) == 0);
}

static void rewrite(int fd)
{
    struct timespec later[2] = {{.tv_nsec = UTIME_OMIT}, {2000000000, 5}};

    must(pwrite(fd, "999", 3, 12) == 3);
    must(futimens(fd, later) == 0); /* whatever the clock's grain */
}

TEST(a_file_that_changes_while_it_is_read_is_refused)
{
    changes(grow, ERR_OBJECT_CHANGED);
    changes(shrink, ERR_OBJECT_CHANGED);
    changes(rewrite, ERR_OBJECT_CHANGED);
}

TEST(no_key_leaves_the_folder)
{
    static const char *const bad[] = {
        "../etc/passwd", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "a/", "", ".."};
    struct lake l = lake_new();
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct object_info o = {.key = bad[i], .etag = ""};
        fails(read_all(&l, &o, &out, &err), &err, ERR_CONFIG);
        fails(source_put(l.s, bad[i], "x", 1, &err), &err, ERR_CONFIG);
    }
    fails(source_list(l.s, "../", collect, &out, &err), &err, ERR_CONFIG);
    fails(source_list(l.s, "/etc/", collect, &out, &err), &err, ERR_CONFIG);
    buf_release(&out);
    lake_free(&l);
}

TEST(put_writes_below_new_folders_and_replaces)
{
    struct lake l = lake_new();
    struct buf out = BUF_INIT(1000);
    struct err err = {0};

    must_rc(source_put(l.s, "yyyy=2022/f.csv", "one", 3, &err), &err);
    must_rc(source_put(l.s, "yyyy=2022/f.csv", "three", 5, &err), &err);
    lists(&l, "", "yyyy=2022/f.csv|");
    struct one one = info(&l, "yyyy=2022/f.csv");
    one.o.key = one.key;
    must_rc(read_all(&l, &one.o, &out, &err), &err);
    is_str(out.p, "three");
    buf_release(&out);
    lake_free(&l);
}

static int refuse(void *arg, const struct object_info *o, struct err *err)
{
    UNUSED(o);
    ++*(int *)arg;
    return err_set(err, ERR_CANCELLED, "enough");
}

static int lost(void *arg, struct err *err)
{
    UNUSED(arg);
    return err_set(err, ERR_LOCK_LOST, "taken over");
}

TEST(the_caller_ends_a_listing_and_the_beat_everything)
{
    struct lake l = lake_new();
    const struct beat b = {lost, NULL};
    struct err err = {0};
    int calls = 0;

    file(&l, "a", "1");
    file(&l, "b", "1");
    fails(source_list(l.s, "", refuse, &calls, &err), &err, ERR_CANCELLED);
    is_str(err.msg, "enough");
    is_int(calls, 1);
    source_close(l.s);
    l.config.beat = &b;
    must_rc(source_open(&l.config, &l.s, &err), &err);
    fails(source_list(l.s, "", refuse, &calls, &err), &err, ERR_LOCK_LOST);
    lake_free(&l);
}

TEST(the_test_clock_moves_what_is_listed)
{
    struct lake l = lake_new();

    file(&l, "a", "1");
    struct one before = info(&l, "a");
    source_close(l.s);
    l.config.clock_shift_ms = -3600000;
    struct err err;
    must_rc(source_open(&l.config, &l.s, &err), &err);
    struct one after = info(&l, "a");
    is_int(after.o.modified_ms, before.o.modified_ms - 3600000);
    is_int(after.o.mtime_ns, before.o.mtime_ns); /* the identity stays */
    lake_free(&l);
}

TEST(urls_that_are_none)
{
    static const char *const bad[] = {"http://x/", "/tmp",       "file://",   "s3://", "s3:///x",
                                      "s3://a",    "s3://b..b/", "s3://b@d/", ""};
    struct source *s = NULL;
    struct err err = {0};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct source_config c = {.url = bad[i]};
        fails(source_open(&c, &s, &err), &err, ERR_CONFIG);
    }
    struct source_config c = {.url = "s3://bucket/", .endpoint = "https://user:secret@host/"};
    fails(source_open(&c, &s, &err), &err, ERR_CONFIG);
    ok(strstr(err.msg, "secret") == NULL);
}
