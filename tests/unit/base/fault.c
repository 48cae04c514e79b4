/* Rules are read once a process, so each case passes its points in a child. */
#include "base/fault.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What became of a child that passes a, b, a, b, a under these rules: the number of points that failed, or
 * 128 + signal.
 */
static int pass_points(const char *rules, const char *log)
{
    static const char *const names[] = {"a", "b", "a", "b", "a"};
    int status = 0;

    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        struct err err;
        int failed = 0;
        setenv("ORCH_FAULT", rules, 1);
        if (log != NULL)
            setenv("ORCH_FAULT_LOG", log, 1);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            failed += fault_point(names[i], &err) == -ERR_TRANSIENT;
        _exit(failed);
    }
    while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return 128 + SIGSTOP;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(no_rule_no_fault)
{
    is_int(pass_points("", NULL), 0);
    is_int(pass_points("c=kill", NULL), 0);
}

TEST(each_action)
{
    is_int(pass_points("a=error", NULL), 1);
    is_int(pass_points("a=error@2,a=error@3,b=error", NULL), 3);
    is_int(pass_points("a=kill", NULL), 128 + SIGKILL);
    is_int(pass_points("b=stop@2", NULL), 128 + SIGSTOP);
    is_int(pass_points("b=exit", NULL), 9);
}

TEST(the_nth_passage_and_no_other)
{
    is_int(pass_points("a=kill@4", NULL), 0);
    is_int(pass_points("a=kill@3", NULL), 128 + SIGKILL);
    is_int(pass_points("*=kill@5", NULL), 128 + SIGKILL);
    is_int(pass_points("*=kill@6", NULL), 0);
}

TEST(the_log_names_every_point_up_to_the_end)
{
    char *dir = tmp_dir(), *log = tmp_path(dir, "log");

    is_int(pass_points("*=kill@3", log), 128 + SIGKILL);
    char *text = get_file(log, NULL);
    is_str(text, "a\nb\na\n");
    free(text);
    free(log);
    free(dir);
}

TEST(files_hold_and_mark)
{
    char *dir = tmp_dir(), *mark = tmp_path(dir, "m@rk"),
         *rules = xasprintf("a=touch:%s,b=wait:%s", mark, mark);

    is_int(pass_points(rules, NULL), 0);
    is_int(access(mark, F_OK), 0);
    free(rules);
    free(mark);
    free(dir);
}

TEST(a_misspelt_action_is_not_silently_nothing)
{
    is_int(pass_points("a=kil", NULL), 128 + SIGABRT);
}
