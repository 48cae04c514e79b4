#ifndef TESTS_LIB_ENGINE_FIXTURE_H
#define TESTS_LIB_ENGINE_FIXTURE_H
/*
 * A state file, an orch.json with pipelines "p" and "q", and their workflow, in a folder of its own; an engine whose
 * steps are these:
 *
 *   orch-add  {"what": "b"}                    appends a line to FOLDER/effects -> {"lines": n}
 *   orch-fail {"error": "Orch.BadCsv", ...}    fails so, with "cause" and "hint"
 *   orch-slow {"seconds": n}                   makes FOLDER/slow, then beats until the time is over
 *   orch-mood {}                               fails with the error name that FOLDER/mood holds, if there is one
 *   orch-work {"pipeline": "p"}                makes the next job of the queue RECONCILED; where its reason is an error
 *                                              name, FAILED for an hour with that error
 *
 * Aborts the test on error.
 */
#include "orchestrator/engine.h"
#include "state/exec.h"
#include "tests/tap.h"
struct engine_fixture {
    char *folder;
    bool made_here;
    struct config *config;
    struct store *store;
    struct engine *engine;
    struct err err;
};
#define ORCH_STEP(name) "arn:aws:states:us-east-1:000000000000:activity:orch-" name
/* workflow: ASL text; NULL: the shipped ingest. more: members for orch.json's top level, such as "\"tick\": {...},", or "". */
void ef_make(struct engine_fixture *f, const char *workflow, const char *more);
void ef_open(struct engine_fixture *f,
             const char *folder);        /* what ef_make made, in this or another process */
void ef_close(struct engine_fixture *f); /* removes the folder where ef_make made it */
void ef_put(const char *path, const char *text);
char *ef_get(const char *path, size_t *ret_n);                 /* the whole file, owned; ret_n may be NULL */
int64_t ef_start(struct engine_fixture *f, const char *input); /* an execution of p, input {} when NULL */
/* "A B C": types of the history in order, or of the events whose type ends in suffix. Owned. */
char *ef_history(struct engine_fixture *f, int64_t id, const char *suffix);
int64_t ef_number(struct engine_fixture *f, const char *sql);
char *ef_text(struct engine_fixture *f, const char *sql);                /* owned; "" for NULL or no row */
void ef_is(struct engine_fixture *f, const char *sql, const char *want); /* ef_text is so */
void ef_sql(struct engine_fixture *f, const char *sql);
/* engine_work, as long as it can; ret_wake may be NULL. */
enum engine_result ef_work(struct engine_fixture *f, int64_t id, int64_t *ret_wake);
/*
 * Another process of this very program, for fault rules, other clocks, signals: it works execution 1 in the folder and
 * exits with its enum engine_result, or 100 on an error (which it prints). env: NULL-ended, "NAME=value".
 */
int ef_child(struct engine_fixture *f, const char *const env[]);
/* The same, but it runs a tick, with the options that env names: TICK_PIPELINE, TICK_FORCE, TICK_FAIL_IF_LOCKED.
 * It exits with the tick's status; its stderr is added to FOLDER/stderr. */
int ef_tick_child(struct engine_fixture *f, const char *const env[]);
int ef_wait(int pid); /* exit status, 128 + signal */
#endif
