#include "steps/step.h"
#include "steps/steps_int.h"

const struct step_type step_types[] = {
    {"generate-queue", step_run_generate_queue,
     "{pipeline, asOf?, cause?} -> {partitions, new, jobs, waiting, late, ...}: lists what is due, queues "
     "what is "
     "new",
     "pipeline asOf? cause?", NULL},
    {"check-now-processing", step_run_check_now_processing,
     "{pipeline} -> {state: FREE|STALE|HELD, owner}: the now-processing flag", "pipeline", NULL},
    {"etl-queue-check", step_run_etl_queue_check,
     "{pipeline, partition?} -> {job, partition, name, pending}: the oldest job that may run now, or null",
     "pipeline partition?", NULL},
    {"set-flag", step_run_set_flag,
     "{pipeline, job} -> {acquired, id}: takes the flag and raises the epoch in the target", "pipeline job",
     NULL},
    {"ingest", step_run_ingest,
     "{pipeline, job, flag} -> {objects, rowsRead, rowsLoaded, rowsRejected}: loads every object of the job",
     "pipeline job flag", NULL},
    {"reconcile", step_run_reconcile,
     "{pipeline, job, flag} -> {verdict, differences}: source against target", "pipeline job flag", NULL},
    {"reset-flag", step_run_reset_flag,
     "{pipeline, job, flag, outcome: LOADED|FAILED, error?, cause?} -> {reset, state}: the job's outcome, "
     "the flag freed",
     "pipeline job flag outcome error? cause?", NULL},
    {"extract-plan", step_run_extract_plan,
     "{pipeline, cause} -> {run}: an unfinished run of an extract, or what is new as one; or null",
     "pipeline cause", NULL},
    {"extract", step_run_extract,
     "{pipeline, run} -> {rows, bytes, parts}: one snapshot, every table into files, counted against it",
     "pipeline run", NULL},
    {"extract-publish", step_run_extract_publish,
     "{pipeline, run} -> {tables, rows}: each table's manifest, then its watermark", "pipeline run", NULL},
    {"extract-failed", step_run_extract_failed,
     "{pipeline, run, error, cause} -> {tables}: the run waits for its next try, or is DEAD",
     "pipeline run error cause", NULL},
    {"replay-rejects", step_run_replay_rejects,
     "{pipeline, partition?, code?, column?, reason, who} -> {loaded, refused, objects, skipped}: rejects "
     "once "
     "more, after a fix",
     "pipeline partition? code? column? reason who", NULL},
    {"command", step_run_command,
     "{argv, arguments?, input?, env?, cwd?, output?, heartbeat?} -> what it writes to stdout: a program, "
     "without a "
     "shell",
     "argv! arguments? input? env!? cwd!? output!? heartbeat!?", step_check_command},
    {"sql", step_run_sql,
     "{connection, sql | file, values?} -> {rows, affected}: statements of a database, one transaction",
     "connection! sql!? file!? values?", step_check_sql},
    {"http", step_run_http,
     "{url | connection, path?, query?, method?, headers?, body?, expectedStatus?, output?} -> {statusCode, "
     "headers, "
     "body}: one request",
     "connection!? url? path? query? method!? headers? body? expectedStatus!? output!?", NULL},
    {"object-list", step_run_object_list,
     "{connection, prefix?, limit?} -> {objects: [{key, name, size, etag, lastModified}], count}: by key",
     "connection! prefix? limit?", NULL},
    {"object-get", step_run_object_get, "{connection, key, output?} -> {key, there, body}: an object's text",
     "connection! key output!?", NULL},
    {"object-put", step_run_object_put,
     "{connection, key, body?, onlyNew?} -> {key, written, same}: an object; onlyNew: where there is none",
     "connection! key body? onlyNew!?", NULL},
    {"object-remove", step_run_object_remove, "{connection, key} -> {key}: an object, gone",
     "connection! key", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
