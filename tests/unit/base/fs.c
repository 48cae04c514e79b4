#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(write_replaces_as_a_whole_and_leaves_no_other_file)
{
    struct buf b = BUF_INIT(100);
    struct err err;
    struct stat st;
    char *dir = tmp_dir(), *path = tmp_path(dir, "x");

    must_rc(fs_write(path, "first", 5, 0600, &err), &err);
    must_rc(fs_write(path, "second", 6, 0640, &err), &err);
    must_rc(fs_read(path, &b, &err), &err);
    is_str(b.p, "second");
    must(stat(path, &st) == 0);
    is_int(st.st_mode & 0777, 0640);
    char *names = RUN_OK("ls", "-A", dir);
    is_str(names, "x\n");
    free(names);
    buf_release(&b);
    free(path);
    free(dir);
}

/* The other file's name can be guessed: nothing is written through a link that lies there. */
TEST(write_follows_no_link)
{
    struct buf b = BUF_INIT(100);
    struct err err;
    char *dir = tmp_dir(), *path = tmp_path(dir, "x"), *victim = tmp_path(dir, "victim");
    char *tmp = xasprintf("%s.tmp.%ld", path, (long)getpid());

    put_text(victim, "mine");
    must(symlink(victim, tmp) == 0);
    must_rc(fs_write(path, "text", 4, 0600, &err), &err);
    must_rc(fs_read(victim, &b, &err), &err);
    is_str(b.p, "mine");
    must_rc(fs_read(path, &b, &err), &err);
    is_str(b.p, "text");
    buf_release(&b);
    free(tmp);
    free(victim);
    free(path);
    free(dir);
}

/* The user root may write /dev/null, and may rename a file over it. */
TEST(write_takes_the_place_of_a_plain_file_alone)
{
    struct err err;
    struct stat st;
    char *dir = tmp_dir(), *fifo = tmp_path(dir, "fifo"), *link = tmp_path(dir, "link");

    must(mkfifo(fifo, 0600) == 0 && symlink(fifo, link) == 0);
    fails(fs_write(fifo, "x", 1, 0600, &err), &err, ERR_IO);
    must(lstat(fifo, &st) == 0);
    ok(S_ISFIFO(st.st_mode));
    fails(fs_write(link, "x", 1, 0600, &err), &err, ERR_IO);
    must(lstat(link, &st) == 0);
    ok(S_ISLNK(st.st_mode));
    fails(fs_write(dir, "x", 1, 0600, &err), &err, ERR_IO);
    ok(strstr(err.msg, "is no plain file: nothing was written") != NULL);
    char *names = RUN_OK("ls", "-A", dir);
    is_str(names, "fifo\nlink\n");
    free(names);
    free(link);
    free(fifo);
    free(dir);
}

TEST(read_has_a_limit_and_names_the_file)
{
    struct buf b = BUF_INIT(4);
    struct err err;
    char *dir = tmp_dir(), *path = tmp_path(dir, "x"), *none = tmp_path(dir, "none");

    put_text(path, "12345");
    fails(fs_read(path, &b, &err), &err, ERR_TOO_LARGE);
    ok(str_starts(err.msg, path));
    fails(fs_read(none, &b, &err), &err, ERR_NOT_FOUND);
    ok(strstr(err.msg, none) != NULL);
    buf_release(&b);
    free(none);
    free(path);
    free(dir);
}

TEST(folders_are_made_once_or_found)
{
    struct err err;
    struct stat st;
    char *dir = tmp_dir(), *deep = tmp_path(dir, "a/b//c/"), *file = tmp_path(dir, "file"),
         *under = tmp_path(dir, "file/x");

    must_rc(fs_mkdir_p(deep, &err), &err);
    must_rc(fs_mkdir_p(deep, &err), &err);
    must_rc(fs_mkdir_p("/", &err), &err);
    ok(stat(deep, &st) == 0 && S_ISDIR(st.st_mode));
    put_text(file, "");
    ok(fs_mkdir_p(file, &err) < 0); /* a file is no folder, though something is there */
    ok(fs_mkdir_p(under, &err) < 0);
    ok(fs_mkdir_p("", &err) < 0);
    free(under);
    free(file);
    free(deep);
    free(dir);
}

TEST(paths)
{
    static const struct {
        const char *dir, *name, *want;
    } joins[] = {
        {"/a", "b", "/a/b"}, {"/a/", "b", "/a/b"}, {"/a", "/b", "/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    static const char *const dirs[][2] = {{"/a/b", "/a"}, {"/a", "/"}, {"a", "."}, {"a/b", "a"}, {"/", "/"}};

    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        char *path = fs_join(joins[i].dir, joins[i].name);
        is_str(path, joins[i].want);
        free(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        char *dir = fs_dirname(dirs[i][0]);
        is_str(dir, dirs[i][1]);
        free(dir);
    }
}

TEST(a_secret_that_others_may_read_is_refused)
{
    struct err err;
    char *secret = NULL, *dir = tmp_dir(), *path = tmp_path(dir, "db.secret");

    put_text(path, "pass word\r\n");
    must(chmod(path, 0600) == 0);
    must_rc(fs_read_secret(path, &secret, &err), &err);
    is_str(secret, "pass word");
    free(secret);
    must(chmod(path, 0640) == 0);
    fails(fs_read_secret(path, &secret, &err), &err, ERR_ACCESS_DENIED);
    ok(strstr(err.hint, "chmod 600") != NULL);
    ok(strstr(err.msg, "pass word") == NULL);
    free(path);
    free(dir);
}

TEST(a_credential_may_have_the_mask_of_an_acl)
{
    static const char *const bad[] = {"", "..", ".hidden", "../db", "a/b"};
    struct err err = {0};
    char *secret = NULL, *dir = tmp_dir(), *path = tmp_path(dir, "db");

    put_text(path, "pass word\n");
    must(chmod(path, 0440) == 0);
    must_rc(fs_read_credential(dir, "db", &secret, &err), &err);
    is_str(secret, "pass word");
    free(secret);
    must(chmod(path, 0444) == 0);
    fails(fs_read_credential(dir, "db", &secret, &err), &err, ERR_ACCESS_DENIED);
    must(chmod(path, 0460) == 0);
    fails(fs_read_credential(dir, "db", &secret, &err), &err, ERR_ACCESS_DENIED);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        fails(fs_read_credential(dir, bad[i], &secret, &err), &err, ERR_CONFIG);
        ok(strstr(err.msg, "is no name of a credential") != NULL);
    }
    fails(fs_read_credential(dir, "gone", &secret, &err), &err, ERR_CONFIG);
    ok(strstr(err.hint, "LoadCredential=gone:FILE") != NULL);
    fails(fs_read_credential(NULL, "db", &secret, &err), &err, ERR_CONFIG);
    ok(strstr(err.msg, "CREDENTIALS_DIRECTORY is not set") != NULL);
    free(path);
    free(dir);
}

TEST(a_process_is_known_by_its_start)
{
    unsigned long long mine = fs_pid_start(getpid());

    ok(mine > 0);
    ok(fs_pid_start(getpid()) == mine);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0)
        for (;;)
            pause();
    ok(fs_pid_start(pid) >= mine);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    is_int(fs_pid_start(pid), 0);
}
