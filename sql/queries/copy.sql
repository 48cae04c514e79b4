-- name: copy_facts
-- What a copy of the state file holds: pipelines, partitions, jobs, running executions, rejects; when an execution was last at work.
SELECT (SELECT count(*) FROM pipeline), (SELECT count(*) FROM partition_), (SELECT count(*) FROM job),
       (SELECT count(*) FROM execution WHERE status = 'RUNNING'), (SELECT count(*) FROM reject),
       (SELECT max(max(start_ms), max(ifnull(stop_ms, 0))) FROM execution);
