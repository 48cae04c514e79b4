/* The building blocks of the dashboard's pages. */
#include "orchestrator/page.h"
#include "base/civil.h"
#include "base/html.h"
#include "base/mem.h"
#include <stdarg.h>
#include <sys/stat.h>

/* ---- text ---- */

static void add(struct page *p, const char *s, size_t n)
{
    if (p->rc == 0)
        p->rc = buf_add(p->b, s, n, p->err);
}

void page_put(struct page *p, const char *ours)
{
    add(p, ours, strlen(ours));
}

void page_putf(struct page *p, const char *fmt, ...)
{
    char text[1000];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add(p, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* What needs no escape is taken whole, in runs: nearly all of it. */
void page_bytes(struct page *p, const void *outside, size_t n)
{
    const char *at = outside, *end = at + n;

    while (p->rc == 0 && at < end) {
        const char *run = at;
        while (at < end && *at >= ' ' && *at < 0x7f && strchr("&<>\"'", *at) == NULL)
            at++;
        add(p, run, (size_t)(at - run));
        run = at;
        while (at < end && !(*at >= ' ' && *at < 0x7f && strchr("&<>\"'", *at) == NULL))
            at++;
        if (p->rc == 0 && at > run)
            p->rc = html_add(p->b, run, (size_t)(at - run), p->err);
    }
}

void page_text(struct page *p, const char *outside)
{
    if (outside != NULL)
        page_bytes(p, outside, strlen(outside));
}

void page_textf(struct page *p, const char *fmt, ...)
{
    char text[4000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    page_text(p, text);
}

void page_url(struct page *p, const char *outside)
{
    char out[4];

    for (const unsigned char *s = (const unsigned char *)outside; *s != '\0'; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
                     strchr("-._~:", *s) != NULL;
        if (plain)
            add(p, (const char *)s, 1);
        else if (snprintf(out, sizeof out, "%%%02X", *s) == 3)
            add(p, out, 3);
    }
}

/* ---- numbers and times ---- */

void page_number(struct page *p, int64_t n)
{
    char text[PAGE_NUMBER];

    page_put(p, str_grouped(n, text));
}

const char *page_short(int64_t n, char out[PAGE_NUMBER])
{
    static const char unit[] = {'k', 'M', 'G', 'T', 'P'};
    double v = (double)n;
    int i = -1;

    while (v >= 999.5 && i + 1 < (int)sizeof unit) {
        v /= 1000;
        i++;
    }
    if (i < 0)
        snprintf(out, PAGE_NUMBER, "%lld", (long long)n);
    else
        snprintf(out, PAGE_NUMBER, v < 9.95 ? "%.1f%c" : "%.0f%c", v, unit[i]);
    return out;
}

const char *page_size(int64_t bytes, char out[PAGE_NUMBER])
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    size_t i = 0;

    for (; v >= 1000 && i + 1 < ARRAY_LEN(unit); i++)
        v /= 1024;
    snprintf(out, PAGE_NUMBER, i == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, unit[i]);
    return out;
}

/* Down to milliseconds, and in one unit; cli_span is of lags, which are hours. */
const char *page_span(int64_t ms, char out[PAGE_NUMBER])
{
    long long s = (ms < 0 ? -ms : ms) / 1000;

    if (s < 1)
        snprintf(out, PAGE_NUMBER, "%lld ms", (long long)ms);
    else if (s < 120)
        snprintf(out, PAGE_NUMBER, "%lld s", s);
    else if (s < 7200)
        snprintf(out, PAGE_NUMBER, "%lld min", s / 60);
    else if (s < 172800)
        snprintf(out, PAGE_NUMBER, "%lld h", s / 3600);
    else
        snprintf(out, PAGE_NUMBER, "%lld d", s / 86400);
    return out;
}

void page_time(struct page *p, int64_t ms)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char whole[CIVIL_RFC3339_SIZE];

    if (ms == 0) {
        page_put(p, "–");
        return;
    }
    struct civil c = civil_from_ms(ms), now = civil_from_ms(p->now_ms);
    page_putf(p, "<time datetime=\"%s\">%02d %s", civil_rfc3339(ms, false, whole), c.day,
              months[(c.month + 11) % 12]);
    if (c.year != now.year)
        page_putf(p, " %d", c.year);
    page_putf(p, " %02d:%02d</time>", c.hour, c.minute);
}

void page_ago(struct page *p, int64_t ms)
{
    char whole[CIVIL_RFC3339_SIZE], span[PAGE_NUMBER];
    int64_t ago = p->now_ms - ms;

    if (ms == 0) {
        page_put(p, "never");
        return;
    }
    page_putf(p, "<time datetime=\"%s\" title=\"%s\"%s>", civil_rfc3339(ms, false, whole), whole,
              ago >= 0 ? " data-ago=\"\"" : "");
    page_putf(p, ago < 0 ? "in %s</time>" : "%s ago</time>", page_span(ago, span));
}

/* ---- states ---- */

/* glyph NULL: that of orch status. The others are told apart here, where a month of squares has no words beside them. */
static const struct {
    const char *glyph, *word, *class;
} states[VIEW_STATES] = {
    [VIEW_DEAD] = {"†", "dead", "bad"},
    [VIEW_FAILED] = {NULL, "failed", "bad"},
    [VIEW_MISMATCHED] = {NULL, "mismatched", "odd"},
    [VIEW_PROCESSING] = {"R", "running", "run"},
    [VIEW_QUEUED] = {"Q", "queued", "run"},
    [VIEW_LOADED] = {"L", "loaded", "half"},
    [VIEW_RECONCILED] = {NULL, "reconciled", "good"},
    [VIEW_EMPTY] = {"○", "empty", "calm"},
    [VIEW_SKIPPED] = {NULL, "skipped", "calm"},
    [VIEW_ADOPTED] = {"A", "adopted", "calm"},
    [VIEW_WAITING] = {"?", "waiting", "wait"},
    [VIEW_LATE] = {NULL, "late", "late"},
};

const char *page_glyph(enum view_state s)
{
    return states[s].glyph != NULL ? states[s].glyph : view_glyph(s);
}

const char *page_word(enum view_state s)
{
    return states[s].word;
}

const char *page_class(enum view_state s)
{
    return states[s].class;
}

void page_state(struct page *p, enum view_state s)
{
    page_putf(p, "<span class=\"st %s\"><span aria-hidden=\"true\">%s</span> %s</span>", states[s].class,
              page_glyph(s), states[s].word);
}

/* Other words of orch's, each with what it looks like. */
static const struct {
    const char *name, *glyph, *class;
} words[] = {
    {"REFUSED", "✖", "bad"},     {"REQUEST", "✖", "bad"},       {"DONE", "●", "good"},
    {"STUCK", "■", "bad"},       {"UNAVAILABLE", "~", "late"},  {"SMALL", "▽", "late"},
    {"PAUSED", "‖", "calm"},     {"ALERT", "!", "bad"},         {"EQUAL", "=", "good"},
    {"DIFFERENT", "≠", "odd"},   {"UNVERIFIABLE", "?", "calm"}, {"SUCCEEDED", "●", "good"},
    {"TIMED_OUT", "✖", "bad"},   {"ABORTED", "–", "calm"},      {"RUNNING", "R", "run"},
    {"SUPERSEDED", "–", "calm"}, {"PUBLISHED", "●", "good"},    {"PLANNED", "Q", "run"},
    {"WRITING", "R", "run"},     {"WRITTEN", "L", "half"},      {"FINAL", "✖", "bad"},
    {"PENDING", "?", "wait"},    {"REPLAYED", "●", "good"},     {"DISCARDED", "–", "calm"},
    {"SAME", "=", "calm"},       {"DRAWN", "Q", "run"},
};

void page_badge(struct page *p, const char *word)
{
    for (enum view_state s = 0; s < VIEW_STATES; s++)
        if (strcmp(word, view_state_name(s)) == 0) {
            page_state(p, s);
            return;
        }
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i].name, word) != 0)
        i++;
    page_putf(p, "<span class=\"st %s\"><span aria-hidden=\"true\">%s</span> ",
              i < ARRAY_LEN(words) ? words[i].class : "calm", i < ARRAY_LEN(words) ? words[i].glyph : "·");
    for (const char *c = word; *c != '\0'; c++) {
        char low[2] = {(char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c == '_' ? ' ' : *c), '\0'};
        page_text(p, low);
    }
    page_put(p, "</span>");
}

