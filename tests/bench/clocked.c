/*
 * clocked REPORT COMMAND [ARGUMENT...]: runs the command and writes to the file REPORT one line: seconds from fork to
 * end, CPU seconds of the process in user and in system mode, its peak memory in KiB, and its wait status. A program of
 * its own since a child of Python inherits Python's peak: it is kept across exec.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;

    if (argc < 3)
        return 2;
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        return 2;
    double wall = now() - start;
    FILE *report = fopen(argv[1], "w");
    if (report == NULL)
        return 2;
    fprintf(report, "%.6f %.6f %.6f %ld %d\n", wall, seconds(used.ru_utime), seconds(used.ru_stime),
            used.ru_maxrss, status);
    return fclose(report) == 0 ? 0 : 2;
}
