#include "base/html.h"
#include "base/limits.h"
#include "orchestrator/profile.h"

/* The page is made of the JSON report alone, so that the two cannot differ. No script, nothing from outside. */
static const char head[] = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                           "style-src 'unsafe-inline'\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                           "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Profile of ";
static const char style[] =
    "</title>\n<style>\n"
    ":root{--ink:#1c2127;--soft:#5b6570;--line:#dfe3e8;--page:#fff;--card:#f7f8fa;--bar:#3b6ea8;--pos:#"
    "3b6ea8;"
    "--neg:#b4532a;--warn:#8a5a00;--warnbg:#fff6e0}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e4e8ec;--soft:#9aa5b1;--line:#343b44;--page:#15191e;"
    "--card:#1d2229;--bar:#6ea0dc;--pos:#5f97d8;--neg:#d98056;--warn:#f0c567;--warnbg:#2c2616}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;padding:24px 20px 60px;max-width:1080px;color:var(--ink);"
    "background:var(--page);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation "
    "Sans',sans-serif}\n"
    "h1{font-size:1.5rem;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:36px 0 10px}"
    "h3{font-size:1.05rem;margin:0;overflow-wrap:anywhere}p{margin:4px 0}a{color:var(--bar)}\n"
    ".soft{color:var(--soft);font-size:.87rem}.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0}"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:8px "
    "14px;min-width:118px}"
    ".tile b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}\n"
    "table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;color:var(--soft);font-size:.82rem;padding:0 0 4px}"
    "th,td{text-align:left;padding:3px 8px;border-bottom:1px solid var(--line);vertical-align:top}"
    "th{font-weight:600}td.n,th.n{text-align:right;white-space:nowrap}td.v{overflow-wrap:anywhere;white-"
    "space:pre-wrap;"
    "font-family:ui-monospace,Menlo,Consolas,'Liberation Mono',monospace;font-size:.84rem}\n"
    ".wide{overflow-x:auto}.warn{list-style:none;padding:0;margin:0}.warn li{background:var(--warnbg);"
    "border-left:3px solid var(--warn);padding:4px 10px;margin:4px 0;overflow-wrap:anywhere}\n"
    "section{border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:14px "
    "0;break-inside:avoid}"
    ".cols>div:empty{display:none}"
    ".cols{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,228px),1fr));gap:16px "
    "24px;margin-top:10px}"
    ".cols>*{min-width:0}.tag{font-size:.78rem;border:1px solid var(--line);border-radius:4px;padding:0 6px;"
    "color:var(--soft);white-space:nowrap}\n"
    "svg{max-width:100%;height:auto;display:block}svg.heat{max-width:none}.hist{width:100%;max-width:640px;"
    "margin-top:10px}.bar{fill:var(--"
    "bar)}"
    ".tail{fill-opacity:.45}.axis{stroke:var(--line)}.tick,.num,.name{fill:var(--soft);font-size:13px}"
    ".num{text-anchor:middle;fill:var(--ink);font-size:12px}.name{text-anchor:end;fill:var(--ink);font-size:"
    "12px}"
    ".pos{fill:var(--pos)}.neg{fill:var(--neg)}.meter{display:inline-block;height:.6em;background:var(--bar);"
    "border-radius:2px;vertical-align:baseline}\n"
    "@media print{body{max-width:none;padding:0;font-size:11px}a{color:inherit;text-decoration:none}.warn "
    "li{border:1px solid #999}}\n"
    "</style></head><body>\n";

static const json_t *at(const json_t *o, const char *key)
{
    return json_object_get(o, key);
}

static int64_t count_at(const json_t *o, const char *key)
{
    return json_integer_value(at(o, key));
}

static const char *name_or(const json_t *column)
{
    const char *s = json_string_value(at(column, "column"));
    return s != NULL && *s != '\0' ? s : "(no name)";
}

static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* --- the top of the page --- */

static int tile(struct buf *b, const char *what, const char *value, struct err *err)
{
    int rc = buf_adds(b, "<div class=\"tile\"><b>", err);

    if (rc == 0)
        rc = html_adds(b, value, err);
    return rc < 0 ? rc : buf_addf(b, err, "</b><span class=\"soft\">%s</span></div>", what);
}

