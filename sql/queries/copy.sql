-- name: copy_facts
-- What a copy of the state file holds, in words' order: pipelines, partitions, jobs, running executions, newest event.
SELECT (SELECT count(*) FROM pipeline), (SELECT count(*) FROM partition_), (SELECT count(*) FROM job),
       (SELECT count(*) FROM execution WHERE status = 'RUNNING'), (SELECT count(*) FROM reject),
       (SELECT max(max(start_ms), max(ifnull(stop_ms, 0))) FROM execution);
