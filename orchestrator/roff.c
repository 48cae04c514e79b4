#include "orchestrator/roff.h"
#include "base/str.h"
#include <ctype.h>

enum { MAX_CELLS = 8 };

/* A paragraph after a heading needs no macro of its own, and mandoc says so. One page is written at a time. */
static bool after_heading;

static void new_paragraph(FILE *to)
{
    if (!after_heading)
        fputs(".PP\n", to);
    after_heading = false;
}

/* One byte as itself, whatever roff would make of it. */
static void put(FILE *to, char c)
{
    switch (c) {
    case '\\':
        fputs("\\e", to);
        break;
    case '-':
        fputs("\\-", to);
        break;
    case '\'':
        fputs("\\(aq", to);
        break;
    case '`':
        fputs("\\(ga", to);
        break;
    case '^':
        fputs("\\(ha", to);
        break;
    case '~':
        fputs("\\(ti", to);
        break;
    default:
        fputc(c, to);
    }
}

static void put_plain(FILE *to, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(to, s[i]);
}

/* What begins a line must not look like a request. */
static void guard(FILE *to, const char *s, size_t n)
{
    if (n > 0 && (*s == '.' || *s == '\''))
        fputs("\\&", to);
}

static void put_font(FILE *to, char font, const char *s, size_t n)
{
    fprintf(to, "\\f%c", font);
    put_plain(to, s, n);
    fputs("\\fR", to);
}

void roff_bold(FILE *to, const char *text)
{
    put_font(to, 'B', text, strlen(text));
}

void roff_italic(FILE *to, const char *text)
{
    put_font(to, 'I', text, strlen(text));
}

/* The span that opens with mark at s[at] and closes with it: its length with both marks, or 0. */
static size_t span(const char *s, size_t n, size_t at, const char *mark)
{
    size_t m = strlen(mark);

    if (at + m >= n || memcmp(s + at, mark, m) != 0 || s[at + m] == ' ')
        return 0;
    for (size_t i = at + m; i + m <= n; i++)
        if (memcmp(s + i, mark, m) == 0 && s[i - 1] != ' ' && i > at + m)
            return i + m - at;
    return 0;
}

/* "\|" is how a table's cell writes "|", in code as well. */
static void put_code(FILE *to, const char *s, size_t n)
{
    fputs("\\fB", to);
    for (size_t i = 0; i < n; i++)
        if (s[i] != '\\' || i + 1 == n || s[i + 1] != '|')
            put(to, s[i]);
    fputs("\\fR", to);
}

/* [text](link): the text, and the link where it leads out of the docs. 0: it is none. */
static size_t link_at(FILE *to, const char *s, size_t n)
{
    const char *close = memchr(s, ']', n), *end;

    if (close == NULL || close + 1 >= s + n || close[1] != '(')
        return 0;
    end = memchr(close, ')', (size_t)(s + n - close));
    if (end == NULL)
        return 0;
    put_plain(to, s + 1, (size_t)(close - s - 1));
    if (str_starts(close + 2, "http")) {
        fputs(" (", to);
        put_plain(to, close + 2, (size_t)(end - close - 2));
        fputc(')', to);
    }
    return (size_t)(end - s) + 1;
}

/* In prose a "-" is a hyphen, but for that of an option or a range. */
static void put_prose(FILE *to, const char *s, size_t n, size_t i)
{
    bool inside = i > 0 && i + 1 < n && isalpha((unsigned char)s[i - 1]) && isalpha((unsigned char)s[i + 1]);

    if (inside)
        fputc(s[i], to);
    else
        put(to, s[i]);
}

void roff_inline(FILE *to, const char *text, size_t n)
{
    const char *s = text;
    size_t took;

    for (size_t i = 0; i < n; i += took) {
        took = 1;
        size_t code = span(s, n, i, "`"), strong = span(s, n, i, "**"), weak = span(s, n, i, "*");
        size_t link = s[i] == '[' && code == 0 ? link_at(to, s + i, n - i) : 0; /* writes it */
        if (code > 0)
            put_code(to, s + i + 1, (took = code) - 2);
        else if (strong > 0)
            put_font(to, 'B', s + i + 2, (took = strong) - 4);
        else if (weak > 0)
            put_font(to, 'I', s + i + 1, (took = weak) - 2);
        else if (link > 0)
            took = link;
        else if (s[i] == '\\' && i + 1 < n && ispunct((unsigned char)s[i + 1]))
            put(to, s[i + (took = 2) - 1]);
        else
            put_prose(to, s, n, i);
    }
}

