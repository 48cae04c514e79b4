-- name: job_get
SELECT j.id, j.n, j.attempts, j.tries, j.not_before_ms, j.execution_id, j.bytes, j.pipeline, j.part, j.kind, j.state,
  j.error, j.message, j.hint, j.reason, j.who, j.unverifiable, j.created_ms, j.updated_ms, j.loaded_ms, j.reconciled_ms,
  count(l.load_id), sum(l.rows_read), sum(l.rows_loaded), sum(l.rows_rejected)
FROM job j LEFT JOIN load l ON l.job_id = j.id AND l.state <> 'DROPPED'
WHERE j.id = ?1 GROUP BY j.id;

-- name: job_pipeline
SELECT pipeline FROM job WHERE id = ?1;

-- name: job_list
SELECT j.id, j.n, j.attempts, j.tries, j.not_before_ms, j.execution_id, j.bytes, j.pipeline, j.part, j.kind, j.state,
  j.error, j.message, j.hint, j.reason, j.who, j.unverifiable, j.created_ms, j.updated_ms, j.loaded_ms, j.reconciled_ms,
  count(l.load_id), sum(l.rows_read), sum(l.rows_loaded), sum(l.rows_rejected)
FROM job j LEFT JOIN load l ON l.job_id = j.id AND l.state <> 'DROPPED'
WHERE j.pipeline = ?1 AND j.part >= coalesce(?2, '') AND (?3 IS NULL OR j.part <= ?3)
GROUP BY j.part, j.n ORDER BY j.part, j.n;

-- name: job_put
INSERT INTO job (pipeline, part, n, kind, state, bytes, reason, who, created_ms, updated_ms, loaded_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10);

-- name: job_last_n
SELECT coalesce(max(n), 0) FROM job WHERE pipeline = ?1 AND part = ?2;

-- name: job_by_n
SELECT id FROM job WHERE pipeline = ?1 AND part = ?2 AND n = ?3;

-- name: job_next
-- ?3 now, ?4 the job of a HELD flag, ?5 the job of a STALE one (0: none); + leaves the choice to the index by state
SELECT j.id FROM job j
WHERE j.pipeline = ?1 AND (?2 IS NULL OR j.part = ?2) AND j.id <> ?4
-- further ahead than the longest wait (5 minutes): the clock was set back
AND j.state IN ('QUEUED', 'FAILED', 'PROCESSING', 'LOADED')
AND (j.not_before_ms <= ?3 OR j.not_before_ms > ?3 + 360000 OR j.state = 'PROCESSING')
AND (j.state <> 'LOADED' OR (j.unverifiable = 0 AND (j.execution_id IS NULL OR j.id = ?5)))
AND NOT EXISTS (SELECT 1 FROM partition_ p WHERE p.pipeline = j.pipeline AND p.part = j.part
                AND p.state IN ('SKIPPED', 'ADOPTED'))
ORDER BY +j.part, +j.n LIMIT 1;

-- name: job_pending
-- ?3 the job of a HELD flag, ?4 the job of a STALE one
SELECT count(*) FROM job j
WHERE j.pipeline = ?1 AND (?2 IS NULL OR j.part = ?2) AND j.id <> ?3
AND j.state IN ('QUEUED', 'FAILED', 'PROCESSING', 'LOADED')
AND (j.state <> 'LOADED' OR (j.unverifiable = 0 AND (j.execution_id IS NULL OR j.id = ?4)))
AND NOT EXISTS (SELECT 1 FROM partition_ p WHERE p.pipeline = j.pipeline AND p.part = j.part
                AND p.state IN ('SKIPPED', 'ADOPTED'));

-- name: job_guard
-- the execution of the token is the one that works the job
SELECT 1 FROM job j JOIN task t ON t.execution_id = j.execution_id WHERE j.id = ?1 AND t.token = ?2;

-- name: job_guard_load
SELECT 1 FROM load l JOIN job j ON j.id = l.job_id JOIN task t ON t.execution_id = j.execution_id
WHERE l.load_id = ?1 AND t.token = ?2;