static int tiles(struct buf *b, const json_t *r, struct err *err)
{
    const json_t *columns = at(r, "columns"), *c;
    int64_t cells = 0, nulls = 0;
    char text[SHOWN_SIZE], about[SHOWN_SIZE + 8];
    size_t i;

    json_array_foreach(columns, i, c) {
        cells += count_at(c, "rows");
        nulls += count_at(c, "nulls");
    }
    int rc = buf_adds(b, "<div class=\"tiles\">", err);
    if (rc == 0)
        rc = tile(b, "rows", shown_number(at(r, "rows"), text), err);
    snprintf(text, sizeof text, "%zu", json_array_size(columns));
    if (rc == 0)
        rc = tile(b, "columns", text, err);
    snprintf(text, sizeof text, "%.2f %%", percent(nulls, cells));
    if (rc == 0)
        rc = tile(b, "of all cells are NULL", text, err);
    snprintf(about, sizeof about, "%s%s", json_is_true(at(r, "copies_exact")) ? "" : "≈ ",
             shown_number(at(r, "copies"), text));
    if (rc == 0)
        rc = tile(b, "rows repeat another", about, err);
    if (rc == 0)
        rc = tile(b, "unreadable records", shown_number(at(r, "bad"), text), err);
    return rc < 0 ? rc : buf_adds(b, "</div>\n", err);
}

static int warnings(struct buf *b, const json_t *r, struct err *err)
{
    const json_t *list = at(r, "warnings"), *w;
    size_t i;
    int rc = buf_adds(b, "<h2>Worth a look</h2>\n", err);

    if (rc == 0 && json_array_size(list) == 0)
        return buf_adds(b, "<p>Nothing stands out.</p>\n", err);
    if (rc == 0)
        rc = buf_adds(b, "<ul class=\"warn\">\n", err);
    json_array_foreach(list, i, w) {
        if (rc == 0)
            rc = buf_adds(b, "<li>", err);
        if (rc == 0 && json_is_string(at(w, "column"))) {
            rc = buf_adds(b, "<b>", err);
            if (rc == 0)
                rc = html_adds(b, name_or(w), err);
            if (rc == 0)
                rc = buf_adds(b, ":</b> ", err);
        }
        if (rc == 0)
            rc = html_adds(b, json_string_value(at(w, "text")), err);
        if (rc == 0)
            rc = buf_adds(b, "</li>\n", err);
    }
    return rc < 0 ? rc : buf_adds(b, "</ul>\n", err);
}

static int td(struct buf *b, const char *class, const char *text, struct err *err)
{
    int rc = buf_addf(b, err, "<td class=\"%s\">", class);

    if (rc == 0)
        rc = html_adds(b, text, err);
    return rc < 0 ? rc : buf_adds(b, "</td>", err);
}

static int overview(struct buf *b, const json_t *r, struct err *err)
{
    static const char *const keys[] = {"min", "mean", "max"};
    const json_t *columns = at(r, "columns"), *c;
    char text[SHOWN_SIZE], about[SHOWN_SIZE + 8];
    size_t i;
    int rc = buf_adds(
        b,
        "<h2>Columns</h2>\n<div class=\"wide\"><table><caption>One row a column; the name leads to it."
        "</caption><thead><tr><th>column</th><th>type</th><th class=\"n\">NULL</th><th class=\"n\">distinct"
        "</th><th class=\"n\">min</th><th class=\"n\">mean</th><th "
        "class=\"n\">max</th></tr></thead><tbody>\n",
        err);

    json_array_foreach(columns, i, c) {
        if (rc == 0)
            rc = buf_addf(b, err, "<tr><td><a href=\"#c%zu\">", i);
        if (rc == 0)
            rc = html_adds(b, name_or(c), err);
        if (rc == 0)
            rc = buf_adds(b, "</a></td>", err);
        if (rc == 0)
            rc = td(b, "", json_string_value(at(c, "type")), err);
        snprintf(text, sizeof text, "%.1f %%", percent(count_at(c, "nulls"), count_at(c, "rows")));
        if (rc == 0)
            rc = td(b, "n", text, err);
        snprintf(about, sizeof about, "%s%s", json_number_value(at(c, "distinct_error")) > 0 ? "≈ " : "",
                 shown_number(at(c, "distinct"), text));
        if (rc == 0)
            rc = td(b, "n", about, err);
        for (size_t k = 0; rc == 0 && k < ARRAY_LEN(keys); k++)
            rc = td(b, "n", shown_number(at(c, keys[k]), text), err);
        if (rc == 0)
            rc = buf_adds(b, "</tr>\n", err);
    }
    return rc < 0 ? rc : buf_adds(b, "</tbody></table></div>\n", err);
}

/* --- one column --- */

static int fact(struct buf *b, const char *what, const char *value, struct err *err)
{
    int rc = buf_addf(b, err, "<tr><th>%s</th>", what);

    if (rc == 0)
        rc = td(b, "n", value, err);
    return rc < 0 ? rc : buf_adds(b, "</tr>\n", err);
}

