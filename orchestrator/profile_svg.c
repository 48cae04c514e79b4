#include "base/html.h"
#include "orchestrator/profile.h"
#include <math.h>

enum { WIDE = 640, HIGH = 170, LEFT = 4, BASE = 140, CELL = 46, NAMES = 150 };

/* 1234567.5 as 1,234,567.5: four significant digits after the point where there is a fraction. */
const char *shown_number(const json_t *v, char out[SHOWN_SIZE])
{
    char plain[SHOWN_SIZE - 16];
    size_t at = 0;

    if (json_is_string(v)) {
        snprintf(out, SHOWN_SIZE, "%s", json_string_value(v));
        return out;
    }
    if (!json_is_number(v)) {
        snprintf(out, SHOWN_SIZE, "–");
        return out;
    }
    double x = json_number_value(v), size = fabs(x);
    if (json_is_integer(v))
        snprintf(plain, sizeof plain, "%lld", (long long)json_integer_value(v));
    else if (size >= 1e15 || (size < 1e-4 && size > 0))
        snprintf(plain, sizeof plain, "%.4g", x);
    else
        snprintf(plain, sizeof plain, "%.*f", size >= 1000 ? 1 : size >= 1 ? 3 : 5, x);
    if (strpbrk(plain, "e") != NULL) {
        snprintf(out, SHOWN_SIZE, "%s", plain);
        return out;
    }
    size_t digits = strspn(plain + (*plain == '-'), "0123456789") + (*plain == '-');
    for (size_t i = 0; plain[i] != '\0' && at + 2 < SHOWN_SIZE; i++) {
        if (i > (size_t)(*plain == '-') && i < digits && (digits - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = plain[i];
    }
    out[at] = '\0';
    return out;
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static int bar(struct buf *b, const json_t *bin, double x, double width, double most, bool tail,
               struct err *err)
{
    char from[SHOWN_SIZE], to[SHOWN_SIZE], count[SHOWN_SIZE];
    double n = number(bin, "count"), high = most > 0 ? n / most * (BASE - 10) : 0;

    if (n > 0 && high < 1)
        high = 1; /* what is there is seen */
    int rc =
        buf_addf(b, err, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
                 tail ? "bar tail" : "bar", x, BASE - high, width, high);
    if (rc == 0)
        rc = html_adds(b, shown_number(json_object_get(bin, "from"), from), err);
    if (rc == 0)
        rc = buf_adds(b, " to ", err);
    if (rc == 0)
        rc = html_adds(b, shown_number(json_object_get(bin, "to"), to), err);
    if (rc == 0)
        rc = buf_addf(b, err, ": %s</title></rect>", shown_number(json_object_get(bin, "count"), count));
    return rc;
}

/* The ends are the column's own: bins of whole numbers reach a little further. */
static int axis(struct buf *b, const json_t *column, const json_t *bins, struct err *err)
{
    size_t n = json_array_size(bins);
    char text[SHOWN_SIZE];
    int rc =
        buf_addf(b, err, "<line class=\"axis\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>", BASE, WIDE, BASE);

    for (size_t i = 0; rc == 0 && i < 3; i++) {
        static const char *const anchors[] = {"start", "middle", "end"};
        const json_t *at = i == 1 ? json_object_get(json_array_get(bins, n / 2), "from")
                                  : json_object_get(column, i == 0 ? "min" : "max");
        rc = buf_addf(b, err, "<text class=\"tick\" x=\"%zu\" y=\"%d\" text-anchor=\"%s\">", i * WIDE / 2,
                      BASE + 20, anchors[i]);
        if (rc == 0)
            rc = html_adds(b, shown_number(at, text), err);
        if (rc == 0)
            rc = buf_adds(b, "</text>", err);
    }
    return rc;
}

/* The end bins that hold what lies far out are drawn as wide as the others, and paler. */
int svg_histogram(struct buf *b, const json_t *column, struct err *err)
{
    const json_t *bins = json_object_get(column, "histogram"), *bin;
    size_t n = json_array_size(bins), i;
    double most = 0, step = n > 0 ? (double)WIDE / (double)n : 0;

    if (n == 0)
        return 0;
    json_array_foreach(bins, i, bin)
        most = number(bin, "count") > most ? number(bin, "count") : most;
    int rc =
        buf_addf(b, err, "<svg class=\"hist\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Histogram of ",
                 WIDE, HIGH);
    if (rc == 0)
        rc = html_adds(b, json_string_value(json_object_get(column, "column")), err);
    if (rc == 0)
        rc = buf_adds(b, "\">", err);
    for (i = 0; rc == 0 && i < n; i++) {
        bool first = i == 0 && n > 2 && json_is_true(json_object_get(json_array_get(bins, 0), "tail"));
        bool last = i + 1 == n && n > 2 && json_is_true(json_object_get(json_array_get(bins, i), "tail"));
        rc = bar(b, json_array_get(bins, i), (double)i * step, step > 3 ? step - 1.5 : step, most,
                 first || last, err);
    }
    if (rc == 0)
        rc = axis(b, column, bins, err);
    return rc < 0 ? rc : buf_adds(b, "</svg>", err);
}

/* --- correlations --- */

enum { SQUARE_MOST = 40 };

static int cell(struct buf *b, size_t row, size_t col, const json_t *r, const char *a, const char *c,
                struct err *err)
{
    double v = json_number_value(r);
    bool there = json_is_number(r);
    int rc = buf_addf(b, err, "<g><title>");

    if (rc == 0)
        rc = html_adds(b, a, err);
    if (rc == 0)
        rc = buf_adds(b, " and ", err);
    if (rc == 0)
        rc = html_adds(b, c, err);
    if (rc == 0)
        rc = buf_addf(b, err, there ? ": %.4f</title>" : ": no variation</title>", v);
    if (rc == 0)
        rc = buf_addf(
            b, err,
            "<rect class=\"%s\" fill-opacity=\"%.2f\" x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\"/>",
            v < 0 ? "neg" : "pos", there ? fabs(v) * 0.85 : 0.0, NAMES + col * CELL, row * 26, CELL - 2, 24);
    if (rc == 0)
        rc = buf_addf(b, err, "<text class=\"num\" x=\"%zu\" y=\"%zu\">", NAMES + col * CELL + CELL / 2 - 1,
                      row * 26 + 16);
    if (rc == 0)
        rc = there ? buf_addf(b, err, "%s%.2f", v <= -0.005 ? "−" : "", fabs(v)) : buf_adds(b, "–", err);
    return rc < 0 ? rc : buf_adds(b, "</text></g>", err);
}

static int label(struct buf *b, size_t row, size_t number_of, const char *name, struct err *err)
{
    int rc = buf_addf(b, err, "<text class=\"name\" x=\"%d\" y=\"%zu\"><title>", NAMES - 6, row * 26 + 16);

    if (rc == 0)
        rc = html_adds(b, name, err);
    if (rc == 0)
        rc = buf_addf(b, err, "</title>");
    char cut[24]; /* ends between characters */
    size_t n = strlen(name), keep = n;
    if (n > 17)
        for (keep = 14; keep > 0 && ((unsigned char)name[keep] & 0xc0) == 0x80; keep--)
            ;
    snprintf(cut, sizeof cut, "%.*s%s", (int)keep, name, keep < n ? "…" : "");
    if (rc == 0)
        rc = html_adds(b, cut, err);
    return rc < 0 ? rc : buf_addf(b, err, " %zu</text>", number_of);
}

static const char *name_of(const json_t *report, size_t k)
{
    const char *s =
        json_string_value(json_object_get(json_array_get(json_object_get(report, "columns"), k), "column"));
    return s != NULL && *s != '\0' ? s : "(no name)";
}

int svg_correlations(struct buf *b, const json_t *report, struct err *err)
{
    const json_t *pairs = json_object_get(report, "correlations"), *pair;
    size_t members[SQUARE_MOST], n = 0, i;
    int rc;

    json_array_foreach(pairs, i, pair)
        for (int side = 0; side < 2; side++) {
            size_t k = (size_t)json_integer_value(json_object_get(pair, side == 0 ? "a" : "b")), at = 0;
            while (at < n && members[at] != k)
                at++;
            if (at == n && n < SQUARE_MOST)
                members[n++] = k;
        }
    if (n < 2)
        return 0;
    rc = buf_addf(b, err,
                  "<div class=\"wide\"><svg class=\"heat\" width=\"%zu\" height=\"%zu\" viewBox=\"0 0 %zu "
                  "%zu\" role=\"img\" "
                  "aria-label=\"Correlations\">",
                  NAMES + n * CELL, (n + 1) * 26, NAMES + n * CELL, (n + 1) * 26);
    for (i = 0; rc == 0 && i < n; i++) {
        rc = label(b, i, i + 1, name_of(report, members[i]), err);
        if (rc == 0)
            rc = buf_addf(b, err, "<text class=\"num\" x=\"%zu\" y=\"%zu\">%zu</text>",
                          NAMES + i * CELL + CELL / 2 - 1, n * 26 + 16, i + 1);
    }
    json_array_foreach(pairs, i, pair) {
        size_t a = 0, c = 0, of_a = (size_t)json_integer_value(json_object_get(pair, "a")),
               of_b = (size_t)json_integer_value(json_object_get(pair, "b"));
        while (a < n && members[a] != of_a)
            a++;
        while (c < n && members[c] != of_b)
            c++;
        if (rc < 0 || a == n || c == n)
            continue;
        rc = cell(b, c, a, json_object_get(pair, "r"), name_of(report, of_a), name_of(report, of_b), err);
        if (rc == 0)
            rc = cell(b, a, c, json_object_get(pair, "r"), name_of(report, of_a), name_of(report, of_b), err);
    }
    return rc < 0 ? rc : buf_adds(b, "</svg></div>", err);
}
