#include "orchestrator/roff.h"
#include "tests/tap.h"

static char *page;
static size_t page_n;

static FILE *begin(void)
{
    free(page);
    page = NULL;
    return open_memstream(&page, &page_n);
}

static void markdown_is(const char *text, enum roff_form form, const char *want)
{
    FILE *to = begin();

    must(to != NULL);
    roff_heading(to, "SH", "X");
    roff_markdown(to, text, strlen(text), form);
    fclose(to);
    is_str(page, want);
}

TEST(what_roff_would_read_is_escaped)
{
    FILE *to = begin();

    roff_code(to, ".TH\n'\\fB\n  a-b^~`\n", strlen(".TH\n'\\fB\n  a-b^~`\n"));
    roff_plain_line(to, ".so x, --dry-run, a well-known 2022-06-05");
    fclose(to);
    is_str(page, ".PP\n.RS 4\n.EX\n\\&.TH\n\\&\\(aq\\efB\na\\-b\\(ha\\(ti\\(ga\n.EE\n.RE\n"
                 "\\&.so x, \\-\\-dry-run, a well-known 2022\\-06\\-05\n");
}

TEST(headings)
{
    markdown_is("# Title\n\n## One `two`\n\ntext\n### Three\nmore\n", ROFF_PAGE,
                ".SH \"X\"\n.SH \"ONE TWO\"\ntext\n.SS \"Three\"\nmore\n");
    markdown_is("## A\n\n| key | b |\n|---|---|\n| x | y |\n\n## C\n\ntext\n", ROFF_NOTES,
                ".SH \"X\"\n.SS \"C\"\ntext\n");
}

TEST(marks_within_a_line)
{
    markdown_is("`a -b` **c** *d* [e](f.md) [g](https://h) 2 * 3 \\* x\n", ROFF_PAGE,
                ".SH \"X\"\n\\fBa \\-b\\fR \\fBc\\fR \\fId\\fR e g (https://h) 2 * 3 * x\n");
}

TEST(a_mark_without_its_end_is_itself)
{
    markdown_is("`a **b [c\n", ROFF_PAGE, ".SH \"X\"\n\\(gaa **b [c\n");
}

TEST(lists_and_code)
{
    markdown_is("- one\n  goes on\n- two\n1. three\n\n    code\n\n    more\n\nend\n", ROFF_PAGE,
                ".SH \"X\"\n.IP \\(bu 2\none\ngoes on\n.IP \\(bu 2\ntwo\n.IP 1. 4\nthree\n"
                ".PP\n.RS 4\n.EX\ncode\n\nmore\n.EE\n.RE\n.PP\nend\n");
    markdown_is("```json\n{\"a\": 1}\n```\nend\n", ROFF_PAGE,
                ".SH \"X\"\n.RS 4\n.EX\n{\"a\": 1}\n.EE\n.RE\n.PP\nend\n");
}

TEST(tables)
{
    markdown_is("| a | b |\n|---|---|\n| `x \\| y` | z |\n", ROFF_PAGE, ".SH \"X\"\n.TP\n\\fBx | y\\fR\nz\n");
    markdown_is("| a | b | |\n|---|---|---|\n| x | y | z |\n", ROFF_PAGE,
                ".SH \"X\"\n.TP\nx\nb:\ny\n.br\nz\n");
    free(page);
    page = NULL;
}
