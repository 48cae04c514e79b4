#ifndef ORCHESTRATOR_PROFILE_H
#define ORCHESTRATOR_PROFILE_H
#include "base/buf.h"
#include "base/json.h"
#include "io/profile.h"
/* What orch profile tells of a profile: one JSON document, and the HTML page that is made of it alone. */
struct profile_subject {     /* borrowed */
    const char *name, *kind; /* "loans/2022-06-05T12"; "file", "pipeline" or "table" */
    const char *place;       /* what a line is called: "line", "row" */
    char *const *files;      /* their names, by profile_place.file; NULL: there is none */
    size_t file_count;
    const char *const *sql_types; /* of a table's columns; NULL: what orch would make */
    int64_t now_ms;
    bool hide_values; /* no value of a cell, and nothing that quotes one */
};
json_t *profile_json(struct profile *p, const struct profile_subject *s); /* owned */
/* One page without any outside resource or script. */
NODISCARD int profile_html(const json_t *report, struct buf *ret, struct err *err);

/* Shared by profile_html.c and profile_svg.c. */
/* The histogram of one column, and the heat map of correlations. */
NODISCARD int svg_histogram(struct buf *b, const json_t *column, struct err *err);
NODISCARD int svg_correlations(struct buf *b, const json_t *report, struct err *err);
/* A JSON number or text as a person reads it: "12,345", "0.00413", "2022-06-05"; "–" for null. */
#define SHOWN_SIZE 64
const char *shown_number(const json_t *v, char out[SHOWN_SIZE]);
#endif
