#include "orchestrator/metrics.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "orchestrator/view.h"
#include "state/exec.h"
#include "state/extraction.h"
#include "state/last_tick.h"
#include "state/metric.h"
#include "state/request.h"
#include "steps/extract.h"
#include <sys/stat.h>

enum { STATES = 16, MAX_COUNTERS = 1000000 };

struct fact { /* of one pipeline */
    const struct pipeline *p;
    struct standing st;
    int64_t due; /* partitions that are closed and settled */
    struct {
        char name[16];
        int64_t count;
    } states[STATES];
    size_t state_count;
};

struct count {
    char *name, *pipeline, *label; /* owned */
    int64_t value;
};

struct taken { /* of one table of an extract */
    const struct pipeline *p;
    char *table;                       /* owned */
    int64_t rows, bytes, at_ms, to_ms; /* to_ms -1: no window */
};

struct page {
    struct buf *out;
    struct store *store;
    const struct config *config;
    struct fact *facts;
    size_t fact_count;
    size_t in_count; /* of them that load; the others are extracts */
    struct taken *taken;
    size_t taken_n;
    struct count *counts; /* by name, pipeline, label */
    size_t count_n, count_cap;
    struct last_tick tick;
    const char *family;
};

/* ---- the form ---- */

static int add_label(struct buf *b, const char *key, const char *value, const char *before, struct err *err)
{
    int rc = buf_addf(b, err, "%s%s=\"", before, key);

    for (const char *p = value; rc == 0 && *p != '\0'; p++)
        rc = *p == '\\'   ? buf_adds(b, "\\\\", err)
             : *p == '"'  ? buf_adds(b, "\\\"", err)
             : *p == '\n' ? buf_adds(b, "\\n", err)
                          : buf_add(b, p, 1, err);
    return rc < 0 ? rc : buf_adds(b, "\"", err);
}

/* labels: key, value, key, value, NULL; NULL: none. ms: the value is in milliseconds and shown in seconds. */
static int sample(struct page *p, const char *suffix, const char *const *labels, int64_t value, bool ms,
                  struct err *err)
{
    int rc = buf_addf(p->out, err, "%s%s", p->family, suffix);

    for (size_t i = 0; rc == 0 && labels != NULL && labels[i] != NULL; i += 2)
        rc = add_label(p->out, labels[i], labels[i + 1], i == 0 ? "{" : ",", err);
    if (rc == 0 && labels != NULL)
        rc = buf_adds(p->out, "}", err);
    if (rc < 0)
        return rc;
    if (!ms)
        return buf_addf(p->out, err, " %lld\n", (long long)value);
    return buf_addf(p->out, err, " %s%lld.%03lld\n", value < 0 ? "-" : "", llabs((long long)value) / 1000,
                    llabs((long long)value) % 1000);
}

static int of_job(struct page *p, const struct fact *f, int64_t value, bool ms, struct err *err)
{
    const char *const labels[] = {"job", f->p->name, NULL};

    return sample(p, "", labels, value, ms, err);
}

/* 0 where nothing was counted yet: a rate needs a beginning. */
static int64_t counted(const struct page *p, const char *name, const char *pipeline, const char *label)
{
    size_t from = 0, to = p->count_n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        const struct count *c = &p->counts[mid];
        int d = strcmp(name, c->name);
        d = d != 0 ? d : strcmp(pipeline, c->pipeline);
        d = d != 0 ? d : strcmp(label, c->label);
        if (d == 0)
            return c->value;
        from = d > 0 ? mid + 1 : from;
        to = d < 0 ? mid : to;
    }
    return 0;
}

/* ---- families ---- */

static int build_info(struct page *p, struct err *err)
{
    static const char *const labels[] = {"version", ORCH_VERSION, NULL};

    return sample(p, "", labels, 1, false, err);
}

static int tick_started(struct page *p, struct err *err)
{
    return p->tick.started_ms != 0 ? sample(p, "", NULL, p->tick.started_ms, true, err) : 0;
}

static int tick_success(struct page *p, struct err *err)
{
    return p->tick.success_ms != 0 ? sample(p, "", NULL, p->tick.success_ms, true, err) : 0;
}

static int tick_duration(struct page *p, struct err *err)
{
    return p->tick.finished_ms != 0 ? sample(p, "", NULL, p->tick.duration_ms, true, err) : 0;
}

