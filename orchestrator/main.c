#include "orchestrator/cmd.h"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    /* A closed 0, 1 or 2 would be taken by the state file, and a message written into it. */
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = dup(fd))
        if (fd > STDERR_FILENO) {
            close(fd);
            break;
        }
    signal(SIGPIPE, SIG_IGN); /* a server that hangs up is an error, not our end */
    return cli_main(argc, argv);
}
