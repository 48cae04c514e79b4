#ifndef ORCHESTRATOR_SAY_ITEMS_H
#define ORCHESTRATOR_SAY_ITEMS_H
#include "base/err.h"
#include <stdint.h>
/*
 * Troubles in the order and the words in which they are told: on stderr, by mail, as JSON. Of many of one pipeline and
 * class the first few are told one by one, and one line stands for the rest.
 */
struct item {
    char *key; /* "pipeline class part" */
    char *pipeline, *class, *part, *text, *hint;
    char *ending; /* of what has gone: "" by itself, else what a person decided */
    int exit_status;
    int64_t opened_ms, said_ms; /* said_ms 0: not yet */
    bool due, again, gone;
};
struct items {
    struct item *v; /* owned */
    size_t n, cap;
};
char *items_key(const char *pipeline, const char *class, const char *part); /* owned; part "": of the whole */
/* A copy of the texts; the rest is 0. Borrowed until the next items_add. */
struct item *items_add(struct items *l, const char *pipeline, const char *class, const char *part,
                       const char *text, const char *hint);
/* Whose it is: the pipeline; of no pipeline "executions" or "alerts". */
const char *items_whose(const struct item *it);
void items_clear(struct items *l); /* empty; usable again */
/* By key, one of each. */
void items_sort(struct items *l);
struct item *items_find(const struct items *l, const char *key); /* after items_sort; NULL */
/* Of the same pipeline and partition, whatever its class; after items_sort. */
bool items_other_stands(const struct items *l, const char *pipeline, const char *part);
/* What stands before what has gone; new before told before. items_find is over. */
void items_sort_to_tell(struct items *l);
bool items_due(const struct items *l);
/* After items_sort_to_tell. 0: not told by itself; 1: told; more: a line that stands for so many. */
size_t items_stand_for(const struct items *l, size_t i);
struct item_line {
    char where[400], text[3600], hint[500];
};
void item_line(const struct item *it, size_t count, struct item_line *ret);
#endif