static void put_line(FILE *to, const char *s, size_t n)
{
    after_heading = false;
    guard(to, s, n);
    roff_inline(to, s, n);
    fputc('\n', to);
}

void roff_line(FILE *to, const char *text)
{
    put_line(to, text, strlen(text));
}

void roff_title(FILE *to, const char *name, int section, const char *date, const char *version)
{
    fputs(".\\\" Made by orch help --man.\n.TH \"", to);
    for (const char *p = name; *p != '\0'; p++)
        put(to, (char)toupper((unsigned char)*p));
    fprintf(to, "\" \"%d\" \"%s\" \"orch %s\" \"orch manual\"\n", section, date, version);
    fputs(".nh\n", to); /* names and commands are not to be broken */
    fputs(".ad l\n", to);
}

void roff_heading(FILE *to, const char *macro, const char *text)
{
    fprintf(to, ".%s \"", macro);
    for (const char *p = text; *p != '\0'; p++)
        if (*p == '"')
            fputs("\\(dq", to);
        else if (*p != '`')
            put(to, *p);
    fputs("\"\n", to);
    after_heading = true;
}

void roff_paragraph(FILE *to, const char *text, size_t n)
{
    new_paragraph(to);
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end != NULL ? (size_t)(end - text) - at : n - at;
        struct str line = str_trim((struct str){text + at, len});
        if (line.n > 0)
            put_line(to, line.p, line.n);
        at += len + 1;
    }
}

void roff_plain_line(FILE *to, const char *text)
{
    size_t n = strlen(text);

    after_heading = false;
    guard(to, text, n);
    for (size_t i = 0; i < n; i++)
        put_prose(to, text, n, i);
    fputc('\n', to);
}

void roff_plain(FILE *to, const char *text, size_t n)
{
    bool starts = true;

    new_paragraph(to);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (starts)
            guard(to, text + i, n - i);
        starts = text[i] == '\n';
        put_prose(to, text, n, i);
    }
    fputc('\n', to);
}

static void code_begin(FILE *to)
{
    new_paragraph(to);
    fputs(".RS 4\n.EX\n", to);
}

static void code_line(FILE *to, const char *s, size_t n)
{
    guard(to, s, n);
    put_plain(to, s, n);
    fputc('\n', to);
}

static void code_end(FILE *to)
{
    fputs(".EE\n.RE\n", to);
}

void roff_code(FILE *to, const char *text, size_t n)
{
    code_begin(to);
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end != NULL ? (size_t)(end - text) - at : n - at;
        size_t cut = len >= 2 && strncmp(text + at, "  ", 2) == 0 ? 2 : 0;
        code_line(to, text + at + cut, len - cut);
        at += len + 1;
    }
    code_end(to);
}

void roff_item(FILE *to)
{
    after_heading = false;
    fputs(".TP\n", to);
}

/* "| a | b \| c |": the cells, trimmed. */
static size_t cells_of(struct str line, struct str cells[MAX_CELLS])
{
    size_t count = 0;

    for (size_t at = 1; at < line.n && count < MAX_CELLS;) {
        size_t end = at;
        while (end < line.n && (line.p[end] != '|' || line.p[end - 1] == '\\'))
            end++;
        if (end == line.n)
            break;
        cells[count++] = str_trim((struct str){line.p + at, end - at});
        at = end + 1;
    }
    return count;
}

/* A table's row: the first cell as the tag, the others after it, by their heads where there are several. */
static void table_row(FILE *to, const struct str *heads, size_t head_count, const struct str *cells,
                      size_t count)
{
    roff_item(to);
    if (count > 0 && cells[0].n > 0)
        put_line(to, cells[0].p, cells[0].n);
    else
        fputs("\\&\n", to);
    for (size_t i = 1; i < count; i++) {
        if (cells[i].n == 0)
            continue;
        if (count > 2 && i < head_count && heads[i].n > 0) {
            put_plain(to, heads[i].p, heads[i].n);
            fputs(":\n", to);
        }
        put_line(to, cells[i].p, cells[i].n);
        if (i + 1 < count && count > 2)
            fputs(".br\n", to);
    }
}

/* A reader of lines. */
struct lines {
    const char *p, *end;
};

