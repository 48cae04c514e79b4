#ifndef ORCHESTRATOR_MANUAL_H
#define ORCHESTRATOR_MANUAL_H
#include "orchestrator/help.h"
/*
 * The man pages, from what the program itself goes by: the command table, the key table of orch.json, the exit
 * statuses, and docs/. So a page cannot tell what the program does not do.
 */
typedef int manual_fn(void *arg, const char *page, struct err *err);
/* Every page's name, "orch.1", "orch-tick.1", ...; ends early with what fn returns below 0. */
NODISCARD int manual_each(manual_fn *fn, void *arg, struct err *err);
/* date such as "2022-06-05". ERR_USAGE: there is no such page. */
NODISCARD int manual_write(const char *page, const char *date, FILE *to, struct err *err);
/* orch.json(5); manual_config.c */
void manual_config(FILE *to);
#endif