static int paused(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->fact_count; i++)
        rc = of_job(p, &p->facts[i], p->facts[i].st.paused, false, err);
    return rc;
}

static int lag(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++)
        rc = of_job(p, &p->facts[i], p->facts[i].due - p->facts[i].st.well, false, err);
    return rc;
}

/* The start of the newest partition that is well; false: there is none. */
static bool newest_of(const struct fact *f, int64_t *ret_ms)
{
    struct err none;

    return f->st.newest[0] != '\0' && part_parse(f->p->period, f->st.newest, ret_ms, &none) == 0;
}

static int last_success(struct page *p, struct err *err)
{
    int64_t start;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++)
        if (newest_of(&p->facts[i], &start))
            rc = of_job(p, &p->facts[i], start, true, err);
    return rc;
}

static int landing_delay(struct page *p, struct err *err)
{
    int64_t start;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++) {
        const struct fact *f = &p->facts[i];
        if (f->st.landed_ms != 0 && newest_of(f, &start))
            rc = of_job(p, f, f->st.landed_ms - start - period_ms(f->p->period), true, err);
    }
    return rc;
}

static int partitions(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++)
        for (size_t k = 0; rc == 0 && k < p->facts[i].state_count; k++) {
            const char *const labels[] = {"job", p->facts[i].p->name, "state", p->facts[i].states[k].name,
                                          NULL};
            rc = sample(p, "", labels, p->facts[i].states[k].count, false, err);
        }
    return rc;
}

static int rows(struct page *p, struct err *err)
{
    static const char *const outcomes[] = {"loaded", "rejected", "null_converted"};
    char label[40];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++)
        for (size_t k = 0; rc == 0 && k < ARRAY_LEN(outcomes); k++) {
            const char *job = p->facts[i].p->name;
            const char *const labels[] = {"job", job, "direction", "in", "outcome", outcomes[k], NULL};
            snprintf(label, sizeof label, "in %s", outcomes[k]);
            rc = sample(p, "", labels, counted(p, p->family, job, label), false, err);
        }
    return rc;
}

/* A counter of each of the first n without further labels. */
static int per_job_of(struct page *p, size_t n, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = of_job(p, &p->facts[i], counted(p, p->family, p->facts[i].p->name, ""), false, err);
    return rc;
}

static int bytes(struct page *p, struct err *err)
{
    return per_job_of(p, p->in_count, err);
}

static int per_job(struct page *p, struct err *err)
{
    return per_job_of(p, p->fact_count, err);
}

/* --- extracts --- */

static int of_table(struct page *p, const struct taken *t, int64_t value, bool ms, struct err *err)
{
    const char *const labels[] = {"job", t->p->name, "table", t->table, NULL};

    return sample(p, "", labels, value, ms, err);
}

static int taken_rows(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->taken_n; i++)
        rc = of_table(p, &p->taken[i], p->taken[i].rows, false, err);
    return rc;
}

static int taken_bytes(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->taken_n; i++)
        rc = of_table(p, &p->taken[i], p->taken[i].bytes, false, err);
    return rc;
}

static int taken_at(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->taken_n; i++)
        if (p->taken[i].at_ms > 0)
            rc = of_table(p, &p->taken[i], p->taken[i].at_ms, true, err);
    return rc;
}

static int taken_to(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->taken_n; i++)
        if (p->taken[i].to_ms >= 0)
            rc = of_table(p, &p->taken[i], p->taken[i].to_ms, true, err);
    return rc;
}

static int one_histogram(struct page *p, const char *job, const char *state, struct err *err)
{
    int64_t sum = 0;
    int rc = 0;

    for (int i = 0; rc == 0 && i < STATE_BUCKETS; i++) {
        char le[24] = "+Inf", *label = xasprintf("%s\x01%02d", state, i);
        const char *const labels[] = {"job", job, "state", state, "le", le, NULL};
        if (i < STATE_BUCKETS - 1)
            snprintf(le, sizeof le, "%g", (double)state_bucket_ms[i] / 1000);
        sum += counted(p, "orch_state_duration", job, label);
        free(label);
        rc = sample(p, "_bucket", labels, sum, false, err);
    }
    const char *const labels[] = {"job", job, "state", state, NULL};
    char *label = xasprintf("%s\x01ms", state);
    if (rc == 0)
        rc = sample(p, "_sum", labels, counted(p, "orch_state_duration", job, label), true, err);
    free(label);
    return rc < 0 ? rc : sample(p, "_count", labels, sum, false, err);
}

