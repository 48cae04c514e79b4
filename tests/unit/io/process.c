#include "io/process.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct process_end end;
static struct err err;
static const char *const plain_env[] = {"PATH=/usr/bin:/bin", "A=1", NULL};

struct shell { /* a script for sh */
    const char *script;
    const char *input;
    size_t max;
    int64_t silence_ms, quiet_ms, grace_ms;
    const struct beat *beat;
};

static int sh(const struct shell *s)
{
    const char *const argv[] = {"sh", "-c", s->script, "zero", "one", NULL};
    const struct process p = {.argv = argv,
                              .env = plain_env,
                              .input = s->input,
                              .input_n = s->input != NULL ? strlen(s->input) : 0,
                              .tail_max = 100,
                              .silence_ms = s->silence_ms,
                              .quiet_ms = s->quiet_ms,
                              .grace_ms = s->grace_ms,
                              .beat = s->beat};

    buf_release(&end.out);
    free(end.tail);
    end = (struct process_end){.out = BUF_INIT(s->max > 0 ? s->max : 1 * MIB)};
    err = (struct err){0};
    return process_run(&p, &end, &err);
}

static const char *out(void)
{
    return end.out.p != NULL ? end.out.p : "";
}

/* A beat that says no once a file is there: when the program is as far as the test wants it. */
struct until {
    char *path;
    enum err_code code;
};

static int on_beat(void *arg, struct err *e)
{
    const struct until *u = arg;

    return access(u->path, F_OK) == 0 ? err_set(e, u->code, "enough") : 0;
}

static bool is_alive(const char *pid_file)
{
    char *text = get_file(pid_file, NULL), stat_path[64], line[400] = "";
    FILE *f;

    snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", (int)strtol(text, NULL, 10));
    f = fopen(stat_path, "re");
    bool alive = f != NULL && fgets(line, sizeof line, f) != NULL && strstr(line, ") Z ") == NULL;
    if (f != NULL)
        fclose(f);
    free(text);
    return alive;
}

static void wait_file(const char *path)
{
    for (int i = 0; access(path, F_OK) != 0; i++) {
        must(i < 6000);
        clock_sleep_ms(10);
    }
}

static void wait_gone(const char *pid_file)
{
    for (int i = 0; is_alive(pid_file); i++) {
        must(i < 6000);
        clock_sleep_ms(10);
    }
}

TEST(input_output_status_and_what_it_said)
{
    must_rc(sh(&(struct shell){.script = "cat; echo \"$0-$1-$A\"; echo talk >&2; exit 3", .input = "in "}),
            &err);
    is_str(out(), "in zero-one-1\n");
    is_str(end.tail, "talk\n");
    is_int(end.status, 3);
    is_int(end.sig, 0);
    ok(!end.tail_cut);
    must_rc(sh(&(struct shell){.script = "wc -c"}), &err); /* no input is none, and not ours */
    is_str(out(), "0\n");
    must_rc(sh(&(struct shell){.script = "kill -9 $$"}), &err);
    is_int(end.sig, 9);
}

TEST(nothing_of_ours_is_handed_on)
{
    int leak = open("/dev/null", O_RDONLY); /* without close-on-exec, as a library may have it */

    setenv("ORCH_TEST_SECRET", "s3cret", 1);
    must_rc(sh(&(struct shell){.script = "ls /proc/self/fd | grep -cv '^[0123]$'; env | sort"}), &err);
    is_str(out(), strstr(out(), "0\n") == out() ? out() : "0\n...");
    ok(strstr(out(), "s3cret") == NULL);
    ok(strstr(out(), "A=1\n") != NULL);
    close(leak);
    must_rc(sh(&(struct shell){.script = "trap | grep -c PIPE; ps -o pgid= -p $$ | tr -d ' ' | grep -cx $$"}),
            &err);
    is_str(out(), "0\n1\n"); /* its own group, no signal ignored */
}

TEST(what_cannot_be_run_is_said)
{
    const char *const none[] = {"no-such-program", NULL}, *const folder[] = {"/", NULL},
                      *const sh_argv[] = {"sh", NULL};
    char *dir = tmp_dir(), *text = tmp_path(dir, "text");
    const char *const no_exec[] = {text, NULL};
    struct process p = {.argv = none, .env = plain_env};
    struct process_end e = {.out = BUF_INIT(100)};

    fails(process_run(&p, &e, &err), &err, ERR_NOT_FOUND);
    ok(strstr(err.msg, "no-such-program") != NULL);
    free(e.tail);
    p.argv = folder;
    fails(process_run(&p, &e, &err), &err, ERR_ACCESS_DENIED);
    free(e.tail);
    put_text(text, "echo hello\n");
    chmod(text, 0755);
    p.argv = no_exec;
    fails(process_run(&p, &e, &err), &err, ERR_IO);
    ok(strstr(err.hint, "#!") != NULL);
    free(e.tail);
    p.argv = sh_argv;
    p.folder = text;
    fails(process_run(&p, &e, &err), &err, ERR_NOT_FOUND);
    ok(strstr(err.msg, "folder") != NULL);
    free(e.tail);
    free(text);
    free(dir);
}

