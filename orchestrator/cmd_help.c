#include "base/civil.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/manual.h"

static const char *man_page, *man_dir, *man_date;
static const struct opt opts[] = {
    {"man", 0, OPT_TEXT, &man_page, "PAGE", "the man page, such as orch-tick.1, for man -l -"},
    {"man-dir", 0, OPT_TEXT, &man_dir, "DIR", "all man pages, as files in DIR"},
    {"date", 0, OPT_TEXT, &man_date, "DATE", "of man pages (default today)"},
    {0},
};

static void overview(void)
{
    const struct out to = {.to = stdout, .width = 80};
    int wide = 0;

    fputs("orch loads hourly or daily CSV partitions from S3 or a folder into MySQL,\n"
          "MariaDB or SQLite, exactly once, and works state machines in Amazon States\n"
          "Language (start, simulate).\n\n"
          "  orch init --demo demo      something to try, no server needed\n"
          "  orch -c demo/orch.json tick\n"
          "  orch -c demo/orch.json status\n\n"
          "usage: orch [-c FILE] [-o table|json|jsonl|csv] COMMAND ...\n",
          stdout);
    for (const struct help_row *r = help_rows; r->command != NULL; r++)
        wide = (int)strlen(r->command->name) > wide ? (int)strlen(r->command->name) : wide;
    for (int g = 0; g < HELP_GROUP__COUNT; g++) {
        printf("\n%s\n", help_groups[g]);
        for (const struct help_row *r = help_rows; r->command != NULL; r++)
            if ((int)r->group == g) {
                printf("  %-*s  ", wide, r->command->name);
                out_folded(&to, (size_t)wide + 4, (size_t)wide + 4, r->command->summary);
            }
    }
    fputs("\norch help COMMAND tells more; orch help exit-codes lists what the exit status\nmeans.\n",
          stdout);
}

static void exit_codes(void)
{
    for (const struct help_exit *e = help_exits; e->meaning != NULL; e++)
        printf(" %2d   %s\n", e->status, e->meaning);
    printf("\n%s\n\nErrors, by name, as workflows catch them:\n", help_exit_note);
    for (int i = 1; i < ERR__COUNT; i++)
        printf("  %-24s %3d  %s\n", err_name((enum err_code)i), err_exit_status((enum err_code)i),
               err_doc((enum err_code)i));
}

static const char *date_of_pages(char today[CIVIL_RFC3339_SIZE])
{
    if (man_date != NULL)
        return man_date;
    civil_rfc3339(clock_now_ms(), false, today);
    today[10] = '\0';
    return today;
}

static int write_page(void *arg, const char *page, struct err *err)
{
    char today[CIVIL_RFC3339_SIZE], *path = fs_join(arg, page), *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    int rc = to == NULL ? err_errno(err, errno, "no memory for %s", page)
                        : manual_write(page, date_of_pages(today), to, err);

    if (to != NULL && fclose(to) != 0 && rc == 0)
        rc = err_errno(err, errno, "no memory for %s", page);
    if (rc == 0)
        rc = fs_write(path, text, n, 0644, err);
    free(text);
    free(path);
    return rc;
}

static int man(struct err *err)
{
    char today[CIVIL_RFC3339_SIZE], *dir;
    int rc;

    if (man_page != NULL)
        return manual_write(man_page, date_of_pages(today), stdout, err);
    dir = xstrdup(man_dir);
    rc = fs_mkdir_p(dir, err);
    if (rc == 0)
        rc = manual_each(write_page, dir, err);
    free(dir);
    return rc;
}

static int about(const char *first, const char *second, struct err *err)
{
    char shown[100];
    bool found = false;
    int words;
    const struct command *k = command_find(first, second, &words);

    if (k != NULL) {
        command_help(k, stdout);
        return 0;
    }
    for (const struct help_row *r = help_rows; r->command != NULL;
         r++) { /* "orch help cron": all that begin so */
        size_t n = strlen(first);
        if (strncmp(r->command->name, first, n) == 0 && r->command->name[n] == ' ') {
            if (found)
                fputc('\n', stdout);
            command_help(r->command, stdout);
            found = true;
        }
    }
    if (found)
        return 0;
    str_printable(first, strlen(first), shown, sizeof shown);
    err_set(err, ERR_USAGE, "no command '%s'", shown);
    return err_hint(err, "orch help lists them");
}

static int run(struct cli *c, struct err *err)
{
    const char *first = c->args.count > 0 ? c->args.items[0] : NULL;

    if (man_page != NULL || man_dir != NULL)
        return man(err);
    if (first == NULL) {
        overview();
        return 0;
    }
    if (strcmp(first, "exit-codes") == 0) {
        exit_codes();
        return 0;
    }
    return about(first, c->args.count > 1 ? c->args.items[1] : NULL, err);
}

const struct command cmd_help = {
    "help",
    "[COMMAND | exit-codes]",
    "This, or more about one command.",
    "  orch help tick\n"
    "  orch help exit-codes\n"
    "  orch help --man orch-tick.1 | man -l -\n",
    opts,
    0,
    2,
    run,
};
