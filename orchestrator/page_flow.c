/* One pipeline in the overview. Its last 24 partitions tell, never all its years: the page costs the same with five of them. */
#include "orchestrator/page.h"
#include "state/dash_rows.h"

static int on_hour(void *arg, const struct view_part *v, struct err *err)
{
    struct page_flow *k = arg;
    struct status_flow *f = &k->f;
    struct flow_hour *h;

    UNUSED(err);
    f->counts[v->state]++;
    f->partitions++;
    snprintf(f->newest, sizeof f->newest, "%s", v->part);
    f->newest_unseen = v->state == VIEW_WAITING && v->listed_ms == 0 && v->job_count == 0;
    f->unverifiable = f->unverifiable || v->unverifiable;
    if (v->state != VIEW_SKIPPED && view_part_is_well(v))
        memcpy(f->last_good, f->newest, PART_SIZE);
    if (v->listed_ms > f->listed_ms)
        f->listed_ms = v->listed_ms;
    if (k->n == SQUARES) { /* parts that orch met outside the calendar may be among them */
        memmove(k->hours, k->hours + 1, (SQUARES - 1) * sizeof k->hours[0]);
        k->n--;
    }
    h = &k->hours[k->n++];
    *h = (struct flow_hour){.state = v->state,
                            .rows_read = v->rows_read,
                            .rows_loaded = v->rows_loaded,
                            .rows_rejected = v->rows_rejected};
    memcpy(h->part, f->newest, PART_SIZE);
    return 0;
}

static int on_older(void *arg, const struct view_part *v, struct err *err)
{
    struct status_flow *f = arg;

    UNUSED(err);
    if (v->state != VIEW_SKIPPED && view_part_is_well(v))
        snprintf(f->last_good, sizeof f->last_good, "%s", v->part);
    return 0;
}

/* Back from the squares in steps that grow, until one was good or the first was reached. */
static int find_good(struct page *p, struct status_flow *f, int64_t from_ms)
{
    const struct pipeline *flow = f->p;
    int64_t step = 31 * SQUARES;
    int rc = 0;

    while (rc == 0 && f->last_good[0] == '\0' && from_ms > flow->since_ms) {
        char from[PART_SIZE], to[PART_SIZE];
        part_name(flow->period, from_ms - period_ms(flow->period), to);
        from_ms -= step * period_ms(flow->period);
        from_ms = from_ms < flow->since_ms ? flow->since_ms : from_ms;
        rc = view_each(p->store, flow, part_name(flow->period, from_ms, from), to, p->now_ms, VIEW_BRIEF,
                       on_older, f, p->err);
        step *= 12;
    }
    return rc;
}

static int on_rate(void *arg, int64_t at_ms, int64_t took_ms, int64_t rows, struct err *err)
{
    struct page_flow *k = arg;

    UNUSED(err);
    if (k->rate_count == FLOW_RATES || rows <= 0)
        return 0;
    k->rate_ms[k->rate_count] = at_ms;
    k->rates[k->rate_count++] = rows * 1000 / (took_ms > 0 ? took_ms : 1);
    return 0;
}

static void oldest_first(struct page_flow *k)
{
    for (size_t i = 0, j = k->rate_count; i + 1 < j; i++) {
        int64_t rate = k->rates[i], ms = k->rate_ms[i];
        j--;
        k->rates[i] = k->rates[j];
        k->rate_ms[i] = k->rate_ms[j];
        k->rates[j] = rate;
        k->rate_ms[j] = ms;
    }
}

int page_flow_look(struct page *p, const struct pipeline *pipeline, struct page_flow *ret)
{
    int64_t newest, from_ms, step = period_ms(pipeline->period);
    char from[PART_SIZE];
    int rc = 0;

    *ret = (struct page_flow){.f = {.p = pipeline}, .worst = INT32_MAX};
    if (view_newest(pipeline, p->now_ms, &newest)) {
        from_ms = newest - (SQUARES - 1) * step;
        from_ms = from_ms < pipeline->since_ms ? pipeline->since_ms : from_ms;
        rc = view_each(p->store, pipeline, part_name(pipeline->period, from_ms, from), NULL, p->now_ms,
                       VIEW_WHOLE, on_hour, ret, p->err);
        if (rc == 0)
            rc = find_good(p, &ret->f, from_ms);
    }
    if (rc == 0)
        rc = status_look_beside(p->store, &ret->f, p->now_ms, p->err);
    if (rc == 0)
        rc = dash_rates(p->store, pipeline->name, FLOW_RATES, on_rate, ret, p->err);
    oldest_first(ret);
    return rc;
}

/* ---- its row ---- */

