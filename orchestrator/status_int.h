#ifndef ORCHESTRATOR_STATUS_INT_H
#define ORCHESTRATOR_STATUS_INT_H
/* Shared by cmd_status.c, status_look.c (what there is to say), status_print.c (for people), status_json.c, and orch serve. */
#include "orchestrator/cmd.h"
#include "orchestrator/stream.h"
#include "orchestrator/tick.h"
#include "orchestrator/view.h"
#include "state/pause.h"

enum { SQUARES = 24 };
struct status_flow { /* one pipeline; strings are in the struct */
    const struct pipeline *p;
    int64_t counts[VIEW_STATES], partitions;
    struct {
        char part[PART_SIZE];
        enum view_state state;
    } squares[SQUARES]; /* a ring: partition number i is at i % SQUARES */
    char last_good[PART_SIZE], newest[PART_SIZE];
    bool newest_unseen; /* the newest has neither been listed nor has it a job */
    bool unverifiable;
    int64_t listed_ms; /* the newest listing of any */
    int64_t lag_ms, last_look_ms, next_look_ms;
    int64_t rejects_final, rejects_other, left_out, retry_ms;
    char left_out_example[200];
    char waits[400]; /* what a load waits for; "": nothing */
    int64_t waits_ms;
    bool paused;
    struct pause pause;
};
struct status {
    struct cli *c;
    int64_t now_ms;
    const char *part;               /* "": all of them */
    bool single;                    /* one pipeline was named */
    const struct pipeline *extract; /* or one extract; NULL: all of them, where no pipeline was named */
    struct status_flow *flows;      /* owned */
    size_t flow_count;
    int64_t findings;  /* that concern what was asked for */
    int64_t of_others; /* of extracts, and of no pipeline: told where they are */
    int exit;
    struct jout *json; /* of who counts and writes at once */
};
NODISCARD int status_look(struct status *s, const struct pipeline *p, struct status_flow *ret,
                          struct err *err);
/* Of it, what is no partition's: listings, clock, pause, what is waited for; last_good and the partitions are looked at. */
NODISCARD int status_look_beside(struct store *store, struct status_flow *f, int64_t now_ms, struct err *err);
int64_t status_lag(const struct status_flow *f, int64_t now_ms);
/* Of all pipelines that were looked at, in one walk over the rejects. */
NODISCARD int status_look_at_rejects(struct status *s, struct err *err);
const char *status_verdict(const struct status_flow *f); /* EQUAL, DIFFERENT, UNVERIFIABLE, "" */
/* The troubles of one pipeline that concern what was asked for: those of the tick, and a cron that is dead. */
typedef int status_fn(void *arg, const struct status_flow *f, const struct finding *x, struct err *err);
NODISCARD int status_findings(struct status *s, const struct status_flow *f, status_fn *fn, void *arg,
                              struct err *err);
/* Takes one that is of no pipeline into account: a finding_fn, arg is the status. */
int status_count_other(void *arg, const struct finding *x, struct err *err);
NODISCARD int status_print(struct status *s, struct err *err);
/* status_json.c */
struct status_parts {
    struct jout *j;
    struct store *store;
    const struct pipeline *p; /* NULL: no longer in the config */
    bool jobs;                /* each partition with its jobs */
};
NODISCARD int status_job_json(struct status_parts *k, const struct job *x, struct err *err);
NODISCARD int status_part_json(void *arg, const struct view_part *p, struct err *err); /* a view_fn */
void status_summary_json(struct jout *j, const struct status_flow *f); /* members, no brackets */
void status_pause_json(struct jout *j, const struct pause *p);         /* "paused"; NULL: null */
/* arg: a struct jout. */
NODISCARD int status_finding_json(void *arg, const struct status_flow *f, const struct finding *x,
                                  struct err *err);
struct view_channel;
NODISCARD int status_channel_json(void *arg, const struct view_channel *c, struct err *err);
NODISCARD int status_last_tick_json(struct jout *j, struct store *s, struct err *err);
/* What was asked for over HTTP: counts, and the findings of no pipeline (those of pipelines are among theirs). */
NODISCARD int status_requests_look(struct status *s, struct err *err);
NODISCARD int status_requests_json(struct jout *j, struct store *s, struct err *err);
NODISCARD int status_requests_attention(struct status *s, struct jout *j, struct err *err);
NODISCARD int status_requests_print(struct status *s, struct err *err);
/* The partitions of one pipeline (those worth a line) as rows in the form that is asked for. */
NODISCARD int status_partitions(struct status *s, const struct status_flow *f, struct err *err);
/* status_extract.c: counted into findings and exit; written, after the pipelines. */
NODISCARD int status_extract_look(struct status *s, struct err *err);
NODISCARD int status_extract_json(struct status *s, struct jout *j, bool attention, struct err *err);
NODISCARD int status_extract_print(struct status *s, bool first, struct err *err);
#endif