static int facts_of(struct buf *b, const json_t *c, struct err *err)
{
    static const struct {
        const char *key, *what;
        bool always;
    } rows[] = {{"min", "minimum", false},
                {"mean", "mean", false},
                {"stddev", "standard deviation", false},
                {"max", "maximum", false},
                {"zeros", "zeros", false},
                {"negatives", "negative", false},
                {"empty", "empty texts", false},
                {"misfits", "of another type", false},
                {"odd", "beyond the fences", false}};
    char text[SHOWN_SIZE], about[2 * SHOWN_SIZE];
    int64_t nulls = count_at(c, "nulls"), all = count_at(c, "rows");
    int rc = buf_adds(b, "<table><caption>Counts and measures</caption><tbody>\n", err);

    snprintf(about, sizeof about, "%s (%.2f %%)", shown_number(at(c, "nulls"), text), percent(nulls, all));
    if (rc == 0)
        rc = fact(b, "NULL", about, err);
    bool guess = json_number_value(at(c, "distinct_error")) > 0;
    snprintf(about, sizeof about, "%s%s%s", guess ? "≈ " : "", shown_number(at(c, "distinct"), text),
             guess ? " ± 0.8 %" : "");
    if (rc == 0)
        rc = fact(b, "distinct", about, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows); i++) {
        const json_t *v = at(c, rows[i].key);
        if (json_is_null(v) || (json_is_integer(v) && json_integer_value(v) == 0 && i >= 4))
            continue;
        rc = fact(b, rows[i].what, shown_number(v, text), err);
    }
    if (rc == 0 && strcmp(json_string_value(at(c, "type")), "TEXT") == 0) {
        snprintf(about, sizeof about, "%lld to %lld, mean %.1f", (long long)count_at(c, "min_chars"),
                 (long long)count_at(c, "max_chars"), json_number_value(at(c, "mean_chars")));
        rc = fact(b, "characters", about, err);
    }
    return rc < 0 ? rc : buf_adds(b, "</tbody></table>\n", err);
}

static int quantiles_of(struct buf *b, const json_t *c, struct err *err)
{
    json_t *q = json_object_get(c, "quantiles"), *v;
    const char *key;
    char text[SHOWN_SIZE];

    if (json_object_size(q) == 0)
        return 0;
    int rc = json_is_true(at(c, "quantiles_exact"))
                 ? buf_adds(b, "<table><caption>Quantiles</caption><tbody>\n", err)
                 : buf_addf(b, err,
                            "<table><caption>Quantiles of a sample: the rank is right to ± %.2f %% "
                            "(standard error)</caption><tbody>\n",
                            100 * json_number_value(at(c, "quantile_error")));
    json_object_foreach(q, key, v) {
        if (rc == 0)
            rc = fact(b, strcmp(key, "p50") == 0 ? "median" : key, shown_number(v, text), err);
    }
    return rc < 0 ? rc : buf_adds(b, "</tbody></table>\n", err);
}

/* A list of {value|shape, count, line}: with a bar where there are counts. */
static int list_of(struct buf *b, const json_t *c, const char *key, const char *member, const char *caption,
                   bool bars, struct err *err)
{
    const json_t *list = at(c, key), *v;
    char text[SHOWN_SIZE];
    size_t i;
    int64_t most = 1;

    if (json_array_size(list) == 0)
        return 0;
    json_array_foreach(list, i, v)
        most = count_at(v, "count") > most ? count_at(v, "count") : most;
    if (bars && most == 1 && i > 1)
        return 0; /* none more than another */
    int rc = buf_addf(b, err, "<table><caption>%s</caption><tbody>\n", caption);
    json_array_foreach(list, i, v) {
        if (rc == 0)
            rc = buf_adds(b, "<tr>", err);
        if (rc == 0)
            rc = td(b, "v", json_string_value(at(v, member)), err);
        if (rc == 0 && bars)
            rc = buf_addf(b, err,
                          "<td class=\"n\">%s</td><td style=\"width:30%%\"><span class=\"meter\" "
                          "style=\"width:%.1f%%\"></span></td>",
                          shown_number(at(v, "count"), text), percent(count_at(v, "count"), most));
        if (rc == 0 && !bars && json_is_integer(at(v, "count")))
            rc = buf_addf(b, err, "<td class=\"n\">%s ×</td>", shown_number(at(v, "count"), text));
        if (rc == 0 && !bars)
            rc = buf_addf(b, err, "<td class=\"n soft\">line %s</td>", shown_number(at(v, "line"), text));
        if (rc == 0)
            rc = buf_adds(b, "</tr>\n", err);
    }
    return rc < 0 ? rc : buf_adds(b, "</tbody></table>\n", err);
}

