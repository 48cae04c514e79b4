-- name: rebuild_begin
UPDATE load SET in_ledger = 0 WHERE in_ledger <> 0 AND job_id IN (SELECT id FROM job WHERE pipeline = ?1);

-- name: rebuild_load_put
INSERT OR IGNORE INTO load (load_id, job_id, object_id, generation, state, in_ledger) VALUES (?1, ?2, ?3, ?4, 'DRAWN', 1);

-- name: rebuild_load
UPDATE load SET object_id = ?2, generation = ?3, state = ?4, rows_read = ?5, rows_loaded = ?6, rows_rejected = ?7,
  columns = ?8, loaded_ms = ?9, in_ledger = 1,
  rejects_missing = ?7 > (SELECT count(*) FROM reject r WHERE r.load_id = ?1 AND r.state IN ('FINAL', 'DISCARDED'))
WHERE load_id = ?1;

-- name: rebuild_reopen
-- a job that was settled has got one load more, of another host: its rejects are not here, and it was reconciled without
UPDATE job SET state = 'LOADED', execution_id = NULL
WHERE id = (SELECT job_id FROM load WHERE load_id = ?1) AND state IN ('RECONCILED', 'MISMATCHED', 'EMPTY');

-- name: rebuild_rivals
-- unsettled loads of the key that can never be loaded any more: the ledger is as far (?4), or has the same object as
-- its current one (?5); a replay that a person asked for is no rival of what it is to replace
SELECT l.load_id FROM object o CROSS JOIN load l ON l.object_id = o.id JOIN job j ON j.id = l.job_id
WHERE o.pipeline = ?1 AND o.key = ?2 AND l.load_id <> ?3 AND l.state IN ('DRAWN', 'PENDING')
AND (l.generation <= ?4 OR (l.object_id = ?5 AND j.kind <> 'REPLAY')) LIMIT 1;

-- name: rebuild_forget
DELETE FROM load WHERE load_id = ?1;

-- name: rebuild_unknown
-- loads that this file holds for done and the ledger does not know; SAME leans on a load that it must know
SELECT l.load_id, l.object_id, l.job_id FROM job j JOIN load l ON l.job_id = j.id JOIN object o ON o.id = l.object_id
WHERE j.pipeline = ?1 AND j.id <> ?2 AND l.in_ledger = 0
AND (l.state IN ('LOADED', 'EMPTY')
     OR (l.state = 'SAME' AND NOT EXISTS (SELECT 1 FROM object x CROSS JOIN load y ON y.object_id = x.id
                                          WHERE x.pipeline = o.pipeline AND x.key = o.key AND y.in_ledger = 1
                                          AND y.state IN ('LOADED', 'EMPTY'))));

-- name: rebuild_jobs
SELECT j.id, j.state, sum(l.state IN ('DRAWN', 'PENDING')), sum(l.state IN ('LOADED', 'EMPTY', 'SAME')),
  sum(l.state = 'SUPERSEDED'), coalesce(max(l.loaded_ms), 0)
FROM job j JOIN load l ON l.job_id = j.id
WHERE j.pipeline = ?1 AND j.id <> ?2
GROUP BY j.id;

-- name: rebuild_job
UPDATE job SET state = ?2, execution_id = NULL, attempts = 0, tries = 0, not_before_ms = 0, error = NULL,
  message = NULL, hint = NULL, updated_ms = ?3,
  loaded_ms = CASE WHEN ?2 = 'LOADED' THEN ?4 ELSE loaded_ms END
WHERE id = ?1;

-- name: rebuild_bare
-- its loads were rivals of what the ledger has: kept as a row, because messages and reconciliations may name it
UPDATE job SET state = 'SUPERSEDED', message = 'its objects were loaded by another job', error = NULL, hint = NULL
WHERE pipeline = ?1 AND id <> ?2 AND state NOT IN ('SUPERSEDED', 'EMPTY')
AND NOT EXISTS (SELECT 1 FROM load l WHERE l.job_id = job.id AND l.state <> 'DROPPED');
