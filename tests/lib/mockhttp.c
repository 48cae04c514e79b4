#include "tests/lib/mockhttp.h"
#include "base/mem.h"
#include "tests/lib/run.h"
#include "tests/tap.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_HEAD = 64 * 1024 };

static void send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

/* The head, and the body read away. False when the client went. */
static bool read_request(int fd, char *head)
{
    size_t n = 0;
    char *end = NULL;

    head[0] = '\0';
    while (end == NULL && n < MAX_HEAD - 1) {
        ssize_t got = recv(fd, head + n, MAX_HEAD - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (end == NULL)
        return false;
    const char *length = strcasestr(head, "\r\nContent-Length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0,
           have = n - (size_t)(end + 4 - head);
    end[2] = '\0';
    while (have < body) {
        char away[4096];
        ssize_t got = recv(fd, away, sizeof away, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static void answer(int fd, const struct mock_answer *a)
{
    size_t n = a->body == NULL ? 0 : a->n > 0 ? a->n : strlen(a->body);
    size_t sent = a->cut > 0 && (size_t)a->cut < n ? (size_t)a->cut : n;
    char *length =
        strcasestr(a->head, "content-length:") != NULL || strcasestr(a->head, "transfer-encoding:") != NULL
            ? xstrdup("")
            : xasprintf("Content-Length: %zu\r\n", n);
    char *head = xasprintf("HTTP/1.1 %s%sConnection: close\r\n\r\n", a->head, length);

    send_all(fd, head, strlen(head));
    send_all(fd, a->body, sent);
    free(head);
    free(length);
    if (a->hang) {
        struct pollfd p = {fd, POLLRDHUP, 0};
        poll(&p, 1, 60000); /* until the client has had enough */
    } else if (a->cut > 0) {
        struct linger reset = {1, 0};
        usleep(20000); /* a reset overtakes what the other side has not read yet */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
}

static NORETURN void serve(int listener, int log, const struct mock_answer *answers, size_t n)
{
    static char head[MAX_HEAD];
    static const struct mock_answer wrong = {.head = "599 Wrong Request\r\n"},
                                    over = {.head = "598 No More Answers\r\n"};

    for (size_t i = 0;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        if (read_request(fd, head)) {
            if (write(log, head, strlen(head)) < 0 || write(log, "\n", 1) < 0)
                _exit(1);
            bool good = i < n && (answers[i].want == NULL || strstr(head, answers[i].want) != NULL);
            answer(fd, good ? &answers[i] : i < n ? &wrong : &over);
            i++;
        }
        close(fd);
    }
}

void mock_start(struct mock *m, const struct mock_answer *answers, size_t n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    char *dir = tmp_dir();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    m->log_path = tmp_path(dir, "requests");
    int log = open(m->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    must(listener >= 0 && log >= 0);
    must(bind(listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(listener, 16) == 0);
    must(getsockname(listener, (struct sockaddr *)&a, &size) == 0);
    m->port = ntohs(a.sin_port);
    m->url = xasprintf("http://127.0.0.1:%d", m->port);
    fflush(stdout);
    m->pid = fork();
    must(m->pid >= 0);
    if (m->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, log, answers, n);
    }
    close(listener);
    close(log);
    free(dir);
}

char *mock_log(const struct mock *m)
{
    return get_file(m->log_path, NULL);
}

void mock_stop(struct mock *m)
{
    kill((pid_t)m->pid, SIGKILL);
    waitpid((pid_t)m->pid, NULL, 0);
    free(m->url);
    free(m->log_path);
    *m = (struct mock){0};
}