static bool next_line(struct lines *l, struct str *ret)
{
    if (l->p >= l->end)
        return false;
    const char *end = memchr(l->p, '\n', (size_t)(l->end - l->p));
    if (end == NULL)
        end = l->end;
    *ret = (struct str){l->p, (size_t)(end - l->p)};
    l->p = end < l->end ? end + 1 : l->end;
    return true;
}

static bool begins(struct str s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && memcmp(s.p, with, n) == 0;
}

static bool is_key_table(struct str head)
{
    struct str heads[MAX_CELLS];
    return cells_of(head, heads) > 0 && str_is(heads[0], "key");
}

static void table(FILE *to, struct str head, struct lines *l, bool skip)
{
    struct str heads[MAX_CELLS], cells[MAX_CELLS], line;
    size_t head_count = cells_of(head, heads);
    struct lines ahead = *l;

    while (next_line(&ahead, &line) && begins(line, "|")) {
        *l = ahead;
        if (!skip && !begins(line, "|-") && !begins(line, "| -"))
            table_row(to, heads, head_count, cells, cells_of(line, cells));
    }
}

static void fenced(FILE *to, struct lines *l)
{
    struct str line;

    code_begin(to);
    while (next_line(l, &line) && !begins(line, "```"))
        code_line(to, line.p, line.n);
    code_end(to);
}

/* Lines as long as they are indented; blank ones between them belong to it, those after it do not. */
static void indented(FILE *to, struct str line, struct lines *l)
{
    struct lines ahead = *l;
    size_t blanks = 0;

    code_begin(to);
    code_line(to, line.p + 4, line.n - 4);
    while (next_line(&ahead, &line)) {
        if (str_trim(line).n == 0) {
            blanks++;
            continue;
        }
        if (!begins(line, "    "))
            break;
        for (; blanks > 0; blanks--)
            fputc('\n', to);
        code_line(to, line.p + 4, line.n - 4);
        *l = ahead;
    }
    code_end(to);
}

static bool is_item(struct str s)
{
    size_t digits = 0;

    while (digits < s.n && isdigit((unsigned char)s.p[digits]))
        digits++;
    return begins(s, "- ") || begins(s, "* ") ||
           (digits > 0 && digits + 1 < s.n && s.p[digits] == '.' && s.p[digits + 1] == ' ');
}

static void heading(FILE *to, struct str line, enum roff_form form)
{
    char text[200];
    size_t level = strspn(line.p, "#");
    struct str title = str_trim((struct str){line.p + level, line.n - level});
    bool section = level == 2 && form == ROFF_PAGE;

    if (level < 2)
        return; /* the page's own title */
    snprintf(text, sizeof text, "%.*s", (int)(title.n < 199 ? title.n : 199), title.p);
    for (char *p = text; section && *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    roff_heading(to, section ? "SH" : "SS", text);
}

/* Lines that are text: of a paragraph, or of a list's item. */
static void prose(FILE *to, struct str first, struct lines *l)
{
    struct lines ahead = *l;
    struct str line = str_trim(first);

    if (is_item(line)) {
        const char *blank = memchr(line.p, ' ', line.n);
        size_t mark = (size_t)(blank - line.p);
        after_heading = false;
        if (mark == 1)
            fputs(".IP \\(bu 2\n", to);
        else
            fprintf(to, ".IP %.*s 4\n", (int)mark, line.p);
        line = str_trim((struct str){blank, line.n - mark});
    } else {
        new_paragraph(to);
    }
    put_line(to, line.p, line.n);
    while (next_line(&ahead, &line)) {
        struct str text = str_trim(line);
        if (text.n == 0 || is_item(text) || begins(line, "#") || begins(line, "|") || begins(line, "```"))
            break;
        put_line(to, text.p, text.n);
        *l = ahead;
    }
}

void roff_markdown(FILE *to, const char *text, size_t n, enum roff_form form)
{
    struct lines l = {text, text + n};
    struct str line, pending = {NULL, 0}; /* a heading waits for something to stand under it */

    while (next_line(&l, &line)) {
        bool skip = form == ROFF_NOTES && begins(line, "|") && is_key_table(line);
        if (str_trim(line).n == 0 || begins(line, "<!--"))
            continue;
        if (begins(line, "#")) {
            pending = line;
            continue;
        }
        if (pending.n > 0 && !skip) {
            heading(to, pending, form);
            pending.n = 0;
        }
        if (begins(line, "|"))
            table(to, line, &l, skip);
        else if (begins(line, "```"))
            fenced(to, &l);
        else if (begins(line, "    "))
            indented(to, line, &l);
        else
            prose(to, line, &l);
    }
}