static void squares(struct page *p, const struct page_flow *k)
{
    char rows[PAGE_NUMBER];

    page_put(p, "<td class=\"sq\" data-l=\"Last 24\"><span class=\"row\">");
    for (size_t i = 0; i < k->n; i++) {
        const struct flow_hour *h = &k->hours[i];
        page_putf(p, "<a class=\"%s\" href=\"/pipelines/", page_class(h->state));
        page_url(p, k->f.p->name);
        page_put(p, "/");
        page_url(p, h->part);
        page_put(p, "\" title=\"");
        page_text(p, h->part);
        page_putf(p, " %s", page_word(h->state));
        if (h->rows_read > 0)
            page_putf(p, ", %s rows", str_grouped(h->rows_loaded, rows));
        if (h->rows_rejected > 0)
            page_putf(p, ", %s rejected", str_grouped(h->rows_rejected, rows));
        page_putf(p, "\"><span aria-hidden=\"true\">%s</span><span class=\"vh\">", page_glyph(h->state));
        page_text(p, h->part);
        page_putf(p, " %s</span></a>", page_word(h->state));
    }
    page_put(p, "</span><small>");
    if (k->n == 0)
        page_put(p, "none due yet");
    for (enum view_state s = 0, more = 0; s < VIEW_STATES; s++)
        if (k->f.counts[s] > 0)
            page_putf(p, "%s%lld %s", more++ > 0 ? ", " : "", (long long)k->f.counts[s], page_word(s));
    page_put(p, "</small></td>\n");
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Heights are of the greatest; the words say what it is. */
void page_flow_spark(struct page *p, const struct page_flow *k)
{
    enum { W = 96, H = 20 };
    int64_t sorted[FLOW_RATES], most;
    char last[PAGE_NUMBER], middle[PAGE_NUMBER];
    size_t n = k->rate_count;

    if (n == 0) {
        page_put(p, "<span class=\"soft\">no load on record</span>");
        return;
    }
    memcpy(sorted, k->rates, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], by_size);
    most = sorted[n - 1] > 0 ? sorted[n - 1] : 1;
    page_short(k->rates[n - 1], last);
    page_short(sorted[n / 2], middle);
    page_putf(p,
              "<svg class=\"spark\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">"
              "<title>Rows a second of the last %zu loads: newest %s, median %s</title><polyline "
              "fill=\"none\" points=\"",
              W, H, W, H, n, last, middle);
    for (size_t i = 0; i < n; i++)
        page_putf(p, "%.1f,%.1f ", n == 1 ? W / 2.0 : 2 + (W - 4) * (double)i / (double)(n - 1),
                  H - 2 - (H - 4) * (double)k->rates[i] / (double)most);
    page_putf(p, "\"/><circle r=\"2\" cx=\"%.1f\" cy=\"%.1f\"/></svg> <span class=\"num\">%s rows/s</span>",
              n == 1 ? W / 2.0 : W - 2.0, H - 2 - (H - 4) * (double)k->rates[n - 1] / (double)most, last);
}

static void next_look(struct page *p, const struct status_flow *f)
{
    char whole[CLI_TIME_SIZE];

    page_put(p, "<td data-l=\"Next look\">");
    if (f->paused) {
        page_badge(p, "PAUSED");
        page_put(p, "<small>since ");
        page_time(p, f->pause.since_ms);
        page_textf(p, " by %s: %s", f->pause.who, f->pause.reason);
        page_put(p, "</small>");
    } else if (f->next_look_ms == 0) {
        page_put(p, "never");
    } else if (f->next_look_ms <= p->now_ms) {
        page_put(p, "next tick");
    } else {
        page_putf(p, "<time datetime=\"%s\">%.5s</time>", cli_time(f->next_look_ms, whole), whole + 11);
    }
    if (f->waits[0] != '\0') {
        page_put(p, "<small>waits: ");
        page_text(p, f->waits);
        page_put(p, "</small>");
    }
    page_put(p, "</td></tr>\n");
}

void page_flow_row(struct page *p, const struct page_flow *k)
{
    const struct status_flow *f = &k->f;
    const char *verdict = k->differs ? "DIFFERENT" : status_verdict(f);
    char span[CLI_TIME_SIZE];

    page_put(p, k->bad ? "<tr class=\"needs\"><th scope=\"row\">" : "<tr><th scope=\"row\">");
    page_link(p, f->p->name, NULL);
    page_put(p, "<small>");
    page_text(p, f->p->owner_name);
    page_put(p, "</small></th>\n<td class=\"num\" data-l=\"Lag\">");
    page_putf(p, "%s</td>\n<td class=\"part\" data-l=\"Last good\">", cli_span(f->lag_ms, span));
    if (f->last_good[0] != '\0') {
        page_put(p, "<a href=\"/pipelines/");
        page_url(p, f->p->name);
        page_put(p, "/");
        page_url(p, f->last_good);
        page_put(p, "\">");
        page_text(p, f->last_good);
        page_put(p, "</a></td>\n");
    } else {
        page_put(p, "none yet</td>\n");
    }
    squares(p, k);
    page_put(p, "<td data-l=\"Rate\" class=\"rate\">");
    page_flow_spark(p, k);
    page_put(p, "</td>\n<td data-l=\"Source = target\">");
    if (*verdict != '\0')
        page_badge(p, verdict);
    else
        page_put(p, "–");
    page_put(p, "</td>\n");
    next_look(p, f);
}
