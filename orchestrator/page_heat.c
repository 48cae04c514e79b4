/* The partitions of one pipeline: a month of hours, or a year of days, as a table of links. */
#include "base/civil.h"
#include "base/mem.h"
#include "orchestrator/page.h"

enum { COLUMNS = 31, ROWS = 24, NOTHING = 255 };

struct cell {
    bool there;
    enum view_state state;
    int64_t read, loaded, rejected;
};
struct heat {
    struct page *p;
    const struct pipeline *flow;
    int year, month; /* month 0: the table is of a year of days: rows are months */
    int rows, columns;
    struct cell cells[ROWS][COLUMNS]; /* hours, or months, by days */
    int64_t counts[VIEW_STATES], read, loaded, rejected;
    const char *show; /* "", "rows", "rejects" */
};

static void cell_name(const struct heat *h, int row, int column, char out[PART_SIZE])
{
    unsigned year = (unsigned)h->year % 10000, month = (unsigned)h->month % 100, r = (unsigned)row % 99,
             day = ((unsigned)column + 1) % 100;

    if (h->month > 0)
        snprintf(out, PART_SIZE, "%04u-%02u-%02uT%02u", year, month, day, r);
    else
        snprintf(out, PART_SIZE, "%04u-%02u-%02u", year, r + 1, day);
}

static int on_part(void *arg, const struct view_part *v, struct err *err)
{
    struct heat *h = arg;
    int64_t ms;
    struct err none;

    UNUSED(err);
    if (part_parse(h->flow->period, v->part, &ms, &none) < 0) /* of a period that it had before */
        return 0;
    struct civil c = civil_from_ms(ms);
    struct cell *x = &h->cells[h->month > 0 ? c.hour : c.month - 1][c.day - 1];
    *x = (struct cell){true, v->state, v->rows_read, v->rows_loaded, v->rows_rejected};
    h->counts[v->state]++;
    h->read += v->rows_read;
    h->loaded += v->rows_loaded;
    h->rejected += v->rows_rejected;
    return 0;
}

static int fill(struct heat *h)
{
    char from[PART_SIZE], to[PART_SIZE];

    cell_name(h, 0, 0, from);
    cell_name(h, h->rows - 1, (h->month > 0 ? civil_month_days(h->year, h->month) : 31) - 1, to);
    return view_each(h->p->store, h->flow, from, to, h->p->now_ms, VIEW_WHOLE, on_part, h, h->p->err);
}

/* ---- written ---- */

static void address(struct page *p, const struct pipeline *flow)
{
    page_put(p, "/pipelines/");
    page_url(p, flow->name);
}

static void put_cell(struct heat *h, int row, int column)
{
    struct page *p = h->p;
    const struct cell *c = &h->cells[row][column];
    char part[PART_SIZE], n[PAGE_NUMBER];
    const char *shown = page_glyph(c->state);

    if (!c->there) {
        page_put(p, "<td class=\"no\">·</td>");
        return;
    }
    cell_name(h, row, column, part);
    if (*h->show != '\0')
        shown = page_short(strcmp(h->show, "rows") == 0 ? c->loaded : c->rejected, n);
    page_putf(p, "<td><a class=\"%s\" href=\"", page_class(c->state));
    address(p, h->flow);
    page_putf(p, "/%s\" aria-label=\"%s %s\" title=\"%s %s", part, part, page_word(c->state), part,
              page_word(c->state));
    if (c->read > 0)
        page_putf(p, ": %lld read = %lld loaded + %lld rejected", (long long)c->read, (long long)c->loaded,
                  (long long)c->rejected);
    page_putf(p, "\">%s</a></td>", shown);
}

static void legend(struct heat *h)
{
    struct page *p = h->p;

    page_put(p, "<ul class=\"legend\" aria-label=\"What the signs say\">");
    for (enum view_state s = 0; s < VIEW_STATES; s++)
        if (h->counts[s] > 0) {
            page_put(p, "<li>");
            page_state(p, s);
            page_putf(p, " %lld</li>", (long long)h->counts[s]);
        }
    page_put(p, "<li><span class=\"st\"><span aria-hidden=\"true\">·</span> not due</span></li></ul>\n");
    if (h->read > 0) {
        page_put(p, "<p class=\"soft\">");
        page_number(p, h->read);
        page_put(p, " rows read = ");
        page_number(p, h->loaded);
        page_put(p, " loaded + ");
        page_number(p, h->rejected);
        page_put(p, h->read == h->loaded + h->rejected ? " rejected.</p>\n"
                                                       : " rejected, and some are under way.</p>\n");
    }
}