-- name: job_set
UPDATE job SET state = ?2, error = ?3, message = ?4, hint = ?5, attempts = attempts + ?6, not_before_ms = ?7,
  updated_ms = ?8,
  unverifiable = CASE WHEN ?2 = 'LOADED' THEN ?9 ELSE unverifiable END,
  tries = CASE WHEN ?2 IN ('FAILED', 'DEAD') THEN tries + 1 WHEN ?2 IN ('QUEUED', 'MISMATCHED') THEN tries ELSE 0 END,
  loaded_ms = CASE WHEN ?2 = 'LOADED' THEN ?8 ELSE loaded_ms END,
  reconciled_ms = CASE WHEN ?2 IN ('RECONCILED', 'EMPTY') THEN ?8 ELSE reconciled_ms END
WHERE id = ?1;

-- name: job_retry
UPDATE job SET state = 'QUEUED', attempts = 0, tries = 0, not_before_ms = 0, updated_ms = ?2
WHERE id = ?1 AND state IN ('DEAD', 'FAILED');

-- name: job_put_back
UPDATE job SET state = 'QUEUED', execution_id = NULL, not_before_ms = 0, updated_ms = ?2
WHERE id = ?1 AND state = 'PROCESSING';

-- name: job_requeue
-- with all its attempts and without its error: another file, or a load that the ledger lost
UPDATE job SET state = 'QUEUED', attempts = 0, tries = 0, not_before_ms = 0, error = NULL, message = NULL, hint = NULL,
  execution_id = NULL, updated_ms = ?2
WHERE id = ?1;

-- name: job_close
UPDATE job SET state = ?2, message = ?3, error = NULL, hint = NULL, not_before_ms = 0, updated_ms = ?4 WHERE id = ?1;

-- name: job_loads_left
-- unsettled, settled and current, superseded
SELECT coalesce(sum(state IN ('DRAWN', 'PENDING')), 0), coalesce(sum(state IN ('LOADED', 'EMPTY', 'SAME')), 0),
  coalesce(sum(state = 'SUPERSEDED'), 0)
FROM load WHERE job_id = ?1;

-- name: job_state
-- with: who works or worked it, unverifiable, a person's decision on its partition
SELECT j.state, coalesce(j.execution_id, 0), j.unverifiable,
  EXISTS (SELECT 1 FROM partition_ p WHERE p.pipeline = j.pipeline AND p.part = j.part
          AND p.state IN ('SKIPPED', 'ADOPTED'))
FROM job j WHERE j.id = ?1 AND j.pipeline = ?2;

-- name: job_take
UPDATE job SET state = 'PROCESSING', execution_id = ?2, updated_ms = ?3 WHERE id = ?1;

-- name: job_abandon
-- its run ended without a word; not counted, and at once
UPDATE job SET execution_id = NULL, updated_ms = ?2, not_before_ms = 0,
  tries = CASE state WHEN 'PROCESSING' THEN tries + 1 ELSE tries END,
  error = CASE state WHEN 'PROCESSING' THEN 'States.HeartbeatTimeout' ELSE error END,
  message = CASE state WHEN 'PROCESSING' THEN ?3 ELSE message END,
  state = CASE state WHEN 'PROCESSING' THEN 'FAILED' ELSE state END
WHERE id = ?1 AND state IN ('PROCESSING', 'LOADED');

-- name: job_verdict
UPDATE job SET state = ?2, error = ?3, message = ?4, hint = NULL, updated_ms = ?5,
  unverifiable = CASE WHEN ?6 THEN 1 ELSE unverifiable END,
  reconciled_ms = CASE WHEN ?2 IN ('RECONCILED', 'EMPTY') THEN ?5 ELSE reconciled_ms END
WHERE id = ?1;

-- name: reconciliation_put
INSERT INTO reconciliation (job_id, at_ms, verdict, rows_source, rows_loaded, rows_rejected, rows_target, differences)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: reconciliation_newest
SELECT job_id, at_ms, rows_source, rows_loaded, rows_rejected, rows_target, verdict, differences
FROM reconciliation WHERE job_id = ?1 ORDER BY id DESC LIMIT 1;

-- name: job_not_empty
SELECT count(*) FROM load WHERE job_id = ?1 AND state NOT IN ('EMPTY', 'DROPPED');
