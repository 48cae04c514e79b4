/*
 * wire PORT RATE: hands each connection on to 127.0.0.1:PORT and lets RATE bytes a second through it, each way; writes the
 * port that it listens on, and stays until it is killed. It stands for a store that is somewhere else: S3 gives a connection
 * its share and no more, however idle both ends are. Bytes are spliced, so that the wire itself costs the cores next to nothing.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

static double rate;
static struct sockaddr_in there = {.sin_family = AF_INET};

struct way {
    int from, to;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* No more than the rate since the connection was last idle. */
static void pay(double *free_at, ssize_t bytes)
{
    double t = now();

    *free_at = (*free_at > t ? *free_at : t) + (double)bytes / rate;
    double wait = *free_at - t;
    struct timespec pause = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
    nanosleep(&pause, NULL);
}

static void *carry(void *arg)
{
    struct way w = *(struct way *)arg;
    double free_at = 0;
    int hose[2];
    ssize_t n;

    free(arg);
    if (pipe(hose) != 0)
        exit(1);
    while ((n = splice(w.from, NULL, hose[1], NULL, PIECE, SPLICE_F_MOVE)) > 0) {
        pay(&free_at, n);
        while (n > 0) {
            ssize_t put = splice(hose[0], NULL, w.to, NULL, (size_t)n, SPLICE_F_MOVE);
            if (put <= 0)
                break;
            n -= put;
        }
        if (n > 0)
            break;
    }
    shutdown(w.to, SHUT_WR);
    shutdown(w.from, SHUT_RD);
    close(hose[0]);
    close(hose[1]);
    return NULL;
}

static void *connection(void *arg)
{
    struct way *in = arg, *out = malloc(sizeof *out);
    int near = in->from, far = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    pthread_t back;

    if (out == NULL || connect(far, (struct sockaddr *)&there, sizeof there) != 0)
        exit(1);
    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    in->to = out->from = far;
    out->to = near;
    if (pthread_create(&back, NULL, carry, out) != 0)
        exit(1);
    carry(in);
    pthread_join(back, NULL);
    close(near);
    close(far);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof here;

    if (argc != 3)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    there.sin_port = htons((unsigned short)atoi(argv[1]));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rate = atof(argv[2]);
    int door = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(door, (struct sockaddr *)&here, sizeof here) != 0 || listen(door, 64) != 0 ||
        getsockname(door, (struct sockaddr *)&here, &n) != 0)
        return 1;
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    for (;;) {
        struct way *w = malloc(sizeof *w);
        pthread_t t;
        if (w == NULL || (w->from = accept(door, NULL, NULL)) < 0)
            return 1;
        if (pthread_create(&t, NULL, connection, w) != 0)
            return 1;
        pthread_detach(t);
    }
}