TEST(output_without_end_is_ended)
{
    fails(sh(&(struct shell){.script = "yes; echo never", .max = 100000}), &err, ERR_TOO_LARGE);
    must_rc(sh(&(struct shell){.script = "yes talk | head -c 1000000 >&2; printf '\\0x' >&2"}), &err);
    is_int(strlen(end.tail), 100);
    ok(end.tail_cut);
    is_str(end.tail + 93, "talk\n x" + 0);
}

/* Processes that begin others, in sessions of their own, faster than one could name them: all of them go. */
TEST(a_swarm_is_ended)
{
    char *dir = tmp_dir(),
         *script = xasprintf("cd %s; swarm() { setsid -f sh -c 'touch '$1'; exec sleep 1000.%d' & }; "
                             "i=0; while [ $i -lt 60 ]; do swarm $i; i=$((i + 1)); done; "
                             "while [ $(ls | wc -l) -lt 60 ]; do sleep 0.01; done",
                             dir, (int)getpid());
    char *count = xasprintf("ps -eo args | grep -c '^sleep 1000.%d'", (int)getpid());

    must_rc(sh(&(struct shell){.script = script}), &err);
    is_int(end.status, 0);
    must_rc(sh(&(struct shell){.script = count}), &err);
    is_str(out(), "0\n");
    free(script);
    free(count);
    free(dir);
}

TEST(one_that_closes_its_output_is_still_waited_for)
{
    must_rc(sh(&(struct shell){.script = "exec >&- 2>&-; sleep 0.3; exit 4"}), &err);
    is_int(end.status, 4);
}

TEST(what_it_leaves_behind_ends_with_it)
{
    char *dir = tmp_dir(), *group = tmp_path(dir, "group"), *session = tmp_path(dir, "session");
    char *script = xasprintf("(trap '' TERM; exec sleep 1000) & echo $! > %s; "
                             "setsid -f sh -c 'echo $$ > %s; trap \"\" TERM HUP; sleep 1000 & wait'; "
                             "while [ ! -s %s ]; do sleep 0.01; done; echo done",
                             group, session, session);

    must_rc(sh(&(struct shell){.script = script}), &err);
    is_str(out(), "done\n");
    ok(!is_alive(group));
    ok(!is_alive(session)); /* in a session of its own, an orphan: and yet */
    free(script);
    free(group);
    free(session);
    free(dir);
}

TEST(a_beat_that_says_no_is_sigterm_and_then_sigkill)
{
    char *dir = tmp_dir();
    struct until u = {tmp_path(dir, "ready"), ERR_TASK_TIMEOUT};
    const struct beat b = {on_beat, &u};
    char *polite =
        xasprintf("trap 'echo bye >&2; exit 0' TERM; echo $$ > %s; while :; do sleep 0.05; done", u.path);
    char *deaf = xasprintf("trap '' TERM INT HUP; echo $$ > %s; while :; do sleep 0.05; done", u.path);
    int64_t began = clock_mono_ms();

    fails(sh(&(struct shell){.script = polite, .beat = &b, .grace_ms = 60000}), &err, ERR_TASK_TIMEOUT);
    ok(strstr(end.tail, "bye\n") != NULL);
    ok(clock_mono_ms() - began < 30000);
    unlink(u.path);
    fails(sh(&(struct shell){.script = deaf, .beat = &b, .grace_ms = 200}), &err, ERR_TASK_TIMEOUT);
    ok(!is_alive(u.path));
    unlink(u.path);
    u.code = ERR_LOCK_LOST; /* another may run it by now: no grace */
    fails(sh(&(struct shell){.script = deaf, .beat = &b, .grace_ms = 600000}), &err, ERR_LOCK_LOST);
    ok(!is_alive(u.path));
    free(polite);
    free(deaf);
    free(u.path);
    free(dir);
}

TEST(silence_that_was_not_allowed_ends_it)
{
    fails(sh(&(struct shell){.script = "sleep 1000", .quiet_ms = 600, .grace_ms = 100}), &err,
          ERR_HEARTBEAT_TIMEOUT);
    must_rc(sh(&(struct shell){.script = "for i in 1 2 3 4 5 6 7 8; do echo . >&2; sleep 0.2; done",
                               .quiet_ms = 1500}),
            &err);
    is_int(end.status, 0);
}

/* In a process of our own, which is then killed or stopped: the program is to be gone, whatever it does. */
static void abandon(int sig, int64_t silence_ms)
{
    char *dir = tmp_dir(), *ready = tmp_path(dir, "ready"), *child = tmp_path(dir, "child");
    char *script =
        xasprintf("trap '' TERM HUP; setsid -f sh -c 'echo $$ > %s; sleep 1000'; "
                  "while [ ! -s %s ]; do sleep 0.01; done; echo $$ > %s; while :; do sleep 0.05; done",
                  child, child, ready);
    pid_t pid = fork();

    if (pid == 0) {
        err_ignore(sh(&(struct shell){.script = script, .silence_ms = silence_ms}));
        _exit(0);
    }
    wait_file(ready);
    kill(pid, sig);
    wait_gone(ready);
    wait_gone(child);
    ok(true);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    free(script);
    free(ready);
    free(child);
    free(dir);
}

TEST(killed_with_us)
{
    abandon(SIGKILL, 0);
}

TEST(stopped_we_lose_it_before_another_may_run_it)
{
    abandon(SIGSTOP, 1500);
}