static void table(struct heat *h)
{
    static const char days[] = "SMTWTFS";
    static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct page *p = h->p;
    int days_here = h->month > 0 ? civil_month_days(h->year, h->month) : 31;

    page_put(p, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Partitions\">"
                "<table class=\"heat\"><caption><span>");
    page_text(p, h->flow->name);
    if (h->month > 0)
        page_putf(p, ", %04d-%02d: hours down, days across, UTC.", h->year, h->month);
    else
        page_putf(p, ", %04d: months down, days across.", h->year);
    page_put(p, " A cell leads to its partition.</span></caption>\n<thead><tr><th scope=\"col\">");
    page_put(p, h->month > 0 ? "hour</th>" : "month</th>");
    for (int d = 0; d < days_here; d++) {
        int w = h->month > 0 ? civil_weekday(civil_days(h->year, h->month, d + 1)) : 1;
        if (h->month > 0)
            page_putf(p, "<th scope=\"col\"%s><abbr title=\"%s\">%c</abbr> %d</th>",
                      w == 0 || w == 6 ? " class=\"we\"" : "", names[w], days[w], d + 1);
        else
            page_putf(p, "<th scope=\"col\">%d</th>", d + 1);
    }
    page_put(p, "</tr></thead>\n<tbody>\n");
    for (int r = 0; r < h->rows; r++) {
        page_putf(p, "<tr><th scope=\"row\">%02d</th>", h->month > 0 ? r : r + 1);
        for (int d = 0; d < days_here; d++) {
            if (h->month == 0 && d >= civil_month_days(h->year, r + 1))
                page_put(p, "<td></td>");
            else
                put_cell(h, r, d);
        }
        page_put(p, "</tr>\n");
    }
    page_put(p, "</tbody></table></div>\n");
}

static void month_link(struct heat *h, int by, const char *rel, const char *arrow)
{
    int at = h->year * 12 + h->month - 1 + by;

    page_put(h->p, "<a href=\"");
    address(h->p, h->flow);
    page_putf(h->p, "?month=%04d-%02d\" rel=\"%s\">%s%04d-%02d%s</a> ", at / 12, at % 12 + 1, rel,
              by < 0 ? arrow : "", at / 12, at % 12 + 1, by > 0 ? arrow : "");
}

static void year_link(struct page *p, const struct pipeline *flow, int year, const char *before,
                      const char *after)
{
    page_put(p, "<a href=\"");
    address(p, flow);
    page_putf(p, "?year=%04d\">%s%04d%s</a> ", year, before, year, after);
}

/* Bounds of what may be asked for: nothing is before since, or after now. */
static void bounds(const struct page *p, const struct pipeline *flow, struct civil *first, struct civil *last)
{
    int64_t newest;

    *first = civil_from_ms(flow->since_ms);
    *last = *first;
    if (view_newest(flow, p->now_ms, &newest))
        *last = civil_from_ms(newest);
}

static void choices(struct heat *h)
{
    static const char *const shows[][2] = {{"", "state"}, {"rows", "rows"}, {"rejects", "rejects"}};
    struct page *p = h->p;
    struct civil first, last;
    int at = h->year * 12 + h->month - 1;

    bounds(p, h->flow, &first, &last);
    page_put(p, "<p class=\"choices\">");
    if (h->month > 0 && at > first.year * 12 + first.month - 1)
        month_link(h, -1, "prev", "← ");
    if (h->month > 0 && at < last.year * 12 + last.month - 1)
        month_link(h, 1, "next", " →");
    if (h->month > 0)
        year_link(p, h->flow, h->year, "all of ", "");
    if (h->month == 0 && h->year > first.year)
        year_link(p, h->flow, h->year - 1, "← ", "");
    if (h->month == 0 && h->year < last.year)
        year_link(p, h->flow, h->year + 1, "", " →");
    page_put(p, "<span>Cells show ");
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        bool here = strcmp(h->show, shows[i][0]) == 0;
        page_put(p, "<a href=\"");
        address(p, h->flow);
        if (h->month > 0)
            page_putf(p, "?month=%04d-%02d", h->year, h->month);
        else
            page_putf(p, "?year=%04d", h->year);
        page_putf(p, "%s%s\"%s>%s</a> ", i > 0 ? "&amp;show=" : "", shows[i][0],
                  here ? " aria-current=\"true\"" : "", shows[i][1]);
    }
    page_put(p, "</span></p>\n");
}