static bool is_configured(const struct page *p, const char *pipeline)
{
    for (size_t i = 0; i < p->fact_count; i++)
        if (strcmp(p->facts[i].p->name, pipeline) == 0)
            return true;
    return false;
}

/* The labels of one state are neighbours; the first of them starts its histogram. */
static int state_duration(struct page *p, struct err *err)
{
    char last_job[MAX_KEY] = "", last_state[400] = "";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->count_n; i++) {
        const struct count *c = &p->counts[i];
        const char *end = strrchr(c->label, '\x01');
        char state[400];
        if (strcmp(c->name, "orch_state_duration") != 0 || end == NULL || !is_configured(p, c->pipeline))
            continue;
        snprintf(state, sizeof state, "%.*s", (int)(end - c->label), c->label);
        if (strcmp(state, last_state) == 0 && strcmp(c->pipeline, last_job) == 0)
            continue;
        snprintf(last_state, sizeof last_state, "%s", state);
        snprintf(last_job, sizeof last_job, "%s", c->pipeline);
        rc = one_histogram(p, c->pipeline, state, err);
    }
    return rc;
}

static int difference(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++)
        rc = of_job(p, &p->facts[i], p->facts[i].st.difference_rows, false, err);
    return rc;
}

static int mismatch(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->in_count; i++)
        rc = of_job(p, &p->facts[i], p->facts[i].st.mismatched, false, err);
    return rc;
}

static int missed(struct page *p, struct err *err)
{
    static const char *const reasons[] = {"no_tick", "running", "backoff"};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->fact_count; i++)
        for (size_t k = 0; rc == 0 && k < ARRAY_LEN(reasons); k++) {
            const char *job = p->facts[i].p->name;
            const char *const labels[] = {"job", job, "reason", reasons[k], NULL};
            rc = sample(p, "", labels, counted(p, p->family, job, reasons[k]), false, err);
        }
    return rc;
}

static int on_channel(void *arg, const char *name, int64_t sent, int64_t failed, struct err *err)
{
    const char *const ok[] = {"channel", name, "result", "ok", NULL};
    const char *const not_ok[] = {"channel", name, "result", "failed", NULL};
    int rc = sample(arg, "", ok, sent, false, err);

    return rc < 0 ? rc : sample(arg, "", not_ok, failed, false, err);
}

static int alerts_sent(struct page *p, struct err *err)
{
    return metric_channels(p->store, on_channel, p, err);
}

/* --- the data dictionary, and what was asked for over HTTP --- */

static int came_in(struct page *p, struct err *err)
{
    static const char *const outcomes[] = {"stored", "rejected"};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->config->table_count; i++)
        for (size_t k = 0; rc == 0 && k < ARRAY_LEN(outcomes); k++) {
            const char *table = p->config->tables[i].name;
            const char *const labels[] = {"table", table, "outcome", outcomes[k], NULL};
            rc = sample(p, "", labels, counted(p, p->family, table, outcomes[k]), false, err);
        }
    return rc;
}

static int came_last(struct page *p, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->config->table_count; i++) {
        const char *const labels[] = {"table", p->config->tables[i].name, NULL};
        int64_t at_ms = counted(p, "orch_intake_last", labels[1], "");
        if (at_ms > 0)
            rc = sample(p, "", labels, at_ms, true, err);
    }
    return rc;
}

static int asked_for(struct page *p, struct err *err)
{
    static const char *const states[] = {"queued", "running", "failed"};
    struct request_counts n = {0};
    int rc = request_counts(p->store, &n, err);
    const int64_t values[] = {n.queued, n.running, n.failed};

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(states); i++) {
        const char *const labels[] = {"state", states[i], NULL};
        rc = sample(p, "", labels, values[i], false, err);
    }
    return rc;
}

static int own_failed(struct page *p, struct err *err)
{
    int64_t n = 0;
    int rc = exec_own_failing_count(p->store, &n, err);

    return rc < 0 ? rc : sample(p, "", NULL, n, false, err);
}

static int plain(struct page *p, struct err *err)
{
    return sample(p, "", NULL, counted(p, p->family, "", ""), false, err);
}

