#include "orchestrator/manual.h"
#include "base/mem.h"
#include "manual_docs.h"
#include "orchestrator/roff.h"

enum { PAGE_NAME_SIZE = 80 };

static const struct {
    const char *name, *meaning;
} environment[] =
    {
        {"ORCH_CONFIG", "The config, where `-c` is not given."},
        {"NO_COLOR", "Not empty: no colour."},
        {"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "Credentials for S3."},
        {"AWS_PROFILE, AWS_REGION, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE",
         "As the programs of AWS read them."},
},
  files[] = {
      {"orch.json", "The config, see *orch.json*(5): in the current folder, or /etc/orch/orch.json."},
      {"orch.db", "The state file, where the key `state` says. With it gone, the next tick rebuilds it from "
                  "the ledger in "
                  "the target database."},
      {"/usr/share/doc/orch/", "Further documents, and examples."},
};

static void say(FILE *to, const char *text)
{
    roff_paragraph(to, text, strlen(text));
}

/* "cron print" is orch-cron-print. */
static void page_of(const struct command *k, char out[PAGE_NAME_SIZE])
{
    snprintf(out, PAGE_NAME_SIZE, "orch-%s", k->name);
    for (char *p = out; *p != '\0'; p++)
        *p = *p == ' ' ? '-' : *p;
}

static void name_section(FILE *to, const char *name, const char *summary)
{
    size_t n = strlen(summary);

    roff_heading(to, "SH", "NAME");
    roff_inline(to, name, strlen(name));
    fputs(" \\- ", to);
    roff_inline(to, summary, n > 0 && summary[n - 1] == '.' ? n - 1 : n);
    fputc('\n', to);
}

static void see(FILE *to, const char *page, int section, bool more)
{
    roff_bold(to, page);
    fprintf(to, "(%d)%s\n", section, more ? "," : "");
}

static void options(FILE *to, const struct opt *table, const struct opt *but)
{
    for (; table != NULL && table->name != NULL; table++) {
        char name[80];
        if (opt_has(but, table->name))
            continue;
        roff_item(to);
        if (table->letter != 0) {
            snprintf(name, sizeof name, "-%c", table->letter);
            roff_bold(to, name);
            fputs(", ", to);
        }
        snprintf(name, sizeof name, "--%s", table->name);
        roff_bold(to, name);
        if (table->arg != NULL) {
            fputc(' ', to);
            roff_italic(to, table->arg);
        }
        fputc('\n', to);
        roff_plain_line(to, table->help);
    }
}

static void exits(FILE *to, unsigned which)
{
    char status[16];

    roff_heading(to, "SH", "EXIT STATUS");
    for (size_t i = 0; help_exits[i].meaning != NULL; i++)
        if ((which & 1U << i) != 0) {
            snprintf(status, sizeof status, "%d", help_exits[i].status);
            roff_item(to);
            roff_bold(to, status);
            fputc('\n', to);
            roff_plain_line(to, help_exits[i].meaning);
        }
}

/*
 * details are paragraphs, and blocks whose lines begin with two blanks. A block that shows commands of orch is
 * an example; the others belong to the paragraph before them. examples false: all but those.
 */
static bool details(FILE *to, const char *text, bool examples)
{
    bool any = false;

    while (*text != '\0') {
        bool block = strncmp(text, "  ", 2) == 0, blank = *text == '\n';
        const char *end = text;
        while (*end != '\0' && (strncmp(end, "  ", 2) == 0) == block && (*end == '\n') == blank)
            end = strchr(end, '\n') != NULL ? strchr(end, '\n') + 1 : end + strlen(end);
        size_t n = (size_t)(end - text);
        const char *shown = memmem(text, n, "orch ", 5);
        bool example = block && shown != NULL;
        if (!blank && example == examples) {
            if (examples && !any)
                roff_heading(to, "SH", "EXAMPLES");
            if (block)
                roff_code(to, text, n);
            else
                roff_plain(to, text, n);
            any = true;
        }
        text = end;
    }
    return any;
}

static void see_also(FILE *to, const struct help_row *self)
{
    char page[PAGE_NAME_SIZE];

    roff_heading(to, "SH", "SEE ALSO");
    see(to, "orch", 1, true);
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        if (r->group == self->group && r != self) {
            page_of(r->command, page);
            see(to, page, 1, true);
        }
    if (self->group == HELP_SCHEDULES)
        see(to, "orch-schedule", 7, true);
    see(to, "orch.json", 5, false);
}

static void command_page(FILE *to, const struct help_row *r)
{
    const struct command *k = r->command;
    char page[PAGE_NAME_SIZE], usage[200];

    page_of(k, page);
    name_section(to, page, k->summary);
    roff_heading(to, "SH", "SYNOPSIS");
    snprintf(usage, sizeof usage, "orch %s", k->name);
    roff_bold(to, usage);
    fputs(" [", to);
    roff_italic(to, "options");
    fputs("]", to);
    if (*k->args != '\0') {
        fputc(' ', to);
        roff_italic(to, k->args);
    }
    fputc('\n', to);
    roff_heading(to, "SH", "DESCRIPTION");
    roff_plain(to, k->summary, strlen(k->summary));
    details(to, k->details, false);
    roff_heading(to, "SH", "OPTIONS");
    options(to, k->opts, NULL);
    options(to, cli_common_opts, k->opts);
    exits(to, r->exits);
    details(to, k->details, true);
    see_also(to, r);
}

static void commands_section(FILE *to)
{
    char page[PAGE_NAME_SIZE], name[PAGE_NAME_SIZE];

    roff_heading(to, "SH", "COMMANDS");
    for (int g = 0; g < HELP_GROUP__COUNT; g++) {
        roff_heading(to, "SS", help_groups[g]);
        for (const struct help_row *r = help_rows; r->command != NULL; r++) {
            if ((int)r->group != g)
                continue;
            page_of(r->command, page);
            snprintf(name, sizeof name, "orch %s", r->command->name);
            roff_item(to);
            roff_bold(to, name);
            if (*r->command->args != '\0') {
                fputc(' ', to);
                roff_italic(to, r->command->args);
            }
            fputc('\n', to);
            roff_plain_line(to, r->command->summary);
        }
    }
}

static void main_page(FILE *to)
{
    static const char first[] = "orch init --demo demo\n"
                                "orch -c demo/orch.json tick\n"
                                "orch -c demo/orch.json status\n"
                                "orch -c demo/orch.json explain loans\n";
    static const char own[] = "orch init --from s3://credit-risk/incoming/ \\\n"
                              "    --to mysql://loader@db.example:3306/lending.loan_applicant_info \\\n"
                              "    --password-file db.secret\n"
                              "orch doctor\n"
                              "orch tick --dry-run\n"
                              "orch cron install\n";

    name_section(to, "orch",
                 "loads hourly or daily CSV partitions into MySQL, MariaDB or SQLite, exactly once");
    roff_heading(to, "SH", "SYNOPSIS");
    roff_bold(to, "orch");
    fputs(" [", to);
    roff_bold(to, "-c");
    fputs(" ", to);
    roff_italic(to, "FILE");
    fputs("] [", to);
    roff_bold(to, "-o");
    fputs(" table|json|jsonl|csv] ", to);
    roff_italic(to, "COMMAND");
    fputs(" ...\n", to);
    roff_heading(to, "SH", "DESCRIPTION");
    say(to, "CSV files land hour by hour, or day by day, in S3 or in a folder. `orch tick`, started by "
            "*cron*(8) or "
            "by a timer of *systemd*(1), queues each closed period, loads its files with NA as NULL, "
            "compares what "
            "it read with what is stored, and prints nothing unless something needs a person.");
    say(to,
        "A bad value is a reject with file, line, column and raw bytes, never a 0. A period without files, a "
        "stuck lock, a difference are states that `orch status` shows. Whatever is killed, whenever: the "
        "next "
        "tick goes on, and no row is lost or doubled, for the ledger of what is loaded is in the target "
        "database, written in the same transaction as the rows.");
    roff_heading(to, "SH", "FIRST FIVE MINUTES");
    say(to, "Something to try, without a server:");
    roff_code(to, first, sizeof first - 1);
    say(to, "And with files and a table of your own:");
    roff_code(to, own, sizeof own - 1);
    commands_section(to);
    roff_heading(to, "SH", "OPTIONS");
    say(to, "Before or after the command:");
    options(to, cli_common_opts, NULL);
    roff_heading(to, "SH", "FILES");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        roff_item(to);
        roff_italic(to, files[i].name);
        fputc('\n', to);
        roff_line(to, files[i].meaning);
    }
    roff_heading(to, "SH", "ENVIRONMENT");
    for (size_t i = 0; i < sizeof environment / sizeof environment[0]; i++) {
        roff_item(to);
        roff_bold(to, environment[i].name);
        fputc('\n', to);
        roff_line(to, environment[i].meaning);
    }
    exits(to, ~0U);
    say(to, help_exit_note);
    roff_heading(to, "SH", "SEE ALSO");
    see(to, "orch.json", 5, true);
    see(to, "orch-schedule", 7, true);
    see(to, "crontab", 5, true);
    see(to, "systemd.timer", 5, false);
    say(to, "Each command has a page of its own, `orch-tick`(1), `orch-status`(1) and so on, and `--help`.");
}

