-- What status, plan and explain read: two walks in order of part, merged by the program, and what lies beside them.
-- name: view_parts
SELECT part, state, since_ms, listed_ms, reason FROM partition_
WHERE pipeline = ?1 AND part >= ?2 AND part <= ?3 ORDER BY part;

-- name: view_job_states
-- from the index alone: a glance over years of hours reads no row of a job
SELECT part, n, state, unverifiable FROM job INDEXED BY job_view
WHERE pipeline = ?1 AND part >= ?2 AND part <= ?3 ORDER BY part, n;

-- name: view_jobs
SELECT j.part, j.n, j.state, j.unverifiable, j.id, j.attempts, j.tries, j.not_before_ms, j.execution_id, j.bytes,
  j.pipeline, j.kind, j.error, j.message, j.hint, j.reason, j.who, j.created_ms, j.updated_ms, j.loaded_ms,
  j.reconciled_ms, count(l.load_id), sum(l.rows_read), sum(l.rows_loaded), sum(l.rows_rejected)
FROM job j LEFT JOIN load l ON l.job_id = j.id AND l.state <> 'DROPPED'
WHERE j.pipeline = ?1 AND j.part >= ?2 AND j.part <= ?3
GROUP BY j.part, j.n ORDER BY j.part, j.n;

-- name: view_jobs_open
-- only those that are not settled: few, however many there are; the columns are those of view_jobs
SELECT j.part, j.n, j.state, j.unverifiable, j.id, j.attempts, j.tries, j.not_before_ms, j.execution_id, j.bytes,
  j.pipeline, j.kind, j.error, j.message, j.hint, j.reason, j.who, j.created_ms, j.updated_ms, j.loaded_ms,
  j.reconciled_ms, count(l.load_id), sum(l.rows_read), sum(l.rows_loaded), sum(l.rows_rejected)
FROM job j INDEXED BY job_state LEFT JOIN load l ON l.job_id = j.id AND l.state <> 'DROPPED'
WHERE j.pipeline = ?1 AND j.state IN ('QUEUED', 'PROCESSING', 'LOADED', 'FAILED', 'DEAD', 'MISMATCHED')
AND j.part >= ?2 AND j.part <= ?3 AND (j.state <> 'LOADED' OR j.unverifiable = 0)
GROUP BY j.part, j.n ORDER BY j.part, j.n;

-- name: view_marks
-- ?2 ?3 from, to. What a person has acknowledged is no mark any more, until it is another
SELECT part, 'NEW', count(*), 0 FROM object INDEXED BY object_new
WHERE pipeline = ?1 AND verdict = 'NEW' AND part >= ?2 AND part <= ?3 GROUP BY part
UNION ALL
SELECT o.part, 'REFUSED', count(*), 0 FROM object o INDEXED BY object_refused
WHERE o.pipeline = ?1 AND o.verdict = 'REFUSED' AND o.part >= ?2 AND o.part <= ?3
AND NOT EXISTS (SELECT 1 FROM object x WHERE x.pipeline = o.pipeline AND x.key = o.key AND x.id > o.id)
AND NOT EXISTS (SELECT 1 FROM ack a WHERE a.pipeline = o.pipeline AND a.part = o.part AND a.class = 'REFUSED'
                AND CAST(a.subject AS INTEGER) >= o.id)
GROUP BY o.part
UNION ALL
SELECT c.part, 'SMALL', c.rows, c.usual FROM size_check c
WHERE c.pipeline = ?1 AND c.small AND c.part >= ?2 AND c.part <= ?3
AND NOT EXISTS (SELECT 1 FROM ack a WHERE a.pipeline = c.pipeline AND a.part = c.part AND a.class = 'SMALL'
                AND CAST(a.subject AS INTEGER) = c.rows)
ORDER BY 1;

-- name: view_channels
SELECT name, failing_since_ms, tried_ms, failed, error FROM channel WHERE failing_since_ms IS NOT NULL ORDER BY name;