static const struct family {
    const char *name, *type, *help;
    int (*print)(struct page *p, struct err *err);
} families[] = {
    {"orch_build_info", "gauge", "1, with the version that wrote this", build_info},
    {"orch_tick_last_start_timestamp_seconds", "gauge", "When the newest tick began", tick_started},
    {"orch_tick_last_success_timestamp_seconds", "gauge",
     "When a tick last came to its end: exit status 0, 1, 5 or 6", tick_success},
    {"orch_tick_duration_seconds", "gauge",
     "How long the newest tick took; absent while it runs or if it died", tick_duration},
    {"orch_job_paused", "gauge", "1: a person has paused the pipeline or extract", paused},
    {"orch_job_lag_partitions", "gauge", "Partitions that are due and not settled", lag},
    {"orch_job_last_success_partition_timestamp_seconds", "gauge",
     "Start of the newest partition that is loaded and reconciled, or empty", last_success},
    {"orch_job_landing_delay_seconds", "gauge", "From the end of that partition until it was settled",
     landing_delay},
    {"orch_partitions", "gauge", "Partitions that are due, by state", partitions},
    {"orch_rows_total", "counter", "Rows; of null_converted values", rows},
    {"orch_bytes_total", "counter", "Bytes of the objects that were loaded", bytes},
    {"orch_extract_rows_total", "counter", "Rows of published files, by table of an extract", taken_rows},
    {"orch_extract_bytes_total", "counter", "Bytes of published files", taken_bytes},
    {"orch_extract_last_success_timestamp_seconds", "gauge",
     "When a run last came to its end, with new rows or without", taken_at},
    {"orch_extract_watermark_timestamp_seconds", "gauge", "Up to where changed rows were taken", taken_to},
    {"orch_state_duration_seconds", "histogram", "Time in a Task or Wait state, retries included",
     state_duration},
    {"orch_recon_difference_rows", "gauge", "Rows that nothing explains, in mismatched partitions",
     difference},
    {"orch_recon_mismatch_partitions", "gauge", "Partitions whose source and target differ", mismatch},
    {"orch_schedule_missed_total", "counter", "Fires of the schedule that started nothing of their own",
     missed},
    {"orch_overlap_skipped_total", "counter", "Ticks that found the pipeline in the hands of another run",
     per_job},
    {"orch_alerts_sent_total", "counter", "Alerts by channel and result", alerts_sent},
    {"orch_intake_rows_total", "counter", "Rows of orch load and orch serve, by table of the dictionary",
     came_in},
    {"orch_intake_last_timestamp_seconds", "gauge", "When rows last came in, or were rejected", came_last},
    {"orch_requests", "gauge", "What was asked for over HTTP and waits, is worked, or failed and stands",
     asked_for},
    {"orch_executions_failed", "gauge",
     "Executions of a definition of their own that failed or timed out, and stand", own_failed},
    {"orch_work_lease_lost_total", "counter",
     "Executions that were taken over from a run that was slow or stopped", plain},
    {"orch_work_fenced_total", "counter", "Tasks that were refused because another run had the pipeline",
     plain},
    {"orch_sqlite_busy_total", "counter", "Transactions that waited for the state file's lock in vain",
     plain},
};

/* ---- collecting ---- */

static int on_count(void *arg, const char *name, const char *pipeline, const char *label, int64_t value,
                    struct err *err)
{
    struct page *p = arg;

    if (p->count_n == MAX_COUNTERS)
        return err_set(err, ERR_TOO_LARGE, "more than %d counters", MAX_COUNTERS);
    if (p->count_n == p->count_cap) {
        p->count_cap = p->count_cap == 0 ? 64 : p->count_cap * 2;
        p->counts = xrealloc(p->counts, p->count_cap * sizeof *p->counts);
    }
    p->counts[p->count_n++] = (struct count){xstrdup(name), xstrdup(pipeline), xstrdup(label), value};
    return 0;
}

static void add_state(struct fact *f, const char *state, int64_t count)
{
    for (size_t i = 0; i < f->state_count; i++)
        if (strcmp(f->states[i].name, state) == 0) {
            f->states[i].count += count;
            return;
        }
    if (f->state_count == STATES)
        return;
    snprintf(f->states[f->state_count].name, sizeof f->states[0].name, "%s", state);
    f->states[f->state_count++].count = count;
}

static int on_state(void *arg, const char *state, int64_t count, struct err *err)
{
    UNUSED(err);
    add_state(arg, state, count);
    return 0;
}

