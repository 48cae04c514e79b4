#include "orchestrator/help.h"
#include "tests/tap.h"

TEST(every_command_stands_in_help_once)
{
    size_t rows = 0, count = 0;

    for (int i = 0; commands[i] != NULL; i++, count++)
        if (help_row(commands[i]) == NULL)
            tap_ok(false, __FILE__, __LINE__, commands[i]->name);
    for (const struct help_row *r = help_rows; r->command != NULL; r++, rows++)
        ok(help_row(r->command) == r);
    is_int(rows, count);
}

TEST(groups_have_a_name_and_stand_together)
{
    for (int g = 0; g < HELP_GROUP__COUNT; g++)
        must(help_groups[g] != NULL);
    for (const struct help_row *r = help_rows; r[0].command != NULL && r[1].command != NULL; r++)
        ok(r[0].group <= r[1].group);
}

TEST(every_command_can_succeed_and_be_misused)
{
    size_t exits = 0;

    while (help_exits[exits].meaning != NULL)
        exits++;
    for (const struct help_row *r = help_rows; r->command != NULL; r++) {
        is_int(r->exits & 5U, 5); /* rows 0 and 2: done, usage */
        ok(r->exits >> exits == 0);
    }
}

TEST(the_statuses_are_those_of_the_errors)
{
    for (int e = 1; e < ERR__COUNT; e++) {
        bool found = false;
        for (const struct help_exit *x = help_exits; x->meaning != NULL; x++)
            found = found || x->status == err_exit_status((enum err_code)e);
        if (!found)
            tap_ok(false, __FILE__, __LINE__, err_name((enum err_code)e));
    }
}
