-- name: counter_add
INSERT INTO counter (name, pipeline, label, value) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name, pipeline, label) DO UPDATE SET value = value + ?4;
-- name: counter_list
SELECT name, pipeline, label, value FROM counter ORDER BY name, pipeline, label;

-- name: metric_left_state
-- the state that a frame is in, and since when
SELECT e.pipeline, f.state, f.entered_ms FROM frame f JOIN execution e ON e.id = f.execution_id
WHERE f.execution_id = ?1 AND f.id = ?2;

-- name: metric_parts
-- Where each partition stands: by a decision or a listing (1), and by each of its jobs (0). Every arm comes in the order of
-- an index that covers it, so that they are merged and not sorted; the one with most rows is last, outermost in the merge.
SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'SKIPPED' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'ADOPTED' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'LATE' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'WAITING' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'EMPTY' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, unverifiable, 0 FROM job
  WHERE pipeline = ?1 AND part BETWEEN ?2 AND ?3 AND state <> 'SUPERSEDED'
ORDER BY 1;
-- name: metric_queued
-- partitions that say: their jobs tell
SELECT count(*) FROM partition_ WHERE pipeline = ?1 AND state = 'QUEUED' AND part BETWEEN ?2 AND ?3;
-- name: metric_landed
SELECT coalesce(max(coalesce(reconciled_ms, loaded_ms)), 0) FROM job WHERE pipeline = ?1 AND part = ?2;
-- name: metric_mismatch
-- what cannot be explained, by the newest reconciliation of each mismatched job
SELECT count(DISTINCT j.part), coalesce(sum((SELECT abs(r.rows_source - r.rows_rejected - r.rows_target)
  FROM reconciliation r WHERE r.job_id = j.id ORDER BY r.id DESC LIMIT 1)), 0)
FROM job j WHERE j.pipeline = ?1 AND j.state = 'MISMATCHED';
-- name: metric_paused
SELECT count(*) FROM pause WHERE pipeline = ?1;
-- name: metric_channels
SELECT name, sent, failed FROM channel ORDER BY name;
