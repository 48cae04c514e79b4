#ifndef ORCHESTRATOR_PROBE_H
#define ORCHESTRATOR_PROBE_H
#include "orchestrator/cmd.h"
/* What init and doctor find out by looking: layout and first partition of a source, header of a file. */
/* A field whose cells look like 31/12/2022: dates that are read where their form is said. */
struct probe_date {
    char example[40];           /* "": it does not */
    char sign;                  /* '/', '.' or '-' */
    const char *time;           /* of day: "", " %H:%M" or " %H:%M:%S" */
    bool day_second, day_first; /* a cell proves it */
};
struct probe {
    char *key;          /* a real file; owned; NULL: none was found */
    char *prefix;       /* before the layout; owned */
    const char *layout; /* static, or as given */
    enum period period;
    int64_t start_ms;         /* of the partition that key is in */
    char **names;             /* header; owned */
    struct probe_date *dates; /* one a name; owned */
    size_t count;
    size_t listed; /* objects looked at */
};
void probe_release(struct probe *p);
/* Looks at the first objects of a source; layout NULL: finds one of the common ones. ERR_NOT_FOUND with a
 * hint. */
NODISCARD int probe_source(struct source *s, const struct pipeline *p, const char *layout, struct probe *ret,
                           struct err *err);
/* Whether key is in a partition of layout behind one of its slashes. */
bool probe_layout(const char *key, const char *layout, enum period period, size_t *ret_prefix,
                  int64_t *ret_start_ms);
/* Whether key, of a source that is read below prefix, lies in a partition of layout. */
bool probe_fits(const char *key, const char *prefix, const char *layout, enum period period);
/* A common layout that fits key, behind the first *ret_prefix bytes of it; NULL: none does. */
const char *probe_suggest(const char *key, size_t *ret_prefix);
#endif
