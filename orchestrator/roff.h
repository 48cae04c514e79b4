#ifndef ORCHESTRATOR_ROFF_H
#define ORCHESTRATOR_ROFF_H
#include <stddef.h>
#include <stdio.h>
/*
 * Writes man pages: macros of man(7) that groff and mandoc both know, no preprocessor. Whoever calls looks at
 * ferror once, at the end.
 *
 * "Marked" text is the markdown of docs/: `code`, **strong**, *emphasis*, [text](link), and blocks: headings,
 * paragraphs, lists, tables, code. It is our own text, embedded; other marks stand there as they are.
 */
void roff_title(FILE *to, const char *name, int section, const char *date, const char *version);
void roff_heading(FILE *to, const char *macro, const char *text); /* "SH", "SS" */
void roff_paragraph(FILE *to, const char *text, size_t n);        /* marked */
void roff_code(FILE *to, const char *text, size_t n);             /* lines as they are */
void roff_item(FILE *to);                                         /* .TP: the next line is the tag */
void roff_line(FILE *to, const char *text);                       /* marked text, a line of its own */
void roff_inline(FILE *to, const char *text, size_t n);           /* the same within a line */
void roff_plain(FILE *to, const char *text, size_t n);            /* a paragraph, nothing in it is a mark */
void roff_plain_line(FILE *to, const char *text);
void roff_bold(FILE *to, const char *text); /* within a line: "-" is an option's */
void roff_italic(FILE *to, const char *text);
enum roff_form {
    ROFF_PAGE,  /* "##" is a section */
    ROFF_NOTES, /* within a section: "##" is .SS, and tables that begin with "key" are left out */
};
void roff_markdown(FILE *to, const char *text, size_t n, enum roff_form form);
#endif
