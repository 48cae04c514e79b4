#include "orchestrator/cmd.h"

static void overview(FILE *to)
{
    fputs("orch loads hourly or daily CSV partitions from S3 or a folder into MySQL or SQLite, exactly "
          "once.\n\n"
          "  orch init --demo demo      something to try, no server needed\n"
          "  orch -c demo/orch.json tick\n"
          "  orch -c demo/orch.json status\n\n"
          "usage: orch [-c FILE] [-o table|json|jsonl|csv] COMMAND ...\n\n",
          to);
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\norch help COMMAND tells more; orch help exit-codes lists what the exit status means.\n", to);
}

static void exit_codes(FILE *to)
{
    fputs(
        "  0   done, nothing to do, all well, equal\n"
        "  1   a job failed or died; something named does not exist\n"
        "  2   usage\n"
        "  3   configuration or workflow definition refused\n"
        "  4   permission: S3, database or file system refuses\n"
        "  5   source and target differ\n"
        "  6   a partition is late, or no tick looks any more\n"
        " 10   another process holds it (only with --fail-if-locked)\n"
        " 75   try again later: a server is away, or stopped by SIGTERM\n\n"
        "When several apply: 3, 4, 5, 1, 6, 75, in this order. 128+n only where a signal kills.\n"
        "tick exits other than 0 only for a trouble that is new or due to be said again; status always.\n\n",
        to);
    fputs("Errors, by name, as workflows catch them:\n", to);
    for (int i = 1; i < ERR__COUNT; i++)
        fprintf(to, "  %-24s %3d  %s\n", err_name((enum err_code)i), err_exit_status((enum err_code)i),
                err_doc((enum err_code)i));
}

static int run(struct cli *c, struct err *err)
{
    const char *first = c->args.count > 0 ? c->args.items[0] : NULL;
    const struct command *k;
    bool found = false;
    int words;

    if (first == NULL) {
        overview(stdout);
        return 0;
    }
    if (strcmp(first, "exit-codes") == 0) {
        exit_codes(stdout);
        return 0;
    }
    k = command_find(first, c->args.count > 1 ? c->args.items[1] : NULL, &words);
    if (k != NULL) {
        command_help(k, stdout);
        return 0;
    }
    for (int i = 0; commands[i] != NULL; i++) /* "orch help cron": all that begin so */
        if (strncmp(commands[i]->name, first, strlen(first)) == 0 &&
            commands[i]->name[strlen(first)] == ' ') {
            command_help(commands[i], stdout);
            found = true;
        }
    if (found)
        return 0;
    char shown[100];
    str_printable(first, strlen(first), shown, sizeof shown);
    err_set(err, ERR_USAGE, "no command '%s'", shown);
    return err_hint(err, "orch help lists them");
}

const struct command cmd_help = {
    "help", "[COMMAND | exit-codes]", "This, or more about one command.", "", NULL, 0, 2, run};
