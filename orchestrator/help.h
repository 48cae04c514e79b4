#ifndef ORCHESTRATOR_HELP_H
#define ORCHESTRATOR_HELP_H
#include "orchestrator/cmd.h"
/*
 * What help, the man pages and the completions know of a command beside its own row: its group and the exit
 * statuses that it can have. One table, in the order in which they are shown.
 */
enum help_group {
    HELP_START,
    HELP_DAILY,
    HELP_TROUBLE,
    HELP_DATA,
    HELP_EXECUTIONS,
    HELP_WORKFLOWS,
    HELP_SCHEDULES,
    HELP_TELL,
    HELP_REFERENCE,
    HELP_GROUP__COUNT,
};
struct help_row {
    const struct command *command;
    enum help_group group;
    unsigned exits; /* bits: the rows of help_exits by number */
};
struct help_exit {
    int status;
    const char *meaning;
};
extern const char *const help_groups[HELP_GROUP__COUNT];
extern const struct help_row help_rows[];                 /* ended by command == NULL */
extern const struct help_exit help_exits[];               /* ended by meaning == NULL */
extern const char help_exit_note[];                       /* which of them when several apply */
const struct help_row *help_row(const struct command *k); /* NULL: none */
#endif
