#include "base/str.h"
#include "tests/tap.h"

TEST(set_names_the_code_and_returns_it_negative)
{
    struct err err;

    is_int(err_set(&err, ERR_TIMEOUT, "%s took %d s", "s3", 7), -ERR_TIMEOUT);
    is_int(err.code, ERR_TIMEOUT);
    is_str(err.msg, "s3 took 7 s");
    is_str(err.hint, "");
    is_str(err_asl(&err), "Orch.Timeout");
}

TEST(a_new_error_forgets_the_hint_of_the_last)
{
    struct err err;

    err_set(&err, ERR_IO, "first");
    err_hint(&err, "do this");
    err_set(&err, ERR_IO, "second");
    is_str(err.hint, "");
}

TEST(prefix_keeps_code_and_hint)
{
    struct err err;

    err_set(&err, ERR_NOT_FOUND, "no such bucket");
    err_hint(&err, "make it");
    is_int(err_prefix(&err, "loans/%s", "2022-06-05T12"), -ERR_NOT_FOUND);
    is_str(err.msg, "loans/2022-06-05T12: no such bucket");
    is_str(err.hint, "make it");
}

TEST(an_error_may_be_made_from_itself)
{
    struct err err;

    err_set(&err, ERR_IO, "disk on fire");
    err_set(&err, ERR_UNAVAILABLE, "cannot read: %s", err.msg);
    is_str(err.msg, "cannot read: disk on fire");
}

TEST(what_does_not_fit_is_marked)
{
    struct err err;
    char text[3000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", text);
    is_int(strlen(err.msg), sizeof err.msg - 1);
    ok(str_ends(err.msg, "x..."));
    err_prefix(&err, "%.100s", "some context");
    is_int(strlen(err.msg), sizeof err.msg - 1);
    ok(str_starts(err.msg, "some context: x") && str_ends(err.msg, "..."));
}

/* Messages become JSON in the history, and JSON is UTF-8. */
TEST(hostile_bytes_leave_one_line_of_utf8)
{
    struct err err;
    char text[2000];

    err_set(&err, ERR_BAD_CSV, "a\nb\x1b[31m\xff\xc3(\xe2\x82\xac");
    is_str(err.msg, "a b [31m?"
                    "?(\xe2\x82\xac");
    for (size_t pad = 0; pad < 3; pad++) { /* the cut falls on each byte of the character once */
        size_t n = pad;
        memset(text, '.', pad);
        while (n + 3 < sizeof text) {
            memcpy(text + n, "\xe2\x82\xac", 3);
            n += 3;
        }
        text[n] = '\0';
        err_set(&err, ERR_BAD_CSV, "%s", text);
        is_int(str_utf8_valid(err.msg, strlen(err.msg), NULL), 1);
        ok(str_ends(err.msg, "\xe2\x82\xac..."));
    }
}

TEST(errno_says_what_kind_of_trouble)
{
    struct err err;

    is_int(err_errno(&err, ENOSPC, "cannot write %s", "orch.db"), -ERR_DISK_FULL);
    is_str(err.msg, "cannot write orch.db: No space left on device");
    is_int(err.native, ENOSPC);
    is_int(err_errno(&err, EACCES, "x"), -ERR_ACCESS_DENIED);
    is_int(err_errno(&err, ENOENT, "x"), -ERR_NOT_FOUND);
    is_int(err_errno(&err, EIO, "x"), -ERR_IO);
}

TEST(every_row_of_the_table_is_well_formed)
{
    for (int i = 1; i < ERR__COUNT; i++) {
        enum err_code code = (enum err_code)i;
        const char *name = err_name(code);
        if (!ok(str_starts(name, "Orch.") || str_starts(name, "States.")))
            diag("row %d: %s", i, name);
        is_int(err_by_name(name), code); /* so no name stands twice */
        ok(err_doc(code)[0] != '\0');
        int exit_status = err_exit_status(code);
        ok((exit_status >= 1 && exit_status <= 6) || exit_status == 75);
        /* the weather never kills a job, data errors are not tried for ever */
        ok(!(err_retryable(code) && err_counts(code)));
    }
    is_int(err_by_name("Orch.NoSuchThing"), ERR_INTERNAL);
}
