#include "base/fault.h"
#include "base/clock.h"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#if ORCH_TEST_BUILD
enum { MAX_RULES = 16 };

static struct {
    char point[64], action[256];
    long left;
} rules[MAX_RULES];
static int rule_count = -1;
static int log_fd = -1;

static void parse(void)
{
    const char *text = getenv("ORCH_FAULT"), *log = getenv("ORCH_FAULT_LOG");

    rule_count = 0;
    if (log != NULL && *log != '\0')
        log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (text != NULL && *text != '\0' && rule_count < MAX_RULES) {
        size_t n = strcspn(text, ",");
        char rule[400] = "";
        memcpy(rule, text, n < sizeof rule - 1 ? n : sizeof rule - 1);
        char *eq = strchr(rule, '=');
        if (eq != NULL) {
            char *at = strrchr(eq, '@');
            bool counted = at != NULL && at[1] != '\0' && at[1 + strspn(at + 1, "0123456789")] == '\0';
            rules[rule_count].left = counted ? strtol(at + 1, NULL, 10) : 1;
            if (counted)
                *at = '\0';
            *eq = '\0';
            snprintf(rules[rule_count].point, sizeof rules[0].point, "%.63s", rule);
            snprintf(rules[rule_count].action, sizeof rules[0].action, "%.255s", eq + 1);
            rule_count++;
        }
        text += n + (text[n] == ',');
    }
}

static int act(const char *action, const char *name, struct err *err)
{
    if (strcmp(action, "kill") == 0) {
        raise(SIGKILL);
    } else if (strcmp(action, "stop") == 0) {
        raise(SIGSTOP);
    } else if (strcmp(action, "exit") == 0) {
        _exit(9);
    } else if (strncmp(action, "touch:", 6) == 0) {
        int fd = open(action + 6, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
    } else if (strncmp(action, "wait:", 5) == 0) {
        while (access(action + 5, F_OK) != 0)
            clock_sleep_ms(5);
    } else if (strcmp(action, "error") == 0) {
        return err_set(err, ERR_TRANSIENT, "fault injected at %s", name);
    } else {
        fprintf(stderr, "orch: ORCH_FAULT: no such action: %s\n", action); /* a test that tests nothing */
        abort();
    }
    return 0;
}

int fault_point(const char *name, struct err *err)
{
    if (rule_count < 0)
        parse();
    if (log_fd >= 0) {
        char line[80];
        int n = snprintf(line, sizeof line, "%.70s\n", name);
        if (write(log_fd, line, (size_t)n) != n)
            return err_errno(err, errno, "fault log");
    }
    const char *due = NULL; /* every rule counts this passage, one acts */
    for (int i = 0; i < rule_count; i++) {
        bool here = strcmp(rules[i].point, "*") == 0 || strcmp(rules[i].point, name) == 0;
        /* atomic: the load pipeline's threads pass here too */
        if (here && __atomic_sub_fetch(&rules[i].left, 1, __ATOMIC_SEQ_CST) == 0)
            due = rules[i].action;
    }
    return due != NULL ? act(due, name, err) : 0;
}
#endif
