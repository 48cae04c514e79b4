#ifndef ORCHESTRATOR_PAGE_H
#define ORCHESTRATOR_PAGE_H
#include "orchestrator/serve.h"
#include "orchestrator/status_int.h"
#include "state/pause.h"
/*
 * The dashboard's pages: HTML that is XML too, written by the server, whole without a script. No style and no handler stands
 * in an attribute (the Content-Security-Policy lets none run). Whatever comes from outside goes through page_text and
 * page_url alone.
 */
struct page { /* one that is being written; all borrowed, for the call */
    struct buf *b;
    const struct config *config;
    struct store *store;
    int64_t now_ms;
    const char *csrf; /* "": nothing may be written */
    const struct serve_request *q;
    int rc; /* the first failure sticks: what comes after it is not written */
    struct err *err;
};
/* ---- page.c: the building blocks ---- */
void page_begin(struct page *p, const char *title, const char *where); /* where: of the navigation, "" none */
NODISCARD int page_end(struct page *p);
void page_put(struct page *p, const char *ours);                   /* as it is: our own markup alone */
void page_putf(struct page *p, const char *fmt, ...) PRINTF(2, 3); /* numbers and our own words */
void page_text(struct page *p, const char *outside);               /* escaped; NULL: nothing */
void page_bytes(struct page *p, const void *outside, size_t n);
void page_textf(struct page *p, const char *fmt, ...) PRINTF(2, 3); /* printed, then escaped; 4,000 bytes */
void page_url(struct page *p, const char *outside);                 /* a part of a path or query */
void page_number(struct page *p, int64_t n);                        /* 1,234,567 */
#define PAGE_NUMBER 32
const char *page_short(int64_t n, char out[PAGE_NUMBER]); /* 999, 1.2k, 35k, 1.2M */
const char *page_size(int64_t bytes, char out[PAGE_NUMBER]);
const char *page_span(int64_t ms, char out[PAGE_NUMBER]); /* "40 s", "3 min", "5 h", "12 d" */
void page_time(struct page *p, int64_t ms);               /* <time>; – for 0 */
void page_ago(struct page *p, int64_t ms);                /* <time> as "3 min ago" */
const char *page_glyph(enum view_state s);
const char *page_word(enum view_state s);           /* lower case */
const char *page_class(enum view_state s);          /* of style.css */
void page_state(struct page *p, enum view_state s); /* glyph and word */
/* The same of any word of orch's: FAILED, EQUAL, RUNNING ... */
void page_badge(struct page *p, const char *word);
/* A link to a pipeline, or to one of its partitions; part NULL: none. "2022-06-05T12#2" leads to the partition. */
void page_link(struct page *p, const char *pipeline, const char *part);
/* A command to type; the script puts a button beside it. */
void page_command(struct page *p, const char *fmt, ...) PRINTF(2, 3);
bool page_may_write(const struct page *p);
void page_fact(struct page *p, const char *what); /* <dt>what</dt><dd>; page_fact_end closes */
void page_fact_end(struct page *p);

/* ---- page_flow.c: what the overview says of one pipeline, from a window and not from all its years ---- */
struct flow_hour {
    char part[PART_SIZE];
    enum view_state state;
    int64_t rows_read, rows_loaded, rows_rejected;
};
enum { FLOW_RATES = 48 };
struct page_flow {
    struct status_flow f; /* counts and squares: of the last 24 alone */
    struct flow_hour hours[SQUARES];
    size_t n;
    int64_t rates[FLOW_RATES], rate_ms[FLOW_RATES]; /* rows a second of the newest loads, oldest first */
    size_t rate_count;
    int worst; /* of its troubles: 0 worst; more than any class: none */
    int64_t troubles;
    bool differs, bad; /* a trouble is MISMATCHED; one has an exit status */
};
NODISCARD int page_flow_look(struct page *p, const struct pipeline *pipeline, struct page_flow *ret);
void page_flow_row(struct page *p, const struct page_flow *k);
void page_flow_spark(struct page *p, const struct page_flow *k);

/* ---- page_attention.c: what is wrong, the worst first ---- */
struct attention;
struct attention *attention_new(struct page *p); /* owned */
void attention_free(struct attention *a);
NODISCARD int attention_look(struct attention *a, struct page_flow *f); /* its findings */
NODISCARD int attention_extract(struct attention *a, const struct pipeline *x);
NODISCARD int
attention_others(struct attention *a); /* what is no pipeline's: requests (backups, restores), executions */
int64_t attention_count(const struct attention *a);
int64_t attention_flows(const struct attention *a); /* pipelines and extracts that need it */
int64_t attention_requests(const struct attention *a);
int64_t attention_executions(const struct attention *a);
void attention_put(struct attention *a, size_t shown); /* the rest is folded away */

/* ---- the pages, one file each ---- */
void page_of_home(struct page *p);
void page_of_pipeline(struct page *p, const struct pipeline *flow); /* a month of hours, or a year */
void page_of_partition(struct page *p, const struct pipeline *flow, const char *part);
void page_of_extract(struct page *p, const struct pipeline *x);
void page_of_executions(struct page *p);
void page_of_execution(struct page *p, int64_t id);
void page_of_rejects(struct page *p);
void page_of_activity(struct page *p);
struct execution;
void page_gantt(struct page *p, const struct execution *e);
/* What a person may ask for of a partition, or of a pipeline (part NULL); nothing where nothing may be written. */
void page_forms(struct page *p, const char *pipeline, const char *part);
void page_asked(struct page *p);    /* what became of the request that the query names in `asked` */
void page_requests(struct page *p); /* the newest */
void page_tables(struct page *p);   /* of the dictionary; nothing where there are none */
/* page_routes.c: the handlers, for serve_routes.c */
serve_fn serve_page_home, serve_page_pipeline, serve_page_partition, serve_page_extract,
    serve_page_executions, serve_page_execution, serve_page_rejects, serve_page_activity, serve_page_file,
    serve_page_ask, serve_page_pause;
/* Of the query; "" where it is not there. */
const char *page_query(const struct page *p, const char *name);
#endif
