#ifndef ORCHESTRATOR_PATH_INT_H
#define ORCHESTRATOR_PATH_INT_H
#include "orchestrator/path.h"
/*
 * Full paths, as Jayway JsonPath 2.0.0 reads them over Jackson's nodes, which is how AWS was seen to read them, for path_*.c and intrinsic*.c: a text is compiled to a small program
 * (path_compile.c; filters in path_filter.c), which is walked over a value (path_walk.c; filters in path_test.c).
 */
enum {
    MAX_PATH_STEPS = 256,      /* no value is nested deeper */
    MAX_PATH_UNION = 100,      /* names or indexes in one pair of brackets */
    MAX_FILTER_DEPTH = 16,     /* filters within filters, parentheses */
    MAX_PATH_VISITS = 5000000, /* nodes that one path looks at: about a second */
    MAX_TEMPLATE_VISITS = 10 * MAX_PATH_VISITS,
    BYTES_PER_VISIT = 16       /* of texts that are compared or found more than once: 80 MB in all */
};
enum path_root { ROOT_INPUT, ROOT_CONTEXT, ROOT_VARIABLE, ROOT_ITEM }; /* ROOT_ITEM: "@", in filters only */
enum path_op { OP_NAMES, OP_INDEXES, OP_SLICE, OP_ALL, OP_FILTER, OP_SCAN };
struct path_step {
    enum path_op op;
    bool demanding; /* OP_NAMES: what is missing here ends the walk; else only this way of it */
    size_t count;   /* OP_NAMES, OP_INDEXES */
    char **names;
    int64_t *indexes;
    bool from_end;    /* OP_INDEXES: [(@.length - n)], the index is n */
    int64_t from, to; /* OP_SLICE */
    bool has_from, has_to;
    struct path_test *test; /* OP_FILTER */
};
struct path_program {
    enum path_root root;
    const char *variable; /* ROOT_VARIABLE */
    const char *text;     /* as it was written */
    bool definite;        /* finds one node at most, which is its value; else its value is an array */
    size_t count;
    struct path_step *steps;
};

enum relation { REL_EXISTS, REL_ABSENT, REL_EQ, REL_NE, REL_LT, REL_LE, REL_GT, REL_GE, REL_MATCH };
/* A filter is its last comparison, and those before it: they are worked out from the last on, && before ||. */
struct path_test {
    enum relation relation;
    struct path_program *left;
    struct path_program *right; /* one of these three, but for EXISTS and ABSENT */
    const char *text;           /* numbers, true and null as well: what it is depends on the left */
    struct pattern *pattern;
    struct path_test *before; /* NULL: none */
    bool both;                /* && stands between them, else || */
};

/* What compiled programs live in, and all that they point to. */
struct path_code {
    struct arena *arena;
    bool unsupported; /* what is wrong is right on AWS */
    bool outside;     /* an index below 0 */
    bool doubtful;    /* it uses what AWS's documentation says that AWS does not do */
};
void path_code_init(struct path_code *c);
void path_code_release(struct path_code *c);
int path_code_marks(const struct path_code *c); /* PATH_UNSUPPORTED, PATH_DOUBTFUL */

/* A text that is being read. A path ends where it cannot go on: the caller looks at what stands there. */
struct path_reader {
    const char *p, *end;
    struct path_code *code;
    int deep; /* filters around */
};
NODISCARD int path_read(struct path_reader *r, struct path_program **ret, struct err *err);
/* The same, and nothing may follow. */
NODISCARD int path_compile(const char *text, struct path_code *c, struct path_program **ret, struct err *err);
/* '...' or "..." at r->p, '\' takes the next character literally; in the arena. */
NODISCARD int path_quoted(struct path_reader *r, char **ret, struct err *err);
void path_blanks(struct path_reader *r);
/* path_filter.c: from behind "[?" to behind "]". */
NODISCARD int path_filter(struct path_reader *r, struct path_test **ret, struct err *err);

struct path_run {
    const struct scope *scope;
    const json_t *root; /* "$" within filters: where the path that they belong to began */
    const json_t *item; /* "@" */
    int64_t left;       /* visits */
    bool strict;        /* what is missing anywhere is a miss: an existence test */
    bool past_end;      /* the value is the null that an index past the end gives */
    char *why;          /* of a miss; NULL: not wanted */
    size_t why_size;
};
enum { PATH_FOUND = 1, PATH_MISSED = 0 };
/* Owned. What a step cannot be applied to (an index to an object) is an error, as is a limit. */
NODISCARD int path_run(struct path_run *r, const struct path_program *p, json_t **ret_owned, struct err *err);
/* path_test.c: 1 the filter takes the item, 0 it does not. */
NODISCARD int path_accepts(struct path_run *r, const struct path_test *t, const json_t *item,
                           struct err *err);
/* How many visits a path may make, and how many it has left. */
int64_t path_work(const struct scope *s);
void path_worked(const struct scope *s, int64_t given, int64_t left);
/* One visit more; the error when there were too many. */
NODISCARD int path_visit(struct path_run *r, struct err *err);
/* Texts are looked at, too: so many bytes of them. */
NODISCARD int path_spend(struct path_run *r, size_t bytes, struct err *err);

/* path_pattern.c: /.../, with or without i, as Java reads it; matches the whole of a text. 1, 0; -1: what was left of
 * visits did not suffice. */
NODISCARD int pattern_compile(const char *text, size_t n, bool fold, struct arena *a, struct pattern **ret,
                              struct err *err);
int pattern_matches(const struct pattern *p, const char *text, size_t n, int64_t *left);
#endif