static int column_of(struct buf *b, const json_t *c, size_t i, struct err *err)
{
    char top[160] = "Most frequent values", text[SHOWN_SIZE];

    if (count_at(c, "top_error") > 0)
        snprintf(top, sizeof top, "Most frequent values; counts may be too low by %s at most",
                 shown_number(at(c, "top_error"), text));
    int rc = buf_addf(b, err, "<section id=\"c%zu\"><h3>", i);
    if (rc == 0)
        rc = html_adds(b, name_or(c), err);
    if (rc == 0)
        rc = buf_addf(b, err, " <span class=\"tag\">%s</span> <span class=\"tag\">",
                      json_string_value(at(c, "type")));
    if (rc == 0)
        rc = html_adds(b, json_string_value(at(c, "sql_type")), err);
    if (rc == 0)
        rc = buf_addf(b, err, "</span>%s</h3>\n",
                      strcmp(json_string_value(at(c, "unique")), "yes") == 0
                          ? " <span class=\"tag\">every value once</span>"
                      : strcmp(json_string_value(at(c, "unique")), "perhaps") == 0
                          ? " <span class=\"tag\">perhaps every value once</span>"
                          : "");
    if (rc == 0)
        rc = svg_histogram(b, c, err);
    if (rc == 0)
        rc = buf_adds(b, "<div class=\"cols\"><div>", err);
    if (rc == 0)
        rc = facts_of(b, c, err);
    if (rc == 0)
        rc = buf_adds(b, "</div><div>", err);
    if (rc == 0)
        rc = quantiles_of(b, c, err);
    if (rc == 0)
        rc = list_of(b, c, "shapes", "shape", "Shapes: A and a letters, 9 a digit", true, err);
    if (rc == 0)
        rc = buf_adds(b, "</div><div>", err);
    if (rc == 0)
        rc = list_of(b, c, "top", "value", top, true, err);
    if (rc == 0)
        rc = buf_adds(b, "</div><div>", err);
    if (rc == 0)
        rc = list_of(b, c, "misfit_examples", "value", "Values of another type", false, err);
    if (rc == 0)
        rc = list_of(b, c, "placeholders", "value", "Perhaps a word for “not known”", false, err);
    if (rc == 0)
        rc = list_of(b, c, "lowest", "value", "Lowest values", false, err);
    if (rc == 0)
        rc = list_of(b, c, "highest", "value", "Highest values", false, err);
    return rc < 0 ? rc : buf_adds(b, "</div></div></section>\n", err);
}

/* --- the page --- */

static int intro(struct buf *b, const json_t *r, struct err *err)
{
    const char *subject = json_string_value(at(r, "subject"));
    int rc = buf_adds(b, head, err);

    if (rc == 0)
        rc = html_adds(b, subject, err);
    if (rc == 0)
        rc = buf_adds(b, style, err);
    if (rc == 0)
        rc = buf_adds(b, "<h1>", err);
    if (rc == 0)
        rc = html_adds(b, subject, err);
    if (rc == 0)
        rc = buf_addf(b, err, "</h1>\n<p class=\"soft\">Profile of a %s, made %s by orch",
                      json_string_value(at(r, "kind")), json_string_value(at(r, "made")));
    if (rc == 0 && count_at(r, "file_count") > 1)
        rc = buf_addf(b, err, ", from %lld files", (long long)count_at(r, "file_count"));
    if (rc == 0)
        rc = buf_adds(b,
                      json_is_true(at(r, "values_hidden"))
                          ? ". Values of cells are left out.</p>\n"
                          : ". It shows values of cells as they are: mind who may see them.</p>\n",
                      err);
    return rc;
}

int profile_html(const json_t *report, struct buf *ret, struct err *err)
{
    const json_t *columns = at(report, "columns"), *c;
    size_t i;
    int rc = intro(ret, report, err);

    if (rc == 0)
        rc = tiles(ret, report, err);
    if (rc == 0)
        rc = warnings(ret, report, err);
    if (rc == 0)
        rc = overview(ret, report, err);
    if (rc == 0 && json_array_size(at(report, "correlations")) > 0) {
        rc = buf_adds(ret,
                      "<h2>Correlations</h2>\n<p class=\"soft\">Pearson’s r over the rows in which both are "
                      "numbers.</p>\n",
                      err);
        if (rc == 0)
            rc = svg_correlations(ret, report, err);
    }
    if (rc == 0)
        rc = buf_adds(
            ret,
            "<h2>Column by column</h2>\n<p class=\"soft\">The bars of a histogram count values; pale ones at "
            "the ends hold what lies far out.</p>\n",
            err);
    json_array_foreach(columns, i, c)
        if (rc == 0)
            rc = column_of(ret, c, i, err);
    return rc < 0 ? rc : buf_adds(ret, "</body></html>\n", err);
}
