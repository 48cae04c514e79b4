#ifndef BASE_OPT_H
#define BASE_OPT_H
#include "base/err.h"
#include <stdint.h>
#include <stdio.h>
/*
 * Command-line options by table. Long names always, "--name value" and "--name=value"; a letter where it is
 * worth one; flags and arguments in any order; "--" ends the options. No abbreviations.
 */
enum opt_kind {
    OPT_FLAG /* bool */,
    OPT_TEXT /* const char *, borrowed from argv */,
    OPT_COUNT /* int64_t >= 0 */
};
struct opt {
    const char *name; /* without dashes; NULL ends the table */
    char letter;      /* 0: none */
    enum opt_kind kind;
    void *value;      /* bool *, const char ** or int64_t * */
    const char *arg;  /* what stands for the value in help; NULL for a flag */
    const char *help; /* one line */
};
enum { OPT_MAX_ARGS = 64 };
struct opt_args {
    const char *items[OPT_MAX_ARGS]; /* borrowed from argv */
    int count;
};
/*
 * Reads argv[first..argc) by two tables (own may be NULL). stop_at_word: ends before the first argument that
 * is no option, and says in *ret_next where that is (a verb). ERR_USAGE names the nearest option.
 */
NODISCARD int opt_parse(const struct opt *own, const struct opt *common, int argc, char **argv, int first,
                        bool stop_at_word, struct opt_args *ret, int *ret_next, struct err *err);
bool opt_has(const struct opt *table, const char *name); /* table NULL: no */
/* "  --from PART      first partition" a line; but (may be NULL): without those that this table has under the same name. */
void opt_help(const struct opt *table, const struct opt *but, FILE *to);
#endif