/* ---- the page's top, of months and of years ---- */

static void facts(struct page *p, struct page_flow *k)
{
    const struct pipeline *flow = k->f.p;
    char span[CLI_TIME_SIZE];

    page_put(p, "<dl class=\"facts\">\n");
    page_fact(p, "owner");
    page_text(p, flow->owner_name != NULL && flow->owner_name[0] != '\0' ? flow->owner_name : "nobody");
    page_fact_end(p);
    page_fact(p, "schedule");
    page_put(p, "<code>");
    page_text(p, flow->schedule);
    page_put(p, "</code>");
    page_fact_end(p);
    page_fact(p, "table");
    page_put(p, "<code>");
    page_text(p, flow->table);
    page_put(p, "</code>");
    page_fact_end(p);
    page_fact(p, "lag");
    page_putf(p, "%s, last good ", cli_span(k->f.lag_ms, span));
    page_text(p, k->f.last_good[0] != '\0' ? k->f.last_good : "none yet");
    page_fact_end(p);
    page_fact(p, "rate");
    page_flow_spark(p, k);
    page_fact_end(p);
    page_put(p, "</dl>\n");
}

static void top(struct page *p, const struct pipeline *flow)
{
    struct page_flow *k = xcalloc(1, sizeof *k);
    struct attention *a = attention_new(p);

    if (p->rc == 0)
        p->rc = page_flow_look(p, flow, k);
    if (p->rc == 0)
        p->rc = attention_look(a, k);
    page_begin(p, flow->name, "");
    page_put(p, "<h1>");
    page_text(p, flow->name);
    page_put(p, "</h1>\n");
    if (k->f.paused) {
        page_put(p, "<p class=\"warn\">");
        page_badge(p, "PAUSED");
        page_put(p, " since ");
        page_time(p, k->f.pause.since_ms);
        page_textf(p, " by %s: %s ", k->f.pause.who, k->f.pause.reason);
        page_command(p, "orch resume %s", flow->name);
        page_put(p, "</p>\n");
    }
    facts(p, k);
    page_put(p, "<p class=\"choices\"><a href=\"/executions?pipeline=");
    page_url(p, flow->name);
    page_put(p, "\">executions</a> <a href=\"/rejects?pipeline=");
    page_url(p, flow->name);
    page_put(p, "\">rejects</a> <a href=\"/activity?pipeline=");
    page_url(p, flow->name);
    page_put(p, "\">activity</a></p>\n");
    if (attention_count(a) > 0) {
        page_put(p, "<section>\n<h2>Needs attention</h2>\n");
        attention_put(a, 5);
        page_put(p, "</section>\n");
    }
    page_forms(p, flow->name, NULL);
    attention_free(a);
    free(k);
}

/* ---- a year of hours ---- */

struct year {
    struct page *p;
    const struct pipeline *flow;
    int year;
    int64_t day0, days;
    unsigned char *hours; /* owned: a state, or NOTHING */
    int64_t counts[12][VIEW_STATES];
};

static int on_hour(void *arg, const struct view_part *v, struct err *err)
{
    struct year *y = arg;
    const char *s = v->part;
    int64_t ms, day;
    struct err none;

    UNUSED(err);
    if (part_parse(PERIOD_HOUR, s, &ms, &none) < 0)
        return 0;
    day = ms / 86400000 - y->day0;
    if (day < 0 || day >= y->days)
        return 0;
    y->hours[day * 24 + (s[11] - '0') * 10 + s[12] - '0'] = (unsigned char)v->state;
    y->counts[(s[5] - '0') * 10 + s[6] - '0' - 1][v->state]++;
    return 0;
}

