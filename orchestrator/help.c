#include "orchestrator/help.h"

const char *const help_groups[HELP_GROUP__COUNT] = {
    [HELP_START] = "Start",
    [HELP_DAILY] = "Every day",
    [HELP_TROUBLE] = "When something is wrong",
    [HELP_DATA] = "What is in the table",
    [HELP_EXECUTIONS] = "Look closer",
    [HELP_WORKFLOWS] = "Try a workflow out",
    [HELP_SCHEDULES] = "Schedules",
    [HELP_TELL] = "Tell somebody",
    [HELP_REFERENCE] = "Reference",
};

enum exit_bit {
    DONE = 1 << 0,
    FAILED = 1 << 1,
    USAGE = 1 << 2,
    REFUSED = 1 << 3,
    DENIED = 1 << 4,
    DIFFERS = 1 << 5,
    LATE = 1 << 6,
    HELD = 1 << 7,
    AGAIN = 1 << 8,
    PLAIN = DONE | USAGE,
    FILES = PLAIN | REFUSED,                 /* reads orch.json */
    STATE = FILES | FAILED | DENIED | AGAIN, /* and the state file, or a server */
    COMPARES = STATE | DIFFERS,              /* and the data */
    WORKS = COMPARES | LATE,                 /* and works on it */
};

const struct help_exit help_exits[] = {
    {0, "done, nothing to do, all well, equal"},
    {1, "a job or an execution failed; something named does not exist"},
    {2, "usage"},
    {3, "configuration or workflow definition refused"},
    {4, "permission: S3, database or file system refuses"},
    {5, "source and target differ"},
    {6, "a partition is late, or no tick looks any more"},
    {10, "another process holds it (only with --fail-if-locked)"},
    {75, "try again later: a server is away, or stopped by SIGTERM"},
    {0, NULL},
};

const char help_exit_note[] =
    "When several apply: 3, 4, 5, 1, 6, 75, in this order. 128+n only where a signal kills.\n"
    "tick exits other than 0 only for a trouble that is new or due to be said again; status always.";

const struct help_row help_rows[] = {
    {&cmd_init, HELP_START, COMPARES},
    {&cmd_validate, HELP_START, FILES | FAILED},
    {&cmd_doctor, HELP_START, COMPARES},
    {&cmd_target_setup, HELP_START, STATE},
    {&cmd_lineage_add, HELP_START, STATE},
    {&cmd_cron_install, HELP_START, STATE},
    {&cmd_cron_print, HELP_START, FILES},
    {&cmd_spec_convert, HELP_START, STATE},

    {&cmd_tick, HELP_DAILY, WORKS | HELD},
    {&cmd_run, HELP_DAILY, WORKS | HELD},
    {&cmd_extract, HELP_DAILY, WORKS | HELD},
    {&cmd_load, HELP_DAILY, STATE},
    {&cmd_status, HELP_DAILY, WORKS},
    {&cmd_plan, HELP_DAILY, STATE},

    {&cmd_explain, HELP_TROUBLE, STATE},
    {&cmd_logs, HELP_TROUBLE, STATE},
    {&cmd_retry, HELP_TROUBLE, STATE},
    {&cmd_replay, HELP_TROUBLE, WORKS},
    {&cmd_skip, HELP_TROUBLE, STATE},
    {&cmd_adopt, HELP_TROUBLE, COMPARES},
    {&cmd_ack, HELP_TROUBLE, STATE},
    {&cmd_cancel, HELP_TROUBLE, STATE},
    {&cmd_pause, HELP_TROUBLE, STATE},
    {&cmd_resume, HELP_TROUBLE, STATE},

    {&cmd_reconcile, HELP_DATA, COMPARES},
    {&cmd_diff, HELP_DATA, COMPARES},
    {&cmd_rejects, HELP_DATA, STATE},
    {&cmd_profile, HELP_DATA, STATE},
    {&cmd_schema_infer, HELP_DATA, STATE},
    {&cmd_schema_diff, HELP_DATA, COMPARES},
    {&cmd_backup, HELP_DATA, COMPARES},
    {&cmd_restore, HELP_DATA, COMPARES},
    {&cmd_backup_state, HELP_DATA, STATE},
    {&cmd_restore_state, HELP_DATA, STATE},

    {&cmd_start, HELP_EXECUTIONS, STATE},
    {&cmd_list, HELP_EXECUTIONS, STATE},
    {&cmd_describe, HELP_EXECUTIONS, STATE},
    {&cmd_history, HELP_EXECUTIONS, STATE},
    {&cmd_graph, HELP_EXECUTIONS, STATE},
    {&cmd_stop, HELP_EXECUTIONS, STATE},
    {&cmd_redrive, HELP_EXECUTIONS, STATE},
    {&cmd_fsck, HELP_EXECUTIONS, COMPARES},

    {&cmd_simulate, HELP_WORKFLOWS, FILES | FAILED},
    {&cmd_test_state, HELP_WORKFLOWS, FILES | FAILED},

    {&cmd_schedule_next, HELP_SCHEDULES, PLAIN},
    {&cmd_schedule_lint, HELP_SCHEDULES, PLAIN},
    {&cmd_schedule_explain, HELP_SCHEDULES, PLAIN},

    {&cmd_notify, HELP_TELL, STATE},
    {&cmd_metrics, HELP_TELL, STATE},
    {&cmd_serve, HELP_TELL, STATE},

    {&cmd_config_show, HELP_REFERENCE, FILES},
    {&cmd_config_schema, HELP_REFERENCE, PLAIN},
    {&cmd_completion, HELP_REFERENCE, PLAIN},
    {&cmd_version, HELP_REFERENCE, PLAIN},
    {&cmd_help, HELP_REFERENCE, PLAIN},
    {NULL, HELP_START, 0},
};

const struct help_row *help_row(const struct command *k)
{
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        if (r->command == k)
            return r;
    return NULL;
}
