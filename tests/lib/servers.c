#include "tests/lib/servers.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_STARTED = 32 };

/* What is to be ended with the program: a script with its folder, or a process. */
static struct {
    char *script, *dir;
    long pid;
} started[MAX_STARTED];
static int started_n;
static pid_t owner;

static char *script_path(const char *name)
{
    const char *dir = getenv("ORCH_SOURCE");

    return dir != NULL ? xasprintf("%s/tests/servers/%s", dir, name)
                       : xasprintf("%.*sservers/%s", (int)(strlen(__FILE__) - strlen("lib/servers.c")),
                                   __FILE__, name);
}

static void end_all(void)
{
    if (getpid() != owner)
        return;
    while (started_n-- > 0) {
        if (started[started_n].pid > 0) {
            kill((pid_t)started[started_n].pid, SIGKILL);
            waitpid((pid_t)started[started_n].pid, NULL, 0);
            continue;
        }
        struct ran r;
        run(&r, NULL, (const char *const[]){started[started_n].script, "kill", started[started_n].dir, NULL});
        ran_release(&r);
    }
}

static void remember(const char *script, const char *dir, long pid)
{
    char text[32];

    must(started_n < MAX_STARTED);
    if (owner == 0) {
        /* for the end that atexit does not see: the scripts' guard watches this pid */
        owner = getpid();
        snprintf(text, sizeof text, "%ld", (long)owner);
        setenv("ORCH_TEST_OWNER", text, 1);
        atexit(end_all);
    }
    started[started_n].script = script != NULL ? xstrdup(script) : NULL;
    started[started_n].dir = dir != NULL ? xstrdup(dir) : NULL;
    started[started_n++].pid = pid;
}

static void mariadb_up(const struct test_mariadb *m, const char *const options[])
{
    char *script = script_path("mariadb.sh"), port[16];
    const char *argv[24] = {script, "start", m->dir, port};

    snprintf(port, sizeof port, "%d", m->port);
    for (int i = 0; options != NULL && options[i] != NULL && i < 16; i++)
        argv[4 + i] = options[i];
    free(run_ok(argv));
    free(script);
}

const struct test_mariadb *test_mariadb_new(const char *const options[])
{
    need("mysql", (const char *const[]){"mariadbd", "mariadb-install-db", "mariadb", NULL});
    static struct test_mariadb all[MAX_STARTED]; /* they live as long as the program, and so do their names */
    static int count;
    char *script = script_path("mariadb.sh"), *dir = tmp_dir();

    must(count < MAX_STARTED);
    struct test_mariadb *m = &all[count++];
    m->dir = dir;
    m->socket = tmp_path(dir, "sock");
    m->port = free_ports();
    remember(script, dir, 0);
    free(script);
    mariadb_up(m, options);
    return m;
}

const struct test_mariadb *test_mariadb(void)
{
    static const struct test_mariadb *one;

    if (one == NULL)
        one = test_mariadb_new(NULL);
    return one;
}

const struct test_mariadb *test_mysql(bool *ret_is_oracle)
{
    static struct test_mariadb named;
    const char *text = getenv("ORCH_TEST_MYSQL"), *colon = text != NULL ? strrchr(text, ':') : NULL;

    *ret_is_oracle = colon != NULL;
    if (colon == NULL)
        return test_mariadb();
    named.socket = xstrndup(text, (size_t)(colon - text));
    named.port = (int)strtol(colon + 1, NULL, 10);
    named.dir = "";
    return &named;
}

void test_mariadb_kill(const struct test_mariadb *m)
{
    char *script = script_path("mariadb.sh");

    free(RUN_OK(script, "kill", m->dir));
    free(script);
}

void test_mariadb_again(const struct test_mariadb *m)
{
    mariadb_up(m, NULL);
}

char *test_mariadb_sql(const struct test_mariadb *m, const char *sql)
{
    return RUN_OK("mariadb", "--no-defaults", "-uroot", "-S", m->socket, "--default-character-set=utf8mb4",
                  "-N", "-B", "-e", sql);
}

char *test_mariadb_in(const struct test_mariadb *m, const char *database, const char *sql)
{
    char *all = xasprintf("USE %s; %s", database, sql), *out = test_mariadb_sql(m, all);
    size_t n = strlen(out);

    free(all);
    while (n > 0 && out[n - 1] == '\n')
        out[--n] = '\0';
    return out;
}

