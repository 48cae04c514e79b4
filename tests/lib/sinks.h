#ifndef TESTS_LIB_SINKS_H
#define TESTS_LIB_SINKS_H
#include "io/sink.h"
/* What the tests of all kinds of sinks have in common. */

/* A beat: arg, an int, is how often it is well before it says ERR_CANCELLED. */
int sinks_stop(void *arg, struct err *err);
/* For sink_list: "KEY=SIZE|" is added to arg, a struct buf. */
int sinks_collect(void *arg, const struct object_info *o, struct err *err);
/* Four put a file of their own under one new name at once, `rounds` times (50 at most); one of them must have done it. */
void sinks_race(const struct source_config *config, int rounds,
                void (*holds)(void *arg, const char *key, const void *want, size_t n), void *arg);
#endif
