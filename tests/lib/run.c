#include "tests/lib/run.h"
#include "base/fs.h"
#include "base/mem.h"
#include "tests/tap.h"
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];
static pid_t root_owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    UNUSED(st);
    UNUSED(type);
    UNUSED(ftw);
    remove(path);
    return 0;
}

static void remove_root(void)
{
    if (getpid() != root_owner) /* a forked child of a test leaves too */
        return;
    if (getenv("ORCH_TEST_KEEP") != NULL)
        tap_diag("kept: %s", root);
    else
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *tmp_dir(void)
{
    static int count;

    if (root[0] == '\0') {
        memcpy(root, "/tmp/orch-c.XXXXXX", 19);
        must(mkdtemp(root) != NULL);
        root_owner = getpid();
        atexit(remove_root);
    }
    char *dir = xasprintf("%s/%d", root, ++count);
    must(mkdir(dir, 0755) == 0);
    return dir;
}

char *tmp_path(const char *dir, const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

void put_file(const char *path, const void *p, size_t n)
{
    struct err err;
    char *dir = fs_dirname(path);

    must_rc(fs_mkdir_p(dir, &err), &err);
    free(dir);
    FILE *f = fopen(path, "wbe");
    must(f != NULL);
    bool written = n == 0 || fwrite(p, 1, n, f) == n;
    must(fclose(f) == 0 && written);
}

void put_text(const char *path, const char *text)
{
    put_file(path, text, strlen(text));
}

/* All of fd as it comes; false at its end. */
static bool drain(int fd, struct buf *b)
{
    struct err err;

    must_rc(buf_reserve(b, 65536, &err), &err);
    ssize_t got = read(fd, b->p + b->n, 65536);
    if (got > 0)
        b->n += (size_t)got;
    return got > 0 || (got < 0 && errno == EINTR);
}

static char *take(struct buf *b, size_t *ret_n)
{
    *ret_n = b->n;
    if (b->p != NULL)
        b->p[b->n] = '\0'; /* buf_reserve keeps room for it */
    return buf_take(b);
}

char *get_file(const char *path, size_t *ret_n)
{
    struct buf b = BUF_INIT((size_t)1 << 30);
    size_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        tap_diag("%s: %s", path, strerror(errno));
    must(fd >= 0);
    while (drain(fd, &b))
        continue;
    close(fd);
    return take(&b, ret_n != NULL ? ret_n : &n);
}

static NORETURN void child(const char *const argv[], int in, int out, int err)
{
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Input goes through a file, so that a command which never reads cannot block us. */
static int input_fd(const char *in)
{
    char path[] = "/tmp/orch-in.XXXXXX";

    if (in == NULL)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = mkostemp(path, O_CLOEXEC);
    must(fd >= 0);
    unlink(path);
    size_t n = strlen(in);
    must(write(fd, in, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

void run(struct ran *ret, const char *in, const char *const argv[])
{
    struct buf text[2] = {BUF_INIT((size_t)1 << 30), BUF_INIT((size_t)1 << 30)};
    int out[2], err[2], status = 0, open_ends = 2;

    must(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    int in_fd = input_fd(in);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0)
        child(argv, in_fd, out[1], err[1]);
    close(in_fd);
    close(out[1]);
    close(err[1]);
    struct pollfd fds[2] = {{.fd = out[0], .events = POLLIN}, {.fd = err[0], .events = POLLIN}};
    while (open_ends > 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0 && !drain(fds[i].fd, &text[i])) {
                close(fds[i].fd);
                fds[i].fd = -1;
                open_ends--;
            }
        }
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    ret->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    ret->out = take(&text[0], &ret->out_n);
    ret->err = take(&text[1], &ret->err_n);
}

void ran_release(struct ran *r)
{
    free(r->out);
    free(r->err);
    *r = (struct ran){0};
}

char *run_ok(const char *const argv[])
{
    struct ran r;

    run(&r, NULL, argv);
    if (r.status != 0)
        tap_diag("%s: exit status %d\n%s%s", argv[0], r.status, r.out, r.err);
    must(r.status == 0);
    free(r.err);
    return r.out;
}

/* The project's folder: from the environment as ctest gives it, else from where this file was compiled. */
static char *source_path(const char *name)
{
    const char *dir = getenv("ORCH_SOURCE");

    return dir != NULL
               ? xasprintf("%s/%s", dir, name)
               : xasprintf("%.*s%s", (int)(strlen(__FILE__) - strlen("tests/lib/run.c")), __FILE__, name);
}

int free_ports(void)
{
    char *script = source_path("tests/servers/ports.sh"), pid[32];

    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    char *text = RUN_OK(script, pid);
    int port = (int)strtol(text, NULL, 10);
    free(text);
    free(script);
    must(port > 1024);
    return port;
}

int have_program(const char *name)
{
    struct ran r;

    run(&r, NULL,
        (const char *const[]){"sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; command -v \"$1\"", "sh", name, NULL});
    int found = r.status == 0;
    ran_release(&r);
    return found;
}

static bool demanded(const char *what)
{
    const char *list = getenv("ORCH_TEST_NEED");
    size_t n = strlen(what);

    for (; list != NULL && *list != '\0'; list += strcspn(list, ","), list += *list == ',') {
        size_t len = strcspn(list, ",");
        if ((len == n && memcmp(list, what, n) == 0) || (len == 3 && memcmp(list, "all", 3) == 0))
            return true;
    }
    return false;
}

void need(const char *what, const char *const programs[])
{
    for (int i = 0; programs[i] != NULL; i++) {
        if (have_program(programs[i]))
            continue;
        if (demanded(what)) {
            tap_diag("%s is not installed, and ORCH_TEST_NEED asks for %s (./dev setup)", programs[i], what);
            must(false && "what ORCH_TEST_NEED lists is installed");
        }
        tap_skip("no %s on this machine: %s is not installed (./dev setup)", what, programs[i]);
    }
}
