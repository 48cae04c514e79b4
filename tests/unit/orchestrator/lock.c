#include "orchestrator/lock.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;
static char *dir;

static void fresh(void)
{
    char *folder = tmp_dir();

    free(dir);
    dir = tmp_path(folder, "orch.db.locks"); /* not there yet: the first lock makes it */
    free(folder);
}

static bool there(const char *name)
{
    char *path = tmp_path(dir, name);
    bool yes = access(path, F_OK) == 0;

    free(path);
    return yes;
}

/* A process that takes the lock and waits for its end. */
static pid_t holder(const char *name)
{
    struct lock *l = NULL;
    int ends[2];
    char c;

    must(pipe2(ends, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (lock_take(dir, name, &l, &err) != 1 || write(ends[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    must(read(ends[0], &c, 1) == 1);
    close(ends[0]);
    return pid;
}

TEST(one_at_a_time_and_free_again_when_released)
{
    struct lock *a = NULL, *b = NULL;

    fresh();
    is_int(lock_held(dir, "5.1", &err), 0); /* not even a folder */
    is_int(lock_take(dir, "5.1", &a, &err), 1);
    is_int(lock_take(dir, "5.1", &b, &err), 0);
    is_int(lock_held(dir, "5.1", &err), 1);
    is_int(lock_take(dir, "5.2", &b, &err), 1); /* another claim is another lock */
    lock_release(b);
    lock_release(a);
    ok(!there("5.1"));
    is_int(lock_held(dir, "5.1", &err), 0);
    is_int(lock_take(dir, "5.1", &a, &err), 1);
    lock_release(a);
}

TEST(a_dead_holder_holds_nothing)
{
    struct lock *l = NULL;

    fresh();
    pid_t pid = holder("7.3");
    is_int(lock_held(dir, "7.3", &err), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ok(there("7.3"));
    is_int(lock_held(dir, "7.3", &err), 0);
    is_int(lock_take(dir, "7.3", &l, &err), 1); /* the file it left is used again */
    lock_release(l);
}

TEST(a_stopped_holder_still_holds)
{
    int status;

    fresh();
    pid_t pid = holder("7.3");
    kill(pid, SIGSTOP);
    must(waitpid(pid, &status, WUNTRACED) == pid);
    is_int(lock_held(dir, "7.3", &err), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

TEST(a_program_that_is_started_does_not_inherit_it)
{
    struct lock *l = NULL;

    fresh();
    is_int(lock_take(dir, "1.1", &l, &err), 1);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sleep", "sleep", "30", (char *)NULL);
        _exit(127);
    }
    /* Until the exec the child has the descriptor, so its end is waited for by asking. */
    lock_release(l);
    int held = 1;
    for (int i = 0; i < 1000 && held; i++) {
        struct lock *again = NULL;
        held = lock_take(dir, "1.1", &again, &err) != 1;
        lock_release(again);
        usleep(1000);
    }
    is_int(held, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

TEST(the_sweep_takes_what_nobody_holds_and_nothing_else)
{
    struct lock *l = NULL;

    fresh();
    pid_t pid = holder("7.3");
    is_int(lock_take(dir, "8.1", &l, &err), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    char *other = tmp_path(dir, "notes.txt");
    put_text(other, "mine");
    is_int(lock_sweep(dir, &err), 1);
    ok(!there("7.3"));
    ok(there("8.1"));
    ok(there("notes.txt"));
    is_int(lock_held(dir, "8.1", &err), 1);
    lock_release(l);
    free(other);
    is_int(lock_sweep("/nonexistent/orch", &err), 0);
}

TEST(a_link_in_its_place_is_not_followed)
{
    struct lock *l = NULL;

    fresh();
    is_int(lock_take(dir, "1.1", &l, &err), 1);
    lock_release(l);
    char *link = tmp_path(dir, "2.1"), *victim = tmp_path(dir, "victim");
    put_text(victim, "precious");
    must(symlink(victim, link) == 0);
    ok(lock_take(dir, "2.1", &l, &err) < 0);
    char *text = get_file(victim, NULL);
    is_str(text, "precious");
    free(text);
    free(link);
    free(victim);
}

/* Many processes for one name: never two at once. Each takes it, makes a file that must not be there, and lets go. */
TEST(under_a_crowd_it_is_never_held_twice)
{
    fresh();
    struct lock *first = NULL;
    is_int(lock_take(dir, "9.1", &first, &err), 1);
    lock_release(first);
    char *proof = tmp_path(dir, "inside");
    pid_t kids[4];
    for (size_t k = 0; k < ARRAY_LEN(kids); k++) {
        kids[k] = fork();
        if (kids[k] != 0)
            continue;
        for (int i = 0; i < 300;) {
            struct lock *l = NULL;
            int rc = lock_take(dir, "9.1", &l, &err);
            if (rc < 0)
                _exit(2);
            if (rc == 0)
                continue;
            int fd = open(proof, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
            if (fd < 0)
                _exit(3); /* somebody else is inside */
            close(fd);
            unlink(proof);
            lock_release(l);
            i++;
        }
        _exit(0);
    }
    for (size_t k = 0; k < ARRAY_LEN(kids); k++) {
        int status = 1;
        waitpid(kids[k], &status, 0);
        is_int(status, 0);
    }
    free(proof);
    free(dir);
    dir = NULL;
}
