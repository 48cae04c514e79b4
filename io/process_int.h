#ifndef IO_PROCESS_INT_H
#define IO_PROCESS_INT_H
/* Between process.c, which waits, and process_keeper.c, which runs in the keeper. */
#include "base/attr.h"
#include <stdint.h>
struct keeper {  /* all of it open with close-on-exec, and above 2 */
    int orders;  /* a socket: bytes of enum keeper_order come from us; its end: we are gone */
    int reports; /* struct keeper_report go to us; its end: nothing of the program is left */
    int in, out, err;
    const char *path;
    char *const *argv, *const *env;
    const char *folder;
    int64_t silence_ms;
};
enum keeper_order { KEEPER_BEAT = 'b', KEEPER_TERM = 't', KEEPER_KILL = 'k' };
enum keeper_what { KEEPER_EXITED, KEEPER_SIGNALLED, KEEPER_NO_FOLDER, KEEPER_NO_PROGRAM, KEEPER_NO_PROCESS };
struct keeper_report {
    int what;  /* enum keeper_what */
    int value; /* exit status, signal; errno of the others */
};
NORETURN void keeper_main(const struct keeper *k);
#endif