/* ---- parts of a page ---- */

void page_link(struct page *p, const char *pipeline, const char *part)
{
    char plain[64] = "";
    const struct pipeline *flow = NULL;
    struct err none;

    if (part != NULL)
        snprintf(plain, sizeof plain, "%.*s", (int)strcspn(part, "#"), part);
    bool extract = config_extract(p->config, pipeline, &flow, &none) == 0;
    page_put(p, extract ? "<a href=\"/extracts/" : "<a href=\"/pipelines/");
    page_url(p, pipeline);
    if (plain[0] != '\0' && !extract) {
        page_put(p, "/");
        page_url(p, plain);
    }
    page_put(p, "\">");
    page_text(p, pipeline);
    if (part != NULL && *part != '\0') {
        page_put(p, "/<wbr/>");
        page_text(p, part);
    }
    page_put(p, "</a>");
}

void page_command(struct page *p, const char *fmt, ...)
{
    char text[2000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    page_put(p, "<code class=\"cmd\">");
    page_text(p, text);
    page_put(p, "</code>");
}

void page_fact(struct page *p, const char *what)
{
    page_putf(p, "<div><dt>%s</dt><dd>", what);
}

void page_fact_end(struct page *p)
{
    page_put(p, "</dd></div>\n");
}

bool page_may_write(const struct page *p)
{
    return p->csrf != NULL && *p->csrf != '\0';
}

const char *page_query(const struct page *p, const char *name)
{
    const char *v = serve_query(p->q, name);

    return v != NULL ? v : "";
}

/* ---- the frame ---- */

static const struct {
    const char *href, *title;
} places[] = {
    {"/", "Overview"}, {"/executions", "Executions"}, {"/rejects", "Rejects"}, {"/activity", "Activity"}};

void page_begin(struct page *p, const char *title, const char *where)
{
    page_put(p, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n<title>");
    page_text(p, title);
    page_put(p, " · orch</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                "<link rel=\"stylesheet\" href=\"/style.css\"/>\n"
                "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\"/>\n"
                "<script src=\"/orch.js\" defer=\"defer\"></script>\n</head>\n<body>\n"
                "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><a class=\"brand\" "
                "href=\"/\">orch</a>\n"
                "<nav aria-label=\"Pages\"><ul>");
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        page_putf(p, "<li><a href=\"%s\"%s>%s</a></li>", places[i].href,
                  strcmp(where, places[i].title) == 0 ? " aria-current=\"page\"" : "", places[i].title);
    page_put(p, "</ul></nav></header>\n<main id=\"main\" tabindex=\"-1\">\n");
}

int page_end(struct page *p)
{
    char size[PAGE_NUMBER], now[CIVIL_RFC3339_SIZE];
    struct stat st;
    int64_t bytes = 0;

    page_put(p, "</main>\n<footer><p>orch " ORCH_VERSION " · state file ");
    if (p->store != NULL && stat(store_path(p->store), &st) == 0)
        bytes = st.st_size;
    page_put(p, page_size(bytes, size));
    civil_rfc3339(p->now_ms, false, now);
    page_putf(p, " · as of <time id=\"clock\" datetime=\"%s\">%.10s %.8s UTC</time></p></footer>\n", now, now,
              now + 11);
    page_put(p, "</body></html>\n");
    return p->rc;
}
