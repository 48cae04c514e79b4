-- name: counter_add
INSERT INTO counter (name, pipeline, label, value) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name, pipeline, label) DO UPDATE SET value = value + ?4;
-- name: counter_raise
INSERT INTO counter (name, pipeline, label, value) VALUES (?1, ?2, '', ?3)
ON CONFLICT (name, pipeline, label) DO UPDATE SET value = max(value, ?3);
-- name: counter_list
SELECT name, pipeline, label, value FROM counter ORDER BY name, pipeline, label;

-- Every tick counts years of hours. Most partitions have one job and no word of their own: an index counts them without
-- reading a row. What is odd (several jobs, or a decision or listing beside jobs) is read, and counted as it stands.
-- name: metric_jobs
SELECT count(*) FROM job INDEXED BY job_state WHERE pipeline = ?1 AND part BETWEEN ?2 AND ?3 AND state = ?4;
-- name: metric_own
SELECT count(*) FROM partition_ INDEXED BY partition_state
WHERE pipeline = ?1 AND part BETWEEN ?2 AND ?3 AND state = ?4;
-- name: metric_unverifiable
SELECT count(*) FROM job INDEXED BY job_view
WHERE pipeline = ?1 AND part BETWEEN ?2 AND ?3 AND state = 'LOADED' AND unverifiable <> 0;
-- name: metric_odd
-- by its jobs (0), and by a decision or a listing (1)
WITH odd(part) AS MATERIALIZED (
  SELECT part FROM job INDEXED BY job_more WHERE pipeline = ?1 AND n > 1 AND part BETWEEN ?2 AND ?3
  UNION
  SELECT p.part FROM partition_ p INDEXED BY partition_state
  WHERE p.pipeline = ?1 AND p.state IN ('SKIPPED', 'ADOPTED', 'LATE', 'WAITING', 'EMPTY') AND p.part BETWEEN ?2 AND ?3
    AND EXISTS (SELECT 1 FROM job j INDEXED BY job_view WHERE j.pipeline = p.pipeline AND j.part = p.part))
SELECT o.part, j.state, j.unverifiable, 0 FROM odd o CROSS JOIN job j INDEXED BY job_view
  ON j.pipeline = ?1 AND j.part = o.part WHERE j.state <> 'SUPERSEDED'
UNION ALL
SELECT o.part, p.state, 0, 1 FROM odd o CROSS JOIN partition_ p ON p.pipeline = ?1 AND p.part = o.part
WHERE p.state <> 'QUEUED'
ORDER BY 1;
-- name: metric_more
SELECT count(*) FROM job INDEXED BY job_more WHERE pipeline = ?1 AND part BETWEEN ?2 AND ?3 AND n > 1;
-- name: metric_parts
-- all of them as metric_odd tells them, where most are odd. Every arm comes in the order of an index that covers it, so that
-- they are merged and not sorted; the one with most rows is last, outermost in the merge
SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'SKIPPED' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'ADOPTED' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'LATE' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'WAITING' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND state = 'EMPTY' AND part BETWEEN ?2 AND ?3
UNION ALL SELECT part, state, unverifiable, 0 FROM job INDEXED BY job_view
  WHERE pipeline = ?1 AND part BETWEEN ?2 AND ?3 AND state <> 'SUPERSEDED'
ORDER BY 1;
-- name: metric_newest
-- the newest partition before ?3 that has something well
SELECT max(part) FROM (
  SELECT max(part) AS part FROM job INDEXED BY job_state
    WHERE pipeline = ?1 AND state = 'RECONCILED' AND part >= ?2 AND part < ?3
  UNION ALL
  SELECT max(part) FROM job INDEXED BY job_state WHERE pipeline = ?1 AND state = 'EMPTY' AND part >= ?2 AND part < ?3
  UNION ALL
  SELECT max(part) FROM partition_ INDEXED BY partition_state
    WHERE pipeline = ?1 AND state = 'EMPTY' AND part >= ?2 AND part < ?3
  UNION ALL
  SELECT part FROM (SELECT part FROM job INDEXED BY job_state
    WHERE pipeline = ?1 AND state = 'LOADED' AND unverifiable <> 0 AND part >= ?2 AND part < ?3
    ORDER BY part DESC LIMIT 1));
-- name: metric_part
-- one partition, as metric_odd tells it
SELECT part, state, unverifiable, 0 FROM job WHERE pipeline = ?1 AND part = ?2 AND state <> 'SUPERSEDED'
UNION ALL SELECT part, state, 0, 1 FROM partition_ WHERE pipeline = ?1 AND part = ?2 AND state <> 'QUEUED';
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
