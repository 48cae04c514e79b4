#ifndef ORCHESTRATOR_CMD_H
#define ORCHESTRATOR_CMD_H
#include "base/opt.h"
#include "orchestrator/config.h"
#include "orchestrator/table.h"
#include "steps/step.h"
/*
 * Commands: one table row each, one file each. run returns the exit status, or <0 with *err, which is printed
 * once, at the top. stdout is data, stderr is talk.
 */
struct cli {
    const char *config_path; /* -c; NULL: looked for */
    const char *verb;        /* of the command that runs */
    struct out out;
    bool format_given; /* -o */
    struct opt_args args;
    struct config *config; /* once cli_config was called */
    struct store *store;   /* once cli_store was called */
};
struct command {
    const char *name;       /* "tick", "target setup" */
    const char *args;       /* "PIPELINE[/PARTITION]"; "" none */
    const char *summary;    /* one line */
    const char *details;    /* paragraphs and examples; "" none */
    const struct opt *opts; /* NULL: none */
    int min_args, max_args;
    int (*run)(struct cli *c, struct err *err);
};
extern const struct opt cli_common_opts[];     /* those that every command takes */
extern const struct command *const commands[]; /* NULL-ended, in the order of help; cmd.c */
const struct command *command_find(const char *first, const char *second, int *ret_words); /* NULL: none */
void command_help(const struct command *k, FILE *to);
int cli_main(int argc, char **argv);

/* "orch: ..." on stderr. */
void cli_say(const char *fmt, ...) PRINTF(1, 2);
void cli_say_error(const struct err *err);
NODISCARD int cli_config(struct cli *c, struct err *err); /* loads once; every fault said */
NODISCARD int cli_store(struct cli *c, enum store_mode mode, struct err *err); /* opens once; config first */
/* "loans" or "loans/2022-06-05T12": checked against config and period. part is "" when none was given. */
NODISCARD int cli_flow(struct cli *c, const char *word, const struct pipeline **ret, char part[PART_SIZE],
                       struct err *err);
/* A pipeline as above, or an extract, which has no partitions. */
NODISCARD int cli_either(struct cli *c, const char *word, const struct pipeline **ret, char part[PART_SIZE],
                         struct err *err);
/* 1: word is the name of an extract. */
NODISCARD int cli_is_extract(struct cli *c, const char *word, struct err *err);
/* The same as cli_flow where a partition must be given. */
NODISCARD int cli_partition(struct cli *c, const char *word, const struct pipeline **ret,
                            char part[PART_SIZE], struct err *err);
/* --from/--to, NULL: open; checked against the pipeline's period. */
NODISCARD int cli_range(const struct pipeline *p, const char *from, const char *to, struct err *err);
/* For steps run by hand: no token, stops at SIGTERM. cli_step_end frees what it opened. */
void cli_step(struct cli *c, const struct pipeline *p, struct step_ctx *ret);
void cli_step_end(struct step_ctx *ctx);
const char *cli_who(char *out, size_t size); /* "user@host" */
void cli_signals(void);                      /* SIGTERM and SIGINT ask to stop, the second one ends at once */
#define CLI_TIME_SIZE 32
const char *cli_time(int64_t ms, char out[CLI_TIME_SIZE]); /* RFC 3339, "" for 0 */
/* When the pipeline's schedule looks next; at or before now_ms: the next tick does. 1 found, 0 never. */
NODISCARD int cli_next_look(struct store *s, const struct pipeline *p, int64_t now_ms, int64_t *ret_ms,
                            struct err *err);
const char *cli_span(int64_t ms, char out[CLI_TIME_SIZE]); /* "3h", "2d 4h", "0h" */
json_t *cli_json_time(int64_t ms);                         /* string, or null for 0 */
json_t *cli_json_text(const char *s); /* whatever bytes: what is no UTF-8 as \xNN; null for NULL */
/* The target table of a pipeline; owned. */
NODISCARD int cli_table(struct step_ctx *ctx, struct target **ret_target, struct table **ret,
                        struct err *err);

extern const struct command cmd_init, cmd_validate, cmd_doctor, cmd_target_setup, cmd_lineage_add, cmd_tick,
    cmd_run, cmd_status, cmd_plan, cmd_explain, cmd_logs, cmd_graph, cmd_replay, cmd_retry, cmd_skip,
    cmd_adopt, cmd_ack, cmd_pause, cmd_resume, cmd_cancel, cmd_reconcile, cmd_diff, cmd_rejects, cmd_profile,
    cmd_list, cmd_describe, cmd_history, cmd_stop, cmd_start, cmd_redrive, cmd_fsck, cmd_simulate,
    cmd_test_state, cmd_schedule_next, cmd_schedule_lint, cmd_schedule_explain, cmd_notify, cmd_metrics,
    cmd_cron_print, cmd_cron_install, cmd_config_schema, cmd_config_show, cmd_schema_infer, cmd_schema_diff,
    cmd_extract, cmd_load, cmd_backup, cmd_backup_state, cmd_restore, cmd_restore_state, cmd_serve,
    cmd_spec_convert, cmd_completion, cmd_version, cmd_help;
#endif