const struct test_s3 *test_s3(void)
{
    static struct test_s3 *one;

    if (one != NULL)
        return one;
    need("s3",
         (const char *const[]){"ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "curl", NULL});
    char *script = script_path("rgw.sh"), port[16];
    struct test_s3 *s = xcalloc(1, sizeof *s);
    s->dir = tmp_dir();
    s->port = free_ports();
    s->endpoint = xasprintf("http://127.0.0.1:%d", s->port);
    s->key = "orch-test-access-key";
    s->secret = "orch-test-secret/with+both=signs";
    remember(script, s->dir, 0);
    snprintf(port, sizeof port, "%d", s->port);
    free(RUN_OK(script, "start", s->dir, port));
    free(script);
    one = s;
    return one;
}

void test_s3_kill(const struct test_s3 *s)
{
    char *script = script_path("rgw.sh");

    free(RUN_OK(script, "kill-rgw", s->dir));
    free(script);
}

void test_s3_again(const struct test_s3 *s)
{
    char *script = script_path("rgw.sh");

    free(RUN_OK(script, "start-rgw", s->dir));
    free(script);
}

/* The stand-in client signs by itself, so that a bucket is there whatever our own signing does. */
static struct ran s3_client(const struct test_s3 *s, const char *const words[4])
{
    char *script = script_path("../lib/s3.py"), *key = xasprintf("AWS_ACCESS_KEY_ID=%s", s->key);
    char *secret = xasprintf("AWS_SECRET_ACCESS_KEY=%s", s->secret);
    struct ran r;

    run(&r, NULL,
        (const char *const[]){"env", "-u", "AWS_SESSION_TOKEN", key, secret, "AWS_REGION=us-east-1",
                              "python3", script, s->endpoint, words[0], words[1], words[2], words[3], NULL});
    if (r.status != 0)
        tap_diag("%s", r.err);
    must(r.status == 0);
    free(script);
    free(key);
    free(secret);
    return r;
}

void test_s3_bucket(const struct test_s3 *s, const char *bucket)
{
    struct ran r = s3_client(s, (const char *const[4]){"mkbucket", bucket, NULL, NULL});

    ran_release(&r);
}

void test_s3_put(const struct test_s3 *s, const char *bucket, const char *key, const void *p, size_t n)
{
    char *dir = tmp_dir(), *path = tmp_path(dir, "body");

    put_file(path, p, n);
    struct ran r = s3_client(s, (const char *const[4]){"put", bucket, key, path});
    ran_release(&r);
    unlink(path);
    free(path);
    free(dir);
}

char *test_s3_get(const struct test_s3 *s, const char *bucket, const char *key, size_t *ret_n)
{
    struct ran r = s3_client(s, (const char *const[4]){"get", bucket, key, NULL});

    *ret_n = r.out_n;
    free(r.err);
    return r.out;
}

char *test_s3_head(const struct test_s3 *s, const char *bucket, const char *key)
{
    struct ran r = s3_client(s, (const char *const[4]){"head", bucket, key, NULL});

    free(r.err);
    return r.out;
}

char *test_s3_uploads(const struct test_s3 *s, const char *bucket)
{
    struct ran r = s3_client(s, (const char *const[4]){"uploads", bucket, NULL, NULL});

    free(r.err);
    return r.out;
}

static NORETURN void proxy_child(const char *script, const char *host_port, const struct test_proxy *p,
                                 int out)
{
    int null = open("/dev/null", O_RDONLY);

    dup2(null, 0);
    dup2(out, 1);
    execlp("python3", "python3", script, "0", host_port, p->rules_path, p->log_path, (char *)NULL);
    _exit(127);
}

const struct test_proxy *test_proxy_new(const char *host_port)
{
    need("python", (const char *const[]){"python3", NULL});
    static struct test_proxy
        proxies[MAX_STARTED]; /* they live as long as the program, and so do their names */
    static int count;
    char *script = script_path("faultproxy.py"), *dir = tmp_dir(), port[16];
    int out[2];

    must(count < MAX_STARTED);
    struct test_proxy *p = &proxies[count++];
    p->rules_path = tmp_path(dir, "rules");
    p->log_path = tmp_path(dir, "log");
    test_proxy_rules(p, NULL);
    must(pipe2(out, O_CLOEXEC) == 0);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0)
        proxy_child(script, host_port, p, out[1]);
    close(out[1]);
    remember(NULL, NULL, pid);
    FILE *f = fdopen(out[0], "r");
    must(f != NULL && fgets(port, sizeof port, f) != NULL);
    fclose(f);
    p->pid = pid;
    p->port = (int)strtol(port, NULL, 10);
    must(p->port > 0);
    free(script);
    free(dir);
    return p;
}

void test_proxy_rules(const struct test_proxy *p, const char *rules)
{
    put_text(p->rules_path, rules != NULL ? rules : "");
}

const char *test_ca(void)
{
    static char *dir;

    if (dir != NULL)
        return dir;
    need("openssl", (const char *const[]){"openssl", NULL});
    char *script = script_path("ca.sh"), *made = tmp_dir();
    free(RUN_OK(script, made));
    free(script);
    dir = made;
    return dir;
}
