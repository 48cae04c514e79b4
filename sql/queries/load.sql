-- name: load_get
SELECT l.load_id, l.job_id, l.object_id, l.generation, l.replaces, l.rows_read, l.rows_loaded, l.rows_rejected,
  l.empty_lines, l.state, l.columns, l.rejects_missing, o.key, o.etag, o.version_id, o.sha256, o.part, o.size,
  o.mtime_ns, o.modified_ms, l.loaded_ms, coalesce(o.said_rows, -1), o.said_sha256
FROM load l JOIN object o ON o.id = l.object_id WHERE l.load_id = ?1;

-- name: load_list
SELECT l.load_id, l.job_id, l.object_id, l.generation, l.replaces, l.rows_read, l.rows_loaded, l.rows_rejected,
  l.empty_lines, l.state, l.columns, l.rejects_missing, o.key, o.etag, o.version_id, o.sha256, o.part, o.size,
  o.mtime_ns, o.modified_ms, l.loaded_ms, coalesce(o.said_rows, -1), o.said_sha256
FROM load l JOIN object o ON o.id = l.object_id WHERE l.job_id = ?1 AND l.state <> 'DROPPED' ORDER BY o.key;

-- name: load_newest
SELECT l.load_id, l.job_id, l.object_id, l.generation, l.replaces, l.rows_read, l.rows_loaded, l.rows_rejected,
  l.empty_lines, l.state, l.columns, l.rejects_missing, o.key, o.etag, o.version_id, o.sha256, o.part, o.size,
  o.mtime_ns, o.modified_ms, l.loaded_ms, coalesce(o.said_rows, -1), o.said_sha256
FROM object o CROSS JOIN load l ON l.object_id = o.id
WHERE o.pipeline = ?1 AND o.key = ?2 AND l.state IN ('LOADED', 'EMPTY')
ORDER BY l.generation DESC LIMIT 1;

-- name: load_open
SELECT l.load_id, l.job_id, l.object_id, l.state = 'PENDING', j.state = 'PROCESSING',
  j.state IN ('QUEUED', 'FAILED', 'DEAD'), j.state = 'DEAD'
FROM object o CROSS JOIN load l ON l.object_id = o.id JOIN job j ON j.id = l.job_id
WHERE o.pipeline = ?1 AND o.key = ?2 AND l.state IN ('DRAWN', 'PENDING')
ORDER BY l.generation DESC LIMIT 1;

-- name: load_last_generation
SELECT coalesce(max(l.generation), 0) FROM object o CROSS JOIN load l ON l.object_id = o.id
WHERE o.pipeline = ?1 AND o.key = ?2;

-- name: load_put
INSERT OR IGNORE INTO load (load_id, job_id, object_id, generation, state, replaces) VALUES (?1, ?2, ?3, ?4, 'DRAWN', ?5);

-- name: load_repoint
UPDATE load SET object_id = ?2 WHERE load_id = ?1 AND state = 'DRAWN';

-- name: load_drop
UPDATE load SET state = 'DROPPED' WHERE load_id = ?1 AND state = 'DRAWN';

-- name: load_waiting
-- no effect yet, in a job that nobody works
SELECT l.load_id, l.object_id, l.job_id FROM job j JOIN load l ON l.job_id = j.id
WHERE j.pipeline = ?1 AND j.part = ?2 AND j.state IN ('QUEUED', 'FAILED', 'DEAD') AND l.state = 'DRAWN' LIMIT 1;

-- name: load_any
SELECT 1 FROM job j JOIN load l ON l.job_id = j.id
WHERE j.pipeline = ?1 AND j.part = ?2 AND l.state <> 'DROPPED' LIMIT 1;

-- name: load_pending
UPDATE load SET state = 'PENDING', rows_read = ?2, rows_loaded = ?3, rows_rejected = ?4, empty_lines = ?5, columns = ?6
WHERE load_id = ?1 AND state IN ('DRAWN', 'PENDING');

-- name: load_undo
UPDATE load SET state = 'DRAWN', rows_read = 0, rows_loaded = 0, rows_rejected = 0, empty_lines = 0, columns = '',
  loaded_ms = NULL, rejects_missing = 0
WHERE load_id = ?1;

-- name: load_settle
UPDATE load SET state = ?2, loaded_ms = coalesce(loaded_ms, ?3),
  rejects_missing = rows_rejected > (SELECT count(*) FROM reject r WHERE r.load_id = ?1 AND r.state IN ('FINAL', 'DISCARDED')),
  replaces = CASE WHEN ?4 <> 0 THEN ?4 ELSE replaces END
WHERE load_id = ?1;

-- name: load_older
-- the current loads of the key before this one
SELECT l.load_id, l.job_id FROM object o CROSS JOIN load l ON l.object_id = o.id
WHERE o.pipeline = ?1 AND o.key = ?2 AND l.state IN ('LOADED', 'EMPTY', 'SAME') AND l.generation < ?3
ORDER BY l.generation DESC LIMIT 1;

-- name: load_supersede
UPDATE load SET state = 'SUPERSEDED' WHERE load_id = ?1;

-- name: load_drawn
-- of a job: without effect, for certain
SELECT l.load_id, l.object_id FROM load l WHERE l.job_id = ?1 AND l.state = 'DRAWN' LIMIT 1;

-- name: load_unknown
-- of a job: its effect may have happened
SELECT 1 FROM load l WHERE l.job_id = ?1 AND l.state = 'PENDING' LIMIT 1;

-- name: load_of_object
-- what is loaded of this very sighting
SELECT l.state FROM load l WHERE l.object_id = ?1 AND l.state IN ('LOADED', 'EMPTY', 'SAME')
ORDER BY l.generation DESC LIMIT 1;

-- name: load_recount
-- rejects of it were loaded: as the ledger has it now
UPDATE load SET rows_loaded = ?2, rows_rejected = ?3, columns = ?4,
  rejects_missing = ?3 > (SELECT count(*) FROM reject r WHERE r.load_id = ?1 AND r.state IN ('FINAL', 'DISCARDED'))
WHERE load_id = ?1 AND state = 'LOADED';
