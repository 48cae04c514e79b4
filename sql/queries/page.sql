-- Pages of what grows, by keyset: what is behind a place is found, never counted off.
-- name: page_executions
-- ?5 1: those too that found nothing to do
SELECT id, name, pipeline, cause_of_start, status, error, cause, start_ms, stop_ms, idle, redrive_count, redrive_ms
FROM execution
WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR status = ?2) AND id < ?3
AND (?5 = 1 OR idle = 0) ORDER BY id DESC LIMIT ?4;

-- name: page_executions_pipeline
SELECT id, name, pipeline, cause_of_start, status, error, cause, start_ms, stop_ms, idle, redrive_count, redrive_ms
FROM execution INDEXED BY execution_pipeline
WHERE pipeline = ?1 AND (?2 IS NULL OR status = ?2) AND id < ?3
AND (?5 = 1 OR idle = 0) ORDER BY id DESC LIMIT ?4;

-- name: page_jobs
SELECT id FROM job WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR state = ?2) AND id < ?3 ORDER BY id DESC LIMIT ?4;

-- name: page_jobs_part
-- of one partition: ?5
SELECT id FROM job WHERE pipeline = ?1 AND part = ?5 AND (?2 IS NULL OR state = ?2) AND id < ?3 ORDER BY id DESC LIMIT ?4;

-- name: page_loads
-- what counts of [?2, ?3], behind the load ?5 of partition ?4
SELECT l.load_id FROM object o INDEXED BY object_part CROSS JOIN load l ON l.object_id = o.id
WHERE o.pipeline = ?1 AND o.part >= ?2 AND o.part <= ?3 AND (o.part, l.load_id) > (?4, ?5)
AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
ORDER BY o.part, l.load_id LIMIT ?6;

-- name: page_events
SELECT id, previous_id, type, ts_ms, details FROM event WHERE execution_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3;

-- name: page_rejects
-- by load and line, behind ?7 and ?8; the columns are those of reject_list
SELECT r.load_id, r.line, r.offset, r.raw_total, r.at_ms, j.n, coalesce(r.decided_ms, 0), r.column_, r.code, r.message,
  r.hint, r.raw_sha256, r.state, o.pipeline, o.part, o.key, j.state, r.who, r.reason, r.raw
FROM reject r CROSS JOIN load l ON l.load_id = r.load_id CROSS JOIN object o ON o.id = l.object_id
CROSS JOIN job j ON j.id = l.job_id
WHERE (r.load_id, r.line) > (?7, ?8) AND o.pipeline = ?1 AND (?2 IS NULL OR o.part = ?2)
AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
AND (?4 IS NULL OR r.code = ?4) AND (?5 IS NULL OR r.column_ = ?5)
AND CASE WHEN ?6 IS NULL THEN r.state IN ('PENDING', 'FINAL', 'FAILED') ELSE ?6 IN ('', r.state) END
ORDER BY r.load_id, r.line LIMIT ?3;

-- name: page_rejects_part
-- the same of one partition, which an index finds
SELECT r.load_id, r.line, r.offset, r.raw_total, r.at_ms, j.n, coalesce(r.decided_ms, 0), r.column_, r.code, r.message,
  r.hint, r.raw_sha256, r.state, o.pipeline, o.part, o.key, j.state, r.who, r.reason, r.raw
FROM object o INDEXED BY object_part CROSS JOIN load l ON l.object_id = o.id CROSS JOIN reject r ON r.load_id = l.load_id
CROSS JOIN job j ON j.id = l.job_id
WHERE o.pipeline = ?1 AND o.part = ?2 AND (r.load_id, r.line) > (?7, ?8)
AND l.state NOT IN ('SUPERSEDED', 'DROPPED')
AND (?4 IS NULL OR r.code = ?4) AND (?5 IS NULL OR r.column_ = ?5)
AND CASE WHEN ?6 IS NULL THEN r.state IN ('PENDING', 'FINAL', 'FAILED') ELSE ?6 IN ('', r.state) END
ORDER BY r.load_id, r.line LIMIT ?3;