static int collect(struct store *s, const struct pipeline *p, int64_t now_ms, struct fact *f, struct err *err)
{
    char from[PART_SIZE], to[PART_SIZE];
    int64_t last;

    *f = (struct fact){.p = p};
    if (!view_newest(p, now_ms - p->settle_ms, &last)) {
        from[0] = to[0] = '\0'; /* none is due: a range that holds nothing */
    } else {
        f->due = (last - p->since_ms) / period_ms(p->period) + 1;
        part_name(p->period, p->since_ms, from);
        part_name(p->period, last, to);
    }
    int rc = metric_standing(s, p->name, from, to, on_state, f, &f->st, err);
    if (rc == 0 && f->due > f->st.parts) /* that no listing has met yet */
        add_state(f, "WAITING", f->due - f->st.parts);
    return rc;
}

struct totals {
    struct page *page;
    const struct pipeline *p;
};

/* Tables that the config has no more are told no more. */
static int on_total(void *arg, const struct extraction_total *t, struct err *err)
{
    const struct totals *s = arg;

    UNUSED(err);
    for (size_t i = 0; i < s->page->taken_n; i++) {
        struct taken *k = &s->page->taken[i];
        if (k->p != s->p || strcmp(k->table, t->name) != 0)
            continue;
        k->rows = t->rows;
        k->bytes = t->bytes;
        k->at_ms = t->at_ms;
        if (t->to == NULL || extract_moment(t->to, &k->to_ms) < 0)
            k->to_ms = -1;
    }
    return 0;
}

static int collect_extract(struct page *p, const struct pipeline *x, struct err *err)
{
    struct totals t = {p, x};
    struct fact *f = &p->facts[p->fact_count++];
    const struct extract *e = x->extract;

    *f = (struct fact){.p = x};
    p->taken = xrealloc(p->taken, (p->taken_n + e->table_count) * sizeof *p->taken);
    for (size_t i = 0; i < e->table_count; i++)
        p->taken[p->taken_n++] = (struct taken){.p = x, .table = xstrdup(e->tables[i].name), .to_ms = -1};
    int rc = extraction_totals(p->store, x->name, on_total, &t, err);
    return rc < 0 ? rc : metric_standing(p->store, x->name, "", "", on_state, f, &f->st, err);
}

int metrics_text(const struct config *c, struct store *s, int64_t now_ms, struct buf *out, struct err *err)
{
    struct page p = {.out = out, .store = s, .config = c};
    int rc = last_tick_get(s, &p.tick, err);

    p.facts = xcalloc(c->pipeline_count + c->extract_count + 1, sizeof *p.facts);
    p.in_count = c->pipeline_count;
    if (rc >= 0)
        rc = counter_list(s, on_count, &p, err);
    for (; rc >= 0 && p.fact_count < c->pipeline_count; p.fact_count++)
        rc = collect(s, &c->pipelines[p.fact_count], now_ms, &p.facts[p.fact_count], err);
    for (size_t i = 0; rc >= 0 && i < c->extract_count; i++)
        rc = collect_extract(&p, &c->extracts[i], err);
    for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(families); i++) {
        p.family = families[i].name;
        rc = buf_addf(out, err, "# HELP %s %s.\n# TYPE %s %s\n", p.family, families[i].help, p.family,
                      families[i].type);
        if (rc >= 0)
            rc = families[i].print(&p, err);
    }
    for (size_t i = 0; i < p.count_n; i++) {
        free(p.counts[i].name);
        free(p.counts[i].pipeline);
        free(p.counts[i].label);
    }
    for (size_t i = 0; i < p.taken_n; i++)
        free(p.taken[i].table);
    free(p.taken);
    free(p.counts);
    free(p.facts);
    return rc < 0 ? rc : 0;
}

int metrics_write(const struct config *c, struct store *s, const char *where, int64_t now_ms, struct err *err)
{
    struct buf text = BUF_INIT(MAX_METRICS);
    char *path = str_ends(where, ".prom") ? xstrdup(where) : fs_join(where, "orch.prom");
    int rc = metrics_text(c, s, now_ms, &text, err);

    if (rc == 0) {
        mode_t before = umask(022);
        rc = fs_write(path, text.p, text.n, 0644, err);
        umask(before);
    }
    buf_release(&text);
    free(path);
    return rc;
}