/* One path a state: a stroke down for each run of hours. */
static void strokes(struct year *y, enum view_state s)
{
    struct page *p = y->p;
    bool any = false;

    for (int64_t d = 0; d < y->days; d++)
        for (int h = 0; h < 24;) {
            int from = h;
            while (h < 24 && y->hours[d * 24 + h] == s)
                h++;
            if (h == from) {
                h++;
                continue;
            }
            if (!any)
                page_putf(p, "<path class=\"y %s\" d=\"", page_class(s));
            any = true;
            page_putf(p, "M%lld %dv%d", (long long)d * 3 + 2, from * 5 + 1, (h - from) * 5 - 1);
        }
    if (any)
        page_put(p, "\"/>\n");
}

static void drawing(struct year *y)
{
    struct page *p = y->p;

    page_putf(p,
              "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"The year, drawn\"><svg "
              "class=\"year\" viewBox=\"0 -14 %lld 136\" role=\"img\"><title>",
              (long long)y->days * 3 + 2);
    page_text(p, y->flow->name);
    page_putf(p,
              ", %04d: a column a day, a line an hour, 00 at the top; the table below says the same"
              "</title>\n",
              y->year);
    for (int m = 1; m <= 12; m++) {
        long long x = (civil_days(y->year, m, 1) - y->day0) * 3;
        page_putf(p, "<path class=\"axis\" d=\"M%lld -4v126\"/><text x=\"%lld\" y=\"-4\">%02d</text>\n", x,
                  x + 3, m);
    }
    for (int s = VIEW_STATES - 1; s >= 0; s--)
        strokes(y, (enum view_state)s);
    page_put(p, "</svg></div>\n");
}

static void months(struct year *y)
{
    struct page *p = y->p;

    page_put(p, "<div class=\"wide\"><table><caption>Partitions by month; a month leads to its hours."
                "</caption>\n<thead><tr><th scope=\"col\">Month</th>");
    bool used[VIEW_STATES] = {false};
    for (int m = 0; m < 12; m++)
        for (int s = 0; s < VIEW_STATES; s++)
            used[s] = used[s] || y->counts[m][s] > 0;
    for (enum view_state s = 0; s < VIEW_STATES; s++)
        if (used[s]) {
            page_put(p, "<th scope=\"col\" class=\"num\">");
            page_state(p, s);
            page_put(p, "</th>");
        }
    page_put(p, "</tr></thead>\n<tbody>\n");
    for (int m = 0; m < 12; m++) {
        page_put(p, "<tr><th scope=\"row\" class=\"part\"><a href=\"");
        address(p, y->flow);
        page_putf(p, "?month=%04d-%02d\">%04d-%02d</a></th>", y->year, m + 1, y->year, m + 1);
        for (enum view_state s = 0; s < VIEW_STATES; s++)
            if (used[s])
                page_putf(p, "<td class=\"num\">%lld</td>", (long long)y->counts[m][s]);
        page_put(p, "</tr>\n");
    }
    page_put(p, "</tbody></table></div>\n");
}

/* The hours that are not well, in words: runs of one state. */
static void holes(struct year *y)
{
    enum { SHOWN = 100 };
    struct page *p = y->p;
    int64_t shown = 0, left = 0;

    for (int64_t i = 0; i < y->days * 24;) {
        unsigned s = y->hours[i];
        int64_t from = i++;
        while (i < y->days * 24 && y->hours[i] == s)
            i++;
        if (s > VIEW_MISMATCHED && s != VIEW_LATE)
            continue;
        if (shown++ >= SHOWN) {
            left++;
            continue;
        }
        char first[PART_SIZE];
        part_name(PERIOD_HOUR, (y->day0 * 24 + from) * 3600000, first);
        page_put(p, shown == 1 ? "<h2>Not well</h2>\n<ul class=\"holes\">\n<li>" : "<li>");
        page_state(p, (enum view_state)s);
        page_put(p, " <a href=\"");
        address(p, y->flow);
        page_putf(p, "/%s\">%s</a>", first, first);
        if (i - from > 1)
            page_putf(p, " and %lld hour%s after it", (long long)(i - from - 1), i - from == 2 ? "" : "s");
        page_put(p, "</li>\n");
    }
    if (shown > 0)
        page_put(p, "</ul>\n");
    if (left > 0)
        page_putf(p, "<p class=\"soft\">%lld more.</p>\n", (long long)left);
}

