#ifndef TESTS_LIB_QUEUE_FIXTURE_H
#define TESTS_LIB_QUEUE_FIXTURE_H
/* A state file in a folder of its own, with runs that look to the queue as the engine's do. Aborts the test
 * on error. */
#include "state/flag.h"
#include "state/object.h"
#include "state/queue.h"
#include "state/reject.h"
#include "tests/tap.h"
struct fixture {
    char folder[64], path[96];
    struct store *s;
    struct err err;
};
void fx_open(struct fixture *f);
void fx_close(struct fixture *f); /* removes the folder */
/* An execution with one STARTED task of that token; the execution's id. */
int64_t fx_run(struct fixture *f, const char *token);
void fx_sql(struct fixture *f, const char *sql);
int64_t fx_number(struct fixture *f, const char *sql);
const char *fx_text(struct fixture *f,
                    const char *sql); /* the last eight stay valid; "" for NULL or no row */
/* Sees an object of pipeline "loans"; its id. */
int64_t fx_see(struct fixture *f, const char *part, const char *key, const char *etag, int64_t size);
/* A LOAD (or REPLAY) job of the objects (0-ended); its id. */
int64_t fx_job(struct fixture *f, const char *part, const char *kind, const int64_t *objects);
/* A person's decision on a partition, without an audit row. */
void fx_decide(struct fixture *f, const char *part, const char *state, const char *reason, int64_t now_ms);
/* The load of the job's only object. */
int64_t fx_load_of(struct fixture *f, int64_t job_id);
/* Takes the flag for the run; its id is valid until the next call. */
const char *fx_take(struct fixture *f, const char *token, int64_t execution_id, int64_t job_id);
/* The job of one object: taken, loaded, reconciled, the flag freed. */
void fx_load_job(struct fixture *f, const char *token, int64_t execution_id, int64_t job_id);
#endif
