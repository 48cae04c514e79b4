#ifndef ORCHESTRATOR_REQUESTS_H
#define ORCHESTRATOR_REQUESTS_H
#include "orchestrator/tick.h"
#include "state/request.h"
/*
 * What was asked for over HTTP (state/request.h), worked by the tick with the functions of the commands: before its pipelines,
 * in the order in which it was asked for, of one pipeline one after the other: replays and retries that stand together are queued
 * together; a skip behind them waits until they have ended. Each is worked under a lock file,
 * "request-ID": where that is free and the request RUNNING, its process is dead, and it is taken again:
 *   replay, retry  every partition is acted on in one transaction with `reached`: none a second time;
 *   skip           a partition that is SKIPPED already is left;
 *   restore        all or nothing: empty again, then filled again; into a table that had to be empty it is not repeated
 *                  blindly: it is refused because rows are there, and the message says what that may mean;
 *   backup         the one that was taken, where each table has its manifest; else another whole one: what no manifest lists is
 *                  none.
 */
enum { REQUEST_TRIES = 5, REQUEST_DEATHS = 20 };
struct tick;
struct requests;
/* *ret owned, also after an error: requests_end. Pipelines that got work are marked `asked`. */
NODISCARD int requests_work(struct tick *t, struct requests **ret, struct err *err);
/* Behind the pipelines: what was queued for them is DONE, with how it came out, or RUNNING still where a run waits.
 * whole false: the tick is stopped or fails; what is open stays RUNNING, for the next one. */
NODISCARD int requests_end(struct requests *r, bool whole, struct err *err);
/* Those that FAILED, of a pipeline ("" those of none), as findings of class REQUEST; part is "#12". */
NODISCARD int requests_findings(struct store *s, const char *pipeline,
                                int (*fn)(void *arg, const struct finding *f, struct err *err), void *arg,
                                struct err *err);
/* "replay of 2022-06-05T12", "backup of employees, jobs". */
void request_title(const struct request *r, char *out, size_t size);
#endif