static void year_of_hours(struct page *p, const struct pipeline *flow, int year)
{
    struct year *y = xcalloc(1, sizeof *y);
    struct civil first, last;
    char from[PART_SIZE], to[PART_SIZE];

    *y = (struct year){.p = p, .flow = flow, .year = year, .day0 = civil_days(year, 1, 1)};
    y->days = civil_days(year + 1, 1, 1) - y->day0;
    y->hours = xmalloc((size_t)y->days * 24);
    memset(y->hours, NOTHING, (size_t)y->days * 24);
    snprintf(from, sizeof from, "%04u-01-01T00", (unsigned)year % 10000);
    snprintf(to, sizeof to, "%04u-12-31T23", (unsigned)year % 10000);
    if (p->rc == 0)
        p->rc = view_each(p->store, flow, from, to, p->now_ms, VIEW_BRIEF, on_hour, y, p->err);
    bounds(p, flow, &first, &last);
    page_putf(p, "<h2>%04d</h2>\n<p class=\"choices\">", year);
    if (year > first.year)
        year_link(p, flow, year - 1, "← ", "");
    if (year < last.year)
        year_link(p, flow, year + 1, "", " →");
    page_put(p, "</p>\n");
    drawing(y);
    months(y);
    holes(y);
    free(y->hours);
    free(y);
}

static void page_year(struct page *p, const struct pipeline *flow, int year)
{
    struct heat *h;

    top(p, flow);
    if (flow->period == PERIOD_HOUR) {
        year_of_hours(p, flow, year);
        return;
    }
    h = xcalloc(1, sizeof *h);
    *h = (struct heat){.p = p, .flow = flow, .year = year, .rows = 12, .show = page_query(p, "show")};
    if (p->rc == 0)
        p->rc = fill(h);
    page_putf(p, "<h2>%04d</h2>\n", year);
    choices(h);
    table(h);
    legend(h);
    free(h);
}

static void month_of_hours(struct page *p, const struct pipeline *flow, int year, int month)
{
    struct heat *h = xcalloc(1, sizeof *h);

    *h = (struct heat){
        .p = p, .flow = flow, .year = year, .month = month, .rows = 24, .show = page_query(p, "show")};
    if (p->rc == 0)
        p->rc = fill(h);
    page_putf(p, "<h2>%04d-%02d</h2>\n", year, month);
    choices(h);
    table(h);
    legend(h);
    free(h);
}

/* "2022" or "2022-06"; false: neither. */
static bool parse(const char *text, int *year, int *month)
{
    size_t n = strlen(text);

    *month = 0;
    if (strspn(text, "0123456789") < 4 || (n != 4 && n != 7))
        return false;
    *year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0';
    if (n == 7) {
        if (text[4] != '-' || strspn(text + 5, "0123456789") != 2)
            return false;
        *month = (text[5] - '0') * 10 + text[6] - '0';
        return *month >= 1 && *month <= 12 && *year >= 1;
    }
    return *year >= 1 && *year < 9999;
}

void page_of_pipeline(struct page *p, const struct pipeline *flow)
{
    const char *month = page_query(p, "month"), *year = page_query(p, "year"), *show = page_query(p, "show");
    struct civil first, last;
    int y, m = 0;

    bounds(p, flow, &first, &last);
    y = last.year;
    if (*show != '\0' && strcmp(show, "rows") != 0 && strcmp(show, "rejects") != 0)
        p->rc = err_set(p->err, ERR_USAGE, "show knows rows and rejects");
    else if (*year != '\0' && (!parse(year, &y, &m) || m != 0))
        p->rc = err_set(p->err, ERR_USAGE, "year is like 2022");
    else if (*month != '\0' && (!parse(month, &y, &m) || m == 0))
        p->rc = err_set(p->err, ERR_USAGE, "month is like 2022-06");
    if (p->rc < 0)
        return;
    if (*year != '\0' || flow->period == PERIOD_DAY) {
        page_year(p, flow, y);
        return;
    }
    top(p, flow);
    month_of_hours(p, flow, y, m != 0 ? m : last.month);
}
