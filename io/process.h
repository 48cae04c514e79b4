#ifndef IO_PROCESS_H
#define IO_PROCESS_H
#include "base/beat.h"
#include "base/buf.h"
#include <stdint.h>
/*
 * Somebody's program, run without a shell, watched, and never left behind. Between us and it stands a keeper, a process of
 * ours that does nothing else: it leads a session of its own, has no descriptor of ours but a socket for orders, a pipe for
 * reports and the program's three, and ends everything that the program started, whatever group or session that made for
 * itself, with SIGKILL
 *   - when the program has ended (what it left in the background goes too),
 *   - when we are gone: kill -9 closes the socket that the keeper listens to,
 *   - when we say nothing for silence_ms of CLOCK_BOOTTIME: stopped, or asleep, we may have been taken for dead.
 * Should the keeper be killed, the program gets SIGKILL by PR_SET_PDEATHSIG. A program that gives itself another user's rights
 * is out of reach of all of it.
 */
struct process {              /* borrowed for the call */
    const char *const *argv;  /* NULL-ended; [0] with a slash, or looked for in the PATH of env */
    const char *const *env;   /* "NAME=value", NULL-ended: nothing else */
    const char *folder;       /* where it runs; NULL: here */
    const void *input;        /* its stdin; NULL: nothing */
    size_t input_n, tail_max; /* of stderr the last tail_max bytes are kept */
    int64_t silence_ms;       /* 0: for ever */
    int64_t quiet_ms;         /* it writes nothing for so long: ERR_HEARTBEAT_TIMEOUT; 0: it may */
    int64_t grace_ms;         /* between SIGTERM and SIGKILL, when the beat says no */
    const struct beat *beat;
};
struct process_end {
    struct buf out;  /* the caller's, with its max; more than that ends the program, ERR_TOO_LARGE */
    char *tail;      /* owned; NUL bytes as blanks; "" where it said nothing */
    bool tail_cut;   /* it said more */
    int status, sig; /* exit status; or sig is not 0: the signal that ended it */
};
/*
 * 0: it ran and ended, whatever its status. ERR_NOT_FOUND, ERR_ACCESS_DENIED, ERR_IO: it could not be run. A negative beat
 * ends it: SIGTERM, grace_ms, SIGKILL (after ERR_LOCK_LOST at once), and its error is ours. ret->tail is set whatever comes.
 */
NODISCARD int process_run(const struct process *p, struct process_end *ret, struct err *err);
#endif