static const struct embed *document(const char *name)
{
    for (const struct embed *d = manual_docs; d->name != NULL; d++)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

static void config_page(FILE *to)
{
    const struct embed *d = document("config.md");

    name_section(to, "orch.json", "the config of orch");
    manual_config(to);
    if (d != NULL) {
        roff_heading(to, "SH", "NOTES");
        roff_markdown(to, d->text, d->len, ROFF_NOTES);
    }
    roff_heading(to, "SH", "SEE ALSO");
    see(to, "orch", 1, true);
    see(to, "orch-config-schema", 1, true);
    see(to, "orch-validate", 1, true);
    see(to, "orch-doctor", 1, true);
    see(to, "orch-schedule", 7, false);
}

static void schedule_page(FILE *to)
{
    const struct embed *d = document("schedules.md");

    name_section(to, "orch-schedule", "when a pipeline looks for files");
    roff_heading(to, "SH", "DESCRIPTION");
    if (d != NULL)
        roff_markdown(to, d->text, d->len, ROFF_PAGE);
    roff_heading(to, "SH", "SEE ALSO");
    see(to, "orch-schedule-next", 1, true);
    see(to, "orch-schedule-lint", 1, true);
    see(to, "orch-schedule-explain", 1, true);
    see(to, "orch.json", 5, true);
    see(to, "crontab", 5, false);
}

static void serve_page(FILE *to)
{
    const struct embed *d = document("serve.md");

    name_section(to, "orch-serve", "what orch answers over HTTP");
    roff_heading(to, "SH", "DESCRIPTION");
    if (d != NULL)
        roff_markdown(to, d->text, d->len, ROFF_PAGE);
    roff_heading(to, "SH", "SEE ALSO");
    see(to, "orch-serve", 1, true);
    see(to, "orch-metrics", 1, true);
    see(to, "orch.json", 5, true);
    see(to, "curl", 1, false);
}

static const struct {
    const char *name;
    int section;
    void (*write)(FILE *to);
} whole[] = {
    {"orch", 1, main_page},
    {"orch.json", 5, config_page},
    {"orch-schedule", 7, schedule_page},
    {"orch-serve", 7, serve_page},
};

int manual_each(manual_fn *fn, void *arg, struct err *err)
{
    char page[PAGE_NAME_SIZE], name[PAGE_NAME_SIZE + 8];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof whole / sizeof whole[0]; i++) {
        snprintf(name, sizeof name, "%s.%d", whole[i].name, whole[i].section);
        rc = fn(arg, name, err);
    }
    for (const struct help_row *r = help_rows; rc == 0 && r->command != NULL; r++) {
        page_of(r->command, page);
        snprintf(name, sizeof name, "%s.1", page);
        rc = fn(arg, name, err);
    }
    return rc;
}

static bool is_page(const char *page, const char *name, int section)
{
    char own[PAGE_NAME_SIZE + 8];

    snprintf(own, sizeof own, "%s.%d", name, section);
    return strcmp(page, own) == 0;
}

int manual_write(const char *page, const char *date, FILE *to, struct err *err)
{
    char name[PAGE_NAME_SIZE], shown[100];

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (is_page(page, whole[i].name, whole[i].section)) {
            roff_title(to, whole[i].name, whole[i].section, date, ORCH_VERSION);
            whole[i].write(to);
            return 0;
        }
    for (const struct help_row *r = help_rows; r->command != NULL; r++) {
        page_of(r->command, name);
        if (is_page(page, name, 1)) {
            roff_title(to, name, 1, date, ORCH_VERSION);
            command_page(to, r);
            return 0;
        }
    }
    str_printable(page, strlen(page), shown, sizeof shown);
    err_set(err, ERR_USAGE, "no page '%s'", shown);
    return err_hint(err, "such as orch.1, orch-tick.1, orch.json.5, orch-schedule.7");
}
